"""The first page: is everything watched, what arrived, what is wrong?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from assetwatch import app
from assetwatch.catalog import messages, promises, queries, reporting, volumes
from assetwatch.cli.output import catalog_of, console, json_option, setting_of, styled, write_json, zone_of
from assetwatch.clock import SystemClock
from assetwatch.paths import readable, shown
from assetwatch.report.wording import many
from assetwatch.units import duration, instant, local_time, microseconds, rfc3339, size

#: How many deliverables are told of one by one.
_OWED_MAX = 10

#: A keeper that has not said anything for so long is not working any more (microseconds).
_SILENT_US = 60_000_000


@click.command("status")
@click.option(
    "--since",
    metavar="AGE",
    default="24h",
    show_default=True,
    help='What counts as newly arrived, such as "8h" or "2d".',
)
@json_option
@click.pass_context
def status_command(ctx: click.Context, since: str, as_json: bool) -> None:
    """The first page: what needs a person, the volumes, what arrived.

    Exits with 1 when something is wrong: files that do not match, are unreadable or missing; a volume that is offline;
    a package that is not complete or not what its sender's list says; a deliverable that is late, failed or rejected.

    \b
    Examples:
      assetwatch status --since 8h
      assetwatch status --json | jq '.volumes[] | select(.online | not)'
    """
    from assetwatch.cli.files import parse_since

    setting = setting_of(ctx)
    now = SystemClock().now()
    now_us = microseconds(now)
    zone = zone_of(setting)
    since_us = parse_since(since, zone)
    with catalog_of(ctx).read() as connection:
        rows = volumes.all_volumes(connection)
        tallies = queries.tallies(connection)
        alerts = volumes.open_alerts(connection)
        keeper = volumes.latest_keeper(connection, "run")
        recent, recent_files, recent_bytes = queries.arrived_since(connection, since_us)
        wrong = queries.problem_files(connection)
        verification = queries.last_run(connection, "verify")
        report = queries.last_run(connection, "report")
        kept = promises.promises(connection)
        unlisted = _without_list(connection, setting, rows)
        waiting, unsent = messages.waiting(connection), messages.failed(connection)
        board = _board(connection, now)
        gone = any(presence == "missing" for _, presence, *_ in tallies)
        # What came under another name is not missing to anybody.
        moved = reporting.transformed(connection) if gone else 0
        known = reporting.acknowledged(connection)
    document: dict[str, Any] = {
        "volumes": [_volume(row, tallies) for row in rows],
        "files": {
            "by_presence": _sum(tallies, rows, 1),
            "by_integrity": _sum(tallies, rows, 2),
            "acknowledged": known,
        },
        "deliverables": {
            "by_status": dict(sorted(Counter(one.status.state.value for one in board).items())),
            "late": sum(one.status.late for one in board),
            "due_soon": sum(one.status.due_soon for one in board),
        },
        "alerts": _alerts(alerts, rows),
        "problems": [
            {"volume": volume, "path": readable(path), "state": state, "problem": problem or None}
            for volume, path, state, problem in wrong
        ],
        "packages": [one.as_json() for one in kept],
        "without_manifest": [{"volume": volume, "path": readable(path)} for volume, path in unlisted],
        "last_verification": _run(verification),
        "last_report": _run(report),
        "sending": _sending(waiting, unsent),
        "daemon": _daemon(keeper, now_us),
    }
    if as_json:
        write_json(document)
    else:
        here = Counter[str]()
        for _, presence, integrity, count, _ in tallies:
            here["missing" if presence == "missing" else integrity] += count
        here["missing"] -= moved
        _print(document, here, recent, recent_files, recent_bytes, since, zone, now_us, rows, kept, board)
    arriving = any(presence == "arriving" for _, presence, *_ in tallies)
    broken = any(one.news_wrong or (one.news and not arriving) for one in kept)
    owed = document["deliverables"]
    undone = owed["late"] or owed["by_status"].get("failed") or owed["by_status"].get("rejected")
    alarmed = any(one.kind not in volumes.DERIVED_ALERTS for one in alerts)
    ctx.exit(1 if alarmed or wrong or broken or unlisted or undone or unsent else 0)


def _board(connection: Any, now: datetime) -> list[Any]:
    """The deliverables, worst first; what is needed for them is loaded only where there is a schedule."""
    from assetwatch.catalog import deliverables

    if not deliverables.any_scheduled(connection):
        return []
    from assetwatch.cli.deliverables import rank
    from assetwatch.delivery.kept import board

    return sorted(board(connection, now, brief=True), key=rank)


def _without_list(connection: Any, setting: app.Setting, rows: Any) -> list[tuple[str, str]]:
    """Folders that must have a sender's list, by the configuration, and have none: (volume, path)."""
    by_name = {row.name: row.id for row in rows}
    return [
        (section.name, path)
        for section in setting.config.volume
        if section.name in by_name
        for path in promises.without_list(connection, by_name[section.name], section.manifest_for)
    ]


