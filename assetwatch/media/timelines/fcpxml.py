"""Which events and sources does a Final Cut Pro X document (FCPXML) hold?

Apple, "FCPXML Reference", versions 1.0 to 1.13. Times are exact fractions of a second ("1001/24000s"). Each story
element has an `offset`, its place in the time of what holds it, and a `start`, the first moment of its own time; the
time of an asset is its timecode. Clips hold further clips: connected ones (`lane`), compound clips (`ref-clip`),
multicams (`mc-clip`), synchronized clips and auditions are followed down to the assets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of, path_of
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.values import Event, Timeline
from assetwatch.media.timelines.xmltree import Element, child, children, line, tag

_TIME = re.compile(r"(-?[0-9]{1,18})(?:/([0-9]{1,18})|\.([0-9]{1,12}))?s?")
_DEPTH_MAX = 64
#: Elements that are visited: a compound that holds two of another, and so on, multiplies without end.
_STEPS_MAX = 300_000
_WARNINGS_MAX = 200
_REEL = "com.apple.proapps.studio.reel"
_ITEMS = frozenset(
    ("asset-clip", "clip", "video", "audio", "ref-clip", "mc-clip", "sync-clip", "audition", "title", "gap", "spine")
)


def seconds(written: str | None) -> Fraction | None:
    """A time attribute: `3600s`, `1001/24000s`, `2.5s`. None for what is no time."""
    match = _TIME.fullmatch((written or "").strip())
    if match is None:
        return None
    if match[2] is not None:
        return Fraction(int(match[1]), int(match[2])) if int(match[2]) else None
    return Fraction(f"{match[1]}.{match[3]}") if match[3] is not None else Fraction(int(match[1]))


@dataclass(frozen=True, slots=True)
class _Window:
    """Where the walk stands: what part of the holder's time is shown, and when that is in the record."""

    first: Fraction
    last: Fraction | None
    record: Fraction | None  #: record time of `first`
    lane: int = 0
    enabled: bool = True
    listed: bool = True  #: False: an inactive angle or the other pick of an audition, no event of the cut
    contained: bool = False  #: within a clip, compound or angle, which cuts off connected clips too
    of_clip: bool = False  #: right within a `clip`, whose own time is that of its media

    def record_at(self, local: Fraction) -> Fraction | None:
        return None if self.record is None else self.record + local - self.first


@dataclass(slots=True)
class _Document:
    resources: dict[str, Element]
    rate: Fraction | None = None
    drop: bool = False
    steps: int = 0
    used: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    unshown: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def warn(self, what: str) -> None:
        if len(self.warnings) < _WARNINGS_MAX and what not in self.warnings:
            self.warnings.append(what)


def read_fcpxml(root: Element) -> Timeline:
    """The cut below an `fcpxml` element. Never raises; what cannot be placed is a warning.

    With several projects the first gives name, rate, start and duration, and all give events and sources. Assets that
    no project reaches, inactive angles and the other picks of an audition become sources with `used` False.
    """
    resources: dict[str, Element] = {}
    for holder in (e for e in root.iter() if tag(e) == "resources"):
        for resource in holder:
            if tag(resource) and resource.get("id"):
                resources.setdefault(resource.get("id") or "", resource)
    document = _Document(resources)
    sequences = [s for p in root.iter() if tag(p) == "project" for s in children(p, "sequence")]
    for sequence in sequences:
        _read_sequence(document, sequence)
    if not sequences:
        document.warn("no project: the clips are listed, not cut")
        for holder in (root, *(e for e in root.iter() if tag(e) == "event")):
            for item in holder:
                if tag(item) in _ITEMS:
                    local = _start(document, item)
                    window = _Window(local, None, None, listed=tag(item) != "title")
                    _read_item(document, item, local, window, 0)
    elif len(sequences) > 1:
        document.warn(f"{len(sequences)} projects; name, start and duration are those of the first")
    _add_unused_assets(document)
    first = sequences[0] if sequences else None
    rate = _frame_rate(document, first) if first is not None else None
    drop = first is not None and first.get("tcFormat") == "DF"
    start = seconds(first.get("tcStart", "0s")) if first is not None else None
    length = seconds(first.get("duration")) if first is not None else None
    project = first.getparent() if first is not None else None
    return Timeline(
        format="fcpxml",
        name=project.get("name") if project is not None else None,
        frame_rate=rate,
        start=_label(start, rate, drop),
        duration_frames=round(length * rate) if length is not None and rate else None,
        events=tuple(document.events),
        sources=collect_sources(document.events, document.unshown),
        warnings=tuple(document.warnings),
        base=tc.nominal(rate) if rate else None,
        drop=drop,
    )


