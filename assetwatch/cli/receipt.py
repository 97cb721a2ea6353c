"""What is proved of a roll or a deliverable, on paper? A document for scripts, and a page to print."""

from __future__ import annotations

import json
import socket
import sys
from datetime import datetime, tzinfo
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assetwatch.catalog import deliverables, receipts
from assetwatch.cli.output import catalog_of, json_option, setting_of, write_json, zone_of
from assetwatch.cli.show import find_one, knows
from assetwatch.clock import SystemClock
from assetwatch.errors import UsageError
from assetwatch.paths import shown
from assetwatch.units import microseconds, size

if TYPE_CHECKING:
    from sqlalchemy import Connection


@click.command("receipt")
@click.argument("what", metavar="PATH|ID")
@click.option("--deliverable", "is_id", is_flag=True, help="Take PATH|ID for a deliverable's id, come what may.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE: .html or .json.")
@json_option
@click.pass_context
def receipt_command(ctx: click.Context, what: str, is_id: bool, output: Path | None, as_json: bool) -> None:
    """Export the proof for a file, a folder or a deliverable: what was checked against what, when, by which versions.

    A page to print (HTML, nothing outside of it is needed) goes to standard output; with --json, or a FILE that ends
    in .json, the same as a document. The root digest stands for all files, sizes and digests in it.

    \b
    Examples:
      assetwatch receipt /mnt/ingest/A001 -o A001-receipt.html
      assetwatch receipt ingest:A001 --json
      assetwatch receipt R1-SOUND -o R1-SOUND.html
    """
    clock = SystemClock()
    now_us = microseconds(clock.now())
    zone = zone_of(setting_of(ctx))
    database = catalog_of(ctx)
    with database.read() as connection:
        is_id = is_id or (deliverables.by_key(connection, what) is not None and not knows(connection, what))
    if is_id:
        from assetwatch.delivery.link import bring_up_to_date

        bring_up_to_date(database, clock)
    with database.read() as connection:
        if is_id:
            document = _of_deliverable(connection, what, clock)
        else:
            volume, where = find_one(connection, what)
            document = receipts.receipt(connection, volume, where, now_us, socket.gethostname())
    if as_json and output is None:
        write_json(document)
    else:
        wants_json = as_json or (output is not None and output.suffix.lower() == ".json")
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n" if wants_json else page(document, zone)
        if output is None:
            sys.stdout.write(text)
        else:
            try:
                output.write_text(text, encoding="utf-8")
            except OSError as error:
                raise UsageError(
                    f"{output}: cannot be written: {error.strerror}. Give another file with -o."
                ) from error
            click.echo(f"{output}: {document['files']} files, {document['root_digest']}", err=True)
    ctx.exit(0 if document["complete"] else 1)


def _of_deliverable(connection: Connection, key: str, clock: SystemClock) -> dict[str, Any]:
    """The receipt for a deliverable's files. Raises UsageError where there is none of that id."""
    from assetwatch.catalog.queries import Filter
    from assetwatch.cli.deliverables import deliverable_json
    from assetwatch.cli.linked import files_of
    from assetwatch.delivery.kept import board

    listed = list(files_of(connection, Filter(), key))
    (entry,) = board(connection, clock.now(), [key])
    told = deliverable_json(entry)
    return receipts.receipt_for(connection, told, listed, microseconds(clock.now()), socket.gethostname())


def _title(document: dict[str, Any]) -> str:
    """What the receipt is for."""
    if "deliverable" in document:
        return f"{document['deliverable']['id']}, {document['deliverable']['name']}"
    return f"{document['volume']}:{document['path']}" if document["path"] else str(document["volume"])


def page(document: dict[str, Any], zone: tzinfo) -> str:
    """The receipt as one self-contained page. Everything that comes from file names is escaped."""
    title = escape(shown(_title(document)))
    counts = ", ".join(f"{count} {escape(state)}" for state, count in document["counts"].items())
    said = "Complete: everything is as it should be." if document["complete"] else "Not complete, see below."
    if document.get("deliverable", {}).get("status") in ("failed", "rejected"):
        said = f"Not right: it is {document['deliverable']['status']}."
    facts = {
        **_of_turnover(document.get("deliverable"), zone),
        "Made": f"{_when(document['made_at'], zone)} ({escape(str(zone))})",
        "By": f"assetwatch {escape(document['assetwatch'])} on {escape(document['host'])}",
        "Root digest": f"<span class='d'>{escape(document['root_digest'])}</span>",
    }
    packages = "".join(_package(one) for one in document["packages"])
    columns = "".join(f"<th>{name}</th>" for name in ("Path", "Size", "State", "Digests", "Recorded, checked"))
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Receipt {title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Receipt for {title}</h1>",
        f'<p class="sum">{_files(document["files"])}, {size(document["bytes"])}: {counts}. <b>{said}</b></p>',
        '<table class="facts">',
        *(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items()),
        "</table><h2>Senders' lists</h2>",
        packages or "<p>No sender's list speaks for these files: digests are recorded, not verified.</p>",
        f'<h2>Files</h2><table class="files"><thead><tr>{columns}</tr></thead><tbody>',
        *(_row(one, zone) for one in document["entries"]),
        "</tbody></table></body></html>\n",
    ]
    return "\n".join(parts)


