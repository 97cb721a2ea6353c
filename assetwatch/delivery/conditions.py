"""Does a fact have the value that is asked for?

A condition is written as a value, or with `>=`, `<=`, `>`, `<`, `!=`; as a range `2..4`; with a tolerance `50 ± 5`,
`50 +/- 10%`; as a choice `limited | full`; turned round by `not`. Texts compare without case, `*` and `?` stand for any
characters, `*` alone for anything that is known, and `unknown` as a choice lets a fact pass that the file does not
tell. What a text means depends on the fact it is compared with:

- rates are exact: `23.976`, `23.98` and `24000/1001` are one rate, which 24 is not;
- codecs go by several names (H.264 is AVC, `DNx` is DNxHD or DNxHR), also with their profile: `ProRes 422 HQ`;
- bit rates may be written `50M`, durations `1h30m` or in seconds, aspects `16:9` (to half a hundredth);
- a timecode written with `;` asks for drop-frame, one with `:` for that label in either counting;
- a layout may be written `5.1`: so many full channels and so many LFE, in any order.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, Final

from assetwatch.media.timelines import tc
from assetwatch.units import parse_duration, parse_size

_COMPARED: Final = re.compile(r"(>=|<=|==|!=|>|<|=)\s*(.+)", re.DOTALL)
_BETWEEN: Final = re.compile(r"(\S.*?)\s*\.\.\s*(\S.*)")
_NEAR: Final = re.compile(r"(.+?)\s*(?:±|\+/-|\+-)\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,12}|/[1-9][0-9]{0,11})?")
_ASPECT: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,6})?)[:/x]([1-9][0-9]{0,4}(?:\.[0-9]{1,6})?)")
_LAYOUT: Final = re.compile(r"([0-9]{1,2})\.([0-9])(?:\.([0-9]{1,2}))?")
_SIGNS: Final = re.compile(r"[\s._-]+")

#: Names of one codec, as `_codec` writes them; the first is MediaInfo's.
_ALIASES: Final = (
    ("avc", "h264", "avc1", "x264", "mpeg4avc", "mpeg4part10"),
    ("hevc", "h265", "hvc1", "hev1", "x265", "mpegh"),
    ("mpegvideo", "mpeg2", "mpeg2video", "h262", "m2v"),
    ("prores", "appleprores"),
    ("jpeg2000", "j2k", "jp2", "jp2k", "j2c"),
    ("pcm", "lpcm", "linearpcm", "wave", "wav"),
    ("ac3", "dolbydigital"),
    ("eac3", "dolbydigitalplus", "ddp"),
    ("dv", "dvvideo"),
    ("exr", "openexr"),
)
_CANONICAL: Final = {name: names[0] for names in _ALIASES for name in names}
_VC3: Final = frozenset({"vc3", "dnx", "avidnx", "avidnxhd", "dnxhd/dnxhr", "dnxhddnxhr"})
_LAYOUTS: Final = {"mono": (1, 0), "stereo": (2, 0), "5.1": (5, 1), "7.1": (7, 1)}


@dataclass(frozen=True, slots=True)
class _Atom:
    """One comparison: `sign` is `=`, `>=`, `<=`, `>`, `<`, `..` (low, high) or `±` (value, tolerance, `%`)."""

    sign: str
    values: tuple[str, ...]


_UNKNOWN: Final = _Atom("=", ("unknown",))


@dataclass(frozen=True, slots=True)
class Condition:
    """What one fact is asked to be. Make it with `read`."""

    text: str
    key: str  #: the fact's own name, without its track
    negated: bool
    atoms: tuple[_Atom, ...]

    @property
    def takes_unknown(self) -> bool:
        """Whether a fact that is not known will do: `limited | unknown`."""
        return not self.negated and any(atom == _UNKNOWN for atom in self.atoms)

    def holds(self, observed: Any) -> bool:
        """Whether `observed` (a value of the facts, not None) is what is asked for."""
        return any(_holds(atom, self.key, observed) for atom in self.atoms) is not self.negated


def read(key: str, value: object) -> Condition:
    """The condition that `value` (text, number, truth or a list of these) asks of the fact `key`.

    Raises ValueError saying what is wrong: an empty text, a comparison with what is no number.
    """
    if isinstance(value, list | tuple):
        texts = [_written(one) for one in value]
        if not texts:
            raise ValueError("an empty list leaves nothing that would fit")
        return _read(key, " | ".join(texts))
    return _read(key, _written(value))


def plain(key: str, sign: str, value: str, negated: bool = False) -> Condition:
    """A condition whose value is taken as it stands; `sign` is `=`, `>=`, `<=`, `>` or `<`."""
    text = value if sign == "=" else f"{sign}{value}"
    return Condition(f"not {text}" if negated else text, key, negated, (_Atom(sign, (value,)),))


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Fraction):
        return str(value).strip()
    raise ValueError(f"expected a text, a number or a list, got {value!r}")


def _read(key: str, text: str) -> Condition:
    rest, negated = text, False
    while (head := re.match(r"not\s+|!=\s*|!\s*", rest, re.IGNORECASE)) is not None:
        rest, negated = rest[head.end() :], not negated
    if not rest.strip():
        raise ValueError("nothing is asked for")
    atoms = tuple(_atom(key, part.strip()) for part in rest.split("|"))
    return Condition(text, key, negated, atoms)


def _atom(key: str, text: str) -> _Atom:
    if not text:
        raise ValueError("an empty choice beside |")
    if compared := _COMPARED.fullmatch(text):
        sign, value = compared[1].replace("==", "="), compared[2].strip()
        if sign != "=" and _measure(key, value) is None:
            raise ValueError(f"{value!r} is nothing that is more or less")
        return _Atom(sign, (value,))
    if near := _NEAR.fullmatch(text):
        if _measure(key, near[1]) is None:
            raise ValueError(f"{near[1]!r} is no number, so it has no tolerance")
        return _Atom("±", (near[1], near[2], near[3]))
    if between := _BETWEEN.fullmatch(text):
        low, high = _measure(key, between[1]), _measure(key, between[2])
        if low is not None and high is not None:
            if low > high:
                raise ValueError(f"{text!r} runs backwards")
            return _Atom("..", (between[1], between[2]))
    return _Atom("=", (text,))


def _measure(key: str, value: object) -> Fraction | None:
    """What can be more or less, as a number: of a timecode the seconds and frames of its label."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, float):
        # The decimal that was written, not the binary number nearest to it.
        return Fraction(str(value)) if math.isfinite(value) else None
    text = str(value).strip()
    if key.endswith(("frame_rate", "timecode_rate")):
        return tc.exact_rate(text)
    if key == "start_timecode":
        try:
            hours, minutes, seconds, frames = tc.fields(text)
        except tc.TimecodeError:
            return None
        return Fraction(((hours * 60 + minutes) * 60 + seconds) * 1000 + frames, 1000)
    if key.endswith("aspect") and (ratio := _ASPECT.fullmatch(text)):
        return Fraction(ratio[1]) / Fraction(ratio[2])
    if _NUMBER.fullmatch(text):
        return Fraction(text)
    try:
        if key == "duration":
            return Fraction(str(parse_duration(text)))
        if key in ("bit_rate", "stream_size"):
            return Fraction(parse_size(re.sub(r"(?i)(?:bit/s|bps|b/s)$", "", text).strip()))
    except ValueError:
        pass
    return None


