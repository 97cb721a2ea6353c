"""What does a report ask of the catalog, and what is kept of how full the volumes are?

Every question is answered in seconds over millions of files: from the totals that every write keeps, from a range of
an index, or from one pass over the rows. Ranges of instants are (after, up to and with].
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
)

from assetwatch.catalog import tables as t
from assetwatch.catalog.files import slices
from assetwatch.model import CAME_AS, FileKind, Integrity, Presence
from assetwatch.paths import join

_DAY_US: Final = 86_400_000_000

_REGULAR: Final = t.file.c.kind == FileKind.REGULAR.value


def _within(column: ColumnElement[Any], since_us: int, until_us: int) -> ColumnElement[bool]:
    return and_(column > since_us, column <= until_us)


# -- what arrived -----------------------------------------------------------------------------------------------


class Arrived(NamedTuple):
    """Files of one folder that were first seen in the range and are in one state now."""

    volume_id: int
    folder_id: int
    path: str
    presence: str
    integrity: str
    files: int
    size: int
    first_us: int
    last_us: int


def arrived(connection: Connection, since_us: int, until_us: int) -> list[Arrived]:
    """What was first seen in the range, by folder and state, in the order of volumes and folders."""
    grouped = (
        select(
            t.file.c.folder_id,
            t.file.c.presence,
            t.file.c.integrity,
            func.count().label("files"),
            func.sum(t.file.c.size).label("size"),
            func.min(t.file.c.first_seen_us).label("first_us"),
            func.max(t.file.c.first_seen_us).label("last_us"),
        )
        .where(_within(t.file.c.first_seen_us, since_us, until_us), _REGULAR)
        .group_by(t.file.c.folder_id, t.file.c.presence, t.file.c.integrity)
        .subquery()
    )
    rows = connection.execute(
        select(t.folder.c.volume_id, grouped.c.folder_id, t.folder.c.path, *list(grouped.c)[1:])
        .select_from(grouped.join(t.folder, t.folder.c.id == grouped.c.folder_id))
        .order_by(t.folder.c.volume_id, t.folder.c.path, grouped.c.presence, grouped.c.integrity)
    )
    return [Arrived(*row) for row in ((*row[:5], int(row[5]), int(row[6]), *row[7:]) for row in rows)]


def arrived_between(connection: Connection, bounds_us: Sequence[int]) -> list[tuple[int, int]]:
    """(files, bytes) first seen from each bound up to, and without, the next."""
    found = []
    for begin_us, end_us in pairwise(bounds_us):
        query = select(func.count(), func.coalesce(func.sum(t.file.c.size), 0)).where(
            t.file.c.first_seen_us >= begin_us, t.file.c.first_seen_us < end_us, _REGULAR
        )
        files, size = connection.execute(query).one()
        found.append((int(files), int(size)))
    return found


def with_pictures(connection: Connection, folder_ids: Sequence[int], since_us: int, most: int) -> list[tuple[str, str]]:
    """(folder, name) of files that came into these folders after `since_us` and show a picture, `most` of them."""
    found: list[tuple[str, str]] = []
    for folder_id in folder_ids:
        if len(found) >= most:
            break
        first_frames = (
            select(t.sequence.c.first_file_id.label("id")).where(t.sequence.c.folder_id == folder_id).limit(most)
        )
        alone = (
            select(t.file.c.id)
            .where(t.file.c.sequence_id.is_(None), t.file.c.folder_id == folder_id, t.file.c.first_seen_us > since_us)
            .limit(_LOOKED_AT)
        )
        for some in (first_frames.subquery(), alone.subquery()):
            query = (
                select(t.folder.c.path, t.file.c.name, t.media.c.facts)
                .select_from(
                    t.file.join(some, some.c.id == t.file.c.id)
                    .join(t.folder, t.folder.c.id == t.file.c.folder_id)
                    .join(t.media, t.media.c.version_id == t.file.c.version_id)
                )
                .where(
                    t.media.c.status == "ok",
                    t.file.c.presence == Presence.PRESENT.value,
                    t.file.c.first_seen_us > since_us,
                    _REGULAR,
                )
                .order_by(t.file.c.name)
            )
            for folder, name, facts in connection.execute(query):
                if facts is not None and json.loads(facts).get("video"):
                    found.append((folder, name))
                if len(found) >= most:
                    return found
    return found


def roots(connection: Connection) -> list[tuple[str, int]]:
    """(folder, deliverable id) of the folders in which deliverables look for files."""
    rows = connection.execute(select(t.delivery_root.c.root, t.delivery_root.c.deliverable_id))
    return [(root, identity) for root, identity in rows]


def linked_below(connection: Connection, deliverable_ids: Sequence[int], volume_id: int, path: str) -> set[int]:
    """Those of the deliverables to which something at or below a path is linked now."""
    found: set[int] = set()
    for some in slices(list(deliverable_ids)):
        query = (
            select(t.link.c.deliverable_id)
            .where(
                t.link.c.deliverable_id.in_(bindparam("ids", expanding=True)),
                t.link.c.ended_us.is_(None),
                t.link.c.how != "never",
                t.link.c.volume_id == volume_id,
                or_(t.link.c.path == path, t.link.c.path.startswith(f"{path}/", autoescape=True)),
            )
            .distinct()
        )
        found.update(connection.execute(query, {"ids": some}).scalars())
    return found


#: Of how many files of a folder it is asked whether they show a picture.
_LOOKED_AT: Final = 100


# -- what happened to what was known ----------------------------------------------------------------------------

#: What may be told by name, the worst first: the words of `observation.what`.
WORST: Final = (
    "mismatch",
    "unreadable",
    "readings_differ",
    "set_aside",
    "missing",
    "changed",
    "replaced",
    "misread",
    "moved",
    "back",
    "healed",
    "readable_again",
)


class Noticed(NamedTuple):
    """One observation of a file: its volume and path as they are now."""

    at_us: int
    what: str
    volume_id: int
    path: str
    problem: str | None
    detail: dict[str, Any]


def noticed_counts(connection: Connection, since_us: int, until_us: int) -> dict[str, int]:
    """How often each word was noticed in the range."""
    query = (
        select(t.observation.c.what, func.count())
        .where(_within(t.observation.c.at_us, since_us, until_us))
        .group_by(t.observation.c.what)
    )
    return {what: int(count) for what, count in connection.execute(query)}


def noticed_worst(connection: Connection, since_us: int, until_us: int, most: int) -> list[Noticed]:
    """The worst of what was noticed of files in the range, by `WORST`, and of each word the latest."""
    rank = case({word: number for number, word in enumerate(WORST)}, value=t.observation.c.what)
    some = (
        select(
            t.observation.c.id,
            t.observation.c.at_us,
            t.observation.c.what,
            t.observation.c.file_id,
            t.observation.c.detail,
            rank.label("rank"),
        )
        .where(
            _within(t.observation.c.at_us, since_us, until_us),
            t.observation.c.what.in_(WORST),
            t.observation.c.file_id.is_not(None),
        )
        .order_by(rank, t.observation.c.id.desc())
        .limit(most)
        .subquery()
    )
    rows = connection.execute(
        select(
            some.c.at_us,
            some.c.what,
            t.file.c.volume_id,
            t.folder.c.path,
            t.file.c.name,
            t.file.c.problem,
            some.c.detail,
        )
        .select_from(
            some.join(t.file, t.file.c.id == some.c.file_id).join(t.folder, t.folder.c.id == t.file.c.folder_id)
        )
        .order_by(some.c.rank, some.c.id.desc())
    )
    return [
        Noticed(at_us, what, volume_id, join(folder, name), problem, json.loads(detail))
        for at_us, what, volume_id, folder, name, problem, detail in rows
    ]


def superseded(connection: Connection, since_us: int, until_us: int) -> int:
    """How many linked things were found in the range to be older than the version that counts."""
    query = select(func.count()).where(
        _within(t.link.c.at_us, since_us, until_us), t.link.c.role == "superseded", t.link.c.ended_us.is_(None)
    )
    return int(connection.execute(query).scalar_one())


def acknowledged(connection: Connection) -> dict[str, int]:
    """How many files are wrong and known to be so: by `mismatch`, `missing`, `unreadable`."""
    query = (
        select(t.file.c.presence, t.file.c.integrity, func.count())
        .where(t.file.c.known_us.is_not(None), _REGULAR)
        .group_by(t.file.c.presence, t.file.c.integrity)
    )
    found: dict[str, int] = {}
    for presence, integrity, count in connection.execute(query):
        word = Presence.MISSING.value if presence == Presence.MISSING.value else integrity
        if word in (Presence.MISSING.value, Integrity.MISMATCH.value, Integrity.UNREADABLE.value):
            found[word] = found.get(word, 0) + int(count)
    return found


def transformed(connection: Connection) -> int:
    """How many missing files are no loss: a declared transform explains under which name they came."""
    query = select(func.count()).where(
        t.file.c.presence == Presence.MISSING.value,
        literal_column("file.presence <> 'present'"),  # said for SQLite, that it may use the index
        t.file.c.problem.startswith(CAME_AS),
        _REGULAR,
    )
    return int(connection.execute(query).scalar_one())


# -- how far the files are proved -------------------------------------------------------------------------------


def by_check(connection: Connection, edges_us: Sequence[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """(files, bytes) of what is not missing, by when it was last checked: the first edge that it is not older than.

    `edges_us` are (word, instant), the latest first; what is older than all of them is `older`. Apart from these:
    `never` (not read to its end yet), `failed` (it does not match or cannot be read) and `arrival` (not read again
    since it was recorded). Counts every row.
    """
    band = case(
        (t.file.c.integrity.in_((Integrity.MISMATCH.value, Integrity.UNREADABLE.value)), "failed"),
        (or_(t.file.c.version_id.is_(None), t.file.c.integrity == Integrity.PENDING.value), "never"),
        (t.file.c.checked_us.is_(None), "arrival"),
        *((t.file.c.checked_us >= edge_us, word) for word, edge_us in edges_us),
        else_="older",
    ).label("band")
    query = (
        select(band, func.count(), func.sum(t.file.c.size))
        .where(t.file.c.presence != Presence.MISSING.value, _REGULAR)
        .group_by(literal_column("band") if connection.dialect.name == "sqlite" else band)
    )
    return {word: (int(files), int(size)) for word, files, size in connection.execute(query)}


# -- the program itself -----------------------------------------------------------------------------------------


def daemon_starts(connection: Connection, since_us: int, until_us: int) -> tuple[int, int]:
    """How often a daemon was started in the range, and how many of the keepers before the newest never said an end.

    The second counts those that were last heard in the range.
    """
    running = t.keeper.c.kind == "run"
    starts = select(func.count()).where(running, _within(t.keeper.c.started_us, since_us, until_us))
    newest = select(func.max(t.keeper.c.id)).where(running).scalar_subquery()
    crashes = select(func.count()).where(
        running,
        t.keeper.c.stopped_us.is_(None),
        t.keeper.c.id < newest,
        _within(t.keeper.c.beat_us, since_us, until_us),
    )
    return int(connection.execute(starts).scalar_one()), int(connection.execute(crashes).scalar_one())


def probe_failures(connection: Connection, since_us: int, until_us: int) -> list[tuple[str, int]]:
    """Of how many files the media facts could not be read in the range, by status, the most first."""
    query = (
        select(t.media.c.status, func.count())
        .where(text(t.NOT_PROBED), _within(t.media.c.probed_us, since_us, until_us))
        .group_by(t.media.c.status)
    )
    return sorted(((status, int(count)) for status, count in connection.execute(query)), key=lambda one: -one[1])


class EarlierReport(NamedTuple):
    """A report that was made: when it began, and what was noted of it."""

    run: int
    started_us: int
    finished_us: int
    counts: dict[str, Any]


def report_before(connection: Connection, since_us: int | None, before_us: int) -> EarlierReport | None:
    """The report that ended nearest to `since_us`, or the last one, of those that came to their end."""
    order = t.run.c.started_us.desc() if since_us is None else func.abs(t.run.c.finished_us - since_us)
    query = (
        select(t.run.c.id, t.run.c.started_us, t.run.c.finished_us, t.run.c.counts)
        .where(t.run.c.kind == "report", t.run.c.complete == 1, t.run.c.finished_us <= before_us)
        .order_by(order)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else EarlierReport(*row[:3], json.loads(row[3]))


#: Reports looked back upon.
_REPORTS: Final = 2_000


def reports(connection: Connection) -> list[dict[str, Any]]:
    """What was noted of the reports that were made, without how the deliverables stood; the newest first."""
    query = (
        select(t.run.c.counts)
        .where(t.run.c.kind == "report", t.run.c.complete == 1)
        .order_by(t.run.c.started_us.desc())
        .limit(_REPORTS)
    )
    found = [json.loads(counts) for counts in connection.execute(query).scalars()]
    return [{key: value for key, value in counts.items() if key != "standing"} for counts in found]


# -- how full the volumes are -----------------------------------------------------------------------------------


class Fill(NamedTuple):
    """How full a volume's file system was: `total` and `free` bytes of it, `size` bytes of the files in care."""

    at_us: int
    total: int
    free: int
    size: int


