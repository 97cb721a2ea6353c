"""Which lists speak for a folder, and who else may bring a format?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.checksum.manifests import formats
from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.package import PackageVerdict, verify_package
from assetwatch.errors import UsageError


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def said(outcome: PackageVerdict) -> dict[str, str]:
    return {entry.path: str(entry.verdict) for entry in outcome.entries}


def mhl(path: Path, **files: bytes) -> None:
    hashes = "".join(f"<hash><file>{n}.mov</file><md5>{md5(c)}</md5></hash>" for n, c in files.items())
    path.write_text(f'<?xml version="1.0"?><hashlist version="1.1">{hashes}</hashlist>')


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    """A folder with the files a.mov and b.mov."""
    root = tmp_path / "A001"
    root.mkdir()
    (root / "a.mov").write_bytes(b"a")
    (root / "b.mov").write_bytes(b"b")
    return root


def test_all_lists_of_a_folder_count_together(roll: Path) -> None:
    """Two lists each vouch for their files; neither list, nor what the other lists, is extra."""
    mhl(roll / "A001.mhl", a=b"a")
    (roll / "sums.sha1").write_text(f"{hashlib.sha1(b'b').hexdigest()}  b.mov\n")
    outcome = verify_package(roll)
    assert said(outcome) == {"a.mov": "verified", "b.mov": "verified"}
    assert outcome.clean
    assert (outcome.manifest, outcome.format) == ("A001.mhl, sums.sha1", "mhl+sums")


def test_lists_that_contradict_each_other_are_a_mismatch(roll: Path) -> None:
    """Where one list is right about a file and another is not, the file is a mismatch, not verified."""
    mhl(roll / "A001.mhl", a=b"a", b=b"b")
    (roll / "sums.md5").write_text(f"{md5(b'other')}  a.mov\n")
    outcome = verify_package(roll)
    assert said(outcome) == {"a.mov": "mismatch", "b.mov": "verified"}
    assert "contradiction" in {finding.kind for finding in outcome.findings}


def test_each_roll_below_by_its_own_list(tmp_path: Path, roll: Path) -> None:
    """A day's folder without a list is judged roll by roll; a damaged list is a finding and spoils no other roll."""
    mhl(roll / "A001.mhl", a=b"a")
    (tmp_path / "A002").mkdir()
    (tmp_path / "A002/c.mov").write_bytes(b"c")
    mhl(tmp_path / "A002/A002.mhl", c=b"c", d=b"d")
    (tmp_path / "A003").mkdir()
    (tmp_path / "A003/A003.mhl").write_bytes(b"<hashlist")
    outcome = verify_package(tmp_path)
    assert said(outcome) == {"A001/a.mov": "verified", "A002/c.mov": "verified", "A002/d.mov": "missing"}
    assert outcome.extra == ["A001/b.mov"]
    assert [finding.path for finding in outcome.findings] == ["A003/A003.mhl"]


def test_payload_that_looks_like_a_list_is_payload(roll: Path) -> None:
    """Cut-off XML under a name that is no list's is a file like any other: no list of this folder is called damaged."""
    (roll / "notes").write_bytes(b"<hashlist")
    (roll / "sums.md5").write_text("".join(f"{md5(c)}  {n}\n" for n, c in (("a.mov", b"a"), ("notes", b"<hashlist"))))
    outcome = verify_package(roll)
    assert said(outcome) == {"a.mov": "verified", "notes": "verified"}
    assert outcome.extra == ["b.mov"]
    assert not [finding for finding in outcome.findings if finding.wrong]


def test_a_sidecar_of_one_file_makes_nothing_extra(roll: Path) -> None:
    """Beside `a.mov.md5` other files are nobody's business."""
    (roll / "a.mov.md5").write_text(f"{md5(b'a')}  a.mov\n")
    assert verify_package(roll).clean


def test_shadows_of_apple_are_no_lists(roll: Path) -> None:
    """`._A001.mhl`, which a Mac leaves beside a list, is neither a list nor extra."""
    mhl(roll / "A001.mhl", a=b"a", b=b"b")
    (roll / "._A001.mhl").write_bytes(b"\0\5\x16\7")
    assert verify_package(roll).clean


def test_a_text_is_a_list_only_if_it_looks_like_one(roll: Path) -> None:
    """Notes beside footage are no manifest; lines of digests are, under any name that texts have."""
    (roll / "notes.txt").write_text("reel A001, 24 fps\nlens 35 mm\n")
    assert verify_package(roll).manifest is None
    (roll / "notes.txt").write_text(f"{md5(b'a')}  a.mov\n{md5(b'b')}  b.mov\n")
    assert verify_package(roll).manifest == "notes.txt"


