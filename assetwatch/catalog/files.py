"""How are files written into the catalog? Every change of a file's row goes through `change`, which keeps the totals,
the folders' fingerprints and the sequences in step with it.

All functions work inside the caller's transaction; thousands of rows a call are meant.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, or_, select, true, update
from sqlalchemy.dialects import sqlite

from assetwatch.catalog import tables as t
from assetwatch.catalog.rows import FILES, FileRow, file_rows
from assetwatch.model import FileKind, Integrity
from assetwatch.paths import split

#: How many values one IN list carries; far below SQLite's 32,766 and large enough to make round trips rare.
_IN_LIST = 5_000

_FIELDS = FileRow.__struct_fields__

#: A change of one of these means that the folder's listing is no longer what its fingerprint was taken of.
_LISTED = frozenset({"folder_id", "name", "kind", "size", "mtime_ns", "ctime_ns", "inode", "absent_us", "presence"})

#: A change of one of these may change what a sequence looks like.
_DRAWN = frozenset({"folder_id", "name", "kind", "size", "presence", "integrity", "absent_us", "series_id"})

#: A change of one of these changes the totals.
_COUNTED = frozenset({"volume_id", "kind", "size", "presence", "integrity"})

#: A change of one of these is news, also of a file of which a person knew that something is wrong with it.
_KNOWN_BY = ("presence", "integrity", "version_id", "problem")

#: A change of one of these may change how a file compares with what its sender says.
_JUDGED = frozenset({"folder_id", "name", "size", "presence", "version_id", "checked_us", "volume_id"})


#: A change of one of these may change where a deliverable stands.
_DELIVERED = _JUDGED | {"integrity", "verified_us", "problem"}


class Ids:
    """Row ids handed out in blocks, so that rows which point at each other can be written together.

    A block that a crash leaves half used is a gap, and harmless.
    """

    _BLOCK = 10_000

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._end: dict[str, int] = {}

    def take(self, connection: Connection, table: str) -> int:
        """One new id for a row of `table`."""
        following = self._next.get(table, 0)
        if following >= self._end.get(table, 0):
            following = _reserve(connection, table, self._BLOCK)
            self._end[table] = following + self._BLOCK
        self._next[table] = following + 1
        return following

    def forget(self) -> None:
        """After a rolled back transaction: blocks reserved in it were not."""
        self._next.clear()
        self._end.clear()


def _reserve(connection: Connection, table: str, count: int) -> int:
    if connection.dialect.name != "sqlite":
        # In a short transaction of its own: within the caller's, other daemons would wait for the whole of it, or two
        # that count in different orders for each other.
        with connection.engine.begin() as own:
            return _advance(own, table, count)
    return _advance(connection, table, count)


def _advance(connection: Connection, table: str, count: int) -> int:
    upsert = (
        insert_or_update(connection, t.counter)
        .values(name=table, next_id=1 + count)
        .on_conflict_do_update(index_elements=["name"], set_={"next_id": t.counter.c.next_id + count})
        .returning(t.counter.c.next_id)
    )
    return int(connection.execute(upsert).scalar_one()) - count


def insert_or_update(connection: Connection, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the words of the database at hand."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # slow to import, and seldom needed

    return postgresql.insert(table)


def bulk(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Enter rows given as tuples in the order of the table's columns.

    By the driver's own executemany: SQLAlchemy's turns each row into a dictionary and back, which for the three
    tables that a scan fills took as long as the database itself.
    """
    if not rows:
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    columns = ", ".join(f'"{column.name}"' for column in table.c)
    marks = ", ".join([mark] * len(table.c))
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks})', list(rows))


# -- folders ----------------------------------------------------------------------------------------------------


class FolderRow(NamedTuple):
    """What a scan needs of a folder: see `catalog.tables`."""

    id: int
    fingerprint: str | None
    ignored: str | None


def folders(connection: Connection, volume_id: int, paths: Iterable[str]) -> dict[str, FolderRow]:
    """Of these folder paths the known ones."""
    found: dict[str, FolderRow] = {}
    for some in slices(list(paths)):
        rows = connection.execute(_FOLDERS_BY_PATH, {"volume": volume_id, "paths": some})
        found.update({path: FolderRow(*rest) for path, *rest in rows})
    return found


_FOLDERS_BY_PATH = select(t.folder.c.path, t.folder.c.id, t.folder.c.fingerprint, t.folder.c.ignored).where(
    t.folder.c.volume_id == bindparam("volume"), t.folder.c.path.in_(bindparam("paths", expanding=True))
)


def add_folders(connection: Connection, ids: Ids, volume_id: int, paths: Iterable[str]) -> dict[str, int]:
    """Enter new folders; path -> id."""
    given = {path: ids.take(connection, "folder") for path in paths}
    if given:
        rows = [{"id": identity, "volume_id": volume_id, "path": path} for path, identity in given.items()]
        connection.execute(insert(t.folder), rows)
    return given


