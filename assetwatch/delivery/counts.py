"""How many things does an item need, and which of them are not here?

Written `3` (exactly), `>=2` (also `2+`, `at least 2`), `<=4` (`at most 4`), `2..4` (`2-4`, `2 to 4`), `any` (no
number asked: none is fine), `one per shot in SH010, SH020`, `one per reel in R1..R6`, `3 per reel in R1..R6`; the list
may also be named and given apart. Nothing written is `>=1`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

COUNT_EXPECTED: Final = 'a count such as "3", ">=2", "2..4", "any" or "one per reel in R1..R6"'

_EXACTLY: Final = re.compile(r"(?:exactly |==?\s*)?([0-9]{1,7})", re.IGNORECASE)
_AT_LEAST: Final = re.compile(r"(?:>=\s*|at least )([0-9]{1,7})|([0-9]{1,7})\s*\+", re.IGNORECASE)
_AT_MOST: Final = re.compile(r"(?:<=\s*|at most )([0-9]{1,7})", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"([0-9]{1,7})\s*(?:\.\.|-|–| to )\s*([0-9]{1,7})", re.IGNORECASE)
_PER: Final = re.compile(r"(.+?)\s+(?:per|for each)\s+\{?([A-Za-z_][A-Za-z0-9_]*)\}?\s+in\s+(.+)", re.IGNORECASE)
_SPAN: Final = re.compile(r"(.*?)([0-9]{1,9})\.\.(.*?)([0-9]{1,9})(?:x([0-9]{1,6}))?")
_EXPANDED_MAX: Final = 100_000


class CountFault(ValueError):
    """A text that is no count; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`arrived` of `required` things; what is too much does not stand in for what is missing.

    `missing` are the names of a list that are not here (a name that is here too few times also). `surplus` are
    names that the list does not have or that came too often; None for things that have no name.
    """

    required: int
    arrived: int
    missing: tuple[str, ...] = ()
    surplus: tuple[str | None, ...] = ()

    @property
    def lacking(self) -> int:
        """How many things are not here."""
        return self.required - self.arrived


@dataclass(frozen=True, slots=True)
class Count:
    """At least `least` things, at most `most` (None: no limit); with `per`, that many for each of `names`.

    `per` is the named part of the pattern that tells them apart (`{shot}`).
    """

    least: int = 1
    most: int | None = None
    per: str | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str | int | None, lists: Mapping[str, Sequence[str]] | None = None) -> Count:
        """The count that `text` means; `lists` are the lists that it may name. Raises CountFault."""
        given = "" if text is None else " ".join(str(text).split())
        if not given:
            return cls()
        if per := _PER.fullmatch(given):
            least, most = _limits(per[1], given)
            names = expand(per[3]) if lists is None or per[3] not in lists else tuple(lists[per[3]])
            if not names:
                raise CountFault(f"{given!r}: the list is empty")
            return cls(least, most, per[2], tuple(dict.fromkeys(names)))
        return cls(*_limits(given, given))

    @property
    def required(self) -> int:
        """How many things are needed in all."""
        return self.least * (len(self.names) if self.per is not None else 1)

    @property
    def several(self) -> bool:
        """Whether more than one thing is meant by one name, so that versions are told apart (`Match.slot`).

        `>=1` is one thing, which is what a line in a schedule means that says nothing of a number.
        """
        return self.least > 1 or (self.least == 0 if self.most is None else self.most > 1)

    @property
    def text(self) -> str:
        """As it is written; `parse` gives an equal count."""
        if self.most is None:
            said = "any" if self.least == 0 else f">={self.least}"
        elif self.least == 0:
            said = f"<={self.most}"
        else:
            said = str(self.least) if self.least == self.most else f"{self.least}..{self.most}"
        if self.per is None:
            return said
        return f"{'one' if said == '1' else said} per {self.per} in {', '.join(self.names)}"

    def tally(self, there: Iterable[str | None]) -> Tally:
        """What `there` comes to: one entry for each thing that is here, with its text of `per` (None: none)."""
        here = list(there)
        if self.per is None:
            over = len(here) - self.most if self.most is not None else 0
            return Tally(
                self.least, min(len(here), self.least), surplus=tuple(here[len(here) - over :] if over > 0 else ())
            )
        times = Counter(here)
        arrived = sum(min(times[name], self.least) for name in self.names)
        missing = tuple(name for name in self.names if times[name] < self.least)
        surplus: list[str | None] = []
        for name, count in times.items():
            allowed = (count if self.most is None else self.most) if name in self.names else 0
            surplus += [name] * max(0, count - allowed)
        return Tally(self.required, arrived, missing, tuple(surplus))


def _limits(text: str, whole: str) -> tuple[int, int | None]:
    text = text.strip()
    if text.lower() in ("any", "*"):
        return 0, None
    if text.lower() == "one":
        return 1, 1
    if found := _EXACTLY.fullmatch(text):
        least = most = int(found[1])
    elif found := _AT_LEAST.fullmatch(text):
        return int(found[1] or found[2]), None
    elif found := _AT_MOST.fullmatch(text):
        return 0, int(found[1])
    elif found := _BETWEEN.fullmatch(text):
        least, most = int(found[1]), int(found[2])
    else:
        raise CountFault(f"expected {COUNT_EXPECTED}, got {whole!r}")
    if least > most:
        raise CountFault(f"{whole!r}: {least} is more than {most}")
    return least, most


def expand(text: str) -> tuple[str, ...]:
    """`R1..R3, R5` as `R1`, `R2`, `R3`, `R5`; `SH010..SH030x10` steps by ten and keeps the padding.

    Commas or semicolons part, brackets around the whole are allowed. Raises CountFault for a span that is none.
    """
    inner = text.strip()
    if inner[:1] == "[" and inner[-1:] == "]":
        inner = inner[1:-1]
    found: list[str] = []
    for part in filter(None, (part.strip().strip("\"'") for part in re.split("[,;]", inner))):
        if ".." not in part:
            found.append(part)
            continue
        span = _SPAN.fullmatch(part)
        if span is None or span[3] not in ("", span[1]):
            raise CountFault(f"{part!r} is no span such as R1..R6")
        first, last, step = int(span[2]), int(span[4]), int(span[5] or 1)
        if step == 0 or last < first or (last - first) // step >= _EXPANDED_MAX:
            raise CountFault(f"{part!r} runs backwards, or has no step or too many members")
        width = len(span[2]) if span[2].startswith("0") or len(span[2]) == len(span[4]) else 1
        found += [f"{span[1]}{number:0{width}d}" for number in range(first, last + 1, step)]
    return tuple(found)
