"""What does the catalog answer when a verification asks for the bytes of a file? Digests, or that it has to wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from assetwatch.catalog import files
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.manifests.reading import Computed, Read, Wanted, reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.model import Integrity, Presence
from assetwatch.paths import join, to_os

#: Files asked of the catalog at once.
_AT_ONCE: Final = 500

#: Why a file was not compared yet; never seen by a person.
WAITING: Final = "waiting"


class Answers:
    """Answers what a verification asks of the bytes, from the catalog. `rows`, `waiting`: by path below the package."""

    def __init__(self, database: Database, package: PackageRow, before: Mapping[str, ClaimRow]) -> None:
        self._database = database
        self._package = package
        self._before = before
        self.rows: dict[str, FileRow] = {}
        self.waiting: dict[str, tuple[str, ...]] = {}
        self._digests: dict[int, dict[str, str]] = {}
        self._looked: set[str] = set()

    def reader(self, tree: DiskTree) -> Read:
        """The reader that `verify_package` asks."""
        alone = reader_of(tree)

        def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
            source = iter(wanted)
            while some := list(islice(source, _AT_ONCE)):
                self.look_up([part for one in some for part in one.parts])
                for one in some:
                    if len(one.parts) == 1:
                        yield one, self._answer(one)
                    elif (known := self._as_before(one)) is not None:
                        yield one, known
                    elif all(self._at_rest(part) for part in one.parts):
                        yield from alone([one])  # one asset in several files: there is no digest of the whole
                    else:
                        self.waiting.update(dict.fromkeys(one.parts, ()))
                        yield one, Computed(None, WAITING)

        return read

    def look_up(self, paths: Sequence[str]) -> bool:
        """Ask the catalog for files of the package; whether it knows all of them."""
        new = [path for path in paths if path not in self._looked]
        self._looked.update(new)
        by_folder: dict[str, list[str]] = {}
        for path in new:
            folder, _, name = join(self._package.path, path).rpartition("/")
            by_folder.setdefault(folder, []).append(name)
        if by_folder:
            cut = len(self._package.path) + 1 if self._package.path else 0
            with self._database.read() as connection:
                known = files.folders(connection, self._package.volume_id, by_folder)
                found: list[FileRow] = []
                for folder, row in known.items():
                    for name, one in files.named(connection, row.id, by_folder[folder]).items():
                        self.rows[join(folder, name)[cut:]] = one
                        found.append(one)
                self._digests.update(
                    files.digests_of(connection, [one.version_id for one in found if one.version_id is not None])
                )
        return all(path in self.rows for path in paths)

    def known(self, paths: Iterable[str]) -> set[str]:
        """Of these paths those that the catalog knows."""
        self.look_up(sorted(paths))
        return {path for path in paths if path in self.rows}

    def digests_of(self, path: str) -> dict[str, str]:
        """The digests of a file that was looked up."""
        version = self.rows[path].version_id
        return self._digests.get(version, {}) if version is not None else {}

    def is_here(self, path: str) -> bool:
        """Whether the catalog knows the file and it is there, whole."""
        self.look_up([path])
        return self._at_rest(path)

    def unsettled(self, folder: Path, lists: Iterable[str], *, unknown: bool = False) -> bool:
        """Whether one of these lists is being written, or was, and nobody has looked yet.

        `unknown` says that of one which the catalog does not know, too.
        """
        given = sorted(lists)
        self.look_up(given)
        for path in given:
            row = self.rows.get(path)
            if row is None:
                if unknown and not path.startswith("/"):
                    return True
                continue
            if row.presence == Presence.ARRIVING.value or row.integrity == Integrity.PENDING.value:
                return True
            try:
                seen = os.lstat(folder / to_os(path))
            except OSError:
                continue
            if (seen.st_size, seen.st_mtime_ns) != (row.size, row.mtime_ns):
                return True
        return False

    def _as_before(self, one: Wanted) -> Computed | None:
        """What was computed of an asset in several files, where none of them was read anew since."""
        claim = self._before.get(join(self._package.path, one.parts[0]))
        rows = [self.rows.get(part) for part in one.parts]
        if claim is None or claim.algorithm is None or claim.computed is None:
            return None
        if claim.verdict not in ("verified", "mismatch") or claim.algorithm == "size":
            return None
        if rows[0] is None or claim.version_id != rows[0].version_id:
            return None
        latest = [max(row.recorded_us or 0, row.checked_us or 0) for row in rows if row is not None]
        if not all(self._at_rest(part) for part in one.parts) or max(latest) > claim.judged_us:
            return None
        return Computed({claim.algorithm: claim.computed})

    def _at_rest(self, path: str) -> bool:
        row = self.rows.get(path)
        return (
            row is not None
            and row.presence == Presence.PRESENT.value
            and row.integrity not in (Integrity.PENDING.value, Integrity.UNREADABLE.value)
            and row.version_id is not None
        )

    def _answer(self, one: Wanted) -> Computed:
        path = one.parts[0]
        row = self.rows.get(path)
        if row is not None and row.integrity == Integrity.UNREADABLE.value:
            return Computed(None, row.problem or "could not be read")
        changing = row is not None and one.seen is not None and one.seen.mtime_ns != row.mtime_ns
        if row is None or changing or not self._at_rest(path) or (one.seen is not None and one.seen.size != row.size):
            self.waiting[path] = one.algorithms
            return Computed(None, WAITING)
        known = self.digests_of(path)
        if any(name not in known for name in one.algorithms):
            self.waiting[path] = one.algorithms
            return Computed(None, WAITING)
        return Computed({name: known[name] for name in one.algorithms})
