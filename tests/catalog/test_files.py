"""Do the totals, the folders' fingerprints and the sequences stay in step with every change of a file's row?"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import func, select

from assetwatch.catalog import contents, files, queries
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database, open_database
from assetwatch.catalog.rows import FileRow
from assetwatch.clock import FakeClock

#: Names as they lie on disks: escaped bytes, quotes, newlines, wildcards, emoji, both forms of an umlaut, 255 bytes.
NAMES = [
    "clip.mov",
    "caf//E9.mov",
    "//FF//FE",
    'it\'s "quoted".mov',
    "a\nb\t.mov",
    "100%_done.mov",
    "\\backslash.mov",
    "\U0001f3ac\U0001f600.mov",
    "\u00fc.mov",
    "u\u0308.mov",
    "x" * 255,
    " leading and trailing ",
    "%s ? :name $1 {brace}",
    "'; drop table file; --",
    "\u0001control\u007f",
    "[1-3].mov",
    "\ud7ff\ue000\uffff",
]


# -- ids --------------------------------------------------------------------------------------------------------


def test_ids_are_never_given_twice(database: Database) -> None:
    """Two programs on one catalog get different ids, and so does one that begins again after a crash."""
    seen: list[int] = []
    for _ in range(3):
        ids = files.Ids()
        with database.write() as connection:
            seen += [ids.take(connection, "file") for _ in range(3)]
    assert len(set(seen)) == 9
    assert min(seen) >= 1


def test_ids_of_tables_are_independent(database: Database) -> None:
    """Each table counts for itself, and one block lasts for many rows."""
    ids = files.Ids()
    with database.write() as connection:
        first = [ids.take(connection, "file") for _ in range(10_001)]
        assert ids.take(connection, "folder") == first[0] == 1
    assert first == list(range(1, 10_002))


def test_ids_of_a_write_that_was_taken_back(database: Database) -> None:
    """After a rollback the same numbers may come again, but never two at a time."""
    ids = files.Ids()
    with contextlib.suppress(RuntimeError), database.write() as connection:
        ids.take(connection, "file")
        raise RuntimeError
    ids.forget()
    with database.write() as connection:
        mine = ids.take(connection, "file")
        others = files.Ids().take(connection, "file")
    assert mine != others


def test_daemons_that_count_in_different_orders_do_not_block_each_other(
    postgresql: Any, postgresql_catalog: str
) -> None:
    """Two daemons on one server need ids of two tables, each in its own order, within long transactions: both go on."""
    url = postgresql.url(postgresql.make_database(postgresql_catalog))
    met = threading.Barrier(2, timeout=20)
    failed: list[BaseException] = []

    def count(first: str, second: str) -> None:
        try:
            ids = files.Ids()
            with contextlib.closing(open_database(url, FakeClock())) as mine, mine.write() as connection:
                ids.take(connection, first)
                met.wait()
                ids.take(connection, second)
                met.wait()
        except BaseException as error:
            failed.append(error)
            met.abort()

    threads = [threading.Thread(target=count, args=pair) for pair in (("file", "folder"), ("folder", "file"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# -- rows as they were given ------------------------------------------------------------------------------------


def test_names_come_back_as_they_were(shelf: Any) -> None:
    """Every name that a disk can hold is found again by it, and by no other."""
    volume = shelf.volume()
    rows = shelf.put(volume, *(f"card/{name}" for name in NAMES))
    assert [row.name for row in rows] == NAMES
    with shelf.database.read() as connection:
        folder = files.folders(connection, volume.id, ["card"])["card"]
        assert set(files.in_folders(connection, [folder.id])[folder.id]) == set(NAMES)
        assert set(files.named(connection, folder.id, [*NAMES, "\u00dc.mov", "clip.MOV"])) == set(NAMES)


def test_folders_come_back_as_they_were(shelf: Any) -> None:
    """Folders' paths are exact, whatever they are made of."""
    volume, other = shelf.volume(), shelf.volume("other")
    paths = ["", *NAMES, *(f"{name}/{name}" for name in NAMES if len(name) < 100)]
    with shelf.database.write() as connection:
        given = files.add_folders(connection, shelf.ids, volume.id, paths)
        files.add_folders(connection, shelf.ids, other.id, ["", "x"])
        found = files.folders(connection, volume.id, [*paths, "x"])
        assert {path: row.id for path, row in found.items()} == given
        assert files.paths_of_folders(connection, given.values()) == {value: key for key, value in given.items()}


