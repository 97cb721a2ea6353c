"""Are things found by names, UMIDs and what a schedule says of shots, alike in both databases?"""

from __future__ import annotations

from sqlalchemy import insert

from assetwatch.catalog import contents, files, volumes
from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import tables as t
from assetwatch.catalog.called import with_reel, with_umid
from assetwatch.catalog.candidates import Named, meant_anywhere, names
from assetwatch.catalog.contents import set_media
from assetwatch.catalog.engine import Database
from assetwatch.catalog.hand_links import drawn_anew, repoint
from assetwatch.catalog.rows import FileRow
from assetwatch.catalog.shots import shot_pattern
from assetwatch.clock import FakeClock
from assetwatch.units import microseconds

NOW_US = microseconds(FakeClock().now())


def put(database: Database, paths: dict[str, int | None], seen_us: int = NOW_US) -> dict[str, int]:
    """Enter files as read, by path, each with the sequence that it is a frame of; path -> id."""
    found = {}
    ids = files.Ids()
    none = dict.fromkeys(
        ("verified_us", "checked_us", "absent_us", "due_us", "due_for", "problem", "target", "series_id", "frame")
    )
    with database.write() as connection:
        volume = volumes.ensure(connection, "V", "/nowhere", None)
        for path, sequence in paths.items():
            folder, _, name = path.rpartition("/")
            known = files.folders(connection, volume.id, [folder])
            folder_id = known[folder].id if known else files.add_folders(connection, ids, volume.id, [folder])[folder]
            number = ids.take(connection, "file")
            state = {"kind": "file", "presence": "present", "integrity": "recorded", "attempts": 0}
            stat = {"size": 1, "mtime_ns": 1, "ctime_ns": 1, "inode": number, "stat_since_us": seen_us}
            identity = {"id": number, "volume_id": volume.id, "folder_id": folder_id, "name": name}
            own = {"version_id": number, "first_seen_us": seen_us, "recorded_us": seen_us, "sequence_id": sequence}
            files.add(connection, [FileRow(**identity, **state, **stat, **own, **none)])  # type: ignore[arg-type]
            at = (number, number, 1, 1, number, seen_us, seen_us, seen_us, 1, "read", None)
            contents.add_versions(connection, [at], [(number, "xxh128", f"{number}")])
            found[path] = number
            if sequence is not None and path.endswith("1001.exr"):
                series = {"id": sequence, "volume_id": volume.id, "folder_id": folder_id}
                connection.execute(insert(t.series).values(**series, prefix=f"{name[:-8]}", suffix=".exr"))
                drawn = {"first_frame": 1001, "last_frame": 1002, "frames": 2, "size": 2, "first_file_id": number}
                said = {"missing": "", "zero_byte": "", "outliers": "", "presence": "present", "integrity": "recorded"}
                own_name = f"{path[:-8]}[1001-1002].exr"
                values = {**series, **drawn, **said, "series_id": sequence, "name": own_name}
                connection.execute(insert(t.sequence).values(**values))
    return found


def test_names_by_their_endings(database: Database) -> None:
    """In any case, frames as their sequence, and with a time only what came since."""
    known = put(database, {"A/cut.AAF": None, "A/take.wav": None, "P/pl.1001.exr": 7, "P/pl.1002.exr": 7})
    later = put(database, {"A/new.aaf": None}, NOW_US + 10)
    with database.read() as connection:
        found = sorted(names(connection, [".aaf", ".exr"]))
        assert found == [
            Named(f"f{known['A/cut.AAF']}", "A/cut.AAF", None),
            Named(f"f{later['A/new.aaf']}", "A/new.aaf", None),
            Named("s7", "P/pl.[1001-1002].exr", "P/pl.1001.exr"),
        ]
        assert len(list(names(connection, ["", ".aaf"]))) == 4
        assert [one.path for one in names(connection, [""], NOW_US + 5)] == ["A/new.aaf"]


def test_things_by_their_umid(database: Database) -> None:
    """Of the clip or of the file itself; what has none, or another, is left out."""
    known = put(database, {"A/1.mxf": None, "A/2.mxf": None, "A/3.mxf": None})
    told = ('{"other": {"umid": "aa"}}', '{"other": {"umid": null, "file_umid": "bb"}}', '{"other": {"umid": "cc"}}')
    with database.write() as connection:
        for facts, version in zip(told, known.values(), strict=True):
            row = {"version_id": version, "status": "ok", "facts": facts, "tool": "t", "tool_version": "1"}
            set_media(connection, [{**row, "probed_us": 1}])
    with database.read() as connection:
        assert [thing.path for thing in with_umid(connection, ["aa", "bb", "zz"])] == ["A/1.mxf", "A/2.mxf"]


def test_things_by_the_reel_that_their_media_tell(database: Database) -> None:
    """Reel or tape, in any case; what tells another is left out."""
    known = put(database, {"A/1.mov": None, "A/2.mov": None, "A/3.mov": None})
    told = ('{"other": {"reel": "A001R1AB"}}', '{"other": {"tape": "TAPE9"}}', '{"other": {"reel": "B001R2CD"}}')
    with database.write() as connection:
        for facts, version in zip(told, known.values(), strict=True):
            row = {"version_id": version, "status": "ok", "facts": facts, "tool": "t", "tool_version": "1"}
            set_media(connection, [{**row, "probed_us": 1}])
    with database.read() as connection:
        assert [thing.path for thing in with_reel(connection, ["a001r1ab", "tape9"])] == ["A/1.mov", "A/2.mov"]


def schedule(key: str, terms: str, root: str) -> rows.Scheduled:
    return rows.Scheduled(key, key, "", "", "", None, terms, [("Item", "{}")], [root])


def test_what_a_schedule_says(database: Database) -> None:
    """The first expression for shots of the schedule in force, and which deliverables files anywhere may be for."""
    some = [
        schedule("A", '{"shot_pattern":""}', "A"),
        schedule("B", '{"shot_pattern":"(?P<shot>x)"}', ""),
        schedule("C", '{"shot_pattern":"(?P<shot>y)"}', "C"),
    ]
    with database.write() as connection:
        rows.apply(connection, some, NOW_US)
        second = rows.by_key(connection, "B")
        assert second is not None
        assert shot_pattern(connection) == "(?P<shot>x)"
        assert meant_anywhere(connection) == {second.id}
        rows.apply(connection, some[:1], NOW_US)
        assert shot_pattern(connection) is None


def test_a_link_by_hand_follows_its_sequence(database: Database) -> None:
    """A link to a sequence that goes by another number now is told, and is about that one afterwards."""
    put(database, {"P/pl.1001.exr": 7, "P/pl.1002.exr": 7})
    with database.write() as connection:
        rows.apply(connection, [schedule("A", "{}", "A")], NOW_US)
        one = rows.by_key(connection, "A")
        assert one is not None
        (item,) = rows.items_of(connection, [one.id])[one.id]
        link = {"item_id": item.id, "deliverable_id": one.id, "volume_id": 1, "asset": "s5", "content": -1}
        more = {"path": "P/pl.[1001-1009].exr", "role": "current", "how": "hand", "who": "Jo", "at_us": NOW_US}
        rows.add_links(connection, [{**link, **more}])
        ((identity, now),) = drawn_anew(connection, [one.id]).items()
        assert now == ("s7", "P/pl.[1001-1002].exr")
        repoint(connection, {identity: now})
        assert drawn_anew(connection, [one.id]) == {}
        assert rows.links_of(connection, [one.id])[item.id][0].asset == "s7"
