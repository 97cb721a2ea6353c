"""How is a history of ASC MHL read: its generations, the chain that vouches for them, nested histories, collections?

A history is one manifest, whichever of its files it is found by: what a file must be stands in all generations
together. A generation whose bytes are not those the chain tells is reported, and serves only for files that no
intact generation knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assetwatch.checksum import algorithms
from assetwatch.checksum.manifests import asc_mhl_list
from assetwatch.checksum.manifests.asc_mhl_list import Header, Kept, Link
from assetwatch.checksum.manifests.format import (
    Entry,
    ExpectedDigest,
    Finding,
    FolderDigests,
    Manifest,
    ManifestFault,
    Report,
    basename,
    parent,
)
from assetwatch.checksum.manifests.ignore import Ignore
from assetwatch.checksum.manifests.merge import together
from assetwatch.checksum.manifests.resolve import unsafe
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.model import FileKind
from assetwatch.paths import join

FOLDER = "ascmhl"
CHAIN = "ascmhl_chain.xml"
COLLECTION = "ascmhl_collection.xml"
_NUMBER = re.compile(r"(\d{4,})_")
#: Patterns that every history has (6.4.3): they never fit a file that a list names.
_USUAL_IGNORE = frozenset({".DS_Store", FOLDER, FOLDER + "/"})
_BLOCK = 1024 * 1024
#: Entries of one history that are kept from the first reading of its lists; the rest is read again.
_KEPT = 30_000
_UNPROVEN = "the chain that would prove its list is missing or cannot be read"


@dataclass(frozen=True, slots=True)
class _Generation:
    """One readable list of a history; `altered` where its bytes are not those that the chain or a reference tells."""

    path: str
    number: int
    header: Header
    altered: bool
    kept: Kept | None

    def hashes(self, tree: Tree, report: Report) -> Iterator[Entry]:
        """The files of the list, from memory where it was short."""
        return self.kept.again(report) if self.kept else asc_mhl_list.hashes(tree, self.path, report)


class AscMhl:
    """The format of ASC MHL 2.0: histories, packing lists (process `flatten`) and collections."""

    name = "asc-mhl"
    names = r"\.mhl$|^ascmhl_(?:chain|collection)\.xml$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by the chain's name, the `ascmhl` folder, or the namespace."""
        short = basename(name).lower()
        if short in (CHAIN, COLLECTION):
            return 95
        in_history = basename(parent(name)) == FOLDER
        if not short.endswith(".mhl"):
            return 0
        if not head:
            return 95 if in_history else 45
        if asc_mhl_list.NAMESPACE.encode() in head.replace(b"\0", b""):
            return 95
        return 50 if in_history else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. `path` is any file of a history, or its `ascmhl` folder."""
        folder = path if basename(path) == FOLDER else parent(path)
        if basename(path).lower() == COLLECTION:
            return _collection(tree, path)
        if basename(folder) == FOLDER:
            return _history(tree, folder)
        return _single(tree, path)


def _single(tree: Tree, path: str) -> Manifest:
    """A list outside a history: a packing list, or a generation that somebody took out."""
    header = asc_mhl_list.header(tree, path)
    return Manifest(
        AscMhl.name,
        path,
        parent(path),
        lambda report: asc_mhl_list.hashes(tree, path, report),
        tool=header.tool,
        created_at=header.created_at,
        own_files=frozenset({path}),
        ignore=header.ignore,
        folders=header.folders,
    )


def _collection(tree: Tree, path: str) -> Manifest:
    """A collection: lists of several scopes, each relative to the collection's folder (specification 1.0, 8)."""
    findings: list[Finding] = []
    own = {path}
    lists = []
    for link in asc_mhl_list.chain(tree, path):
        where = join(parent(path), link.path)
        if unsafe(link.path):
            findings.append(Finding("unsafe-path", f"{unsafe(link.path)}: not read", path, link.line, wrong=True))
            continue
        try:
            whole = _fits(tree, where, link.digests)
        except OSError:
            findings.append(Finding("list-missing", "the collection names a list that is not there", where, wrong=True))
            continue
        own.add(where)
        if whole is False:
            findings.append(_changed(where, "the collection"))
        try:
            lists.append((where, asc_mhl_list.header(tree, where)))
        except ManifestFault as fault:
            findings.append(Finding("list-unreadable", fault.what, where, fault.line, wrong=True))

    def entries(report: Report) -> Iterator[Entry]:
        for where, _ in lists:
            yield from asc_mhl_list.hashes(tree, where, report)

    tools = ", ".join(dict.fromkeys(header.tool for _, header in lists if header.tool))
    root = parent(path)
    if basename(root) == FOLDER:
        root = parent(root)
    return Manifest(AscMhl.name, path, root, entries, tuple(findings), tools, own_files=frozenset(own))


