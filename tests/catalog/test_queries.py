"""Are the questions of `status`, `files`, `assets` and `show` answered right, in order, and alike on both databases?"""

from __future__ import annotations

import contextlib
import itertools
import re
import sqlite3
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from assetwatch.catalog import queries, volumes
from assetwatch.catalog.engine import Database
from assetwatch.catalog.patterns import as_glob, as_regular_expression
from assetwatch.catalog.queries import Filter
from assetwatch.paths import split

#: A tree with what makes folders' names hard: neighbours of the slash, escaped bytes, wildcards, quotes, emoji.
TREE = [
    "A001.mov",
    "A001/A001C001.mov",
    "A001/A001C002.mov",
    "A001/sub/clip.mov",
    "A001/sub/deep/clip.mov",
    "A001/sub/deep/more.wav",
    "A001 B/clip.mov",
    "A001!/clip.mov",
    "A001-x/clip.mov",
    "A001.mov.d/clip.mov",
    "A0010/clip.mov",
    "A001//FF/clip.mov",
    "A001//FF//FE/clip.mov",
    "A001///FFx/clip.mov",
    "A001/caf//E9.mov",
    "A001///E9.mov",
    "//FF.mov",
    "100%/a_b.mov",
    "1000/aXb.mov",
    "1005/a_b.mov",
    'it\'s "q"/clip.mov',
    "\U0001f3ac/\U0001f3ac.mov",
    "\u00fc/clip.mov",
    "new\nline/clip.mov",
    "take[1].mov",
    "take1.mov",
    "star*.mov",
    "back\\slash.mov",
]


def key(path: str) -> tuple[str, str]:
    """By what files are ordered: folder and name."""
    return split(path)


def paths(database: Database, limit: int | None = None, **wanted: Any) -> list[str]:
    with database.read() as connection:
        return [one.path for one in queries.list_files(connection, Filter(**wanted), limit)]


def assets(database: Database, limit: int | None = None, **wanted: Any) -> list[str]:
    with database.read() as connection:
        return [one.name for one in queries.list_assets(connection, Filter(**wanted), limit)]


# -- the order and the pages ------------------------------------------------------------------------------------


def test_files_come_by_volume_folder_and_name(shelf: Any) -> None:
    """The order is that of the characters' numbers, whatever order they were entered in."""
    b, a = shelf.volume("b"), shelf.volume("a")
    shelf.put(b, *TREE)
    shelf.put(a, *reversed(TREE))
    with shelf.database.read() as connection:
        found = [(one.volume, one.path) for one in queries.list_files(connection, Filter())]
    assert found == [(name, path) for name in "ab" for path in sorted(TREE, key=key)]


@pytest.mark.parametrize("limit", [1, 2, 27, 28, 29, 56, 100])
def test_a_page_is_the_beginning_of_the_list(shelf: Any, limit: int) -> None:
    """With a limit come the first rows of the same list, across volumes."""
    shelf.put(shelf.volume("a"), *TREE)
    shelf.put(shelf.volume("b"), *TREE)
    everything = paths(shelf.database)
    assert paths(shelf.database, limit) == everything[:limit]
    assert assets(shelf.database, limit) == everything[:limit]


def test_more_files_than_are_fetched_at_once(shelf: Any) -> None:
    """Long lists are whole, with nothing twice, and each file with its own digests."""
    volume = shelf.volume()
    rows = shelf.put(volume, *(f"{number % 7}/{number:05}.dpx" for number in range(2_500)))
    shelf.read(rows[0], xxh128="first")
    shelf.read(rows[2_400], xxh128="late")
    with shelf.database.read() as connection:
        found = list(queries.list_files(connection, Filter()))
    assert len({one.row.id for one in found}) == len(found) == 2_500
    assert {one.path: one.digests for one in found if one.digests} == {
        "0/00000.dpx": {"xxh128": "first"},
        f"{2_400 % 7}/02400.dpx": {"xxh128": "late"},
    }


