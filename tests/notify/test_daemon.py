"""Does the daemon itself have people told, and does it get on with its work meanwhile?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume in the daemon's care."""
    made = Bench(tmp_path, ear=True)
    yield made
    made.close()


def test_a_card_with_a_file_that_differs(bench: Bench) -> None:
    """From the copied file to the alert: its list says something else. Mended, the alert is over."""
    (bench.root / "A001").mkdir()
    (bench.root / "A001" / "clip.mov").write_bytes(b"not what was sent")
    sent = hashlib.md5(b"what was sent").hexdigest()
    (bench.root / "A001" / "A001.md5").write_text(f"{sent}  clip.mov\n")
    bench.quiesce(scan=True)
    bench.pass_time(30)
    assert bench.alerts() == ["mismatch"]
    (bench.root / "A001" / "clip.mov").write_bytes(b"what was sent")
    bench.quiesce(scan=True)
    bench.pass_time(30)
    assert bench.alerts() == []


def test_it_begins_anew(bench: Bench) -> None:
    """After a restart the room looks again."""
    bench.pass_time(30)
    before = bench.daemon._teller
    assert before is not None
    bench.restart()
    assert bench.daemon._teller is None
    bench.pass_time(30)
    assert bench.daemon._teller not in (None, before)
