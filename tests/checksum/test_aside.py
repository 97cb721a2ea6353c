"""Do small files that a process of its own reads come back as if they had been read here, whatever becomes of it?"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash

from assetwatch.checksum import pool as pool_module
from assetwatch.checksum.aside import Aside, can_be_read_aside
from assetwatch.checksum.order import AHEAD, SMALL_BYTES
from assetwatch.checksum.pool import Outcome, ReaderPool, ReadOrder
from assetwatch.checksum.read_child import pack_orders, pack_outcomes, unpack_orders, unpack_outcomes
from assetwatch.checksum.reader import NotRead, Reading, Reason
from assetwatch.clock import SystemClock
from assetwatch.model import Stat


def order(path: Path, key: object = None, **more: bool) -> ReadOrder:
    return ReadOrder(key if key is not None else path.name, str(path), ("xxh128",), Stat.of(path.lstat()), **more)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.fixture
def aside() -> Iterator[Aside]:
    """A child that is up."""
    child = Aside()
    while not child.ready:
        pass
    yield child
    child.close()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Aside]:
    """The children that pools start from now on, which they do for a single file; each is up when it is looked at."""
    children: list[Aside] = []

    class Noted(Aside):
        def __init__(self) -> None:
            super().__init__()
            children.append(self)

        @property
        def ready(self) -> bool:
            if not self._greeted:
                self._poll.poll()
            return super().ready

    monkeypatch.setattr("assetwatch.checksum.aside.Aside", Noted)
    monkeypatch.setattr(pool_module, "_MANY", 1)
    monkeypatch.setattr(pool_module, "_SOME", 1)
    return children


def together(pool: ReaderPool, orders: list[ReadOrder]) -> list[Outcome]:
    """The outcomes of orders that are given at once. The first few are read here before the others are seen to wait."""
    assert pool.submit_many(orders) == len(orders)
    outcomes: list[Outcome] = []
    while pool.outstanding:
        outcomes += pool.finished(wait=True)
    return outcomes


def before(folder: Path) -> list[ReadOrder]:
    """So many files that those behind them are read by the child."""
    return [order(write(folder, "before", b"x"), -1)] * (2 * AHEAD)


class TestChild:
    """The process by itself."""

    def test_outcomes_in_the_order_of_the_orders(self, aside: Aside, tmp_path: Path) -> None:
        """Each order has its outcome, digests as the library gives them, and the file's first bytes."""
        contents = [os.urandom(number % 7000) for number in range(500)]
        paths = [write(tmp_path, f"clip{number}", content) for number, content in enumerate(contents)]
        aside.ask([order(path) for path in paths[:200]])
        aside.ask([order(path) for path in paths[200:]])
        answered = []
        while aside.busy:
            answered += aside.answers()
        assert [asked.path for asked, _ in answered] == [str(path) for path in paths]
        for (_, outcome), path, content in zip(answered, paths, contents, strict=True):
            assert isinstance(outcome, Reading)
            assert outcome.digests == {"xxh128": xxhash.xxh3_128_hexdigest(content)}
            assert outcome.stat == Stat.of(path.lstat())
            assert outcome.head == content[:4096]
            assert outcome.fd is None

    def test_refusals(self, aside: Aside, tmp_path: Path) -> None:
        """What cannot be read comes back with its reason, and the others all the same."""
        gone, other, link = (write(tmp_path, name, b"x") for name in ("gone", "other", "link"))
        written = write(tmp_path, "written", b"x")
        orders = [order(gone), order(other), order(link), order(written, refuse_writers=True)]
        gone.unlink()
        other.write_bytes(b"longer")
        link.unlink()
        link.symlink_to(other)
        with written.open("ab"):
            aside.ask([*orders, order(write(tmp_path, "fine", b"fine"))])
            answered = aside.answers()
            while aside.busy:
                answered += aside.answers()
        said = [outcome.reason if isinstance(outcome, NotRead) else "read" for _, outcome in answered]
        assert said == [Reason.VANISHED, Reason.CHANGED, Reason.NOT_REGULAR, Reason.BUSY, "read"]

    def test_any_name(self, aside: Aside, tmp_path: Path) -> None:
        """Names that are no UTF-8, or hold line ends, arrive byte for byte."""
        for name in (b"A001_\xff.mov", b"a\nb", "ü \U0001f3ac".encode()):
            path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
            path.write_bytes(name)
            aside.ask([order(path)])
            ((_, outcome),) = aside.answers()
            assert isinstance(outcome, Reading)
            assert outcome.digests == {"xxh128": xxhash.xxh3_128_hexdigest(name)}

    def test_neither_end_waits_for_the_other(self, aside: Aside, tmp_path: Path) -> None:
        """More is asked than a socket holds, while more is answered than a socket holds: both go on."""
        folder = tmp_path
        while len(str(folder)) < 3500:
            folder = folder / ("d" * 200)
        folder.mkdir(parents=True)
        path = write(folder, "clip", bytes(8000))
        for _ in range(10):
            aside.ask([order(path)] * 100)
        answered = 0
        while aside.busy:
            answered += len(aside.answers())
        assert answered == 1000

    def test_a_child_that_is_gone(self, aside: Aside, tmp_path: Path) -> None:
        """Whoever waits for it is told, and what it has not answered is still known."""
        aside.kill()
        aside.process.wait()
        orders = [order(write(tmp_path, "clip", b"x"), key) for key in range(3)]
        with pytest.raises(OSError, match=r"ended|[Bb]roken|reset"):
            aside.ask(orders)
            aside.answers()
        assert aside.unanswered() == orders

    def test_a_parent_that_is_gone_ends_it(self, aside: Aside) -> None:
        """A child without a parent ends by itself."""
        aside.socket.shutdown(socket.SHUT_RDWR)
        assert aside.process.wait(60) == 0

    def test_messages(self) -> None:
        """What is packed comes out as it was, but for the keys, which stay."""
        orders = [ReadOrder(None, "/a/\udcff", ("md5", "xxh128"), Stat(1, 2, -3, 4, 5), True, True)]
        assert unpack_orders(pack_orders(orders)) == orders
        outcomes = [
            Reading(Stat(1, 2, 3, 4, 5), {"md5": "00"}, b"head", 0.5),
            NotRead(Reason.UNREADABLE, "text", 5, 17),
            NotRead(Reason.BUSY, "text"),
        ]
        assert unpack_outcomes(pack_outcomes(outcomes)) == outcomes

    def test_a_path_of_this_process(self) -> None:
        """A file that is named by a handle of this process is read here."""
        seen = Stat(1, 1, 1, 1, 1)
        assert can_be_read_aside(ReadOrder(1, "/mnt/a", ("md5",), seen))
        assert not can_be_read_aside(ReadOrder(1, "/proc/self/fd/3/a", ("md5",), seen))


