"""What are the digests of one file, read once, with nothing disturbed and nothing half-true?"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from assetwatch.checksum import cache
from assetwatch.checksum.algorithms import ALGORITHMS, Digests
from assetwatch.checksum.cache import Residency
from assetwatch.checksum.pace import TokenBucket
from assetwatch.checksum.reader import HEAD_BYTES, PIECE_BYTES, STRIDE_BYTES, NotRead, Reader, Reading, Reason
from assetwatch.clock import FakeClock
from assetwatch.model import Stat

MIB = 1024 * 1024


@pytest.fixture
def reader() -> Reader:
    return Reader(FakeClock())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip long enough for two reports of progress, its end on no boundary of anything."""
    path = tmp_path / "A001C001_261123_R1AB.mov"
    path.write_bytes(os.urandom(MIB) * (2 * STRIDE_BYTES // MIB) + b"tail")
    return path


def seen(path: Path) -> Stat:
    found = path.lstat()
    return Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)


def not_read(outcome: Reading | NotRead) -> NotRead:
    assert isinstance(outcome, NotRead)
    return outcome


def was_read(outcome: Reading | NotRead) -> Reading:
    assert isinstance(outcome, Reading), outcome
    return outcome


def open_fds() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


class TestWhole:
    """A file that nobody disturbs."""

    @pytest.mark.parametrize("size", [0, 1, 65_536, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * MIB + 7])
    def test_every_algorithm_from_one_pass(self, reader: Reader, tmp_path: Path, size: int) -> None:
        """Every computable digest comes from one read, whatever the file's size."""
        path = tmp_path / "clip"
        content = os.urandom(size)
        path.write_bytes(content)
        names = [name for name, algorithm in ALGORITHMS.items() if algorithm.new is not None]
        expected = Digests(names)
        expected.update(content)
        reading = was_read(reader.read(str(path), names))
        assert reading.digests == expected.texts()
        assert reading.head == content[:HEAD_BYTES]
        assert reading.stat == seen(path)

    def test_sparse(self, reader: Reader, tmp_path: Path) -> None:
        """A hole reads as zeros."""
        path = tmp_path / "preallocated.mxf"
        path.touch()
        os.truncate(path, 9 * MIB)
        assert was_read(reader.read(str(path), ["md5"])).digests["md5"] == hashlib.md5(bytes(9 * MIB)).hexdigest()

    def test_name_that_is_not_utf8(self, reader: Reader, tmp_path: Path) -> None:
        """A name of any bytes can be read."""
        path = os.fsdecode(os.fsencode(tmp_path) + b"/A001_\xff.mov")
        Path(path).write_bytes(b"x")
        assert was_read(reader.read(path, ["crc32"])).digests == {"crc32": "8cdc1683"}

    def test_progress(self, reader: Reader, clip: Path) -> None:
        """Progress is told in bytes, once a stride."""
        told: list[int] = []
        reader.read(str(clip), ["xxh128"], progress=told.append)
        assert told == [STRIDE_BYTES, 2 * STRIDE_BYTES]

    def test_short_reads(self, clip: Path) -> None:
        """A file system that gives fewer bytes than asked for makes no difference."""

        def stingy(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
            return os.preadv(fd, [buffers[0][:100_001]], offset)

        reading = was_read(Reader(FakeClock(), read_into=stingy).read(str(clip), ["md5"]))
        assert reading.digests["md5"] == hashlib.md5(clip.read_bytes()).hexdigest()

    def test_access_time_is_left_alone(self, reader: Reader, clip: Path) -> None:
        """Reading one's own file does not change its access time, even where the mount would."""
        os.utime(clip, ns=(1, clip.stat().st_mtime_ns))
        was_read(reader.read(str(clip), ["crc32"]))
        assert clip.stat().st_atime_ns == 1

    def test_nothing_stays_open(self, reader: Reader, clip: Path, tmp_path: Path) -> None:
        """No outcome leaves a descriptor behind."""
        before = open_fds()
        reader.read(str(clip), ["crc32"])
        reader.read(str(tmp_path), ["crc32"])
        reader.read(str(clip), ["crc32"], expect=Stat(1, 1, 1, 1, 1))
        Reader(FakeClock(), read_into=failing_at(0)).read(str(clip), ["crc32"])
        with pytest.raises(KeyError):
            reader.read(str(clip), ["nonesuch"])
        assert open_fds() == before

    def test_kept_open(self, reader: Reader, clip: Path) -> None:
        """The very file that was hashed can be handed on."""
        reading = was_read(reader.read(str(clip), ["crc32"], keep_open=True))
        assert reading.fd is not None
        assert os.fstat(reading.fd).st_ino == clip.stat().st_ino
        os.close(reading.fd)

    def test_callers_descriptor_stays_open(self, reader: Reader, clip: Path) -> None:
        """A descriptor is read from its beginning wherever it stands, and stays the caller's."""
        with clip.open("rb") as file:
            file.seek(1000)
            by_fd = was_read(reader.read(file.fileno(), ["md5"]))
            assert file.tell() == 1000
            assert not file.closed
            os.fstat(file.fileno())
        assert by_fd.digests == was_read(reader.read(str(clip), ["md5"])).digests


def failing_at(offset: int, number: int = errno.EIO) -> Callable[..., int]:
    """os.preadv on a disk with a bad place at `offset`."""

    def read_into(fd: int, buffers: list[memoryview], at: int, flags: int = 0) -> int:
        if at + len(buffers[0]) <= offset:
            return os.preadv(fd, buffers, at)
        if at == offset:
            raise OSError(number, os.strerror(number))
        return os.preadv(fd, [buffers[0][: offset - at]], at)

    return read_into


class TestRefused:
    """Files that the system will not give."""

    def test_bad_place(self, clip: Path) -> None:
        """A read error says where it is, and no digest of the rest escapes."""
        outcome = not_read(Reader(FakeClock(), read_into=failing_at(3 * MIB + 512)).read(str(clip), ["xxh128"]))
        assert (outcome.reason, outcome.errno, outcome.offset) == (Reason.UNREADABLE, errno.EIO, 3 * MIB + 512)
        assert "3,146,240" in outcome.text
        assert "kernel's log" in outcome.text

    def test_stale_handle(self, clip: Path) -> None:
        """A stale NFS handle is told from a bad disk, and is not called a vanished file."""
        outcome = not_read(Reader(FakeClock(), read_into=failing_at(0, errno.ESTALE)).read(str(clip), ["xxh128"]))
        assert (outcome.reason, outcome.errno) == (Reason.UNREADABLE, errno.ESTALE)
        assert "file server" in outcome.text

    def test_vanished(self, reader: Reader, tmp_path: Path) -> None:
        """A file that is not there is `vanished`, whether or not it was expected."""
        path = str(tmp_path / "gone.mov")
        assert not_read(reader.read(path, ["md5"])).reason is Reason.VANISHED
        assert not_read(reader.read(path, ["md5"], expect=Stat(1, 1, 1, 1, 1))).reason is Reason.VANISHED

    def test_no_permission(self, reader: Reader, clip: Path) -> None:
        """A file that may not be read says whose permission is wanting."""
        clip.chmod(0)
        if os.access(clip, os.R_OK):
            pytest.skip("this user may read everything")
        outcome = not_read(reader.read(str(clip), ["md5"]))
        assert (outcome.reason, outcome.errno) == (Reason.UNREADABLE, errno.EACCES)
        assert "permission" in outcome.text

    @pytest.mark.parametrize("expected", [True, False])
    @pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "fifo", "socket", "device"])
    def test_not_regular(
        self, reader: Reader, tmp_path: Path, kind: str, expected: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing but a regular file is read, even if one was expected there, and nothing blocks."""
        monkeypatch.chdir(tmp_path)  # a socket's address is short
        path = Path("thing")
        match kind:
            case "link":
                Path("target").write_bytes(b"x")
                path.symlink_to("target")
            case "dangling link":
                path.symlink_to("nowhere")
            case "folder":
                path.mkdir()
            case "fifo":
                os.mkfifo(path)
            case "socket":
                socket.socket(socket.AF_UNIX).bind(str(path))
            case "device":
                try:
                    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
                except PermissionError:
                    pytest.skip("this user may not make a device")
        expect = seen(path) if expected else None
        outcome = not_read(reader.read(str(path), ["md5"], expect=expect))
        if kind == "device" and outcome.errno == errno.EACCES:
            pytest.skip("devices cannot be opened on this file system")
        assert outcome.reason is Reason.NOT_REGULAR

    def test_what_is_not_expected_is_looked_at_before_it_is_opened(self, tmp_path: Path) -> None:
        """A FIFO's writer or a tape is not even stirred by an open."""
        os.mkfifo(tmp_path / "fifo")
        code = "\n".join(
            (
                "import sys",
                "from assetwatch.checksum.reader import Reader",
                "from assetwatch.clock import SystemClock",
                f"path, opened = {str(tmp_path / 'fifo')!r}, []",
                "sys.addaudithook(lambda event, args: opened.append(args[0]) if event == 'open' else None)",
                "print(Reader(SystemClock()).read(path, ['md5']).reason, path in opened)",
            )
        )
        project = Path(__file__).parents[2]
        done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True)
        assert done.stdout == "not_regular False\n"


