"""Is each generation that is written right: its actions, digests, chain and nested histories, and never half there?"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from assetwatch.checksum.manifests import asc_mhl_xml, generation
from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import reader_of
from assetwatch.checksum.manifests.renames import renamed_files, renamed_folders
from assetwatch.checksum.manifests.take import Known
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_asc_mhl import write_generation
from assetwatch.checksum.manifests.written import Author, Creator, Written, alone
from assetwatch.clock import FakeClock
from assetwatch.errors import UsageError
from assetwatch.model import Stat

NAMESPACE = {"m": "urn:ASC:MHL:v2.0"}
Write = Callable[..., Written]


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    """A camera roll: two clips, an empty file and an empty folder."""
    root = tmp_path / "A001R1AB"
    (root / "Clips/empty").mkdir(parents=True)
    (root / "Clips/A001C001.mov").write_bytes(b"one" * 1000)
    (root / "Clips/A001C002.mov").write_bytes(b"two" * 1000)
    (root / "notes.txt").write_bytes(b"")
    return root


@pytest.fixture
def write() -> Write:
    """Writes a generation; each call is a minute later than the one before."""
    clock = FakeClock(datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC))

    def written(root: Path, *algorithms: str, **options: Any) -> Written:
        clock.advance(60)
        tree = DiskTree(root, remember=True)
        options.setdefault("creator", Creator("host", version="1"))
        return write_generation(tree, read=reader_of(tree), clock=clock, algorithms=algorithms or ("xxh64",), **options)

    return written


def newest(root: Path) -> Any:
    """The newest list of a folder's history, parsed."""
    return etree.parse(sorted((root / "ascmhl").glob("*.mhl"))[-1])


def recorded(root: Path) -> dict[str, dict[str, str]]:
    """Path -> algorithm -> action, of the newest list."""
    found = {}
    for entry in newest(root).iterfind(".//m:hash", NAMESPACE):
        digests = [e for e in entry if etree.QName(e).localname in asc_mhl_xml.ALGORITHMS]
        found[entry.find("m:path", NAMESPACE).text] = {etree.QName(e).localname: e.get("action") for e in digests}
    return found


def test_first_generation(roll: Path, write: Write) -> None:
    """All files are original, named with size and time; the outcome verifies, and the name is that of the format."""
    written = write(roll, "xxh64", "md5")
    assert written.clean
    assert written.lists == ["ascmhl/0001_A001R1AB_2026-11-24_010303Z.mhl"]
    both = {"md5": "original", "xxh64": "original"}
    assert recorded(roll) == dict.fromkeys(("Clips/A001C001.mov", "Clips/A001C002.mov", "notes.txt"), both)
    sizes = {e.text: e.get("size") for e in newest(roll).iterfind(".//m:hash/m:path", NAMESPACE)}
    assert sizes["notes.txt"] == "0"
    assert verify_package(roll).clean
    assert sorted(os.listdir(roll / "ascmhl")) == ["0001_A001R1AB_2026-11-24_010303Z.mhl", "ascmhl_chain.xml"]


def test_folder_digests(roll: Path, write: Write) -> None:
    """Each folder and the root get content and structure digests; a renamed empty folder is found by them."""
    write(roll)
    folders = [e.text for e in newest(roll).iterfind(".//m:directoryhash/m:path", NAMESPACE)]
    assert folders == ["Clips/empty", "Clips"]
    assert newest(roll).find(".//m:roothash/m:structure/m:xxh64", NAMESPACE) is not None
    (roll / "Clips/empty").rename(roll / "Clips/void")
    (finding,) = (finding for finding in verify_package(roll).findings if finding.wrong)
    assert (finding.kind, finding.path) == ("folder-digest", "Clips/empty")
    assert "is not here" in finding.what


def test_of_folders_inside_one_another_the_one_that_differs_is_named(roll: Path, write: Write) -> None:
    """A folder that was added changes the digests of all around it; where it is, and what it may be, is said once."""
    write(roll)
    (roll / "Clips/empty/new").mkdir()
    (finding,) = (finding for finding in verify_package(roll).findings if finding.wrong)
    assert (finding.kind, finding.path) == ("folder-digest", "Clips/empty")
    assert "content digest" in finding.what
    assert "added" in finding.what