def _history(tree: Tree, folder: str) -> Manifest:
    """The history in an `ascmhl` folder and all nested below its root."""
    root = parent(folder)
    findings: list[Finding] = []
    history = read_history(tree, folder, findings)
    below = {}
    for nested in nested_roots(tree, root):
        try:
            below[nested] = read_history(tree, join(nested, FOLDER), findings)
        except ManifestFault as fault:
            findings.append(Finding("history-unreadable", fault.what, fault.file, fault.line, wrong=True))
    check_references(tree, root, history, findings)
    for nested, child in below.items():
        check_references(tree, nested, child, findings)
    own = {listed for where in (root, *below) for listed in _own_files(tree, join(where, FOLDER))}

    def entries(report: Report) -> Iterator[Entry]:
        yield from history.entries(tree, report)
        for nested, child in below.items():
            prefix = nested[len(root) + 1 :] if root else nested
            for entry in child.entries(tree, report):
                yield _moved(entry, prefix)

    folders = list(history.folders)
    for nested, child in below.items():
        prefix = nested[len(root) + 1 :] if root else nested
        folders += [replace(f, path=join(prefix, f.path) if f.path else prefix) for f in child.folders]
    newest = history.generations[-1] if history.generations else None
    chain_path = join(folder, CHAIN)
    return Manifest(
        AscMhl.name,
        newest.path if newest and not history.chain_known else chain_path,
        root,
        entries,
        tuple(findings),
        newest.header.tool if newest else "",
        newest.header.created_at if newest else "",
        frozenset(own),
        history.ignore,
        folders=tuple(folders),
        ignore_below={n[len(root) + 1 :] if root else n: c.ignore for n, c in below.items()},
    )


@dataclass(frozen=True, slots=True)
class History:
    """The readable generations of one `ascmhl` folder, in order, and what its chain says of them."""

    generations: tuple[_Generation, ...]
    chain_known: bool
    links: tuple[Link, ...] = ()

    @property
    def ignore(self) -> tuple[str, ...]:
        """Ignore patterns only grow (5.4): those of all generations."""
        return tuple(dict.fromkeys(p for g in self.generations for p in g.header.ignore))

    @property
    def folders(self) -> tuple[FolderDigests, ...]:
        """The folder digests of the newest generation that has the root's."""
        for generation in reversed(self.generations):
            if not generation.altered and any(not f.path for f in generation.header.folders):
                return generation.header.folders
        return ()

    def entries(self, tree: Tree, report: Report) -> Iterator[Entry]:
        """What each file must be by all generations together."""
        unproven = "" if self.chain_known else _UNPROVEN
        if len(self.generations) == 1:
            for entry in self.generations[0].hashes(tree, report):
                yield replace(entry, unproven=unproven) if unproven else entry
            return
        known: dict[str, Entry] = {}
        spare: dict[str, Entry] = {}
        renamed: dict[str, str] = {}
        for generation in self.generations:
            into = spare if generation.altered else known
            for entry in generation.hashes(tree, report):
                if entry.previous_path and entry.previous_path != entry.path:
                    renamed[entry.previous_path] = entry.path
                seen = into.get(entry.path)
                into[entry.path] = entry if seen is None else together(seen, entry)
            for old, new in _renamed_folders(generation.header):
                renamed.update(_below(old, new, (*known, *spare)))
        for path, entry in spare.items():
            seen = known.get(path)
            if seen is None or not any(d.usable for d in seen.digests):
                known[path] = entry
        ignore = Ignore(p for p in self.ignore if p not in _USUAL_IGNORE)
        for path, entry in known.items():
            if ignore.passes_over(path):
                continue
            before = known.get(entry.previous_path)
            if before is not None and before is not entry:
                entry = replace(together(before, entry), path=path, line=entry.line)
            if unproven or path in renamed:
                entry = replace(entry, renamed_to=renamed.get(path, ""), unproven=unproven)
            yield entry
        if ignore.counted:
            what = f"listed once, ignored by a later generation: {ignore.summary()}"
            report(Finding("ignored", what, parent(self.generations[-1].path)))


def read_history(tree: Tree, folder: str, findings: list[Finding]) -> History:
    """The history in an `ascmhl` folder, without those nested below. Raises ManifestFault where no list is usable."""
    present = [path for path in _own_files(tree, folder) if path.lower().endswith(".mhl")]
    links, chain_known = _read_chain(tree, folder, findings)
    if not present and not links:
        raise ManifestFault(folder, None, "the history holds no list.", "Its lists were removed or never copied.")
    told = {join(folder, link.path): link for link in links}
    for path, link in told.items():
        if path not in present:
            findings.append(
                Finding("list-missing", "the chain names a list that is not there", path, link.line, wrong=True)
            )
    generations = []
    faults = []
    room = _KEPT
    for path in present:
        link_here = told.get(path)
        altered = False
        if link_here is None and chain_known:
            findings.append(Finding("not-in-chain", "the chain does not name this list: used all the same", path))
        elif link_here is not None:
            altered = _fits(tree, path, link_here.digests) is False
            if altered:
                findings.append(_changed(path, "the chain"))
        try:
            header, kept = asc_mhl_list.whole(tree, path, room)
        except ManifestFault as fault:
            faults.append(fault)
            findings.append(Finding("list-unreadable", fault.what, path, fault.line, wrong=True))
            continue
        named = _NUMBER.match(basename(path))
        number = link_here.number if link_here and link_here.number else int(named[1]) if named else 0
        generations.append(_Generation(path, number, header, altered, kept))
        room -= len(kept.entries) if kept else 0
    # Where the chain tells that there was a sound list, that is the finding; else the list is simply no list.
    if not generations and faults and not any(f.kind == "list-changed" for f in findings):
        raise faults[0]
    generations.sort(key=lambda g: (g.number, g.path))
    return History(tuple(generations), chain_known, tuple(links))