def test_every_column_holds_what_a_disk_can_say(shelf: Any) -> None:
    """Sizes and times of 64 bits come back to the last digit."""
    extremes = {
        "size": 2**63 - 1,
        "mtime_ns": -(2**63),
        "ctime_ns": 2**63 - 1,
        "inode": 2**63 - 1,
        "attempts": 3,
        "problem": "a 'sentence' \U0001f3ac",
        "target": "../caf//E9",
        "due_us": 5,
        "due_for": "read",
        "absent_us": 6,
    }
    row = shelf.put(shelf.volume(), "a/b.mov", **extremes)[0]
    with shelf.database.read() as connection:
        assert files.by_id(connection, [row.id]) == {row.id: row}


def test_many_at_once(shelf: Any) -> None:
    """More names than one statement can carry are found in one call."""
    volume = shelf.volume()
    names = [f"{number:06}.dpx" for number in range(12_000)]
    rows = shelf.put(volume, *(f"scan/{name}" for name in names))
    with shelf.database.read() as connection:
        assert len(files.named(connection, rows[0].folder_id, names)) == 12_000
        assert len(files.by_id(connection, [row.id for row in rows])) == 12_000


def test_hard_links_are_found_by_inode(shelf: Any) -> None:
    """Regular files of this volume only: elsewhere the same number means another file."""
    volume, other = shelf.volume(), shelf.volume("other")
    a, b = shelf.put(volume, "a", "b", inode=7)
    shelf.put(volume, "link", inode=7, kind="symlink")
    shelf.put(other, "c", inode=7)
    with shelf.database.read() as connection:
        found = files.with_inodes(connection, volume.id, [7, 8])
    assert {row.id for row in found[7]} == {a.id, b.id}
    assert 8 not in found


def test_due_comes_longest_due_first(shelf: Any) -> None:
    """What is owed by now, of these volumes and these kinds, the oldest first and no more than asked for."""
    volume, other = shelf.volume(), shelf.volume("other")
    late = shelf.put(volume, "late", due_us=10, due_for="read")[0]
    later = shelf.put(volume, "later", due_us=5, due_for="settle")[0]
    shelf.put(volume, "not yet", due_us=100, due_for="read")
    shelf.put(volume, "another thing", due_us=1, due_for="probe")
    shelf.put(other, "elsewhere", due_us=1, due_for="read")
    shelf.put(volume, "nothing")
    with shelf.database.read() as connection:
        due = files.due(connection, [volume.id], 50, ["read", "settle"], 10)
        assert [row.id for row in due] == [later.id, late.id]
        assert [row.id for row in files.due(connection, [volume.id], 50, ["read", "settle"], 1)] == [later.id]
        assert files.next_due_us(connection, [volume.id], ["read"]) == 10
        assert files.next_due_us(connection, [volume.id], ["absence"]) is None


def test_contents_and_their_digests(shelf: Any) -> None:
    """Digests belong to a version; a newer media answer takes the place of an older one."""
    row = shelf.read(shelf.put(shelf.volume(), "a.mov")[0], '{"a": 1}', xxh128="0" * 32, c4="c4" + "x" * 88)
    assert row.version_id is not None
    with shelf.database.write() as connection:
        assert contents.digests_of(connection, [row.version_id]) == {
            row.version_id: {"xxh128": "0" * 32, "c4": "c4" + "x" * 88}
        }
        assert contents.has_media(connection, [row.version_id, 4711]) == {row.version_id}
        newer = {"version_id": row.version_id, "status": "ok", "facts": '{"a": 2}', "answer": None, "tool": "MediaInfo"}
        contents.set_media(connection, [{**newer, "tool_version": "27", "probed_us": 9, "reason": None}])
        assert queries.media_of(connection, [row.version_id]) == {row.version_id: {"a": 2}}
        contents.supersede(connection, [row.version_id], 77)
        assert queries.versions_of(connection, row.id)[0]["superseded_us"] == 77


