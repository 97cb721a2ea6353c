"""Which of several versions of one thing fulfils, and what is odd about the others?

The highest fulfils. Versions compare as people read them: `v3` before `v012`, `A` before `B`, `3` before `3b`, `1.2`
before `1.10`, `20261103` before `2026-11-04`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

_PARTS = re.compile(r"[0-9]+|[^\W\d_]+")
_MARK = re.compile(r"(?:version|ver|v)[ ._-]*(?=[0-9])")
#: What is first seen within this is of one transfer, whose order says nothing.
_TOGETHER = timedelta(seconds=1)
_DAY = re.compile(r"((?:19|20)[0-9]{2})([-._]?)([0-9]{2})\2([0-9]{2})(?![0-9])")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that a rule took and that is here: a file, a whole sequence or a whole package. One for each path.

    `id` is the catalog's id of the content. `slot` is what versions of one thing share (`Match.slot`). `digest` is
    the content's, with its algorithm (`xxh128:...`; of a sequence or package one over all its files'), None until it
    is known. `size` is in bytes. `arrived` is when the content was first seen.
    """

    id: int
    path: str
    slot: tuple[str, ...]
    version: str | None
    digest: str | None
    size: int
    arrived: datetime


@dataclass(frozen=True, slots=True)
class Chosen:
    """Every candidate once, each by arrival; only those of `conflicts` stand also where they would stand without it.

    `current` fulfil. `superseded` are older versions. `conflicts` are groups of different contents under the highest
    version of one slot (alert); the last to arrive of them is current. `stale_arrivals` are older versions that arrived
    after a newer one, and not with it. `sent_again` is content that was rejected and came again. `copies` have the same
    version and content as one that stands elsewhere here.
    """

    current: tuple[Candidate, ...] = ()
    superseded: tuple[Candidate, ...] = ()
    conflicts: tuple[tuple[Candidate, ...], ...] = ()
    stale_arrivals: tuple[Candidate, ...] = ()
    sent_again: tuple[Candidate, ...] = ()
    copies: tuple[Candidate, ...] = ()


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which versions sort; equal for versions that mean the same (`v3`, `003`).

    A date counts as its digits, however it is parted. A number comes after a letter in the same place, because a
    letter alone (`A`, `final`) is an earlier scheme than a number; more parts come after fewer (`3` before `3b`).
    """
    text = _MARK.sub("", version.strip().lower(), count=1)
    text = _DAY.sub(_joined_day, text)
    return tuple((1, int(part), "") if part.isdecimal() else (0, len(part), part) for part in _PARTS.findall(text))


def _joined_day(found: re.Match[str]) -> str:
    """The date as one number where it is one, else as it stands."""
    try:
        date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return found[0]
    return f" {found[1]}{found[3]}{found[4]} "


def choose_versions(candidates: Iterable[Candidate], rejected: Mapping[str, datetime] | None = None) -> Chosen:
    """Which candidates fulfil. `rejected` are the digests that were rejected, with when.

    Candidates without a version never supersede each other. Rejected content that was there before stays current
    until other content comes (the decision itself blocks the deliverable), and then gives way to it under the same
    version number too. Of a version whose digests are not known yet, contents differ only where sizes do.
    """
    rejected = rejected or {}
    sent_again: list[Candidate] = []
    slots: dict[tuple[str, ...], dict[tuple[object, ...], list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    current: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda one: (one.arrived, one.id)):
        when = rejected.get(candidate.digest) if candidate.digest is not None else None
        if when is not None and candidate.arrived > when:
            sent_again.append(candidate)
        elif candidate.version is None:
            current.append(candidate)
        else:
            slots[candidate.slot][version_key(candidate.version)].append(candidate)
    superseded: list[Candidate] = []
    stale: list[Candidate] = []
    copies: list[Candidate] = []
    conflicts: list[tuple[Candidate, ...]] = []
    for versions in slots.values():
        newer: datetime | None = None  # when the first of the versions above arrived
        for key in sorted(versions, reverse=True):
            contents, twins = _contents(versions[key])
            copies += twins
            standing = [one for one in contents if one.digest not in rejected] or contents
            superseded += [one for one in contents if one not in standing]
            if newer is None:
                if len(standing) > 1:
                    conflicts.append(tuple(standing))
                current.append(standing[-1])
                superseded += standing[:-1]
            else:
                for one in standing:
                    (stale if one.arrived > newer + _TOGETHER else superseded).append(one)
            first = min(one.arrived for one in standing)
            newer = first if newer is None else min(newer, first)
    return Chosen(
        _by_arrival(current),
        _by_arrival(superseded),
        tuple(sorted(conflicts, key=lambda group: (group[0].arrived, group[0].id))),
        _by_arrival(stale),
        tuple(sent_again),
        _by_arrival(copies),
    )


def _contents(group: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """One candidate for each content of one version, by arrival, and the others, which are copies."""
    first: list[Candidate] = []
    twins: list[Candidate] = []
    for candidate in group:
        (twins if any(_alike(candidate, other) for other in first) else first).append(candidate)
    return first, twins


def _alike(one: Candidate, other: Candidate) -> bool:
    """Whether two have the same content, as far as is known; digests of two algorithms cannot be compared."""
    if one.digest is not None and other.digest is not None and _algorithm(one.digest) == _algorithm(other.digest):
        return one.digest == other.digest
    return one.size == other.size


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]


def _by_arrival(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(candidates, key=lambda one: (one.arrived, one.id)))
