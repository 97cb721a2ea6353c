"""A deliverable's status follows from its files, its date and what people said, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.delivery.counts import Count
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.status import (
    FULFILLED,
    Decision,
    Deliverable,
    Item,
    Linked,
    Proof,
    Role,
    State,
    Word,
    derive,
)
from assetwatch.model import Integrity, Presence

DUE = datetime(2026, 12, 1, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BAD = Finding("video.width", Outcome.FAIL, "1920", "1280")
GOOD = Finding("video.width", Outcome.PASS, "1920", "1920")
OPEN = Finding("video.width", Outcome.UNKNOWN, "1920", None)


def linked(number: int = 1, hours: float = -5, **changes: Any) -> Linked:
    return Linked(
        **{
            "version_id": number,
            "path": f"v:{number}",
            "presence": Presence.PRESENT,
            "integrity": Integrity.VERIFIED,
            "arrived": DUE + hours * HOUR,
            "proofs": frozenset({Proof.MANIFEST}),
        }
        | changes
    )


def deliverable(*things: Linked, **changes: Any) -> Deliverable:
    item = Item("AAF", linked=things, **changes.pop("item", {}))
    return Deliverable(**{"id": "D", "items": (item,), "due": DUE, "proof": Proof.MANIFEST} | changes)


def said(word: Word, hours: float = -1, versions: tuple[int, ...] = (1,), **more: Any) -> Decision:
    return Decision(word, DUE + hours * HOUR, "Ann", versions=frozenset(versions), **more)


def state(what: Deliverable, hours: float = 0) -> State:
    return derive(what, DUE + hours * HOUR).state


def test_nothing_here_is_expected_then_due_soon_then_late() -> None:
    """The date alone moves an empty deliverable; grace decides when it is late, the due date by how much."""
    what = deliverable(grace=2 * HOUR, lead=24 * HOUR)
    far, near, grace, past = (derive(what, DUE + hours * HOUR) for hours in (-48, -3, 1, 3))
    assert [s.state for s in (far, near, grace, past)] == [State.EXPECTED] * 4
    assert [(s.due_soon, s.late) for s in (far, near, grace, past)] == [
        (False, False),
        (True, False),
        (True, False),
        (False, True),
    ]
    assert past.late_by == 3 * HOUR
    assert past.missing == ("AAF",)


def test_half_is_partial_with_the_names_that_are_missing() -> None:
    """n of m, and which."""
    count = Count.parse("one per reel in R1..R3")
    result = derive(deliverable(linked(1, name="R1"), linked(2, name="R3"), item={"count": count}), DUE)
    assert (result.state, result.arrived, result.required, result.missing) == (State.PARTIAL, 2, 3, ("R2",))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"presence": Presence.ARRIVING}, State.EXPECTED),
        ({"presence": Presence.MISSING}, State.EXPECTED),
        ({"presence": Presence.OFFLINE}, State.VERIFIED),
        ({"incomplete": "frames 1003-1004"}, State.PARTIAL),
        ({"integrity": Integrity.MISMATCH}, State.FAILED),
        ({"integrity": Integrity.UNREADABLE}, State.FAILED),
        ({"integrity": Integrity.RECORDED, "proofs": frozenset()}, State.ARRIVED),
        ({"role": Role.SUPERSEDED}, State.EXPECTED),
        ({"role": Role.SENT_AGAIN}, State.EXPECTED),
        ({"role": Role.CONFLICT}, State.FAILED),
    ],
)
def test_one_file_decides(changes: dict[str, Any], expected: State) -> None:
    """What is known of the only file is what the deliverable is."""
    assert state(deliverable(linked(**changes))) is expected


@pytest.mark.parametrize(
    ("spec", "expected", "conforms"),
    [
        ((GOOD,), State.VERIFIED, True),
        ((GOOD, BAD), State.FAILED, False),
        ((GOOD, OPEN), State.ARRIVED, None),
        (None, State.ARRIVED, None),
    ],
)
def test_a_spec_must_be_answered(spec: tuple[Finding, ...] | None, expected: State, conforms: bool | None) -> None:
    """A failing rule fails it; one without an answer keeps it from being verified."""
    result = derive(deliverable(linked(spec=spec), item={"has_spec": True}), DUE)
    assert result.state is expected
    assert result.items[0].conforms is conforms


def test_disagreement_fails_and_agreement_that_was_not_looked_at_is_no_proof() -> None:
    """None means still to be compared; a disagreement is a failure."""
    assert state(deliverable(linked(), agreement=None)) is State.ARRIVED
    assert state(deliverable(linked(), agreement=(replace(BAD, rule="duration"),))) is State.FAILED
    assert state(deliverable(linked(), agreement=())) is State.VERIFIED


def test_acceptance_overrules_and_new_bytes_reopen_it() -> None:
    """Accepted as it is, fault and all; another version is another question."""
    accepted = said(Word.ACCEPT)
    assert state(deliverable(linked(spec=(BAD,)), decisions=(accepted,))) is State.ACCEPTED
    result = derive(deliverable(linked(2), decisions=(accepted,)), DUE)
    assert (result.state, result.reopened, result.holds) == (State.VERIFIED, accepted, None)
    broken = linked(integrity=Integrity.MISMATCH, integrity_at=DUE)
    assert state(deliverable(broken, decisions=(accepted,)), 1) is State.FAILED


def test_rejection_holds_until_other_content_comes() -> None:
    """The same file again, or a stem taken away, does not lift it; a new version does."""
    rejected = said(Word.REJECT, versions=(1, 2))
    both = {"item": {"count": Count(2, 2)}, "decisions": (rejected,)}
    assert state(deliverable(linked(1), linked(2), **both)) is State.REJECTED
    assert state(deliverable(linked(1), linked(7, role=Role.SENT_AGAIN), **both)) is State.REJECTED
    assert derive(deliverable(linked(1), linked(2), **both), DUE + HOUR).late
    assert state(deliverable(linked(1), linked(3), **both)) is State.VERIFIED


@pytest.mark.parametrize(("word", "expected"), [(Word.WAIVE, State.WAIVED), (Word.CANCEL, State.CANCELLED)])
def test_waived_and_cancelled_are_never_late(word: Word, expected: State) -> None:
    """Nothing is owed any more, however long ago it was due; something that arrives reopens it."""
    result = derive(deliverable(decisions=(said(word, versions=()),)), DUE + 99 * HOUR)
    assert (result.state, result.late, result.due_soon) == (expected, False, False)
    assert state(deliverable(linked(), decisions=(said(word, versions=()),))) is State.VERIFIED


def test_one_item_can_be_waived() -> None:
    """The others are still needed; where all are waived, so is the deliverable."""
    items = (Item("AAF", linked=(linked(),)), Item("Guide track"))
    waive = said(Word.WAIVE, versions=(), item="Guide track")
    what = Deliverable("D", items, DUE, proof=Proof.MANIFEST)
    assert state(what) is State.PARTIAL
    assert state(replace(what, decisions=(waive,))) is State.VERIFIED
    assert state(replace(what, items=items[1:], decisions=(waive,))) is State.WAIVED


def test_what_is_waived_need_not_agree() -> None:
    """A disagreement about a waived item's file is none any more, unless another item needs the file too."""
    wrong = Finding("sample_rate", Outcome.FAIL, "48000", "47952", "v:2")
    items = (Item("Ref", linked=(linked(),)), Item("Stems", linked=(linked(2),)))
    waive = said(Word.WAIVE, versions=(2,), item="Stems")
    what = Deliverable("D", items, DUE, agreement=(wrong,))
    assert state(what) is State.FAILED
    assert state(replace(what, decisions=(waive,))) is State.VERIFIED
    both = (Item("Ref", linked=(linked(), linked(2))), items[1])
    assert state(replace(what, items=both, decisions=(waive,))) is State.FAILED


