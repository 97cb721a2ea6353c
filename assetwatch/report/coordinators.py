"""What does a report say to the coordinator: what is owed, what came, and from whom?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from assetwatch.report.basics import NOTHING, Place, Some


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
    missing: Some[str] = NOTHING
    wrong: Some[str] = NOTHING
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

    every: Some[Owed] = NOTHING
    late: Some[Owed] = NOTHING
    failing: Some[Owed] = NOTHING
    due_soon: Some[Owed] = NOTHING
    newly_complete: Some[Owed] = NOTHING
    new: Some[Owed] = NOTHING
    changed: Some[Owed] = NOTHING
    gone: Some[str] = NOTHING  #: ids that the last report knew and the schedule names no more
    by_status: Mapping[str, int] = field(default_factory=dict)
    compared: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came into one place since the last report.

    `senders` are those of the deliverables that its files are linked to, or that look for files there; () where no
    deliverable does. `reel` is the camera or sound roll that the folder is named after, None where it is none.
    `by_integrity` counts the files that are there by the state that they are in now; `arriving` of these are still
    being written, and `gone` are there no more. `pictures` are files of which a frame may be had, at most three.
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
