"""How does a person make a service of the program, in one go, and undo it?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from assetwatch import install
from assetwatch.clock import SystemClock
from assetwatch.config import LOCAL_TIME, load, show_zone
from assetwatch.errors import ConfigError, ServiceError, UsageError

if TYPE_CHECKING:
    from assetwatch.cli.installed import System
    from assetwatch.config import Config

#: What lies there a service cannot execute: other users may not enter, or its sandbox shows nothing.
_CLOSED: Final = ("/home/", "/root/", "/tmp/", "/var/tmp/", "/run/user/")


@click.command("setup")
@click.option("--volume", "volumes", multiple=True, metavar="NAME=PATH", help="A volume to watch. Repeatable.")
@click.option("--project", metavar="NAME", help="The production.")
@click.option("--time-zone", metavar="ZONE", help="The show's time zone, as Europe/Berlin. [the machine's own]")
@click.option("--mail-to", multiple=True, metavar="ADDRESS", help="Who gets report and alerts. Repeatable.")
@click.option("--mail-from", metavar="ADDRESS", help="The sender of mails.")
@click.option("--smtp-host", metavar="HOST", help="The mail server. [this machine's own]")
@click.option("--smtp-user", metavar="NAME", help="Who logs in there; the password goes into a file of its own.")
@click.option("--report-at", metavar="HH:MM", help="When the nightly report is made. [04:15]")
@click.option("--instance", metavar="NAME", help="One of several shows on this server: a service of its own.")
@click.option("--require-mounts", is_flag=True, help="Start only when all volumes are mounted.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--force", is_flag=True, help="Replace a configuration or unit that was changed here.")
@click.option(
    "--undo", is_flag=True, help="Stop the service and remove what setup wrote; catalog and configuration stay."
)
@click.option("--root", "prefix", metavar="DIR", help="Write below DIR, for a system that does not run; start nothing.")
def setup_command(
    volumes: tuple[str, ...],
    project: str | None,
    time_zone: str | None,
    mail_to: tuple[str, ...],
    mail_from: str | None,
    smtp_host: str | None,
    smtp_user: str | None,
    report_at: str | None,
    instance: str | None,
    require_mounts: bool,
    yes: bool,
    dry_run: bool,
    force: bool,
    undo: bool,
    prefix: str | None,
) -> None:
    """Make a service of assetwatch: configuration, units, user, limits; enabled, started, and told how to undo it.

    On a terminal it asks for what is not given. A configuration that is there already is used as it is. Run again it
    brings the units up to date. Only root can do it.

    \b
    Examples:
      assetwatch setup
      assetwatch setup --volume ingest=/mnt/ingest --project NIGHTFALL --yes
      assetwatch setup --undo
    """
    from assetwatch.cli.installed import System

    try:
        names = install.Names.of(instance or install.ONLY)
    except ValueError as error:
        raise UsageError(f"--instance: {error}.") from None
    system = System(Path(prefix) if prefix else None, click.echo, dry=dry_run)
    _refuse_what_cannot_be(system, dry_run)
    if undo:
        _undo(system, names, instance or install.ONLY)
        return
    wishes = install.Wishes(
        volumes=tuple(_volume(text) for text in volumes),
        project=project,
        time_zone=time_zone or LOCAL_TIME,
        mail_to=mail_to,
        mail_from=mail_from,
        smtp_host=smtp_host,
        smtp_user=smtp_user,
        instance=instance or install.ONLY,
    )
    given = any((volumes, project, time_zone, mail_to, mail_from, smtp_host, smtp_user))
    there = system.read(names.config) is not None
    asking = sys.stdin.isatty() and not yes
    if not there and not volumes:
        if not asking:
            raise UsageError("which volumes? Give --volume NAME=PATH, once for each; on a terminal it asks.")
        wishes = _asked(wishes)
    program = _program(system)
    config = _configuration(system, names, wishes if given or not there else None, force)
    _check_volumes(system, config)
    hour = None
    if report_at is not None:
        try:
            hour = install.checked_hour(report_at, show_zone(config), SystemClock())
        except ValueError as error:
            raise UsageError(f"--report-at: {error}.") from None
    if asking and not dry_run:
        click.echo(f"\n{names.config}:\n")
        click.echo(textwrap.indent(install.config_text(wishes) if given or not there else "as it is\n", "  "))
        if not click.confirm("Set it up like this?", default=True):
            raise click.exceptions.Abort
    click.echo("This would be done:" if dry_run else "Setting up:")
    _put(system, names, wishes, config, program, given or not there, force, require_mounts, hour)
    _begin(system, names, config)
    _tell(system, names, config, "assetwatch" if shutil.which("assetwatch") == program else program)


def _refuse_what_cannot_be(system: System, dry: bool) -> None:
    if not system.runs or dry:
        return
    if os.geteuid() != 0:
        raise UsageError(
            "only root can set up a service: `sudo assetwatch setup ...`; --dry-run shows what it would do."
        )
    if not Path("/run/systemd/system").is_dir():
        raise UsageError("systemd does not run here: start `assetwatch run` by what runs instead, or give --root DIR.")


def _volume(text: str) -> tuple[str, str]:
    name, sign, path = text.partition("=")
    if not sign or not name or not path.startswith("/"):
        raise UsageError(f"--volume {text!r}: expected NAME=PATH with an absolute path, as in ingest=/mnt/ingest.")
    return name, os.path.normpath(path)


def _asked(wishes: install.Wishes) -> install.Wishes:
    """What a person says on the terminal."""
    from dataclasses import replace

    volumes: list[tuple[str, str]] = []
    click.echo("Which directories hold the footage? Each is a volume; an empty line ends the list.")
    while True:
        path = click.prompt("  directory", default="", show_default=False).strip()
        if not path and volumes:
            break
        if not os.path.isdir(path) or not os.path.isabs(path):
            click.echo("    not an absolute path of a directory that is there")
            continue
        name = click.prompt("  its name", default=os.path.basename(path.rstrip("/")) or "root")
        volumes.append((name, os.path.normpath(path)))
    project = wishes.project or click.prompt("Project", default="", show_default=False).strip() or None
    zone = wishes.time_zone
    if zone == LOCAL_TIME:
        zone = click.prompt("Time zone of the show", default=_machine_zone(), value_proc=_zone)
    mail_to = wishes.mail_to
    host, sender, user = wishes.smtp_host, wishes.mail_from, wishes.smtp_user
    if not mail_to:
        mail_to = click.prompt(
            "Who gets the nightly report and alerts (mail addresses; empty: nobody)",
            default="",
            show_default=False,
            value_proc=_addresses,
        )
    if mail_to and host is None:
        host = click.prompt("Mail server (empty: this machine's own)", default="", show_default=False).strip() or None
        if host:
            user = (
                user
                or click.prompt("Log in there as (empty: no login)", default="", show_default=False).strip()
                or None
            )
    return replace(
        wishes,
        volumes=tuple(volumes),
        project=project,
        time_zone=zone,
        mail_to=mail_to,
        smtp_host=host,
        smtp_user=user,
        mail_from=sender,
    )


def _zone(said: str) -> str:
    """A time zone as it was answered; asked for again where there is none of that name."""
    from zoneinfo import ZoneInfo

    try:
        if said != LOCAL_TIME:
            ZoneInfo(said)
    except (KeyError, ValueError, OSError) as error:
        raise click.UsageError(f"no zone; expected one such as America/Los_Angeles, or {LOCAL_TIME}") from error
    return said


def _addresses(said: str) -> tuple[str, ...]:
    """Mail addresses as they were answered; asked for again where one of them is none."""
    found = tuple(said.replace(",", " ").split())
    wrong = [one for one in found if not re.fullmatch(r"[^@\s]+@[^@\s]+", one)]
    if wrong:
        raise click.UsageError(f"no mail address: {', '.join(wrong)}")
    return found


def _machine_zone() -> str:
    """The machine's zone by name, as a default; `local` where it has none."""
    try:
        link = os.readlink("/etc/localtime")
    except OSError:
        return LOCAL_TIME
    _, found, name = link.partition("/zoneinfo/")
    return name if found else LOCAL_TIME


