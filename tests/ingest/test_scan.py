"""Does a scan see all of a volume, conclude only what it saw, and cost little where nothing has changed?"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.ingest.scan import Scan, VolumeLost
from tests.harness import Bench, digest, ordinary_rights


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume in care."""
    bench = Bench(tmp_path, rescan="30d")
    yield bench
    bench.close()


def walk(bench: Bench, start: str = "") -> Scan:
    """One scan to its end, apart from the loop."""
    bench.clock.keep_up()
    scan = Scan(bench.care.intake, "a test", start)
    while not scan.walked:
        scan.step(bench.database, bench.now_us())
    scan.conclude(bench.database, bench.now_us())
    return scan


def tree(root: Path, *paths: str) -> None:
    """Files that hold their own names."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(os.fsencode(path))


class TestWalk:
    def test_every_file_is_found_however_the_folders_lie(self, bench: Bench) -> None:
        """More folders than one step asks for, and more entries than one step takes."""
        tree(bench.root, *(f"wide/{number:03}/clip.mov" for number in range(300)))
        tree(bench.root, *(f"full/f.{number:04}.txt" for number in range(2500)))
        bench.quiesce()
        assert bench.cataloged() == bench.disk()
        assert len(bench.disk()) == 2800

    def test_second_scan_of_a_volume_at_rest_looks_at_no_file(self, bench: Bench) -> None:
        """Fingerprints of folders answer for the files in them."""
        tree(bench.root, "a.mov", "A001/b.mov", "A001/c/d.mov")
        bench.quiesce()
        walk(bench)  # the first look at what is at rest now: takes the fingerprints
        scan = walk(bench)
        assert (scan.folders, scan.files, scan.differed) == (3, 0, 0)

    def test_only_the_folder_that_changed_is_compared(self, bench: Bench) -> None:
        """One new file costs one folder."""
        tree(bench.root, *(f"roll{number}/{take}.mov" for number in range(5) for take in range(4)))
        bench.quiesce()
        walk(bench)
        tree(bench.root, "roll3/new.mov")
        scan = walk(bench)
        assert (scan.files, scan.differed) == (5, 1)

    def test_ignored_names_are_counted_in_unchanged_folders_too(self, bench: Bench) -> None:
        """What is passed over is told at every scan, not only at the first."""
        tree(bench.root, ".DS_Store", "A001/x.part", "A001/y.mov")
        bench.quiesce()
        walk(bench)
        assert walk(bench).ignored == {".DS_Store": 1, "*.part": 1}

    def test_part_of_the_volume_can_be_scanned(self, bench: Bench) -> None:
        """A scan of one folder sees and concludes nothing beside it."""
        tree(bench.root, "a/x.mov", "ab/x.mov", "a_/x.mov")
        bench.quiesce()
        for folder in ("a", "ab", "a_"):
            shutil.rmtree(bench.root / folder)
        scan = walk(bench, "a")
        assert scan.unreadable == {}
        absent = {path for path, row in bench.rows().items() if row.absent_us is not None}
        assert absent == {"a/x.mov"}

    def test_names_that_are_no_utf8_are_gone_and_stay_like_others(self, bench: Bench) -> None:
        """A folder whose name begins like another's, but for a byte that is no UTF-8, is apart from it."""
        tree(bench.root, "A/x.mov", "A\udcff/x.mov", "A\udcff\udcfe/B/x.mov")
        bench.quiesce()
        assert {state.presence for state in bench.states().values()} == {"present"}
        shutil.rmtree(bench.root / "A")
        bench.quiesce(scan=True)
        assert {path: state.presence for path, state in bench.states().items()} == {
            "A/x.mov": "missing",
            "A//FF/x.mov": "present",
            "A//FF//FE/B/x.mov": "present",
        }


