"""Do the elements of one turnover agree with each other?

Reference picture, timelines, stems and captions of one reel are compared: frame rate, counting (drop-frame or not),
start timecode, length to the frame, sample rate, channels, sound pulled up or down. The measure is what the schedule
says, else the picture, else the first timeline. Elements whose names tell different reels are compared reel by reel;
those that tell none belong to every reel's comparison only where there is one reel.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.media.captions import Span
from assetwatch.media.facts import Facts
from assetwatch.media.names import parse_name
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.values import Timeline

_TIMELINES: Final = frozenset({"edl", "aaf", "xml", "fcpxml", "fcpxmld", "otio", "otioz", "otiod"})
_CAPTIONS: Final = frozenset({"scc", "mcc", "srt", "vtt", "ttml", "dfxp", "itt", "stl", "cap", "imsc"})
#: `5.1`, `7_1` in a name, but not a version (`v5.1`) and not part of a longer number.
_SHAPE: Final = re.compile(r"(?<![0-9vV.])([2579])[._]([01])(?![0-9])")
_WORDS: Final = {"mono": 1, "stereo": 2, "ltrt": 2, "loro": 2}
#: One channel of several, each in a file of its own.
_ONE_CHANNEL: Final = re.compile(
    r"(?:^|[._ -])(?:L|R|C|LFE|Ls|Rs|Lss|Rss|Lsr|Rsr|Lrs|Rrs|Lc|Rc|Lb|Rb|M|A[0-9]{1,2})$", re.IGNORECASE
)
#: A reel may begin so many seconds before its hour: slate, bars, leader.
_LEADER_S: Final = 120
#: A pull by 0.1 % shows from here on: below, it cannot be told from a few frames missing.
_PULL_FRAMES: Final = 5000


class Kind(StrEnum):
    """What an element of a turnover is."""

    PICTURE = "picture"  #: reference picture, review, master
    TIMELINE = "timeline"  #: EDL, AAF, XML
    STEM = "stem"  #: sound without picture: stems, mixes
    CAPTIONS = "captions"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its path, and its facts (media, captions) or its timeline; both None where it was not readable.

    `span` is when the captions of a file begin and end, where that is known.
    """

    path: str
    kind: Kind
    facts: Facts | None = None
    timeline: Timeline | None = None
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the schedule says beside the files.

    `frame_rate` is the show's, `reel` the number of the reel where the names do not tell, `by_the_hour` whether reels
    start at the hour of their number, `sample_rate` in Hz.
    """

    frame_rate: Fraction | None = None
    reel: int | None = None
    by_the_hour: bool = True
    sample_rate: int = 48000


def kind_of(path: str, facts: Facts | None) -> Kind | None:
    """What an element is by its name and facts; None for what takes no part in the comparison."""
    ending = path.rpartition(".")[2].lower()
    if ending in _TIMELINES:
        return Kind.TIMELINE
    if ending in _CAPTIONS:
        return Kind.CAPTIONS
    if facts is None:
        return None
    if any(not track.get("still") for track in facts["video"]):
        return Kind.PICTURE
    return Kind.STEM if facts["audio"] and not facts["video"] else None


def agree(elements: Sequence[Element], asked: Asked | None = None) -> tuple[Finding, ...]:
    """Every disagreement, as a FAIL, and what could not be compared, as UNKNOWN; nothing where all agree."""
    asked = asked or Asked()
    reels = [parse_name(element.path).reel for element in elements]
    numbers = sorted({reel for reel in reels if reel is not None})
    found = [
        Finding("readable", Outcome.UNKNOWN, "readable", "could not be read", element.path)
        for element in elements
        if element.facts is None and element.timeline is None
    ]
    if len(numbers) < 2:
        reel = asked.reel if asked.reel is not None else next(iter(numbers), None)
        return (*found, *_one_reel(list(elements), reel, asked))
    for number in numbers:
        of_reel = [element for element, reel in zip(elements, reels, strict=True) if reel == number]
        found += _one_reel(of_reel, number, asked)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What of one element can be compared. `frames` is its length, exact; `start` a frame count from midnight."""

    element: Element
    rate: Fraction | None
    base: int | None
    label: str | None
    drop: bool | None
    start: int | None
    frames: Fraction | None


