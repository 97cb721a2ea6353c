"""What is in the report? From the catalog to one `Report`, of which every format is made."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import deliverables as scheduled
from assetwatch.catalog import messages, promises, queries, reporting, volumes
from assetwatch.catalog.engine import Database
from assetwatch.catalog.promises import Promise
from assetwatch.catalog.rows import VolumeRow
from assetwatch.clock import Clock
from assetwatch.config import Config
from assetwatch.delivery.kept import Entry, board
from assetwatch.paths import shown
from assetwatch.report import room
from assetwatch.report.arrivals import arrivals, days
from assetwatch.report.basics import Place, Severity, Some, Sum
from assetwatch.report.engineers import (
    BANDS,
    Band,
    Change,
    Changes,
    DaemonState,
    Listed,
    Packages,
    Problem,
    Unsent,
    VolumeState,
)
from assetwatch.report.needs import Standing, headline, needs
from assetwatch.report.owed import deliverables, standing_of
from assetwatch.report.swept import last_sweep
from assetwatch.report.value import COUNTS, Before, Difference, Report
from assetwatch.report.words import NOTICED
from assetwatch.units import instant, microseconds

#: Told by name: files that are wrong, changes, packages, folders without a list, rules, messages.
_PROBLEMS: Final = 100
_CHANGES: Final = 60
_PACKAGES: Final = 60
_RULES: Final = 20
_UNSENT: Final = 20

#: What is told where no report was made before, and none is asked for.
FIRST: Final = timedelta(days=1)

#: A daemon that has not said anything for so long does not work any more.
_SILENT: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Built:
    """A report, and what the next one has to know of the schedule: id -> [status, due]."""

    report: Report
    standing: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is to be about.

    `since`: from when on; None: since the last report. `zone` and `zone_name`: in what time people read it. `run`: its
    number in the catalog, where it has one. `faults`: what could not be done this night, as sentences. `runs`: whether
    a daemon's process is there, by (host, pid, boot id); None where that cannot be known.
    """

    zone: tzinfo
    zone_name: str
    since: datetime | None = None
    run: int | None = None
    faults: tuple[str, ...] = ()
    runs: Callable[[str, int, str], bool | None] | None = None


def build(database: Database, config: Config, asked: Asked, clock: Clock) -> Built:
    """The report as things stand now, from one view of the catalog. Raises CatalogError."""
    now = clock.now()
    with database.read() as connection:
        return _Builder(connection, config, asked, now).build()


