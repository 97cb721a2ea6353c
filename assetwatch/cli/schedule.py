"""How does a schedule of deliverables come in, go out, and get tried before it does?"""

from __future__ import annotations

import sys
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.app import open_catalog
from assetwatch.cli.output import catalog_of, json_option, setting_of, write_json, zone_of
from assetwatch.clock import SystemClock
from assetwatch.errors import UsageError
from assetwatch.paths import readable, shown
from assetwatch.units import counted, microseconds

if TYPE_CHECKING:
    from assetwatch.delivery.schedule import Change, Schedule

#: Things that `schedule test` shows one by one on a terminal.
_SHOWN = 200


@click.group("schedule")
def schedule_command() -> None:
    """Import, export or try out a schedule of deliverables: who owes what to whom, and by when.

    \b
    Examples:
      assetwatch schedule template sound-turnover > show.toml
      assetwatch schedule import show.xlsx --dry-run
      assetwatch schedule test 'SOUND/R1/**/*_v{version}.aaf'
    """


@schedule_command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@click.pass_context
def import_command(ctx: click.Context, file: Path, dry_run: bool, as_json: bool) -> None:
    """Put the schedule in FILE (TOML, CSV or XLSX) in force, in place of the one before.

    What was linked and decided stays, by the ids of deliverables and the names of items. Nothing is applied where
    anything is wrong in the file. Exits with 1 then.

    \b
    Examples:
      assetwatch schedule import show.xlsx --dry-run
      assetwatch schedule import show.toml
    """
    from assetwatch.catalog import deliverables as rows
    from assetwatch.delivery import kept
    from assetwatch.delivery.link import bring_up_to_date
    from assetwatch.delivery.schedule import difference

    setting = setting_of(ctx)
    zone = zone_of(setting)
    read = read_schedule(file, zone)
    clock = SystemClock()
    database = open_catalog(setting, clock, create=True)
    ctx.call_on_close(database.close)
    with database.read() as connection:
        changes = difference(kept.schedule_in(connection), read.deliverables, zone)
    applied = not dry_run and not read.faults
    if applied:
        with database.write() as connection:
            rows.apply(connection, [kept.as_scheduled(one) for one in read.deliverables], microseconds(clock.now()))
        bring_up_to_date(database, clock)
    if as_json:
        write_json(_import_json(read, changes, applied))
    else:
        _print_import(read, changes, applied, file)
    ctx.exit(1 if read.faults else 0)


def read_schedule(file: Path, zone: tzinfo) -> Schedule:
    """The schedule in a file, by its ending. Raises UsageError where it cannot be read at all."""
    ending = file.suffix.lower()
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from error

    def load(name: str) -> bytes:
        """A file that the schedule names, beside it."""
        return (file.parent / name).read_bytes()

    if ending in (".xlsx", ".xlsm"):
        from assetwatch.delivery.schedule_xlsx import read_xlsx

        return read_xlsx(content, zone, load)
    text = _text(content)
    if ending in (".csv", ".tsv", ".txt"):
        from assetwatch.delivery.schedule_csv import read_csv

        return read_csv(text, zone, load)
    if ending == ".toml" or str(file) == "-":
        from assetwatch.delivery.schedule_toml import read_toml

        return read_toml(text, zone, load)
    raise UsageError(f"{file}: expected a schedule in .toml, .csv or .xlsx.")


