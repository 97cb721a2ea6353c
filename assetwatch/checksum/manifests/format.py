"""What is a manifest, whatever its format, and what must a format be able to do?

A format is one module behind `ManifestFormat`; which ones there are stands in `formats`. Reading a list never
touches what it lists: entries are values, compared with the disk by `resolve`, `verdict` and `package`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from assetwatch.errors import AssetwatchError
from assetwatch.paths import shown

if TYPE_CHECKING:
    from assetwatch.checksum.manifests.tree import Tree


class ManifestFault(AssetwatchError):
    """A list that cannot be used at all.

    `file` is the list, `line` the 1-based line or None, `what` the fault and `advice` the way out, both as
    sentences. A wrong line in a list that is usable otherwise is a `Finding`, not this.
    """

    def __init__(self, file: str, line: int | None, what: str, advice: str = "") -> None:
        place = f"{shown(file)}, line {line}" if line is not None else shown(file)
        super().__init__(f"{place}: {what}" + (f" {advice}" if advice else ""))
        self.file, self.line, self.what, self.advice = file, line, what, advice


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say of a list or of how it fits the disk.

    `kind` is a stable word for scripts, `path` what it is about (catalog text), `line` 1-based. `wrong` tells a
    fault of the delivery (the list was changed) from a remark (a name differs in case).
    """

    kind: str
    what: str
    path: str = ""
    line: int | None = None
    wrong: bool = False

    def __str__(self) -> str:
        place = shown(self.path) + (f", line {self.line}" if self.line is not None else "")
        return f"{place}: {self.what}" if place else self.what


Report = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to understand a written digest: which algorithm made it, its canonical text, and what is unusual."""

    algorithm: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedDigest:
    """A digest as a list gives it.

    `readings` are all that its length, tag and encoding allow, the likeliest first; none means that nothing here
    can compute it, and `note` says why. `action` is that of ASC MHL (original, verified, failed), else empty.
    """

    written: str
    readings: tuple[Reading, ...]
    action: str = ""
    note: str = ""

    @property
    def usable(self) -> bool:
        """Whether it may serve as reference: computable, and not one that a tool recorded as failed."""
        return bool(self.readings) and self.action != "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as a list names it.

    `path` is the catalog's text of the path relative to the manifest's root, `size` in bytes or None.
    `spellings` are other readings of the same path, tried where `path` is not on disk. `parts` are the files
    that together make up this one, in order (a packing list's chunks), empty for a plain file. `fault` says why
    the entry cannot be used at all; `absent` why it may be missing rightly (fetch.txt, another package).
    `previous_path` is the name before a recorded rename. `line` is 1-based. `other_sizes` are those that the
    list gives for the same path elsewhere. `renamed_to` is the later name of a file that was renamed: the entry
    counts only where the old name is still on disk. `unproven` says why a digest that fits proves nothing here.
    """

    path: str
    size: int | None = None
    digests: tuple[ExpectedDigest, ...] = ()
    line: int | None = None
    spellings: tuple[str, ...] = ()
    previous_path: str = ""
    parts: tuple[str, ...] = ()
    fault: str = ""
    absent: str = ""
    other_sizes: tuple[int, ...] = ()
    renamed_to: str = ""
    unproven: str = ""


@dataclass(frozen=True, slots=True)
class FolderDigests:
    """The digests over a folder of ASC MHL (specification 1.0, appendix G).

    `path` is the folder below the manifest's root, empty for the root itself. `content` covers what the files
    hold, `structure` their names as well; each maps an algorithm to its canonical text.
    """

    path: str
    content: dict[str, str]
    structure: dict[str, str]
    line: int | None = None
    previous_path: str = ""


Entries = Callable[[Report], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A list that was read.

    `path` is the list and `root` the folder its entries are relative to, both catalog text below the tree.
    `entries(report)` reads the entries again from the start each time, streamed. `own_files` are the list and
    what belongs to it, never extra. `ignore` holds gitignore patterns of the list itself. `whole` says that the
    format demands every file below `covers` to be listed, so that nothing is ignored by default; `lists_all` is
    false for the sidecar of one file, beside which nothing is extra. `ignore_below` holds the patterns of nested
    histories by their folder, and `beside` the other lists that were read together with this one.
    """

    format: str
    path: str
    root: str
    entries: Entries
    findings: tuple[Finding, ...] = ()
    tool: str = ""
    created_at: str = ""
    own_files: frozenset[str] = frozenset()
    ignore: tuple[str, ...] = ()
    whole: bool = False
    covers: str = ""
    lists_all: bool = True
    folders: tuple[FolderDigests, ...] = ()
    ignore_below: dict[str, tuple[str, ...]] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


class ManifestFormat(Protocol):
    """What a format must be able to do. A third party adds one by the entry point group `assetwatch.manifests`.

    It may also have `names`, a pattern that is found, whatever the case, in the last name of every path that it takes
    for a promising one; one without is asked of each file there is.
    """

    @property
    def name(self) -> str:
        """The format's name as reports and JSON give it."""
        ...

    def recognizes(self, name: str, head: bytes) -> int:
        """How sure it is, 0 (not mine) to 100, from the file's path in its folder and its first 4 KiB."""
        ...

    def read(self, tree: Tree, path: str) -> Manifest:
        """Read the list at `path`. Raises ManifestFault where it cannot be used at all."""
        ...


#: A name in a catalog path, where `//` and two digits stand for a byte that is no UTF-8 (`paths`).
_NAME = re.compile("(?://[0-9A-F]{2}|[^/])+")


def names_of(path: str) -> list[str]:
    """The names that a catalog path is made of."""
    return _NAME.findall(path) if "//" in path else path.split("/")


def number_of(text: str | None) -> int | None:
    """A whole number of up to 30 ASCII digits, with white space around it; None for anything else."""
    text = (text or "").strip()
    return int(text) if len(text) <= 30 and text.isascii() and text.isdigit() else None


def parent(path: str) -> str:
    """The folder that `path` lies in; the root folder is the empty text."""
    if "//" in path:
        last = names_of(path)[-1:]
        return path[: -len(last[0]) - 1] if last else ""
    return path.rpartition("/")[0]


def below(folder: str, path: str) -> str:
    """`path` as seen from above `folder`; either may be empty."""
    return f"{folder}/{path}" if folder and path else folder or path


def basename(path: str) -> str:
    """The last name of `path`."""
    return (names_of(path) or [""])[-1] if "//" in path else path.rpartition("/")[2]