class TestPool:
    """A pool with a child."""

    def test_all_come_back_once(self, begun: list[Aside], tmp_path: Path) -> None:
        """Small files go through the child, large ones and those named by a handle do not; each comes back once."""
        contents = {f"plate.{number:05}.dpx": b"%d" % number * (number % 50) for number in range(2000)}
        contents["A001C001.mov"] = os.urandom(SMALL_BYTES + 1)
        orders = [order(write(tmp_path, name, content)) for name, content in contents.items()]
        folder = os.open(tmp_path, os.O_RDONLY)
        contents["deep"] = b"deep"
        deep = order(write(tmp_path, "deep", b"deep"))
        orders.insert(77, ReadOrder("deep", f"/proc/self/fd/{folder}/deep", deep.algorithms, deep.expect))
        with ReaderPool(2, SystemClock(), capacity=5000) as pool:
            outcomes = together(pool, orders)
        os.close(folder)
        assert Counter(done.key for done, _ in outcomes) == Counter(list(contents))
        for done, outcome in outcomes:
            assert isinstance(outcome, Reading)
            assert outcome.digests == {"xxh128": xxhash.xxh3_128_hexdigest(contents[str(done.key)])}
        assert len(begun) == 1
        assert begun[0].process.poll() is not None

    def test_a_child_that_is_killed(self, begun: list[Aside], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """What it has not answered is read here, once, and no other is started; that is said."""
        orders = [order(write(tmp_path, f"{number}", b"%d" % number)) for number in range(1500)]
        came = []
        with ReaderPool(1, SystemClock()) as pool:
            assert pool.submit_many(orders) == 1500
            while pool.outstanding:
                for done, outcome in pool.finished(wait=True):
                    came.append(done.key)
                    assert isinstance(outcome, Reading)
                    assert outcome.digests == {"xxh128": xxhash.xxh3_128_hexdigest(str(done.key).encode())}
                if begun:
                    begun[0].kill()
        assert sorted(map(int, came)) == list(range(1500))
        assert len(begun) == 1
        assert [record.message for record in caplog.records if "small files is gone" in record.message]

    def test_open_where_it_is_worth_it(self, begun: list[Aside], tmp_path: Path) -> None:
        """A file comes open if its order asks for it and its first bytes are worth it: the very one that was read."""
        wanted, other = write(tmp_path, "wanted", b"media"), write(tmp_path, "other", b"text")
        with ReaderPool(1, SystemClock(), worth_keeping=lambda order, head: head == b"media") as pool:
            asked = [order(wanted, 1, keep_open=True), order(other, 2, keep_open=True), order(wanted, 3)]
            outcomes = {done.key: outcome for done, outcome in together(pool, [*before(tmp_path), *asked])}
        fds = {key: outcome.fd for key, outcome in outcomes.items() if isinstance(outcome, Reading)}
        assert (fds[2], fds[3]) == (None, None)
        assert fds[1] is not None
        assert os.fstat(fds[1]).st_ino == wanted.stat().st_ino
        os.close(fds[1])
        assert begun

    def test_another_file_under_its_name(self, begun: list[Aside], tmp_path: Path) -> None:
        """What was written after it was read is not taken for what was read, even with its old date."""
        path = write(tmp_path, "clip", b"old")
        seen = path.stat()

        def replaced(_order: ReadOrder, _head: bytes) -> bool:
            path.write_bytes(b"new")
            os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
            return True

        with ReaderPool(1, SystemClock(), worth_keeping=replaced) as pool:
            *_, (_, outcome) = together(pool, [*before(tmp_path), order(path, keep_open=True)])
        assert isinstance(outcome, NotRead)
        assert outcome.reason is Reason.CHANGED
        assert begun

    def test_let_go_when_there_is_nothing_to_read(
        self, begun: list[Aside], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pool at rest has no child; the next files have another one."""
        monkeypatch.setattr(pool_module, "_LET_GO_S", 0.001)
        path = write(tmp_path, "clip", b"x")
        with ReaderPool(1, SystemClock()) as pool:
            for rounds in (1, 2):
                assert len(together(pool, [*before(tmp_path), order(path)])) == 2 * AHEAD + 1
                begun[-1].process.wait(60)
                assert len(begun) == rounds

    def test_closed_in_the_middle(self, begun: list[Aside], tmp_path: Path) -> None:
        """Whoever closes the pool gets an outcome for each order, and no child is left."""
        paths = [write(tmp_path, f"{number}", bytes(100_000)) for number in range(300)]
        some = threading.Event()
        pool = ReaderPool(1, SystemClock(), wake=some.set)
        assert pool.submit_many([order(path) for path in paths]) == 300
        assert some.wait(60)
        assert pool.close()
        outcomes = pool.finished()
        assert len(outcomes) == 300
        reasons = {outcome.reason for _, outcome in outcomes if isinstance(outcome, NotRead)}
        assert reasons <= {Reason.STOPPED}
        assert begun[0].process.poll() is not None
