"""Which things in the catalog are for which items, and what do the checks say of them?

The room: deliverables that files made stale are compared with the catalog anew, a bounded number at a time. What is
found is kept with the items; where a deliverable stands is derived from that when somebody asks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import things, volumes
from assetwatch.catalog.deliverables import DeliverableRow, LinkRow
from assetwatch.catalog.engine import Database
from assetwatch.catalog.things import Thing
from assetwatch.clock import Clock
from assetwatch.delivery import schedule as s
from assetwatch.delivery import status
from assetwatch.delivery.agreement import Asked, Element, Kind, agree, kind_of
from assetwatch.delivery.counts import Count
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.kept import Found, encode, scheduled_of
from assetwatch.delivery.match import Match, Rule, RuleIndex
from assetwatch.delivery.spec import Spec
from assetwatch.delivery.status import Linked, Proof, Role
from assetwatch.delivery.versions import Candidate, choose_versions
from assetwatch.model import Integrity, Presence
from assetwatch.units import instant, microseconds

#: A deliverable is compared again after this many times the time that it last took: one of 100,000 files that arrive
#: one by one must not keep the loop from everything else.
_REST_FACTOR = 10.0

#: Seconds that one round may take.
_ROUND_S = 0.5

#: Wrong files of one folder or sequence that are told one by one.
_TOLD_MAX = 50

#: Who made a link by rule.
_BY_RULE = "schedule"

_REEL = re.compile(r"(?<![A-Za-z0-9])R(?:eel)?[ _-]?0*([1-9][0-9]?)(?![0-9A-Za-z])", re.IGNORECASE)

#: Words in a deliverable's kind that say that its elements are of one program, and have to agree.
_AGREEING = ("turnover", "mix", "stem", "master", "caption", "subtitle")


#: Whose a rule is: an item's id, and which of its patterns.
_Key = tuple[int, str]


class _Hit(NamedTuple):
    """A thing that a pattern took, or that a person linked (`match` is None)."""

    thing: Thing
    match: Match | None


class Linker:
    """Compares stale deliverables with the catalog. One for a loop; remembers only how long each took."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rest_until: dict[int, float] = {}

    def link(self, limit: int = 100) -> int:
        """Compare up to `limit` stale deliverables; how many were."""
        started = self._clock.monotonic()
        self._rest_until = {one: until for one, until in self._rest_until.items() if until > started}
        with self._database.read() as connection:
            waiting = rows.stale(connection, limit + len(self._rest_until))
        wanted = [row for row in waiting if row.id not in self._rest_until][:limit]
        done = 0
        for row in wanted:
            began = self._clock.monotonic()
            compare(self._database, [row], self._clock.now())
            ended = self._clock.monotonic()
            done += 1
            if ended - began > 0.02:
                self._rest_until[row.id] = ended + _REST_FACTOR * (ended - began)
            if ended - started > _ROUND_S:
                break
        return done

    def next_wake(self) -> float | None:
        """When (monotonic seconds) a deliverable that rests may be compared again."""
        return min(self._rest_until.values(), default=None)


def bring_up_to_date(database: Database, clock: Clock, batch: int = 500) -> int:
    """Compare everything that is stale, at once, as a command needs it; how many deliverables were."""
    done = 0
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


def compare(database: Database, stale: Sequence[DeliverableRow], now: datetime) -> None:
    """Link what the rules of these deliverables take, end links that hold no more, and keep what the checks say.

    Between two short writes nobody is kept from the catalog.
    """
    with database.write() as connection:
        rows.claim(connection, [row.id for row in stale])
    with database.read() as connection:
        outcomes = _compared(connection, stale)
    now_us = microseconds(now)
    with database.write() as connection:
        links = rows.links_of(connection, [row.id for row in stale])
        for one in outcomes:
            for item_id, taken in one.taken.items():
                _relink(connection, one.deliverable_id, item_id, taken, links.get(item_id, []), now_us)
            found = {item_id: encode(said).decode() for item_id, said in one.found.items()}
            rows.set_found(connection, one.deliverable_id, encode(one.agreement).decode(), found)


