"""What does a night of ingest look like from the catalog? Told from the first byte to the morning."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.errors import HeldError
from assetwatch.ingest.record import INTERRUPTIONS_MAX
from assetwatch.paths import from_os
from tests.harness import Bench, digest, in_thread, ordinary_rights

CLIP = b"\0\0\0\x14ftypqt  "


@pytest.fixture(params=["ctime proves rest", "only our clock counts"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """A volume in care that is looked at once a minute, with a clock that agrees with the kernel's or does not."""
    bench = Bench(tmp_path, rescan="60s", lag_s=0 if request.param == "ctime proves rest" else 30 * 86_400)
    yield bench
    bench.close()


def card(root: Path, clips: int = 4) -> Path:
    """A camera card with clips and what the camera puts beside them."""
    for clip in range(1, clips + 1):
        folder = root / f"A001R1AB/A001C{clip:03}_261123_R1AB.RDC"
        folder.mkdir(parents=True)
        (folder / f"A001C{clip:03}_261123_R1AB_001.R3D").write_bytes(os.urandom(3000))
        (folder / f"A001C{clip:03}_261123_R1AB.RMD").write_text("<xmp/>")
    return root


class TestOffload:
    def test_volume_drops_out_during_an_offload_and_comes_back(self, tmp_path: Path) -> None:
        """A card is copied; half-way the mount goes and comes back; in the morning all of it is on record, once."""
        source = card(tmp_path / "card")
        disk, mount_point = tmp_path / "disk", tmp_path / "volume"
        disk.mkdir()
        mount_point.mkdir()
        _mount("--bind", str(disk), at=mount_point)
        bench = Bench(tmp_path, rescan="60s", guard="mount")
        try:
            bench.work()
            shutil.copytree(source, disk, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*C003*", "*C004*"))
            bench.pass_time(90)
            assert len(bench.cataloged()) == 4
            _unmount(mount_point)
            bench.pass_time(600)
            assert not bench.care.online
            assert bench.alerts() == ["volume_offline"]
            assert {state.presence for state in bench.states().values()} == {"present"}
            shutil.copytree(source, disk, dirs_exist_ok=True)  # copies on, on the other side of the mount
            _mount("--bind", str(disk), at=mount_point)
            bench.pass_time(10)
            bench.quiesce()
            assert bench.alerts() == []
            assert bench.cataloged() == bench.disk()
            assert len(bench.disk()) == 8
            assert "missing" not in bench.observed()
            assert all(bench.versions(path) == 1 for path in bench.disk() if "C003" in path)
        finally:
            bench.close()
            _unmount(mount_point, lazily=True)

    def test_another_disk_in_its_place_is_not_the_volume(self, tmp_path: Path) -> None:
        """Swapped for another disk with the same names on it: offline, and nothing is missing or changed."""
        disk, other, mount_point = tmp_path / "disk", tmp_path / "other", tmp_path / "volume"
        for one in (disk, other, mount_point):
            one.mkdir()
        (disk / "a.mov").write_bytes(b"the right disk")
        (other / "a.mov").write_bytes(b"the wrong disk")
        _mount("--bind", str(disk), at=mount_point)
        bench = Bench(tmp_path, rescan="60s")
        try:
            bench.quiesce()
            _unmount(mount_point)
            _mount("--bind", str(other), at=mount_point)
            bench.pass_time(300)
            assert not bench.care.online
            assert "not the volume that is known" in bench.care.reason
            assert bench.states() == {"a.mov": ("present", "recorded", digest(b"the right disk"))}
        finally:
            bench.close()
            _unmount(mount_point, lazily=True)

    def test_growing_file_with_pauses(self, bench: Bench) -> None:
        """A slow copy pauses for less than the settle time, again and again: it is read once, at the end."""
        bench.work()
        clip = bench.root / "A001C001.mov"
        for _ in range(8):
            with open(clip, "ab") as growing:
                growing.write(b"some more bytes of it")
            bench.care.ask_scan("a hint, as it were")
            bench.work()
            if bench.clock.lag_s:  # where ctime counts, only real time would make a pause
                bench.pass_time(8)
            assert bench.states()["A001C001.mov"][:2] == ("arriving", "pending")
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        assert bench.versions("A001C001.mov") == bench.files_read == 1

    def test_growing_file_that_rests_for_long(self, bench: Bench) -> None:
        """A copy that rests for longer than the settle time is read as it is, and as a new version when it goes on."""
        clip = bench.root / "A001C001.mov"
        clip.write_bytes(b"one")
        bench.quiesce()
        assert bench.states()["A001C001.mov"].digests == digest(b"one")
        with open(clip, "ab") as growing:
            growing.write(b" and two")
        bench.quiesce(scan=True)
        assert bench.states()["A001C001.mov"] == ("present", "recorded", digest(b"one and two"))
        assert bench.versions("A001C001.mov") == 2

    def test_writer_that_holds_the_file_open_is_waited_for(self, bench: Bench) -> None:
        """However long a recorder says nothing: while it holds the file open for writing, nothing is read."""
        with open(bench.root / "live.mov", "wb") as recorder:
            recorder.write(b"the first minute")
            recorder.flush()
            bench.pass_time(600)
            if bench.states()["live.mov"].presence != "arriving":
                pytest.skip("this file system does not tell who has a file open")
            recorder.write(b", the last")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        assert bench.versions("live.mov") == 1

    def test_transfer_tool_with_a_temporary_name(self, bench: Bench) -> None:
        """rsync's name with a dot and six letters is never entered; the rename that ends it brings the file."""
        bench.work()
        temporary = bench.root / ".A001C001.mov.aB3xYz"
        temporary.write_bytes(b"half")
        bench.pass_time(200)
        assert bench.states() == {}
        temporary.write_bytes(b"half and whole")
        os.utime(temporary, ns=(10**18, 10**18))
        temporary.rename(bench.root / "A001C001.mov")
        bench.quiesce(scan=True)
        assert bench.states() == {"A001C001.mov": ("present", "recorded", digest(b"half and whole"))}
        assert bench.files_read == 1

    def test_copy_that_is_given_up_leaves_nothing(self, bench: Bench) -> None:
        """A file that vanishes before it has settled, and one that vanishes while it is read, are no files."""
        clip = bench.root / "A001C001.mov"
        clip.write_bytes(CLIP)
        bench.work()
        clip.unlink()
        bench.quiesce(scan=True)
        assert bench.states() == {}
        assert bench.faults() == []


class TestChange:
    def test_rewrite_in_place(self, bench: Bench) -> None:
        """Bytes change, the size does not: a new version, the old one kept with its digest."""
        clip = bench.root / "a.mov"
        clip.write_bytes(b"before")
        bench.quiesce()
        with open(clip, "r+b") as changing:
            changing.write(b"after!")
        bench.quiesce(scan=True)
        assert bench.states()["a.mov"].digests == digest(b"after!")
        assert bench.versions("a.mov") == 2
        assert bench.observed("changed") == bench.observed("replaced") == ["a.mov"]

    def test_replaced_by_another_of_the_same_size_with_its_mtime(self, bench: Bench) -> None:
        """A second delivery under the same name, of the same length, its mtime set back to the first one's."""
        clip = bench.root / "a.mov"
        clip.write_bytes(b"first!")
        mtime_ns = clip.stat().st_mtime_ns
        bench.quiesce()
        if not bench.care.intake.rules.trust_inode:
            pytest.skip("inode numbers do not last on this file system")
        second = bench.root / "a.mov.part"
        second.write_bytes(b"second")
        os.utime(second, ns=(mtime_ns, mtime_ns))
        second.replace(clip)
        bench.quiesce(scan=True)
        assert bench.states()["a.mov"].digests == digest(b"second")

    def test_the_same_bytes_again_are_the_same_version(self, bench: Bench) -> None:
        """A second delivery of what is there already is looked at, and is not new content."""
        (bench.root / "a.mov").write_bytes(b"bytes")
        bench.quiesce()
        (bench.root / "again.part").write_bytes(b"bytes")
        (bench.root / "again.part").replace(bench.root / "a.mov")
        bench.quiesce(scan=True)
        assert bench.states()["a.mov"] == ("present", "recorded", digest(b"bytes"))
        assert bench.versions("a.mov") == 1
        assert bench.observed("same_bytes") == ["a.mov"]

    def test_permissions_and_links_move_no_byte(self, bench: Bench) -> None:
        """A chmod on everything, and a backup by hard links, have nothing read again."""
        card(bench.root)
        bench.quiesce()
        read = bench.files_read
        for folder, _, names in os.walk(bench.root):
            for name in names:
                os.chmod(os.path.join(folder, name), 0o640)
        bench.quiesce(scan=True)
        assert bench.files_read == read == 8


class TestFolders:
    def test_folder_moved_in_within_and_out(self, bench: Bench, tmp_path: Path) -> None:
        """Moved in whole it arrives; moved within it is the same files; moved out they are missing; back, present."""
        bench.work()
        outside = card(tmp_path / "outside") / "A001R1AB"
        outside.rename(bench.root / "A001R1AB")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        assert bench.files_read == 8
        (bench.root / "day01").mkdir()
        (bench.root / "A001R1AB").rename(bench.root / "day01/A001R1AB")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        if bench.care.intake.rules.trust_inode:
            assert bench.files_read == 8
            assert set(bench.states()) == set(bench.disk())
        (bench.root / "day01").rename(outside.parent / "day01")
        bench.quiesce(scan=True)
        assert bench.cataloged() == {}
        (outside.parent / "day01").rename(bench.root / "day01")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        if bench.care.intake.rules.trust_inode:
            assert bench.files_read == 8
        assert bench.faults() == []

    def test_hard_links_are_read_once(self, bench: Bench) -> None:
        """Each name is a file of its own with the digest of the bytes that they share."""
        (bench.root / "a.mov").write_bytes(CLIP + b"shared")
        for number in range(3):
            os.link(bench.root / "a.mov", bench.root / f"link{number}.mov")
        bench.quiesce()
        os.link(bench.root / "a.mov", bench.root / "later.mov")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        assert len(bench.disk()) == 5
        if bench.care.intake.rules.trust_inode:
            assert bench.files_read == 1

    def test_write_through_a_hard_link_is_seen_under_every_name(self, bench: Bench) -> None:
        """What is written through one name has changed under the others too."""
        (bench.root / "a.mov").write_bytes(b"before")
        os.link(bench.root / "a.mov", bench.root / "b.mov")
        bench.quiesce()
        with open(bench.root / "b.mov", "ab") as changing:
            changing.write(b" and after")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()


class TestOddThings:
    def test_links_out_of_the_volume_are_never_followed(self, bench: Bench, tmp_path: Path) -> None:
        """Links to a file and to a folder outside are recorded as links; what is behind them is not the volume's."""
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret/key.mov").write_bytes(b"not ours")
        (bench.root / "file.mov").symlink_to(tmp_path / "secret/key.mov")
        (bench.root / "folder").symlink_to(tmp_path / "secret")
        (bench.root / "loop").symlink_to(bench.root)
        bench.quiesce()
        assert {path: row.kind for path, row in bench.rows().items()} == {
            "file.mov": "symlink",
            "folder": "symlink",
            "loop": "symlink",
        }
        assert bench.files_read == 0

    def test_pipes_and_sockets_hold_nobody_up(self, bench: Bench) -> None:
        """They are named, and never opened: a writer that waits on a FIFO still waits afterwards."""
        os.mkfifo(bench.root / "pipe.mov")
        opened = []
        writer = in_thread(lambda: opened.append(os.open(bench.root / "pipe.mov", os.O_WRONLY)))
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(bench.root / "socket.mov"))
            bench.quiesce()
        assert {row.kind for row in bench.rows().values()} == {"special"}
        assert opened == []
        os.close(os.open(bench.root / "pipe.mov", os.O_RDONLY | os.O_NONBLOCK))
        writer.join(5)
        assert not writer.is_alive()
        os.close(opened[0])

    def test_unreadable_file_that_becomes_readable(self, bench: Bench) -> None:
        """Tried at longer and longer intervals, and at once when somebody has mended it and a scan comes by."""
        clip = bench.root / "a.mov"
        clip.write_bytes(b"bytes")
        clip.chmod(0)
        with ordinary_rights():
            bench.quiesce()
            assert bench.states()["a.mov"][:2] == ("present", "unreadable")
            assert "permission" in (bench.row("a.mov").problem or "")
            bench.pass_time(100)
            assert bench.states()["a.mov"].integrity == "unreadable"
            clip.chmod(0o644)
            bench.quiesce(scan=True)
        assert bench.states()["a.mov"] == ("present", "recorded", digest(b"bytes"))
        assert bench.row("a.mov").problem is None
        assert bench.observed("unreadable") == ["a.mov"]

    @pytest.mark.parametrize(
        "name",
        [
            "new\nline.mov",
            "\"quotes\" and 'ticks'.mov",
            "🎬 take.mov",
            "e\u0301.mov",
            "\u00e9.mov",
            "no\udcff\udcfe.mov",
            "/".join(["\udce9"] * 3) + "/x.mov",
            "n" * 251 + ".mov",
            " ",
            "%2F..mov",
            "*?[a].mov",
        ],
    )
    def test_any_name_is_a_name(self, bench: Bench, name: str) -> None:
        """Recorded with its digest, missing when it goes, the same file when it is moved."""
        bench.work()
        file = bench.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"bytes")
        bench.quiesce(scan=True)
        assert bench.states() == {from_os(name): ("present", "recorded", digest(b"bytes"))}
        file.rename(bench.root / "moved.mov")
        bench.quiesce(scan=True)
        assert bench.cataloged() == bench.disk()
        (bench.root / "moved.mov").unlink()
        bench.quiesce(scan=True)
        assert bench.states()["moved.mov"].presence == "missing"

    def test_two_forms_of_one_name_are_two_files(self, bench: Bench) -> None:
        """NFC and NFD spell the same word in different bytes: two names on disk, two files in the catalog."""
        (bench.root / "\u00e9.mov").write_bytes(b"composed")
        (bench.root / "e\u0301.mov").write_bytes(b"decomposed")
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        assert len(bench.disk()) == 2

    def test_empty_and_sparse_files(self, bench: Bench) -> None:
        """Nothing at all, and nothing but a hole, have digests like anything else."""
        (bench.root / "empty.mov").touch()
        (bench.root / "sparse.mov").touch()
        os.truncate(bench.root / "sparse.mov", 5_000_000)
        bench.quiesce()
        assert bench.cataloged() == bench.disk()


