"""Whatever is written over whatever tree, is it verified as it stands, and is one flipped bit found in it?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_asc_mhl import write_generation
from assetwatch.checksum.manifests.write_bag import write_bag
from assetwatch.checksum.manifests.write_mhl import write_mhl
from assetwatch.checksum.manifests.write_sums import write_sums
from assetwatch.checksum.manifests.written import Creator, Written
from assetwatch.clock import FakeClock

NAME = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="/\0").filter(lambda c: c.isprintable())
    | st.sampled_from("\n\r\\% *#'\""),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 100)
TREES = st.dictionaries(
    st.lists(NAME, min_size=1, max_size=3).map(tuple), st.binary(max_size=200), min_size=1, max_size=8
)
CREATOR = Creator("host", version="1")
WRITERS: dict[str, tuple[Callable[..., Written], dict[str, Any]]] = {
    "ascmhl": (write_generation, {"creator": CREATOR, "algorithms": ("xxh64", "c4")}),
    "mhl": (write_mhl, {"creator": CREATOR, "algorithms": ("xxh32", "xxh64")}),
    "md5": (write_sums, {"algorithm": "md5"}),
    "xxh3": (write_sums, {"algorithm": "xxh3"}),
    "bagit": (write_bag, {"creator": CREATOR, "algorithms": ("sha1",)}),
}


def lay_out(root: Path, tree: dict[tuple[str, ...], bytes]) -> None:
    """Make the files of a tree; one that would need a folder where a file is, is left out."""
    for parts, content in tree.items():
        file = root.joinpath(*parts)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError:
            continue


@pytest.mark.parametrize("format_", WRITERS)
@settings(max_examples=25, deadline=None)
@given(tree=TREES, which=st.integers(0), bit=st.integers(0))
def test_round_trip(format_: str, tree: dict[tuple[str, ...], bytes], which: int, bit: int) -> None:
    """A written list is clean at once; one flipped bit in any file is a mismatch of that file and of no other."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        root.mkdir()
        lay_out(root, tree)
        writer, options = WRITERS[format_]
        disk = DiskTree(root, remember=True)
        before = {path for path in root.rglob("*") if path.is_file()}
        written = writer(disk, read=reader_of(disk), clock=FakeClock(), **options)
        if not written.clean:
            # Names with one normalization form cannot stand in one bag, and what systems leave behind is not listed.
            assert not written.lists or written.findings
            return
        outcome = verify_package(root)
        if any(finding.kind == "same-name" for finding in outcome.findings):
            return
        assert outcome.clean, (outcome.findings, outcome.entries, outcome.extra)
        assert len(outcome.entries) == written.files <= len(before)
        victims = [e for e in sorted(outcome.entries, key=lambda e: e.path) if (root / e.path).stat().st_size]
        if not victims:
            return
        victim = victims[which % len(victims)]
        content = bytearray((root / victim.path).read_bytes())
        content[bit // 8 % len(content)] ^= 1 << bit % 8
        (root / victim.path).write_bytes(content)
        wrong = {e.path for e in verify_package(root).entries if str(e.verdict) != "verified"}
        assert wrong == {victim.path}


@pytest.mark.parametrize("format_", WRITERS)
def test_one_bit_in_a_long_roll(tmp_path: Path, format_: str) -> None:
    """One flipped bit in a roll of 2,000 files is found, and named alone."""
    root = tmp_path / "roll"
    root.mkdir()
    for number in range(2000):
        (root / f"A001_{number:06d}.dpx").write_bytes(b"%d" % number * 20)
    writer, options = WRITERS[format_]
    disk = DiskTree(root, remember=True)
    assert writer(disk, read=reader_of(disk), clock=FakeClock(), **options).clean
    victim = next(root.rglob("A001_001234.dpx"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 0x10
    victim.write_bytes(content)
    outcome = verify_package(root)
    assert [e.path for e in outcome.entries if str(e.verdict) == "mismatch"] == [str(victim.relative_to(root))]
    assert outcome.counts["verified"] == 1999
