"""Does the care of a volume hear, scan, hold back and conclude as it should? The loop as it is, but for its clock."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.catalog import volumes
from assetwatch.errors import HeldError
from assetwatch.ingest.record import INTERRUPTIONS_MAX
from tests.harness import Bench, digest, ordinary_rights


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume that is heard through what the test tells."""
    bench = Bench(tmp_path, ear=True, rescan="30d")
    yield bench
    bench.close()


def fill(bench: Bench, count: int) -> None:
    """`count` files, recorded."""
    for number in range(count):
        (bench.root / f"{number:03}.mov").write_bytes(b"%d" % number)
    bench.quiesce(scan=True)


def told(bench: Bench, *paths: str) -> None:
    """Let hints be heard."""
    assert bench.ear is not None
    bench.ear.tell(paths)


class TestHearing:
    def test_a_hint_is_all_that_is_needed(self, bench: Bench) -> None:
        """A file that was hinted at is recorded without another scan."""
        bench.quiesce()
        scans = bench.care.scans_done
        (bench.root / "a.mov").write_bytes(b"a")
        told(bench, "a.mov")
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        assert bench.care.scans_done == scans

    def test_names_that_are_no_utf8_are_heard(self, bench: Bench) -> None:
        """The kernel's names are bytes."""
        bench.quiesce()
        (bench.root / "A\udcff").mkdir()
        (bench.root / "A\udcff/\udcfe.mov").write_bytes(b"a")
        told(bench, "A\udcff/\udcfe.mov")
        bench.quiesce()
        assert bench.cataloged() == bench.disk()

    def test_hinted_folder_is_scanned_with_all_below(self, bench: Bench) -> None:
        """A folder moved in whole comes without a word on its files."""
        bench.quiesce()
        (bench.root / "A001/sub").mkdir(parents=True)
        (bench.root / "A001/a.mov").write_bytes(b"a")
        (bench.root / "A001/sub/b.mov").write_bytes(b"b")
        assert bench.ear is not None
        bench.ear.tell(folders=["A001"])
        bench.quiesce()
        assert bench.cataloged() == bench.disk()

    def test_ended_watch_is_begun_anew_with_a_scan(self, bench: Bench) -> None:
        """What happened while nobody listened is found."""
        bench.quiesce()
        assert bench.ear is not None
        starts = bench.ear.starts
        (bench.root / "a.mov").write_bytes(b"a")
        bench.ear.alive = False
        bench.quiesce()
        bench.pass_time(1)
        assert bench.ear.starts == starts + 1
        assert bench.cataloged() == bench.disk()

    def test_file_heard_open_is_left_alone_for_a_while(self, bench: Bench) -> None:
        """Created within earshot and not closed: not read at the settle time, but not kept waiting for ever either."""
        bench.quiesce()
        (bench.root / "a.mov").write_bytes(b"a")
        assert bench.ear is not None
        bench.ear.open_files.add("a.mov")
        told(bench, "a.mov")
        bench.pass_time(25)
        assert bench.states()["a.mov"].presence == "arriving"
        bench.pass_time(120)
        assert bench.states()["a.mov"].presence == "present"

    def test_hint_into_a_closed_folder_is_made_up_for_by_a_scan(self, bench: Bench) -> None:
        """What a hint named and a look could not reach is found once the folder is open."""
        bench.quiesce()
        (bench.root / "shut").mkdir()
        (bench.root / "shut/a.mov").write_bytes(b"a")
        (bench.root / "shut").chmod(0)
        with ordinary_rights():
            told(bench, "shut/a.mov")
            bench.work()
        (bench.root / "shut").chmod(0o755)
        bench.pass_time(90)
        assert bench.cataloged() == bench.disk()


