"""What did the people of this server decide? A fault in their TOML file is named by file, key and expectation."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from assetwatch.errors import ConfigError
from assetwatch.units import parse_duration, parse_size

ALGORITHM_NAMES = ("xxh128", "xxh3", "xxh64", "xxh32", "md5", "sha1", "sha256", "sha512", "c4", "blake3", "crc32")
REPORT_FORMATS = ("html", "text", "json", "csv", "pdf")

#: Who brings a further format of reports says so by an entry point of this group.
REPORT_ENTRY_POINTS = "assetwatch.reports"
LOCAL_TIME = "local"
Number = TypeVar("Number", int, float)

#: The word that lifts a bound of `[verify]`, in the file and on the command line.
OFF = "off"

#: The route that `[notify] urls` makes.
EVERYTHING = "urls"

#: How bad something is, as routes ask for it: everything, what needs a look or worse, what is wrong.
SEVERITIES = ("all", "attention", "wrong")

#: What stands in the configuration where a secret would: the name of a credential or the path of a file.
CREDENTIAL = "credential:"


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file. Unknown keys are refused: a misspelt key would otherwise do nothing, silently."""


class CatalogSection(_Section, frozen=True):
    """`[catalog]`: where what is known is kept."""

    url: str | None = None
    backups: str | None = None
    keep_backups: int = 7
    keep_weekly_backups: int = 8


class ChecksumSection(_Section, frozen=True):
    """`[checksum]`: which digests are taken of every file, from one read."""

    algorithms: tuple[str, ...] = ("xxh128",)
    workers: int | str = "auto"


class ProbeSection(_Section, frozen=True):
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


def bounded_duration(text: str) -> float | None:
    """Seconds above 0 from `6h`; None for `OFF`. Raises ValueError saying what was expected."""
    return _bound(text, parse_duration)


def bounded_size(text: str) -> int | None:
    """Bytes above 0 from `400M`; None for `OFF`. Raises ValueError saying what was expected."""
    return _bound(text, parse_size)


def _bound(text: str, parse: Callable[[str], Number]) -> Number | None:
    if text.strip() == OFF:
        return None
    value = parse(text)
    if value <= 0:
        raise ValueError(f'expected more than 0, or "{OFF}" for no bound, got {text!r}')
    return value


class VolumeSection(_Section, frozen=True):
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


class VerifySection(_Section, frozen=True):
    """`[verify]`: the budget of the nightly sweep. `OFF` lifts a bound."""

    max_age: str = OFF
    max_duration: str = "6h"
    max_bytes: str = OFF
    bwlimit: str = "400M"
    quiet: tuple[str, ...] = ()


class ReportSection(_Section, frozen=True):
    """`[report]`: where reports are kept, and in which formats."""

    directory: str | None = None
    formats: tuple[str, ...] = (
        "html",
        "json",
    )
    keep: str = "400d"
    keep_reports: int | str = OFF


class SmtpSection(_Section, frozen=True):
    """`[notify.smtp]`: the server that takes our mail. Without a host it is this machine's own, on port 25."""

    host: str | None = None
    port: int | None = None
    security: str = "starttls"
    user: str | None = None
    password_credential: str = "smtp-password"
    sender: str | None = msgspec.field(default=None, name="from")
    timeout: str = "30s"
    ca: str | None = None

    @property
    def timeout_seconds(self) -> float:
        return parse_duration(self.timeout)


class AboutSection(_Section, frozen=True):
    """`deliverables` of a route: patterns of ids and of the people who send and need them. All that are given fit."""

    id: tuple[str, ...] = ()
    sender: tuple[str, ...] = msgspec.field(default=(), name="from")
    receiver: tuple[str, ...] = msgspec.field(default=(), name="to")


class RouteSection(_Section, frozen=True):
    """`[[notify.route]]`: some people, and what they want to be told."""

    name: str
    to: tuple[str, ...]
    projects: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    deliverables: AboutSection | None = None
    severity: str = "all"
    report: bool = True
    alerts: bool = True
    life: str = "7d"