def _volume(row: Any, tallies: Any) -> dict[str, Any]:
    mine = [one for one in tallies if one[0] == row.id]
    return {
        "name": row.name,
        "root": readable(row.root),
        "project": row.project,
        "online": bool(row.online),
        "reason": row.reason,
        # What a keeper said stays when it lets a volume go: taken out of the configuration, or stopped.
        "watching": row.watching if row.keeper_id is not None or row.watching == "scan" else None,
        "file_system": row.file_system,
        "files": sum(n for _, presence, _, n, _ in mine if presence != "missing"),
        "bytes": sum(s for _, presence, _, _, s in mine if presence != "missing"),
        "arriving": sum(n for _, presence, _, n, _ in mine if presence == "arriving"),
        "missing": sum(n for _, presence, _, n, _ in mine if presence == "missing"),
        "last_event": rfc3339(row.last_event_us),
        "last_scan": rfc3339(row.last_scan_us),
        "overflows": row.overflows,
        "watches": row.watches,
        "watch_limit": row.watch_limit,
        "ignored": json.loads(row.ignored),
    }


def _sum(tallies: Any, rows: Any, axis: int) -> dict[str, int]:
    """Files by one axis; those of a volume that is not there count as offline."""
    offline = {row.id for row in rows if not row.online}
    counts: dict[str, int] = {}
    for one in tallies:
        key = "offline" if axis == 1 and one[0] in offline else str(one[axis])
        counts[key] = counts.get(key, 0) + one[3]
    return counts


def _alerts(alerts: Sequence[volumes.AlertRow], rows: Sequence[Any]) -> list[dict[str, Any]]:
    names = {row.id: row.name for row in rows}
    return [
        {
            "kind": one.kind,
            "volume": None if one.volume_id is None else names.get(one.volume_id),
            "since": rfc3339(one.opened_us),
            "text": readable(one.text),
        }
        for one in alerts
    ]


def _run(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "run": found["run"],
        "started": rfc3339(found["started_us"]),
        "finished": rfc3339(found["finished_us"]),
        "complete": found["complete"],
        # How each deliverable stood is for the next report.
        **{key: value for key, value in found["counts"].items() if key != "standing"},
    }


def _sending(waiting: messages.Waiting, unsent: list[messages.Failed]) -> dict[str, Any]:
    """Word to people: how much of it waits, and what did not get through."""
    return {
        "waiting": waiting.count,
        "oldest": rfc3339(waiting.oldest_us),
        "failed": [
            {
                "route": one.route,
                "place": one.place,
                "kind": one.kind,
                "subject": one.subject,
                "made": rfc3339(one.made_us),
                "tries": one.tries,
                "next_try": None if one.given_up_us is not None else rfc3339(one.next_us),
                "given_up": rfc3339(one.given_up_us),
                "fault": one.fault,
            }
            for one in unsent
        ],
    }


def _unsent(sending: dict[str, Any]) -> list[str]:
    """What did not get through, a line a place: the last fault, and how many messages."""
    from rich.markup import escape

    by_place: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in sending["failed"]:
        by_place.setdefault((one["route"], one["place"]), []).append(one)
    lines = []
    for (route, place), some in by_place.items():
        lost = sum(one["given_up"] is not None for one in some)
        count = "1 message" if len(some) == 1 else f"{len(some)} messages"
        end = "" if not lost else ", given up" if lost == len(some) else f", {lost} of them given up"
        text = f"{count} not sent to {route} ({place}){end}: {some[-1]['fault']}"
        lines.append(f"[bold red]![/] {escape(shown(text))}")
    return lines


def _daemon(keeper: Any, now_us: int) -> dict[str, Any] | None:
    """The daemon's state; None where none runs."""
    if keeper is None or keeper.stopped_us is not None:
        return None
    alive = app.is_alive(keeper.host, keeper.pid, keeper.boot_id)
    silent = now_us - keeper.beat_us > _SILENT_US
    if alive is False or (alive is None and silent):
        return None
    return {
        "host": keeper.host,
        "pid": keeper.pid,
        "version": keeper.version,
        "started": rfc3339(keeper.started_us),
        "heard_from": rfc3339(keeper.beat_us),
        "responding": not silent,
        **json.loads(keeper.doing),
    }


