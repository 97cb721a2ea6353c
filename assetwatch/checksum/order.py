"""What is to be read of one file, and how does a small one get to its turn without waiting for the disk?"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from assetwatch.checksum.reader import NotRead, Opened, Reader, Reading, open_footage
from assetwatch.model import Stat

#: Files up to this size are fetched ahead instead of being read several at once.
SMALL_BYTES: Final = 1024 * 1024

#: So many small files are open before the turn of the last of them, so that the disk always has something to bring.
AHEAD: Final = 32


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """One file to be read.

    `key` is the caller's own and comes back untouched. `path` is as `os` functions take it. `expect` is what the
    file was last seen to be; without it the file's size and device are not known and it is taken for a large one.
    The other fields are those of `Reader.read`.
    """

    key: Hashable
    path: str
    algorithms: tuple[str, ...]
    expect: Stat | None = None
    uncached: bool = False
    refuse_writers: bool = False
    keep_open: bool = False


Outcome = tuple[ReadOrder, Reading | NotRead]


def is_small(order: ReadOrder) -> bool:
    """Whether the file is one of those that are fetched ahead."""
    return order.expect is not None and order.expect.size <= SMALL_BYTES


def open_ahead(order: ReadOrder) -> Opened | NotRead:
    """Open a small file before its turn, and have the kernel bring it in."""
    footage = open_footage(order.path, order.expect, uncached=order.uncached, refuse_writers=order.refuse_writers)
    if isinstance(footage, Opened):
        footage.want()
    return footage


def read_opened(reader: Reader, order: ReadOrder, footage: Opened | NotRead) -> Reading | NotRead:
    """Read a file that `open_ahead` opened; the refusal where it did not."""
    if isinstance(footage, NotRead):
        return footage
    return reader.finish(footage, order.algorithms, keep_open=order.keep_open)
