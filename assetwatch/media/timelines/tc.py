"""Which frame does a timecode name, and which timecode names a frame?

SMPTE ST 12-1: a label `hh:mm:ss:ff` counts frames at a whole number a second, the *base* (24 for 23.976 and 24,
30 for 29.97 and 30). In drop-frame counting (bases 30 and 60 at 29.97 and 59.94) the first two (four at 60) labels
of each minute are left out, except in every tenth minute, so that labels keep step with the clock. A day of labels
wraps to zero. Everything here is whole numbers and `Fraction`; no float decides a frame.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

LABEL = re.compile(r"([0-9]{1,2})[:;.,]([0-9]{1,2})[:;.,]([0-9]{1,2})([:;.,])([0-9]{1,3})")

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,12}|/[0-9]{1,12})?")

#: Rates that are written rounded and mean n * 1000 / 1001.
_NTSC_BASES = (24, 30, 48, 60, 96, 120)
_BASE_MAX = 1000


class TimecodeError(ValueError):
    """A text that names no frame: not a timecode, a field out of range, or a label that drop-frame leaves out."""


def nominal(rate: Fraction) -> int:
    """The base that labels are counted at for `rate` frames a second: 30 for 30000/1001. At least 1."""
    return max(1, math.floor(rate + Fraction(1, 2)))


def _fraction(value: float | int | str | Fraction) -> Fraction | None:
    if isinstance(value, str):
        # Not every text that Fraction takes: "1e999999999" would be computed, digit by digit.
        value = value.strip().lower().removesuffix("fps").strip()
        if _NUMBER.fullmatch(value) is None:
            return None
    try:
        return Fraction(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None


def exact_rate(value: float | int | str | Fraction) -> Fraction | None:
    """The exact rate meant by a rate as programs write it: `23.976`, `23.98`, `"29.97"`, `25`, `"24000/1001"`.

    None for what is no rate (not a number, zero or less, above 1000 frames a second).
    """
    rate = _fraction(value)
    if rate is None or not 0 < rate <= _BASE_MAX:
        return None
    whole = round(rate)
    if abs(rate - whole) < Fraction(1, 10_000) and whole > 0:
        return Fraction(whole)
    for base in _NTSC_BASES:
        exact = Fraction(base * 1000, 1001)
        if abs(rate - exact) < Fraction(6, 1000):
            return exact
    return rate.limit_denominator(100_000)


def sample_rate(value: float | int | str | Fraction) -> Fraction | None:
    """A rate of edit units that may be audio samples: as `exact_rate`, but up to 10 million and never snapped."""
    rate = _fraction(value)
    if rate is None or not 0 < rate <= 10_000_000:
        return None
    return exact_rate(rate) if rate <= _BASE_MAX else rate.limit_denominator(100_000)


def bounded(time: Fraction) -> Fraction:
    """`time`, rounded only if its denominator is larger than any sum of real rates gives.

    A file can be made so that each time has another denominator, and the exact sum of them all fills the memory.
    """
    return time if time.denominator.bit_length() <= 256 else time.limit_denominator(10**12)


def can_drop(base: int) -> bool:
    """Whether drop-frame counting is defined for `base`."""
    return base > 0 and base % 30 == 0


def _dropped_a_minute(base: int, drop: bool) -> int:
    return base // 15 if drop and can_drop(base) else 0


def day(base: int, drop: bool = False) -> int:
    """How many frames have a label of their own before labels repeat (24 hours)."""
    dropped = _dropped_a_minute(base, drop)
    return 24 * (60 * 60 * base - 54 * dropped)


def fields(text: str) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds, frames as written; raises TimecodeError if they are not of that shape and range.

    The frame field is not compared with a base here. Hours up to 23.
    """
    match = LABEL.fullmatch(text.strip())
    if match is None:
        raise TimecodeError(f"{text!r} is not a timecode")
    hours, minutes, seconds, frames = int(match[1]), int(match[2]), int(match[3]), int(match[5])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise TimecodeError(f"{text!r} is out of range")
    return hours, minutes, seconds, frames


def says_drop(text: str) -> bool:
    """Whether the label marks itself as drop-frame: `;` (or `,`) before the frames (ST 12-1, and common usage)."""
    match = LABEL.fullmatch(text.strip())
    return match is not None and match[4] in ";,"


def frames(text: str, base: int, drop: bool | None = None) -> int:
    """The frame that `text` names, counted from 00:00:00:00. `drop` None: as the label itself says.

    Raises TimecodeError for a frame field at or above `base` and for a label that drop-frame leaves out.
    """
    hours, minutes, seconds, frame = fields(text)
    if not 0 < base <= _BASE_MAX:
        raise TimecodeError(f"{base} frames a second cannot be counted")
    if frame >= base:
        raise TimecodeError(f"{text!r} has frames beyond {base - 1}")
    dropped = _dropped_a_minute(base, says_drop(text) if drop is None else drop)
    if dropped and seconds == 0 and frame < dropped and minutes % 10:
        raise TimecodeError(f"{text!r} does not exist in drop-frame timecode")
    total_minutes = hours * 60 + minutes
    return (total_minutes * 60 + seconds) * base + frame - dropped * (total_minutes - total_minutes // 10)


def label(count: int, base: int, drop: bool = False) -> str:
    """The label of frame `count`; counts outside a day wrap, also below zero. Drop-frame is written with `;`."""
    if not 0 < base <= _BASE_MAX:
        raise TimecodeError(f"{base} frames a second cannot be counted")
    dropped = _dropped_a_minute(base, drop)
    count %= day(base, drop)
    if dropped:
        ten_minutes = 600 * base - 9 * dropped
        tens, rest = divmod(count, ten_minutes)
        count += 9 * dropped * tens
        if rest >= 60 * base:
            count += dropped * ((rest - 60 * base) // (60 * base - dropped) + 1)
    seconds, frame = divmod(count, base)
    width = len(str(base - 1))
    mark = ";" if dropped else ":"
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{mark}{frame:0{max(2, width)}d}"


def length(first: str, last: str, base: int, drop: bool | None = None) -> int:
    """Frames from label `first` up to, not including, label `last`; across midnight if that is the shorter way.

    Negative when `last` lies before `first` by less than half a day. Raises TimecodeError.
    """
    difference = frames(last, base, drop) - frames(first, base, drop)
    whole = day(base, bool(drop) or (drop is None and says_drop(first)))
    return difference + whole if difference < -(whole // 2) else difference
