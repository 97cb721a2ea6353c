"""What do the headers of DPX, Cineon and OpenEXR frames say that MediaInfo does not pass on?

Timecode, rate, reel, and for Cineon and EXR the picture itself. DPX: SMPTE ST 268-1 (headers of 2048 bytes);
Cineon: Kodak's file format draft 4.5; EXR: the OpenEXR file layout (attributes up to a NUL). Fields that a writer
leaves undefined are all ones (DPX, Cineon), and are not facts.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from assetwatch.media.answer import clean
from assetwatch.media.rates import timecode, written
from assetwatch.media.timelines.tc import exact_rate

Read = Callable[[int, int], bytes]

Facts = dict[str, Any]

_EXR_HEADER_MAX: Final = 256 * 1024
_EXR_ATTRIBUTES_MAX: Final = 500
_EXR_PIXELS: Final = ("uint", "half", "float")
_EXR_BITS: Final = {"uint": 32, "half": 16, "float": 32}
#: As people write them; ordered as the file format numbers them.
_EXR_COMPRESSIONS: Final = (
    *("none", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "B44A", "DWAA", "DWAB"),
    *("HTJ2K256", "HTJ2K32"),
)


def read_still(read: Read) -> Facts | None:
    """What the header of a frame says, None where it is none of these. Only what is said is among the facts:

    `format`, `width`, `height`, `bit_depth`, `channels` (names), `sample_type`, `compression`, `frame_rate` (a
    fraction), `start_timecode`, `reel`, `tool`, `project`, `originated`, `camera`, `camera_serial`, `lens`,
    `data_window` (width and height), `pixel_aspect`.
    """
    head = read(0, 4)
    if head in (b"SDPX", b"XPDS"):
        facts = _dpx(read(0, 2048), ">" if head == b"SDPX" else "<")
    elif head in (b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"):
        facts = _cineon(read(0, 2048), ">" if head[0] == 0x80 else "<")
    elif head == b"\x76\x2f\x31\x01":
        facts = _exr(read(0, _EXR_HEADER_MAX))
    else:
        return None
    return {name: value for name, value in facts.items() if value is not None}


def _u32(raw: bytes, order: str, at: int) -> int | None:
    if len(raw) < at + 4:
        return None
    (value,) = struct.unpack_from(order + "I", raw, at)
    return None if value == 0xFFFFFFFF else int(value)


def _f32(raw: bytes, order: str, at: int) -> float | None:
    if _u32(raw, order, at) is None:
        return None
    (value,) = struct.unpack_from(order + "f", raw, at)
    return float(value) if math.isfinite(value) and value > 0 else None


def _ascii(raw: bytes, at: int, length: int) -> str | None:
    field = raw[at : at + length].partition(b"\0")[0]
    return None if field.strip(b"\xff") == b"" else clean(field.decode("utf-8", "replace"))


def _rate(value: float | None) -> str | None:
    # 23.976 as a 32-bit float is 23.9759998: three digits are what was meant.
    return None if value is None or value > 1000 else written(exact_rate(Fraction(f"{value:.3f}")))


def _dpx(raw: bytes, order: str) -> Facts:
    # Offsets: file 0, image 768, orientation 1408, film 1664, television 1920. The image may begin before the last two.
    raw = raw[: _u32(raw, order, 4) or 0]
    label = _u32(raw, order, 1920)
    rate = _rate(_f32(raw, order, 1940)) or _rate(_f32(raw, order, 1724))
    depth = raw[803] if len(raw) > 803 and raw[803] not in (0, 255) else None
    return {
        "format": "DPX",
        "width": _u32(raw, order, 772) or None,
        "height": _u32(raw, order, 776) or None,
        "bit_depth": depth,
        "frame_rate": rate,
        "start_timecode": None if label is None else _bcd_timecode(label),
        "tool": _ascii(raw, 160, 100),
        "originated": _ascii(raw, 136, 24),
        "project": _ascii(raw, 260, 200),
        "camera": _ascii(raw, 1556, 32),
        "camera_serial": _ascii(raw, 1588, 32),
    }


def _bcd_timecode(label: int) -> str | None:
    """The label in eight decimal digits of four bits, hours first (ST 268-1, field 59). All zero is "not set"."""
    digits = f"{label:08x}"
    if label == 0 or not digits.isdigit() or int(digits[:2]) > 23:
        return None
    return timecode(f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}:{digits[6:]}")


def _cineon(raw: bytes, order: str) -> Facts:
    # Offsets: file 0, image 192 (eight channels of 28 bytes from 196), origin 680, film 1024.
    raw = raw[: _u32(raw, order, 4) or 0]
    count = raw[193] if len(raw) > 193 else 0
    return {
        "format": "Cineon",
        "width": _u32(raw, order, 200) or None,
        "height": _u32(raw, order, 204) or None,
        "bit_depth": raw[198] if len(raw) > 198 and 0 < raw[198] < 255 else None,
        "channels": ["R", "G", "B"] if count == 3 else None,
        "frame_rate": _rate(_f32(raw, order, 1072)),
    }


def _exr(raw: bytes) -> Facts:
    facts: Facts = {"format": "EXR"}
    for name, kind, value in _attributes(raw):
        if name == "channels" and kind == "chlist":
            facts |= _channels(value)
        elif name == "dataWindow" and kind == "box2i" and len(value) == 16:
            left, top, right, bottom = struct.unpack("<4i", value)
            facts["data_window"] = [right - left + 1, bottom - top + 1]
        elif name == "displayWindow" and kind == "box2i" and len(value) == 16:
            left, top, right, bottom = struct.unpack("<4i", value)
            if right >= left and bottom >= top:
                facts["width"], facts["height"] = right - left + 1, bottom - top + 1
        elif name == "compression" and len(value) == 1 and value[0] < len(_EXR_COMPRESSIONS):
            facts["compression"] = _EXR_COMPRESSIONS[value[0]]
        elif name == "framesPerSecond" and kind == "rational" and len(value) == 8:
            top, bottom = struct.unpack("<iI", value)
            if top > 0 and bottom > 0:
                facts["frame_rate"] = written(_exact(Fraction(top, bottom)))
        elif name == "timeCode" and kind == "timecode" and len(value) == 8:
            facts["start_timecode"] = _packed_timecode(struct.unpack("<I", value[:4])[0])
        elif name == "pixelAspectRatio" and kind == "float" and len(value) == 4:
            (ratio,) = struct.unpack("<f", value)
            if math.isfinite(ratio) and 0 < ratio < 100:
                facts["pixel_aspect"] = round(float(ratio), 4)
        elif kind == "string" and (fact := _EXR_TEXTS.get(name.lower())) is not None:
            facts.setdefault(fact, clean(value.decode("utf-8", "replace")))
    return facts


#: Attributes of text, by the names of OpenEXR's standard attributes and of common writers.
_EXR_TEXTS: Final = {
    "reelname": "reel",
    "capdate": "originated",
    "software": "tool",
    "writer": "tool",
    "cameramake": "camera_make",
    "cameramodel": "camera",
    "cameraserialnumber": "camera_serial",
    "interim.clip.cameraid": "camera_serial",
    "lensmodel": "lens",
}


def _exact(rate: Fraction) -> Fraction | None:
    return rate if rate.denominator in (1, 1001) and rate <= 1000 else exact_rate(rate)


def _attributes(raw: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Name, type and value of the attributes of the first part."""
    at = 8
    for _ in range(_EXR_ATTRIBUTES_MAX):
        name_end = raw.find(b"\0", at, at + 256)
        kind_end = raw.find(b"\0", name_end + 1, name_end + 257)
        # An empty name ends the header.
        if name_end <= at or kind_end < 0 or kind_end + 5 > len(raw):
            return
        size = int.from_bytes(raw[kind_end + 1 : kind_end + 5], "little")
        start = kind_end + 5
        if start + size > len(raw):
            return
        yield (
            raw[at:name_end].decode("latin-1"),
            raw[name_end + 1 : kind_end].decode("latin-1"),
            raw[start : start + size],
        )
        at = start + size


