"""Is the nightly report made by its timer, in time and after a night that was missed?"""

from __future__ import annotations

import pytest

from assetwatch.cli.main import COMMANDS

from .conftest import CONFIG, Service
from .machine import until

pytestmark = pytest.mark.skipif("report" not in COMMANDS, reason="there is no command `report` yet")

REPORTS = CONFIG + '[report]\ndirectory = "/var/lib/assetwatch/reports"\nformats = ["html", "json"]\n'
OFTEN = "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/2\nAccuracySec=100ms\nRandomizedDelaySec=0\n"


def reports(service: Service) -> list[str]:
    """The files of the report directory."""
    found = service.machine.run("find", "/var/lib/assetwatch/reports", "-type", "f", check=False)
    return found.stdout.split()


@pytest.fixture
def stocked(service: Service) -> Service:
    """A daemon that runs, with a file recorded."""
    service.configure(REPORTS)
    service.start()
    (service.root / "a.mov").write_bytes(b"a")
    service.until_files("recorded", "a.mov")
    return service


def test_the_timer_fires_and_a_report_is_written(stocked: Service) -> None:
    """At the hour of the timer the report is made, while the daemon runs, and people of the group can read it."""
    machine = stocked.machine
    machine.drop_in("assetwatch-report.timer", OFTEN)
    machine.run("systemctl", "start", "assetwatch-report.timer")
    until(lambda: any(one.endswith(".html") for one in reports(stocked)), "a page is written")
    machine.run("systemctl", "stop", "assetwatch-report.timer")
    until(lambda: machine.shown("assetwatch-report.service", "ActiveState") != "activating", "it has ended")
    assert machine.shown("assetwatch-report.service", "Result") == "success", machine.journal()
    assert machine.shown(stocked.unit, "ActiveState") == "active"
    machine.run("useradd", "--groups", "assetwatch", "ann")
    page = next(one for one in reports(stocked) if one.endswith(".html"))
    assert "NIGHTFALL" in machine.run("runuser", "-u", "ann", "--", "cat", page).stdout


def test_a_night_that_was_missed_is_caught_up(stocked: Service) -> None:
    """A machine that was off at the hour makes the report when the timer is there again."""
    machine = stocked.machine
    machine.drop_in("assetwatch-report.timer", "[Timer]\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
    stamp = "/var/lib/systemd/timers/stamp-assetwatch-report.timer"
    machine.write(stamp, "")
    machine.run("touch", "--date=3 days ago", stamp)
    machine.run("systemctl", "start", "assetwatch-report.timer")
    until(lambda: any(one.endswith(".html") for one in reports(stocked)), "a page is written")


def test_a_first_night_is_not_caught_up(stocked: Service) -> None:
    """Enabled for the first time it waits for its hour."""
    stocked.machine.run("systemctl", "enable", "--now", "assetwatch-report.timer")
    assert stocked.machine.shown("assetwatch-report.service", "ActiveState") == "inactive"
    assert stocked.machine.shown("assetwatch-report.timer", "ActiveState") == "active"
    assert "04:" in stocked.machine.run("systemctl", "list-timers", "--no-pager").stdout
