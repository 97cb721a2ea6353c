"""What the names of the makers, of shots and of cuts say, and what they do not."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.names import PATTERNS, NameFacts, NamePattern, clip_gaps, missing_parts, parse_name

EXPECTED = {
    "arri-35": NameFacts(
        camera="A", roll="A_0001", clip=1, serial="h12NR", date=date(2023, 2, 2), clock=time(5, 23, 59)
    ),
    "canon-long": NameFacts(
        camera="A", roll="A_0001", clip=1, serial="AB", part=1, date=date(2023, 4, 1), clock=time(12)
    ),
    "canon": NameFacts(camera="A", roll="A001", clip=1, serial="AB", date=date(2020, 1, 1)),
    "arri-classic": NameFacts(camera="A", roll="A004", clip=10, serial="R1JL", date=date(2010, 6, 10)),
    "panasonic-cine": NameFacts(camera="A", roll="A001", clip=1, serial="5K2B", date=date(2016, 1, 1)),
    "sony-cine": NameFacts(camera="A", roll="A001", clip=1, serial="4X", date=date(2022, 10, 13)),
    "red": NameFacts(camera="A", roll="A001", position="C", clip=1, serial="6M", part=1, month_day=(12, 4)),
    "red-mag": NameFacts(camera="A", roll="A001", serial="AB", month_day=(5, 2)),
    "blackmagic": NameFacts(camera="A", roll="A001", clip=1, month_day=(8, 15), clock=time(15, 12)),
    "blackmagic-2012": NameFacts(camera="BMC01", roll="1", clip=2, date=date(2012, 8, 8), clock=time(16, 31)),
    "dji-time": NameFacts(clip=1, date=date(2023, 1, 1), clock=time(12)),
    "dji": NameFacts(clip=1),
    "gopro": NameFacts(clip=123, part=2),
    "gopro-loop": NameFacts(clip=1),
    "gopro-old": NameFacts(clip=1234, part=2),
    "sony-clip": NameFacts(clip=1),
    "xdcam-ex": NameFacts(serial="717", clip=1, part=1),
    "p2": NameFacts(clip=1, serial="AB"),
    "canon-xf": NameFacts(serial="AA", clip=1, part=1),
    "canon-dcf": NameFacts(clip=1234),
    "camera-roll": NameFacts(camera="A", roll="A001", serial="R1AB"),
    "sound-roll": NameFacts(roll="S001"),
    "scene-take": NameFacts(scene="42A", take=3, track="1"),
    "sound-date": NameFacts(take=1, track="Tr1", date=date(2024, 1, 1)),
    "sound-number": NameFacts(take=1, track="LR"),
    "vfx": NameFacts(shot="AGM_104_065_010", element="PL01", version=1),
    "editorial-reel": NameFacts(reel=3, version=12, date=date(2026, 11, 1)),
}


def said(facts: NameFacts) -> dict[str, object]:
    """The facts that are not None."""
    return {fact.name: value for fact in fields(facts) if (value := getattr(facts, fact.name)) is not None}


class TestTable:
    @pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
    def test_each_example_says_what_is_expected(self, pattern: NamePattern) -> None:
        """Each naming's example is read by that naming, no earlier one takes it, with all its facts."""
        assert said(parse_name(pattern.example)) == {"format": pattern.name, **said(EXPECTED[pattern.name])}

    def test_each_pattern_is_expected_once(self) -> None:
        """No naming is untested, none has another's name."""
        assert sorted(pattern.name for pattern in PATTERNS) == sorted(EXPECTED)

    def test_each_pattern_is_in_the_docs(self) -> None:
        """The page lists each naming by name, with its example, and marks those that are unsure."""
        page = (Path(__file__).parents[2] / "docs" / "reference" / "names.md").read_text("utf-8")
        for pattern in PATTERNS:
            (row,) = (line for line in page.splitlines() if line.startswith(f"| `{pattern.name}` |"))
            assert f"`{pattern.example}`" in row
            assert row.rstrip(" |").endswith("unsure") is not pattern.sure


