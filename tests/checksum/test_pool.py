"""How many files are read at once, without starving anybody, and in which order do they come back?"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from assetwatch.checksum import pool as pool_module
from assetwatch.checksum.pace import TokenBucket
from assetwatch.checksum.pool import SMALL_BYTES, Outcome, ReaderPool, ReadOrder, read_all, readers_for, turns
from assetwatch.checksum.reader import STRIDE_BYTES, NotRead, Reading, Reason
from assetwatch.clock import FakeClock, SystemClock
from assetwatch.model import Stat

MIB = 1024 * 1024


@pytest.fixture(params=["solid", "turning"])
def pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReaderPool]:
    """A pool on a disk of either kind."""
    monkeypatch.setattr(pool_module, "turns", lambda device: request.param == "turning")
    with ReaderPool(2, SystemClock(), capacity=500) as pool:
        yield pool


def order(path: Path, key: object = None, **more: bool) -> ReadOrder:
    found = path.lstat()
    expect = Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    return ReadOrder(key if key is not None else path.name, str(path), ("xxh128",), expect, **more)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def digest(content: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(content)


class Gate(FakeClock):
    """A clock on which whoever waits for a pace waits until the gate is opened or the pool is stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.reached.set()
        while not self.opened.is_set() and not event.wait(0.001):
            pass
        return event.is_set()


class TestNoneLost:
    """Each order has exactly one outcome."""

    def test_thousands_of_files(self, pool: ReaderPool, tmp_path: Path) -> None:
        """Thousands of tiny files with some large ones between them all come back once, with their own digests."""
        contents = {f"plate.{number:05}.dpx": b"%d" % number * (number % 50) for number in range(4000)}
        contents |= {f"A001C{number:03}.mov": os.urandom(SMALL_BYTES + number) for number in range(1, 5)}
        orders = [order(write(tmp_path, name, content)) for name, content in contents.items()]
        outcomes = list(read_all(pool, orders))
        assert Counter(done.key for done, _ in outcomes) == Counter(list(contents))
        for done, outcome in outcomes:
            assert isinstance(outcome, Reading)
            assert outcome.digests == {"xxh128": digest(contents[str(done.key)])}
        assert pool.outstanding == 0

    def test_the_same_file_twice(self, pool: ReaderPool, tmp_path: Path) -> None:
        """Two orders for one file are two outcomes."""
        path = write(tmp_path, "clip.mov", b"x")
        outcomes = list(read_all(pool, [order(path, 1), order(path, 2), order(path, 1)]))
        assert sorted(str(done.key) for done, _ in outcomes) == ["1", "1", "2"]

    def test_failures_come_back_too(self, pool: ReaderPool, tmp_path: Path) -> None:
        """What cannot be read is an outcome like any other, small or large, known or not."""
        small, large = write(tmp_path, "small", b"x"), write(tmp_path, "large", bytes(SMALL_BYTES + 1))
        orders = [order(small), order(large), ReadOrder("unknown", str(tmp_path / "nowhere"), ("md5",))]
        small.unlink()
        large.write_bytes(b"other")
        reasons = {done.key: outcome.reason for done, outcome in read_all(pool, orders) if isinstance(outcome, NotRead)}
        assert reasons == {"small": Reason.VANISHED, "large": Reason.CHANGED, "unknown": Reason.VANISHED}

    def test_without_a_stat(self, pool: ReaderPool, tmp_path: Path) -> None:
        """A file that nobody has looked at before is read as well."""
        path = write(tmp_path, "clip.mov", b"x")
        ((_, outcome),) = read_all(pool, [ReadOrder(1, str(path), ("xxh128",))])
        assert isinstance(outcome, Reading)

    def test_kept_open(self, pool: ReaderPool, tmp_path: Path) -> None:
        """The open file comes with the outcome where it was asked for."""
        for size in (10, SMALL_BYTES + 10):
            path = write(tmp_path, "clip.mov", bytes(size))
            ((_, outcome),) = read_all(pool, [order(path, keep_open=True)])
            assert isinstance(outcome, Reading)
            assert outcome.fd is not None
            assert os.fstat(outcome.fd).st_size == size
            os.close(outcome.fd)


