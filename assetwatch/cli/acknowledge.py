"""What did a person say of what is wrong with files? That it is known, and need not be told again."""

from __future__ import annotations

from typing import Any

import click

from assetwatch.cli.output import catalog_of, json_option, user_name, write_json
from assetwatch.cli.show import find_one
from assetwatch.clock import SystemClock
from assetwatch.paths import readable, shown
from assetwatch.units import microseconds

#: What is wrong with files, for one and for several.
_WORDS = {
    "missing": ("is missing", "are missing"),
    "mismatch": ("is not what it should be", "are not what they should be"),
    "unreadable": ("cannot be read", "cannot be read"),
    "dropped": ("is no longer on its sender's list", "are no longer on their sender's list"),
}


@click.command("acknowledge")
@click.argument("path")
@click.option("--why", metavar="TEXT", required=True, help="The reason, for whoever asks later.")
@click.option("--by", "who", metavar="NAME", help="Who says so. [the user's name]")
@click.option("--undo", is_flag=True, help="Take the word back: what is wrong there is told again.")
@json_option
@click.pass_context
def acknowledge_command(ctx: click.Context, path: str, why: str, who: str | None, undo: bool, as_json: bool) -> None:
    """Say that what is wrong at PATH and below it is known: a roll that was archived and deleted, a list that was
    shortened on purpose, a file that was changed with leave.

    Nothing is called right by this: files stay missing or mismatch, and their stories tell who said what. But they are
    not told as news any more, in status, reports, alerts and exit codes. Whatever else happens there is news again:
    it holds for exactly what is wrong now.

    \b
    Examples:
      assetwatch acknowledge ingest:A001 --why "on LTO 000123, deleted 12 March"
      assetwatch acknowledge ingest:A002/C003.mov --why "re-wrapped by the lab"
      assetwatch acknowledge ingest:A001 --undo --why "wrong roll"
    """
    from assetwatch.catalog import known

    word = known.Word(who or user_name(), why, microseconds(SystemClock().now()))
    with catalog_of(ctx).write() as connection:
        volume, where = find_one(connection, path)
        covered = (known.take_back if undo else known.acknowledge)(connection, volume, where, word)
    name = f"{volume}:{where}" if where else volume
    if as_json:
        write_json(_document(volume, where, covered, word))
        return
    if not covered:
        click.echo(f"{shown(name)}: nothing {'was acknowledged' if undo else 'is wrong'} there.", err=True)
        return
    click.echo(f"{shown(name)}: {'told again' if undo else 'known from now on'}:")
    for state, count in sorted(covered.files.items()):
        click.echo(f"  {count} {'file' if count == 1 else 'files'} that {_WORDS[state][count > 1]}")
    for package, text in covered.packages:
        click.echo(f"  {shown(package)}: {shown(text)}")


def _document(volume: str, where: str, covered: Any, word: Any) -> dict[str, Any]:
    return {
        "volume": volume,
        "path": readable(where),
        "files": dict(sorted(covered.files.items())),
        "packages": [{"package": readable(package), "what": text} for package, text in covered.packages],
        "by": word.by,
        "why": word.why,
    }
