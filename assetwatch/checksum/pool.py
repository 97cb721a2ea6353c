"""How are many files read at once, without starving anybody, and in which order do they come back?

Each device has a lane of its own, so that a mount that hangs holds up nobody else. In a lane the small
files go through one thread that opens 32 of them ahead and has the kernel fetch them, or, where many wait, through a
process that does the same (module `aside`); large ones go to several threads, one file each. A disk that turns gets one
thread for both.

Reads finish in any order. Each order that was accepted has exactly one outcome, also when the pool is closed.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assetwatch.checksum.order import AHEAD, SMALL_BYTES, Outcome, ReadOrder, is_small, open_ahead, read_opened
from assetwatch.checksum.pace import TokenBucket
from assetwatch.checksum.reader import NotRead, Opened, Reader, Reading, Reason, open_footage
from assetwatch.clock import Clock

if TYPE_CHECKING:
    from assetwatch.checksum.aside import Aside

__all__ = ["SMALL_BYTES", "Outcome", "Progress", "ReadOrder", "ReaderPool", "read_all", "readers_for", "turns"]

_log = logging.getLogger(__name__)

#: So many small files have to wait before a process is started to read them, and so many before one that is there is
#: asked: a few are read sooner than it could be told of them.
_MANY: Final = 128
_SOME: Final = 16

#: Small files handed to it at a time.
_HANDED: Final = 64

#: Seconds without a file after which it is let go.
_LET_GO_S: Final = 10.0

#: Folders of sysfs below which the disks of KVM, Xen and Hyper-V guests stand.
_VIRTUAL_BUSES: Final = ("virtio", "vbd-", "VMBUS")

_STOPPED: Final = NotRead(Reason.STOPPED, "the reader was closed")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the read of a large file has come. Sizes in bytes, `started` by the clock's monotonic seconds."""

    key: Hashable
    path: str
    bytes_done: int
    size: int | None
    started: float


def readers_for(device: int, workers: int | None = None) -> int:
    """How many large files are read at once from a device (`st_dev`): `workers`, or as many as there are cores.

    One where the disk turns, because its head would spend the time between the files.
    """
    return 1 if turns(device) else workers or len(os.sched_getaffinity(0))


def turns(device: int, sysfs: Path = Path("/sys/dev/block")) -> bool:
    """Whether a device (`st_dev`) is a disk that turns, as sysfs says; False for what is no block device.

    A virtual disk says that it turns without knowing, and is not believed.
    """
    node = (sysfs / f"{os.major(device)}:{os.minor(device)}").resolve()
    # A partition has no queue of its own but lies in the folder of its disk.
    for disk in (node, node.parent):
        try:
            said = (disk / "queue/rotational").read_text(encoding="ascii").strip()
        except OSError:
            continue
        return said == "1" and not any(part.startswith(_VIRTUAL_BUSES) for part in disk.parts)
    return False


class _Slot:
    """A large read under way."""

    __slots__ = ("bytes_done", "order", "started")

    def __init__(self, order: ReadOrder, started: float) -> None:
        self.order = order
        self.started = started
        self.bytes_done = 0

    def advance(self, bytes_done: int) -> None:
        self.bytes_done = bytes_done

    def progress(self) -> Progress:
        size = self.order.expect.size if self.order.expect else None
        return Progress(self.order.key, self.order.path, self.bytes_done, size, self.started)


class _Queue:
    """Orders of one kind for one device, and the threads that wait for them. Guarded by the pool's lock."""

    __slots__ = ("orders", "waiting")

    def __init__(self, lock: threading.Lock) -> None:
        self.orders: deque[ReadOrder] = deque()
        self.waiting = threading.Condition(lock)


class _Lane:
    """The queues of one device. On a disk that turns both names mean the same queue."""

    __slots__ = ("large", "small")

    def __init__(self, small: _Queue, large: _Queue) -> None:
        self.small = small
        self.large = large


