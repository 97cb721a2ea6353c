"""Is a new file an old one in a new place? Content tells where inodes cannot: across volumes, on network mounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, update

from assetwatch.catalog import files, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.rows import FILES, FileRow
from assetwatch.model import Integrity, Presence
from assetwatch.paths import join


def gone_with(connection: Connection, digests: Iterable[tuple[str, int]]) -> dict[tuple[str, int], list[FileRow]]:
    """Files that are gone, or were not found at the last look, by (digest, size) of their last content."""
    if not _anything_gone(connection):
        return {}
    return _with(connection, digests, t.file.c.absent_us.is_not(None))


def came_with(
    connection: Connection, digests: Iterable[tuple[str, int]], since_us: int
) -> dict[tuple[str, int], list[FileRow]]:
    """Files that are here, first seen since then, by (digest, size) of their content."""
    there = and_(t.file.c.presence == Presence.PRESENT.value, t.file.c.absent_us.is_(None))
    return _with(connection, digests, and_(there, t.file.c.first_seen_us >= since_us))


def _with(
    connection: Connection, digests: Iterable[tuple[str, int]], condition: ColumnElement[bool]
) -> dict[tuple[str, int], list[FileRow]]:
    found: dict[tuple[str, int], list[FileRow]] = {}
    wanted = {one for one in digests if one[1] > 0}
    joined = t.file.join(t.digest, t.digest.c.version_id == t.file.c.version_id)
    for some in files.slices(sorted({value for value, _ in wanted})):
        query = (
            FILES.add_columns(t.digest.c.value)
            .select_from(joined)
            .where(
                t.digest.c.value.in_(bindparam("values", expanding=True)),
                condition,
            )
        )
        for *row, value in connection.execute(query, {"values": some}):
            one = FileRow(*row)
            if (value, one.size) in wanted:
                found.setdefault((value, one.size), []).append(one)
    return found


def _anything_gone(connection: Connection) -> bool:
    return connection.execute(select(t.file.c.id).where(t.file.c.absent_us.is_not(None)).limit(1)).first() is not None


def carry(connection: Connection, moves: Sequence[tuple[FileRow, FileRow]], now_us: int) -> None:
    """Give (old, new) files' histories to the new ones, whose content is the same; the old rows go.

    What had been verified of the content stays so: it is the same content.
    """
    for old, new in moves:
        connection.execute(update(t.version).where(t.version.c.file_id == old.id).values(file_id=new.id))
        connection.execute(
            update(t.observation)
            .where(t.observation.c.file_id == old.id)
            .values(file_id=new.id, volume_id=new.volume_id)
        )
        connection.execute(update(t.claim).where(t.claim.c.file_id == old.id).values(file_id=None, version_id=None))
    old_folders = files.paths_of_folders(connection, {row.folder_id for pair in moves for row in pair})
    names = volumes.names(connection)
    files.remove(connection, [old for old, _ in moves])
    changes = []
    observations = []
    for old, new in moves:
        verified = new.verified_us or old.verified_us
        after = replace(new, first_seen_us=min(old.first_seen_us, new.first_seen_us), verified_us=verified)
        if verified is not None and new.integrity == Integrity.RECORDED.value:
            after = replace(after, integrity=Integrity.VERIFIED.value)
        changes.append((new, after))
        observations.append(
            {
                "at_us": now_us,
                "what": "moved",
                "volume_id": new.volume_id,
                "file_id": new.id,
                "version_id": new.version_id,
                "detail": {
                    "from": f"{names[old.volume_id]}:{join(old_folders[old.folder_id], old.name)}",
                    "to": f"{names[new.volume_id]}:{join(old_folders[new.folder_id], new.name)}",
                    "by": "content",
                },
            }
        )
    files.change(connection, changes)
    files.observe(connection, observations)


def pair(
    gone: Mapping[tuple[str, int], Sequence[FileRow]],
    came: Sequence[tuple[tuple[str, int], FileRow]],
    *,
    renamed: bool = True,
) -> list[tuple[FileRow, FileRow]]:
    """(old, new) of files with one content, each used once: those that kept their name, then with `renamed` others.

    Without `renamed` the new one was there before the old one went: it was moved there only if it came after the old
    one was known. Two that came together are two, as one cut that is turned over to sound and to colour.
    """
    left = {content: list(rows) for content, rows in gone.items()}
    pairs: list[tuple[FileRow, FileRow]] = []
    for same_name in (True, False) if renamed else (True,):
        taken = {new.id for _, new in pairs}
        for content, new in came:
            rows = left.get(content, [])
            fitting = (row for row in rows if row.id != new.id and (row.name == new.name or not same_name))
            old = next((row for row in fitting if renamed or new.first_seen_us > (row.recorded_us or 0)), None)
            if old is not None and new.id not in taken:
                rows.remove(old)
                pairs.append((old, new))
                taken.add(new.id)
    return pairs
