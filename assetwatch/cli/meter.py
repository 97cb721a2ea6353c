"""How far is a read of many files, how fast does it go, and how long will it take? One line on a terminal."""

from __future__ import annotations

import shutil
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from assetwatch.clock import Clock
from assetwatch.units import duration, size

if TYPE_CHECKING:
    from assetwatch.checksum.pool import ReaderPool
    from assetwatch.checksum.verdict import EntryVerdict

#: Seconds between two lines, and over which the rate is taken: long enough to be read, short enough to be true.
_EVERY = 0.25
_WINDOW = 10.0


class Meter:
    """Counts what is done. With `drawn` a thread of its own draws it on standard error until the context ends."""

    def __init__(self, pool: ReaderPool, clock: Clock, *, drawn: bool) -> None:
        self._pool, self._clock = pool, clock
        self._files = self._files_done = self._bytes = self.bytes_done = 0
        self._wrong = 0
        self._seen: deque[tuple[float, int]] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="meter", daemon=True) if drawn else None

    def __enter__(self) -> Meter:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()

    def begin(self, files: int, size: int) -> None:
        """So many files, with so many bytes as far as that is known, are to be read besides those told before."""
        self._files += files
        self._bytes += size

    def judged(self, verdict: EntryVerdict, size: int) -> None:
        """An entry was judged, and `size` bytes were read for it."""
        self._wrong += verdict.verdict not in ("verified", "uncheckable")
        self.taken(size)

    def taken(self, size: int) -> None:
        """A file of so many bytes is done."""
        self._files_done += 1
        self.bytes_done += size

    def line(self) -> str:
        """The present state in one line."""
        now = self._clock.monotonic()
        under_way = sum(one.bytes_done for one in self._pool.progress())
        done = self.bytes_done + under_way
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        began, was = self._seen[0]
        rate = (done - was) / (now - began) if now > began else 0.0
        parts = [f"{self._files_done:,} of {self._files:,} files" if self._files else "reading the list"]
        whole = self._bytes >= done > 0
        parts.append(f"{size(done)} of {size(self._bytes)}" if whole else size(done))
        if rate > 0:
            parts.append(f"{size(round(rate))}/s")
        if whole and rate > 0:
            parts.append(f"{duration((self._bytes - done) / rate)} left")
        if self._wrong:
            parts.append(f"{self._wrong} WRONG")
        return _bar(done / self._bytes if whole else 0.0) + ", ".join(parts)

    def _draw(self) -> None:
        out = sys.stderr
        # What is done in an instant needs no line.
        while not self._clock.wait(self._stop, _EVERY):
            width = shutil.get_terminal_size().columns - 1
            out.write("\r" + self.line()[:width].ljust(width))
            out.flush()
        out.write("\r\x1b[K")
        out.flush()


def _bar(share: float) -> str:
    cells = 20
    full = min(cells, int(share * cells))
    return f"[{'#' * full}{'.' * (cells - full)}] {share:4.0%}  "
