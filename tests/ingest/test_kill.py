"""Is everything on record, once and right, after the program was killed at any moment? A real process, and SIGKILL."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from assetwatch.catalog import queries
from assetwatch.catalog.engine import open_database, parse_url
from assetwatch.clock import FakeClock
from tests.harness import content_of

#: A QuickTime file that is one only at first sight, so that the real prober is asked as well.
HEAD = b"\0\0\0\x14ftypqt  \0\0\0\0qt  "


class Program:
    """`assetwatch run` on a directory, in a process group of its own."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.catalog = folder / "catalog.db"
        self._root = root
        self._log = folder / "log"
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "assetwatch", "--catalog", str(self.catalog)]
        with open(self._log, "ab") as log:
            return subprocess.Popen(
                [*command, "run", str(self._root), "--settle", "200ms"], stdout=log, stderr=log, start_new_session=True
            )

    def kill_and_start(self) -> None:
        """SIGKILL, as from the kernel when memory is short, and what systemd does then."""
        assert self._process.poll() is None, "it had ended by itself"
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    def end(self) -> None:
        """Leave nothing running, however the test went."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def files(self) -> dict[str, dict[str, Any]]:
        """What `assetwatch files --json` says."""
        command = [sys.executable, "-m", "assetwatch", "--catalog", str(self.catalog), "files", "--json"]
        said = subprocess.run(command, capture_output=True, check=False)
        listed = json.loads(said.stdout) if said.stdout.strip() else []
        return {one["path"]: one for one in listed}


def deliver(root: Path, number: int, dice: random.Random) -> None:
    """One clip, a frame or a sidecar arrives: copied slowly, by rename, or in one piece."""
    folder = root / f"A{number % 7:03}"
    folder.mkdir(exist_ok=True)
    content = HEAD + dice.randbytes(dice.choice([10, 5_000, 300_000, 2_500_000]))
    name = dice.choice([f"clip{number:04}.mov", f"plate.{number:04}.exr", f"notes {number}.txt"])
    if dice.random() < 0.3:
        (folder / f".{name}.aB3xYz").write_bytes(content)
        (folder / f".{name}.aB3xYz").rename(folder / name)
        return
    with open(folder / name, "wb") as file:
        for start in range(0, len(content), 1 << 20):
            file.write(content[start : start + (1 << 20)])


def _is_complete(program: Program, root: Path) -> bool:
    said = {path: one["digests"].get("xxh128") for path, one in program.files().items()}
    return said == {path: value for path, (_, value) in content_of(root).items()}


def killed_again_and_again(folder: Path, kills: int, files: int, seed: int) -> None:
    dice = random.Random(seed)
    root = folder / "volume"
    root.mkdir()
    moments = sorted(dice.sample(range(1, files), kills))
    program = Program(folder, root)
    try:
        for number in range(files):
            deliver(root, number, dice)
            if number in moments:
                time.sleep(dice.uniform(0.0, 1.2))  # the moment is what is tried out
                program.kill_and_start()
        for _ in range(240):
            if _is_complete(program, root):
                break
            time.sleep(0.25)  # another process works on it, by the machine's own clock
        said = program.files()
        assert program.stop() == 0
    finally:
        program.end()
    disk = content_of(root)
    assert {path: (one["size"], one["digests"]["xxh128"]) for path, one in said.items()} == disk
    assert {(one["presence"], one["integrity"]) for one in said.values()} == {("present", "recorded")}
    database = open_database(parse_url(str(program.catalog), folder), FakeClock())
    with database.read() as connection:
        assert queries.tally_faults(connection) == []
        # Once: each file has one content on record, though its reading may have begun several times.
        listed = connection.exec_driver_sql(
            "select count(*), count(distinct file_id) from version where superseded_us is null"
        ).one()
        again = connection.exec_driver_sql("select count(*) from file").scalar_one()
    database.close()
    assert (listed[0], listed[1], again) == (len(disk), len(disk), len(disk))


def test_killed_while_files_are_copied_in(tmp_path: Path) -> None:
    """Two kills among two dozen files."""
    killed_again_and_again(tmp_path, kills=2, files=24, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_again_and_again_at_length(tmp_path: Path, seed: int) -> None:
    """A dozen kills among three hundred files."""
    killed_again_and_again(tmp_path, kills=12, files=300, seed=seed)
