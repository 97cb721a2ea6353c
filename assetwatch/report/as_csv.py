"""How does a report read as CSV: one table, a row for each number, list entry and deliverable?

Each section uses those of the columns that it needs (docs/reference/json.md tells which); the first row after the
header says the version. Cells that a spreadsheet would take for a formula begin with an apostrophe (OWASP, CSV
Injection). Line ends are CR LF (RFC 4180).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from assetwatch.paths import is_formula, shown
from assetwatch.report.coordinators import Owed
from assetwatch.report.value import Report
from assetwatch.units import microseconds, rfc3339

#: The version of the table.
VERSION: Final = 1


class Row(NamedTuple):
    """One line: texts, a number, bytes, an instant; None is an empty cell."""

    section: str
    key: str = ""
    name: str = ""
    state: str = ""
    number: int | None = None
    bytes: int | None = None
    at: datetime | None = None
    sender: str = ""
    receiver: str = ""
    detail: str = ""


COLUMNS: Final = ("section", "key", "name", "state", "number", "bytes", "at", "from", "to", "detail")


def render(report: Report) -> str:
    """The report as CSV with a header line."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows(report):
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def rows(report: Report) -> Iterator[Row]:
    """The report line by line."""
    headline = report.headline
    yield Row("report", "version", number=VERSION)
    yield Row("report", "project", report.project)
    yield Row("report", "time_zone", report.zone_name)
    yield Row("report", "since", at=report.since)
    yield Row("report", "until", at=report.until)
    yield Row("report", "headline", headline.sentence, headline.severity.value)
    for word, count in report.counts.items():
        is_size = word == "size"
        yield Row("count", word, number=None if is_size else count, bytes=count if is_size else None)
    for need in report.needs.first:
        yield Row(
            "need", need.kind, need.where, need.severity.value, at=need.since, detail=f"{need.what}; {need.to_do}"
        )
    yield from _left("need", report.needs.more)
    for text in report.faults:
        yield Row("fault", detail=text)
    yield from _deliverables(report)
    yield from _arrivals(report)
    yield from (Row("day", one.day.isoformat(), number=one.files, bytes=one.size) for one in report.days)
    yield from _verification(report)
    yield from _volumes(report)
    for one in report.unsent.first:
        state = "given_up" if one.given_up else "tried_again"
        yield Row("unsent", one.route, one.kind, state, one.tries, at=one.made, detail=one.fault)
    yield from _left("unsent", report.unsent.more)
    if report.before is not None:
        for difference in report.before.differences:
            yield Row("difference", difference.key, number=difference.change, at=report.before.made)


def _deliverables(report: Report) -> Iterator[Row]:
    owed = report.deliverables
    for status, count in owed.by_status.items():
        yield Row("status", status, number=count)
    for one in owed.every.first:
        yield Row(
            "deliverable",
            one.key,
            one.name,
            one.status,
            one.arrived,
            at=one.due,
            sender=one.sender,
            receiver=one.receiver,
            detail="; ".join(_said_of(one)),
        )
    yield from _left("deliverable", owed.every.more)


def _said_of(one: Owed) -> Iterable[str]:
    yield f"{one.arrived} of {one.required}"
    for said, word in (
        (one.late, "late"),
        (one.arrived_late, "arrived late"),
        (one.due_soon, "due soon"),
        (one.newly_complete, "newly complete"),
        (one.new, "new"),
        (one.changed, "changed"),
    ):
        if said:
            yield word
    if one.missing:
        yield f"missing: {', '.join(one.missing.first)}" + (f" and {one.missing.more} more" if one.missing.more else "")
    if one.wrong:
        yield f"wrong: {', '.join(one.wrong.first)}" + (f" and {one.wrong.more} more" if one.wrong.more else "")
    if one.said:
        yield one.said


