"""Is a difference final only after a second reading, past the page cache, and does that cost the good case nothing?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import Computed, Read, Wanted, pooled, reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_asc_mhl import write_generation
from assetwatch.checksum.manifests.written import Creator, Written
from assetwatch.checksum.pool import ReaderPool
from assetwatch.clock import FakeClock, SystemClock


class Memory:
    """A reader that finds one bit flipped in files that are named `bad*`, as a page cache may hold them."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, tree: DiskTree) -> Read:
        honest = reader_of(tree)

        def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
            for one, computed in honest(wanted):
                self.read.append(one.parts[0])
                digests = computed.digests or {}
                flipped = {name: text[:-1] + ("0" if text[-1] != "0" else "1") for name, text in digests.items()}
                yield one, Computed(flipped) if one.parts[0].startswith("bad") else computed

        return read


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Two files with a list; of one the page cache holds other bytes than the disk."""
    for name in ("bad.mov", "good.mov"):
        (tmp_path / name).write_bytes(name.encode())
    lines = [f"{hashlib.md5(n.encode()).hexdigest()}  {n}\n" for n in ("bad.mov", "good.mov")]
    (tmp_path / "MD5SUMS").write_text("".join(lines))
    return tmp_path


def test_what_the_page_cache_held_wrong_is_verified(card: Path) -> None:
    """The disk's bytes decide, and the verdict tells that the first reading gave others. Only that file is reread."""
    second: list[str] = []

    def again(tree: DiskTree) -> Read:
        honest = reader_of(tree, uncached=True)

        def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
            given = list(wanted)
            second.extend(one.parts[0] for one in given)
            return honest(given)

        return read

    outcome = verify_package(card, read=Memory(), again=again)
    assert [str(entry.verdict) for entry in outcome.entries] == ["verified", "verified"]
    assert "past the page cache it fits" in outcome.entries[0].notes[0]
    assert len(set(outcome.entries[0].readings)) == 2
    assert second == ["bad.mov"]


def test_mismatch_has_both_readings(card: Path) -> None:
    """What differs twice is a mismatch, with both readings in the document; what fits has none."""
    (card / "bad.mov").write_bytes(b"BAD.mov")
    clock = SystemClock()
    with ReaderPool(None, clock) as pool:
        outcome = verify_package(
            card, read=lambda tree: pooled(pool, tree), again=lambda tree: pooled(pool, tree, uncached=True)
        )
    entries = outcome.as_json()["entries"]
    assert isinstance(entries, list)
    bad, good = entries
    assert bad["verdict"] == "mismatch"
    assert bad["readings"] == [hashlib.md5(b"BAD.mov").hexdigest()] * 2
    assert good["verdict"] == "verified"
    assert "readings" not in good


def test_file_that_goes_between_the_readings_stays_a_mismatch(card: Path) -> None:
    """The first reading stands, and it is said that there was no second."""

    def again(tree: DiskTree) -> Read:
        honest = reader_of(tree, uncached=True)

        def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
            (card / "bad.mov").unlink()
            return honest(wanted)

        return read

    outcome = verify_package(card, read=Memory(), again=again)
    assert [str(entry.verdict) for entry in outcome.entries] == ["mismatch", "verified"]
    assert "could not be read a second time" in outcome.entries[0].notes[-1]


def test_list_of_another_algorithm_is_not_read_twice(card: Path) -> None:
    """Where not one file fits, the list is what is doubted; terabytes are not read again for it."""
    (card / "MD5SUMS").unlink()
    (card / "list.txt").write_text("".join(f"{n:032x}  {name}\n" for n, name in enumerate(("bad.mov", "good.mov"))))
    again = Memory()
    outcome = verify_package(card / "list.txt", again=again)
    assert [str(entry.verdict) for entry in outcome.entries] == ["mismatch", "mismatch"]
    assert again.read == []
    assert "no-algorithm-fits" in [finding.kind for finding in outcome.findings]


@pytest.fixture
def write() -> Callable[..., Written]:
    """Writes a generation, a minute after the one before."""
    clock = FakeClock(datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC))

    def written(root: Path, first: Callable[[DiskTree], Read] = reader_of) -> Written:
        clock.advance(60)
        tree = DiskTree(root, remember=True)
        again = reader_of(tree, uncached=True)
        creator = Creator("host", version="1")
        return write_generation(tree, read=first(tree), again=again, clock=clock, creator=creator)

    return written


def test_generation_records_what_the_disk_holds(card: Path, write: Callable[..., Written]) -> None:
    """A file that fits past the page cache is recorded as verified, and the first reading is told."""
    write(card)
    written = write(card, Memory())
    assert (written.verified, written.failed) == (3, 0)
    assert [finding.path for finding in written.findings if finding.kind == "read-again"] == ["bad.mov"]
    assert verify_package(card).clean


def test_generation_records_as_failed_what_fails_twice(card: Path, write: Callable[..., Written]) -> None:
    """A file that is not what it was is failed, as before."""
    write(card)
    (card / "good.mov").write_bytes(b"GOOD.mov")
    written = write(card)
    assert (written.verified, written.failed) == (2, 1)
    assert not [finding for finding in written.findings if finding.kind == "read-again"]
