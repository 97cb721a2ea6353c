"""Does the machinery work? One line, an exit code and numbers, for whatever looks after this server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from assetwatch import app
from assetwatch.cli.output import json_option, setting_of, write_json
from assetwatch.clock import SystemClock
from assetwatch.config import HealthSection, bounded_duration
from assetwatch.errors import CatalogError, UsageError
from assetwatch.paths import shown
from assetwatch.units import counted, duration, microseconds

if TYPE_CHECKING:
    from assetwatch.catalog.engine import Database
    from assetwatch.catalog.health import Pulse

#: A daemon that has not said anything for so long does not respond (microseconds).
_SILENT_US: Final = 60_000_000

#: How long a write waits for the daemon's before the catalog counts as busy (milliseconds).
_BUSY_MS: Final = 200

#: Ages that are asked after: key of the document and of [health], what it is of.
_AGES: Final = (
    ("sweep", "the last sweep ended"),
    ("report", "the last report was made"),
    ("messages", "the oldest message that was not sent was written"),
    ("backup", "the last backup of the catalog was made"),
)


@click.command("health")
@click.option("--scan", metavar="AGE", help='How old the last scan of a volume may be, such as "6h", or "off".')
@click.option("--event", metavar="AGE", help="How old the last event of a volume that is heard may be.")
@click.option("--sweep", metavar="AGE", help="How old the last sweep may be.")
@click.option("--report", metavar="AGE", help="How old the last report may be.")
@click.option("--queue", metavar="AGE", help="How long what is due may wait while nothing is read.")
@click.option("--messages", metavar="AGE", help="How long a message may wait to be sent.")
@click.option("--backup", metavar="AGE", help="How old the newest backup of the catalog may be.")
@click.option("--daemon/--no-daemon", default=None, help="Whether a daemon has to be running.")
@json_option
@click.pass_context
def health_command(ctx: click.Context, /, daemon: bool | None, as_json: bool, **ages: str | None) -> None:
    """Say in one line whether the machinery works: daemon, scans, queue, catalog, sweeps, reports, messages, backups.

    Nothing is said of files. Bounds that are not given are those of `[health]`; the word "off" lifts one. What never
    was yet is not too old. Exits with 1 when something is not as it should be, 3 when the catalog cannot be read.

    \b
    Examples:
      assetwatch health
      assetwatch health --sweep 36h --no-daemon
      assetwatch health --json | jq .wrong
    """
    setting = setting_of(ctx)
    limits = _limits(setting.config.health, ages)
    wanted = setting.config.health.daemon if daemon is None else daemon
    try:
        document = _examine(setting, limits, wanted)
    except CatalogError as error:
        if as_json:
            write_json({"ok": False, "wrong": [str(error)], "catalog": {"readable": False, "writable": False}})
        else:
            click.echo(f"UNKNOWN: {shown(str(error)).replace('|', '/')}")
        ctx.exit(3)
    if as_json:
        write_json(document)
    else:
        click.echo(_line(document))
    ctx.exit(0 if document["ok"] else 1)


def _limits(section: HealthSection, ages: dict[str, str | None]) -> dict[str, float | None]:
    """Bounds in seconds by name. Raises UsageError."""
    found: dict[str, float | None] = {}
    for name, given in ages.items():
        try:
            found[name] = bounded_duration(getattr(section, name) if given is None else given)
        except ValueError as error:
            raise UsageError(f"--{name}: {error}") from None
    return found


def _examine(setting: app.Setting, limits: dict[str, float | None], daemon_wanted: bool) -> dict[str, Any]:
    """The document. Raises CatalogError where the catalog cannot be read."""
    from assetwatch.catalog import health
    from assetwatch.catalog.engine import open_database, parse_url
    from assetwatch.config import default_state_directory

    clock = SystemClock()
    now_us = microseconds(clock.now())
    url = parse_url(setting.catalog, default_state_directory())
    database = open_database(url, clock, create=False, busy_ms=_BUSY_MS)
    try:
        with database.read() as connection:
            pulse = health.pulse(connection)
        daemon = _daemon(pulse, now_us)
        # A daemon that says that it is there says so in the catalog.
        fault = None if daemon is not None and daemon["responding"] else health.write_fault(database)
        backup_us = _newest_backup_us(database, setting.config.catalog.backups)
    finally:
        database.close()

    def age(us: int | None) -> int | None:
        return None if us is None else max(0, (now_us - us) // 1_000_000)

    configured = {one.name for one in setting.config.volume}
    document: dict[str, Any] = {
        "ok": True,
        "wrong": [],
        "catalog": {"readable": True, "writable": fault is None, "fault": fault},
        "daemon": daemon,
        "volumes": [
            {
                "name": row.name,
                "online": bool(row.online),
                "watching": row.watching,
                "scan_age": age(row.last_scan_us),
                "event_age": age(row.last_event_us),
            }
            for row in pulse.volumes
            if not configured or row.name in configured
        ],
        "queue_age": age(min(pulse.oldest_due_us, now_us)) if pulse.oldest_due_us is not None else None,
        "read_age": age(pulse.last_read_us),
        "sweep_age": age(pulse.sweep_us),
        "report_age": age(pulse.report_us),
        "messages_age": age(pulse.unsent.oldest_us),
        "backup_age": age(backup_us),
        "unsent": pulse.unsent.count,
        "given_up": sum(one.given_up_us is not None for one in pulse.failed),
    }
    document["wrong"] = list(_wrong(document, pulse, limits, daemon_wanted, now_us))
    document["ok"] = not document["wrong"]
    return document


def _daemon(pulse: Pulse, now_us: int) -> dict[str, Any] | None:
    """The daemon; None where none is running."""
    keeper = pulse.keeper
    if keeper is None or keeper.stopped_us is not None:
        return None
    silent = now_us - keeper.beat_us > _SILENT_US
    alive = app.is_alive(keeper.host, keeper.pid, keeper.boot_id)
    if alive is False or (alive is None and silent):
        return None
    return {
        "host": keeper.host,
        "pid": keeper.pid,
        "responding": not silent,
        "beat_age": max(0, (now_us - keeper.beat_us) // 1_000_000),
        "started_age": max(0, (now_us - keeper.started_us) // 1_000_000),
        "reading": bool(json.loads(keeper.doing).get("reading")),
    }


def _wrong(
    document: dict[str, Any],
    pulse: Pulse,
    limits: dict[str, float | None],
    daemon_wanted: bool,
    now_us: int,
) -> Iterator[str]:
    """What is not as it should be, one sentence each, the gravest first."""
    daemon = document["daemon"]
    if document["catalog"]["fault"] is not None:
        yield f"the catalog takes no writes: {document['catalog']['fault']}"
    if daemon is None:
        if daemon_wanted:
            yield "no daemon is running"
    elif not daemon["responding"]:
        yield f"the daemon (process {daemon['pid']}) has said nothing for {duration(daemon['beat_age'])}"
    started_us = pulse.keeper.started_us if pulse.keeper is not None else pulse.first_us or now_us
    for one in document["volumes"]:
        name = shown(one["name"])
        if not one["online"]:
            yield f"volume {name} is offline"
            continue
        since = one["scan_age"] if one["scan_age"] is not None else (now_us - started_us) // 1_000_000
        if _over(since, limits["scan"]):
            never = "" if one["scan_age"] is not None else "never, in "
            yield f"volume {name} was last scanned {never}{duration(since)}{'' if never else ' ago'}"
        if one["watching"] == "native" and _over(one["event_age"], limits["event"]):
            yield f"volume {name}: the last event was heard {duration(one['event_age'])} ago"
    read_age = document["read_age"]
    moves = bool(daemon and daemon["reading"]) or (read_age is not None and not _over(read_age, limits["queue"]))
    if not moves and _over(document["queue_age"], limits["queue"]):
        yield f"the queue does not move: something has been due for {duration(document['queue_age'])}"
    for name, what in _AGES:
        if _over(document[f"{name}_age"], limits[name]):
            yield f"{what} {duration(document[f'{name}_age'])} ago"
    if limits["messages"] is not None:
        for place in sorted({(one.route, one.place) for one in pulse.failed if one.given_up_us is not None}):
            yield f"messages to {place[0]} ({place[1]}) were given up"


def _over(age: int | None, limit: float | None) -> bool:
    return age is not None and limit is not None and age > limit


def _newest_backup_us(database: Database, configured: str | None) -> int | None:
    """When the newest backup of a SQLite catalog was made; None where there is none, or none is known of."""
    from assetwatch.catalog import backups

    if database.path is None:
        return None
    folders = (backups.folder_of(database, configured), database.path.parent)
    made = [made for folder in folders for made, _ in backups.kept(folder, database.path.name)[:1]]
    return microseconds(max(made).replace(tzinfo=UTC)) if made else None


def _line(document: dict[str, Any]) -> str:
    """The answer as monitoring systems of the Nagios kind read it: a word, what is wrong, and numbers after a bar."""
    numbers = {f"{name}_age": document[f"{name}_age"] for name, _ in _AGES}
    numbers["queue_age"] = document["queue_age"]
    numbers["scan_age"] = max((one["scan_age"] or 0 for one in document["volumes"]), default=None)
    told = " ".join(f"{name}={value}s" for name, value in numbers.items() if value is not None)
    told = f"unsent={document['unsent']} {told}".rstrip()
    if document["wrong"]:
        # A bar of their own would begin the numbers.
        return f"WRONG: {'; '.join(document['wrong']).replace('|', '/')} | {told}"
    online = sum(one["online"] for one in document["volumes"])
    return f"OK: {counted(online, 'volume')} online, {counted(document['unsent'], 'message')} unsent | {told}"


# -- metrics ------------------------------------------------------------------------------------------------------


@click.command("metrics")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.pass_context
def metrics_command(ctx: click.Context, output: Path | None) -> None:
    """Print metrics in Prometheus' text format, or write them to a file for its node exporter, at once and whole.

    \b
    Examples:
      assetwatch metrics
      assetwatch metrics -o /var/lib/prometheus/node-exporter/assetwatch.prom
    """
    from assetwatch.cli.output import catalog_of
    from assetwatch.notify import metrics

    text = metrics.exposition(catalog_of(ctx), SystemClock())
    if output is None:
        # As bytes: of a text, the library would take what looks like an escape out of a name.
        text = "\n".join(map(shown, text.split("\n"))) if sys.stdout.isatty() else text
        click.echo(text.encode(), nl=False)
        return
    try:
        metrics.write(output, text)
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}.") from None
