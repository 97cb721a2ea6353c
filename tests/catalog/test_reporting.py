"""Do the questions of a report give what the rows say, on each database?"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, insert, select

from assetwatch.catalog import contents, files, reporting, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.rows import VolumeRow

from .conftest import Shelf

DAY_US = 86_400_000_000
NOON_US = 1_800_000_000_000_000


def _observe(shelf: Shelf, volume: VolumeRow, *told: tuple[int, str, int | None]) -> None:
    rows = [
        {"at_us": at_us, "what": what, "volume_id": volume.id, "file_id": file_id, "detail": {"from": "old/name"}}
        for at_us, what, file_id in told
    ]
    with shelf.database.write() as connection:
        files.observe(connection, rows)


class TestArrived:
    """What was first seen in a range."""

    def test_by_folder_and_state(self, shelf: Shelf) -> None:
        """Files are counted by folder, presence and integrity, with their bytes and the first and last look."""
        volume = shelf.volume()
        shelf.put(volume, "A/one.mov", first_seen_us=NOON_US, size=5)
        shelf.put(volume, "A/two.mov", first_seen_us=NOON_US + 10, size=7)
        shelf.put(volume, "B/three.mov", first_seen_us=NOON_US + 20, size=11, integrity="verified")
        with shelf.database.read() as connection:
            found = reporting.arrived(connection, NOON_US - 1, NOON_US + 20)
        assert [
            (one.path, one.presence, one.integrity, one.files, one.size, one.first_us, one.last_us) for one in found
        ] == [
            ("A", "present", "recorded", 2, 12, NOON_US, NOON_US + 10),
            ("B", "present", "verified", 1, 11, NOON_US + 20, NOON_US + 20),
        ]

    def test_range_is_after_and_up_to(self, shelf: Shelf) -> None:
        """Who is first seen at the beginning of a range was told by the report before; at its end, by this one."""
        volume = shelf.volume()
        shelf.put(volume, "begin.mov", first_seen_us=NOON_US)
        shelf.put(volume, "end.mov", first_seen_us=NOON_US + 5)
        shelf.put(volume, "after.mov", first_seen_us=NOON_US + 6)
        with shelf.database.read() as connection:
            (found,) = reporting.arrived(connection, NOON_US, NOON_US + 5)
        assert (found.files, found.first_us) == (1, NOON_US + 5)

    def test_links_are_no_files(self, shelf: Shelf) -> None:
        """A symbolic link did not arrive."""
        shelf.put(shelf.volume(), "link.mov", first_seen_us=NOON_US, kind="symlink")
        with shelf.database.read() as connection:
            assert reporting.arrived(connection, 0, NOON_US) == []

    def test_between_bounds(self, shelf: Shelf) -> None:
        """Each bound opens a span that its own instant belongs to."""
        volume = shelf.volume()
        for number, seen in enumerate((NOON_US, NOON_US + 1, NOON_US + DAY_US)):
            shelf.put(volume, f"{number}.mov", first_seen_us=seen, size=10)
        with shelf.database.read() as connection:
            found = reporting.arrived_between(
                connection, [NOON_US - DAY_US, NOON_US, NOON_US + DAY_US, NOON_US + 2 * DAY_US]
            )
        assert found == [(0, 0), (2, 20), (1, 10)]

    def test_pictures(self, shelf: Shelf) -> None:
        """Files with a picture that came in the range, by name, and the first frame of a sequence; sound is none."""
        volume = shelf.volume()
        facts = json.dumps({"video": [{"codec": "ProRes"}], "audio": []})
        rows = shelf.put(volume, "A/b.mov", "A/a.mov", "A/sound.wav", first_seen_us=NOON_US)
        shelf.read(rows[0], facts)
        shelf.read(rows[1], facts)
        shelf.read(rows[2], json.dumps({"video": [], "audio": [{}]}))
        (old,) = shelf.put(volume, "A/old.mov", first_seen_us=1)
        shelf.read(old, facts)
        frames = shelf.sequence(volume, "A", "plate.", 1001, 1003, first_seen_us=NOON_US)
        shelf.read(frames[0], facts)
        shelf.read(frames[1], facts)
        with shelf.database.read() as connection:
            found = reporting.with_pictures(connection, [rows[0].folder_id], NOON_US - 1, 9)
        assert found == [("A", "plate.1001.exr"), ("A", "a.mov"), ("A", "b.mov")]

    def test_no_more_pictures_than_asked_for(self, shelf: Shelf) -> None:
        """`most` bounds them."""
        volume = shelf.volume()
        for row in shelf.put(volume, "A/a.mov", "A/b.mov", "B/c.mov", first_seen_us=NOON_US):
            shelf.read(row, json.dumps({"video": [{}]}))
        with shelf.database.read() as connection:
            assert len(reporting.with_pictures(connection, list(shelf._folders.values()), 0, 2)) == 2


class TestNoticed:
    """What happened to files that were known."""

    def test_counts_and_worst(self, shelf: Shelf) -> None:
        """Counts are of the range; the worst come first, the latest of a kind before the others."""
        volume = shelf.volume()
        one, two = shelf.put(volume, "A/one.mov", "A/two.mov")
        _observe(
            shelf,
            volume,
            (NOON_US, "missing", one.id),
            (NOON_US + 1, "moved", two.id),
            (NOON_US + 2, "mismatch", one.id),
            (NOON_US + 3, "mismatch", two.id),
            (NOON_US + 4, "verified", two.id),
            (NOON_US + 9, "missing", two.id),
        )
        with shelf.database.read() as connection:
            counts = reporting.noticed_counts(connection, NOON_US - 1, NOON_US + 4)
            worst = reporting.noticed_worst(connection, NOON_US - 1, NOON_US + 4, 3)
        assert counts == {"missing": 1, "moved": 1, "mismatch": 2, "verified": 1}
        assert [(found.what, found.path) for found in worst] == [
            ("mismatch", "A/two.mov"),
            ("mismatch", "A/one.mov"),
            ("missing", "A/one.mov"),
        ]

    def test_acknowledged_and_transformed(self, shelf: Shelf) -> None:
        """What a person knows of is counted by what is wrong; what came under another name as declared is no loss."""
        volume = shelf.volume()
        shelf.put(volume, "bad.mov", "worse.mov", integrity="mismatch", known_us=5)
        shelf.put(volume, "gone.mov", presence="missing", integrity="mismatch", known_us=5)
        shelf.put(volume, "news.mov", integrity="mismatch")
        shelf.put(volume, "x.ari", presence="missing", problem="came as x.arx, as declared")
        with shelf.database.read() as connection:
            assert reporting.acknowledged(connection) == {"mismatch": 2, "missing": 1}
            assert reporting.transformed(connection) == 1

    def test_probe_failures(self, shelf: Shelf) -> None:
        """Media that could not be read in the range, the most first; what is no media is no failure."""
        rows = shelf.put(shelf.volume(), *(f"{number}.mov" for number in range(6)))
        statuses = ["crashed", "timed_out", "timed_out", "not_media", "ok", "crashed"]
        probed = [NOON_US] * 5 + [1]
        for row, status, at_us in zip(rows, statuses, probed, strict=True):
            version = shelf.read(row).version_id
            media: dict[str, Any] = {"version_id": version, "status": status, "facts": None, "answer": None}
            with shelf.database.write() as connection:
                tool = {"tool": "MediaInfo", "tool_version": "26", "probed_us": at_us, "reason": None}
                contents.set_media(connection, [{**media, **tool}])
        with shelf.database.read() as connection:
            assert reporting.probe_failures(connection, 1, NOON_US) == [("timed_out", 2), ("crashed", 1)]


def test_by_check(shelf: Shelf) -> None:
    """Each file that is not missing is in one band: by its last check, or by why it has none."""
    volume = shelf.volume()
    edges = [("day", NOON_US - DAY_US), ("week", NOON_US - 7 * DAY_US)]
    shelf.put(volume, "fresh.mov", version_id=1, checked_us=NOON_US, size=1)
    shelf.put(volume, "edge.mov", version_id=1, checked_us=NOON_US - DAY_US, size=2)
    shelf.put(volume, "week.mov", version_id=1, checked_us=NOON_US - 2 * DAY_US, size=4)
    shelf.put(volume, "old.mov", version_id=1, checked_us=1, size=8)
    shelf.put(volume, "arrival.mov", version_id=1, size=16)
    shelf.put(volume, "bad.mov", version_id=1, checked_us=NOON_US, integrity="mismatch", size=32)
    shelf.put(volume, "new.mov", integrity="pending", presence="arriving", size=64)
    shelf.put(volume, "gone.mov", version_id=1, presence="missing", size=128)
    with shelf.database.read() as connection:
        found = reporting.by_check(connection, edges)
    assert found == {
        "day": (2, 3),
        "week": (1, 4),
        "older": (1, 8),
        "arrival": (1, 16),
        "failed": (1, 32),
        "never": (1, 64),
    }


class TestDaemon:
    """Starts, and ends without a word."""

    @staticmethod
    def _keeper(shelf: Shelf, started_us: int, beat_us: int, stopped_us: int | None) -> None:
        with shelf.database.write() as connection:
            identity = volumes.enter_keeper(
                connection,
                {
                    "kind": "run",
                    "host": "h",
                    "pid": 1,
                    "boot_id": "b",
                    "version": "1",
                    "started_us": started_us,
                    "beat_us": beat_us,
                },
            )
            if stopped_us is not None:
                volumes.leave_keeper(connection, identity, stopped_us)

    def test_starts_and_crashes(self, shelf: Shelf) -> None:
        """One that was stopped, one that died in the range, and one that runs: three starts, one crash."""
        self._keeper(shelf, 5, 6, 7)
        self._keeper(shelf, NOON_US + 1, NOON_US + 2, NOON_US + 3)
        self._keeper(shelf, NOON_US + 4, NOON_US + 5, None)
        self._keeper(shelf, NOON_US + 6, NOON_US + 7, None)
        with shelf.database.read() as connection:
            assert reporting.daemon_starts(connection, NOON_US, NOON_US + 9) == (3, 1)


class TestReportBefore:
    """The report that is compared with."""

    @staticmethod
    def _report(shelf: Shelf, finished_us: int, *, complete: bool = True) -> int:
        with shelf.database.write() as connection:
            run = volumes.begin_run(
                connection,
                {"kind": "report", "why": "nightly", "host": "h", "version": "1", "started_us": finished_us - 1},
            )
            volumes.end_run(
                connection, run, finished_us, complete=complete, counts={"name": run, "standing": {"R1": ["late", 1]}}
            )
        return run

    def test_last_or_nearest(self, shelf: Shelf) -> None:
        """Without an instant the last one that came to its end; with one the nearest to it; never one to come."""
        first = self._report(shelf, NOON_US)
        second = self._report(shelf, NOON_US + 100)
        self._report(shelf, NOON_US + 150, complete=False)
        third = self._report(shelf, NOON_US + 300)
        with shelf.database.read() as connection:
            found = [
                reporting.report_before(connection, since_us, before_us)
                for since_us, before_us in (
                    (None, NOON_US + 200),
                    (None, NOON_US + 400),
                    (NOON_US + 10, NOON_US + 400),
                    (None, 1),
                )
            ]
        assert [one.run if one else None for one in found] == [second, third, first, None]

    def test_reports_newest_first_without_standing(self, shelf: Shelf) -> None:
        """For the index page the statuses of a thousand deliverables are left out."""
        runs = [self._report(shelf, NOON_US + number) for number in range(3)]
        with shelf.database.read() as connection:
            assert reporting.reports(connection) == [{"name": run} for run in reversed(runs)]


class TestCapacity:
    """How full volumes were, hour by hour."""

    def test_once_an_hour(self, shelf: Shelf) -> None:
        """Within the hour nothing more is noted; the files in care are those that are not missing."""
        volume = shelf.volume()
        shelf.put(volume, "here.mov", size=100)
        shelf.put(volume, "gone.mov", size=900, presence="missing")
        with shelf.database.write() as connection:
            noted = [
                reporting.note_capacity(connection, volume.id, NOON_US + minutes * 60_000_000, 1000, 400)
                for minutes in (0, 10, 54, 56, 70)
            ]
            history = reporting.capacity_history(connection, 0)
        assert noted == [True, False, False, True, False]
        assert history == {volume.id: [(NOON_US, 1000, 400, 100), (NOON_US + 56 * 60_000_000, 1000, 400, 100)]}

    def test_months_stay_small(self, shelf: Shelf) -> None:
        """After two years of hours there is a note an hour for a week, one a day for a year, one a week before."""
        volume, other = shelf.volume(), shelf.volume("other")
        start_us = NOON_US - 730 * DAY_US
        with shelf.database.write() as connection:
            hours = [
                {"volume_id": volume.id, "at_us": start_us + hour * 3_600_000_000, "total": 9, "free": 1, "size": 1}
                for hour in range(730 * 24)
            ]
            connection.execute(insert(t.capacity), hours)
            connection.execute(
                insert(t.capacity), [{**hours[0], "volume_id": other.id}, {**hours[1], "volume_id": other.id}]
            )
            assert reporting.note_capacity(connection, volume.id, NOON_US, 9, 1)
            kept = [fill.at_us for fill in reporting.capacity_history(connection, 0)[volume.id]]
            others = connection.execute(select(func.count()).where(t.capacity.c.volume_id == other.id)).scalar_one()
        assert kept[-1] == NOON_US
        assert len([at for at in kept if at > NOON_US - 7 * DAY_US]) == 7 * 24
        daily = [at for at in kept if NOON_US - 400 * DAY_US <= at < NOON_US - 8 * DAY_US]
        assert len({at // DAY_US for at in daily}) == len(daily) == 392
        weekly = [at for at in kept if at < NOON_US - 400 * DAY_US]
        assert len({at // (7 * DAY_US) for at in weekly}) == len(weekly) <= 49
        assert others == 2


def test_linked_below(shelf: Shelf) -> None:
    """Deliverables to which something at or below a path is linked now; a person's 'not this' is no link."""
    volume = shelf.volume()
    base = {"item_id": 1, "volume_id": volume.id, "asset": "f1", "content": 1, "role": "current", "who": "", "at_us": 1}
    with shelf.database.write() as connection:
        for number in (1, 2, 3, 4):
            connection.execute(
                insert(t.deliverable).values(
                    id=number,
                    key=f"D{number}",
                    position=number,
                    name="",
                    kind="",
                    sender="",
                    receiver="",
                    terms="{}",
                    imported_us=1,
                )
            )
        connection.execute(insert(t.item).values(id=1, deliverable_id=1, position=1, name="x", terms="{}"))
        for identity, path, how, ended in (
            (1, "IN/a.mov", "rule", None),
            (2, "IN/a.mov", "never", None),
            (3, "IN2/b.mov", "rule", None),
            (4, "IN/c", "rule", 5),
        ):
            connection.execute(
                insert(t.link).values(**base, deliverable_id=identity, path=path, how=how, ended_us=ended)
            )
    with shelf.database.read() as connection:
        assert reporting.linked_below(connection, [1, 2, 3, 4], volume.id, "IN") == {1}
        assert reporting.linked_below(connection, [1, 2, 3, 4], volume.id, "IN2/b.mov") == {3}
