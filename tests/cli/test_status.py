"""Does the first page say how many, in the words that people use?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


class Store:
    """A volume with fourteen files in two folders, and the program on it."""

    def __init__(self, folder: Path, call: Call) -> None:
        self.root = folder / "ingest"
        self._call = call
        self._catalog = ("--catalog", str(folder / "catalog.db"))
        for name, count in (("A001", 12), ("notes", 2)):
            (self.root / name).mkdir(parents=True)
            for number in range(count):
                (self.root / name / f"{number:04}.bin").write_bytes(f"{name} {number}".encode())

    def __call__(self, *args: str | Path) -> Any:
        return self._call(*self._catalog, *args)

    def scan(self) -> None:
        """Take stock."""
        self("scan", self.root, "--settle", "50ms")


@pytest.fixture
def store(tmp_path: Path, call: Call) -> Store:
    """Everything is here and recorded."""
    store = Store(tmp_path, call)
    store.scan()
    return store


def test_one_file_is_one_file(store: Store) -> None:
    """What arrived is counted in words that fit the number."""
    (store.root / "notes" / "0001.bin").unlink()
    store.scan()
    page = store("status").out
    assert "1 files" not in page
    assert "Files: 13 recorded, 1 missing\n" in page


def test_what_is_wrong_beyond_those_told_is_counted(store: Store) -> None:
    """Of many missing files ten are named, and the others are counted."""
    shutil.rmtree(store.root / "A001")
    store.scan()
    page = store("status").out
    assert page.count("! missing: ingest:A001/") == 10
    assert "! missing: 2 more: assetwatch files --presence missing\n" in page


def test_what_is_known_is_said_to_be(store: Store) -> None:
    """Missing files that a person knows of still stand in the counts, and the counts say that."""
    shutil.rmtree(store.root / "A001")
    store.scan()
    assert store("acknowledge", "ingest:A001", "--why", "on LTO 000123").code == 0
    assert "Files: 2 recorded, 12 missing (acknowledged)\n" in store("status").out
    (store.root / "notes" / "0001.bin").unlink()
    store.scan()
    status = store("status")
    assert "Files: 1 recorded, 13 missing (12 acknowledged)\n" in status.out
    assert "more: assetwatch files" not in status.out
    assert store("status", "--json").json["files"]["acknowledged"] == {"missing": 12}


def test_a_volume_that_is_away_is_named(store: Store) -> None:
    """Whatever its path is called."""
    shutil.rmtree(store.root)
    store.root.with_name("keeps-the-inode").mkdir()
    store.root.mkdir()
    store.scan()
    (alert,) = store("status", "--json").json["alerts"]
    assert (alert["kind"], alert["volume"]) == ("volume_offline", "ingest")
    assert f"! volume ingest: {store.root} " in store("status").out
