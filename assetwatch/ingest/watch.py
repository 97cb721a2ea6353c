"""Where on a volume has something happened, as far as the kernel says?

watchdog is the framework (observer, emitter, handler); the emitter's reader is our own, see `inotify`. One event
goes through watchdog's queue for each turn of the reader, not for each file: a burst outruns a queue of single events.
The only module that imports watchdog.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import BaseObserver, EventEmitter, EventQueue, ObservedWatch

from assetwatch import paths
from assetwatch.clock import Clock
from assetwatch.ingest import mounts
from assetwatch.ingest.hints import MOST_PATHS, Batch, Hints, OpenFiles, PendingHints
from assetwatch.ingest.inotify import Inotify, instances_exhausted, limit, watches_exhausted
from assetwatch.ingest.watchtree import TreeState, WatchTree

_log = logging.getLogger(__name__)

#: Folders visited between two reads: some 5 ms, in which the kernel's queue cannot fill.
_FOLDERS_A_TURN: Final = 256
#: Seconds in which the second half of a folder's rename has to come, or the folder has left the volume.
_PAIR_S: Final = 0.05
#: Seconds that `stop` waits for a thread; one that hangs on a dead disk is left behind.
_STOP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class WatchState:
    """Whether, and how well, a volume is being watched.

    alive               events are being taken; if not, `reason` says why
    ready               every folder that could be watched is; before, only hints are incomplete
    walking             folders are being visited, at the start or because the tree has changed
    watches             folders watched, of at most `watch_limit` for all of the user's programs (None: not known)
    watch_limit_hit     the kernel refused watches for want of them
    overflows           times the kernel dropped events, since the watcher was made
    last_event          when the last hint came, or None
    problems            what is wrong, each a sentence with what to do about it
    """

    alive: bool
    reason: str | None
    ready: bool
    walking: bool
    watches: int
    watch_limit: int | None
    watch_limit_hit: bool
    overflows: int
    last_event: datetime | None
    problems: tuple[str, ...]


class Watcher:
    """Gathers hints of what happens below `root` until somebody takes them.

    `ignored(relative_path, is_folder)` is asked from the emitter's thread for folders and from the caller's for
    files. `wake` is set when there is something to take, or the watch has ended. `kernel` opens an inotify
    instance. A start ends with a `full_scan` hint as soon as every folder is watched.
    """

    def __init__(
        self,
        root: str,
        ignored: Callable[[str, bool], bool],
        wake: threading.Event,
        clock: Clock,
        *,
        kernel: Callable[[], Inotify] = Inotify,
        most_paths: int = MOST_PATHS,
    ) -> None:
        self.root = root
        self._ignored = ignored
        self._wake = wake
        self._clock = clock
        self._kernel = kernel
        self._pending = PendingHints(most_paths)
        self._session: _Session | None = None
        self._overflows_before = 0

    def start(self) -> None:
        """Begin to watch, without waiting for it; does nothing while the watch is alive, begins anew when it is not."""
        if self._session is not None:
            if self._session.why_dead() is None:
                return
            self.stop()
        self._session = _Session(self.root, self._ignored, self._kernel, self._heard)
        self._session.start()

    def stop(self) -> None:
        """Give up all watches. Hints not taken yet are kept; afterwards nothing comes in any more."""
        session, self._session = self._session, None
        if session is not None:
            session.stop()
            self._overflows_before += session.tree_state.overflows

    def refresh(self) -> None:
        """Have the tree walked again: folders not watched so far are tried once more. Watches are kept.

        Worth a call with each full scan: it also finds a root that has been replaced or mounted over.
        """
        if self._session is not None:
            self._session.refresh()

    def drain(self) -> Hints:
        """The hints that came since the last time."""
        return self._pending.take(self._ignored)

    def may_be_open(self, path: str) -> bool:
        """Whether `path` was created within earshot and no writer has closed it since: evidence, not proof.

        A hard link, a FIFO and a socket are created and never closed: nobody may wait for this alone.
        """
        return self._session is not None and path in self._session.open_files

    def state(self) -> WatchState:
        """Whether, and how well, the volume is being watched now."""
        session = self._session
        tree = TreeState() if session is None else session.tree_state
        reason = "the watch was not started" if session is None else session.why_dead()
        return WatchState(
            alive=reason is None,
            reason=reason,
            ready=reason is None and tree.ready,
            walking=tree.walking,
            watches=tree.watches if reason is None else 0,
            watch_limit=limit("max_user_watches"),
            watch_limit_hit=tree.watch_limit_hit,
            overflows=self._overflows_before + tree.overflows,
            last_event=None if session is None else session.last_event,
            problems=() if session is None else _problems(self.root, reason, tree),
        )

    def _heard(self, session: _Session, batch: Batch, before: TreeState) -> None:
        """Called in watchdog's dispatching thread for each turn of the reader."""
        if session is not self._session:
            return
        if batch:
            self._pending.add(batch)
            session.last_event = self._clock.now()
        for line in _news(self.root, before, session.tree_state):
            _log.warning("%s", line)
        if batch or session.tree_state.ended:
            self._wake.set()


