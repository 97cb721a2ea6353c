"""Which events and sources does a Final Cut Pro 7 XML (xmeml) hold?

The interchange that Premiere, Resolve and Final Cut 7 write (Apple, "Final Cut Pro XML Interchange Format", version 4
and 5). A `file` is described once and referred to by its id; a `clipitem`'s `in` and `out` count frames from the
start of its media, and its `start` and `end` frames from the start of the sequence, -1 where a transition hides them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of, path_of
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.values import Event, Timeline
from assetwatch.media.timelines.xmltree import Element, child, children, line, tag, text, whole

_DEPTH_MAX = 32
#: Sequences that are read, each use counted: one that holds two of another, and so on, multiplies without end.
_SEQUENCES_MAX = 10_000
_EVENTS_MAX = 500_000
_TOO_MANY = f"more than {_EVENTS_MAX} events: the rest is not read"
_TOO_DEEP = "sequences are nested too deep, too often or in themselves: not all is read"
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{0,12})?")
_FALSE = ("false", "0", "no")


@dataclass(slots=True)
class _Document:
    steps: int = 0
    files: dict[str, Element] = field(default_factory=dict)
    sequences: dict[str, Element] = field(default_factory=dict)
    used_files: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_xmeml(root: Element) -> Timeline:
    """The cut below an `xmeml` element. Never raises; what cannot be placed is a warning.

    With several sequences the first gives name, rate, start and duration, and all give events and sources. A file
    that is described in a bin only becomes a source with `used` False.
    """
    document = _Document()
    tops: list[Element] = []
    for element in root.iter():
        name = tag(element)
        key = element.get("id")
        if name == "file" and key and len(element) and key not in document.files:
            document.files[key] = element
        elif name == "sequence":
            parent = element.getparent()
            if len(element) and (parent is None or tag(parent) != "clipitem"):
                tops.append(element)
            if key and len(element):
                document.sequences.setdefault(key, element)
    for sequence in tops:
        _read_sequence(document, sequence, _record_base(sequence), 0, ())
    if not tops:
        document.warnings.append("no sequence: the clips are listed, not cut")
    elif len(tops) > 1:
        document.warnings.append(f"{len(tops)} sequences; name, start and duration are those of the first")
    unused = _unused(document, root, bool(tops))
    first = tops[0] if tops else None
    rate = _rate(first) if first is not None else None
    start, drop = _start_label(first)
    return Timeline(
        format="xmeml",
        name=text(first, "name"),
        frame_rate=rate,
        start=start,
        duration_frames=whole(first, "duration"),
        events=tuple(document.events),
        sources=collect_sources(document.events, unused),
        warnings=tuple(document.warnings),
        base=tc.nominal(rate) if rate else None,
        drop=drop,
    )


def _rate(element: Element | None) -> Fraction | None:
    """A `rate` child: `timebase` frames a second, slower by 1000/1001 where `ntsc` is TRUE."""
    rate = child(element, "rate") if element is not None else None
    base = whole(rate, "timebase")
    if base is None or not 0 < base <= 1000:
        return None
    ntsc = (text(rate, "ntsc") or "").lower() not in ("", *_FALSE)
    return Fraction(base * 1000, 1001) if ntsc else Fraction(base)


@dataclass(frozen=True, slots=True)
class _Code:
    """A timecode track: the label of its first frame, as a count."""

    frame: int
    base: int
    drop: bool

    def label(self, offset: int) -> str:
        return tc.label(self.frame + offset, self.base, self.drop)


def _code(element: Element | None) -> _Code | None:
    """A `timecode` child: its `string` where that is a label, else its `frame` count."""
    code = child(element, "timecode") if element is not None else None
    if code is None:
        return None
    rate = _rate(code) or _rate(element)
    if rate is None:
        return None
    base = tc.nominal(rate)
    written = text(code, "string") or ""
    display = (text(code, "displayformat") or "").upper()
    drop = tc.can_drop(base) and (display == "DF" or (display != "NDF" and tc.says_drop(written)))
    try:
        return _Code(tc.frames(written, base, drop), base, drop)
    except tc.TimecodeError:
        frame = whole(code, "frame")
        return None if frame is None else _Code(frame, base, drop)


def _start_label(sequence: Element | None) -> tuple[str | None, bool]:
    code = _code(sequence)
    return (None, False) if code is None else (code.label(0), code.drop)


def _record_base(sequence: Element) -> _Code | None:
    code = _code(sequence)
    rate = _rate(sequence)
    if code is None and rate is not None:
        return _Code(0, tc.nominal(rate), False)
    return code


def _read_sequence(
    document: _Document, sequence: Element, record: _Code | None, depth: int, above: tuple[Element, ...]
) -> None:
    document.steps += 1
    if depth > _DEPTH_MAX or sequence in above or document.steps > _SEQUENCES_MAX:
        if _TOO_DEEP not in document.warnings:
            document.warnings.append(_TOO_DEEP)
        return
    media = child(sequence, "media")
    if media is None:
        return
    for kind, letter in (("video", "V"), ("audio", "A")):
        part = child(media, kind)
        for number, track in enumerate(children(part, "track") if part is not None else [], 1):
            name = f"{letter}{number}"
            shown = (text(track, "enabled") or "").lower() not in _FALSE
            _read_track(document, track, name, shown, record, depth, (*above, sequence))


def _read_track(
    document: _Document,
    track: Element,
    name: str,
    shown: bool,
    record: _Code | None,
    depth: int,
    above: tuple[Element, ...],
) -> None:
    transition: tuple[int, int, str] | None = None
    for item in track:
        if len(document.events) >= _EVENTS_MAX:
            if _TOO_MANY not in document.warnings:
                document.warnings.append(_TOO_MANY)
            return
        if tag(item) == "transitionitem":
            first, last = whole(item, "start"), whole(item, "end")
            label = (text(item, "effect", "effectid") or text(item, "effect", "name") or "").lower()
            transition = (first or 0, last or 0, "wipe" if "wipe" in label else "dissolve")
        elif tag(item) in ("clipitem", "generatoritem"):
            _read_item(document, item, name, shown, record, transition, depth, above)
            transition = None


def _read_item(
    document: _Document,
    item: Element,
    track: str,
    shown: bool,
    record: _Code | None,
    transition: tuple[int, int, str] | None,
    depth: int,
    above: tuple[Element, ...],
) -> None:
    nested = child(item, "sequence")
    if nested is not None:
        target = nested if len(nested) else document.sequences.get(nested.get("id") or "")
        if target is not None:
            # Times inside a nested sequence are its own; they are not places in the cut.
            _read_sequence(document, target, None, depth + 1, above)
        return
    file = _file(document, item)
    first, last = whole(item, "in"), whole(item, "out")
    start, end = _places(item, first, last, transition)
    length = max(0, last - first) if first is not None and last is not None else None
    enabled = shown and (text(item, "enabled") or "").lower() not in _FALSE
    event = _media_event(item, file, first, last)
    document.events.append(
        Event(
            number=str(len(document.events) + 1),
            tracks=(track,),
            kind=transition[2] if transition else "cut",
            reel=event.reel,
            clip=event.clip,
            file=event.file,
            source_in=event.source_in,
            source_out=event.source_out,
            record_in=record.label(start) if record and start is not None else None,
            record_out=record.label(end) if record and end is not None else None,
            speed=_speed(item) if length else None,
            comments=event.comments,
            line=line(item),
            base=event.base,
            drop=event.drop,
            transition_frames=max(0, transition[1] - transition[0]) if transition else 0,
            enabled=enabled,
            generated=event.generated or tag(item) == "generatoritem",
            url=event.url,
            files=event.files,
        )
    )


def _places(
    item: Element, first: int | None, last: int | None, transition: tuple[int, int, str] | None
) -> tuple[int | None, int | None]:
    """Start and end in the sequence; -1 means that a transition hides it, and the length gives it back."""
    start, end = whole(item, "start"), whole(item, "end")
    if start is not None and start < 0:
        start = transition[0] if transition else None
    if end is not None and end < 0:
        end = None
    length = last - first if first is not None and last is not None else None
    if start is None and end is not None and length is not None:
        start = max(0, end - length)
    if end is None and start is not None and length is not None:
        end = start + length
    return start, end


def _file(document: _Document, item: Element) -> Element | None:
    found = child(item, "file")
    if found is None:
        # A multiclip holds the angle that is shown as a clip within a clip.
        found = next((e for e in item.iter() if tag(e) == "file"), None)
    if found is None:
        return None
    key = found.get("id") or ""
    document.used_files.add(key)
    return found if len(found) else document.files.get(key, found)


def _media_event(item: Element, file: Element | None, first: int | None, last: int | None) -> Event:
    """What of an Event a clip and its file tell, without the record side."""
    url = text(file, "pathurl")
    path = path_of(url) if url else None
    name = text(item, "name") or text(file, "name") or (name_of(path) if path else None)
    reel = text(file, "timecode", "reel", "name") or text(item, "timecode", "reel", "name")
    code = _code(file)
    clip_rate = _rate(item)
    source_in = source_out = None
    if code is not None and first is not None and last is not None and first >= 0:
        source_in = code.label(_scaled(first, clip_rate, code.base))
        source_out = code.label(_scaled(max(first, last), clip_rate, code.base))
    notes = [f"{label}: {value}" for label, value in _notes(item, file) if value]
    generated = path is None and file is not None and text(file, "mediaSource") is not None
    return Event(
        reel=reel,
        clip=name,
        file=path,
        source_in=source_in,
        source_out=source_out,
        comments=tuple(notes),
        line=line(item),
        base=code.base if code else None,
        drop=bool(code and code.drop),
        generated=generated,
        url=url,
        files=(path,) if path else (),
    )


def _scaled(frames: int, rate: Fraction | None, base: int) -> int:
    """Frames at the clip's rate as frames of its media; 23.976 and 24 are one frame for one frame."""
    if rate is None or tc.nominal(rate) == base:
        return frames
    return int(frames * base / Fraction(tc.nominal(rate)))


