"""Does `setup` make a service in one go, keep what people changed, and take back what it did?"""

from __future__ import annotations

import json
from typing import Any

from .machine import PROGRAM, Machine, until

CONFIG = "/etc/assetwatch/assetwatch.toml"
ASKED = ("--volume", "ingest=/mnt/ingest", "--project", "NIGHTFALL")


def mount(machine: Machine, *options: str) -> None:
    """A volume at /mnt/ingest."""
    machine.run("mkdir", "-p", "/mnt/ingest")
    machine.run("mount", "-t", "tmpfs", *options, "ingest", "/mnt/ingest")


def setup(machine: Machine, *args: str, code: int = 0, yes: bool = True) -> str:
    """Call setup; what it said."""
    done = machine.run(PROGRAM, "setup", *(["--yes"] if yes else []), *args, check=False)
    assert done.returncode == code, done.stdout + done.stderr + machine.journal("assetwatch.service")
    return done.stdout + done.stderr


def etc(machine: Machine) -> set[str]:
    """The files below /etc that are about assetwatch."""
    found = machine.run("find", "/etc", "-name", "*assetwatch*", "-not", "-type", "d").stdout.split()
    found += machine.run("find", "/etc/assetwatch", "/etc/systemd/system", "-type", "f", check=False).stdout.split()
    return set(found)


def doctor(machine: Machine, code: int, config: str = CONFIG) -> dict[str, list[dict[str, Any]]]:
    """What doctor finds of the service, by name."""
    done = machine.run(PROGRAM, "--config", config, "doctor", "--json", check=False)
    assert done.returncode == code, done.stdout
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(done.stdout)["checks"]:
        found.setdefault(one["name"], []).append(one)
    return found


def test_one_call_makes_a_service_that_works(bare: Machine) -> None:
    """It runs, is enabled, the report has its hour, and a file that arrives is recorded."""
    mount(bare)
    said = setup(bare, *ASKED)
    for unit in ("assetwatch.service", "assetwatch-report.timer"):
        assert bare.shown(unit, "ActiveState") == "active"
        assert bare.shown(unit, "UnitFileState") == "enabled"
        assert "systemctl enable assetwatch.service assetwatch-report.timer" in said
    assert "setup --undo" in said
    bare.path("/mnt/ingest/a.mov").write_bytes(b"a")
    ask = (PROGRAM, "--config", CONFIG, "files", "--json")
    until(lambda: "recorded" in bare.run("runuser", "-u", "assetwatch", "--", *ask).stdout, "it is recorded", 60)
    unit = "/etc/systemd/system/assetwatch.service"
    verified = bare.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", unit)
    assert verified.stderr == ""
    checks = doctor(bare, 0)
    assert {one["state"] for name in checks if name.startswith("service") for one in checks[name]} == {"ok"}


def test_doctor_tells_of_a_night_only_after_one(bare: Machine) -> None:
    """That its timer was started, also again, is no report that was made."""
    mount(bare)
    setup(bare, *ASKED)
    bare.run("systemctl", "restart", "assetwatch-report.timer")
    assert doctor(bare, 0)["service: report"][0]["text"].startswith("none was made since the machine was started; ")
    bare.run("systemctl", "start", "assetwatch-report.service")
    assert doctor(bare, 0)["service: report"][0]["text"].startswith("the night's work was last done ")


def test_run_again_it_changes_nothing(bare: Machine) -> None:
    """The daemon is not even restarted."""
    mount(bare)
    setup(bare, *ASKED)
    pid = bare.shown("assetwatch.service", "MainPID")
    for args in (ASKED, ()):
        assert "write " not in setup(bare, *args)
        assert bare.shown("assetwatch.service", "MainPID") == pid


def test_nothing_is_done_when_only_asked_what_would_be(bare: Machine) -> None:
    """--dry-run names every file and command, and leaves none."""
    mount(bare)
    said = setup(bare, *ASKED, "--dry-run")
    assert f"write   {CONFIG}" in said
    assert "run     systemctl enable" in said
    assert etc(bare) == set()


def test_a_configuration_is_not_replaced_unasked(bare: Machine) -> None:
    """The difference is shown; with --force the old one is kept beside the new."""
    mount(bare)
    setup(bare, *ASKED)
    said = setup(bare, "--volume", "ingest=/mnt/ingest", "--project", "DAYBREAK", code=2)
    assert '-project = "NIGHTFALL"' in said
    assert '+project = "DAYBREAK"' in said
    assert "NIGHTFALL" in bare.path(CONFIG).read_text()
    setup(bare, "--volume", "ingest=/mnt/ingest", "--project", "DAYBREAK", "--force")
    assert "DAYBREAK" in bare.path(CONFIG).read_text()
    (kept,) = bare.path("/etc/assetwatch").glob("assetwatch.toml.before-*")
    assert "NIGHTFALL" in kept.read_text()