def _program(system: System) -> str:
    """The program that the units are to run. Raises UsageError for one that a service could not execute."""
    called = os.path.abspath(sys.argv[0])
    beside = os.path.join(os.path.dirname(sys.executable), "assetwatch")
    program = called if os.path.basename(called) == "assetwatch" and os.access(called, os.X_OK) else beside
    if not system.runs:
        return program
    import assetwatch

    for part in (program, sys.executable, sys.base_prefix + "/", str(assetwatch.__file__)):
        real = os.path.realpath(part)
        if real.startswith(_CLOSED):
            raise UsageError(
                f"{real}: a service cannot execute what lies there. Install the program where others may read it: "
                "`/usr/bin/python3 -m venv /opt/assetwatch && /opt/assetwatch/bin/pip install .`"
            )
    if not os.access(program, os.X_OK):
        raise UsageError(f"{program}: the program is not there. Call setup as `/opt/assetwatch/bin/assetwatch setup`.")
    return program


def _configuration(system: System, names: install.Names, wishes: install.Wishes | None, force: bool) -> Config:
    """The configuration that is to be in force, checked. Raises UsageError where another one is there already."""
    text = system.read(names.config)
    if wishes is not None:
        wanted = install.config_text(wishes)
        difference = system.difference(names.config, wanted)
        if difference and not force:
            click.echo(difference)
            raise UsageError(
                f"{names.config} is there already and says something else. Without options it is used as it is; "
                "with --force it is replaced, and the old one kept beside it."
            )
        text = wanted
    assert text is not None
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            return load(Path(file.name))
        except ConfigError as error:
            raise ConfigError(str(error).replace(file.name, names.config)) from None


