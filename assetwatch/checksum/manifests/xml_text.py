"""How does text come into XML so that the same text is read out again?"""

from __future__ import annotations

import re

from assetwatch.paths import to_os

#: What XML 1.0 cannot hold in any spelling (2.2): control characters, halves of surrogate pairs.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: A carriage return written as it is would be read back as a line feed (XML 1.0, 2.11).
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


def why_not_xml(path: str) -> str:
    """Why a path (catalog text) cannot stand in XML; empty where it can."""
    name = to_os(path)
    if any("\udc80" <= c <= "\udcff" for c in name):
        return "its name is no Unicode text, which XML needs"
    return "its name holds a character that XML cannot hold" if _NO_XML.search(name) else ""


def escaped(text: str) -> str:
    """Text between tags. What XML cannot hold becomes U+FFFD: never a path, see `why_not_xml`."""
    return _NO_XML.sub("\ufffd", text).translate(_ESCAPES)


def attribute(text: str) -> str:
    """Text inside a quoted attribute."""
    return _NO_XML.sub("\ufffd", text).translate(_IN_ATTRIBUTE)
