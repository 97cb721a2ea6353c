"""Which backups are kept, how does one become the catalog again, and how is all of a catalog copied elsewhere?"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Integer, Table, func, insert, select, text

from assetwatch.catalog import engine
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.clock import Clock
from assetwatch.errors import CatalogError, HeldError, UsageError

#: The end of a backup's name; the catalog's own name stands before it.
_NAME: Final = re.compile(r"\.backup-(\d{8}-\d{6})$")

#: The end of the name of what a backup that was ended half-way leaves, and how old it has to be to be that.
_HALF: Final = re.compile(r"\.backup-(\d{8}-\d{6})\.partial(?:-journal)?$")
_HALF_AFTER: Final = timedelta(days=1)

#: Rows copied at once.
_BLOCK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a night's backup came to: the copy, and the older ones that were let go."""

    made: Path
    removed: tuple[Path, ...]


# -- backups every night ----------------------------------------------------------------------------------------


def folder_of(database: Database, configured: str | None) -> Path:
    """Where backups of a SQLite catalog are kept: the configuration's folder, or `backups` beside it."""
    assert database.path is not None
    return Path(configured) if configured else database.path.parent / "backups"


def kept(folder: Path, catalog: str) -> list[tuple[datetime, Path]]:
    """The backups of the catalog of this name in a folder, newest first, with the instant (UTC, naive) in the name."""
    found = []
    for path in folder.glob(f"{glob.escape(catalog)}.backup-*"):
        match = _NAME.search(path.name)
        if match is not None and path.name == f"{catalog}{match[0]}" and path.is_file():
            with contextlib.suppress(ValueError):
                found.append((datetime.strptime(match[1], "%Y%m%d-%H%M%S"), path))
    return sorted(found, reverse=True)


def rotate(database: Database, folder: Path, clock: Clock, days: int, weeks: int) -> Rotation:
    """Back a SQLite catalog up into `folder`, see that the copy is sound, and let go of old ones.

    Kept are the newest copy of each of the last `days` days that have one, and of each of `weeks` weeks before them.
    Raises CatalogError where the copy cannot be made or is not sound: then nothing is let go. Raises UsageError for
    PostgreSQL.
    """
    if database.path is None:
        engine.backup(database, folder / "catalog")  # says how PostgreSQL does it
    assert database.path is not None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(f"{folder}: the folder for backups cannot be made: {error.strerror}.") from error
    _forget_halves(folder, database.path.name, clock.now().replace(tzinfo=None) - _HALF_AFTER)
    made = folder / f"{database.path.name}.backup-{clock.now():%Y%m%d-%H%M%S}"
    engine.backup(database, made)
    faults = faults_of(made, "quick_check")
    if faults:
        raise CatalogError(f"{made}: this backup is not sound: {faults[0]}. `assetwatch catalog check` tells more.")
    old = _superfluous(kept(folder, database.path.name), days, weeks)
    for path in old:
        path.unlink(missing_ok=True)
    return Rotation(made, tuple(old))


def _forget_halves(folder: Path, catalog: str, before: datetime) -> None:
    """Remove what backups left that were ended half-way, by a kill or a power cut."""
    for path in folder.glob(f"{glob.escape(catalog)}.backup-*.partial*"):
        match = _HALF.search(path.name)
        if match is not None and path.name == f"{catalog}{match[0]}":
            with contextlib.suppress(ValueError, OSError):
                if datetime.strptime(match[1], "%Y%m%d-%H%M%S") < before:
                    path.unlink()


def _superfluous(copies: Iterable[tuple[datetime, Path]], days: int, weeks: int) -> list[Path]:
    """Of backups, newest first, those that are not kept."""
    kept_days: set[date] = set()
    kept_weeks: set[tuple[int, int]] = set()
    weekly = 0
    old: list[Path] = []
    for made, path in copies:
        day, (year, week, _) = made.date(), made.isocalendar()
        if len(kept_days) < days and day not in kept_days:
            kept_days.add(day)
        elif day not in kept_days and weekly < weeks and (year, week) not in kept_weeks:
            weekly += 1
        else:
            old.append(path)
            continue
        kept_weeks.add((year, week))
    return old


