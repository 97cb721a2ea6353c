"""What are the digests of one file, read once, with nothing disturbed and nothing half-true?

A digest leaves this module only if the bytes were of one content from first to last: the open file's size,
mtime and ctime are the same before and after. The page cache is left as it was found (module `cache`).
Nothing is ever opened but regular files, and nothing for writing.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from assetwatch.checksum import cache
from assetwatch.checksum.algorithms import Digests
from assetwatch.checksum.cache import Residency
from assetwatch.checksum.lease import being_written
from assetwatch.checksum.pace import TokenBucket
from assetwatch.clock import Clock
from assetwatch.model import Stat

#: Bytes a read. Above 65,536 xxhash lets other threads run; much more no longer fits the processor's cache.
PIECE_BYTES: Final = 256 * 1024

#: Pages are given back, and progress told, once in so many bytes. Every 1 MiB was measured to cost
#: more than the pages are worth, every 64 MiB to gain nothing over this.
STRIDE_BYTES: Final = 8 * 1024 * 1024

#: Bytes of the file's beginning that come with its digests, enough to tell one kind of media from another.
HEAD_BYTES: Final = 4096

_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NOATIME: Final = getattr(os, "O_NOATIME", 0)


class Reason(StrEnum):
    """Why there are no digests of a file."""

    VANISHED = "vanished"  #: it is not there, or was removed while it was read
    CHANGED = "changed"  #: it is not what was expected, or somebody wrote to it while it was read
    UNREADABLE = "unreadable"  #: the system would not give its bytes
    NOT_REGULAR = "not_regular"  #: a link, directory, FIFO, socket or device: not read
    STOPPED = "stopped"  #: the reader was told to stop
    BUSY = "busy"  #: somebody has it open for writing, or the machine is short of something: ask again


@dataclass(frozen=True, slots=True)
class NotRead:
    """The outcome of a read that gave no digests.

    `text` says it to a person, with what to do about it. `errno` and `offset` (bytes from the file's
    beginning) are there where the system refused something.
    """

    reason: Reason
    text: str
    errno: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of a read from the first byte to the last.

    `stat` is of the open file and the same before and after. `digests` maps canonical names to canonical texts.
    `head` is the first HEAD_BYTES bytes, or fewer. `fd` is the file, still open, where that was asked for:
    whoever receives it closes it.
    """

    stat: Stat
    digests: Mapping[str, str]
    head: bytes
    seconds: float
    fd: int | None = None


