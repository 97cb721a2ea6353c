"""Is the calendar what RFC 5545 asks for?"""

from __future__ import annotations

from datetime import UTC, datetime

from assetwatch.catalog.deliverables import DeliverableRow
from assetwatch.delivery import status
from assetwatch.delivery.calendar import escaped, folded, write_calendar
from assetwatch.delivery.kept import Entry

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def test_texts_are_escaped() -> None:
    """Backslash, comma, semicolon and line ends are escaped; other control characters are left out (3.3.11)."""
    assert escaped("a,b;c\\d\r\ne\x07") == "a\\,b\\;c\\\\d\\ne"


def test_long_lines_are_folded_between_characters() -> None:
    """No line has more than 75 octets, no character is cut in two, and unfolding gives the line again (3.1)."""
    line = "SUMMARY:" + "Rolle für Ton \U0001f3ac " * 12
    pieces = folded(line).split("\r\n")
    assert len(pieces) > 1
    assert all(len(piece.encode()) <= 75 for piece in pieces)
    assert "".join([pieces[0], *(piece[1:] for piece in pieces[1:])]) == line
    assert all(piece[0] == " " for piece in pieces[1:])


def test_what_an_event_says() -> None:
    """What a person took off the list is not called done, and nobody is named where the schedule names nobody."""
    row = DeliverableRow(1, "A", 0, "Reel 1", "", "Editorial", "", 0, None, "{}", 0, None, 0, None)
    cancelled = status.Decision(status.Word.CANCEL, NOW, "Jo")
    for decisions, begins in (((), "LATE: Reel 1"), ((cancelled,), "cancelled: Reel 1")):
        known = status.Deliverable(
            "A", (status.Item("X"),), due=datetime(2026, 11, 30, tzinfo=UTC), decisions=decisions
        )
        entry = Entry(row, (), known, status.derive(known, NOW))
        text = write_calendar([entry], NOW, "SHOW")
        assert f"SUMMARY:{begins}\r\n" in text
        assert "From Editorial" in text
        assert "nobody" not in text
