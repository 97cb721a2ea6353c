"""How is a schedule kept in the catalog's rows, and where does every deliverable stand by what they say?"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog.deliverables import DecisionRow, DeliverableRow, ItemRow, Scheduled
from assetwatch.delivery import schedule as s
from assetwatch.delivery import status
from assetwatch.delivery.as_of import as_of
from assetwatch.delivery.counts import Count
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.match import Rule
from assetwatch.model import Integrity, Presence
from assetwatch.units import instant, microseconds

#: What of a deliverable is kept as its terms, besides its own columns.
_TERMS = ("grace_s", "due_soon_s", "proof", "folder", "volume", "note", "agree", "footage", "shot_pattern")


class Found(msgspec.Struct, frozen=True):
    """What was found of one item in the catalog. `needed`: of a cut, the list itself and the names of its sources."""

    linked: tuple[status.Linked, ...] = ()
    findings: tuple[Finding, ...] = ()
    needed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One deliverable on the board: its rows, what is known of it, and where it stands."""

    row: DeliverableRow
    items: tuple[ItemRow, ...]
    known: status.Deliverable
    status: status.Status

    @property
    def scheduled(self) -> s.Deliverable:
        """The deliverable as the schedule has it."""
        return scheduled_of(self.row, self.items)


_found = msgspec.json.Decoder(Found)
_agreement = msgspec.json.Decoder(tuple[Finding, ...])
encode = msgspec.json.Encoder().encode


def as_scheduled(one: s.Deliverable) -> Scheduled:
    """A deliverable as the catalog takes it."""
    return Scheduled(
        key=one.id,
        name=one.name,
        kind=one.kind,
        sender=one.sender,
        receiver=one.receiver,
        due_us=None if one.due is None else microseconds(one.due),
        terms=encode({name: getattr(one, name) for name in _TERMS}).decode(),
        items=[(item.name, encode(_item_terms(item)).decode()) for item in one.items],
        roots=sorted(roots_of(one)),
    )


def _item_terms(item: s.Item) -> dict[str, Any]:
    return {one.name: getattr(item, one.name) for one in fields(s.Item) if one.name != "name"}


def patterns_of(item: s.Item) -> list[str]:
    """Every pattern of an item."""
    return [pattern for pattern in (item.match, item.timeline, item.pulls) if pattern]


def roots_of(one: s.Deliverable) -> set[str]:
    """The folders below which something may be meant for a deliverable."""
    found = {one.folder} if one.folder else set()
    for item in one.items:
        found |= {Rule.compile(pattern).folder for pattern in patterns_of(item)}
        if item.timeline or (item.pulls and not item.match):  # what they need may lie anywhere
            found.add("")
    return {""} if "" in found else found


def claimed_by(one: s.Deliverable) -> set[str]:
    """The folders in which only what a deliverable needs should lie."""
    if one.folder:
        return {one.folder}
    patterns = [pattern for item in one.items for pattern in patterns_of(item)]
    return {Rule.compile(pattern).folder for pattern in patterns} - {""}


def scheduled_of(row: DeliverableRow, items: Iterable[ItemRow]) -> s.Deliverable:
    """A deliverable as the schedule has it, from the catalog's rows."""
    return s.Deliverable(
        id=row.key,
        name=row.name,
        kind=row.kind,
        sender=row.sender,
        receiver=row.receiver,
        due=None if row.due_us is None else instant(row.due_us),
        **msgspec.json.decode(row.terms),
        items=tuple(s.Item(name=item.name, **msgspec.json.decode(item.terms)) for item in items),
    )


def schedule_in(connection: Connection) -> list[s.Deliverable]:
    """The schedule in force."""
    items = rows.items_of(connection)
    return [scheduled_of(row, items.get(row.id, [])) for row in rows.all_deliverables(connection)]