class _Session(FileSystemEventHandler):
    """One life of a watch, from a start to its end. What it learns is written by watchdog's dispatching thread."""

    def __init__(
        self,
        root: str,
        ignored: Callable[[str, bool], bool],
        kernel: Callable[[], Inotify],
        heard: Callable[[_Session, Batch, TreeState], None],
    ) -> None:
        self.tree_state = TreeState()
        self.last_event: datetime | None = None
        self.open_files = OpenFiles()
        self._root = root
        self._heard = heard
        self._observer = _Observer(_Emitter, root=root, ignored=ignored, kernel=kernel, open_files=self.open_files)

    def start(self) -> None:
        self._observer.schedule(self, self._root, recursive=True)
        self._observer.start()

    def stop(self) -> None:
        threads = [self._observer, *self._observer.emitters]
        self._observer.stop()
        for thread in threads:
            thread.join(_STOP_S)

    def refresh(self) -> None:
        for emitter in self._observer.emitters:
            if isinstance(emitter, _Emitter):
                emitter.refresh()

    def why_dead(self) -> str | None:
        """Why no event can come any more, or None. A dead emitter leaves watchdog's observer alive."""
        if self.tree_state.ended:
            return self.tree_state.ended
        if not self._observer.is_alive():
            return "the thread that takes the events has ended"
        # One that said why it ends is still to be heard: its word waits in watchdog's queue.
        if not all(emitter.is_alive() or getattr(emitter, "said_why", False) for emitter in self._observer.emitters):
            return "the thread that reads the events has ended"
        return None

    def on_heard(self, event: _HeardEvent) -> None:
        """watchdog's call for an event of type `heard`."""
        before, self.tree_state = self.tree_state, event.tree_state
        self._heard(self, event.batch, before)


class _HeardEvent(FileSystemEvent):
    """One turn of the reader, on its way through watchdog's queue."""

    event_type = "heard"

    def __init__(self, root: str, batch: Batch, tree_state: TreeState) -> None:
        super().__init__(root)
        self.event_type = "heard"
        self.is_directory = True
        self.batch = batch
        self.tree_state = tree_state

    # By identity: watchdog's queue leaves out an event that equals the one before it.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class _Observer(BaseObserver):
    """watchdog's observer, which does not wait without end for an emitter that hangs on a disk."""

    def on_thread_stop(self) -> None:
        for emitter in self.emitters:
            emitter.stop()


