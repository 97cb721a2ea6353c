"""How is the catalog's database opened, brought up to date, backed up and written to?

SQLite runs in WAL mode with `synchronous=FULL`: the catalog is evidence, a committed row survives a power cut.
Every write begins with BEGIN IMMEDIATE: a deferred transaction that turns into a write half-way fails at once
with "database is locked", whatever the busy timeout.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import re
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError

from assetwatch.catalog.still import Still
from assetwatch.catalog.still import found as found_still
from assetwatch.catalog.tables import complete_for_postgresql, metadata
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

    def __init__(self, url: URL, *, busy_ms: int = _BUSY_MS, still: Still | None = None) -> None:
        self.url = url
        self.busy_ms = busy_ms
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database) if self.is_sqlite and url.database else None
        self._still = still
        self._engine = _engine(url if still is None else still.url, busy_ms)

    @property
    def writable(self) -> bool:
        """Whether whoever runs this may write to it; a server says so only when it is tried."""
        return self.path is None or (os.access(self.path, os.W_OK) and os.access(self.path.parent, os.W_OK))

    @property
    def shown(self) -> str:
        """The catalog's place for a person: a file, or a URL without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection on one consistent view of the catalog."""
        with explained(self), self._engine.connect() as connection:
            if not self.is_sqlite:  # where each statement would have a view of its own
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with contextlib.nullcontext() if self._still is None else self._still.reading():
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
        """A connection that the caller keeps, for locks that live as long as it; closing it ends its session."""
        connection = self._engine.connect()
        connection.detach()
        return connection

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
    shown = re.sub(r"(://[^/]*:)[^/]*@", r"\1***@", given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise UsageError(f"catalog URL {shown!r} cannot be read: expected {_EXPECTED}.") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise UsageError(f"catalog URL {shown!r}: expected {_EXPECTED}.")
    if url.get_backend_name() == "sqlite" and (not url.database or url.database == ":memory:"):
        raise UsageError(f"catalog URL {shown!r} names no file: expected {_EXPECTED}.")
    return url


_EXPECTED = "sqlite:////absolute/file.db or postgresql+psycopg://user@host/database"


def open_database(url: URL, clock: Clock, *, create: bool = True, busy_ms: int = _BUSY_MS) -> Database:
    """Open the catalog at `url` at this program's schema: made where there is none, backed up and migrated where old.

    A write waits `busy_ms` milliseconds for another program's. Raises CatalogError when the catalog is newer than
    this program, locked, corrupt, on a read-only or full disk, or absent with `create` false; UsageError when the
    database's driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        _prepare_file(Path(str(url.database)), create)
    database = Database(url, busy_ms=busy_ms, still=None if create else _found_still(url))
    try:
        revision = _revision(database)
        if revision is None and not create:
            raise _no_catalog(database.shown)
        if revision != HEAD:
            _bring_up_to_date(database, revision, clock)
        elif database.is_sqlite and database.writable:
            _keep_a_log(database)
    except BaseException:
        database.close()
        raise
    return database


def _found_still(url: URL) -> Still | None:
    """What is to be read and nobody has open, by who may not write beside it; None for every other catalog."""
    return found_still(Path(str(url.database))) if url.get_backend_name() == "sqlite" else None


def revision_of(database: Database) -> str | None:
    """The schema's revision as it stands in the database; None where there is no schema yet."""
    return _revision(database)


def backup(database: Database, target: Path) -> None:
    """Write a consistent copy of a SQLite catalog to `target` while others go on writing.

    Appears under its name only when it is whole. Raises CatalogError, and UsageError when `target` is there already
    or the catalog is in PostgreSQL (whose own tools do this better).
    """
    if database.path is None:
        plain = database.url._replace(drivername="postgresql", password=None).render_as_string()
        raise UsageError(f"this catalog is in PostgreSQL: back it up with pg_dump -Fc {plain!r}")
    if os.path.lexists(target):
        raise UsageError(f"{target}: is there already. Give the backup a name of its own.")
    partial = target.with_name(target.name + ".partial")
    try:
        with explained(database):
            source = sqlite3.connect(database.path, isolation_level=None)
        with contextlib.closing(source):
            with explained(database):
                # One view from the beginning: the copy would start anew at every write of others.
                source.execute("begin")
                source.execute("select count(*) from sqlite_master").fetchone()
            partial.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(partial)) as copy:
                source.backup(copy, pages=4096)
                copy.execute("pragma journal_mode=delete")
        with open(partial, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(partial, target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        for left in (partial, partial.with_name(partial.name + "-journal")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        if "malformed" in str(error):
            raise _explanation(database, str(error)) from error
        raise CatalogError(
            f"{target}: the backup cannot be written: {error}. The catalog itself is untouched."
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def integrity_faults(database: Database) -> list[str]:
    """What the database itself finds wrong with its pages; empty when all is well."""
    with database.read() as connection:
        if not database.is_sqlite:
            return []
        rows = connection.execute(text("pragma integrity_check(20)")).scalars().all()
        return [str(row) for row in rows if row != "ok"]


def _engine(url: URL, busy_ms: int) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url, connect_args={"timeout": busy_ms / 1000, "check_same_thread": False})
            engine.dialect.statement_compiler = _SQLiteCompiler
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        complete_for_postgresql()
        # A hold on a volume is a session: keepalives notice within minutes that a server or a network is gone.
        limits = {"connect_timeout": 10, "keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}
        return create_engine(url, pool_pre_ping=True, connect_args=limits)
    except (ImportError, NoSuchModuleError) as error:
        raise UsageError(
            f"the driver for {url.get_backend_name()} is not installed: pip install 'assetwatch[postgresql]'"
        ) from error


class _SQLiteCompiler(SQLiteCompiler):
    """SQLAlchemy's, that also writes hints: SQLite takes `INDEXED BY` where other databases take theirs."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        return text


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    cursor = connection.cursor()
    cursor.execute("pragma synchronous=full")
    cursor.execute("pragma foreign_keys=on")
    cursor.execute("pragma cache_size=-32768")
    cursor.execute("pragma mmap_size=268435456")
    cursor.close()


def _keep_a_log(database: Database) -> None:
    """Have a SQLite catalog in WAL mode. The file remembers it; a restored backup has to be told again."""
    assert database.path is not None
    with explained(database), contextlib.closing(sqlite3.connect(database.path, database.busy_ms / 1000)) as plain:
        if plain.execute("pragma journal_mode").fetchone()[0] == "wal":
            return
        try:
            plain.execute("pragma journal_mode=wal").fetchone()
        except sqlite3.OperationalError:
            # Somebody is at work in it, or it may only be read here: both go on without.
            pass


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _prepare_file(path: Path, create: bool) -> None:
    """Leave the path such that SQLite can open it, or say why it cannot."""
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise CatalogError(f"{path}: the catalog cannot be opened: {error.strerror}. {_ELSEWHERE}") from error
    else:
        if kind != stat.S_IFREG:
            what = "a directory" if kind == stat.S_IFDIR else "a device, FIFO or socket"
            raise CatalogError(f"{path}: the catalog must be a file, this is {what}.")
        return
    if not create:
        raise _no_catalog(str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogError(
            f"{path}: the folder for the catalog cannot be made: {error.strerror}. {_ELSEWHERE}"
        ) from error
    if os.geteuid() == 0 and path.parent.stat().st_uid != 0:
        # Made by root in the service's folder: the service has to open it as its own user. SQLite gives the files that
        # it puts beside it to the same owner.
        with open(path, "ab") as made:
            give_to_folder(made.fileno(), str(path))


def give_to_folder(fd: int, path: str) -> None:
    """Have a file that root made belong to whom its folder belongs to: the service has to open it as its own user."""
    if os.geteuid() != 0:
        return
    folder, seen = os.stat(os.path.dirname(path) or "."), os.fstat(fd)
    if seen.st_uid == 0 and folder.st_uid != 0:
        os.fchown(fd, folder.st_uid, folder.st_gid)


_ELSEWHERE = "Give another place with --catalog or ASSETWATCH_CATALOG."


def _no_catalog(shown: str) -> CatalogError:
    return CatalogError(f"{shown}: there is no catalog here yet. `assetwatch scan DIR` makes one.")


def _revision(database: Database) -> str | None:
    """The schema's revision; None for an empty database. Raises CatalogError for one that is not ours."""
    with database.read() as connection:
        there = set(connection.dialect.get_table_names(connection))
        if not there - {"alembic_version"}:
            return None
        if not there >= {"alembic_version", "volume", "file", "counter"}:
            raise CatalogError(
                f"{database.shown}: this database belongs to something else. Give assetwatch one of its own."
            )
        return connection.execute(text("select version_num from alembic_version")).scalar()


def _bring_up_to_date(database: Database, revision: str | None, clock: Clock) -> None:
    if revision is not None:
        from alembic.script import ScriptDirectory  # a third of a second: only when the schema has to change

        steps = ScriptDirectory.from_config(alembic_config(database))
        # Those that lead to ours: a folder in which a newer program was built may have brought its steps along.
        known = {script.revision for script in steps.walk_revisions(head=HEAD)}
        if revision not in known:
            raise CatalogError(
                f"{database.shown}: the catalog was written by a newer assetwatch (schema {revision}; "
                f"this program knows up to {HEAD}). Upgrade assetwatch on this machine; nothing was changed."
            )
        if database.path is not None:
            _backup_before_upgrade(database, database.path, clock)
    if database.is_sqlite:
        _keep_a_log(database)
    with database.write() as connection:
        # Two programs may find the catalog new at once: the second finds it done.
        if not database.is_sqlite:
            connection.execute(text("select pg_advisory_xact_lock(7241166)"))
            encoding = connection.execute(text("show server_encoding")).scalar()
            if encoding != "UTF8":
                raise CatalogError(
                    f"{database.shown}: the database's encoding is {encoding}, which cannot keep every file's name. "
                    "Make one with `createdb --encoding=UTF8 --template=template0`."
                )
        stamped = connection.dialect.has_table(connection, "alembic_version")
        now_at = connection.execute(text("select version_num from alembic_version")).scalar() if stamped else None
        if now_at is None:
            _make_schema(connection)
        elif now_at != HEAD:
            migrate(database, connection)


def _make_schema(connection: Connection) -> None:
    """Make the whole schema in an empty database: what the migrations come to, in a tenth of the time."""
    metadata.create_all(connection)
    # As Alembic makes it.
    connection.execute(
        text(
            "create table if not exists alembic_version "
            "(version_num varchar(32) not null, constraint alembic_version_pkc primary key (version_num))"
        )
    )
    connection.execute(text("insert into alembic_version (version_num) values (:head)"), {"head": HEAD})


def migrate(database: Database, connection: Connection) -> None:
    """Run the migrations that a catalog lacks, in the transaction of `connection`."""
    from alembic import command

    config = alembic_config(database)
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def _backup_before_upgrade(database: Database, path: Path, clock: Clock) -> None:
    """Copy the catalog as it is beside it, and keep the newest few of these copies."""
    stamp = clock.now().strftime("%Y%m%d-%H%M%S")
    copy = path.with_name(f"{path.name}.before-{HEAD}-{stamp}")
    if not copy.exists():
        backup(database, copy)
    kept = sorted(path.parent.glob(f"{glob.escape(path.name)}.before-[0-9]*-[0-9]*-[0-9]*[0-9]"))
    for old in kept[:-_BACKUPS_KEPT]:
        old.unlink()


def alembic_config(database: Database) -> Any:
    """Alembic's configuration for this catalog; no alembic.ini is needed beside the program."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["database"] = database
    return config


@contextlib.contextmanager
def explained(database: Database) -> Iterator[None]:
    """Turn what the database's driver raises into a CatalogError that names the catalog and the way out.

    A broken constraint is no affair of the database's but a bug, and stays what it is.
    """
    try:
        yield
    except (IntegrityError, sqlite3.IntegrityError):
        raise
    except DatabaseError as error:
        raise _explanation(database, str(error.orig)) from error
    except sqlite3.Error as error:
        raise _explanation(database, str(error)) from error


_READ_ONLY = f"it, or its folder, is read-only here. {_ELSEWHERE}"
_FULL = "the disk is full. Nothing recorded was lost; free space and start again."

#: What a driver's message contains -> what it means and what to do.
_WAYS = (
    ("readonly", _READ_ONLY),
    ("read-only", _READ_ONLY),
    ("unable to open", "it cannot be opened. Does its folder exist, and may this user write there?"),
    ("disk is full", _FULL),
    ("No space left", _FULL),
    ("disk I/O", "the disk gives errors. See `dmesg`; restore from a backup if they persist."),
    (
        "malformed",
        "it is damaged. `assetwatch catalog check` tells how far; `catalog restore` puts a backup in its place.",
    ),
    ("not a database", f"it is no SQLite database, or damaged. {_ELSEWHERE}"),
    ("no such table", "it is not complete. `assetwatch catalog check` tells more."),
    ("authentication failed", "the server does not accept this user or password. ~/.pgpass is a place for passwords."),
    ("no password supplied", "the server asks for a password. ~/.pgpass is a place for it."),
    ("pg_hba.conf", "the server does not let this user in from here. See its pg_hba.conf."),
    ("permission denied", "this user may not do that there. Have the database made his: createdb --owner=USER."),
    ("does not exist", "there is no such database or user on the server. Make it: createdb --encoding=UTF8 NAME."),
    ("too many", "the server has no connection left. See its max_connections."),
    ("connection", "the server cannot be reached."),
    ("could not", "the server cannot be reached."),
)


def _explanation(database: Database, message: str) -> CatalogError:
    """One sentence on what is wrong and what to do, from the driver's own words."""
    first_line = message.strip().splitlines()[0] if message.strip() else "no reason given"
    if "is locked" in message:
        meaning = (
            f"another program is writing and did not finish in {database.busy_ms / 1000:g} s. "
            "Is a scan or a migration stuck?"
        )
    elif database.path is not None and _has_no_room(database.path, message):
        meaning = _FULL
    elif database.path is not None and _is_read_only(database.path, message):
        meaning = _READ_ONLY
    else:
        meaning = next((meaning for sign, meaning in _WAYS if sign in message), "")
    if meaning == _READ_ONLY and database.path is not None and (owner := _other_owner(database.path)) is not None:
        meaning = f"it, or its folder, is read-only here. It is {owner}'s: ask as `sudo -u {owner} assetwatch ...`."
    return CatalogError(f"{database.shown}: {meaning} ({first_line})" if meaning else f"{database.shown}: {first_line}")


def _has_no_room(path: Path, message: str) -> bool:
    """Whether what SQLite calls an I/O error comes of a full disk, on which it cannot enlarge its index of the log."""
    if "disk I/O" not in message and "unable to open" not in message:
        return False
    try:
        disk = os.statvfs(path.parent)
        return disk.f_blocks > 0 and disk.f_bavail == 0  # of what is no disk, such as /proc, both are 0
    except OSError:
        return False


def _other_owner(path: Path) -> str | None:
    """The user who may write a file that this one may not; None where that is no question of users."""
    try:
        if os.statvfs(path.parent).f_flag & os.ST_RDONLY or os.geteuid() in (0, path.stat().st_uid):
            return None
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except (OSError, KeyError):
        return None


def _is_read_only(path: Path, message: str) -> bool:
    """Whether a file could not be opened because nothing may be written beside it, or its file system is read-only."""
    if "unable to open" not in message:
        return False
    try:
        beside = path.exists() and not os.access(path.parent, os.W_OK)
        return beside or bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False
