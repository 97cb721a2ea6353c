"""Which short words does the field use for what MediaInfo calls a codec, its profile, a scan?

| MediaInfo                                   | codec    | profile                              |
| ------------------------------------------- | -------- | ------------------------------------ |
| ProRes, profile `422 HQ`                    | ProRes   | 422 HQ (Proxy, LT, 422, 4444, ...)   |
| ProRes, profile `RAW HQ`                    | ProRes   | RAW HQ                               |
| VC-3, known as `DNxHD 115`, `DNxHR HQX`     | DNxHD, DNxHR | 115, HQX                         |
| AVC, known as `AVC-Intra 100`, `XAVC`       | AVC      | High 4:2:2 Intra (as the stream says) |
| MPEG Video, known as `XDCAM HD422`, `IMX 50` | MPEG Video | 4:2:2                             |
| PCM, profile `Float`                        | PCM      | Float                                |
| AAC, additional features `LC SBR`           | AAC      | LC SBR                               |
| anything else                               | as MediaInfo says | as MediaInfo says           |

MediaInfo's own word is kept beside (`format`), and the name the maker sells it under (`commercial_name`).
"""

from __future__ import annotations

import re
from typing import Final

from assetwatch.media import answer
from assetwatch.media.answer import Track

_VC3_NAME: Final = re.compile(r"(DNxHD|DNxHR)(?:\s+(.+))?", re.IGNORECASE)

_SCANS: Final = {
    "progressive": "progressive",
    "interlaced": "interlaced",
    # Ways to code fields (ISO/IEC 14496-10): the pictures are interlaced ones.
    "mbaff": "interlaced",
    "paff": "interlaced",
    "mixed": "mixed",
}

_MODES: Final = {"cfr": "constant", "constant": "constant", "vfr": "variable", "variable": "variable"}
_BIT_RATE_MODES: Final = {"cbr": "constant", "vbr": "variable"}


def commercial_name(track: Track) -> str | None:
    """The name that the format is sold under where it has one besides its own: XDCAM HD422, Dolby Digital."""
    return answer.first(track, "Format_Commercial_IfAny")


def codec(track: Track) -> tuple[str | None, str | None]:
    """Codec and profile by the table above; null for what MediaInfo does not say."""
    name = answer.first(track, "Format")
    profile = answer.text(track, "Format_Profile")
    sold = commercial_name(track)
    if name == "VC-3" and sold is not None and (match := _VC3_NAME.fullmatch(sold)):
        return ("DNxHR" if match[1].lower() == "dnxhr" else "DNxHD"), match[2]
    if answer.kind(track) == "Audio" and profile is None:
        profile = answer.text(track, "Format_AdditionalFeatures")
    return name, profile


def scan(track: Track) -> str | None:
    """`progressive`, `interlaced` or `mixed`."""
    return _SCANS.get((answer.first(track, "ScanType") or "").lower())


def value_range(track: Track) -> str | None:
    """`limited` or `full`; of a D-Cinema file MediaInfo gives two numbers, which are neither."""
    found = (answer.first(track, "colour_range") or "").lower()
    return found if found in ("limited", "full") else None


def frame_rate_mode(track: Track) -> str | None:
    """`constant` or `variable`."""
    return _MODES.get((answer.first(track, "FrameRate_Mode") or "").lower())


def bit_rate_mode(track: Track) -> str | None:
    """`constant` or `variable`."""
    return _BIT_RATE_MODES.get((answer.first(track, "BitRate_Mode") or "").lower())
