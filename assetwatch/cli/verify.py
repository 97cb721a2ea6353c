"""Are the files still what they were? One sweep within its budget, and what it found, left and expects."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import tzinfo
from typing import Any, TypeVar

import click

from assetwatch import app, log
from assetwatch.catalog import checks, volumes
from assetwatch.catalog.engine import Database
from assetwatch.cli.output import json_option, setting_of, tinted, write_json, zone_of
from assetwatch.clock import SystemClock
from assetwatch.config import OFF, VerifySection, bounded_duration, bounded_size
from assetwatch.errors import UsageError, VolumeError
from assetwatch.paths import from_os, shown
from assetwatch.units import duration, local_time, microseconds, size
from assetwatch.verify.order import Budget, Progress

V = TypeVar("V")

#: Problems told one by one on a terminal; `--json` has all of them.
_TOLD = 50

#: Why files were not checked, for a person.
_REASONS = {
    "budget": "left for the next sweep: this one's budget was spent",
    "stopped": "left for the next sweep: this one was stopped",
    "offline": "on a volume that is not there",
    "quiet_hours": "on a volume in its quiet hours",
    "recent": "checked recently enough",
    "with_daemon": "about to be read or probed by the daemon",
    "being_written": "open for writing",
    "busy": "out of reach for the moment",
    "changed": "changed since they were recorded: the daemon reads them anew",
    "not_recorded": "never read to their end yet: there is nothing to compare with",
}


@click.command("verify")
@click.option("--volume", "names", multiple=True, metavar="NAME", help="Only this volume; may be given several times.")
@click.option("--path", metavar="PATTERN", help="Only what fits: a path, a folder with all below it, a name, a glob.")
@click.option("--max-age", metavar="TIME", help='Only what was last checked longer ago, such as "30d".')
@click.option("--max-duration", metavar="TIME", help='Stop after so long, such as "6h".')
@click.option("--max-bytes", metavar="SIZE", help='Stop after so many bytes, such as "5T".')
@click.option("--bwlimit", metavar="SIZE", help='Read no faster than so many bytes a second, such as "400M".')
@json_option
@click.pass_context
def verify_command(
    ctx: click.Context,
    names: tuple[str, ...],
    path: str | None,
    max_age: str | None,
    max_duration: str | None,
    max_bytes: str | None,
    bwlimit: str | None,
    as_json: bool,
) -> None:
    """Read recorded files again, past the page cache, and compare: failed ones first, then the longest unread.

    It stops cleanly at its budget, or at TERM and INT, and the next sweep goes on from there. Bounds that are not given
    are those of `[verify]` in the configuration; the word "off" lifts one. It may run beside the daemon.

    \b
    Examples:
      assetwatch verify
      assetwatch verify --max-duration 6h --bwlimit 200M
      assetwatch verify --path 'A001/**' --max-duration off --bwlimit off
    """
    given = ctx.obj or {}
    log.set_up(given.get("verbosity", 0) - 1)
    setting = setting_of(ctx)
    clock = SystemClock()
    limits = setting.config.verify
    database = app.open_catalog(setting, clock, create=False)
    ctx.call_on_close(database.close)
    names, path = _placed(database, names, path)
    with database.read() as connection:
        if path is not None and not checks.is_known(connection, path, names):
            raise UsageError(f"--path: the catalog knows no file that fits {shown(path)}. Nothing was checked.")
    budget = Budget(
        max_age=_bound("--max-age", max_age, limits, bounded_duration),
        max_duration=_bound("--max-duration", max_duration, limits, bounded_duration),
        max_bytes=_bound("--max-bytes", max_bytes, limits, bounded_size),
        bytes_per_second=_bound("--bwlimit", bwlimit, limits, bounded_size),
        path=path,
    )
    sweep = app.make_sweep(setting, database, budget, names, clock)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _Meter() as meter:
        answer = sweep.run(stop, meter.show if meter.drawn else None)
    if as_json:
        write_json(answer)
    else:
        _say(answer, budget, zone_of(setting))
    reasons = answer["not_checked_reasons"]
    if not answer["checked"] and reasons.get("offline", 0) and not set(reasons) - {"offline", "not_recorded"}:
        raise VolumeError("; ".join(answer["warnings"]))
    ctx.exit(1 if any(not one["acknowledged"] for one in answer["problems"]) or reasons.get("offline") else 0)


def _bound(option: str, text: str | None, limits: VerifySection, parse: Callable[[str], V]) -> V:
    """A bound from the command line, or else from the configuration."""
    if text is None:
        return parse(getattr(limits, option.removeprefix("--").replace("-", "_")))
    try:
        # An age of nothing is as good as none.
        return parse(OFF if option == "--max-age" and text.strip() in ("0", "0s") else text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None


def _placed(database: Database, names: tuple[str, ...], path: str | None) -> tuple[tuple[str, ...], str | None]:
    """The volumes and the path below them that a person means: `volume:path` and a path on disk name both."""
    if path is None:
        return names, None
    with database.read() as connection:
        rows = volumes.all_volumes(connection)
    name, colon, rest = path.partition(":")
    if colon and any(row.name == name for row in rows):
        return (*names, name), from_os(rest.strip("/")) or None
    if os.path.isabs(path):
        text = from_os(os.path.normpath(path))
        # The innermost volume, where one lies below another.
        for row in sorted(rows, key=lambda row: -len(row.root)):
            root = row.root.rstrip("/")
            if text == root or text.startswith(root + "/"):
                return (*names, row.name), text[len(root) + 1 :] or None
        raise UsageError(f"--path: {path} lies below none of the volumes that the catalog knows.")
    return names, path


class _Meter:
    """Progress on a terminal: files, bytes, rate and time left. Nothing where standard error is no terminal."""

    def __init__(self) -> None:
        self.drawn = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> _Meter:
        if self.drawn:
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(bar_width=None),
                progress.DownloadColumn(),
                progress.TransferSpeedColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("checking", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Draw how far things are."""
        if self._bar is not None:
            self._bar.update(
                self._task,
                description=f"checking: {progress.files} files",
                completed=progress.bytes_read,
                total=max(progress.bytes_planned, progress.bytes_read) or None,
            )