def _one_reel(elements: list[Element], reel: int | None, asked: Asked) -> Iterator[Finding]:
    measure = next((e for kind in (Kind.PICTURE, Kind.TIMELINE) for e in elements if e.kind is kind and _rate(e)), None)
    rate = asked.frame_rate or (_rate(measure) if measure is not None else None)
    measured = [_measure(element, rate) for element in elements if element.facts or element.timeline]
    cut = [one for one in measured if one.element.kind is not Kind.CAPTIONS and not _is_sound_list(one.element)]
    yield from _rates(measured, rate, None if asked.frame_rate or measure is None else measure.path)
    yield from _counting(cut)
    yield from _starts(cut)
    yield from _lengths(cut, rate)
    yield from _stems(measured, rate)
    yield from _sound([one.element for one in measured], asked)
    if reel is not None and asked.by_the_hour:
        yield from _hours(cut, reel)
    yield from _captions(measured, rate)


def _is_sound_list(element: Element) -> bool:
    """Whether it is an EDL of sound only: it begins with its first sound and ends with its last.

    Other formats have filler, so that a sound sequence is as long as the picture.
    """
    if element.timeline is None or element.timeline.format != "edl":
        return False
    tracks = {track[:1] for event in element.timeline.events for track in event.tracks}
    return bool(tracks) and "V" not in tracks


def _rate(element: Element) -> Fraction | None:
    if element.timeline is not None:
        return element.timeline.frame_rate
    if element.facts is None:
        return None
    if element.kind is Kind.CAPTIONS:
        tracks: Sequence[Facts] = element.facts["other"].get("text") or ()
    else:
        tracks = [track for track in element.facts["video"] if not track.get("still")]
    return next((tc.exact_rate(track["frame_rate"]) for track in tracks if track.get("frame_rate")), None)


def picture_rate(element: Element) -> Fraction | None:
    """The frame rate of a picture; None of anything else."""
    return _rate(element) if element.kind is Kind.PICTURE else None


def _measure(element: Element, rate: Fraction | None) -> _Measured:
    own = _rate(element)
    if element.timeline is not None:
        timeline = element.timeline
        base = tc.nominal(own) if own else timeline.base
        # OTIO counts frames, and does not say how they are labelled.
        labelled = timeline.start is not None and timeline.format != "otio"
        drop = timeline.drop or tc.says_drop(timeline.start or "") if labelled else None
        length = None if timeline.duration_frames is None else Fraction(timeline.duration_frames)
        return _Measured(element, own, base, timeline.start, drop, _count(timeline.start, base, drop), length)
    facts: Facts = element.facts or {}
    label = facts.get("start_timecode")
    if element.kind is Kind.STEM:
        start, label = _stem_start(facts, rate)
        seconds = _stem_seconds(facts)
        frames = seconds * rate if seconds is not None and rate else None
        return _Measured(element, own, None, label, None, start, frames)
    base = tc.nominal(own) if own else None
    drop = tc.says_drop(label) if label else None
    return _Measured(element, own, base, label, drop, _count(label, base, drop), _picture_frames(facts, own))


def _count(label: str | None, base: int | None, drop: bool | None) -> int | None:
    if label is None or base is None:
        return None
    try:
        return tc.frames(label, base, drop)
    except tc.TimecodeError:
        return None


def _picture_frames(facts: Facts, rate: Fraction | None) -> Fraction | None:
    track = next((track for track in facts.get("video") or () if not track.get("still")), None)
    if track is None:
        return None
    if track.get("frame_count"):
        return Fraction(track["frame_count"])
    duration = facts.get("duration")
    return None if rate is None or duration is None else Fraction(round(Fraction(str(duration)) * rate))


def _stem_seconds(facts: Facts) -> Fraction | None:
    track = next(iter(facts.get("audio") or ()), None)
    if track is None:
        return None
    if track.get("samples") and track.get("sample_rate"):
        return Fraction(track["samples"], track["sample_rate"])
    duration = track.get("duration") or facts.get("duration")
    return None if duration is None else Fraction(str(duration))


def _stem_start(facts: Facts, rate: Fraction | None) -> tuple[int | None, str | None]:
    """The frame at which a stem begins, and how to write it. A stamp of zero is what programs write that know none."""
    other = facts.get("other") or {}
    samples = other.get("start_samples")
    sample_rate = other.get("start_samples_rate") or next(
        (track["sample_rate"] for track in facts.get("audio") or () if track.get("sample_rate")), None
    )
    if rate is None:
        return None, None
    base = tc.nominal(rate)
    if samples and sample_rate:
        # Recorders round the start of a frame down to a sample.
        count = math.floor(Fraction(samples + 1) / Fraction(str(sample_rate)) * rate)
        return count, tc.label(count, base)
    label = facts.get("start_timecode") if samples is None else None
    return _count(label, base, None), label