def _arrivals(report: Report) -> Iterator[Row]:
    yield Row("arrived", number=report.arrivals.files, bytes=report.arrivals.size)
    for sender in report.arrivals.senders:
        yield Row("sender", sender.name, number=sender.files, bytes=sender.size, sender=sender.name)
        for one in sender.places.first:
            states = "; ".join(f"{count} {state}" for state, count in one.by_integrity.items())
            yield Row(
                "arrival",
                one.place.text,
                one.reel or "",
                number=one.files,
                bytes=one.size,
                at=one.last,
                sender=sender.name,
                detail=states,
            )
        yield from _left("arrival", sender.places.more)


def _verification(report: Report) -> Iterator[Row]:
    for word, sums in report.by_presence.items():
        yield Row("presence", word, number=sums.files, bytes=sums.size)
    for word, sums in report.by_integrity.items():
        yield Row("integrity", word, number=sums.files, bytes=sums.size)
    for problem in report.problems.first:
        yield Row("problem", problem.place.text, state=problem.state, detail=problem.problem or "")
    yield from _left("problem", report.problems.more)
    yield from (Row("acknowledged", word, number=count) for word, count in report.acknowledged.items())
    sweep = report.sweep
    if sweep is not None:
        yield Row("sweep", "finished", state="complete" if sweep.complete else sweep.ended_by, at=sweep.finished)
        yield Row("sweep", "checked", number=sweep.checked, bytes=sweep.size)
        for word in ("verified", "mismatch", "missing", "unreadable", "misread", "not_checked"):
            yield Row("sweep", word, number=getattr(sweep, word))
        yield from (Row("not_checked", word, number=count, detail=text) for word, text, count in sweep.reasons)
        yield Row("sweep", "oldest_check", at=sweep.oldest_check)
        yield Row("sweep", "everything_checked_by", at=sweep.all_by, bytes=sweep.pace_a_day)
    for word, label, count in report.changes.counts:
        yield Row("change", word, number=count, detail=label)
    for change in report.changes.worst.first:
        yield Row("changed_file", change.place.text, state=change.what, at=change.at, detail=change.detail)
    yield from _left("changed_file", report.changes.worst.more)
    packages = report.packages
    yield Row("packages", "total", number=packages.total)
    yield Row("packages", "complete", number=packages.complete)
    for state, some in (("wrong", packages.wrong), ("incomplete", packages.incomplete)):
        for one in some.first:
            yield Row("package", one.place.text, one.sentence, state, one.lacks, detail="; ".join(one.wrong))
        yield from _left("package", some.more)
    yield from (Row("package", place.text, state="unlisted") for place in packages.unlisted.first)
    yield from _left("package", packages.unlisted.more)
    yield from (Row("checked", band.key, band.label, number=band.files, bytes=band.size) for band in report.bands)


def _volumes(report: Report) -> Iterator[Row]:
    for one in report.volumes:
        state = "online" if one.online else "offline"
        yield Row("volume", one.name, one.root, state, one.files, one.size, one.last_scan, detail=one.reason or "")
        if one.total is not None:
            yield Row("capacity", one.name, "total", bytes=one.total)
            yield Row("capacity", one.name, "free", bytes=one.free)
            growth = None if one.growth is None else round(one.growth)
            yield Row("capacity", one.name, "growth_per_day", bytes=growth, at=one.full_on)
        for rule, count in one.ignored.first:
            yield Row("ignored", one.name, rule, number=count)
    daemon = report.daemon
    state = {True: "running", False: "stopped", None: "unknown"}[daemon.running]
    yield Row("daemon", "starts", daemon.host or "", state, daemon.starts, at=daemon.started)
    yield Row("daemon", "crashes", number=daemon.crashes)
    yield Row("daemon", "overflows", number=daemon.overflows)
    yield from (Row("daemon", f"probe_{status}", number=count) for status, count in daemon.probe_failures)


def _left(section: str, more: int) -> Iterator[Row]:
    """The line that stands for what is not told."""
    if more > 0:
        yield Row(section, state="more", number=more)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return rfc3339(microseconds(value))
    if isinstance(value, str):
        text = shown(value)
        return f"'{text}" if is_formula(value) else text
    return value
