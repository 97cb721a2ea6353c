"""What changed between two cuts of one reel?

The change list that sound and VFX ask for: which uses of which source came, went, grew, shrank or slipped. An event
is found again by its source and the part of it that is shown, not by its number or place, which every insert shifts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of
from assetwatch.media.timelines.values import Event, Timeline

_EXTENSION = re.compile(r"\.(?=[A-Za-z0-9]{0,7}[A-Za-z])[A-Za-z0-9]{2,8}$")

#: Above this many pairs of one source the events are paired in the order of the cut instead of by likeness.
_PAIRS_MAX = 250_000


class ChangeKind(StrEnum):
    """What happened to one use of a source."""

    SAME = "same"  #: shows the same frames; it may have moved
    ADDED = "added"
    DROPPED = "dropped"
    LENGTHENED = "lengthened"
    SHORTENED = "shortened"
    SLIPPED = "slipped"  #: as long as before, but other frames of the source
    RETIMED = "retimed"  #: the same frames at another speed
    UNCLEAR = "unclear"  #: the same source, but timecodes that cannot be compared


@dataclass(frozen=True, slots=True)
class Change:
    """One use of a source in the old cut, the new cut or both; frames are source frames but for `moved_frames`.

    `head_frames` is how much later the new event enters its source, `tail_frames` how much later it leaves it.
    `moved_frames` is how much later it stands in the record, None where that cannot be told.
    """

    kind: ChangeKind
    old: Event | None
    new: Event | None
    head_frames: int = 0
    tail_frames: int = 0
    moved_frames: int | None = None


def compare(old: Timeline, new: Timeline) -> tuple[Change, ...]:
    """Every use of a source in either cut, once: in the order of the new cut, then what was dropped. Pure.

    Uses pair up only on the same kind of track (picture with picture). Generated events are left out. Of two formats,
    which do not tell the same of a source (an AAF no reel, an EDL no file), the clip's name says which it is.
    """
    by_name = old.format != new.format
    before, after = _by_source(old, by_name), _by_source(new, by_name)
    changes: list[Change] = []
    for key in dict.fromkeys((*after, *before)):
        changes.extend(_pair(before.get(key, []), after.get(key, []), old, new))
    place = {id(event): count for count, event in enumerate((*new.events, *old.events))}
    return tuple(sorted(changes, key=lambda change: place[id(change.new or change.old)]))


_Key = tuple[str | None, str | None, str | None, str]


def _by_source(timeline: Timeline, by_name: bool) -> dict[_Key, list[Event]]:
    grouped: dict[_Key, list[Event]] = defaultdict(list)
    for event in timeline.events:
        if not event.generated and event.enabled:
            media = "".join(sorted({track[:1] for track in event.tracks}))
            key = (None, _name(event), None) if by_name else (event.reel, event.clip, event.file)
            grouped[(*key, media)].append(event)
    return grouped


def _name(event: Event) -> str:
    """What every format calls a source by: its clip, else its file, else its reel."""
    called = event.clip or name_of(event.file or "") or event.reel or ""
    return _EXTENSION.sub("", called).casefold()


def _pair(before: list[Event], after: list[Event], old: Timeline, new: Timeline) -> Iterable[Change]:
    left = {id(event): event for event in before}
    open_new: list[Event] = []
    exact: dict[tuple[str | None, str | None], list[Event]] = defaultdict(list)
    for event in before:
        exact[(event.source_in, event.source_out)].append(event)
    for event in after:
        twins = exact.get((event.source_in, event.source_out))
        if twins:
            twin = twins.pop(0)
            del left[id(twin)]
            yield _change(twin, event, old, new)
        else:
            open_new.append(event)
    for first, second in _likest(list(left.values()), open_new, old, new):
        del left[id(first)]
        open_new = [event for event in open_new if event is not second]
        yield _change(first, second, old, new)
    for event in open_new:
        yield Change(ChangeKind.ADDED, None, event)
    for event in left.values():
        yield Change(ChangeKind.DROPPED, event, None)


def _likest(before: list[Event], after: list[Event], old: Timeline, new: Timeline) -> list[tuple[Event, Event]]:
    """Pairs that overlap in the source or are of one length, the most alike first, each event once."""
    if len(before) * len(after) > _PAIRS_MAX:
        return list(zip(before, after, strict=False))
    rated: list[tuple[int, int, int]] = []
    for i, first in enumerate(before):
        for j, second in enumerate(after):
            was, now = _frames(first, old), _frames(second, new)
            if was is None or now is None:
                rated.append((1 << 40, i, j))
                continue
            overlap = min(was[1], now[1]) - max(was[0], now[0])
            if overlap > 0 or was[1] - was[0] == now[1] - now[0]:
                rated.append((abs(now[0] - was[0]) + abs(now[1] - was[1]), i, j))
    pairs: list[tuple[Event, Event]] = []
    used_old: set[int] = set()
    used_new: set[int] = set()
    for _, i, j in sorted(rated):
        if i not in used_old and j not in used_new:
            used_old.add(i)
            used_new.add(j)
            pairs.append((before[i], after[j]))
    return pairs


def _change(first: Event, second: Event, old: Timeline, new: Timeline) -> Change:
    was, now = _frames(first, old), _frames(second, new)
    moved = _moved(first, second, old, new)
    if was is None or now is None:
        same = (first.source_in, first.source_out) == (second.source_in, second.source_out)
        return Change(ChangeKind.SAME if same else ChangeKind.UNCLEAR, first, second, moved_frames=moved)
    head, tail = now[0] - was[0], now[1] - was[1]
    if head == tail == 0:
        kind = ChangeKind.SAME if first.speed == second.speed else ChangeKind.RETIMED
    elif head == tail:
        kind = ChangeKind.SLIPPED
    else:
        kind = ChangeKind.LENGTHENED if tail > head else ChangeKind.SHORTENED
    return Change(kind, first, second, head, tail, moved)


def _count(label: str | None, base: int | None, drop: bool) -> int | None:
    if label is None or base is None:
        return None
    try:
        return tc.frames(label, base, drop or tc.says_drop(label))
    except tc.TimecodeError:
        return None


def _frames(event: Event, timeline: Timeline) -> tuple[int, int] | None:
    base = event.base or timeline.base
    first, last = _count(event.source_in, base, event.drop), _count(event.source_out, base, event.drop)
    return None if first is None or last is None else (first, last)


def _moved(first: Event, second: Event, old: Timeline, new: Timeline) -> int | None:
    was = _count(first.record_in, old.base, old.drop)
    now = _count(second.record_in, new.base, new.drop)
    return None if was is None or now is None else now - was