class TestChanged:
    """Files that do not hold still."""

    @pytest.mark.parametrize("change", ["grow", "cut", "rewrite", "rewrite and set back", "touch", "remove", "replace"])
    def test_during_the_read(self, reader: Reader, clip: Path, change: str) -> None:
        """Whatever happens to the file half-way, no digest escapes."""

        def progress(done: int) -> None:
            if done > STRIDE_BYTES:
                return
            match change:
                case "grow":
                    with clip.open("ab") as file:
                        file.write(b"more")
                case "cut":
                    os.truncate(clip, done + 1)
                case "rewrite" | "rewrite and set back":
                    with clip.open("r+b") as file:
                        file.write(b"other")
                    if change == "rewrite and set back":
                        os.utime(clip, ns=(10**18, 10**18))
                case "touch":
                    os.utime(clip, ns=(0, 0))
                case "remove":
                    clip.unlink()
                case "replace":
                    other = clip.with_suffix(".new")
                    other.write_bytes(b"other")
                    other.replace(clip)

        os.utime(clip, ns=(10**18, 10**18))
        outcome = not_read(reader.read(str(clip), ["xxh128"], progress=progress))
        assert outcome.reason is (Reason.VANISHED if change in ("remove", "replace") else Reason.CHANGED)

    def test_cut_below_what_was_read(self, reader: Reader, clip: Path) -> None:
        """A file that ends before its size is `changed`, and says where it ends."""
        outcome = not_read(reader.read(str(clip), ["xxh128"], progress=lambda done: os.truncate(clip, 0)))
        assert outcome.reason is Reason.CHANGED
        assert f"{STRIDE_BYTES:,}" in outcome.text

    def test_not_what_was_expected(self, reader: Reader, clip: Path) -> None:
        """A file that was written to since it was seen is not read at all."""
        before = seen(clip)
        with clip.open("ab") as file:
            file.write(b"more")
        reads: list[int] = []

        def counting_reads(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
            reads.append(offset)
            return os.preadv(fd, buffers, offset)

        counting = Reader(FakeClock(), read_into=counting_reads)
        assert not_read(counting.read(str(clip), ["md5"], expect=before)).reason is Reason.CHANGED
        assert not reads
        was_read(reader.read(str(clip), ["md5"], expect=seen(clip)))


class TestStop:
    """Ending a read early."""

    def test_stop_half_way(self, clip: Path) -> None:
        """A stop takes effect within one piece."""
        stop = threading.Event()
        offsets: list[int] = []

        def read_into(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
            offsets.append(offset)
            if offset >= 5 * PIECE_BYTES:
                stop.set()
            return os.preadv(fd, buffers, offset)

        outcome = not_read(Reader(FakeClock(), stop=stop, read_into=read_into).read(str(clip), ["md5"]))
        assert outcome.reason is Reason.STOPPED
        assert max(offsets) == 5 * PIECE_BYTES

    def test_paced(self, clip: Path) -> None:
        """With a pace the read takes as long as its bytes at that rate."""
        clock = FakeClock()
        reading = was_read(Reader(clock, pace=TokenBucket(MIB, clock)).read(str(clip), ["crc32"]))
        assert reading.seconds == pytest.approx(clip.stat().st_size / MIB, rel=0.01)

    def test_stop_while_waiting_for_the_pace(self, clip: Path) -> None:
        """A reader that waits for its turn stops without it."""
        stop = threading.Event()
        stop.set()
        clock = FakeClock()
        reader = Reader(clock, pace=TokenBucket(1, clock), stop=stop)
        assert not_read(reader.read(str(clip), ["crc32"])).reason is Reason.STOPPED
        assert clock.monotonic() == FakeClock().monotonic()


class TestPageCache:
    """The page cache is left as it was found."""

    @pytest.fixture
    def on_disk(self, clip: Path) -> Path:
        """A clip whose pages can be dropped, evicted."""
        with clip.open("rb") as file:
            os.fsync(file.fileno())
            if cache.resident_pages(file.fileno()) is None:
                pytest.skip("this kernel does not tell what is in the page cache")
            cache.drop(file.fileno())
            if cache.resident_pages(file.fileno()) != 0:
                pytest.skip("this file system keeps its files in memory")
        return clip

    def pages(self, path: Path) -> int:
        with path.open("rb") as file:
            pages = cache.resident_pages(file.fileno())
        assert pages is not None
        return pages

    def all_pages(self, path: Path) -> int:
        return -(-path.stat().st_size // mmap.PAGESIZE)

    def test_cold_stays_cold(self, reader: Reader, on_disk: Path) -> None:
        """A file that was not in memory is not there afterwards."""
        was_read(reader.read(str(on_disk), ["crc32"]))
        assert self.pages(on_disk) == 0

    def test_what_was_read_before_a_failure_is_given_back(self, on_disk: Path) -> None:
        """After a failure at most what the kernel was still reading ahead stays in memory."""
        not_read(Reader(FakeClock(), read_into=failing_at(12 * MIB)).read(str(on_disk), ["crc32"]))
        assert self.pages(on_disk) <= self.all_pages(on_disk) - STRIDE_BYTES // mmap.PAGESIZE

    def test_warm_stays_warm(self, reader: Reader, on_disk: Path) -> None:
        """What somebody works on stays in memory."""
        on_disk.read_bytes()
        was_read(reader.read(str(on_disk), ["crc32"]))
        assert self.pages(on_disk) == self.all_pages(on_disk)

    def test_what_was_there_in_part_stays(self, reader: Reader, on_disk: Path) -> None:
        """Of a file that is partly in memory nothing is lost."""
        with on_disk.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            os.pread(file.fileno(), 2 * MIB, 0)
        before = self.pages(on_disk)
        assert 0 < before < self.all_pages(on_disk)
        was_read(reader.read(str(on_disk), ["crc32"]))
        assert self.pages(on_disk) >= before

    def test_what_was_not_there_does_not_stay(self, reader: Reader, on_disk: Path) -> None:
        """Of a file that is partly in memory the rest is given back, where the kernel can do that."""
        with on_disk.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            try:
                os.preadv(file.fileno(), [bytearray(MIB)], 0, cache.RWF_DONTCACHE)
            except OSError:
                pytest.skip("this kernel or file system has no RWF_DONTCACHE")
            os.pread(file.fileno(), 2 * MIB, 0)
        before = self.pages(on_disk)
        was_read(reader.read(str(on_disk), ["crc32"]))
        assert self.pages(on_disk) - before < self.all_pages(on_disk) // 2

    def test_without_the_flag_for_parts(self, on_disk: Path) -> None:
        """A kernel that has no RWF_DONTCACHE reads a file that is partly in memory all the same."""

        def old_kernel(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
            if flags:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
            return os.preadv(fd, buffers, offset)

        with on_disk.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            os.pread(file.fileno(), MIB, 0)
        reading = was_read(Reader(FakeClock(), read_into=old_kernel).read(str(on_disk), ["md5"]))
        assert reading.digests["md5"] == hashlib.md5(on_disk.read_bytes()).hexdigest()

    def test_uncached_reads_from_the_disk(self, on_disk: Path) -> None:
        """For a re-verification the memory's copy is dropped first."""
        on_disk.read_bytes()
        found: list[int | None] = []

        def looking(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
            if not found:
                found.append(cache.resident_pages(fd))
            return os.preadv(fd, buffers, offset, flags)

        was_read(Reader(FakeClock(), read_into=looking).read(str(on_disk), ["crc32"], uncached=True))
        assert found == [0]

    def test_samples_agree(self, on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the kernel does not count pages, a few bytes asked for without waiting tell cold from warm."""
        monkeypatch.setattr(cache, "resident_pages", lambda fd: None)
        size = on_disk.stat().st_size
        with on_disk.open("rb") as file:
            assert cache.residency(file.fileno(), size) is Residency.NONE
            file.read()
            assert cache.residency(file.fileno(), size) is Residency.ALL
