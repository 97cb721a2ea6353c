"""Which file is meant by a path, and what is never looked at?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from assetwatch.checksum.manifests.package import PackageVerdict, verify_package


def digest(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def listed(root: Path, *paths: str, content: bytes = b"x", name: str = "list.md5") -> Path:
    """A sum file in `root` that says of each path that it holds `content`."""
    file = root / name
    file.write_bytes(b"".join(f"{digest(content)}  ".encode() + os.fsencode(path) + b"\n" for path in paths))
    return file


def said(outcome: PackageVerdict) -> dict[str, str]:
    return {entry.path: str(entry.verdict) for entry in outcome.entries}


def kinds(outcome: PackageVerdict) -> set[str]:
    return {finding.kind for finding in outcome.findings}


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder A001 with one clip that holds `x`."""
    (tmp_path / "A001/Clips").mkdir(parents=True)
    (tmp_path / "A001/Clips/a.mov").write_bytes(b"x")
    return tmp_path / "A001"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("Clips/a.mov", None),
        ("./Clips//./a.mov", None),
        (r"Clips\a.mov", "backslash"),
        ("clips/A.MOV", "case"),
        ("A001/Clips/a.mov", "moved-root"),
        ("/Volumes/RAID/A001/Clips/a.mov", "moved-root"),
        ("/Clips/a.mov", "moved-root"),
        (r"D:\Shoot\A001\Clips\a.mov", "moved-root"),
    ],
)
def test_other_systems_paths_are_reconciled_and_said(card: Path, written: str, kind: str | None) -> None:
    """A path in another system's manner finds its file, with a warning of its kind, and without one as written."""
    outcome = verify_package(listed(card, written))
    assert said(outcome) == {"Clips/a.mov": "verified"}
    assert kinds(outcome) == ({kind} if kind else set()) | ({"backslash"} if "D:" in written else set())


def test_normalization_forms_are_one_name(tmp_path: Path) -> None:
    """A decomposed name in the list finds the composed one on disk, and says so."""
    (tmp_path / "Caf\u00e9.mov").write_bytes(b"x")
    outcome = verify_package(listed(tmp_path, "Cafe\u0301.mov"))
    assert said(outcome) == {"Caf\u00e9.mov": "verified"}
    assert kinds(outcome) == {"normalization"}


def test_two_names_with_one_normal_form_are_a_finding(tmp_path: Path) -> None:
    """Both names are verified as written, and the package is not clean."""
    names = ("Caf\u00e9.mov", "Cafe\u0301.mov")
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    outcome = verify_package(listed(tmp_path, *names))
    assert said(outcome) == dict.fromkeys(names, "verified")
    assert kinds(outcome) == {"same-name"}
    assert not outcome.clean


def test_a_file_listed_under_its_own_name_is_not_given_to_another(card: Path) -> None:
    """A name in other case is missing where the file of that name is already meant by another entry."""
    outcome = verify_package(listed(card, "Clips/A.mov", "Clips/a.mov"))
    assert said(outcome) == {"Clips/A.mov": "missing", "Clips/a.mov": "verified"}


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    """Bytes that are no text are matched exactly, below a folder of such a name too."""
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    with open(folder + b"/\xff.mov", "wb") as file:
        file.write(b"x")
    outcome = verify_package(listed(tmp_path, os.fsdecode(b"caf\xe9/\xff.mov")))
    assert said(outcome) == {"caf//E9///FF.mov": "verified"}
    (entry,) = outcome.as_json()["entries"]  # type: ignore[misc, attr-defined]
    assert (entry["path"], entry["path_bytes"]) == ("caf\ufffd/\ufffd.mov", "caf%E9/%FF.mov")


def test_a_moved_root_is_never_guessed_where_paths_fit(card: Path) -> None:
    """Where one entry is found as written, another with a folder too many is missing."""
    (card / "b.mov").write_bytes(b"x")
    outcome = verify_package(listed(card, "Clips/a.mov", "Clips/b.mov"))
    assert said(outcome) == {"Clips/a.mov": "verified", "Clips/b.mov": "missing"}
    assert outcome.extra == ["b.mov"]


@pytest.mark.parametrize("prefix", ["/Volumes/RAID/A001/", "/", "D:\\Shoot\\A001\\", "A001/"])
def test_a_file_that_is_gone_under_a_moved_root_is_missing(card: Path, prefix: str) -> None:
    """Where the others of a list are found without its prefix, one that is not there is missing, not refused."""
    (card / "Sound").mkdir()
    (card / "Sound/b.wav").write_bytes(b"x")
    paths = ["Clips/gone.mov", "Clips/a.mov", "Sound/b.wav", "Sound/gone.wav"]
    written = [prefix + (path.replace("/", "\\") if "\\" in prefix else path) for path in paths]
    outcome = verify_package(listed(card, *written))
    assert said(outcome) == {
        "Clips/gone.mov": "missing",
        "Clips/a.mov": "verified",
        "Sound/b.wav": "verified",
        "Sound/gone.wav": "missing",
    }
    assert not [finding for finding in outcome.findings if finding.wrong]


