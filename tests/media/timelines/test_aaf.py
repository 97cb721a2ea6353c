"""Tests of reading AAF compositions, and of the child that does it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from assetwatch.media.timelines import Timeline, TimelineFault, read_timeline
from assetwatch.media.timelines.child import read_in_child

aaf2 = pytest.importorskip("aaf2", reason="the extra 'timelines' is not installed")


def write_aaf(path: Path, *, locator: str = "file:///D%3A/Avid%20MediaFiles/MXF/1/A001.mxf") -> Path:
    """A cut of 2 s from 10:00:05:00 of tape A001, with a dissolve to a second use of it, at 25 frames a second."""
    with aaf2.open(str(path), "w") as file:
        tape = file.create.SourceMob("A001")
        slot, _ = tape.create_tape_slots("A001", 25, 25, media_kind="picture")
        slot.segment.length = 100_000
        code = next(s for s in tape.slots if type(s.segment).__name__ == "Timecode")
        code.segment.start = 10 * 3600 * 25
        media = file.create.SourceMob()
        media.descriptor = file.create.CDCIDescriptor()
        described = {"ComponentWidth": 8, "HorizontalSubsampling": 2, "StoredHeight": 1080, "StoredWidth": 1920}
        described |= {"FrameLayout": "FullFrame", "VideoLineMap": [0], "ImageAspectRatio": "16/9"}
        for name, value in described.items():
            media.descriptor[name].value = value
        media.descriptor["SampleRate"].value = 25
        media.descriptor["Length"].value = 1000
        media.descriptor["ContainerFormat"].value = file.dictionary.lookup_containerdef("AAF")
        place = file.create.NetworkLocator()
        place["URLString"].value = locator
        media.descriptor["Locator"].value = [place]
        media.slots.append(link(file, media, tape, slot.slot_id, 0, 1000, 1))
        master = file.create.MasterMob("12A-3")
        master.slots.append(link(file, master, media, 1, 0, 1000, 1))
        cut = file.create.CompositionMob("R1 v3")
        cut.usage = "Usage_TopLevel"
        start = cut.create_timeline_slot(25)
        start.segment = file.create.Timecode(25, drop=False)
        start.segment.start = 3600 * 25
        start.segment.length = 75
        sequence = file.create.Sequence(media_kind="picture")
        for first, length in ((125, 50), (500, 50)):
            sequence.components.append(master.create_source_clip(slot_id=1, start=first, length=length))
        picture = cut.create_timeline_slot(25)
        picture.segment = sequence
        file.content.mobs.extend((tape, media, master, cut))
    return path


def link(file: Any, mob: Any, target: Any, slot_id: int, start: int, length: int, own_id: int) -> Any:
    slot = file.create.TimelineMobSlot(own_id, edit_rate=25)
    clip = file.create.SourceClip(media_kind="picture")
    clip.mob = target
    clip.slot_id = slot_id
    clip.start = start
    clip.length = length
    slot.segment = clip
    return slot


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    """The made AAF as it is read, through the child."""
    return read_timeline(write_aaf(tmp_path / "R1.aaf"))


def test_clips_are_followed_to_tape_and_file(timeline: Timeline) -> None:
    """Master mob, tape and media file name the source; the tape's timecode slot counts it."""
    first, second = timeline.events
    assert (first.clip, first.reel, first.file) == ("12A-3", "A001", "D:/Avid MediaFiles/MXF/1/A001.mxf")
    assert (first.source_in, first.source_out) == ("10:00:05:00", "10:00:07:00")
    assert (second.source_in, second.record_in, second.record_out) == ("10:00:20:00", "01:00:02:00", "01:00:04:00")
    assert first.umid is not None
    assert first.umid.startswith("urn:smpte:umid:")


def test_composition(timeline: Timeline) -> None:
    """Name, rate, start and length are the top composition's."""
    assert (timeline.format, timeline.name, timeline.frame_rate) == ("aaf", "R1 v3", 25)
    assert (timeline.start, timeline.duration_frames) == ("01:00:00:00", 100)


def test_one_source_of_two_uses(timeline: Timeline) -> None:
    """Two uses of a clip are one source with both ranges."""
    (source,) = timeline.sources
    assert (source.source_in, source.source_out, len(source.ranges)) == ("10:00:05:00", "10:00:22:00", 2)


def test_cut_off_file_is_a_fault(tmp_path: Path) -> None:
    """A container that ends early is unreadable, at any length, and says so."""
    whole = write_aaf(tmp_path / "whole.aaf").read_bytes()
    for part in (8, 512, 4096, len(whole) // 2):
        path = tmp_path / f"cut_{part}.aaf"
        path.write_bytes(whole[:part])
        with pytest.raises(TimelineFault):
            read_timeline(path)


def test_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """The time limit ends the child, and is the reason given."""
    with pytest.raises(TimelineFault, match=r"more than 0\.001 seconds"):
        read_in_child(write_aaf(tmp_path / "R1.aaf"), seconds=0.001)


def test_child_without_memory_is_a_fault(tmp_path: Path) -> None:
    """A child that may have no memory dies of it, and we do not."""
    with pytest.raises(TimelineFault):
        read_in_child(write_aaf(tmp_path / "R1.aaf"), memory_bytes=8 << 20)


def test_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the optional library the message says what to install."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "aaf2.py").write_text("raise ImportError('not here')\n")
    path = write_aaf(tmp_path / "R1.aaf")
    monkeypatch.syspath_prepend(str(blocked))
    with pytest.raises(TimelineFault, match=r"assetwatch\[timelines\]"):
        read_in_child(path)


def test_child_killed_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that takes its process down with it gives a fault that names the signal."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "aaf2.py").write_text(f"import os\nos.kill(os.getpid(), {int(signal.SIGSEGV)})\n")
    path = write_aaf(tmp_path / "R1.aaf")
    monkeypatch.syspath_prepend(str(blocked))
    with pytest.raises(TimelineFault, match="SIGSEGV"):
        read_in_child(path)


def test_odd_file_name(tmp_path: Path) -> None:
    """A name that is not UTF-8 and looks like an option is read like any other."""
    path = tmp_path / os.fsdecode(b"-x \xff.aaf")
    write_aaf(tmp_path / "plain.aaf").rename(path)
    assert read_timeline(path).name == "R1 v3"
