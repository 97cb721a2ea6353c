"""Does `assetwatch verify` find what changed, keep to its word about what it left, and live beside the daemon?"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer, Stock, environment
from tests.conftest import Cluster

KEYS = {
    *("run", "started", "finished", "complete", "checked", "verified", "mismatch", "missing", "unreadable"),
    *("not_checked", "bytes", "oldest_check", "problems", "not_checked_reasons", "pace_bytes_per_day"),
    *("everything_checked_by", "bytes_total"),
}


def flip(path: Path) -> None:
    """Turn one bit over, with the file's time put back."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def roll(tmp_path: Path, program: Callable[..., Any]) -> Stock:
    """A camera roll of forty clips and one long one, scanned."""
    root = tmp_path / "ingest"
    (root / "A001").mkdir(parents=True)
    for number in range(40):
        (root / "A001" / f"A001C{number:03}.mov").write_bytes(os.urandom(10_000))
    (root / "long.mxf").write_bytes(os.urandom(4_000_000))
    stock = Stock(root, tmp_path / "catalog.db")
    done = program(*stock.args("scan", root, "--settle", "50ms"))
    assert done.returncode == 0, done.stderr.decode()
    return stock


class Running:
    """A program under way, until it is waited for."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assetwatch", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait for what it does; fail when it ends, or does not get there."""
        pause = threading.Event()
        for _ in range(1000):
            if reached():
                return
            assert self.process.poll() is None, self.process.communicate()
            pause.wait(0.02)
        pytest.fail("it did not get there")

    def end(self, number: int) -> Answer:
        """Send a signal and wait."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return Answer(self.process.returncode, out.decode(), err.decode())


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Start programs beside the test; none outlives it."""
    started: list[Running] = []

    def start(*args: str) -> Running:
        started.append(Running(*args))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def ask(stock: Stock, query: str) -> list[Any]:
    """Rows of the catalog, from a connection of the test's own."""
    with closing(sqlite3.connect(stock.catalog, timeout=30)) as connection:
        return connection.execute(query).fetchall()


def claimed(stock: Stock) -> int:
    return int(ask(stock, "select count(*) from file where due_for = 'checking'")[0][0])


