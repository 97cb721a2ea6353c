"""How is a Media Hash List 1.x read? (MediaHashList_v1_1.xsd, and what tools really write.)"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assetwatch.checksum.manifests import digests, xml
from assetwatch.checksum.manifests.format import (
    Entry,
    ExpectedDigest,
    Finding,
    Manifest,
    ManifestFault,
    Report,
    basename,
    parent,
)
from assetwatch.checksum.manifests.resolve import path_text
from assetwatch.checksum.manifests.tree import Tree

_NOT_DIGESTS = frozenset({"file", "size", "creationdate", "lastmodificationdate", "hashdate", "null"})
_OUTSIDE_SCHEMA = frozenset({"md5", "sha1", "xxhash", "xxhash64", "xxhash64be"})
_SIZE = re.compile(r"\+?[0-9]{1,30}")
NAMESPACE_ASC = "urn:ASC:MHL:v2"


class Mhl:
    """The format of `.mhl` files before ASC MHL: one list, paths relative to its folder."""

    name = "mhl"
    names = r"\.mhl$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: a `hashlist` without the namespace of ASC MHL."""
        named = basename(name).lower().endswith(".mhl")
        text = head.replace(b"\0", b"")
        if not text:
            return 40 if named else 0
        if NAMESPACE_ASC.encode() in text:
            return 0
        if b"<hashlist" in text:
            # Under another name it may be anybody's XML, whole or cut off: read as a list where a person names it.
            return 90 if named else 45
        # Whatever bears this name is a list, if a damaged one: that is said when it is read.
        return 60 if named else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. The root element and its version are checked at once."""
        with tree.open(path) as stream:
            root = xml.Document(stream, path).root
            name, version = xml.name_of(root), root.get("version", "")
        if name != "hashlist" or xml.namespace_of(root).startswith(NAMESPACE_ASC):
            raise ManifestFault(
                path, 1, f"the root element is {name!r}, not 'hashlist'.", "The file is no media hash list."
            )
        findings: tuple[Finding, ...] = ()
        if not re.match(r"[01](\.|$)", version):
            findings = (Finding("version", f"version {version!r} is not one of MHL 1.x: read as 1.1", path, 1),)

        def entries(report: Report) -> Iterator[Entry]:
            found = 0
            with tree.open(path) as stream:
                for element in xml.Document(stream, path).elements({"hash"}):
                    found += 1
                    yield _entry(element, path, report)
            if not found:
                report(Finding("no-entries", "the list names no file", path, wrong=True))

        return Manifest(self.name, path, parent(path), entries, findings, own_files=frozenset({path}))


def _entry(element: xml.Element, file: str, report: Report) -> Entry:
    path, size, fault = "", None, ""
    found: list[ExpectedDigest] = []
    line = xml.line_of(element)
    for below in element:
        tag, text = xml.name_of(below), (below.text or "")
        if tag == "file":
            path = path_text(text)
        elif tag == "size":
            size, fault = _size(text)
        elif tag and tag not in _NOT_DIGESTS:
            digest = _digest(tag, text.strip())
            if digest is None:
                report(Finding("unknown-element", f"element <{tag}> is not known: not read", file, line))
                continue
            if tag not in _OUTSIDE_SCHEMA:
                report(Finding("non-standard", f"element <{tag}> is not in MHL 1.1: used all the same", file, line))
            found.append(digest)
    if fault or not path:
        fault = fault or "the entry names no file"
        report(Finding("bad-entry", fault, file, line, wrong=True))
    return Entry(path, size, tuple(found), line, fault=fault)


def _size(text: str) -> tuple[int | None, str]:
    """The bytes that a `size` element tells, and what is wrong with it. 0 is no positiveInteger, but it is true."""
    text = text.strip()
    if not _SIZE.fullmatch(text):
        return None, f"the size {text[:40]!r} is not a number"
    return int(text), ""


def _digest(tag: str, text: str) -> ExpectedDigest | None:
    """The digest in an element of this name, None where the name is none of an algorithm."""
    match tag.lower():
        case "xxhash" | "xxhash32":
            return digests.xxh32_decimal(text)
        case "xxhash64":
            return digests.either_order(text)
        case _ if digests.algorithm_of(tag):
            return digests.tagged(tag, text)
        case _:
            return None
