"""Are the files still what they were? The sweep reads them again, the failed and the longest unread first.

It works beside the daemon, from the same queue: a file that is owed anything is left alone, a file that it reads is
claimed (`checking`), and what it finds is entered only if nothing else happened to the file meanwhile.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any, Final, cast

from assetwatch import __version__
from assetwatch.catalog import checks, contents, files, volumes
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.pace import TokenBucket
from assetwatch.checksum.pool import ReaderPool, ReadOrder
from assetwatch.checksum.reader import NotRead, Reading, Reason
from assetwatch.clock import Clock
from assetwatch.model import Integrity, Stat
from assetwatch.paths import from_os, join, readable, shown, to_os
from assetwatch.units import microseconds
from assetwatch.verify import proofs
from assetwatch.verify.books import Books, Tally, for_the_record
from assetwatch.verify.order import AHEAD_FILES, Budget, Held, Progress, Swept, Visit, in_order, is_quiet
from assetwatch.verify.proofs import VERDICTS, Proof, difference

#: Claims, and outcomes, in one transaction; outcomes wait for each other so long (seconds).
_TOGETHER: Final = 1_024
_GATHER_S: Final = 1.0

#: Seconds between two looks whether the volumes are there, and between two words of life in the catalog.
_GUARD_S: Final = 5.0

#: How long nothing may be heard before the loop looks around (seconds).
_LOOK_S: Final = 0.25

_SOUND: Final = (Integrity.RECORDED.value, Integrity.VERIFIED.value)

#: An unreadable file is left to the daemon that is about to try it again within this time (microseconds).
_SOON_US: Final = 60_000_000


class Sweep:
    """One sweep over volumes that this program holds for checking. Used from one thread.

    `zone` is the show's time zone (None: the machine's); `workers` how many large files are read at once; `closers`
    are called when it has ended, in whatever way.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        swept: Sequence[Swept],
        budget: Budget,
        *,
        zone: tzinfo | None,
        keeper_id: int,
        workers: int | None = None,
        closers: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._budget = budget
        self._zone = zone
        self._keeper_id = keeper_id
        self._workers = workers
        self._closers = closers
        self._wake = threading.Event()
        self._pace = TokenBucket(budget.bytes_per_second, clock) if budget.bytes_per_second else None
        self._pools: dict[int, ReaderPool] = {}
        self._finished: deque[tuple[Held, Proof]] = deque()
        self._oldest = 0.0
        self._began = clock.monotonic()
        self._started_us = microseconds(clock.now())
        self._since_us = None if budget.max_age is None else self._started_us - round(budget.max_age * 1_000_000)
        self._next_guard = float("-inf")
        self._winding_up = False
        self._bytes_claimed = 0
        self._bytes_read = 0
        self._books = Books(self._started_us, budget.path, self._since_us)
        self._visits: dict[int, Visit] = {}
        for one in swept:
            tally = Tally(one.row.id, one.row.name)
            self._books.tallies.append(tally)
            visit = self._visits[one.row.id] = Visit(one, tally)
            visit.order = in_order(database, visit.id, budget.path, self._started_us, self._since_us, self._half_spent)

    # -- from beginning to end ----------------------------------------------------------------------------------

    def run(self, stop: threading.Event, progress: Callable[[Progress], None] | None = None) -> dict[str, Any]:
        """Sweep until everything is checked, the budget is spent or `stop` is set; the contract's `verify --json`.

        What was checked is kept whatever happens. Raises CatalogError.
        """
        try:
            run_id = self._begin()
            planned = self._planned() if progress is not None else 0
            while self._turn(stop):
                if progress is not None:
                    progress(Progress(self._books.checked, self._bytes_under_way(), planned))
                self._clock.wait(self._wake, _LOOK_S)
                self._wake.clear()
            self._wind_up()
            return self._end(run_id)
        finally:
            for pool in self._pools.values():
                pool.close(1.0)
            for closer in self._closers:
                closer()

    def _begin(self) -> int:
        with self._database.write() as connection:
            checks.give_back(connection, list(self._visits), self._started_us)
            return volumes.begin_run(
                connection,
                {
                    "kind": "verify",
                    "volume_id": next(iter(self._visits)) if len(self._visits) == 1 else None,
                    "why": self._budget.path or "everything",
                    "host": socket.gethostname(),
                    "version": __version__,
                    "started_us": self._started_us,
                },
            )

    def _turn(self, stop: threading.Event) -> bool:
        """Do what can be done now; whether there is more to come."""
        self._look_around()
        self._collect()
        if stop.is_set() or self._out_of_time():
            self._books.ended_by = "stopped" if stop.is_set() else "budget"
            return False
        claimed = 0 if self._books.ended_by else self._claim()
        self._enter(at_once=not self._pools_busy())
        if claimed:
            self._wake.set()
        return bool(claimed or self._under_way())

    def _wind_up(self) -> None:
        """Stop reading, enter what was read to its end, and let go of the rest."""
        self._winding_up = True
        self._warn_of_giants()
        for pool in self._pools.values():
            pool.close()
        self._collect()
        while self._finished:
            self._enter(at_once=True)
        for visit in self._visits.values():
            self._let_go(visit, visit.tally.away or self._books.ended_by or "stopped")

    def _warn_of_giants(self) -> None:
        """Say which files had all the time that there is, and were not read to their end."""
        if self._budget.max_duration is None or self._books.ended_by != "budget":
            return
        for pool in self._pools.values():
            for one in pool.progress():
                if one.started - self._began < self._budget.max_duration / 10:
                    self._books.warnings.append(
                        f"{shown(from_os(one.path))} takes longer to read than a whole sweep may last: "
                        "raise max_duration or bwlimit, or it is never checked"
                    )

    def _end(self, run_id: int) -> dict[str, Any]:
        now_us = self._now_us()
        with self._database.read() as connection:
            answer = self._books.close(connection, run_id, now_us, self._elapsed())
        with self._database.write() as connection:
            volumes.end_run(connection, run_id, now_us, complete=answer["complete"], counts=for_the_record(answer))
            volumes.leave_keeper(connection, self._keeper_id, now_us)
        return answer

    # -- volumes ------------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """See which volumes are there and may be read at this hour."""
        now = self._clock.monotonic()
        guard = now >= self._next_guard
        if guard:
            self._next_guard = now + _GUARD_S
            with self._database.write() as connection:
                volumes.beat(connection, self._keeper_id, self._now_us(), self._doing())
        local = self._clock.now().astimezone(self._zone)
        for visit in self._visits.values():
            if visit.tally.away == "offline" or (guard and not self._is_there(visit)):
                continue
            quiet = is_quiet(visit.swept.quiet, local)
            if quiet and visit.tally.away is None:
                self._send_away(visit, "quiet_hours")
            elif not quiet and visit.tally.away is not None:
                visit.tally.away = None

    def _is_there(self, visit: Visit) -> bool:
        """Look whether the volume is there; one that is not is left alone for the rest of the sweep."""
        before, visit.standing = visit.standing, visit.swept.standing()
        if visit.standing.online:
            return True
        if before.online:
            visit.standing = replace(visit.standing, device=before.device)
        self._books.warnings.append(f"volume {visit.tally.name} is offline, not checked: {visit.standing.reason}")
        self._send_away(visit, "offline")
        return False

    def _send_away(self, visit: Visit, why: str) -> None:
        """Leave a volume alone from now on: what is being read of it is broken off and given back."""
        visit.tally.away = why
        pool = self._pools.pop(visit.standing.device, None) if visit.held else None
        if pool is not None:
            pool.close(1.0)
            self._take(pool)
        if why == "offline":
            # What its readers said last may only mean that it went.
            self._finished = deque(one for one in self._finished if one[0].visit is not visit)
        while any(one[0].visit is visit for one in self._finished):
            self._enter(at_once=True)
        self._let_go(visit, why)

    def _let_go(self, visit: Visit, why: str) -> None:
        """Give the files back that were claimed and not entered."""
        held = list(visit.held.values())
        visit.held.clear()
        visit.bytes_held = 0
        if not held:
            return
        with self._database.write() as connection:
            rows = files.by_id(connection, [one.row.id for one in held])
            checks.let_go(connection, list(rows.values()), self._now_us())
        self._books.warnings += [
            f"{visit.tally.name}:{readable(one.path)} read otherwise than recorded, and there was no time to read it "
            "once more: it is checked early in the next sweep"
            for one in held
            if one.doubted is not None
        ]
        visit.tally.left[why] += len(held)
        self._bytes_claimed -= sum(one.row.size for one in held)

    # -- what comes next ----------------------------------------------------------------------------------------

    def _half_spent(self) -> bool:
        budget = self._budget
        return (budget.max_bytes is not None and self._bytes_claimed * 2 >= budget.max_bytes) or (
            budget.max_duration is not None and self._elapsed() * 2 >= budget.max_duration
        )

    def _claim(self) -> int:
        """Claim what comes next and hand it to the readers; how many files that was."""
        chosen: list[Held] = []
        while len(chosen) < _TOGETHER:
            visit = self._next_visit()
            if visit is None or visit.next is None:
                break
            candidate, visit.next = visit.next, None
            row = candidate.row
            if not self._may_take(row, visit):
                visit.tally.left["with_daemon"] += 1
                continue
            if not self._fits(row, visit):
                self._books.ended_by = "budget"
                visit.tally.exhausted = False
                break
            held = Held(visit, row, join(candidate.folder, row.name))
            visit.held[row.id] = held
            visit.bytes_held += row.size
            visit.sound_claimed = visit.sound_claimed or row.integrity in _SOUND
            self._bytes_claimed += row.size
            chosen.append(held)
        if chosen:
            self._hand_over(chosen)
        return len(chosen)

    def _next_visit(self) -> Visit | None:
        """The volume whose next file was read longest ago, among those that have room for more."""
        ready = []
        for visit in self._visits.values():
            if visit.tally.away is not None or not visit.has_room:
                continue
            if visit.next is None and not visit.tally.exhausted:
                visit.next = next(visit.order, None)
                visit.tally.exhausted = visit.next is None
            if visit.next is not None:
                ready.append((visit.next.key_us, visit.id))
        return self._visits[min(ready)[1]] if ready else None

    def _may_take(self, row: FileRow, visit: Visit) -> bool:
        """Whether nothing is owed to the file that will have it read anyway."""
        if row.due_for is None:
            return True
        later = row.due_us is not None and row.due_us > self._now_us() + _SOON_US
        alone = visit.swept.row.keeper_id is None
        return row.due_for == "read" and row.integrity == Integrity.UNREADABLE.value and (later or alone)

    def _fits(self, row: FileRow, visit: Visit) -> bool:
        """Whether the file may be read within the bytes. The first of the order always may: else it never would."""
        if self._budget.max_bytes is None or self._bytes_claimed + row.size <= self._budget.max_bytes:
            return True
        first = not visit.sound_claimed and row.integrity in _SOUND
        return first or self._bytes_claimed == 0

    def _hand_over(self, chosen: Sequence[Held]) -> None:
        with self._database.write() as connection:
            taken = checks.claim(connection, [one.row for one in chosen], self._now_us())
            digests = contents.digests_of(connection, [row.version_id for row in taken.values() if row.version_id])
        for held in chosen:
            row = taken.get(held.row.id)
            if row is None:
                self._drop(held)
                held.visit.tally.left["with_daemon"] += 1
                continue
            # It may have changed since it was chosen.
            self._bytes_claimed += row.size - held.row.size
            held.visit.bytes_held += row.size - held.row.size
            held.row = row
            held.expected = digests[row.version_id or 0]
            held.order = self._order(held)
            self._submit(held)

    def _order(self, held: Held) -> ReadOrder:
        row, standing = held.row, held.visit.standing
        path = f"{to_os(held.visit.swept.row.root)}/{to_os(held.path)}"
        inode = row.inode
        if not standing.trust_inode:
            try:
                inode = os.lstat(path).st_ino
            except OSError:
                pass  # the reader finds it out in a moment, and says so
        return ReadOrder(
            key=(held.visit.id, row.id),
            path=path,
            algorithms=tuple(sorted(held.expected)),
            expect=Stat(row.size, row.mtime_ns, row.ctime_ns, inode, standing.device),
            uncached=True,
            refuse_writers=True,
        )

    def _submit(self, held: Held) -> None:
        assert held.order is not None
        device = held.visit.standing.device
        pool = self._pools.get(device)
        if pool is None:
            pool = self._pools[device] = ReaderPool(
                self._workers,
                self._clock,
                pace=self._pace,
                capacity=(AHEAD_FILES + 1) * len(self._visits),
                wake=self._wake.set,
            )
        accepted = pool.submit(held.order)
        assert accepted, "the pool has room for all that is claimed"

    # -- what came of it ----------------------------------------------------------------------------------------

    def _collect(self) -> None:
        for pool in list(self._pools.values()):
            self._take(pool)

    def _take(self, pool: ReaderPool) -> None:
        """Take what the readers finished; what is not as recorded is read once more before anything is said."""
        for order, outcome in pool.finished():
            volume_id, file_id = cast(tuple[int, int], order.key)
            held = self._visits[volume_id].held.get(file_id)
            if held is None:
                continue
            again = isinstance(outcome, NotRead) and outcome.reason is Reason.STOPPED
            if isinstance(outcome, Reading):
                self._bytes_read += outcome.stat.size
                if held.doubted is None and difference(held.expected, outcome) is not None:
                    held.doubted, held.doubted_us = outcome, self._now_us()
                    again = True
            if again:
                if not self._winding_up and held.visit.tally.away is None:
                    self._submit(held)
                continue
            if not self._finished:
                self._oldest = self._clock.monotonic()
            self._finished.append((held, Proof(held.row, held.expected, outcome, held.doubted, held.doubted_us)))

    def _enter(self, *, at_once: bool) -> None:
        """Enter what is finished, many files a transaction."""
        if not self._finished:
            return
        if not at_once and len(self._finished) < _TOGETHER and self._clock.monotonic() - self._oldest < _GATHER_S:
            return
        some = [self._finished.popleft() for _ in range(min(_TOGETHER, len(self._finished)))]
        self._oldest = self._clock.monotonic()
        for volume_id in {held.visit.id for held, proof in some if isinstance(proof.outcome, NotRead)}:
            # A file that cannot be read may only mean that the volume has gone.
            if self._visits[volume_id].tally.away != "offline":
                self._is_there(self._visits[volume_id])
        some = [one for one in some if one[0].visit.held.get(one[0].row.id) is one[0]]
        if not some:
            return
        with self._database.write() as connection:
            results = proofs.enter(connection, [proof for _, proof in some], self._now_us())
        for (held, _), result in zip(some, results, strict=True):
            self._drop(held)
            if result.verdict in VERDICTS:
                self._bytes_claimed += held.row.size  # `_drop` took it back
            known = held.row.known_us is not None and held.row.problem == result.problem
            self._books.enter(held.visit.tally, held.path, held.row.size, result, known=known)

    def _drop(self, held: Held) -> None:
        if held.visit.held.pop(held.row.id, None) is not None:
            held.visit.bytes_held -= held.row.size
            self._bytes_claimed -= held.row.size

    # -- how far it is ------------------------------------------------------------------------------------------

    def _under_way(self) -> bool:
        return any(visit.held for visit in self._visits.values())

    def _pools_busy(self) -> bool:
        return any(pool.outstanding for pool in self._pools.values())

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    def _out_of_time(self) -> bool:
        return self._budget.max_duration is not None and self._elapsed() >= self._budget.max_duration

    def _bytes_under_way(self) -> int:
        return self._bytes_read + sum(one.bytes_done for pool in self._pools.values() for one in pool.progress())

    def _planned(self) -> int:
        with self._database.read() as connection:
            planned = self._books.planned(connection)
        return planned if self._budget.max_bytes is None else min(planned, self._budget.max_bytes)

    def _doing(self) -> dict[str, Any]:
        return {"volumes": list(self._visits), "files_read": self._books.checked, "bytes_read": self._bytes_read}

    def _now_us(self) -> int:
        return microseconds(self._clock.now())