def test_a_list_that_is_left_half_way(shelf: Any) -> None:
    """Taking the first rows of an unlimited list, as a terminal does, does no harm to what is asked next."""
    shelf.put(shelf.volume(), *(f"{number:05}.dpx" for number in range(3_000)))
    with shelf.database.read() as connection:
        first = list(itertools.islice(queries.list_files(connection, Filter()), 10))
        assert len(first) == 10
        assert queries.count_files(connection, Filter()) == 3_000
        assert len(list(itertools.islice(queries.list_assets(connection, Filter()), 10))) == 10


def test_what_hangs_on_a_file(shelf: Any) -> None:
    """Digests, media facts and the sequence come with the file."""
    volume = shelf.volume()
    frames = shelf.sequence(volume, "VFX", "plate.", 1001, 1003)
    shelf.read(frames[1], '{"container": "EXR"}', md5="d" * 32)
    with shelf.database.read() as connection:
        found = {one.path: one for one in queries.list_files(connection, Filter())}
        alone = queries.one_file(connection, "ingest", "VFX/plate.1002.exr")
    one = found["VFX/plate.1002.exr"]
    assert one == alone
    assert (one.digests, one.media, one.sequence) == (
        {"md5": "d" * 32},
        {"container": "EXR"},
        "VFX/plate.[1001-1003].exr",
    )
    assert (found["VFX/plate.1001.exr"].digests, found["VFX/plate.1001.exr"].media) == ({}, None)


# -- filters ----------------------------------------------------------------------------------------------------