class ReadInto(Protocol):
    """os.preadv, or what a test puts in its place."""

    def __call__(self, fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int: ...


_ADVICE: Final[Mapping[int, tuple[Reason, str]]] = {
    errno.ENOENT: (Reason.VANISHED, "no file has this name"),
    errno.ENOTDIR: (Reason.VANISHED, "a folder on the way to it is no longer a folder"),
    errno.ELOOP: (Reason.NOT_REGULAR, "a symbolic link; links are never followed"),
    errno.ENXIO: (Reason.NOT_REGULAR, "a socket or a device without a driver"),
    errno.ENODEV: (Reason.NOT_REGULAR, "a device that is not there"),
    errno.EAGAIN: (Reason.BUSY, "somebody holds it for writing (a lease, or a file share's lock)"),
    errno.ETXTBSY: (Reason.BUSY, "somebody holds it for writing"),
    errno.EMFILE: (Reason.BUSY, "too many files are open in this program; raise its limit (LimitNOFILE=)"),
    errno.ENFILE: (Reason.BUSY, "too many files are open on this machine (sysctl fs.file-max)"),
    errno.ENOMEM: (Reason.BUSY, "the machine is out of memory"),
    errno.EACCES: (Reason.UNREADABLE, "no permission; let the daemon's user or group read it and enter its folders"),
    errno.EPERM: (Reason.UNREADABLE, "not permitted; look for a mount option or a security policy that forbids it"),
    errno.ESTALE: (
        Reason.UNREADABLE,
        "the file server no longer knows this file, or the export changed; if it stays so, mount the volume again",
    ),
    errno.EIO: (
        Reason.UNREADABLE,
        "the device could not give these bytes; look at the kernel's log, and copy the file again from its source",
    ),
    errno.ENAMETOOLONG: (Reason.UNREADABLE, "the path is longer than the system takes"),
    errno.ETIMEDOUT: (Reason.UNREADABLE, "the file server did not answer; look at the network and the mount"),
    errno.EHOSTDOWN: (Reason.UNREADABLE, "the file server is down"),
    errno.ENOTCONN: (Reason.UNREADABLE, "the mount has lost its server; mount the volume again"),
}

_STOPPED: Final = NotRead(Reason.STOPPED, "stopped before the end")
_WRITTEN: Final = NotRead(Reason.BUSY, "somebody has it open for writing")


def _refused(error: OSError, offset: int | None = None) -> NotRead:
    number = error.errno or errno.EIO
    said = os.strerror(number)
    reason, advice = _ADVICE.get(number, (Reason.UNREADABLE, ""))
    where = "" if offset is None else f" at byte {offset:,}"
    return NotRead(reason, f"{said}{where}: {advice}" if advice else said + where, number, offset)


class Reader:
    """Reads files, one at a time, through one buffer. For one thread.

    `pace` is shared with other readers; `stop` ends a read within one piece. `read_into` stands for os.preadv,
    so that a test can let a disk fail.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        pace: TokenBucket | None = None,
        stop: threading.Event | None = None,
        read_into: ReadInto = os.preadv,
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._stop = stop
        self._read_into = read_into
        self._buffer = memoryview(bytearray(PIECE_BYTES))

    def read(
        self,
        file: str | int,
        algorithms: Iterable[str],
        *,
        expect: Stat | None = None,
        progress: Callable[[int], None] | None = None,
        uncached: bool = False,
        refuse_writers: bool = False,
        keep_open: bool = False,
    ) -> Reading | NotRead:
        """Every digest in `algorithms` (canonical names), from one pass over the file.

        `file` is a path, or a descriptor open for reading that stays the caller's. With `expect` a file whose size,
        mtime or inode differ from it is not read: `changed`. `progress` is called with the number of bytes done
        every STRIDE_BYTES. `uncached` first drops the file's clean pages, so that the bytes come from the
        disk and not from memory. `refuse_writers` gives `busy` where anybody has the file open for writing
        before or after the bytes are read, if that can be known (module `lease`).
        """
        opened = open_footage(file, expect, uncached=uncached, refuse_writers=refuse_writers)
        if isinstance(opened, NotRead):
            return opened
        return self.finish(opened, algorithms, progress=progress, keep_open=keep_open)

    def finish(
        self,
        opened: Opened,
        algorithms: Iterable[str],
        *,
        progress: Callable[[int], None] | None = None,
        keep_open: bool = False,
    ) -> Reading | NotRead:
        """The second half of `read`: the bytes of a file that `open_footage` gave, which is closed."""
        kept = False
        try:
            started = self._clock.monotonic()
            digests = Digests(algorithms)
            head = self._pass(opened, digests, progress)
            if isinstance(head, NotRead):
                return head
            if against := opened.changed():
                return against
            seconds = self._clock.monotonic() - started
            kept = keep_open
            return Reading(opened.stat, digests.texts(), head, seconds, opened.fd if keep_open else None)
        finally:
            opened.give_back()
            if not kept:
                opened.close()

    def _pass(self, opened: Opened, digests: Digests, progress: Callable[[int], None] | None) -> bytes | NotRead:
        """Give all of the file's bytes to `digests`; its head."""
        fd, size, feeds = opened.fd, opened.stat.size, digests.feeds
        buffer, read_into, stop, pace = self._buffer, self._read_into, self._stop, self._pace
        flags = cache.RWF_DONTCACHE if opened.residency is Residency.SOME else 0
        head = b""
        offset = stride = 0
        while offset < size:
            wanted = min(PIECE_BYTES, size - offset)
            if (stop is not None and stop.is_set()) or (pace is not None and not pace.take(wanted, stop)):
                return _STOPPED
            try:
                count = read_into(fd, [buffer[:wanted]], offset, flags)
            except OSError as error:
                if flags and error.errno in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    # This kernel or file system has no such flag. What is brought in then stays, because
                    # dropping it would also drop what others had there.
                    flags = 0
                    continue
                return _refused(error, offset)
            if count == 0:
                return NotRead(Reason.CHANGED, f"it ends at byte {offset:,} of {size:,}: somebody cut it off")
            piece = buffer[:count]
            if not head:
                head = bytes(piece[:HEAD_BYTES])
            for feed in feeds:
                feed(piece)
            offset += count
            if offset - stride >= STRIDE_BYTES:
                opened.give_back(stride, offset - stride)
                stride = offset
                if progress is not None:
                    progress(offset)
        return head


class Opened:
    """A regular file, open for reading, whose bytes have not been read yet."""

    __slots__ = ("_owned", "_refuse_writers", "fd", "residency", "stat")

    def __init__(self, fd: int, found: Stat, residency: Residency, owned: bool, refuse_writers: bool) -> None:
        self.fd = fd
        self.stat = found
        self.residency = residency
        self._owned = owned
        self._refuse_writers = refuse_writers

    def want(self) -> None:
        """Have the bytes brought in while others are read, if they can be given back afterwards."""
        if self.residency is Residency.NONE:
            cache.want(self.fd, self.stat.size)

    def changed(self) -> NotRead | None:
        """What has happened to the file since it was opened, if anything has."""
        try:
            now = os.fstat(self.fd)
        except OSError as error:
            return _refused(error)
        was = self.stat
        if now.st_nlink == 0:
            return NotRead(Reason.VANISHED, "it was removed or replaced while it was read")
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (was.size, was.mtime_ns, was.ctime_ns):
            return NotRead(Reason.CHANGED, "it was written to while it was read")
        return _WRITTEN if self._refuse_writers and being_written(self.fd) else None

    def give_back(self, offset: int = 0, length: int = 0) -> None:
        """Drop what was brought in of a range, or of the whole file, if nothing of the file was there before."""
        if self.residency is Residency.NONE:
            cache.drop(self.fd, offset, length)

    def close(self) -> None:
        """Close the file, unless it came open from the caller."""
        if self._owned:
            os.close(self.fd)


def open_footage(
    file: str | int,
    expect: Stat | None = None,
    *,
    uncached: bool = False,
    refuse_writers: bool = False,
) -> Opened | NotRead:
    """The first half of `Reader.read`: everything up to the first byte."""
    owned = isinstance(file, str)
    fd = -1
    outcome: Opened | NotRead
    try:
        if isinstance(file, str):
            # Who expects a regular file has seen one there a moment ago. Otherwise look before opening,
            # because opening alone moves a tape and wakes the other end of a FIFO.
            if expect is None and (unfit := _unfit(os.lstat(file).st_mode)):
                return unfit
            fd = _open(file)
        else:
            fd = file
        outcome = _looked_at(fd, expect, owned, uncached, refuse_writers)
    except OSError as error:
        outcome = _refused(error)
    if owned and fd >= 0 and isinstance(outcome, NotRead):
        os.close(fd)
    return outcome


def _open(path: str) -> int:
    try:
        return os.open(path, _OPEN | _NOATIME)
    except PermissionError as error:
        if error.errno != errno.EPERM:
            raise
        # Only the owner may leave the access time alone.
        return os.open(path, _OPEN)


def _looked_at(fd: int, expect: Stat | None, owned: bool, uncached: bool, refuse_writers: bool) -> Opened | NotRead:
    found = os.fstat(fd)
    if unfit := _unfit(found.st_mode):
        return unfit
    seen = Stat.of(found)
    if expect is not None and not expect.same_content_as(seen):
        return NotRead(Reason.CHANGED, "its size, time or inode is not what it was when it was last seen")
    if refuse_writers and being_written(fd):
        return _WRITTEN
    if uncached:
        cache.drop(fd)
    return Opened(fd, seen, cache.residency(fd, seen.size), owned, refuse_writers)


_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link; links are never followed",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _unfit(mode: int) -> NotRead | None:
    if stat.S_ISREG(mode):
        return None
    return NotRead(Reason.NOT_REGULAR, f"{_KINDS.get(stat.S_IFMT(mode), 'a special file')}: not read")
