"""Which command was asked for? Finds it, runs it, and turns what went wrong into one line and an exit code."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any, Final

import click

from assetwatch import __version__
from assetwatch.errors import AssetwatchError

#: command -> (module, one line of help). The module is imported only when the command runs or is asked for its help.
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("assetwatch.cli.run", "Watch volumes: the daemon, in the foreground."),
    "scan": ("assetwatch.cli.scan", "Take stock of volumes once, completely, and exit."),
    "status": ("assetwatch.cli.status", "The first page: volumes, what arrived, what is wrong."),
    "files": ("assetwatch.cli.files", "List files with their state and digests."),
    "assets": ("assetwatch.cli.files", "List assets: image sequences as one row, other files."),
    "show": ("assetwatch.cli.show", "Tell a file's or folder's whole story."),
    "acknowledge": ("assetwatch.cli.acknowledge", "Say that what is wrong with files is known."),
    "receipt": ("assetwatch.cli.receipt", "Export the proof for a file or folder, as a document or a page."),
    "verify": ("assetwatch.cli.verify", "Read files again and compare: the nightly sweep."),
    "report": ("assetwatch.cli.report", "The report on demand; `report nightly` is the night's work."),
    "deliverables": ("assetwatch.cli.deliverables", "The board: what is scheduled, what is here, who is late."),
    "deliverable": ("assetwatch.cli.deliverable", "Say a word on a deliverable: accept, reject, waive, link ..."),
    "chase": ("assetwatch.cli.deliverable", "Write the message that asks a sender for what is missing or wrong."),
    "footage": ("assetwatch.cli.footage", "Say which footage is missing: gaps, parts, frames, reports."),
    "schedule": ("assetwatch.cli.schedule", "Import, export or try out a schedule of deliverables."),
    "hash": ("assetwatch.cli.plumbing", "Print digests of files; no catalog."),
    "probe": ("assetwatch.cli.plumbing", "Print the media facts of a file; no catalog."),
    "manifest": ("assetwatch.cli.manifest", "Verify a folder against its manifests, or write one; no catalog."),
    "timeline": ("assetwatch.cli.timeline", "Print what a cut list names; no catalog."),
    "notify": ("assetwatch.cli.notify", "Try out whether word reaches the people it is for."),
    "health": ("assetwatch.cli.health", "One line and an exit code, for any monitoring system."),
    "metrics": ("assetwatch.cli.health", "Print metrics for Prometheus, or write them to a file."),
    "pulls": ("assetwatch.cli.pulls", "Hold plates against a pull list; no catalog."),
    "setup": ("assetwatch.cli.setup", "Make a service of it: configuration, units, user; or undo it."),
    "doctor": ("assetwatch.cli.doctor", "Say what is wrong with the set-up, and what to do."),
    "catalog": ("assetwatch.cli.catalog", "Upgrade, check, back up, restore or move the catalog."),
    "completion": ("assetwatch.cli.completion", "Print the shell completion script."),
}


class _ReaderGone(Exception):
    """Nobody reads our output any more, as after `head`: nothing is wrong, and nothing more can be said."""


class _Commands(click.Group):
    """The group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would end with 1, which says that something is wrong with files.
            raise _ReaderGone from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"there is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": None},
    epilog="""\b
Examples:
  assetwatch scan /mnt/ingest     take stock of a directory
  assetwatch run /mnt/ingest      watch it from now on
  assetwatch status               what arrived, what is wrong
  assetwatch files --integrity mismatch --json
  assetwatch show A001/A001C001_260311_R1AB.mov

Exit codes: 0 nothing wrong, 1 something is wrong with files, 2 wrong usage or configuration,
3 could not be done (catalog or volume out of reach).""",
)
@click.option(
    "--config", metavar="FILE", envvar="ASSETWATCH_CONFIG", help="The configuration (TOML). Also ASSETWATCH_CONFIG."
)
@click.option(
    "--catalog",
    metavar="URL",
    envvar="ASSETWATCH_CATALOG",
    help="The catalog: a file or a database URL. Also ASSETWATCH_CATALOG.",
)
@click.option("-v", "--verbose", count=True, help="Say more on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong on standard error.")
@click.version_option(__version__, "--version", message="assetwatch %(version)s")
@click.pass_context
def cli(ctx: click.Context, config: str | None, catalog: str | None, verbose: int, quiet: bool) -> None:
    """Watch the storage of a film or television production: what has arrived, is it all of it, is it bit-exact, and
    does it stay so."""
    ctx.obj = {"config": config, "catalog": catalog, "verbosity": -1 if quiet else verbose}


def main(args: list[str] | None = None) -> Any:
    """The console script. Exits with the codes of the contract, part 3."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal or pipe that is not UTF-8 cannot show is escaped; a name must not end the program.
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="backslashreplace")
    code = _run(args)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Or Python would try once more at its end, and say so.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(args: list[str] | None) -> int:
    """Run the command; the exit code."""
    try:
        code = cli.main(args=args, prog_name="assetwatch", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        return 130
    except AssetwatchError as error:
        click.echo(f"assetwatch: {error}", err=True)
        return error.exit_code
    except _ReaderGone:
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    main()