def test_a_wrong_configuration_is_told_before_anything_is_done(bare: Machine) -> None:
    """Nothing is written, nothing started."""
    mount(bare)
    said = setup(bare, *ASKED, "--time-zone", "Europe/Berlim", code=2)
    assert f"{CONFIG}: time_zone" in said
    assert "/mnt/none is not there" in setup(bare, "--volume", "none=/mnt/none", code=2)
    assert "clocks change" in setup(bare, *ASKED, "--time-zone", "Europe/Berlin", "--report-at", "02:30", code=2)
    assert etc(bare) == set()


def test_what_somebody_changed_in_a_unit_is_kept(bare: Machine) -> None:
    """A unit that was edited stays, one of another version is brought up to date."""
    mount(bare)
    setup(bare, *ASKED)
    unit = bare.path("/etc/systemd/system/assetwatch.service")
    unit.write_text(unit.read_text().replace("Nice=5", "Nice=7"))
    receipt = bare.path("/etc/assetwatch/.setup.json")
    shows = json.loads(receipt.read_text())
    timer = bare.path("/etc/systemd/system/assetwatch-report.timer")
    old = timer.read_text().replace("15min", "20min")
    timer.write_text(old)
    import hashlib

    shows["shows"]["assetwatch"]["/etc/systemd/system/assetwatch-report.timer"] = hashlib.sha256(
        old.encode()
    ).hexdigest()
    receipt.write_text(json.dumps(shows))
    bare.run("systemctl", "daemon-reload")
    assert "another version" in doctor(bare, 0)["service"][0]["text"]
    assert "it was changed here" in setup(bare)
    assert "Nice=7" in unit.read_text()
    assert "15min" in timer.read_text()
    setup(bare, "--force")
    assert "Nice=5" in unit.read_text()


def test_undone_it_leaves_only_what_is_the_peoples(bare: Machine) -> None:
    """Units, drop-ins and limits go; configuration, catalog and a changed unit stay, with the lines for them."""
    mount(bare)
    setup(bare, *ASKED, "--report-at", "05:00")
    unit = bare.path("/etc/systemd/system/assetwatch-report.service")
    unit.write_text(unit.read_text() + "# mine\n")
    own = "/etc/systemd/system/assetwatch.service.d/own.conf"
    bare.write(own, "[Service]\nIOWeight=20\n")
    said = setup(bare, "--undo")
    assert etc(bare) == {CONFIG, "/etc/systemd/system/assetwatch-report.service", own}
    assert f"rm {own}    # a drop-in of your own" in said
    assert "rm /etc/systemd/system/assetwatch-report.service" in said
    assert f"rm {CONFIG}" in said
    assert bare.path("/var/lib/assetwatch/catalog.db").exists()
    assert (
        bare.run("systemctl", "list-units", "--all", "assetwatch*.service", "--state=active").stdout.count(
            "assetwatch.s"
        )
        == 0
    )
    assert "setup wrote nothing" in setup(bare, "--undo", code=2)
    setup(bare)
    assert bare.shown("assetwatch.service", "ActiveState") == "active"


def test_one_of_two_shows_is_undone_alone(bare: Machine) -> None:
    """The other one goes on, with the units that both need."""
    mount(bare)
    for show in ("nightfall", "daybreak"):
        bare.run("mkdir", f"/mnt/{show}")
        setup(bare, "--instance", show, "--volume", f"{show}=/mnt/{show}")
    setup(bare, "--instance", "daybreak", "--undo")
    assert bare.shown("assetwatch@nightfall.service", "ActiveState") == "active"
    assert bare.shown("assetwatch@daybreak.service", "ActiveState") == "inactive"
    assert bare.path("/etc/systemd/system/assetwatch@.service").exists()
    setup(bare, "--instance", "nightfall", "--undo")
    assert etc(bare) == {"/etc/assetwatch/nightfall.toml", "/etc/assetwatch/daybreak.toml"}


def test_the_group_of_a_volume_is_joined(bare: Machine) -> None:
    """A volume that only a group may read is read as a member of it, and doctor agrees."""
    bare.run("groupadd", "media")
    mount(bare, "-o", "mode=2770,gid=media")
    assert "usermod -aG media assetwatch" in setup(bare, *ASKED)
    assert "media" in bare.run("id", "-nG", "assetwatch").stdout.split()
    assert doctor(bare, 0)["volume ingest"][0]["state"] == "ok"


def test_doctor_names_what_is_wrong_and_what_mends_it(bare: Machine) -> None:
    """Each fault of a service has its line; done as said, it is gone."""
    mount(bare)
    setup(bare, *ASKED)
    bare.run("systemctl", "disable", "assetwatch.service")
    bare.run("systemctl", "disable", "--now", "assetwatch-report.timer")
    bare.run("chmod", "0700", "/mnt/ingest")
    bare.run("touch", "/var/lib/assetwatch/by-root")
    bare.run("chmod", "0755", "/etc/assetwatch/secrets")
    bare.run("chmod", "0600", CONFIG)
    checks = doctor(bare, 1)
    remedies = [
        one["remedy"].split("`")[1]
        for name, some in checks.items()
        for one in some
        if (name.startswith("service") or "assetwatch," in one["text"]) and one["state"] != "ok"
    ]
    assert len(remedies) == 6, checks
    assert "wrong" in [one["state"] for one in checks["volume ingest"]]
    for remedy in remedies:
        words = remedy.replace("sudo ", "")
        if "setfacl" in words and bare.run("which", "setfacl", check=False).returncode != 0:
            words = "chmod 0755 /mnt/ingest"
        bare.run("sh", "-c", words)
    checks = doctor(bare, 0)
    assert {one["state"] for name in checks if name.startswith("service") for one in checks[name]} == {"ok"}


