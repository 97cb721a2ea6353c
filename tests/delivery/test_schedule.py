"""Does a schedule say the same thing in TOML, CSV and a workbook, and say where it is wrong?"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assetwatch.delivery.schedule import Deliverable, Item, Schedule, difference
from assetwatch.delivery.schedule_csv import letters, read_csv, write_csv
from assetwatch.delivery.schedule_fields import read_instant
from assetwatch.delivery.schedule_toml import read_toml, write_toml
from assetwatch.delivery.schedule_xlsx import read_xlsx
from assetwatch.delivery.templates import TEMPLATES, template

ZONE = ZoneInfo("America/Los_Angeles")

REELS = """
[list]
shots = ["SH010", "SH020"]

[[deliverable]]
over = { reel = "R1..R6" }
id = "{reel}-SOUND"
name = "Reel {n} to sound"
kind = "sound-turnover"
from = "Editorial"
due = "2026-12-01 18:00"
grace = "2h"
proof = "manifest"
agree = { reel = "{n}" }

  [[deliverable.item]]
  name = "AAF"
  match = "SOUND/{reel}/**/*_v{version}.aaf"

  [[deliverable.item]]
  name = "Reference picture"
  match = "SOUND/{reel}/**/*.mov"
  required = false
  spec = { use = "prores-422-hq-uhd", "audio.channels" = ">=2", "video.width" = 1920, "video.codec" = ["A", "B"] }

  [[deliverable.item]]
  name = "Plates"
  match = "VFX/{shot}/*.exr"
  count = "one per shot in shots"
"""


def toml(text: str) -> Schedule:
    return read_toml(text, ZONE)


class TestToml:
    def test_one_block_stands_for_every_name_of_a_list(self) -> None:
        """`over` makes a deliverable of each name; named parts of patterns that are not in it stay."""
        read = toml(REELS)
        assert read.faults == ()
        assert [one.id for one in read.deliverables] == [f"R{n}-SOUND" for n in range(1, 7)]
        third = read.deliverables[2]
        assert third.name == "Reel 3 to sound"
        assert third.agree == {"reel": 3}
        assert [item.match for item in third.items] == [
            "SOUND/R3/**/*_v{version}.aaf",
            "SOUND/R3/**/*.mov",
            "VFX/{shot}/*.exr",
        ]
        assert third.items[2].count == "one per shot in SH010, SH020"

    def test_a_time_without_a_zone_is_the_shows(self) -> None:
        """The due date of the schedule is read in the show's time zone."""
        assert toml(REELS).deliverables[0].due == datetime(2026, 12, 2, 2, 0, tzinfo=UTC)

    def test_it_reads_back_what_was_written(self) -> None:
        """An exported schedule is no change when it is imported again."""
        read = toml(REELS)
        again = toml(write_toml(read.deliverables, ZONE))
        assert again.faults == ()
        assert difference(read.deliverables, again.deliverables) == []

    @pytest.mark.parametrize(
        ("old", "new", "where", "text"),
        [
            ("grace =", "graze =", "line 12, graze", "did you mean 'grace'"),
            ('"2026-12-01 18:00"', '"Tuesday"', "line 11, due", "expected a date"),
            ("SOUND/{reel}/**/*.mov", "SOUND/{reel/**/*.mov", "line 22, match", "without }"),
            ('"one per shot in shots"', '"some"', "line 29, count", "expected a count"),
            ('"audio.channels" = ">=2"', '"audio.chanels" = ">=2"', "line 24, spec", "chanels"),
            ('"{reel}-SOUND"', '"SOUND"', "", "is there twice"),
            ('"R1..R6"', '"R6..R1"', "line 6, over", "R6..R1"),
        ],
    )
    def test_a_fault_names_its_line(self, old: str, new: str, where: str, text: str) -> None:
        """Each fault says at which line and key it stands, and what was expected."""
        assert old in REELS
        faults = toml(REELS.replace(old, new)).faults
        assert any(fault.where == where and text in fault.text for fault in faults), faults

    def test_what_is_no_toml_is_a_fault(self) -> None:
        """A text that is no TOML is a fault with the parser's place, not an exception."""
        assert "line 2" in toml("\nid =\n").faults[0].text

    def test_days_make_a_range(self) -> None:
        """A range of dates is one deliverable a day."""
        read = toml(template("camera-originals", "2026-02-27..2026-03-02"))
        assert [one.id[:10] for one in read.deliverables] == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]


@pytest.mark.parametrize("over", [None, "R1..R3", "2026-11-02..2026-11-04", "SH010, SH020", "101..106"])
@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_template_is_a_schedule(kind: str, over: str | None) -> None:
    """Each template can be imported as it stands, over whatever names."""
    read = toml(template(kind, over))
    assert read.faults == ()
    assert all(one.items and one.kind == kind for one in read.deliverables)


