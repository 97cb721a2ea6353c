"""Which digests are there, what are they called, and how are they written?

| name | digest text |
| --- | --- |
| xxh128, xxh3, xxh64, xxh32 | seed 0, big-endian ("canonical") hexadecimal, as xxhsum prints it |
| md5 (RFC 1321), sha1, sha256, sha512 (FIPS 180-4), blake3, crc32 (ISO-HDLC, as in SFV) | hexadecimal |
| c4 (SMPTE ST 2114) | `c4` and SHA-512 as 88 digits in base 58 |

The hash libraries are imported when a digest is first asked for, so that naming one costs nothing.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

Buffer = bytes | bytearray | memoryview


class Hasher(Protocol):
    """One digest in the making."""

    def update(self, buffer: Buffer, /) -> object:
        """Take in the next bytes."""
        ...

    def text(self) -> str:
        """The canonical text of the digest of everything taken in so far."""
        ...


class _Raw(Protocol):
    """What the hash libraries give."""

    def update(self, buffer: Buffer, /) -> object: ...

    def hexdigest(self) -> str: ...


class _Hex:
    """A library's object whose canonical text is its hexadecimal digest."""

    __slots__ = ("text", "update")

    def __init__(self, raw: _Raw) -> None:
        self.update: Callable[[Buffer], object] = raw.update
        self.text: Callable[[], str] = raw.hexdigest


class _C4:
    """SHA-512 written as a C4 identifier."""

    __slots__ = ("_raw", "update")

    def __init__(self, raw: _Raw) -> None:
        self._raw = raw
        self.update: Callable[[Buffer], object] = raw.update

    def text(self) -> str:
        return c4_text(bytes.fromhex(self._raw.hexdigest()))


class _Crc32:
    """CRC-32 with the polynomial of ISO-HDLC: zip, PNG and SFV use the same."""

    __slots__ = ("_feed", "_value")

    def __init__(self) -> None:
        import zlib

        self._feed = zlib.crc32
        self._value = 0

    def update(self, buffer: Buffer) -> None:
        self._value = self._feed(buffer, self._value)

    def text(self) -> str:
        return f"{self._value:08x}"


@functools.cache
def _xxhash(name: str) -> Callable[[], _Raw]:
    import xxhash

    constructor: Callable[[], _Raw] = getattr(xxhash, name)
    return constructor


@functools.cache
def _hashlib(name: str) -> Callable[[], _Raw]:
    import hashlib

    # A machine in FIPS mode refuses md5 and sha1 unless told that nothing secret hangs on them.
    return functools.partial(getattr(hashlib, name), usedforsecurity=False)


@functools.cache
def _sm3() -> Callable[[], _Raw] | None:
    """SM3 (GB/T 32905), which `cksum -a sm3` writes, where this machine's OpenSSL has it."""
    import hashlib

    constructor = functools.partial(hashlib.new, "sm3", usedforsecurity=False)
    try:
        constructor()
    except ValueError:
        return None
    return constructor


def _new_sm3() -> Hasher:
    constructor = _sm3()
    if constructor is None:
        raise KeyError("sm3")
    return _Hex(constructor())


@functools.cache
def _blake3() -> Callable[[], _Raw]:
    import blake3

    constructor: Callable[[], _Raw] = blake3.blake3
    return constructor


def _from_xxhash(name: str) -> Callable[[], Hasher]:
    return lambda: _Hex(_xxhash(name)())


