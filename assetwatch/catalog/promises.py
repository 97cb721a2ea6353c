"""Is all of it here, and is it what its sender said? The questions about packages of `status`, `show` and `scan`."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from assetwatch.catalog import packages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.model import Integrity, Presence
from assetwatch.paths import join, readable, shown
from assetwatch.units import rfc3339, size

#: Digits of a digest from which on it stands for a content.
_TELLING: Final = 16

#: The list of an ASC MHL history's lists, which says nothing of files.
_CHAIN: Final = "/ascmhl_chain.xml"

#: How `all_news` says how many files are not here.
_NOT_HERE: Final = re.compile(r"\d+ (?:to come|gone)")


@dataclass(frozen=True, slots=True)
class Promise:
    """What one package promises, and what of it was kept. Sizes in bytes."""

    volume: str
    row: PackageRow
    counts: Mapping[str, int]
    findings: Sequence[Sequence[Any]]
    #: files that were verified and have been found to be wrong or unreadable since
    spoiled: int = 0
    #: listed files that were here, and are missing now: of those not here the ones that are not to come
    gone: int = 0
    #: of the listed files that are not here or not right those of which a person knows it: verdict to number
    excused: Mapping[str, int] = field(default_factory=dict)
    #: files that the lists dropped, of which a person knows it
    excused_paths: frozenset[str] = frozenset()

    @property
    def here(self) -> int:
        """Listed files that are here, whatever they are like."""
        return self.row.listed - self.to_come

    @property
    def to_come(self) -> int:
        """Listed files that are not here, or not whole yet."""
        return self.counts.get("missing", 0) + self.counts.get("waiting", 0)

    @property
    def wrong(self) -> list[str]:
        """What is wrong with it, each a sentence: with its files, and with the lists themselves."""
        return self._sentences({})

    @property
    def news(self) -> list[str]:
        """What is wrong with it or still to come of which no person said that it is known."""
        known = set() if self.acknowledged is None else set(self.acknowledged["said"])
        return [text for text in self.all_news if text not in known]

    @property
    def all_news(self) -> list[str]:
        """The same, with what was said to be known of the package as a whole."""
        found = self._sentences(self.excused)
        gone = self.gone - self.excused.get("missing", 0)
        owed = self.to_come - max(self.gone, self.excused.get("missing", 0))
        found += [f"{count} {word}" for count, word in ((gone, "gone"), (owed, "to come")) if count > 0]
        return found

    @property
    def news_wrong(self) -> list[str]:
        """Of the news what is wrong, whatever may still come; what is gone is told of each file."""
        return [text for text in self.news if not _NOT_HERE.fullmatch(text)]

    @property
    def acknowledged(self) -> dict[str, Any] | None:
        """A person's word on the package as a whole."""
        return None if self.row.known is None else dict(json.loads(self.row.known))

    def _sentences(self, excused: Mapping[str, int]) -> list[str]:
        found = [] if self.row.problem is None else [self.row.problem]
        for word, text in (
            ("mismatch", ("file is not what the list says", "files are not what the list says")),
            ("unreadable", ("file could not be read", "files could not be read")),
        ):
            count = self.counts.get(word, 0) - excused.get(word, 0)
            if count > 0:
                found.append(f"{count} {text[count > 1]}")
        spoiled = self.spoiled - excused.get("verified", 0)
        if spoiled > 0:
            text = ("file that was verified is wrong since", "files that were verified are wrong since")
            found.append(f"{spoiled} {text[spoiled > 1]}")
        passed = self.excused_paths if excused else frozenset()
        found += [str(what) for _, what, path, wrong in self.findings if wrong and path not in passed]
        return found

    @property
    def complete(self) -> bool:
        """Whether everything listed is here and nothing is wrong."""
        return not self.to_come and not self.wrong and self.row.listed > 0

    @property
    def name(self) -> str:
        """Where it lies, for a person."""
        return f"{self.volume}:{shown(self.row.path)}" if self.row.path else self.volume

    def sentence(self) -> str:
        """`31 of 34 files, 2.1 of 2.4 TB, 3 to come`; what was here and is no more is not to come."""
        text = f"{self.here} of {self.row.listed} files"
        if self.row.listed_size:
            text += f", {size(self.row.here_size)} of {size(self.row.listed_size)}"
        if self.gone:
            text += f", {self.gone} gone"
        if self.to_come > self.gone:
            text += f", {self.to_come - self.gone} to come"
        if self.counts.get("extra"):
            text += f", {self.counts['extra']} that no list names"
        return text

    def as_json(self) -> dict[str, Any]:
        """For `status --json` and `show --json`."""
        return {
            "volume": self.volume,
            "path": readable(self.row.path),
            "format": self.row.format,
            "lists": [readable(path) for path, _ in packages.lists_of(self.row)],
            "listed": self.row.listed,
            "here": self.here,
            "to_come": self.to_come,
            "gone": self.gone,
            "bytes_listed": self.row.listed_size,
            "bytes_here": self.row.here_size,
            "counts": dict(self.counts),
            "extra": [readable(path) for path in json.loads(self.row.extra)],
            "complete": self.complete,
            "complete_at": rfc3339(self.row.complete_us),
            "judged_at": rfc3339(self.row.judged_us),
            "problems": self.wrong,
            "acknowledged": _word_json(self.acknowledged),
            "remarks": [str(what) for _, what, _, wrong in self.findings if not wrong],
        }


