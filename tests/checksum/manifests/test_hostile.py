"""Does a list from a stranger crash, stall or lead outside, whatever stands in it?"""

from __future__ import annotations

import errno
import io
import random
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetwatch.checksum.manifests import formats
from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.merge import merged
from assetwatch.checksum.manifests.package import PackageVerdict, verify_package
from assetwatch.checksum.manifests.reading import pooled, reader_of
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.pool import ReaderPool
from assetwatch.clock import SystemClock
from assetwatch.errors import AssetwatchError

MD5 = "9dd4e461268c8034f5c8564e155c67a6"  # of b"x"
SEEDS = {
    "list.md5": f"{MD5}  a.mov\n\\{MD5}  b\\n\\\\.mov\nMD5 (Clips/c.mov) = {MD5}\n".encode(),
    "list.txt": f"a.mov  {MD5}  {'0' * 40}\nXXH64_LE (a.mov) = {'0' * 16}\n".encode("utf-16"),
    "list.sfv": b"; x\r\nClips\\c.mov 8CDC1683\r\n",
    "hash.txt": f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n1,{MD5},{'0' * 64},/x/a.mov\n".encode(),
    "card.mhl": (
        f'<?xml version="1.0" encoding="UTF-8"?><hashlist version="1.1"><creatorinfo><tool>t</tool></creatorinfo>'
        f"<hash><file>a.mov</file><size>1</size><md5>{MD5}</md5><xxhash>12</xxhash></hash></hashlist>"
    ).encode(),
    "ascmhl/0001_x_2026-01-01_000000Z.mhl": (
        '<?xml version="1.0"?><hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0"><creatorinfo><creationdate>x'
        '</creationdate><tool version="1">t</tool></creatorinfo><processinfo><roothash><content><md5>00</md5></content>'
        "</roothash><ignore><pattern>*.x</pattern></ignore></processinfo><hashes><hash><path size='1'>a.mov</path>"
        f"<md5 action='original'>{MD5}</md5><previousPath>z.mov</previousPath></hash><directoryhash><path>Clips</path>"
        f"<structure><md5>{MD5}</md5></structure></directoryhash></hashes><references><hashlistreference><path>y</path>"
        "<c4>c4</c4></hashlistreference></references></hashlist>"
    ).encode(),
    "ascmhl/ascmhl_chain.xml": (
        b'<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0"><hashlist sequencenr="1">'
        b"<path>0001_x_2026-01-01_000000Z.mhl</path><c4>c4</c4></hashlist></ascmhldirectory>"
    ),
    "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
    "manifest-md5.txt": f"{MD5}  data/%25a.mov\n".encode(),
    "fetch.txt": b"http://x - data/b.mov\n",
    "bag-info.txt": b"Payload-Oxum: 1.1\n",
    "tagmanifest-md5.txt": f"{MD5} bagit.txt\n".encode(),
    "ASSETMAP.xml": (
        b'<AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><AssetList><Asset><Id>urn:uuid:1</Id>'
        b"<PackingList>true</PackingList><ChunkList><Chunk><Path>PKL.xml</Path></Chunk></ChunkList></Asset><Asset><Id>"
        b"urn:uuid:2</Id><ChunkList><Chunk><Path>file:///a%2Emov</Path><Offset>0</Offset><Length>1</Length></Chunk>"
        b"</ChunkList></Asset></AssetList></AssetMap>"
    ),
    "PKL.xml": (
        b'<PackingList xmlns="http://www.smpte-ra.org/schemas/2067-2/2016/PKL"><AssetList><Asset><Id>urn:uuid:2</Id>'
        b"<Hash>EfatjsUqKYSrqvZbM1/k1zJvQRw=</Hash><Size>1</Size>"
        b'<HashAlgorithm Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></Asset></AssetList></PackingList>'
    ),
    "prog.xml": (
        f"<UKDPP><MediaChecksumType>MD5</MediaChecksumType><MediaChecksumValue>{MD5}</MediaChecksumValue></UKDPP>"
    ).encode(),
}
#: What is put into a list at a random place, besides random bytes.
SPLINTERS = (
    b"../../.. /etc/hostname %2e%2e%2f \\ // //FF \0 \xff\xfe \xef\xbb\xbf \xed\xb3\xbf \xf0\x9f\x8e\xac -1".split(b" ")
    + b'< &x; <!-- ]]> <hash> <Asset> encoding="UTF-16" <!DOCTYPE ( )=  %%%% [ ! #'.split(b" ")
    + [b"\r", b"\n", b" ", b"9" * 400, b"a" * 300]
)


def prepared(root: Path) -> Path:
    """A folder with the files that the seeds are about, and every seed as it is."""
    (root / "Clips").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "ascmhl").mkdir()
    for name in ("a.mov", "Clips/c.mov", "data/%a.mov"):
        (root / name).write_bytes(b"x")
    return root


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a few bytes changed, cut, doubled or put in."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 20)]
            case 2:
                changed[at:at] = chance.choice(SPLINTERS)
            case 3:
                changed[at:at] = changed[max(0, at - chance.randint(1, 60)) : at]
            case 4:
                del changed[at:]
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 4))
    return bytes(changed)


