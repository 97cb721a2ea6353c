"""What does a cut list in the catalog say, and which of its sources are in the catalog too?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from sqlalchemy import Connection

from assetwatch.catalog import candidates, things, volumes
from assetwatch.catalog.called import with_reel, with_umid
from assetwatch.catalog.things import Thing
from assetwatch.delivery.cut_sources import Clip, ClipIndex, CutReport, reel_of, umid_of
from assetwatch.media.timelines.read import read_timeline
from assetwatch.media.timelines.values import Timeline, TimelineFault
from assetwatch.model import Presence
from assetwatch.paths import to_os

#: Names shorter than this are compared as a whole only: `1` begins too many.
_PREFIX_MIN = 4

#: The length of a card's name as cameras write it: roll and camera's id.
_CARD = 8

#: After so long all names are gone through anew; and names are looked at again that came shortly before the last look.
_WHOLE_AFTER_US = 900 * 1_000_000
_OVERLAP_US = 120 * 1_000_000

_SIGNS = re.compile(r"[^a-z0-9]+")
_HERE = frozenset({Presence.PRESENT.value, Presence.ARRIVING.value})


def timeline_of(connection: Connection, thing: Thing, rate: Fraction | None) -> Timeline | None:
    """The cut list that a file is; None where it cannot be read. `rate` is the show's, for lists that tell none."""
    root = next((row.root for row in volumes.all_volumes(connection) if row.id == thing.volume_id), None)
    return None if root is None else _read(f"{to_os(root)}/{to_os(thing.path)}", thing.content, rate)


@lru_cache(maxsize=256)
def _read(path: str, content: int, rate: Fraction | None) -> Timeline | None:
    """Read once for each content (`content` is only there to tell them apart)."""
    try:
        return read_timeline(path, frame_rate=rate)
    except TimelineFault:
        return None


class Remembered:
    """What was found of the names that lists ask for, from one round of the linker to the next.

    A file that was renamed is found again when the names are next gone through as a whole.
    """

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.assets: set[str] = set()
        self.whole_us = 0
        self.seen_us = 0


class Pool:
    """The things of the catalog by what lists may call them.

    Names are gone through once for all lists of a round: say first, with `expect`, what will be asked. With what is
    `remembered` of the round before only those of files that came since.
    """

    def __init__(self, connection: Connection, now_us: int, remembered: Remembered | None = None) -> None:
        self._connection = connection
        self._now_us = now_us
        self._known = remembered or Remembered()
        self._expected: set[str] = set()
        self._things: list[Thing] | None = None

    def expect(self, names: Iterable[str]) -> None:
        """These will be asked for."""
        self._expected |= {_key(name) for name in names} - {""}

    def called(self, names: Iterable[str]) -> list[Thing]:
        """The files and sequences that may go by one of these names, wherever they lie; loosely compared."""
        wanted = {_key(name) for name in names} - {""}
        if self._things is None or not wanted <= self._known.wanted:
            self._look(wanted | self._expected)
            found = things.by_asset(self._connection, self._known.assets).values()
            self._things = sorted((one for one in found if one.presence in _HERE), key=lambda one: one.path)
        fits = _Loosely(wanted)
        return [thing for thing in self._things if fits(thing.first if thing.frames else thing.path)]

    def _look(self, wanted: set[str]) -> None:
        known = self._known
        since = None
        if wanted <= known.wanted and self._now_us - known.whole_us < _WHOLE_AFTER_US:
            since = known.seen_us - _OVERLAP_US
        else:
            # What nobody asks for any more is not looked for for ever.
            known.wanted = wanted if self._now_us - known.whole_us >= _WHOLE_AFTER_US else known.wanted | wanted
            known.assets, known.whole_us = set(), self._now_us
        fits = _Loosely(known.wanted)
        there = candidates.names(self._connection, [""], since)
        known.assets |= {one.asset for one in there if fits(one.first or one.path)}
        known.seen_us = self._now_us


def names_in(timeline: Timeline) -> set[str]:
    """Every name that the sources of a cut may go by."""
    found = {name for one in timeline.sources for name in (one.reel, one.clip, one.file, *one.files) if name}
    return found | {name.rpartition(".")[0] for one in timeline.sources for name in _files(one.files, one.file)}


def sources_of(
    pool: Pool, connection: Connection, timeline: Timeline, handles: int
) -> tuple[CutReport, dict[str, Thing]]:
    """Where the sources of a cut are in the catalog, and the things by the paths that the report names."""
    found = {thing.path: thing for thing in pool.called(names_in(timeline))}
    facts = things.facts_of(connection, [thing.versions[0] for thing in found.values()])
    index = ClipIndex(Clip.of(path, facts.get(thing.versions[0])) for path, thing in found.items())
    report = index.look_up(timeline, handles)
    umids = {umid for source in report.missing if (umid := umid_of(source.umid)) is not None}
    reels = {reel for source in report.missing if (reel := reel_of(source)) is not None}
    told = [*(with_umid(connection, umids) if umids else ()), *(with_reel(connection, reels) if reels else ())]
    more = {thing.path: thing for thing in told if thing.path not in found and thing.presence in _HERE}
    if not more:
        return report, found
    found |= more
    facts |= things.facts_of(connection, [thing.versions[0] for thing in more.values()])
    index = ClipIndex(Clip.of(path, facts.get(thing.versions[0])) for path, thing in found.items())
    return index.look_up(timeline, handles), found


def _files(files: Iterable[str], file: str | None) -> Iterable[str]:
    names = [*files, *([file] if file else [])]
    return [re.split(r"[/\\]", name)[-1] for name in names]


def _key(name: str) -> str:
    """A name as it is compared here: loosely, for what is let through is looked at closely afterwards."""
    return _SIGNS.sub("", re.split(r"[/\\]", name)[-1].lower())


class _Loosely:
    """Whether a file may be a source, by its name or a folder's; asked about every name there is."""

    def __init__(self, wanted: set[str]) -> None:
        self._wanted = wanted
        self._heads = {name[:_PREFIX_MIN] for name in wanted}
        # A card's name is a roll and what stands at the end of its clips' names: `A004R1JL`.
        self._cards: dict[str, set[str]] = defaultdict(set)
        for name in wanted:
            if len(name) == _CARD:
                self._cards[name[:_PREFIX_MIN]].add(name[_PREFIX_MIN:])
        self._folders: dict[str, bool] = {}

    def __call__(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        said = self._folders.get(folder)
        if said is None:
            said = self._folders[folder] = any(_key(one) in self._wanted for one in folder.split("/"))
        if said:
            return True
        whole = _SIGNS.sub("", name.lower())
        if whole[:_PREFIX_MIN] not in self._heads and len(whole) >= _PREFIX_MIN and not self._short(name):
            return False
        stem = _key(name.rpartition(".")[0] or name)
        if stem in self._wanted or whole in self._wanted:
            return True
        if any(stem.endswith(one) for one in self._cards.get(stem[:_PREFIX_MIN], ())):
            return True
        return any(stem[:length] in self._wanted for length in range(_PREFIX_MIN, len(stem)))

    def _short(self, name: str) -> bool:
        """Whether a name without its extension may be shorter than what tells most names apart."""
        return name.find(".") <= _PREFIX_MIN + 2
