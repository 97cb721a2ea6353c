"""Do the digests over folders in ASC MHL fit what was computed? (Specification 1.0, appendix G.)

*content* is the digest of the raw digests of all children, sorted by their text; *structure* is the same over the
digests of each child's name and digest, so that a renamed file changes it and the content does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from assetwatch.checksum import algorithms
from assetwatch.checksum.manifests.format import Finding, FolderDigests, basename, below, parent
from assetwatch.checksum.manifests.ignore import Ignore
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.model import FileKind
from assetwatch.paths import join, to_os

#: Folders below which nothing is computed: Python's own stack is not for strangers to fill.
_DEEPEST = 200
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def raw(algorithm: str, text: str) -> bytes:
    """The bytes of a digest in canonical text."""
    if algorithm != "c4":
        return bytes.fromhex(text)
    number = 0
    for digit in text[2:]:
        number = number * 58 + _BASE58.index(digit)
    return number.to_bytes(64, "big")


def of_bytes(algorithm: str, data: bytes) -> str:
    """The digest of some bytes."""
    hasher = algorithms.new(algorithm)
    hasher.update(data)
    return hasher.text()


def of_list(algorithm: str, texts: Iterable[str]) -> str:
    """The digest of a list of digests, sorted by their text (appendix G)."""
    return of_bytes(algorithm, b"".join(raw(algorithm, text) for text in sorted(texts)))


def of_children(algorithm: str, children: Iterable[tuple[str, str, str]]) -> tuple[str, str]:
    """Content and structure digest of a folder from its children: (name as catalog text, content, structure) each.

    For a file content and structure are both its digest.
    """
    contents, structures = [], []
    for name, content, structure in children:
        contents.append(content)
        named = to_os(name).encode("utf-8", "surrogateescape")
        structures.append(of_bytes(algorithm, named + raw(algorithm, structure)))
    return of_list(algorithm, contents), of_list(algorithm, structures)


Known = dict[tuple[str, str], tuple[str, str] | None]


def compute(
    tree: Tree,
    root: str,
    folder: str,
    algorithm: str,
    files: Mapping[str, Mapping[str, str]],
    ignore: Ignore,
    known: Known,
) -> tuple[str, str] | None:
    """Content and structure digest of a folder below `root`; None where a file in it has no digest of that kind.

    `files` maps paths below `root` to their computed digests; `known` remembers folders that were computed.
    """
    if folder.count("/") > _DEEPEST:
        return None
    if (folder, algorithm) not in known:
        known[folder, algorithm] = _compute(tree, root, folder, algorithm, files, ignore, known)
    return known[folder, algorithm]


def _compute(
    tree: Tree,
    root: str,
    folder: str,
    algorithm: str,
    files: Mapping[str, Mapping[str, str]],
    ignore: Ignore,
    known: Known,
) -> tuple[str, str] | None:
    children = []
    try:
        found = list(tree.names(below(root, folder)))
    except OSError:
        return None
    for listed in found:
        path = join(folder, listed.name)
        if ignore.rule(path + ("/" if listed.kind is None else "")):
            continue
        if listed.kind is None:
            inner = compute(tree, root, path, algorithm, files, ignore, known)
            if inner is None:
                return None
            content, structure = inner
        elif listed.kind is FileKind.REGULAR:
            text = files.get(path, {}).get(algorithm)
            if text is None:
                return None
            content = structure = text
        else:
            return None
        children.append((listed.name, content, structure))
    return of_children(algorithm, children)


def check(
    tree: Tree,
    root: str,
    folders: Iterable[FolderDigests],
    files: Mapping[str, Mapping[str, str]],
    ignore: Ignore,
) -> Iterator[Finding]:
    """A finding for each folder that is not as listed although each of its files fits.

    Of folders inside one another the innermost is named: those around it differ for that alone.
    """
    known: Known = {}
    found: dict[str, list[Finding]] = {}
    for folder in folders:
        where = below(root, folder.path) or "."
        for algorithm in sorted({*folder.content, *folder.structure}):
            computed = compute(tree, root, folder.path, algorithm, files, ignore, known)
            if computed is None:
                if folder.path and _is_gone(tree, below(root, folder.path)):
                    what = "the folder is listed, and is not here (no file was listed in it)"
                    found[folder.path] = [Finding("folder-digest", what, where, folder.line, wrong=True)]
                continue
            for kind, told, got in zip(
                ("content", "structure"), (folder.content, folder.structure), computed, strict=True
            ):
                expected = told.get(algorithm)
                if expected is not None and expected != got:
                    what = (
                        f"each file fits, and the {algorithm} {kind} digest of the folder is {got}, not {expected}: "
                        "something in it was renamed, or a folder was added or is gone"
                    )
                    wrong = Finding("folder-digest", what, where, folder.line, wrong=True)
                    found.setdefault(folder.path, []).append(wrong)
                    break
    for path, findings in found.items():
        inside = f"{path}/" if path else ""
        if not any(other != path and other.startswith(inside) for other in found):
            yield from findings


def _is_gone(tree: Tree, folder: str) -> bool:
    """Whether the folder above can be listed, and has no such folder in it."""
    try:
        return not any(one.name == basename(folder) and one.kind is None for one in tree.names(parent(folder)))
    except FileNotFoundError:
        return True
    except OSError:
        return False
