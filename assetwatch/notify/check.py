"""Would word reach anybody? Servers are greeted and credentials read; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from assetwatch.config import CREDENTIAL, Config
from assetwatch.errors import AssetwatchError
from assetwatch.notify import mail, others, routes, secrets

#: How long a mail server may take to answer somebody who waits at a terminal (seconds).
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What a check found: `text` says what is so, `remedy` what to do, or None where there is nothing to do."""

    name: str
    state: Literal["ok", "warning", "wrong"]
    text: str
    remedy: str | None = None


def check(config: Config) -> Iterator[Looked]:
    """Everything that can be known of `[notify]` without sending anything. Speaks to the mail server."""
    section = config.notify
    if not section.routes:
        text = "nobody is told of anything: what is wrong stands in `assetwatch status` and in the log only"
        yield Looked("notify", "ok", text, 'to whom: `[notify] urls = ["mailto:someone@example.com"]`')
    elif any(routes.places(route) == [] for route in section.routes):
        yield Looked("notify", "wrong", "a route leads nowhere", "give it an address in `to`")
    else:
        names = ", ".join(f"{route.name} ({', '.join(routes.places(route))})" for route in section.routes)
        yield Looked("notify", "ok", f"routes: {names}", "`assetwatch notify test` sends to each of them")
    for hole in routes.untold(section):
        yield Looked("notify", "warning", hole, "add a route for it to [notify], or take a rule away")
    if any(routes.addresses(route) for route in section.routes):
        yield _mail(config)
    places = {place for route in section.routes for place in routes.places(route)} - {routes.MAIL}
    for place in sorted(places):
        yield _other(place)
    for key in ("ping", "heartbeat"):
        text = getattr(section, key)
        if text is not None and text.startswith(CREDENTIAL):
            yield _credential(f"notify.{key}", text)
    if section.routes and section.ping is None and section.heartbeat is None:
        text = "should this machine fall silent altogether, nobody notices by itself"
        yield Looked(
            "dead man's switch", "warning", text, "[notify] ping and heartbeat, or `assetwatch health` in a monitoring"
        )


def _mail(config: Config) -> Looked:
    try:
        server = mail.server_of(config.notify.smtp)
        mail.greet(replace(server, timeout_s=min(server.timeout_s, _PATIENCE_S)))
    except (mail.MailFault, AssetwatchError) as error:
        text = secrets.redacted(str(error))
        return Looked("mail", "wrong", text, "mend [notify.smtp]; `assetwatch notify test` tries it")
    who = f", as {server.user}" if server.user else ""
    return Looked("mail", "ok", f"{server.shown} answers{who}")


def _other(place: str) -> Looked:
    name = f"credential {place}"
    try:
        kind = others.service_of(place)
    except (others.OtherFault, AssetwatchError) as error:
        return Looked(name, "wrong", secrets.redacted(str(error)), f"mend {secrets.place_of(place)}")
    return Looked(name, "ok", f"an address of {kind}, in {secrets.place_of(place)}")


def _credential(name: str, text: str) -> Looked:
    try:
        secrets.read(text)
    except AssetwatchError as error:
        return Looked(name, "wrong", str(error), f"write the address into {secrets.place_of(text)}")
    return Looked(name, "ok", f"its address is in {secrets.place_of(text)}")
