"""How does a page say a date, a span and a number to a person?

Dates are in the show's time zone, with the day of the week, since that is how people in a production think of them.
"""

from __future__ import annotations

from datetime import date, datetime, tzinfo


def day(when: datetime | date, zone: tzinfo, now: datetime | None = None) -> str:
    """`Mon 23 Nov`, with the year where it is not that of `now`."""
    there = when.astimezone(zone) if isinstance(when, datetime) else when
    year = now is not None and now.astimezone(zone).year != there.year
    return f"{there:%a} {there.day} {there:%b}" + (f" {there.year}" if year else "")


def moment(when: datetime, zone: tzinfo, now: datetime | None = None) -> str:
    """`Mon 23 Nov 18:00`."""
    return f"{day(when, zone, now)} {when.astimezone(zone):%H:%M}"


def long_day(when: datetime, zone: tzinfo) -> str:
    """`Monday 23 November 2026`."""
    there = when.astimezone(zone)
    return f"{there:%A} {there.day} {there:%B %Y}"


def count(number: int) -> str:
    """`52,611`."""
    return f"{number:,}"


def many(number: int, one: str, several: str | None = None) -> str:
    """`1 file`, `52,611 files`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def span(seconds: float) -> str:
    """A length of time in one unit, as people say it: `40 minutes`, `5 hours`, `3 days` that are over."""
    seconds = abs(seconds)
    if seconds < 90 * 60:
        return many(max(1, round(seconds / 60)), "minute")
    if seconds < 36 * 3600:
        return many(round(seconds / 3600), "hour")
    return many(int(seconds // 86400), "day")


def share(part: int, whole: int) -> str:
    """`16 %`; what is not nothing is never 0 %, and what is not all never 100 %."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    if percent < 1:
        return "< 1 %"
    if percent > 99 and part < whole:
        return "> 99 %"
    return f"{percent:.0f} %"
