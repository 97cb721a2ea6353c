"""How are reads kept below so many bytes a second?

Only this protects other people's work on the same disks; an idle I/O class was measured and does not.
"""

from __future__ import annotations

import threading
from typing import Final

from assetwatch.clock import Clock

#: How much unused time may be caught up with at once, in seconds: hides a late wake-up, allows no rush.
_BURST_SECONDS: Final = 0.1


class TokenBucket:
    """Permission to read, at `bytes_per_second` for all who share it. Safe to use from several threads."""

    def __init__(self, bytes_per_second: float, clock: Clock) -> None:
        if bytes_per_second <= 0:
            raise ValueError(f"a pace must be above 0 bytes per second, not {bytes_per_second}")
        self._rate = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._due = clock.monotonic()
        self._never = threading.Event()

    def take(self, count: int, stop: threading.Event | None = None) -> bool:
        """Wait until `count` bytes may be read; False if `stop` was set instead.

        Each call is given its turn on the clock first and then waits for it, so threads that share a bucket
        are served in order, and a wait that ends late is made up for by the next.
        """
        with self._lock:
            now = self._clock.monotonic()
            self._due = max(self._due, now - _BURST_SECONDS) + count / self._rate
            wait_seconds = self._due - now
        if wait_seconds > 0:
            self._clock.wait(stop or self._never, wait_seconds)
        return stop is None or not stop.is_set()
