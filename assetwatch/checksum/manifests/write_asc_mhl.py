"""How does a folder get its first or next generation of ASC MHL, with those of the histories nested in it?

What `ascmhl create` does: every file is read once and compared with what its history recorded, new files are
recorded as original, and each history below the folder gets a generation of its own that the one above refers to.
Nothing is written before everything was read; a list comes before the chain that names it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from assetwatch.checksum import algorithms as known_algorithms
from assetwatch.checksum.manifests import asc_mhl_xml, folder_digests, generation
from assetwatch.checksum.manifests.asc_mhl import CHAIN, AscMhl
from assetwatch.checksum.manifests.asc_mhl_xml import FileRecord, FolderRecord
from assetwatch.checksum.manifests.format import Finding, ManifestFault, below, parent
from assetwatch.checksum.manifests.generation import Place
from assetwatch.checksum.manifests.outcome import Findings
from assetwatch.checksum.manifests.reading import Read, Wanted
from assetwatch.checksum.manifests.renames import renamed_files, renamed_folders
from assetwatch.checksum.manifests.take import Folder, KnownDigests, Meter, Order, Taken, folders_of, take
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.written import Creator, Written, alone, modified, put, rfc3339
from assetwatch.checksum.manifests.xml_text import why_not_xml
from assetwatch.checksum.verdict import EntryVerdict
from assetwatch.clock import Clock
from assetwatch.errors import UsageError
from assetwatch.model import Verdict
from assetwatch.paths import join, shown, to_os

DEFAULT_ALGORITHM = "xxh128"
PROCESSES = ("in-place", "transfer")


@dataclass(slots=True)
class _Pages:
    """What goes into one list: its entries, the digests of its root, the lists it refers to."""

    records: list[FileRecord | FolderRecord] = field(default_factory=list)
    root: FolderRecord | None = None
    references: list[tuple[str, str]] = field(default_factory=list)


def write_generation(
    tree: DiskTree,
    *,
    read: Read,
    again: Read | None = None,
    clock: Clock,
    creator: Creator,
    algorithms: Sequence[str] = (DEFAULT_ALGORITHM,),
    process: str = "in-place",
    ignore: Sequence[str] = (),
    detect_renames: bool = False,
    known: KnownDigests | None = None,
    meter: Meter | None = None,
) -> Written:
    """Write a generation for the tree's root and for each history nested in it.

    `tree` must be one that remembers. `again` reads past the page cache what does not fit: it is recorded as failed
    once that reading, too, has found it so (guidelines, 2.7.1). `algorithms` are canonical names that the schema
    allows; `ignore` are new patterns, kept from then on. Raises UsageError for what cannot be asked for, ManifestFault
    where an existing history is damaged or the disk does not take the list; no list is written then.
    """
    for name in algorithms:
        if name not in asc_mhl_xml.ALGORITHMS:
            raise UsageError(f"ASC MHL has no {name}: it takes {', '.join(asc_mhl_xml.ALGORITHMS)}.")
    if process not in PROCESSES:
        raise UsageError(f"process {process!r}: expected one of {', '.join(PROCESSES)}.")
    if creator.author is not None and creator.author.email and not asc_mhl_xml.is_email(creator.author.email):
        raise UsageError(f"{creator.author.email!r} is no mail address.")
    with alone(tree.root):
        return _Writing(tree, clock, creator, tuple(algorithms), process, ignore).run(
            read, again, detect_renames, known, meter
        )


class _Writing:
    """One run over one folder."""

    def __init__(
        self,
        tree: DiskTree,
        clock: Clock,
        creator: Creator,
        asked: tuple[str, ...],
        process: str,
        ignore: Sequence[str],
    ) -> None:
        self._tree, self._clock, self._creator, self._process = tree, clock, creator, process
        self._asked = tuple(dict.fromkeys(asked))
        self._started = clock.now()
        self._findings = Findings()
        self._out = Written(AscMhl.name)
        self._places = generation.places_of(tree, ignore, self._findings.report)
        self._pages = {root: _Pages() for root in self._places}
        self._aside: set[str] = set()
        self._moved: frozenset[str] = frozenset()
        self._closed: list[str] = []

    def run(
        self,
        read: Read,
        again: Read | None,
        detect_renames: bool,
        known: KnownDigests | None,
        meter: Meter | None,
    ) -> Written:
        folders = list(folders_of(self._tree, lambda p: generation.passed_over(self._places, p), self._report))
        orders = list(self._orders(folders, detect_renames))
        taken = take(orders, read, self._clock, self._report, known, meter)
        if again is not None:
            self._read_again(orders, taken, again)
        missing = self._missing(folders, {order.path for order in orders})
        previous = self._renames(folders, taken, missing) if detect_renames else {}
        self._record(folders, taken, previous)
        self._out.missing = sorted(
            below(root, path)
            for root, paths in missing.items()
            for path in paths
            if below(root, path) not in self._moved
        )
        self._say_reused()
        self._write()
        self._out.findings = self._findings.all()
        return self._out

    def _report(self, finding: Finding) -> None:
        if finding.kind == "unreadable-folder":
            self._closed.append(finding.path + "/" if finding.path else "")
        self._aside.add(finding.path)
        self._findings.report(finding)

    def _orders(self, folders: list[Folder], detect_renames: bool) -> Iterator[Order]:
        """What is to be read of each file."""
        here = {join(folder.path, listed.name) for folder in folders for listed in folder.files}
        sizes: dict[int | None, set[str]] = {}
        if detect_renames:
            for place in self._places.values():
                for path, entry in place.known.items():
                    reference = place.reference(path)
                    if reference and below(place.root, path) not in here:
                        sizes.setdefault(entry.size, set()).add(generation.needed((), reference)[0])
        for folder in folders:
            place = generation.nearest(self._places, folder.path)
            for listed in folder.files:
                path = join(folder.path, listed.name)
                why = why_not_xml(path)
                if why:
                    self._report(Finding("left-out", why, path, wrong=True))
                    continue
                inside = place.spelled(place.inside(path))
                names = generation.needed(self._asked, place.reference(inside))
                if inside not in place.known:
                    # It may be a missing one under a new name, whose digest is then needed in the same read.
                    names = (*names, *sizes.get(listed.size, ()), *sizes.get(None, ()))
                elif inside != place.inside(path):
                    what = "the name has another Unicode normalization form on disk; the history's is kept"
                    self._findings.report(Finding("normalization", what, path))
                yield Order(path, listed, tuple(dict.fromkeys(names)))

    def _read_again(self, orders: Sequence[Order], taken: dict[str, Taken], again: Read) -> None:
        """Read once more, past the page cache, what is not as the history has it."""
        doubted = []
        for number, order in enumerate(orders):
            place = generation.nearest(self._places, parent(order.path))
            reference = place.reference(place.spelled(place.inside(order.path)))
            if order.path in taken and generation.differing(reference, taken[order.path].digests):
                doubted.append(Wanted(number, (order.path,), order.algorithms, order.listed.size, order.listed.seen))
        for one, computed in again(doubted):
            path = one.parts[0]
            if computed.digests is None:
                what = f"differs, and could not be read a second time: {computed.unreadable}"
                self._findings.report(Finding("read-again", what, path))
                continue
            if computed.digests != taken[path].digests:
                what = "two readings differ; what was read second, past the page cache, is recorded"
                self._findings.report(Finding("read-again", what, path))
            taken[path] = Taken(computed.digests, self._clock.now())

    def _missing(self, folders: list[Folder], here: set[str]) -> dict[str, set[str]]:
        """Place -> the paths that its history knows and the disk does not have; folders end in `/`."""
        found: dict[str, set[str]] = {}
        walked = {folder.path for folder in folders}
        for root, place in self._places.items():
            seen = {place.spelled(place.inside(path)) for path in here if path.startswith(root + "/") or not root}
            gone = {
                path
                for path, entry in place.known.items()
                if path not in seen and not entry.renamed_to and not self._excused(below(root, path))
            }
            gone |= {
                path + "/"
                for path in place.folders
                if below(root, path) not in walked
                and not self._excused(below(root, path) + "/")
                and not any(name.startswith(path + "/") for name in gone)
            }
            found[root] = gone
        return found

    def _excused(self, path: str) -> bool:
        """Whether a path that was not met is ignored, was left out, or lies where nobody could look."""
        return (
            path.rstrip("/") in self._aside
            or path.startswith(tuple(self._closed))
            or generation.passed_over(self._places, path)
            or self._ignored_above(path)
        )

    def _ignored_above(self, path: str) -> bool:
        parts = path.rstrip("/").split("/")
        return any(generation.passed_over(self._places, "/".join(parts[:n]) + "/") for n in range(1, len(parts)))

    def _renames(self, folders: list[Folder], taken: dict[str, Taken], missing: dict[str, set[str]]) -> dict[str, str]:
        """Path below the tree -> previous path as its history has it, of files and folders."""
        found: dict[str, str] = {}
        moved = set()
        for root, place in self._places.items():
            mine = [f for f in folders if generation.nearest(self._places, f.path) is place]
            new = {}
            for folder in mine:
                for listed in folder.files:
                    path = join(folder.path, listed.name)
                    inside = place.inside(path)
                    if place.spelled(inside) not in place.known and path in taken:
                        new[inside] = (listed.size, taken[path].digests)
            gone = {path: place.reference(path) for path in missing[root] if not path.endswith("/")}
            files = renamed_files({path: reference for path, reference in gone.items() if reference}, new)
            on_disk = {place.inside(folder.path) for folder in mine if folder.path != root}
            lost = {path for path in place.folders if path not in on_disk}
            dirs = renamed_folders(files, lost, on_disk - place.folders)
            for path, old in (files | dirs).items():
                found[below(root, path)] = old
                moved |= {below(root, old), below(root, old) + "/"}
                self._out.renamed[below(root, path)] = below(root, old)
        self._moved = frozenset(moved)
        return found

    def _record(self, folders: list[Folder], taken: dict[str, Taken], previous: dict[str, str]) -> None:
        digests: dict[str, tuple[dict[str, str], dict[str, str]] | None] = {}
        for folder in folders:
            place = generation.nearest(self._places, folder.path)
            pages = self._pages[place.root]
            for listed in folder.files:
                path = join(folder.path, listed.name)
                if path in taken:
                    date = modified(listed.seen)
                    pages.records.append(
                        self._file(place, path, listed.size, date, taken[path], previous.get(path, ""))
                    )
            both = digests[folder.path] = self._folder_digests(folder, taken, digests)
            content, structure = both or ({}, {})
            when = self._folder_time(folder.path)
            record = FolderRecord("", when, content, structure, self._clock.now(), previous.get(folder.path, ""))
            if folder.path == place.root:
                pages.root = record
            if folder.path:
                above = place if folder.path != place.root else generation.nearest(self._places, parent(folder.path))
                inside = above.inside(folder.path)
                if why_not_xml(inside):
                    continue
                self._pages[above.root].records.append(replace(record, path=inside))

    def _file(self, place: Place, path: str, size: int, date: str | None, taken: Taken, previous: str) -> FileRecord:
        inside = place.spelled(place.inside(path))
        reference = place.reference(inside)
        found = generation.actions(self._asked, reference, taken.digests)
        wrong = generation.differing(reference, taken.digests)
        out = self._out
        out.files += 1
        out.size += size
        out.reused += taken.reused
        if wrong is not None:
            out.failed += 1
            out.mismatches.append(EntryVerdict(path, Verdict.MISMATCH, *wrong))
        elif reference:
            out.verified += 1
        else:
            out.original += 1
        hashes = tuple((name, taken.digests[name], action) for name, action in found.items())
        return FileRecord(inside, size, date, hashes, taken.at, previous)

    def _folder_digests(
        self,
        folder: Folder,
        taken: dict[str, Taken],
        below_: dict[str, tuple[dict[str, str], dict[str, str]] | None],
    ) -> tuple[dict[str, str], dict[str, str]] | None:
        """Content and structure digests by algorithm; None where something in the folder is not listed."""
        paths = [join(folder.path, listed.name) for listed in folder.files]
        inner = [(name, below_[join(folder.path, name)]) for name in folder.folders]
        if not folder.whole or any(path not in taken for path in paths) or any(both is None for _, both in inner):
            return None
        content, structure = {}, {}
        for algorithm in self._asked:
            children = [
                (listed.name, taken[path].digests[algorithm], taken[path].digests[algorithm])
                for listed, path in zip(folder.files, paths, strict=True)
            ]
            children += [(name, both[0][algorithm], both[1][algorithm]) for name, both in inner if both is not None]
            content[algorithm], structure[algorithm] = folder_digests.of_children(algorithm, children)
        return content, structure

    def _folder_time(self, path: str) -> str | None:
        try:
            seconds = os.stat(os.path.join(self._tree.root, to_os(path)), follow_symlinks=False).st_mtime_ns // 10**9
            return rfc3339(datetime.fromtimestamp(seconds, UTC))
        except (OSError, ValueError, OverflowError):
            return None

    def _say_reused(self) -> None:
        if self._out.reused:
            count = f"{self._out.reused} of {self._out.files} files"
            said = f"{count} were not read for this list: their digests are those of the catalog."
            self._creator = replace(self._creator, comment=f"{self._creator.comment} {said}".strip())

    def _write(self) -> None:
        """The lists from the innermost history outwards, each followed by its chain."""
        stamp = self._started.astimezone(UTC).strftime("%Y-%m-%d_%H%M%SZ")
        for root in sorted(self._places, key=lambda path: (path.count("/") + bool(path), path), reverse=True):
            place = self._places[root]
            name, c4 = self._write_list(place, self._pages[root], stamp)
            self._out.lists.append(join(generation.lists_folder(place), name))
            if root:
                above = generation.nearest(self._places, parent(root))
                path = above.inside(join(generation.lists_folder(place), name))
                self._pages[above.root].references.insert(0, (path, c4))
        self._out.lists.reverse()

    def _write_list(self, place: Place, pages: _Pages, stamp: str) -> tuple[str, str]:
        where = generation.lists_folder(place)
        folder = self._tree.root / to_os(where)
        name = generation.list_name(generation.label_of(self._tree, place), place.number, stamp)
        c4 = known_algorithms.new("c4")

        def pieces() -> Iterator[bytes]:
            for piece in asc_mhl_xml.list_text(
                self._creator, self._started, self._process, pages.root, place.ignore, pages.records, pages.references
            ):
                c4.update(piece)
                yield piece

        made = False
        try:
            if place.chain is None and not folder.is_dir():
                folder.mkdir()
                made = True
            put(folder, name, pieces())
            self._check_chain(place)
            chain = asc_mhl_xml.chain_text(place.chain, join(where, CHAIN), place.number, name, c4.text())
            put(folder, CHAIN, (chain,), replace=place.chain is not None)
        except OSError as error:
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            what = f"cannot be written: {error.strerror or error}."
            raise ManifestFault(
                join(where, name), None, what, "Look at its permissions and at the room left."
            ) from None
        return name, c4.text()

    def _check_chain(self, place: Place) -> None:
        """The chain is still what the new generation follows: somebody on another host may have added one."""
        if place.chain is None:
            return
        path = join(generation.lists_folder(place), CHAIN)
        with self._tree.open(path) as stream:
            if stream.read() != place.chain:
                raise UsageError(
                    f"{shown(path)}: was changed while the files were read; nothing was added to it. Try again."
                )
