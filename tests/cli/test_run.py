"""Does the daemon start, answer to signals and to systemd, share with nobody, and stop in seconds?"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import environment

#: How often a condition is asked for before the test gives up; each asking takes a good part of a second.
_TRIES = 60


class Service:
    """`assetwatch run` as a process, and what it writes to its log."""

    def __init__(self, *args: str | Path, **env: str) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", "assetwatch", *map(str, args)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(**env),
        )
        self._lines: list[str] = []
        self._rest = b""

    def until_said(self, words: str) -> str:
        """The log line with these words; fails when the daemon ends or stays silent before."""
        assert self.running.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.running.stderr, selectors.EVENT_READ)
            while True:
                found = next((line for line in self._lines if words in line), None)
                if found is not None:
                    self._lines.remove(found)
                    return found
                if not selector.select(30):
                    pytest.fail(f"never said {words!r}: {self._lines}")
                piece = os.read(self.running.stderr.fileno(), 65536)
                if not piece:
                    pytest.fail(f"ended without saying {words!r}: {self._lines}")
                *lines, self._rest = (self._rest + piece).split(b"\n")
                self._lines += [line.decode() for line in lines]

    def send(self, number: int) -> None:
        """Send a signal."""
        self.running.send_signal(number)

    def end(self) -> int:
        """Its exit code, after at most ten seconds."""
        code = self.running.wait(10)
        assert self.running.stderr is not None
        self.running.stderr.close()
        return code


class House:
    """One volume with its catalog, and the services that were started on it."""

    def __init__(self, folder: Path, program: Callable[..., Any]) -> None:
        self.root = folder / "ingest"
        self.root.mkdir()
        self.catalog = folder / "catalog.db"
        self.config = folder / "show.toml"
        self.write_config()
        self._program = program
        self._services: list[Service] = []

    def write_config(self, more: str = "") -> None:
        """A configuration with the volume, and `more` in it."""
        self.config.write_text(
            f'[catalog]\nurl = "{self.catalog}"\n[[volume]]\nname = "ingest"\npath = "{self.root}"\n'
            f'settle = "100ms"\n{more}\n'
        )

    def start(self, **env: str) -> Service:
        """A daemon on the configuration, begun."""
        service = Service("--config", self.config, "run", **env)
        self._services.append(service)
        service.until_said("watches ingest")
        return service

    def start_on(self, directory: Path) -> Service:
        """Another daemon on the same catalog, for a directory of its own, begun."""
        service = Service("--catalog", self.catalog, "run", directory)
        self._services.append(service)
        service.until_said(f"watches {directory.name}")
        return service

    def say(self, *args: str) -> str:
        """What a command tells a person."""
        return str(self._program("--config", self.config, *args).stdout.decode())

    def ask(self, *args: str) -> Any:
        """A command's JSON."""
        done = self._program("--config", self.config, *args, "--json")
        assert done.returncode in (0, 1), done.stderr.decode()
        return json.loads(done.stdout)

    def until(self, reached: Callable[[Any], Any], *command: str) -> Any:
        """Ask a command until its document shows what is waited for."""
        for _ in range(_TRIES):
            document = self.ask(*command)
            if reached(document):
                return document
        pytest.fail(f"never came to be: {document}")

    def close(self) -> None:
        for service in self._services:
            if service.running.poll() is None:
                service.running.kill()
            service.running.wait()
            if service.running.stderr is not None:
                service.running.stderr.close()


@pytest.fixture
def house(tmp_path: Path, program: Callable[..., Any]) -> Iterator[House]:
    """A volume, a catalog and a configuration; every daemon started on it is gone afterwards."""
    house = House(tmp_path, program)
    yield house
    house.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told_to(number: int, house: House) -> None:
    """A signal ends it within seconds, cleanly, and the catalog says that no daemon is left."""
    service = house.start()
    assert house.until(lambda status: status["daemon"], "status")["daemon"]["pid"] == service.running.pid
    service.send(number)
    assert service.end() == 0
    assert house.ask("status")["daemon"] is None