#: Two notes of one volume lie at least so far apart.
_APART_US: Final = 3_300_000_000

#: Notes older than this are thinned to one a day, and those older than the second to one a week.
_HOURLY_US: Final = 7 * _DAY_US
_DAILY_US: Final = 400 * _DAY_US


def note_capacity(connection: Connection, volume_id: int, now_us: int, total: int, free: int) -> bool:
    """Note how full a volume's file system is, unless that was done within the hour; whether it was noted now.

    Old notes are thinned, so that a year of them stays below a thousand rows.
    """
    last_us = connection.execute(
        select(func.max(t.capacity.c.at_us)).where(t.capacity.c.volume_id == volume_id)
    ).scalar_one()
    if last_us is not None and now_us - last_us < _APART_US:
        return False
    in_care = select(func.coalesce(func.sum(t.tally.c.size), 0)).where(
        t.tally.c.volume_id == volume_id, t.tally.c.presence != Presence.MISSING.value
    )
    size = int(connection.execute(in_care).scalar_one())
    connection.execute(insert(t.capacity).values(volume_id=volume_id, at_us=now_us, total=total, free=free, size=size))
    _thin(connection, volume_id, now_us - _HOURLY_US, _DAY_US)
    _thin(connection, volume_id, now_us - _DAILY_US, 7 * _DAY_US)
    return True


def _thin(connection: Connection, volume_id: int, before_us: int, step_us: int) -> None:
    """Of the notes before an instant keep the first of every step."""
    earlier = t.capacity.alias()
    same_step = select(earlier.c.at_us).where(
        earlier.c.volume_id == volume_id,
        earlier.c.at_us < t.capacity.c.at_us,
        earlier.c.at_us >= t.capacity.c.at_us - t.capacity.c.at_us % step_us,
    )
    connection.execute(
        delete(t.capacity).where(
            t.capacity.c.volume_id == volume_id, t.capacity.c.at_us < before_us, same_step.exists()
        )
    )


def capacity_history(connection: Connection, since_us: int) -> dict[int, list[Fill]]:
    """Volume id -> how full it was after `since_us`, oldest first."""
    found: dict[int, list[Fill]] = {}
    query = (
        select(*t.capacity.c).where(t.capacity.c.at_us > since_us).order_by(t.capacity.c.volume_id, t.capacity.c.at_us)
    )
    for volume_id, *rest in connection.execute(query):
        found.setdefault(volume_id, []).append(Fill(*rest))
    return found
