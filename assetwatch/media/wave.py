"""What does a sound file say of itself beside its samples: when it began, which scene and take, what is on its tracks?

RIFF, RF64 and BW64 (EBU Tech 3306, ITU-R BS.2088) with the chunks `bext` (EBU Tech 3285) and `iXML` (iXML 2.10 and
3.01), which MediaInfo shows in part only. The bytes are a stranger's: every read is bounded, and whatever they hold,
the outcome is what could be read of them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final

from assetwatch.media.answer import clean
from assetwatch.media.rates import written
from assetwatch.media.timelines import xmltree
from assetwatch.media.timelines.tc import exact_rate

#: Reads so many bytes at an offset; fewer at the end of the file.
Read = Callable[[int, int], bytes]

Facts = dict[str, Any]

_CHUNKS_MAX: Final = 1000
_BEXT_MAX: Final = 256 * 1024
_IXML_MAX: Final = 4 * 1024 * 1024
_TRACKS_MAX: Final = 1024
_IN_DS64: Final = 0xFFFFFFFF

#: Fixed part of `bext` (EBU Tech 3285, 2.3): 256 + 32 + 32 + 10 + 8 + 8 (time reference) + 2 (version) + 64 (UMID).
_BEXT: Final = struct.Struct("<256s32s32s10s8sQH64s")
_BEXT_HISTORY_AT: Final = 602

#: `sSCENE=12A` in the description: a letter of the maker's, then the same words as in iXML.
_SAID: Final = re.compile(r"^[a-zA-Z]?(SCENE|TAKE|TAPE|NOTE|CIRCLED|PROJECT|SPEED|TRK\d{1,2})=(.*)$", re.MULTILINE)
_SPEED: Final = re.compile(r"0*([0-9]{1,3}(?:\.[0-9]{1,3})?)\s*-?\s*(NDF?|DF?)?", re.IGNORECASE)


def read_wave(read: Read) -> Facts | None:
    """What the chunks say, None where it is no WAVE file. Only what is said is among the facts:

    `description`, `originator`, `originator_reference`, `originated` (date and time as written), `time_reference`
    (samples since midnight), `umid` (hex), `coding_history`; `project`, `scene`, `take`, `tape`, `circled`, `note`,
    `timecode_rate` (a fraction), `timecode_drop`, `timestamp_rate` (samples a second that `time_reference` counts),
    `sound_tracks` (`channel`, `name`, `function`), `family`, `family_index`, `family_total`.
    """
    head = read(0, 12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        return None
    found: dict[bytes, bytes] = {}
    for name, offset, size in _chunks(read):
        if name == b"bext" and b"bext" not in found:
            found[name] = read(offset, min(size, _BEXT_MAX))
        elif name in (b"iXML", b"IXML") and b"iXML" not in found:
            found[b"iXML"] = read(offset, min(size, _IXML_MAX))
        elif name == b"fmt " and b"fmt " not in found:
            found[name] = read(offset, min(size, 40))
        if len(found) == 3:
            break
    bext = _bext(found.get(b"bext", b""))
    # Editors that cut a recording keep `bext` right and pass `iXML` on as it was.
    facts = _description(bext.get("description")) | _ixml(found.get(b"iXML", b"")) | bext
    if len(fmt := found.get(b"fmt ", b"")) >= 8:
        facts.setdefault("timestamp_rate", int.from_bytes(fmt[4:8], "little"))
    return facts


def _chunks(read: Read) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset and size of each chunk; sizes beyond 32 bits come from `ds64`."""
    large: dict[bytes, int] = {}
    offset = 12
    for _ in range(_CHUNKS_MAX):
        head = read(offset, 8)
        if len(head) < 8:
            return
        name, size = head[:4], int.from_bytes(head[4:], "little")
        if name == b"ds64":
            large = _large_sizes(read(offset + 8, min(size, 64 * 1024)))
        elif size == _IN_DS64:
            size = large.get(name, size)
        yield name, offset + 8, size
        # Chunks begin at even offsets; the padding byte is not counted in the size.
        offset += 8 + size + (size & 1)


def _large_sizes(ds64: bytes) -> dict[bytes, int]:
    """Sizes by chunk name: riffSize, dataSize, sampleCount, then a table (EBU Tech 3306, 3.2)."""
    if len(ds64) < 16:
        return {}
    sizes = {b"data": int.from_bytes(ds64[8:16], "little")}
    for at in range(28, len(ds64) - 11, 12):
        sizes.setdefault(ds64[at : at + 4], int.from_bytes(ds64[at + 4 : at + 12], "little"))
    return sizes


