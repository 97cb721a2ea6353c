"""Which events and sources does an OpenTimelineIO document hold?

Read as the JSON that it is, without the library: its parser has died on deeply nested input, and refuses a file for
one unknown schema version of a marker. Only what names media is read: timelines, stacks, tracks, clips and their
references, of any schema version. Times are a `value` at a `rate`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import path_of
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.values import Event, Timeline

_DEPTH_MAX = 64
_FRAMES_MAX = 10**15
_WARNINGS_MAX = 200

_INFINITE = re.compile(r"(?<=[:\[,\s])-?(?:Inf|inf|nan)(?=\s*[,\]}])")

Object = dict[str, Any]


class OtioFault(ValueError):
    """The text is no OpenTimelineIO document; the message says why."""


@dataclass(slots=True)
class _Document:
    rate: Fraction | None = None
    start: Fraction = Fraction(0)
    events: list[Event] = field(default_factory=list)
    unshown: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Span:
    """A TimeRange in seconds, and the rate that it is counted at."""

    start: Fraction
    length: Fraction
    rate: Fraction


def read_otio(text: str) -> Timeline:
    """The cut in the JSON `text`. Raises OtioFault, and nothing else.

    With several timelines in a collection the first gives name, rate and start, and all give events and sources.
    """
    try:
        root = _loads(text)
    except (ValueError, RecursionError) as fault:
        raise OtioFault("nested too deep" if isinstance(fault, RecursionError) else f"no JSON: {fault}") from None
    if not isinstance(root, dict) or not isinstance(root.get("OTIO_SCHEMA"), str):
        raise OtioFault("no OTIO_SCHEMA: not an OpenTimelineIO document")
    document = _Document()
    timelines = list(_timelines(root, 0))
    first = timelines[0] if timelines else root
    top = _objects(first.get("tracks")) or [first]
    begin = _time(first.get("global_start_time"))
    document.rate = begin[1] if begin else _first_rate(top[0], 0)
    end = Fraction(0)
    for timeline in timelines or [root]:
        started = _time(timeline.get("global_start_time"))
        document.start = started[0] if started else Fraction(0)
        for held in _objects(timeline.get("tracks")) or ([timeline] if timeline is root else []):
            length = _walk(document, held, document.start, None, (), True, 0)
            end = length if timeline is first else end
    if not timelines:
        document.warnings.append("no timeline: the clips are listed")
    elif len(timelines) > 1:
        document.warnings.append(f"{len(timelines)} timelines; name, start and duration are those of the first")
    rate = document.rate
    name = first.get("name")
    return Timeline(
        format="otio",
        name=name if isinstance(name, str) and name else None,
        frame_rate=rate,
        start=_label(begin[0] if begin else Fraction(0), rate),
        duration_frames=round(end * rate) if rate and timelines else None,
        events=tuple(document.events),
        sources=collect_sources(document.events, document.unshown),
        warnings=tuple(document.warnings[:_WARNINGS_MAX]),
        base=tc.nominal(rate) if rate else None,
    )


def _loads(text: str) -> object:
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except ValueError:
        if _INFINITE.search(text) is None:
            raise
    # The library writes infinity as `Inf`, which JSON has no word for.
    return json.loads(_INFINITE.sub("null", text), parse_constant=lambda _: None)


def _schema(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    written = value.get("OTIO_SCHEMA")
    return written.partition(".")[0] if isinstance(written, str) else ""


def _objects(value: object) -> list[Object]:
    if isinstance(value, dict):
        return [value]
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _timelines(value: Object, depth: int) -> Iterator[Object]:
    if _schema(value) == "Timeline":
        yield value
    elif _schema(value) == "SerializableCollection" and depth < _DEPTH_MAX:
        for held in _objects(value.get("children")):
            yield from _timelines(held, depth + 1)


def _number(value: object) -> Fraction | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = Fraction(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < _FRAMES_MAX else None


def _time(value: object) -> tuple[Fraction, Fraction] | None:
    """A RationalTime as seconds and its rate."""
    if not isinstance(value, dict):
        return None
    count, rate = _number(value.get("value")), _number(value.get("rate"))
    exact = tc.sample_rate(rate) if rate is not None else None
    if count is None or exact is None:
        return None
    return count / exact, exact


def _span(value: object) -> _Span | None:
    if not isinstance(value, dict):
        return None
    start, length = _time(value.get("start_time")), _time(value.get("duration"))
    if start is None or length is None:
        return None
    # A zero length is often written at rate 1; the start then tells the rate.
    return _Span(start[0], length[0], start[1] if length[0] == 0 or start[1] > length[1] else length[1])


def _first_rate(value: Object, depth: int) -> Fraction | None:
    for name in ("source_range", "available_range"):
        span = _span(value.get(name))
        if span is not None and span.rate <= 240:
            return span.rate
    if depth < _DEPTH_MAX:
        for held in _objects(value.get("children")):
            rate = _first_rate(held, depth + 1)
            if rate is not None:
                return rate
    return None


def _label(time: Fraction, rate: Fraction | None) -> str | None:
    if rate is None or rate > 240 or time < 0:
        return None
    return tc.label(int(time * rate), tc.nominal(rate))


def _walk(
    document: _Document,
    item: Object,
    record: Fraction | None,
    window: _Span | None,
    tracks: tuple[str, ...],
    enabled: bool,
    depth: int,
) -> Fraction:
    """Read `item` at record time `record` (None: inside something trimmed); its length in seconds."""
    enabled = enabled and item.get("enabled") is not False
    kind = _schema(item)
    if depth > _DEPTH_MAX:
        document.warnings.append("nested too deep: the rest is not read")
        return Fraction(0)
    own = _span(item.get("source_range"))
    if kind == "Clip" or any(key in item for key in ("media_reference", "media_references")):
        return _clip(document, item, own, record, tracks, enabled)
    if kind in ("Gap", "Filler", "Transition"):
        return Fraction(0) if kind == "Transition" else (own.length if own else Fraction(0))
    inside = Fraction(0)
    # What is trimmed or nested has places of its own; only an untrimmed stack or track keeps the record's.
    place = record if own is None else None
    counts = {"V": 0, "A": 0}
    transition: tuple[Fraction, Fraction] | None = None
    for held in _objects(item.get("children")):
        if _schema(held) == "Transition":
            before_cut, after_cut = (_time(held.get(key)) for key in ("in_offset", "out_offset"))
            transition = (before_cut[0] if before_cut else Fraction(0), after_cut[0] if after_cut else Fraction(0))
            continue
        names = tracks
        if not tracks and _schema(held) in ("Track", "Sequence"):
            letter = "A" if str(held.get("kind", "")).lower() == "audio" else "V"
            counts[letter] += 1
            names = (f"{letter}{counts[letter]}",)
        before = len(document.events)
        sequential = kind in ("Track", "Sequence")
        at = place + inside if place is not None and sequential else place
        length = _walk(document, held, at, None, names, enabled, depth + 1)
        if transition and before < len(document.events) and document.rate:
            document.events[before] = replace(
                document.events[before],
                kind="dissolve",
                transition_frames=round(sum(transition) * document.rate),
                transition_before=round(transition[0] * document.rate),
            )
        transition = None
        inside = tc.bounded(inside + length) if sequential else max(inside, length)
    return own.length if own else inside


def _clip(
    document: _Document,
    item: Object,
    own: _Span | None,
    record: Fraction | None,
    tracks: tuple[str, ...],
    enabled: bool,
) -> Fraction:
    reference, others = _references(item)
    available = _span(reference.get("available_range")) if reference else None
    used = own or available
    rate = used.rate if used else None
    length = used.length if used else Fraction(0)
    files = tuple(dict.fromkeys(path_of(u) for ref in (reference, *others) for u in _urls(ref)))
    url = next(iter(_urls(reference)), None)
    name = item.get("name")
    if not (isinstance(name, str) and name):
        name = reference.get("name") if reference else None
    event = Event(
        number=str(len(document.events) + 1),
        tracks=tracks,
        reel=_reel(item, reference),
        clip=name if isinstance(name, str) and name else None,
        file=path_of(url) if url else None,
        source_in=_label(used.start, rate) if used else None,
        source_out=_label(used.start + length, rate) if used else None,
        record_in=_label(record, document.rate) if record is not None else None,
        record_out=_label(record + length, document.rate) if record is not None else None,
        speed=_speed(item),
        base=tc.nominal(rate) if rate and rate <= 240 else None,
        enabled=enabled,
        generated=_schema(reference) == "GeneratorReference",
        url=url,
        files=files,
    )
    document.events.append(event)
    return length


def _references(item: Object) -> tuple[Object | None, list[Object]]:
    """The active media reference of a clip, and the others that it has (Clip.2 holds several by key)."""
    many = item.get("media_references")
    if isinstance(many, dict):
        held = {key: ref for key, ref in many.items() if isinstance(ref, dict)}
        active = held.get(str(item.get("active_media_reference_key") or "DEFAULT_MEDIA"))
        return active, [ref for ref in held.values() if ref is not active]
    one = item.get("media_reference")
    return (one if isinstance(one, dict) else None), []


def _urls(reference: Object | None) -> list[str]:
    """Where a reference points: one file, or a frame sequence written `folder/name.[first-last].ext`."""
    if reference is None:
        return []
    url = reference.get("target_url")
    if isinstance(url, str) and url:
        return [url]
    if _schema(reference) != "ImageSequenceReference":
        return []
    base, prefix, suffix = (str(reference.get(k) or "") for k in ("target_url_base", "name_prefix", "name_suffix"))
    first, step = _number(reference.get("start_frame")), _number(reference.get("frame_step")) or Fraction(1)
    available = _span(reference.get("available_range"))
    padding = _number(reference.get("frame_zero_padding")) or Fraction(0)
    frames = ""
    if first is not None and available is not None and 0 <= padding <= 20:
        width = int(padding)
        last = int(first) + max(0, round(available.length * available.rate) - 1) * int(step)
        frames = f"[{int(first):0{width}d}-{last:0{width}d}]"
    folder = f"{base.rstrip('/')}/" if base else ""
    return [f"{folder}{prefix}{frames}{suffix}"]


def _reel(item: Object, reference: Object | None) -> str | None:
    """A reel that an adapter kept in the metadata (`cmx_3600`, `ALE`), the only place that a document has for one."""
    for holder in (item, reference or {}):
        metadata = holder.get("metadata")
        for part in metadata.values() if isinstance(metadata, dict) else ():
            if isinstance(part, dict):
                for key in ("reel", "Tape", "tape", "reel_name"):
                    if isinstance(part.get(key), str) and part[key]:
                        return str(part[key])
    return None


def _speed(item: Object) -> Fraction | None:
    for effect in _objects(item.get("effects")):
        if _schema(effect) == "FreezeFrame":
            return Fraction(0)
        if _schema(effect) == "LinearTimeWarp":
            scalar = _number(effect.get("time_scalar"))
            return scalar.limit_denominator(100_000) if scalar is not None else None
    return None
