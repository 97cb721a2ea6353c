"""The races between walk and events, in one thread: each order that a busy disk could bring about is brought about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.ingest.hints import Batch, Last, OpenFiles
from assetwatch.ingest.inotify import IN_MOVED_FROM, Inotify
from assetwatch.ingest.watchtree import WatchTree

ALL = 1_000_000


class Stage:
    """A tree on a real directory whose reading and walking the test does itself."""

    def __init__(self, top: Path) -> None:
        self.root = top / "volume"
        self.outside = top / "outside"
        self.root.mkdir()
        self.outside.mkdir()
        self.kernel = Inotify()
        self.tree = WatchTree(
            self.kernel, str(self.root), lambda _path, _folder: False, lambda: frozenset(), OpenFiles()
        )

    def begin(self) -> None:
        self.tree.begin()
        self.settle()

    def hear(self) -> None:
        self.tree.hear(self.kernel.read(0))

    def settle(self) -> Batch:
        """Read and walk until nothing is left to do."""
        while True:
            self.hear()
            self.tree.walk(ALL)
            if not self.tree.state().walking:
                return self.tree.take()

    def assert_watched(self) -> None:
        """Exactly the folders on disk are watched, each under its own path."""
        folders = [folder for folder, _, _ in os.walk(self.root)]
        for folder in folders:
            Path(folder, "probe").touch()
        heard = self.settle().heard
        expected = {os.path.relpath(os.path.join(folder, "probe"), self.root) for folder in folders}
        assert {path for path, last in heard.items() if last is Last.CLOSED} == expected
        assert self.tree.state().watches == len(folders)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.kernel.close()


def test_comes_back_while_it_is_let_go(stage):
    """A tree that returns between the decision to drop its watches and the dropping keeps them, at every depth."""
    (stage.root / "card/a/b").mkdir(parents=True)
    stage.begin()
    (stage.root / "card").rename(stage.outside / "card")
    stage.hear()
    stage.hear()  # nothing came within the time for the second half: it has left
    (stage.outside / "card").rename(stage.root / "card")
    stage.settle()
    stage.assert_watched()


def test_halves_of_a_rename_in_two_reads(stage):
    """The second half may come with the next read."""
    (stage.root / "a/b").mkdir(parents=True)
    stage.begin()
    (stage.root / "a").rename(stage.root / "c")
    events = stage.kernel.read(0)
    cut = 1 + next(n for n, (_, mask, _, _) in enumerate(events) if mask & IN_MOVED_FROM)
    stage.tree.hear(events[:cut])
    stage.tree.walk(ALL)
    stage.tree.hear(events[cut:])
    assert set(stage.settle().folders) == {"a", "c"}
    stage.assert_watched()


def test_walk_ahead_of_a_replacement(stage):
    """A walk meets a new folder before the events say that the old one of that name has left."""
    (stage.root / "a/old").mkdir(parents=True)
    stage.begin()
    (stage.root / "a").rename(stage.outside / "a")
    (stage.root / "a/new").mkdir(parents=True)
    stage.tree.walk_again()
    stage.tree.walk(ALL)
    stage.settle()
    stage.assert_watched()


def test_visit_ahead_of_a_replacement(stage):
    """As before, by a single visit that was due: the watch of the one that has left is not kept."""
    (stage.root / "a/old").mkdir(parents=True)
    stage.begin()
    (stage.root / "a").rename(stage.root / "b")
    (stage.root / "b").rename(stage.root / "a")
    stage.hear()
    (stage.root / "a").rename(stage.outside / "a")
    (stage.root / "a/new").mkdir(parents=True)
    stage.tree.walk(ALL)
    stage.settle()
    stage.assert_watched()


def test_walk_ahead_of_a_swap(stage):
    """A walk meets two folders that have changed names before the events say so."""
    (stage.root / "a/one").mkdir(parents=True)
    (stage.root / "b/two").mkdir(parents=True)
    stage.begin()
    (stage.root / "a").rename(stage.root / "c")
    (stage.root / "b").rename(stage.root / "a")
    (stage.root / "c").rename(stage.root / "b")
    stage.tree.walk_again()
    stage.tree.walk(ALL)
    stage.settle()
    stage.assert_watched()


def test_path_changes_under_the_walk(stage):
    """A folder to be visited is, when its turn comes, another one under the same path; both are watched in the end."""
    stage.begin()
    (stage.root / "x").mkdir()
    stage.hear()
    stage.tree.walk(ALL)
    (stage.root / "x/c/deep").mkdir(parents=True)
    stage.hear()  # x/c is to be visited
    (stage.root / "x").rename(stage.root / "y")
    (stage.root / "x/c/other").mkdir(parents=True)
    stage.tree.walk(ALL)
    stage.settle()
    stage.assert_watched()


def test_files_of_a_new_folder_are_found_once(stage):
    """Files made before the folder's watch are found by its listing; later ones keep the word of their events."""
    stage.begin()
    (stage.root / "roll").mkdir()
    (stage.root / "roll/early.mov").touch()
    assert stage.settle().heard == {"roll/early.mov": Last.FOUND}
    (stage.root / "roll/late.mov").touch()
    assert stage.settle().heard == {"roll/late.mov": Last.CLOSED}


def test_walk_again_says_nothing_of_what_was_watched(stage):
    """Files in folders that were watched all along are no hints of a walk."""
    (stage.root / "roll").mkdir()
    (stage.root / "roll/a.mov").touch()
    stage.begin()
    stage.tree.walk_again()
    assert not stage.settle()


def test_deleting_many_folders_gives_all_watches_back(stage):
    """After the deletion of a tree only the root is watched."""
    for number in range(50):
        (stage.root / f"a/{number}/b").mkdir(parents=True)
    stage.begin()
    assert stage.tree.state().watches == 102
    for folder, _, _ in os.walk(stage.root / "a", topdown=False):
        os.rmdir(folder)
    stage.settle()
    stage.assert_watched()
