"""Which characters are the bytes of a text cut list?

Lists come from old and new programs on three systems: UTF-8 with and without BOM, UTF-16 either way, Latin-1 and its
Windows superset. A reel name is ASCII nearly always; the rest must be readable, never a reason to refuse the list.
"""

from __future__ import annotations

import codecs

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(raw: bytes) -> str:
    """The text of `raw`, without a BOM; line ends as they are. Bytes of no encoding become U+FFFD, never an error."""
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return raw[len(bom) :].decode(encoding, errors="replace")
    head = raw[:512]
    if head.count(0) * 3 > len(head):
        # ASCII as UTF-16 has a NUL in every other byte; which half tells the order.
        return raw.decode("utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be", errors="replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def lines(text: str) -> list[str]:
    """The lines of `text` at CR, LF and CRLF only; a vertical tab or form feed inside a name ends no line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
