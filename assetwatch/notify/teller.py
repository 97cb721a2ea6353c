"""Is there something to be told, and has it been? The room of the loop that looks, and the thread that sends."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from assetwatch.catalog import alarms as facts
from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database
from assetwatch.catalog.volumes import AlertRow
from assetwatch.clock import Clock
from assetwatch.config import Config, RouteSection, bounded_duration, show_zone
from assetwatch.errors import AssetwatchError
from assetwatch.notify import outbox, ping, routes, secrets, telling, words
from assetwatch.notify.alarms import Alarms, is_mine, key_of_place, known_mismatches
from assetwatch.notify.letter import Owed
from assetwatch.notify.outbox import Outbox
from assetwatch.notify.rooms import Rooms
from assetwatch.notify.routes import Matter
from assetwatch.notify.words import Told
from assetwatch.units import microseconds

if TYPE_CHECKING:
    from assetwatch.notify.metrics import Endpoint

_log = logging.getLogger(__name__)

#: Seconds between two looks, and the least between them.
LOOK_S: Final = 10.0
_LEAST_S: Final = 1.0

#: A loop that has not looked for so long hangs, and no heartbeat is given for it (seconds).
_HANGS_S: Final = 120.0

#: How long the end of the program waits for a message that is on its way (seconds).
_LEAVE_S: Final = 3.0


class Teller:
    """Looks at what holds and has people told of it. `look` is called from the loop; sending has a thread."""

    def __init__(
        self,
        database: Database,
        config: Config,
        clock: Clock,
        rooms: Rooms | None = None,
        keeper_id: int | None = None,
    ) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._keeper_id = keeper_id
        self._alarms = Alarms(database, config, clock, rooms, keeper_id)
        zone = show_zone(config)
        local = clock.now().astimezone().tzinfo
        self._zone: tzinfo = zone if zone is not None else local  # type: ignore[assignment]
        self._remind_us = _us(bounded_duration(config.notify.remind))
        self._post: Post | None = None
        self._endpoint: Endpoint | None = None

    def look(self, *, changed: bool = False) -> float:
        """Look, and enter what is to be sent; seconds until the next look.

        `changed`: deliverables were compared anew. Raises CatalogError.
        """
        self._alarms.look(changed=changed)
        wait_s = self._tell() if self._config.notify.routes else LOOK_S
        if self._post is not None:
            self._post.alive()
        return max(_LEAST_S, min(LOOK_S, wait_s))

    def start(self) -> None:
        """Begin to send, where there is anybody to send to, and to answer Prometheus, where that is asked for."""
        if self._config.metrics.listen is not None:
            from assetwatch.notify import metrics

            self._endpoint = metrics.serve(self._database, self._config, self._clock)
        if self._config.notify.routes or self._config.notify.heartbeat is not None:
            self._post = Post(self._database, self._config, self._clock)
            self._post.start()

    def close(self) -> None:
        """End; what was not sent is sent by the next program."""
        if self._post is not None:
            self._post.close()
        if self._endpoint is not None:
            self._endpoint.close()

    def _tell(self) -> float:
        """Enter messages about what is due; seconds until more may be."""
        now_us = microseconds(self._clock.now())
        with self._database.read() as connection:
            due = self._due(connection, now_us)
        if due.carried or due:
            with self._database.write() as connection:
                due = self._due(connection, now_us, to_tell=True)
                for before, after in due.carried:
                    facts.carry_on(connection, before, after, now_us)
                if due:
                    self._enter(connection, due, now_us)
            if self._post is not None:
                self._post.wake()
        return LOOK_S if due.wait_us is None else due.wait_us / 1_000_000

    def _due(self, connection: Connection, now_us: int, *, to_tell: bool = False) -> telling.Due:
        """What is to be said, of what is this daemon's affair."""
        duty = facts.duty(connection, self._keeper_id, now_us)
        rows = facts.recent(connection, now_us - telling.HISTORY_US, to_tell=to_tell)
        return telling.due([row for row in rows if is_mine(row, duty, self._config)], now_us, self._remind_us)

    def _enter(self, connection: Connection, due: telling.Due, now_us: int) -> None:
        """Enter a message for each route that something of it concerns, and note that all of it was said."""
        told = {one.row.id: one for one in self._told(connection, (*due.news, *due.still, *due.over))}
        kind = "alert" if due.news else "reminder" if due.still else "ok"
        section = self._config.notify
        for route in section.routes:
            mine, but_for = _for_route(told, route)
            letter = words.letter(due, mine, self._config.project, self._zone, now_us) if mine else None
            if letter is not None:
                about = {"alerts": sorted(mine)}
                outbox.enqueue(
                    connection, section, route, letter, kind=kind, about=about, now_us=now_us, but_for=but_for
                )
        facts.note_said(connection, [row.id for row in (*due.news, *due.still)], now_us)
        facts.note_ended(connection, [row.id for row in due.over], now_us)

    def _told(self, connection: Connection, rows: Sequence[AlertRow]) -> list[Told]:
        """Alerts with what the rules of routes ask about them."""
        named = {row.id: row for row in volumes.all_volumes(connection)}
        ids = {row.id: int(row.key.partition(":")[2]) for row in rows if row.kind.startswith("deliverable_")}
        owners = facts.senders_of(connection, list(ids.values()))
        ended = any(row.kind == "mismatch" and row.closed_us is not None for row in rows)
        known = known_mismatches(connection) if ended else frozenset()
        found: list[Told] = []
        for row in rows:
            severity = words.severity_of(row.kind)
            volume = named.get(row.volume_id) if row.volume_id is not None else None
            owner = owners.get(ids[row.id]) if row.id in ids else None
            project = volume.project if volume is not None else self._config.project if owner is not None else None
            matter = Matter(
                severity,
                project,
                None if volume is None else volume.name,
                None if owner is None else Owed(*owner, severity),
            )
            found.append(Told(row, matter, known=row.closed_us is not None and row.key in known))
        return found


