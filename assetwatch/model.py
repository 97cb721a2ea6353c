"""What are the words of the project as values? (No I/O here.)"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


class Presence(StrEnum):
    """Where a file is. One of the independent axes of the contract, part 2."""

    ARRIVING = "arriving"  #: seen, not settled
    PRESENT = "present"  #: settled and there
    MISSING = "missing"  #: the volume is online and the file was gone in two complete looks
    OFFLINE = "offline"  #: the volume itself is not there: nothing is said of the file


class Integrity(StrEnum):
    """What is known of a file's bytes."""

    PENDING = "pending"  #: not hashed yet
    RECORDED = "recorded"  #: hashed, nobody's digest to compare with
    VERIFIED = "verified"  #: equals the sender's digest
    MISMATCH = "mismatch"  #: differs from the sender's, or from what was recorded earlier
    UNREADABLE = "unreadable"  #: the bytes could not be read


#: How the problem of a missing file begins that a declared transform explains: no alarm.
CAME_AS = "came as"

#: How the problem of a file begins that was verified and then written to. Only a sender's list undoes it.
WRITTEN_TO = "changed after it had been verified"


class Verdict(StrEnum):
    """What comparing one entry of a manifest, or one recorded digest, with the disk gave."""

    VERIFIED = "verified"
    MISMATCH = "mismatch"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    UNCHECKABLE = "uncheckable"


class FileKind(StrEnum):
    """What a directory entry is. Only regular files are ever opened."""

    REGULAR = "file"
    SYMLINK = "symlink"  #: recorded as a link, never followed
    SPECIAL = "special"  #: FIFO, socket or device: recorded, never opened


#: The range of a catalog's integers: 64 bits with a sign, on either database.
_LEAST, _MOST = -(2**63), 2**63 - 1


def kept_inode(number: int) -> int:
    """An inode number as the catalog keeps it: those above 2**63 (some network mounts make them up) become negative."""
    return number if number <= _MOST else number - 2**64


def kept_ns(nanoseconds: int) -> int:
    """A file time as the catalog keeps it: one beyond the year 2262, or before 1677, is held at that end."""
    return max(_LEAST, min(nanoseconds, _MOST))


@dataclass(frozen=True, slots=True)
class Stat:
    """The part of stat(2) that tells one content of a file from another.

    `size` in bytes; `mtime_ns`, `ctime_ns` in nanoseconds since the epoch, and `inode`, as the catalog keeps them.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> Stat:
        """The stat that the system gave."""
        mtime_ns, ctime_ns, inode = found.st_mtime_ns, found.st_ctime_ns, found.st_ino
        if not (_LEAST <= mtime_ns <= _MOST and _LEAST <= ctime_ns <= _MOST and inode <= _MOST):
            mtime_ns, ctime_ns, inode = kept_ns(mtime_ns), kept_ns(ctime_ns), kept_inode(inode)
        return cls(found.st_size, mtime_ns, ctime_ns, inode, found.st_dev)

    def same_content_as(self, other: Stat) -> bool:
        """Whether nothing suggests that the bytes differ: size, mtime and inode are equal.

        ctime is left out on purpose: a chmod or a new hard link changes it and no byte.
        """
        return self.size == other.size and self.mtime_ns == other.mtime_ns and self.inode == other.inode


def written_to(problem: str | None) -> str | None:
    """Of a file's problem the part that says that it was changed after it had been verified; None where it does not."""
    if problem is None or not problem.startswith(WRITTEN_TO):
        return None
    return problem.partition(": ")[0]