def _notes(item: Element, file: Element | None) -> list[tuple[str, str | None]]:
    logging = child(item, "logginginfo")
    name = text(file, "name")
    return [
        ("File name", name if name != text(item, "name") else None),
        ("Scene", text(logging, "scene")),
        ("Shot/take", text(logging, "shottake")),
        ("Note", text(logging, "lognote")),
    ]


def _speed(item: Element) -> Fraction | None:
    """The factor of a Time Remap filter at constant speed; None where there is none."""
    for effect in (child(f, "effect") for f in children(item, "filter")):
        if effect is None or (text(effect, "effectid") or "").lower() != "timeremap":
            continue
        settings = {text(p, "parameterid"): text(p, "value") for p in children(effect, "parameter")}
        number = _NUMBER.fullmatch(settings.get("speed") or "")
        if number is None:
            return None
        percent = Fraction(number.group())
        sign = -1 if (settings.get("reverse") or "").lower() == "true" and percent > 0 else 1
        return (sign * percent / 100).limit_denominator(100_000)
    return None


def _unused(document: _Document, root: Element, has_cut: bool) -> list[Event]:
    """Files that are described in the document and no sequence uses. Without a sequence, the clips become events."""
    found: list[Event] = []
    if not has_cut:
        for clip in root.iter():
            # A clip holds its tracks' clipitems; the innermost tells most.
            if tag(clip) not in ("clip", "clipitem"):
                continue
            if not any(tag(e) == "clipitem" and e is not clip for e in clip.iter()):
                file = _file(document, clip)
                if file is not None:
                    document.events.append(_media_event(clip, file, whole(clip, "in"), whole(clip, "out")))
    for key, file in document.files.items():
        if key not in document.used_files:
            found.append(_media_event(file, file, None, None))
    return found
