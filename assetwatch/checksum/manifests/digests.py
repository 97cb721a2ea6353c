"""Which digests can a written text be, in the encodings that manifests use?

Names and canonical texts are those of `checksum.algorithms`; what belongs to a manifest format stands here:
byte order, decimal numbers, and the ambiguity of a bare hexadecimal number.
"""

from __future__ import annotations

import functools
import re

from assetwatch.checksum import algorithms
from assetwatch.checksum.manifests.format import ExpectedDigest, Reading, basename

#: Which of several algorithms with one digest length is named first where nothing in the list tells.
_USUAL = ("md5", "xxh64", "sha1", "sha256", "sha512", "xxh128", "xxh3", "xxh32", "crc32", "blake3")
#: Cheap beside the algorithm that a name promises: a list under the wrong name then costs no second read.
_CHEAP = frozenset({"xxh128", "xxh3", "xxh64", "xxh32", "crc32"})
_HEX = re.compile(r"[0-9a-fA-F]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_WORDS = re.compile(r"[^A-Za-z0-9]+")
_FAMILIES = {
    "xxh": "xxh",
    "xxhash": "xxh",
    "xxhsum": "xxh",
    "sha": "sha",
    "sha2": "sha",
    "blake2": "blake2",
    "crc": "crc",
}
#: Algorithms that tools write and nothing here computes; a name that promises one is never read as another.
_FOREIGN = frozenset({"gost", "ripemd160", "rmd160", "ed2k", "tth", "aich", "snefru256", "sha512t256"})
#: Rare, and dear to compute: a digest is one of these only where the list says so.
_ONLY_NAMED = ("c4", "sm3")
LITTLE_ENDIAN = "byte order reversed (little-endian)"


@functools.cache
def of_length(bits: int) -> tuple[str, ...]:
    """The algorithms that can be computed here and whose digest has this length, the usual one first."""
    fitting = [
        a.name
        for a in algorithms.ALGORITHMS.values()
        if a.bits == bits and a.new is not None and a.name not in _ONLY_NAMED
    ]
    return tuple(sorted(fitting, key=lambda name: _USUAL.index(name) if name in _USUAL else len(_USUAL)))


@functools.lru_cache(maxsize=256)
def algorithm_of(spelling: str) -> str | None:
    """As `algorithms.canonical_name`, remembered: a list repeats the same few spellings on each line."""
    return algorithms.canonical_name(spelling)


def hints_in(path: str) -> frozenset[str]:
    """The algorithms, families and foreign algorithms that a list's file name promises (`MD5SUMS`, `x.xxh128`)."""
    name = basename(path).lower()
    words = [*_WORDS.split(name), name.rpartition(".")[2]]
    found = set()
    for word in words:
        bare = re.sub(r"sums?$", "", word)
        known = algorithms.canonical_name(word)
        if known:
            found.add(known)
        elif bare in _FAMILIES:
            found.add(_FAMILIES[bare])
        elif bare in _FOREIGN:
            found.add(bare)
    return frozenset(found)


def swapped(text: str) -> str:
    """A hexadecimal digest with its bytes in the other order."""
    return bytes.fromhex(text)[::-1].hex()


def looks_like_digest(text: str) -> bool:
    """Whether a text can be a digest at all: hexadecimal of a known length, C4, or base64 of a known length."""
    if _HEX.fullmatch(text):
        return bool(of_length(len(text) * 4)) or len(text) in (48, 128)
    return algorithms.normalize("c4", text) is not None or bool(_base64_bits(text))


def _base64_bits(text: str) -> int:
    """The length of a digest in base64, 0 where the text is none. Only what `cksum --base64` writes."""
    if not _BASE64.fullmatch(text) or len(text) % 4 or len(text) < 24:
        return 0
    bits = (len(text) * 3 // 4 - text.count("=")) * 8
    return bits if of_length(bits) else 0


def bare(text: str, hints: frozenset[str] = frozenset()) -> ExpectedDigest:
    """A digest of which only the text is known, and perhaps what the list's name promises (FIELD 2.3).

    Several algorithms share a length (32 hexadecimal digits are MD5 or XXH128): all that fit are readings, unless
    the name decides. The `XXH3_` that xxhsum puts before 64-bit XXH3 decides as well.
    """
    if _HEX.fullmatch(text):
        canonical, bits = text.lower(), len(text) * 4
    elif text[:5].upper() == "XXH3_":
        return tagged("xxh3", text[5:])
    elif algorithms.normalize("c4", text):
        return ExpectedDigest(text, (Reading("c4", text),))
    else:
        canonical, bits = "", _base64_bits(text)
    ways, note = _ways(bits, hints)
    if ways and not canonical:
        canonical = algorithms.normalize(ways[0][0], text) or ""
    # `xxhsum --little-endian` leaves no trace in an untagged list.
    readings = [
        Reading(name, swapped(canonical), LITTLE_ENDIAN) if other_order else Reading(name, canonical)
        for name, other_order in ways
    ]
    return ExpectedDigest(text, tuple(readings), note=note)


@functools.cache
def _ways(bits: int, hints: frozenset[str]) -> tuple[tuple[tuple[str, bool], ...], str]:
    """How a digest of this length can be read, as (algorithm, whether in the other byte order), and why it cannot."""
    if hints & _FOREIGN:
        return (), f"{', '.join(sorted(hints & _FOREIGN))} cannot be computed here"
    fitting = of_length(bits) if bits else ()
    if "sm3" in hints and bits == algorithms.ALGORITHMS["sm3"].bits:
        return ((("sm3", False),), "") if algorithms.computable("sm3") else ((), "sm3 cannot be computed here")
    if not fitting:
        return (), "no algorithm known here has a digest of this length"
    families = hints & frozenset(_FAMILIES.values())
    named = [name for name in fitting if name in hints or name.startswith(tuple(families))]
    if not named:
        other_order = [(name, True) for name in fitting if name.startswith("xxh")]
        return (*((name, False) for name in fitting), *other_order), ""
    swaps = [(name, True) for name in named if name.startswith("xxh")]
    cheap = [(name, False) for name in fitting if name in _CHEAP and name not in named]
    return (*((name, False) for name in named), *swaps, *cheap), ""


def tagged(tag: str, text: str, action: str = "") -> ExpectedDigest:
    """A digest whose algorithm the list names. An unknown name or a text of another length has no readings."""
    little = tag.upper().endswith("_LE")
    name = algorithm_of(tag[:-3] if little else tag)
    if name is None:
        return ExpectedDigest(text, (), action, f"algorithm {tag} is not known here")
    canonical = algorithms.normalize(name, text)
    if canonical is None:
        return ExpectedDigest(text, (), action, f"not a digest of {name}: wrong length or characters")
    if not algorithms.computable(name):
        return ExpectedDigest(text, (), action, f"{name} cannot be computed here")
    reading = Reading(name, swapped(canonical), LITTLE_ENDIAN) if little else Reading(name, canonical)
    return ExpectedDigest(text, (reading,), action)


def xxh32_decimal(text: str) -> ExpectedDigest:
    """The content of `<xxhash>` in MHL 1.x: XXH32 as an unsigned decimal number of up to 10 digits.

    Sloppy tools write 8 hexadecimal digits, or another XXH of 16 or 32, under the same tag: read as well.
    """
    text = text.strip()
    readings = []
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < 1 << 32:
        readings.append(Reading("xxh32", f"{int(text):08x}"))
    if len(text) == 8 and _HEX.fullmatch(text):
        readings.append(Reading("xxh32", text.lower(), "hexadecimal where MHL 1.1 has a decimal number"))
    if readings:
        return ExpectedDigest(text, tuple(readings))
    if len(text) == 16 and _HEX.fullmatch(text):
        return either_order(text)
    if len(text) == 32 and _HEX.fullmatch(text):
        return ExpectedDigest(text, (Reading("xxh128", text.lower(), "XXH128 under the tag of XXH32"),))
    return ExpectedDigest(text, (), note="not a number that XXH32 can be")


def either_order(text: str) -> ExpectedDigest:
    """The content of `<xxhash64>`: little-endian by MHL 1.1, big-endian in lists of some tools. Both are read."""
    canonical = algorithms.normalize("xxh64", text)
    if canonical is None:
        return ExpectedDigest(text, (), note="not a digest of xxh64: wrong length or characters")
    return ExpectedDigest(
        text,
        (
            Reading("xxh64", swapped(canonical)),
            Reading("xxh64", canonical, "big-endian under a tag that MHL 1.1 has as little-endian"),
        ),
    )
