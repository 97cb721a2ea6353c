"""Which files and assets are there, in which state?"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import click

from assetwatch.catalog import queries, volumes
from assetwatch.catalog.queries import Asset, Filter, Listed
from assetwatch.catalog.shots import shot_pattern
from assetwatch.cli.output import (
    catalog_of,
    console,
    csv_option,
    json_option,
    setting_of,
    styled,
    write_csv,
    write_json_array,
    zone_of,
)
from assetwatch.clock import SystemClock
from assetwatch.errors import UsageError
from assetwatch.media.fields import Condition, ConditionFault, all_hold, fields_of
from assetwatch.media.sequences import parse_ranges
from assetwatch.model import CAME_AS, FileKind, Integrity, Presence
from assetwatch.paths import percent, readable, shown
from assetwatch.units import local_time, microseconds, parse_duration, rfc3339, size

#: Rows shown on a terminal unless `--limit` says otherwise.
_SCREEN = 200

#: Missing frames told one by one; a hole of millions is a mistake in a name, not a list to send.
_MISSING_MAX = 100_000

#: Rows that are drawn up together.
_PAGE = 1_000


def _filters(command: Any) -> Any:
    """The options by which `files` and `assets` are narrowed down."""
    for option in reversed(
        [
            click.argument("pattern", required=False),
            click.option("--volume", metavar="NAME", help="Only this volume."),
            click.option("--presence", type=click.Choice([p.value for p in Presence]), help="Only in this state."),
            click.option("--integrity", type=click.Choice([i.value for i in Integrity]), help="Only in this state."),
            click.option(
                "--since",
                metavar="WHEN",
                help='First seen since then: a time such as 2026-11-23 or 2026-11-23T08:00Z, or an age such as "2d".',
            ),
            click.option("--roll", metavar="ROLL", help="Only of this camera or sound roll, by the name."),
            click.option("--clip", metavar="N", help='Only this clip, or "3..7".'),
            click.option("--scene", metavar="SCENE", help='Only this scene; "42*" takes 42A too.'),
            click.option("--take", metavar="N", help="Only this take."),
            click.option("--shot", metavar="SHOT", help="Only this shot."),
            click.option("--date", metavar="DAY", help="Only with this date in the name: 2026-11-02."),
            click.option(
                "--where",
                metavar="FIELD=VALUE",
                multiple=True,
                help="Any field of the name: version=3, camera=A, reel!=2; more than once for several.",
            ),
            click.option("--limit", type=click.IntRange(min=0), help="At most so many rows; 0 for all."),
        ]
    ):
        command = option(command)
    return command


@click.command("files")
@_filters
@click.option("--deliverable", metavar="ID", help="Only files linked to this deliverable.")
@click.option("--unlinked", is_flag=True, help="Only files where a deliverable is expected that are for none.")
@click.option("--all", "every_kind", is_flag=True, help="Links and special files as well.")
@json_option
@csv_option
@click.pass_context
def files_command(
    ctx: click.Context,
    /,
    pattern: str | None,
    volume: str | None,
    presence: str | None,
    integrity: str | None,
    since: str | None,
    limit: int | None,
    deliverable: str | None,
    unlinked: bool,
    every_kind: bool,
    as_json: bool,
    as_csv: bool,
    **named: Any,
) -> None:
    """List files.

    PATTERN is a path, a folder (with all below it), a name, or a glob: without a slash it is compared with names,
    with one with whole paths below the volume; `*` also crosses slashes.

    \b
    Examples:
      assetwatch files A001
      assetwatch files '*.mxf' --since 2d
      assetwatch files --presence missing --csv > missing.csv
      assetwatch files --deliverable R1-SOUND
      assetwatch files --roll A004 --clip 3..7
    """
    setting = setting_of(ctx)
    wanted = _wanted(ctx, pattern, volume, presence, integrity, since, every_kind)
    with catalog_of(ctx).read() as connection:
        shots = shot_pattern(connection)
        wanted = replace(wanted, fits=_fits(named, shots))
        if deliverable is not None or unlinked:
            from assetwatch.cli.linked import files_of, without_deliverable

            found = (
                without_deliverable(connection, wanted) if unlinked else files_of(connection, wanted, deliverable or "")
            )
            rows: Iterator[Listed] = itertools.islice(found, limit or None)
        else:
            rows = queries.list_files(connection, wanted, limit or None)
        if as_json:
            write_json_array(file_json(one, shots) for one in rows)
        elif as_csv:
            write_csv(_CSV, (_csv_row(one) for one in rows))
        else:
            zone = zone_of(setting)
            several = wanted.volume is None and len(volumes.all_volumes(connection)) > 1
            count, more = _in_pages(
                rows, _screen_limit(limit), lambda page, head: _file_table(page, zone, several=several, head=head)
            )
            if more:
                total = (
                    "many" if deliverable or unlinked or wanted.fits else str(queries.count_files(connection, wanted))
                )
                click.echo(f"{count} of {total} files shown; --limit 0 shows all.", err=True)


@click.command("assets")
@_filters
@json_option
@csv_option
@click.pass_context
def assets_command(
    ctx: click.Context,
    /,
    pattern: str | None,
    volume: str | None,
    presence: str | None,
    integrity: str | None,
    since: str | None,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
    **named: Any,
) -> None:
    """List assets: an image sequence is one row, with first and last frame, count and missing frames.

    PATTERN as in `assetwatch files`.

    \b
    Examples:
      assetwatch assets VFX/plates
      assetwatch assets --json | jq '.[] | select(.frames.missing != [])'
    """
    wanted = _wanted(ctx, pattern, volume, presence, integrity, since, False)
    with catalog_of(ctx).read() as connection:
        shots = shot_pattern(connection)
        rows = queries.list_assets(connection, replace(wanted, fits=_fits(named, shots)), limit or None)
        if as_json:
            write_json_array(asset_json(one, shots) for one in rows)
        elif as_csv:
            write_csv(_ASSET_CSV, (_asset_row(one) for one in rows))
        else:
            several = wanted.volume is None and len(volumes.all_volumes(connection)) > 1
            count, more = _in_pages(
                rows, _screen_limit(limit), lambda page, head: _asset_table(page, several=several, head=head)
            )
            if more:
                click.echo(f"The first {count} assets are shown; --limit 0 shows all.", err=True)


def _wanted(
    ctx: click.Context,
    pattern: str | None,
    volume: str | None,
    presence: str | None,
    integrity: str | None,
    since: str | None,
    every_kind: bool,
) -> Filter:
    return Filter(
        pattern=pattern,
        volume=volume,
        presence=presence,
        integrity=integrity,
        since_us=None if since is None else parse_since(since, zone_of(setting_of(ctx))),
        every_kind=every_kind,
    )


def _fits(named: dict[str, Any], shots: str | None) -> Callable[[str], bool] | None:
    """What the options about fields of names ask of a path; None where none is given. Raises UsageError."""
    try:
        conditions = [Condition.parse(text) for text in named.pop("where", ())]
        conditions += [Condition.of(field, text) for field, text in named.items() if text is not None]
    except ConditionFault as error:
        raise UsageError(f"--where: {error}") from None
    return (lambda path: all_hold(conditions, path, shots)) if conditions else None


def parse_since(text: str, zone: Any) -> int:
    """The instant that `--since` means, in the catalog's microseconds. Raises UsageError."""
    from datetime import datetime, timedelta

    now = SystemClock().now()
    try:
        return microseconds(now - timedelta(seconds=parse_duration(text)))
    except ValueError:
        pass
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'--since {text!r}: expected a time such as 2026-11-23 or 2026-11-23T08:00, or an age such as "2d".'
        ) from None
    return microseconds(given if given.tzinfo else given.replace(tzinfo=zone))