def _print(
    document: dict[str, Any],
    here: Counter[str],
    recent: Any,
    recent_files: int,
    recent_bytes: int,
    since: str,
    zone: Any,
    now_us: int,
    rows: Any,
    kept: Any,
    board: list[Any],
) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    needs = _unsent(document["sending"])
    needs += [
        f"[bold red]![/] {escape(volumes.alert_sentence(one['text'], one['volume']))}"
        for one in document["alerts"]
        if one["kind"] not in volumes.DERIVED_ALERTS
    ]
    needs += [
        f"[bold red]![/] {styled(one['state'])}: {escape(shown(one['volume'] + ':' + one['path']))}"
        + (f": {escape(one['problem'])}" if one["problem"] else "")
        for one in document["problems"]
    ]
    needs += _more_problems(document, here)
    needs += [f"[bold red]![/] {escape(one.name)}: {escape(shown(text))}" for one in kept for text in one.news_wrong]
    needs += [
        f"[yellow]![/] {escape(shown(one['volume'] + ':' + one['path']))}: no list came from its sender"
        for one in document["without_manifest"]
    ]
    needs += _owed(board, now_us)
    daemon = document["daemon"]
    if daemon is None:
        needs.append("[yellow]![/] no daemon is running: nothing is being watched. Start it with `assetwatch run`.")
    elif not daemon["responding"]:
        needs.append(f"[bold red]![/] the daemon (process {daemon['pid']}) has said nothing for over a minute.")
    for line in needs:
        out.print(line)
    if needs:
        out.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, right in (
        ("VOLUME", False),
        ("STATE", False),
        ("FILES", True),
        ("SIZE", True),
        ("ARRIVING", True),
        ("LAST EVENT", False),
        ("LAST SCAN", False),
    ):
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "VOLUME", overflow="fold")
    for one, row in zip(document["volumes"], rows, strict=True):
        state = "online" if one["online"] else styled("offline")
        if one["online"] and daemon:
            state += f", {one['watching']}" if row.keeper_id is not None and one["watching"] else ", not watched"
        table.add_row(
            escape(shown(one["name"])),
            state,
            str(one["files"]),
            size(one["bytes"]),
            str(one["arriving"] or ""),
            _ago(row.last_event_us, now_us),
            _ago(row.last_scan_us, now_us),
        )
    out.print(table)
    for one in document["volumes"]:
        heard = _heard(one)
        if heard and daemon:
            out.print(f"  {escape(shown(one['name']))}: {heard}", soft_wrap=True)
    if document["files"]["by_integrity"]:
        out.print()
        out.print(f"Files: {_files(here, document['files']['acknowledged'])}")
    if board:
        states = ", ".join(f"{count} {state}" for state, count in document["deliverables"]["by_status"].items())
        out.print(f"Deliverables: {states}")
    if document["last_verification"]:
        out.print(_verified(document["last_verification"], zone))
    open_promises = [one for one in kept if one.to_come and one.news]
    if kept:
        closed = sum(one.complete for one in kept)
        out.print(f"Packages with a sender's list: {len(kept)}, of these {closed} complete and verified")
    for one in open_promises[:20]:
        out.print(f"  {escape(one.name)}: {one.sentence()}")
    if daemon and daemon.get("reading"):
        for one in daemon["reading"]:
            share = f" ({100 * one['bytes_done'] // one['size']} %)" if one["size"] else ""
            out.print(
                f"Reading {escape(shown(one['path']))}: {size(one['bytes_done'])} of {size(one['size'] or 0)}{share}"
            )
    if recent_files:
        out.print()
        out.print(f"Arrived in the last {since}: {many(recent_files, 'file')}, {size(recent_bytes)}")
        arrived = Table(box=None, pad_edge=False, show_header=False)
        arrived.add_column(overflow="fold", ratio=1)
        arrived.add_column(justify="right", no_wrap=True)
        arrived.add_column(justify="right", no_wrap=True)
        arrived.add_column(no_wrap=True)
        for volume, path, count, total, last_us in recent:
            arrived.add_row(
                f"  {escape(shown(f'{volume}:{path}' if path else volume))}",
                many(count, "file"),
                size(total),
                local_time(last_us, zone),
            )
        out.print(arrived)


