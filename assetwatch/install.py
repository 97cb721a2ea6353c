"""Which files make a service of a configuration, and what stands in them? Texts only: nothing is written here."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from assetwatch.clock import Clock
from assetwatch.config import CREDENTIAL, LOCAL_TIME, Config

#: The units and what belongs to them, as they come with the program.
SOURCE: Final = Path(__file__).parent / "service"

#: The program in the units; replaced by the one that is installed.
_PROGRAM: Final = "/opt/assetwatch/bin/assetwatch"

#: The user in the units.
USER: Final = "assetwatch"

#: The instance of the plain units: its configuration is assetwatch.toml.
ONLY: Final = "assetwatch"

CONFIG_FOLDER: Final = "/etc/assetwatch"
STATE_FOLDER: Final = "/var/lib/assetwatch"
UNIT_FOLDER: Final = "/etc/systemd/system"

#: Where a package puts units, systemd.unit(5).
PACKAGED: Final = ("/usr/lib/systemd/system", "/lib/systemd/system")

#: What was written by `setup`, with the digests of it: so that it is known what may be replaced and removed.
RECEIPT: Final = f"{CONFIG_FOLDER}/.setup.json"

#: Ours among the drop-ins of a unit.
DROP_IN: Final = "50-setup.conf"

_HEAD: Final = (
    "# Written by `assetwatch setup`; `assetwatch setup --undo` removes it. Changes of your own: another file here.\n"
)

#: Folders that a service does not see as they are, and the line that shows them to it (systemd.exec(5)).
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")


@dataclass(frozen=True, slots=True)
class Text:
    """A file to be written."""

    path: str
    content: str

    @property
    def digest(self) -> str:
        """What tells it from another content."""
        return digest(self.content)


def digest(content: str) -> str:
    """What tells a content from another one."""
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person wants: everything that goes into a new configuration."""

    volumes: tuple[tuple[str, str], ...]
    project: str | None = None
    time_zone: str = LOCAL_TIME
    mail_to: tuple[str, ...] = ()
    mail_from: str | None = None
    smtp_host: str | None = None
    smtp_user: str | None = None
    instance: str = ONLY


@dataclass(frozen=True, slots=True)
class Names:
    """What the parts of one show's service are called."""

    config: str
    state: str
    daemon: str
    report: str
    timer: str

    @classmethod
    def of(cls, instance: str) -> Names:
        """The names for an instance. Raises ValueError for one that cannot be part of a unit's name."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", instance):
            raise ValueError(f"expected a name of letters, digits and _.-, got {instance!r}")
        config = f"{CONFIG_FOLDER}/{instance}.toml"
        if instance == ONLY:
            return cls(
                config, STATE_FOLDER, "assetwatch.service", "assetwatch-report.service", "assetwatch-report.timer"
            )
        at = f"@{instance}"
        return cls(
            config,
            f"{STATE_FOLDER}/{instance}",
            f"assetwatch{at}.service",
            f"assetwatch-report{at}.service",
            f"assetwatch-report{at}.timer",
        )


# -- the configuration ------------------------------------------------------------------------------------------


def config_text(wishes: Wishes) -> str:
    """A configuration, with the places of the service in it, so that every command finds its catalog."""
    names = Names.of(wishes.instance)
    lines = [
        "# What assetwatch watches here, and to whom it tells what. docs/reference/configuration.md has every key.",
        f"# After a change: `assetwatch --config {names.config} doctor`, then `systemctl reload {names.daemon}`.",
    ]
    if wishes.project:
        lines.append(f"project = {_quoted(wishes.project)}")
    lines += [
        f"time_zone = {_quoted(wishes.time_zone)}",
        "",
        "[catalog]",
        f"url = {_quoted(f'sqlite:///{names.state}/catalog.db')}",
        "",
        "[report]",
        f"directory = {_quoted(f'{names.state}/reports')}",
    ]
    if wishes.mail_to:
        lines += ["", "[notify]", f"urls = [{', '.join(_quoted(one) for one in wishes.mail_to)}]"]
        smtp = {"host": wishes.smtp_host, "user": wishes.smtp_user, "from": wishes.mail_from}
        lines += ["", "[notify.smtp]"]
        if wishes.smtp_host is None:
            lines.append("# without a host: this machine's own mail server, on port 25")
            lines.append('security = "none"')
        lines += [f"{key} = {_quoted(value)}" for key, value in smtp.items() if value]
        if wishes.smtp_user:
            lines.append(f"# its password: {CONFIG_FOLDER}/secrets/smtp-password, readable by root only")
    for name, path in wishes.volumes:
        lines += ["", "[[volume]]", f"name = {_quoted(name)}", f"path = {_quoted(path)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# -- the units --------------------------------------------------------------------------------------------------


def unit_file(unit: str) -> str:
    """The file of a unit: that of an instance is its template's."""
    name, at, rest = unit.partition("@")
    return f"{name}@.{rest.rpartition('.')[2]}" if at else unit


