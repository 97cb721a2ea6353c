"""Do the tools of the field accept what is written here, find damage by it, and go on with it?"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_asc_mhl import write_generation
from assetwatch.checksum.manifests.write_bag import write_bag
from assetwatch.checksum.manifests.write_mhl import write_mhl
from assetwatch.checksum.manifests.write_sums import write_sums
from assetwatch.checksum.manifests.written import Author, Creator, Written
from assetwatch.clock import FakeClock

CORPUS = Path(os.environ.get("ASSETWATCH_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
CREATOR = Creator("host", "dit", version="1", author=Author("A & B", "a@b.c", "1", "DIT"), comment="<&>")
CHECKERS = {
    "md5": "md5sum",
    "sha1": "sha1sum",
    "sha256": "sha256sum",
    "sha512": "sha512sum",
    "xxh32": "xxhsum",
    "xxh64": "xxhsum",
    "xxh128": "xxhsum",
    "xxh3": "xxhsum",
    "blake3": "b3sum",
}
PIECES = ["A001", "C002", " ", "_", "(1)", "é", "e\u0301", "日本", "#", "'", "&", "=", "[x]", "+", "%20", ",", "<", '"']


@pytest.fixture(autouse=True)
def unlocalized(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools beside the interpreter are found, and speak UTF-8."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def tool(name: str) -> str:
    """A tool, or the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(name: str, *args: object, cwd: Path | None = None) -> int:
    """The exit code of a tool."""
    command = [tool(name), *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=False)
    return done.returncode


def random_folder(root: Path, seed: int) -> Path:
    """Random files with random names and sizes, an empty folder among them."""
    chance = random.Random(seed)
    (root / "empty").mkdir(parents=True)
    for number in range(chance.randint(4, 14)):
        folder = root.joinpath(*(chance.choice(["Clips", "A b", "Sound", "ü"]) for _ in range(chance.randint(0, 3))))
        folder.mkdir(parents=True, exist_ok=True)
        name = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
        (folder / f"{number}{name}.mov").write_bytes(chance.randbytes(chance.choice([0, 1, 100, 5000])))
    return root


def footage(root: Path) -> list[Path]:
    """The files that have any bytes and belong to no list."""
    return sorted(p for p in root.rglob("*.mov") if p.is_file() and p.stat().st_size)