def test_a_killed_daemon_is_no_daemon(house: House) -> None:
    """After kill -9 `status` does not believe what the catalog still says, and the next one may begin."""
    service = house.start()
    house.until(lambda status: status["daemon"], "status")
    service.send(signal.SIGKILL)
    assert service.end() == -signal.SIGKILL
    assert house.ask("status")["daemon"] is None
    house.start()


def test_records_what_arrives(house: House) -> None:
    """A file that arrives while it runs is recorded, and `status` tells how the volume is watched."""
    house.start()
    house.until(lambda status: status["volumes"] and status["volumes"][0]["last_scan"], "status")
    (house.root / "A001.mov").write_bytes(b"footage")
    (one,) = house.until(lambda files: files and files[0]["integrity"] == "recorded", "files")
    assert one["path"] == "A001.mov"
    volume = house.ask("status")["volumes"][0]
    assert volume["watching"] in ("native", "poll")


def test_a_second_daemon_is_told_who_has_the_volume(house: House, program: Callable[..., Any]) -> None:
    """The second on one volume and catalog ends with 3 and names the process that has it."""
    first = house.start()
    done = program("--config", house.config, "run")
    assert done.returncode == 3
    assert f"process id {first.running.pid}".encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_scan_asks_the_daemon(house: House, program: Callable[..., Any]) -> None:
    """While the daemon has the volume, `scan` has it do the work and tells the outcome."""
    (house.root / "A001.mov").write_bytes(b"footage")
    first = house.start()
    done = program("--config", house.config, "scan", "--json")
    assert done.returncode == 0, done.stderr.decode()
    assert f"process id {first.running.pid}".encode() in done.stderr
    assert json.loads(done.stdout)["volumes"][0]["by_integrity"] == {"recorded": 1}
    assert first.running.poll() is None


class TestReload:
    """SIGHUP."""

    def test_a_wrong_configuration_is_refused(self, house: House) -> None:
        """The daemon says what is wrong, and goes on with the old configuration."""
        service = house.start()
        house.write_config('watch = "telepathy"')
        service.send(signal.SIGHUP)
        assert "telepathy" in service.until_said("refused")
        house.write_config()
        (house.root / "A001.mov").write_bytes(b"footage")
        house.until(lambda files: files and files[0]["integrity"] == "recorded", "files")
        service.send(signal.SIGTERM)
        assert service.end() == 0

    def test_a_volume_that_is_not_there_is_refused(self, house: House) -> None:
        """A directory that was misspelt, or is not mounted yet, does not end a daemon that watches others."""
        service = house.start()
        house.write_config(f'[[volume]]\nname = "second"\npath = "{house.root.parent}/second"')
        service.send(signal.SIGHUP)
        assert "second is not there" in service.until_said("refused")
        (house.root / "A001.mov").write_bytes(b"footage")
        house.until(lambda files: files and files[0]["integrity"] == "recorded", "files")
        assert [one["name"] for one in house.ask("status")["volumes"]] == ["ingest"]
        service.send(signal.SIGTERM)
        assert service.end() == 0

    def test_a_volume_in_other_hands_is_refused(self, house: House) -> None:
        """A volume that another daemon has in care is refused, with its name, and the others are watched on."""
        second = house.root.parent / "second"
        second.mkdir()
        other = house.start_on(second)
        service = house.start()
        house.write_config(f'[[volume]]\nname = "second"\npath = "{second}"')
        service.send(signal.SIGHUP)
        assert f"process id {other.running.pid}" in service.until_said("refused")
        service.until_said("watches ingest")
        (house.root / "A001.mov").write_bytes(b"footage")
        house.until(lambda files: files and files[0]["integrity"] == "recorded", "files")
        service.send(signal.SIGTERM)
        assert service.end() == 0

    def test_a_new_volume_is_watched(self, house: House) -> None:
        """A volume that was added is watched without a restart, by the same process."""
        service = house.start()
        (house.root.parent / "second").mkdir()
        (house.root.parent / "second" / "B001.mov").write_bytes(b"footage")
        house.write_config(f'[[volume]]\nname = "second"\npath = "{house.root.parent}/second"\nsettle = "100ms"')
        service.send(signal.SIGHUP)
        service.until_said("second (")
        house.until(lambda files: files and files[0]["integrity"] == "recorded", "files", "B001.mov")
        assert house.ask("status")["daemon"]["pid"] == service.running.pid

    def test_a_volume_that_was_taken_out_is_not_called_watched(self, house: House) -> None:
        """It stays known, and nobody is told that its changes are heard."""
        second = house.root.parent / "second"
        second.mkdir()
        house.write_config(f'[[volume]]\nname = "second"\npath = "{second}"')
        service = house.start()
        service.until_said("volume second: scan ended")
        house.write_config()
        service.send(signal.SIGHUP)
        service.until_said("watches ingest (")
        watching = {one["name"]: one["watching"] for one in house.ask("status")["volumes"]}
        assert watching["second"] is None
        assert "online, not watched" in house.say("status")

    def test_every_volume_is_scanned(self, house: House) -> None:
        """With the same configuration every volume is scanned."""
        service = house.start()
        service.until_said("scan ended")
        service.send(signal.SIGHUP)
        service.until_said("asked by SIGHUP")
        service.until_said("scan ended")


