"""How is an SFV list read? One line a file: its name, white space, CRC-32 in eight hexadecimal digits."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from assetwatch.checksum.manifests.text import lines
from assetwatch.checksum.manifests.tree import Tree

#: The digest stands last, because names may hold spaces; MD5 and SHA-1 occur in lists of the same shape.
_LINE = re.compile(r"(.+?)[ \t]+([0-9a-fA-F]{8}|[0-9a-fA-F]{32}|[0-9a-fA-F]{40})[ \t]*")


class Sfv:
    """The format of `.sfv` lists. CRC-32 finds accidents, not intent: what it proves is said as weak."""

    name = "sfv"
    names = r"\.c?sfv$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by extension."""
        return 90 if basename(name).lower().endswith((".sfv", ".csfv")) else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. Lines that start with `;` are comments."""

        def entries(report: Report) -> Iterator[Entry]:
            found = 0
            with tree.open(path) as stream:
                for number, line in lines(stream, path, report):
                    if line.startswith(";") or not line.strip():
                        continue
                    match = _LINE.fullmatch(line)
                    if match is None:
                        report(Finding("bad-line", "not a line of an SFV list: passed over", path, number, wrong=True))
                        continue
                    found += 1
                    yield Entry(path_text(match[1]), digests=(_digest(match[2]),), line=number)
            if not found:
                raise ManifestFault(path, None, "no line of it is an entry of an SFV list.")

        weak = Finding("weak-digest", "CRC-32 finds accidental damage only", path)
        return Manifest(self.name, path, parent(path), entries, (weak,), own_files=frozenset({path}))


def _digest(text: str) -> ExpectedDigest:
    return digests.tagged("crc32", text) if len(text) == 8 else digests.bare(text)
