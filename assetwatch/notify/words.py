"""How is an alert said to people: what holds, since when, and what they can do?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from html import escape
from typing import Final

from assetwatch.catalog.volumes import AlertRow, alert_sentence
from assetwatch.notify.letter import Letter, Severity, one_line, worst
from assetwatch.notify.routes import Matter
from assetwatch.notify.telling import Due
from assetwatch.paths import shown
from assetwatch.units import duration, local_time

#: Kinds that need a look, but nothing is lost or wrong yet. All others are wrong.
_ATTENTION: Final = frozenset({"watch", "other_file_systems", "unreadable_folders", "sweep_overdue"})

#: What to do about an alert of a kind.
_DO: Final[Mapping[str, str]] = {
    "volume_offline": "mount it again; nothing is concluded of its files meanwhile",
    "mass_loss": "look before anything else is done to it; `assetwatch doctor` says how to confirm it",
    "mismatch": "`assetwatch files --integrity mismatch` lists them, `assetwatch show PATH` tells each one's story",
    "disk_full": "make room, or let less come",
    "deliverable_failed": "`assetwatch deliverables ID` tells more, `assetwatch chase ID` writes to the sender",
    "deliverable_late": "`assetwatch chase ID` writes to the sender",
    "sending_failed": "`assetwatch notify test` tries it; `assetwatch doctor` looks at what it needs",
    "sweep_overdue": "see whether its timer runs: `systemctl list-timers`; `assetwatch verify` begins one",
    "watch": "`assetwatch doctor` names the limit and the line that raises it",
    "unreadable_folders": "give the service's user the right to read them",
    "other_file_systems": "make each of them a volume, or ignore it",
}

#: A subject names so many before it counts.
_NAMED: Final = 1

#: A message lists so many of each sort.
_LISTED: Final = 50

#: A heading's colour, readable on white and on black; its word says the same.
_COLOURS: Final = {"New": "#d93a30", "Still so": "#9a6d00", "Known": "#6f7680", "Over": "#2b8a4b"}


@dataclass(frozen=True, slots=True)
class Told:
    """An alert with what the routes' rules ask about it, and the words for it.

    `known`: it has ended as an alert, because a person said that it is known, and holds all the same.
    """

    row: AlertRow
    matter: Matter
    known: bool = False

    @property
    def sentence(self) -> str:
        """What holds, with the volume's name."""
        return alert_sentence(self.row.text, self.matter.volume)


def severity_of(kind: str) -> Severity:
    """How bad an alert of a kind is."""
    return "attention" if kind in _ATTENTION else "wrong"


def letter(due: Due, told: Mapping[int, Told], project: str | None, zone: tzinfo, now_us: int) -> Letter | None:
    """One message about what is to be said, of those in `told` (by the alerts' ids); None where that is nothing."""
    sorts = [
        ("New", [told[row.id] for row in due.news if row.id in told]),
        ("Still so", [told[row.id] for row in due.still if row.id in told]),
        ("Known", [told[row.id] for row in due.over if row.id in told and told[row.id].known]),
        ("Over", [told[row.id] for row in due.over if row.id in told and not told[row.id].known]),
    ]
    if not any(some for _, some in sorts):
        return None
    news, still = sorts[0][1], sorts[1][1]
    lines = [line for name, some in sorts for line in _part(name, some, zone, now_us)]
    return Letter(
        subject=_subject(sorts, project),
        text="\n".join([*lines, "`assetwatch status` shows everything.", ""]),
        html=_page(sorts, zone, now_us),
        severity=worst([one.matter.severity for one in (*news, *still)]),
    )


def _subject(sorts: Sequence[tuple[str, Sequence[Told]]], project: str | None) -> str:
    words = {"New": "", "Still so": "still: ", "Known": "known: ", "Over": "over: "}
    sort, some = next((name, some) for name, some in sorts if some)
    over = sorts[-1][1]
    first = one_line(some[0].sentence, 120)
    more = len(some) - _NAMED
    head = f"[{shown(project)}] " if project else ""
    tail = f" (and {more} more)" if more > 0 else ""
    if over and some is not over:
        tail += f"; {len(over)} over"
    return f"{head}{words[sort]}{first}{tail}"


def _since(one: Told, zone: tzinfo, now_us: int) -> str:
    row = one.row
    since = f"since {local_time(row.opened_us, zone)}"
    if one.known:
        return f"{since}; a person said that this is known: it still differs, and is told no more"
    if row.closed_us is not None:
        lasted = duration(max(0, row.closed_us - row.opened_us) / 1_000_000)
        return f"{since}, over at {local_time(row.closed_us, zone)}, after {lasted}"
    age_s = (now_us - row.opened_us) / 1_000_000
    return since if age_s < 3_600 else f"{since}, for {duration(age_s)}"


def _part(name: str, some: Sequence[Told], zone: tzinfo, now_us: int) -> Iterator[str]:
    if not some:
        return
    yield f"{name}:"
    for one in some[:_LISTED]:
        yield f"- {one.sentence}"
        yield f"  ({_since(one, zone, now_us)})"
        if name == "New" and one.row.kind in _DO:
            yield f"  -> {_DO[one.row.kind]}"
    if len(some) > _LISTED:
        yield f"- and {len(some) - _LISTED} more: `assetwatch status --json`"
    yield ""


def _marked(text: str) -> str:
    """Words of our own as HTML: what stands between backquotes is a command."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _page(sorts: Sequence[tuple[str, Sequence[Told]]], zone: tzinfo, now_us: int) -> str:
    """The same as a small page: no pictures, no scripts, nothing from elsewhere."""
    parts: list[str] = []
    for name, some in sorts:
        if not some:
            continue
        parts.append(f'<h2 style="font-size:1.1em;color:{_COLOURS[name]}">{name}</h2><ul>')
        for one in some[:_LISTED]:
            do = _DO.get(one.row.kind) if name == "New" else None
            parts.append(
                f"<li><b>{escape(one.sentence)}</b><br><small>{escape(_since(one, zone, now_us))}</small>"
                + (f"<br>&rarr; {_marked(do)}" if do else "")
                + "</li>"
            )
        if len(some) > _LISTED:
            parts.append(f"<li>and {len(some) - _LISTED} more</li>")
        parts.append("</ul>")
    body = "".join(parts)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>'
        f'<body style="font-family:sans-serif;max-width:40em">{body}'
        "<p><small><code>assetwatch status</code> shows everything.</small></p></body></html>"
    )
