"""Is what a person knows of told no more as news, and everything else all the same?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.senders import flip, put, roll, sums

Call = Callable[..., Any]


class Store:
    """A volume with two rolls and their lists, and the program on it."""

    def __init__(self, folder: Path, call: Call) -> None:
        self.root = folder / "ingest"
        self._call = call
        self._catalog = ("--catalog", str(folder / "catalog.db"))
        # Of different sizes: the copy of a file that goes takes over its history.
        for name, size in (("A001", 900), ("A002", 1000)):
            put(self.root, {**roll(3, name, size=size), f"{name}/{name}.md5": sums(roll(3, size=size))})
        put(self.root, {"B001/notes.txt": b"notes", "B002/notes.txt": b"more"})

    def __call__(self, *args: str | Path) -> Any:
        return self._call(*self._catalog, *args)

    def scan(self) -> Any:
        """Take stock."""
        return self("scan", self.root, "--settle", "50ms", "--json")

    def status(self) -> int:
        """How `status` ends: 0 where nobody has to be told anything."""
        return int(self("status", "--json").code)

    def know(self, path: str, *more: str) -> Any:
        """Acknowledge what is wrong at a path."""
        return self("acknowledge", f"ingest:{path}", "--why", "on LTO 000123", "--by", "Ann", *more)


@pytest.fixture
def store(tmp_path: Path, call: Call) -> Store:
    """Everything is here and right."""
    store = Store(tmp_path, call)
    assert store.scan().code == 0
    return store


def test_roll_that_was_archived_and_deleted(store: Store) -> None:
    """A deleted roll is told until a person says that it is known; what is missing besides is told as before."""
    shutil.rmtree(store.root / "A001")
    store.scan()
    assert store.status() == 1
    answer = store.know("A001", "--json")
    assert answer.json["files"] == {"missing": 4}
    assert {one["package"] for one in answer.json["packages"]} == {"ingest:A001"}
    status = store("status", "--json")
    assert (status.code, status.json["problems"]) == (0, [])
    assert status.json["files"]["by_presence"]["missing"] == 4  # nothing is called right by it
    assert store.scan().code == 0
    assert "is known to be so: on LTO 000123 (Ann)" in store("show", "ingest:A001/C0001.mov").out
    (store.root / "B001/notes.txt").unlink()
    store.scan()
    status = store("status", "--json")
    assert (status.code, [one["path"] for one in status.json["problems"]]) == (1, ["B001/notes.txt"])


def test_deliverable_that_was_complete_and_archived(store: Store, tmp_path: Path) -> None:
    """What came, was right, and was deleted on purpose is owed by nobody; without the word it is."""
    items = (
        '[[deliverable.item]]\nname = "Roll"\nmatch = "A001/"\n[[deliverable.item]]\nname = "Notes"\nmatch = "B001/*"\n'
    )
    schedule = tmp_path / "show.toml"
    schedule.write_text(f'[[deliverable]]\nid = "DAY1"\nfrom = "DIT"\ndue = 2020-01-01T12:00:00Z\n{items}')
    store("schedule", "import", schedule)

    def stands() -> tuple[str, bool]:
        (one,) = store("deliverables", "--json").json
        return one["status"], one["late"]

    assert stands() == ("verified", False)
    shutil.rmtree(store.root / "A001")
    (store.root / "B001/notes.txt").unlink()
    store.scan()
    assert stands() == ("expected", True)
    store.know("A001")
    assert stands() == ("partial", True)
    store.know("B001")
    assert stands() == ("verified", False)
    store.know("A001", "--undo")
    assert stands() == ("partial", True)


def test_undo(store: Store) -> None:
    """The word can be taken back."""
    shutil.rmtree(store.root / "A001")
    store.scan()
    store.know("A001")
    assert store.status() == 0
    assert store.know("A001", "--undo", "--json").json["files"] == {"missing": 4}
    assert store.status() == 1


def test_mismatch_of_one_file_in_a_roll(store: Store) -> None:
    """A changed file that is known is no news for its roll either, nor for the sweep; it stays a mismatch."""
    flip(store.root / "A002/C0002.mov")
    store.scan()
    assert store.status() == 1
    store.know("A002/C0002.mov")
    status = store("status", "--json")
    assert status.code == 0
    assert next(one for one in status.json["packages"] if one["path"] == "A002")["complete"] is False
    assert store("files", "A002/C0002.mov", "--json").json[0]["integrity"] == "mismatch"
    swept = store("verify", "--json")
    assert (swept.code, swept.json["mismatch"], swept.json["problems"][0]["acknowledged"]) == (0, 1, True)
    flip(store.root / "A002/C0003.mov")
    store.scan()
    assert [one["path"] for one in store("status", "--json").json["problems"]] == ["A002/C0003.mov"]


def test_the_same_file_changed_once_more_is_news(store: Store) -> None:
    """The word holds for exactly what was wrong when it was said."""
    flip(store.root / "A002/C0002.mov")
    store.scan()
    store.know("A002")
    assert store.status() == 0
    put(store.root, {"A002/C0002.mov": b"yet other bytes"})
    store.scan()
    assert store.status() == 1


def test_clip_that_will_never_come(store: Store) -> None:
    """What a list names and nobody will send is told until it is known; it stays to come."""
    put(store.root, {**roll(2, "A003"), "A003/A003.md5": sums(roll(3))})
    store.scan()
    assert store.status() == 1
    store.know("A003")
    status = store("status", "--json")
    assert status.code == 0
    package = next(one for one in status.json["packages"] if one["path"] == "A003")
    assert (package["to_come"], package["complete"], package["acknowledged"]["what"]) == (1, False, ["1 to come"])


def test_list_that_was_shortened(store: Store) -> None:
    """An entry that was dropped from a list on purpose."""
    put(store.root, {"A002/A002.md5": sums(roll(2))})
    store.scan()
    assert store.status() == 1
    store.know("A002/C0003.mov")
    assert store.status() == 0


def test_nothing_wrong(store: Store) -> None:
    """Where nothing is wrong nothing is noted, and that is said."""
    answer = store.know("A001")
    assert answer.code == 0
    assert "nothing is wrong there" in answer.err
    assert store("acknowledge", "ingest:nowhere", "--why", "x").code == 2
    assert store("acknowledge", "ingest:A001").code == 2
