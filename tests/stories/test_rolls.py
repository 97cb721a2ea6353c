"""What does a coordinator see of rolls, from the first look at a card to the last file? Told by the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetwatch import paths
from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.package import verify_package
from assetwatch.model import Verdict
from tests.cli.conftest import Answer, call  # noqa: F401 - a fixture
from tests.senders import flip, mhl, put, roll, sums

Call = Callable[..., Answer]


class Show:
    """A volume and its catalog, as a coordinator works with them."""

    def __init__(self, call: Call, folder: Path) -> None:  # noqa: F811
        self._call = call
        self.root = folder / "ingest"
        self.root.mkdir()
        self._catalog = ("--catalog", str(folder / "catalog.db"))

    def __call__(self, *args: str | Path) -> Answer:
        return self._call(*self._catalog, *args)

    def scan(self) -> Answer:
        """One complete pass; as JSON."""
        return self("scan", self.root, "--settle", "20ms", "--json")

    def package(self, path: str) -> dict[str, Any]:
        """What `status` says of one package."""
        found: dict[str, Any] = next(one for one in self("status", "--json").json["packages"] if one["path"] == path)
        return found

    def integrity(self) -> dict[str, str]:
        """Path -> integrity, as `files` has it."""
        return {
            paths.from_percent(one["path_bytes"]) if "path_bytes" in one else one["path"]: one["integrity"]
            for one in self("files", "--json").json
        }


@pytest.fixture
def show(call: Call, tmp_path: Path) -> Show:  # noqa: F811
    """A show with an empty volume."""
    return Show(call, tmp_path)


def ascmhl(*args: str | Path) -> None:
    """The reference tool."""
    tool = Path(sys.executable).with_name("ascmhl")
    if not tool.exists():
        pytest.skip("ascmhl is not installed")
    subprocess.run([tool, *args], check=True, capture_output=True)


def test_card_that_comes_in_two_halves(show: Show) -> None:
    """'m of n, k to come' while it copies, exit 1 until it is whole, complete when the last file is."""
    content = roll(4)
    put(show.root, {"A001/A001.mhl": mhl(content)})
    put(show.root / "A001", dict(list(content.items())[:3]))
    answer = show.scan()
    assert answer.code == 1
    assert answer.json["incomplete"] == ["ingest:A001: 3 of 4 files, 3.01 kB of 4.01 kB, 1 to come"]
    assert answer.json["broken"] == []
    shown = show("show", show.root / "A001")
    assert "3 of 4 files, 3.01 kB of 4.01 kB, 1 to come" in shown.out
    put(show.root / "A001", content)
    assert show.scan().code == 0
    found = show.package("A001")
    assert (found["complete"], found["here"], found["to_come"]) == (True, 4, 0)
    assert found["complete_at"] is not None


@pytest.mark.parametrize("size", [1000, 1_200_000])
def test_roll_that_is_found_with_its_list_is_read_once(show: Show, size: int) -> None:
    """Its list is asked before its files are read: they get its digests in the first reading."""
    content = {f"Clips/{name}": data for name, data in roll(4, size=size).items()} | roll(2, "A001", size=size)
    put(show.root / "A001", {**content, "A001.mhl": mhl(content)})
    put(show.root, {"other.mov": b"other", "notes.txt": "no list"})
    assert show.scan().code == 0
    for path in content:
        told = show("show", show.root / "A001" / path, "--json").json
        assert told["integrity"] == "verified"
        assert set(told["digests"]) == {"md5", "xxh128"}
        assert "same_bytes" not in [note["what"] for note in told["observations"]]
    assert set(show("show", show.root / "other.mov", "--json").json["digests"]) == {"xxh128"}


def test_roll_that_is_found_with_its_history_is_read_once(show: Show) -> None:
    """The same where the lists lie in a folder that is looked into after the files."""
    put(show.root, roll(3, "A001") | roll(3, "A001/Clips"))
    ascmhl("create", "-h", "sha1", show.root / "A001")
    assert show.scan().code == 0
    for path in (*roll(3, "A001"), *roll(3, "A001/Clips")):
        told = show("show", show.root / path, "--json").json
        assert told["integrity"] == "verified"
        assert "same_bytes" not in [note["what"] for note in told["observations"]]


def test_one_flipped_bit_in_a_roll(show: Show) -> None:
    """Found, named, and told with its evidence wherever one looks."""
    content = roll(60)
    put(show.root / "A001", {**content, "A001.md5": sums(content)})
    flip(show.root / "A001/C0041.mov")
    answer = show.scan()
    assert answer.code == 1
    assert [one["path"] for one in answer.json["wrong"]] == ["A001/C0041.mov"]
    told = show("show", show.root / "A001/C0041.mov", "--json")
    assert told.code == 1
    (claim,) = told.json["claims"]
    assert claim["verdict"] == "mismatch"
    assert claim["expected"] != claim["computed"]
    note = next(note for note in told.json["observations"] if note["what"] == "mismatch")
    assert len(note["detail"]["readings"]) == 2
    assert sorted(show.integrity().values()) == ["mismatch", "recorded", *["verified"] * 59]


def test_what_is_to_come_is_named_and_what_is_gone_is_not_to_come(show: Show) -> None:
    """`show` names the files that a list still waits for; one that was here and is no more is gone."""
    content = roll(4)
    kept = dict(list(content.items())[:2])
    put(show.root / "A001", {**kept, "A001.md5": sums(content)})
    show.scan()
    told = show("show", show.root / "A001").out
    assert "2 of 4 files, 2 to come" in told
    assert "to come: C0003.mov" in told and "to come: C0004.mov" in told
    (show.root / "A001/C0001.mov").unlink()
    answer = show.scan()
    assert answer.json["volumes"][0]["by_integrity"] == {"recorded": 1, "verified": 1}
    assert "1 of 4 files, 1 gone, 2 to come" in show("show", show.root / "A001").out
    package = show.package("A001")
    assert (package["here"], package["to_come"], package["gone"]) == (1, 3, 1)


def test_of_lists_that_contradict_each_other_none_is_blamed_alone(show: Show) -> None:
    """A file that one of two lists is right about is not what they say together."""
    content = roll(1)
    put(show.root / "A001", {**content, "a.md5": sums(content), "b.sha1": sums(dict.fromkeys(content, b"x"), "sha1")})
    show.scan()
    told = show("show", show.root / "A001/C0001.mov").out
    assert "It is not what A001/a.md5, A001/b.sha1 say together (sha1 " in told


def test_a_listed_file_that_was_renamed_is_pointed_out(show: Show) -> None:
    """The list still waits for the old name; where its content is, is said."""
    content = roll(3)
    put(show.root / "A001", {**content, "A001.md5": sums(content)})
    show.scan()
    (show.root / "A001/C0002.mov").rename(show.root / "A001/kept.mov")
    show.scan()
    told = show("show", show.root / "A001").out
    assert "to come: C0002.mov (its content is here as A001/kept.mov)" in told
    assert "verified against A001/A001.md5" in show("show", show.root / "A001/kept.mov").out
    (package,) = show("receipt", show.root / "A001", "--json").json["packages"]
    assert package["not_here"] == [{"path": "A001/C0002.mov", "is_here_as": "A001/kept.mov"}]
    page = show("receipt", show.root / "A001").out
    assert "<b class='bad'>not here:</b> A001/C0002.mov (its content is here as A001/kept.mov)" in page
    assert "verified by md5 " in page


def test_a_folder_that_is_gone_is_said_to_be(show: Show) -> None:
    """A roll that is deleted with its list: its package tells that the folder is gone, and not only files."""
    put(show.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2)), **roll(40, "B002")})
    show.scan()
    shutil.rmtree(show.root / "A001")
    show.scan()
    show.scan()
    assert "! ingest:A001: its folder is gone" in show("status").out


def test_what_fitted_once_is_not_said_to_fit(show: Show) -> None:
    """Of a verified file that has rotted or gone since, `show` says that it equalled the list, and not that it does."""
    content = roll(2)
    put(show.root / "A001", {**content, "A001.md5": sums(content)})
    assert show.scan().code == 0
    first, second = (show.root / "A001" / name for name in content)
    assert "It equals what A001/A001.md5 says" in show("show", first).out
    flip(first, keep_times=True)
    assert show("verify").code == 1
    told = show("show", first).out
    assert "It equalled, when it was compared, what A001/A001.md5 says" in told
    assert "It equals" not in told
    second.unlink()
    show.scan()
    assert "It equals" not in show("show", second).out


def test_list_that_was_altered(show: Show) -> None:
    """A generation that is not what its chain says: said of the package, and exit 1, though every file is right."""
    put(show.root, roll(3, "A001"))
    ascmhl("create", "-h", "xxh64", show.root / "A001")
    assert show.scan().code == 0
    (generation,) = (show.root / "A001/ascmhl").glob("0001*.mhl")
    generation.write_text(generation.read_text().replace("</hashlist>", "</hashlist>\n"))
    assert show.scan().code == 1
    assert any("changed" in text for text in show.package("A001")["problems"])
    status = show("status")
    assert status.code == 1
    assert "changed" in status.out
    assert "changed" in show("show", show.root / "A001").out


def test_nested_histories(show: Show) -> None:
    """Each file is judged by the nearest history, and the day's history with its cards is one package each."""
    put(show.root, {**roll(2, "D1/A001"), **roll(2, "D1/A002"), "D1/notes.txt": b"x"})
    ascmhl("create", "-h", "md5", show.root / "D1/A001")
    ascmhl("create", "-h", "xxh64", show.root / "D1/A002")
    ascmhl("create", "-h", "xxh128", show.root / "D1")
    answer = show.scan()
    assert answer.code == 0, answer.json
    assert show.package("D1")["listed"] == 5
    assert {show.integrity()[path] for path in (*roll(2, "D1/A001"), *roll(2, "D1/A002"))} == {"verified"}


