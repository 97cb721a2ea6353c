"""What does the kernel report about directories, and what does it refuse to watch?

The calls and the record layout are those of inotify(7). watchdog's own reader is not used: it loses most of
a burst, and above `max_queued_events` folders its recovery from an overflow causes the next overflow.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: One event: watch descriptor, mask, cookie (pairs the two halves of a rename), name in the directory or "".
Event = tuple[int, int, int, str]

# <sys/inotify.h>
IN_CLOSE_WRITE: Final = 0x0000_0008
IN_MOVED_FROM: Final = 0x0000_0040
IN_MOVED_TO: Final = 0x0000_0080
IN_CREATE: Final = 0x0000_0100
IN_DELETE: Final = 0x0000_0200
IN_DELETE_SELF: Final = 0x0000_0400
IN_MOVE_SELF: Final = 0x0000_0800
IN_UNMOUNT: Final = 0x0000_2000
IN_Q_OVERFLOW: Final = 0x0000_4000
IN_IGNORED: Final = 0x0000_8000
IN_ONLYDIR: Final = 0x0100_0000
IN_EXCL_UNLINK: Final = 0x0400_0000
IN_ISDIR: Final = 0x4000_0000

# Not MODIFY: an event a write(2), and a writer in place ends with CLOSE_WRITE anyway. Not ATTRIB: copy tools raise
# several a file. Not OPEN and CLOSE_NOWRITE: our own reading would raise them.
_HEARD = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE

#: What is asked for of a folder below the root. That it is deleted, moved or unmounted is heard from its parent
#: or as IN_IGNORED. (Without IN_DONT_FOLLOW: folders are named by an open handle, `/proc/self/fd/N`.)
FOLDER_MASK: Final = _HEARD | IN_ONLYDIR | IN_EXCL_UNLINK
#: What is asked for of the root itself.
ROOT_MASK: Final = _HEARD | IN_ONLYDIR | IN_EXCL_UNLINK | IN_DELETE_SELF | IN_MOVE_SELF

_RECORD = struct.Struct("iIII")
#: Bytes a read(2): the whole default queue (16,384 events) with names of usual length.
_READ_SIZE = 1 << 20
#: Events given out at once at most, so that a flood cannot keep the reader from the rest of its work.
_MOST_EVENTS = 1 << 16
#: Milliseconds to let events gather after the first: a wake-up an event costs five to ten times the CPU.
_GATHER_MS = 5

_libc = ctypes.CDLL(None, use_errno=True)
_inotify_init1: Callable[[int], int] = _libc.inotify_init1
_inotify_add_watch: Callable[[int, bytes, int], int] = _libc.inotify_add_watch
_inotify_rm_watch: Callable[[int, int], int] = _libc.inotify_rm_watch
_libc.inotify_init1.argtypes = (ctypes.c_int,)
_libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
_libc.inotify_rm_watch.argtypes = (ctypes.c_int, ctypes.c_int)


class Inotify:
    """One inotify instance, read by one thread; only `interrupt` may be called from others.

    Raises OSError where the kernel refuses an instance: EMFILE (user's instances, or open files) or ENFILE.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._fd = _inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0:
            error = ctypes.get_errno()
            os.close(self._wake)
            raise OSError(error, os.strerror(error), "inotify_init1")
        self._either = select.poll()
        self._either.register(self._fd, select.POLLIN)
        self._either.register(self._wake, select.POLLIN)
        self._woken = select.poll()
        self._woken.register(self._wake, select.POLLIN)

    def add(self, path: str, mask: int) -> int:
        """Watch the directory at `path`; its watch descriptor, the same one if its inode is watched already.

        Raises OSError; ENOSPC means that the user's watches are used up.
        """
        wd = _inotify_add_watch(self._fd, os.fsencode(path), mask)
        if wd < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), path)
        return wd

    def remove(self, wd: int) -> None:
        """Give up a watch; one that the kernel has dropped already is no error. IN_IGNORED follows."""
        _inotify_rm_watch(self._fd, wd)

    def read(self, wait_s: float | None) -> list[Event]:
        """The events that came, in order; empty after `wait_s` seconds (None: no limit) or `interrupt`.

        With `wait_s` other than 0, events are given a few milliseconds to gather.
        """
        ready = {fd for fd, _ in self._either.poll(None if wait_s is None else wait_s * 1000)}
        if self._wake in ready:
            os.eventfd_read(self._wake)
        elif self._fd in ready and wait_s != 0:
            # A pause of the machine, not time as the program sees it: hence not the Clock.
            self._woken.poll(_GATHER_MS)
        events: list[Event] = []
        while self._fd in ready and len(events) < _MOST_EVENTS:
            try:
                records = os.read(self._fd, _READ_SIZE)
            except BlockingIOError:
                break
            events += parse(records)
            if len(records) < _READ_SIZE // 2:
                break
        return events

    def interrupt(self) -> None:
        """Make a `read` that waits return at once. Safe from any thread, and after `close`."""
        with self._lock:  # or a descriptor closed and used again by somebody else would be written to
            if not self._closed:
                os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Give up all watches and the instance."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._fd)
                os.close(self._wake)


def parse(records: bytes) -> list[Event]:
    """The events in what read(2) gave: records of wd, mask, cookie, len, then `len` bytes of NUL-padded name."""
    events: list[Event] = []
    encoding, errors = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
    unpack, header = _RECORD.unpack_from, _RECORD.size
    position = 0
    while position < len(records):
        wd, mask, cookie, length = unpack(records, position)
        position += header
        name = str(records[position : position + length].rstrip(b"\0"), encoding, errors) if length else ""
        position += length
        events.append((wd, mask, cookie, name))
    return events


def limit(name: str) -> int | None:
    """The kernel's limit `fs.inotify.<name>` as a number; None where it cannot be read."""
    try:
        return int((Path("/proc/sys/fs/inotify") / name).read_text())
    except (OSError, ValueError):
        return None


def watches_exhausted() -> str:
    """What to do when the kernel gives no more watches (ENOSPC), as a sentence."""
    most = limit("max_user_watches")
    now = "" if most is None else f" (now {most})"
    return (
        f"the kernel gives this user no more inotify watches{now}: "
        f"raise them with `sysctl fs.inotify.max_user_watches={max(524_288, 2 * (most or 0))}`"
    )


def instances_exhausted() -> str:
    """What to do when the kernel gives no instance (EMFILE), as a sentence."""
    most = limit("max_user_instances")
    now = "" if most is None else f" (now {most})"
    return (
        f"the kernel gives this user no more inotify instances{now}: raise them with "
        f"`sysctl fs.inotify.max_user_instances={max(512, 2 * (most or 0))}`, "
        "or the service's LimitNOFILE if it is the open files that are used up"
    )
