"""What did a read give, and what does the catalog say of the file from now on? One transaction for one fact."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, insert, literal, select

from assetwatch.catalog import checks, contents, files, moves, packages
from assetwatch.catalog import tables as t
from assetwatch.catalog.files import Ids
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.reader import NotRead, Reading, Reason
from assetwatch.ingest import settle
from assetwatch.ingest.settle import Rules
from assetwatch.media.probe import ProbeResult
from assetwatch.model import WRITTEN_TO, Integrity, Presence, written_to
from assetwatch.units import local_time

#: A file whose reading was cut short so often by the end of the program is set aside: it may be what ends it.
INTERRUPTIONS_MAX = 8

#: As the rows have them, looked up once: an enumeration's `value` costs more than the rest of a row's field.
_PRESENT = Presence.PRESENT.value
_PENDING, _RECORDED, _MISMATCH = Integrity.PENDING.value, Integrity.RECORDED.value, Integrity.MISMATCH.value


@dataclass(frozen=True, slots=True)
class Finished:
    """What is known once a file has been read: its digests or why there are none, and its media where it has any.

    `is_list` tells that it is a sender's list; `doubted` that it was read a second time, past the page cache, because
    the first reading was not what its sender says.
    """

    volume_id: int
    file_id: int
    outcome: Reading | NotRead
    media: ProbeResult | None = None
    is_list: bool = False
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Probed:
    """The media of a file whose bytes had been recorded before."""

    volume_id: int
    file_id: int
    media: ProbeResult


def record(
    connection: Connection,
    ids: Ids,
    rules: Mapping[int, Rules],
    finished: Sequence[Finished],
    now_us: int,
    fresh: Mapping[int, FileRow],
) -> None:
    """Enter the outcomes of reads. `rules` by volume id; `fresh` are rows, by id, that the catalog does not know yet.

    A row that another look has turned to something else meanwhile is left to that: its bytes will be read again.
    """
    rows = files.by_id(connection, [one.file_id for one in finished if one.file_id not in fresh])
    rows.update(fresh)
    earlier = contents.digests_of(connection, [row.version_id for row in rows.values() if row.version_id is not None])
    changes: list[tuple[FileRow, FileRow]] = []
    versions: list[tuple[Any, ...]] = []
    digests: list[tuple[int, str, str]] = []
    media: list[dict[str, Any]] = []
    superseded: list[int] = []
    observations: list[dict[str, Any]] = []
    lists: dict[int, set[int]] = defaultdict(set)
    for one in finished:
        row = rows.get(one.file_id)
        if row is None or row.due_for != "reading":
            continue
        if isinstance(one.outcome, NotRead):
            after, note = _not_read(row, one.outcome, rules[row.volume_id], now_us)
            changes.append((row, after))
            if note:
                observations.append(note)
            continue
        reading = one.outcome
        known = earlier.get(row.version_id, {}) if row.version_id is not None else {}
        common = known.keys() & reading.digests.keys()
        if one.is_list:
            lists[row.volume_id].add(row.folder_id)
        if row.version_id is not None and common and all(known[name] == reading.digests[name] for name in common):
            version_id = row.version_id
            after = replace(
                _at_rest(row, reading),
                integrity=(Integrity.VERIFIED if row.verified_us is not None else Integrity.RECORDED).value,
                # Two readings are never of one instant, however coarse the clock.
                checked_us=max(now_us, max(row.recorded_us or 0, row.checked_us or 0) + 1),
            )
            if (still := written_to(row.problem)) is not None:
                after = replace(after, integrity=Integrity.MISMATCH.value, problem=still)
            observations.append(_note(now_us, "same_bytes", row))
            digests += [(version_id, name, value) for name, value in reading.digests.items() if name not in known]
        elif row.version_id is not None and not _was_written(row) and not one.doubted:
            # Nobody was seen to write to it, and it reads otherwise than before.
            version_id = None
            after, note = _silently_changed(row, reading, known, now_us)
            observations.append(note)
        else:
            version_id = ids.take(connection, "version")
            changed = _written_to(row, one.doubted)
            after = replace(
                _at_rest(row, reading),
                integrity=_RECORDED if changed is None else _MISMATCH,
                problem=changed,
                version_id=version_id,
                recorded_us=now_us,
                verified_us=None,
                checked_us=now_us if one.doubted else None,
            )
            versions.append(_version(version_id, row, after, reading.seconds, now_us, "read"))
            digests += [(version_id, name, value) for name, value in reading.digests.items()]
            if row.version_id is not None:
                superseded.append(row.version_id)
                what = "readings_differ" if one.doubted else "replaced"
                observations.append({**_note(now_us, what, row), "version_id": version_id})
        changes.append((row, after))
        if one.media is not None and version_id is not None:
            media.append(media_row(version_id, one.media, now_us))
    files.add(connection, [after for before, after in changes if before.id in fresh])
    contents.add_versions(connection, versions, digests)
    contents.supersede(connection, superseded, now_us)
    files.change(connection, [(before, after) for before, after in changes if before.id not in fresh])
    contents.set_media(connection, media)
    files.observe(connection, observations)
    _carry_histories(connection, changes, {one.file_id: one.outcome for one in finished}, now_us)
    for volume_id, folder_ids in lists.items():
        roots = [packages.root_of_list(path) for path in files.paths_of_folders(connection, folder_ids).values()]
        packages.found(connection, volume_id, roots, now_us)


def _carry_histories(
    connection: Connection,
    changes: Sequence[tuple[FileRow, FileRow]],
    outcomes: Mapping[int, Reading | NotRead],
    now_us: int,
) -> None:
    """Of files that were read for the first time: those that are old ones in a new place get their history."""
    came: list[tuple[tuple[str, int], FileRow]] = []
    for before, after in changes:
        reading = outcomes[before.id]
        if before.version_id is None and isinstance(reading, Reading) and after.version_id is not None:
            came.append(((next(iter(reading.digests.values())), after.size), after))
    if came:
        gone = moves.gone_with(connection, [content for content, _ in came])
        if gone:
            now = files.by_id(connection, [row.id for _, row in came])
            pairs = moves.pair(gone, [(content, now[row.id]) for content, row in came if row.id in now])
            moves.carry(connection, pairs, now_us)


def _written_to(row: FileRow, doubted: bool) -> str | None:
    """What is to be said of new bytes of a file that had been verified; None where it had not."""
    if (still := written_to(row.problem)) is not None:
        return still
    if row.verified_us is None or doubted:
        return None
    return f"{WRITTEN_TO} ({local_time(row.verified_us, UTC)} UTC)"


def _was_written(row: FileRow) -> bool:
    """Whether a look showed other content than was read last; perhaps it could not be read since."""
    last_read_us = max(row.recorded_us or 0, row.checked_us or 0)
    return row.integrity == _PENDING or row.stat_since_us > last_read_us


def _silently_changed(
    row: FileRow, reading: Reading, known: Mapping[str, str], now_us: int
) -> tuple[FileRow, dict[str, Any]]:
    """The row of a file whose bytes changed under an unchanged stat, and the evidence."""
    name = next(name for name in sorted(known) if reading.digests.get(name, known[name]) != known[name])
    after = replace(
        row,
        integrity=Integrity.MISMATCH.value,
        problem=f"{checks.CHANGED_SILENTLY}: {name} was {known[name]}, is {reading.digests[name]}",
        due_us=None,
        due_for=None,
        attempts=0,
    )
    detail = {"algorithm": name, "expected": known[name], "computed": reading.digests[name]}
    return after, {**_note(now_us, "mismatch", row), "detail": detail}


def record_link(connection: Connection, ids: Ids, row: FileRow, sibling: FileRow, now_us: int) -> None:
    """Enter that `row` is one more name of the bytes recorded as `sibling`: its digests and media are the same."""
    version_id = ids.take(connection, "version")
    after = replace(
        row,
        presence=Presence.PRESENT.value,
        integrity=Integrity.RECORDED.value,
        version_id=version_id,
        recorded_us=now_us,
        verified_us=None,
        checked_us=None,
        due_us=None,
        due_for=None,
        attempts=0,
        problem=None,
    )
    known = contents.digests_of(connection, [sibling.version_id or 0]).get(sibling.version_id or 0, {})
    contents.add_versions(
        connection,
        [_version(version_id, row, after, 0.0, now_us, "link")],
        [(version_id, name, value) for name, value in known.items()],
    )
    for table in (t.media, t.media_name):
        same = [column for column in table.c if column.name != "version_id"]
        connection.execute(
            insert(table).from_select(
                ["version_id", *(column.name for column in same)],
                select(literal(version_id), *same).where(table.c.version_id == sibling.version_id),
            )
        )
    if row.version_id is not None:
        contents.supersede(connection, [row.version_id], now_us)
    files.change(connection, [(row, after)])
    files.observe(
        connection, [{**_note(now_us, "hard_link", row), "version_id": version_id, "detail": {"of": sibling.id}}]
    )


def record_probes(connection: Connection, probed: Sequence[Probed], now_us: int) -> None:
    """Enter the media of files whose bytes had been recorded before."""
    rows = files.by_id(connection, [one.file_id for one in probed])
    claims = packages.claims_on(connection, rows)
    changes = []
    media = []
    for one in probed:
        row = rows.get(one.file_id)
        if row is None or row.due_for != "probing" or row.version_id is None:
            continue
        # A list may have asked for another reading meanwhile.
        asked = any(claim.verdict in ("waiting", "doubted") and claim.wanted for claim in claims.get(row.id, ()))
        due = ("read", now_us) if asked else (None, None)
        changes.append((row, replace(row, due_for=due[0], due_us=due[1], attempts=0)))
        media.append(media_row(row.version_id, one.media, now_us))
    contents.set_media(connection, media)
    files.change(connection, changes)


def claim(connection: Connection, rows: Sequence[FileRow], now_us: int, what: str) -> None:
    """Note that these files are about to be read (`reading`) or probed (`probing`); a crash finds them again so."""
    files.change(
        connection,
        [(row, replace(row, due_for=what, due_us=now_us, attempts=row.attempts + 1)) for row in rows],
    )


def recover(connection: Connection, volume_ids: Sequence[int], now_us: int, *, ended: bool = True) -> int:
    """Give back what had been claimed of these volumes and was not finished; how many files that was.

    `ended`: the program did, and a file in whose reading it ends again and again is set aside. Otherwise the volume
    went, or the program was told to stop, for which no file is to blame.
    """
    rows = files.due(connection, volume_ids, 2**62, ("reading", "probing"), 1_000_000)
    changes = []
    observations = []
    for row in rows:
        if ended and row.attempts >= INTERRUPTIONS_MAX and row.due_for == "reading":
            problem = (
                f"set aside: assetwatch ended {row.attempts} times while it read this file; tried again once a day"
            )
            after = replace(
                row,
                presence=Presence.PRESENT.value,
                integrity=Integrity.UNREADABLE.value,
                problem=problem,
                due_for="read",
                due_us=now_us + 86_400_000_000,
            )
            observations.append({**_note(now_us, "set_aside", row), "detail": {"reason": problem}})
        else:
            # Behind the files that never gave trouble.
            attempts = row.attempts if ended else max(0, row.attempts - 1)
            after = replace(
                row,
                due_for="read" if row.due_for == "reading" else "probe",
                due_us=now_us + (0 if attempts < 3 else 2_000_000),
                attempts=attempts,
            )
        changes.append((row, after))
    files.change(connection, changes)
    files.observe(connection, observations)
    packages.give_back(connection, volume_ids)
    return len(rows) + checks.give_back(connection, volume_ids, now_us)


def media_row(version_id: int, result: ProbeResult, now_us: int) -> dict[str, Any]:
    """The row of `media` for a probe's result."""
    return {
        "version_id": version_id,
        "status": result.status,
        "facts": None if result.facts is None else json.dumps(result.facts, ensure_ascii=False),
        "answer": None if result.raw is None else zlib.compress(result.raw.encode("utf-8", "surrogatepass")),
        "tool": result.tool,
        "tool_version": result.tool_version,
        "probed_us": now_us,
        "reason": result.reason,
    }


