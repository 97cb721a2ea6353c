"""What is wrong with the set-up, and which line mends it? Looks at everything, changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from assetwatch import app
from assetwatch.cli import machine, service, storage
from assetwatch.cli.machine import Finding
from assetwatch.cli.output import catalog_of, console, json_option, setting_of, write_json
from assetwatch.cli.storage import text_of
from assetwatch.clock import SystemClock
from assetwatch.config import LOCAL_TIME, VolumeSection, default_state_directory
from assetwatch.errors import CatalogError, ConfigError, UsageError, VolumeError
from assetwatch.paths import shown, to_os
from assetwatch.units import microseconds, rfc3339, size

if TYPE_CHECKING:
    from assetwatch.catalog.engine import Database
    from assetwatch.catalog.rows import VolumeRow
    from assetwatch.catalog.volumes import AlertRow, KeeperRow

#: A daemon that has not said anything for so long does not work any more (microseconds).
_SILENT_US: Final = 60_000_000
#: An older backup than this is one that was not made for a night or two.
_BACKUP_AGE: Final = timedelta(days=2)
#: Below so much free space the catalog will soon not be writable, and below so much it may not be able to grow (bytes).
_SPACE_LEAST, _SPACE_LOW = 100_000_000, 1_000_000_000

#: File systems over which another machine may write to the same file: SQLite's locks and its WAL need shared memory.
_SHARED: Final = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2", "beegfs", "gpfs", "pvfs2"]
) | frozenset(["fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs"])

_WORDS: Final = {"ok": "[green]ok[/]", "warning": "[yellow]warn[/]", "wrong": "[bold red]wrong[/]"}


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalog says, as far as it could be asked."""

    rows: Sequence[VolumeRow] = ()
    files: dict[int, int] = field(default_factory=dict)
    folders: dict[int, int] = field(default_factory=dict)
    alerts: Sequence[AlertRow] = ()
    keeper: KeeperRow | None = None
    newest_us: int | None = None


@click.command("doctor")
@click.option(
    "--accept-volume",
    metavar="NAME",
    help="Say that what this volume holds now is right: another disk, or a great loss. Nothing else is done.",
)
@json_option
@click.pass_context
def doctor_command(ctx: click.Context, accept_volume: str | None, as_json: bool) -> None:
    """Check configuration, catalog, volumes, kernel limits and libraries; for each fault print the line that mends it.

    Nothing is changed or made. Everything is seen as the user who asks: run it as the service's user, with the
    service's configuration. Exits with 1 when something is wrong, 2 when it is the configuration.

    \b
    Examples:
      assetwatch --config /etc/assetwatch/assetwatch.toml doctor
      assetwatch doctor --json | jq '.checks[] | select(.state != "ok")'
      assetwatch doctor --accept-volume ingest
    """
    if accept_volume is not None:
        _accept(ctx, accept_volume, as_json)
        return
    setting, config_fault = None, None
    try:
        setting = setting_of(ctx)
    except ConfigError as error:
        config_fault = error
    findings = list(_examine(setting, config_fault))
    if as_json:
        write_json(
            {
                "checks": [
                    {"name": shown(one.name), "state": one.state, "text": shown(one.text), "remedy": one.remedy}
                    for one in findings
                ]
            }
        )
    else:
        _print(findings)
    wrong = any(one.state == "wrong" for one in findings)
    ctx.exit(2 if config_fault else 1 if wrong else 0)


