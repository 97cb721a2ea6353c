"""Is the CSV of a report a table that a spreadsheet opens without running anything?"""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from assetwatch.report.as_csv import COLUMNS, render
from assetwatch.report.basics import Place, Some
from assetwatch.report.engineers import Problem
from assetwatch.report.value import Report

from .conftest import HOSTILE
from .samples import hostile, night, quiet

#: What spreadsheets take for the beginning of a formula (OWASP, CSV Injection), also in wide forms.
SIGNS = "=+-@\t\r\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"


def _read(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(report), newline="")))


@pytest.mark.parametrize("report", [night(), quiet(), hostile()], ids=["bad", "quiet", "hostile"])
def test_one_table(report: Report) -> None:
    """Each row has every column, on one line that ends with CR LF; the first says the version."""
    text = render(report)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert text.count("\r\n") == text.count("\n") == len(rows)
    assert rows[1][:2] == ["report", "version"]
    assert rows[1][4] == "1"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_is_a_formula(name: str) -> None:
    """Whatever a file, a volume, a show or a person is called: no cell begins as a formula does."""
    problem = Problem(Place(name, name), "mismatch", name)
    report = replace(night(), project=name, problems=Some((problem,), 1), faults=(name,))
    cells = [cell for row in csv.reader(io.StringIO(render(report), newline="")) for cell in row]
    texts = [cell for cell in cells if not cell.removeprefix("-").isdigit()]
    assert [cell for cell in texts if cell.lstrip()[:1] and cell.lstrip()[0] in SIGNS] == []
    assert all(cell.isprintable() for cell in cells)


def test_a_sign_is_guarded() -> None:
    """The apostrophe is put before what would run, and before nothing else."""
    found = {row["key"]: row for row in _read(replace(night(), faults=("=1+1", "plain = text")))}
    assert found
    details = [
        row["detail"] for row in _read(replace(night(), faults=("=1+1", "plain = text"))) if row["section"] == "fault"
    ]
    assert details == ["'=1+1", "plain = text"]


def test_numbers_are_those_of_the_value() -> None:
    """Counts and days are the value's; a negative difference is a number and no text."""
    report = night()
    rows = _read(report)
    counts = {row["key"]: int(row["number"] or row["bytes"]) for row in rows if row["section"] == "count"}
    assert counts == dict(report.counts)
    assert [int(row["bytes"]) for row in rows if row["section"] == "day"] == [day.size for day in report.days]
    assert report.before is not None
    changes = {row["key"]: int(row["number"]) for row in rows if row["section"] == "difference"}
    assert changes == {one.key: one.change for one in report.before.differences}
    owed = {row["key"]: row["state"] for row in rows if row["section"] == "deliverable" and row["state"] != "more"}
    assert owed == {one.key: one.status for one in report.deliverables.every.first}


def test_the_rest_is_a_row() -> None:
    """A list that was cut ends with how much is not told."""
    report = night()
    cut = replace(report, needs=Some(report.needs.first[:1], 1_000))
    (more,) = [row for row in _read(cut) if row["section"] == "need" and row["state"] == "more"]
    assert more["number"] == "999"
