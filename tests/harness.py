"""How is the whole loop put on a bench: a real volume, a real catalog, and a clock that is moved by hand?

The file system's own times come from the kernel, whose clock nobody moves. A bench's clock is therefore kept at or
ahead of it (`ctime` proves that a file rests), or an hour behind it (`ctime` lies in the future and proves nothing:
what counts is two looks by our own clock).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import xxhash
from sqlalchemy import func, select

from assetwatch import app
from assetwatch.catalog import contents, files, queries, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database, open_database, parse_url
from assetwatch.catalog.rows import FILES, FileRow, VolumeRow, file_rows
from assetwatch.clock import FakeClock
from assetwatch.config import ChecksumSection, Config, VolumeSection
from assetwatch.daemon import Daemon
from assetwatch.ingest.care import Care
from assetwatch.ingest.hints import Batch, Hints, Last, PendingHints
from assetwatch.ingest.watch import WatchState
from assetwatch.paths import from_os, join
from assetwatch.units import microseconds
from tests.fakes import FakeProber


class State(NamedTuple):
    """What the catalog says of one file."""

    presence: str
    integrity: str
    digests: dict[str, str]


class BenchClock(FakeClock):
    """A clock moved by hand that is never behind the kernel's by more than `lag_s` seconds."""

    def __init__(self, lag_s: float) -> None:
        self.lag_s = lag_s
        self._lag = timedelta(seconds=lag_s)
        super().__init__(datetime.now(UTC) - self._lag)

    def keep_up(self) -> None:
        """Go on to where the kernel's clock is, less the lag."""
        behind = (datetime.now(UTC) - self._lag - self.now()).total_seconds()
        if behind > 0:
            self.advance(behind)


class Ear:
    """A watcher that hears what a test tells it, in place of the kernel; the rest of `Watcher` as it is."""

    def __init__(self) -> None:
        self._pending = PendingHints()
        self.ignored: Callable[[str, bool], bool] = lambda _path, _folder: False
        self.open_files: set[str] = set()
        self.alive = True
        self.starts = 0
        self.refreshes = 0

    def start(self) -> None:
        """Begin, with the scan that a beginning asks for."""
        self.alive = True
        self.starts += 1
        self._pending.add(Batch(full_scan="watching has begun"))

    def stop(self) -> None:
        """Nothing comes in any more."""
        self._pending.take(lambda _path, _folder: False)

    def refresh(self) -> None:
        """Count the walks asked for."""
        self.refreshes += 1

    def tell(
        self, paths: Iterable[str] = (), folders: Iterable[str] = (), full: str | None = None, last: Last = Last.CLOSED
    ) -> None:
        """Let hints be heard; names as `os` functions give them."""
        self._pending.add(Batch(dict.fromkeys(paths, last), dict.fromkeys(folders, "told by the test"), full))

    def drain(self) -> Hints:
        """As `Watcher.drain`."""
        return self._pending.take(self.ignored)

    def may_be_open(self, path: str) -> bool:
        """As `Watcher.may_be_open`."""
        return path in self.open_files

    def state(self) -> WatchState:
        """As `Watcher.state`."""
        reason = None if self.alive else "the test ended it"
        return WatchState(self.alive, reason, True, False, 1, 8192, False, 0, None, ())


