"""What is a schedule: who owes what to whom, by when, and how do two of them differ?

Values only; nothing here reads a file. `schedule_toml`, `schedule_csv` and `schedule_xlsx` read and write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from typing import Any, Final

#: What may prove that an item is what was sent: its sender's list, a second reading of our own, nothing.
PROOFS: Final = ("manifest", "reread", "none")

#: Seconds before the due date from which a deliverable is due soon, unless the schedule says otherwise.
SOON_S: Final = 172_800

#: Words in a deliverable's kind that say that its elements are of one program, and have to agree.
_AGREEING: Final = ("turnover", "mix", "stem", "master", "caption", "subtitle")

#: Words in a deliverable's kind that say that it is footage.
_FOOTAGE: Final = ("camera", "ocf", "dailies", "rushes", "sound-roll", "sound roll")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a deliverable needs.

    `match` is a pattern of `delivery.match` below a volume's root; `timeline` one for a cut list whose sources are
    needed as well, `pulls` one for a pull list whose plates are (among what `match` takes, where that is given).
    `where` are fields of the name (`media.fields`) by which a thing is taken at all. `count` is a text of
    `delivery.counts`. `spec` holds what the media must be (`delivery.requirement`); `asset` (`file`, `sequence`,
    `folder`, empty for any) and `media` (rules as in `spec`) narrow down what the patterns may take.
    """

    name: str
    match: str = ""
    timeline: str = ""
    pulls: str = ""
    where: dict[str, str] = field(default_factory=dict)
    count: str = ""
    spec: dict[str, Any] = field(default_factory=dict)
    asset: str = ""
    media: dict[str, Any] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True, slots=True)
class Deliverable:
    """Something scheduled to arrive. `due` is an aware instant; `grace_s` and `due_soon_s` are seconds.

    `folder` is claimed: a file below it that no item takes is told. `volume` is empty where any will do. `footage`:
    whether clips that are missing are looked for; None where the kind tells. `shot_pattern` is the show's own
    expression for the names of shots (`media.names.parse_name`).
    """

    id: str
    name: str
    kind: str = ""
    sender: str = ""
    receiver: str = ""
    due: datetime | None = None
    grace_s: int = 0
    due_soon_s: int = SOON_S
    proof: str = "none"
    folder: str = ""
    volume: str = ""
    note: str = ""
    agree: dict[str, Any] = field(default_factory=dict)
    footage: bool | None = None
    shot_pattern: str = ""
    items: tuple[Item, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether its elements are of one program and have to agree."""
        kind = self.kind.lower()
        return bool(self.agree.get("check", self.agree or any(word in kind for word in _AGREEING)))

    @property
    def of_footage(self) -> bool:
        """Whether missing footage is looked for."""
        kind = self.kind.lower()
        return any(word in kind for word in _FOOTAGE) if self.footage is None else self.footage


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a schedule's file: `where` (line and key, or sheet, row and column), and what was expected."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a file says: deliverables in its order; faults, for which nothing is applied; notes, which only tell."""

    deliverables: tuple[Deliverable, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """How one deliverable differs: `added`, `changed` or `removed`; of a change [(field, before, after)]."""

    kind: str
    id: str
    name: str
    differences: tuple[tuple[str, str, str], ...] = ()


#: The names of fields as people write them in a schedule.
WRITTEN: Final = {
    "sender": "from",
    "receiver": "to",
    "grace_s": "grace",
    "due_soon_s": "due_soon",
}


def difference(before: Iterable[Deliverable], after: Iterable[Deliverable], zone: tzinfo | None = None) -> list[Change]:
    """What an import would do, by stable id: added and changed in the new order, then removed in the old one.

    Dates are written in `zone`.
    """
    old = {one.id: one for one in before}
    new = {one.id: one for one in after}
    found: list[Change] = []
    for one in new.values():
        was = old.get(one.id)
        if was is None:
            found.append(Change("added", one.id, one.name))
        elif was != one:
            found.append(Change("changed", one.id, one.name, tuple(_differences(was, one, zone))))
    found += [Change("removed", one.id, one.name) for one in old.values() if one.id not in new]
    return found


def _differences(before: Deliverable, after: Deliverable, zone: tzinfo | None) -> Iterable[tuple[str, str, str]]:
    for one in fields(Deliverable):
        was, now = getattr(before, one.name), getattr(after, one.name)
        if was != now and one.name != "items":
            yield WRITTEN.get(one.name, one.name), _written(was, zone), _written(now, zone)
    old = {item.name: item for item in before.items}
    new = {item.name: item for item in after.items}
    for name, item in new.items():
        known = old.get(name)
        if known is None:
            yield f"item {name}", "", "added"
        elif known != item:
            for one in fields(Item):
                was, now = getattr(known, one.name), getattr(item, one.name)
                if was != now:
                    yield f"item {name}: {one.name}", _written(was), _written(now)
    for name in old:
        if name not in new:
            yield f"item {name}", "", "removed"
    if [*old] != [*new] and {*old} == {*new}:
        yield "order of items", ", ".join(old), ", ".join(new)


def _written(value: Any, zone: tzinfo | None = None) -> str:
    """A value as a difference shows it."""
    if isinstance(value, datetime):
        local: datetime = value.astimezone(zone) if zone is not None else value
        return local.isoformat(" ", "minutes")
    if isinstance(value, dict):
        return "; ".join(f"{key}={_wanted(wanted)}" for key, wanted in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _wanted(value: Any) -> str:
    """What a rule asks for; of policies, whose texts are long, only their names."""
    if isinstance(value, list):
        return ", ".join(str(one["name"]) if isinstance(one, dict) else str(one) for one in value)
    return str(value)


def without_items(deliverables: Iterable[Deliverable]) -> list[str]:
    """What to tell of deliverables for which nothing can ever arrive."""
    return [f"{one.id} has no item: nothing can arrive for it" for one in deliverables if not one.items]


def twice(ids: Sequence[str]) -> list[str]:
    """The texts that stand more than once, in their order."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for one in ids:
        if one in seen:
            found[one] = None
        seen.add(one)
    return list(found)
