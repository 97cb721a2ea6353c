"""How does the daemon run in the foreground: its signals, its reload, its word to systemd?"""

from __future__ import annotations

import logging
import signal
import threading

import click

from assetwatch import __version__, app, log, sdnotify
from assetwatch.cli.output import setting_of
from assetwatch.clock import SystemClock
from assetwatch.config import VolumeSection
from assetwatch.errors import AssetwatchError, ConfigError, HeldError, UsageError
from assetwatch.units import counted, parse_duration

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
        self._database = app.open_catalog(self._setting, self._clock, create=True)
        self._ctx.call_on_close(self._database.close)
        before: app.Setting | None = None
        while not self._stop.is_set():
            # Each turn of this loop is one configuration in force.
            try:
                taken = self._take_volumes(self._setting)
                daemon = app.make_daemon(self._setting, self._database, taken, "run", self._clock)
            except (UsageError, ConfigError, HeldError) as error:
                if before is None:
                    raise
                self._refuse(error)
                self._setting, before = before, None
                continue
            before = self._setting
            self._wake = daemon.wake
            _log.info(
                "assetwatch %s watches %s; catalog %s",
                __version__,
                ", ".join(f"{section.name} ({section.path})" for section, _ in taken),
                self._database.shown,
            )
            sdnotify.notify(ready=1, status=f"watching {counted(len(taken), 'volume')}")
            try:
                daemon.run(self._stop, self._reload, self._take_new_configuration)
            finally:
                if self._stop.is_set():
                    sdnotify.notify(stopping=1, status="stopping")
                daemon.close()
        _log.info("stopped")

    def _take_volumes(self, setting: app.Setting) -> list[tuple[VolumeSection, int]]:
        """The volumes of a setting, entered in the catalog. Raises UsageError, ConfigError."""
        sections = app.sections(setting, self._directories, self._settle)
        return app.take_volumes(setting, self._database, sections)

    def _take_new_configuration(self) -> bool:
        """Read the configuration again; whether another one is to be put in force."""
        sdnotify.notify(reloading=1, monotonic_usec=round(self._clock.monotonic() * 1_000_000))
        try:
            fresh = setting_of(self._ctx)
            self._take_volumes(fresh)
        except (UsageError, ConfigError) as error:
            self._refuse(error)
            return False
        if fresh.catalog != self._setting.catalog:
            _log.error("another catalog takes effect at the next start, not by a reload; the old one stays in use")
        sdnotify.notify(ready=1)
        if fresh == self._setting:
            return False
        self._setting = fresh
        _log.info("the new configuration is in force")
        return True

    @staticmethod
    def _refuse(error: AssetwatchError) -> None:
        """Say that a configuration is wrong, and that the one before stays in force."""
        _log.error("the new configuration is refused, the old one stays in force: %s", error)
        sdnotify.notify(ready=1, status=f"configuration refused: {error}")
