"""Are schedules kept, and links made and ended, alike in both databases?"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from assetwatch.catalog import contents, files, volumes
from assetwatch.catalog import deliverables as rows
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FileRow
from assetwatch.clock import FakeClock
from assetwatch.delivery import kept
from assetwatch.delivery.link import bring_up_to_date
from assetwatch.delivery.schedule_toml import read_toml
from assetwatch.units import microseconds

SCHEDULE = """
[[deliverable]]
id = "R1"
due = 2020-01-01
  [[deliverable.item]]
  name = "AAF"
  match = "R1/*_v{version}.aaf"
"""

CLOCK = FakeClock()
NOW_US = microseconds(CLOCK.now())


def put(database: Database, ids: files.Ids, name: str) -> FileRow:
    """Enter a file below `R1` as read and recorded."""
    with database.write() as connection:
        volume = volumes.ensure(connection, "V", "/nowhere", None)
        known = files.folders(connection, volume.id, ["R1"])
        folder = known["R1"].id if known else files.add_folders(connection, ids, volume.id, ["R1"])["R1"]
        number = ids.take(connection, "file")
        none = dict.fromkeys(
            ("verified_us", "checked_us", "absent_us", "due_us", "due_for", "problem", "target", "series_id", "frame")
        )
        row = FileRow(
            id=number,
            volume_id=volume.id,
            folder_id=folder,
            name=name,
            kind="file",
            size=1,
            mtime_ns=1,
            ctime_ns=1,
            inode=number,
            presence="present",
            integrity="recorded",
            version_id=number,
            first_seen_us=NOW_US,
            stat_since_us=NOW_US,
            recorded_us=NOW_US,
            attempts=0,
            sequence_id=None,
            **none,  # type: ignore[arg-type]
        )
        files.add(connection, [row])
        at = NOW_US + number
        contents.add_versions(
            connection, [(number, number, 1, 1, number, at, at, at, 1, "read", None)], [(number, "xxh128", f"{number}")]
        )
    return row


def states(database: Database) -> dict[str, str]:
    with database.read() as connection:
        full = {one.row.key: one.status.state.value for one in kept.board(connection, CLOCK.now())}
        brief = {one.row.key: one.status.state.value for one in kept.board(connection, CLOCK.now(), brief=True)}
    assert full == brief
    return full


def test_a_file_makes_its_deliverable_stale_and_is_linked(database: Database) -> None:
    """A file below a root makes the deliverable stale; comparing links it, ends what it supersedes, and settles it."""
    ids = files.Ids()
    schedule = read_toml(SCHEDULE, ZoneInfo("UTC")).deliverables
    with database.write() as connection:
        rows.apply(connection, [kept.as_scheduled(one) for one in schedule], NOW_US)
    assert bring_up_to_date(database, CLOCK) == 1
    assert states(database) == {"R1": "expected"}
    assert bring_up_to_date(database, CLOCK) == 0
    put(database, ids, "cut_v001.aaf")
    newer = put(database, ids, "cut_v002.aaf")
    assert bring_up_to_date(database, CLOCK) == 1
    assert states(database) == {"R1": "verified"}
    with database.write() as connection:
        row = rows.by_key(connection, "R1")
        assert row is not None
        assert [one.role for one in rows.history_of(connection, row.id)] == ["superseded", "current"]
        assert rows.keys_of_assets(connection, [f"f{newer.id}", "f0"]) == {f"f{newer.id}": ["R1"]}
        assert rows.ambiguous(connection) == []
        rows.decide(connection, row.id, NOW_US, "Jo", "accept", contents=[("AAF", "V:R1/x", newer.id, None)])
        assert kept.schedule_in(connection) == list(schedule)
    assert states(database) == {"R1": "accepted"}


def test_what_is_not_in_a_schedule_any_more_is_kept_aside(database: Database) -> None:
    """A deliverable that an import no longer names leaves the board with its history, and comes back with it."""
    schedule = [kept.as_scheduled(one) for one in read_toml(SCHEDULE, ZoneInfo("UTC")).deliverables]
    with database.write() as connection:
        rows.apply(connection, schedule, NOW_US)
        rows.apply(connection, [], NOW_US + 1)
        assert rows.all_deliverables(connection) == []
        gone = rows.by_key(connection, "R1")
        assert gone is not None
        assert gone.removed_us == NOW_US + 1
        rows.apply(connection, [schedule[0]._replace(due_us=5)], NOW_US + 2)
        back = rows.by_key(connection, "R1")
    assert back is not None
    assert (back.id, back.removed_us, back.original_due_us) == (gone.id, None, gone.due_us)
