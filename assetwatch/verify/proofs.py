"""What follows for a file from reading it again? The verdicts of a sweep, and how they are entered."""

from __future__ import annotations

import errno
import functools
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import checks, files, packages
from assetwatch.catalog.checks import CHANGED_SILENTLY
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.reader import NotRead, Reading, Reason
from assetwatch.model import Integrity, Presence
from assetwatch.units import rfc3339

#: How the problem of a file begins that once read otherwise than recorded, and rightly a moment later.
MISREAD: Final = "read once otherwise than recorded, and rightly a moment later"

#: When an unreadable file is tried again, unless a sweep comes first (microseconds).
_RETRY_US: Final = 1_800_000_000


@dataclass(frozen=True, slots=True)
class Proof:
    """One file read again. `row` is what the catalog said when it was claimed, `expected` all its recorded digests.

    `doubted` is the first reading, where that was not as recorded and `outcome` is a second one past the page cache;
    `doubted_us` is when it ended.
    """

    row: FileRow
    expected: Mapping[str, str]
    outcome: Reading | NotRead
    doubted: Reading | None = None
    doubted_us: int = 0


class Result(NamedTuple):
    """What came of one file: a verdict (see VERDICTS) or why there is none: changed, being_written, busy, stopped.

    `problem` says it to a person; `algorithm`, `expected`, `computed` are the evidence where digests differ.
    """

    verdict: str
    problem: str | None = None
    algorithm: str | None = None
    expected: str | None = None
    computed: str | None = None


VERDICTS: Final = ("verified", "misread", "mismatch", "missing", "unreadable")


def difference(expected: Mapping[str, str], reading: Reading) -> str | None:
    """The first algorithm by which a reading is not what was recorded; None where it is the same."""
    return next((name for name in sorted(expected) if reading.digests.get(name) != expected[name]), None)


def enter(connection: Connection, proofs: Sequence[Proof], now_us: int) -> list[Result]:
    """Enter what was found, in the caller's transaction; the results in the same order.

    A file to which something else happened since it was claimed is left to that: its result is `changed`.
    """
    rows = files.by_id(connection, [one.row.id for one in proofs])
    wanted = checks.asked_for(connection, list(rows))
    failed = [row.id for row in rows.values() if row.integrity == Integrity.MISMATCH.value]
    claims = packages.claims_on(connection, failed) if failed else {}
    results: list[Result] = []
    equal: list[int] = []
    changes: list[tuple[FileRow, FileRow]] = []
    notes: list[dict[str, Any]] = []
    for proof in proofs:
        row = rows.get(proof.row.id)
        if row is None or not _still(row, proof.row):
            results.append(Result("changed"))
            if row is not None and row.due_for == "checking":
                changes.append((row, _rest(row, row.id in wanted, now_us)))
            continue
        result, after, note = _follows(row, proof, claims.get(row.id, ()), row.id in wanted, now_us)
        results.append(result)
        if after is None:
            equal.append(row.id)
        else:
            changes.append((row, after))
        if note is not None:
            notes.append(note)
    checks.found_equal(connection, equal, now_us)
    files.change(connection, changes)
    files.observe(connection, notes)
    return results


def _still(now: FileRow, claimed: FileRow) -> bool:
    """Whether nothing happened to a file since it was claimed. Given back to rest is as good as claimed."""
    return (
        now.due_for in ("checking", None)
        and now.presence == Presence.PRESENT.value
        and now.version_id == claimed.version_id
        and now.has_stat(claimed.size, claimed.mtime_ns, claimed.inode, trust_inode=False)
    )


_Follows = tuple[Result, FileRow | None, dict[str, Any] | None]


def _follows(row: FileRow, proof: Proof, claims: Sequence[packages.ClaimRow], wanted: bool, now_us: int) -> _Follows:
    """The result, the row from now on (None: as it was, and checked now), and what to remember."""
    outcome = proof.outcome
    if isinstance(outcome, NotRead):
        return _not_read(row, outcome, wanted, now_us)
    name = difference(proof.expected, outcome)
    if name is not None:
        return _mismatch(row, proof, outcome, name, wanted, now_us)
    after = replace(_rest(row, wanted, now_us), checked_us=now_us)
    sound = replace(
        after, integrity=(Integrity.VERIFIED if row.verified_us is not None else Integrity.RECORDED).value, problem=None
    )
    if not wanted:
        sound = replace(sound, due_for=None, due_us=None)
    if proof.doubted is not None:
        return _misread(row, proof, proof.doubted, sound, now_us)
    if row.integrity == Integrity.MISMATCH.value:
        return _was_mismatch(row, claims, after, sound, now_us)
    if row.integrity == Integrity.UNREADABLE.value:
        note = _note(now_us, "readable_again", row, {"problem": row.problem})
        return Result("verified"), replace(sound, attempts=0), note
    if wanted:
        return Result("verified"), sound if _is_ours(row) else replace(sound, problem=row.problem), None
    if _is_ours(row):
        return Result("verified"), sound, None
    return Result("verified"), None, None


def _is_ours(row: FileRow) -> bool:
    return (row.problem or "").startswith(MISREAD)