def test_failed_digests_are_no_reference(show: Show) -> None:
    """A digest that its own tool recorded as failed verifies nothing."""
    put(show.root, roll(2, "A001"))
    ascmhl("create", "-h", "md5", show.root / "A001")
    (generation,) = (show.root / "A001/ascmhl").glob("0001*.mhl")
    text = generation.read_text()
    generation.write_text(text.replace('action="original"', 'action="failed"', 1))
    (show.root / "A001/ascmhl/ascmhl_chain.xml").unlink()
    show.scan()
    assert sorted(show.integrity()[path] for path in roll(2, "A001"))[0] == "recorded"


def test_roll_whose_list_never_came(show: Show, tmp_path: Path) -> None:
    """By rule: which folders must have one."""
    config = tmp_path / "assetwatch.toml"
    config.write_text(f'[[volume]]\nname = "ingest"\npath = "{show.root}"\nsettle = "20ms"\nmanifest_for = ["D*/A*"]\n')
    put(show.root, {**roll(1, "D1/A001"), **roll(1, "D1/A002"), "D1/A002/A002.md5": sums(roll(1))})
    show("--config", config, "scan")
    status = show("--config", config, "status", "--json")
    assert status.code == 1
    assert status.json["without_manifest"] == [{"volume": "ingest", "path": "D1/A001"}]
    assert "No list came from its sender" in show("--config", config, "show", "ingest:D1/A001").out
    assert "No list came" not in show("--config", config, "show", "ingest:D1/A002").out