def test_before_any_file_is_here_a_folder_of_this_name_tells_the_root(card: Path) -> None:
    """Of a list that came first, made elsewhere for a folder of this name, every file is to come at its place here."""
    (card / "Clips/a.mov").unlink()
    outcome = verify_package(listed(card, "/Volumes/RAID/A001/Clips/a.mov", "/Volumes/RAID/A001/Sound/b.wav"))
    assert said(outcome) == {"Clips/a.mov": "missing", "Sound/b.wav": "missing"}
    outcome = verify_package(listed(card, "/Volumes/RAID/B002/Clips/a.mov"))
    assert said(outcome) == {"/Volumes/RAID/B002/Clips/a.mov": "uncheckable"}


@pytest.mark.parametrize(
    "path",
    ["../secret", "Clips/../../secret", "/etc/hostname", ".", "~/x"],
)
def test_paths_that_lead_out_are_refused(card: Path, path: str) -> None:
    """A path out of the folder is uncheckable and a finding with its line, even where there is such a file."""
    (card.parent / "secret").write_bytes(b"x")
    outcome = verify_package(listed(card, path, "Clips/a.mov"))
    assert sorted(said(outcome).values()) == ["uncheckable", "verified"]
    (finding,) = (f for f in outcome.findings if f.kind == "unsafe-path")
    assert finding.line == 1
    assert not outcome.clean


@pytest.mark.parametrize(
    "path", [r"C:\Windows\win.ini", r"\\server\share\a.mov", "C:/x", r"..\secret", "CON", "Clips/aux.mov"]
)
def test_paths_of_other_machines_are_missing_and_said(card: Path, path: str) -> None:
    """A drive, a host, a device or `..` in another system's manner is looked for nowhere: missing, with a finding."""
    outcome = verify_package(listed(card, path, "Clips/a.mov"))
    assert said(outcome)[path] == "missing"
    assert "unsafe-path" in kinds(outcome)


def test_a_device_name_that_is_a_file_is_a_file(card: Path) -> None:
    """On this system AUX.wav is an ordinary recording, and is verified."""
    (card / "AUX.wav").write_bytes(b"x")
    assert said(verify_package(listed(card, "AUX.wav")))["AUX.wav"] == "verified"


def test_links_out_of_the_folder_are_not_followed(card: Path) -> None:
    """A link to a file or folder outside is not read, whatever the list expects of it."""
    outside = card.parent / "outside"
    outside.mkdir()
    (outside / "b.mov").write_bytes(b"x")
    (card / "folder").symlink_to(outside)
    (card / "file.mov").symlink_to(outside / "b.mov")
    (card / "loop").symlink_to("loop")
    outcome = verify_package(listed(card, "folder/b.mov", "file.mov", "loop"))
    assert said(outcome) == {"folder/b.mov": "missing", "file.mov": "uncheckable", "loop": "uncheckable"}
    assert not outcome.clean


def test_links_inside_the_folder_are_followed_and_said(card: Path) -> None:
    """A link that stays inside leads to its file, with a warning."""
    (card / "Latest").symlink_to("Clips")
    outcome = verify_package(listed(card, "Latest/a.mov"))
    assert said(outcome) == {"Latest/a.mov": "verified"}
    assert kinds(outcome) == {"link"}


def test_special_files_are_never_opened(card: Path) -> None:
    """A FIFO that a list names is uncheckable, and nobody waits for it."""
    os.mkfifo(card / "pipe.mov")
    outcome = verify_package(listed(card, "pipe.mov", "Clips/a.mov"))
    assert said(outcome) == {"pipe.mov": "uncheckable", "Clips/a.mov": "verified"}


def test_a_folder_under_a_files_name_is_missing(card: Path) -> None:
    """An entry whose path is a folder has no file."""
    assert said(verify_package(listed(card, "Clips")))["Clips"] == "missing"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_and_folders_are_their_own_result(card: Path) -> None:
    """What may not be read is unreadable, neither missing nor a mismatch."""
    (card / "b.mov").write_bytes(b"x")
    (card / "b.mov").chmod(0)
    (card / "Clips").chmod(0)
    try:
        outcome = verify_package(listed(card, "Clips/a.mov", "b.mov"))
    finally:
        (card / "Clips").chmod(0o755)
    assert said(outcome) == {"Clips/a.mov": "unreadable", "b.mov": "unreadable"}