def _at_rest(row: FileRow, reading: Reading) -> FileRow:
    """The row of a file that was read whole, with the stat that its open handle had."""
    return replace(
        row,
        size=reading.stat.size,
        mtime_ns=reading.stat.mtime_ns,
        ctime_ns=reading.stat.ctime_ns,
        inode=reading.stat.inode,
        presence=_PRESENT,
        due_us=None,
        due_for=None,
        attempts=0,
        problem=None,
    )


def _not_read(row: FileRow, outcome: NotRead, rules: Rules, now_us: int) -> tuple[FileRow, dict[str, Any] | None]:
    """The row after a read that gave no digests, and what to remember of it."""
    if outcome.reason is Reason.STOPPED:
        return replace(row, due_for="read", due_us=now_us, attempts=max(0, row.attempts - 1)), None
    if outcome.reason in (Reason.CHANGED, Reason.BUSY):
        return settle.again(row, now_us, rules), None
    if outcome.reason is not Reason.UNREADABLE:
        # Gone, or something else under its name: the next look says what.
        return replace(row, due_for="settle", due_us=now_us, attempts=max(0, row.attempts - 1)), None
    after = replace(
        row,
        presence=Presence.PRESENT.value,
        integrity=Integrity.UNREADABLE.value,
        problem=outcome.text,
        due_for="read",
        due_us=now_us + settle.retry_us(row.attempts - 1),
    )
    if row.problem == outcome.text:
        return after, None
    return after, {**_note(now_us, "unreadable", row), "detail": {"reason": outcome.text, "offset": outcome.offset}}


def _version(
    version_id: int, before: FileRow, after: FileRow, seconds: float, now_us: int, how: str
) -> tuple[Any, ...]:
    """A row of `version`, in the order of its columns."""
    seen_us = before.first_seen_us if before.version_id is None else before.stat_since_us
    return (
        version_id,
        before.id,
        after.size,
        after.mtime_ns,
        after.inode,
        seen_us,
        before.due_us or now_us,
        now_us,
        round(seconds * 1_000_000),
        how,
        None,
    )


def _note(now_us: int, what: str, row: FileRow) -> dict[str, Any]:
    return {
        "at_us": now_us,
        "what": what,
        "volume_id": row.volume_id,
        "file_id": row.id,
        "version_id": row.version_id,
    }
