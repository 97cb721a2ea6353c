"""Rules take the paths that a coordinator means by them, and versions and counts come out as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.delivery.counts import Count, CountFault, expand
from assetwatch.delivery.match import PatternFault, Rule, RuleIndex
from assetwatch.delivery.versions import Candidate, choose_versions, version_key

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "path", "names"),
    [
        ("SOUND/R1/**/*_v{version}.aaf", "SOUND/R1/20261101/a/NF_R1_v003.aaf", {"version": "003"}),
        ("SOUND/R1/**/*_v{version}.aaf", "SOUND/R1/NF_v003_v012.AAF", {"version": "012"}),
        ("{show}_{reel}_v{version}", "x/NF_X_R1_v012", {"show": "NF_X", "reel": "R1", "version": "012"}),
        ("v{version}*.mov", "v003_final.mov", {"version": "003"}),
        ("v{version}.mov", "v1.2.mov", {"version": "1.2"}),
        ("{reel}/{reel}.mov", "R1/R1.mov", {"reel": "R1"}),
        ("*.{mov,mxf}", "deep/er/w.MXF", {}),
        ("STEMS/", "STEMS/R1/DX.wav", {}),
        ("/STEMS/R?/*.wav", "STEMS/R1/DX.wav", {}),
        ("R[1-3]/[!x]*.wav", "R2/DX.wav", {}),
        ("what[?].mov", "what?.mov", {}),
        ("**/x.mov", "x.mov", {}),
        ("a/*", "a///FFx", {}),
        ("a/{name}.mov", "a///FFx.mov", {"name": "//FFx"}),
        ("café/*.mov", "cafe\u0301/a.mov", {}),
        (r"re:^SOUND/R(?P<reel>\d)_", "SOUND/R3_x.mov", {"reel": "3"}),
        ("re:(?i)r1", "SOUND/R1.mov", {}),
    ],
)
def test_a_path_fits_and_tells_its_named_parts(pattern: str, path: str, names: dict[str, str]) -> None:
    """A pattern takes the path, and each named part has its text."""
    rule = Rule.compile(pattern)
    match = rule.fits(path)
    assert match is not None
    assert dict(match.names) == names
    assert [key for key, _ in RuleIndex([(1, rule)]).fits(path)] == [1]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("SOUND/R1/*.aaf", "SOUND/R1/x/a.aaf"),
        ("SOUND/R1/**/*.aaf", "sound/R1/a.aaf"),
        ("{reel}/{reel}.mov", "R1/R2.mov"),
        ("R[!1]/a.mov", "R1/a.mov"),
        ("a?b", "a/b"),
        ("a[!x]b.mov", "a/b.mov"),
        ("*_v{version}.aaf", "R1_v.aaf"),
        ("R1.mov", "R10.mov"),
        ("re:^R1$", "R10"),
    ],
)
def test_a_path_that_is_not_meant_does_not_fit(pattern: str, path: str) -> None:
    """Stars stay within a piece, folders keep their case, a name that comes twice is the same twice."""
    assert Rule.compile(pattern).fits(path) is None
    assert RuleIndex([(1, Rule.compile(pattern))]).fits(path) == []


@pytest.mark.parametrize("pattern", ["plate.####.exr", "plate.%04d.exr", "plate.[1001-1058].exr", "plate.*.exr"])
def test_a_sequence_is_one_thing(pattern: str) -> None:
    """A sequence fits by its own name and by that of its first frame."""
    rule = Rule.compile(pattern)
    assert rule.fits_sequence("A/plate.[1001-1040].exr", "A/plate.1001.exr") is not None
    assert rule.fits_sequence("A/other.[1001-1040].exr", "A/other.1001.exr") is None
    index = RuleIndex([("item", rule)])
    assert [key for key, _ in index.fits_sequence("A/plate.[1001-1040].exr", "A/plate.1001.exr")] == ["item"]


def test_frames_in_a_pattern_are_what_is_expected() -> None:
    """`[1001-1058]` says which frames have to come; a class of characters does not."""
    assert Rule.compile("plate.[1001-1058].exr").frames == (1001, 1058)
    assert Rule.compile("R[1-6].mov").frames is None


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("SOUND/R[1.aaf", 7),
        ("a{b", 1),
        ("{}", 0),
        ("a}", 1),
        ("SOUND\\R1", 5),
        ("../x", 0),
        ("x/**.mov", 2),
        ("a//b", 2),
        ("[z-a]x", 1),
        ("x.[20-10].exr", 2),
        ("re:(a", 3),
        ("", 0),
    ],
)
def test_a_fault_says_where(pattern: str, position: int) -> None:
    """A pattern that cannot be meant is refused with the place of its fault."""
    with pytest.raises(PatternFault) as caught:
        Rule.compile(pattern)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("pattern", "prefix", "folder"),
    [
        ("SOUND/R1/**/*.aaf", "SOUND/R1/", "SOUND/R1"),
        ("SOUND/R1_v{version}/a.mov", "SOUND/R1_v", "SOUND"),
        ("SOUND/a.mov", "SOUND/a.", "SOUND"),
        ("*.mov", "", ""),
        ("A/é/x", "A/", "A"),
        (r"re:^SOUND/R1\.x*", "SOUND/R1.", "SOUND"),
        ("re:^SOUND|MUSIC", "", ""),
        ("re:SOUND", "", ""),
    ],
)
def test_the_prefix_finds_candidates(pattern: str, prefix: str, folder: str) -> None:
    """Every path that fits begins with the prefix, as it stands on the disk."""
    rule = Rule.compile(pattern)
    assert (rule.prefix, rule.folder) == (prefix, folder)


@given(st.text("ab._", min_size=1, max_size=12), st.lists(st.sampled_from(["*", "?", "a", "b", ".", "_"]), max_size=8))
def test_stars_agree_with_trying_every_way(name: str, parts: list[str]) -> None:
    """However many stars a pattern has, it takes exactly what a plain regular expression would."""
    import re

    pattern = re.sub(r"\*+", "*", "".join(parts)) + "x"
    name += "x"
    plain = "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
    if pattern.strip("./"):
        assert (Rule.compile(f"F/{pattern}").fits(f"F/{name}") is not None) == (re.fullmatch(plain, name) is not None)


def test_many_stars_end_soon() -> None:
    """A pattern of many stars against a long name is answered without trying every way to divide it."""
    assert Rule.compile("*a*a*a*a*a*a*a*a*a*a*b.mov").fits("a" * 240 + ".mov") is None


def test_the_index_tells_every_rule_in_order_and_who_claims() -> None:
    """Several rules may take one path; a file that none takes is still claimed by the rules of its folder."""
    index = RuleIndex(
        [
            ("any", Rule.compile("*.mov")),
            ("r1", Rule.compile("SOUND/R1/**/*.mov")),
            ("r2", Rule.compile("SOUND/R2/*.mov")),
            ("aaf", Rule.compile("SOUND/R1/*.aaf")),
        ]
    )
    assert [key for key, _ in index.fits("SOUND/R1/x/a.mov")] == ["any", "r1"]
    assert index.claims("SOUND/R1/x/notes.txt") == ["r1", "aaf"]
    assert index.claims("OTHER/notes.txt") == []


def test_slots_part_things_that_are_no_versions_of_each_other() -> None:
    """Where several are needed, `DX_v1` and `MX_v2` are two things; where one is, they are versions of it."""
    rule = Rule.compile("STEMS/{reel}/*_v{version}.wav")
    first, second = rule.fits("STEMS/R1/DX_v1.wav"), rule.fits("STEMS/R1/MX_v2.wav")
    assert first is not None
    assert second is not None
    assert first.slot(False) == second.slot(False) == ("R1",)
    assert first.slot(True) != second.slot(True)
    redelivered = rule.fits("STEMS/R1/DX_v9.wav")
    assert redelivered is not None
    assert redelivered.slot(True) == first.slot(True)


def test_a_sequence_of_another_length_is_the_same_thing() -> None:
    """The frame range of a redelivery may differ: it is no part of what it is."""
    rule = Rule.compile("{shot}_v{version}.*.exr")
    one, other = rule.fits("SH010_v1.[1001-1010].exr"), rule.fits("SH010_v2.[1001-1020].exr")
    assert one is not None
    assert other is not None
    assert one.slot(True) == other.slot(True)


# --- counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (None, Count()),
        ("", Count(1, None)),
        ("3", Count(3, 3)),
        (3, Count(3, 3)),
        (">=2", Count(2, None)),
        ("2+", Count(2, None)),
        ("<= 4", Count(0, 4)),
        ("2..4", Count(2, 4)),
        ("2-4", Count(2, 4)),
        ("any", Count(0, None)),
        ("one per reel in R1..R3", Count(1, 1, "reel", ("R1", "R2", "R3"))),
        (">=1 per {shot} in shots", Count(1, None, "shot", ("SH010", "SH020"))),
    ],
)
def test_counts_are_read(text: str | int | None, count: Count) -> None:
    """Each way to write a count is read, and written so that it is read again."""
    assert Count.parse(text, {"shots": ["SH010", "SH020"]}) == count
    assert Count.parse(count.text) == count


@pytest.mark.parametrize("text", ["many", "4..2", "one per reel in R6..R1", "-1"])
def test_what_is_no_count_is_refused(text: str) -> None:
    """A text that is no count is a fault, never a guess."""
    with pytest.raises(CountFault):
        Count.parse(text)


def test_spans_keep_padding_and_step() -> None:
    """`SH010..SH030x10` is three shots; `R9..R11` has no padding."""
    assert expand("SH010..SH030x10, X") == ("SH010", "SH020", "SH030", "X")
    assert expand("R9..R11") == ("R9", "R10", "R11")


def test_too_many_of_one_do_not_stand_in_for_another() -> None:
    """Two files for R1 leave R2 missing."""
    tally = Count.parse("one per reel in R1..R3").tally(["R1", "R1", "R9", "R3"])
    assert (tally.required, tally.arrived, tally.missing) == (3, 2, ("R2",))
    assert sorted(map(str, tally.surplus)) == ["R1", "R9"]
    assert Count.parse("2..4").tally([None] * 5).surplus == (None,)


# --- versions --------------------------------------------------------------------------------------------------------


def test_versions_compare_as_people_read_them() -> None:
    """Numbers by value, letters by the alphabet, dates as dates."""
    for lower, higher in [("v3", "v012"), ("A", "B"), ("3", "3b"), ("1.2", "1.10"), ("20261103", "2026-11-04")]:
        assert version_key(lower) < version_key(higher)
    assert version_key("v3") == version_key("003")
    assert version_key("2026-11-04") == version_key("20261104")


def _one(number: int, version: str | None, digest: str | None, hours: float, slot: str = "R1") -> Candidate:
    return Candidate(number, f"x/{number}", (slot,), version, digest, 100, NOON + timedelta(hours=hours))


def test_the_highest_fulfils_whatever_the_order() -> None:
    """v012 is current, v3 superseded, and an older one that comes after is a stale arrival."""
    chosen = choose_versions([_one(1, "3", "a:1", 0), _one(2, "012", "a:2", 1), _one(3, "5", "a:3", 2)])
    assert [c.id for c in chosen.current] == [2]
    assert [c.id for c in chosen.superseded] == [1]
    assert [c.id for c in chosen.stale_arrivals] == [3]


def test_versions_of_one_transfer_have_no_order() -> None:
    """Older versions that a copy wrote moments after the newest came with it, and are no stale arrival."""
    chosen = choose_versions([_one(1, "3", "a:1", 0), _one(2, "2", "a:2", 0.3 / 3600)])
    assert ([c.id for c in chosen.current], [c.id for c in chosen.superseded]) == ([1], [2])
    assert chosen.stale_arrivals == ()
    assert chosen.conflicts == ()


def test_same_version_with_other_bytes_is_a_conflict() -> None:
    """Two contents of one version are told until a newer one comes; the same bytes twice are a copy."""
    chosen = choose_versions([_one(1, "3", "a:1", 0), _one(2, "v003", "a:2", 1), _one(3, "3", "a:1", 2)])
    assert [[c.id for c in group] for group in chosen.conflicts] == [[1, 2]]
    assert [c.id for c in chosen.current] == [2]
    assert [c.id for c in chosen.copies] == [3]
    newer = choose_versions([_one(1, "3", "a:1", 0), _one(2, "v003", "a:2", 1), _one(4, "4", "a:4", 3)])
    assert newer.conflicts == ()


def test_what_was_rejected_and_comes_again_is_the_same_file() -> None:
    """Rejected content never counts as new; new content under the same version number replaces it without conflict."""
    rejected = {"a:1": NOON + timedelta(hours=1)}
    first, again = _one(1, "3", "a:1", 0), _one(2, "4", "a:1", 2)
    chosen = choose_versions([first, again], rejected)
    assert ([c.id for c in chosen.current], [c.id for c in chosen.sent_again]) == ([1], [2])
    chosen = choose_versions([first, _one(3, "3", "a:9", 3)], rejected)
    assert ([c.id for c in chosen.current], [c.id for c in chosen.superseded]) == ([3], [1])
    assert chosen.conflicts == ()


def test_digests_that_are_not_known_yet_are_no_conflict() -> None:
    """Until both are hashed, only sizes tell two contents apart."""
    assert choose_versions([_one(1, "3", "a:1", 0), _one(2, "3", None, 1)]).conflicts == ()


@given(
    st.lists(
        st.builds(
            _one,
            st.integers(0, 10**6),
            st.sampled_from([None, "1", "v2", "002", "3b", "A"]),
            st.sampled_from([None, "a:1", "a:2", "a:3"]),
            st.integers(0, 9),
            st.sampled_from(["R1", "R2"]),
        ),
        max_size=9,
        unique_by=lambda c: c.id,
    ),
    st.dictionaries(st.sampled_from(["a:1", "a:2"]), st.just(NOON + timedelta(hours=4))),
)
def test_every_candidate_is_somewhere_once(candidates: list[Candidate], rejected: dict[str, datetime]) -> None:
    """Nothing that arrived is lost or counted twice, and each slot with versions has exactly one current."""
    chosen = choose_versions(candidates, rejected)
    parts = [*chosen.current, *chosen.superseded, *chosen.stale_arrivals, *chosen.sent_again, *chosen.copies]
    assert sorted(c.id for c in parts) == sorted(c.id for c in candidates)
    versioned = [c.slot for c in chosen.current if c.version is not None]
    assert len(versioned) == len(set(versioned))
    assert not {c.id for c in chosen.sent_again} & {c.id for c in chosen.current}


def test_a_thousand_rules_answer_alike_with_and_without_the_index() -> None:
    """The index leaves out only rules that would not have taken the path."""
    rules = [
        (n, Rule.compile(f"SOUND/R{n // 2}/**/*_v{{version}}.{('aaf', 'mov')[n % 2]}" if n % 3 else f"**/*_{n}_*.aaf"))
        for n in range(1000)
    ]
    index = RuleIndex(rules)
    for path in ("SOUND/R8/20261101/NF_R8_v003.aaf", "SOUND/R8/NF_9_R8_v003.AAF", "OTHER/x_999_y.aaf"):
        expected = [n for n, rule in rules if rule.fits(path)]
        assert expected
        assert [n for n, _ in index.fits(path)] == expected
