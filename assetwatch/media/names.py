"""What does the name of a file or folder say: which roll, clip, scene, take, shot, version, date?

Pure. One ordered table, `PATTERNS`, holds the makers' namings; the first that fits gives the facts. A name that
fits none may still hold a version or a date between separators. What a name does not say is None: nothing is
filled in from what is usual. docs/reference/names.md lists the table with its sources.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

from assetwatch.media.sequences import IMAGE_EXTENSIONS, frame_of


@dataclass(frozen=True, slots=True)
class NameFacts:
    """What a name says; None where it says nothing.

    `format` is the name of the pattern that fitted. `camera` is the camera's letter or index, `roll` the camera or
    sound roll as it is written (`A004`), `serial` what else the maker adds to keep names apart (a body's serial,
    random characters). `clip` is the clip's number on the roll, counted on where the letter before it goes from C
    to D; `position` is the letter that RED writes before it. `part` counts the files of one clip from 1; `track`
    is a sound file's track. `scene` is as it is written, `shot` the whole shot code, `element` a plate's number
    (`PL01`), `reel` the reel of the cut. `month_day` stands for a `date` whose year the name does not give;
    `clock` is the camera's time of day.
    """

    format: str | None = None
    camera: str | None = None
    roll: str | None = None
    clip: int | None = None
    position: str | None = None
    part: int | None = None
    serial: str | None = None
    scene: str | None = None
    take: int | None = None
    track: str | None = None
    shot: str | None = None
    element: str | None = None
    reel: int | None = None
    version: int | None = None
    date: datetime.date | None = None
    month_day: tuple[int, int] | None = None
    clock: datetime.time | None = None


@dataclass(frozen=True, slots=True)
class NamePattern:
    """One naming: the expression for a name without extension, and where it holds.

    Groups are named for the facts, and `ymd`, `md`, `hms`, `chapter` for what makes a date, a time, a part. With
    `tail`, more may follow after a separator (a proxy, a pull, a version). `extensions` (lower case, empty for
    none) and `folder` (one that has to be in the path) bind namings too plain to be known alone. `sure` is False
    where the naming was met in the field but in no document of the maker.
    """

    name: str
    maker: str
    example: str
    expression: str
    tail: bool = False
    extensions: frozenset[str] | None = None
    folder: str | None = None
    sure: bool = True


_SOUND = frozenset({"wav", "bwf", "w64", "rf64"})
_ROLL = r"(?P<roll>(?P<camera>[A-Z])[0-9]{3})"
_LONG_ROLL = r"(?P<roll>(?P<camera>[A-Z][A-Z0-9_])[0-9]{4})"
_CLIP = r"(?P<clip>[CD][0-9]{3})"
_YMD = r"(?P<ymd>[0-9]{6})"
_TRACK = r"(?:_(?P<track>[0-9A-Z]{1,2}|Tr[0-9]{1,2}(?:_(?:[0-9]{1,2}|D))?|LR|MIX|MS))?"

#: Every naming that is known, the more particular before the more general.
PATTERNS: tuple[NamePattern, ...] = (
    NamePattern(
        "arri-35",
        "ARRI ALEXA 35 and later",
        "A_0001C001_230202_052359_h12NR.mxf",
        rf"{_LONG_ROLL}{_CLIP}_{_YMD}_(?P<hms>[0-9]{{6}})_(?P<serial>[a-z]?[0-9A-Z]{{4}})",
        tail=True,
    ),
    NamePattern(
        "canon-long",
        "Canon Cinema EOS, four-digit reels",
        "A_0001C001X230401_120000AB_CANON_001.CRM",
        rf"{_LONG_ROLL}{_CLIP}[A-Z]{_YMD}_(?P<hms>[0-9]{{6}})(?P<serial>[0-9A-Z]{{2}})_CANON(?:_(?P<part>[0-9]{{3}}))?",
        tail=True,
    ),
    NamePattern(
        "canon",
        "Canon Cinema EOS",
        "A001C001_200101AB_CANON.MXF",
        rf"{_ROLL}{_CLIP}[A-Z]?_{_YMD}(?P<serial>[0-9A-Z]{{2}})_CANON(?:_(?P<part>[0-9]{{3}}))?",
        tail=True,
        sure=False,
    ),
    NamePattern(
        "arri-classic",
        "ARRI ALEXA, AMIRA, ALEXA Mini, LF, 65",
        "A004C010_20100610_R1JL.mov",
        rf"{_ROLL}{_CLIP}_(?P<ymd>[0-9]{{8}}|[0-9]{{6}})_(?P<serial>[RL][0-9A-Z]{{3}})",
        tail=True,
    ),
    NamePattern(
        "panasonic-cine",
        "Panasonic VariCam, EVA1, HC-X",
        "A001C001_160101_5K2B.MOV",
        rf"{_ROLL}{_CLIP}_{_YMD}_(?P<serial>[0-9A-Z]{{4}})",
        tail=True,
    ),
    NamePattern(
        "sony-cine",
        "Sony VENICE, BURANO, FX",
        "A001C001_2210134X.MXF",
        rf"{_ROLL}{_CLIP}_{_YMD}(?P<serial>[0-9A-Z]{{2}})",
        tail=True,
        sure=False,
    ),
    NamePattern(
        "red",
        "RED",
        "A001_C001_12046M_001.R3D",
        rf"{_ROLL}_(?P<position>[A-Z])(?P<clip>[0-9]{{3}})_(?P<md>[0-9]{{4}})(?P<serial>[0-9A-Z]{{2}})"
        r"(?:_(?P<part>[0-9]{3}))?",
        tail=True,
    ),
    NamePattern(
        "red-mag",
        "RED, folder of a magazine",
        "A001_0502AB.RDM",
        rf"{_ROLL}_(?P<md>[0-9]{{4}})(?P<serial>[0-9A-Z]{{2}})",
        extensions=frozenset({"rdm"}),
        sure=False,
    ),
    NamePattern(
        "blackmagic",
        "Blackmagic URSA, Pocket, PYXIS",
        "A001_08151512_C001.braw",
        rf"{_ROLL}_(?P<md>[0-9]{{4}})(?P<hms>[0-9]{{4}})_(?:C(?P<clip>[0-9]{{3}})|S[0-9]{{3}})",
        tail=True,
    ),
    NamePattern(
        "blackmagic-2012",
        "Blackmagic Cinema Camera",
        "BMC01_1_2012-08-08_1631_C0002.mov",
        r"(?P<camera>[A-Z]+[0-9]*)_(?P<roll>[0-9]{1,4})_(?P<ymd>[0-9]{4}-[0-9]{2}-[0-9]{2})_(?P<hms>[0-9]{4})"
        r"_C(?P<clip>[0-9]{4})",
        tail=True,
    ),
    NamePattern(
        "dji-time",
        "DJI",
        "DJI_20230101120000_0001_D.MP4",
        r"DJI_(?P<ymd>[0-9]{8})(?P<hms>[0-9]{6})_(?P<clip>[0-9]{4})(?:_[A-Z])?",
        sure=False,
    ),
    NamePattern("dji", "DJI", "DJI_0001.MP4", r"DJI_(?P<clip>[0-9]{4})", sure=False),
    NamePattern(
        "gopro",
        "GoPro HERO6 and later, MAX",
        "GX020123.MP4",
        r"G[HXLSG](?P<part>0[1-9]|[1-9][0-9])(?P<clip>[0-9]{4})",
        extensions=frozenset({"mp4", "lrv", "thm", "360", "wav"}),
    ),
    NamePattern(
        "gopro-loop",
        "GoPro, looping",
        "GHAA0001.MP4",
        r"G[HX][A-Z]{2}(?P<clip>[0-9]{4})",
        extensions=frozenset({"mp4", "lrv", "thm"}),
    ),
    NamePattern(
        "gopro-old",
        "GoPro up to HERO5",
        "GP011234.MP4",
        r"G(?:OPR|P(?P<chapter>[0-9]{2}))(?P<clip>[0-9]{4})",
        extensions=frozenset({"mp4", "lrv", "thm"}),
    ),
    NamePattern(
        "sony-clip",
        "Sony XDCAM, XAVC",
        "C0001.MXF",
        r"C(?P<clip>[0-9]{4})(?:[MSR][0-9]{2})?",
        extensions=frozenset({"mxf", "mp4", "xml", "klv", "bim", "jpg"}),
    ),
    NamePattern(
        "xdcam-ex",
        "Sony XDCAM EX",
        "BPAV/CLPR/717_0001_01/717_0001_01.MP4",
        r"(?P<serial>[0-9A-Z]{3})_(?P<clip>[0-9]{4})_(?P<part>[0-9]{2})(?:[A-Z][0-9]{2})?",
        folder="CLPR",
        sure=False,
    ),
    NamePattern(
        "p2",
        "Panasonic P2",
        "CONTENTS/VIDEO/0001AB.MXF",
        r"(?P<clip>[0-9]{4})(?P<serial>[0-9A-Z]{2})(?P<track>[0-9]{2})?",
        folder="CONTENTS",
    ),
    NamePattern(
        "canon-xf",
        "Canon XF",
        "CONTENTS/CLIPS001/AA0001/AA000101.MXF",
        r"(?P<serial>[A-Z]{2})(?P<clip>[0-9]{4})(?:(?P<part>[0-9]{2})(?:[A-Z][0-9]{2})?)?",
        folder="CONTENTS",
        sure=False,
    ),
    NamePattern(
        "canon-dcf",
        "Canon EOS",
        "MVI_1234.MOV",
        r"MVI_(?P<clip>[0-9]{4})",
        extensions=frozenset({"mov", "mp4", "avi", "thm"}),
        sure=False,
    ),
    NamePattern("camera-roll", "ARRI, folder of a card", "A001R1AB", rf"{_ROLL}(?P<serial>[RL][0-9A-Z]{{3}})"),
    NamePattern("sound-roll", "folder of a sound roll", "S001", r"(?P<roll>S[0-9]{3})", extensions=frozenset({""})),
    NamePattern(
        "scene-take",
        "Sound Devices, Zoom and others: scene and take",
        "42A-T03_1.WAV",
        rf"(?P<scene>(?:SCENE|Scene|SC|S)?[0-9]{{1,4}}[A-Za-z]{{0,3}}?)[-_]?T(?P<take>[0-9]{{1,5}})[A-Z]?{_TRACK}",
        extensions=_SOUND,
    ),
    NamePattern(
        "sound-date",
        "Zoom, Tascam: date and number",
        "240101_0001_Tr1.WAV",
        rf"{_YMD}_(?P<take>[0-9]{{3,4}}){_TRACK}",
        extensions=_SOUND,
    ),
    NamePattern(
        "sound-number",
        "Zoom, Tascam: number",
        "ZOOM0001_LR.WAV",
        rf"(?:ZOOM|TASCAM_)(?P<take>[0-9]{{4}}){_TRACK}",
        extensions=_SOUND,
        sure=False,
    ),
    NamePattern(
        "vfx",
        "show_episode_sequence_shot_task_vendor_version",
        "AGM_104_065_010_PL01_v001.[1001-1058].exr",
        r"(?P<shot>[A-Z][A-Za-z0-9]{1,7}(?:_[0-9]{2,4}[A-Z]?){2,4})(?:_(?P<element>[A-Z]{2}[0-9]{2}))?"
        r"(?:_[A-Za-z0-9]+)*?_v(?P<version>[0-9]{3,4})",
    ),
    NamePattern(
        "editorial-reel",
        "reel of a cut, with a version or a date",
        "R3_v012_20261101.mov",
        r"(?=.*_(?:[vV][0-9]{1,4}|[0-9]{8})(?:_|$))(?:[A-Za-z0-9]+_)*?R(?P<reel>[1-9])(?:_[A-Za-z0-9]+)+",
    ),
)

_COMPILED = tuple((pattern, re.compile(pattern.expression, re.ASCII)) for pattern in PATTERNS)
_RANGE_FIELD = re.compile(r"[._]?(?:\[-?[0-9]+--?[0-9]+\]|#+|@+|%0?[0-9]*d)$")
_VERSION = re.compile(r"(?:^|[_. -])[vV]([0-9]{1,4})(?=$|[_ -]|\.(?![0-9]))")
_DATE = re.compile(r"(?<![0-9A-Za-z])((?:19|20)[0-9]{2}(-?)[0-9]{2}\2[0-9]{2})(?![0-9A-Za-z])")
_NUMBERS = frozenset({"clip", "part", "take", "reel", "version"})
_FACTS = frozenset(fact.name for fact in fields(NameFacts))


class _Unfit(Exception):
    """A group holds what its fact cannot be, such as a thirteenth month: the pattern does not fit."""


def parse_name(path: str, shot_pattern: str | None = None) -> NameFacts:
    """What the last part of `path` says, and which naming it follows.

    `shot_pattern` is a show's own regular expression, searched in the name without its extension; its named groups
    (those that are facts) win over the table. Raises re.error where it is none.
    """
    folder, _, name = path.rstrip("/").rpartition("/")
    stem, extension = _without_extension(name)
    stems = _without_frame(name, stem, extension)
    found = _from_table(stems, extension, folder)
    if "version" not in found and (versions := [match[1] for match in _VERSION.finditer(stems[0])]):
        found["version"] = int(versions[-1])
    if "date" not in found and "month_day" not in found and (day := _only_date(stem)):
        found["date"] = day
    if shot_pattern is not None and (own := _compiled(shot_pattern).search(stem)):
        with contextlib.suppress(_Unfit):
            found |= _facts(own.groupdict())
    return NameFacts(**found)  # type: ignore[arg-type]


def clip_gaps(clips: Iterable[int], first: int | None = None) -> list[int]:
    """The clip numbers that are not there between those of one roll, ascending.

    Counted from `first` where the roll is known to begin with it, else from the lowest that is there.
    """
    there = set(clips)
    if not there:
        return []
    return [clip for clip in range(min(there) if first is None else first, max(there)) if clip not in there]


def missing_parts(parts: Iterable[int]) -> list[int]:
    """The numbers of the files that one clip lacks, from 1 to the highest there; later ones cannot be known."""
    return clip_gaps(parts, first=1)


def _without_extension(name: str) -> tuple[str, str]:
    """The name up to its last dot, and what follows in lower case; a name such as `v1.2 final` has no extension."""
    stem, _, extension = name.rpartition(".")
    if stem and re.fullmatch(r"[A-Za-z0-9]{1,8}", extension):
        return stem, extension.lower()
    return name, ""


def _without_frame(name: str, stem: str, extension: str) -> list[str]:
    """The stems to look at: first without frame number or range, then as it is (`DJI_0001.DNG` is no frame)."""
    shorter = _RANGE_FIELD.sub("", stem)
    if extension in IMAGE_EXTENSIONS and shorter == stem and (frame := frame_of(name)):
        shorter = frame.prefix.rstrip("._- ")
    return [shorter, stem] if shorter not in ("", stem) else [stem]


def _from_table(stems: list[str], extension: str, folder: str) -> dict[str, object]:
    for stem in stems:
        for pattern, expression in _COMPILED:
            if pattern.extensions is not None and extension not in pattern.extensions:
                continue
            if pattern.folder is not None and pattern.folder not in folder.upper().split("/"):
                continue
            match = expression.match(stem) if pattern.tail else expression.fullmatch(stem)
            if match is None or stem[match.end() : match.end() + 1] not in {"", "_", ".", "-", " "}:
                continue
            try:
                return {"format": pattern.name, **_facts(match.groupdict()), **_first_part(pattern, match)}
            except _Unfit:
                continue
    return {}


def _first_part(pattern: NamePattern, match: re.Match[str]) -> dict[str, object]:
    """GoPro up to HERO5: the first file has no number, and the second has chapter 1."""
    if pattern.name != "gopro-old":
        return {}
    return {"part": int(match["chapter"] or 0) + 1}


def _facts(groups: Mapping[str, str | None]) -> dict[str, object]:
    """The facts that matched groups hold."""
    found: dict[str, object] = {}
    for group, text in groups.items():
        if not text:
            continue
        if group in ("ymd", "date"):
            found["date"] = _day(text)
        elif group in ("md", "month_day"):
            _day("2000" + text)  # a leap year: the name does not say which year it was
            found["month_day"] = (int(text[:2]), int(text[2:]))
        elif group in ("hms", "clock"):
            found["clock"] = _clock(text)
        elif group == "clip" and re.fullmatch(r"[CD][0-9]{3}", text):
            found["clip"] = int(text[1:]) + (999 if text[0] == "D" else 0)
        elif group in _NUMBERS:
            found[group] = _number(text)
        elif group in _FACTS:
            found[group] = text.rstrip("_")
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise _Unfit
    return int(text)


def _day(text: str) -> datetime.date:
    """YYYYMMDD, YYYY-MM-DD or YYMMDD (of this century) as a date."""
    digits = text.replace("-", "")
    if len(digits) == 6:
        digits = "20" + digits
    if len(digits) != 8:
        raise _Unfit
    try:
        return datetime.date(_number(digits[:4]), _number(digits[4:6]), _number(digits[6:]))
    except ValueError:
        raise _Unfit from None


def _clock(text: str) -> datetime.time:
    """HHMM or HHMMSS as a time of day."""
    if len(text) not in (4, 6):
        raise _Unfit
    hour, minute, second = _number(text[:2]), _number(text[2:4]), _number(text[4:] or "0")
    try:
        return datetime.time(hour, minute, second)
    except ValueError:
        raise _Unfit from None


def _only_date(stem: str) -> datetime.date | None:
    """The date between separators, where there is exactly one: of two, neither is known to be the file's."""
    days = set()
    for match in _DATE.finditer(stem):
        try:
            days.add(_day(match[1]))
        except _Unfit:
            continue
    return days.pop() if len(days) == 1 else None


@lru_cache(maxsize=64)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)
