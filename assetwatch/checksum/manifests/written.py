"""What was written, who says so, and how does a list come to be on disk whole or not at all?"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assetwatch.checksum.manifests.format import Finding
from assetwatch.checksum.verdict import EntryVerdict
from assetwatch.errors import UsageError
from assetwatch.model import Stat
from assetwatch.paths import percent, readable, to_os


@dataclass(frozen=True, slots=True)
class Author:
    """A person who answers for a list."""

    name: str = ""
    email: str = ""
    phone: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Creator:
    """Who makes a list, on which host and with what; `location` and `comment` are free text."""

    host: str
    user: str = ""
    tool: str = "assetwatch"
    version: str = ""
    author: Author | None = None
    location: str = ""
    comment: str = ""


@dataclass(slots=True)
class Written:
    """The outcome of writing.

    `lists` are the lists written, below the folder, and none where nothing could be. `verified`, `original` and
    `failed` count files by what was recorded of them, `reused` those that were not read now. `mismatches` are the
    failed ones with their evidence, `missing` what the history knows and the disk does not have. Sizes in bytes.
    """

    format: str
    lists: list[str] = field(default_factory=list)
    files: int = 0
    size: int = 0
    original: int = 0
    verified: int = 0
    failed: int = 0
    reused: int = 0
    renamed: dict[str, str] = field(default_factory=dict)
    mismatches: list[EntryVerdict] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether a list was written, and all that is on disk, or ought to be, stands in it as it should."""
        wrong = self.mismatches or self.missing or any(finding.wrong for finding in self.findings)
        return bool(self.lists) and not wrong

    def as_json(self) -> dict[str, object]:
        """The document of `manifest create --json`."""
        return {
            "format": self.format,
            "manifests": [readable(path) for path in self.lists],
            "summary": {
                "files": self.files,
                "bytes": self.size,
                "original": self.original,
                "verified": self.verified,
                "failed": self.failed,
                "missing": len(self.missing),
                "left_out": sum(finding.kind == "left-out" for finding in self.findings),
                "reused": self.reused,
            },
            "failed": [
                {
                    "path": readable(one.path),
                    "algorithm": one.algorithm,
                    "expected": one.expected,
                    "computed": one.computed,
                }
                for one in self.mismatches
            ],
            "missing": [readable(path) for path in self.missing],
            "renamed": {readable(new): readable(old) for new, old in self.renamed.items()},
            "left_out": [
                {
                    "path": readable(one.path),
                    "why": one.what,
                    **({"path_bytes": percent(one.path)} if percent(one.path) else {}),
                }
                for one in self.findings
                if one.kind in ("left-out", "unreadable-folder")
            ],
            "warnings": [str(finding) for finding in self.findings],
        }


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else writes a list for `folder` meanwhile. Raises UsageError where somebody does.

    A lock of the system on the folder itself: nothing of it is left on disk, whatever happens.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{folder}: another list is being written for this folder; wait for it.") from None
        except OSError:
            # A file system without locks; a list that is there is not written over even so.
            pass
        yield
    finally:
        os.close(descriptor)


def put(folder: Path, name: str, pieces: Iterable[bytes], *, replace: bool = False) -> None:
    """Write a file whole: under a temporary name beside it, synchronized, then under its own.

    An existing file is never written over, UsageError, unless `replace` says so. Raises OSError where the disk
    does not take it; the temporary file is removed then.
    """
    target = os.path.join(folder, to_os(name))
    temporary = os.path.join(folder, f".{os.getpid()}.writing")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        with open(descriptor, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
            os.fsync(descriptor)
        if replace:
            os.rename(temporary, target)
        else:
            _rename_if_free(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    _synchronize(folder)


def _rename_if_free(temporary: str, target: str) -> None:
    """Give a file its name unless that is taken. Only a second name, and then one less, never replaces."""
    try:
        os.link(temporary, target, follow_symlinks=False)
    except FileExistsError:
        raise UsageError(f"{target}: is there already, and is not written over.") from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
        # exFAT and many file servers have no second names.
        if os.path.lexists(target):
            raise UsageError(f"{target}: is there already, and is not written over.") from None
        os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _synchronize(folder: Path) -> None:
    """Have the folder's names on disk; a file system that cannot be asked for that is no fault."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def rfc3339(instant: datetime, *, microseconds: bool = False) -> str:
    """An instant as XML Schema's dateTime takes it, in UTC."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds" if microseconds else "seconds")


def modified(seen: Stat | None) -> str | None:
    """When the file was last modified, to the second; None where its time is no date of a calendar."""
    if seen is None:
        return None
    try:
        return rfc3339(datetime.fromtimestamp(seen.mtime_ns // 10**9, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def stamped(label: str, instant: datetime, ending: str) -> str:
    """The name of a list by its folder and time, `A001_2026-11-24_011402Z.mhl`, as long as a name may be."""
    tail = f"_{instant.astimezone(UTC).strftime('%Y-%m-%d_%H%M%SZ')}.{ending}"
    return label.encode()[: 255 - len(tail)].decode("utf-8", "ignore") + tail
