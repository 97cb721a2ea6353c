"""What is here tells what is not: numbers that are skipped, parts, rolls of one name, days without sound."""

from __future__ import annotations

from typing import Any

from assetwatch.delivery.footage import (
    Listed,
    Shot,
    clip_gaps,
    days_without_sound,
    missing_parts,
    not_here,
    rolls_twice,
)
from assetwatch.media.names import parse_name


def shot(path: str, **more: Any) -> Shot:
    return Shot(path, parse_name(path), **more)


def arri(clip: int, serial: str = "R1JL", roll: str = "A004", day: str = "261101") -> str:
    return f"{roll}{serial}/{roll}C{clip:03d}_{day}_{serial}.mov"


def test_gaps_of_a_roll() -> None:
    """Clips 3 and 4 are missing between 2 and 5; rolls do not mix."""
    (finding,) = clip_gaps([*(shot(arri(clip)) for clip in (1, 2, 5)), shot(arri(4, roll="B001"))])
    assert (finding.expected, finding.observed) == ("clips 1-5 of A004", "3-4 not here")
    assert not finding.failed
    assert clip_gaps([shot(arri(7)), shot(arri(8)), shot("x/notes.txt")]) == ()


def test_a_spanned_clip_without_a_part() -> None:
    """Parts 1 and 3 without 2; a proxy's parts are its own; GoPro chapters stand before the number."""
    red = [shot(f"A001_C001_12046M.RDC/A001_C001_12046M_{part:03d}.R3D") for part in (1, 3)]
    (finding,) = missing_parts([*red, shot("A001_C002_1204XX.RDC/A001_C002_1204XX_001.R3D")])
    assert finding.notice  # it is missing, and not wrong
    expected = "parts 1-3 of the clip of A001_C001_12046M_001.R3D"
    assert (finding.expected, finding.observed, finding.path) == (expected, "2 not here", red[0].path)
    assert len(missing_parts([shot("DCIM/GX010123.MP4"), shot("DCIM/GX030123.MP4")])) == 1
    assert missing_parts([shot("DCIM/GX010123.MP4"), shot("DCIM/GX020123.MP4"), shot("DCIM/GX010124.MP4")]) == ()


def test_a_roll_twice() -> None:
    """One name for two contents or two bodies; a second copy of the same bytes is a backup."""
    one = shot(f"A/{arri(1)}", digest="a:1")
    assert rolls_twice([one, shot(f"B/{arri(1)}", digest="a:1")]) == ()
    (finding,) = rolls_twice([one, shot(f"B/{arri(1)}", digest="a:2")])
    assert finding.path == f"B/{arri(1)}"
    assert len(rolls_twice([shot(f"A/{arri(1)}"), shot(f"B/{arri(1, serial='R9ZZ')}")])) == 1
    assert rolls_twice([shot(arri(1)), shot(arri(2))]) == ()


def test_a_report_lists_what_is_not_here() -> None:
    """By full name, by roll and clip, and by length."""
    here = [shot(arri(1), duration=10.0), shot(arri(2), duration=20.0)]
    listed = [
        Listed("A004C001_261101_R1JL", duration=10.4),
        Listed("C002", reel="A004", duration=25.0, line=3),
        Listed("A004C003", line=4),
    ]
    found = not_here(listed, here, "report.csv")
    assert [(f.rule, f.expected, f.observed, f.path) for f in found] == [
        ("listed_length", "25.00 s, line 3 of the list", "20.00 s", here[1].path),
        ("listed", "A004C003", "not here, line 4 of the list", "report.csv"),
    ]


def test_the_parts_of_a_clip_are_listed_as_one() -> None:
    """A spanned clip is as long as its parts together; two copies are not."""
    parts = [shot(f"A001_C001_12046M_{part:03d}.R3D", duration=10.0) for part in (1, 2)]
    assert not_here([Listed("A001_C001", duration=20.0)], parts, "r.csv") == ()
    copies = [shot(f"{copy}/{arri(1)}", duration=10.0) for copy in "AB"]
    assert not_here([Listed("A004C001", duration=10.0)], copies, "r.csv") == ()


def test_a_day_without_sound() -> None:
    """The folder's day counts before the name's."""
    camera = shot(arri(1), day="2026-11-02")
    sound = shot("S001/42A-T03.WAV", is_sound=True, day="2026-11-02")
    assert days_without_sound([camera, sound]) == ()
    (finding,) = days_without_sound([camera, sound, shot(arri(2))])
    assert (finding.expected, finding.failed) == ("sound of 2026-11-01", False)
