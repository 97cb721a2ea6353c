"""How are the packing lists of DCP and IMF read, through the asset map that says where each asset lies?

Asset maps: ST 429-9 and the Interop draft of 2004. Packing lists: ST 429-8, Interop, and ST 2067-2, which adds
the algorithm. Elements are known by their local names: namespaces and prefixes vary, the structure does not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from assetwatch.checksum.manifests import digests, xml
from assetwatch.checksum.manifests.composition import contradictions
from assetwatch.checksum.manifests.format import (
    Entry,
    ExpectedDigest,
    Finding,
    Manifest,
    ManifestFault,
    Report,
    basename,
    below,
    number_of,
    parent,
)
from assetwatch.checksum.manifests.resolve import Resolver, path_text, unsafe
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.model import FileKind
from assetwatch.paths import join

_MAPS = ("assetmap", "assetmap.xml")
_VOLUMES = ("volindex", "volindex.xml")
#: Digest methods by URI. `xmldig` is a slip of the pen in a library that many tools build on.
_METHODS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2000/09/xmldig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    "http://www.w3.org/2001/04/xmldsig-more#sha224": "sha224",
    "http://www.w3.org/2001/04/xmldsig-more#md5": "md5",
}
_ELSEWHERE = "the asset map does not name it: its bytes are not of this package"


@dataclass(frozen=True, slots=True)
class _Mapped:
    """One asset of an asset map: its chunks' paths in order, their bytes together, and if it is a packing list."""

    paths: tuple[str, ...]
    spellings: tuple[str, ...]
    length: int | None
    packing_list: bool
    line: int | None


class PackingList:
    """The format of DCP and IMF packages."""

    name = "packing-list"
    names = r"^assetmap$|\.xml$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: an asset map by its name, a packing list by its root element."""
        short = basename(name).lower()
        if short in _MAPS:
            return 95
        if not short.endswith(".xml"):
            return 0
        if not head:
            return 10
        text = head.replace(b"\0", b"")
        if b"PackingList" in text and b"AssetMap" not in text and (b"PKL" in text or short.startswith("pkl")):
            return 55
        return 40 if b"<AssetMap" in text or b":AssetMap" in text else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. `path` is an asset map, or a packing list beside one."""
        root = parent(path)
        with tree.open(path) as stream:
            kind = xml.name_of(xml.Document(stream, path).root)
        if kind not in ("AssetMap", "PackingList"):
            raise ManifestFault(path, 1, f"the root element is {kind!r}, neither AssetMap nor PackingList.")
        findings: list[Finding] = []
        own = {path}
        own |= {join(root, f.name) for f in tree.names(root) if f.name.lower() in _VOLUMES}
        map_path = path if kind == "AssetMap" else _map_beside(tree, root)
        mapped = _read_map(tree, map_path, findings) if map_path else {}
        lists = [path] if kind == "PackingList" else []
        gone = []
        if kind == "AssetMap":
            own.add(path)
            resolver = Resolver(tree, root)
            for asset in mapped.values():
                if not asset.packing_list or not asset.paths:
                    continue
                found = resolver.exact(asset.paths[0]) or resolver.otherwise(
                    asset.paths[0], asset.spellings, frozenset()
                )
                if found is None or found.listed.kind is not FileKind.REGULAR:
                    gone.append(asset)
                    findings.append(
                        Finding(
                            "list-missing",
                            "the asset map names a packing list that is not there",
                            join(root, asset.paths[0]),
                            wrong=True,
                        )
                    )
                else:
                    lists.append(join(root, found.real))
            if not lists and not gone:
                findings.append(
                    Finding(
                        "no-packing-list", "the asset map names no packing list: nothing has a digest", path, wrong=True
                    )
                )
        elif map_path:
            own.add(map_path)
        own |= set(lists)
        for listed in lists:
            # A packing list that cannot be read is a fault of the package, said before any footage is read.
            with tree.open(listed) as stream:
                xml.Document(stream, listed)
        findings += _compare_playlists(tree, root, lists, mapped if map_path else None)

        def entries(report: Report) -> Iterator[Entry]:
            named: set[str] = set()
            for listed in lists:
                for identity, entry in _read_list(tree, listed, mapped if map_path else None, report):
                    named.add(identity)
                    yield entry
            if kind != "AssetMap":
                return
            for asset in gone:
                yield Entry(asset.paths[0], line=asset.line)
            for identity, asset in mapped.items():
                if identity not in named and not asset.packing_list and asset.paths:
                    yield _entry(asset, asset.length, (), asset.line)

        creator = _creator(tree, path)
        return Manifest(self.name, path, root, entries, tuple(findings), creator, own_files=frozenset(own), whole=True)


def _compare_playlists(tree: Tree, root: str, lists: list[str], mapped: dict[str, _Mapped] | None) -> Iterator[Finding]:
    """What the package's composition playlists contradict of its packing lists."""
    known: dict[str, tuple[str, ExpectedDigest]] = {}
    for listed in lists:
        with contextlib.suppress(ManifestFault):
            for identity, entry in _read_list(tree, listed, mapped, lambda finding: None):
                if entry.digests and not entry.parts and not unsafe(entry.path):
                    known[identity] = (entry.path, entry.digests[0])
    for path, _ in sorted(known.values(), key=lambda one: one[0]):
        if path.lower().endswith(".xml"):
            yield from contradictions(tree, below(root, path), known, _identity, _digest)


