"""What is to be sent, what was, and what could not be? The outbox: a row a message and place.

A row is made in the transaction in which the thing it tells of is noted, and is kept until it was sent or given up. It
is taken for a while before each try, so that two programs do not send it both; a program that dies meanwhile leaves it
to whoever looks after that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from assetwatch.catalog import tables as t

#: How long messages are kept that are not owed any more (microseconds).
_KEPT_US: Final = 90 * 86_400 * 1_000_000

_OWED: Final = and_(t.message.c.sent_us.is_(None), t.message.c.given_up_us.is_(None))


class MessageRow(msgspec.Struct, frozen=True):
    """One row of `message`, in the order of its columns."""

    id: int
    made_us: int
    kind: str
    about: str
    route: str
    place: str
    content: str
    tries: int
    next_us: int
    sent_us: int | None
    given_up_us: int | None
    fault: str | None

    @property
    def subject(self) -> str:
        """What stands over it."""
        return str(json.loads(self.content).get("subject", ""))


def add(
    connection: Connection,
    *,
    made_us: int,
    kind: str,
    about: Mapping[str, Any],
    route: str,
    place: str,
    content: str,
) -> int:
    """Enter a message that is to be sent from now on; its id. `content` is JSON with at least a `subject`."""
    result = connection.execute(
        insert(t.message)
        .values(
            made_us=made_us,
            kind=kind,
            about=json.dumps(about, ensure_ascii=False),
            route=route,
            place=place,
            content=content,
            next_us=made_us,
        )
        .returning(t.message.c.id)
    )
    return int(result.scalar_one())


def due(connection: Connection, now_us: int, limit: int = 20) -> list[MessageRow]:
    """The messages that are to be tried now, the oldest first."""
    query = select(*t.message.c).where(_OWED, t.message.c.next_us <= now_us).order_by(t.message.c.id).limit(limit)
    return [MessageRow(*row) for row in connection.execute(query)]


def next_due_us(connection: Connection) -> int | None:
    """When the next message is to be tried; None when none is owed."""
    found: int | None = connection.execute(select(func.min(t.message.c.next_us)).where(_OWED)).scalar()
    return found


def owed(connection: Connection, ids: Sequence[int] | None = None) -> list[MessageRow]:
    """The messages that are neither sent nor given up, oldest first; of these ids, or all."""
    query = select(*t.message.c).where(_OWED).order_by(t.message.c.id)
    if ids is not None:
        query = query.where(t.message.c.id.in_(list(ids)))
    return [MessageRow(*row) for row in connection.execute(query)]


def take(connection: Connection, row: MessageRow, until_us: int) -> bool:
    """Take a message for one try; False when another program has it. Unless more is said it is due at `until_us`."""
    result = connection.execute(
        update(t.message)
        .where(t.message.c.id == row.id, t.message.c.next_us == row.next_us, _OWED)
        .values(next_us=until_us, tries=row.tries + 1)
    )
    return result.rowcount > 0


def note_sent(connection: Connection, message_id: int, now_us: int, content: str) -> None:
    """Note that it was sent. `content` is what is kept of it."""
    connection.execute(
        update(t.message).where(t.message.c.id == message_id).values(sent_us=now_us, content=content, fault=None)
    )


def note_fault(
    connection: Connection, message_id: int, fault: str, *, next_us: int, given_up_us: int | None, content: str | None
) -> None:
    """Note that a try failed, and when the next one is, or that it is given up. `content` where it changed."""
    values: dict[str, Any] = {"fault": fault, "next_us": next_us, "given_up_us": given_up_us}
    if content is not None:
        values["content"] = content
    connection.execute(update(t.message).where(t.message.c.id == message_id).values(**values))


def forget_old(connection: Connection, now_us: int) -> None:
    """Delete what was sent or given up long ago."""
    connection.execute(
        delete(t.message).where(
            t.message.c.made_us < now_us - _KEPT_US,
            or_(t.message.c.sent_us.is_not(None), t.message.c.given_up_us.is_not(None)),
        )
    )


# -- what is known of sending ---------------------------------------------------------------------------------------


def last_made_us(connection: Connection, route: str, kinds: Sequence[str]) -> int | None:
    """When a message of one of these kinds was last made for a route."""
    found: int | None = connection.execute(
        select(func.max(t.message.c.made_us)).where(t.message.c.route == route, t.message.c.kind.in_(kinds))
    ).scalar()
    return found


class Failed(msgspec.Struct, frozen=True):
    """A message that did not get to its place. Given up, or to be tried again at `next_us`."""

    id: int
    kind: str
    route: str
    place: str
    subject: str
    made_us: int
    tries: int
    next_us: int
    given_up_us: int | None
    fault: str


def failed(connection: Connection, since_us: int | None = None) -> list[Failed]:
    """What did not get to its place, oldest first: what is tried again, and what was given up.

    What was given up counts until something was sent to the same place later; with `since_us` it counts if it was
    given up after that instant, whatever was sent later (for a report about the time since the last one).
    """
    better = t.message.alias("better")
    later = (
        select(better.c.id)
        .where(
            better.c.route == t.message.c.route,
            better.c.place == t.message.c.place,
            better.c.sent_us > t.message.c.given_up_us,
        )
        .exists()
    )
    counts = ~later if since_us is None else or_(t.message.c.given_up_us > since_us, ~later)
    query = (
        select(*t.message.c)
        .where(t.message.c.kind != "test", t.message.c.fault.is_not(None), t.message.c.sent_us.is_(None))
        .where(or_(t.message.c.given_up_us.is_(None), counts))
        .order_by(t.message.c.id)
    )
    rows = [MessageRow(*row) for row in connection.execute(query)]
    return [
        Failed(
            *(row.id, row.kind, row.route, row.place, row.subject, row.made_us, row.tries, row.next_us),
            row.given_up_us,
            row.fault or "",
        )
        for row in rows
    ]


class Waiting(msgspec.Struct, frozen=True):
    """How many messages are owed, and since when the oldest."""

    count: int
    oldest_us: int | None


def waiting(connection: Connection) -> Waiting:
    """The messages that are neither sent nor given up."""
    row = connection.execute(select(func.count(), func.min(t.message.c.made_us)).where(_OWED)).one()
    return Waiting(int(row[0]), row[1])
