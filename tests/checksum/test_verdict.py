"""What follows from an entry and the disk?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.checksum.manifests.digests import bare, either_order, tagged, xxh32_decimal
from assetwatch.checksum.manifests.format import Entry, ExpectedDigest
from assetwatch.checksum.verdict import algorithms_needed, judge
from assetwatch.model import Verdict

MD5 = "5d41402abc4b2a76b9719d911017c592"
SHA1 = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
WRONG = "0" * 32


def entry(*digests: ExpectedDigest, size: int | None = None, **more: str) -> Entry:
    return Entry("a.mov", size, digests, **more)  # type: ignore[arg-type]


def test_a_fitting_digest_is_verified_with_its_evidence() -> None:
    """The algorithm, what was expected and what was computed stand beside `verified`."""
    said = judge(entry(tagged("md5", MD5.upper()), size=5), 5, {"md5": MD5})
    assert (said.verdict, said.algorithm, said.expected, said.computed) == (Verdict.VERIFIED, "md5", MD5, MD5)


def test_one_wrong_digest_among_several_is_a_mismatch() -> None:
    """A list that contradicts itself about a file never verifies it; the evidence is of the one that differs."""
    said = judge(entry(tagged("md5", MD5), tagged("sha1", "1" * 40)), 5, {"md5": MD5, "sha1": SHA1})
    assert (said.verdict, said.algorithm, said.computed) == (Verdict.MISMATCH, "sha1", SHA1)
    assert "md5" in said.notes[0]


def test_another_size_is_a_mismatch_without_reading() -> None:
    """The size decides before any digest, and is the evidence."""
    said = judge(entry(tagged("md5", MD5), size=6), 5, None)
    assert (said.verdict, said.algorithm, said.expected, said.computed) == (Verdict.MISMATCH, "size", "6", "5")


def test_two_sizes_for_one_file_are_a_mismatch() -> None:
    """Whatever the file's size is, one of two different sizes is wrong."""
    both = Entry("a.mov", 5, (tagged("md5", MD5),), other_sizes=(6,))
    assert judge(both, 5, {"md5": MD5}).verdict is Verdict.MISMATCH


def test_only_a_size_proves_nothing() -> None:
    """An entry without a digest is uncheckable even where its size fits."""
    assert judge(entry(size=5), 5, {}).verdict is Verdict.UNCHECKABLE


def test_a_failed_digest_is_no_reference() -> None:
    """What a tool recorded as failed neither verifies nor refutes, and is not computed."""
    failed = entry(tagged("md5", MD5, "failed"))
    assert algorithms_needed(failed) == ()
    assert judge(failed, 5, {"md5": MD5}).verdict is Verdict.UNCHECKABLE
    both = entry(tagged("md5", WRONG, "failed"), tagged("md5", MD5, "original"))
    assert judge(both, 5, {"md5": MD5}).verdict is Verdict.VERIFIED


def test_no_file_is_missing_and_names_what_was_expected() -> None:
    """A missing file's verdict still tells the digest that it should have."""
    said = judge(entry(tagged("md5", MD5)), None)
    assert (said.verdict, said.expected, said.computed) == (Verdict.MISSING, MD5, None)


def test_a_file_that_may_be_absent_is_not_missing() -> None:
    """fetch.txt makes absence legitimate."""
    said = judge(entry(tagged("md5", MD5), absent="to be fetched"), None)
    assert (said.verdict, said.notes) == (Verdict.UNCHECKABLE, ("to be fetched",))


def test_unreadable_is_a_result_of_its_own() -> None:
    """A file whose bytes the system does not give is neither verified nor a mismatch."""
    said = judge(entry(tagged("md5", MD5)), 5, None, unreadable="Input/output error")
    assert (said.verdict, said.notes) == (Verdict.UNREADABLE, ("Input/output error",))


def test_a_faulty_entry_is_uncheckable_whatever_is_on_disk() -> None:
    """An entry that cannot be used says why."""
    said = judge(entry(tagged("md5", MD5), fault="no number"), 5, {"md5": MD5})
    assert (said.verdict, said.notes) == (Verdict.UNCHECKABLE, ("no number",))


def test_an_unproven_list_cannot_verify_but_can_refute() -> None:
    """Without its chain a history that fits proves nothing; one that does not fit still shows damage."""
    loose = entry(tagged("md5", MD5), unproven="no chain")
    assert judge(loose, 5, {"md5": MD5}).verdict is Verdict.UNCHECKABLE
    assert judge(loose, 5, {"md5": WRONG}).verdict is Verdict.MISMATCH


def test_of_several_candidates_the_one_that_fits_is_named() -> None:
    """32 digits without a name are MD5 or XXH128: both are computed, and the verdict says which it was."""
    ambiguous = entry(bare(MD5))
    assert set(algorithms_needed(ambiguous)) == {"md5", "xxh128"}
    said = judge(ambiguous, 5, {"md5": WRONG, "xxh128": MD5})
    assert (said.verdict, said.algorithm) == (Verdict.VERIFIED, "xxh128")


def test_xxhash64_in_either_byte_order() -> None:
    """Under MHL's deprecated tag both byte orders of XXH64("hello") are verified, and the unusual one is said."""
    computed = {"xxh64": "26c7827d889f6da3"}
    assert judge(entry(either_order("a36d9f887d82c726")), 5, computed).notes == ()
    unusual = judge(entry(either_order("26c7827d889f6da3")), 5, computed)
    assert unusual.verdict is Verdict.VERIFIED
    assert "big-endian" in unusual.notes[0]


@pytest.mark.parametrize("written", ["4211111929", "0004211111929", "fb0077f9"])
def test_xxh32_as_a_number_of_any_length(written: str) -> None:
    """XXH32("hello") is read as a decimal number with or without leading zeros, and as 8 digits in base 16."""
    assert judge(entry(xxh32_decimal(written)), 5, {"xxh32": "fb0077f9"}).verdict is Verdict.VERIFIED


@pytest.mark.parametrize("written", ["4294967296", "-1", "", "12x", "9" * 400])
def test_numbers_that_xxh32_cannot_be(written: str) -> None:
    """What is no unsigned 32-bit number is no digest, and no crash."""
    assert not xxh32_decimal(written).readings


@given(
    st.lists(st.sampled_from([MD5, WRONG]), max_size=3),
    st.one_of(st.none(), st.sampled_from([5, 6])),
    st.one_of(st.none(), st.just(5)),
    st.booleans(),
)
def test_verified_means_that_everything_told_is_true(
    texts: list[str], size: int | None, on_disk: int | None, failed: bool
) -> None:
    """Whatever an entry holds, `verified` needs a file, a fitting digest, and nothing that differs."""
    digests = tuple(tagged("md5", text, "failed" if failed and i == 0 else "") for i, text in enumerate(texts))
    said = judge(entry(*digests, size=size), on_disk, {"md5": MD5})
    usable = [digest.written for digest in digests if digest.usable]
    true = on_disk is not None and size in (None, on_disk) and bool(usable) and set(usable) == {MD5}
    assert (said.verdict is Verdict.VERIFIED) == true
