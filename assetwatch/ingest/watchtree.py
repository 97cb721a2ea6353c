"""Which folder is each watch, while trees are made, moved and removed under it?

A watch is added before its folder is listed, so that whatever is made meanwhile is either heard or found. Each
folder is kept as (watch of the folder above, name): when a tree is moved, one entry changes and the rest follows.
The kernel has the last word: asked to watch a path, it answers with the watch of the inode that is there now. The walk
can be ahead of the events, and a path can change under it; but each change of place is followed by an event, and
each such event by a visit, so that the last word on a place is always a look at it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from assetwatch.ingest import inotify
from assetwatch.ingest.hints import Batch, Last, OpenFiles
from assetwatch.ingest.inotify import Event

#: Files of one new folder named one by one; a folder with more is looked at as a whole.
MOST_FOUND: Final = 20_000
_MOST_EXAMPLES = 20
_OPEN_ROOT: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK
_OPEN_FOLDER: Final = _OPEN_ROOT | os.O_NOFOLLOW
#: Not a watch: stands above the root, and above a folder that has left the tree.
_NOWHERE = -1


class Kernel(Protocol):
    """What the tree asks of an `inotify.Inotify`."""

    def add(self, path: str, mask: int) -> int: ...

    def remove(self, wd: int) -> None: ...


class _Why(Enum):
    """Why a folder is visited, which decides what is said of its files."""

    BEGIN = "begin"  # first walk: a scan follows it, so nothing is said
    NEW = "new"  # heard of: its files are hints if it was not watched yet
    AGAIN = "again"  # after an overflow, a move or on request: as NEW, but its folders are visited in any case


@dataclass(frozen=True, slots=True)
class TreeState:
    """How well the tree is watched.

    ended              why no event can come any more, or None
    ready              the first walk is over: every folder that could be watched is
    walking            some folders are still to be visited
    watches            folders watched
    overflows          times the kernel dropped events
    watch_limit_hit    the kernel refused a watch for want of them, in the last complete walk or since
    unwatched          folders that could not be watched, in the last complete walk or since
    unwatched_examples some of them, as `path: reason`
    other_mounts       folders where another file system is mounted; not watched
    """

    ended: str | None = None
    ready: bool = False
    walking: bool = False
    watches: int = 0
    overflows: int = 0
    watch_limit_hit: bool = False
    unwatched: int = 0
    unwatched_examples: tuple[str, ...] = ()
    other_mounts: tuple[str, ...] = ()


@dataclass(slots=True)
class _Gaps:
    """What is not watched, and why."""

    limit_hit: bool = False
    unwatched: int = 0
    examples: list[str] = field(default_factory=list)
    other_mounts: set[str] = field(default_factory=set)


class WatchTree:
    """The watches on the folders of `root`. Everything is called from one thread, and nothing waits.

    `ignored(relative_path, True)` keeps a folder and all below it unwatched. `mounts_below()` gives the relative
    paths at which something else is mounted. What is heard gathers in a batch until `take`.
    """

    def __init__(
        self,
        kernel: Kernel,
        root: str,
        ignored: Callable[[str, bool], bool],
        mounts_below: Callable[[], frozenset[str]],
        open_files: OpenFiles,
    ) -> None:
        self._kernel = kernel
        self._root = root
        self._ignored = ignored
        self._mounts_below = mounts_below
        self._open = open_files
        self._batch = Batch()

        self._root_wd = _NOWHERE
        self._place: dict[int, tuple[int, str]] = {}  # watch -> (watch of the folder above, name)
        self._below: dict[int, dict[str, int]] = {}  # watch -> its watched folders by name
        self._prefixes: dict[int, str] = {}  # watch -> "path/", for the turn under way

        self._to_visit: list[tuple[int, str, _Why]] = []
        self._seen: set[int] | None = None  # watches met by the walk again; None when there is none under way
        self._again = False  # another walk is wanted when this one is over
        self._to_drop: set[int] = set()
        self._departed: dict[int, tuple[int, str]] = {}  # cookie -> (watch, old path) of folders moved away just now
        self._departed_before: dict[int, tuple[int, str]] = {}
        self._moving_open: set[int] = set()  # cookies of files renamed while open

        self._ended: str | None = None
        self._ready = False
        self._overflows = 0
        self._mount_points: frozenset[str] = frozenset()
        self._gaps = _Gaps()
        self._gaps_so_far: _Gaps | None = None  # those of the walk again under way, shown when it is over

    # What the emitter asks

    def begin(self) -> None:
        """Watch the root; `walk` does the rest. A root that cannot be watched ends the tree."""
        try:
            self._root_wd = self._kernel.add(self._root, inotify.ROOT_MASK)
        except OSError as error:
            self._gaps.limit_hit = error.errno == errno.ENOSPC
            self._ended = f"the root cannot be watched: {_why(error)}"
            return
        self._place[self._root_wd] = (_NOWHERE, "")
        self._start_walk(_Why.BEGIN)

    @property
    def ended(self) -> str | None:
        """Why no event can come any more, or None."""
        return self._ended

    @property
    def walking(self) -> bool:
        """Whether `walk` has something to do."""
        return bool(self._to_visit or self._to_drop)

    @property
    def awaits_pair(self) -> bool:
        """Whether a folder was moved away and it is not known yet whether to another place in the tree."""
        return bool(self._departed)

    def walk_again(self) -> None:
        """Bring the tree up to date with the disk: add what is missing, drop what has left, keep the rest."""
        if self._ended:
            return
        if self._seen is not None or not self._ready:
            self._again = True  # starting over in the middle could go on for ever
            return
        self._seen = set()
        self._gaps_so_far = _Gaps()
        self._start_walk(_Why.AGAIN)

    def hear(self, events: list[Event]) -> None:
        """Take in what the kernel said, in order. No events mean that nothing came within the time waited."""
        self._departed_before, self._departed = self._departed, {}
        for wd, mask, cookie, name in events:
            if mask & inotify.IN_Q_OVERFLOW:
                self._overflowed()
            elif wd == self._root_wd and mask & (
                inotify.IN_UNMOUNT | inotify.IN_DELETE_SELF | inotify.IN_MOVE_SELF | inotify.IN_IGNORED
            ):
                self._ended = self._ended or _root_lost(mask)
            elif mask & inotify.IN_IGNORED:
                self._forget(wd)
            elif name:
                prefix = self._prefix(wd)
                if prefix is None:
                    continue
                if mask & inotify.IN_ISDIR:
                    self._hear_folder(wd, mask, cookie, name, prefix + name)
                else:
                    self._hear_file(mask, cookie, prefix + name)
        for wd, path in self._departed_before.values():
            if path:
                self._open.move_folder(path, None)
            if self._place.get(wd, (0, ""))[0] == _NOWHERE:  # or a walk has met it elsewhere in the tree
                self._drop(wd)
        self._departed_before = {}

    def walk(self, most: int) -> None:
        """Visit up to `most` folders that are new or not visited yet, then let go of watches that have left."""
        for _ in range(most):
            if self._ended or not self._to_visit:
                break
            self._visit(*self._to_visit.pop())
        if self._to_visit or self._ended:
            return
        if self._seen is not None:
            away = {wd for wd, _ in self._departed.values()}
            self._to_drop |= self._place.keys() - self._seen - away
            self._seen = None
            self._gaps, self._gaps_so_far = self._gaps_so_far or self._gaps, None
        if not self._ready:
            self._ready = True
            self._batch.full_scan = "watching has begun: what was there before was not heard"
        if self._again:
            self._again = False
            self.walk_again()
            return
        for _ in range(min(most, len(self._to_drop))):  # in portions: each one raises an event
            wd = self._to_drop.pop()
            self._kernel.remove(wd)
            self._forget(wd)

    def take(self) -> Batch:
        """What was heard since the last time."""
        taken, self._batch = self._batch, Batch()
        self._prefixes.clear()
        self._moving_open.clear()
        return taken

    def state(self) -> TreeState:
        """How well the tree is watched now."""
        return TreeState(
            ended=self._ended,
            ready=self._ready,
            walking=self.walking or self._seen is not None or self.awaits_pair,
            watches=len(self._place),
            overflows=self._overflows,
            watch_limit_hit=self._gaps.limit_hit,
            unwatched=self._gaps.unwatched,
            unwatched_examples=tuple(self._gaps.examples),
            other_mounts=tuple(sorted(self._gaps.other_mounts)),
        )

    # Events

    def _hear_file(self, mask: int, cookie: int, path: str) -> None:
        heard = self._batch.heard
        if mask & inotify.IN_CREATE:
            self._open.add(path)
            heard[path] = Last.OPENED
        elif mask & inotify.IN_MOVED_TO and cookie in self._moving_open:
            self._open.add(path)  # renamed by its writer before the close
            heard[path] = Last.OPENED
        elif mask & (inotify.IN_CLOSE_WRITE | inotify.IN_MOVED_TO):
            self._open.discard(path)
            heard[path] = Last.CLOSED
        else:
            if self._open.discard(path) and mask & inotify.IN_MOVED_FROM:
                self._moving_open.add(cookie)
            heard[path] = Last.GONE

    def _hear_folder(self, parent: int, mask: int, cookie: int, name: str, path: str) -> None:
        folders = self._batch.folders
        child = self._below.get(parent, {}).get(name)
        if mask & inotify.IN_MOVED_FROM:
            if child is not None:
                self._detach(child)
                self._departed[cookie] = (child, path)
            if not self._ignored(path, True):
                folders[path] = "the folder was moved away"
        elif mask & inotify.IN_MOVED_TO:
            moved = self._departed.pop(cookie, None) or self._departed_before.pop(cookie, None)
            if self._ignored(path, True):
                if moved:
                    self._open.move_folder(moved[1], None)
                    self._drop(moved[0])
                return
            if moved:
                self._attach(moved[0], parent, name)
                self._open.move_folder(moved[1], path)
                folders[path] = "the folder was moved here"
            self._to_visit.append((parent, name, _Why.AGAIN if moved else _Why.NEW))
        elif mask & inotify.IN_CREATE:
            if not self._ignored(path, True):
                self._to_visit.append((parent, name, _Why.NEW))
        elif mask & inotify.IN_DELETE and child is None and self._gaps.unwatched and not self._ignored(path, True):
            folders[path] = "a folder that could not be watched was deleted"

    def _overflowed(self) -> None:
        self._overflows += 1
        self._batch.full_scan = "the kernel's event queue overflowed: events were lost"
        self.walk_again()

    # Folders

    def _start_walk(self, why: _Why) -> None:
        self._mount_points = self._mounts_below()
        self._to_visit.append((_NOWHERE, "", why))

    def _visit(self, parent: int, name: str, why: _Why) -> None:
        above = "" if parent == _NOWHERE else self._prefix(parent)
        if above is None:
            return  # the folder above is gone, and this one with it
        path = above + name
        if path in self._mount_points:
            (self._gaps_so_far or self._gaps).other_mounts.add(path)
            return
        full = f"{self._root}/{path}" if path else self._root
        try:
            # Watched and listed through one handle: the path may mean another folder a moment later.
            handle = os.open(full, _OPEN_FOLDER if path else _OPEN_ROOT)
        except OSError as error:
            self._not_watched(path, error, why)
            return
        try:
            wd = self._kernel.add(f"/proc/self/fd/{handle}", inotify.FOLDER_MASK if path else inotify.ROOT_MASK)
            if not path and wd != self._root_wd:
                self._ended = "another directory stands in the place of the root"
                return
            self._met(wd, parent, name, path, why, handle)
        except OSError as error:
            self._not_watched(path, error, why)
        finally:
            os.close(handle)

    def _met(self, wd: int, parent: int, name: str, path: str, why: _Why, handle: int) -> None:
        """The folder at `path`, open as `handle`, is watched as `wd`: put it in its place and list it if need be."""
        known = wd in self._place
        fresh = not known or wd in self._to_drop  # what is about to be let go of has to be met anew, folder by folder
        if path and self._place.get(wd) != (parent, name):
            if known:  # moved by events that were lost, or that are still to be read
                old = self._prefix(wd)
                if old is not None:
                    self._batch.folders[old.removesuffix("/")] = "the folder was moved away"
                self._batch.folders[path] = "the folder was moved here"
                self._detach(wd)
                why = _Why.AGAIN
            self._attach(wd, parent, name)
        self._to_drop.discard(wd)
        if self._seen is not None:
            self._seen.add(wd)
            why = _Why.AGAIN
        if fresh or why is not _Why.NEW:
            self._list(wd, handle, path, why, tell=fresh and why is not _Why.BEGIN)

    def _list(self, wd: int, handle: int, path: str, why: _Why, *, tell: bool) -> None:
        """Have the folders in a folder visited; with `tell`, its files are hints."""
        prefix = path + "/" if path else ""
        found: list[str] = []
        with os.scandir(handle) as entries:
            for entry in entries:
                if _is_folder(entry):
                    if not self._ignored(prefix + entry.name, True):
                        self._to_visit.append((wd, entry.name, why))
                elif tell and len(found) <= MOST_FOUND:
                    found.append(prefix + entry.name)
        if len(found) > MOST_FOUND:
            self._batch.folders[path] = f"a new folder with more than {MOST_FOUND} files"
            return
        heard = self._batch.heard
        for file in found:
            if heard.get(file) not in (Last.CLOSED, Last.OPENED):
                heard[file] = Last.FOUND

    def _not_watched(self, path: str, error: OSError, why: _Why) -> None:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            if not path:
                self._ended = f"the root cannot be watched: {_why(error)}"
            return  # gone again, or no folder any more: said by the folder above
        gaps = self._gaps_so_far or self._gaps
        gaps.limit_hit = gaps.limit_hit or error.errno == errno.ENOSPC
        gaps.unwatched += 1
        if len(gaps.examples) < _MOST_EXAMPLES:
            reason = "no inotify watch left" if error.errno == errno.ENOSPC else _why(error)
            gaps.examples.append(f"{path or '.'}: {reason}")
        if why is _Why.NEW:  # said once; a walk again would say it at each scan, and each time ask for another
            self._batch.folders[path] = "the folder could not be watched"

    # The table

    def _prefix(self, wd: int) -> str | None:
        """`path/` of a watched folder, "" for the root; None once it is not in the tree any more."""
        prefix = self._prefixes.get(wd)
        if prefix is None:
            if wd == self._root_wd:
                return ""
            place = self._place.get(wd)
            above = None if place is None else self._prefix_above(place[0])
            if place is None or above is None:
                return None
            prefix = self._prefixes[wd] = f"{above}{place[1]}/"
        return prefix

    def _prefix_above(self, wd: int) -> str | None:
        """As `_prefix`, without recursion: trees can be deeper than the interpreter's stack."""
        names: list[str] = []
        while wd != self._root_wd:
            place = self._place.get(wd)
            if place is None:
                return None
            wd, name = place
            names.append(name)
        names.reverse()
        return "".join(f"{name}/" for name in names)

    def _attach(self, wd: int, parent: int, name: str) -> None:
        before = self._below.get(parent, {}).get(name, wd)
        if before != wd:  # not there any more, as the events still to be read will tell; or it has left unheard
            self._detach(before)
            self._departed[-before] = (before, "")  # no cookie is negative
        self._place[wd] = (parent, name)
        self._below.setdefault(parent, {})[name] = wd

    def _detach(self, wd: int) -> None:
        """Take a folder out of its place; its own folders stay below it."""
        parent, name = self._place[wd]
        siblings = self._below.get(parent, {})
        if siblings.get(name) == wd:
            del siblings[name]
            if not siblings:
                self._below.pop(parent, None)
        self._place[wd] = (_NOWHERE, name)
        self._prefixes.clear()

    def _forget(self, wd: int) -> None:
        if wd in self._place:
            self._detach(wd)
            del self._place[wd]
            self._below.pop(wd, None)
        self._to_drop.discard(wd)

    def _drop(self, top: int) -> None:
        """Let go of a folder that has left the tree and of all below it."""
        leaving = [top]
        while leaving:
            wd = leaving.pop()
            self._to_drop.add(wd)
            leaving += self._below.get(wd, {}).values()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # only a file system that gives no types comes here; the scan will say what is wrong


def _root_lost(mask: int) -> str:
    if mask & inotify.IN_UNMOUNT:
        return "the file system of the root was unmounted"
    if mask & inotify.IN_MOVE_SELF:
        return "the root was moved or renamed"
    return "the root was deleted"


def _why(error: OSError) -> str:
    return error.strerror or str(error)
