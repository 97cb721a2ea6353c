"""Does the daemon do under a real systemd what its unit promises: ready, reload, watchdog, kills, stop, two shows?"""

from __future__ import annotations

import hashlib
import json
import os
import wave
from pathlib import Path

from .conftest import CONFIG, Service
from .machine import PROGRAM, PYTHON, until

#: A watchdog for tests: the daemon says a word at least three times in it.
QUICK_WATCHDOG = "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n"


def offload(root: Path, folder: str, count: int = 3) -> list[str]:
    """A folder of files with the sender's list; the files' paths."""
    (root / folder).mkdir()
    lines = []
    for number in range(count):
        content = f"{folder} take {number}\n".encode() * 1000
        (root / folder / f"take{number}.mov").write_bytes(content)
        lines.append(f"{hashlib.md5(content).hexdigest()}  take{number}.mov\n")
    (root / folder / f"{folder}.md5").write_text("".join(lines))
    return [f"{folder}/take{number}.mov" for number in range(count)]


def sound(path: Path) -> None:
    """A file of which MediaInfo has something to say."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(bytes(96000))


def versions(service: Service) -> int:
    """How many contents were entered in all; one of them twice would be one too many."""
    ask = 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute("select count(*) from version").fetchone())'
    return int(service.machine.run(PYTHON, "-c", ask, "/var/lib/assetwatch/catalog.db").stdout)


def test_it_is_ready_when_start_returns_and_takes_note_of_what_arrives(service: Service) -> None:
    """Started, it says what it does; a file is recorded, and files with a sender's list are verified."""
    service.start()
    assert service.machine.shown(service.unit, "ActiveState") == "active"
    assert "1 volume" in service.machine.shown(service.unit, "StatusText")
    (service.root / "notes.txt").write_text("scene 1\n")
    paths = offload(service.root, "A001")
    service.until_files("verified", *paths)
    assert service.until_files("recorded", "notes.txt")["notes.txt"]["presence"] == "present"
    until(lambda: "1 of 1 volumes online" in service.machine.shown(service.unit, "StatusText"), "its status says so")


def test_what_it_says_is_in_the_journal_with_priorities(service: Service) -> None:
    """What happens is information, what is refused an error; nothing of the prefix is left in the text."""
    service.start()
    service.configure("volumes = 3")
    service.machine.run("systemctl", "reload", service.unit)
    service.until_said("refused")
    lines = [json.loads(line) for line in service.machine.journal(service.unit, "-o", "json").splitlines()]
    own = [one for one in lines if one.get("_COMM") == "assetwatch"]
    assert [one["PRIORITY"] for one in own if "watches ingest" in one["MESSAGE"]] == ["6"]
    assert [one["PRIORITY"] for one in own if "refused" in one["MESSAGE"]] == ["3"]
    assert not [one for one in own if one["MESSAGE"].startswith("<")]


def test_a_reload_puts_another_configuration_in_force(service: Service) -> None:
    """A volume added to the file is watched after `systemctl reload`, without a restart."""
    service.start()
    pid = service.pid
    second = service.add_volume("sound")
    service.configure(CONFIG + '[[volume]]\nname = "sound"\npath = "/mnt/sound"\nsettle = "200ms"\n')
    service.machine.run("systemctl", "reload", service.unit)
    service.until_said("the new configuration is in force")
    (second / "roll.wav").write_bytes(b"sound")
    service.until_files("recorded", "roll.wav")
    assert service.pid == pid


def test_a_wrong_configuration_is_refused_by_a_reload(service: Service) -> None:
    """The old one stays in force, and the status says why."""
    service.start()
    pid = service.pid
    service.configure(CONFIG.replace("settle", "setle"))
    service.machine.run("systemctl", "reload", service.unit)
    service.until_said("setle")
    (service.root / "late.mov").write_bytes(b"late")
    service.configure(CONFIG)
    service.until_files("recorded", "late.mov")
    assert service.pid == pid


def test_a_wrong_configuration_ends_the_start_at_once(service: Service) -> None:
    """What does not mend itself is not tried again and again; the journal names file and key."""
    service.configure(CONFIG.replace("settle", "setle"))
    assert service.machine.run("systemctl", "start", service.unit, check=False).returncode != 0
    assert "assetwatch.toml: volume[0].setle" in service.until_said("setle")
    assert service.machine.shown(service.unit, "ActiveState") == "failed"
    assert service.machine.shown(service.unit, "NRestarts") == "0"


def test_it_is_started_again_for_as_long_as_it_takes(service: Service) -> None:
    """A catalog that is out of reach is tried until it is there, more often than systemd would by itself."""
    service.machine.drop_in(service.unit, "[Service]\nRestartSec=50ms\n")
    blocked = service.machine.path("/var/lib/assetwatch/catalog.db")
    blocked.mkdir()
    service.machine.run("systemctl", "start", "--no-block", service.unit)
    until(lambda: int(service.machine.shown(service.unit, "NRestarts")) > 6, "more than six starts")
    blocked.rmdir()
    (service.root / "a.mov").write_bytes(b"a")
    until(lambda: service.machine.shown(service.unit, "ActiveState") == "active", "it is active")
    service.until_files("recorded", "a.mov")