def _say(answer: dict[str, Any], budget: Budget, zone: tzinfo) -> None:
    """The answer in plain words."""
    seconds = max(answer["seconds"], 0.001)
    rate = f", {size(round(answer['bytes'] / seconds))}/s" if answer["bytes"] else ""
    files = _counted(answer["checked"], "file")
    click.echo(f"Checked {files}, {size(answer['bytes'])}, in {duration(seconds)}{rate}.")
    wrong = [
        f"{answer[word]} {tinted(word)}" for word in ("mismatch", "missing", "unreadable", "misread") if answer[word]
    ]
    if wrong:
        click.echo(f"Wrong: {', '.join(wrong)}. As recorded: {answer['verified']}.")
    elif answer["checked"]:
        click.echo("All of them are as they were recorded.")
    for one in answer["problems"][:_TOLD]:
        reason = f": {one['problem']}" if one["problem"] else ""
        click.echo(f"  {tinted(one['verdict'])}  {shown(one['volume'] + ':' + one['path'])}{reason}")
    more = len(answer["problems"]) - _TOLD + answer["problems_left_off"]
    if more > 0:
        click.echo(f"  and {more} more: `assetwatch files --integrity mismatch`, or --json here")
    for text in answer["warnings"]:
        click.echo(f"! {shown(text)}")
    if answer["not_checked"]:
        click.echo(f"Not checked: {_counted(answer['not_checked'], 'file')}")
        for why, count in answer["not_checked_reasons"].items():
            click.echo(f"  {count} {_REASONS.get(why, why)}")
    if answer["oldest_check"]:
        click.echo(f"The longest unread file was last read {_when(answer['oldest_check'], zone)}.")
    if answer["complete"]:
        what = "that was due" if budget.max_age is not None else "there is"
        where = f" at {shown(budget.path)}" if budget.path else ""
        click.echo(f"Everything {what}{where} has been checked.")
    elif answer["everything_checked_by"]:
        click.echo(
            f"At this pace, {size(answer['pace_bytes_per_day'])} a day of {size(answer['bytes_total'])}, everything "
            f"will have been checked by {_when(answer['everything_checked_by'], zone)}."
        )
    elif answer["not_checked"]:
        click.echo("At this pace not everything will ever be checked: nothing was read.")


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _when(text: str, zone: tzinfo) -> str:
    from datetime import datetime

    return local_time(microseconds(datetime.fromisoformat(text)), zone)
