"""How full are the volumes, how fast do they fill up, and when will there be no room left?"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from statistics import linear_regression
from typing import TYPE_CHECKING, Final

from assetwatch.catalog.reporting import Fill
from assetwatch.paths import to_os
from assetwatch.units import instant

if TYPE_CHECKING:
    from assetwatch.report.engineers import Point

#: How long back the history goes, and the part of it from which the growth is taken.
HISTORY: Final = timedelta(days=120)
_GROWTH: Final = timedelta(days=30)

#: Days of history without which nothing is said of growth, and days ahead beyond which no date is told.
_LEAST_DAYS: Final = 1.0
_MOST_DAYS: Final = 3_650.0

_DAY_S: Final = 86_400.0


def points(fills: Sequence[Fill], zone: tzinfo) -> tuple[Point, ...]:
    """The history of one volume: the last note of each day of the show's zone, oldest first."""
    from assetwatch.report.engineers import Point  # slow to import, and the daemon only notes

    last: dict[date, Point] = {}
    for fill in fills:
        at = instant(fill.at_us)
        last[at.astimezone(zone).date()] = Point(at, fill.total, fill.free, fill.size)
    return tuple(last[day] for day in sorted(last))


def growth(fills: Sequence[Fill], now: datetime) -> float | None:
    """Bytes of use a day: the line that fits the last month best. None where that is less than a day.

    A file system that became larger or smaller begins anew: what was used on another disk says nothing.
    """
    recent: list[tuple[float, int]] = []
    total = fills[-1].total if fills else 0
    for fill in reversed(fills):
        at = instant(fill.at_us)
        if now - at > _GROWTH or fill.total != total:
            break
        recent.append((at.timestamp() / _DAY_S, fill.total - fill.free))
    if not recent or recent[0][0] - recent[-1][0] < _LEAST_DAYS:
        return None
    days, used = zip(*recent, strict=True)
    return float(linear_regression(days, used).slope)


def days_left(free: int, growth_a_day: float | None) -> float | None:
    """Days until a volume is full; None where it does not fill up, or not within ten years."""
    if growth_a_day is None or growth_a_day <= 0:
        return None
    days = free / growth_a_day
    return days if days <= _MOST_DAYS else None


def room_at(root: str, patience_s: float = 5.0) -> tuple[int, int] | None:
    """(bytes in all, bytes free) of the file system at a volume's root, as `df` counts them; None where it is silent.

    What is kept for the superuser counts as neither. `root` is catalog text. A server that does not answer is waited
    for in a thread of its own, which is left behind.
    """
    found: list[os.statvfs_result] = []

    def ask() -> None:
        try:
            found.append(os.statvfs(to_os(root)))
        except OSError:
            pass  # nothing is said of it

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience_s)
    if not found:
        return None
    free = found[0].f_bavail * found[0].f_frsize
    return (found[0].f_blocks - found[0].f_bfree) * found[0].f_frsize + free, free
