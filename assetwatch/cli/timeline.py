"""Which sources does a cut name? Plumbing for `timeline FILE`; no catalog."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.cli.output import console, json_option, write_json
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, shown

if TYPE_CHECKING:
    from assetwatch.media.timelines.values import Timeline


@click.command("timeline")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--fps", metavar="RATE", help='The frame rate, where the file does not say: "24", "23.976" or "24000/1001".'
)
@click.option(
    "--against",
    metavar="OLD",
    type=click.Path(path_type=str),
    help="An earlier version of the cut: what was added, dropped, or changed in length since.",
)
@json_option
@click.pass_context
def timeline_command(ctx: click.Context, file: str, fps: str | None, against: str | None, as_json: bool) -> None:
    """Print what a cut list names: EDL, ALE, AAF, Final Cut Pro 7 XML, FCPXML or OTIO.

    With --against what changed since an earlier version of the cut; exits with 1 where anything did.

    \b
    Examples:
      assetwatch timeline R1_v012.edl --fps 24
      assetwatch timeline R1_v012.aaf --json | jq '.sources[].clip'
      assetwatch timeline R1_v012.edl --against R1_v011.edl
    """
    from assetwatch.media.timelines.wire import to_json

    rate = None if fps is None else rate_of(fps)
    timeline = read(file, rate)
    if against is not None:
        ctx.exit(_changes(read(against, rate), timeline, as_json))
    document = to_json(timeline)
    if as_json:
        write_json(document)
    else:
        _print(document)


def read(file: str, rate: Fraction | None) -> Timeline:
    """The cut list that a person named. Raises UsageError, TimelineFault."""
    from assetwatch.media.timelines.read import read_timeline

    if not os.path.lexists(file):
        raise UsageError(f"{shown(from_os(file))}: there is no such file.")
    # A person who names a link means what it leads to; what a list names is never followed.
    return read_timeline(Path(os.path.realpath(file)), frame_rate=rate)


def _changes(old: Timeline, new: Timeline, as_json: bool) -> int:
    """Tell what changed between two versions of a cut; the exit code."""
    from assetwatch.delivery.cut_changes import line_of, summary, told
    from assetwatch.media.timelines.compare import compare
    from assetwatch.media.timelines.wire import change_json

    changes = compare(old, new)
    news = told(changes)
    same_length = old.duration_frames == new.duration_frames
    if as_json:
        write_json(
            {
                "old": {"name": old.name, "start": old.start, "duration": old.duration_frames},
                "new": {"name": new.name, "start": new.start, "duration": new.duration_frames},
                "changes": [change_json(change) for change in changes],
            }
        )
    else:
        for change in news:
            click.echo(shown(line_of(change)))
        click.echo(summary(changes, old, new), err=not news)
    return 1 if news or not same_length or any(change.moved_frames for change in changes) else 0


def rate_of(text: str) -> Fraction:
    """The rate that `--fps` means. Raises UsageError."""
    from assetwatch.media.timelines.tc import exact_rate

    rate = exact_rate(text)
    if rate is None:
        raise UsageError(f'--fps {text!r}: expected a rate such as "24", "23.976" or "24000/1001".')
    return rate


def _print(document: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    parts = [str(document["name"] or "no name"), str(document["format"])]
    parts += [f"{document['frame_rate']} fps"] if document["frame_rate"] else []
    parts += [f"starts {document['start']}"] if document["start"] else []
    parts += [f"{document['duration']} frames"] if document["duration"] is not None else []
    out.print(escape(shown(", ".join(parts))))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("REEL", overflow="fold")
    table.add_column("CLIP", overflow="fold", ratio=1)
    table.add_column("IN", no_wrap=True)
    table.add_column("OUT", no_wrap=True)
    table.add_column("TRACKS", overflow="fold")
    for one in document["sources"]:
        name = one["clip"] or one["file"] or ""
        table.add_row(
            escape(shown(str(one["reel"] or ""))),
            escape(shown(str(name))),
            str(one["in"] or ""),
            str(one["out"] or ""),
            " ".join(str(track) for track in one["tracks"]),
        )
    out.print(table)
    for warning in document["warnings"]:
        out.print(f"[yellow]![/] {escape(shown(str(warning)))}", soft_wrap=True)
