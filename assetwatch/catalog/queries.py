"""What do people ask of the catalog? The questions of `status` and `show`, and the check; nothing here writes."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from sqlalchemy import Connection, and_, func, literal_column, or_, select

from assetwatch.catalog import contents, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.listing import Asset, Filter, Listed, count_files, list_assets, list_files, media_of, with_all
from assetwatch.catalog.patterns import below, trimmed
from assetwatch.catalog.rows import FileRow
from assetwatch.model import CAME_AS, FileKind, Integrity, Presence
from assetwatch.paths import from_percent, join, split

__all__ = ["Asset", "Filter", "Listed", "count_files", "list_assets", "list_files", "media_of"]

#: Of how many of the newest files `status` tells where they lie: enough for a day, quick on any catalog.
_NEWEST = 50_000

_JOINED = t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id).join(t.volume, t.volume.c.id == t.file.c.volume_id)


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
    """(volume, path, state, problem) of files that a person should know of and does not: the worst first."""
    there = t.file.c.presence != Presence.MISSING.value
    gone = and_(
        t.file.c.presence == Presence.MISSING.value,
        literal_column("file.presence <> 'present'"),  # said for SQLite, that it may use the index
        ~func.coalesce(t.file.c.problem, "").startswith(CAME_AS),
    )
    kinds = (
        (Integrity.MISMATCH.value, "ix_file_integrity", and_(t.file.c.integrity == Integrity.MISMATCH.value, there)),
        (Presence.MISSING.value, "ix_file_presence", gone),
        (
            Integrity.UNREADABLE.value,
            "ix_file_integrity",
            and_(t.file.c.integrity == Integrity.UNREADABLE.value, there),
        ),
    )
    found: list[tuple[str, str, str, str]] = []
    for state, index, wrong in kinds:
        some = (
            select(t.file.c.volume_id, t.file.c.folder_id, t.file.c.name, t.file.c.problem)
            .where(wrong, t.file.c.kind == FileKind.REGULAR.value, t.file.c.known_us.is_(None))
            .order_by(t.file.c.folder_id, t.file.c.id)
            .limit(limit - len(found))
            .with_hint(t.file, f"INDEXED BY {index}", "sqlite")
            .subquery()
        )
        rows = connection.execute(
            select(t.volume.c.name, t.folder.c.path, some.c.name, some.c.problem).select_from(
                some.join(t.folder, t.folder.c.id == some.c.folder_id).join(t.volume, t.volume.c.id == some.c.volume_id)
            )
        )
        found += [(volume, join(folder, name), state, problem or "") for volume, folder, name, problem in rows]
    return found


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

    Understands `volume:path`, a path below any volume, the exact bytes of a name, percent-encoded, and a volume's
    name alone.
    """
    known = volumes.all_volumes(connection)
    candidates = [([row], given[len(row.name) + 1 :]) for row in known if given.startswith(row.name + ":")]
    candidates.append((known, given))
    if "%" in given:
        candidates += [(rows, from_percent(path)) for rows, path in candidates]
    for rows, path in candidates:
        place = trimmed(path)
        found = [
            (row.name, place) for row in rows if (place or len(rows) == 1) and _is_known(connection, row.id, place)
        ]
        if found:
            return found
    return [(row.name, "") for row in known if row.name == given]


def _is_known(connection: Connection, volume_id: int, path: str) -> bool:
    """Whether the catalog knows a file or a folder at this path."""
    folder, name = split(path)
    here = t.folder.c.volume_id == volume_id
    as_file = select(t.file.c.id).select_from(t.folder.join(t.file, t.file.c.folder_id == t.folder.c.id))
    as_folder = select(t.folder.c.id).where(here, or_(*below(path))).limit(1)
    found = connection.execute(as_file.where(here, t.folder.c.path == folder, t.file.c.name == name)).first()
    return found is not None or connection.execute(as_folder).first() is not None


def one_file(connection: Connection, volume: str, path: str) -> Listed | None:
    """The file at a volume's path, with all that hangs on it."""
    folder, name = split(path)
    row = next((one for one in volumes.all_volumes(connection) if one.name == volume), None)
    if row is None:
        return None
    query = (
        select(*t.file.c)
        .select_from(t.folder.join(t.file, t.file.c.folder_id == t.folder.c.id))
        .where(t.folder.c.volume_id == row.id, t.folder.c.path == folder, t.file.c.name == name)
    )
    found = connection.execute(query).first()
    return None if found is None else next(with_all(connection, row, [(folder, FileRow(*found))]))


def twin_of(connection: Connection, row: FileRow) -> str | None:
    """Another name in the file's folder that reads the same: composed where this one is decomposed, or the reverse."""
    forms = {unicodedata.normalize(form, row.name) for form in ("NFC", "NFD")} - {row.name}
    query = select(t.file.c.name).where(
        t.file.c.folder_id == row.folder_id, t.file.c.name.in_(forms), t.file.c.presence != Presence.MISSING.value
    )
    return connection.execute(query).scalar() if forms else None


def folder_summary(connection: Connection, volume: str, path: str) -> dict[str, Any]:
    """Files and bytes below a folder by presence and integrity, and its direct sub-folders."""
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
        .where(t.volume.c.name == volume, or_(*below(path)), t.file.c.kind == FileKind.REGULAR.value)
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


def versions_of(connection: Connection, file_id: int) -> list[dict[str, Any]]:
    """All contents that a file had, oldest first, with digests."""
    rows = connection.execute(select(*t.version.c).where(t.version.c.file_id == file_id).order_by(t.version.c.id)).all()
    digests = contents.digests_of(connection, [row.id for row in rows])
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
