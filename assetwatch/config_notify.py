"""To whom is word sent, by which way, and from when on is something too old? `[notify]`, `[health]`, `[metrics]`."""

from __future__ import annotations

import re

import msgspec

from assetwatch.config_base import OFF, Section, bounded_duration, check, meant
from assetwatch.units import parse_duration

#: The route that `[notify] urls` makes.
EVERYTHING = "urls"

#: How bad something is, as routes ask for it: everything, what needs a look or worse, what is wrong.
SEVERITIES = ("all", "attention", "wrong")

#: What stands in the configuration where a secret would: the name of a credential or the path of a file.
CREDENTIAL = "credential:"

#: How the way to a mail server is encrypted.
SECURITIES = ("starttls", "tls", "none")

_PLACE = (
    "{kind} may hold a secret, and this file is for everybody's eyes: write the whole address into a file of its own "
    'that only the service can read, and name that here: "credential:NAME" (systemd\'s LoadCredential=, or '
    '/etc/assetwatch/secrets/NAME) or "credential:/path/of/the/file". Plain here are mail addresses only'
)


class SmtpSection(Section, frozen=True):
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


class AboutSection(Section, frozen=True):
    """`deliverables` of a route: patterns of ids and of the people who send and need them. All that are given fit."""

    id: tuple[str, ...] = ()
    sender: tuple[str, ...] = msgspec.field(default=(), name="from")
    receiver: tuple[str, ...] = msgspec.field(default=(), name="to")


class RouteSection(Section, frozen=True):
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


class NotifySection(Section, frozen=True):
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


class HealthSection(Section, frozen=True):
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


class MetricsSection(Section, frozen=True):
    """`[metrics]`: where the daemon answers Prometheus."""

    listen: str | None = None


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


def faults_of(notify: NotifySection) -> list[tuple[str, str]]:
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
            near = meant(route.severity, SEVERITIES)
            faults.append((f"{key}.severity", f"expected one of {', '.join(SEVERITIES)}, got {route.severity!r}{near}"))
        check(faults, f"{key}.life", bounded_duration, route.life)
    smtp = notify.smtp
    if smtp.sender is not None and not re.fullmatch(rf"(?:[^\r\n<>]*<{_ADDRESS}>|{_ADDRESS})", smtp.sender):
        faults.append(
            ("notify.smtp.from", f'expected an address such as "assetwatch <aw@example.com>", got {smtp.sender!r}')
        )
    if smtp.port is not None and not 0 < smtp.port < 65536:
        faults.append(("notify.smtp.port", f"expected a port from 1 to 65535, got {smtp.port}"))
    if smtp.security not in SECURITIES:
        near = meant(smtp.security, SECURITIES)
        faults.append(("notify.smtp.security", f"expected one of {', '.join(SECURITIES)}, got {smtp.security!r}{near}"))
    if smtp.user is not None and smtp.security == "none" and smtp.host not in ("localhost", "127.0.0.1", "::1"):
        faults.append(("notify.smtp.security", "a password would cross the network readable: expected starttls or tls"))
    check(faults, "notify.smtp.timeout", parse_duration, smtp.timeout)
    check(faults, "notify.remind", bounded_duration, notify.remind)
    check(faults, "notify.heartbeat_every", parse_duration, notify.heartbeat_every)
    ping("notify.ping", notify.ping)
    ping("notify.heartbeat", notify.heartbeat)
    return faults
