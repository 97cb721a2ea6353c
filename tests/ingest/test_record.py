"""Does what the catalog says after a read follow from what was read? Reads that fail, lie, repeat and come too late."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.catalog import contents, files
from assetwatch.checksum.pool import ReadOrder
from assetwatch.checksum.reader import NotRead, Reader, Reading, Reason
from assetwatch.clock import FakeClock
from assetwatch.ingest.record import Finished, claim, record, recover
from assetwatch.media.probe import ProbeResult
from assetwatch.model import Stat
from tests.harness import Bench, digest, ordinary_rights


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume in care."""
    bench = Bench(tmp_path, rescan="30d")
    yield bench
    bench.close()


def enter(bench: Bench, path: str, outcome: Reading | NotRead, media: ProbeResult | None = None) -> None:
    """Enter the outcome of a read of one file, as if it had been claimed for it."""
    row = bench.row(path)
    rules = {row.volume_id: bench.care.intake.rules}
    with bench.database.write() as connection:
        claim(connection, [row], bench.now_us(), "reading")
        finished = [Finished(row.volume_id, row.id, outcome, media)]
        record(connection, bench.care.intake._ids, rules, finished, bench.now_us(), {})


def failing(path: Path, number: int, offset: int) -> NotRead:
    """What a reader says of a disk that fails at a byte."""

    def read_into(fd: int, buffers: list[memoryview], at: int, _flags: int = 0, /) -> int:
        if at >= offset:
            raise OSError(number, os.strerror(number))
        return os.preadv(fd, buffers, at)

    outcome = Reader(FakeClock(), read_into=read_into).read(str(path), ["xxh128"])
    assert isinstance(outcome, NotRead)
    return outcome


def arrived(bench: Bench, content: bytes = b"bytes") -> None:
    """A file that was seen and not read yet."""
    (bench.root / "a.mov").write_bytes(content)
    bench.work()


class TestNotRead:
    def test_disk_that_fails_half_way(self, bench: Bench) -> None:
        """EIO at a byte: unreadable, with the place, tried again later; and recorded once the disk gives its bytes."""
        arrived(bench, bytes(600_000))
        enter(bench, "a.mov", failing(bench.root / "a.mov", errno.EIO, 300_000))
        row = bench.row("a.mov")
        assert (row.presence, row.integrity, row.due_for) == ("present", "unreadable", "read")
        assert "at byte 524,288" in (row.problem or "")
        assert row.due_us is not None and row.due_us > bench.now_us()
        bench.pass_time(120)
        assert bench.cataloged() == bench.disk()
        assert bench.row("a.mov").problem is None

    @pytest.mark.parametrize("reason", [Reason.CHANGED, Reason.BUSY])
    def test_file_that_is_being_written_settles_again(self, bench: Bench, reason: Reason) -> None:
        """Written to while it was read: arriving, for a whole settle time more."""
        arrived(bench)
        enter(bench, "a.mov", NotRead(reason, "somebody wrote to it"))
        row = bench.row("a.mov")
        assert (row.presence, row.integrity, row.due_for) == ("arriving", "pending", "settle")
        assert row.due_us == bench.now_us() + 10_000_000

    def test_stop_leaves_the_file_due_and_blames_nobody(self, bench: Bench) -> None:
        """Cut short by a clean stop: due at once, and not counted as a try."""
        arrived(bench)
        enter(bench, "a.mov", NotRead(Reason.STOPPED, "stopped"))
        row = bench.row("a.mov")
        assert (row.due_for, row.due_us, row.attempts) == ("read", bench.now_us(), 0)

    def test_file_that_vanished_is_looked_at_before_anything_is_said(self, bench: Bench) -> None:
        """A reader that does not find a file concludes nothing: a look on an online volume does."""
        arrived(bench)
        enter(bench, "a.mov", NotRead(Reason.VANISHED, "gone"))
        assert bench.row("a.mov").due_for == "settle"
        bench.quiesce()
        assert bench.cataloged() == bench.disk()