class TestSystemd:
    """sd_notify(3)."""

    def test_ready_status_and_stopping(self, house: House) -> None:
        """READY when it watches, STATUS with what it does, WATCHDOG on time, STOPPING when it is told to stop."""
        address = str(house.root.parent / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(address)
            heard.settimeout(30)
            service = house.start(NOTIFY_SOCKET=address, WATCHDOG_USEC="3000000")
            said: list[str] = []

            def until(word: str) -> str:
                while True:
                    text = heard.recv(4096).decode()
                    said.append(text)
                    if word in text:
                        return text

            assert "STATUS=" in until("READY=1")
            assert "volumes online" in until("STATUS=1 of 1")
            until("WATCHDOG=1")
            service.send(signal.SIGTERM)
            until("STOPPING=1")
            assert service.end() == 0
        assert "STOPPING=1" not in "".join(said[:-1])

    def test_reload_is_told(self, house: House) -> None:
        """A reload is announced with its time and ended with READY (Type=notify-reload)."""
        address = str(house.root.parent / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
            heard.bind(address)
            heard.settimeout(30)
            service = house.start(NOTIFY_SOCKET=address)
            while "READY=1" not in heard.recv(4096).decode():
                pass
            before = time.monotonic()
            service.send(signal.SIGHUP)
            while "RELOADING=1" not in (text := heard.recv(4096).decode()):
                pass
            told = dict(line.split("=", 1) for line in text.splitlines())
            assert int(told["MONOTONIC_USEC"]) >= before * 1_000_000
            while "READY=1" not in heard.recv(4096).decode():
                pass

    def test_journal_lines_carry_their_priority(self, house: House) -> None:
        """Where standard error is the journal, lines begin with a priority and have no time of their own."""
        code = (
            "import os, sys; s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}'; "
            "from assetwatch.cli.main import main; main(sys.argv[1:])"
        )
        running = subprocess.Popen(
            [sys.executable, "-c", code, "--config", str(house.config), "run"],
            stderr=subprocess.PIPE,
            env=environment(),
        )
        assert running.stderr is not None
        assert running.stderr.readline().startswith(b"<6>assetwatch ")
        running.send_signal(signal.SIGTERM)
        running.stderr.read()
        running.stderr.close()
        assert running.wait(10) == 0


def test_settle_is_checked(program: Callable[..., Any], tmp_path: Path) -> None:
    """A settle time that is none is a wrong usage."""
    done = program("--catalog", tmp_path / "c.db", "run", tmp_path, "--settle", "soon")
    assert done.returncode == 2
    assert b"--settle" in done.stderr