class TestFresh:
    def test_second_scan_while_fresh_files_are_read(self, tmp_path: Path) -> None:
        """A file that a first scan gave out to be read is not entered twice by a second one."""
        bench = Bench(tmp_path, settle="0s")
        bench.prober.held = True
        (bench.root / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  and a clip")
        bench.work()
        assert bench.prober.names == ["a.mov"]
        assert bench.states() == {}
        bench.care.ask_scan("a second one")
        bench.work()
        bench.prober.held = False
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        assert bench.files_read == 1
        bench.close()

    def test_fresh_files_of_a_volume_that_goes_are_found_again(self, tmp_path: Path) -> None:
        """What was given out to be read, and not entered when the volume went, is found when it is back."""
        bench = Bench(tmp_path, settle="0s")
        bench.prober.held = True
        (bench.root / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  and a clip")
        bench.work()
        bench.root.rename(tmp_path / "away")
        bench.pass_time(6)
        assert not bench.care.online
        bench.prober.held = False
        bench.work()
        assert bench.states() == {}
        (tmp_path / "away").rename(bench.root)
        bench.pass_time(6)
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        bench.close()


class TestVolume:
    def test_volume_that_goes_is_offline_and_nothing_is_missing(self, bench: Bench, tmp_path: Path) -> None:
        """Taken away and given back: an alert meanwhile, and every file is what it was, unread."""
        fill(bench, 5)
        before = bench.rows()
        bench.root.rename(tmp_path / "away")
        told(bench, "000.mov", "001.mov")
        bench.pass_time(120)
        assert not bench.care.online
        assert bench.alerts() == ["volume_offline"]
        (tmp_path / "away").rename(bench.root)
        bench.pass_time(6)
        bench.quiesce()
        assert bench.care.online
        assert bench.alerts() == []
        assert bench.rows() == before
        assert bench.files_read == 5

    def test_volume_that_flaps_sets_no_file_aside(self, bench: Bench, tmp_path: Path) -> None:
        """A file whose reading was cut short by the volume's going is not to blame, however often that happens."""
        bench.prober.held = True
        (bench.root / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  and a clip")
        for _ in range(INTERRUPTIONS_MAX + 2):
            bench.pass_time(30)
            bench.root.rename(tmp_path / "away")
            bench.pass_time(6)
            assert not bench.care.online
            bench.prober.held = False
            bench.work()
            bench.prober.held = True
            (tmp_path / "away").rename(bench.root)
            bench.pass_time(6)
        assert bench.states()["a.mov"].integrity == "pending"
        bench.prober.held = False
        bench.quiesce()
        assert bench.cataloged() == bench.disk()

    def test_file_that_ends_the_program_is_set_aside(self, bench: Bench) -> None:
        """A file in whose reading the program ended again and again is unreadable, and is tried once a day."""
        (bench.root / "a.mov").write_bytes(b"\0\0\0\x14ftypqt  and a clip")
        for _ in range(INTERRUPTIONS_MAX):
            bench.prober.held = True
            bench.pass_time(30)
            bench.crash()
            bench.start()
        bench.prober.held = False
        bench.work()
        assert bench.states()["a.mov"].integrity == "unreadable"
        assert "set aside" in (bench.row("a.mov").problem or "")
        bench.skip_time(86_401)
        bench.quiesce()
        assert bench.cataloged() == bench.disk()

    def test_second_keeper_is_told_who_the_first_is(self, bench: Bench) -> None:
        """One keeper a volume and catalog."""
        bench.work()
        with pytest.raises(HeldError, match=rf"`assetwatch run` with process id {os.getpid()}"):
            bench._make()


class TestLoss:
    def test_a_few_deleted_files_are_missing_after_two_looks(self, bench: Bench) -> None:
        """One look only notes it."""
        fill(bench, 5)
        (bench.root / "001.mov").unlink()
        told(bench, "001.mov")
        bench.work()
        assert bench.states()["001.mov"].presence == "present"
        bench.quiesce()
        assert bench.states()["001.mov"] == ("missing", "recorded", digest(b"1"))

    def test_file_deleted_before_its_new_bytes_were_read_keeps_nobody_waiting(self, bench: Bench) -> None:
        """Rewritten and gone at once: missing, its new content never read, and not among what waits for a reader."""
        fill(bench, 2)
        (bench.root / "001.mov").write_bytes(b"rewritten")
        told(bench, "001.mov")
        bench.work()
        (bench.root / "001.mov").unlink()
        told(bench, "001.mov")
        bench.quiesce()
        assert bench.states()["001.mov"] == ("missing", "pending", digest(b"1"))
        progress = bench.daemon.progress()
        assert (progress.waiting, progress.bytes_waiting) == (0, 0)

    def test_great_loss_is_held_until_a_person_confirms_it(self, bench: Bench) -> None:
        """More than max_loss at once: an alert, nothing missing; accepted, all of it is."""
        fill(bench, 50)
        for number in range(40):
            (bench.root / f"{number:03}.mov").unlink()
        bench.care.ask_scan("the test")
        bench.pass_time(600)
        assert {state.presence for state in bench.states().values()} == {"present"}
        assert bench.alerts() == ["mass_loss"]
        with bench.database.write() as connection:
            volumes.set_values(connection, bench.care.id, {"accepted_us": bench.now_us()})
        bench.pass_time(120)
        bench.quiesce()
        assert sum(state.presence == "missing" for state in bench.states().values()) == 40
        assert bench.alerts() == []
        assert bench.faults() == []

    def test_great_loss_that_is_made_good_is_forgotten(self, bench: Bench, tmp_path: Path) -> None:
        """The files are back as they were: no alert is left, and nothing was read again."""
        fill(bench, 50)
        (tmp_path / "away").mkdir()
        for number in range(40):
            (bench.root / f"{number:03}.mov").rename(tmp_path / "away" / f"{number:03}.mov")
        bench.care.ask_scan("the test")
        bench.pass_time(60)
        assert bench.alerts() == ["mass_loss"]
        for number in range(40):
            (tmp_path / "away" / f"{number:03}.mov").rename(bench.root / f"{number:03}.mov")
        bench.pass_time(300)
        bench.quiesce()
        assert bench.alerts() == []
        assert bench.cataloged() == bench.disk()

    def test_folder_emptied_by_people_is_not_a_lost_volume(self, bench: Bench) -> None:
        """A small volume may be emptied: the same directory, without its files, says that they were deleted."""
        fill(bench, 5)
        for number in range(5):
            (bench.root / f"{number:03}.mov").unlink()
        bench.quiesce(scan=True)
        assert {state.presence for state in bench.states().values()} == {"missing"}

    def test_directory_made_anew_and_empty_is_a_lost_volume(self, bench: Bench) -> None:
        """Another directory in the root's place, with nothing in it, is a mount point without its mount."""
        fill(bench, 5)
        shutil.rmtree(bench.root)
        keep = bench.root.parent / "keeps-the-inode"
        keep.mkdir()
        bench.root.mkdir()
        bench.pass_time(60)
        assert not bench.care.online
        assert {state.presence for state in bench.states().values()} == {"present"}
