"""Is the JSON of a report one document with the value's numbers, of which every key is documented?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assetwatch.paths import from_percent
from assetwatch.report.as_json import VERSION, document, render
from assetwatch.report.basics import Place, Some
from assetwatch.report.engineers import Problem
from assetwatch.report.value import Report

from .conftest import HOSTILE
from .samples import hostile, night, quiet

PAGE = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
#: What stands of the sweep is told with `verify`.
SECTION = "".join(PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0] for name in ("report", "verify"))

#: Objects whose keys are words of the catalog, and are told as such.
MAPS = {
    "counts",
    "headline_counts",
    "by_status",
    "by_presence",
    "by_integrity",
    "not_checked_reasons",
    "probe_failures",
    "acknowledged",
}


def _keys(value: Any, within: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _keys(one, within)
    elif isinstance(value, dict):
        for key, below in value.items():
            if within not in MAPS:
                yield key
            yield from _keys(below, key)


@pytest.mark.parametrize("report", [night(), quiet(), hostile()], ids=["bad", "quiet", "hostile"])
def test_every_key_is_documented(report: Report) -> None:
    """Each key of the document stands in the reference."""
    told = set(re.findall(r"`([a-z_0-9]+)`", SECTION))
    assert set(_keys(document(report))) - told == set()


@pytest.mark.parametrize("report", [night(), quiet(), hostile()], ids=["bad", "quiet", "hostile"])
def test_text_is_the_document(report: Report) -> None:
    """What is written reads back as the same document, of version 1."""
    assert json.loads(render(report)) == document(report)
    assert document(report)["version"] == VERSION == 1
    render(report).encode("utf-8")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_keeps_its_bytes(name: str) -> None:
    """A path is readable, and where that loses bytes they stand beside it."""
    report = replace(night(), problems=Some((Problem(Place("ingest", name), "missing", None),), 1))
    (found,) = json.loads(render(report))["files"]["problems"]["items"]
    if "path_bytes" in found:
        assert from_percent(found["path_bytes"]) == name
    else:
        assert found["path"] == name
    assert (found["state"], found["problem"]) == ("missing", None)


def test_nothing_steers_a_terminal() -> None:
    """Whatever a file is called, the document may be looked at as it is, and still says the same."""
    name = "\x1b[31m\x9b31m\x7f\u202evom\u2028\u200f é夜.mov"
    text = render(replace(night(), problems=Some((Problem(Place("ingest", name), "missing", None),), 1)))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "é夜.mov" in text
    assert json.loads(text)["files"]["problems"]["items"][0]["path"] == name


def test_lists_say_how_long_they_are() -> None:
    """Of a list that was cut the total is told."""
    report = night()
    cut = replace(report, needs=Some(report.needs.first[:1], 1_000))
    assert document(cut)["needs"]["total"] == 1_000
    assert len(document(cut)["needs"]["items"]) == 1


def test_numbers_are_those_of_the_value() -> None:
    """Counts, arrivals and days are the value's."""
    report = night()
    made = document(report)
    assert made["counts"] == dict(report.counts)
    assert sum(one["files"] for one in made["arrivals"]["senders"]) == sum(s.files for s in report.arrivals.senders)
    assert [one["bytes"] for one in made["days"]] == [day.size for day in report.days]
    assert made["severity"] == report.headline.severity.value
