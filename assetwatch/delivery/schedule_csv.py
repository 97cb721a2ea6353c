"""How is a schedule read from the rows of a spreadsheet, and written as CSV?

One row an item; what a row leaves empty of its deliverable is what the row above said. Rows above the header, blank
rows, and columns that mean nothing here are passed over; headers may stand in any order and case.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Any, Final

from assetwatch.delivery.requirement import POLICY, Load, cell_of_policy
from assetwatch.delivery.schedule import Deliverable, Fault, Item, Schedule, without_items
from assetwatch.delivery.schedule_fields import Raw, Reader, as_written, zone_named
from assetwatch.delivery.schedule_toml import seconds_text
from assetwatch.delivery.spec import Spec

#: The columns of the contract, and those that a schedule may have besides.
COLUMNS: Final = (
    *("deliverable", "name", "kind", "from", "to", "due", "grace", "proof", "item", "match", "count", "spec"),
    "timeline",
)
MORE: Final = (
    "required",
    "folder",
    "volume",
    "due_soon",
    "asset",
    "media",
    "note",
    "agree",
    "footage",
    "shot_pattern",
    "regex",
    "pulls",
    "where",
    "due_time",
    "zone",
)

#: What people write over a column, without spaces and signs -> what it is here.
_HEADERS: Final = {
    **{name.replace("_", ""): name for name in (*COLUMNS, *MORE)},
    **dict.fromkeys(("id", "deliverableid", "deliverableno", "ref", "reference", "key"), "id"),
    **dict.fromkeys(("title", "deliverablename", "description"), "name"),
    **dict.fromkeys(("type", "deliverabletype", "category"), "kind"),
    **dict.fromkeys(("sender", "vendor", "source", "owner", "supplier", "owedby"), "from"),
    **dict.fromkeys(("receiver", "recipient", "destination", "deliverto", "client"), "to"),
    **dict.fromkeys(("duedate", "deadline", "dueby", "datedue", "deliverydate", "dueat", "dueon"), "due"),
    **dict.fromkeys(("needby", "neededby", "requiredby", "duedatetime", "duedateandtime", "duedatetimetz"), "due"),
    **dict.fromkeys(("time", "duetime"), "due_time"),
    **dict.fromkeys(("tz", "timezone"), "zone"),
    **dict.fromkeys(("graceperiod",), "grace"),
    **dict.fromkeys(("element", "itemname"), "item"),
    **dict.fromkeys(
        ("pattern", "filepattern", "filenamepattern", "naming", "files", "filename", "matchrule", "glob", "path"),
        "match",
    ),
    **dict.fromkeys(("qty", "quantity", "howmany", "number"), "count"),
    **dict.fromkeys(("specs", "specification", "mediaspec"), "spec"),
    **dict.fromkeys(("edl", "cut", "cutlist"), "timeline"),
    **dict.fromkeys(("pull", "pulllist"), "pulls"),
    **dict.fromkeys(("notes", "comment", "comments", "remarks"), "note"),
    **dict.fromkeys(("optional",), "optional"),
}

#: Of several columns that mean the same the one counts whose name says it best: these stand in that order.
_RANK: Final = {name: place for place, name in enumerate(_HEADERS)}

#: Of what a row says these are the deliverable's, under the keys that a schedule has for them.
_OF_DELIVERABLE: Final = (
    "name",
    "kind",
    "from",
    "to",
    "due",
    "zone",
    "grace",
    "due_soon",
    "proof",
    "folder",
    "volume",
    "agree",
    "footage",
    "shot_pattern",
)
_OF_ITEM: Final = ("match", "regex", "timeline", "pulls", "where", "count", "spec", "asset", "media", "required")

_BRACKETS: Final = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]\s*$")

#: What a spreadsheet would take for a formula, also in the wide forms of East Asia, with or without marks against that.
_FORMULA: Final = re.compile(
    "'*[=+@\\-\t\r"
    "\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}]"
)

#: Rows looked through for the header.
_HEADER_WITHIN: Final = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of cells: its name (empty for CSV), and rows of values, None for an empty cell."""

    name: str
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Unread:
    """What stands in a cell whose value cannot be taken: a fault only where a schedule has something to say."""

    why: str


