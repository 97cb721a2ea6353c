"""What stands in one list of ASC MHL, and in the chain that vouches for it? (Specification 1.0, parts 6 and 7.)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assetwatch.checksum.manifests import digests, xml
from assetwatch.checksum.manifests.format import (
    Entry,
    ExpectedDigest,
    Finding,
    FolderDigests,
    ManifestFault,
    Report,
    number_of,
)
from assetwatch.checksum.manifests.resolve import path_text
from assetwatch.checksum.manifests.tree import Tree

NAMESPACE = "urn:ASC:MHL:v2"
#: The digests that the schema allows; others are met (sha256), used, and said.
_STANDARD = frozenset({"c4", "md5", "sha1", "xxh128", "xxh3", "xxh64"})
_ACTIONS = frozenset({"original", "verified", "failed", "new"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a list says besides its hashes. `references` are (path of a nested history's list, its digests)."""

    process: str
    tool: str
    created_at: str
    ignore: tuple[str, ...]
    references: tuple[tuple[str, tuple[ExpectedDigest, ...]], ...]
    folders: tuple[FolderDigests, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the chain: the list's number and name, and the digests of its bytes."""

    number: int | None
    path: str
    digests: tuple[ExpectedDigest, ...]
    line: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of a list that was short enough to be kept, and what was found about them."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    def again(self, report: Report) -> Iterator[Entry]:
        """As `hashes`, without reading the list once more."""
        for finding in self.findings:
            report(finding)
        yield from self.entries


def header(tree: Tree, path: str) -> Header:
    """Everything in a list but its hashes. Raises ManifestFault where it cannot be read to its end."""
    return whole(tree, path, 0)[0]


def whole(tree: Tree, path: str, most: int) -> tuple[Header, Kept | None]:
    """The header, and the files where there are no more than `most`. Raises as `header` does."""
    entries: list[Entry] = []
    found: list[Finding] = []
    process = tool = created_at = ""
    ignore: list[str] = []
    references = []
    folders = []
    with tree.open(path) as stream:
        document = xml.Document(stream, path)
        _check_root(document, path, "hashlist")
        for element in document.elements({"creatorinfo", "processinfo", "hash", "directoryhash", "hashlistreference"}):
            match xml.name_of(element):
                case "hash":
                    if len(entries) <= most and most:
                        entries.append(_entry(element, path, found.append))
                case "creatorinfo":
                    made_by = xml.child(element, "tool")
                    version = made_by.get("version", "") if made_by is not None else ""
                    tool = f"{xml.text_of(made_by).strip()} {version}".strip()
                    created_at = xml.text_of(xml.child(element, "creationdate")).strip()
                case "processinfo":
                    process = xml.text_of(xml.child(element, "process")).strip()
                    patterns = xml.child(element, "ignore")
                    if patterns is not None:
                        ignore += [xml.text_of(p) for p in patterns if xml.name_of(p) == "pattern"]
                    root = xml.child(element, "roothash")
                    if root is not None:
                        folders.append(_folder(root, ""))
                case "directoryhash":
                    where = xml.text_of(xml.child(element, "path"))
                    folders.append(_folder(element, path_text(where).rstrip("/")))
                case "hashlistreference":
                    where = xml.text_of(xml.child(element, "path"))
                    references.append((path_text(where), tuple(_digests(element, None))))
    kept = Kept(tuple(entries), tuple(found)) if len(entries) <= most and most else None
    return Header(process, tool, created_at, tuple(ignore), tuple(references), tuple(folders)), kept


def hashes(tree: Tree, path: str, report: Report) -> Iterator[Entry]:
    """The files of a list, streamed."""
    with tree.open(path) as stream:
        document = xml.Document(stream, path)
        _check_root(document, path, "hashlist")
        for element in document.elements({"hash"}):
            yield _entry(element, path, report)


def chain(tree: Tree, path: str) -> list[Link]:
    """The chain, or a collection, in its order. Any digest element is taken, not C4 alone (7.4.2)."""
    found = []
    with tree.open(path) as stream:
        document = xml.Document(stream, path)
        _check_root(document, path, "ascmhldirectory")
        for element in document.elements({"hashlist"}):
            where = path_text(xml.text_of(xml.child(element, "path")).strip())
            found.append(
                Link(
                    number_of(element.get("sequencenr")),
                    where,
                    tuple(_digests(element, None)),
                    xml.line_of(element),
                )
            )
    return found


def _check_root(document: xml.Document, path: str, name: str) -> None:
    found, namespace = xml.name_of(document.root), xml.namespace_of(document.root)
    if found != name or (namespace and not namespace.startswith("urn:ASC:MHL")):
        what = f"the root element is {found!r} in {namespace!r}, not {name!r} of ASC MHL."
        raise ManifestFault(path, xml.line_of(document.root), what, "The file is no list of ASC MHL.")


def _entry(element: xml.Element, file: str, report: Report) -> Entry:
    path = previous = fault = ""
    size: int | None = None
    written: str | None = None
    line = xml.line_of(element)
    for below in element:
        match xml.name_of(below):
            case "path":
                path, written = path_text(below.text or ""), below.get("size")
            case "previousPath":
                previous = path_text(below.text or "")
    if written is not None:
        # ascmhl 1.2 leaves the size of an empty file out; a size that is there must be a number.
        size = number_of(written)
        if size is None:
            fault = f"the size {written[:40]!r} is not a number"
    if not path:
        fault = "the entry names no file"
    if fault:
        report(Finding("bad-entry", fault, file, line, wrong=True))
    found = tuple(_digests(element, (file, report)))
    return Entry(path, size, found, line, previous_path=previous, fault=fault)


def _digests(element: xml.Element, told: tuple[str, Report] | None) -> Iterator[ExpectedDigest]:
    """The digest elements below another; with `told`, what is unusual about them is reported for that file."""
    for below in element:
        tag = xml.name_of(below)
        if tag not in _STANDARD and digests.algorithm_of(tag) is None:
            if told and tag not in ("path", "previousPath", "metadata", ""):
                told[1](
                    Finding("unknown-element", f"element <{tag}> is not known: not read", told[0], xml.line_of(below))
                )
            continue
        action = below.get("action", "").strip()
        yield digests.tagged(tag, (below.text or "").strip(), action)
        if told is None:
            continue
        file, report = told
        if tag not in _STANDARD:
            what = f"element <{tag}> is not in ASC MHL 2.0: verified all the same"
            report(Finding("non-standard", what, file, xml.line_of(below)))
        if action not in _ACTIONS:
            what = "a hash without action: used as reference" if not action else f"action {action[:40]!r} is not known"
            report(Finding("no-action", what, file, xml.line_of(below)))


def _folder(element: xml.Element, path: str) -> FolderDigests:
    both: dict[str, dict[str, str]] = {"content": {}, "structure": {}}
    for name, into in both.items():
        part = xml.child(element, name)
        if part is not None:
            for digest in _digests(part, None):
                into.update({reading.algorithm: reading.text for reading in digest.readings[:1]})
    previous = path_text(xml.text_of(xml.child(element, "previousPath"))).rstrip("/")
    return FolderDigests(path, both["content"], both["structure"], xml.line_of(element), previous)
