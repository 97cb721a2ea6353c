"""Does the board fill itself from the files, as a coordinator sees it through the command line?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCHEDULE = """
[[deliverable]]
id = "R1-SOUND"
name = "Reel 1 to sound"
kind = "reel-handover"
from = "Editorial"
due = 2020-01-01T18:00:00Z
  [[deliverable.item]]
  name = "AAF"
  match = "SOUND/R1/*_v{version}.aaf"
  [[deliverable.item]]
  name = "Notes"
  match = "SOUND/R1/notes.txt"
  required = false

[[deliverable]]
id = "SHOT"
from = "VFX House"
due = 2999-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Plates"
  match = "VFX/{shot}_v{version}.####.dpx"

[[deliverable]]
id = "DAY1"
from = "DIT"
due = 2999-01-01T18:00:00Z
proof = "manifest"
  [[deliverable.item]]
  name = "Rolls"
  match = "OCF/{roll}/"
  count = "one per roll in A001..A002"
"""


class Show:
    """A volume, a catalog and a schedule, through the command line."""

    def __init__(self, folder: Path, call: Callable[..., Any]) -> None:
        self.root = folder / "ingest"
        self.root.mkdir()
        self.folder = folder
        self._call = call

    def __call__(self, *args: str | Path) -> Any:
        return self._call("--catalog", self.folder / "catalog.db", *args)

    def put(self, path: str, content: bytes | str) -> Path:
        """Write a file below the volume."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def scan(self) -> None:
        """Take stock."""
        self("scan", self.root, "--settle", "50ms", "--json")

    def schedule(self, text: str = SCHEDULE) -> Any:
        """Import a schedule."""
        (self.folder / "show.toml").write_text(text)
        return self("schedule", "import", self.folder / "show.toml", "--json").json

    def one(self, identity: str) -> Any:
        """One deliverable as JSON."""
        return self("deliverables", identity, "--json").json[0]

    def states(self) -> dict[str, str]:
        """Where each deliverable stands."""
        return {one["id"]: one["status"] for one in self("deliverables", "--json").json}


@pytest.fixture
def show(tmp_path: Path, call: Callable[..., Any]) -> Show:
    """A show with its schedule imported, and nothing delivered."""
    made = Show(tmp_path, call)
    assert made.schedule()["applied"]
    return made


def frames(show: Show, version: int, numbers: range | tuple[int, ...]) -> None:
    for number in numbers:
        show.put(f"VFX/SH010_v{version:03}.{number}.dpx", bytes([number % 256, version]) * 2048)


