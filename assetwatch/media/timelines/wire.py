"""How does a Timeline go from one process to another, and to a script?

`to_json` is what scripts rely on; `pack` and `unpack` carry every field exactly, between us and our own child.
"""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import Any

from assetwatch.media.timelines.compare import Change
from assetwatch.media.timelines.values import Event, Range, Source, Timeline


def to_json(timeline: Timeline) -> dict[str, Any]:
    """The document of `assetwatch timeline FILE --json`.

    `in` and `out` are timecode labels (`out` is the frame after the last), `duration` counts record frames, rates and
    speeds are exact fractions as text. What is not known is null.
    """
    return {
        "format": timeline.format,
        "name": timeline.name,
        "frame_rate": _fraction_text(timeline.frame_rate),
        "timecode_base": timeline.base,
        "drop_frame": timeline.drop,
        "start": timeline.start,
        "duration": timeline.duration_frames,
        "sources": [_source(source) for source in timeline.sources],
        "events": [_event(event) for event in timeline.events],
        "warnings": list(timeline.warnings),
    }


def change_json(change: Change) -> dict[str, Any]:
    """One change of `assetwatch timeline NEW --against OLD --json`; `old` and `new` are events, or null."""
    return {
        "kind": change.kind.value,
        "head_frames": change.head_frames,
        "tail_frames": change.tail_frames,
        "moved_frames": change.moved_frames,
        "old": None if change.old is None else _event(change.old),
        "new": None if change.new is None else _event(change.new),
    }


def _fraction_text(value: Fraction | None) -> str | None:
    return None if value is None else str(value)


def _source(source: Source) -> dict[str, Any]:
    return {
        "reel": source.reel,
        "clip": source.clip,
        "file": source.file,
        "in": source.source_in,
        "out": source.source_out,
        "tracks": list(source.tracks),
        "used": source.used,
        "umid": source.umid,
        "url": source.url,
        "files": list(source.files),
        "embedded": source.embedded,
        "timecode_base": source.base,
        "ranges": [_range(used) for used in source.ranges],
    }


def _range(used: Range) -> dict[str, Any]:
    return {
        "event": used.event,
        "line": used.line,
        "in": used.source_in,
        "out": used.source_out,
        "record_in": used.record_in,
        "record_out": used.record_out,
        "tail_frames": used.tail_frames,
        "head_frames": used.head_frames,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "number": event.number,
        "line": event.line,
        "tracks": list(event.tracks),
        "kind": event.kind,
        "transition_frames": event.transition_frames,
        "transition_before": event.transition_before,
        "reel": event.reel,
        "clip": event.clip,
        "file": event.file,
        "in": event.source_in,
        "out": event.source_out,
        "record_in": event.record_in,
        "record_out": event.record_out,
        "speed": _fraction_text(event.speed),
        "enabled": event.enabled,
        "generated": event.generated,
        "umid": event.umid,
        "comments": list(event.comments),
    }


def pack(timeline: Timeline) -> dict[str, Any]:
    """Every field of the timeline as JSON can hold it; `unpack` is the exact way back."""
    return {field.name: _packed(getattr(timeline, field.name)) for field in fields(Timeline)}


def _packed(value: Any) -> Any:
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    if isinstance(value, Event | Source | Range):
        return {field.name: _packed(getattr(value, field.name)) for field in fields(value)}
    return [_packed(v) for v in value] if isinstance(value, tuple) else value


def unpack(packed: dict[str, Any]) -> Timeline:
    """The timeline that `pack` wrote."""
    plain = dict(packed)
    plain["frame_rate"] = _fraction(plain["frame_rate"])
    plain["events"] = tuple(_unpacked_event(e) for e in plain["events"])
    plain["sources"] = tuple(_unpacked_source(s) for s in plain["sources"])
    plain["warnings"] = tuple(plain["warnings"])
    return Timeline(**plain)


def _fraction(packed: list[int] | None) -> Fraction | None:
    return None if packed is None else Fraction(packed[0], packed[1])


def _unpacked_event(packed: dict[str, Any]) -> Event:
    return Event(**{**_tuples(packed), "speed": _fraction(packed["speed"])})


def _unpacked_source(packed: dict[str, Any]) -> Source:
    return Source(**{**_tuples(packed), "ranges": tuple(Range(**r) for r in packed["ranges"])})


def _tuples(packed: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in packed.items()}
