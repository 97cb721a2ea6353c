"""Does `doctor` find what is wrong with a set-up, say what mends it, and leave everything as it was?"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assetwatch.cli import machine
from assetwatch.cli.machine import Finding
from assetwatch.clock import FakeClock


class Case:
    """A set-up in a folder, and what `doctor` finds in it."""

    def __init__(self, folder: Path, call: Callable[..., Any]) -> None:
        self.folder = folder
        self.root = folder / "ingest"
        self.root.mkdir()
        self.catalog = folder / "catalog.db"
        self.config = folder / "show.toml"
        self._call = call
        self.write()

    def write(self, more: str = "", volume: str = "") -> None:
        """The configuration: the volume with `volume` in it, and `more` after it."""
        self.config.write_text(
            f'[catalog]\nurl = "{self.catalog}"\n'
            f'[[volume]]\nname = "ingest"\npath = "{self.root}"\nsettle = "50ms"\n{volume}\n{more}\n'
        )

    def call(self, *args: str | Path) -> Any:
        """A command on this configuration."""
        return self._call("--config", self.config, *args)

    def examine(self, code: int = 0) -> dict[str, list[dict[str, Any]]]:
        """The checks by name; the exit code is asked for too."""
        answer = self.call("doctor", "--json")
        assert answer.code == code, answer.out
        checks: dict[str, list[dict[str, Any]]] = {}
        for one in answer.json["checks"]:
            assert set(one) == {"name", "state", "text", "remedy"}
            assert one["state"] in ("ok", "warning", "wrong")
            assert one["state"] == "ok" or one["remedy"] or one["name"] in ("alert", "inotify watches"), one
            checks.setdefault(one["name"], []).append(one)
        return checks

    def write_row(self, statement: str) -> None:
        """Change the catalog behind the program's back."""
        connection = sqlite3.connect(self.catalog)
        connection.execute(statement)
        connection.commit()
        connection.close()


@pytest.fixture
def case(tmp_path: Path, call: Callable[..., Any]) -> Case:
    """A set-up with which nothing is wrong, and a file on its volume."""
    case = Case(tmp_path, call)
    (case.root / "a.mov").write_bytes(b"a")
    return case


