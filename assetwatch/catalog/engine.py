"""How is the catalog's database opened, brought up to date, backed up and written to?

SQLite runs in WAL mode with `synchronous=FULL`: the catalog is evidence, a committed row survives a power cut.
Every write begins with BEGIN IMMEDIATE: a deferred transaction that turns into a write half-way fails at once
with "database is locked", whatever the busy timeout.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

from assetwatch.catalog.tables import complete_for_postgresql
from assetwatch.clock import Clock
from assetwatch.errors import CatalogError, UsageError

#: The newest revision that this program knows; `test_catalog_migrations` holds it to the migrations' head.
HEAD = "0001"

#: How long a write waits for another one (milliseconds): longer than any transaction of ours takes.
_BUSY_MS = 30_000

#: Backups made before migrations that are kept beside the catalog.
_BACKUPS_KEPT = 3


class Database:
    """An open catalog: one engine, short reads, one writer at a time.

    Raises CatalogError from every method when the database cannot do what was asked.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database) if self.is_sqlite and url.database else None
        self._engine = _engine(url)

    @property
    def shown(self) -> str:
        """The catalog's place for a person: a file, or a URL without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent view of the catalog."""
        with explained(self), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection inside one write transaction: all of it is committed at the end, or nothing."""
        with explained(self), self._engine.connect() as connection:
            if self.is_sqlite:
                connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def own_connection(self) -> Connection:
        """A connection that the caller keeps and closes, for locks that live as long as it."""
        return self._engine.connect()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def parse_url(given: str | None, state_directory: Path) -> URL:
    """The catalog's URL from what a person gave: a URL, a path of a file, or nothing.

    Raises UsageError when it names a database that assetwatch does not speak.
    """
    if not given:
        return URL.create("sqlite", database=str(state_directory / "catalog.db"))
    if "://" not in given:
        return URL.create("sqlite", database=os.path.abspath(given))
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise UsageError(f"catalog URL {given!r}: {error}. Expected {_EXPECTED}.") from error
    backend = url.get_backend_name()
    if backend == "postgresql" and url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql") or (backend == "sqlite" and not url.database):
        raise UsageError(f"catalog URL {url.render_as_string(hide_password=True)!r}: expected {_EXPECTED}.")
    return url


_EXPECTED = "sqlite:////absolute/file.db or postgresql+psycopg://user@host/database"


def open_database(url: URL, clock: Clock, *, create: bool = True) -> Database:
    """Open the catalog at `url` at this program's schema: made where there is none, backed up and migrated where old.

    Raises CatalogError when it is newer than this program, locked, corrupt, on a read-only or full disk, or absent
    with `create` false.
    """
    if url.get_backend_name() == "sqlite":
        _prepare_file(Path(str(url.database)), create)
    database = Database(url)
    try:
        revision = _revision(database)
        if revision != HEAD:
            _bring_up_to_date(database, revision, clock)
    except BaseException:
        database.close()
        raise
    return database


def revision_of(database: Database) -> str | None:
    """The schema's revision as it stands in the database; None where there is no schema yet."""
    return _revision(database)


def backup(database: Database, target: Path) -> None:
    """Write a consistent copy of a SQLite catalog to `target` while others go on writing.

    Appears under its name only when it is whole. Raises CatalogError, and UsageError for PostgreSQL (its own tools
    do this better).
    """
    if database.path is None:
        raise UsageError(
            "this catalog is in PostgreSQL: back it up with pg_dump -Fc "
            f"{database.url.render_as_string(hide_password=True)!r}"
        )
    partial = target.with_name(target.name + ".partial")
    with explained(database):
        partial.unlink(missing_ok=True)
        with (
            contextlib.closing(sqlite3.connect(database.path)) as source,
            contextlib.closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(copy, pages=4096)
            copy.execute("pragma journal_mode=delete")
        with open(partial, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(partial, target)


def integrity_faults(database: Database) -> list[str]:
    """What the database itself finds wrong with its pages; empty when all is well."""
    with database.read() as connection:
        if not database.is_sqlite:
            return []
        rows = connection.execute(text("pragma integrity_check(20)")).scalars().all()
        return [str(row) for row in rows if row != "ok"]


def _engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url, connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False})
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        complete_for_postgresql()
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    except (ImportError, NoSuchModuleError) as error:
        raise UsageError(
            f"the driver for {url.get_backend_name()} is not installed: pip install 'assetwatch[postgresql]'"
        ) from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    cursor = connection.cursor()
    cursor.execute(f"pragma busy_timeout={_BUSY_MS}")
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.execute("pragma cache_size=-32768")
    cursor.execute("pragma mmap_size=268435456")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _prepare_file(path: Path, create: bool) -> None:
    if path.exists():
        if path.is_dir():
            raise CatalogError(f"{path}: the catalog must be a file, this is a directory.")
        return
    if not create:
        raise CatalogError(f"{path}: there is no catalog here yet. `assetwatch scan DIR` makes one.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(
            f"{path}: the folder for the catalog cannot be made: {error.strerror}. "
            "Give another place with --catalog or ASSETWATCH_CATALOG."
        ) from error


