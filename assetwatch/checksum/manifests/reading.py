"""How does the verification of a list ask for the bytes of a file, and who reads them?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from assetwatch.checksum import algorithms, cache
from assetwatch.checksum.manifests.tree import DiskTree, Tree
from assetwatch.checksum.pool import ReaderPool, ReadOrder, read_all
from assetwatch.checksum.reader import NotRead
from assetwatch.model import Stat
from assetwatch.paths import to_os

_BLOCK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read: `parts` are paths below the tree, read one after the other as one stream of `size` bytes.

    `seen` is what the file was when it was looked up, None for several parts.
    """

    number: int
    parts: tuple[str, ...]
    algorithms: tuple[str, ...]
    size: int
    seen: Stat | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """What reading gave: algorithm -> canonical text, or why it could not be read."""

    digests: Mapping[str, str] | None
    unreadable: str = ""


Read = Callable[[Iterable[Wanted]], Iterator[tuple[Wanted, Computed]]]


def reader_of(tree: Tree, *, uncached: bool = False) -> Read:
    """A reader that reads one file after the other in this thread; with `uncached` past the page cache."""

    def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
        for one in wanted:
            digests = algorithms.Digests(one.algorithms)
            try:
                for part in one.parts:
                    with tree.open(part) as stream:
                        if uncached:
                            cache.drop(stream.fileno())
                        while block := stream.read(_BLOCK):
                            digests.update(block)
            except OSError as error:
                yield one, Computed(None, error.strerror or str(error))
                continue
            yield one, Computed(digests.texts())

    return read


def pooled(pool: ReaderPool, tree: DiskTree, *, uncached: bool = False) -> Read:
    """A reader that has several files read at once. What is made of several parts is read here.

    With `uncached` the bytes come from the disk, whatever the page cache holds of the files.
    """
    alone = reader_of(tree, uncached=uncached)

    def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
        several: list[Wanted] = []

        def orders() -> Iterator[ReadOrder]:
            for one in wanted:
                if len(one.parts) > 1:
                    several.append(one)
                    continue
                path = os.path.join(tree.root, to_os(one.parts[0]))
                yield ReadOrder(one, path, one.algorithms, one.seen, uncached=uncached)

        for order, outcome in read_all(pool, orders()):
            assert isinstance(order.key, Wanted)
            if isinstance(outcome, NotRead):
                yield order.key, Computed(None, outcome.text)
            else:
                yield order.key, Computed(outcome.digests)
        yield from alone(several)

    return read
