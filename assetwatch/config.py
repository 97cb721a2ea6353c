"""What did the people of this server decide? A fault in their TOML file is named by file, key and expectation."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from assetwatch.config_base import OFF as OFF
from assetwatch.config_base import Section, check, meant
from assetwatch.config_base import bounded_duration as bounded_duration
from assetwatch.config_base import bounded_size as bounded_size
from assetwatch.config_notify import CREDENTIAL as CREDENTIAL
from assetwatch.config_notify import AboutSection as AboutSection
from assetwatch.config_notify import HealthSection as HealthSection
from assetwatch.config_notify import MetricsSection as MetricsSection
from assetwatch.config_notify import NotifySection as NotifySection
from assetwatch.config_notify import RouteSection as RouteSection
from assetwatch.config_notify import SmtpSection as SmtpSection
from assetwatch.config_notify import faults_of
from assetwatch.config_notify import mail_addresses as mail_addresses
from assetwatch.config_notify import parse_listen as parse_listen
from assetwatch.errors import ConfigError
from assetwatch.units import parse_duration

ALGORITHM_NAMES = ("xxh128", "xxh3", "xxh64", "xxh32", "md5", "sha1", "sha256", "sha512", "c4", "blake3", "crc32")
REPORT_FORMATS = ("html", "text", "json", "csv", "pdf")

#: Who brings a further format of reports says so by an entry point of this group.
REPORT_ENTRY_POINTS = "assetwatch.reports"
LOCAL_TIME = "local"


class CatalogSection(Section, frozen=True):
    """`[catalog]`: where what is known is kept."""

    url: str | None = None
    backups: str | None = None
    keep_backups: int = 7
    keep_weekly_backups: int = 8


class ChecksumSection(Section, frozen=True):
    """`[checksum]`: which digests are taken of every file, from one read."""

    algorithms: tuple[str, ...] = ("xxh128",)
    workers: int | str = "auto"


class ProbeSection(Section, frozen=True):
    """`[probe]`: how long the media facts of one file may take, and how many are read at once."""

    time_limit: str = "60s"
    workers: int | str = "auto"

    @property
    def time_limit_seconds(self) -> float:
        return parse_duration(self.time_limit)


class Hours(NamedTuple):
    """A part of each day in the show's time zone, in minutes since midnight. One may go on past midnight."""

    begin: int
    end: int

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in it."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


def parse_hours(text: str) -> Hours:
    """A part of the day such as `09:00-19:00` or `22:00-06:00`. Raises ValueError saying what was expected."""
    match = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*", text)
    if match:
        first, second = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
        minutes = max(int(match[2]), int(match[4]))
        if minutes < 60 and first != second and first < 1440 and second <= 1440:
            return Hours(first, second)
    raise ValueError(f'expected a part of the day such as "09:00-19:00", got {text!r}')


class VolumeSection(Section, frozen=True):
    """`[[volume]]`: one directory tree under watch."""

    name: str
    path: str
    project: str | None = None
    watch: str = "auto"
    settle: str = "10s"
    rescan: str = "15m"
    ignore: tuple[str, ...] = ()
    guard: str = "auto"
    max_loss: float = 0.5
    transforms: tuple[str, ...] = ()
    manifest_for: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()

    @property
    def settle_seconds(self) -> float:
        return parse_duration(self.settle)

    @property
    def rescan_seconds(self) -> float:
        return parse_duration(self.rescan)


class VerifySection(Section, frozen=True):
    """`[verify]`: the budget of the nightly sweep. `OFF` lifts a bound."""

    max_age: str = OFF
    max_duration: str = "6h"
    max_bytes: str = OFF
    bwlimit: str = "400M"
    quiet: tuple[str, ...] = ()


class ReportSection(Section, frozen=True):
    """`[report]`: where reports are kept, and in which formats."""

    directory: str | None = None
    formats: tuple[str, ...] = (
        "html",
        "json",
    )
    keep: str = "400d"
    keep_reports: int | str = OFF


