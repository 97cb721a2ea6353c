"""Who is told what? A letter, or a part of it, and the rules that people wrote for themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from assetwatch.config import CREDENTIAL, NotifySection, RouteSection, mail_addresses
from assetwatch.notify.letter import ORDER, Letter, Owed, Severity, worst

#: The place of a route that is mail to all its addresses at once.
MAIL: Final = "mail"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that happened: how bad it is, and the project, volume or deliverable that it is about."""

    severity: Severity
    project: str | None = None
    volume: str | None = None
    deliverable: Owed | None = None


def places(route: RouteSection) -> list[str]:
    """Where the messages of a route go, each on its own: `mail` once for all its addresses, credentials by name."""
    found = [MAIL] if addresses(route) else []
    return found + [one.removeprefix(CREDENTIAL) for one in dict.fromkeys(route.to) if one.startswith(CREDENTIAL)]


def addresses(route: RouteSection) -> list[str]:
    """The mail addresses of a route."""
    found = (mail_addresses(one) or () for one in route.to if not one.startswith(CREDENTIAL))
    return list(dict.fromkeys(address for some in found for address in some))


def route_of(section: NotifySection, name: str) -> RouteSection | None:
    """The route of this name."""
    return next((one for one in section.routes if one.name == name), None)


def enough(severity: Severity, route: RouteSection) -> bool:
    """Whether something is bad enough for a route to hear of it."""
    return route.severity == "all" or ORDER.index(severity) >= ORDER.index(route.severity)


def concerns(matter: Matter, route: RouteSection) -> bool:
    """Whether a route is told of something that happened.

    A route that names volumes or deliverables hears of those only; of what is about the whole server, only one that
    names none.
    """
    if not enough(matter.severity, route):
        return False
    if route.projects and matter.project is not None and not _fits(matter.project, route.projects):
        return False
    if not route.volumes and route.deliverables is None:
        return True
    if matter.volume is not None and _fits(matter.volume, route.volumes):
        return True
    return matter.deliverable is not None and _is_about(matter.deliverable, route)


def severity_for(letter: Letter, route: RouteSection) -> Severity | None:
    """How bad a report is for a route, whether that is enough for it or not; None where it is not for it at all.

    For a route about certain deliverables it is as bad as the worst of these.
    """
    if route.projects and letter.projects and not any(_fits(one, route.projects) for one in letter.projects):
        return None
    if route.volumes and letter.volumes and any(_fits(one, route.volumes) for one in letter.volumes):
        return letter.severity
    if route.deliverables is not None:
        return worst([one.severity for one in letter.deliverables if _is_about(one, route)])
    return None if route.volumes and letter.volumes else letter.severity


def untold(section: NotifySection) -> Iterator[str]:
    """What no route is told of, in words: a hole in the rules through which an alarm would fall."""
    routes = section.routes
    if not routes:
        return
    general = [one for one in routes if one.alerts and not one.volumes and one.deliverables is None]
    if not general:
        yield "no route is told of alerts about everything (a route without `volumes` and `deliverables`)"
    elif not any(not one.projects for one in general) and len(general) < len(routes):
        yield "alerts about projects that no route names reach nobody"
    if not any(one.report for one in routes):
        yield "no route is sent the report"


def _is_about(owed: Owed, route: RouteSection) -> bool:
    about = route.deliverables
    if about is None:
        return False
    pairs = ((owed.id, about.id), (owed.sender, about.sender), (owed.receiver, about.receiver))
    return all(not patterns or _fits(text, patterns) for text, patterns in pairs)


def _fits(text: str, patterns: Sequence[str]) -> bool:
    folded = text.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)
