"""Tests of reading edit decision lists, in the dialects that programs write."""

from __future__ import annotations

from fractions import Fraction

import pytest

from assetwatch.media.timelines import Event, Timeline
from assetwatch.media.timelines.edl import looks_like_edl, read_edl
from assetwatch.media.timelines.edl_lines import channels

CODES = "10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00"


def only(text: str) -> Event:
    """The one event of a list."""
    timeline = read_edl(text)
    assert len(timeline.events) == 1, timeline.warnings
    return timeline.events[0]


def names(timeline: Timeline) -> list[tuple[str | None, str | None, str | None]]:
    """The sources by reel, clip and file."""
    return [(s.reel, s.clip, s.file) for s in timeline.sources]


def test_plain_event() -> None:
    """Number, reel, track, kind, four timecodes, and the notes below."""
    event = only(
        "TITLE: REEL 1\nFCM: NON-DROP FRAME\n"
        f"001  A001C003 V     C        {CODES}\n* FROM CLIP NAME: 12A-3\n* SOURCE FILE: A001C003_260101_R1AB.mov\n"
    )
    assert (event.number, event.reel, event.tracks, event.kind) == ("001", "A001C003", ("V",), "cut")
    assert (event.source_in, event.source_out) == ("10:00:00:00", "10:00:02:00")
    assert (event.record_in, event.record_out) == ("01:00:00:00", "01:00:02:00")
    assert (event.clip, event.file, event.line) == ("12A-3", "A001C003_260101_R1AB.mov", 3)


@pytest.mark.parametrize(
    ("line", "number", "reel"),
    [
        (f"000001  A001C003_260101_R1AB             V     C        {CODES}", "000001", "A001C003_260101_R1AB"),
        (f"1\tTAPE7\tV\tC\t{CODES}".replace(" ", "\t"), "1", "TAPE7"),
        (f"   007 R1 V C {CODES} ", "007", "R1"),
        (f"001  MY LONG REEL V C {CODES}", "001", "MY LONG REEL"),
        (f"A001C003 V C {CODES}", None, "A001C003"),
        (f"001A TAPE V C {CODES}", "001A", "TAPE"),
        (f"{'x' * 128} V C {CODES}", None, "x" * 128),
        (f"001 105 V C {CODES}", "001", "105"),
    ],
)
def test_columns_are_not_trusted(line: str, number: str | None, reel: str) -> None:
    """Long reels, tabs, spaces in reels, missing numbers: read from the timecodes backwards."""
    event = only(line)
    assert (event.number, event.reel) == (number, reel)


def test_a_lone_number_is_the_expected_one_or_a_reel() -> None:
    """With one token before the channels, the next number in turn is a number, any other a reel."""
    events = read_edl(f"001 R1 V C {CODES}\n002 V C {CODES}\n105 V C {CODES}\n").events
    assert [(e.number, e.reel) for e in events] == [("001", "R1"), ("002", None), (None, "105")]


@pytest.mark.parametrize(
    ("written", "tracks"),
    [
        ("V", ("V",)),
        ("AA/V", ("V", "A1", "A2")),
        ("A2/V", ("V", "A2")),
        ("B", ("V", "A1")),
        ("A", ("A1",)),
        ("AA", ("A1", "A2")),
        ("VA1A2", ("V", "A1", "A2")),
        ("V2", ("V2",)),
        ("NONE", ()),
    ],
)
def test_channels(written: str, tracks: tuple[str, ...]) -> None:
    """One event on several channels is one event, with all of them."""
    assert channels(written) == tracks
    assert only(f"001 R1 {written} C {CODES}").tracks == tracks


def test_further_audio_channels() -> None:
    """An AUD line adds channels to the event above it."""
    assert only(f"001 R1 V C {CODES}\nAUD  3    4\n").tracks == ("V", "A3", "A4")


DISSOLVE = """TITLE: X
001  A001     V     C        01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: first
002  A001     V     C        01:00:02:00 01:00:02:00 01:00:02:00 01:00:02:00
FCM: NON-DROP FRAME
002  B001     V     D    024 05:00:00:00 05:00:03:00 01:00:02:00 01:00:05:00
EFFECTS NAME IS CROSS DISSOLVE
* FROM CLIP NAME: first
* TO CLIP NAME: second
* SOURCE FILE: A001_x.mov
* SOURCE FILE: B001_x.mov
"""


