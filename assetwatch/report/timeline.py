"""When is each deliverable due, seen from today: late, soon, or here?

One picture in two shapes: name and bar beside each other on a wide page, above each other on a phone. What a mark says
is said by its shape and by words, not by its colour alone: a diamond is a due date, a hatched bar how late, a disc is
what came, a cross is what came and is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Final

from assetwatch.report.coordinators import Owed
from assetwatch.report.draw import cross, cut, diamond, disc, hatched, line, svg, width_of, words
from assetwatch.report.wording import day, many, span

ROWS_MAX: Final = 24

_BACK: Final = timedelta(days=16)
_AHEAD: Final = timedelta(days=24)
_SMALL: Final = 11.5

_Across = Callable[[datetime], float]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where things stand: the axis goes from `left` to `right`, a row is `row` high, its axis `axis` below its top."""

    width: float
    left: float
    right: float
    row: float
    axis: float


_WIDE: Final = _Shape(width=980, left=284, right=712, row=28, axis=14)
_NARROW: Final = _Shape(width=360, left=8, right=352, row=50, axis=34)
_TOP: Final = 40.0


def chosen(every: Sequence[Owed], now: datetime, most: int = ROWS_MAX) -> list[Owed]:
    """The deliverables that the timeline shows, by due date: all that are near, or the worst of them."""
    near = [one for one in every if one.due is not None and one.status not in ("waived", "cancelled")]
    near = [one for one in near if not one.closed or abs(_moved(one) - now) <= _BACK / 2]

    def weight(one: Owed) -> tuple[int, timedelta]:
        open_ = 0 if one.late or one.failing else 1 if not one.closed else 2
        return open_, abs(_moved(one) - now)

    kept = sorted(near, key=weight)[:most]
    return sorted(kept, key=lambda one: (one.due or now, one.key))


def _moved(one: Owed) -> datetime:
    """The instant that places a deliverable: when it came, or when it is due."""
    at = one.arrived_at if one.fulfilled and one.arrived_at is not None else one.due
    assert at is not None
    return at


def standing(one: Owed, now: datetime, zone: tzinfo, *, counted: bool = True) -> str:
    """Where a deliverable stands, in a few words: `late by 3 days, 3 of 4 here`; `counted` adds how much is here."""
    here = f"{one.arrived} of {one.required} here" if one.required and counted else ""
    if one.fulfilled:
        late = f", {span(one.late_by)} late" if one.arrived_late and one.late_by else ""
        return f"{one.status}{late}"
    if one.closed:
        return one.status
    first = ""
    if one.failing:
        first = one.status
    if one.late:
        late = f"late by {span(one.late_by)}" if one.late_by else "late"
        first = f"{first}, {late}" if first else late
    elif not first and one.due is not None:
        first = _ahead(one.due, now, zone)
    return ", ".join(part for part in (first or one.status, here) if part)


def _ahead(due: datetime, now: datetime, zone: tzinfo) -> str:
    """How soon a date is, in days as a calendar has them."""
    if due <= now:
        return "due, within its grace"
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    return "due today" if days == 0 else "due tomorrow" if days == 1 else f"due in {many(days, 'day')}"


def timeline(rows: Sequence[Owed], now: datetime, zone: tzinfo, *, narrow: bool, name: str) -> str:
    """The deliverables in `rows` (each with a due date) against today; empty where there are none."""
    rows = [one for one in rows if one.due is not None]
    if not rows:
        return ""
    shape = _NARROW if narrow else _WIDE
    start, end = _range(rows, now)
    seconds = (end - start).total_seconds()

    def across(at: datetime) -> float:
        inside = min(1.0, max(0.0, (at - start).total_seconds() / seconds))
        return shape.left + (shape.right - shape.left) * inside

    floor = _TOP + shape.row * len(rows)
    today = across(now)
    upright = [(monday, across(monday)) for monday in _mondays(start, end, zone)]
    shapes = [
        words(x, _TOP - 14, f"{monday.day} {monday:%b}", "soft", anchor="middle", size=_SMALL)
        for monday, x in upright
        if x < today - 85 or x > today + (150 if narrow else 85)
    ]
    # On a phone the names stand above their bars: a line from top to bottom would strike them through.
    for top in [_TOP + n * shape.row + shape.axis - 12 for n in range(len(rows))] if narrow else [_TOP - 6]:
        low = top + 24 if narrow else floor
        shapes += [line(x, top, x, low, "rule") for _, x in upright]
        shapes.append(line(today, top, today, low, "ink", 1.5))
    for n, one in enumerate(rows):
        shapes += _row(one, now, zone, shape, _TOP + n * shape.row, across, start, end)
    shapes.append(words(today, _TOP - 14, f"today, {day(now, zone)}", anchor=_anchor(today, shape), bold=True))
    shapes += _legend(shape, floor + 24)
    late, failing = sum(one.late for one in rows), sum(one.failing for one in rows)
    summary = (
        f"{many(len(rows), 'deliverable')} by due date: {late} late, {failing} failed or rejected, "
        f"{sum(one.due_soon for one in rows)} due soon, {sum(one.fulfilled for one in rows)} complete."
    )
    height = floor + (54 if narrow else 34)
    return svg(name, "Deliverables against their due dates", summary, shape.width, height, shapes)


