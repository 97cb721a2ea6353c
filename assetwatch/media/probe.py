"""What media is in a file? Asked of child processes, so that a file that kills the library kills nothing else.

Each worker is a thread with a child of its own (`probe_child`), started for the first file and kept. A file goes over
as an open descriptor. What takes longer than the limit is ended and has timed out; a child that dies of a file is
replaced, and only that file has crashed.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from assetwatch.clock import Clock
from assetwatch.media.asker import Asker, ProbeResult, Status

__all__ = ["ProbeResult", "Prober", "Status"]

#: Children by default: two give what two cores can, more gave no more.
WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class _Order:
    key: Hashable
    fd: int
    size: int


class Prober:
    """Probes files in `workers` children at once. All methods may be called from any thread.

    `time_limit_seconds` is what one file may take. `wake`, if given, is called from a worker's thread each time a
    result has become available, and must return at once. Threads and children start with the first file.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        time_limit_seconds: float,
        clock: Clock,
        wake: Callable[[], None] | None = None,
    ) -> None:
        self._workers = workers or WORKERS
        self._limit = time_limit_seconds
        self._clock = clock
        self._wake = wake
        self._lock = threading.Lock()
        self._asked = threading.Condition(self._lock)
        self._answered = threading.Condition(self._lock)
        self._orders: deque[_Order] = deque()
        self._results: list[tuple[Hashable, ProbeResult]] = []
        self._threads: list[threading.Thread] = []
        self._askers: list[Asker] = []
        self._idle = 0
        self._outstanding = 0
        self._closed = False
        self._bug: BaseException | None = None
        #: For `probe`, which answers its caller and no queue.
        self._own_lock = threading.Lock()
        self._own: Asker | None = None

    def __enter__(self) -> Prober:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def outstanding(self) -> int:
        """How many files were submitted and their results not taken yet."""
        return self._outstanding

    @property
    def pids(self) -> list[int]:
        """The process ids of the children that run."""
        askers = [*self._askers, *([] if self._own is None else [self._own])]
        return [pid for asker in askers if (pid := asker.pid) is not None]

    def submit(self, key: Hashable, fd: int, name: str, size: int) -> bool:
        """Have the media of an open file read; False where the prober is closed.

        True takes the descriptor over: it is closed here when the file is done. `key` comes back with the result.
        `name` is for people only, MediaInfo is not told: it would look for the file, and for those beside it.
        """
        with self._lock:
            self._raise_bug()
            if self._closed:
                return False
            self._orders.append(_Order(key, fd, size))
            self._outstanding += 1
            if self._idle < len(self._orders) and len(self._threads) < self._workers:
                self._start_worker()
            self._asked.notify()
        return True

    def finished(self, *, wait: bool = False) -> list[tuple[Hashable, ProbeResult]]:
        """Keys and results since the last call, each once, in any order.

        With `wait` it blocks until there is one, unless nothing is outstanding. An error in a worker's thread, which
        can only be a bug, is raised here.
        """
        with self._lock:
            while wait and self._outstanding and not self._results and not self._closed and self._bug is None:
                self._answered.wait()
            self._raise_bug()
            results, self._results = self._results, []
            self._outstanding -= len(results)
        return results

    def probe(self, path: str | os.PathLike[str]) -> ProbeResult:
        """The media of one file, waiting for it. Links are not followed, and nothing but a regular file is opened."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except (OSError, ValueError) as error:
            return self.unreadable((error.strerror if isinstance(error, OSError) else None) or str(error))
        try:
            seen = os.fstat(fd)
            if not stat.S_ISREG(seen.st_mode):
                return self.unreadable("not a regular file")
            with self._own_lock:
                return self._own_asker().probe(fd, seen.st_size)
        finally:
            os.close(fd)

    def version(self) -> str:
        """The version of the library. Raises AssetwatchError, with the reason, where it cannot be used."""
        with self._own_lock:
            asker = self._own_asker()
            asker.ready()
            return asker.version

    def unreadable(self, reason: str) -> ProbeResult:
        """The result for a file that could not be opened."""
        return ProbeResult("unreadable", tool_version=self._known_version(), reason=reason)

    def close(self, patience_seconds: float = 5.0) -> bool:
        """End the children and the threads; whether they all ended. What was not probed yet has no result."""
        with self._lock:
            self._closed = True
            for order in self._orders:
                os.close(order.fd)
            self._outstanding -= len(self._orders)
            self._orders.clear()
            self._asked.notify_all()
            self._answered.notify_all()
            askers = [*self._askers]
        for asker in askers:
            asker.kill()
        own = self._own
        if own is not None:
            own.kill()
        deadline = self._clock.monotonic() + patience_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._clock.monotonic()))
        if own is not None and self._own_lock.acquire(timeout=patience_seconds):
            own.close()
            self._own_lock.release()
        return not any(thread.is_alive() for thread in self._threads)

    def _own_asker(self) -> Asker:
        if self._own is None:
            self._own = Asker(self._clock, self._limit)
        return self._own

    def _known_version(self) -> str:
        askers = [*self._askers, *([] if self._own is None else [self._own])]
        return next((asker.version for asker in askers if asker.version), "")

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _start_worker(self) -> None:
        asker = Asker(self._clock, self._limit)
        thread = threading.Thread(target=self._run, args=(asker,), name=f"probe-{len(self._threads)}", daemon=True)
        self._askers.append(asker)
        self._threads.append(thread)
        thread.start()

    def _run(self, asker: Asker) -> None:
        try:
            while (order := self._next()) is not None:
                try:
                    result = asker.probe(order.fd, order.size)
                finally:
                    os.close(order.fd)
                self._deliver(order, result)
        except BaseException as error:
            with self._lock:
                self._bug = error
                self._answered.notify_all()
            self._call_wake()
        finally:
            asker.close()

    def _next(self) -> _Order | None:
        with self._lock:
            self._idle += 1
            while not self._orders and not self._closed:
                self._asked.wait()
            self._idle -= 1
            return self._orders.popleft() if self._orders else None

    def _deliver(self, order: _Order, result: ProbeResult) -> None:
        with self._lock:
            if self._closed:
                # Killed on closing: that says nothing of the file.
                self._outstanding -= 1
                return
            self._results.append((order.key, result))
            self._answered.notify_all()
        self._call_wake()

    def _call_wake(self) -> None:
        if self._wake is not None:
            self._wake()