def set_listings(connection: Connection, listings: Mapping[int, tuple[str | None, str | None]]) -> None:
    """Note how folders were found: folder id -> (fingerprint, what was ignored).

    A fingerprint says that the listing is exactly as cataloged; None that something there is still open.
    """
    if listings:
        connection.execute(
            update(t.folder)
            .where(t.folder.c.id == bindparam("folder"))
            .values(fingerprint=bindparam("value"), ignored=bindparam("passed_over")),
            [
                {"folder": folder, "value": fingerprint, "passed_over": ignored}
                for folder, (fingerprint, ignored) in listings.items()
            ],
        )


def clear_fingerprints(connection: Connection, folder_ids: Iterable[int]) -> None:
    """These folders have to be compared file by file at the next look."""
    rows = [{"folder": folder} for folder in set(folder_ids)]
    if rows:
        connection.execute(
            update(t.folder)
            .where(t.folder.c.id == bindparam("folder"), t.folder.c.fingerprint.is_not(None))
            .values(fingerprint=None),
            rows,
        )


# -- files ------------------------------------------------------------------------------------------------------


def in_folders(connection: Connection, folder_ids: Sequence[int]) -> dict[int, dict[str, FileRow]]:
    """All files of these folders: folder id -> name -> row."""
    found: dict[int, dict[str, FileRow]] = {folder: {} for folder in folder_ids}
    for some in slices(list(folder_ids)):
        for row in file_rows(connection, _FILES_BY_FOLDER, {"folders": some}):
            found[row.folder_id][row.name] = row
    return found


_FILES_BY_FOLDER = FILES.where(t.file.c.folder_id.in_(bindparam("folders", expanding=True)))


def named(connection: Connection, folder_id: int, names: Sequence[str]) -> dict[str, FileRow]:
    """Of these names in one folder the known ones."""
    found: dict[str, FileRow] = {}
    for some in slices(list(names)):
        rows = file_rows(connection, _FILES_BY_NAME, {"folder": folder_id, "names": some})
        found.update({row.name: row for row in rows})
    return found


_FILES_BY_NAME = FILES.where(
    t.file.c.folder_id == bindparam("folder"), t.file.c.name.in_(bindparam("names", expanding=True))
)


def by_id(connection: Connection, file_ids: Sequence[int]) -> dict[int, FileRow]:
    """The files with these ids, as they stand now."""
    found: dict[int, FileRow] = {}
    for some in slices(list(file_ids)):
        found.update({row.id: row for row in file_rows(connection, _FILES_BY_ID, {"ids": some})})
    return found


_FILES_BY_ID = FILES.where(t.file.c.id.in_(bindparam("ids", expanding=True)))


def with_inodes(connection: Connection, volume_id: int, inodes: Sequence[int]) -> dict[int, list[FileRow]]:
    """Regular files of the volume by inode: evidence for moves and hard links."""
    found: dict[int, list[FileRow]] = defaultdict(list)
    for some in slices(list(inodes)):
        for row in file_rows(connection, _FILES_BY_INODE, {"volume": volume_id, "inodes": some}):
            found[row.inode].append(row)
    return found


_FILES_BY_INODE = FILES.where(
    t.file.c.volume_id == bindparam("volume"),
    t.file.c.inode.in_(bindparam("inodes", expanding=True)),
    t.file.c.kind == FileKind.REGULAR.value,
)


def paths_of_folders(connection: Connection, folder_ids: Iterable[int]) -> dict[int, str]:
    """Folder id -> path below the volume's root."""
    found: dict[int, str] = {}
    for some in slices(list(set(folder_ids))):
        rows = connection.execute(
            select(t.folder.c.id, t.folder.c.path).where(t.folder.c.id.in_(bindparam("ids", expanding=True))),
            {"ids": some},
        )
        found.update((identity, path) for identity, path in rows)
    return found


def due(
    connection: Connection, volume_ids: Sequence[int], now_us: int, what: Sequence[str], limit: int
) -> list[FileRow]:
    """Files that something is owed to by now, longest due first."""
    query = (
        FILES.where(
            t.file.c.volume_id.in_(list(volume_ids)), t.file.c.due_us <= now_us, t.file.c.due_for.in_(list(what))
        )
        .order_by(t.file.c.due_us, t.file.c.id)
        .limit(limit)
    )
    return file_rows(connection, query)


