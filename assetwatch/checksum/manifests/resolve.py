"""Which file on disk does a list mean by a path?

Lists travel between systems: separators, normalization form, case and the root they were made under differ. A
path is looked up as it is written first; every other way that found it is named, never silent. A path that could
lead out of the list's folder is not looked up at all.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import IntEnum

from assetwatch.checksum.manifests.format import basename, below, names_of, parent
from assetwatch.checksum.manifests.tree import Listed, Tree
from assetwatch.model import FileKind
from assetwatch.paths import comparable, from_os, join, to_os

_BYTE = re.compile("//[89A-F][0-9A-F]")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\..*)?", re.IGNORECASE)

#: How a path can be found otherwise than written, and what is said of it.
WAYS = {
    "backslash": "the list separates folders by backslashes",
    "spelling": "the list encodes the name otherwise",
    "normalization": "the name has another Unicode normalization form on disk",
    "case": "the name differs in upper and lower case",
    "moved-root": "the list was made under another root folder",
    "link": "the path leads through a link inside the folder",
}


class Care(IntEnum):
    """How exactly a name must be met."""

    EXACT = 0
    NORMALIZED = 1
    CASELESS = 2


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a path means: `path` below the root as the disk spells it, `real` what a link on it leads to."""

    path: str
    real: str
    listed: Listed
    ways: tuple[str, ...] = ()


def path_text(written: str) -> str:
    """The catalog's text of a path in a list: `./`, `/./` and doubled separators drop out.

    `written` may hold bytes that are no UTF-8 as `os.fsdecode` gives them.
    """
    if "//" in written or "./" in written or written.endswith("/."):
        start = "/" if written.startswith("/") else ""
        written = start + "/".join(part for part in written.split("/") if part not in ("", "."))
    return from_os(written)


def is_absolute(path: str) -> bool:
    """Whether a path starts at a root. `//FF` at the start is a name that begins with a byte that is no UTF-8."""
    return path.startswith("/") and not _BYTE.match(path)


def unsafe(path: str) -> str:
    """Why a path is never looked up as it is; empty where it stays in its folder."""
    if not path or path == ".":
        return "the path is empty or names the folder itself"
    if "\0" in path:
        return "the path holds a NUL character"
    if is_absolute(path):
        return "the path is absolute"
    return "the path leads up out of the folder (..)" if ".." in path.split("/") else ""


def homeward(path: str) -> str:
    """Why a path that is not on disk is refused: it starts in somebody's home folder."""
    return "the path starts in a home folder" if path.startswith("~") and "/" in path else ""


def strange(path: str) -> str:
    """Why a path that is not on disk was never meant for this folder: another system's drive, host, device or `..`."""
    if _DRIVE.match(path):
        return "the path starts with a drive letter"
    if path.startswith("\\\\"):
        return "the path names another host"
    parts = re.split(r"[\\/]", path)
    if any(_DEVICE.fullmatch(part) for part in parts):
        return "the path names a device"
    return "the path leads up out of the folder (..)" if ".." in parts else ""


@dataclass(slots=True)
class _Folder:
    """The names of one folder, and what they compare equal to.

    Of a plain file its size is all that is kept: there may be a million.
    """

    names: dict[str, Listed | int]
    #: of names that are not ASCII, by their NFC form; an ASCII name is its own
    normalized: dict[str, list[str]] | None = None
    #: case folded: a name, or several
    caseless: dict[str, str | list[str]] | None = None

    def listed(self, name: str) -> Listed:
        """What lies under a name that is here."""
        found = self.names[name]
        return Listed(name, FileKind.REGULAR, found) if isinstance(found, int) else found

    def met(self, name: str, care: Care) -> list[str]:
        """The names that this name can mean; the exact one alone where it is there."""
        if name in self.names:
            return [name]
        if care >= Care.NORMALIZED:
            found = self.equals().get(comparable(name))
            if found:
                return found
            if comparable(name) in self.names:
                return [comparable(name)]
        if care >= Care.CASELESS:
            if self.caseless is None:
                self.caseless = {}
                for known in self.names:
                    key = comparable(known).casefold()
                    other = self.caseless.get(key)
                    if other is None:
                        self.caseless[key] = known
                    else:
                        self.caseless[key] = [*([other] if isinstance(other, str) else other), known]
            met = self.caseless.get(comparable(name).casefold(), [])
            return [met] if isinstance(met, str) else met
        return []

    def equals(self) -> dict[str, list[str]]:
        """NFC form -> the names that have it, of those that are not ASCII."""
        if self.normalized is None:
            self.normalized = {}
            for known in self.names:
                if not known.isascii():
                    form = comparable(known)
                    alike = self.normalized.setdefault(form, [form] if form.isascii() and form in self.names else [])
                    alike.append(known)
        return self.normalized


