"""What does a cut list in the catalog say, and which of its sources are in the catalog too?"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from sqlalchemy import Connection

from assetwatch.catalog import things, volumes
from assetwatch.catalog.things import Thing
from assetwatch.delivery.cut_sources import Clip, ClipIndex, CutReport
from assetwatch.media.timelines.read import read_timeline
from assetwatch.media.timelines.values import Timeline, TimelineFault
from assetwatch.paths import to_os

#: Names shorter than this are compared as a whole only: `1` begins too many.
_PREFIX_MIN = 4


def timeline_of(connection: Connection, thing: Thing, rate: Fraction | None) -> Timeline | None:
    """The cut list that a file is; None where it cannot be read. `rate` is the show's, for lists that tell none."""
    root = next((row.root for row in volumes.all_volumes(connection) if row.id == thing.volume_id), None)
    return None if root is None else _read(f"{to_os(root)}/{to_os(thing.path)}", thing.content, rate)


@lru_cache(maxsize=64)
def _read(path: str, content: int, rate: Fraction | None) -> Timeline | None:
    """Read once for each content (`content` is only there to tell them apart)."""
    try:
        return read_timeline(path, frame_rate=rate)
    except TimelineFault:
        return None


def sources_of(connection: Connection, timeline: Timeline, handles: int) -> tuple[CutReport, dict[str, Thing]]:
    """Where the sources of a cut are in the catalog, and the things by the paths that the report names."""
    wanted = {
        _key(name)
        for source in timeline.sources
        for name in (source.reel, source.clip, source.file, *source.files)
        if name
    }
    wanted |= {
        _key(name.rpartition(".")[0]) for source in timeline.sources for name in _files(source.files, source.file)
    }
    wanted.discard("")
    found = {thing.path: thing for thing in things.called(connection, lambda path: _may_be(path, wanted))}
    facts = things.facts_of(connection, [thing.versions[0] for thing in found.values()])
    index = ClipIndex(Clip.of(path, facts.get(thing.versions[0])) for path, thing in found.items())
    return index.look_up(timeline, handles), found


def _files(files: Iterable[str], file: str | None) -> Iterable[str]:
    names = [*files, *([file] if file else [])]
    return [re.split(r"[/\\]", name)[-1] for name in names]


def _key(name: str) -> str:
    """A name as it is compared here: loosely, for what is let through is looked at closely afterwards."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[/\\]", name)[-1].lower())


def _may_be(path: str, wanted: set[str]) -> bool:
    """Whether a file may be a source, by its name or a folder's."""
    *folders, name = path.split("/")
    stem = _key(name.rpartition(".")[0] or name)
    if stem in wanted or _key(name) in wanted:
        return True
    if any(stem[:length] in wanted for length in range(_PREFIX_MIN, len(stem))):
        return True
    return any(_key(folder) in wanted for folder in folders)