def survives(path: Path) -> PackageVerdict | None:
    """What is said of a list, None where it is refused; anything else is a crash."""
    try:
        outcome = verify_package(path)
    except AssetwatchError:
        return None
    outcome.as_json()
    return outcome


def fuzz(root: Path, seed: int, rounds: int) -> int:
    """Mutate one seed file after another beside the whole others; how many lists were still read."""
    chance = random.Random(seed)
    read = 0
    groups = {
        "list.md5": (), "list.txt": (), "list.sfv": (), "hash.txt": (), "card.mhl": (), "prog.xml": (),
        "ascmhl/0001_x_2026-01-01_000000Z.mhl": ("ascmhl/ascmhl_chain.xml",),
        "bagit.txt": ("manifest-md5.txt", "fetch.txt", "bag-info.txt", "tagmanifest-md5.txt"),
        "ASSETMAP.xml": ("PKL.xml",),
    }  # fmt: skip
    for number in range(rounds):
        first, others = chance.choice(list(groups.items()))
        for name in (first, *others):
            content = SEEDS[name]
            (root / name).write_bytes(mutated(content, chance) if chance.random() < 0.7 else content)
        read += survives(root / first) is not None
        if number % 10 == 0:
            survives(root)
    return read


def test_fuzzed_lists_crash_nothing(tmp_path: Path) -> None:
    """Hundreds of mutated lists of every format are read or refused, each with a message."""
    assert fuzz(prepared(tmp_path / "card"), seed=1, rounds=600) > 100


@pytest.mark.slow
def test_ten_thousand_fuzzed_lists_crash_nothing(tmp_path: Path) -> None:
    """The same as a campaign."""
    assert fuzz(prepared(tmp_path / "card"), seed=2, rounds=10_000) > 1000