class Resolver:
    """Looks up the paths of one list below its root.

    `tree` and `root` say where; each folder is listed once and remembered. `unreadable` collects the folders
    that could not be listed, with the reason.
    """

    def __init__(self, tree: Tree, root: str) -> None:
        self._tree, self._root = tree, root
        self._folders: dict[str, _Folder] = {}
        self.unreadable: dict[str, str] = {}

    def exact(self, path: str) -> Found | None:
        """The file of exactly this path, else None. Unsafe paths are never found."""
        return None if unsafe(path) else self._walk(path, Care.EXACT)

    def otherwise(self, path: str, spellings: Iterable[str], taken: Container[str], moved: str = "") -> Found | None:
        """The file that the path means when it is not read literally, the smallest change first.

        `taken` are files that another entry names exactly: never given to a second one. `moved` is the folder
        prefix under which the whole list was made, dropped where it leads the path.
        """
        readings = [(path, ()), *((other, ("spelling",)) for other in spellings)]
        tries: list[tuple[str, tuple[str, ...]]] = []
        for text, ways in readings:
            tries.append((text, ways))
            if "\\" in text:
                tries.append((path_text(to_os(text).replace("\\", "/")), (*ways, "backslash")))
        if moved:
            tries += [(t[len(moved) :], (*w, "moved-root")) for t, w in tries if t.startswith(moved)]
        tries += [(t.lstrip("/"), (*w, "moved-root")) for t, w in tries if is_absolute(t)]
        for care in Care:
            for text, ways in tries:
                if unsafe(text):
                    continue
                found = self._walk(text, care)
                if found is not None and found.path not in taken:
                    return Found(found.path, found.real, found.listed, (*ways, *found.ways))
        return None

    def twins(self) -> list[tuple[str, list[str]]]:
        """The folders seen so far that hold names with one NFC form, with those names."""
        found = []
        for path, folder in self._folders.items():
            found += [(path, sorted(names)) for names in folder.equals().values() if len(names) > 1]
        return found

    def problem(self, path: str) -> str:
        """Why a folder on the way to the path could not be listed; empty where there was no such trouble."""
        here = path
        while "/" in here:
            here = parent(here)
            if here in self.unreadable:
                return self.unreadable[here]
        return self.unreadable.get("", "")

    def _walk(self, path: str, care: Care) -> Found | None:
        folder, ways = "", []
        spelled = ""
        parts = names_of(path)
        for position, part in enumerate(parts):
            here = self._folder(folder)
            met = here.met(part, care)
            if len(met) != 1:
                return None
            name = met[0]
            if name != part:
                ways.append("normalization" if comparable(name) == comparable(part) else "case")
            listed = here.listed(name)
            spelled = join(spelled, name)
            real = join(folder, name)
            last = position == len(parts) - 1
            if listed.kind is FileKind.SYMLINK:
                followed = self._follow(real)
                if followed is None:
                    return Found(spelled, real, listed, tuple(ways)) if last else None
                real, listed = followed
                ways.append("link")
            if last:
                return None if listed.kind is None else Found(spelled, real, listed, tuple(dict.fromkeys(ways)))
            if listed.kind is not None:
                return None
            folder = real
        return None

    def _follow(self, link: str) -> tuple[str, Listed] | None:
        target = self._tree.link_target(below(self._root, link))
        if target is None:
            return None
        if self._root:
            if not target.startswith(self._root + "/"):
                return None
            target = target[len(self._root) + 1 :]
        if not target:
            return "", Listed("", None)
        here, name = self._folder(parent(target)), basename(target)
        return (target, here.listed(name)) if name in here.names else None

    def _folder(self, path: str) -> _Folder:
        folder = self._folders.get(path)
        if folder is None:
            try:
                names = {listed.name: _short(listed) for listed in self._tree.names(below(self._root, path))}
            except OSError as error:
                if not isinstance(error, FileNotFoundError):
                    self.unreadable[path] = error.strerror or str(error)
                names = {}
            folder = self._folders[path] = _Folder(names)
        return folder


def _short(listed: Listed) -> Listed | int:
    return listed.size if listed.kind is FileKind.REGULAR and listed.seen is None else listed
