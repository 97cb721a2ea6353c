"""Is all of it here, and is it what its sender said? The questions about packages of `status`, `show` and `scan`."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from assetwatch.catalog import packages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.paths import readable, shown
from assetwatch.units import rfc3339, size


@dataclass(frozen=True, slots=True)
class Promise:
    """What one package promises, and what of it was kept. Sizes in bytes."""

    volume: str
    row: PackageRow
    counts: Mapping[str, int]
    findings: Sequence[Sequence[Any]]

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
        found = [] if self.row.problem is None else [self.row.problem]
        for word, text in (
            ("mismatch", ("file is not what the list says", "files are not what the list says")),
            ("unreadable", ("file could not be read", "files could not be read")),
        ):
            count = self.counts.get(word, 0)
            if count:
                found.append(f"{count} {text[count > 1]}")
        found += [str(what) for _, what, _, wrong in self.findings if wrong]
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
        """`31 of 34 files, 2.1 of 2.4 TB, 3 to come`."""
        text = f"{self.here} of {self.row.listed} files"
        if self.row.listed_size:
            text += f", {size(self.row.here_size)} of {size(self.row.listed_size)}"
        if self.to_come:
            text += f", {self.to_come} to come"
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
            "bytes_listed": self.row.listed_size,
            "bytes_here": self.row.here_size,
            "counts": dict(self.counts),
            "extra": [readable(path) for path in json.loads(self.row.extra)],
            "complete": self.complete,
            "complete_at": rfc3339(self.row.complete_us),
            "judged_at": rfc3339(self.row.judged_us),
            "problems": self.wrong,
            "remarks": [str(what) for _, what, _, wrong in self.findings if not wrong],
        }


def promises(connection: Connection, volume: str | None = None, folder: str | None = None) -> list[Promise]:
    """Packages, the worst first; with `folder` those at, above or below it on `volume`."""
    names = volumes.names(connection)
    found = []
    for row in packages.all_packages(connection):
        if volume is not None and names[row.volume_id] != volume:
            continue
        if folder is not None and not _related(row.path, folder):
            continue
        if row.judged_us is None:
            continue
        found.append(Promise(names[row.volume_id], row, json.loads(row.counts), json.loads(row.findings)))
    return sorted(found, key=lambda one: (not one.wrong, not one.to_come, one.name))


def _related(package: str, folder: str) -> bool:
    return (
        package == folder
        or not package
        or not folder
        or f"{folder}/".startswith(f"{package}/")
        or package.startswith(f"{folder}/")
    )


def without_list(connection: Connection, volume_id: int, patterns: Sequence[str]) -> list[str]:
    """Folders that must have a sender's list and have none: those with files whose path fits one of the globs."""
    if not patterns:
        return []
    known = [row.path for row in packages.all_packages(connection, volume_id)]
    paths = connection.execute(
        select(t.folder.c.path).where(t.folder.c.volume_id == volume_id).order_by(t.folder.c.path)
    ).scalars()
    fitting = [path for path in paths if any(_fits(path, pattern) for pattern in patterns)]
    return [path for path in fitting if not any(_related(package, path) for package in known)]


def _fits(path: str, pattern: str) -> bool:
    """Whether a glob fits a path part by part: `*` does not cross slashes here, a roll is at one depth."""
    parts, globs = path.split("/"), pattern.strip("/").split("/")
    return len(parts) == len(globs) and all(fnmatch.fnmatchcase(p, g) for p, g in zip(parts, globs, strict=True))


def claims_in_words(connection: Connection, file_id: int) -> list[tuple[ClaimRow, str, str]]:
    """What lists say of a file: (claim, the package's place, one sentence)."""
    rows = {row.id: row for row in packages.all_packages(connection)}
    found = []
    for claim in packages.claims_on(connection, [file_id]).get(file_id, []):
        package = rows[claim.package_id]
        lists = ", ".join(shown(path) for path, _ in packages.lists_of(package)[:3]) or shown(package.path)
        texts = {
            "verified": f"equals what {lists} says ({claim.algorithm} {claim.expected})",
            "mismatch": f"is not what {lists} says ({claim.algorithm} {claim.expected}, computed {claim.computed})",
            "doubted": f"did not fit what {lists} says, and is read again past the page cache",
            "waiting": f"is listed by {lists}, and not compared yet",
            "missing": f"is listed by {lists}",
            "transformed": f"is listed by {lists} and came under another name, as declared",
            "unreadable": f"is listed by {lists}, but could not be read",
            "dropped": f"was listed by an earlier state of {lists}, and is no longer",
            "uncheckable": f"is listed by {lists} without a digest that can be compared",
        }
        found.append((claim, package.path, texts[claim.verdict]))
    return found