def test_doctor_says_why_the_daemon_does_not_run(bare: Machine) -> None:
    """Stopped, failed, or started again and again."""
    mount(bare)
    setup(bare, *ASKED)
    bare.run("systemctl", "stop", "assetwatch.service")
    assert "does not run" in doctor(bare, 0)["service: daemon"][0]["text"]
    text = bare.path(CONFIG).read_text()
    bare.write(CONFIG, text + "nonsense = 1\n")
    bare.run("systemctl", "start", "assetwatch.service", check=False)
    assert bare.shown("assetwatch.service", "ActiveState") == "failed"
    bare.write(CONFIG, text)
    assert "has failed: exit-code, exit code 2" in doctor(bare, 1)["service: daemon"][0]["text"]


def test_a_volume_mounted_after_the_start_is_told(bare: Machine) -> None:
    """It can be written to from inside the sandbox until the service is restarted."""
    bare.run("mkdir", "/mnt/disk", "/mnt/ingest")
    bare.run("mount", "-t", "tmpfs", "disk", "/mnt/disk")
    bare.run("mount", "--bind", "/mnt/disk", "/mnt/ingest")
    setup(bare, *ASKED)
    bare.run("umount", "/mnt/ingest")
    bare.run("mount", "--bind", "/mnt/disk", "/mnt/ingest")
    found = [one for one in doctor(bare, 0)["volume ingest"] if "read-only" in one["text"]]
    assert "systemctl restart assetwatch.service" in found[0]["remedy"]
    bare.run("systemctl", "restart", "assetwatch.service")
    assert not [one for one in doctor(bare, 0)["volume ingest"] if "read-only" in one["text"]]


def test_below_a_folder_only_files_are_written(bare: Machine) -> None:
    """--root makes the files for a system that does not run, and gives no command to this one."""
    setup(bare, *ASKED, "--root", "/tmp/image")
    assert bare.path("/tmp/image/etc/systemd/system/assetwatch.service").exists()
    assert bare.path(f"/tmp/image{CONFIG}").exists()
    assert etc(bare) == set()
    assert bare.shown("assetwatch.service", "LoadState") == "not-found"


def test_somebody_who_is_not_root_is_told(bare: Machine) -> None:
    """And what he can do."""
    bare.run("useradd", "ann")
    done = bare.run("runuser", "-u", "ann", "--", PROGRAM, "setup", "--yes", *ASKED, check=False)
    assert done.returncode == 2
    assert "sudo assetwatch setup" in done.stderr


def answer(machine: Machine, *lines: str) -> str:
    """Call setup on a terminal and answer its questions; what stood there."""
    command = ("script", "-qec", f"{PROGRAM} setup", "/dev/null")
    return machine.run(*command, check=False, input="\n".join([*lines, ""])).stdout


def test_on_a_terminal_it_asks(bare: Machine) -> None:
    """What is answered stands in the configuration that is shown before anything is done."""
    mount(bare)
    said = answer(
        bare,
        *("relative", "/mnt/none", "/mnt/ingest", "", ""),
        *("NIGHTFALL", "Europe/Nowhere", "Berlin", "Europe/Berlin", "ann@example.com, bob"),
        *("ann@example.com, bob@example.com", "192.0.2.25", "aw", "y"),
    )
    assert said.count("no zone; expected one such as America/Los_Angeles") == 2
    assert said.count("no mail address: bob") == 1
    assert said.count("not an absolute path of a directory that is there") == 2
    assert said.index('project = "NIGHTFALL"') < said.index("Set it up like this?") < said.index("systemctl enable")
    text = bare.path(CONFIG).read_text()
    assert 'urls = ["ann@example.com", "bob@example.com"]' in text
    assert 'name = "ingest"\npath = "/mnt/ingest"' in text
    assert 'host = "192.0.2.25"\nuser = "aw"' in text
    assert "/etc/assetwatch/secrets/smtp-password" in said
    assert bare.shown("assetwatch.service", "ActiveState") == "active"


def test_who_says_no_finds_nothing_done(bare: Machine) -> None:
    """Nor does who ends it with Ctrl-C or closes the terminal."""
    mount(bare)
    answers = ["/mnt/ingest", "", "", "NIGHTFALL", "Europe/Berlin", ""]
    for last in (["n"], ["\x03"], []):
        answer(bare, *answers, *last)
        assert etc(bare) == set()