def test_when_it_hangs_it_is_killed_and_nothing_is_lost(service: Service) -> None:
    """Stopped in its tracks it is killed by the watchdog, started again, and enters what came meanwhile once."""
    service.machine.drop_in(service.unit, QUICK_WATCHDOG)
    service.start()
    pid = service.pid
    before = offload(service.root, "A001")
    service.until_files("verified", *before)
    service.machine.run("kill", "-STOP", str(pid))
    during = offload(service.root, "A002")
    until(lambda: service.pid not in (0, pid), "another process runs")
    assert "Watchdog timeout" in service.machine.journal(service.unit)
    service.until_files("verified", *before, *during)
    assert int(service.machine.shown(service.unit, "NRestarts")) == 1
    assert versions(service) == len(before) + len(during) + 2


def test_killed_in_the_middle_of_a_read_nothing_is_lost(service: Service) -> None:
    """SIGKILL, as by the kernel that is out of memory: what was being read is read by the next."""
    service.machine.drop_in(service.unit, QUICK_WATCHDOG)
    service.start()
    with open(service.root / "large.mov", "wb") as file:
        file.truncate(1 << 40)
    small = offload(service.root, "A001")
    until(lambda: "reading 1" in service.machine.shown(service.unit, "StatusText"), "the large file is being read")
    pid = service.pid
    service.machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", service.unit)
    os.truncate(service.root / "large.mov", 1 << 20)
    until(lambda: service.pid not in (0, pid), "another process runs")
    service.until_files("verified", *small)
    service.until_files("recorded", "large.mov")
    assert versions(service) == len(small) + 2
    assert service.machine.shown(service.unit, "Result") == "success"


def test_it_goes_on_without_a_child_that_was_killed(service: Service) -> None:
    """A child that reads media dies, as by the kernel that is out of memory; the daemon stays and asks another."""
    assert service.machine.shown(service.unit, "OOMPolicy") == "continue"
    service.start()
    pid = service.pid
    sound(service.root / "roll.wav")
    group = f"/sys/fs/cgroup{service.machine.shown(service.unit, 'ControlGroup')}/cgroup.procs"

    def others() -> list[str]:
        return [one for one in service.machine.run("cat", group).stdout.split() if one != str(pid)]

    children = until(others, "a child runs")
    service.machine.run("kill", "-KILL", *children)
    sound(service.root / "next.wav")
    known = service.until_files("recorded", "roll.wav", "next.wav")
    assert known["next.wav"]["media"]["audio"][0]["sample_rate"] == 48000
    assert service.pid == pid


def test_it_stops_in_the_middle_of_a_large_file(service: Service) -> None:
    """A file that takes hours does not hold up a stop."""
    service.machine.drop_in(service.unit, "[Service]\nTimeoutStopSec=10s\n")
    service.start()
    with open(service.root / "large.mov", "wb") as file:
        file.truncate(1 << 40)
    until(lambda: "reading 1" in service.machine.shown(service.unit, "StatusText"), "the large file is being read")
    service.machine.run("systemctl", "stop", service.unit)
    assert service.machine.shown(service.unit, "Result") == "success"
    assert "stopped" in service.until_said("stopped").splitlines()


def test_two_shows_on_one_server(service: Service) -> None:
    """Each with its configuration, its catalog and its daemon; neither knows of the other's files."""
    for show in ("nightfall", "daybreak"):
        root = service.add_volume(show)
        (root / f"{show}.mov").write_text(show)
        service.configure(CONFIG.replace("/mnt/ingest", f"/mnt/{show}"), show)
        service.machine.run("systemctl", "start", f"assetwatch@{show}.service")
    service.start()
    for show in ("nightfall", "daybreak"):
        assert list(service.until_files("recorded", f"{show}.mov", name=show)) == [f"{show}.mov"]
    assert service.files() == {}
    assert service.machine.run("systemctl", "is-active", "assetwatch@*").stdout.split() == ["active", "active"]


def test_people_of_its_group_may_ask_and_others_may_not(service: Service) -> None:
    """A member of the group reads the catalog while the daemon writes it; nobody else does."""
    service.start()
    (service.root / "a.mov").write_bytes(b"a")
    service.until_files("recorded", "a.mov")
    service.machine.run("useradd", "--groups", "assetwatch", "ann")
    service.machine.run("useradd", "bob")
    assert service.call("files", "--json", user="ann").returncode == 0
    assert service.call("status", user="ann").returncode == 0
    assert service.call("files", "--json", user="bob").returncode == 3
    assert PROGRAM in service.machine.run("systemctl", "cat", service.unit).stdout
