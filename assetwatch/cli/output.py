"""How does an answer look: as a table for a person, as JSON or CSV for a script?"""

from __future__ import annotations

import csv
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from assetwatch.app import Setting, open_catalog, settle_setting
from assetwatch.clock import SystemClock
from assetwatch.config import show_zone
from assetwatch.paths import is_formula, shown, tame_json

if TYPE_CHECKING:
    from rich.console import Console

    from assetwatch.catalog.engine import Database

F = TypeVar("F", bound=Callable[..., Any])

#: What each state looks like to a person: colour of a rich style. Colour never stands alone: the word is there too.
STYLES = {
    "arriving": "cyan",
    "present": "",
    "missing": "bold red",
    "offline": "yellow",
    "pending": "dim",
    "recorded": "",
    "verified": "green",
    "mismatch": "bold red",
    "unreadable": "bold red",
}


#: Wide enough for the longest path and what stands beside it: a line in a pipe is a row, never a part of one.
_PIPE_COLUMNS = 5_000


def json_option(command: F) -> F:
    """The option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(command)


def csv_option(command: F) -> F:
    """The option `--csv`."""
    return click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a header line.")(command)


def setting_of(ctx: click.Context) -> Setting:
    """The setting from the options before the command. Raises ConfigError."""
    given = ctx.obj or {}
    return settle_setting(given.get("config"), given.get("catalog"))


def catalog_of(ctx: click.Context) -> Database:
    """The catalog of this setting, which must exist already. Closed with the command. Raises CatalogError."""
    database = open_catalog(setting_of(ctx), SystemClock(), create=False)
    ctx.call_on_close(database.close)
    return database


def zone_of(setting: Setting) -> tzinfo:
    """The show's time zone, in which text output gives times."""
    zone = show_zone(setting.config)
    if zone is not None:
        return zone
    local = SystemClock().now().astimezone().tzinfo
    assert local is not None
    return local


def console() -> Console:
    """Where tables go: coloured on a terminal, plain in a pipe, where it is as wide as it needs to be."""
    from rich.console import Console
    from rich.table import Table

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program with 1

    class Piped(Plain):
        def print(self, *objects: Any, **options: Any) -> None:
            if not any(isinstance(one, Table) for one in objects):
                super().print(*objects, **options)
                return
            with self.capture() as drawn:
                super().print(*objects, **options)
            # A column is as wide as its longest cell, and the last one would be filled up with spaces to that.
            sys.stdout.write("".join(f"{line.rstrip(' ')}\n" for line in drawn.get().splitlines()))

    if sys.stdout.isatty():
        return Plain(highlight=False)
    return Piped(highlight=False, width=_PIPE_COLUMNS, no_color=True)


def styled(word: str) -> str:
    """A state's word in its colour, as rich markup."""
    style = STYLES.get(word, "")
    return f"[{style}]{word}[/]" if style else word


def tinted(word: str) -> str:
    """A state's word in its colour, for output that does without rich's tables."""
    style = STYLES.get(word, "").split()
    if not style or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return word
    # What is not asked for is left out: an end of "dim" ends "bold" as well.
    colour = next((part for part in style if part not in ("bold", "dim")), None)
    return click.style(word, fg=colour, bold="bold" in style or None, dim="dim" in style or None)


def write_json(document: Any) -> None:
    """One JSON document to standard output; what is no Unicode text cannot occur in it."""
    text = json.dumps(document, ensure_ascii=_needs_ascii(), indent=2, default=_plain)
    sys.stdout.write(tame_json(text) + "\n")


def write_json_array(items: Iterable[Mapping[str, Any]]) -> int:
    """A JSON array to standard output, an item a line, without holding them all; how many there were."""
    out, ascii_only = sys.stdout, _needs_ascii()
    out.write("[")
    count = 0
    for item in items:
        out.write(",\n" if count else "\n")
        out.write(tame_json(json.dumps(item, ensure_ascii=ascii_only, default=_plain)))
        count += 1
    out.write("\n]\n" if count else "]\n")
    return count


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], out: IO[str] | None = None) -> int:
    """CSV to standard output. Cells that a spreadsheet would take for a formula are made plain text.

    A line feed stands as it is, in quotes; other control characters are shown as escapes, and steer no terminal.
    """
    writer = csv.writer(out or sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def _needs_ascii() -> bool:
    """Whether standard output would not be UTF-8, as JSON has to be (RFC 8259, 8.1)."""
    return (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = "\n".join(shown(line) for line in value.split("\n"))
    return f"'{text}" if is_formula(value) else text


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")


def user_name() -> str:
    """Who is at work, for what is kept of a person's word: who called sudo, not whom it made him."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "unknown"