def test_next_generation_verifies(roll: Path, write: Write) -> None:
    """Known files are verified, also by a new algorithm that is vouched for by a recorded one; new ones original."""
    write(roll)
    (roll / "Clips/A001C003.mov").write_bytes(b"three")
    written = write(roll, "md5")
    assert written.clean
    assert (written.verified, written.original) == (3, 1)
    assert recorded(roll)["Clips/A001C001.mov"] == {"md5": "verified", "xxh64": "verified"}
    assert recorded(roll)["Clips/A001C003.mov"] == {"md5": "original"}
    assert verify_package(roll).clean


def test_changed_file_fails(roll: Path, write: Write) -> None:
    """A changed file is recorded as failed with what was computed, without any other new digest, and stays failed."""
    write(roll)
    (roll / "Clips/A001C001.mov").write_bytes(b"eno" * 1000)
    for _ in range(2):
        written = write(roll, "md5", "xxh64")
        assert not written.clean
        assert [(m.path, m.algorithm) for m in written.mismatches] == [("Clips/A001C001.mov", "xxh64")]
        assert recorded(roll)["Clips/A001C001.mov"] == {"xxh64": "failed"}
    (roll / "Clips/A001C001.mov").write_bytes(b"one" * 1000)
    assert write(roll).clean


def test_missing_is_said(roll: Path, write: Write) -> None:
    """A missing file and a missing folder are named, and the generation is written."""
    write(roll)
    (roll / "Clips/A001C002.mov").unlink()
    (roll / "Clips/empty").rmdir()
    written = write(roll)
    assert written.missing == ["Clips/A001C002.mov", "Clips/empty/"]
    assert written.lists
    assert not written.clean


def test_left_out_is_said(roll: Path, write: Write) -> None:
    """A FIFO, a link and names that XML cannot hold are left out and named; folders with them get no digests."""
    os.mkfifo(roll / "Clips/pipe")
    (roll / "Clips/link.mov").symlink_to("A001C001.mov")
    (roll / "bell\a.mov").write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(roll) + b"/\xff.mov")).write_bytes(b"x")
    written = write(roll)
    assert not written.clean
    assert sorted(f.path for f in written.findings if f.kind == "left-out") == [
        "//FF.mov",
        "Clips/link.mov",
        "Clips/pipe",
        "bell\a.mov",
    ]
    assert sorted(recorded(roll)) == ["Clips/A001C001.mov", "Clips/A001C002.mov", "notes.txt"]
    content = {
        e.find("m:path", NAMESPACE).text: len(e.find("m:content", NAMESPACE))
        for e in newest(roll).iterfind(".//m:directoryhash", NAMESPACE)
    }
    assert content == {"Clips/empty": 1, "Clips": 0}
    assert newest(roll).find(".//m:roothash", NAMESPACE) is None


def test_names_survive(tmp_path: Path, write: Write) -> None:
    """Markup, white space and line breaks in names are read back as they were."""
    root = tmp_path / "r & <d>"
    root.mkdir()
    names = [
        "a & <b>.mov",
        " lead.mov",
        "trail ",
        "line\nbreak",
        "tab\there",
        "re\rturn",
        "ü\u0301日本",
        "q\"uo'te",
        "]]>",
    ]
    for name in names:
        (root / name).write_bytes(name.encode())
    assert write(root).clean
    assert write(root).verified == len(names)
    outcome = verify_package(root)
    assert outcome.clean
    assert sorted(entry.path for entry in outcome.entries) == sorted(names)


def test_creator(roll: Path, write: Write) -> None:
    """Who, where, what for and how stand in the list; a mail address that the schema refuses is refused."""
    creator = Creator("h<ost", version="1", author=Author("A & B", "a@b.c", "1", "DIT"), location="L", comment="C")
    write(roll, creator=creator, process="transfer")
    info = newest(roll).find("m:creatorinfo", NAMESPACE)
    told = {etree.QName(e).localname: (e.text, dict(e.attrib)) for e in info}
    assert told.pop("creationdate") == ("2026-11-24T01:03:03+00:00", {})
    assert told == {
        "hostname": ("h<ost", {}),
        "tool": ("assetwatch", {"version": "1"}),
        "author": ("A & B", {"email": "a@b.c", "phone": "1", "role": "DIT"}),
        "location": ("L", {}),
        "comment": ("C", {}),
    }
    assert newest(roll).find(".//m:process", NAMESPACE).text == "transfer"
    with pytest.raises(UsageError, match="mail"):
        write(roll, creator=Creator("h", author=Author(email="nobody")))


