"""Which files are read now? Due rows are claimed, read and probed, and what came of it is recorded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, cast

from msgspec.structs import replace
from sqlalchemy import Connection

from assetwatch.catalog import contents, files, packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.files import Ids
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.pool import Progress, ReaderPool, ReadOrder
from assetwatch.checksum.reader import NotRead, Reading, Reason
from assetwatch.clock import Clock
from assetwatch.ingest.awaited import is_list
from assetwatch.ingest.intake import Fresh, Intake
from assetwatch.ingest.listing import look_at, open_folder
from assetwatch.ingest.record import Finished, Probed, claim, record, record_link, record_probes
from assetwatch.media.probe import Prober, ProbeResult
from assetwatch.media.sniff import worth_probing
from assetwatch.model import Integrity, Stat
from assetwatch.paths import join, to_os

#: What a read or a probe is known by while it is under way: (volume id, file id).
Key = tuple[int, int]

#: Claims in one transaction; also what a crash can leave to be read again.
_CLAIMS: Final = 512

#: Files handed to the readers, or read and waiting for their probe, at most: each may be open.
CAPACITY: Final = 2048

#: Rows entered in one transaction.
_RECORDS: Final = 1000

#: While more is being read, outcomes are gathered for so long (seconds): a transaction costs as much as fifty rows.
_GATHER_S: Final = 0.1

#: Bytes of the longest path that the kernel takes, with its NUL (limits.h).
_PATH_MAX: Final = 4096

#: Probes under way or waiting at most: each holds an open file.
_PROBES: Final = 128


class ReadingRoom:
    """Reads what is due on the volumes in care. Used from one thread; the pool and the prober have their own.

    Memory holds only what is under way: whatever it forgets is in the catalog as claimed and is found again.
    """

    def __init__(
        self,
        database: Database,
        ids: Ids,
        pool: ReaderPool,
        prober: Prober,
        algorithms: Sequence[str],
        intakes: Mapping[int, Intake],
        clock: Clock,
        capacity: int = CAPACITY,
    ) -> None:
        self._database = database
        self._ids = ids
        self._pool = pool
        self._prober = prober
        self._algorithms = tuple(algorithms)
        self._intakes = intakes
        self._clock = clock
        self._capacity = capacity
        self._oldest = clock.monotonic()
        self._under_way: set[int] = set()
        self._held: dict[int, Reading] = {}
        self._finished: list[Finished] = []
        self._probed: list[Probed] = []
        self._waiting: deque[Fresh] = deque()
        self._fresh: dict[int, FileRow] = {}
        self._dropped: set[int] = set()
        self._lists: set[int] = set()
        self._doubted: set[int] = set()
        self._deep = _DeepFolders()
        self.files_read = 0
        self.bytes_read = 0

    @property
    def busy(self) -> bool:
        """Whether anything is being read, or read and not recorded yet."""
        return bool(self._under_way or self._finished or self._probed or self._waiting)

    @property
    def gathering(self) -> bool:
        """Whether outcomes wait for more, to be entered together."""
        return bool(self._finished)

    @property
    def gathers_until(self) -> float:
        """When (monotonic seconds) outcomes that wait for more are entered at the latest."""
        return self._oldest + _GATHER_S

    @property
    def full(self) -> bool:
        """Whether so many files wait for a reader that the catalog does not know that a scan has to pause.

        Some may wait: where none did, the readers would stand still while the next folders are listed.
        """
        return len(self._waiting) >= self._capacity

    def progress(self) -> list[Progress]:
        """The large files that are being read, and how far."""
        return self._pool.progress()

    def collect(self) -> int:
        """Take what readers and probes have finished; how many files came a step further."""
        steps = 0
        if not self._finished:
            self._oldest = self._clock.monotonic()
        for order, outcome in self._pool.finished():
            steps += 1
            volume_id, file_id = cast(Key, order.key)
            self._deep.let_go(file_id)
            if isinstance(outcome, NotRead):
                self._finished.append(Finished(volume_id, file_id, outcome))
                continue
            self.files_read += 1
            self.bytes_read += outcome.stat.size
            self._lists.discard(file_id)
            if is_list(order.path, outcome.head):
                self._lists.add(file_id)
            if outcome.fd is None:
                self._finished.append(self._as_finished(volume_id, file_id, outcome))
            elif self._prober.submit(order.key, outcome.fd, os.path.basename(order.path), outcome.stat.size):
                self._held[file_id] = outcome
            else:
                os.close(outcome.fd)
                self._finished.append(self._as_finished(volume_id, file_id, outcome))
        for key, result in self._prober.finished():
            steps += 1
            volume_id, file_id = cast(Key, key)
            reading = self._held.pop(file_id, None)
            if reading is None:
                self._probed.append(Probed(volume_id, file_id, result))
            else:
                self._finished.append(self._as_finished(volume_id, file_id, reading, result))
        return steps

    def _as_finished(
        self, volume_id: int, file_id: int, reading: Reading, media: ProbeResult | None = None
    ) -> Finished:
        return Finished(volume_id, file_id, reading, media, file_id in self._lists, file_id in self._doubted)

    def in_doubt(self) -> set[int]:
        """Volumes of which something could not be read: are they there at all? To be asked before `record`."""
        return {one.volume_id for one in self._finished if isinstance(one.outcome, NotRead)}

    def record(self, online: Container[int], now_us: int) -> int:
        """Enter what is finished; how many files that was.

        What came from a volume that is not online is dropped: its files stay claimed until `recover` gives them back.
        """
        now = self._clock.monotonic()
        if self._pool.outstanding and len(self._finished) < _RECORDS and now - self._oldest < _GATHER_S:
            return 0
        finished, self._finished = self._finished[:_RECORDS], self._finished[_RECORDS:]
        self._oldest = now
        probed, self._probed = self._probed, []
        if not finished and not probed:
            return 0
        rules = {volume_id: intake.rules for volume_id, intake in self._intakes.items()}
        with self._database.write() as connection:
            there = [one for one in finished if one.volume_id in online and self._is_wanted(one)]
            fresh = {one.file_id: self._fresh[one.file_id] for one in there if one.file_id in self._fresh}
            record(connection, self._ids, rules, there, now_us, fresh)
            record_probes(connection, [one for one in probed if one.volume_id in online], now_us)
        for file_id in [one.file_id for one in finished] + [one.file_id for one in probed]:
            self._under_way.discard(file_id)
            self._fresh.pop(file_id, None)
            self._dropped.discard(file_id)
            self._lists.discard(file_id)
            self._doubted.discard(file_id)
        return len(finished) + len(probed)

    def _is_wanted(self, one: Finished) -> bool:
        """Whether the outcome is to be entered: not of a dropped file, nor of a fresh one that was not read."""
        stopped = isinstance(one.outcome, NotRead) and one.outcome.reason is Reason.STOPPED
        return one.file_id not in self._dropped and not (stopped and one.file_id in self._fresh)

    def _room(self) -> int:
        """How many more files may be taken up: what waits for its probe is open, too."""
        return max(0, self._capacity - self._pool.outstanding - len(self._held))

    def begin_fresh(self, fresh: Iterable[Fresh]) -> int:
        """Read files that the catalog does not know yet; how many were handed to the readers.

        A file that an earlier scan gave out, and that is not entered yet, is not read beside that.
        """
        fresh = list(fresh)
        if fresh:
            given_out = {_place(one.row) for one in self._waiting} | {_place(row) for row in self._fresh.values()}
            self._waiting.extend(one for one in fresh if _place(one.row) not in given_out)
        room = min(self._room(), len(self._waiting))
        taken = [self._waiting.popleft() for _ in range(room)]
        if not taken:
            return 0
        with self._database.read() as connection:
            wants = packages.wants(
                connection, [one.row for one in taken], {one.row.folder_id: one.folder for one in taken}
            )
        orders = []
        for row, folder in taken:
            self._fresh[row.id] = replace(row, due_for="reading")
            self._under_way.add(row.id)
            orders.append(self._order(row, folder, wants))
        accepted = self._pool.submit_many(orders)
        assert accepted == len(orders), "the pool had room for all of them"
        return accepted

    def drop_fresh(self, volume_id: int) -> None:
        """Forget the files of a volume that the catalog does not know: another scan will find them."""
        self._waiting = deque(one for one in self._waiting if one.row.volume_id != volume_id)
        for file_id in [one for one, row in self._fresh.items() if row.volume_id == volume_id]:
            self._dropped.add(file_id)
            del self._fresh[file_id]

    def begin(self, volume_ids: Sequence[int], now_us: int) -> int:
        """Claim what is due and hand it to the readers; how many files that was."""
        room = self._room()
        if room < min(_CLAIMS, self._capacity // 2) or not volume_ids:
            return 0
        with self._database.read() as connection:
            rows = files.due(connection, volume_ids, now_us, ("read",), min(_CLAIMS, room))
            probes = files.due(connection, volume_ids, now_us, ("probe",), max(0, _PROBES - len(self._held)))
            rows = [row for row in rows if row.id not in self._under_way]
            probes = [row for row in probes if row.id not in self._under_way]
        if not rows and not probes:
            return 0
        with self._database.write() as connection:
            folders = files.paths_of_folders(connection, {row.folder_id for row in (*rows, *probes)})
            wants = packages.wants(connection, rows, folders)
            rows = self._without_links(connection, rows, wants, now_us)
            claim(connection, rows, now_us, "reading")
            claim(connection, probes, now_us, "probing")
        self._under_way.update(row.id for row in (*rows, *probes))
        self._doubted.update(file_id for file_id, (_, doubted) in wants.items() if doubted)
        orders = [self._order(row, folders[row.folder_id], wants) for row in rows]
        accepted = self._pool.submit_many(orders)
        assert accepted == len(orders), "the pool had room for all of them"
        for row in probes:
            self._probe(row, folders[row.folder_id])
        return len(rows) + len(probes)

    def _order(self, row: FileRow, folder: str, wants: Mapping[int, tuple[tuple[str, ...], bool]]) -> ReadOrder:
        """What to read, and which digests: the configured ones and those that senders' lists need."""
        intake = self._intakes[row.volume_id]
        wanted, doubted = wants.get(row.id, ((), False))
        return ReadOrder(
            key=(row.volume_id, row.id),
            path=self._deep.path_of(row, intake.root, folder),
            algorithms=tuple(dict.fromkeys((*self._algorithms, *wanted))),
            uncached=doubted,
            expect=Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, intake.device),
            refuse_writers=intake.rules.local,
            # Frames are probed once their sequence is known: only its ends are worth it.
            keep_open=row.series_id is None and row.size > 0,
        )

    def _probe(self, row: FileRow, folder: str) -> None:
        """Have the media of a recorded file read."""
        path = self._deep.path_of(row, self._intakes[row.volume_id].root, folder)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            result = self._prober.unreadable(str(error.strerror))
        else:
            seen = os.fstat(fd)
            if (seen.st_size, seen.st_mtime_ns) != (row.size, row.mtime_ns):
                # What is there now is another version, and will be probed as that.
                result = self._prober.unreadable("it was changed before its media were read")
            elif self._prober.submit((row.volume_id, row.id), fd, to_os(row.name), row.size):
                return
            else:
                result = self._prober.unreadable("the prober is closed")
            os.close(fd)
        finally:
            self._deep.let_go(row.id)
        self._probed.append(Probed(row.volume_id, row.id, result))

    def _without_links(
        self,
        connection: Connection,
        rows: Sequence[FileRow],
        wants: Mapping[int, tuple[tuple[str, ...], bool]],
        now_us: int,
    ) -> list[FileRow]:
        """The rows that have to be read: a further name of bytes that are recorded already is entered as that.

        Of several new names of one inode one is read now, the others wait for it. One of which a sender's list needs
        more than is recorded is read.
        """
        first: dict[tuple[int, int], int] = {}
        reading: list[FileRow] = []
        waiting: list[tuple[FileRow, FileRow]] = []
        by_volume: dict[int, list[int]] = {}
        for row in rows:
            if self._intakes[row.volume_id].rules.trust_inode:
                by_volume.setdefault(row.volume_id, []).append(row.inode)
        siblings = {
            volume_id: files.with_inodes(connection, volume_id, inodes) for volume_id, inodes in by_volume.items()
        }
        for row in rows:
            others = [o for o in siblings.get(row.volume_id, {}).get(row.inode, ()) if o.id != row.id]
            known = next((o for o in others if o.integrity in _KNOWN and self._is_link_of(connection, row, o)), None)
            if known is not None and not self._lacks(connection, known, *wants.get(row.id, ((), False))):
                record_link(connection, self._ids, row, known, now_us)
                continue
            one_is_read = any(o.due_for == "reading" for o in others)
            if one_is_read or (others and first.setdefault((row.volume_id, row.inode), row.id) != row.id):
                waiting.append((row, replace(row, due_us=now_us + 1_000_000)))
            else:
                reading.append(row)
        files.change(connection, waiting)
        return reading

    def _lacks(self, connection: Connection, known: FileRow, wanted: Sequence[str], doubted: bool) -> bool:
        """Whether what is recorded of a file does not answer what a sender's list asks."""
        version_id = known.version_id or 0
        return doubted or not contents.digests_of(connection, [version_id]).get(version_id, {}).keys() >= set(wanted)

    def _is_link_of(self, connection: Connection, row: FileRow, other: FileRow) -> bool:
        """Whether the other name still leads to the same inode with the stat that its bytes were recorded with."""
        if not other.has_stat(row.size, row.mtime_ns, row.inode, trust_inode=True) or other.absent_us is not None:
            return False
        intake = self._intakes[row.volume_id]
        folder = files.paths_of_folders(connection, [other.folder_id])[other.folder_id]
        try:
            seen = look_at(intake.root, join(folder, other.name))
        except OSError:
            return False
        return seen is not None and other.has_stat(seen.size, seen.mtime_ns, seen.inode, trust_inode=True)


