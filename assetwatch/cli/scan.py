"""What is on these directories, completely, now? One pass, and the end of it is the answer."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from assetwatch import app, log
from assetwatch.catalog import promises, queries, volumes
from assetwatch.catalog.engine import Database
from assetwatch.cli.output import json_option, setting_of, tinted, write_json
from assetwatch.clock import SystemClock
from assetwatch.config import VolumeSection
from assetwatch.daemon import Progress
from assetwatch.errors import HeldError, UsageError, VolumeError
from assetwatch.paths import readable, shown
from assetwatch.units import counted, duration, microseconds, parse_duration, size


@click.command("scan")
@click.argument("directories", nargs=-1, metavar="[DIR]...")
@click.option("--settle", metavar="TIME", help="How long a file must be unchanged before it is read. [10s]")
@click.option(
    "--wait",
    metavar="TIME",
    default="10m",
    show_default=True,
    help="How long to wait for files that go on changing after everything else is done.",
)
@json_option
@click.pass_context
def scan_command(
    ctx: click.Context, directories: tuple[str, ...], settle: str | None, wait: str, as_json: bool
) -> None:
    """Take stock of directories: every file is looked at, and every new or changed one is hashed, probed and recorded.

    Waits until files that are still being written have settled. Without DIR the configured volumes are scanned. While
    a daemon has a volume in care, it is asked to scan it, and waited for.

    \b
    Examples:
      assetwatch scan /mnt/ingest
      assetwatch --catalog /tmp/try.db scan ~/footage --settle 2s
    """
    given = ctx.obj or {}
    log.set_up(given.get("verbosity", 0) - 1)
    for option, text in (("--settle", settle), ("--wait", wait)):
        try:
            parse_duration(text or "1s")
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None
    setting = setting_of(ctx)
    clock = SystemClock()
    sections = app.sections(setting, directories, settle)
    database = app.open_catalog(setting, clock, create=True)
    ctx.call_on_close(database.close)
    taken = app.take_volumes(setting, database, sections)
    started = clock.monotonic()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        daemon = app.make_daemon(setting, database, taken, "scan", clock)
    except HeldError as held:
        quiet = _ask_daemon(database, taken, held, stop, clock)
    else:
        try:
            with _Meter(clock) as meter:
                quiet = daemon.run_until_quiet(stop, parse_duration(wait), meter.show)
        finally:
            daemon.close()
    if stop.is_set():
        click.echo("Stopped. What was recorded is kept; the next scan goes on from there.", err=True)
        ctx.exit(130)
    summary, here = _summary(database, [volume_id for _, volume_id in taken], clock.monotonic() - started, quiet)
    if as_json:
        write_json(summary)
    else:
        _say(summary, here)
    offline = [one for one in summary["volumes"] if not one["online"]]
    if offline and len(offline) == len(summary["volumes"]):
        raise VolumeError("; ".join(f"{one['name']}: {one['reason']}" for one in offline))
    wrong = (
        summary["wrong"]
        or summary["broken"]
        or summary["incomplete"]
        or summary["alerts"]
        or offline
        or not quiet
        or any(one["unreadable_folders"] for one in summary["volumes"])
    )
    ctx.exit(1 if wrong else 0)


def _ask_daemon(
    database: Database,
    taken: Sequence[tuple[VolumeSection, int]],
    held: HeldError,
    stop: threading.Event,
    clock: SystemClock,
) -> bool:
    """Have the daemon that holds the volumes scan them, and wait until it did."""
    ids = [volume_id for _, volume_id in taken]
    now_us = microseconds(clock.now())
    with database.write() as connection:
        rows = {row.id: row for row in volumes.all_volumes(connection)}
        if any(rows[i].keeper_id is None for i in ids):
            raise held
        keepers = [volumes.keeper(connection, rows[i].keeper_id or 0) for i in ids]
        for volume_id in ids:
            volumes.set_values(connection, volume_id, {"scan_wanted_us": now_us})
    if any(keeper is None or keeper.kind != "run" for keeper in keepers):
        raise held
    click.echo(f"{held}: asked it to scan, waiting for it.", err=True)
    while not stop.is_set():
        with database.read() as connection:
            rows = {row.id: row for row in volumes.all_volumes(connection)}
            pending = sum(
                count
                for volume_id, presence, integrity, count, _ in queries.tallies(connection)
                if volume_id in ids and integrity == "pending" and presence != "missing"
            )
        if any(rows[i].keeper_id is None for i in ids):
            raise HeldError("the daemon that had the volume in care has ended; scan again.")
        if not pending and all((rows[i].last_scan_us or 0) > now_us or not rows[i].online for i in ids):
            return True
        clock.wait(stop, 0.5)
    return False


class _Meter:
    """Progress on a terminal: files and bytes, rate and time left. Silent where standard error is no terminal."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._bar: Any = None
        self._task: Any = None
        self._total = 0

    def __enter__(self) -> _Meter:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                DownloadColumn,
                TextColumn,
                TimeRemainingColumn,
                TransferSpeedColumn,
            )
            from rich.progress import (
                Progress as Bar,
            )

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("looking", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Draw how far things are."""
        if self._bar is None:
            return
        self._total = max(self._total, progress.bytes_read + progress.bytes_waiting)
        doing = "looking" if progress.scanning else "reading" if progress.waiting > progress.arriving else "settling"
        self._bar.update(
            self._task,
            description=f"{doing}: {progress.known} files, {progress.waiting} to read",
            completed=progress.bytes_read,
            total=self._total or None,
        )


def _summary(
    database: Database, ids: Sequence[int], seconds: float, quiet: bool
) -> tuple[dict[str, Any], dict[str, Counter[str]]]:
    """The document of `--json`, and for each volume how its files stand that are not missing: state to number."""
    with database.read() as connection:
        rows = [row for row in volumes.all_volumes(connection) if row.id in ids]
        tallies = [one for one in queries.tallies(connection) if one[0] in ids]
        alerts = [
            one
            for one in volumes.open_alerts(connection)
            if one.volume_id in ids and one.kind not in volumes.DERIVED_ALERTS
        ]
        names = {row.name for row in rows}
        wrong = [one for one in queries.problem_files(connection, 20) if one[0] in names]
        kept = [one for one in promises.promises(connection) if one.volume in names]
        runs = {row.id: queries.last_run(connection, "scan", row.id) for row in rows}
    here: dict[str, Counter[str]] = {row.name: Counter() for row in rows}
    by_id = {row.id: row.name for row in rows}
    for volume_id, presence, integrity, count, _ in tallies:
        if presence != "missing":
            here[by_id[volume_id]][integrity] += count
    document = {
        "seconds": round(seconds, 3),
        "complete": quiet,
        "volumes": [
            {
                "name": row.name,
                "root": readable(row.root),
                "online": bool(row.online),
                "reason": row.reason,
                "files": sum(n for v, p, _, n, _ in tallies if v == row.id and p != "missing"),
                "bytes": sum(s for v, p, _, _, s in tallies if v == row.id and p != "missing"),
                "by_presence": _grouped(tallies, row.id, 1),
                "by_integrity": _grouped([one for one in tallies if one[1] != "missing"], row.id, 2),
                "differed": ((runs[row.id] or {}).get("counts") or {}).get("differed", 0),
                "ignored": ((runs[row.id] or {}).get("counts") or {}).get("ignored", {}),
                "unreadable_folders": ((runs[row.id] or {}).get("counts") or {}).get("unreadable_folders", {}),
            }
            for row in rows
        ],
        "packages": [one.as_json() for one in kept],
        "incomplete": [f"{one.name}: {one.sentence()}" for one in kept if one.to_come and one.news],
        "broken": [f"{one.name}: {text}" for one in kept for text in one.news_wrong],
        "alerts": [one.text for one in alerts],
        "wrong": [
            {"volume": volume, "path": readable(path), "state": state, "problem": problem}
            for volume, path, state, problem in wrong
        ],
    }
    return document, here


def _grouped(tallies: Sequence[tuple[int, str, str, int, int]], volume_id: int, axis: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in tallies:
        if one[0] == volume_id:
            counts[str(one[axis])] = counts.get(str(one[axis]), 0) + one[3]
    return counts


def _say(summary: dict[str, Any], here: dict[str, Counter[str]]) -> None:
    for one in summary["volumes"]:
        name = shown(one["name"])
        if not one["online"]:
            click.echo(f"{name}: {tinted('offline')}: {one['reason'] or ''}")
            continue
        states = ", ".join(f"{count:,} {tinted(state)}" for state, count in sorted(here[one["name"]].items()))
        line = f"{name}: {counted(one['files'], 'file')}, {size(one['bytes'])}"
        click.echo(f"{line}: {states}" if states else line)
        arriving = one["by_presence"].get("arriving", 0)
        missing = one["by_presence"].get("missing", 0)
        if arriving:
            click.echo(f"  {tinted('arriving')}: {counted(arriving, 'file')} still being written")
        if missing:
            click.echo(f"  {tinted('missing')}: {counted(missing, 'file')} gone since last seen")
        if one["ignored"]:
            rules = ", ".join(f"{shown(rule)} {count}" for rule, count in list(one["ignored"].items())[:6])
            click.echo(f"  ignored by rule: {rules}")
    told = {one["reason"] for one in summary["volumes"]}
    for text in summary["alerts"]:
        if text not in told:
            click.echo(f"! {shown(text)}")
    for text in (*summary["broken"], *summary["incomplete"]):
        click.echo(f"! {shown(text)}")
    for one in summary["wrong"]:
        reason = f": {one['problem']}" if one["problem"] else ""
        click.echo(f"  {tinted(one['state'])}  {shown(one['volume'] + ':' + one['path'])}{reason}")
    click.echo(f"Done in {duration(summary['seconds'])}.", err=True)