def next_due_us(
    connection: Connection, volume_ids: Sequence[int], what: Sequence[str], integrity: Integrity | None = None
) -> int | None:
    """When the next file is due for one of these; of the files in one state of integrity, where that is given."""
    query = (
        select(t.file.c.due_us)
        .where(t.file.c.volume_id.in_(list(volume_ids)), t.file.c.due_us.is_not(None), t.file.c.due_for.in_(list(what)))
        .order_by(t.file.c.due_us)
        .limit(1)
    )
    if integrity is not None:
        query = query.where(t.file.c.integrity == integrity.value)
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def add(connection: Connection, rows: Sequence[FileRow]) -> None:
    """Enter new files."""
    if not rows:
        return
    bulk(connection, t.file, [msgspec.structs.astuple(row) for row in rows])
    clear_fingerprints(connection, {row.folder_id for row in rows})  # a scan may have seen the folder without them
    _shift(connection, [(None, row) for row in rows])
    mark_series_stale(connection, {row.series_id for row in rows if row.series_id is not None})
    _doubt_packages(connection, {row.volume_id for row in rows}, {row.folder_id for row in rows})
    doubt_deliverables(connection, {row.folder_id for row in rows})


def change(connection: Connection, changes: Iterable[tuple[FileRow, FileRow]]) -> None:
    """Write (before, after) of files; only what differs is written, and all that follows from it."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    moved: list[tuple[FileRow | None, FileRow | None]] = []
    relisted: set[int] = set()
    redrawn: set[int] = set()
    volumes: set[int] = set()
    rejudged: set[int] = set()
    owed: set[int] = set()
    for before, after in changes:
        if before.known_us is not None and any(getattr(before, name) != getattr(after, name) for name in _KNOWN_BY):
            after = msgspec.structs.replace(after, known_us=None)
        differing = tuple(name for name in _FIELDS if getattr(before, name) != getattr(after, name))
        if not differing:
            continue
        values = {name: getattr(after, name) for name in differing}
        values["the_id"] = before.id
        groups[differing].append(values)
        if not _LISTED.isdisjoint(differing):
            relisted.update((before.folder_id, after.folder_id))
        if not _JUDGED.isdisjoint(differing) or "unreadable" in (before.integrity, after.integrity):
            volumes.update((before.volume_id, after.volume_id))
            rejudged.update((before.folder_id, after.folder_id))
        if not _DELIVERED.isdisjoint(differing) or before.due_for == "probing":
            owed.update((before.folder_id, after.folder_id))
        if not _DRAWN.isdisjoint(differing):
            redrawn.update(series for series in (before.series_id, after.series_id) if series is not None)
        if not _COUNTED.isdisjoint(differing):
            moved.append((before, after))
    for differing, rows in groups.items():
        statement = (
            update(t.file)
            .where(t.file.c.id == bindparam("the_id"))
            .values({name: bindparam(name) for name in differing})
        )
        connection.execute(statement, rows)
    _shift(connection, moved)
    clear_fingerprints(connection, relisted)
    mark_series_stale(connection, redrawn)
    _doubt_packages(connection, volumes, rejudged)
    doubt_deliverables(connection, owed)


def read_at_once(connection: Connection, volume_id: int, folder: str, now_us: int) -> None:
    """Have new files in a folder and below it that are to be read later read now."""
    path = t.folder.c.path
    # A range, which the index of paths answers: "0" follows "/".
    within = and_(path >= folder, path < f"{folder}0", or_(path == folder, path >= f"{folder}/")) if folder else true()
    folders = select(t.folder.c.id).where(t.folder.c.volume_id == volume_id, within)
    connection.execute(
        update(t.file)
        .where(
            t.file.c.folder_id.in_(folders),
            t.file.c.due_us + 0 > now_us,  # not by the index of what is due: other folders may wait for theirs
            t.file.c.due_for == "read",
            t.file.c.integrity == Integrity.PENDING.value,
        )
        .values(due_us=now_us)
    )


def remove(connection: Connection, rows: Sequence[FileRow]) -> None:
    """Take back files that never had a content: what came and went before it had settled is no file."""
    if not rows:
        return
    connection.execute(delete(t.file).where(t.file.c.id == bindparam("the_id")), [{"the_id": row.id} for row in rows])
    _shift(connection, [(row, None) for row in rows])
    clear_fingerprints(connection, {row.folder_id for row in rows})
    mark_series_stale(connection, {row.series_id for row in rows if row.series_id is not None})
    _doubt_packages(connection, {row.volume_id for row in rows}, {row.folder_id for row in rows})
    doubt_deliverables(connection, {row.folder_id for row in rows})


def observe(connection: Connection, observations: Sequence[dict[str, Any]]) -> None:
    """Append what was noticed: `at_us`, `what`, and of `volume_id`, `file_id`, `version_id`, `detail` what applies."""
    if observations:
        connection.execute(
            insert(t.observation),
            [
                {
                    "at_us": one["at_us"],
                    "what": one["what"],
                    "volume_id": one.get("volume_id"),
                    "file_id": one.get("file_id"),
                    "version_id": one.get("version_id"),
                    "detail": json.dumps(one.get("detail", {}), ensure_ascii=False),
                }
                for one in observations
            ],
        )


# -- totals and series ------------------------------------------------------------------------------------------


def _shift(connection: Connection, moved: Sequence[tuple[FileRow | None, FileRow | None]]) -> None:
    """Carry (before, after) into the totals; links and special files are not counted."""
    deltas: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for before, after in moved:
        for row, sign in ((before, -1), (after, 1)):
            if row is not None and row.counted:
                delta = deltas[(row.volume_id, row.presence, row.integrity)]
                delta[0] += sign
                delta[1] += sign * row.size
    rows = [
        {"volume_id": volume, "presence": presence, "integrity": integrity, "files": files, "size": size}
        for (volume, presence, integrity), (files, size) in sorted(deltas.items())
        if files or size
    ]
    if rows:
        statement = insert_or_update(connection, t.tally)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["volume_id", "presence", "integrity"],
                set_={
                    "files": t.tally.c.files + statement.excluded.files,
                    "size": t.tally.c.size + statement.excluded.size,
                },
            ),
            rows,
        )


def _doubt_packages(connection: Connection, volume_ids: set[int], folder_ids: set[int]) -> None:
    """What senders' lists say of files in these folders has to be compared anew."""
    if not folder_ids:
        return
    some = connection.execute(select(t.package.c.id).where(t.package.c.volume_id.in_(volume_ids)).limit(1)).first()
    if some is None:
        return
    above = {""}
    for path in paths_of_folders(connection, folder_ids).values():
        while path and path not in above:
            above.add(path)
            path = split(path)[0]
    for piece in slices(sorted(above)):
        connection.execute(
            update(t.package)
            .where(
                t.package.c.volume_id.in_(volume_ids),
                t.package.c.stale != 1,
                t.package.c.path.in_(bindparam("paths", expanding=True)),
            )
            .values(stale=1),
            {"paths": piece},
        )


