"""Does the sweep find what changed under an unchanged stat, tell it from all else, and keep to its bounds?"""

from __future__ import annotations

import errno
import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as changed
from sqlalchemy import insert

from assetwatch import app
from assetwatch.catalog import checks, files, queries
from assetwatch.catalog import tables as t
from assetwatch.checksum import cache
from assetwatch.checksum import pool as pool_module
from assetwatch.checksum.pool import SMALL_BYTES
from assetwatch.checksum.reader import Reader
from assetwatch.config import VerifySection, parse_hours
from assetwatch.errors import HeldError, UsageError
from assetwatch.model import Integrity
from assetwatch.units import microseconds
from assetwatch.verify.order import Budget, Standing, is_quiet
from assetwatch.verify.sweep import Sweep
from tests.harness import Bench, digest, ordinary_rights


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume of which everything is recorded, with no daemon on it."""
    made = Bench(tmp_path)
    yield made
    made.close()


def fill(bench: Bench, **contents: bytes) -> None:
    """Write files (`A__x` is `A/x.mov`) and have them recorded, one after the other."""
    for name, content in contents.items():
        path = bench.root / (name.replace("__", "/") + ".mov")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        bench.clock.advance(20)
        bench.quiesce(scan=True)
        bench.clock.advance(20)


def sweep_of(bench: Bench, *, names: tuple[str, ...] = (), verify: VerifySection | None = None, **bounds: Any) -> Sweep:
    """A sweep that is ready to run."""
    bench.clock.advance(1)
    setting = bench.setting
    if verify is not None:
        setting = replace(setting, config=changed(setting.config, verify=verify))
    return app.make_sweep(setting, bench.database, Budget(**bounds), names, bench.clock)


def sweep(bench: Bench, **bounds: Any) -> dict[str, Any]:
    """One sweep, to its end."""
    return sweep_of(bench, **bounds).run(threading.Event())


def flip(path: Path, at: int = 0) -> None:
    """Turn one bit over as a failing disk does: no time of the file tells."""
    before = path.stat()
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def noted(bench: Bench, path: str) -> list[dict[str, Any]]:
    """What was noticed of a file."""
    with bench.database.read() as connection:
        return queries.observations_of(connection, bench.row(path).id)


def let_reads_be(monkeypatch: pytest.MonkeyPatch, read_into: Callable[..., int]) -> None:
    """Have every reader of the pools get its bytes through `read_into`."""
    monkeypatch.setattr(pool_module, "Reader", functools.partial(Reader, read_into=read_into))


def content_in(fd: int) -> bytes:
    return os.pread(fd, 100, 0)


class TestVerdicts:
    """What a file read again is called."""

    def test_all_is_well(self, bench: Bench) -> None:
        """Files that are as recorded are counted, dated, and claimed no more."""
        fill(bench, a=b"one", A__b=b"two", c=b"")
        answer = sweep(bench)
        counts = ("checked", "verified", "mismatch", "missing", "unreadable", "not_checked", "bytes", "bytes_total")
        assert [answer[key] for key in counts] == [3, 3, 0, 0, 0, 0, 6, 6]
        assert answer["complete"] is True
        assert answer["problems"] == []
        assert {(row.integrity, row.due_for, row.checked_us is not None) for row in bench.rows().values()} == {
            ("recorded", None, True)
        }
        assert bench.faults() == []

    @pytest.mark.parametrize("size", [10, SMALL_BYTES + 10])
    def test_one_flipped_bit(self, bench: Bench, size: int) -> None:
        """A bit that turned over under an unchanged stat is a mismatch, with both readings as evidence."""
        fill(bench, a=b"x" * size, b=b"y" * size)
        flip(bench.root / "b.mov", size - 1)
        now = (bench.root / "b.mov").read_bytes()
        answer = sweep(bench)
        expected, computed = digest(b"y" * size)["xxh128"], digest(now)["xxh128"]
        (problem,) = answer["problems"]
        assert (problem["volume"], problem["path"], problem["verdict"]) == ("V", "b.mov", "mismatch")
        assert (problem["algorithm"], problem["expected"], problem["computed"]) == ("xxh128", expected, computed)
        assert (answer["checked"], answer["verified"], answer["mismatch"]) == (2, 1, 1)
        row = bench.row("b.mov")
        assert (row.integrity, row.due_for, row.checked_us) == ("mismatch", None, None)
        evidence = noted(bench, "b.mov")[-1]
        assert evidence["what"] == "mismatch"
        detail = evidence["detail"]
        assert [reading["digests"] for reading in detail["readings"]] == [{"xxh128": computed}] * 2
        assert {"host", "version", "libraries", "recorded"} <= detail.keys()
        assert detail["libraries"].keys() >= {"python", "openssl", "xxhash", "blake3"}
        assert bench.faults() == []

    def test_every_digest_is_proved(self, tmp_path: Path) -> None:
        """Each algorithm of the version is computed again, in one read."""
        bench = Bench(tmp_path, algorithms=("xxh128", "md5", "sha1"))
        fill(bench, a=b"one")
        flip(bench.root / "a.mov")
        sweep(bench)
        (detail,) = [note["detail"] for note in noted(bench, "a.mov") if note["what"] == "mismatch"]
        assert detail["readings"][0]["digests"].keys() == {"xxh128", "md5", "sha1"}
        assert detail["algorithm"] == "md5"
        bench.close()

    def test_said_once_in_the_story(self, bench: Bench) -> None:
        """A mismatch is reported by every sweep and noted in the file's story once."""
        fill(bench, a=b"one")
        flip(bench.root / "a.mov")
        assert [sweep(bench)["mismatch"] for _ in range(3)] == [1, 1, 1]
        assert [note["what"] for note in noted(bench, "a.mov")] == ["mismatch"]

    def test_healed(self, bench: Bench) -> None:
        """A file that failed and is as recorded again is so in the catalog, and its story tells both."""
        fill(bench, a=b"one")
        flip(bench.root / "a.mov")
        sweep(bench)
        flip(bench.root / "a.mov")
        assert sweep(bench)["problems"] == []
        row = bench.row("a.mov")
        assert (row.integrity, row.problem) == ("recorded", None)
        assert [note["what"] for note in noted(bench, "a.mov")] == ["mismatch", "healed"]
        assert bench.faults() == []

    def test_misread(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reading that is wrong once is the way's fault: reported with both readings, and the file stays sound."""
        fill(bench, a=b"one", b=b"two")
        reads = itertools.count()

        def once_wrong(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            count = os.preadv(fd, buffers, offset, flags)
            if content_in(fd) == b"two" and next(reads) == 0:
                buffers[0][0] ^= 4
            return count

        let_reads_be(monkeypatch, once_wrong)
        answer = sweep(bench)
        assert (answer["verified"], answer["misread"], answer["mismatch"]) == (2, 1, 0)
        assert [one["verdict"] for one in answer["problems"]] == ["misread"]
        row = bench.row("b.mov")
        assert row.integrity == "recorded"
        assert "rightly a moment later" in (row.problem or "")
        first, second = noted(bench, "b.mov")[-1]["detail"]["readings"]
        assert first["digests"] != second["digests"] == digest(b"two")
        assert sweep(bench)["problems"] == []
        assert bench.row("b.mov").problem is None

    def test_past_the_page_cache(self, bench: Bench) -> None:
        """What memory holds of a file is no proof: it is dropped, the disk is read, and nothing is left in memory."""
        fill(bench, a=b"x" * 100_000)
        with open(bench.root / "a.mov", "rb") as file:
            os.fsync(file.fileno())
            cache.drop(file.fileno())
            if cache.resident_pages(file.fileno()) != 0:
                pytest.skip("this file system keeps files in memory, or the kernel does not tell")
            file.read()
            assert cache.resident_pages(file.fileno())
            assert sweep(bench)["verified"] == 1
            assert cache.resident_pages(file.fileno()) == 0

    def test_unreadable(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file whose bytes the disk does not give is unreadable, with advice, and no mismatch; later it may heal."""
        fill(bench, a=b"one", b=b"two")

        def failing(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            if content_in(fd) == b"two":
                raise OSError(errno.EIO, "Input/output error")
            return os.preadv(fd, buffers, offset, flags)

        let_reads_be(monkeypatch, failing)
        answer = sweep(bench)
        assert (answer["verified"], answer["unreadable"], answer["mismatch"]) == (1, 1, 0)
        assert "kernel's log" in answer["problems"][0]["problem"]
        row = bench.row("b.mov")
        assert (row.integrity, row.due_for) == ("unreadable", "read")
        monkeypatch.undo()
        with bench.database.write() as connection:
            files.change(connection, [(row, changed(row, due_us=1))])
        assert sweep(bench)["not_checked_reasons"] == {"with_daemon": 1}, "the daemon is about to try it again"
        with bench.database.write() as connection:
            files.change(connection, [(changed(row, due_us=1), changed(row, due_us=2**60))])
        assert sweep(bench)["verified"] == 2
        assert bench.row("b.mov").integrity == "recorded"
        assert noted(bench, "b.mov")[-1]["what"] == "readable_again"
        assert bench.faults() == []

    def test_no_permission(self, bench: Bench) -> None:
        """What this user may not read is unreadable, and the advice says what to permit."""
        fill(bench, a=b"one")
        (bench.root / "a.mov").chmod(0)
        with ordinary_rights():
            answer = sweep(bench)
        assert answer["unreadable"] == 1
        assert "no permission" in answer["problems"][0]["problem"]

    def test_gone(self, bench: Bench) -> None:
        """A file that is not there is missing in this answer; the daemon's own two looks decide on its presence."""
        fill(bench, a=b"one", b=b"two")
        (bench.root / "a.mov").unlink()
        answer = sweep(bench)
        assert (answer["missing"], answer["verified"]) == (1, 1)
        assert bench.row("a.mov").presence == "present"
        bench.quiesce()
        assert bench.row("a.mov").presence == "missing"

    def test_written_to(self, bench: Bench) -> None:
        """A file with another stat is not called a mismatch: it is left to the daemon, which reads it."""
        fill(bench, a=b"one")
        (bench.root / "a.mov").write_bytes(b"other")
        answer = sweep(bench)
        assert (answer["checked"], answer["not_checked_reasons"]) == (0, {"changed": 1})
        assert bench.row("a.mov").due_for == "settle"
        bench.clock.advance(20)
        bench.quiesce()
        assert bench.states()["a.mov"].digests == digest(b"other")

    def test_open_for_writing(self, bench: Bench) -> None:
        """A file that somebody has open for writing is left for another time, and said so."""
        fill(bench, a=b"one")
        with open(bench.root / "a.mov", "r+b"):
            answer = sweep(bench)
        assert answer["not_checked_reasons"] == {"being_written": 1}
        assert sweep(bench)["verified"] == 1

    def test_a_senders_mismatch_stands(self, bench: Bench) -> None:
        """A file that is as recorded, but not as its sender said, stays a mismatch."""
        fill(bench, a=b"not what was sent")
        row = bench.row("a.mov")
        with bench.database.write() as connection:
            package = {"volume_id": 1, "path": "", "found_us": 1, "stale": 0}
            connection.execute(insert(t.package).values(**package))
            claim = {
                "package_id": 1,
                "path": "a.mov",
                "key": "a.mov",
                "volume_id": 1,
                "file_id": row.id,
                "judged_us": 1,
            }
            said = {"verdict": "mismatch", "algorithm": "md5", "expected": "0123", "computed": "4567"}
            connection.execute(insert(t.claim).values(**claim, **said, version_id=row.version_id))
            wrong = changed(row, integrity="mismatch", problem="md5 is not what its sender says")
            files.change(connection, [(row, wrong)])
        answer = sweep(bench)
        assert [(one["path"], one["verdict"], one["expected"], one["computed"]) for one in answer["problems"]] == [
            ("a.mov", "mismatch", "0123", "4567")
        ]
        after = bench.row("a.mov")
        assert (after.integrity, after.problem, after.checked_us is None) == ("mismatch", wrong.problem, False)

    def test_written_to_after_it_was_verified(self, bench: Bench) -> None:
        """What is wrong for another reason than that bytes changed is not undone by finding them the same."""
        fill(bench, a=b"one")
        row = bench.row("a.mov")
        with bench.database.write() as connection:
            files.change(
                connection, [(row, changed(row, integrity="mismatch", problem="changed after it was verified"))]
            )
        assert sweep(bench)["mismatch"] == 1
        assert bench.row("a.mov").integrity == "mismatch"

    def test_a_list_asked_for_more(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A list that needs another digest of a file that is just being checked gets it: the file is due to be read."""
        fill(bench, a=b"one")
        row = bench.row("a.mov")

        def a_list_comes(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            with bench.database.write() as connection:
                package = {"volume_id": 1, "path": "", "found_us": 1, "stale": 0}
                connection.execute(insert(t.package).values(**package))
                where = {"package_id": 1, "path": "a.mov", "key": "a.mov", "volume_id": 1, "file_id": row.id}
                connection.execute(insert(t.claim).values(**where, verdict="waiting", wanted="md5", judged_us=1))
            return os.preadv(fd, buffers, offset, flags)

        let_reads_be(monkeypatch, a_list_comes)
        assert sweep(bench)["verified"] == 1
        after = bench.row("a.mov")
        assert (after.due_for, after.checked_us is None) == ("read", False)


class TestOrderAndBounds:
    """Which files, in which order, and when it stops."""

    def test_failed_first_then_the_longest_unread(self, bench: Bench) -> None:
        """One file a sweep: the failed one takes its turn each night, and the others follow one another."""
        fill(bench, a=b"aaaa", b=b"bbbb", c=b"cccc")
        flip(bench.root / "c.mov")
        assert sweep(bench, path="c.mov")["mismatch"] == 1
        checked = []
        for _ in range(3):
            bench.clock.advance(86_400)
            before = {path: row.checked_us for path, row in bench.rows().items()}
            assert sweep(bench, max_bytes=8)["checked"] == 2
            checked.append([path for path, row in bench.rows().items() if row.checked_us != before[path]])
        assert checked == [["a.mov"], ["b.mov"], ["a.mov"]]

    def test_pages(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files recorded at one moment are all met, each once, however many the catalog is asked for at a time."""
        monkeypatch.setattr(checks, "_PAGE", 3)
        for number in range(10):
            (bench.root / f"{number}.mov").write_bytes(b"x")
        bench.clock.advance(20)
        bench.quiesce(scan=True)
        assert len({row.recorded_us for row in bench.rows().values()}) < 10
        for _ in range(2):
            assert sweep(bench)["checked"] == 10

    def test_a_budget_of_bytes(self, bench: Bench) -> None:
        """It stops at its bytes, says what it left, and the next sweeps go on until all is checked."""
        fill(bench, **{f"f{number}": b"x" * 100 for number in range(5)})
        answers = []
        for _ in range(3):
            answers.append(sweep(bench, max_bytes=200))
            bench.clock.advance(86_400)
        assert [one["checked"] for one in answers] == [2, 2, 2]
        assert [one["complete"] for one in answers] == [False, False, False]
        assert answers[0]["not_checked_reasons"] == {"budget": 3}
        assert all(row.checked_us is not None for row in bench.rows().values())

    def test_a_file_larger_than_the_budget(self, bench: Bench) -> None:
        """A file that alone is more than the budget is read when it is the first: else it would never be."""
        fill(bench, big=b"x" * 500, small=b"y")
        assert sweep(bench, max_bytes=100)["bytes"] == 500

    def test_failures_leave_room_for_others(self, bench: Bench) -> None:
        """Failed files take half of the budget at most, so that a disk full of them does not keep the rest from it."""
        fill(bench, **{f"f{number}": b"x" * 100 for number in range(4)}, good=b"y" * 100)
        for number in range(4):
            flip(bench.root / f"f{number}.mov")
        sweep(bench)
        before = bench.row("good.mov").checked_us
        bench.clock.advance(60)
        assert sweep(bench, max_bytes=400)["mismatch"] == 3
        assert bench.row("good.mov").checked_us != before

    def test_when_all_will_be_checked(self, bench: Bench) -> None:
        """The pace of the nights tells when everything will have been read, and it comes nearer each night."""
        fill(bench, **{f"f{number}": b"x" * 100 for number in range(6)})
        first = sweep(bench, max_bytes=200)
        assert (first["pace_bytes_per_day"], first["bytes_total"]) == (200, 600)
        bench.clock.advance(86_400)
        second = sweep(bench, max_bytes=200)
        assert second["pace_bytes_per_day"] == pytest.approx(200, rel=0.01)
        hours = [
            (microseconds(_time(one["everything_checked_by"])) - microseconds(_time(one["finished"]))) / 3.6e9
            for one in (first, second)
        ]
        assert hours == pytest.approx([48, 24], rel=0.02)

    def test_an_age(self, bench: Bench) -> None:
        """Only what was last checked longer ago than the age is read; what was never read again always is."""
        fill(bench, a=b"one")
        sweep(bench)
        fill(bench, b=b"two")
        answer = sweep(bench, max_age=3600.0)
        assert (answer["checked"], answer["not_checked_reasons"]) == (1, {"recent": 1})
        assert answer["complete"] is True
        bench.clock.advance(3700)
        assert sweep(bench, max_age=3600.0)["checked"] == 2

    def test_one_path(self, bench: Bench) -> None:
        """A pattern narrows it down, and the counts are about what it fits."""
        fill(bench, A__a=b"one", A__b=b"two", B__c=b"three")
        answer = sweep(bench, path="A")
        assert (answer["checked"], answer["bytes_total"], answer["not_checked"]) == (2, 6, 0)
        assert sweep(bench, path="*/c.mov")["checked"] == 1
        assert sweep(bench, path="nothing")["checked"] == 0

    def test_time_is_up(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """When its time is up a read is broken off; the file is given back, and said to be too long for a night."""
        fill(bench, a=b"x" * (SMALL_BYTES * 2), b=b"y")
        ending = threading.Event()

        def slow(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            if os.fstat(fd).st_size > 1:
                bench.clock.advance(3600)
                ending.wait(5)
            return os.preadv(fd, buffers, offset, flags)

        let_reads_be(monkeypatch, slow)
        running = sweep_of(bench, max_duration=1800.0)
        wind_up = running._wind_up
        monkeypatch.setattr(running, "_wind_up", lambda: (ending.set(), wind_up()))
        answer = running.run(threading.Event())
        assert answer["ended_by"] == "budget"
        assert answer["not_checked_reasons"]["budget"] >= 1
        assert answer["complete"] is False
        assert bench.row("a.mov").due_for is None
        assert bench.row("a.mov").checked_us is None

    def test_told_to_stop(self, bench: Bench) -> None:
        """Told to stop it ends at once, with everything given back and its books closed."""
        fill(bench, a=b"one")
        stop = threading.Event()
        stop.set()
        answer = sweep_of(bench).run(stop)
        assert (answer["ended_by"], answer["not_checked_reasons"]) == ("stopped", {"stopped": 1})
        with bench.database.read() as connection:
            last = queries.last_run(connection, "verify")
        assert last is not None
        assert last["run"] == answer["run"]
        assert last["counts"]["not_checked"] == 1

    def test_quiet_hours(self, bench: Bench) -> None:
        """A volume is left alone in its quiet hours, in the show's time, and is checked after them."""
        fill(bench, a=b"one")
        minute = bench.clock.now().astimezone().hour * 60 + bench.clock.now().astimezone().minute
        begin, end = ((minute + shift) % 1440 for shift in (-120, 120))
        hours = f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"
        answer = sweep_of(bench, verify=VerifySection(quiet=(hours,))).run(threading.Event())
        assert (answer["checked"], answer["not_checked_reasons"]) == (0, {"quiet_hours": 1})
        assert answer["complete"] is False
        bench.clock.advance(4 * 3600)
        assert sweep_of(bench, verify=VerifySection(quiet=(hours,))).run(threading.Event())["checked"] == 1

    @pytest.mark.parametrize(
        ("hours", "times"),
        [
            ("09:00-19:00", {"08:59": False, "09:00": True, "18:59": True, "19:00": False}),
            ("22:00-06:00", {"21:59": False, "22:00": True, "00:00": True, "05:59": True, "06:00": False}),
            ("00:00-24:00", {"00:00": True, "23:59": True}),
        ],
    )
    def test_parts_of_the_day(self, hours: str, times: dict[str, bool]) -> None:
        """A part of the day holds its first minute and not its last, also where it goes on past midnight."""
        from datetime import datetime

        for text, expected in times.items():
            moment = datetime.fromisoformat(f"2026-11-23T{text}:00").replace(tzinfo=UTC)
            assert is_quiet((parse_hours(hours),), moment) is expected


class TestBesideOthers:
    """The daemon, another sweep, a volume that goes, a crash."""

    def test_volume_offline(self, bench: Bench) -> None:
        """Of a volume that is not there nothing is concluded, and it is said so."""
        fill(bench, a=b"one")
        bench.root.rename(bench.root.with_name("elsewhere"))
        answer = sweep(bench)
        assert (answer["checked"], answer["missing"], answer["not_checked_reasons"]) == (0, 0, {"offline": 1})
        assert "offline" in answer["warnings"][0]
        assert bench.row("a.mov").due_for is None

    def test_volume_goes_while_it_is_read(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """When the volume goes half-way, what cannot be read any more is not called missing."""
        fill(bench, a=b"one", b=b"two")
        running = sweep_of(bench)
        visit = next(iter(running._visits.values()))
        looks = itertools.count()
        there = visit.swept.standing()

        def standing() -> Standing:
            if next(looks) == 0:
                bench.root.rename(bench.root.with_name("elsewhere"))
                return there
            return Standing(False, "it went")

        visit.swept = replace(visit.swept, standing=standing)
        answer = running.run(threading.Event())
        assert (answer["missing"], answer["not_checked_reasons"]) == (0, {"offline": 2})
        assert {row.due_for for row in bench.rows().values()} == {None}

    def test_what_the_daemon_is_to_read(self, bench: Bench) -> None:
        """A file that is owed something is left to the daemon."""
        fill(bench, a=b"one", b=b"two")
        row = bench.row("a.mov")
        with bench.database.write() as connection:
            files.change(connection, [(row, changed(row, due_for="read", due_us=1))])
        answer = sweep(bench)
        assert (answer["checked"], answer["not_checked_reasons"]) == (1, {"with_daemon": 1})
        assert bench.row("a.mov").due_for == "read"

    def test_changed_meanwhile(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the daemon notices of a file while it is being checked counts, and what the sweep found is dropped."""
        fill(bench, a=b"one")

        def seen_by_the_daemon(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            row = bench.row("a.mov")
            assert row.due_for == "checking"
            with bench.database.write() as connection:
                files.change(connection, [(row, changed(row, due_for="settle", due_us=1))])
            return os.preadv(fd, buffers, offset, flags)

        let_reads_be(monkeypatch, seen_by_the_daemon)
        answer = sweep(bench)
        assert answer["not_checked_reasons"] == {"changed": 1}
        assert (bench.row("a.mov").due_for, bench.row("a.mov").checked_us) == ("settle", None)

    def test_claimed_files_are_not_read_by_the_daemon(self, bench: Bench) -> None:
        """While a file is being checked the daemon does not read it, whatever else it does."""
        fill(bench, a=b"one")
        row = bench.row("a.mov")
        with bench.database.write() as connection:
            assert checks.claim(connection, [row], bench.now_us()).keys() == {row.id}
            assert checks.claim(connection, [row], bench.now_us()) == {}
        read = bench.files_read
        bench.care.ask_scan("the test")
        bench.work()
        assert bench.files_read == read
        assert bench.row("a.mov").due_for == "checking"

    def test_after_a_crash(self, bench: Bench) -> None:
        """What a killed sweep had claimed is given back by the volume's next keeper, and by the next sweep."""
        fill(bench, a=b"one", b=b"two")
        for give_back in (bench.restart, lambda: sweep(bench)):
            rows = list(bench.rows().values())
            with bench.database.write() as connection:
                assert len(checks.claim(connection, rows, bench.now_us())) == 2
            give_back()
            bench.work()
            assert {row.due_for for row in bench.rows().values()} == {None}

    def test_a_keeper_that_starts_does_no_harm(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """Claims that a starting daemon gives back under a sweep's hands are entered all the same."""
        fill(bench, a=b"one")

        def given_back(fd: int, buffers: list[memoryview], offset: int, flags: int = 0, /) -> int:
            with bench.database.write() as connection:
                assert checks.give_back(connection, [1], bench.now_us()) == 1
            return os.preadv(fd, buffers, offset, flags)

        let_reads_be(monkeypatch, given_back)
        assert sweep(bench)["verified"] == 1
        assert bench.row("a.mov").checked_us is not None

    def test_two_sweeps(self, bench: Bench) -> None:
        """A second sweep of the same volume is refused, and told who is at it."""
        fill(bench, a=b"one")
        first = sweep_of(bench)
        with pytest.raises(HeldError, match=rf"being checked by `assetwatch verify` with process id {os.getpid()}"):
            sweep_of(bench)
        assert first.run(threading.Event())["checked"] == 1
        assert sweep(bench)["checked"] == 1

    def test_unknown_volume(self, bench: Bench) -> None:
        """A volume that the catalog does not know is named, with those that it knows."""
        with pytest.raises(UsageError, match="no volume 'X'; it knows V"):
            sweep_of(bench, names=("X",))

    def test_the_catalogs_integrity_words(self) -> None:
        """The index over what failed names every state that is a failure."""
        for state in (Integrity.MISMATCH, Integrity.UNREADABLE):
            assert f"'{state.value}'" in t.FAILED


def _time(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)
