"""Which conditions hold that cannot wait for the morning?

Looked at every few seconds, from totals and small tables; what costs more only when something changed. Each condition
is an alert in the catalog from when it begins to when it ends, whether anybody is told of it or not.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from assetwatch.catalog import alarms as facts
from assetwatch.catalog import deliverables, health, messages, reporting, volumes
from assetwatch.catalog.alarms import Mismatch
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import VolumeRow
from assetwatch.clock import Clock
from assetwatch.config import Config, bounded_duration
from assetwatch.notify.rooms import Rooms
from assetwatch.notify.routes import places
from assetwatch.paths import from_os, join, shown
from assetwatch.units import duration, microseconds, size

_log = logging.getLogger(__name__)

#: The kinds of alerts that are opened and closed here.
KINDS: Final = frozenset(
    ["mismatch", "disk_full", "deliverable_failed", "deliverable_late", "sending_failed", "sweep_overdue"]
)

#: Files that differ are told apart up to this many.
_MISMATCHES_MAX: Final = 5_000
_NAMED: Final = 3

#: At once so many are told in the log one by one.
_LOGGED: Final = 20

#: Seconds after which what changes seldom is looked at again all the same.
_AGAIN_S: Final = 60.0

#: A board that took long is drawn up again only after this many times as long.
_REST_FACTOR: Final = 50.0

#: A volume that was nearly full is not so any more when it has this much more room than the bound.
_ROOM_AGAIN: Final = 1.1

#: From how long the pace is taken at which a volume fills up; a seventh of it has to be known (microseconds).
_PACE_US: Final = 7 * 86_400 * 1_000_000

#: How long a message may fail before that is an alert of its own (microseconds).
_UNSENT_US: Final = 1_800 * 1_000_000


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds: what tells it from others, in which words, and how much of it there is."""

    key: str
    kind: str
    volume_id: int | None
    text: str
    level: int | None = None


