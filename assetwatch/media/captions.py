"""When do the captions of a file begin, and when does the last one end?

SubRip and WebVTT (`-->`), SCC and MCC (a timecode before each line), TTML and its kin (`begin`, `end`, `dur`), and EBU
STL (EBU Tech 3264-E: TCI and TCO of each TTI block). Nothing else of a caption is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from assetwatch.media.timelines import tc, xmltree
from assetwatch.media.timelines.text import decode

_STAMP: Final = r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{2}[.,][0-9]{1,3})"
_ARROW: Final = re.compile(rf"{_STAMP}[ \t]+-->[ \t]+{_STAMP}")
_LABEL: Final = re.compile(r"^([0-9]{2}:[0-9]{2}:[0-9]{2}[:;.,][0-9]{2})\s", re.MULTILINE)
_CLOCK: Final = re.compile(r"([0-9]{2,3}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)")
_FRAMES: Final = re.compile(r"([0-9]{2,3}:[0-9]{2}:[0-9]{2}):([0-9]{2,3})(?:\.[0-9]+)?")
_OFFSET: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(h|ms|m|s|f|t)")
_MCC_RATE: Final = re.compile(r"Time Code Rate=([0-9]{2})(DF)?", re.IGNORECASE)
#: SCC always counts 29.97 (or 30) frames a second.
_SCC_BASE: Final = 30
_STL_HEAD, _STL_BLOCK = 1024, 128


@dataclass(frozen=True, slots=True)
class Span:
    """When the first caption begins and the last one ends, in seconds of the file's own clock.

    `labels`: the clock is of timecode labels, a second of which is a nominal number of frames.
    """

    begin: Fraction
    end: Fraction
    labels: bool = False


def span_of(raw: bytes, name: str) -> Span | None:
    """The span of the captions in `raw`; `name` tells the format by its ending. None where nothing can be read."""
    ending = name.rpartition(".")[2].lower()
    if ending == "stl":
        times = list(_stl(raw))
    elif ending in ("ttml", "dfxp", "itt", "xml", "imsc"):
        times = list(_ttml(raw))
    else:
        text = decode(raw)
        times = list(_labels(text, ending) if ending in ("scc", "mcc") else _arrows(text))
    if not times:
        return None
    return Span(min(begin for begin, _ in times), max(end for _, end in times), ending in ("scc", "mcc", "stl"))


def _arrows(text: str) -> Iterator[tuple[Fraction, Fraction]]:
    for found in _ARROW.finditer(text):
        yield _seconds(found[1], found[2], found[3]), _seconds(found[4], found[5], found[6])


def _seconds(hours: str | None, minutes: str, seconds: str) -> Fraction:
    return Fraction(int(hours or 0) * 3600 + int(minutes) * 60) + Fraction(seconds.replace(",", "."))


def _labels(text: str, ending: str) -> Iterator[tuple[Fraction, Fraction]]:
    rate = _MCC_RATE.search(text) if ending == "mcc" else None
    base = int(rate[1]) if rate else _SCC_BASE
    for label in _LABEL.findall(text):
        try:
            at = Fraction(tc.frames(label, base), base)
        except tc.TimecodeError:
            continue
        yield at, at


def _ttml(raw: bytes) -> Iterator[tuple[Fraction, Fraction]]:
    try:
        root = xmltree.parse(raw.lstrip())
    except xmltree.XmlFault:
        return
    said = {str(key).rpartition("}")[2]: str(value) for key, value in root.attrib.items()}
    rate = _rate(said)
    ticks = Fraction(said["tickRate"]) if said.get("tickRate", "").isdecimal() and int(said["tickRate"]) else rate
    yield from _below(root, Fraction(0), rate, ticks, 0)


def _rate(said: dict[str, str]) -> Fraction:
    rate = Fraction(int(said["frameRate"])) if said.get("frameRate", "").isdecimal() else Fraction(30)
    parts = said.get("frameRateMultiplier", "").split()
    if len(parts) == 2 and all(part.isdecimal() and int(part) for part in parts):
        rate *= Fraction(int(parts[0]), int(parts[1]))
    return rate or Fraction(30)


def _below(
    element: xmltree.Element, offset: Fraction, rate: Fraction, ticks: Fraction, depth: int
) -> Iterator[tuple[Fraction, Fraction]]:
    """Times of what is shown; those of an element are counted from the beginning of the one around it."""
    begin = _time(element.get("begin"), rate, ticks)
    end, length = _time(element.get("end"), rate, ticks), _time(element.get("dur"), rate, ticks)
    start = offset + (begin or 0)
    if xmltree.tag(element) in ("p", "span") and (end is not None or (begin is not None and length is not None)):
        yield start, offset + end if end is not None else start + (length or 0)
    if depth < 100:
        for one in element:
            yield from _below(one, start, rate, ticks, depth + 1)


def _time(text: str | None, rate: Fraction, ticks: Fraction) -> Fraction | None:
    """A time expression of TTML (W3C, 12.3.1); None for what is none."""
    given = (text or "").strip()
    if frames := _FRAMES.fullmatch(given):
        hours, minutes, seconds = frames[1].split(":")
        return _seconds(hours, minutes, seconds) + Fraction(int(frames[2])) / rate
    if clock := _CLOCK.fullmatch(given):
        return _seconds(clock[1], clock[2], clock[3])
    if offset := _OFFSET.fullmatch(given):
        units = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
        return Fraction(offset[1]) * units.get(offset[2], 1 / (rate if offset[2] == "f" else ticks))
    return None


def _stl(raw: bytes) -> Iterator[tuple[Fraction, Fraction]]:
    if raw[3:6] != b"STL":
        return
    base = int(raw[6:8]) if raw[6:8].isdigit() and int(raw[6:8]) else 25
    for at in range(_STL_HEAD, len(raw) - _STL_BLOCK + 1, _STL_BLOCK):
        block = raw[at : at + _STL_BLOCK]
        if block[15]:  # a comment, not to be shown
            continue
        begin, end = (Fraction(h * 3600 + m * 60 + s) + Fraction(f, base) for h, m, s, f in (block[5:9], block[9:13]))
        if end >= begin:
            yield begin, end
