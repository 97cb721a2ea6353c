"""Real inotify on real directories; each wait is for a cookie or a state, never for a time."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from assetwatch.clock import FakeClock
from assetwatch.ingest import inotify
from assetwatch.ingest.hints import Hints
from assetwatch.ingest.inotify import Event, Inotify
from assetwatch.ingest.watch import Watcher


def write(path: Path, text: str = "frame") -> None:
    path.write_text(text)


class Scarce(Inotify):
    """A kernel that gives only so many watches."""

    most = 3

    def __init__(self) -> None:
        super().__init__()
        self.given: set[int] = set()

    def add(self, path: str, mask: int) -> int:
        if len(self.given) >= Scarce.most:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        wd = super().add(path, mask)
        self.given.add(wd)
        return wd


class Failing(Inotify):
    """A kernel that fails when it is told to."""

    last: Failing
    fails = False

    def __init__(self) -> None:
        super().__init__()
        Failing.last = self

    def read(self, wait_s: float | None) -> list[Event]:
        events = super().read(wait_s)
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return events


class HeldClock(FakeClock):
    """A clock that holds whoever asks while its gate is shut: here, watchdog's dispatching thread."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()

    def now(self) -> datetime:
        if not self.gate.is_set():
            self.at_gate.set()
            self.gate.wait(60)
        return super().now()


