"""Are the lines of sum files, SFV and hashdeep lists read as their tools mean them?"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.checksum.algorithms import computable
from assetwatch.checksum.manifests import formats
from assetwatch.checksum.manifests.format import Entry, Finding, ManifestFault
from assetwatch.checksum.manifests.sums import SumLine, style_of, unescaped
from assetwatch.checksum.manifests.tree import DiskTree

MD5 = "5d41402abc4b2a76b9719d911017c592"
SHA1 = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
SHA256 = hashlib.sha256(b"hello").hexdigest()


def read(root: Path, name: str, content: bytes) -> tuple[list[Entry], list[Finding]]:
    """The entries and findings of a list with that name and content."""
    (root / name).write_bytes(content)
    findings: list[Finding] = []
    return list(formats.read(DiskTree(root), name).entries(findings.append)), findings


def one(line: str, style: str = "gnu", *hints: str) -> Entry:
    entry = SumLine(frozenset(hints), style).read(line, 1)
    assert entry is not None, line
    return entry


def test_sm3_where_the_list_names_it(tmp_path: Path) -> None:
    """By its tag or the list's name; a digest of that length is nothing so rare otherwise."""
    line = f"{'0' * 64}  a.mov\n".encode()
    for name, content in (("x.txt", b"SM3 (a.mov) = " + b"0" * 64 + b"\n"), ("x.sm3", line)):
        ((entry,), _) = read(tmp_path, name, content)
        readings = {reading.algorithm for digest in entry.digests for reading in digest.readings}
        assert readings == ({"sm3"} if computable("sm3") else set())
        assert computable("sm3") or "sm3 cannot be computed here" in entry.digests[0].note
    ((entry,), _) = read(tmp_path, "list.txt", line)
    assert "sm3" not in {reading.algorithm for digest in entry.digests for reading in digest.readings}


@pytest.mark.parametrize(
    ("line", "path", "algorithm"),
    [
        (f"{MD5}  a b.mov", "a b.mov", "md5"),
        (f"{MD5} *a.mov", "a.mov", "md5"),
        (f"{MD5.upper()}  a.mov", "a.mov", "md5"),
        (f"{MD5}   a.mov", " a.mov", "md5"),
        (f"MD5 (a (1).mov) = {MD5}", "a (1).mov", "md5"),
        (f"MD5(a) = b)= {MD5}", "a) = b", "md5"),
        (f"SHA2-256(a.mov)= {SHA256}", "a.mov", "sha256"),
        (f"SHA256 (a.mov) = {base64.b64encode(hashlib.sha256(b'hello').digest()).decode()}", "a.mov", "sha256"),
        (f"{base64.b64encode(hashlib.sha1(b'hello').digest()).decode()}  a.mov", "a.mov", "sha1"),
        ("XXH3_23cd5dbf8ffdd7f5  a.mov", "a.mov", "xxh3"),
        ("XXH3 (a.mov) = 23cd5dbf8ffdd7f5", "a.mov", "xxh3"),
        (f"\\{MD5}  a\\nb\\\\c.mov", "a\nb\\c.mov", "md5"),
        (f"\\MD5 (a\\rb) = {MD5}", "a\rb", "md5"),
        (f"      1234  {MD5}  /x/a.mov", "/x/a.mov", "md5"),
        (f"a b.mov  {MD5}  {SHA1}", "a b.mov", "md5"),
    ],
)
def test_every_style_of_line(line: str, path: str, algorithm: str) -> None:
    """Name and first algorithm of one line of each tool."""
    entry = one(line)
    assert entry.path == path
    assert entry.digests[0].readings[0].algorithm == algorithm


def test_a_tagged_little_endian_digest_is_turned_round() -> None:
    """The suffix that xxhsum gives only to tags reverses the bytes."""
    (digest,) = one("XXH64_LE (a) = a36d9f887d82c726").digests
    assert digest.readings[0].text == "26c7827d889f6da3"


def test_an_algorithm_that_is_not_known_has_no_readings() -> None:
    """An unknown tag is kept, to be uncheckable, and is never taken for another algorithm of its length."""
    (digest,) = one(f"GOST (a.mov) = {SHA256}").digests
    assert not digest.readings
    assert "GOST" in digest.note


@pytest.mark.parametrize(
    ("name", "digits", "first"),
    [("MD5SUMS", 32, "md5"), ("x.xxh128", 32, "xxh128"), ("x.txt", 32, "md5"), ("x.b3", 64, "blake3"),
     ("x.txt", 64, "sha256"), ("x.sha3-256", 64, "sha3-256"), ("x.b2", 128, "blake2b"), ("x.xxh3", 16, "xxh3"),
     ("x.crc32", 8, "crc32"), ("x.xxh", 8, "xxh32"), ("sha1.md5", 40, "sha1")],
)  # fmt: skip
def test_the_lists_name_decides_between_lengths(tmp_path: Path, name: str, digits: int, first: str) -> None:
    """Of the algorithms that fit a digest's length, the one that the list's name promises comes first."""
    (entry,), _ = read(tmp_path, name, b"a" * digits + b"  a.mov\n")
    assert entry.digests[0].readings[0].algorithm == first


def test_without_a_name_all_candidates_are_read(tmp_path: Path) -> None:
    """64 digits can be four algorithms; each of them is a reading."""
    (entry,), _ = read(tmp_path, "list.txt", SHA256.encode() + b"  a.mov\n")
    found = {reading.algorithm for reading in entry.digests[0].readings}
    assert {"sha256", "blake3", "sha3-256", "blake2s"} <= found