class NotifySection(_Section, frozen=True):
    """`[notify]`: to whom word is sent."""

    urls: tuple[str, ...] = ()
    route: tuple[RouteSection, ...] = ()
    smtp: SmtpSection = SmtpSection()
    remind: str = "1d"
    ping: str | None = None
    heartbeat: str | None = None
    heartbeat_every: str = "5m"

    @property
    def heartbeat_seconds(self) -> float:
        return parse_duration(self.heartbeat_every)

    @property
    def routes(self) -> tuple[RouteSection, ...]:
        """The routes by name; `urls` is one that is told everything."""
        return (*((RouteSection(name=EVERYTHING, to=self.urls),) if self.urls else ()), *self.route)


class HealthSection(_Section, frozen=True):
    """`[health]`: from when on something is too old or too full. `OFF` asks nothing."""

    daemon: bool = True
    scan: str = "6h"
    event: str = OFF
    sweep: str = "3d"
    report: str = "2d"
    queue: str = "1h"
    messages: str = "1h"
    backup: str = OFF
    free: float = 0.05
    full_within: str = OFF


class MetricsSection(_Section, frozen=True):
    """`[metrics]`: where the daemon answers Prometheus."""

    listen: str | None = None


class Config(_Section, frozen=True):
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
        _checked(faults, key, parse, text)

    def one_of(key: str, value: str, choices: tuple[str, ...]) -> None:
        if value not in choices:
            faults.append((key, f"expected one of {', '.join(choices)}, got {value!r}{_meant(value, choices)}"))

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
    faults += _notify_faults(config.notify)
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


def parse_listen(text: str) -> tuple[str, int]:
    """Address and port of `127.0.0.1:9823` or `[::1]:9823`. Raises ValueError saying what was expected."""
    match = re.fullmatch(r"\[([0-9a-fA-F:]+)\]:(\d{1,5})|([^\s:\[\]]+):(\d{1,5})", text)
    if match is None or not 0 <= int(match[2] or match[4]) < 65536:
        raise ValueError(f'expected an address and a port such as "127.0.0.1:9823", got {text!r}')
    return match[1] or match[3], int(match[2] or match[4])


def mail_addresses(text: str) -> list[str] | None:
    """The addresses of `someone@example.com`, `mailto:a@example.com,root`, also with `//`.

    None for what is no address, and for one with more in it than an address.
    """
    bare = re.sub(r"^mailto:(//)?", "", text.strip(), flags=re.IGNORECASE)
    found = [one.strip() for one in bare.split(",")]
    wanted = _ADDRESS if bare == text.strip() else rf"{_ADDRESS}|{_LOCAL}"  # a mailbox of this machine: mailto:root
    return found if all(re.fullmatch(wanted, one) for one in found) else None


_LOCAL = r"[^\s@:/?<>,;\"\\]+"
_ADDRESS = rf"{_LOCAL}@{_LOCAL}"