def flip(file: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def write(writer: Any, root: Path, minute: int = 0, **options: Any) -> Written:
    """Write a list, `minute` minutes after a fixed time."""
    tree = DiskTree(root, remember=True)
    clock = FakeClock(datetime(2026, 11, 24, 1, minute, tzinfo=UTC))
    written: Written = writer(tree, read=reader_of(tree), clock=clock, **options)
    return written


@pytest.mark.parametrize("algorithm", CHECKERS)
def test_sum_tools_check(tmp_path: Path, algorithm: str) -> None:
    """The tool of the algorithm checks the list, and fails by it after one bit was flipped."""
    for seed in range(3):
        root = random_folder(tmp_path / f"{seed}", seed)
        listed = write(write_sums, root, algorithm=algorithm).lists[0]
        assert run(CHECKERS[algorithm], "-c", listed, cwd=root) == 0
        flip(footage(root)[0])
        assert run(CHECKERS[algorithm], "-c", listed, cwd=root) != 0


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_coreutils_read_the_escapes(tmp_path: Path, algorithm: str) -> None:
    """Backslashes and line breaks in names are read back, and bytes that are no UTF-8 are themselves."""
    for name in (b"back\\slash", b"line\nbreak", b"\xff\xfe", b"\\"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    listed = write(write_sums, tmp_path, algorithm=algorithm).lists[0]
    assert run(CHECKERS[algorithm], "--strict", "-c", listed, cwd=tmp_path) == 0


@pytest.mark.parametrize("algorithms", [("md5",), ("sha1", "sha256"), ("sha512",)])
def test_bagit_py_validates(tmp_path: Path, algorithms: tuple[str, ...]) -> None:
    """bagit.py accepts a bag, and refuses it after one bit was flipped."""
    for seed in range(3):
        root = random_folder(tmp_path / f"{seed}", seed)
        (root / "100% \\ sure.mov").write_bytes(b"x")
        (root / "line\nbreak").write_bytes(b"x")
        assert write(write_bag, root, creator=CREATOR, algorithms=algorithms).clean
        assert run("bagit.py", "--validate", root) == 0
        flip(footage(root)[0])
        assert run("bagit.py", "--validate", root) != 0


@pytest.mark.parametrize("algorithms", [("xxh64",), ("c4",), ("md5", "sha1", "xxh3", "xxh128", "xxh64", "c4")])
@pytest.mark.parametrize("seed", range(3))
def test_ascmhl_goes_on(tmp_path: Path, algorithms: tuple[str, ...], seed: int) -> None:
    """ascmhl verifies our generation, folder digests too, adds one, and ours follows that; a flipped bit is found."""
    root = random_folder(tmp_path / "A001R1AB", seed)
    assert write(write_generation, root, creator=CREATOR, algorithms=algorithms).clean
    assert run("ascmhl-debug", "verify", root) == 0
    assert run("ascmhl-debug", "verify", "-dh", root) == 0
    assert run("ascmhl", "diff", root) == 0
    assert run("ascmhl", "info", root) == 0
    assert run("ascmhl", "create", root, "-h", "md5") == 0
    written = write(write_generation, root, 1, creator=CREATOR, algorithms=("xxh128", "md5"))
    assert written.clean, written.findings
    assert written.lists[0].startswith("ascmhl/0003_")
    assert verify_package(root).clean
    assert run("ascmhl-debug", "verify", root) == 0
    flip(footage(root)[0])
    assert run("ascmhl-debug", "verify", root) == 11
    assert write(write_generation, root, 2, creator=CREATOR, algorithms=algorithms).failed == 1
    assert run("ascmhl", "create", root, "-h", "xxh64") == 11


def test_ascmhl_goes_on_with_nested_histories(tmp_path: Path) -> None:
    """Histories nested two deep, begun by ascmhl, are continued by us and then by ascmhl again."""
    root = random_folder(tmp_path / "Day1", 5)
    for folder, algorithm in (("Clips/deep", "md5"), ("Clips", "xxh64"), ("Sound", "c4")):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "own.mov").write_bytes(folder.encode())
        assert run("ascmhl", "create", root / folder, "-h", algorithm) == 0
    for minute in range(2):
        written = write(write_generation, root, minute, creator=CREATOR, algorithms=("xxh128", "xxh64"))
        assert written.clean, written.findings
        assert len(written.lists) == 4
        assert run("ascmhl-debug", "verify", root) == 0
        assert run("ascmhl", "create", root, "-h", "xxh64") == 0
        assert verify_package(root).clean


def test_ascmhl_sees_the_same_renames(tmp_path: Path) -> None:
    """After a rename that we recorded ascmhl misses nothing."""
    root = random_folder(tmp_path / "A002", 6)
    (root / "Old").mkdir()
    (root / "Old/a.mov").write_bytes(b"only here")
    assert run("ascmhl", "create", root, "-h", "md5") == 0
    (root / "Old").rename(root / "New")
    (root / "New/a.mov").rename(root / "New/b.mov")
    written = write(write_generation, root, creator=CREATOR, algorithms=("xxh64",), detect_renames=True)
    assert written.renamed == {"New": "Old", "New/b.mov": "Old/a.mov"}
    assert written.clean
    assert run("ascmhl", "diff", root) == 0
    assert run("ascmhl", "create", root, "-h", "xxh64") == 0


def test_ascmhl_keeps_the_patterns(tmp_path: Path) -> None:
    """Patterns that we added are honoured by ascmhl in its next generation."""
    root = random_folder(tmp_path / "A003", 7)
    (root / "x.tmp").write_bytes(b"x")
    assert write(write_generation, root, creator=CREATOR, ignore=("*.tmp",)).clean
    assert run("ascmhl", "diff", root) == 0
    assert run("ascmhl", "create", root, "-h", "xxh64") == 0
    newest = sorted((root / "ascmhl").glob("*.mhl"))[-1].read_text()
    assert "*.tmp</pattern>" in newest
    assert "x.tmp<" not in newest


@pytest.mark.parametrize("seed", range(4))
def test_same_digests_as_ascmhl(tmp_path: Path, seed: int) -> None:
    """File, folder and root digests of ours and of ascmhl's generation are the same."""
    ours = random_folder(tmp_path / "ours/A004", seed)
    theirs = random_folder(tmp_path / "theirs/A004", seed)
    write(write_generation, ours, creator=CREATOR, algorithms=("md5", "c4", "xxh64"))
    assert run("ascmhl", "create", theirs, "-h", "md5", "-h", "c4", "-h", "xxh64") == 0

    def told(root: Path) -> list[tuple[str | None, ...]]:
        tree = etree.parse(next((root / "ascmhl").glob("*.mhl")))
        found = []
        for element in tree.iterfind(".//{*}processinfo//*"):
            found.append((element.tag, (element.text or "").strip()))
        for element in tree.iterfind(".//{*}hashes//*"):
            found.append((element.tag, (element.text or "").strip(), element.get("action")))
        return found

    assert told(ours) == told(theirs)


@pytest.fixture
def schemas() -> dict[str, Any]:
    """The published schemas: of lists, of chains, of MHL 1.1."""
    folder = CORPUS / "01-ascmhl/ascmitc-mhl/xsd"
    if not folder.is_dir():
        pytest.skip(f"no reference corpus at {CORPUS} (set ASSETWATCH_CORPUS)")
    directory = etree.parse(folder / "ASCMHLDirectory.xsd")
    for element in directory.iter("{*}import"):
        element.set("schemaLocation", str(folder / "ASCMHL.xsd"))
    return {
        "list": etree.XMLSchema(etree.parse(folder / "ASCMHL.xsd")),
        "chain": etree.XMLSchema(directory),
        "mhl": etree.XMLSchema(etree.parse(CORPUS / "02-legacy-mhl/xsd/MediaHashList_v1_1.xsd")),
    }


@pytest.mark.parametrize("seed", range(3))
def test_lists_are_valid(tmp_path: Path, seed: int, schemas: dict[str, Any]) -> None:
    """Each list and chain is valid by its schema: first, next, nested, with failed, renamed and left-out files."""
    root = random_folder(tmp_path / "A005", seed)
    (root / "Nested").mkdir()
    (root / "Nested/a.mov").write_bytes(b"a")
    (root / "old.mov").write_bytes(b"another name")
    write(write_generation, root / "Nested", creator=CREATOR, algorithms=("md5",))
    write(write_generation, root, 1, creator=CREATOR, algorithms=("c4", "xxh64"))
    flip(footage(root)[0])
    (root / "old.mov").rename(root / "new.mov")
    os.mkfifo(root / "pipe")
    write(write_generation, root, 2, creator=CREATOR, algorithms=("sha1",), detect_renames=True, process="transfer")
    for listed in root.rglob("ascmhl/*"):
        schemas["chain" if listed.suffix == ".xml" else "list"].assertValid(etree.parse(listed))


def test_mhl_is_valid(tmp_path: Path, schemas: dict[str, Any]) -> None:
    """An MHL is valid by the schema of 1.1, for which no file is empty."""
    root = random_folder(tmp_path / "A006", 1)
    for file in root.rglob("*.mov"):
        file.write_bytes(b"x" + file.read_bytes())
    written = write(write_mhl, root, creator=CREATOR, algorithms=("xxh64", "md5", "sha1", "xxh32"))
    schemas["mhl"].assertValid(etree.parse(root / written.lists[0]))
