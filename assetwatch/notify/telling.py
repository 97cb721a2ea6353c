"""What has to be said now of what holds, once, and not at every flicker?

Pure, over the rows of the catalog: a program that begins anew says nothing twice. An alert is told when it has lasted
as long as its kind has to, and what else comes within moments goes into the same message. It is told again when it has
become worse, and as a reminder while it lasts. That it is over is told when it has stayed so. What comes and goes is
told once, and then when it holds for a while, or has ended for one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from assetwatch.catalog.volumes import AlertRow

_S: Final = 1_000_000

#: How long an alert of a kind has to last before it is told; others are told at once.
HOLDS_US: Final[Mapping[str, int]] = {
    "volume_offline": 60 * _S,
    "watch": 120 * _S,
    "unreadable_folders": 60 * _S,
    "deliverable_failed": 60 * _S,
    "deliverable_late": 60 * _S,
    "disk_full": 20 * _S,
}

#: How long it has to be over before that is told.
_OVER_US: Final = 60 * _S

#: How long what follows is waited for, after a while of silence and soon after a message.
_GATHER_US: Final = 15 * _S
_GATHER_AGAIN_US: Final = 60 * _S
_SILENCE_US: Final = 300 * _S

#: What began so often within this time comes and goes, and has to hold, or to be over, for longer to be believed.
HISTORY_US: Final = 3_600 * _S
_OFTEN: Final = 4
_BELIEVED_US: Final = 900 * _S

#: When it may be told again that something became worse, and when that it became ten times as bad.
_WORSE_US: Final = 3_600 * _S
_MUCH_WORSE_US: Final = 300 * _S
_MUCH: Final = 10


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be said now: what is new or worse, what still holds, what is over.

    `carried`: alerts that came back before their end was told, each with the one that it goes on from. `wait_us` is
    how long nothing more will be due by the passing of time; None where it never will.
    """

    news: tuple[AlertRow, ...] = ()
    still: tuple[AlertRow, ...] = ()
    over: tuple[AlertRow, ...] = ()
    carried: tuple[tuple[AlertRow, AlertRow], ...] = ()
    wait_us: int | None = None

    def __bool__(self) -> bool:
        return bool(self.news or self.still or self.over)


@dataclass(slots=True)
class _Ready:
    """Rows that are to be told, by the instant from which they were."""

    rows: list[tuple[int, AlertRow]] = field(default_factory=list)
    later_us: list[int] = field(default_factory=list)

    def add(self, row: AlertRow, at_us: int, now_us: int) -> None:
        """Tell it from `at_us` on."""
        if at_us <= now_us:
            self.rows.append((at_us, row))
        else:
            self.later_us.append(at_us - now_us)


def due(rows: Sequence[AlertRow], now_us: int, remind_us: int | None) -> Due:
    """What is to be said at `now_us`, of alerts as `catalog.alarms.recent` gives them for `HISTORY_US`."""
    by_key: dict[str, list[AlertRow]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    news, over = _Ready(), _Ready()
    said: list[AlertRow] = []
    carried: list[tuple[AlertRow, AlertRow]] = []
    for some in by_key.values():
        often = sum(row.opened_us >= now_us - HISTORY_US for row in some) >= _OFTEN
        open_ = next((row for row in some if row.closed_us is None), None)
        untold = [row for row in some if row.closed_us is not None and row.said_us and row.ok_said_us is None]
        if open_ is None:
            for row in untold:
                assert row.closed_us is not None
                over.add(row, row.closed_us + (_BELIEVED_US if often else _OVER_US), now_us)
        elif open_.said_us is not None:
            said.append(open_)
            worse_us = _worse_from_us(open_)
            if worse_us is not None:
                news.add(open_, worse_us, now_us)
        elif untold:
            carried.append((untold[-1], open_))
        else:
            news.add(open_, _told_from_us(open_, some, often, now_us), now_us)
    reminders = [] if remind_us is None else [row.said_us + remind_us for row in said if row.said_us is not None]
    reminding = any(at_us <= now_us for at_us in reminders)
    last_us = max((row.said_us for row in rows if row.said_us is not None), default=0)
    gather_us = _GATHER_AGAIN_US if now_us - last_us < _SILENCE_US else _GATHER_US
    ready = sorted(at_us for at_us, _ in (*news.rows, *over.rows))
    if not reminding and (not ready or now_us - max(ready[0], 0) < gather_us):
        waits = [*news.later_us, *over.later_us, *(at_us - now_us for at_us in reminders)]
        if ready:
            waits.append(ready[0] + gather_us - now_us)
        return Due(carried=tuple(carried), wait_us=min(waits, default=None))
    told = [row for _, row in news.rows]
    return Due(
        news=tuple(told),
        still=tuple(row for row in said if row not in told) if reminding else (),
        over=tuple(row for _, row in over.rows),
        carried=tuple(carried),
        wait_us=0,
    )


def _told_from_us(row: AlertRow, same: Sequence[AlertRow], often: bool, now_us: int) -> int:
    """From when on an alert is to be told, that was not yet."""
    hold_us = HOLDS_US.get(row.kind, 0)
    # Files that differ do not come and go: after a person knew of some these are others, and cannot wait.
    if row.kind != "mismatch" and any(one.said_us is not None and one.said_us > now_us - HISTORY_US for one in same):
        return row.opened_us + max(hold_us, _BELIEVED_US)
    return row.opened_us if often else row.opened_us + hold_us


def _worse_from_us(row: AlertRow) -> int | None:
    """From when on it is to be said that something became worse; None where it did not."""
    if row.said_us is None or row.level is None or row.said_level is None or row.level <= row.said_level:
        return None
    much = row.level >= _MUCH * max(row.said_level, 1)
    return row.said_us + (_MUCH_WORSE_US if much else _WORSE_US)
