"""How does a report read as plain text: on a terminal, and as the part of a mail that every reader can show?

The first lines fit a phone's first screen: what it is about, how bad it is, and what needs a person. Lines are at most
72 columns wide; what cannot be broken (a long name) stands on a line of its own.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from assetwatch.paths import shown
from assetwatch.report.basics import Severity, Some
from assetwatch.report.coordinators import Arrival, Owed
from assetwatch.report.engineers import Sweep, VolumeState
from assetwatch.report.value import Difference, Need, Report
from assetwatch.report.words import PROBED
from assetwatch.units import counted, duration, local_time, microseconds, size

COLUMNS: Final = 72

#: Entries of each list; `and n more` stands for the rest.
_TOLD: Final = 20

_MARKS: Final = {Severity.WRONG: "WRONG", Severity.ATTENTION: "LOOK", Severity.OK: "OK"}


def render(report: Report) -> str:
    """The report as text, which ends with a line feed."""
    text = _Text(report)
    lines = [*text.head(), *text.coordinator(), *text.engineer(), *text.foot()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


class _Text:
    """The parts of one report, as lines."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._told: set[str] = set()

    # -- the first screen -------------------------------------------------------------------------------------

    def head(self) -> Iterator[str]:
        report = self._report
        yield from _wrapped(f"{shown(report.project) or 'assetwatch'}: {report.headline.sentence}")
        yield f"{_MARKS[report.headline.severity]}, {self._when(report.until)} {shown(report.zone_name)}"
        yield ""
        if not report.needs:
            yield "Nothing needs a person today."
        for need in report.needs.first:
            yield from self._need(need)
        yield from _more(report.needs)

    def _need(self, need: Need) -> Iterator[str]:
        mark = "!" if need.severity is Severity.WRONG else "-"
        where = f"{need.where}: " if need.where else ""
        yield from _wrapped(f"{mark} {where}{need.what}", "  ")
        if need.to_do:
            yield from _wrapped(f"  > {need.to_do}", "    ")

    # -- the coordinator's half -------------------------------------------------------------------------------

    def coordinator(self) -> Iterator[str]:
        owed = self._report.deliverables
        yield from _title("Deliverables")
        if not owed.every:
            yield "None are scheduled."
        else:
            yield from _wrapped(", ".join(f"{count} {status}" for status, count in owed.by_status.items()))
            for name, some in (
                ("Late", owed.late),
                ("Failed or rejected", owed.failing),
                ("Due soon", owed.due_soon),
                ("Newly complete", owed.newly_complete),
                ("New in the schedule", owed.new),
                ("Changed", owed.changed),
            ):
                yield from self._owed(name, some)
            if owed.gone:
                yield from _wrapped(f"No longer scheduled: {', '.join(shown(key) for key in owed.gone.first[:_TOLD])}")
                yield from _more(owed.gone, _TOLD)
        came = self._report.arrivals
        yield from _title(f"Arrived since {self._when(self._report.since)}")
        if not came.files:
            yield "Nothing."
            return
        yield f"{counted(came.files, 'file')}, {size(came.size)}"
        for sender in came.senders:
            yield ""
            yield from _wrapped(
                f"{shown(sender.name) or 'From nobody scheduled'}: {counted(sender.files, 'file')}, {size(sender.size)}"
            )
            for place in sender.places.first[:_TOLD]:
                yield from self._arrival(place)
            yield from _more(sender.places, _TOLD)

    def _owed(self, name: str, some: Some[Owed]) -> Iterator[str]:
        if not some:
            return
        yield ""
        yield f"{name}: {some.total}"
        for one in some.first[:_TOLD]:
            if one.key in self._told:
                yield from _wrapped(f"  {shown(one.key)}  {shown(one.name)} (see above)", "    ")
                continue
            self._told.add(one.key)
            yield from _wrapped(f"  {shown(one.key)}  {shown(one.name)}", "    ")
            yield from _wrapped(f"    {self._standing(one)}", "    ")
            for text in (*_listed("missing", one.missing), *_listed("wrong", one.wrong)):
                yield from _wrapped(f"    {text}", "      ")
            if one.said:
                yield from _wrapped(f"    {shown(one.said)}", "      ")
        yield from _more(some, _TOLD)

    def _standing(self, one: Owed) -> str:
        parts = [one.status if one.previous in (None, one.status) else f"{one.status} (was {one.previous})"]
        if one.late or one.arrived_late:
            by = f" by {duration(one.late_by)}" if one.late_by else ""
            parts.append(f"{'late' if one.late else 'arrived late'}{by}")
        parts.append(f"{one.arrived} of {one.required} here")
        if one.due is not None:
            first = f" (first {self._when(one.original_due)})" if one.original_due else ""
            parts.append(f"due {self._when(one.due)}{first}")
        if one.sender:
            parts.append(f"from {shown(one.sender)}")
        if one.receiver:
            parts.append(f"to {shown(one.receiver)}")
        return ", ".join(parts)

    def _arrival(self, place: Arrival) -> Iterator[str]:
        reel = f" (roll {shown(place.reel)})" if place.reel else ""
        yield from _wrapped(f"  {place.place.text}{reel}", "    ")
        states = [f"{count} {state}" for state, count in place.by_integrity.items()]
        states += [f"{place.arriving} still being written"] if place.arriving else []
        states += [f"{place.gone} gone again"] if place.gone else []
        yield from _wrapped(
            f"    {counted(place.files, 'file')}, {size(place.size)}, {self._when(place.first)} to "
            f"{self._when(place.last)}: {', '.join(states)}",
            "      ",
        )

    # -- the engineer's half ----------------------------------------------------------------------------------

    def engineer(self) -> Iterator[str]:
        report = self._report
        yield from _title("Verification")
        yield from self._sweep(report.sweep)
        yield from _title(f"Changes since {self._when(report.since)}")
        if not report.changes.counts:
            yield "None."
        yield from _columns((label, f"{count:,}") for _, label, count in report.changes.counts)
        for change in report.changes.worst.first[:_TOLD]:
            detail = f": {shown(change.detail)}" if change.detail else ""
            yield from _wrapped(f"  {self._when(change.at)}  {change.what}  {change.place.text}{detail}", "    ")
        yield from _more(report.changes.worst, _TOLD)
        yield from _title("Packages")
        packages = report.packages
        yield f"{packages.total} with a sender's list, {packages.complete} complete and right"
        for one in (*packages.wrong.first[:_TOLD], *packages.incomplete.first[:_TOLD]):
            wrong = f" ({'; '.join(shown(text) for text in one.wrong[:3])})" if one.wrong else ""
            yield from _wrapped(f"  {one.place.text}: {one.sentence}{wrong}", "    ")
        yield from _more(packages.wrong, _TOLD)
        yield from _more(packages.incomplete, _TOLD)
        for place in packages.unlisted.first[:_TOLD]:
            yield from _wrapped(f"  {place.text}: no list came from its sender", "    ")
        yield from _more(packages.unlisted, _TOLD)
        yield from _title("Volumes")
        if not report.volumes:
            yield "None are in care."
        for volume in report.volumes:
            yield from self._volume(volume)
        yield from _title("Last check by age")
        bands = [(band.label, counted(band.files, "file"), size(band.size)) for band in report.bands if band.files]
        yield from _columns(bands)
        if not bands:
            yield "No file is there."
        yield from _title("The daemon and the mail")
        yield from self._machine()

    def _sweep(self, sweep: Sweep | None) -> Iterator[str]:
        for text in self._report.faults:
            yield from _wrapped(f"! {shown(text)}", "  ")
        if sweep is None:
            yield "No sweep was made yet."
            return
        when = f"{self._when(sweep.started)} to {self._when(sweep.finished)}"
        yield from _wrapped(
            f"Last sweep {when}{'' if sweep.recent else f': none since {self._when(self._report.since)}'}"
        )
        yield from _columns(
            [
                ("checked", f"{sweep.checked:,} files", size(sweep.size)),
                ("verified", f"{sweep.verified:,}", ""),
                ("mismatch", f"{sweep.mismatch:,}", ""),
                ("missing", f"{sweep.missing:,}", ""),
                ("unreadable", f"{sweep.unreadable:,}", ""),
                ("not checked", f"{sweep.not_checked:,}", ""),
            ]
        )
        for _, reason, count in sweep.reasons:
            yield from _wrapped(f"  not checked: {count:,} {reason}", "    ")
        if sweep.oldest_check:
            yield from _wrapped(f"The longest unread file was last read {self._when(sweep.oldest_check)}.")
        if sweep.pace:
            yield from _wrapped(f"Pace: {size(sweep.pace)}/s, {size(sweep.pace_a_day)} a day.")
        if sweep.complete:
            yield "It got through to the end."
        elif sweep.all_by:
            yield from _wrapped(f"At this pace everything will have been checked by {self._when(sweep.all_by)}.")
        else:
            yield from _wrapped("At this pace not everything will ever be checked.")
        for text in sweep.warnings:
            yield from _wrapped(f"! {shown(text)}", "  ")
        for problem in sweep.problems.first[:_TOLD]:
            reason = f": {shown(problem.problem)}" if problem.problem else ""
            yield from _wrapped(f"  {problem.state}  {problem.place.text}{reason}", "    ")
        yield from _more(sweep.problems, _TOLD)

    def _volume(self, volume: VolumeState) -> Iterator[str]:
        state = "online" if volume.online else f"OFFLINE: {shown(volume.reason or 'not there')}"
        yield from _wrapped(f"{shown(volume.name)}: {state}", "  ")
        parts = [f"{counted(volume.files, 'file')}, {size(volume.size)}"]
        parts += [f"{volume.arriving:,} arriving"] if volume.arriving else []
        parts += [f"{volume.missing:,} missing"] if volume.missing else []
        if volume.total and volume.free is not None:
            used = 100 * (volume.total - volume.free) / volume.total
            seen = "" if volume.online else " when it was last seen"
            parts.append(f"{used:.0f} % of {size(volume.total)} used, {size(volume.free)} free{seen}")
        yield from _wrapped("  " + ", ".join(parts), "  ")
        if volume.growth is not None:
            sign = "+" if volume.growth >= 0 else "-"
            text = f"  {sign}{size(round(abs(volume.growth)))} a day"
            if volume.days_left is not None and volume.full_on is not None:
                text += f": full in {volume.days_left:.0f} days, {self._when(volume.full_on)[:10]}"
            yield from _wrapped(text, "  ")
        yield from _wrapped(f"  last event {self._when(volume.last_event)}, last scan {self._when(volume.last_scan)}")
        if volume.ignored:
            rules = ", ".join(f"{count:,} by {shown(rule)}" for rule, count in volume.ignored.first)
            more = f" and {volume.ignored.more} more rules" if volume.ignored.more else ""
            yield from _wrapped(f"  ignored: {rules}{more}", "    ")

    def _machine(self) -> Iterator[str]:
        report, daemon = self._report, self._report.daemon
        state = {True: "running", False: "NOT RUNNING", None: "not heard of"}[daemon.running]
        since = f" since {self._when(daemon.started)}" if daemon.running and daemon.started else ""
        yield from _wrapped(
            f"Daemon: {state}{since}, {counted(daemon.starts, 'start')} since {self._when(report.since)}"
        )
        if daemon.crashes:
            yield f"  {counted(daemon.crashes, 'time')} it ended without a word"
        if daemon.overflows:
            yield f"  event queues overflowed {counted(daemon.overflows, 'time')}"
        for status, count in daemon.probe_failures:
            yield from _wrapped(f"  media facts of {counted(count, 'file')}: {PROBED.get(status, status)}", "    ")
        if not report.unsent:
            yield "No message waits to be sent."
        for one in report.unsent.first:
            ended = "given up" if one.given_up else "tried again"
            yield from _wrapped(
                f"! not sent: {one.kind} by {shown(one.route)}, {counted(one.tries, 'try', 'tries')}, {ended}: "
                f"{shown(one.fault)}",
                "  ",
            )
        yield from _more(report.unsent)

    def foot(self) -> Iterator[str]:
        report = self._report
        if report.before is not None:
            yield from _title(f"Against the report of {self._when(report.before.made)}")
            changed = [one for one in report.before.differences if one.change]
            if not changed:
                yield "All its numbers are the same."
            yield from _columns((one.label, _number(one, one.now), _change(one)) for one in changed)
        yield ""
        yield from _wrapped(
            f"{self._when(report.since)} to {self._when(report.until)} {shown(report.zone_name)}. "
            f"assetwatch {report.version} on {shown(report.host)}."
        )

    def _when(self, at: datetime | None) -> str:
        return local_time(None if at is None else microseconds(at), self._report.zone)


