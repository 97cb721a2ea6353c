"""Do the pictures show the numbers that they are drawn from?"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.report import charts
from assetwatch.report.coordinators import Day, Owed
from assetwatch.report.draw import cut, hatched, words
from assetwatch.report.engineers import BANDS, Band
from assetwatch.report.timeline import chosen, standing, timeline
from assetwatch.report.wording import day, many, moment, share, span
from tests.report.samples import HOSTILE, NOW, TB, ZONE, history, local, night, owed, volume


class Drawing:
    """A drawing taken apart."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)
        self.width, self.height = (float(one) for one in self.root.attrib["viewBox"].split()[2:])

    def areas(self, colour: str) -> list[dict[str, float]]:
        """Rectangles in a colour of the palette."""
        found = [one for one in self.root.iter("rect") if f"f-{colour}" in one.attrib["class"].split()]
        return [{name: float(one.attrib[name]) for name in ("x", "y", "width", "height")} for one in found]

    def lines(self, colour: str) -> list[list[tuple[float, float]]]:
        """The points of open lines in a colour."""
        found = [one for one in self.root.iter("path") if f"s-{colour}" in one.attrib["class"].split()]
        return [points(one.attrib["d"]) for one in found]

    @property
    def today(self) -> float:
        """Where today's upright line stands."""
        (found,) = {line[0][0] for line in self.lines("ink") if len(line) == 2 and line[0][0] == line[1][0]}
        return found

    def discs(self) -> list[float]:
        """Where discs stand, from left to right."""
        return [float(one.attrib["cx"]) for one in self.root.iter("circle")]

    @property
    def words(self) -> list[str]:
        """The texts in it."""
        return [one.text or "" for one in self.root.iter("text")]

    def summary(self) -> str:
        """What a screen reader reads."""
        return self.root.findtext("desc") or ""


def points(path: str) -> list[tuple[float, float]]:
    """The points of a path that has only absolute ones."""
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def days(*sizes: int) -> list[Day]:
    """Days in November with so many bytes, and a file for each."""
    return [Day(date(2026, 11, 1) + timedelta(days=n), one, one) for n, one in enumerate(sizes)]


class TestByDay:
    """Bytes and files of each day."""

    def test_heights_are_in_proportion(self) -> None:
        """Twice as many bytes stand twice as high, and nothing has no bar."""
        bars = Drawing(charts.bytes_by_day(days(1000, 500, 0, 250), ZONE)).areas("bar")
        assert [round(one["height"] / bars[0]["height"], 2) for one in bars] == [1, 0.5, 0.25]
        assert len({one["y"] + one["height"] for one in bars}) == 1

    def test_little_is_not_nothing(self) -> None:
        """One file beside a million can be seen."""
        assert min(one["height"] for one in Drawing(charts.files_by_day(days(10**6, 1), ZONE)).areas("bar-2")) >= 1

    def test_the_highest_has_its_number(self) -> None:
        """The highest bar is labelled, and what the picture shows is said."""
        drawing = Drawing(charts.bytes_by_day(days(3 * TB, 7 * TB, TB), ZONE))
        assert "7 TB" in drawing.words
        assert "3 days from Sun 1 Nov to Tue 3 Nov: 11 TB in all, the most on Mon 2 Nov: 7 TB." in drawing.summary()

    @pytest.mark.parametrize("count", [1, 14, 31, 120])
    def test_everything_stays_inside(self, count: int) -> None:
        """However many days there are."""
        drawing = Drawing(charts.bytes_by_day(days(*range(1, count + 1)), ZONE))
        assert all(one["x"] >= 0 and one["x"] + one["width"] <= drawing.width for one in drawing.areas("bar"))

    def test_no_days(self) -> None:
        """Nothing is drawn of nothing, and days without anything can be drawn."""
        assert charts.bytes_by_day([], ZONE) == ""
        assert Drawing(charts.files_by_day(days(0, 0), ZONE)).areas("bar-2") == []


def bands(**sizes: int) -> list[Band]:
    """Bands with so many bytes."""
    return [Band(key, label, sizes.get(key, 0), sizes.get(key, 0)) for key, label, _ in BANDS]


