"""Are the UMIDs and names of an MXF file read, and nothing out of what is none?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetwatch.media.mxf import read_mxf


def of(raw: bytes) -> dict[str, Any] | None:
    return read_mxf(lambda at, size: raw[at : at + size])


def klv(key: str, value: bytes) -> bytes:
    return bytes.fromhex(key) + b"\x83" + len(value).to_bytes(3, "big") + value


def local(kind: str, tag: int, uid: bytes) -> bytes:
    value = (0x3C0A).to_bytes(2, "big") + b"\x00\x10" + bytes(16) + tag.to_bytes(2, "big") + b"\x00\x20" + uid
    return klv(f"060e2b34025301010d01010101{kind}00", value)


CLIP, FILE, TAPE = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))


def mxf(*sets: bytes, run_in: bytes = b"") -> bytes:
    metadata = b"".join(sets)
    pack = bytes(32) + len(metadata).to_bytes(8, "big") + bytes(40)
    return run_in + klv("060e2b34020501010d01020101020400", pack) + metadata + bytes(1000)


SETS = (local("0137", 0x4401, TAPE), local("0136", 0x4401, CLIP), local("0123", 0x2701, FILE))


@pytest.mark.parametrize("run_in", [b"", b"RIFF" * 100])
def test_umids_of_clip_and_file(run_in: bytes) -> None:
    """The material package is the clip, the package of the essence the file; a tape's is left out."""
    assert of(mxf(*SETS, run_in=run_in)) == {"umid": CLIP.hex(), "file_umid": FILE.hex()}


def test_what_is_no_mxf() -> None:
    """Other bytes are not known to this reader; a file cut short tells what is left of it."""
    assert of(b"") is None
    assert of(b"RIFF" + bytes(4000)) is None
    whole = mxf(*SETS)
    for length in range(0, len(whole), 7):
        found = of(whole[:length])
        assert found is None or set(found) <= {"umid", "file_umid", "clip", "tape"}
    assert of(mxf(local("0136", 0x4401, bytes(32)))) == {}


def test_a_real_file(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """An MXF file of ffmpeg's has both, and they differ."""
    file = tmp_path / "a.mxf"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1", "-c:v", "mpeg2video", str(file))
    found = of(file.read_bytes())
    assert found is not None
    assert len(found["umid"]) == len(found["file_umid"]) == 64
    assert found["umid"] != found["file_umid"]


def test_names_of_clip_and_tape(tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """An editor finds the source by the tape's name: that of the package with a tape descriptor, and of no other."""
    file = tmp_path / "a.mxf"
    names = ("-metadata", "material_package_name=Take \u00e9 3", "-metadata", "reel_name=A001R1AB")
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1", "-c:v", "mpeg2video", *names, str(file))
    found = of(file.read_bytes())
    assert found is not None
    assert (found["clip"], found["tape"]) == ("Take \u00e9 3", "A001R1AB")