@given(st.sampled_from(sorted(SEEDS)), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_under_any_name(tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes) -> None:
    """No sequence of bytes under a list's name is a crash."""
    root = prepared(tmp_path_factory.mktemp("any") / "card")
    (root / name).write_bytes(content)
    survives(root / name)


DOCTYPES = {
    "bomb": '<!DOCTYPE h [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "file": '<!DOCTYPE h [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
    "net": '<!DOCTYPE h [<!ENTITY a SYSTEM "http://127.0.0.1:9/x">]>',
    "parameter": '<!DOCTYPE h [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
}


@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("name", ["card.mhl", "ascmhl/0001_x_2026-01-01_000000Z.mhl", "ASSETMAP.xml", "PKL.xml"])
def test_entities_are_refused(tmp_path: Path, name: str, doctype: str, encoding: str) -> None:
    """A list that declares an entity is refused with its name, in every XML format and encoding."""
    root = prepared(tmp_path / "card")
    text = SEEDS[name].decode().partition("?>")[2] or SEEDS[name].decode()
    (root / name).write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{text}'.encode(encoding))
    with pytest.raises(ManifestFault, match="entities") as refused:
        verify_package(root / name)
    assert refused.value.line == 1


def test_a_bare_doctype_is_tolerated(tmp_path: Path) -> None:
    """Real files carry one; a DTD that it points to is not loaded."""
    root = prepared(tmp_path / "card")
    doctype = b'<!DOCTYPE hashlist SYSTEM "http://127.0.0.1:9/x.dtd">'
    (root / "card.mhl").write_bytes(
        SEEDS["card.mhl"].replace(b"?>", b"?>" + doctype, 1).replace(b"<xxhash>12</xxhash>", b"")
    )
    assert [str(entry.verdict) for entry in verify_package(root / "card.mhl").entries] == ["verified"]


@pytest.mark.parametrize(
    "content",
    [
        "<hashlist>" + "<a>" * 300_000,
        '<?xml version="1.0"?><hashlist version="1.1">',
        "<hashlist><hash></hashlist>",
        "<hashlist a='1' a='2'/>",
        f"<hashlist><hash><file>{'x' * 11_000_000}</file></hash></hashlist>",
        "<hashlist>\x01</hashlist>",
        '<?xml version="1.0" encoding="no-such"?><hashlist/>',
    ],
    ids=["deep", "cut off", "crossed", "attributes", "endless name", "control", "encoding"],
)
def test_broken_xml_is_refused_with_its_line(tmp_path: Path, content: str) -> None:
    """The fault names the file, and the line where the parser knows it."""
    (tmp_path / "card.mhl").write_text(content)
    with pytest.raises(ManifestFault, match=r"card\.mhl"):
        verify_package(tmp_path / "card.mhl")


def test_utf32_is_refused(tmp_path: Path) -> None:
    """UTF-32 is said to be the reason."""
    (tmp_path / "card.mhl").write_bytes('<?xml version="1.0"?><hashlist/>'.encode("utf-32"))
    with pytest.raises(ManifestFault, match="UTF-32"):
        verify_package(tmp_path)


def test_a_damaged_list_in_a_folder_is_never_no_list(tmp_path: Path) -> None:
    """A file under a list's name that is none ends the command, and beside a good list it is a finding."""
    root = prepared(tmp_path / "card")
    (root / "ascmhl").rmdir()
    (root / "card.mhl").write_bytes(b"\x89PNG")
    with pytest.raises(ManifestFault, match=r"card\.mhl"):
        verify_package(root)
    (root / "list.md5").write_bytes(SEEDS["list.md5"])
    outcome = verify_package(root)
    assert any(finding.kind == "list-unreadable" and finding.wrong for finding in outcome.findings)
    assert "a.mov" in [entry.path for entry in outcome.entries]


class _Endless(io.RawIOBase):
    """A list of many lines that is made up as it is read."""

    def __init__(self, count: int) -> None:
        self._lines = (f"{number:032x}  Clips/{number:07}.mov\n".encode() for number in range(count))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while len(self._rest) < len(buffer):
            more = next(self._lines, None)
            if more is None:
                break
            self._rest += more
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class LongTree(DiskTree):
    """A folder in which a list of `count` lines lies."""

    count = 30_000

    def open(self, path: str) -> BinaryIO:
        return io.BufferedReader(_Endless(self.count))  # type: ignore[return-value]


def test_a_long_list_is_streamed(tmp_path: Path) -> None:
    """Memory stays far below what the entries of a long list would take, and none is lost."""
    manifest = formats.read(LongTree(tmp_path), "list.md5")
    tracemalloc.start()
    try:
        found = merged(manifest.entries, lambda finding: None, held_most=1000)
        assert sum(1 for _ in found.entries()) == found.count == LongTree.count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LongTree.count * 250


class FaultyTree(DiskTree):
    """A folder whose clips cannot be read."""

    def open(self, path: str) -> BinaryIO:
        if path.endswith(".mov"):
            raise OSError(errno.EIO, "Input/output error")
        return super().open(path)


def test_what_cannot_be_read_is_unreadable(tmp_path: Path) -> None:
    """A read error is its own verdict with its reason, and the expected digest stands beside it."""
    root = prepared(tmp_path / "card")
    (root / "list.md5").write_bytes(SEEDS["list.md5"])
    outcome = verify_package(root / "list.md5", read=lambda tree: reader_of(FaultyTree(tree.root)))
    first = outcome.entries[0]
    assert (str(first.verdict), first.expected, first.notes) == ("unreadable", MD5, ("Input/output error",))


def test_many_readers_give_the_same_verdicts(tmp_path: Path) -> None:
    """Through the pool of readers the outcome is that of one reader, in the order of the list."""
    root = tmp_path / "card"
    root.mkdir()
    lines = []
    for number in range(200):
        (root / f"{number}.mov").write_bytes(b"x" if number % 7 else b"y")
        lines.append(f"{MD5}  {number}.mov\n")
    (root / "list.md5").write_text("".join(lines))
    with ReaderPool(2, SystemClock()) as pool:
        several = verify_package(root, read=lambda tree: pooled(pool, tree))
    assert several.entries == verify_package(root).entries
    assert several.counts["mismatch"] == 29


@pytest.mark.parametrize("size", ["²", "٣x", "1e3", "0x10", "-1", " ", "1" * 31])
def test_sizes_that_are_no_numbers(tmp_path: Path, size: str) -> None:
    """A size in other digits or notations makes its entry uncheckable, and is no crash."""
    root = prepared(tmp_path / "card")
    for name, whole in (("card.mhl", "<size>1<"), ("ascmhl/0001_x_2026-01-01_000000Z.mhl", "size='1'")):
        text = SEEDS[name].decode().replace(whole, whole.replace("1", size))
        (root / name).write_text(text)
        outcome = verify_package(root / name)
        assert {str(entry.verdict) for entry in outcome.entries} == {"uncheckable"}
        assert any(finding.kind == "bad-entry" for finding in outcome.findings)


def test_a_reader_that_was_stopped_leaves_no_entry_without_a_verdict(tmp_path: Path) -> None:
    """What was not read is unreadable, with the reason."""
    root = tmp_path / "card"
    root.mkdir()
    for number in range(50):
        (root / f"{number}.mov").write_bytes(b"x")
    (root / "list.md5").write_text("".join(f"{MD5}  {number}.mov\n" for number in range(50)))
    pool = ReaderPool(1, SystemClock())
    pool.close()
    outcome = verify_package(root, read=lambda tree: pooled(pool, tree))
    assert outcome.counts["unreadable"] == 50
    assert "stopped" in outcome.entries[0].notes[0]
