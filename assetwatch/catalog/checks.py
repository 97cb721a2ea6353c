"""Which files are to be proved again, in which order, and what is kept of it? The sweep's queries and writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select, text, true, update

from assetwatch.catalog import files, patterns
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FileRow
from assetwatch.model import Integrity, Presence

#: How the problem of a file begins whose bytes are others under an unchanged stat; undone when they are found right.
CHANGED_SILENTLY: Final = "its bytes changed under an unchanged size and date"

#: Candidates asked of the catalog at once.
_PAGE: Final = 2_000

#: Sweeps looked back upon.
_NIGHTS: Final = 1_000

_WORDS: Final = {"failed": t.FAILED, "never": t.NEVER_CHECKED, "checked": t.CHECKED}
_KEYS: Final[dict[str, Any]] = {"never": t.file.c.recorded_us, "checked": t.file.c.checked_us}


class Candidate(NamedTuple):
    """A file that may be checked, in the order of the sweep: `key_us` is when its bytes were last read whole."""

    key_us: int
    id: int
    row: FileRow
    folder: str


def _fits(connection: Connection, pattern: str | None) -> Any:
    """The files that a person's pattern means."""
    if not pattern:
        return true()
    return or_(*(and_(lane.folder, lane.file) for lane in patterns.lanes(pattern, connection.dialect.name)))


_JOINED = t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id)


def is_known(connection: Connection, pattern: str, names: Sequence[str]) -> bool:
    """Whether a pattern fits any file of these volumes, or of any where none are named."""
    query = select(t.file.c.id).select_from(_JOINED).where(_fits(connection, pattern)).limit(1)
    if names:
        named = select(t.volume.c.id).where(t.volume.c.name.in_(list(names)))
        query = query.where(t.file.c.volume_id.in_(named))
    return connection.execute(query).first() is not None


def candidates(
    database: Database, which: str, volume_id: int, before_us: int | None, pattern: str | None
) -> Iterator[Candidate]:
    """Files of one volume: those that `failed`, were `never` checked since they were recorded, or `checked` already.

    The longest ago first (`failed`: by id), up to `before_us`. A page at a time, each from a view of its own: what
    was checked meanwhile is not met again, because it has left the range.
    """
    key: Any = _KEYS.get(which)
    order = (t.file.c.id,) if key is None else (key, t.file.c.id)
    last: Candidate | None = None
    while True:
        with database.read() as connection:
            query: Select[Any] = (
                select(*t.file.c, t.folder.c.path)
                .select_from(_JOINED)
                .where(t.file.c.volume_id == volume_id, text(_WORDS[which]), _fits(connection, pattern))
                .order_by(*order)
                .limit(_PAGE)
            )
            if key is not None and before_us is not None:
                query = query.where(key < before_us)
            if last is not None and key is None:
                query = query.where(t.file.c.id > last.id)
            elif last is not None:
                query = query.where(key >= last.key_us, or_(key > last.key_us, t.file.c.id > last.id))
            rows = [(FileRow(*row[:-1]), row[-1]) for row in connection.execute(query)]
        found = [Candidate(0 if key is None else _last_read_us(row), row.id, row, folder) for row, folder in rows]
        yield from found
        if len(found) < _PAGE:
            return
        last = found[-1]


def _last_read_us(row: FileRow) -> int:
    return row.checked_us if row.checked_us is not None else row.recorded_us or 0


def claim(connection: Connection, rows: Sequence[FileRow], now_us: int) -> dict[int, FileRow]:
    """Note that these files are about to be checked: those to which nothing else is owed by now, by id, as they stand.

    A crash finds them by `checking`, and `give_back` lets go of them.
    """
    taken: list[int] = []
    for some in files.slices([row.id for row in rows if row.due_for is None]):
        taken += _take(connection, some, t.file.c.due_for.is_(None), now_us)
    for some in files.slices([row.id for row in rows if row.due_for == "read"]):
        retried = and_(t.file.c.due_for == "read", t.file.c.integrity == Integrity.UNREADABLE.value)
        taken += _take(connection, some, retried, now_us)
    return files.by_id(connection, taken)


def _take(connection: Connection, ids: Sequence[int], condition: Any, now_us: int) -> list[int]:
    statement = (
        update(t.file)
        .where(
            t.file.c.id.in_(bindparam("ids", expanding=True)),
            condition,
            t.file.c.presence == Presence.PRESENT.value,
            t.file.c.version_id.is_not(None),
            t.file.c.integrity != Integrity.PENDING.value,
        )
        .values(due_for="checking", due_us=now_us)
        .returning(t.file.c.id)
    )
    return list(connection.execute(statement, {"ids": list(ids)}).scalars())


def give_back(connection: Connection, volume_ids: Sequence[int], now_us: int) -> int:
    """Let go of what a sweep that ended without a word had claimed; how many files that was.

    A sweep that still runs loses nothing by it: what it finds is entered as long as nothing else happened to the file.
    """
    rows = files.due(connection, volume_ids, 2**62, ("checking",), 1_000_000)
    let_go(connection, rows, now_us)
    return len(rows)


def let_go(connection: Connection, rows: Sequence[FileRow], now_us: int) -> None:
    """Owe claimed files again what is owed to them without the sweep."""
    wanted = asked_for(connection, [row.id for row in rows])
    files.change(connection, [(row, at_rest(row, wanted, now_us)) for row in rows if row.due_for == "checking"])