def test_a_short_list_with_a_heading_is_one_where_a_person_says_so(roll: Path) -> None:
    """As for `md5sum -c`: named by a person it is read, the heading told; in a folder it is not taken for a list."""
    file = roll / "roll.txt"
    file.write_text(f"Checksums of A001, by the second assistant\n\n{md5(b'a')}  a.mov\n{md5(b'b')}  b.mov\n")
    outcome = verify_package(file)
    assert said(outcome) == {"a.mov": "verified", "b.mov": "verified"}
    assert [(f.kind, f.line) for f in outcome.findings] == [("bad-line", 1)]
    assert {f.kind for f in verify_package(roll).findings} == {"no-manifest"}
    file.write_text("a letter\nabout nothing\n" + f"{md5(b'a')}  a.mov\n")
    with pytest.raises(ManifestFault, match="no format"):
        verify_package(file)


def test_without_any_list_nothing_is_proved(roll: Path) -> None:
    """Each file is uncheckable, and the outcome is not clean."""
    outcome = verify_package(roll)
    assert said(outcome) == {"a.mov": "uncheckable", "b.mov": "uncheckable"}
    assert (outcome.manifest, outcome.format, outcome.clean) == (None, None, False)


def test_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """A path that does not exist is an error of the call."""
    with pytest.raises(UsageError, match="nowhere"):
        verify_package(tmp_path / "nowhere")


def test_the_document_has_the_contracts_keys(roll: Path) -> None:
    """Scripts rely on these keys and words."""
    mhl(roll / "A001.mhl", a=b"a", b=b"x")
    (roll / "c.mov").write_bytes(b"")
    document = verify_package(roll).as_json()
    assert document["summary"] == {
        "verified": 1, "mismatch": 1, "missing": 0, "unreadable": 0, "uncheckable": 0, "extra": 1
    }  # fmt: skip
    assert document["entries"] == [
        {"path": "a.mov", "verdict": "verified", "algorithm": "md5", "expected": md5(b"a"), "computed": md5(b"a")},
        {"path": "b.mov", "verdict": "mismatch", "algorithm": "md5", "expected": md5(b"x"), "computed": md5(b"b")},
    ]
    assert (document["manifest"], document["format"], document["extra"]) == ("A001.mhl", "mhl", ["c.mov"])
    assert document["warnings"] == []


