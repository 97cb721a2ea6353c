"""In which order is the work done, and when does it go on? One loop through the rooms; each does a bounded amount."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from assetwatch import sdnotify
from assetwatch.catalog import deliverables, files, packages, reporting, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.clock import Clock
from assetwatch.ingest.care import Care
from assetwatch.ingest.draw import Draughtsman
from assetwatch.ingest.reading import ReadingRoom
from assetwatch.ingest.record import recover
from assetwatch.model import Integrity
from assetwatch.paths import from_os, shown
from assetwatch.units import microseconds, size

if TYPE_CHECKING:
    from assetwatch.delivery.link import Linker
    from assetwatch.ingest.compare import Comparer
    from assetwatch.ingest.promise import Entry
    from assetwatch.notify.teller import Teller

_log = logging.getLogger(__name__)

#: Seconds between two words of life in the catalog: while something is under way, and while nothing is.
_BEAT_BUSY_S: Final = 1.0
_BEAT_IDLE_S: Final = 10.0

#: Seconds between two looks into the catalog for what a person asked for (a scan, an acceptance).
_ASKED_S: Final = 1.0

#: Seconds between two looks for lists that have to be compared, while nothing else happens.
_PROMISE_S: Final = 5.0

#: Seconds from the beginning to the first look for what people have to be told: what is there has to be seen first.
_TELL_S: Final = 2.0

#: Seconds that a woken loop lets pass while reads finish by the dozen.
_GATHER_S: Final = 0.01

#: Seconds between two notes of how full the volumes are.
_ROOM_S: Final = 3_600.0

#: What the loop turns to at a due time. Claimed files come back through the pool, not by the clock.
_DUE: Final = ("settle", "read", "probe", "absence")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a scan is: files known, still to be read, and being written; bytes read so far and to be read."""

    known: int
    waiting: int
    arriving: int
    bytes_read: int
    bytes_waiting: int
    scanning: bool