def unit_texts(names: Names, program: str) -> list[Text]:
    """The units that an instance needs, running `program`, and what they need of the system."""
    found = []
    for unit in (names.daemon, names.report, names.timer):
        template = unit_file(unit)
        text = (SOURCE / template).read_text(encoding="utf-8")
        found.append(Text(f"{UNIT_FOLDER}/{template}", text.replace(_PROGRAM, program)))
    for kind, name in (
        ("sysusers.d", "assetwatch.conf"),
        ("tmpfiles.d", "assetwatch.conf"),
        ("sysctl.d", "10-assetwatch.conf"),
    ):
        found.append(Text(f"/etc/{kind}/{name}", (SOURCE / kind / name).read_text(encoding="utf-8")))
    return found


def drop_in_texts(
    names: Names,
    config: Config,
    mounts: Iterable[str],
    *,
    require_mounts: bool = False,
    report_at: str | None = None,
) -> list[Text]:
    """What of a configuration the units have to know, as drop-ins; none where there is nothing to say.

    `mounts` are the places where something is mounted, now or by fstab.
    """
    unit = _mount_lines(config, mounts, require_mounts)
    service = [*_sight_lines(config), *_network_lines(config), *_writing_lines(config, names.state)]
    parts = (["[Unit]", *unit] if unit else []) + (["[Service]", *service] if service else [])
    found = []
    if parts:
        text = _HEAD + "\n".join(parts) + "\n"
        found = [Text(f"{UNIT_FOLDER}/{one}.d/{DROP_IN}", text) for one in (names.daemon, names.report)]
    if report_at is not None:
        zone = "" if config.time_zone == LOCAL_TIME else f" {config.time_zone}"
        text = f"{_HEAD}[Timer]\nOnCalendar=\nOnCalendar=*-*-* {report_at}{zone}\n"
        found.append(Text(f"{UNIT_FOLDER}/{names.timer}.d/{DROP_IN}", text))
    return found


def _mount_lines(config: Config, mounts: Iterable[str], require: bool) -> list[str]:
    """Volumes are mounted before the service starts: only then are they read-only inside it."""
    paths = [volume.path for volume in config.volume]
    if require:
        return [
            "# It starts only when these are mounted, and stops with them.",
            *(f"RequiresMountsFor={_escaped(path)}" for path in paths),
        ]
    places = {place for place in mounts if place != "/"}
    above = {place for place in places for path in paths if _below(path, place)}
    if not above:
        return []
    units = " ".join(mount_unit(place) for place in sorted(above))
    return [
        "# Volumes are mounted first: what is mounted later is not read-only inside the service. One that cannot be",
        "# mounted does not keep the others from being watched.",
        f"Wants={units}",
        f"After={units}",
    ]


def _sight_lines(config: Config) -> list[str]:
    """Volumes that lie where a service does not look by itself."""
    lines = []
    if any(_below(volume.path, home) for volume in config.volume for home in _HOMES):
        lines += ["# A volume lies there.", "ProtectHome=read-only"]
    for volume in config.volume:
        if any(_below(volume.path, place) for place in _TEMPORARY):
            lines += ["# Its own /tmp hides this one.", f"BindReadOnlyPaths={_escaped(volume.path)}"]
    return lines


