"""Which frames go with a report: one of every place where something arrived, as far as they can be had?"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from assetwatch.clock import Clock
from assetwatch.report.basics import Place
from assetwatch.report.value import Report


@dataclass(frozen=True, slots=True)
class Pictures:
    """Frames as JPEG by the place of their file; `note` says why there are none."""

    of: Mapping[Place, bytes] = field(default_factory=dict)
    note: str | None = None


def pictures_for(report: Report, clock: Clock, seconds: float, stop: threading.Event | None = None) -> Pictures:
    """The frames that can be had within so many seconds, and until `stop` is set.

    Reads the footage, in children that may die.
    """
    roots = {volume.name: volume.root for volume in report.volumes if volume.online}
    places = {f"{one.volume}:{one.path}": one for one in _candidates(report) if one.volume in roots}
    if not places:
        return Pictures()
    from assetwatch.paths import to_os
    from assetwatch.report.frames import Wanted, frames

    def wanted() -> Iterator[Wanted]:
        for key, one in places.items():
            if stop is not None and stop.is_set():
                return
            yield Wanted(key, to_os(roots[one.volume]), one.path)

    found = frames(wanted(), clock, seconds_all=seconds)
    return Pictures({places[key]: jpeg for key, jpeg in found.of.items()}, found.note)


def _candidates(report: Report) -> Iterator[Place]:
    """The first of every place, then the second of every place, and so on: a place without any comes before that."""
    by_place = [one.pictures for sender in report.arrivals.senders for one in sender.places.first]
    for some in zip_longest(*by_place):
        yield from (one for one in some if one is not None)
