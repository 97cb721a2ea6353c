"""Does each condition open its alert when it begins, keep its words in step, and close it when it is over?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, update

from assetwatch.catalog import alarms as facts
from assetwatch.catalog import deliverables, files, messages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.volumes import AlertRow
from assetwatch.clock import FakeClock
from assetwatch.config import Config, HealthSection, NotifySection, RouteSection
from assetwatch.delivery import kept
from assetwatch.delivery.link import bring_up_to_date
from assetwatch.delivery.schedule_toml import read_toml
from assetwatch.notify.alarms import Alarms
from assetwatch.notify.rooms import Room, Rooms
from assetwatch.units import microseconds
from tests.catalog.conftest import Shelf

DUE = "2026-11-24T12:00:00Z"
SCHEDULE = f"""
[[deliverable]]
id = "R1-SOUND"
name = "Reel 1 turnover"
kind = "sound-turnover"
from = "Editorial"
to = "Mix House"
due = {DUE}
grace = "2h"
proof = "none"
  [[deliverable.item]]
  name = "Picture"
  match = "SOUND/R1/*.mov"
"""


class Full(Rooms):
    """Disks that are as full as a test says."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.rooms: dict[str, Room] = {}

    def look(self, places: Any) -> dict[str, Room]:
        """As `Rooms.look`, at once."""
        return {key: self.rooms[key] for key in places if key in self.rooms}


