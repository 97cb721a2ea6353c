"""Who has a volume in care? One keeper a volume and catalog; the second is told who the first is."""

from __future__ import annotations

import fcntl
import json
import os
from typing import Any

from sqlalchemy import text

from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database, explained, give_to_folder
from assetwatch.catalog.rows import VolumeRow
from assetwatch.errors import CatalogError, HeldError
from assetwatch.units import rfc3339

#: First half of our advisory locks' keys in PostgreSQL, by what a volume is held for; the second is the volume's id.
_PG_CLASS = {"care": 7241167, "check": 7241168}


class Hold:
    """A volume held. Given back by `release`, or by the kernel or the server when the program ends."""

    def __init__(self, release: Any) -> None:
        self._release = release

    def release(self) -> None:
        """Let others take the volume."""
        self._release()


def hold(database: Database, volume: VolumeRow, purpose: str = "care") -> Hold:
    """Take a volume in `care`, or to `check` it: a keeper and a sweep work side by side, two of a kind do not.

    SQLite: a lock on a file beside the catalog (the catalog is on a local disk). PostgreSQL: an advisory lock of a
    session of its own. Raises HeldError naming the keeper that has it, CatalogError when no lock can be had.
    """
    lock = _lock_file if database.path is not None else _lock_server
    release = lock(database, volume, purpose)
    if release is None and purpose == "check":
        raise HeldError(f"volume {volume.name} is being checked by {_checker(database, volume)}")
    if release is None:
        raise HeldError(f"volume {volume.name} is in the care of {_keeper(database, volume)}")
    return Hold(release)


def _lock_file(database: Database, volume: VolumeRow, purpose: str) -> Any:
    assert database.path is not None
    kind = "" if purpose == "care" else f"-{purpose}"
    path = f"{os.path.realpath(database.path)}.volume-{volume.id}{kind}.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise CatalogError(
            f"{path}: cannot be made: {error.strerror}. The catalog's folder must be writable."
        ) from error
    give_to_folder(fd, path)
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


def _lock_server(database: Database, volume: VolumeRow, purpose: str) -> Any:
    with explained(database):
        connection = database.own_connection()
        taken = connection.execute(
            text("select pg_try_advisory_lock(:class, :volume)"), {"class": _PG_CLASS[purpose], "volume": volume.id}
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
    return _in_words(keeper)


def _checker(database: Database, volume: VolumeRow) -> str:
    """The sweep that has the volume, in words."""
    with database.read() as connection:
        running = volumes.running_keepers(connection, "verify")
    return _in_words(next((one for one in running if volume.id in json.loads(one.doing).get("volumes", [])), None))


def _in_words(keeper: volumes.KeeperRow | None) -> str:
    if keeper is None:
        return "another assetwatch that has just begun"
    return (
        f"`assetwatch {keeper.kind}` with process id {keeper.pid} on {keeper.host}, since {_minute(keeper.started_us)}"
    )


def _minute(us: int) -> str:
    """An instant for a sentence, where the show's time zone is not known."""
    return f"{(rfc3339(us) or '')[:16].replace('T', ' ')} UTC"