@dataclass(slots=True)
class _Block:
    """A deliverable while its rows are gathered."""

    place: tuple[Sheet, int]
    values: dict[str, Any] = field(default_factory=dict)
    at: dict[str, int] = field(default_factory=dict)
    items: list[Raw] = field(default_factory=list)


def read_csv(text: str, zone: tzinfo, load: Load | None = None) -> Schedule:
    """The schedule in a CSV text, its cells parted by commas, semicolons or tabs. Never raises for what is in it."""
    sample = text[:20_000]
    header = max(sample.splitlines() or [""], key=lambda line: sum(line.count(sign) for sign in ",;\t"))
    delimiter = max(",;\t", key=header.count)
    try:
        rows = list(csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter))
    except csv.Error as error:
        return Schedule((), (Fault("", f"no CSV: {error}"),))
    return read_sheets(
        [Sheet("", [[unmarked(cell) if cell.strip() else None for cell in row] for row in rows])], zone, load
    )


def unmarked(cell: str) -> str:
    """A cell without the mark that kept a spreadsheet from taking it for a formula."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _marked(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def read_sheets(sheets: Sequence[Sheet], zone: tzinfo, load: Load | None = None) -> Schedule:
    """The schedule in the tables that have a header; the others are named in the notes."""
    reader = Reader(zone, load=load)
    notes: list[str] = []
    blocks: dict[str, _Block] = {}
    headers = 0
    for sheet in sheets:
        found = _header(sheet)
        if found is None:
            if sheet.name and any(any(cell is not None for cell in row) for row in sheet.rows):
                notes.append(
                    f"sheet {sheet.name!r} has no header with a deliverable and an item or a due date: left out"
                )
            continue
        headers += 1
        start, columns = found
        notes += _passed_over(sheet, start, columns)
        _gather(sheet, start, columns, blocks, reader)
    for name, block in list(blocks.items()):
        if block.values.keys() == {"id"} and not block.items:
            del blocks[name]
            notes.append(f"{_where(*block.place, {}, '')}: {name!r} stands alone: taken for a heading")
    if not headers:
        expected = f"expected a row with the headers {', '.join(COLUMNS)}"
        return Schedule((), (*reader.faults, Fault("", f"no header was found: {expected}")), tuple(notes))
    made = [reader.deliverable(_raw(block), block.items) for block in blocks.values()]
    if not blocks and not reader.faults:
        reader.faults.append(Fault("", "there is no deliverable below the header"))
    scheduled = tuple(one for one in made if one is not None)
    return Schedule(scheduled, tuple(dict.fromkeys(reader.faults)), (*notes, *without_items(scheduled)))


def _passed_over(sheet: Sheet, start: int, columns: dict[int, str]) -> list[str]:
    """What is to be said of the columns that do not count."""
    nothing: list[str] = []
    again: list[str] = []
    for place, cell in enumerate(sheet.rows[start]):
        if place in columns or not isinstance(cell, str | int | float) or not str(cell).strip():
            continue
        same = next((other for other, meaning in columns.items() if meaning == _meaning(cell)), None)
        name = str(cell).strip()
        if same is None:
            nothing.append(name)
        else:
            again.append(f"{name} (as {str(sheet.rows[start][same]).strip()})")
    where = f"sheet {sheet.name!r}: " if sheet.name else ""
    return [
        f"{where}columns that {what}: {', '.join(names)}"
        for what, names in (("mean nothing here", nothing), ("say again what another says, left out", again))
        if names
    ]


def _plain(cell: Any) -> str:
    return re.sub(r"[^a-z]", "", str(cell).lower())


def _meaning(cell: Any) -> str | None:
    """What a header stands for, with or without what stands in brackets behind it, such as `Due date (PT)`."""
    if not isinstance(cell, str):
        return None
    return _HEADERS.get(_plain(cell)) or _HEADERS.get(_plain(_BRACKETS.sub("", cell)))


def _rank(cell: Any) -> int:
    """How well a header says what it means; the less the better."""
    return _RANK.get(_plain(cell), _RANK.get(_plain(_BRACKETS.sub("", str(cell))), len(_RANK)))


def _zone_above(row: Sequence[Any], columns: dict[int, str]) -> str | None:
    """The zone that the header of the due date, or of its time, names in brackets."""
    for place, meaning in columns.items():
        if meaning in ("due", "due_time") and (behind := _BRACKETS.search(str(row[place]))) is not None:
            name = behind[1].strip()
            if zone_named(name) is not None:
                return name
    return None


def _header(sheet: Sheet) -> tuple[int, dict[int, str]] | None:
    """The header's row and what its columns are; None where there is none."""
    for number, row in enumerate(sheet.rows[:_HEADER_WITHIN]):
        best: dict[str, tuple[int, int]] = {}
        for place, cell in enumerate(row):
            meaning = _meaning(cell)
            if meaning is not None:
                best[meaning] = min(best.get(meaning, (len(_RANK), place)), (_rank(cell), place))
        columns = {place: meaning for meaning, (_, place) in best.items()}
        meanings = set(columns.values())
        if "id" in meanings and "deliverable" in meanings and "name" not in meanings:
            columns = {place: "name" if one == "deliverable" else one for place, one in columns.items()}
        columns = {
            place: "deliverable" if one == "id" and "deliverable" not in columns.values() else one
            for place, one in columns.items()
        }
        meanings = set(columns.values())
        if "deliverable" in meanings and meanings & {"item", "match", "due", "timeline"}:
            return number, {place: one for place, one in columns.items() if one != "id"}
    return None


