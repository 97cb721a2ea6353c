"""How does a report read as JSON? Stable and versioned: docs/reference/json.md has every key.

Keys are added without a new version; one that changes its meaning or goes makes version 2.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from assetwatch.paths import percent, readable, tame_json
from assetwatch.report.basics import Place, Some
from assetwatch.report.coordinators import Arrival, Owed, Sender
from assetwatch.report.engineers import Change, Listed, Problem, Sweep, Unsent, VolumeState
from assetwatch.report.value import Difference, Need, Report
from assetwatch.units import microseconds, rfc3339

T = TypeVar("T")

#: The version of the document.
VERSION: Final = 1


def render(report: Report) -> str:
    """The report as one JSON document in UTF-8's letters, which ends with a line feed. It steers no terminal."""
    text = json.dumps(document(report), ensure_ascii=False, indent=1)
    return tame_json(text) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as what JSON knows. Times are RFC 3339 in UTC, sizes bytes; a list says how long it is in all."""
    return {
        "version": VERSION,
        "project": report.project or None,
        "time_zone": report.zone_name,
        "since": _time(report.since),
        "until": _time(report.until),
        "made": _time(report.made),
        "program": {"version": report.version, "host": report.host},
        "run": report.run,
        "severity": report.headline.severity.value,
        "headline": report.headline.sentence,
        "headline_counts": dict(report.headline.counts),
        "counts": dict(report.counts),
        "needs": _some(report.needs, _need),
        "faults": list(report.faults),
        "deliverables": _deliverables(report),
        "arrivals": {
            "files": report.arrivals.files,
            "bytes": report.arrivals.size,
            "senders": [_sender(one) for one in report.arrivals.senders],
        },
        "days": [{"day": one.day.isoformat(), "files": one.files, "bytes": one.size} for one in report.days],
        "files": {
            "by_presence": {word: {"files": one.files, "bytes": one.size} for word, one in report.by_presence.items()},
            "by_integrity": {
                word: {"files": one.files, "bytes": one.size} for word, one in report.by_integrity.items()
            },
            "problems": _some(report.problems, _problem),
            "acknowledged": dict(report.acknowledged),
        },
        "sweep": None if report.sweep is None else _sweep(report.sweep),
        "changes": {
            "counts": {word: count for word, _, count in report.changes.counts},
            "worst": _some(report.changes.worst, _change),
        },
        "packages": {
            "total": report.packages.total,
            "complete": report.packages.complete,
            "wrong": _some(report.packages.wrong, _listed),
            "incomplete": _some(report.packages.incomplete, _listed),
            "unlisted": _some(report.packages.unlisted, _place),
        },
        "volumes": [_volume(one) for one in report.volumes],
        "checked": [{"age": one.key, "files": one.files, "bytes": one.size} for one in report.bands],
        "daemon": {
            "running": report.daemon.running,
            "host": report.daemon.host,
            "version": report.daemon.version,
            "started": _time(report.daemon.started),
            "heard": _time(report.daemon.heard),
            "starts": report.daemon.starts,
            "crashes": report.daemon.crashes,
            "overflows": report.daemon.overflows,
            "probe_failures": dict(report.daemon.probe_failures),
        },
        "unsent": _some(report.unsent, _unsent),
        "before": None
        if report.before is None
        else {
            "run": report.before.run,
            "made": _time(report.before.made),
            "severity": report.before.severity.value,
            "headline": report.before.sentence,
            "differences": [_difference(one) for one in report.before.differences],
        },
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(microseconds(at))


def _some(some: Some[T], one: Callable[[T], Any]) -> dict[str, Any]:
    return {"total": some.total, "items": [one(item) for item in some.first]}


def _place(place: Place) -> dict[str, Any]:
    exact = percent(place.path)
    return {
        "volume": place.volume,
        "path": readable(place.path),
        **({"path_bytes": exact} if exact else {}),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "severity": need.severity.value,
        "kind": need.kind,
        "what": need.what,
        "where": need.where,
        "to_do": need.to_do,
        "since": _time(need.since),
        "deliverable": None if need.deliverable is None else readable(need.deliverable),
        "owners": [readable(name) for name in need.owners],
        "volume": need.volume,
    }


def _deliverables(report: Report) -> dict[str, Any]:
    owed = report.deliverables

    def keys(some: Some[Owed]) -> dict[str, Any]:
        return _some(some, lambda one: readable(one.key))

    return {
        "by_status": dict(owed.by_status),
        "compared": owed.compared,
        "late": keys(owed.late),
        "failing": keys(owed.failing),
        "due_soon": keys(owed.due_soon),
        "newly_complete": keys(owed.newly_complete),
        "new": keys(owed.new),
        "changed": keys(owed.changed),
        "gone": _some(owed.gone, readable),
        "every": _some(owed.every, _owed),
    }


def _owed(one: Owed) -> dict[str, Any]:
    return {
        "id": readable(one.key),
        "name": readable(one.name),
        "kind": one.kind,
        "from": readable(one.sender),
        "to": readable(one.receiver),
        "due": _time(one.due),
        "original_due": _time(one.original_due),
        "status": one.status,
        "previous": one.previous,
        "late": one.late,
        "due_soon": one.due_soon,
        "arrived_late": one.arrived_late,
        "late_by": None if one.late_by is None else round(one.late_by),
        "arrived_at": _time(one.arrived_at),
        "counts": {"required": one.required, "arrived": one.arrived, "verified": one.verified},
        "missing": _some(one.missing, readable),
        "wrong": _some(one.wrong, readable),
        "said": None if one.said is None else readable(one.said),
        "new": one.new,
        "changed": one.changed,
        "newly_complete": one.newly_complete,
    }


def _sender(one: Sender) -> dict[str, Any]:
    return {
        "from": readable(one.name) or None,
        "files": one.files,
        "bytes": one.size,
        "places": _some(one.places, _arrival),
    }


def _arrival(one: Arrival) -> dict[str, Any]:
    return {
        **_place(one.place),
        "roll": one.reel,
        "files": one.files,
        "bytes": one.size,
        "first": _time(one.first),
        "last": _time(one.last),
        "by_integrity": dict(one.by_integrity),
        "arriving": one.arriving,
        "gone": one.gone,
        "pictures": [_place(place) for place in one.pictures],
    }


def _problem(one: Problem) -> dict[str, Any]:
    return {**_place(one.place), "state": one.state, "problem": one.problem}


def _sweep(one: Sweep) -> dict[str, Any]:
    return {
        "run": one.run,
        "started": _time(one.started),
        "finished": _time(one.finished),
        "recent": one.recent,
        "complete": one.complete,
        "ended_by": one.ended_by,
        "checked": one.checked,
        "verified": one.verified,
        "mismatch": one.mismatch,
        "missing": one.missing,
        "unreadable": one.unreadable,
        "misread": one.misread,
        "not_checked": one.not_checked,
        "not_checked_reasons": {word: count for word, _, count in one.reasons},
        "bytes": one.size,
        "bytes_total": one.size_total,
        "seconds": one.seconds,
        "bytes_per_second": one.pace,
        "pace_bytes_per_day": one.pace_a_day,
        "oldest_check": _time(one.oldest_check),
        "everything_checked_by": _time(one.all_by),
        "warnings": [readable(text) for text in one.warnings],
        "problems": _some(one.problems, _problem),
    }


def _change(one: Change) -> dict[str, Any]:
    return {"at": _time(one.at), "what": one.what, **_place(one.place), "detail": readable(one.detail)}


def _listed(one: Listed) -> dict[str, Any]:
    return {
        **_place(one.place),
        "listed": one.listed,
        "here": one.here,
        "to_come": one.lacks,
        "problems": [readable(text) for text in one.wrong],
    }


def _volume(one: VolumeState) -> dict[str, Any]:
    return {
        "name": one.name,
        "root": readable(one.root),
        "project": one.project,
        "online": one.online,
        "reason": one.reason,
        "watching": one.watching,
        "file_system": one.file_system,
        "files": one.files,
        "bytes": one.size,
        "arriving": one.arriving,
        "missing": one.missing,
        "last_event": _time(one.last_event),
        "last_scan": _time(one.last_scan),
        "overflows": one.overflows,
        "capacity": None
        if one.total is None
        else {
            "total": one.total,
            "free": one.free,
            "growth_per_day": None if one.growth is None else round(one.growth),
            "days_left": None if one.days_left is None else round(one.days_left, 1),
            "full_on": _time(one.full_on),
            "history": [
                {"at": _time(point.at), "total": point.total, "free": point.free, "bytes": point.size}
                for point in one.history
            ],
        },
        "ignored": _some(one.ignored, lambda rule: {"rule": readable(rule[0]), "names": rule[1]}),
    }


def _unsent(one: Unsent) -> dict[str, Any]:
    return {
        "route": one.route,
        "kind": one.kind,
        "made": _time(one.made),
        "tries": one.tries,
        "fault": readable(one.fault),
        "given_up": one.given_up,
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {"key": one.key, "before": one.before, "now": one.now, "change": one.change}
