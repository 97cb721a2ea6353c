"""Are frames looked for where something arrived, on volumes that are there, and not for longer than there is time?"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from assetwatch.clock import SystemClock
from assetwatch.paths import from_os
from assetwatch.report.basics import Place, Some
from assetwatch.report.coordinators import Arrivals, Sender
from assetwatch.report.pictures import Pictures, pictures_for
from assetwatch.report.value import Report

from .samples import arrival, night, volume


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A picture, drawn by the library that decodes it."""
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("still") / "plate.png"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "rgb24"
        frame = av.VideoFrame(320, 180, "rgb24")
        frame.planes[0].update(bytes(range(256)) * (frame.planes[0].buffer_size // 256))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def _report(root: Path, *places: tuple[Place, ...], online: bool = True) -> Report:
    came = [arrival(f"ingest:A00{number}", 3, 300, pictures=some) for number, some in enumerate(places)]
    state = replace(volume("ingest", 1e12, 5e11, 0), root=from_os(str(root)), online=online)
    sender = Sender("Camera", 3, 300, Some.of(came, 9))
    return replace(night(), arrivals=Arrivals(3, 300, (sender,)), volumes=(state,))


def test_one_of_each_place_first(tmp_path: Path, still: bytes) -> None:
    """What cannot be shown costs its own picture; a place whose first file has none is shown by its second."""
    (tmp_path / "good.png").write_bytes(still)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    good, bad = Place("ingest", "good.png"), Place("ingest", "bad.png")
    found = pictures_for(_report(tmp_path, (bad, good)), SystemClock(), 30)
    assert list(found.of) == [good]
    assert found.of[good].startswith(b"\xff\xd8")


def test_volumes_that_are_away_are_not_asked(tmp_path: Path, still: bytes) -> None:
    """Of an offline volume there is no picture, and no word about it."""
    (tmp_path / "good.png").write_bytes(still)
    report = _report(tmp_path, (Place("ingest", "good.png"),), online=False)
    assert pictures_for(report, SystemClock(), 30) == Pictures()


def test_not_when_told_to_stop(tmp_path: Path, still: bytes) -> None:
    """A night that has to end does not look for pictures."""
    (tmp_path / "good.png").write_bytes(still)
    stop = threading.Event()
    stop.set()
    assert pictures_for(_report(tmp_path, (Place("ingest", "good.png"),)), SystemClock(), 30, stop) == Pictures()