@pytest.mark.parametrize(
    ("lines", "style"),
    [
        ([f"{MD5}  a", f"{MD5} *b"], "gnu"),
        ([f"{MD5} a", f"{MD5} b"], "bsd"),
        ([f"{MD5} Ua", f"{MD5} Ub"], "universal"),
        ([f"{MD5} Ua", f"{MD5} b"], "bsd"),
        ([f"MD5 (a) = {MD5}"], "gnu"),
    ],
)
def test_the_separator_is_told_by_the_whole_list(lines: list[str], style: str) -> None:
    """One space and a letter is BSD, unless each line has shasum's U."""
    assert style_of(lines) == style


@pytest.mark.parametrize(
    ("encode", "end"),
    [("utf-8-sig", "\r\n"), ("utf-16", "\r\n"), ("utf-16-le", "\n"), ("utf-16-be", "\n"), ("utf-8", "\r")],
)
def test_encodings_and_line_ends(tmp_path: Path, encode: str, end: str) -> None:
    """Byte-order marks, UTF-16 with and without one, CRLF and a bare CR make no difference."""
    content = f"{MD5}  Café.mov{end}{MD5}  b.mov{end}".encode(encode)
    entries, findings = read(tmp_path, "list.md5", content)
    assert [entry.path for entry in entries] == ["Café.mov", "b.mov"]
    assert not findings


def test_records_that_end_in_nul(tmp_path: Path) -> None:
    """The output of --zero has no escapes: a line break and a backslash are part of the name."""
    entries, _ = read(tmp_path, "list.md5", f"{MD5}  a\nb\0{MD5}  \\c\0".encode())
    assert [entry.path for entry in entries] == ["a\nb", "\\c"]


def test_comments_and_wrong_lines(tmp_path: Path) -> None:
    """Comments are passed over silently, anything else that is no entry with its line."""
    content = f"# tool\n; tool\n\n{MD5}  #a.mov\nhello world!\n\\{MD5}  a\\tb\n".encode()
    entries, findings = read(tmp_path, "list.md5", content)
    assert [entry.path for entry in entries] == ["#a.mov"]
    assert [(finding.kind, finding.line, finding.wrong) for finding in findings] == [
        ("bad-line", 5, True),
        ("bad-line", 6, True),
    ]


@pytest.mark.parametrize("content", [b"", b"# only\n", b"\xef\xbb\xbf", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 50])
def test_a_list_without_an_entry_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file of that name without one entry is a fault of the list, with its name."""
    with pytest.raises(ManifestFault, match=r"list\.md5"):
        read(tmp_path, "list.md5", content)


def test_a_line_without_end_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    """A line of many megabytes is a finding with its number; the next one is read."""
    with (tmp_path / "list.md5").open("wb") as file:
        file.write(f"{MD5}  first.mov\n{MD5}  ".encode())
        for _ in range(64):
            file.write(b"x" * 1_000_000)
        file.write(f"\n{MD5}  last.mov\n".encode())
    findings: list[Finding] = []
    entries = list(formats.read(DiskTree(tmp_path), "list.md5").entries(findings.append))
    assert [entry.path for entry in entries] == ["first.mov", "last.mov"]
    assert [(finding.kind, finding.line) for finding in findings] == [("long-line", 2)]


def test_sfv_names_with_spaces_and_backslashes(tmp_path: Path) -> None:
    """The digest stands last; comments are passed over; CRC-32 is said to be weak."""
    (tmp_path / "x.sfv").write_bytes(b"; made by x\r\nA B\\c d.mov 3610A686\r\nshort\r\n")
    manifest = formats.read(DiskTree(tmp_path), "x.sfv")
    findings: list[Finding] = []
    (entry,) = manifest.entries(findings.append)
    assert (entry.path, entry.digests[0].readings[0].text) == ("A B\\c d.mov", "3610a686")
    assert [finding.kind for finding in manifest.findings] == ["weak-digest"]
    assert [finding.line for finding in findings] == [3]


def test_hashdeep_columns_and_commas(tmp_path: Path) -> None:
    """The header names the columns; the name may hold commas; an algorithm that nobody computes stays."""
    content = (
        f"%%%% HASHDEEP-1.0\n%%%% size,md5,tiger,filename\n## Invoked from: /x\n5,{MD5},{'a' * 48},a,b.mov\n".encode()
    )
    (entry,), _ = read(tmp_path, "list.txt", content)
    assert (entry.path, entry.size) == ("a,b.mov", 5)
    assert [bool(digest.readings) for digest in entry.digests] == [True, False]


def test_hashdeep_without_its_columns_is_refused(tmp_path: Path) -> None:
    """A list that lost its header cannot be read."""
    with pytest.raises(ManifestFault, match="line 2"):
        read(tmp_path, "list.txt", f"%%%% HASHDEEP-1.0\n5,{MD5},a.mov\n".encode())


NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda name: not name.startswith(("/", "./")) and "//" not in name and "/./" not in name and "./" not in name
)


def escaped(name: str) -> tuple[str, str]:
    """A name as coreutils writes it, and what stands before the line."""
    plain = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return ("\\" if plain != name else ""), plain


@given(NAMES)
def test_coreutils_lines_round_trip(name: str) -> None:
    """Whatever the name, the line that coreutils writes of it is read back, plain and tagged."""
    mark, plain = escaped(name)
    assert one(f"{mark}{MD5}  {plain}").path == name.removesuffix("/.")
    assert one(f"{mark}MD5 ({plain}) = {MD5}").path == name.removesuffix("/.")


@given(st.text(alphabet="ab\\nr", max_size=12))
def test_unescaping_is_the_inverse_of_escaping(name: str) -> None:
    """No name of backslashes and letters is read as another."""
    assert unescaped(escaped(name)[1]) == name
