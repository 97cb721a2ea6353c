"""What is proved of files: what was checked against what, when, by which versions?"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from assetwatch import __version__
from assetwatch.catalog import files, promises, queries
from assetwatch.catalog import tables as t
from assetwatch.catalog.packages import lists_of
from assetwatch.catalog.queries import Filter, Listed
from assetwatch.model import Presence
from assetwatch.paths import percent, readable, split, to_os
from assetwatch.units import rfc3339

#: What of an observation's evidence is told.
_EVIDENCE = ("algorithm", "expected", "computed", "readings", "version", "host")

#: Files of a package that never came that are named.
_NAMED = 1_000

#: The form of the document; raised when a key changes its meaning.
RECEIPT_VERSION = 1


def receipt(connection: Connection, volume: str, path: str, now_us: int, host: str) -> dict[str, Any]:
    """The receipt for a file, or for a folder with all below it, as `receipt --json` gives it."""
    inside = to_os(path) + "/"
    listed = [
        one
        for one in queries.list_files(connection, Filter(pattern=path or None, volume=volume))
        if not path or one.path == path or to_os(one.path).startswith(inside)
    ]
    kept = promises.promises(connection, volume, path)
    about = {"volume": volume, "path": readable(path)}
    document = _document(connection, about, listed, kept, now_us, host, volumes=False, folder=path)
    return {**document, "complete": document["complete"] and all(one.complete for one in kept)}


def receipt_for(
    connection: Connection, deliverable: Mapping[str, Any], listed: Sequence[Listed], now_us: int, host: str
) -> dict[str, Any]:
    """The receipt for the files of a deliverable. `deliverable`: where it stands, as `deliverables --json` says it.

    The entries' volumes are told, and stand in the root digest's lines before the path, with a colon. Lists that speak
    for the files' folders are told with all that they say; whether the receipt is complete follows from the status.
    """
    about = {"deliverable": dict(deliverable)}
    kept: dict[int, promises.Promise] = {}
    for volume, folder in sorted({(one.volume, split(one.path)[0]) for one in listed}):
        kept.update({one.row.id: one for one in promises.promises(connection, volume, folder)})
    document = _document(connection, about, listed, list(kept.values()), now_us, host, volumes=True)
    return {**document, "complete": document["complete"] and deliverable["status"] in _FULFILLED}


#: Statuses of a deliverable of which a receipt can be complete.
_FULFILLED = ("arrived", "verified", "accepted")


def _document(
    connection: Connection,
    about: Mapping[str, Any],
    listed: Sequence[Listed],
    kept: Sequence[promises.Promise],
    now_us: int,
    host: str,
    *,
    volumes: bool,
    folder: str = "",
) -> dict[str, Any]:
    """What is proved of some files.

    The root digest is SHA-256 over one line a file, sorted: the path as a JSON string (`path_bytes` where there is
    one), the size, and each digest as `algorithm:value` in the order of the algorithms' names, separated by tabs, each
    line ended by a newline, in UTF-8. Anybody who has the receipt can compute it again.
    """
    entries: list[dict[str, Any]] = []
    lines: list[str] = []
    counts: Counter[str] = Counter()
    size = 0
    checks = _checks(connection, [one.row.id for one in listed])
    for one in listed:
        row = one.row
        state = row.integrity if one.presence == Presence.PRESENT.value else one.presence
        counts[state] += 1
        size += row.size
        name = percent(one.path) or one.path
        digests = [f"{algorithm}:{value}" for algorithm, value in sorted(one.digests.items())]
        called = json.dumps(f"{one.volume}:{name}" if volumes else name, ensure_ascii=False)
        lines.append("\t".join([called, str(row.size), *digests]) + "\n")
        entries.append(
            {
                **({"volume": one.volume} if volumes else {}),
                "path": readable(one.path),
                **({"path_bytes": name} if name != one.path else {}),
                "size": row.size,
                "state": state,
                "digests": one.digests,
                "recorded_at": rfc3339(row.recorded_us),
                "verified_at": rfc3339(row.verified_us),
                "checked_at": rfc3339(row.checked_us),
                "checks": checks.get(row.id, []),
                **({"problem": row.problem} if row.problem else {}),
            }
        )
    root = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    return {
        "receipt": RECEIPT_VERSION,
        **about,
        "made_at": rfc3339(now_us),
        "host": host,
        "assetwatch": __version__,
        "files": len(entries),
        "bytes": size,
        "counts": dict(sorted(counts.items())),
        "complete": bool(entries) and set(counts) <= {"verified", "recorded"},
        "root_digest": f"sha256:{root}",
        "packages": [
            {**one.as_json(), "list_digests": dict(_lists(one)), "not_here": _not_here(connection, one, folder)}
            for one in kept
        ],
        "entries": entries,
    }


def _lists(one: promises.Promise) -> list[tuple[str, dict[str, str]]]:
    return [(readable(path), digests) for path, digests in lists_of(one.row)]


def _not_here(connection: Connection, one: promises.Promise, folder: str) -> list[dict[str, str | None]]:
    """The listed files that never came, or are not whole yet; those that were here and are gone are entries."""
    found = promises.still_to_come(connection, one, folder, _NAMED)
    return [{"path": readable(path), "is_here_as": None if other is None else readable(other)} for path, other in found]


def _checks(connection: Connection, file_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """When files' bytes were compared with something, and what came of it, oldest first; by file id."""
    words = ("verified", "mismatch", "same_bytes", "readings_differ", "misread", "checked")
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = (t.observation.c.file_id, t.observation.c.at_us, t.observation.c.what, t.observation.c.detail)
    for some in files.slices(sorted(file_ids)):
        rows = connection.execute(
            select(*columns)
            .where(
                t.observation.c.file_id.in_(bindparam("ids", expanding=True)),
                t.observation.c.file_id.is_not(None),
                t.observation.c.what.in_(words),
            )
            .order_by(t.observation.c.id),
            {"ids": some},
        )
        for file_id, at_us, what, detail in rows:
            found[file_id].append(_check(at_us, what, json.loads(detail)))
    return found


def _check(at_us: int, what: str, told: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": rfc3339(at_us),
        "what": what,
        **{key: told[key] for key in _EVIDENCE if key in told},
        **({"against": [readable(path) for path, _ in told["lists"]]} if "lists" in told else {}),
    }