def _from_hashlib(name: str) -> Callable[[], Hasher]:
    return lambda: _Hex(_hashlib(name)())


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One kind of digest.

    `bits` is the digest's length. `new` gives a fresh Hasher; it is None where the digest can be read in a
    manifest but not computed here. `offered` says whether it may be asked for by name in the configuration;
    the others are computed only where a manifest gives nothing else.
    """

    name: str
    bits: int
    new: Callable[[], Hasher] | None
    offered: bool = True


ALGORITHMS: Final[Mapping[str, Algorithm]] = MappingProxyType(
    {
        algorithm.name: algorithm
        for algorithm in (
            Algorithm("xxh128", 128, _from_xxhash("xxh3_128")),
            Algorithm("xxh3", 64, _from_xxhash("xxh3_64")),
            Algorithm("xxh64", 64, _from_xxhash("xxh64")),
            Algorithm("xxh32", 32, _from_xxhash("xxh32")),
            Algorithm("md5", 128, _from_hashlib("md5")),
            Algorithm("sha1", 160, _from_hashlib("sha1")),
            Algorithm("sha256", 256, _from_hashlib("sha256")),
            Algorithm("sha512", 512, _from_hashlib("sha512")),
            Algorithm("c4", 512, lambda: _C4(_hashlib("sha512")())),
            Algorithm("blake3", 256, lambda: _Hex(_blake3()())),
            Algorithm("crc32", 32, _Crc32),
            Algorithm("sha224", 224, _from_hashlib("sha224"), offered=False),
            Algorithm("sha384", 384, _from_hashlib("sha384"), offered=False),
            Algorithm("sha3-224", 224, _from_hashlib("sha3_224"), offered=False),
            Algorithm("sha3-256", 256, _from_hashlib("sha3_256"), offered=False),
            Algorithm("sha3-384", 384, _from_hashlib("sha3_384"), offered=False),
            Algorithm("sha3-512", 512, _from_hashlib("sha3_512"), offered=False),
            Algorithm("blake2b", 512, _from_hashlib("blake2b"), offered=False),
            Algorithm("blake2s", 256, _from_hashlib("blake2s"), offered=False),
            Algorithm("sm3", 256, _new_sm3, offered=False),
            Algorithm("tiger", 192, None, offered=False),
            Algorithm("whirlpool", 512, None, offered=False),
        )
    }
)

#: The names that a configuration or a command may ask for (contract, part 3); the first is the default.
OFFERED: Final = tuple(algorithm.name for algorithm in ALGORITHMS.values() if algorithm.offered)


def new(name: str) -> Hasher:
    """A fresh hasher for the algorithm of this canonical name.

    An unknown name, or one that cannot be computed here, is a bug of the caller: KeyError.
    """
    constructor = ALGORITHMS[name].new
    if constructor is None:
        raise KeyError(name)
    return constructor()


def computable(name: str) -> bool:
    """Whether `new` knows this canonical name."""
    algorithm = ALGORITHMS.get(name)
    if name == "sm3":
        return _sm3() is not None
    return algorithm is not None and algorithm.new is not None


class Digests:
    """Several digests of the same bytes, fed together.

    `names` are canonical names, each at most once in the outcome. c4 and sha512 asked for together
    share one computation, because c4 is only another way of writing SHA-512 down.
    """

    __slots__ = ("_hashers", "_shared_c4", "feeds")

    def __init__(self, names: Iterable[str]) -> None:
        self._hashers = {name: new(name) for name in dict.fromkeys(names)}
        self._shared_c4 = "c4" in self._hashers and "sha512" in self._hashers
        if self._shared_c4:
            del self._hashers["c4"]
        #: What each buffer must be given to; a reader calls these itself to spare a call for each piece.
        self.feeds = tuple(hasher.update for hasher in self._hashers.values())

    def update(self, buffer: Buffer) -> None:
        """Take in the next bytes."""
        for feed in self.feeds:
            feed(buffer)

    def texts(self) -> dict[str, str]:
        """Canonical name -> canonical text."""
        texts = {name: hasher.text() for name, hasher in self._hashers.items()}
        if self._shared_c4:
            texts["c4"] = c4_text(bytes.fromhex(texts["sha512"]))
        return texts


_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_C4_DIGITS: Final = 88
_C4_TEXT: Final = re.compile(f"c4[{_BASE58}]{{{_C4_DIGITS}}}")


def c4_text(sha512: bytes) -> str:
    """The C4 identifier of a SHA-512 digest of 64 bytes.

    SMPTE ST 2114: the digest as one big-endian number in base 58, padded on the left with the digit for
    zero (`1`) to 88 digits, after the letters `c4`.
    """
    number = int.from_bytes(sha512, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    return "c4" + "".join(reversed(digits)).rjust(_C4_DIGITS, _BASE58[0])


def _is_c4(text: str) -> bool:
    """Whether `text` is a C4 identifier: 88 base-58 digits can also write numbers above 512 bits."""
    if not _C4_TEXT.fullmatch(text):
        return False
    number = 0
    for digit in text[2:]:
        number = number * 58 + _BASE58.index(digit)
    return number < 1 << 512


_HEX: Final = re.compile(r"[0-9a-fA-F]+")


def normalize(name: str, text: str) -> str | None:
    """The canonical text of a digest that somebody wrote down; None where it cannot be one of that algorithm.

    Accepted, with white space around it: hexadecimal in any case and exactly as long as the digest; and
    base64 of exactly the digest's bytes (packing lists of ST 429-8, `cksum --base64`). The two differ in length
    or padding for every algorithm here. A C4 identifier is case-sensitive and stays as it is.
    """
    algorithm = ALGORITHMS.get(name)
    if algorithm is None:
        return None
    text = text.strip()
    if name == "c4":
        return text if _is_c4(text) else None
    if len(text) * 4 == algorithm.bits and _HEX.fullmatch(text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) * 8 == algorithm.bits else None


_SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name.replace("-", ""): name for name in ALGORITHMS},
        "xxhash128": "xxh128",
        "xxh3128": "xxh128",
        "xxhash3128": "xxh128",
        "xxh364": "xxh3",
        "xxhash3": "xxh3",
        "xxhash364": "xxh3",
        "xxhash64": "xxh64",
        "xxh64be": "xxh64",
        "xxhash64be": "xxh64",
        "xxhash32": "xxh32",
        "sha160": "sha1",
        "sha2224": "sha224",
        "sha2256": "sha256",
        "sha2384": "sha384",
        "sha2512": "sha512",
        "c4id": "c4",
        "b3": "blake3",
        "b2": "blake2b",
        "blake2b512": "blake2b",
        "blake2s256": "blake2s",
        "crc32b": "crc32",
        "tiger192": "tiger",
    }
)
_SEPARATORS: Final = re.compile(r"[\s_./-]+")
_SUFFIX: Final = re.compile(r"sums?$")


def canonical_name(spelling: str) -> str | None:
    """The canonical name for a spelling found in the field; None where it is unknown or ambiguous.

    Case and separators do not count (`XXH3_128`, `sha-256`, `SHA2-256`), nor does the ending of a tool
    (`md5sum`, `SHA1SUMS`); of a URI the fragment counts (`http://www.w3.org/2000/09/xmldsig#sha1`).
    `xxhash` alone is ambiguous: XXH32 in MHL 1.x, XXH64 elsewhere. `crc` alone is: POSIX cksum or CRC-32.
    """
    folded = _SEPARATORS.sub("", spelling.rpartition("#")[2].lower())
    return _SPELLINGS.get(folded) or _SPELLINGS.get(_SUFFIX.sub("", folded))
