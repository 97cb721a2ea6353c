"""Tests of reading Final Cut Pro X documents."""

from __future__ import annotations

from fractions import Fraction

import pytest

from assetwatch.media.timelines import Timeline, read_bytes
from assetwatch.media.timelines.fcpxml import seconds

RESOURCES = """<format id="r1" frameDuration="1001/24000s"/><format id="r2" frameDuration="100/2500s"/>
<asset id="a1" name="A001C001" start="3600s" duration="100s" hasVideo="1" hasAudio="1" format="r2" uid="U1">
<media-rep kind="original-media" src="file:///Volumes/My%20Disk/A001C001.mov"/></asset>
<asset id="a2" name="music" src="file:///Volumes/M/music.wav" start="0s" duration="200s" hasAudio="1" format="r1"/>
<effect id="e1" name="Title"/>"""


def read(spine: str, resources: str = "") -> Timeline:
    text = (
        f'<?xml version="1.0"?><!DOCTYPE fcpxml><fcpxml version="1.10"><resources>{RESOURCES}{resources}</resources>'
        f'<library><event><project name="R1"><sequence format="r1" duration="10010/1000s" tcStart="0s">'
        f"<spine>{spine}</spine></sequence></project></event></library></fcpxml>"
    )
    return read_bytes(text.encode(), "r1.fcpxml")


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("3600s", Fraction(3600)),
        ("1001/24000s", Fraction(1001, 24000)),
        ("2.5s", Fraction(5, 2)),
        ("-1/2s", Fraction(-1, 2)),
        ("1/0s", None),
        ("soon", None),
        (None, None),
        ("9" * 100 + "s", None),
    ],
)
def test_times(written: str | None, time: Fraction | None) -> None:
    """Rational, whole and decimal seconds; what is none is None."""
    assert seconds(written) == time


def test_asset_clip() -> None:
    """The asset names the source, its format counts the source timecode, the sequence's the record."""
    timeline = read('<asset-clip ref="a1" name="my pick" offset="1001/1000s" start="3610s" duration="2002/1000s"/>')
    (event,) = timeline.events
    assert (event.clip, event.file) == ("A001C001", "/Volumes/My Disk/A001C001.mov")
    assert (event.source_in, event.source_out) == ("01:00:10:00", "01:00:12:00")
    assert (event.record_in, event.record_out) == ("00:00:01:00", "00:00:03:00")
    assert (event.tracks, event.umid, event.comments) == (("V1", "A1"), "U1", ("Clip name: my pick",))
    assert (timeline.frame_rate, timeline.duration_frames) == (Fraction(24000, 1001), 240)


def test_connected_clips_keep_their_place() -> None:
    """A connected clip is placed in its holder's time, and may outlast it."""
    timeline = read(
        '<asset-clip ref="a1" offset="0s" start="3610s" duration="1s">'
        '<asset-clip ref="a2" lane="-1" offset="3610s" start="5s" duration="9s"/></asset-clip>'
    )
    event = timeline.events[1]
    assert (event.tracks, event.record_in) == (("A-1",), "00:00:00:00")
    assert event.source_out == "00:00:13:23"


def test_titles_and_gaps_are_no_sources() -> None:
    """A title and a generator are events only, a gap nothing."""
    timeline = read('<gap duration="1s"/><title ref="e1" duration="1s"/><video ref="e1" duration="1s"/>')
    assert [e.generated for e in timeline.events] == [True, True]
    assert not any(s.used for s in timeline.sources)


COMPOUND = (
    '<media id="m1"><sequence format="r1" tcStart="0s"><spine>'
    '<asset-clip ref="a1" offset="0s" start="3600s" duration="10s"/>'
    '<asset-clip ref="a2" offset="10s" start="0s" duration="10s"/></spine></sequence></media>'
)


def test_compound_clip_shows_its_window() -> None:
    """Of a compound clip, what its window shows is used, with its place in the cut; the rest is only named."""
    timeline = read('<ref-clip ref="m1" offset="0s" start="4s" duration="3s"/>', COMPOUND)
    assert [(s.clip, s.used) for s in timeline.sources] == [("A001C001", True), ("music", False)]
    (event,) = timeline.events
    assert (event.source_in, event.source_out, event.record_in) == ("01:00:04:00", "01:00:07:00", "00:00:00:00")


def test_compound_in_itself_ends() -> None:
    """A compound clip that holds itself twice is given up with a warning, soon."""
    twice = '<ref-clip ref="m1" duration="1s"/>' * 2
    loop = f'<media id="m1"><sequence format="r1"><spine>{twice}</spine></sequence></media>'
    assert any("too deep" in w for w in read('<ref-clip ref="m1" duration="1s"/>', loop).warnings)


def test_multicam_shows_its_active_angle() -> None:
    """The chosen angle is used, the others are only named."""
    multicam = (
        '<media id="m1"><multicam format="r1">'
        '<mc-angle angleID="x"><asset-clip ref="a1" offset="0s" duration="20s"/></mc-angle>'
        '<mc-angle angleID="y"><gap duration="2s"/><asset-clip ref="a2" offset="2s" duration="20s"/></mc-angle>'
        "</multicam></media>"
    )
    timeline = read(
        '<mc-clip ref="m1" start="4s" duration="1s"><mc-source angleID="y" srcEnable="all"/></mc-clip>', multicam
    )
    assert {(s.clip, s.used) for s in timeline.sources} == {("A001C001", False), ("music", True)}
    assert timeline.events[0].source_in == "00:00:01:23"


