"""What follows for files from how they compare with what their senders said? Enters a judged package."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import files, packages
from assetwatch.catalog.packages import ClaimRow
from assetwatch.catalog.rows import FileRow
from assetwatch.ingest.compare import Compared, claims_of, extra_json, findings_json
from assetwatch.ingest.record import WRITTEN_TO
from assetwatch.model import CAME_AS, Integrity, Presence
from assetwatch.paths import shown

#: Verdicts under which an entry is closed: there is nothing more to come.
_CLOSED = ("verified", "transformed", "uncheckable")


def enter(connection: Connection, outcome: Compared, now_us: int) -> bool:
    """Enter what judging a package gave; whether it is complete now and was not before.

    Files become `verified` or `mismatch` by what all lists say of their present content; those that lists need other
    digests of, or a second reading, are due to be read.
    """
    package = outcome.package
    if outcome.gone:
        packages.remove(connection, package.id)
        return False
    before = packages.claims(connection, package.id)
    if outcome.no_lists and not before:
        # What looked like a list from its name was none, or went before it was ever read.
        packages.remove(connection, package.id)
        return False
    if outcome.problem is not None:
        packages.set_values(connection, package.id, {"problem": outcome.problem, "judged_us": now_us})
        return False
    made = claims_of(outcome, before, now_us)
    # A claim that says what it said keeps its date: since when it stands so is what matters.
    new = [one for path, one in made.items() if _differs(before.get(path), one)]
    gone = [one for path, one in before.items() if path not in made]
    dropped = _dropped(connection, gone, now_us)
    kept = {one.path for one in dropped}
    packages.write_claims(
        connection,
        [*new, *(one for one in dropped if before[one.path].verdict != "dropped")],
        [one for one in gone if one.path not in kept],
    )
    findings = json.loads(findings_json(outcome))
    findings += [
        ["dropped", f"{shown(one.path)}: was listed before, and is no longer", one.path, True] for one in dropped
    ]
    counts = Counter(one.verdict for one in made.values())
    counts["extra"] = len(outcome.verdict.extra)
    wrong = any(finding[3] for finding in findings)
    complete = bool(made) and all(one.verdict in _CLOSED for one in made.values()) and not wrong
    here = {one.file_id for one in made.values() if one.verdict not in ("missing", "waiting")}
    here_size = sum(row.size for row in outcome.rows.values() if row.id in here)
    packages.set_values(
        connection,
        package.id,
        {
            "format": outcome.verdict.format,
            "lists": json.dumps(outcome.lists, ensure_ascii=False),
            "judged_us": now_us,
            "complete_us": (package.complete_us or now_us) if complete else package.complete_us,
            "listed": len(made),
            "listed_size": outcome.listed_size,
            "here_size": here_size,
            "counts": json.dumps(counts),
            "extra": extra_json(outcome),
            "findings": json.dumps(findings, ensure_ascii=False),
            "problem": None,
        },
    )
    _settle_files(connection, outcome, new, gone, before, now_us)
    return complete and package.complete_us is None


def _differs(before: ClaimRow | None, now: ClaimRow) -> bool:
    return before is None or replace(before, judged_us=0) != replace(now, judged_us=0)


def _dropped(connection: Connection, gone: Sequence[ClaimRow], now_us: int) -> list[ClaimRow]:
    """Claims that the lists no longer make although their files are there: somebody shortened a list."""
    known = files.by_id(connection, [one.file_id for one in gone if one.file_id is not None])
    found = []
    for one in gone:
        row = known.get(one.file_id or 0)
        if row is not None and row.presence == Presence.PRESENT.value:
            found.append(replace(one, verdict="dropped", wanted="", judged_us=now_us))
    return found


def _settle_files(
    connection: Connection,
    outcome: Compared,
    new: Sequence[ClaimRow],
    gone: Sequence[ClaimRow],
    before: dict[str, ClaimRow],
    now_us: int,
) -> None:
    """Carry claims into the files' own state."""
    touched = {one.file_id for one in (*new, *gone) if one.file_id is not None}
    rows = files.by_id(connection, sorted(touched))
    claims = packages.claims_on(connection, rows)
    was_mismatch = {one.file_id for one in before.values() if one.verdict == "mismatch"}
    changes: list[tuple[FileRow, FileRow]] = []
    observations: list[dict[str, Any]] = []
    for row in rows.values():
        after, note = _state_of(row, claims.get(row.id, []), row.id in was_mismatch, outcome, now_us)
        if after is not row:
            changes.append((row, after))
        if note is not None:
            observations.append(note)
    files.change(connection, changes)
    files.observe(connection, observations)