class Gated(Inotify):
    """A kernel of which nothing is read while the gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()
        self.removed = 0

    def read(self, wait_s: float | None) -> list[Event]:
        if not self.gate.is_set():
            self.at_gate.set()
            self.gate.wait(60)
        return super().read(wait_s)

    def remove(self, wd: int) -> None:
        self.removed += 1
        super().remove(wd)


class TestFiles:
    def test_written_file_is_heard_as_closed(self, listen):
        """A file that a writer closed is a path worth a look, with the evidence that writing ended."""
        ear = listen().begin()
        write(ear.root / "A001.mov")
        assert ear.hear().closed == {"A001.mov"}

    def test_same_file_again_is_heard_again(self, listen):
        """Two turns of the reader that heard the same are two hints."""
        ear = listen().begin()
        for _ in range(3):
            write(ear.root / "A001.mov")
            assert ear.hear().paths == {"A001.mov"}

    def test_file_being_written_may_be_open(self, listen):
        """Between its creation and its close a file is known to be open for writing, also when it is renamed."""
        ear = listen().begin()
        with (ear.root / "A001.mov.part").open("w"):
            assert ear.hear().opened == {"A001.mov.part"}
            assert ear.watcher.may_be_open("A001.mov.part")
            (ear.root / "A001.mov.part").rename(ear.root / "A001.mov")
            hints = ear.hear()
            assert (hints.opened, hints.removed) == ({"A001.mov"}, {"A001.mov.part"})
            assert ear.watcher.may_be_open("A001.mov")
        assert ear.hear().closed == {"A001.mov"}
        assert not ear.watcher.may_be_open("A001.mov")

    def test_open_file_follows_its_folder(self, listen):
        """A file that is being written is still known as such after its folder was renamed."""
        ear = listen()
        (ear.root / "roll").mkdir()
        ear.begin()
        with (ear.root / "roll/A001.mov").open("w"):
            (ear.root / "roll").rename(ear.root / "A001")
            ear.hear()
            assert ear.watcher.may_be_open("A001/A001.mov")
            assert not ear.watcher.may_be_open("roll/A001.mov")

    def test_in_place_change_is_heard(self, listen):
        """A writer in place, which creates nothing, is heard at its close."""
        ear = listen()
        write(ear.root / "A001.mov")
        ear.begin()
        with (ear.root / "A001.mov").open("r+") as file:
            file.write("x")
        assert ear.hear().closed == {"A001.mov"}

    def test_renamed_and_deleted_files(self, listen):
        """A rename ends in a closed file at the new name; old names and deleted ones are last heard of as removed."""
        ear = listen()
        write(ear.root / "a.tmp")
        write(ear.root / "b.mov")
        ear.begin()
        (ear.root / "a.tmp").rename(ear.root / "a.mov")
        (ear.root / "b.mov").unlink()
        hints = ear.hear()
        assert hints.closed == {"a.mov"}
        assert hints.removed == {"a.tmp", "b.mov"}

    @pytest.mark.parametrize("name", [b"A001_\xff.mov", b"two\nlines.mov", "Szene ä.mov".encode(), b"end. "])
    def test_any_name(self, listen, name):
        """Names are bytes: what is not UTF-8, and a line break, come through unharmed, for files and folders."""
        ear = listen().begin()
        folder = os.path.join(os.fsencode(ear.root), b"in " + name)
        os.mkdir(folder)
        ear.hear()
        with open(os.path.join(folder, name), "wb"):
            pass
        assert ear.hear().closed == {os.fsdecode(b"in " + name + b"/" + name)}

    def test_ignored_files_and_folders(self, listen):
        """Ignored files are no hints; ignored folders are not even watched."""
        ear = listen(ignored=lambda path, folder: path.endswith("cache") if folder else path.endswith(".tmp"))
        (ear.root / "cache/deep").mkdir(parents=True)
        ear.begin()
        assert ear.watcher.state().watches == 1
        (ear.root / "cache/more").mkdir()
        write(ear.root / "cache/a.mov")
        write(ear.root / "a.tmp")
        write(ear.root / "a.mov")
        hints = ear.hear()
        assert hints.paths == {"a.mov"}
        assert not hints.folders

    def test_burst(self, listen):
        """Of 20,000 files made as fast as they can be, none is lost."""
        ear = listen()
        (ear.root / "plates").mkdir()
        ear.begin()
        writer = "import os\nfor n in range(20000): os.close(os.open(f'plate.{n:06}.dpx', os.O_WRONLY | os.O_CREAT))"
        subprocess.run([sys.executable, "-c", writer], cwd=ear.root / "plates", check=True)
        assert ear.hear().closed == {f"plates/plate.{number:06}.dpx" for number in range(20_000)}

    def test_too_many_to_keep_one_by_one(self, listen):
        """Beyond the bound, single paths become a look at what they are in."""
        ear = listen(most_paths=50)
        (ear.root / "plates").mkdir()
        ear.begin()
        for number in range(200):
            write(ear.root / f"plates/{number}.dpx")
        # No cookie here: it would be collapsed with the rest.
        drained: list[Hints] = []
        # A full scan, if a file at the top was among them.
        ear.until(lambda: drained.append(ear.watcher.drain()) or any(h.folders or h.full_scan for h in drained))
        assert all(len(hints.paths) <= 50 for hints in drained)


class TestFolders:
    def test_made_and_filled_at_once(self, listen):
        """`mkdir -p a/b/c` and files right after: found or heard, every one."""
        ear = listen().begin()
        expected = set()
        for number in range(150):
            (ear.root / f"{number}/b/c").mkdir(parents=True)
            for name in ("1", "2", "3"):
                expected.add(f"{number}/b/c/{name}")
                write(ear.root / f"{number}/b/c/{name}")
        assert ear.hear().paths == expected

    def test_tree_moved_in(self, listen, tmp_path):
        """A tree renamed into the volume: its files are hints, and later writes in it are heard."""
        (tmp_path / "card/CLIPS/A001").mkdir(parents=True)
        write(tmp_path / "card/CLIPS/A001/one.mov")
        ear = listen().begin()
        (tmp_path / "card").rename(ear.root / "card")
        assert ear.hear().paths == {"card/CLIPS/A001/one.mov"}
        write(ear.root / "card/CLIPS/A001/two.mov")
        assert ear.hear().closed == {"card/CLIPS/A001/two.mov"}

    def test_tree_moved_within(self, listen):
        """A tree renamed inside the volume: both places are looked at, and events carry the new path only."""
        ear = listen()
        (ear.root / "incoming/card/CLIPS").mkdir(parents=True)
        (ear.root / "day01").mkdir()
        ear.begin()
        (ear.root / "incoming/card").rename(ear.root / "day01/A001")
        assert set(ear.hear().folders) == {"incoming/card", "day01/A001"}
        write(ear.root / "day01/A001/CLIPS/a.mov")
        assert ear.hear().paths == {"day01/A001/CLIPS/a.mov"}
        assert ear.watcher.state().watches == 5

    def test_tree_moved_out(self, listen, tmp_path):
        """A tree renamed out of the volume is not listened to any more, and its watches are given back."""
        ear = listen()
        (ear.root / "card/CLIPS").mkdir(parents=True)
        ear.begin()
        (ear.root / "card").rename(tmp_path / "elsewhere")
        assert set(ear.hear().folders) == {"card"}
        ear.until(lambda: ear.watcher.state().watches == 1)
        write(tmp_path / "elsewhere/CLIPS/a.mov")
        hints = ear.hear()
        assert not hints.paths
        assert not hints.folders

    def test_tree_moved_out_and_back(self, listen, tmp_path):
        """However soon a tree comes back, everything below it is watched again."""
        ear = listen()
        for number in range(30):
            (ear.root / f"card/CLIPS/{number}").mkdir(parents=True)
        ear.begin()
        for _ in range(20):
            (ear.root / "card").rename(tmp_path / "elsewhere")
            (tmp_path / "elsewhere").rename(ear.root / "card")
        ear.hear()
        for number in range(30):
            write(ear.root / f"card/CLIPS/{number}/a.mov")
        assert ear.hear().closed == {f"card/CLIPS/{number}/a.mov" for number in range(30)}
        assert ear.watcher.state().watches == 33

    def test_folder_renamed_from_and_to_an_ignored_name(self, listen):
        """A folder that loses its ignored name is watched, and one that gains it is not any more."""
        ear = listen(ignored=lambda path, folder: folder and path.endswith(".incomplete"))
        (ear.root / "A001.incomplete/CLIPS").mkdir(parents=True)
        ear.begin()
        (ear.root / "A001.incomplete").rename(ear.root / "A001")
        ear.hear()
        write(ear.root / "A001/CLIPS/a.mov")
        assert ear.hear().paths == {"A001/CLIPS/a.mov"}
        (ear.root / "A001").rename(ear.root / "A001.incomplete")
        ear.hear()
        write(ear.root / "A001.incomplete/CLIPS/b.mov")
        assert not ear.hear().paths
        ear.until(lambda: ear.watcher.state().watches == 1)

    def test_deleted_and_made_again(self, listen):
        """A folder that is deleted and made again under its name is heard as before."""
        ear = listen()
        (ear.root / "card/CLIPS").mkdir(parents=True)
        ear.begin()
        for round_ in range(5):
            shutil.rmtree(ear.root / "card")
            (ear.root / "card/CLIPS").mkdir(parents=True)
            ear.hear()
            write(ear.root / f"card/CLIPS/{round_}.mov")
            assert ear.hear().closed == {f"card/CLIPS/{round_}.mov"}
            assert ear.watcher.state().watches == 3

    def test_symbolic_links_are_not_followed(self, listen, tmp_path):
        """A link to a folder outside is a name like another: what happens behind it is not heard."""
        (tmp_path / "outside").mkdir()
        ear = listen()
        (ear.root / "early").symlink_to(tmp_path / "outside")
        ear.begin()
        (ear.root / "late").symlink_to(tmp_path / "outside")
        assert ear.hear().paths == {"late"}
        write(tmp_path / "outside/a.mov")
        assert not ear.hear().paths

    def test_deeper_than_the_interpreter_can_recurse(self, listen):
        """Depth is bounded by the kernel's longest path, not by us."""
        ear = listen()
        folders = [str(ear.root)]
        for _ in range(1200):
            folders.append(folders[-1] + "/d")
            os.mkdir(folders[-1])
        ear.begin()
        last = folders[-1] + "/a.mov"
        os.close(os.open(last, os.O_WRONLY | os.O_CREAT))
        assert ear.hear().closed == {os.path.relpath(last, ear.root)}
        os.unlink(last)
        for folder in reversed(folders[1:]):  # shutil would recurse
            os.rmdir(folder)

    @pytest.mark.parametrize("seed", range(6))
    def test_any_order_of_changes(self, listen, tmp_path, seed):
        """After any order of making, moving and deleting trees, exactly the folders on disk are watched."""
        chance = random.Random(seed)
        ear = listen().begin()
        outside = tmp_path / "outside"
        outside.mkdir()

        def folders(top: Path) -> list[Path]:
            return [Path(folder) for folder, _, _ in os.walk(top)]

        for number in range(250):
            inside, beyond = folders(ear.root), folders(outside)
            source = chance.choice(inside[1:] or [None])
            match chance.randrange(6):
                case 0 | 1 | 2:
                    (chance.choice(inside) / f"n{number}/m/o").mkdir(parents=True)
                case 3 if source:
                    target = chance.choice(inside)
                    if source not in (target, *target.parents):
                        source.rename(target / f"r{number}")
                case 4 if source:
                    source.rename(outside / f"o{number}") if chance.random() < 0.5 else shutil.rmtree(source)
                case 5 if len(beyond) > 1:
                    chance.choice(beyond[1:]).rename(chance.choice(inside) / f"b{number}")
            if chance.random() < 0.1:
                ear.watcher.refresh()
        ear.hear()
        here = folders(ear.root)
        ear.until(lambda: ear.watcher.state().watches == len(here))
        for folder in here:
            write(folder / "last.mov")
        assert ear.hear().closed == {str((folder / "last.mov").relative_to(ear.root)) for folder in here}


