"""What is there for one deliverable, which of it fulfils, and what do the checks say of it? Nothing here writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from assetwatch.catalog import things
from assetwatch.catalog.arrived import Arrivals
from assetwatch.catalog.deliverables import LinkRow
from assetwatch.catalog.things import Thing
from assetwatch.delivery import schedule as s
from assetwatch.delivery.agreement import Asked, Element, Kind, agree, kind_of, picture_rate
from assetwatch.delivery.counts import Count
from assetwatch.delivery.cuts import Pool, timeline_of
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.held import bytes_of
from assetwatch.delivery.hits import Hit
from assetwatch.delivery.kept import Found
from assetwatch.delivery.lists import Lists, Needed
from assetwatch.delivery.requirement import Requirement
from assetwatch.delivery.shoot import shoot_of
from assetwatch.delivery.status import SPOILED, Linked, Proof, Role
from assetwatch.delivery.versions import Candidate, choose_versions, version_key
from assetwatch.media.captions import span_of
from assetwatch.media.fields import Condition, all_hold, text_of
from assetwatch.media.sequences import format_ranges
from assetwatch.model import Integrity, Presence
from assetwatch.units import instant

_PICTURES = (".mov", ".mxf", ".mp4", ".mkv", ".avi")

#: Pictures that are asked for the rate at which the lists beside them count.
_ASKED_MAX = 8

#: Of plates every name is a thing of its own, with its own versions.
_MANY = Count.parse("any")

#: Wrong files of one folder or sequence that are told one by one.
_TOLD_MAX = 50

_REEL = re.compile(r"(?<![A-Za-z0-9])R(?:eel)?[ _-]?0*([1-9][0-9]?)(?![0-9A-Za-z])", re.IGNORECASE)

_NO_FACTS: dict[str, Any] = {"video": [], "audio": [], "other": {}}


def reel_of(scheduled: s.Deliverable) -> int | None:
    """The reel of a cut that a deliverable is about: as the schedule says, or by its id or name."""
    said = scheduled.agree.get("reel")
    if said is not None:
        return int(said)
    named = _REEL.search(f"{scheduled.id} {scheduled.name}")
    return None if named is None else int(named[1])


class Comparison:
    """One deliverable while it is compared."""

    def __init__(
        self,
        connection: Connection,
        scheduled: s.Deliverable,
        names: Mapping[int, str],
        rejected: dict[str, datetime],
        pool: Pool,
        arrivals: Arrivals,
        hits: Mapping[str, Sequence[Hit]],
    ) -> None:
        """`hits` are the things that the patterns of its items took, by item."""
        self.scheduled = scheduled
        self._connection = connection
        self._names = names
        self._rejected = rejected
        self._arrivals = arrivals
        self._elements: list[Element] = []
        self._cuts: list[Thing] = []
        self._current: list[Thing] = []
        self._shots = scheduled.shot_pattern or None
        self._lists = Lists(connection, pool, self._path, self._rate(hits), int(scheduled.agree.get("handles", 0)))

    def item(
        self, item: s.Item, hits: Sequence[Hit], links: Sequence[LinkRow], by_hand: Mapping[str, Thing]
    ) -> tuple[Found, list[tuple[Thing, Role]]]:
        """What is found of one item, and the things that were taken for it."""
        refused = {one.asset for one in links if one.how == "never"}
        hand = {one.asset for one in links if one.how == "hand"}
        wanted: dict[str, Hit] = {}
        for hit in hits:
            if hit.thing.asset not in refused and self._may_be(item, hit.thing):
                wanted.setdefault(hit.thing.asset, hit)
        wanted.update({asset: Hit(by_hand[asset], None) for asset in sorted(hand) if asset in by_hand})
        facts = things.facts_of(self._connection, [v for hit in wanted.values() for v in _probed(hit.thing)])
        if item.media:
            wanted = {
                asset: hit
                for asset, hit in wanted.items()
                if asset in hand or self._conforms(Requirement.compile(item.media), hit.thing, facts)
            }
        count = Count.parse(item.count)
        listed = {asset: hit for asset, hit in wanted.items() if not _is_offered(item, hit)}
        plates = {asset: hit for asset, hit in wanted.items() if asset not in listed}
        roles = self._roles(listed, count) | self._roles(plates, _MANY)
        spec = Requirement.compile(item.spec) if item.spec else None
        linked: list[Linked] = []
        findings: list[Finding] = []
        for asset, hit in wanted.items():
            role = roles[asset]
            one = self._linked(hit, role, count, spec, facts)
            linked.append(replace(one, spec=()) if item.pulls and asset in listed else one)
            if role in (Role.CURRENT, Role.CONFLICT) and hit.thing.asset[0] == "f" and not item.pulls:
                self._remember(hit.thing, facts.get(hit.thing.content))
            if role in (Role.CURRENT, Role.CONFLICT):
                findings += self._by_file(hit.thing)
                self._current.append(hit.thing)
        taken = [(hit.thing, roles[asset]) for asset, hit in wanted.items()]
        findings += self._changes(wanted, roles, count)
        if not (item.timeline or item.pulls):
            return Found(tuple(linked), tuple(findings)), taken
        needed = self._needed(item, wanted, roles)
        findings += needed.findings
        lists = [one for one, hit in zip(linked, wanted.values(), strict=True) if not _is_offered(item, hit)]
        standing = {name: thing for name, thing in needed.here.items() if thing.asset not in refused}
        sources = [self._stands_for(name, thing, needed, spec) for name, thing in standing.items()]
        used = {thing.asset for thing in standing.values()}
        more = [
            one
            for one, hit in zip(linked, wanted.values(), strict=True)
            if _is_offered(item, hit) and hit.thing.asset not in used
        ]
        linked = [
            *(replace(one, name=item.name) for one in lists),
            *sources,
            *(replace(one, name=one.path) for one in more),
        ]
        names = tuple(dict.fromkeys((item.name, *needed.names)))
        known = {thing.asset for thing, _ in taken}
        taken += [
            (thing, Role.SOURCE)
            for thing in {one.asset: one for one in standing.values()}.values()
            if thing.asset not in known
        ]
        return Found(tuple(linked), tuple(findings), names if len(names) > 1 else ()), taken

    def _needed(self, item: s.Item, wanted: Mapping[str, Hit], roles: Mapping[str, Role]) -> Needed:
        """What the lists of an item need."""
        current = [hit for asset, hit in wanted.items() if roles[asset] in (Role.CURRENT, Role.CONFLICT)]
        if item.timeline:
            return self._lists.of_cuts([hit.thing for hit in current])
        offered = [hit.thing for hit in current if _is_offered(item, hit)] if item.match else None
        return self._lists.of_pulls([hit.thing for hit in current if not _is_offered(item, hit)], offered)

    def _stands_for(self, name: str, thing: Thing, needed: Needed, spec: Requirement | None) -> Linked:
        """A thing that a list needs. The spec of an item with a cut is about the cut, and with a pull about plates."""
        asked = spec if thing.frames is not None else None
        facts = things.facts_of(self._connection, thing.versions) if asked is not None else {}
        found = self._linked(Hit(thing, None), Role.CURRENT, Count(), asked, facts, name)
        conforms = found.spec if asked is not None else ()
        return replace(found, spec=conforms, incomplete=needed.lacking.get(name, found.incomplete))

    def _changes(self, wanted: Mapping[str, Hit], roles: Mapping[str, Role], count: Count) -> list[Finding]:
        """What the current version of each cut changed against the newest of those that it supersedes."""
        cuts = [(asset, hit) for asset, hit in wanted.items() if kind_of(hit.thing.path, None) is Kind.TIMELINE]
        older: dict[tuple[str, ...], list[Hit]] = defaultdict(list)
        for asset, hit in cuts:
            if roles[asset] is Role.SUPERSEDED and hit.thing.presence == Presence.PRESENT.value:
                older[(*_slot(hit, count), _ending(hit))].append(hit)
        found: list[Finding] = []
        for asset, hit in cuts:
            before = older.get((*_slot(hit, count), _ending(hit))) if roles[asset] is Role.CURRENT else None
            if before:
                last = max(before, key=lambda one: version_key((one.match and one.match.version) or ""))
                found += self._lists.changes(hit.thing, last.thing)
        return found

    def expect(self, hits: Mapping[str, Sequence[Hit]]) -> None:
        """Say which names the lists among these hits will have looked for all over the catalog."""
        for item in self.scheduled.items:
            some = [hit.thing for hit in hits.get(item.name, ()) if not _is_offered(item, hit)]
            if item.timeline:
                self._lists.expect(some, ())
            elif item.pulls and not item.match:
                self._lists.expect((), some)

    def _rate(self, hits: Mapping[str, Sequence[Hit]]) -> Fraction | None:
        """The show's frame rate, by the schedule, else by a picture that came: an edit list tells none."""
        said = self.scheduled.agree.get("frame_rate")
        said = said or next((r for one in self.scheduled.items if (r := one.spec.get("video.frame_rate"))), None)
        if said is not None:
            try:
                return Fraction(str(said))
            except (ValueError, ZeroDivisionError):
                pass  # a choice of rates
        offered = [hit.thing for some in hits.values() for hit in some]
        pictures = [one for one in offered if one.path.lower().endswith(_PICTURES) and not one.incomplete]
        latest = sorted(pictures, key=lambda one: -one.arrived_us)[:_ASKED_MAX]
        facts = things.facts_of(self._connection, [one.content for one in latest])
        known = (Element(one.path, Kind.PICTURE, facts.get(one.content)) for one in latest)
        return next(filter(None, map(picture_rate, known)), None)

    def together(self) -> tuple[Finding, ...]:
        """What all that is current gives together: what does not agree, and of footage what is missing."""
        if not self.scheduled.of_footage:
            return self._agreement()
        found = shoot_of(self._connection, self._current, self._path).findings()
        with_sound = any("sound" in f"{item.name} {item.match}".lower() for item in self.scheduled.items)
        return (*self._agreement(), *(one for one in found if with_sound or one.rule != "day_sound"))

    def _agreement(self) -> tuple[Finding, ...]:
        """What comparing the elements with each other gives; nothing where they need not agree."""
        asked = self.scheduled.agree
        if not self.scheduled.agrees:
            return ()
        rate = asked.get("frame_rate")
        reel = reel_of(self.scheduled)
        cuts = [
            Element(self._path(cut), Kind.TIMELINE, None, timeline_of(self._connection, cut, self._lists.rate))
            for cut in self._cuts
        ]
        return agree(
            [*self._elements, *cuts],
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
        if item.where and not all_hold(_conditions(item), thing.path, self._shots):
            return False
        return item.asset != "file" or thing.asset[0] == "f" if item.asset != "sequence" else thing.asset[0] == "s"

    def _roles(self, wanted: Mapping[str, Hit], count: Count) -> dict[str, Role]:
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
                arrived=instant(hit.thing.seen_us or hit.thing.arrived_us),
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
        self,
        hit: Hit,
        role: Role,
        count: Count,
        spec: Requirement | None,
        facts: Mapping[int, dict[str, Any]],
        name: str | None = None,
    ) -> Linked:
        thing = hit.thing
        path = self._path(thing)
        proofs = {Proof.MANIFEST} if thing.proved else set()
        if thing.read_again:
            proofs.add(Proof.REREAD)
        per = None
        if hit.match is not None and count.per is not None:
            per = hit.match.names.get(count.per) or text_of(thing.path, count.per, self._shots)
        return Linked(
            version_id=thing.content,
            path=path,
            presence=Presence(thing.presence),
            integrity=Integrity(thing.integrity),
            arrived=instant(self._arrivals.of(thing)),
            role=role,
            proofs=frozenset(proofs),
            spec=None if spec is None else self._checked(spec, thing, facts, path),
            incomplete=_lacking(hit),
            name=name or per,
            slot=_slot(hit, count),
            integrity_at=None if thing.wrong_us is None else instant(thing.wrong_us),
            archived=thing.archived,
            spoiled=thing.spoiled,
        )

    def _path(self, thing: Thing) -> str:
        return f"{self._names.get(thing.volume_id, '')}:{thing.path}"

    def _checked(
        self, spec: Requirement, thing: Thing, facts: Mapping[int, dict[str, Any]], path: str
    ) -> tuple[Finding, ...] | None:
        """What a spec gives for a thing; None where its media were not read yet."""
        versions = [version for version in _probed(thing) if version in facts]
        said = things.answers_of(self._connection, versions) if spec.policies else {}
        if thing.asset[0] == "f":
            return spec.check(facts.get(thing.content), path, said.get(thing.content, ()))
        if not versions:
            return None
        known = [(path, facts[version], said.get(version, ())) for version in versions]
        found = spec.check_sequence(known, path)
        if any(one.failed for one in found):  # then the frames matter that deviate
            name = self._names.get(thing.volume_id, "")
            paths = things.paths_of(self._connection, versions)
            known = [(f"{name}:{paths.get(v, thing.path)}", facts[v], said.get(v, ())) for v in versions]
            found = spec.check_sequence(known, path)
        return found

    def _conforms(self, spec: Requirement, thing: Thing, facts: Mapping[int, dict[str, Any]]) -> bool:
        """Whether a thing is of the kind that an item may take, by its media."""
        found = self._checked(spec, thing, facts, thing.path)
        return bool(found) and all(one.outcome is Outcome.PASS for one in found or ())

    def _by_file(self, thing: Thing) -> list[Finding]:
        """Of a folder or sequence, which of its files are wrong or not here, the first of them by name."""
        if thing.asset[0] == "f" or not (thing.incomplete or thing.wrong_us is not None):
            return []
        name = self._names.get(thing.volume_id, "")
        found = []
        for path, state in things.wrong_files(self._connection, thing, _TOLD_MAX):
            said = {"mismatch": "other bytes", "spoiled": SPOILED, "unreadable": "not readable"}
            wrong, observed = state in said, said.get(state, "not here")
            rule, expected = ("integrity", "the bytes that were sent") if wrong else ("complete", "every listed file")
            found.append(Finding(rule, Outcome.FAIL, expected, observed, f"{name}:{path}", notice=not wrong))
        return found

    def _remember(self, thing: Thing, facts: dict[str, Any] | None) -> None:
        """Keep a file as an element that has to agree with the others."""
        kind = kind_of(thing.path, facts)
        if kind is Kind.TIMELINE and self.scheduled.agrees:
            self._cuts.append(thing)
        elif kind is Kind.CAPTIONS and self.scheduled.agrees:
            raw = bytes_of(self._connection, thing)
            span = None if raw is None else span_of(raw, thing.path)
            self._elements.append(Element(self._path(thing), kind, facts or (_NO_FACTS if span else None), span=span))
        elif kind is not None and kind is not Kind.TIMELINE:
            self._elements.append(Element(self._path(thing), kind, facts))


