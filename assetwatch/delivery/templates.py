"""What does a schedule for each usual kind of deliverable look like, ready to be edited?"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a template: its name, its patterns (empty for none), spec (`use` names a starter) and the rest."""

    name: str
    match: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    count: str = ""
    required: bool = True
    timeline: str = ""
    pulls: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """One kind: what it is, over what it is usually expanded, from whom to whom, its proof and its items."""

    title: str
    axis: str
    values: str
    sender: str
    receiver: str
    folder: str
    parts: Sequence[Part]
    proof: str = "manifest"


_PICTURE: Final = {"use": "reference-picture"}
_SOUND: Final = {"audio.sample_rate": 48000, "audio.bit_depth": 24}

_ALL: Final = {
    "camera-originals": Template(
        "camera originals of a shoot day",
        *("day", "2026-11-02..2026-11-06", "Camera", "Post", "OCF/{day}"),
        (
            Part("Camera rolls", "OCF/{day}/{roll}/"),
            Part("Sound rolls", "SOUND_ROLLS/{day}/{roll}/", count=">=1"),
            Part("Camera report", "OCF/{day}/*{report,Report,REPORT}*.{pdf,csv}", required=False),
            Part("ALE", "OCF/{day}/**/*.ale", required=False),
        ),
    ),
    "dailies": Template(
        "dailies and editorial proxies of a shoot day",
        *("day", "2026-11-02..2026-11-06", "Lab", "Editorial", "DAILIES/{day}"),
        (
            Part("Proxies", "DAILIES/{day}/**/*.{mxf,mov}"),
            Part("ALE", "DAILIES/{day}/**/*.ale"),
            Part("Bin", "DAILIES/{day}/**/*.avb", required=False),
        ),
    ),
    "sound-turnover": Template(
        "turnover to sound, a reel",
        *("reel", "R1..R6", "Editorial", "Mix House", "SOUND/{reel}"),
        (
            Part("AAF", "SOUND/{reel}/**/*_v{version}.aaf"),
            Part("Reference picture", "SOUND/{reel}/**/*_v{version}.mov", _PICTURE),
            Part("EDL", "SOUND/{reel}/**/*_v{version}.edl"),
            Part("Change list", "SOUND/{reel}/**/*change*.{txt,pdf,edl}", required=False),
            Part("Guide stems", "SOUND/{reel}/**/*.wav", _SOUND, count="any", required=False),
        ),
    ),
    "music-turnover": Template(
        "turnover to music, a reel",
        *("reel", "R1..R6", "Editorial", "Composer", "MUSIC/{reel}"),
        (
            Part("Reference picture", "MUSIC/{reel}/**/*_v{version}.mov", _PICTURE),
            Part("Spotting notes", "MUSIC/{reel}/**/*spotting*.{pdf,csv,xlsx}"),
            Part("AAF", "MUSIC/{reel}/**/*_v{version}.aaf", required=False),
        ),
    ),
    "vfx-turnover": Template(
        "turnover to VFX, a shot",
        *("shot", "SH010..SH060x10", "Editorial", "VFX House", "VFX/OUT/{shot}"),
        (
            Part(
                "Pull list and plates",
                "VFX/OUT/{shot}/**/*_v{version}.####.{exr,dpx}",
                {"use": "exr-plate"},
                pulls="VFX/OUT/{shot}/**/*.{edl,csv}",
            ),
            Part("Reference picture", "VFX/OUT/{shot}/**/*.mov"),
            Part("Colour decisions", "VFX/OUT/{shot}/**/*.{cdl,cc,ccc,cube}", required=False),
        ),
    ),
    "vfx-delivery": Template(
        "delivery back from VFX, a shot",
        *("shot", "SH010..SH060x10", "VFX House", "Editorial", "VFX/IN/{shot}"),
        (
            Part("Shot", "VFX/IN/{shot}/**/*_v{version}.####.exr", {"use": "exr-plate"}),
            Part("Review", "VFX/IN/{shot}/**/*_v{version}.mov"),
            Part("Submission form", "VFX/IN/{shot}/**/*.{csv,xlsx,pdf}", required=False),
        ),
    ),
    "colour-turnover": Template(
        "turnover to colour (DI), a reel",
        *("reel", "R1..R6", "Editorial", "DI House", "DI/{reel}"),
        (
            Part("Cut and its sources", "", timeline="DI/{reel}/**/*_v{version}.edl"),
            Part("AAF or XML", "DI/{reel}/**/*_v{version}.{aaf,xml,fcpxml}"),
            Part("Offline reference", "DI/{reel}/**/*_v{version}.mov", _PICTURE),
            Part("Stills and LUTs", "DI/{reel}/**/*.{cube,cdl,tif,dpx}", count="any", required=False),
        ),
    ),
    "mix-stems": Template(
        "mix and stems, a reel",
        *("reel", "R1..R6", "Mix House", "Post", "MIX/{reel}"),
        (
            Part("Printmaster 5.1", "MIX/{reel}/**/*{PM,PRINTMASTER,Printmaster}*51*.wav", _SOUND),
            Part("Printmaster 2.0", "MIX/{reel}/**/*{PM,PRINTMASTER,Printmaster}*20*.wav", _SOUND),
            Part("Dialogue stem", "MIX/{reel}/**/*_{DX,DIA}_*.wav", _SOUND, count=">=1"),
            Part("Music stem", "MIX/{reel}/**/*_{MX,MUS}_*.wav", _SOUND, count=">=1"),
            Part("Effects stem", "MIX/{reel}/**/*_{FX,SFX}_*.wav", _SOUND, count=">=1"),
            Part("M&E", "MIX/{reel}/**/*_{ME,MandE,M_E}_*.wav", _SOUND, count=">=1"),
            Part("Loudness report", "MIX/{reel}/**/*loudness*", required=False),
        ),
    ),
    "dcp": Template(
        "digital cinema package",
        *("version", "OV", "DCP Lab", "Distribution", "DCP/{version}"),
        (Part("Package", "DCP/{version}/*/"), Part("QC report", "DCP/{version}/*.pdf", required=False)),
    ),
    "imf": Template(
        "IMF package",
        *("version", "OV", "Mastering", "Streamer", "IMF/{version}"),
        (Part("Package", "IMF/{version}/*/"), Part("QC report", "IMF/{version}/*.pdf", required=False)),
    ),
    "prores-master": Template(
        "ProRes master, an episode",
        *("episode", "EP101..EP106", "Online", "Network", "MASTERS/{episode}"),
        (
            Part("Texted master", "MASTERS/{episode}/*_TEXTED_v{version}.mov", {"use": "prores-422-hq-uhd"}),
            Part("Textless master", "MASTERS/{episode}/*_TEXTLESS_v{version}.mov", {"use": "prores-422-hq-uhd"}),
            Part("QC report", "MASTERS/{episode}/*.pdf", required=False),
        ),
    ),
    "captions": Template(
        "captions and subtitles, an episode",
        *("episode", "EP101..EP106", "Caption House", "Network", "CAPTIONS/{episode}"),
        (
            Part("Closed captions", "CAPTIONS/{episode}/*.{scc,mcc}"),
            Part("Subtitles", "CAPTIONS/{episode}/*_{language}.{srt,ttml,itt,xml,vtt}", count=">=1"),
            Part("Forced narrative", "CAPTIONS/{episode}/*{FN,forced}*", required=False),
        ),
        "none",
    ),
    "paper": Template(
        "paper: cue sheet, dialogue list, credits",
        *("episode", "EP101..EP106", "Production", "Network", "PAPER/{episode}"),
        (
            Part("Music cue sheet", "PAPER/{episode}/*{cue,Cue,CUE}*.{pdf,xlsx,csv,docx}"),
            Part("Dialogue list", "PAPER/{episode}/*{dialog,Dialog,DIALOG}*.{pdf,xlsx,docx}"),
            Part("Credits", "PAPER/{episode}/*{credits,Credits,CREDITS}*.{pdf,xlsx,docx}"),
            Part("Chain of title", "PAPER/{episode}/*{chain,Chain,CHAIN}*.pdf", required=False),
        ),
        "none",
    ),
}

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}(?![0-9])")

