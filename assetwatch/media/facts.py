"""What are the facts of a media file, in the one shape that scripts and specs rely on?

Pure: from MediaInfo's answer, and from what the readers of headers (`wave`, `stills`) add, to the document of
`assetwatch probe --json`. What is not known is null; nothing is filled in from what is usual.

- `container`: MediaInfo's word (MPEG-4, MXF, Wave, Matroska, DPX, EXR); its kind is `other.container_profile`
  (QuickTime, OP-1a).
- `duration`: seconds, a number, exact to a thousandth or better; null for stills.
- `start_timecode`: `01:00:00:00`, in drop-frame counting `01:00:00;00`. For the order of its sources see `_start`.
- `video`, one of a track, stills too: `codec`, `profile` (words.py), `width`, `height` (pixels), `frame_rate`
  (`24000/1001`, `25/1`), `scan` (`progressive`, `interlaced`), `bit_depth`, `chroma` (`4:2:2`), `color_primaries`,
  `transfer`, `matrix` (MediaInfo's words: BT.709, PQ), `range` (`limited`, `full`). Besides: `format`,
  `commercial_name`, `level`, `frame_rate_mode` (`constant`, `variable`), `frame_count`, `scan_order` (`TFF`),
  `pixel_aspect`, `display_aspect` (ratios as numbers), `color_space`, `rotation` (degrees), `bit_rate` (bits a second),
  `bit_rate_mode`, `stream_size` (bytes), `hdr`, `language`, `title`, `still`.
- `audio`, one of a track: `codec`, `profile`, `channels`, `layout` (`L R C LFE Ls Rs`), `sample_rate` (Hz),
  `bit_depth`. Besides: `format`, `commercial_name`, `samples`, `bit_rate`, `bit_rate_mode`, `stream_size`,
  `language`, `title`, `duration`.
- `other`: `reel`, `camera`, `clip`, `tape`, `tool`, `umid` always, null where not known; the rest (OTHER) where said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from assetwatch.media import answer, rates, words
from assetwatch.media.answer import Track

Facts = dict[str, Any]

#: What may stand in `other` besides the six that always do.
OTHER: Final = {
    "container_profile": "QuickTime, OP-1a, OP-Atom ...",
    "commercial_name": "the name the whole is sold under",
    "bit_rate": "bits a second, all tracks",
    "truncated": "true where the file ends before its own structure does",
    "timecodes": "every timecode found: value, frame_rate, source, title",
    "timecode_rate": "frames a second that start_timecode counts",
    "drop_frame": "whether start_timecode counts in drop-frame",
    "reel": "reel name as the file gives it",
    "package": "name of an MXF package",
    "file_umid": "UMID of the file itself, where umid is that of its clip (MXF)",
    "title": "title of the whole",
    "description": "free text of the maker, also of bext",
    "comment": "free text",
    "encoded_date": "as written in the file",
    "camera_serial": "serial number of the camera or scanner",
    "lens": "lens as the file names it",
    "start_samples": "samples from midnight to the first one (bext, iXML)",
    "start_samples_rate": "samples a second that start_samples counts",
    "originator": "who or what wrote it (bext)",
    "originator_reference": "its own number for it (bext)",
    "originated": "date and time of origination, as written",
    "coding_history": "bext",
    "project": "iXML, DPX",
    "scene": "iXML",
    "take": "iXML, as written",
    "circled": "iXML",
    "note": "iXML",
    "sound_tracks": "channel, name and function of each (iXML)",
    "family": "iXML: what the files of one take share",
    "family_index": "iXML",
    "family_total": "iXML",
    "text": "caption and subtitle tracks: codec, language, title, start_timecode",
    "chapters": "position and name",
    "channels": "names of an image's channels (EXR, Cineon)",
    "sample_type": "half, float, uint (EXR)",
    "compression": "of an image",
    "data_window": "width and height of the pixels that are there (EXR)",
}

_ALWAYS: Final = ("reel", "camera", "clip", "tape", "tool", "umid")

_CHAPTERS_MAX: Final = 500
_TIMECODES_MAX: Final = 64
_TRACKS_MAX: Final = 1024

#: Endings of the names under which cameras and editors note these in metadata of their own (`com.apple.proapps.reel`).
_EXTRAS: Final = {
    "reel": ("proapps_reel", "reelname", "reel_name", "camera_reelname", "cameraroll"),
    "clip": ("proapps_clipid", "clipname", "clip_name", "proapps_originalclipname"),
    "scene": ("proapps_scene",),
    "take": ("proapps_take",),
    "camera_serial": ("camera_serialnumber", "cameraserialnumber", "camera_serial_number", "proapps_serialno"),
    "camera_make": ("camera_manufacturer", "proapps_manufacturer", "quicktime_make"),
    "camera": ("camera_modelname", "cameramodelname", "proapps_modelname", "quicktime_model"),
    "lens": ("lensmodel", "lens_model", "lens_type"),
}


def normalize(said: object, header: Mapping[str, Any] | None = None) -> Facts:
    """The facts in MediaInfo's answer, given as JSON text or parsed; `header` is what our own readers found.

    Never raises: an answer of another shape has no facts.
    """
    if isinstance(said, str | bytes):
        said = _parsed(said)
    tracks = answer.tracks(said)[:_TRACKS_MAX]
    by_kind: dict[str, list[Track]] = {}
    for track in tracks:
        by_kind.setdefault(answer.kind(track), []).append(track)
    general = (by_kind.get("General") or [{}])[0]
    header = dict(header or {})
    video = [_video(track, still=False) for track in by_kind.get("Video", ())]
    video += [_video(track, still=True) for track in by_kind.get("Image", ())]
    audio = [_audio(track) for track in by_kind.get("Audio", ())]
    container = answer.first(general, "Format")
    if "format" in header:
        container = header["format"]
        _complete_still(video, header)
    other = _other(general, by_kind, header)
    timecodes = _timecodes(by_kind)
    start, rate = _start(timecodes, header, video)
    if timecodes:
        other["timecodes"] = timecodes
    if start is not None:
        other["timecode_rate"] = rate
        other["drop_frame"] = rates.is_drop(start)
    return {
        "container": container,
        "duration": answer.number(general, "Duration"),
        "start_timecode": start,
        "video": video,
        "audio": audio,
        "other": other,
    }


def is_media(facts: Facts) -> bool:
    """Whether there is anything in a file with these facts that a media spec could ask about."""
    container = facts["container"]
    if container is not None:
        return container.lower() not in _DOCUMENTS
    return any(track["codec"] for track in (*facts["video"], *facts["audio"])) or "text" in facts["other"]


#: Formats that MediaInfo knows by name and that hold no media, in lower case.
_DOCUMENTS: Final = frozenset(
    (
        *(
            "zip",
            "7-zip",
            "rar",
            "tar",
            "gzip",
            "bzip2",
            "ace",
            "iso 9660",
            "elf",
            "mz",
            "mach-o",
            "pdf",
            "xml",
            "html",
        ),
        *("rtf", "msoffice", "opendocument", "openxml", "compound file", "json", "unicode text"),
        # Lists of media, which are read as lists elsewhere.
        *("dcp am", "dcp pkl", "dcp cpl", "imf am", "imf pkl", "imf cpl", "dash mpd", "hls", "ism"),
    )
)


def _parsed(said: str | bytes) -> object:
    try:
        # Control characters inside texts come from the file, not from the library.
        return json.loads(said, strict=False)
    except (ValueError, RecursionError):
        return None


def _video(track: Track, *, still: bool) -> Facts:
    codec, profile = words.codec(track)
    return {
        "codec": codec,
        "profile": profile,
        "width": answer.positive(track, "Width"),
        "height": answer.positive(track, "Height"),
        "frame_rate": rates.written(rates.frame_rate(track)),
        "scan": words.scan(track),
        "bit_depth": answer.positive(track, "BitDepth"),
        "chroma": answer.first(track, "ChromaSubsampling"),
        "color_primaries": answer.first(track, "colour_primaries"),
        "transfer": answer.first(track, "transfer_characteristics"),
        "matrix": answer.first(track, "matrix_coefficients"),
        "range": words.value_range(track),
        "format": answer.first(track, "Format"),
        "commercial_name": words.commercial_name(track),
        "level": answer.text(track, "Format_Level"),
        "frame_rate_mode": words.frame_rate_mode(track),
        "frame_count": answer.positive(track, "FrameCount"),
        "scan_order": answer.first(track, "ScanOrder"),
        "pixel_aspect": answer.number(track, "PixelAspectRatio"),
        "display_aspect": answer.number(track, "DisplayAspectRatio"),
        "color_space": answer.first(track, "ColorSpace"),
        "rotation": answer.whole(track, "Rotation"),
        "bit_rate": answer.positive(track, "BitRate", "BitRate_Nominal"),
        "bit_rate_mode": words.bit_rate_mode(track),
        "stream_size": answer.positive(track, "StreamSize"),
        "hdr": answer.text(track, "HDR_Format_Commercial", "HDR_Format_Compatibility", "HDR_Format"),
        "language": answer.first(track, "Language"),
        "title": answer.text(track, "Title"),
        "still": still,
    }


def _audio(track: Track) -> Facts:
    codec, profile = words.codec(track)
    return {
        "codec": codec,
        "profile": profile,
        "channels": answer.positive(track, "Channels", "Channel(s)", "Channel_s_"),
        "layout": answer.first(track, "ChannelLayout"),
        "sample_rate": answer.positive(track, "SamplingRate"),
        "bit_depth": answer.positive(track, "BitDepth"),
        "format": answer.first(track, "Format"),
        "commercial_name": words.commercial_name(track),
        "samples": answer.positive(track, "SamplingCount"),
        "bit_rate": answer.positive(track, "BitRate", "BitRate_Nominal"),
        "bit_rate_mode": words.bit_rate_mode(track),
        "stream_size": answer.positive(track, "StreamSize"),
        "language": answer.first(track, "Language"),
        "title": answer.text(track, "Title"),
        "duration": answer.number(track, "Duration"),
    }


def _complete_still(video: list[Facts], header: Mapping[str, Any]) -> None:
    """Put right what MediaInfo says of a frame by its header: of a camera's raw stills it reads the thumbnail."""
    if not video:
        video.append(_video({}, still=True))
    frame = video[0]
    frame["codec"] = frame["codec"] or header["format"]
    frame["format"] = frame["format"] or header["format"]
    for name in ("width", "height", "bit_depth", "frame_rate", "pixel_aspect"):
        if header.get(name) is not None:
            frame[name] = header[name]


