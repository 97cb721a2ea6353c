"""What does a person's pattern mean: in which folders can a file that fits lie, and what must be true of its name?

Names and paths compare by their characters' numbers on either database (`tables.Text`), so "below a folder" is a
range of paths that the index on them serves; a glob is SQLite's GLOB or PostgreSQL's regular expression.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, false, or_, select, true

from assetwatch.catalog import tables as t
from assetwatch.paths import from_os, split

#: A byte of a name that is no UTF-8, in the catalog's text of a path.
_ESCAPE = re.compile(r"//[0-9A-F]{2}")

#: The parts of a glob, as SQLite's GLOB divides it: any text, any character, one of a class, itself.
_PART = re.compile(r"\*+|\?|\[[\^!]?+\]?+[^\]]*\]|.", re.DOTALL)

#: Folders at any depth. So many of them in one pattern are spelled out, each doubles the work; more are some folder.
_ANY_FOLDERS = re.compile(r"(?:(?<=/)|\A)\*\*/")
_SPELLED_OUT = 3

#: Neighbours in Unicode: what begins with `x/` lies from `x/` on and before `x0`.
_SLASH, _AFTER_SLASH = "/", "0"

PATH: ColumnElement[str] = case((t.folder.c.path == "", t.file.c.name), else_=t.folder.c.path + "/" + t.file.c.name)
"""A file's path below its volume's root."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One way in which a file can fit: conditions on its folder's path, on the file, and on a sequence and its first
    frame (as `file`).

    `folder` is one range of paths, so that a walk along their index answers it in order. `asks` says what `file` asks
    for: a `name` in full, a `glob`, or nothing (empty) of the kind.
    """

    folder: ColumnElement[bool]
    file: ColumnElement[bool]
    sequence: ColumnElement[bool]
    asks: str = ""


def trimmed(path: str) -> str:
    """The path without slashes at its ends; a name that begins with an escaped byte keeps them."""
    path = path.rstrip(_SLASH)
    while path.startswith(_SLASH) and not _ESCAPE.match(path):
        path = path[1:]
    return path


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

    A glob without a slash is compared with names, one with a slash with whole paths; `*` crosses slashes, and `**/` is
    any folders or none. A file may fit in several ways. Sequences fit by their own name, as
    `plate.[1001-1058].exr` or with its folder, by that of any frame given in full, and a glob by that of their first
    frame.
    """
    given = trimmed(from_os(pattern or ""))
    if not given:
        return [Lane(true(), true(), true())]
    folder, name = split(given)
    is_path = name != given
    is_glob = re.search(r"[*?]|\[.*\]", given, re.DOTALL) is not None
    found: list[Lane] = []
    if not is_glob or "[" in given:  # with brackets it may also be a name as it stands
        found = _literal(given, folder, name, is_path)
    if is_glob:
        several = _spelled_out(given)
        fits = or_(*(_glob(PATH if is_path else t.file.c.name, one, dialect) for one in several))
        by_sequence = or_(fits, *(_glob(t.sequence.c.name, one, dialect) for one in several)) if is_path else fits
        base = split(re.split(r"[*?\[]", given, maxsplit=1)[0])[0] if is_path else ""
        found += [Lane(part, fits, by_sequence, "glob") for part in below(base)]
    return found


def _literal(given: str, folder: str, name: str, is_path: bool) -> list[Lane]:
    """The text as it stands: a file, a folder, a sequence, and without a slash a name in any folder."""
    frame = t.file.alias("frame")
    of_frame = exists().where(
        frame.c.folder_id == t.sequence.c.folder_id, frame.c.name == name, frame.c.sequence_id == t.sequence.c.id
    )
    full_name = case((t.folder.c.path == "", name), else_=t.folder.c.path + "/" + name)
    place = t.folder.c.path == folder if is_path else true()
    found = [Lane(place, t.file.c.name == name, or_(t.sequence.c.name == full_name, of_frame), "name")]
    if "[" in name:  # the name of a sequence means its frames
        called = select(t.sequence.c.id).where(t.sequence.c.name == given)
        found.append(Lane(t.folder.c.path == folder, t.file.c.sequence_id.in_(called), false()))
    return found + [Lane(part, true(), true()) for part in below(given)]


def _spelled_out(pattern: str) -> list[str]:
    """The globs that one with `**/` stands for: each is folders at any depth, or none."""
    pieces = _ANY_FOLDERS.split(pattern, maxsplit=_SPELLED_OUT)
    return [
        "".join(itertools.chain.from_iterable(zip(pieces, (*chosen, ""), strict=True)))
        for chosen in itertools.product(("", "*/"), repeat=len(pieces) - 1)
    ]


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
    """`[...]` as SQLite reads it: `]` first is itself, so is `-` at an end; a backward range is its first."""
    negated = part[1] in "^!"
    inner = part[2:-1] if negated else part[1:-1]
    items = []
    at = 0
    while at < len(inner):
        first = last = inner[at]
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner) and not (at == 0 and first == "]"):
            last = inner[at + 2]
            at += 2
        at += 1
        items.append(f"{_exactly(first)}-{_exactly(last)}" if first < last else _exactly(first))
    return f"[{'^' if negated else ''}{''.join(items)}]"


def _exactly(character: str) -> str:
    """A character inside of a class, by its number where it could mean something there."""
    return character if character.isalnum() else f"\\U{ord(character):08x}"
