"""Does a receipt prove what it says, and can anybody compute its root digest again?"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assetwatch.catalog import receipts
from tests.senders import Desk, desk_on, flip, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is scanned."""
    yield from desk_on(tmp_path)


def receipt(desk: Desk, path: str) -> dict[str, Any]:
    """The receipt for a path, as JSON carries it."""
    with desk.bench.database.read() as connection:
        made = receipts.receipt(connection, "V", path, desk.bench.now_us(), "host")
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


def computed_again(document: dict[str, Any]) -> str:
    """The root digest, from the document alone."""
    lines = []
    for one in document["entries"]:
        name = json.dumps(one.get("path_bytes", one["path"]), ensure_ascii=False)
        digests = [f"{algorithm}:{value}" for algorithm, value in sorted(one["digests"].items())]
        lines.append("\t".join([name, str(one["size"]), *digests]) + "\n")
    return "sha256:" + hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def test_verified_roll(desk: Desk) -> None:
    """Every file with what it was checked against, the lists with their own digests, and a root digest."""
    put(desk.root, {**roll(3, "A001"), "A001/A001.md5": sums(roll(3)), **roll(2, "A0011")})
    desk.settle()
    found = receipt(desk, "A001")
    assert found["complete"]
    assert found["counts"] == {"recorded": 1, "verified": 3}
    (first, *_) = [one for one in found["entries"] if one["path"] == "A001/C0001.mov"]
    assert first["state"] == "verified"
    check = first["checks"][-1]
    assert (check["what"], check["algorithm"], check["against"]) == ("verified", "md5", ["A001/A001.md5"])
    assert check["expected"] == check["computed"]
    assert found["packages"][0]["list_digests"]["A001/A001.md5"]["xxh128"]
    assert found["root_digest"] == computed_again(found)


def test_root_digest_stands_for_every_file(desk: Desk) -> None:
    """Another byte anywhere is another root digest; another moment is not."""
    put(desk.root, roll(3, "A001"))
    desk.settle()
    before = receipt(desk, "A001")["root_digest"]
    assert receipt(desk, "A001")["root_digest"] == before
    flip(desk.root / "A001/C0002.mov")
    desk.settle()
    assert receipt(desk, "A001")["root_digest"] != before


def test_awkward_names(desk: Desk) -> None:
    """Bytes that are no UTF-8, line breaks, brackets: each file is in the receipt of its folder, and recomputable."""
    folder = desk.root / "A[1]*"
    folder.mkdir()
    for name in (b"bad\xff.mov", b"two\nlines\t.mov", b"%41.mov"):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(name)
    put(desk.root, {"A1x/other.mov": b"x"})
    desk.settle()
    found = receipt(desk, "A[1]*")
    assert found["files"] == 3
    assert found["root_digest"] == computed_again(found)


def test_list_above_that_is_incomplete_elsewhere(desk: Desk) -> None:
    """What is missing in another folder does not make this one incomplete."""
    content = {**roll(2, "A001"), **roll(2, "A002")}
    put(desk.root, {**content, "all.md5": sums(content)})
    (desk.root / "A002/C0001.mov").unlink()
    desk.settle()
    assert receipt(desk, "A001")["complete"]
    assert not receipt(desk, "A002")["complete"]


def test_mismatch_is_proved_with_both_readings(desk: Desk) -> None:
    """A receipt for what is wrong says so, and why."""
    put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
    flip(desk.root / "A001/C0001.mov")
    desk.settle()
    found = receipt(desk, "A001")
    assert not found["complete"]
    wrong = next(one for one in found["entries"] if one["state"] == "mismatch")
    assert len(next(check for check in wrong["checks"] if check["what"] == "mismatch")["readings"]) == 2