def doubt_deliverables(connection: Connection, folder_ids: Iterable[int]) -> None:
    """What is scheduled to arrive in these folders has to be compared with the catalog anew."""
    wanted = set(folder_ids)
    if not wanted or connection.execute(select(t.delivery_root.c.root).limit(1)).first() is None:
        return
    above = {""}
    for path in paths_of_folders(connection, wanted).values():
        while path and path not in above:
            above.add(path)
            path = split(path)[0]
    for piece in slices(sorted(above)):
        meant = select(t.delivery_root.c.deliverable_id).where(
            t.delivery_root.c.root.in_(bindparam("roots", expanding=True))
        )
        connection.execute(
            update(t.deliverable).where(t.deliverable.c.id.in_(meant), t.deliverable.c.stale != 1).values(stale=1),
            {"roots": piece},
        )


def mark_series_stale(connection: Connection, series_ids: Iterable[int]) -> None:
    """The sequences of these series have to be drawn up anew."""
    rows = [{"the_id": series} for series in sorted(set(series_ids))]
    if rows:
        connection.execute(
            update(t.series).where(t.series.c.id == bindparam("the_id"), t.series.c.stale == 0).values(stale=1), rows
        )


def series_ids(
    connection: Connection, ids: Ids, volume_id: int, keys: Iterable[tuple[int, str, str]]
) -> dict[tuple[int, str, str], int]:
    """The ids of series by (folder id, prefix, suffix); new ones are entered."""
    wanted = set(keys)
    found: dict[tuple[int, str, str], int] = {}
    for some in slices(list({folder for folder, _, _ in wanted})):
        rows = connection.execute(
            select(t.series.c.id, t.series.c.folder_id, t.series.c.prefix, t.series.c.suffix).where(
                t.series.c.folder_id.in_(bindparam("folders", expanding=True))
            ),
            {"folders": some},
        )
        found.update({(folder, prefix, suffix): identity for identity, folder, prefix, suffix in rows})
    new = [
        {
            "id": ids.take(connection, "series"),
            "volume_id": volume_id,
            "folder_id": folder,
            "prefix": prefix,
            "suffix": suffix,
        }
        for folder, prefix, suffix in sorted(wanted - found.keys())
    ]
    if new:
        connection.execute(insert(t.series), new)
        found.update({(row["folder_id"], row["prefix"], row["suffix"]): row["id"] for row in new})  # type: ignore[misc]
    return found


def slices(values: list[Any]) -> Iterable[list[Any]]:
    """The values in pieces of a size that one IN list carries."""
    for start in range(0, len(values), _IN_LIST):
        yield values[start : start + _IN_LIST]
