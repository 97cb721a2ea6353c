"""Is a folder what its manifests say, and how does it get one? `manifest verify` and `manifest create`.

Neither needs a catalog, and starting is part of what a script waits for: what is not needed is not imported.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.clock import SystemClock
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, shown

if TYPE_CHECKING:
    from assetwatch.checksum.manifests.outcome import PackageVerdict
    from assetwatch.checksum.manifests.take import KnownDigests
    from assetwatch.checksum.manifests.written import Author, Creator, Written
    from assetwatch.cli.meter import Meter

#: Verdicts in the order in which a person wants to read them; `verified` comes with -v only.
_WORST_FIRST = ("mismatch", "missing", "unreadable", "uncheckable")
_COLOURS = {"mismatch": "red", "missing": "red", "unreadable": "red", "uncheckable": "yellow", "extra": "yellow"}
_SUMS = ("md5", "sha1", "sha256", "sha512", "xxh32", "xxh64", "xxh128", "xxh3", "blake3")
_FORMATS = ("ascmhl", "mhl", "bagit", *_SUMS)

_json = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
_quiet = click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
_workers = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Large files read at once. [one a core; one a spinning disk]",
)


@click.group("manifest", context_settings={"help_option_names": ["-h", "--help"]})
def manifest_command() -> None:
    """Verify folders against the lists that came with them, and write lists. No catalog is needed.

    \b
    Examples:
      assetwatch manifest verify /mnt/ingest/A001R1AB
      assetwatch manifest create /mnt/ingest/A001R1AB
    """


@manifest_command.command("verify")
@click.argument("path", type=click.Path(path_type=str))
@_workers
@_quiet
@_json
@click.pass_context
def verify(ctx: click.Context, path: str, workers: int | None, quiet: bool, as_json: bool) -> None:
    """Compare a folder with its manifests, or what a single list names with the disk.

    Knows ASC MHL histories, MHL 1.x, sum files of all kinds, SFV, hashdeep, BagIt, DCP and IMF packing lists. A folder
    without a list of its own is judged by those below it, or by the nearest above. Nothing is written.

    Exit codes: 0 all verified, 1 something is wrong, 3 the list cannot be used.

    \b
    Examples:
      assetwatch manifest verify /mnt/ingest/A001R1AB
      assetwatch manifest verify /mnt/ingest/A001R1AB/MD5SUMS
      assetwatch manifest verify DCP --json | jq .summary
    """
    from assetwatch.checksum.manifests.package import verify_package
    from assetwatch.checksum.manifests.reading import pooled
    from assetwatch.checksum.pool import ReaderPool

    _for_one_task()
    verbosity = _verbosity(ctx, quiet)
    clock = SystemClock()
    started = clock.monotonic()
    with ReaderPool(workers, clock) as pool, _meter(pool, clock, verbosity) as meter:
        outcome = verify_package(
            Path(path),
            read=lambda tree: pooled(pool, tree),
            again=lambda tree: pooled(pool, tree, uncached=True),
            progress=meter,
        )
    seconds = clock.monotonic() - started
    if as_json:
        from assetwatch.cli.output import write_json

        write_json(outcome.as_json())
    else:
        _say_verdicts(outcome, verbosity, meter.bytes_done, seconds)
    ctx.exit(0 if outcome.clean else 1)


@manifest_command.command("create")
@click.argument("directory", type=click.Path(path_type=str), metavar="DIR")
@click.option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    default="ascmhl",
    show_default=True,
    metavar="FORMAT",
    help="ascmhl, mhl (1.1), bagit (moves the content into data/), or a sum file: " + ", ".join(_SUMS) + ".",
)
@click.option(
    "-a",
    "--algorithm",
    "algorithms",
    multiple=True,
    metavar="NAME",
    help="More than once for several from one read. [xxh128; mhl: xxh64; bagit: sha512]",
)
@click.option("--author", metavar="NAME", help="Who answers for the list.")
@click.option("--author-email", metavar="ADDRESS", help="The author's mail address.")
@click.option("--author-phone", metavar="NUMBER", help="The author's telephone number.")
@click.option("--author-role", metavar="ROLE", help="The author's role, such as DIT.")
@click.option("--location", metavar="TEXT", help="Where it was made.")
@click.option("--comment", metavar="TEXT", help="What else is to be said.")
@click.option(
    "--ignore", multiple=True, metavar="PATTERN", help="Do not list what fits (gitignore syntax). Repeatable."
)
@click.option(
    "--process",
    type=click.Choice(["in-place", "transfer"]),
    help="ASC MHL: whether the files were where they are or came by a copy. [in-place]",
)
@click.option(
    "--detect-renames", is_flag=True, help="ASC MHL: a new file with a missing one's content is that one, renamed."
)
@click.option(
    "--trust-catalog",
    is_flag=True,
    help="Take digests from the catalog for files that have not changed since; the list says so.",
)
@_workers
@_quiet
@_json
@click.pass_context
def create(ctx: click.Context, /, directory: str, format_: str, quiet: bool, as_json: bool, **given: Any) -> None:
    """Write a manifest for a folder: by default the first or next generation of its ASC MHL history.

    Every file is read once. A generation compares each file with what the history recorded, lists new ones, and says
    what is missing; nested histories get a generation of their own. Links, FIFOs and what cannot be read are left out
    and named. An existing list is never written over. No file of the folder is changed; bagit moves them.

    Exit codes: 0 all is listed and as it was, 1 something is wrong, 3 the history is damaged or the disk is full.

    \b
    Examples:
      assetwatch manifest create /mnt/ingest/A001R1AB -a xxh64 -a md5
      assetwatch manifest create A001R1AB --author "A. Dit" --author-role DIT
      assetwatch manifest create R1_SOUND --format md5
    """
    from assetwatch.checksum.manifests.tree import DiskTree
    from assetwatch.checksum.pool import ReaderPool

    if not os.path.isdir(directory):
        kind = "is no folder" if os.path.lexists(directory) else "is not there"
        raise UsageError(f"{shown(from_os(directory))}: {kind}. Give the folder that is to be listed.")
    _check_options(format_, given)
    _for_one_task()
    verbosity = _verbosity(ctx, quiet)
    clock = SystemClock()
    started = clock.monotonic()
    root = Path(directory).resolve()
    known = _known(ctx, root) if given["trust_catalog"] else None
    tree = DiskTree(root, remember=True)
    with ReaderPool(given["workers"], clock) as pool, _meter(pool, clock, verbosity) as meter:
        written = _write(format_, tree, pool, clock, _creator(given), known, meter, given)
    if as_json:
        from assetwatch.cli.output import write_json

        write_json(written.as_json())
    else:
        _say_written(written, verbosity, clock.monotonic() - started)
    ctx.exit(0 if written.clean else 1)


def _for_one_task() -> None:
    """Set the interpreter up for one short piece of work with many small values and several threads."""
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    # Readers let go of the interpreter at each system call, and would wait 5 ms for it back.
    sys.setswitchinterval(0.0005)


def _verbosity(ctx: click.Context, quiet: bool) -> int:
    return -1 if quiet else int((ctx.obj or {}).get("verbosity", 0))


def _meter(pool: Any, clock: SystemClock, verbosity: int) -> Meter:
    from assetwatch.cli.meter import Meter

    return Meter(pool, clock, drawn=verbosity >= 0 and sys.stderr.isatty())


def _word(word: str) -> str:
    padded = f"{word:<11}"
    return click.style(padded, fg=_COLOURS.get(word), bold=word == "mismatch") if sys.stdout.isatty() else padded


def _say_verdicts(outcome: PackageVerdict, verbosity: int, size: int, seconds: float) -> None:
    from assetwatch.units import duration
    from assetwatch.units import size as in_bytes

    by_word: dict[str, list[str]] = {}
    for entry in outcome.entries:
        if entry.verdict == "verified" and verbosity < 1:
            continue
        line = shown(entry.path)
        if entry.verdict == "mismatch":
            line += f": {entry.algorithm} is {entry.computed}, the list has {entry.expected}"
        if entry.notes:
            line += f" ({'; '.join(shown(note) for note in entry.notes)})"
        by_word.setdefault(str(entry.verdict), []).append(line)
    if outcome.manifest is None:
        # Without any list each file is uncheckable: one line says it.
        by_word.clear()
    for word in _WORST_FIRST:
        _lines(word, by_word.get(word, ()))
    _lines("extra", map(shown, outcome.extra))
    _lines("wrong", (shown(str(finding)) for finding in outcome.findings if finding.wrong))
    if verbosity < 0:
        return
    _lines("note", (shown(str(finding)) for finding in outcome.findings if not finding.wrong))
    _lines("verified", by_word.get("verified", ()))
    counts = ", ".join(f"{count} {word}" for word, count in outcome.counts.items() if count) or "nothing to verify"
    where = f"{shown(outcome.manifest)} ({outcome.format}): " if outcome.manifest else ""
    click.echo(f"{where}{counts}; {in_bytes(size)} read in {duration(seconds)}")


def _lines(word: str, lines: Iterable[str]) -> None:
    text = "".join(f"{_word(word)} {line}\n" for line in lines)
    if text:
        click.echo(text, nl=False)


def _say_written(written: Written, verbosity: int, seconds: float) -> None:
    from assetwatch.units import duration
    from assetwatch.units import size as in_bytes

    _lines(
        "mismatch",
        (f"{shown(m.path)}: {m.algorithm} is {m.computed}, recorded was {m.expected}" for m in written.mismatches),
    )
    _lines("missing", map(shown, written.missing))
    _lines("left out", (shown(str(f)) for f in written.findings if f.wrong))
    if verbosity >= 0:
        _lines("renamed", (f"{shown(new)}, was {shown(old)}" for new, old in written.renamed.items()))
        _lines("note", (shown(str(finding)) for finding in written.findings if not finding.wrong))
    if not written.lists:
        click.echo("nothing was written")
        return
    if verbosity < 0:
        return
    for path in written.lists:
        click.echo(shown(path))
    told = {"original": written.original, "verified": written.verified, "failed": written.failed}
    told |= {"missing": len(written.missing), "not read again": written.reused}
    counts = ", ".join(f"{count} {word}" for word, count in told.items() if count)
    click.echo(f"{written.files} files, {in_bytes(written.size)}: {counts}; {duration(seconds)}")


def _check_options(format_: str, given: dict[str, Any]) -> None:
    """Refuse what the format has no place for, instead of dropping it."""
    if format_ != "ascmhl":
        for option in ("process", "detect_renames"):
            if given[option]:
                raise UsageError(f"--{option.replace('_', '-')} is for ASC MHL (--format ascmhl).")
    if format_ in _SUMS and any(name != format_ for name in given["algorithms"]):
        raise UsageError(f"--format {format_} is a list of {format_} digests: leave out --algorithm.")
    if format_ in _SUMS and (given["comment"] or given["location"] or _author(given)):
        raise UsageError("a sum file has no place for an author, a location or a comment.")
    if format_ == "bagit" and given["ignore"]:
        raise UsageError("in a bag everything is listed: leave out --ignore.")
    if format_ == "bagit" and given["trust_catalog"]:
        raise UsageError("a bag is read as it is made: leave out --trust-catalog.")


def _author(given: dict[str, Any]) -> Author | None:
    from assetwatch.checksum.manifests.written import Author

    told = [given[key] or "" for key in ("author", "author_email", "author_phone", "author_role")]
    return Author(*told) if any(told) else None


def _creator(given: dict[str, Any]) -> Creator:
    import getpass
    import socket

    from assetwatch import __version__
    from assetwatch.checksum.manifests.written import Creator

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Creator(
        host=socket.gethostname(),
        user=user,
        version=__version__,
        author=_author(given),
        location=given["location"] or "",
        comment=given["comment"] or "",
    )


def _write(
    format_: str,
    tree: Any,
    pool: Any,
    clock: SystemClock,
    creator: Creator,
    known: KnownDigests | None,
    meter: Meter,
    given: dict[str, Any],
) -> Written:
    from assetwatch.checksum.manifests.reading import pooled

    read, ignore = pooled(pool, tree), given["ignore"]
    again = pooled(pool, tree, uncached=True)
    asked: dict[str, Any] = {"algorithms": given["algorithms"]} if given["algorithms"] else {}
    if format_ == "ascmhl":
        from assetwatch.checksum.manifests.write_asc_mhl import write_generation

        return write_generation(
            tree,
            read=read,
            again=again,
            clock=clock,
            creator=creator,
            process=given["process"] or "in-place",
            ignore=ignore,
            detect_renames=given["detect_renames"],
            known=known,
            meter=meter,
            **asked,
        )
    if format_ == "mhl":
        from assetwatch.checksum.manifests.write_mhl import write_mhl

        return write_mhl(
            tree, read=read, clock=clock, creator=creator, ignore=ignore, known=known, meter=meter, **asked
        )
    if format_ == "bagit":
        from assetwatch.checksum.manifests.write_bag import write_bag

        return write_bag(tree, read=read, clock=clock, creator=creator, meter=meter, **asked)
    from assetwatch.checksum.manifests.write_sums import write_sums

    return write_sums(tree, read=read, clock=clock, algorithm=format_, ignore=ignore, known=known, meter=meter)


def _known(ctx: click.Context, root: Path) -> KnownDigests:
    """What the catalog proved of the files below `root`, for their present size, time and inode."""
    from assetwatch.catalog import queries, volumes
    from assetwatch.checksum.manifests.take import Known
    from assetwatch.cli.output import catalog_of
    from assetwatch.model import Integrity, Presence, Stat
    from assetwatch.paths import to_os
    from assetwatch.units import instant

    proved: dict[str, tuple[Any, Known]] = {}
    with catalog_of(ctx).read() as connection:
        held = [row for row in volumes.all_volumes(connection) if root.is_relative_to(to_os(row.root))]
        if not held:
            raise UsageError(f"--trust-catalog: {shown(from_os(str(root)))} lies on no volume that the catalog knows.")
        volume = max(held, key=lambda row: len(row.root))
        inside = from_os(str(root.relative_to(to_os(volume.root))))
        prefix = "" if inside == "." else inside + "/"
        plain = prefix[:-1] if prefix and not any(c in prefix for c in "*?[") else None
        wanted = queries.Filter(volume=volume.name, pattern=plain, presence=Presence.PRESENT.value)
        for one in queries.list_files(connection, wanted):
            sure = one.row.integrity in (Integrity.RECORDED.value, Integrity.VERIFIED.value)
            if sure and one.digests and one.path.startswith(prefix):
                us = one.row.checked_us or one.row.recorded_us
                proved[one.path[len(prefix) :]] = (one.row, Known(one.digests, instant(us) if us else None))

    def known(path: str, seen: Stat) -> Known | None:
        row, before = proved.get(path, (None, None))
        if row is None or not row.has_stat(seen.size, seen.mtime_ns, seen.inode, trust_inode=True):
            return None
        return before

    return known
