"""Which distinct sources does a list of events name, and what of each does the cut use?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.values import Event, Range, Source

_Key = tuple[str | None, str | None, str | None]


@dataclass(slots=True)
class _Gathered:
    first: Event
    ranges: list[Range] = field(default_factory=list)
    tracks: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    umid: str | None = None
    used: bool = False


def collect_sources(events: Sequence[Event], unused: Iterable[Event] = ()) -> tuple[Source, ...]:
    """The sources of `events` in the order in which the list first names them.

    Events are one source when reel, clip and file are equal; generated pictures and sounds are none. `unused` are
    clips that the file names beside the cut (a bin, an inactive angle); a source of theirs only has `used` False.
    """
    gathered: dict[_Key, _Gathered] = {}
    for event, follower in zip_longest(events, events[1:]):
        source = _gather(gathered, event)
        if source is not None:
            source.used = source.used or event.enabled
            source.ranges.append(_range(event, _tail(event, follower)))
    for event in unused:
        _gather(gathered, event)
    return tuple(_source(key, value) for key, value in gathered.items())


def _gather(gathered: dict[_Key, _Gathered], event: Event) -> _Gathered | None:
    key = (event.reel, event.clip, event.file)
    if event.generated or key == (None, None, None):
        return None
    source = gathered.setdefault(key, _Gathered(event))
    source.tracks.update(dict.fromkeys(event.tracks))
    source.files.update(dict.fromkeys(event.files))
    source.umid = source.umid or event.umid
    return source


def _range(event: Event, tail_frames: int) -> Range:
    return Range(
        event=event.number,
        line=event.line,
        source_in=event.source_in,
        source_out=event.source_out,
        record_in=event.record_in,
        record_out=event.record_out,
        tail_frames=tail_frames,
        head_frames=event.transition_before,
    )


def _tail(event: Event, follower: Event | None) -> int:
    """The frames that a dissolve or wipe into the next event still takes from this one.

    A CMX list ends the outgoing event where the transition begins, so its last frames are named nowhere. OTIO and
    FCPXML end it at a cut within the transition, and what is beyond that cut is all that it still takes.
    """
    if follower is None or event.record_out is None or event.record_out != follower.record_in:
        return 0
    if event.tracks and follower.tracks and not set(event.tracks) & set(follower.tracks):
        return 0
    return follower.transition_frames - follower.transition_before


def _source(key: _Key, value: _Gathered) -> Source:
    ins = [r.source_in for r in value.ranges] or [value.first.source_in]
    outs = [r.source_out for r in value.ranges] or [value.first.source_out]
    # A drop-frame and a plain label of one source order alike, so the labels are compared field by field:
    # that needs no base, which an EDL may not tell.
    first = min((label for label in ins if label), key=tc.fields, default=None)
    last = max((label for label in outs if label), key=tc.fields, default=None)
    return Source(
        reel=key[0],
        clip=key[1],
        file=key[2],
        source_in=first,
        source_out=last,
        tracks=tuple(value.tracks),
        ranges=tuple(value.ranges),
        umid=value.umid,
        url=value.first.url,
        files=tuple(value.files),
        base=value.first.base,
        used=value.used,
        embedded=value.first.embedded,
    )
