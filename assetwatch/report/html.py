"""How is a report shown as a page, as the body of a mail, and how is the list of reports?

The page is one file: no script, nothing that is fetched, pictures drawn inside, below 2 MB. A mail has neither SVG nor
style sheets, since mail programs drop both, and stays below the 102 kB at which some cut it off.

Every text that a template puts out passes `_seen` and is then escaped, whoever wrote the template: control characters
and marks that turn the direction of writing become visible, and what is endless is cut in its middle.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from assetwatch.paths import shown
from assetwatch.report import charts, wording
from assetwatch.report.basics import Place, Severity, Some
from assetwatch.report.coordinators import Owed
from assetwatch.report.engineers import VolumeState
from assetwatch.report.palette import DARK, LIGHT
from assetwatch.report.timeline import chosen, standing, timeline
from assetwatch.report.value import Report
from assetwatch.units import duration, size

PAGE_MAX_BYTES: Final = 2_000_000
#: Gmail shows no more than 102 kB of a mail.
MAIL_MAX_BYTES: Final = 100_000

#: How many rows a list has: as many of these as keep the page below its limit.
_ROWS: Final = (60, 25, 8, 3, 1)
_MAIL_ROWS: Final = (20, 10, 4, 2, 1)

#: A text longer than this is cut in its middle; the longest path that is of use to a reader is shorter.
_TEXT_MAX: Final = 400
_TEXT_HEAD: Final = 260

SEVERITIES: Final = {
    Severity.OK: ("✓", "All is well"),
    Severity.ATTENTION: ("!", "Needs a look"),
    Severity.WRONG: ("✕", "Something is wrong"),
}

#: The words of the headline's counts: for one, for several, the part of the page that tells of it, its colour.
TILES: Final = {
    "mismatch": ("mismatch", "mismatches", "wrong-now", "wrong"),
    "missing": ("file missing", "files missing", "wrong-now", "wrong"),
    "unreadable": ("file unreadable", "files unreadable", "wrong-now", "wrong"),
    "offline": ("volume offline", "volumes offline", "volumes", "wrong"),
    "failed": ("deliverable failed", "deliverables failed", "failing", "wrong"),
    "rejected": ("deliverable rejected", "deliverables rejected", "failing", "wrong"),
    "late": ("deliverable late", "deliverables late", "late", "wrong"),
    "packages": ("sender's list open", "senders' lists open", "lists", "attention"),
    "unlisted": ("folder without a list", "folders without a list", "lists", "attention"),
    "alerts": ("open alert", "open alerts", "needs", "attention"),
    "unsent": ("message not sent", "messages not sent", "unsent", "attention"),
    "faults": ("fault of the night", "faults of the night", "faults", "attention"),
    "full": ("volume filling up", "volumes filling up", "volumes", "attention"),
    "daemon": ("daemon not running", "daemons not running", "daemon", "attention"),
    "due_soon": ("due soon", "due soon", "due-soon", "attention"),
    "complete": ("newly complete", "newly complete", "complete", "ok"),
    "arrived": ("file arrived", "files arrived", "arrived", ""),
}


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One kept report: `files` are its formats, each with the name of a file beside the index (`html`, `r413.html`)."""

    made: datetime
    severity: Severity
    sentence: str
    files: Sequence[tuple[str, str]]


def render(report: Report, pictures: Mapping[Place, bytes] | None = None, *, note: str | None = None) -> str:
    """The page. `pictures` are frames as JPEG of what arrived, `note` says why there are none (see `frames`)."""
    frames = {place: _inline(jpeg) for place, jpeg in (pictures or {}).items()}
    return _fitting("report.html.jinja", report, _ROWS, PAGE_MAX_BYTES, frames=frames, note=note)


def render_mail(report: Report, *, whole: str | None = None) -> str:
    """The body of a mail in HTML, in tables and words. `whole` is a sentence on where the whole report is."""
    return _fitting("mail.html.jinja", report, _MAIL_ROWS, MAIL_MAX_BYTES, whole=whole)


def render_index(entries: Iterable[IndexEntry], *, project: str, zone: tzinfo, zone_name: str) -> str:
    """The list of kept reports, newest first. Its links are relative: it works wherever the folder is."""
    newest = sorted(entries, key=lambda one: one.made, reverse=True)
    return _environment().get_template("index.html.jinja").render(
        entries=newest,
        project=project,
        zone_name=zone_name,
        moment=partial(wording.moment, zone=zone),
        long_day=partial(wording.long_day, zone=zone),
        href=lambda name: quote(name, safe=""),
    )  # fmt: skip


def _fitting(template: str, report: Report, rows: Sequence[int], limit: int, **more: Any) -> str:
    """The template with as many rows as stay below `limit` bytes."""
    page = ""
    for most in rows:
        page = _environment().get_template(template).render(_context(report, most), **more)
        if len(page.encode()) < limit:
            break
    return page