def _gather(sheet: Sheet, start: int, columns: dict[int, str], blocks: dict[str, _Block], reader: Reader) -> None:
    """Take the rows below a header into the deliverables that they are about."""
    present: str | None = None
    zone = _zone_above(sheet.rows[start], columns)
    for number in range(start + 1, len(sheet.rows)):
        row = sheet.rows[number]
        values = {
            meaning: row[place] for place, meaning in columns.items() if place < len(row) and row[place] is not None
        }
        if not values:
            continue
        at = {meaning: place for place, meaning in columns.items()}
        for meaning, cell in list(values.items()):
            if isinstance(cell, Unread):
                reader.faults.append(Fault(_where(sheet, number, at, meaning), cell.why))
                del values[meaning]
        if "deliverable" in values:
            cell = values["deliverable"]
            present = str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()
        elif not values.keys() & {"item", "match", "timeline", "pulls", "regex", "due"}:
            continue  # a heading or a remark between the rows
        if present is None:
            reader.faults.append(Fault(_where(sheet, number, at, "deliverable"), "expected the deliverable's id"))
            continue
        block = blocks.setdefault(present, _Block((sheet, number), {"id": present}))
        values = _with_time(values)
        if zone is not None and "due" in values:
            values.setdefault("zone", zone)
        for key in _OF_DELIVERABLE:
            if key in values:
                known = block.values.setdefault(key, values[key])
                block.at.setdefault(key, number)
                if known != values[key]:
                    here, before = as_written(values[key]), as_written(known)
                    text = f"{present} has {here} here and {before} in row {block.at[key] + 1}"
                    reader.faults.append(Fault(_where(sheet, number, at, key), text))
        if "note" in values:
            block.values.setdefault("note", values["note"])
        item: dict[str, Any] = {key: values[key] for key in _OF_ITEM if key in values}
        if "item" in values:
            item["name"] = values["item"]
        if "optional" in values and "required" not in item:
            item["required"] = _negated(values["optional"])
        if item.keys() & {"name", "match", "regex", "timeline", "pulls"}:
            block.items.append(Raw(item, _teller(sheet, number, at)))
        elif item:
            reader.faults.append(Fault(_where(sheet, number, at, next(iter(item))), "expected an item in this row"))


def _teller(sheet: Sheet, number: int, at: dict[str, int]) -> Any:
    """What says where a key of one row stands."""
    return lambda key: _where(sheet, number, at, "item" if key == "name" and "item" in at else key)


def _raw(block: _Block) -> Raw:
    sheet, first = block.place
    found = _header(sheet)
    at = {meaning: place for place, meaning in found[1].items()} if found else {}
    return Raw(
        block.values,
        lambda key: _where(sheet, block.at.get(key, first), at, "deliverable" if key == "id" else key),
    )