def _rest(row: FileRow, wanted: bool, now_us: int) -> FileRow:
    return checks.at_rest(row, {row.id} if wanted else set(), now_us)


def _was_mismatch(
    row: FileRow, claims: Sequence[packages.ClaimRow], after: FileRow, sound: FileRow, now_us: int
) -> _Follows:
    """A file that had failed is as it was recorded. What its sender says of it stands, whatever we recorded."""
    wrong = next((one for one in claims if one.verdict == "mismatch" and one.version_id == row.version_id), None)
    if wrong is not None:
        return Result("mismatch", row.problem, wrong.algorithm, wrong.expected, wrong.computed), after, None
    if not (row.problem or "").startswith((CHANGED_SILENTLY, MISREAD)):
        return Result("mismatch", row.problem), after, None
    return Result("verified"), sound, _note(now_us, "healed", row, {"problem": row.problem})


def _mismatch(row: FileRow, proof: Proof, reading: Reading, name: str, wanted: bool, now_us: int) -> _Follows:
    expected, computed = proof.expected[name], reading.digests.get(name, "")
    problem = f"{CHANGED_SILENTLY}: {name} was {expected}, is {computed}"
    first = proof.doubted.digests.get(name) if proof.doubted is not None else computed
    if first != computed:
        problem += f", and was {first} a moment before: the two readings differ"
    after = replace(_rest(row, wanted, now_us), integrity=Integrity.MISMATCH.value, problem=problem, attempts=0)
    # Every night says it again; the story of the file tells it once.
    note = None if row.problem == problem else _evidence(row, proof, reading, name, "mismatch", now_us)
    return Result("mismatch", problem, name, expected, computed), after, note


def _misread(row: FileRow, proof: Proof, first: Reading, sound: FileRow, now_us: int) -> _Follows:
    """The second reading is as recorded: it is the way from the disk that failed, and not the file."""
    name = difference(proof.expected, first) or next(iter(proof.expected))
    problem = (
        f"{MISREAD} ({rfc3339(now_us)}): memory, a cable, a controller or a disk may be failing; "
        "look at the kernel's log and the disk's own (smartctl -a)"
    )
    note = _evidence(row, proof, proof.outcome, name, "misread", now_us)
    after = replace(sound, problem=problem)
    if row.integrity == Integrity.MISMATCH.value and not (row.problem or "").startswith(CHANGED_SILENTLY):
        after = replace(after, integrity=row.integrity, problem=row.problem)
    return Result("misread", problem, name, proof.expected[name], first.digests.get(name)), after, note


def _not_read(row: FileRow, outcome: NotRead, wanted: bool, now_us: int) -> _Follows:
    match outcome.reason:
        case Reason.STOPPED:
            return Result("stopped"), _rest(row, wanted, now_us), None
        case Reason.BUSY:
            written = outcome.errno in (None, errno.EAGAIN, errno.ETXTBSY)
            return Result("being_written" if written else "busy", outcome.text), _rest(row, wanted, now_us), None
        case Reason.UNREADABLE:
            pass
        case _:
            # Gone, written to, or something else under its name: the daemon's next look says what, and what follows.
            look = replace(row, due_for="settle", due_us=now_us)
            return Result("missing" if outcome.reason is Reason.VANISHED else "changed", outcome.text), look, None
    result = Result("unreadable", outcome.text)
    note = _note(now_us, "unreadable", row, {"reason": outcome.text, "offset": outcome.offset, "found_by": "verify"})
    if row.integrity == Integrity.MISMATCH.value:
        # What was wrong with it is worth more than that today it cannot be read at all.
        return result, _rest(row, wanted, now_us), note
    after = replace(
        row,
        integrity=Integrity.UNREADABLE.value,
        problem=outcome.text,
        due_for="read",
        due_us=now_us + _RETRY_US,
    )
    return result, after, None if row.problem == outcome.text else note


def _evidence(
    row: FileRow, proof: Proof, second: Reading | NotRead, name: str, what: str, now_us: int
) -> dict[str, Any]:
    """Both readings with all that is needed to judge them later."""
    readings = [(proof.doubted, proof.doubted_us), (second, now_us)]
    said = [
        {"at": rfc3339(at_us), "seconds": round(one.seconds, 6), "digests": dict(one.digests)}
        for one, at_us in readings
        if isinstance(one, Reading)
    ]
    computed = said[0]["digests"] if what == "misread" else said[-1]["digests"]
    assert isinstance(computed, dict)
    return _note(
        now_us,
        what,
        row,
        {
            "algorithm": name,
            "expected": proof.expected[name],
            "computed": computed.get(name),
            "recorded": dict(proof.expected),
            "readings": said,
            "past_page_cache": True,
            "found_by": "verify",
            "host": socket.gethostname(),
            "version": __version__,
            "libraries": libraries(),
        },
    )


@functools.cache
def libraries() -> dict[str, str]:
    """Which versions of what computed the digests."""
    import platform
    import ssl
    from importlib import metadata

    found = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    for name in ("xxhash", "blake3"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _note(now_us: int, what: str, row: FileRow, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "at_us": now_us,
        "what": what,
        "volume_id": row.volume_id,
        "file_id": row.id,
        "version_id": row.version_id,
        "detail": detail,
    }
