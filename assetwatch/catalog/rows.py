"""What does a row of the catalog look like to the rest of the program?

Structs rather than frozen dataclasses: a scan makes millions of them, and a frozen dataclass takes eight times as long.
Those of files are none of the garbage collector's business (`gc=False`): they hold texts and numbers only.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select

from assetwatch.catalog.tables import file as file_table
from assetwatch.catalog.tables import volume as volume_table
from assetwatch.model import FileKind


class FileRow(msgspec.Struct, frozen=True, gc=False):
    """One row of `file`, in the order of its columns. See `catalog.tables` for what each one means."""

    id: int
    volume_id: int
    folder_id: int
    name: str
    kind: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    presence: str
    integrity: str
    version_id: int | None
    first_seen_us: int
    stat_since_us: int
    recorded_us: int | None
    verified_us: int | None
    checked_us: int | None
    absent_us: int | None
    due_us: int | None
    due_for: str | None
    attempts: int
    problem: str | None
    target: str | None
    series_id: int | None
    frame: int | None
    sequence_id: int | None
    known_us: int | None = None

    @property
    def counted(self) -> bool:
        """Whether it is a file in the sense of the contract; links and special files are not."""
        return self.kind == FileKind.REGULAR

    def has_stat(self, size: int, mtime_ns: int, inode: int, *, trust_inode: bool) -> bool:
        """Whether a stat gives no reason to think that the bytes differ from those this row was written for.

        ctime is left out on purpose: a chmod or a new hard link changes it, and no byte.
        """
        return self.size == size and self.mtime_ns == mtime_ns and (self.inode == inode or not trust_inode)


class VolumeRow(msgspec.Struct, frozen=True):
    """One row of `volume`, in the order of its columns."""

    id: int
    name: str
    root: str
    project: str | None
    identity: str | None
    file_system: str | None
    online: int
    reason: str | None
    changed_us: int | None
    watching: str | None
    last_event_us: int | None
    last_scan_us: int | None
    overflows: int
    watches: int
    watch_limit: int | None
    scan_wanted_us: int | None
    accepted_us: int | None
    ignored: str
    keeper_id: int | None


#: `select(*file_table.c)`, whose rows become FileRow by position.
FILES: Select[Any] = select(*file_table.c)
VOLUMES: Select[Any] = select(*volume_table.c)


def file_rows(connection: Connection, query: Select[Any], parameters: dict[str, Any] | None = None) -> list[FileRow]:
    """The rows of a query made from FILES."""
    return [FileRow(*row) for row in connection.execute(query, parameters or {})]


def volume_rows(connection: Connection, query: Select[Any] = VOLUMES) -> list[VolumeRow]:
    """The rows of a query made from VOLUMES."""
    return [VolumeRow(*row) for row in connection.execute(query)]
