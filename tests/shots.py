"""How do tests make real media with ffmpeg, wherever it is installed?"""

from __future__ import annotations

import shutil
import subprocess

import pytest


def ffmpeg(*arguments: str) -> None:
    """Run ffmpeg; skips the test where there is none, or none that can do it."""
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
