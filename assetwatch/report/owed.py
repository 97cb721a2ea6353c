"""Where does every deliverable stand, and what became of it since the report before?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from assetwatch.delivery.findings import Finding
from assetwatch.delivery.kept import Entry
from assetwatch.delivery.status import Role, senders_affair
from assetwatch.delivery.wording import sentences
from assetwatch.report.basics import Some
from assetwatch.report.coordinators import Deliverables, Owed
from assetwatch.units import microseconds

#: Deliverables told of in all, and in each list; names and sentences of one of them.
EVERY: Final = 2_000
LISTED: Final = 200
NAMED: Final = 8

#: Worst first.
_ORDER: Final = ("failed", "rejected", "partial", "expected", "arrived", "verified", "accepted", "waived", "cancelled")

#: How a deliverable stood at an earlier report: its status, and its date in the catalog's microseconds.
Standing = Mapping[str, Sequence[Any]]


def standing_of(board: Sequence[Entry]) -> dict[str, list[Any]]:
    """What the next report has to know of this one: id -> [status, due]."""
    return {
        one.row.key: [one.status.state.value, None if one.status.due is None else microseconds(one.status.due)]
        for one in board
    }


def deliverables(board: Sequence[Entry], before: Standing | None, since: datetime) -> Deliverables:
    """The part of the report about the schedule; `before` is how things stood, None where that is not known."""
    every = sorted((_owed(one, before, since) for one in board), key=_rank)
    keys = {one.key for one in every}
    return Deliverables(
        every=Some.of(every, EVERY),
        late=Some.of((one for one in every if one.late), LISTED),
        failing=Some.of((one for one in every if one.failing), LISTED),
        due_soon=Some.of((one for one in every if one.due_soon), LISTED),
        newly_complete=Some.of((one for one in every if one.newly_complete), LISTED),
        new=Some.of((one for one in every if one.new), LISTED),
        changed=Some.of((one for one in every if one.changed), LISTED),
        gone=Some.of(sorted(set(before or ()) - keys), LISTED),
        by_status=dict(sorted(Counter(one.status for one in every).items(), key=lambda one: _ORDER.index(one[0]))),
        compared=before is not None,
    )


def _rank(one: Owed) -> tuple[Any, ...]:
    """Wrong or late first, then what is due soon, then the rest by date; what is closed last."""
    first = 0 if one.failing else 1 if one.late else 2 if one.due_soon else 3 if not one.closed else 4
    return (first, one.due is None, one.due or 0, _ORDER.index(one.status), one.key)


def _owed(entry: Entry, before: Standing | None, since: datetime) -> Owed:
    status, row = entry.status, entry.row
    state, failing = status.state.value, _failing(entry)
    earlier = None if before is None else before.get(row.key)
    due_us = None if status.due is None else microseconds(status.due)
    fulfilled = state in ("arrived", "verified", "accepted")
    if earlier is not None:
        newly = fulfilled and earlier[0] not in ("arrived", "verified", "accepted")
    else:
        newly = fulfilled and status.completed_at is not None and status.completed_at > since
    return Owed(
        key=row.key,
        name=row.name,
        kind=row.kind,
        sender=row.sender,
        receiver=row.receiver,
        due=status.due,
        original_due=status.original_due,
        status=state,
        previous=None if earlier is None else str(earlier[0]),
        late=status.late,
        due_soon=status.due_soon,
        arrived_late=status.arrived_late,
        late_by=None if status.late_by is None else status.late_by.total_seconds(),
        arrived_at=status.completed_at,
        arrived=status.arrived,
        required=status.required,
        verified=status.verified,
        missing=Some.of(_missing(entry), NAMED),
        wrong=Some.of(sentences(failing), NAMED),
        mendable=state == "rejected" or any(senders_affair(finding) for finding in failing),
        said=_said(entry),
        new=before is not None and earlier is None,
        changed=earlier is not None and (earlier[0], earlier[1]) != (state, due_us),
        newly_complete=newly,
    )


def _failing(entry: Entry) -> list[Finding]:
    status = entry.status
    own = [finding for item in status.items if not item.waived for finding in item.problems if finding.failed]
    return own + [finding for finding in status.problems if finding.failed]


def _missing(entry: Entry) -> list[str]:
    """What is missing, by name; of what has begun to come with what of it is not here."""
    begun = {
        linked.name or item.name: linked.incomplete
        for item in entry.known.items
        for linked in item.linked
        if linked.incomplete and linked.role in (Role.CURRENT, Role.CONFLICT)
    }
    return [f"{name} ({begun[name]})" if name in begun else name for name in entry.status.missing]


def _said(entry: Entry) -> str | None:
    """The word of a person that holds, or that held until other content came."""
    status = entry.status
    if status.holds is not None:
        why = f": {status.holds.why}" if status.holds.why else ""
        return f"{status.state.value} by {status.holds.by}{why}"
    if status.reopened is not None:
        return f"open again: '{status.reopened.word.value}' by {status.reopened.by} was said of other files"
    return None
