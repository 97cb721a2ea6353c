"""What is there to be told, as a page, a text or a document? The report on demand, and the night's work."""

from __future__ import annotations

import os
import stat
import sys
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from assetwatch import app, log
from assetwatch.cli.output import catalog_of, json_option, setting_of, zone_of
from assetwatch.clock import SystemClock
from assetwatch.config import show_zone
from assetwatch.errors import CatalogError, UsageError
from assetwatch.units import instant

if TYPE_CHECKING:
    from assetwatch.catalog.engine import Database
    from assetwatch.report.formats import Format

#: Where systems keep which zone is theirs (localtime(5)).
_LOCAL_ZONE = "/etc/localtime"

#: How long somebody who waits for a page waits for its frames (seconds).
_PICTURES_S = 30.0


@click.group("report", invoke_without_command=True)
@click.option("--since", metavar="AGE|DATE", help='From when on, such as "24h" or 2026-11-23. [the last report]')
@click.option("--format", "name", metavar="FORMAT", help="html, text, json, csv or pdf. [by FILE, or else text]")
@click.option("-o", "--output", metavar="FILE", help="Write to this file instead of standard output.")
@json_option
@click.pass_context
def report_command(ctx: click.Context, since: str | None, name: str | None, output: str | None, as_json: bool) -> None:
    """Tell what needs a person, what arrived, where the deliverables stand and how far the files are proved.

    Exits with 1 when something is wrong. `report nightly` is what the timer calls: it reads files again first, keeps
    the report and sends it.

    \b
    Examples:
      assetwatch report
      assetwatch report --since 7d -o week.html
      assetwatch report --format csv | mail -s "last night" editor@example.com
    """
    if ctx.invoked_subcommand is not None:
        if since or name or output or as_json:
            raise UsageError("options of `report` do not go together with `report nightly`.")
        return
    from assetwatch.report.basics import Severity
    from assetwatch.report.build import Asked, build
    from assetwatch.report.formats import find
    from assetwatch.report.pictures import pictures_for

    setting = setting_of(ctx)
    name = _format_name(name, output, as_json)
    wanted = find(name)
    database = catalog_of(ctx)
    target = None if output in (None, "-") else _target(database, str(output))
    zone, zone_name = zone_with_name(setting)
    clock = SystemClock()
    try:
        bring_up_to_date(database)
    except CatalogError as error:
        # Who may only read the catalog gets what it says.
        click.echo(f"assetwatch: the deliverables are told as they were last compared: {error}", err=True)
    asked = Asked(zone, zone_name, _since(since, zone), runs=app.is_alive)
    report = build(database, setting.config, asked, clock).report
    pictures = pictures_for(report, clock, _PICTURES_S) if wanted.pictured else None
    _put(wanted.render(report, pictures), wanted, target)
    ctx.exit(1 if report.headline.severity is Severity.WRONG else 0)


@report_command.command("nightly")
@click.option("--no-verify", is_flag=True, help="Read nothing again.")
@click.option("--no-send", is_flag=True, help="Keep the report, and send it to nobody.")
@json_option
@click.pass_context
def nightly_command(ctx: click.Context, no_verify: bool, no_send: bool, as_json: bool) -> None:
    """Do the night's work: read files again within the budget of [verify], make the report, keep it and send it.

    What cannot be done is told in the report, and keeps nothing else from being done. It may run beside the daemon.

    \b
    Examples:
      assetwatch --config /etc/assetwatch/assetwatch.toml report nightly
      assetwatch report nightly --no-verify --no-send
    """
    from assetwatch.cli.nightly import Night

    log.set_up((ctx.obj or {}).get("verbosity", 0))
    setting = setting_of(ctx)
    zone, zone_name = zone_with_name(setting)
    night = Night(setting, SystemClock(), zone, zone_name, verify=not no_verify, send=not no_send)
    ctx.exit(night.work(as_json=as_json))


def zone_with_name(setting: app.Setting) -> tuple[tzinfo, str]:
    """The show's time zone and its name for a person; the machine's own where the configuration names none."""
    zone = show_zone(setting.config)
    if zone is not None:
        return zone, setting.config.time_zone
    try:
        _, found, name = os.path.realpath(_LOCAL_ZONE).partition("/zoneinfo/")
        if found:
            return ZoneInfo(name), name.removeprefix("Etc/")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # no such zone is installed: what the system says of today has to do
    zone_now = zone_of(setting)
    return zone_now, SystemClock().now().astimezone(zone_now).tzname() or "local time"


def bring_up_to_date(database: Database) -> None:
    """Compare the schedule with the catalog, where files came or went since that was done."""
    from assetwatch.catalog import deliverables

    with database.read() as connection:
        if not deliverables.any_scheduled(connection):
            return
    from assetwatch.delivery.link import bring_up_to_date as compare

    compare(database, SystemClock())


def _format_name(name: str | None, output: str | None, as_json: bool) -> str:
    from assetwatch.report.formats import by_suffix

    if as_json:
        if name not in (None, "json"):
            raise UsageError(f"--json and --format {name} do not go together: give one of them.")
        return "json"
    if name is not None:
        return name
    if output in (None, "-"):
        return "text"
    suffix = Path(str(output)).suffix.removeprefix(".")
    found = by_suffix(suffix) if suffix else None
    if found is None:
        raise UsageError(f"{output}: which format? Let it end in .html, .txt, .json, .csv or .pdf, or give --format.")
    return found


def _since(text: str | None, zone: tzinfo) -> datetime | None:
    from assetwatch.cli.files import parse_since

    return None if text is None else instant(parse_since(text, zone))


def _target(database: Database, output: str) -> Path:
    """The file to be written. Raises UsageError for a directory, and for a place among the footage."""
    from assetwatch.catalog import volumes
    from assetwatch.paths import to_os
    from assetwatch.report.shelf import below

    path = Path(os.path.realpath(output))
    if path.is_dir():
        raise UsageError(f"{output}: is a directory. Give the name of a file, such as {Path(output) / 'report.html'}.")
    with database.read() as connection:
        roots = [to_os(row.root) for row in volumes.all_volumes(connection)]
    inside = below(path, roots)
    if inside is not None:
        raise UsageError(f"{output}: lies on the volume {inside}, among the footage. Give a file elsewhere.")
    return path


def _put(content: bytes, made: Format, target: Path | None) -> None:
    """Write a document to its file or to standard output."""
    from assetwatch.report.shelf import write_whole

    if target is not None:
        try:
            regular = stat.S_ISREG(target.stat().st_mode)
        except OSError:
            regular = True  # not there yet, or write_whole says why not
        if regular:
            write_whole(target, content)
        else:
            target.write_bytes(content)  # a device or a pipe is written to, and not replaced
        return
    if not made.media_type.startswith(("text/", "application/json")) and sys.stdout.isatty():
        raise UsageError(f"a {made.suffix} document is nothing for a terminal: give a file with -o.")
    out = getattr(sys.stdout, "buffer", None)
    encoding = (sys.stdout.encoding or "utf-8").lower()
    if out is None or (made.media_type.startswith("text/plain") and encoding not in ("utf-8", "utf8")):
        sys.stdout.write(content.decode("utf-8", "replace"))  # what the terminal cannot show is escaped
        return
    sys.stdout.flush()
    out.write(content)
    out.flush()
