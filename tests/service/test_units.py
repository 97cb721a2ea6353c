"""Are the units right by systemd's own judgement, and alike where they have to be?"""

from __future__ import annotations

import re
import shutil
import subprocess
import zoneinfo
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from .machine import Machine

UNITS = Path(__file__).parents[2] / "systemd"
INSTALLED = "/etc/systemd/system/assetwatch.service"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
TIMERS = sorted(path.name for path in UNITS.glob("*.timer"))

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def directives(name: str) -> dict[str, list[str]]:
    """What a unit says, by key, in its order."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        if "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_all_are_there() -> None:
    """For one show and for several: the daemon, the report, its timer."""
    assert SERVICES == [
        "assetwatch-report.service",
        "assetwatch-report@.service",
        "assetwatch.service",
        "assetwatch@.service",
    ]
    assert TIMERS == ["assetwatch-report.timer", "assetwatch-report@.timer"]


def test_systemd_finds_nothing_wrong(bare: Machine) -> None:
    """`systemd-analyze verify` is silent over all units, where the program is installed."""
    folder = "/opt/tests/project/systemd"
    units = [f"{folder}/{name}" for name in (*SERVICES, *TIMERS)]
    done = bare.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *units, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_find_something_wrong(bare: Machine) -> None:
    """The same call is not silent over a misspelt word."""
    text = (UNITS / "assetwatch.service").read_text().replace("ProtectSystem=strict", "ProtectSystem=strickt")
    bare.write(INSTALLED, text)
    done = bare.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", INSTALLED, check=False)
    assert done.returncode != 0
    assert "strickt" in done.stderr


@needs_analyze
@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_low(name: str, tmp_path: Path) -> None:
    """`systemd-analyze security` gives 1.1 or better to each."""
    shutil.copy(UNITS / name, tmp_path)
    asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=11", str(tmp_path / name)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze is older than 250")
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


@pytest.mark.parametrize("one", ["assetwatch", "assetwatch-report"])
def test_of_several_shows_each_is_like_the_only_one(one: str) -> None:
    """A template differs from its sibling in names and places only."""
    plain = (UNITS / f"{one}.service").read_text()
    template = (UNITS / f"{one}@.service").read_text()
    plain, template = plain[plain.index("[Unit]") :], template[template.index("[Unit]") :]
    template = template.replace("assetwatch/%i.toml", "assetwatch/assetwatch.toml").replace(
        "assetwatch (%i)", "assetwatch"
    )
    assert (
        template.replace("assetwatch@%i.service", "assetwatch.service").replace("assetwatch/%i", "assetwatch") == plain
    )


#: What the daemon and the report differ in, and nothing else of the sandbox.
_OWN = {
    "Type",
    "NotifyAccess",
    "ExecStart",
    "ExecReload",
    "WatchdogSec",
    "Restart",
    "RestartSec",
    "TimeoutStartSec",
} | {
    *("RestartPreventExitStatus", "StartLimitIntervalSec", "Nice", "CPUWeight", "IOWeight"),
    *("Description", "After", "WantedBy"),
}


def test_the_report_runs_in_the_sandbox_of_the_daemon() -> None:
    """One user, one state folder, one set of rights: what one writes the other can read."""
    daemon, report = directives("assetwatch.service"), directives("assetwatch-report.service")
    assert {key: value for key, value in daemon.items() if key not in _OWN} == {
        key: value for key, value in report.items() if key not in _OWN
    }


@pytest.mark.parametrize("name", SERVICES)
def test_traps_are_avoided(name: str) -> None:
    """What looks like hardening and undoes it, or breaks what the program does, is not in a unit."""
    said = directives(name)
    # NoExecPaths= and ExecPaths= make what they name writable again under ProtectSystem=strict; ReadOnlyPaths= does
    # nothing there; PrivateUsers= hides who owns a file; ProcSubset= hides the kernel's limits of inotify.
    assert not {"NoExecPaths", "ExecPaths", "ReadOnlyPaths", "PrivateUsers", "ProcSubset"} & set(said)
    assert said["User"] == ["assetwatch"]
    assert "AF_UNIX" in said["RestrictAddressFamilies"][0].split()
    assert said["StateDirectory"] == ["assetwatch/%i" if "@" in name else "assetwatch"]


def test_the_hour_of_the_report_is_there_once_every_day_in_every_time_zone() -> None:
    """Clocks are not put forward or back in it: a run in an hour left out would not take place."""
    said = directives("assetwatch-report.timer")
    match = re.fullmatch(r"\*-\*-\* (\d\d):(\d\d)", said["OnCalendar"][0])
    assert match is not None
    assert said["Persistent"] == ["true"]
    hour, minute = int(match[1]), int(match[2])
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(2 * 365)]
    odd = []
    for name in sorted(zoneinfo.available_timezones()):
        zone = zoneinfo.ZoneInfo(name)
        for day in days:
            instant = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            if instant.utcoffset() != instant.replace(fold=1).utcoffset():
                odd.append(f"{name} {day}")
    assert odd == []


@pytest.mark.parametrize("name", sorted(path.name for path in (UNITS / "examples").glob("*.conf")))
def test_each_example_can_be_used(bare: Machine, name: str) -> None:
    """A drop-in of the examples is understood, with all that is commented out in it."""
    text = (UNITS / "examples" / name).read_text()
    target = re.match(r"# (/etc/systemd/system/assetwatch\.service\.d/\S+\.conf)", text)
    assert target is not None
    text = re.sub(r"^#(?=[A-Z][A-Za-z]+=)", "", text, flags=re.MULTILINE)
    bare.run("cp", "/opt/tests/project/systemd/assetwatch.service", INSTALLED)
    bare.write(target[1], text)
    done = bare.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", INSTALLED, check=False)
    said = [line for line in done.stderr.splitlines() if "notify-reload" not in line or _knows_reload(bare)]
    assert said == []


def _knows_reload(machine: Machine) -> bool:
    """Type=notify-reload came with systemd 253."""
    return int(machine.run("systemctl", "--version").stdout.split()[1]) >= 253


def test_limits_of_inotify_can_be_set() -> None:
    """The drop-in for sysctl names settings that the kernel has."""
    text = (UNITS / "sysctl.d" / "10-assetwatch.conf").read_text()
    settings = re.findall(r"^([a-z_.]+) = (\d+)$", text, re.MULTILINE)
    assert len(settings) == 3
    assert all((Path("/proc/sys") / name.replace(".", "/")).exists() for name, _ in settings)