class TestSound:
    """A set-up as it should be."""

    def test_before_the_first_scan(self, case: Case) -> None:
        """Without a catalog nothing is wrong, and none is made."""
        checks = case.examine()
        assert "there is none yet" in checks["catalog"][0]["text"]
        assert sorted(one.name for one in case.folder.iterdir()) == ["ingest", "show.toml"]

    def test_without_a_configuration(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """No configuration is needed, and that is what is said."""
        answer = call("--catalog", tmp_path / "c.db", "doctor")
        assert answer.code == 0
        assert "none is given" in answer.out
        assert list(tmp_path.iterdir()) == []

    def test_after_a_scan(self, case: Case) -> None:
        """Catalog, volume and its watch are told; without a daemon that is a warning."""
        case.call("scan")
        checks = case.examine()
        assert "schema" in checks["catalog"][0]["text"]
        assert checks["volume ingest"][0]["text"].endswith("1 file known")
        assert checks["volume ingest: watch"][0]["text"].startswith(("native: ", "poll: "))
        assert checks["daemon"][0]["state"] == "warning"
        assert checks["MediaInfo"][0]["text"].startswith("libmediainfo ")

    def test_nothing_is_changed(self, case: Case) -> None:
        """Not a byte of the catalog, nor of the volume."""
        case.call("scan")
        before = (case.catalog.read_bytes(), sorted(one.name for one in case.folder.rglob("*")))
        case.examine()
        assert (case.catalog.read_bytes(), sorted(one.name for one in case.folder.rglob("*"))) == before

    def test_text(self, case: Case) -> None:
        """A person gets a line a check, the remedy under it, and the sum at the end."""
        case.root.rename(case.folder / "away")
        answer = case.call("doctor")
        assert answer.code == 1
        assert re.search(
            r"^wrong +volume ingest +.*does not exist: is its disk mounted\?\s*$", answer.out, re.MULTILINE
        )
        assert re.search(r"^ +-> mount it", answer.out, re.MULTILINE)
        assert re.search(r"^1 wrong, \d+ to be looked at, \d+ as they should be\.$", answer.out, re.MULTILINE)


class TestConfiguration:
    """What is wrong with the file."""

    def test_a_wrong_file(self, case: Case) -> None:
        """It is the first finding, with the key; what does not depend on it is checked all the same; code 2."""
        case.write('colour = "red"')
        checks = case.examine(code=2)
        assert "colour" in checks["configuration"][0]["text"]
        assert "MediaInfo" in checks
        assert "catalog" not in checks

    def test_no_file(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A file that is not there is named."""
        answer = call("--config", tmp_path / "none.toml", "doctor", "--json")
        assert answer.code == 2
        assert "none.toml" in answer.json["checks"][0]["text"]

    def test_one_directory_twice(self, case: Case) -> None:
        """Two volumes on one directory are wrong, also through a link."""
        os.symlink(case.root, case.folder / "again")
        case.write(f'[[volume]]\nname = "again"\npath = "{case.folder}/again"')
        assert "one directory" in case.examine(code=1)["volume again"][0]["text"]

    def test_one_inside_the_other(self, case: Case) -> None:
        """A volume inside another is read twice: the line that keeps them apart mends it."""
        (case.root / "cards").mkdir()
        (case.root / "cards" / "b.mov").write_bytes(b"b")
        inner = f'[[volume]]\nname = "cards"\npath = "{case.root}/cards"'
        case.write(inner)
        finding = case.examine()["volume cards"][0]
        assert finding["state"] == "warning"
        assert 'ignore = ["/cards/"]' in finding["remedy"]
        case.write(inner, volume='ignore = ["/cards/"]')
        assert [one["state"] for one in case.examine()["volume cards"]] == ["ok"]

    def test_a_renamed_volume(self, case: Case) -> None:
        """Under a new name all would be read anew: the old name keeps the history."""
        case.call("scan")
        case.config.write_text(case.config.read_text().replace('"ingest"', '"intake"'))
        (finding,) = [one for one in case.examine()["volume intake"] if one["state"] == "warning"]
        assert 'name = "ingest"' in finding["remedy"]


class TestCatalog:
    """What is wrong with the catalog."""

    def test_no_database(self, case: Case) -> None:
        """A file that is no database is wrong."""
        case.catalog.write_bytes(b"not a database at all" * 100)
        assert case.examine(code=1)["catalog"][0]["state"] == "wrong"

    def test_a_directory(self, case: Case) -> None:
        """A directory is wrong."""
        case.catalog.mkdir()
        assert "directory" in case.examine(code=1)["catalog"][0]["text"]

    def test_a_newer_one(self, case: Case) -> None:
        """A catalog of a newer program is wrong, and stays as it is."""
        case.call("scan")
        case.write_row("update alembic_version set version_num = '9999'")
        assert "newer" in case.examine(code=1)["catalog"][0]["text"]

    def test_an_older_one(self, case: Case) -> None:
        """An older catalog is a warning; looking does not upgrade it."""
        case.call("scan")
        case.write_row("update alembic_version set version_num = '0000'")
        assert case.examine()["catalog"][0]["state"] == "warning"
        assert case.examine()["catalog"][0]["state"] == "warning"

    def test_a_server_that_is_not_there(self, case: Case) -> None:
        """A server out of reach is wrong, and its password is not shown."""
        answer = case.call("--catalog", "postgresql://bob:geheim@127.0.0.1:1/show", "doctor", "--json")
        (finding,) = [one for one in answer.json["checks"] if one["name"] == "catalog"]
        assert (answer.code, finding["state"]) == (1, "wrong")
        assert "geheim" not in answer.out

    def test_a_clock_that_was_set_back(self, case: Case) -> None:
        """An instant in the catalog that is still to come is a wrong clock."""
        case.call("scan")
        case.write_row("update volume set last_scan_us = 32503680000000000")
        assert case.examine(code=1)["clock"][0]["state"] == "wrong"

    def test_open_alerts(self, case: Case) -> None:
        """What the daemon raised is told, with since when."""
        case.call("scan")
        case.write_row(
            "insert into alert (key, kind, volume_id, opened_us, text)"
            " values ('mass_loss:1', 'mass_loss', 1, 1795000000000000, '30 of 40 files are gone')"
        )
        finding = case.examine(code=1)["alert"][0]
        assert finding["text"] == "since 2026-11-18T11:06:40.000000Z: 30 of 40 files are gone"


class TestVolumes:
    """What is wrong with a volume."""

    def test_not_there(self, case: Case) -> None:
        """A root that does not exist is wrong."""
        case.root.rename(case.folder / "away")
        finding = case.examine(code=1)["volume ingest"][0]
        assert finding["state"] == "wrong"
        assert "mount" in finding["remedy"]

    def test_suddenly_empty(self, case: Case) -> None:
        """A volume that lost everything it had is wrong, with the command that accepts it."""
        for number in range(25):
            (case.root / f"{number}.mov").write_bytes(b"a")
        case.call("scan")
        for one in case.root.iterdir():
            one.unlink()
        assert "doctor --accept-volume ingest" in case.examine(code=1)["volume ingest"][0]["text"]

    def test_empty_on_the_systems_own_disk(self, case: Case) -> None:
        """A mount point without its mount looks like that."""
        (case.root / "a.mov").unlink()
        if machine_has_own_mount(case.root):
            pytest.skip("the tests' folder is a mount of its own")
        assert "is its disk mounted?" in case.examine()["volume ingest"][1]["text"]

    def test_without_its_marker(self, case: Case) -> None:
        """A guard that asks for a marker is heeded."""
        case.write(volume='guard = "marker:.assetwatch"')
        assert "marker" in case.examine(code=1)["volume ingest"][0]["text"]
        (case.root / ".assetwatch").touch()
        assert case.examine()["volume ingest"][0]["state"] == "ok"

    def test_polled_by_configuration(self, case: Case) -> None:
        """The watch mode is told with its reason."""
        case.write(volume='watch = "poll"\nrescan = "5m"')
        assert case.examine()["volume ingest: watch"][0]["text"].startswith("poll: a scan every 5 min")

    def test_only_the_catalog_knows_it(self, case: Case, call: Callable[..., Any]) -> None:
        """A volume that no configuration names is watched by nobody, and its loss is no fault of the set-up."""
        case.call("scan")
        other = case.folder / "other"
        other.mkdir()
        (other / "b.mov").write_bytes(b"b")
        call("--catalog", case.catalog, "scan", other, "--settle", "50ms")
        assert "nobody watches it" in case.examine()["volume other"][0]["text"]
        (other / "b.mov").unlink()
        other.rmdir()
        assert case.examine()["volume other"][0]["state"] == "warning"


def machine_has_own_mount(path: Path) -> bool:
    """Whether something other than `/` is mounted at or above the path."""
    from assetwatch.ingest.volume import look_at

    identity = look_at(str(path)).identity
    return identity is not None and identity.own_mount


class TestAccept:
    """`--accept-volume`."""

    def test_a_great_loss(self, case: Case) -> None:
        """After it the next scan takes what is there: files that are gone become missing, the volume is online."""
        for number in range(25):
            (case.root / f"{number}.mov").write_bytes(b"a")
        case.call("scan")
        for one in case.root.iterdir():
            one.unlink()
        assert case.call("scan").code == 3
        answer = case.call("doctor", "--accept-volume", "ingest")
        assert answer.code == 0
        assert "The next `run` or `scan` takes it up." in answer.out
        assert case.examine()["volume ingest"][0]["state"] == "ok"
        case.call("scan")
        assert case.call("status", "--json").json["files"]["by_presence"] == {"missing": 26}

    def test_json(self, case: Case) -> None:
        """The document says which volume, where, and when."""
        case.call("scan")
        document = case.call("doctor", "--accept-volume", "ingest", "--json").json
        assert set(document) == {"volume", "root", "accepted_at", "daemon"}
        assert (document["volume"], document["root"], document["daemon"]) == ("ingest", str(case.root), False)

    def test_an_unknown_name(self, case: Case) -> None:
        """A name that is not known is refused with those that are."""
        case.call("scan")
        answer = case.call("doctor", "--accept-volume", "digest")
        assert answer.code == 2
        assert answer.err == "assetwatch: --accept-volume 'digest': the catalog knows these volumes: ingest.\n"

    def test_nothing_there(self, case: Case) -> None:
        """What cannot be seen cannot be accepted."""
        case.call("scan")
        case.root.rename(case.folder / "away")
        assert case.call("doctor", "--accept-volume", "ingest").code == 3


class TestMachine:
    """The kernel's limits and the clock, as values."""

    @staticmethod
    def _by_name(findings: Any) -> dict[str, Finding]:
        return {one.name: one for one in findings}

    def test_too_few_watches(self) -> None:
        """More folders than watches is wrong: both the line for now and the file for good are given."""
        finding = self._by_name(machine.inotify(9000, 1, {"max_user_watches": 8192}))["inotify watches"]
        assert finding.state == "wrong"
        assert "`sysctl -w fs.inotify.max_user_watches=524288`" in (finding.remedy or "")
        assert "/etc/sysctl.d/60-assetwatch.conf" in (finding.remedy or "")

    def test_hardly_enough_watches(self) -> None:
        """Near the limit it is a warning, with room for twice as many folders."""
        finding = self._by_name(machine.inotify(900_000, 1, {"max_user_watches": 1_000_000}))["inotify watches"]
        assert finding.state == "warning"
        assert "max_user_watches=2097152" in (finding.remedy or "")

    def test_enough_of_everything(self) -> None:
        """With room to spare nothing is to be done."""
        limits = {"max_user_watches": 524288, "max_user_instances": 128, "max_queued_events": 16384}
        findings = list(machine.inotify(1000, 3, limits))
        assert [(one.state, one.remedy) for one in findings] == [("ok", None)] * 3

    @pytest.mark.parametrize(("instances", "state"), [(2, "wrong"), (10, "warning"), (128, "ok")])
    def test_instances(self, instances: int, state: str) -> None:
        """Each watched volume takes an instance, and other programs take some too."""
        limits = {"max_user_watches": 524288, "max_user_instances": instances}
        assert self._by_name(machine.inotify(10, 3, limits))["inotify instances"].state == state

    def test_a_short_queue(self) -> None:
        """A queue below the kernel's default overflows early."""
        limits = {"max_user_watches": 524288, "max_queued_events": 256}
        assert self._by_name(machine.inotify(10, 1, limits))["inotify queue"].state == "warning"

    def test_no_inotify(self) -> None:
        """A kernel that says nothing of its limits is a warning, no crash."""
        limits = dict.fromkeys(("max_user_watches", "max_user_instances", "max_queued_events"))
        assert [one.state for one in machine.inotify(10, 1, limits)] == ["warning"]

    @pytest.mark.parametrize(("limit", "state"), [(1024, "wrong"), (65536, "ok")])
    def test_open_files(self, limit: int, state: str) -> None:
        """Too few open files are wrong, with the unit's line."""
        finding = machine.open_files(limit)
        assert finding.state == state
        assert ("LimitNOFILE" in (finding.remedy or "")) == (state == "wrong")

    def test_clock(self) -> None:
        """A clock in another century is wrong."""
        assert machine.wall_clock(FakeClock(), None).state == "ok"
        assert machine.wall_clock(FakeClock(datetime(1970, 1, 1, tzinfo=UTC)), None).state == "wrong"
