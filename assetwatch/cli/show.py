"""What is the story of one file or folder, in plain words?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, Final
from urllib.parse import quote

import click

from assetwatch.app import Setting
from assetwatch.catalog import promises, queries, volumes
from assetwatch.catalog.queries import Listed
from assetwatch.cli.files import asset_json, file_json, problems_of
from assetwatch.cli.output import catalog_of, console, json_option, setting_of, styled, write_json, zone_of
from assetwatch.errors import UsageError
from assetwatch.model import FileKind, Presence
from assetwatch.paths import from_os, readable, shown
from assetwatch.report.wording import many
from assetwatch.units import duration, local_time, rfc3339, size

#: Files of a package that are named one by one.
_NAMED: Final = 10


@click.command("show")
@click.argument("path")
@json_option
@click.pass_context
def show_command(ctx: click.Context, path: str, as_json: bool) -> None:
    """Tell the whole story of a file: when it arrived, settled and was hashed, what it is, what happened to it since.

    PATH is a path on disk, a path below a volume, or `volume:path`. Of a folder its content is summed up.

    \b
    Examples:
      assetwatch show /mnt/ingest/A001/A001C001_260311_R1AB.mov
      assetwatch show ingest:A001
    """
    zone = zone_of(setting_of(ctx))
    with catalog_of(ctx).read() as connection:
        volume, where = find_one(connection, path)
        one = queries.one_file(connection, volume, where)
        if one is None:
            _folder(connection, setting_of(ctx), volume, where, as_json)
            return
        versions = queries.versions_of(connection, one.row.id)
        observations = queries.observations_of(connection, one.row.id)
        claims = promises.claims_in_words(connection, one.row)
        media = None if one.row.version_id is None else queries.media_record(connection, one.row.version_id)
        twin = _twin_in_words(one.row.name, queries.twin_of(connection, one.row))
        reason = next((row.reason for row in volumes.all_volumes(connection) if row.name == volume), None)
    if as_json:
        write_json(
            {
                **file_json(one),
                "problems": problems_of(one) + twin,
                "versions": [_version_json(version) for version in versions],
                "observations": [
                    {"at": rfc3339(note["at_us"]), "what": note["what"], "detail": note["detail"]}
                    for note in observations
                ],
                "claims": [
                    {
                        "package": readable(package),
                        "verdict": claim.verdict,
                        "algorithm": claim.algorithm,
                        "expected": claim.expected,
                        "computed": claim.computed,
                        "judged_at": rfc3339(claim.judged_us),
                    }
                    for claim, package, _ in claims
                ],
                "probe": None if media is None else _probe_json(media),
            }
        )
    else:
        for line in story(one, versions, observations, media, zone, reason, [text for _, _, text in claims], twin):
            console().print(line, soft_wrap=True)
    ctx.exit(1 if _is_wrong(one) else 0)


def find_one(connection: Any, path: str) -> tuple[str, str]:
    """(volume, path) of the one file or folder that a person means. Raises UsageError where it is none or several."""
    found = _find(connection, path)
    if not found:
        raise UsageError(f"{path}: the catalog knows no such file or folder. `assetwatch files` lists what it knows.")
    if len(found) > 1:
        names = ", ".join(f"{volume}:{shown(where)}" for volume, where in found)
        raise UsageError(f"{path}: there are several: {names}. Give the volume's name in front.")
    return found[0]


def knows(connection: Any, path: str) -> bool:
    """Whether the catalog knows a file or folder by this name."""
    return bool(_find(connection, path))


def _is_wrong(one: Listed) -> bool:
    if one.row.known_us is not None:
        return False
    return one.presence == Presence.MISSING.value or one.row.integrity in ("mismatch", "unreadable")


def _find(connection: Any, path: str) -> list[tuple[str, str]]:
    """(volume, path) of what a person means: a path on disk first, where it lies below a volume's root."""
    text = from_os(os.path.abspath(path))
    for row in volumes.all_volumes(connection):
        root = row.root.rstrip("/")
        for given in (text, from_os(os.path.realpath(path))):
            if given == root:
                return [(row.name, "")]
            if given.startswith(root + "/"):
                inside = queries.find(connection, f"{row.name}:{given[len(root) + 1 :]}")
                if inside:
                    return inside
    return queries.find(connection, from_os(path))


