"""Which events and sources does an AAF composition hold?

Run in a child (see `child`): the library that reads the container trusts it. The walk follows SMPTE/AMWA AAF Object
Specification 1.1: a composition's slots hold source clips, each naming a mob and a slot in it; from the composition
through master mobs and file mobs down to the tape or import, whose timecode slot gives the source timecode. A source
clip's start counts in the edit rate of the slot that holds the clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of, path_of
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.values import Event, Timeline

_DEPTH_MAX = 64
_EVENTS_MAX = 200_000
_WARNINGS_MAX = 200
_KINDS = {"picture": "V", "sound": "A", "legacypicture": "V", "legacysound": "A"}


class AafFault(ValueError):
    """The file is no AAF that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the chain of mobs below one source clip tells."""

    clip: str | None = None
    reel: str | None = None
    umid: str | None = None
    original: str | None = None  #: where the media was imported from
    locations: tuple[str, ...] = ()
    code: tuple[int, int, bool] | None = None  #: frame, base, drop of the clip's first frame
    embedded: bool = False
    rendered: bool = False


@dataclass(slots=True)
class _Walk:
    rate: Fraction
    record: tuple[int, int, bool] | None
    track: str = ""
    slot_rate: Fraction = Fraction(1)
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)


def read_aaf(path: Path) -> Timeline:
    """The cut in the AAF file at `path`. Raises AafFault; ImportError when the optional library is not installed."""
    import aaf2

    try:
        with aaf2.open(str(path), "r") as file:
            return _read(file)
    except AafFault:
        raise
    except Exception as fault:
        # The library raises whatever a damaged container makes it stumble over; to us it is one outcome.
        raise AafFault(f"damaged or no AAF ({type(fault).__name__}: {fault})"[:300]) from None


def _read(file: Any) -> Timeline:
    tops = [m for m in file.content.compositionmobs() if str(getattr(m, "usage", "")) == "Usage_TopLevel"]
    if not tops:
        tops = list(file.content.compositionmobs())
    warnings: list[str] = []
    events: list[Event] = []
    chosen = tops[0] if tops else None
    rate = _composition_rate(chosen) if chosen is not None else None
    record = _start_code(chosen) if chosen is not None else None
    length = Fraction(0)
    for top in tops:
        top_rate = _composition_rate(top)
        walk = _Walk(top_rate, _start_code(top) if top_rate is not None else None)
        numbers = {"V": 0, "A": 0}
        for slot in _slots(top):
            kind = _kind(slot.segment)
            if kind is None:
                continue
            numbers[kind] += 1
            walk.track = f"{kind}{numbers[kind]}"
            walk.slot_rate = _slot_rate(slot) or walk.rate
            _segment(walk, slot.segment, Fraction(0), None, True, 0)
            if top is chosen:
                length = max(length, Fraction(_length(slot.segment)) / walk.slot_rate)
        events.extend(walk.events)
        warnings.extend(walk.warnings)
    if len(tops) > 1:
        warnings.append(f"{len(tops)} top-level compositions; name, start and duration are those of the first")
    if not tops:
        warnings.append("no composition: the clips are listed, not cut")
    unused = [] if tops else [_event(_follow_mob(m), None, None, None) for m in file.content.mastermobs()]
    return Timeline(
        format="aaf",
        name=str(chosen.name) if chosen is not None and chosen.name else None,
        frame_rate=rate,
        start=tc.label(*record) if record else None,
        duration_frames=int(length * rate) if rate and length else None,
        events=tuple(events),
        sources=collect_sources(events, unused),
        warnings=tuple(warnings[:_WARNINGS_MAX]),
        base=tc.nominal(rate) if rate else None,
        drop=bool(record and record[2]),
    )


def _slots(mob: Any) -> list[Any]:
    return [s for s in mob.slots if type(s).__name__ == "TimelineMobSlot" or hasattr(s, "edit_rate")]


def _slot_rate(slot: Any) -> Fraction | None:
    rate = getattr(slot, "edit_rate", None)
    return tc.sample_rate(Fraction(rate)) if rate is not None else None


def _kind(segment: Any) -> str | None:
    kind = str(getattr(segment, "media_kind", None) or "").lower()
    if kind not in _KINDS and type(segment).__name__ == "Sequence":
        kind = next((str(c.media_kind or "").lower() for c in segment.components), "")
    return _KINDS.get(kind)


def _length(segment: Any) -> int:
    length = getattr(segment, "length", None)
    if isinstance(length, int) and length > 0:
        return length
    if type(segment).__name__ != "Sequence":
        return 0
    # The length of a sequence is optional; it is that of its parts, less what transitions overlap.
    return sum(-_length(c) if type(c).__name__ == "Transition" else _length(c) for c in segment.components)


def _composition_rate(mob: Any) -> Fraction:
    """The picture's rate; without picture, that of the timecode; else the first slot's that is a frame rate."""
    rates = [(str(getattr(s.segment, "media_kind", "")).lower(), _slot_rate(s)) for s in _slots(mob)]
    for wanted in ("picture", "timecode", ""):
        for kind, rate in rates:
            if rate is not None and rate <= 240 and (kind == wanted or not wanted):
                return rate
    return Fraction(25)


def _start_code(mob: Any) -> tuple[int, int, bool] | None:
    """The primary timecode of a mob (lowest physical track): frame, base, drop."""
    found: list[tuple[int, int, Any]] = []
    for slot in _slots(mob):
        segment = slot.segment
        if type(segment).__name__ == "Sequence":
            segment = next((c for c in segment.components if type(c).__name__ == "Timecode"), segment)
        if type(segment).__name__ == "Timecode" and 0 < int(segment.fps) <= 1000:
            track = slot.get("PhysicalTrackNumber")
            number = track.value if track is not None else None
            found.append((number if isinstance(number, int) else 1, len(found), segment))
    if not found:
        return None
    code = min(found, key=lambda entry: entry[:2])[2]
    base = int(code.fps)
    return int(code.start), base, bool(code.drop) and tc.can_drop(base)


def _segment(walk: _Walk, part: Any, place: Fraction, speed: Fraction | None, enabled: bool, depth: int) -> None:
    """Add the events of `part`, which stands at `place` edit units of its slot."""
    if depth > _DEPTH_MAX or len(walk.events) >= _EVENTS_MAX:
        raise AafFault("nested too deep, or too many clips")
    name = type(part).__name__
    if name == "Sequence":
        _sequence(walk, part, place, speed, enabled, depth)
    elif name == "SourceClip":
        _source_clip(walk, part, place, speed, enabled, depth)
    elif name == "OperationGroup":
        factor = _speed(part)
        for held in part.segments:
            _segment(walk, held, place, factor if factor is not None else speed, enabled, depth + 1)
    elif name == "NestedScope":
        for held in part.slots:
            _segment(walk, held, place, speed, enabled, depth + 1)
    elif name == "Selector":
        _segment(walk, part["Selected"].value, place, speed, enabled, depth + 1)
        for held in _values(part, "Alternates"):
            _segment(walk, held, place, speed, False, depth + 1)
    elif name == "EssenceGroup":
        for count, held in enumerate(_values(part, "Choices")):
            _segment(walk, held, place, speed, enabled and count == 0, depth + 1)


def _values(part: Any, name: str) -> list[Any]:
    held = part.get(name)
    return list(held.value) if held is not None and held.value is not None else []


def _sequence(walk: _Walk, part: Any, place: Fraction, speed: Fraction | None, enabled: bool, depth: int) -> None:
    transition: tuple[int, str] | None = None
    for component in part.components:
        length = _length(component)
        if type(component).__name__ == "Transition":
            # A transition takes its length from both neighbours, which overlap beneath it.
            place -= length
            transition = (length, _transition_kind(component))
            continue
        before = len(walk.events)
        _segment(walk, component, place, speed, enabled, depth + 1)
        if transition and len(walk.events) > before:
            frames = int(Fraction(transition[0]) / walk.slot_rate * walk.rate)
            walk.events[before] = replace(walk.events[before], kind=transition[1], transition_frames=frames)
        transition = None
        place += length


def _transition_kind(part: Any) -> str:
    group = part.get("OperationGroup")
    name = str(getattr(getattr(group.value, "operation", None), "name", "")) if group is not None else ""
    return "wipe" if "wipe" in name.lower() else "dissolve"


def _speed(group: Any) -> Fraction | None:
    for parameter in group.parameters:
        if parameter.name == "SpeedRatio" and type(parameter).__name__ == "ConstantValue":
            ratio = Fraction(parameter.value)
            # Avid writes the record length over the source length; a clip at normal speed has none.
            return (1 / ratio).limit_denominator(100_000) if ratio else Fraction(0)
    return None


def _source_clip(walk: _Walk, clip: Any, place: Fraction, speed: Fraction | None, enabled: bool, depth: int) -> None:
    start = Fraction(int(clip.start or 0)) / walk.slot_rate
    length = Fraction(_length(clip)) / walk.slot_rate
    target = clip.mob
    if target is None:
        umid = str(clip.mob_id)
        if not umid.rpartition(":")[2].strip("0."):
            return  # the null id: a clip of nothing, as at the end of every chain
        walk.warnings.append(f"{umid} is used, but not described in the file")
        found = _Found(clip=umid, umid=umid)
    else:
        found = _follow(target, clip.slot_id, start, depth)
    if found.rendered:
        return  # a render of an effect, made from sources that stand beside it
    begin = place / walk.slot_rate * walk.rate
    walk.events.append(
        replace(
            _event(found, length, start, speed),
            number=str(len(walk.events) + 1),
            tracks=(walk.track,),
            record_in=_offset(walk.record, begin),
            record_out=_offset(walk.record, begin + length * (abs(1 / speed) if speed else 1) * walk.rate),
            enabled=enabled,
        )
    )


def _offset(code: tuple[int, int, bool] | None, frames: Fraction) -> str | None:
    return tc.label(code[0] + int(frames), code[1], code[2]) if code else None


def _event(found: _Found, length: Fraction | None, start: Fraction | None, speed: Fraction | None) -> Event:
    files = tuple(dict.fromkeys(path_of(u) for u in (found.original, *found.locations) if u))
    source_in = source_out = None
    if found.code and length is not None:
        source_in = tc.label(*found.code)
        source_out = _offset(found.code, length * found.code[1])
    return Event(
        reel=found.reel,
        clip=found.clip or (name_of(files[0]) if files else None),
        file=files[0] if files else None,
        source_in=source_in,
        source_out=source_out,
        speed=speed,
        umid=found.umid,
        base=found.code[1] if found.code else None,
        drop=bool(found.code and found.code[2]),
        url=found.original or next(iter(found.locations), None),
        files=files,
        embedded=found.embedded,
    )


def _follow_mob(mob: Any) -> _Found:
    slot = next(iter(_slots(mob)), None)
    return _follow(mob, slot.slot_id if slot is not None else 0, Fraction(0), 0)


def _follow(mob: Any, slot_id: int, at: Fraction, depth: int) -> _Found:
    """Follow the chain from `mob`, slot `slot_id`, `at` seconds into it, down to tape, import or file."""
    found = _Found()
    while mob is not None and depth <= _DEPTH_MAX:
        depth += 1
        found = _learn(found, mob, at)
        slot = next((s for s in _slots(mob) if s.slot_id == slot_id), None)
        rate = _slot_rate(slot) if slot is not None else None
        if slot is None or rate is None:
            break
        step = next(_clips_at(slot.segment, at * rate, 0), None)
        if step is None:
            break
        clip, inside = step
        mob, slot_id = clip.mob, clip.slot_id
        at = (Fraction(int(clip.start or 0)) + inside) / rate
    return found


def _learn(found: _Found, mob: Any, at: Fraction) -> _Found:
    kind = type(mob).__name__
    name = str(mob.name).strip("\0") if mob.name else None
    if kind in ("MasterMob", "CompositionMob"):
        rendered = found.rendered or (kind == "MasterMob" and str(mob.usage) == "Usage_LowerLevel")
        original = found.original or _comment(mob, "UNC Path")
        is_master = kind == "MasterMob" and found.umid is None
        found = replace(
            found,
            clip=name if is_master or found.clip is None else found.clip,
            umid=str(mob.mob_id) if is_master else found.umid,
            original=original,
            reel=found.reel or _comment(mob, "TapeID") or _comment(mob, "Tape"),
            rendered=rendered,
        )
    elif kind == "SourceMob":
        descriptor = type(mob.descriptor).__name__
        urls = tuple(_locators(mob.descriptor))
        if descriptor == "ImportDescriptor":
            found = replace(found, original=found.original or next(iter(urls), None))
        elif descriptor in ("TapeDescriptor", "FilmDescriptor"):
            found = replace(found, reel=name or found.reel)
        else:
            found = replace(found, embedded=found.embedded or (not urls and mob.essence is not None))
        found = replace(
            found,
            clip=found.clip or name,
            umid=found.umid or str(mob.mob_id),
            locations=(*found.locations, *urls),
        )
    code = _start_code(mob) if kind == "SourceMob" else None
    if code is not None:
        found = replace(found, code=(code[0] + int(at * _code_rate(mob, code[1])), code[1], code[2]))
    return found


def _code_rate(mob: Any, base: int) -> Fraction:
    """The true rate of a mob's timecode slot, whose labels count at `base`."""
    for slot in _slots(mob):
        rate = _slot_rate(slot)
        is_timecode = str(getattr(slot.segment, "media_kind", "")).lower() == "timecode"
        if is_timecode and rate is not None and tc.nominal(rate) == base:
            return rate
    return Fraction(base)


