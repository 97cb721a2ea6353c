"""What is there for one deliverable, which of it fulfils, and what do the checks say of it? Nothing here writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection

from assetwatch.catalog import things
from assetwatch.catalog.deliverables import LinkRow
from assetwatch.catalog.things import Thing
from assetwatch.delivery import schedule as s
from assetwatch.delivery.agreement import Asked, Element, Kind, agree, kind_of
from assetwatch.delivery.counts import Count
from assetwatch.delivery.cut_sources import label_of
from assetwatch.delivery.cuts import sources_of, timeline_of
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.kept import Found
from assetwatch.delivery.match import Match, Rule, RuleIndex
from assetwatch.delivery.spec import Spec
from assetwatch.delivery.status import Linked, Proof, Role
from assetwatch.delivery.versions import Candidate, choose_versions
from assetwatch.model import Integrity, Presence
from assetwatch.units import instant

#: Wrong files of one folder or sequence that are told one by one.
_TOLD_MAX = 50

_REEL = re.compile(r"(?<![A-Za-z0-9])R(?:eel)?[ _-]?0*([1-9][0-9]?)(?![0-9A-Za-z])", re.IGNORECASE)

#: Words in a deliverable's kind that say that its elements are of one program, and have to agree.
_AGREEING = ("turnover", "mix", "stem", "master", "caption", "subtitle")


#: Whose a rule is: an item's id, and which of its patterns.
Key = tuple[int, str]


class Hit(NamedTuple):
    """A thing that a pattern took, or that a person linked (`match` is None)."""

    thing: Thing
    match: Match | None


def is_folder(item: s.Item) -> bool:
    """Whether an item's things are whole folders: camera rolls, packages."""
    return bool(item.match) and (item.asset == "folder" or (item.match.endswith("/") and not item.asset))


def as_path(pattern: str) -> str:
    """A pattern for folders as one for their paths: without the slash at its end."""
    return pattern[:-1] if pattern.endswith("/") and not pattern.startswith("re:") else pattern


def find_hits(connection: Connection, rules: Sequence[tuple[Key, Rule]], by_folder: set[Key]) -> dict[Key, list[Hit]]:
    """What each rule takes; every folder that rules ask for is gone through once."""
    found: dict[Key, list[Hit]] = defaultdict(list)
    plain = [(key, rule) for key, rule in rules if key not in by_folder]
    index = RuleIndex(plain)
    for root in outermost(rule.folder for _, rule in plain):
        for thing in things.below_folder(connection, root):
            taken = index.fits_sequence(thing.path, thing.first) if thing.frames else index.fits(thing.path)
            for key, match in taken:
                found[key].append(Hit(thing, match))
    folders = [(key, rule) for key, rule in rules if key in by_folder]
    index = RuleIndex(folders)
    for root in outermost(rule.folder for _, rule in folders):
        for _, volume_id, path in things.folders_below(connection, root):
            for key, match in index.fits(path):
                whole = things.whole_folder(connection, volume_id, path)
                if whole is not None:
                    found[key].append(Hit(whole, match))
    return found


def reel_of(scheduled: s.Deliverable) -> int | None:
    """The reel of a cut that a deliverable is about: as the schedule says, or by its id or name."""
    said = scheduled.agree.get("reel")
    if said is not None:
        return int(said)
    named = _REEL.search(f"{scheduled.id} {scheduled.name}")
    return None if named is None else int(named[1])


def outermost(folders: Iterable[str]) -> list[str]:
    """Of these folders those that lie in none of the others."""
    found: list[str] = []
    for folder in sorted(set(folders), key=lambda path: (path.count("/"), path)):
        if not any(not known or folder == known or folder.startswith(known + "/") for known in found):
            found.append(folder)
    return found


class Comparison:
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
        needed: tuple[str, ...] = ()
        if item.timeline:
            needed, sources, more = self._sources(item, taken)
            linked = [replace(one, name=item.name) for one in linked] + sources
            findings += more
        return Found(tuple(linked), tuple(findings), needed), taken

    def _sources(
        self, item: s.Item, taken: Sequence[tuple[Thing, Role]]
    ) -> tuple[tuple[str, ...], list[Linked], list[Finding]]:
        """What the cut lists of an item need: names, of each that is here what stands for it, and what is wrong."""
        needed = [item.name]
        linked: dict[str, Linked] = {}
        findings: list[Finding] = []
        for thing, role in taken:
            if role not in (Role.CURRENT, Role.CONFLICT) or kind_of(thing.path, None) is not Kind.TIMELINE:
                continue
            path = self._path(thing)
            timeline = timeline_of(self._connection, thing, self._rate())
            if timeline is None:
                findings.append(Finding("readable", Outcome.UNKNOWN, "a cut list", "could not be read", path))
                continue
            report, there = sources_of(self._connection, timeline, int(self.scheduled.agree.get("handles", 0)))
            needed += [label_of(source) for source in report.missing]
            for one in report.found:
                name = label_of(one.source)
                needed.append(name)
                clip = there[one.clips[0].path]
                linked.setdefault(name, self._linked(Hit(clip, None), Role.CURRENT, Count(), None, {}, name))
            findings += [
                replace(one, path=self._path(there[one.path]) if one.path in there else one.path)
                for one in report.findings(path)
                if one.rule != "source" or not one.notice
            ]
        return tuple(dict.fromkeys(needed)) if len(needed) > 1 else (), list(linked.values()), findings

    def _rate(self) -> Fraction | None:
        """The show's frame rate, as far as the schedule tells it."""
        said = self.scheduled.agree.get("frame_rate")
        said = said or next((r for one in self.scheduled.items if (r := one.spec.get("video.frame_rate"))), None)
        try:
            return None if said is None else Fraction(str(said))
        except (ValueError, ZeroDivisionError):
            return None  # a choice of rates

    def agreement(self) -> tuple[Finding, ...]:
        """What comparing the elements with each other gives; nothing where they need not agree."""
        asked = self.scheduled.agree
        if not self._agrees:
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

    @property
    def _agrees(self) -> bool:
        """Whether the elements are of one program and have to agree."""
        kind = self.scheduled.kind.lower()
        return bool(self.scheduled.agree.get("check", self.scheduled.agree or any(word in kind for word in _AGREEING)))

    def _may_be(self, item: s.Item, thing: Thing) -> bool:
        if self.scheduled.volume and self._names.get(thing.volume_id) != self.scheduled.volume:
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
        self,
        hit: Hit,
        role: Role,
        count: Count,
        spec: Spec | None,
        facts: Mapping[int, dict[str, Any]],
        name: str | None = None,
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
            name=name or per,
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
        if kind is Kind.TIMELINE and self._agrees:
            timeline = timeline_of(self._connection, thing, self._rate())
            self._elements.append(Element(self._path(thing), kind, None, timeline))
        elif kind is not None and kind is not Kind.TIMELINE:
            self._elements.append(Element(self._path(thing), kind, facts))


def _slot(hit: Hit, count: Count) -> tuple[str, ...]:
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
