"""Which plates does a pull list ask for, and are they in a folder with all their frames?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.cli.output import console, json_option, write_json
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, readable, shown
from assetwatch.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetwatch.delivery.plates import Held, Plate
    from assetwatch.media.timelines.pulls import Pull

#: A pull list that is larger is something else.
_MOST_BYTES = 64 << 20


@click.command("pulls")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), required=False)
@click.option("--handles", type=click.IntRange(min=0), default=0, metavar="N", help="Frames wanted at both ends. [0]")
@click.option("--fps", metavar="RATE", help='The frame rate, where the list does not say: "24", "23.976".')
@json_option
@click.pass_context
def pulls_command(
    ctx: click.Context, file: Path, folder: Path | None, handles: int, fps: str | None, as_json: bool
) -> None:
    """Print which plates a pull list (EDL, or a table as CSV) asks for; with FOLDER whether they are below it.

    Compared are frame ranges, gaps, empty frames, and with --handles the length. Plates are image sequences; their
    names are enough, and no file is opened. Exits with 1 where a plate is missing or not as asked for.

    \b
    Examples:
      assetwatch pulls SH010_pull.csv
      assetwatch pulls R1_vfx_pull.edl /mnt/vfx/out --fps 24 --handles 8
    """
    from assetwatch.cli.timeline import rate_of
    from assetwatch.delivery.plates import held_against
    from assetwatch.media.timelines.pulls import read_pulls

    try:
        raw = file.read_bytes() if file.stat().st_size <= _MOST_BYTES else b""
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from error
    pulls = read_pulls(raw, file, frame_rate=None if fps is None else rate_of(fps))
    plates = [] if folder is None else _plates(folder)
    held = held_against(pulls, plates, handles)
    if as_json:
        write_json([_row(one, folder is not None) for one in held])
    elif folder is None:
        _print(pulls)
    else:
        _judge(held)
    ctx.exit(1 if folder is not None and any(_is_wrong(one) for one in held) else 0)


def _plates(folder: Path) -> list[Plate]:
    """The image sequences below a folder."""
    from assetwatch.delivery.plates import Plate
    from assetwatch.media.sequences import format_ranges, frame_of, group, series_key

    found: list[Plate] = []
    for root, _, names in os.walk(folder):
        series: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
        for name in names:
            frame = frame_of(name)
            if frame is None:
                continue
            try:
                size = os.lstat(Path(root) / name).st_size
            except OSError:
                continue
            series.setdefault(series_key(frame), []).append((frame.frame, frame.width, size))
        where = os.path.relpath(root, folder)
        for (prefix, suffix), rows in sorted(series.items()):
            for one in group(prefix, suffix, rows):
                path = from_os(one.name if where == "." else f"{where}/{one.name}")
                found.append(Plate(path, one.first, one.last, one.missing_text, format_ranges(one.zero_byte)))
    return found


def _is_wrong(one: Held) -> bool:
    return one.plate is None or bool(one.lacking) or any(finding.failed for finding in one.findings)


def _row(one: Held, looked: bool) -> dict[str, Any]:
    pull = one.pull
    document: dict[str, Any] = {
        "name": pull.name,
        "reel": pull.reel,
        "clip": pull.clip,
        "file": pull.file,
        "in": pull.source_in,
        "out": pull.source_out,
        "first": pull.first_frame,
        "last": pull.last_frame,
        "frames": pull.frames,
        "handles": pull.handle_frames,
        "line": pull.line,
    }
    if looked:
        plate = one.plate
        document["plate"] = None if plate is None else readable(plate.path)
        document["missing"] = one.lacking
        document["problems"] = [
            {"rule": f.rule, "expected": f.expected, "observed": f.observed, "notice": f.notice} for f in one.findings
        ]
    return document


def _print(pulls: Sequence[Pull]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from assetwatch.delivery.plates import called

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("PLATE", "REEL", "IN", "OUT", "FRAMES", "COUNT"):
        table.add_column(name, overflow="fold", justify="right" if name == "COUNT" else "left")
    for pull in pulls:
        numbers = "" if pull.first_frame is None else f"{pull.first_frame}-{pull.last_frame}"
        table.add_row(
            escape(shown(called(pull))),
            escape(shown(pull.reel or "")),
            pull.source_in or "",
            pull.source_out or "",
            numbers,
            "" if pull.frames is None else str(pull.frames),
        )
    console().print(table)


def _judge(held: Sequence[Held]) -> None:
    from assetwatch.catalog.things import frames_text
    from assetwatch.delivery.plates import label_of
    from assetwatch.delivery.wording import sentence

    for one in held:
        label = shown(label_of(one.pull))
        if one.plate is None:
            click.echo(f"{label}: not here")
            continue
        said = [f"{frames_text(one.lacking)} missing"] if one.lacking else []
        said += [sentence(finding) for finding in one.findings]
        click.echo(f"{label}: {shown(one.plate.path)}" + (f"; {shown('; '.join(said))}" if said else ""))
    wrong = sum(_is_wrong(one) for one in held)
    click.echo(f"{counted(len(held), 'plate')}, {wrong} of them missing or not as asked for", err=True)
