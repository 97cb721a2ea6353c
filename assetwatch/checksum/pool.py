"""How are many files read at once, without starving anybody, and in which order do they come back?

Each device has a lane of its own, so that a mount that hangs holds up nobody else. In a lane the small
files go through one thread that opens 32 of them ahead and has the kernel fetch them; large ones go to several
threads, one file each. A disk that turns gets one thread for both.

Reads finish in any order. Each order that was accepted has exactly one outcome, also when the pool is closed.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from assetwatch.checksum.pace import TokenBucket
from assetwatch.checksum.reader import NotRead, Opened, Reader, Reading, Reason, open_footage
from assetwatch.clock import Clock
from assetwatch.model import Stat

#: Files up to this size are fetched ahead instead of being read several at once.
SMALL_BYTES: Final = 1024 * 1024

_AHEAD: Final = 32

#: Folders of sysfs below which the disks of KVM, Xen and Hyper-V guests stand.
_VIRTUAL_BUSES: Final = ("virtio", "vbd-", "VMBUS")

_STOPPED: Final = NotRead(Reason.STOPPED, "the reader was closed")


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """One file to be read.

    `key` is the caller's own and comes back untouched. `path` is as `os` functions take it. `expect` is what the
    file was last seen to be; without it the file's size and device are not known and it is taken for a large one.
    The other fields are those of `Reader.read`.
    """

    key: Hashable
    path: str
    algorithms: tuple[str, ...]
    expect: Stat | None = None
    uncached: bool = False
    refuse_writers: bool = False
    keep_open: bool = False


Outcome = tuple[ReadOrder, Reading | NotRead]


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
    thread each time outcomes have become available, and must return at once.
    """

    def __init__(
        self,
        workers: int | None,
        clock: Clock,
        *,
        pace: TokenBucket | None = None,
        capacity: int = 2048,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._workers = workers
        self._clock = clock
        self._pace = pace
        self._capacity = capacity
        self._wake = wake
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._finished_some = threading.Condition(self._lock)
        self._lanes: dict[int | None, _Lane] = {}
        self._threads: list[threading.Thread] = []
        self._finished: list[Outcome] = []
        self._outstanding = 0
        self._slots: set[_Slot] = set()
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
        return lane.small if _is_small(order) else lane.large

    def _open_lane(self, device: int | None) -> _Lane:
        large = _Queue(self._lock)
        if device is not None and turns(device):
            self._start(large, ahead=_AHEAD)
            return _Lane(large, large)
        for _ in range(readers_for(device or 0, self._workers)):
            self._start(large, ahead=1)
        small = _Queue(self._lock)
        self._start(small, ahead=_AHEAD)
        return _Lane(small, large)

    def _start(self, queue: _Queue, ahead: int) -> None:
        thread = threading.Thread(
            target=self._run, args=(queue, ahead), name=f"reader-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _run(self, queue: _Queue, ahead: int) -> None:
        try:
            self._read_all(queue, ahead)
        except BaseException as error:
            with self._lock:
                self._bug = error
                self._finished_some.notify_all()
            self._call_wake()

    def _read_all(self, queue: _Queue, ahead: int) -> None:
        """Read what comes through `queue`, with up to `ahead` small files opened before their turn."""
        reader = Reader(self._clock, pace=self._pace, stop=self._stop)
        orders: deque[ReadOrder] = deque()
        opened: deque[tuple[ReadOrder, Opened | NotRead | None]] = deque()
        outcomes: list[Outcome] = []
        while True:
            if not orders:
                self._deliver(outcomes)
                taken = self._take(queue, ahead, wait=not opened)
                if taken is None:
                    return
                orders.extend(taken)
            while orders and len(opened) < ahead:
                opened.append(self._opened(orders.popleft()))
            if not opened:
                continue
            order, footage = opened.popleft()
            if footage is not None:
                outcomes.append((order, self._read_small(reader, order, footage)))
            else:
                # A large one may take hours: nothing finished waits for it, and nobody for the next.
                self._deliver(outcomes)
                outcomes.append((order, self._read_large(reader, order)))
                self._deliver(outcomes)

    def _opened(self, order: ReadOrder) -> tuple[ReadOrder, Opened | NotRead | None]:
        if not _is_small(order) or self._stop.is_set():
            return order, None
        footage = open_footage(order.path, order.expect, uncached=order.uncached, refuse_writers=order.refuse_writers)
        if isinstance(footage, Opened):
            footage.want()
        return order, footage

    def _read_small(self, reader: Reader, order: ReadOrder, footage: Opened | NotRead) -> Reading | NotRead:
        if isinstance(footage, NotRead):
            return footage
        return reader.finish(footage, order.algorithms, keep_open=order.keep_open)

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

    def _take(self, queue: _Queue, limit: int, *, wait: bool) -> list[ReadOrder] | None:
        """The next orders, up to `limit`; None when it is time to end."""
        with self._lock:
            while wait and not queue.orders and not self._stop.is_set():
                queue.waiting.wait()
            if wait and not queue.orders:
                return None
            return [queue.orders.popleft() for _ in range(min(limit, len(queue.orders)))]

    def _call_wake(self) -> None:
        if self._wake is not None:
            self._wake()


def _is_small(order: ReadOrder) -> bool:
    return order.expect is not None and order.expect.size <= SMALL_BYTES


def read_all(pool: ReaderPool, orders: Iterable[ReadOrder]) -> Iterator[Outcome]:
    """Put all of `orders` through the pool and give their outcomes as they finish.

    `orders` is drawn from only as fast as the pool has room, so it may be a scan without an end in sight.
    """
    held: list[ReadOrder] = []
    source = iter(orders)
    more = True
    while more or held or pool.outstanding:
        if more:
            held.extend(islice(source, _AHEAD - len(held)))
            more = len(held) == _AHEAD
        accepted = pool.submit_many(held)
        del held[:accepted]
        if held and not accepted and not pool.outstanding:
            return
        yield from pool.finished(wait=bool(held) or not more)
