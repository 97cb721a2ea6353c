"""What is done each night, in which order, and what becomes of the rest when a part of it cannot be done?

Ping that it begins; sweep within the budget; bring the deliverables up to date; note how full the volumes are; build
the report from what there is; write it; send it; back the catalog up; let go of old reports; ping how it ended. What
fails is a sentence in the report where it can still be, and the exit code in any case.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from assetwatch import __version__, app
from assetwatch.catalog import reporting, volumes
from assetwatch.catalog.engine import Database
from assetwatch.cli.output import write_json
from assetwatch.cli.report import bring_up_to_date
from assetwatch.clock import Clock
from assetwatch.config import OFF, bounded_duration, bounded_size, default_state_directory
from assetwatch.errors import AssetwatchError, UsageError
from assetwatch.paths import to_os
from assetwatch.report import formats, shelf
from assetwatch.report.basics import Severity
from assetwatch.report.build import Asked, Built, build, severity_of
from assetwatch.report.pictures import Pictures, pictures_for
from assetwatch.report.room import room_at
from assetwatch.report.value import Report
from assetwatch.units import microseconds, rfc3339

if TYPE_CHECKING:
    from assetwatch.notify.letter import Letter

_log = logging.getLogger(__name__)

#: Where reports are kept below the state directory, unless the configuration says otherwise.
_FOLDER: Final = "reports"

#: How long frames of what arrived are looked for (seconds).
_PICTURES_S: Final = 90.0

#: How long a night that was asked to stop still waits for the mail (seconds).
_HURRIED_S: Final = 5.0
_PATIENCE_S: Final = 60.0


@dataclass(slots=True)
class _Done:
    """What of the night's work was done, and what was not: `faults` are sentences."""

    run: int
    faults: list[str] = field(default_factory=list)
    sweep: Mapping[str, Any] | None = None
    files: list[Path] = field(default_factory=list)
    index: Path | None = None
    sent: int = 0
    failed: list[str] = field(default_factory=list)
    deleted: int = 0
    backup: Path | None = None


