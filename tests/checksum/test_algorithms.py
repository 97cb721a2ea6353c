"""Which digests are there, what are they called, and how are they written?"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from assetwatch.checksum import algorithms
from assetwatch.checksum.algorithms import ALGORITHMS, OFFERED, Digests, canonical_name, computable, normalize

#: Published values (RFC 1321, FIPS 180-4, FIPS 202, RFC 7693, the xxHash and BLAKE3 test vectors, SMPTE ST 2114),
#: and what xxhsum, cksum and crc32 print.
VECTORS = {
    "xxh128": {b"": "99aa06d3014798d86001c324468d497f", b"hello": "b5e9c1ad071b3e7fc779cfaa5e523818"},
    "xxh3": {b"": "2d06800538d394c2", b"hello": "9555e8555c62dcfd"},
    "xxh64": {b"": "ef46db3751d8e999", b"hello": "26c7827d889f6da3"},
    "xxh32": {b"": "02cc5d05", b"hello": "fb0077f9"},
    "md5": {b"": "d41d8cd98f00b204e9800998ecf8427e", b"abc": "900150983cd24fb0d6963f7d28e17f72"},
    "sha1": {
        b"": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        b"abc": "a9993e364706816aba3e25717850c26c9cd0d89d",
    },
    "sha224": {b"abc": "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    "sha256": {b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    "sha384": {
        b"abc": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    },
    "sha512": {
        b"abc": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    },
    "c4": {b"": "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT"},
    "blake3": {b"": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
    "crc32": {b"": "00000000", b"123456789": "cbf43926"},
    "sha3-224": {b"abc": "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
    "sha3-256": {b"abc": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
    "sha3-384": {
        b"abc": "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"
    },
    "sha3-512": {
        b"abc": "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
        "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"
    },
    "blake2b": {
        b"abc": "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
        "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    },
    "sm3": {b"abc": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
    "blake2s": {b"abc": "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"},
}

COMPUTABLE = [name for name in ALGORITHMS if computable(name)]


def test_each_computable_algorithm_has_a_known_answer() -> None:
    """An algorithm cannot be added without a published value to hold it to."""
    assert set(VECTORS) == set(COMPUTABLE)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [(name, content, text) for name, answers in VECTORS.items() for content, text in answers.items()],
)
def test_known_answers(name: str, content: bytes, expected: str) -> None:
    """Each algorithm gives the published digest, in its canonical spelling."""
    hasher = algorithms.new(name)
    hasher.update(content)
    assert hasher.text() == expected


@pytest.mark.parametrize("name", COMPUTABLE)
def test_pieces_make_no_difference(name: str) -> None:
    """Bytes fed in pieces, from any kind of buffer, give the digest of the whole."""
    content = bytes(range(256)) * 1000
    whole, pieces = algorithms.new(name), algorithms.new(name)
    whole.update(content)
    pieces.update(content[:1])
    pieces.update(bytearray(content[1:70_000]))
    pieces.update(memoryview(content)[70_000:])
    assert whole.text() == pieces.text()


@pytest.mark.parametrize("name", COMPUTABLE)
def test_digest_is_as_long_as_said(name: str) -> None:
    """The table's number of bits is the length of what is computed, and the text is its own canonical form."""
    text = algorithms.new(name).text()
    assert normalize(name, text) == text
    assert name == "c4" or len(text) * 4 == ALGORITHMS[name].bits


def test_together_equals_apart() -> None:
    """All algorithms fed at once give what each gives alone."""
    content = b"slate" * 50_000
    together = Digests(COMPUTABLE)
    together.update(content)
    apart = {}
    for name in COMPUTABLE:
        alone = algorithms.new(name)
        alone.update(content)
        apart[name] = alone.text()
    assert together.texts() == apart


def test_c4_and_sha512_are_one_computation() -> None:
    """c4 beside sha512 costs no second SHA-512, and a name given twice none either."""
    assert len(Digests(["c4", "sha512", "sha512"]).feeds) == 1
    assert set(Digests(["c4", "sha512"]).texts()) == {"c4", "sha512"}


