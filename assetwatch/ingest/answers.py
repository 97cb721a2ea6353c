"""What does the catalog answer when a verification asks for the bytes of a file? Digests, or that it has to wait."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from assetwatch.catalog import contents, files, packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.manifests.reading import Computed, Read, Wanted, reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.model import Integrity, Presence
from assetwatch.paths import join, split, to_os

#: Files asked of the catalog at once.
_AT_ONCE: Final = 1_000

#: Why a file was not compared yet; never seen by a person.
WAITING: Final = "waiting"


class Answers:
    """Answers what a verification asks of the bytes, from the catalog.

    Of what was answered last, by the entries' numbers: `rows` has the files' rows, None for one that the catalog does
    not know; `waiting` the algorithms that are to be computed of what has to wait.
    """

    def __init__(self, database: Database, package: PackageRow) -> None:
        self._database = database
        self._package = package
        self._cut = len(package.path) + 1 if package.path else 0
        self.rows: dict[int, list[FileRow | None]] = {}
        self.waiting: dict[int, tuple[str, ...]] = {}

    def reader(self, tree: DiskTree) -> Read:
        """The reader that `verify_package` asks."""
        alone = reader_of(tree)

        def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
            source = iter(wanted)
            while some := list(islice(source, _AT_ONCE)):
                found = self.look_up([part for one in some for part in one.parts])
                digests = self._digests_of(found.values())
                for one in some:
                    rows = [found.get(part) for part in one.parts]
                    self.rows[one.number] = rows
                    if len(rows) == 1:
                        answer = _answer(one, rows[0], digests)
                    elif not all(map(is_at_rest, rows)):
                        answer = None
                    else:
                        # One asset in several files: there is no digest of the whole.
                        answer = self._as_before(one, rows) or next(iter(alone([one])))[1]
                    if answer is None:
                        self.waiting[one.number] = one.algorithms if len(rows) == 1 else ()
                    yield one, answer or Computed(None, WAITING)
                self.rows.clear()
                self.waiting.clear()

        return read

    def look_up(self, paths: Iterable[str]) -> dict[str, FileRow]:
        """The files that the catalog knows of these paths below the package."""
        by_folder: dict[str, list[str]] = {}
        for path in dict.fromkeys(paths):
            folder, name = split(join(self._package.path, path))
            by_folder.setdefault(folder, []).append(name)
        found: dict[str, FileRow] = {}
        if by_folder:
            with self._database.read() as connection:
                known = files.folders(connection, self._package.volume_id, by_folder)
                for folder, row in known.items():
                    for name, one in files.named(connection, row.id, by_folder[folder]).items():
                        found[join(folder, name)[self._cut :]] = one
        return found

    def _digests_of(self, rows: Iterable[FileRow]) -> dict[int, dict[str, str]]:
        with self._database.read() as connection:
            return contents.digests_of(connection, [one.version_id for one in rows if one.version_id is not None])

    def digests_of(self, paths: Iterable[str]) -> dict[str, dict[str, str]]:
        """The digests of those of these files that the catalog knows."""
        found = self.look_up(paths)
        digests = self._digests_of(found.values())
        return {path: digests.get(row.version_id or 0, {}) for path, row in found.items()}

    def are_here(self, paths: Iterable[str]) -> set[str]:
        """Those of these files that the catalog knows and that are there, whole."""
        return {path for path, row in self.look_up(paths).items() if is_at_rest(row)}

    def unsettled(self, folder: Path, lists: Iterable[str], *, unknown: bool = False) -> bool:
        """Whether one of these lists is being written, or was, and nobody has looked yet.

        `unknown` says that of one which the catalog does not know, too.
        """
        given = sorted(lists)
        rows = self.look_up(given)
        for path in given:
            row = rows.get(path)
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

    def _as_before(self, one: Wanted, rows: Sequence[FileRow | None]) -> Computed | None:
        """What was computed of an asset in several files, where none of them was read anew since."""
        paths = [join(self._package.path, part) for part in one.parts]
        with self._database.read() as connection:
            before = packages.claims_at(connection, self._package.id, paths)
        for path, row in zip(paths, rows, strict=True):
            claim = before.get(path)
            if row is None or claim is None or claim.version_id != row.version_id:
                return None
            if (
                claim.verdict not in ("verified", "mismatch")
                or max(row.recorded_us or 0, row.checked_us or 0) > claim.judged_us
            ):
                return None
        first = before[paths[0]]
        if first.algorithm in (None, "size") or first.computed is None:
            return None
        return Computed({str(first.algorithm): first.computed})


def is_at_rest(row: FileRow | None) -> bool:
    """Whether the catalog knows a file, that it is there, and what it holds."""
    return (
        row is not None
        and row.presence == Presence.PRESENT.value
        and row.integrity not in (Integrity.PENDING.value, Integrity.UNREADABLE.value)
        and row.version_id is not None
    )


def _answer(one: Wanted, row: FileRow | None, digests: Mapping[int, Mapping[str, str]]) -> Computed | None:
    """The digests of a file; None where they have to be waited for."""
    if row is not None and row.integrity == Integrity.UNREADABLE.value:
        return Computed(None, row.problem or "could not be read")
    if row is None or not is_at_rest(row):
        return None
    if one.seen is not None and (one.seen.size, one.seen.mtime_ns) != (row.size, row.mtime_ns):
        return None  # it is being written, and the catalog has not looked again yet
    known = digests.get(row.version_id or 0, {})
    if any(name not in known for name in one.algorithms):
        return None
    return Computed({name: known[name] for name in one.algorithms})
