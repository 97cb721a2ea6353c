"""How do several lines, or several lists, about one file become one entry, in bounded memory?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from assetwatch.checksum.manifests.format import Entries, Entry, Finding, Report

#: Entries that are held at once. A longer list is read twice instead: first to learn which paths come again.
HELD = 100_000


@dataclass(frozen=True, slots=True)
class Merged:
    """The entries of a list, each path once; `entries` goes through them, as often as it is called.

    `count` is how many, `bytes` the sum of the sizes that are known.
    """

    count: int
    bytes: int
    entries: Callable[[], Iterator[Entry]]


def merged(entries: Entries, report: Report, held_most: int = HELD) -> Merged:
    """Each path once, in the order of its first line, with the digests of all its lines.

    The list is read to its end before the first entry comes out: a list that breaks off half-way raises its
    ManifestFault before any footage is read. `held_most` entries are held at once; a longer list is read
    anew each time.
    """
    held: dict[str, Entry] = {}
    seen: set[int] = set()
    again: set[int] = set()
    count = total = 0
    for entry in entries(report):
        key = hash(entry.path)
        known = key in seen
        if known:
            again.add(key)
        else:
            seen.add(key)
            count += 1
            total += entry.size or 0
        if count <= held_most:
            first = held.get(entry.path)
            held[entry.path] = entry if first is None else _together(first, entry, report)
    if count <= held_most:
        return Merged(len(held), total, lambda: iter(held.values()))
    held.clear()
    return Merged(count, total, lambda: _streamed(entries, again, report))


def together(first: Entry, second: Entry) -> Entry:
    """One entry of two for the same path: every digest of both, and every size."""
    found = list(first.digests)
    for digest in second.digests:
        if not any(digest.readings == d.readings and digest.usable == d.usable and digest.readings for d in found):
            found.append(digest)
    if len(found) == len(first.digests) and _adds_nothing(first, second):
        return first
    sizes = dict.fromkeys(
        size for size in (first.size, *first.other_sizes, second.size, *second.other_sizes) if size is not None
    )
    size, *others = sizes or (None,)
    return replace(
        first,
        size=size,
        other_sizes=tuple(n for n in others if n is not None),
        digests=tuple(found),
        previous_path=second.previous_path or first.previous_path,
        spellings=tuple(dict.fromkeys((*first.spellings, *second.spellings))),
        fault=first.fault or second.fault,
        absent=first.absent or second.absent,
    )


def _adds_nothing(first: Entry, second: Entry) -> bool:
    """Whether all that a second entry says besides its digests is said already: most files of a next generation."""
    return (
        second.size in (None, first.size, *first.other_sizes)
        and not second.other_sizes
        and not second.previous_path
        and not second.spellings
        and not second.fault
        and not second.absent
    )


def _streamed(entries: Entries, again: set[int], report: Report) -> Iterator[Entry]:
    held: dict[str, Entry] = {}
    for entry in entries(lambda finding: None):
        if hash(entry.path) not in again:
            yield entry
            continue
        first = held.get(entry.path)
        held[entry.path] = entry if first is None else _together(first, entry, report)
    yield from held.values()


def _together(first: Entry, second: Entry, report: Report) -> Entry:
    """As `together`; one algorithm with two values under one path is said."""
    known = {reading.algorithm: reading.text for d in first.digests for reading in d.readings[:1]}
    for digest in second.digests:
        for reading in digest.readings[:1]:
            if known.get(reading.algorithm, reading.text) != reading.text:
                what = f"listed twice with different {reading.algorithm} digests"
                report(Finding("contradiction", what, second.path, second.line, wrong=True))
    return together(first, second)