class TestCameras:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("A001R1AB/A001C002_210101_R1AB.mxf", {"roll": "A001", "clip": 2, "date": date(2021, 1, 1)}),
            ("A001C001_210101_R1AB.1234567.ari", {"format": "arri-classic", "clip": 1}),
            ("A001D001_210101_R1AB.mov", {"clip": 1000}),
            ("A001C001_210101_R1AB_v002.mov", {"roll": "A001", "clip": 1, "version": 2}),
            ("A001C001_210101_R1AB_Proxy.mov", {"roll": "A001", "clip": 1}),
            ("AB0012C1234_230202_052359_a1B2C.mxf", {}),
            ("B_0012C123_230202_052359_p1B2C.mov", {"camera": "B", "roll": "B_0012", "clip": 123}),
            ("AB0012C123_230202_052359_p1B2C.mov", {"camera": "AB", "roll": "AB0012"}),
            ("A001_C001_12046M.RDC", {"format": "red", "month_day": (12, 4)}),
            ("S001_R001_0503R7_002.R3D", {"position": "R", "clip": 1, "part": 2}),
            ("A001_C001_0229AB_001.R3D", {"month_day": (2, 29)}),
            ("A_0001C001X230401_120000AB_CANON_001_Proxy.MP4", {"format": "canon-long", "part": 1}),
            ("A001_08151512_C001_000123.dng", {"format": "blackmagic", "clip": 1}),
            ("A001_08151512_S001.braw", {"format": "blackmagic", "roll": "A001"}),
            ("GOPR1234.MP4", {"part": 1, "clip": 1234}),
            ("GH010123.MP4", {"part": 1, "clip": 123}),
            ("DJI_0001.DNG", {"format": "dji", "clip": 1}),
            ("C0001M01.XML", {"format": "sony-clip", "clip": 1}),
            ("CONTENTS/AUDIO/0001AB03.MXF", {"format": "p2", "clip": 1, "track": "03"}),
        ],
    )
    def test_reads(self, path: str, expected: dict[str, object]) -> None:
        """Variants of the makers' namings: folders, frames, segments, proxies, sidecars."""
        facts = said(parse_name(path))
        assert {fact: facts.get(fact) for fact in expected} == expected
        assert bool(expected) == bool(facts)

    @pytest.mark.parametrize(
        "name",
        [
            "A001C001_211301_R1AB.mov",
            "A001_C001_13046M_001.R3D",
            "A001_C001_0230AB.RDC",
            "A001_08152512_C001.braw",
            "BMC01_1_2012-08-32_1631_C0002.mov",
            "DJI_20230101126000_0001_D.MP4",
            "GH000123.MP4",
        ],
    )
    def test_an_impossible_date_or_number_is_another_name(self, name: str) -> None:
        """What has the shape of a naming but no such day, hour or chapter is not of that naming."""
        assert said(parse_name(name)) == {}

    @pytest.mark.parametrize("path", ["0001AB.MXF", "717_0001_01.MP4", "AA000101.MXF", "XCONTENTS/0001AB.MXF"])
    def test_plain_namings_need_their_folder(self, path: str) -> None:
        """Six characters alone prove nothing."""
        assert said(parse_name(path)) == {}


class TestSound:
    @pytest.mark.parametrize(
        ("name", "scene", "take", "track"),
        [
            ("S001T01.WAV", "S001", 1, None),
            ("S001T01_A.WAV", "S001", 1, "A"),
            ("SC001-T002.WAV", "SC001", 2, None),
            ("Scene001-T001_Tr1_2.wav", "Scene001", 1, "Tr1_2"),
            ("Scene001-T001_Tr1_D.wav", "Scene001", 1, "Tr1_D"),
            ("42A-T03.WAV", "42A", 3, None),
            ("42AT03.WAV", "42A", 3, None),
            ("101_T12.wav", "101", 12, None),
        ],
    )
    def test_scene_and_take(self, name: str, scene: str, take: int, track: str | None) -> None:
        """Scene as it is written, take as a number, the track of a monophonic file."""
        facts = parse_name(name)
        assert (facts.scene, facts.take, facts.track) == (scene, take, track)

    @pytest.mark.parametrize("name", ["reel2PT1.wav", "ROOMT1.wav", "42A-T03.pdf", "MIX_T1.wav"])
    def test_is_no_scene_and_take(self, name: str) -> None:
        """A T within a word, or in another kind of file, is none."""
        assert said(parse_name(name)) == {}


