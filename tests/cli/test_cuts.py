"""What do two versions of a cut, and a pull list and its plates, say on the command line and on the board?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shots import ffmpeg

OLD = """TITLE: R1_V011
FCM: NON-DROP FRAME

001  A001C001 V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: A001C001
002  A001C002 V     C        02:00:00:00 02:00:02:00 01:00:02:00 01:00:04:00
* FROM CLIP NAME: A001C002
003  A001C003 V     C        03:00:00:00 03:00:02:00 01:00:04:00 01:00:06:00
* FROM CLIP NAME: A001C003
"""

NEW = """TITLE: R1_V012
FCM: NON-DROP FRAME

001  A001C001 V     C        01:00:00:00 01:00:02:12 01:00:00:00 01:00:02:12
* FROM CLIP NAME: A001C001
002  A001C004 V     C        04:00:00:00 04:00:01:00 01:00:02:12 01:00:03:12
* FROM CLIP NAME: A001C004
003  A001C003 V     C        03:00:00:00 03:00:02:00 01:00:03:12 01:00:05:12
* FROM CLIP NAME: A001C003
"""

PULLS = "Shot,Reel,First Frame,Last Frame\nSH010_PL01,A001C001,1001,1004\nSH020_PL01,A001C002,1001,1004\n"

SCHEDULE = """
[[deliverable]]
id = "R1"
name = "Reel 1"
kind = "cut"
from = "Editorial"
due = 2999-01-01T18:00:00Z
agree = { frame_rate = "24" }
  [[deliverable.item]]
  name = "EDL"
  match = "CUT/R1_v{version}.edl"

[[deliverable]]
id = "PULL"
kind = "vfx-plates"
from = "Lab"
due = 2999-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Plates"
  pulls = "VFX/*.csv"
  match = "VFX/**/*_v{version}.####.dpx"

[[deliverable]]
id = "RANGE"
kind = "vfx-plates"
due = 2999-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Plate"
  match = "VFX/SH010/SH010_PL01_v001.[1001-1006].dpx"

[[deliverable]]
id = "SOURCES"
kind = "cut"
due = 2999-01-01T18:00:00Z
agree = { frame_rate = "24" }
  [[deliverable.item]]
  name = "Everything the cut uses"
  timeline = "CUT/R1_v{version}.edl"
