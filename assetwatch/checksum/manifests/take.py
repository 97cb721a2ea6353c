"""Which files of a folder go into a list that is being written, and what are their digests?

Each file is read once, whatever the number of digests. What cannot stand in a list is told and left out: a link, a
FIFO, a file that the system does not give or that changes while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from assetwatch.checksum.manifests.format import Finding, Report
from assetwatch.checksum.manifests.reading import Read, Wanted
from assetwatch.checksum.manifests.tree import Listed, Tree
from assetwatch.clock import Clock
from assetwatch.model import FileKind, Stat
from assetwatch.paths import join

_KINDS = {
    FileKind.SYMLINK: "a link: not followed, and not listed",
    FileKind.SPECIAL: "neither a file nor a folder: not opened, and not listed",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Digests that were proved before for the present version of a file, and when they were computed."""

    digests: Mapping[str, str]
    at: datetime | None = None


#: Gives what is known of a file (path below the tree as catalog text, its stat) without reading it, else None.
KnownDigests = Callable[[str, Stat], Known | None]


class Meter(Protocol):
    """Who wants to know how far it is."""

    def begin(self, files: int, size: int) -> None:
        """So many files with so many bytes are going to be read."""
        ...

    def taken(self, size: int) -> None:
        """A file of so many bytes is done."""
        ...


class NoMeter:
    """Nobody wants to know."""

    def begin(self, files: int, size: int) -> None:
        """As `Meter.begin`."""

    def taken(self, size: int) -> None:
        """As `Meter.taken`."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder: `files` are the regular files in it, `folders` the names of those below, both sorted by name.

    `whole` is false where something in it cannot be listed, so that nothing can be said of the folder as such.
    """

    path: str
    files: tuple[Listed, ...]
    folders: tuple[str, ...]
    whole: bool


def folders_of(tree: Tree, ignored: Callable[[str], bool], report: Report) -> Iterator[Folder]:
    """The folders below the tree's root and the root itself, each after those below it, names in order.

    `ignored` is asked for each path, a folder's ending in `/`. What cannot stand in a list is reported.
    """
    waiting: list[tuple[str, Folder | None]] = [("", None)]
    while waiting:
        path, seen = waiting.pop()
        if seen is not None:
            yield seen
            continue
        folder = _look(tree, path, ignored, report)
        waiting.append((path, folder))
        waiting += [(join(path, name), None) for name in reversed(folder.folders)]


def _look(tree: Tree, path: str, ignored: Callable[[str], bool], report: Report) -> Folder:
    try:
        found = sorted(tree.names(path), key=lambda listed: listed.name)
    except OSError as error:
        what = f"folder not readable: {error.strerror or error}; nothing in it is listed"
        report(Finding("unreadable-folder", what, path, wrong=True))
        return Folder(path, (), (), whole=False)
    files: list[Listed] = []
    folders: list[str] = []
    whole = True
    for listed in found:
        below = join(path, listed.name)
        if ignored(below + "/" if listed.kind is None else below):
            continue
        if listed.kind is None:
            folders.append(listed.name)
        elif listed.kind is FileKind.REGULAR:
            files.append(listed)
        else:
            whole = False
            report(Finding("left-out", _KINDS[listed.kind], below, wrong=True))
    return Folder(path, tuple(files), tuple(folders), whole)


@dataclass(frozen=True, slots=True)
class Order:
    """A file to be listed and the algorithms that are needed for it."""

    path: str
    listed: Listed
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """The digests of a file. `at` is when they were computed, None where that is not known; `reused` if not now."""

    digests: Mapping[str, str]
    at: datetime | None
    reused: bool = False


def take(
    orders: Iterable[Order],
    read: Read,
    clock: Clock,
    report: Report,
    known: KnownDigests | None = None,
    meter: Meter | None = None,
) -> dict[str, Taken]:
    """Path -> digests, of those files that could be read; the others are reported as `left-out`."""
    meter = meter or NoMeter()
    taken: dict[str, Taken] = {}
    wanted: list[Wanted] = []
    for number, order in enumerate(orders):
        seen = order.listed.seen
        before = known(order.path, seen) if known is not None and seen is not None else None
        if before is not None and all(name in before.digests for name in order.algorithms):
            digests = {name: before.digests[name] for name in order.algorithms}
            taken[order.path] = Taken(digests, before.at, reused=True)
        else:
            wanted.append(Wanted(number, (order.path,), order.algorithms, order.listed.size, seen))
    meter.begin(len(wanted), sum(one.size for one in wanted))
    answered = set()
    for one, computed in read(wanted):
        answered.add(one.number)
        path = one.parts[0]
        if computed.digests is None:
            report(Finding("left-out", f"not read: {computed.unreadable}", path, wrong=True))
        else:
            taken[path] = Taken(computed.digests, clock.now())
        meter.taken(one.size)
    for one in wanted:
        if one.number not in answered:
            report(Finding("left-out", "not read: the reader was stopped", one.parts[0], wrong=True))
    return taken


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a list that has no history: its path below the root, what it was when it was seen, its digests."""

    path: str
    listed: Listed
    taken: Taken


def take_all(
    tree: Tree,
    algorithms: tuple[str, ...],
    read: Read,
    clock: Clock,
    report: Report,
    *,
    ignored: Callable[[str], bool],
    unfit: Callable[[str], str] = lambda path: "",
    known: KnownDigests | None = None,
    meter: Meter | None = None,
) -> list[Item]:
    """Every file below the tree with its digests, by path. `unfit` says why a path cannot stand in the list."""
    orders = []
    for folder in folders_of(tree, ignored, report):
        for listed in folder.files:
            path = join(folder.path, listed.name)
            why = unfit(path)
            if why:
                report(Finding("left-out", why, path, wrong=True))
            else:
                orders.append(Order(path, listed, algorithms))
    orders.sort(key=lambda order: order.path)
    taken = take(orders, read, clock, report, known, meter)
    return [Item(order.path, order.listed, taken[order.path]) for order in orders if order.path in taken]
