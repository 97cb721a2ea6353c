"""What did a sweep do, what did it leave and why, and when will everything have been read again at this pace?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from assetwatch.catalog import checks
from assetwatch.catalog.checks import Night
from assetwatch.paths import percent, readable
from assetwatch.units import rfc3339
from assetwatch.verify.proofs import VERDICTS, Result

#: Problems told by name; in the catalog's own record of the run, fewer.
_PROBLEMS: Final = 10_000
_PROBLEMS_KEPT: Final = 100

#: Sweeps of so many days make the pace (microseconds).
_WEEK_US: Final = 7 * 86_400_000_000
_DAY_US: Final = 86_400_000_000


@dataclass(slots=True)
class Tally:
    """What came of one volume: files by verdict, and files that were met and not checked, by reason.

    `away` is why the volume is left alone (`offline`, `quiet_hours`); `exhausted` tells that all its files were met.
    """

    volume_id: int
    name: str
    verdicts: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    away: str | None = None
    exhausted: bool = False

    @property
    def done(self) -> bool:
        """Whether everything that was to be checked was."""
        return self.exhausted and self.away is None


class Books:
    """The counts of one sweep, from which its answer is made."""

    def __init__(self, started_us: int, path: str | None, since_us: int | None) -> None:
        self.started_us = started_us
        self.tallies: list[Tally] = []
        self.warnings: list[str] = []
        self.ended_by: str | None = None
        self.size = 0
        self._path = path
        self._since_us = since_us
        self._problems: list[dict[str, Any]] = []
        self._problems_more = 0

    @property
    def checked(self) -> int:
        """How many files were given a verdict."""
        return sum(tally.verdicts.total() for tally in self.tallies)

    @property
    def scope(self) -> dict[str, Any]:
        """What the sweep is about; sweeps about the same follow one another."""
        return {"volumes": sorted(tally.name for tally in self.tallies), "path": self._path}

    def enter(self, tally: Tally, path: str, size: int, result: Result, *, known: bool = False) -> None:
        """Count one file; `known`: a person said that what is wrong with it is."""
        if result.verdict not in VERDICTS:
            tally.left[result.verdict] += 1
            return
        tally.verdicts[result.verdict] += 1
        if result.verdict in ("verified", "misread", "mismatch"):
            self.size += size
        if result.verdict == "verified":
            return
        if len(self._problems) >= _PROBLEMS:
            self._problems_more += 1
            return
        exact = percent(path)
        self._problems.append(
            {
                "volume": tally.name,
                "path": readable(path),
                **({"path_bytes": exact} if exact else {}),
                "verdict": result.verdict,
                "algorithm": result.algorithm,
                "expected": result.expected,
                "computed": result.computed,
                "problem": result.problem,
                "acknowledged": known,
            }
        )

    def planned(self, connection: Connection) -> int:
        """The bytes that there are to read, from a count that may take a while where an age is given."""
        there = checks.extent(connection, self._ids, self._path, self._since_us)
        return there.size - there.recent_size

    @property
    def _ids(self) -> list[int]:
        return [tally.volume_id for tally in self.tallies]

    def close(self, connection: Connection, run_id: int, now_us: int, seconds: float) -> dict[str, Any]:
        """The contract's `verify --json`."""
        done = self.ended_by is None and all(tally.done for tally in self.tallies)
        total_size = 0
        reasons: Counter[str] = Counter()
        for tally in self.tallies:
            counted = self._since_us if not tally.exhausted else None
            there = checks.extent(connection, [tally.volume_id], self._path, counted)
            total_size += there.size
            reasons += self._reasons(tally, there)
        earlier = list(checks.nights(connection, self.scope))
        pace = self._pace_a_day(earlier, now_us)
        verdicts: Counter[str] = sum((tally.verdicts for tally in self.tallies), Counter())
        return {
            "run": run_id,
            "started": rfc3339(self.started_us),
            "finished": rfc3339(now_us),
            "complete": done,
            "ended_by": self.ended_by or ("done" if done else "volumes_away"),
            "checked": self.checked,
            "verified": verdicts["verified"] + verdicts["misread"],
            "mismatch": verdicts["mismatch"],
            "missing": verdicts["missing"],
            "unreadable": verdicts["unreadable"],
            "misread": verdicts["misread"],
            "not_checked": reasons.total(),
            "not_checked_reasons": dict(sorted(reasons.items())),
            "bytes": self.size,
            "bytes_total": total_size,
            "seconds": round(seconds, 3),
            "oldest_check": rfc3339(checks.oldest_check_us(connection, self._ids, self._path)),
            "pace_bytes_per_day": pace,
            "everything_checked_by": rfc3339(self._all_by_us(earlier, total_size, pace, done, now_us)),
            "scope": self.scope,
            "warnings": self.warnings,
            "problems": self._problems,
            "problems_left_off": self._problems_more,
        }

    def _reasons(self, tally: Tally, there: checks.Extent) -> Counter[str]:
        """Why how many files of a volume were not checked."""
        reasons = Counter(tally.left)
        rest = max(0, there.files - tally.verdicts.total() - tally.left.total())
        if tally.away is not None:
            reasons[tally.away] += rest
        elif not tally.exhausted:
            recent = min(rest, there.recent)
            reasons["recent"] += recent
            reasons[self.ended_by or "budget"] += rest - recent
        elif self._since_us is not None:
            reasons["recent"] += rest
        else:
            reasons["not_recorded"] += rest
        reasons["not_recorded"] += there.open
        return +reasons

    def _pace_a_day(self, earlier: Iterable[Night], now_us: int) -> int:
        """Bytes a day, over the sweeps of the last week and this one; a single one counts as one a day."""
        week = [one for one in earlier if one.started_us >= now_us - _WEEK_US]
        first_us = min((one.started_us for one in week), default=self.started_us)
        days = (self.started_us - first_us) / _DAY_US + 1
        return round((sum(one.size for one in week) + self.size) / days)

    def _all_by_us(self, earlier: Sequence[Night], total_size: int, pace: int, done: bool, now_us: int) -> int | None:
        """When every file will have been read again since the last sweep that got through to the end."""
        if done:
            return now_us
        read = self.size
        for one in earlier:
            if one.complete:
                break
            read += one.size
        left = max(0, total_size - read)
        return now_us + round(left / pace * _DAY_US) if pace else None


def for_the_record(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the catalog keeps of an answer with its run: all of it but the longest list of problems."""
    kept = {key: value for key, value in answer.items() if key not in ("run", "started", "finished", "complete")}
    problems = answer["problems"][:_PROBLEMS_KEPT]
    left_off = answer["problems_left_off"] + len(answer["problems"]) - len(problems)
    return {**kept, "problems": problems, "problems_left_off": left_off}
