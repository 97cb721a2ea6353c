"""A turnover whose elements disagree says which, by how much, and nothing where they agree."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from assetwatch.delivery.agreement import Asked, Element, Kind, agree, kind_of
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.media.captions import Span
from assetwatch.media.facts import Facts
from assetwatch.media.timelines import Timeline, read_bytes, tc

NTSC = Fraction(24000, 1001)


def picture(name: str = "NF_R1_v003.mov", frames: int = 2400, start: str = "01:00:00:00", **more: Any) -> Element:
    rate = more.pop("rate", "24000/1001")
    track: Facts = {"frame_rate": rate, "frame_count": frames, "still": False, "codec": "ProRes"}
    sound: Facts = {"channels": 2, "sample_rate": more.pop("sample_rate", 48000)}
    facts: Facts = {"duration": None, "start_timecode": start, "video": [track], "audio": [sound], "other": {}}
    return Element(f"SOUND/{name}", Kind.PICTURE, facts)


def stem(
    name: str = "NF_R1_DX_5.1_v003.wav", seconds: Fraction = 2400 / NTSC, start: str | None = "01:00:00:00", **more: Any
) -> Element:
    rate = more.get("sample_rate", 48000)
    other: Facts = {}
    if start is not None:
        other = {"start_samples": int(tc.frames(start, 24) / NTSC * 48000), "start_samples_rate": 48000}
    sound: Facts = {"channels": more.get("channels", 6), "sample_rate": rate, "samples": int(seconds * rate)}
    facts: Facts = {"duration": None, "start_timecode": None, "video": [], "audio": [sound], "other": other}
    return Element(f"SOUND/{name}", Kind.STEM, facts)


def timeline(name: str = "NF_R1_v003.edl", frames: int = 2400, start: str = "01:00:00:00", **more: Any) -> Element:
    values = {
        "format": "aaf",
        "name": None,
        "frame_rate": NTSC,
        "start": start,
        "duration_frames": frames,
        "events": (),
        "sources": (),
        "warnings": (),
        "base": 24,
    }
    return Element(f"SOUND/{name}", Kind.TIMELINE, timeline=Timeline(**(values | more)))


def rules(*elements: Element, asked: Asked | None = None) -> list[tuple[str, str | None]]:
    return [(f.rule, f.path) for f in agree(elements, asked)]


def only(*elements: Element, asked: Asked | None = None) -> Finding:
    (finding,) = agree(elements, asked)
    return finding


def test_a_turnover_that_agrees_says_nothing() -> None:
    """Picture, cut and stems of one reel, all alike."""
    assert agree([picture(), timeline(), stem(), stem("NF_R1_MX_2.0_v003.wav", channels=2)]) == ()


def test_one_frame_too_long_is_told() -> None:
    """Length is compared to the frame, in either direction."""
    finding = only(picture(), timeline(frames=2401))
    assert (finding.rule, finding.expected) == ("duration", "2400 frames, 00:01:40:00")
    assert finding.observed == "2401 frames, 00:01:40:01 (+1 frame)"
    assert rules(picture(), stem(seconds=2398 / NTSC)) == [("duration", "SOUND/NF_R1_DX_5.1_v003.wav")]


def test_start_timecodes_are_compared() -> None:
    """The cut's record start and the stem's stamp are held against the picture."""
    finding = only(picture(), timeline(start="01:00:00:01"), asked=Asked(by_the_hour=False))
    assert (finding.rule, finding.observed) == ("start_timecode", "01:00:00:01")
    finding = only(picture(), stem(start="01:00:02:00"), asked=Asked(by_the_hour=False))
    assert (finding.rule, finding.expected, finding.observed) == ("start_timecode", "01:00:00:00", "01:00:02:00")
    assert agree([picture(), stem(start=None)]) == ()


def test_rates_are_exact() -> None:
    """24 is not 23.976, though a list that only counts 24 fits both."""
    assert ("frame_rate", "SOUND/NF_R1_v003.edl") in rules(picture(), timeline(frame_rate=Fraction(24)))
    assert agree([picture(), timeline(frame_rate=None)]) == ()
    assert only(picture(), timeline(frame_rate=None, base=25), asked=None).rule == "frame_rate"
    assert ("frame_rate", "SOUND/NF_R1_v003.mov") in rules(picture(), asked=Asked(frame_rate=Fraction(25)))


def test_drop_frame_against_non_drop() -> None:
    """The same label counted two ways is one disagreement, not two."""
    drop = picture(rate="30000/1001", start="01:00:00;00")
    plain = timeline(frame_rate=Fraction(30000, 1001), base=30)
    finding = only(drop, plain)
    assert (finding.rule, finding.expected, finding.observed) == ("drop_frame", "drop-frame", "non-drop-frame")
    assert agree([drop, timeline(frame_rate=Fraction(30000, 1001), base=30, drop=True)]) == ()


def test_otio_does_not_say_how_it_labels_frames() -> None:
    """An OTIO timeline that begins at the same frame agrees, in whichever counting that frame is written."""
    drop = picture(rate="30000/1001", start="01:00:00;00")
    values = {"format": "otio", "frame_rate": Fraction(30000, 1001), "base": 30}
    assert agree([drop, timeline("NF_R1_v003.otio", start="00:59:56:12", **values)]) == ()
    finding = only(drop, timeline("NF_R1_v003.otio", start="00:59:56:13", **values))
    assert (finding.rule, finding.observed) == ("start_timecode", "01:00:00;01")


@pytest.mark.parametrize(("factor", "word"), [(Fraction(1001, 1000), "down"), (Fraction(1000, 1001), "up")])
def test_pulled_sound_is_called_so(factor: Fraction, word: str) -> None:
    """Sound that is 0.1 % too long or short was pulled."""
    finding = only(picture(frames=24000), stem(seconds=24000 / NTSC * factor))
    assert finding.rule == "pull"
    assert finding.observed is not None
    assert finding.observed.endswith(f"pulled {word}")


def test_sample_rates() -> None:
    """47 952 Hz is told as what it is."""
    finding = next(f for f in agree([picture(sample_rate=47952)]))
    assert (finding.rule, finding.expected, finding.observed) == ("sample_rate", "48000", "47952: pulled down")


def test_channels_are_what_the_name_says() -> None:
    """A file called 5.1 has six channels, unless it is one channel of several."""
    assert only(stem(channels=2)).rule == "channels"
    assert agree([stem("NF_R1_DX_5.1_v003.Ls.wav", channels=1)]) == ()
    assert agree([stem("NF_R1_DX_v5.1.wav", channels=2)]) == ()
    assert only(stem("NF_R1_DX_stereo.wav", channels=1)).expected == "2, as its name says"


def test_stems_are_of_one_length() -> None:
    """The odd one out is told; less than a frame only needs to be known."""
    stems = [stem(f"NF_R1_{name}.wav", channels=2) for name in ("DX", "MX", "FX")]
    assert only(*stems, stem("NF_R1_NX.wav", seconds=Fraction(90), channels=2)).rule == "stem_length"
    near = only(*stems, stem("NF_R1_NX.wav", seconds=2400 / NTSC + Fraction(1, 1000), channels=2))
    assert (near.rule, near.failed) == ("stem_length", False)


def test_reels_start_at_their_hour() -> None:
    """Reel 2 begins at hour 2, or up to two minutes of leader before; a show may do otherwise."""
    assert only(picture("NF_R2_v003.mov")).rule == "reel_hour"
    assert agree([picture("NF_R2_v003.mov", start="01:59:52:00")]) == ()
    assert only(picture("NF_R2_v003.mov", start="02:00:08:00")).rule == "reel_hour"
    assert agree([picture("NF_R2_v003.mov")], Asked(by_the_hour=False)) == ()
    assert only(picture("a.mov"), asked=Asked(reel=3)).expected == "03:00:00:00 for reel 3"


def test_reels_are_compared_apart() -> None:
    """Two reels of one turnover may differ in everything."""
    second = picture("NF_R2_v003.mov", frames=9999, start="02:00:00:00")
    assert agree([picture(), timeline(), second, timeline("NF_R2_v003.edl", 9999, "02:00:00:00")]) == ()
    assert rules(picture(), second, timeline("NF_R2_v003.edl", 9998, "02:00:00:00")) == [
        ("duration", "SOUND/NF_R2_v003.edl")
    ]


def test_captions_end_with_the_picture() -> None:
    """A caption after the last frame belongs to another cut."""
    text: Facts = {"video": [], "audio": [], "other": {"text": [{"frame_rate": None, "start_timecode": None}]}}

    def srt(begin: int, end: int, labels: bool = False) -> Element:
        return Element("x.srt", Kind.CAPTIONS, text, span=Span(Fraction(begin), Fraction(end), labels))

    assert agree([picture(), srt(1, 100)]) == ()
    assert only(picture(), srt(1, 120)).rule == "captions"
    assert agree([picture(), srt(3601, 3700, labels=True)]) == ()
    assert only(picture(), srt(3601, 3720, labels=True)).rule == "captions"
    early: Facts = {**text, "other": {"text": [{"frame_rate": None, "start_timecode": "01:30:00:00"}]}}
    assert only(picture(), Element("x.scc", Kind.CAPTIONS, early)).observed == "begin at 01:30:00:00"


def test_what_cannot_be_read_is_unknown() -> None:
    """An unreadable element does not fail the turnover, and does not pass it."""
    assert only(picture(), Element("x.aaf", Kind.TIMELINE)).outcome is Outcome.UNKNOWN


def test_a_sound_list_is_not_as_long_as_the_picture() -> None:
    """An EDL of sound tracks begins and ends with its first and last sound; an AAF has filler and is compared."""
    raw = b"TITLE: A1\n001  SR1 A     C        01:00:00:00 01:00:10:00 01:00:20:00 01:00:30:00\n"
    cut = read_bytes(raw, "a.edl", frame_rate=NTSC)
    assert agree([picture(), Element("NF_R1_A1.edl", Kind.TIMELINE, timeline=cut)]) == ()
    sequence = replace(cut, format="aaf", start="01:00:00:00")
    assert only(picture(), Element("NF_R1.aaf", Kind.TIMELINE, timeline=sequence)).rule == "duration"


def test_captions_have_the_rate_of_the_picture() -> None:
    """But a Scenarist file counts 29.97 under any picture."""
    text: Facts = {"video": [], "audio": [], "other": {"text": [{"frame_rate": "30000/1001"}]}}
    assert only(picture(), Element("x.ttml", Kind.CAPTIONS, text)).rule == "frame_rate"
    assert agree([picture(), Element("x.scc", Kind.CAPTIONS, text)]) == ()


def test_kinds() -> None:
    """What takes part is told by name and facts."""
    assert kind_of("a/R1.EDL", None) is Kind.TIMELINE
    assert kind_of("a/R1.scc", None) is Kind.CAPTIONS
    assert kind_of("a/R1.mov", picture().facts) is Kind.PICTURE
    assert kind_of("a/R1.wav", stem().facts) is Kind.STEM
    assert kind_of("a/R1.pdf", None) is None