def _frame_rate(document: _Document, element: Element | None) -> Fraction | None:
    """The rate of an element's `format`: the inverse of its frameDuration."""
    if element is None:
        return None
    wanted = document.resources.get(element.get("format") or "")
    length = seconds(wanted.get("frameDuration")) if wanted is not None else None
    return tc.exact_rate(1 / length) if length and length > 0 else None


def _label(time: Fraction | None, rate: Fraction | None, drop: bool) -> str | None:
    if time is None or rate is None or time < 0:
        return None
    base = tc.nominal(rate)
    return tc.label(int(time * rate), base, drop and tc.can_drop(base))


def _read_sequence(document: _Document, sequence: Element) -> None:
    document.rate = _frame_rate(document, sequence)
    document.drop = sequence.get("tcFormat") == "DF"
    start = seconds(sequence.get("tcStart")) or Fraction(0)
    for spine in children(sequence, "spine"):
        _read_spine(document, spine, _Window(start, None, start), 0)


def _read_spine(
    document: _Document, spine: Element, window: _Window, depth: int, begin: Fraction | None = None
) -> None:
    """The items of a spine one after the other; `begin` is where the first stands if it has no `offset`."""
    window = replace(window, of_clip=False)
    place = window.first if begin is None else begin
    transition: tuple[Fraction | None, Fraction] | None = None
    for item in spine:
        name = tag(item)
        if name == "transition":
            transition = (seconds(item.get("offset")), seconds(item.get("duration")) or Fraction(0))
        elif name in _ITEMS:
            offset = seconds(item.get("offset"))
            place = place if offset is None else offset
            before = len(document.events)
            _read_item(document, item, place, window, depth + 1)
            if transition and len(document.events) > before and document.rate:
                _mark_transition(document, before, *transition, place)
            transition = None
            place = tc.bounded(place + (_duration(document, item) or 0))


def _mark_transition(document: _Document, place: int, begin: Fraction | None, length: Fraction, cut: Fraction) -> None:
    """Say of an event that a transition leads into it. It lies around the cut: half before, unless it says where."""
    rate, length = document.rate or Fraction(0), max(length, Fraction(0))
    ahead = length / 2 if begin is None else min(max(cut - begin, Fraction(0)), length)
    document.events[place] = replace(
        document.events[place],
        kind="dissolve",
        transition_frames=round(length * rate),
        transition_before=round(ahead * rate),
    )


def _start(document: _Document, item: Element) -> Fraction:
    """The first moment of the item's own time: its `start`, or where its asset or sequence begins."""
    start = seconds(item.get("start"))
    if start is not None:
        return start
    resource = document.resources.get(item.get("ref") or "")
    if resource is None:
        return Fraction(0)
    if tag(resource) == "asset":
        return seconds(resource.get("start")) or Fraction(0)
    inner = next((e for e in resource if tag(e) in ("sequence", "multicam")), None)
    return (seconds(inner.get("tcStart")) if inner is not None else None) or Fraction(0)


def _duration(document: _Document, item: Element) -> Fraction | None:
    length = seconds(item.get("duration"))
    if length is not None:
        return length
    if tag(item) == "audition":
        pick = next((e for e in item if tag(e) in _ITEMS), None)
        return _duration(document, pick) if pick is not None else None
    if tag(item) == "spine":
        return sum((_duration(document, e) or Fraction(0) for e in item if tag(e) in _ITEMS), Fraction(0))
    resource = document.resources.get(item.get("ref") or "")
    return seconds(resource.get("duration")) if resource is not None and tag(resource) == "asset" else None


