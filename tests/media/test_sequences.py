"""Frames, sequences, gaps and odd sizes; with the readings of three other libraries where they are one."""

from __future__ import annotations

import csv
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.sequences import (
    MAX_DIGITS,
    FrameName,
    Sequence,
    format_ranges,
    frame_of,
    group,
    group_names,
    parse_ranges,
    series_key,
    which_to_probe,
)

Row = tuple[int, int, int]


def corpus(name: str) -> Path:
    """A table of the corpus of sequences; the test is skipped where it is absent."""
    root = os.environ.get("ASSETWATCH_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus"
    path = Path(root) / "07-sequences" / name
    if not path.exists():
        pytest.skip(f"no corpus: {path}")
    return path


def found(*names: str, size: int = 100) -> tuple[list[str], list[str]]:
    """Names of the sequences, and of the single files, among `names`."""
    sequences, singles = group_names([(name, size) for name in names])
    return [sequence.name for sequence in sequences], singles


def frames(*ranges: tuple[int, int], width: int = 4, size: int = 100) -> list[Row]:
    """Rows for inclusive ranges."""
    return [(frame, width, size) for start, end in ranges for frame in range(start, end + 1)]


def only(rows: list[Row], suffix: str = ".exr") -> Sequence:
    """The one sequence among `rows`."""
    (sequence,) = group("plate.", suffix, rows)
    return sequence


class TestFrameOf:
    @pytest.mark.parametrize(
        ("name", "prefix", "frame", "width", "suffix"),
        [
            ("plate.1001.exr", "plate.", 1001, 4, ".exr"),
            ("plate_1001.exr", "plate_", 1001, 4, ".exr"),
            ("plate1001.exr", "plate", 1001, 4, ".exr"),
            ("1001.exr", "", 1001, 4, ".exr"),
            ("00123060.tiff", "", 123060, 8, ".tiff"),
            ("A001C001_1234567.ari", "A001C001_", 1234567, 7, ".ari"),
            ("A001C001_210101_R1AB.0000000.ARX", "A001C001_210101_R1AB.", 0, 7, ".ARX"),
            ("plate.1001.EXR", "plate.", 1001, 4, ".EXR"),
            ("plate_v002.1001.exr", "plate_v002.", 1001, 4, ".exr"),
            ("film_1000086400.dpx", "film_", 1000086400, 10, ".dpx"),
            ("baz.0001.2500.exr", "baz.0001.", 2500, 4, ".exr"),
            ("plate.1001.left.exr", "plate.", 1001, 4, ".left.exr"),
            ("1.a.jpg", "", 1, 1, ".a.jpg"),
            ("frame.0001.v002.exr", "frame.", 1, 4, ".v002.exr"),
            ("frame.-0001.v002.exr", "frame.", -1, 4, ".v002.exr"),
            ("plate 12.tif", "plate ", 12, 2, ".tif"),
        ],
    )
    def test_takes_a_name_apart(self, name: str, prefix: str, frame: int, width: int, suffix: str) -> None:
        """The last run of digits before the extension is the frame; fields between dots may follow it."""
        assert frame_of(name) == FrameName(prefix, frame, width, suffix)

    @pytest.mark.parametrize(
        ("name", "prefix", "frame"),
        [
            ("plate.-005.exr", "plate.", -5),
            ("plate_-005.exr", "plate_", -5),
            ("-005.exr", "", -5),
            ("image-005.jpg", "image-", 5),
            ("plate.-000.exr", "plate.-", 0),
        ],
    )
    def test_a_minus_is_a_sign_only_after_a_separator(self, name: str, prefix: str, frame: int) -> None:
        """A dash between a word and a number joins them, and there is no minus zero."""
        taken = frame_of(name)
        assert taken is not None
        assert (taken.prefix, taken.frame, taken.width, taken.negative) == (prefix, frame, 3, frame < 0)

    @pytest.mark.parametrize(
        "name",
        [
            "comp_v002.exr",
            "comp.V12.exr",
            "AGM_104_065_010_comp_v002.exr",
            "shot_010_comp.exr",
            "shot_010.comp.exr",
            "master_1920x1080.png",
            "IMG_20230101120000.jpg",
            "plate.exr",
            ".exr",
            "1001",
            "plate.1001.mov",
            "plate.1001.exr.part",
            "plate.\u0661\u0662.exr",
            "",
        ],
    )
    def test_is_no_frame(self, name: str) -> None:
        """Versions, shots, rasters, time stamps and other formats are single files."""
        assert frame_of(name) is None

    @pytest.mark.parametrize(
        ("name", "prefix", "frame"),
        [("caf//E91001.exr", "caf//E9", 1001), ("caf//891001.exr", "caf//89", 1001), ("a//9F.12.exr", "a//9F.", 12)],
    )
    def test_an_escaped_byte_is_not_part_of_the_number(self, name: str, prefix: str, frame: int) -> None:
        """Digits of the catalog's escape for a byte that is no UTF-8 stay in the prefix."""
        taken = frame_of(name)
        assert taken is not None
        assert (taken.prefix, taken.frame) == (prefix, frame)

    def test_a_name_that_ends_in_an_escape_has_no_number(self) -> None:
        """The escape alone is not a frame number."""
        assert frame_of("caf//E9.exr") is None

    def test_extensions_can_be_chosen(self) -> None:
        """What counts as a frame format is the caller's choice."""
        assert frame_of("plate.1001.foo") is None
        assert frame_of("plate.1001.FOO", {"foo"}) == FrameName("plate.", 1001, 4, ".FOO")

    @given(st.text(st.sampled_from("aVv019.-_x/ E"), max_size=14), st.sampled_from([".exr", ".DPX", ".a.jpg"]))
    def test_the_parts_make_the_name(self, stem: str, suffix: str) -> None:
        """Whatever is taken apart can be put together again without loss."""
        taken = frame_of(stem + suffix)
        if taken is not None:
            assert taken.name == stem + suffix
            assert taken.negative == taken.digits.startswith("-")
            assert len(taken.digits.lstrip("-")) == taken.width <= MAX_DIGITS


class TestPadding:
    @pytest.mark.parametrize(
        ("names", "sequences", "singles"),
        [
            (["p.1.exr", "p.9.exr", "p.10.exr", "p.100.exr"], ["p.[1-100].exr"], []),
            (["p.0999.exr", "p.1000.exr"], ["p.[0999-1000].exr"], []),
            (["p.099.exr", "p.100.exr", "p.1000.exr"], ["p.[099-1000].exr"], []),
            (["p.1001.exr", "p.1058.exr"], ["p.[1001-1058].exr"], []),
            (["p.998.exr", "p.999.exr", "p.1000.exr"], ["p.[998-1000].exr"], []),
            (["p.1.exr", "p.0001.exr"], [], ["p.0001.exr", "p.1.exr"]),
            (["p.1.exr", "p.2.exr", "p.0001.exr", "p.0002.exr"], ["p.[0001-0002].exr", "p.[1-2].exr"], []),
            (["p.999.exr", "p.0999.exr", "p.1000.exr", "p.1001.exr"], ["p.[0999-1001].exr"], ["p.999.exr"]),
            (["p.01.exr", "p.02.exr", "p.001.exr", "p.002.exr"], ["p.[001-002].exr", "p.[01-02].exr"], []),
            (["p.-0005.exr", "p.-0004.exr", "p.0010.exr"], ["p.[-0005-0010].exr"], []),
            (["p.-001.exr", "p.0000.exr", "p.0001.exr"], ["p.[-001-0001].exr"], []),
            (["p.-2.exr", "p.-1.exr", "p.0.exr", "p.10.exr"], ["p.[-2-10].exr"], []),
            (["p.-1001.exr", "p.-0999.exr", "p.0001.exr"], ["p.[-1001-0001].exr"], []),
            (["p.-10.exr", "p.-09.exr", "p.00001.exr"], ["p.[-10--09].exr"], ["p.00001.exr"]),
            (["p.-002.exr", "p.-0001.exr", "p.0000.exr"], ["p.[-0001-0000].exr"], ["p.-002.exr"]),
            (["p.1.exr", "p.2.EXR", "P.3.exr"], [], ["P.3.exr", "p.1.exr", "p.2.EXR"]),
            (["c_v001.exr", "c_v002.exr"], [], ["c_v001.exr", "c_v002.exr"]),
        ],
    )
    def test_groups_by_padding(self, names: list[str], sequences: list[str], singles: list[str]) -> None:
        """A leading zero fixes the padding; a number without one goes where the numbering came from."""
        random.shuffle(names)
        assert found(*names) == (sequences, singles)

    def test_a_stray_padded_frame_does_not_tear_an_unpadded_sequence(self) -> None:
        """1000 follows 999, whoever else is padded to four digits."""
        rows = [(frame, len(str(frame)), 9) for frame in range(1, 1501)]
        sequence = only([*rows, (1, 4, 9)])
        assert (sequence.first, sequence.last, sequence.count, sequence.padding) == (1, 1500, 1500, 1)
        assert sequence.duplicates == (1,)

    @pytest.mark.parametrize(
        ("rows", "padding"),
        [
            ([(1, 4, 9), (1000, 4, 9)], 4),
            ([(1001, 4, 9), (1002, 4, 9)], 4),
            ([(9, 1, 9), (10, 2, 9)], 1),
            ([(-5, 4, 9), (0, 4, 9)], 4),
        ],
    )
    def test_padding_is_the_least_width(self, rows: list[Row], padding: int) -> None:
        """`padding` writes every frame of the sequence."""
        assert only(rows).padding == padding

    def test_series_key_is_prefix_and_suffix(self) -> None:
        """Padding is no part of the key, case is."""
        padded, plain, upper = (frame_of(name) for name in ("p.0001.exr", "p.1.exr", "p.1.EXR"))
        assert padded and plain and upper
        assert series_key(padded) == series_key(plain) == ("p.", ".exr")
        assert series_key(upper) != series_key(plain)


class TestTakes:
    def test_a_block_of_dropped_frames_stays_in(self) -> None:
        """1001-1100 and 1201-1300 are one sequence with 100 frames missing."""
        sequence = only(frames((1001, 1100), (1201, 1300)))
        assert (sequence.first, sequence.last, sequence.count) == (1001, 1300, 200)
        assert (sequence.missing, sequence.missing_count) == (((1101, 1200),), 100)
        assert sequence.missing_text == "1101-1200"
        assert sequence.missing_frames(3) == [1101, 1102, 1103]

    def test_thousands_between_two_takes_part_them(self) -> None:
        """A gap that is long, and longer than what lies beside it, parts two takes."""
        first, second = group("p.", ".exr", frames((1001, 1100), (5001, 5100)))
        assert (first.name, second.name) == ("p.[1001-1100].exr", "p.[5001-5100].exr")
        assert first.missing == second.missing == ()

    def test_a_hole_in_a_long_scan_stays_in(self) -> None:
        """A hole of 1500 frames in a reel of 20000 is a hole."""
        assert only(frames((86400, 96400), (97901, 107000), width=7)).missing_count == 1500

    def test_reels_by_the_hour_are_sequences_of_their_own(self) -> None:
        """Ten reels numbered by their time code in one folder are ten sequences."""
        reels = [(hour * 86400, hour * 86400 + 28000) for hour in range(1, 4)]
        assert [sequence.count for sequence in group("p.", ".dpx", frames(*reels, width=7))] == [28001] * 3

    def test_a_stray_frame_far_away_is_a_single_file(self) -> None:
        """A mistyped number does not make thousands of frames missing."""
        sequence = only([*frames((1001, 1100)), (91050, 5, 100)])
        assert (sequence.last, sequence.missing_count) == (1100, 0)

    def test_gaps_are_counted_in_steps(self) -> None:
        """A sequence where every frame is far from the next is not torn apart."""
        sequence = only([(frame, 6, 100) for frame in range(0, 100_000, 5000)])
        assert (sequence.count, sequence.last) == (20, 95_000)

    def test_the_bound_of_the_rule(self) -> None:
        """Exactly 1000 missing frames do not part takes, 1001 do."""
        assert len(group("p.", ".exr", frames((1, 10), (1011, 1020)))) == 1
        assert len(group("p.", ".exr", frames((1, 10), (1012, 1021)))) == 2
        assert [take.count for take in group("p.", ".exr", frames((1, 10), (1011, 1020), (9001, 9010)))] == [20, 10]

    def test_the_longer_stretch_beside_a_gap_counts(self) -> None:
        """A few frames after a hole in a long take belong to the take."""
        assert only(frames((1, 5000), (7001, 7100))).missing_count == 2000

    def test_one_frame_is_no_sequence(self) -> None:
        """A single frame is a file."""
        assert group("p.", ".exr", frames((1001, 1001))) == []
        assert group("p.", ".exr", []) == []


class TestSizes:
    def test_zero_byte_frames_are_told_and_are_no_outliers(self) -> None:
        """An empty frame is a finding of its own, and still counts as there."""
        rows = frames((1, 10))
        rows[4] = (5, 4, 0)
        sequence = only(rows)
        assert (sequence.zero_byte, sequence.size_outliers, sequence.missing_count) == ((5,), (), 0)
        assert sequence.size == 900

    @pytest.mark.parametrize("size", [99, 101])
    def test_any_other_size_is_odd_in_a_format_of_fixed_size(self, size: int) -> None:
        """A DPX that is one byte off is told."""
        rows = frames((1, 10))
        rows[4] = (5, 4, size)
        assert only(rows, ".DPX").size_outliers == (5,)

    def test_all_equal_but_one_smaller_is_odd_in_any_format(self) -> None:
        """A truncated frame among equal ones is told, a larger one is not: a title among empty frames."""
        rows = frames((1, 8))
        rows[4] = (5, 4, 90)
        assert only(rows).size_outliers == (5,)
        rows[4] = (5, 4, 900)
        assert only(rows).size_outliers == ()

    @given(st.lists(st.integers(30, 100), min_size=2, max_size=60, unique=True))
    def test_compression_alone_is_never_odd(self, sizes: list[int]) -> None:
        """Sizes that vary threefold are the picture's doing."""
        assert only([(frame, 4, size) for frame, size in enumerate(sizes)]).size_outliers == ()

    def test_a_truncated_compressed_frame_is_odd(self) -> None:
        """A frame far smaller than those before and those after is told, at the last frame too."""
        rows = [(frame, 4, 1000 + frame * 7 % 300) for frame in range(100)]
        rows[40], rows[41], rows[99] = (40, 4, 100), (41, 4, 180), (99, 4, 50)
        assert only(rows).size_outliers == (40, 41, 99)

    def test_a_cut_to_black_is_not_odd(self) -> None:
        """From a cut on all frames are small; a fade gets there by steps."""
        cut = [(frame, 4, 1000 + frame if frame < 50 else 20 + frame % 7) for frame in range(100)]
        fade = [(frame, 4, max(20, 1000 - frame * 12) + frame % 7) for frame in range(100)]
        assert only(cut).size_outliers == only(fade).size_outliers == ()

    def test_what_happens_often_is_not_odd(self) -> None:
        """Alternating large and small frames are how the material is."""
        assert only([(frame, 4, 1000 + frame if frame % 2 else 10 + frame) for frame in range(60)]).size_outliers == ()

    def test_ends_and_outliers_are_probed(self) -> None:
        """First and last that hold bytes, and what is odd; bounded."""
        rows = frames((1, 20))
        rows[0], rows[7] = (1, 4, 0), (8, 4, 50)
        sequence = only(rows)
        assert which_to_probe(sequence) == [2, 8, 20]
        assert which_to_probe(sequence, limit=2) == [2, 20]
        assert which_to_probe(only(frames((1, 2), size=0))) == []


class TestRanges:
    def test_formats_runs(self) -> None:
        """Neighbours make a range, order and repetition do not matter."""
        assert format_ranges([1005, 1002, 1001, 1001]) == "1001-1002,1005"
        assert format_ranges([-5, -4, -1, 0, 7]) == "-5--4,-1-0,7"
        assert format_ranges([]) == ""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1-3", [1, 2, 3]),
            (" 3-1 , 7,,", [1, 2, 3, 7]),
            ("-3--1", [-3, -2, -1]),
            ("1-10x4", [1, 5, 9]),
            ("10-1x4", [2, 6, 10]),
            ("10-1x-4", [2, 6, 10]),
            ("-0", [0]),
            ("", []),
        ],
    )
    def test_parses(self, text: str, expected: list[int]) -> None:
        """Ranges, descending, negative and stepped ones."""
        assert parse_ranges(text) == expected

    @pytest.mark.parametrize("text", ["1-", "a", "1x5", "1-20x0", "1-20x-5", "1-5-9", "1;2", "1-99999999999", "\u0661"])
    def test_refuses(self, text: str) -> None:
        """What cannot be read, or stands for too much, is an error that quotes it."""
        with pytest.raises(ValueError, match="is not a frame|makes more than"):
            parse_ranges(text)

    @given(st.sets(st.integers(-(10**6), 10**6)))
    def test_round_trip(self, numbers: set[int]) -> None:
        """What is formatted is parsed to the same frames."""
        assert parse_ranges(format_ranges(numbers)) == sorted(numbers)

    def test_reads_the_ranges_of_the_corpus(self) -> None:
        """The same set of frames as another library, for all strings of our grammar; its failures fail here."""
        checked = refused = 0
        with corpus("frame_ranges.tsv").open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                text = row["range_string"]
                if row["verdict"] == "invalid":
                    with pytest.raises(ValueError, match="is not a frame"):
                        parse_ranges(text)
                    refused += 1
                elif "y" not in text and ":" not in text:
                    frames = parse_ranges(text)
                    assert len(frames) == int(row["count"]), text
                    if "\u2026" not in row["frames_in_order"] and frames:
                        assert frames == sorted(map(int, row["frames_in_order"].split(","))), text
                    checked += 1
        assert checked > 100 and refused > 10


