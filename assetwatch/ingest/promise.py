"""What follows for files from how they compare with what their senders said? Enters a judged package."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import files, packages
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.ingest.judging import Compared, Conclusion, findings_json
from assetwatch.model import CAME_AS, Integrity, Presence, written_to
from assetwatch.paths import join, shown
from assetwatch.units import rfc3339

#: Verdicts under which an entry is closed: there is nothing more to come.
_CLOSED: Final = ("verified", "transformed", "uncheckable")

#: Findings of one kind on dropped entries that are kept one by one.
_DROPPED_NAMED: Final = 1_000

#: What a file was judged by; where one of these has changed since, the package is stale again (`catalog.files`).
_JUDGED_BY: Final = ("folder_id", "name", "size", "presence", "version_id", "checked_us")

#: How a person is told that a file is not what its sender says; also how a mismatch by a list is known from others.
_SENDER: Final = "not what its sender says"


class Entry:
    """Enters a piece of a judged package, in a few transactions.

    Files become `verified` or `mismatch` by what all lists say of their present content; those that lists need other
    digests of, or a second reading, are due to be read. `completed` tells after the last piece whether everything that
    its lists name is here and right, and was not before.
    """

    def __init__(self, outcome: Compared) -> None:
        self.outcome = outcome
        self.completed = False
        self._steps = self._all_steps()
        self._connection: Connection | None = None
        self._now_us = 0

    def step(self, connection: Connection, now_us: int) -> bool:
        """Enter what is next, in the caller's transaction; whether there is more to enter."""
        self._connection, self._now_us = connection, now_us
        try:
            return next(self._steps, False)
        finally:
            self._connection = None

    @property
    def _in(self) -> Connection:
        assert self._connection is not None
        return self._connection

    def _all_steps(self) -> Iterator[bool]:
        outcome, package, judging = self.outcome, self.outcome.package, self.outcome.judging
        packages.write_claims(self._in, [replace(one, judged_us=self._now_us) for one in outcome.new], [])
        if outcome.new:
            yield True
        dropped = _dropped(self._in, package, outcome.withdrawn)
        kept = {one.path for one in dropped}
        before = {one.path: one.verdict for one in outcome.withdrawn}
        packages.write_claims(
            self._in,
            [replace(one, judged_us=self._now_us) for one in dropped if before[one.path] != "dropped"],
            [one for one in outcome.withdrawn if one.path not in kept],
        )
        self._settle([*outcome.new, *outcome.unfollowed, *outcome.withdrawn])
        judging.entered += 1
        # Where the volume was gone for one of the pieces, all is judged again, and nothing said of the whole.
        if outcome.last and judging.entered >= judging.given:
            self._end()

    def _end(self) -> None:
        """Enter the last piece's own."""
        outcome, package = self.outcome, self.outcome.package
        gone = self._is_gone()
        if not outcome.unsettled:
            # Those that waited for what their list says (`awaited`).
            files.read_at_once(self._in, package.volume_id, package.path, self._now_us)
        if gone:
            packages.remove(self._in, package.id)
            return
        if outcome.unsettled:
            pass
        elif outcome.problem is not None:
            packages.set_values(self._in, package.id, {"problem": outcome.problem, "judged_us": self._now_us})
            self._settle(list(packages.claims(self._in, package.id, "mismatch").values()))
        elif outcome.conclusion is not None:
            self._conclude(outcome.conclusion)
        packages.release(self._in, package.id)

    def _is_gone(self) -> bool:
        """Whether there is nothing to be said of the package any more. Of what the catalog knows, there is."""
        outcome, package = self.outcome, self.outcome.package
        if outcome.gone:
            if not packages.holds_known(self._in, package):
                return True
            outcome.problem = "its folder is gone"
        elif outcome.no_lists:
            # What looked like a list from its name was none, or went before it was ever read.
            if not packages.count_claims(self._in, package.id):
                return True
            # Absence is concluded from two looks, and not here.
            outcome.unsettled = packages.holds_known(self._in, package, lists_only=True)
        return False

    def _settle(self, claims: Sequence[ClaimRow]) -> None:
        """Carry claims into the files' own state."""
        ids = sorted({one.file_id for one in claims if one.file_id is not None})
        if ids:
            _settle_files(self._in, self.outcome, ids, self._now_us)

    def _conclude(self, found: Conclusion) -> None:
        """Enter what holds of the package as a whole."""
        outcome, package = self.outcome, self.outcome.package
        findings = findings_json(found.findings)
        dropped = sorted(packages.claims(self._in, package.id, "dropped"))
        findings += [
            ("dropped", f"{shown(path)}: was listed before, and is no longer", path, True)
            for path in dropped[:_DROPPED_NAMED]
        ]
        if len(dropped) > _DROPPED_NAMED:
            more = len(dropped) - _DROPPED_NAMED
            findings.append(("dropped", f"and {more} more that were listed before, and are no longer", "", True))
        complete = (
            found.listed > 0
            and all(verdict in _CLOSED or verdict == "extra" for verdict, count in found.counts.items() if count)
            and not any(wrong for _, _, _, wrong in findings)
        )
        self.completed = complete and package.complete_us is None
        packages.set_values(
            self._in,
            package.id,
            {
                "format": outcome.judging.format,
                "lists": json.dumps(outcome.judging.lists, ensure_ascii=False),
                "judged_us": self._now_us,
                "complete_us": (package.complete_us or self._now_us) if complete else package.complete_us,
                "listed": found.listed,
                "listed_size": found.listed_size,
                "here_size": found.here_size,
                "counts": json.dumps({"extra": 0, **found.counts}),
                "extra": json.dumps(found.extra, ensure_ascii=False),
                "findings": json.dumps(findings, ensure_ascii=False),
                "problem": None,
            },
        )


