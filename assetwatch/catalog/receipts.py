"""What is proved of a folder's files: what was checked against what, when, by which versions?"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from sqlalchemy import Connection, select

from assetwatch import __version__
from assetwatch.catalog import promises, queries
from assetwatch.catalog import tables as t
from assetwatch.catalog.packages import lists_of
from assetwatch.catalog.queries import Filter
from assetwatch.model import Presence
from assetwatch.paths import percent, readable
from assetwatch.units import rfc3339

#: The form of the document; raised when a key changes its meaning.
RECEIPT_VERSION = 1


def receipt(connection: Connection, volume: str, path: str, now_us: int, host: str) -> dict[str, Any]:
    """The receipt for a file, or for a folder with all below it, as `receipt --json` gives it.

    The root digest is SHA-256 over one line a file, sorted: path, size, and each digest as `algorithm:value`, separated
    by tabs, each line ended by a newline, in UTF-8. Anybody who has the receipt can compute it again.
    """
    wanted = Filter(pattern=path or None, volume=volume)
    entries: list[dict[str, Any]] = []
    lines: list[str] = []
    counts: Counter[str] = Counter()
    size = 0
    for one in queries.list_files(connection, wanted):
        if path and one.path != path and not one.path.startswith(path + "/"):
            continue
        row = one.row
        state = row.integrity if one.presence == Presence.PRESENT.value else one.presence
        counts[state] += 1
        size += row.size
        name = percent(one.path) or one.path
        digests = [f"{algorithm}:{value}" for algorithm, value in sorted(one.digests.items())]
        lines.append("\t".join([name, str(row.size), *digests]) + "\n")
        entries.append(
            {
                "path": readable(one.path),
                **({"path_bytes": name} if name != one.path else {}),
                "size": row.size,
                "state": state,
                "digests": one.digests,
                "recorded_at": rfc3339(row.recorded_us),
                "verified_at": rfc3339(row.verified_us),
                "checked_at": rfc3339(row.checked_us),
                "checks": _checks(connection, row.id),
                **({"problem": row.problem} if row.problem else {}),
            }
        )
    kept = promises.promises(connection, volume, path)
    root = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    return {
        "receipt": RECEIPT_VERSION,
        "volume": volume,
        "path": readable(path),
        "made_at": rfc3339(now_us),
        "host": host,
        "assetwatch": __version__,
        "files": len(entries),
        "bytes": size,
        "counts": dict(sorted(counts.items())),
        "complete": bool(entries) and all(one.complete for one in kept) and set(counts) <= {"verified", "recorded"},
        "root_digest": f"sha256:{root}",
        "packages": [{**one.as_json(), "list_digests": dict(_lists(one))} for one in kept],
        "entries": entries,
    }


def _lists(one: promises.Promise) -> list[tuple[str, dict[str, str]]]:
    return [(readable(path), digests) for path, digests in lists_of(one.row)]


def _checks(connection: Connection, file_id: int) -> list[dict[str, Any]]:
    """When a file's bytes were compared with something, and what came of it, oldest first."""
    words = ("verified", "mismatch", "same_bytes", "readings_differ", "misread", "checked")
    rows = connection.execute(
        select(t.observation.c.at_us, t.observation.c.what, t.observation.c.detail)
        .where(t.observation.c.file_id == file_id, t.observation.c.what.in_(words))
        .order_by(t.observation.c.id)
    )
    found = []
    for at_us, what, detail in rows:
        told = json.loads(detail)
        found.append(
            {
                "at": rfc3339(at_us),
                "what": what,
                **{key: told[key] for key in ("algorithm", "expected", "computed", "version", "host") if key in told},
                **({"against": [readable(path) for path, _ in told["lists"]]} if "lists" in told else {}),
            }
        )
    return found