class TestRoom:
    """The pool is bounded and never makes its caller wait."""

    def test_full(self, tmp_path: Path) -> None:
        """A full pool takes nothing more until outcomes are collected."""
        path = write(tmp_path, "clip.mov", b"x")
        with ReaderPool(1, SystemClock(), capacity=3) as pool:
            assert pool.submit_many([order(path, key) for key in range(5)]) == 3
            assert not pool.submit(order(path))
            collected: list[Outcome] = []
            while len(collected) < 3:
                collected += pool.finished(wait=True)
            assert pool.submit(order(path))

    def test_nothing_to_wait_for(self) -> None:
        """Waiting for outcomes of nothing ends at once."""
        with ReaderPool(1, SystemClock()) as pool:
            assert pool.finished(wait=True) == []

    def test_wake(self, tmp_path: Path) -> None:
        """The caller's loop is woken when there is something to collect."""
        woken = threading.Event()
        with ReaderPool(1, SystemClock(), wake=woken.set) as pool:
            pool.submit(order(write(tmp_path, "clip.mov", b"x")))
            assert woken.wait(30)
            assert len(pool.finished()) == 1

    def test_an_endless_scan(self, tmp_path: Path) -> None:
        """Orders are drawn only as fast as they are read."""
        path = write(tmp_path, "clip.mov", b"x")
        drawn: list[int] = []

        def scan() -> Iterator[ReadOrder]:
            while True:
                drawn.append(1)
                yield order(path)

        with ReaderPool(1, SystemClock(), capacity=10) as pool:
            outcomes = read_all(pool, scan())
            for _ in range(100):
                next(outcomes)
        assert len(drawn) <= 100 + 10 + 32


class TestClose:
    """Ending early."""

    @pytest.mark.parametrize("size", [10, SMALL_BYTES + 10])
    def test_every_order_has_an_outcome(self, tmp_path: Path, size: int) -> None:
        """What was accepted and not read is `stopped`, whether it waited, was open or was half read."""
        gate = Gate()
        pool = ReaderPool(1, gate, pace=TokenBucket(1, gate))
        path = write(tmp_path, "clip.mov", bytes(size))
        before = set(os.listdir("/proc/self/fd"))
        assert pool.submit_many([order(path, key) for key in range(100)]) == 100
        assert gate.reached.wait(30)
        assert pool.close()
        outcomes = pool.finished()
        assert sorted(int(str(done.key)) for done, _ in outcomes) == list(range(100))
        assert {outcome.reason for _, outcome in outcomes if isinstance(outcome, NotRead)} == {Reason.STOPPED}
        assert set(os.listdir("/proc/self/fd")) == before
        assert pool.outstanding == 0

    def test_closed(self, tmp_path: Path) -> None:
        """A closed pool takes nothing, and iterating over it ends."""
        path = write(tmp_path, "clip.mov", b"x")
        pool = ReaderPool(1, SystemClock())
        assert pool.close()
        assert not pool.submit(order(path))
        assert list(read_all(pool, [order(path)])) == []

    def test_no_thread_is_left(self, tmp_path: Path) -> None:
        """Closing ends every thread that reading began."""
        before = threading.active_count()
        with ReaderPool(4, SystemClock()) as pool:
            list(read_all(pool, [order(write(tmp_path, "clip.mov", b"x"))]))
            assert threading.active_count() > before
        assert threading.active_count() == before


