"""Does probing survive the files it is given?"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetwatch.clock import SystemClock
from assetwatch.media.probe import Prober, ProbeResult


def opened(path: Path | bytes) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def one(prober: Prober) -> ProbeResult:
    [(_, result)] = prober.finished(wait=True)
    return result


@pytest.fixture
def take(tmp_path: Path, sound: Any) -> Path:
    """A sound file of a second."""
    path = tmp_path / "take.wav"
    path.write_bytes(sound.wave(sound.bext(since_midnight=48000), samples=48000))
    return path


def test_the_timecode_of_a_small_file(prober: Prober, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """A movie of a few kilobytes, which would fit in one piece, has its timecode too."""
    for size in ("16x16", "64x64"):
        path = tmp_path / f"{size}.mov"
        picture = ("-f", "lavfi", "-i", f"color=size={size}:rate=24:duration=1")
        ffmpeg(*picture, "-c:v", "prores_ks", "-timecode", "01:00:00:00", str(path))
        facts = prober.probe(path).facts
        assert facts is not None
        assert facts["start_timecode"] == "01:00:00:00"


def test_a_file(prober: Prober, take: Path) -> None:
    """Facts, the library's whole answer and its version."""
    result = prober.probe(take)
    assert result.status == "ok"
    assert result.facts is not None
    assert result.facts["container"] == "Wave"
    assert result.facts["duration"] == 1.0
    assert result.facts["audio"][0]["sample_rate"] == 48000
    assert result.facts["other"]["start_samples"] == 48000
    assert result.raw is not None
    assert '"MediaInfoLib"' in result.raw
    assert result.tool == "libmediainfo"
    assert result.tool_version == prober.version()
    assert result.tool_version[0].isdigit()


def test_a_name_that_is_no_utf8(prober: Prober, take: Path) -> None:
    """The name is nothing to the library, so any bytes will do."""
    path = os.fsencode(take.parent) + b"/A001_\xff.wav"
    os.rename(take, path)
    assert prober.probe(os.fsdecode(path)).status == "ok"


def test_what_is_not_media(prober: Prober, tmp_path: Path) -> None:
    """Text, nothing at all and an archive are no media, and no error."""
    for name, content in (("notes.txt", b"a note " * 100), ("empty.mov", b""), ("a.zip", b"PK\x03\x04" + b"\0" * 100)):
        (tmp_path / name).write_bytes(content)
        result = prober.probe(tmp_path / name)
        assert (result.status, result.facts, result.raw) == ("not_media", None, None), name


def test_only_regular_files_are_opened(prober: Prober, tmp_path: Path, take: Path) -> None:
    """A FIFO, a folder, a link and a name that is not there are unreadable, and nothing hangs on them."""
    os.mkfifo(tmp_path / "pipe.mov")
    (tmp_path / "link.wav").symlink_to(take)
    for name in ("pipe.mov", "link.wav", ".", "gone.mov", "nul\0.mov"):
        result = prober.probe(tmp_path / name)
        assert result.status == "unreadable", name
        assert result.reason


def test_many_at_once(take: Path) -> None:
    """Each file that was submitted has one result with its key; the descriptors are closed, and the caller woken."""
    woken = threading.Event()
    with Prober(2, time_limit_seconds=60, clock=SystemClock(), wake=woken.set) as prober:
        fds = [opened(take) for _ in range(40)]
        for key, fd in enumerate(fds):
            assert prober.submit(key, fd, "take.wav", 1)
        results: dict[object, ProbeResult] = {}
        while prober.outstanding:
            results |= dict(prober.finished(wait=True))
    assert set(results) == set(range(40))
    assert {result.status for result in results.values()} == {"ok"}
    assert woken.is_set()
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_a_child_that_hangs(take: Path) -> None:
    """A file that takes longer than the limit has timed out; the next one finds a new child."""
    with Prober(1, time_limit_seconds=0.2, clock=SystemClock()) as prober:
        prober.submit("warm", opened(take), "take.wav", 1)
        one(prober)
        # Slow machines only: a first file that timed out took its child with it.
        while not prober.pids:
            prober.submit("warm again", opened(take), "take.wav", 1)
            one(prober)
        [stopped] = prober.pids
        os.kill(stopped, signal.SIGSTOP)
        prober.submit("stuck", opened(take), "take.wav", 1)
        result = one(prober)
        assert result.status == "timed_out"
        assert result.facts is None
        assert "0.2 seconds" in (result.reason or "")
        assert prober.pids == []
        prober.submit("next", opened(take), "take.wav", 1)
        # On a machine under load a file may take longer than this short limit; that a child answers is what counts.
        assert one(prober).status in ("ok", "timed_out")
        assert stopped not in prober.pids


