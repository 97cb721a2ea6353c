"""How does a folder become a bag? (RFC 8493; as `bagit.py` does it, in place.)

The only writer that moves anything: the folder's content goes down into `data/`. Everything is read first, and
nothing is moved unless all of it can stand in a bag; `bagit.txt`, which makes the folder a bag, comes last.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence

from assetwatch.checksum import algorithms as known_algorithms
from assetwatch.checksum.manifests.bagit import DECLARATION, BagIt
from assetwatch.checksum.manifests.format import Finding, ManifestFault
from assetwatch.checksum.manifests.outcome import Findings
from assetwatch.checksum.manifests.reading import Read
from assetwatch.checksum.manifests.take import Item, Meter, take_all
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.written import Creator, Written, alone, put
from assetwatch.clock import Clock
from assetwatch.errors import UsageError
from assetwatch.paths import comparable, to_os

DEFAULT_ALGORITHM = "sha512"
#: What bagit.py validates (RFC 8493, 2.4, wants sha256 and sha512 of every receiver).
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
PAYLOAD = "data"
_OWN = re.compile(r"(?:tag)?manifest-[a-z0-9]+\.txt|bag-info\.txt|bagit\.txt")


def write_bag(
    tree: DiskTree,
    *,
    read: Read,
    clock: Clock,
    creator: Creator,
    algorithms: Sequence[str] = (DEFAULT_ALGORITHM,),
    meter: Meter | None = None,
) -> Written:
    """Make the tree's root a bag. Where anything in it cannot be listed nothing is done, and `lists` is empty.

    Raises UsageError for an algorithm that bags do not have, or a folder that is a bag or a history already;
    ManifestFault where the disk does not take it, with everything where it was.
    """
    for name in algorithms:
        if name not in ALGORITHMS:
            raise UsageError(f"a bag takes {', '.join(ALGORITHMS)}, not {name}.")
    for listed in tree.names(""):
        if listed.name == DECLARATION:
            raise UsageError(f"{tree.root}: is a bag already.")
    findings = Findings()
    names = tuple(dict.fromkeys(algorithms))
    with alone(tree.root):
        # In a bag nothing is ignored: what lies in data/ must stand in the manifest (RFC 8493, 3).
        items = take_all(
            tree, names, read, clock, findings.report, ignored=lambda path: False, unfit=_unfit, meter=meter
        )
        for twin in _twins(items):
            what = "names that differ in normalization form only cannot stand in one bag"
            findings.report(Finding("same-name", what, twin, wrong=True))
        out = Written(BagIt.name, findings=findings.all())
        if any(finding.wrong for finding in out.findings):
            return out
        if not items:
            raise UsageError(f"{tree.root}: there is no file in it that could be listed.")
        try:
            names_above = _move_down(tree)
            try:
                out.lists = _describe(tree, clock, creator, names, items)
            except BaseException:
                _move_up(tree, names_above)
                raise
        except OSError as error:
            advice = "Look at its permissions and at the room left."
            raise ManifestFault(PAYLOAD, None, f"cannot be made a bag: {error.strerror or error}.", advice) from None
    out.files = out.original = len(items)
    out.size = sum(item.listed.size for item in items)
    return out


def _unfit(path: str) -> str:
    return "its name is no Unicode text, which a bag needs" if "//" in path else ""


def _twins(items: Iterable[Item]) -> list[str]:
    seen: set[str] = set()
    found = []
    for item in items:
        key = comparable(item.path)
        if key in seen:
            found.append(item.path)
        seen.add(key)
    return found


def _move_down(tree: DiskTree) -> list[str]:
    """Move everything in the root into `data/`; back again where one of the moves fails. The names that were moved."""
    root = os.fspath(tree.root)
    names = [to_os(listed.name) for listed in tree.names("")]
    below = os.path.join(root, f".{os.getpid()}.payload")
    os.mkdir(below)
    moved: list[str] = []
    try:
        for name in names:
            os.rename(os.path.join(root, name), os.path.join(below, name))
            moved.append(name)
        os.chmod(below, os.stat(root).st_mode & 0o7777)
        os.rename(below, os.path.join(root, PAYLOAD))
    except BaseException:
        _put_back(below, root, moved)
        raise
    return names


def _move_up(tree: DiskTree, names: Iterable[str]) -> None:
    """Undo: what describes the bag is removed, and what is in `data/` goes back."""
    root = os.fspath(tree.root)
    for name in os.listdir(root):
        if _OWN.fullmatch(name):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(root, name))
    below = os.path.join(root, f".{os.getpid()}.payload")
    with contextlib.suppress(OSError):
        os.rename(os.path.join(root, PAYLOAD), below)
        _put_back(below, root, names)


def _put_back(below: str, root: str, names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):
            os.rename(os.path.join(below, name), os.path.join(root, name))
    with contextlib.suppress(OSError):
        os.rmdir(below)


def _describe(tree: DiskTree, clock: Clock, creator: Creator, names: Sequence[str], items: Sequence[Item]) -> list[str]:
    """The tag files, each told by the tag manifests; the declaration comes last."""
    # RFC 8493, 2.1.3, has % written as %25, which bagit.py does not read; the draft 0.97 leaves it alone.
    version = "0.97" if any("%" in item.path for item in items) else "1.0"
    texts = {f"manifest-{name}.txt": _manifest(name, items, version) for name in names}
    texts["bag-info.txt"] = _info(clock, creator, items)
    declaration = f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n".encode()
    for name in names:
        lines = []
        for listed, text in sorted({**texts, DECLARATION: declaration}.items()):
            if not listed.startswith("tagmanifest-"):
                hasher = known_algorithms.new(name)
                hasher.update(text)
                lines.append(f"{hasher.text()}  {listed}\n")
        texts[f"tagmanifest-{name}.txt"] = "".join(lines).encode()
    for listed, text in texts.items():
        put(tree.root, listed, (text,))
    put(tree.root, DECLARATION, (declaration,))
    return [DECLARATION, *sorted(texts)]


def _manifest(algorithm: str, items: Iterable[Item], version: str) -> bytes:
    def written(path: str) -> str:
        name = to_os(path)
        if version == "1.0":
            name = name.replace("%", "%25")
        return name.replace("\r", "%0D").replace("\n", "%0A")

    lines = (f"{item.taken.digests[algorithm]}  {PAYLOAD}/{written(item.path)}\n" for item in items)
    return "".join(lines).encode()


def _info(clock: Clock, creator: Creator, items: Sequence[Item]) -> bytes:
    author = creator.author
    tags = [
        ("Bag-Software-Agent", f"{creator.tool} {creator.version}".strip()),
        ("Bagging-Date", clock.now().date().isoformat()),
        ("Contact-Name", author.name if author else ""),
        ("Contact-Phone", author.phone if author else ""),
        ("Contact-Email", author.email if author else ""),
        ("Organization-Address", creator.location),
        ("External-Description", creator.comment),
        ("Payload-Oxum", f"{sum(item.listed.size for item in items)}.{len(items)}"),
    ]
    # A line break would begin another tag (RFC 8493, 2.2.2).
    return "".join(f"{label}: {' '.join(value.split())}\n" for label, value in tags if value).encode()