#: Name -> template, one for each usual kind.
TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(_ALL)


def template(kind: str, over: str | None = None) -> str:
    """A schedule in TOML for one of `TEMPLATES`, expanded over `over` (a list or range of names), to be edited."""
    one = TEMPLATES[kind]
    name = f"{{{one.axis}}}"
    days = _DAY.match((over or one.values).strip()) is not None
    lines = [
        f"# {one.title}: one block stands for one deliverable of each {one.axis}.",
        "# Mend the names, the folders and the date, then: assetwatch schedule import FILE --dry-run",
        "",
        "[[deliverable]]",
        f"over = {{ {one.axis} = {json.dumps(over or one.values)} }}",
        f"id = {json.dumps(f'{name}-{kind.upper()}')}",
        "name = " + json.dumps(f"{name}: " + one.title.partition(",")[0]),
        f"kind = {json.dumps(kind)}",
        f"from = {json.dumps(one.sender)}",
        f"to = {json.dumps(one.receiver)}",
        'due = "{day} 23:00"' if one.axis == "day" and days else 'due = "2026-12-01 18:00"',
        'grace = "2h"',
        f"proof = {json.dumps(one.proof)}",
        f"folder = {json.dumps(one.folder)}",
    ]
    for part in one.parts:
        lines += [
            "",
            "  [[deliverable.item]]",
            f"  name = {json.dumps(part.name)}",
        ]
        lines += [
            f"  {key} = {json.dumps(pattern)}"
            for key, pattern in (("match", part.match), ("timeline", part.timeline), ("pulls", part.pulls))
            if pattern
        ]
        if part.count:
            lines.append(f"  count = {json.dumps(part.count)}")
        if part.spec:
            rules = ", ".join(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in part.spec.items())
            lines.append(f"  spec = {{ {rules} }}")
        if not part.required:
            lines.append("  required = false")
    return "\n".join([*lines, ""])
