"""What do the headers of frames say, DPX, Cineon, OpenEXR and TIFF?"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.stills import read_still
from assetwatch.media.tiff import read_tiff


def at(raw: bytes) -> Any:
    return lambda offset, length: raw[offset : offset + length]


def dpx(order: str = ">", *, image_at: int = 2048, timecode: int = 0x01020310) -> bytes:
    raw = bytearray(b"\xff" * 2048)
    raw[0:4] = b"SDPX" if order == ">" else b"XPDS"
    struct.pack_into(order + "I", raw, 4, image_at)
    struct.pack_into(order + "II", raw, 772, 2048, 858)
    raw[803] = 10
    raw[160:260] = b"Scanner 4.2".ljust(100, b"\0")
    raw[1588:1620] = b"SN77".ljust(32, b"\0")
    struct.pack_into(order + "I", raw, 1920, timecode)
    struct.pack_into(order + "f", raw, 1940, 23.976)
    return bytes(raw)


@pytest.mark.parametrize("order", [">", "<"])
def test_dpx(order: str) -> None:
    """Size, depth, timecode and rate, in either byte order; fields of all ones are not set."""
    assert read_still(at(dpx(order))) == {
        "format": "DPX",
        "width": 2048,
        "height": 858,
        "bit_depth": 10,
        "frame_rate": "24000/1001",
        "start_timecode": "01:02:03:10",
        "tool": "Scanner 4.2",
        "camera_serial": "SN77",
    }


def test_dpx_without_industry_headers() -> None:
    """Where the image begins right behind the generic header, its pixels are not taken for a timecode."""
    facts = read_still(at(dpx(image_at=1664)))
    assert facts is not None
    assert "start_timecode" not in facts
    assert "frame_rate" not in facts


@pytest.mark.parametrize("timecode", [0, 0xFFFFFFFF, 0x0A000000, 0x99000000])
def test_dpx_timecode_that_is_none(timecode: int) -> None:
    """A zero, an unset field, digits that are none and a 99th hour are no timecode."""
    facts = read_still(at(dpx(timecode=timecode)))
    assert facts is not None
    assert "start_timecode" not in facts


def test_cineon() -> None:
    """Size and depth come from the first channel."""
    raw = bytearray(2048)
    raw[0:8] = b"\x80\x2a\x5f\xd7\0\0\x08\0"
    raw[193], raw[198] = 3, 10
    struct.pack_into(">II", raw, 200, 2048, 1556)
    facts = read_still(at(bytes(raw)))
    assert facts == {"format": "Cineon", "width": 2048, "height": 1556, "bit_depth": 10, "channels": ["R", "G", "B"]}


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value


def exr(*attributes: bytes) -> bytes:
    return b"\x76\x2f\x31\x01\x02\0\0\0" + b"".join(attributes) + b"\0"


CHANNELS = b"".join(name + b"\0" + struct.pack("<IIII", 1, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"


def test_exr() -> None:
    """Windows, channels, rate, timecode and reel."""
    raw = exr(
        attribute("channels", "chlist", CHANNELS),
        attribute("compression", "compression", b"\x08"),
        attribute("dataWindow", "box2i", struct.pack("<4i", -10, -10, 2057, 867)),
        attribute("displayWindow", "box2i", struct.pack("<4i", 0, 0, 2047, 857)),
        attribute("framesPerSecond", "rational", struct.pack("<iI", 24000, 1001)),
        attribute("timeCode", "timecode", struct.pack("<II", 0x01020310, 0)),
        attribute("reelName", "string", b"A001R1AB"),
        attribute("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
    )
    assert read_still(at(raw)) == {
        "format": "EXR",
        "channels": ["B", "G", "R"],
        "sample_type": "half",
        "bit_depth": 16,
        "compression": "DWAA",
        "data_window": [2068, 878],
        "width": 2048,
        "height": 858,
        "frame_rate": "24000/1001",
        "start_timecode": "01:02:03:10",
        "reel": "A001R1AB",
        "pixel_aspect": 1.0,
    }


def test_exr_drop_frame() -> None:
    """Bit 6 of the time and flags marks drop-frame."""
    facts = read_still(at(exr(attribute("timeCode", "timecode", struct.pack("<II", 0x01020310 | 1 << 6, 0)))))
    assert facts == {"format": "EXR", "start_timecode": "01:02:03;10"}


def tiff(order: str, tags: list[tuple[int, int, bytes, int]], below: list[tuple[int, int, bytes, int]]) -> bytes:
    """A file of one directory, and one below it: tags as (number, type, value, count)."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    second = 8 + 2 + 12 * (len(tags) + 1) + 4
    heap_at = second + 2 + 12 * len(below) + 4
    heap = b""
    body = b""
    for directory in ([*tags, (330, 4, struct.pack(order + "I", second), 1)], below):
        body += struct.pack(order + "H", len(directory))
        for number, kind, value, count in directory:
            body += struct.pack(order + "HHI", number, kind, count)
            if len(value) <= 4:
                body += value.ljust(4, b"\0")
            else:
                body += struct.pack(order + "I", heap_at + len(heap))
                heap += value
        body += b"\0\0\0\0"
    return head + body + heap


