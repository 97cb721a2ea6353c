"""Each source that a cut names is found among what is here, or is missing with the events that need it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from assetwatch.delivery.cut_sources import Clip, ClipIndex, FoundBy, label_of
from assetwatch.media.facts import Facts
from assetwatch.media.timelines import Event, Timeline, read_bytes
from assetwatch.media.timelines.sources import collect_sources

EDL = b"""TITLE: NF_R1
FCM: NON-DROP FRAME

001  A004C010 V     C        10:00:10:00 10:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: A004C010_261101_R1JL.MOV
002  A005C002 V     C        11:00:00:00 11:00:01:00 01:00:02:00 01:00:03:00
003  BL       V     C        00:00:00:00 00:00:01:00 01:00:03:00 01:00:04:00
004  A005C002 V     C        11:00:20:00 11:00:21:00 01:00:04:00 01:00:05:00
005  DAYROLL1 V     C        12:00:05:00 12:00:06:00 01:00:05:00 01:00:06:00
"""


def cut(raw: bytes = EDL, rate: Fraction = Fraction(24)) -> Timeline:
    return read_bytes(raw, "a.edl", frame_rate=rate)


def facts(start: str, frames: int, rate: str = "24/1", **other: Any) -> Facts:
    return {
        "container": "MPEG-4",
        "duration": None,
        "start_timecode": start,
        "video": [{"frame_rate": rate, "frame_count": frames, "still": False}],
        "audio": [],
        "other": other,
    }


def clip(path: str, start: str = "10:00:00:00", frames: int = 24 * 60, **more: Any) -> Clip:
    return Clip.of(path, facts(start, frames, **more))


def aaf(**event: Any) -> Timeline:
    events = (Event(number="1", source_in="10:00:00:00", source_out="10:00:01:00", base=24, **event),)
    return Timeline("aaf", None, Fraction(24), None, 24, events, collect_sources(events), (), 24)


def found_by(timeline: Timeline, *clips: Clip) -> FoundBy | None:
    report = ClipIndex(clips).look_up(timeline)
    return report.found[0].by if report.found else None


def test_each_source_is_found_or_missing_with_its_events() -> None:
    """By clip name, by a reel cut to eight characters, by tape and timecode; what is not here names its events."""
    index = ClipIndex(
        [
            clip("OCF/A004R1JL/A004C010_261101_R1JL.mov"),
            clip("tape.mov", "12:00:00:00", reel="DAYROLL1"),
            clip("other.mov", "13:00:00:00", reel="DAYROLL1"),
        ]
    )
    report = index.look_up(cut())
    assert [(one.source.reel, one.by, [c.path for c in one.clips]) for one in report.found] == [
        ("A004C010", FoundBy.CLIP, ["OCF/A004R1JL/A004C010_261101_R1JL.mov"]),
        ("DAYROLL1", FoundBy.REEL, ["tape.mov"]),
    ]
    assert list(report.missing_by_reel()) == ["A005C002"]
    (finding,) = report.findings("a.edl")
    assert finding.observed == "not here; needed by event 002, 004"
    assert finding.expected == "A005C002, 11:00:00:00-11:00:21:00"
    assert not finding.failed


def test_a_reel_of_eight_characters_stands_for_a_longer_name() -> None:
    """CMX 3600 has room for eight."""
    raw = b"TITLE: X\n001  A004R1JL V     C        10:00:10:00 10:00:12:00 01:00:00:00 01:00:02:00\n"
    assert found_by(cut(raw), clip("A004R1JL_CARD/clip.mov", reel="A004R1JL_CARD")) is FoundBy.REEL
    assert found_by(cut(raw), clip("x.mov", reel="A004R2AB")) is None
    assert found_by(cut(raw), clip("x.mov", "20:00:00:00", reel="A004R1JL")) is None


def test_umid_then_file_then_clip() -> None:
    """The surest way wins; paths of other systems and other extensions do not matter."""
    umid = "060a2b340101010501010f1013000000" + "1" * 32
    here = [clip("a/x.mov"), clip("a/other.mxf", umid=umid)]
    assert found_by(aaf(umid=f"urn:smpte:umid:{umid.upper()}", file="x.mov"), *here) is FoundBy.UMID
    assert found_by(aaf(umid="0" * 64, file="D:\\Media\\X.mxf"), *here) is FoundBy.FILE
    assert found_by(aaf(clip="X", reel="none"), *here) is FoundBy.CLIP
    assert found_by(aaf(clip="Untitled", reel="AX"), clip("Untitled.mov")) is None


def test_handles_that_are_not_here_are_told() -> None:
    """The use itself is covered; eight frames of handles are not."""
    index = ClipIndex([clip("A004C010_261101_R1JL.mov", "10:00:09:20", 24 * 3)])
    raw = EDL.split(b"002 ")[0]
    assert index.look_up(cut(raw), 0).found[0].lacks == ()
    (lack,) = index.look_up(cut(raw), 8).found[0].lacks
    assert (lack.head_frames, lack.tail_frames) == (4, 0)
    (finding,) = index.look_up(cut(raw), 8).findings()
    assert finding.failed
    assert finding.observed == "4 frames missing before its first frame"


def test_parts_of_a_spanned_clip_count_together() -> None:
    """A use that crosses from one file of a clip to the next is covered by both."""
    raw = b"TITLE: X\n001  A001_C001_1204 V C 10:00:55:00 10:01:05:00 01:00:00:00 01:00:10:00\n"
    raw += b"* FROM CLIP NAME: A001_C001_12046M\n"
    parts = [
        clip("A001_C001_12046M_001.R3D", "10:00:00:00", clip="A001_C001_12046M"),
        clip("A001_C001_12046M_002.R3D", "10:01:00:00", clip="A001_C001_12046M"),
    ]
    assert ClipIndex(parts).look_up(cut(raw)).found[0].lacks == ()
    (lack,) = ClipIndex(parts[:1]).look_up(cut(raw)).found[0].lacks
    assert (lack.head_frames, lack.tail_frames) == (0, 5 * 24)


def test_drop_frame_and_midnight() -> None:
    """Labels are counted as the clip counts them, and a clip may run past midnight."""
    raw = b"TITLE: X\nFCM: DROP FRAME\n001  T1 V C 23:59:59;00 00:00:01;00 01:00:00;00 01:00:02;00\n"
    rate = Fraction(30000, 1001)
    tape = clip("t.mov", "23:59:50;00", 600, rate="30000/1001", reel="T1")
    report = ClipIndex([tape]).look_up(cut(raw, rate))
    assert [one.lacks for one in report.found] == [()]


def test_sequences_are_sources() -> None:
    """A plate is found by its name without frames, and its range tells how long it is."""
    plate = Clip.of("VFX/SH010_PL01_v001.[1001-1048].exr", facts("10:00:00:00", 1))
    assert plate.frames == 48
    assert found_by(aaf(clip="SH010_PL01_v001"), plate) is FoundBy.CLIP


def test_nothing_is_said_where_nothing_is_known() -> None:
    """A clip without timecode is found by name; whether it is long enough stays open."""
    report = ClipIndex([Clip.of("A004C010_261101_R1JL.mov", None)]).look_up(cut(EDL.split(b"002 ")[0]), 8)
    assert report.found[0].lacks == ()
    assert report.missing == ()


def test_unused_and_embedded_sources_need_nothing() -> None:
    """What the cut does not show, or what lies inside the list, cannot be missing."""
    assert ClipIndex([]).look_up(aaf(clip="X", enabled=False)).missing == ()
    assert ClipIndex([]).look_up(aaf(clip="X", embedded=True)).missing == ()
    (missing,) = ClipIndex([]).look_up(aaf(clip="X", reel="A001")).missing
    assert label_of(missing) == "X (reel A001), 10:00:00:00-10:00:01:00"
