"""What needs a person today, worst first, and how is all of it said in one sentence?"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from assetwatch.catalog.things import is_spoiled
from assetwatch.catalog.volumes import DERIVED_ALERTS, AlertRow
from assetwatch.paths import shown
from assetwatch.report.basics import Severity, Some
from assetwatch.report.coordinators import Deliverables, Owed
from assetwatch.report.engineers import DaemonState, Listed, Packages, Problem, Unsent, VolumeState
from assetwatch.report.value import Headline, Need
from assetwatch.units import counted, duration, instant, local_time, microseconds

#: Needs told of in all, and of one kind.
NEEDS: Final = 60
_OF_A_KIND: Final = 10

#: The sentence of a report fits the subject line of a phone.
SENTENCE: Final = 60

#: A file system with less room than this share is told of, and with less than the second it is wrong.
_NEARLY_FULL, _FULL = 0.05, 0.01

#: A volume that will be full within so many days is told of.
_FULL_SOON_DAYS: Final = 7

_TODAY: Final = timedelta(days=1)


class Standing(NamedTuple):
    """How things stand, as far as it may need a person."""

    faults: Sequence[str]
    unsent: Some[Unsent]
    alerts: Sequence[tuple[AlertRow, str | None]]  #: with the name of the volume that it is about
    deliverables: Deliverables
    packages: Packages
    problems: Some[Problem]
    by_problem: Sequence[tuple[str, int]]  #: every file that is wrong: (state, files)
    volumes: Sequence[VolumeState]
    daemon: DaemonState
    arriving: bool
    arrived: int
    checked: int


def needs(standing: Standing, now: datetime, zone: tzinfo) -> Some[Need]:
    """What needs a person, the worst first."""
    every = [
        *_faults(standing.faults),
        *_unsent(standing.unsent),
        *_alerts(standing.alerts),
        *_failing(standing.deliverables.failing),
        *_late(standing.deliverables),
        *_files(standing.problems, standing.by_problem),
        *_packages(standing.packages, arriving=standing.arriving),
        *_room(standing.volumes, {name for alert, name in standing.alerts if alert.kind == "disk_full"}, zone),
        *_daemon(standing.daemon),
        *_due_today(standing.deliverables, now, zone),
    ]
    # Python's sort is stable: within one severity the order above is kept.
    return Some.of(sorted(every, key=lambda need: need.severity.rank), NEEDS)


def _faults(faults: Sequence[str]) -> Iterator[Need]:
    for text in faults:
        yield Need(Severity.WRONG, "faults", text, "this report", "see the log of assetwatch-report, then doctor")


def _unsent(unsent: Some[Unsent]) -> Iterator[Need]:
    # Of a place that is not reached there are soon many, for one reason.
    alike: dict[tuple[str, str, bool], list[Unsent]] = {}
    for one in unsent.first:
        alike.setdefault((one.route, one.fault, one.given_up), []).append(one)
    told = 0
    for (route, fault, given_up), some in list(alike.items())[:_OF_A_KIND]:
        told += len(some)
        many, tries = len(some) > 1, counted(max(one.tries for one in some), "try", "tries")
        what = f"{len(some)} messages" if many else f"word of kind {some[0].kind}"
        ended = "given up" if given_up else "tried again"
        be = ("were" if given_up else "are") if many else ("was" if given_up else "is")
        yield Need(
            Severity.WRONG,
            "unsent",
            f"{what} could not be sent after {'up to ' if many else ''}{tries} and {be} {ended}: {shown(fault)}",
            route,
            "mend the route in [notify], and try it out with `assetwatch notify test`",
            min(one.made for one in some),
        )
    if unsent.total > told:
        yield _rest(Severity.WRONG, "unsent", unsent.total - told, "assetwatch status")


def _alerts(alerts: Sequence[tuple[AlertRow, str | None]]) -> Iterator[Need]:
    for alert, name in alerts:
        if alert.kind in DERIVED_ALERTS:  # told in more words
            continue
        offline = alert.kind == "volume_offline"
        yield Need(
            Severity.WRONG,
            "offline" if offline else "alerts",
            f"the volume is not there: {shown(alert.text)}" if offline else shown(alert.text),
            shown(name or alert.kind),
            "mount it again; nothing is said of its files meanwhile" if offline else "assetwatch doctor says more",
            instant(alert.opened_us),
            volume=name,
        )


def _failing(failing: Some[Owed]) -> Iterator[Need]:
    for one in failing.first[:_OF_A_KIND]:
        reason = one.said if one.status == "rejected" else "; ".join(one.wrong.first[:2])
        more = f" and {one.wrong.total - 2} more" if one.status != "rejected" and one.wrong.total > 2 else ""
        yield Need(
            Severity.WRONG,
            one.status,
            shown(f"{one.name}: {reason}{more}" if reason else one.name),
            shown(one.key),
            _again(one),
            deliverable=one.key,
            owners=_owners(one),
        )
    if failing.total > _OF_A_KIND:
        yield _rest(Severity.WRONG, "failed", failing.total - _OF_A_KIND, "assetwatch deliverables")


def _again(one: Owed) -> str:
    """What is to be done about one of which something is wrong."""
    if one.mendable:
        return _ask(one, "for it again")
    if one.missing:
        return _ask(one, "for the rest of it")
    command = f"assetwatch deliverables {shlex.quote(shown(one.key))}"
    return f"`{command}` has all of it; there is nothing to ask of {shown(one.sender) or 'its sender'}"


def _ask(one: Owed, for_what: str) -> str:
    command = f"assetwatch chase {shlex.quote(shown(one.key))}"
    return f"ask {shown(one.sender) or 'the sender'} {for_what}: `{command}` writes the message"


def _late(deliverables: Deliverables) -> Iterator[Need]:
    late = [one for one in deliverables.late.first if not one.failing]
    for one in late[:_OF_A_KIND]:
        by = f", late by {duration(one.late_by)}" if one.late_by else ""
        yield Need(
            Severity.WRONG,
            "late",
            shown(f"{one.name}: {one.arrived} of {one.required} here{by}{_lacking(one)}"),
            shown(one.key),
            _ask(one, "for it"),
            one.due,
            deliverable=one.key,
            owners=_owners(one),
        )
    more = deliverables.late.total - sum(one.failing for one in deliverables.late.first) - len(late[:_OF_A_KIND])
    if more > 0:
        yield _rest(Severity.WRONG, "late", more, "assetwatch deliverables --late")


def _due_today(deliverables: Deliverables, now: datetime, zone: tzinfo) -> Iterator[Need]:
    today = [one for one in deliverables.due_soon.first if one.due is not None and one.due <= now + _TODAY]
    today = [one for one in today if not one.failing]
    for one in today[:_OF_A_KIND]:
        assert one.due is not None
        yield Need(
            Severity.ATTENTION,
            "due_soon",
            shown(f"{one.name}: {one.arrived} of {one.required} here{_lacking(one)}"),
            shown(one.key),
            f"due {local_time(microseconds(one.due), zone)}: ask {shown(one.sender) or 'the sender'} whether it comes",
            deliverable=one.key,
            owners=_owners(one),
        )
    if len(today) > _OF_A_KIND:
        more = len(today) - _OF_A_KIND
        yield _rest(Severity.ATTENTION, "due_soon", more, "assetwatch deliverables --due-within 1d")


def _lacking(one: Owed) -> str:
    if not one.missing:
        return ""
    more = f" and {one.missing.total - 3} more" if one.missing.total > 3 else ""
    return f", missing: {', '.join(one.missing.first[:3])}{more}"


def _owners(one: Owed) -> tuple[str, ...]:
    return tuple(name for name in (one.sender, one.receiver) if name)


#: What a state of a file means, and what is to be done about it.
_STATES: Final = {
    "mismatch": ("the bytes are not what was sent or recorded", "do not work with it; ask for it again"),
    "missing": ("gone from its volume", "find out who moved or deleted it, or restore it"),
    "unreadable": ("cannot be read", "look at the disk (dmesg) and at permissions"),
}


#: Of a file that was right when it came.
_RESTORE: Final = "do not work with it; restore it from a copy"


def _files(problems: Some[Problem], by_problem: Sequence[tuple[str, int]]) -> Iterator[Need]:
    for state, total in by_problem:
        meaning, to_do = _STATES[state]
        mine = [one for one in problems.first if one.state == state][:_OF_A_KIND]
        for one in mine:
            yield Need(
                Severity.WRONG,
                state,
                # The digests stand in the list of what is wrong: here they would hide the sentence.
                f"{state}: {shown(one.problem).partition(': expected ')[0] if one.problem else meaning}",
                one.place.text,
                _RESTORE if state == "mismatch" and is_spoiled(one.problem) else to_do,
                volume=one.place.volume,
            )
        if total > len(mine):
            axis = "--presence" if state == "missing" else "--integrity"
            yield _rest(Severity.WRONG, state, total - len(mine), f"assetwatch files {axis} {state}")


def _packages(packages: Packages, *, arriving: bool) -> Iterator[Need]:
    def need(one: Listed, severity: Severity, what: str, to_do: str) -> Need:
        return Need(severity, "packages", what, one.place.text, to_do, volume=one.place.volume)

    for one in packages.wrong.first[:_OF_A_KIND]:
        yield need(one, Severity.WRONG, shown("; ".join(one.wrong[:3])), "compare with what the sender has")
    if packages.wrong.total > _OF_A_KIND:
        more = packages.wrong.total - _OF_A_KIND
        yield _rest(Severity.WRONG, "packages", more, "assetwatch status")
    # While files are still coming in a package is not complete as a matter of course.
    severity = Severity.ATTENTION if arriving else Severity.WRONG
    for one in packages.incomplete.first[:_OF_A_KIND]:
        yield need(one, severity, one.sentence, "wait for the rest of it, or ask its sender")
    if packages.incomplete.total > _OF_A_KIND:
        more = packages.incomplete.total - _OF_A_KIND
        yield _rest(severity, "packages", more, "assetwatch status")
    for place in packages.unlisted.first[:_OF_A_KIND]:
        what = "no list came from its sender"
        yield Need(Severity.WRONG, "unlisted", what, place.text, "ask the sender for the list", volume=place.volume)
    if packages.unlisted.total > _OF_A_KIND:
        more = packages.unlisted.total - _OF_A_KIND
        yield _rest(Severity.WRONG, "unlisted", more, "assetwatch status")


def _room(volumes: Sequence[VolumeState], told: Container[str | None], zone: tzinfo) -> Iterator[Need]:
    for one in volumes:
        if not one.online or not one.total or one.free is None or one.name in told:
            continue
        share = one.free / one.total
        soon = one.days_left is not None and one.days_left < _FULL_SOON_DAYS
        if share >= _NEARLY_FULL and not soon:
            continue
        what = f"{100 * share:.0f} % free"
        if one.full_on is not None:
            what += f", full by {local_time(microseconds(one.full_on), zone)[:10]} at the present growth"
        severity = Severity.WRONG if share < _FULL else Severity.ATTENTION
        yield Need(severity, "full", what, shown(one.name), "make room, or have less written to it", volume=one.name)


def _daemon(daemon: DaemonState) -> Iterator[Need]:
    if daemon.running is False:
        what = "no daemon is running: nothing is being watched"
        yield Need(
            Severity.ATTENTION, "daemon", what, shown(daemon.host or ""), "systemctl start assetwatch", daemon.heard
        )
    elif daemon.crashes:
        what = f"the daemon ended {counted(daemon.crashes, 'time')} without a word, and was started again"
        to_do = "journalctl -u assetwatch says why"
        yield Need(Severity.ATTENTION, "daemon", what, shown(daemon.host or ""), to_do, daemon.started)


def _rest(severity: Severity, kind: str, count: int, command: str) -> Need:
    """What stands for all that is not told one by one."""
    return Need(severity, kind, f"and {count:,} more of the same kind", "", f"`{command}` lists them")


# -- the sentence -----------------------------------------------------------------------------------------------

#: How each word of `Headline.counts` is said: of one, of many.
_SAID: Final = {
    "faults": ("not all was done", "not all was done"),
    "unsent": ("1 message not sent", "{} messages not sent"),
    "alerts": ("1 alert", "{} alerts"),
    "offline": ("1 volume offline", "{} volumes offline"),
    "failed": ("1 deliverable failed", "{} deliverables failed"),
    "rejected": ("1 rejected", "{} rejected"),
    "late": ("1 late", "{} late"),
    "mismatch": ("1 mismatch", "{} mismatches"),
    "missing": ("1 file missing", "{} files missing"),
    "unreadable": ("1 file unreadable", "{} files unreadable"),
    "packages": ("1 package not right", "{} packages not right"),
    "unlisted": ("1 without a list", "{} without a list"),
    "full": ("1 volume filling up", "{} volumes filling up"),
    "daemon": ("no daemon", "no daemon"),
    "due_soon": ("1 due soon", "{} due soon"),
    "complete": ("1 newly complete", "{} newly complete"),
    "arrived": ("1 file arrived", "{} files arrived"),
}


def headline(standing: Standing, needed: Some[Need]) -> Headline:
    """The one sentence, and the numbers that it is made of."""
    deliverables, packages = standing.deliverables, standing.packages
    severity = min((need.severity for need in needed.first), key=lambda one: one.rank, default=Severity.OK)
    kinds = Counter(need.kind for need in needed.first)
    numbers = {
        "faults": len(standing.faults),
        "unsent": standing.unsent.total,
        "alerts": kinds["alerts"],
        "offline": kinds["offline"],
        "failed": deliverables.by_status.get("failed", 0),
        "rejected": deliverables.by_status.get("rejected", 0),
        "late": deliverables.late.total,
        **dict(standing.by_problem),
        "packages": packages.wrong.total + packages.incomplete.total,
        "unlisted": packages.unlisted.total,
        "full": kinds["full"],
        "daemon": kinds["daemon"],
        "due_soon": deliverables.due_soon.total,
        "complete": deliverables.newly_complete.total,
        "arrived": standing.arrived,
    }
    counts = tuple((word, numbers.get(word, 0)) for word in _SAID if numbers.get(word, 0))
    return Headline(severity, _sentence(severity, dict(counts), standing), counts)


def _sentence(severity: Severity, counts: dict[str, int], standing: Standing) -> str:
    def said(word: str) -> str:
        one, many = _SAID[word]
        return one if counts[word] == 1 else many.format(f"{counts[word]:,}")

    news = [said(word) for word in ("due_soon", "complete", "arrived") if word in counts]
    wrong = [said(word) for word in counts if word not in ("due_soon", "complete", "arrived")]
    if severity is Severity.OK and not wrong:
        if standing.checked:
            news.append(f"{standing.checked:,} checked")
        return _joined(["all well", *news])
    return _joined([*wrong, *news])


def _joined(parts: Sequence[str]) -> str:
    """As many of the parts as fit, the first in any case."""
    text = parts[0] if parts else "all well"
    for part in parts[1:]:
        if len(text) + 2 + len(part) > SENTENCE:
            break
        text += f", {part}"
    return text[:1].upper() + text[1:]