class TestAnswers:
    """What it says, and its exit codes."""

    def test_all_is_well(self, call: Callable[..., Answer], roll: Stock) -> None:
        """Nothing wrong: 0, the contract's keys, and words for a person."""
        answer = call(*roll.args("verify", "--json"))
        assert answer.code == 0
        assert answer.json.keys() >= KEYS
        assert (answer.json["checked"], answer.json["verified"], answer.json["complete"]) == (41, 41, True)
        text = call(*roll.args("verify"))
        assert "Checked 41 files" in text.out
        assert "All of them are as they were recorded." in text.out
        assert "Everything there is has been checked." in text.out

    def test_a_flipped_bit(self, call: Callable[..., Answer], roll: Stock) -> None:
        """A flipped bit: 1, the file by name, and `files` and `show` know it too."""
        flip(roll.root / "A001" / "A001C017.mov")
        answer = call(*roll.args("verify", "--json"))
        assert answer.code == 1
        (problem,) = answer.json["problems"]
        assert (problem["volume"], problem["path"], problem["verdict"]) == ("ingest", "A001/A001C017.mov", "mismatch")
        assert problem["expected"] != problem["computed"]
        text = call(*roll.args("verify"))
        assert text.code == 1
        assert "mismatch  ingest:A001/A001C017.mov: its bytes changed under an unchanged size and date" in text.out
        found = call(*roll.args("files", "--integrity", "mismatch", "--json"))
        assert [one["path"] for one in found.json] == ["A001/A001C017.mov"]
        assert call(*roll.args("show", "ingest:A001/A001C017.mov")).code == 1

    def test_not_everything(self, call: Callable[..., Answer], roll: Stock) -> None:
        """What was not checked is said with its reason, and when all will have been."""
        text = call(*roll.args("verify", "--path", "A001", "--max-bytes", "100k"))
        assert text.code == 0
        assert "Checked 10 files, 100 kB" in text.out
        assert "30 left for the next sweep: this one's budget was spent" in text.out
        assert "At this pace, 100 kB a day of 400 kB, everything will have been checked by " in text.out
        rest = call(*roll.args("verify", "--max-bytes", "off", "--max-age", "1h", "--json")).json
        assert (rest["checked"], rest["not_checked_reasons"]) == (31, {"recent": 10})

    def test_status_knows(self, call: Callable[..., Answer], roll: Stock) -> None:
        """`status` tells of the last sweep."""
        ran = call(*roll.args("verify", "--json")).json
        last = call(*roll.args("status", "--json")).json["last_verification"]
        assert {key: last[key] for key in ("run", "complete", "checked", "not_checked")} == {
            key: ran[key] for key in ("run", "complete", "checked", "not_checked")
        }
        assert "Last checked" in call(*roll.args("status")).out

    @pytest.mark.parametrize(
        "where", ["A001", "ingest:A001", "{root}/A001", "A001/*"], ids=["folder", "volume", "disk", "glob"]
    )
    def test_a_path(self, call: Callable[..., Answer], roll: Stock, where: str) -> None:
        """A part of a volume, in any way of naming it."""
        answer = call(*roll.args("verify", "--path", where.format(root=roll.root), "--json"))
        assert answer.json["checked"] == 40

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (["--max-duration", "soon"], "--max-duration: expected a duration"),
            (["--max-bytes", "0"], "--max-bytes: expected more than 0"),
            (["--bwlimit", "fast"], "--bwlimit: expected a size"),
            (["--volume", "nowhere"], "the catalog knows no volume 'nowhere'; it knows ingest"),
            (["--path", "/nowhere/else"], "lies below none of the volumes"),
            (["--path", "B999"], "knows no file that fits B999"),
        ],
    )
    def test_wrong_usage(self, call: Callable[..., Answer], stock: Stock, args: list[str], said: str) -> None:
        """Wrong words: 2, and what was expected."""
        answer = call(*stock.args("verify", *args))
        assert answer.code == 2
        assert said in answer.err

    def test_offline(self, call: Callable[..., Answer], roll: Stock) -> None:
        """A volume that is not there: 3, nothing concluded."""
        roll.root.rename(roll.root.with_name("elsewhere"))
        answer = call(*roll.args("verify"))
        assert answer.code == 3
        assert "41 on a volume that is not there" in answer.out
        assert "does not exist" in answer.err
        assert claimed(roll) == 0

    def test_no_catalog(self, call: Callable[..., Answer], tmp_path: Path) -> None:
        """Without a catalog there is nothing to compare with: 3."""
        answer = call("--catalog", tmp_path / "none.db", "verify")
        assert answer.code == 3
        assert "there is no catalog here yet" in answer.err

    def test_bounds_from_the_configuration(self, call: Callable[..., Answer], roll: Stock, tmp_path: Path) -> None:
        """Bounds that are not given are the configuration's; quiet hours are a volume's own."""
        config = tmp_path / "show.toml"
        head = f'[catalog]\nurl = "sqlite:///{roll.catalog}"\n'
        volume = f'[[volume]]\nname = "ingest"\npath = "{roll.root}"\n'
        config.write_text(f'{head}[verify]\nmax_bytes = "50k"\n{volume}')
        assert call("--config", config, "verify", "--path", "A001", "--json").json["checked"] == 5
        config.write_text(f'{head}{volume}quiet = ["00:00-24:00"]\n')
        answer = call("--config", config, "verify", "--json")
        assert (answer.code, answer.json["not_checked_reasons"]) == (0, {"quiet_hours": 41})
        config.write_text(f'{head}{volume}quiet = ["9 to 5"]\n')
        answer = call("--config", config, "verify")
        assert answer.code == 2
        assert "volume[0].quiet: expected a part of the day" in answer.err

    def test_progress(self, terminal: Callable[..., str], roll: Stock) -> None:
        """On a terminal it tells how far it is."""
        assert "checking" in terminal(*roll.args("verify", "--bwlimit", "8M"))


