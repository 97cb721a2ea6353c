"""Does a coordinator learn which footage is missing, with a schedule and without one?"""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCHEDULE = """
[[deliverable]]
id = "DAY12"
name = "Camera originals of day 12"
kind = "camera-originals"
from = "DIT"
due = 2999-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Rolls"
  match = "OCF/2026-11-02/{card}/"
  count = "one per roll in A004"
  [[deliverable.item]]
  name = "Camera report"
  match = "OCF/2026-11-02/*.csv"
  required = false
"""

REPORT = """Camera report;;;
Day;12;;
;;;
Camera Roll;Clip;Duration;Scene
A004;1;00:00:10:00;42
A004;C002;00:00:10:00;42
A004;7;00:00:10:00;43
"""


class Day:
    """A shoot day on a volume, through the command line."""

    def __init__(self, folder: Path, call: Callable[..., Any]) -> None:
        self.root = folder / "ingest"
        self.folder = folder
        self._call = call

    def __call__(self, *args: str | Path) -> Any:
        return self._call("--catalog", self.folder / "catalog.db", *args)

    def clip(self, number: int, roll: str = "A004", serial: str = "R1JL", content: bytes = b"") -> None:
        """A clip of an ARRI camera, as far as its name goes."""
        name = f"{roll}C{number:03d}_261102_{serial}.mxf"
        self.put(f"OCF/2026-11-02/{roll}{serial}/{name}", content or name.encode())

    def put(self, path: str, content: bytes | str) -> None:
        """Write a file below the volume."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def take(self, path: str, seconds: int = 1) -> None:
        """A take of a sound recorder."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(48000)
            out.writeframes(bytes(96000 * seconds))

    def scan(self) -> None:
        """Take stock."""
        assert self("scan", self.root, "--settle", "50ms", "--json").code == 0

    def rules(self, *args: str | Path) -> set[tuple[str, str]]:
        """What `footage` finds: (rule, what was expected)."""
        answer = self("footage", *args, "--json")
        found = {(one["rule"], one["expected"]) for one in answer.json["problems"]}
        assert answer.code == (1 if found else 0)
        return found


@pytest.fixture
def day(tmp_path: Path, call: Callable[..., Any]) -> Day:
    """A day with two clips and their sound, of which nothing is missing."""
    made = Day(tmp_path, call)
    made.clip(1)
    made.clip(2)
    made.take("SOUND/2026-11-02/S001/42A-T01.WAV")
    return made


class TestWithoutSchedule:
    def test_nothing_is_missing(self, day: Day) -> None:
        """The rolls are listed, and the command ends with 0."""
        day.scan()
        assert day.rules() == set()
        rolls = day("footage", "--json").json["rolls"]
        assert [(one["roll"], one["clips"], one["days"]) for one in rolls] == [
            ("A004", 2, ["2026-11-02"]),
            ("S001", 1, ["2026-11-02"]),
        ]
        assert "nothing is missing" in day("footage").err

    def test_gaps_rolls_and_sound(self, day: Day) -> None:
        """A skipped clip, a roll's name used twice and a day without sound are told, each with its names."""
        day.clip(5)
        day.clip(1, serial="R2ZZ")
        day.put("OCF/2026-11-03/B001R1JL/B001C001_261103_R1JL.mxf", b"x")
        day.scan()
        assert day.rules() == {
            ("clip_gap", "clips 1-5 of A004"),
            ("roll_twice", "one clip as ingest:OCF/2026-11-02/A004R1JL/A004C001_261102_R1JL.mxf"),
            ("day_sound", "sound of 2026-11-03"),
        }
        assert day.rules("OCF/2026-11-03") == {("day_sound", "sound of 2026-11-03")}
        told = day("footage").out
        assert "clips 1-5 of A004: 3-4 not here" in told
        assert "A004C001_261102_R2ZZ.mxf: another clip 1 of roll A004" in told

    def test_frames_and_parts(self, day: Day) -> None:
        """Frames that are missing and odd, and a spanned clip without its second part."""
        for frame in (1, 2, 4, 5, 6, 7, 8):
            day.put(f"OCF/2026-11-02/A004R1JL/A004C003_261102_R1JL.{frame:07d}.ari", bytes(100 if frame == 6 else 4096))
        for part in (1, 3):
            day.put(f"OCF/2026-11-02/A005/A005_C001_1102AB_{part:03d}.R3D", b"%d" % part)
        day.scan()
        rules = {rule for rule, _ in day.rules()}
        assert rules == {"complete", "frame_size", "part_missing"}

    def test_reports(self, day: Day, tmp_path: Path) -> None:
        """Clips of a report in the catalog, or given by hand, that are not here; an empty table is no report."""
        day.put("OCF/2026-11-02/report.csv", REPORT)
        day.put("OCF/2026-11-02/other.csv", "a,b\n1,2\n")
        day.scan()
        assert day.rules() == {("listed", "C007 (reel A004)")}
        sound = tmp_path / "sound.csv"
        sound.write_text('"SOUND REPORT"\n"File Name","Scene","Take","Length"\n"42A-T01.WAV","42A","01","00:01:00"\n')
        assert ("listed_length", "60.00 s, line 3 of the list") in day.rules("--report", sound)
        assert "s long; listed with 60.00 s, line 3 of the list" in day("footage", "--report", sound).out

    def test_a_folder_without_footage(self, day: Day) -> None:
        """A folder that is not in the catalog is a mistake of the call."""
        day.scan()
        assert day("footage", "NOWHERE").code == 2
        assert day("footage", "--volume", "other").code == 2