def test_transform_raises_no_alarm(show: Show, tmp_path: Path) -> None:
    """Camera files that were compressed as declared: the roll is closed, nothing is called verified for it."""
    config = tmp_path / "assetwatch.toml"
    config.write_text(
        f'[[volume]]\nname = "ingest"\npath = "{show.root}"\nsettle = "20ms"\ntransforms = ["*.ari -> *.arx"]\n'
    )
    content = roll(2, kind="ari")
    put(show.root / "A001", {**content, "A001.md5": sums(content)})
    show("--config", config, "scan")
    for path in content:
        (show.root / "A001" / path).unlink()
        put(show.root / "A001", {path.replace(".ari", ".arx"): b"less"})
    put(show.root, roll(9, "rest"))
    for _ in range(2):
        show("--config", config, "scan")
    status = show("--config", config, "status", "--json")
    assert status.json["problems"] == []
    assert show.package("A001")["complete"]
    assert show.package("A001")["counts"]["transformed"] == 2
    assert "verified" not in show.package("A001")["counts"]


# -- packages of the field ----------------------------------------------------------------------------------------


def _packages() -> list[Path]:
    """Folders of the reference corpus's first four sets that hold lists, or stand as a tar."""
    from tests.checksum.manifests.conftest import CORPUS

    found: set[Path] = set()
    for table in sorted(CORPUS.glob("0[1-4]-*/**/expected_files.tsv")):
        names = table.read_text(encoding="utf-8").splitlines()
        column = names[0].split("\t").index("package") if "package" in names[0].split("\t") else None
        if column is None:
            continue
        for line in names[1:]:
            package = table.parent / line.split("\t")[column]
            if package.is_dir() or package.with_name(package.name + ".tar").is_file():
                found.add(package)
    return sorted(found)


_WORDS = {
    Verdict.VERIFIED: {"verified"},
    Verdict.MISMATCH: {"mismatch"},
    Verdict.UNCHECKABLE: {"recorded"},
    Verdict.UNREADABLE: {"unreadable"},
}


@pytest.mark.parametrize("package", _packages(), ids=lambda package: "/".join(package.parts[-3:]))
def test_packages_of_the_field(show: Show, package: Path) -> None:
    """Copied onto a volume and scanned, every file is what verifying the package alone says of it."""
    target = show.root / "P"
    if package.is_dir():
        shutil.copytree(package, target, symlinks=True)
    else:
        subprocess.run(["tar", "-xf", package.with_name(package.name + ".tar"), "-C", show.root], check=True)
        (show.root / package.name).rename(target)
    try:
        outcome = verify_package(target)
    except ManifestFault:
        show.scan()
        assert "mismatch" not in show.integrity().values()
        return
    show.scan()
    integrity = show.integrity()
    wrong = []
    for entry in outcome.entries:
        path = f"P/{entry.path}"
        if entry.verdict is Verdict.MISSING or path not in integrity:
            continue
        if integrity[path] not in _WORDS[entry.verdict]:
            wrong.append(f"{path}: verdict {entry.verdict}, integrity {integrity[path]}")
    assert wrong == []