def is_below(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, name by name."""
    while path:
        path = split(path)[0]
        if path == folder:
            return True
    return False


@pytest.mark.parametrize(
    "pattern",
    [
        "A001",
        "A001/",
        "/A001/sub",
        "A001/sub/deep",
        "A001 B",
        "A0010",
        "A001//FF",
        "A001//FF//FE",
        "A001///FFx",
        "100%",
        'it\'s "q"',
        "\U0001f3ac",
        "\u00fc",
        "new\nline",
        "clip.mov",
        "a_b.mov",
        "A001.mov",
        "A001/caf//E9.mov",
        "//FF.mov",
        "take[1].mov",
        "star*.mov",
        "back\\slash.mov",
        "A001/sub/clip.mov",
        "nothing",
        "sub",
        "FF.mov",
    ],
)
def test_a_path_a_folder_or_a_name(shelf: Any, pattern: str) -> None:
    """A text without wildcards is a path, a folder with all below it, or a name in any folder; and nothing alike."""
    shelf.put(shelf.volume(), *TREE)
    place = pattern.strip("/") if not pattern.startswith("//") else pattern
    expected = [
        path
        for path in sorted(TREE, key=key)
        if path == place or is_below(path, place) or (place == key(place)[1] and key(path)[1] == place)
    ]
    if pattern == "take[1].mov":
        expected = ["take1.mov", "take[1].mov"]
    assert paths(shelf.database, pattern=pattern) == expected
    assert assets(shelf.database, pattern=pattern) == expected
    with shelf.database.read() as connection:
        assert queries.count_files(connection, Filter(pattern=pattern)) == len(expected)


def test_bytes_that_are_no_text_can_be_given_as_they_are(shelf: Any) -> None:
    """What a shell passes on for a name that is not UTF-8 finds the file."""
    shelf.put(shelf.volume(), *TREE)
    assert paths(shelf.database, pattern="A001/caf\udce9.mov") == ["A001/caf//E9.mov"]
    assert paths(shelf.database, pattern="\udcff.mov") == ["//FF.mov"]
    assert paths(shelf.database, pattern="A001\udcff") == ["A001//FF/clip.mov"]


@pytest.mark.parametrize("pattern", [None, "", "/"])
def test_no_pattern_is_everything(shelf: Any, pattern: str | None) -> None:
    """Nothing, and the root itself, leave out nothing."""
    shelf.put(shelf.volume(), *TREE)
    assert paths(shelf.database, pattern=pattern) == sorted(TREE, key=key)


@pytest.mark.parametrize(
    "pattern",
    [
        "*.mov",
        "A001*",
        "?001*",
        "a_b*",
        "*",
        "**",
        "A001/*",
        "A001/sub/*",
        "A001*/clip.mov",
        "*/sub/*.wav",
        "*/clip.mov",
        "100%/*",
        "100?/*",
        "A00[0-9]*",
        "A00[!0-9]*",
        "[!A]*/*",
        "[\U0001f3ab-\U0001f3ad].mov",
        "\U0001f3ac/*",
        "new?line/*",
        "*\\*",
        "[*].mov",
        "star[*].mov",
        "t*[[]1]*",
        "it's*/*",
        "zzz*",
    ],
)
def test_a_glob(shelf: Any, pattern: str) -> None:
    """A glob without a slash is compared with names, one with a slash with whole paths; `*` crosses slashes."""
    tree = sorted((path for path in TREE if "//" not in path), key=key)
    shelf.put(shelf.volume(), *tree)
    expected = [path for path in tree if fnmatchcase(path if "/" in pattern else key(path)[1], pattern)]
    assert paths(shelf.database, pattern=pattern) == expected
    assert assets(shelf.database, pattern=pattern) == expected
    with shelf.database.read() as connection:
        assert queries.count_files(connection, Filter(pattern=pattern)) == len(expected)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("A001/**/*.mov", {"A001/a.mov", "A001/sub/b.mov", "A001/sub/deep/c.mov"}),
        ("A001/**/deep/*", {"A001/sub/deep/c.mov"}),
        ("A001/**", {"A001/a.mov", "A001/sub/b.mov", "A001/sub/deep/c.mov"}),
        ("**/b.mov", {"b.mov", "A001/sub/b.mov"}),
        ("**/sub/**/*.mov", {"A001/sub/b.mov", "A001/sub/deep/c.mov"}),
    ],
)
def test_two_stars_are_any_folders_or_none(shelf: Any, pattern: str, expected: set[str]) -> None:
    """`**/` stands for folders at any depth, also for no folder at all, as in the schedule's globs."""
    shelf.put(shelf.volume(), "b.mov", "ab.mov", "A001/a.mov", "A001/sub/b.mov", "A001/sub/deep/c.mov", "A001b/a.mov")
    assert set(paths(shelf.database, pattern=pattern)) == expected


def test_a_glob_and_names_that_are_no_text(shelf: Any) -> None:
    """A star stands for bytes that are no UTF-8 as well, and a folder whose name only begins alike is left out."""
    shelf.put(shelf.volume(), *TREE)
    assert "//FF.mov" in paths(shelf.database, pattern="*.mov")
    below = paths(shelf.database, pattern="A001/*")
    assert {"A001/caf//E9.mov", "A001///E9.mov", "A001///FFx/clip.mov"} <= set(below)
    assert not {"A001//FF/clip.mov", "A001//FF//FE/clip.mov"} & set(below)


@pytest.fixture(scope="module")
def server(postgresql: Any) -> Any:
    """A connection to PostgreSQL, for expressions."""
    database = Database(postgresql.url(postgresql.make_database()))
    with database.read() as connection:
        yield connection
    database.close()


_GLOB_TEXT = st.text(st.sampled_from("ab0]-^![*?\\.\u00e9\n{}()|+$ \U0001f3ac"), max_size=8)


@given(pattern=_GLOB_TEXT, name=_GLOB_TEXT)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(pattern="[]-a]", name="b")
@example(pattern="[b-a]", name="b")
@example(pattern="[b-a]", name="a")
@example(pattern="[^]", name="^")
@example(pattern="[!]]", name="a")
@example(pattern="[a-]", name="-")
@example(pattern="[\\]", name="\\")
@example(pattern="[^^]", name="a")
@example(pattern="[a", name="[a")
@example(pattern="a$", name="a\n")
def test_a_glob_means_the_same_on_both_databases(server: Any, pattern: str, name: str) -> None:
    """PostgreSQL's regular expression fits the names that SQLite's GLOB fits, and no others."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        in_sqlite = bool(connection.execute("select ? glob ?", (name, as_glob(pattern))).fetchone()[0])
    in_postgresql = server.execute(
        text('select cast(:name as text) collate "C" ~ :pattern'),
        {"name": name, "pattern": as_regular_expression(pattern)},
    ).scalar()
    assert in_sqlite == in_postgresql


def test_states(shelf: Any) -> None:
    """Each axis narrows down; a file of a volume that is away is offline, and in no other presence."""
    here, away = shelf.volume("here"), shelf.volume("away", online=False)
    for presence, integrity in itertools.product(
        ["arriving", "present", "missing"], ["pending", "recorded", "mismatch"]
    ):
        for volume in (here, away):
            shelf.put(volume, f"{presence}/{integrity}.mov", presence=presence, integrity=integrity)
    shelf.put(here, "link", kind="symlink")
    with shelf.database.read() as connection:

        def found(**wanted: Any) -> set[tuple[str, str]]:
            rows = [(one.volume, one.path) for one in queries.list_files(connection, Filter(**wanted))]
            assert len(set(rows)) == len(rows) == queries.count_files(connection, Filter(**wanted))
            singles = [(one.volume, one.path) for one in queries.list_assets(connection, Filter(**wanted))]
            assert rows == singles
            return set(rows)

        everything = found()
        assert len(everything) == 18
        for presence in ("arriving", "present", "missing"):
            assert found(presence=presence) == {
                ("here", p) for v, p in everything if v == "here" and p.startswith(presence)
            }
        assert found(presence="offline") == {row for row in everything if row[0] == "away"}
        assert found(integrity="mismatch") == {row for row in everything if "mismatch" in row[1]}
        assert found(integrity="verified") == set()
        assert found(presence="missing", integrity="mismatch") == {("here", "missing/mismatch.mov")}
        assert found(presence="offline", integrity="mismatch", pattern="missing") == {("away", "missing/mismatch.mov")}
        assert found(volume="away") == {row for row in everything if row[0] == "away"}
        assert found(volume="nowhere") == set()
        assert found(every_kind=True) == everything | {("here", "link")}
        shown = {(one.volume, one.presence) for one in queries.list_files(connection, Filter(integrity="recorded"))}
        assert shown == {("away", "offline"), ("here", "arriving"), ("here", "present"), ("here", "missing")}


def test_since(shelf: Any) -> None:
    """`since` is about the first look at a file, its bound included, be it few files or nearly all."""
    volume = shelf.volume()
    for number in range(10):
        shelf.put(volume, f"{number}/a.mov", f"{number}/b.mov", first_seen_us=number)
    frames = shelf.sequence(volume, "9", "plate.", 1, 3, first_seen_us=3)
    for since in (0, 1, 5, 9):
        expected = [f"{number}/{name}.mov" for number in range(since, 10) for name in "ab"]
        plain = [path for path in paths(shelf.database, since_us=since) if path.endswith(".mov")]
        assert plain == expected
        with shelf.database.read() as connection:
            count = queries.count_files(connection, Filter(since_us=since))
        assert count == len(expected) + (len(frames) if since <= 3 else 0)
        assert ("9/plate.[0001-0003].exr" in assets(shelf.database, since_us=since)) == (since <= 3)
    assert paths(shelf.database, since_us=10) == []


_FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "pattern": st.sampled_from(["*.mov", "A001", "A001/*", "clip.mov", "*c*", "A001/sub", "plate.*", "VFX"]),
        "presence": st.sampled_from(["arriving", "present", "missing", "offline"]),
        "integrity": st.sampled_from(["pending", "recorded", "verified", "mismatch"]),
        "since_us": st.integers(0, 6),
        "volume": st.sampled_from(["one", "two"]),
    },
)
_FILES = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from(["", "A001", "A001/sub", "A001-x", "VFX"]),
        st.sampled_from(["clip.mov", "a.mov", "c.wav", "plate.x", "A001"]),
        st.sampled_from(["arriving", "present", "missing"]),
        st.sampled_from(["pending", "recorded", "verified", "mismatch"]),
        st.integers(0, 6),
    ),
    max_size=25,
    unique_by=lambda row: row[:3],
)


@given(rows=_FILES, filters=st.lists(_FILTERS, min_size=1, max_size=4), limit=st.none() | st.integers(1, 5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_filter_gives_what_a_plain_loop_would(
    shelf: Any, rows: list[Any], filters: list[Any], limit: int | None
) -> None:
    """Whatever is combined, by whatever index it is found: the same files in the same order, and each once."""
    with shelf.database.write() as connection:
        for table in ("tally", "file", "folder"):
            connection.execute(text(f"delete from {table}"))
    shelf._folders.clear()
    there = {"one": shelf.volume("one"), "two": shelf.volume("two", online=False)}
    for volume, folder, name, presence, integrity, seen in rows:
        path = f"{folder}/{name}" if folder else name
        shelf.put(there[volume], path, presence=presence, integrity=integrity, first_seen_us=seen)

    def fits(row: Any, wanted: dict[str, Any]) -> bool:
        volume, folder, name, presence, integrity, seen = row
        path = f"{folder}/{name}" if folder else name
        pattern = wanted.get("pattern")
        if pattern is not None:
            if "*" in pattern:
                if not fnmatchcase(path if "/" in pattern else name, pattern):
                    return False
            elif not (path == pattern or is_below(path, pattern) or ("/" not in pattern and name == pattern)):
                return False
        shown = presence if volume == "one" else "offline"
        return (
            wanted.get("presence", shown) == shown
            and wanted.get("integrity", integrity) == integrity
            and wanted.get("volume", volume) == volume
            and seen >= wanted.get("since_us", 0)
        )

    for wanted in filters:
        expected = sorted(row[:3] for row in rows if fits(row, wanted))
        with shelf.database.read() as connection:
            found = [(one.volume, *key(one.path)) for one in queries.list_files(connection, Filter(**wanted), limit)]
            singles = [(one.volume, *key(one.path)) for one in queries.list_assets(connection, Filter(**wanted), limit)]
            assert queries.count_files(connection, Filter(**wanted)) == len(expected)
        assert found == singles == expected[:limit]


# -- assets -----------------------------------------------------------------------------------------------------


def test_a_sequence_is_one_asset_among_files(shelf: Any) -> None:
    """Sequences stand where their first frame would, files that stand alone around them, over folders and volumes."""
    a, b = shelf.volume("a"), shelf.volume("b")
    for volume in (b, a):
        shelf.put(volume, "VFX/a.mov", "VFX/plate.0500.mov", "VFX/z.mov", "VFX-old/a.mov", "first.mov")
        shelf.sequence(volume, "VFX", "plate.", 1001, 1004)
        shelf.sequence(volume, "VFX", "comp.", 1, 2)
        shelf.sequence(volume, "", "root.", 1, 2)
        shelf.sequence(volume, "VFX/deep", "b.", 1, 2)
    expected = [
        "first.mov",
        "root.[0001-0002].exr",
        "VFX/a.mov",
        "VFX/comp.[0001-0002].exr",
        "VFX/plate.0500.mov",
        "VFX/plate.[1001-1004].exr",
        "VFX/z.mov",
        "VFX-old/a.mov",
        "VFX/deep/b.[0001-0002].exr",
    ]
    assert assets(shelf.database) == expected * 2
    for limit in range(1, 18):
        assert assets(shelf.database, limit) == (expected * 2)[:limit]
    assert assets(shelf.database, volume="b", pattern="VFX") == [name for name in expected if name.startswith("VFX/")]
    with shelf.database.read() as connection:
        one = next(a for a in queries.list_assets(connection, Filter(volume="a")) if a.kind == "sequence")
    assert (one.path, one.first, one.last, one.count, one.size) == ("root.0001.exr", 1, 2, 2, 2000)


@pytest.mark.parametrize(
    "pattern",
    [
        "VFX/plate.[1001-1004].exr",
        "plate.[1001-1004].exr",
        "VFX/plate.1003.exr",
        "plate.1003.exr",
        "plate.*",
        "*.exr",
        "VFX/plate.*",
        "VFX/*.exr",
        "VFX",
    ],
)
def test_how_a_sequence_can_be_asked_for(shelf: Any, pattern: str) -> None:
    """By its own name with its folder or without, by any frame's name, by a glob, by a folder above it."""
    volume = shelf.volume()
    shelf.sequence(volume, "VFX", "plate.", 1001, 1004)
    shelf.sequence(volume, "GFX", "plates.", 1001, 1004, suffix=".dpx")
    assert assets(shelf.database, pattern=pattern) == ["VFX/plate.[1001-1004].exr"]


@pytest.mark.parametrize(
    "pattern", ["VFX/plate.1005.exr", "plate.1005.exr", "VFX/plate.[1001-1005].exr", "FX", "plate.100"]
)
def test_a_sequence_is_not_asked_for_by_what_is_only_alike(shelf: Any, pattern: str) -> None:
    """A frame that it does not have, another range, a part of a name: not this sequence."""
    shelf.sequence(shelf.volume(), "VFX", "plate.", 1001, 1004)
    assert assets(shelf.database, pattern=pattern) == []


def test_a_sequences_name_means_its_frames(shelf: Any) -> None:
    """`files` with the name that `assets` shows lists the frames; the same text is no character class then."""
    shelf.sequence(shelf.volume(), "VFX", "plate.", 1001, 1004)
    frames = [f"VFX/plate.{number}.exr" for number in range(1001, 1005)]
    assert paths(shelf.database, pattern="VFX/plate.[1001-1004].exr") == frames
    with shelf.database.read() as connection:
        assert queries.count_files(connection, Filter(pattern="VFX/plate.[1001-1004].exr")) == 4


def test_states_of_sequences(shelf: Any) -> None:
    """A sequence is listed under the state that its row shows."""
    volume = shelf.volume()
    shelf.sequence(volume, "a", "good.", 1, 3)
    shelf.sequence(volume, "a", "bad.", 1, 3, state=("present", "mismatch"))
    shelf.sequence(volume, "a", "new.", 1, 3, state=("arriving", "pending"))
    assert assets(shelf.database, integrity="recorded") == ["a/good.[0001-0003].exr"]
    assert assets(shelf.database, integrity="mismatch") == ["a/bad.[0001-0003].exr"]
    assert assets(shelf.database, presence="arriving") == ["a/new.[0001-0003].exr"]
    assert assets(shelf.database, presence="offline") == []
    shelf.volume(online=False)
    assert len(assets(shelf.database, presence="offline")) == 3


# -- status -----------------------------------------------------------------------------------------------------


def test_where_the_newest_files_lie(shelf: Any) -> None:
    """Folders by their newest file, with files and bytes; links do not count; the sums are of all."""
    volume = shelf.volume()
    shelf.put(volume, "old/a", first_seen_us=9)
    shelf.put(volume, "one/a", "one/b", first_seen_us=10, size=5)
    shelf.put(volume, "two/a", first_seen_us=30, size=7)
    shelf.put(volume, "one/c", first_seen_us=20, size=1)
    shelf.put(volume, "two/link", first_seen_us=40, kind="symlink")
    with shelf.database.read() as connection:
        found = queries.arrived_since(connection, 10)
        assert found == ([("ingest", "two", 1, 7, 30), ("ingest", "one", 3, 11, 20)], 4, 18)
        assert queries.arrived_since(connection, 10, 1) == (found[0][:1], 4, 18)
        assert queries.arrived_since(connection, 41) == ([], 0, 0)


def test_what_a_person_should_know_of(shelf: Any) -> None:
    """Mismatches first, then what is missing, then what cannot be read; each once, and no more than asked for."""
    volume = shelf.volume()
    shelf.put(volume, "z/unreadable", integrity="unreadable", problem="Permission denied")
    shelf.put(volume, "a/gone", presence="missing", integrity="mismatch")
    shelf.put(volume, "b/gone", presence="missing")
    shelf.put(volume, "z/wrong", integrity="mismatch", problem="differs")
    shelf.put(volume, "fine")
    shelf.put(volume, "arriving", presence="arriving", integrity="pending")
    shelf.put(volume, "link", kind="symlink", presence="missing")
    expected = [
        ("ingest", "z/wrong", "mismatch", "differs"),
        ("ingest", "a/gone", "missing", ""),
        ("ingest", "b/gone", "missing", ""),
        ("ingest", "z/unreadable", "unreadable", "Permission denied"),
    ]
    with shelf.database.read() as connection:
        assert queries.problem_files(connection) == expected
        for limit in range(1, 4):
            assert queries.problem_files(connection, limit) == expected[:limit]


def test_the_last_run(shelf: Any) -> None:
    """The newest run of a kind that came to an end, of one volume or of any."""
    one, two = shelf.volume("one"), shelf.volume("two")
    with shelf.database.write() as connection:
        for start, volume in ((10, one), (20, two), (30, one)):
            values = {
                "kind": "scan",
                "volume_id": volume.id,
                "why": "",
                "host": "h",
                "version": "1",
                "started_us": start,
            }
            run = volumes.begin_run(connection, values)
            if start < 30:
                volumes.end_run(connection, run, start + 5, complete=start == 20, counts={"files": start})
        last = queries.last_run(connection, "scan")
        assert last is not None
        assert (last["started_us"], last["complete"], last["counts"]) == (20, True, {"files": 20})
        mine = queries.last_run(connection, "scan", one.id)
        assert mine is not None
        assert (mine["started_us"], mine["finished_us"], mine["complete"]) == (10, 15, False)
        assert queries.last_run(connection, "verify") is None


# -- show -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_path", "expected"),
    [
        ("one:A001/clip.mov", [("one", "A001/clip.mov")]),
        ("A001/clip.mov", [("one", "A001/clip.mov"), ("two", "A001/clip.mov")]),
        ("/A001/clip.mov", [("one", "A001/clip.mov"), ("two", "A001/clip.mov")]),
        ("two:A001/", [("two", "A001")]),
        ("A001", [("one", "A001"), ("two", "A001")]),
        ("two:deep", [("two", "deep")]),
        ("two:deep/er", [("two", "deep/er")]),
        ("A001/caf//E9.mov", [("one", "A001/caf//E9.mov")]),
        ("one:A001/caf%E9.mov", [("one", "A001/caf//E9.mov")]),
        ("A001/caf%E9.mov", [("one", "A001/caf//E9.mov")]),
        ("one:%FF.mov", [("one", "//FF.mov")]),
        ("one://FF.mov", [("one", "//FF.mov")]),
        ("//FF.mov", [("one", "//FF.mov")]),
        ("one:100%.mov", [("one", "100%.mov")]),
        ("one:a:b.mov", [("one", "a:b.mov")]),
        ("a:b.mov", [("one", "a:b.mov")]),
        ("with:colon:x.mov", [("with:colon", "x.mov")]),
        ("one:", [("one", "")]),
        ("two", [("two", "")]),
        ("one:\U0001f3ac.mov", [("one", "\U0001f3ac.mov")]),
        ("A00%/clip.mov", []),
        ("A00_/clip.mov", []),
        ("one:A00", []),
        ("three:A001", []),
        ("clip.mov", []),
        ("", []),
    ],
)
def test_every_way_to_name_a_file(shelf: Any, given_path: str, expected: list[tuple[str, str]]) -> None:
    """`volume:path`, a path below any volume, encoded bytes, a folder, a volume; colons and wildcards in names."""
    one, two, colon = shelf.volume("one"), shelf.volume("two"), shelf.volume("with:colon")
    shelf.put(one, "A001/clip.mov", "A001/caf//E9.mov", "//FF.mov", "100%.mov", "a:b.mov", "\U0001f3ac.mov")
    shelf.put(two, "A001/clip.mov", "deep/er/clip.mov")
    shelf.put(colon, "x.mov")
    with shelf.database.read() as connection:
        found = queries.find(connection, given_path)
        assert found == expected
        for volume, path in found:
            there = queries.one_file(connection, volume, path)
            assert there is not None or queries.folder_summary(connection, volume, path)["states"]


