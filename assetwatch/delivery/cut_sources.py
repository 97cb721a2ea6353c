"""Is everything that a cut uses here?

Each source is looked for by UMID, then by the name of its file, by its clip's name, and by reel and timecode. Names
compare without case and extension; a reel of eight characters (all that CMX 3600 allows) also stands for a longer
name that begins with it. What is found is held against the stretches that the cut uses, with handles.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.media.facts import Facts
from assetwatch.media.names import parse_name
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of
from assetwatch.media.timelines.values import Range, Source, Timeline
from assetwatch.units import counted

_SEQUENCE: Final = re.compile(r"(.*?)[._ -]?\[(-?[0-9]+)-(-?[0-9]+)\](\.[A-Za-z0-9]+)?")
_EXTENSION: Final = re.compile(r"\.(?=[A-Za-z0-9]{0,7}[A-Za-z])[A-Za-z0-9]{2,8}$")
_CMX_REEL: Final = 8
#: Names that say nothing of one source.
_GENERIC: Final = frozenset({"", "ax", "bl", "black", "gen", "v", "untitled", "unknown", "none", "clip"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing in the catalog that may be a source of a cut: a file or a sequence.

    `start` is the label of its first frame, which counts `base` frames a second; `frames` is its length in these
    (None where it is not known, or counted at another rate), `seconds` that of sound. `reels` and `clips` are every
    name that it goes by.
    """

    path: str
    reels: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()
    umid: str | None = None
    start: str | None = None
    base: int | None = None
    frames: int | None = None
    seconds: Fraction | None = None
    is_sound: bool = False
    file_umid: str | None = None

    @classmethod
    def of(cls, path: str, facts: Facts | None) -> Clip:
        """The clip at `path` (of a sequence, its name), from its name and, where there are any, its facts."""
        folder, _, name = path.rpartition("/")
        sequence = _SEQUENCE.fullmatch(name)
        stem = sequence[1] if sequence else _without_extension(name)
        said = parse_name(path)
        other = (facts or {}).get("other") or {}
        video = list((facts or {}).get("video") or ())
        rate = next((tc.exact_rate(track["frame_rate"]) for track in video if track.get("frame_rate")), None)
        start = (facts or {}).get("start_timecode")
        base = None
        counted = tc.exact_rate(str(other.get("timecode_rate") or "")) or rate
        if counted is not None:
            base = tc.nominal(counted)
        frames = int(sequence[3]) - int(sequence[2]) + 1 if sequence else _frames(facts, rate)
        if rate is not None and base is not None and tc.nominal(rate) != base:
            frames = None
        duration = (facts or {}).get("duration")
        short = f"{said.roll}C{said.clip:03d}" if said.roll is not None and said.clip is not None else None
        card_of = f"{said.roll}{said.serial}" if said.roll is not None and said.serial is not None else None
        cards = [card for card in folder.split("/") if card and parse_name(card).roll is not None]
        return cls(
            path=path,
            reels=_names(other.get("reel"), other.get("tape"), said.roll, card_of, short, stem, *cards),
            clips=_names(stem, other.get("clip"), other.get("package"), other.get("title")),
            umid=umid_of(other.get("umid")),
            start=start,
            base=base,
            frames=frames,
            seconds=None if duration is None else Fraction(str(duration)),
            is_sound=bool(facts and facts["audio"] and not video),
            file_umid=umid_of(other.get("file_umid")),
        )


class FoundBy(StrEnum):
    """By what a source was found, the surest first."""

    UMID = "umid"
    FILE = "file"
    CLIP = "clip"
    REEL = "reel"


@dataclass(frozen=True, slots=True)
class Lack:
    """Frames of one use that no clip has, handles included: `head_frames` before what is here, `tail_frames` after."""

    range: Range
    head_frames: int
    tail_frames: int