def _compared(connection: Connection, stale: Sequence[DeliverableRow]) -> list[_Outcome]:
    ids = [row.id for row in stale]
    items = rows.items_of(connection, ids)
    links = rows.links_of(connection, ids)
    decisions = rows.decisions_of(connection, ids)
    scheduled = {row.id: scheduled_of(row, items.get(row.id, [])) for row in stale}
    rules: list[tuple[_Key, Rule]] = []
    whole: set[_Key] = set()
    for row in stale:
        for item_row, item in zip(items.get(row.id, []), scheduled[row.id].items, strict=True):
            for what, pattern in (("match", item.match), ("timeline", item.timeline)):
                if pattern:
                    rules.append(((item_row.id, what), Rule.compile(as_path(pattern))))
            if is_folder(item):
                whole.add((item_row.id, "match"))
    hits = _hits(connection, rules, whole)
    by_hand = things.by_asset(connection, {one.asset for some in links.values() for one in some if one.how == "hand"})
    names = volumes.names(connection)
    outcomes: list[_Outcome] = []
    for row in stale:
        one = _Comparison(connection, scheduled[row.id], names, _rejected(decisions.get(row.id, [])))
        found: dict[int, Found] = {}
        taken: dict[int, list[tuple[Thing, Role]]] = {}
        for item_row, item in zip(items.get(row.id, []), one.scheduled.items, strict=True):
            mine = [*hits.get((item_row.id, "match"), []), *hits.get((item_row.id, "timeline"), [])]
            found[item_row.id], taken[item_row.id] = one.item(item, mine, links.get(item_row.id, []), by_hand)
        outcomes.append(_Outcome(row.id, one.agreement(), found, taken))
    return outcomes


def is_folder(item: s.Item) -> bool:
    """Whether an item's things are whole folders: camera rolls, packages."""
    return bool(item.match) and (item.asset == "folder" or (item.match.endswith("/") and not item.asset))


def as_path(pattern: str) -> str:
    """A pattern for folders as one for their paths: without the slash at its end."""
    return pattern[:-1] if pattern.endswith("/") and not pattern.startswith("re:") else pattern


def _hits(connection: Connection, rules: Sequence[tuple[_Key, Rule]], by_folder: set[_Key]) -> dict[_Key, list[_Hit]]:
    """What each rule takes; every folder that rules ask for is gone through once."""
    found: dict[_Key, list[_Hit]] = defaultdict(list)
    plain = [(key, rule) for key, rule in rules if key not in by_folder]
    index = RuleIndex(plain)
    for root in outermost(rule.folder for _, rule in plain):
        for thing in things.below_folder(connection, root):
            taken = index.fits_sequence(thing.path, thing.first) if thing.frames else index.fits(thing.path)
            for key, match in taken:
                found[key].append(_Hit(thing, match))
    folders = [(key, rule) for key, rule in rules if key in by_folder]
    index = RuleIndex(folders)
    for root in outermost(rule.folder for _, rule in folders):
        for _, volume_id, path in things.folders_below(connection, root):
            for key, match in index.fits(path):
                whole = things.whole_folder(connection, volume_id, path)
                if whole is not None:
                    found[key].append(_Hit(whole, match))
    return found


def reel_of(scheduled: s.Deliverable) -> int | None:
    """The reel of a cut that a deliverable is about: as the schedule says, or by its id or name."""
    said = scheduled.agree.get("reel")
    if said is not None:
        return int(said)
    named = _REEL.search(f"{scheduled.id} {scheduled.name}")
    return None if named is None else int(named[1])


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


def outermost(folders: Iterable[str]) -> list[str]:
    """Of these folders those that lie in none of the others."""
    found: list[str] = []
    for folder in sorted(set(folders), key=lambda path: (path.count("/"), path)):
        if not any(not known or folder == known or folder.startswith(known + "/") for known in found):
            found.append(folder)
    return found


def _rejected(decisions: Sequence[rows.DecisionRow]) -> dict[str, datetime]:
    """Digests that a person rejected, and when first."""
    found: dict[str, datetime] = {}
    for one in decisions:
        if one.word == "reject":
            for _, _, _, digest in msgspec.json.decode(one.contents):
                if digest is not None:
                    found.setdefault(digest, instant(one.at_us))
    return found


