"""Which footage of a shoot day is not here, as far as what is here tells?

Gaps and days without sound are notices to look, no faults of a deliverable: clips are deleted in the camera, and a day
can be shot without sound. A clip that a report lists and a part of a spanned clip are missing (`LACKING`): what they
belong to is not all here. A roll's name used twice, and a clip that is not as long as its report says, do fail.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.media import names as naming
from assetwatch.media.names import NameFacts
from assetwatch.media.sequences import format_ranges

_EXTENSION: Final = re.compile(r"\.(?=[A-Za-z0-9]{0,7}[A-Za-z])[A-Za-z0-9]{2,8}$")
#: A sequence's name: what stands before its frames.
_SEQUENCE: Final = re.compile(r"(.+?)[._ -]?\[-?[0-9]+--?[0-9]+\]")
#: Rules whose findings name something that is missing, and not only odd.
LACKING: Final = frozenset({"listed", "part_missing", "frames_missing"})
#: Rules whose findings a sender should be asked about, although nothing may be wrong.
TO_ASK: Final = frozenset({"clip_gap", "day_sound", "frame_size"})
#: Every rule that is about footage.
FOOTAGE: Final = LACKING | TO_ASK | {"roll_twice", "listed_length", "listed_names"}
#: A report rounds durations to seconds, or counts the frames that a recorder writes before it stops.
_TOLERANCE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One footage file or sequence: where it lies, what its name says, its digest, its length in seconds.

    `day` is the shoot day that its folder tells (`2026-11-02`, `day 12`); without it, the date in the name counts.
    `start` is the timecode of its first frame. `odd_frames` are frames of a sequence (`1004,1007-1009`) that are far
    from the others in size.
    """

    path: str
    names: NameFacts
    digest: str | None = None
    duration: float | None = None
    is_sound: bool = False
    day: str | None = None
    start: str | None = None
    odd_frames: str = ""
    missing_frames: str = ""  #: of a sequence on a card, frames that are not there or empty


@dataclass(frozen=True, slots=True)
class Listed:
    """One clip that a report or an ALE lists; `duration` in seconds, `line` where it stands.

    `others` are further names that it may go by here: of its file, of its tape.
    """

    clip: str
    reel: str | None = None
    duration: float | None = None
    line: int | None = None
    others: tuple[str, ...] = ()


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
            name = parts[0].path.rpartition("/")[2]
            expected = f"parts 1-{max(numbers)} of the clip of {name}"
            observed = f"{format_ranges(gaps)} not here"
            found.append(Finding("part_missing", Outcome.FAIL, expected, observed, parts[0].path, notice=True))
    return tuple(found)