class _DeepFolders:
    """Folders so deep that the kernel does not take the whole path of a file in them: it is named by an open handle."""

    def __init__(self) -> None:
        self._handles: dict[tuple[str, str], int] = {}
        self._folder_of: dict[int, tuple[str, str]] = {}

    def path_of(self, row: FileRow, root: str, folder: str) -> str:
        """Where a file can be opened, until `let_go`; as `os` functions take it."""
        path = f"{root}/{to_os(join(folder, row.name))}"
        if len(path) * 3 < _PATH_MAX or len(os.fsencode(path)) < _PATH_MAX:
            return path
        key = (root, folder)
        try:
            if key not in self._handles:
                with open_folder(root, folder) as fd:
                    self._handles[key] = os.dup(fd)
        except OSError:
            return path  # whoever opens it is told what is wrong
        self._folder_of[row.id] = key
        return f"/proc/self/fd/{self._handles[key]}/{to_os(row.name)}"

    def let_go(self, file_id: int) -> None:
        """A file is done with; the last one of a folder closes it."""
        key = self._folder_of.pop(file_id, None)
        if key is not None and key not in self._folder_of.values():
            os.close(self._handles.pop(key))


def _place(row: FileRow) -> tuple[int, str]:
    return row.folder_id, row.name


_KNOWN = (Integrity.RECORDED.value, Integrity.VERIFIED.value)


def worth_opening(order: ReadOrder, head: bytes) -> bool:
    """Whether a file that was read is to be kept open for its probe. For the pool, whose threads ask it."""
    return worth_probing(head, os.path.basename(order.path))
