"""How is a schedule read from TOML as people write it by hand, and written back?"""

from __future__ import annotations

import itertools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from assetwatch.delivery import schedule as s
from assetwatch.delivery.counts import CountFault, expand
from assetwatch.delivery.requirement import Load
from assetwatch.delivery.schedule import Deliverable, Fault, Item, Schedule
from assetwatch.delivery.schedule_fields import Raw, Reader

#: One block cannot stand for more deliverables than this: a typing error in a range must not fill the catalog.
_BLOCK_MAX: Final = 20_000

_HEADER: Final = re.compile(r"\s*\[\[\s*deliverable\s*(\.\s*item\s*)?\]\]")
_DAYS: Final = re.compile(r"(\d{4}-\d\d-\d\d)\s*\.\.\s*(\d{4}-\d\d-\d\d)")


def read_toml(text: str, zone: tzinfo, load: Load | None = None) -> Schedule:
    """The schedule in a TOML text; times without a zone are the show's, `load` reads the files that it names.

    Never raises for what is in the text.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        return Schedule((), (Fault("", f"no TOML: {error}"),))
    lines = _Lines(text)
    faults = [
        Fault(lines.of(key), f"unknown key {key!r}; expected [[deliverable]], [list] and shot_pattern")
        for key in document
        if key not in ("deliverable", "list", "shot_pattern")
    ]
    lists, wrong = _lists(document.get("list", {}), lines)
    faults += wrong
    blocks = document.get("deliverable", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return Schedule((), (*faults, Fault(lines.of("deliverable"), "expected [[deliverable]] blocks")))
    shots = document.get("shot_pattern", "")
    reader = Reader(zone, lists, load, shots if isinstance(shots, str) else "", faults)
    found: list[Deliverable] = []
    for number, block in enumerate(blocks):
        for one in _expanded(block, number, lines, lists, faults):
            items = one.pop("item", [])
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                faults.append(Fault(lines.at(number, None, "item"), "expected [[deliverable.item]] blocks"))
                items = []
            made = reader.deliverable(
                Raw(one, lambda key, n=number: lines.at(n, None, key)),  # type: ignore[misc]
                [
                    Raw(item, lambda key, n=number, i=place: lines.at(n, i, key))  # type: ignore[misc]
                    for place, item in enumerate(items)
                ],
            )
            if made is not None:
                found.append(made)
    if not blocks and not faults:
        faults.append(Fault("", "there is no [[deliverable]] in it"))
    faults += [
        Fault("", f"deliverable {identity!r} is there twice: ids must be unique")
        for identity in s.twice([one.id for one in found])
    ]
    unique = dict.fromkeys(faults)
    return Schedule(tuple(found), tuple(unique), tuple(s.without_items(found)))


class _Lines:
    """Where keys stand: the parser does not tell, so the lines are looked through for headers and keys."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._blocks: list[int] = []
        self._items: list[list[int]] = []
        for number, line in enumerate(self._lines):
            match = _HEADER.match(line)
            if match is None:
                continue
            if match[1] is None:
                self._blocks.append(number)
                self._items.append([])
            elif self._items:
                self._items[-1].append(number)

    def of(self, key: str) -> str:
        """Where a key or table of the whole document stands."""
        for number, line in enumerate(self._lines):
            if re.match(rf"\s*\[*\s*[\"']?{re.escape(key)}\b", line):
                return f"line {number + 1}, {key}"
        return key

    def at(self, block: int, item: int | None, key: str) -> str:
        """Where a key of a deliverable, or of one of its items, stands; of one that is missing its header."""
        try:
            start = self._blocks[block] if item is None else self._items[block][item]
        except IndexError:  # written in some other way, as an inline table
            return (
                f"deliverable {block + 1}, {key}"
                if item is None
                else f"deliverable {block + 1}, item {item + 1}, {key}"
            )
        for number in range(start + 1, len(self._lines)):
            line = self._lines[number]
            if re.match(r"\s*\[", line) and not re.match(rf"\s*\[[^\[].*\b{re.escape(key)}\b", line):
                break
            if re.match(rf"\s*\[?[^=\[]*?[\"']?\b{re.escape(key)}\b[\"']?\s*[.=\]]", line):
                return f"line {number + 1}, {key}"
        return f"line {start + 1}, {key}"


def _lists(given: Any, lines: _Lines) -> tuple[dict[str, tuple[str, ...]], list[Fault]]:
    """The lists of names that a schedule gives once, to expand over and to count by."""
    if not isinstance(given, Mapping):
        return {}, [Fault(lines.of("list"), "expected a table of lists")]
    found: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        try:
            found[name] = _names(value)
        except ValueError as error:
            faults.append(Fault(lines.of(name), str(error)))
    return found, faults


