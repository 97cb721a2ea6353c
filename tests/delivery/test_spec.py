"""A spec says of each fact whether it is what was asked for, and says so of nothing it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from assetwatch.delivery.findings import Outcome
from assetwatch.delivery.mediaconch import PolicyFault, read_policy
from assetwatch.delivery.spec import Spec, SpecFault
from assetwatch.delivery.starters import STARTERS
from assetwatch.media.facts import Facts

PASS, FAIL, NONE, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE, Outcome.UNKNOWN

PICTURE: Facts = {
    "codec": "ProRes",
    "profile": "422 HQ",
    "format": "ProRes",
    "commercial_name": None,
    "width": 1920,
    "height": 1080,
    "frame_rate": "24000/1001",
    "scan": "progressive",
    "bit_rate": 176_000_000,
    "display_aspect": 1.778,
    "range": None,
    "still": False,
}
SOUND: Facts = {"codec": "PCM", "channels": 1, "sample_rate": 48000, "bit_depth": 24, "layout": None}


def facts(video: list[Facts] | None = None, audio: list[Facts] | None = None, **more: Any) -> Facts:
    return {
        "container": "MPEG-4",
        "duration": 10.01,
        "start_timecode": "01:00:00:00",
        "video": [PICTURE] if video is None else video,
        "audio": [SOUND, SOUND] if audio is None else audio,
        "other": {"drop_frame": False, "reel": None},
    } | more


def outcome(key: str, wanted: object, given: Facts | None = None) -> Outcome:
    (finding,) = Spec.compile({key: wanted}).check(given or facts(), "a.mov")
    return finding.outcome


@pytest.mark.parametrize(
    ("key", "wanted", "expected"),
    [
        ("video.codec", "ProRes", PASS),
        ("video.codec", "prores", PASS),
        ("video.codec", "Apple ProRes 422 HQ", PASS),
        ("video.codec", "ProRes 422 LT", FAIL),
        ("video.codec", "not H.264 | H.265", PASS),
        ("video.codec", ["DNxHR", "ProRes"], PASS),
        ("video.profile", "422*", PASS),
        ("video.profile", "!=422 HQ", FAIL),
        ("video.width", 1920, PASS),
        ("video.width", "1280..1920", PASS),
        ("video.width", "<1920", FAIL),
        ("video.raster", "1920x1080", PASS),
        ("video.frame_rate", "23.976", PASS),
        ("video.frame_rate", 23.98, PASS),
        ("video.frame_rate", "24000/1001", PASS),
        ("video.frame_rate", 24, FAIL),
        ("video.frame_rate", "24 ± 0.1", PASS),
        ("video.frame_rate", "<=25", PASS),
        ("video.bit_rate", "176M", PASS),
        ("video.bit_rate", "180M ± 5%", PASS),
        ("video.bit_rate", "200M +/- 5%", FAIL),
        ("video.display_aspect", "16:9", PASS),
        ("video.display_aspect", "2.39", FAIL),
        ("video.range", "limited", UNKNOWN),
        ("video.range", "limited | unknown", PASS),
        ("video.tracks", 1, PASS),
        ("duration", 10.01, PASS),
        ("duration", ">=1m", FAIL),
        ("start_timecode", "01:00:00:00", PASS),
        ("start_timecode", "01:00:00;00", FAIL),
        ("start_timecode", ">=00:59:58:00", PASS),
        ("start_timecode", "*", PASS),
        ("audio.channels", ">=2", PASS),
        ("audio.channels", 6, FAIL),
        ("audio.1.channels", 1, PASS),
        ("audio.3.codec", "PCM", FAIL),
        ("audio.sample_rate", "48000 | 96000", PASS),
        ("other.drop_frame", False, PASS),
        ("other.reel", "*", UNKNOWN),
        ("text.codec", "EIA-608", FAIL),
    ],
)
def test_a_rule_and_its_outcome(key: str, wanted: object, expected: Outcome) -> None:
    """Each way to ask, against one known file."""
    assert outcome(key, wanted) is expected


@pytest.mark.parametrize(
    ("asked", "codec", "commercial", "expected"),
    [
        ("H.264", "AVC", None, PASS),
        ("AVC", "AVC", "XAVC", PASS),
        ("XAVC", "AVC", "XAVC", PASS),
        ("h265", "HEVC", None, PASS),
        ("MPEG-2", "MPEG Video", "XDCAM HD422", PASS),
        ("DNx", "DNxHD", "DNxHD 115", PASS),
        ("DNxHD/DNxHR", "DNxHR", None, PASS),
        ("DNxHR", "DNxHD", None, FAIL),
        ("H.264", "HEVC", None, FAIL),
        ("JPEG2000", "JPEG 2000", None, PASS),
    ],
)
def test_codecs_go_by_several_names(asked: str, codec: str, commercial: str | None, expected: Outcome) -> None:
    """A codec is asked for by any name of it."""
    track = PICTURE | {"codec": codec, "format": codec, "commercial_name": commercial, "profile": None}
    assert outcome("video.codec", asked, facts(video=[track])) is expected


def test_all_tracks_or_any() -> None:
    """Every track has to be as asked, unless any is asked for."""
    mixed = facts(
        audio=[SOUND | {"channels": 6, "layout": "L R C LFE Ls Rs"}, SOUND | {"channels": 2, "layout": "L R"}]
    )
    assert outcome("audio.layout", "5.1", mixed) is FAIL
    assert outcome("audio.any.layout", "5.1", mixed) is PASS
    assert outcome("audio.2.layout", "stereo", mixed) is PASS
    (finding,) = Spec.compile({"audio.channels": 6}).check(mixed)
    assert (finding.outcome, finding.observed) == (FAIL, "8 (6 + 2)")


def test_what_cannot_be_asked_is_not_failed() -> None:
    """A still has no frame rate, a silent file no sample rate, and a file that could not be read no facts."""
    still = facts(video=[PICTURE | {"still": True, "frame_rate": None}], audio=[], duration=None)
    assert outcome("video.frame_rate", 24, still) is NONE
    assert outcome("duration", ">1", still) is NONE
    assert outcome("audio.sample_rate", 48000, still) is NONE
    assert outcome("audio.channels", ">=2", still) is FAIL
    assert outcome("video.codec", "ProRes", facts(video=[])) is FAIL
    (finding,) = Spec.compile({"video.codec": "ProRes"}).check(None)
    assert finding.outcome is UNKNOWN


def test_only_deviating_frames_of_a_sequence_are_told() -> None:
    """One finding for the sequence where all agree, else one for each odd frame."""
    good = facts(video=[PICTURE | {"still": True}])
    odd = facts(video=[PICTURE | {"still": True, "width": 1280}])
    spec = Spec.compile({"video.width": 1920, "video.height": 1080})
    found = spec.check_sequence([("p.1001.exr", good), ("p.1002.exr", odd), ("p.1003.exr", good)], "p.[1001-1003].exr")
    assert [(f.rule, f.outcome, f.path, f.observed) for f in found] == [
        ("video.width", FAIL, "p.1002.exr", "1280"),
        ("video.height", PASS, "p.[1001-1003].exr", "1080"),
    ]
    alike = spec.check_sequence([("p.1001.exr", odd), ("p.1002.exr", odd)], "p.[1001-1002].exr")
    assert [(f.outcome, f.path) for f in alike if f.failed] == [(FAIL, "p.[1001-1002].exr")]
    assert [f.outcome for f in spec.check_sequence([], "p")] == [UNKNOWN, UNKNOWN]


def test_a_cell_is_read_and_written() -> None:
    """The one-line form survives drop-frame timecodes and comparisons."""
    spec = Spec.parse("video.codec=ProRes; start_timecode=01:00:00;00; audio.channels>=2;video.width!=720")
    assert [(rule.key, rule.condition) for rule in spec.rules] == [
        ("video.codec", "ProRes"),
        ("start_timecode", "01:00:00;00"),
        ("audio.channels", ">=2"),
        ("video.width", "!=720"),
    ]
    assert Spec.parse(spec.text) == spec


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({"video.framerate": 24}, "video.framerate"),
        ({"video.width": ""}, "video.width"),
        ({"video.codec": ">=ProRes"}, "video.codec"),
        ({"video.width": []}, "video.width"),
        ({"video.width": "4096..1920"}, "video.width"),
        ({"use": "no-such-spec"}, "use"),
    ],
)
def test_a_fault_names_the_fact(rules: dict[str, object], key: str) -> None:
    """A spec that cannot be meant is refused, by the name of what is wrong."""
    with pytest.raises(SpecFault) as caught:
        Spec.compile(rules)
    assert caught.value.key == key


@pytest.mark.parametrize("name", sorted(STARTERS))
def test_starters_are_specs(name: str) -> None:
    """Every starter compiles and is written and read again; a rule beside it wins."""
    spec = Spec.compile({"use": name})
    assert Spec.parse(spec.text) == spec
    key = spec.rules[0].key
    assert Spec.compile({"use": name, key: "*"}).rules[0].condition == "*"


def test_the_stem_starter_takes_a_stem_and_no_other() -> None:
    """48 kHz, 24 bit, six channels."""
    stem = facts(video=[], audio=[SOUND | {"channels": 6}])
    assert {f.outcome for f in Spec.compile({"use": "stem-5.1"}).check(stem)} == {PASS}
    pulled = facts(video=[], audio=[SOUND | {"channels": 6, "sample_rate": 47952}])
    assert [f.rule for f in Spec.compile({"use": "stem-5.1"}).check(pulled) if f.failed] == ["audio.sample_rate"]


POLICY = b"""<?xml version="1.0"?>
<policy type="and" name="Master">
  <rule name="Wrapper" value="Format" tracktype="General" occurrence="*" operator="=">MPEG-4</rule>
  <policy type="or" name="Codec">
    <rule name="Is FFV1" value="Format" tracktype="Video" occurrence="*" operator="=">FFV1</rule>
    <rule name="Is ProRes" value="Format" tracktype="Video" occurrence="*" operator="=">ProRes</rule>
  </policy>
  <rule name="Wide" value="Width" tracktype="Video" occurrence="1" operator="&gt;=">3840</rule>
  <rule name="Has a language" value="Language" tracktype="Audio" operator="exists" level="warn"/>
  <rule name="Slices" value="Slices" tracktype="Video" operator="=">24</rule>
</policy>"""


def test_a_mediaconch_policy_tells_failing_leaves_only() -> None:
    """Of alternatives only the one that holds is told; a field that the probe does not keep is unknown."""
    found = {f.rule: f for f in read_policy(POLICY).check(facts(), "a.mov")}
    assert {name: f.outcome for name, f in found.items()} == {
        "Wrapper": PASS,
        "Is ProRes": PASS,
        "Wide": FAIL,
        "Has a language": FAIL,
        "Slices": UNKNOWN,
    }
    assert found["Wide"].observed == "1920"
    assert not found["Has a language"].failed
    other = read_policy(POLICY).check(facts(video=[PICTURE | {"format": "AVC", "codec": "AVC"}]))
    assert {"Is FFV1", "Is ProRes"} <= {f.rule for f in other if f.failed}


@pytest.mark.parametrize("raw", [b"", b"<xmeml/>", b"<policy type='xor'/>", b"<policy>"])
def test_what_is_no_policy_is_refused(raw: bytes) -> None:
    """Other XML is a fault, not an empty policy."""
    with pytest.raises(PolicyFault):
        read_policy(raw)