def missing_frames(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Sequences of which frames are missing or empty; one finding a sequence."""
    return tuple(
        Finding(
            "frames_missing",
            Outcome.FAIL,
            f"{_frames(shot.missing_frames)} of {shot.path.rpartition('/')[2]}",
            "not here",
            shot.path,
            notice=True,
        )
        for shot in shots
        if shot.missing_frames
    )


def odd_frames(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Sequences with frames that are far from the others in size; one finding a sequence."""
    return tuple(
        Finding(
            "frame_size",
            Outcome.FAIL,
            "frames of about one size",
            f"frames {shot.odd_frames} are not",
            shot.path,
            notice=True,
        )
        for shot in shots
        if shot.odd_frames
    )


def rolls_twice(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Rolls whose name stands for two cards: clips of one name with different content, or of two camera bodies.

    The same roll copied to two places, byte for byte, is a backup and no finding; and a clip of the same timecode and
    length is a proxy of the other.
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
        first_shot, *others = by_digest.values()
        second = next((shot for shot in others if not _same_take(shot, first_shot)), None)
        if second is not None:
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


def _same_take(one: Shot, other: Shot) -> bool:
    """Whether two clips of one name show the same: a proxy and what it was made from."""
    if one.start is None or one.start != other.start or one.duration is None or other.duration is None:
        return False
    return abs(one.duration - other.duration) <= _TOLERANCE_S


def not_here(listed: Sequence[Listed], shots: Iterable[Shot], report: str) -> tuple[Finding, ...]:
    """Clips that the report at path `report` lists and that are not here, or are of another length by over a second.

    Names compare without case and extension; a name that is listed short (`A004C010`) stands for the longer one, and
    scene and take for a sound file. Where no name of a report can be understood, that alone is told.
    """
    index = _Index(shots)
    found: list[Finding] = []
    unknown: list[Finding] = []
    known = 0
    for entry in listed:
        here = index.find(entry)
        if here:
            known += 1
            found += _lengths(entry, here)
            continue
        where = f", line {entry.line} of the list" if entry.line else ""
        reel = f" (reel {entry.reel})" if entry.reel and _key(entry.reel) not in _key(entry.clip) else ""
        said = naming.parse_name(entry.clip)
        known += said.clip is not None or said.roll is not None or bool(entry.reel and _says_roll(entry.reel))
        unknown.append(Finding("listed", Outcome.FAIL, f"{entry.clip}{reel}", f"not here{where}", report, notice=True))
    if unknown and not known:
        observed = f"none of its {len(listed)} clips goes by a name that is here"
        return (Finding("listed_names", Outcome.UNKNOWN, "names of clips", observed, report),)
    return (*found, *unknown)


def _says_roll(reel: str) -> bool:
    return naming.parse_name(reel).roll is not None or re.fullmatch(r"[A-Za-z]_?[0-9]{3,4}", reel.strip()) is not None


def _lengths(entry: Listed, here: list[Shot]) -> Iterator[Finding]:
    """Whether what is here is as long as a report says."""
    lengths = [shot.duration for shot in here if shot.duration is not None]
    if entry.duration is None or not lengths or len(lengths) < len(here):
        return
    # The parts of a spanned clip are listed as one; copies of a clip are not added up.
    spanned = len({shot.names.part for shot in here}) == len(here)
    seconds = [sum(lengths)] if spanned else lengths
    if all(abs(length - entry.duration) > _TOLERANCE_S for length in seconds):
        where = f", line {entry.line} of the list" if entry.line else ""
        expected = f"{entry.duration:.2f} s{where}"
        yield Finding("listed_length", Outcome.FAIL, expected, f"{seconds[0]:.2f} s", here[0].path)


class _Index:
    """The clips that are here by every name that a report may call them."""

    def __init__(self, shots: Iterable[Shot]) -> None:
        self._by_name: dict[str, list[Shot]] = defaultdict(list)
        self._by_number: dict[str, list[Shot]] = defaultdict(list)
        self._by_take: dict[tuple[str, int], list[Shot]] = defaultdict(list)
        for shot in shots:
            name = shot.path.rpartition("/")[2]
            self._by_name[_key(name)].append(shot)
            if (sequence := _SEQUENCE.match(name)) is not None:
                self._by_name[_key(sequence[1])].append(shot)
            says = shot.names
            if says.roll is not None and says.clip is not None:
                for number in (f"{says.roll}C{says.clip:03d}", f"{says.roll}_C{says.clip:03d}"):
                    self._by_number[number.lower()].append(shot)
            if says.scene is not None and says.take is not None:
                self._by_take[(says.scene.lower(), says.take)].append(shot)

    def find(self, entry: Listed) -> list[Shot]:
        """The clips that an entry stands for."""
        for name in (entry.clip, *entry.others):
            key = _key(name)
            if here := self._by_name.get(key) or self._by_number.get(key):
                return here
            if entry.reel:
                whole = _key(entry.reel) + key
                if here := self._by_number.get(whole) or self._by_name.get(whole):
                    return here
            says = naming.parse_name(f"{name}.wav")
            if here := self._by_take.get(((says.scene or "").lower(), says.take or -1)):
                return here
        return []


def days_without_sound(shots: Iterable[Shot]) -> tuple[Finding, ...]:
    """Shoot days with camera clips and no sound; one finding a day."""
    camera: dict[str, str] = {}
    sound: set[str] = set()
    for shot in shots:
        day = shot.day or (shot.names.date.isoformat() if shot.names.date else None)
        if day is None:
            continue
        if shot.is_sound:
            sound.add(day)
        else:
            camera.setdefault(day, shot.path)
    return tuple(
        Finding("day_sound", Outcome.FAIL, f"sound of {day}", "camera clips only", path, notice=True)
        for day, path in sorted(camera.items())
        if day not in sound
    )


def _frames(ranges: str) -> str:
    return f"frame {ranges}" if ranges.lstrip("-").isdecimal() else f"frames {ranges}"


def _extension(path: str) -> str:
    return path.rpartition(".")[2].lower()


def _key(name: str) -> str:
    return _EXTENSION.sub("", name.strip()).lower()