def _word_json(known: dict[str, Any] | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {"at": rfc3339(known["at_us"]), "by": known["by"], "why": known["why"], "what": known["said"]}


def promises(connection: Connection, volume: str | None = None, folder: str | None = None) -> list[Promise]:
    """Packages, the worst first; with `folder` those at, above or below it on `volume`.

    Of a package above the folder only what its lists say of the folder counts; one that says nothing of it is left out.
    """
    names = volumes.names(connection)
    spoiled, gone = _spoiled(connection), _gone(connection)
    excused, dropped = _excused(connection)
    found = []
    for row in packages.all_packages(connection):
        if row.judged_us is None or (volume is not None and names[row.volume_id] != volume):
            continue
        if folder is not None and not _related(row.path, folder):
            continue
        whole = Promise(
            names[row.volume_id],
            row,
            json.loads(row.counts),
            json.loads(row.findings),
            spoiled.get(row.id, 0),
            gone.get(row.id, 0),
            excused.get(row.id, {}),
            dropped.get(row.id, frozenset()),
        )
        if folder is None or row.path == folder or row.path.startswith(f"{folder}/") or not folder:
            found.append(whole)
        elif (part := _part(connection, whole, folder)) is not None:
            found.append(part)
    return sorted(found, key=lambda one: (not one.news_wrong, not one.news, not one.to_come, one.name))


def _excused(
    connection: Connection, package_id: int | None = None, folder: str | None = None
) -> tuple[dict[int, dict[str, int]], dict[int, frozenset[str]]]:
    """What is wrong with listed files and known to a person: by package how many of a verdict, and paths dropped."""
    query = (
        select(t.claim.c.package_id, t.claim.c.verdict, t.claim.c.path)
        .select_from(t.claim.join(t.file, t.file.c.id == t.claim.c.file_id))
        .where(t.file.c.known_us.is_not(None))
    )
    if package_id is not None and folder is not None:
        query = query.where(t.claim.c.package_id == package_id, _at_or_below(t.claim.c.path, folder))
    counts: dict[int, dict[str, int]] = {}
    paths: dict[int, set[str]] = {}
    for package, verdict, path in connection.execute(query):
        by_verdict = counts.setdefault(package, {})
        by_verdict[verdict] = by_verdict.get(verdict, 0) + 1
        if verdict == "dropped":
            paths.setdefault(package, set()).add(path)
    return counts, {package: frozenset(some) for package, some in paths.items()}


def _spoiled(connection: Connection, package_id: int | None = None, folder: str | None = None) -> dict[int, int]:
    """Package id -> files whose lists' digests were met once, and that a later reading found wrong or unreadable."""
    wrong = t.file.c.integrity.in_((Integrity.MISMATCH.value, Integrity.UNREADABLE.value))
    there = t.file.c.presence == Presence.PRESENT.value
    return _counted(connection, and_(wrong, there, t.claim.c.verdict == "verified"), package_id, folder)


def _gone(connection: Connection, package_id: int | None = None, folder: str | None = None) -> dict[int, int]:
    """Package id -> listed files that the catalog knew, and that are missing now."""
    # Said twice, so that SQLite takes the index of the few that are not present.
    absent = and_(t.file.c.presence != Presence.PRESENT.value, t.file.c.presence == Presence.MISSING.value)
    missing = and_(absent, t.claim.c.verdict == "missing")
    return _counted(connection, missing, package_id, folder)


def _counted(
    connection: Connection, condition: ColumnElement[bool], package_id: int | None, folder: str | None
) -> dict[int, int]:
    """Package id -> claims on files for which this holds; with a package and a folder only of what is below that."""
    query = (
        select(t.claim.c.package_id, func.count())
        .select_from(t.claim.join(t.file, t.file.c.id == t.claim.c.file_id))
        .where(condition)
        .group_by(t.claim.c.package_id)
    )
    if package_id is not None and folder is not None:
        query = query.where(t.claim.c.package_id == package_id, _at_or_below(t.claim.c.path, folder))
    return {package: count for package, count in connection.execute(query)}  # noqa: C416 - a Row is no pair to dict()


def still_to_come(connection: Connection, promise: Promise, folder: str, limit: int) -> list[tuple[str, str | None]]:
    """The first listed files at or below a folder that are not here and never were, or not whole yet, by path.

    Beside each a file of the volume that has the content which the list tells, if there is one: it came under another
    name, or was given one.
    """
    query = (
        select(t.claim.c.path, t.claim.c.expected)
        .select_from(t.claim.outerjoin(t.file, t.file.c.id == t.claim.c.file_id))
        .where(
            t.claim.c.package_id == promise.row.id,
            t.claim.c.verdict.in_(("missing", "waiting")),
            or_(t.file.c.id.is_(None), t.file.c.presence != Presence.MISSING.value),
        )
        .order_by(t.claim.c.path)
        .limit(limit)
    )
    if folder:
        query = query.where(_at_or_below(t.claim.c.path, folder))
    rows = connection.execute(query).all()
    return [(str(path), _with_content(connection, promise.row.volume_id, path, expected)) for path, expected in rows]


def _with_content(connection: Connection, volume_id: int, path: str, expected: str | None) -> str | None:
    """The path of another file of a volume that has this digest. Short digests and empty files say too little."""
    if expected is None or len(expected) < _TELLING:
        return None
    query = (
        select(t.folder.c.path, t.file.c.name)
        .select_from(
            t.digest.join(t.file, t.file.c.version_id == t.digest.c.version_id).join(
                t.folder, t.folder.c.id == t.file.c.folder_id
            )
        )
        .where(
            t.digest.c.value == expected,
            t.file.c.volume_id == volume_id,
            t.file.c.presence == Presence.PRESENT.value,
            t.file.c.size > 0,
        )
        .order_by(t.folder.c.path, t.file.c.name)
        .limit(2)
    )
    return next((found for row in connection.execute(query) if (found := join(*row)) != path), None)


def _part(connection: Connection, whole: Promise, folder: str) -> Promise | None:
    """What a package's lists say of one folder or file; None where they say nothing of it."""
    row = whole.row
    query = (
        select(t.claim.c.verdict, func.count(), func.sum(t.file.c.size))
        .select_from(t.claim.outerjoin(t.file, t.file.c.id == t.claim.c.file_id))
        .where(t.claim.c.package_id == row.id, t.claim.c.verdict != "dropped", _at_or_below(t.claim.c.path, folder))
        .group_by(t.claim.c.verdict)
    )
    counted = [(verdict, int(count), int(size or 0)) for verdict, count, size in connection.execute(query)]
    if not counted:
        return None
    cut = len(row.path) + 1 if row.path else 0
    extra = [path for path in json.loads(row.extra) if f"{path}/".startswith(f"{folder[cut:]}/")]
    here = sum(size for verdict, _, size in counted if verdict not in ("missing", "waiting", "transformed"))
    whole_there = all(verdict not in ("missing", "waiting") for verdict, _, _ in counted)
    narrowed = msgspec.structs.replace(
        row,
        listed=sum(count for _, count, _ in counted),
        listed_size=here if whole_there else 0,
        here_size=here,
        extra=json.dumps(extra, ensure_ascii=False),
    )
    counts = {verdict: count for verdict, count, _ in counted} | {"extra": len(extra)}
    spoiled = _spoiled(connection, row.id, folder).get(row.id, 0) if whole.spoiled else 0
    gone = _gone(connection, row.id, folder).get(row.id, 0) if whole.gone else 0
    excused, dropped = _excused(connection, row.id, folder)
    return Promise(
        whole.volume,
        narrowed,
        counts,
        whole.findings,
        spoiled,
        gone,
        excused.get(row.id, {}),
        dropped.get(row.id, frozenset()),
    )


def _at_or_below(column: ColumnElement[str], folder: str) -> ColumnElement[bool]:
    return or_(column == folder, column.startswith(f"{folder}/", autoescape=True))


def _related(package: str, folder: str) -> bool:
    return (
        package == folder
        or not package
        or not folder
        or f"{folder}/".startswith(f"{package}/")
        or package.startswith(f"{folder}/")
    )


def without_list(connection: Connection, volume_id: int, patterns: Sequence[str]) -> list[str]:
    """Folders that must have a sender's list and have none: those with files whose path fits one of the globs.

    A list counts that lies in the folder or below it, or above it and names a file of it.
    """
    if not patterns:
        return []
    known = packages.all_packages(connection, volume_id)
    paths = connection.execute(
        select(t.folder.c.path).where(t.folder.c.volume_id == volume_id).order_by(t.folder.c.path)
    ).scalars()
    fitting = [path for path in paths if path and any(_fits(path, pattern) for pattern in patterns)]
    return [
        path for path in fitting if not _is_listed(connection, known, path) and _has_files(connection, volume_id, path)
    ]


def _is_listed(connection: Connection, known: Sequence[PackageRow], path: str) -> bool:
    if any(one.path == path or one.path.startswith(f"{path}/") for one in known):
        return True
    above = [one.id for one in known if not one.path or path.startswith(f"{one.path}/")]
    query = select(t.claim.c.path).where(t.claim.c.package_id.in_(above), _at_or_below(t.claim.c.path, path))
    return bool(above) and connection.execute(query.limit(1)).first() is not None


def _has_files(connection: Connection, volume_id: int, path: str) -> bool:
    query = (
        select(t.file.c.id)
        .select_from(t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id))
        .where(
            t.folder.c.volume_id == volume_id,
            _at_or_below(t.folder.c.path, path),
            t.file.c.presence != Presence.MISSING.value,
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def _fits(path: str, pattern: str) -> bool:
    """Whether a glob fits a path part by part: `*` does not cross slashes here, a roll is at one depth."""
    parts, globs = path.split("/"), pattern.strip("/").split("/")
    return len(parts) == len(globs) and all(fnmatch.fnmatchcase(p, g) for p, g in zip(parts, globs, strict=True))


def speaking(lists: Iterable[str]) -> list[str]:
    """Of a package's lists those that say something of files, for a person."""
    return [shown(path) for path in lists if not path.endswith(_CHAIN)]


def claims_in_words(connection: Connection, row: FileRow) -> list[tuple[ClaimRow, str, str]]:
    """What lists say of a file: (claim, the package's place, one sentence)."""
    # What fitted once, and is known to be otherwise or is not here any more, is not said to fit.
    fits = row.integrity == Integrity.VERIFIED.value and row.presence != Presence.MISSING.value
    rows = {row.id: row for row in packages.all_packages(connection)}
    found = []
    for claim in packages.claims_on(connection, [row.id]).get(row.id, []):
        package = rows[claim.package_id]
        names = speaking(path for path, _ in packages.lists_of(package))
        lists = ", ".join(names[:3]) or shown(package.path)
        say = "say" if len(names) > 1 else "says"
        # A file has to be what each of several lists says: one of them may well be right.
        together = f"{lists} say together" if len(names) > 1 else f"{lists} says"
        texts = {
            "verified": f"{'equals' if fits else 'equalled, when it was compared,'} what {lists} {say} "
            f"({claim.algorithm} {claim.expected})",
            "mismatch": f"is not what {together} ({claim.algorithm} {claim.expected}, computed {claim.computed})",
            "doubted": f"did not fit what {lists} {say}, and is read again past the page cache",
            "waiting": f"is listed by {lists}, and not compared yet",
            "missing": f"is listed by {lists}",
            "transformed": f"is listed by {lists} and came under another name, as declared",
            "unreadable": f"is listed by {lists}, but could not be read",
            "dropped": f"was listed by an earlier state of {lists}, and is no longer",
            "uncheckable": f"is listed by {lists} without a digest that can be compared",
        }
        found.append((claim, package.path, texts[claim.verdict]))
    return found