def _clips_at(segment: Any, units: Fraction, depth: int) -> Iterator[tuple[Any, Fraction]]:
    """The source clip at `units` edit units into the segment, and how far into the clip that is."""
    if depth > _DEPTH_MAX:
        return
    name = type(segment).__name__
    if name == "SourceClip":
        yield segment, units
    elif name == "Sequence":
        place = Fraction(0)
        components = list(segment.components)
        for count, component in enumerate(components):
            length = _length(component)
            if place <= units < place + length or count == len(components) - 1:
                yield from _clips_at(component, units - place, depth + 1)
                return
            place += length
    elif name in ("OperationGroup", "NestedScope"):
        for held in segment.segments if name == "OperationGroup" else segment.slots:
            yield from _clips_at(held, units, depth + 1)
    elif name == "Pulldown":
        yield from _clips_at(segment["InputSegment"].value, units, depth + 1)
    elif name == "Selector":
        yield from _clips_at(segment["Selected"].value, units, depth + 1)
    elif name == "EssenceGroup":
        for held in _values(segment, "Choices"):
            yield from _clips_at(held, units, depth + 1)


def _locators(descriptor: Any) -> Iterator[str]:
    for locator in _values(descriptor, "Locator"):
        url = locator.get("URLString") or locator.get("Name")
        if url is not None and isinstance(url.value, str) and url.value.strip("\0 "):
            yield url.value.strip("\0 ")
    for held in _values(descriptor, "FileDescriptors"):
        yield from _locators(held)


def _comment(mob: Any, name: str) -> str | None:
    for holder in ("UserComments", "MobAttributeList"):
        for tagged in _values(mob, holder):
            if tagged.name == name and isinstance(tagged.value, str) and tagged.value.strip():
                return tagged.value.strip()
    return None
