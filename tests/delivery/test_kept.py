"""Does what is kept of a deliverable in brief say the same as what is kept in full?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from assetwatch.catalog.deliverables import ItemRow
from assetwatch.delivery import status
from assetwatch.delivery.counts import Count
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.kept import Found, encode, in_brief, no_later
from assetwatch.model import Integrity, Presence

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def linked(number: int) -> status.Linked:
    """The plain `number`th file, each an hour after the one before."""
    came = NOON + timedelta(hours=number)
    return status.Linked(number, f"V:f{number}", Presence.PRESENT, Integrity.RECORDED, came)


def derived(found: Found, count: Count) -> status.Status:
    item = status.Item("Files", count, linked=found.linked, findings=found.findings)
    return status.derive(status.Deliverable("D", (item,), due=NOON + timedelta(hours=2)), NOON + timedelta(days=1))


@pytest.mark.parametrize("text", ["", ">=2", ">=5"])
def test_the_first_that_are_needed_stand_for_all(text: str) -> None:
    """Of files that are alike only as many are kept as are needed, and the status is the same."""
    count = Count.parse(text)
    found = Found(tuple(linked(number) for number in (7, 3, 1, 5, 2, 4, 6)))
    brief = in_brief(found, count)
    assert brief is not None
    assert len(brief.linked) == count.least
    assert derived(brief, count) == derived(found, count)


@pytest.mark.parametrize(
    "odd",
    [
        {"integrity": Integrity.MISMATCH},
        {"presence": Presence.MISSING},
        {"role": status.Role.CONFLICT},
        {"incomplete": "frames 3"},
        {"proofs": frozenset({status.Proof.MANIFEST})},
        {"spec": (Finding("video.width", Outcome.FAIL),)},
    ],
)
def test_where_one_is_not_like_the_others_all_are_kept(odd: dict[str, object]) -> None:
    """One file that is wrong, or proved while others are not, must not get lost."""
    found = Found((linked(1), linked(2), replace(linked(3), **odd)))  # type: ignore[arg-type]
    assert in_brief(found, Count.parse("")) is None


def test_where_there_can_be_too_many_all_are_kept() -> None:
    """How many are too many is told, so none is left out."""
    assert in_brief(Found((linked(1), linked(2), linked(3))), Count.parse("1")) is None


def test_a_change_of_rights_is_no_arrival() -> None:
    """Content that was told to have come stays so, also where its file has a later ctime now."""
    before = ItemRow(1, 1, 0, "Files", "{}", None, encode(Found((linked(1),))).decode())
    later = (replace(linked(1), arrived=NOON + timedelta(days=1)), linked(30))
    assert no_later(Found(later), before) == Found((linked(1), linked(30)))
    assert no_later(Found(later), ItemRow(1, 1, 0, "Files", "{}", None, "{}")) == Found(later)
