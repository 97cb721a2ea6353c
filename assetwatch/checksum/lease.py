"""Has anybody a file open for writing at this moment?

Linux grants a read lease on a file only while nobody has it open for writing (fcntl(2), "Leases").
Taking one and giving it back at once asks that question without any change to the file.

While a lease is held, somebody who opens the file for writing waits for the holder, who gets a signal:
SIGIO, which ends a process that does not expect it. The lease here lasts for microseconds and asks for
SIGURG instead, which is ignored by default; a main program calls `ignore_sigio` all the same, so that
nothing hangs on that one request.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import signal
import sys
from collections.abc import Callable
from typing import Final

#: statfs(2) f_type of file systems whose writers are all known to this machine's kernel. On a network
#: file system a lease is refused or granted for reasons of its own, so no answer is drawn from it there.
_LOCAL: Final = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # XFS
        0x9123683E,  # btrfs
        0x2FC12FC1,  # ZFS
        0xF2F52010,  # F2FS
        0xCA451A4E,  # bcachefs
        0x01021994,  # tmpfs
        0x2011BAB0,  # exFAT
        0x4D44,  # FAT
        0x7366746E,  # NTFS
        0x482B,  # HFS+
        0x15013346,  # UDF
    }
)


def ignore_sigio() -> None:
    """Make SIGIO harmless for this process. To be called in its main thread."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def being_written(fd: int) -> bool | None:
    """Whether anybody, this process included, has the file open for writing; `fd` must be open read-only.

    None where it cannot be known: not Linux, not a local file system, or not permitted (a lease is granted to
    the file's owner and with CAP_LEASE).
    """
    if not sys.platform.startswith("linux") or _file_system(fd) not in _LOCAL:
        return None
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


@functools.cache
def _statfs() -> Callable[[int], int]:
    """fstatfs(2) as a function of the file descriptor: f_type, or 0 where it fails."""
    import ctypes

    call = ctypes.CDLL(None, use_errno=True).fstatfs
    # f_type is the first field and a word long; the structure is nowhere longer than this.
    words = ctypes.c_ulong * 32

    def file_system(fd: int) -> int:
        found = words()
        return int(found[0]) & 0xFFFFFFFF if call(fd, found) == 0 else 0

    return file_system


def _file_system(fd: int) -> int:
    return _statfs()(fd)