@pytest.mark.parametrize("order", ["<", ">"])
def test_dng_of_a_cinema_camera(order: str) -> None:
    """The picture stands below the thumbnail; rate, timecode and reel are tags of their own."""
    raw = tiff(
        order,
        [
            (254, 4, struct.pack(order + "I", 1), 1),
            (256, 3, struct.pack(order + "H", 160), 1),
            (257, 3, struct.pack(order + "H", 120), 1),
            (271, 2, b"Maker\0", 6),
            (272, 2, b"Cinema 4\0", 9),
            (50706, 1, b"\1\4\0\0", 4),
            (51043, 1, bytes((0x10, 0x03, 0x02, 0x01, 0, 0, 0, 0)), 8),
            (51044, 10, struct.pack(order + "ii", 24000, 1001), 1),
            (51081, 2, b"A003\0", 5),
        ],
        [
            (254, 4, struct.pack(order + "I", 0), 1),
            (256, 4, struct.pack(order + "I", 4096), 1),
            (257, 4, struct.pack(order + "I", 2160), 1),
            (258, 3, struct.pack(order + "H", 12), 1),
        ],
    )
    assert read_tiff(at(raw)) == {
        "format": "DNG",
        "width": 4096,
        "height": 2160,
        "bit_depth": 12,
        "camera_make": "Maker",
        "camera": "Cinema 4",
        "reel": "A003",
        "frame_rate": "24000/1001",
        "start_timecode": "01:02:03:10",
    }


def test_a_directory_that_leads_to_itself_ends() -> None:
    """A sub-directory that is its own parent is read once."""
    raw = bytearray(tiff("<", [(256, 4, struct.pack("<I", 64), 1), (257, 4, struct.pack("<I", 36), 1)], []))
    struct.pack_into("<I", raw, 8 + 2 + 12 * 2 + 8, 8)
    assert read_tiff(at(bytes(raw))) == {"format": "TIFF", "width": 64, "height": 36}


@given(st.sampled_from([b"SDPX", b"XPDS", b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80", b"\x76\x2f\x31\x01"]), st.binary())
def test_no_bytes_of_a_frame_make_it_fail(magic: bytes, rest: bytes) -> None:
    """Whatever follows the magic number, the outcome is facts."""
    assert isinstance(read_still(at(magic + rest)), dict)


@given(st.data())
def test_no_damage_of_a_frame_makes_it_fail(data: st.DataObject) -> None:
    """Any bytes changed, any end missing: what can be read is read."""
    make = data.draw(st.sampled_from(["dpx", "exr", "tiff"]))
    if make == "dpx":
        raw = bytearray(dpx())
    elif make == "exr":
        raw = bytearray(
            exr(
                attribute("channels", "chlist", CHANNELS),
                attribute("framesPerSecond", "rational", struct.pack("<iI", 24, 1)),
                attribute("timeCode", "timecode", bytes(8)),
                attribute("displayWindow", "box2i", bytes(16)),
            )
        )
    else:
        raw = bytearray(
            tiff("<", [(256, 4, b"\1\0\0\0", 1), (51044, 10, b"\1\0\0\0\1\0\0\0", 1)], [(258, 3, b"\1", 1)])
        )
    for _ in range(data.draw(st.integers(0, 6))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(8, len(raw)))]
    reader = read_tiff if make == "tiff" else read_still
    assert isinstance(reader(at(bytes(raw))), dict)


def test_other_files_say_nothing() -> None:
    """None for what is none of these formats."""
    assert read_still(at(b"\x89PNG\r\n\x1a\n")) is None
    assert read_tiff(at(b"II+\0\x08\0\0\0")) is None
