"""How is a catalog read while nobody has it open, by somebody who may not write beside it?

In WAL mode SQLite needs two files beside the catalog even to read it, and takes them away when the last program closes
it. Who may not make them anew cannot open the catalog any more, although it lies there whole. SQLite reads such a file
where it is told that nobody changes it (`immutable`, sqlite.org/uri.html), and then looks out for nobody. So it is told
that only where no log is there, which means that all of it is in the file; and after each reading the file has to be as
it was.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from assetwatch.errors import CatalogError

#: Where the header of a database says how it is written, and that it has a log (sqlite.org/fileformat.html, 1.3).
_FORMATS: Final = slice(18, 20)
_WITH_A_LOG: Final = b"\x02\x02"


@dataclass(frozen=True, slots=True)
class Still:
    """A catalog's file that nobody has open, and how it was then."""

    path: Path
    stat: tuple[int, int, int]

    @property
    def url(self) -> URL:
        """What opens it as a file that nobody changes."""
        query = {"mode": "ro", "immutable": "1", "uri": "true"}
        return URL.create("sqlite", database=f"file:{quote(str(self.path))}", query=query)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Around what reads it. Raises CatalogError where somebody wrote to it meanwhile: what was read is void."""
        try:
            yield
        except DatabaseError:
            self._look()  # a page that was being replaced is not damage
            raise
        self._look()

    def _look(self) -> None:
        if _stat(self.path) != self.stat:
            raise CatalogError(f"{self.path}: it was written to while it was read. Ask again.")


def found(path: Path) -> Still | None:
    """The catalog as something still; None where it can be opened as others do, or cannot be read at all."""
    if os.access(path.parent, os.W_OK):
        return None
    try:
        # In this order: whoever begins to write makes the log before he touches the file.
        seen = _stat(path)
        if os.path.lexists(f"{path}-wal"):
            return None
        with open(path, "rb") as file:
            return Still(path, seen) if file.read(20)[_FORMATS] == _WITH_A_LOG else None
    except OSError:
        return None


def _stat(path: Path) -> tuple[int, int, int]:
    seen = path.stat()
    return seen.st_ino, seen.st_size, seen.st_mtime_ns