class TestShotsAndCuts:
    def test_vfx_delivery(self) -> None:
        """The shot code is all that stands before the task."""
        facts = parse_name("VFX/AGM_104_065_010_comp_NFX_v005.mov")
        assert (facts.shot, facts.version, facts.element) == ("AGM_104_065_010", 5, None)

    def test_a_frame_of_a_plate_says_what_the_plate_says(self) -> None:
        """The frame number is not part of the name."""
        names = [f"AGM_104_065_010_PL01_v001.{frame}.exr" for frame in ("1001", "[1001-1058]", "####", "%04d")]
        assert len({parse_name(name) for name in names}) == 1
        assert parse_name(names[0]).element == "PL01"

    @pytest.mark.parametrize(
        ("name", "version"),
        [
            ("comp_v003.mov", 3),
            ("cut v12.mov", 12),
            ("comp_V0012.exr", 12),
            ("plate_v001.1001.exr", 1),
            ("comp_v001_v002.mov", 2),
            ("v7.aaf", 7),
            ("notes_v1.2.pdf", None),
            ("mov001.mov", None),
            ("dev2.txt", None),
            ("comp_v12345.mov", None),
        ],
    )
    def test_version(self, name: str, version: int | None) -> None:
        """The last v and number between separators; a dotted version is not one of ours."""
        assert parse_name(name).version == version

    @pytest.mark.parametrize(
        ("name", "day"),
        [
            ("report_20261101.pdf", date(2026, 11, 1)),
            ("2026-11-01 notes.txt", date(2026, 11, 1)),
            ("poster_20261101.jpg", date(2026, 11, 1)),
            ("report_2026.pdf", None),
            ("report_20261301.pdf", None),
            ("report_20261101-20261102.pdf", None),
            ("x120261101.pdf", None),
            ("report_261101.pdf", None),
        ],
    )
    def test_date(self, name: str, day: date | None) -> None:
        """One whole date between separators is the name's; two are nobody's, six digits are any number."""
        assert parse_name(name).date == day

    @pytest.mark.parametrize(
        ("name", "reel"),
        [
            ("R3_v012_20261101.mov", 3),
            ("SHOW_R1_TURNOVER_v003.aaf", 1),
            ("SHOW_R1_20261101.edl", 1),
            ("R2.mov", None),
            ("R2_D2.mov", None),
        ],
    )
    def test_reel_of_the_cut(self, name: str, reel: int | None) -> None:
        """R and a digit are a reel only in a name that also gives a version or a date."""
        assert parse_name(name).reel == reel

    def test_a_shows_own_pattern_wins(self) -> None:
        """Named groups of the show's pattern are facts, beside what the table finds."""
        facts = parse_name("abc0650-comp_v004.mov", r"(?P<shot>[a-z]{3}[0-9]{4})-(?P<junk>\w+?)_")
        assert (facts.shot, facts.version, facts.format) == ("abc0650", 4, None)
        assert parse_name("42A-T03.WAV", r"(?P<scene>\d+)").scene == "42"
        assert parse_name("abc", r"(?P<clip>[a-z]+)").clip is None

    def test_a_pattern_that_is_none_is_an_error(self) -> None:
        """The configuration has to tell; a broken pattern is not ignored."""
        with pytest.raises(re.error):
            parse_name("x", "(")


@pytest.mark.parametrize("name", ["report_2026.pdf", "IMG_0001.JPG", "README", "", "1001.exr", ".DS_Store", "a" * 255])
def test_other_names_say_nothing(name: str) -> None:
    """What is not in the name is not guessed."""
    assert parse_name(name) == NameFacts()


@given(st.text(st.characters(exclude_characters="/"), min_size=1, max_size=40))
def test_any_name_can_be_asked(name: str) -> None:
    """No name is an error, and the folder it lies in does not speak for it."""
    assert parse_name("A001R1AB/" + name) == parse_name(name)


@given(
    st.sampled_from("ABCZ"), st.integers(1, 999), st.integers(1, 1998), st.dates(date(2000, 1, 1), date(2099, 12, 31))
)
def test_a_written_name_is_read_back(camera: str, reel: int, clip: int, day: date) -> None:
    """Camera, reel, clip and date of a classic name come back as they went in, beyond clip 999 too."""
    letter, number = ("C", clip) if clip <= 999 else ("D", clip - 999)
    facts = parse_name(f"{camera}{reel:03d}{letter}{number:03d}_{day:%y%m%d}_R1AB.mov")
    assert (facts.camera, facts.roll, facts.clip, facts.date) == (camera, f"{camera}{reel:03d}", clip, day)


class TestGaps:
    def test_clips_between_those_there(self) -> None:
        """Order and repetition do not matter; where the roll begins is said or taken from the clips."""
        assert clip_gaps([5, 3, 3, 8]) == [4, 6, 7]
        assert clip_gaps([3, 5], first=1) == [1, 2, 4]
        assert clip_gaps([]) == clip_gaps([], first=1) == clip_gaps([7]) == []

    def test_parts_count_from_one(self) -> None:
        """A clip's first file is always 1."""
        assert missing_parts([2, 4]) == [1, 3]
        assert missing_parts([1, 2]) == missing_parts([]) == []

    @given(st.sets(st.integers(1, 200), min_size=1))
    def test_present_and_missing_make_the_roll(self, clips: set[int]) -> None:
        """Nothing between the ends is neither there nor missing."""
        assert sorted(clips | set(clip_gaps(clips))) == list(range(min(clips), max(clips) + 1))
