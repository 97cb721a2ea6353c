"""Where are the parts put together? From the command line's words and the configuration to a catalog and volumes."""

from __future__ import annotations

import gc
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assetwatch import __version__
from assetwatch.clock import Clock, SystemClock
from assetwatch.config import Config, VolumeSection, default_state_directory, load
from assetwatch.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from assetwatch.catalog.engine import Database
    from assetwatch.catalog.hold import Hold
    from assetwatch.catalog.rows import VolumeRow
    from assetwatch.daemon import Daemon
    from assetwatch.notify.teller import Teller
    from assetwatch.verify.order import Budget, Standing
    from assetwatch.verify.sweep import Sweep


#: Files that may be open at once, where the hard limit allows it. Each file that waits for its probe is open.
_OPEN_FILES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Setting:
    """What a command works with: the configuration, where it came from, and the catalog's place as given."""

    config: Config
    config_path: Path | None
    catalog: str | None

    @property
    def source(self) -> str:
        """The configuration's name in messages."""
        return str(self.config_path) if self.config_path else "the command line"


def settle_setting(config_path: str | None, catalog: str | None) -> Setting:
    """The setting from `--config` and `--catalog`. Raises ConfigError."""
    path = Path(config_path) if config_path else None
    config = load(path) if path else Config()
    return Setting(config, path, catalog or config.catalog.url)


def open_catalog(setting: Setting, clock: Clock, *, create: bool) -> Database:
    """Open the catalog of this setting. Raises CatalogError, UsageError."""
    from assetwatch.catalog.engine import open_database, parse_url

    return open_database(parse_url(setting.catalog, default_state_directory()), clock, create=create)


def sections(setting: Setting, directories: Sequence[str], settle: str | None = None) -> list[VolumeSection]:
    """The volumes that a command is about: the directories given, or else the configuration's.

    Raises UsageError when there are none, or a directory is not there.
    """
    if not directories:
        if not setting.config.volume:
            where = f"{setting.config_path} names no volume" if setting.config_path else "no configuration is given"
            raise UsageError(f"which directory? {where}: give one or more, as in `assetwatch scan /mnt/ingest`.")
        return list(setting.config.volume)
    by_root = {os.path.realpath(section.path): section for section in setting.config.volume}
    found: list[VolumeSection] = []
    for directory in directories:
        root = os.path.realpath(directory)
        if not os.path.isdir(root):
            kind = "is not a directory" if os.path.lexists(root) else "is not there"
            raise UsageError(f"{directory}: {kind}. Give a directory to watch.")
        section = by_root.get(root) or VolumeSection(name="", path=root, settle=settle or "10s")
        if all(os.path.realpath(other.path) != root for other in found):
            found.append(section)
    return found


def take_volumes(
    setting: Setting, database: Database, wanted: Sequence[VolumeSection]
) -> list[tuple[VolumeSection, int]]:
    """Enter volumes in the catalog: (section, volume id). Directories get a name of their own.

    Raises ConfigError when a configured directory is not there and never was; one that the catalog knows may be
    away: it is offline.
    """
    from msgspec.structs import replace

    from assetwatch.catalog import volumes
    from assetwatch.paths import from_os, to_os

    taken: list[tuple[VolumeSection, int]] = []
    with database.write() as connection:
        known = {row.name: row for row in volumes.all_volumes(connection)}
        for section in wanted:
            root = from_os(os.path.realpath(section.path))
            row = known.get(section.name) if section.name else None
            if not section.name:
                row = next((one for one in known.values() if one.root == root), None)
                section = replace(section, name=row.name if row else _free_name(root, known))
            if row is None and not os.path.isdir(to_os(root)):
                raise ConfigError(
                    f"{setting.source}: volume {section.name}: path: expected a directory, "
                    f"{section.path} is not there. Mount it or mend the path."
                )
            row = volumes.ensure(connection, section.name, root, section.project or setting.config.project)
            known[section.name] = row
            taken.append((section, row.id))
    return taken


