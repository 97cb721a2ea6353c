"""Which files and assets fit a filter, in the order of their paths, be it one page of them or all?

The catalog is walked, not sorted: volumes by name, in each its folders in the order of their paths, in each the files
of the state asked for by an index. So the first page takes as long on millions of files as on thousands, and a list
of all takes no memory. SQLite keeps no statistics that would lead it this way; it is told which indexes to use.
"""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal_column, or_, select, true

from assetwatch.catalog import contents, deliverables, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.patterns import Lane, lanes
from assetwatch.catalog.rows import FileRow, VolumeRow
from assetwatch.model import FileKind, Presence
from assetwatch.paths import join

#: Rows fetched, with all that hangs on them, at once.
_CHUNK = 1_000

#: Above this share of a volume's files a walk through all of them finds enough sooner than an index does.
_MOST = 0.75

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files are asked for; None leaves an axis open. `since_us` is about the first look at a file.

    `fits` is asked about each path (of a sequence its name) that is left, so that a limit counts what fits.
    """

    pattern: str | None = None
    volume: str | None = None
    presence: str | None = None
    integrity: str | None = None
    since_us: int | None = None
    every_kind: bool = False
    fits: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A file with what hangs on it: its volume and path, digests, media, sequence, and what it is linked to."""

    row: FileRow
    volume: str
    path: str
    presence: str
    digests: dict[str, str]
    media: dict[str, Any] | None
    sequence: str | None
    deliverables: tuple[str, ...] = ()


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


# -- files ------------------------------------------------------------------------------------------------------


def list_files(connection: Connection, wanted: Filter, limit: int | None = None) -> Iterator[Listed]:
    """The files asked for, by volume and path, without loading them all."""
    for volume in _volumes(connection, wanted):
        fetched = None if wanted.fits else limit
        ways = lanes(wanted.pattern, connection.dialect.name)
        rows = _merged([_walk(connection, volume, wanted, lane, fetched) for lane in ways], fetched)
        if wanted.fits is not None:
            rows = itertools.islice(_fitting(rows, wanted.fits), limit)
        while some := list(itertools.islice(rows, _CHUNK)):
            yield from with_all(connection, volume, some)
            if limit is not None:
                limit -= len(some)
        if limit == 0:
            return


def _fitting(rows: Iterator[tuple[str, FileRow]], fits: Callable[[str], bool]) -> Iterator[tuple[str, FileRow]]:
    return (found for found in rows if fits(join(found[0], found[1].name)))


def count_files(connection: Connection, wanted: Filter) -> int:
    """How many files are asked for."""
    total = 0
    for volume in _volumes(connection, wanted):
        if not (wanted.pattern or wanted.since_us is not None or wanted.every_kind):
            total += _tallied(connection, volume, wanted)[0]
            continue
        fits = or_(*(and_(lane.folder, lane.file) for lane in lanes(wanted.pattern, connection.dialect.name)))
        query = select(func.count()).select_from(_FILES).where(t.folder.c.volume_id == volume.id, fits)
        total += int(connection.execute(query.where(*_states(wanted))).scalar_one())
    return total


