"""Does MediaInfo's answer become the facts that scripts and specs rely on?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.facts import OTHER, is_media, normalize


def answer(*tracks: dict[str, Any]) -> str:
    """MediaInfo's JSON of a file with these tracks."""
    return json.dumps({"creatingLibrary": {"name": "MediaInfoLib"}, "media": {"@ref": "", "track": list(tracks)}})


GENERAL = {"@type": "General", "Format": "MPEG-4", "Format_Profile": "QuickTime", "Duration": "2.002"}

PRORES = {
    "@type": "Video",
    "Format": "ProRes",
    "Format_Profile": "422 HQ",
    "Width": "1920",
    "Height": "1080",
    "FrameRate_Mode": "CFR",
    "FrameRate": "23.976",
    "FrameRate_Num": "24000",
    "FrameRate_Den": "1001",
    "FrameCount": "48",
    "ChromaSubsampling": "4:2:2",
    "ScanType": "Progressive",
    "colour_primaries": "BT.709",
    "transfer_characteristics": "BT.709",
    "matrix_coefficients": "BT.709",
    "colour_range": "Limited",
}

STEMS = {
    "@type": "Audio",
    "Format": "PCM",
    "Channels": "6",
    "ChannelLayout": "L R C LFE Ls Rs",
    "SamplingRate": "48048",
    "SamplingCount": "96192",
    "BitDepth": "24",
}


def timecode(value: str, **more: str) -> dict[str, str]:
    return {"@type": "Other", "Type": "Time code", "TimeCode_FirstFrame": value, **more}


def test_the_shape() -> None:
    """A picture with sound: the facts by the names of the contract, in the words of the field."""
    facts = normalize(answer(GENERAL, PRORES, STEMS, timecode("01:00:00:00", Format="QuickTime TC", Title="A001R1AB")))
    assert facts["container"] == "MPEG-4"
    assert facts["duration"] == 2.002
    assert facts["start_timecode"] == "01:00:00:00"
    [video], [audio] = facts["video"], facts["audio"]
    assert {name: video[name] for name in list(video)[:12]} == {
        "codec": "ProRes",
        "profile": "422 HQ",
        "width": 1920,
        "height": 1080,
        "frame_rate": "24000/1001",
        "scan": "progressive",
        "bit_depth": None,
        "chroma": "4:2:2",
        "color_primaries": "BT.709",
        "transfer": "BT.709",
        "matrix": "BT.709",
        "range": "limited",
    }
    assert video["frame_count"] == 48
    assert video["frame_rate_mode"] == "constant"
    assert {name: audio[name] for name in ("codec", "channels", "layout", "sample_rate", "bit_depth")} == {
        "codec": "PCM",
        "channels": 6,
        "layout": "L R C LFE Ls Rs",
        "sample_rate": 48048,
        "bit_depth": 24,
    }
    assert facts["other"]["reel"] == "A001R1AB"
    assert facts["other"]["drop_frame"] is False


def test_what_is_not_said_is_null() -> None:
    """A track of which nothing is known has every key and no value."""
    facts = normalize(answer({"@type": "General"}, {"@type": "Video"}, {"@type": "Audio"}))
    assert facts["container"] is None
    assert facts["duration"] is None
    assert facts["start_timecode"] is None
    assert {v for k, v in facts["video"][0].items() if k != "still"} == {None}
    assert set(facts["audio"][0].values()) == {None}
    assert facts["other"] == dict.fromkeys(("reel", "camera", "clip", "tape", "tool", "umid"))


@pytest.mark.parametrize(
    ("said", "codec", "profile"),
    [
        ({"Format": "VC-3", "Format_Commercial_IfAny": "DNxHR HQX", "Format_Profile": "RI"}, "DNxHR", "HQX"),
        ({"Format": "VC-3", "Format_Commercial_IfAny": "DNxHD 115"}, "DNxHD", "115"),
        ({"Format": "VC-3", "Format_Profile": "HD"}, "VC-3", "HD"),
        ({"Format": "AVC", "Format_Profile": "High 4:2:2 Intra"}, "AVC", "High 4:2:2 Intra"),
        ({"Format": "MPEG Video", "Format_Commercial_IfAny": "XDCAM HD422"}, "MPEG Video", None),
        ({"Format": "JPEG 2000"}, "JPEG 2000", None),
    ],
)
def test_codecs_have_the_names_of_the_field(said: dict[str, str], codec: str, profile: str | None) -> None:
    """VC-3 is called what it is sold as; the rest keeps MediaInfo's word, which stands beside in any case."""
    [video] = normalize(answer(GENERAL, {"@type": "Video", **said}))["video"]
    assert (video["codec"], video["profile"]) == (codec, profile)
    assert video["format"] == said["Format"]
    assert video["commercial_name"] == said.get("Format_Commercial_IfAny")


