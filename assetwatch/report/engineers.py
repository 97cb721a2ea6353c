"""What does a report say to the engineer: what was checked, what changed, how the volumes and the daemon are?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from assetwatch.report.basics import NOTHING, Place, Some


@dataclass(frozen=True, slots=True)
class Problem:
    """One file and what is wrong with it: `state` is `mismatch`, `missing`, `unreadable` or `misread`."""

    place: Place
    state: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the last sweep did. `recent`: it ended within the range of the report.

    `checked` files were given a verdict: `verified`, `mismatch`, `missing`, `unreadable`; `misread` of the verified
    ones were right only at a second reading. `not_checked` of the files in care were not, `reasons` say why: (word,
    sentence for a person, files), the most first. `oldest_check` is when the file was last read whole of which that is
    longest ago. `pace` is bytes a second while it read, `pace_a_day` bytes a day over a week; `all_by` the date by
    which everything will have been checked at that pace; None where that is never. `complete`: it got through to the
    end.
    """

    run: int
    started: datetime
    finished: datetime
    recent: bool
    complete: bool
    ended_by: str
    checked: int
    verified: int
    mismatch: int
    missing: int
    unreadable: int
    misread: int
    not_checked: int
    reasons: tuple[tuple[str, str, int], ...]
    size: int
    size_total: int
    seconds: float
    pace: int
    pace_a_day: int
    oldest_check: datetime | None
    all_by: datetime | None
    warnings: tuple[str, ...]
    problems: Some[Problem]


@dataclass(frozen=True, slots=True)
class Change:
    """One file to which something happened since the last report: `what` is a word of `Changes.counts`."""

    at: datetime
    what: str
    place: Place
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to files that were known: counts by what happened, and the worst ones by name.

    The words are those of the catalog's observations: `mismatch`, `unreadable`, `missing`, `changed`, `superseded`,
    `moved`, `back` and others. Files that are merely new are not among them.
    """

    counts: tuple[tuple[str, str, int], ...] = ()  #: (word, for a person, number), the worst first
    worst: Some[Change] = NOTHING


@dataclass(frozen=True, slots=True)
class Listed:
    """One package with a sender's list that is not complete or not right. `lacks` of its files are still to come."""

    place: Place
    listed: int
    here: int
    lacks: int
    sentence: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Packages:
    """The senders' lists: how many packages, how many are complete and right, and those that are not.

    `unlisted` are folders that have to come with a list by the configuration, and did not.
    """

    total: int = 0
    complete: int = 0
    wrong: Some[Listed] = NOTHING
    incomplete: Some[Listed] = NOTHING
    unlisted: Some[Place] = NOTHING


@dataclass(frozen=True, slots=True)
class Point:
    """How full a volume was at one instant: bytes of its file system, and of the files in care."""

    at: datetime
    total: int
    free: int
    size: int

    @property
    def used(self) -> int:
        """Bytes that are not free, whoever they belong to."""
        return self.total - self.free


@dataclass(frozen=True, slots=True)
class VolumeState:
    """One volume. `root` is its path on this machine, catalog text.

    `files`, `size`: what is in care and not missing. `total` and `free` are of its file system as it was last asked,
    None where it never was. `history`: at most some 120 points, oldest first. `growth` is bytes of use a day over the
    history, None where that is too short to say; `days_left` until it is full at that growth, None where it does not
    grow; `full_on` that day. `ignored` names by rule that were passed over in the last scan: (rule, names), most first.
    """

    name: str
    root: str
    project: str | None
    online: bool
    reason: str | None
    watching: str | None
    file_system: str | None
    files: int
    size: int
    arriving: int
    missing: int
    last_event: datetime | None
    last_scan: datetime | None
    overflows: int
    total: int | None = None
    free: int | None = None
    history: tuple[Point, ...] = ()
    growth: float | None = None
    days_left: float | None = None
    full_on: datetime | None = None
    ignored: Some[tuple[str, int]] = NOTHING


@dataclass(frozen=True, slots=True)
class Band:
    """The files whose last check is so long ago: `key` is stable, `label` for a person. See `BANDS`."""

    key: str
    label: str
    files: int
    size: int


#: The bands by age of the last check: (key, label, up to how many days). Then those that do not go by days.
BANDS: tuple[tuple[str, str, float | None], ...] = (
    ("day", "checked within a day", 1),
    ("week", "within a week", 7),
    ("month", "within 30 days", 30),
    ("quarter", "within 90 days", 90),
    ("year", "within a year", 365),
    ("older", "longer ago", None),
    ("arrival", "not since it was first read", None),
    ("failed", "failed at the last check", None),
    ("never", "never read yet", None),
)


@dataclass(frozen=True, slots=True)
class DaemonState:
    """The daemon: whether it runs, since when, and what went wrong with it since the last report.

    `running` is None where it cannot be known (it is on another machine and silent). `starts` and `crashes` (ends
    without a word) are since the last report. `overflows` of event queues, all in all. `probe_failures`: of files
    whose media facts could not be read since the last report: (status, files).
    """

    running: bool | None = None
    host: str | None = None
    version: str | None = None
    started: datetime | None = None
    heard: datetime | None = None
    starts: int = 0
    crashes: int = 0
    overflows: int = 0
    probe_failures: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Unsent:
    """Word that could not be sent: by which route, of what kind, how often it was tried, why not, given up or not."""

    route: str
    kind: str
    made: datetime
    tries: int
    fault: str
    given_up: bool
