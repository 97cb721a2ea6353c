"""How does a letter get to everybody it is for, once and surely?

It becomes a row for each route and place. A sender tries what is due; what fails is tried again after a minute, two,
four ... up to an hour, for two days, and then given up, which is said aloud. What was sent is noted at once; should the
program die between the two, the mail goes out again under the same Message-ID.
"""

from __future__ import annotations

import json
import logging
import threading
import traceback
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from assetwatch.catalog import alarms, messages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.messages import MessageRow
from assetwatch.clock import Clock
from assetwatch.config import NotifySection, RouteSection
from assetwatch.errors import AssetwatchError
from assetwatch.notify import mail, others, routes, secrets
from assetwatch.notify.letter import Letter, Severity, one_line
from assetwatch.units import duration, instant, microseconds

_log = logging.getLogger(__name__)

_FIRST_S: Final = 60
_LONGEST_S: Final = 3_600
_GIVEN_UP_US: Final = 2 * 86_400 * 1_000_000

#: How long a message is ours while it is being tried: longer than any server takes (microseconds).
_TAKEN_US: Final = 600 * 1_000_000

#: Seconds between two looks for messages that another program may have made.
_LOOK_S: Final = 20.0

#: Other services take so much of a text; the whole is in the mail and in the report (characters).
_SHORT: Final = 3_000


class Fault(Exception):
    """A message did not get to its place, or not to all of its addresses: `left` are those."""

    def __init__(self, text: str, left: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.left = tuple(left)


# -- in ---------------------------------------------------------------------------------------------------------


def enqueue(
    connection: Connection,
    section: NotifySection,
    route: RouteSection,
    letter: Letter,
    *,
    kind: str,
    about: Mapping[str, Any],
    now_us: int,
    but_for: frozenset[str] = frozenset(),
) -> list[int]:
    """Enter a letter for every place of a route, in the caller's transaction; the rows' ids. `but_for`: not there."""
    made: list[int] = []
    for place in routes.places(route):
        if place in but_for:
            continue
        content = {
            "subject": one_line(letter.subject),
            "text": letter.text,
            "html": letter.html if place == routes.MAIL else None,
            "severity": letter.severity,
            "attachments": list(letter.attachments) if place == routes.MAIL else [],
            "message_id": mail.new_id(f"{uuid.uuid4().hex}.{now_us}", section.smtp.sender),
        }
        made.append(
            messages.add(
                connection,
                made_us=now_us,
                kind=kind,
                about=about,
                route=route.name,
                place=place,
                content=json.dumps(content, ensure_ascii=True),
            )
        )
    return made


# -- out --------------------------------------------------------------------------------------------------------


def send_to(
    section: NotifySection,
    route: RouteSection,
    place: str,
    letter: Letter,
    *,
    message_id: str,
    made_us: int,
    only: Sequence[str] = (),
) -> str:
    """Send a letter to one place of a route, now; where it went, for a person.

    Raises Fault, without a secret in it, when it did not get there.
    """
    try:
        if place != routes.MAIL:
            others.send(_shortened(letter), place)
            return f"credential {place}"
        server = mail.server_of(section.smtp)
        to = [one for one in routes.addresses(route) if not only or one in only]
        if not to:
            raise Fault("none of its addresses stands in the configuration any more")
        written = mail.compose(
            letter, server.sender, to, message_id=message_id, list_name=route.name, made=instant(made_us)
        )
        refused = mail.send(written, to, server)
    except (mail.MailFault, others.OtherFault, AssetwatchError) as error:
        raise Fault(secrets.redacted(str(error))) from None
    except (ValueError, UnicodeError) as error:  # an address that no header takes
        raise Fault(secrets.redacted(one_line(f"the mail cannot be written: {error}"))) from None
    if refused:
        told = "; ".join(f"{address}: {why}" for address, why in refused.items())
        raise Fault(f"refused for {told}", tuple(refused))
    return f"{', '.join(to)} by {server.shown}"


def _shortened(letter: Letter) -> Letter:
    """The letter as a chat room takes it."""
    if len(letter.text) <= _SHORT:
        return letter
    kept = letter.text[:_SHORT].rsplit("\n", 1)[0]
    return Letter(letter.subject, f"{kept}\n[...] the rest is in the report", severity=letter.severity)


class Outbox:
    """Sends what is due, one message after the other. Used from one thread; several programs may have one each."""

    def __init__(self, database: Database, section: NotifySection, clock: Clock) -> None:
        self._database = database
        self._section = section
        self._clock = clock

    def send_due(self, stop: threading.Event | None = None) -> int:
        """Try every message that is due; how many were tried. Between two it ends where `stop` is set."""
        tried = 0
        with self._database.read() as connection:
            rows = messages.due(connection, self._now_us())
        for row in rows:
            if stop is not None and stop.is_set():
                break
            tried += self._try(row)
        return tried

    def next_s(self) -> float:
        """Seconds until something is due, and until another program's messages should be looked for at the latest."""
        with self._database.read() as connection:
            due_us = messages.next_due_us(connection)
        if due_us is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due_us - self._now_us()) / 1_000_000))

    def _try(self, row: MessageRow) -> bool:
        """Try one message; False when it is another program's."""
        route = routes.route_of(self._section, row.route)
        now_us = self._now_us()
        if route is None or row.place not in routes.places(route):
            with self._database.read() as connection:
                alone = alarms.duty(connection, None, now_us).alone
            if alone or now_us - row.made_us >= _GIVEN_UP_US:
                self._give_up(row, "the configuration does not name this place any more")
            return False
        with self._database.write() as connection:
            if not messages.take(connection, row, now_us + _TAKEN_US):
                return False
        content: dict[str, Any] = json.loads(row.content)
        try:
            where = send_to(
                self._section,
                route,
                row.place,
                _letter(content),
                message_id=content["message_id"],
                made_us=row.made_us,
                only=content.get("only", ()),
            )
        except Fault as fault:
            self._failed(row, content, fault)
        except Exception as error:  # a bug here must not keep other messages from going out
            _log.error("message %d: %s", row.id, secrets.redacted(traceback.format_exc()))
            self._failed(row, content, Fault(f"a fault of the program: {type(error).__name__}"))
        else:
            with self._database.write() as connection:
                messages.note_sent(connection, row.id, self._now_us(), _kept(content))
                messages.forget_old(connection, self._now_us())
            _log.info("sent to %s (%s): %s", row.route, where, content["subject"])
        return True

    def _failed(self, row: MessageRow, content: dict[str, Any], fault: Fault) -> None:
        now_us = self._now_us()
        if row.kind == "test" or now_us - row.made_us >= _GIVEN_UP_US:
            self._give_up(row, str(fault))
            return
        rest_s = min(_FIRST_S * 2 ** min(row.tries, 10), _LONGEST_S)
        changed = json.dumps({**content, "only": list(fault.left)}) if fault.left else None
        with self._database.write() as connection:
            messages.note_fault(
                connection,
                row.id,
                str(fault),
                next_us=now_us + rest_s * 1_000_000,
                given_up_us=None,
                content=changed,
            )
        _log.error("not sent to %s (try %d, again in %s): %s", row.route, row.tries + 1, duration(rest_s), fault)

    def _give_up(self, row: MessageRow, fault: str) -> None:
        now_us = self._now_us()
        with self._database.write() as connection:
            kept = _kept(json.loads(row.content))
            messages.note_fault(connection, row.id, fault, next_us=now_us, given_up_us=now_us, content=kept)
        _log.critical("given up, %s was not told %r: %s", row.route, one_line(row.subject), fault)

    def _now_us(self) -> int:
        return microseconds(self._clock.now())


