"""Tests of reading Final Cut Pro 7 XML."""

from __future__ import annotations

from fractions import Fraction

from assetwatch.media.timelines import Timeline, read_bytes

RATE = "<rate><timebase>{base}</timebase><ntsc>{ntsc}</ntsc></rate>"


def rate(base: int = 24, ntsc: bool = True) -> str:
    return RATE.format(base=base, ntsc=str(ntsc).upper())


def file(key: str, name: str, start: str = "10:00:00:00", *, reel: str = "", base: int = 24, ntsc: bool = True) -> str:
    counted = rate(base, ntsc)
    reel = f"<reel><name>{reel}</name></reel>" if reel else ""
    code = f"<string>{start}</string><displayformat>NDF</displayformat>{reel}"
    return (
        f'<file id="{key}"><name>{name}</name><pathurl>file://localhost/Volumes/My%20Disk/{name}</pathurl>'
        f"{counted}<timecode>{counted}{code}</timecode></file>"
    )


def item(name: str, held: str, start: int, end: int, first: int, more: str = "") -> str:
    length = end - start if end > 0 and start >= 0 else 48
    return (
        f"<clipitem><name>{name}</name>{rate()}<start>{start}</start><end>{end}</end>"
        f"<in>{first}</in><out>{first + length}</out>{held}{more}</clipitem>"
    )


def read(video: str, audio: str = "", more: str = "") -> Timeline:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE xmeml><xmeml version="5">'
        f"{more}<sequence><name>R1</name><duration>120</duration>{rate()}"
        f"<timecode>{rate()}<string>01:00:00:00</string><displayformat>NDF</displayformat></timecode>"
        f"<media><video>{video}</video><audio>{audio}</audio></media></sequence></xmeml>"
    )
    return read_bytes(text.encode(), "r1.xml")


def test_clips_files_and_timecodes() -> None:
    """Name, reel and path; source timecode counted on from the file's, record from the sequence's."""
    timeline = read(f"<track>{item('12A-3', file('f1', 'A001.mov', reel='A001'), 24, 72, 12)}</track>")
    (event,) = timeline.events
    assert (event.reel, event.clip, event.file) == ("A001", "12A-3", "/Volumes/My Disk/A001.mov")
    assert (event.source_in, event.source_out) == ("10:00:00:12", "10:00:02:12")
    assert (event.record_in, event.record_out, event.tracks) == ("01:00:01:00", "01:00:03:00", ("V1",))
    assert (timeline.name, timeline.start, timeline.duration_frames) == ("R1", "01:00:00:00", 120)
    assert timeline.frame_rate == Fraction(24000, 1001)


def test_a_file_is_described_once() -> None:
    """Later clips refer to the file by id, also from another kind of track, before or after."""
    again = '<file id="f1"/>'
    timeline = read(
        f"<track>{item('a', file('f1', 'A001.mov'), 0, 24, 0)}</track>",
        f"<track>{item('a', again, 0, 24, 0)}</track>",
    )
    (source,) = timeline.sources
    assert (source.file, source.tracks) == ("/Volumes/My Disk/A001.mov", ("V1", "A1"))


def test_generators_are_no_sources() -> None:
    """Slugs, mattes and graphics are events without a source; an offline clip without a path is a source."""
    lost = '<file id="l"><name>lost.mov</name></file>'
    slug = '<file id="s"><name>Black Video</name><mediaSource>Slug</mediaSource></file>'
    timeline = read(
        f"<track>{item('Black Video', slug, 0, 24, 0)}<generatoritem><name>Grey</name></generatoritem>"
        f"{item('lost', lost, 24, 48, 0)}</track>"
    )
    assert [e.generated for e in timeline.events] == [True, True, False]
    assert [(s.clip, s.file) for s in timeline.sources] == [("lost", None)]


def test_dissolve_hides_the_start() -> None:
    """Where a transition hides start and end (-1), the transition and the length give them back."""
    effect = "<effect><effectid>Cross Dissolve</effectid></effect>"
    dissolve = f"<transitionitem><start>40</start><end>56</end>{effect}</transitionitem>"
    out, into = item("a", file("f1", "A.mov"), 0, -1, 0), item("b", file("f2", "B.mov"), -1, 88, 0)
    timeline = read(f"<track>{out}{dissolve}{into}</track>")
    first, second = timeline.events
    assert first.record_out == "01:00:02:00"
    assert (second.kind, second.transition_frames, second.record_in) == ("dissolve", 16, "01:00:01:16")


def test_nested_sequences_are_followed() -> None:
    """A sequence within a clip names its sources; one within itself ends."""
    inner = (
        f'<sequence id="n"><name>N</name>{rate()}<media><video><track>{item("deep", file("f9", "D.mov"), 0, 24, 0)}'
        '<clipitem><sequence id="n"/></clipitem></track></video></media></sequence>'
    )
    timeline = read(f"<track>{item('N', inner, 0, 24, 0)}</track>")
    assert [s.clip for s in timeline.sources] == ["deep"]
    assert any("in themselves" in warning for warning in timeline.warnings)


def test_bins_and_disabled_clips_are_named_but_not_used() -> None:
    """A clip in a bin and a clip switched off are sources that the cut does not need."""
    timeline = read(
        f"<track>{item('off', file('f1', 'OFF.mov'), 0, 24, 0, '<enabled>FALSE</enabled>')}</track>",
        more=f'<bin><children><clip id="c"><name>spare</name>{file("f2", "SPARE.mov")}</clip></children></bin>',
    )
    assert [(s.file, s.used) for s in timeline.sources] == [
        ("/Volumes/My Disk/OFF.mov", False),
        ("/Volumes/My Disk/SPARE.mov", False),
    ]


def test_media_at_another_rate() -> None:
    """Clip frames are turned into frames of the media: 25 frames a second under a 23.976 sequence."""
    event = read(f"<track>{item('a', file('f1', 'A.mov', base=25, ntsc=False), 0, 24, 48)}</track>").events[0]
    assert (event.source_in, event.source_out) == ("10:00:02:00", "10:00:03:00")


def test_time_remap_is_the_speed() -> None:
    """A constant Time Remap filter gives the factor, reverse negative."""
    remap = (
        "<filter><effect><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid><value>50</value>"
        "</parameter><parameter><parameterid>reverse</parameterid><value>TRUE</value></parameter></effect></filter>"
    )
    assert read(f"<track>{item('a', file('f1', 'A.mov'), 0, 24, 0, remap)}</track>").events[0].speed == Fraction(-1, 2)


def test_without_a_sequence_the_clips_are_listed() -> None:
    """A bin export has no cut; its clips are its sources."""
    clip = f'<clip id="c"><name>a</name>{file("f", "A.mov")}</clip>'
    text = f'<xmeml version="4"><bin><children>{clip}</children></bin></xmeml>'
    timeline = read_bytes(text.encode(), "bin.xml")
    assert [(s.clip, s.used) for s in timeline.sources] == [("a", True)]
    assert timeline.warnings