def _other(general: Track, by_kind: Mapping[str, list[Track]], header: Mapping[str, Any]) -> Facts:
    known: Facts = {
        "container_profile": answer.text(general, "Format_Profile"),
        "commercial_name": words.commercial_name(general),
        "bit_rate": answer.positive(general, "OverallBitRate"),
        "tool": _tool(general),
        "umid": answer.text(general, "UMID"),
        "package": answer.text(general, "PackageName"),
        "title": answer.text(general, "Title"),
        "description": answer.text(general, "Description"),
        "comment": answer.text(general, "Comment"),
        "encoded_date": _date(general),
        "text": [_text(track) for track in by_kind.get("Text", ())] or None,
        "chapters": _chapters(by_kind.get("Menu", ())) or None,
        "reel": _reel(by_kind),
        "truncated": _truncated(general),
    }
    noted: Facts = {}
    for track in (general, *by_kind.get("Video", ())):
        for name, value in answer.extra(track):
            for fact, endings in _EXTRAS.items():
                if name.endswith(endings):
                    noted.setdefault(fact, value)
    known = {name: value for name, value in noted.items() if name != "camera_make"} | {
        name: value for name, value in known.items() if value is not None
    }
    for name, value in header.items():
        if name in OTHER or name in _ALWAYS:
            known[name] = value
    if "time_reference" in header:
        known["start_samples"] = header["time_reference"]
        known["start_samples_rate"] = header.get("timestamp_rate")
    make = header.get("camera_make") or noted.get("camera_make") or answer.text(general, "Make", "EncodedBy_Make")
    known["camera"] = _camera(make, known.get("camera"))
    if (umid := known.get("umid")) is not None:
        known["umid"] = umid.lower().removeprefix("0x")
    return {name: known.pop(name, None) for name in _ALWAYS} | known