def _heard(volume: dict[str, Any]) -> str:
    """How well a volume is heard, where there is more to say than that it is: watches of the limit, overflows."""
    if not volume["online"] or volume["watching"] != "native":
        return ""
    said = [f"{many(volume['watches'], 'folder')} watched"]
    if volume["watch_limit"]:
        said[0] = f"{volume['watches']} of {volume['watch_limit']} watches used"
    if volume["overflows"]:
        times = "once" if volume["overflows"] == 1 else f"{volume['overflows']} times"
        said.append(f"the event queue overflowed {times}, and the volume was scanned")
    return ", ".join(said)


def _owed(board: list[Any], now_us: int) -> list[str]:
    """The deliverables that need a person, the worst of them one by one."""
    if not board:
        return []
    from rich.markup import escape

    from assetwatch.cli.deliverables import is_wrong

    wrong = [one for one in board if is_wrong(one)]
    lines = [f"[bold red]![/] {escape(shown(_stands(one, instant(now_us))))}" for one in wrong[:_OWED_MAX]]
    if len(wrong) > _OWED_MAX:
        more = many(len(wrong) - _OWED_MAX, "more deliverable")
        lines.append(f"[bold red]![/] and {more}: assetwatch deliverables")
    rest = [one for one in board if not is_wrong(one)]
    for told, some in (
        ("open again, because files have changed since a person's word", [one for one in rest if one.status.reopened]),
        ("due soon", [one for one in rest if one.status.due_soon]),
    ):
        if some:
            names = ", ".join(escape(shown(one.row.key)) for one in some[:5]) + (" ..." if len(some) > 5 else "")
            lines.append(f"[yellow]![/] {told}: {names}")
    return lines


def _stands(one: Any, now: datetime) -> str:
    """Where a deliverable stands, in a line: whose it is, its state, what is wrong."""
    from assetwatch.cli.deliverables import summary, word_of

    word, said, state = word_of(one), summary(one, now), one.status.state.value
    whose = one.row.key + (f" from {one.row.sender}" if one.row.sender else "")
    # A person's word says the state itself.
    told = (
        f"{said}{word.removeprefix(state).replace(',', ';')}" if said.startswith(f"{state} by") else f"{word}: {said}"
    )
    return f"{whose}: {told.removesuffix(': ')}"


def _files(here: Counter[str], known: dict[str, int]) -> str:
    """Files by integrity, and those that are gone; of what is wrong, how much of it is known to a person."""
    parts = []
    for state in (*sorted(state for state in here if state != "missing"), "missing"):
        if not here[state]:
            continue
        said = known.get(state, 0)
        beside = "" if not said else " (acknowledged)" if said >= here[state] else f" ({said} acknowledged)"
        parts.append(f"{here[state]} {styled(state)}{beside}")
    return ", ".join(parts) or "none"


def _more_problems(document: dict[str, Any], here: Counter[str]) -> list[str]:
    """How many files are wrong beside those that are told of one by one."""
    known = document["files"]["acknowledged"]
    lines = []
    for state, option in (
        ("mismatch", "--integrity mismatch"),
        ("missing", "--presence missing"),
        ("unreadable", "--integrity unreadable"),
    ):
        told = sum(one["state"] == state for one in document["problems"])
        more = here[state] - known.get(state, 0) - told
        if more > 0:
            beside = f"{more} more" if told else many(more, "file")
            lines.append(f"[bold red]![/] {styled(state)}: {beside}: assetwatch files {option}")
    return lines


def _verified(last: dict[str, Any], zone: Any) -> str:
    """The last sweep in one line."""

    def when(text: str) -> str:
        return local_time(microseconds(datetime.fromisoformat(text)), zone)

    wrong = [f"{last[word]} {styled(word)}" for word in ("mismatch", "missing", "unreadable") if last.get(word)]
    line = f"Last checked {when(last['finished'])}: {many(last['checked'], 'file')}, {size(last['bytes'])}, "
    line += ", ".join(wrong) if wrong else "all as recorded" if last["checked"] else "nothing was read"
    if last["not_checked"]:
        line += f"; {many(last['not_checked'], 'file')} not checked"
    if not last["complete"] and last["everything_checked_by"]:
        line += f", at this pace all will be by {when(last['everything_checked_by'])}"
    return line


def _ago(us: int | None, now_us: int) -> str:
    """How long ago, for a table: exact times are in `--json`."""
    if us is None:
        return "-"
    seconds = max(0.0, (now_us - us) / 1_000_000)
    return "now" if seconds < 2 else f"{duration(seconds)} ago"
