"""What does a person's pattern mean: in which folders can a file that fits lie, and what must be true of its name?

Names and paths compare by their characters' numbers on either database (`tables.Text`), so "below a folder" is a
range of paths that the index on them serves; a glob is SQLite's GLOB or PostgreSQL's regular expression.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, or_, true

from assetwatch.catalog import tables as t
from assetwatch.paths import from_os

#: A byte of a name that is no UTF-8, or the slash between two names, in the catalog's text of a path.
_STEP = re.compile(r"//[0-9A-F]{2}|/")

#: The parts of a glob, as SQLite's GLOB divides it: any text, any character, one of a class, itself.
_PART = re.compile(r"\*+|\?|\[[\^!]?\]?[^\]]*\]|.", re.DOTALL)

#: The last and the first character that can stand at a place are told apart by these two, neighbours in Unicode.
_SLASH, _AFTER_SLASH = "/", "0"

PATH: ColumnElement[str] = case((t.folder.c.path == "", t.file.c.name), else_=t.folder.c.path + "/" + t.file.c.name)
"""A file's path below its volume's root."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One way in which a file can fit: conditions on its folder's path, on its name, and on a sequence's row.

    `folder` keeps the order of paths and is a range of them, so that one walk along the index answers it.
    """

    folder: ColumnElement[bool]
    file: ColumnElement[bool]
    sequence: ColumnElement[bool]


def split(path: str) -> tuple[str, str]:
    """Folder and name of a path as the catalog writes it; a slash that is part of an escaped byte divides nothing."""
    at = max((step.start() for step in _STEP.finditer(path) if step[0] == _SLASH), default=-1)
    return (path[:at], path[at + 1 :]) if at >= 0 else ("", path)


def below(path: str) -> list[ColumnElement[bool]]:
    """The folder and all below it, as ranges of folders' paths that follow one another in their order.

    `A//FFx` is no folder in `A` but a name of its own that begins alike (`//FF` stands for a byte); `A///FFx` is one.
    """
    if not path:
        return [true()]
    column = t.folder.c.path
    return [
        column == path,
        and_(column >= path + _SLASH, column < path + "//" + _AFTER_SLASH),
        and_(column >= path + _SLASH + _AFTER_SLASH, column < path + _AFTER_SLASH),
    ]


def lanes(pattern: str | None, dialect: str) -> list[Lane]:
    """The ways in which a file can fit `pattern`: a path, a folder with all below it, a name, or a glob.

    A glob without a slash is compared with names, one with a slash with whole paths; `*` crosses slashes. A file may
    fit in several ways. Sequences fit by their own name, as `plate.[1001-1058].exr` or with its folder, by that of
    any frame given in full, and a glob by that of their first frame.
    """
    if not pattern:
        return [Lane(true(), true(), true())]
    given = from_os(pattern.strip("/") or pattern)
    folder, name = split(given)
    has_slash = folder != "" or name != given
    found = _literal(given, folder, name)
    if re.search(r"[*?]|\[.*\]", given, re.DOTALL):
        subject, shown = (PATH, t.sequence.c.name) if has_slash else (t.file.c.name, None)
        fits = _glob(subject, given, dialect)
        by_sequence = fits if shown is None else or_(fits, _glob(shown, given, dialect))
        base = split(re.split(r"[*?\[]", given, maxsplit=1)[0])[0] if has_slash else ""
        found += [Lane(part, fits, by_sequence) for part in below(base)]
    return found


def _literal(given: str, folder: str, name: str) -> list[Lane]:
    """The text as it stands: a file, a folder, a sequence, and without a slash a name in any folder."""
    everything = [Lane(part, true(), true()) for part in below(given)]
    frame = t.file.alias("frame")
    of_frame = (
        frame.select()
        .with_only_columns(frame.c.id)
        .where(
            frame.c.folder_id == t.sequence.c.folder_id, frame.c.name == name, frame.c.sequence_id == t.sequence.c.id
        )
        .exists()
    )
    if folder or name != given:
        here = or_(t.sequence.c.name == given, of_frame)
        return [Lane(t.folder.c.path == folder, _named(name, given), here), *everything]
    anywhere = or_(t.sequence.c.name == given, of_frame)
    return [Lane(true(), _named(name, given), anywhere), *everything]


def _named(name: str, given: str) -> ColumnElement[bool]:
    """A file of this name; where it can be a sequence's name, the frames of that sequence too."""
    itself: ColumnElement[bool] = t.file.c.name == name
    if "[" not in name:
        return itself
    called = t.sequence.select().with_only_columns(t.sequence.c.id).where(t.sequence.c.name == given)
    return or_(itself, t.file.c.sequence_id.in_(called))


def _glob(subject: ColumnElement[str], pattern: str, dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return subject.op("GLOB", is_comparison=True)(as_glob(pattern))
    return subject.op("~", is_comparison=True)(as_regular_expression(pattern))


def as_glob(pattern: str) -> str:
    """A pattern as SQLite's GLOB takes it: `[!a]` is `[^a]` there, and a bracket without its end is itself."""
    out = []
    for part in _PART.findall(pattern):
        if part[0] == "*":
            out.append("*")
        elif len(part) > 1:
            out.append("[^" + part[2:] if part[1] == "!" else part)
        else:
            out.append("[[]" if part == "[" else part)
    return "".join(out)


def as_regular_expression(pattern: str) -> str:
    """A pattern as PostgreSQL's regular expression, with the meaning of SQLite's GLOB."""
    out = []
    for part in _PART.findall(pattern):
        if part[0] == "*":
            out.append(".*")
        elif part == "?":
            out.append(".")
        else:
            out.append(_class(part) if len(part) > 1 else re.escape(part))
    return f"^{''.join(out)}$"


def _class(part: str) -> str:
    """`[...]` as SQLite reads it: `]` first is itself, as is `-` at an end; a range that runs backwards is empty."""
    negated = part[1] in "^!"
    inner = part[2:-1] if negated else part[1:-1]
    items = []
    at = 0
    while at < len(inner):
        first = last = inner[at]
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            last = inner[at + 2]
            at += 2
        at += 1
        if first <= last:
            items.append(_exactly(first) if first == last else f"{_exactly(first)}-{_exactly(last)}")
    if not items:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(items)}]"


def _exactly(character: str) -> str:
    """A character inside of a class, by its number where it could mean something there."""
    return character if character.isalnum() else f"\\U{ord(character):08x}"
