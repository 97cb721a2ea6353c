"""What follows for files from a judged package, and is what happened meanwhile left alone?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.catalog import packages, volumes
from assetwatch.catalog.packages import PackageRow
from assetwatch.ingest.compare import Compared, Comparer, compare
from assetwatch.ingest.promise import Entry
from tests.senders import Desk, desk_on, flip, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A roll of two with its list, compared."""
    for desk in desk_on(tmp_path, algorithms=("xxh128", "md5")):
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.settle()
        yield desk


def judged(desk: Desk) -> list[Compared]:
    """The package as it is judged at this moment, in pieces."""
    with desk.bench.database.read() as connection:
        (row,) = packages.all_packages(connection)
    pieces: list[Compared] = []
    compare(desk.bench.database, row, str(desk.root), (), pieces.append)
    return pieces


def enter(desk: Desk, pieces: list[Compared]) -> Entry:
    """Enter it to the end."""
    for piece in pieces:
        entry = Entry(piece)
        more = True
        while more:
            with desk.bench.database.write() as connection:
                more = entry.step(connection, desk.bench.now_us())
    return entry


def test_nothing_new_writes_nothing(desk: Desk) -> None:
    """Claims that say what they said keep their date, and files their rows."""
    before = desk.claim_rows("A001"), desk.bench.rows()
    desk.bench.clock.advance(5)
    enter(desk, judged(desk))
    assert (desk.claim_rows("A001"), desk.bench.rows()) == before


def test_completion_is_told_once(desk: Desk) -> None:
    """The moment that the last file is right, and not again."""
    assert not enter(desk, judged(desk)).completed
    with desk.bench.database.write() as connection:
        packages.set_values(connection, 1, {"complete_us": None})
    assert enter(desk, judged(desk)).completed


def test_file_that_changed_after_it_was_judged_is_left_alone(desk: Desk) -> None:
    """An outcome that is older than the catalog says nothing of the file; the next judging does."""
    outcome = judged(desk)
    flip(desk.root / "A001/C0001.mov")
    desk.bench.care.ask_scan("the test wants to know")
    desk.bench.tick()
    desk.settle()
    after = desk.bench.row("A001/C0001.mov")
    assert after.integrity == "mismatch"
    enter(desk, outcome)
    assert desk.bench.row("A001/C0001.mov") == after


def test_what_a_volume_shows_that_is_gone_is_not_entered(desk: Desk) -> None:
    """The catalog knows the files: a folder that is not found proves nothing."""
    desk.root.rename(desk.root.with_name("away"))
    outcome = judged(desk)
    assert outcome[-1].gone
    enter(desk, outcome)
    desk.root.with_name("away").rename(desk.root)
    assert desk.claims("A001") == {"A001/C0001.mov": "verified", "A001/C0002.mov": "verified"}


def test_package_that_the_catalog_knows_nothing_of_goes(desk: Desk) -> None:
    """A folder that looked like a package and was none is forgotten."""
    with desk.bench.database.write() as connection:
        packages.found(connection, desk.bench.care.id, ["never"], 1)
        row = next(one for one in packages.all_packages(connection) if one.path == "never")
    pieces: list[Compared] = []
    compare(desk.bench.database, row, str(desk.root), (), pieces.append)
    enter(desk, pieces)
    with desk.bench.database.read() as connection:
        assert [one.path for one in packages.all_packages(connection)] == ["A001"]


def test_bug_in_a_list_reader_is_the_packages_problem(desk: Desk) -> None:
    """Whatever goes wrong in judging a list, the daemon goes on, and the package says what happened."""
    volume_id = desk.bench.care.id
    with desk.bench.database.write() as connection:
        packages.found(connection, volume_id, ["A001"], 1)
    ended = threading.Event()
    comparer = Comparer(desk.bench.database, desk.bench.clock, ended.set)
    comparer.begin({volume_id: 5}, {})  # type: ignore[dict-item] # no root, as only a bug would have it
    assert ended.wait(30)
    outcome = comparer.collect()
    assert outcome is not None
    enter(desk, [outcome])
    (text,) = desk.promise("A001").wrong
    assert "a bug in assetwatch: TypeError" in text
    assert desk.claims("A001") == {"A001/C0001.mov": "verified", "A001/C0002.mov": "verified"}


def test_offline_volume_keeps_its_package_stale(desk: Desk) -> None:
    """A package whose volume goes between judging and entry is judged again when it is back."""
    outcome = judged(desk)
    row: PackageRow = outcome[-1].package
    with desk.bench.database.write() as connection:
        packages.take(connection, row.id)
    desk.bench.daemon._entry = Entry(outcome[-1])
    desk.root.rename(desk.root.with_name("away"))
    desk.bench.tick()
    assert not desk.bench.care.online
    with desk.bench.database.read() as connection:
        assert [one.id for one in packages.stale(connection, [desk.bench.care.id])] == [row.id]
        assert not volumes.all_volumes(connection)[0].online