def _network_lines(config: Config) -> list[str]:
    """Whom the service talks to beyond this machine."""
    addresses = reached(config)
    if not addresses:
        return []
    if "any" in addresses:
        return [
            "# Names and secret addresses cannot be let through one by one: fixed addresses can.",
            "IPAddressAllow=any",
        ]
    return ["# Mail server, database, and the like.", f"IPAddressAllow={' '.join(addresses)}"]


def reached(config: Config) -> list[str]:
    """Addresses beyond this machine that the configuration names; `any` where one is given by name or hidden."""
    hosts = [config.notify.smtp.host or "localhost"]
    places = [place for route in config.notify.routes for place in route.to]
    places += [place for place in (config.notify.ping, config.notify.heartbeat) if place]
    if any(place.startswith(CREDENTIAL) for place in places):
        return ["any"]
    hosts += [urlsplit(place).hostname or "localhost" for place in places if "://" in place]
    if config.catalog.url and "://" in config.catalog.url and not config.catalog.url.startswith("sqlite"):
        hosts.append(urlsplit(config.catalog.url).hostname or "localhost")
    if config.metrics.listen and not config.metrics.listen.startswith(("127.", "localhost:", "[::1]:")):
        hosts.append("who-asks-for-metrics")
    found: dict[str, None] = {}
    for host in hosts:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            if host != "localhost":
                return ["any"]
        else:
            if not address.is_loopback:
                found[str(address)] = None
    return list(found)


def _writing_lines(config: Config, state: str) -> list[str]:
    """Where the service has to write besides its state folder."""
    outside = [_escaped(f"-{folder}") for folder in written_folders(config, state)]
    if not outside:
        return []
    return ["# Reports, catalog or backups are kept there.", f"ReadWritePaths={' '.join(outside)}"]


def written_folders(config: Config, state: str) -> list[str]:
    """Folders outside the state folder that the service writes to."""
    folders = [config.report.directory, config.catalog.backups]
    url = config.catalog.url or ""
    if url.startswith("sqlite:///"):
        folders.append(os.path.dirname(url.removeprefix("sqlite:///")))
    elif url.startswith("/"):
        folders.append(os.path.dirname(url))
    return list(dict.fromkeys(folder for folder in folders if folder and not _below(folder, state)))


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip("/") + "/")


def _escaped(path: str) -> str:
    """A path as a unit file takes it: quoted, specifiers doubled (systemd.syntax(7), systemd.unit(5))."""
    text = path.replace("%", "%%")
    if re.search(r"[\s\"'\\]", text):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return text


def mount_unit(place: str) -> str:
    """The name of a mount's unit, as `systemd-escape --path --suffix=mount` makes it (systemd.unit(5))."""
    path = "/".join(part for part in place.split("/") if part)
    letters = (_letter(byte, first=number == 0) for number, byte in enumerate(os.fsencode(path)))
    return ("".join(letters) or "-") + ".mount"


def _letter(byte: int, *, first: bool) -> str:
    letter = chr(byte)
    if letter == "/":
        return "-"
    if letter.isascii() and (letter.isalnum() or letter in ":_" or (letter == "." and not first)):
        return letter
    return f"\\x{byte:02x}"


def checked_hour(text: str, zone: ZoneInfo | None, clock: Clock) -> str:
    """The hour of the report, `HH:MM`, which every day of the next year has once in that zone.

    Raises ValueError saying what was expected: a timer does not fire in an hour that is left out.
    """
    from datetime import datetime, timedelta

    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if match is None:
        raise ValueError(f'expected an hour such as "04:15", got {text!r}')
    hour, minute = int(match[1]), int(match[2])
    today = clock.now()
    for number in range(366):
        day = today + timedelta(days=number)
        instant = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        if zone is not None and instant.utcoffset() != instant.replace(fold=1).utcoffset():
            raise ValueError(
                f"on {instant:%Y-%m-%d} the clocks change at {hour:02}:{minute:02} in {zone.key}, and the report would "
                'not be made or be made twice: expected another hour, such as "04:15"'
            )
    return f"{hour:02}:{minute:02}"