def story(
    one: Listed,
    versions: list[dict[str, Any]],
    observations: list[dict[str, Any]],
    media: dict[str, Any] | None,
    zone: tzinfo,
    offline_reason: str | None,
    claims: list[str],
    problems: Sequence[str] = (),
) -> list[str]:
    """The story of a file as lines of rich markup, oldest event last but the present first."""
    from rich.markup import escape

    from assetwatch.cli.plumbing import describe

    row = one.row

    def when(us: int | None) -> str:
        return local_time(us, zone, seconds=True)

    lines = [f"[bold]{escape(shown(one.volume + ':' + one.path))}[/]"]
    if row.kind == FileKind.SYMLINK.value:
        lines.append(f"A symbolic link to `{escape(shown(row.target or '?'))}`. Links are recorded, never followed.")
    elif row.kind == FileKind.SPECIAL.value:
        lines.append("A FIFO, socket or device. Recorded, never opened.")
    if row.kind != FileKind.REGULAR.value:
        state = one.presence
        if state == Presence.MISSING.value:
            state = f"gone since {when(row.absent_us)}"
        elif state == Presence.OFFLINE.value:
            state = f"its volume is not there: {offline_reason or ''}"
        return [*lines, escape(f"First seen {when(row.first_seen_us)}; {state}")]
    lines.append(f"{size(row.size)} ({row.size} bytes), {styled(one.presence)}, {styled(row.integrity)}")
    if one.sequence:
        lines.append(f"A frame of {escape(shown(one.sequence))}")
    lines.append("")
    if one.presence == Presence.OFFLINE.value:
        lines.append(f"Its volume is not there, nothing is said of the file: {escape(offline_reason or '')}")
    elif one.presence == Presence.MISSING.value:
        lines.append(f"Gone since {when(row.absent_us)}: the volume is there, and two looks did not find the file.")
    elif one.presence == Presence.ARRIVING.value:
        changed = f"last changed as seen at {when(row.stat_since_us)}"
        doing = {
            "read": "It has come to rest, and waits to be read",
            "reading": "It has come to rest, and is being read",
        }
        lines.append(f"{doing.get(row.due_for or '', 'It is still arriving')}: {changed}.")
    if row.problem:
        problem = f"I{row.problem[1:]}." if row.problem.startswith("its ") else row.problem
        lines.append(f"[bold red]{escape(problem)}[/]")
        if row.due_us is not None and row.due_for == "read":
            lines.append(f"It is tried again at {when(row.due_us)}.")
    lines.append(_in_words(row))
    lines += [f"[yellow]{escape(text[:1].upper() + text[1:])}.[/]" for text in problems]
    lines += [f"It {escape(text)}." for text in claims]
    lines.append("")
    events: list[tuple[int, str]] = [(row.first_seen_us, "first seen")]
    for version in versions:
        events += _version_events(version)
    events += [(note["at_us"], escape(_noted(note))) for note in observations]
    if row.checked_us is not None and all(note["at_us"] != row.checked_us for note in observations):
        events.append((row.checked_us, "read again and found as recorded"))
    for at_us, text in sorted(events, key=lambda event: event[0]):
        lines.append(f"  {when(at_us)}  {text}")
    if one.digests:
        lines.append("")
        lines += [f"  {algorithm:7} {value}" for algorithm, value in sorted(one.digests.items())]
    if media is not None:
        lines.append("")
        if one.media is not None:
            lines += [escape(line) for line in describe(one.media)]
        elif media["status"] != "not_media":
            lines.append(f"Its media facts could not be read: {escape(media['reason'] or media['status'])}")
        if media["status"] != "not_media":
            lines.append(f"  [dim]read by {escape(media['tool'])} {escape(media['tool_version'])}[/]")
    return lines


def _twin_in_words(name: str, twin: str | None) -> list[str]:
    """Two names that people cannot tell apart, told apart by their bytes."""
    if twin is None:
        return []
    both = f"{quote(twin)}, and this one is {quote(name)} (Unicode NFC and NFD)"
    return [f"another file in this folder has a name that reads the same, in other bytes: {both}"]


def _in_words(row: Any) -> str:
    return {
        "pending": "Its bytes have not been read yet.",
        "recorded": "Its bytes are recorded. No sender's digest is known to compare them with.",
        "verified": "Its bytes equal what its sender said.",
        "mismatch": "[bold red]Its bytes are not what they should be.[/]",
        "unreadable": "[bold red]Its bytes could not be read.[/]",
    }[str(row.integrity)]


def _version_events(version: dict[str, Any]) -> list[tuple[int, str]]:
    took = duration(version["read_us"] / 1_000_000)
    how = (
        f"read in {took} and recorded"
        if version["how"] == "read"
        else "recorded as a further name of bytes already read"
    )
    settled_us = max(version["settled_us"], version["seen_us"])
    return [(settled_us, "came to rest"), (version["recorded_us"], f"{how}: {size(version['size'])}")]


def _noted(note: dict[str, Any]) -> str:
    """An observation in words."""
    detail = note["detail"]
    texts = {
        "changed": "was written to; its bytes have to be read again",
        "replaced": "has other bytes than before: a new version, the old one stays on record",
        "same_bytes": "was read again: its bytes are the same",
        "acknowledged": f"is known to be so: {detail.get('why', '')} ({detail.get('by', '?')})",
        "acknowledgement_taken_back": f"is told again: {detail.get('why', '')} ({detail.get('by', '?')})",
        "missing": "was found gone at the second look",
        "back": "is there again",
        "hard_link": "is another name (hard link) of a file that was read already",
        "set_aside": "was set aside",
        "misread": "was read wrongly once: a second reading, past the page cache, was as recorded",
        "healed": "reads as recorded again",
        "readable_again": "can be read again",
        "readings_differ": "was read a second time, and the two readings differ: the second is kept beside the first",
    }
    if note["what"] == "moved":
        return f"was moved here from {shown(detail.get('from', '?'))}"
    if note["what"] in ("verified", "mismatch"):
        lists = ", ".join(promises.speaking(path for path, _ in detail.get("lists", []))[:2])
        against = f" against {lists}" if lists else ""
        if note["what"] == "verified":
            return f"verified{against}: {detail.get('algorithm')} {detail.get('expected')}"
        return (
            f"MISMATCH{against}: {detail.get('algorithm')} expected {detail.get('expected')}, "
            f"computed {detail.get('computed')}"
        )
    if note["what"] == "unreadable":
        return f"could not be read: {detail.get('reason', '')}"
    return texts.get(note["what"], str(note["what"]))