def _context(report: Report, most: int) -> dict[str, Any]:
    """What the templates may ask for of one report."""
    zone, now = report.zone, report.until
    rows = chosen(report.deliverables.every.first, now)
    return {
        "report": report,
        "deliverables": report.deliverables,
        "sweep": report.sweep,
        "most": most,
        "rows": lambda some: some.first[:most],
        "rest": lambda some: max(0, some.total - most, some.more),
        "moment": partial(wording.moment, zone=zone, now=now),
        "day": partial(wording.day, zone=zone, now=now),
        "long_day": partial(wording.long_day, zone=zone),
        "ago": lambda when: wording.span((now - when).total_seconds()),
        "standing": partial(standing, now=now, zone=zone),
        "span_of_time": _between,
        "groups": _groups(report),
        "timeline_rows": rows,
        "timelines": [
            (shape, Markup(timeline(rows, now, zone, narrow=shape == "narrow", name=f"timeline-{shape}")))
            for shape in ("wide", "narrow")
        ],
        "by_day": [Markup(draw(report.days, zone)) for draw in (charts.bytes_by_day, charts.files_by_day)],
        "by_age": Markup(charts.ages(report.bands)),
        "capacity": lambda volume, n: Markup(charts.capacity(volume, now, zone, name=f"space-{n}")),
        "capacity_sentence": lambda volume: charts.capacity_sentence(volume, now, zone),
    }


def _groups(report: Report) -> list[tuple[str, str, str, Some[Owed], str]]:
    """The lists of deliverables, worst first: anchor, heading, severity, the list, what is said where it is empty."""
    every = report.deliverables
    return [
        ("late", "Late", "wrong", every.late, "Nothing is late."),
        ("failing", "Failed or rejected", "wrong", every.failing, "Nothing has failed."),
        ("due-soon", "Due soon", "attention", every.due_soon, "Nothing is due soon."),
        ("complete", "Newly complete", "ok", every.newly_complete, "Nothing was newly completed."),
    ]


def _between(first: datetime, last: datetime, moment: Callable[[datetime], str]) -> str:
    """From when to when, once where both are the same minute."""
    begun, ended = moment(first), moment(last)
    if begun == ended:
        return begun
    return f"{begun} to {ended[len(begun) - 5 :] if ended[:-5] == begun[:-5] else ended}"


def _inline(jpeg: bytes) -> Markup:
    return Markup("data:image/jpeg;base64,") + Markup(base64.b64encode(jpeg).decode("ascii"))


def _seen(value: object) -> object:
    """What a template puts out, on one line, with everything in it visible, and of bearable length."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = shown(value)
    if len(text) > _TEXT_MAX:
        text = f"{text[:_TEXT_HEAD]} … {text[_TEXT_HEAD - _TEXT_MAX :]}"
    return text


def _path(text: str) -> Markup:
    """A path that may be broken after its slashes, and so is not broken in a name."""
    return escape(_seen(text)).replace("/", Markup("/<wbr>"))


def _commands(text: str) -> Markup:
    """A sentence in which what stands between backquotes is to be typed."""
    parts = str(_seen(text)).split("`")
    if len(parts) % 2 == 0:  # a name has one of its own
        return escape("`".join(parts))
    command = Markup("<code>{}</code>")
    return Markup("").join(command.format(part) if number % 2 else part for number, part in enumerate(parts))


def _states(by_state: Mapping[str, int]) -> str:
    """`47 verified, 1 mismatch`, the worst first."""
    order = ("mismatch", "unreadable", "missing", "pending", "recorded", "verified")
    known = sorted(by_state, key=lambda word: order.index(word) if word in order else len(order))
    return ", ".join(f"{by_state[word]:,} {word}" for word in known if by_state[word])


def _signed(number: int, is_size: bool = False) -> str:
    """`+12`, `−3`; nothing changed is a dash."""
    if not number:
        return "–"
    amount = size(abs(number)) if is_size else f"{abs(number):,}"
    return ("+" if number > 0 else "−") + amount


def _space(volume: VolumeState) -> str:
    """How much of a volume is used, in a table."""
    if not volume.total or volume.free is None:
        return "–"
    used = volume.total - volume.free
    seen = "" if volume.online else ", when it was last seen"
    return f"{size(used)} of {size(volume.total)}, {wording.share(used, volume.total)}{seen}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("assetwatch.report", "templates"),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"],
    )
    environment.filters |= {
        "size": size,
        "duration": duration,
        "count": wording.count,
        "many": wording.many,
        "span": wording.span,
        "share": wording.share,
        "opening": lambda sentence: sentence[:1].upper() + sentence[1:],
        "states": _states,
        "path": _path,
        "commands": _commands,
        "signed": _signed,
        "space": _space,
        "thinned": charts.thinned,
    }
    environment.globals |= {"light": LIGHT, "dark": DARK, "severities": SEVERITIES, "tiles": TILES}
    return environment