class _Emitter(EventEmitter):
    """Reads the kernel's events and keeps the watches, in a thread of its own."""

    def __init__(
        self,
        event_queue: EventQueue,
        watch: ObservedWatch,
        *,
        root: str,
        ignored: Callable[[str, bool], bool],
        kernel: Callable[[], Inotify],
        open_files: OpenFiles,
        **framework: Any,
    ) -> None:
        super().__init__(event_queue, watch, **framework)
        self._root = root
        self._ignored = ignored
        self._open_kernel = kernel
        self._open_files = open_files
        self._kernel: Inotify | None = None
        self._refresh = threading.Event()
        self._said = TreeState()
        self.said_why = False  # whether the end of this thread, and its cause, was queued

    def run(self) -> None:
        """The thread: open, walk, read until stopped or ended. Whatever ends it is said."""
        tree_state = TreeState()
        try:
            self._kernel = self._open_kernel()
            tree = WatchTree(
                self._kernel, self._root, self._ignored, lambda: mounts.mounts_below(self._root), self._open_files
            )
            tree.begin()
            while self.should_keep_running():
                tree_state = self._turn(self._kernel, tree)
                if tree_state.ended:
                    return
        except OSError as error:
            exhausted = error.errno in (errno.EMFILE, errno.ENFILE)
            self._end(tree_state, instances_exhausted() if exhausted else f"the watch failed: {error}")
        except Exception as error:
            _log.exception("the watch on %s ended by a fault of the program", paths.shown(paths.from_os(self._root)))
            self._end(tree_state, f"the watch ended by a fault of the program: {error!r}")
        finally:
            if self._kernel is not None:
                self._kernel.close()

    def on_thread_stop(self) -> None:
        if self._kernel is not None:
            self._kernel.interrupt()

    def refresh(self) -> None:
        """Have the tree walked again."""
        self._refresh.set()
        if self._kernel is not None:
            self._kernel.interrupt()

    def _turn(self, kernel: Inotify, tree: WatchTree) -> TreeState:
        """Read what came, visit some folders, tell what was heard. Waits only when there is nothing to do."""
        if not tree.ended:
            tree.hear(kernel.read(0 if tree.walking else _PAIR_S if tree.awaits_pair else None))
            if self._refresh.is_set():
                self._refresh.clear()
                tree.walk_again()
            tree.walk(_FOLDERS_A_TURN)
        batch, tree_state = tree.take(), tree.state()
        if batch or tree_state != self._said:
            self._tell(batch, tree_state)
        return tree_state

    def _end(self, tree_state: TreeState, why: str) -> None:
        fields = {name: getattr(tree_state, name) for name in TreeState.__slots__}
        self._tell(Batch(), TreeState(**{**fields, "ended": why}))

    def _tell(self, batch: Batch, tree_state: TreeState) -> None:
        self._said = tree_state
        self.queue_event(_HeardEvent(os.fspath(self._root), batch, tree_state))
        self.said_why = bool(tree_state.ended)


def _problems(root: str, reason: str | None, tree: TreeState) -> tuple[str, ...]:
    shown_root = _shown(root)
    problems = []
    if reason is not None:
        problems.append(f"{shown_root} is not watched: {reason}.")
    if tree.watch_limit_hit:
        problems.append(f"{shown_root} is watched in part: {watches_exhausted()}.")
    if tree.unwatched:
        some = "; ".join(_shown(example) for example in tree.unwatched_examples[:3])
        problems.append(f"{tree.unwatched} folders of {shown_root} are seen by scans only, such as {some}.")
    if tree.other_mounts:
        some = ", ".join(_shown(mount) for mount in tree.other_mounts[:3])
        problems.append(
            f"other file systems are mounted below {shown_root} ({some}) and are not watched: "
            "make each one a volume of its own."
        )
    return tuple(problems)


def _news(root: str, before: TreeState, now: TreeState) -> list[str]:
    """What is worth a line in the log, once."""
    news = []
    if now.overflows > before.overflows:
        news.append(f"{_shown(root)}: the kernel's event queue overflowed; the whole volume will be scanned.")
    if (now.ended, now.watch_limit_hit, now.other_mounts, now.unwatched > 0) != (
        before.ended,
        before.watch_limit_hit,
        before.other_mounts,
        before.unwatched > 0,
    ):
        news += _problems(root, now.ended, now)
    return news


def _shown(path: str) -> str:
    return paths.shown(paths.from_os(path))