"""


class Show:
    """A catalog, a volume and the schedule above."""

    def __init__(self, folder: Path, call: Callable[..., Any]) -> None:
        self.root = folder / "ingest"
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

    def plate(self, name: str, frames: range) -> None:
        """Write the frames of a plate."""
        for frame in frames:
            self.put(f"VFX/{name.split('_')[0]}/{name}.{frame}.dpx", f"{name} {frame}".ljust(500).encode())

    def scan(self) -> None:
        """Take stock."""
        assert self("scan", self.root, "--settle", "50ms", "--json").code == 0

    def one(self, identity: str) -> Any:
        """One deliverable as JSON."""
        return self("deliverables", identity, "--json").json[0]


@pytest.fixture
def show(tmp_path: Path, call: Callable[..., Any]) -> Show:
    """A show of which nothing came."""
    made = Show(tmp_path, call)
    (tmp_path / "show.toml").write_text(SCHEDULE)
    assert made("schedule", "import", tmp_path / "show.toml").code == 0
    return made


class TestTwoCuts:
    def test_timeline_against(self, show: Show) -> None:
        """Added, dropped and lengthened uses are told, and the difference of the whole; equal cuts end with 0."""
        old, new = show.put("old.edl", OLD), show.put("new.edl", NEW)
        answer = show("timeline", new, "--against", old, "--fps", "24")
        assert answer.code == 1
        assert answer.out.splitlines() == [
            "lengthened: A001C001 at 01:00:00:00, ends 12 frames later",
            "added: A001C004 at 01:00:02:12, 24 frames",
            "dropped: A001C002 at 01:00:02:00, 48 frames",
            "1 added, 1 dropped, 1 lengthened, 1 moved; 12 frames shorter, 132 frames in all",
        ]
        kinds = [
            one["kind"] for one in show("timeline", new, "--against", old, "--fps", "24", "--json").json["changes"]
        ]
        assert kinds == ["lengthened", "added", "same", "dropped"]
        assert show("timeline", old, "--against", old, "--fps", "24").code == 0
        assert show("timeline", new, "--fps", "24").code == 0

    def test_a_newer_cut_on_its_card(self, show: Show) -> None:
        """Once v012 supersedes v011, the card says what changed; the deliverable is fine."""
        show.put("CUT/R1_v011.edl", OLD)
        show.scan()
        assert show.one("R1")["items"][0]["problems"] == []
        show.put("CUT/R1_v012.edl", NEW)
        show.scan()
        assert show.one("R1")["status"] == "verified"
        card = show("deliverables", "R1").out
        assert "note: R1_v012.edl: against R1_v011.edl: 1 added, 1 dropped, 1 lengthened" in card
        assert "note: R1_v012.edl: added: A001C004 at 01:00:02:12, 24 frames" in card
        assert show("chase", "R1").code == 0


class TestSources:
    def test_what_a_cut_uses_is_linked(self, show: Show) -> None:
        """The clips that a cut names are told as linked to it, and are not ambiguous because several cuts use them."""
        show.put("CUT/R1_v011.edl", OLD)
        clip = show.put("OCF/A001C001.mov", "x")
        show.scan()
        assert show.one("SOURCES")["counts"] == {"required": 4, "arrived": 2, "verified": 2}
        asked = show("chase", "SOURCES").out
        assert "- A001C002, 02:00:00:00-02:00:02:00; needed by event 002" in asked
        assert "missing: A001C003, 03:00:00:00-03:00:02:00; needed by event 003" in show("deliverables", "SOURCES").out
        listed = [one["path"] for one in show("files", "--deliverable", "SOURCES", "--json").json]
        assert listed == ["CUT/R1_v011.edl", "OCF/A001C001.mov"]
        assert show("show", clip, "--json").json["deliverables"] == ["SOURCES"]
        ambiguous = [one["path"] for one in show("deliverables", "--ambiguous", "--json").json]
        assert ambiguous == ["CUT/R1_v011.edl"]
        show("deliverable", "unlink", "SOURCES", "Everything the cut uses", "ingest:OCF/A001C001.mov")
        assert show.one("SOURCES")["counts"]["arrived"] == 1

    def test_a_source_by_its_umid_alone(self, show: Show) -> None:
        """A file whose name says nothing of the clip is found by the UMID that the list and the file tell."""
        media = show.put("AVID/0123.mxf", "")
        ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1", "-c:v", "mpeg2video", str(media))
        umid = show("probe", media, "--json").json["other"]["umid"]
        assert umid is not None
        heading = "Heading\nFIELD_DELIM\tTABS\nFPS\t25\n\nColumn\nName\tTracks\tStart\tEnd\tTape\tUMID\n\nData\n"
        show.put("CUT/bin.ale", f"{heading}Interview\tV\t00:00:00:00\t00:00:00:20\tTAPE9\t{umid}\n")
        show.scan()
        schedule = SCHEDULE.replace("CUT/R1_v{version}.edl", "CUT/bin.ale")
        (show.folder / "other.toml").write_text(schedule)
        show("schedule", "import", show.folder / "other.toml")
        assert show.one("SOURCES")["counts"] == {"required": 2, "arrived": 2, "verified": 2}

    @pytest.mark.parametrize("name", ["Interview 4.mov", "A001C001_261126_R1AB.mov"])
    def test_a_source_by_its_reel_and_timecode(self, show: Show, name: str) -> None:
        """A card's name and a stretch of its timecode are enough, told by the file's name or by its media."""
        media = show.put(f"OFFLOAD/{name}", "")
        reel = () if name.startswith("A001") else ("-metadata:s:v", "reel_name=A001R1AB")
        picture = ("-f", "lavfi", "-i", "color=size=64x64:rate=24:duration=1", "-c:v", "prores_ks")
        ffmpeg(*picture, "-timecode", "10:00:00:00", *reel, str(media))
        show.put(
            "CUT/one.edl",
            "TITLE: ONE\nFCM: NON-DROP FRAME\n\n"
            "001  A001R1AB V     C        10:00:00:05 10:00:00:15 01:00:00:00 01:00:00:10\n"
            "002  A001R1AB V     C        11:00:00:05 11:00:00:15 01:00:00:10 01:00:00:20\n"
            "* FROM CLIP NAME: ELSEWHERE\n",
        )
        show.scan()
        schedule = SCHEDULE.replace("CUT/R1_v{version}.edl", "CUT/one.edl")
        (show.folder / "other.toml").write_text(schedule)
        show("schedule", "import", show.folder / "other.toml")
        assert show.one("SOURCES")["counts"] == {"required": 3, "arrived": 2, "verified": 2}


class TestSequences:
    def test_frames_that_deviate_are_named(self, show: Show) -> None:
        """Where the last frame has another raster, that frame is told, and not the sequence."""
        for frame, size in ((1001, "64x64"), (1002, "64x64"), (1003, "128x64")):
            path = show.put(f"VFX/SH010/SH010_PL01_v001.{frame}.exr", "")
            ffmpeg("-f", "lavfi", "-i", f"color=size={size}:duration=1", "-frames:v", "1", "-update", "1", str(path))
        show.scan()
        schedule = SCHEDULE.replace(
            'match = "VFX/SH010/SH010_PL01_v001.[1001-1006].dpx"',
            'match = "VFX/SH010/*.exr"\n  spec = { "video.width" = 64 }',
        )
        (show.folder / "other.toml").write_text(schedule)
        show("schedule", "import", show.folder / "other.toml")
        one = show.one("RANGE")
        assert one["status"] == "failed"
        problems = [(p["rule"], p["observed"], p["path"]) for p in one["items"][0]["problems"]]
        assert problems == [("video.width", "128", "VFX/SH010/SH010_PL01_v001.1003.exr")]

    def test_a_link_by_hand_outlives_its_drawing(self, show: Show) -> None:
        """A sequence that was gone and drawn up anew is still for the item that a person put it to."""
        show.plate("SH090_PL01_v001", range(1001, 1007))
        show.scan()
        show("deliverable", "link", "RANGE", "Plate", "ingest:VFX/SH090/SH090_PL01_v001.[1001-1006].dpx")
        assert show.one("RANGE")["status"] == "verified"
        frames = list((show.root / "VFX" / "SH090").iterdir())
        for frame in frames:
            frame.unlink()
        for _ in range(3):
            show("scan", show.root, "--settle", "50ms", "--json")
        assert show.one("RANGE")["status"] != "verified"
        show.plate("SH090_PL01_v001", range(1001, 1009))
        show.scan()
        assert show.one("RANGE")["items"][0]["files"] == ["ingest:VFX/SH090/SH090_PL01_v001.[1001-1008].dpx"]


class TestPulls:
    def test_a_list_alone(self, show: Show) -> None:
        """Without a folder the plates are printed."""
        file = show.put("pull.csv", PULLS)
        assert [one["name"] for one in show("pulls", file, "--json").json] == ["SH010_PL01", "SH020_PL01"]
        assert "1001-1004" in show("pulls", file).out

    def test_a_folder_against_a_list(self, show: Show) -> None:
        """A plate with a gap and one that is not there are told; the exit code says so."""
        file = show.put("pull.csv", PULLS)
        show.plate("SH010_PL01_v001", range(1001, 1003))
        show.plate("SH010_PL01_v001", range(1004, 1005))
        answer = show("pulls", file, show.root / "VFX")
        assert answer.code == 1
        assert answer.out.splitlines() == [
            "SH010_PL01, frames 1001-1004: SH010/SH010_PL01_v001.[1001-1004].dpx; frame 1003 is missing",
            "SH020_PL01, frames 1001-1004: not here",
        ]
        show.plate("SH010_PL01_v001", range(1001, 1005))
        show.plate("SH020_PL01_v001", range(1001, 1005))
        assert show("pulls", file, show.root / "VFX").code == 0

    def test_plates_on_the_board(self, show: Show) -> None:
        """Plates count by name; one that is short of frames or missing is asked for; one too many is told."""
        show.put("VFX/pull.csv", PULLS)
        show.plate("SH010_PL01_v001", range(1001, 1005))
        show.plate("SH010_PL01_v002", range(1001, 1004))
        show.plate("SH030_PL01_v001", range(1001, 1005))
        show.scan()
        one = show.one("PULL")
        assert (one["status"], one["counts"]) == ("partial", {"required": 3, "arrived": 1, "verified": 1})
        assert one["missing"] == ["SH010_PL01, frames 1001-1004", "SH020_PL01, frames 1001-1004"]
        assert "SH010_PL01_v002.[1001-1003].dpx: frame 1004 is missing" in show("chase", "PULL").out
        assert {problem["rule"] for problem in one["items"][0]["problems"]} == {"complete", "count"}
        show.plate("SH010_PL01_v002", range(1001, 1005))
        show.plate("SH020_PL01_v001", range(1001, 1005))
        show.scan()
        assert show.one("PULL")["status"] == "verified"

    def test_a_pattern_expects_frames(self, show: Show) -> None:
        """`[1001-1006]` in a pattern asks for these frames."""
        show.plate("SH010_PL01_v001", range(1001, 1005))
        show.scan()
        one = show.one("RANGE")
        assert one["status"] == "partial"
        assert one["items"][0]["problems"][0]["observed"] == "frames 1005-1006 are missing of 1001-1006"
        show.plate("SH010_PL01_v001", range(1001, 1007))
        show.scan()
        assert show.one("RANGE")["status"] == "verified"