class TestBoard:
    def test_what_is_late_comes_first_and_ends_with_1(self, show: Show) -> None:
        """Nothing came: what is past its due date is late, the worst first, and the exit code says so."""
        answer = show("deliverables", "--json")
        assert answer.code == 1
        assert [(one["id"], one["status"], one["late"]) for one in answer.json] == [
            ("R1-SOUND", "expected", True),
            ("SHOT", "expected", False),
            ("DAY1", "expected", False),
        ]
        assert [one["id"] for one in show("deliverables", "--late", "--json").json] == ["R1-SOUND"]
        assert show("deliverables", "SHOT", "--json").code == 0

    def test_it_fills_itself_from_the_files(self, show: Show) -> None:
        """The highest version fulfils, a sequence with a gap does not, and a roll needs its proof."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        show.put("SOUND/R1/cut_v002.aaf", "two")
        frames(show, 1, (1001, 1002, 1004))
        clip = show.put("OCF/A001/A001C001.mov", "clip")
        show.put("OCF/A001/A001.md5", f"{hashlib.md5(clip.read_bytes()).hexdigest()}  A001C001.mov\n")
        show.put("OCF/A002/A002C001.mov", "clip")
        show.scan()
        assert show.states() == {"R1-SOUND": "verified", "SHOT": "partial", "DAY1": "arrived"}
        sound = show.one("R1-SOUND")
        assert sound["arrived_late"]
        assert sound["items"][0]["files"] == ["ingest:SOUND/R1/cut_v002.aaf"]
        assert "frame 1003 is missing" in str(show.one("SHOT")["items"][0]["problems"])
        assert show.one("DAY1")["items"][0]["verified"] == 1
        card = show("deliverables", "DAY1").out
        assert "ingest:OCF/A001  verified, " in card
        assert "ingest:OCF/A002  recorded, " in card
        frames(show, 1, (1003,))
        show.scan()
        assert show.states()["SHOT"] == "verified"

    def test_a_conflict_is_told(self, show: Show) -> None:
        """The same version with other bytes makes the deliverable fail."""
        frames(show, 1, range(1001, 1004))
        show.scan()
        assert show.states()["SHOT"] == "verified"
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("SOUND/R1/other_v001.aaf", "two")
        show.scan()
        assert show.states()["R1-SOUND"] == "failed"

    def test_files_say_what_they_are_for(self, show: Show) -> None:
        """`files` names deliverables, lists those of one, and those that lie where one is expected and are for none."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("SOUND/R1/stray.bin", "x")
        show.put("ELSEWHERE/free.bin", "x")
        frames(show, 1, range(1001, 1003))
        show.scan()
        known = {one["path"]: one["deliverables"] for one in show("files", "--json").json}
        assert known["SOUND/R1/cut_v001.aaf"] == ["R1-SOUND"]
        assert known["VFX/SH010_v001.1001.dpx"] == ["SHOT"]
        assert known["ELSEWHERE/free.bin"] == []
        linked = [one["path"] for one in show("files", "--deliverable", "SHOT", "--json").json]
        assert linked == ["VFX/SH010_v001.1001.dpx", "VFX/SH010_v001.1002.dpx"]
        assert [one["path"] for one in show("files", "--unlinked", "--json").json] == ["SOUND/R1/stray.bin"]
        assert show("files", "--deliverable", "NONE").code == 2

    def test_status_leads_with_what_needs_a_person(self, show: Show) -> None:
        """The first page counts deliverables by status and names the late one."""
        answer = show("status", "--json")
        assert answer.code == 1
        assert answer.json["deliverables"] == {"by_status": {"expected": 3}, "late": 1, "due_soon": 0}
        assert "R1-SOUND from Editorial: expected, late" in show("status").out.splitlines()[0]

    def test_a_file_for_two_items_is_ambiguous(self, show: Show) -> None:
        """A file that fits several items is listed with all of them."""
        show.schedule(SCHEDULE + '  [[deliverable.item]]\n  name = "Same"\n  match = "SOUND/**/*.aaf"\n')
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        answer = show("deliverables", "--ambiguous", "--json")
        assert [one["path"] for one in answer.json] == ["SOUND/R1/cut_v001.aaf"]
        assert [item["item"] for item in answer.json[0]["items"]] == ["AAF", "Same"]

    def test_a_board_without_a_schedule(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """What is missing then is the schedule; a wrong option is told all the same."""
        show = Show(tmp_path, call)
        show.scan()
        empty = show("deliverables")
        assert (empty.code, empty.out) == (0, "")
        assert "Nothing is scheduled" in empty.err
        assert show("deliverables", "--due-within", "x").code == 2

    def test_of_any_number_the_card_tells_how_many(self, show: Show) -> None:
        """Where none is owed by number, what is here is counted; where nothing is due, that is said."""
        show.schedule('[[deliverable]]\nid = "A"\n[[deliverable.item]]\nmatch = "A/*.wav"\ncount = "any"\n')
        for name in "ab":
            show.put(f"A/{name}.wav", name)
        show.scan()
        card = show("deliverables", "A").out.splitlines()
        assert card[:2] == ["A  A", "verified, no due date, 0 of 0 here, proof: none"]
        assert "A/*.wav: 2 here" in card

    def test_the_board_says_what_is_not_whole(self, show: Show) -> None:
        """What came and is not whole is told beside what is missing."""
        for frame in (1001, 1003):
            show.put(f"VFX/a_v001.{frame}.dpx", f"{frame}")
        show.scan()
        assert "missing: Plates; a_v001.[1001-1003].dpx: frame 1002 is missing" in show("deliverables").out


class TestWords:
    def test_an_acceptance_holds_for_the_bytes_it_was_said_of(self, show: Show) -> None:
        """New content of what was accepted opens the question again."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        show("deliverable", "accept", "R1-SOUND", "--by", "Jo")
        accepted = show.one("R1-SOUND")
        assert (accepted["status"], accepted["decision"]["by"]) == ("accepted", "Jo")
        show.put("SOUND/R1/cut_v002.aaf", "two")
        show.scan()
        after = show.one("R1-SOUND")
        assert (after["status"], after["reopened"]["word"]) == ("verified", "accept")
        told = "! open again, because files have changed since a person's word: R1-SOUND"
        assert told in show("status").out
        show("deliverable", "accept", "R1-SOUND", "--by", "Jo")
        assert "open again" not in show("status").out

    def test_what_was_rejected_and_comes_again_is_known(self, show: Show) -> None:
        """The same bytes under a new version do not fulfil; other bytes do."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        show("deliverable", "reject", "R1-SOUND", "--why", "no 2-pop")
        show.put("SOUND/R1/cut_v002.aaf", "one")
        show.scan()
        again = show.one("R1-SOUND")
        assert again["status"] == "rejected"
        assert "the same file sent again" in str(again["items"][0]["problems"])
        assert "the same file was sent again" in show("deliverables", "R1-SOUND").out
        show.put("SOUND/R1/cut_v003.aaf", "better")
        show.scan()
        assert show.one("R1-SOUND")["status"] == "verified"
        show("deliverable", "accept", "R1-SOUND", "--why", "fine now")
        assert "was sent again" not in show("deliverables", "R1-SOUND").out

    def test_what_came_and_was_lost_here_is_not_its_senders_fault(self, show: Show) -> None:
        """The board says that it is gone, and the message that it had come."""
        file = show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        file.unlink()
        show.scan()
        assert "missing: AAF; cut_v001.aaf: gone" in show("deliverables").out
        said = show("chase", "R1-SOUND").out
        assert "This came, and we do not have it any more:\n  - cut_v001.aaf, received " in said
        assert "still missing" not in said

    def test_links_by_hand_stick(self, show: Show) -> None:
        """What a person linked fulfils whatever its name; what he unlinked is not linked again by the rule."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("ODD/name.aaf", "two")
        show.scan()
        show("deliverable", "unlink", "R1-SOUND", "AAF", "ingest:SOUND/R1/cut_v001.aaf")
        assert show.one("R1-SOUND")["status"] == "expected"
        show.put("SOUND/R1/notes.txt", "x")
        show.scan()
        assert show.one("R1-SOUND")["items"][0]["files"] == []
        show("deliverable", "link", "R1-SOUND", "AAF", "ingest:ODD/name.aaf")
        assert show.one("R1-SOUND")["items"][0]["files"] == ["ingest:ODD/name.aaf"]
        show.schedule()
        assert show.one("R1-SOUND")["items"][0]["files"] == ["ingest:ODD/name.aaf"]

    def test_the_card_tells_what_people_said_and_linked(self, show: Show) -> None:
        """Links by hand and decisions stand on the card with who and what; a new date with the date."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("ODD/name.aaf", "two")
        show.scan()
        show("deliverable", "unlink", "R1-SOUND", "AAF", "ingest:SOUND/R1/cut_v001.aaf", "--by", "Jo")
        show("deliverable", "link", "R1-SOUND", "AAF", "ingest:ODD/name.aaf", "--by", "Al")
        show("deliverable", "redeliver", "R1-SOUND", "--due", "2999-02-01 12:00 UTC", "--by", "Jo", "--why", "strike")
        show("deliverable", "accept", "R1-SOUND", "--by", "Jo")
        card = show("deliverables", "R1-SOUND").out
        assert "unlinked from AAF by Jo: cut_v001.aaf" in card
        assert "linked to AAF by Al: name.aaf" in card
        assert "new due date 2999-02-01 12:00, said by Jo: strike" in card
        assert "accepted by Jo" in card
        show.put("ODD/name.aaf", "three")
        show.scan()
        assert "accepted by Jo, but the files have changed since" in show("deliverables", "R1-SOUND").out

    def test_the_board_in_groups(self, show: Show) -> None:
        """Days are those of the show's zone, reels go by their number, and what has none comes last."""
        (show.folder / "show.conf").write_text('time_zone = "America/Los_Angeles"\n')
        blocks = [("A", "R10", "2026-12-02 03:00 UTC"), ("B", "R9", "2026-12-02 18:00"), ("C", "paper", "")]
        show.schedule(
            "\n".join(
                f'[[deliverable]]\nid = "{key}"\nname = "{name}"\n' + (f'due = "{due}"\n' if due else "")
                for key, name, due in blocks
            )
        )
        by_due = show("--config", show.folder / "show.conf", "deliverables", "--by", "due").out
        assert [line for line in by_due.splitlines() if line.endswith(": 1")] == [
            "2026-12-01: 1",
            "2026-12-02: 1",
            "no due date: 1",
        ]
        by_reel = show("deliverables", "--by", "reel").out
        assert [line for line in by_reel.splitlines() if line.endswith(": 1")] == ["R9: 1", "R10: 1", "no reel: 1"]

    def test_on_a_narrow_terminal_what_is_to_know_stands_below_the_name(self, show: Show, terminal: Any) -> None:
        """Eighty columns are enough to read the board: no word is broken."""
        said = terminal("--catalog", str(show.folder / "catalog.db"), "deliverables")
        assert "missing: A001, A002" in said
        assert "from Editorial" in said
        assert "WHAT" not in said

    def test_waived_cancelled_and_redelivered(self, show: Show) -> None:
        """What is waived or cancelled is late no more; a new date keeps the first one."""
        show("deliverable", "waive", "R1-SOUND", "--why", "cut from the show")
        assert (show.one("R1-SOUND")["status"], show.one("R1-SOUND")["late"]) == ("waived", False)
        show("deliverable", "reopen", "R1-SOUND")
        assert show.one("R1-SOUND")["late"]
        show("deliverable", "redeliver", "R1-SOUND", "--due", "2999-02-01 12:00 UTC")
        moved = show.one("R1-SOUND")
        assert (moved["late"], moved["original_due"]) == (False, "2020-01-01T18:00:00.000000Z")
        show("deliverable", "cancel", "SHOT")
        assert show.one("SHOT")["status"] == "cancelled"

    def test_chase_does_not_blame_the_sender_for_our_disk(self, show: Show) -> None:
        """What was as sent and has been changed here since is failed, and its sender is not asked for it."""
        for roll in ("A001", "A002"):
            show.put(f"OCF/{roll}/clip.mov", f"clip of {roll}")
            digest = hashlib.md5(f"clip of {roll}".encode()).hexdigest()
            show.put(f"OCF/{roll}/{roll}.md5", f"{digest}  clip.mov\n")
        show.scan()
        show.schedule()
        assert show("deliverables", "DAY1", "--json").json[0]["status"] == "verified"
        show.put("OCF/A002/clip.mov", "written over here")
        show.scan()
        card = show("deliverables", "DAY1")
        assert "was as sent when it came, and has been changed here since" in card.out
        assert card.code == 1
        assert "clip.mov" not in show("chase", "DAY1").out

    def test_chase_names_files_and_no_folders(self, show: Show) -> None:
        """The message to the sender says what is missing and wrong, and none of our paths."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("SOUND/R1/other_v001.aaf", "two")
        show.scan()
        answer = show("chase", "R1-SOUND")
        assert answer.code == 1
        assert answer.out.startswith("To: Editorial\n")
        assert "other_v001.aaf" in answer.out
        assert "SOUND/R1" not in answer.out
        assert "A001" in show("chase", "DAY1").out
        assert show("chase", "NONE").code == 2


class TestSchedule:
    def test_a_dry_run_changes_nothing(self, show: Show) -> None:
        """A dry run tells the difference and leaves the schedule as it is."""
        (show.folder / "next.toml").write_text(SCHEDULE.replace('"Editorial"', '"Assistant"').replace("DAY1", "DAY2"))
        answer = show("schedule", "import", show.folder / "next.toml", "--dry-run", "--json").json
        assert not answer["applied"]
        assert [one["id"] for one in answer["added"]] == ["DAY2"]
        assert [one["id"] for one in answer["removed"]] == ["DAY1"]
        assert answer["changed"][0]["changes"] == [{"field": "from", "before": "Editorial", "after": "Assistant"}]
        assert set(show.states()) == {"R1-SOUND", "SHOT", "DAY1"}

    def test_nothing_is_applied_when_anything_is_wrong(self, show: Show) -> None:
        """One fault keeps the whole file out, with exit code 1."""
        (show.folder / "bad.toml").write_text(SCHEDULE.replace("SHOT", "SHOTS").replace("A001..A002", "A2..A1"))
        answer = show("schedule", "import", show.folder / "bad.toml")
        assert answer.code == 1
        assert "line" in answer.err
        assert set(show.states()) == {"R1-SOUND", "SHOT", "DAY1"}

    def test_importing_again_loses_nothing(self, show: Show) -> None:
        """Links, decisions and the first due date outlive a schedule from which a deliverable was gone for a while."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.scan()
        show("deliverable", "accept", "R1-SOUND")
        show.schedule(SCHEDULE.replace("R1-SOUND", "OTHER"))
        assert "R1-SOUND" not in show.states()
        show.schedule(SCHEDULE.replace("2020-01-01", "2999-05-05"))
        one = show.one("R1-SOUND")
        assert (one["status"], one["original_due"]) == ("accepted", "2020-01-01T18:00:00.000000Z")

    @pytest.mark.parametrize("form", ["toml", "csv"])
    def test_an_export_is_no_change(self, show: Show, form: str) -> None:
        """What is exported and imported again is the same schedule."""
        show("schedule", "export", "--format", form, "-o", show.folder / f"out.{form}")
        answer = show("schedule", "import", show.folder / f"out.{form}", "--dry-run", "--json").json
        assert (answer["added"], answer["changed"], answer["removed"], answer["faults"]) == ([], [], [], [])

    def test_a_pattern_is_tried_before_it_is_imported(self, show: Show) -> None:
        """`schedule test` shows what a rule takes, with its named parts and what each thing would be."""
        show.put("SOUND/R1/cut_v001.aaf", "one")
        show.put("SOUND/R1/cut_v002.aaf", "two")
        show.scan()
        answer = show("schedule", "test", "SOUND/{reel}/*_v{version}.aaf", "--json").json
        assert [(one["path"], one["parts"], one["role"]) for one in answer] == [
            ("SOUND/R1/cut_v001.aaf", {"reel": "R1", "version": "001"}, "superseded"),
            ("SOUND/R1/cut_v002.aaf", {"reel": "R1", "version": "002"}, "current"),
        ]
        assert show("schedule", "test", "a/{b").code == 2

    def test_the_calendar_has_an_event_for_each_due_date(self, show: Show) -> None:
        """`schedule ics` writes what is due as iCalendar."""
        text = show("schedule", "ics").out
        assert text.count("BEGIN:VEVENT") == 3
        assert "SUMMARY:LATE: Reel 1 to sound" in text

    def test_templates_are_listed_and_printed(self, show: Show) -> None:
        """Without a kind the templates are listed; an unknown one is a wrong use."""
        assert "sound-turnover" in show("schedule", "template").out
        assert 'over = { reel = "R1..R3" }' in show("schedule", "template", "mix-stems", "--over", "R1..R3").out
        assert show("schedule", "template", "nothing").code == 2


CUT = """TITLE: R2 v003
FCM: NON-DROP FRAME

001  A001C001 V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: A001C001
002  A002C007 V     C        01:00:10:00 01:00:11:00 01:00:02:00 01:00:03:00
* FROM CLIP NAME: A002C007
"""


class TestCut:
    def test_every_source_of_a_cut_is_needed(self, show: Show) -> None:
        """A cut list brings its sources with it: what is not in the catalog is missing, until it comes."""
        show.schedule(
            '[[deliverable]]\nid = "R2-DI"\nkind = "conform"\nfrom = "Editorial"\ndue = 2999-01-01\n'
            '  [[deliverable.item]]\n  name = "Everything the cut uses"\n  timeline = "DI/R2/*.edl"\n'
        )
        show.put("DI/R2/cut.edl", CUT)
        show.put("OCF/A001/A001C001.mov", "clip one")
        show.scan()
        item = show.one("R2-DI")["items"][0]
        assert (item["required"], item["arrived"]) == (3, 2)
        assert len(item["missing"]) == 1
        assert "A002C007" in item["missing"][0]
        assert "ingest:OCF/A001/A001C001.mov" in item["files"]
        assert "A002C007" in show("chase", "R2-DI").out
        show.put("OCF/A002/A002C007.mov", "clip two")
        show.scan()
        assert show.one("R2-DI")["status"] == "verified"
