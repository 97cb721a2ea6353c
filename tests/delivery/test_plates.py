"""Are plates found for what a pull list asks, and held against its frames, timecodes and lengths?"""

from __future__ import annotations

from typing import Any

import pytest

from assetwatch.delivery.plates import Plate, held_against, label_of
from assetwatch.media.timelines.pulls import Pull


def pull(name: str = "SH010_PL01", **more: Any) -> Pull:
    none = dict.fromkeys(Pull.__dataclass_fields__)
    return Pull(**{**none, "name": name, **more})


def plate(name: str, first: int = 1001, last: int = 1058, **more: Any) -> Plate:
    return Plate(f"V:VFX/{name}.[{first}-{last}].exr", first, last, **more)


@pytest.mark.parametrize(
    "name", ["SH010_PL01", "SH010_PL01_v001", "sh010_pl01_4448x3096", "SH010_PL01_v001_linear", "SH010-PL01"]
)
def test_a_plate_goes_by_its_name(name: str) -> None:
    """What follows after a separator, and case, tell no other plate; a longer number does."""
    (held,) = held_against([pull()], [plate(name), plate("SH010_PL011"), plate("SH0101_PL01")])
    assert held.plate is not None
    assert held.plate.path.startswith(f"V:VFX/{name}.")


def test_the_highest_version_counts() -> None:
    """v002 is held against the list, be it longer or not."""
    (held,) = held_against([pull()], [plate("SH010_PL01_v002", last=1050), plate("SH010_PL01_v001")])
    assert held.plate is not None
    assert "_v002" in held.plate.path


def test_a_plate_that_is_not_here() -> None:
    """Nothing stands for it, and its label says what to ask for."""
    (held,) = held_against([pull(first_frame=1001, last_frame=1058)], [plate("SH020_PL01")])
    assert held.plate is None
    assert label_of(held.pull) == "SH010_PL01, frames 1001-1058"


def test_frames_that_the_list_numbers() -> None:
    """Frames at the ends, gaps and empty frames are lacking; more than was asked for is only told."""
    asked = pull(first_frame=1001, last_frame=1058)
    (held,) = held_against([asked], [plate("SH010_PL01", 1003, 1056, missing="1010-1011", empty="1020")])
    assert held.lacking == "1001-1002,1010-1011,1020,1057-1058"
    (held,) = held_against([asked], [plate("SH010_PL01", 993, 1066)])
    assert (held.lacking, [finding.notice for finding in held.findings]) == ("", [True])


def test_handles_by_length() -> None:
    """Without numbers and timecode the plate has to be as long as the use and its handles."""
    asked = pull(frames=42)
    assert held_against([asked], [plate("SH010_PL01")], 8)[0].findings == ()
    (finding,) = held_against([asked], [plate("SH010_PL01", last=1057)], 8)[0].findings
    assert (finding.failed, finding.observed) == (True, "57 frames (-1)")


def test_handles_by_timecode() -> None:
    """With timecode on both sides the used stretch lies inside with its handles."""
    asked = pull(source_in="01:00:10:08", source_out="01:00:12:02", frames=42)
    good = plate("SH010_PL01", start="01:00:10:00", base=24)
    assert held_against([asked], [good], 8)[0].findings == ()
    (finding,) = held_against([asked], [good], 10)[0].findings
    assert finding.observed == "2 frames missing before its first frame and 2 frames missing after its last frame"