def test_nested_histories(roll: Path, write: Write) -> None:
    """A nested history gets its own generation with its own files, and the one above refers to it."""
    write(roll / "Clips", "md5")
    written = write(roll, "xxh64")
    assert written.clean
    assert [path.split("/")[-1][:4] for path in written.lists] == ["0001", "0002"]
    assert sorted(recorded(roll)) == ["notes.txt"]
    assert recorded(roll / "Clips")["A001C001.mov"] == {"md5": "verified", "xxh64": "verified"}
    references = [e.text for e in newest(roll).iterfind(".//m:hashlistreference/m:path", NAMESPACE)]
    assert references == [written.lists[1]]
    assert verify_package(roll).clean
    assert verify_package(roll / "Clips").clean


def test_ignore_patterns_grow(roll: Path, write: Write) -> None:
    """New patterns are added to those of the history, and reach nested histories where they can fit there."""
    write(roll / "Clips")
    (roll / "Clips/x.tmp").write_bytes(b"x")
    (roll / "Proxies").mkdir()
    (roll / "Proxies/p.mov").write_bytes(b"x")
    assert write(roll, ignore=("*.tmp", "/Proxies", "Clips/old/")).clean
    written = write(roll, ignore=("*.bak",))
    assert written.clean

    def patterns(folder: Path) -> list[str]:
        return [e.text for e in newest(folder).iterfind(".//m:pattern", NAMESPACE)]

    assert patterns(roll) == [".DS_Store", "ascmhl", "ascmhl/", "*.tmp", "/Proxies", "Clips/old/", "*.bak"]
    assert patterns(roll / "Clips") == [".DS_Store", "ascmhl", "ascmhl/", "*.tmp", "/old/", "*.bak"]
    assert verify_package(roll).clean


def test_ignored_later_is_not_missing(roll: Path, write: Write) -> None:
    """What was listed once and is ignored from now on is neither read nor missing."""
    write(roll)
    assert write(roll, ignore=("notes.txt", "Clips/empty/")).clean
    assert "notes.txt" not in recorded(roll)


@pytest.mark.parametrize("damage", ["list", "chain", "lost list", "lost chain", "stray"])
def test_damaged_history_is_refused(roll: Path, write: Write, damage: str) -> None:
    """No generation is added to a damaged history, and nothing is changed."""
    write(roll)
    chain = roll / "ascmhl/ascmhl_chain.xml"
    listed = next((roll / "ascmhl").glob("*.mhl"))
    match damage:
        case "list":
            listed.write_bytes(listed.read_bytes().replace(b"A001C001", b"A001C009"))
        case "chain":
            chain.write_bytes(b"<ascmhldirectory")
        case "lost list":
            listed.unlink()
        case "lost chain":
            chain.unlink()
        case "stray":
            (roll / "ascmhl/0002_x_2026-01-01_000000Z.mhl").write_bytes(listed.read_bytes())
    before = {path.name: path.read_bytes() for path in (roll / "ascmhl").iterdir()}
    with pytest.raises(ManifestFault):
        write(roll)
    assert {path.name: path.read_bytes() for path in (roll / "ascmhl").iterdir()} == before


def test_damaged_nested_history_is_refused(roll: Path, write: Write) -> None:
    """Damage of a nested history is damage, and the history above gets no generation either."""
    write(roll / "Clips")
    write(roll)
    (roll / "Clips/ascmhl/ascmhl_chain.xml").unlink()
    with pytest.raises(ManifestFault, match="chain"):
        write(roll)
    assert len(list((roll / "ascmhl").glob("*.mhl"))) == 1