class TestOurOwnTrouble:
    @pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
    def test_killed_at_any_turn(self, tmp_path: Path, turns: int) -> None:
        """Dropped after some turns of the loop, and begun anew: nothing is lost, nothing is there twice."""
        bench = Bench(tmp_path, settle="0s", rescan="60s")
        card(bench.root, clips=20)
        (bench.root / "big.mov").write_bytes(os.urandom(3 << 20))
        for _ in range(turns):
            bench.tick()
        bench.crash()
        bench.start()
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        assert all(bench.versions(path) == 1 for path in bench.disk())
        assert bench.faults() == []
        bench.close()

    def test_clean_stops_do_not_count_against_a_file(self, tmp_path: Path) -> None:
        """A file that takes longer than the program runs each day is not taken for one that ends it."""
        bench = Bench(tmp_path, rescan="60s")
        (bench.root / "a.mov").write_bytes(CLIP)
        for _ in range(INTERRUPTIONS_MAX + 2):
            bench.prober.held = True
            bench.pass_time(15)
            bench.restart()
        bench.work()
        assert bench.states()["a.mov"].integrity != "unreadable"
        bench.prober.held = False
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        bench.close()

    def test_second_program_on_a_volume_is_refused(self, bench: Bench) -> None:
        """It is told who has the volume; the first one goes on."""
        (bench.root / "a.mov").write_bytes(b"bytes")
        bench.tick()
        with pytest.raises(HeldError, match=f"`assetwatch scan` with process id {os.getpid()}"):
            bench._make()
        bench.quiesce()
        assert bench.cataloged() == bench.disk()


def _mount(*arguments: str, at: Path) -> None:
    ran = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.skip(f"mounting is not permitted here: {ran.stderr.strip()}")


def _unmount(at: Path, *, lazily: bool = False) -> None:
    subprocess.run(["umount", *(["-l"] if lazily else []), str(at)], check=not lazily, capture_output=lazily)