def _holds(atom: _Atom, key: str, observed: Any) -> bool:
    if atom.sign == "=":
        return _equal(key, atom.values[0], observed)
    seen, asked = _measure(key, observed), _measure(key, atom.values[0])
    if seen is None or asked is None:
        return False
    if atom.sign == "±":
        within = Fraction(atom.values[1])
        return abs(seen - asked) <= (abs(asked) * within / 100 if atom.values[2] else within)
    if atom.sign == "..":
        last = _measure(key, atom.values[1])
        return last is not None and asked <= seen <= last
    return {">=": seen >= asked, "<=": seen <= asked, ">": seen > asked, "<": seen < asked}[atom.sign]


def _equal(key: str, asked: str, observed: Any) -> bool:
    if asked == "*":
        return True
    if isinstance(observed, bool):
        return asked.lower() in (("true", "yes") if observed else ("false", "no"))
    if isinstance(observed, list | tuple):
        return any(_equal(key, asked, one) for one in observed)
    if key == "start_timecode":
        same = _measure(key, asked) == _measure(key, observed) is not None
        return same and (not tc.says_drop(asked) or tc.says_drop(str(observed)))
    if key == "layout":
        shape = _shape_asked(asked)
        if shape is not None:
            return shape == _shape(str(observed))
    wanted, seen = _measure(key, asked), _measure(key, observed)
    if wanted is not None and seen is not None:
        return abs(wanted - seen) <= Fraction(1, 200) if key.endswith("aspect") else wanted == seen
    return _alike(asked, str(observed))


def _alike(asked: str, observed: str) -> bool:
    one, other = " ".join(asked.lower().split()), " ".join(observed.lower().split())
    # Brackets are no classes here: they belong to names.
    return one == other or fnmatchcase(other, one.replace("[", "[[]"))


def _shape_asked(text: str) -> tuple[int, int] | None:
    if text.lower() in _LAYOUTS:
        return _LAYOUTS[text.lower()]
    found = _LAYOUT.fullmatch(text)
    return None if found is None else (int(found[1]) + int(found[3] or 0), int(found[2]))


def _shape(layout: str) -> tuple[int, int]:
    """How many full channels a layout of MediaInfo's has, and how many LFE."""
    channels = layout.split()
    low = sum(channel.upper().startswith("LFE") for channel in channels)
    return len(channels) - low, low


def codec_fits(condition: Condition, names: list[str]) -> bool:
    """Whether a track that goes by any of `names` (codec, format, commercial name, codec with profile) is asked for."""
    seen = {_codec(name) for name in names}
    fits = any(
        _codec(asked) in seen
        or (_codec(asked) in _VC3 and bool(seen & {"dnxhd", "dnxhr", "vc3"}))
        or any(_alike(asked, name) for name in names)
        for atom in condition.atoms
        for asked in atom.values[:1]
    )
    return fits is not condition.negated


def _codec(name: str) -> str:
    """A codec's name in one spelling; an alias may be followed by a profile (`Apple ProRes 422 HQ`)."""
    words = _SIGNS.sub(" ", name.lower()).split()
    for count in range(len(words), 0, -1):
        canonical = _CANONICAL.get("".join(words[:count]))
        if canonical is not None:
            return canonical + "".join(words[count:])
    return "".join(words)