class TestByAge:
    """The share of bytes by age of the last check."""

    def test_parts_are_in_proportion_and_make_the_whole(self) -> None:
        """Each part is as high as its share; they follow one another without a gap."""
        drawing = Drawing(charts.ages(bands(day=10, week=30, never=60)))
        parts = [*drawing.areas("bar"), *drawing.areas("bar-2"), *drawing.areas("page")]
        assert [round(one["height"] / parts[0]["height"], 2) for one in parts] == [1, 3, 6]
        assert parts[1]["y"] == pytest.approx(parts[0]["y"] + parts[0]["height"], abs=0.11)

    def test_each_part_is_named_beside_it(self) -> None:
        """A label each, with bytes and share, in the order of the parts; the same is said in words."""
        drawing = Drawing(charts.ages(bands(day=10 * TB, week=30 * TB, never=60 * TB)))
        assert drawing.words == [
            *("checked within a day", "10 TB, 10 %", "within a week", "30 TB, 30 %", "never read yet", "60 TB, 60 %"),
        ]
        assert "never read yet: 60 TB, 60 %" in drawing.summary()

    @given(st.lists(st.integers(0, 10**15), min_size=len(BANDS), max_size=len(BANDS)))
    def test_labels_never_cover_each_other(self, sizes: list[int]) -> None:
        """Whatever the shares are: labels stand a line apart, in order, and inside the picture."""
        text = charts.ages([Band(key, label, 1, size) for (key, label, _), size in zip(BANDS, sizes, strict=True)])
        if not any(sizes):
            assert text == ""
            return
        drawing = Drawing(text)
        rows = [float(one.attrib["y"]) for one in drawing.root.iter("text") if "text-anchor" not in one.attrib]
        assert all(later - earlier > 13 for earlier, later in itertools.pairwise(rows))
        assert all(10 <= row <= drawing.height for row in rows)

    def test_each_band_has_a_colour(self) -> None:
        """All of `BANDS` are drawn, none twice in the same colour without a pattern."""
        drawing = Drawing(charts.ages(bands(**{key: 100 for key, _, _ in BANDS})))
        drawn = [one.attrib["class"] for one in drawing.root.iter("rect")]
        assert len(drawn) == len(BANDS)


class TestCapacity:
    """How full a volume is and will be."""

    def test_line_reaches_the_top_on_the_day_that_is_told(self) -> None:
        """The projection meets the line of a full volume where the diamond stands, and the date is written."""
        one = volume("ingest", 100 * TB, 90 * TB, TB)
        drawing = Drawing(charts.capacity(one, NOW, ZONE, name="x"))
        (full,) = [line for line in drawing.lines("wrong") if len(line) == 2]
        dashed = drawing.lines("bar")[-1]
        assert dashed[-1][1] == pytest.approx(full[0][1], abs=0.2)
        diamond = next(path for path in drawing.root.iter("path") if "f-late" in path.attrib["class"])
        corners = points(diamond.attrib["d"])
        assert corners[0][0] == pytest.approx(dashed[-1][0], abs=0.2)
        assert f"full on {day(NOW + timedelta(days=10), ZONE)}" in drawing.words

    def test_height_is_what_is_used(self) -> None:
        """Half full is half way between the floor and the line of a full volume."""
        one = volume("ingest", 100 * TB, 50 * TB, 0, history=history(100 * TB, 50 * TB, 0))
        drawing = Drawing(charts.capacity(one, NOW, ZONE, name="x"))
        (full,) = drawing.lines("wrong")
        line = drawing.lines("bar")[0]
        floor = next(line for line in drawing.lines("rule"))[0][1]
        assert line[-1][1] == pytest.approx((floor + full[0][1]) / 2, abs=0.2)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({}, "10 TB free; grows by 1 TB a day; full in 10 days, on Fri 4 Dec."),
            ({"growth": None, "days_left": None, "full_on": None}, "too little is known yet"),
            ({"growth": -5.0, "days_left": None, "full_on": None}, "it does not grow"),
            ({"days_left": 9000.0}, "full in more than ten years"),
        ],
    )
    def test_it_is_said_in_words(self, more: dict[str, Any], said: str) -> None:
        """The sentence beside it and for screen readers."""
        one = replace(volume("ingest", 100 * TB, 90 * TB, TB), **more)
        assert said in charts.capacity_sentence(one, NOW, ZONE)
        assert said in Drawing(charts.capacity(one, NOW, ZONE, name="x")).summary()

    @pytest.mark.parametrize("growth", [-3 * TB, 0.0, 10.0, TB / 100, TB, 500 * TB])
    @pytest.mark.parametrize("used", [0, 50 * TB, 99.99 * TB, 100 * TB])
    def test_everything_stays_inside(self, growth: float, used: float) -> None:
        """Whatever the growth, and however full."""
        one = volume("v", 100 * TB, used, growth)
        drawing = Drawing(charts.capacity(one, NOW, ZONE, name="x"))
        for colour in ("bar", "wrong", "ink"):
            assert all(
                0 <= x <= drawing.width and 0 <= y <= drawing.height for p in drawing.lines(colour) for x, y in p
            )

    def test_too_little_to_draw(self) -> None:
        """A volume that was asked once, or never, has no picture; one that was never asked no sentence."""
        one = volume("v", 100 * TB, 90 * TB, TB)
        assert charts.capacity(replace(one, history=one.history[:1]), NOW, ZONE, name="x") == ""
        unknown = replace(one, total=None, free=None, history=())
        assert charts.capacity(unknown, NOW, ZONE, name="x") == charts.capacity_sentence(unknown, NOW, ZONE) == ""

    def test_a_table_has_few_points(self) -> None:
        """The first and the last are among them."""
        every = history(100 * TB, 90 * TB, TB)
        few = charts.thinned(every, 8)
        assert (len(few), few[0], few[-1]) == (8, every[0], every[-1])


