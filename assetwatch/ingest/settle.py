"""Known x seen x now: is the file new, growing, at rest, changed, gone? Pure: no disk, no clock, no catalog."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from assetwatch.catalog.rows import FileRow
from assetwatch.ingest.listing import Seen
from assetwatch.model import FileKind, Integrity, Presence, written_to

#: A ctime that lies further ahead of our clock than this was not set by this machine's kernel (microseconds).
_AHEAD_US = 2_000_000

#: When a file is looked at again whose folder cannot be entered (microseconds).
_LATER_US = 60_000_000


class Rules(NamedTuple):
    """What holds on one volume.

    `settle_us`: how long a file must be unchanged, microseconds. `local`: the kernel of this machine sets ctime, so an
    old one proves that nothing was written since; elsewhere only two looks by our own clock do. `trust_inode`: the
    file system keeps a file's inode number for as long as the file is the same one.
    """

    settle_us: int
    local: bool
    trust_inode: bool


#: As the rows have them, looked up once: an enumeration's `value` costs more than the rest of a row's field.
_ARRIVING, _PRESENT = Presence.ARRIVING.value, Presence.PRESENT.value
_PENDING, _RECORDED = Integrity.PENDING.value, Integrity.RECORDED.value


def settled_us(ctime_ns: int, stat_since_us: int, rules: Rules) -> int:
    """When a file with this ctime, first seen so at `stat_since_us`, has been at rest for long enough.

    mtime is not asked: copy tools set it back to the original's.
    """
    ctime_us = ctime_ns // 1000
    if rules.local and ctime_us <= stat_since_us + _AHEAD_US:
        return ctime_us + rules.settle_us
    return stat_since_us + rules.settle_us


def first_look(identity: int, volume_id: int, folder_id: int, seen: Seen, now_us: int, rules: Rules) -> FileRow:
    """The row of a name that the catalog did not know."""
    regular = seen.kind is FileKind.REGULAR
    return FileRow(
        id=identity,
        volume_id=volume_id,
        folder_id=folder_id,
        name=seen.name,
        kind=seen.kind.value,
        size=seen.size,
        mtime_ns=seen.mtime_ns,
        ctime_ns=seen.ctime_ns,
        inode=seen.inode,
        presence=_ARRIVING if regular else _PRESENT,
        integrity=_PENDING if regular else _RECORDED,
        version_id=None,
        first_seen_us=now_us,
        stat_since_us=now_us,
        recorded_us=None,
        verified_us=None,
        checked_us=None,
        absent_us=None,
        due_us=settled_us(seen.ctime_ns, now_us, rules) if regular else None,
        due_for="settle" if regular else None,
        attempts=0,
        problem=None,
        target=None,
        series_id=None,
        frame=None,
        sequence_id=None,
    )


def look(row: FileRow, seen: Seen, now_us: int, rules: Rules, *, closed: bool = False) -> FileRow:
    """The row after its path was looked at and something was there. `closed`: a writer was heard to close it."""
    if seen.kind.value != row.kind or not row.has_stat(
        seen.size, seen.mtime_ns, seen.inode, trust_inode=rules.trust_inode
    ):
        return _changed(row, seen, now_us, rules)
    if row.absent_us is not None and row.ctime_ns != seen.ctime_ns and seen.kind is FileKind.REGULAR:
        # Deleted and copied again with its mtime, it often gets the same inode number, too.
        return _changed(row, seen, now_us, rules)
    at_rest = row.presence == Presence.PRESENT.value and row.due_for in (None, "settle")
    if closed and at_rest and row.ctime_ns != seen.ctime_ns and seen.kind is FileKind.REGULAR:
        # Written in place at its old size, and its mtime set back: only the ctime tells, and that a writer was there.
        # It is read again as what it was; other bytes under an unchanged stat are a mismatch.
        due_us = settled_us(seen.ctime_ns, now_us, rules)
        return replace(row, ctime_ns=seen.ctime_ns, inode=seen.inode, due_for="settle", due_us=due_us)
    after = row
    if row.absent_us is not None or row.presence == Presence.MISSING.value:
        after = _back(after, now_us, rules)
    if after.ctime_ns != seen.ctime_ns or after.inode != seen.inode:
        # Nothing that we compare differs, but something touched it: a file on its way has to come to rest again.
        touched = after.ctime_ns != seen.ctime_ns
        after = replace(after, ctime_ns=seen.ctime_ns, inode=seen.inode)
        if touched and after.presence == Presence.ARRIVING.value and after.due_for == "settle":
            after = replace(after, stat_since_us=now_us, due_us=settled_us(seen.ctime_ns, now_us, rules))
        elif touched and after.integrity == Integrity.UNREADABLE.value and after.due_for == "read":
            after = replace(after, due_us=now_us)  # permissions are mended so
    if after.due_for == "settle" and after.due_us is not None and after.due_us <= now_us:
        after = replace(after, due_for="read", due_us=now_us)
    return after


def made_since_gone(row: FileRow, seen: Seen) -> bool:
    """Whether a file was found gone before what was seen elsewhere was made or renamed: then it was not moved there."""
    return row.absent_us is not None and seen.ctime_ns // 1000 > row.absent_us


def absent(row: FileRow, now_us: int, confirm_us: int) -> FileRow:
    """The row after its path was looked at and nothing was there, on a volume that is online.

    The first look only notes it; `confirm_us` microseconds later a second one may conclude.
    """
    if row.presence == Presence.MISSING.value or row.absent_us is not None:
        return row
    return replace(row, absent_us=now_us, due_us=now_us + confirm_us, due_for="absence")


def later(row: FileRow, now_us: int) -> FileRow:
    """The row of a file that could not be looked at: what is owed to it waits for another look."""
    return replace(row, due_us=now_us + _LATER_US)


def vanished(row: FileRow) -> FileRow:
    """The row after two looks found nothing."""
    return replace(row, presence=Presence.MISSING.value, due_us=None, due_for=None, attempts=0)


def again(row: FileRow, now_us: int, rules: Rules) -> FileRow:
    """The row of a file that was written to while it was read, or that a writer still holds open."""
    return replace(
        row,
        presence=Presence.ARRIVING.value,
        due_us=now_us + rules.settle_us,
        due_for="settle",
        attempts=0,
    )


def retry_us(attempts: int) -> int:
    """How long to wait after `attempts` failed reads: half a minute, doubled each time, six hours at most. For ever."""
    return min(30_000_000 << min(attempts, 12), 6 * 3600 * 1_000_000)


def _changed(row: FileRow, seen: Seen, now_us: int, rules: Rules) -> FileRow:
    """The row for other content under the same name. What was recorded stays on record until the new bytes are read."""
    fresh = first_look(row.id, row.volume_id, row.folder_id, seen, now_us, rules)
    after = replace(
        fresh,
        version_id=row.version_id,
        first_seen_us=row.first_seen_us,
        recorded_us=row.recorded_us,
        verified_us=row.verified_us,
        checked_us=row.checked_us,
        problem=written_to(row.problem),
    )
    if seen.kind is FileKind.REGULAR:  # a link is no frame
        after = replace(after, series_id=row.series_id, frame=row.frame, sequence_id=row.sequence_id)
    if after.due_us is not None and after.due_us <= now_us:
        after = replace(after, due_for="read", due_us=now_us)
    return after


def _back(row: FileRow, now_us: int, rules: Rules) -> FileRow:
    """The row of a file that had been absent and has the stat that it had: nothing has to be read again."""
    if row.integrity == Integrity.PENDING.value:
        return replace(
            row,
            presence=Presence.ARRIVING.value,
            absent_us=None,
            due_us=settled_us(row.ctime_ns, row.stat_since_us, rules),
            due_for="settle",
        )
    unread = row.integrity == Integrity.UNREADABLE.value
    return replace(
        row,
        presence=Presence.PRESENT.value,
        absent_us=None,
        due_us=now_us if unread else None,
        due_for="read" if unread else None,
    )