def test_observations_are_appended(shelf: Any) -> None:
    """What was noticed comes back in the order in which it was, with its detail."""
    row = shelf.put(shelf.volume(), "a.mov")[0]
    with shelf.database.write() as connection:
        files.observe(connection, [])
        files.observe(
            connection,
            [
                {"at_us": 2, "what": "grew", "file_id": row.id, "detail": {"from": 1, "to": "\U0001f3ac"}},
                {"at_us": 1, "what": "moved", "file_id": row.id},
            ],
        )
        assert queries.observations_of(connection, row.id) == [
            {"at_us": 2, "what": "grew", "version_id": None, "detail": {"from": 1, "to": "\U0001f3ac"}},
            {"at_us": 1, "what": "moved", "version_id": None, "detail": {}},
        ]


def test_series_are_entered_once(shelf: Any) -> None:
    """The same prefix and suffix in a folder is the same series, whoever asks; in another folder it is another."""
    volume = shelf.volume()
    with shelf.database.write() as connection:
        one, two = shelf.folder(connection, volume, "one"), shelf.folder(connection, volume, "two")
        keys = [(one, "plate.", ".exr"), (two, "plate.", ".exr"), (one, "Plate.", ".exr"), (one, "", "")]
        first = files.series_ids(connection, shelf.ids, volume.id, keys)
        again = files.series_ids(connection, files.Ids(), volume.id, [*keys, keys[0]])
    assert first == again
    assert len(set(first.values())) == 4


# -- what follows from a change ---------------------------------------------------------------------------------


def test_a_file_that_becomes_a_link_is_counted_no_more(shelf: Any) -> None:
    """A name that is now a symbolic link of the same size leaves the totals, and comes back to them."""
    row = shelf.put(shelf.volume(), "a.mov")[0]
    link = replace(row, kind="symlink")
    for before, after in ((row, link), (link, row)):
        with shelf.database.write() as connection:
            files.change(connection, [(before, after)])
            assert queries.tally_faults(connection) == []


def test_a_change_of_nothing_writes_nothing(shelf: Any) -> None:
    """An equal row leaves the folder's fingerprint as it is."""
    row = shelf.put(shelf.volume(), "a.mov")[0]
    shelf.settle_listings()
    with shelf.database.write() as connection:
        files.change(connection, [(row, replace(row))])
        files.change(connection, [])
        files.add(connection, [])
        files.remove(connection, [])
    assert shelf.open_folders() == set()


def test_links_and_special_files_are_not_counted(shelf: Any) -> None:
    """They are cataloged and are no files in the sense of the totals."""
    volume = shelf.volume()
    shelf.put(volume, "link", kind="symlink")
    shelf.put(volume, "fifo", kind="special")
    shelf.put(volume, "file")
    with shelf.database.read() as connection:
        assert [(files_, size) for *_, files_, size in queries.tallies(connection)] == [(1, 1000)]


def test_a_wrong_total_is_found(shelf: Any) -> None:
    """The check counts every row, and says where the kept total differs."""
    volume = shelf.volume()
    shelf.put(volume, "a", "b")
    with shelf.database.write() as connection:
        connection.execute(t.tally.update().values(files=3))
        assert queries.tally_faults(connection) == [
            f"volume {volume.id}, present, recorded: kept (3, 2000), counted (2, 2000)"
        ]


_STATES = {
    "presence": st.sampled_from(["arriving", "present", "missing"]),
    "integrity": st.sampled_from(["pending", "recorded", "verified", "mismatch", "unreadable"]),
    "size": st.integers(0, 2**40),
    "kind": st.sampled_from(["file", "symlink", "special"]),
    "mtime_ns": st.integers(0, 2**40),
    "checked_us": st.integers(0, 2**40),
    "absent_us": st.none() | st.just(5),
    "folder": st.integers(0, 2),
    "series": st.none() | st.integers(0, 2),
    "problem": st.none() | st.just("words"),
}
_CHANGE = st.fixed_dictionaries({}, optional=_STATES)
_STEP = st.one_of(
    st.tuples(st.just("add"), _CHANGE),
    st.tuples(st.just("change"), st.lists(st.tuples(st.integers(0, 20), _CHANGE), min_size=1, max_size=4)),
    st.tuples(st.just("remove"), st.integers(0, 20)),
)

