"""What do the composition playlists of a DCP or an IMF say of the digests that the packing list has, too?

A playlist may carry the digest of each track file that it plays: ST 429-7 (Id and Hash of a reel's assets), its Interop
draft, and ST 2067-3 (TrackFileId and Hash of a resource). Both were written by the sender: they have to agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assetwatch.checksum.manifests import xml
from assetwatch.checksum.manifests.format import ExpectedDigest, Finding, ManifestFault
from assetwatch.checksum.manifests.tree import Tree
from assetwatch.paths import shown

#: What holds the references of a playlist: the reels of a DCP, the resources of an IMF.
_HOLDERS = {"Reel", "Resource"}


def contradictions(
    tree: Tree,
    path: str,
    listed: Mapping[str, tuple[str, ExpectedDigest]],
    identity: Callable[[str], str],
    digest: Callable[[xml.Element], ExpectedDigest],
) -> Iterator[Finding]:
    """A finding for each asset of which the playlist at `path` has another digest than the packing list.

    `listed` maps ids, as `identity` makes them, to an asset's path and its digest in the packing list; `digest` reads
    the Hash of an element. Whatever is no playlist, or is damaged, gives none: its own digest tells that.
    """
    try:
        with tree.open(path) as stream:
            document = xml.Document(stream, path)
            if xml.name_of(document.root) != "CompositionPlaylist":
                return
            for holder in document.elements(_HOLDERS):
                for element in holder.iter():
                    if xml.child(element, "Hash") is None:
                        continue
                    named = xml.child(element, "TrackFileId")
                    key = identity(xml.text_of(xml.child(element, "Id") if named is None else named))
                    if key in listed:
                        name, told = listed[key]
                        if _differ(told, digest(element)):
                            what = f"has another digest for {shown(name)} than the packing list"
                            yield Finding("contradiction", what, path, xml.line_of(element), wrong=True)
    except (OSError, ManifestFault):
        return


def _differ(one: ExpectedDigest, other: ExpectedDigest) -> bool:
    """Whether two digests are of one algorithm, and not the same."""
    both = {reading.algorithm: reading.text for reading in one.readings}
    return any(both.get(reading.algorithm, reading.text) != reading.text for reading in other.readings)
