"""How does the night's report get to its readers, and who is spared it because all is well?"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assetwatch.catalog import messages
from assetwatch.catalog.engine import Database
from assetwatch.clock import Clock
from assetwatch.config import Config, bounded_duration
from assetwatch.notify import outbox, routes
from assetwatch.notify.letter import Letter
from assetwatch.units import microseconds

#: Seconds between two tries while somebody waits for the outcome.
_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of messages: ids of those that were sent, and those that were not (they are tried again)."""

    sent: tuple[int, ...]
    failed: tuple[messages.Failed, ...]


def enqueue(database: Database, config: Config, letter: Letter, now: datetime, run_id: int | None = None) -> list[int]:
    """Enter the report for everybody who wants it; the messages' ids.

    A route that is spared it, because it is not bad enough for it, gets it all the same when its time for a sign of
    life has come (`life`).
    """
    now_us = microseconds(now)
    made: list[int] = []
    with database.write() as connection:
        for route in config.notify.routes:
            severity = routes.severity_for(letter, route) if route.report else None
            if severity is None:
                continue
            kind = "report"
            if not routes.enough(severity, route):
                kind = "life"
                life_s = bounded_duration(route.life)
                last_us = messages.last_made_us(connection, route.name, ("report", "life"))
                # Not quite a week after the last one: the timer has its random delay.
                if life_s is None or (last_us is not None and now_us - last_us < (life_s - 3_600) * 1_000_000):
                    continue
            about = {} if run_id is None else {"run": run_id}
            made += outbox.enqueue(
                connection,
                config.notify,
                route,
                replace(letter, severity=severity),
                kind=kind,
                about=about,
                now_us=now_us,
            )
    return made


def deliver(
    database: Database,
    config: Config,
    clock: Clock,
    patience_s: float = 60.0,
    ids: Sequence[int] | None = None,
) -> Delivered:
    """Send what is due, and say what became of these messages (of none given: of all that are owed).

    Each is tried once; those that another program is sending are waited for up to `patience_s` (seconds). What is left
    the daemon or the next night tries again.
    """
    box = outbox.Outbox(database, config.notify, clock)
    until = clock.monotonic() + patience_s
    never = threading.Event()
    with database.read() as connection:
        wanted = [row.id for row in messages.owed(connection, ids)]
    while True:
        box.send_due()
        with database.read() as connection:
            left = {row.id for row in messages.owed(connection, wanted)}
            untried = [row for row in messages.owed(connection, wanted) if row.fault is None]
        rest_s = until - clock.monotonic()
        if not untried or rest_s <= 0:
            break
        clock.wait(never, min(_PAUSE_S, rest_s))
    with database.read() as connection:
        failed = messages.failed(connection)
    lost = {one.id for one in failed if one.given_up_us is not None}
    return Delivered(tuple(one for one in wanted if one not in left and one not in lost), tuple(failed))
