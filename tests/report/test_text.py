"""Is the text short where it is read first, narrow everywhere, and safe whatever files are called?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from assetwatch.report.basics import Place, Severity, Some
from assetwatch.report.engineers import Problem
from assetwatch.report.text import COLUMNS, render, width
from assetwatch.report.value import Headline, Need, Report

from .conftest import HOSTILE
from .samples import hostile, night, quiet


def test_first_screen() -> None:
    """The first lines say which show, how bad, when, and then what needs a person, the worst first."""
    report = night()
    lines = render(report).splitlines()
    assert report.headline.sentence in " ".join(lines[:2])
    assert lines[0].startswith(report.project)
    head = lines[: lines.index("DELIVERABLES")]
    wrong = [number for number, line in enumerate(head) if line.startswith("! ")]
    look = [number for number, line in enumerate(head) if line.startswith("- ")]
    assert wrong
    assert not look or max(wrong) < min(look)


def test_nothing_needs_a_person() -> None:
    """A quiet night says so in its first lines."""
    text = render(replace(quiet(), needs=Some(), headline=Headline(Severity.OK, "All well")))
    assert "Nothing needs a person today." in text.splitlines()[:6]


@pytest.mark.parametrize("report", [night(), quiet(), hostile()], ids=["bad", "quiet", "hostile"])
def test_no_line_is_wider_than_it_may_be(report: Report) -> None:
    """A line is at most 72 columns wide, or one word that cannot be broken."""
    wide = [line for line in render(report).splitlines() if width(line) > COLUMNS]
    assert [line for line in wide if " " in line.strip()] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_on_its_line(name: str) -> None:
    """What is in a name neither breaks a line, nor steers a terminal, nor turns the direction of writing."""
    problem = Problem(Place("ingest", name), "mismatch", f"{name} is not what was sent")
    need = Need(Severity.WRONG, "mismatch", problem.place.text, problem.place.text, "ask again")
    report = replace(night(), problems=Some((problem,), 1), needs=Some((need,), 1), project=name)
    text = render(report)
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.endswith(".\n")


def test_the_rest_is_told_as_a_number() -> None:
    """A list that was cut says how much is not told."""
    report = night()
    cut = replace(report, needs=Some(report.needs.first[:1], 1_000))
    assert "  and 999 more" in render(cut).splitlines()


def test_nothing_is_left_blank() -> None:
    """Under every heading stands something, in a catalog that knows of nothing too."""
    text = render(replace(quiet(), volumes=(), bands=()))
    assert "None are in care." in text and "No file is there." in text
    lines = text.splitlines()
    rules = [number for number, line in enumerate(lines) if line and set(line) == {"-"}]
    assert [lines[number - 1] for number in rules if not lines[number + 1].strip()] == []


def test_what_was_read_again_without_a_sweep_is_not_denied() -> None:
    """A file is also read again where a sender's list needs another digest: without a sweep nothing is said of it."""
    text = render(replace(quiet(), sweep=None))
    assert "No sweep was made yet." in text
    assert "read again" not in text


def test_the_space_of_a_volume_that_is_away() -> None:
    """It is told as what was last seen, and that of the others as what is."""
    lines = render(night()).splitlines()
    assert sum("when it was" in line for line in lines) == 1


def test_numbers_are_those_of_the_value() -> None:
    """What the sweep did, and how the deliverables stand, are the value's numbers."""
    report = night()
    text = " ".join(render(report).split())
    assert report.sweep is not None
    assert f"checked {report.sweep.checked:,} files" in text
    assert f"not checked {report.sweep.not_checked:,}" in text
    assert ", ".join(f"{count} {status}" for status, count in report.deliverables.by_status.items()) in text
    assert f"{report.arrivals.files:,} file" in text


def test_a_deliverable_is_told_once() -> None:
    """One that stands in several lists is told in the first of them, and named in the others."""
    report = night()
    both = [one for one in report.deliverables.late.first if one.failing]
    assert both
    text = render(report)
    for one in both:
        assert f"  {one.key}  {one.name} (see above)" in text
        assert text.count(f"missing: {one.missing.first[0]}") == 1
