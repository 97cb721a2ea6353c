"""Does any order of writes, renames, deletes, lost hints, volumes taken away and crashes end, once quiet, with the
catalog equal to the disk?
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from assetwatch.catalog import volumes
from assetwatch.media.sequences import format_ranges, group_names
from assetwatch.paths import from_os, join, to_os
from tests.harness import Bench

FOLDERS = st.sampled_from(["", "A001", "A001/sub", "A0", "R\udcff"])
NAMES = st.sampled_from(
    ["clip.mov", "sound.wav", "plate.1001.exr", "plate.1002.exr", "plate.1004.exr", "é\udcfe.mov", "._litter"]
)
#: A beginning that is worth a probe, one that is not, and nothing at all.
CONTENTS = st.sampled_from([b"\0\0\0\x14ftypqt  clip", b"text", b"text and more of it", b""])
#: How often a hint of what was done is heard.
HEARD = st.sampled_from([0, 1, 1, 2])
#: How far we get before the next thing happens.
THEN = st.sampled_from(["", "tick", "work", "wait", "wait", "scan"])
#: Which of the files that are there.
PICKS = st.integers(0, 11)


#: What may happen, the usual more often than the unusual.
_WHAT = (
    *(["write"] * 4 + ["rewrite"] * 2 + ["rename"] * 3 + ["delete"] * 2),
    *("deliver_anew", "hard_link", "symlink", "rename_folder", "rename_folder", "delete_folder"),
    *("take_away", "give_back", "give_back", "sleep", "probe_slowly", "crash", "crash", "stop", "nothing"),
)

#: What can be heard of a happening: paths, and folders with all below.
Heard = tuple[list[str], list[str]]


class IngestMachine(RuleBasedStateMachine):
    """One volume, what people and programs do to it, and what the world does to us."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="aw-machine-"))
        self.count = 0
        self.away: Path | None = None

    @initialize(
        ear=st.booleans(),
        lag_s=st.sampled_from([0.0, 86_400.0]),
        settle=st.sampled_from(["0s", "10s"]),
        held=st.booleans(),
    )
    def begin(self, ear: bool, lag_s: float, settle: str, held: bool) -> None:
        """Heard or only scanned; with a clock that proves rest by ctime, or one that cannot; a slow library or not."""
        self.bench = Bench(self.folder, ear=ear, lag_s=lag_s, settle=settle, rescan="1h")
        self.bench.prober.held = held
        self.home = self.bench.root
        for number, path in enumerate(("clip.mov", "A001/plate.1001.exr", "A001/plate.1002.exr")):
            self.place(*os.path.split(path)).write_bytes(self.new_bytes(b"\0\0\0\x14ftypqt  "[: 12 - number]))

    @rule(
        what=st.sampled_from(_WHAT),
        pick=PICKS,
        folder=FOLDERS,
        name=NAMES,
        to_folder=FOLDERS,
        content=CONTENTS,
        seconds=st.sampled_from([1.0, 30.0, 4000.0]),
        flag=st.booleans(),
        heard=HEARD,
        then=THEN,
    )
    def something_happens(self, what: str, heard: int, then: str, **how: Any) -> None:
        """One thing out of many. (As rules of their own, the simplest would be drawn two times out of three.)"""
        happening = getattr(self, what)
        wanted = list(inspect.signature(happening).parameters)
        heard_of = happening(**{name: how[name] for name in wanted})
        if heard_of and self.bench.ear is not None and self.away is None:
            for _ in range(heard):
                paths, folders = heard_of
                self.bench.ear.tell(paths, folders)
        if then == "tick":
            self.bench.tick()
        elif then == "work":
            self.bench.work()
        elif then in ("wait", "scan"):
            if then == "scan":
                self.bench.care.ask_scan("asked for")
            self.bench.pass_time(11)

    # -- what happens on the volume

    @property
    def root(self) -> Path:
        """Where the footage is, whether it is mounted or not."""
        return self.away or self.home

    def new_bytes(self, content: bytes) -> bytes:
        """Content that no other file has, of a size that others may have."""
        self.count += 1
        return content + b"%06d" % self.count if content else b""

    def chosen(self, pick: int) -> str | None:
        """One of the files that are there, as `os` functions name it; None where there are none."""
        there = sorted(
            os.path.relpath(os.path.join(folder, name), self.root)
            for folder, _, names in os.walk(self.root)
            for name in names
            if not os.path.islink(os.path.join(folder, name))
        )
        return there[pick % len(there)] if there else None

    def place(self, folder: str, name: str) -> Path:
        """Where a file is to stand; its folder is made, a link there is taken away."""
        place = self.root / folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        return place

    def write(self, folder: str, name: str, content: bytes) -> Heard:
        """A file is written, in one piece, over what was there."""
        self.place(folder, name).write_bytes(self.new_bytes(content))
        return [join(folder, name)], []

    def rewrite(self, pick: int, flag: bool) -> Heard | None:
        """A file grows, or its bytes change in place and the size does not."""
        if (path := self.chosen(pick)) is None:
            return None
        size = (self.root / path).stat().st_size
        with open(self.root / path, "ab" if flag else "r+b") as changing:
            changing.write(self.new_bytes(b"more") if flag else self.new_bytes(b"other")[:size])
        return [path], []

    def deliver_anew(self, pick: int) -> Heard | None:
        """Another file of the same size takes the place, its mtime set back."""
        if (path := self.chosen(pick)) is None:
            return None
        before = (self.root / path).stat()
        fresh = (self.root / path).with_name(".fresh.mov.tmp")
        fresh.write_bytes(self.new_bytes(b"anew")[: before.st_size].ljust(before.st_size, b"."))
        os.utime(fresh, ns=(0, before.st_mtime_ns - 3600 * 10**9))
        fresh.replace(self.root / path)
        return [path], []

    def delete(self, pick: int) -> Heard | None:
        """A file goes."""
        if (path := self.chosen(pick)) is None:
            return None
        (self.root / path).unlink()
        return [path], []

    def rename(self, pick: int, folder: str, name: str) -> Heard | None:
        """A file gets another name, perhaps one that was another's."""
        if (path := self.chosen(pick)) is None:
            return None
        (self.root / path).replace(self.place(folder, name))
        return [path, join(folder, name)], []

    def hard_link(self, pick: int, folder: str, name: str) -> Heard | None:
        """The same bytes get one more name."""
        path = self.chosen(pick)
        if path is None or os.path.lexists(self.root / folder / name):
            return None
        os.link(self.root / path, self.place(folder, name))
        return [join(folder, name)], []

    def symlink(self, folder: str, name: str) -> Heard:
        """A link takes the place of whatever was there."""
        self.place(folder, name).unlink(missing_ok=True)
        (self.root / folder / name).symlink_to("clip.mov")
        return [join(folder, name)], []

    def rename_folder(self, folder: str, to_folder: str) -> Heard | None:
        """A folder goes elsewhere, whole."""
        old, new = self.root / folder, self.root / to_folder
        if not (folder and to_folder and old.is_dir()) or new.exists() or to_folder.startswith(folder + "/"):
            return None
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)
        return [], [folder, to_folder]

    def delete_folder(self, folder: str) -> Heard | None:
        """A folder goes with all that is in it."""
        if not folder or not (self.root / folder).is_dir():
            return None
        shutil.rmtree(self.root / folder)
        return [], [folder]

    # -- what happens to the volume

    def take_away(self, flag: bool) -> None:
        """The volume goes; perhaps an empty directory stands in its place."""
        if self.away is None:
            self.away = self.folder / "away"
            self.home.rename(self.away)
            if flag:
                self.home.mkdir()

    def give_back(self) -> None:
        """The same volume is there again."""
        if self.away is not None:
            if self.home.exists():
                self.home.rmdir()
            self.away.rename(self.home)
            self.away = None

    # -- what happens to us

    def nothing(self) -> None:
        """Nothing happens."""

    def sleep(self, seconds: float) -> None:
        """Time passes and the loop does not turn: the machine was busy, or asleep."""
        self.bench.clock.advance(seconds)

    def probe_slowly(self, flag: bool) -> None:
        """The library takes its time over its files, or is done with them."""
        self.bench.prober.held = flag

    def crash(self) -> None:
        """The program is killed, and another one begins."""
        self.bench.crash()
        self.bench.start()

    def stop(self) -> None:
        """The program is stopped, and another one begins."""
        self.bench.restart()

    # -- and in the end

    def teardown(self) -> None:
        """Quiet: the volume is there, a scan sees it all, and the catalog says what the disk does."""
        try:
            if hasattr(self, "bench"):
                self.look_at_the_end()
                self.bench.close()
        finally:
            shutil.rmtree(self.folder)

    def look_at_the_end(self) -> None:
        bench = self.bench
        self.give_back()
        bench.prober.held = False
        for _ in range(3):
            bench.pass_time(6)
            bench.quiesce(scan=True)
            if "mass_loss" not in bench.alerts():
                break
            with bench.database.write() as connection:
                volumes.set_values(connection, bench.care.id, {"accepted_us": bench.now_us()})
            bench.skip_time(61)
        assert bench.care.online, bench.care.reason
        disk = {path: what for path, what in bench.disk().items() if not path.endswith("._litter")}
        assert bench.cataloged() == disk
        for path, row in bench.rows().items():
            here = os.path.lexists(self.home / os.fsdecode(_bytes(path)))
            assert (row.presence == "present") == here, path
            assert here or row.version_id is not None, path
        assert bench.owed() == []
        assert bench.faults() == []
        assert bench.sequences() == _sequences(disk)
        assert bench.alerts() == []
        rows, read = bench.rows(), bench.files_read
        bench.quiesce(scan=True)
        assert (bench.rows(), bench.files_read) == (rows, read), "a second scan had something to do"