class Desk:
    """A catalog to be filled by hand, its alarms, and a clock."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.clock = FakeClock()
        self.shelf = Shelf(database)
        self.rooms = Full(self.clock)
        self.config = config
        self.alarms = Alarms(database, config, self.clock, self.rooms)

    def look(self, after_s: float = 10.0, *, changed: bool = False) -> dict[str, AlertRow]:
        """Let time pass and look: the alerts that hold, by key."""
        self.clock.advance(after_s)
        self.alarms.look(changed=changed)
        with self.database.read() as connection:
            return {one.key: one for one in volumes.open_alerts(connection)}

    def restart(self) -> None:
        """Begin anew, as the next program does."""
        self.alarms = Alarms(self.database, self.config, self.clock, self.rooms)

    def now_us(self) -> int:
        """The present instant as the catalog has it."""
        return microseconds(self.clock.now())

    def become(self, row: Any, **values: Any) -> Any:
        """Change a file."""
        after = replace(row, **values)
        with self.database.write() as connection:
            files.change(connection, [(row, after)])
        return after


@pytest.fixture
def desk(database: Database) -> Desk:
    """On each database, without a configuration."""
    return Desk(database, Config())


@pytest.fixture
def desk_with(database: Database) -> Callable[..., Desk]:
    """With a configuration."""
    return lambda **sections: Desk(database, Config(**sections))


class TestMismatch:
    """Files that differ."""

    def test_one_alert_a_volume(self, desk: Desk) -> None:
        """Three files on one volume and one on another: two alerts, which count and name them."""
        desk.shelf.put(desk.shelf.volume("ingest"), "A/1.mov", "A/2.mov", "B/3.mov", "B/4.mov", integrity="mismatch")
        desk.shelf.put(desk.shelf.volume("vfx"), "x.exr", integrity="mismatch")
        found = desk.look()
        assert [one.text for one in found.values()] == [
            "volume ingest: 4 files differ from what was sent or recorded: A/1.mov, A/2.mov, B/3.mov and 1 more",
            "volume vfx: 1 file differs from what was sent or recorded: x.exr",
        ]
        assert [one.level for one in found.values()] == [4, 1]

    def test_one_alert_a_package(self, desk: Desk) -> None:
        """What lies in a package is told by its folder: a roll. Of packages inside one another it is the inner."""
        volume = desk.shelf.volume()
        rows = desk.shelf.put(volume, "day/A001/1.mov", "day/A001/2.mov", "other.mov", integrity="mismatch")
        with desk.database.write() as connection:
            for number, path in ((1, "day"), (2, "day/A001")):
                connection.execute(insert(t.package).values(id=number, volume_id=volume.id, path=path, found_us=1))
                for row in rows[:2]:
                    claim = {"package_id": number, "path": row.name, "key": row.name, "volume_id": volume.id}
                    connection.execute(insert(t.claim).values(**claim, file_id=row.id, verdict="mismatch", judged_us=1))
        found = desk.look()
        assert {key: one.text for key, one in found.items()} == {
            f"mismatch:{volume.id}:2": ("ingest:day/A001: 2 files differ from what was sent or recorded: 1.mov, 2.mov"),
            f"mismatch:{volume.id}": "volume ingest: 1 file differs from what was sent or recorded: other.mov",
        }

    def test_words_are_kept_in_step(self, desk: Desk) -> None:
        """More of them: the same alert with other words and a higher level; none any more: it is over."""
        volume = desk.shelf.volume()
        (first,) = desk.shelf.put(volume, "1.mov", integrity="mismatch")
        (before,) = desk.look().values()
        (second,) = desk.shelf.put(volume, "2.mov", integrity="mismatch")
        (after,) = desk.look().values()
        assert (before.id, before.level, after.level) == (after.id, 1, 2) and "2.mov" in after.text
        for row in (first, second):
            desk.become(row, integrity="verified")
        assert desk.look() == {}

    def test_one_for_another(self, desk: Desk) -> None:
        """One was mended while another one broke: the totals are the same, and it is noticed within a minute."""
        volume = desk.shelf.volume()
        one, other = desk.shelf.put(volume, "1.mov", "2.mov", integrity="recorded")
        broken = desk.become(one, integrity="mismatch")
        assert "1.mov" in next(iter(desk.look().values())).text
        desk.become(broken, integrity="recorded")
        desk.become(other, integrity="mismatch")
        desk.look()
        assert "2.mov" in next(iter(desk.look(60).values())).text

    def test_what_a_person_knows(self, desk: Desk) -> None:
        """A file that somebody acknowledged, and one that is gone, are no alarm."""
        volume = desk.shelf.volume()
        desk.shelf.put(volume, "known.mov", integrity="mismatch", known_us=1)
        desk.shelf.put(volume, "gone.mov", integrity="mismatch", presence="missing")
        assert desk.look() == {}

    def test_names_of_others(self, desk: Desk) -> None:
        """A name that is no text, or holds line ends, makes one line."""
        desk.shelf.put(desk.shelf.volume(), "a\nb//FF.mov", integrity="mismatch")
        (found,) = desk.look().values()
        assert found.text.isprintable() and "a\\nb\ufffd.mov" in found.text


class TestDisk:
    """Disks that fill up."""

    def test_nearly_full(self, desk: Desk) -> None:
        """Below the bound: an alert; above it by some: over. In between it stays what it was."""
        key = f"disk:{desk.shelf.volume().id}"
        states = []
        for free in (6, 4.9, 5.2, 5.6, 5.2):
            desk.rooms.rooms[key] = Room(10**12, round(free * 10**10))
            states.append(key in desk.look())
        assert states == [False, True, True, False, False]

    def test_words(self, desk: Desk) -> None:
        """It is told in whole per cents, which do not change with each file."""
        key = f"disk:{desk.shelf.volume().id}"
        desk.rooms.rooms[key] = Room(10**12, 31 * 10**9)
        assert desk.look()[key].text == "volume ingest is nearly full: less than 4 % of 1 TB are free"

    def test_what_cannot_be_seen_stays(self, desk: Desk) -> None:
        """After a restart, and while the volume is away, the alert stays as it was."""
        volume = desk.shelf.volume()
        key = f"disk:{volume.id}"
        desk.rooms.rooms[key] = Room(100, 1)
        assert key in desk.look()
        desk.rooms.rooms.clear()
        desk.restart()
        assert key in desk.look()

    def test_a_volume_that_is_away(self, desk: Desk) -> None:
        """What is mounted under it then is no concern of ours."""
        volume = desk.shelf.volume(online=False)
        desk.rooms.rooms[f"disk:{volume.id}"] = Room(100, 1)
        assert desk.look() == {}

    def test_off(self, desk_with: Callable[..., Desk]) -> None:
        """A bound of 0 asks nothing."""
        desk = desk_with(health=HealthSection(free=0.0))
        desk.rooms.rooms[f"disk:{desk.shelf.volume().id}"] = Room(100, 0)
        assert desk.look() == {}

    def test_fills_up(self, desk_with: Callable[..., Desk]) -> None:
        """At the pace of the last week there is no room in two days: told where it was asked for."""
        desk = desk_with(health=HealthSection(full_within="3d"))
        volume, other = desk.shelf.volume("ingest"), desk.shelf.volume("vfx")
        with desk.database.write() as connection:
            for days, free in ((3, 500), (2, 400), (1, 300), (0, 200)):
                at_us = desk.now_us() - days * 86_400_000_000
                for row, left in ((volume, free), (other, 700 - free)):
                    note = {"volume_id": row.id, "at_us": at_us, "total": 1_000, "free": left, "size": 0}
                    connection.execute(insert(t.capacity).values(**note))
        (found,) = desk.look().values()
        assert found.text == "volume ingest will be full within 3 d at the pace of the last week"

    def test_real_disks(self, tmp_path: Path) -> None:
        """The file system says what it has; a place that is not there says nothing, and keeps nobody waiting."""
        rooms = Rooms(FakeClock())
        places = {"here": str(tmp_path), "gone": str(tmp_path / "gone")}
        rooms.look(places)
        rooms.settle()
        (found,) = rooms.look(places).values()
        assert 0 <= found.free <= found.total and found.total > 0


class TestDeliverables:
    """What is owed."""

    @pytest.fixture
    def scheduled(self, desk: Desk) -> Desk:
        """One deliverable, due in a day."""
        schedule = read_toml(SCHEDULE, desk.clock.now().tzinfo)  # type: ignore[arg-type]
        with desk.database.write() as connection:
            entries = [kept.as_scheduled(one) for one in schedule.deliverables]
            deliverables.apply(connection, entries, desk.now_us())
        bring_up_to_date(desk.database, desk.clock)
        return desk

    def test_turns_late(self, scheduled: Desk) -> None:
        """Due and grace have passed, and nothing else happened: it is told, to the second."""
        assert scheduled.look() == {}
        until = timedelta(hours=26) - timedelta(seconds=10)
        assert scheduled.look(until.total_seconds()) == {}
        (found,) = scheduled.look(10).values()
        assert found.kind == "deliverable_late"
        assert found.text == "R1-SOUND from Editorial is late: 0 of 1 are here"

    def test_arrives_late(self, scheduled: Desk) -> None:
        """Once it is here it is not late any more."""
        assert scheduled.look(timedelta(days=2).total_seconds())
        (row,) = scheduled.shelf.put(scheduled.shelf.volume(), "SOUND/R1/picture.mov")
        scheduled.shelf.read(row, xxh128="0" * 32)
        bring_up_to_date(scheduled.database, scheduled.clock)
        assert scheduled.look(changed=True) == {}

    def test_a_persons_word(self, scheduled: Desk) -> None:
        """So it is when somebody waives it."""
        (late,) = scheduled.look(timedelta(days=2).total_seconds()).values()
        with scheduled.database.write() as connection:
            deliverables.decide(connection, int(late.key.partition(":")[2]), scheduled.now_us(), "me", "waive")
        assert scheduled.look() == {}

    def test_failed(self, scheduled: Desk) -> None:
        """A file of it that differs: what is wrong with it is told; mended, it is over."""
        (row,) = scheduled.shelf.put(scheduled.shelf.volume(), "SOUND/R1/picture.mov", integrity="mismatch")
        row = scheduled.shelf.read(row, xxh128="0" * 32)
        with scheduled.database.write() as connection:
            connection.execute(update(t.deliverable).values(stale=1))
        bring_up_to_date(scheduled.database, scheduled.clock)
        found = [one for one in scheduled.look(changed=True).values() if one.kind == "deliverable_failed"]
        assert [one.text for one in found] == [
            "R1-SOUND from Editorial is failed: picture.mov: other bytes than were sent"
        ]
        scheduled.become(row, integrity="recorded")
        with scheduled.database.write() as connection:
            connection.execute(update(t.deliverable).values(stale=1))
        bring_up_to_date(scheduled.database, scheduled.clock)
        assert scheduled.look(changed=True) == {}


class TestSending:
    """Word that does not get through."""

    ROUTE = NotifySection(route=(RouteSection(name="dits", to=("dit@example.com",)),))

    def _message(self, desk: Desk, route: str = "dits", **state: Any) -> int:
        with desk.database.write() as connection:
            made = messages.add(
                connection,
                made_us=desk.now_us(),
                kind="report",
                about={},
                route=route,
                place="mail",
                content=json.dumps({"subject": "x"}),
            )
            if state:
                connection.execute(update(t.message).where(t.message.c.id == made).values(**state))
        return made

    def test_fails_for_long(self, desk_with: Callable[..., Desk]) -> None:
        """A first failure is no alarm; half an hour of them is; it is over when something got through."""
        desk = desk_with(notify=self.ROUTE)
        made = self._message(desk, fault="no such host", tries=3)
        assert desk.look(600) == {}
        (found,) = desk.look(1_800).values()
        assert found.text == "word does not reach dits (mail): no such host"
        with desk.database.write() as connection:
            messages.note_sent(connection, made, desk.now_us(), "{}")
        assert desk.look(60) == {}

    def test_given_up(self, desk_with: Callable[..., Desk]) -> None:
        """What was given up is an alarm until something later got through."""
        desk = desk_with(notify=self.ROUTE)
        self._message(desk, fault="no such host", given_up_us=desk.now_us())
        assert len(desk.look()) == 1
        self._message(desk, sent_us=desk.now_us() + 1)
        assert desk.look(60) == {}

    def test_a_route_that_is_not_there_any_more(self, desk_with: Callable[..., Desk]) -> None:
        """Nobody can be reached whom the configuration no longer names: no alarm."""
        desk = desk_with(notify=self.ROUTE)
        self._message(desk, "gone", fault="x", given_up_us=desk.now_us())
        assert desk.look(3_600) == {}


class TestSweep:
    """The nightly sweep that stays away."""

    def test_overdue(self, desk: Desk) -> None:
        """Where there was one before, and none for longer than the bound; a new one ends it."""
        assert desk.look(30 * 86_400) == {}
        self._sweep(desk)
        assert desk.look(2 * 86_400) == {}
        (found,) = desk.look(86_400 + 60).values()
        assert found.text == "no sweep has ended for more than 3 d: files are not checked any more"
        self._sweep(desk)
        assert desk.look(60) == {}

    @staticmethod
    def _sweep(desk: Desk) -> None:
        with desk.database.write() as connection:
            run = {"kind": "verify", "why": "test", "host": "h", "version": "1", "started_us": desk.now_us()}
            made = volumes.begin_run(connection, run)
            volumes.end_run(connection, made, desk.now_us(), complete=True, counts={})


class TestSeveralDaemons:
    """Daemons that share a catalog, each with its volumes and its configuration."""

    @staticmethod
    def _keeper(desk: Desk, volume: Any, beat_us: int) -> int:
        keeper = {"kind": "run", "host": "h", "pid": 1, "boot_id": "", "version": "1", "started_us": 1}
        with desk.database.write() as connection:
            made = volumes.enter_keeper(connection, {**keeper, "beat_us": beat_us})
            volumes.set_values(connection, volume.id, {"keeper_id": made})
        return made

    def test_each_looks_after_its_own(self, desk: Desk) -> None:
        """Volumes are told by who has them in care; what is about none, by who began first."""
        ingest, vfx, old = (desk.shelf.volume(name) for name in ("ingest", "vfx", "old"))
        for volume in (ingest, vfx, old):
            desk.shelf.put(volume, "x.mov", integrity="mismatch")
        with desk.database.write() as connection:
            volumes.open_alert(
                connection, f"mismatch:{old.id}", "mismatch", old.id, 1, "of a volume that was taken away"
            )
        first, second = (self._keeper(desk, volume, desk.now_us() + 10_000_000) for volume in (ingest, vfx))
        TestSweep._sweep(desk)
        desk.clock.advance(4 * 86_400)
        with desk.database.write() as connection:
            for keeper in (first, second):
                volumes.beat(connection, keeper, desk.now_us(), {})
        both = [
            Alarms(desk.database, desk.config, desk.clock, desk.rooms, keeper_id=keeper) for keeper in (second, first)
        ]
        both[0].look()
        assert set(self._open(desk)) == {f"mismatch:{old.id}", f"mismatch:{vfx.id}"}
        both[1].look()
        everything = {"sweep", *(f"mismatch:{volume.id}" for volume in (ingest, vfx))}
        assert set(self._open(desk)) == everything
        for _ in range(3):
            desk.clock.advance(20)
            for alarms in both:
                alarms.look()
        with desk.database.read() as connection:
            assert len(facts.recent(connection, 0)) == 4

    def test_one_that_died(self, desk: Desk) -> None:
        """What it had in care is soon looked after by the other."""
        ingest, vfx = desk.shelf.volume("ingest"), desk.shelf.volume("vfx")
        desk.shelf.put(ingest, "x.mov", integrity="mismatch")
        self._keeper(desk, ingest, desk.now_us())
        second = self._keeper(desk, vfx, desk.now_us())
        alarms = Alarms(desk.database, desk.config, desk.clock, desk.rooms, keeper_id=second)
        alarms.look()
        assert self._open(desk) == []
        desk.clock.advance(120)
        alarms.look()
        assert self._open(desk) == [f"mismatch:{ingest.id}"]

    def test_who_is_quicker(self, desk: Desk) -> None:
        """Two find the same at the same moment: one alert."""
        with desk.database.write() as connection:
            opened = [
                volumes.open_alert(connection, "late:1", "deliverable_late", None, 1, text) for text in ("a", "b")
            ]
        assert opened == [True, False]

    @staticmethod
    def _open(desk: Desk) -> list[str]:
        with desk.database.read() as connection:
            return [one.key for one in volumes.open_alerts(connection)]


def test_alerts_of_others_are_left_alone(desk: Desk) -> None:
    """What the rooms of ingest raised they end themselves."""
    with desk.database.write() as connection:
        volumes.open_alert(connection, "offline:1", "volume_offline", None, 1, "gone")
    assert set(desk.look()) == {"offline:1"}


def test_nothing_is_written_where_nothing_changed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking costs no write."""
    desk.shelf.put(desk.shelf.volume(), "1.mov", integrity="mismatch")
    desk.look()

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(type(desk.database), "write", refuse)
    assert len(desk.look(100)) == 1
