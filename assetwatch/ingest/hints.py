"""What was heard of a volume since the last look, in bounded memory?

A hint is a place worth a look, not a fact: what it says is believed only after an lstat.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MOST_PATHS: Final = 100_000  #: paths kept one by one (some 15 MiB); beyond, their folders are looked at instead
MOST_FOLDERS: Final = 1_000  #: folders kept one by one; beyond, the whole volume is looked at instead
MOST_OPEN: Final = 10_000  #: files remembered as being written; the oldest are forgotten first


class Last(Enum):
    """The last thing heard of a path."""

    OPENED = "opened"  #: created; a writer may still have it open
    CLOSED = "closed"  #: closed by a writer, or moved here whole
    GONE = "gone"  #: deleted or moved away
    FOUND = "found"  #: met while a new folder was listed; events of its own may have gone before


@dataclass(frozen=True, slots=True)
class Hints:
    """What to look at. Paths are relative to the root, as `os` functions give them (surrogateescape).

    paths      every file worth an lstat
    closed     of these, the ones whose last event was a writer's close or a rename to here: evidence that
               writing ended
    opened     of these, the ones whose last event was their creation
    removed    of these, the ones last heard of as deleted or moved away
    folders    folder -> why everything below it needs a look, whether the folder is there or not
    full_scan  why the whole volume needs a look, or None
    """

    paths: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    opened: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    folders: Mapping[str, str] = field(default_factory=dict)
    full_scan: str | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.paths or self.folders or self.full_scan)


@dataclass(slots=True)
class Batch:
    """What one turn of the reader heard, in the order of `Hints`."""

    heard: dict[str, Last] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    full_scan: str | None = None

    def __bool__(self) -> bool:
        return bool(self.heard or self.folders or self.full_scan)


class PendingHints:
    """Hints that nobody has looked at yet. `add` and `take` may be called from different threads."""

    def __init__(self, most_paths: int = MOST_PATHS, most_folders: int = MOST_FOLDERS) -> None:
        self._most_paths = most_paths
        self._most_folders = most_folders
        self._lock = threading.Lock()
        self._batch = Batch()

    def add(self, batch: Batch) -> None:
        """Keep what `batch` says; a later word on a path replaces an earlier one."""
        with self._lock:
            kept = self._batch
            kept.heard.update(batch.heard)
            kept.folders.update(batch.folders)
            kept.full_scan = kept.full_scan or batch.full_scan
            if len(kept.heard) > self._most_paths:
                why = f"more than {self._most_paths} changes were waiting"
                kept.folders.update(dict.fromkeys({path.rpartition("/")[0] for path in kept.heard}, why))
                kept.heard.clear()
            if "" in kept.folders:  # the root folder: everything
                kept.full_scan = kept.full_scan or kept.folders[""]
                kept.folders.clear()
            if len(kept.folders) > self._most_folders:
                kept.full_scan = kept.full_scan or f"changes in more than {self._most_folders} folders were waiting"
                kept.folders.clear()

    def take(self, ignored: Callable[[str, bool], bool]) -> Hints:
        """Everything kept, which is then forgotten; files for which `ignored(path, False)` holds are left out."""
        with self._lock:
            taken, self._batch = self._batch, Batch()
        by_last: dict[Last, set[str]] = {last: set() for last in Last}
        for path, last in taken.heard.items():
            if not ignored(path, False):
                by_last[last].add(path)
        return Hints(
            paths=frozenset().union(*by_last.values()),
            closed=frozenset(by_last[Last.CLOSED]),
            opened=frozenset(by_last[Last.OPENED]),
            removed=frozenset(by_last[Last.GONE]),
            folders={f: why for f, why in taken.folders.items() if not _has_ancestor_in(f, taken.folders)},
            full_scan=taken.full_scan,
        )


class OpenFiles:
    """Files created within earshot and not closed by a writer since. Written by one thread, asked by any.

    Evidence, not proof: a hard link, a FIFO or a socket is created and never closed.
    """

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._paths: dict[str, None] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._paths

    def add(self, path: str) -> None:
        """`path` was created; where too many are remembered, the oldest is forgotten."""
        if len(self._paths) >= self._most:
            del self._paths[next(iter(self._paths))]
        self._paths[path] = None

    def discard(self, path: str) -> bool:
        """`path` was closed or is gone; whether it was remembered."""
        if path not in self._paths:
            return False
        del self._paths[path]
        return True

    def move_folder(self, old: str, new: str | None) -> None:
        """Everything below folder `old` is now below `new`, or out of earshot (None)."""
        below = [path for path in self._paths if path.startswith(old + "/")]
        for path in below:
            del self._paths[path]
            if new is not None:
                self._paths[new + path[len(old) :]] = None


def _has_ancestor_in(folder: str, folders: Mapping[str, str]) -> bool:
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        if folder in folders:
            return True
    return False