# -- a backup becomes the catalog -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to: the catalog, its schema, and where the one before is kept (None: there was none)."""

    catalog: Path
    schema: str
    aside: Path | None


def restore(catalog: Path, source: Path, clock: Clock, *, force: bool = False) -> Restored:
    """Put a backup in the place of a SQLite catalog, which is kept beside it under another name.

    Ended at any moment it leaves the old catalog or the new one, whole. Raises UsageError for a file that is no sound
    backup of this program's or an older schema, and, unless `force`, where the catalog that is there is sound as well;
    HeldError while a daemon or a sweep is at work on it; CatalogError where the disk does not let it be done.
    """
    catalog = Path(os.path.realpath(catalog))
    if not source.is_file():
        raise UsageError(f"{source}: there is no such backup.")
    if source.resolve() == catalog:
        raise UsageError(f"{source}: this is the catalog itself.")
    schema = _schema(source)
    with _nobody_at_work(catalog):
        sound = catalog.exists() and not faults_of(catalog, "quick_check")
        if sound and not force:
            raise UsageError(
                f"{catalog}: the catalog that is there is sound, and what was recorded since the backup would be "
                "missing. With --force the backup takes its place, and it is kept beside it."
            )
        try:
            return _put(catalog, source, schema, f"{clock.now():%Y%m%d-%H%M%S}", sound)
        except OSError as error:
            with contextlib.suppress(OSError):
                _coming(catalog).unlink(missing_ok=True)
            raise CatalogError(
                f"{catalog}: not restored: {error.strerror} ({error.filename}). The catalog is as it was."
            ) from error


def _coming(catalog: Path) -> Path:
    """The copy until it has its name; what a restore that was ended has left of it is overwritten by the next."""
    return catalog.with_name(catalog.name + ".restoring")


def _put(catalog: Path, source: Path, schema: str, stamp: str, sound: bool) -> Restored:
    """Copy, keep what is there, and change the one for the other by one rename."""
    coming = _coming(catalog)
    shutil.copyfile(source, coming)
    owner = (catalog if catalog.exists() else catalog.parent).stat()
    with open(coming, "rb+") as file:
        os.fchmod(file.fileno(), owner.st_mode & 0o777 if catalog.exists() else 0o640)
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fsync(file.fileno())
    aside = None
    if catalog.exists():
        # A damaged one is not touched: opening it might lose what its log still has.
        if sound and not _empty_log(catalog):
            coming.unlink()
            raise HeldError(f"{catalog}: another program has it open. End it, and try again.")
        aside = catalog.with_name(f"{catalog.name}.before-restore-{stamp}")
        for end in ("", "-wal", "-journal"):
            part = catalog.with_name(catalog.name + end)
            if part.exists():
                os.link(part, aside.with_name(aside.name + end))
    # SQLite would play a log that lies there into whatever database has the name. It is gone before the name changes:
    # what was in it is in the old catalog by now, or kept with it where that is damaged.
    for end in ("-wal", "-shm", "-journal"):
        catalog.with_name(catalog.name + end).unlink(missing_ok=True)
    _sync(catalog.parent)
    os.replace(coming, catalog)
    _sync(catalog.parent)
    return Restored(catalog, schema, aside)


