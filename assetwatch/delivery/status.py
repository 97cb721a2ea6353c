"""Where does a deliverable stand?

`derive` is the only place that says so; nothing of it is stored. What it goes by:

- A thing is here when it is `current` or in `conflict`, present or offline (of an offline volume nothing is said), and
  complete. What is still arriving, missing or incomplete is not here.
- `failed` before anything else that files say: a mismatch, an unreadable file, a spec rule, a disagreement, a conflict
  of versions, even while other things are still to come. What a report lists and is not here is missing.
- `verified` needs the proof of all that is current, an answer to every rule (none unknown) and agreement looked at.
- A person's word holds for the versions it was said of. Acceptance, waiver and cancellation end when the current
  versions are others, or when one of them went bad afterwards; a rejection ends when there is one that it did not know.
- Late is past due + grace and not arrived, verified or accepted. What came counts from the first good version of each
  thing: a newer one that comes after the date does not make an older delivery late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from assetwatch.delivery.counts import Count, Tally
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.footage import LACKING
from assetwatch.model import Integrity, Presence


class State(StrEnum):
    """The status of a deliverable (contract, part 2)."""

    EXPECTED = "expected"
    PARTIAL = "partial"
    ARRIVED = "arrived"
    VERIFIED = "verified"
    FAILED = "failed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WAIVED = "waived"
    CANCELLED = "cancelled"


class Proof(StrEnum):
    """What must be shown of the bytes before a deliverable is verified."""

    MANIFEST = "manifest"  #: equal to the sender's digest
    REREAD = "reread"  #: read again after arrival and found equal
    NONE = "none"


class Role(StrEnum):
    """What a linked thing is to its item (see `versions.Chosen`)."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"
    STALE = "stale"
    SENT_AGAIN = "sent_again"
    COPY = "copy"
    SOURCE = "source"  #: what a cut or pull list needs; of links only