def _camera(make: str | None, model: str | None) -> str | None:
    if make and model and not model.lower().startswith(make.lower()):
        return f"{make} {model}"
    return model or make


def _tool(general: Track) -> str | None:
    """What wrote the file: company, name and version as far as they are told."""
    name = answer.text(general, "Encoded_Application_Name")
    if name is None:
        return answer.text(general, "Encoded_Application", "Encoded_Library")
    parts = (
        answer.text(general, "Encoded_Application_CompanyName"),
        name,
        answer.text(general, "Encoded_Application_Version"),
    )
    return " ".join(part for part in parts if part)


def _date(general: Track) -> str | None:
    found = answer.text(general, "Encoded_Date", "Recorded_Date")
    return None if found is None or found.startswith("0-00-00") else found


#: "File size 21988 is less than expected size 30630"; of whole MXF files too, but then without the second number.
_SHORT: Final = re.compile(r"less than expected size (?:at least )?[0-9]")


def _truncated(general: Track) -> bool | None:
    """True where the file is shorter than its own structure says, by how much being known."""
    extra = general.get("extra")
    if not isinstance(extra, Mapping) or extra.get("IsTruncated") != "Yes":
        return None
    try:
        return True if _SHORT.search(repr(extra.get("ConformanceErrors"))) else None
    except RecursionError:
        return None


