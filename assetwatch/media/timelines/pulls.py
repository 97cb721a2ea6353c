"""Which plates does a pull list ask for?

A pull (turnover to VFX) names shots with the stretch of source that each needs: as an EDL, one event a plate, as an
ALE, one clip a plate, or as a table out of a spreadsheet (CSV, tab-separated, semicolons), whose columns each facility
names its own way.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.ale import looks_like_ale
from assetwatch.media.timelines.edl import looks_like_edl, read_edl
from assetwatch.media.timelines.text import decode
from assetwatch.media.timelines.values import Event, TimelineFault

# Header names without case, spaces and signs.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("plate", "platename", "element", "name", "shot", "shotname", "shotid", "vfxid", "vfxshot", "vfxname"),
    "reel": ("reel", "tape", "reelname", "tapename", "roll", "camroll", "cameraroll", "sourcereel"),
    "clip": ("clip", "clipname", "sourceclip"),
    "file": ("file", "filename", "sourcefile", "source"),
    "source_in": ("sourcein", "srcin", "tcin", "in", "start", "starttc", "sourcestart", "sourcetcin", "srctcin"),
    "source_out": ("sourceout", "srcout", "tcout", "out", "end", "endtc", "sourceend", "sourcetcout", "srctcout"),
    "first_frame": ("firstframe", "startframe", "framein", "framestart", "first"),
    "last_frame": ("lastframe", "endframe", "frameout", "frameend", "last"),
    "frames": ("frames", "duration", "length", "framecount", "dur"),
    "handle_frames": ("handles", "handle", "handleframes"),
}
_SIGNS = re.compile(r"[^a-z0-9]")
_WHOLE = re.compile(r"\s*([0-9]{1,9})(?:\.0+)?\s*(?:f|fr|frames)?\s*", re.IGNORECASE)
_FRAME_COUNTER = re.compile(r"FRMC\s+start:\s*([0-9]{1,9})\s+FRMC\s+end:\s*([0-9]{1,9})", re.IGNORECASE)
_HEADER_ROWS = 40


@dataclass(frozen=True, slots=True)
class Pull:
    """One plate that is asked for. `first_frame` and `last_frame` are file numbers, both included.

    `handle_frames` is how many at each end are handles; None: the list does not say.
    """

    name: str | None
    reel: str | None
    clip: str | None
    file: str | None
    source_in: str | None
    source_out: str | None
    first_frame: int | None
    last_frame: int | None
    frames: int | None
    handle_frames: int | None
    line: int | None


def read_pulls(raw: bytes, path: str | Path, *, frame_rate: Fraction | None = None) -> tuple[Pull, ...]:
    """The plates that the list in `raw` asks for; `path` is for messages. Raises TimelineFault and nothing else.

    A row that names neither a plate nor a source is left out.
    """
    text = decode(raw)
    if looks_like_edl(text):
        timeline = read_edl(text, frame_rate)
        return tuple(_from_event(event) for event in timeline.events if not event.generated)
    try:
        rows = _rows(text)
    except csv.Error as fault:
        raise TimelineFault(path, None, f"no table: {fault}") from None
    is_ale = looks_like_ale(text)
    for count, (_, row) in enumerate(rows[:_HEADER_ROWS]):
        columns = _header(row, is_ale)
        if columns is not None:
            below = rows[count + 1 :]
            if is_ale:
                below = [(line, cells) for line, cells in below if [cell for cell in cells if cell] != ["Data"]]
            found = [_from_row(columns, cells, line) for line, cells in below]
            return tuple(pull for pull in found if pull.name or pull.reel or pull.clip or pull.file)
    raise TimelineFault(path, None, "no pull list: neither EDL events nor a header row with a plate or reel column")


def _rows(text: str) -> list[tuple[int, list[str]]]:
    head = text[:4096]
    delimiter = max("\t;,", key=lambda sign: (head.count(sign), sign == ","))
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    for row in reader:
        rows.append((reader.line_num, [cell.strip() for cell in row]))
    return rows


def _header(row: list[str], is_ale: bool = False) -> dict[str, int] | None:
    """Which field stands in which column; None when the row is no header.

    The Name of an ALE is the clip's; a plate goes by it where no other column names it.
    """
    names = [_SIGNS.sub("", cell.lower()) for cell in row]
    columns: dict[str, int] = {}
    for field, known in _COLUMNS.items():
        first = [name for name in known if not (is_ale and name == "name")]
        place = next((names.index(name) for name in (*first, *known) if name in names), None)
        if place is not None:
            columns[field] = place
    if is_ale and "clip" not in columns and "name" in names:
        columns["clip"] = names.index("name")
    named = {"name", "reel", "clip", "file"} & columns.keys()
    return columns if named and len(columns) > 1 else None


def _from_row(columns: dict[str, int], row: list[str], line: int) -> Pull:
    def cell(field: str) -> str | None:
        place = columns.get(field)
        return (row[place] or None) if place is not None and place < len(row) else None

    def timecode(field: str) -> str | None:
        try:
            tc.fields(cell(field) or "")
        except tc.TimecodeError:
            return None
        return cell(field)

    def whole(field: str) -> int | None:
        match = _WHOLE.fullmatch(cell(field) or "")
        return int(match[1]) if match else None

    first, last = whole("first_frame"), whole("last_frame")
    return Pull(
        name=cell("name"),
        reel=cell("reel"),
        clip=cell("clip"),
        file=cell("file"),
        source_in=timecode("source_in"),
        source_out=timecode("source_out"),
        first_frame=first,
        last_frame=last,
        frames=_count(first, last, whole("frames")),
        handle_frames=whole("handle_frames"),
        line=line,
    )


def _from_event(event: Event) -> Pull:
    numbers = next((m for m in map(_FRAME_COUNTER.search, event.comments) if m), None)
    first, last = (int(numbers[1]), int(numbers[2])) if numbers else (None, None)
    return Pull(
        name=event.clip,
        reel=event.reel,
        clip=event.clip,
        file=event.file,
        source_in=event.source_in,
        source_out=event.source_out,
        first_frame=first,
        last_frame=last,
        frames=_count(first, last, _length(event)),
        handle_frames=None,
        line=event.line,
    )


def _count(first: int | None, last: int | None, otherwise: int | None) -> int | None:
    return last - first + 1 if first is not None and last is not None and last >= first else otherwise


def _length(event: Event) -> int | None:
    if event.source_in is None or event.source_out is None or event.base is None:
        return None
    try:
        return tc.length(event.source_in, event.source_out, event.base, event.drop)
    except tc.TimecodeError:
        return None