def _read_item(document: _Document, item: Element, offset: Fraction, window: _Window, depth: int) -> None:
    """One story element at `offset` in its holder's time, cut to the holder's window."""
    name = tag(item)
    document.steps += 1
    if depth > _DEPTH_MAX or document.steps > _STEPS_MAX:
        document.warn("clips nested too deep, or too many: not all is read")
        return
    enabled = window.enabled and item.get("enabled") != "0"
    lane = int(item.get("lane") or 0) if re.fullmatch(r"-?[0-9]{1,4}", item.get("lane") or "") else window.lane
    if name == "audition":
        for count, pick in enumerate(e for e in item if tag(e) in _ITEMS):
            around = replace(window, enabled=enabled, lane=lane, listed=window.listed and count == 0)
            _read_item(document, pick, offset, around, depth + 1)
        return
    if name == "spine":
        # A spine's items are placed in its own time, which is zero where the spine is anchored.
        _read_spine(
            document, item, replace(_moved(window, -offset), lane=lane, enabled=enabled), depth + 1, Fraction(0)
        )
        return
    local, length = _start(document, item), _duration(document, item)
    listed = window.listed
    if window.of_clip and _cut(window, offset, length) is None:
        # OTIO's adapter places what a clip holds at 0, and still gives the clip's start in the time of its media.
        offset, length = (window.first, None) if name == "gap" else (local, length)
        local = offset
    first, last = offset, None if length is None else offset + length
    if window.contained or "lane" not in item.attrib:
        if (shown := _cut(window, offset, length)) is not None:
            first, last = shown
        else:
            # Beyond what the compound or angle shows of itself: named, but no part of the cut.
            first, last, listed = offset, None if length is None else offset + length, False
    around = _moved(replace(window, lane=lane, enabled=enabled, listed=listed), local - offset)
    shown_until = None if last is None else local + last - offset
    inner = replace(around, first=local + first - offset, last=shown_until, record=window.record_at(first))
    if name in ("asset-clip", "video", "audio", "title"):
        _add_event(document, item, inner)
    elif name == "ref-clip":
        _read_compound(document, item, inner, depth)
    elif name == "mc-clip":
        _read_multicam(document, item, inner, depth)
    for held in item:
        if tag(held) not in _ITEMS:
            continue
        place = seconds(held.get("offset"))
        held_in = around if "lane" in held.attrib else replace(inner, contained=True)
        held_in = replace(held_in, of_clip=name == "clip" or (name == "gap" and window.of_clip))
        _read_item(document, held, local if place is None else place, held_in, depth + 1)


def _cut(window: _Window, offset: Fraction, length: Fraction | None) -> tuple[Fraction, Fraction | None] | None:
    """What of a stretch at `offset` the window shows; None where that is nothing."""
    ends = [end for end in (None if length is None else offset + length, window.last) if end is not None]
    first, last = max(offset, window.first), min(ends, default=None)
    return None if last is not None and last <= first else (first, last)


def _moved(window: _Window, by: Fraction) -> _Window:
    """The same stretch of record, in the time of something that lies `by` later."""
    return replace(window, first=window.first + by, last=None if window.last is None else window.last + by)


def _read_compound(document: _Document, item: Element, inner: _Window, depth: int) -> None:
    media = document.resources.get(item.get("ref") or "")
    sequence = child(media, "sequence") if media is not None else None
    if sequence is None:
        _add_event(document, item, inner)
        return
    for spine in children(sequence, "spine"):
        begin = seconds(sequence.get("tcStart")) or Fraction(0)
        _read_spine(document, spine, replace(inner, contained=True), depth + 1, begin)


def _read_multicam(document: _Document, item: Element, inner: _Window, depth: int) -> None:
    media = document.resources.get(item.get("ref") or "")
    multicam = child(media, "multicam") if media is not None else None
    if multicam is None:
        _add_event(document, item, inner)
        return
    angles = children(multicam, "mc-angle")
    shown = {s.get("angleID") for s in children(item, "mc-source") if s.get("srcEnable") != "none"}
    if not shown and angles:
        shown = {angles[0].get("angleID")}
    for angle in angles:
        active = inner.listed and angle.get("angleID") in shown
        begin = seconds(multicam.get("tcStart")) or Fraction(0)
        _read_spine(document, angle, replace(inner, listed=active, contained=True), depth + 1, begin)


