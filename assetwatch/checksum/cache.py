"""How much of an open file does the page cache hold, and how is it left that way?

A server's page cache belongs to the people who work on it. Reading 500 GB to hash it would push out
everything they use, so a pass over a file gives back the pages that it brought in, and only those. (A pass
that is broken off can leave what the kernel was still reading ahead: one read-ahead window.)
"""

from __future__ import annotations

import errno
import functools
import mmap
import os
import sys
from collections.abc import Callable
from enum import Enum
from typing import Final

#: preadv2 flag, Linux 6.14: what this read brings in is dropped when it has been copied, what was there stays.
RWF_DONTCACHE: Final = 0x80

#: cachestat(2), Linux 6.5. New system calls have one number on all of Linux's architectures but alpha.
_CACHESTAT: Final = 451

#: Where the kernel does not tell the number of resident pages, so many offsets are looked at, evenly spread,
#: and no more than one in so many bytes.
_SAMPLES: Final = 8
_SAMPLE_BYTES: Final = 1024 * 1024


class Residency(Enum):
    """How much of a file the page cache holds."""

    NONE = "none"
    SOME = "some"  #: or not known: nothing may be dropped that somebody else may have brought in
    ALL = "all"


@functools.cache
def _cachestat() -> Callable[[int], int | None]:
    """The system call as a function of the file descriptor: pages, or None where it is refused."""
    if not sys.platform.startswith("linux"):
        return lambda fd: None
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    call = libc.syscall
    call.restype = ctypes.c_long
    number, flags = ctypes.c_long(_CACHESTAT), ctypes.c_uint(0)
    whole = ctypes.byref((ctypes.c_uint64 * 2)(0, 0))  # offset, length; a length of 0 means to the end
    counts = ctypes.c_uint64 * 5  # cached, dirty, in writeback, evicted, recently evicted
    byref = ctypes.byref

    def resident(fd: int) -> int | None:
        found = counts()
        if call(number, ctypes.c_uint(fd), whole, byref(found), flags) != 0:
            return None
        return int(found[0])

    return resident


def resident_pages(fd: int) -> int | None:
    """How many pages of the open file are in the page cache; None where the kernel does not say.

    It does not before Linux 6.5, and later ones tell it only to the file's owner or who may write to it.
    """
    return _cachestat()(fd)


def residency(fd: int, size: int) -> Residency:
    """How much of the open file of `size` bytes is in the page cache, found without reading it."""
    pages = resident_pages(fd)
    if pages is None:
        return _sampled(fd, size)
    if pages == 0:
        return Residency.NONE
    return Residency.ALL if pages * mmap.PAGESIZE >= size else Residency.SOME


def _sampled(fd: int, size: int) -> Residency:
    """The same from a few bytes here and there, asked for only if they need no wait (RWF_NOWAIT)."""
    byte = bytearray(1)
    last = max(0, size - 1)
    samples = min(_SAMPLES, 1 + size // _SAMPLE_BYTES)
    found = set()
    # The last one first: a miss may start a read-ahead, and that runs forward.
    for sample in range(samples, 0, -1):
        try:
            found.add(os.preadv(fd, [byte], last * sample // samples, os.RWF_NOWAIT) == 1)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                return Residency.SOME
            found.add(False)
    if len(found) == 2:
        return Residency.SOME
    return Residency.ALL if True in found else Residency.NONE


def want(fd: int, size: int) -> None:
    """Ask the kernel to bring the file in, without waiting for it."""
    _advise(fd, 0, size, os.POSIX_FADV_WILLNEED)


def drop(fd: int, offset: int = 0, length: int = 0) -> None:
    """Give back the clean pages of a range of the file; a length of 0 means to its end.

    Pages that are not on the disk yet stay, and nothing is flushed to change that.
    """
    _advise(fd, offset, length, os.POSIX_FADV_DONTNEED)


def _advise(fd: int, offset: int, length: int, advice: int) -> None:
    try:
        os.posix_fadvise(fd, offset, length, advice)
    except OSError:
        # Advice that a file system does not take is no loss.
        pass
