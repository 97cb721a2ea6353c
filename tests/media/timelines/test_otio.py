"""Tests of reading OpenTimelineIO documents."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from assetwatch.media.timelines.otio import OtioFault, read_otio


def at(value: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def span(start: float, length: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at(start, rate), "duration": at(length, rate)}


def clip(name: str, reference: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "media_reference": reference,
        "source_range": span(86400, 48),
        **more,
    }


def cut(*tracks: list[dict[str, Any]]) -> str:
    return json.dumps(
        {
            "OTIO_SCHEMA": "Timeline.1",
            "name": "R1",
            "global_start_time": at(86400),
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": track} for track in tracks],
            },
        }
    )


FILE = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "file:///vol/A%20001.mov"}


def test_clips_in_their_places() -> None:
    """Name, file, source and record timecode; a gap takes its place and is no source."""
    gap = {"OTIO_SCHEMA": "Gap.1", "source_range": span(0, 24)}
    timeline = read_otio(cut([gap, clip("a", FILE)], [clip("b", {"OTIO_SCHEMA": "MissingReference.1"})]))
    first, second = timeline.events
    assert (first.clip, first.file, first.tracks) == ("a", "/vol/A 001.mov", ("V1",))
    assert (first.source_in, first.source_out) == ("01:00:00:00", "01:00:02:00")
    assert (first.record_in, first.record_out) == ("01:00:01:00", "01:00:03:00")
    assert (second.clip, second.file, second.tracks) == ("b", None, ("V2",))
    assert (timeline.name, timeline.start, timeline.duration_frames) == ("R1", "01:00:00:00", 72)


def test_generators_and_disabled_clips() -> None:
    """A generator is no source; a disabled clip is named, and not used."""
    bars = clip("bars", {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "SMPTEBars"})
    timeline = read_otio(cut([bars, clip("off", FILE, enabled=False)]))
    assert [(s.clip, s.used) for s in timeline.sources] == [("off", False)]


def test_frame_sequence() -> None:
    """An image sequence is named with its first and last frame, padding kept."""
    frames = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "file:///vol/pl/",
        "name_prefix": "sh010.",
        "name_suffix": ".exr",
        "start_frame": 1001,
        "frame_step": 1,
        "frame_zero_padding": 5,
        "available_range": span(86400, 48),
    }
    assert read_otio(cut([clip("sh010", frames)])).sources[0].file == "/vol/pl/sh010.[01001-01048].exr"


def test_several_references() -> None:
    """The active reference is the file; the others stand beside it."""
    proxy = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "/px/a.mov"}
    many = {"DEFAULT_MEDIA": FILE, "proxy": proxy}
    item = clip("a", None, OTIO_SCHEMA="Clip.2", media_references=many, active_media_reference_key="proxy")
    source = read_otio(cut([item])).sources[0]
    assert (source.file, source.files) == ("/px/a.mov", ("/px/a.mov", "/vol/A 001.mov"))


def test_dissolve_speed_and_reel() -> None:
    """A transition before a clip, a time warp on it, and a reel that an adapter kept."""
    dissolve = {"OTIO_SCHEMA": "Transition.1", "in_offset": at(5), "out_offset": at(7)}
    warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": -0.5}
    event = read_otio(
        cut([clip("a", FILE), dissolve, clip("b", FILE, effects=[warp], metadata={"cmx_3600": {"reel": "R7"}})])
    ).events[1]
    assert (event.kind, event.transition_frames, event.speed, event.reel) == ("dissolve", 12, Fraction(-1, 2), "R7")


def test_a_dissolve_takes_from_both_sides_of_the_cut() -> None:
    """The clip before is shown for the out offset longer, the one after it begins the in offset earlier."""
    dissolve = {"OTIO_SCHEMA": "Transition.1", "in_offset": at(5), "out_offset": at(7)}
    other = {**FILE, "target_url": "/vol/B.mov"}
    first, second = read_otio(cut([clip("a", FILE), dissolve, clip("b", other)])).sources
    assert [(used.head_frames, used.tail_frames) for used in (*first.ranges, *second.ranges)] == [(0, 7), (5, 0)]


@pytest.mark.parametrize(
    "text",
    ["{", '{"a": 1}', "[" * 100_000, '{"OTIO_SCHEMA": 7}', '{"OTIO_SCHEMA":' * 50_000, "{" + "9" * 10_000],
)
def test_what_is_no_otio_is_a_fault(text: str) -> None:
    """Broken JSON, other JSON and endless nesting are one kind of fault."""
    with pytest.raises(OtioFault):
        read_otio(text)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "Inf", "-Inf", "1e308", "true", '"x"', "[]", "9" * 400])
def test_absurd_numbers_are_unknown(value: str) -> None:
    """A time that cannot be counted is unknown, and the clip is still named."""
    text = cut([clip("a", FILE)]).replace("86400", value)
    assert [s.clip for s in read_otio(text).sources] == ["a"]
