"""How does the daemon run in the foreground: its signals, its reload, its word to systemd?"""

from __future__ import annotations

import logging
import signal
import threading

import click

from assetwatch import __version__, app, log, sdnotify
from assetwatch.cli.output import setting_of
from assetwatch.clock import SystemClock
from assetwatch.errors import AssetwatchError, UsageError
from assetwatch.units import parse_duration

_log = logging.getLogger("assetwatch")


@click.command("run")
@click.argument("directories", nargs=-1, metavar="[DIR]...")
@click.option("--settle", metavar="TIME", help="How long a file must be unchanged before it is read. [10s]")
@click.pass_context
def run_command(ctx: click.Context, directories: tuple[str, ...], settle: str | None) -> None:
    """Watch volumes in the foreground until told to stop. Without DIR the configured volumes are watched.

    Signals: TERM and INT stop within seconds, whatever is being read; HUP reads the configuration again (a wrong one is
    refused, and the old one stays in force) and scans every volume.

    \b
    Examples:
      assetwatch run /mnt/ingest
      assetwatch --config /etc/assetwatch/show.toml run
    """
    given = ctx.obj or {}
    log.set_up(given.get("verbosity", 0))
    try:
        parse_duration(settle or "1s")
    except ValueError as error:
        raise UsageError(f"--settle: {error}") from None
    service = _Service(ctx, directories, settle)
    for number, handler in (
        (signal.SIGTERM, service.on_stop),
        (signal.SIGINT, service.on_stop),
        (signal.SIGHUP, service.on_reload),
    ):
        signal.signal(number, handler)
    service.run()


class _Service:
    """The daemon from start to stop, through as many configurations as it is given meanwhile."""

    def __init__(self, ctx: click.Context, directories: tuple[str, ...], settle: str | None) -> None:
        self._ctx = ctx
        self._directories = directories
        self._settle = settle
        self._clock = SystemClock()
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._wake = threading.Event()
        self._setting = setting_of(ctx)

    def on_stop(self, *_: object) -> None:
        """SIGTERM or SIGINT came."""
        self._stop.set()
        self._wake.set()

    def on_reload(self, *_: object) -> None:
        """SIGHUP came."""
        self._reload.set()
        self._wake.set()

    def run(self) -> None:
        """Watch until told to stop. Raises AssetwatchError where that cannot be begun or gone on with."""
        database = app.open_catalog(self._setting, self._clock, create=True)
        self._ctx.call_on_close(database.close)
        while not self._stop.is_set():
            # Each turn of this loop is one configuration in force.
            sections = app.sections(self._setting, self._directories, self._settle)
            taken = app.take_volumes(self._setting, database, sections)
            daemon = app.make_daemon(self._setting, database, taken, "run", self._clock)
            self._wake = daemon.wake
            _log.info(
                "assetwatch %s watches %s; catalog %s",
                __version__,
                ", ".join(f"{section.name} ({section.path})" for section, _ in taken),
                database.shown,
            )
            sdnotify.notify(ready=1, status=f"watching {len(taken)} volumes")
            try:
                daemon.run(self._stop, self._reload, self._take_new_configuration)
            finally:
                if self._stop.is_set():
                    sdnotify.notify(stopping=1, status="stopping")
                daemon.close()
        _log.info("stopped")

    def _take_new_configuration(self) -> bool:
        """Read the configuration again; whether another one is to be put in force."""
        sdnotify.notify(reloading=1, monotonic_usec=round(self._clock.monotonic() * 1_000_000))
        try:
            fresh = setting_of(self._ctx)
            app.sections(fresh, self._directories, self._settle)
        except AssetwatchError as error:
            _log.error("the new configuration is refused, the old one stays in force: %s", error)
            sdnotify.notify(ready=1, status=f"configuration refused: {error}")
            return False
        if fresh.catalog != self._setting.catalog:
            _log.error("another catalog takes effect at the next start, not by a reload; the old one stays in use")
        sdnotify.notify(ready=1)
        if fresh == self._setting:
            return False
        self._setting = fresh
        _log.info("the new configuration is in force")
        return True
