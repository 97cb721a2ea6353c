"""How are lists, and what they list, looked at without ever leaving their folder?

Every path is walked name by name from the root's descriptor, and no link is followed on the way: a list that
says `..` or lies behind a link out of its folder reads nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from assetwatch.model import FileKind, Stat
from assetwatch.paths import from_os, join, to_os

_FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Listed:
    """A name in a folder: `kind` is None for a folder, `size` is in bytes and 0 for what is no regular file.

    `seen` is the file's stat where the tree is on disk, so that whoever reads it can tell that it changed.
    """

    name: str
    kind: FileKind | None
    size: int = 0
    seen: Stat | None = None


class Tree(Protocol):
    """A folder and all below it, on disk or as the catalog knows it. Paths are catalog text, the root is empty."""

    def names(self, folder: str) -> Iterator[Listed]:
        """What lies in a folder; nothing where it is no folder. Raises OSError where it cannot be read."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A regular file for reading. Raises OSError."""
        ...

    def link_target(self, path: str) -> str | None:
        """Where a link leads, below the root; None where it leads out or nowhere."""
        ...

    def label(self) -> str:
        """The name of the root folder itself, empty where it has none."""
        ...


class DiskTree:
    """A folder on disk.

    With `remember` each folder is listed once: a verification sees one moment of the disk, however long it reads.
    """

    def __init__(self, root: Path, *, remember: bool = False) -> None:
        self.root = root
        self._remembered: dict[str, tuple[Listed, ...]] | None = {} if remember else None

    def label(self) -> str:
        """The name of the root folder itself."""
        return from_os(self.root.resolve().name)

    def names(self, folder: str) -> Iterator[Listed]:
        """As `Tree.names`."""
        if self._remembered is None:
            return self._names(folder)
        if folder not in self._remembered:
            self._remembered[folder] = tuple(self._names(folder))
        return iter(self._remembered[folder])

    def _names(self, folder: str) -> Iterator[Listed]:
        try:
            descriptor = self._folder(to_os(folder))
        except NotADirectoryError:
            return
        try:
            with os.scandir(descriptor) as found:
                for item in found:
                    yield _listed(item)
        finally:
            os.close(descriptor)

    def open(self, path: str) -> BinaryIO:
        """As `Tree.open`; refuses what is no regular file with OSError(EINVAL)."""
        folder, _, name = to_os(path).rpartition("/")
        parent = self._folder(folder)
        try:
            descriptor = os.open(_plain(name), _FILE, dir_fd=parent)
        finally:
            os.close(parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file", path)
        return open(descriptor, "rb")

    def link_target(self, path: str) -> str | None:
        """As `Tree.link_target`."""
        root = self.root.resolve()
        try:
            found = (root / to_os(path)).resolve(strict=True).relative_to(root)
        except (OSError, ValueError, RuntimeError):
            return None
        return "" if found == Path() else from_os(os.fspath(found))

    def _folder(self, folder: str) -> int:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        if not folder:
            return descriptor
        for name in folder.split("/"):
            try:
                below = os.open(_plain(name), _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        return descriptor


def _plain(name: str) -> str:
    """A name that stays where it is looked up."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EPERM, "not the name of a file in a folder", name)
    return name


def _listed(item: os.DirEntry[str]) -> Listed:
    name = from_os(item.name)
    if item.is_symlink():
        return Listed(name, FileKind.SYMLINK)
    if item.is_dir(follow_symlinks=False):
        return Listed(name, None)
    try:
        seen = item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return Listed(name, FileKind.SPECIAL)
    if stat.S_ISREG(seen.st_mode):
        stat_ = Stat(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev)
        return Listed(name, FileKind.REGULAR, seen.st_size, stat_)
    return Listed(name, FileKind.SPECIAL)


def files_below(
    tree: Tree, folder: str, trouble: Callable[[str, OSError], None] | None = None
) -> Iterator[tuple[str, Listed]]:
    """Every name below a folder that is no folder, with its path below the tree; links are not followed.

    A folder that cannot be read is passed over and told to `trouble`.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            found = sorted(tree.names(here), key=lambda listed: listed.name)
        except OSError as error:
            if trouble is not None:
                trouble(here, error)
            continue
        for listed in found:
            path = join(here, listed.name)
            if listed.kind is None:
                waiting.append(path)
            else:
                yield path, listed
