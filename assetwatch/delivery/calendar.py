"""How does a calendar show what is due? iCalendar (RFC 5545), to subscribe to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from assetwatch import __version__
from assetwatch.delivery.kept import Entry
from assetwatch.delivery.status import State

#: States in which nobody waits any more, as a summary begins then.
_CLOSED: Final = {
    **dict.fromkeys((State.ARRIVED, State.VERIFIED, State.ACCEPTED), "done: "),
    State.WAIVED: "waived: ",
    State.CANCELLED: "cancelled: ",
}

#: Octets of a line, without its end (RFC 5545, 3.1).
_LINE_MAX: Final = 75


def write_calendar(entries: Iterable[Entry], now: datetime, name: str) -> str:
    """The calendar of what is scheduled: an event at each due date; what has come is marked as done in its summary."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//assetwatch//{__version__}//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(f'{name}: deliverables')}",
    ]
    for one in entries:
        if one.status.due is not None:
            lines += _event(one, one.status.due, now, name)
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + "\r\n" for line in lines)


def _event(one: Entry, due: datetime, now: datetime, name: str) -> list[str]:
    status = one.status
    mark = "LATE: " if status.late else _CLOSED.get(status.state, "")
    uid = hashlib.sha256(f"{name}\0{one.row.key}".encode()).hexdigest()[:32]
    told = [f"{one.row.key}, {status.state.value}, {status.arrived} of {status.required} here"]
    told += [f"{word} {who}" for word, who in (("From", one.row.sender), ("To", one.row.receiver)) if who]
    told += [f"Missing: {missing}" for missing in status.missing[:20]]
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@assetwatch",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(due)}",
        f"SUMMARY:{escaped(mark + one.row.name)}",
        f"DESCRIPTION:{escaped(chr(10).join(told))}",
        f"STATUS:{'CANCELLED' if status.state is State.CANCELLED else 'CONFIRMED'}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _utc(when: datetime) -> str:
    """A date-time in UTC (RFC 5545, 3.3.5, form 2)."""
    return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """A text value (RFC 5545, 3.3.11); control characters, which it may not hold, are left out."""
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(sign for sign in text if sign == "\t" or (sign >= " " and sign != "\x7f"))


def folded(line: str) -> str:
    """A content line in pieces of at most 75 octets, no character cut in two (RFC 5545, 3.1)."""
    pieces: list[str] = []
    piece, length = "", 0
    for sign in line:
        octets = len(sign.encode("utf-8", errors="replace"))
        if length + octets > _LINE_MAX:
            pieces.append(piece)
            piece, length = " ", 1
        piece += sign
        length += octets
    return "\r\n".join([*pieces, piece])