@pytest.mark.parametrize(
    ("said", "scan"),
    [("Progressive", "progressive"), ("Interlaced", "interlaced"), ("MBAFF", "interlaced"), ("odd", None), ("", None)],
)
def test_scan(said: str, scan: str | None) -> None:
    """Ways to code fields are interlaced; a word that is not known is not guessed at."""
    assert normalize(answer(GENERAL, {"@type": "Video", "ScanType": said}))["video"][0]["scan"] == scan


@pytest.mark.parametrize(("said", "value"), [("Limited", "limited"), ("Full", "full"), ("min: 0, max: 4095", None)])
def test_range(said: str, value: str | None) -> None:
    """Limited or full; numbers of code values are neither."""
    assert normalize(answer(GENERAL, {"@type": "Video", "colour_range": said}))["video"][0]["range"] == value


def test_the_material_package_gives_the_start() -> None:
    """Of an MXF file's timecodes the material package's is the start, and all are listed."""
    facts = normalize(
        answer(
            {"@type": "General", "Format": "MXF"},
            timecode("10:00:00:00", MuxingMode="SDTI"),
            timecode("11:00:00:00", TimeCode_Settings="Source Package"),
            timecode("01:00:00:00", TimeCode_Settings="Material Package", FrameRate="25.000"),
            {"@type": "Video", "Format": "MPEG Video", "TimeCode_FirstFrame": "12:00:00:00"},
        )
    )
    assert facts["start_timecode"] == "01:00:00:00"
    assert facts["other"]["timecode_rate"] == "25/1"
    assert [(one["value"], one["source"]) for one in facts["other"]["timecodes"]] == [
        ("01:00:00:00", "material package"),
        ("11:00:00:00", "source package"),
        ("10:00:00:00", "system item"),
        ("12:00:00:00", "stream"),
    ]


@pytest.mark.parametrize(("said", "start"), [("00:00:00:00", None), ("10:00:00:00", "10:00:00:00")])
def test_a_zero_in_the_stream_is_no_start(said: str, start: str | None) -> None:
    """An encoder leaves zero in the GOP's time code; that is listed and not believed."""
    facts = normalize(answer(GENERAL, {"@type": "Video", "TimeCode_FirstFrame": said}))
    assert facts["start_timecode"] == start
    assert facts["other"]["timecodes"][0]["value"] == said


@pytest.mark.parametrize(
    "track",
    [timecode("01:00:00;00"), timecode("01:00:00:00", TimeCode_DropFrame="Yes")],
    ids=["by the mark", "by the flag"],
)
def test_drop_frame(track: dict[str, str]) -> None:
    """Drop-frame is written with a semicolon, however MediaInfo says it."""
    facts = normalize(answer(GENERAL, track))
    assert facts["start_timecode"] == "01:00:00;00"
    assert facts["other"]["drop_frame"] is True


def test_a_handlers_name_is_no_reel() -> None:
    """The name of a timecode track's handler is not the reel."""
    facts = normalize(answer(GENERAL, timecode("01:00:00:00", Format="QuickTime TC", Title="Time Code Media Handler")))
    assert facts["other"]["reel"] is None


def test_metadata_of_cameras_and_editors() -> None:
    """Reel, clip and camera from the private metadata of a QuickTime file."""
    extra = {
        "com_apple_proapps_reel": "A004",
        "com_apple_proapps_clipID": "A004C010",
        "com_arri_camera_CameraModelName": "ALEXA 35",
        "com_arri_camera_CameraSerialNumber": "12345",
    }
    other = normalize(answer({**GENERAL, "extra": extra}))["other"]
    assert (other["reel"], other["clip"]) == ("A004", "A004C010")
    assert (other["camera"], other["camera_serial"]) == ("ALEXA 35", "12345")
    plain = {"com_apple_quicktime_make": "Apple", "com_apple_quicktime_model": "iPhone 15 Pro"}
    assert normalize(answer({**GENERAL, "extra": plain}))["other"]["camera"] == "Apple iPhone 15 Pro"


@pytest.mark.parametrize(
    ("complaint", "truncated"),
    [
        ("File size 21988 is less than expected size 30630 (offset 0x55E4)", True),
        ("File size 253 is less than expected size at least 17890899 (offset 0x24)", True),
        ("File size 40144 is less than expected size  (offset 0x9CD0)", None),
    ],
)
def test_a_file_cut_short(complaint: str, truncated: bool | None) -> None:
    """A file counts as cut short where it is known how long it should be."""
    extra = {"IsTruncated": "Yes", "ConformanceErrors": [{"MXF": [{"GeneralCompliance": complaint}]}]}
    assert normalize(answer({**GENERAL, "extra": extra}))["other"].get("truncated") is truncated


