"""Which things in the catalog are for which items, and what do the checks say of them?

The room: deliverables that files made stale are compared with the catalog anew, a bounded number at a time. What is
found is kept with the items; where a deliverable stands is derived from that when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from assetwatch.catalog import candidates, hand_links, things, volumes
from assetwatch.catalog import deliverables as rows
from assetwatch.catalog.arrived import Arrivals
from assetwatch.catalog.deliverables import DeliverableRow, LinkRow
from assetwatch.catalog.engine import Database
from assetwatch.catalog.things import Thing
from assetwatch.clock import Clock
from assetwatch.delivery import status
from assetwatch.delivery.comparison import Comparison
from assetwatch.delivery.counts import Count
from assetwatch.delivery.cuts import Pool, Remembered
from assetwatch.delivery.findings import Finding
from assetwatch.delivery.hits import Hit, Key, as_path, find_hits, is_folder
from assetwatch.delivery.kept import Found, encode, in_brief, no_later, scheduled_of
from assetwatch.delivery.match import Rule
from assetwatch.delivery.status import Role
from assetwatch.units import instant, microseconds

#: A deliverable is compared again after this many times the time that it last took: one of 100,000 files that arrive
#: one by one must not keep the loop from everything else.
_REST_FACTOR = 10.0

#: Seconds that one round may take.
_ROUND_S = 0.5

#: An item's patterns, in the order in which they take.
_PATTERNS = ("match", "timeline", "pulls")

#: Who made a link by rule.
_BY_RULE = "schedule"


class Linker:
    """Compares stale deliverables with the catalog. One for a loop; remembers how long each took, and which names lists
    ask for."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rest_until: dict[int, float] = {}
        self._remembered = Remembered()

    def link(self, limit: int = 100) -> int:
        """Compare up to `limit` stale deliverables; how many were."""
        started = self._clock.monotonic()
        self._rest_until = {one: until for one, until in self._rest_until.items() if until > started}
        with self._database.read() as connection:
            waiting = rows.stale(connection, limit + len(self._rest_until))
            anywhere = candidates.meant_anywhere(connection)
        wanted = [row for row in waiting if row.id not in self._rest_until][:limit]
        # Those that may find their files anywhere share one way through all names.
        together = [row for row in wanted if row.id in anywhere]
        done = 0
        for some in [*([row] for row in wanted if row.id not in anywhere), *([together] if together else [])]:
            began = self._clock.monotonic()
            compare(self._database, some, self._clock.now(), self._remembered)
            ended = self._clock.monotonic()
            done += len(some)
            if ended - began > 0.02:
                self._rest_until.update({row.id: ended + _REST_FACTOR * (ended - began) for row in some})
            if ended - started > _ROUND_S:
                break
        return done

    def next_wake(self) -> float | None:
        """When (monotonic seconds) a deliverable that rests may be compared again."""
        return min(self._rest_until.values(), default=None)


def bring_up_to_date(database: Database, clock: Clock, batch: int = 500) -> int:
    """Compare everything that is stale, at once, as a command needs it; how many deliverables were.

    Where the catalog may only be read nothing is done: its keeper brings it up to date within seconds.
    """
    done = 0
    if not database.writable:
        return 0
    while True:
        with database.read() as connection:
            some = rows.stale(connection, batch)
        if not some:
            return done
        compare(database, some, clock.now())
        done += len(some)


class _Outcome(NamedTuple):
    """What comparing one deliverable gave: by item id what was found and what was taken."""

    deliverable_id: int
    agreement: tuple[Finding, ...]
    found: dict[int, Found]
    taken: dict[int, list[tuple[Thing, Role]]]
    counts: dict[int, Count]


def _written(found: Found, count: Count) -> tuple[str, str | None]:
    """What was found as the catalog keeps it, in full and in brief."""
    brief = in_brief(found, count)
    return encode(found).decode(), None if brief is None else encode(brief).decode()


def compare(
    database: Database, stale: Sequence[DeliverableRow], now: datetime, remembered: Remembered | None = None
) -> None:
    """Link what the rules of these deliverables take, end links that hold no more, and keep what the checks say.

    Between two short writes nobody is kept from the catalog.
    """
    with database.read() as connection:
        anew = hand_links.drawn_anew(connection, [row.id for row in stale])
    with database.write() as connection:
        rows.claim(connection, [row.id for row in stale])
        hand_links.repoint(connection, anew)
    with database.read() as connection:
        outcomes = _compared(connection, stale, microseconds(now), remembered)
    now_us = microseconds(now)
    with database.write() as connection:
        links = rows.links_of(connection, [row.id for row in stale])
        for one in outcomes:
            for item_id, taken in one.taken.items():
                _relink(connection, one.deliverable_id, item_id, taken, links.get(item_id, []), now_us)
            found = {item_id: _written(said, one.counts[item_id]) for item_id, said in one.found.items()}
            rows.set_found(connection, one.deliverable_id, encode(one.agreement).decode(), found)


