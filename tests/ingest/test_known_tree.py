"""Is a package judged without a look at folders that the catalog knows, and is what it does not know seen?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assetwatch.catalog import packages
from assetwatch.checksum.manifests import tree
from assetwatch.ingest.known_tree import KnownTree
from assetwatch.model import FileKind
from tests.senders import Desk, desk_on, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Three rolls with one list in the volume's root, compared and scanned again since."""
    for desk in desk_on(tmp_path):
        content = {path: data for card in ("A001", "A002", "B/B001") for path, data in roll(2, card).items()}
        put(desk.root, {**content, "all.md5": sums(content)})
        desk.settle()
        desk.settle()
        yield desk


def known_tree(desk: Desk) -> KnownTree:
    """The volume's root as the catalog knows it."""
    with desk.bench.database.read() as connection:
        (row,) = packages.all_packages(connection)
    return KnownTree(desk.root, desk.bench.database, row)


def listing(desk: Desk) -> dict[str, set[tuple[str, FileKind | None, int]]]:
    """Folder -> (name, kind, size) of everything below the root, through the tree."""
    here, found, waiting = known_tree(desk), {}, [""]
    while waiting:
        folder = waiting.pop()
        names = list(here.names(folder))
        found[folder] = {(one.name, one.kind, one.size) for one in names}
        waiting += [f"{folder}/{one.name}".lstrip("/") for one in names if one.kind is None]
    return found


def on_disk(desk: Desk) -> dict[str, set[tuple[str, FileKind | None, int]]]:
    """The same from the disk."""
    plain, found, waiting = tree.DiskTree(desk.root), {}, [""]
    while waiting:
        folder = waiting.pop()
        names = list(plain.names(folder))
        found[folder] = {(one.name, one.kind, one.size) for one in names}
        waiting += [f"{folder}/{one.name}".lstrip("/") for one in names if one.kind is None]
    return found


class Counted:
    """The module `os`, with folders listed on disk counted."""

    def __init__(self) -> None:
        self.listed = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def scandir(self, *given: Any) -> Any:
        """As os.scandir."""
        self.listed += 1
        return os.scandir(*given)


def test_folders_at_rest_are_not_listed_on_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that comes to one roll costs a look at that roll alone, and everything is judged."""
    counted = Counted()
    monkeypatch.setattr(tree, "os", counted)
    assert listing(desk) == on_disk(desk)
    before = counted.listed
    listing(desk)
    assert counted.listed == before
    put(desk.root, {"A002/C0003.mov": b"more"})
    desk.settle()
    assert desk.promise().counts == {"verified": 6, "extra": 1}


def test_what_the_catalog_does_not_know_yet_is_seen(desk: Desk) -> None:
    """A folder in which something has happened is listed from the disk, as it is now."""
    with desk.bench.database.write() as connection:
        for identity, path, at_rest in list(packages.folders_below(connection, desk.bench.care.id, "")):
            assert at_rest, path
            if path == "A001":
                from assetwatch.catalog import files

                files.clear_fingerprints(connection, [identity])
    put(desk.root, {"A001/C0009.mov": b"new", "A002/C0009.mov": b"new"})
    found = listing(desk)
    assert ("C0009.mov", "file", 3) in found["A001"]
    assert found["A002"] == {("C0001.mov", "file", 1002), ("C0002.mov", "file", 1002)}


def test_folders_that_are_gone_are_not_named(desk: Desk) -> None:
    """The catalog keeps the folders of files that went; they are no folders any more."""
    for name in ("C0001.mov", "C0002.mov"):
        (desk.root / "B/B001" / name).unlink()
    (desk.root / "B/B001").rmdir()
    desk.settle()
    desk.bench.clock.advance(3600)
    desk.settle()
    desk.settle()
    assert listing(desk) == on_disk(desk)
    assert desk.claims()["B/B001/C0001.mov"] == "missing"


def test_folder_with_ignored_names_is_listed_on_disk(desk: Desk) -> None:
    """What the volume ignores is not in the catalog, and is counted where a list does not name it."""
    put(desk.root, {"A001/.DS_Store": b"x"})
    desk.settle()
    desk.settle()
    assert listing(desk) == on_disk(desk)