def test_c4_pads_small_numbers() -> None:
    """A C4 identifier always has 90 characters, even for a digest of zeros."""
    assert algorithms.c4_text(bytes(64)) == "c4" + "1" * 88
    assert normalize("c4", algorithms.c4_text(b"\xff" * 64)) is not None


def test_offered_are_those_of_the_contract() -> None:
    """What a configuration may ask for, with the default first."""
    assert OFFERED == (
        "xxh128", "xxh3", "xxh64", "xxh32", "md5", "sha1", "sha256", "sha512", "c4", "blake3", "crc32",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["tiger", "whirlpool"])
def test_known_but_not_computable(name: str) -> None:
    """An algorithm that is only read about is in the table, and asking for it is a bug."""
    assert canonical_name(name) == name
    assert not algorithms.computable(name)
    with pytest.raises(KeyError):
        algorithms.new(name)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("XXH3_128", "xxh128"),
        ("XXH128", "xxh128"),
        ("xxhash128", "xxh128"),
        ("xxh128sum", "xxh128"),
        ("xxh3_64", "xxh3"),
        ("XXH3", "xxh3"),
        ("xxhash64be", "xxh64"),
        ("XXH64", "xxh64"),
        ("XXH32", "xxh32"),
        ("md5sum", "md5"),
        ("MD5SUMS", "md5"),
        ("SHA-1", "sha1"),
        ("sha-256", "sha256"),
        ("SHA2-256", "sha256"),
        ("sha512", "sha512"),
        ("SHA3-256", "sha3-256"),
        ("sha3_512", "sha3-512"),
        ("BLAKE2b", "blake2b"),
        ("b3sum", "blake3"),
        ("BLAKE3", "blake3"),
        ("C4", "c4"),
        ("crc-32", "crc32"),
        ("http://www.w3.org/2000/09/xmldsig#sha1", "sha1"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "sha256"),
        ("xxhash", None),
        ("crc", None),
        ("XXH64_LE", None),
        ("BLAKE2b-256", None),
        ("sum", None),
        ("", None),
    ],
)
def test_spellings(spelling: str, expected: str | None) -> None:
    """Spellings seen in the field lead to one name; the ambiguous ones and the unknown to none."""
    assert canonical_name(spelling) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("md5", " D41D8CD98F00B204E9800998ECF8427E\n", "d41d8cd98f00b204e9800998ecf8427e"),
        ("md5", "d41d8cd98f00b204e9800998ecf8427", None),
        ("md5", "d41d8cd98f00b204e9800998ecf8427g", None),
        ("xxh64", "ef46db3751d8e999ef46db3751d8e999", None),
        ("xxh64", "0000000000000000", "0000000000000000"),
        ("sha1", base64.b64encode(hashlib.sha1(b"").digest()).decode(), "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("crc32", "AAAAAA==", "00000000"),
        ("crc32", "１２３４５６７８", None),
        ("md5", "", None),
        ("c4", "c4" + "1" * 88, "c4" + "1" * 88),
        ("c4", "C4" + "1" * 88, None),
        ("c4", "c4" + "0" * 88, None),
        ("c4", "c4" + "z" * 88, None),
        ("c4", "c4" + "1" * 87, None),
        ("nonesuch", "00", None),
    ],
)
def test_normalize(name: str, text: str, expected: str | None) -> None:
    """A digest as somebody wrote it becomes the canonical text, or nothing if it cannot be one."""
    assert normalize(name, text) == expected


def test_naming_imports_no_hash_library() -> None:
    """Importing the table loads none of the libraries behind it."""
    code = (
        "import sys; from assetwatch.checksum import algorithms; "
        "print(sorted({'xxhash', 'blake3', 'hashlib', 'zlib'} & set(sys.modules)))"
    )
    project = Path(algorithms.__file__).parents[2]
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=project, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
