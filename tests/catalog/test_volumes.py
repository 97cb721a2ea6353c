"""Are volumes, keepers, runs and alerts kept as they were said?"""

from __future__ import annotations

import contextlib
import threading

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from assetwatch.catalog import tables, volumes
from assetwatch.catalog.engine import Database, open_database
from assetwatch.clock import FakeClock


def keeper_values(pid: int = 1) -> dict[str, object]:
    return {
        "kind": "run",
        "host": "stor-07",
        "pid": pid,
        "boot_id": "b",
        "version": "1",
        "started_us": 10,
        "beat_us": 10,
    }


def test_a_volume_is_entered_once(database: Database) -> None:
    """The same name is the same volume; its root and project follow the configuration."""
    with database.write() as connection:
        first = volumes.ensure(connection, "ingest", "/mnt/a", None)
        same = volumes.ensure(connection, "ingest", "/mnt/a", None)
        moved = volumes.ensure(connection, "ingest", "/mnt/b", "NIGHTFALL")
    assert first == same
    assert (moved.id, moved.root, moved.project) == (first.id, "/mnt/b", "NIGHTFALL")
    assert (first.online, first.keeper_id, first.ignored) == (0, None, "{}")


def test_programs_that_enter_a_volume_at_once(database: Database) -> None:
    """Two daemons that begin together with a volume of one name mean one volume, and neither fails."""
    begin = threading.Barrier(4)
    found: list[int] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            with contextlib.closing(open_database(database.url, FakeClock())) as mine:
                begin.wait()
                with mine.write() as connection:
                    found.append(volumes.ensure(connection, "ingest", "/mnt/a", None).id)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(found) == 4
    assert len(set(found)) == 1


def test_volumes_come_by_name(database: Database) -> None:
    """The order is that of the characters' numbers, on each database."""
    names = ["b", "A", "a", "B", "ä", "_", "a b", "a-b", "Z", "10", "9", "\U0001f3ac", "\uff21"]
    with database.write() as connection:
        for name in names:
            volumes.ensure(connection, name, "/mnt", None)
        assert [row.name for row in volumes.all_volumes(connection)] == sorted(names)


def test_values_of_one_volume(database: Database) -> None:
    """What is written of one volume is not written of another."""
    with database.write() as connection:
        one = volumes.ensure(connection, "one", "/mnt/1", None)
        volumes.ensure(connection, "two", "/mnt/2", None)
        volumes.set_values(connection, one.id, {"online": 1, "watches": 2**40, "last_scan_us": 2**62})
        volumes.set_values(connection, one.id, {})
        rows = volumes.all_volumes(connection)
    assert [(row.online, row.watches, row.last_scan_us) for row in rows] == [(1, 2**40, 2**62), (0, 0, None)]


def test_the_life_of_a_keeper(database: Database) -> None:
    """It begins, says what it does, and gives its volumes back when it ends of its own will."""
    with database.write() as connection:
        volume = volumes.ensure(connection, "ingest", "/mnt", None)
        first = volumes.enter_keeper(connection, keeper_values(1))
        second = volumes.enter_keeper(connection, keeper_values(2))
        volumes.set_values(connection, volume.id, {"keeper_id": second})
        volumes.beat(connection, second, 20, {"reading": ["clip \U0001f3ac.mov"]})
        beating = volumes.keeper(connection, second)
        assert beating is not None
        assert (beating.beat_us, beating.doing, beating.stopped_us) == (
            20,
            '{"reading": ["clip \U0001f3ac.mov"]}',
            None,
        )
        volumes.leave_keeper(connection, first, 25)
        assert volumes.all_volumes(connection)[0].keeper_id == second
        volumes.leave_keeper(connection, second, 30)
        latest = volumes.latest_keeper(connection, "run")
        assert latest is not None
        assert (latest.id, latest.stopped_us) == (second, 30)
        assert volumes.all_volumes(connection)[0].keeper_id is None
        assert volumes.latest_keeper(connection, "scan") is None
        assert volumes.keeper(connection, 4711) is None


def test_an_alert_is_opened_once_and_closed_once(database: Database) -> None:
    """Said again it is no news, only its text is brought up to date; closed, it can be opened anew."""
    with database.write() as connection:
        assert volumes.open_alert(connection, "offline:1", "offline", None, 10, "ingest is away")
        assert not volumes.open_alert(connection, "offline:1", "offline", None, 20, "ingest is still away")
        assert volumes.open_alert(connection, "offline:2", "offline", None, 30, "other is away")
        assert [(one.key, one.opened_us, one.text) for one in volumes.open_alerts(connection)] == [
            ("offline:1", 10, "ingest is still away"),
            ("offline:2", 30, "other is away"),
        ]
        assert volumes.close_alert(connection, "offline:1", 40)
        assert not volumes.close_alert(connection, "offline:1", 50)
        assert volumes.open_alert(connection, "offline:1", "offline", None, 60, "away again")
        assert [one.key for one in volumes.open_alerts(connection)] == ["offline:2", "offline:1"]


def test_only_one_alert_of_a_kind_is_open(database: Database) -> None:
    """The database itself holds that a condition is open once."""
    row = {"key": "k", "kind": "k", "opened_us": 1, "text": "t"}
    with database.write() as connection, pytest.raises(IntegrityError):
        connection.execute(insert(tables.alert), [row, row])
