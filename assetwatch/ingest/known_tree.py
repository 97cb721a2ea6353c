"""What lies in a package's folders, without a look at the disk where the catalog knows it already?

A list far above many rolls speaks for a million files. Each time it is judged all their folders are gone through, to
find what it names and what it does not; from the catalog that costs no call to a file server.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from assetwatch.catalog import packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import PackageRow
from assetwatch.checksum.manifests.tree import DiskTree, Listed
from assetwatch.model import FileKind, Stat
from assetwatch.paths import join, split, to_os


class KnownTree(DiskTree):
    """A package's folder. Folders that are at rest are listed from the catalog, the others from the disk.

    At rest is one whose last listing was exactly as cataloged and in which nothing has happened since. What its volume
    ignores is not in the catalog: a folder with any such name is listed from the disk. Files of the lists are opened
    on disk; of the files that the catalog answers for there is no stat.
    """

    def __init__(self, root: Path, database: Database, package: PackageRow) -> None:
        super().__init__(root, remember=True)
        self._database = database
        self._at_rest: dict[str, int] = {}
        self._below: dict[str, list[str]] = {}
        cut = len(package.path) + 1 if package.path else 0
        with database.read() as connection:
            for identity, path, at_rest in packages.folders_below(connection, package.volume_id, package.path):
                inside = path[cut:]
                if at_rest:
                    self._at_rest[inside] = identity
                if inside:
                    above, name = split(inside)
                    self._below.setdefault(above, []).append(name)

    def names(self, folder: str) -> Iterator[Listed]:
        """As `Tree.names`."""
        identity = self._at_rest.get(folder)
        return super().names(folder) if identity is None else self._known(folder, identity)

    def _names(self, folder: str) -> Iterator[Listed]:
        # Of a million files that are not at rest yet only that is kept which tells that one is being written.
        for one in super()._names(folder):
            seen = one.seen
            yield one if seen is None else Listed(one.name, one.kind, one.size, Stat(seen.size, seen.mtime_ns, 0, 0, 0))

    def _known(self, folder: str, identity: int) -> Iterator[Listed]:
        with self._database.read() as connection:
            found = packages.names_in(connection, identity)
        for name, kind, size in found:
            yield Listed(name, FileKind(kind), size)
        for name in self._below.get(folder, ()):
            # The catalog keeps folders that are gone, for the sake of their files' histories.
            if self._is_folder(join(folder, name)):
                yield Listed(name, None)

    def _is_folder(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(os.path.join(self.root, to_os(path))).st_mode)
        except OSError:
            return False