class TestRead:
    def test_outcome_that_comes_too_late_is_left_out(self, bench: Bench) -> None:
        """Another look turned the row to something else meanwhile: those bytes are of yesterday."""
        arrived(bench, b"before")
        row = bench.row("a.mov")
        seen = os.stat(bench.root / "a.mov")
        stat = Stat(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev)
        with bench.database.write() as connection:
            outcome = Reading(stat, digest(b"before"), b"before", 0.0)
            finished = [Finished(row.volume_id, row.id, outcome)]
            rules = {row.volume_id: bench.care.intake.rules}
            record(connection, bench.care.intake._ids, rules, finished, bench.now_us(), {})
        assert bench.states()["a.mov"][:2] == ("arriving", "pending")

    def test_changed_and_unreadable_and_read_at_last_is_a_new_version(self, bench: Bench) -> None:
        """Somebody wrote to the file before it could not be read: that its bytes differ then is no silent change."""
        with ordinary_rights():  # from before the readers' threads are started
            arrived(bench, b"before")
            bench.quiesce()
            clip = bench.root / "a.mov"
            clip.write_bytes(b"and after")
            clip.chmod(0)
            bench.skip_time(1)
            bench.quiesce(scan=True)
            assert bench.states()["a.mov"].integrity == "unreadable"
            clip.chmod(0o644)
            bench.quiesce(scan=True)
        assert bench.states()["a.mov"] == ("present", "recorded", digest(b"and after"))
        assert bench.versions("a.mov") == 2

    def test_all_algorithms_from_one_read(self, tmp_path: Path) -> None:
        """Each configured digest is on record, and the file was read once."""
        bench = Bench(tmp_path, algorithms=("xxh128", "md5", "sha256"))
        (bench.root / "a.mov").write_bytes(b"bytes")
        bench.quiesce()
        assert set(bench.states()["a.mov"].digests) == {"xxh128", "md5", "sha256"}
        assert bench.files_read == 1
        bench.close()

    def test_media_come_with_the_digest_in_one_transaction(self, bench: Bench) -> None:
        """A file worth a probe is recorded when both are known, and not before."""
        bench.prober.held = True
        (bench.root / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
        bench.pass_time(30)
        assert bench.states().get("a.mov", ("arriving", "pending"))[:2] == ("arriving", "pending")
        bench.prober.held = False
        bench.quiesce()
        with bench.database.read() as connection:
            assert contents.has_media(connection, [bench.row("a.mov").version_id or 0])


class TestRecover:
    def test_what_was_claimed_is_due_again(self, bench: Bench) -> None:
        """One UPDATE finds the work that a crash left behind."""
        arrived(bench)
        with bench.database.write() as connection:
            claim(connection, [bench.row("a.mov")], bench.now_us(), "reading")
            assert recover(connection, [bench.care.id], bench.now_us()) == 1
            assert recover(connection, [bench.care.id], bench.now_us()) == 0
        assert (bench.row("a.mov").due_for, bench.row("a.mov").attempts) == ("read", 1)

    def test_troublesome_files_come_behind_the_others(self, bench: Bench) -> None:
        """A file that was claimed at several crashes lets the others go first."""
        arrived(bench)
        with bench.database.write() as connection:
            for _ in range(4):
                row = files.by_id(connection, [1])[1]
                claim(connection, [row], bench.now_us(), "reading")
                recover(connection, [bench.care.id], bench.now_us())
        assert bench.row("a.mov").due_us == bench.now_us() + 2_000_000


def test_orders_expect_what_was_last_seen(bench: Bench) -> None:
    """A file replaced between the look and the read is not read under the old one's stat."""
    arrived(bench, b"before")
    row = bench.row("a.mov")
    order = bench.daemon._reading._order(row, "", {})
    assert isinstance(order, ReadOrder) and order.expect is not None
    assert (order.expect.size, order.expect.mtime_ns, order.expect.inode) == (row.size, row.mtime_ns, row.inode)
    (bench.root / "b.part").write_bytes(b"other!")
    os.replace(bench.root / "b.part", bench.root / "a.mov")
    outcome = Reader(bench.clock).read(order.path, order.algorithms, expect=order.expect)
    assert isinstance(outcome, NotRead) and outcome.reason is Reason.CHANGED