def _channels(raw: bytes) -> Facts:
    """Names and pixel type of a channel list: each a name, NUL, then 16 bytes that begin with the type."""
    names: list[str] = []
    kinds: set[str] = set()
    at = 0
    while len(names) < 256:
        end = raw.find(b"\0", at, at + 256)
        if end <= at or end + 17 > len(raw):
            break
        kind = int.from_bytes(raw[end + 1 : end + 5], "little")
        if kind >= len(_EXR_PIXELS):
            break
        names.append(clean(raw[at:end].decode("utf-8", "replace")) or "")
        kinds.add(_EXR_PIXELS[kind])
        at = end + 17
    facts: Facts = {"channels": names} if names else {}
    if len(kinds) == 1:
        facts["sample_type"] = kinds.pop()
        facts["bit_depth"] = _EXR_BITS[facts["sample_type"]]
    return facts


_FIELD: Final = re.compile(r"[0-9]{2}")


def _packed_timecode(word: int) -> str | None:
    """OpenEXR's `timeAndFlags` in its TV60 packing: four bits a digit, bit 6 drop-frame (Imf::TimeCode)."""
    frames = f"{word >> 4 & 3:x}{word & 15:x}"
    seconds = f"{word >> 12 & 7:x}{word >> 8 & 15:x}"
    minutes = f"{word >> 20 & 7:x}{word >> 16 & 15:x}"
    hours = f"{word >> 28 & 3:x}{word >> 24 & 15:x}"
    if not all(_FIELD.fullmatch(field) for field in (frames, seconds, minutes, hours)):
        return None
    return timecode(f"{hours}:{minutes}:{seconds}:{frames}", drop=bool(word >> 6 & 1))