def _notify_faults(notify: NotifySection) -> list[tuple[str, str]]:
    """Everything a type cannot say of `[notify]`. No address is repeated in a fault: there may be a secret in it."""
    faults: list[tuple[str, str]] = []

    def place(key: str, text: str) -> None:
        if text.startswith(CREDENTIAL):
            name = text.removeprefix(CREDENTIAL)
            if not re.fullmatch(r"/[^\0]+|[A-Za-z0-9][A-Za-z0-9._-]*", name) or ".." in name.split("/"):
                faults.append((key, "expected credential:NAME or credential:/path/of/a/file"))
        elif mail_addresses(text) is None:
            scheme = re.match(r"[A-Za-z0-9+.-]+(?=:)", text)
            faults.append((key, _PLACE.format(kind=f"this {scheme[0]} address" if scheme else "this")))

    def ping(key: str, text: str | None) -> None:
        if text is None or text.startswith(CREDENTIAL):
            return
        if not re.fullmatch(r"https?://[^\s@]+", text):
            faults.append((key, f"expected an http address without a password in it, or {CREDENTIAL}NAME"))

    for number, text in enumerate(notify.urls):
        place(f"notify.urls[{number}]", text)
    names = {EVERYTHING}
    for number, route in enumerate(notify.route):
        key = f"notify.route[{number}]"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", route.name):
            faults.append((f"{key}.name", f"expected a name of letters, digits, blanks and ._-, got {route.name!r}"))
        if route.name in names:
            faults.append((f"{key}.name", f"expected a name of its own; {route.name!r} is taken"))
        names.add(route.name)
        if not route.to:
            faults.append((f"{key}.to", "expected at least one address"))
        for text in route.to:
            place(f"{key}.to", text)
        if route.severity not in SEVERITIES:
            meant = _meant(route.severity, SEVERITIES)
            faults.append(
                (f"{key}.severity", f"expected one of {', '.join(SEVERITIES)}, got {route.severity!r}{meant}")
            )
        _checked(faults, f"{key}.life", bounded_duration, route.life)
    smtp = notify.smtp
    if smtp.sender is not None and not re.fullmatch(rf"(?:[^\r\n<>]*<{_ADDRESS}>|{_ADDRESS})", smtp.sender):
        faults.append(
            ("notify.smtp.from", f'expected an address such as "assetwatch <aw@example.com>", got {smtp.sender!r}')
        )
    if smtp.port is not None and not 0 < smtp.port < 65536:
        faults.append(("notify.smtp.port", f"expected a port from 1 to 65535, got {smtp.port}"))
    if smtp.security not in SECURITIES:
        meant = _meant(smtp.security, SECURITIES)
        faults.append(
            ("notify.smtp.security", f"expected one of {', '.join(SECURITIES)}, got {smtp.security!r}{meant}")
        )
    if smtp.user is not None and smtp.security == "none" and smtp.host not in ("localhost", "127.0.0.1", "::1"):
        faults.append(("notify.smtp.security", "a password would cross the network readable: expected starttls or tls"))
    _checked(faults, "notify.smtp.timeout", parse_duration, smtp.timeout)
    _checked(faults, "notify.remind", bounded_duration, notify.remind)
    _checked(faults, "notify.heartbeat_every", parse_duration, notify.heartbeat_every)
    ping("notify.ping", notify.ping)
    ping("notify.heartbeat", notify.heartbeat)
    return faults


SECURITIES = ("starttls", "tls", "none")

_PLACE = (
    "{kind} may hold a secret, and this file is for everybody's eyes: write the whole address into a file of its own "
    'that only the service can read, and name that here: "credential:NAME" (systemd\'s LoadCredential=, or '
    '/etc/assetwatch/secrets/NAME) or "credential:/path/of/the/file". Plain here are mail addresses only'
)


def _checked(faults: list[tuple[str, str]], key: str, parse: Callable[[str], object], text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        faults.append((key, str(error)))


def _explain(message: str) -> str:
    """msgspec's message with the key first: `volume[0].settle: expected str, got int`."""
    what, _, where = message.partition(" - at `$")
    key = where.removesuffix("`").removeprefix(".").replace("[...]", "[]")
    unknown = re.search(r"unknown field `([^`]*)`", what)
    if unknown:
        known = _keys_of(key)
        name = f"{key}.{unknown[1]}" if key else unknown[1]
        return f"{name}: unknown key; expected one of {', '.join(known)}{_meant(unknown[1], known)}"
    absent = re.search(r"missing required field `([^`]*)`", what)
    if absent:
        return f"{key}.{absent[1]}: required and not given"
    text = what.replace("`", "")
    return f"{key or 'file'}: {text[:1].lower()}{text[1:]}"


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


def _meant(value: str, choices: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(value, choices, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
