"""Which new files wait for a moment, so that a list that lies among them can say first which digests it needs?

A roll that is found whole, with its list, is read once: with the list's own digests beside the configured ones. That
takes that the list is read and judged before its files are. Who waits is a row that is due a little later, and due at
once when the list is judged (`files.read_at_once`); what is here is only until when, and losing it costs a second read.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from types import ModuleType
from typing import Final

from sqlalchemy import Connection

from assetwatch.catalog import packages
from assetwatch.ingest.listing import Seen
from assetwatch.ingest.settle import Rules, settled_us
from assetwatch.model import FileKind
from assetwatch.paths import from_os, join, split, to_os

#: A history's folder (ASC MHL 1.0, part 5).
_HISTORY: Final = "ascmhl"

#: How long files wait at the most once their list is at rest (microseconds): for any list, for each of its bytes, of
#: which a million take about a second to be judged, and for each folder whose list is to be judged before.
_ANY_US: Final = 30_000_000
_BYTE_US: Final = 2
_BEFORE_US: Final = 100_000

_HEAD_BYTES: Final = 4096


@functools.cache
def formats() -> ModuleType:
    """The module that knows the formats of lists."""
    from assetwatch.checksum.manifests import formats  # slow to import, and a volume at rest does without

    return formats


def is_list(path: str, head: bytes) -> bool:
    """Whether a file is a sender's list, from its path and first bytes."""
    if not formats().promising(path):
        return False
    known = formats().recognize(from_os(path), head)
    return known is not None and known[1] >= formats().SURE


class Awaited:
    """The folders of one volume whose lists are not judged yet, and until when their files wait."""

    def __init__(self, volume_id: int, root: str) -> None:
        self._volume_id = volume_id
        self._root = root
        self._until_us: dict[str, int] = {}

    def see(self, folder: str, entries: Iterable[Seen], folders: Iterable[str], now_us: int, rules: Rules) -> None:
        """Take note of the lists among what is new in a folder, and of a history's folder in it."""
        lists = [seen for seen in entries if self._is_list(folder, seen)]
        if lists or (_HISTORY in folders and _holds_lists(f"{self._root}/{to_os(join(folder, _HISTORY))}")):
            root = packages.root_of_list(folder)
            settled = max((settled_us(seen.ctime_ns, now_us, rules) for seen in lists), default=now_us)
            work_us = _BYTE_US * sum(seen.size for seen in lists) + _BEFORE_US * len(self._until_us)
            until_us = max(settled, now_us) + _ANY_US + work_us
            self._until_us[root] = max(until_us, self._until_us.get(root, 0))

    def sift(self, connection: Connection, now_us: int) -> None:
        """Forget the folders whose lists were judged, and those that were waited for for long enough."""
        if self._until_us:
            judged = packages.judged(connection, self._volume_id, list(self._until_us))
            self._until_us = {
                root: until for root, until in self._until_us.items() if until > now_us and root not in judged
            }

    def until_us(self, folder: str) -> int | None:
        """Until when the files of a folder wait at the most; None where they do not."""
        latest = self._until_us.get("") if self._until_us else None
        while self._until_us and folder:
            latest = max(filter(None, (latest, self._until_us.get(folder))), default=None)
            folder, _ = split(folder)
        return latest

    def _is_list(self, folder: str, seen: Seen) -> bool:
        path = join(folder, seen.name)
        if seen.kind is not FileKind.REGULAR or not formats().promising(path):
            return False
        return is_list(path, _head(f"{self._root}/{to_os(path)}"))


def _holds_lists(history: str) -> bool:
    """Whether there is a generation in a history's folder; none where it cannot be listed."""
    try:
        return any(name.endswith(".mhl") for name in os.listdir(history))
    except OSError:
        return False


def _head(path: str) -> bytes:
    """The first bytes of a file; none where it cannot be read, as is then said when it is read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.pread(fd, _HEAD_BYTES, 0)
    except OSError:
        return b""
    finally:
        os.close(fd)