class Daemon:
    """The loop over the volumes in care.

    `tick` does what is due and says when it wants to be called next; it holds nothing that matters in memory.
    `closers` are called, in order, when it ends. `make_teller` makes the room that has people told.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        wake: threading.Event,
        keeper_id: int,
        cares: Sequence[Care],
        reading: ReadingRoom,
        draughtsman: Draughtsman,
        closers: Sequence[Callable[[], object]],
        make_teller: Callable[[], Teller] | None = None,
    ) -> None:
        self.database = database
        self.cares = list(cares)
        self.wake = wake
        self._clock = clock
        self._keeper_id = keeper_id
        self._reading = reading
        self._draughtsman = draughtsman
        self._closers = closers
        self._ids = [care.id for care in cares]
        self._next_beat = float("-inf")
        self._last_beat = float("-inf")
        self._next_asked = float("-inf")
        self._next_room = float("-inf")
        self._stale = True
        self._never = threading.Event()
        self._comparer: Comparer | None = None
        self._entry: Entry | None = None
        self._promises = True
        self._next_promise = float("-inf")
        self._linker: Linker | None = None
        self._owed = True
        self._next_link = float("-inf")
        self._make_teller = make_teller
        self._teller: Teller | None = None
        self._linked = False
        self._next_tell = clock.monotonic() + _TELL_S if make_teller is not None else float("inf")

    # -- the loop -----------------------------------------------------------------------------------------------

    def tick(self) -> float:
        """Do a bounded amount of what is due; the seconds until there is more to do (0: now).

        Raises CatalogError when the catalog cannot be written: the keeper ends, and begins where it was.
        """
        work = 0
        for care in self.cares:
            care.guard()
            work += care.hear()
        for care in self.cares:
            if not self._reading.full:
                work += care.scan()
            if care.abandoned:
                care.abandoned = False
                self._reading.drop_fresh(care.id)
            work += self._reading.begin_fresh(care.take_fresh())
            work += care.see_due()
        work += self._read()
        if work or self._stale:
            work += self._draw()
        work += self._compare(looked=work > 0)
        linked = self._link(looked=work > 0)
        work += linked
        self._tell(linked=linked > 0)
        self._publish(busy=work > 0)
        return 0.0 if work else self._rest()

    def run(self, stop: threading.Event, reload: threading.Event, reloaded: Callable[[], bool]) -> None:
        """Work until `stop` is set.

        When `reload` is set every volume is scanned and `reloaded` is called; where it says that another configuration
        is to be put in force, this returns.
        """
        watchdog = sdnotify.watchdog_seconds()
        while not stop.is_set():
            if reload.is_set():
                reload.clear()
                if reloaded():
                    return
                for care in self.cares:
                    care.ask_scan("asked by SIGHUP")
            wait = self.tick()
            sdnotify.notify(watchdog=1)
            if wait > 0 and not stop.is_set():
                self._wait(min(wait, (watchdog or 60.0) / 3))
            self.wake.clear()

    def run_until_quiet(
        self, stop: threading.Event, patience_seconds: float, progress: Callable[[Progress], None] | None = None
    ) -> bool:
        """Scan every volume once and work until nothing is owed to any file; whether that was reached.

        Files that go on changing are waited for up to `patience_seconds` after everything else is done.
        """
        only_arriving_since: float | None = None
        next_word = float("-inf")
        while not stop.is_set():
            wait = self.tick()
            now = self._clock.monotonic()
            if now >= next_word and progress is not None:
                progress(self.progress())
                next_word = now + 0.2
            if wait > 0:
                if self._quiet():
                    if progress is not None:
                        progress(self.progress())
                    return True
                only_arriving_since = only_arriving_since or now
                judging = self._comparer is not None and self._comparer.busy
                if not (self._reading.busy or judging) and now - only_arriving_since > patience_seconds:
                    return False
                self._wait(min(wait, 0.5))
            else:
                only_arriving_since = None
            self.wake.clear()
        return False

    def _wait(self, seconds: float) -> None:
        """Wait for something to do. What wakes us seldom comes alone: while much is under way, let it gather."""
        if self._clock.wait(self.wake, seconds) and self._reading.gathering:
            self._clock.wait(self._never, _GATHER_S)

    def close(self) -> None:
        """Stop reading, give back what was claimed and the volumes. Whatever was not finished is done again later."""
        for care in self.cares:
            care.close()
        if self._comparer is not None:
            self._comparer.close()
        if self._teller is not None:
            self._teller.close()
        release = list(self._closers)
        for closer in release[:2]:
            closer()
        self._reading.collect()
        now_us = self._now_us()
        while self._reading.record({care.id for care in self.cares if care.online}, now_us):
            pass
        with self.database.write() as connection:
            recover(connection, self._ids, now_us, ended=False)
            volumes.leave_keeper(connection, self._keeper_id, now_us)
        for closer in release[2:]:
            closer()

    # -- rooms --------------------------------------------------------------------------------------------------

    def _read(self) -> int:
        """Record what was read, and begin with what is due."""
        work = self._reading.collect()
        doubted = self._reading.in_doubt()
        for care in self.cares:
            if care.id in doubted:
                care.guard(force=True)
        online = [care.id for care in self.cares if care.online]
        work += self._reading.record(set(online), self._now_us())
        return work + self._reading.begin(online, self._now_us())

    def _draw(self) -> int:
        """Draw up sequences whose frames came, went or changed."""
        with self.database.read() as connection:
            stale = connection.execute(
                select(t.series.c.id).where(t.series.c.stale == 1, t.series.c.volume_id.in_(self._ids)).limit(1)
            ).first()
        self._stale = stale is not None
        if not self._stale:
            return 0
        with self.database.write() as connection:
            return self._draughtsman.draw(connection, self._ids, self._now_us())

    def _compare(self, *, looked: bool) -> int:
        """Judge what senders' lists say, where a list or a listed file came, went or changed."""
        judging = self._entry is not None or (self._comparer is not None and self._comparer.busy)
        if not (looked or judging or self._promises) and self._clock.monotonic() < self._next_promise:
            return 0
        online = {care.id: care for care in self.cares if care.online}
        with self.database.read() as connection:
            self._promises = bool(packages.stale(connection, list(online), 1))
        self._next_promise = self._clock.monotonic() + _PROMISE_S
        if not self._promises and self._comparer is None:
            return 0
        if self._comparer is None:
            from assetwatch.ingest.compare import Comparer  # slow to import, and many volumes have no lists

            self._comparer = Comparer(self.database, self._clock, self.wake.set)
        from assetwatch.ingest import promise

        work = 0
        done = self._comparer.collect() if self._entry is None else None
        if done is not None:
            self._entry = promise.Entry(done)
        if self._entry is not None:
            return self._enter(self._entry)
        roots = {volume_id: care.root for volume_id, care in online.items()}
        rules = {volume_id: care.transforms for volume_id, care in online.items()}
        at_leisure = not looked and not self._reading.busy and self._comparer.resting and not self._is_owed(online)
        if self._comparer.begin(roots, rules, at_leisure=at_leisure):
            self._next_promise = float("-inf")
            work += 1
        return work

    def _is_owed(self, volume_ids: Iterable[int]) -> bool:
        """Whether anything is to be done with a file of these volumes, now or later."""
        with self.database.read() as connection:
            return files.next_due_us(connection, list(volume_ids), (*_DUE, "reading", "probing")) is not None

    def _enter(self, entry: Entry) -> int:
        """Enter a judged package a step further. Of a volume that has gone meanwhile nothing is concluded."""
        package = entry.outcome.package
        care = next(care for care in self.cares if care.id == package.volume_id)
        there = care.guard(force=True)
        with self.database.write() as connection:
            if not there:
                packages.give_back(connection, [care.id])
            more = there and entry.step(connection, self._now_us())
        if not more:
            self._entry = None
            self._next_promise = float("-inf")
        if entry.completed:
            _log.info("%s: everything that its lists name is here and right", shown(package.path) or "root")
        return 1

    def _link(self, *, looked: bool) -> int:
        """Compare scheduled deliverables with the catalog, where a file that may be meant came, went or changed."""
        now = self._clock.monotonic()
        if not (looked or self._owed) and now < self._next_link:
            return 0
        self._next_link = now + _PROMISE_S
        with self.database.read() as connection:
            self._owed = bool(deliverables.stale(connection, 1))
        if not self._owed:
            return 0
        if self._linker is None:
            from assetwatch.delivery.link import Linker  # slow to import, and many shows have no schedule here

            self._linker = Linker(self.database, self._clock)
        return self._linker.link()

    def _tell(self, *, linked: bool) -> None:
        """Look for what people have to be told; who is told, and when it is sent, is the teller's affair."""
        self._linked |= linked
        if self._make_teller is None or self._clock.monotonic() < self._next_tell:
            return
        if self._teller is None:
            self._teller = self._make_teller()
        wait_s = self._teller.look(changed=self._linked)
        self._linked = False
        self._next_tell = self._clock.monotonic() + wait_s

    def _rest(self) -> float:
        """Seconds until something is due."""
        now = self._clock.monotonic()
        waits = [care.next_wake(scans_pause=self._reading.full) - now for care in self.cares]
        if self._reading.gathering:
            waits.append(self._reading.gathers_until - now)
        waits += [self._next_beat - now, self._next_asked - now, self._next_tell - now]
        if self._comparer is not None and self._promises and not self._comparer.busy:
            again = self._comparer.next_wake()
            waits.append(again - now if again is not None else 0.0)
        if self._linker is not None and self._owed:
            again = self._linker.next_wake()
            waits.append(again - now if again is not None else 0.0)
        drawing = self._draughtsman.next_wake()
        if self._stale and drawing is not None:
            waits.append(drawing - now)
        online = [care.id for care in self.cares if care.online]
        if online:
            with self.database.read() as connection:
                next_us = files.next_due_us(connection, online, _DUE)
            if next_us is not None:
                # What is due already waits for a reader, and its end wakes the loop.
                waits.append(max((next_us - self._now_us()) / 1_000_000, 0.001 if not self._reading.busy else 0.5))
        return max(0.0, min(waits))

    # -- what others see ----------------------------------------------------------------------------------------

    def _publish(self, *, busy: bool) -> None:
        """Say in the catalog what is going on, and take from it what a person asked for."""
        now = self._clock.monotonic()
        if now >= self._next_asked:
            self._next_asked = now + _ASKED_S
            self._take_requests()
            for care in self.cares:
                care.publish()
        if self._reading.progress():
            # A large file that has just been begun is told of at once, not at the idle beat.
            self._next_beat = min(self._next_beat, self._last_beat + _BEAT_BUSY_S)
        if now < self._next_beat:
            return
        self._last_beat = now
        doing = self._doing()
        self._next_beat = now + (_BEAT_BUSY_S if busy or doing["reading"] else _BEAT_IDLE_S)
        with self.database.write() as connection:
            volumes.beat(connection, self._keeper_id, self._now_us(), doing)
        if now >= self._next_room:
            self._next_room = now + _ROOM_S
            self._note_room()
        sdnotify.notify(status=self.summary(doing))

    def _note_room(self) -> None:
        """Note how full the volumes are that were just found to be there."""
        from assetwatch.report.room import room_at

        found = [(care.id, room) for care in self.cares if care.online and (room := room_at(from_os(care.root)))]
        with self.database.write() as connection:
            for volume_id, (total, free) in found:
                reporting.note_capacity(connection, volume_id, self._now_us(), total, free)

    def _take_requests(self) -> None:
        with self.database.read() as connection:
            rows = {row.id: row for row in volumes.all_volumes(connection)}
        for care in self.cares:
            row = rows[care.id]
            care.accept(row.accepted_us)
            if row.scan_wanted_us is not None:
                with self.database.write() as connection:
                    volumes.set_values(connection, care.id, {"scan_wanted_us": None})
                care.ask_scan("asked for")

    def _doing(self) -> dict[str, Any]:
        """What is under way, for `status`."""
        now = self._clock.monotonic()
        return {
            "reading": [
                {
                    "path": shown(from_os(one.path)),
                    "bytes_done": one.bytes_done,
                    "size": one.size,
                    "seconds": round(now - one.started, 1),
                }
                for one in self._reading.progress()
            ],
            "scanning": [care.name for care in self.cares if care.scanning],
            "files_read": self._reading.files_read,
            "bytes_read": self._reading.bytes_read,
            "overflows": sum(care.overflows for care in self.cares),
        }

    def summary(self, doing: Mapping[str, Any]) -> str:
        """One line for `systemctl status`."""
        online = sum(care.online for care in self.cares)
        parts = [f"{online} of {len(self.cares)} volumes online"]
        if doing["scanning"]:
            parts.append(f"scanning {', '.join(doing['scanning'])}")
        if doing["reading"]:
            parts.append(f"reading {len(doing['reading'])} large files")
        parts.append(f"{doing['files_read']} files, {size(doing['bytes_read'])} read")
        return ", ".join(parts)

    def progress(self) -> Progress:
        """How far the volumes in care are."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(t.tally.c.presence, t.tally.c.integrity, func.sum(t.tally.c.files), func.sum(t.tally.c.size))
                .where(t.tally.c.volume_id.in_(self._ids))
                .group_by(t.tally.c.presence, t.tally.c.integrity)
            ).all()
        counts = {(presence, integrity): (int(count), int(total)) for presence, integrity, count, total in rows}
        # A file that went before its new bytes were read stays pending, and nobody waits for it.
        waiting = [counts[axes] for axes in counts if axes[1] == "pending" and axes[0] != "missing"]
        return Progress(
            known=sum(count for count, _ in counts.values()),
            waiting=sum(count for count, _ in waiting),
            arriving=sum(count for (presence, _), (count, _) in counts.items() if presence == "arriving"),
            bytes_read=self._reading.bytes_read + sum(one.bytes_done for one in self._reading.progress()),
            bytes_waiting=sum(total for _, total in waiting),
            scanning=any(care.scanning for care in self.cares),
        )

    def _quiet(self) -> bool:
        """Whether every volume that is there was scanned, and nothing is owed to any of its files any more."""
        online = [care for care in self.cares if care.online]
        if any(care.scanning or not care.scans_done for care in online) or self._reading.busy or self._stale:
            return False
        judging = self._comparer is not None and self._comparer.busy
        if self._promises or self._owed or self._entry is not None or judging:
            return False
        if not online:
            return True
        horizon = self._now_us() + max(care.intake.confirm_us for care in online) + 1_000_000
        with self.database.read() as connection:
            due = files.next_due_us(connection, [care.id for care in online], ("settle", "probe", "reading"))
            # A held loss waits for a person's word, and nobody waits for that.
            told = [care.id for care in online if not care.holds_a_loss]
            if due is not None or files.next_due_us(connection, told, ("absence",)) is not None:
                return False
            # New files may wait for their list.
            if files.next_due_us(connection, [care.id for care in online], ("read",), Integrity.PENDING) is not None:
                return False
            # Unreadable files are tried again for ever; nobody waits for that.
            due = files.next_due_us(connection, [care.id for care in online], ("read",))
        return due is None or due > horizon

    def _now_us(self) -> int:
        return microseconds(self._clock.now())