class ReaderPool:
    """Threads that read files. All methods may be called from any thread; one thread collects the outcomes.

    `workers` is the number of large files read at once from each device; None means as many as there are cores.
    `capacity` bounds the orders accepted and not yet collected. `wake`, if given, is called from a reader's
    thread each time outcomes have become available, and must return at once. `worth_keeping` is asked in such a thread
    whether a file of these first bytes is still wanted open, where its order says so; without it each is.
    """

    def __init__(
        self,
        workers: int | None,
        clock: Clock,
        *,
        pace: TokenBucket | None = None,
        capacity: int = 2048,
        wake: Callable[[], None] | None = None,
        worth_keeping: Callable[[ReadOrder, bytes], bool] | None = None,
    ) -> None:
        self._workers = workers
        self._clock = clock
        self._pace = pace
        self._capacity = capacity
        self._wake = wake
        self._worth_keeping = worth_keeping
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._finished_some = threading.Condition(self._lock)
        self._lanes: dict[int | None, _Lane] = {}
        self._threads: list[threading.Thread] = []
        self._finished: list[Outcome] = []
        self._outstanding = 0
        self._slots: set[_Slot] = set()
        self._asides: set[Aside] = set()
        self._bug: BaseException | None = None

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def outstanding(self) -> int:
        """How many orders were accepted and not collected yet."""
        return self._outstanding

    def submit(self, order: ReadOrder) -> bool:
        """Accept an order, without waiting; False where the pool is full or closed."""
        return self.submit_many((order,)) == 1

    def submit_many(self, orders: Sequence[ReadOrder]) -> int:
        """Accept as many orders as there is room for, from the first; how many that were."""
        with self._lock:
            self._raise_bug()
            if self._stop.is_set():
                return 0
            accepted = orders[: max(0, self._capacity - self._outstanding)]
            for order in accepted:
                queue = self._queue_of(order)
                queue.orders.append(order)
                queue.waiting.notify()
            self._outstanding += len(accepted)
        return len(accepted)

    def finished(self, *, wait: bool = False) -> list[Outcome]:
        """The outcomes since the last call, each once.

        With `wait` it blocks until there is one, unless nothing is outstanding. An error in a reader's thread, which
        can only be a bug, is raised here.
        """
        with self._lock:
            while wait and self._outstanding and not self._finished and self._bug is None:
                self._finished_some.wait()
            self._raise_bug()
            outcomes, self._finished = self._finished, []
            self._outstanding -= len(outcomes)
        return outcomes

    def progress(self) -> list[Progress]:
        """The large reads that are under way, longest first."""
        with self._lock:
            slots = sorted(self._slots, key=lambda slot: slot.started)
        return [slot.progress() for slot in slots]

    def close(self, patience_seconds: float = 5.0) -> bool:
        """Stop reading and end the threads; whether they all ended.

        Whatever was accepted and not read comes out of `finished` as `stopped`. A thread that waits inside the
        kernel for a dead file server cannot be ended; it is left behind after `patience_seconds` and does not
        keep the program from exiting.
        """
        self._stop.set()
        with self._lock:
            for lane in self._lanes.values():
                for queue in (lane.small, lane.large):
                    self._finished.extend((order, _STOPPED) for order in queue.orders)
                    queue.orders.clear()
                    queue.waiting.notify_all()
            for aside in self._asides:
                aside.kill()
            self._finished_some.notify_all()
        deadline = self._clock.monotonic() + patience_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _queue_of(self, order: ReadOrder) -> _Queue:
        device = order.expect.device if order.expect else None
        lane = self._lanes.get(device)
        if lane is None:
            lane = self._lanes[device] = self._open_lane(device)
        return lane.small if is_small(order) else lane.large

    def _open_lane(self, device: int | None) -> _Lane:
        large = _Queue(self._lock)
        if device is not None and turns(device):
            self._start(large, AHEAD)
            return _Lane(large, large)
        for _ in range(readers_for(device or 0, self._workers)):
            self._start(large, 1)
        small = _Queue(self._lock)
        self._start(small, AHEAD, True)
        return _Lane(small, large)

    def _start(self, queue: _Queue, ahead: int, may_go_aside: bool = False) -> None:
        thread = threading.Thread(
            target=self._run, args=(queue, ahead, may_go_aside), name=f"reader-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _run(self, queue: _Queue, ahead: int, may_go_aside: bool) -> None:
        try:
            self._read_all(queue, ahead, may_go_aside)
        except BaseException as error:
            with self._lock:
                self._bug = error
                self._finished_some.notify_all()
            self._call_wake()

    def _read_all(self, queue: _Queue, ahead: int, may_go_aside: bool = False) -> None:
        """Read what comes through `queue`, with up to `ahead` small files opened before their turn.

        `may_go_aside`: where many wait, a process is started, and does it from when it is up.
        """
        reader = Reader(self._clock, pace=self._pace, stop=self._stop)
        orders: deque[ReadOrder] = deque()
        opened: deque[tuple[ReadOrder, Opened | NotRead | None]] = deque()
        outcomes: list[Outcome] = []
        aside = _ReadsAside(self, queue) if may_go_aside and self._pace is None else None
        while True:
            if not orders:
                self._deliver(outcomes)
                if aside is not None and aside.has_its_turn():
                    if not opened:
                        orders.extend(aside.read())
                        continue
                else:
                    patience_s = None if aside is None else aside.patience_s
                    taken = self._take(queue, ahead, wait=not opened, patience_s=patience_s)
                    if aside is not None and not taken and not opened:
                        aside.let_go()
                    if taken is None:
                        return
                    orders.extend(taken)
            while orders and len(opened) < ahead:
                opened.append(self._opened(orders.popleft()))
            if not opened:
                continue
            order, footage = opened.popleft()
            if footage is not None:
                outcomes.append((order, self._kept(order, read_opened(reader, order, footage))))
            else:
                # A large one may take hours: nothing finished waits for it, and nobody for the next.
                self._deliver(outcomes)
                outcomes.append((order, self._kept(order, self._read_large(reader, order))))
                self._deliver(outcomes)

    def _opened(self, order: ReadOrder) -> tuple[ReadOrder, Opened | NotRead | None]:
        if not is_small(order) or self._stop.is_set():
            return order, None
        return order, open_ahead(order)

    def _kept(self, order: ReadOrder, outcome: Reading | NotRead) -> Reading | NotRead:
        """The outcome with the file open only where it is worth it."""
        if isinstance(outcome, NotRead) or outcome.fd is None or self._is_worth_keeping(order, outcome.head):
            return outcome
        os.close(outcome.fd)
        return replace(outcome, fd=None)

    def _reopened(self, order: ReadOrder, outcome: Reading | NotRead) -> Reading | NotRead:
        """The outcome of a read in another process, with the file open where it is worth it."""
        if isinstance(outcome, NotRead) or not self._is_worth_keeping(order, outcome.head):
            return outcome
        footage = open_footage(order.path, outcome.stat)
        if isinstance(footage, NotRead):
            return footage
        # With the ctime, which a writer cannot set back.
        if footage.stat == outcome.stat:
            return replace(outcome, fd=footage.fd)
        os.close(footage.fd)
        return NotRead(Reason.CHANGED, "it was written to after it was read")

    def _begins(self, aside: Aside) -> None:
        with self._lock:
            self._asides.add(aside)
            if self._stop.is_set():
                aside.kill()

    def _ends(self, aside: Aside) -> None:
        with self._lock:
            self._asides.discard(aside)

    def _is_worth_keeping(self, order: ReadOrder, head: bytes) -> bool:
        return order.keep_open and (self._worth_keeping is None or self._worth_keeping(order, head))

    def _read_large(self, reader: Reader, order: ReadOrder) -> Reading | NotRead:
        if self._stop.is_set():
            return _STOPPED
        slot = _Slot(order, self._clock.monotonic())
        with self._lock:
            self._slots.add(slot)
        try:
            return reader.read(
                order.path,
                order.algorithms,
                expect=order.expect,
                progress=slot.advance,
                uncached=order.uncached,
                refuse_writers=order.refuse_writers,
                keep_open=order.keep_open,
            )
        finally:
            with self._lock:
                self._slots.discard(slot)

    def _deliver(self, outcomes: list[Outcome]) -> None:
        """Hand outcomes over and empty the list."""
        if not outcomes:
            return
        with self._lock:
            self._finished.extend(outcomes)
            self._finished_some.notify_all()
        outcomes.clear()
        self._call_wake()

    def _take(
        self, queue: _Queue, limit: int, *, wait: bool, patience_s: float | None = None
    ) -> list[ReadOrder] | None:
        """The next orders, up to `limit`, none after `patience_s` of waiting; None when it is time to end."""
        with self._lock:
            while wait and not queue.orders and not self._stop.is_set() and queue.waiting.wait(patience_s):
                pass
            if wait and not queue.orders and self._stop.is_set():
                return None
            return [queue.orders.popleft() for _ in range(min(limit, len(queue.orders)))]

    def _call_wake(self) -> None:
        if self._wake is not None:
            self._wake()


class _ReadsAside:
    """What a thread of the pool knows of the process that reads small files for it."""

    def __init__(self, pool: ReaderPool, queue: _Queue) -> None:
        self._pool = pool
        self._queue = queue
        self._child: Aside | None = None
        self._lost = False

    @property
    def patience_s(self) -> float | None:
        """How long the thread may wait for the next file before there is no need of the process any more."""
        return None if self._child is None else _LET_GO_S

    def has_its_turn(self) -> bool:
        """Whether enough files wait, and it is up. Where it is not, it is started, and the thread reads meanwhile."""
        waiting = len(self._queue.orders)
        if self._lost or waiting < (_SOME if self._child is not None else _MANY):
            return False
        try:
            if self._child is None:
                from assetwatch.checksum.aside import Aside  # a few files are read without

                self._child = Aside()
                self._pool._begins(self._child)
            return self._child.ready
        except OSError as error:
            self._lose(error)
            return False

    def read(self) -> list[ReadOrder]:
        """Have it read until hardly any file waits; the files that are to be read here."""
        from assetwatch.checksum.aside import can_be_read_aside

        child, pool, here = self._child, self._pool, list[ReadOrder]()
        assert child is not None
        try:
            while True:
                while child.room >= _HANDED and (taken := pool._take(self._queue, _HANDED, wait=False)):
                    here += [order for order in taken if not can_be_read_aside(order)]
                    child.ask([order for order in taken if can_be_read_aside(order)])
                if not child.busy:
                    return here
                pool._deliver([(order, pool._reopened(order, outcome)) for order, outcome in child.answers()])
        except OSError as error:
            here += child.unanswered()
            self._lose(error)
            return here

    def let_go(self) -> None:
        """End the process, if there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.close()
            self._pool._ends(child)

    def _lose(self, error: OSError) -> None:
        """Do without from now on: what ends one process may end the next."""
        self._lost = True
        self.let_go()
        if not self._pool._stop.is_set():
            _log.warning("the process that reads small files is gone (%s); they are read without it", error)


def read_all(pool: ReaderPool, orders: Iterable[ReadOrder]) -> Iterator[Outcome]:
    """Put all of `orders` through the pool and give their outcomes as they finish.

    `orders` is drawn from only as fast as the pool has room, so it may be a scan without an end in sight.
    """
    held: list[ReadOrder] = []
    source = iter(orders)
    more = True
    while more or held or pool.outstanding:
        if more:
            held.extend(islice(source, AHEAD - len(held)))
            more = len(held) == AHEAD
        accepted = pool.submit_many(held)
        del held[:accepted]
        if held and not accepted and not pool.outstanding:
            return
        yield from pool.finished(wait=bool(held) or not more)
