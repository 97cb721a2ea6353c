"""Are the right backups kept, does one become the catalog again whatever happens, and is a copy complete?"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from sqlalchemy.engine import URL

from assetwatch.catalog import backups, tables
from assetwatch.catalog.engine import Database, backup, open_database
from assetwatch.clock import FakeClock
from assetwatch.errors import CatalogError, HeldError, UsageError


def url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


@contextlib.contextmanager
def opened(path: Path) -> Any:
    """A SQLite catalog, made where there is none."""
    database = open_database(url(path), FakeClock())
    try:
        yield database
    finally:
        database.close()


def make(path: Path, *names: str) -> Path:
    """A catalog with volumes of these names."""
    with opened(path) as database:
        add(database, *names)
    return path


def add(database: Database, *names: str) -> None:
    with database.write() as connection:
        for name in names:
            connection.execute(insert(tables.volume).values(name=name, root=f"/mnt/{name}"))


def names(path: Path) -> list[str]:
    """The volumes in a catalog, opened as the program opens it."""
    with opened(path) as database, database.read() as connection:
        return list(connection.execute(select(tables.volume.c.name).order_by(tables.volume.c.id)).scalars())


# -- rotation ---------------------------------------------------------------------------------------------------


class TestRotation:
    """A backup each night."""

    def test_a_backup_a_night_for_a_year(self, tmp_path: Path) -> None:
        """Of the last days each has its backup, and of the weeks before each its newest; nothing else is there."""
        clock = FakeClock(datetime(2026, 1, 1, 4, 15, tzinfo=UTC))
        with opened(make(tmp_path / "catalog.db", "a")) as database:
            folder = backups.folder_of(database, None)
            for _ in range(50):
                clock.advance(86_400)
                done = backups.rotate(database, folder, clock, 7, 4)
        made = [instant.date() for instant, _ in backups.kept(folder, "catalog.db")]
        today = clock.now().date()
        assert made[:7] == [today - timedelta(days=number) for number in range(7)]
        assert [day.isoweekday() for day in made[7:]] == [7, 7, 7, 7]
        assert len(list(folder.iterdir())) == 11
        assert done.made.name == f"catalog.db.backup-{clock.now():%Y%m%d-%H%M%S}"
        assert names(done.made) == ["a"]

    @given(
        st.lists(st.integers(0, 400 * 24), unique=True, max_size=60),
        st.integers(1, 10),
        st.integers(0, 10),
    )
    def test_what_is_kept_of_any_backups(self, hours: list[int], days: int, weeks: int) -> None:
        """The newest is never let go, no more are kept than asked for, and no day or week has two."""
        begin = datetime(2025, 12, 28)
        copies = sorted(((begin + timedelta(hours=hour), Path(str(hour))) for hour in hours), reverse=True)
        old = set(backups._superfluous(copies, days, weeks))
        kept = [made for made, path in copies if path not in old]
        assert len(kept) <= days + weeks
        assert kept[:1] == [made for made, _ in copies[:1]]
        assert len({made.date() for made in kept}) == len(kept)
        weekly = [made.isocalendar()[:2] for made in kept[days:]]
        assert len(set(weekly)) == len(weekly)
        every_day = {made.date() for made, _ in copies}
        assert len(kept) >= min(days, len(every_day))

    def test_other_files_are_left_alone(self, tmp_path: Path) -> None:
        """Only what has the name of a backup of this catalog is let go."""
        folder = tmp_path / "backups"
        folder.mkdir()
        others = ["catalog.db", "catalog.db.backup-mine", "other.db.backup-20200101-000000", "catalog.db.before-0001-x"]
        for name in others:
            (folder / name).write_text("x")
        (folder / "catalog.db.backup-20200101-000000").write_text("x")
        with opened(make(tmp_path / "catalog.db", "a")) as database:
            done = backups.rotate(database, folder, FakeClock(), 1, 0)
        assert sorted(path.name for path in folder.iterdir()) == sorted([*others, done.made.name])

    def test_what_a_kill_left_half_written_goes(self, tmp_path: Path) -> None:
        """Before the next one needs the room; what may still be under way is left alone."""
        clock = FakeClock(datetime(2026, 1, 10, 4, 15, tzinfo=UTC))
        folder = tmp_path / "backups"
        folder.mkdir()
        for name in ("20260108-041500.partial", "20260108-041500.partial-journal", "20260110-041000.partial"):
            (folder / f"catalog.db.backup-{name}").write_text("half of it")
        with opened(make(tmp_path / "catalog.db", "a")) as database:
            made = backups.rotate(database, folder, clock, 7, 4).made
        left = {path.name for path in folder.iterdir()} - {made.name}
        assert left == {"catalog.db.backup-20260110-041000.partial"}

    def test_nothing_is_let_go_when_no_backup_can_be_made(self, tmp_path: Path) -> None:
        """A damaged catalog does not push its good copies out."""
        catalog = make(tmp_path / "catalog.db", *map(str, range(500)))
        folder = tmp_path / "backups"
        clock = FakeClock()
        with opened(catalog) as database:
            first = backups.rotate(database, folder, clock, 1, 0).made
            with contextlib.closing(sqlite3.connect(catalog)) as plain:
                plain.execute("pragma wal_checkpoint(truncate)")
            with open(catalog, "rb+") as file:
                file.seek(8192)
                file.write(os.urandom(catalog.stat().st_size - 8192))
            clock.advance(86_400)
            with pytest.raises(CatalogError):
                backups.rotate(database, folder, clock, 1, 0)
        assert first in folder.iterdir()

    def test_postgresql_is_backed_up_by_its_own_tools(self, postgresql_shared: Database, tmp_path: Path) -> None:
        """And said how."""
        with pytest.raises(UsageError, match="pg_dump"):
            backups.rotate(postgresql_shared, tmp_path, FakeClock(), 1, 1)


# -- restore ----------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A catalog of which there is a backup, `backup.db`, and in which more was entered since, not yet checkpointed."""
    catalog = make(tmp_path / "state" / "catalog.db", "old")
    (tmp_path / "state").chmod(0o750)
    with opened(catalog) as database:
        backup(database, tmp_path / "backup.db")
        add(database, "new")
    return catalog


