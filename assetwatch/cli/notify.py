"""Does word reach the people it is for? Sends a test to every route, and says what happened."""

from __future__ import annotations

import socket
import uuid
from typing import Any

import click

from assetwatch import app
from assetwatch.cli.output import json_option, setting_of, write_json
from assetwatch.clock import Clock, SystemClock
from assetwatch.errors import CatalogError, UsageError
from assetwatch.paths import shown
from assetwatch.units import microseconds


@click.group("notify")
def notify_command() -> None:
    """Try out whether word reaches the people it is for.

    \b
    Example:
      assetwatch --config /etc/assetwatch/assetwatch.toml notify test
    """


@notify_command.command("test")
@click.argument("route", required=False, metavar="[ROUTE]")
@json_option
@click.pass_context
def test_command(ctx: click.Context, route: str | None, as_json: bool) -> None:
    """Send a test message to every place of every route, or of one ROUTE, and say what happened.

    Run it as the service's user, with the service's configuration. Exits with 1 when a place was not reached.

    \b
    Examples:
      assetwatch --config /etc/assetwatch/assetwatch.toml notify test
      assetwatch notify test coordinators --json
    """
    from assetwatch.notify import routes

    setting = setting_of(ctx)
    section = setting.config.notify
    names = [one.name for one in section.routes]
    if not names:
        raise UsageError(f"{setting.source} names nobody: `[notify] urls` or a `[[notify.route]]` says who is told.")
    if route is not None and route not in names:
        raise UsageError(f"there is no route {route!r}; {setting.source} has {', '.join(names)}.")
    clock = SystemClock()
    found: list[dict[str, Any]] = []
    for one in section.routes:
        if route is None or one.name == route:
            found += [_try(setting, clock, one, place) for place in routes.places(one)]
    if as_json:
        write_json(found)
    else:
        for said in found:
            what = f"sent: {said['where']}" if said["sent"] else f"NOT SENT: {said['fault']}"
            click.echo(f"{said['route']}, {said['place']}: {shown(what)}")
    ctx.exit(0 if all(said["sent"] for said in found) else 1)


def _try(setting: app.Setting, clock: Clock, route: Any, place: str) -> dict[str, Any]:
    """Send to one place; what happened. A success is noted in the catalog, which ends its complaint of that place."""
    from assetwatch.notify import mail, outbox

    section = setting.config.notify
    made_us = microseconds(clock.now())
    message_id = mail.new_id(f"{uuid.uuid4().hex}.test", section.smtp.sender)
    letter = outbox.trial_letter(setting.config.project, socket.gethostname())
    said: dict[str, Any] = {"route": route.name, "place": place, "sent": False, "where": None, "fault": None}
    try:
        where = outbox.send_to(section, route, place, letter, message_id=message_id, made_us=made_us)
    except outbox.Fault as fault:
        return {**said, "fault": str(fault)}
    try:
        database = app.open_catalog(setting, clock, create=False)
    except (CatalogError, UsageError):
        pass  # there is none yet, or this user may not write it: the message has gone out all the same
    else:
        try:
            outbox.note_trial(database, route.name, place, letter, clock.now())
        except CatalogError:
            pass  # as above
        finally:
            database.close()
    return {**said, "sent": True, "where": where}