class Alarms:
    """Looks whether conditions hold, and opens, renews and closes their alerts. Used from one thread."""

    def __init__(
        self,
        database: Database,
        config: Config,
        clock: Clock,
        rooms: Rooms | None = None,
        keeper_id: int | None = None,
    ) -> None:
        self._database = database
        self._config = config
        self._keeper_id = keeper_id
        self._clock = clock
        self._rooms = rooms or Rooms(clock)
        self._mismatch_mark: Any = None
        self._board_mark: Any = None
        self._board_after = float("-inf")
        self._slow_after = float("-inf")
        self._mismatch_after = float("-inf")
        self._next_late: datetime | None = None
        self._filling: list[Condition] = []

    def look(self, *, changed: bool = False) -> None:
        """Look at everything that may have changed; `changed`: deliverables were compared with the catalog anew."""
        now = self._clock.monotonic()
        found: dict[str, list[Condition]] = {}
        with self._database.read() as connection:
            duty = facts.duty(connection, self._keeper_id, self._now_us())
            rows = [row for row in volumes.all_volumes(connection) if row.id in duty.volume_ids]
            names = {row.id: row.name for row in rows}
            standing = [
                one
                for one in volumes.open_alerts(connection)
                if one.kind in KINDS
                and (is_mine(one, duty, self._config) or (duty.leads and one.volume_id in duty.left))
            ]
            mark = (duty, facts.mismatch_tally(connection))
            if mark != self._mismatch_mark or now >= self._mismatch_after:
                differing = facts.mismatches(connection, _MISMATCHES_MAX) if mark[1] else []
                found["mismatch"] = _mismatches((one for one in differing if one.volume_id in names), names)
                self._mismatch_mark, self._mismatch_after = mark, now + _AGAIN_S
            if duty.leads:
                self._deliverables(connection, found, changed)
            if now >= self._slow_after:
                self._slow_after = now + _AGAIN_S / 4
                found["sending_failed"] = self._sending(connection)
                self._filling = self._fills(connection, rows)
                if duty.leads:
                    found["sweep_overdue"] = self._sweep(connection)
        full = {
            one.key: one
            for one in standing
            if one.kind == "disk_full" and one.key.startswith("disk:") and one.volume_id not in duty.left
        }
        found["disk_full"] = [*self._full(rows, full), *self._filling]
        self._settle(found, standing)

    # -- the alerts

    def _settle(self, found: dict[str, list[Condition]], standing: Sequence[volumes.AlertRow]) -> None:
        """Bring the alerts of the kinds that were looked at in step with what was found."""
        before = {one.key: one for one in standing}
        here = {one.key: one for some in found.values() for one in some}
        news = [
            one
            for one in here.values()
            if one.key not in before or (before[one.key].text, before[one.key].level) != (one.text, one.level)
        ]
        gone = [one for one in standing if one.kind in found and one.key not in here]
        if not news and not gone:
            return
        now_us = self._now_us()
        with self._database.write() as connection:
            known = known_mismatches(connection) if any(one.kind == "mismatch" for one in gone) else frozenset()
            opened = [
                one
                for one in news
                if volumes.open_alert(connection, one.key, one.kind, one.volume_id, now_us, one.text, one.level)
            ]
            for ended in gone:
                volumes.close_alert(connection, ended.key, now_us)
        for one in opened[:_LOGGED]:
            _log.warning("%s", one.text)
        for ended in gone[:_LOGGED]:
            _log.info("%s: %s", "known from now on" if ended.key in known else "over", ended.text)
        more = max(0, len(opened) - _LOGGED), max(0, len(gone) - _LOGGED)
        if any(more):
            _log.warning("%d more alerts, %d more have ended: `assetwatch status --json` has them", *more)

    # -- what is looked at

    def _deliverables(self, connection: Connection, found: dict[str, list[Condition]], changed: bool) -> None:
        """Deliverables that failed or are late; the board is drawn up only when it may differ."""
        now, instant = self._clock.monotonic(), self._clock.now()
        if not deliverables.any_scheduled(connection):
            found["deliverable_failed"] = found["deliverable_late"] = []
            return
        mark = facts.deliverables_mark(connection)
        passed = self._next_late is not None and instant > self._next_late
        again = now >= self._board_after + _AGAIN_S
        if now < self._board_after or not (changed or passed or again or mark != self._board_mark):
            self._board_mark = None if changed else self._board_mark  # what was put off is not forgotten
            return
        from assetwatch.delivery.kept import board  # slow to import, and many shows have no schedule here
        from assetwatch.delivery.wording import sentences

        entries = board(connection, instant, brief=True)
        failed: list[Condition] = []
        late: list[Condition] = []
        coming: list[datetime] = []
        for entry in entries:
            status, row = entry.status, entry.row
            name = f"{shown(row.key)} from {shown(row.sender)}"
            if status.state.value == "failed":
                problems = [one for item in status.items for one in item.problems if one.failed and not item.waived]
                problems += [one for one in status.problems if one.failed]
                said = sentences(problems)
                told = "; ".join(shown(one) for one in said[:_NAMED])
                more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
                text = f"{name} is failed: {told}{more}"
                failed.append(Condition(f"failed:{row.id}", "deliverable_failed", None, text, len(problems)))
            if status.late and status.late_by is not None:
                here = f"{status.arrived} of {status.required} are here"
                late.append(Condition(f"late:{row.id}", "deliverable_late", None, f"{name} is late: {here}"))
            elif status.due is not None:
                coming.append(status.due + timedelta(seconds=_grace_s(entry)))
        found["deliverable_failed"], found["deliverable_late"] = failed, late
        self._next_late = min((one for one in coming if one >= instant), default=None)
        self._board_mark = mark
        self._board_after = now + _REST_FACTOR * (self._clock.monotonic() - now)

    def _sending(self, connection: Connection) -> list[Condition]:
        """Places that were not reached for long."""
        now_us = self._now_us()
        known = {(route.name, place) for route in self._config.notify.routes for place in places(route)}
        by_place: dict[tuple[str, str], list[messages.Failed]] = defaultdict(list)
        for one in messages.failed(connection):
            if (one.route, one.place) in known and (one.given_up_us is not None or now_us - one.made_us > _UNSENT_US):
                by_place[(one.route, one.place)].append(one)
        return [
            Condition(
                key_of_place(route, place),
                "sending_failed",
                None,
                f"word does not reach {route} ({place}): {some[-1].fault}",
            )
            for (route, place), some in by_place.items()
        ]

    def _sweep(self, connection: Connection) -> list[Condition]:
        """Whether the nightly sweep stays away, where there was one before."""
        limit_s = bounded_duration(self._config.health.sweep)
        last_us = health.last_finished_us(connection, "verify")
        if limit_s is None or last_us is None:
            return []
        age_s = (self._now_us() - last_us) / 1_000_000
        if age_s <= limit_s:
            return []
        text = f"no sweep has ended for more than {duration(limit_s)}: files are not checked any more"
        return [Condition("sweep", "sweep_overdue", None, text)]

    def _full(self, rows: Sequence[VolumeRow], full: dict[str, volumes.AlertRow]) -> list[Condition]:
        """Volumes, and the catalog's own disk, that are nearly full. What cannot be seen now stays as it was."""
        bound = self._config.health.free
        roots = {f"disk:{row.id}": row.root for row in rows if row.online}
        path = self._database.path
        if path is not None:
            roots["disk:catalog"] = from_os(str(path.parent))
        by_key = {f"disk:{row.id}": row for row in rows}
        seen = self._rooms.look(roots)
        found = [
            Condition(one.key, one.kind, one.volume_id, one.text, one.level)
            for one in full.values()
            if one.key not in seen
        ]
        for key, room in seen.items():
            enough = bound * (_ROOM_AGAIN if key in full else 1.0)
            if bound == 0 or room.total == 0 or room.free >= enough * room.total:
                continue
            row = by_key.get(key)
            name = "the disk of the catalog" if row is None else f"volume {shown(row.name)}"
            # Whole per cents, so that the text does not change with every file.
            share = max(1, -(-100 * room.free // room.total))
            text = f"{name} is nearly full: less than {share} % of {size(room.total)} are free"
            found.append(Condition(key, "disk_full", row.id if row is not None else None, text, 100 - share))
        return found

    def _fills(self, connection: Connection, rows: Sequence[VolumeRow]) -> list[Condition]:
        """Volumes that will be full before long, if they go on filling as in the last week."""
        limit_s = bounded_duration(self._config.health.full_within)
        if limit_s is None:
            return []
        found: list[Condition] = []
        history = reporting.capacity_history(connection, self._now_us() - _PACE_US)
        for row in rows:
            notes = history.get(row.id, [])
            if not row.online or len(notes) < 2 or notes[-1].at_us - notes[0].at_us < _PACE_US / 7:
                continue
            grown = notes[0].free - notes[-1].free
            seconds = (notes[-1].at_us - notes[0].at_us) / 1_000_000
            if notes[0].total != notes[-1].total or grown <= 0 or notes[-1].free * seconds / grown > limit_s:
                continue
            text = f"volume {shown(row.name)} will be full within {duration(limit_s)} at the pace of the last week"
            found.append(Condition(f"pace:{row.id}", "disk_full", row.id, text))
        return found

    def _now_us(self) -> int:
        return microseconds(self._clock.now())


def is_mine(alert: volumes.AlertRow, duty: facts.Duty, config: Config) -> bool:
    """Whether an alert is the affair of a daemon with this duty: its volumes, its routes, and the rest if it leads."""
    if alert.kind == "sending_failed":
        return alert.key in {key_of_place(route.name, one) for route in config.notify.routes for one in places(route)}
    return duty.leads if alert.volume_id is None else alert.volume_id in duty.volume_ids


def key_of_place(route: str, place: str) -> str:
    """The key of the alert that a place is not reached."""
    return f"sending:{route}:{place}"


def known_mismatches(connection: Connection) -> frozenset[str]:
    """The keys of alerts about files that still differ, and of which a person said that it is known."""
    names = {row.id: row.name for row in volumes.all_volumes(connection)}
    found = facts.mismatches(connection, _MISMATCHES_MAX, known=True)
    return frozenset(one.key for one in _mismatches(found, names))


def _grace_s(entry: Any) -> float:
    return float(entry.known.grace.total_seconds())


def _mismatches(found: Iterable[Mismatch], names: dict[int, str]) -> list[Condition]:
    """One condition for each package in which files differ, and one a volume for those in none."""
    groups: dict[tuple[int, int | None], list[Mismatch]] = defaultdict(list)
    for one in found:
        groups[(one.volume_id, one.package_id)].append(one)
    conditions = []
    for (volume_id, package_id), some in groups.items():
        key = f"mismatch:{volume_id}" if package_id is None else f"mismatch:{volume_id}:{package_id}"
        place = some[0].package
        where = f"{names[volume_id]}:{place}" if place else f"volume {names[volume_id]}"
        told = ", ".join(shown(join(one.folder, one.name) if not place else one.name) for one in some[:_NAMED])
        more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
        what = "1 file differs" if len(some) == 1 else f"{len(some)} files differ"
        text = f"{shown(where)}: {what} from what was sent or recorded: {told}{more}"
        conditions.append(Condition(key, "mismatch", volume_id, text, len(some)))
    return conditions