def _text(track: Track) -> Facts:
    # Timed text counts thousandths, and MediaInfo writes them where the frames of a timecode stand.
    start = rates.timecode(answer.first(track, "TimeCode_FirstFrame"))
    return {
        "codec": answer.first(track, "Format"),
        "language": answer.first(track, "Language"),
        "title": answer.text(track, "Title"),
        "frame_rate": rates.written(rates.frame_rate(track)),
        "start_timecode": None if start is None or len(start) != len("00:00:00:00") else start,
    }


def _chapters(menus: list[Track] | tuple[()]) -> list[Facts]:
    """Chapters stand in a menu's extra fields, named `_00_10_00_000` for ten minutes."""
    chapters: list[Facts] = []
    for menu in menus:
        for name, value in answer.extra(menu):
            digits = name.strip("_").split("_")
            if len(digits) == 4 and all(part.isdecimal() and len(part) <= 3 for part in digits):
                hours, minutes, seconds, thousandths = map(int, digits)
                at = hours * 3600 + minutes * 60 + seconds + thousandths / 1000
                chapters.append({"at": round(at, 3), "name": value.split(":", 1)[-1] or None})
    return chapters[:_CHAPTERS_MAX]


def _is_timecode(track: Track) -> bool:
    return (answer.first(track, "Type") or "").lower() == "time code"


def _reel(by_kind: Mapping[str, list[Track]]) -> str | None:
    """The source name of a QuickTime timecode track, which MediaInfo gives as its title."""
    for track in by_kind.get("Other", ()):
        title = answer.text(track, "Title")
        if title and _is_timecode(track) and answer.first(track, "Format") == "QuickTime TC":
            plain = title.lower().replace(" ", "")
            # Writers without a reel leave the name of the handler there.
            if "handler" not in plain and not plain.startswith("timecode"):
                return title
    return None


#: Sources of a timecode, the one that is believed first in front.
_SOURCES: Final = ("track", "material package", "source package", "system item", "stream")


def _timecodes(by_kind: Mapping[str, list[Track]]) -> list[Facts]:
    """Every timecode that MediaInfo found, best source first, each once."""
    found: list[tuple[int, Facts]] = []
    for track in by_kind.get("Other", ()):
        if not _is_timecode(track):
            continue
        drop = answer.said_yes(track, "TimeCode_DropFrame")
        value = rates.timecode(answer.first(track, "TimeCode_FirstFrame"), drop)
        if value is None:
            continue
        settings = (answer.first(track, "TimeCode_Settings") or "").lower()
        if settings.startswith("material"):
            source = "material package"
        elif settings.startswith("source"):
            source = "source package"
        elif answer.first(track, "MuxingMode") is not None:
            source = "system item"
        else:
            source = "track"
        _add(found, source, value, rates.frame_rate(track), answer.text(track, "Title"))
    for track in by_kind.get("Video", ()):
        value = rates.timecode(answer.first(track, "TimeCode_FirstFrame"), answer.said_yes(track, "TimeCode_DropFrame"))
        if value is not None:
            _add(found, "stream", value, rates.frame_rate(track), None)
    found.sort(key=lambda one: one[0])
    return [timecode for _, timecode in found[:_TIMECODES_MAX]]


def _add(found: list[tuple[int, Facts]], source: str, value: str, rate: Fraction | None, title: str | None) -> None:
    timecode = {"value": value, "frame_rate": rates.written(rate), "source": source, "title": title}
    if all(timecode != known for _, known in found):
        found.append((_SOURCES.index(source), timecode))


def _start(timecodes: list[Facts], header: Mapping[str, Any], video: list[Facts]) -> tuple[str | None, str | None]:
    """The timecode of the first frame and the rate it counts.

    In this order: a timecode track (of an MXF file the material package's, which is what a player shows, before the
    source packages'); the header of a still; the samples since midnight of a sound file whose timecode rate is told.
    What stands in the picture stream itself (the time code of an MPEG GOP) counts where it is not the zero that
    encoders leave there.
    """
    for timecode in timecodes:
        if timecode["source"] != "stream" or timecode["value"].strip("0:;"):
            return timecode["value"], timecode["frame_rate"]
    said = header.get("start_timecode")
    if isinstance(said, str):
        return said, next((track["frame_rate"] for track in video), None)
    samples, per_second, rate = (header.get(n) for n in ("time_reference", "timestamp_rate", "timecode_rate"))
    if isinstance(samples, int) and isinstance(per_second, int) and isinstance(rate, str):
        drop = bool(header.get("timecode_drop"))
        return rates.timecode_of_samples(samples, per_second, Fraction(rate), drop), rate
    return None, None
