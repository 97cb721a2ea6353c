"""Which exact rate does a track have, and how is a rate or a timecode written?

A frame rate is written as a fraction, `24000/1001`, a whole one too: `25/1`. A timecode is written `01:00:00:00`, in
drop-frame counting `01:00:00;00` (SMPTE ST 12-1).
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

from assetwatch.media import answer
from assetwatch.media.answer import Track
from assetwatch.media.timelines.tc import can_drop, exact_rate, label, nominal

_TIMECODE: Final = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})([:;.,])([0-9]{2,3})(?:[.+@].*)?")


def written(rate: Fraction | None) -> str | None:
    """`rate` as facts hold it."""
    return None if rate is None else f"{rate.numerator}/{rate.denominator}"


def frame_rate(track: Track) -> Fraction | None:
    """The rate of a track in frames a second.

    MediaInfo rounds to three digits, and some files have a time base of thousandths: both are read as the rate that
    is meant (`23.976` is 24000/1001). An average of changing rates is meant as it stands.
    """
    top = answer.positive(track, "FrameRate_Num")
    bottom = answer.positive(track, "FrameRate_Den")
    rate = Fraction(top, bottom) if top and bottom else None
    if rate is None:
        said = answer.first(track, "FrameRate")
        value = answer.number(track, "FrameRate")
        if said is None or value is None or not 0 < value <= 1000:
            return None
        if (answer.first(track, "FrameRate_Mode") or "").lower() in ("vfr", "variable"):
            return Fraction(said).limit_denominator(1000)
        rate = Fraction(said)
    return rate if rate.denominator in (1, 1001) and rate <= 1000 else exact_rate(rate)


def timecode(said: str | None, drop: bool | None = None) -> str | None:
    """A timecode as facts hold it; None for a text that is none. `drop` is what is known beside the text."""
    match = _TIMECODE.fullmatch(said or "")
    if match is None or int(match[2]) > 59 or int(match[3]) > 59:
        return None
    mark = ";" if drop or (drop is None and match[4] in ";,") else ":"
    return f"{match[1]}:{match[2]}:{match[3]}{mark}{match[5]}"


def is_drop(written_timecode: str) -> bool:
    """Whether a timecode as facts hold it counts in drop-frame."""
    return ";" in written_timecode


def timecode_of_samples(samples: int, samples_per_second: int, rate: Fraction, drop: bool) -> str | None:
    """The timecode of the moment `samples` after midnight, or None where that is not to be had.

    A recorder rounds the start of a frame down to a sample, so a frame that begins within the next sample counts.
    """
    if samples < 0 or samples_per_second <= 0 or not 0 < rate <= 1000:
        return None
    count = math.floor(Fraction(samples + 1, samples_per_second) * rate)
    base = nominal(rate)
    return label(count, base, drop and can_drop(base))