@dataclass(frozen=True, slots=True)
class Found:
    """A source with the clips that hold it. `lacks`: used stretches that they do not cover."""

    source: Source
    by: FoundBy
    clips: tuple[Clip, ...]
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, slots=True)
class CutReport:
    """Every source that the cut uses and that could be a file: found or missing, in the cut's order."""

    found: tuple[Found, ...]
    missing: tuple[Source, ...]

    def missing_by_reel(self) -> dict[str, tuple[Source, ...]]:
        """What is missing, by reel (`-` where the list names none); each source's ranges name the events."""
        grouped: dict[str, list[Source]] = defaultdict(list)
        for source in self.missing:
            grouped[source.reel or "-"].append(source)
        return {reel: tuple(grouped[reel]) for reel in sorted(grouped)}

    def findings(self, path: str | None = None) -> tuple[Finding, ...]:
        """As findings about the list at `path`: missing sources are notices, because they count as what is missing;
        stretches that are too short are failures."""
        found = [
            Finding("source", Outcome.FAIL, label_of(source), f"not here; {_events(source)}", path, notice=True)
            for sources in self.missing_by_reel().values()
            for source in sources
        ]
        for one in self.found:
            for lack in one.lacks:
                ends = [(lack.head_frames, "before its first frame"), (lack.tail_frames, "after its last frame")]
                observed = " and ".join(f"{counted(count, 'frame')} missing {where}" for count, where in ends if count)
                expected = f"{_stretch(lack.range)} of {_called(one.source)}" + (
                    f" for event {lack.range.event}" if lack.range.event else ""
                )
                found.append(Finding("source_range", Outcome.FAIL, expected, observed, one.clips[0].path))
        return tuple(found)


class ClipIndex:
    """Candidate clips, to be asked for sources; made once for many cuts."""

    def __init__(self, clips: Iterable[Clip]) -> None:
        self._by_umid: dict[str, list[Clip]] = defaultdict(list)
        self._by_clip: dict[str, list[Clip]] = defaultdict(list)
        self._by_reel: dict[str, list[Clip]] = defaultdict(list)
        self._by_short: dict[str, list[Clip]] = defaultdict(list)
        for clip in clips:
            for umid in dict.fromkeys(filter(None, (clip.umid, clip.file_umid))):
                self._by_umid[umid].append(clip)
            for name in dict.fromkeys(map(_key, clip.clips)):
                self._by_clip[name].append(clip)
            for name in dict.fromkeys(map(_key, clip.reels)):
                self._by_reel[name].append(clip)
                if len(name) > _CMX_REEL:
                    self._by_short[name[:_CMX_REEL]].append(clip)

    def look_up(self, timeline: Timeline, handles: int = 0) -> CutReport:
        """Where each source of `timeline` is. `handles` in frames, wanted at both ends of each use."""
        found: list[Found] = []
        missing: list[Source] = []
        for source in timeline.sources:
            if not source.used or source.embedded:
                continue
            by, clips = self._find(source, timeline)
            if by is None:
                missing.append(source)
            else:
                found.append(Found(source, by, clips, tuple(_lacks(source, timeline, clips, handles))))
        return CutReport(tuple(found), tuple(missing))

    def _find(self, source: Source, timeline: Timeline) -> tuple[FoundBy | None, tuple[Clip, ...]]:
        umid = umid_of(source.umid)
        if umid and (clips := self._by_umid.get(umid)):
            return FoundBy.UMID, tuple(clips)
        for name in _names(source.file, *source.files):
            if (key := _key(name_of(name))) and (clips := self._by_clip.get(key)):
                return FoundBy.FILE, tuple(clips)
        reel = _key(source.reel or "")
        for key in (_key(name_of(source.clip or "")), reel):
            if key not in _GENERIC and (clips := self._by_clip.get(key)):
                # Clips of one name on several reels: those of this reel, if any.
                own = [clip for clip in clips if reel in map(_key, clip.reels)]
                return FoundBy.CLIP, tuple(own or clips)
        if reel in _GENERIC:
            return None, ()
        of_reel = self._by_reel.get(reel) or (self._by_short.get(reel) if len(reel) == _CMX_REEL else None) or []
        inside = tuple(clip for clip in of_reel if _overlaps(source, timeline, clip))
        return (FoundBy.REEL, inside) if inside else (None, ())


def reel_of(source: Source) -> str | None:
    """The reel of a source as it is compared; None where it names none."""
    reel = _key(source.reel or "")
    return None if reel in _GENERIC else reel


def label_of(source: Source) -> str:
    """A source as a person asks for it: `A004C010 (A004), 01:00:10:00-01:00:14:12`."""
    called = _called(source)
    reel = f" (reel {source.reel})" if source.reel and source.reel != called else ""
    stretch = f", {source.source_in}-{source.source_out}" if source.source_in and source.source_out else ""
    return f"{called}{reel}{stretch}"


def _called(source: Source) -> str:
    return source.clip or (name_of(source.file) if source.file else None) or source.reel or "-"


def _events(source: Source) -> str:
    events = [use.event or (f"line {use.line}" if use.line else "?") for use in source.ranges]
    return f"needed by event {', '.join(dict.fromkeys(events))}" if events else "needed by the cut"


def _stretch(use: Range) -> str:
    return f"{use.source_in}-{use.source_out}"