class TestCsv:
    def test_it_reads_back_what_was_written(self) -> None:
        """CSV says the same as TOML: an export is no change when it is imported again."""
        read = toml(REELS)
        again = read_csv(write_csv(read.deliverables, ZONE), ZONE)
        assert again.faults == ()
        assert difference(read.deliverables, again.deliverables) == []

    def test_semicolons_and_a_title_above_the_header(self) -> None:
        """European spreadsheets part cells by semicolons; rows above the header are passed over."""
        read = read_csv("Show;;\n;;\nItem;DELIVERABLE ;Match\nAAF;R1;a/*.aaf\n;;\nMov;;a/*.mov\n", ZONE)
        assert read.faults == ()
        assert [item.name for item in read.deliverables[0].items] == ["AAF", "Mov"]

    def test_rows_that_contradict_each_other(self) -> None:
        """Two due dates for one deliverable are a fault in the second row."""
        text = "deliverable,due,item,match\nR1,2026-12-01,A,a\nR1,2026-12-02,B,b\n"
        fault = read_csv(text, ZONE).faults[0]
        assert fault.where == "row 3, column B (due)"
        assert "row 2" in fault.text

    def test_no_header(self) -> None:
        """A table without the columns of a schedule is a fault that names them."""
        assert "deliverable,name".replace(",", ", ") in read_csv("a,b\n1,2\n", ZONE).faults[0].text