def _check_volumes(system: System, config: Config) -> None:
    if not config.volume:
        raise UsageError("the configuration names no volume: nothing would be watched. Add a [[volume]].")
    if not system.runs:
        return
    for volume in config.volume:
        if not os.path.isdir(volume.path):
            raise UsageError(f"volume {volume.name}: {volume.path} is not there. Mount it, or mend the path.")


def _put(
    system: System,
    names: install.Names,
    wishes: install.Wishes,
    config: Config,
    program: str,
    new_config: bool,
    force: bool,
    require_mounts: bool,
    hour: str | None,
) -> None:
    """Write what is missing or out of date."""
    receipt = system.receipt()
    before = receipt.shows.get(wishes.instance, {})
    timer = f"{install.UNIT_FOLDER}/{names.timer}.d/{install.DROP_IN}"
    texts = [] if system.packaged(names) else install.unit_texts(names, program)
    texts += install.drop_in_texts(names, config, _mounts(), require_mounts=require_mounts, report_at=hour)
    if new_config:
        wanted = install.Text(names.config, install.config_text(wishes))
        if system.difference(names.config, wanted.content):
            system.set_aside(names.config, f"{SystemClock().now():%Y%m%d-%H%M%S}")
        if system.read(names.config) != wanted.content:
            system.write(wanted)
    written: dict[str, str] = {}
    for text in texts:
        fate = system.put(text, receipt, force=force)
        written[text.path] = text.digest if fate != "kept" else before.get(text.path, "")
    for path in before:
        if path in written:
            continue
        now = system.read(path)
        # An hour that was set once stays, unless another is given. What is not wanted any more goes.
        if now is not None and path == timer and hour is None:
            written[path] = before[path]
        elif now is not None and install.digest(now) == before[path] and path in receipt.alone(wishes.instance):
            system.remove(path)
    receipt.shows[wishes.instance] = {path: found for path, found in written.items() if found}
    system.keep_receipt(receipt)


def _mounts() -> list[str]:
    """Where something is mounted, or will be by /etc/fstab."""
    from assetwatch.ingest.mounts import read_mounts

    found = {mount.mount_point for mount in read_mounts()}
    try:
        lines = Path("/etc/fstab").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        fields = line.split()
        if len(fields) >= 2 and not line.startswith("#") and fields[1].startswith("/"):
            found.add(fields[1].replace("\\040", " "))
    return sorted(found)


def _begin(system: System, names: install.Names, config: Config) -> None:
    """Make the user and the folders, have systemd read the units, enable and start them."""
    from assetwatch.cli.installed import joined_groups
    from assetwatch.cli.service import journal

    for kind, tool in (("sysusers.d", ("systemd-sysusers",)), ("tmpfiles.d", ("systemd-tmpfiles", "--create"))):
        path = next(
            (
                f"{top}/{kind}/assetwatch.conf"
                for top in ("/etc", "/usr/lib")
                if system.read(f"{top}/{kind}/assetwatch.conf")
            ),
            f"/etc/{kind}/assetwatch.conf",
        )
        system.run(*tool, path)
    for folder in install.written_folders(config, names.state):
        if not system.place(folder).is_dir():
            system.run("install", "-d", "-m", "0750", "-o", install.USER, "-g", install.USER, folder)
    for group in joined_groups(volume.path for volume in config.volume) if system.runs else []:
        system.run("usermod", "-aG", group, install.USER)
    _raise_limits(system)
    system.run("systemctl", "daemon-reload")
    system.run("systemctl", "enable", names.daemon, names.timer)
    try:
        # What is as it was goes on undisturbed.
        for unit in (names.daemon, names.timer):
            system.run("systemctl", "restart" if system.changed else "start", unit)
    except ServiceError as error:
        raise ServiceError(f"{error}\n{journal(names.daemon, 5)}".rstrip()) from None


