"""What are the digests of these files, and what media is in this one? `hash` and `probe`: no catalog, one job each."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from assetwatch.cli.output import json_option, write_json
from assetwatch.clock import SystemClock
from assetwatch.config import ALGORITHM_NAMES
from assetwatch.errors import UsageError
from assetwatch.paths import from_os, percent, readable, shown
from assetwatch.units import counted


@click.command("hash")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=str), metavar="FILE...")
@click.option(
    "-a",
    "--algorithm",
    "algorithms",
    multiple=True,
    metavar="NAME",
    help=f"One of {', '.join(ALGORITHM_NAMES)}; more than once for several from one read. [xxh128]",
)
@json_option
@click.pass_context
def hash_command(ctx: click.Context, files: tuple[str, ...], algorithms: tuple[str, ...], as_json: bool) -> None:
    """Print digests of files, all from one read. Folders are not entered.

    \b
    Examples:
      assetwatch hash A001C001_260311_R1AB.mov
      assetwatch hash -a md5 -a xxh64 *.mov --json
    """
    from assetwatch.checksum.pool import ReaderPool, ReadOrder, read_all
    from assetwatch.checksum.reader import Reading
    from assetwatch.model import Stat

    names = tuple(dict.fromkeys(algorithms)) or ("xxh128",)
    for name in names:
        if name not in ALGORITHM_NAMES:
            raise UsageError(f"--algorithm {name!r}: expected one of {', '.join(ALGORITHM_NAMES)}.")
    orders = []
    for number, path in enumerate(files):
        try:
            seen = os.lstat(path)
        except OSError:
            expect = None
        else:
            expect = Stat.of(seen)
        orders.append(ReadOrder(key=number, path=path, algorithms=names, expect=expect))
    outcomes: dict[int, Any] = {}
    documents: list[dict[str, Any]] = []
    failed = False
    with ReaderPool(None, SystemClock()) as pool:
        following = 0
        for order, outcome in read_all(pool, orders):
            outcomes[int(str(order.key))] = outcome
            while following in outcomes:
                path, done = files[following], outcomes.pop(following)
                following += 1
                text = from_os(path)
                if not isinstance(done, Reading):
                    failed = True
                    click.echo(f"assetwatch: {shown(text)}: {done.text}", err=True)
                    continue
                document: dict[str, Any] = {
                    "path": readable(text),
                    "size": done.stat.size,
                    "digests": dict(done.digests),
                }
                if percent(text):
                    document["path_bytes"] = percent(text)
                documents.append(document)
                if not as_json:
                    _print_digests(path, done.digests, several=len(names) > 1)
    if as_json:
        write_json(documents)
    ctx.exit(1 if failed else 0)


def _print_digests(path: str, digests: Any, *, several: bool) -> None:
    """Lines as the sum tools write them: untagged for one algorithm, tagged for several; names as bytes, escaped."""
    name = os.fsencode(path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    lead = b"\\" if escaped != name else b""
    out = sys.stdout.buffer
    sys.stdout.flush()
    for algorithm, value in digests.items():
        if several:
            out.write(b"%b%b (%b) = %b\n" % (lead, algorithm.upper().encode(), escaped, value.encode()))
        else:
            out.write(b"%b%b  %b\n" % (lead, value.encode(), escaped))
    out.flush()


@click.command("probe")
@click.argument("file", type=click.Path(path_type=str))
@click.option("--raw", is_flag=True, help="MediaInfo's own answer instead (JSON).")
@json_option
@click.pass_context
def probe_command(ctx: click.Context, file: str, raw: bool, as_json: bool) -> None:
    """Print the media facts of a file: container, codecs, rasters, exact rates, timecode, audio.

    \b
    Examples:
      assetwatch probe A001C001_260311_R1AB.mov
      assetwatch probe R1_ref.mov --json | jq '.video[0].frame_rate'
    """
    from assetwatch.media.probe import Prober

    name = shown(from_os(file))
    with Prober(workers=1, time_limit_seconds=60.0, clock=SystemClock()) as prober:
        result = prober.probe(file)
    if result.status == "unreadable":
        raise UsageError(f"{name}: {result.reason}")
    if result.status in ("crashed", "timed_out"):
        click.echo(f"assetwatch: {name}: {result.reason}", err=True)
        ctx.exit(1)
    facts = result.facts
    if raw:
        click.echo(result.raw or "{}")
    elif as_json:
        write_json(facts if facts is not None else _NOTHING)
    elif facts is None:
        click.echo(f"{name}: no media that MediaInfo knows")
    else:
        for line in describe(facts):
            click.echo(line)


#: The contract's document for a file that is not media.
_NOTHING: dict[str, Any] = {
    "container": None,
    "duration": None,
    "start_timecode": None,
    "video": [],
    "audio": [],
    "other": {},
}


def describe(facts: dict[str, Any]) -> list[str]:
    """Media facts in a few lines for a person."""
    head = [str(facts.get("container") or "unknown container")]
    if facts.get("duration") is not None:
        head.append(f"{float(facts['duration']):.3f} s")
    if facts.get("start_timecode"):
        head.append(f"starts {facts['start_timecode']}")
    lines = [", ".join(head)]
    for one in facts.get("video") or ():
        parts = [_words(one.get("codec"), one.get("profile"))]
        if one.get("width"):
            parts.append(f"{one['width']}x{one['height']}")
        parts += [_words(one.get("frame_rate"), "fps") if one.get("frame_rate") else ""]
        parts += [str(one[key]) for key in ("scan", "chroma") if one.get(key)]
        parts += [f"{one['bit_depth']} bit"] if one.get("bit_depth") else []
        parts += ["/".join(str(one.get(k) or "?") for k in ("color_primaries", "transfer", "matrix"))]
        parts += [f"{one['range']} range"] if one.get("range") else []
        lines.append("  video: " + ", ".join(p for p in parts if p and p != "?/?/?"))
    for one in facts.get("audio") or ():
        parts = [_words(one.get("codec"))]
        parts += [counted(one["channels"], "channel")] if one.get("channels") else []
        parts += [str(one["layout"])] if one.get("layout") else []
        parts += [f"{one['sample_rate']} Hz"] if one.get("sample_rate") else []
        parts += [f"{one['bit_depth']} bit"] if one.get("bit_depth") else []
        lines.append("  audio: " + ", ".join(parts))
    other = {key: value for key, value in (facts.get("other") or {}).items() if isinstance(value, str | int | float)}
    if other:
        lines.append("  " + ", ".join(f"{key.replace('_', ' ')} {_said(value)}" for key, value in other.items()))
    return [shown(line) for line in lines]


def _said(value: str | float) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _words(*parts: Any) -> str:
    return " ".join(str(part) for part in parts if part)