def drawn(*rows: Owed, narrow: bool = False) -> Drawing:
    """A timeline of deliverables."""
    return Drawing(timeline(rows, NOW, ZONE, narrow=narrow, name="t"))


BOTH = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])


class TestTimeline:
    """Deliverables against their due dates."""

    @BOTH
    def test_late_is_a_hatched_bar_up_to_today(self, narrow: bool) -> None:
        """It begins at the due date and ends at today's line; words say it too."""
        drawing = drawn(owed("A", "Turnover", NOW - timedelta(days=4), late=True, late_by=4 * 86400.0), narrow=narrow)
        today = drawing.today
        (bar,) = [line for line in drawing.lines("late") if len(line) > 8 and max(x for x, _ in line) > 40]
        assert max(x for x, _ in bar) == pytest.approx(today, abs=0.2)
        assert min(x for x, _ in bar) < today
        assert any(said.startswith("late by 4 days") for said in drawing.words)

    @BOTH
    def test_dates_stand_in_order(self, narrow: bool) -> None:
        """What came before it was due stands left of its diamond; today is between past and future."""
        came = NOW - timedelta(days=3)
        row = owed("A", "Dailies", NOW - timedelta(days=1), "verified", arrived_at=came, arrived=4, verified=4)
        drawing = drawn(row, owed("B", "Next", NOW + timedelta(days=5)), narrow=narrow)
        disc = drawing.discs()[0]
        (line,) = [one for one in drawing.lines("done") if len(one) == 2]
        assert disc == pytest.approx(line[0][0], abs=0.2)
        assert line[0][0] < line[1][0] < drawing.today

    @BOTH
    def test_each_is_named(self, narrow: bool) -> None:
        """Every row has its name and where it stands, and nothing leaves the picture."""
        rows = chosen(night().deliverables.every.first, NOW)
        drawing = drawn(*rows, narrow=narrow)
        for row in rows:
            assert any(row.name.startswith(said.rstrip("…")) and len(said) > 8 for said in drawing.words), row.name
        for colour in ("late", "ink", "done", "soft", "rule"):
            assert all(
                -20 <= x <= drawing.width and -20 <= y <= drawing.height for p in drawing.lines(colour) for x, y in p
            )
        assert "15 deliverables by due date: 2 late, 2 failed or rejected, 3 due soon, 4 complete." in drawing.summary()

    def test_dates_far_away_stand_at_the_edge(self) -> None:
        """A year late does not press a month flat."""
        near = owed("B", "Near", NOW + timedelta(days=2), due_soon=True)
        far = owed("A", "Far", NOW - timedelta(days=365), late=True, late_by=365 * 86400.0)
        drawing = drawn(far, near)
        assert any("◂" in said for said in drawing.words)
        assert drawing.today < drawing.width * 0.75

    def test_hostile_names(self) -> None:
        """A name is text in a drawing too."""
        drawing = drawn(*(owed(str(n), name, NOW + timedelta(days=n)) for n, name in enumerate(HOSTILE)))
        assert {one.tag for one in drawing.root.iter()} <= {
            "svg",
            "title",
            "desc",
            "path",
            "rect",
            "circle",
            "text",
            "g",
        }

    def test_the_worst_are_chosen(self) -> None:
        """Of very many: what is late before what is to come, near before far, sorted by date; the finished last."""
        late = [owed(f"L{n}", "", NOW - timedelta(days=n + 1), late=True) for n in range(30)]
        rest = [owed(f"R{n}", "", NOW + timedelta(days=n + 1)) for n in range(30)]
        kept = chosen([*rest, *late], NOW, 24)
        assert len(kept) == 24
        assert all(one.late for one in kept)
        assert [one.due for one in kept] == sorted(one.due for one in kept if one.due)
        assert chosen([owed("W", "", NOW, "waived"), owed("N", "", None)], NOW) == []
        long_done = owed("D", "", NOW - timedelta(days=60), "accepted", arrived_at=NOW - timedelta(days=61))
        assert chosen([long_done], NOW) == []

    def test_nothing(self) -> None:
        """No deliverable, no picture."""
        assert timeline([], NOW, ZONE, narrow=False, name="t") == ""


