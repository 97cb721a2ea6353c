"""Are the plates that a pull list asks for here, with all their frames?

A plate is found by the name of its sequence, with or without what follows the name in the list (`PL01_v002`, a
resolution); the highest version is held against the list. Frames that the list numbers have to be there; a length
that it gives, with the handles that the schedule asks for, has to be reached; and where both tell timecode, the used
stretch with handles has to lie inside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.versions import version_key
from assetwatch.media.sequences import format_ranges, parse_ranges
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.locations import name_of
from assetwatch.media.timelines.pulls import Pull
from assetwatch.units import counted

_SEQUENCE: Final = re.compile(r"(.*?)[._ -]?\[-?[0-9]+--?[0-9]+\](?:\.[A-Za-z0-9]+)?$")
_EXTENSION: Final = re.compile(r"\.(?=[A-Za-z0-9]{0,7}[A-Za-z])[A-Za-z0-9]{2,8}$")
_VERSION: Final = re.compile(r"[._ -][vV]([0-9]{1,4})(?=$|[._ -])")
#: A list that numbers more frames than this for one plate is mistaken.
_FRAMES_MAX: Final = 1_000_000
_FRAME: Final = re.compile(r"[._ -]?(?:[#@]+|%0?[0-9]*d|\[[0-9]+-[0-9]+\])$")


@dataclass(frozen=True, slots=True)
class Plate:
    """One image sequence that is here: its path, first and last frame, which are missing or empty (`1003-1004`).

    `start` is the timecode of its first frame, which counts `base` frames a second.
    """

    path: str
    first: int
    last: int
    missing: str = ""
    empty: str = ""
    start: str | None = None
    base: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One pull and the plate that came for it (None: none did).

    `lacking` are frames that the list numbers and that are not there (`1041-1058`), gaps included; `findings` say what
    else is not right.
    """

    pull: Pull
    plate: Plate | None
    lacking: str = ""
    findings: tuple[Finding, ...] = ()


def held_against(pulls: Sequence[Pull], plates: Iterable[Plate], handles: int = 0) -> tuple[Held, ...]:
    """Every pull with its plate. `handles` in frames are wanted at both ends of what the list says is used."""
    index = _Index(plates)
    found: list[Held] = []
    for pull in pulls:
        plate = index.find(pull)
        if plate is None:
            found.append(Held(pull, None))
        else:
            found.append(Held(pull, plate, _lacking(pull, plate), tuple(_wrong(pull, plate, handles))))
    return tuple(found)


def label_of(pull: Pull) -> str:
    """A plate as a person asks for it: `SH010_PL01, frames 1001-1058`."""
    name = called(pull)
    if pull.first_frame is not None and pull.last_frame is not None:
        return f"{name}, frames {pull.first_frame}-{pull.last_frame}"
    if pull.source_in and pull.source_out:
        reel = f" (reel {pull.reel})" if pull.reel and pull.reel != name else ""
        return f"{name}{reel}, {pull.source_in}-{pull.source_out}"
    return name


def called(pull: Pull) -> str:
    """The plate's name in the list."""
    return pull.name or (name_of(pull.file) if pull.file else None) or pull.clip or pull.reel or "-"


class _Index:
    def __init__(self, plates: Iterable[Plate]) -> None:
        self._by_name: dict[str, list[Plate]] = defaultdict(list)
        for plate in plates:
            name = plate_name(plate.path)
            for key in dict.fromkeys((_key(name), _key(_VERSION.split(name)[0]))):
                self._by_name[key].append(plate)
            # `AGM_010_PL01_4K_v001` also stands for `AGM_010_PL01`: what follows begins after a separator.
            for at in (match.start() for match in re.finditer(r"[._ -]", name)):
                self._by_name[f"{_key(name[:at])}*"].append(plate)

    def find(self, pull: Pull) -> Plate | None:
        """The plate for a pull: of several the highest version."""
        names = [pull.name, pull.file and name_of(pull.file), pull.clip]
        keys = [_key(plate_name(name)) for name in names if name]
        for key in (*keys, *(f"{key}*" for key in keys)):
            if key.strip("*") and (here := self._by_name.get(key)):
                return max(here, key=lambda plate: (_version(plate.path), plate.last - plate.first))
        return None


def _version(path: str) -> tuple[tuple[int, int, str], ...]:
    found = _VERSION.findall(plate_name(path))
    return version_key(found[-1]) if found else ()


def plate_name(path: str) -> str:
    """The name of a sequence or of its pattern, without frames and extension."""
    name = re.split(r"[/\\]", path)[-1]
    found = _SEQUENCE.match(name)
    return found[1] if found else _FRAME.sub("", _EXTENSION.sub("", name))


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _numbers(pull: Pull) -> range | None:
    """The frames that the list asks for by number."""
    if pull.first_frame is None or pull.last_frame is None or pull.last_frame < pull.first_frame:
        return None
    return range(pull.first_frame, pull.last_frame + 1)


def _lacking(pull: Pull, plate: Plate) -> str:
    gone = {frame for text in (plate.missing, plate.empty) if text for frame in parse_ranges(text)}
    wanted = _numbers(pull)
    if wanted is not None and len(wanted) <= _FRAMES_MAX:
        gone |= set(wanted) - set(range(plate.first, plate.last + 1))
    return format_ranges(gone)


def _wrong(pull: Pull, plate: Plate, handles: int) -> Iterable[Finding]:
    wanted = _numbers(pull)
    if wanted is not None:
        if plate.first < wanted[0] or plate.last > wanted[-1]:
            expected = f"{called(pull)}: frames {wanted[0]}-{wanted[-1]}"
            yield Finding(
                "plate_range", Outcome.FAIL, expected, f"{plate.first}-{plate.last} came", plate.path, notice=True
            )
        return
    known = _by_timecode(pull, plate, handles)
    if known is not None:
        yield from known
    elif pull.frames is not None:
        here, needed = plate.last - plate.first + 1, pull.frames + 2 * handles
        if here < needed:
            said = f"{called(pull)}: {needed} frames" + (f" with handles of {handles}" if handles else "")
            yield Finding("plate_range", Outcome.FAIL, said, f"{here} frames ({here - needed})", plate.path)


def _by_timecode(pull: Pull, plate: Plate, handles: int) -> list[Finding] | None:
    """Whether the stretch that is used, with handles, lies in the plate; None where that cannot be told."""
    if not (pull.source_in and pull.source_out and plate.start and plate.base):
        return None
    try:
        head = tc.length(plate.start, pull.source_in, plate.base) - handles
        tail = plate.last - plate.first + 1 - tc.length(plate.start, pull.source_out, plate.base) - handles
    except tc.TimecodeError:
        return None
    ends = [(head, "before its first frame"), (tail, "after its last frame")]
    lacking = " and ".join(f"{counted(-count, 'frame')} missing {where}" for count, where in ends if count < 0)
    if not lacking:
        return []
    with_handles = f" with handles of {handles}" if handles else ""
    expected = f"{called(pull)}: {pull.source_in}-{pull.source_out}{with_handles}"
    return [Finding("plate_range", Outcome.FAIL, expected, lacking, plate.path)]
