"""Which footage is not here, as far as what is here tells, with or without a schedule?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.cli.output import catalog_of, console, json_option, write_json
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, readable, shown
from assetwatch.units import size

if TYPE_CHECKING:
    from assetwatch.delivery.findings import Finding
    from assetwatch.delivery.shoot import Roll, Shoot


@click.command("footage")
@click.argument("path", required=False)
@click.option("--volume", metavar="NAME", help="Only this volume.")
@click.option(
    "--report",
    "reports",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A camera report, sound report or ALE from elsewhere; more than once for several.",
)
@json_option
@click.pass_context
def footage_command(
    ctx: click.Context, path: str | None, volume: str | None, reports: tuple[Path, ...], as_json: bool
) -> None:
    """Say which footage is missing below PATH, a folder of a volume; without PATH of everything in the catalog.

    Looked for are gaps in the clip numbers of a roll, spanned clips without a part, frames that are missing, empty or
    odd, rolls that appear twice, clips that an ALE or a camera or sound report (CSV) lists and that are not here, and
    shoot days with camera and without sound. Exits with 1 when anything is found.

    \b
    Examples:
      assetwatch footage OCF/2026-11-02
      assetwatch footage --report "Camera report day 12.csv"
    """
    from assetwatch.catalog import things, volumes
    from assetwatch.delivery.shoot import shoot_of, with_list

    with catalog_of(ctx).read() as connection:
        names = volumes.names(connection)
        if volume is not None and volume not in names.values():
            raise UsageError(f"there is no volume {volume!r}: expected one of {', '.join(map(repr, names.values()))}.")
        where = from_os((path or "").strip("/"))
        head, _, rest = where.partition(":")
        if head in names.values():
            volume, where = head, rest.strip("/")
        there = [
            thing
            for thing in things.below_folder(connection, where)
            if volume is None or names.get(thing.volume_id) == volume
        ]
        if path is not None and not there:
            raise UsageError(f"{path}: there is nothing in the catalog below it. Give a folder below a volume's root.")
        found = shoot_of(connection, there, lambda thing: f"{names.get(thing.volume_id, '')}:{thing.path}")
        incomplete = [thing for thing in there if thing.frames and thing.incomplete]
        lacking = [(f"{names.get(thing.volume_id, '')}:{thing.path}", thing.incomplete or "") for thing in incomplete]
    for report in reports:
        found = with_list(found, report.name, _content(report))
    findings = [*_frames(lacking), *found.findings()]
    if as_json:
        write_json(_document(found, findings))
    else:
        _print(found, findings)
    ctx.exit(1 if findings else 0)


def _content(report: Path) -> bytes:
    try:
        return report.read_bytes()
    except OSError as error:
        raise UsageError(f"{report}: cannot be read: {error.strerror}.") from error


def _frames(lacking: list[tuple[str, str]]) -> list[Finding]:
    from assetwatch.delivery.findings import Finding, Outcome

    return [Finding("complete", Outcome.FAIL, "every frame", text, path) for path, text in lacking]


def _document(found: Shoot, findings: list[Finding]) -> dict[str, Any]:
    from assetwatch.cli.deliverables import problem_json

    return {
        "rolls": [
            {
                "roll": readable(roll.name),
                "clips": roll.clips,
                "first": roll.first,
                "last": roll.last,
                "missing": roll.missing,
                "size": roll.size,
                "days": list(roll.days),
            }
            for roll in found.rolls()
        ],
        "lists": [{"path": readable(path), "clips": len(listed)} for path, listed in found.lists],
        "problems": [problem_json(finding) for finding in findings],
    }


def _print(found: Shoot, findings: list[Finding]) -> None:
    from assetwatch.delivery.wording import sentences

    rolls = found.rolls()
    if rolls:
        _rolls(rolls)
    for path, listed in found.lists:
        click.echo(f"{shown(path)} lists {len(listed)} clips")
    if findings:
        click.echo()
    for text in sentences(findings):
        click.echo(shown(text))
    if not findings:
        about = f"{len(found.shots)} clips of {len(rolls)} rolls" if found.shots else "no clip was found"
        click.echo(f"{about}: nothing is missing, as far as it can be told.", err=True)


def _rolls(rolls: list[Roll]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ROLL", "CLIPS", "NUMBERS", "MISSING", "SIZE", "DAY"):
        table.add_column(name, overflow="fold", justify="right" if name in ("CLIPS", "SIZE") else "left")
    for roll in rolls:
        table.add_row(
            escape(shown(roll.name)),
            str(roll.clips),
            "" if roll.first is None else f"{roll.first}-{roll.last}",
            f"[bold red]{roll.missing}[/]" if roll.missing else "",
            size(roll.size),
            ", ".join(roll.days),
        )
    console().print(table)