def _rates(measured: list[_Measured], rate: Fraction | None, by: str | None) -> Iterator[Finding]:
    for one in measured:
        if rate is None:
            return
        path = one.element.path
        if path.lower().endswith(".scc"):
            continue  # counts 29.97 whatever the picture's rate
        if one.rate is not None and one.rate != rate:
            yield Finding("frame_rate", Outcome.FAIL, _written(rate), _written(one.rate), path, by=by)
        elif one.rate is None and one.base is not None and one.base != tc.nominal(rate):
            observed = f"counts {one.base} frames a second"
            yield Finding("frame_rate", Outcome.FAIL, _written(rate), observed, path, by=by)


def _counting(cut: list[_Measured]) -> Iterator[Finding]:
    known = [one for one in cut if one.drop is not None and one.base is not None and tc.can_drop(one.base)]
    if len({one.drop for one in known}) > 1:
        for one in known[1:]:
            if one.drop is not known[0].drop:
                drop, by = _counts(known[0].drop), known[0].element.path
                yield Finding("drop_frame", Outcome.FAIL, drop, _counts(one.drop), one.element.path, by=by)


def _counts(drop: bool | None) -> str:
    return "drop-frame" if drop else "non-drop-frame"


def _reference(cut: list[_Measured]) -> list[_Measured]:
    """The elements by which others are measured first: picture, timeline, stem."""
    order = [Kind.PICTURE, Kind.TIMELINE, Kind.STEM]
    return sorted(cut, key=lambda one: order.index(one.element.kind))


def _starts(cut: list[_Measured]) -> Iterator[Finding]:
    known = [one for one in _reference(cut) if one.start is not None]
    for one in known[1:]:
        same_label = known[0].label is not None and _digits(one.label) == _digits(known[0].label)
        # Of one label counted two ways, the counting is at fault, and that is told already.
        told = same_label and (one.drop is not known[0].drop or one.base != known[0].base)
        if one.start != known[0].start and not told:
            by = known[0].element.path
            yield Finding(
                "start_timecode", Outcome.FAIL, known[0].label, _as_in(known[0], one), one.element.path, by=by
            )


def _as_in(first: _Measured, one: _Measured) -> str | None:
    """Where one starts; of what does not say how it labels frames in the counting of the first."""
    if one.drop is not None or one.start is None or first.base is None or not first.drop:
        return one.label
    return tc.label(one.start, first.base, True)


def _digits(label: str | None) -> str:
    return re.sub("[^0-9]", "", label or "")


def _lengths(cut: list[_Measured], rate: Fraction | None) -> Iterator[Finding]:
    known = [one for one in _reference(cut) if one.frames is not None]
    for one in known[1:]:
        first = known[0].frames
        if one.frames is None or first is None:
            continue
        difference = one.frames - first
        if abs(difference) < 1:
            continue
        pulled = _pull(one.frames, first) if one.element.kind is Kind.STEM else None
        if pulled is not None:
            yield Finding("pull", Outcome.FAIL, "neither pulled up nor down", pulled, one.element.path)
        else:
            observed = f"{_frames_text(one.frames, rate)} ({_signed(difference)})"
            by = known[0].element.path
            yield Finding("duration", Outcome.FAIL, _frames_text(first, rate), observed, one.element.path, by=by)


def _pull(frames: Fraction, reference: Fraction) -> str | None:
    if reference < _PULL_FRAMES:
        return None
    if abs(frames - reference * Fraction(1001, 1000)) < 1:
        return "0.1 % longer than the picture: pulled down"
    if abs(frames - reference * Fraction(1000, 1001)) < 1:
        return "0.1 % shorter than the picture: pulled up"
    return None


def _frames_text(frames: Fraction, rate: Fraction | None) -> str:
    whole = round(frames)
    label = f", {tc.label(whole, tc.nominal(rate))}" if rate is not None else ""
    return f"{whole} frames{label}"


def _signed(frames: Fraction) -> str:
    whole = round(frames)
    return f"{whole:+} frame" + ("" if abs(whole) == 1 else "s")


