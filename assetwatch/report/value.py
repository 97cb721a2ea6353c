"""What does a report say, before it is a page, a mail or a document?

One `Report` is built from the catalog (`report.build`), and every format is written from it: their numbers agree. It
holds no format and needs no catalog. Its two halves are in `coordinators` and `engineers`, conventions in `basics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from assetwatch.report.basics import Severity, Some, Sum
from assetwatch.report.coordinators import Arrivals, Day, Deliverables
from assetwatch.report.engineers import Band, Changes, DaemonState, Packages, Problem, Sweep, Unsent, VolumeState


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