class TestOnPostgreSQL:
    """The same beside a server."""

    def test_a_flipped_bit(
        self, call: Callable[..., Answer], tmp_path: Path, postgresql: Cluster, postgresql_catalog: str
    ) -> None:
        """Found, healed, bounded and counted as in SQLite."""
        root = tmp_path / "ingest"
        root.mkdir()
        for name in ("a.mov", "b.mov", "c.mov"):
            (root / name).write_bytes(name.encode() * 100)
        url = postgresql.url(postgresql.make_database(postgresql_catalog)).render_as_string()
        assert call("--catalog", url, "scan", root, "--settle", "50ms").code == 0
        flip(root / "b.mov")
        answer = call("--catalog", url, "verify", "--path", "*.mov", "--json")
        assert (answer.code, answer.json["verified"], answer.json["mismatch"]) == (1, 2, 1)
        assert (
            call("--catalog", url, "verify", "--max-bytes", "500", "--json").json["not_checked_reasons"]["budget"] > 0
        )
        flip(root / "b.mov")
        assert call("--catalog", url, "verify", "--max-age", "1h", "--json").json["problems"] == []


class TestNights:
    """Ended half-way, in each way, and beside others."""

    def test_killed(self, call: Callable[..., Answer], roll: Stock, running: Callable[..., Running]) -> None:
        """Killed in the middle: the next sweep takes back what it had claimed, and checks everything."""
        sweep = running(*roll.args("verify", "--bwlimit", "200k"))
        sweep.until(lambda: claimed(roll) > 0)
        sweep.end(signal.SIGKILL)
        assert claimed(roll) > 0
        answer = call(*roll.args("verify", "--json"))
        assert (answer.code, answer.json["checked"], answer.json["complete"]) == (0, 41, True)
        assert claimed(roll) == 0

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_told_to_stop(
        self, call: Callable[..., Answer], roll: Stock, running: Callable[..., Running], number: int
    ) -> None:
        """Told to stop: what was checked is kept, the rest is the next sweep's."""
        sweep = running(*roll.args("verify", "--bwlimit", "200k", "--json"))
        sweep.until(lambda: ask(roll, "select count(*) from file where checked_us is not null")[0][0] > 0)
        stopped = sweep.end(number)
        assert stopped.code == 0
        first = stopped.json
        assert (first["complete"], first["ended_by"], first["checked"] > 0) == (False, "stopped", True)
        assert claimed(roll) == 0
        # What was checked a moment ago is recent: the two sweeps together are all of it, and no file twice.
        second = call(*roll.args("verify", "--max-age", "1h", "--json")).json
        assert first["checked"] + second["checked"] == 41

    def test_two_sweeps(self, call: Callable[..., Answer], roll: Stock, running: Callable[..., Running]) -> None:
        """A second sweep of a volume is refused, and told who is at it: 3."""
        sweep = running(*roll.args("verify", "--bwlimit", "200k"))
        sweep.until(lambda: claimed(roll) > 0)
        answer = call(*roll.args("verify"))
        assert answer.code == 3
        assert f"being checked by `assetwatch verify` with process id {sweep.process.pid}" in answer.err

    def test_beside_the_daemon(self, call: Callable[..., Answer], roll: Stock, running: Callable[..., Running]) -> None:
        """Beside a daemon that listens: the sweep finds the flipped bit, the daemon reads what comes."""
        daemon = running(*roll.args("run", str(roll.root), "--settle", "50ms"))
        daemon.until(lambda: bool(ask(roll, "select 1 from run where kind = 'scan' and id > 1 and finished_us > 0")))
        (roll.root / "A001" / "new.mov").write_bytes(b"came while it was checked")
        flipped = roll.root / "A001" / "A001C023.mov"
        flip(flipped)
        recorded = "select 1 from file where name = 'new.mov' and integrity = 'recorded'"
        daemon.until(lambda: bool(ask(roll, recorded)))
        answers = [call(*roll.args("verify", "--json")) for _ in range(2)]
        daemon.until(lambda: not ask(roll, "select 1 from file where due_for is not null"))
        wrong = ask(roll, "select name from file where integrity = 'mismatch'")
        assert wrong == [("A001C023.mov",)]
        assert answers[-1].code == 1
        assert [one["path"] for one in answers[-1].json["problems"]] == ["A001/A001C023.mov"]
        assert daemon.end(signal.SIGTERM).code == 0
        assert json.loads(ask(roll, "select counts from run where kind = 'verify' order by id desc")[0][0])["checked"]
