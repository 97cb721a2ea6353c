"""Are sequences drawn as the names on disk say, kept the same ones as they grow, and probed at their ends only?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from assetwatch.catalog import tables as t
from tests.harness import Bench

EXR = b"\x76\x2f\x31\x01" + b"\0" * 60


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume in care."""
    bench = Bench(tmp_path, rescan="30d")
    yield bench
    bench.close()


def shoot(bench: Bench, name: str, frames: range | list[int], content: bytes = EXR) -> None:
    """Frames of one sequence, each with content of its own."""
    for frame in frames:
        file = bench.root / (name % frame)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content and content + b"%08d" % frame)


def names(bench: Bench) -> list[str]:
    return [row[0] for row in bench.sequences()]


def ids(bench: Bench) -> list[int]:
    with bench.database.read() as connection:
        return list(connection.execute(select(t.sequence.c.id).order_by(t.sequence.c.name)).scalars())


def states(bench: Bench) -> list[tuple[str, str]]:
    with bench.database.read() as connection:
        query = select(t.sequence.c.presence, t.sequence.c.integrity).order_by(t.sequence.c.name)
        return [(presence, integrity) for presence, integrity in connection.execute(query)]


def test_frames_are_one_sequence(bench: Bench) -> None:
    """First, last, count, what is missing and what is empty."""
    shoot(bench, "vfx/plate.%04d.exr", [1001, 1002, 1003, 1006])
    shoot(bench, "vfx/plate.%04d.exr", [1004], b"")
    bench.quiesce()
    assert [row[:6] for row in bench.sequences()] == [
        ("vfx/plate.[1001-1006].exr", 1001, 1006, 5, "1005", "1004"),
    ]
    assert states(bench) == [("present", "recorded")]


def test_single_numbered_file_is_no_sequence(bench: Bench) -> None:
    """One frame stands alone, and is probed like any file."""
    shoot(bench, "plate.%04d.exr", [1001])
    bench.quiesce()
    assert names(bench) == []
    assert bench.prober.names == ["plate.1001.exr"]


def test_sequence_that_grows_stays_the_same_one(bench: Bench) -> None:
    """Frames that come later, before or behind, do not make another sequence of it."""
    shoot(bench, "plate.%04d.exr", range(1001, 1005))
    bench.quiesce()
    before = ids(bench)
    shoot(bench, "plate.%04d.exr", [999, 1000, *range(1005, 1020)])
    bench.quiesce(scan=True)
    assert ids(bench) == before
    assert names(bench) == ["plate.[0999-1019].exr"]


def test_only_the_ends_are_probed(bench: Bench) -> None:
    """Of many frames the first and the last are opened for their media, once, when all of them are read."""
    shoot(bench, "plate.%04d.exr", range(1, 101))
    bench.quiesce()
    assert sorted(bench.prober.names) == ["plate.0001.exr", "plate.0100.exr"]
    bench.quiesce(scan=True)
    assert len(bench.prober.names) == 2


def test_frame_that_changed_before_its_probe_gives_no_facts(bench: Bench) -> None:
    """Facts are those of the bytes that were recorded: a frame that is another one by then is not asked about."""
    shoot(bench, "plate.%04d.exr", range(1, 4))
    bench.quiesce(scan=True)
    row, asked = bench.row("plate.0003.exr"), len(bench.prober.names)
    (bench.root / "plate.0003.exr").write_bytes(EXR + b"rendered anew, and longer")
    bench.daemon._reading._probe(row, "")
    assert len(bench.prober.names) == asked
    bench.quiesce(scan=True)
    assert len(bench.prober.names) == asked + 1
    assert bench.faults() == []


def test_new_last_frame_is_probed_and_the_others_are_not_again(bench: Bench) -> None:
    """A sequence that grew has a new end."""
    shoot(bench, "plate.%04d.exr", range(1, 11))
    bench.quiesce()
    bench.prober.names.clear()
    shoot(bench, "plate.%04d.exr", [11])
    bench.quiesce(scan=True)
    assert bench.prober.names == ["plate.0011.exr"]


def test_arriving_frame_makes_the_sequence_arriving(bench: Bench) -> None:
    """A sequence is as far, and as good, as the least of its frames."""
    shoot(bench, "plate.%04d.exr", range(1, 5))
    bench.quiesce()
    shoot(bench, "plate.%04d.exr", [5])
    bench.care.ask_scan("a test")
    bench.work()
    assert states(bench) == [("arriving", "pending")]
    bench.quiesce()
    assert states(bench) == [("present", "recorded")]


def test_deleted_frames_are_missing_from_the_sequence(bench: Bench) -> None:
    """A frame that is gone is a gap; when all but one are gone there is no sequence any more."""
    shoot(bench, "plate.%04d.exr", range(1, 6))
    bench.quiesce()
    (bench.root / "plate.0003.exr").unlink()
    bench.quiesce(scan=True)
    assert [row[3:5] for row in bench.sequences()] == [(4, "3")]
    for frame in (1, 2, 4):
        (bench.root / f"plate.{frame:04}.exr").unlink()
    bench.quiesce(scan=True)
    assert names(bench) == []
    assert bench.row("plate.0005.exr").sequence_id is None


def test_renamed_folder_takes_its_sequences_along(bench: Bench) -> None:
    """The frames are not read again, and the old folder has none left."""
    shoot(bench, "old/plate.%04d.exr", range(1, 6))
    bench.quiesce()
    (bench.root / "old").rename(bench.root / "new")
    bench.quiesce(scan=True)
    assert names(bench) == ["new/plate.[0001-0005].exr"]
    if bench.care.intake.rules.trust_inode:
        assert bench.files_read == 5


def test_two_takes_far_apart_are_two_sequences(bench: Bench) -> None:
    """A gap of thousands is a new take, not thousands of lost frames."""
    shoot(bench, "plate.%05d.exr", [*range(1, 11), *range(90_001, 90_011)])
    bench.quiesce()
    assert [row[1:5] for row in bench.sequences()] == [(1, 10, 10, ""), (90_001, 90_010, 10, "")]


def test_frames_moved_to_another_name_leave_and_join(bench: Bench) -> None:
    """A frame renamed from one sequence to another is drawn in the one and not in the other."""
    shoot(bench, "a.%02d.dpx", range(1, 5), b"SDPX")
    shoot(bench, "b.%02d.dpx", range(1, 4), b"SDPX")
    bench.quiesce()
    (bench.root / "a.04.dpx").rename(bench.root / "b.04.dpx")
    bench.quiesce(scan=True)
    assert [(row[0], row[3]) for row in bench.sequences()] == [("a.[01-03].dpx", 3), ("b.[01-04].dpx", 4)]
