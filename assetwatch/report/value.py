"""What does a report say, before it is a page, a mail or a document?

One `Report` is built from the catalog (`report.build`), and every format is written from it: their numbers agree. It
holds no format and needs no catalog. Conventions:

- Instants are aware, in UTC; `Report.zone` is what a person reads them in. Sizes are bytes, durations seconds.
- Paths are the texts of `assetwatch.paths`, and so are the names of a schedule: whatever comes from outside is shown
  through `paths.shown` (one line) or `paths.readable`, and then escaped by the format. `Place.text` has done the first.
- A list that may be long is `Some`: the worst of it, and how many there are.
- Words of the contract (states, verdicts, statuses) are plain texts: `mismatch`, `missing`, `failed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Generic, TypeVar

from assetwatch.paths import shown

T = TypeVar("T")


class Severity(StrEnum):
    """How bad it is. Never told by colour alone: the word is there too."""

    OK = "ok"  #: nobody has to do anything
    ATTENTION = "attention"  #: somebody should look at it today, and nothing is broken
    WRONG = "wrong"  #: something is broken, gone or late

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return {Severity.WRONG: 0, Severity.ATTENTION: 1, Severity.OK: 2}[self]


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The first of a list, worst first, and how many there are in all."""

    first: tuple[T, ...] = ()
    total: int = 0

    @property
    def more(self) -> int:
        """How many are not told: `and n more`."""
        return self.total - len(self.first)

    def __bool__(self) -> bool:
        return self.total > 0

    @classmethod
    def of(cls, items: Iterable[T], most: int) -> Some[T]:
        """The first `most` of `items`."""
        every = tuple(items)
        return cls(every[:most], len(every))


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: the volume's name and the path below it; the empty path is the volume itself."""

    volume: str
    path: str = ""

    @property
    def text(self) -> str:
        """`volume:path` for a person, on one line."""
        return shown(f"{self.volume}:{self.path}" if self.path else self.volume)


@dataclass(frozen=True, slots=True)
class Sum:
    """Files, and the bytes of them."""

    files: int = 0
    size: int = 0


# -- what a person reads first ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Headline:
    """All of it in one sentence, which fits the subject of a mail on a phone (about 60 characters).

    `counts` are what the sentence is made of, the worst first, those that are not 0: (word, number), with the words
    `faults`, `unsent`, `alerts`, `offline`, `failed`, `rejected`, `late`, `mismatch`, `missing`, `unreadable`,
    `packages`, `unlisted`, `full`, `daemon`, `due_soon`, `complete`, `arrived`.
    """

    severity: Severity
    sentence: str
    counts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs a person today.

    `kind` is one of the words of `Headline.counts`. `what` is a sentence; `where` a place, a deliverable's id or a
    volume's name, ready to be shown; `to_do` says what to do about it. `since` is when it began, where that is known.
    Rules of who gets word go by `deliverable` (its id, where it is about one), `owners` (who sends it and who needs it)
    and `volume` (its name).
    """

    severity: Severity
    kind: str
    what: str
    where: str
    to_do: str
    since: datetime | None = None
    deliverable: str | None = None
    owners: tuple[str, ...] = ()
    volume: str | None = None


# -- the coordinator's half -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owed:
    """One deliverable and where it stands.

    `due` is the date in force, `original_due` the first one where it differs. `status` is a word of the contract.
    `previous` is the status at the last report; None where that knew no such deliverable, or where there was none.
    `new`: the last report did not know it; `changed`: status or date differ from then; `newly_complete`: it was
    fulfilled since. `arrived` of `required` things are here, `verified` of them proved; `arrived_at` is when the last
    one needed came. `late_by` is in seconds, for late and arrived late. `missing` are names of what is not here,
    `wrong` sentences on what is not right, `mendable` whether its sender can do something about any of that; `said` is
    the word of a person that holds, as a sentence.
    """

    key: str
    name: str
    kind: str
    sender: str
    receiver: str
    due: datetime | None
    original_due: datetime | None
    status: str
    previous: str | None
    late: bool
    due_soon: bool
    arrived_late: bool
    late_by: float | None
    arrived_at: datetime | None
    arrived: int
    required: int
    verified: int
    missing: Some[str] = Some()
    wrong: Some[str] = Some()
    mendable: bool = True
    said: str | None = None
    new: bool = False
    changed: bool = False
    newly_complete: bool = False

    @property
    def failing(self) -> bool:
        """Whether what came is not right: `failed` or `rejected`."""
        return self.status in ("failed", "rejected")

    @property
    def fulfilled(self) -> bool:
        """Whether nothing more is owed: arrived, verified or accepted."""
        return self.status in ("arrived", "verified", "accepted")

    @property
    def closed(self) -> bool:
        """Whether nobody waits for it: fulfilled, waived or cancelled."""
        return self.fulfilled or self.status in ("waived", "cancelled")


@dataclass(frozen=True, slots=True)
class Deliverables:
    """The schedule: every list with the worst first. One deliverable may stand in several of them.

    `every` holds all of them (up to 2,000), for the timeline. `by_status` counts all: status -> number, every status
    that occurs. `compared` tells that there was an earlier report to compare with; without one nothing is new.
    """

    every: Some[Owed] = Some()
    late: Some[Owed] = Some()
    failing: Some[Owed] = Some()
    due_soon: Some[Owed] = Some()
    newly_complete: Some[Owed] = Some()
    new: Some[Owed] = Some()
    changed: Some[Owed] = Some()
    gone: Some[str] = Some()  #: ids that the last report knew and the schedule names no more
    by_status: Mapping[str, int] = field(default_factory=dict)
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came into one place since the last report.

    `senders` are those of the deliverables that its files are linked to, or that look for files there; () where no
    deliverable does. `reel` is the camera or sound roll that the folder is named after, None where it is none.
    `by_integrity` counts the files by the state that they are in now. `arriving` of them are still being written,
    `gone` of them are not there any more. `pictures` are files of which a frame may be had, at most three.
    """

    place: Place
    senders: tuple[str, ...]
    reel: str | None
    files: int
    size: int
    first: datetime
    last: datetime
    by_integrity: Mapping[str, int]
    arriving: int = 0
    gone: int = 0
    pictures: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Sender:
    """What came from one sender since the last report; `name` is empty for what no deliverable is about.

    `places` are the largest places first.
    """

    name: str
    files: int
    size: int
    places: Some[Arrival]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came since the last report: in all, and by sender, the largest first."""

    files: int = 0
    size: int = 0
    senders: tuple[Sender, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """What came on one day of the show's time zone."""

    day: date
    files: int
    size: int