class Night:
    """One night's work."""

    def __init__(
        self, setting: app.Setting, clock: Clock, zone: tzinfo, zone_name: str, *, verify: bool, send: bool
    ) -> None:
        self._setting = setting
        self._config = setting.config
        self._clock = clock
        self._zone = zone
        self._zone_name = zone_name
        self._verify = verify
        self._send = send
        self._stop = threading.Event()

    def work(self, *, as_json: bool) -> int:
        """Do it, and say what was done; the exit code. Raises CatalogError where the catalog cannot be used."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        unheard = self._begun()
        try:
            database = app.open_catalog(self._setting, self._clock, create=False)
            try:
                done, built = self._work(database, [unheard] if unheard else [])
            finally:
                database.close()
        except BaseException as error:
            self._ended(
                error.exit_code if isinstance(error, AssetwatchError) else 1, f"{type(error).__name__}: {error}"
            )
            raise
        report = built.report
        failed = bool(done.faults or done.failed)
        unheard = self._ended(int(failed), "\n".join([report.headline.sentence, *done.faults, *done.failed]))
        if unheard and not failed:
            done.faults.append(unheard)
            failed = True
        if as_json:
            write_json(_document(report, done))
        else:
            _say(report, done)
        return 1 if failed or report.headline.severity is Severity.WRONG else 0

    def _work(self, database: Database, faults: list[str]) -> tuple[_Done, Built]:
        started_us = microseconds(self._clock.now())
        row = {"kind": "report", "why": "nightly", "host": socket.gethostname(), "version": __version__}
        with database.write() as connection:
            done = _Done(volumes.begin_run(connection, {**row, "started_us": started_us}), faults)
        if self._verify:
            self._tried(done, "no sweep", lambda: self._sweep(database, done))
        self._tried(done, "the deliverables are not up to date", lambda: bring_up_to_date(database))
        self._tried(done, "no room noted", lambda: self._note_room(database))
        asked = Asked(self._zone, self._zone_name, None, done.run, tuple(done.faults), app.is_alive)
        built = build(database, self._config, asked, self._clock)
        name = self._write(database, built.report, done)
        self._note(database, built, done, name)  # should it be ended now, the report was made all the same
        if self._send:
            self._tried(done, "not sent", lambda: self._deliver(database, built.report, done))
        self._tried(done, "no backup of the catalog", lambda: self._back_up(database, done))
        self._note(database, built, done, name)
        self._tried(done, "the index page", lambda: self._index(database, done))
        return done, built

    def _note(self, database: Database, built: Built, done: _Done, name: str | None) -> None:
        """Note in the catalog what was made so far."""
        with database.write() as connection:
            now_us = microseconds(self._clock.now())
            volumes.end_run(connection, done.run, now_us, complete=True, counts=_counts(built, done, name))

    def _tried(self, done: _Done, what: str, part: Callable[[], object]) -> None:
        """Do a part of the work; what ends it is told, and ends nothing else."""
        try:
            part()
        except (AssetwatchError, OSError) as error:
            _log.error("%s: %s", what, error)
            done.faults.append(f"{what}: {error}")
        except Exception as error:  # a bug, of which people hear by what the other parts still do
            _log.exception("%s", what)
            done.faults.append(f"{what}: {type(error).__name__}: {error}")

    # -- before the report ------------------------------------------------------------------------------------

    def _sweep(self, database: Database, done: _Done) -> None:
        from assetwatch.verify.order import Budget

        limits = self._config.verify
        budget = Budget(
            max_age=bounded_duration(limits.max_age),
            max_duration=bounded_duration(limits.max_duration),
            max_bytes=bounded_size(limits.max_bytes),
            bytes_per_second=bounded_size(limits.bwlimit),
            path=None,
        )
        done.sweep = app.make_sweep(self._setting, database, budget, (), self._clock).run(self._stop)

    def _note_room(self, database: Database) -> None:
        with database.read() as connection:
            rows = [row for row in volumes.all_volumes(connection) if row.online]
        found = [(row.id, room) for row in rows if (room := room_at(to_os(row.root))) is not None]
        with database.write() as connection:
            for volume_id, (total, free) in found:
                reporting.note_capacity(connection, volume_id, microseconds(self._clock.now()), total, free)

    # -- the report -------------------------------------------------------------------------------------------

    def _shelf(self) -> shelf.Shelf:
        given = self._config.report.directory
        return shelf.Shelf(Path(given) if given else default_state_directory() / _FOLDER)

    def _write(self, database: Database, report: Report, done: _Done) -> str | None:
        """Keep the report in each format; its name on the shelf."""
        place = self._shelf()
        pages: dict[str, bytes] = {}
        pictures: list[Pictures] = []
        self._tried(done, "no frames", lambda: pictures.extend(self._pictures(report)))
        for wanted in dict.fromkeys(self._config.report.formats):
            self._tried(done, f"no report as {wanted}", partial(self._render, wanted, report, pictures, pages))
        name = place.name_for(report.made)
        self._tried(done, "the report is not kept", lambda: self._keep(database, name, pages, done))
        return name if done.files else None

    def _keep(self, database: Database, name: str, pages: Mapping[str, bytes], done: _Done) -> None:
        with database.read() as connection:
            roots = [to_os(row.root) for row in volumes.all_volumes(connection)]
        place = self._shelf()
        place.open(roots)
        for wanted, page in pages.items():
            done.files.append(place.write(f"{name}.{formats.find(wanted).suffix}", page))

    def _pictures(self, report: Report) -> Iterator[Pictures]:
        """The frames, where a format shows them."""
        if any(formats.find(name).pictured for name in self._config.report.formats):
            yield pictures_for(report, self._clock, _PICTURES_S, self._stop)

    def _render(self, wanted: str, report: Report, pictures: Sequence[Pictures], pages: dict[str, bytes]) -> None:
        pages[wanted] = formats.find(wanted).render(report, pictures[0] if pictures else None)

    def _index(self, database: Database, done: _Done) -> None:
        """Let go of old reports, and put the index page in its place."""
        if not done.files:
            return  # whatever lies in the directory, it could not be used
        keep = bounded_duration(self._config.report.keep)
        most = self._config.report.keep_reports
        place = self._shelf()
        age = None if keep is None else timedelta(seconds=keep)
        done.deleted = len(place.prune(self._clock.now(), age, None if most == OFF else int(most)))
        if "html" not in self._config.report.formats:
            return
        from assetwatch.report import html

        with database.read() as connection:
            noted = reporting.reports(connection)
        known = {made: said for said in noted if (made := shelf.stamp_of(str(said.get("name")))) is not None}
        entries = [html.IndexEntry(one.made, *_said(known.get(one.made)), _files(one)) for one in place.reports()]
        page = html.render_index(
            entries, project=self._config.project or "", zone=self._zone, zone_name=self._zone_name
        )
        done.index = place.write_index(page)
        if done.index is None:
            raise UsageError(f"{place.folder / shelf.INDEX} was made by something else, and is left as it is.")

    # -- after it ---------------------------------------------------------------------------------------------

    def _deliver(self, database: Database, report: Report, done: _Done) -> None:
        """Send the report to everybody who wants it, and try what is still owed to anybody."""
        from assetwatch.notify import nightly

        attachments = tuple(str(path) for path in done.files if path.suffix == ".pdf")
        whole = f"The whole report is {done.files[0]} on {report.host}." if done.files else None
        letter = _letter(report, whole, attachments)
        nightly.enqueue(database, self._config, letter, self._clock.now(), done.run)
        patience = _HURRIED_S if self._stop.is_set() else _PATIENCE_S
        delivered = nightly.deliver(database, self._config, self._clock, patience)
        done.sent = len(delivered.sent)
        done.failed = [f"{one.kind} by {one.route}: {one.fault}" for one in delivered.failed]

    def _back_up(self, database: Database, done: _Done) -> None:
        """Keep a copy of a SQLite catalog; those of PostgreSQL are its own tools' affair."""
        if database.path is None:
            return
        from assetwatch.catalog import backups

        given = self._config.catalog
        folder = backups.folder_of(database, given.backups)
        newest = backups.kept(folder, database.path.name)[:1]
        if newest and newest[0][0] == self._clock.now().replace(microsecond=0, tzinfo=None):
            done.backup = newest[0][1]  # of this very second: names go by seconds
            return
        rotation = backups.rotate(database, folder, self._clock, given.keep_backups, given.keep_weekly_backups)
        done.backup = rotation.made

    # -- the dead man's switch --------------------------------------------------------------------------------

    def _begun(self) -> str | None:
        """Say that the night begins; why that was not heard."""
        from assetwatch.notify import ping

        fault = ping.start(self._config.notify, self._clock)
        return None if fault is None else self._unheard(fault)

    def _ended(self, code: int, text: str) -> str | None:
        """Say how the night ended: well when its work was done, whatever it found; why that was not heard."""
        from assetwatch.notify import ping

        if code:
            fault = ping.failure(self._config.notify, self._clock, code, text)
        else:
            fault = ping.success(self._config.notify, self._clock, text)
        return None if fault is None else self._unheard(fault)

    def _unheard(self, fault: str) -> str:
        _log.error("the dead man's switch was not told: %s", fault)
        return f"the dead man's switch was not told: {fault}"