def at_rest(row: FileRow, wanted: set[int], now_us: int) -> FileRow:
    """The row with what is owed to it once it was checked: a reading where a list asks for one or it was unreadable."""
    if row.id in wanted or row.integrity == Integrity.UNREADABLE.value:
        return replace(row, due_for="read", due_us=now_us)
    return replace(row, due_for=None, due_us=None)


def asked_for(connection: Connection, file_ids: Sequence[int]) -> set[int]:
    """Of these files those of which senders' lists need a further reading."""
    found: set[int] = set()
    for some in files.slices(list(file_ids)):
        query = select(t.claim.c.file_id).where(
            t.claim.c.file_id.in_(bindparam("ids", expanding=True)),
            t.claim.c.wanted != "",
            t.claim.c.verdict.in_(("waiting", "doubted")),
        )
        found.update(connection.execute(query, {"ids": some}).scalars())
    return found


def found_equal(connection: Connection, file_ids: Sequence[int], now_us: int) -> None:
    """Note that these files were read again and are as recorded.

    Not by `files.change`: what lists say of a file is not judged anew because its bytes are the same.
    """
    for some in files.slices(list(file_ids)):
        connection.execute(
            update(t.file)
            .where(t.file.c.id.in_(bindparam("ids", expanding=True)))
            .values(checked_us=now_us, due_for=None, due_us=None),
            {"ids": some},
        )


# -- how far the catalog is proved ------------------------------------------------------------------------------


class Extent(NamedTuple):
    """How many files there are on the volumes asked about, and their bytes.

    `files`, `size`: present and read once, so that there is something to compare with. `open`: on their way or never
    read yet. `recent`, `recent_size`: checked since the date asked about.
    """

    files: int
    size: int
    open: int
    recent: int = 0
    recent_size: int = 0


_NAMED = (Integrity.RECORDED, Integrity.VERIFIED, Integrity.MISMATCH, Integrity.UNREADABLE)


def extent(connection: Connection, volume_ids: Sequence[int], pattern: str | None, since_us: int | None) -> Extent:
    """What there is to prove. Quick from the kept totals; with `pattern` or `since_us` it counts rows."""
    if pattern:
        query = (
            select(t.file.c.presence, t.file.c.integrity, func.count(), func.coalesce(func.sum(t.file.c.size), 0))
            .select_from(_JOINED)
            .where(t.file.c.volume_id.in_(list(volume_ids)), t.file.c.kind == "file", _fits(connection, pattern))
            .group_by(t.file.c.presence, t.file.c.integrity)
        )
    else:
        query = select(t.tally.c.presence, t.tally.c.integrity, t.tally.c.files, t.tally.c.size).where(
            t.tally.c.volume_id.in_(list(volume_ids))
        )
    count = total = unread = 0
    for presence, integrity, many, some in connection.execute(query):
        if presence == Presence.PRESENT.value and integrity in _NAMED:
            count, total = count + int(many), total + int(some)
        elif presence != Presence.MISSING.value:
            unread += int(many)
    recent = (0, 0)
    if since_us is not None:
        query = (
            select(func.count(), func.coalesce(func.sum(t.file.c.size), 0))
            .select_from(_JOINED)
            .where(
                t.file.c.volume_id.in_(list(volume_ids)),
                text(t.CHECKED),
                t.file.c.checked_us >= since_us,
                _fits(connection, pattern),
            )
        )
        recent = tuple(connection.execute(query).one())
    return Extent(count, total, unread, int(recent[0]), int(recent[1]))


def oldest_check_us(connection: Connection, volume_ids: Sequence[int], pattern: str | None) -> int | None:
    """When the bytes were last read of the file of which that is longest ago."""
    dates: list[int] = []
    for volume_id in volume_ids:
        for which, key in _KEYS.items():
            query = (
                select(key)
                .select_from(_JOINED)
                .where(t.file.c.volume_id == volume_id, text(_WORDS[which]), _fits(connection, pattern))
                .order_by(key)
                .limit(1)
            )
            dates += [int(us) for us in connection.execute(query).scalars()]
        failed = (
            select(func.min(func.coalesce(t.file.c.checked_us, t.file.c.recorded_us)))
            .select_from(_JOINED)
            .where(t.file.c.volume_id == volume_id, text(t.FAILED), _fits(connection, pattern))
        )
        dates += [int(us) for us in connection.execute(failed).scalars() if us is not None]
    return min(dates, default=None)


class Night(NamedTuple):
    """An earlier sweep over the same files."""

    started_us: int
    complete: bool
    size: int


def nights(connection: Connection, scope: object) -> Iterable[Night]:
    """The sweeps over the same files that ended, newest first."""
    query = (
        select(t.run.c.started_us, t.run.c.complete, t.run.c.counts)
        .where(t.run.c.kind == "verify", t.run.c.finished_us.is_not(None))
        .order_by(t.run.c.started_us.desc())
        .limit(_NIGHTS)
    )
    for started_us, complete, counts in connection.execute(query):
        said = json.loads(counts)
        if said.get("scope") == scope:
            yield Night(started_us, bool(complete), int(said.get("bytes", 0)))