def _empty_log(catalog: Path) -> bool:
    """Have everything that was committed in the database's file itself; whether that could be done."""
    try:
        with contextlib.closing(sqlite3.connect(catalog)) as connection:
            return bool(connection.execute("pragma journal_mode=delete").fetchone()[0] == "delete")
    except sqlite3.Error:
        return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _schema(source: Path) -> str:
    """A backup's schema. Raises UsageError for what is no sound catalog that this program can use."""
    faults = faults_of(source, "integrity_check")
    if faults:
        raise UsageError(f"{source}: no sound backup: {faults[0]}. Nothing was changed.")
    with contextlib.closing(_open_to_read(source)) as connection:
        try:
            connection.execute("select 1 from volume, file, counter limit 1").fetchone()
            (schema,) = connection.execute("select version_num from alembic_version").fetchone()
        except (sqlite3.Error, TypeError):
            raise UsageError(f"{source}: a database, but no catalog of assetwatch. Nothing was changed.") from None
    if str(schema) > engine.HEAD:
        raise UsageError(
            f"{source}: made by a newer assetwatch (schema {schema}; this program knows up to {engine.HEAD}). "
            "Upgrade assetwatch first; nothing was changed."
        )
    return str(schema)


def _open_to_read(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro", uri=True)


def faults_of(path: Path, check: str) -> list[str]:
    """What SQLite's own check finds wrong with a file; empty for a sound one."""
    try:
        with contextlib.closing(_open_to_read(path)) as connection:
            rows = connection.execute(f"pragma {check}(5)").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    return [str(row[0]) for row in rows if row[0] != "ok"]


@contextlib.contextmanager
def _nobody_at_work(catalog: Path) -> Iterator[None]:
    """Hold what keepers and sweeps of a SQLite catalog hold (`catalog.hold`). Raises HeldError where one has it."""
    with contextlib.ExitStack() as held:
        for lock in sorted(catalog.parent.glob(f"{glob.escape(catalog.name)}.volume-*.lock")):
            descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            held.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HeldError(
                    f"{catalog}: a daemon, scan or sweep is at work on it. End it first: `systemctl stop assetwatch`."
                ) from None
        yield


# -- all of it elsewhere ----------------------------------------------------------------------------------------


def copy(source: Database, target: Database, told: Callable[[str, int], None] = lambda _table, _rows: None) -> int:
    """Copy everything in a catalog into an empty one, SQLite or PostgreSQL; how many rows.

    All of it in one transaction, from one view; `told` hears of each table. Raises UsageError where the target holds
    something, HeldError while somebody is at work on a SQLite source, CatalogError where a database refuses.
    """
    if source.url == target.url:
        raise UsageError(f"{target.shown}: this is the catalog itself.")
    total = 0
    quiet = _nobody_at_work(source.path) if source.path is not None else contextlib.nullcontext()
    with quiet, source.read() as reading, target.write() as writing:
        for table in t.metadata.sorted_tables:
            if writing.execute(select(table).limit(1)).first() is not None:
                raise UsageError(f"{target.shown}: there is something in it already. Give an empty database.")
        for table in t.metadata.sorted_tables:
            rows = 0
            for block in _blocks(reading, table):
                writing.execute(insert(table), block)
                rows += len(block)
            there = writing.execute(select(func.count()).select_from(table)).scalar()
            if there != rows:
                raise CatalogError(f"{target.shown}: {there} rows of {rows} arrived in {table.name}; nothing was kept.")
            if not target.is_sqlite:
                _count_on(writing, table)
            told(table.name, rows)
            total += rows
    return total


def _blocks(connection: Any, table: Table) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, many at a time, in the order of its key."""
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_BLOCK)
    for block in connection.execute(query).mappings().partitions():
        yield [dict(row) for row in block]


def _count_on(connection: Any, table: Table) -> None:
    """Have PostgreSQL number new rows from where the copied ones end."""
    (key, *more) = table.primary_key.columns
    if more or not isinstance(key.type, Integer) or key.autoincrement is not True:
        return
    newest = connection.execute(select(func.coalesce(func.max(key), 0))).scalar()
    connection.execute(
        text("select setval(pg_get_serial_sequence(:table, :key), :next, false)"),
        {"table": table.name, "key": key.name, "next": newest + 1},
    )
