"""How is a bag read? (RFC 8493, BagIt 1.0, and its drafts from 0.93.)"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from assetwatch.checksum import algorithms
from assetwatch.checksum.manifests import digests
from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, ManifestFault, Report, basename, parent
from assetwatch.checksum.manifests.resolve import Resolver, homeward, path_text, strange, unsafe
from assetwatch.checksum.manifests.text import lines
from assetwatch.checksum.manifests.tree import Tree, files_below
from assetwatch.model import FileKind
from assetwatch.paths import join

_MANIFEST = re.compile(r"(tag)?manifest-([A-Za-z0-9_-]+)\.txt", re.IGNORECASE)
_LINE = re.compile(r"([0-9A-Fa-f]{8,128})[ \t]+\*?(.+)")
_FETCH = re.compile(r"(\S+)[ \t]+(\d+|-)[ \t]+(.+)")
_OXUM = re.compile(r"\s*(\d{1,20})\.(\d{1,12})\s*")
_VERSION = re.compile(r"BagIt-Version\s*:\s*(\d+)\.(\d+)", re.IGNORECASE)
_ENCODING = re.compile(r"Tag-File-Character-Encoding\s*:\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
#: Encodings of text that a bag may name; a codec of Python that is no encoding of text is not one of them.
_ENCODINGS = re.compile(
    r"utf[-_]?(8|16([-_]?[lb]e)?)|us-ascii|ascii|(iso[-_]?8859|latin|windows|cp)[-_]?\d{1,5}|shift[-_]jis|euc[-_]jp|gb18030|big5",
    re.IGNORECASE,
)
_ESCAPES = re.compile(r"%(0[aAdD]|25)")
_BLOCK = 1024 * 1024


#: The file that makes a folder a bag (RFC 8493, 2.1.1).
DECLARATION = "bagit.txt"


def is_manifest(name: str) -> bool:
    """Whether a file of this name, beside a bag's declaration, is one of the bag's lists."""
    return bool(_MANIFEST.fullmatch(name))


@dataclass(frozen=True, slots=True)
class _Bag:
    """What `bagit.txt` says, and the lists beside it."""

    root: str
    version: tuple[int, int]
    encoding: str | None
    payload: tuple[tuple[str, str], ...]
    tags: tuple[tuple[str, str], ...]


class BagIt:
    """The format of bags: payload manifests are its entries, everything else about the bag is a finding."""

    name = "bagit"
    names = r"^bagit\.txt$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by the declaration `bagit.txt`."""
        return 95 if basename(name) == DECLARATION else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. `path` is the bag's `bagit.txt`."""
        findings: list[Finding] = []
        bag = _bag(tree, path, findings)
        fetched = _fetch(tree, bag, findings)
        tags = _info(tree, bag, findings)
        _check_oxum(tree, bag, tags.get("payload-oxum", ""), findings)
        _check_tag_files(tree, bag, findings)

        def entries(report: Report) -> Iterator[Entry]:
            for listed, name in bag.payload:
                yield from _entries(tree, bag, listed, name, fetched, report)

        own = {path, *(listed for listed, _ in (*bag.payload, *bag.tags))}
        return Manifest(
            self.name,
            path,
            bag.root,
            entries,
            tuple(findings),
            tags.get("bag-software-agent", ""),
            tags.get("bagging-date", ""),
            frozenset(own),
            whole=True,
            covers="data",
        )


def _bag(tree: Tree, path: str, findings: list[Finding]) -> _Bag:
    root = parent(path)
    with tree.open(path) as stream:
        declared = stream.read(64 * 1024)
    if declared.startswith(b"\xef\xbb\xbf"):
        what = "bagit.txt starts with a byte-order mark, which it must not (RFC 8493, 2.1.1)"
        findings.append(Finding("bad-declaration", what, path, 1, wrong=True))
    text = declared.decode("utf-8-sig", "replace")
    version, encoding = _VERSION.search(text), _ENCODING.search(text)
    if version is None:
        findings.append(Finding("bad-declaration", "no BagIt-Version: read as 1.0", path, wrong=True))
    named = encoding[1] if encoding else "UTF-8"
    if not _is_encoding(named):
        findings.append(Finding("bad-declaration", f"encoding {named!r} is not known: read as UTF-8", path, wrong=True))
        named = "UTF-8"
    payload: list[tuple[str, str]] = []
    tags: list[tuple[str, str]] = []
    for listed in sorted(tree.names(root), key=lambda found: found.name):
        match = _MANIFEST.fullmatch(listed.name)
        if match and listed.kind is FileKind.REGULAR:
            (tags if match[1] else payload).append((join(root, listed.name), match[2].lower()))
    if not payload:
        raise ManifestFault(path, None, "the bag has no payload manifest.", "manifest-<algorithm>.txt is missing.")
    for listed_path, name in payload:
        known = algorithms.canonical_name(name)
        if known is None or not algorithms.computable(known):
            findings.append(Finding("unknown-algorithm", f"{name} cannot be computed here", listed_path, wrong=True))
    numbers = (int(version[1]), int(version[2])) if version and len(version[0]) < 60 else (1, 0)
    # UTF-8 needs no override: bytes that are none of it survive as names of files do.
    override = None if re.fullmatch(r"utf[-_]?8|(us-)?ascii", named, re.IGNORECASE) else named
    return _Bag(root, numbers, override, tuple(payload), tuple(tags))


