"""Is the catalog's account of packages and their claims right, on either database?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.catalog import packages, promises
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import ClaimRow
from tests.senders import Desk, desk_on, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is scanned."""
    yield from desk_on(tmp_path)


@pytest.fixture
def volume(database: Database) -> int:
    """A volume's row in an empty catalog."""
    with database.write() as connection:
        return int(
            connection.execute(t.volume.insert().returning(t.volume.c.id), [{"name": "V", "root": "/v"}]).scalar_one()
        )


def claim(path: str, **values: object) -> ClaimRow:
    """A claim of the first package."""
    known: dict[str, object] = dict.fromkeys(ClaimRow.__struct_fields__)
    known |= {"package_id": 1, "path": path, "key": packages.key_of(path), "volume_id": 1, "verdict": "missing"}
    known |= {"wanted": "md5", "algorithm": "md5", "expected": "00", "notes": "", "judged_us": 1}
    return ClaimRow(**{**known, **values})  # type: ignore[arg-type]


def test_package_that_is_being_judged_is_given_back(database: Database, volume: int) -> None:
    """Taken it is not offered again; given back after a crash it is; released it is judged."""
    with database.write() as connection:
        packages.found(connection, volume, ["A001"], 1)
        (row,) = packages.stale(connection, [volume])
        packages.take(connection, row.id)
        assert packages.stale(connection, [volume]) == []
        packages.give_back(connection, [volume])
        assert [one.id for one in packages.stale(connection, [volume])] == [row.id]
        packages.take(connection, row.id)
        packages.release(connection, row.id)
        packages.give_back(connection, [volume])
        assert packages.stale(connection, [volume]) == []


def test_change_while_it_is_judged_is_not_lost(database: Database, volume: int) -> None:
    """A list that is found again while its package is being judged makes it stale, and the end does not undo that."""
    with database.write() as connection:
        packages.found(connection, volume, ["A001"], 1)
        (row,) = packages.stale(connection, [volume])
        packages.take(connection, row.id)
        packages.found(connection, volume, ["A001"], 2)
        packages.release(connection, row.id)
        assert len(packages.stale(connection, [volume])) == 1


def test_claims_are_written_over_and_taken_back(database: Database, volume: int) -> None:
    """One claim a path, the last that was written."""
    with database.write() as connection:
        packages.found(connection, volume, ["A001"], 1)
        packages.write_claims(connection, [claim("A001/a"), claim("A001/b")], [])
        packages.write_claims(connection, [claim("A001/a", verdict="verified")], [claim("A001/b")])
        assert {p: c.verdict for p, c in packages.claims(connection, 1).items()} == {"A001/a": "verified"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Caf\u00e9/A.MOV", "cafe\u0301/a.mov"), ("a\\b.mov", "a/b.mov"), ("STRASSE", "stra\u00dfe")],
)
def test_spellings_that_may_be_one_file(one: str, other: str) -> None:
    """What a list needs of a file is found under any spelling that would be reconciled."""
    assert packages.key_of(one) == packages.key_of(other)


class TestWithoutList:
    def missing(self, desk: Desk, *patterns: str) -> list[str]:
        with desk.bench.database.read() as connection:
            return promises.without_list(connection, desk.bench.care.id, patterns)

    def test_folders_that_fit_and_have_none(self, desk: Desk) -> None:
        """The glob is about the folder's depth: clips below a roll need no list of their own."""
        put(desk.root, {"D1/A001/CLIP/a.mov": b"a", "D1/A002/b.mov": b"b", "D1/A002/b.md5": sums({"b.mov": b"b"})})
        desk.settle()
        assert self.missing(desk, "D*/A*") == ["D1/A001"]
        assert self.missing(desk, "*") == []
        assert self.missing(desk) == []

    def test_list_above_counts_only_for_what_it_names(self, desk: Desk) -> None:
        """One list in the root does not speak for every roll."""
        put(desk.root, {"A001/a.mov": b"a", "A002/b.mov": b"b", "some.md5": sums({"A001/a.mov": b"a"})})
        desk.settle()
        assert self.missing(desk, "A*") == ["A002"]

    def test_list_below_counts(self, desk: Desk) -> None:
        """The lists of the parts are the lists of the roll."""
        put(desk.root, {"A001/part/a.mov": b"a", "A001/part/a.md5": sums({"a.mov": b"a"})})
        desk.settle()
        assert self.missing(desk, "A*") == []

    def test_folder_that_is_gone_needs_none(self, desk: Desk) -> None:
        """A roll that was moved away is not asked for its list."""
        put(desk.root, {"A001/a.mov": b"a", **roll(5, "rest")})
        desk.settle()
        (desk.root / "A001").rename(desk.root / "done")
        desk.settle()
        assert self.missing(desk, "A*") == []


class TestPromises:
    def test_part_of_a_larger_package(self, desk: Desk) -> None:
        """Of a list above, a folder's promise is what it says of the folder."""
        content = {**roll(2, "A001"), **roll(3, "A002")}
        put(desk.root, {**content, "all.md5": sums({**content, "A002/late.mov": b"late"})})
        desk.settle()
        with desk.bench.database.read() as connection:
            (first,) = promises.promises(connection, "V", "A001")
            (second,) = promises.promises(connection, "V", "A002")
            (whole,) = promises.promises(connection, "V", "")
            (single,) = promises.promises(connection, "V", "A002/C0001.mov")
        assert (first.here, first.row.listed, first.complete) == (2, 2, True)
        assert (second.here, second.row.listed, second.complete) == (3, 4, False)
        assert (whole.here, whole.row.listed) == (5, 6)
        assert (single.row.listed, single.complete) == (1, True)

    def test_list_above_that_says_nothing_of_a_folder(self, desk: Desk) -> None:
        """It is not shown with it."""
        put(desk.root, {"A001/a.mov": b"a", "A002/b.mov": b"b", "some.md5": sums({"A001/a.mov": b"a"})})
        desk.settle()
        with desk.bench.database.read() as connection:
            assert promises.promises(connection, "V", "A002") == []

    def test_file_that_rots_after_it_was_verified(self, desk: Desk) -> None:
        """A package is not complete while a later reading says that one of its files is wrong."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.settle()
        with desk.bench.database.write() as connection:
            connection.execute(
                t.file.update().where(t.file.c.id == desk.bench.row("A001/C0001.mov").id).values(integrity="mismatch")
            )
        assert desk.promise("A001").wrong == ["1 file that was verified is wrong since"]
        assert not desk.promise("A001").complete
