"""Are the facts of real media what other tools, and those who made them, say?"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from assetwatch.media.probe import Prober

Facts = dict[str, Any]


def rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def facts_of(prober: Prober, path: Path) -> Facts:
    result = prober.probe(path)
    assert result.status == "ok", f"{path.name}: {result.status} {result.reason}"
    assert result.facts is not None
    return result.facts


MADE = {
    "prores4444_alpha_25.mov": ("ProRes", "4444", "25/1", "10:00:00:00", "progressive"),
    "dnxhr_sq_25_opatom_v1.mxf": ("DNxHR", "SQ", "25/1", "10:00:00:00", "progressive"),
    "xdcamlike_mpeg2_422_1080i25.mxf": ("MPEG Video", "4:2:2", "25/1", "10:00:00:00", "interlaced"),
    "h264_23976.mp4": ("AVC", "High", "24000/1001", None, "progressive"),
    "hevc_hdr10_5994.mp4": ("HEVC", "Main 10", "60000/1001", None, "progressive"),
    "ffv1_24.mkv": ("FFV1", None, "24/1", None, "progressive"),
}


@pytest.mark.parametrize("name", MADE)
def test_made_pictures(prober: Prober, corpus: Path, name: str) -> None:
    """Clips made to order have the codec, rate, timecode and scan that were ordered."""
    facts = facts_of(prober, corpus / "06-media" / "made-ffmpeg-5.1" / name)
    [video] = facts["video"]
    said = (video["codec"], video["profile"], video["frame_rate"], facts["start_timecode"], video["scan"])
    assert said == MADE[name]


def test_the_same_as_the_library_itself(prober: Prober, corpus: Path) -> None:
    """Codec, size, rate and sound are what MediaInfo says on its own command line, but where a header knows better."""
    compared = 0
    for row in rows(corpus / "06-media" / "mediainfo_facts.tsv"):
        path = corpus / row["path"]
        if not path.is_file() or not row["tracks"] or row["path"].startswith("08-"):
            continue
        result = prober.probe(path)
        if result.facts is None:
            assert {row[f"{kind}.Format"] for kind in ("Video", "Image", "Audio")} == {""}, row["path"]
            continue
        facts = result.facts
        moving = [track for track in facts["video"] if not track["still"]]
        if row["Video.Format"]:
            assert moving[0]["format"] == row["Video.Format"], row["path"]
            assert str(moving[0]["width"] or 0) == (row["Video.Width"] or "0"), row["path"]
            if row["Video.FrameRate"] and moving[0]["frame_rate"]:
                assert abs(float(Fraction(moving[0]["frame_rate"])) - float(row["Video.FrameRate"])) < 0.002, row[
                    "path"
                ]
        if row["Audio.Format"]:
            assert facts["audio"][0]["format"] == row["Audio.Format"], row["path"]
            assert str(facts["audio"][0]["channels"] or "") == row["Audio.Channels"], row["path"]
            assert str(facts["audio"][0]["sample_rate"] or "") == row["Audio.SamplingRate"], row["path"]
        if row["Image.Format"] and row["Image.Width"] and facts["container"] != "DNG":
            assert str(facts["video"][0]["width"]) == row["Image.Width"], row["path"]
        if row["General.Duration"]:
            assert facts["duration"] == pytest.approx(float(row["General.Duration"]), abs=0.002), row["path"]
        compared += 1
    assert compared > 50


def test_the_same_as_another_tool(prober: Prober, corpus: Path) -> None:
    """Where ffprobe and MediaInfo agree, so do we: size, exact rate, timecode."""
    folder = corpus / "06-media"
    differ = {row["path"]: row["disagreements"] for row in rows(folder / "ffprobe_vs_mediainfo_24.12.tsv")}
    compared = 0
    for row in rows(folder / "ffprobe_facts.tsv"):
        path = corpus / row["path"]
        if row["path"].startswith("08-") or not path.is_file() or row["ffprobe_exit"] != "0" or row["path"] in differ:
            continue
        facts = prober.probe(path).facts
        if facts is None:
            continue
        if facts["video"] and not facts["video"][0]["still"] and row["width"]:
            video = facts["video"][0]
            assert (str(video["width"]), str(video["height"])) == (row["width"], row["height"]), row["path"]
            if row["avg_frame_rate"] not in ("", "0/0") and video["frame_rate_mode"] != "variable":
                rate = Fraction(row["avg_frame_rate"])
                assert abs(Fraction(video["frame_rate"]) - rate) < Fraction(1, 100), row["path"]
            compared += 1
        if row["timecode"] and facts["start_timecode"]:
            assert facts["start_timecode"] == row["timecode"], row["path"]
    assert compared > 8


def test_a_field_recording(prober: Prober, corpus: Path) -> None:
    """A recorder's start is the frame that its samples since midnight lie in, at its own timecode rate."""
    facts = facts_of(prober, corpus / "06-media" / "wavinfo" / "A101_1.WAV")
    assert facts["start_timecode"] == "12:39:59:00"
    assert facts["other"]["timecode_rate"] == "24000/1001"
    assert facts["other"]["scene"] == "A101"
    assert [track["name"] for track in facts["other"]["sound_tracks"]] == ["MKH516 A", "Boom"]