def _raise_limits(system: System) -> None:
    """Have the kernel's limits for watches in force now, where they are lower; the file sees to it at each start."""
    if not system.runs:
        return
    for line in (install.SOURCE / "sysctl.d" / "10-assetwatch.conf").read_text(encoding="utf-8").splitlines():
        name, sign, value = line.partition(" = ")
        if not sign or line.startswith("#"):
            continue
        system.raise_limit(name, int(value))


def _tell(system: System, names: install.Names, config: Config, program: str) -> None:
    """What was done, where to look, how to undo it, and what a person still has to do."""
    from assetwatch.cli.installed import may

    own = (
        ""
        if names.config == f"{install.CONFIG_FOLDER}/{install.ONLY}.toml"
        else f" --instance {Path(names.config).stem}"
    )
    count = len(config.volume)
    click.echo(f"\nassetwatch watches {count} volume{'' if count == 1 else 's'} as the user {install.USER}:")
    click.echo(f"  systemctl status {names.daemon}")
    click.echo(f"  sudo -u {install.USER} {program} --config {names.config} status")
    click.echo(f"The report is made each night by {names.timer}, and kept in {names.state}/reports.")
    click.echo("What may still be wrong, and what mends it:")
    click.echo(f"  sudo {program} --config {names.config} doctor")
    click.echo("People who may read catalog and reports:")
    click.echo(f"  sudo usermod -aG {install.USER} NAME")
    click.echo("To undo it (configuration, catalog and reports stay):")
    click.echo(f"  sudo {program} setup{own} --undo")
    secret = os.path.join(install.CONFIG_FOLDER, "secrets", config.notify.smtp.password_credential)
    if config.notify.smtp.user and system.read(secret) is None:
        click.echo("\nThe password of the mail server is still to be written, then the service restarted:")
        click.echo(f"  sudo install -m 0600 /dev/stdin {secret}")
    if system.runs:
        for volume in config.volume:
            if may(install.USER, volume.path, "-r", "-x") is False:
                click.echo(f"\n{install.USER} may not read {volume.path}. Give it the right, and restart the service:")
                click.echo(f"  sudo setfacl -m u:{install.USER}:rX {shlex.quote(volume.path)}")


def _undo(system: System, names: install.Names, instance: str) -> None:
    """Stop the service and remove what was written for it and not changed since."""
    receipt = system.receipt()
    if instance not in receipt.shows:
        known = ", ".join(receipt.shows) or "none"
        raise UsageError(f"setup wrote nothing here for {instance!r}; there is: {known}.")
    click.echo("Undoing:")
    system.run("systemctl", "disable", "--now", names.timer, names.report, names.daemon, needed=False)
    stays: list[str] = []
    ours = list(receipt.alone(instance))
    for path in ours:
        now = system.read(path)
        if now is None:
            continue
        if install.digest(now) == receipt.shows[instance][path]:
            system.remove(path)
        else:
            stays.append(path)
    del receipt.shows[instance]
    system.keep_receipt(receipt)
    system.run("systemctl", "daemon-reload")
    own = [
        path
        for unit in (names.daemon, names.report, names.timer)
        for path in system.listed(f"{install.UNIT_FOLDER}/{unit}.d")
        if path not in ours
    ]
    _tell_rest(names, stays, own, last=not receipt.shows)


def _tell_rest(names: install.Names, stays: Sequence[str], own: Sequence[str], *, last: bool) -> None:
    click.echo("\nStays, and can be removed by hand:")
    for path in stays:
        click.echo(f"  rm {path}    # it was changed since setup wrote it")
    for path in own:
        click.echo(f"  rm {shlex.quote(path)}    # a drop-in of your own")
    click.echo(f"  rm {names.config}    # the configuration")
    click.echo(f"  rm -r {names.state}    # the catalog, its backups, the reports")
    if last:
        click.echo(f"  rm -r {install.CONFIG_FOLDER}/secrets    # passwords")
        click.echo(f"  userdel {install.USER}")
