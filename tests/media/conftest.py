"""Where do the tests of media find other people's files, and how do they make their own?"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assetwatch.clock import SystemClock
from assetwatch.media.probe import Prober


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of third-party packages with expected readings; tests that need it are skipped without it."""
    named = os.environ.get("ASSETWATCH_CORPUS")
    folder = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "corpus"
    if not (folder / "INDEX.md").is_file():
        pytest.skip(f"no corpus at {folder}: set ASSETWATCH_CORPUS")
    return folder


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    """A prober whose files may take long: the machine of the tests may be slow."""
    with Prober(time_limit_seconds=60, clock=SystemClock()) as prober:
        yield prober


class Sound:
    """WAVE files, byte by byte."""

    @staticmethod
    def chunk(name: bytes, content: bytes) -> bytes:
        """A RIFF chunk with its padding."""
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) & 1)

    @staticmethod
    def bext(
        *,
        description: bytes = b"",
        originator: bytes = b"",
        since_midnight: int = 0,
        version: int = 1,
        umid: bytes = b"",
    ) -> bytes:
        """A `bext` chunk (EBU Tech 3285)."""
        fields = (description, originator, b"REF-1", b"2026-11-23", b"09:00:00", since_midnight, version, umid)
        return Sound.chunk(b"bext", struct.pack("<256s32s32s10s8sQH64s190x", *fields))

    @staticmethod
    def wave(*chunks: bytes, rate: int = 48000, channels: int = 1, samples: int = 480, form: bytes = b"RIFF") -> bytes:
        """A WAVE file of 24-bit silence, with more chunks before its `data`."""
        fmt = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 3, channels * 3, 24)
        body = b"WAVE" + b"".join((*chunks[:1], Sound.chunk(b"fmt ", fmt), *chunks[1:]))
        body += Sound.chunk(b"data", bytes(samples * channels * 3))
        return form + struct.pack("<I", 0xFFFFFFFF if form != b"RIFF" else len(body)) + body


@pytest.fixture(scope="session")
def sound() -> type[Sound]:
    """The maker of WAVE files."""
    return Sound


@pytest.fixture(scope="session")
def ffmpeg() -> Callable[..., None]:
    """ffmpeg as a function of its arguments; it skips the test where there is none, or none that can do it."""

    def make(*arguments: str) -> None:
        program = shutil.which("ffmpeg")
        if program is None:
            try:
                from imageio_ffmpeg import get_ffmpeg_exe

                program = get_ffmpeg_exe()
            except (ImportError, RuntimeError):
                pytest.skip("no ffmpeg")
        command = [program, "-y", "-nostdin", "-loglevel", "error", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this ffmpeg cannot: {done.stderr.strip()[:200]}")

    return make
