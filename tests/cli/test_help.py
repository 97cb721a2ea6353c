"""Does the help help: an example everywhere, in 80 columns, with a word for who mistypes?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import click
import pytest

from assetwatch.cli.main import cli


def _all_commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name="assetwatch")
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _all_commands(below, (*path, name))


COMMANDS = list(_all_commands(cli))
PATHS = [path for path, _ in COMMANDS]
IDS = [" ".join(path) or "assetwatch" for path in PATHS]


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_help_has_an_example(path: tuple[str, ...], call: Callable[..., Any]) -> None:
    """The help of each command shows a call that can be copied, and exits with 0."""
    answer = call(*path, "--help")
    assert answer.code == 0
    _, _, examples = answer.out.partition("Example")
    assert re.search(rf"\n +assetwatch .*{' '.join(path)}", examples)


@pytest.mark.parametrize("path", PATHS, ids=IDS)
def test_help_fits_80_columns(path: tuple[str, ...], call: Callable[..., Any]) -> None:
    """No line of the help is longer than a terminal is wide."""
    answer = call(*path, "--help", env={"COLUMNS": "80"})
    assert [line for line in answer.out.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=IDS)
def test_options_have_help(path: tuple[str, ...], command: click.Command) -> None:
    """Each option says in the help what it does."""
    assert [p.name for p in command.params if isinstance(p, click.Option) and not p.help] == []


def test_short_help_option(call: Callable[..., Any]) -> None:
    """`-h` is `--help`, also of a command."""
    assert call("files", "-h").out == call("files", "--help").out


def test_version(call: Callable[..., Any]) -> None:
    """`--version` gives the program's name and version."""
    from assetwatch import __version__

    assert call("--version").out == f"assetwatch {__version__}\n"


def test_unknown_command_suggests_the_nearest(call: Callable[..., Any]) -> None:
    """A mistyped command is named, with the one that was probably meant."""
    answer = call("statsu")
    assert answer.code == 2
    assert "'statsu'" in answer.err
    assert "Did you mean 'status'?" in answer.err
    assert answer.out == ""


def test_unknown_option_suggests_the_nearest(call: Callable[..., Any]) -> None:
    """A mistyped option is named, with the one that was probably meant."""
    answer = call("files", "--presense", "missing")
    assert answer.code == 2
    assert "--presence" in answer.err


def test_wrong_choice_lists_the_choices(call: Callable[..., Any]) -> None:
    """A state that does not exist is refused with those that do."""
    answer = call("files", "--integrity", "broken")
    assert answer.code == 2
    assert all(word in answer.err for word in ("pending", "recorded", "verified", "mismatch", "unreadable"))


def test_missing_argument(call: Callable[..., Any]) -> None:
    """A command without its argument says which one is missing."""
    answer = call("show")
    assert answer.code == 2
    assert "PATH" in answer.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str, call: Callable[..., Any]) -> None:
    """The script for each shell calls the program back for its completions."""
    answer = call("completion", shell)
    assert answer.code == 0
    assert "_ASSETWATCH_COMPLETE" in answer.out
    assert "assetwatch" in answer.out


def test_completion_answers(program: Callable[..., Any]) -> None:
    """What the script asks for is answered with the commands that fit."""
    asked = {"_ASSETWATCH_COMPLETE": "bash_complete", "COMP_WORDS": "assetwatch sta", "COMP_CWORD": "1"}
    done = program(env=asked)
    assert done.stdout.split() == [b"plain,status"]


def test_no_command_shows_the_help(call: Callable[..., Any]) -> None:
    """Without a command the help comes."""
    answer = call()
    assert answer.code in (0, 2)  # click 8.1 and later ones differ
    assert "Usage: assetwatch" in answer.out + answer.err


def test_help_is_quick(program: Callable[..., Any]) -> None:
    """The help imports neither the database nor the tables: measured by modules, not by the clock."""
    code = (
        "import sys; from assetwatch.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'rich', 'alembic', 'watchdog', 'lxml'} & set(sys.modules)), file=sys.stderr)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.strip() == b"[]"