class TestRoot:
    def test_beginning_asks_for_a_scan(self, listen):
        """Once every folder is watched the whole volume needs one look: the time before was not heard."""
        ear = listen()
        write(ear.root / "old.mov")
        ear.watcher.start()
        ear.until(lambda: ear.watcher.state().ready)
        hints = ear.hear()
        assert "watching has begun" in hints.full_scan
        assert "old.mov" not in hints.paths

    def test_deleted_and_back(self, listen):
        """A deleted root ends the watch with its reason; a new start after it is back works."""
        ear = listen().begin()
        ear.root.rmdir()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "deleted" in ear.watcher.state().reason
        ear.until(ear.wake.is_set)
        ear.root.mkdir()
        ear.begin()
        write(ear.root / "a.mov")
        assert ear.hear().closed == {"a.mov"}

    def test_moved(self, listen, tmp_path):
        """A renamed root ends the watch: its paths would be lies."""
        ear = listen().begin()
        ear.root.rename(tmp_path / "elsewhere")
        ear.until(lambda: not ear.watcher.state().alive)
        assert "moved" in ear.watcher.state().reason

    def test_missing_at_the_start(self, listen):
        """A root that is not there is a state with a reason, not an exception."""
        ear = listen()
        ear.root.rmdir()
        ear.watcher.start()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "No such file" in ear.watcher.state().reason
        assert str(ear.root) in ear.watcher.state().problems[0]

    def test_replaced(self, listen, tmp_path):
        """A refresh finds that another directory stands where the root was, which raises no event of the old one."""
        (tmp_path / "one/volume").mkdir(parents=True)
        (tmp_path / "two/volume").mkdir(parents=True)
        (tmp_path / "link").symlink_to("one")
        ear = listen(tmp_path / "link/volume").begin()
        (tmp_path / "link").unlink()
        (tmp_path / "link").symlink_to("two")
        ear.watcher.refresh()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "another directory" in ear.watcher.state().reason

    def test_unmounted(self, listen, tmp_path, mounting):
        """Unmounting the volume ends the watch with that reason."""
        root = tmp_path / "volume"
        root.mkdir()
        mounting.make("-t", "tmpfs", "none", at=root)
        (root / "card").mkdir()
        ear = listen(root).begin()
        mounting.take_away(root)
        ear.until(lambda: not ear.watcher.state().alive)
        assert "unmounted" in ear.watcher.state().reason

    def test_other_mounts_below_are_named_and_left_alone(self, listen, mounting):
        """What is mounted below the root is not watched, and that is said."""
        ear = listen()
        (ear.root / "nas/deep").mkdir(parents=True)
        mounting.make("-t", "tmpfs", "none", at=ear.root / "nas")
        ear.begin()
        write(ear.root / "nas/a.mov")
        assert not ear.hear().paths
        assert ear.watcher.state().watches == 1
        assert any("(nas)" in problem for problem in ear.watcher.state().problems)

    def test_stopped(self, listen):
        """After a stop no thread of the watcher is left, and nothing is said to be alive."""
        before = set(threading.enumerate())
        ear = listen().begin()
        assert set(threading.enumerate()) > before
        ear.watcher.start()
        running = set(threading.enumerate())
        ear.watcher.start()
        assert set(threading.enumerate()) == running
        ear.watcher.stop()
        assert set(threading.enumerate()) == before
        assert not ear.watcher.state().alive