def test_a_file_that_is_not_there(shelf: Any) -> None:
    """Unknown volumes and paths are None, a folder is no file."""
    shelf.put(shelf.volume(), "A001/clip.mov")
    with shelf.database.read() as connection:
        assert queries.one_file(connection, "ingest", "A001") is None
        assert queries.one_file(connection, "nowhere", "A001/clip.mov") is None
        assert queries.one_file(connection, "ingest", "A001/Clip.mov") is None


def test_a_folder_summed_up(shelf: Any) -> None:
    """Files and bytes by state below a folder, at any depth, and of no folder whose name only begins alike."""
    volume = shelf.volume()
    shelf.put(volume, "A001/a", "A001/sub/b", "A001///FFx/c", size=10, first_seen_us=5, recorded_us=7)
    shelf.put(volume, "A001/d", size=1, integrity="mismatch", first_seen_us=6, recorded_us=None)
    shelf.put(volume, "A0010/a", "A001-x/a", "A001//FF/a", "A001", size=1000, first_seen_us=1, recorded_us=99)
    shelf.put(shelf.volume("other"), "A001/a")
    with shelf.database.read() as connection:
        found = queries.folder_summary(connection, "ingest", "A001")
        whole = queries.folder_summary(connection, "ingest", "")
    assert sorted((one["integrity"], one["files"], one["size"]) for one in found["states"]) == [
        ("mismatch", 1, 1),
        ("recorded", 3, 30),
    ]
    assert (found["first_seen_us"], found["recorded_us"]) == (5, 7)
    assert sum(one["files"] for one in whole["states"]) == 8


