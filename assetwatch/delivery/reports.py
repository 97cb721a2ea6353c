"""Which clips does a camera report, a sound report or an ALE list?

Reports come as tables (CSV, tab-separated, semicolons) out of a dozen programs, under a title or a block of facts, and
each names its columns its own way. What has no column for clips is no report.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from assetwatch.delivery.footage import Listed
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.ale import looks_like_ale, read_ale
from assetwatch.media.timelines.text import decode
from assetwatch.media.timelines.values import Event

#: Endings of files that may list clips.
SUFFIXES: Final = frozenset({"ale", "csv", "tsv"})

# Header names without case, spaces and signs, the surer before the vaguer.
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "clip": (
        *("clipname", "clip", "clipid", "clipno", "clipnumber", "clipnr", "filename", "file", "sourcefile"),
        *("sourcefilename", "soundfile", "wavfile", "mediafile", "takefilename"),
    ),
    "reel": (
        *("cameraroll", "camroll", "roll", "rollname", "rollno", "reel", "reelname", "tape", "tapename", "mag"),
        *("magazine", "card", "cardname", "soundroll", "cameraroll#", "rollid"),
    ),
    "file": ("filename", "sourcefile", "sourcefilename", "file", "mediafile"),
    "duration": ("duration", "length", "cliplength", "clipduration", "durationtc", "runtime", "dur"),
    "seconds": ("durations", "durationsec", "durationseconds", "lengths", "lengthsec", "seconds"),
    "frames": ("durationframes", "framecount", "frames", "lengthframes"),
    "rate": ("fps", "framerate", "projectfps", "tcframerate", "tcrate", "timecoderate", "basefps"),
    "scene": ("scene", "sceneno", "slate"),
    "take": ("take", "takeno", "tk"),
}
_SIGNS: Final = re.compile(r"[^a-z0-9]")
_CLOCK: Final = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2}(?:[.,][0-9]+)?)")
_SECONDS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(?:s|sec|secs|seconds)|([0-9]+\.[0-9]+)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_HEADER_WITHIN: Final = 60


def read_report(raw: bytes) -> tuple[Listed, ...]:
    """The clips that a report lists, in its order; none where it is no report. Never raises for what is in it."""
    text = decode(raw)
    if looks_like_ale(text):
        return tuple(_of_ale(event) for event in read_ale(text).events if event.clip or event.file or event.reel)
    try:
        rows = _rows(text)
    except csv.Error:
        return ()
    for count, (_, row) in enumerate(rows[:_HEADER_WITHIN]):
        columns = _header(row)
        if columns is not None:
            listed = (_of_row(columns, cells, line) for line, cells in rows[count + 1 :])
            return tuple(one for one in listed if one is not None)
    return ()


def _of_ale(event: Event) -> Listed:
    names = [event.clip, *(_stem(file) for file in (event.file, *event.files)), event.reel]
    known = list(dict.fromkeys(name for name in names if name))
    duration = None
    if event.source_in and event.source_out and event.base:
        try:
            duration = tc.length(event.source_in, event.source_out, event.base, event.drop) / event.base
        except tc.TimecodeError:
            duration = None
    return Listed(known[0], event.reel, duration or None, event.line, tuple(known[1:]))


def _stem(path: str | None) -> str | None:
    return re.split(r"[/\\]", path)[-1] if path else None


def _rows(text: str) -> list[tuple[int, list[str]]]:
    head = text[:8192]
    delimiter = max("\t;,", key=lambda sign: (head.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    return [(reader.line_num, [cell.strip() for cell in row]) for row in reader]


def _header(row: Sequence[str]) -> dict[str, int] | None:
    """Which column is what; None where the row is no header of a table of clips."""
    names = [_SIGNS.sub("", cell.lower()) for cell in row]
    columns = {
        field: place
        for field, known in _COLUMNS.items()
        if (place := next((names.index(name) for name in known if name in names), None)) is not None
    }
    if "clip" not in columns and {"scene", "take"} <= columns.keys():
        return columns if columns.keys() & {"reel", "duration"} else None
    beside = columns.keys() & {"reel", "duration", "seconds", "frames", "scene", "take", "rate"}
    return columns if "clip" in columns and beside else None


def _of_row(columns: Mapping[str, int], row: Sequence[str], line: int) -> Listed | None:
    def cell(field: str) -> str:
        place = columns.get(field)
        return row[place] if place is not None and place < len(row) else ""

    clip, reel = _stem(cell("clip")) or "", cell("reel") or None
    scene, take = cell("scene"), cell("take")
    of_take = f"{scene}-T{int(take):02d}" if scene and _NUMBER.fullmatch(take) else ""
    if reel and _NUMBER.fullmatch(clip):
        clip = f"C{int(clip):03d}"
    name = clip or of_take
    if not name or _NUMBER.fullmatch(name):
        return None
    others = [_stem(cell("file")) or "", of_take]
    seconds = _seconds(cell("duration"), cell("seconds"), cell("frames"), tc.exact_rate(cell("rate")))
    return Listed(name, reel, seconds, line, tuple(other for other in others if other and other != name))


def _seconds(duration: str, seconds: str, frames: str, rate: Fraction | None) -> float | None:
    """How long a clip is by whichever cell tells; a bare whole number may be anything, and is not read."""
    if clock := _CLOCK.fullmatch(duration):
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3].replace(",", "."))
    try:
        hours, minutes, whole, frame = tc.fields(duration)
        return hours * 3600 + minutes * 60 + whole + frame / (tc.nominal(rate) if rate else 25)
    except tc.TimecodeError:
        pass
    if plain := _SECONDS.fullmatch(duration) or _SECONDS.fullmatch(f"{seconds} s"):
        return float(plain[1] or plain[2])
    if frames.isascii() and frames.isdecimal() and rate:
        return float(int(frames[:12]) / rate)
    return None
