"""What came since the report before, from whom, and into which places?"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import Connection

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import packages, reporting
from assetwatch.catalog.reporting import Arrived
from assetwatch.media.names import parse_name
from assetwatch.paths import join, split
from assetwatch.report.basics import Place, Some
from assetwatch.report.coordinators import Arrival, Arrivals, Day, Sender
from assetwatch.units import instant, microseconds

#: Places told of for one sender, and for all of them together; pictures of one place, and of all.
_PLACES: Final = 40
_PLACES_IN_ALL: Final = 150
_PICTURES: Final = 3
_PICTURES_IN_ALL: Final = 60

#: A card's folder as people name it, also with what makers append: `A001`, `A001.RDM`, `B002_0311_R1AB`.
_PLAIN_ROLL: Final = re.compile(r"([A-R][0-9]{3})(?:$|[._])")

#: Days told of.
DAYS: Final = 30


@dataclass(slots=True)
class _Heap:
    """What came into one place, while it is counted."""

    volume_id: int
    path: str
    files: int = 0
    size: int = 0
    first_us: int = 2**62
    last_us: int = 0
    by_integrity: Counter[str] = field(default_factory=Counter)
    arriving: int = 0
    gone: int = 0
    folders: list[int] = field(default_factory=list)

    def add(self, one: Arrived) -> None:
        self.files += one.files
        self.size += one.size
        self.first_us = min(self.first_us, one.first_us)
        self.last_us = max(self.last_us, one.last_us)
        self.arriving += one.files if one.presence == "arriving" else 0
        if one.presence == "missing":
            self.gone += one.files
        else:
            self.by_integrity[one.integrity] += one.files
        if not self.folders or self.folders[-1] != one.folder_id:
            self.folders.append(one.folder_id)


def arrivals(connection: Connection, volumes: Mapping[int, str], since_us: int, until_us: int) -> Arrivals:
    """What was first seen in the range, by sender and place, the largest first. `volumes`: id -> name."""
    found = reporting.arrived(connection, since_us, until_us)
    heaps = _heaps(found, _roots_of_packages(connection))
    senders = _Senders(connection)
    by_sender: dict[tuple[str, ...], list[_Heap]] = defaultdict(list)
    for heap in heaps:
        by_sender[senders.of(connection, heap.volume_id, volumes[heap.volume_id], heap.path)].append(heap)
    order = sorted(by_sender, key=lambda names: (-sum(heap.size for heap in by_sender[names]), names))
    told, pictured = 0, 0
    parts = []
    for names in order:
        mine = sorted(by_sender[names], key=lambda heap: (-heap.size, -heap.files, heap.path))
        most = max(1, min(_PLACES, _PLACES_IN_ALL - told)) if told < _PLACES_IN_ALL else 0
        places = []
        for heap in mine[:most]:
            arrival = _arrival(connection, heap, volumes, names, since_us, _PICTURES_IN_ALL - pictured)
            pictured += len(arrival.pictures)
            places.append(arrival)
        told += len(places)
        parts.append(
            Sender(
                ", ".join(names),
                sum(heap.files for heap in mine),
                sum(heap.size for heap in mine),
                Some(tuple(places), len(mine)),
            )
        )
    return Arrivals(sum(one.files for one in found), sum(one.size for one in found), tuple(parts))


def _heaps(found: Sequence[Arrived], packages_at: Mapping[int, set[str]]) -> list[_Heap]:
    """What came, by place: a sender's package, a roll, or else a folder."""
    heaps: dict[tuple[int, str], _Heap] = {}
    places: dict[tuple[int, str], str] = {}
    for one in found:
        key = (one.volume_id, one.path)
        if key not in places:
            places[key] = _place_of(one.path, packages_at.get(one.volume_id, set()))
        place = (one.volume_id, places[key])
        heaps.setdefault(place, _Heap(*place)).add(one)
    return list(heaps.values())


def _place_of(path: str, packages_here: set[str]) -> str:
    """The folder that a person counts by: the innermost package, or the roll, that `path` is or lies in."""
    ways = _ways(path)
    for folder in reversed(ways):
        if folder in packages_here:
            return folder
    for folder in ways:
        if _reel(folder) is not None:
            return folder
    return path


def _ways(path: str) -> list[str]:
    """`a`, `a/b`, `a/b/c` of `a/b/c`."""
    found: list[str] = []
    while path:
        found.append(path)
        path = split(path)[0]
    return found[::-1]


def _reel(folder: str) -> str | None:
    """The camera or sound roll that a folder is named after."""
    facts = parse_name(folder)
    if facts.format is None and (plain := _PLAIN_ROLL.match(split(folder)[1])):
        return plain[1]
    return facts.roll if facts.clip is None and facts.take is None else None


def _roots_of_packages(connection: Connection) -> dict[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for row in packages.all_packages(connection):
        if row.path:
            found[row.volume_id].add(row.path)
    return found


class _Senders:
    """Who sends what comes into a folder: by the deliverables that look for files there."""

    def __init__(self, connection: Connection) -> None:
        self._by_root: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
        scheduled = {row.id: row for row in rows.all_deliverables(connection)}
        for root, identity in reporting.roots(connection):
            row = scheduled.get(identity)
            if root and row is not None and row.sender:
                self._by_root[root].append((identity, row.sender, json.loads(row.terms).get("volume")))

    def of(self, connection: Connection, volume_id: int, volume: str, path: str) -> tuple[str, ...]:
        """The senders of what lies at `path`: those of the innermost folder that a deliverable is about.

        Where several look there, those of whom something below the path is linked already, if there are any.
        """
        for folder in reversed(_ways(path)):
            mine = [one for one in self._by_root.get(folder, ()) if one[2] in (None, "", volume)]
            names = sorted({sender for _, sender, _ in mine})
            if len(names) > 1:
                linked = reporting.linked_below(connection, [identity for identity, _, _ in mine], volume_id, path)
                names = sorted({sender for identity, sender, _ in mine if identity in linked}) or names
            if names:
                return tuple(names)
        return ()


def _arrival(
    connection: Connection,
    heap: _Heap,
    volumes: Mapping[int, str],
    senders: tuple[str, ...],
    since_us: int,
    pictures_left: int,
) -> Arrival:
    volume = volumes[heap.volume_id]
    shown = reporting.with_pictures(connection, heap.folders[:20], since_us, min(_PICTURES, max(0, pictures_left)))
    return Arrival(
        place=Place(volume, heap.path),
        senders=senders,
        reel=_reel(heap.path) if heap.path else None,
        files=heap.files,
        size=heap.size,
        first=instant(heap.first_us),
        last=instant(heap.last_us),
        by_integrity=dict(sorted(heap.by_integrity.items())),
        arriving=heap.arriving,
        gone=heap.gone,
        pictures=tuple(Place(volume, join(folder, name)) for folder, name in shown),
    )


def days(connection: Connection, until: datetime, zone: tzinfo) -> tuple[Day, ...]:
    """What came on each of the last days of the show's time zone, the day of `until` the last of them."""
    today = until.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    midnights = [microseconds(datetime(day.year, day.month, day.day, tzinfo=zone)) for day in dates]
    counted = reporting.arrived_between(connection, [*midnights, microseconds(until) + 1])
    return tuple(Day(day, files, size) for day, (files, size) in zip(dates, counted, strict=True))