def with_all(connection: Connection, volume: VolumeRow, found: Sequence[tuple[str, FileRow]]) -> Iterator[Listed]:
    """Files of one volume, given as (folder's path, row), with what hangs on them."""
    versions = [row.version_id for _, row in found if row.version_id is not None]
    digests = contents.digests_of(connection, versions)
    media = media_of(connection, versions)
    sequences = _sequence_names(connection, [row.sequence_id for _, row in found if row.sequence_id is not None])
    linked = deliverables.keys_of_files(connection, volume.id, found)
    for folder, row in found:
        yield Listed(
            row=row,
            volume=volume.name,
            path=join(folder, row.name),
            presence=row.presence if volume.online else Presence.OFFLINE.value,
            digests=digests.get(row.version_id, {}) if row.version_id is not None else {},
            media=media.get(row.version_id) if row.version_id is not None else None,
            sequence=sequences.get(row.sequence_id) if row.sequence_id is not None else None,
            deliverables=linked.get(row.id, ()),
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


# -- assets -----------------------------------------------------------------------------------------------------


def list_assets(connection: Connection, wanted: Filter, limit: int | None = None) -> Iterator[Asset]:
    """Sequences and the files that stand alone, by volume and path; a sequence stands where its first frame would.

    A sequence is in the state that its row says: what the worst of its frames is in.
    """
    for volume in _volumes(connection, wanted):
        ways = lanes(wanted.pattern, connection.dialect.name)
        fetched = None if wanted.fits else limit
        single = _merged([_walk(connection, volume, wanted, lane, fetched, alone=True) for lane in ways], fetched)
        together = _merged([_sequences(connection, volume, wanted, lane, fetched) for lane in ways], fetched)
        assets = heapq.merge(
            (((folder, row.name), _single(volume, folder, row)) for folder, row in single),
            (((folder, row.name), asset) for folder, row, asset in together),
            key=lambda keyed: keyed[0],
        )
        fitting = ((key, one) for key, one in assets if wanted.fits is None or wanted.fits(one.name))
        for _, asset in itertools.islice(fitting, limit):
            yield asset
            if limit is not None:
                limit -= 1
        if limit == 0:
            return


def _single(volume: VolumeRow, folder: str, row: FileRow) -> Asset:
    path = join(folder, row.name)
    return Asset(
        volume=volume.name,
        kind="file",
        name=path,
        path=path,
        first=None,
        last=None,
        count=None,
        missing="",
        zero_byte="",
        outliers="",
        size=row.size,
        presence=row.presence if volume.online else Presence.OFFLINE.value,
        integrity=row.integrity,
    )


def _sequences(
    connection: Connection, volume: VolumeRow, wanted: Filter, lane: Lane, limit: int | None
) -> Iterator[tuple[str, FileRow, Asset]]:
    """Sequences in the order of their first frames: (folder's path, first frame, asset)."""
    query = (
        select(t.folder.c.path, *t.file.c, *t.sequence.c)
        .select_from(
            t.folder.join(t.sequence, t.sequence.c.folder_id == t.folder.c.id).join(
                t.file, t.file.c.id == t.sequence.c.first_file_id
            )
        )
        .where(t.folder.c.volume_id == volume.id, lane.folder, lane.sequence)
        .order_by(t.folder.c.path, t.file.c.name, t.sequence.c.id)
        .with_hint(t.folder, "INDEXED BY uq_folder_volume_id_path", "sqlite")
        .with_hint(t.sequence, "INDEXED BY ix_sequence_folder_id", "sqlite")
    )
    if wanted.presence not in (None, Presence.OFFLINE.value):
        query = query.where(t.sequence.c.presence == wanted.presence)
    if wanted.integrity is not None:
        query = query.where(t.sequence.c.integrity == wanted.integrity)
    if wanted.since_us is not None:
        frame = t.file.alias("frame")
        newer = exists().where(frame.c.sequence_id == t.sequence.c.id, frame.c.first_seen_us >= wanted.since_us)
        query = query.where(_folder_is_newer(wanted.since_us), newer)
    width = 1 + len(t.file.c)
    names = [column.name for column in t.sequence.c]
    for row in connection.execute(query.limit(limit).execution_options(yield_per=_CHUNK)):
        first = FileRow(*row[1:width])
        values = dict(zip(names, row[width:], strict=True))
        asset = Asset(
            volume=volume.name,
            kind="sequence",
            name=values["name"],
            path=join(row[0], first.name),
            first=values["first_frame"],
            last=values["last_frame"],
            count=values["frames"],
            missing=values["missing"],
            zero_byte=values["zero_byte"],
            outliers=values["outliers"],
            size=values["size"],
            presence=values["presence"] if volume.online else Presence.OFFLINE.value,
            integrity=values["integrity"],
        )
        yield row[0], first, asset


# -- the walk ---------------------------------------------------------------------------------------------------

_FILES = t.folder.join(t.file, t.file.c.folder_id == t.folder.c.id)


def _walk(
    connection: Connection, volume: VolumeRow, wanted: Filter, lane: Lane, limit: int | None, *, alone: bool = False
) -> Iterator[tuple[str, FileRow]]:
    """Files of one volume that fit in one way, as (folder's path, row) in that order; `alone`: no frames."""
    index, condition = _index(connection, volume, wanted, lane, alone)
    query: Select[Any] = (
        select(t.folder.c.path, *t.file.c)
        .select_from(_FILES)
        .where(t.folder.c.volume_id == volume.id, lane.folder, lane.file, condition, *_states(wanted))
        .order_by(t.folder.c.path, t.file.c.name)
        .limit(limit)
        .with_hint(t.folder, "INDEXED BY uq_folder_volume_id_path", "sqlite")
        .with_hint(t.file, f"INDEXED BY {index}", "sqlite")
        .execution_options(yield_per=_CHUNK)
    )
    if alone:
        query = query.where(t.file.c.sequence_id.is_(None))
    if wanted.since_us is not None and not _most_are_newer(connection, volume, wanted):
        query = query.where(_folder_is_newer(wanted.since_us))
    for path, *values in connection.execute(query):
        yield path, FileRow(*values)


def _merged(streams: list[Iterator[Any]], limit: int | None) -> Iterator[Any]:
    """Streams of (folder's path, row, ...) as one; what fits in several ways comes once."""
    last = None
    several = heapq.merge(*streams, key=lambda found: (found[0], found[1].name))
    for found in several:
        if limit is not None and limit <= 0:
            return
        if found[1].id != last:
            last = found[1].id
            yield found
            if limit is not None:
                limit -= 1


def _volumes(connection: Connection, wanted: Filter) -> Iterator[VolumeRow]:
    """The volumes on which there can be something of what is asked for, by name."""
    for volume in volumes.all_volumes(connection):
        if wanted.volume not in (None, volume.name):
            continue
        if wanted.presence is not None and bool(volume.online) == (wanted.presence == Presence.OFFLINE.value):
            continue
        if wanted.every_kind or _tallied(connection, volume, wanted)[0]:
            yield volume


def _states(wanted: Filter) -> list[ColumnElement[bool]]:
    """What is asked of a file's own row."""
    conditions: list[ColumnElement[bool]] = []
    if not wanted.every_kind:
        conditions.append(t.file.c.kind == FileKind.REGULAR.value)
    if wanted.presence not in (None, Presence.OFFLINE.value):
        conditions.append(t.file.c.presence == wanted.presence)
    if wanted.integrity is not None:
        conditions.append(t.file.c.integrity == wanted.integrity)
    if wanted.since_us is not None:
        conditions.append(t.file.c.first_seen_us >= wanted.since_us)
    return conditions


def _tallied(connection: Connection, volume: VolumeRow, wanted: Filter) -> tuple[int, int]:
    """Of the kept totals: how many of the volume's files are in the state asked for, and how many there are."""
    counts = connection.execute(
        select(t.tally.c.presence, t.tally.c.integrity, t.tally.c.files).where(t.tally.c.volume_id == volume.id)
    ).all()
    fitting = sum(
        count
        for presence, integrity, count in counts
        if wanted.presence in (None, Presence.OFFLINE.value, presence) and wanted.integrity in (None, integrity)
    )
    return fitting, sum(count for *_, count in counts)


def _index(
    connection: Connection, volume: VolumeRow, wanted: Filter, lane: Lane, alone: bool
) -> tuple[str, ColumnElement[bool]]:
    """The index by which to find a folder's files, and what has to be said for SQLite to be able to use it."""
    if lane.asks == "name":
        return "uq_file_folder_id_name", true()
    by_presence = Filter(presence=wanted.presence)
    by_integrity = Filter(integrity=wanted.integrity)
    total = max(1, _tallied(connection, volume, Filter())[1])
    choices: list[tuple[float, str, ColumnElement[bool]]] = [
        (_MOST, "ix_file_sequence_id" if alone and lane.asks != "glob" else "uq_file_folder_id_name", true())
    ]
    if wanted.presence in (Presence.ARRIVING.value, Presence.MISSING.value):
        share = _tallied(connection, volume, by_presence)[0] / total
        choices.append((share, "ix_file_presence", literal_column("file.presence <> 'present'")))
    if wanted.integrity is not None:
        choices.append((_tallied(connection, volume, by_integrity)[0] / total, "ix_file_integrity", true()))
    _, index, condition = min(choices, key=lambda choice: choice[0])
    return index, condition


def _folder_is_newer(since_us: int) -> ColumnElement[bool]:
    """Whether a folder has a file first seen since then."""
    newer = t.file.alias("newer")
    # The sign keeps SQLite from looking up each of these folders again for every file.
    return literal_column("+folder.id").in_(select(newer.c.folder_id).where(newer.c.first_seen_us >= since_us))


def _most_are_newer(connection: Connection, volume: VolumeRow, wanted: Filter) -> bool:
    """Whether so many files were first seen since then that looking their folders up is not worth it."""
    enough = max(1, int(_tallied(connection, volume, Filter())[1] * _MOST))
    some = select(t.file.c.first_seen_us).where(t.file.c.first_seen_us >= wanted.since_us).limit(enough).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() >= enough
