"""What are the bytes of a small file in the catalog, a list or a report?

Footage is opened for reading only; a link is not followed and a FIFO not waited for.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache

from sqlalchemy import Connection

from assetwatch.catalog import volumes
from assetwatch.catalog.things import Thing
from assetwatch.paths import to_os

#: The largest list or report that is read.
_MOST_BYTES = 32 << 20


def bytes_of(connection: Connection, thing: Thing) -> bytes | None:
    """The bytes of a file; None where it cannot be read, or is larger than any list."""
    root = next((row.root for row in volumes.all_volumes(connection) if row.id == thing.volume_id), None)
    if root is None or thing.size > _MOST_BYTES or thing.asset[0] != "f":
        return None
    return _read(f"{to_os(root)}/{to_os(thing.path)}", thing.content)


@lru_cache(maxsize=32)
def _read(path: str, content: int) -> bytes | None:
    """Read once for each content (`content` is only there to tell them apart)."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        try:
            raw = file.read(_MOST_BYTES + 1)
        except OSError:
            return None
    return raw if len(raw) <= _MOST_BYTES else None