def file_json(one: Listed, shots: str | None = None) -> dict[str, Any]:
    """One file as the contract's `files --json` has it. `shots` is the show's expression for shots."""
    row = one.row
    document: dict[str, Any] = {
        "volume": one.volume,
        "path": readable(one.path),
        "size": row.size,
        "mtime": _ns_time(row.mtime_ns),
        "presence": one.presence,
        "integrity": row.integrity,
        "digests": one.digests,
        "media": one.media,
        "sequence": None if one.sequence is None else readable(one.sequence),
        "deliverables": list(one.deliverables),
        "first_seen": rfc3339(row.first_seen_us),
        "recorded_at": rfc3339(row.recorded_us),
        "verified_at": rfc3339(row.verified_us),
        "checked_at": rfc3339(row.checked_us),
        "problems": problems_of(one),
        "kind": row.kind,
        "fields": fields_of(one.path, shots),
    }
    exact = percent(one.path)
    if exact is not None:
        document["path_bytes"] = exact
    if row.target is not None:
        document["target"] = readable(row.target)
    return document


def problems_of(one: Listed) -> list[str]:
    """What a person should know of a file, each a sentence."""
    found = []
    if one.presence == Presence.MISSING.value and not (one.row.problem or "").startswith(CAME_AS):
        found.append("gone from the volume since it was last seen")
    if one.row.problem:
        found.append(one.row.problem)
    return found