def test_a_new_date_keeps_the_first() -> None:
    """After a redelivery's new date, lateness counts from it, and the original is still told."""
    what = deliverable(decisions=(said(Word.REDUE, due=DUE + 48 * HOUR),))
    result = derive(what, DUE + HOUR)
    assert (result.late, result.due, result.original_due) == (False, DUE + 48 * HOUR, DUE)
    assert derive(what, DUE + 49 * HOUR).late


def test_late_is_judged_by_the_first_good_version() -> None:
    """A newer version after the date does not make a punctual delivery late; a broken first one does."""
    after = linked(2, hours=5)
    punctual = linked(1, hours=-5, role=Role.SUPERSEDED)
    assert not derive(deliverable(punctual, after), DUE + 6 * HOUR).arrived_late
    broken = replace(punctual, spec=(BAD,))
    result = derive(deliverable(broken, after), DUE + 6 * HOUR)
    assert (result.arrived_late, result.late_by, result.late) == (True, 5 * HOUR, False)
    rejected = said(Word.REJECT, hours=-2)
    assert derive(deliverable(punctual, after, decisions=(rejected,)), DUE + 6 * HOUR).arrived_late


def test_a_decision_of_tomorrow_is_not_known_today() -> None:
    """Asked about an earlier moment, the status is what it was then."""
    what = deliverable(linked(), decisions=(said(Word.ACCEPT, hours=5),))
    assert state(what) is State.VERIFIED
    assert state(what, 6) is State.ACCEPTED


