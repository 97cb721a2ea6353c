"""What do the tags of a TIFF frame say: of its picture, and in CinemaDNG of its time?

TIFF 6.0, TIFF/EP and DNG (1.4 and later, for the tags of CinemaDNG). A camera puts a thumbnail first and the picture
into a sub-directory; the picture is the largest directory that does not call itself reduced.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from assetwatch.media.answer import clean
from assetwatch.media.rates import timecode, written
from assetwatch.media.timelines.tc import exact_rate

Read = Callable[[int, int], bytes]

Facts = dict[str, Any]
Tags = dict[int, list[int] | bytes]

_DIRECTORIES_MAX: Final = 16
_ENTRIES_MAX: Final = 500
_VALUE_MAX: Final = 4096

#: Size and struct code of the field types that are read (TIFF 6.0, section 2); ratios are two numbers.
_TYPES: Final = {
    1: (1, "B"),
    2: (1, ""),
    3: (2, "H"),
    4: (4, "I"),
    5: (8, "II"),
    7: (1, ""),
    10: (8, "ii"),
    13: (4, "I"),
}

_REDUCED, _WIDTH, _HEIGHT, _BITS, _COMPRESSION = 254, 256, 257, 258, 259
_MAKE, _MODEL, _SOFTWARE, _DATE, _SUB_DIRECTORIES = 271, 272, 305, 306, 330
_DNG_VERSION, _UNIQUE_MODEL, _SERIAL = 50706, 50708, 50735
_TIME_CODES, _FRAME_RATE, _REEL = 51043, 51044, 51081

_COMPRESSIONS: Final = {
    1: "none",
    2: "CCITT",
    5: "LZW",
    6: "JPEG",
    7: "JPEG",
    8: "ZIP",
    32946: "ZIP",
    32773: "PackBits",
}


def read_tiff(read: Read) -> Facts | None:
    """The facts, named as those of `stills.read_still`; None where it is no TIFF. Only what is said is among them."""
    head = read(0, 8)
    if len(head) < 8 or head[:4] not in (b"II*\0", b"MM\0*"):
        return None
    order = "<" if head[0] == 0x49 else ">"
    (first,) = struct.unpack(order + "I", head[4:])
    directories = _directories(read, order, first)
    if not directories:
        return {"format": "TIFF"}
    top = directories[0]
    pictures = [tags for tags in directories if not (_number(tags, _REDUCED) or 0) & 1] or directories
    picture = max(pictures, key=lambda tags: (_number(tags, _WIDTH) or 0) * (_number(tags, _HEIGHT) or 0))
    bits = picture.get(_BITS)
    facts: Facts = {
        "format": "DNG" if _DNG_VERSION in top else "TIFF",
        "width": _positive(picture, _WIDTH),
        "height": _positive(picture, _HEIGHT),
        "bit_depth": bits[0] if isinstance(bits, list) and len(set(bits)) == 1 and 0 < bits[0] <= 64 else None,
        "compression": _COMPRESSIONS.get(_number(picture, _COMPRESSION) or 0),
        "camera_make": _text(top, _MAKE),
        "camera": _text(top, _MODEL) or _text(top, _UNIQUE_MODEL),
        "camera_serial": _text(top, _SERIAL),
        "tool": _text(top, _SOFTWARE),
        "originated": _text(top, _DATE),
        "reel": _text(top, _REEL),
        "frame_rate": _rate(top.get(_FRAME_RATE)),
        "start_timecode": _timecode(top.get(_TIME_CODES)),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _directories(read: Read, order: str, first: int) -> list[Tags]:
    """The first directory, and those below it."""
    found: list[Tags] = []
    waiting = [first]
    seen: set[int] = set()
    while waiting and len(found) < _DIRECTORIES_MAX:
        offset = waiting.pop(0)
        if offset in seen or offset < 8:
            continue
        seen.add(offset)
        tags = _directory(read, order, offset)
        if tags:
            found.append(tags)
            below = tags.get(_SUB_DIRECTORIES)
            waiting += below[:_DIRECTORIES_MAX] if isinstance(below, list) else []
    return found


def _directory(read: Read, order: str, offset: int) -> Tags:
    count = read(offset, 2)
    if len(count) < 2:
        return {}
    entries = min(struct.unpack(order + "H", count)[0], _ENTRIES_MAX)
    raw = read(offset + 2, entries * 12)
    tags: Tags = {}
    for at in range(0, len(raw) - 11, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", raw, at)
        if tag not in _WANTED or kind not in _TYPES or tag in tags:
            continue
        size, code = _TYPES[kind]
        # Of a value without end the beginning has to do.
        length = min(length, _VALUE_MAX // size)
        value = raw[at + 8 : at + 8 + size * length]
        if size * length > 4:
            value = read(struct.unpack_from(order + "I", raw, at + 8)[0], size * length)
        if len(value) == size * length:
            tags[tag] = list(struct.unpack(order + code * length, value)) if code else value
    return tags


_WANTED: Final = frozenset(
    (
        *(_REDUCED, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _MAKE, _MODEL, _SOFTWARE, _DATE, _SUB_DIRECTORIES),
        *(_DNG_VERSION, _UNIQUE_MODEL, _SERIAL, _TIME_CODES, _FRAME_RATE, _REEL),
    )
)


def _number(tags: Tags, tag: int) -> int | None:
    value = tags.get(tag)
    return value[0] if isinstance(value, list) and value else None


def _positive(tags: Tags, tag: int) -> int | None:
    value = _number(tags, tag)
    return value if value is not None and value > 0 else None


def _text(tags: Tags, tag: int) -> str | None:
    value = tags.get(tag)
    return clean(value.partition(b"\0")[0].decode("utf-8", "replace")) if isinstance(value, bytes) else None


def _rate(value: list[int] | bytes | None) -> str | None:
    if not isinstance(value, list) or len(value) < 2 or value[0] <= 0 or value[1] <= 0:
        return None
    return written(exact_rate(Fraction(value[0], value[1])))


def _timecode(value: list[int] | bytes | None) -> str | None:
    """The first of the time codes: eight bytes as in SMPTE 331M, decimal digits, frames first (DNG 1.4, TimeCodes)."""
    if not isinstance(value, list) or len(value) < 8:
        return None
    frames, seconds, minutes, hours = value[0] & 0x3F, value[1] & 0x7F, value[2] & 0x7F, value[3] & 0x3F
    text = f"{hours:02x}:{minutes:02x}:{seconds:02x}:{frames:02x}"
    return timecode(text, drop=bool(value[0] & 0x40)) if text.replace(":", "").isdigit() else None