def _number(one: Difference, number: int) -> str:
    return size(number) if one.is_size else f"{number:,}"


def _change(one: Difference) -> str:
    sign = "+" if one.change > 0 else "-"
    return sign + (size(abs(one.change)) if one.is_size else f"{abs(one.change):,}")


def _title(text: str) -> list[str]:
    return ["", text.upper() if len(text) < 24 else text, "-" * COLUMNS]


def _listed(word: str, some: Some[str]) -> list[str]:
    if not some:
        return []
    more = f" and {some.more} more" if some.more else ""
    return [f"{word}: {'; '.join(shown(one) for one in some.first)}{more}"]


def _more(some: Some[Any], told: int | None = None) -> list[str]:
    more = some.total - (len(some.first) if told is None else min(told, len(some.first)))
    return [f"  and {more:,} more"] if more > 0 else []


def _wrapped(text: str, indent: str = "") -> list[str]:
    """The text in lines of at most 72 columns; a word that is longer stands whole."""
    lines = [""]
    for word in text.split(" "):
        line = f"{lines[-1]} {word}" if lines[-1].strip() or not word else lines[-1] + word
        if width(line) > COLUMNS and lines[-1].strip():
            lines.append(indent + word)
        else:
            lines[-1] = line
    return lines


def width(text: str) -> int:
    """How many columns a text takes: signs of East Asia and pictures take two, what stands on another sign none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """A table: its first column to the left, the others to the right; a row that is too wide is wrapped."""
    every = [tuple(row) for row in rows]
    widths = [max((width(row[n]) for row in every), default=0) for n in range(len(every[0]) if every else 0)]
    lines = []
    for row in every:
        cells = [row[0] + " " * (widths[0] - width(row[0]))]
        cells += [" " * (wide - width(cell)) + cell for cell, wide in zip(row[1:], widths[1:], strict=True)]
        line = "  " + "  ".join(cells)
        lines += [line] if width(line) <= COLUMNS else _wrapped(f"  {row[0]}: {', '.join(row[1:])}", "    ")
    return lines