class Config(Section, frozen=True):
    """The whole file. Every key has a default but a volume's name and path."""

    project: str | None = None
    time_zone: str = LOCAL_TIME
    catalog: CatalogSection = CatalogSection()
    checksum: ChecksumSection = ChecksumSection()
    probe: ProbeSection = ProbeSection()
    volume: tuple[VolumeSection, ...] = ()
    verify: VerifySection = VerifySection()
    report: ReportSection = ReportSection()
    notify: NotifySection = NotifySection()
    health: HealthSection = HealthSection()
    metrics: MetricsSection = MetricsSection()


def load(path: Path) -> Config:
    """Read and check the file at `path`.

    Raises ConfigError naming the file, the key and what was expected.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror}. Give another file with --config or ASSETWATCH_CONFIG."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}.") from error
    try:
        config = msgspec.convert(table, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error))}") from error
    for key, fault in _faults(config):
        raise ConfigError(f"{path}: {key}: {fault}")
    return config


def show_zone(config: Config) -> ZoneInfo | None:
    """The show's time zone; None means the machine's own."""
    return None if config.time_zone == LOCAL_TIME else ZoneInfo(config.time_zone)


def default_state_directory() -> Path:
    """Where the catalog lives without a configuration: `$STATE_DIRECTORY`, or the user's state directory."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given.split(":")[0])
    import platformdirs  # only needed without a configuration

    return Path(platformdirs.user_state_dir("assetwatch"))


