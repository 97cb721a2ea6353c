"""Which clips does an Avid Log Exchange file list?

An ALE has three parts, `Heading`, `Column` and `Data`, each line split by tabs, or by commas when the heading's
FIELD_DELIM says COMMAS. Columns come in any order and number; only a few have agreed names. It is a log, not a cut:
its events have a source side only.
"""

from __future__ import annotations

import csv
import re
from fractions import Fraction

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.text import lines
from assetwatch.media.timelines.values import Event, Timeline

# Column names without case, spaces and signs: programs differ in those only.
_REEL = ("tape", "tapeid", "reel", "reelname", "camroll", "labroll")
_FILE = ("sourcefile",)
_OTHER_FILES = ("sourcefilename", "filename", "sourcepath", "sourcefilepath", "filepath", "uncpath", "unc")
_UMID = ("umid", "clipumid", "masterumid", "sourceumid", "fileumid")
_NOTES = ("scene", "take", "comments", "description", "shootdate", "soundroll", "camera")
_WARNINGS_MAX = 200
_SIGNS = re.compile(r"[^a-z0-9]")


def looks_like_ale(text: str) -> bool:
    """Whether the first line that is not blank is an ALE's `Heading`."""
    head = text[:4096].lstrip("\ufeff \t\r\n")
    return head[:7].lower() == "heading" and head[7:8] in ("", "\r", "\n", "\t", " ", ",")


def read_ale(text: str, frame_rate: Fraction | None = None) -> Timeline:
    """The clips of the log in `text`; `frame_rate` stands in where the heading has no FPS. Never raises."""
    heading: dict[str, str] = {}
    columns: list[str] = []
    events: list[Event] = []
    warnings: list[str] = []
    part = ""
    delimiter = "\t"
    base: int | None = None
    for number, line in enumerate(lines(text), 1):
        word = line.strip().lower()
        if word in ("heading", "column", "data"):
            part = word
            if part == "data":
                frame_rate = tc.exact_rate(heading.get("fps", "")) or frame_rate
                base = tc.nominal(frame_rate) if frame_rate else None
        elif not word:
            continue
        elif part == "heading":
            key, _, value = line.partition(delimiter if delimiter in line else ("\t" if "\t" in line else ","))
            heading[key.strip().lower()] = value.strip()
            if key.strip().lower() == "field_delim" and value.strip().upper().startswith("COMMA"):
                delimiter = ","
        elif part == "column":
            if not columns:
                columns = [_SIGNS.sub("", name.lower()) for name in _split(line, delimiter)]
        elif part == "data":
            cells = [cell.strip() for cell in _split(line, delimiter)]
            if len(cells) > len(columns) and any(cells[len(columns) :]) and len(warnings) < _WARNINGS_MAX:
                warnings.append(f"line {number}: {len(cells)} cells, but {len(columns)} columns")
            event = _event(dict(zip(columns, cells, strict=False)), number, base, warnings)
            if event is not None:
                events.append(event)
    if not columns:
        warnings.append("no Column part")
    elif not events:
        warnings.append("no clip could be read")
    return Timeline(
        format="ale",
        name=None,
        frame_rate=frame_rate,
        start=None,
        duration_frames=None,
        events=tuple(events),
        sources=collect_sources(events),
        warnings=tuple(warnings),
        base=base,
    )


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == "\t":
        return line.split("\t")
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return line.split(",")


def _first(row: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((row[name] for name in names if row.get(name)), None)


def _event(row: dict[str, str], line: int, base: int | None, warnings: list[str]) -> Event | None:
    name, reel = row.get("name") or None, _first(row, _REEL)
    file = _first(row, _FILE)
    files = tuple(dict.fromkeys(f for f in (file, *(row.get(column) for column in _OTHER_FILES)) if f))
    if not (name or reel or files):
        return None

    def timecode(column: str) -> str | None:
        text = row.get(column, "")
        if not text:
            return None
        try:
            tc.fields(text)
        except tc.TimecodeError as fault:
            if len(warnings) < _WARNINGS_MAX:
                warnings.append(f"line {line}: {column.capitalize()}: {fault}")
            return None
        return text

    start, end, duration = timecode("start"), timecode("end"), timecode("duration")
    drop = tc.says_drop(start or end or "")
    if start and duration and not end and base:
        try:
            end = tc.label(tc.frames(start, base) + tc.frames(duration, base, False), base, drop)
        except tc.TimecodeError as fault:
            warnings.append(f"line {line}: Duration: {fault}")
    rate = tc.exact_rate(row.get("fps", ""))
    return Event(
        tracks=_tracks(row.get("tracks", "")),
        reel=reel,
        clip=name,
        file=file,
        source_in=start,
        source_out=end,
        umid=_first(row, _UMID),
        comments=tuple(f"{key.title()}: {row[key]}" for key in _NOTES if row.get(key)),
        line=line,
        base=base or (tc.nominal(rate) if rate else None),
        drop=drop,
        files=files,
    )


def _tracks(text: str) -> tuple[str, ...]:
    """`VA1A2` and `V1A1-2` as tracks; what is none is left out."""
    found: list[str] = []
    kind = ""
    number = ""
    for sign in f"{text.upper()} ":
        if sign.isascii() and sign.isdigit() and kind and len(number) < 2:
            number += sign
            continue
        if kind:
            found.append(kind + number if kind != "A" or number else "A1")
        kind, number = (sign if sign in ("V", "A") else ""), ""
    return tuple(dict.fromkeys(found))