class TestRestore:
    """A backup in the place of the catalog."""

    def test_it_takes_the_place_of_the_catalog(self, saved: Path, tmp_path: Path) -> None:
        """With the old one, complete, beside it, and its log gone."""
        done = backups.restore(saved, tmp_path / "backup.db", FakeClock(), force=True)
        assert names(saved) == ["old"]
        assert done.aside is not None
        assert names(done.aside) == ["old", "new"]
        assert names(tmp_path / "backup.db") == ["old"]

    def test_where_there_is_no_catalog(self, saved: Path, tmp_path: Path) -> None:
        """A catalog that is lost altogether comes back without more words."""
        saved.unlink()
        done = backups.restore(saved, tmp_path / "backup.db", FakeClock())
        assert (names(saved), done.aside) == (["old"], None)
        assert saved.stat().st_mode & 0o777 == 0o640

    def test_a_sound_catalog_is_not_replaced_unasked(self, saved: Path, tmp_path: Path) -> None:
        """What was recorded since would be missing."""
        with pytest.raises(UsageError, match="--force"):
            backups.restore(saved, tmp_path / "backup.db", FakeClock())
        assert names(saved) == ["old", "new"]

    def test_a_damaged_catalog_is_replaced(self, saved: Path, tmp_path: Path) -> None:
        """And kept as it is, with its log."""
        log = saved.with_name("catalog.db-wal")
        log.write_bytes(b"a log that nobody can read")
        saved.write_bytes(b"SQLite format 3\0" + os.urandom(20_000))
        damaged = saved.read_bytes()
        done = backups.restore(saved, tmp_path / "backup.db", FakeClock())
        assert names(saved) == ["old"]
        assert done.aside is not None
        assert done.aside.read_bytes() == damaged
        assert done.aside.with_name(done.aside.name + "-wal").exists()

    @pytest.mark.parametrize("what", ["absent", "garbage", "truncated", "other database", "newer", "itself"])
    def test_what_is_no_backup_is_refused(self, what: str, saved: Path, tmp_path: Path) -> None:
        """And the catalog stays as it is, to the byte."""
        source = tmp_path / "backup.db"
        if what == "absent":
            source.unlink()
        elif what == "garbage":
            source.write_bytes(os.urandom(8192))
        elif what == "truncated":
            os.truncate(source, source.stat().st_size // 2 // 4096 * 4096)
        elif what == "itself":
            source = saved
        else:
            with contextlib.closing(sqlite3.connect(source)) as connection:
                connection.execute(
                    "update alembic_version set version_num = '9999'" if what == "newer" else "drop table file"
                )
                connection.commit()
        before = saved.read_bytes()
        with pytest.raises(UsageError) as caught:
            backups.restore(saved, source, FakeClock(), force=True)
        assert str(source) in str(caught.value)
        assert saved.read_bytes() == before
        assert names(saved) == ["old", "new"]

    def test_not_while_somebody_is_at_work(self, saved: Path, tmp_path: Path) -> None:
        """A keeper's lock is respected, also with --force."""
        with open(f"{saved}.volume-1.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(HeldError):
                backups.restore(saved, tmp_path / "backup.db", FakeClock(), force=True)
        backups.restore(saved, tmp_path / "backup.db", FakeClock(), force=True)
        assert names(saved) == ["old"]

    def test_not_while_somebody_reads(self, saved: Path, tmp_path: Path) -> None:
        """Its log could not be emptied into it, and would be lost."""
        with opened(saved) as database, database.read() as connection:
            connection.execute(select(tables.volume)).all()
            with pytest.raises(HeldError):
                backups.restore(saved, tmp_path / "backup.db", FakeClock(), force=True)
            assert not saved.with_name("catalog.db.restoring").exists()
        assert names(saved) == ["old", "new"]


#: What a restore does to the disk, as Python tells of it before it is done (audit events).
_STEPS = ("os.link", "os.remove", "os.rename", "os.chmod", "os.chown", "shutil.copyfile", "sqlite3.connect")
_OPENS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_DIRECTORY


def restore_killed_at(step: int, catalog: Path, source: Path) -> bool:
    """Restore in a process of its own that is killed before its n-th step; whether it came to its end."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, args: tuple[Any, ...]) -> None:
            nonlocal left
            if event in _STEPS or (event == "open" and (args[2] or 0) & _OPENS):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        sys.addaudithook(count)
        try:
            backups.restore(catalog, source, FakeClock(), force=True)
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code == 0


def test_killed_at_any_step_the_old_catalog_or_the_new_one_is_there(tmp_path: Path) -> None:
    """Whole, with what was in the old one's log, and the next restore goes through."""
    outcomes = []
    for step in range(100):
        folder = tmp_path / str(step)
        catalog = make(folder / "catalog.db", "old")
        with contextlib.closing(sqlite3.connect(catalog)) as writer:
            with opened(catalog) as database:
                backup(database, folder / "backup.db")
            # As after a crash: the log stays behind, with a commit in it.
            writer.execute("insert into volume (name, root) values ('new', '/mnt/new')")
            writer.commit()
            crashed = {end: (folder / f"catalog.db{end}").read_bytes() for end in ("", "-wal")}
        for end, content in crashed.items():
            (folder / f"catalog.db{end}").write_bytes(content)
        ended = restore_killed_at(step, catalog, folder / "backup.db")
        outcomes.append(names(catalog))
        assert outcomes[-1] in (["old", "new"], ["old"]), step
        backups.restore(catalog, folder / "backup.db", FakeClock(datetime(2027, 1, 1, tzinfo=UTC)), force=True)
        assert names(catalog) == ["old"]
        if ended:
            break
    assert outcomes[0] == ["old", "new"]
    assert outcomes[-1] == ["old"]
    assert len(outcomes) > 8


# -- copies -----------------------------------------------------------------------------------------------------


def fill(database: Database) -> None:
    """Something in tables that point at each other, with awkward texts, sizes and bytes."""
    t = tables
    with database.write() as connection:
        connection.execute(insert(t.volume).values(id=7, name="ingest", root="/mnt/caf\u00e9//FF", online=1))
        connection.execute(insert(t.folder).values(id=1, volume_id=7, path=""))
        rows = [
            {
                "id": number,
                "volume_id": 7,
                "folder_id": 1,
                "name": f"a{number:05}.mov",
                "kind": "file",
                "size": 2**62,
                "mtime_ns": -1,
                "ctime_ns": 2**62,
                "inode": number,
                "presence": "present",
                "integrity": "recorded",
                "first_seen_us": 1,
                "stat_since_us": 1,
            }
            for number in range(1, 5_001)
        ]
        connection.execute(insert(t.file), rows)
        connection.execute(
            insert(t.version).values(
                id=1,
                file_id=1,
                size=1,
                mtime_ns=1,
                inode=1,
                seen_us=1,
                settled_us=1,
                recorded_us=1,
                read_us=1,
                how="read",
            )
        )
        connection.execute(insert(t.digest).values(version_id=1, algorithm="xxh128", value="0" * 32))
        connection.execute(
            insert(t.media).values(
                version_id=1, status="ok", facts='{"a": "\u2028\\u0000"}', answer=bytes(range(256)), tool="t",
                tool_version="1", probed_us=1,
            )
        )  # fmt: skip
        connection.execute(insert(t.observation), [{"at_us": number, "what": "x"} for number in range(10)])


def content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in tables.metadata.sorted_tables
        }


@pytest.fixture
def other_url(empty_url: URL, tmp_path: Path) -> URL:
    """Where a copy can be made, on each database."""
    return url(tmp_path / "copy.db") if empty_url.get_backend_name() == "sqlite" else empty_url


class TestCopy:
    """All of a catalog in another database."""

    def test_every_row_arrives(self, database: Database, other_url: URL) -> None:
        """From each database into each, equal in every table; and what is entered next gets a number of its own."""
        fill(database)
        target = open_database(other_url, FakeClock())
        try:
            told: dict[str, int] = {}
            assert backups.copy(database, target, told.__setitem__) == sum(told.values())
            assert told["file"] == 5_000
            assert content(target) == content(database)
            with target.write() as connection:
                for table, values in (
                    (tables.observation, {"at_us": 1, "what": "y"}),
                    (tables.volume, {"name": "b", "root": "/b"}),
                ):
                    connection.execute(insert(table).values(**values))
                assert connection.execute(select(func.max(tables.volume.c.id))).scalar() == 8
        finally:
            target.close()

    def test_only_into_an_empty_catalog(self, database: Database, other_url: URL) -> None:
        """What is there already is not mixed with anything."""
        fill(database)
        target = open_database(other_url, FakeClock())
        try:
            add(target, "there")
            before = content(target)
            with pytest.raises(UsageError, match="something in it already"):
                backups.copy(database, target)
            assert content(target) == before
        finally:
            target.close()

    def test_not_onto_itself(self, database: Database) -> None:
        """A catalog is not its own copy."""
        with pytest.raises(UsageError, match="the catalog itself"):
            backups.copy(database, database)

    def test_not_while_somebody_is_at_work(self, saved: Path, tmp_path: Path) -> None:
        """What is entered meanwhile would be missing."""
        with (
            open(f"{saved}.volume-1.lock", "w") as lock,
            opened(saved) as source,
            opened(tmp_path / "copy.db") as target,
            pytest.raises(HeldError),
        ):
            fcntl.flock(lock, fcntl.LOCK_EX)
            backups.copy(source, target)