def _for_route(told: dict[int, Told], route: RouteSection) -> tuple[dict[int, Told], frozenset[str]]:
    """What of it a route is told, and the places of it where that makes no sense: those that cannot be reached."""
    if not route.alerts:
        return {}, frozenset()
    mine = {identity: one for identity, one in told.items() if routes.concerns(one.matter, route)}
    own = key_of_place(route.name, "")
    dead = {one.row.key.removeprefix(own) for one in mine.values() if one.row.key.startswith(own)}
    about_sending_only = all(one.row.key.startswith(own) for one in mine.values())
    return mine, frozenset(dead) if about_sending_only else frozenset()


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


class Post:
    """The thread that sends what is due, and gives the heartbeat while the loop is alive."""

    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        self._outbox = Outbox(database, config.notify, clock)
        self._config = config
        self._clock = clock
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._looked = clock.monotonic()
        self._next_beat = float("-inf")
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def alive(self) -> None:
        """The loop has looked just now."""
        self._looked = self._clock.monotonic()

    def close(self) -> None:
        """End after the message that is on its way, if that does not take long."""
        self._stop.set()
        self._wake.set()
        self._thread.join(_LEAVE_S)

    def step(self) -> float:
        """Send what is due, beat if it is time; seconds until there is more to do."""
        wait_s = self._beat()
        if self._config.notify.routes:
            self._outbox.send_due(self._stop)
            wait_s = min(wait_s, self._outbox.next_s())
        return wait_s

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                wait_s = self.step()
            except AssetwatchError as error:
                _log.error("nothing can be sent for now: %s", error)
                wait_s = LOOK_S
            except Exception:  # a thread that dies would do so in silence
                _log.error("sending: %s", secrets.redacted(traceback.format_exc()))
                wait_s = LOOK_S
            if not self._stop.is_set():
                self._clock.wait(self._wake, max(_LEAST_S, wait_s))

    def _beat(self) -> float:
        """Give the heartbeat when it is time, unless the loop hangs; seconds until the next."""
        section = self._config.notify
        now = self._clock.monotonic()
        if section.heartbeat is None:
            return float("inf")
        if now >= self._next_beat:
            self._next_beat = now + ping.interval_s(section)
            if now - self._looked > _HANGS_S:
                _log.error("no heartbeat: the loop has not looked for %d s", now - self._looked)
            else:
                fault = ping.beat(section, self._clock, self._stop)
                if fault is not None:
                    _log.error("heartbeat: %s", fault)
        return self._next_beat - now
