"""Does a file's history go with its content, and only with what was moved?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assetwatch import app
from assetwatch.config import ChecksumSection, Config, VolumeSection
from assetwatch.daemon import Daemon
from tests.harness import Bench
from tests.senders import Desk, desk_on, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is scanned."""
    yield from desk_on(tmp_path)


class Pair(Bench):
    """Two volumes in one care: the second in `other/`."""

    def _make(self) -> Daemon:
        other = self.root.with_name("other")
        other.mkdir(exist_ok=True)
        second = VolumeSection(name="W", path=str(other), settle="10s")
        config = Config(volume=(self.section, second), checksum=ChecksumSection(algorithms=("xxh128",)))
        self.setting = replace(self.setting, config=config)
        taken = app.take_volumes(self.setting, self.database, [self.section, second])
        daemon = app.make_daemon(self.setting, self.database, taken, self.kind, self.clock)
        daemon._reading._prober = self.prober  # type: ignore[assignment]
        return daemon


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Desk]:
    """Two volumes; the bench's is the first."""
    bench = Pair(tmp_path)
    yield Desk(bench)
    bench.close()


def scan(desk: Desk) -> None:
    """Look at both volumes, twice: absence takes two looks."""
    for _ in range(2):
        for care in desk.bench.daemon.cares:
            care.ask_scan("the test wants to know")
        desk.settle()


def test_moved_inside_a_volume(desk: Desk) -> None:
    """The row, its versions and what was verified go with a rename."""
    put(desk.root, {**roll(1, "A001"), "A001/A001.md5": sums(roll(1))})
    desk.settle()
    first = desk.bench.row("A001/C0001.mov").id
    (desk.root / "B").mkdir()
    (desk.root / "A001/C0001.mov").rename(desk.root / "B/take.mov")
    desk.settle()
    assert desk.bench.row("B/take.mov").id == first
    assert desk.integrity()["B/take.mov"] == "verified"
    assert desk.claims("A001")["A001/C0001.mov"] == "missing"


def test_moved_across_volumes(pair: Desk) -> None:
    """Content tells: the old row goes, its history and what was verified come along."""
    put(pair.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2)), **roll(5, "rest")})
    scan(pair)
    seen = pair.bench.row("A001/C0001.mov").first_seen_us
    shutil.copytree(pair.root / "A001", pair.root.with_name("other") / "A001")
    shutil.rmtree(pair.root / "A001")
    scan(pair)
    row = pair.bench.row("A001/C0001.mov")
    assert row.volume_id == pair.bench.daemon.cares[1].id
    assert (row.presence, row.integrity, row.first_seen_us) == ("present", "verified", seen)
    assert "moved" in [what for what, _ in pair.notes("A001/C0001.mov")]
    promises = pair.promises()
    assert list(promises) == ["A001"]
    assert promises["A001"].volume == "W"
    assert promises["A001"].complete
    assert not [row for row in pair.bench.rows().values() if row.presence == "missing"]
    assert pair.bench.faults() == []


def test_equal_files_moved_across_volumes(pair: Desk) -> None:
    """Copied first and deleted later, several files with one content are each moved, and none is called missing."""
    put(pair.root, {"A/x.mov": b"same bytes", "B/x.mov": b"same bytes", **roll(9, "rest")})
    scan(pair)
    for name in ("A", "B"):
        shutil.copytree(pair.root / name, pair.root.with_name("other") / name)
    scan(pair)
    for name in ("A", "B"):
        shutil.rmtree(pair.root / name)
    scan(pair)
    assert not [row for row in pair.bench.rows().values() if row.presence == "missing"]


def test_copy_is_no_move(pair: Desk) -> None:
    """As long as the original is there, both have a history of their own."""
    put(pair.root, {"A001/a.mov": b"take one"})
    scan(pair)
    first = pair.bench.row("A001/a.mov").id
    put(pair.root.with_name("other"), {"copy/a.mov": b"take one"})
    scan(pair)
    assert pair.bench.row("A001/a.mov").id == first
    assert "moved" not in [what for what, _ in pair.notes("copy/a.mov")]


def test_of_two_that_came_together_one_may_go(desk: Desk) -> None:
    """One cut in the folders of two departments is two files: the one that is deleted is missing, not moved."""
    put(desk.root, {"SOUND/R1.edl": b"one cut", "DI/R1.edl": b"one cut", **roll(9, "rest")})
    scan(desk)
    (desk.root / "DI" / "R1.edl").unlink()
    scan(desk)
    assert {path: row.presence for path, row in desk.bench.rows().items() if "R1" in path} == {
        "SOUND/R1.edl": "present",
        "DI/R1.edl": "missing",
    }


def test_empty_files_are_never_moves(pair: Desk) -> None:
    """All empty files are equal, and that says nothing."""
    put(pair.root, {"A001/empty.txt": b"", **roll(5, "rest")})
    scan(pair)
    put(pair.root.with_name("other"), {"B/empty.txt": b""})
    (pair.root / "A001/empty.txt").unlink()
    scan(pair)
    assert pair.bench.row("A001/empty.txt").presence == "missing"