class TestTrouble:
    def test_lost_root_ends_the_scan(self, bench: Bench) -> None:
        """When the root cannot be listed nothing is concluded at all."""
        tree(bench.root, "a/x.mov")
        bench.quiesce()
        shutil.rmtree(bench.root)
        with pytest.raises(VolumeLost):
            walk(bench)
        assert {row.absent_us for row in bench.rows().values()} == {None}

    def test_nothing_is_concluded_of_a_folder_that_cannot_be_read(self, bench: Bench) -> None:
        """Its files, and those below it, stay as they are; an alert names it, and goes when it can be read."""
        tree(bench.root, "shut/a.mov", "shut/in/b.mov", "open/c.mov")
        bench.quiesce()
        (bench.root / "shut").chmod(0)
        try:
            with ordinary_rights():
                bench.quiesce(scan=True)
                bench.pass_time(120)
            assert {state.presence for state in bench.states().values()} == {"present"}
            assert "unreadable_folders" in bench.alerts()
        finally:
            (bench.root / "shut").chmod(0o755)
        bench.quiesce(scan=True)
        assert bench.alerts() == []

    def test_folder_closed_before_its_files_settled(self, bench: Bench) -> None:
        """What is owed to files in a closed folder waits, without rest for the loop or an end of the scan."""
        tree(bench.root, "shut/a.mov")
        bench.work()
        assert bench.states()["shut/a.mov"].presence == "arriving"
        (bench.root / "shut").chmod(0)
        try:
            with ordinary_rights():
                bench.pass_time(300)
            assert bench.states()["shut/a.mov"].presence == "arriving"
        finally:
            (bench.root / "shut").chmod(0o755)
        bench.quiesce()
        assert bench.cataloged() == bench.disk()

    def test_folder_that_becomes_a_file(self, bench: Bench) -> None:
        """What was below it is gone; the file in its place is new."""
        tree(bench.root, "reel/x.mov")
        bench.quiesce()
        shutil.rmtree(bench.root / "reel")
        tree(bench.root, "reel")
        bench.quiesce(scan=True)
        assert bench.states() == {
            "reel/x.mov": ("missing", "recorded", digest(b"reel/x.mov")),
            "reel": ("present", "recorded", digest(b"reel")),
        }


class TestOtherFileSystems:
    def test_mount_inside_a_volume_is_not_its_own(self, bench: Bench) -> None:
        """Another file system below the root is named in an alert, scan after scan, and never cataloged."""
        tree(bench.root, "a.mov", "inner/hidden.mov")
        bench.quiesce()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "tmpfs", str(bench.root / "inner")], capture_output=True, text=True, check=False
        )
        if mounted.returncode:
            pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
        try:
            tree(bench.root, "inner/other.mov", "inner/deep/other.mov")
            for _ in range(3):
                bench.quiesce(scan=True)
                assert {path: state.presence for path, state in bench.states().items()} == {
                    "a.mov": "present",
                    "inner/hidden.mov": "present",
                }
                assert bench.alerts() == ["other_file_systems"]
        finally:
            subprocess.run(["umount", str(bench.root / "inner")], check=True)
        bench.quiesce(scan=True)
        assert bench.alerts() == []
        assert bench.cataloged() == bench.disk()


def test_hundred_levels_of_the_longest_names_are_recorded(bench: Bench) -> None:
    """A path six times as long as the kernel takes in one piece is cataloged and hashed like any other."""
    fd = os.open(bench.root, os.O_RDONLY)
    for level in range(100):
        name = f"{level:03}" + "d" * 252
        os.mkdir(name, dir_fd=fd)
        inner = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    with open(os.open("clip.mov", os.O_CREAT | os.O_WRONLY, dir_fd=fd), "wb") as clip:
        clip.write(b"deep")
    with open(os.open("plate.0001.exr", os.O_CREAT | os.O_WRONLY, dir_fd=fd), "wb") as clip:
        clip.write(b"frame")
    os.close(fd)
    bench.quiesce()
    assert {path[-14:]: state for path, state in bench.states().items()} == {
        "ddddd/clip.mov": ("present", "recorded", digest(b"deep")),
        "plate.0001.exr": ("present", "recorded", digest(b"frame")),
    }


def test_step_that_has_taken_long_enough_goes_on_later(bench: Bench) -> None:
    """A scan lets go between folders when it is told to, loses none of them, and always gets on."""
    for folder in range(7):
        (bench.root / f"A{folder}").mkdir()
        (bench.root / f"A{folder}/clip.mov").write_bytes(b"%d" % folder)
    bench.work()
    scan = Scan(bench.care.intake, "a test")
    steps = 0
    while not scan.walked:
        scan.step(bench.database, bench.now_us(), enough=lambda: True)
        steps += 1
    assert (steps, scan.folders) == (8, 8)
    bench.quiesce()
    assert bench.cataloged() == bench.disk()


def test_gone_before_it_was_entered(bench: Bench) -> None:
    """A new file that goes while its media are read, and scans go by: what is entered then is found gone, too."""
    tree(bench.root, *(f"{number}.txt" for number in range(30)))
    bench.skip_time(60)
    bench.prober.held = True
    (bench.root / "clip.mov").write_bytes(b"\0\0\0\x14ftypqt  clip")
    bench.skip_time(60)
    bench.care.ask_scan("a test")
    bench.work()
    assert bench.daemon._reading.busy
    (bench.root / "clip.mov").unlink()
    for _ in range(2):
        bench.care.ask_scan("a test")
        bench.work()
    bench.prober.held = False
    bench.work()
    bench.quiesce(scan=True)
    assert bench.row("clip.mov").presence == "missing"