def _faults(config: Config) -> list[tuple[str, str]]:
    """Everything a type cannot say: (key, what was expected), in the order of the file."""
    faults: list[tuple[str, str]] = []

    def checked(key: str, parse: Callable[[str], object], text: str) -> None:
        check(faults, key, parse, text)

    def one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            faults.append((key, f"expected one of {', '.join(choices)}, got {value!r}{meant(value, choices)}"))

    if config.time_zone != LOCAL_TIME:
        try:
            ZoneInfo(config.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            faults.append(
                ("time_zone", f'expected a zone such as "America/Los_Angeles", or "local", got {config.time_zone!r}')
            )
    if config.catalog.backups is not None and not os.path.isabs(config.catalog.backups):
        faults.append(("catalog.backups", f"expected an absolute path, got {config.catalog.backups!r}"))
    for key in ("keep_backups", "keep_weekly_backups"):
        least = 1 if key == "keep_backups" else 0
        if getattr(config.catalog, key) < least:
            faults.append((f"catalog.{key}", f"expected {least} or more, got {getattr(config.catalog, key)}"))
    for algorithm in config.checksum.algorithms:
        one_of("checksum.algorithms", algorithm, ALGORITHM_NAMES)
    if not config.checksum.algorithms:
        faults.append(("checksum.algorithms", "expected at least one algorithm"))
    for key, workers in (("checksum.workers", config.checksum.workers), ("probe.workers", config.probe.workers)):
        if workers != "auto" and not (isinstance(workers, int) and 1 <= workers <= 64):
            faults.append((key, f'expected "auto" or a number from 1 to 64, got {workers!r}'))
    checked("probe.time_limit", parse_duration, config.probe.time_limit)
    names: set[str] = set()
    for number, volume in enumerate(config.volume):
        key = f"volume[{number}]"
        if not re.fullmatch(r"[^\s/:]([^/:\n]*[^\s/:])?", volume.name):
            faults.append((f"{key}.name", f"expected a name without / and :, got {volume.name!r}"))
        if volume.name in names:
            faults.append((f"{key}.name", f"expected a name of its own; {volume.name!r} is taken by another volume"))
        names.add(volume.name)
        if not os.path.isabs(volume.path):
            faults.append((f"{key}.path", f"expected an absolute path, got {volume.path!r}"))
        one_of(f"{key}.watch", volume.watch, ("auto", "native", "poll"))
        checked(f"{key}.settle", parse_duration, volume.settle)
        checked(f"{key}.rescan", parse_duration, volume.rescan)
        if volume.guard not in ("auto", "mount", "off") and not re.fullmatch(r"marker:[^/]+", volume.guard):
            faults.append((f"{key}.guard", f'expected "auto", "mount", "marker:NAME" or "off", got {volume.guard!r}'))
        for rule in volume.transforms:
            if not re.fullmatch(r"[^*]*\*[^*]*->[^*]*\*[^*]*", rule):
                faults.append((f"{key}.transforms", f'expected a rule such as "*.ari -> *.arx", got {rule!r}'))
        for hours in volume.quiet:
            checked(f"{key}.quiet", parse_hours, hours)
        if not 0 < volume.max_loss <= 1:
            faults.append((f"{key}.max_loss", f"expected a share above 0 and up to 1, got {volume.max_loss}"))
    for bound in ("max_age", "max_duration"):
        checked(f"verify.{bound}", bounded_duration, getattr(config.verify, bound))
    for bound in ("max_bytes", "bwlimit"):
        checked(f"verify.{bound}", bounded_size, getattr(config.verify, bound))
    for hours in config.verify.quiet:
        checked("verify.quiet", parse_hours, hours)
    for report_format in config.report.formats:
        one_of("report.formats", report_format, _report_formats(report_format))
    checked("report.keep", bounded_duration, config.report.keep)
    most = config.report.keep_reports
    if most != OFF and not (isinstance(most, int) and most > 0):
        faults.append(("report.keep_reports", f'expected "{OFF}" or a number above 0, got {most!r}'))
    if config.report.directory is not None and not os.path.isabs(config.report.directory):
        faults.append(("report.directory", f"expected an absolute path, got {config.report.directory!r}"))
    faults += faults_of(config.notify)
    for name in ("scan", "event", "sweep", "report", "queue", "messages", "backup", "full_within"):
        checked(f"health.{name}", bounded_duration, getattr(config.health, name))
    if not 0 <= config.health.free < 1:
        faults.append(("health.free", f"expected a share of 0 or more and below 1, got {config.health.free}"))
    if config.metrics.listen is not None:
        checked("metrics.listen", parse_listen, config.metrics.listen)
    return faults


def _report_formats(wanted: str) -> tuple[str, ...]:
    """The formats that there are; what others bring is looked for only where `wanted` is none of ours."""
    if wanted in REPORT_FORMATS:
        return REPORT_FORMATS
    from importlib.metadata import entry_points  # reads what is installed

    return (*REPORT_FORMATS, *(point.name for point in entry_points(group=REPORT_ENTRY_POINTS)))


def _explain(message: str) -> str:
    """msgspec's message with the key first, in TOML's words: `volume[0].settle: expected text, got integer`."""
    what, _, where = message.partition(" - at `$")
    key = where.removesuffix("`").removeprefix(".").replace("[...]", "[]")
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown:
        known = _keys_of(key)
        name = f"{key}.{unknown[1]}" if key else unknown[1]
        return f"{name}: unknown key; expected one of {', '.join(known)}{meant(unknown[1], known)}"
    absent = re.search(r"missing required field `([^`]*)`", what)
    if absent:
        return f"{key}.{absent[1]}: required and not given"
    text = re.sub(r"`([^`]*)`", lambda said: _in_toml(said[1]), what)
    return f"{key or 'file'}: {text[:1].lower()}{text[1:]}"


#: What msgspec calls the types of values, and what people who write TOML do.
_TYPES = {"str": "text", "int": "integer", "float": "number", "bool": "true or false", "object": "table"}


def _in_toml(types: str) -> str:
    """msgspec's types, such as `int | str`, in the reference's words; nothing in TOML is null."""
    return " or ".join(_TYPES.get(name, name) for name in types.split(" | ") if name != "null")


def _keys_of(key: str) -> tuple[str, ...]:
    """The known keys of the table named by `key`, for the error that names an unknown one."""
    section = re.sub(r"\[[^]]*\]", "", key)
    by_name: dict[str, type[msgspec.Struct]] = {
        "": Config,
        "catalog": CatalogSection,
        "checksum": ChecksumSection,
        "probe": ProbeSection,
        "volume": VolumeSection,
        "verify": VerifySection,
        "report": ReportSection,
        "notify": NotifySection,
        "notify.smtp": SmtpSection,
        "notify.route": RouteSection,
        "notify.route.deliverables": AboutSection,
        "health": HealthSection,
        "metrics": MetricsSection,
    }
    return by_name[section].__struct_encode_fields__
