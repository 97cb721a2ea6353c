"""What do senders' lists say of the files below them, given what the catalog knows by now? One package at a time.

A list may come before, among or after its files. So nothing is matched piece by piece: whenever a list or a file
below it changed, the whole package is judged anew, from the catalog's digests, in a thread of its own; no listed file
is read here. What the catalog cannot answer yet is asked of the readers: `packages.wants` tells them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from assetwatch.catalog import packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import PackageRow
from assetwatch.clock import Clock
from assetwatch.errors import CatalogError
from assetwatch.ingest.judging import Compared, Judging, PackageJudge, Transform
from assetwatch.paths import to_os

__all__ = ["Compared", "Comparer", "Transform", "compare"]

_log = logging.getLogger(__name__)

#: A package is judged again after this many times the time that judging it took, while other work is under way.
_REST_FACTOR: Final = 5.0

#: What takes no longer than this (seconds) needs no rest.
_QUICK_S: Final = 0.02

#: A thread that waits for the loop looks this often (seconds) whether it is to end.
_LOOK_S: Final = 0.2

#: Pieces of a judged package that the loop may be behind: a list of a million files takes no more memory than these.
_AHEAD: Final = 2


class _Closed(Exception):
    """The loop wants no more pieces."""


class Comparer:
    """Judges stale packages, one at a time, in a thread; what came out is entered by the loop."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._thread: threading.Thread | None = None
        self._pieces: queue.Queue[Compared | BaseException] = queue.Queue(_AHEAD)
        self._closing = threading.Event()
        self._rest_until: dict[int, float] = {}

    @property
    def busy(self) -> bool:
        """Whether a package is being judged, or has been and is not entered yet."""
        return self._thread is not None

    @property
    def resting(self) -> bool:
        """Whether a package has to wait before it is judged again."""
        return bool(self._rest_until)

    def next_wake(self) -> float | None:
        """When (monotonic seconds) a package that rests may be judged again."""
        return min(self._rest_until.values(), default=None)

    def begin(
        self, roots: Mapping[int, str], transforms: Mapping[int, Sequence[Transform]], *, at_leisure: bool = False
    ) -> bool:
        """Begin to judge a stale package of these volumes (volume id -> root); whether there was one to begin with.

        `at_leisure` says that nothing else is to be done, and that no package need rest.
        """
        if self._thread is not None:
            return False
        now = self._clock.monotonic()
        self._rest_until = {
            package: until for package, until in self._rest_until.items() if until > now and not at_leisure
        }
        with self._database.read() as connection:
            first = packages.stale(connection, list(roots), len(self._rest_until) + 1)
        package = next((row for row in first if row.id not in self._rest_until), None)
        if package is None:
            return False
        with self._database.write() as connection:
            # Whatever changes from now on makes it stale again, while it is judged as it is.
            packages.take(connection, package.id)
        rules = transforms.get(package.volume_id, ())
        self._thread = threading.Thread(
            target=self._run, args=(package, roots[package.volume_id], rules), name="compare", daemon=True
        )
        self._thread.start()
        return True

    def collect(self) -> Compared | None:
        """The next piece of what the thread has found; None where there is none yet."""
        try:
            piece = self._pieces.get_nowait()
        except queue.Empty:
            return None
        if self._thread is not None and (isinstance(piece, BaseException) or piece.last):
            self._thread.join()
            self._thread = None
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def _run(self, package: PackageRow, root: str, rules: Sequence[Transform]) -> None:
        began = self._clock.monotonic()

        def emit(piece: Compared) -> None:
            if piece.last:
                # Noted before the loop can know that it is over.
                ended = self._clock.monotonic()
                if ended - began > _QUICK_S:
                    self._rest_until[package.id] = ended + _REST_FACTOR * (ended - began)
            self._put(piece)

        try:
            try:
                compare(self._database, package, root, rules, emit)
            except (CatalogError, _Closed):
                raise
            except Exception as error:
                # Whatever a list does to its reader, it is that list's trouble and not the end of the daemon.
                _log.exception("%s: judging its lists failed", package.path or "root")
                what = f"{type(error).__name__}: {error}"
                problem = f"its lists cannot be judged, which is a bug in assetwatch: {what}"
                emit(Compared(Judging(package), last=True, problem=problem))
        except _Closed:
            pass
        except CatalogError as error:
            with contextlib.suppress(_Closed):
                self._put(error)

    def _put(self, piece: Compared | BaseException) -> None:
        """Hand a piece to the loop, once it has room for it."""
        while not self._closing.is_set():
            with contextlib.suppress(queue.Full):
                self._pieces.put(piece, timeout=_LOOK_S)
                self._wake()
                return
        raise _Closed

    def close(self) -> None:
        """Let the thread end; a package that was being judged is judged again next time."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5.0)


def compare(
    database: Database, package: PackageRow, root: str, rules: Sequence[Transform], emit: Callable[[Compared], None]
) -> None:
    """Judge one package from what the catalog knows; `emit` is given the pieces in order. Raises CatalogError."""
    path = Path(os.path.join(root, to_os(package.path)) if package.path else root)
    end = Compared(Judging(package), last=True)
    if path.is_dir():
        PackageJudge(database, package, path, rules, emit, end).judge()
    else:
        end.gone = True
    end.judging.given += 1
    emit(end)