def _probe_json(media: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": media["status"],
        "tool": media["tool"],
        "tool_version": media["tool_version"],
        "probed_at": rfc3339(media["probed_us"]),
        "reason": media["reason"],
    }


def _version_json(version: dict[str, Any]) -> dict[str, Any]:
    return {
        "size": version["size"],
        "digests": version["digests"],
        "seen": rfc3339(version["seen_us"]),
        "settled": rfc3339(version["settled_us"]),
        "recorded_at": rfc3339(version["recorded_us"]),
        "superseded_at": rfc3339(version["superseded_us"]),
        "how": version["how"],
    }


def _folder(connection: Any, setting: Setting, volume: str, path: str, as_json: bool) -> None:
    zone = zone_of(setting)
    summary = queries.folder_summary(connection, volume, path)
    kept = promises.promises(connection, volume, path)
    assets = list(queries.list_assets(connection, queries.Filter(pattern=path or None, volume=volume), 50))
    if as_json:
        write_json(
            {
                "volume": volume,
                "path": readable(path),
                "states": summary["states"],
                "first_seen": rfc3339(summary["first_seen_us"]),
                "recorded_at": rfc3339(summary["recorded_us"]),
                "packages": [one.as_json() for one in kept],
                "assets": [asset_json(one) for one in assets],
            }
        )
        return
    from rich.markup import escape

    out = console()
    out.print(f"[bold]{escape(shown(f'{volume}:{path}'))}[/]")
    total = sum(one["files"] for one in summary["states"])
    out.print(f"{many(total, 'file')}, {size(sum(one['size'] for one in summary['states']))}")
    for one in summary["states"]:
        out.print(f"  {one['files']} {styled(one['presence'])}, {styled(one['integrity'])}, {size(one['size'])}")
    out.print(
        f"First file seen {local_time(summary['first_seen_us'], zone)}, last recorded "
        f"{local_time(summary['recorded_us'], zone)}"
    )
    for promise in kept:
        out.print(f"{escape(promise.name)} ({promise.row.format}): {promise.sentence()}", soft_wrap=True)
        for text in promise.wrong:
            out.print(f"  [bold red]{escape(shown(text))}[/]", soft_wrap=True)
        if (known := promise.acknowledged) is not None:
            when = local_time(known["at_us"], zone)
            word = f"Known since {when} ({known['by']}: {known['why']}): {'; '.join(known['said'])}"
            out.print(f"  {escape(shown(word))}", soft_wrap=True)
        coming = promises.still_to_come(connection, promise, path, _NAMED)
        cut = len(promise.row.path) + 1 if promise.row.path else 0
        owed = [
            readable(one[cut:]) + (f" (its content is here as {readable(other)})" if other is not None else "")
            for one, other in coming
        ]
        _name(out, "to come:", owed, promise.to_come - promise.gone)
        _name(out, "no list names", promise.as_json()["extra"][:_NAMED], promise.counts.get("extra", 0))
    if _lacks_list(connection, setting, volume, path):
        out.print("[bold red]No list came from its sender[/], and by the configuration one has to.")
    for asset in assets:
        count = "" if asset.count is None else f"{many(asset.count, 'frame')}, "
        wrong = "".join(
            f", [bold red]{word} {frames}[/]"
            for word, frames in (("missing", asset.missing), ("empty", asset.zero_byte), ("odd size", asset.outliers))
            if frames
        )
        out.print(f"  {escape(shown(asset.name))}  {count}{size(asset.size)}{wrong}", soft_wrap=True)


def _name(out: Any, lead: str, paths: Sequence[str], count: int) -> None:
    """Name files of a package, and say how many more there are."""
    from rich.markup import escape

    for path in paths:
        out.print(f"  {lead} {escape(shown(path))}", soft_wrap=True)
    if paths and count > len(paths):
        out.print(f"  {lead} {count - len(paths)} more")


def _lacks_list(connection: Any, setting: Setting, volume: str, path: str) -> bool:
    """Whether the configuration wants a sender's list in this folder, and there is none."""
    wanted = [pattern for one in setting.config.volume if one.name == volume for pattern in one.manifest_for]
    known = next((row for row in volumes.all_volumes(connection) if row.name == volume), None)
    return known is not None and path in promises.without_list(connection, known.id, wanted)
