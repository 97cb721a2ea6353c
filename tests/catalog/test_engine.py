"""Is everything that can be wrong with a catalog's place said in one useful sentence, and is a backup whole?"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError

from assetwatch.catalog import engine, tables
from assetwatch.catalog.engine import Database, backup, integrity_faults, open_database, parse_url
from assetwatch.catalog.still import Still
from assetwatch.clock import FakeClock
from assetwatch.errors import CatalogError, UsageError

NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser may mount")


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def refusal(url: URL, *, create: bool = True) -> str:
    """What is said when a catalog cannot be opened."""
    with pytest.raises(CatalogError) as caught:
        open_database(url, FakeClock(), create=create).close()
    said = str(caught.value)
    assert "\n" not in said
    return said


def make(path: Path, volumes: int = 0) -> Path:
    """A catalog, with so many volumes in it."""
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database, database.write() as connection:
        rows = [{"name": f"volume-{number}", "root": f"/mnt/{number}" + "x" * 500} for number in range(volumes)]
        if rows:
            connection.execute(insert(tables.volume), rows)
    return path


def add_volume(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(insert(tables.volume).values(name=name, root="/mnt"))


def add_volumes_for_ever(database: Database) -> None:
    for number in itertools.count():
        add_volume(database, f"one-more-{number}" + "x" * 500)


def fill_up(folder: Path) -> None:
    """Leave no room on a file system, by a file named `filler`."""
    with contextlib.suppress(OSError), open(folder / "filler", "wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass
    assert os.statvfs(folder).f_bavail == 0


def names(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("select name from volume order by id")]


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def refusal_as_nobody(path: Path) -> str:
    """What is said to a user who may do nothing, when he opens a catalog and begins to write."""

    def begin() -> str:
        with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database, database.write():
            return "nothing was refused"

    return as_nobody(begin)


def as_nobody(ask: Callable[[], str]) -> str:
    """What a user who may do nothing is told, in a forked child that needs no right to read the program once more."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        said = ""
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said = ask()
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(write_end, said.encode())
            os._exit(0)
    os.close(write_end)
    with open(read_end, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


# -- URLs -------------------------------------------------------------------------------------------------------


def test_without_a_url_the_catalog_lies_in_the_state_directory(tmp_path: Path) -> None:
    """Nothing given is SQLite where the system keeps state."""
    assert parse_url(None, tmp_path) == sqlite_url(tmp_path / "catalog.db")


def test_a_path_is_a_catalog_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path without a scheme is taken from the working directory, odd characters and all."""
    monkeypatch.chdir(tmp_path)
    assert parse_url("a b?c%20.db", tmp_path).database == str(tmp_path / "a b?c%20.db")


@pytest.mark.parametrize(
    "given", ["postgresql://ann@db/show", "postgres://ann@db/show", "postgresql+psycopg://ann@db/show"]
)
def test_each_way_to_write_postgresql_means_our_driver(given: str, tmp_path: Path) -> None:
    """A URL copied from elsewhere works whatever driver it has in mind."""
    assert parse_url(given, tmp_path).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "given",
    [
        "mysql://ann:s3cret@db/show",
        "postgresql+asyncpg://ann:s3cret@db/show",
        "sqlite+aiosqlite:////tmp/a.db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://ann:s3cret@db:port/show",
        "://ann:s3cret@db",
        "post gres://ann:s3cret@db",
    ],
)
def test_a_url_that_is_of_no_use_is_refused_without_its_password(given: str, tmp_path: Path) -> None:
    """The message says what was expected, and repeats no password."""
    with pytest.raises(UsageError, match=r"sqlite:////absolute/file\.db") as caught:
        parse_url(given, tmp_path)
    assert "s3cret" not in str(caught.value)


# -- SQLite: a place that is of no use --------------------------------------------------------------------------


def test_a_directory_is_no_catalog(tmp_path: Path) -> None:
    """A directory given as catalog is named as one."""
    assert refusal(sqlite_url(tmp_path)) == f"{tmp_path}: the catalog must be a file, this is a directory."


def test_a_fifo_is_no_catalog(tmp_path: Path) -> None:
    """A FIFO is refused, and not opened: that could wait for ever."""
    os.mkfifo(tmp_path / "fifo")
    assert "must be a file" in refusal(sqlite_url(tmp_path / "fifo"))


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    """A path that leads through a file says that the folder cannot be made."""
    (tmp_path / "file").touch()
    said = refusal(sqlite_url(tmp_path / "file" / "catalog.db"))
    assert "catalog.db" in said
    assert "Not a directory" in said or "File exists" in said


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    """A name that no file system takes is said to be too long."""
    assert "File name too long" in refusal(sqlite_url(tmp_path / ("x" * 300)))


def test_a_missing_catalog_is_not_made_by_a_question(empty_url: URL) -> None:
    """Commands that only ask do not make a catalog, neither a file nor tables in a database."""
    assert "there is no catalog here yet" in refusal(empty_url, create=False)
    assert "there is no catalog here yet" in refusal(empty_url, create=False)
    if empty_url.get_backend_name() == "sqlite":
        assert not Path(str(empty_url.database)).exists()


def test_an_empty_file_is_not_made_a_catalog_by_a_question(tmp_path: Path) -> None:
    """A file of no bytes, as `touch` or a full disk leaves it, is no catalog yet; a scan makes it one."""
    path = tmp_path / "catalog.db"
    path.touch()
    assert "there is no catalog here yet" in refusal(sqlite_url(path), create=False)
    assert path.stat().st_size == 0
    make(path)
    assert names(path) == []


def test_a_folder_that_may_not_be_written() -> None:
    """A user without rights is told that it is about rights, and the path."""
    with open_folder() as folder:
        (folder / "locked").mkdir()
        (folder / "locked").chmod(0o555)
        said = refusal_as_nobody(folder / "locked" / "catalog.db")
    assert said.startswith(f"CatalogError: {folder}/locked/catalog.db: ")
    assert "may this user write there?" in said


def test_a_folder_that_may_not_be_entered() -> None:
    """A path whose folder is closed is named, with the system's reason."""
    with open_folder() as folder:
        (folder / "closed").mkdir()
        (folder / "closed").chmod(0o700 if os.geteuid() == 0 else 0)
        said = refusal_as_nobody(folder / "closed" / "deep" / "catalog.db")
        (folder / "closed").chmod(0o700)
    assert said.startswith("CatalogError: ")
    assert "Permission denied" in said


def test_a_catalog_of_somebody_else() -> None:
    """Somebody else's catalog is said to be read-only, in one sentence."""
    with open_folder() as folder:
        make(folder / "catalog.db")
        (folder / "catalog.db").chmod(0o444)
        said = refusal_as_nobody(folder / "catalog.db")
    assert said.startswith("CatalogError: ")
    assert "read-only" in said


class TestNobodyHasItOpen:
    """A catalog in a folder that whoever reads it may not write to, as people of the service's group find it."""

    def test_is_read(self) -> None:
        """All of it, and nothing is made beside it; who wants to write is told that it is read-only."""
        with open_folder() as folder:
            make(folder / "catalog.db", volumes=3)
            said = asked_as_nobody(folder / "catalog.db")
            beside = os.listdir(folder)
        assert said.startswith("3 volumes; refused: ")
        assert beside == ["catalog.db"]

    def test_is_read_while_somebody_has_it_open(self) -> None:
        """As ever: what is in the log counts."""
        with open_folder() as folder:
            make(folder / "catalog.db", volumes=3)
            with contextlib.closing(open_database(sqlite_url(folder / "catalog.db"), FakeClock())) as database:
                add_volume(database, "in the log")
                said = asked_as_nobody(folder / "catalog.db")
        assert said.startswith("4 volumes; refused: ")

    def test_a_log_that_was_left_is_not_passed_over(self) -> None:
        """Killed at work: what stands only in the log is not told as if it were not."""
        with open_folder() as folder, open_folder() as copied:
            make(folder / "catalog.db")
            with contextlib.closing(open_database(sqlite_url(folder / "catalog.db"), FakeClock())) as database:
                add_volume(database, "in the log")
                for name in ("catalog.db", "catalog.db-wal"):
                    shutil.copy(folder / name, copied / name)
            said = asked_as_nobody(copied / "catalog.db")
        assert said.startswith("CatalogError: ")
        assert "sudo -u" in said

    def test_what_is_written_meanwhile_is_noticed(self, tmp_path: Path) -> None:
        """What was read of it does not count."""
        path = make(tmp_path / "catalog.db", volumes=3)
        seen = path.stat()
        stat = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
        with (
            contextlib.closing(Database(sqlite_url(path), still=Still(path, stat))) as database,
            pytest.raises(CatalogError, match="Ask again"),
            database.read() as connection,
        ):
            assert connection.execute(text("select count(*) from volume")).scalar() == 3
            make(path, volumes=0).touch()


def asked_as_nobody(path: Path) -> str:
    """What a user without rights there reads of a catalog, and what he is told when he wants to write to it."""

    def ask() -> str:
        with contextlib.closing(open_database(sqlite_url(path), FakeClock(), create=False)) as database:
            with database.read() as connection:
                count = connection.execute(text("select count(*) from volume")).scalar()
            try:
                add_volume(database, "new")
            except CatalogError as error:
                return f"{count} volumes; {'refused: ' if 'sudo -u' in str(error) else ''}{error}"
        return f"{count} volumes; nothing was refused"

    return as_nobody(ask)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach (pytest's own is closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="aw-engine-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@as_root
def test_a_file_system_that_is_mounted_read_only(tmp_path: Path) -> None:
    """A new catalog on a read-only file system, or an old one there, is refused as read-only."""
    with mounted(tmp_path / "mount", "size=8m") as folder:
        make(folder / "old.db")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert "read-only" in refusal(sqlite_url(folder / "sub" / "new.db")).lower()
        new = refusal(sqlite_url(folder / "new.db"))
        assert "new.db" in new
        assert "read-only" in new
        assert "read-only" in refusal(sqlite_url(folder / "old.db"))


@as_root
def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that fills up says so; what was committed before is there when it has room again."""
    with mounted(tmp_path / "mount", "size=2m") as folder:
        path = folder / "catalog.db"
        database = open_database(sqlite_url(path), FakeClock())
        add_volume(database, "before")
        fill_up(folder)
        with pytest.raises(CatalogError, match=r"disk is full\. Nothing recorded was lost"):
            add_volumes_for_ever(database)
        (folder / "filler").unlink()
        add_volume(database, "with room again")
        database.close()
        assert names(path)[0] == "before"
        assert names(path)[-1] == "with room again"


@as_root
def test_a_disk_without_room_for_a_new_catalog(tmp_path: Path) -> None:
    """Making a catalog on a full disk says that the disk is full."""
    with mounted(tmp_path / "mount", "size=64k") as folder:
        fill_up(folder)
        assert "disk is full" in refusal(sqlite_url(folder / "catalog.db"))


# -- SQLite: contents of no use ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [os.urandom(8192), b"BEGIN:VCARD\n" * 100, b"\0" * 8192], ids=["random", "text", "zeros"]
)
def test_a_file_that_is_no_database(content: bytes, tmp_path: Path) -> None:
    """Some other file is said to be no database, and left as it is."""
    path = tmp_path / "clip.mov"
    path.write_bytes(content)
    assert "no SQLite database" in refusal(sqlite_url(path))
    assert path.read_bytes() == content


def test_the_database_of_another_program(tmp_path: Path) -> None:
    """Another program's database is left alone."""
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table account (id integer)")
        connection.commit()
    before = path.read_bytes()
    assert "belongs to something else" in refusal(sqlite_url(path))
    assert path.read_bytes() == before


def test_the_database_of_another_program_that_migrates_as_we_do(tmp_path: Path) -> None:
    """Another program's revision is not taken for a newer one of ours."""
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table account (id integer)")
        connection.execute("create table alembic_version (version_num text)")
        connection.execute("insert into alembic_version values ('4711')")
        connection.commit()
    assert "belongs to something else" in refusal(sqlite_url(path))


def test_a_database_of_another_program_on_a_server(postgresql: Any) -> None:
    """The same on PostgreSQL: tables of others in the database are a reason not to touch it."""
    url = postgresql.url(postgresql.make_database())
    with contextlib.closing(Database(url)) as plain, plain.write() as connection:
        connection.execute(text("create table account (id integer)"))
    assert "belongs to something else" in refusal(url)


def test_a_damaged_page_is_found_and_said(tmp_path: Path) -> None:
    """Damage within the file is found by the check, and a question that meets it says what to do."""
    path = make(tmp_path / "catalog.db", volumes=200)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        page = connection.execute("select rootpage from sqlite_master where name = 'volume'").fetchone()[0]
        size = connection.execute("pragma page_size").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
        assert integrity_faults(database)
        with pytest.raises(CatalogError, match=r"damaged\. `assetwatch catalog check`"), database.read() as connection:
            connection.execute(select(tables.volume)).all()


def test_a_catalog_that_was_cut_short(tmp_path: Path) -> None:
    """Half a file, as an interrupted copy leaves it, is said to be damaged."""
    path = make(tmp_path / "catalog.db", volumes=500)
    os.truncate(path, path.stat().st_size // 2)
    try:  # whether it is met on opening or on asking is SQLite's affair
        with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
            faults = integrity_faults(database)
    except CatalogError as error:
        faults = [str(error)] if "damaged" in str(error) else []
    assert faults


def test_a_sound_catalog_has_no_faults(database: Database) -> None:
    """The check finds nothing where nothing is."""
    assert integrity_faults(database) == []


# -- writers beside each other ----------------------------------------------------------------------------------


def test_another_writer_that_does_not_end(tmp_path: Path) -> None:
    """Beyond the busy timeout the catalog is said to be locked, and for how long it was waited."""
    path = make(tmp_path / "catalog.db")
    with (
        contextlib.closing(open_database(sqlite_url(path), FakeClock())) as first,
        contextlib.closing(open_database(sqlite_url(path), FakeClock(), busy_ms=100)) as second,
        first.write() as connection,
    ):
        connection.execute(insert(tables.volume).values(name="first", root="/mnt"))
        with second.read() as reader:
            assert reader.execute(select(tables.volume)).all() == []
        with pytest.raises(CatalogError, match=r"another program is writing and did not finish in 0\.1 s"):
            add_volume(second, "second")
    assert names(path) == ["first"]


def test_a_write_waits_for_the_one_before(tmp_path: Path) -> None:
    """Within the busy timeout writers take turns, also where a read comes first in their transaction."""
    path = make(tmp_path / "catalog.db")
    failed: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as mine:
                for turn in range(20):
                    with mine.write() as connection:
                        known = len(connection.execute(select(tables.volume.c.id)).all())
                        connection.execute(insert(tables.volume).values(name=f"{number}-{turn}", root=str(known)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        roots = [int(row[0]) for row in connection.execute("select root from volume order by id")]
    assert roots == list(range(60))


def test_a_write_is_whole_or_not_at_all(database: Database) -> None:
    """An error in the middle of a write takes back what came before it."""
    with contextlib.suppress(RuntimeError), database.write() as connection:
        connection.execute(insert(tables.volume).values(name="half", root="/mnt"))
        raise RuntimeError
    with database.read() as connection:
        assert connection.execute(select(tables.volume)).all() == []


def test_a_read_is_one_view(database: Database) -> None:
    """What is committed during a read is not seen by it: a long list and its sums belong together."""
    with database.read() as connection:
        assert connection.execute(select(tables.volume.c.name)).all() == []
        add_volume(database, "meanwhile")
        assert connection.execute(select(tables.volume.c.name)).all() == []
    with database.read() as connection:
        assert connection.execute(select(tables.volume.c.name)).scalars().all() == ["meanwhile"]


def test_a_row_that_cannot_be_is_a_bug_and_not_a_sentence(database: Database) -> None:
    """A broken constraint is a fault of the program: it comes with its traceback, not as advice to a person."""
    add_volume(database, "twice")
    with pytest.raises(IntegrityError):
        add_volume(database, "twice")


# -- PostgreSQL: a place that is of no use ----------------------------------------------------------------------


def test_a_server_that_is_not_there() -> None:
    """An address at which nothing listens is said to be out of reach."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    said = refusal(make_url("postgresql+psycopg://ann:s3cret@127.0.0.1:1/show"))
    assert "the server cannot be reached" in said
    assert "s3cret" not in said
    assert "ann:***@127.0.0.1:1/show" in said


def test_a_wrong_password(postgresql: Any) -> None:
    """A server that turns the user away is not said to be out of reach, and no password is repeated."""
    name = postgresql.make_database()
    said = refusal(make_url(f"postgresql+psycopg://tester:wr0ng@127.0.0.1:{postgresql.port}/{name}"))
    assert "does not accept this user or password" in said
    assert "wr0ng" not in said


def test_a_database_that_is_not_there(postgresql: Any) -> None:
    """A server without this database: say how it is made."""
    said = refusal(postgresql.url("no_such_database"))
    assert "createdb" in said


def test_a_user_without_rights(postgresql: Any) -> None:
    """A user who may not make tables is told to be given the database."""
    name = postgresql.make_database()
    postgresql.run_sql(f"create role guest_of_{name} login")
    said = refusal(postgresql.url(name).set(username=f"guest_of_{name}"))
    assert "may not do that" in said


def test_a_database_that_cannot_keep_every_name(postgresql: Any) -> None:
    """A database in another encoding than UTF-8 could not keep a show's names: refused before the first."""
    postgresql.run_sql("create database latin template template0 encoding 'LATIN1' locale_provider libc locale 'C'")
    try:
        assert "UTF8" in refusal(postgresql.url("latin"))
    finally:
        postgresql.run_sql("drop database latin")


def test_a_missing_driver_names_what_to_install() -> None:
    """Without psycopg a PostgreSQL URL says which extra brings it."""
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from sqlalchemy.engine import make_url; from assetwatch.catalog.engine import open_database\n"
        "from assetwatch.clock import FakeClock; from assetwatch.errors import UsageError\n"
        "try: open_database(make_url('postgresql+psycopg://ann@localhost/show'), FakeClock())\n"
        "except UsageError as error: print(error); sys.exit(2)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "pip install 'assetwatch[postgresql]'" in ended.stdout


# -- backups ----------------------------------------------------------------------------------------------------


def test_a_backup_is_consistent_while_others_write(tmp_path: Path) -> None:
    """A writer that never rests neither spoils a backup nor keeps it from ending; what is in it belongs together."""
    path = make(tmp_path / "catalog.db", volumes=3000)
    stop = threading.Event()
    begun = threading.Event()

    def write() -> None:
        with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as mine:
            number = 0
            while not stop.is_set():
                with mine.write() as connection:  # always two together
                    connection.execute(insert(tables.volume).values(name=f"left-{number}", root="/mnt"))
                    connection.execute(insert(tables.volume).values(name=f"right-{number}", root="/mnt"))
                number += 1
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begun.wait()
        with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
            for number in range(3):
                backup(database, tmp_path / f"copy-{number}.db")
    finally:
        stop.set()
        writer.join()
    for number in range(3):
        kept = names(tmp_path / f"copy-{number}.db")
        left = [name[5:] for name in kept if name.startswith("left-")]
        assert left
        assert left == [name[6:] for name in kept if name.startswith("right-")]
        with contextlib.closing(open_database(sqlite_url(tmp_path / f"copy-{number}.db"), FakeClock())) as copy:
            assert integrity_faults(copy) == []


def test_a_backup_is_one_file_of_its_own(tmp_path: Path) -> None:
    """The copy holds all that was committed, also what lies in the write-ahead log, and needs no file beside it."""
    path = make(tmp_path / "catalog.db")
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
        add_volume(database, "only in the log yet")
        (tmp_path / "kept").mkdir()
        backup(database, tmp_path / "kept" / "copy.db")
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["copy.db"]
    assert names(tmp_path / "kept" / "copy.db") == ["only in the log yet"]


def test_a_backup_that_is_killed_leaves_nothing_under_its_name(tmp_path: Path) -> None:
    """Ended half-way, there is no file that could be taken for a backup; the next one begins afresh."""
    path = make(tmp_path / "catalog.db", volumes=30_000)
    target = tmp_path / "copy.db"
    script = (
        "import sys; from pathlib import Path; from sqlalchemy.engine import URL;"
        "from assetwatch.catalog.engine import backup, open_database; from assetwatch.clock import FakeClock\n"
        "database = open_database(URL.create('sqlite', database=sys.argv[1]), FakeClock())\n"
        "print('begin', flush=True)\n"
        "while True:\n"
        "    backup(database, Path(sys.argv[2])); Path(sys.argv[2]).unlink()\n"
    )
    partial = target.with_name("copy.db.partial")
    with subprocess.Popen([sys.executable, "-c", script, str(path), str(target)], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        while not (partial.exists() and 0 < size_of(partial) < path.stat().st_size):
            assert program.poll() is None
        program.send_signal(signal.SIGSTOP)
        program.send_signal(signal.SIGKILL)
    if target.exists():  # it was between two backups: then what is there is whole
        assert len(names(target)) == 30_000
        target.unlink()
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
        backup(database, target)
    assert len(names(target)) == 30_000
    assert not partial.exists()


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("there", ["clip.mov", "catalog.db"])
def test_a_backup_takes_the_place_of_nothing(there: str, tmp_path: Path) -> None:
    """A file that is there already, be it footage or the catalog itself, stays as it is."""
    path = make(tmp_path / "catalog.db", volumes=1)
    (tmp_path / "clip.mov").write_bytes(b"footage")
    before = (tmp_path / there).read_bytes()
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
        with pytest.raises(UsageError, match=f"{there}: is there already"):
            backup(database, tmp_path / there)
        add_volume(database, "more")
    if there == "clip.mov":
        assert (tmp_path / there).read_bytes() == before
    assert names(path) == ["volume-0", "more"]


def test_a_backup_to_a_place_of_no_use_names_that_place(tmp_path: Path) -> None:
    """Where the copy cannot be written it is the copy's place that is named, and the catalog is not blamed."""
    path = make(tmp_path / "catalog.db")
    with contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database:
        with pytest.raises(CatalogError, match=r"nowhere/copy\.db: the backup cannot be written"):
            backup(database, tmp_path / "nowhere" / "copy.db")
        with pytest.raises(UsageError, match="is there already"):
            backup(database, tmp_path)


@as_root
def test_a_backup_to_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A copy for which there is no room is said to be so, and takes none."""
    path = make(tmp_path / "catalog.db", volumes=2000)
    with (
        mounted(tmp_path / "mount", "size=512k") as folder,
        contextlib.closing(open_database(sqlite_url(path), FakeClock())) as database,
    ):
        with pytest.raises(CatalogError, match=r"copy\.db: the backup cannot be written: .*full"):
            backup(database, folder / "copy.db")
        assert list(folder.iterdir()) == []


def test_a_catalog_on_a_server_is_backed_up_by_its_own_tool(postgresql: Any, postgresql_catalog: str) -> None:
    """The command to run is given, in the form that pg_dump takes, without the password."""
    url = postgresql.url(postgresql_catalog).set(password="s3cret")
    with contextlib.closing(Database(url)) as database, pytest.raises(UsageError) as caught:
        backup(database, Path("copy"))
    assert "pg_dump -Fc 'postgresql://tester@" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_revision_is_told(database: Database) -> None:
    """`catalog upgrade` and `check` tell the schema as it stands in the database."""
    assert engine.revision_of(database) == engine.HEAD