def board(
    connection: Connection,
    now: datetime,
    keys: Sequence[str] | None = None,
    *,
    brief: bool = False,
    past: bool = False,
) -> list[Entry]:
    """Where the deliverables of the schedule stand now, in its order; those with these ids, or all.

    `brief`: the statuses are the same, but not every linked file is told where many alike are. `past`: `now` lies
    behind, and what came since does not count.
    """
    if keys is None:
        wanted = rows.all_deliverables(connection)
        ids = None
    else:
        wanted = [row for row in (rows.by_key(connection, key) for key in keys) if row is not None]
        ids = [row.id for row in wanted]
    items = rows.items_of(connection, ids, brief=brief)
    decisions = rows.decisions_of(connection, ids)
    found = []
    with _uncollected():
        for row in wanted:
            mine = tuple(items.get(row.id, ()))
            known = known_of(row, mine, decisions.get(row.id, []))
            if past:
                scheduled = scheduled_of(row, mine)
                known = as_of(known, now, together=scheduled.agrees or scheduled.of_footage)
            found.append(Entry(row, mine, known, status.derive(known, now)))
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: of many thousands of values that are all kept it finds none, and takes half the
    time for it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def in_brief(found: Found, count: Count) -> Found | None:
    """As much of what was found as gives the same status while nobody decided anything; None where that is all.

    Of things that are alike and just right the first ones, as many as are needed, stand for all.
    """
    enough = max(count.least, 1)
    if count.per is not None or count.most is not None or found.needed or len(found.linked) <= enough:
        return None
    first = found.linked[0]
    alike = all(
        one.role is status.Role.CURRENT
        and one.presence is Presence.PRESENT
        and one.integrity not in (Integrity.MISMATCH, Integrity.UNREADABLE)
        and one.incomplete is None
        and one.proofs == first.proofs
        and (one.spec is None) == (first.spec is None)
        and all(finding.outcome is Outcome.PASS for finding in one.spec or ())
        for one in found.linked
    )
    if not alike:
        return None
    earliest = sorted(found.linked, key=lambda one: one.arrived)[:enough]
    return Found(tuple(earliest), found.findings)


def no_later(found: Found, before: ItemRow) -> Found:
    """What was found, with no content said to have come later than was told of it before.

    When a file was last changed on its disk is evidence of when it came (`catalog.arrived`), until somebody changes its
    owner or its rights.
    """
    told = {one.version_id: one.arrived for one in _found.decode(before.found).linked}
    if not any(one.arrived > told.get(one.version_id, one.arrived) for one in found.linked):
        return found
    linked = (replace(one, arrived=min(one.arrived, told.get(one.version_id, one.arrived))) for one in found.linked)
    return Found(tuple(linked), found.findings, found.needed)


def known_of(row: DeliverableRow, items: Sequence[ItemRow], decisions: Sequence[DecisionRow]) -> status.Deliverable:
    """What is known of a deliverable, as `status.derive` takes it."""
    terms = msgspec.json.decode(row.terms)
    return status.Deliverable(
        id=row.key,
        items=tuple(_item(item) for item in items),
        due=None if row.due_us is None else instant(row.due_us),
        grace=timedelta(seconds=terms["grace_s"]),
        lead=timedelta(seconds=terms["due_soon_s"]),
        original_due=None if row.original_due_us is None else instant(row.original_due_us),
        proof=status.Proof(terms["proof"]),
        agreement=None if row.agreement is None else _agreement.decode(row.agreement),
        decisions=tuple(_decision(one) for one in decisions),
    )


#: A schedule has few counts, and thousands of items.
_count = lru_cache(maxsize=4096)(Count.parse)


def _item(row: ItemRow) -> status.Item:
    terms = msgspec.json.decode(row.terms)
    found = _found.decode(row.found)
    return status.Item(
        name=row.name,
        count=Count(least=1, per="source", names=found.needed) if found.needed else _count(terms["count"]),
        required=terms["required"],
        has_spec=bool(terms["spec"]),
        linked=found.linked,
        findings=found.findings,
    )


def _decision(row: DecisionRow) -> status.Decision:
    return status.Decision(
        word=status.Word(row.word),
        at=instant(row.at_us),
        by=row.who,
        why=row.why,
        versions=frozenset(one[2] for one in msgspec.json.decode(row.contents)),
        item=row.item,
        due=None if row.due_us is None else instant(row.due_us),
    )
