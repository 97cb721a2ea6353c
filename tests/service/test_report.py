"""Is the nightly report made by its timer, in time and after a night that was missed?"""

from __future__ import annotations

import pytest

from assetwatch.cli.main import COMMANDS

from .conftest import CONFIG, Service
from .machine import until

pytestmark = pytest.mark.skipif("report" not in COMMANDS, reason="there is no command `report` yet")

REPORTS = CONFIG + '[report]\ndirectory = "/var/lib/assetwatch/reports"\nformats = ["html", "json"]\n'

SECRET = "correct-horse-battery"
MAIL = """
[notify]
urls = ["ann@example.com"]

[notify.smtp]
host = "127.0.0.1"
port = 2525
security = "none"
user = "assetwatch"
"""

#: A mail server that takes what comes from who knows the password, and writes it down.
_SERVER = """
import pathlib, threading
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

class Box:
    async def handle_DATA(self, server, session, envelope):
        pathlib.Path("/tmp/received").write_bytes(envelope.content)
        return "250 taken"

def known(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"%s")

Controller(Box(), "127.0.0.1", 2525, authenticator=known, auth_required=True, auth_require_tls=False).start()
threading.Event().wait()
"""
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


def test_it_is_mailed_with_the_password_of_the_credential(stocked: Service) -> None:
    """From the sandbox of the report's unit to a mail server that lets nobody in without the secret."""
    machine = stocked.machine
    stocked.configure(REPORTS + MAIL)
    machine.write("/etc/assetwatch/secrets/smtp-password", SECRET + "\n", 0o600)
    machine.write("/opt/server.py", _SERVER % SECRET)
    machine.run("systemd-run", "--unit=mail", "/opt/assetwatch/bin/python", "/opt/server.py")
    knock = ("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/2525")
    until(lambda: machine.run(*knock, check=False).returncode == 0, "the mail server listens")
    machine.run("systemctl", "start", "assetwatch-report.service")
    received = until(lambda: machine.run("cat", "/tmp/received", check=False).stdout, "the mail is there")
    assert "To: ann@example.com" in received
    assert "NIGHTFALL" in received
    assert SECRET not in machine.journal()


def test_the_sandbox_lets_every_format_be_made(stocked: Service) -> None:
    """Whatever libraries do to draw a page, it is allowed."""
    machine = stocked.machine
    every = '["html", "text", "json", "csv", "pdf"]'
    stocked.configure(REPORTS.replace('["html", "json"]', every))
    without = machine.run("/opt/assetwatch/bin/python", "-c", "import weasyprint", check=False).returncode != 0
    machine.run("systemctl", "start", "assetwatch-report.service", check=False)
    log = machine.journal("assetwatch-report.service")
    suffixes = {one.rpartition(".")[2] for one in reports(stocked)}
    assert {"html", "txt", "json", "csv"} <= suffixes, log
    assert without or "pdf" in suffixes, log