class Bench:
    """One volume in care, in `folder`: the volume itself in `volume/`, its catalog in `catalog.db`.

    `kind` as for `make_daemon`: `scan` hears nothing, `run` listens to the kernel. With `ear` the volume is heard
    through what the test tells. `lag_s` puts the bench's clock behind the kernel's (see above).
    """

    def __init__(
        self,
        folder: Path,
        *,
        kind: str = "scan",
        ear: bool = False,
        lag_s: float = 0.0,
        settle: str = "10s",
        algorithms: tuple[str, ...] = ("xxh128",),
        root: Path | None = None,
        **section: Any,
    ) -> None:
        self.root = root or folder / "volume"
        self.root.mkdir(exist_ok=True)
        self.clock = BenchClock(lag_s)
        self.kind = "run" if ear else kind
        self.ear = Ear() if ear else None
        self.prober = FakeProber()
        section = {"watch": "native" if ear else "auto", **section}
        self.section = VolumeSection(name="V", path=str(self.root), settle=settle, **section)
        config = Config(volume=(self.section,), checksum=ChecksumSection(algorithms=algorithms))
        self.setting = app.Setting(config, None, str(folder / "catalog.db"))
        self.database = open_catalog(folder / "catalog.db", self.clock)
        self.daemon = self._make()

    def _make(self) -> Daemon:
        taken = app.take_volumes(self.setting, self.database, [self.section])
        daemon = app.make_daemon(self.setting, self.database, taken, self.kind, self.clock)
        daemon._reading._prober = self.prober  # type: ignore[assignment]
        ear = self.ear
        if ear is not None:
            care = daemon.cares[0]

            ear.ignored = care._ignore.passes_over

            def listen() -> None:
                care._watcher = ear  # type: ignore[assignment]
                ear.start()

            care._start_watching = listen  # type: ignore[method-assign]
        return daemon

    # -- the machine it runs on

    @property
    def care(self) -> Care:
        """The volume in care."""
        return self.daemon.cares[0]

    def crash(self) -> None:
        """End as by SIGKILL: the kernel takes threads and locks away, and nothing more is written."""
        for care in self.daemon.cares:
            care._stop_watching()
        if self.daemon._comparer is not None:
            self.daemon._comparer.close()
        for closer in self.daemon._closers:
            closer()

    def start(self) -> None:
        """Begin anew on the same catalog, as the next program does."""
        held, self.prober = self.prober.held, FakeProber(self.prober._answer)
        self.prober.held = held
        if self.ear is not None:
            self.ear = Ear()
        self.daemon = self._make()

    def restart(self) -> None:
        """A clean stop, and begin anew."""
        self.daemon.close()
        self.start()

    def close(self) -> None:
        """A clean stop for good."""
        self.daemon.close()
        self.database.close()

    # -- time

    def tick(self) -> float:
        """One turn of the loop."""
        self.clock.keep_up()
        return self.daemon.tick()

    def work(self) -> None:
        """Turn until nothing is to be done at this moment; the clock stands still but for what the work takes."""
        for _ in range(5_000):
            wait = self.tick()
            if wait == 0:
                continue
            if not self._being_read():
                return
            self.daemon.wake.wait(0.005)
            self.daemon.wake.clear()
        raise AssertionError("the loop finds no rest: it turns again and again at one moment")

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in steps as the loop asks for them."""
        until = self.clock.monotonic() + seconds
        while True:
            self.work()
            left = until - self.clock.monotonic()
            if left <= 0:
                return
            self.clock.advance(min(left, max(0.05, self.tick())))

    def skip_time(self, seconds: float) -> None:
        """Let time pass at one stroke, as for a machine that slept."""
        self.clock.advance(seconds)
        self.work()

    def quiesce(self, *, scan: bool = False) -> None:
        """Let time pass until nothing is owed to any file; with `scan` after a look at everything."""
        if scan:
            self.care.ask_scan("the test wants to know")
        self.work()
        for _ in range(2_000):
            if self.is_quiet():
                return
            self.clock.advance(max(0.05, self.tick()))
            self.work()
        raise AssertionError(f"the loop does not come to rest: {self.owed()}")

    def is_quiet(self) -> bool:
        """Whether nothing is waited for. Unreadable files are tried again for ever: they are not waited for."""
        if self._being_read() or self.daemon._stale or self.daemon._promises or self.daemon._owed:
            return False
        if not self.care.online:
            return True
        return not self.care.scanning and self.care.scans_done > 0 and not self.owed()

    def owed(self) -> list[tuple[str, str]]:
        """(name, what for) of files that are due for something, later tries of unreadable ones left out."""
        return [
            (row.name, row.due_for or "")
            for row in self.rows().values()
            if row.due_us is not None and not (row.integrity == "unreadable" and row.due_for == "read")
        ]

    def _being_read(self) -> bool:
        """Whether threads are at work, for the files or for what senders say of them."""
        daemon, reading = self.daemon, self.daemon._reading
        if daemon._entry is not None or (daemon._comparer is not None and daemon._comparer.busy):
            return True
        return reading.busy and not (self.prober.held and not reading._pool.outstanding and not reading.gathering)

    # -- what the catalog says

    def rows(self) -> dict[str, FileRow]:
        """Path -> row, of every name that the catalog knows."""
        with self.database.read() as connection:
            found = file_rows(connection, FILES)
            folders = files.paths_of_folders(connection, {row.folder_id for row in found})
        return {join(folders[row.folder_id], row.name): row for row in found}

    def row(self, path: str) -> FileRow:
        """The row of one path."""
        return self.rows()[path]

    def states(self) -> dict[str, State]:
        """Path -> what is said of it."""
        rows = self.rows()
        with self.database.read() as connection:
            digests = contents.digests_of(connection, [row.version_id for row in rows.values() if row.version_id])
        return {
            path: State(row.presence, row.integrity, dict(digests.get(row.version_id or 0, {})))
            for path, row in rows.items()
        }

    def volume(self) -> VolumeRow:
        """The volume's row."""
        with self.database.read() as connection:
            return volumes.all_volumes(connection)[0]

    def alerts(self) -> list[str]:
        """The kinds of the alerts that are open."""
        with self.database.read() as connection:
            return [alert.kind for alert in volumes.open_alerts(connection)]

    def observed(self, what: str | None = None) -> list[str]:
        """What was noticed, in order: `what path`, or the paths for one kind."""
        with self.database.read() as connection:
            query = select(t.observation.c.what, t.observation.c.file_id).order_by(t.observation.c.id)
            noticed = connection.execute(query).all()
        names = {row.id: path for path, row in self.rows().items()}
        if what is not None:
            return [names.get(file_id, "") for kind, file_id in noticed if kind == what]
        return [f"{kind} {names.get(file_id, '')}".strip() for kind, file_id in noticed]

    def versions(self, path: str) -> int:
        """How many contents of the file at `path` are on record."""
        with self.database.read() as connection:
            query = select(func.count()).where(t.version.c.file_id == self.row(path).id)
            return int(connection.execute(query).scalar_one())

    def sequences(self) -> list[tuple[Any, ...]]:
        """(name, first, last, frames, missing, zero-byte frames, outliers, size) of every sequence, by name."""
        s = t.sequence.c
        columns = (s.name, s.first_frame, s.last_frame, s.frames, s.missing, s.zero_byte, s.outliers, s.size)
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(select(*columns).order_by(s.name))]

    def faults(self) -> list[str]:
        """Where the kept totals are not the sum of the rows."""
        with self.database.read() as connection:
            return queries.tally_faults(connection)

    @property
    def files_read(self) -> int:
        """How many files were read to the end since the last start."""
        return self.daemon._reading.files_read

    def now_us(self) -> int:
        """The bench's present."""
        return microseconds(self.clock.now())

    # -- what the disk says

    def disk(self) -> dict[str, tuple[int, str]]:
        """Path -> (size, xxh128) of every regular file below the root, by means of its own."""
        return content_of(self.root)

    def cataloged(self) -> dict[str, tuple[int, str]]:
        """As `disk`, of the files that the catalog holds to be present and has a digest of."""
        rows = self.rows()
        return {
            path: (rows[path].size, state.digests.get("xxh128", "no digest"))
            for path, state in self.states().items()
            if state.presence == "present" and rows[path].counted
        }