PLUGIN = """
from assetwatch.checksum.manifests.digests import tagged
from assetwatch.checksum.manifests.format import Entry, Manifest, basename, parent

class Shouted:
    name = "shouted"
    def recognizes(self, name, head):
        return 99 if basename(name).endswith(".shout") else 0
    def read(self, tree, path):
        with tree.open(path) as stream:
            words = stream.read().decode().split()
        entry = Entry(words[0].lower(), digests=(tagged("md5", words[1]),))
        return Manifest(self.name, path, parent(path), lambda report: iter([entry]), own_files=frozenset({path}))
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed distribution with a format of its own."""
    site = tmp_path / "site"
    (site / "shouted-1.0.dist-info").mkdir(parents=True)
    (site / "shouted-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: shouted\nVersion: 1.0\n")
    (site / "shouted-1.0.dist-info/entry_points.txt").write_text("[assetwatch.manifests]\nshouted = shouted:Shouted\n")
    (site / "shouted.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(site)
    formats.formats.cache_clear()
    yield
    formats.formats.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_a_third_party_brings_a_format(roll: Path) -> None:
    """A format from an entry point is recognized and used like the built-in ones."""
    (roll / "x.shout").write_text(f"A.MOV {md5(b'a')}")
    outcome = verify_package(roll)
    assert (said(outcome), outcome.format) == ({"a.mov": "verified"}, "shouted")


_STEMS = ["", "a", "A001", "md5sums", "SHA256SUM", "x-sums", "checksum", "hashes", "manifest-md5", "bagit", "assetmap"]
_STEMS += ["ascmhl_chain", "ASCMHL_collection", "pkl_1", "//FF", "a b", "ſha1", "md5\n"]
_ENDINGS = [
    "",
    ".",
    ".mhl",
    ".MHL",
    ".xml",
    ".txt",
    ".asc",
    ".hsh",
    ".sfv",
    ".csfv",
    ".blake3",
    ".blaKe3",
    ".sha1",
    ".ſha1",
]
_ENDINGS += [".sha1", ".ſha1", ".mov", ".md5.mov", ".mov.md5", ".mhl\n", ".xml ", "//FE", ".1001", ".hashdeep"]


@given(
    st.lists(st.sampled_from(["A001", "ascmhl", "data.md5", "//C3x"]), max_size=2),
    st.sampled_from(_STEMS) | st.text(st.characters(exclude_characters="/\0", codec="utf-8"), max_size=8),
    st.sampled_from(_ENDINGS),
)
def test_no_name_of_a_list_is_passed_over(folders: list[str], stem: str, ending: str) -> None:
    """What is asked first, for speed, of every name never hides one that a format would take."""
    path = "/".join([*folders, stem + ending])
    assert formats.promising(path) == any(one.recognizes(path, b"") > 0 for one in formats.formats())


def test_a_link_to_a_list_is_that_list(roll: Path) -> None:
    """A person may name a list by a link; its entries are relative to where it really lies."""
    mhl(roll / "A001.mhl", a=b"a", b=b"b")
    (roll.parent / "latest").symlink_to(roll / "A001.mhl")
    assert verify_package(roll.parent / "latest").clean


def test_a_list_that_is_no_file_is_a_fault_of_its_own(roll: Path) -> None:
    """A FIFO under a list's name is refused at once, with its name."""
    os.mkfifo(roll / "x.md5")
    with pytest.raises(ManifestFault, match=r"x\.md5.*regular"):
        verify_package(roll / "x.md5")


def test_another_list_beside_the_one_asked_for_is_not_extra(roll: Path) -> None:
    """It is named in a remark; footage that nobody lists still is extra."""
    mhl(roll / "A001.mhl", a=b"a")
    (roll / "sums.md5").write_text(f"{md5(b'wrong')}  a.mov\n")
    outcome = verify_package(roll / "A001.mhl")
    assert said(outcome) == {"a.mov": "verified"}
    assert outcome.extra == ["b.mov"]
    assert [finding.kind for finding in outcome.findings] == ["other-list"]


def test_a_bags_manifest_means_the_bag(tmp_path: Path) -> None:
    """Naming one of a bag's lists verifies the bag, with its tag files and its description."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.mov").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (tmp_path / "bag-info.txt").write_text("Payload-Oxum: 2.1\n")
    (tmp_path / "manifest-md5.txt").write_text(f"{md5(b'a')}  data/a.mov\n")
    outcome = verify_package(tmp_path / "manifest-md5.txt")
    assert (said(outcome), outcome.format) == ({"data/a.mov": "verified"}, "bagit")
    assert [finding.kind for finding in outcome.findings] == ["payload-oxum"]


@pytest.mark.parametrize(("version", "name"), [("1.0", "100%25.mov"), ("0.97", "100%25.mov"), ("1.0", "100%.mov")])
def test_percent_signs_of_bags_in_both_readings(tmp_path: Path, version: str, name: str) -> None:
    """1.0 encodes the sign and tools leave it: whichever was written, `100%.mov` is found."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/100%.mov").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: UTF-8\n")
    (tmp_path / "manifest-md5.txt").write_text(f"{md5(b'a')}  data/{name}\n")
    assert said(verify_package(tmp_path)) == {"data/100%.mov": "verified"}


@pytest.mark.parametrize("encoding", ["rot13", "iso-8859-99", "utf-7", "x" * 900])
def test_a_bag_in_an_unknown_encoding(tmp_path: Path, encoding: str) -> None:
    """What is no encoding of text is a finding, and the lists are read as UTF-8."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.mov").write_bytes(b"a")
    (tmp_path / "bagit.txt").write_text(f"BagIt-Version: 1.0\nTag-File-Character-Encoding: {encoding}\n")
    (tmp_path / "manifest-md5.txt").write_text(f"{md5(b'a')}  data/a.mov\n")
    outcome = verify_package(tmp_path)
    assert said(outcome) == {"data/a.mov": "verified"}
    assert [finding.kind for finding in outcome.findings] == ["bad-declaration"]


def test_what_fetch_txt_names_may_be_absent(tmp_path: Path) -> None:
    """A payload file that is yet to be fetched is uncheckable with its address; another one is missing."""
    (tmp_path / "data").mkdir()
    (tmp_path / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (tmp_path / "manifest-md5.txt").write_text(f"{md5(b'a')}  data/a.mov\n{md5(b'b')}  data/b.mov\n")
    (tmp_path / "fetch.txt").write_text("https://example.org/a - data/a.mov\n")
    outcome = verify_package(tmp_path)
    assert said(outcome) == {"data/a.mov": "uncheckable", "data/b.mov": "missing"}
    assert "https://example.org/a" in outcome.entries[0].notes[0]
