"""How is a schedule read from a real workbook, out of Excel, LibreOffice or Google Sheets?"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from assetwatch.delivery.requirement import Load
from assetwatch.delivery.schedule import Fault, Schedule
from assetwatch.delivery.schedule_csv import Sheet, Unread, read_sheets, unmarked

#: Bytes that a workbook may come to when unpacked, and rows of one sheet: far above any schedule.
_UNPACKED_MAX: Final = 300_000_000
_ROWS_MAX: Final = 100_000
_COLUMNS_MAX: Final = 200


def read_xlsx(content: bytes, zone: tzinfo, load: Load | None = None) -> Schedule:
    """The schedule in a workbook's visible sheets. Never raises for what is in it.

    Merged cells stand for each of their cells. Of a formula the value that was saved with it counts.
    """
    import openpyxl  # type: ignore[import-untyped]  # slow to import, and few schedules are workbooks
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _UNPACKED_MAX:
                return Schedule((), (Fault("", "the workbook is too large to be a schedule"),))
        values = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(content), data_only=False)
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        KeyError,
        ValueError,
        OSError,
        TypeError,
        AttributeError,
    ) as error:
        return Schedule((), (Fault("", f"no workbook that can be read: {error}"),))
    sheets: list[Sheet] = []
    for sheet in values.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheets.append(Sheet(sheet.title, _rows(sheet, formulas[sheet.title])))
    return read_sheets(sheets, zone, load)


def _rows(sheet: Any, formulas: Any) -> list[list[Any]]:
    """A sheet's values by row; what cannot be taken at its word is `Unread`."""
    height, width = min(sheet.max_row or 0, _ROWS_MAX), min(sheet.max_column or 0, _COLUMNS_MAX)
    rows: list[list[Any]] = [
        [_value(cell) for cell in row] for row in sheet.iter_rows(min_row=1, max_row=height, max_col=width)
    ]
    for row in formulas.iter_rows(min_row=1, max_row=height, max_col=width):
        for cell in row:
            here = rows[cell.row - 1][cell.column - 1]
            if cell.data_type == "f" and here is None:
                why = "a formula whose value was not saved: open and save the workbook once"
                rows[cell.row - 1][cell.column - 1] = Unread(why)
            elif cell.data_type == "e" or (isinstance(here, str) and here in _ERRORS):
                rows[cell.row - 1][cell.column - 1] = Unread(f"the cell holds the error {here}")
    for area in sheet.merged_cells.ranges:
        if area.max_col > width:
            continue
        # What is merged over several columns as well stands in the first of them: a title is said once a row.
        value = rows[area.min_row - 1][area.min_col - 1]
        for number in range(area.min_row, min(area.max_row, height) + 1):
            rows[number - 1][area.min_col - 1] = value
    return rows


_ERRORS: Final = frozenset({"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})


def _value(cell: Any) -> Any:
    """A cell's value; an empty or blank text is none, and a date that carries no time of day is a day."""
    value = cell.value
    if isinstance(value, str):
        return unmarked(value.strip()) or None
    if isinstance(value, datetime):
        # Spreadsheets count days in parts: what was meant is the second.
        value = (
            value.replace(microsecond=0)
            if value.microsecond < 500_000
            else value.replace(microsecond=0) + timedelta(seconds=1)
        )
        shows_time = any(sign in str(cell.number_format).lower() for sign in ("h", "s"))
        return value if shows_time or value.time() != value.min.time() else value.date()
    return value
