"""Does the sandbox deny what the unit says it denies, and do secrets reach the program and nobody else?"""

from __future__ import annotations

from .conftest import Service

SECRET = "correct-horse-battery"

#: Tries to write a file in each place, and says how that went.
_TRY = """
import errno, os, sys
for place in sys.argv[1:]:
    try:
        with open(os.path.join(place, "written"), "w") as file:
            file.write("x")
        print(place, "written")
    except OSError as error:
        print(place, errno.errorcode[error.errno])
"""


def attempt(service: Service, unit: str, more: str, *places: str) -> dict[str, str]:
    """What becomes of writing to places from inside the sandbox of a unit, as its user."""
    service.machine.write("/opt/try.py", _TRY)
    words = " ".join(places)
    service.machine.drop_in(
        unit,
        "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecReload=\nExecStart=\n"
        f"ExecStart=/usr/bin/python3 /opt/try.py {words}\n{more}",
        "zz-attempt",
    )
    service.machine.run("systemctl", "start", unit)
    log = service.machine.journal(unit, "_COMM=python3")
    service.machine.run("rm", f"/etc/systemd/system/{unit}.d/zz-attempt.conf")
    return dict(line.split() for line in log.splitlines()[-len(places) :])


def test_footage_cannot_be_written_to(service: Service) -> None:
    """Even where everybody may write; without the line of the unit the same program does."""
    service.root.chmod(0o777)
    for place in ("/srv", "/opt"):
        service.machine.path(place).chmod(0o777)
    places = ["/mnt/ingest", "/srv", "/opt", "/tmp", "/var/lib/assetwatch"]
    for unit in ("assetwatch.service", "assetwatch-report.service"):
        inside = attempt(service, unit, "", *places)
        assert inside == {
            **dict.fromkeys(("/mnt/ingest", "/srv", "/opt"), "EROFS"),
            **dict.fromkeys(("/tmp", "/var/lib/assetwatch"), "written"),
        }
        assert list(service.root.iterdir()) == []
    control = attempt(service, "assetwatch.service", "ProtectSystem=no\n", *places)
    assert control["/mnt/ingest"] == "written"
    assert [one.name for one in service.root.iterdir()] == ["written"]


def test_its_own_tmp_is_nobody_elses(service: Service) -> None:
    """What it writes to /tmp is not in the machine's."""
    assert attempt(service, "assetwatch.service", "", "/tmp") == {"/tmp": "written"}
    assert not service.machine.path("/tmp/written").exists()


def test_secrets_reach_the_program_and_nobody_else(service: Service) -> None:
    """A file that only root may read is there for the service's user, and in no command line, environment or log."""
    service.machine.write("/etc/assetwatch/secrets/smtp-password", SECRET, 0o600)
    service.start()
    given = service.machine.path(f"/run/credentials/{service.unit}/secret_smtp-password")
    assert given.read_text() == SECRET
    asked = service.machine.run("stat", "-c", "%U %a", f"/run/credentials/{service.unit}/secret_smtp-password").stdout
    assert asked.split() == ["assetwatch", "400"]
    environment = service.machine.path(f"/proc/{service.pid}/environ").read_bytes()
    assert f"CREDENTIALS_DIRECTORY=/run/credentials/{service.unit}".encode() in environment
    assert SECRET.encode() not in environment
    for told in (
        service.machine.run("ps", "axeww").stdout,
        service.machine.journal(),
        service.machine.run("systemctl", "show", service.unit).stdout,
    ):
        assert told
        assert SECRET not in told
    service.machine.run("useradd", "--groups", "assetwatch", "ann")
    for path in (f"/run/credentials/{service.unit}/secret_smtp-password", "/etc/assetwatch/secrets/smtp-password"):
        denied = service.machine.run("runuser", "-u", "ann", "--", "cat", path, check=False)
        assert (denied.returncode, denied.stdout) == (1, "")


def test_its_home_is_its_state_folder(service: Service) -> None:
    """Where libraries look for files of a user, such as the passwords of PostgreSQL."""
    service.start()
    environment = service.machine.path(f"/proc/{service.pid}/environ").read_bytes().split(b"\0")
    assert b"HOME=/var/lib/assetwatch" in environment


def test_without_secrets_it_starts_all_the_same(service: Service) -> None:
    """A folder that is not there, or empty, is no reason not to watch."""
    service.machine.run("rm", "-r", "/etc/assetwatch/secrets")
    service.start()
    assert service.machine.shown(service.unit, "ActiveState") == "active"


def test_the_network_beyond_this_machine_is_closed_unless_opened(service: Service) -> None:
    """Only localhost is let through by the unit; a drop-in adds to it."""
    service.start()
    assert sorted(service.machine.shown(service.unit, "IPAddressDeny").split()) == ["0.0.0.0/0", "::/0"]
    assert "127.0.0.0/8" in service.machine.shown(service.unit, "IPAddressAllow")
    service.machine.drop_in(service.unit, "[Service]\nIPAddressAllow=192.0.2.25\n", "network")
    assert "192.0.2.25/32" in service.machine.shown(service.unit, "IPAddressAllow")
