"""How do tests call the real command line: in this process, as a program of its own, and on a terminal?"""

from __future__ import annotations

import inspect
import json
import logging
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from assetwatch.cli.main import main


class _Program:
    """The console script as click's runner wants it: with our own exit codes."""

    name = "assetwatch"

    def main(self, args: tuple[str, ...], prog_name: str, **_: Any) -> None:
        main(list(args))


@dataclass(frozen=True)
class Answer:
    """What a call gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """The environment of a program: nothing of this session's that the program would listen to."""
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


class Terminal:
    """The program in 80 columns of a terminal, and what it wrote there."""

    def __init__(self, columns: int = 80) -> None:
        self._columns = columns

    def __call__(self, *args: str, **env: str) -> str:
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self._columns, 0, 0))
        running = subprocess.Popen(
            [sys.executable, "-m", "assetwatch", *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(TERM="xterm-256color", **env),
        )
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            out += piece
        os.close(ours)
        running.wait()
        return out.decode()


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Answer]]:
    """Call a command in this process; signals and log handlers are put back afterwards."""
    for name in ("ASSETWATCH_CONFIG", "ASSETWATCH_CATALOG", "COLUMNS", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # click 8.1 mixes the two streams unless told not to; later ones never do.
    apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    runner = CliRunner(**apart)

    def run(*args: str | Path, **options: Any) -> Answer:
        result: Result = runner.invoke(_Program(), [str(arg) for arg in args], **options)  # type: ignore[arg-type]
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.stdout, result.stderr)

    yield run
    for number, handler in signals.items():
        signal.signal(number, handler)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def program() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the program as a process of its own and wait for it."""

    def run(*args: str | bytes | Path, env: dict[str, str] | None = None, **options: Any) -> Any:
        command = [sys.executable, "-m", "assetwatch", *args]
        return subprocess.run(command, env=environment(**(env or {})), capture_output=True, check=False, **options)

    return run


@pytest.fixture(scope="session")
def terminal() -> Terminal:
    """Run the program on a terminal of 80 columns; what it wrote, control sequences and all."""
    return Terminal()


def _sound(path: Path, seconds: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(3)
        file.setframerate(48000)
        file.writeframes(bytes(48000 * 6 * seconds))


@dataclass(frozen=True)
class Stock:
    """A catalog, and the footage that was scanned into it."""

    root: Path
    catalog: Path

    def args(self, *args: str | Path) -> tuple[str, ...]:
        """A command line on this catalog."""
        return ("--catalog", str(self.catalog), *(str(arg) for arg in args))


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., Any]) -> Stock:
    """Footage with awkward names, a sequence with a gap, a link and a FIFO; scanned once, nothing wrong with it."""
    folder = tmp_path_factory.mktemp("stock")
    root = folder / "ingest"
    (root / "A001").mkdir(parents=True)
    (root / "VFX").mkdir()
    _sound(root / "A001" / "S001T01.wav")
    (root / "A001" / "notes with 'quotes' & [brackets].txt").write_bytes(b"scene 1\n")
    (root / "A001" / "two\nlines.txt").write_bytes(b"x")
    (root / "=1+1.csv").write_bytes(b"formula")
    (root / "caf\u00e9 \U0001f3ac.txt").write_bytes(b"slate")
    with open(os.fsencode(root) + b"/A001/bad\xff.mov", "wb") as file:
        file.write(b"no media")
    for frame in (1001, 1002, 1004):
        (root / "VFX" / f"plate.{frame}.dpx").write_bytes(bytes([frame % 256]) * 4096)
    os.symlink("A001/S001T01.wav", root / "link.wav")
    os.mkfifo(root / "pipe")
    catalog = folder / "catalog.db"
    done = program("--catalog", str(catalog), "scan", str(root), "--settle", "50ms", "--json")
    assert done.returncode == 0, done.stderr.decode()
    return Stock(root, catalog)


def in_trouble(folder: Path, program: Callable[..., Any]) -> Stock:
    """A volume of which one file has gone since, and another does not fit its sender's list."""
    root = folder / "ingest"
    (root / "A002").mkdir(parents=True)
    (root / "A002" / "gone.mov").write_bytes(b"here today")
    (root / "A002" / "stays.mov").write_bytes(b"here for good")
    (root / "A002" / "other.mov").write_bytes(b"not what was sent")
    (root / "A002" / "other.md5").write_text("0123456789abcdef0123456789abcdef  other.mov\n")
    stock = Stock(root, folder / "catalog.db")
    program(*stock.args("scan", root, "--settle", "50ms"))
    (root / "A002" / "gone.mov").unlink()
    program(*stock.args("scan", root, "--settle", "50ms"))
    return stock


@pytest.fixture
def trouble(tmp_path: Path, program: Callable[..., Any]) -> Stock:
    """As `in_trouble`, for one test."""
    return in_trouble(tmp_path, program)
