"""What did the last sweep do, and what did it leave?"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from assetwatch.catalog import queries
from assetwatch.paths import from_percent
from assetwatch.report.basics import Place, Some
from assetwatch.report.engineers import Problem, Sweep
from assetwatch.report.words import NOT_CHECKED
from assetwatch.units import instant

#: Problems and warnings that are told one by one.
_PROBLEMS: Final = 100
_WARNINGS: Final = 20


def last_sweep(connection: Connection, since_us: int) -> Sweep | None:
    """The newest sweep that ended, as its run is noted; None where there was none. `since_us`: what counts as recent.

    What a person knows of is not among its problems.
    """
    last = queries.last_run(connection, "verify")
    if last is None:
        return None
    said = last["counts"]
    seconds = float(said.get("seconds", 0))
    size = int(said.get("bytes", 0))
    reasons = sorted(said.get("not_checked_reasons", {}).items(), key=lambda one: -one[1])
    problems = [
        Problem(
            Place(one["volume"], from_percent(one["path_bytes"]) if "path_bytes" in one else one["path"]),
            one["verdict"],
            one["problem"],
        )
        for one in said.get("problems", [])
        if not one.get("acknowledged")
    ]
    return Sweep(
        run=last["run"],
        started=instant(last["started_us"]),
        finished=instant(last["finished_us"]),
        recent=last["finished_us"] > since_us,
        complete=last["complete"],
        ended_by=said.get("ended_by", "done" if last["complete"] else "stopped"),
        **{
            word: int(said.get(word, 0))
            for word in ("checked", "verified", "mismatch", "missing", "unreadable", "misread", "not_checked")
        },
        reasons=tuple((word, NOT_CHECKED.get(word, word), int(count)) for word, count in reasons),
        size=size,
        size_total=int(said.get("bytes_total", 0)),
        seconds=seconds,
        pace=round(size / seconds) if seconds else 0,
        pace_a_day=int(said.get("pace_bytes_per_day") or 0),
        oldest_check=_parsed(said.get("oldest_check")),
        all_by=_parsed(said.get("everything_checked_by")),
        warnings=tuple(said.get("warnings", ()))[:_WARNINGS],
        problems=Some(tuple(problems[:_PROBLEMS]), len(problems) + int(said.get("problems_left_off", 0))),
    )


def _parsed(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
