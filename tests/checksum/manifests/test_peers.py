"""Are the lists that other tools write over random folders judged right, and is one flipped bit found in each?"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assetwatch.checksum.manifests.package import verify_package

#: Commands that write a list of the files given as arguments to standard output, and the list's file name.
LISTS = {
    "md5sum": "MD5SUMS",
    "md5sum --tag": "list.txt",
    "sha1sum -b": "sums.sha1",
    "sha224sum": "sums.txt",
    "sha256sum": "checksums.txt",
    "sha384sum": "x.sha384",
    "sha512sum --tag": "x.txt",
    "b2sum": "x.b2",
    "cksum -a sha256": "cksum.txt",
    "cksum -a blake2b --untagged": "cksum.b2",
    "cksum -a sm3": "cksum.txt",
    "cksum -a sm3 --untagged": "cksum.sm3",
    "xxhsum -H0": "list.xxh32",
    "cksum": "cksum.txt",
    "xxhsum -H0 ": "list.txt",
    "xxhsum -H1": "list.xxh64",
    "xxhsum -H1 --little-endian ": "le.txt",
    "xxhsum -H1 --little-endian": "le.xxh64",
    "xxhsum -H1 --tag --little-endian": "le.txt",
    "xxhsum -H2": "list.xxh128",
    "xxhsum -H2 --tag": "list.txt",
    "xxhsum -H3": "list.txt",
    "b3sum": "list.txt",
    "rhash --sfv --crc32": "list.sfv",
    "rhash --md5": "list.md5",
    "rhash --bsd --md5 --sha1 --sha256": "bsd.txt",
    "rhash --md5 --sha1": "both.txt",
    "rhash --sha512": "x.sha512",
    "hashdeep -c md5,sha256 -l": "hashdeep.txt",
    "hashdeep -c sha1": "hashdeep.txt",
    "md5deep -l": "x.md5",
    "md5deep -z -l": "x.md5",
    "shasum -a 256": "x.sha256",
    "shasum -a 256 -U": "x.sha256",
    "openssl dgst -md5": "openssl.txt",
    "openssl dgst -sha256": "openssl.txt",
    "openssl dgst -sha1 -r": "openssl.txt",
}
#: The CRC of POSIX cksum is not computed here; its sizes are compared.
UNCOMPUTABLE = {"cksum"}
PIECES = ["A001", "C002", " ", "_", "(1)", "é", "e\u0301", "日本", "#", "'", "&", "=", "[x]", "+", "%20", ","]


def folder_of(seed: int, root: Path) -> list[Path]:
    """Random files with random names and sizes below `root`."""
    chance = random.Random(seed)
    made = []
    for number in range(chance.randint(3, 12)):
        folder = root.joinpath(*(chance.choice(["Clips", "A b", "Sound", "ü"]) for _ in range(chance.randint(0, 2))))
        folder.mkdir(parents=True, exist_ok=True)
        name = "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 5)))
        file = folder / f"{number}{name}.mov"
        file.write_bytes(chance.randbytes(chance.choice([0, 1, 100, 5000])))
        made.append(file)
    return made


def flip(file: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("command", LISTS)
def test_lists_of_tools(tmp_path: Path, command: str) -> None:
    """Each file of a random folder is verified by the tool's own list, and exactly the damaged one is a mismatch."""
    words = command.split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"{words[0]} is not installed")
    for seed in range(4):
        root = tmp_path / str(seed)
        files = folder_of(seed, root)
        names = [str(file.relative_to(root)) for file in files]
        made = subprocess.run([*words, *names], cwd=root, capture_output=True, check=False)
        if made.returncode:
            pytest.skip(f"{words[0]} does not know {command!r}: {made.stderr.decode()[:80]}")
        listed = root / LISTS[command]
        listed.write_bytes(made.stdout)
        outcome = verify_package(listed)
        fits = "uncheckable" if command in UNCOMPUTABLE else "verified"
        assert {e.path: str(e.verdict) for e in outcome.entries} == dict.fromkeys(names, fits), outcome.findings
        assert not outcome.extra
        if command in UNCOMPUTABLE:
            continue
        victim = next(file for file in files if file.stat().st_size)
        flip(victim)
        wrong = [entry.path for entry in verify_package(listed).entries if str(entry.verdict) == "mismatch"]
        assert wrong == [str(victim.relative_to(root))]


