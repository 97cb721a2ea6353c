"""What is a sweep about, and which file comes next? Its bounds, its volumes, and their files in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from typing import Final

from assetwatch.catalog import checks
from assetwatch.catalog.checks import Candidate
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FileRow, VolumeRow
from assetwatch.checksum.pool import ReadOrder
from assetwatch.checksum.reader import Reading
from assetwatch.config import Hours
from assetwatch.verify.books import Tally

#: Files of one volume claimed and not entered yet: how many, and how many bytes before fewer have to do.
AHEAD_FILES: Final = 2_048
_AHEAD_BYTES: Final = 4_000_000_000
_AHEAD_LEAST: Final = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """What one sweep may take. None: no bound.

    `max_age` (seconds): only what was last checked longer ago; `max_duration` (seconds); `max_bytes`;
    `bytes_per_second`; `path`: only what fits this pattern.
    """

    max_age: float | None = None
    max_duration: float | None = None
    max_bytes: int | None = None
    bytes_per_second: float | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a volume stands: whether it is there, and why not; whether its inode numbers last; its `st_dev`."""

    online: bool
    reason: str = ""
    trust_inode: bool = True
    device: int = 0


@dataclass(frozen=True, slots=True)
class Swept:
    """A volume to be swept: its row, the hours in which it is left alone, and who knows whether it is there."""

    row: VolumeRow
    quiet: tuple[Hours, ...]
    standing: Callable[[], Standing]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: files and bytes read, and the bytes that there are to read at most."""

    files: int
    bytes_read: int
    bytes_planned: int


@dataclass(slots=True)
class Held:
    """A claimed file on its way through the readers."""

    visit: Visit
    row: FileRow
    path: str
    expected: dict[str, str] = field(default_factory=dict)
    order: ReadOrder | None = None
    doubted: Reading | None = None
    doubted_us: int = 0


class Visit:
    """One volume while it is swept."""

    def __init__(self, swept: Swept, tally: Tally) -> None:
        self.id = swept.row.id
        self.swept = swept
        self.tally = tally
        self.standing = Standing(False, "not looked at yet")
        self.order: Iterator[Candidate] = iter(())
        self.next: Candidate | None = None
        self.held: dict[int, Held] = {}
        self.bytes_held = 0
        self.sound_claimed = False

    @property
    def has_room(self) -> bool:
        """Whether more may be claimed ahead of the readers."""
        few = len(self.held) < _AHEAD_LEAST
        return few or (len(self.held) < AHEAD_FILES and self.bytes_held < _AHEAD_BYTES)


def in_order(
    database: Database,
    volume_id: int,
    path: str | None,
    before_us: int,
    since_us: int | None,
    half_spent: Callable[[], bool],
) -> Iterator[Candidate]:
    """The files of a volume: failed ones first, then the longest unread.

    Those that were read since `since_us`, or since the sweep began at `before_us`, are left out; one that was never
    read again since it was recorded never is. Failed ones get half of the budget at most (`half_spent`) before the
    others: a disk that is full of them must not keep all others from ever being checked.
    """
    failed = checks.candidates(database, "failed", volume_id, None, path)
    kept: list[Candidate] = []
    for one in failed:
        if half_spent():
            kept.append(one)
            break
        yield one
    yield from merge(
        checks.candidates(database, "never", volume_id, before_us, path),
        checks.candidates(database, "checked", volume_id, before_us if since_us is None else since_us, path),
    )
    yield from kept
    yield from failed


def is_quiet(hours: Sequence[Hours], local: datetime) -> bool:
    """Whether a volume is to be left alone at this moment of the show's day."""
    minute = local.hour * 60 + local.minute
    return any(one.holds(minute) for one in hours)
