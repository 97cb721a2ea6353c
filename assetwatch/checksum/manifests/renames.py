"""Which of the new files are missing ones under another name? (Pure: no I/O here.)

Same content, the old path gone, the new one never seen: one to one, a file that kept its name first. An empty file
has the content of every other empty file, and counts only where it kept its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from assetwatch.checksum.manifests.format import basename, parent

Digests = Mapping[str, str]


def renamed_files(missing: Mapping[str, Digests], new: Mapping[str, tuple[int, Digests]]) -> dict[str, str]:
    """New path -> old path. `missing` maps a path to its recorded digests, `new` to its size and its digests."""
    by_digest: dict[tuple[str, str], list[str]] = {}
    for path in sorted(new):
        for pair in new[path][1].items():
            by_digest.setdefault(pair, []).append(path)
    found: dict[str, str] = {}
    gone: set[str] = set()
    for kept_name in (True, False):
        for old in sorted(missing):
            if old in gone:
                continue
            candidates = (
                path
                for pair in missing[old].items()
                for path in by_digest.get(pair, ())
                if path not in found and _agree(missing[old], new[path][1])
            )
            for path in candidates:
                if basename(path) == basename(old) if kept_name else new[path][0] > 0:
                    found[path] = old
                    gone.add(old)
                    break
    return found


def _agree(one: Digests, other: Digests) -> bool:
    """Whether no algorithm that both have differs."""
    return all(other.get(name, text) == text for name, text in one.items())


def renamed_folders(files: Mapping[str, str], missing: Collection[str], new: Iterable[str]) -> dict[str, str]:
    """New folder -> old folder, as the renamed files (new path -> old path) show it, and then the empty ones below."""
    votes: Counter[tuple[str, str]] = Counter()
    for path, old in files.items():
        here, there = path, old
        while basename(here) == basename(there) or (here, there) == (path, old):
            here, there = parent(here), parent(there)
            if not here or not there or here == there:
                break
            votes[here, there] += 1
    unseen, gone = set(new), set(missing)
    found: dict[str, str] = {}
    for (here, there), _ in votes.most_common():
        if here in unseen and there in gone:
            found[here] = there
            unseen.remove(here)
            gone.remove(there)
    for there in sorted(gone):
        for here in sorted(unseen):
            if basename(here) == basename(there) and found.get(parent(here)) == parent(there) and parent(there):
                found[here] = there
                unseen.remove(here)
                break
    return found
