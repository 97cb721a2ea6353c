"""Which manifests speak for a folder, or for the list that somebody named?"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from assetwatch.checksum.manifests import asc_mhl, bagit, formats
from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, ManifestFault, Report, parent
from assetwatch.checksum.manifests.tree import DiskTree, Tree
from assetwatch.errors import UsageError
from assetwatch.model import FileKind
from assetwatch.paths import from_os, join

#: Folders above the one asked for that are looked at for a list.
_UP = 6
#: A format that describes its whole folder by itself: other lists beside it are part of it.
_WHOLE = ("bagit", "packing-list")


@dataclass(frozen=True, slots=True)
class Scope:
    """What there is to verify: the tree, the manifests in it, one a root, and the folder asked for below it."""

    tree: DiskTree
    manifests: tuple[Manifest, ...]
    below: str = ""


def remembering(path: Path) -> DiskTree:
    """A folder on disk as it was at one moment."""
    return DiskTree(path, remember=True)


def scope_of(path: Path, tree_of: Callable[[Path], DiskTree] = remembering) -> Scope:
    """The manifests for a path: a list itself; or those in a folder, else those below it, else the nearest above.

    `tree_of` makes the tree that a folder is looked at through.
    Raises UsageError where there is nothing at `path`, ManifestFault where a list cannot be read or used.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}. Give a folder or a list.") from None
    try:
        return _scope(path.resolve() if path.is_symlink() else path, mode, tree_of)
    except OSError as error:
        raise not_readable(os.fspath(path), error) from None


def not_readable(path: str, error: OSError) -> ManifestFault:
    """The fault of a list, or of the folder with the lists, that the system does not give."""
    return ManifestFault(from_os(path), None, f"cannot be read: {error.strerror or error}.", "Look at its permissions.")


def _scope(path: Path, mode: int, tree_of: Callable[[Path], DiskTree]) -> Scope:
    if not stat.S_ISDIR(mode):
        folder, name = path.parent, from_os(path.name)
        if folder.name == asc_mhl.FOLDER or (folder.resolve().name == asc_mhl.FOLDER):
            folder, name = folder.resolve().parent, join(asc_mhl.FOLDER, name)
        if bagit.is_manifest(name) and (folder / bagit.DECLARATION).is_file():
            name = bagit.DECLARATION
        alone = tree_of(folder)
        return Scope(alone, (formats.read(alone, name),))
    if path.resolve().name == asc_mhl.FOLDER and path.parent != path:
        path = path.resolve().parent
    tree = tree_of(path)
    here = in_folder(tree, "")
    if here is not None:
        return Scope(tree, (here,))
    found = tuple(below(tree))
    if found:
        return Scope(tree, found)
    whole = path.resolve()
    for count, above in enumerate(whole.parents):
        if count >= _UP:
            break
        try:
            higher = remembering(above)
            manifest = in_folder(higher, "")
        except (ManifestFault, OSError):
            continue
        wanted = from_os(str(whole.relative_to(above))) + "/"
        if manifest is not None and any(e.path.startswith(wanted) for e in manifest.entries(lambda finding: None)):
            return Scope(higher, (manifest,), wanted[:-1])
    return Scope(tree, ())


def below(tree: Tree) -> Iterator[Manifest]:
    """The manifests of the topmost folders that have any."""
    waiting = [""]
    while waiting:
        here = waiting.pop()
        try:
            folders = sorted((f.name for f in tree.names(here) if f.kind is None), reverse=True)
        except OSError:
            continue
        if here:
            try:
                manifest = in_folder(tree, here)
            except ManifestFault as fault:
                manifest = broken("unreadable", fault.file, fault)
            if manifest is not None:
                yield manifest
                continue
        waiting += [join(here, name) for name in folders]


def is_list(tree: Tree, path: str) -> bool:
    """Whether a file is surely a list by its name and first bytes."""
    if not formats.promising(path):
        return False
    try:
        with tree.open(path) as stream:
            known = formats.recognize(path, stream.read(formats.HEAD))
    except OSError:
        return False
    return known is not None and known[1] >= formats.SURE


def in_folder(tree: Tree, folder: str) -> Manifest | None:
    """All the lists in one folder as one manifest, None where there is none."""
    lists = []
    for listed in sorted(tree.names(folder), key=lambda found: found.name):
        path = join(folder, listed.name)
        if listed.kind is None:
            if listed.name == asc_mhl.FOLDER:
                lists.append((asc_mhl.AscMhl.name, 95, path))
            continue
        if listed.kind is not FileKind.REGULAR or listed.name.startswith("._") or not formats.promising(path):
            continue
        try:
            with tree.open(path) as stream:
                known = formats.recognize(path, stream.read(formats.HEAD))
        except OSError:
            continue
        if known is not None and known[1] >= formats.SURE:
            lists.append((known[0].name, known[1], path))
    for name in _WHOLE:
        alone = [found for found in lists if found[0] == name]
        if alone:
            lists = [max(alone, key=lambda found: found[1])]
            break
    manifests = []
    faults: list[ManifestFault] = []
    for name, _, path in lists:
        reader = next(f for f in formats.formats() if f.name == name)
        try:
            manifests.append(reader.read(tree, path))
        except ManifestFault as fault:
            faults.append(fault)
            manifests.append(broken(name, path, fault))
    if faults and len(faults) == len(lists):
        raise faults[0]
    return combined(manifests) if manifests else None


def broken(format_: str, path: str, fault: ManifestFault) -> Manifest:
    """What stands for a list that cannot be read where there are others that can: a finding and no entry."""
    finding = Finding("list-unreadable", f"{fault.what} {fault.advice}".strip(), fault.file, fault.line, wrong=True)
    own = frozenset({path})
    return Manifest(format_, path, parent(path), lambda report: iter(()), (finding,), own_files=own, lists_all=False)


def combined(manifests: list[Manifest]) -> Manifest:
    """Several lists of one root as one manifest: each file must be what all of them say, and is read once."""
    if len(manifests) == 1:
        return manifests[0]

    def entries(report: Report) -> Iterator[Entry]:
        for manifest in manifests:
            try:
                yield from manifest.entries(report)
            except ManifestFault as fault:
                for finding in broken(manifest.format, manifest.path, fault).findings:
                    report(finding)

    first = manifests[0]
    return replace(
        first,
        format="+".join(dict.fromkeys(m.format for m in manifests)),
        beside=tuple(m.path for m in manifests[1:]),
        entries=entries,
        findings=tuple(f for m in manifests for f in m.findings),
        own_files=frozenset().union(*(m.own_files for m in manifests)),
        ignore=tuple(dict.fromkeys(p for m in manifests for p in m.ignore)),
        lists_all=any(m.lists_all for m in manifests),
        folders=tuple(f for m in manifests for f in m.folders),
        ignore_below={k: v for m in manifests for k, v in m.ignore_below.items()},
    )
