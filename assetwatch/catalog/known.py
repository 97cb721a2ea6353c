"""What is wrong, and a person knows of it? Such a thing stays what it is, and is not told as news any more.

Of a file it holds until something else happens to it; of a package for the sentences that were true when it was said.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, cast, exists, func, insert, literal, or_, select, update

from assetwatch.catalog import packages, promises, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.files import doubt_deliverables
from assetwatch.catalog.patterns import below
from assetwatch.catalog.promises import Promise
from assetwatch.model import CAME_AS, FileKind, Integrity, Presence
from assetwatch.paths import split


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said: who, why, and when (microseconds)."""

    by: str
    why: str
    at_us: int


@dataclass(frozen=True, slots=True)
class Covered:
    """What a word is about: files by what is wrong with them, and sentences on packages."""

    files: Counter[str]
    packages: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.files or self.packages)


def acknowledge(connection: Connection, volume: str, path: str, word: Word) -> Covered:
    """Note that a person knows what is wrong now at `path` and below it."""
    wrong = and_(_there(connection, volume, path), _is_wrong(), t.file.c.known_us.is_(None))
    counted = _count(connection, wrong)
    if counted:
        told = {"by": word.by, "why": word.why}
        _observe(connection, wrong, "acknowledged", word.at_us, told)
        _doubt(connection, wrong)
        connection.execute(update(t.file).where(t.file.c.id.in_(_ids(wrong))).values(known_us=word.at_us))
    said = []
    for one in _packages(connection, volume, path):
        if not one.news:
            continue
        # What was acknowledged before and still holds stays so.
        known = {"at_us": word.at_us, "by": word.by, "why": word.why, "said": one.all_news}
        packages.set_values(connection, one.row.id, {"known": json.dumps(known, ensure_ascii=False)})
        said += [(one.name, text) for text in one.news]
    return Covered(counted, tuple(said))


def take_back(connection: Connection, volume: str, path: str, word: Word) -> Covered:
    """Have what is wrong at `path` and below it told again."""
    known = and_(_there(connection, volume, path), t.file.c.known_us.is_not(None))
    counted = _count(connection, known)
    if counted:
        _doubt(connection, known)
        _observe(connection, known, "acknowledgement_taken_back", word.at_us, {"by": word.by, "why": word.why})
        connection.execute(update(t.file).where(t.file.c.id.in_(_ids(known))).values(known_us=None))
    said = []
    for one in _packages(connection, volume, path):
        if one.row.known is not None:
            packages.set_values(connection, one.row.id, {"known": None})
            said.append((one.name, "is told again"))
    return Covered(counted, tuple(said))


def _packages(connection: Connection, volume: str, path: str) -> Sequence[Promise]:
    """The packages at `path` and below it."""
    return [
        one
        for one in promises.promises(connection, volume)
        if not path or one.row.path == path or one.row.path.startswith(f"{path}/")
    ]


def _there(connection: Connection, volume: str, path: str) -> ColumnElement[bool]:
    """The regular files at a path of a volume and below it."""
    volume_id = next(row.id for row in volumes.all_volumes(connection) if row.name == volume)
    folder, name = split(path)
    folders = select(t.folder.c.id).where(t.folder.c.volume_id == volume_id)
    inside = t.file.c.folder_id.in_(folders.where(or_(*below(path))))
    itself = and_(t.file.c.folder_id.in_(folders.where(t.folder.c.path == folder)), t.file.c.name == name)
    here = or_(inside, itself) if path else inside
    return and_(t.file.c.volume_id == volume_id, t.file.c.kind == FileKind.REGULAR.value, here)


def _is_wrong() -> ColumnElement[bool]:
    gone = t.file.c.presence == Presence.MISSING.value
    came = func.coalesce(t.file.c.problem, "").startswith(CAME_AS)
    bad = t.file.c.integrity.in_((Integrity.MISMATCH.value, Integrity.UNREADABLE.value))
    dropped = exists().where(t.claim.c.file_id == t.file.c.id, t.claim.c.verdict == "dropped")
    return or_(and_(gone, ~came), and_(~gone, bad), dropped)


def _ids(which: ColumnElement[bool]) -> Any:
    return select(t.file.c.id).where(which)


def _count(connection: Connection, which: ColumnElement[bool]) -> Counter[str]:
    """Files by what is wrong with them."""
    rows = connection.execute(
        select(t.file.c.presence, t.file.c.integrity, func.count())
        .where(which)
        .group_by(t.file.c.presence, t.file.c.integrity)
    )
    found: Counter[str] = Counter()
    for presence, integrity, count in rows:
        wrong = integrity in (Integrity.MISMATCH.value, Integrity.UNREADABLE.value)
        found[presence if presence == Presence.MISSING.value else integrity if wrong else "dropped"] += int(count)
    return found


def _doubt(connection: Connection, which: ColumnElement[bool]) -> None:
    """Have deliverables compared anew: what is gone and known counts as having been here."""
    doubt_deliverables(connection, connection.execute(select(t.file.c.folder_id).where(which).distinct()).scalars())


def _observe(connection: Connection, which: ColumnElement[bool], what: str, at_us: int, told: dict[str, str]) -> None:
    """Write it into the files' stories, in one statement: it may be about a million of them."""
    detail = cast(literal(json.dumps(told, ensure_ascii=False)), String)
    columns = ("at_us", "what", "volume_id", "file_id", "version_id", "detail")
    query = select(literal(at_us), literal(what), t.file.c.volume_id, t.file.c.id, t.file.c.version_id, detail)
    connection.execute(insert(t.observation).from_select(columns, query.where(which)))
