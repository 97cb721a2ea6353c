"""How is a name that is bytes on disk kept as text, and shown, without losing a byte?

Names on a POSIX file system are any bytes but NUL and `/`. In the catalog a name is text: its UTF-8
reading, with each byte that is not UTF-8 written as `//` and two hex digits. `//` cannot come from a
real path, so the reading back is exact. (Neither SQLite nor PostgreSQL stores lone surrogates.)
"""

from __future__ import annotations

import os
import re
import unicodedata
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

_ESCAPE = re.compile(r"//([0-9A-F]{2})")


def from_os(name: str) -> str:
    """The catalog's text of a name or relative path as `os` functions give it (surrogateescape)."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(f"//{ord(c) - 0xDC00:02X}" if "\udc80" <= c <= "\udcff" else c for c in name)
    return name


def to_os(text: str) -> str:
    """The name as `os` functions take it, from the catalog's text."""
    if "//" not in text:
        return text
    return _ESCAPE.sub(lambda m: chr(0xDC00 + int(m[1], 16)), text)


def readable(text: str) -> str:
    """The catalog's text for a person: bytes that are no UTF-8 as U+FFFD."""
    return _ESCAPE.sub("\ufffd", text) if "//" in text else text


def shown(text: str) -> str:
    """As `readable`, and on one line: control characters are written as escapes."""
    text = readable(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


#: What JSON may hold as it is, and what steers terminals or turns the direction of writing all the same.
_STEERS = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


#: What a formula begins with, also in the wide forms of East Asia.
_SIGNS: Final = (
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take a cell with this text for a formula, or passes over what stands before one."""
    return text.lstrip()[:1] in _SIGNS and bool(text.strip())


def tame_json(text: str) -> str:
    """A JSON text that says the same and steers no terminal: what would is escaped, as control characters are."""
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def percent(text: str) -> str | None:
    """The exact bytes, percent-encoded, where `readable` cannot show them; None where it can."""
    return quote_from_bytes(os.fsencode(to_os(text)), safe="/") if "//" in text else None


def from_percent(encoded: str) -> str:
    """The catalog's text of a percent-encoded name, as `percent` writes it."""
    return from_os(os.fsdecode(unquote_to_bytes(encoded)))


def comparable(text: str) -> str:
    """The form under which two spellings of one name compare equal (Unicode NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def split(path: str) -> tuple[str, str]:
    """The folder and the name of a path in catalog text, where a slash may also belong to a byte that is no UTF-8."""
    if "//" not in path:
        folder, _, name = path.rpartition("/")
        return folder, name
    folder, _, name = to_os(path).rpartition("/")
    return from_os(folder), from_os(name)


def join(folder: str, name: str) -> str:
    """`folder/name`; the root folder is the empty text."""
    return f"{folder}/{name}" if folder else name
