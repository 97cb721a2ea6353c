"""Which paths does a rule take, and what do the named parts of its pattern say?

A pattern is a glob unless it begins with `re:`. Paths are the catalog's: below the volume's root, `/`-separated, a
byte that is no UTF-8 as `//FF`. Of a glob:

- `*` any characters of one piece, `?` one, `[a-c]` `[!a]` one of a class, `**` as a piece: any folders, also none.
- `{mov,mxf}` one of several texts, in which `*` and `?` mean the same.
- `{name}` a named part: one or more characters of one piece. A name that comes twice must hold the same text twice.
  `{version}` prefers digits alone.
- `####`, `%04d`, `[1001-1058]` the frame field of a sequence; the last also says which frames are expected.
- A pattern without `/` is compared with names in every folder; one that ends with `/` takes all below that folder.

After `re:` comes a regular expression (Python's) that is searched in the path; named groups are named parts. Case
counts, but not in a glob's extension. Unicode is compared composed (NFC).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from assetwatch.delivery.glob import PatternFault, read_glob
from assetwatch.paths import comparable, from_os, to_os

__all__ = ["Match", "PatternFault", "Rule", "RuleIndex"]

K = TypeVar("K", bound=Hashable)

_EXPRESSION = "re:"
#: What of a regular expression is itself: `^SOUND/R1_` of `^SOUND/R1_v[0-9]+`.
_LITERAL_START = re.compile(r"\^((?:[A-Za-z0-9_/ ,=@%~-]|\\[./-])*)(.?)", re.DOTALL)
#: Parts that differ between versions of one thing.
_CHANGING = frozenset({"version", "date", "frame"})
_RANGE_FIELD = re.compile(r"\[-?[0-9]+--?[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Match:
    """How a path fits: `names` are the named parts with their texts, `rest` the file's name without its version."""

    path: str
    names: Mapping[str, str] = field(hash=False)
    rest: str

    @property
    def version(self) -> str | None:
        """The text of `{version}`, None where the pattern has none."""
        return self.names.get("version")

    def slot(self, several: bool) -> tuple[str, ...]:
        """What versions of one thing share: the named parts but version, date and frame.

        `several` is `Count.several`: where an item needs more than one thing, the name without its version belongs
        to it too, so that `DX_v1.wav` and `MX_v2.wav` are two things.
        """
        shared = tuple(text for name, text in self.names.items() if name not in _CHANGING)
        return (*shared, self.rest) if several else shared


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled pattern. Make it with `compile`.

    `prefix` is the text with which every path that fits begins, `folder` the part of it that is whole folders
    (empty: any folder): for finding candidates by a range of paths. `names` are the named parts, in order. `frames`
    is the first and last frame that the pattern itself expects of a sequence.
    """

    text: str
    prefix: str
    folder: str
    names: tuple[str, ...]
    frames: tuple[int, int] | None
    suffix: str  #: in lower case, what every path that fits ends with
    _source: str = field(repr=False)
    _whole: bool = field(repr=False)

    @classmethod
    def compile(cls, text: str) -> Rule:
        """The rule that `text` means. Raises PatternFault."""
        given = text.strip()
        if given.startswith(_EXPRESSION):
            return _expression_rule(text, given)
        glob = read_glob(text, comparable(to_os(given)))
        return cls(text, glob.prefix, _folder(glob.prefix), glob.names, glob.frames, glob.suffix, glob.source, True)

    def fits(self, path: str) -> Match | None:
        """How the file or folder at `path` fits, None where it does not."""
        return self._fits(path, _plain(path))

    def fits_sequence(self, name: str, first_frame: str) -> Match | None:
        """How a sequence fits: by its own name (`folder/plate.[1001-1058].exr`) or by the path of its first frame."""
        return self.fits(name) or self.fits(first_frame)

    def _fits(self, path: str, plain: str) -> Match | None:
        expression = _compiled(self._source)
        found = expression.fullmatch(plain) if self._whole else expression.search(plain)
        if found is None:
            return None
        names = {name: from_os(held) for name, held in found.groupdict().items() if held is not None}
        start = plain.rfind("/") + 1
        first, last = found.span("version") if "version" in names else (-1, -1)
        rest = plain[start:first] + plain[last:] if first >= start else plain[start:]
        return Match(path, names, from_os(_RANGE_FIELD.sub("", rest)))


class RuleIndex(Generic[K]):
    """Many rules, asked about one path at a time; keys are the caller's (an item's id).

    A path is compared only with rules whose folder it lies in, and whose beginning and end it has.
    """

    def __init__(self, rules: Iterable[tuple[K, Rule]]) -> None:
        self._by_folder: dict[str, list[tuple[int, K, Rule]]] = {}
        for place, (key, rule) in enumerate(rules):
            self._by_folder.setdefault(rule.folder, []).append((place, key, rule))

    def fits(self, path: str) -> list[tuple[K, Match]]:
        """Every rule that takes `path`, in the order in which they were given."""
        return [(key, match) for _, key, match in sorted(self._found(path), key=lambda row: row[0])]

    def fits_sequence(self, name: str, first_frame: str) -> list[tuple[K, Match]]:
        """Every rule that takes the sequence, by its own name or by that of its first frame."""
        by_frame = {place: (key, match) for place, key, match in self._found(first_frame)}
        by_name = {place: (key, match) for place, key, match in self._found(name)}
        return [found for _, found in sorted((by_frame | by_name).items(), key=lambda row: row[0])]

    def claims(self, path: str) -> list[K]:
        """The rules in whose `folder` (not empty) `path` lies, whether or not they take it.

        For files that lie where something is expected and fit nothing.
        """
        found = [row for folder in _ancestors(path) if folder for row in self._by_folder.get(folder, ())]
        return [key for _, key, _ in sorted(found, key=lambda row: row[0])]

    def _found(self, path: str) -> Iterator[tuple[int, K, Match]]:
        plain = _plain(path)
        lower = plain.lower()
        for folder in _ancestors(path):
            for place, key, rule in self._by_folder.get(folder, ()):
                if path.startswith(rule.prefix) and lower.endswith(rule.suffix):
                    match = rule._fits(path, plain)
                    if match is not None:
                        yield place, key, match


def _plain(path: str) -> str:
    return comparable(to_os(path))


def _ancestors(path: str) -> Iterator[str]:
    yield ""
    at = path.find("/")
    while at > 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _folder(prefix: str) -> str:
    return prefix.rpartition("/")[0]


def _expression_rule(text: str, given: str) -> Rule:
    source = given[len(_EXPRESSION) :]
    try:
        expression = _compiled(comparable(source))
    except re.error as fault:
        place = text.index(_EXPRESSION) + len(_EXPRESSION) + (fault.pos or 0)
        raise PatternFault(text, place, f"no regular expression: {fault.msg}") from None
    except (RecursionError, OverflowError):
        raise PatternFault(text, 0, "no regular expression: too large") from None
    prefix = _expression_prefix(source)
    names = tuple(sorted(expression.groupindex, key=lambda name: expression.groupindex[name]))
    return Rule(text, prefix, _folder(prefix), names, None, "", expression.pattern, False)


def _expression_prefix(source: str) -> str:
    """The text that an expression which begins with `^` asks for first."""
    start = _LITERAL_START.match(source)
    if start is None or "|" in source or "(?" in source.replace("(?P<", ""):
        return ""
    literal = start[1]
    if start[2] in ("?", "*", "{") and literal:
        literal = literal[:-2] if literal[-2:-1] == "\\" else literal[:-1]
    return literal.replace("\\", "")


@lru_cache(maxsize=32768)
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)