def test_dissolve_is_two_lines_with_two_names() -> None:
    """FROM and the first file are of what goes out, TO and the second of what comes in."""
    _, out, into = read_edl(DISSOLVE).events
    assert (out.kind, out.clip, out.file) == ("cut", "first", "A001_x.mov")
    assert (into.kind, into.clip, into.file, into.transition_frames) == ("dissolve", "second", "B001_x.mov", 24)


def test_files_of_a_transition_by_from_and_to() -> None:
    """FROM FILE and TO FILE name the two sides, also where there is no line for what goes out."""
    notes = "* FROM FILE: /vol/a.mov\n* TO FILE: /vol/b.mov\n"
    text = DISSOLVE.replace("* SOURCE FILE: A001_x.mov\n* SOURCE FILE: B001_x.mov\n", notes)
    assert [e.file for e in read_edl(text).events] == [None, "/vol/a.mov", "/vol/b.mov"]
    assert only(f"001 R1 V D 010 {CODES}\n{notes}").file == "/vol/b.mov"


def test_what_goes_out_is_needed_through_the_dissolve() -> None:
    """The list names the outgoing source up to the dissolve only; its range says how much longer it shows."""
    source = next(s for s in read_edl(DISSOLVE).sources if s.file == "A001_x.mov")
    assert [used.tail_frames for used in source.ranges] == [24]


def test_fade_from_black_names_the_one_clip() -> None:
    """Black is an event and no source; the name below belongs to what fades in."""
    timeline = read_edl(
        "001  BL       V     C        00:00:00:00 00:00:00:00 01:00:00:00 01:00:00:00\n"
        "001  A001     V     D    024 05:00:00:00 05:00:03:00 01:00:00:00 01:00:03:00\n"
        "* FROM CLIP NAME: the clip\n"
    )
    assert names(timeline) == [("A001", "the clip", None)]
    assert [e.generated for e in timeline.events] == [True, False]


@pytest.mark.parametrize(
    ("transition", "kind", "frames"),
    [
        ("D    010", "dissolve", 10),
        ("W001 025", "wipe", 25),
        ("K B", "key", 0),
        ("KB  015", "key", 15),
        ("K", "key", 0),
    ],
)
def test_transitions(transition: str, kind: str, frames: int) -> None:
    """Dissolves, wipes with their pattern, and keys with and without a length."""
    event = only(f"001 R1 V {transition} {CODES}")
    assert (event.kind, event.transition_frames, event.reel) == (kind, frames, "R1")


def test_speed_needs_the_base() -> None:
    """M2 gives frames a second; the factor is known where the base is."""
    text = f"001 R1 V C {CODES}\nM2   R1       -048.0      10:00:00:00\n"
    assert read_edl(text, Fraction(24)).events[0].speed == -2
    assert read_edl(text).events[0].speed is None


def test_base_is_proved_by_the_sums() -> None:
    """Source and record of a cut are as long as each other in one base only, if they cross other seconds."""
    timeline = read_edl("001 R1 V C 10:00:00:20 10:00:02:02 01:00:00:00 01:00:01:06\n")
    assert (timeline.base, timeline.duration_frames, timeline.frame_rate) == (24, 30, None)


def test_without_proof_there_is_no_base() -> None:
    """A list whose sums fit every base has no duration in frames, and is not guessed at."""
    timeline = read_edl(f"001 R1 V C {CODES}\n")
    assert (timeline.base, timeline.duration_frames, timeline.start) == (None, None, "01:00:00:00")


def test_drop_frame_mode_switches_within_the_list() -> None:
    """FCM holds from where it stands; the first is the record's, and tells the rate."""
    timeline = read_edl(
        f"FCM: DROP FRAME\n001 R1 V C {CODES}\nFCM: NON-DROP FRAME\n002 R2 V C {CODES}\n"
        f"FCM: DROP FRAME\n003 R3 V C {CODES}"
    )
    assert [e.drop for e in timeline.events] == [True, False, True]
    assert (timeline.drop, timeline.frame_rate) == (True, Fraction(30000, 1001))


def test_final_cut_tells_the_whole_reel() -> None:
    """A reel that was shortened to eight characters is named whole where the list says so."""
    event = only(f"001 A001C00A V C {CODES}\n* FINAL CUT PRO REEL: A001C003_260101_R1AB REPLACED BY: A001C00A\n")
    assert event.reel == "A001C003_260101_R1AB"


