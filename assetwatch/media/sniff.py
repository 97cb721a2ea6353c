"""Could MediaInfo say something of this file? Told from its first bytes, so that nothing is probed in vain.

A signature decides; a name alone never does. It is asked only where a signature is too short to stand alone, and for
captions, which are text like any other.
"""

from __future__ import annotations

import re
from typing import Final

#: Types of the first box of ISO/IEC 14496-12 and QuickTime files, brands of Canon CRM, CR3 and Blackmagic RAW included.
_BOXES: Final = frozenset(
    (
        *(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid", b"styp", b"moof", b"sidx"),
        *(b"PICT", b"jP  ", b"JXL ", b"jXS ", b"meta", b"prfl", b"junk", b"pdin"),
        # No boxes, but in the same place: clips of RED cameras, and a bare ProRes frame.
        *(b"RED1", b"RED2", b"icpf"),
    )
)

#: Files that are known by their first four bytes.
_FOURS: Final = frozenset(
    (
        b"\x06\x0e\x2b\x34",  # MXF: a SMPTE universal label (ST 377-1, the partition pack's key)
        *(b"RIFF", b"RF64", b"BW64", b"RIFX", b"riff", b"FORM", b"FRM8", b"DSD ", b"caff", b".snd", b"wvpk", b"MAC "),
        *(b"fLaC", b"OggS", b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b"FLV\x01", b".RMF", b"DKIF", b"YUV4", b"BBCD"),
        *(b"SDPX", b"XPDS"),  # DPX, ST 268-1
        *(b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"),  # Cineon
        b"\x76\x2f\x31\x01",  # OpenEXR
        *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"IIU\0", b"IIRO", b"FUJI"),  # TIFF and the raw stills made of it
        *(b"ARRI", b"\x89PNG", b"GIF8", b"8BPS", b"qoif", b"LEIT"),
        *(b"\xff\x4f\xff\x51", b"\xff\x10\xff\x50"),  # JPEG 2000 (ISO/IEC 15444-1) and JPEG XS codestreams
        *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),  # MPEG program stream, MPEG video
        *(b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8", b"DTSH"),  # DTS
    )
)

#: Extensions without which a two- or three-byte signature is chance.
_NAMED: Final = {
    b"\x0b\x77": frozenset(("ac3", "ec3", "eac3", "eb3", "ddp", "dd")),
    b"\x77\x0b": frozenset(("ac3", "ec3", "eac3", "eb3", "ddp", "dd")),
    b"\xff\xf0": frozenset(("aac", "adts")),
    b"\xff\xf1": frozenset(("aac", "adts")),
    b"\xff\xf8": frozenset(("aac", "adts")),
    b"\xff\xf9": frozenset(("aac", "adts")),
    b"\xff\xfa": frozenset(("mp3", "mp2", "mp1", "mpa")),
    b"\xff\xfb": frozenset(("mp3", "mp2", "mp1", "mpa")),
    b"\xff\xfc": frozenset(("mp2", "mp3", "mpa", "m2a")),
    b"\xff\xfd": frozenset(("mp2", "mp3", "mpa", "m2a")),
    b"\xff\xf2": frozenset(("mp3", "mp2", "mpa")),
    b"\xff\xf3": frozenset(("mp3", "mp2", "mpa")),
    b"BM": frozenset(("bmp", "dib")),
    b"ID": frozenset(("mp3", "mp2", "mpa", "aac")),
    b"\xff\x0a": frozenset(("jxl",)),
}

_VIDEO_STREAMS: Final = frozenset(
    ("264", "h264", "avc", "26l", "h26l", "265", "h265", "hevc", "266", "vvc", "m4v", "vc1")
)
_CAPTIONS: Final = frozenset(
    ("scc", "srt", "vtt", "mcc", "stl", "ass", "ssa", "ttml", "ttml2", "dfxp", "itt", "imsc", "xml")
)

_MXF_KEY: Final = bytes.fromhex("060e2b34020501010d0102010102")
_CUE: Final = re.compile(rb"\d\d:\d\d:\d\d[,.]\d{1,3} +--> +\d")
_TIMED_TEXT: Final = re.compile(rb"<(?:\w+:)?tt[\s>]")


def worth_probing(head: bytes, name: str) -> bool:
    """Whether MediaInfo could say something of value about a file that begins with `head`.

    `head` is the first few thousand bytes, or all there are; `name` is the file's name, with any characters.
    """
    if len(head) < 8:
        return False
    if head[:4] in _FOURS:
        return True
    if head[4:8] in _BOXES:
        size = int.from_bytes(head[:4], "big")
        return size >= 8 or size <= 1
    if head[:3] == b"\xff\xd8\xff" or head[:6] == b"\x00\x00\x00\x00\x01\xbc":  # JPEG; GXF (ST 360)
        return True
    if _is_transport_stream(head) or _is_dv(head):
        return True
    extension = name.rpartition(".")[2].lower()
    if (named := _NAMED.get(head[:2])) is not None:
        return extension in named
    if head[:3] == b"\x00\x00\x01" or head[:4] == b"\x00\x00\x00\x01":
        return extension in _VIDEO_STREAMS
    if head[4:7] == b"\xf8\x72\x6f":  # MLP and TrueHD
        return True
    if extension == "mxf":
        # Up to 64 KiB may stand before the first partition (ST 377-1, 6.5: run-in); what we see of it has to do.
        return _MXF_KEY[:11] in head
    return extension in _CAPTIONS and _is_captions(head, extension)


def _is_transport_stream(head: bytes) -> bool:
    """Sync bytes of ISO/IEC 13818-1 packets: 188 bytes, 192 with a time code before, 204 with parity behind."""
    if head[0] == 0x47:
        return _beats(head, 0, 188) or _beats(head, 0, 204)
    return head[4] == 0x47 and _beats(head, 4, 192)


def _beats(head: bytes, start: int, stride: int) -> bool:
    beats = head[start : start + 8 * stride : stride]
    return len(beats) >= 4 and beats == b"\x47" * len(beats)


def _is_dv(head: bytes) -> bool:
    """A header block followed by a subcode block (IEC 61834-2, DIF blocks of 80 bytes)."""
    return head[0] == 0x1F and head[1] & 0xF7 == 0x07 and head[2] == 0 and head[80:81] == b"\x3f"


def _is_captions(head: bytes, extension: str) -> bool:
    if extension == "stl":
        # EBU Tech 3264: code page, then the disk format, "STL25.01" or "STL30.01".
        return head[3:6] == b"STL" and head[8:11] == b".01"
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = text[2:].replace(b"\0", b"")
    text = text.lstrip()
    if extension == "scc":
        return text.startswith(b"Scenarist_SCC")
    if extension == "vtt":
        return text.startswith(b"WEBVTT")
    if extension == "mcc":
        return text.startswith(b"File Format=MacCaption_MCC")
    if extension in ("ass", "ssa"):
        return text.startswith(b"[Script Info]")
    if extension == "srt":
        return _CUE.search(text) is not None
    return text.startswith(b"<") and b"/ttml" in text and _TIMED_TEXT.search(text) is not None
