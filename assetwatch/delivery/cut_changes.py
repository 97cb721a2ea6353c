"""What changed between two versions of a cut, in the words of a change list?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.wording import name_of
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.compare import Change, ChangeKind, compare
from assetwatch.media.timelines.locations import name_of as file_of
from assetwatch.media.timelines.values import Event, Timeline

#: Changes that a card tells one by one.
TOLD_MAX: Final = 40

_ORDER: Final = (
    ChangeKind.ADDED,
    ChangeKind.DROPPED,
    ChangeKind.LENGTHENED,
    ChangeKind.SHORTENED,
    ChangeKind.SLIPPED,
    ChangeKind.RETIMED,
    ChangeKind.UNCLEAR,
)


def told(changes: Sequence[Change]) -> list[Change]:
    """The changes that a person is told: all but those that show the same frames."""
    return [change for change in changes if change.kind is not ChangeKind.SAME]


def summary(changes: Sequence[Change], old: Timeline, new: Timeline) -> str:
    """`2 added, 1 dropped; 24 frames longer, 1440 in all`."""
    counts = Counter(change.kind for change in changes)
    said = ", ".join(f"{counts[kind]} {kind.value}" for kind in _ORDER if counts[kind]) or "the same uses of sources"
    moved = sum(change.kind is ChangeKind.SAME and bool(change.moved_frames) for change in changes)
    if moved:
        said += f", {moved} moved"
    if old.duration_frames is None or new.duration_frames is None:
        return said
    difference = new.duration_frames - old.duration_frames
    length = (
        f"{abs(difference)} frames {'longer' if difference > 0 else 'shorter'}" if difference else "as long as before"
    )
    return f"{said}; {length}, {new.duration_frames} frames in all"


def line_of(change: Change) -> str:
    """One change as a line: `lengthened: A004C010 (A004) at 01:00:10:00, tail 12 frames later`."""
    event = change.new or change.old
    assert event is not None
    parts = [f"{change.kind.value}: {called(event)}"]
    if event.record_in:
        parts.append(f"at {event.record_in}")
    ends = [(change.head_frames, "begins"), (change.tail_frames, "ends")]
    said = [f"{word} {abs(count)} frames {'later' if count > 0 else 'earlier'}" for count, word in ends if count]
    if change.kind in (ChangeKind.ADDED, ChangeKind.DROPPED) and (length := _length(event)):
        said = [f"{length} frames"]
    if change.kind is ChangeKind.RETIMED and change.old is not None and change.new is not None:
        said = [f"speed {change.old.speed or 1} before, {change.new.speed or 1} now"]
    return " ".join(parts) + (", " + ", ".join(said) if said else "")


def called(event: Event) -> str:
    """A use by what people call its source."""
    name = event.clip or (file_of(event.file) if event.file else None) or event.reel or "-"
    return f"{name} ({event.reel})" if event.reel and event.reel != name else name


def _length(event: Event) -> int | None:
    if event.source_in is None or event.source_out is None or event.base is None:
        return None
    try:
        return tc.length(event.source_in, event.source_out, event.base, event.drop)
    except tc.TimecodeError:
        return None


def findings(old: Timeline, old_path: str, new: Timeline, new_path: str) -> tuple[Finding, ...]:
    """What a newer version of a cut changed, for those who work on it: notices, the sum of it first."""
    changes = compare(old, new)
    news = told(changes)
    head = f"against {name_of(old_path)}: {summary(changes, old, new)}"
    found = [Finding("cut_change", Outcome.FAIL, None, head, new_path, notice=True)]
    found += [Finding("cut_change", Outcome.FAIL, None, line_of(one), new_path, notice=True) for one in news[:TOLD_MAX]]
    if len(news) > TOLD_MAX:
        more = f"{len(news) - TOLD_MAX} more changes; assetwatch timeline --against tells them all"
        found.append(Finding("cut_change", Outcome.FAIL, None, more, new_path, notice=True))
    return tuple(found)
