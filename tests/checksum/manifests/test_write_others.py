"""Are MHL 1.1, sum files and bags written so that they are read as they were meant?"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import reader_of
from assetwatch.checksum.manifests.take import Known
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_bag import write_bag
from assetwatch.checksum.manifests.write_mhl import write_mhl
from assetwatch.checksum.manifests.write_sums import ALGORITHMS, write_sums
from assetwatch.checksum.manifests.written import Author, Creator, Written, put
from assetwatch.clock import FakeClock
from assetwatch.errors import UsageError

CREATOR = Creator("host", "dit", version="1", author=Author("A & B", "a@b.c", "1"), comment="two\nlines")
#: Names that have tripped tools: escapes, percent signs, markup, white space.
NAMES = ("a.mov", "sub/b c.mov", "back\\slash", "line\nbreak", "re\rturn", "100%.mov", "%0A", " lead", "<&>", "é", "#x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with awkward names, an empty file, and what a system left behind."""
    root = tmp_path / "A001"
    (root / "sub").mkdir(parents=True)
    for name in NAMES:
        (root / name).write_bytes(name.encode() * 100)
    (root / "empty").write_bytes(b"")
    return root


def call(writer: Callable[..., Written], root: Path, **options: Any) -> Written:
    """Write by one of the writers at a fixed time."""
    tree = DiskTree(root)
    clock = FakeClock(datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC))
    return writer(tree, read=reader_of(tree), clock=clock, **options)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sum_files(folder: Path, algorithm: str) -> None:
    """Each file is listed and verified by the algorithm that was asked for, names in any bytes included."""
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.mov")).write_bytes(b"x")
    (folder / ".DS_Store").write_bytes(b"x")
    written = call(write_sums, folder, algorithm=algorithm)
    assert written.clean
    assert written.lists == [f"A001_2026-11-24_010203Z.{algorithm}"]
    outcome = verify_package(folder)
    assert outcome.clean, outcome.findings
    assert sorted(e.path for e in outcome.entries) == sorted((*NAMES, "empty", "//FF.mov"))
    assert {e.algorithm for e in outcome.entries} == {algorithm}


def test_known_digests_are_said(folder: Path) -> None:
    """A list that took digests without reading says so in a remark, which a list for b3sum has no place for."""
    known = {"known": lambda path, seen: Known({"md5": "0" * 32, "blake3": "0" * 64})}
    written = call(write_sums, folder, algorithm="md5", **known)
    assert written.reused == len(NAMES) + 1
    assert (folder / written.lists[0]).read_text().startswith("# 12 of 12 files were not read")
    with pytest.raises(UsageError, match="b3sum"):
        call(write_sums, folder, algorithm="blake3", **known)


def test_sum_file_is_not_written_over(folder: Path) -> None:
    """A list that is there already stays as it is."""
    name = call(write_sums, folder, algorithm="md5").lists[0]
    before = (folder / name).read_bytes()
    with pytest.raises(UsageError, match="there already"):
        call(write_sums, folder, algorithm="md5")
    assert (folder / name).read_bytes() == before
    assert not [left for left in os.listdir(folder) if left.endswith(".writing")]


def test_left_out_of_a_sum_file(folder: Path) -> None:
    """A FIFO and a link are named and left out."""
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("a.mov")
    written = call(write_sums, folder, algorithm="md5")
    assert not written.clean
    assert [finding.path for finding in written.findings] == ["link", "pipe"]


def test_empty_folder_gets_no_list(tmp_path: Path) -> None:
    """Where there is nothing to list that is said, and no list is written."""
    for writer, options in ((write_sums, {"algorithm": "md5"}), (write_mhl, {"creator": CREATOR})):
        with pytest.raises(UsageError, match="no file"):
            call(writer, tmp_path, **options)
    assert not os.listdir(tmp_path)


