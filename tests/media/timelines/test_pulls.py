"""Tests of reading pull lists."""

from __future__ import annotations

from fractions import Fraction

import pytest

from assetwatch.media.timelines import TimelineFault
from assetwatch.media.timelines.pulls import read_pulls


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_table_with_a_title_above(sign: str) -> None:
    """The header row is found below other rows, its columns by their meaning, in any delimiter."""
    rows = (
        ("Show X pull 3", "", "", "", "", "", ""),
        ("Shot Name", "Tape", "Source In", "Source Out", "First Frame", "Last Frame", "Handles"),
        ("sh010_pl01", "A001", "10:00:00:00", "10:00:02:00", "1001", "1064", "8 frames"),
        ("", "", "", "", "", "", ""),
    )
    (pull,) = read_pulls("\n".join(sign.join(row) for row in rows).encode(), "pull.csv")
    assert (pull.name, pull.reel, pull.source_in, pull.source_out) == (
        "sh010_pl01",
        "A001",
        "10:00:00:00",
        "10:00:02:00",
    )
    assert (pull.first_frame, pull.last_frame, pull.frames, pull.handle_frames, pull.line) == (1001, 1064, 64, 8, 3)


def test_edl_with_frame_counters() -> None:
    """An EDL is a pull list too; frame counters in its notes are the file numbers."""
    text = (
        "TITLE: PULL\n001 A001 V C 10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00\n"
        "* FROM CLIP NAME: sh010_pl01\n*FRMC start: 1001    FRMC end: 1048    FRMC duration:48\n"
    )
    (pull,) = read_pulls(text.encode(), "pull.edl")
    assert (pull.name, pull.reel, pull.first_frame, pull.last_frame, pull.frames) == (
        "sh010_pl01",
        "A001",
        1001,
        1048,
        48,
    )


def test_edl_length_without_counters() -> None:
    """Without counters the source length is the number of frames, where the rate is known."""
    text = "001 A001 V C 10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00\n"
    assert read_pulls(text.encode(), "p.edl", frame_rate=Fraction(25))[0].frames == 50


@pytest.mark.parametrize("raw", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'"' * 500])
def test_what_is_no_pull_list(raw: bytes) -> None:
    """Content without a plate or reel column is a fault."""
    with pytest.raises(TimelineFault):
        read_pulls(raw, "pull.csv")


def test_an_ale_asks_for_its_clips_or_for_the_shots_that_it_names() -> None:
    """Name is the clip's; a plate goes by the shot where a column has it, and by the clip where none does."""
    rows = "A001C001\tA001\t10:00:00:00\t10:00:02:00\tSH010\r\n"
    head = "Heading\r\nFIELD_DELIM\tTABS\r\nFPS\t24\r\n\r\nColumn\r\nName\tTape\tStart\tEnd\t{}\r\n\r\nData\r\n"
    (shot,) = read_pulls((head.format("VFX Shot") + rows).encode(), "pull.ale")
    assert (shot.name, shot.clip, shot.reel, shot.source_in) == ("SH010", "A001C001", "A001", "10:00:00:00")
    (clip,) = read_pulls((head.format("Comments") + rows).encode(), "pull.ale")
    assert (clip.name, clip.clip) == ("A001C001", "A001C001")
