"""What lies in a folder right now? One pass of scandir, nothing opened, nothing followed."""

from __future__ import annotations

import errno
import marshal
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

from assetwatch.checksum import algorithms
from assetwatch.ingest.ignore import Ignore
from assetwatch.model import FileKind, Stat
from assetwatch.paths import from_os, split, to_os

#: Longest path given to the kernel in one piece; PATH_MAX is 4,096 with its NUL (limits.h).
_PATH_PIECE = 4000

#: Entries of a listing serialized at once.
_LINES = 4096

#: The file type bits of st_mode, inode(7).
_KIND = 0o170000

#: What says that a folder itself is gone, and not that it cannot be read.
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Seen(NamedTuple):
    """One directory entry as lstat(2) showed it. `name` is catalog text (`assetwatch.paths`)."""

    name: str
    kind: FileKind
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    links: int


class Listing(NamedTuple):
    """A folder's content.

    `fingerprint` changes with any name, kind, size, time or inode in it. `foreign` are sub-folders on which another
    file system is mounted: they are not part of the volume.
    """

    fingerprint: str
    entries: list[Seen]
    folders: list[str]
    ignored: Counter[str]
    foreign: list[str]


def list_folder(root: str, path: str, ignore: Ignore, device: int) -> Listing:
    """List the folder at `path` (catalog text) below `root`. Raises OSError when the folder cannot be listed."""
    entries: list[Seen] = []
    folders: list[str] = []
    foreign: list[str] = []
    ignored: Counter[str] = Counter()
    mark = _Fingerprint(ignore)
    prefix = f"{to_os(path)}/" if path else ""
    lines: list[object] = []
    with open_folder(root, path) as fd, os.scandir(fd) as found:
        while True:
            for entry in islice(found, _LINES):
                name = entry.name
                try:
                    seen = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # went while we looked
                kind = seen.st_mode & _KIND
                folder = kind == stat.S_IFDIR
                if folder:
                    lines.append(name)
                else:
                    lines.append((name, kind, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))
                passed_over = ignore.rule(prefix + name, name, folder)
                if passed_over is not None:
                    ignored[passed_over] += 1
                elif folder:
                    (folders if seen.st_dev == device else foreign).append(from_os(name))
                else:
                    entries.append(_seen(from_os(name), seen))
            if not lines:
                return Listing(mark.text(), entries, folders, ignored, foreign)
            mark.take(lines)
            lines.clear()


def fingerprint_folder(root: str, path: str, ignore: Ignore, device: int) -> tuple[str, list[str], list[str]]:
    """The folder's fingerprint, sub-folders and foreign sub-folders as in `Listing`; nothing else is kept.

    This is what a scan of a volume at rest spends its time in, so its loop calls nothing that it can do without.
    Raises OSError when the folder cannot be listed.
    """
    folders: list[str] = []
    foreign: list[str] = []
    mark = _Fingerprint(ignore)
    prefix = f"{to_os(path)}/" if path else ""
    lines: list[object] = []
    line = lines.append
    with open_folder(root, path) as fd, os.scandir(fd) as found:
        while True:
            for entry in islice(found, _LINES):
                try:
                    seen = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                kind = seen.st_mode & _KIND
                if kind != stat.S_IFDIR:
                    line((entry.name, kind, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino))
                    continue
                line(entry.name)
                if ignore.rule(prefix + entry.name, entry.name, True) is None:
                    (folders if seen.st_dev == device else foreign).append(from_os(entry.name))
            if not lines:
                return mark.text(), folders, foreign
            mark.take(lines)
            lines.clear()


class _Fingerprint:
    """The digest over a folder's listing. Of a sub-folder only the name counts: its content has its own.

    Entries are serialized _LINES at a time by marshal, three times as fast as formatting them. Should another
    Python write them differently, folders are compared file by file once, and nothing is wrong.
    """

    def __init__(self, ignore: Ignore) -> None:
        self._digest = algorithms.new("xxh128")
        self._digest.update(ignore.fingerprint.encode())

    def take(self, lines: list[object]) -> None:
        self._digest.update(marshal.dumps(lines, 0))

    def text(self) -> str:
        return self._digest.text()


def look_at(root: str, path: str) -> Seen | None:
    """lstat of one path (catalog text) below `root`; None where nothing is. Raises OSError for other failures.

    A folder is nothing here: it is not a file.
    """
    folder, name = split(path)
    try:
        with open_folder(root, folder, wary=True) as fd:
            seen = os.stat(to_os(name), dir_fd=fd, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if stat.S_ISDIR(seen.st_mode) else _seen(name, seen)


def is_gone(root: str, path: str) -> bool:
    """Whether no file is at `path` below `root`, beyond doubt: where that cannot be seen, it is not gone."""
    try:
        return look_at(root, path) is None
    except OSError:
        return False


def is_folder_gone(root: str, path: str) -> bool:
    """Whether no folder (a link to one is none) is at `path` below `root`, beyond doubt."""
    try:
        with open_folder(root, path, wary=True):
            return False
    except OSError as error:
        return error.errno in GONE


def target_of(root: str, path: str) -> str | None:
    """Where the symbolic link at `path` points, as catalog text; None where there is none any more."""
    folder, name = split(path)
    try:
        with open_folder(root, folder, wary=True) as fd:
            return from_os(os.readlink(to_os(name), dir_fd=fd))
    except OSError:
        return None


@contextmanager
def open_folder(root: str, path: str, *, wary: bool = False) -> Iterator[int]:
    """A descriptor of the folder at `path` below `root`, however long the path is. A link to a folder is refused.

    `wary`: also a link on the way there. A walk, which has come by each folder a moment ago, does without: opening
    them one by one takes its time. Raises OSError.
    """
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        names = to_os(path)
        for piece in names.split("/") if wary and names else _pieces(names):
            inner = os.open(piece, _FOLDER_FLAGS, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


def _pieces(path: str) -> Iterator[str]:
    """`path` cut at slashes into pieces that the kernel takes."""
    if not path:
        return
    if len(path) * 3 < _PATH_PIECE:
        yield path
        return
    piece: list[str] = []
    length = 0
    for name in path.split("/"):
        width = len(os.fsencode(name)) + 1
        if piece and length + width > _PATH_PIECE:
            yield "/".join(piece)
            piece, length = [], 0
        piece.append(name)
        length += width
    yield "/".join(piece)


def _seen(name: str, seen: os.stat_result) -> Seen:
    mode = seen.st_mode
    kind = FileKind.REGULAR if stat.S_ISREG(mode) else FileKind.SYMLINK if stat.S_ISLNK(mode) else FileKind.SPECIAL
    found = Stat.of(seen)
    return Seen(name, kind, found.size, found.mtime_ns, found.ctime_ns, found.inode, seen.st_nlink)