def test_mhl(folder: Path) -> None:
    """Elements stand in the schema's order with XXH32 as a decimal number, and everything verifies."""
    written = call(write_mhl, folder, creator=CREATOR, algorithms=("md5", "xxh64", "xxh32", "sha1"))
    assert written.clean
    outcome = verify_package(folder)
    assert outcome.clean, outcome.findings
    root = etree.parse(folder / written.lists[0]).getroot()
    assert root.attrib == {"version": "1.1"}
    order = [e.tag for e in root[1]]
    assert order == ["file", "size", "lastmodificationdate", "md5", "xxhash64be", "xxhash", "sha1", "hashdate"]
    assert [e.tag for e in root[0]] == [
        "name", "username", "hostname", "tool", "startdate", "finishdate", "log",
    ]  # fmt: skip
    empty = next(e for e in root.iterfind("hash") if e[0].text == "empty")
    assert empty.find("size").text == "0"
    assert empty.find("xxhash").text == "46947589"
    assert empty.find("hashdate").text == "2026-11-24T01:02:03Z"


def test_mhl_takes_its_algorithms_only(folder: Path) -> None:
    """An algorithm that MHL 1.1 does not have is refused."""
    with pytest.raises(UsageError, match="xxh128"):
        call(write_mhl, folder, creator=CREATOR, algorithms=("xxh128",))


def test_bag(folder: Path) -> None:
    """The content goes down into data/ with its times, the bag verifies, and a changed tag file is found."""
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "data").mkdir()
    (folder / "data/inner").write_bytes(b"x")
    seen = (folder / "a.mov").stat()
    written = call(write_bag, folder, creator=CREATOR, algorithms=("md5", "sha256"))
    assert written.clean
    assert sorted(os.listdir(folder)) == [
        "bag-info.txt",
        "bagit.txt",
        "data",
        "manifest-md5.txt",
        "manifest-sha256.txt",
        "tagmanifest-md5.txt",
        "tagmanifest-sha256.txt",
    ]
    after = (folder / "data/a.mov").stat()
    assert (after.st_ino, after.st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)
    outcome = verify_package(folder)
    assert outcome.clean, outcome.findings
    assert len(outcome.entries) == len(NAMES) + 3
    info = (folder / "bag-info.txt").read_text()
    assert "Payload-Oxum: " in info
    assert "External-Description: two lines\n" in info
    (folder / "bag-info.txt").write_text(info.replace("A & B", "C & D"))
    assert not verify_package(folder).clean
    with pytest.raises(UsageError, match="bag already"):
        call(write_bag, folder, creator=CREATOR)


def test_bag_version(tmp_path: Path) -> None:
    """A bag is 1.0, unless a name holds a percent sign, which receivers read in two ways in 1.0."""
    for name, version in (("a", "1.0"), ("100%", "0.97")):
        root = tmp_path / version
        root.mkdir()
        (root / name).write_bytes(b"x")
        call(write_bag, root, creator=CREATOR)
        assert (root / "bagit.txt").read_text().startswith(f"BagIt-Version: {version}\n")
        assert verify_package(root).clean


@pytest.mark.parametrize("obstacle", ["link", "fifo", "bytes", "twins"])
def test_nothing_moves_unless_all_can(folder: Path, obstacle: str) -> None:
    """Where anything cannot stand in a bag it is named, and the folder stays as it was."""
    match obstacle:
        case "link":
            (folder / "sub/link").symlink_to("b c.mov")
        case "fifo":
            os.mkfifo(folder / "sub/pipe")
        case "bytes":
            Path(os.fsdecode(os.fsencode(folder) + b"/\xff.mov")).write_bytes(b"x")
        case "twins":
            (folder / "e\u0301").write_bytes(b"x")
    before = sorted(os.listdir(folder))
    written = call(write_bag, folder, creator=CREATOR)
    assert not written.clean
    assert not written.lists
    assert sorted(os.listdir(folder)) == before


def test_put_is_all_or_nothing(tmp_path: Path) -> None:
    """When the text breaks off half-way neither the file nor a temporary one is there."""

    def pieces() -> Any:
        yield b"half"
        raise KeyError("half-way")

    with pytest.raises(KeyError, match="half-way"):
        put(tmp_path, "list.mhl", pieces())
    assert not os.listdir(tmp_path)
    put(tmp_path, "list.mhl", (b"a", b"b"))
    assert (tmp_path / "list.mhl").read_bytes() == b"ab"
    put(tmp_path, "list.mhl", (b"c",), replace=True)
    assert (tmp_path / "list.mhl").read_bytes() == b"c"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "list.mhl").stat().st_mode) == 0o666 & ~mask
