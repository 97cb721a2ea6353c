"""Is the calendar what RFC 5545 asks for?"""

from __future__ import annotations

from assetwatch.delivery.calendar import escaped, folded


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