def test_a_conflict_does_not_stand_in_for_what_is_missing() -> None:
    """Two contents of one stem are one of two stems."""
    two = (linked(1, role=Role.CONFLICT, slot=("DX",)), linked(2, hours=-4, role=Role.CONFLICT, slot=("DX",)))
    result = derive(deliverable(*two, item={"count": Count(2, 2)}), DUE)
    assert (result.state, result.arrived, result.required) == (State.FAILED, 1, 2)


_things = st.builds(
    linked,
    st.integers(1, 4),
    st.integers(-9, 9),
    presence=st.sampled_from(Presence),
    integrity=st.sampled_from(Integrity),
    role=st.sampled_from(Role),
    proofs=st.sets(st.sampled_from(Proof)).map(frozenset),
    spec=st.sampled_from([None, (), (GOOD,), (BAD,), (OPEN,)]),
    incomplete=st.sampled_from([None, "frames 3-4"]),
)
_decisions = st.builds(
    lambda word, hours, versions: said(word, hours, tuple(versions), due=DUE + hours * HOUR),
    st.sampled_from(Word),
    st.integers(-9, 9),
    st.sets(st.integers(1, 4)),
)
_deliverables = st.builds(
    lambda items, decisions, proof, agreement: Deliverable(
        "D", tuple(items), DUE, HOUR, 2 * HOUR, None, proof, agreement, tuple(decisions)
    ),
    st.lists(
        st.builds(
            lambda things, count, required, has_spec: Item("I", Count(*count), required, has_spec, tuple(things)),
            st.lists(_things, max_size=3),
            st.sampled_from([(1, None), (2, 2), (0, None)]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=3,
    ),
    st.lists(_decisions, max_size=2),
    st.sampled_from(Proof),
    st.sampled_from([None, (), (BAD,), (OPEN,)]),
)


@given(_deliverables, st.integers(-12, 12))
def test_invariants(what: Deliverable, hours: int) -> None:
    """Whatever is known: red is never green, late is never fulfilled, and the counts fit the state."""
    now = DUE + hours * HOUR
    result = derive(what, now)
    current = [one for item in what.items for one in item.linked if one.role in (Role.CURRENT, Role.CONFLICT)]
    if result.state is State.VERIFIED:
        assert all(one.integrity not in (Integrity.MISMATCH, Integrity.UNREADABLE) for one in current)
        assert all(one.spec is None or BAD not in one.spec for one in current)
        assert result.arrived >= result.required
        assert what.agreement == ()
        if what.proof is not Proof.NONE:
            assert all(what.proof in one.proofs for one in current)
    if result.late:
        assert result.state not in FULFILLED
        assert result.state not in (State.WAIVED, State.CANCELLED)
    assert not (result.late and (result.arrived_late or result.due_soon))
    assert not result.arrived_late or result.state in FULFILLED
    assert 0 <= result.arrived <= result.required
    if result.state in (State.EXPECTED, State.PARTIAL):
        assert result.holds is None
        assert result.missing or result.required == 0 or result.arrived < result.required
    if result.state in (State.ACCEPTED, State.REJECTED, State.WAIVED, State.CANCELLED) and result.holds is None:
        assert result.state is State.WAIVED


@given(_deliverables, st.integers(-12, 12))
def test_a_file_nobody_knew_reopens_every_word(what: Deliverable, hours: int) -> None:
    """With a current version that no decision was said of, no decision holds."""
    fresh = replace(what, items=(*what.items, Item("new", linked=(linked(99),))))
    assert derive(fresh, DUE + hours * HOUR).holds is None