def _with_time(values: dict[str, Any]) -> dict[str, Any]:
    """The row with a time of day from a column of its own put to the date."""
    clock = values.pop("due_time", None)
    due = values.get("due")
    if clock is None or due is None:
        return values
    if isinstance(due, datetime):
        due = due.date() if due.time() == time(0) else due
    if isinstance(clock, datetime):
        clock = clock.time()
    if isinstance(clock, float) and 0 <= clock < 1:  # a part of a day, as spreadsheets count
        minutes = round(clock * 1440)
        clock = time(minutes // 60 % 24, minutes % 60)
    if isinstance(due, date) and not isinstance(due, datetime) and isinstance(clock, time):
        return {**values, "due": datetime.combine(due, clock)}
    if isinstance(due, date):
        return {**values, "due": f"{due.isoformat()[:10]} {clock}"}
    return {**values, "due": f"{due} {clock}"}


def _negated(cell: Any) -> Any:
    if isinstance(cell, bool):
        return not cell
    word = str(cell).strip().lower()
    return "no" if word in ("yes", "y", "x", "true", "1", "optional", "o") else "yes"


def _where(sheet: Sheet, number: int, at: dict[str, int], key: str) -> str:
    """`sheet 'Plan', row 14, column F (due)`, counted as people see it."""
    parts = [f"sheet {sheet.name!r}"] if sheet.name else []
    parts.append(f"row {number + 1}")
    parts.append(f"column {letters(at[key])} ({key})" if key in at else key)
    return ", ".join(filter(None, parts))


def letters(place: int) -> str:
    """A column's name in a spreadsheet, counted from 0: A ... Z, AA ..."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


# -- writing ----------------------------------------------------------------------------------------------------


def write_csv(deliverables: Iterable[Deliverable], zone: tzinfo) -> str:
    """The schedule as CSV that reads back to the same, one row an item; times in the show's zone.

    A cell that a spreadsheet would take for a formula has a `'` in front, which reading takes away again.
    """
    scheduled = list(deliverables)
    plain = Deliverable(id="", name="")
    rows: list[dict[str, str]] = []
    for one in scheduled:
        due = "" if one.due is None else one.due.astimezone(zone).replace(microsecond=0).isoformat()
        head = {
            "deliverable": one.id,
            "name": one.name,
            "kind": one.kind,
            "from": one.sender,
            "to": one.receiver,
            "due": due,
            "grace": seconds_text(one.grace_s) if one.grace_s else "",
            "proof": one.proof,
            "folder": one.folder,
            "volume": one.volume,
            "due_soon": seconds_text(one.due_soon_s) if one.due_soon_s != plain.due_soon_s else "",
            "note": one.note,
            "footage": "" if one.footage is None else "yes" if one.footage else "no",
            "shot_pattern": one.shot_pattern,
            "agree": "; ".join(
                f"{key}={str(said).lower() if isinstance(said, bool) else said}" for key, said in one.agree.items()
            ),
        }
        for item in one.items or (None,):
            rows.append({**head, **({} if item is None else _item_cells(item))})
    more = [name for name in MORE if any(row.get(name) for row in rows)]
    columns = [*COLUMNS, *more]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _marked(cell) for name, cell in row.items()} for row in rows)
    return out.getvalue()


def _item_cells(item: Item) -> dict[str, str]:
    return {
        "item": item.name,
        "match": item.match,
        "count": item.count,
        "spec": rules_text(item.spec),
        "timeline": item.timeline,
        "pulls": item.pulls,
        "where": "; ".join(_condition(name, wanted) for name, wanted in item.where.items()),
        "asset": item.asset,
        "media": rules_text(item.media),
        "required": "" if item.required else "no",
    }


def _condition(name: str, wanted: str) -> str:
    return f"{name}{wanted}" if wanted.startswith("!=") else f"{name}={wanted}"


def rules_text(rules: dict[str, Any]) -> str:
    """Rules as a cell has them."""
    used = rules.get("use", ())
    parts = [f"use={name}" for name in ([used] if isinstance(used, str) else used)]
    parts += [cell_of_policy(policy) for policy in rules.get(POLICY, ())]
    rest = {key: wanted for key, wanted in rules.items() if key not in ("use", POLICY)}
    return "; ".join([*parts, Spec.compile(rest).text] if rest else parts)
