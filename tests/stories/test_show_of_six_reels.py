"""Does the board say what a coordinator knows to be so? A show of six reels, sixty deliverables, five moments.

Everything goes through the command line. The truth is made by hand below: what stands where, at which moment.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests import reels
from tests.cli.conftest import Answer, call  # noqa: F401 - a fixture

pytest.importorskip("aaf2", reason="the extra 'timelines' is not installed")
openpyxl = pytest.importorskip("openpyxl", reason="no library for workbooks")

ZONE = ZoneInfo("America/Los_Angeles")
REELS = range(1, 7)

#: Kind -> name, sender, receiver, kind in words, proof, items as (name, pattern or what, spec, required).
KINDS: dict[str, tuple[str, str, str, str, str, list[tuple[str, str, str]]]] = {
    "SOUND": (
        *("Turnover to sound", "Editorial", "Mix House", "sound-turnover", "none"),
        [
            ("AAF", "SOUND/R#/**/R#_v{version}.aaf", ""),
            (
                "Reference picture",
                "SOUND/R#/**/R#_REF_v{version}.mov",
                "video.codec=ProRes; start_timecode=0#:00:00:00",
            ),
            ("EDL", "SOUND/R#/**/R#_v{version}.edl", ""),
        ],
    ),
    "MUSIC": (
        *("Turnover to music", "Editorial", "Composer", "music-turnover", "none"),
        [
            ("Reference picture", "MUSIC/R#/**/R#_MX_v{version}.mov", "video.codec=ProRes"),
            ("Spotting notes", "MUSIC/R#/*spotting*.csv", ""),
        ],
    ),
    "DI": (
        *("Turnover to colour", "Editorial", "DI House", "colour-turnover", "none"),
        [("EDL", "DI/R#/**/R#_v{version}.edl", ""), ("Offline reference", "DI/R#/**/R#_v{version}.mov", "")],
    ),
    "CUT": (
        *("Everything the cut uses", "Editorial", "Lab", "cut", "none"),
        [("Sources", "timeline:CUT/R#/**/R#_v{version}.edl", "")],
    ),
    "PULL": (
        *("Plates", "Lab", "VFX House", "vfx-plates", "none"),
        [("Plates", "pulls:PULL/R#/*.csv match:PULL/R#/**/*_v{version}.####.exr", "video.width=64")],
    ),
    "VFX": (
        *("Shot from VFX", "VFX House", "Editorial", "vfx-delivery", "none"),
        [
            ("Shot", "VFX/R#/**/{shot}_v{version}.####.exr", "use=exr-plate"),
            ("Review", "VFX/R#/**/*_v{version}.mov", ""),
        ],
    ),
    "STEMS": (
        *("Stems", "Mix House", "Post", "mix-stems", "none"),
        [(f"{stem} stem", f"MIX/R#/**/R#_{stem}_v{{version}}.wav", "use=stem-mono") for stem in ("DX", "MX", "FX")],
    ),
    "CC": (
        *("Captions", "Caption House", "Network", "captions", "none"),
        [("Picture", "CC/R#/R#_v{version}.mov", ""), ("Subtitles", "CC/R#/R#_v{version}.srt", "")],
    ),
    "OCF": (
        *("Camera originals", "Camera", "Post", "camera-originals", "manifest"),
        [("Camera rolls", "OCF/R#/*/", "")],
    ),
    "DCP": (*("Cinema package", "DCP Lab", "Distribution", "dcp", "manifest"), [("Package", "DCP/R#/*/", "")]),
}

#: Days after the first moment at which each reel is due.
DUE_DAYS = {1: 5, 2: 3, 3: 3, 4: 1, 5: -1, 6: 5}

#: The truth. E expected, P partial, A arrived, V verified, F failed, K accepted, R rejected, W waived, C cancelled;
#: then l late, a arrived late, s due soon. One column a moment: the schedule is in; the first deliveries; two days
#: later, after decisions; after redeliveries and more decisions; ten days after the first.
TRUTH = """
R1-*      E   V   V   V   V
R2-*      E   P   Ps  V   V
R3-*      E   F   Fs  V   V
R3-CUT    E   A   A   V   V
R4-*      Es  Es  El  El  El
R4-SOUND  Es  Es  El  C   C
R4-MUSIC  Es  Es  El  W   W
R4-DI     Es  Es  El  E   E
R5-*      El  Va  Va  Va  Va
R5-SOUND  El  Va  Rl  Va  Va
R5-MUSIC  El  Va  Rl  Rl  Rl
R6-*      E   V   V   V   V
R6-SOUND  E   V   K   V   V
R6-MUSIC  E   V   K   K   K
R6-STEMS  E   V   K   V   V
R6-DI     E   V   V   P   Pl
"""

LETTERS = {
    "expected": "E",
    "partial": "P",
    "arrived": "A",
    "verified": "V",
    "failed": "F",
    "accepted": "K",
    "rejected": "R",
    "waived": "W",
    "cancelled": "C",
}


def truth(moment: int) -> dict[str, str]:
    """What stands where at a moment, counted from 0; the more particular line wins."""
    found: dict[str, str] = {}
    for line in TRUTH.strip().splitlines():
        name, *codes = line.split()
        reel, _, kind = name.partition("-")
        for one in KINDS if kind == "*" else [kind]:
            found[f"{reel}-{one}"] = codes[moment]
    return found


class Show:
    """The coordinator at work."""

    def __init__(self, call: Callable[..., Answer], folder: Path) -> None:  # noqa: F811
        self._call = call
        self.folder = folder
        self.root = folder / "ingest"
        self.root.mkdir()
        self.began = datetime.datetime.now(ZONE).replace(microsecond=0)
        (folder / "show.conf").write_text(f'project = "SIX REELS"\ntime_zone = "{ZONE.key}"\n')

    def __call__(self, *args: str | Path) -> Answer:
        return self._call("--config", self.folder / "show.conf", "--catalog", self.folder / "catalog.db", *args)

    def scan(self) -> None:
        """Take stock until nothing is left to do."""
        assert self("scan", self.root, "--settle", "20ms", "--json").code in (0, 1)

    def board(self, days: float) -> dict[str, str]:
        """The board so many days after the first moment, as codes of the table above."""
        at = self.began + datetime.timedelta(days=days, minutes=1)
        found: dict[str, str] = {}
        for one in self("deliverables", "--at", f"{at:%Y-%m-%d %H:%M}", "--json").json:
            flags = {"l": "late", "a": "arrived_late", "s": "due_soon"}
            found[one["id"]] = LETTERS[one["status"]] + "".join(sign for sign, key in flags.items() if one[key])
        return found

    def one(self, identity: str) -> Any:
        """One deliverable as JSON."""
        return self("deliverables", identity, "--json").json[0]

    def workbook(self) -> Path:
        """The schedule as a coordinator keeps it: a title, merged cells, dates, columns in an order of her own."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Deliveries"
        sheet["A1"] = "SIX REELS: delivery schedule"
        sheet.merge_cells("A1:K1")
        sheet["A2"] = "all times Los Angeles"
        headers = [
            "Vendor",
            "Deliverable",
            "Due Date",
            "Title",
            "Deliver To",
            "Type",
            "Proof",
            "Element",
            "File pattern",
            "Spec",
        ]
        headers += ["EDL", "Pull list", "Status"]
        for place, header in enumerate(headers, 1):
            sheet.cell(4, place, header)
        row = 5
        for kind, (title, sender, receiver, words, proof, items) in KINDS.items():
            sheet.cell(row, 1, f"{title.upper()}S")
            row += 1
            for reel in REELS:
                due = (self.began + datetime.timedelta(days=DUE_DAYS[reel])).replace(tzinfo=None)
                last = row + len(items) - 1
                head = [sender, f"R{reel}-{kind}", due, f"{title}, reel {reel}", receiver, words, proof]
                for place, value in enumerate(head, 1):
                    sheet.cell(row, place, value)
                    if last > row:
                        sheet.merge_cells(start_row=row, end_row=last, start_column=place, end_column=place)
                sheet.cell(row, 3).number_format = "yyyy-mm-dd hh:mm"
                for name, pattern, spec in items:
                    parts = dict(part.split(":", 1) for part in pattern.split() if ":" in part)
                    if not {"timeline", "pulls", "match"} & parts.keys():
                        parts = {"match": pattern}
                    values = {
                        8: name,
                        9: parts.get("match"),
                        10: spec,
                        11: parts.get("timeline"),
                        12: parts.get("pulls"),
                    }
                    for place, value in values.items():
                        text = value and value.replace("R#", f"R{reel}").replace("0#:", f"0{reel}:")
                        sheet.cell(row, place, text or None)
                    row += 1
            row += 1
        book.create_sheet("Contacts")["A1"] = "Jo, ext. 12"
        book.save(self.folder / "show.xlsx")
        return self.folder / "show.xlsx"

    # -- what comes ---------------------------------------------------------------------------------------------

    def right(self, reel: int, kinds: Iterator[str] | list[str] | None = None, version: int = 1) -> None:
        """Everything of a reel as it should be."""
        for kind in kinds or KINDS:
            getattr(self, f"_{kind.lower()}")(reel, version)

    def _sound(self, reel: int, version: int, **wrong: Any) -> None:
        place = self.root / f"SOUND/R{reel}/v{version}"
        if not wrong.pop("no_aaf", False):
            reels.aaf(place / f"R{reel}_v{version:03}.aaf", reel)
        reels.movie(place / f"R{reel}_REF_v{version:03}.mov", reel, mark=version, **wrong)
        reels.edl(place / f"R{reel}_v{version:03}.edl", reel, version=version)

    def _music(self, reel: int, version: int, **wrong: Any) -> None:
        place = self.root / f"MUSIC/R{reel}"
        if not wrong.pop("no_notes", False):
            (place).mkdir(parents=True, exist_ok=True)
            (place / f"R{reel}_spotting.csv").write_text("cue,start\n1m1,01:00:00:00\n")
        reels.movie(place / f"R{reel}_MX_v{version:03}.mov", reel, mark=version, **wrong)

    def _di(self, reel: int, version: int, **wrong: Any) -> None:
        place = self.root / f"DI/R{reel}"
        reels.edl(place / f"R{reel}_v{version:03}.edl", reel, version=version)
        if not wrong.pop("no_picture", False):
            reels.movie(place / f"R{reel}_v{version:03}.mov", reel, mark=version, **wrong)

    def _cut(self, reel: int, version: int) -> None:
        reels.edl(self.root / f"CUT/R{reel}/R{reel}_v{version:03}.edl", reel, version=version)

    def _pull(self, reel: int, version: int, **wrong: Any) -> None:
        place = self.root / f"PULL/R{reel}"
        name = f"SIX_{reel:03}_010_PL01"
        reels.plates(place / name, f"{name}_v{version:03}", **wrong)
        (place / "pull.csv").write_text(f"Plate,Reel,First Frame,Last Frame\n{name},A{reel:03},1001,1006\n")

    def _vfx(self, reel: int, version: int, review: bool = True, place: str = "") -> None:
        folder = self.root / f"VFX/R{reel}{place}"
        name = f"SIX_{reel:03}_010"
        reels.plates(folder, f"{name}_v{version:03}", size="64x64" if not place else "32x32")
        if review:
            reels.movie(folder / f"{name}_v{version:03}.mov", reel, mark=version)

    def _stems(self, reel: int, version: int, stems: tuple[str, ...] = ("DX", "MX", "FX"), **wrong: Any) -> None:
        for mark, stem in enumerate(stems):
            reels.sound(self.root / f"MIX/R{reel}/R{reel}_{stem}_v{version:03}.wav", mark=mark + version * 3, **wrong)

    def _cc(self, reel: int, version: int, picture: bool = True, **wrong: Any) -> None:
        place = self.root / f"CC/R{reel}"
        reels.captions(place / f"R{reel}_v{version:03}.srt", **wrong)
        if picture:
            reels.movie(place / f"R{reel}_v{version:03}.mov", reel, mark=version)

    def _ocf(self, reel: int, version: int, **wrong: Any) -> None:
        reels.card(self.root / f"OCF/R{reel}/A{reel:03}R1JL", reel, **wrong)

    def _dcp(self, reel: int, version: int, **wrong: Any) -> None:
        reels.package(self.root / f"DCP/R{reel}/SIX-{reel}_FTR_OV", f"SIX-{reel}", **wrong)

    def first_deliveries(self) -> None:
        """Reel 1, 5 and 6 are right, of reel 2 something is missing everywhere, in reel 3 something is wrong."""
        for reel in (1, 5, 6):
            self.right(reel)
        self._sound(2, 1, no_aaf=True)
        self._music(2, 1, no_notes=True)
        self._di(2, 1, no_picture=True)
        self._cut(2, 1)
        self._pull(2, 1, gap=1003)
        self._vfx(2, 1, review=False)
        self._stems(2, 1, ("DX", "MX"))
        self._cc(2, 1, picture=False)
        self._ocf(2, 1, without=2)
        self._dcp(2, 1, without=True)
        self._sound(3, 1, rate=25)
        self._music(3, 1, codec="libx264")
        self._di(3, 1, frames=40)
        self._cut(3, 1)
        (self.root / "CUT/R3/R3_v001.edl").write_text("not a cut list\n")
        self._pull(3, 1, size="32x64")
        self._vfx(3, 1)
        self._vfx(3, 1, review=False, place="/again")
        self._stems(3, 1, rate=44100)
        self._cc(3, 1, end="00:00:09,000")
        self._ocf(3, 1, flipped=1)
        self._dcp(3, 1, flipped=True)

    def decisions(self) -> None:
        """Reel 5 is not good enough; reel 6 is."""
        self("deliverable", "reject", "R5-SOUND", "--why", "no 2-pop", "--by", "Jo")
        self("deliverable", "reject", "R5-MUSIC", "--why", "burn-in is missing", "--by", "Jo")
        for kind in ("SOUND", "MUSIC", "STEMS"):
            self("deliverable", "accept", f"R6-{kind}", "--by", "Jo")

    def redeliveries(self) -> None:
        """What was missing comes, what was wrong comes again; some of reel 6 changes after it was accepted."""
        self.right(2)
        self.right(3, ["SOUND", "MUSIC", "DI", "CUT", "PULL", "VFX", "STEMS", "CC"], version=2)
        self._ocf(3, 1)
        self._dcp(3, 1)
        self._sound(5, 2)
        reels.again(self.root / "MUSIC/R5/R5_MX_v001.mov", self.root / "MUSIC/R5/R5_MX_v002.mov")
        self._sound(6, 2)
        reels.sound(self.root / "MIX/R6/R6_DX_v001.wav", mark=99)
        (self.root / "DI/R6/R6_v001.edl").unlink()
        self("deliverable", "cancel", "R4-SOUND", "--why", "reel dropped", "--by", "Jo")
        self("deliverable", "waive", "R4-MUSIC", "--why", "no music in it", "--by", "Jo")
        later = self.began + datetime.timedelta(days=30)
        self("deliverable", "redeliver", "R4-DI", "--due", f"{later:%Y-%m-%d %H:%M}", "--by", "Jo")