def _examine(setting: app.Setting | None, config_fault: ConfigError | None) -> Iterator[Finding]:
    """All findings. Without a setting only what does not depend on one."""
    clock = SystemClock()
    known = _Known()
    native_folders, native_volumes = 0, 0
    if setting is None:
        mend = "mend the file; what depends on it was not checked"
        yield Finding("configuration", "wrong", str(config_fault), mend)
    else:
        yield from _configuration(setting)
        database, findings = _catalog(setting)
        try:
            if database is not None:
                known = _ask(database)
                findings += _backups(setting, database, clock.now())
        except CatalogError as error:
            findings.append(Finding("catalog", "wrong", str(error), "`assetwatch catalog check` tells more"))
        finally:
            if database is not None:
                database.close()
        yield from findings
        yield _daemon(known, microseconds(clock.now()), bool(setting.config.volume or known.rows))
        offline: set[int] = set()
        for section, row in storage.all_volumes(setting.config, known.rows):
            configured = section in setting.config.volume
            cared_for = configured or not setting.config.volume
            count = 0 if row is None else known.files[row.id]
            try:
                here, native, some = storage.volume(section, row, count, known.rows, cared_for)
            except VolumeError as error:
                here, native, some = True, False, [Finding(f"volume {section.name}", "wrong", str(error))]
            if not here and row is not None:
                offline.add(row.id)
            if native:
                native_volumes += 1
                native_folders += known.folders.get(row.id, 0) if row else 0
            yield from some
        yield from _alerts(known, offline)
        if setting.config_path is not None:
            yield from _notify(setting)
    from assetwatch.ingest.inotify import limit

    limits = {name: limit(name) for name in ("max_user_watches", "max_user_instances", "max_queued_events")}
    yield from machine.inotify(native_folders, native_volumes, limits)
    yield machine.open_files()
    yield machine.media_info(clock)
    yield machine.writers_are_known()
    yield machine.wall_clock(clock, known.newest_us)
    yield from service.findings(setting)


# -- configuration ----------------------------------------------------------------------------------------------


def _configuration(setting: app.Setting) -> Iterator[Finding]:
    config = setting.config
    if setting.config_path is None:
        text = "none is given; directories are named to `assetwatch run` and `assetwatch scan`"
        yield Finding("configuration", "ok", text)
        return
    count = len(config.volume)
    text = f"{setting.config_path}: {count} volume{'' if count == 1 else 's'}"
    if count:
        yield Finding("configuration", "ok", text)
    else:
        yield Finding("configuration", "warning", text, f"add a [[volume]] with name and path to {setting.config_path}")
    zone = "the machine's own" if config.time_zone == LOCAL_TIME else config.time_zone
    yield Finding("time zone", "ok", f"text shows times of {zone}")
    yield from storage.roots(config)


# -- catalog ----------------------------------------------------------------------------------------------------


def _catalog(setting: app.Setting) -> tuple[Database | None, list[Finding]]:
    """The catalog, open and as it is (never made, never migrated), or None; and what was found on the way."""
    from assetwatch.catalog.engine import HEAD, Database, parse_url, revision_of

    found: list[Finding] = []
    try:
        url = parse_url(setting.catalog, default_state_directory())
        path = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
        if path is not None:
            found += _place(path)
            if not path.exists() or (path.is_file() and path.stat().st_size == 0):
                text = f"{text_of(path)}: there is none yet; the first `assetwatch scan` or `run` makes it"
                return None, [Finding("catalog", "ok", text), *found]
            if path.is_dir():
                text = f"{text_of(path)}: the catalog must be a file, this is a directory"
                return None, [Finding("catalog", "wrong", text, "name a file in [catalog] url or --catalog"), *found]
        database = Database(url)
        revision = revision_of(database)
    except UsageError as error:
        return None, [Finding("catalog", "wrong", str(error), _install(str(error))), *found]
    except (CatalogError, OSError) as error:
        mend = "see that it can be reached and read, or give another with [catalog] url or --catalog"
        return None, [Finding("catalog", "wrong", str(error), mend), *found]
    if revision == HEAD:
        return database, [Finding("catalog", "ok", f"{database.shown}: schema {revision}"), *found]
    if revision is None:
        one = Finding("catalog", "ok", f"{database.shown}: empty; the first `assetwatch scan` or `run` fills it")
    elif revision > HEAD:
        text = f"{database.shown}: written by a newer assetwatch (schema {revision}, this one knows up to {HEAD})"
        one = Finding("catalog", "wrong", text, "upgrade assetwatch on this machine")
    else:
        text = (
            f"{database.shown}: schema {revision} is older than {HEAD}; it is upgraded when next opened, after a backup"
        )
        one = Finding("catalog", "warning", text, "at a time of your own: `assetwatch catalog upgrade`")
    database.close()
    return None, [one, *found]


