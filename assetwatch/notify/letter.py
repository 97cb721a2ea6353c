"""What is there to be told, how bad is it, and of what does it speak?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from assetwatch.paths import shown

Severity = Literal["well", "attention", "wrong"]

#: From nothing to be done to something that is wrong.
ORDER: Final[tuple[Severity, ...]] = ("well", "attention", "wrong")

#: A subject is read in a list of mails, on a phone (characters).
_SUBJECT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Owed:
    """A deliverable that a letter speaks of: its id, who sends and who needs it, and how bad things are with it."""

    id: str
    sender: str
    receiver: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Letter:
    """Word for people, before it is known for whom. Subject and text are plain text; `html` says the same as a page.

    `severity` is the worst of what it tells. `projects` and `volumes` are the names of those it speaks of; empty means
    that it is about none in particular. `attachments` are paths of files that go along with a mail.
    """

    subject: str
    text: str
    html: str | None = None
    severity: Severity = "well"
    projects: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    deliverables: tuple[Owed, ...] = ()
    attachments: tuple[str, ...] = ()


def worst(severities: Sequence[Severity]) -> Severity:
    """The worst of several; of none, that all is well."""
    return max(severities, key=ORDER.index, default="well")


def one_line(text: str, limit: int = _SUBJECT_MAX) -> str:
    """A text as it may stand in a header: one line of printable characters, not too long, that any mail can hold."""
    plain = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    plain = shown(plain)
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"