# -- how they are answered --------------------------------------------------------------------------------------

_QUESTIONS: list[dict[str, Any]] = [
    {},
    {"pattern": "A001"},
    {"pattern": "A001/sub/clip.mov"},
    {"pattern": "clip.mov"},
    {"pattern": "*.mov"},
    {"pattern": "A001/*.mov"},
    {"presence": "missing"},
    {"presence": "arriving", "integrity": "pending"},
    {"integrity": "mismatch"},
    {"integrity": "recorded"},
    {"since_us": 1_790_000_000_000_000},
    {"since_us": 1_790_000_000_000_001},
    {"volume": "ingest", "every_kind": True},
]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("wanted", _QUESTIONS, ids=str)
@pytest.mark.parametrize("question", [queries.list_files, queries.list_assets])
def test_nothing_is_sorted_or_scanned_for_a_page(shelf: Any, wanted: dict[str, Any], question: Any) -> None:
    """SQLite goes along indexes in their order: no sort over folders, no table from end to end."""
    volume = shelf.volume()
    shelf.put(volume, *TREE)
    shelf.put(volume, "gone/a", presence="missing")
    shelf.put(volume, "new/a", presence="arriving", integrity="pending", first_seen_us=1_790_000_000_000_001)
    shelf.put(volume, "wrong/a", integrity="mismatch")
    shelf.sequence(volume, "VFX", "plate.", 1, 3)
    plans = explained(shelf.database, lambda connection: list(question(connection, Filter(**wanted), 200)))
    large = re.compile(
        r"^SCAN (file|folder|sequence|digest|version|media)\b(?! USING COVERING INDEX ix_file_first_seen_us)"
    )
    for statement, steps in plans:
        assert not [step for step in steps if large.match(step)], (statement, steps)
        is_one_row = any(step.endswith("(folder_id=? AND name=?)") for step in steps) and "path=?" in " ".join(steps)
        assert is_one_row or "USE TEMP B-TREE FOR ORDER BY" not in steps, (statement, steps)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_status_reads_no_table_from_end_to_end(shelf: Any) -> None:
    """The first page is answered by totals and indexes."""
    shelf.put(shelf.volume(), *TREE)

    def ask(connection: Any) -> None:
        queries.tallies(connection)
        queries.arrived_since(connection, 0)
        queries.problem_files(connection)
        queries.last_run(connection, "verify")
        queries.find(connection, "A001")
        queries.one_file(connection, "ingest", "A001/A001C001.mov")

    for statement, steps in explained(shelf.database, ask):
        assert not [step for step in steps if re.match(r"^SCAN (file|folder|digest|run)\b", step)], (statement, steps)


def explained(database: Database, ask: Any) -> list[tuple[str, list[str]]]:
    """What SQLite does for each statement of a question."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append((statement, parameters))

    with database.read() as connection:
        event.listen(connection, "before_cursor_execute", note)
        ask(connection)
        event.remove(connection, "before_cursor_execute", note)
        assert asked
        return [
            (statement, [row[3] for row in connection.exec_driver_sql(f"explain query plan {statement}", parameters)])
            for statement, parameters in asked
        ]
