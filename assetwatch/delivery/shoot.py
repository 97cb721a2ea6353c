"""Which of the things in the catalog are clips of a shoot, which are lists of clips, and what do they lack together?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from assetwatch.catalog import things
from assetwatch.catalog.things import Thing
from assetwatch.delivery import footage
from assetwatch.delivery.findings import Finding
from assetwatch.delivery.footage import Listed, Shot
from assetwatch.delivery.held import bytes_of
from assetwatch.delivery.reports import SUFFIXES, read_report
from assetwatch.media.facts import Facts
from assetwatch.media.fields import roll_of_folder
from assetwatch.media.names import clip_gaps, parse_name
from assetwatch.media.sequences import format_ranges
from assetwatch.model import Presence

_SOUND: Final = frozenset({"wav", "bwf", "w64", "rf64", "aif", "aiff"})
#: Raw formats that the probe may not know, beside those that it does.
_CAMERA: Final = frozenset(
    {
        *("mov", "mxf", "mp4", "m4v", "mts", "m2ts", "avi", "r3d", "braw", "ari", "arx", "crm", "rmf", "nev", "x3d"),
        *("cine", "dng", "dpx", "cdng", "360", "insv", "mkv"),
    }
)
_DAY: Final = re.compile(r"(?:^|[^A-Za-z])(?:shoot(?:ing)?[_ -]?)?day[_ -]?0*([1-9][0-9]{0,2})(?![0-9])", re.IGNORECASE)

#: How a thing is called in what is told: `volume:path`.
Called = Callable[[Thing], str]


@dataclass(frozen=True, slots=True)
class Roll:
    """One camera or sound roll: how many of its clips are here, of which numbers, and how many bytes they are."""

    name: str
    clips: int
    first: int | None
    last: int | None
    missing: str
    size: int
    days: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shoot:
    """Clips and lists of clips, as they were found. `sizes` of the clips in bytes, by path."""

    shots: tuple[Shot, ...]
    lists: tuple[tuple[str, tuple[Listed, ...]], ...]
    sizes: Mapping[str, int]

    def findings(self) -> tuple[Finding, ...]:
        """What is missing, and what is odd."""
        found = [
            *footage.rolls_twice(self.shots),
            *footage.missing_parts(self.shots),
            *footage.missing_frames(self.shots),
            *footage.clip_gaps(self.shots),
            *footage.odd_frames(self.shots),
            *footage.days_without_sound(self.shots),
        ]
        for path, listed in self.lists:
            found += footage.not_here(listed, self.shots, path)
        return tuple(dict.fromkeys(found))

    def rolls(self) -> list[Roll]:
        """The rolls, by name."""
        by_name: dict[str, list[Shot]] = {}
        for shot in self.shots:
            if shot.names.roll is not None:
                by_name.setdefault(shot.names.roll, []).append(shot)
        return [_roll(name, shots, self.sizes) for name, shots in sorted(by_name.items())]


def _roll(name: str, shots: Sequence[Shot], sizes: Mapping[str, int]) -> Roll:
    clips = {shot.names.clip for shot in shots if shot.names.clip is not None}
    return Roll(
        name=name,
        clips=len(clips) or len({shot.names.take for shot in shots}),
        first=min(clips, default=None),
        last=max(clips, default=None),
        missing=format_ranges(clip_gaps(clips)) if clips else "",
        size=sum(sizes[shot.path] for shot in shots),
        days=tuple(sorted({day for shot in shots if (day := day_of_shot(shot)) is not None})),
    )


def day_of_shot(shot: Shot) -> str | None:
    """The shoot day of a clip, by its folder or its name."""
    return shot.day or (shot.names.date.isoformat() if shot.names.date else None)


def shoot_of(connection: Connection, taken: Iterable[Thing], called: Called) -> Shoot:
    """The clips and the lists among these things; of whole folders among all below them."""
    there: dict[str, Thing] = {}
    on_cards: set[str] = set()
    for thing in taken:
        for one in _files(connection, thing):
            if one.presence != Presence.MISSING.value:
                there[one.asset] = one
            if thing.asset[0] == "d":  # a sequence that stands for itself is told to be incomplete anyhow
                on_cards.add(one.asset)
    return _shoot(connection, list(there.values()), called, on_cards)


def with_list(shoot: Shoot, name: str, raw: bytes) -> Shoot:
    """The same shoot with one more list, from outside of the catalog; what is no list of clips lists none."""
    return replace(shoot, lists=(*shoot.lists, (name, read_report(raw))))


def _files(connection: Connection, thing: Thing) -> Iterable[Thing]:
    if thing.asset[0] != "d":
        return [thing]
    return [one for one in things.below_folder(connection, thing.path) if one.volume_id == thing.volume_id]


def _shoot(connection: Connection, there: Sequence[Thing], called: Called, on_cards: set[str]) -> Shoot:
    facts = things.facts_of(connection, [thing.versions[0] for thing in there])
    clips = [(thing, facts.get(thing.versions[0])) for thing in there]
    clips = [(thing, said) for thing, said in clips if _is_clip(thing, said)]
    digests = things.digests_of(connection, [thing for thing, _ in clips])
    shots = tuple(
        replace(
            _shot(thing, said, called(thing), digests.get(thing.asset)),
            missing_frames=thing.missing if thing.asset in on_cards else "",
        )
        for thing, said in clips
    )
    lists = []
    for thing in there:
        if thing.asset[0] == "f" and _ending(thing.path) in SUFFIXES:
            raw = bytes_of(connection, thing)
            if raw is not None and (listed := read_report(raw)):
                lists.append((called(thing), listed))
    return Shoot(shots, tuple(lists), {called(thing): thing.size for thing, _ in clips})


def _ending(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _is_clip(thing: Thing, facts: Facts | None) -> bool:
    """Whether a thing is a clip of a camera or a take of a recorder, and no still, list or sidecar."""
    if facts is not None and (facts["audio"] or any(not track.get("still") for track in facts["video"])):
        return True
    said = parse_name(thing.first)
    named = said.clip is not None or said.take is not None
    return named and _ending(thing.first) in (_CAMERA | _SOUND)


def _shot(thing: Thing, facts: Facts | None, path: str, digest: str | None) -> Shot:
    said = parse_name(thing.path)
    if said.roll is None:
        card = next((roll for folder in reversed(thing.path.split("/")[:-1]) if (roll := roll_of_folder(folder))), None)
        said = replace(said, roll=card) if card is not None else said
    known: Mapping[str, Any] = facts or {}
    sound = _ending(thing.first) in _SOUND or bool(known.get("audio") and not known.get("video"))
    duration = known.get("duration")
    return Shot(
        path=path,
        names=said,
        digest=digest,
        duration=None if duration is None else float(duration),
        is_sound=sound,
        day=day_of(thing.path),
        start=known.get("start_timecode"),
        odd_frames=thing.outliers,
    )


def day_of(path: str) -> str | None:
    """The shoot day that the folders of a path tell, the innermost first: a date, else a day's number."""
    folders = path.split("/")[:-1]
    for folder in reversed(folders):
        said = parse_name(folder)
        if said.date is not None and said.format is None:
            return said.date.isoformat()
    found = next((match for folder in reversed(folders) if (match := _DAY.search(folder))), None)
    return None if found is None else f"day {found[1]}"
