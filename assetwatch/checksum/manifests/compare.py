"""How does one list compare with the disk, entry by entry?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from assetwatch.checksum.manifests import folder_digests
from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, Report, below
from assetwatch.checksum.manifests.ignore import Ignore
from assetwatch.checksum.manifests.match import Match, Matching, Paths
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


class Take(Protocol):
    """Who takes what a verification found, one by one."""

    def entry(self, number: int, entry: Entry, verdict: EntryVerdict) -> None:
        """The verdict on one entry, which is the `number`th of its list; its path is below the tree."""
        ...

    def extra(self, path: str) -> None:
        """A file below the lists' folder that none of them names."""
        ...


class ListVerification:
    """One manifest against the disk, or the part of it in the folder `only` below the tree.

    `claimed` takes in the files that the entries turn out to mean.
    """

    def __init__(
        self,
        tree: Tree,
        manifest: Manifest,
        report: Report,
        progress: Progress,
        take: Take,
        claimed: Paths,
        only: str = "",
    ) -> None:
        self._only = f"{only}/" if only else ""
        self._tree, self._manifest, self._report, self._progress = tree, manifest, report, progress
        self._take = take
        self._matching = Matching(tree, manifest, report, claimed)
        self._pending: dict[int, Match] = {}
        self._doubted: dict[int, tuple[Match, Wanted, EntryVerdict]] = {}
        self._computed: dict[str, Mapping[str, str]] = {}
        self._tried_several = False
        self._all_fit = True
        self._right = self._wrong = self._differing = 0

    def verify(self, read: Read, again: Read | None = None) -> int:
        """Judge every entry; how many there were. `again` reads once more, past the page cache, what differs.

        It may leave out what it does not want to read.
        """
        source = self._wanted()
        for wanted, computed in read(source):
            match = self._pending.pop(wanted.number)
            if self._manifest.folders and computed.digests:
                self._computed[match.path] = computed.digests
            verdict = self._judge(match, computed)
            if again is not None and verdict.verdict is Verdict.MISMATCH:
                self._doubted[wanted.number] = (match, wanted, verdict)
            else:
                self._settle(match, verdict, wanted.size)
        # A reader that was stopped gives back less than it was given: no entry goes without a verdict for that.
        for _ in source:
            pass
        for match in self._pending.values():
            self._settle(match, self._judge(match, Computed(None, "not read: the reader was stopped")), 0)
        if again is not None:
            self._read_again(again)
        self._check_folders()
        self._doubt()
        return self._right + self._wrong

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
                self._settle(match, self._judge(match, Computed({})), 0)
                continue
            self._pending[match.number] = match
            self._tried_several = self._tried_several or len(names) > len(entry.digests)
            paths = tuple(below(self._manifest.root, found.real) for found in match.files)
            seen = match.files[0].listed.seen if len(paths) == 1 else None
            yield Wanted(match.number, paths, names, size, seen)

    def _judge(self, match: Match, computed: Computed) -> EntryVerdict:
        on_disk = 0 if match.unreadable else match.size
        trouble = match.unreadable or computed.unreadable
        path = below(self._manifest.root, match.path)
        verdict = judge(match.entry, on_disk, computed.digests, path=match.path, unreadable=trouble, notes=match.notes)
        return verdict if path == verdict.path else replace(verdict, path=path)

    def _settle(self, match: Match, verdict: EntryVerdict, size: int) -> None:
        if verdict.verdict is Verdict.VERIFIED:
            self._right += 1
        else:
            self._wrong += 1
            self._all_fit = self._all_fit and verdict.verdict is Verdict.UNCHECKABLE
        if verdict.verdict is Verdict.MISMATCH and verdict.algorithm != "size":
            self._differing += 1
        self._take.entry(match.number, match.entry, verdict)
        self._progress.judged(verdict, size)

    def _read_again(self, again: Read) -> None:
        """A difference is final once a second reading, past the page cache, has shown it, too."""
        doubted = self._doubted
        if len(doubted) == 1 or self._right or not self._tried_several:
            for wanted, computed in again([wanted for _, wanted, _ in doubted.values()]):
                match, _, first = doubted.pop(wanted.number)
                second = self._judge(match, computed)
                if computed.digests is None:
                    note = f"could not be read a second time: {computed.unreadable}"
                    second = replace(first, notes=(*first.notes, note))
                else:
                    self._computed.update({match.path: computed.digests} if self._manifest.folders else {})
                    told = computed.digests.get(first.algorithm or "")
                    readings = tuple(text for text in (first.computed, told) if text is not None)
                    second = replace(second, readings=readings)
                    if second.verdict is Verdict.VERIFIED:
                        note = f"the first reading gave {first.algorithm} {first.computed}; past the page cache it fits"
                        second = replace(second, notes=(*second.notes, note))
                self._settle(match, second, wanted.size)
        for match, wanted, first in doubted.values():
            self._settle(match, first, wanted.size)
        doubted.clear()

    def _check_folders(self) -> None:
        """Folder digests tell something new only where each file fits."""
        if self._only or not self._all_fit:
            return
        folders, rules = self._manifest.folders, Ignore(self._manifest.ignore)
        for finding in folder_digests.check(self._tree, self._manifest.root, folders, self._computed, rules):
            self._report(finding)

    def _doubt(self) -> None:
        """Where several algorithms were tried and not one file fits, it may be another algorithm altogether."""
        if self._differing > 1 and self._tried_several and not self._right:
            what = "not one file fits any algorithm with digests of this length: the list may be of another algorithm"
            self._report(Finding("no-algorithm-fits", what, self._manifest.path))
