"""Does the daemon itself have people told, and does it get on with its work meanwhile?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.catalog import volumes
from tests.harness import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume in the daemon's care."""
    made = Bench(tmp_path, ear=True)
    yield made
    made.close()


def _kinds(bench: Bench) -> list[str]:
    with bench.database.read() as connection:
        return [one.kind for one in volumes.open_alerts(connection)]


def _pass(bench: Bench, seconds: int) -> None:
    """Let time pass, and the daemon do what is due."""
    for _ in range(seconds // 5):
        bench.clock.advance(5)
        bench.work()


def test_a_card_with_a_file_that_differs(bench: Bench) -> None:
    """From the copied file to the alert: its list says something else. Mended, the alert is over."""
    (bench.root / "A001").mkdir()
    (bench.root / "A001" / "clip.mov").write_bytes(b"not what was sent")
    sent = hashlib.md5(b"what was sent").hexdigest()
    (bench.root / "A001" / "A001.md5").write_text(f"{sent}  clip.mov\n")
    assert bench.ear is not None
    _pass(bench, 60)
    assert _kinds(bench) == ["mismatch"]
    (bench.root / "A001" / "clip.mov").write_bytes(b"what was sent")
    bench.ear.tell(["A001/clip.mov"])
    _pass(bench, 120)
    assert _kinds(bench) == []


def test_it_begins_anew(bench: Bench) -> None:
    """After a restart the room looks again."""
    _pass(bench, 30)
    before = bench.daemon._teller
    assert before is not None
    bench.restart()
    assert bench.daemon._teller is None
    _pass(bench, 30)
    assert bench.daemon._teller not in (None, before)