def _bytes(path: str) -> bytes:
    return os.fsencode(to_os(path))


def _sequences(disk: dict[str, tuple[int, str]]) -> list[tuple[Any, ...]]:
    """What `Bench.sequences` should give for these files."""
    folders: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, (size, _) in disk.items():
        folder, _, name = os.fsdecode(_bytes(path)).rpartition("/")
        folders[from_os(folder)].append((from_os(name), size))
    return sorted(
        (
            join(folder, one.name),
            one.first,
            one.last,
            one.count,
            one.missing_text,
            format_ranges(one.zero_byte),
            format_ranges(one.size_outliers),
            one.size,
        )
        for folder, names in folders.items()
        for one in group_names(names)[0]
    )


_ORDINARY = settings(
    max_examples=14,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)


def test_catalog_ends_equal_to_the_disk() -> None:
    """A handful of lives of a volume, the same ones each time."""
    run_state_machine_as_test(IngestMachine, settings=_ORDINARY)


@pytest.mark.slow
def test_catalog_ends_equal_to_the_disk_at_length() -> None:
    """Many and long lives of a volume, other ones each time."""
    at_length = settings(_ORDINARY, max_examples=200, stateful_step_count=50, derandomize=False)
    run_state_machine_as_test(IngestMachine, settings=at_length)
