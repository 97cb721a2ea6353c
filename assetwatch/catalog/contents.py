"""What were the bytes of files, each time that they were read? Versions, their digests and media, written and asked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, select, update

from assetwatch.catalog import tables as t
from assetwatch.catalog.files import bulk, insert_or_update, slices

#: Facts (`media.facts`, under `other`) by which a cut list may ask for a file, whatever its name.
MEDIA_NAMES: Final = ("reel", "tape", "umid", "file_umid")


def add_versions(
    connection: Connection, versions: Sequence[tuple[Any, ...]], digests: Sequence[tuple[int, str, str]]
) -> None:
    """Append contents as they were read, with their digests; values in the order of the tables' columns."""
    bulk(connection, t.version, versions)
    bulk(connection, t.digest, digests)


def supersede(connection: Connection, version_ids: Iterable[int], now_us: int) -> None:
    """Date the end of contents that others have taken the place of."""
    rows = [{"the_id": version} for version in version_ids]
    if rows:
        connection.execute(
            update(t.version).where(t.version.c.id == bindparam("the_id")).values(superseded_us=now_us), rows
        )


def digests_of(connection: Connection, version_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Version id -> algorithm -> digest."""
    found: dict[int, dict[str, str]] = defaultdict(dict)
    for some in slices(list(set(version_ids))):
        rows = connection.execute(_DIGESTS, {"ids": some})
        for version_id, algorithm, value in rows:
            found[version_id][algorithm] = value
    return found


_DIGESTS = select(t.digest.c.version_id, t.digest.c.algorithm, t.digest.c.value).where(
    t.digest.c.version_id.in_(bindparam("ids", expanding=True))
)


def set_media(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what was read of these versions' media; a newer answer takes the place of an older one."""
    if not rows:
        return
    statement = insert_or_update(connection, t.media)
    kept = {name: statement.excluded[name] for name in rows[0] if name != "version_id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["version_id"], set_=kept), list(rows))
    known = delete(t.media_name).where(t.media_name.c.version_id.in_(bindparam("ids", expanding=True)))
    for some in slices([row["version_id"] for row in rows]):
        connection.execute(known, {"ids": some})
    bulk(connection, t.media_name, [name for row in rows for name in _media_names(row["version_id"], row["facts"])])


def _media_names(version_id: int, facts: str | None) -> list[tuple[int, str, str]]:
    """Rows of `media_name` for what a version's facts (JSON) call it."""
    other = {} if facts is None else json.loads(facts).get("other") or {}
    names = ((kind, other.get(kind)) for kind in MEDIA_NAMES)
    return [(version_id, kind, name.lower()) for kind, name in names if isinstance(name, str) and name]


def has_media(connection: Connection, version_ids: Iterable[int]) -> set[int]:
    """Those of the versions whose media were read already."""
    found: set[int] = set()
    for some in slices(list(set(version_ids))):
        rows = connection.execute(
            select(t.media.c.version_id).where(t.media.c.version_id.in_(bindparam("ids", expanding=True))),
            {"ids": some},
        )
        found.update(rows.scalars())
    return found
