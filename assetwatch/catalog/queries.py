"""What do people ask of the catalog? The questions of `status`, `files`, `assets` and `show`; nothing here writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from assetwatch.catalog import files
from assetwatch.catalog import tables as t
from assetwatch.catalog.rows import FileRow
from assetwatch.model import CAME_AS, FileKind, Presence
from assetwatch.paths import from_percent, join

#: Rows fetched, with all that hangs on them, at once.
_CHUNK = 1_000

#: Of how many of the newest files `status` tells where they lie: enough for a day, quick on any catalog.
_NEWEST = 50_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files are asked for; None leaves an axis open. `since_us` is about the first look at a file."""

    pattern: str | None = None
    volume: str | None = None
    presence: str | None = None
    integrity: str | None = None
    since_us: int | None = None
    every_kind: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A file with what hangs on it: its volume and path, digests, media and sequence."""

    row: FileRow
    volume: str
    path: str
    presence: str
    digests: dict[str, str]
    media: dict[str, Any] | None
    sequence: str | None


_PATH = case((t.folder.c.path == "", t.file.c.name), else_=t.folder.c.path + "/" + t.file.c.name)
_JOINED = t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id).join(t.volume, t.volume.c.id == t.file.c.volume_id)


def list_files(connection: Connection, wanted: Filter, limit: int | None = None) -> Iterator[Listed]:
    """The files asked for, by volume and path, without loading them all."""
    online = t.volume.c.online == 1
    query = (
        select(*t.file.c, t.volume.c.name, t.folder.c.path, t.volume.c.online)
        .select_from(_JOINED)
        .where(*_conditions(connection, wanted, online))
        .order_by(t.volume.c.name, t.folder.c.path, t.file.c.name)
        .execution_options(yield_per=_CHUNK)
    )
    if limit is not None:
        query = query.limit(limit)
    width = len(t.file.c)
    for rows in connection.execute(query).partitions():
        found = [(FileRow(*row[:width]), *row[width:]) for row in rows]
        yield from _with_all(connection, found)


def count_files(connection: Connection, wanted: Filter) -> int:
    """How many files are asked for."""
    query = select(func.count()).select_from(_JOINED).where(*_conditions(connection, wanted, t.volume.c.online == 1))
    return int(connection.execute(query).scalar_one())


def _with_all(connection: Connection, found: Sequence[Any]) -> Iterator[Listed]:
    versions = [row.version_id for row, *_ in found if row.version_id is not None]
    digests = files.digests_of(connection, versions)
    media = media_of(connection, versions)
    sequences = _sequence_names(connection, [row.sequence_id for row, *_ in found if row.sequence_id is not None])
    for row, volume, folder, is_online in found:
        yield Listed(
            row=row,
            volume=volume,
            path=join(folder, row.name),
            presence=row.presence if is_online else Presence.OFFLINE.value,
            digests=digests.get(row.version_id, {}),
            media=media.get(row.version_id),
            sequence=sequences.get(row.sequence_id),
        )


def media_of(connection: Connection, version_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Version id -> facts, of those that are media."""
    query = select(t.media.c.version_id, t.media.c.facts).where(
        t.media.c.version_id.in_(list(version_ids)), t.media.c.facts.is_not(None)
    )
    return {version: json.loads(facts) for version, facts in connection.execute(query)}


