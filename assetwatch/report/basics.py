"""Of what are the parts of a report made, whatever they tell of?

Conventions of all parts:

- Instants are aware, in UTC; `Report.zone` is what a person reads them in. Sizes are bytes, durations seconds.
- Paths are the texts of `assetwatch.paths`, and so are the names of a schedule: whatever comes from outside is shown
  through `paths.shown` (one line) or `paths.readable`, and then escaped by the format. `Place.text` has done the first.
- A list that may be long is `Some`: the worst of it, and how many there are.
- Words of the contract (states, verdicts, statuses) are plain texts: `mismatch`, `missing`, `failed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

from assetwatch.paths import shown

T = TypeVar("T")


class Severity(StrEnum):
    """How bad it is. Never told by colour alone: the word is there too."""

    OK = "ok"  #: nobody has to do anything
    ATTENTION = "attention"  #: somebody should look at it today, and nothing is broken
    WRONG = "wrong"  #: something is broken, gone or late

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return {Severity.WRONG: 0, Severity.ATTENTION: 1, Severity.OK: 2}[self]


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The first of a list, worst first, and how many there are in all."""

    first: tuple[T, ...] = ()
    total: int = 0

    @property
    def more(self) -> int:
        """How many are not told: `and n more`."""
        return self.total - len(self.first)

    def __bool__(self) -> bool:
        return self.total > 0

    @classmethod
    def of(cls, items: Iterable[T], most: int) -> Some[T]:
        """The first `most` of `items`."""
        every = tuple(items)
        return cls(every[:most], len(every))


#: A list of nothing.
NOTHING: Final[Some[Any]] = Some()


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: the volume's name and the path below it; the empty path is the volume itself."""

    volume: str
    path: str = ""

    @property
    def text(self) -> str:
        """`volume:path` for a person, on one line."""
        return shown(f"{self.volume}:{self.path}" if self.path else self.volume)


@dataclass(frozen=True, slots=True)
class Sum:
    """Files, and the bytes of them."""

    files: int = 0
    size: int = 0