def _is_encoding(name: str) -> bool:
    if not _ENCODINGS.fullmatch(name):
        return False
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _entries(
    tree: Tree, bag: _Bag, listed: str, algorithm: str, fetched: dict[str, str], report: Report
) -> Iterator[Entry]:
    with tree.open(listed) as stream:
        for number, line in lines(stream, listed, report, bag.encoding):
            match = _LINE.fullmatch(line.lstrip("\ufeff"))
            if match is None:
                if line.strip():
                    report(
                        Finding("bad-line", "not a line of a bag's manifest: passed over", listed, number, wrong=True)
                    )
                continue
            path, spellings = _path(match[2], bag.version)
            if not (unsafe(path) or homeward(path) or strange(path)) and not path.startswith("data/"):
                report(Finding("not-payload", f"{path} is not below data/", listed, number, wrong=True))
            absent = next((fetched[p] for p in (path, *spellings) if p in fetched), "")
            digest = digests.tagged(algorithm, match[1])
            yield Entry(path, None, (digest,), number, spellings, absent=absent)


def _path(written: str, version: tuple[int, int]) -> tuple[str, tuple[str, ...]]:
    """A path and its other reading: 1.0 encodes CR, LF and % (RFC 8493, 2.1.3), the drafts CR and LF only."""
    decoded = _ESCAPES.sub(lambda m: unquote(m[0]), written)
    literal, plain = path_text(written), path_text(decoded)
    if literal == plain:
        return literal, ()
    return (plain, (literal,)) if version >= (1, 0) else (literal, (plain,))


def _fetch(tree: Tree, bag: _Bag, findings: list[Finding]) -> dict[str, str]:
    """The files that may be absent, and where they are to be had (RFC 8493, 2.2.3)."""
    path = join(bag.root, "fetch.txt")
    found: dict[str, str] = {}
    try:
        with tree.open(path) as stream:
            for number, line in lines(stream, path, findings.append, bag.encoding):
                match = _FETCH.fullmatch(line)
                if match is None:
                    findings.append(
                        Finding("bad-line", "not a line of fetch.txt: passed over", path, number, wrong=True)
                    )
                    continue
                where, spellings = _path(match[3].rstrip("\r"), bag.version)
                why = unsafe(where) or homeward(where) or strange(where)
                if why:
                    findings.append(Finding("unsafe-path", f"{why}: {where}", path, number, wrong=True))
                    continue
                for one in (where, *spellings):
                    found[one] = f"not here yet: fetch.txt says where to fetch it ({match[1][:200]})"
    except OSError:
        return {}
    return found


def _info(tree: Tree, bag: _Bag, findings: list[Finding]) -> dict[str, str]:
    """The tags of bag-info.txt, by lower-case name; called package-info.txt before 0.95."""
    for name in ("bag-info.txt", "package-info.txt"):
        path = join(bag.root, name)
        tags: dict[str, str] = {}
        try:
            with tree.open(path) as stream:
                for _, line in lines(stream, path, findings.append, bag.encoding):
                    label, colon, value = line.lstrip("\ufeff").partition(":")
                    if colon and label[:1].strip():
                        tags.setdefault(label.strip().lower(), value.strip())
        except OSError:
            continue
        return tags
    return {}


def _check_oxum(tree: Tree, bag: _Bag, written: str, findings: list[Finding]) -> None:
    """Payload-Oxum tells bytes and files before anything is read (RFC 8493, 2.2.2)."""
    if not written:
        return
    path = join(bag.root, "bag-info.txt")
    match = _OXUM.fullmatch(written)
    if match is None:
        findings.append(Finding("payload-oxum", f"Payload-Oxum {written[:60]!r} is not bytes.count", path, wrong=True))
        return
    sizes = [f.size for _, f in files_below(tree, join(bag.root, "data")) if f.kind is FileKind.REGULAR]
    told, seen = (int(match[1]), int(match[2])), (sum(sizes), len(sizes))
    if told != seen:
        what = f"Payload-Oxum tells {told[0]} bytes in {told[1]} files, there are {seen[0]} bytes in {seen[1]}"
        findings.append(Finding("payload-oxum", what, path, wrong=True))


def _check_tag_files(tree: Tree, bag: _Bag, findings: list[Finding]) -> None:
    """Tag manifests vouch for the payload manifests and the bag's own texts (RFC 8493, 2.2.1)."""
    resolver = Resolver(tree, bag.root)
    for listed, algorithm in bag.tags:
        with tree.open(listed) as stream:
            for number, line in lines(stream, listed, findings.append, bag.encoding):
                match = _LINE.fullmatch(line.lstrip("\ufeff"))
                if match is None:
                    if line.strip():
                        findings.append(Finding("bad-line", "not a line of a tag manifest", listed, number, wrong=True))
                    continue
                path, spellings = _path(match[2], bag.version)
                digest = digests.tagged(algorithm, match[1])
                found = resolver.exact(path) or resolver.otherwise(path, spellings, frozenset())
                if found is None or found.listed.kind is not FileKind.REGULAR:
                    what = "a tag manifest names it and it is not there"
                    findings.append(Finding("tag-file", what, join(bag.root, path), wrong=True))
                    continue
                if not digest.readings:
                    findings.append(Finding("unknown-algorithm", digest.note, listed, number))
                    continue
                hasher = algorithms.new(digest.readings[0].algorithm)
                try:
                    with tree.open(join(bag.root, found.real)) as tag_file:
                        while block := tag_file.read(_BLOCK):
                            hasher.update(block)
                except OSError as error:
                    what = f"not readable: {error.strerror}"
                    findings.append(Finding("tag-file", what, join(bag.root, path), wrong=True))
                    continue
                if hasher.text() != digest.readings[0].text:
                    what = (
                        "the list itself was changed"
                        if _MANIFEST.fullmatch(basename(path))
                        else "the tag file was changed"
                    )
                    what += f": its {algorithm} digest is not the one in the tag manifest"
                    findings.append(Finding("list-changed", what, join(bag.root, path), wrong=True))