def _when(text: str | None, zone: tzinfo) -> str:
    """An instant of the document in the show's time."""
    if text is None:
        return "–"
    return datetime.fromisoformat(text).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _of_turnover(deliverable: dict[str, Any] | None, zone: tzinfo) -> dict[str, str]:
    """What a deliverable's receipt says of it: from whom, for whom, when, where it stands."""
    if deliverable is None:
        return {}
    return {
        "From, to": f"{escape(shown(deliverable['from']))}, {escape(shown(deliverable['to']))}",
        "Due": _when(deliverable["due"], zone),
        "Complete since": _when(deliverable["completed"], zone),
        "Status": escape(deliverable["status"]) + (", late" if deliverable["late"] else ""),
        "Missing": escape(", ".join(shown(name) for name in deliverable["missing"])) or "nothing",
    }


def _row(one: dict[str, Any], zone: tzinfo) -> str:
    digests = "<br>".join(f"{escape(name)}&nbsp;{escape(value)}" for name, value in sorted(one["digests"].items()))
    checks = [
        f"{c['what']}{' by ' + c['algorithm'] if c.get('algorithm') else ''} {_when(c['at'], zone)}"
        for c in one["checks"]
        if c["what"] != "same_bytes"
    ]
    state = "<br>".join(escape(shown(text)) for text in (one["state"], one.get("problem")) if text)
    cells = [
        f"<td>{escape(shown(_named(one)))}</td>",
        f"<td class='n'>{size(one['size'])}</td>",
        f"<td>{state}</td>",
        f"<td class='d'>{digests}</td>",
        f"<td>{_when(one['recorded_at'], zone)}<br>{escape('; '.join(checks))}</td>",
    ]
    return f"<tr class='{escape(one['state'])}'>{''.join(cells)}</tr>"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _named(one: dict[str, Any]) -> str:
    """A file's path, with its volume where the files may be of several."""
    return f"{one['volume']}:{one['path']}" if "volume" in one else str(one["path"])


def _package(one: dict[str, Any]) -> str:
    """A package's lists with their own digests, and what is wrong with it."""
    state = "complete" if one["complete"] else "not complete"
    name = escape(shown(one["path"]) or one["volume"])
    here = f"{one['here']} of {_files(one['listed'])} here"
    lines = [f"<b>{name}</b> ({escape(one['format'] or '?')}): {here}, {state}."]
    for path, digests in one["list_digests"].items():
        told = " ".join(f"{algorithm}:{value}" for algorithm, value in sorted(digests.items()))
        lines.append(f"<span class='d'>{escape(shown(path))} {escape(told)}</span>")
    lines += [f"<b class='bad'>{escape(text)}</b>" for text in one["problems"]]
    for lacking in one["not_here"]:
        here_as = f" (its content is here as {lacking['is_here_as']})" if lacking["is_here_as"] else ""
        lines.append(f"<b class='bad'>not here:</b> {escape(shown(lacking['path'] + here_as))}")
    more = one["to_come"] - one["gone"] - len(one["not_here"])
    lines += [f"<b class='bad'>not here:</b> {more} more"] if more > 0 else []
    return f"<p>{'<br>'.join(lines)}</p>"


_STYLE = """
:root{color-scheme:light dark}
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.6rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #8884}
.facts{width:auto}.n{text-align:right;white-space:nowrap}
.d{font-family:ui-monospace,monospace;font-size:.75rem;word-break:break-all}
.mismatch td,.missing td,.unreadable td{font-weight:bold}.bad{color:#b00020}.sum{font-size:1.05rem}
@media(max-width:40rem){.files,.files tbody,.files tr,.files td{display:block}
.files thead{display:none}.files td{border:0}
.files tr{border-bottom:1px solid #8884;padding:.4rem 0}.n{text-align:left}}
@media print{body{margin:0;max-width:none;font-size:10pt}tr{break-inside:avoid}
thead{display:table-header-group}}
@media(prefers-color-scheme:dark){.bad{color:#ff8a80}}
""".strip()
