"""What was known of a deliverable at an earlier moment, as far as what is here now tells?

What had come by then counts, of several versions the one that was the newest; what went bad later was well. What was
replaced or removed since is not known any more, and whether elements agreed that are not current now was not kept.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from assetwatch.delivery.status import Deliverable, Item, Linked, Role
from assetwatch.model import Integrity

_FULFILS: Final = frozenset({Role.CURRENT, Role.CONFLICT})
_BAD: Final = frozenset({Integrity.MISMATCH, Integrity.UNREADABLE})


def as_of(known: Deliverable, at: datetime, *, together: bool) -> Deliverable:
    """What `derive` takes for a moment in the past. Decisions carry their own date, and stay.

    `together`: its elements are held against each other, which `agreement` tells of those that are current now.
    """
    items = tuple(_item(item, at) for item in known.items)
    same = [_current(item) for item in items] == [_current(item) for item in known.items]
    return replace(known, items=items, agreement=known.agreement if same or not together else None)


def _current(item: Item) -> set[int]:
    return {one.version_id for one in item.linked if one.role in _FULFILS}


def _item(item: Item, at: datetime) -> Item:
    came = [_well(one, at) for one in item.linked if one.arrived <= at]
    newest: dict[tuple[str, ...], Linked] = {}
    for one in sorted(came, key=lambda one: one.arrived):
        # Older versions came one after the other: one that came after a newer is stale, and none of these.
        if one.role is Role.SUPERSEDED:
            newest[one.slot] = one
    filled = {one.slot for one in came if one.role in _FULFILS}
    linked = tuple(
        replace(one, role=Role.CURRENT) if one.slot not in filled and newest.get(one.slot) is one else one
        for one in came
    )
    return replace(item, linked=linked, findings=item.findings if len(came) == len(item.linked) else ())


def _well(one: Linked, at: datetime) -> Linked:
    """A thing as it was before it went bad."""
    if one.integrity in _BAD and one.integrity_at is not None and one.integrity_at > at:
        return replace(one, integrity=Integrity.RECORDED, spoiled=False)
    return one
