"""What does a file's own header say that MediaInfo does not pass on? (The table of our readers.)"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from assetwatch.media.mxf import read_mxf
from assetwatch.media.stills import read_still
from assetwatch.media.tiff import read_tiff
from assetwatch.media.wave import read_wave

Read = Callable[[int, int], bytes]

_READERS: Final[tuple[Callable[[Read], dict[str, Any] | None], ...]] = (read_wave, read_still, read_tiff, read_mxf)


def read_header(fd: int) -> dict[str, Any] | None:
    """The facts of the first reader that knows the file behind `fd`, None where none does. Raises OSError."""

    def read(offset: int, length: int) -> bytes:
        # Offsets come from the file, and the kernel takes none beyond 63 bits.
        return os.pread(fd, length, offset) if offset < 1 << 62 else b""

    for reader in _READERS:
        found = reader(read)
        if found is not None:
            return found
    return None
