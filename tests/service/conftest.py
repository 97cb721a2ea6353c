"""What do tests of the service share? A machine with a systemd of its own, and assetwatch installed on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .machine import PROGRAM, Machine, NoMachineError, machine, make_program, missing, until

CONFIG = """
project = "NIGHTFALL"
time_zone = "Europe/Berlin"

[[volume]]
name = "ingest"
path = "/mnt/ingest"
settle = "200ms"
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it is installed on machines; skips where no machine can be made."""
    why = missing()
    if why is not None:
        pytest.skip(f"no tests under systemd: {why}")
    folder = tmp_path_factory.mktemp("program") / "assetwatch"
    make_program(folder)
    return folder


@pytest.fixture
def bare(program: Path) -> Iterator[Machine]:
    """A machine with the program on it, and nothing set up."""
    try:
        made = machine(program)
        with made as booted:
            yield booted
    except NoMachineError as error:
        pytest.skip(f"no tests under systemd: {error}")


class Service:
    """assetwatch as a service of a machine: its units, one volume, and what the catalog says."""

    unit = "assetwatch.service"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        machine.run(
            "sh",
            "-c",
            "cp /opt/tests/project/systemd/*.service /opt/tests/project/systemd/*.timer /etc/systemd/system/",
        )
        machine.run("systemd-sysusers", "/opt/tests/project/systemd/sysusers.d/assetwatch.conf")
        machine.run("systemd-tmpfiles", "--create", "/opt/tests/project/systemd/tmpfiles.d/assetwatch.conf")
        machine.run("systemctl", "daemon-reload")
        self.add_volume("ingest")
        self.configure(CONFIG)

    def add_volume(self, name: str) -> Path:
        """A volume mounted below /mnt; where it can be written to from outside."""
        self.machine.run("mkdir", f"/mnt/{name}")
        self.machine.run("mount", "-t", "tmpfs", "-o", "mode=755", name, f"/mnt/{name}")
        return self.machine.path(f"/mnt/{name}")

    @property
    def root(self) -> Path:
        """The volume, from outside."""
        return self.machine.path("/mnt/ingest")

    def configure(self, text: str, name: str = "assetwatch") -> None:
        """Write a configuration."""
        self.machine.write(f"/etc/assetwatch/{name}.toml", text)

    def start(self) -> None:
        """Start it, and come back when it is ready."""
        self.machine.run("systemctl", "start", self.unit)

    @property
    def pid(self) -> int:
        """The main process, as the machine counts."""
        return int(self.machine.shown(self.unit, "MainPID"))

    def call(self, *args: str, user: str = "assetwatch", name: str = "assetwatch") -> subprocess.CompletedProcess[str]:
        """A command of assetwatch with the service's configuration, as the service's user."""
        state = "/var/lib/assetwatch" + ("" if name == "assetwatch" else f"/{name}")
        return self.machine.run(
            *("runuser", "-u", user, "--", "env", f"STATE_DIRECTORY={state}", PROGRAM),
            *("--config", f"/etc/assetwatch/{name}.toml", *args),
            check=False,
        )

    def files(self, name: str = "assetwatch") -> dict[str, dict[str, Any]]:
        """The files that the catalog knows, by path."""
        answer = self.call("files", "--json", name=name)
        assert answer.stdout, answer.stderr
        return {one["path"]: one for one in json.loads(answer.stdout)}

    def until_files(self, integrity: str, *paths: str, name: str = "assetwatch") -> dict[str, dict[str, Any]]:
        """Wait until files have come so far; what the catalog knows then."""
        known: dict[str, dict[str, Any]] = {}

        def there() -> bool:
            known.clear()
            known.update(self.files(name))
            return all(known.get(path, {}).get("integrity") == integrity for path in paths)

        try:
            until(there, f"{integrity}: {', '.join(paths)}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{known}\n{self.machine.journal(self.unit)}") from None
        return known

    def until_said(self, words: str, unit: str | None = None) -> str:
        """Wait until something is in the journal of the unit; the whole of it."""
        unit = unit or self.unit

        def said() -> str | None:
            log = self.machine.journal(unit)
            return log if words in log else None

        return str(until(said, f"{words!r} in the journal"))


@pytest.fixture
def service(bare: Machine) -> Service:
    """assetwatch installed and configured on a machine, and not started."""
    return Service(bare)