class TestLimits:
    def test_overflow(self, listen):
        """Lost events are counted, ask for a full scan, and folders made among them are watched, none given up."""
        most = inotify.limit("max_queued_events")
        if most is None or most > 100_000:
            pytest.skip("the kernel's event queue is too long, or of unknown length, to fill it here")
        kernels: list[Gated] = []

        def opened() -> Gated:
            kernels.append(Gated())
            return kernels[-1]

        ear = listen(kernel=opened)
        (ear.root / "plates").mkdir()
        ear.begin()
        kernels[0].gate.clear()
        write(ear.root / "knock")
        ear.until(kernels[0].at_gate.is_set)
        for number in range(most // 2 + 10):
            os.close(os.open(ear.root / f"plates/{number}", os.O_WRONLY | os.O_CREAT))
        (ear.root / "lost/deep").mkdir(parents=True)
        write(ear.root / "lost/deep/early.mov")
        kernels[0].gate.set()
        ear.until(lambda: ear.watcher.state().overflows == 1)
        hints = ear.hear()
        assert "overflowed" in hints.full_scan
        assert "lost/deep/early.mov" in hints.paths
        write(ear.root / "lost/deep/late.mov")
        assert ear.hear().closed == {"lost/deep/late.mov"}
        assert ear.watcher.state().overflows == 1
        assert ear.watcher.state().watches == 4
        assert kernels[0].removed == 0

    def test_too_few_watches(self, listen, monkeypatch):
        """Without watches for every folder the rest goes on, and what to set is named; later they are tried again."""
        monkeypatch.setattr(Scarce, "most", 3)
        ear = listen(kernel=Scarce)
        for number in range(5):
            (ear.root / f"roll{number}").mkdir()
        ear.begin()
        state = ear.watcher.state()
        assert state.alive
        assert state.ready
        assert state.watch_limit_hit
        assert state.watches == 3
        assert "fs.inotify.max_user_watches=" in " ".join(state.problems)
        assert "3 folders" in " ".join(state.problems)
        write(ear.root / "a.mov")
        (ear.root / "roll9").mkdir()
        hints = ear.hear()
        assert hints.closed == {"a.mov"}
        assert "roll9" in hints.folders
        monkeypatch.setattr(Scarce, "most", 100)
        ear.watcher.refresh()
        ear.until(lambda: ear.watcher.state().watches == 7)
        ear.until(lambda: not ear.watcher.state().watch_limit_hit)
        assert ear.watcher.state().problems == ()

    def test_no_watch_at_all(self, listen, monkeypatch):
        """Not even the root can be watched: ended, and the limit is named."""
        monkeypatch.setattr(Scarce, "most", 0)
        ear = listen(kernel=Scarce)
        ear.watcher.start()
        ear.until(lambda: not ear.watcher.state().alive)
        assert ear.watcher.state().watch_limit_hit
        assert "fs.inotify.max_user_watches=" in " ".join(ear.watcher.state().problems)

    def test_no_instance(self, listen):
        """The kernel gives no inotify instance: ended, and the limit is named."""

        def none_left() -> Inotify:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        ear = listen(kernel=none_left)
        ear.watcher.start()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "fs.inotify.max_user_instances=" in ear.watcher.state().reason

    def test_cause_is_known_with_the_end(self, listen):
        """However long watchdog's queue takes: nobody learns that the watch has ended without learning why."""
        ear = listen(kernel=Failing)
        clock = ear.watcher._clock = HeldClock()
        ear.begin()
        clock.gate.clear()
        (ear.root / "a.mov").touch()
        clock.at_gate.wait(60)
        Failing.last.fails = True
        (ear.root / "b.mov").touch()
        (emitter,) = ear.watcher._session._observer.emitters
        emitter.join(60)
        assert not emitter.is_alive()
        assert ear.watcher.state().alive
        clock.gate.set()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "the watch failed" in ear.watcher.state().reason

    def test_fault_in_the_thread_is_not_silent(self, listen, caplog):
        """A bug met in the reader's thread ends the watch visibly."""

        def broken(_path: str, _folder: bool) -> bool:
            raise RuntimeError("no such rule")

        ear = listen(ignored=broken)
        (ear.root / "card").mkdir()
        ear.watcher.start()
        ear.until(lambda: not ear.watcher.state().alive)
        assert "no such rule" in ear.watcher.state().reason
        ear.until(ear.wake.is_set)
        assert any(record.exc_info for record in caplog.records)

    def test_not_started(self, tmp_path):
        """A watcher that was not started says so, and has nothing to say."""
        watcher = Watcher(str(tmp_path), lambda _path, _folder: False, threading.Event(), FakeClock())
        assert not watcher.state().alive
        assert not watcher.drain()
        assert not watcher.may_be_open("a.mov")
        watcher.refresh()
        watcher.stop()
