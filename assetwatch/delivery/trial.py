"""What would a pattern take from the catalog?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from assetwatch.catalog import things, volumes
from assetwatch.catalog.things import Thing
from assetwatch.delivery.counts import Count
from assetwatch.delivery.match import Match, Rule
from assetwatch.delivery.versions import Candidate, choose_versions
from assetwatch.model import Presence
from assetwatch.units import instant


@dataclass(frozen=True, slots=True)
class Taken:
    """A thing that a pattern takes: its named parts, and what it would be to an item: `current`, `superseded` ..."""

    volume: str
    path: str
    kind: str
    parts: dict[str, str]
    role: str


def taken_by(connection: Connection, pattern: str, count: Count) -> list[Taken]:
    """What `pattern` takes, by volume and path. Raises PatternFault."""
    folders = pattern.endswith("/") and not pattern.startswith("re:")
    rule = Rule.compile(pattern[:-1] if folders else pattern)
    hits: list[tuple[Thing, Match]] = []
    if folders:
        for _, volume_id, path in things.folders_below(connection, rule.folder):
            match = rule.fits(path)
            whole = things.whole_folder(connection, volume_id, path) if match is not None else None
            if match is not None and whole is not None:
                hits.append((whole, match))
    else:
        for thing in things.below_folder(connection, rule.folder):
            match = rule.fits_sequence(thing.path, thing.first) if thing.frames else rule.fits(thing.path)
            if match is not None:
                hits.append((thing, match))
    chosen = choose_versions(
        Candidate(
            id=thing.content,
            path=thing.asset,
            slot=match.slot(count.several),
            version=match.version,
            digest=things.digest_of(connection, thing),
            size=thing.size,
            arrived=instant(thing.arrived_us),
        )
        for thing, match in hits
        if thing.presence != Presence.MISSING.value
    )
    roles = {one.path: "copy" for one in chosen.copies}
    roles |= {one.path: "superseded" for one in chosen.superseded}
    roles |= {one.path: "stale" for one in chosen.stale_arrivals}
    roles |= {one.path: "current" for one in chosen.current}
    roles |= {one.path: "conflict" for group in chosen.conflicts for one in group}
    names = volumes.names(connection)
    kinds = {"f": "file", "s": "sequence", "d": "folder"}
    return sorted(
        (
            Taken(
                names[thing.volume_id],
                thing.path,
                kinds[thing.asset[0]],
                dict(match.names),
                roles.get(thing.asset, "missing"),
            )
            for thing, match in hits
        ),
        key=lambda one: (one.volume, one.path),
    )
