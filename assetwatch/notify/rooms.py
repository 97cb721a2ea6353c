"""How much room is left on the disks? Asked in a thread: a server that is away lets whoever asks it wait for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple

from assetwatch.clock import Clock
from assetwatch.paths import to_os

#: Seconds between two looks at all disks.
_EVERY_S: Final = 30.0


class Room(NamedTuple):
    """Bytes of a file system in all, and those that are free to us."""

    total: int
    free: int


class Rooms:
    """What was last seen of some places. A place that does not answer keeps what was seen of it before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, Room] = {}
        self._next = float("-inf")
        self._asking: dict[str, threading.Thread] = {}

    def look(self, places: Mapping[str, str]) -> dict[str, Room]:
        """What is known of places (any key -> path in catalog text). What is asked now is known at a later look."""
        now = self._clock.monotonic()
        if now >= self._next or any(key not in self._seen and key not in self._asking for key in places):
            self._next = now + _EVERY_S
            for key, path in places.items():
                asking = self._asking.get(key)
                if asking is None or not asking.is_alive():
                    self._asking[key] = threading.Thread(target=self._ask, args=(key, to_os(path)), daemon=True)
                    self._asking[key].start()
        return {key: self._seen[key] for key in places if key in self._seen}

    def settle(self) -> None:
        """Wait until all that was asked has been answered."""
        for thread in self._asking.values():
            thread.join()

    def _ask(self, key: str, path: str) -> None:
        try:
            found = os.statvfs(path)
        except OSError:
            return
        self._seen[key] = Room(found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail)
