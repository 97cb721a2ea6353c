"""Which formats of manifests are there, and which one is this file?"""

from __future__ import annotations

import functools
import re
from importlib.metadata import entry_points
from typing import cast

from assetwatch.checksum.manifests.asc_mhl import AscMhl
from assetwatch.checksum.manifests.bagit import BagIt
from assetwatch.checksum.manifests.format import Manifest, ManifestFault, ManifestFormat, basename
from assetwatch.checksum.manifests.hashdeep import Hashdeep
from assetwatch.checksum.manifests.mhl import Mhl
from assetwatch.checksum.manifests.packing_list import PackingList
from assetwatch.checksum.manifests.sfv import Sfv
from assetwatch.checksum.manifests.sidecar import As11Sidecar
from assetwatch.checksum.manifests.sums import SumFile
from assetwatch.checksum.manifests.tree import Tree

GROUP = "assetwatch.manifests"
HEAD = 4096
#: Below this a file in a folder is not taken for a list without being named by a person.
SURE = 50
_BUILT_IN: tuple[ManifestFormat, ...] = (
    AscMhl(),
    Mhl(),
    BagIt(),
    PackingList(),
    Hashdeep(),
    Sfv(),
    As11Sidecar(),
    SumFile(),
)


@functools.cache
def formats() -> tuple[ManifestFormat, ...]:
    """The formats, the built-in ones first. One from an entry point of the group `assetwatch.manifests` is an
    object that does what `ManifestFormat` says, or a class of such objects without arguments."""
    found = list(_BUILT_IN)
    for point in entry_points(group=GROUP):
        made = point.load()
        found.append(cast(ManifestFormat, made() if isinstance(made, type) else made))
    return tuple(found)


@functools.lru_cache(1)
def _asked(known: tuple[ManifestFormat, ...]) -> tuple[re.Pattern[str], tuple[ManifestFormat, ...]]:
    """What is found in the names that some format may take for a list's, and the formats that do not tell theirs."""
    told = [getattr(candidate, "names", None) for candidate in known]
    pattern = re.compile("|".join(f"(?:{names})" for names in told if names), re.IGNORECASE | re.DOTALL)
    return pattern, tuple(candidate for candidate, names in zip(known, told, strict=True) if not names)


def promising(name: str) -> bool:
    """Whether a file of this name may be a list, so that its first bytes are worth reading."""
    pattern, candidates = _asked(formats())
    # Of millions of files hardly one is a list: one search tells, and only then each format is asked.
    if pattern.search(basename(name)):
        candidates = formats()
    return any(candidate.recognizes(name, b"") > 0 for candidate in candidates)


def recognize(name: str, head: bytes) -> tuple[ManifestFormat, int] | None:
    """The surest format for a file's path and first bytes, with how sure it is (1 to 100); None where none knows it."""
    best = max(((f, f.recognizes(name, head)) for f in formats()), key=lambda pair: pair[1])
    return best if best[1] > 0 else None


def read(tree: Tree, path: str) -> Manifest:
    """Read the list at `path`, whatever its format.

    Raises ManifestFault where no format knows it or it cannot be used, OSError where it cannot be opened.
    """
    with tree.open(path) as stream:
        head = stream.read(HEAD)
    known = recognize(path, head)
    if known is None:
        raise ManifestFault(path, None, "no format of manifests known here.", "See `docs/reference/manifests.md`.")
    return known[0].read(tree, path)