def _add_event(document: _Document, item: Element, shown: _Window) -> None:
    resource = document.resources.get(item.get("ref") or "")
    asset = resource if resource is not None and tag(resource) == "asset" else None
    generated = tag(item) == "title" or (resource is not None and tag(resource) == "effect")
    if asset is not None:
        document.used.add(asset.get("id") or "")
    elif not generated:
        document.warn(f"line {line(item)}: {tag(item)} {item.get('name')!r} refers to no asset")
    source = _asset_event(document, asset, item)
    rate = tc.exact_rate(Fraction(source.base)) if source.base else None
    media_rate = _frame_rate(document, asset) or document.rate or rate
    first, last, speed = _retimed(item, shown.first, shown.last)
    record_last = None
    if shown.record is not None and shown.last is not None:
        record_last = shown.record + shown.last - shown.first
    name = item.get("name")
    event = replace(
        source,
        number=str(len(document.events) + 1),
        tracks=_tracks(item, asset, shown.lane),
        clip=source.clip or name,
        source_in=_label(first, media_rate, source.drop),
        source_out=_label(last, media_rate, source.drop),
        record_in=_label(shown.record, document.rate, document.drop),
        record_out=_label(record_last, document.rate, document.drop),
        speed=speed,
        comments=(f"Clip name: {name}",) if name and source.clip and name != source.clip else (),
        line=line(item),
        enabled=shown.enabled,
        generated=generated,
        base=tc.nominal(media_rate) if media_rate else None,
    )
    (document.events if shown.listed else document.unshown).append(event)


def _retimed(
    item: Element, first: Fraction, last: Fraction | None
) -> tuple[Fraction, Fraction | None, Fraction | None]:
    """First, last and speed through the item's `timeMap`, which maps its own time to that of the media."""
    time_map = child(item, "timeMap")
    points: list[tuple[Fraction, Fraction]] = []
    for point in children(time_map, "timept") if time_map is not None else []:
        at, value = seconds(point.get("time")), seconds(point.get("value"))
        if at is not None and value is not None and (not points or at > points[-1][0]):
            points.append((at, value))
    if len(points) < 2:
        return first, last, None
    ends = sorted(_mapped(points, t) for t in (first, last) if t is not None)
    speed = (points[1][1] - points[0][1]) / (points[1][0] - points[0][0]) if len(points) == 2 else None
    return ends[0], ends[-1] if last is not None else None, speed


def _mapped(points: list[tuple[Fraction, Fraction]], time: Fraction) -> Fraction:
    (t0, v0), (t1, v1) = next(((a, b) for a, b in pairwise(points) if time <= b[0]), (points[-2], points[-1]))
    return v0 + (time - t0) * (v1 - v0) / (t1 - t0)


def _tracks(item: Element, asset: Element | None, lane: int) -> tuple[str, ...]:
    number = str(lane + 1) if lane >= 0 else str(lane)
    kinds = item.get("srcEnable") or ""
    has_video = tag(item) in ("video", "title") or (asset is not None and asset.get("hasVideo") == "1")
    has_audio = tag(item) == "audio" or (asset is not None and asset.get("hasAudio") == "1")
    if tag(item) in ("video", "title") or kinds == "video":
        has_audio = False
    if tag(item) == "audio" or kinds == "audio":
        has_video = False
    return tuple(letter + number for letter, has in (("V", has_video), ("A", has_audio)) if has)


def _asset_event(document: _Document, asset: Element | None, item: Element | None) -> Event:
    """What of an Event an asset tells: its name, file, reel and identity."""
    if asset is None:
        return Event()
    reps = sorted(children(asset, "media-rep"), key=lambda rep: rep.get("kind") != "original-media")
    urls = [u for u in (asset.get("src"), *(rep.get("src") for rep in reps)) if u]
    files = tuple(dict.fromkeys(path_of(url) for url in urls))
    rate = _frame_rate(document, asset)
    tc_format = item.get("tcFormat") if item is not None else None
    return Event(
        tracks=_tracks(asset, asset, 0),
        reel=_metadata(item, _REEL) or _metadata(asset, _REEL),
        clip=asset.get("name") or (name_of(files[0]) if files else None),
        file=files[0] if files else None,
        umid=asset.get("uid"),
        line=line(asset),
        base=tc.nominal(rate) if rate else None,
        drop=tc_format == "DF",
        url=urls[0] if urls else None,
        files=files,
    )


def _metadata(element: Element | None, key: str) -> str | None:
    holder = child(element, "metadata") if element is not None else None
    entry = next((m for m in holder if tag(m) == "md" and m.get("key") == key), None) if holder is not None else None
    return (entry.get("value") or "").strip() or None if entry is not None else None


def _add_unused_assets(document: _Document) -> None:
    for key, resource in document.resources.items():
        if tag(resource) == "asset" and key not in document.used:
            document.unshown.append(_asset_event(document, resource, None))