def _map_beside(tree: Tree, root: str) -> str:
    names = {f.name.lower(): f.name for f in tree.names(root) if f.kind is FileKind.REGULAR}
    return next((join(root, names[name]) for name in _MAPS if name in names), "")


def _creator(tree: Tree, path: str) -> str:
    with tree.open(path) as stream:
        for element in xml.Document(stream, path).elements({"Creator"}):
            return xml.text_of(element).strip()
    return ""


def _identity(text: str) -> str:
    """An asset's id as a key: `urn:uuid:` and case do not count."""
    return text.strip().lower().removeprefix("urn:uuid:")


def _read_map(tree: Tree, path: str, findings: list[Finding]) -> dict[str, _Mapped]:
    found: dict[str, _Mapped] = {}
    with tree.open(path) as stream:
        for element in xml.Document(stream, path).elements({"Asset"}):
            identity = _identity(xml.text_of(xml.child(element, "Id")))
            flag = xml.child(element, "PackingList")
            is_list = flag is not None and xml.text_of(flag).strip().lower() not in ("false", "0")
            chunks = xml.child(element, "ChunkList")
            read = [_chunk(chunk) for chunk in chunks if xml.name_of(chunk) == "Chunk"] if chunks is not None else []
            read.sort(key=lambda chunk: chunk[2])
            lengths = [chunk[3] for chunk in read]
            length = sum(n for n in lengths if n is not None) if read and None not in lengths else None
            asset = _Mapped(
                tuple(chunk[0] for chunk in read), read[0][1] if read else (), length, is_list, xml.line_of(element)
            )
            if identity in found and found[identity].paths != asset.paths:
                findings.append(Finding("same-id", f"two assets have the id {identity}", path, asset.line, wrong=True))
                identity = f"{identity} line {asset.line}"
            found[identity] = asset
    return found


def _chunk(element: xml.Element) -> tuple[str, tuple[str, ...], int, int | None]:
    """A chunk's path, its other spellings, offset and length in bytes (ST 429-9, 6.4)."""
    written = xml.text_of(xml.child(element, "Path")).strip()
    for start in ("file://localhost/", "file:///", "file://"):
        if written.lower().startswith(start):
            written = written[len(start) :]
            break
    # The path is a URI, so its escapes stand for bytes; some writers leave names as they are.
    decoded = unquote_to_bytes(written).decode("utf-8", "surrogateescape") if "%" in written else written
    path, literal = path_text(decoded), path_text(written)
    offset = number_of(xml.text_of(xml.child(element, "Offset"))) or 0
    return path, (literal,) if literal != path else (), offset, number_of(xml.text_of(xml.child(element, "Length")))


def _read_list(tree: Tree, path: str, mapped: dict[str, _Mapped] | None, report: Report) -> Iterator[tuple[str, Entry]]:
    """The assets of a packing list. Without an asset map the original file name stands for the path."""
    with tree.open(path) as stream:
        document = xml.Document(stream, path)
        if xml.name_of(document.root) != "PackingList":
            what = f"the root element is {xml.name_of(document.root)!r}, not 'PackingList'."
            raise ManifestFault(path, 1, what, "The asset map names it as a packing list.")
        for element in document.elements({"Asset"}):
            line = xml.line_of(element)
            identity = _identity(xml.text_of(xml.child(element, "Id")))
            size = number_of(xml.text_of(xml.child(element, "Size")))
            digest = _digest(element)
            original = path_text(xml.text_of(xml.child(element, "OriginalFileName")).strip())
            asset = mapped.get(identity) if mapped is not None else None
            fault = "" if size is not None else "the size is not a number"
            if asset is not None and asset.paths:
                yield identity, _entry(asset, size, (digest,), line, fault)
            elif mapped is not None:
                name = original or f"urn:uuid:{identity}"
                report(Finding("not-in-asset-map", _ELSEWHERE, name, line))
                yield identity, Entry(name, size, (digest,), line, fault=_ELSEWHERE)
            else:
                yield (
                    identity,
                    Entry(
                        original, size, (digest,), line, fault=fault or ("" if original else "the entry names no file")
                    ),
                )


def _entry(
    asset: _Mapped, size: int | None, found: tuple[ExpectedDigest, ...], line: int | None, fault: str = ""
) -> Entry:
    parts = asset.paths if len(asset.paths) > 1 else ()
    return Entry(asset.paths[0], size, found, line, asset.spellings, parts=parts, fault=fault)


def _digest(element: xml.Element) -> ExpectedDigest:
    """The asset's digest: base64 of SHA-1 unless ST 2067-2's HashAlgorithm says otherwise."""
    text = "".join(xml.text_of(xml.child(element, "Hash")).split())
    method = xml.child(element, "HashAlgorithm")
    if method is None:
        digest = digests.tagged("sha1", text)
        return digest if digest.readings else digests.bare(text)
    uri = method.get("Algorithm", "").strip()
    name = _METHODS.get(uri)
    if name is None:
        return ExpectedDigest(text, (), note=f"digest method {uri[:100]!r} is not known")
    return digests.tagged(name, text)