def _install(message: str) -> str:
    if "not installed" in message:
        return "`pip install 'assetwatch[postgresql]'`"
    return "mend [catalog] url, --catalog or ASSETWATCH_CATALOG"


def _place(path: Path) -> Iterator[Finding]:
    """The disk under a SQLite catalog: local, writable, with room."""
    from assetwatch.ingest import mounts

    folder = next(one for one in (path.parent, *path.parent.parents) if one.exists())
    mount = mounts.mount_of(os.path.realpath(folder), mounts.read_mounts())
    kind = mount.fs_type if mount else "unknown"
    elsewhere = "put it on a local disk: [catalog] url, --catalog or ASSETWATCH_CATALOG; or use PostgreSQL"
    where = text_of(folder)
    if kind in _SHARED:
        text = f"{where} is on {kind}: SQLite on a network file system loses data"
        yield Finding("catalog disk", "wrong", text, elsewhere)
    elif mounts.watch_mode(kind) == "poll":
        text = f"{where} is on {kind}, of which it is not known whether it keeps SQLite's locks"
        yield Finding("catalog disk", "warning", text, elsewhere)
    denied = next(
        (one for one in (path, folder) if one.exists() and not os.access(one, os.W_OK, effective_ids=True)), None
    )
    if denied is not None:
        text = f"{text_of(denied)} cannot be written by {machine.user()}"
        mend = f"`chown` it to the user that assetwatch runs as (its folder {where} too), or mount it writable"
        yield Finding("catalog disk", "wrong", text, mend)
    free = shutil.disk_usage(folder).free
    wanted = max(_SPACE_LOW, path.stat().st_size if path.is_file() else 0)
    text = f"{size(free)} are free at {where} ({kind})"
    if free < wanted:
        state: machine.State = "wrong" if free < _SPACE_LEAST else "warning"
        mend = f"free some: {size(wanted)} leave room for the backup before an upgrade"
        yield Finding("catalog disk", state, text, mend)
    elif denied is None and mounts.watch_mode(kind) == "native":
        yield Finding("catalog disk", "ok", text)


def _backups(setting: app.Setting, database: Database, now: datetime) -> Iterator[Finding]:
    """How old the newest backup is, where there should be one each night."""
    from assetwatch.catalog import backups

    if database.path is None or setting.config_path is None:
        return
    folder = backups.folder_of(database, setting.config.catalog.backups)
    made = [instant for instant, _ in backups.kept(folder, database.path.name)]
    mend = "`assetwatch report nightly` makes one each night; by hand `assetwatch catalog backup`"
    if not made:
        yield Finding("catalog backup", "ok", f"there is none in {text_of(folder)} yet", mend)
        return
    age = now.replace(tzinfo=None) - made[0]
    text = f"{len(made)} in {text_of(folder)}, the newest of {rfc3339(microseconds(made[0].replace(tzinfo=UTC)))}"
    if age > _BACKUP_AGE:
        yield Finding("catalog backup", "warning", text, mend)
    else:
        yield Finding("catalog backup", "ok", text)


def _ask(database: Database) -> _Known:
    from assetwatch.catalog import queries, volumes

    with database.read() as connection:
        rows = volumes.all_volumes(connection)
        keeper = volumes.latest_keeper(connection, "run")
        scans = {row.id: queries.last_run(connection, "scan", row.id) for row in rows}
        instants = [row.last_scan_us for row in rows] + [keeper.beat_us if keeper else None]
        return _Known(
            rows=rows,
            files={row.id: volumes.known_files(connection, row.id) for row in rows},
            folders={
                row.id: max(int(((scans[row.id] or {}).get("counts") or {}).get("folders", 0)), row.watches)
                for row in rows
            },
            alerts=volumes.open_alerts(connection),
            keeper=keeper,
            newest_us=max((one for one in instants if one is not None), default=None),
        )