def _names(*names: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name).strip() for name in names if name and str(name).strip()))


def _key(name: str) -> str:
    return " ".join(_without_extension(name).lower().split())


def _without_extension(name: str) -> str:
    """`.mov`, `.R3D`, `.new.01` of an Avid clip stay what they are unless the last part is an extension."""
    return _EXTENSION.sub("", name.strip())


def umid_of(text: object) -> str | None:
    """A UMID as it is compared, hexadecimal in lower case; None for what is none, or is all zeros."""
    digits = re.sub(r"[^0-9a-f]", "", str(text).lower().removeprefix("0x").removeprefix("urn:smpte:umid:"))
    return digits if text and len(digits) >= 32 and digits.strip("0") else None


def _frames(facts: Facts | None, rate: Fraction | None) -> int | None:
    if facts is None:
        return None
    video = next((track for track in facts["video"] if not track.get("still")), None)
    if video is not None and video.get("frame_count"):
        return int(video["frame_count"])
    if rate is None or facts.get("duration") is None:
        return None
    return round(Fraction(str(facts["duration"])) * rate)


# --- timecode --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counting:
    """How the labels of a source and of a clip are counted, so that both count alike."""

    base: int
    drop: bool

    def count(self, label: str) -> int | None:
        for drop in dict.fromkeys((self.drop, False)):
            try:
                return tc.frames(label, self.base, drop)
            except tc.TimecodeError:
                continue
        return None


def _counting(source: Source, timeline: Timeline, clip: Clip) -> _Counting | None:
    base = source.base or clip.base or timeline.base
    if base is None or clip.start is None or (clip.base is not None and clip.base != base):
        return None
    labels = (clip.start, source.source_in or "")
    return _Counting(base, tc.can_drop(base) and any(map(tc.says_drop, labels)))


def _extent(counting: _Counting, timeline: Timeline, clip: Clip) -> tuple[int, int] | None:
    """First frame of a clip and the one after its last."""
    start = counting.count(clip.start or "")
    frames = clip.frames
    if frames is None and clip.seconds is not None and clip.is_sound:
        frames = int(clip.seconds * (timeline.frame_rate or counting.base))
    return None if start is None or not frames else (start, start + frames)


def _use(counting: _Counting, use: Range, handles: int) -> tuple[int, int] | None:
    if use.source_in is None or use.source_out is None:
        return None
    first, last = counting.count(use.source_in), counting.count(use.source_out)
    if first is None or last is None:
        return None
    if last < first and first - last > tc.day(counting.base, counting.drop) // 2:
        last += tc.day(counting.base, counting.drop)
    first, last = min(first, last), max(first, last)
    return first - use.head_frames - handles, last + use.tail_frames + handles


def _overlaps(source: Source, timeline: Timeline, clip: Clip) -> bool:
    counting = _counting(source, timeline, clip)
    extent = _extent(counting, timeline, clip) if counting else None
    if counting is None or extent is None:
        return False
    uses = [use for one in source.ranges if (use := _use(counting, one, 0)) is not None]
    day = tc.day(counting.base, counting.drop)
    return any(
        first + shift < extent[1] and extent[0] < max(last, first + 1) + shift
        for first, last in uses
        for shift in (0, day)
    )


def _lacks(source: Source, timeline: Timeline, clips: tuple[Clip, ...], handles: int) -> Iterator[Lack]:
    """Uses that go beyond what is here. Where a clip's timecode is not known, nothing is said."""
    countings = {counting for clip in clips if (counting := _counting(source, timeline, clip)) is not None}
    if len(countings) != 1:
        return
    (counting,) = countings
    extents = [_extent(counting, timeline, clip) for clip in clips if clip.start is not None]
    known = [extent for extent in extents if extent is not None]
    if not known or len(known) < len(clips):
        return
    day = tc.day(counting.base, counting.drop)
    stretches = _merged(known)
    for use in source.ranges:
        wanted = _use(counting, use, handles)
        if wanted is None:
            continue
        short = [
            (max(0, begin - first - shift), max(0, last + shift - end))
            for begin, end in stretches
            for first, last in (wanted,)
            for shift in (0, day)
        ]
        head, tail = min(short, key=sum)
        length = wanted[1] - wanted[0]
        if head or tail:
            yield Lack(use, min(head, length), min(tail, length))


def _merged(extents: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Extents as stretches without a gap: the parts of a spanned clip follow one another."""
    out: list[tuple[int, int]] = []
    for begin, end in sorted(extents):
        if out and begin <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((begin, end))
    return out
