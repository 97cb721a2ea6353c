"""In which formats can a report be written? The table, and what others add to it.

A further format is an entry point of the group `assetwatch.reports`: its name is the format's, and it loads a `Format`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

from assetwatch.config import REPORT_ENTRY_POINTS
from assetwatch.errors import UsageError
from assetwatch.report.pictures import Pictures
from assetwatch.report.value import Report


class Writer(Protocol):
    """What makes a document of a report."""

    def __call__(self, report: Report) -> str | bytes:
        """The whole document; text is written as UTF-8. Raises UsageError where a library for it is not installed."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """One format: the ending of its files (without the dot), its media type, and where its writer is found.

    `writer` is `module:function`, imported when it is needed, or the function itself. One that is `pictured` takes
    `pictures` (JPEGs by place) and `note` (why there are none) besides.
    """

    suffix: str
    media_type: str
    writer: str | Writer
    pictured: bool = False

    def render(self, report: Report, pictures: Pictures | None = None) -> bytes:
        """The report as a document. Raises UsageError where a library for it is not installed."""
        writer: Any = self.writer
        if isinstance(writer, str):
            module, _, name = writer.partition(":")
            writer = getattr(importlib.import_module(module), name)
        more: dict[str, Any] = {}
        if self.pictured and pictures is not None:
            more = {"pictures": pictures.of, "note": pictures.note}
        made = writer(report, **more)
        # What was no UTF-8 on disk is shown with another sign long before; nothing may end a report here.
        return made if isinstance(made, bytes) else made.encode("utf-8", "replace")


#: The formats that are ours.
FORMATS: Final[Mapping[str, Format]] = {
    "html": Format("html", "text/html; charset=utf-8", "assetwatch.report.html:render", pictured=True),
    "text": Format("txt", "text/plain; charset=utf-8", "assetwatch.report.text:render"),
    "json": Format("json", "application/json", "assetwatch.report.as_json:render"),
    "csv": Format("csv", "text/csv; charset=utf-8", "assetwatch.report.as_csv:render"),
    "pdf": Format("pdf", "application/pdf", "assetwatch.report.pdf:render", pictured=True),
}


def find(name: str) -> Format:
    """The format of this name. Raises UsageError, which names those that there are."""
    if name in FORMATS:
        return FORMATS[name]
    others = {point.name: point for point in entry_points(group=REPORT_ENTRY_POINTS)}
    if name not in others:
        raise UsageError(f"there is no format {name!r}: expected one of {', '.join([*FORMATS, *sorted(others)])}.")
    loaded = others[name].load()
    if not isinstance(loaded, Format):
        raise UsageError(f"the format {name!r} of {others[name].value} is no assetwatch.report.formats.Format.")
    return loaded


def by_suffix(suffix: str) -> str | None:
    """The format whose files end so (without the dot); None where there is none."""
    suffix = suffix.lower()
    if suffix == "htm":
        return "html"
    every = {**FORMATS, **{p.name: None for p in entry_points(group=REPORT_ENTRY_POINTS) if p.name not in FORMATS}}
    for name in every:
        if find(name).suffix == suffix:
            return name
    return None
