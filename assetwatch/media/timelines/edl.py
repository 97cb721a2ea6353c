"""Which events and sources does an edit decision list (CMX 3600 and its dialects) hold?

A line that cannot be read is a warning with its number, and the rest is read. What a list leaves unsaid is not
guessed: an EDL tells no frame rate, but the base that its timecodes count at can often be proved from its own sums.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from assetwatch.media.timelines import tc
from assetwatch.media.timelines.edl_lines import (
    EventLine,
    Note,
    looks_like_event,
    read_event,
    read_note,
    read_speed,
)
from assetwatch.media.timelines.sources import collect_sources
from assetwatch.media.timelines.text import lines
from assetwatch.media.timelines.values import Event, Timeline

#: Reels that stand for no picture and no sound: nothing of that name can arrive.
BLACK = frozenset({"BL", "BLK", "BLACK"})

_BASES = (24, 25, 30, 48, 50, 60, 100, 120)
_WARNINGS_MAX = 200
_SOURCE_TABLE = re.compile(r">>>\s*SOURCE\s+(?P<reel>.+?)\s{2,}(?P<rest>.*)", re.IGNORECASE)
_UMID = re.compile(r"[0-9A-Fa-f]{16,}[0-9A-Fa-f{}.:-]{8,}")


@dataclass(slots=True)
class _Draft:
    """An event while its notes are still being read."""

    line: int
    fields: EventLine
    drop: bool
    clip: str | None = None
    file: str | None = None
    umid: str | None = None
    full_reel: str | None = None
    speed: str | None = None
    extra_tracks: tuple[str, ...] = ()
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reader:
    title: str | None = None
    drop: bool | None = None
    record_drop: bool | None = None
    drafts: list[_Draft] = field(default_factory=list)
    #: The edits that the notes now being read belong to: one, or the two lines of a transition.
    outgoing: _Draft | None = None
    current: _Draft | None = None
    named: bool = False
    #: The source table at the end of the list: what it says of each reel, and the reel it speaks of now.
    table_reel: str | None = None
    umids: dict[str, str] = field(default_factory=dict)
    table_files: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def warn(self, what: str) -> None:
        if len(self.warnings) < _WARNINGS_MAX:
            self.warnings.append(what)


def looks_like_edl(text: str) -> bool:
    """Whether the text is an edit list: a title or frame-code-mode line at its head, or one readable event."""
    for count, line in enumerate(lines(text)):
        body = line.strip()
        if body.upper().startswith(("TITLE:", "FCM:")) or read_event(body) is not None:
            return True
        if count > 400:
            break
    return False


def read_edl(text: str, frame_rate: Fraction | None = None) -> Timeline:
    """The cut in `text`. `frame_rate` is what the caller knows of the show; the list itself tells none.

    Never raises: a text without one event gives a Timeline without events and a warning that says so.
    """
    reader = _Reader()
    for number, line in enumerate(lines(text), 1):
        _take(reader, number, line.strip("\ufeff\x1a\x00 \t"))
    base = tc.nominal(frame_rate) if frame_rate else _base(reader.drafts)
    events = tuple(_event(reader, draft, base) for draft in reader.drafts)
    if not events:
        reader.warn("no event could be read")
    drop = bool(reader.record_drop)
    if frame_rate is None and drop and base:
        frame_rate = Fraction(base * 1000, 1001)
    start, duration = _extent(events, base, drop)
    return Timeline(
        format="edl",
        name=reader.title or None,
        frame_rate=frame_rate,
        start=start,
        duration_frames=duration,
        events=events,
        sources=collect_sources(events),
        warnings=tuple(reader.warnings),
        base=base,
        drop=drop,
    )


def _take(reader: _Reader, number: int, line: str) -> None:
    upper = line[:40].upper()
    if not line:
        return
    if upper.startswith("TITLE:"):
        reader.title = reader.title or line[6:].strip()
    elif upper.startswith("FCM:"):
        reader.drop = "NON" not in upper and "DROP" in upper
        if reader.record_drop is None:
            reader.record_drop = reader.drop
    elif upper.startswith("AUD") and reader.current and re.fullmatch(r"AUD(\s+[0-9]{1,2})+", upper):
        reader.current.extra_tracks = tuple(f"A{int(n)}" for n in upper.split()[1:])
    elif (source := _SOURCE_TABLE.fullmatch(line)) is not None:
        umid = _UMID.search(source["rest"])
        reader.table_reel = source["reel"].strip()
        if umid:
            reader.umids.setdefault(reader.table_reel, umid.group())
    elif (speed := read_speed(line)) is not None:
        _take_speed(reader, speed.reel, speed.frames_a_second)
    elif not line.startswith("*") and (fields := read_event(line, _expected(reader))) is not None:
        _take_event(reader, number, fields)
    elif looks_like_event(line):
        reader.warn(f"line {number}: timecodes, but not readable as an event: {line[:80]}")
    elif (note := read_note(line)) is not None and note.text:
        _take_note(reader, note, line)
    elif reader.current is not None:
        reader.current.comments.append(line.lstrip("*").strip())


def _expected(reader: _Reader) -> int | None:
    written = reader.drafts[-1].fields.number if reader.drafts else None
    return int(written) + 1 if written and written.isdigit() else None


def _take_event(reader: _Reader, number: int, fields: EventLine) -> None:
    draft = _Draft(number, fields, bool(reader.drop))
    for code, name in zip(fields.timecodes, ("source in", "source out", "record in", "record out"), strict=False):
        try:
            if code:
                tc.fields(code)
        except tc.TimecodeError as fault:
            reader.warn(f"line {number}: event {fields.number or '?'}: {name}: {fault}")
    if fields.frames:
        draft.comments.append(f"SOURCE FRAMES: {fields.frames[0]}-{int(fields.frames[1]) - 1}")
    before = reader.current
    reader.outgoing = before if before and not reader.named and _is_pair(before.fields, fields) else None
    reader.current = draft
    reader.named = False
    reader.table_reel = None
    reader.drafts.append(draft)


def _is_pair(first: EventLine, second: EventLine) -> bool:
    """Whether the two lines are one transition: what goes out, then what comes in."""
    if second.kind == "cut" or first.kind != "cut" or len(first.timecodes) < 4 or len(second.timecodes) < 4:
        return False
    return first.number == second.number or first.timecodes[2:] == (second.timecodes[2],) * 2


def _take_speed(reader: _Reader, reel: str, frames_a_second: str) -> None:
    for draft in (reader.current, reader.outgoing):
        if draft is not None and (draft.fields.reel or "").split() == reel.split() and draft.speed is None:
            draft.speed = frames_a_second
            return
    if reader.current is not None and reader.current.speed is None:
        reader.current.speed = frames_a_second


def _take_note(reader: _Reader, note: Note, line: str) -> None:
    current, outgoing = reader.current, reader.outgoing
    if reader.table_reel is not None:
        if note.key == "file":
            reader.table_files.setdefault(reader.table_reel, note.text)
        return
    if current is None:
        return
    comment = line.lstrip("*").strip()
    if note.key in ("from", "to", "clip"):
        reader.named = True
        _take_clip_name(reader, current, outgoing, note, comment)
    elif note.key == "file" or (note.key == "tofile" and current.fields.kind == "cut"):
        _take_file(current, outgoing, note.text, comment)
    elif note.key == "tofile":
        if outgoing is not None and outgoing.file is None:
            outgoing.file = current.file
        current.file = note.text
    elif note.key == "umid":
        current.umid = current.umid or note.text
    elif note.key == "fullreel":
        # Final Cut shortened the reel to eight characters and tells the whole name here.
        current.full_reel = note.text
    elif note.key == "reel":
        short = (current.fields.reel or "").upper()
        if short in ("", "AX") or note.text.upper().startswith(short):
            current.full_reel = note.text
        else:
            current.comments.append(comment)


def _take_clip_name(reader: _Reader, current: _Draft, outgoing: _Draft | None, note: Note, comment: str) -> None:
    """FROM names what goes out and TO what comes in; beside a cut, FROM names the one clip that there is."""
    if note.key == "from" and outgoing is not None and (outgoing.fields.reel or "").upper() not in BLACK:
        target = outgoing if outgoing.clip is None else current
    elif note.key == "to" and current.fields.kind != "cut" and current.clip is not None:
        # FROM came first and there was no line for what goes out: it named the event before, and TO names this.
        current.comments.append(f"FROM CLIP NAME: {current.clip}")
        current.clip = note.text
        return
    elif note.key == "from" and outgoing is not None:
        outgoing.comments.append(comment)
        current.clip = current.clip or (note.text if note.text.upper() not in BLACK else None)
        return
    else:
        target = current
    if target.clip is None:
        target.clip = note.text
    elif target.clip != note.text:
        target.comments.append(comment)
        if note.key != "to":
            reader.warn(f"line {target.line}: more than one clip name; the first is used")


def _take_file(current: _Draft, outgoing: _Draft | None, name: str, comment: str) -> None:
    """Of two SOURCE FILE notes below a transition the first is of what goes out; of one, the reel decides."""
    if outgoing is not None and current.file is not None and outgoing.file is None:
        outgoing.file, current.file = current.file, name
    elif outgoing is not None and outgoing.file is None and _named_after(outgoing, name) > _named_after(current, name):
        outgoing.file = name
    elif current.file is None:
        current.file = name
    elif current.file != name:
        current.comments.append(comment)


def _named_after(draft: _Draft, file: str) -> bool:
    reel = (draft.fields.reel or "").upper()
    return reel not in ("", "AX") and file.upper().startswith(reel)


def _valid(code: str) -> str | None:
    try:
        tc.fields(code)
    except tc.TimecodeError:
        return None
    return code


def _event(reader: _Reader, draft: _Draft, base: int | None) -> Event:
    written = [_valid(code) for code in draft.fields.timecodes]
    source_in, source_out, record_in, record_out = (*written, None, None)[:4]
    for name, first, last in (("source", source_in, source_out), ("record", record_in, record_out)):
        if first and last and _length(first, last, base or 120, draft.drop) < 0:
            reader.warn(
                f"line {draft.line}: event {draft.fields.number or '?'}: {name} out {last} is before in {first}"
            )
    if base:
        for code in (source_in, source_out, record_in, record_out):
            if code and tc.fields(code)[3] >= base:
                reader.warn(f"line {draft.line}: {code} has frames beyond {base - 1}")
    reel = draft.fields.reel
    file = draft.file or reader.table_files.get(reel or "")
    speed = Fraction(draft.speed) / base if draft.speed and base else None
    return Event(
        number=draft.fields.number,
        tracks=tuple(dict.fromkeys((*draft.fields.tracks, *draft.extra_tracks))),
        kind=draft.fields.kind,
        reel=draft.full_reel or reel,
        clip=draft.clip,
        file=file,
        source_in=source_in,
        source_out=source_out,
        record_in=record_in,
        record_out=record_out,
        speed=speed,
        umid=draft.umid or reader.umids.get(reel or ""),
        comments=tuple(draft.comments),
        line=draft.line,
        base=base,
        drop=draft.drop,
        transition_frames=draft.fields.transition_frames if draft.fields.kind != "cut" else 0,
        generated=(reel or "").upper() in BLACK,
        files=(file,) if file else (),
    )


def _length(first: str, last: str, base: int, drop: bool) -> int:
    try:
        return tc.length(first, last, base, drop and tc.can_drop(base))
    except tc.TimecodeError:
        return 0


def _base(drafts: Iterable[_Draft]) -> int | None:
    """The base that the list's own sums prove, or None.

    A cut at normal speed is as long in the source as in the record. Where the two cross a different number of
    seconds, that is true of one base only, and each such event is a vote.
    """
    votes: Counter[int] = Counter()
    highest = 0
    drop = False
    for draft in drafts:
        codes = [_valid(code) for code in draft.fields.timecodes]
        if len(codes) != 4 or None in codes:
            continue
        (si, so), (ri, ro) = ([tc.fields(c or "") for c in codes[:2]], [tc.fields(c or "") for c in codes[2:]])
        highest = max(highest, si[3], so[3], ri[3], ro[3])
        drop = drop or draft.drop
        if draft.speed is not None:
            continue
        seconds = _seconds(so) - _seconds(si) - _seconds(ro) + _seconds(ri)
        frames = (ro[3] - ri[3]) - (so[3] - si[3])
        if seconds and frames % seconds == 0 and frames // seconds in _BASES:
            votes[frames // seconds] += 1
    if drop:
        return 30 if highest < 30 else 60
    base, count = max(votes.items(), key=lambda vote: vote[1], default=(0, 0))
    return base if base > highest and count * 2 > votes.total() else None


def _seconds(fields: tuple[int, int, int, int]) -> int:
    return (fields[0] * 60 + fields[1]) * 60 + fields[2]


def _extent(events: tuple[Event, ...], base: int | None, drop: bool) -> tuple[str | None, int | None]:
    """The first record timecode, and the frames from it to the last; None where the base is not known."""
    starts = [e.record_in for e in events if e.record_in]
    ends = [e.record_out for e in events if e.record_out]
    if not starts or not ends:
        return None, None
    start = min(starts, key=tc.fields)
    if base is None:
        return start, None
    try:
        return start, tc.length(start, max(ends, key=tc.fields), base, drop)
    except tc.TimecodeError:
        return start, None
