"""Which clips do reports list, as the programs of the field write them?"""

from __future__ import annotations

import pytest

from assetwatch.delivery.reports import read_report

CAMERA = b"""\xef\xbb\xbfProduction,Night Show,,,,\r
Date,2026-11-02,,,,\r
,,,,,\r
Camera,Roll,Clip #,Scene,Take,Length\r
A,A004,1,42,1,00:01:10\r
A,A004,2,42,2,1:05\r
A,A004,,42,3,\r
"""
LIBRARY = "Clip Name\tReel Name\tDuration (frames)\tFPS\nA004C001_261102_R1JL\tA004\t240\t24\n".encode("utf-16")
SOUND = b"""SOUND REPORT
Project:;Night Show
File Name;Scene;Take;Length;Start TC
42A-T01.WAV;42A;1;00:01:23.500;10:00:00:00
42A-T02.WAV;42A;2;0:00:30;10:02:00:00
"""
ALE = b"""Heading
FIELD_DELIM\tTABS
FPS\t24

Column
Name\tTracks\tStart\tEnd\tTape\tSource File

Data
42-1\tV\t10:00:00:00\t10:00:10:00\tA004C001_261102_R1JL\tA004C001_261102_R1JL.mov
"""


def test_a_camera_report() -> None:
    """Under a title, with numbers for clips; a row without a clip is a take by scene and number."""
    found = read_report(CAMERA)
    assert [(one.clip, one.reel, one.duration, one.line) for one in found] == [
        ("C001", "A004", 70.0, 5),
        ("C002", "A004", 65.0, 6),
        ("42-T03", "A004", None, 7),
    ]


def test_a_library_of_clips() -> None:
    """UTF-16 with tabs; frames count by the rate beside them."""
    (clip,) = read_report(LIBRARY)
    assert (clip.clip, clip.reel, clip.duration) == ("A004C001_261102_R1JL", "A004", 10.0)


def test_a_sound_report() -> None:
    """File names, with scene and take as another name."""
    first, second = read_report(SOUND)
    assert (first.clip, first.duration, first.others) == ("42A-T01.WAV", 83.5, ("42A-T01",))
    assert second.duration == 30.0


def test_an_ale() -> None:
    """The clip's name, and as others its file and tape; its length from its timecodes."""
    (clip,) = read_report(ALE)
    assert (clip.clip, clip.duration) == ("42-1", 10.0)
    assert set(clip.others) == {"A004C001_261102_R1JL", "A004C001_261102_R1JL.mov"}


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff" * 50, b"a,b\n1,2\n", b"Name,Phone\nJo,12\n", b'"unclosed\nClip,Roll\n', b"Clip\nA\n"]
)
def test_what_is_no_report(raw: bytes) -> None:
    """A table of other things lists no clips, and no bytes raise anything."""
    assert read_report(raw) == ()
