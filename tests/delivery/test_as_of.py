"""Does what came later not count for a moment in the past?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assetwatch.delivery.as_of import as_of
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.status import Decision, Deliverable, Item, Linked, Role, Word, derive
from assetwatch.model import Integrity, Presence

DUE = datetime(2026, 12, 1, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def linked(number: int, hours: float, role: Role = Role.CURRENT) -> Linked:
    """A file that came so many hours after the due date."""
    came = DUE + hours * HOUR
    return Linked(number, f"V:{number}", Presence.PRESENT, Integrity.RECORDED, came, role, slot=("cut",))


def told(known: Deliverable, hours: float, *, together: bool = False) -> tuple[str, bool, bool]:
    at = DUE + hours * HOUR
    status = derive(as_of(known, at, together=together), at)
    return status.state.value, status.late, status.arrived_late


def test_what_had_not_come_yet() -> None:
    """Nothing is here before it came: the deliverable was expected, then late, then had arrived late."""
    known = Deliverable("A", (Item("Cut", linked=(linked(1, 3),)),), due=DUE)
    assert [told(known, hours) for hours in (-1, 1, 4)] == [
        ("expected", False, False),
        ("expected", True, False),
        ("verified", False, True),
    ]


def test_an_older_version_was_the_newest_once() -> None:
    """What is superseded now was current before the newer came, and what was said of it held."""
    versions = (linked(1, -9, Role.SUPERSEDED), linked(2, -6, Role.SUPERSEDED), linked(3, 5), linked(4, 6, Role.STALE))
    rejected = Decision(Word.REJECT, DUE - 4 * HOUR, "Jo", versions=frozenset({2}))
    known = Deliverable("A", (Item("Cut", linked=versions),), due=DUE, decisions=(rejected,))
    states = [told(known, hours)[0] for hours in (-10, -8, -5, -3, 1, 7)]
    assert states == ["expected", "verified", "verified", "rejected", "rejected", "verified"]
    assert [
        one.version_id for one in as_of(known, DUE, together=False).items[0].linked if one.role is Role.CURRENT
    ] == [2]


def test_what_went_bad_later_was_well() -> None:
    """A mismatch counts from when it was found."""
    bad = replace(linked(1, -5), integrity=Integrity.MISMATCH, integrity_at=DUE + HOUR)
    known = Deliverable("A", (Item("Cut", linked=(bad,)),), due=DUE)
    assert [told(known, hours)[0] for hours in (0, 2)] == ["verified", "failed"]


def test_whether_other_elements_agreed_is_not_known() -> None:
    """A disagreement of what is current now is not said of what was current before; nor is agreement."""
    found = (Finding("length", Outcome.FAIL, "96", "108", "V:3"),)
    known = Deliverable("A", (Item("Cut", linked=(linked(1, -9, Role.SUPERSEDED), linked(3, 5))),), agreement=found)
    assert [told(known, hours, together=True)[0] for hours in (0, 6)] == ["arrived", "failed"]
    assert told(replace(known, agreement=()), 0, together=True)[0] == "arrived"
