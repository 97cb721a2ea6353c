"""What holds that people have to hear of, and what of it have they heard? The alerts, and the facts behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, or_, select, update

from assetwatch.catalog import tables as t
from assetwatch.catalog import volumes
from assetwatch.catalog.files import slices
from assetwatch.catalog.volumes import AlertRow
from assetwatch.model import FileKind, Integrity, Presence

#: A daemon that has not said anything for so long leaves its affairs to others (microseconds).
_SILENT_US: Final = 60_000_000

# -- facts ------------------------------------------------------------------------------------------------------


class Mismatch(NamedTuple):
    """A file that differs, and the innermost package that it lies in; its path is None where there is none."""

    volume_id: int
    folder: str
    name: str
    package_id: int | None
    package: str | None


def mismatch_tally(connection: Connection) -> list[tuple[int, int, int]]:
    """(volume id, files, bytes) of what differs, from the totals that every write keeps."""
    rows = connection.execute(
        select(t.tally.c.volume_id, func.sum(t.tally.c.files), func.sum(t.tally.c.size))
        .where(t.tally.c.integrity == Integrity.MISMATCH.value, t.tally.c.files > 0)
        .group_by(t.tally.c.volume_id)
        .order_by(t.tally.c.volume_id)
    )
    return [(volume_id, int(count), int(size)) for volume_id, count, size in rows]


def mismatches(connection: Connection, limit: int, *, known: bool = False) -> list[Mismatch]:
    """The files that differ, and of which no person said that it is known, or with `known` those of which one did;
    `limit` of them at most."""
    rows = connection.execute(
        select(t.file.c.id, t.file.c.volume_id, t.folder.c.path, t.file.c.name)
        .select_from(t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id))
        .where(
            t.file.c.integrity == Integrity.MISMATCH.value,
            t.file.c.presence != Presence.MISSING.value,
            t.file.c.kind == FileKind.REGULAR.value,
            t.file.c.known_us.is_not(None) if known else t.file.c.known_us.is_(None),
        )
        .order_by(t.file.c.folder_id, t.file.c.id)
        .limit(limit)
    ).all()
    innermost: dict[int, tuple[int, str]] = {}
    for some in slices([row.id for row in rows]):
        listed = connection.execute(
            select(t.claim.c.file_id, t.package.c.id, t.package.c.path)
            .select_from(t.claim.join(t.package, t.package.c.id == t.claim.c.package_id))
            .where(t.claim.c.file_id.in_(bindparam("ids", expanding=True))),
            {"ids": some},
        )
        for file_id, package_id, path in listed:
            if file_id not in innermost or len(path) > len(innermost[file_id][1]):
                innermost[file_id] = (package_id, path)
    return [
        Mismatch(volume_id, folder, name, *innermost.get(identity, (None, None)))
        for identity, volume_id, folder, name in rows
    ]


def deliverables_mark(connection: Connection) -> tuple[Any, ...]:
    """What differs when a person said a word on a deliverable, or a schedule was imported."""
    decided = connection.execute(select(func.max(t.decision.c.id))).scalar()
    scheduled = connection.execute(
        select(func.count(), func.max(t.deliverable.c.imported_us), func.sum(t.deliverable.c.due_us)).where(
            t.deliverable.c.removed_us.is_(None)
        )
    ).one()
    return (decided, *scheduled)


def senders_of(connection: Connection, deliverable_ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    """Deliverable's row -> its id in the schedule, its sender, its receiver."""
    found: dict[int, tuple[str, str, str]] = {}
    for some in slices(list(deliverable_ids)):
        rows = connection.execute(
            select(t.deliverable.c.id, t.deliverable.c.key, t.deliverable.c.sender, t.deliverable.c.receiver).where(
                t.deliverable.c.id.in_(bindparam("ids", expanding=True))
            ),
            {"ids": some},
        )
        found.update({identity: (key, sender, receiver) for identity, key, sender, receiver in rows})
    return found


# -- whose affair it is ---------------------------------------------------------------------------------------------


class Duty(NamedTuple):
    """What of a catalog's alerts is one daemon's affair, where several share it.

    `leads`: also what is about no volume in particular. `alone`: nobody else is at work. `left`: volumes that nobody
    watches any more, of which nothing is told.
    """

    leads: bool
    alone: bool
    volume_ids: frozenset[int]
    left: frozenset[int]


def duty(connection: Connection, keeper_id: int | None, now_us: int) -> Duty:
    """What is this keeper's affair: the volumes in its care; of the one that began first, also those of one that died.

    Without a keeper: everything.
    """
    alive = {
        one.id
        for one in volumes.running_keepers(connection, "run")
        if one.id == keeper_id or now_us - one.beat_us < _SILENT_US
    }
    leads = keeper_id is None or keeper_id == min(alive, default=keeper_id)
    rows = volumes.all_volumes(connection)
    left = frozenset(row.id for row in rows if keeper_id is not None and row.keeper_id is None)
    mine = frozenset(
        row.id
        for row in rows
        if row.id not in left
        and (keeper_id is None or row.keeper_id == keeper_id or (leads and row.keeper_id not in alive))
    )
    return Duty(leads, len(alive) <= 1, mine, left)


# -- alerts -----------------------------------------------------------------------------------------------------


def recent(connection: Connection, since_us: int, *, to_tell: bool = False) -> list[AlertRow]:
    """The alerts that hold, those of whose end people did not hear yet, and all that began since; oldest first.

    `to_tell`: no other program may tell of them until the caller's transaction has ended.
    """
    owed = and_(t.alert.c.said_us.is_not(None), t.alert.c.ok_said_us.is_(None), t.alert.c.closed_us.is_not(None))
    query = (
        select(*t.alert.c)
        .where(or_(t.alert.c.closed_us.is_(None), owed, t.alert.c.opened_us >= since_us))
        .order_by(t.alert.c.opened_us, t.alert.c.id)
    )
    return [AlertRow(*row) for row in connection.execute(query.with_for_update() if to_tell else query)]


def note_said(connection: Connection, alert_ids: Sequence[int], now_us: int) -> None:
    """Note that word of alerts is being given, as bad as they are now."""
    for some in slices(list(alert_ids)):
        connection.execute(
            update(t.alert)
            .where(t.alert.c.id.in_(bindparam("ids", expanding=True)))
            .values(said_us=now_us, said_level=t.alert.c.level),
            {"ids": some},
        )


def note_ended(connection: Connection, alert_ids: Sequence[int], now_us: int) -> None:
    """Note that word is being given that alerts are over."""
    for some in slices(list(alert_ids)):
        connection.execute(
            update(t.alert).where(t.alert.c.id.in_(bindparam("ids", expanding=True))).values(ok_said_us=now_us),
            {"ids": some},
        )


def carry_on(connection: Connection, before: AlertRow, after: AlertRow, now_us: int) -> None:
    """Take an alert that came back at once for the one before: what was said of that was said of this."""
    connection.execute(
        update(t.alert).where(t.alert.c.id == after.id).values(said_us=before.said_us, said_level=before.said_level)
    )
    note_ended(connection, [before.id], now_us)
