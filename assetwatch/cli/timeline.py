"""Which sources does a cut name? Plumbing for `timeline FILE`; no catalog."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from assetwatch.cli.output import console, json_option, write_json
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, shown


@click.command("timeline")
@click.argument("file", type=click.Path(path_type=str))
@click.option(
    "--fps", metavar="RATE", help='The frame rate, where the file does not say: "24", "23.976" or "24000/1001".'
)
@json_option
@click.pass_context
def timeline_command(ctx: click.Context, file: str, fps: str | None, as_json: bool) -> None:
    """Print what a cut list names: EDL, ALE, AAF, Final Cut Pro 7 XML, FCPXML or OTIO.

    \b
    Examples:
      assetwatch timeline R1_v012.edl --fps 24
      assetwatch timeline R1_v012.aaf --json | jq '.sources[].clip'
    """
    from assetwatch.media.timelines.read import read_timeline
    from assetwatch.media.timelines.wire import to_json

    rate = None if fps is None else _rate(fps)
    if not os.path.lexists(file):
        raise UsageError(f"{shown(from_os(file))}: there is no such file.")
    # A person who names a link means what it leads to; what a list names is never followed.
    timeline = read_timeline(Path(os.path.realpath(file)), frame_rate=rate)
    document = to_json(timeline)
    if as_json:
        write_json(document)
    else:
        _print(document)


def _rate(text: str) -> Fraction:
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