def _is_offered(item: s.Item, hit: Hit) -> bool:
    """Whether a thing is offered to a pull list as a plate, and is not the list."""
    return bool(item.pulls) and hit.thing.frames is not None and hit.what == "match"


def _ending(hit: Hit) -> str:
    return hit.thing.path.rpartition(".")[2].lower()


def _lacking(hit: Hit) -> str | None:
    """What a thing is short of: its own gaps, and frames that its pattern expects at the ends."""
    thing = hit.thing
    if hit.frames is None or thing.frames is None:
        return thing.incomplete
    first, last = hit.frames
    here = range(thing.frames[0], thing.frames[1] + 1)
    ends = [*range(first, min(here[0], last + 1)), *range(max(here[-1] + 1, first), last + 1)]
    if not ends:
        return thing.incomplete
    said = f"{things.frames_text(format_ranges(ends))} missing of {first}-{last}"
    return f"{thing.incomplete}, {said}" if thing.incomplete else said


def _slot(hit: Hit, count: Count) -> tuple[str, ...]:
    return hit.match.slot(count.several) if hit.match is not None else ("by hand", hit.thing.asset)


def _conditions(item: s.Item) -> list[Condition]:
    texts = (name + (wanted if wanted.startswith("!=") else f"={wanted}") for name, wanted in item.where.items())
    return [Condition.parse(text) for text in texts]


def _probed(thing: Thing) -> Iterable[int]:
    """The versions whose media facts stand for a thing."""
    return thing.versions if thing.asset[0] in "fs" else ()
