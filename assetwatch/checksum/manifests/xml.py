"""How is XML from a stranger read without trusting it?

The only module of the package that knows lxml. Nothing is fetched, no DTD is loaded, no entity is expanded, and a
document that declares any entity is refused; a bare DOCTYPE is tolerated, because real files carry one. Elements
are handed out one at a time and given back, so that memory does not grow with the list.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Collection, Iterator
from typing import BinaryIO, cast

from lxml import etree

from assetwatch.checksum.manifests.format import ManifestFault

Element = etree._Element
_BLOCK = 64 * 1024
#: Bytes before the root element: XML declaration, comments, DOCTYPE. What has more is no list.
_LONGEST_PROLOG = 1024 * 1024
#: Bytes between two entries. A creator's log may be long; a tree that is never given back may not.
_LONGEST_ELEMENT = 64 * 1024 * 1024
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, b"\0\0\0<", b"<\0\0\0")


@functools.lru_cache(maxsize=1024)
def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def name_of(element: Element) -> str:
    """The element's name without its namespace; empty for a comment or a processing instruction."""
    return _local(element.tag)


def namespace_of(element: Element) -> str:
    """The element's namespace, empty where it has none."""
    tag = element.tag
    return tag[1:].partition("}")[0] if isinstance(tag, str) and tag.startswith("{") else ""


def text_of(element: Element | None) -> str:
    """The element's own text as it stands; empty where there is none."""
    return (element.text or "") if element is not None else ""


def child(element: Element, name: str) -> Element | None:
    """The first child of that name, whatever its namespace."""
    return next((below for below in element if name_of(below) == name), None)


def line_of(element: Element) -> int | None:
    """The 1-based line on which the element starts."""
    line = element.sourceline
    return line if isinstance(line, int) else None


class Document:
    """An XML document that is being read, once, from the start of `stream`.

    The constructor reads up to the root element: `root` can be asked for its name, namespace and attributes.
    Raises ManifestFault for what is no XML, is in UTF-32, or declares entities.
    """

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._stream, self._file = stream, file
        self._head = stream.read(_BLOCK)
        if not self._head.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
            raise ManifestFault(file, 1, "the file is empty.", "Ask the sender for the list again.")
        if self._head.startswith(_UTF32):
            raise ManifestFault(file, 1, "UTF-32 is not read.", "Save the list as UTF-8.")
        self.root = self._first()

    def _parser(self, names: Collection[str] | None) -> etree.XMLPullParser:
        # UTF-16 without a byte-order mark is met under any declaration.
        encoding = {b"<\0": "UTF-16LE", b"\0<": "UTF-16BE"}.get(self._head[:2])
        return etree.XMLPullParser(
            events=("start",) if names is None else ("end",),
            tag=None if names is None else [f"{{*}}{name}" for name in sorted(names)],
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            recover=False,
        )

    def _first(self) -> Element:
        parser = self._parser(None)
        block = self._head
        while True:
            if _ENTITY.search(self._head.replace(b"\0", b"")):
                what = "the document declares entities, which no list needs."
                raise ManifestFault(self._file, 1, what, "Nothing of it was read; ask the sender for a plain list.")
            self._feed(parser, block)
            for _, element in parser.read_events():
                return cast(Element, element)
            if not block or len(self._head) > _LONGEST_PROLOG:
                raise ManifestFault(self._file, 1, "there is no root element.", "The file is no XML list.")
            block = self._stream.read(_BLOCK)
            self._head += block

    def _feed(self, parser: etree.XMLPullParser, block: bytes) -> None:
        try:
            if block:
                parser.feed(block)
            else:
                parser.close()
        except etree.XMLSyntaxError as error:
            what = f"invalid XML: {' '.join(str(error.msg).split())}."
            advice = "The list is damaged; ask the sender for it again."
            raise ManifestFault(self._file, error.lineno or None, what, advice) from None
        except (ValueError, LookupError) as error:
            raise ManifestFault(self._file, None, f"unreadable encoding: {error}.", "Save the list as UTF-8.") from None

    def elements(self, names: Collection[str]) -> Iterator[Element]:
        """The elements of these local names, complete, in document order.

        Each is emptied when the next is asked for: keep values, not elements. Raises ManifestFault where the
        XML breaks off.
        """
        parser = self._parser(names)
        events = parser.read_events()
        block, idle = self._head, 0
        while True:
            self._feed(parser, block)
            idle += len(block)
            for _, found in events:
                idle = 0
                element = cast(Element, found)
                yield element
                element.clear()
                above = element.getparent()
                if above is not None:
                    while above[0] is not element:
                        del above[0]
            if not block:
                return
            if idle > _LONGEST_ELEMENT:
                what = f"more than {_LONGEST_ELEMENT >> 20} MiB without an entry."
                raise ManifestFault(self._file, None, what, "The file is no list, or it is damaged.")
            block = self._stream.read(_BLOCK)