def _revision(database: Database) -> str | None:
    with database.read() as connection:
        if not connection.dialect.has_table(connection, "alembic_version"):
            if connection.dialect.has_table(connection, "sqlite_sequence") or _foreign_tables(connection):
                raise CatalogError(
                    f"{database.shown}: this database belongs to something else. Give assetwatch one of its own."
                )
            return None
        return connection.execute(text("select version_num from alembic_version")).scalar()


def _foreign_tables(connection: Connection) -> bool:
    return bool(connection.dialect.get_table_names(connection))


def _bring_up_to_date(database: Database, revision: str | None, clock: Clock) -> None:
    from alembic import command  # a third of a second: only when the schema has to change
    from alembic.script import ScriptDirectory

    config = alembic_config(database)
    if revision is not None:
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision not in known:
            raise CatalogError(
                f"{database.shown}: the catalog was written by a newer assetwatch (schema {revision}; "
                f"this program knows up to {HEAD}). Upgrade assetwatch on this machine; nothing was changed."
            )
        if database.path is not None:
            stamp = clock.now().strftime("%Y%m%d-%H%M%S")
            backup(database, database.path.with_name(f"{database.path.name}.before-{HEAD}-{stamp}"))
            kept = sorted(database.path.parent.glob(f"{database.path.name}.before-*[0-9]"))
            for old in kept[:-_BACKUPS_KEPT]:
                old.unlink()
    with database.write() as connection:
        # Two programs may find the catalog new at once: the second finds it done.
        if not database.is_sqlite:
            connection.execute(text("select pg_advisory_xact_lock(7241166)"))
        if connection.dialect.has_table(connection, "alembic_version"):
            now_at = connection.execute(text("select version_num from alembic_version")).scalar()
            if now_at == HEAD:
                return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def alembic_config(database: Database) -> Any:
    """Alembic's configuration for this catalog; no alembic.ini is needed beside the program."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["database"] = database
    return config


@contextlib.contextmanager
def explained(database: Database) -> Iterator[None]:
    """Turn what the database's driver raises into a CatalogError that names the catalog and the way out."""
    try:
        yield
    except DatabaseError as error:
        raise _explanation(database, str(error.orig)) from error
    except sqlite3.Error as error:
        raise _explanation(database, str(error)) from error


def _explanation(database: Database, message: str) -> CatalogError:
    """One sentence on what is wrong and what to do, from the driver's own words."""
    ways = (
        ("locked", "another program is writing and did not finish in 30 s. Is a scan or a migration stuck?"),
        ("readonly", "it, or its folder, is read-only here. Give another place with --catalog."),
        ("read-only", "it, or its folder, is read-only here. Give another place with --catalog."),
        ("unable to open", "it cannot be opened. Does its folder exist, and may this user write there?"),
        ("disk is full", "the disk is full. Nothing recorded was lost; free space and start again."),
        ("disk I/O", "the disk gives errors. See `dmesg`; restore from a backup if they persist."),
        ("malformed", "it is damaged. `assetwatch catalog check` tells how far; restore a backup, or start a new one."),
        ("not a database", "it is no SQLite database, or damaged. Give another place with --catalog."),
        ("no such table", "it is not complete. `assetwatch catalog check` tells more."),
        ("connection", "the server cannot be reached."),
        ("could not", "the server cannot be reached."),
    )
    first_line = message.strip().splitlines()[0] if message.strip() else "no reason given"
    for sign, meaning in ways:
        if sign in message:
            return CatalogError(f"{database.shown}: {meaning} ({first_line})")
    return CatalogError(f"{database.shown}: {first_line}")
