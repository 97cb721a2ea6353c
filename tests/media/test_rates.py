"""Are rates exact, and timecodes written in one way?"""

from __future__ import annotations

from fractions import Fraction

import pytest

from assetwatch.media import rates


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ({"FrameRate": "23.976", "FrameRate_Num": "24000", "FrameRate_Den": "1001"}, "24000/1001"),
        ({"FrameRate": "23.976"}, "24000/1001"),
        ({"FrameRate": "29.970"}, "30000/1001"),
        ({"FrameRate": "47.952"}, "48000/1001"),
        ({"FrameRate": "59.940"}, "60000/1001"),
        ({"FrameRate": "119.880"}, "120000/1001"),
        ({"FrameRate": "25.000"}, "25/1"),
        ({"FrameRate": "12.500"}, "25/2"),
        ({"FrameRate_Num": "23976", "FrameRate_Den": "1000"}, "24000/1001"),
        ({"FrameRate_Num": "2997", "FrameRate_Den": "100"}, "30000/1001"),
        ({"FrameRate_Num": "50", "FrameRate_Den": "1"}, "50/1"),
        ({"FrameRate": "23.978", "FrameRate_Mode": "VFR"}, "11989/500"),
        ({"FrameRate": "24.000 / 25.000"}, "24/1"),
        ({"FrameRate_Num": "24000", "FrameRate_Den": "0", "FrameRate": "24.000"}, "24/1"),
        ({"FrameRate": "0.000"}, None),
        ({"FrameRate": "48000.000"}, None),
        ({"FrameRate": "many"}, None),
        ({}, None),
    ],
)
def test_the_rate_is_the_one_that_is_meant(said: dict[str, str], rate: str | None) -> None:
    """Rounded rates and time bases of thousandths are read as the exact rate; an average stays what it is."""
    assert rates.written(rates.frame_rate(said)) == rate


@pytest.mark.parametrize(
    ("said", "drop", "written"),
    [
        ("01:00:00:00", None, "01:00:00:00"),
        ("01:00:00;00", None, "01:00:00;00"),
        ("01:00:00:00", True, "01:00:00;00"),
        ("01:00:00.00", None, "01:00:00:00"),
        ("01:00:00;00", False, "01:00:00:00"),
        ("00:00:00", None, None),
        ("01:60:00:00", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_a_timecode_is_written_in_one_way(said: str | None, drop: bool | None, written: str | None) -> None:
    """Colons, and a semicolon before the frames of a drop-frame timecode; anything else is no timecode."""
    assert rates.timecode(said, drop) == written


@pytest.mark.parametrize(
    ("samples", "rate", "drop", "written"),
    [
        (48000 * 3600, Fraction(25), False, "01:00:00:00"),
        (2190940753, Fraction(24000, 1001), False, "12:39:59:00"),
        # 29.97: frame 107892 begins at sample 172799827.2, which a recorder writes without the fraction.
        (172799827, Fraction(30000, 1001), True, "01:00:00;00"),
        (172799825, Fraction(30000, 1001), True, "00:59:59;29"),
        (172799827, Fraction(30000, 1001), False, "00:59:56:12"),
    ],
)
def test_samples_since_midnight_name_a_frame(samples: int, rate: Fraction, drop: bool, written: str) -> None:
    """A start in samples is the timecode of the frame that it lies in, with the recorder's rounding forgiven."""
    assert rates.timecode_of_samples(samples, 48000, rate, drop) == written


def test_samples_without_a_rate_name_nothing() -> None:
    """Zero samples a second, and a rate of nothing, give no timecode."""
    assert rates.timecode_of_samples(1, 0, Fraction(25), False) is None
    assert rates.timecode_of_samples(1, 48000, Fraction(0), False) is None
    assert rates.timecode_of_samples(-1, 48000, Fraction(25), False) is None