class TestFields:
    def test_files_and_assets_by_what_names_say(self, day: Day) -> None:
        """Fields stand in the documents, narrow the lists, and count towards their limits."""
        for frame in (1, 2, 3):
            day.put(f"VFX/AGM_104_065_010_PL01_v001.{frame + 1000}.exr", b"%d" % frame)
        day.scan()
        listed = day("files", "--roll", "A004", "--json").json
        assert [one["fields"]["clip"] for one in listed] == [1, 2]
        assert [one["path"] for one in day("files", "--where", "take=1", "--json").json] == [
            "SOUND/2026-11-02/S001/42A-T01.WAV"
        ]
        assert len(day("files", "--roll", "A004", "--limit", "1", "--json").json) == 1
        assert len(day("files", "--date", "2026-11-02", "--clip", "2..9", "--json").json) == 1
        (plate,) = day("assets", "--shot", "AGM_104_065_010", "--json").json
        assert (plate["kind"], plate["fields"]["element"], plate["fields"]["version"]) == ("sequence", "PL01", 1)
        assert "roll=A004; clip=1" in day("files", "--roll", "A004", "--csv").out
        assert day("files", "--where", "colour=red").code == 2

    def test_a_schedule_matches_by_fields(self, day: Day) -> None:
        """An item takes what its `where` allows; the show's own shots count by `shot_pattern`."""
        (day.folder / "show.toml").write_text(
            """
            shot_pattern = "(?P<shot>nf_[0-9]{4})"
            [[deliverable]]
            id = "CIRCLED"
            due = 2999-01-01
              [[deliverable.item]]
              name = "Take 1"
              match = "SOUND/**/*.wav"
              where = { take = "1", scene = "42*" }
            [[deliverable]]
            id = "SHOTS"
            due = 2999-01-01
              [[deliverable.item]]
              name = "Comps"
              match = "VFX/*.mov"
              count = "one per shot in nf_0010, nf_0020"
            """
        )
        answer = day("schedule", "import", day.folder / "show.toml", "--json").json
        assert answer["faults"] == []
        day.take("SOUND/2026-11-02/S001/42A-T02.WAV")
        day.put("VFX/show-nf_0010-comp.mov", b"x")
        day.scan()
        circled, shots = (day("deliverables", one, "--json").json[0] for one in ("CIRCLED", "SHOTS"))
        assert circled["items"][0]["files"] == ["ingest:SOUND/2026-11-02/S001/42A-T01.WAV"]
        assert (shots["status"], shots["missing"]) == ("partial", ["nf_0020"])
        assert [one["path"] for one in day("files", "--shot", "nf_0010", "--json").json] == [
            "VFX/show-nf_0010-comp.mov"
        ]
        for form in ("toml", "csv"):
            day("schedule", "export", "--format", form, "-o", day.folder / f"again.{form}")
            answer = day("schedule", "import", day.folder / f"again.{form}", "--json").json
            assert (answer["changed"], answer["faults"]) == ([], [])


class TestOnTheBoard:
    def test_a_report_tells_what_is_missing(self, day: Day) -> None:
        """A clip that the report lists counts as missing, is asked for, and the deliverable turns when it comes."""
        (day.folder / "show.toml").write_text(SCHEDULE)
        assert day("schedule", "import", day.folder / "show.toml").code == 0
        day.put("OCF/2026-11-02/report.csv", REPORT)
        day.scan()
        one = day("deliverables", "DAY12", "--json").json[0]
        assert (one["status"], one["missing"], one["counts"]["required"]) == ("partial", ["C007 (reel A004)"], 2)
        asked = day("chase", "DAY12").out
        assert "C007 (reel A004)" in asked
        assert "OCF" not in asked
        assert "missing: report.csv: C007 (reel A004): not here, line 7 of the list" in day("deliverables", "DAY12").out
        day.clip(7)
        day.scan()
        one = day("deliverables", "DAY12", "--json").json[0]
        assert one["status"] == "verified"
        assert [problem["rule"] for problem in one["problems"]] == ["clip_gap"]
        asked = day("chase", "DAY12")
        assert asked.code == 1
        assert "clips 1-7 of A004: 3-6 not here" in asked.out

    def test_a_gap_in_the_frames_of_a_card(self, day: Day) -> None:
        """A card with a sequence that lacks frames is here, and the frames are missing."""
        (day.folder / "show.toml").write_text(SCHEDULE)
        day("schedule", "import", day.folder / "show.toml")
        for frame in (1, 2, 4):
            day.put(f"OCF/2026-11-02/A004R1JL/A004C003_261102_R1JL.{frame:07d}.ari", bytes([frame]) * 4096)
        day.scan()
        one = day("deliverables", "DAY12", "--json").json[0]
        assert one["status"] == "partial"
        assert one["missing"] == ["frame 3 of A004C003_261102_R1JL.[0000001-0000004].ari"]

    def test_looking_can_be_switched_off(self, day: Day) -> None:
        """`footage = false` leaves the clips alone, and survives the way out and in again."""
        (day.folder / "show.toml").write_text(SCHEDULE.replace('from = "DIT"', 'from = "DIT"\nfootage = false'))
        day("schedule", "import", day.folder / "show.toml")
        day.put("OCF/2026-11-02/report.csv", REPORT)
        day.scan()
        assert day("deliverables", "DAY12", "--json").json[0]["status"] == "verified"
        for form in ("toml", "csv"):
            day("schedule", "export", "--format", form, "-o", day.folder / f"again.{form}")
            answer = day("schedule", "import", day.folder / f"again.{form}", "--json").json
            assert (answer["changed"], answer["faults"]) == ([], [])
