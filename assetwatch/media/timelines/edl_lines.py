"""What does one line of an edit decision list say?

CMX 3600 and what grew out of it: File16, File32 and File128 (long reel names), CMX 340, GVG and Sony event lines,
the notes of Avid, Premiere, Resolve and Final Cut. Columns are not trusted, because programs pad them differently:
an event line is known by its timecodes, and read from the right, so that a reel name may hold spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Longer lines are read as notes: no program writes an event that long.
LINE_MAX = 2000

_TOKEN = re.compile(r"\S+")
_TIMECODE_LIKE = re.compile(
    r"[0-9A-Za-z?*]{1,3}[:;.,][0-9A-Za-z?*]{1,2}[:;.,][0-9A-Za-z?*]{1,2}[:;.,][0-9A-Za-z?*]{1,3}"
)
_NUMBER = re.compile(r"[0-9]{1,6}[A-Za-z]?")
_CHANNELS = re.compile(r"NONE|B|(?:[VA][0-9]{0,2}[/,+]?){1,24}", re.IGNORECASE)
_CHANNEL = re.compile(r"AA|[VA][0-9]{0,2}")
_TRANSITION = re.compile(r"(C|D|W[0-9]{0,3}|KB|KO|K)", re.IGNORECASE)
_OPERAND = re.compile(r"[0-9]{1,4}")
_FRAME = re.compile(r"[0-9]{1,9}")

_KINDS = {"C": "cut", "D": "dissolve", "W": "wipe", "K": "key"}


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event line's fields as written. `timecodes` are source in, source out and, where given, record in, out.

    Where the source is told in frame numbers its timecodes are empty, and `frames` has the first and the one after the
    last.
    """

    number: str | None
    reel: str | None
    tracks: tuple[str, ...]
    kind: str
    transition_frames: int
    timecodes: tuple[str, ...]
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeedLine:
    """A motion memory line (`M2`): frames a second to play the reel at, and where it starts."""

    reel: str
    frames_a_second: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note that names something: `key` is one of the constants of `_NOTES`, `text` what is named."""

    key: str
    text: str


def looks_like_event(line: str) -> bool:
    """Whether the line carries timecodes in a row as only an event does (readable as one or not)."""
    if len(line) > LINE_MAX or line.lstrip().startswith(("*", ">")):
        return False
    tokens = line.split()
    return len(tokens) > 2 and _first_timecode(tokens) is not None


def _first_timecode(tokens: list[str]) -> int | None:
    run = 0
    for place, token in enumerate(tokens):
        run = run + 1 if _TIMECODE_LIKE.fullmatch(token) else 0
        if run == 2:
            return place - 1
    return None


def read_event(line: str, expected_number: int | None = None) -> EventLine | None:
    """The event on this line, or None when it is none. `expected_number`: the number after the last event's.

    A lone number before the channels is the event number when it is the expected one (the reel is blank), and
    otherwise the reel (the number is missing).
    """
    if len(line) > LINE_MAX:
        return None
    spans = [(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(line)]
    tokens = [token for token, _, _ in spans]
    first = _first_timecode(tokens)
    if first is None:
        return None
    codes: list[str] = []
    for token in tokens[first : first + 4]:
        if not _TIMECODE_LIKE.fullmatch(token):
            break
        codes.append(token)
    place = first - 1
    counted: tuple[str, ...] = ()
    if place > 2 and len(codes) == 2 and all(map(_FRAME.fullmatch, tokens[place - 1 : place + 1])):
        counted = tuple(tokens[place - 1 : place + 1])
        codes = ["", "", *codes]
        place -= 2
    operand = None
    if place > 0 and _OPERAND.fullmatch(tokens[place]) and _is_transition(tokens, place - 1):
        operand = tokens[place]
        place -= 1
    if place < 0 or not _is_transition(tokens, place):
        return None
    if tokens[place].upper() in ("B", "O"):
        place -= 1
    kind = _KINDS[tokens[place][0].upper()]
    place -= 1
    if place < 0 or not _CHANNELS.fullmatch(tokens[place]):
        return None
    number, reel = _number_and_reel(line, spans[:place], expected_number)
    frames = int(operand) if operand and kind != "cut" else 0
    return EventLine(
        number, reel, channels(tokens[place]), kind, frames, tuple(codes if len(codes) == 4 else codes[:2]), counted
    )


def _is_transition(tokens: list[str], place: int) -> bool:
    token = tokens[place].upper()
    if token in ("B", "O") and place > 0 and tokens[place - 1].upper() == "K":
        return True
    return _TRANSITION.fullmatch(token) is not None


def _number_and_reel(
    line: str, spans: list[tuple[str, int, int]], expected_number: int | None
) -> tuple[str | None, str | None]:
    if not spans:
        return None, None
    first = spans[0][0]
    if not _NUMBER.fullmatch(first):
        return None, line[spans[0][1] : spans[-1][2]]
    if len(spans) == 1:
        if first.isdigit() and int(first) == expected_number:
            return first, None
        return None, first
    return first, line[spans[1][1] : spans[-1][2]]


def channels(text: str) -> tuple[str, ...]:
    """Tracks of a channel field: `AA/V` is A1, A2, V; `B` is A1 and V; `A2/V` is A2, V; `NONE` is none."""
    text = text.upper()
    if text == "NONE":
        return ()
    if text == "B":
        return ("V", "A1")
    found: list[str] = []
    for match in _CHANNEL.finditer(text):
        token = match.group()
        found.extend(("A1", "A2") if token == "AA" else ("A1",) if token == "A" else (token,))
    return tuple(dict.fromkeys(sorted(found, key=lambda track: track[0] != "V")))


def read_speed(line: str) -> SpeedLine | None:
    """The motion memory line, or None. `M2   REEL   -024.0   01:00:00:00`; the timecode may be missing."""
    tokens = line.split()
    if len(tokens) < 2 or tokens[0].upper() != "M2" or len(line) > LINE_MAX:
        return None
    if _TIMECODE_LIKE.fullmatch(tokens[-1]):
        tokens.pop()
    if len(tokens) < 2 or re.fullmatch(r"[+-]?[0-9]{1,5}(?:\.[0-9]{0,6})?", tokens[-1]) is None:
        return None
    return SpeedLine(" ".join(tokens[1:-1]), tokens[-1])


_NAMED = r"\s*(?::|\bIS\b)?\s*(?P<text>.*)"
_NOTES = (
    ("from", re.compile(r"FROM\s+CLIP\s+NAME" + _NAMED, re.IGNORECASE)),
    ("to", re.compile(r"TO\s+CLIP\s+NAME" + _NAMED, re.IGNORECASE)),
    ("clip", re.compile(r"(?:KEY\s+)?CLIP\s+NAME" + _NAMED, re.IGNORECASE)),
    ("tofile", re.compile(r"TO\s+(?:(?:SOURCE|MEDIA)\s+)?FILE(?:\s*NAME|\s+PATH)?\s*:\s*(?P<text>.*)", re.IGNORECASE)),
    (
        "file",
        re.compile(
            r"(?:(?:FROM\s+)?(?:(?:SOURCE|MEDIA)\s+)?FILE(?:\s*NAME|\s+PATH)?|UNC(?:\s+PATH)?)\s*:\s*(?P<text>.*)",
            re.IGNORECASE,
        ),
    ),
    ("fullreel", re.compile(r"FINAL CUT PRO REEL:\s*(?P<text>.*?)\s+REPLACED BY:.*", re.IGNORECASE)),
    ("reel", re.compile(r"(?:(?:SOURCE\s+)?(?:REEL|TAPE)(?:\s*NAME)?)\s*:\s*(?P<text>.*)", re.IGNORECASE)),
    ("umid", re.compile(r"UMID\s*:?\s*(?P<text>.*)", re.IGNORECASE)),
)


def read_note(line: str) -> Note | None:
    """What a note line names, with or without its asterisks; None for any other note (it is kept as a comment)."""
    body = line.strip().lstrip("*").strip()
    for key, pattern in _NOTES:
        match = pattern.fullmatch(body)
        if match is not None:
            return Note(key, match["text"].strip())
    return None
