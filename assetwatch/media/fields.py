"""Which facts of a name can be listed and asked for: roll, clip, scene, take, shot, version, date and the rest?

Pure. A field of a file is what its own name says (`names.parse_name`); the roll is that of the folder of its card
where the name says none. A condition is a field and what it has to be: `roll=A004`, `clip=3..7`, `scene=42*`,
`shot=SH010 | SH020`, `take!=1`, `roll=*` (any), `roll=` (none).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import translate
from functools import lru_cache
from typing import Final

from assetwatch.media.names import NameFacts, parse_name

#: The fields, in the order in which they are told.
FIELDS: Final = tuple(one.name for one in fields(NameFacts) if one.name not in ("month_day", "clock"))

_ROLL: Final = re.compile(r"[A-Z](?:[0-9]{3}|_[0-9]{4})")
_CARDS: Final = frozenset({"camera-roll", "sound-roll", "red-mag"})
_CONDITION: Final = re.compile(r"\s*([A-Za-z_]+)\s*(!=|==|=)\s*(.*?)\s*", re.DOTALL)
_SPAN: Final = re.compile(r"(.+?)\s*\.\.\s*(.+)")
_COUNTED: Final = frozenset({"clip", "take", "part", "version", "reel"})
_NUMBER: Final = re.compile(r"([A-Za-z]*)0*([0-9]{1,9})")


class ConditionFault(ValueError):
    """A text that is no condition; the message says what was expected."""


def roll_of_folder(folder: str) -> str | None:
    """The roll that the name of a folder tells: a card's or a sound roll's."""
    said = parse_name(folder)
    if said.format in _CARDS:
        return said.roll
    return folder if _ROLL.fullmatch(folder) else None


def fields_of(path: str, shot_pattern: str | None = None) -> dict[str, str | int]:
    """Field -> what the name at `path` says, of those that it says; a date as `2026-11-02`.

    `shot_pattern` is a show's own, as `names.parse_name` takes it.
    """
    said = parse_name(path, shot_pattern)
    found = {name: value for name in FIELDS if (value := getattr(said, name)) is not None}
    if "roll" not in found and (found.keys() & {"clip", "take"}):
        folders = reversed(path.split("/")[:-1])
        roll = next((roll for folder in folders if folder and (roll := roll_of_folder(folder))), None)
        if roll is not None:
            found["roll"] = roll
    return {
        name: value.isoformat() if isinstance(value, datetime.date) else value
        for name, value in sorted(found.items(), key=lambda row: FIELDS.index(row[0]))
    }


def text_of(path: str, field: str, shot_pattern: str | None = None) -> str | None:
    """One field of a name as text."""
    value = fields_of(path, shot_pattern).get(field) if field in FIELDS else None
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Condition:
    """That a field is one of several: texts with `*` and `?`, numbers, or spans of either. Make it with `parse`."""

    field: str
    wanted: str
    negated: bool = False

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From `roll=A004`. Raises ConditionFault."""
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise ConditionFault(f"expected FIELD=VALUE such as roll=A004, got {text!r}")
        return cls.of(found[1], found[3], negated=found[2] == "!=")

    @classmethod
    def of(cls, field: str, wanted: str, *, negated: bool = False) -> Condition:
        """From a field and what it has to be. Raises ConditionFault for what is no field."""
        name = field.strip().lower()
        if name not in FIELDS:
            raise ConditionFault(f"there is no field {field!r}: expected one of {', '.join(FIELDS)}")
        return cls(name, wanted.strip(), negated)

    def holds(self, said: Mapping[str, str | int]) -> bool:
        """Whether what a name says is so."""
        value = said.get(self.field)
        if not self.wanted:
            fits = value is None
        else:
            fits = value is not None and any(
                _fits(self.field, str(value), choice.strip()) for choice in re.split(r"[|,]", self.wanted)
            )
        return fits is not self.negated

    @property
    def text(self) -> str:
        """As it is written; `parse` gives an equal condition."""
        return f"{self.field}{'!=' if self.negated else '='}{self.wanted}"


def all_hold(conditions: Iterable[Condition], path: str, shot_pattern: str | None = None) -> bool:
    """Whether a name fits all conditions."""
    said = fields_of(path, shot_pattern)
    return all(condition.holds(said) for condition in conditions)


def _fits(field: str, value: str, wanted: str) -> bool:
    span = _SPAN.fullmatch(wanted)
    if span is not None:
        first, here, last = (_sortable(field, text) for text in (span[1], value, span[2]))
        return first[0] == here[0] == last[0] and first <= here <= last
    if field in _COUNTED and (counted := _counted(field, wanted)) is not None:
        return int(value) == counted
    return _glob(wanted.lower()).match(value.lower()) is not None


def _counted(field: str, text: str) -> int | None:
    """`C007` and `7` of a clip, `v003` of a version; None where it is no number."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return int(found[2]) + (999 if field == "clip" and found[1].upper() == "D" else 0)


def _sortable(field: str, text: str) -> tuple[str, int, str]:
    """A key by which values of a field sort: what stands before the number, the number, the whole text."""
    if field in _COUNTED and (counted := _counted(field, text)) is not None:
        return ("", counted, "")
    found = re.fullmatch(r"(.*?)([0-9]{1,18})", text)
    if found is None or field == "date":
        return ("" if field == "date" else text.lower(), 0, text)
    return (found[1].lower(), int(found[2]), "")


@lru_cache(maxsize=1024)
def _glob(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))