@pytest.fixture
def show(call: Callable[..., Answer], tmp_path: Path) -> Show:  # noqa: F811
    """A show of which nothing was delivered."""
    return Show(call, tmp_path)


def test_a_show_of_six_reels(show: Show) -> None:
    """Sixty deliverables stand, at five moments, where the table above says."""
    dry = show("schedule", "import", show.workbook(), "--dry-run", "--json").json
    assert (dry["faults"], len(dry["added"]), dry["applied"]) == ([], 60, False)
    assert show("schedule", "import", show.folder / "show.xlsx").code == 0
    show.scan()
    assert show.board(0) == truth(0)
    show.first_deliveries()
    show.scan()
    assert show.board(0) == truth(1)
    look_at_what_is_wrong(show)
    show.decisions()
    assert show.board(2) == truth(2)
    show.redeliveries()
    for _ in range(3):  # what is gone is looked for twice
        show.scan()
    assert show.board(2) == truth(3)
    assert show.board(10) == truth(4)
    card = show("deliverables", "R5-MUSIC").out
    assert "rejected by Jo: burn-in is missing; the same file was sent again" in card
    assert "note: R3_v002.edl: against R3_v001.edl:" in show("deliverables", "R3-SOUND").out
    record = {one["from"]: one for one in show("deliverables", "--on-time", "--json").json}
    assert (record["Camera"]["on_time"], record["Camera"]["arrived_late"]) == (4, 1)


