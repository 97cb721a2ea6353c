"""How does one list compare with the disk, entry by entry?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from assetwatch.checksum.manifests import folder_digests
from assetwatch.checksum.manifests.format import Finding, Manifest, Report, below
from assetwatch.checksum.manifests.ignore import Ignore
from assetwatch.checksum.manifests.match import Match, Matching
from assetwatch.checksum.manifests.reading import Computed, Read, Wanted
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.checksum.verdict import EntryVerdict, algorithms_needed, judge
from assetwatch.model import Verdict


class Progress(Protocol):
    """Who wants to know how far it is."""

    def begin(self, files: int, size: int) -> None:
        """A list was read: so many entries, so many bytes as far as the list tells."""
        ...

    def judged(self, verdict: EntryVerdict, size: int) -> None:
        """An entry was judged; `size` bytes were read for it."""
        ...


class Silent:
    """Nobody wants to know."""

    def begin(self, files: int, size: int) -> None:
        """As `Progress.begin`."""

    def judged(self, verdict: EntryVerdict, size: int) -> None:
        """As `Progress.judged`."""


class ListVerification:
    """One manifest against the disk, or the part of it in the folder `only` below the tree."""

    def __init__(self, tree: Tree, manifest: Manifest, report: Report, progress: Progress, only: str = "") -> None:
        self._only = f"{only}/" if only else ""
        self._tree, self._manifest, self._report, self._progress = tree, manifest, report, progress
        self._matching = Matching(tree, manifest, report)
        self._results: dict[int, EntryVerdict] = {}
        self._pending: dict[int, Match] = {}
        self._computed: dict[str, Mapping[str, str]] = {}
        self._tried_several = False

    @property
    def claimed(self) -> set[str]:
        """The files that the entries turned out to mean, once verified."""
        return self._matching.claimed

    def verify(self, read: Read) -> list[EntryVerdict]:
        """The verdicts in the order of the list, with paths below the tree."""
        source = self._wanted()
        for wanted, computed in read(source):
            match = self._pending.pop(wanted.number)
            if self._manifest.folders and computed.digests:
                self._computed[match.path] = computed.digests
            self._settle(match, computed, wanted.size)
        # A reader that was stopped gives back less than it was given: no entry goes without a verdict for that.
        for _ in source:
            pass
        for match in self._pending.values():
            self._settle(match, Computed(None, "not read: the reader was stopped"), 0)
        results = [self._results[number] for number in sorted(self._results)]
        self._check_folders(results)
        self._doubt(results)
        return results

    def _wanted(self) -> Iterator[Wanted]:
        """Goes through the list: what needs no bytes is settled at once, what does is handed to the reader."""
        begun = False
        for match in self._matching:
            if not begun:
                self._progress.begin(self._matching.count, self._matching.bytes)
                begun = True
            if not below(self._manifest.root, match.path).startswith(self._only):
                continue
            entry, size = match.entry, match.size
            names = algorithms_needed(entry)
            sizes = [told for told in (entry.size, *entry.other_sizes) if told is not None]
            if entry.fault or size is None or not names or any(told != size for told in sizes):
                self._settle(match, Computed({}), 0)
                continue
            self._pending[match.number] = match
            self._tried_several = self._tried_several or len(names) > len(entry.digests)
            paths = tuple(below(self._manifest.root, found.real) for found in match.files)
            seen = match.files[0].listed.seen if len(paths) == 1 else None
            yield Wanted(match.number, paths, names, size, seen)

    def _settle(self, match: Match, computed: Computed, size: int) -> None:
        on_disk = 0 if match.unreadable else match.size
        trouble = match.unreadable or computed.unreadable
        path = below(self._manifest.root, match.path)
        verdict = judge(match.entry, on_disk, computed.digests, path=match.path, unreadable=trouble, notes=match.notes)
        if path != verdict.path:
            verdict = replace(verdict, path=path)
        self._results[match.number] = verdict
        self._progress.judged(verdict, size)

    def _check_folders(self, results: list[EntryVerdict]) -> None:
        """Folder digests tell something new only where each file fits."""
        if self._only or not all(result.verdict in (Verdict.VERIFIED, Verdict.UNCHECKABLE) for result in results):
            return
        folders, rules = self._manifest.folders, Ignore(self._manifest.ignore)
        for finding in folder_digests.check(self._tree, self._manifest.root, folders, self._computed, rules):
            self._report(finding)

    def _doubt(self, results: list[EntryVerdict]) -> None:
        """Where several algorithms were tried and not one file fits, it may be another algorithm altogether."""
        read = [r for r in results if r.verdict in (Verdict.VERIFIED, Verdict.MISMATCH) and r.algorithm != "size"]
        if len(read) > 1 and self._tried_several and not any(r.verdict is Verdict.VERIFIED for r in read):
            what = "not one file fits any algorithm with digests of this length: the list may be of another algorithm"
            self._report(Finding("no-algorithm-fits", what, self._manifest.path))
