"""Is a folder what its manifests say? The one pass behind `manifest verify PATH`, without any catalog.

Finds the lists, compares each entry with the disk, and names what is there and listed nowhere. Reading the bytes
is the caller's: `read` is given what to compute and gives back what it computed, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assetwatch.checksum.manifests import find
from assetwatch.checksum.manifests.compare import ListVerification, Progress, Silent
from assetwatch.checksum.manifests.format import Finding, Manifest, ManifestFault, Report, below
from assetwatch.checksum.manifests.ignore import DEFAULT, Ignore
from assetwatch.checksum.manifests.outcome import Findings, PackageVerdict
from assetwatch.checksum.manifests.reading import Read, reader_of
from assetwatch.checksum.manifests.tree import DiskTree, Tree, files_below
from assetwatch.checksum.verdict import EntryVerdict
from assetwatch.model import FileKind, Verdict


def verify_package(
    path: Path, *, read: Callable[[DiskTree], Read] | None = None, progress: Progress | None = None
) -> PackageVerdict:
    """Verify a folder against the manifests in, below or above it, or a single list against its folder.

    `read` makes the reader for the tree that the lists lie in (`reading.pooled`); without one the files are read
    here, one after the other. Raises ManifestFault where a list cannot be read or used at all, UsageError where
    there is nothing at `path`. Paths in the outcome are relative to `path`, or to the list's folder.
    """
    scope = find.scope_of(path)
    reader = (read or reader_of)(scope.tree)
    outcome = PackageVerdict(None, None)
    findings = Findings()
    claimed: set[str] = set()
    own: set[str] = set()
    for manifest in scope.manifests:
        for finding in manifest.findings:
            findings.report(finding)
        own |= manifest.own_files
    for manifest in scope.manifests:
        one = ListVerification(scope.tree, manifest, findings.report, progress or Silent(), scope.below)
        try:
            outcome.entries += one.verify(reader)
        except (ManifestFault, OSError) as error:
            # Files that cannot be read are verdicts; an error of the system that comes as far as here is of the list.
            fault = find.not_readable(manifest.path, error) if isinstance(error, OSError) else error
            if len(scope.manifests) == 1:
                raise fault from None
            for finding in find.broken(manifest.format, manifest.path, fault).findings:
                findings.report(finding)
        claimed |= one.claimed
    for manifest in scope.manifests:
        if manifest.lists_all:
            outcome.extra += _extra(scope.tree, manifest, claimed | own, findings.report)
    _place(outcome, scope)
    if not scope.manifests:
        findings.report(Finding("no-manifest", "no manifest in, below or above this folder", wrong=True))
    silent = not outcome.entries and any(manifest.lists_all for manifest in scope.manifests)
    if silent or not scope.manifests:
        _nothing_listed(outcome, scope, own)
    outcome.findings = findings.all()
    return outcome


def _place(outcome: PackageVerdict, scope: find.Scope) -> None:
    """Say paths as seen from the folder that was asked for, and leave out what lies outside it."""
    prefix = scope.below + "/" if scope.below else ""
    if prefix:
        outcome.entries = [
            EntryVerdict(e.path[len(prefix) :], e.verdict, e.algorithm, e.expected, e.computed, e.notes, e.written)
            for e in outcome.entries
            if e.path.startswith(prefix)
        ]
        outcome.extra = [path[len(prefix) :] for path in outcome.extra if path.startswith(prefix)]
    outcome.extra = sorted(set(outcome.extra))
    if scope.manifests:
        outcome.manifest = ", ".join(path for m in scope.manifests for path in (m.path, *m.beside))
        outcome.format = "+".join(dict.fromkeys(name for m in scope.manifests for name in m.format.split("+")))


def _nothing_listed(outcome: PackageVerdict, scope: find.Scope, own: set[str]) -> None:
    """Where no list says anything, nothing is extra: each file is uncheckable."""
    ignore = Ignore(DEFAULT)
    cut = len(scope.below) + 1 if scope.below else 0
    outcome.extra = []
    for path, listed in files_below(scope.tree, scope.below):
        if listed.kind is FileKind.REGULAR and path not in own and not ignore.passes_over(path):
            outcome.entries.append(EntryVerdict(path[cut:], Verdict.UNCHECKABLE, notes=("no manifest lists it",)))


def _extra(tree: Tree, manifest: Manifest, known: set[str], report: Report) -> list[str]:
    """The files below a manifest's root that no list names and no rule ignores."""
    start = below(manifest.root, manifest.covers)
    cut = len(manifest.root) + 1 if manifest.root else 0
    ignore = Ignore(manifest.ignore if manifest.whole else (*DEFAULT, *manifest.ignore))
    nested = [(prefix + "/", Ignore(patterns)) for prefix, patterns in manifest.ignore_below.items()]
    found = []

    def trouble(folder: str, error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            what = f"folder not readable: {error.strerror}; what is extra in it is not known"
            report(Finding("unreadable-folder", what, folder, wrong=True))

    for path, _ in files_below(tree, start, trouble):
        inside = path[cut:]
        if path in known or ignore.passes_over(inside):
            continue
        if any(inside.startswith(prefix) and rules.passes_over(inside[len(prefix) :]) for prefix, rules in nested):
            continue
        if not manifest.whole and find.is_list(tree, path):
            report(Finding("other-list", "another list: not extra, and not read", path))
            continue
        found.append(path)
    if ignore.counted:
        report(Finding("ignored", f"not listed and ignored: {ignore.summary()}", manifest.root))
    return found