def _state_of(
    row: FileRow, claims: Sequence[ClaimRow], was_mismatch: bool, outcome: Compared, now_us: int
) -> tuple[FileRow, dict[str, Any] | None]:
    """A file's row by what all lists say of its present content, and what to remember of a change."""
    if row.presence == Presence.MISSING.value:
        return _closed(row, claims, outcome), None
    if row.presence != Presence.PRESENT.value or row.integrity == Integrity.PENDING.value or row.version_id is None:
        return row, None
    of_now = [one for one in claims if one.version_id == row.version_id]
    by_verdict = {one.verdict: one for one in of_now}
    wrong = by_verdict.get("mismatch")
    if wrong is not None:
        problem = _difference(wrong)
        after = replace(row, integrity=Integrity.MISMATCH.value, problem=problem)
        return after, None if row.problem == problem else _evidence(row, wrong, "mismatch", outcome, now_us)
    after = row
    note = None
    right = by_verdict.get("verified")
    written_to = (row.problem or "").startswith(WRITTEN_TO)
    if row.integrity == Integrity.MISMATCH.value and not was_mismatch and not (written_to and right is not None):
        pass  # found by reading it again: no list makes that undone
    elif right is not None and row.integrity != Integrity.VERIFIED.value:
        after = replace(row, integrity=Integrity.VERIFIED.value, verified_us=now_us, problem=None)
        note = _evidence(row, right, "verified", outcome, now_us)
    elif right is None and row.integrity == Integrity.MISMATCH.value and was_mismatch:
        after = replace(row, integrity=Integrity.RECORDED.value, verified_us=None, problem=None)
    if after.due_for in (None, "probe") and any(one.verdict in ("waiting", "doubted") and one.wanted for one in claims):
        after = replace(after, due_for="read", due_us=now_us)
    return after, note


def _closed(row: FileRow, claims: Sequence[ClaimRow], outcome: Compared) -> FileRow:
    """The row of a missing file: if it was declared to come under another name, that is said, and nobody is alarmed."""
    one = next((claim for claim in claims if claim.verdict == "transformed"), None)
    if one is None:
        return row
    cut = len(outcome.package.path) + 1 if outcome.package.path else 0
    came = outcome.transformed.get(one.path[cut:])
    return row if came is None else replace(row, problem=f"{CAME_AS} {shown(came)}, as declared")


def _difference(one: ClaimRow) -> str:
    """One sentence on what differs."""
    if one.algorithm == "size":
        return f"its size is not what its sender says: expected {one.expected}, is {one.computed} bytes"
    more = f" ({one.notes})" if one.notes else ""
    return f"{one.algorithm} is not what its sender says: expected {one.expected}, computed {one.computed}{more}"


def _evidence(row: FileRow, one: ClaimRow, what: str, outcome: Compared, now_us: int) -> dict[str, Any]:
    """What a verdict rests on: algorithm, both digests, the lists with their own digests, where and by what."""
    return {
        "at_us": now_us,
        "what": what,
        "volume_id": row.volume_id,
        "file_id": row.id,
        "version_id": row.version_id,
        "detail": {
            "algorithm": one.algorithm,
            "expected": one.expected,
            "computed": one.computed,
            "read_again": row.checked_us is not None,
            "lists": outcome.lists,
            "format": outcome.verdict.format,
            "host": socket.gethostname(),
            "version": __version__,
            "notes": one.notes,
        },
    }