def _kept(content: Mapping[str, Any]) -> str:
    """What stays in the catalog of a message that is not owed any more."""
    return json.dumps({name: content[name] for name in ("subject", "severity", "message_id")})


def _letter(content: Mapping[str, Any]) -> Letter:
    severity: Severity = content["severity"]
    return Letter(
        content["subject"],
        content["text"],
        content.get("html"),
        severity,
        attachments=tuple(content.get("attachments", ())),
    )


# -- a test -----------------------------------------------------------------------------------------------------


def trial_letter(project: str | None, host: str) -> Letter:
    """What `notify test` sends."""
    name = f"[{project}] " if project else ""
    text = (
        f"This is a test from assetwatch on {host}.\n\nIf you read this, its messages reach you. "
        "Nothing is wrong and nothing has to be done.\n"
    )
    return Letter(f"{name}assetwatch: a test, nothing has to be done", text, _page(text))


def note_trial(database: Database, route: str, place: str, letter: Letter, now: datetime) -> None:
    """Note that a test got to its place: what failed there before is no trouble any more."""
    now_us = microseconds(now)
    content = json.dumps({"subject": one_line(letter.subject)})
    with database.write() as connection:
        made = messages.add(
            connection, made_us=now_us, kind="test", about={}, route=route, place=place, content=content
        )
        messages.note_sent(connection, made, now_us, content)


def _page(text: str) -> str:
    from html import escape

    body = "".join(f"<p>{escape(part)}</p>" for part in text.strip().split("\n\n"))
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{body}</body></html>'