#: What the folder's listing, and a sequence's look, are made of.
_LISTED = ("folder_id", "kind", "size", "mtime_ns", "presence", "absent_us")
_DRAWN = ("folder_id", "kind", "size", "presence", "integrity", "absent_us", "series_id")


@given(steps=st.lists(_STEP, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_changes_all_stays_in_step(shelf: Any, steps: list[Any]) -> None:
    """After any changes the totals equal a count; folders and series are open where they have to be, and only there."""
    with shelf.database.read() as connection:
        known = connection.execute(select(func.count()).select_from(t.volume)).scalar_one()
    volume = shelf.volume(f"volume-{known}")
    with shelf.database.write() as connection:
        folders = [shelf.folder(connection, volume, path) for path in ("", "a", "a/b")]
        keys = [(folder, "x.", ".exr") for folder in folders]
        series = [files.series_ids(connection, shelf.ids, volume.id, [key])[key] for key in keys]
    rows: list[FileRow] = []

    def changed(row: FileRow, fields: dict[str, Any]) -> FileRow:
        fields = dict(fields)
        if "folder" in fields:
            fields["folder_id"] = folders[fields.pop("folder")]
        if "series" in fields:
            number = fields.pop("series")
            fields["series_id"] = None if number is None else series[number]
        return replace(row, **fields)

    for number, (what, argument) in enumerate(steps):
        shelf.settle_listings()
        expected_open: set[int] = set()
        expected_stale: set[int | None] = set()
        if what == "add":
            row = changed(shelf.put(volume, f"file-{number}")[0], {})
            after = changed(row, argument)
            pairs = [(row, after)]
            rows.append(after)
            shelf.settle_listings()
        elif what == "change":
            pairs = []
            for which, fields in dict(argument).items():
                if which < len(rows):
                    after = changed(rows[which], fields)
                    pairs.append((rows[which], after))
                    rows[which] = after
        elif argument < len(rows):
            row = rows.pop(argument)
            with shelf.database.write() as connection:
                files.remove(connection, [row])
            pairs = []
            expected_open.add(row.folder_id)
            expected_stale.add(row.series_id)
        else:
            continue
        with shelf.database.write() as connection:
            files.change(connection, pairs)
        for before, after in pairs:
            if any(getattr(before, name) != getattr(after, name) for name in _LISTED):
                expected_open |= {before.folder_id, after.folder_id}
            if any(getattr(before, name) != getattr(after, name) for name in _DRAWN):
                expected_stale |= {before.series_id, after.series_id}
        with shelf.database.read() as connection:
            faults = queries.tally_faults(connection)
            assert [fault for fault in faults if fault.startswith(f"volume {volume.id},")] == []
            assert files.by_id(connection, [row.id for row in rows]) == {row.id: row for row in rows}
        assert shelf.open_folders() == expected_open
        assert shelf.stale_series() == expected_stale - {None}


def test_totals_of_two_daemons(postgresql: Any, postgresql_catalog: str, shelf_of: Any) -> None:
    """Daemons that write at once to one server, each its own volume, keep each its own totals right."""
    url = postgresql.url(postgresql.make_database(postgresql_catalog))
    failed: list[BaseException] = []

    def write(name: str) -> None:
        try:
            with contextlib.closing(open_database(url, FakeClock())) as mine:
                shelf = shelf_of(mine)
                volume = shelf.volume(name)
                for turn in range(10):
                    shelf.put(volume, *(f"{turn}/{number}" for number in range(20)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(f"volume-{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with contextlib.closing(open_database(url, FakeClock())) as database, database.read() as connection:
        assert queries.tally_faults(connection) == []
        assert [count for *_, count, _ in queries.tallies(connection)] == [200] * 3


@pytest.mark.parametrize("column", ["presence", "integrity", "kind", "due_for"])
def test_the_database_itself_refuses_a_word_that_is_none(shelf: Any, column: str) -> None:
    """A state that the contract does not know cannot be written, by whatever way."""
    with pytest.raises(Exception, match=r"(?i)check constraint"):
        shelf.put(shelf.volume(), "a", **{column: "nonsense"})