class Word(StrEnum):
    """What a person decided."""

    ACCEPT = "accept"
    REJECT = "reject"
    WAIVE = "waive"
    CANCEL = "cancel"
    REOPEN = "reopen"  #: takes back whatever held
    REDUE = "redue"  #: a new due date, `Decision.due`


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word. It holds only for `versions`: the ids of what was current when it was said.

    `item` (waive only): one item's name, None for the whole deliverable. `due` is the new date of REDUE.
    """

    word: Word
    at: datetime
    by: str
    why: str | None = None
    versions: frozenset[int] = frozenset()
    item: str | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """One thing linked to an item: a file, a sequence or a package, and what is known of it.

    `integrity` is the worst of its files; `integrity_at` when it became that. `proofs` are those that all its files
    have. `spec` is what the item's spec gave, None where it was not looked at yet. `incomplete` says what a sequence
    or package lacks (`frames 1003-1004`).
    """

    version_id: int
    path: str
    presence: Presence
    integrity: Integrity
    arrived: datetime
    role: Role = Role.CURRENT
    proofs: frozenset[Proof] = frozenset()
    spec: tuple[Finding, ...] | None = None
    incomplete: str | None = None
    name: str | None = None  #: its text of the count's `per`
    slot: tuple[str, ...] = ()
    integrity_at: datetime | None = None
    archived: bool = False  #: gone, and a person said that this is known: it counts as here
    spoiled: bool = False  #: it was as sent once, and is not any more


@dataclass(frozen=True, slots=True)
class Item:
    """One thing (or several) that a deliverable needs. `findings` are about the item as a whole (a cut's sources)."""

    name: str
    count: Count = field(default_factory=Count)
    required: bool = True
    has_spec: bool = False
    linked: tuple[Linked, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Deliverable:
    """What is known of a deliverable. Instants are aware; the show's time zone was applied when `due` was read.

    `agreement` is what comparing its elements with each other gave, None where that is still to be done, () where
    there is nothing to compare. `lead` is how long before `due` it counts as due soon.
    """

    id: str
    items: tuple[Item, ...]
    due: datetime | None = None
    grace: timedelta = timedelta(0)
    lead: timedelta = timedelta(days=2)
    original_due: datetime | None = None
    proof: Proof = Proof.NONE
    agreement: tuple[Finding, ...] | None = ()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """One item: `arrived` of `required` things, of them `verified`; `conforms` None where there is no spec or no
    answer yet. `missing` are names of what is not here. `waived`: not needed any more, by a person's word."""

    name: str
    required: int
    arrived: int
    verified: int
    conforms: bool | None
    missing: tuple[str, ...]
    problems: tuple[Finding, ...]
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Where a deliverable stands at one instant.

    `arrived` of `required` things; `completed_at` is when the last needed one came, None while it is not fulfilled.
    `late_by` is counted from `due` (grace decides whether, not by how much), for late and arrived late. `holds` is
    the decision that the state comes from, `reopened` one that held until the content changed.
    """

    state: State
    late: bool
    arrived_late: bool
    due_soon: bool
    arrived: int
    required: int
    verified: int
    missing: tuple[str, ...]
    items: tuple[ItemStatus, ...]
    problems: tuple[Finding, ...]  #: of the deliverable as a whole; those of items stand with them
    due: datetime | None
    original_due: datetime | None  #: only where it differs from `due`
    completed_at: datetime | None = None
    late_by: timedelta | None = None
    holds: Decision | None = None
    reopened: Decision | None = None


#: States in which nothing more is owed.
FULFILLED: Final = frozenset({State.ARRIVED, State.VERIFIED, State.ACCEPTED})

_STATES: Final = {
    Word.ACCEPT: State.ACCEPTED,
    Word.REJECT: State.REJECTED,
    Word.WAIVE: State.WAIVED,
    Word.CANCEL: State.CANCELLED,
}
_HERE: Final = frozenset({Presence.PRESENT, Presence.OFFLINE})
_BAD: Final = frozenset({Integrity.MISMATCH, Integrity.UNREADABLE})
_FULFILS: Final = frozenset({Role.CURRENT, Role.CONFLICT})


def derive(deliverable: Deliverable, now: datetime) -> Status:
    """Where `deliverable` stands at `now` (aware). Pure."""
    decisions = [said for said in sorted(deliverable.decisions, key=lambda said: said.at) if said.at <= now]
    waived = _waived_items(deliverable, decisions)
    items = tuple(_item(item, deliverable.proof, item.name in waived) for item in deliverable.items)
    holds, reopened = _word(deliverable, decisions)
    # What is not needed any more need not agree with the rest.
    spared = _paths(deliverable, waived) - _paths(deliverable, {one.name for one in deliverable.items} - waived)
    agreement = tuple(finding for finding in deliverable.agreement or () if finding.path not in spared)
    state = _STATES[holds.word] if holds is not None else _by_files(deliverable, items, agreement)
    moved = next((said.due for said in reversed(decisions) if said.word is Word.REDUE and said.due), None)
    due = moved or deliverable.due
    original = deliverable.original_due or deliverable.due
    completed = _completed(deliverable, waived, decisions) if state in FULFILLED else None
    deadline = None if due is None else due + deliverable.grace
    open_ = state not in FULFILLED and state not in (State.WAIVED, State.CANCELLED)
    late = open_ and deadline is not None and now > deadline
    arrived_late = completed is not None and deadline is not None and completed > deadline
    late_by = None
    if due is not None and (late or arrived_late):
        late_by = (now if completed is None else completed) - due
    needed = [status for item, status in zip(deliverable.items, items, strict=True) if item.required]
    lacking = _lacking(agreement)
    return Status(
        state=state,
        late=late,
        arrived_late=arrived_late,
        due_soon=open_ and not late and due is not None and now >= due - deliverable.lead,
        arrived=sum(item.arrived for item in needed),
        required=sum(item.required for item in needed) + len(lacking),
        verified=sum(item.verified for item in needed),
        missing=(*(name for item in needed for name in item.missing), *lacking),
        items=items,
        problems=tuple(finding for finding in agreement if finding.outcome is not Outcome.PASS),
        due=due,
        original_due=original if original != due else None,
        completed_at=completed,
        late_by=late_by,
        holds=holds,
        reopened=reopened,
    )


# --- what files say --------------------------------------------------------------------------------------------------


def _by_files(deliverable: Deliverable, items: tuple[ItemStatus, ...], agreement: tuple[Finding, ...]) -> State:
    if any(finding.failed for finding in agreement) or any(
        problem.failed for item in items if not item.waived for problem in item.problems
    ):
        return State.FAILED
    both = [(item, status) for item, status in zip(deliverable.items, items, strict=True) if not status.waived]
    needed = [(item, status) for item, status in both if item.required]
    if not needed and any(item.required for item in deliverable.items):
        return State.WAIVED  # item by item
    # Where nothing is required by number, something has to be here all the same.
    something = any(is_here(linked) for item, _ in both for linked in item.linked)
    if not something or _lacking(agreement) or any(status.arrived < status.required for _, status in needed):
        begun = any(
            linked.role in _FULFILS and linked.presence in _HERE for item, _ in needed for linked in item.linked
        )
        return State.PARTIAL if begun else State.EXPECTED
    settled = deliverable.agreement is not None and not any(f.outcome is Outcome.UNKNOWN for f in agreement)
    return (
        State.VERIFIED if settled and all(_item_verified(*pair, deliverable.proof) for pair in both) else State.ARRIVED
    )


def _lacking(agreement: Iterable[Finding]) -> tuple[str, ...]:
    """What is missing by what lists say that came, by name."""
    return tuple(dict.fromkeys(f.expected for f in agreement if f.rule in LACKING and f.notice and f.expected))


def is_here(linked: Linked) -> bool:
    """Whether a thing fulfils, is there, and is whole."""
    return linked.role in _FULFILS and linked.presence in _HERE and linked.incomplete is None


def _counted(item: Item) -> list[Linked]:
    """What counts as here: of contents that are in conflict about one thing, the last."""
    here = [linked for linked in item.linked if is_here(linked)]
    if all(linked.role is Role.CURRENT for linked in here):
        return here
    last: dict[tuple[str, ...], Linked] = {}
    for linked in sorted(here, key=lambda linked: linked.arrived):
        if linked.role is Role.CONFLICT:
            last[linked.slot] = linked
    return [linked for linked in here if linked.role is Role.CURRENT or last[linked.slot] is linked]


def _paths(deliverable: Deliverable, items: Set[str]) -> set[str]:
    """The paths of what is linked to some of the items."""
    return {linked.path for item in deliverable.items if item.name in items for linked in item.linked}


def _is_proven(linked: Linked, proof: Proof) -> bool:
    if linked.integrity in _BAD:
        return False
    return proof is Proof.NONE or proof in linked.proofs


def _item_verified(item: Item, status: ItemStatus, proof: Proof) -> bool:
    """Whether nothing is left to be shown of an item; an optional one of which nothing came has nothing to show."""
    here = [linked for linked in item.linked if linked.role in _FULFILS]
    if not here and not item.required:
        return True
    if item.has_spec and here and status.conforms is not True:
        return False
    if any(finding.outcome is Outcome.UNKNOWN for finding in item.findings):
        return False
    return all(is_here(linked) and _is_proven(linked, proof) for linked in here)


def _item(item: Item, proof: Proof, waived: bool) -> ItemStatus:
    here = _counted(item)
    tally = item.count.tally(linked.name for linked in here)
    verified = min(tally.arrived, sum(_is_proven(linked, proof) for linked in here))
    missing = tally.missing
    if item.count.per is None and tally.lacking:
        missing = (item.name if tally.required == 1 else f"{item.name} ({tally.lacking} more)",)
    return ItemStatus(
        name=item.name,
        required=0 if waived else tally.required,
        arrived=0 if waived else tally.arrived,
        verified=0 if waived else verified,
        conforms=_conforms(item),
        missing=() if waived else missing,
        problems=(*_linked_problems(item), *_surplus(item, tally), *(f for f in item.findings if _tells(f))),
        waived=waived,
    )


def _conforms(item: Item) -> bool | None:
    """Whether all that is current does what the spec asks; None where not all of it is known."""
    if not item.has_spec:
        return None
    looked_at = [linked.spec for linked in item.linked if linked.role in _FULFILS]
    findings = [finding for spec in looked_at for finding in spec or ()]
    if any(finding.failed for finding in findings):
        return False
    if not looked_at or None in looked_at or any(finding.outcome is Outcome.UNKNOWN for finding in findings):
        return None
    return True


def _tells(finding: Finding) -> bool:
    return finding.outcome in (Outcome.FAIL, Outcome.UNKNOWN)


def _linked_problems(item: Item) -> Iterator[Finding]:
    for linked in item.linked:
        if linked.role in _FULFILS:
            yield from _own_problems(linked)
        if linked.role in _ODD:
            expected, observed, notice = _ODD[linked.role]
            yield Finding("version", Outcome.FAIL, expected, observed, linked.path, notice)


#: What is observed of an older version after a newer one: worth knowing, and nothing that its sender has to mend.
OLDER: Final = "an older version that came after a newer one"

_ODD: Final = {
    Role.CONFLICT: ("one content for one version", "the same version with other bytes", False),
    Role.STALE: ("nothing older than what is here", OLDER, True),
    Role.SENT_AGAIN: ("other content than what was rejected", "the same file sent again", True),
}


#: What is observed of a file that was verified, and has been written to or has rotted since: not its sender's fault.
SPOILED: Final = "other bytes since it was verified"


def senders_affair(finding: Finding) -> bool:
    """Whether something that came is wrong, and its sender can mend it."""
    if finding.observed in (SPOILED, OLDER):
        return False
    return finding.failed or (finding.notice and finding.rule == "version")


def _own_problems(linked: Linked) -> Iterator[Finding]:
    if linked.integrity in _BAD:
        observed = "other bytes" if linked.integrity is Integrity.MISMATCH else "not readable"
        if linked.spoiled and linked.integrity is Integrity.MISMATCH:
            observed = SPOILED
        yield Finding("integrity", Outcome.FAIL, "the bytes that were sent", observed, linked.path)
    if linked.presence in (Presence.MISSING, Presence.OFFLINE):
        observed = "gone" if linked.presence is Presence.MISSING else "its volume is not there"
        yield Finding("presence", Outcome.FAIL, "present", observed, linked.path, notice=True)
    if linked.archived:
        yield Finding("presence", Outcome.FAIL, "present", "gone, which is known", linked.path, notice=True)
    if linked.incomplete is not None:
        yield Finding("complete", Outcome.FAIL, "every frame and file", linked.incomplete, linked.path, notice=True)
    yield from (finding for finding in linked.spec or () if _tells(finding))


def _surplus(item: Item, tally: Tally) -> Iterator[Finding]:
    if tally.surplus:
        names = sorted({name or "without a name" for name in tally.surplus}) if item.count.per else []
        observed = f"{len(tally.surplus)} more" + (f": {', '.join(names)}" if names else "")
        expected = "what its list names" if item.count.per == "source" else item.count.text
        yield Finding("count", Outcome.FAIL, expected, observed, notice=True)


# --- what people say -------------------------------------------------------------------------------------------------


def _current_ids(items: Iterable[Item]) -> frozenset[int]:
    return frozenset(linked.version_id for item in items for linked in item.linked if linked.role in _FULFILS)


def _holds(said: Decision, items: Iterable[Item]) -> bool:
    items = tuple(items)
    now_current = _current_ids(items)
    if said.word is Word.REJECT:
        return now_current <= said.versions
    if now_current != said.versions:
        return False
    return not any(
        linked.integrity in _BAD and linked.integrity_at is not None and linked.integrity_at > said.at
        for item in items
        for linked in item.linked
        if linked.role in _FULFILS
    )


def _word(deliverable: Deliverable, decisions: list[Decision]) -> tuple[Decision | None, Decision | None]:
    """The decision that holds, or the last one that held until the content changed."""
    last = next((said for said in reversed(decisions) if said.item is None and said.word is not Word.REDUE), None)
    if last is None or last.word is Word.REOPEN:
        return None, None
    return (last, None) if _holds(last, deliverable.items) else (None, last)


def _waived_items(deliverable: Deliverable, decisions: list[Decision]) -> frozenset[str]:
    last = {said.item: said for said in decisions if said.item is not None}
    return frozenset(
        item.name
        for item in deliverable.items
        if (said := last.get(item.name)) is not None and said.word is Word.WAIVE and _holds(said, [item])
    )


def _completed(deliverable: Deliverable, waived: frozenset[str], decisions: list[Decision]) -> datetime | None:
    """When the last thing that was needed had come; None where nothing was needed and nothing came."""
    rejected = frozenset(version for said in decisions if said.word is Word.REJECT for version in said.versions)
    moments: list[datetime] = []
    for item in deliverable.items:
        if item.name in waived or not item.required:
            continue
        came: dict[str | None, list[datetime]] = defaultdict(list)
        earlier = _first_good(item, rejected)
        for linked in _counted(item):
            name = linked.name if item.count.per is not None else None
            came[name].append(min(linked.arrived, earlier.get(linked.slot, linked.arrived)))
        for name, times in came.items():
            if item.count.per is None or name in item.count.names:
                moments += sorted(times)[: item.count.least]
    if not moments:
        moments = [linked.arrived for item in deliverable.items for linked in item.linked if is_here(linked)]
    return max(moments, default=None)


def _first_good(item: Item, rejected: frozenset[int]) -> dict[tuple[str, ...], datetime]:
    """When the first superseded version of each thing came that was neither broken nor rejected."""
    first: dict[tuple[str, ...], datetime] = {}
    for linked in item.linked:
        if (
            linked.role is Role.SUPERSEDED
            and linked.version_id not in rejected
            and linked.integrity not in _BAD
            and linked.incomplete is None
            and not any(finding.failed for finding in linked.spec or ())
        ):
            first[linked.slot] = min(linked.arrived, first.get(linked.slot, linked.arrived))
    return first
