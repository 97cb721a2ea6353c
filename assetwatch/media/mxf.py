"""Which UMIDs and names does an MXF file tell: of its clip (material package), of itself (file package), of its tape?

MediaInfo does not pass them on, or names without what they are names of. SMPTE ST 377-1: the header partition's
metadata follows its partition pack as KLV; a package's UID is its local tag 4401, its name 4402, and an Essence
Container Data set names the file's own package by tag 2701. A source package with a tape descriptor (4701 refers to
it by its instance, 3C0A) is the tape. The UMID of a tape or of a file that this one was made from is left out: many
clips share it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

_PACK: Final = bytes.fromhex("060e2b34020501010d0102010102")
_SET: Final = bytes.fromhex("060e2b34025301010d0101010101")
_MATERIAL, _SOURCE, _TAPE, _ESSENCE_DATA = 0x36, 0x37, 0x2E, 0x23
_SETS_READ: Final = frozenset({_MATERIAL, _SOURCE, _TAPE, _ESSENCE_DATA})
_PACKAGE_UID, _LINKED_UID, _INSTANCE, _NAME, _DESCRIPTOR = 0x4401, 0x2701, 0x3C0A, 0x4402, 0x4701
_UMID_BYTES: Final = 32
_RUN_IN_MAX: Final = 65_536
#: Header metadata is kilobytes; an index or essence that is taken for it is not read.
_HEADER_MAX: Final = 8 << 20
_SETS_MAX: Final = 10_000

_Read = Callable[[int, int], bytes]


def read_mxf(read: _Read) -> dict[str, Any] | None:
    """`umid` and `file_umid` (hexadecimal), `clip` and `tape` (names), as far as told; None for what is no MXF file."""
    head = read(0, _RUN_IN_MAX + 16)
    at = head.find(_PACK)
    if at < 0 or at > _RUN_IN_MAX:
        return None
    found: dict[str, Any] = {}
    sets = list(itertools.islice(_sets(read, at), _SETS_MAX))
    tapes = {tags.get(_INSTANCE) for kind, tags in sets if kind == _TAPE}
    for kind, tags in sets:
        uid = tags.get(_LINKED_UID if kind == _ESSENCE_DATA else _PACKAGE_UID)
        if kind in (_MATERIAL, _ESSENCE_DATA) and uid is not None and len(uid) == _UMID_BYTES and any(uid):
            found.setdefault("umid" if kind == _MATERIAL else "file_umid", uid.hex())
        named = _text(tags.get(_NAME, b""))
        if named and kind == _MATERIAL:
            found.setdefault("clip", named)
        elif named and kind == _SOURCE and tags.get(_DESCRIPTOR, b"") in tapes:
            found.setdefault("tape", named)
    return found


def _text(raw: bytes) -> str:
    """UTF-16, up to its end or a zero; bytes that are none are left out."""
    return raw.decode("utf-16-be", "ignore").partition("\0")[0].strip()


def _sets(read: _Read, at: int) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The sets of the header metadata that matter here: which it is, and its local tags."""
    pack, begin = _klv(read(at, 25 + 8192), 0)
    if pack is None or len(pack) < 40:
        return
    size = int.from_bytes(pack[32:40], "big")
    raw = read(at + begin, min(size, _HEADER_MAX) + 65_536)
    place, end = 0, min(len(raw), size + 65_536)
    while place + 17 <= end:
        value, after = _klv(raw, place)
        if value is None:
            return
        key = raw[place : place + 16]
        if key[:14] == _SET and key[14] in _SETS_READ:
            yield key[14], _tags(value)
        place = after


def _klv(raw: bytes, at: int) -> tuple[bytes | None, int]:
    """The value at a place, and where the next key stands; None where it goes on beyond what was read."""
    if at + 17 > len(raw):
        return None, at
    first, begin = raw[at + 16], at + 17
    size = first
    if first & 0x80:
        count = first & 0x7F
        if not 0 < count <= 8 or begin + count > len(raw):
            return None, at
        size, begin = int.from_bytes(raw[begin : begin + count], "big"), begin + count
    if begin + size > len(raw):
        return None, at
    return raw[begin : begin + size], begin + size


def _tags(value: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(value):
        tag, size = int.from_bytes(value[place : place + 2], "big"), int.from_bytes(value[place + 2 : place + 4], "big")
        found.setdefault(tag, value[place + 4 : place + 4 + size])
        place += 4 + size
    return found
