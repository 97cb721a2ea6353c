"""Tests of timecode arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.timelines import tc

COUNTINGS = st.sampled_from(
    [(24, False), (25, False), (30, False), (30, True), (48, False), (50, False), (60, False), (60, True), (120, True)]
)


@given(COUNTINGS, st.integers(0, 10**8))
def test_label_names_its_frame(counting: tuple[int, bool], count: int) -> None:
    """Every frame of a day has one label, and the label names that frame."""
    base, drop = counting
    count %= tc.day(base, drop)
    assert tc.frames(tc.label(count, base, drop), base, drop) == count


@given(COUNTINGS, st.integers(0, 10**8))
def test_next_frame_has_the_later_label(counting: tuple[int, bool], count: int) -> None:
    """Labels ascend with frames within a day, so that they can be compared as fields."""
    base, drop = counting
    count %= tc.day(base, drop) - 1
    assert tc.fields(tc.label(count, base, drop)) < tc.fields(tc.label(count + 1, base, drop))


@given(COUNTINGS, st.integers(-(10**9), 10**9))
def test_labels_wrap_after_a_day(counting: tuple[int, bool], count: int) -> None:
    """A count outside the day has the label of the same place in the day."""
    base, drop = counting
    assert tc.label(count, base, drop) == tc.label(count + tc.day(base, drop), base, drop)


@pytest.mark.parametrize(
    ("text", "base", "count"),
    [
        ("00:00:59;29", 30, 1799),
        ("00:01:00;02", 30, 1800),
        ("00:10:00;00", 30, 17982),
        ("01:00:00;00", 30, 107892),
        ("00:01:00;04", 60, 3600),
        ("01:00:00;00", 60, 215784),
        ("01:00:00:00", 30, 108000),
        ("01:00:00:00", 24, 86400),
        ("10:00:00:00", 25, 900000),
    ],
)
def test_known_counts(text: str, base: int, count: int) -> None:
    """Counts as published for drop-frame and plain timecode."""
    assert tc.frames(text, base) == count
    assert tc.label(count, base, ";" in text) == text


def test_drop_frame_keeps_step_with_the_clock() -> None:
    """An hour of 29.97 frames a second is an hour of drop-frame labels to within a frame and a half."""
    frames = int(Fraction(30000, 1001) * 3600)
    assert abs(tc.frames("01:00:00;00", 30) - frames) <= 1


@pytest.mark.parametrize("text", ["00:01:00;00", "00:01:00;01", "13:59:00;01"])
def test_left_out_labels_are_refused(text: str) -> None:
    """A label that drop-frame counting leaves out names no frame."""
    with pytest.raises(tc.TimecodeError, match="does not exist"):
        tc.frames(text, 30)


@pytest.mark.parametrize(
    "text", ["", "1:2:3", "aa:bb:cc:dd", "25:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:24", "٠٠:00:00:00"]
)
def test_what_is_no_timecode_is_refused(text: str) -> None:
    """Other shapes, fields out of range, digits of other scripts: no frame."""
    with pytest.raises(tc.TimecodeError):
        tc.frames(text, 24)


def test_length_crosses_midnight() -> None:
    """A clip over midnight has the short length; an out before its in keeps its sign."""
    assert tc.length("23:59:59:00", "00:00:01:00", 25) == 50
    assert tc.length("01:00:01:00", "01:00:00:00", 25) == -25


@pytest.mark.parametrize(
    ("written", "exact"),
    [
        (23.976, Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        (59.94005994, Fraction(60000, 1001)),
        ("47.95", Fraction(48000, 1001)),
        ("24", Fraction(24)),
        (25.0, Fraction(25)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("0", None),
        ("1e999999999", None),
        (float("nan"), None),
        (float("inf"), None),
        ("1/0", None),
        ("-25", None),
    ],
)
def test_exact_rates(written: float | str, exact: Fraction | None) -> None:
    """Rounded rates stand for the exact ones; what is no rate is None, at once."""
    assert tc.exact_rate(written) == exact
