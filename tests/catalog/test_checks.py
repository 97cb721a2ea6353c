"""Are the files to be proved given in their order, claimed once, and let go of with what is owed to them?"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import event, insert

from assetwatch.catalog import checks, files, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.rows import FileRow
from tests.catalog.conftest import Shelf


def on_shelf(shelf: Shelf, **dates: tuple[int, int | None]) -> dict[str, FileRow]:
    """Files of one volume with a content: name -> (recorded, checked)."""
    volume = shelf.volume()
    found = {}
    for name, (recorded_us, checked_us) in dates.items():
        (row,) = shelf.put(volume, f"A/{name}", recorded_us=recorded_us, checked_us=checked_us)
        found[name] = shelf.read(row, xxh128=name)
    return found


def order(shelf: Shelf, which: str, before_us: int | None = None, pattern: str | None = None) -> list[str]:
    """The names that `candidates` gives."""
    volume = shelf.volume()
    return [one.row.name for one in checks.candidates(shelf.database, which, volume.id, before_us, pattern)]


def as_they_stand(shelf: Shelf, rows: dict[str, FileRow]) -> dict[str, FileRow]:
    with shelf.database.read() as connection:
        return {row.name: row for row in files.by_id(connection, [row.id for row in rows.values()]).values()}


class TestCandidates:
    """Which files, in which order."""

    @pytest.mark.parametrize("page", [1, 2, 2000])
    def test_longest_unread_first(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
        """By the date of their last reading and up to a date, however many are asked for at once."""
        monkeypatch.setattr(checks, "_PAGE", page)
        on_shelf(shelf, a=(30, None), b=(10, None), c=(10, None), d=(5, 40), e=(6, 20), f=(50, None))
        assert order(shelf, "never", 50) == ["b", "c", "a"]
        assert order(shelf, "checked", 50) == ["e", "d"]
        assert order(shelf, "checked", 40) == ["e"]

    def test_states(self, shelf: Shelf) -> None:
        """What failed is on its own way; what is not here, never read, or no file is on none."""
        rows = on_shelf(shelf, ok=(1, None), bad=(1, 2), torn=(1, None), gone=(1, None), new=(1, None))
        states = {
            "bad": {"integrity": "mismatch"},
            "torn": {"integrity": "unreadable"},
            "gone": {"presence": "missing"},
            "new": {"integrity": "pending"},
        }
        with shelf.database.write() as connection:
            files.change(connection, [(rows[name], replace(rows[name], **values)) for name, values in states.items()])
        shelf.put(shelf.volume(), "A/link", kind="symlink")
        assert [order(shelf, which) for which in ("failed", "never", "checked")] == [["bad", "torn"], ["ok"], []]

    def test_pattern(self, shelf: Shelf) -> None:
        """Only what fits a pattern."""
        on_shelf(shelf, a=(1, None), b=(2, None))
        assert order(shelf, "never", None, "A/b") == ["b"]
        assert order(shelf, "never", None, "A") == ["a", "b"]
        assert order(shelf, "never", None, "B") == []

    @pytest.mark.parametrize(
        ("which", "index"), [("failed", "ix_file_failed"), ("never", "ix_file_never_checked"), ("checked", "ix_file_c")]
    )
    def test_by_an_index(self, shelf: Shelf, which: str, index: str) -> None:
        """SQLite goes along the index made for it and sorts nothing, so that ten million rows cost a page."""
        if not shelf.database.is_sqlite:
            pytest.skip("PostgreSQL's plan depends on how much there is")
        asked: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            asked.append((statement, parameters))

        engine = shelf.database._engine
        event.listen(engine, "before_cursor_execute", note)
        order(shelf, which, 50)
        event.remove(engine, "before_cursor_execute", note)
        statement, parameters = next(one for one in asked if "JOIN folder" in one[0])
        with shelf.database.read() as connection:
            steps = connection.exec_driver_sql(f"explain query plan {statement}", parameters)
            plan = " ".join(str(step[-1]) for step in steps)
        assert index in plan
        assert "TEMP B-TREE" not in plan


class TestClaims:
    """Who may read a file now."""

    def test_once(self, shelf: Shelf) -> None:
        """A file is claimed by one only, and not at all when something is owed to it."""
        rows = on_shelf(shelf, a=(1, None), b=(1, None))
        with shelf.database.write() as connection:
            files.change(connection, [(rows["b"], replace(rows["b"], due_for="read", due_us=5))])
        with shelf.database.write() as connection:
            assert checks.claim(connection, list(rows.values()), 9).keys() == {rows["a"].id}
        with shelf.database.write() as connection:
            assert checks.claim(connection, list(rows.values()), 9) == {}

    def test_as_it_stands(self, shelf: Shelf) -> None:
        """A claimed file comes back as it stands now, whatever it was when it was chosen."""
        rows = on_shelf(shelf, a=(1, None))
        with shelf.database.write() as connection:
            files.change(connection, [(rows["a"], replace(rows["a"], size=77))])
        with shelf.database.write() as connection:
            (row,) = checks.claim(connection, list(rows.values()), 9).values()
        assert (row.size, row.due_for, row.due_us) == (77, "checking", 9)

    def test_given_back(self, shelf: Shelf) -> None:
        """Given back, nothing is owed to a file; a reading where it was unreadable, or a list asked for one."""
        rows = on_shelf(shelf, a=(1, None), torn=(1, None), listed=(1, None))
        torn = replace(rows["torn"], integrity="unreadable", due_for="read", due_us=99)
        with shelf.database.write() as connection:
            files.change(connection, [(rows["torn"], torn)])
            assert len(checks.claim(connection, [rows["a"], torn, rows["listed"]], 9)) == 3
            connection.execute(insert(t.package).values(volume_id=torn.volume_id, path="", found_us=1))
            where = {"package_id": 1, "path": "A/listed", "key": "a/listed", "volume_id": torn.volume_id}
            connection.execute(
                insert(t.claim).values(**where, file_id=rows["listed"].id, verdict="waiting", wanted="md5", judged_us=1)
            )
        with shelf.database.write() as connection:
            assert checks.give_back(connection, [torn.volume_id], 50) == 3
        due = {name: (row.due_for, row.due_us) for name, row in as_they_stand(shelf, rows).items()}
        assert due == {"a": (None, None), "torn": ("read", 50), "listed": ("read", 50)}


class TestExtent:
    """How much there is, and how old."""

    def test_counts(self, shelf: Shelf) -> None:
        """Files and bytes to prove, from the totals or counted for a pattern, and what was checked since a date."""
        rows = on_shelf(shelf, a=(10, None), b=(5, 40), c=(6, 20))
        shelf.put(shelf.volume(), "A/new", integrity="pending", presence="arriving", size=7)
        volume = shelf.volume().id
        with shelf.database.read() as connection:
            assert checks.extent(connection, [volume], None, None) == (3, 3000, 1, 0, 0)
            assert checks.extent(connection, [volume], "A", 40) == (3, 3000, 1, 1, 1000)
            assert checks.extent(connection, [volume], "A/b", None) == (1, 1000, 0, 0, 0)
            assert checks.oldest_check_us(connection, [volume], None) == 10
        with shelf.database.write() as connection:
            checks.found_equal(connection, [rows["a"].id], 60)
        with shelf.database.read() as connection:
            assert checks.oldest_check_us(connection, [volume], None) == 20

    def test_nights(self, shelf: Shelf) -> None:
        """Earlier sweeps over the same files, newest first; others and those that never ended are left out."""
        with shelf.database.write() as connection:
            for start, scope, end in ((1, "x", 2), (3, "y", 4), (5, "x", 6), (7, "x", None)):
                common = {"kind": "verify", "why": "", "host": "h", "version": "1", "started_us": start}
                run = volumes.begin_run(connection, common)
                if end is not None:
                    volumes.end_run(connection, run, end, complete=start == 1, counts={"scope": scope, "bytes": start})
        with shelf.database.read() as connection:
            assert list(checks.nights(connection, "x")) == [(5, False, 5), (1, True, 1)]