# -- the engineer's half ----------------------------------------------------------------------------------------


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
    worst: Some[Change] = Some()


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
    wrong: Some[Listed] = Some()
    incomplete: Some[Listed] = Some()
    unlisted: Some[Place] = Some()


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
    ignored: Some[tuple[str, int]] = Some()


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


# -- the report before ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A number at the last report and now: `key` is stable, `label` for a person. Bytes where `is_size`.

    `worse`: more of it is bad (mismatches), None where more is neither.
    """

    key: str
    label: str
    before: int
    now: int
    is_size: bool = False
    worse: bool | None = None

    @property
    def change(self) -> int:
        """How much more it is now."""
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Before:
    """The report before this one: its run, when it was made, its headline, and how the numbers differ."""

    run: int
    made: datetime
    severity: Severity
    sentence: str
    differences: tuple[Difference, ...]


# -- all of it --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """One report: what happened from `since` to `until`, and how things stand at `until`.

    `project` is the show's name; empty where none is configured. `zone_name` is the time zone's name for a person.
    `version` is the program's, `host` the machine's name. `run` is its number in the catalog, None for one that was
    only asked for. `faults` are sentences on what of the report or of the night could not be done (`no sweep: ...`);
    they stand among the needs too. `counts` are the numbers that the next report compares with, by stable key (see
    `COUNTS`). `by_presence` and `by_integrity`: word -> files and bytes; of a volume that is not there `offline`.
    """

    project: str
    zone: tzinfo
    zone_name: str
    since: datetime
    until: datetime
    made: datetime
    version: str
    host: str
    run: int | None
    headline: Headline
    needs: Some[Need]
    faults: tuple[str, ...]
    deliverables: Deliverables
    arrivals: Arrivals
    days: tuple[Day, ...]
    by_presence: Mapping[str, Sum]
    by_integrity: Mapping[str, Sum]
    problems: Some[Problem]  #: files that are wrong now, worst first, but for those that a person knows of
    acknowledged: Mapping[str, int]  #: files that are wrong, and a person knows of it: state -> files
    sweep: Sweep | None
    changes: Changes
    packages: Packages
    volumes: tuple[VolumeState, ...]
    bands: tuple[Band, ...]
    daemon: DaemonState
    unsent: Some[Unsent]
    counts: Mapping[str, int]
    before: Before | None


#: The numbers that are compared with the report before: key, label, whether it is bytes, whether more is worse.
COUNTS: Sequence[tuple[str, str, bool, bool | None]] = (
    ("files", "Files", False, None),
    ("size", "Bytes", True, None),
    ("verified", "Verified", False, False),
    ("mismatch", "Mismatch", False, True),
    ("missing", "Missing", False, True),
    ("unreadable", "Unreadable", False, True),
    ("pending", "Not read yet", False, None),
    ("volumes_offline", "Volumes offline", False, True),
    ("deliverables", "Deliverables", False, None),
    ("late", "Late", False, True),
    ("failing", "Failed or rejected", False, True),
    ("due_soon", "Due soon", False, None),
    ("fulfilled", "Complete", False, False),
    ("packages_open", "Packages not complete", False, True),
    ("unsent", "Messages not sent", False, True),
)