class TestStanding:
    """Where a deliverable stands, in words."""

    @pytest.mark.parametrize(
        ("one", "said"),
        [
            (owed("A", "", local(11, 24, 23)), "due today, 0 of 4 here"),
            (owed("A", "", local(11, 25, 1)), "due tomorrow, 0 of 4 here"),
            (owed("A", "", local(12, 4), arrived=2), "due in 10 days, 2 of 4 here"),
            (owed("A", "", local(11, 24, 5)), "due, within its grace, 0 of 4 here"),
            (owed("A", "", local(11, 20), late=True, late_by=3.9 * 86400, arrived=3), "late by 3 days, 3 of 4 here"),
            (
                owed("A", "", local(11, 23), "failed", late=True, late_by=43200.0),
                "failed, late by 12 hours, 0 of 4 here",
            ),
            (owed("A", "", local(12, 4), "rejected", arrived=4), "rejected, 4 of 4 here"),
            (owed("A", "", local(11, 22), "arrived", arrived_late=True, late_by=79200.0), "arrived, 22 hours late"),
            (owed("A", "", None, "waived"), "waived"),
            (owed("A", "", None), "expected, 0 of 4 here"),
        ],
    )
    def test_words(self, one: Owed, said: str) -> None:
        """Today and tomorrow are those of the show's zone."""
        assert standing(one, NOW, ZONE) == said


class TestShapes:
    """Patterns and texts."""

    @given(st.floats(0, 500), st.floats(1, 300), st.floats(1, 200))
    def test_hatching_stays_inside(self, x: float, width: float, height: float) -> None:
        """No stroke leaves its rectangle."""
        strokes = points(ElementTree.fromstring(hatched(x, 10, width, height, "late")).attrib["d"])
        assert all(x - 0.1 <= a <= x + width + 0.1 and 9.9 <= b <= 10 + height + 0.1 for a, b in strokes)

    def test_a_text_is_cut_where_there_is_no_room(self) -> None:
        """And says so."""
        assert cut("short", 200) == "short"
        assert cut("a very long name of a deliverable", 100).endswith("…")

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_text_is_text(self, name: str) -> None:
        """It is one element, and well-formed."""
        assert len(list(ElementTree.fromstring(words(0, 0, name)).iter())) == 1


class TestWording:
    """Dates, spans and numbers."""

    def test_dates(self) -> None:
        """In the zone, with the year only where it is another one."""
        when = datetime(2027, 1, 1, 3, 0, tzinfo=UTC)
        assert moment(when, ZONE, NOW) == "Thu 31 Dec 19:00"
        assert day(when, UTC, NOW) == "Fri 1 Jan 2027"

    def test_spans(self) -> None:
        """One unit, as people say it; days only when they are over."""
        said = [span(seconds) for seconds in (0, 61, 5_000, 7_200, 130_000, 3.99 * 86400)]
        assert said == ["1 minute", "1 minute", "83 minutes", "2 hours", "1 day", "3 days"]

    def test_shares(self) -> None:
        """What is not nothing is never told as nothing, nor what is not all as all."""
        assert [share(*one) for one in ((0, 9), (1, 10**6), (1, 3), (999_999, 10**6), (5, 5), (0, 0))] == [
            *("0 %", "< 1 %", "33 %", "> 99 %", "100 %", "0 %"),
        ]

    def test_many(self) -> None:
        """One file, two files."""
        assert [many(1, "file"), many(52_611, "file"), many(2, "try", "tries")] == ["1 file", "52,611 files", "2 tries"]
