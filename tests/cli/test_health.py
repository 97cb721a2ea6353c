"""Does one line say whether the machinery works, for every part of it that may stand still?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from assetwatch import __version__, app
from assetwatch.catalog import messages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database, open_database, parse_url
from assetwatch.clock import SystemClock
from assetwatch.units import microseconds
from tests.catalog.conftest import Shelf
from tests.cli.conftest import Answer

HOUR = 3_600 * 1_000_000


class Machine:
    """A catalog as a daemon leaves it, and the command that looks at it."""

    def __init__(self, folder: Path, call: Callable[..., Answer]) -> None:
        self.folder = folder
        self.path = folder / "catalog.db"
        self.database: Database = open_database(parse_url(str(self.path), folder), SystemClock())
        self.shelf = Shelf(self.database)
        self.now_us = microseconds(SystemClock().now())
        self._call = call
        self.volume = self.shelf.volume()
        self.set(t.volume, last_scan_us=self.now_us - HOUR, last_event_us=self.now_us - 2 * HOUR, watching="native")
        with self.database.write() as connection:
            row = {"kind": "run", "host": os.uname().nodename, "pid": os.getpid(), "boot_id": app.boot_id()}
            row |= {"version": __version__, "started_us": self.now_us - 9 * HOUR, "beat_us": self.now_us}
            volumes.enter_keeper(connection, row)

    def set(self, table: Any, **values: Any) -> None:
        """Write columns of every row of a table."""
        with self.database.write() as connection:
            connection.execute(update(table).values(**values))

    def run(self, kind: str, age_us: int) -> None:
        """A run that ended so long ago."""
        at_us = self.now_us - age_us
        with self.database.write() as connection:
            made = volumes.begin_run(
                connection, {"kind": kind, "why": "test", "host": "h", "version": "1", "started_us": at_us - 1}
            )
            volumes.end_run(connection, made, at_us, complete=True, counts={})

    def health(self, *args: str) -> Answer:
        """The command."""
        return self._call("--catalog", self.path, "health", *args)

    def metrics(self) -> str:
        """What the other command prints."""
        return self._call("--catalog", self.path, "metrics").out

    def wrong(self, *args: str) -> list[str]:
        """What it finds wrong."""
        answer = self.health("--json", *args)
        assert answer.code == (1 if answer.json["wrong"] else 0) and answer.json["ok"] is (answer.code == 0)
        return list(answer.json["wrong"])


@pytest.fixture
def machine(tmp_path: Path, call: Callable[..., Answer]) -> Any:
    """Everything works."""
    made = Machine(tmp_path, call)
    yield made
    made.database.close()


def test_all_is_well(machine: Machine) -> None:
    """One line, a word, numbers; exit code 0."""
    answer = machine.health()
    assert answer.code == 0
    assert answer.out.startswith("OK: 1 volume online, 0 messages unsent | unsent=0 ") and "scan_age=360" in answer.out
    assert answer.out.count("\n") == 1 and answer.err == ""


def test_the_document(machine: Machine) -> None:
    """The numbers are in the document."""
    machine.run("verify", HOUR)
    found = machine.health("--json").json
    assert found["volumes"][0]["scan_age"] in range(3_600, 3_660)
    assert found["volumes"][0]["event_age"] in range(7_200, 7_260)
    assert found["sweep_age"] in range(3_600, 3_660) and found["report_age"] is None
    assert found["daemon"]["responding"] is True and found["catalog"]["writable"] is True


def test_no_daemon(machine: Machine) -> None:
    """None that runs, one that was killed, one that hangs."""
    machine.set(t.keeper, stopped_us=machine.now_us)
    assert machine.wrong() == ["no daemon is running"]
    assert machine.wrong("--no-daemon") == []
    machine.set(t.keeper, stopped_us=None, pid=2**22 + 1)
    assert machine.wrong() == ["no daemon is running"]
    machine.set(t.keeper, pid=os.getpid(), beat_us=machine.now_us - 300_000_000)
    (text,) = machine.wrong()
    assert f"(process {os.getpid()}) has said nothing for 5 min" in text


def test_volumes(machine: Machine) -> None:
    """One that is away, one that is not scanned any more, one that never was, one whose events fell silent."""
    machine.set(t.volume, last_scan_us=machine.now_us - 7 * HOUR)
    assert machine.wrong() == ["volume ingest was last scanned 7 h ago"]
    assert machine.wrong("--scan", "8h") == [] and machine.wrong("--scan", "off") == []
    machine.set(t.volume, last_scan_us=None)
    assert machine.wrong() == ["volume ingest was last scanned never, in 9 h"]
    machine.set(t.volume, last_scan_us=machine.now_us)
    assert machine.wrong("--event", "1h") == ["volume ingest: the last event was heard 2 h ago"]
    machine.set(t.volume, online=0)
    assert machine.wrong() == ["volume ingest is offline"]


def test_a_bar_in_a_name(machine: Machine) -> None:
    """The numbers of the line begin behind its only bar."""
    machine.set(t.volume, online=0, name="a|b")
    said, _, numbers = machine.health().out.partition("|")
    assert said == "WRONG: volume a/b is offline " and numbers.startswith(" unsent=0") and "|" not in numbers


def test_metrics_keep_names_whole(machine: Machine) -> None:
    """What is printed for Prometheus is what the daemon answers it, also of a name with an escape in it."""
    machine.set(t.volume, name="a\x1b[31mb")
    assert 'assetwatch_volume_online{volume="a\x1b[31mb"} 1.0' in machine.metrics()


def test_the_queue(machine: Machine) -> None:
    """What has been due for long while nothing is read does not move; while something is read it does."""
    (row,) = machine.shelf.put(
        machine.volume, "a.mov", presence="arriving", due_us=machine.now_us - 2 * HOUR, due_for="read"
    )
    assert machine.wrong() == ["the queue does not move: something has been due for 2 h"]
    assert machine.wrong("--queue", "3h") == []
    machine.set(t.keeper, doing=json.dumps({"reading": [{"path": "b.mov"}]}))
    assert machine.wrong() == []
    machine.set(t.keeper, doing="{}")
    machine.shelf.read(row, xxh128="0" * 32)
    machine.set(t.version, recorded_us=machine.now_us)
    assert machine.wrong() == []


def test_sweep_and_report(machine: Machine) -> None:
    """What stays away that came before; what never came is not missed."""
    machine.run("verify", 100 * HOUR)
    machine.run("report", 50 * HOUR)
    assert machine.wrong() == ["the last sweep ended 4 d 4 h ago", "the last report was made 2 d 2 h ago"]
    machine.run("verify", HOUR)
    assert machine.wrong("--report", "3d") == []


def test_messages(machine: Machine) -> None:
    """What waits for long, and what was given up."""
    with machine.database.write() as connection:
        made = messages.add(
            connection,
            made_us=machine.now_us - 2 * HOUR,
            kind="report",
            about={},
            route="dits",
            place="mail",
            content='{"subject": "x"}',
        )
    assert machine.wrong() == ["the oldest message that was not sent was written 2 h ago"]
    with machine.database.write() as connection:
        messages.note_fault(connection, made, "x", next_us=1, given_up_us=machine.now_us, content=None)
    assert machine.wrong() == ["messages to dits (mail) were given up"]
    assert machine.wrong("--messages", "off") == []


def test_backups(machine: Machine) -> None:
    """The newest one by its name, wherever it lies."""
    assert machine.wrong("--backup", "1d") == []
    (machine.folder / "catalog.db.backup-20260101-000000").touch()
    (text,) = machine.wrong("--backup", "1d")
    assert text.startswith("the last backup of the catalog was made ")
    (machine.folder / "backups").mkdir()
    stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S")
    (machine.folder / "backups" / f"catalog.db.backup-{stamp}").touch()
    assert machine.wrong("--backup", "1d") == []


def test_bounds_of_the_configuration(machine: Machine, call: Callable[..., Answer]) -> None:
    """They hold, and options go before them."""
    config = machine.folder / "show.toml"
    config.write_text('[health]\nscan = "30m"\n')
    base = ("--config", config, "--catalog", machine.path, "health")
    assert call(*base).out.startswith("WRONG: volume ingest was last scanned 1 h ago | ")
    assert call(*base, "--scan", "2h").code == 0


def test_no_catalog(tmp_path: Path, call: Callable[..., Answer]) -> None:
    """It cannot be said: one line on standard output, exit code 3, and nothing is made."""
    answer = call("--catalog", tmp_path / "none.db", "health")
    assert answer.code == 3 and answer.out.startswith("UNKNOWN: ") and answer.out.count("\n") == 1
    document = call("--catalog", tmp_path / "none.db", "health", "--json")
    assert document.code == 3 and document.json["ok"] is False and document.json["catalog"]["readable"] is False
    assert list(tmp_path.iterdir()) == []


def test_a_catalog_that_takes_no_writes(machine: Machine) -> None:
    """Without a daemon it is tried."""
    machine.set(t.keeper, stopped_us=machine.now_us)
    with machine.database.write():
        (text,) = machine.wrong("--no-daemon")
    assert text.startswith("the catalog takes no writes: ")


def test_wrong_usage(machine: Machine) -> None:
    """An age that is none."""
    answer = machine.health("--scan", "soon")
    assert answer.code == 2 and "--scan: expected a duration" in answer.err


def test_keys_are_documented(machine: Machine) -> None:
    """Each key of the document stands in its reference."""
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "json.md").read_text()
    section = reference.split("\n## health\n")[1].split("\n## ")[0]
    found = machine.health("--json").json
    keys = {*found, *found["catalog"], *found["daemon"], *found["volumes"][0]}
    assert {key for key in keys if f"`{key}`" not in section} == set()
