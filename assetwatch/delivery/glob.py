"""What does a person's glob mean, as a regular expression over whole paths?

The syntax is told in `match`. Reading finds every fault; the expression is compiled when it is first needed, because
a schedule of ten thousand items would take seconds to compile and most of its folders are quiet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FRAMES = re.compile(r"#{2,}|@{2,}|%(?:0?[1-9])?d")
_FRAME_RANGE = re.compile(r"\[(-?[0-9]{1,10})-(-?[0-9]{1,10})\]")

_ANY = "[^/]*"
_ONE = "[^/]"
_FOLDERS = "(?:[^/]+/)*"
_FRAME = r"(?:-?[0-9]+|\[-?[0-9]+--?[0-9]+\])"
#: Digits alone if that fits, so that `v{version}*.mov` takes 003 of `v003_final.mov`; then 1.2; then any text.
_VERSION = r"(?:[0-9]+|[0-9]+(?:\.[0-9]+)+|[^/.]+)"


class PatternFault(ValueError):
    """A pattern that cannot be used; `position` is the 0-based place in `text` where it goes wrong."""

    def __init__(self, text: str, position: int, what: str) -> None:
        self.text, self.position, self.what = text, position, what
        super().__init__(f"{what}, at character {position + 1} of {text!r}")


@dataclass(frozen=True, slots=True)
class Glob:
    """A glob that was read: the expression `source`, and what of it is known without it (see `match.Rule`)."""

    source: str
    prefix: str
    suffix: str
    names: tuple[str, ...]
    frames: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Token:
    """A part of one piece. `literal` is its text where it is plain; `free` is a `*`; `plain` may stand in a chunk."""

    source: str
    literal: str | None = None
    free: bool = False
    plain: bool = True


@dataclass(slots=True)
class _Reader:
    text: str
    given: str
    offset: int
    names: dict[str, None] = field(default_factory=dict)
    frames: tuple[int, int] | None = None

    def fault(self, at: int, what: str) -> PatternFault:
        return PatternFault(self.text, min(at + self.offset, max(len(self.text) - 1, 0)), what)

    def pieces(self) -> list[list[_Token] | None]:
        """The pieces between slashes; None stands for `**`."""
        found: list[list[_Token] | None] = []
        at, size = 0, len(self.given)
        while at < size:
            start = at
            tokens: list[_Token] = []
            while at < size and self.given[at] != "/":
                token, at = self.token(at)
                tokens.append(token)
            piece = self.given[start:at]
            if not piece:
                raise self.fault(start, "a folder without a name")
            if piece in (".", ".."):
                raise self.fault(start, f"{piece!r} is no folder here: paths begin at the volume's root")
            if "**" in piece and piece != "**" and not any(mark in piece for mark in "[{"):
                raise self.fault(start + piece.index("**"), "** stands alone between slashes, as in **/*.mov")
            found.append(None if piece == "**" else tokens)
            at += 1
        return found

    def token(self, at: int) -> tuple[_Token, int]:
        sign = self.given[at]
        if sign == "*":
            end = at + 1
            while self.given[end : end + 1] == "*":
                end += 1
            return _Token(_ANY, free=True), end
        if sign == "?":
            return _Token(_ONE), at + 1
        if sign == "[":
            return self.bracket(at)
        if sign == "{":
            return self.brace(at)
        if sign in "}":
            raise self.fault(at, "} without {")
        if sign == "\\":
            raise self.fault(at, "folders are parted by /, not by \\; a special character stands in brackets: [*]")
        if frame := _FRAMES.match(self.given, at):
            return _Token(_FRAME, plain=False), frame.end()
        return _Token(re.escape(sign), literal=sign), at + 1

    def bracket(self, at: int) -> tuple[_Token, int]:
        """A class of characters, or the frame field of a sequence."""
        ends = _FRAME_RANGE.match(self.given, at)
        if ends and max(len(ends[1]), len(ends[2])) > 1:
            first, last = int(ends[1]), int(ends[2])
            if first > last:
                raise self.fault(at, f"frames {first}-{last} run backwards")
            self.frames = (first, last)
            return _Token(_FRAME, plain=False), ends.end()
        start = at + 1
        negated = self.given[start : start + 1] in ("!", "^")
        start += negated
        end = self.given.find("]", start + 1)
        if end < 0:
            raise self.fault(at, "[ without ]")
        members = self.given[start:end]
        if "/" in members:
            raise self.fault(at, "[ without ] before the next /")
        parts = []
        place = 0
        while place < len(members):
            if members[place + 1 : place + 2] == "-" and place + 2 < len(members):
                first_sign, last_sign = members[place], members[place + 2]
                if first_sign > last_sign:
                    raise self.fault(start + place, f"{first_sign}-{last_sign} runs backwards")
                parts.append(f"{re.escape(first_sign)}-{re.escape(last_sign)}")
                place += 3
            else:
                parts.append(re.escape(members[place]))
                place += 1
        return _Token(f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"), end + 1

    def brace(self, at: int) -> tuple[_Token, int]:
        """A named part, or one of several texts."""
        end = self.given.find("}", at)
        if end < 0:
            raise self.fault(at, "{ without }")
        inner = self.given[at + 1 : end]
        if "{" in inner:
            raise self.fault(at + 1 + inner.index("{"), "{ within { }")
        if "," in inner:
            if "/" in inner:
                raise self.fault(at, "a choice lies within one piece, without /")
            choices = (re.escape(choice).replace(r"\*", _ANY).replace(r"\?", _ONE) for choice in inner.split(","))
            return _Token(f"(?:{'|'.join(choices)})", plain=False), end + 1
        if _NAME.fullmatch(inner) is None:
            raise self.fault(at, f"{inner!r} is no name of letters, digits and _" if inner else "{} without a name")
        if inner in self.names:
            return _Token(f"(?P={inner})", plain=False), end + 1
        self.names[inner] = None
        shape = {"version": _VERSION, "frame": _FRAME}.get(inner, "[^/]+")
        return _Token(f"(?P<{inner}>{shape})", plain=False), end + 1


def read_glob(text: str, given: str) -> Glob:
    """The glob `given`, in composed Unicode; `text` is how it was written, for faults. Raises PatternFault."""
    if not given.strip("/"):
        raise PatternFault(text, 0, "an empty pattern takes nothing")
    body = given.removeprefix("./").removeprefix("/")
    reader = _Reader(text, body, max(text.find(body), 0))
    if body.endswith("/"):
        reader.given = body + "**"
    pieces = reader.pieces()
    if len(pieces) == 1 and pieces[0] is not None:
        pieces.insert(0, None)
    source = ""
    for place, tokens in enumerate(pieces):
        last = place == len(pieces) - 1
        if tokens is None:
            source += ".+" if last else _FOLDERS
        else:
            source += _piece(_any_case(tokens) if last else tokens) + ("" if last else "/")
    return Glob(f"(?s:{source})", _prefix(pieces), _suffix(pieces), tuple(reader.names), reader.frames)


def _piece(tokens: list[_Token]) -> str:
    """One piece as an expression.

    Of `*a*b`, the first `a` is as good as any, because a `*` follows. Saying so (an atomic group) keeps a pattern of
    many stars from trying every way to divide a long name.
    """
    out = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        following = next((n for n in range(place + 1, len(tokens)) if tokens[n].free), None)
        if token.free and following is not None and all(part.plain for part in tokens[place + 1 : following]):
            out.append(f"(?>[^/]*?{''.join(part.source for part in tokens[place + 1 : following])})")
            place = following
        else:
            out.append(token.source)
            place += 1
    return "".join(out)


def _extension_at(tokens: list[_Token]) -> int | None:
    """Where the extension begins: after the last dot, if all that follows is text or a choice."""
    for place in range(len(tokens) - 1, -1, -1):
        token = tokens[place]
        if token.literal == ".":
            return place + 1 if place + 1 < len(tokens) else None
        if token.literal is None and not token.source.startswith("(?:"):
            return None
    return None


def _any_case(tokens: list[_Token]) -> list[_Token]:
    """The last piece, its extension in any case: cards and cameras disagree about .MOV."""
    at = _extension_at(tokens)
    if at is None:
        return tokens
    extension = "".join(token.source for token in tokens[at:])
    return [*tokens[:at], _Token(f"(?i:{extension})", plain=False)]


def _prefix(pieces: list[list[_Token] | None]) -> str:
    out = ""
    for place, tokens in enumerate(pieces):
        if tokens is None:
            return out
        last = place == len(pieces) - 1
        at = _extension_at(tokens) if last else None
        for token in tokens[:at]:
            # What is not ASCII may be decomposed on the disk.
            if token.literal is None or not token.literal.isascii():
                return out
            out += token.literal
        if not last:
            out += "/"
    return out


def _suffix(pieces: list[list[_Token] | None]) -> str:
    out = ""
    for token in reversed(pieces[-1] or []):
        if token.literal is None or not token.literal.isascii():
            break
        out = token.literal + out
    return out.lower()
