"""Which file is meant by each entry of a list? (Usable on disk and on the catalog alike: it reads no bytes.)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, Report, basename, below, parent
from assetwatch.checksum.manifests.merge import merged
from assetwatch.checksum.manifests.resolve import WAYS, Found, Resolver, homeward, is_absolute, strange, unsafe
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.model import FileKind
from assetwatch.paths import shown

_OUTSIDE = "a link that leads out of the folder or nowhere: not followed"
_SPECIAL = "neither a file nor a folder: not opened"
#: Entries that are tried to find out under which root a list was made.
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and the files that it means: none where there is none, several where it is made of several.

    `number` counts the entries of the list from 0. `path` is below the manifest's root, as the disk spells it where
    a file was found. `notes` say how it was found, `unreadable` why a folder on the way could not be looked into.
    """

    number: int
    entry: Entry
    path: str
    files: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()
    unreadable: str = ""

    @property
    def size(self) -> int | None:
        """The bytes of its files together, None where there is none."""
        return sum(found.listed.size for found in self.files) if self.files else None


class Paths:
    """A set of paths that may be a million: of each 8 bytes of its hash are kept, not the path."""

    __slots__ = ("_hashes",)

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._hashes = {hash(path) for path in paths}

    def add(self, path: str) -> None:
        """Take a path in."""
        self._hashes.add(hash(path))

    def __contains__(self, path: object) -> bool:
        return hash(path) in self._hashes


