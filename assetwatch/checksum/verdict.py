"""What follows for an entry of a manifest from what is on disk? (Pure: no I/O here.)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assetwatch.checksum.manifests.format import Entry, ExpectedDigest, Reading
from assetwatch.model import Verdict


@dataclass(frozen=True, slots=True)
class EntryVerdict:
    """The outcome for one entry.

    `path` is where the file was found below the manifest's root, else as the list names it; `written` is the
    list's own text where it differs. `algorithm`, `expected` and `computed` are the evidence: of the digest that
    decided, or `size` with bytes as text where the size already did; `expected` is in canonical text. `notes`
    say what else a person should know. `readings` is what each reading gave where it was read a second time.
    """

    path: str
    verdict: Verdict
    algorithm: str | None = None
    expected: str | None = None
    computed: str | None = None
    notes: tuple[str, ...] = ()
    written: str = ""
    readings: tuple[str, ...] = ()


def algorithms_needed(entry: Entry) -> tuple[str, ...]:
    """What to compute, in one read, to judge the entry: each algorithm that any usable digest can be."""
    return tuple(dict.fromkeys(r.algorithm for digest in entry.digests if digest.usable for r in digest.readings))


def judge(
    entry: Entry,
    size_on_disk: int | None,
    computed: Mapping[str, str] | None = None,
    *,
    path: str | None = None,
    unreadable: str = "",
    notes: Iterable[str] = (),
) -> EntryVerdict:
    """Compare one entry with the disk.

    `size_on_disk` is in bytes, None where there is no such file; `computed` maps algorithms to canonical texts,
    None where the file was not read; `unreadable` is why it could not be. The order of the rules: an entry that
    cannot be used is uncheckable; no file is missing; another size is a mismatch without reading; what cannot
    be read is unreadable; of several digests one that differs is enough for a mismatch (FIELD 2.1, 2.2); without
    a usable digest there is nothing to check.
    """
    said = list(notes)
    path = entry.path if path is None else path
    written = "" if path == entry.path else entry.path

    def verdict(
        word: Verdict, algorithm: str | None = None, expected: str | None = None, got: str | None = None
    ) -> EntryVerdict:
        return EntryVerdict(path, word, algorithm, expected, got, tuple(said), written)

    if entry.fault:
        said.append(entry.fault)
        return verdict(Verdict.UNCHECKABLE)
    first = next((d.readings[0] for d in entry.digests if d.usable), None)
    if size_on_disk is None:
        if entry.absent:
            said.append(entry.absent)
            return verdict(Verdict.UNCHECKABLE)
        return verdict(Verdict.MISSING, *((first.algorithm, first.text) if first else ()))
    if unreadable:
        said.append(unreadable)
        return verdict(Verdict.UNREADABLE, *((first.algorithm, first.text) if first else ()))
    wrong_size = next((n for n in (entry.size, *entry.other_sizes) if n is not None and n != size_on_disk), None)
    if wrong_size is not None:
        return verdict(Verdict.MISMATCH, "size", str(wrong_size), str(size_on_disk))
    if first is None:
        said.extend(_why_unusable(entry))
        return verdict(Verdict.UNCHECKABLE)
    if computed is None:
        said.append("not read")
        return verdict(Verdict.UNCHECKABLE)
    fitting: Reading | None = None
    differing: Reading | None = None
    for digest in entry.digests:
        if not digest.usable:
            continue
        matched = next((r for r in digest.readings if computed.get(r.algorithm) == r.text), None)
        if matched is not None:
            fitting = fitting or matched
            if matched.note:
                said.append(f"{matched.algorithm}: {matched.note}")
        elif any(r.algorithm in computed for r in digest.readings):
            differing = differing or digest.readings[0]
    said.extend(_why_unusable(entry))
    if differing is not None:
        if fitting is not None:
            said.append(f"the {fitting.algorithm} digest fits and the {differing.algorithm} digest does not")
        return verdict(Verdict.MISMATCH, differing.algorithm, differing.text, computed.get(differing.algorithm))
    if fitting is not None:
        if entry.unproven:
            said.append(f"the {fitting.algorithm} digest fits, but {entry.unproven}")
            return verdict(Verdict.UNCHECKABLE, fitting.algorithm, fitting.text, computed[fitting.algorithm])
        return verdict(Verdict.VERIFIED, fitting.algorithm, fitting.text, computed[fitting.algorithm])
    said.append("none of its digests was computed")
    return verdict(Verdict.UNCHECKABLE, first.algorithm, first.text)


def _why_unusable(entry: Entry) -> list[str]:
    if not entry.digests:
        return ["no digest, only a size" if entry.size is not None else "no digest"]
    return list(dict.fromkeys(_reason(digest) for digest in entry.digests if not digest.usable))


def _reason(digest: ExpectedDigest) -> str:
    if digest.action == "failed":
        return "a digest that was recorded as failed is no reference"
    return digest.note or "a digest that nothing here can compute"