def _range(rows: Sequence[Owed], now: datetime) -> tuple[datetime, datetime]:
    """The time that is drawn: all dates, but not further from today than can be told apart."""
    dates = [one.due for one in rows if one.due] + [one.arrived_at for one in rows if one.fulfilled and one.arrived_at]
    first = max(min(dates), now - _BACK) - timedelta(days=1)
    last = min(max(dates), now + _AHEAD) + timedelta(days=1)
    return min(first, now - timedelta(days=3)), max(last, now + timedelta(days=4))


def _anchor(x: float, shape: _Shape) -> str:
    if x < shape.left + 60:
        return "start"
    return "end" if x > shape.right - 60 else "middle"


def _mondays(start: datetime, end: datetime, zone: tzinfo) -> list[datetime]:
    """The beginning of each week of the show's zone in between."""
    first = start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = first + timedelta(days=(7 - first.weekday()) % 7)
    return [monday + timedelta(days=n) for n in range(0, max(0, (end - monday).days + 1), 7)]


def _row(
    one: Owed,
    now: datetime,
    zone: tzinfo,
    shape: _Shape,
    top: float,
    across: _Across,
    start: datetime,
    end: datetime,
) -> list[str]:
    assert one.due is not None
    y, due = top + shape.axis, across(one.due)
    label = one.name or one.key
    said = standing(one, now, zone, counted=shape is _WIDE).removesuffix(" here")
    colour = "wrong" if one.late or one.failing else "attention" if one.due_soon else "ok" if one.fulfilled else "soft"
    if shape is _WIDE:
        shapes = [
            words(0, y + 4.5, cut(label, shape.left - 20)),
            words(shape.right + 16, y + 4.5, cut(said, shape.width - shape.right - 16), colour),
        ]
    else:
        room = shape.width - width_of(said, 12) - 10
        shapes = [
            words(0, top + 16, cut(label, max(room, 110))),
            words(shape.width, top + 16, cut(said, min(240, shape.width - 118)), colour, anchor="end", size=12),
        ]
    shapes.append(line(shape.left, y, shape.right, y, "rule"))
    if one.fulfilled:
        came = across(one.arrived_at or one.due)
        if one.arrived_late and came > due:
            shapes.append(hatched(due, y - 4, max(came - due, 3), 8, "late"))
        else:
            shapes.append(line(came, y, due, y, "done", 2))
        shapes += [diamond(due, y, "page"), disc(came, y, "done")]
    elif one.late:
        shapes += [hatched(due, y - 6, max(across(now) - due, 3), 12, "late"), diamond(due, y, "late")]
    else:
        shapes.append(line(across(now), y, due, y, "soft", 1.5, dash="2 3"))
        shapes.append(diamond(due, y, "soon" if one.due_soon else "page"))
    if one.failing:
        shapes.append(cross((across(now) if one.late else due) + 13, y, "wrong", half=6))
    if one.due < start or one.due > end:
        beyond = "◂" if one.due < start else "▸"
        shapes.append(words(due + (-2 if one.due < start else 2), y + 18, beyond, "soft", anchor="middle", size=_SMALL))
    return shapes


def _legend(shape: _Shape, y: float) -> list[str]:
    """What the marks mean."""
    entries = (
        (diamond(0, 0, "page"), "due"),
        (diamond(0, 0, "soon"), "due soon"),
        (hatched(-9, -6, 18, 12, "late"), "late, up to today"),
        (cross(0, 0, "wrong", half=6), "failed or rejected"),
        (disc(0, 0, "done"), "complete"),
    )
    shapes: list[str] = []
    x = 10.0 if shape is _NARROW else shape.left
    for mark, said in entries:
        wide = 18 + len(said) * 6.3 + 18
        if x + wide > shape.width and shape is _NARROW:
            x, y = 10.0, y + 20
        at = f'<g transform="translate({x:.1f} {y - 4:.1f})">{mark}</g>'
        shapes += [at, words(x + 14, y, said, "soft", size=_SMALL + 0.5)]
        x += wide
    return shapes
