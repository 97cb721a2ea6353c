"""Is an asset that a packing list splits into several files judged as a whole, and are all its files what it is?"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.senders import Desk, desk_on, flip, put, roll

_SMPTE = "http://www.smpte-ra.org/schemas/"


def dcp(assets: Mapping[str, Sequence[bytes]]) -> dict[str, bytes | str]:
    """A package of assets by name; one of several pieces is `name.1`, `name.2` ... on disk."""
    content: dict[str, bytes | str] = {}
    mapped = listed = ""
    for name, pieces in assets.items():
        chunks, offset = "", 0
        for number, piece in enumerate(pieces, 1):
            path = f"{name}.{number}" if len(pieces) > 1 else name
            content[f"DCP/{path}"] = piece
            chunks += f"<Chunk><Path>{path}</Path><Offset>{offset}</Offset><Length>{len(piece)}</Length></Chunk>"
            offset += len(piece)
        digest = base64.b64encode(hashlib.sha1(b"".join(pieces)).digest()).decode()
        mapped += f"<Asset><Id>urn:uuid:{name}</Id><ChunkList>{chunks}</ChunkList></Asset>"
        listed += f"<Asset><Id>urn:uuid:{name}</Id><Hash>{digest}</Hash><Size>{offset}</Size></Asset>"
    pkl = f'<PackingList xmlns="{_SMPTE}429-8/2007/PKL"><AssetList>{listed}</AssetList></PackingList>'
    content["DCP/ASSETMAP.xml"] = (
        f'<AssetMap xmlns="{_SMPTE}429-9/2007/AM"><AssetList><Asset><Id>urn:uuid:pkl</Id><PackingList/><ChunkList>'
        f"<Chunk><Path>PKL.xml</Path></Chunk></ChunkList></Asset>{mapped}</AssetList></AssetMap>"
    )
    content["DCP/PKL.xml"] = pkl
    return content


PIECES = list(roll(3).values())
FEATURE = [f"DCP/feature.mxf.{n}" for n in (1, 2, 3)]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is scanned."""
    yield from desk_on(tmp_path)


def test_every_file_of_a_split_asset_is_verified(desk: Desk) -> None:
    """The digest of the whole verifies all its files, and each says which part it is."""
    put(desk.root, dcp({"feature.mxf": PIECES, "sound.mxf": [b"sound"]}))
    desk.settle()
    assert [desk.integrity()[path] for path in (*FEATURE, "DCP/sound.mxf")] == ["verified"] * 4
    promise = desk.promise("DCP")
    assert promise.complete
    assert promise.sentence() == "4 of 4 files, 3.01 kB of 3.01 kB"
    assert "part 2 of 3 of feature.mxf.1" in desk.claim_rows("DCP")[FEATURE[1]].notes


@pytest.mark.parametrize("part", range(3))
def test_flipped_bit_in_any_part(desk: Desk, part: int) -> None:
    """Nobody can say which of the files is wrong: all are a mismatch, and name the asset. Both readings were made."""
    put(desk.root, dcp({"feature.mxf": PIECES, "sound.mxf": [b"sound"]}))
    flip(desk.root / FEATURE[part])
    desk.settle()
    assert [desk.integrity()[path] for path in FEATURE] == ["mismatch"] * 3
    assert desk.integrity()["DCP/sound.mxf"] == "verified"
    (problem,) = {row.problem for path, row in desk.bench.rows().items() if path == FEATURE[2]}
    assert problem is not None
    assert "part 3 of 3 of feature.mxf.1" in problem
    assert "read twice, the second time past the page cache" in problem


def test_parts_that_are_here_wait_for_the_others(desk: Desk) -> None:
    """As long as one part is missing nothing is said of the others; when it comes the whole is judged."""
    content = dcp({"feature.mxf": PIECES})
    last = content.pop(FEATURE[2])
    put(desk.root, content)
    desk.settle()
    assert [desk.claims("DCP")[path] for path in FEATURE] == ["waiting", "waiting", "missing"]
    assert desk.integrity()[FEATURE[0]] == "recorded"
    put(desk.root, {FEATURE[2]: last})
    desk.settle()
    assert [desk.integrity()[path] for path in FEATURE] == ["verified"] * 3


def test_wrong_size_of_the_whole(desk: Desk) -> None:
    """A part that is too short is told without reading, for all parts."""
    put(desk.root, dcp({"feature.mxf": PIECES}))
    (desk.root / FEATURE[1]).write_bytes(b"short")
    desk.settle()
    assert {desk.claim_rows("DCP")[path].algorithm for path in FEATURE} == {"size"}
    assert [desk.integrity()[path] for path in FEATURE] == ["mismatch"] * 3


def test_split_asset_is_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging it again, because something else came, reads no part of it; a part that is written anew does."""
    from assetwatch.checksum.manifests.tree import DiskTree

    opened = []
    honest = DiskTree.open

    def counted(self: DiskTree, path: str) -> object:
        opened.append(path)
        return honest(self, path)

    monkeypatch.setattr(DiskTree, "open", counted)
    put(desk.root, dcp({"feature.mxf": PIECES}))
    desk.settle()
    assert [path for path in opened if "feature" in path] == [path[4:] for path in FEATURE]
    opened.clear()
    put(desk.root, {"DCP/notes.txt": "extra"})
    desk.settle()
    assert desk.promise("DCP").counts["extra"] == 1
    assert not [path for path in opened if "feature" in path]
    flip(desk.root / FEATURE[0])
    os.utime(desk.root / FEATURE[0], ns=(1, 1))
    desk.settle()
    assert [desk.integrity()[path] for path in FEATURE] == ["mismatch"] * 3
    flip(desk.root / FEATURE[0])
    desk.settle()
    assert [desk.integrity()[path] for path in FEATURE] == ["verified"] * 3
