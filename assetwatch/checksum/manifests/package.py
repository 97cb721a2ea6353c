"""Is a folder what its manifests say? The one pass behind `manifest verify PATH`, without any catalog.

Finds the lists, compares each entry with the disk, and names what is there and listed nowhere. Reading the bytes
is the caller's: `read` is given what to compute and gives back what it computed, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from assetwatch.checksum.manifests import find
from assetwatch.checksum.manifests.compare import ListVerification, Progress, Silent, Take
from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, ManifestFault, Report, below
from assetwatch.checksum.manifests.ignore import DEFAULT, Ignore
from assetwatch.checksum.manifests.match import Paths
from assetwatch.checksum.manifests.outcome import Findings, PackageVerdict
from assetwatch.checksum.manifests.reading import Read, reader_of
from assetwatch.checksum.manifests.tree import DiskTree, Tree, files_below
from assetwatch.checksum.verdict import EntryVerdict
from assetwatch.model import FileKind, Verdict


def verify_package(
    path: Path,
    *,
    read: Callable[[DiskTree], Read] | None = None,
    again: Callable[[DiskTree], Read] | None = None,
    progress: Progress | None = None,
    scope: find.Scope | None = None,
    take: Take | None = None,
) -> PackageVerdict:
    """Verify a folder against the manifests in, below or above it, or a single list against its folder.

    `read` makes the reader for the tree that the lists lie in (`reading.pooled`); without one the files are read
    here, one after the other. `again` makes one that reads past the page cache: a digest that differs is a mismatch
    once that one, too, has found it so. `scope` is what `find.scope_of` found at `path`, where the caller has it.
    With `take` entries and extra files go there, one by one as they are judged, and are not kept in the outcome; the
    scope must be the whole folder then. Raises ManifestFault where a list cannot be read or used at all, UsageError
    where there is nothing at `path`. Paths in the outcome are relative to `path`, or to the list's folder.
    """
    scope = scope or find.scope_of(path)
    reader = (read or reader_of)(scope.tree)
    second = again(scope.tree) if again is not None else None
    outcome = PackageVerdict(None, None)
    kept = _Kept(outcome)
    taker = take or kept
    findings = Findings()
    claimed = Paths()
    own: set[str] = set()
    entries = 0
    for manifest in scope.manifests:
        for finding in manifest.findings:
            findings.report(finding)
        own |= manifest.own_files
    for manifest in scope.manifests:
        one = ListVerification(scope.tree, manifest, findings.report, progress or Silent(), taker, claimed, scope.below)
        try:
            entries += one.verify(reader, second)
        except (ManifestFault, OSError) as error:
            # Files that cannot be read are verdicts; an error of the system that comes as far as here is of the list.
            fault = find.not_readable(manifest.path, error) if isinstance(error, OSError) else error
            if len(scope.manifests) == 1:
                raise fault from None
            for finding in find.broken(manifest.format, manifest.path, fault).findings:
                findings.report(finding)
        kept.close()
    if not scope.manifests:
        findings.report(Finding("no-manifest", "no manifest in, below or above this folder", wrong=True))
    if not scope.manifests or (not entries and any(manifest.lists_all for manifest in scope.manifests)):
        _nothing_listed(scope, own, taker)
        kept.close()
    else:
        for manifest in scope.manifests:
            if manifest.lists_all:
                for extra in _extra(scope.tree, manifest, (claimed, own), findings.report):
                    taker.extra(extra)
    _place(outcome, scope)
    outcome.findings = findings.all()
    return outcome


class _Kept:
    """Keeps what is taken in an outcome: the verdicts of each list in its own order."""

    def __init__(self, outcome: PackageVerdict) -> None:
        self._outcome = outcome
        self._verdicts: dict[int, EntryVerdict] = {}

    def entry(self, number: int, entry: Entry, verdict: EntryVerdict) -> None:
        """As `Take.entry`."""
        self._verdicts[number] = verdict

    def extra(self, path: str) -> None:
        """As `Take.extra`."""
        self._outcome.extra.append(path)

    def close(self) -> None:
        """A list has come to its end."""
        self._outcome.entries += [self._verdicts[number] for number in sorted(self._verdicts)]
        self._verdicts.clear()


def _place(outcome: PackageVerdict, scope: find.Scope) -> None:
    """Say paths as seen from the folder that was asked for, and leave out what lies outside it."""
    prefix = scope.below + "/" if scope.below else ""
    if prefix:
        outcome.entries = [
            replace(entry, path=entry.path[len(prefix) :]) for entry in outcome.entries if entry.path.startswith(prefix)
        ]
        outcome.extra = [path[len(prefix) :] for path in outcome.extra if path.startswith(prefix)]
    outcome.extra = sorted(set(outcome.extra))
    if scope.manifests:
        outcome.manifest = ", ".join(path for m in scope.manifests for path in (m.path, *m.beside))
        outcome.format = "+".join(dict.fromkeys(name for m in scope.manifests for name in m.format.split("+")))


def _nothing_listed(scope: find.Scope, own: set[str], take: Take) -> None:
    """Where no list says anything, nothing is extra: each file is uncheckable."""
    ignore = Ignore(DEFAULT)
    number = 0
    for path, listed in files_below(scope.tree, scope.below):
        if listed.kind is FileKind.REGULAR and path not in own and not ignore.passes_over(path):
            verdict = EntryVerdict(path, Verdict.UNCHECKABLE, notes=("no manifest lists it",))
            take.entry(number, Entry(path), verdict)
            number += 1


def _extra(tree: Tree, manifest: Manifest, known: Sequence[Container[str]], report: Report) -> Iterator[str]:
    """The files below a manifest's root that no list names and no rule ignores."""
    start = below(manifest.root, manifest.covers)
    cut = len(manifest.root) + 1 if manifest.root else 0
    ignore = Ignore(manifest.ignore if manifest.whole else (*DEFAULT, *manifest.ignore))
    nested = [(prefix + "/", Ignore(patterns)) for prefix, patterns in manifest.ignore_below.items()]

    def trouble(folder: str, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            what = f"folder not readable: {error.strerror}; what is extra in it is not known"
            report(Finding("unreadable-folder", what, folder, wrong=True))

    for path, _ in files_below(tree, start, trouble):
        inside = path[cut:]
        if any(path in some for some in known) or ignore.passes_over(inside):
            continue
        if any(inside.startswith(prefix) and rules.passes_over(inside[len(prefix) :]) for prefix, rules in nested):
            continue
        if not manifest.whole and find.is_list(tree, path):
            report(Finding("other-list", "another list: not extra, and not read", path))
            continue
        yield path
    if ignore.counted:
        report(Finding("ignored", f"not listed and ignored: {ignore.summary()}", manifest.root))