class _Comparison:
    """One deliverable while it is compared."""

    def __init__(
        self, connection: Connection, scheduled: s.Deliverable, names: Mapping[int, str], rejected: dict[str, datetime]
    ) -> None:
        self.scheduled = scheduled
        self._connection = connection
        self._names = names
        self._rejected = rejected
        self._elements: list[Element] = []

    def item(
        self, item: s.Item, hits: Sequence[_Hit], links: Sequence[LinkRow], by_hand: Mapping[str, Thing]
    ) -> tuple[Found, list[tuple[Thing, Role]]]:
        """What is found of one item, and the things that were taken for it."""
        refused = {one.asset for one in links if one.how == "never"}
        hand = {one.asset for one in links if one.how == "hand"}
        wanted: dict[str, _Hit] = {}
        for hit in hits:
            if hit.thing.asset not in refused and self._may_be(item, hit.thing):
                wanted.setdefault(hit.thing.asset, hit)
        wanted.update({asset: _Hit(by_hand[asset], None) for asset in sorted(hand) if asset in by_hand})
        facts = things.facts_of(self._connection, [v for hit in wanted.values() for v in _probed(hit.thing)])
        if item.media:
            wanted = {
                asset: hit
                for asset, hit in wanted.items()
                if asset in hand or _conforms(Spec.compile(item.media), hit.thing, facts)
            }
        count = Count.parse(item.count)
        roles = self._roles(wanted, count)
        spec = Spec.compile(item.spec) if item.spec else None
        linked: list[Linked] = []
        findings: list[Finding] = []
        for asset, hit in wanted.items():
            role = roles[asset]
            linked.append(self._linked(hit, role, count, spec, facts))
            if role in (Role.CURRENT, Role.CONFLICT) and not hit.thing.frames and hit.thing.asset[0] == "f":
                self._remember(hit.thing, facts.get(hit.thing.content))
            if role in (Role.CURRENT, Role.CONFLICT):
                findings += self._by_file(hit.thing)
        taken = [(hit.thing, roles[asset]) for asset, hit in wanted.items()]
        return Found(tuple(linked), tuple(findings)), taken

    def agreement(self) -> tuple[Finding, ...]:
        """What comparing the elements with each other gives; nothing where they need not agree."""
        asked = dict(self.scheduled.agree)
        kind = self.scheduled.kind.lower()
        if not asked.get("check", any(word in kind for word in _AGREEING)):
            return ()
        rate = asked.get("frame_rate")
        reel = reel_of(self.scheduled)
        return agree(
            self._elements,
            Asked(
                frame_rate=None if rate is None else Fraction(str(rate)),
                reel=reel,
                by_the_hour=bool(asked.get("by_the_hour", True)),
                sample_rate=int(asked.get("sample_rate", 48000)),
            ),
        )

    def _may_be(self, item: s.Item, thing: Thing) -> bool:
        if self.scheduled.volume and self._names.get(thing.volume_id) != self.scheduled.volume:
            return False
        return item.asset != "file" or thing.asset[0] == "f" if item.asset != "sequence" else thing.asset[0] == "s"

    def _roles(self, wanted: Mapping[str, _Hit], count: Count) -> dict[str, Role]:
        """What every thing is to the item."""
        digests_matter = bool(self._rejected) or len(wanted) > 1
        candidates: dict[str, Candidate] = {}
        roles: dict[str, Role] = {}
        for asset, hit in wanted.items():
            if hit.thing.presence == Presence.MISSING.value:
                continue
            candidates[asset] = Candidate(
                id=hit.thing.content,
                path=asset,
                slot=_slot(hit, count),
                version=hit.match.version if hit.match is not None else None,
                digest=things.digest_of(self._connection, hit.thing) if digests_matter else None,
                size=hit.thing.size,
                arrived=instant(hit.thing.arrived_us),
            )
        chosen = choose_versions(candidates.values(), self._rejected)
        for group, role in (
            (chosen.current, Role.CURRENT),
            (chosen.superseded, Role.SUPERSEDED),
            (chosen.stale_arrivals, Role.STALE),
            (chosen.sent_again, Role.SENT_AGAIN),
            (chosen.copies, Role.COPY),
        ):
            roles.update({one.path: role for one in group})
        roles.update({one.path: Role.CONFLICT for group in chosen.conflicts for one in group})
        filled = {candidates[one.path].slot for one in chosen.current}
        for asset, hit in wanted.items():
            if asset not in roles:  # gone: it stands for itself only where nothing else came in its place
                roles[asset] = Role.SUPERSEDED if _slot(hit, count) in filled else Role.CURRENT
        return roles

    def _linked(
        self, hit: _Hit, role: Role, count: Count, spec: Spec | None, facts: Mapping[int, dict[str, Any]]
    ) -> Linked:
        thing = hit.thing
        path = self._path(thing)
        proofs = {Proof.MANIFEST} if thing.proved else set()
        if thing.read_again:
            proofs.add(Proof.REREAD)
        per = hit.match.names.get(count.per) if hit.match is not None and count.per is not None else None
        return Linked(
            version_id=thing.content,
            path=path,
            presence=Presence(thing.presence),
            integrity=Integrity(thing.integrity),
            arrived=instant(thing.arrived_us),
            role=role,
            proofs=frozenset(proofs),
            spec=None if spec is None else _checked(spec, thing, facts, path),
            incomplete=thing.incomplete,
            name=per,
            slot=_slot(hit, count),
            integrity_at=None if thing.wrong_us is None else instant(thing.wrong_us),
        )

    def _path(self, thing: Thing) -> str:
        return f"{self._names.get(thing.volume_id, '')}:{thing.path}"

    def _by_file(self, thing: Thing) -> list[Finding]:
        """Of a folder or sequence, which of its files are wrong or not here, the first of them by name."""
        if thing.asset[0] == "f" or not (thing.incomplete or thing.wrong_us is not None):
            return []
        name = self._names.get(thing.volume_id, "")
        found = []
        for path, state in things.wrong_files(self._connection, thing, _TOLD_MAX):
            wrong = state in (Integrity.MISMATCH, Integrity.UNREADABLE)
            observed = {"mismatch": "other bytes", "unreadable": "not readable"}.get(state, "not here")
            rule, expected = ("integrity", "the bytes that were sent") if wrong else ("complete", "every listed file")
            found.append(Finding(rule, Outcome.FAIL, expected, observed, f"{name}:{path}", notice=not wrong))
        return found

    def _remember(self, thing: Thing, facts: dict[str, Any] | None) -> None:
        """Keep a file as an element that has to agree with the others."""
        kind = kind_of(thing.path, facts)
        if kind is not None and kind is not Kind.TIMELINE:
            self._elements.append(Element(self._path(thing), kind, facts))


def _slot(hit: _Hit, count: Count) -> tuple[str, ...]:
    return hit.match.slot(count.several) if hit.match is not None else ("by hand", hit.thing.asset)


def _probed(thing: Thing) -> Iterable[int]:
    """The versions whose media facts stand for a thing."""
    return thing.versions if thing.asset[0] in "fs" else ()


def _checked(spec: Spec, thing: Thing, facts: Mapping[int, dict[str, Any]], path: str) -> tuple[Finding, ...] | None:
    """What a spec gives for a thing; None where its media were not read yet."""
    if thing.asset[0] == "f":
        known = facts.get(thing.content)
        return spec.check(known, path) if known is not None else spec.check(None, path)
    known_frames = [(f"{path}", facts[version]) for version in thing.versions if version in facts]
    return spec.check_sequence(known_frames, path) if known_frames else None


def _conforms(spec: Spec, thing: Thing, facts: Mapping[int, dict[str, Any]]) -> bool:
    """Whether a thing is of the kind that an item may take, by its media."""
    found = _checked(spec, thing, facts, thing.path)
    return bool(found) and all(one.outcome is Outcome.PASS for one in found or ())


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