#: Names that lists have to escape, that look like parts of a line, or that other systems cannot have.
ODD_NAMES = [
    "new\nline", "back\\slash", "\\n", "a\\\nb", "\U0001f3ac", "e\u0301", "\u00e9x", " lead", "trail ", "#hash",
    ";semi", "*star", "tab\tx", "100%", "%0A", "cr\rx", "a  b", "a *b", "md5 (x) = y", "(p)", "..dots", "~home",
    "con.mov", "a:b", "\u2028", "end\\",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("command", "listed"),
    [
        ("md5sum", "MD5SUMS"),
        ("sha1sum --tag", "list.txt"),
        ("sha256sum -b", "x.sha256"),
        ("cksum -a sha512", "list.txt"),
        ("b2sum", "x.b2"),
        ("b3sum", "list.b3"),
        ("shasum -a 256", "x.sha256"),
    ],
)
def test_odd_names(tmp_path: Path, command: str, listed: str, seed: int) -> None:
    """Whatever a tool writes for a name is that file: kept, damaged or gone. Tools that escape nothing are left out."""
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    chance = random.Random(seed)
    files = []
    for name in chance.sample(ODD_NAMES, 9):
        folder = tmp_path / chance.choice(["", "Clips", "A b/x"])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(chance.randbytes(chance.choice([1, 17, 300])))
        files.append(str((folder / name).relative_to(tmp_path)))
    written = subprocess.run([*command.split(), *files], cwd=tmp_path, capture_output=True, check=False)
    if written.returncode:
        pytest.skip(f"{command} of this version does not do that: {written.stderr.decode()}")
    (tmp_path / listed).write_bytes(written.stdout)
    want = {}
    for name in files:
        want[name] = chance.choice(["verified", "verified", "mismatch", "missing"])
        if want[name] == "mismatch":
            flip(tmp_path / name)
        elif want[name] == "missing":
            (tmp_path / name).unlink()
    assert {entry.path: str(entry.verdict) for entry in verify_package(tmp_path / listed).entries} == want


def python_tool(name: str) -> str:
    """A tool that is installed beside the interpreter, or the test is skipped."""
    tool = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if tool is None:
        pytest.skip(f"{name} is not installed")
    return tool


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512", "sha3_256", "blake2b"])
def test_bags_of_bagit_py(tmp_path: Path, algorithm: str) -> None:
    """A bag that bagit.py makes of a random folder is clean; a flipped bit, a lost and an added file are found."""
    tool = python_tool("bagit.py")
    names = sorted(f"data/{file.relative_to(tmp_path / 'bag')}" for file in folder_of(7, tmp_path / "bag"))
    subprocess.run([tool, f"--{algorithm}", str(tmp_path / "bag")], check=True, capture_output=True)
    outcome = verify_package(tmp_path / "bag")
    assert outcome.clean, outcome.findings
    assert sorted(entry.path for entry in outcome.entries) == names
    victims = [name for name in names if (tmp_path / "bag" / name).stat().st_size]
    flip(tmp_path / "bag" / victims[0])
    (tmp_path / "bag" / victims[1]).unlink()
    (tmp_path / "bag/data/added.mov").write_bytes(b"x")
    outcome = verify_package(tmp_path / "bag")
    said = {entry.path: str(entry.verdict) for entry in outcome.entries}
    assert said == dict.fromkeys(names, "verified") | {victims[0]: "mismatch", victims[1]: "missing"}
    assert outcome.extra == ["data/added.mov"]


