"""How is XML from a stranger read without doing what it says?

No network, no external DTD, no entity: a bare `<!DOCTYPE xmeml>` is what every real file has and is fine; a DOCTYPE
that declares an entity is refused, whether or not the entity is used. Depth and text size are bounded by the parser.
"""

from __future__ import annotations

from typing import Any

from lxml import etree


class XmlFault(ValueError):
    """The bytes are no XML that is safe to read; `line` is where, if the parser told."""

    def __init__(self, what: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(what)


Element = etree._Element


def parse(raw: bytes) -> Element:
    """The root element of the document in `raw`; comments and processing instructions are left out. XmlFault."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as fault:
        raise XmlFault(fault.msg or "no well-formed XML", fault.lineno or None) from None
    except (ValueError, LookupError, MemoryError) as fault:
        raise XmlFault(str(fault) or "no well-formed XML") from None
    if root is None:
        raise XmlFault("no XML element")
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and (any(True for _ in dtd.iterentities()) or _declares_entity(raw)):
        raise XmlFault("the DOCTYPE declares an entity, which no cut list needs")
    return root


def _declares_entity(raw: bytes) -> bool:
    # Parameter entities are not among iterentities(). The NULs go so that UTF-16 is seen too.
    return b"<!ENTITY" in raw[:1_000_000].replace(b"\0", b"")


def tag(element: Element) -> str:
    """The element's name without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    """The first child of that name."""
    return next((c for c in element if tag(c) == name), None)


def children(element: Element, *names: str) -> list[Element]:
    """The children of those names, in document order."""
    return [c for c in element if tag(c) in names]


def text(element: Element | None, *path: str) -> str | None:
    """The stripped text at `path` below `element`; None where it is missing or empty."""
    for name in path:
        if element is None:
            return None
        element = child(element, name)
    if element is None or element.text is None:
        return None
    return element.text.strip() or None


def whole(element: Element | None, *path: str) -> int | None:
    """The whole number at `path`; None where it is missing or no number of a sane size."""
    found = text(element, *path)
    if found is None or len(found) > 15:
        return None
    try:
        return int(found)
    except ValueError:
        return None


def line(element: Element) -> int | None:
    """The line of the start tag."""
    found = element.sourceline
    return found if isinstance(found, int) and found > 0 else None