class TestProgress:
    """What is under way."""

    def test_large_reads_are_shown(self, tmp_path: Path) -> None:
        """A large read shows its key, path, size and how far it is."""
        gate = Gate()

        class AfterTheFirstStride(TokenBucket):
            taken = 0

            def take(self, count: int, stop: threading.Event | None = None) -> bool:
                self.taken += count
                return super().take(count, stop) if self.taken > STRIDE_BYTES else True

        path = write(tmp_path, "clip.mov", bytes(STRIDE_BYTES + MIB))
        with ReaderPool(1, gate, pace=AfterTheFirstStride(1, gate)) as pool:
            pool.submit(order(path, "key"))
            assert gate.reached.wait(30)
            (shown,) = pool.progress()
            assert (shown.key, shown.path, shown.size) == ("key", str(path), STRIDE_BYTES + MIB)
            assert shown.bytes_done == STRIDE_BYTES
            gate.opened.set()
            pool.finished(wait=True)
            assert pool.progress() == []


class TestLanes:
    """One device never waits for another."""

    def test_a_hung_device_holds_up_nobody_else(self, tmp_path: Path) -> None:
        """While reads from one device hang, those from another finish."""
        path = write(tmp_path, "clip.mov", bytes(10))
        gate = Gate()

        class OneDevice(TokenBucket):
            def take(self, count: int, stop: threading.Event | None = None) -> bool:
                return super().take(count, stop) if count > 10 else True

        large = write(tmp_path, "large.mov", bytes(SMALL_BYTES + 1))
        with ReaderPool(1, gate, pace=OneDevice(1, gate)) as pool:
            stuck = order(large)
            pool.submit_many([stuck, stuck])
            assert gate.reached.wait(30)
            elsewhere = ReadOrder("elsewhere", str(path), ("xxh128",))
            assert elsewhere.expect is None
            pool.submit(elsewhere)
            ((done, outcome),) = pool.finished(wait=True)
            assert done.key == "elsewhere"
            assert isinstance(outcome, Reading)

    def test_a_bug_is_not_swallowed(self, tmp_path: Path) -> None:
        """An error in a reader's thread comes out where outcomes are collected, instead of a pool that hangs."""
        path = write(tmp_path, "clip.mov", b"x")
        with ReaderPool(1, SystemClock()) as pool:
            pool.submit(ReadOrder(1, str(path), ("nonesuch",)))
            with pytest.raises(KeyError, match="nonesuch"):
                pool.finished(wait=True)

    def test_readers_for_what_is_no_disk(self) -> None:
        """A network or memory file system gets as many readers as asked for, or as there are cores."""
        nothing = os.makedev(0, 99)
        assert not turns(nothing)
        assert readers_for(nothing, 7) == 7
        assert readers_for(nothing) == len(os.sched_getaffinity(0))

    def test_readers_for_a_disk_that_turns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that turns gets one, whatever was asked for."""
        monkeypatch.setattr(pool_module, "turns", lambda device: True)
        assert readers_for(os.makedev(8, 1), 7) == 1

    @pytest.mark.parametrize(
        ("disk", "said", "expected"),
        [
            ("pci0000:00/ata1/host0/block/sda", "1", True),
            ("pci0000:00/nvme/nvme0/nvme0n1", "0", False),
            ("virtual/block/md0", "1", True),
            ("pci0000:00/virtio3/block/vda", "1", False),
            ("pci0000:00/virtio1/host2/target2:0:0/block/sda", "1", False),
        ],
    )
    @pytest.mark.parametrize("partition", [False, True])
    def test_turns(self, tmp_path: Path, disk: str, said: str, expected: bool, partition: bool) -> None:
        """sysfs says of a disk, or of the disk around a partition, whether it turns; a virtual one is not believed."""
        folder = tmp_path / "devices" / disk
        (folder / "queue").mkdir(parents=True)
        (folder / "queue/rotational").write_text(f"{said}\n")
        node = folder / "p1" if partition else folder
        node.mkdir(exist_ok=True)
        (tmp_path / "block").mkdir()
        (tmp_path / "block/8:1").symlink_to(node)
        assert turns(os.makedev(8, 1), tmp_path / "block") is expected
