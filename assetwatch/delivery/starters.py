"""Which specs do the usual masters and turnovers have?

Beginnings, to be edited: `use = "stem-5.1"` takes one, and further rules beside it win over its own. Each line is what
the delivery documents of the kind agree on, as far as a probe can see it; a show's own document is the last word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Starter:
    """One starter spec: what it is for, and its rules as `Spec.compile` takes them."""

    title: str
    rules: dict[str, str | int]


#: MXF does not tell.
_CONSTANT: Final = {"video.frame_rate_mode": "constant | unknown"}
_PROGRESSIVE: Final = {"video.scan": "progressive"}
_PCM_48_24: Final[dict[str, str | int]] = {
    "audio.codec": "PCM",
    "audio.sample_rate": 48000,
    "audio.bit_depth": 24,
}

STARTERS: Final[dict[str, Starter]] = {
    "prores-422-hq-uhd": Starter(
        "ProRes 422 HQ master, UHD",
        {
            "container": "MPEG-4 | QuickTime | MOV",
            "video.codec": "ProRes",
            "video.profile": "422 HQ",
            "video.raster": "3840x2160",
            **_PROGRESSIVE,
            **_CONSTANT,
            "video.chroma": "4:2:2",
            "video.range": "limited | unknown",
            **_PCM_48_24,
            "audio.channels": ">=2",
        },
    ),
    "prores-422-hq-hd": Starter(
        "ProRes 422 HQ master, HD",
        {
            "container": "MPEG-4 | QuickTime | MOV",
            "video.codec": "ProRes",
            "video.profile": "422 HQ",
            "video.raster": "1920x1080",
            **_CONSTANT,
            "video.chroma": "4:2:2",
            "video.range": "limited | unknown",
            **_PCM_48_24,
            "audio.channels": ">=2",
        },
    ),
    "prores-4444": Starter(
        "ProRes 4444 or 4444 XQ",
        {"video.codec": "ProRes", "video.profile": "4444 | 4444 XQ", **_PROGRESSIVE, **_CONSTANT},
    ),
    "dnxhr": Starter(
        "DNxHR, any of the family",
        {"video.codec": "DNxHR", **_PROGRESSIVE, **_CONSTANT, "audio.sample_rate": 48000},
    ),
    "dnxhr-hqx": Starter(
        "DNxHR HQX, UHD",
        {
            "video.codec": "DNxHR",
            "video.profile": "HQX",
            "video.raster": "3840x2160",
            "video.bit_depth": ">=10",
            **_PROGRESSIVE,
            **_CONSTANT,
        },
    ),
    "xdcam-hd-50": Starter(
        "XDCAM HD422, 50 Mbit/s, MXF OP1a",
        {
            "container": "MXF",
            "video.codec": "MPEG-2",
            "video.raster": "1920x1080",
            "video.chroma": "4:2:2",
            "video.bit_rate": "50M ± 10%",
            "audio.codec": "PCM",
            "audio.sample_rate": 48000,
            "audio.bit_depth": 24,
        },
    ),
    "as11-like": Starter(
        "AS-11 as broadcasters ask for it: AVC-Intra 100, 1080i/25, MXF OP1a, first frame at 10:00:00:00",
        {
            "container": "MXF",
            "other.container_profile": "OP-1a",
            "video.codec": "AVC",
            "video.raster": "1920x1080",
            "video.frame_rate": 25,
            "video.scan": "interlaced",
            "video.scan_order": "TFF",
            "video.chroma": "4:2:2",
            "video.bit_depth": 10,
            **_PCM_48_24,
            "audio.channels": "4 | 16",
            "start_timecode": "10:00:00:00 | 09:59:30:00 | 09:58:00:00",
        },
    ),
    "dcp-picture": Starter(
        "picture track of a DCP, 2K or 4K",
        {
            "container": "MXF",
            "video.codec": "JPEG 2000",
            "video.width": "1998 | 2048 | 3996 | 4096",
            "video.height": "858 | 1080 | 1716 | 2160",
            "video.frame_rate": "24 | 25 | 30 | 48 | 50 | 60",
            "video.bit_depth": 12,
        },
    ),
    "dcp-sound": Starter(
        "sound track of a DCP",
        {
            "container": "MXF",
            "audio.codec": "PCM",
            "audio.sample_rate": "48000 | 96000",
            "audio.bit_depth": 24,
            "audio.channels": "2..16",
        },
    ),
    "stem-5.1": Starter("stem or mix, 5.1, 48 kHz, 24 bit", {**_PCM_48_24, "audio.channels": 6}),
    "stem-2.0": Starter("stem or mix, 2.0, 48 kHz, 24 bit", {**_PCM_48_24, "audio.channels": 2}),
    "stem-mono": Starter("mono stem, 48 kHz, 24 bit", {**_PCM_48_24, "audio.channels": 1}),
    "exr-plate": Starter(
        "EXR frames of a plate",
        {"container": "EXR | OpenEXR", "video.codec": "EXR", "video.bit_depth": "16 | 32"},
    ),
    "reference-picture": Starter(
        "reference picture for sound, music, VFX or colour: frame-accurate, so no long GOP",
        {"video.codec": "not H.264 | H.265", **_CONSTANT, "start_timecode": "*"},
    ),
}