def workbook(fill: Any) -> bytes:
    openpyxl = pytest.importorskip("openpyxl", reason="no workbooks: openpyxl is not installed")
    book = openpyxl.Workbook()
    fill(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


class TestWorkbook:
    def test_a_workbook_as_coordinators_keep_it(self) -> None:
        """Title rows, merged cells, date and time cells, blank rows, columns in another order and case."""

        def fill(sheet: Any) -> None:
            sheet.append(["NIGHTFALL delivery schedule"])
            sheet.merge_cells("A1:G1")
            sheet.append([])
            sheet.append(["Match", "DUE DATE", "Deliverable", "Item", "Vendor", "Qty", "Due time", "Remember"])
            sheet.append(["A/*.mov", datetime(2026, 12, 1), "R1", "Picture", "Editorial", 1, time(18, 0), "!"])
            sheet.append(["A/*.aaf", None, None, "AAF"])
            sheet.append([])
            sheet.append(["B/*.mov", datetime(2026, 12, 2, 9, 30), 7, "Picture", None, 2.0])
            sheet.append(["B/*.aaf", None, None, "AAF"])
            sheet.merge_cells("C7:C8")

        read = read_xlsx(workbook(fill), ZONE)
        assert read.faults == ()
        first, second = read.deliverables
        assert (first.id, first.sender, first.due) == ("R1", "Editorial", datetime(2026, 12, 2, 2, 0, tzinfo=UTC))
        assert [(item.name, item.match, item.count) for item in first.items] == [
            ("Picture", "A/*.mov", "1"),
            ("AAF", "A/*.aaf", ""),
        ]
        assert (second.id, second.due) == ("7", datetime(2026, 12, 2, 17, 30, tzinfo=UTC))
        assert [item.count for item in second.items] == ["2", ""]
        assert "Remember" in read.notes[0]

    def test_a_fault_names_sheet_row_and_column(self) -> None:
        """A date that could be in two months, and a formula without a value, are faults at their cells."""

        def fill(sheet: Any) -> None:
            sheet.title = "Plan"
            sheet.append(["Deliverable", "Due", "Item", "Match"])
            sheet.append(["R1", "12/01/2026", "A", "a/*"])
            sheet.append(["=1+1", None, "B", "b/*"])

        where = [fault.where for fault in read_xlsx(workbook(fill), ZONE).faults]
        assert where == ["sheet 'Plan', row 3, column A (deliverable)", "sheet 'Plan', row 2, column B (due)"]

    def test_what_is_wrong_beside_a_schedule_is_no_fault_of_it(self) -> None:
        """Errors and formulas without a value in columns and sheets that mean nothing here keep no schedule out."""

        def fill(sheet: Any) -> None:
            sheet.append(["Deliverable", "Due", "Item", "Match", "Days left"])
            sheet.append(["R1", "2026-12-01", "A", "a/*", "=B2-TODAY()"])
            sheet.append([None, None, "B", "b/*", "#N/A"])
            sheet.parent.create_sheet("Tracker").append(["#REF!", "=1/0"])

        read = read_xlsx(workbook(fill), ZONE)
        assert read.faults == ()
        assert [len(one.items) for one in read.deliverables] == [2]

    def test_headings_in_the_column_of_ids(self) -> None:
        """A title between the rows is no deliverable, and is told."""

        def fill(sheet: Any) -> None:
            sheet.title = "Plan"
            sheet.append(["ID", "Title", "Due", "Item", "Match"])
            sheet.append(["REEL 1"])
            sheet.merge_cells("A2:E2")
            sheet.append(["A-1", "Alpha", "2026-12-01", "A", "a/*"])
            sheet.append(["A-2", "Beta", "2026-12-02"])

        read = read_xlsx(workbook(fill), ZONE)
        assert [one.id for one in read.deliverables] == ["A-1", "A-2"]
        assert "sheet 'Plan', row 2: 'REEL 1' stands alone: taken for a heading" in read.notes

    def test_of_two_columns_that_mean_the_same_the_clearer_counts(self) -> None:
        """Whose name says it best is taken, in whatever order they stand; the other is told."""

        def fill(sheet: Any) -> None:
            sheet.title = "Plan"
            sheet.append(["Owner", "ID", "Vendor", "Item", "Match"])
            sheet.append(["Kim", "A-1", "Mix House", "A", "a/*"])

        read = read_xlsx(workbook(fill), ZONE)
        assert [one.sender for one in read.deliverables] == ["Mix House"]
        told = "sheet 'Plan': columns that say again what another says, left out: Owner (as Vendor)"
        assert told in read.notes

    @pytest.mark.parametrize(("cell", "faults"), [(20261201, 0), (20261201.0, 0), (20261341, 1), (46359.7, 1)])
    def test_a_day_without_signs_is_a_number_in_a_sheet(self, cell: float, faults: int) -> None:
        """A day in digits alone is understood; a number that only the sheet's own format makes a date is not."""
        read = read_xlsx(
            workbook(lambda sheet: (sheet.append(["ID", "Due", "Match"]), sheet.append(["A", cell, "*"]))), ZONE
        )
        assert len(read.faults) == faults
        assert faults or read.deliverables[0].due == datetime(2026, 12, 2, 7, 59, tzinfo=UTC)

    def test_cells_merged_over_rows_and_columns(self) -> None:
        """A value merged over two columns and two rows counts for both rows."""

        def fill(sheet: Any) -> None:
            sheet.append(["ID", "Item", "Match", "Spec", None])
            sheet.append(["A-1", "A", "a/*", "video.width=1920"])
            sheet.append([None, "B", "b/*"])
            sheet.merge_cells("D2:E3")

        (one,) = read_xlsx(workbook(fill), ZONE).deliverables
        assert [item.spec for item in one.items] == [{"video.width": 1920}] * 2

    def test_rules_on_several_lines_of_a_cell(self) -> None:
        """Rules in a cell may stand on a line each, as spreadsheets break them."""

        def fill(sheet: Any) -> None:
            sheet.append(["deliverable", "item", "match", "spec", "where", "agree"])
            lines = "video.width=1920\nvideo.codec=ProRes", "roll=A004\ntake!=1", "reel=2\nhandles=8"
            sheet.append(["A", "a", "a/*", *lines])

        (one,) = read_xlsx(workbook(fill), ZONE).deliverables
        assert one.items[0].spec == {"video.width": 1920, "video.codec": "ProRes"}
        assert one.items[0].where == {"roll": "A004", "take": "!=1"}
        assert one.agree == {"reel": 2, "handles": 8}

    def test_dates_in_faults_are_written_as_in_the_sheet(self) -> None:
        """Two dates of one deliverable, and a name that became a date, are told as people read them."""

        def fill(sheet: Any) -> None:
            sheet.append(["deliverable", "due", "name", "item", "match"])
            sheet.append(["A", datetime(2026, 12, 1, 18), "a", "a", "a/*"])
            sheet.append(["A", datetime(2026, 12, 9, 18), "a", "b", "b/*"])
            sheet.append(["B", None, datetime(2026, 3, 1, 9), "b", "b/*"])

        first, second = read_xlsx(workbook(fill), ZONE).faults
        assert first.text == "A has 2026-12-09 18:00 here and 2026-12-01 18:00 in row 2"
        assert second.text == "expected a text, got 2026-03-01 09:00"

    def test_a_header_with_its_zone_in_brackets(self) -> None:
        """What stands in brackets behind a header does not hide it; of a due date it may be the zone."""

        def fill(sheet: Any) -> None:
            sheet.append(["Deliverable (id)", "Due Date (ET)", "Item", "File pattern [glob]", "TZ"])
            sheet.append(["A", "2026-12-01 18:00", "a", "a/*", None])
            sheet.append(["B", "2026-12-01 18:00", "b", "b/*", "UTC"])
            sheet.append(["C", "2026-12-01 18:00 PT", "c", "c/*", None])

        found = read_xlsx(workbook(fill), ZONE)
        assert found.faults == ()
        assert [one.due for one in found.deliverables] == [
            datetime(2026, 12, 1, 23, 0, tzinfo=UTC),
            datetime(2026, 12, 1, 18, 0, tzinfo=UTC),
            datetime(2026, 12, 2, 2, 0, tzinfo=UTC),
        ]
        assert found.deliverables[0].items[0].match == "a/*"

    def test_what_is_no_workbook_is_a_fault(self) -> None:
        """Bytes that are no workbook are a fault, not an exception."""
        pytest.importorskip("openpyxl", reason="no workbooks: openpyxl is not installed")
        assert "no workbook" in read_xlsx(b"PK\x03\x04 not really", ZONE).faults[0].text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-01T18:00:00-08:00", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("2026-12-01 18:00", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("2026-12-01 18:00 America/New_York", datetime(2026, 12, 1, 23, 0, tzinfo=UTC)),
        ("2026-12-01 18:00 UTC", datetime(2026, 12, 1, 18, 0, tzinfo=UTC)),
        ("Dec 1, 2026 6:00 PM", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("2026-12-01", datetime(2026, 12, 2, 7, 59, tzinfo=UTC)),
        ("31/12/2026 18:00", datetime(2027, 1, 1, 2, 0, tzinfo=UTC)),
        ("2026-07-01 18:00", datetime(2026, 7, 2, 1, 0, tzinfo=UTC)),
        ("12/12/2026", datetime(2026, 12, 13, 7, 59, tzinfo=UTC)),
        ("Tue, Dec. 1st, 2026 at 6pm", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("Tuesday 1 December 2026 18:00 (ET)", datetime(2026, 12, 1, 23, 0, tzinfo=UTC)),
        ("2026-12-1 6:00 PM", datetime(2026, 12, 2, 2, 0, tzinfo=UTC)),
        ("01-Dec-26", datetime(2026, 12, 2, 7, 59, tzinfo=UTC)),
        ("2026-12-01 EOD", datetime(2026, 12, 2, 7, 59, tzinfo=UTC)),
        ("Sept 5, 2026 noon", datetime(2026, 9, 5, 19, 0, tzinfo=UTC)),
    ],
)
def test_instants_as_people_write_them(text: str, expected: datetime) -> None:
    """A date and time means one instant; a day alone lasts to its end."""
    assert read_instant(text, ZONE) == expected


def test_no_cell_of_an_export_is_a_formula() -> None:
    """Texts that a spreadsheet would calculate have a mark in front, and read back as they were."""
    texts = ['=HYPERLINK("http://x","y")', "+1 reel", "-x", "@a", "'=b", "''-c", "'plain", "\N{FULLWIDTH EQUALS SIGN}1"]
    before = tuple(Deliverable(id=f"D{n}", name=text, note=text) for n, text in enumerate(texts))
    text = write_csv(before, ZONE)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\N{FULLWIDTH EQUALS SIGN}") and cell]
    assert read_csv(text, ZONE).deliverables == before


@pytest.mark.parametrize("text", ["12/01/2026", "soon", "2026-13-01", ""])
def test_instants_that_could_mean_anything(text: str) -> None:
    """What is no date, or could be two, is refused with what was expected."""
    with pytest.raises(ValueError, match="expected a date"):
        read_instant(text, ZONE)


def test_a_date_is_not_taken_beside_another_day_of_the_week() -> None:
    """Where the day of the week and the date contradict each other, one of them is a slip of the pen."""
    with pytest.raises(ValueError, match="2026-12-01 is a Tuesday"):
        read_instant("Wed, Dec 1, 2026", ZONE)


def test_the_difference_of_two_schedules() -> None:
    """Added, changed and removed are told by id; of a change each field, and items by name."""
    before = [Deliverable("A", "a", items=(Item("x", "x/*"),)), Deliverable("B", "b")]
    after = [Deliverable("A", "a", sender="Ed", items=(Item("x", "y/*"), Item("z", "z"))), Deliverable("C", "c")]
    found = {one.id: one for one in difference(before, after)}
    assert {one.id: one.kind for one in found.values()} == {"A": "changed", "C": "added", "B": "removed"}
    assert found["A"].differences == (
        ("from", "", "Ed"),
        ("item x: match", "x/*", "y/*"),
        ("item z", "", "added"),
    )


def test_columns_are_named_as_spreadsheets_do() -> None:
    """Columns after Z have two letters."""
    assert [letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
