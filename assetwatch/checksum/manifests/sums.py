"""How is a sum file read, whichever of the tools wrote it?

coreutils (`*sum`, `--tag`, `cksum --base64`, `--zero`), BSD and macOS `md5`, `openssl dgst`, `xxhsum`, `b3sum`,
`shasum -U`, `rhash` and `md5deep -z` each have their own line. What a line is, is told by its own shape; only the
second separator character is told by the list as a whole, as coreutils does it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from assetwatch.checksum.manifests import digests
from assetwatch.checksum.manifests.format import (
    Entry,
    ExpectedDigest,
    Finding,
    Manifest,
    ManifestFault,
    Report,
    basename,
    parent,
)
from assetwatch.checksum.manifests.resolve import path_text
from assetwatch.checksum.manifests.text import encoding_of, lines, separator_of
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.paths import to_os

_HEAD = 64 * 1024
#: What `_shape` says of text most of whose first lines are those of a sum file.
_SOME = 1
_EXTENSIONS = frozenset(
    {
        "md5",
        "md5sum",
        "sha1",
        "sha1sum",
        "sha",
        "sha224",
        "sha256",
        "sha256sum",
        "sha384",
        "sha512",
        "sha512sum",
        "sha2",
        "sha3",
        "b2",
        "b2sum",
        "blake2",
        "b3",
        "b3sum",
        "blake3",
        "xxh",
        "xxh32",
        "xxh64",
        "xxh128",
        "xxh3",
        "xxhash",
        "xxhsum",
        "xxsum",
        "c4",
        "crc",
        "crc32",
        "exf",
        "bsdmd5",
        "checksum",
        "checksums",
        "hash",
        "hashes",
        "sum",
        "sums",
    }
)
_SUMS_NAME = re.compile(r"(?:[a-z0-9-]+sums?|checksums?|hashes|manifest-[a-z0-9]+)(?:\.txt|\.asc)?", re.IGNORECASE)
#: `SHA256 (name) = digest`, `SHA2-256(name)= digest`; rhash pads the algorithm's name with spaces.
_TAGGED = re.compile(r"([A-Za-z][A-Za-z0-9_./-]*) *\((.*)\) ?= ?([A-Za-z0-9+/=_]+)\s*", re.DOTALL)
_DIGEST_FIRST = re.compile(r"((?:XXH3_)?[A-Za-z0-9+/]{8,}={0,2})([ \t])(.+)", re.DOTALL)
_SIZE_FIRST = re.compile(r"\s*(\d{1,20})\s+([0-9a-fA-F]{32,128}) [ *](.+)", re.DOTALL)
_NAME_FIRST = re.compile(r"(.+?)((?:\s+[0-9a-fA-F]{8,128})+)\s*", re.DOTALL)
_POSIX_CKSUM = re.compile(r"(\d{1,10}) (\d{1,20}) (.+)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPED = {"\\": "\\", "n": "\n", "r": "\r"}
#: What stands between the digest's space and the name, by the style of the whole list.
_MARKS = {"gnu": " *", "bsd": "", "universal": "U", "portable": "?"}


def unescaped(name: str) -> str | None:
    """A name after the escapes of coreutils (`\\\\`, `\\n`, `\\r`), None where another one stands in it."""
    wrong = [m[1] for m in _ESCAPE.finditer(name) if m[1] not in _ESCAPED or not m[1]]
    return None if wrong else _ESCAPE.sub(lambda m: _ESCAPED[m[1]], name)


class SumLine:
    """Reads the lines of one list.

    `hints` are the algorithms that the list's name promises, `style` a key of `_MARKS`, `escapes` whether a
    leading backslash means an escaped name.
    """

    def __init__(self, hints: frozenset[str], style: str = "gnu", escapes: bool = True) -> None:
        self._hints, self._style, self._escapes = hints, style, escapes

    def read(self, line: str, number: int) -> Entry | None:
        """The entry on this line, None where it is none."""
        escaped = self._escapes and line.startswith("\\")
        if escaped:
            line = line[1:]
        tagged = _TAGGED.fullmatch(line) if "(" in line else None
        if tagged and (digests.looks_like_digest(tagged[3]) or tagged[3][:5] == "XXH3_"):
            return self._entry(
                tagged[2], (digests.tagged(tagged[1], tagged[3].removeprefix("XXH3_")),), number, escaped
            )
        first = _DIGEST_FIRST.fullmatch(line)
        if first:
            digest = digests.bare(first[1], self._hints)
            if digest.readings or digests.looks_like_digest(first[1]):
                name, other = self._name(first[3])
                return self._entry(name, (digest,), number, escaped, other) if name else None
        return self._rarer(line, number)

    def _rarer(self, line: str, number: int) -> Entry | None:
        sized = _SIZE_FIRST.fullmatch(line)
        if sized:
            return self._entry(sized[3], (digests.bare(sized[2], self._hints),), number, False, size=int(sized[1]))
        named = _NAME_FIRST.fullmatch(line)
        if named:
            found = tuple(digests.bare(text, self._hints) for text in named[2].split())
            if any(digest.readings for digest in found):
                return self._entry(named[1].rstrip(), found, number, False)
        posix = _POSIX_CKSUM.fullmatch(line)
        if posix and "crc" not in self._hints:
            written = ExpectedDigest(posix[1], (), note="the CRC of POSIX cksum is not computed here")
            return self._entry(posix[3], (written,), number, False, size=int(posix[2]))
        return None

    def _name(self, rest: str) -> tuple[str, str]:
        """The name after the digest and one space, and how else it may be read."""
        marks = _MARKS[self._style]
        if marks and rest[0] in marks:
            return rest[1:], rest if rest[0] != " " else ""
        return rest, ""

    def _entry(
        self,
        name: str,
        found: tuple[ExpectedDigest, ...],
        number: int,
        escaped: bool,
        other: str = "",
        size: int | None = None,
    ) -> Entry | None:
        if escaped:
            plain = unescaped(name)
            if plain is None:
                return None
            name, other = plain, ""
        return Entry(path_text(name), size, found, number, (path_text(other),) if other else ())


def style_of(text: list[str]) -> str:
    """What stands before the names of a list, from its first lines: two characters (GNU), one (BSD), `U` or `?`."""
    seen: Counter[str] = Counter()
    for line in text:
        first = _DIGEST_FIRST.fullmatch(line.removeprefix("\\"))
        if first and digests.looks_like_digest(first[1].removeprefix("XXH3_")):
            seen[first[3][0]] += 1
    total = seen.total()
    if not total or seen[" "] + seen["*"] > 0:
        return "gnu"
    if seen["U"] == total:
        return "universal"
    return "portable" if seen["?"] == total else "bsd"


class SumFile:
    """The format of every list that has one line a file and a digest in it."""

    name = "sums"
    names = rf"\.(?:{'|'.join(sorted(_EXTENSIONS))}|txt)?$|^[^.]*$|^{_SUMS_NAME.pattern}$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by extension, by a name such as SHA256SUMS, or by its first lines."""
        short = basename(name).lower()
        extension = short.rpartition(".")[2] if "." in short else ""
        named = extension in _EXTENSIONS or bool(_SUMS_NAME.fullmatch(short))
        usual = extension in ("txt", "")
        if not head:
            return 60 if named else 20 if usual else 0
        shape = _shape(short, head)
        if named:
            return 85 if shape > _SOME else 60
        return (0, 30, 45, 55 if usual else 45)[shape]

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. A list without a single entry is a ManifestFault when its entries are read."""
        with tree.open(path) as stream:
            head = stream.read(_HEAD)
        separator = separator_of(head)
        hints = digests.hints_in(path)
        reader = SumLine(hints, style_of(_first_lines(head)), escapes=separator != "\0")

        def entries(report: Report) -> Iterator[Entry]:
            last: Entry | None = None
            with tree.open(path) as stream:
                for number, line in lines(stream, path, report):
                    entry = reader.read(line, number)
                    if entry is not None:
                        if last is not None:
                            yield last
                        last = entry
                    elif line[0] not in "#;" and line.strip():
                        report(Finding("bad-line", "not a line of a sum file: passed over", path, number, wrong=True))
                        last = _continued(last, line)
            if last is not None:
                yield last
            else:
                what = "no line of it is an entry of a sum file."
                raise ManifestFault(path, None, what, "Give the list itself, not the files it describes.")

        return Manifest(
            self.name, path, parent(path), entries, own_files=frozenset({path}), lists_all=not _sidecar(tree, path)
        )


def _continued(entry: Entry | None, line: str) -> Entry | None:
    """The entry, whose name may go on in this line: xxhsum up to 0.8.1 writes line breaks in names as they are."""
    if entry is None or len(entry.spellings) > 3:
        return entry
    longest = entry.spellings[-1] if entry.spellings else entry.path
    return replace(entry, spellings=(*entry.spellings, path_text(f"{to_os(longest)}\n{line}")))


def _sidecar(tree: Tree, path: str) -> bool:
    """Whether the list is named after one file beside it (`A001C001.mov.md5`): it lists no folder."""
    stem, _, extension = basename(path).rpartition(".")
    return extension.lower() in _EXTENSIONS and any(found.name == stem for found in tree.names(parent(path)))


def _first_lines(head: bytes) -> list[str]:
    encoding, mark = encoding_of(head)
    text = head[mark:].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    separator = separator_of(head)
    found = text.split(separator)
    if len(head) >= 4096:
        found = found[:-1]
    return [line.rstrip("\r") if separator == "\n" else line for line in found[:200]]


def _shape(name: str, head: bytes) -> int:
    """How much the first lines are those of a sum file: 0 not, 1 most, 2 with short digests only, 3 certainly."""
    reader = SumLine(digests.hints_in(name), escapes=separator_of(head) != "\0")
    strong = weak = bad = 0
    for number, line in enumerate(_first_lines(head), 1):
        if not line.strip() or line[0] in "#;":
            continue
        entry = reader.read(line, number)
        if entry is None:
            bad += 1
        elif any(len(digest.written) >= 16 for digest in entry.digests):
            strong += 1
        else:
            weak += 1
    if bad > (strong + weak) // 10:
        # With a heading, or a few lines of something else: a list where a person says so, as for `md5sum -c`.
        return _SOME if strong > bad else 0
    return 3 if strong > weak else 2 if strong + weak else 0