class _Builder:
    """One report while it is put together."""

    def __init__(self, connection: Connection, config: Config, asked: Asked, now: datetime) -> None:
        self._connection = connection
        self._config = config
        self._asked = asked
        self._now = now
        self._until_us = microseconds(now)
        since_us = None if asked.since is None else microseconds(asked.since)
        self._before = reporting.report_before(connection, since_us, self._until_us)
        if since_us is None:
            since_us = microseconds(now - FIRST)
            if self._before is not None:
                since_us = _until_us(self._before)
        self._since_us = min(since_us, self._until_us)
        self._volumes = volumes.all_volumes(connection)
        self._names = {row.id: row.name for row in self._volumes}
        self._tallies = queries.tallies(connection)

    def build(self) -> Built:
        now, asked, connection = self._now, self._asked, self._connection
        entries = self._board()
        then = None if self._before is None else self._before.counts.get("standing")
        owed = deliverables(entries, then, instant(self._since_us))
        packages = self._packages()
        came = arrivals(connection, self._names, self._since_us, self._until_us)
        sweep = last_sweep(connection, self._since_us)
        states = self._volume_states()
        daemon = self._daemon()
        unsent = Some.of((_unsent(one) for one in reversed(messages.failed(connection, self._since_us))), _UNSENT)
        wrong = self._wrong()
        known = reporting.acknowledged(connection)
        by_problem = [
            (state, count - known.get(state, 0)) for state, count in wrong.items() if count > known.get(state, 0)
        ]
        problems = self._problems(sum(count for _, count in by_problem))
        standing = Standing(
            faults=asked.faults,
            unsent=unsent,
            alerts=[(one, self._names.get(one.volume_id or 0)) for one in volumes.open_alerts(connection)],
            deliverables=owed,
            packages=packages,
            problems=problems,
            by_problem=by_problem,
            volumes=states,
            daemon=daemon,
            arriving=any(presence == "arriving" for _, presence, *_ in self._tallies),
            arrived=came.files,
            checked=sweep.checked if sweep is not None and sweep.recent else 0,
        )
        needed = needs(standing, now, asked.zone)
        counts = self._counts(owed, packages, states, unsent, wrong)
        report = Report(
            project=self._project(),
            zone=asked.zone,
            zone_name=asked.zone_name,
            since=instant(self._since_us),
            until=now,
            made=now,
            version=__version__,
            host=socket.gethostname(),
            run=asked.run,
            headline=headline(standing, needed),
            needs=needed,
            faults=asked.faults,
            deliverables=owed,
            arrivals=came,
            days=days(connection, now, asked.zone),
            by_presence=self._sums(1),
            by_integrity=self._sums(2),
            problems=problems,
            acknowledged=known,
            sweep=sweep,
            changes=self._changes(),
            packages=packages,
            volumes=states,
            bands=self._bands(),
            daemon=daemon,
            unsent=unsent,
            counts=counts,
            before=self._difference(counts),
        )
        return Built(report, standing_of(entries))

    def _project(self) -> str:
        """The show's name: of the configuration, or of the volumes."""
        named = [row.project for row in self._volumes if row.project]
        return self._config.project or ", ".join(dict.fromkeys(named))

    def _board(self) -> list[Entry]:
        if not scheduled.any_scheduled(self._connection):
            return []
        return board(self._connection, self._now, brief=True)

    # -- files ------------------------------------------------------------------------------------------------

    def _sums(self, axis: int) -> dict[str, Sum]:
        """Files and bytes by one axis; those of a volume that is not there count as offline."""
        offline = {row.id for row in self._volumes if not row.online}
        files: Counter[str] = Counter()
        sizes: Counter[str] = Counter()
        for one in self._tallies:
            word = "offline" if axis == 1 and one[0] in offline else str(one[axis])
            files[word] += one[3]
            sizes[word] += one[4]
        return {word: Sum(files[word], sizes[word]) for word in sorted(files)}

    def _wrong(self) -> dict[str, int]:
        """How many files are wrong now, by what is wrong; those declared to have come otherwise are not."""
        found = Counter[str]()
        for _, presence, integrity, files, _ in self._tallies:
            if presence == "missing":
                found["missing"] += files
            elif integrity in ("mismatch", "unreadable"):
                found[integrity] += files
        found["missing"] -= reporting.transformed(self._connection)
        return {state: found[state] for state in ("mismatch", "missing", "unreadable") if found[state] > 0}

    def _problems(self, total: int) -> Some[Problem]:
        some = queries.problem_files(self._connection, _PROBLEMS)
        told = tuple(Problem(Place(volume, path), state, text or None) for volume, path, state, text in some)
        return Some(told, max(total, len(told)))

    def _changes(self) -> Changes:
        counts = reporting.noticed_counts(self._connection, self._since_us, self._until_us)
        older = reporting.superseded(self._connection, self._since_us, self._until_us)
        counts |= {"superseded": older} if older else {}
        worst = reporting.noticed_worst(self._connection, self._since_us, self._until_us, _CHANGES)
        told = tuple(
            Change(instant(one.at_us), one.what, Place(self._names[one.volume_id], one.path), _detail(one))
            for one in worst
        )
        total = sum(counts.get(word, 0) for word in reporting.WORST)
        return Changes(
            tuple((word, text, counts[word]) for word, text in NOTICED.items() if counts.get(word)),
            Some(told, max(total, len(told))),
        )

    def _bands(self) -> tuple[Band, ...]:
        edges = [
            (word, microseconds(self._now - timedelta(days=most_days)))
            for word, _, most_days in BANDS
            if most_days is not None
        ]
        found = reporting.by_check(self._connection, edges)
        return tuple(Band(word, label, *found.get(word, (0, 0))) for word, label, _ in BANDS)

    def _packages(self) -> Packages:
        every = promises.promises(self._connection)
        by_name = {row.name: row.id for row in self._volumes}
        unlisted = [
            Place(section.name, path)
            for section in self._config.volume
            if section.name in by_name
            for path in promises.without_list(self._connection, by_name[section.name], section.manifest_for)
        ]
        return Packages(
            total=len(every),
            complete=sum(one.complete for one in every),
            wrong=Some.of((_listed(one) for one in every if one.news_wrong), _PACKAGES),
            incomplete=Some.of((_listed(one) for one in every if one.news and not one.news_wrong), _PACKAGES),
            unlisted=Some.of(unlisted, _PACKAGES),
        )

    # -- volumes, the daemon ----------------------------------------------------------------------------------

    def _volume_states(self) -> tuple[VolumeState, ...]:
        history = reporting.capacity_history(self._connection, microseconds(self._now - room.HISTORY))
        return tuple(self._volume(row, history.get(row.id, [])) for row in self._volumes)

    def _volume(self, row: VolumeRow, fills: Sequence[reporting.Fill]) -> VolumeState:
        mine = [one for one in self._tallies if one[0] == row.id]
        there = [one for one in mine if one[1] != "missing"]
        growth = room.growth(fills, self._now)
        left = room.days_left(fills[-1].free, growth) if fills else None
        rules = sorted(json.loads(row.ignored).items(), key=lambda one: (-one[1], one[0]))
        return VolumeState(
            name=row.name,
            root=row.root,
            project=row.project,
            online=bool(row.online),
            reason=row.reason,
            watching=row.watching,
            file_system=row.file_system,
            files=sum(one[3] for one in there),
            size=sum(one[4] for one in there),
            arriving=sum(one[3] for one in mine if one[1] == "arriving"),
            missing=sum(one[3] for one in mine if one[1] == "missing"),
            last_event=_instant(row.last_event_us),
            last_scan=_instant(row.last_scan_us),
            overflows=row.overflows,
            total=fills[-1].total if fills else None,
            free=fills[-1].free if fills else None,
            history=room.points(fills, self._asked.zone),
            growth=growth,
            days_left=left,
            full_on=None if left is None else self._now + timedelta(days=left),
            ignored=Some.of([(rule, int(count)) for rule, count in rules], _RULES),
        )

    def _daemon(self) -> DaemonState:
        keeper = volumes.latest_keeper(self._connection, "run")
        starts, crashes = reporting.daemon_starts(self._connection, self._since_us, self._until_us)
        overflows = sum(row.overflows for row in self._volumes)
        failures = tuple(reporting.probe_failures(self._connection, self._since_us, self._until_us))
        if keeper is None:
            return DaemonState(False, overflows=overflows, probe_failures=failures)
        heard = instant(keeper.beat_us)
        running: bool | None = False
        if keeper.stopped_us is None:
            alive = None if self._asked.runs is None else self._asked.runs(keeper.host, keeper.pid, keeper.boot_id)
            silent = self._now - heard > _SILENT
            running = False if alive is False else None if alive is None and silent else not silent
        return DaemonState(
            running=running,
            host=keeper.host,
            version=keeper.version,
            started=instant(keeper.started_us),
            heard=heard,
            starts=starts,
            crashes=crashes,
            overflows=overflows,
            probe_failures=failures,
        )

    # -- numbers, and the difference --------------------------------------------------------------------------

    def _counts(
        self,
        owed: Any,
        packages: Packages,
        states: Sequence[VolumeState],
        unsent: Some[Unsent],
        wrong: Mapping[str, int],
    ) -> dict[str, int]:
        integrity = self._sums(2)
        found = {
            "files": sum(one.files for one in states),
            "size": sum(one.size for one in states),
            "verified": integrity.get("verified", Sum()).files,
            "pending": integrity.get("pending", Sum()).files,
            "volumes_offline": sum(not one.online for one in states),
            "deliverables": owed.every.total,
            "late": owed.late.total,
            "failing": owed.failing.total,
            "due_soon": owed.due_soon.total,
            "fulfilled": sum(owed.by_status.get(word, 0) for word in ("arrived", "verified", "accepted")),
            "packages_open": packages.wrong.total + packages.incomplete.total,
            "unsent": unsent.total,
            **{word: wrong.get(word, 0) for word in ("mismatch", "missing", "unreadable")},
        }
        return {word: found[word] for word, *_ in COUNTS}

    def _difference(self, counts: Mapping[str, int]) -> Before | None:
        before = self._before
        if before is None:
            return None
        then = before.counts.get("counts", {})
        return Before(
            run=before.run,
            made=instant(_until_us(before)),
            severity=severity_of(before.counts),
            sentence=str(before.counts.get("sentence", "")),
            differences=tuple(
                Difference(word, label, int(then[word]), counts[word], is_size, worse)
                for word, label, is_size, worse in COUNTS
                if word in then
            ),
        )


