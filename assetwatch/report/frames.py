"""Which of the files that arrived can be shown by a frame, and what does it look like?

Each file is opened, decoded and drawn by a child of its own (`frame_child`): a damaged file costs its own picture, and
a volume that hangs costs the pictures of that volume. This process never touches a volume here.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from assetwatch.child import command, environment
from assetwatch.clock import Clock
from assetwatch.paths import to_os
from assetwatch.report.frame_child import JPEG_MAX_BYTES, NO_LIBRARY, PICTURE

#: At most so many pictures in a report: with 12 kB each they leave room for the page below 2 MB.
PICTURES_MAX: Final = 24
#: A file that gives no frame is followed by the next one, up to so many tries for each picture that is wanted.
_TRIES_EACH: Final = 3

NO_EXTRA: Final = 'No frames are shown: install "assetwatch[pictures]" for them.'

#: What FFmpeg's libraries may have a frame of. Camera raw (R3D, ARRIRAW, BRAW) they cannot decode.
_SHOWN: Final = re.compile(
    r"\.(mov|mp4|m4v|mxf|mkv|webm|avi|mpe?g|m?ts|m2ts|3gp|flv|gxf|exr|dpx|tiff?|jpe?g|png|j2[ck]|jp2)$", re.IGNORECASE
)

#: How long a child that was killed may take to be gone before it is left to the kernel.
_END_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of which a frame is wanted: `key` is what the report calls it, `path` catalog text below `root`."""

    key: str
    root: str
    path: str


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames that could be had: `of` has a JPEG of at most 12 kB by key. `note` says once why there are none."""

    of: dict[str, bytes] = field(default_factory=dict)
    note: str | None = None


def may_show(path: str) -> bool:
    """Whether the name promises a picture that can be decoded."""
    return _SHOWN.search(path) is not None


def frames(
    wanted: Iterable[Wanted],
    clock: Clock,
    *,
    most: int = PICTURES_MAX,
    seconds_each: float = 10,
    seconds_all: float = 90,
) -> Frames:
    """A frame of each wanted file that has one, in that order, at most `most`.

    A file may take `seconds_each` and all of them `seconds_all`. Nothing is raised for a file: it has no picture.
    """
    found: dict[str, bytes] = {}
    hung: set[str] = set()
    until = clock.monotonic() + seconds_all
    tries = most * _TRIES_EACH
    for one in wanted:
        left = until - clock.monotonic()
        if len(found) >= most or tries <= 0 or left <= 0:
            break
        if one.root in hung or one.key in found or not may_show(one.path):
            continue
        tries -= 1
        code, jpeg = _asked(one, min(seconds_each, left))
        if code is None:
            # What makes one file wait for ever is more often its volume than itself.
            hung.add(one.root)
        elif code == NO_LIBRARY:
            return Frames(note=NO_EXTRA)
        elif code == PICTURE and 0 < len(jpeg) <= JPEG_MAX_BYTES:
            found[one.key] = jpeg
    return Frames(found)


def _asked(one: Wanted, seconds: float) -> tuple[int | None, bytes]:
    """How the child ended and what it wrote; None where it had to be killed."""
    try:
        child = subprocess.Popen(
            command("assetwatch.report.frame_child", str(int(seconds) + 1), one.root, to_os(one.path)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
    except (OSError, ValueError):
        return -1, b""
    assert child.stdout is not None
    try:
        jpeg, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_END_SECONDS)
        child.stdout.close()
        return None, b""
    return child.returncode, jpeg