def _bext(raw: bytes) -> Facts:
    if len(raw) < _BEXT.size:
        return {}
    description, originator, reference, date, time, since_midnight, version, umid = _BEXT.unpack_from(raw)
    facts: Facts = {
        "description": _latin(description),
        "originator": _latin(originator),
        "originator_reference": _latin(reference),
        "originated": " ".join(filter(None, (_latin(date), _latin(time)))) or None,
        "time_reference": since_midnight if since_midnight < 1 << 48 else None,
        "umid": _umid(umid) if version >= 1 and any(umid) else None,
        "coding_history": _latin(raw[_BEXT_HISTORY_AT:]),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _umid(raw: bytes) -> str:
    """A UMID as hex: the basic 32 bytes, or all 64 of the extended one (SMPTE ST 330)."""
    return (raw if any(raw[32:]) else raw[:32]).hex()


def _latin(raw: bytes) -> str | None:
    """A text field up to its first NUL: ASCII by the standard, UTF-8 or Windows-1252 in practice."""
    raw = raw.partition(b"\0")[0]
    try:
        return clean(raw.decode())
    except UnicodeDecodeError:
        return clean(raw.decode("cp1252", "replace"))


def _description(text: object) -> Facts:
    """The `key=value` lines that recorders put into the description."""
    facts: Facts = {}
    tracks: list[Facts] = []
    if not isinstance(text, str):
        return facts
    for key, value in _SAID.findall(text.replace("\r", "\n")):
        value = value.strip()
        if not value:
            continue
        if key.startswith("TRK"):
            tracks.append({"channel": int(key[3:]), "name": value, "function": None})
        elif key == "SPEED":
            facts |= _speed(value)
        elif key == "CIRCLED":
            facts |= _truth("circled", value)
        else:
            facts.setdefault(key.lower(), value)
    if tracks:
        facts["sound_tracks"] = tracks
    return facts


def _speed(value: str) -> Facts:
    """Rate and counting from `023.976-ND`."""
    match = _SPEED.fullmatch(value)
    rate = exact_rate(match[1]) if match else None
    if match is None or rate is None:
        return {}
    facts: Facts = {"timecode_rate": written(rate)}
    if match[2]:
        facts["timecode_drop"] = match[2].upper().startswith("D")
    return facts


def _truth(name: str, value: str | None) -> Facts:
    said = {"TRUE": True, "YES": True, "1": True, "FALSE": False, "NO": False, "0": False}.get((value or "").upper())
    return {} if said is None else {name: said}


def _ixml(raw: bytes) -> Facts:
    root = _root(raw)
    if root is None:
        return {}

    def said(*path: str) -> str | None:
        return clean(xmltree.text(root, *path))

    facts: Facts = {
        "project": said("PROJECT"),
        "scene": said("SCENE"),
        "take": said("TAKE"),
        "tape": said("TAPE"),
        "note": said("NOTE"),
        "family": said("FILE_SET", "FAMILY_UID"),
        "family_index": said("FILE_SET", "FILE_SET_INDEX"),
        "family_total": xmltree.whole(root, "FILE_SET", "TOTAL_FILES"),
        "timecode_rate": written(_rate(said("SPEED", "TIMECODE_RATE"))),
        "timestamp_rate": xmltree.whole(root, "SPEED", "TIMESTAMP_SAMPLE_RATE"),
        "time_reference": _since_midnight(root),
        "sound_tracks": _tracks(root) or None,
    }
    facts |= _truth("circled", said("CIRCLED"))
    counting = (said("SPEED", "TIMECODE_FLAG") or "").upper()
    facts["timecode_drop"] = {"DF": True, "NDF": False}.get(counting)
    return {name: value for name, value in facts.items() if value is not None}


def _root(raw: bytes) -> xmltree.Element | None:
    raw = raw.strip(b"\0 \t\r\n")
    if not raw:
        return None
    try:
        return xmltree.parse(raw)
    except xmltree.XmlFault:
        # Recorders declare UTF-8 and write the letters of their own code page, or control characters.
        text = raw.decode("cp1252", "replace")
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
        text = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
    try:
        return xmltree.parse(text.encode())
    except xmltree.XmlFault:
        return None


def _rate(said: str | None) -> Fraction | None:
    return exact_rate(said) if said else None


def _since_midnight(root: xmltree.Element) -> int | None:
    """Samples since midnight, in two halves of 32 bits (iXML, SPEED)."""
    high = xmltree.whole(root, "SPEED", "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI")
    low = xmltree.whole(root, "SPEED", "TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO")
    if low is None or not 0 <= low < 1 << 32 or not 0 <= (high or 0) < 1 << 16:
        return None
    return ((high or 0) << 32) + low


def _tracks(root: xmltree.Element) -> list[Facts]:
    listed = xmltree.child(root, "TRACK_LIST")
    if listed is None:
        return []
    return [
        {
            "channel": xmltree.whole(track, "CHANNEL_INDEX"),
            "name": clean(xmltree.text(track, "NAME")),
            "function": clean(xmltree.text(track, "FUNCTION")),
        }
        for track in xmltree.children(listed, "TRACK")[:_TRACKS_MAX]
    ]