def severity_of(noted: Mapping[str, Any]) -> Severity:
    """How bad an earlier report was, by what was noted of it; a word that is not known is worth a look."""
    word = noted.get("severity")
    return Severity(word) if word in set(Severity) else Severity.ATTENTION


def _until_us(before: reporting.EarlierReport) -> int:
    """Up to when an earlier report told."""
    until = before.counts.get("until")
    return before.started_us if until is None else microseconds(datetime.fromisoformat(until))


def _instant(us: int | None) -> datetime | None:
    return None if us is None else instant(us)


def _unsent(one: messages.Failed) -> Unsent:
    return Unsent(one.route, one.kind, instant(one.made_us), one.tries, one.fault, one.given_up_us is not None)


def _listed(one: Promise) -> Listed:
    return Listed(
        place=Place(one.volume, one.row.path),
        listed=one.row.listed,
        here=one.here,
        lacks=one.to_come,
        sentence=one.sentence(),
        wrong=tuple(one.news_wrong[:_RULES]),
    )


def _detail(one: reporting.Noticed) -> str:
    """A few words on what happened to a file."""
    if one.what == "moved":
        return f"from {shown(str(one.detail.get('from', '?')))}"
    if one.what == "unreadable" and one.detail.get("reason"):
        return str(one.detail["reason"])
    if one.what in ("mismatch", "missing", "set_aside", "changed"):
        return one.problem or str(one.detail.get("reason") or "")
    return ""
