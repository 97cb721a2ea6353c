"""How is a hashdeep list read? (File format 1.0: two header lines, comments, comma-separated lines without quoting.)"""

from __future__ import annotations

from collections.abc import Iterator

from assetwatch.checksum.manifests import digests
from assetwatch.checksum.manifests.format import Entry, Finding, Manifest, ManifestFault, Report, number_of, parent
from assetwatch.checksum.manifests.resolve import path_text
from assetwatch.checksum.manifests.text import encoding_of, lines
from assetwatch.checksum.manifests.tree import Tree

_MAGIC = "%%%% HASHDEEP-1."


class Hashdeep:
    """The format of `hashdeep`. Paths are often absolute: they are moved to where the list lies, with a remark."""

    name = "hashdeep"
    names = r"\.(?:txt|hashdeep|hsh)$|^[^.]*$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by its first line."""
        if not head:
            return 30 if name.lower().endswith((".txt", ".hashdeep", ".hsh")) or "." not in name else 0
        encoding, mark = encoding_of(head)
        return 95 if head[mark:].decode(encoding, "replace").startswith(_MAGIC) else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`. The name is the last column and may hold commas."""

        def entries(report: Report) -> Iterator[Entry]:
            columns: list[str] = []
            found = 0
            with tree.open(path) as stream:
                for number, line in lines(stream, path, report):
                    if line.startswith("%%%%"):
                        if not line.startswith(_MAGIC):
                            columns = [name.strip().lower() for name in line[4:].split(",")]
                        continue
                    if line.startswith("#"):
                        continue
                    if not columns or columns[-1] != "filename":
                        raise ManifestFault(
                            path, number, "no header names the columns.", "The list is cut off at its start."
                        )
                    entry = _entry(columns, line, number)
                    if entry is None:
                        report(
                            Finding("bad-line", "not a line of a hashdeep list: passed over", path, number, wrong=True)
                        )
                        continue
                    found += 1
                    yield entry
            if not found:
                raise ManifestFault(path, None, "the list has no entry.")

        return Manifest(self.name, path, parent(path), entries, own_files=frozenset({path}))


def _entry(columns: list[str], line: str, number: int) -> Entry | None:
    values = line.split(",", len(columns) - 1)
    if len(values) != len(columns) or not values[-1]:
        return None
    size: int | None = None
    found = []
    for column, value in zip(columns, values[:-1], strict=False):
        if column == "size":
            size = number_of(value)
            if size is None:
                return None
        else:
            found.append(digests.tagged(column, value))
    return Entry(path_text(values[-1]), size, tuple(found), number)
