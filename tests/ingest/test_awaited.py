"""Which new files wait for a list that lies among them, and for how long?"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from assetwatch.catalog import files, packages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.ingest.awaited import Awaited
from assetwatch.ingest.ignore import Ignore
from assetwatch.ingest.listing import list_folder
from assetwatch.ingest.settle import Rules
from tests.harness import Bench
from tests.senders import mhl, put, roll

NOW = 4_000_000_000_000_000  # long after the files of these tests were made
RULES = Rules(10_000_000, local=True, trust_inode=True)


@pytest.fixture
def volume_id(database: Database) -> int:
    with database.write() as connection:
        return volumes.ensure(connection, "ingest", "/mnt/ingest", None).id


def seen_in(root: Path, folder: str) -> tuple[Awaited, int]:
    """What is awaited after one look into a folder, as volume 1, and when it was looked at."""
    awaited = Awaited(1, str(root))
    listing = list_folder(str(root), folder, Ignore(), os.stat(root).st_dev)
    awaited.see(folder, listing.entries, listing.folders, NOW, RULES)
    return awaited, NOW


def test_a_list_holds_what_lies_beside_and_below_it(tmp_path: Path) -> None:
    """Not what lies elsewhere, and not a folder whose name only begins alike."""
    put(tmp_path, {"A001/A001.mhl": mhl(roll(1))})
    awaited, now_us = seen_in(tmp_path, "A001")
    assert (awaited.until_us("A001") or 0) > now_us
    assert (awaited.until_us("A001/Clips") or 0) > now_us
    assert [awaited.until_us(folder) for folder in ("", "A0011", "B")] == [None] * 3


def test_a_history_speaks_for_the_folder_that_it_lies_in(tmp_path: Path) -> None:
    """Its folder tells that there are lists, if there are."""
    (tmp_path / "A001/ascmhl").mkdir(parents=True)
    assert seen_in(tmp_path, "A001")[0].until_us("A001/Clips") is None
    put(tmp_path, {"A001/ascmhl/0001_A001.mhl": mhl(roll(1))})
    assert seen_in(tmp_path, "A001")[0].until_us("A001/Clips") is not None


def test_a_list_at_the_top_holds_everything(tmp_path: Path) -> None:
    """The root of a volume is above every folder."""
    put(tmp_path, {"all.mhl": mhl(roll(1))})
    awaited, _ = seen_in(tmp_path, "")
    assert None not in [awaited.until_us(folder) for folder in ("", "A001", "A001/Clips")]


def test_what_is_only_named_like_a_list_holds_nothing(tmp_path: Path) -> None:
    """Notes, sidecars, what cannot be read, and what is no file at all: nobody waits for them."""
    put(tmp_path, {"notes.txt": "lunch at one", "C0001.xml": "<NonRealTimeMeta/>", "README": "hello"})
    (tmp_path / "link.md5").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.md5")
    assert seen_in(tmp_path, "")[0].until_us("") is None


def test_a_longer_list_is_waited_for_longer(tmp_path: Path) -> None:
    """A list takes time to be judged, which grows with its length."""
    put(tmp_path, {"short/a.mhl": mhl(roll(1)), "long/a.mhl": mhl(roll(2000))})
    short, long = (seen_in(tmp_path, folder)[0].until_us(folder) for folder in ("short", "long"))
    assert short is not None
    assert long is not None
    assert NOW < short < long


def test_nobody_waits_for_what_was_judged_or_for_ever(database: Database, volume_id: int, tmp_path: Path) -> None:
    """A judged list has said what it needs; one that is not judged in its time is not waited for."""
    put(tmp_path, {"A/a.mhl": mhl(roll(1)), "B/b.mhl": mhl(roll(1))})
    awaited = Awaited(volume_id, str(tmp_path))
    for folder in ("A", "B"):
        listing = list_folder(str(tmp_path), folder, Ignore(), os.stat(tmp_path).st_dev)
        awaited.see(folder, listing.entries, listing.folders, NOW, RULES)
    until_us = awaited.until_us("B")
    assert until_us is not None
    with database.write() as connection:
        packages.found(connection, volume_id, ["A", "B"], NOW)
        connection.execute(t.package.update().where(t.package.c.path == "A").values(judged_us=NOW))
        awaited.sift(connection, NOW)
        assert (awaited.until_us("A"), awaited.until_us("B")) == (None, until_us)
        awaited.sift(connection, until_us)
        assert awaited.until_us("B") is None


def test_read_without_a_word_when_the_list_is_not_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where other lists are judged for long, files wait for theirs a while only."""
    content = roll(2)
    bench = Bench(tmp_path)
    monkeypatch.setattr(bench.daemon, "_compare", lambda looked: 0)
    try:
        put(bench.root, {**content, "A001.mhl": mhl(content)})
        bench.skip_time(3600)
        assert {bench.row(name).integrity for name in content} == {"pending"}
        bench.pass_time(60)
        assert {bench.row(name).integrity for name in content} == {"recorded"}
    finally:
        bench.close()


def test_a_scan_does_not_end_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that wait for a list are files that a complete pass has to read, however long the list takes."""
    content = roll(2)
    bench = Bench(tmp_path, settle="10ms")
    monkeypatch.setattr(bench.daemon, "_compare", lambda looked: 0)
    bench.daemon._promises = False
    try:
        put(bench.root, {**content, "A001.mhl": mhl(content)})
        bench.clock.advance(3600)
        assert bench.daemon.run_until_quiet(threading.Event(), 600)
        assert {bench.row(name).integrity for name in content} == {"recorded"}
    finally:
        bench.close()


def test_read_at_once_is_of_one_folder(database: Database, volume_id: int) -> None:
    """Only new files that wait for their reading, in the folder or below it."""
    with database.write() as connection:
        ids = files.Ids()
        folders = files.add_folders(connection, ids, volume_id, ["A", "A/b", "A1"])
        for number, (folder, due_for, integrity) in enumerate(
            [
                ("A", "read", "pending"),
                ("A/b", "read", "pending"),
                ("A1", "read", "pending"),
                ("A", "settle", "pending"),
                ("A", "read", "unreadable"),
            ],
            1,
        ):
            connection.execute(
                t.file.insert().values(
                    id=number,
                    volume_id=volume_id,
                    folder_id=folders[folder],
                    name=f"{number}",
                    kind="file",
                    size=1,
                    mtime_ns=1,
                    ctime_ns=1,
                    inode=number,
                    presence="arriving",
                    integrity=integrity,
                    first_seen_us=1,
                    stat_since_us=1,
                    due_us=NOW + 9,
                    due_for=due_for,
                    attempts=0,
                )
            )
        files.read_at_once(connection, volume_id, "A", NOW)
        due = connection.execute(t.file.select().where(t.file.c.due_us == NOW).order_by(t.file.c.id))
        assert [row.id for row in due] == [1, 2]
