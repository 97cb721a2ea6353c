"""Is the machinery at work? Ages of the last scan, event, sweep and report; the queue; whether writes are taken."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, select, update

from assetwatch.catalog import files, messages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import VolumeRow
from assetwatch.catalog.volumes import KeeperRow
from assetwatch.errors import CatalogError

#: What a volume owes its files at a certain time. What is claimed is asked of the reader, not of the clock.
_DUE: Final = ("settle", "read", "probe", "absence")


class Pulse(msgspec.Struct, frozen=True):
    """What the catalog says of the machinery. Instants in microseconds, None for what never was."""

    volumes: list[VolumeRow]
    keeper: KeeperRow | None
    first_us: int | None  #: when the first run of any kind began
    sweep_us: int | None
    report_us: int | None
    oldest_due_us: int | None  #: of the volumes that are online
    last_read_us: int | None  #: when a file's content was last recorded
    unsent: messages.Waiting
    failed: list[messages.Failed]


def pulse(connection: Connection) -> Pulse:
    """Take the pulse. Every question is answered by an index or a small table."""
    rows = volumes.all_volumes(connection)
    return Pulse(
        volumes=rows,
        keeper=volumes.latest_keeper(connection, "run"),
        first_us=connection.execute(select(t.run.c.started_us).order_by(t.run.c.id).limit(1)).scalar(),
        sweep_us=last_finished_us(connection, "verify"),
        report_us=last_finished_us(connection, "report"),
        oldest_due_us=files.next_due_us(connection, [row.id for row in rows if row.online], _DUE),
        last_read_us=connection.execute(
            select(t.version.c.recorded_us).order_by(t.version.c.id.desc()).limit(1)
        ).scalar(),
        unsent=messages.waiting(connection),
        failed=messages.failed(connection),
    )


def last_finished_us(connection: Connection, kind: str) -> int | None:
    """When a run of a kind last came to its end."""
    query = (
        select(t.run.c.finished_us)
        .where(t.run.c.kind == kind, t.run.c.finished_us.is_not(None))
        .order_by(t.run.c.started_us.desc())
        .limit(1)
    )
    found: int | None = connection.execute(query).scalar()
    return found


def write_fault(database: Database) -> str | None:
    """Why the catalog takes no writes; None where it does. Nothing is changed."""
    try:
        with database.write() as connection:
            connection.execute(update(t.volume).where(t.volume.c.id == -1).values(name=t.volume.c.name))
    except CatalogError as error:
        return str(error)
    return None