def test_link_for_a_history_is_refused(roll: Path, write: Write, tmp_path: Path) -> None:
    """Where `ascmhl` is a link nothing is written behind it."""
    (tmp_path / "elsewhere").mkdir()
    (roll / "ascmhl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ManifestFault, match="no folder"):
        write(roll)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_lines_of_other_tools_stay_in_the_chain(roll: Path, write: Write) -> None:
    """What another tool wrote into the chain stays byte for byte, prefixes and all."""
    text = (
        b'<?xml version="1.0"?><!-- ours --><d:ascmhldirectory xmlns:d="urn:ASC:MHL:DIRECTORY:v2.0">'
        b'<d:hashlist sequencenr="1"><d:path>a</d:path><d:md5>0</d:md5></d:hashlist></d:ascmhldirectory>\n'
    )
    after = asc_mhl_xml.chain_text(text, "chain", 2, "ü.mhl", "c4x")
    assert after.startswith(text[: text.index(b"</d:ascmhldirectory>")])
    added = etree.fromstring(after)[-1]
    assert [e.text for e in added] == ["ü.mhl", "c4x"]
    assert etree.QName(added).namespace == "urn:ASC:MHL:DIRECTORY:v2.0"


def test_renames_are_detected_when_asked(roll: Path, write: Write) -> None:
    """A renamed file and folder carry their previous path; without being asked they are missing and new."""
    write(roll, "md5")
    (roll / "Clips").rename(roll / "Takes")
    (roll / "Takes/A001C001.mov").rename(roll / "Takes/A001_C001.mov")
    written = write(roll, "xxh64", detect_renames=True)
    assert written.clean, (written.missing, written.findings)
    assert written.renamed == {
        "Takes/A001_C001.mov": "Clips/A001C001.mov",
        "Takes/A001C002.mov": "Clips/A001C002.mov",
        "Takes": "Clips",
        "Takes/empty": "Clips/empty",
    }
    told = {e.getparent()[0].text: e.text for e in newest(roll).iterfind(".//m:previousPath", NAMESPACE)}
    assert told == written.renamed
    assert verify_package(roll).clean
    assert write(roll).clean


def test_renames_are_not_guessed(roll: Path, write: Write) -> None:
    """Without being asked a renamed file is a missing and a new one."""
    write(roll)
    (roll / "notes.txt").rename(roll / "Notes2.txt")
    written = write(roll)
    assert written.missing == ["notes.txt"]
    assert recorded(roll)["Notes2.txt"] == {"xxh64": "original"}


def test_empty_files_are_no_renames_of_each_other() -> None:
    """An empty file counts as another one's new name only where it kept its own; others are paired one to one."""
    missing = {"a/x": {"md5": "0"}, "a/y": {"md5": "0"}, "b": {"md5": "1"}, "c": {"md5": "1"}}
    new = {"n/x": (0, {"md5": "0"}), "n/z": (0, {"md5": "0"}), "d": (5, {"md5": "1"})}
    assert renamed_files(missing, new) == {"n/x": "a/x", "d": "b"}
    assert renamed_folders({"n/x": "a/x"}, {"a"}, {"n"}) == {"n": "a"}


def test_known_digests_are_not_read_again(roll: Path, write: Write) -> None:
    """A file whose digests are known is not opened, and the list's comment says so."""
    write(roll)
    expected = recorded(roll)
    for path in roll.rglob("*.mov"):
        path.chmod(0)
    digests = {e.path: {e.algorithm or "": e.expected or ""} for e in verify_list(roll)}

    def known(path: str, seen: Stat) -> Known | None:
        return Known(digests[path], datetime(2026, 1, 1, tzinfo=UTC)) if path.endswith(".mov") else None

    written = write(roll, known=known)
    assert written.clean
    assert written.reused == 2
    assert recorded(roll) == {path: {"xxh64": "verified"} for path in expected}
    assert "2 of 3 files were not read" in newest(roll).find(".//m:comment", NAMESPACE).text
    dates = {e.getparent()[0].text: e.get("hashdate") for e in newest(roll).iterfind(".//m:hash/m:xxh64", NAMESPACE)}
    assert dates["Clips/A001C001.mov"] == "2026-01-01T00:00:00.000000+00:00"


def verify_list(root: Path) -> list[Any]:
    """The entries of a folder's manifests."""
    return verify_package(root).entries


def test_unknown_digests_are_read(roll: Path, write: Write) -> None:
    """Digests of another algorithm than is needed do not spare the read."""
    written = write(roll, "xxh64", known=lambda path, seen: Known({"md5": "0" * 32}))
    assert written.reused == 0
    assert written.clean


def test_only_one_at_a_time(roll: Path, write: Write) -> None:
    """While a list is written for a folder nobody else begins another."""
    with alone(roll), pytest.raises(UsageError, match="another list"):
        write(roll)


def test_disk_that_does_not_take_it(roll: Path, write: Write) -> None:
    """Where the list cannot be written that is a fault, and nothing is left behind."""
    write(roll)
    long = "x" * 250
    deep = roll / long
    deep.mkdir()
    (deep / "a").write_bytes(b"a")
    before = sorted(os.listdir(roll / "ascmhl"))
    (roll / "ascmhl").chmod(0o555)
    try:
        if os.access(roll / "ascmhl", os.W_OK):
            pytest.skip("this user may write anywhere")
        with pytest.raises(ManifestFault, match="written"):
            write(roll)
    finally:
        (roll / "ascmhl").chmod(0o755)
    assert sorted(os.listdir(roll / "ascmhl")) == before


def test_names_of_lists() -> None:
    """Four digits or more, the folder's name cut to what a file name may be."""
    assert generation.list_name("A", 12345, "d") == "12345_A_d.mhl"
    long = generation.list_name("ü" * 200, 1, "2026-11-24_010203Z")
    assert len(long.encode()) <= 255
    assert long.endswith("_2026-11-24_010203Z.mhl")
    assert generation.list_name("//FF", 1, "d") == "0001_root_d.mhl"


@pytest.mark.parametrize(
    ("asked", "reference", "computed", "expected"),
    [
        (("md5",), {}, {"md5": "1"}, {"md5": "original"}),
        (("md5",), {"md5": "1"}, {"md5": "1"}, {"md5": "verified"}),
        (("md5",), {"md5": "1"}, {"md5": "2"}, {"md5": "failed"}),
        (("md5",), {"c4": "1"}, {"md5": "2", "c4": "1"}, {"md5": "verified", "c4": "verified"}),
        (("md5",), {"c4": "1"}, {"md5": "2", "c4": "3"}, {"c4": "failed"}),
        (("md5", "c4"), {"c4": "1", "md5": "2"}, {"md5": "2", "c4": "3"}, {"c4": "failed", "md5": "verified"}),
        (("md5",), {"sha256": "1"}, {"sha256": "1", "md5": "2"}, {"md5": "verified"}),
        (("md5",), {"sha256": "1"}, {"sha256": "2", "md5": "2"}, {"md5": "failed"}),
    ],
)
def test_actions(
    asked: tuple[str, ...], reference: dict[str, str], computed: dict[str, str], expected: dict[str, str]
) -> None:
    """What is recorded follows from what was recorded and what was computed; nothing new beside a failed one."""
    assert generation.actions(asked, reference, computed) == expected


def test_quick_digest_is_chosen_to_compare_with() -> None:
    """Where none of the digests asked for was recorded, the quickest recorded one is computed as well."""
    assert generation.needed(("md5",), {"c4": "1", "xxh64": "2"}) == ("md5", "xxh64")
    assert generation.needed(("md5",), {"sha256": "1"}) == ("md5", "sha256")
    assert generation.needed(("md5", "c4"), {"c4": "1"}) == ("md5", "c4")


def test_other_normalization_form(tmp_path: Path, write: Write) -> None:
    """A file whose name has another normalization form than the history's is the same file, and that is said."""
    root = tmp_path / "r"
    root.mkdir()
    (root / "é.mov").write_bytes(b"x")
    write(root)
    (root / "é.mov").rename(root / "e\u0301.mov")
    written = write(root)
    assert not written.missing
    assert written.verified == 1
    assert [finding.kind for finding in written.findings] == ["normalization"]
    assert list(recorded(root)) == ["é.mov"]


def test_algorithms_of_the_schema_only(roll: Path, write: Write) -> None:
    """An algorithm that ASC MHL does not have is refused before anything is read."""
    with pytest.raises(UsageError, match="sha256"):
        write(roll, "sha256")