def test_a_child_that_dies_of_a_file(prober: Prober, take: Path) -> None:
    """A child that ends while it has a file costs that file; the next one is probed by another."""
    assert prober.probe(take).status == "ok"
    [doomed] = prober.pids
    # A process that may have no more files cannot take the one that comes, and ends over it.
    _, most = resource.prlimit(doomed, resource.RLIMIT_NOFILE)
    resource.prlimit(doomed, resource.RLIMIT_NOFILE, (0, most))
    result = prober.probe(take)
    assert (result.status, result.facts) == ("crashed", None)
    assert "exit 1" in (result.reason or "")
    assert prober.probe(take).status == "ok"
    assert prober.pids != [doomed]


def test_a_child_that_dies_between_files(prober: Prober, take: Path) -> None:
    """A child that was killed while it waited is replaced, and no file suffers."""
    assert prober.probe(take).status == "ok"
    [pid] = prober.pids
    with pidfd(pid) as ended:
        os.kill(pid, signal.SIGKILL)
        ended()
    assert prober.probe(take).status == "ok"


def test_children_killed_all_the_time(take: Path) -> None:
    """However often children die, each file has its one result, and the prober goes on."""
    with Prober(2, time_limit_seconds=60, clock=SystemClock()) as prober:
        results = []
        for key in range(30):
            prober.submit(key, opened(take), "take.wav", 1)
        while prober.outstanding:
            results += prober.finished(wait=True)
            if len(results) < 20:
                for pid in prober.pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
        assert sorted(key for key, _ in results) == list(range(30))
        # `unreadable`: it died before it could say that it was there.
        assert {result.status for _, result in results} <= {"ok", "crashed", "unreadable"}
        assert prober.probe(take).status == "ok"


def test_closing_ends_everything(take: Path) -> None:
    """After closing there are no children, nothing is accepted, and what was waiting has its descriptor closed."""
    prober = Prober(1, time_limit_seconds=60, clock=SystemClock())
    prober.submit("first", opened(take), "take.wav", 1)
    assert one(prober).status == "ok"
    assert prober.probe(take).status == "ok"
    pids = prober.pids
    assert len(pids) == 2
    os.kill(pids[0], signal.SIGSTOP)
    fds = [opened(take) for _ in range(3)]
    for fd in fds:
        prober.submit(fd, fd, "take.wav", 1)
    assert prober.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not prober.submit("late", fds[0], "take.wav", 1)
    assert prober.finished(wait=True) == []
    for fd in fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_a_library_that_is_not_there(tmp_path: Path, take: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without MediaInfo each file is unreadable with the reason, and asking for the version says so."""
    (tmp_path / "pymediainfo.py").write_text("raise ImportError('no such library')")
    monkeypatch.syspath_prepend(tmp_path)
    with Prober(1, time_limit_seconds=60, clock=SystemClock()) as prober:
        result = prober.probe(take)
        assert result.status == "unreadable"
        assert "no such library" in (result.reason or "")
        assert prober.pids == []
        with pytest.raises(Exception, match="no such library"):
            prober.version()


_ORPHAN = """
import os, sys
from assetwatch.clock import SystemClock
from assetwatch.media.probe import Prober
prober = Prober(1, time_limit_seconds=60, clock=SystemClock())
assert prober.probe(sys.argv[1]).status == "ok"
print(prober.pids[0], flush=True)
sys.stdin.read()
"""


def test_children_end_with_their_parent(take: Path) -> None:
    """A parent that is killed leaves no child behind."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-c", _ORPHAN, os.fspath(take)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert parent.stdin is not None
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    with pidfd(pid) as ended:
        parent.kill()
        parent.wait()
        ended()
    parent.stdin.close()
    parent.stdout.close()


class pidfd:
    """Waits for the end of a process that need not be a child of ours."""

    def __init__(self, pid: int) -> None:
        self._fd = os.pidfd_open(pid)

    def __enter__(self) -> Callable[[], None]:
        return self._wait

    def __exit__(self, *exc: object) -> None:
        os.close(self._fd)

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        assert poll.poll(30_000), "the process did not end"


def test_the_parent_never_loads_the_library() -> None:
    """Nothing of MediaInfo, of XML or of the catalog comes into the process that asks."""
    script = (
        "import sys, assetwatch.media.probe, assetwatch.media.sniff;"
        "print([m for m in ('pymediainfo', 'lxml', 'sqlalchemy', 'click') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


def test_damaged_media(prober: Prober, corpus: Path) -> None:
    """Files cut short, filled with noise or built to swell give a result each, and the child is there for the next."""
    folders = [corpus / "08-malformed" / name for name in ("media", "public")]
    paths = sorted(path for folder in folders for path in folder.iterdir() if path.is_file())
    assert paths
    for path in paths:
        assert prober.probe(path).status in ("ok", "not_media", "crashed", "timed_out"), path.name


def test_a_file_cut_short_says_so(prober: Prober, tmp_path: Path, sound: Any) -> None:
    """A sound file that ends before its own size does is marked."""
    raw = sound.wave(samples=48000)
    (tmp_path / "cut.wav").write_bytes(raw[: len(raw) // 2])
    result = prober.probe(tmp_path / "cut.wav")
    assert result.facts is not None
    assert result.facts["other"]["truncated"] is True
