"""What do all tables of the configuration have in common?"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from assetwatch.units import parse_duration, parse_size

Number = TypeVar("Number", int, float)


#: The word that lifts a bound of `[verify]`, in the file and on the command line.
OFF = "off"


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file. Unknown keys are refused: a misspelt key would otherwise do nothing, silently."""


def bounded_duration(text: str) -> float | None:
    """Seconds above 0 from `6h`; None for `OFF`. Raises ValueError saying what was expected."""
    return _bound(text, parse_duration)


def bounded_size(text: str) -> int | None:
    """Bytes above 0 from `400M`; None for `OFF`. Raises ValueError saying what was expected."""
    return _bound(text, parse_size)


def _bound(text: str, parse: Callable[[str], Number]) -> Number | None:
    if text.strip() == OFF:
        return None
    value = parse(text)
    if value <= 0:
        raise ValueError(f'expected more than 0, or "{OFF}" for no bound, got {text!r}')
    return value


def check(faults: list[tuple[str, str]], key: str, parse: Callable[[str], object], text: str) -> None:
    """Note what is wrong with a text that `parse` does not take."""
    try:
        parse(text)
    except ValueError as error:
        faults.append((key, str(error)))


def meant(value: str, choices: tuple[str, ...]) -> str:
    """The choice that a misspelt value comes near, as a question; empty for none."""
    close = difflib.get_close_matches(value, choices, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