@pytest.mark.parametrize("algorithms", [["xxh64"], ["c4"], ["md5", "sha1"], ["xxh3", "xxh128"]])
def test_histories_of_ascmhl(tmp_path: Path, algorithms: list[str]) -> None:
    """A history that ascmhl makes in two generations is clean, folder digests included; damage is found and named."""
    tool = python_tool("ascmhl")
    root = tmp_path / "A001R1AB"
    names = sorted(str(file.relative_to(root)) for file in folder_of(11, root))
    options = [word for algorithm in algorithms for word in ("-h", algorithm)]
    for _ in range(2):
        subprocess.run([tool, "create", str(root), *options], check=True, capture_output=True)
    outcome = verify_package(root)
    assert outcome.clean, [str(finding) for finding in outcome.findings]
    assert sorted(entry.path for entry in outcome.entries) == names
    assert {entry.algorithm for entry in outcome.entries} <= set(algorithms)
    victim = next(name for name in names if (root / name).stat().st_size)
    flip(root / victim)
    (root / "added.mov").write_bytes(b"x")
    outcome = verify_package(root)
    assert [entry.path for entry in outcome.entries if str(entry.verdict) != "verified"] == [victim]
    assert outcome.extra == ["added.mov"]


def test_folder_digests_of_ascmhl(tmp_path: Path) -> None:
    """An empty folder that was renamed is found and named, although each file is verified."""
    tool = python_tool("ascmhl")
    root = tmp_path / "A001R1AB"
    (root / "Clips").mkdir(parents=True)
    (root / "Clips/a.mov").write_bytes(b"a")
    (root / "empty").mkdir()
    subprocess.run([tool, "create", str(root), "-h", "xxh64"], check=True, capture_output=True)
    assert verify_package(root).clean
    (root / "empty").rename(root / "void")
    outcome = verify_package(root)
    assert [str(entry.verdict) for entry in outcome.entries] == ["verified"]
    assert [(f.kind, f.path) for f in outcome.findings if f.wrong] == [("folder-digest", "empty")]


def test_renamed_folder_of_ascmhl(tmp_path: Path) -> None:
    """Files below a folder whose renaming was recorded are verified under the new name, and no old one is missing."""
    tool = python_tool("ascmhl")
    root = tmp_path / "A001R1AB"
    (root / "Clips/sub").mkdir(parents=True)
    (root / "Clips/a.mov").write_bytes(b"a" * 100)
    (root / "Clips/sub/b.mov").write_bytes(b"b" * 100)
    subprocess.run([tool, "create", str(root), "-h", "xxh64"], check=True, capture_output=True)
    (root / "Clips").rename(root / "Footage")
    subprocess.run([tool, "create", str(root), "-h", "xxh64", "-dr"], check=True, capture_output=True)
    outcome = verify_package(root)
    assert outcome.clean, [str(finding) for finding in outcome.findings]
    assert sorted(entry.path for entry in outcome.entries) == ["Footage/a.mov", "Footage/sub/b.mov"]
    assert {finding.kind for finding in outcome.findings} == {"renamed"}


def test_flattened_list_of_ascmhl(tmp_path: Path) -> None:
    """A packing list that ascmhl flattened verifies a copy of the folder that has no history."""
    tool = python_tool("ascmhl")
    root = tmp_path / "A001R1AB"
    names = sorted(str(file.relative_to(root)) for file in folder_of(3, root))
    subprocess.run([tool, "create", str(root), "-h", "sha1"], check=True, capture_output=True)
    (tmp_path / "lists").mkdir()
    subprocess.run([tool, "flatten", str(root), str(tmp_path / "lists")], check=True, capture_output=True)
    shutil.rmtree(root / "ascmhl")
    (listed,) = (tmp_path / "lists").iterdir()
    shutil.copy(listed, root)
    outcome = verify_package(root)
    assert outcome.clean, [str(finding) for finding in outcome.findings]
    assert sorted(entry.path for entry in outcome.entries) == names


