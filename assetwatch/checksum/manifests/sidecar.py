"""How is the media checksum in an AS-11 delivery sidecar read? (UK DPP: one XML file beside one programme file.)"""

from __future__ import annotations

from collections.abc import Iterator

from assetwatch.checksum.manifests import digests, xml
from assetwatch.checksum.manifests.format import Entry, Manifest, ManifestFault, Report, basename, parent
from assetwatch.checksum.manifests.resolve import path_text
from assetwatch.checksum.manifests.tree import Tree

_VALUE = "MediaChecksumValue"
_TYPE = "MediaChecksumType"
_NAMES = ("MediaFileName", "FileName", "Filename")


class As11Sidecar:
    """The format of an XML sidecar with `MediaChecksumValue`, which is of the MXF file with the same name."""

    name = "as-11"
    names = r"\.xml$"

    def recognizes(self, name: str, head: bytes) -> int:
        """As `ManifestFormat.recognizes`: by its root element's company, since its own name varies."""
        if not basename(name).lower().endswith(".xml"):
            return 0
        if not head:
            return 5
        text = head.replace(b"\0", b"")
        return 60 if _VALUE.encode() in text else 20 if b"UKDPP" in text or b"AS-11" in text or b"AS11" in text else 0

    def read(self, tree: Tree, path: str) -> Manifest:
        """As `ManifestFormat.read`."""

        def entries(report: Report) -> Iterator[Entry]:
            tag, text, file, line = "", "", "", None
            with tree.open(path) as stream:
                for element in xml.Document(stream, path).elements({_VALUE, _TYPE, *_NAMES}):
                    match xml.name_of(element):
                        case "MediaChecksumValue":
                            text, line = xml.text_of(element).strip(), xml.line_of(element)
                        case "MediaChecksumType":
                            tag = xml.text_of(element).strip()
                        case _:
                            file = xml.text_of(element).strip()
            if not text:
                raise ManifestFault(path, None, f"there is no {_VALUE} in it.", "The file is no AS-11 sidecar.")
            digest = digests.tagged(tag, text) if tag else digests.bare(text)
            stem = basename(path).rpartition(".")[0]
            yield Entry(path_text(file) or f"{stem}.mxf", None, (digest,), line)

        return Manifest(self.name, path, parent(path), entries, own_files=frozenset({path}), lists_all=False)
