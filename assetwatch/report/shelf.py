"""Where are reports kept, under which names, and for how long?

In one directory, a file a format: `report-20261124T060000Z.html`, named after the instant, in UTC. Each appears under
its name only when it is whole. An index page, `index.html`, names them. Nothing else in the directory is ever touched.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from assetwatch.errors import UsageError

#: The names of reports.
_NAME: Final = re.compile(r"report-(\d{8}T\d{6}Z)\.([a-z0-9]{1,12})")
_STAMP: Final = "%Y%m%dT%H%M%SZ"

#: What a file is called before it is whole; one that is older than a day was left by a program that ended.
_PARTIAL: Final = re.compile(r"\.report-\S+\.partial|\.index\.html\.\d+\.partial")
_LEFT: Final = timedelta(days=1)

INDEX: Final = "index.html"

#: By this an index page is known for ours: another one is left alone.
_MARK: Final = b"<!-- index of reports, made by assetwatch -->"


@dataclass(frozen=True, slots=True)
class Kept:
    """One report of the directory: its instant, and its files by ending."""

    made: datetime
    files: Mapping[str, Path]


class Shelf:
    """The report directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, volume_roots: Iterable[str]) -> None:
        """Make the directory if it is not there.

        Raises UsageError where it cannot be, or lies on a volume in care: its files would be taken for footage.
        """
        inside = below(self.folder, volume_roots)
        if inside is not None:
            raise UsageError(
                f"{self.folder}: reports would lie on the volume {inside}, among the footage. Give a directory "
                "elsewhere: [report] directory."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{self.folder}: the report directory cannot be made: {error.strerror}.") from error

    def name_for(self, made: datetime) -> str:
        """What the files of a report are called, without ending. Two of one second do not share a name."""
        taken = {kept.made for kept in self.reports()}
        made = made.astimezone(UTC).replace(microsecond=0)
        while made in taken:
            made += timedelta(seconds=1)
        return f"report-{made.strftime(_STAMP)}"

    def write(self, name: str, content: bytes) -> Path:
        """Keep one file. Raises UsageError where it cannot be written."""
        path = self.folder / name
        write_whole(path, content)
        return path

    def reports(self) -> list[Kept]:
        """The reports that lie here, newest first. Links, folders and whatever is named otherwise are none."""
        found: dict[datetime, dict[str, Path]] = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    fits = _NAME.fullmatch(entry.name)
                    made = _instant(fits[1]) if fits else None
                    if fits and made is not None and entry.is_file(follow_symlinks=False):
                        found.setdefault(made, {})[fits[2]] = self.folder / entry.name
        except OSError:
            return []
        return [Kept(made, dict(sorted(found[made].items()))) for made in sorted(found, reverse=True)]

    def prune(self, now: datetime, keep: timedelta | None, most: int | None) -> list[Path]:
        """Delete reports older than `keep`, and all but the newest `most`; what was deleted.

        The newest report stays in any case. What another program keeps from being deleted stays, too.
        """
        gone: list[Path] = []
        for number, kept in enumerate(self.reports()):
            too_old = keep is not None and kept.made < now - keep
            if number == 0 or not (too_old or (most is not None and number >= most)):
                continue
            gone += [path for path in kept.files.values() if _removed(path)]
        self._remove_partial(now)
        return gone

    def _remove_partial(self, now: datetime) -> None:
        try:
            with os.scandir(self.folder) as entries:
                left = [
                    entry.path
                    for entry in entries
                    if _PARTIAL.fullmatch(entry.name)
                    and entry.is_file(follow_symlinks=False)
                    and entry.stat(follow_symlinks=False).st_mtime < (now - _LEFT).timestamp()
                ]
        except OSError:
            return
        for path in left:
            _removed(Path(path))

    # -- the index page ---------------------------------------------------------------------------------------

    def write_index(self, page: str) -> Path | None:
        """Put the index page in its place; None, and nothing is done, where another's page is there."""
        path = self.folder / INDEX
        try:
            found = path.lstat()
            ours = stat.S_ISREG(found.st_mode) and _MARK in path.read_bytes()[-200:]
        except FileNotFoundError:
            ours = True
        except OSError:
            ours = False
        if not ours:
            return None
        write_whole(path, page.encode("utf-8", "replace") + b"\n" + _MARK + b"\n")
        return path


def stamp_of(name: str) -> datetime | None:
    """The instant in the name of a report, with or without ending."""
    fits = _NAME.fullmatch(name if "." in name else f"{name}.x")
    return _instant(fits[1]) if fits else None


def _instant(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:  # a thirteenth month
        return None


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears under its name only when all of it is on the disk.

    A link there is replaced, not followed. Raises UsageError where it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(partial, flags, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        _removed(partial)
        raise UsageError(f"{path}: cannot be written: {error.strerror}.") from error


def below(path: Path, volume_roots: Iterable[str]) -> str | None:
    """The root of the volume that a path lies on (as `os` functions give names); None for none."""
    place = os.path.realpath(path)
    for root in volume_roots:
        real = os.path.realpath(root)
        if place == real or place.startswith(real.rstrip("/") + "/"):
            return root
    return None