@pytest.mark.parametrize("seed", range(6))
def test_damaged_nested_histories_of_ascmhl(tmp_path: Path, seed: int) -> None:
    """Of a day with nested cards, generations and random damage, each file's fate is told, and nothing else is."""
    tool = python_tool("ascmhl")
    chance = random.Random(seed)
    day = tmp_path / "Day01"
    files = [file for card in ("A001", "B001", "A001/Inner") for file in folder_of(chance.randrange(99), day / card)]
    # One choice for the whole day: ascmhl 1.2 crashes where nested histories differ in their algorithms.
    chosen = chance.sample(["xxh64", "md5", "c4", "xxh128", "sha1", "xxh3"], chance.randint(1, 2))

    def create(folder: Path) -> None:
        options = [word for name in chosen for word in ("-h", name)]
        subprocess.run([tool, "create", str(folder), *options], check=True, capture_output=True)

    for folder in ("A001/Inner", "A001", ""):
        if chance.random() < 0.7 or not folder:
            create(day / folder)
    late = day / "B001/late.mov"
    late.write_bytes(b"late")
    create(day)
    files.append(late)
    want = {str(file.relative_to(day)): "verified" for file in files}
    extra = []
    assert {e.path: str(e.verdict) for e in verify_package(day).entries} == want
    for file in chance.sample([file for file in files if file.stat().st_size], 4):
        name = str(file.relative_to(day))
        match chance.randrange(4):
            case 0:
                flip(file)
                want[name] = "mismatch"
            case 1:
                file.write_bytes(file.read_bytes()[:-1])
                want[name] = "mismatch"
            case 2:
                file.unlink()
                want[name] = "missing"
            case _:
                file.rename(file.with_name("renamed-" + file.name))
                want[name] = "missing"
                extra.append(str(file.with_name("renamed-" + file.name).relative_to(day)))
    outcome = verify_package(day)
    assert {entry.path: str(entry.verdict) for entry in outcome.entries} == want
    assert outcome.extra == sorted(extra)


@pytest.mark.parametrize("seed", range(4))
def test_histories_three_deep_with_renames_and_patterns(tmp_path: Path, seed: int) -> None:
    """Odd names, empty folders, histories in histories, detected renames: as clean and as damaged as ascmhl says."""
    tool, debug = python_tool("ascmhl"), python_tool("ascmhl-debug")
    chance = random.Random(seed)
    day = tmp_path / "Day01"
    names = [name for name in ODD_NAMES if name.isprintable()]
    want = {}
    for folder in ("A001", "A001/Clips", "A001/Clips/Inner", "A001/Clips/Inner/Deep", "B001"):
        (day / folder / "void").mkdir(parents=True)
        for name in chance.sample(names, 3):
            (day / folder / name).write_bytes(chance.randbytes(20))
            want[f"{folder}/{name}"] = "verified"
    chosen = chance.sample(["xxh64", "md5", "c4", "xxh128", "sha1", "xxh3"], 2)
    options = [word for name in chosen for word in ("-h", name)]

    def create(folder: str, *more: str) -> None:
        subprocess.run([tool, "create", str(day / folder), *options, *more], check=True, capture_output=True)

    def agrees() -> bool:
        said = subprocess.run([debug, "verify", str(day)], capture_output=True, check=False).returncode == 0
        outcome = verify_package(day)
        assert {entry.path: str(entry.verdict) for entry in outcome.entries} == want
        return said == outcome.clean

    for folder in ("A001/Clips/Inner", "A001/Clips", "A001", ""):
        create(folder)
    for folder in ("A001", "A001/Clips/Inner", "B001/void"):
        (day / folder / "cache.tmp").write_bytes(b"not wanted")
    create("", "-i", "*.tmp")
    for name in chance.sample(sorted(want), 3):
        (day / name).rename(day / f"{name}.renamed")
        del want[name]
        want[f"{name}.renamed"] = "verified"
    create("", "-dr")
    assert agrees()
    flipped, gone = chance.sample(sorted(want), 2)
    flip(day / flipped)
    want[flipped] = "mismatch"
    assert agrees()
    (day / gone).unlink()
    want[gone] = "missing"
    assert agrees()