def look_at_what_is_wrong(show: Show) -> None:
    """What the coordinator reads, and sends, after the first deliveries."""
    wrong = {
        "R3-SOUND": "R3_v001.aaf: frame rate is 24; expected 25 as in R3_REF_v001.mov",
        "R3-MUSIC": "R3_MX_v001.mov: video codec is AVC; expected ProRes",
        "R3-DI": "R3_v001.edl: length is 48 frames, 00:00:02:00 (+8 frames); expected 40 frames, 00:00:01:16 as in R3",
        "R3-PULL": "SIX_003_010_PL01_v001.[1001-1006].exr: video width is 32; expected 64",
        "R3-VFX": "SIX_003_010_v001.[1001-1006].exr: the same version with other bytes",
        "R3-STEMS": "R3_DX_v001.wav: sample rate is 44100; expected 48000",
        "R3-CC": "R3_v001.srt: the last ends 9.00 s after the start; expected all within 2.00 s",
        "R3-OCF": "A003C001_261102_R1JL.mov: other bytes than were sent",
        "R3-DCP": "picture.mxf: other bytes than were sent",
        "R2-CUT": "A002C002_261102_R1JL.mov (reel A002C002), 10:00:00:00-10:00:01:00",
        "R2-PULL": "SIX_002_010_PL01_v001.[1001-1006].exr: frame 1003 is missing",
        "R2-OCF": "A002C002_261102_R1JL.mov: not here",
        "R2-DCP": "picture.mxf: not here",
        "R2-STEMS": "FX stem",
    }
    for identity, said in wrong.items():
        asked = show("chase", identity)
        assert asked.code == 1
        assert f"  - {said}\n" in asked.out or said in asked.out, identity
        assert "ingest" not in asked.out, "a folder of ours"
        assert said in show("deliverables", identity).out, identity
    assert show("chase", "R1-SOUND").code == 0
    assert "could not be read as a cut list" in show("deliverables", "R3-CUT").out
    plates = show.one("R2-PULL")["items"][0]
    assert (plates["missing"], plates["files"][:1]) == (
        ["SIX_002_010_PL01, frames 1001-1006"],
        ["ingest:PULL/R2/pull.csv"],
    )
    linked = {one["path"] for one in show("files", "--deliverable", "R1-CUT", "--json").json}
    assert {path.rpartition("/")[2] for path in linked} == {
        "R1_v001.edl",
        *(f"{reels.clip_name(1, n)}.mov" for n in (1, 2)),
    }
