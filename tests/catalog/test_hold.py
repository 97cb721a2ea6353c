"""Has a volume one keeper at a time, whatever way the first one ends?"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database, open_database
from assetwatch.catalog.hold import hold
from assetwatch.catalog.rows import VolumeRow
from assetwatch.clock import FakeClock
from assetwatch.errors import CatalogError, HeldError

KEEP = """
import sys
from sqlalchemy.engine import make_url
from assetwatch.catalog import volumes
from assetwatch.catalog.engine import open_database
from assetwatch.catalog.hold import hold
from assetwatch.clock import FakeClock
database = open_database(make_url(sys.argv[1]), FakeClock())
with database.read() as connection:
    row = volumes.all_volumes(connection)[0]
kept = hold(database, row)
print("held", flush=True)
sys.stdin.read()
"""


def enter(database: Database, name: str = "ingest") -> VolumeRow:
    """A volume in the catalog."""
    with database.write() as connection:
        return volumes.ensure(connection, name, f"/mnt/{name}", None)


def enter_keeper(database: Database, volume: VolumeRow) -> None:
    """Note who has a volume in care, as a daemon does when it has it."""
    with database.write() as connection:
        keeper = volumes.enter_keeper(
            connection,
            {
                "kind": "run",
                "host": "stor-07",
                "pid": 4711,
                "boot_id": "",
                "version": "1",
                "started_us": 1_790_000_000_000_000,
                "beat_us": 1_790_000_000_000_000,
            },
        )
        volumes.set_values(connection, volume.id, {"keeper_id": keeper})


def test_the_second_is_told_who_the_first_is(database: Database) -> None:
    """A volume in care is refused to others, by the name, process and machine of its keeper."""
    volume = enter(database)
    first = hold(database, volume)
    enter_keeper(database, volume)
    with pytest.raises(
        HeldError, match=r"volume ingest is in the care of `assetwatch run`.*4711 on stor-07, since 2026-09-21"
    ):
        hold(database, volume)
    first.release()


def test_a_keeper_that_has_not_said_who_it_is(database: Database) -> None:
    """Between taking the volume and saying so there is a moment: the second is told that, too."""
    volume = enter(database)
    first = hold(database, volume)
    with pytest.raises(HeldError, match="another assetwatch that has just begun"):
        hold(database, volume)
    first.release()


def test_a_volume_given_back_can_be_taken(database: Database) -> None:
    """After the release another program's connections may have it, not only those of the same one."""
    volume = enter(database)
    for _ in range(3):
        hold(database, volume).release()
    with contextlib.closing(open_database(database.url, FakeClock())) as other:
        taken = hold(other, volume)
        with pytest.raises(HeldError):
            hold(database, volume)
        taken.release()


def test_another_volume_is_free(database: Database) -> None:
    """Each volume has its own keeper."""
    one, two = enter(database, "one"), enter(database, "two")
    first, second = hold(database, one), hold(database, two)
    first.release()
    second.release()


def test_a_keeper_that_is_killed_holds_nothing(database: Database) -> None:
    """The kernel or the server gives the volume back: there is no lock to remove by hand."""
    volume = enter(database)
    with subprocess.Popen(
        [sys.executable, "-c", KEEP, database.url.render_as_string(hide_password=False)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as keeper:
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "held\n"
        with pytest.raises(HeldError):
            hold(database, volume)
        keeper.kill()
    taken = None
    for _ in range(500):  # a server notices that a client has gone a moment later
        with contextlib.suppress(HeldError):
            taken = hold(database, volume)
            break
    assert taken is not None
    taken.release()


def test_a_catalog_by_another_name_is_the_same(tmp_path: Path) -> None:
    """A symbolic link to the catalog does not let a second daemon in."""
    path, link = tmp_path / "catalog.db", tmp_path / "sub" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    with contextlib.closing(open_database(URL.create("sqlite", database=str(path)), FakeClock())) as first:
        volume = enter(first)
        kept = hold(first, volume)
        with (
            contextlib.closing(open_database(URL.create("sqlite", database=str(link)), FakeClock())) as second,
            pytest.raises(HeldError),
        ):
            hold(second, volume)
        kept.release()


def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A lock file that cannot be opened is named, and is not taken for a volume that is held."""
    path = tmp_path / "catalog.db"
    with contextlib.closing(open_database(URL.create("sqlite", database=str(path)), FakeClock())) as database:
        volume = enter(database)
        os.mkdir(f"{path}.volume-{volume.id}.lock")
        with pytest.raises(CatalogError, match=r"volume-1\.lock.*cannot be made"):
            hold(database, volume)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_what_root_makes_belongs_to_the_folders_owner(tmp_path: Path) -> None:
    """A first `sudo assetwatch scan` leaves nothing that the service's own user cannot open."""
    folder = tmp_path / "state"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    url = URL.create("sqlite", database=str(folder / "catalog.db"))
    with contextlib.closing(open_database(url, FakeClock())) as database:
        held = hold(database, enter(database))
        owners = {file.name: file.stat().st_uid for file in folder.iterdir()}
        held.release()
    assert len(owners) >= 2
    assert set(owners.values()) == {12345}