NAMES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["p.", "p.-", "p_", "", "q_v"]),
    st.one_of(
        st.integers(0, 1100).map(str),
        st.builds(lambda number, width: f"{number:0{width}d}", st.integers(0, 12), st.integers(2, 4)),
        st.sampled_from(["999", "0999", "1000", "9999", "10000", "50000"]),
    ),
    st.sampled_from([".exr", ".EXR", ".dpx", ".a.exr", ".mov"]),
)


@given(st.lists(NAMES, unique=True, max_size=60), st.randoms(use_true_random=False))
def test_every_name_is_in_exactly_one_group_in_any_order(names: list[str], dice: random.Random) -> None:
    """The order of the directory does not matter, and no name is lost or taken twice."""
    sized = [(name, len(name) % 5 * 100) for name in names]
    sequences, singles = group_names(sized)
    members = [
        FrameName(sequence.prefix, frame, width, sequence.suffix).name
        for sequence in sequences
        for frame, width, _ in sequence.members
    ]
    assert sorted(members + singles) == sorted(names)
    dice.shuffle(sized)
    assert group_names(sized) == (sequences, singles)


@given(st.dictionaries(st.integers(-3000, 3000), st.integers(0, 9), min_size=1), st.integers(1, 5))
def test_counts_add_up(sizes: dict[int, int], padding: int) -> None:
    """Present and missing frames fill the sequence from first to last, and name and bytes fit."""
    rows = [(frame, max(padding, len(str(abs(frame)))), size) for frame, size in sizes.items()]
    for sequence in group("p.", ".exr", rows):
        present = [row[0] for row in sequence.members]
        assert sorted(present + sequence.missing_frames()) == list(range(sequence.first, sequence.last + 1))
        assert (sequence.count, len(sequence.missing_frames())) == (len(present), sequence.missing_count)
        assert parse_ranges(sequence.missing_text) == sequence.missing_frames()
        assert sequence.size == sum(sizes[frame] for frame in present)
        assert sequence.duplicates == ()


def _agreed(case: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """What all three libraries read in a case: the sequences of two and more frames."""
    readings = [
        {
            (found["head"], found["tail"], found["frames"], found["missing"])
            for found in case["expected"][library]["sequences"]
            if found["count"] > 1
        }
        for library in ("fileseq", "clique", "pyseq")
    ]
    assert readings[0] == readings[1] == readings[2]
    return sorted(readings[0])


def test_reads_what_all_three_libraries_agree_on() -> None:
    """Where fileseq, clique and pyseq are one about a list of names, so are we."""
    cases = [case for case in json.loads(corpus("cases.json").read_text("utf-8")) if case["all_three_agree"]]
    for case in cases:
        extensions = {name.rpartition(".")[2].lower() for name in case["names"]}
        sequences, _ = group_names([(name, 100) for name in case["names"]], extensions)
        ours = [
            (sequence.prefix, sequence.suffix, format_ranges(row[0] for row in sequence.members), sequence.missing_text)
            for sequence in sequences
        ]
        assert sorted(ours) == _agreed(case), case["id"]
    assert len(cases) > 5