def _sequence_names(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = connection.execute(select(t.sequence.c.id, t.sequence.c.name).where(t.sequence.c.id.in_(sorted(set(ids)))))
    return {identity: name for identity, name in rows}  # noqa: C416 - a Row is no pair to dict()'s type


def _conditions(connection: Connection, wanted: Filter, online: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if not wanted.every_kind:
        conditions.append(t.file.c.kind == FileKind.REGULAR.value)
    if wanted.volume is not None:
        conditions.append(t.volume.c.name == wanted.volume)
    if wanted.presence == Presence.OFFLINE.value:
        conditions.append(~online)
    elif wanted.presence is not None:
        conditions += [t.file.c.presence == wanted.presence, online]
    if wanted.integrity is not None:
        conditions.append(t.file.c.integrity == wanted.integrity)
    if wanted.since_us is not None:
        conditions.append(t.file.c.first_seen_us >= wanted.since_us)
    if wanted.pattern:
        conditions.append(_matches(connection, wanted.pattern))
    return conditions


def _matches(connection: Connection, pattern: str) -> ColumnElement[bool]:
    """A path, a folder with all below it, a name, or a glob over names or (with a slash) paths; `*` crosses slashes."""
    pattern = pattern.strip("/") if pattern.strip("/") else pattern
    if not re.search(r"[*?\[]", pattern):
        folder, _, name = pattern.rpartition("/")
        return or_(
            t.file.c.name == pattern,
            and_(t.folder.c.path == folder, t.file.c.name == name),
            t.folder.c.path == pattern,
            t.folder.c.path.startswith(pattern + "/", autoescape=True),
        )
    subject: ColumnElement[str] = _PATH if "/" in pattern else t.file.c.name
    if connection.dialect.name == "sqlite":
        return subject.op("GLOB", is_comparison=True)(re.sub(r"\*+", "*", pattern))
    return subject.op("~", is_comparison=True)(_as_regular_expression(pattern))


def _as_regular_expression(pattern: str) -> str:
    """A glob as PostgreSQL's regular expression, with the meaning of SQLite's GLOB."""
    out = []
    for part in re.findall(r"\*+|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        out.append(
            ".*"
            if part[0] == "*"
            else "."
            if part == "?"
            else part.replace("[!", "[^")
            if len(part) > 1
            else re.escape(part)
        )
    return f"^{''.join(out)}$"


# -- assets -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asset:
    """What a coordinator counts: a file that stands alone, or a sequence. `frames` only of a sequence."""

    volume: str
    kind: str
    name: str
    path: str
    first: int | None
    last: int | None
    count: int | None
    missing: str
    zero_byte: str
    outliers: str
    size: int
    presence: str
    integrity: str


def list_assets(connection: Connection, wanted: Filter, limit: int | None = None) -> Iterator[Asset]:
    """Sequences and single files, by volume and path."""
    single = (
        select(
            t.volume.c.name.label("volume"),
            t.volume.c.online,
            t.folder.c.path.label("folder"),
            t.file.c.name.label("own_name"),
            t.file.c.size,
            t.file.c.presence,
            t.file.c.integrity,
        )
        .select_from(_JOINED)
        .where(t.file.c.sequence_id.is_(None), *_conditions(connection, wanted, t.volume.c.online == 1))
        .order_by(t.volume.c.name, t.folder.c.path, t.file.c.name)
        .execution_options(yield_per=_CHUNK)
    )
    if limit is not None:
        single = single.limit(limit)
    count = 0
    pending = _sequences(connection, wanted)
    waiting = next(pending, None)
    for volume, is_online, folder, name, size, presence, integrity in connection.execute(single):
        key = (volume, folder, name)
        while waiting is not None and waiting[0] < key:
            yield waiting[1]
            waiting = next(pending, None)
            count += 1
        if limit is not None and count >= limit:
            return
        path = join(folder, name)
        shown = presence if is_online else Presence.OFFLINE.value
        yield Asset(volume, "file", path, path, None, None, None, "", "", "", size, shown, integrity)
        count += 1
    while waiting is not None and (limit is None or count < limit):
        yield waiting[1]
        waiting = next(pending, None)
        count += 1


def _sequences(connection: Connection, wanted: Filter) -> Iterator[tuple[tuple[str, str, str], Asset]]:
    """Sequences of which a frame is asked for, with the place in the list that they belong to."""
    first = t.file.alias("first")
    query: Select[Any] = (
        select(*t.sequence.c, t.volume.c.name, t.volume.c.online, t.folder.c.path, first.c.name)
        .select_from(
            t.sequence.join(t.folder, t.folder.c.id == t.sequence.c.folder_id)
            .join(t.volume, t.volume.c.id == t.sequence.c.volume_id)
            .join(first, first.c.id == t.sequence.c.first_file_id)
        )
        .order_by(t.volume.c.name, t.folder.c.path, first.c.name)
    )
    if wanted.pattern or wanted.presence or wanted.integrity or wanted.since_us is not None:
        frames = (
            select(t.file.c.sequence_id)
            .select_from(_JOINED)
            .where(t.file.c.sequence_id.is_not(None), *_conditions(connection, wanted, t.volume.c.online == 1))
        )
        condition: ColumnElement[bool] = t.sequence.c.id.in_(frames)
        if wanted.pattern and not re.search(r"[*?]", wanted.pattern):
            condition = or_(condition, t.sequence.c.name == wanted.pattern)
        query = query.where(condition)
    elif wanted.volume is not None:
        query = query.where(t.volume.c.name == wanted.volume)
    names = [column.name for column in t.sequence.c]
    for row in connection.execute(query).all():
        values = dict(zip(names, row, strict=False))
        volume, is_online, folder, first_name = row[len(names) :]
        yield (
            (volume, folder, first_name),
            Asset(
                volume=volume,
                kind="sequence",
                name=values["name"],
                path=join(folder, first_name),
                first=values["first_frame"],
                last=values["last_frame"],
                count=values["frames"],
                missing=values["missing"],
                zero_byte=values["zero_byte"],
                outliers=values["outliers"],
                size=values["size"],
                presence=values["presence"] if is_online else Presence.OFFLINE.value,
                integrity=values["integrity"],
            ),
        )


# -- status -----------------------------------------------------------------------------------------------------


def tallies(connection: Connection) -> list[tuple[int, str, str, int, int]]:
    """(volume id, presence, integrity, files, bytes), from the totals that every write keeps."""
    rows = connection.execute(
        select(t.tally.c.volume_id, t.tally.c.presence, t.tally.c.integrity, t.tally.c.files, t.tally.c.size).where(
            t.tally.c.files > 0
        )
    )
    return [tuple(row) for row in rows]


def arrived_since(
    connection: Connection, since_us: int, limit: int = 8
) -> tuple[list[tuple[str, str, int, int, int]], int, int]:
    """Where the newest files lie: [(volume, folder, files, bytes, last seen)], newest first; then all files and bytes.

    Looks at the newest fifty thousand files at most.
    """
    newest = (
        select(t.file.c.folder_id, t.file.c.size, t.file.c.first_seen_us)
        .where(t.file.c.first_seen_us >= since_us, t.file.c.kind == FileKind.REGULAR.value)
        .order_by(t.file.c.first_seen_us.desc())
        .limit(_NEWEST)
        .subquery()
    )
    grouped = (
        select(
            newest.c.folder_id,
            func.count().label("files"),
            func.sum(newest.c.size).label("size"),
            func.max(newest.c.first_seen_us).label("last"),
        )
        .group_by(newest.c.folder_id)
        .subquery()
    )
    rows = connection.execute(
        select(t.volume.c.name, t.folder.c.path, grouped.c.files, grouped.c.size, grouped.c.last)
        .select_from(
            grouped.join(t.folder, t.folder.c.id == grouped.c.folder_id).join(
                t.volume, t.volume.c.id == t.folder.c.volume_id
            )
        )
        .order_by(grouped.c.last.desc())
    ).all()
    found = [(volume, path, int(count), int(size), int(last)) for volume, path, count, size, last in rows]
    return found[:limit], sum(one[2] for one in found), sum(one[3] for one in found)


def problem_files(connection: Connection, limit: int = 10) -> list[tuple[str, str, str, str]]:
    """(volume, path, state, problem) of files that a person should know of: the worst first."""
    explained = func.coalesce(t.file.c.problem, "").startswith(CAME_AS)
    gone = and_(t.file.c.presence == Presence.MISSING.value, ~explained)
    wrong = or_(t.file.c.integrity.in_(("mismatch", "unreadable")), gone)
    state = case((t.file.c.presence == Presence.MISSING.value, "missing"), else_=t.file.c.integrity)
    order = case((state == "mismatch", 0), (state == "missing", 1), else_=2)
    rows = connection.execute(
        select(t.volume.c.name, t.folder.c.path, t.file.c.name, state, func.coalesce(t.file.c.problem, ""))
        .select_from(_JOINED)
        .where(wrong, t.file.c.kind == FileKind.REGULAR.value)
        .order_by(order, t.file.c.id)
        .limit(limit)
    )
    return [(volume, join(folder, name), where, problem) for volume, folder, name, where, problem in rows]


def last_run(connection: Connection, kind: str, volume_id: int | None = None) -> dict[str, Any] | None:
    """The newest finished run of a kind, of one volume if that is given."""
    query = (
        select(t.run.c.id, t.run.c.started_us, t.run.c.finished_us, t.run.c.complete, t.run.c.counts)
        .where(t.run.c.kind == kind, t.run.c.finished_us.is_not(None))
        .order_by(t.run.c.started_us.desc())
        .limit(1)
    )
    if volume_id is not None:
        query = query.where(t.run.c.volume_id == volume_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    return {
        "run": row.id,
        "started_us": row.started_us,
        "finished_us": row.finished_us,
        "complete": bool(row.complete),
        "counts": json.loads(row.counts),
    }


# -- show -------------------------------------------------------------------------------------------------------


def find(connection: Connection, given: str) -> list[tuple[str, str]]:
    """What a person may mean by a path: [(volume, path)] of files and folders that the catalog knows.

    Understands `volume:path`, a path below any volume, and the exact bytes of a name, percent-encoded.
    """
    volume, colon, rest = given.partition(":")
    candidates: list[tuple[str | None, str]] = [(None, given.strip("/"))]
    if colon:
        candidates.insert(0, (volume, rest.strip("/")))
    if "%" in given:
        candidates += [(where, from_percent(path)) for where, path in list(candidates)]
    for where, path in candidates:
        folder, _, name = path.rpartition("/")
        here = t.volume.c.name.is_not(None) if where is None else t.volume.c.name == where
        as_file = select(t.volume.c.name).select_from(_JOINED)
        as_folder = select(t.volume.c.name).select_from(t.folder.join(t.volume, t.volume.c.id == t.folder.c.volume_id))
        names = {
            *connection.execute(as_file.where(t.folder.c.path == folder, t.file.c.name == name, here)).scalars(),
            *connection.execute(as_folder.where(_at_or_below(path), here).limit(20)).scalars(),
        }
        if names:
            return sorted((name, path) for name in names)
    return []


def one_file(connection: Connection, volume: str, path: str) -> Listed | None:
    """The file at a volume's path, with all that hangs on it."""
    folder, _, name = path.rpartition("/")
    query = (
        select(*t.file.c, t.volume.c.name, t.folder.c.path, t.volume.c.online)
        .select_from(_JOINED)
        .where(t.volume.c.name == volume, t.folder.c.path == folder, t.file.c.name == name)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    width = len(t.file.c)
    return next(_with_all(connection, [(FileRow(*row[:width]), *row[width:])]))


def folder_summary(connection: Connection, volume: str, path: str) -> dict[str, Any]:
    """Files and bytes below a folder by presence and integrity, and its direct sub-folders."""
    here = _at_or_below(path)
    rows = connection.execute(
        select(
            t.file.c.presence,
            t.file.c.integrity,
            func.count(),
            func.sum(t.file.c.size),
            func.min(t.file.c.first_seen_us),
            func.max(t.file.c.recorded_us),
        )
        .select_from(_JOINED)
        .where(t.volume.c.name == volume, here, t.file.c.kind == FileKind.REGULAR.value)
        .group_by(t.file.c.presence, t.file.c.integrity)
    ).all()
    return {
        "states": [
            {"presence": presence, "integrity": integrity, "files": int(count), "size": int(size or 0)}
            for presence, integrity, count, size, _, _ in rows
        ],
        "first_seen_us": min((row[4] for row in rows), default=None),
        "recorded_us": max((row[5] for row in rows if row[5] is not None), default=None),
    }


def _at_or_below(path: str) -> ColumnElement[bool]:
    """Folders at a path, or below it: one that holds no file itself has no row of its own."""
    if not path:
        return t.folder.c.path.is_not(None)
    return or_(t.folder.c.path == path, t.folder.c.path.startswith(path + "/", autoescape=True))


def versions_of(connection: Connection, file_id: int) -> list[dict[str, Any]]:
    """All contents that a file had, oldest first, with digests."""
    rows = connection.execute(select(*t.version.c).where(t.version.c.file_id == file_id).order_by(t.version.c.id)).all()
    digests = files.digests_of(connection, [row.id for row in rows])
    return [{**row._mapping, "digests": digests.get(row.id, {})} for row in rows]


def observations_of(connection: Connection, file_id: int) -> list[dict[str, Any]]:
    """What was noticed of a file, oldest first."""
    rows = connection.execute(
        select(t.observation.c.at_us, t.observation.c.what, t.observation.c.version_id, t.observation.c.detail)
        .where(t.observation.c.file_id == file_id)
        .order_by(t.observation.c.id)
    )
    return [
        {"at_us": row.at_us, "what": row.what, "version_id": row.version_id, "detail": json.loads(row.detail)}
        for row in rows
    ]


def media_record(connection: Connection, version_id: int) -> dict[str, Any] | None:
    """How the media of a version were read: status, tool, when, why not."""
    row = connection.execute(
        select(t.media.c.status, t.media.c.tool, t.media.c.tool_version, t.media.c.probed_us, t.media.c.reason).where(
            t.media.c.version_id == version_id
        )
    ).first()
    return None if row is None else dict(row._mapping)


def tally_faults(connection: Connection) -> list[str]:
    """Where the kept totals differ from a count of the rows; empty when all is well. Counts every row."""
    kept = {(v, p, i): (n, s) for v, p, i, n, s in tallies(connection)}
    rows = connection.execute(
        select(t.file.c.volume_id, t.file.c.presence, t.file.c.integrity, func.count(), func.sum(t.file.c.size))
        .where(t.file.c.kind == FileKind.REGULAR.value)
        .group_by(t.file.c.volume_id, t.file.c.presence, t.file.c.integrity)
    )
    counted = {(v, p, i): (int(n), int(s)) for v, p, i, n, s in rows}
    return [
        f"volume {key[0]}, {key[1]}, {key[2]}: kept {kept.get(key, (0, 0))}, counted {counted.get(key, (0, 0))}"
        for key in sorted(kept.keys() | counted.keys())
        if kept.get(key, (0, 0)) != counted.get(key, (0, 0))
    ]