def _stems(measured: list[_Measured], rate: Fraction | None) -> Iterator[Finding]:
    """Stems that differ in length from most; by less than a frame it only needs to be known."""
    lengths = [(one, _stem_seconds(one.element.facts or {})) for one in measured if one.element.kind is Kind.STEM]
    known = [(one, seconds) for one, seconds in lengths if seconds is not None]
    if len({seconds for _, seconds in known}) < 2:
        return
    ((usual, _),) = Counter(seconds for _, seconds in known).most_common(1)
    for one, seconds in known:
        if seconds != usual:
            small = abs(seconds - usual) * (rate or Fraction(24)) < 1
            expected, observed = f"{float(usual):.6f} s as the other stems", f"{float(seconds):.6f} s"
            yield Finding("stem_length", Outcome.FAIL, expected, observed, one.element.path, notice=small)


def _sound(elements: list[Element], asked: Asked) -> Iterator[Finding]:
    for element in elements:
        audio: Sequence[Facts] = (element.facts or {}).get("audio") or ()
        rates = dict.fromkeys(track.get("sample_rate") for track in audio)
        for rate in rates:
            if rate is not None and rate != asked.sample_rate:
                pulled = {Fraction(1000, 1001): ": pulled down", Fraction(1001, 1000): ": pulled up"}
                exact = min(pulled, key=lambda factor: abs(asked.sample_rate * factor - rate))
                note = pulled[exact] if abs(asked.sample_rate * exact - rate) < 1 else ""
                yield Finding("sample_rate", Outcome.FAIL, str(asked.sample_rate), f"{rate}{note}", element.path)
        said = _channels_said(element.path) if element.kind is Kind.STEM else None
        channels = sum(track.get("channels") or 0 for track in audio)
        if said is not None and channels and channels != said:
            yield Finding("channels", Outcome.FAIL, f"{said}, as its name says", str(channels), element.path)


def _channels_said(path: str) -> int | None:
    """How many channels a stem's name tells: `MIX_5.1_v3.wav`; None for one channel of several files."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    if _ONE_CHANNEL.search(stem):
        return None
    shapes = {int(main) + int(low) for main, low in _SHAPE.findall(stem)}
    words = {word for word in re.split(r"[^a-z]+", stem.lower()) if word in _WORDS}
    said = shapes | {_WORDS[word] for word in words}
    return said.pop() if len(said) == 1 else None


def _hours(cut: list[_Measured], reel: int) -> Iterator[Finding]:
    for one in cut:
        if one.label is None:
            continue
        try:
            hours, minutes, seconds, frames = tc.fields(one.label)
        except tc.TimecodeError:
            continue
        before = (reel - hours) * 3600 - minutes * 60 - seconds
        if not (before == 0 and frames == 0) and not 0 < before <= _LEADER_S:
            yield Finding(
                "reel_hour", Outcome.FAIL, f"{reel:02d}:00:00:00 for reel {reel}", one.label, one.element.path
            )


def _captions(measured: list[_Measured], rate: Fraction | None) -> Iterator[Finding]:
    """Captions that go on after the picture's end, or whose first lies outside of it."""
    picture = next((one for one in measured if one.element.kind is Kind.PICTURE and one.frames), None)
    if picture is None or picture.frames is None or rate is None:
        return
    for one in measured:
        if one.element.kind is not Kind.CAPTIONS:
            continue
        length = picture.frames / (tc.nominal(rate) if one.element.span and one.element.span.labels else rate)
        ends = _ends(one.element.span, picture, rate)
        if ends is not None and ends > length + 1 / rate:
            observed = f"the last ends {float(ends):.2f} s after the start"
            yield Finding("captions", Outcome.FAIL, f"all within {float(length):.2f} s", observed, one.element.path)
            continue
        texts: list[dict[str, Any]] = (one.element.facts or {}).get("other", {}).get("text") or []
        first = next((track["start_timecode"] for track in texts if track.get("start_timecode")), None)
        at = _count(first, tc.nominal(rate), None)
        if at is not None and picture.start is not None:
            inside = 0 <= at - picture.start < picture.frames or 0 <= at < picture.frames
            if not inside:
                expected = f"within the picture from {picture.label}"
                yield Finding("captions", Outcome.FAIL, expected, f"begin at {first}", one.element.path)


def _ends(span: Span | None, picture: _Measured, rate: Fraction) -> Fraction | None:
    """Seconds from the picture's start to the end of the last caption, whose clock begins as its own or at 0."""
    if span is None:
        return None
    start = Fraction(picture.start, tc.nominal(rate)) if picture.start is not None else Fraction(0)
    # A reel may have its captions begin in the leader, a little before its hour.
    return span.end - start if span.begin >= start - _LEADER_S and start else span.end


def _written(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"