def test_a_recording_gets_its_start_from_samples() -> None:
    """Samples since midnight and the timecode rate of the recorder name the first frame."""
    header = {"time_reference": 172_800_000, "timestamp_rate": 48000, "scene": "12A", "take": "3", "tape": "S004"}
    tracks = answer({"@type": "General", "Format": "Wave"}, {"@type": "Audio", "Format": "PCM"})
    assert normalize(tracks, header)["start_timecode"] is None
    facts = normalize(tracks, header | {"timecode_rate": "25/1"})
    assert facts["start_timecode"] == "01:00:00:00"
    other = facts["other"]
    assert (other["scene"], other["take"], other["tape"], other["start_samples"]) == ("12A", "3", "S004", 172_800_000)


def test_a_frame_is_told_by_its_header() -> None:
    """Size, depth, rate and timecode of a frame come from its own header, also where MediaInfo knows nothing of it."""
    header = {
        "format": "DPX",
        "width": 2048,
        "height": 858,
        "bit_depth": 10,
        "frame_rate": "24/1",
        "start_timecode": "01:02:03:10",
        "camera_make": "ARRI",
        "camera": "Scan",
    }
    for tracks in ({"@type": "Image", "Format": "DPX", "Width": "8"}, {"@type": "Image"}, {"@type": "Other"}):
        facts = normalize(answer({"@type": "General"}, tracks), header)
        [frame] = facts["video"]
        assert facts["container"] == "DPX"
        assert (frame["codec"], frame["width"], frame["bit_depth"], frame["still"]) == ("DPX", 2048, 10, True)
        assert (frame["frame_rate"], facts["start_timecode"]) == ("24/1", "01:02:03:10")
        assert facts["other"]["camera"] == "ARRI Scan"


def test_captions_and_chapters() -> None:
    """Text tracks and chapters are listed."""
    facts = normalize(
        answer(
            {"@type": "General", "Format": "Matroska"},
            {"@type": "Text", "Format": "UTF-8", "Language": "de"},
            {"@type": "Menu", "extra": {"_00_01_00_500": "en:Reel 2", "pointer": "0"}},
        )
    )
    assert facts["other"]["text"][0]["codec"] == "UTF-8"
    assert facts["other"]["text"][0]["language"] == "de"
    assert facts["other"]["chapters"] == [{"at": 60.5, "name": "Reel 2"}]


@pytest.mark.parametrize(
    ("tracks", "media"),
    [
        ([GENERAL], True),
        ([{"@type": "General"}], False),
        ([{"@type": "General", "Format": "ZIP"}], False),
        ([{"@type": "General", "Format": "IMF CPL"}, timecode("00:00:00:00"), {"@type": "Video"}], False),
        ([{"@type": "General", "Format": "R3D"}], True),
        ([{"@type": "General"}, {"@type": "Audio", "Format": "PCM"}], True),
        ([], False),
    ],
)
def test_what_counts_as_media(tracks: list[dict[str, Any]], media: bool) -> None:
    """Tracks, or a container of media that has lost them; not an archive or a document."""
    assert is_media(normalize(answer(*tracks))) is media


_FIELDS = [
    *("Format", "Format_Profile", "Format_Commercial_IfAny", "Width", "Height", "FrameRate", "FrameRate_Num"),
    *("FrameRate_Den", "FrameRate_Mode", "ScanType", "BitDepth", "Channels", "SamplingRate", "Duration", "Type"),
    *("TimeCode_FirstFrame", "TimeCode_DropFrame", "TimeCode_Settings", "Title", "UMID", "extra", "Rotation"),
]
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
_SAID = st.sampled_from(["1 / 2", "25", "-1", "1e9", "\ud800", "\0", "01:00:00:00", "Yes", "Time code", "9" * 30, "٣"])
_VALUES = st.recursive(
    _SCALARS | _SAID,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
_KINDS = st.sampled_from(["General", "Video", "Audio", "Image", "Text", "Other", "Menu", "Odd"])
_TRACKS = st.fixed_dictionaries({"@type": _KINDS | _VALUES}, optional=dict.fromkeys(_FIELDS, _VALUES))


@given(_VALUES | st.builds(lambda t: {"media": {"track": t}}, st.lists(_TRACKS | _VALUES, max_size=6)))
def test_any_answer_has_facts(said: object) -> None:
    """Whatever the library says, the facts have their shape, and any database takes their texts."""
    facts = normalize(said)
    assert list(facts) == ["container", "duration", "start_timecode", "video", "audio", "other"]
    assert set(facts["other"]) <= {*OTHER, "reel", "camera", "clip", "tape", "tool", "umid"}
    written = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in written
    assert written.encode()
    assert is_media(facts) in (True, False)


@given(st.text() | st.binary())
def test_any_text_has_facts(said: str | bytes) -> None:
    """What is no JSON has no facts, and is no error."""
    assert normalize(said)["video"] == []