def _dropped(connection: Connection, package: PackageRow, withdrawn: Sequence[ClaimRow]) -> list[ClaimRow]:
    """Claims that the lists no longer make although the catalog knows their files: somebody shortened a list.

    Not those of files that were moved or renamed; one that was deleted as well is no less dropped.
    """
    if not withdrawn:
        return []
    known = files.by_id(connection, [one.file_id for one in withdrawn if one.file_id is not None])
    folders = files.paths_of_folders(connection, {row.folder_id for row in known.values()})
    listed = packages.listed_keys(connection, package, (one.key for one in withdrawn), (one.path for one in withdrawn))
    found = []
    for one in withdrawn:
        row = known.get(one.file_id or 0)
        if row is not None and one.key not in listed and join(folders[row.folder_id], row.name) == one.path:
            found.append(replace(one, verdict="dropped", wanted=""))
    return found


def _settle_files(connection: Connection, outcome: Compared, file_ids: Sequence[int], now_us: int) -> None:
    """Carry what lists say of files into the files' own state."""
    rows = files.by_id(connection, file_ids)
    claims = packages.claims_on(connection, rows)
    changes: list[tuple[FileRow, FileRow]] = []
    observations: list[dict[str, Any]] = []
    for row in rows.values():
        judged = outcome.rows.get(row.id, row)
        if any(getattr(judged, name) != getattr(row, name) for name in _JUDGED_BY):
            continue  # something happened to it meanwhile, and it will be judged again
        after, note = _state_of(connection, row, claims.get(row.id, []), outcome, now_us)
        if after is not row:
            changes.append((row, after))
        if note is not None:
            observations.append(note)
    files.change(connection, changes)
    files.observe(connection, observations)


def _state_of(
    connection: Connection, row: FileRow, claims: Sequence[ClaimRow], outcome: Compared, now_us: int
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
        problem = ": ".join(filter(None, (written_to(row.problem), _difference(wrong))))
        after = replace(row, integrity=Integrity.MISMATCH.value, problem=problem)
        if row.problem == problem:
            return after, None
        return after, _evidence(row, wrong, "mismatch", outcome, now_us, _readings(connection, row))
    after = row
    note = None
    right = by_verdict.get("verified")
    problem = row.problem or ""
    by_list, changed = _SENDER in problem, written_to(problem)
    if row.integrity == Integrity.MISMATCH.value and not by_list and not (changed and right is not None):
        pass  # found by reading it again: no list makes that undone
    elif right is not None and row.integrity != Integrity.VERIFIED.value:
        after = replace(row, integrity=Integrity.VERIFIED.value, verified_us=now_us, problem=None)
        note = _evidence(row, right, "verified", outcome, now_us)
    elif right is None and row.integrity == Integrity.MISMATCH.value:
        # What had been verified and was changed is so whether or not a list is still there.
        state = Integrity.MISMATCH if changed else Integrity.RECORDED
        after = replace(row, integrity=state.value, verified_us=None, problem=changed)
    if after.due_for in (None, "probe") and any(one.verdict in ("waiting", "doubted") and one.wanted for one in claims):
        after = replace(after, due_for="read", due_us=now_us)
    return after, note


def _closed(row: FileRow, claims: Sequence[ClaimRow], outcome: Compared) -> FileRow:
    """The row of a missing file: if it was declared to come under another name, that is said, and nobody is alarmed."""
    one = next((claim for claim in claims if claim.verdict == "transformed"), None)
    if one is None:
        return replace(row, problem=None) if (row.problem or "").startswith(CAME_AS) else row
    came = outcome.transformed.get(one.path)
    return row if came is None else replace(row, problem=f"{CAME_AS} {shown(came)}, as declared")


def _difference(one: ClaimRow) -> str:
    """One sentence on what differs."""
    if one.algorithm == "size":
        return f"its size is {_SENDER}: expected {one.expected}, is {one.computed} bytes"
    more = f" ({one.notes})" if one.notes else ""
    return f"{one.algorithm} is {_SENDER}: expected {one.expected}, computed {one.computed}{more}"


def _readings(connection: Connection, row: FileRow) -> list[dict[str, Any]]:
    """The reading that gave rise to doubt, and the second one past the page cache. One where the size told enough."""
    found = [
        {"at": rfc3339(recorded_us), "seconds": read_us / 1_000_000, "digests": digests}
        for recorded_us, read_us, digests in packages.readings(connection, row.id, 2)
    ]
    again_us = row.checked_us
    if again_us is not None and found and again_us != row.recorded_us:
        # It gave the same bytes, and no version of its own.
        found = [found[-1], {"at": rfc3339(again_us), "digests": found[-1]["digests"]}]
    return found


def _evidence(
    row: FileRow,
    one: ClaimRow,
    what: str,
    outcome: Compared,
    now_us: int,
    readings: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
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
            **({"readings": list(readings)} if readings else {}),
            "lists": outcome.judging.lists,
            "format": outcome.judging.format,
            "host": socket.gethostname(),
            "version": __version__,
            "notes": one.notes,
        },
    }