def test_drop_frame_and_reel(prober: Prober, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """A ProRes master in drop-frame with a reel name."""
    path = tmp_path / "master.mov"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=30000/1001:d=0.2")
    colours = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    more = ("-timecode", "01:00:00;00", "-metadata:s:v", "reel_name=A001R1AB", *colours)
    ffmpeg(*picture, "-c:v", "prores_ks", "-profile:v", "3", *more, str(path))
    facts = facts_of(prober, path)
    assert facts["start_timecode"] == "01:00:00;00"
    assert facts["other"]["drop_frame"] is True
    assert facts["other"]["reel"] == "A001R1AB"
    [video] = facts["video"]
    assert (video["codec"], video["profile"], video["frame_rate"]) == ("ProRes", "422 HQ", "30000/1001")
    assert (video["color_primaries"], video["transfer"], video["matrix"]) == ("BT.709", "BT.709", "BT.709")


def test_metadata_of_an_editor(prober: Prober, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """Reel, scene and clip that an editor noted in a QuickTime file under names of its own."""
    path = tmp_path / "noted.mov"
    noted = {"reel": "A004", "scene": "12A", "clipID": "A004C010", "manufacturer": "ARRI", "modelname": "ALEXA 35"}
    tags = [part for name, value in noted.items() for part in ("-metadata", f"com.apple.proapps.{name}={value}")]
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.2")
    ffmpeg(*picture, "-c:v", "mjpeg", *tags, "-movflags", "use_metadata_tags", str(path))
    other = facts_of(prober, path)["other"]
    assert (other["reel"], other["scene"], other["clip"]) == ("A004", "12A", "A004C010")
    assert other["camera"] == "ARRI ALEXA 35"


def test_sound_beside_picture_in_mxf(prober: Prober, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """DNxHD in MXF OP1a with a track of sound."""
    path = tmp_path / "clip.mxf"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=24000/1001:d=0.2")
    tone = ("-f", "lavfi", "-i", "sine=d=0.2:r=48000")
    coding = ("-c:v", "dnxhd", "-b:v", "115M", "-pix_fmt", "yuv422p", "-c:a", "pcm_s24le")
    ffmpeg(*picture, *tone, "-timecode", "10:00:00:00", *coding, str(path))
    facts = facts_of(prober, path)
    assert facts["container"] == "MXF"
    assert facts["other"]["container_profile"] == "OP-1a"
    assert facts["start_timecode"] == "10:00:00:00"
    assert (facts["video"][0]["codec"], facts["video"][0]["frame_rate"]) == ("DNxHD", "24000/1001")
    assert (facts["audio"][0]["codec"], facts["audio"][0]["bit_depth"]) == ("PCM", 24)


def test_a_frame_of_a_sequence_stands_alone(prober: Prober, tmp_path: Path, ffmpeg: Callable[..., None]) -> None:
    """One frame among many is one frame: the library is kept from taking in those beside it."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:r=24:d=0.5", str(tmp_path / "plate.%04d.dpx"))
    facts = facts_of(prober, tmp_path / "plate.0001.dpx")
    [frame] = facts["video"]
    assert frame["still"] is True
    assert frame["frame_count"] is None
    assert (frame["width"], frame["height"]) == (64, 36)