def test_source_table_is_about_reels_not_about_the_last_event() -> None:
    """Avid's source table at the end gives UMID and file by reel."""
    timeline = read_edl(
        f"001 R1 V C {CODES}\n002 R2 V C {CODES}\n"
        ">>> SOURCE R1        R1_TAPE 060a2b340101010101010f00-13-00-00-00-{53c08d51-33fd-b737-060e2b347f7f2a80}\n"
        "*SOURCE FILE: R1.mov\n"
    )
    assert [e.file for e in timeline.events] == ["R1.mov", None]
    assert (timeline.events[0].umid or "").startswith("060a2b34")
    assert timeline.events[1].umid is None


def test_first_of_several_clip_names_is_used_and_said() -> None:
    """A second clip name below a cut is kept as a comment, with a warning."""
    timeline = read_edl(f"001 R1 V C {CODES}\n* FROM CLIP NAME: a\n* FROM CLIP NAME: b\n")
    assert timeline.events[0].clip == "a"
    assert timeline.events[0].comments == ("FROM CLIP NAME: b",)
    assert len(timeline.warnings) == 1


def test_notes_are_kept() -> None:
    """Locators, colour decisions and free notes stay with their event, in order."""
    notes = ("LOC: 01:00:01:14 RED     FIX", "ASC_SOP (1 1 1)(0 0 0)(1 1 1)", "ASC_SAT 0.9", "GPI 1")
    assert only(f"001 R1 V C {CODES}\n" + "".join(f"* {note}\n" for note in notes)).comments == notes


def test_unreadable_lines_are_warned_of_by_number() -> None:
    """Timecodes out of range and event lines of no known shape are named; the rest is read."""
    timeline = read_edl(
        "001 R1 V C 99:99:99:99 10:00:02:00 01:00:00:00 01:00:02:00\n"
        "002 R2 V C 10:00:02:00 10:00:01:00 01:00:02:00 01:00:03:00\n"
        f"003 R3 QQ ZZ {CODES}\n"
        f"004 R4 V C {CODES}\n"
    )
    assert [e.reel for e in timeline.events] == ["R1", "R2", "R4"]
    assert timeline.events[0].source_in is None
    assert [w.partition(":")[0] for w in timeline.warnings] == ["line 1", "line 3", "line 2"]


def test_one_source_used_thrice_is_one_source() -> None:
    """Equal reel, clip and file are one source with the span of all its ranges, and each range kept."""
    timeline = read_edl(
        "001 R1 V C 10:00:05:00 10:00:06:00 01:00:00:00 01:00:01:00\n"
        "002 R1 V C 10:00:01:00 10:00:02:00 01:00:01:00 01:00:02:00\n"
        "003 R1 A2 C 10:00:09:00 10:00:09:10 01:00:02:00 01:00:02:10\n"
    )
    (source,) = timeline.sources
    assert (source.source_in, source.source_out) == ("10:00:01:00", "10:00:09:10")
    assert source.tracks == ("V", "A2")
    assert [used.event for used in source.ranges] == ["001", "002", "003"]


def test_source_only_events_are_read() -> None:
    """A list of pulls with source timecodes alone still names its sources."""
    event = only("001 R1 V C 10:00:00:00 10:00:02:00\n")
    assert (event.source_out, event.record_in) == ("10:00:02:00", None)


@pytest.mark.parametrize(
    ("text", "is_edl"),
    [("TITLE: x\n", True), (f"001 R1 V C {CODES}\n", True), ("Dear all,\nplease find 01:00:00:00\n", False)],
)
def test_what_is_an_edl(text: str, is_edl: bool) -> None:
    """A title or an event makes an EDL; a letter that mentions a timecode does not."""
    assert looks_like_edl(text) is is_edl


def test_a_source_told_in_frame_numbers() -> None:
    """Lists for shots without timecode tell the source in frames: it is a source all the same, with these frames."""
    cut = read_edl(
        "TITLE: FRAMES\nFCM: NON-DROP FRAME\n\n"
        "001  AX       V     C        1009        1064        00:00:00:00 00:00:02:07\n"
        "* FROM CLIP NAME: SH010_v09.mov\n"
        "002  AX       V     D    012 9           64          00:00:02:07 00:00:04:14\n"
        "* TO CLIP NAME: SH020_v01.mov\n"
    )
    assert [(one.clip, one.source_in, one.record_out) for one in cut.events] == [
        ("SH010_v09.mov", None, "00:00:02:07"),
        ("SH020_v01.mov", None, "00:00:04:14"),
    ]
    assert cut.events[0].comments == ("SOURCE FRAMES: 1009-1063",)
    assert cut.events[1].transition_frames == 12
    assert cut.warnings == ()