def _compared(
    connection: Connection, stale: Sequence[DeliverableRow], now_us: int, remembered: Remembered | None
) -> list[_Outcome]:
    ids = [row.id for row in stale]
    items = rows.items_of(connection, ids)
    links = rows.links_of(connection, ids)
    decisions = rows.decisions_of(connection, ids)
    scheduled = {row.id: scheduled_of(row, items.get(row.id, [])) for row in stale}
    rules: list[tuple[Key, Rule]] = []
    whole: set[Key] = set()
    for row in stale:
        for item_row, item in zip(items.get(row.id, []), scheduled[row.id].items, strict=True):
            for what, pattern in (("match", item.match), ("timeline", item.timeline), ("pulls", item.pulls)):
                if pattern:
                    rules.append(((item_row.id, what), Rule.compile(as_path(pattern))))
            if is_folder(item):
                whole.add((item_row.id, "match"))
    hits = find_hits(connection, rules, whole)
    by_hand = things.by_asset(connection, {one.asset for some in links.values() for one in some if one.how == "hand"})
    names = volumes.names(connection)
    pool = Pool(connection, now_us, remembered)
    arrivals = Arrivals(connection)
    compared: list[tuple[DeliverableRow, Comparison, dict[str, list[Hit]]]] = []
    for row in stale:
        mine = {
            item.name: [hit for what in _PATTERNS for hit in hits.get((item.id, what), [])]
            for item in items.get(row.id, [])
        }
        rejected = _rejected(decisions.get(row.id, []))
        one = Comparison(connection, scheduled[row.id], names, rejected, pool, arrivals, mine)
        one.expect(mine)
        compared.append((row, one, mine))
    outcomes: list[_Outcome] = []
    for row, one, mine in compared:
        found: dict[int, Found] = {}
        taken: dict[int, list[tuple[Thing, Role]]] = {}
        counts: dict[int, Count] = {}
        for item_row, item in zip(items.get(row.id, []), one.scheduled.items, strict=True):
            its_links = links.get(item_row.id, [])
            said, taken[item_row.id] = one.item(item, mine[item.name], its_links, by_hand)
            found[item_row.id] = no_later(said, item_row)
            counts[item_row.id] = Count.parse(item.count)
        outcomes.append(_Outcome(row.id, one.together(), found, taken, counts))
    return outcomes


def contents_of(
    connection: Connection, deliverable_id: int, known: status.Deliverable, item: str | None = None
) -> list[tuple[str, str, int, str | None]]:
    """What is current of a deliverable or of one item, for a decision to be bound to: (item, path, content, digest)."""
    current = {
        (one.name, linked.version_id): linked
        for one in known.items
        if item is None or one.name == item
        for linked in one.linked
        if linked.role in (Role.CURRENT, Role.CONFLICT)
    }
    links = [one for some in rows.links_of(connection, [deliverable_id]).values() for one in some if one.how != "never"]
    there = things.by_asset(connection, {one.asset for one in links})
    digests = {thing.content: things.digest_of(connection, thing) for thing in there.values()}
    return [(name, linked.path, content, digests.get(content)) for (name, content), linked in current.items()]


def _rejected(decisions: Sequence[rows.DecisionRow]) -> dict[str, datetime]:
    """Digests that a person rejected, and when first."""
    found: dict[str, datetime] = {}
    for one in decisions:
        if one.word == "reject":
            for _, _, _, digest in msgspec.json.decode(one.contents):
                if digest is not None:
                    found.setdefault(digest, instant(one.at_us))
    return found


def _relink(
    connection: Connection,
    deliverable_id: int,
    item_id: int,
    taken: Sequence[tuple[Thing, Role]],
    links: Sequence[LinkRow],
    now_us: int,
) -> None:
    """Bring the links of an item to what was taken: new ones are entered, those that hold no more are dated."""
    open_ = {(one.asset, one.content): one for one in links if one.how != "never"}
    refused = {one.asset for one in links if one.how == "never"}
    now = {(thing.asset, thing.content): (thing, role) for thing, role in taken if thing.asset not in refused}
    by_hand = {one.asset: one.who for one in links if one.how == "hand"}
    rows.end_links(connection, [one.id for key, one in open_.items() if key not in now and _gone(one, now)], now_us)
    rows.add_links(
        connection,
        [
            {
                "item_id": item_id,
                "deliverable_id": deliverable_id,
                "volume_id": thing.volume_id,
                "asset": thing.asset,
                "path": thing.path,
                "content": thing.content,
                "role": role.value,
                "how": "hand" if thing.asset in by_hand else "rule",
                "who": by_hand.get(thing.asset, _BY_RULE),
                "at_us": now_us,
            }
            for key, (thing, role) in now.items()
            if key not in open_
        ],
    )
    rows.set_roles(
        connection,
        {one.id: now[key][1].value for key, one in open_.items() if key in now and one.role != now[key][1].value},
    )


def _gone(link: LinkRow, now: Mapping[tuple[str, int], object]) -> bool:
    """Whether a link holds no more: one by hand holds until its thing has another content, or is unlinked."""
    return link.how == "rule" or any(asset == link.asset for asset, _ in now)