def test_synchronized_clip() -> None:
    """Picture and sound of a synchronized clip are both sources, within its window."""
    timeline = read(
        '<sync-clip offset="0s" start="2s" duration="1s"><asset-clip ref="a1" offset="0s" duration="20s">'
        '<asset-clip ref="a2" lane="-1" offset="3600s" start="0s" duration="20s"/></asset-clip></sync-clip>'
    )
    assert [(e.clip, e.source_in) for e in timeline.events] == [("A001C001", "01:00:02:00"), ("music", "00:00:01:23")]


def test_audition_uses_its_first_pick() -> None:
    """The first of an audition is in the cut, the others are named."""
    timeline = read('<audition><asset-clip ref="a1" duration="1s"/><asset-clip ref="a2" duration="1s"/></audition>')
    assert [(s.clip, s.used) for s in timeline.sources] == [("A001C001", True), ("music", False)]


def test_retimed_clip() -> None:
    """A time map turns the clip's own time into the media's."""
    timeline = read(
        '<asset-clip ref="a1" start="2s" duration="1s"><timeMap><timept time="0s" value="0s"/>'
        '<timept time="10s" value="20s"/></timeMap></asset-clip>'
    )
    event = timeline.events[0]
    assert (event.speed, event.source_in, event.source_out) == (2, "00:00:04:00", "00:00:06:00")


def test_assets_alone_are_listed() -> None:
    """A document without a project names its clips, or its assets."""
    text = '<fcpxml version="1.9"><resources><asset id="r1" name="A" src="file:///a.mov"/></resources></fcpxml>'
    timeline = read_bytes(text.encode(), "a.fcpxml")
    assert [(s.clip, s.file, s.used) for s in timeline.sources] == [("A", "/a.mov", False)]


def test_disabled_clip_is_an_event_that_is_not_used() -> None:
    """A clip switched off stays in the list of events."""
    timeline = read('<asset-clip ref="a1" duration="1s" enabled="0"/>')
    assert [e.enabled for e in timeline.events] == [False]
    assert not any(s.used for s in timeline.sources)


def test_drop_frame_sequence() -> None:
    """tcFormat DF labels the record in drop-frame, NDF does not."""
    text = (
        '<fcpxml version="1.9"><resources><format id="r1" frameDuration="1001/30000s"/>'
        '<asset id="a" name="A" format="r1"/></resources><project name="P"><sequence format="r1" tcFormat="{}">'
        '<spine><asset-clip ref="a" offset="60060/1000s" duration="1s"/></spine></sequence></project></fcpxml>'
    )
    starts = [read_bytes(text.format(f).encode(), "p").events[0].record_in for f in ("DF", "NDF")]
    assert starts == ["00:01:00;02", "00:01:00:00"]


@pytest.mark.parametrize(("offset", "sides"), [('offset="3/2s"', (6, 6)), ("", (6, 6)), ('offset="7/4s"', (0, 12))])
def test_a_dissolve_lies_around_its_cut(offset: str, sides: tuple[int, int]) -> None:
    """Half a second around the cut: what lies before it is the second clip's head, the rest the first's tail."""
    timeline = read(
        '<asset-clip ref="b1" offset="0s" start="0s" duration="7/4s"/>'
        f'<transition {offset} duration="1/2s"/>'
        '<asset-clip ref="b2" offset="7/4s" start="10s" duration="2s"/>',
        '<asset id="b1" name="one" start="0s" duration="60s" hasVideo="1" format="r3"/>'
        '<asset id="b2" name="two" start="0s" duration="60s" hasVideo="1" format="r3"/>'
        '<format id="r3" frameDuration="1/24s"/>',
    )
    first, second = (source for source in timeline.sources if source.used)
    assert (second.ranges[0].head_frames, first.ranges[0].tail_frames) == sides


def test_clips_that_place_their_media_at_zero() -> None:
    """The start of a clip in its media's time, and what it holds at 0, as OTIO's adapter writes it: the clip's stretch
    of the media is used."""
    timeline = read(
        '<clip name="p" offset="0s" duration="2002/1000s" start="3610s"><video offset="0s" ref="a1" duration="100s"/>'
        '<clip name="sound" offset="3610s" duration="1001/1000s" start="20020/1000s" lane="-1">'
        '<gap name="Gap" offset="0s" duration="200s"><audio offset="0s" ref="a2" duration="200s" lane="-1"/></gap>'
        "</clip></clip>"
    )
    assert [(s.clip, s.source_in, s.source_out, s.used) for s in timeline.sources] == [
        ("A001C001", "01:00:10:00", "01:00:12:00", True),
        ("music", "00:00:20:00", "00:00:21:00", True),
    ]
    assert timeline.events[0].record_out == "00:00:02:00"
