"""What do the lists of an item need, cuts and pull lists, and what in the catalog stands for it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from assetwatch.catalog import things
from assetwatch.catalog.things import Thing
from assetwatch.delivery import cut_changes, plates
from assetwatch.delivery.agreement import Kind, kind_of
from assetwatch.delivery.cut_sources import label_of
from assetwatch.delivery.cuts import Pool, names_in, sources_of, timeline_of
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.held import bytes_of
from assetwatch.delivery.plates import Plate
from assetwatch.media.timelines import tc
from assetwatch.media.timelines.pulls import Pull, read_pulls
from assetwatch.media.timelines.values import Timeline, TimelineFault
from assetwatch.model import Presence

#: Endings of lists that name sources and are no cut: a log, and an edit list under a plainer name.
_LOGS = frozenset({"ale", "txt"})

#: How a thing is called in what is told: `volume:path`.
Called = Callable[[Thing], str]


@dataclass(slots=True)
class Needed:
    """What lists need: `names` of all of it, `here` what stands for a name, `lacking` what that is short of."""

    names: dict[str, None] = field(default_factory=dict)
    here: dict[str, Thing] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lists:
    """Reads the lists of one deliverable. `rate` and `handles` are what its schedule says."""

    connection: Connection
    pool: Pool
    called: Called
    rate: Fraction | None
    handles: int

    def expect(self, cuts: Iterable[Thing], pulls: Iterable[Thing]) -> None:
        """Say which names will be looked for all over the catalog, so that it is gone through once."""
        for thing in cuts:
            timeline = self._cut(thing)
            if timeline is not None:
                self.pool.expect(names_in(timeline))
        for thing in pulls:
            self.pool.expect(plates.plate_name(plates.called(pull)) for pull in self._pulls(thing))

    def _cut(self, thing: Thing) -> Timeline | None:
        """The cut that a file is; None for what is none by its name, or cannot be read."""
        ending = thing.path.rpartition(".")[2].lower()
        if kind_of(thing.path, None) is not Kind.TIMELINE and ending not in _LOGS:
            return None
        return timeline_of(self.connection, thing, self.rate)

    def _pulls(self, thing: Thing) -> tuple[Pull, ...]:
        raw = bytes_of(self.connection, thing)
        try:
            return read_pulls(raw, self.called(thing), frame_rate=self.rate) if raw is not None else ()
        except TimelineFault:
            return ()

    def of_cuts(self, taken: Sequence[Thing]) -> Needed:
        """The sources that cut lists name."""
        needed = Needed()
        for thing in taken:
            if kind_of(thing.path, None) is not Kind.TIMELINE and thing.path.rpartition(".")[2].lower() not in _LOGS:
                continue
            path = self.called(thing)
            timeline = timeline_of(self.connection, thing, self.rate)
            if timeline is None:
                needed.findings.append(Finding("readable", Outcome.UNKNOWN, "a cut list", "could not be read", path))
                continue
            report, there = sources_of(self.pool, self.connection, timeline, self.handles)
            by_reel = report.missing_by_reel().values()
            needed.names |= dict.fromkeys(label_of(source) for sources in by_reel for source in sources)
            for one in report.found:
                name = label_of(one.source)
                needed.names[name] = None
                needed.here.setdefault(name, there[one.clips[0].path])
            needed.findings += [
                replace(one, path=self.called(there[one.path]) if one.path in there else one.path)
                for one in report.findings(path)
            ]
        return needed

    def of_pulls(self, taken: Sequence[Thing], offered: Sequence[Thing] | None) -> Needed:
        """The plates that pull lists ask for; among what is `offered`, or anywhere in the catalog."""
        needed = Needed()
        for thing in taken:
            path = self.called(thing)
            pulls = self._pulls(thing)
            if not pulls:
                found = Finding("readable", Outcome.UNKNOWN, "a pull list", "no plate could be read from it", path)
                needed.findings.append(found)
                continue
            there = self._plates(offered, [plates.called(pull) for pull in pulls])
            for one in plates.held_against(pulls, [plate for plate, _ in there.values()], self.handles):
                name = plates.label_of(one.pull)
                needed.names[name] = None
                if one.plate is None:
                    continue
                needed.here[name] = offer = there[one.plate.path][1]
                if one.lacking:
                    needed.lacking[name] = f"{things.frames_text(one.lacking)} missing"
                elif offer.presence == Presence.PRESENT.value and offer.incomplete is None:
                    needed.findings += one.findings
        return needed

    def _plates(self, offered: Sequence[Thing] | None, names: Sequence[str]) -> dict[str, tuple[Plate, Thing]]:
        """Sequences that may be plates, by what they are called."""
        some = self.pool.called(map(plates.plate_name, names)) if offered is None else offered
        sequences = [thing for thing in some if thing.frames is not None]
        facts = things.facts_of(self.connection, [thing.versions[0] for thing in sequences])
        found: dict[str, tuple[Plate, Thing]] = {}
        for thing in sequences:
            said = facts.get(thing.versions[0])
            first, last = thing.frames or (0, 0)
            found[self.called(thing)] = (
                Plate(
                    path=self.called(thing),
                    first=first,
                    last=last,
                    missing=thing.missing,
                    start=(said or {}).get("start_timecode"),
                    base=_base(said),
                ),
                thing,
            )
        return found

    def changes(self, newer: Thing, older: Thing) -> tuple[Finding, ...]:
        """What a newer version of a cut changed against an older one; nothing where one of them cannot be read."""
        new, old = (timeline_of(self.connection, thing, self.rate) for thing in (newer, older))
        if new is None or old is None or not new.events or not old.events:
            return ()
        return cut_changes.findings(old, self.called(older), new, self.called(newer))


def _base(facts: Mapping[str, Any] | None) -> int | None:
    """Frames a second that the timecode of an image counts, as far as it is said."""
    if facts is None:
        return None
    rates = [(facts.get("other") or {}).get("timecode_rate"), *(track.get("frame_rate") for track in facts["video"])]
    rate = next((exact for text in rates if text and (exact := tc.exact_rate(str(text))) is not None), None)
    return None if rate is None else tc.nominal(rate)
