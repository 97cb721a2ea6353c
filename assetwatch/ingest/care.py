"""What does one volume need now? To be looked for, its hints heard, its scan taken a step on, its due files seen."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update

from assetwatch.catalog import files, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.files import Ids
from assetwatch.catalog.rows import FileRow, VolumeRow
from assetwatch.clock import Clock
from assetwatch.config import VolumeSection
from assetwatch.ingest import mounts
from assetwatch.ingest.book import Book
from assetwatch.ingest.ignore import Ignore, catalog_below
from assetwatch.ingest.intake import Fresh, Intake
from assetwatch.ingest.record import recover
from assetwatch.ingest.scan import Scan, VolumeLost
from assetwatch.ingest.settle import Rules
from assetwatch.ingest.volume import Judgement, VolumeIdentity, VolumeLook, inodes_last, judge, loss_is_suspicious
from assetwatch.paths import from_os
from assetwatch.units import counted, microseconds

if TYPE_CHECKING:
    from assetwatch.ingest.compare import Transform
    from assetwatch.ingest.watch import Watcher

_log = logging.getLogger(__name__)

#: Seconds between two looks whether the volume is there, and how long one may take.
_GUARD_S: Final = 5.0
_GUARD_TIMEOUT_S: Final = 5.0

#: How long a watcher may take before the volume is scanned without it (seconds).
_UNHEARD_S: Final = 30.0

#: Seconds until a scan looks for what a hint named and a look could not reach.
_UNSEEN_S: Final = 60.0

#: How long hints wait for a step of a scan (seconds).
_HEARING_WAITS_S: Final = 0.05

#: Paths and rows that one step turns to.
_A_STEP: Final = 1_000

#: A file created within earshot and not closed since is left alone for so many settle times.
_OPEN_PATIENCE: Final = 6

#: How long after a scan what it did not find is concluded at the latest (microseconds).
_CONCLUDED_US: Final = 60_000_000

#: How long a held loss rests before it is looked at again (microseconds).
_HELD_US: Final = 60_000_000


class Care:
    """One volume in the care of this program. Used from one thread.

    With `watched` false nothing listens for events: a single scan, or a file system that gives none.
    """

    def __init__(
        self,
        database: Database,
        ids: Ids,
        clock: Clock,
        section: VolumeSection,
        row: VolumeRow,
        wake: threading.Event,
        *,
        watched: bool,
    ) -> None:
        self.section = section
        self.id = row.id
        self.name = row.name
        self._book = Book(row.id, row.name)
        self.root = os.path.realpath(section.path)
        self.online = False
        self.reason = "not looked at yet"
        self.mode = "off"
        self.scans_done = 0
        self.abandoned = False
        #: So many files are gone at once that nothing is concluded before a person has looked.
        self.holds_a_loss = False
        self._database = database
        self._clock = clock
        self._wake = wake
        self._watched = watched
        self._ignore = Ignore(section.ignore, catalog_below(self.root, database.path))
        self._identity = None if row.identity is None else VolumeIdentity.from_json(row.identity)
        self._accepted_us = row.accepted_us
        self._accepted_until_us: int | None = None
        self._last_scan_us = row.last_scan_us
        self._ids = ids
        marker = section.guard.removeprefix("marker:") if section.guard.startswith("marker:") else None
        self._look = VolumeLook(
            self.root, marker, lambda name, is_folder: self._ignore.rule(name, name, is_folder) is not None
        )
        settle_us = round(section.settle_seconds * 1_000_000)
        self.intake = Intake(row.id, self.root, 0, self._ignore, Rules(settle_us, local=False, trust_inode=False), ids)
        self._watcher: Watcher | None = None
        self._hints: deque[str] = deque()
        self._closed: set[str] = set()
        self._scans: deque[Scan] = deque()
        self._fresh: list[Fresh] = []
        self._run_id: int | None = None
        self._next_guard = float("-inf")
        self._next_scan = float("inf")
        self._said: dict[str, Any] = {}
        self._overflows = row.overflows
        self._hung = False
        self._judged = False
        self._recovered = False
        self._said_problems: str | None = None

    # -- is it there --------------------------------------------------------------------------------------------

    def guard(self, *, force: bool = False) -> bool:
        """Look whether the volume is there, if it is time or `force`; whether it is online."""
        now = self._clock.monotonic()
        if now < self._next_guard and not force:
            return self.online
        seen = self._look.observe(0.05 if self._hung else _GUARD_TIMEOUT_S)
        self._hung = "does not answer" in (seen.fault or "")
        with self._database.read() as connection:
            known_files = volumes.known_files(connection, self.id)
        judgement = judge(
            self._identity,
            seen,
            known_files,
            self.section.guard,
            name=self.name,
            accept_new=self._accepts_new(),
        )
        self._next_guard = now + _GUARD_S
        if judgement.online and judgement.identity is not None:
            if not self.online or judgement.identity != self._identity:
                self._come_online(judgement)
        elif self.online or not self._judged or judgement.reason != self.reason:
            self._go_offline(judgement.reason)
        self._judged = True
        return self.online

    def _accepts_new(self) -> bool:
        """Whether a person said that what is there now is right, and not all that follows was concluded yet.

        The word holds until a whole scan has been made after it, and what that did not find has been looked for twice.
        """
        if self._accepted_us is None:
            return False
        if self._accepted_until_us is not None:
            return self._now_us() < self._accepted_until_us
        return self._accepted_us > (self._last_scan_us or 0)

    def _come_online(self, judgement: Judgement) -> None:
        assert judgement.identity is not None
        identity = judgement.identity
        was_online, self.online, self.reason = self.online, True, ""
        replaced = self._identity is not None and self._identity.device != identity.device
        self._identity = identity
        local = mounts.ctime_is_trustworthy(identity.fs_type)
        self.intake.rules = Rules(self.intake.rules.settle_us, local=local, trust_inode=inodes_last(identity.fs_type))
        major, _, minor = identity.device.partition(":")
        self.intake.device = os.makedev(int(major), int(minor))
        self.mode = self.section.watch if self.section.watch != "auto" else mounts.watch_mode(identity.fs_type)
        now_us = self._now_us()
        with self._database.write() as connection:
            volumes.set_values(
                connection,
                self.id,
                {
                    "identity": identity.to_json(),
                    "file_system": identity.fs_type,
                    "online": 1,
                    "reason": None,
                    **({} if was_online else {"changed_us": now_us}),
                },
            )
            again = volumes.close_alert(connection, f"offline:{self.id}", now_us)
            if not was_online:
                recover(connection, [self.id], now_us, ended=not self._recovered)
                files.observe(connection, [{"at_us": now_us, "what": "online", "volume_id": self.id}])
        self._recovered = True
        if again:
            _log.warning("volume %s is back online", self.name)
        if not was_online or replaced:
            self._stop_watching()
            self._start_watching()
            if self._watcher is None:
                self.ask_scan("the volume came back" if again else "start")
            else:
                # The watcher asks for a scan once it hears everything; should it not get there, one is made anyway.
                self._next_scan = self._clock.monotonic() + _UNHEARD_S

    def _go_offline(self, reason: str) -> None:
        self.online, self.reason = False, reason
        self._stop_watching()
        self._abandon_scans()
        self._hints.clear()
        self._closed.clear()
        now_us = self._now_us()
        with self._database.write() as connection:
            volumes.set_values(
                connection, self.id, {"online": 0, "reason": reason, "changed_us": now_us, "watching": None}
            )
            volumes.open_alert(connection, f"offline:{self.id}", "volume_offline", self.id, now_us, reason)
            files.observe(
                connection, [{"at_us": now_us, "what": "offline", "volume_id": self.id, "detail": {"reason": reason}}]
            )
        _log.error("volume %s is offline, nothing is concluded of its files: %s", self.name, reason)

    def accept(self, accepted_us: int | None) -> None:
        """Take note that a person accepted what is there."""
        if accepted_us is not None and accepted_us != self._accepted_us:
            self._accepted_us = accepted_us
            self._accepted_until_us = None
            self._next_guard = float("-inf")
            with self._database.write() as connection:
                connection.execute(
                    update(t.file)
                    .where(t.file.c.volume_id == self.id, t.file.c.due_for == "absence", t.file.c.due_us.is_not(None))
                    .values(due_us=self._now_us())
                )
            self.ask_scan("a person accepted what is there")

    # -- hearing ------------------------------------------------------------------------------------------------

    def _start_watching(self) -> None:
        if not self._watched or self.mode != "native":
            return
        from assetwatch.ingest.watch import Watcher  # a single scan does without watchdog

        self._watcher = Watcher(self.root, self._ignore.passes_over, self._wake, self._clock)
        self._watcher.start()

    def _stop_watching(self) -> None:
        if self._watcher is not None:
            self._overflows += self._watcher.state().overflows
            self._watcher.stop()
            self._watcher = None

    def hear(self) -> int:
        """Take the hints that came and look at the first of them; how many paths were looked at."""
        if self._watcher is None:
            return 0
        state = self._watcher.state()
        if not state.alive and self.guard(force=True):
            _log.warning("volume %s: the watch ended (%s); watching anew", self.name, state.reason)
            self._watcher.start()
            self.ask_scan("the watch had ended")
            return 0
        if not self.online:
            return 0
        hints = self._watcher.drain()
        self._hints.extend(from_os(path) for path in hints.paths)
        self._closed.update(from_os(path) for path in hints.closed)
        for folder, why in hints.folders.items():
            if not any(scan.whole and not scan.begun for scan in self._scans):
                self._scans.append(Scan(self.intake, why, from_os(folder)))
        if hints.full_scan:
            self.ask_scan(hints.full_scan)
        if not self._hints:
            return 0
        paths = {self._hints.popleft() for _ in range(min(_A_STEP, len(self._hints)))}
        with self._database.write() as connection:
            errors = self.intake.take_paths(connection, paths, self._now_us(), self._closed)
        self._closed -= paths
        if errors and self._still_here(errors):
            self._next_scan = min(self._next_scan, self._clock.monotonic() + _UNSEEN_S)
        return len(paths)

    # -- scanning -----------------------------------------------------------------------------------------------

    def ask_scan(self, why: str) -> None:
        """Have the whole volume scanned as soon as possible. One that has not begun yet serves."""
        if not any(scan.whole and not scan.begun for scan in self._scans):
            self._scans.append(Scan(self.intake, why))

    @property
    def transforms(self) -> list[Transform]:
        """The changes that were declared for this volume."""
        from assetwatch.ingest.compare import Transform

        rules = [rule.split("->") for rule in self.section.transforms]
        return [Transform(listed.strip(), came.strip()) for listed, came in rules]

    @property
    def overflows(self) -> int:
        """How often the kernel dropped events of this volume, in all that the catalog remembers."""
        return self._overflows + (self._watcher.state().overflows if self._watcher else 0)

    @property
    def scanning(self) -> bool:
        """Whether a scan is waiting or under way."""
        return bool(self._scans)

    def scan(self) -> bool:
        """Bring the scan under way a step further, or begin one that is due; whether there was anything to do."""
        now = self._clock.monotonic()
        if not self.online:
            return False
        if not self._scans:
            if now < self._next_scan:
                return False
            self.ask_scan("timer")
        scan = self._scans[0]
        try:
            if not scan.begun:
                if not self.guard(force=True):
                    return True
                self._begin(scan)
            if not scan.walked:
                if self._watcher is None:
                    scan.step(self._database, self._now_us(), self._fresh)
                else:
                    # A file could be entered by a hint meanwhile: the catalog comes first. And hints do not wait long.
                    until = now + _HEARING_WAITS_S
                    scan.step(self._database, self._now_us(), enough=lambda: self._clock.monotonic() > until)
                return True
            if not self.guard(force=True):
                return True
            absent = scan.conclude(self._database, self._now_us())
            self._end(scan, absent)
        except (VolumeLost, OSError) as error:
            self._failed(error)
        return True

    def take_fresh(self) -> list[Fresh]:
        """The new files that the scan wants read before they are entered."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def _begin(self, scan: Scan) -> None:
        scan.begun = True
        if scan.whole:
            self._next_scan = float("inf")
            if self._watcher is not None:
                self._watcher.refresh()
            with self._database.write() as connection:
                self._run_id = self._book.begin(connection, scan, self._now_us())
            _log.info("volume %s: scan begins (%s)", self.name, scan.why)

    def _end(self, scan: Scan, absent: int) -> None:
        if self._scans and self._scans[0] is scan:
            self._scans.popleft()
        if not scan.whole:
            return
        now_us = self._now_us()
        with self._database.write() as connection:
            self._book.end(connection, self._run_id, scan, absent, now_us)
        self._run_id = None
        if self._accepts_new() and self._accepted_until_us is None:
            self._accepted_until_us = now_us + 2 * self.intake.confirm_us + _CONCLUDED_US
        self._last_scan_us = now_us
        self.scans_done += 1
        self._next_scan = self._clock.monotonic() + self.section.rescan_seconds
        _log.info(
            "volume %s: scan ended, %s, %s new or different, %d absent",
            self.name,
            counted(scan.folders, "folder"),
            counted(scan.differed, "name"),
            absent,
        )

    def _abandon_scans(self) -> None:
        """Let go of scans: what they did not see says nothing."""
        self._scans.clear()
        self._fresh.clear()
        self.abandoned = True
        if self._run_id is not None:
            with self._database.write() as connection:
                volumes.end_run(connection, self._run_id, self._now_us(), complete=False, counts={})
            self._run_id = None
        self._next_scan = float("inf")

    def _failed(self, error: Exception) -> None:
        """The file system failed under us: is the volume there? If it is, look again from the start, a little later."""
        _log.warning("volume %s: %s", self.name, error)
        self._ids.forget()  # ids taken in a transaction that was rolled back were not
        if self.guard(force=True):
            self._abandon_scans()
            self._next_scan = self._clock.monotonic() + min(60.0, self.section.rescan_seconds)

    def _still_here(self, errors: list[OSError]) -> bool:
        """Say that paths could not be looked at; whether the volume is there all the same."""
        _log.warning("volume %s: %d paths cannot be looked at, the first: %s", self.name, len(errors), errors[0])
        return self.guard(force=True)

    # -- due files ----------------------------------------------------------------------------------------------

    def see_due(self) -> int:
        """Look at the files that are due to have settled, or to be missing; how many were looked at."""
        if not self.online:
            return 0
        now_us = self._now_us()
        with self._database.read() as connection:
            settling = files.due(connection, [self.id], now_us, ("settle",), _A_STEP)
            absent = files.due(connection, [self.id], now_us, ("absence",), _A_STEP)
        if settling:
            with self._database.write() as connection:
                errors = self.intake.look_again(connection, settling, now_us, self._may_be_open)
            if errors:
                self._still_here(errors)
        if absent:
            self._see_absent(absent, now_us)
        return len(settling) + len(absent)

    def _may_be_open(self, path: str, row: FileRow, now_us: int) -> bool:
        """Whether a writer was heard to create the file and not to close it. Evidence for a while, not for ever."""
        if self._watcher is None or now_us - row.stat_since_us > _OPEN_PATIENCE * self.intake.rules.settle_us:
            return False
        return self._watcher.may_be_open(path)

    def _see_absent(self, rows: list[FileRow], now_us: int) -> None:
        """Call files missing that are gone at the second look; unless it is so many that a person has to look first."""
        if not self.guard(force=True):
            return
        with self._database.write() as connection:
            waiting, oldest_us = connection.execute(
                select(func.count(), func.min(t.file.c.absent_us)).where(
                    t.file.c.volume_id == self.id, t.file.c.due_for == "absence", t.file.c.due_us.is_not(None)
                )
            ).one()
            known = volumes.known_files(connection, self.id)
            accepted = self._accepts_new() or (oldest_us is not None and (self._accepted_us or 0) >= oldest_us)
            self.holds_a_loss = loss_is_suspicious(known, waiting, self.section.max_loss) and not accepted
            if self.holds_a_loss:
                connection.execute(
                    update(t.file)
                    .where(t.file.c.volume_id == self.id, t.file.c.due_for == "absence", t.file.c.due_us <= now_us)
                    .values(due_us=now_us + _HELD_US)
                )
                self._book.alert(
                    connection,
                    now_us,
                    "mass_loss",
                    f"{waiting} of {known} files are gone at once. They are not called missing until this is confirmed:"
                    f" `assetwatch doctor --accept-volume {self.name}`, or until they are back",
                    "",
                )
                # Some may be back without a word: a full look tells.
                self._next_scan = min(self._next_scan, self._clock.monotonic() + 60.0)
                return
            gone, dropped = self.intake.absences(connection, rows, now_us)
            self.intake.conclude_missing(connection, gone, dropped, now_us)
            if waiting <= len(rows):
                self._book.alert(connection, self._now_us(), "mass_loss", None, "")

    # -- what is known of the watch ------------------------------------------------------------------------------

    def publish(self) -> None:
        """Bring what `status` shows of the volume up to date in the catalog, where it changed."""
        said: dict[str, Any] = {"watching": self._watching() if self.online else None}
        if self._watcher is not None:
            state = self._watcher.state()
            said["overflows"] = self.overflows
            said["watches"] = state.watches
            said["watch_limit"] = state.watch_limit
            if state.last_event is not None:
                said["last_event_us"] = microseconds(state.last_event)
            problems = "; ".join(state.problems) if self.online and state.problems else None
        else:
            said["watches"] = 0
            problems = None
        if said != self._said or problems != self._said_problems:
            with self._database.write() as connection:
                volumes.set_values(connection, self.id, said)
                self._book.alert(connection, self._now_us(), "watch", problems, "")
            self._said, self._said_problems = said, problems

    def _watching(self) -> str:
        if not self._watched:
            return "scan"
        if self._watcher is None:
            return "poll"
        return "poll" if self._watcher.state().watch_limit_hit else "native"

    def next_wake(self, *, scans_pause: bool) -> float:
        """When (monotonic seconds) this volume wants to be turned to at the latest."""
        if self._hints or (self.online and self._scans and not scans_pause):
            return self._clock.monotonic()
        if scans_pause:
            return self._next_guard
        return min(self._next_guard, self._next_scan if self.online else float("inf"))

    def close(self) -> None:
        """Stop watching and let go of the scan under way."""
        self._stop_watching()
        self._abandon_scans()

    def _now_us(self) -> int:
        return microseconds(self._clock.now())