def _text(content: bytes) -> str:
    """The text of a file as spreadsheets write it: UTF-8, UTF-16 with its mark, or the Western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _import_json(read: Schedule, changes: list[Change], applied: bool) -> dict[str, Any]:
    def of(kind: str) -> list[dict[str, Any]]:
        return [
            {
                "id": one.id,
                "name": one.name,
                **(
                    {"changes": [{"field": f, "before": b, "after": a} for f, b, a in one.differences]}
                    if kind == "changed"
                    else {}
                ),
            }
            for one in changes
            if one.kind == kind
        ]

    return {
        "applied": applied,
        "deliverables": len(read.deliverables),
        "added": of("added"),
        "changed": of("changed"),
        "removed": [] if read.faults else of("removed"),
        "faults": [{"where": one.where, "text": one.text} for one in read.faults],
        "notes": list(read.notes),
    }


def _print_import(read: Schedule, changes: list[Change], applied: bool, file: Path) -> None:
    for note in read.notes:
        click.echo(f"note: {shown(note)}", err=True)
    for fault in read.faults:
        click.echo(f"{file}: {shown(str(fault))}", err=True)
    if read.faults:
        click.echo(f"{counted(len(read.faults), 'fault')}: nothing was applied.", err=True)
        return
    signs = {"added": "+", "changed": "~", "removed": "-"}
    for one in changes:
        click.echo(f"{signs[one.kind]} {shown(one.id)}  {shown(one.name)}")
        for name, before, after in one.differences:
            click.echo(f"    {shown(name)}: {shown(before) or 'nothing'} -> {shown(after) or 'nothing'}")
    counts = {kind: sum(one.kind == kind for one in changes) for kind in signs}
    done = "" if applied else " (dry run: nothing was applied)"
    click.echo(
        f"{counted(len(read.deliverables), 'deliverable')}: {counts['added']} added, {counts['changed']} changed, "
        f"{counts['removed']} removed{done}"
    )


@schedule_command.command("export")
@click.option(
    "--format", "form", type=click.Choice(["toml", "csv"]), default="toml", show_default=True, help="In which form."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of standard output.")
@click.pass_context
def export_command(ctx: click.Context, form: str, output: Path | None) -> None:
    """Print the schedule in force, such that importing it changes nothing.

    \b
    Examples:
      assetwatch schedule export > show.toml
      assetwatch schedule export --format csv -o show.csv
    """
    from assetwatch.delivery import kept

    zone = zone_of(setting_of(ctx))
    with catalog_of(ctx).read() as connection:
        scheduled = kept.schedule_in(connection)
    if form == "csv":
        from assetwatch.delivery.schedule_csv import write_csv

        text = write_csv(scheduled, zone)
    else:
        from assetwatch.delivery.schedule_toml import write_toml

        text = write_toml(scheduled, zone)
    _put(text, output)


def _put(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}.") from error


@schedule_command.command("template")
@click.argument("kind", required=False)
@click.option("--over", metavar="LIST", help='For each of these: "R1..R6", "2026-11-02..2026-11-06", "SH010, SH020".')
def template_command(kind: str | None, over: str | None) -> None:
    """Print a ready schedule for a KIND of deliverable, to be edited. Without KIND: which there are.

    \b
    Examples:
      assetwatch schedule template sound-turnover --over R1..R6 > show.toml
    """
    from assetwatch.delivery.templates import TEMPLATES, template

    if kind is None:
        for name, one in TEMPLATES.items():
            click.echo(f"{name:20} {one.title}")
        return
    if kind not in TEMPLATES:
        raise UsageError(f"there is no template {kind!r}: expected one of {', '.join(TEMPLATES)}.")
    click.echo(template(kind, over), nl=False)


@schedule_command.command("test")
@click.argument("pattern")
@click.option("--count", default="", metavar="COUNT", help='How many are needed, as in a schedule: "6", ">=2".')
@json_option
@click.pass_context
def test_command(ctx: click.Context, pattern: str, count: str, as_json: bool) -> None:
    """Show what a PATTERN would take from the catalog, with the named parts, before it is imported.

    \b
    Examples:
      assetwatch schedule test 'SOUND/R1/**/*_v{version}.aaf'
      assetwatch schedule test 'VFX/{shot}/plates/*.exr'
    """
    from assetwatch.delivery.counts import Count, CountFault
    from assetwatch.delivery.match import PatternFault
    from assetwatch.delivery.trial import taken_by

    try:
        needed = Count.parse(count)
        with catalog_of(ctx).read() as connection:
            taken = taken_by(connection, pattern, needed)
    except (PatternFault, CountFault) as error:
        raise UsageError(str(error)) from error
    if as_json:
        write_json(
            [
                {
                    "volume": one.volume,
                    "path": readable(one.path),
                    "kind": one.kind,
                    "parts": {name: readable(text) for name, text in one.parts.items()},
                    "role": one.role,
                }
                for one in taken
            ]
        )
        return
    for one in taken[:_SHOWN]:
        parts = ", ".join(f"{name}={text}" for name, text in one.parts.items())
        role = "" if one.role == "current" else f"  ({one.role})"
        click.echo(f"{shown(one.volume)}:{shown(one.path)}" + (f"  {shown(parts)}" if parts else "") + role)
    if not taken:
        click.echo("Nothing in the catalog fits. `assetwatch files` lists what is there.", err=True)
        return
    current = sum(one.role == "current" for one in taken)
    click.echo(f"{len(taken)} taken, {current} of them current", err=True)


@schedule_command.command("ics")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of standard output.")
@click.pass_context
def ics_command(ctx: click.Context, output: Path | None) -> None:
    """Print a calendar (iCalendar, RFC 5545) of what is due, and what of it is late or done, to subscribe to.

    \b
    Examples:
      assetwatch schedule ics -o /srv/www/due.ics
    """
    from assetwatch.delivery import kept
    from assetwatch.delivery.calendar import write_calendar

    setting = setting_of(ctx)
    now = SystemClock().now()
    with catalog_of(ctx).read() as connection:
        entries = kept.board(connection, now)
    _put(write_calendar(entries, now, setting.config.project or "assetwatch"), output)