def _said(noted: Mapping[str, Any] | None) -> tuple[Severity, str]:
    """What a report of the shelf said, by what the catalog noted of it."""
    if noted is None:
        return Severity.ATTENTION, "the catalog does not know this report"
    return severity_of(noted), str(noted.get("sentence", ""))


def _files(kept: shelf.Kept) -> list[tuple[str, str]]:
    return [(suffix, path.name) for suffix, path in kept.files.items()]


def _letter(report: Report, whole: str | None, attachments: tuple[str, ...]) -> Letter:
    """The report as a letter: the sentence over it, the text, and the same as a page for mail programs."""
    from assetwatch.notify.letter import Letter, Owed
    from assetwatch.report.html import render_mail
    from assetwatch.report.text import render

    page: str | None = None
    try:
        page = render_mail(report, whole=whole)
    except Exception:  # a bug in the page; the text says the same, and has to get through
        _log.exception("the mail goes out without its page")
    words: Mapping[Severity, Any] = {Severity.OK: "well", Severity.ATTENTION: "attention", Severity.WRONG: "wrong"}
    needed = {need.deliverable: need.severity for need in reversed(report.needs.first) if need.deliverable}
    projects = dict.fromkeys([report.project, *(one.project or "" for one in report.volumes)])
    return Letter(
        subject=f"[{report.project or 'assetwatch'}] {report.headline.sentence}",
        text=render(report),
        html=page,
        severity=words[report.headline.severity],
        projects=tuple(name for name in projects if name),
        volumes=tuple(one.name for one in report.volumes),
        deliverables=tuple(
            Owed(
                one.key,
                one.sender,
                one.receiver,
                "wrong" if one.late or one.failing else words[needed.get(one.key, Severity.OK)],
            )
            for one in report.deliverables.every.first
        ),
        attachments=attachments,
    )


def _counts(built: Built, done: _Done, name: str | None) -> dict[str, Any]:
    """What the catalog keeps of a report, for `status` and for the next one."""
    report = built.report
    return {
        "name": name,
        "project": report.project,
        "since": rfc3339(microseconds(report.since)),
        "until": rfc3339(microseconds(report.until)),
        "severity": report.headline.severity.value,
        "sentence": report.headline.sentence,
        "headline_counts": dict(report.headline.counts),
        "files": [str(path) for path in done.files],
        "faults": done.faults,
        "sent": done.sent,
        "not_sent": len(done.failed),
        "counts": dict(report.counts),
        "standing": built.standing,
    }


def _document(report: Report, done: _Done) -> dict[str, Any]:
    """The contract's `report nightly --json`."""
    sweep = done.sweep
    return {
        "run": done.run,
        "made": rfc3339(microseconds(report.made)),
        "since": rfc3339(microseconds(report.since)),
        "severity": report.headline.severity.value,
        "headline": report.headline.sentence,
        "counts": dict(report.counts),
        "files": [str(path) for path in done.files],
        "index": None if done.index is None else str(done.index),
        "deleted": done.deleted,
        "backup": None if done.backup is None else str(done.backup),
        "sent": done.sent,
        "not_sent": done.failed,
        "verify": None
        if sweep is None
        else {key: sweep[key] for key in ("run", "complete", "checked", "mismatch", "missing", "unreadable", "bytes")},
        "faults": done.faults,
    }


def _say(report: Report, done: _Done) -> None:
    """What was done, in a few lines."""
    click.echo(f"{report.project or 'assetwatch'}: {report.headline.sentence}")
    for path in done.files:
        click.echo(f"  {path}")
    if done.sent:
        click.echo(f"  sent: {done.sent}")
    for text in (*done.faults, *(f"not sent: {text}" for text in done.failed)):
        click.echo(f"! {text}", err=True)