def asset_json(one: Asset, shots: str | None = None) -> dict[str, Any]:
    """One asset as the contract's `assets --json` has it. `shots` is the show's expression for shots."""
    frames = None
    if one.kind == "sequence":
        frames = {
            "first": one.first,
            "last": one.last,
            "count": one.count,
            "missing": _frames(one.missing),
            "zero_byte": _frames(one.zero_byte),
            "size_outliers": _frames(one.outliers),
        }
    exact = percent(one.path)
    return {
        "volume": one.volume,
        "kind": one.kind,
        "name": readable(one.name),
        "path": readable(one.path),
        **({"path_bytes": exact} if exact is not None else {}),
        "frames": frames,
        "size": one.size,
        "presence": one.presence,
        "integrity": one.integrity,
        "fields": fields_of(one.name, shots),
    }


def _frames(ranges: str) -> list[int]:
    return parse_ranges(ranges)[:_MISSING_MAX] if ranges else []


def _ns_time(ns: int) -> str | None:
    """A file-system time; one outside of what a calendar knows is None."""
    try:
        return rfc3339(ns // 1000)
    except (OverflowError, ValueError):
        return None


_CSV = [
    "volume",
    "path",
    "size",
    "mtime",
    "presence",
    "integrity",
    "digests",
    "sequence",
    "first_seen",
    "recorded_at",
    "verified_at",
    "checked_at",
    "problems",
    "fields",
]


_ASSET_CSV = [
    *("volume", "kind", "name", "first", "last", "count", "missing", "size", "presence", "integrity"),
    *("zero_byte", "size_outliers"),
]


def _csv_row(one: Listed) -> list[Any]:
    document = file_json(one)
    document["digests"] = " ".join(f"{name}:{value}" for name, value in sorted(one.digests.items()))
    document["problems"] = "; ".join(document["problems"])
    document["fields"] = "; ".join(f"{name}={value}" for name, value in document["fields"].items())
    return [document[name] for name in _CSV]


def _asset_row(one: Asset) -> list[Any]:
    return [
        *(one.volume, one.kind, readable(one.name), one.first, one.last, one.count, one.missing),
        *(one.size, one.presence, one.integrity, one.zero_byte, one.outliers),
    ]


def _screen_limit(limit: int | None) -> int | None:
    if limit is not None:
        return limit or None
    return _SCREEN if sys.stdout.isatty() else None


_Row = TypeVar("_Row")


def _in_pages(rows: Iterator[_Row], most: int | None, table: Callable[[list[_Row], bool], None]) -> tuple[int, bool]:
    """Print rows a page at a time, so that a million take no more memory than a thousand; how many, and whether more.

    `table` is given a page, and whether it is the first.
    """
    count = 0
    while True:
        size_of_page = _PAGE if most is None else min(_PAGE, most - count)
        page = list(itertools.islice(rows, size_of_page))
        if page or not count:
            table(page, count == 0)
        count += len(page)
        if len(page) < size_of_page or count == most:
            return count, count == most and next(rows, None) is not None


def _file_table(rows: list[Listed], zone: Any, *, several: bool, head: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo("No file fits.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=head)
    table.add_column("PATH", overflow="fold", ratio=1)
    table.add_column("SIZE", justify="right", no_wrap=True)
    table.add_column("PRESENCE", no_wrap=True)
    table.add_column("INTEGRITY", no_wrap=True)
    table.add_column("SEEN", no_wrap=True)
    for one in rows:
        where = f"{one.volume}:{one.path}" if several else one.path
        is_file = one.row.kind == FileKind.REGULAR.value
        if one.row.target is not None:
            where += f" -> {one.row.target}"
        table.add_row(
            escape(shown(where)),
            size(one.row.size) if is_file else "",
            styled(one.presence),
            # What is no file has no bytes that could be recorded.
            styled(one.row.integrity) if is_file else _NO_FILES[one.row.kind],
            local_time(one.row.first_seen_us, zone)[5:],
        )
    console().print(table)


#: Said of what is no file in place of its integrity.
_NO_FILES = {FileKind.SYMLINK.value: "link", FileKind.SPECIAL.value: "special"}


def _asset_table(rows: list[Asset], *, several: bool, head: bool) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo("No asset fits.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=head)
    table.add_column("ASSET", overflow="fold", ratio=1)
    table.add_column("FRAMES", justify="right", no_wrap=True)
    table.add_column("MISSING OR ODD", overflow="fold", max_width=20 if sys.stdout.isatty() else None)
    table.add_column("SIZE", justify="right", no_wrap=True)
    table.add_column("STATE", no_wrap=True)
    for one in rows:
        state = one.integrity if one.presence == Presence.PRESENT.value else one.presence
        table.add_row(
            escape(shown(f"{one.volume}:{one.name}" if several else one.name)),
            "" if one.count is None else str(one.count),
            "; ".join(
                f"[bold red]{word}{frames}[/]"
                for word, frames in (("", one.missing), ("empty ", one.zero_byte), ("odd size ", one.outliers))
                if frames
            ),
            size(one.size),
            styled(state),
        )
    console().print(table)