class Matching:
    """Goes through one manifest.

    `count` and `bytes` are those of the list, known from the first match on. `claimed` are the files, below the
    tree, that the entries so far turned out to mean. What is said of entries and names goes to `report`.
    """

    def __init__(self, tree: Tree, manifest: Manifest, report: Report, claimed: Paths) -> None:
        self._tree, self._manifest, self._report = tree, manifest, report
        self._resolver = Resolver(tree, manifest.root)
        self._taken = Paths()
        self._ways: Counter[str] = Counter()
        self._example: dict[str, str] = {}
        self.count = self.bytes = 0
        self.claimed = claimed

    def __iter__(self) -> Iterator[Match]:
        """The matches: first of the paths that are on disk as written, in the order of the list, then the others.

        An entry that says nothing (the old name of a renamed file) has none. Raises ManifestFault where the list
        breaks off, before the first match.
        """
        list_ = merged(self._manifest.entries, self._report)
        self.count, self.bytes = list_.count, list_.bytes
        # Of a list whose files are all still to come each entry is loose: what is kept of one is a byte.
        loose = bytearray()
        sample: list[Entry] = []
        common: str | None = None
        exact = 0
        for number, entry in enumerate(list_.entries()):
            loose.append(0)
            if entry.fault:
                yield Match(number, entry, entry.path)
                continue
            if entry.parts:
                yield self._of_parts(number, entry)
                continue
            above = parent(entry.path.replace("\\", "/"))
            common = above if common is None else _common(common, above)
            found = self._resolver.exact(entry.path)
            if found is None:
                loose[number] = 1
                if number % max(1, self.count // _SAMPLE) == 0:
                    sample.append(entry)
                continue
            exact += 1
            yield self._met(number, entry, found)
        if any(loose):
            moved = self._moved_root(sample, common or "") if not exact else ""
            for number, entry in enumerate(list_.entries()):
                if not loose[number]:
                    continue
                found = self._resolver.otherwise(entry.path, entry.spellings, self._taken, moved)
                match = self._met(number, entry, found) if found is not None else self._unmet(number, entry, moved)
                if match is not None:
                    yield match
        self._say_ways()

    def _claim(self, found: Found) -> None:
        self._taken.add(found.path)
        self.claimed.add(below(self._manifest.root, found.path))

    def _met(self, number: int, entry: Entry, found: Found) -> Match:
        self._claim(found)
        for way in found.ways:
            self._ways[way] += 1
            self._example.setdefault(way, entry.path)
        if found.listed.kind is not FileKind.REGULAR:
            fault = _SPECIAL if found.listed.kind is FileKind.SPECIAL else _OUTSIDE
            self._report(Finding("unsafe-path", fault, entry.path, entry.line, wrong=True))
            return Match(number, replace(entry, fault=fault), found.path)
        return Match(number, entry, found.path, (found,), tuple(WAYS[way] for way in found.ways))

    def _of_parts(self, number: int, entry: Entry) -> Match:
        """An entry that several files make up (ST 429-9, chunks)."""
        found = [self._resolver.exact(part) for part in entry.parts]
        here = [part for part in found if part is not None and part.listed.kind is FileKind.REGULAR]
        for part in here:
            self._claim(part)
        if len(here) < len(entry.parts):
            gone = ", ".join(shown(p) for p, f in zip(entry.parts, found, strict=True) if f is None)
            return Match(number, entry, entry.path, notes=(f"not here: {gone}",))
        return Match(number, entry, entry.path, tuple(here))

    def _unmet(self, number: int, entry: Entry, moved: str) -> Match | None:
        """The entry of a file that was not found, with what is to be said of its path."""
        if entry.renamed_to:
            what = f"renamed to {shown(entry.renamed_to)} by a later generation"
            self._report(Finding("renamed", what, entry.path, entry.line))
            return None
        problem = self._resolver.problem(entry.path)
        if problem:
            return Match(number, entry, entry.path, unreadable=f"folder not readable: {problem}")
        slashed = entry.path.replace("\\", "/")
        path = slashed if self._ways["backslash"] else entry.path
        named = entry.path
        if moved and slashed.startswith(moved):
            inside = (path if path.startswith(moved) else slashed)[len(moved) :]
            if not (unsafe(inside) or homeward(inside)):
                # The others of the list were found without this prefix: so would this one be, if it were here.
                path = named = inside
        why = unsafe(named) or homeward(named)
        odd = why or strange(named)
        if odd:
            what = f"{odd}: nothing outside the list's folder is looked at"
            self._report(Finding("unsafe-path", what, entry.path, entry.line, wrong=True))
            # What other systems forbid is an ordinary name here, of a file that is not there; the rest is refused.
            return Match(number, replace(entry, fault=odd) if why else entry, named)
        return Match(number, entry, path)

    def _moved_root(self, sample: Sequence[Entry], common: str) -> str:
        """The folder prefix under which the list was made, where the files are found without it; else empty.

        Only a prefix of all entries counts, and only where no entry is found as written. An absolute prefix, or
        one that ends in the name of the list's own folder, is enough with one file found; another needs half.
        """
        parts = common.split("/") if common else []
        if not parts and sample and all(is_absolute(entry.path.replace("\\", "/")) for entry in sample):
            parts = [""]
        label = basename(self._manifest.root) or self._tree.label()
        best, named, most = "", "", 0
        for count in range(1, len(parts) + 1):
            prefix = "/".join(parts[:count]) + "/"
            tries = (entry.path.replace("\\", "/")[len(prefix) :] for entry in sample)
            hits = sum(self._resolver.otherwise(path, (), ()) is not None for path in tries if path)
            foreign = prefix.startswith("/") or bool(strange(common + "/"))
            certain = foreign or parts[count - 1] == label
            if hits > most and (certain or (hits * 2 >= len(sample) and len(sample) > 1)):
                best, most = prefix, hits
            if foreign and parts[count - 1] == label:
                named = prefix
        # Where no file is here yet, a foreign path to a folder of this name is enough to tell what is to come.
        return best or named

    def _say_ways(self) -> None:
        for way, count in self._ways.items():
            example = shown(self._example[way])
            what = f"{WAYS[way]}: {count} {'entry' if count == 1 else 'entries'}, such as {example}"
            self._report(Finding(way, what, self._manifest.path))
        for folder, names in self._resolver.twins():
            what = f"names that differ in normalization form only: {', '.join(shown(name) for name in names)}"
            self._report(Finding("same-name", what, below(self._manifest.root, folder), wrong=True))


def _common(first: str, second: str) -> str:
    """The folders that two folder paths begin with alike."""
    if first == second:
        return first
    parts = []
    for one, other in zip(first.split("/"), second.split("/"), strict=False):
        if one != other:
            break
        parts.append(one)
    return "/".join(parts)