@functools.cache
def _empty_catalog() -> bytes:
    """A SQLite catalog in which nothing is: migrations are tried out elsewhere, once is enough here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.db"
        open_database(parse_url(str(path), path.parent), FakeClock()).close()
        return path.read_bytes()


def open_catalog(path: Path, clock: FakeClock) -> Database:
    """The catalog in a SQLite file; an empty one where there is none."""
    if not path.exists():
        path.write_bytes(_empty_catalog())
    return open_database(parse_url(str(path), path.parent), clock)


def content_of(root: Path) -> dict[str, tuple[int, str]]:
    """Path (catalog text) -> (size, xxh128) of every regular file below `root`, however deep."""
    found: dict[str, tuple[int, str]] = {}
    for folder, _, names, fd in os.fwalk(root, follow_symlinks=False):
        below = os.path.relpath(folder, root)
        for name in names:
            try:
                opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=fd)
            except OSError:
                continue  # a link or a socket
            with open(opened, "rb") as file:
                if not os.path.isfile(f"/proc/self/fd/{opened}"):
                    continue
                content = file.read()
            path = from_os(name if below == "." else f"{below}/{name}")
            found[path] = (len(content), xxhash.xxh3_128_hexdigest(content))
    return found


def digest(content: bytes) -> dict[str, str]:
    """What the catalog should say of these bytes."""
    return {"xxh128": xxhash.xxh3_128_hexdigest(content)}


@contextlib.contextmanager
def ordinary_rights() -> Iterator[None]:
    """Permissions hold for this thread and those that it starts, also for root: CAP_DAC_* are laid down (capset(2))."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    before = (ctypes.c_uint32 * 6)()
    if libc.capget(header, before):
        raise OSError(ctypes.get_errno(), "capget")
    without = (ctypes.c_uint32 * 6)(*before)
    without[0] &= ~0b110  # CAP_DAC_OVERRIDE is 1, CAP_DAC_READ_SEARCH is 2 (capabilities(7))
    if libc.capset(header, without):
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        libc.capset(header, before)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    """Start `call` beside the test."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread
