"""The board: what is scheduled, what of it is here, what is wrong with it, and who is late?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import click

from assetwatch.cli.output import catalog_of, console, json_option, setting_of, write_json, zone_of
from assetwatch.clock import SystemClock
from assetwatch.delivery.wording import sentences
from assetwatch.errors import UsageError
from assetwatch.paths import percent, readable, shown
from assetwatch.units import counted, duration, local_time, microseconds, parse_duration, rfc3339

if TYPE_CHECKING:
    from assetwatch.delivery.findings import Finding
    from assetwatch.delivery.kept import Entry
    from assetwatch.delivery.status import Decision

#: Worst first, on the board.
_ORDER = ("failed", "rejected", "partial", "expected", "arrived", "verified", "accepted", "waived", "cancelled")

_COLOURS = {
    "failed": "bold red",
    "rejected": "bold red",
    "partial": "yellow",
    "verified": "green",
    "accepted": "green",
    "waived": "dim",
    "cancelled": "dim",
}

_BY = ("vendor", "kind", "reel", "due", "status")

#: Above the group of those that have none.
_UNNAMED = {"vendor": "no sender", "kind": "no kind", "reel": "no reel", "due": "no due date", "status": ""}

#: A person's word, as what was done.
SAID = {"accept": "accepted", "reject": "rejected", "waive": "waived", "cancel": "cancelled", "reopen": "reopened"}

_COLUMNS = ("ID", "NAME", "FROM", "DUE", "STATUS", "HERE", "WHAT")

#: On a terminal narrower than this, who sends it and what is to be known stand below the name.
_WIDE = 110
_STATUS_WIDTH = 14

#: Rules about what came and does not count.
_NOT_WHOLE = ("complete", "presence")

#: A moment that is given to the minute is now, and not past.
_ABOUT_NOW = timedelta(minutes=1)


@click.command("deliverables")
@click.argument("identity", required=False, metavar="[ID]")
@click.option("--late", is_flag=True, help="Only what is late.")
@click.option("--due-within", metavar="D", help='Only what is owed and due within so long, such as "2d".')
@click.option(
    "--status",
    "states",
    multiple=True,
    type=click.Choice(_ORDER),
    metavar="STATE",
    help="Only such as failed or partial; more than once for several.",
)
@click.option("--at", metavar="WHEN", help='As it will stand then if nothing else comes, or stood: "2026-12-04 18:00".')
@click.option("--by", type=click.Choice(_BY), metavar="WHAT", help=f"In groups: {', '.join(_BY)}.")
@click.option("--ambiguous", is_flag=True, help="Instead: files that more than one item took.")
@click.option("--on-time", is_flag=True, help="Instead: the on-time record of every sender.")
@json_option
@click.pass_context
def deliverables_command(
    ctx: click.Context,
    identity: str | None,
    late: bool,
    due_within: str | None,
    states: tuple[str, ...],
    at: str | None,
    by: str | None,
    ambiguous: bool,
    on_time: bool,
    as_json: bool,
) -> None:
    """Show the board, worst first; of one ID everything: items, files, proof, spec, and what to ask the sender for.

    Exits with 1 when anything shown is late, failed or rejected.

    \b
    Examples:
      assetwatch deliverables --late
      assetwatch deliverables --by vendor
      assetwatch deliverables R1-SOUND
      assetwatch deliverables --due-within 2d --json
    """
    from assetwatch.catalog.hand_links import said_by_hand
    from assetwatch.delivery import kept
    from assetwatch.delivery.link import bring_up_to_date

    database = catalog_of(ctx)
    clock = SystemClock()
    zone = zone_of(setting_of(ctx))
    bring_up_to_date(database, clock)
    now = clock.now() if at is None else _instant(at, zone)
    past = now < clock.now() - _ABOUT_NOW
    if past:
        click.echo("As far as is known now: what has been replaced or removed since does not count.", err=True)
    with database.read() as connection:
        if ambiguous:
            ctx.exit(_ambiguous(connection, as_json))
        brief = identity is None and not as_json and not past
        entries = kept.board(connection, now, None if identity is None else [identity], brief=brief, past=past)
        if identity is not None and not entries:
            raise UsageError(f"there is no deliverable {identity!r}. `assetwatch deliverables` lists them.")
        by_hand = [] if identity is None else said_by_hand(connection, entries[0].row.id)
    if on_time:
        _on_time(entries, as_json)
        return
    ahead = None if due_within is None else _ahead(due_within)
    wanted = [one for one in entries if _asked_for(one, late, ahead, states, now)]
    wanted.sort(key=rank)
    if as_json:
        write_json([deliverable_json(one) for one in wanted])
    elif identity is not None:
        from assetwatch.cli.card import card

        for line in card(wanted[0], now, zone, by_hand) if wanted else ():
            click.echo(line)
    elif not entries:
        click.echo("Nothing is scheduled. `assetwatch schedule import FILE` takes a schedule in.", err=True)
    else:
        _board(wanted, by, now, zone)
    ctx.exit(1 if any(is_wrong(one) for one in wanted) else 0)


def _instant(text: str, zone: tzinfo) -> datetime:
    from assetwatch.delivery.schedule_fields import read_instant

    try:
        return read_instant(text, zone)
    except ValueError as error:
        raise UsageError(f"--at: {error}") from None


def is_wrong(one: Entry) -> bool:
    """Whether a person has to do something: it is late, or what came is not right."""
    return one.status.late or one.status.state.value in ("failed", "rejected")


def rank(one: Entry) -> tuple[Any, ...]:
    """The order of the board: what is wrong or late first, then by due date."""
    state = one.status.state.value
    first = 0 if state in ("failed", "rejected") else 1 if one.status.late else 2 if one.status.due_soon else 3
    settled = state in ("arrived", "verified", "accepted", "waived", "cancelled")
    due = one.status.due
    return (settled and first == 3, first, due is None, due or 0, _ORDER.index(state), one.row.position)


def _ahead(within: str) -> timedelta:
    try:
        return timedelta(seconds=parse_duration(within))
    except ValueError as error:
        raise UsageError(f"--due-within: {error}") from None


def _asked_for(one: Entry, late: bool, ahead: timedelta | None, states: tuple[str, ...], now: datetime) -> bool:
    if late and not one.status.late:
        return False
    if states and one.status.state.value not in states:
        return False
    if ahead is None:
        return True
    open_ = one.status.state.value in ("expected", "partial", "failed", "rejected")
    return open_ and one.status.due is not None and one.status.due <= now + ahead


def deliverable_json(one: Entry) -> dict[str, Any]:
    """One deliverable as the contract's `deliverables --json` has it."""
    status = one.status
    return {
        "id": one.row.key,
        "name": one.row.name,
        "kind": one.row.kind,
        "from": one.row.sender,
        "to": one.row.receiver,
        "due": _time(status.due),
        "status": status.state.value,
        "late": status.late,
        "arrived_late": status.arrived_late,
        "due_soon": status.due_soon,
        "original_due": _time(status.original_due),
        "completed": _time(status.completed_at),
        "late_by": None if status.late_by is None else round(status.late_by.total_seconds()),
        "counts": {"required": status.required, "arrived": status.arrived, "verified": status.verified},
        "missing": [readable(name) for name in status.missing],
        "proof": one.known.proof.value,
        "items": [
            {
                "name": item.name,
                "required": item.required,
                "arrived": item.arrived,
                "verified": item.verified,
                "conforms": item.conforms,
                "files": [readable(path) for path in _current(one, item.name)],
                "missing": [readable(name) for name in item.missing],
                "waived": item.waived,
                "problems": [problem_json(finding) for finding in item.problems],
            }
            for item in status.items
        ],
        "problems": [problem_json(finding) for finding in status.problems],
        "decision": None if status.holds is None else _decision(status.holds),
        "reopened": None if status.reopened is None else _decision(status.reopened),
    }


def _time(when: datetime | None) -> str | None:
    return None if when is None else rfc3339(microseconds(when))


def _decision(said: Any) -> dict[str, Any]:
    return {"word": said.word.value, "at": _time(said.at), "by": said.by, "why": said.why}


def problem_json(finding: Finding) -> dict[str, Any]:
    """What is wrong, as the contract's `deliverables --json` has it."""
    volume, _, path = (finding.path or "").partition(":")
    return {
        "rule": finding.rule,
        "expected": finding.expected,
        "observed": finding.observed,
        "path": readable(path) if finding.path else None,
        **({"path_bytes": exact} if (exact := percent(path)) is not None else {}),
        "volume": volume or None,
        "outcome": finding.outcome.value,
        "notice": finding.notice,
    }


def _current(one: Entry, name: str) -> list[str]:
    """The paths of what fulfils an item."""
    return [
        linked.path
        for item in one.known.items
        if item.name == name
        for linked in item.linked
        if linked.role.value in ("current", "conflict")
    ]


def word_of(one: Entry) -> str:
    """The status in a word or two, with what stands beside it."""
    status = one.status
    return status.state.value + (
        ", late"
        if status.late
        else ", arrived late"
        if status.arrived_late
        else ", due soon"
        if status.due_soon
        else ""
    )


def _board(entries: list[Entry], by: str | None, now: datetime, zone: tzinfo) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not entries:
        click.echo("No deliverable fits.", err=True)
        return
    out = console()
    narrow = out.width < _WIDE
    for group, some in _groups(entries, by, zone):
        if by is not None:
            late = sum(one.status.late for one in some)
            title = escape(shown(group)) or _UNNAMED[by]
            out.print(f"[bold]{title}[/]: {len(some)}" + (f", {late} late" if late else ""))
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("ID", "NAME", "DUE", "STATUS", "HERE") if narrow else _COLUMNS:
            most = _STATUS_WIDTH if narrow and name == "STATUS" else None
            table.add_column(name, overflow="fold", no_wrap=name in ("DUE", "HERE"), max_width=most)
        for one in some:
            status = one.status
            colour = "bold red" if status.late else _COLOURS.get(status.state.value, "")
            word = word_of(one)
            name, sender, what = (escape(shown(text)) for text in (one.row.name, one.row.sender, summary(one, now)))
            cells = [
                escape(shown(one.row.key)),
                "\n".join(part for part in (name, sender and f"from {sender}", what) if part) if narrow else name,
                *([] if narrow else [sender]),
                due_text(status.due, zone),
                f"[{colour}]{word}[/]" if colour else word,
                f"{status.arrived} of {status.required}",
                *([] if narrow else [what]),
            ]
            table.add_row(*cells)
        out.print(table)


def _groups(entries: list[Entry], by: str | None, zone: tzinfo) -> Iterable[tuple[str, list[Entry]]]:
    if by is None:
        return [("", entries)]
    groups: dict[str, list[Entry]] = {}
    for one in entries:
        groups.setdefault(_group_of(one, by, zone), []).append(one)
    # R10 comes after R9; what belongs to none comes last.
    return sorted(groups.items(), key=lambda group: (not group[0], by == "reel" and len(group[0]), group[0]))


def _group_of(one: Entry, by: str, zone: tzinfo) -> str:
    if by == "vendor":
        return one.row.sender
    if by == "kind":
        return one.row.kind
    if by == "status":
        return one.status.state.value
    if by == "due":
        return "" if one.status.due is None else one.status.due.astimezone(zone).date().isoformat()
    from assetwatch.delivery.comparison import reel_of

    number = reel_of(one.scheduled)
    return "" if number is None else f"R{number}"


def due_text(due: datetime | None, zone: tzinfo) -> str:
    """When it is due, in the show's zone."""
    return "-" if due is None else local_time(microseconds(due), zone)


def summary(one: Entry, now: datetime) -> str:
    """What a person has to know of a deliverable, in one line."""
    status = one.status
    if status.holds is not None:
        again = status.holds.word.value == "reject" and any(
            f.rule == "version" and "sent again" in str(f.observed) for item in status.items for f in item.problems
        )
        why = f": {status.holds.why}" if status.holds.why else ""
        return f"{status.state.value} by {status.holds.by}{why}" + ("; the same file was sent again" if again else "")
    failing = [f for item in status.items for f in item.problems if f.failed] + [f for f in status.problems if f.failed]
    parts = []
    if failing:
        told = sentences(failing)
        parts.append(told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else ""))
    if status.missing:
        more = f" and {len(status.missing) - 3} more" if len(status.missing) > 3 else ""
        parts.append("missing: " + ", ".join(status.missing[:3]) + more)
        lacking = [f for item in status.items if item.missing for f in item.problems if f.rule in _NOT_WHOLE]
        if lacking:  # something of what is missing has come, or had
            told = sentences(lacking)
            parts.append(told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else ""))
    if status.late and status.late_by is not None:
        parts.append(f"late by {duration(status.late_by.total_seconds())}")
    if status.reopened is not None:
        parts.append(_reopened(status.reopened))
    return "; ".join(parts)


def _reopened(said: Decision) -> str:
    """That a person's word held until the files changed."""
    why = f" ({said.why})" if said.why else ""
    return f"{SAID.get(said.word.value, said.word.value)} by {said.by}{why}, but the files have changed since"


def _ambiguous(connection: Any, as_json: bool) -> int:
    from assetwatch.catalog import deliverables as rows
    from assetwatch.catalog import volumes

    names = volumes.names(connection)
    found = rows.ambiguous(connection)
    if as_json:
        write_json(
            [
                {
                    "volume": names.get(volume_id),
                    "path": readable(path),
                    "items": [{"deliverable": key, "item": item} for key, item in taken],
                }
                for volume_id, path, taken in found
            ]
        )
    else:
        for volume_id, path, taken in found:
            click.echo(
                f"{shown(names.get(volume_id, ''))}:{shown(path)}  "
                + "; ".join(f"{shown(key)}, {shown(item)}" for key, item in taken)
            )
        if not found:
            click.echo("No file fits more than one item.", err=True)
    return 1 if found else 0


def _on_time(entries: list[Entry], as_json: bool) -> None:
    """Of every sender: how many came in time, late, or are late now."""
    record: dict[str, dict[str, int]] = {}
    for one in entries:
        mine = record.setdefault(
            one.row.sender, {"deliverables": 0, "on_time": 0, "arrived_late": 0, "late": 0, "open": 0}
        )
        mine["deliverables"] += 1
        status = one.status
        if status.late:
            mine["late"] += 1
        elif status.arrived_late:
            mine["arrived_late"] += 1
        elif status.completed_at is not None:
            mine["on_time"] += 1
        elif status.state.value in ("expected", "partial", "failed", "rejected"):
            mine["open"] += 1
    if as_json:
        write_json([{"from": sender, **counts} for sender, counts in sorted(record.items())])
        return
    for sender, counts in sorted(record.items()):
        click.echo(
            f"{shown(sender) or 'nobody named'}: {counted(counts['deliverables'], 'deliverable')}, "
            f"{counts['on_time']} in time, "
            f"{counts['arrived_late']} arrived late, {counts['late']} late now, {counts['open']} still open"
        )