def _read_chain(tree: Tree, folder: str, findings: list[Finding]) -> tuple[list[Link], bool]:
    path = join(folder, CHAIN)
    try:
        links = asc_mhl_list.chain(tree, path)
    except OSError:
        findings.append(Finding("chain-missing", "the history has no chain: its lists prove nothing", path, wrong=True))
        return [], False
    except ManifestFault as fault:
        findings.append(Finding("chain-unreadable", fault.what, path, fault.line, wrong=True))
        return [], False
    good = []
    for link in links:
        if "/" in link.path or unsafe(link.path):
            findings.append(
                Finding("unsafe-path", "a chain names only lists beside it: not read", path, link.line, wrong=True)
            )
            continue
        good.append(link)
        if not any(r.algorithm == "c4" for d in link.digests for r in d.readings):
            findings.append(
                Finding("chain-without-c4", "no C4 in the chain (specification 1.0, 7.4.2)", path, link.line)
            )
    numbers = [link.number for link in links]
    if numbers != list(range(1, len(links) + 1)):
        findings.append(
            Finding("chain-order", "the generations are not numbered from 1 without a gap", path, wrong=True)
        )
    return good, True


def _fits(tree: Tree, path: str, told: tuple[ExpectedDigest, ...]) -> bool | None:
    """Whether a list's bytes are those that were told; None where no digest can be used. Raises OSError."""
    readings = [reading for digest in told for reading in digest.readings[:1]]
    hashers = {reading.algorithm: algorithms.new(reading.algorithm) for reading in readings}
    with tree.open(path) as stream:
        while block := stream.read(_BLOCK):
            for hasher in hashers.values():
                hasher.update(block)
    if not readings:
        return None
    return all(hashers[reading.algorithm].text() == reading.text for reading in readings)


def _changed(path: str, by: str) -> Finding:
    return Finding("list-changed", f"the list itself was changed: its digest is not the one in {by}", path, wrong=True)


def check_references(tree: Tree, root: str, history: History, findings: list[Finding]) -> None:
    """Each generation names the lists that nested histories gained with it, and their digests (6.4.6)."""
    for generation in history.generations:
        for path, told in generation.header.references:
            where = join(root, path)
            if unsafe(path):
                findings.append(Finding("unsafe-path", f"{unsafe(path)}: not read", generation.path, wrong=True))
                continue
            try:
                whole = _fits(tree, where, told)
            except OSError:
                findings.append(Finding("list-missing", "a list of a nested history is not there", where, wrong=True))
                continue
            if whole is False and not any(f.kind == "list-changed" and f.path == where for f in findings):
                findings.append(_changed(where, basename(generation.path)))


def nested_roots(tree: Tree, root: str) -> list[str]:
    """The folders below `root` that have a history of their own, from the top."""
    found = []
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            folders = sorted(listed.name for listed in tree.names(here) if listed.kind is None)
        except OSError:
            continue
        for name in folders:
            if name == FOLDER:
                if here != root and _own_files(tree, join(here, FOLDER)):
                    found.append(here)
            else:
                waiting.append(join(here, name))
    return sorted(found)


def _own_files(tree: Tree, folder: str) -> list[str]:
    """The regular files in an `ascmhl` folder; AppleDouble shadows of lists are none."""
    try:
        names = sorted(f.name for f in tree.names(folder) if f.kind is FileKind.REGULAR and not f.name.startswith("._"))
    except OSError:
        return []
    return [join(folder, name) for name in names]


def _moved(entry: Entry, prefix: str) -> Entry:
    def below(path: str) -> str:
        return join(prefix, path) if path and not unsafe(path) else path

    return replace(
        entry, path=below(entry.path), previous_path=below(entry.previous_path), renamed_to=below(entry.renamed_to)
    )


def _renamed_folders(header: Header) -> Iterator[tuple[str, str]]:
    for folder in header.folders:
        if folder.previous_path and folder.previous_path != folder.path:
            yield folder.previous_path, folder.path


def _below(old: str, new: str, paths: tuple[str, ...]) -> dict[str, str]:
    """The renames of the files below a renamed folder, for those that the history knows under both names."""
    known = set(paths)
    renamed = {path: join(new, path[len(old) + 1 :]) for path in known if path.startswith(old + "/")}
    return {path: later for path, later in renamed.items() if later in known}