def _names(value: Any) -> tuple[str, ...]:
    """The names that a list or a range such as `R1..R6` or `2026-11-02..2026-11-06` means. Raises ValueError."""
    parts = value if isinstance(value, list) else [value]
    names: list[str] = []
    for part in parts:
        if isinstance(part, int) and not isinstance(part, bool):
            names.append(str(part))
        elif isinstance(part, date) and not isinstance(part, datetime):
            names.append(part.isoformat())
        elif not isinstance(part, str):
            raise ValueError(f'expected names, such as "R1..R6" or ["R1", "R2"], got {part!r}')
        elif (days := _DAYS.fullmatch(part.strip())) is not None:
            first, last = date.fromisoformat(days[1]), date.fromisoformat(days[2])
            count = (last - first).days + 1
            if not 0 < count <= _BLOCK_MAX:
                raise ValueError(f"{part!r} is no range of days")
            names += [(first + timedelta(days=day)).isoformat() for day in range(count)]
        else:
            try:
                names += expand(part)
            except CountFault as error:
                raise ValueError(str(error)) from None
    return tuple(names)


def _expanded(
    block: Mapping[str, Any], number: int, lines: _Lines, lists: Mapping[str, Sequence[str]], faults: list[Fault]
) -> Iterable[dict[str, Any]]:
    """The deliverables that one block stands for: with `over` one for every name, or every combination of names.

    `{reel}` is then the name, and `{n}` the place in the list, counted from 1, `{n:02}` with two digits.
    """
    plain = {key: value for key, value in block.items() if key != "over"}
    if "over" not in block:
        return [plain]
    over = block["over"]
    if not isinstance(over, Mapping) or not over:
        faults.append(Fault(lines.at(number, None, "over"), 'expected a table such as { reel = "R1..R6" }'))
        return []
    axes: list[tuple[str, ...]] = []
    for name, value in over.items():
        try:
            axes.append(tuple(lists[value]) if isinstance(value, str) and value in lists else _names(value))
        except ValueError as error:
            faults.append(Fault(lines.at(number, None, "over"), f"{name}: {error}"))
            return []
    total = 1
    for axis in axes:
        total *= len(axis)
    due = plain.get("due")
    if total > _BLOCK_MAX:
        faults.append(Fault(lines.at(number, None, "over"), f"stands for {total} deliverables, at most {_BLOCK_MAX}"))
        return []
    if isinstance(due, list) and len(due) != total:
        faults.append(Fault(lines.at(number, None, "due"), f"expected {total} dates, one for each, got {len(due)}"))
        return []
    made = []
    for place, names in enumerate(itertools.product(*axes)):
        texts = dict(zip(over, names, strict=True))
        one = {key: _filled(value, texts, place + 1) for key, value in plain.items()}
        if isinstance(due, list):
            one["due"] = due[place]
        made.append(one)
    return made


def _filled(value: Any, texts: Mapping[str, str], place: int) -> Any:
    """A value with the names put in; other braces are named parts of patterns, and stay."""
    if isinstance(value, dict):
        return {key: _filled(one, texts, place) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, texts, place) for one in value]
    if not isinstance(value, str):
        return value
    for name, text in texts.items():
        value = value.replace("{" + name + "}", text)
    return re.sub(r"\{n(?::0?(\d))?\}", lambda match: f"{place:0{match[1] or 1}d}", value)


# -- writing ----------------------------------------------------------------------------------------------------


def write_toml(deliverables: Iterable[Deliverable], zone: tzinfo) -> str:
    """The schedule as TOML that reads back to the same; times in the show's zone."""
    plain = Deliverable(id="", name="")
    bare = Item(name="")
    out: list[str] = []
    for one in deliverables:
        out.append("[[deliverable]]")
        out.append(f"id = {_value(one.id)}")
        for written, value, default in (
            ("name", one.name, one.id),
            ("kind", one.kind, ""),
            ("from", one.sender, ""),
            ("to", one.receiver, ""),
            ("due", one.due and one.due.astimezone(zone), None),
            ("grace", seconds_text(one.grace_s), "0s"),
            ("due_soon", seconds_text(one.due_soon_s), seconds_text(plain.due_soon_s)),
            ("proof", one.proof, ""),
            ("folder", one.folder, ""),
            ("volume", one.volume, ""),
            ("note", one.note, ""),
            ("agree", one.agree, {}),
            ("footage", one.footage, None),
            ("shot_pattern", one.shot_pattern, ""),
        ):
            if value != default:
                out.append(f"{written} = {_value(value)}")
        for item in one.items:
            out += ["", "  [[deliverable.item]]", f"  name = {_value(item.name)}"]
            for name in ("match", "timeline", "pulls", "where", "count", "spec", "asset", "media", "required"):
                value = getattr(item, name)
                if value != getattr(bare, name):
                    out.append(f"  {name} = {_value(value)}")
        out.append("")
    return "\n".join(out)


def seconds_text(seconds: int) -> str:
    """A duration as a schedule has it: `2h`, `1d12h`."""
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length:
            parts.append(f"{seconds // length}{unit}")
            seconds %= length
    return "".join(parts) or "0s"


def _value(value: Any) -> str:
    """A TOML value. JSON's strings are TOML's basic strings but for DEL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, date | time | int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
