"""Which footage of a shoot day is not here, as far as what is here tells?

Gaps and days without sound are notices to look, no faults of a deliverable: clips are deleted in the camera, and a day
can be shot without sound. A roll's name used twice, a clip without one of its parts and a clip that a report lists and
that is not here do fail.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.media import names as naming
from assetwatch.media.names import NameFacts
from assetwatch.media.sequences import format_ranges

_EXTENSION: Final = re.compile(r"\.(?=[A-Za-z0-9]{0,7}[A-Za-z])[A-Za-z0-9]{2,8}$")
#: A report rounds durations to seconds, or counts the frames that a recorder writes before it stops.
_TOLERANCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One footage file or sequence: where it lies, what its name says, its digest, its length in seconds.

    `day` is the shoot day that its folder or the catalog tells; without it, the date in the name counts.
    """

    path: str
    names: NameFacts
    digest: str | None = None
    duration: float | None = None
    is_sound: bool = False
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One clip that a report or an ALE lists; `duration` in seconds, `line` where it stands."""

    clip: str
    reel: str | None = None
    duration: float | None = None
    line: int | None = None


def clip_gaps(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Clip numbers that are missing between those of one roll; one finding a roll. Whether it began with 1 is open."""
    rolls: dict[str, set[int]] = defaultdict(set)
    for shot in shots:
        if shot.names.roll is not None and shot.names.clip is not None:
            rolls[shot.names.roll].add(shot.names.clip)
    found = []
    for roll, clips in sorted(rolls.items()):
        gaps = naming.clip_gaps(clips)
        if gaps:
            expected = f"clips {min(clips)}-{max(clips)} of {roll}"
            found.append(Finding("clip_gap", Outcome.FAIL, expected, f"{format_ranges(gaps)} not here", notice=True))
    return tuple(found)


def missing_parts(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Clips of several files that lack one before their last; one finding a clip."""
    clips: dict[tuple[object, ...], list[Shot]] = defaultdict(list)
    for shot in shots:
        facts = shot.names
        if facts.part is not None:
            folder, _, name = shot.path.rpartition("/")
            # A chapter number may stand before the clip's (GoPro), so the name itself is no key.
            key = (folder, facts.format, facts.roll, facts.position, facts.clip, facts.serial, name.rpartition(".")[2])
            clips[key].append(shot)
    found = []
    for _, parts in sorted(clips.items(), key=lambda row: row[1][0].path):
        numbers = {shot.names.part for shot in parts if shot.names.part is not None}
        gaps = naming.missing_parts(numbers)
        if gaps:
            expected = f"parts 1-{max(numbers)}"
            found.append(
                Finding("part_missing", Outcome.FAIL, expected, f"{format_ranges(gaps)} not here", parts[0].path)
            )
    return tuple(found)


def rolls_twice(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Rolls whose name stands for two cards: clips of one name with different content, or of two camera bodies.

    The same roll copied to two places, byte for byte, is a backup and no finding.
    """
    clips: dict[tuple[str, str], dict[str, Shot]] = defaultdict(dict)
    cards: dict[str, dict[str, Shot]] = defaultdict(dict)
    for shot in sorted(shots, key=lambda shot: shot.path):
        if shot.names.roll is None:
            continue
        if shot.digest is not None:
            clips[(shot.names.roll, shot.path.rpartition("/")[2])].setdefault(shot.digest, shot)
        if shot.names.clip is not None:
            first = (shot.names.camera or "", str(shot.names.clip), str(shot.names.part), _extension(shot.path))
            name = shot.path.rpartition("/")[2]
            cards[" ".join((shot.names.roll, *first))].setdefault(name, shot)
    found: dict[str, Finding] = {}
    for (roll, _), by_digest in clips.items():
        if len(by_digest) > 1:
            first_shot, second = list(by_digest.values())[:2]
            expected = f"one content for {first_shot.path}"
            found.setdefault(roll, Finding("roll_twice", Outcome.FAIL, expected, f"roll {roll} again", second.path))
    for by_name in cards.values():
        same_clip = [shot for shot in by_name.values() if shot.names.serial is not None]
        if len({(shot.names.serial, shot.names.date, shot.names.month_day) for shot in same_clip}) > 1:
            first_shot, second = same_clip[:2]
            roll = str(first_shot.names.roll)
            observed = f"another clip {second.names.clip} of roll {roll}"
            found.setdefault(
                roll, Finding("roll_twice", Outcome.FAIL, f"one clip as {first_shot.path}", observed, second.path)
            )
    return tuple(found[roll] for roll in sorted(found))


def not_here(listed: Sequence[Listed], shots: Iterable[Shot], report: str) -> tuple[Finding, ...]:
    """Clips that the report at path `report` lists and that are not here, or are of another length by over a second.

    Names compare without case and extension; a name that is listed short (`A004C010`) stands for the longer one.
    """
    by_name: dict[str, list[Shot]] = defaultdict(list)
    by_number: dict[str, list[Shot]] = defaultdict(list)
    for shot in shots:
        by_name[_key(shot.path.rpartition("/")[2])].append(shot)
        if shot.names.roll is not None and shot.names.clip is not None:
            for number in (f"{shot.names.roll}C{shot.names.clip:03d}", f"{shot.names.roll}_C{shot.names.clip:03d}"):
                by_number[number.lower()].append(shot)
    found = []
    for entry in listed:
        key = _key(entry.clip)
        here = by_name.get(key) or by_number.get(key) or []
        if not here and entry.reel:
            here = by_number.get(f"{_key(entry.reel)}{key}") or by_name.get(f"{_key(entry.reel)}{key}") or []
        where = f" (line {entry.line})" if entry.line else ""
        if not here:
            reel = f" of {entry.reel}" if entry.reel else ""
            found.append(Finding("listed", Outcome.FAIL, f"{entry.clip}{reel}{where}", "not here", report))
            continue
        lengths = [shot.duration for shot in here if shot.duration is not None]
        # The parts of a spanned clip are listed as one; copies of a clip are not added up.
        if entry.duration is not None and lengths and len(lengths) == len(here):
            spanned = len({shot.names.part for shot in here}) == len(here)
            seconds = [sum(lengths)] if spanned else lengths
            if all(abs(length - entry.duration) > _TOLERANCE_S for length in seconds):
                expected = f"{entry.duration:.2f} s{where}"
                found.append(Finding("listed_length", Outcome.FAIL, expected, f"{seconds[0]:.2f} s", here[0].path))
    return tuple(found)


def days_without_sound(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Shoot days with camera clips and no sound; one finding a day."""
    camera: dict[date, str] = {}
    sound: set[date] = set()
    for shot in shots:
        day = shot.day or shot.names.date
        if day is None:
            continue
        if shot.is_sound:
            sound.add(day)
        else:
            camera.setdefault(day, shot.path)
    return tuple(
        Finding("day_sound", Outcome.FAIL, f"sound of {day.isoformat()}", "camera clips only", path, notice=True)
        for day, path in sorted(camera.items())
        if day not in sound
    )


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _key(name: str) -> str:
    return _EXTENSION.sub("", name.strip()).lower()