def _free_name(root: str, taken: object) -> str:
    """A volume's name from its directory's, numbered where another volume has it."""
    from assetwatch.paths import shown

    base = shown(root).rstrip("/").rpartition("/")[2].replace(":", "-").strip() or "root"
    name, number = base, 1
    while name in taken:  # type: ignore[operator]
        number += 1
        name = f"{base}-{number}"
    return name


def make_daemon(
    setting: Setting,
    database: Database,
    taken: Sequence[tuple[VolumeSection, int]],
    kind: str,
    clock: Clock | None = None,
) -> Daemon:
    """The loop over these volumes, which are held from now on. `kind` is `run` or `scan`.

    Raises HeldError when another program has one of them in care.
    """
    from assetwatch.catalog import volumes
    from assetwatch.catalog.files import Ids
    from assetwatch.catalog.hold import hold
    from assetwatch.checksum.pool import ReaderPool
    from assetwatch.daemon import Daemon
    from assetwatch.ingest.care import Care
    from assetwatch.ingest.draw import Draughtsman
    from assetwatch.ingest.reading import CAPACITY, ReadingRoom, worth_opening
    from assetwatch.media.probe import Prober
    from assetwatch.units import microseconds

    capacity = max(16, min(CAPACITY, _allow_open_files() // 2 - 64))
    # Readers let go of the interpreter at each system call, and would wait 5 ms for it back while rows are made.
    sys.setswitchinterval(0.0005)
    # Rows are made by the million and hold no cycles: a full collection would go through them all while threads wait.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    clock = clock or SystemClock()
    with database.read() as connection:
        rows = {row.id: row for row in volumes.all_volumes(connection)}
    holds: list[Hold] = []
    try:
        for _, volume_id in taken:
            holds.append(hold(database, rows[volume_id]))
    except BaseException:
        for one in holds:
            one.release()
        raise
    now_us = microseconds(clock.now())
    with database.write() as connection:
        keeper_id = volumes.enter_keeper(connection, _keeper(kind, now_us))
        for _, volume_id in taken:
            volumes.set_values(connection, volume_id, {"keeper_id": keeper_id, "scan_wanted_us": None})
    wake = threading.Event()
    ids = Ids()
    config = setting.config
    pool = ReaderPool(
        config.checksum.workers if isinstance(config.checksum.workers, int) else None,
        clock,
        capacity=capacity,
        wake=wake.set,
        worth_keeping=worth_opening,
    )
    prober = Prober(
        workers=config.probe.workers if isinstance(config.probe.workers, int) else None,
        time_limit_seconds=config.probe.time_limit_seconds,
        clock=clock,
        wake=wake.set,
    )
    cares = [
        Care(database, ids, clock, section, rows[volume_id], wake, watched=kind == "run")
        for section, volume_id in taken
    ]
    reading = ReadingRoom(
        database,
        ids,
        pool,
        prober,
        config.checksum.algorithms,
        {care.id: care.intake for care in cares},
        clock,
        capacity,
    )
    return Daemon(
        database=database,
        clock=clock,
        wake=wake,
        keeper_id=keeper_id,
        cares=cares,
        reading=reading,
        draughtsman=Draughtsman(ids, clock),
        closers=[pool.close, prober.close, *(one.release for one in holds)],
        make_teller=partial(_make_teller, config, database, clock, keeper_id) if kind == "run" else None,
    )


def _make_teller(config: Config, database: Database, clock: Clock, keeper_id: int) -> Teller:
    """What has people told of what cannot wait, and its thread where there is anybody to tell."""
    from assetwatch.notify.teller import Teller

    teller = Teller(database, config, clock, keeper_id=keeper_id)
    teller.start()
    return teller


def make_sweep(
    setting: Setting,
    database: Database,
    budget: Budget,
    names: Sequence[str] = (),
    clock: Clock | None = None,
) -> Sweep:
    """A sweep over the volumes named, or over those of the configuration, or over all that the catalog knows.

    Raises UsageError where there is none of that name, HeldError when another sweep is at one of them.
    """
    from assetwatch.catalog import volumes
    from assetwatch.catalog.hold import hold
    from assetwatch.config import parse_hours, show_zone
    from assetwatch.units import microseconds
    from assetwatch.verify.order import Swept
    from assetwatch.verify.sweep import Sweep

    sys.setswitchinterval(0.0005)  # as for the daemon
    clock = clock or SystemClock()
    config = setting.config
    with database.read() as connection:
        rows = {row.name: row for row in volumes.all_volumes(connection)}
    wanted = list(dict.fromkeys(names)) or [one.name for one in config.volume if one.name in rows] or list(rows)
    for name in wanted:
        if name not in rows:
            raise UsageError(f"the catalog knows no volume {name!r}; it knows {', '.join(sorted(rows)) or 'none'}.")
    if not wanted:
        raise UsageError("the catalog knows no volume yet: nothing to check. `assetwatch scan DIR` enters one.")
    sections = {section.name: section for section in config.volume}
    swept = []
    for name in wanted:
        section = sections.get(name) or VolumeSection(name=name, path=rows[name].root)
        quiet = tuple(parse_hours(text) for text in section.quiet or config.verify.quiet)
        swept.append(Swept(rows[name], quiet, _standing_of(database, rows[name], section)))
    holds: list[Hold] = []
    try:
        for one in swept:
            holds.append(hold(database, one.row, "check"))
        now_us = microseconds(clock.now())
        with database.write() as connection:
            keeper_id = volumes.enter_keeper(connection, _keeper("verify", now_us))
            volumes.beat(connection, keeper_id, now_us, {"volumes": [one.row.id for one in swept]})
    except BaseException:
        for held in holds:
            held.release()
        raise
    workers = config.checksum.workers
    return Sweep(
        database,
        clock,
        swept,
        budget,
        zone=show_zone(config),
        keeper_id=keeper_id,
        workers=workers if isinstance(workers, int) else None,
        closers=[held.release for held in holds],
    )


def _standing_of(database: Database, row: VolumeRow, section: VolumeSection) -> Callable[[], Standing]:
    """What asks whether a volume is there, by the rules of the daemon's guard; nothing is written."""
    from assetwatch.catalog import volumes
    from assetwatch.ingest.ignore import Ignore
    from assetwatch.ingest.volume import VolumeIdentity, VolumeLook, inodes_last, judge
    from assetwatch.paths import to_os
    from assetwatch.verify.order import Standing

    ignore = Ignore(section.ignore)
    marker = section.guard.removeprefix("marker:") if section.guard.startswith("marker:") else None
    look = VolumeLook(to_os(row.root), marker, lambda name, is_folder: ignore.rule(name, name, is_folder) is not None)

    def standing() -> Standing:
        seen = look.observe(5.0)
        with database.read() as connection:
            known_files = volumes.known_files(connection, row.id)
            now = next((one for one in volumes.all_volumes(connection) if one.id == row.id), row)
        identity = None if now.identity is None else VolumeIdentity.from_json(now.identity)
        judgement = judge(identity, seen, known_files, section.guard, name=row.name)
        if not judgement.online or judgement.identity is None:
            return Standing(False, judgement.reason)
        major, _, minor = judgement.identity.device.partition(":")
        device = os.makedev(int(major), int(minor))
        return Standing(True, "", inodes_last(judgement.identity.fs_type), device)

    return standing


def _keeper(kind: str, now_us: int) -> dict[str, object]:
    """A row of `keeper` for this program."""
    return {
        "kind": kind,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "boot_id": boot_id(),
        "version": __version__,
        "started_us": now_us,
        "beat_us": now_us,
    }


def _allow_open_files() -> int:
    """Have as many files open as the machine allows: a shell's soft limit is kept low for select(2). How many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return _OPEN_FILES if soft == resource.RLIM_INFINITY else soft


def boot_id() -> str:
    """The machine's present boot (random(4)); empty where it cannot be read."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def is_alive(host: str, pid: int, keeper_boot_id: str) -> bool | None:
    """Whether a keeper's process still runs; None where that cannot be known: on another machine."""
    if host != socket.gethostname():
        return None
    now = boot_id()
    if now and keeper_boot_id and now != keeper_boot_id:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
