"""Tests of reading Avid Log Exchange files."""

from __future__ import annotations

from fractions import Fraction

from assetwatch.media.timelines.ale import looks_like_ale, read_ale

HEAD = "Heading\nFIELD_DELIM\tTABS\nVIDEO_FORMAT\t1080\nFPS\t24\n\nColumn\n"


def test_clips_in_any_column_order() -> None:
    """Columns are found by name, however spelt; unknown ones are left alone."""
    timeline = read_ale(
        HEAD + "Odd\tEnd\tSOURCE FILE\tName\tStart\tTape\tTracks\n\nData\n"
        "x\t01:00:02:00\tA001.mov\t12A-1\t01:00:00:00\tA001R1AB\tVA1A2\n"
    )
    (source,) = timeline.sources
    assert (source.reel, source.clip, source.file) == ("A001R1AB", "12A-1", "A001.mov")
    assert (source.source_in, source.source_out) == ("01:00:00:00", "01:00:02:00")
    assert source.tracks == ("V", "A1", "A2")
    assert timeline.frame_rate == 24


def test_end_from_duration() -> None:
    """A log that gives the duration instead of the end is as good."""
    timeline = read_ale(HEAD + "Name\tStart\tDuration\nData\na\t01:00:00:00\t00:00:01:12\n")
    assert timeline.sources[0].source_out == "01:00:01:12"


def test_commas() -> None:
    """FIELD_DELIM COMMAS, with a comma inside quotes."""
    timeline = read_ale(
        'Heading\nFIELD_DELIM,COMMAS\nFPS,29.97\n\nColumn\nName,Tape\n\nData\n"wide, second",B002\nclose,B003\n'
    )
    assert [(s.clip, s.reel) for s in timeline.sources] == [("wide, second", "B002"), ("close", "B003")]
    assert timeline.frame_rate == Fraction(30000, 1001)


def test_short_long_and_blank_rows() -> None:
    """A short row is read, a row longer than the columns is warned of, a blank one is nothing."""
    timeline = read_ale(HEAD + "Name\tTape\nData\nonly name\n\t\n\nx\tT\ttoo much\n")
    assert [s.clip for s in timeline.sources] == ["only name", "x"]
    assert timeline.warnings == ("line 12: 3 cells, but 2 columns",)


def test_other_file_columns_are_further_files() -> None:
    """Only `Source File` is the file; paths in other columns stand beside it."""
    timeline = read_ale(HEAD + "Name\tSource File\tUNC\nData\na\ta.mov\t//srv/share/a.mov\n")
    assert timeline.sources[0].file == "a.mov"
    assert timeline.sources[0].files == ("a.mov", "//srv/share/a.mov")


def test_bad_timecode_is_warned_of_and_the_clip_kept() -> None:
    """A damaged start is named by line; the clip is still a source."""
    timeline = read_ale(HEAD + "Name\tStart\nData\na\t99:00:00:00\n")
    assert timeline.sources[0].clip == "a"
    assert timeline.warnings[0].startswith("line 9: Start")


def test_what_is_an_ale() -> None:
    """The word Heading on a line of its own opens an ALE."""
    assert looks_like_ale("\ufeffHeading\r\nFPS\t24\r\n")
    assert not looks_like_ale("Headings of the day\n")
