"""What do people read in the morning, two mornings in a row? Told by the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer, call  # noqa: F401 - a fixture

Call = Callable[..., Answer]

SCHEDULE = """
[[deliverable]]
id = "R1-SOUND"
name = "Reel 1 turnover to sound"
kind = "sound-turnover"
from = "Editorial"
to = "Mix House"
due = 2020-01-01T18:00:00Z
  [[deliverable.item]]
  name = "AAF"
  match = "SOUND/R1/*.aaf"
  [[deliverable.item]]
  name = "Reference picture"
  match = "SOUND/R1/*.mov"

[[deliverable]]
id = "VFX-010"
name = "Shot 010"
from = "Vendor"
due = 2099-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Plate"
  match = "VFX/010/*.mov"
"""


class Nights:
    """A show whose nights pass."""

    def __init__(self, call: Call, folder: Path) -> None:  # noqa: F811
        self._call = call
        self.root = folder / "ingest"
        self.root.mkdir()
        self.reports = folder / "reports"
        (folder / "show.toml").write_text(
            f'project = "NIGHTFALL"\ntime_zone = "America/Los_Angeles"\n[catalog]\nurl = "{folder / "catalog.db"}"\n'
            f'[[volume]]\nname = "ingest"\npath = "{self.root}"\nsettle = "20ms"\n'
            f'[report]\ndirectory = "{self.reports}"\nformats = ["html", "text", "json", "csv"]\n'
        )
        (folder / "schedule.toml").write_text(SCHEDULE)
        self._args = ("--config", str(folder / "show.toml"))
        self.scan()
        self("schedule", "import", folder / "schedule.toml")

    def __call__(self, *args: str | Path) -> Answer:
        return self._call(*self._args, *args)

    def arrive(self, path: str, content: bytes) -> Path:
        """A file comes."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def scan(self) -> None:
        """What a day brought is entered."""
        assert self("scan").code in (0, 1)

    def pass_by(self) -> tuple[int, dict[str, Any], str]:
        """A day's scan, then the night's work: the exit code, the report, and the same as text."""
        self.scan()
        answer = self("report", "nightly", "--json")
        kept = {Path(path).suffix: Path(path) for path in answer.json["files"]}
        return answer.code, json.loads(kept[".json"].read_text()), kept[".txt"].read_text()


@pytest.fixture
def nights(call: Call, tmp_path: Path) -> Nights:  # noqa: F811
    """A show with a schedule and an empty volume."""
    return Nights(call, tmp_path)


def _flip(path: Path) -> None:
    """Turn one bit over, with the file's time put back, as a disk does that forgets."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_two_nights(nights: Nights) -> None:
    """The second morning tells what became of everything that the first one told."""
    clips = [nights.arrive(f"A001/A001C00{number}.mov", bytes([number]) * 5_000) for number in range(1, 6)]
    nights.arrive("SOUND/R1/r1.mov", b"reference" * 100)
    code, first, text = nights.pass_by()
    assert (code, first["severity"]) == (1, "wrong")
    assert (first["arrivals"]["files"], first["before"]) == (6, None)
    assert (first["sweep"]["checked"], first["sweep"]["mismatch"]) == (6, 0)
    (late,) = [one for one in first["deliverables"]["every"]["items"] if one["late"]]
    assert (late["id"], late["missing"]["items"], late["counts"]["arrived"]) == ("R1-SOUND", ["AAF"], 1)
    assert "R1-SOUND: Reel 1 turnover to sound: 1 of 2 here" in " ".join(text.split())

    # The day: what was missing comes, a shot comes before its time, a disk forgets a bit, and somebody tidies up.
    nights.arrive("SOUND/R1/r1.aaf", b"AAF" * 50)
    nights.arrive("VFX/010/plate.mov", b"plate" * 70)
    _flip(clips[0])
    clips[1].unlink()
    code, second, text = nights.pass_by()
    assert code == 1
    assert second["since"] == first["until"]
    assert second["arrivals"]["files"] == 2
    assert {one["from"]: one["files"] for one in second["arrivals"]["senders"]} == {"Editorial": 1, "Vendor": 1}
    assert second["deliverables"]["newly_complete"]["items"] == ["R1-SOUND", "VFX-010"]
    every = {one["id"]: one for one in second["deliverables"]["every"]["items"]}
    assert (every["R1-SOUND"]["previous"], every["R1-SOUND"]["arrived_late"]) == ("partial", True)
    assert [(one["path"], one["state"]) for one in second["files"]["problems"]["items"]] == [
        ("A001/A001C001.mov", "mismatch"),
        ("A001/A001C002.mov", "missing"),
    ]
    changes = {one["key"]: one["change"] for one in second["before"]["differences"] if one["change"]}
    assert changes == {
        "files": 1,
        "size": 150 + 350 - 5_000,
        "mismatch": 1,
        "missing": 1,
        "late": -1,
        "fulfilled": 2,
    }
    assert second["before"]["headline"] == first["headline"]
    assert second["changes"]["counts"] == {"mismatch": 1, "missing": 1}
    assert "Against the report of" in text
    assert "Newly complete: 2" in text

    # People know of both, and the third night is quiet.
    assert nights("acknowledge", "ingest:A001", "--why", "the card is copied again").code == 0
    code, third, text = nights.pass_by()
    assert third["files"]["acknowledged"] == {"mismatch": 1, "missing": 1}
    assert [need["kind"] for need in third["needs"]["items"]] == ["daemon"]
    assert (code, third["arrivals"]["files"], third["files"]["problems"]["total"]) == (0, 0, 0), third["faults"]
    assert [need["kind"] for need in third["needs"]["items"]] == ["daemon"]
    assert {one["key"]: one["change"] for one in third["before"]["differences"] if one["change"]} == {}
    page = (nights.reports / "index.html").read_text()
    assert page.count(".csv") >= 3
    assert first["headline"] in page
