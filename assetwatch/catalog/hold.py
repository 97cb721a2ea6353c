"""Who has a volume in care? One keeper a volume and catalog; the second is told who the first is."""

from __future__ import annotations

import fcntl
import os
from typing import Any

from sqlalchemy import text

from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database, explained
from assetwatch.catalog.rows import VolumeRow
from assetwatch.errors import CatalogError, HeldError
from assetwatch.units import rfc3339

#: First half of our advisory locks' keys in PostgreSQL; the second is the volume's id.
_PG_CLASS = 7241167


class Hold:
    """A volume held. Given back by `release`, or by the kernel or the server when the program ends."""

    def __init__(self, release: Any) -> None:
        self._release = release

    def release(self) -> None:
        """Let others take the volume."""
        self._release()


def hold(database: Database, volume: VolumeRow) -> Hold:
    """Take a volume in care.

    SQLite: a lock on a file beside the catalog (the catalog is on a local disk). PostgreSQL: an advisory lock of a
    session of its own. Raises HeldError naming the keeper that has it, CatalogError when no lock can be had.
    """
    release = _lock_file(database, volume) if database.path is not None else _lock_server(database, volume)
    if release is None:
        raise HeldError(f"volume {volume.name} is in the care of {_keeper(database, volume)}")
    return Hold(release)


def _lock_file(database: Database, volume: VolumeRow) -> Any:
    assert database.path is not None
    path = f"{os.path.realpath(database.path)}.volume-{volume.id}.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise CatalogError(
            f"{path}: cannot be made: {error.strerror}. The catalog's folder must be writable."
        ) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError as error:
        os.close(fd)
        raise CatalogError(
            f"{path}: cannot be locked: {error.strerror}. The catalog must be on a local disk."
        ) from error
    return lambda: os.close(fd)


def _lock_server(database: Database, volume: VolumeRow) -> Any:
    with explained(database):
        connection = database.own_connection()
        taken = connection.execute(
            text("select pg_try_advisory_lock(:class, :volume)"), {"class": _PG_CLASS, "volume": volume.id}
        ).scalar()
        if not taken:
            connection.close()
            return None
        connection.commit()
    return connection.close


def _keeper(database: Database, volume: VolumeRow) -> str:
    """The volume's keeper in words."""
    with database.read() as connection:
        now = next((one for one in volumes.all_volumes(connection) if one.id == volume.id), volume)
        keeper = None if now.keeper_id is None else volumes.keeper(connection, now.keeper_id)
    if keeper is None:
        return "another assetwatch that has just begun"
    return (
        f"`assetwatch {keeper.kind}` with process id {keeper.pid} on {keeper.host}, since {rfc3339(keeper.started_us)}"
    )