def _daemon(known: _Known, now_us: int, has_volumes: bool) -> Finding:
    keeper = known.keeper
    start = "`systemctl start assetwatch`, or `assetwatch run` in the foreground"
    alive = keeper and keeper.stopped_us is None and app.is_alive(keeper.host, keeper.pid, keeper.boot_id)
    silent = keeper is not None and now_us - keeper.beat_us > _SILENT_US
    if keeper is None or keeper.stopped_us is not None or alive is False or (alive is None and silent):
        text = "none is running: nothing is being watched" if has_volumes else "none is running"
        return Finding("daemon", "warning" if has_volumes else "ok", text, start if has_volumes else None)
    who = f"process {keeper.pid} on {keeper.host}, version {keeper.version}"
    if silent:
        text = f"{who} has said nothing since {rfc3339(keeper.beat_us)}"
        return Finding("daemon", "wrong", text, "see its log; `systemctl restart assetwatch`")
    return Finding("daemon", "ok", f"{who}, running since {rfc3339(keeper.started_us)}")


def _alerts(known: _Known, offline: set[int]) -> Iterator[Finding]:
    """What the daemon or a scan raised and nobody has ended; not what was said of a volume already."""
    for alert in known.alerts:
        if alert.kind == "volume_offline" and alert.volume_id in offline:
            continue
        since = f"since {rfc3339(alert.opened_us)}: {alert.text}"
        if alert.kind == "volume_offline":
            mend = "it is there now: a running daemon takes it up in seconds, else `assetwatch scan` does"
            yield Finding("alert", "warning", since, mend)
        else:
            yield Finding("alert", "wrong" if alert.kind == "mass_loss" else "warning", since)


def _notify(setting: app.Setting) -> Iterator[Finding]:
    """Whether word would reach people."""
    from assetwatch.notify.check import check

    yield from (Finding(one.name, one.state, one.text, one.remedy) for one in check(setting.config))


# -- what a person says -----------------------------------------------------------------------------------------


def _accept(ctx: click.Context, name: str, as_json: bool) -> None:
    """Note in the catalog that what a volume holds now is right. Raises UsageError, VolumeError."""
    from assetwatch.catalog import volumes

    setting = setting_of(ctx)
    database = catalog_of(ctx)
    now_us = microseconds(SystemClock().now())
    with database.read() as connection:
        rows = {row.name: row for row in volumes.all_volumes(connection)}
        keeper = volumes.latest_keeper(connection, "run")
    if name not in rows:
        raise UsageError(f"--accept-volume {name!r}: the catalog knows these volumes: {', '.join(rows) or 'none'}.")
    row = rows[name]
    section = next((one for one in setting.config.volume if one.name == name), None)
    seen = storage.look(section or VolumeSection(name=name, path=to_os(row.root)))
    if seen.fault is not None:
        raise VolumeError(f"volume {name}: nothing was accepted, for nothing can be seen: {seen.fault}.")
    with database.write() as connection:
        volumes.set_values(connection, row.id, {"accepted_us": now_us})
    daemon = row.keeper_id is not None and keeper is not None and keeper.id == row.keeper_id
    running = daemon and keeper is not None and app.is_alive(keeper.host, keeper.pid, keeper.boot_id) is not False
    if as_json:
        write_json({"volume": name, "root": shown(row.root), "accepted_at": rfc3339(now_us), "daemon": running})
        return
    click.echo(f"Accepted: what is at {shown(row.root)} now is volume {shown(name)}.")
    click.echo("If it is another disk, it is the volume from now on. Files that are gone will be called missing,")
    click.echo("after a second look. What was recorded of them is kept.")
    click.echo("The daemon takes it up within seconds." if running else "The next `run` or `scan` takes it up.")


# -- output -----------------------------------------------------------------------------------------------------


def _print(findings: Sequence[Finding]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=22)
    table.add_column(overflow="fold", ratio=1)
    for one in findings:
        text = escape(shown(one.text))
        if one.remedy is not None:
            text += f"\n[bold]-> {escape(shown(one.remedy))}[/]" if one.state != "ok" else f"\n-> {escape(one.remedy)}"
        table.add_row(_WORDS[one.state], escape(shown(one.name)), text)
    console().print(table)
    wrong = sum(one.state == "wrong" for one in findings)
    warnings = sum(one.state == "warning" for one in findings)
    click.echo(f"{wrong} wrong, {warnings} to be looked at, {len(findings) - wrong - warnings} as they should be.")
