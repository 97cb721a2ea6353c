"""Has anybody a file open for writing at this moment?"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assetwatch.checksum.lease import being_written, ignore_sigio
from assetwatch.checksum.reader import NotRead, Reader, Reading, Reason
from assetwatch.clock import FakeClock


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "A001C001.mov"
    path.write_bytes(b"frames")
    with path.open("rb") as file:
        if being_written(file.fileno()) is None:
            pytest.skip("no leases on this file system")
    return path


def test_nobody_writes(clip: Path) -> None:
    """Other readers do not count."""
    with clip.open("rb"), clip.open("rb") as file:
        assert being_written(file.fileno()) is False


@pytest.mark.parametrize("mode", ["ab", "r+b"])
def test_a_writer_is_seen(clip: Path, mode: str) -> None:
    """Whoever has the file open for writing is seen, even if nothing was written yet, until it is closed."""
    with clip.open("rb") as file:
        with clip.open(mode):
            assert being_written(file.fileno()) is True
        assert being_written(file.fileno()) is False


def test_the_lease_is_given_back(clip: Path) -> None:
    """After the question the file can be opened for writing without waiting."""
    with clip.open("rb") as file:
        being_written(file.fileno())
        assert fcntl.fcntl(file.fileno(), fcntl.F_GETLEASE) == fcntl.F_UNLCK
        os.close(os.open(clip, os.O_WRONLY | os.O_NONBLOCK))


def test_not_known(tmp_path: Path) -> None:
    """On a file system whose writers may be elsewhere, or that has no leases, nothing is claimed."""
    with Path("/proc/self/status").open("rb") as file:
        assert being_written(file.fileno()) is None


def test_reader_refuses_a_file_being_written(clip: Path) -> None:
    """On request a file in the hands of a writer is `busy` before a byte of it is read; otherwise it is read."""
    reads: list[int] = []

    def read_into(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
        reads.append(offset)
        return os.preadv(fd, buffers, offset)

    reader = Reader(FakeClock(), read_into=read_into)
    with clip.open("ab"):
        outcome = reader.read(str(clip), ["md5"], refuse_writers=True)
        assert isinstance(outcome, NotRead)
        assert outcome.reason is Reason.BUSY
        assert not reads
        assert isinstance(reader.read(str(clip), ["md5"]), Reading)
    assert isinstance(reader.read(str(clip), ["md5"], refuse_writers=True), Reading)


def test_reader_refuses_a_writer_that_came_later(clip: Path) -> None:
    """A writer that opened the file during the read makes it `busy`, even if nothing was written yet."""
    writers: list[int] = []

    def read_into(fd: int, buffers: list[memoryview], offset: int, flags: int = 0) -> int:
        writers.append(os.open(clip, os.O_WRONLY))
        return os.preadv(fd, buffers, offset)

    outcome = Reader(FakeClock(), read_into=read_into).read(str(clip), ["md5"], refuse_writers=True)
    os.close(writers[0])
    assert isinstance(outcome, NotRead)
    assert outcome.reason is Reason.BUSY


def test_a_file_under_somebodys_lease(clip: Path) -> None:
    """A file that a share server has leased for a client's writing is `busy`, and we do not wait for it."""
    holder = "\n".join(
        (
            "import fcntl, os, signal, sys",
            "signal.signal(signal.SIGIO, signal.SIG_IGN)",
            f"fd = os.open({str(clip)!r}, os.O_RDWR)",
            "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)",
            "print('held', flush=True)",
            "sys.stdin.read()",
        )
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        outcome = Reader(FakeClock()).read(str(clip), ["md5"])
        child.communicate("")
    assert isinstance(outcome, NotRead)
    assert outcome.reason is Reason.BUSY


def test_the_signal_asked_for_is_harmless(clip: Path) -> None:
    """A writer that opens the file in the instant of the lease does not end a process that ignores no SIGIO."""
    code = "\n".join(
        (
            "import fcntl, os",
            "from assetwatch.checksum.lease import being_written",
            f"path = {str(clip)!r}",
            "real, refused = fcntl.fcntl, []",
            "def with_writer(fd, what, how):",
            "    if how == fcntl.F_UNLCK:",
            "        try:",
            "            os.open(path, os.O_WRONLY | os.O_NONBLOCK)",
            "        except BlockingIOError:",
            "            refused.append(True)",
            "    return real(fd, what, how)",
            "fcntl.fcntl = with_writer",
            "being_written(os.open(path, os.O_RDONLY))",
            "print(refused)",
        )
    )
    project = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[True]\n")


def test_ignore_sigio() -> None:
    """After the call SIGIO does nothing to this process."""
    before = signal.getsignal(signal.SIGIO)
    try:
        ignore_sigio()
        os.kill(os.getpid(), signal.SIGIO)
        assert signal.getsignal(signal.SIGIO) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGIO, before)
