"""Which things in the catalog have one of these UMIDs (SMPTE ST 330) or reels in their media, whatever their names?"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, select

from assetwatch.catalog import tables as t
from assetwatch.catalog import things
from assetwatch.catalog.files import slices
from assetwatch.catalog.things import Thing


def with_umid(connection: Connection, umids: Iterable[str]) -> list[Thing]:
    """The files and sequences whose media facts tell one of these UMIDs, hexadecimal in lower case."""
    return _called(connection, ("umid", "file_umid"), umids)


def with_reel(connection: Connection, reels: Iterable[str]) -> list[Thing]:
    """The files and sequences whose media facts tell one of these reels or tapes, in lower case."""
    return _called(connection, ("reel", "tape"), reels)


def _called(connection: Connection, kinds: tuple[str, ...], names: Iterable[str]) -> list[Thing]:
    assets: set[str] = set()
    # By the version: a file is not found by its content's id.
    joined = t.media_name.join(t.version, t.version.c.id == t.media_name.c.version_id).join(
        t.file, and_(t.file.c.id == t.version.c.file_id, t.file.c.version_id == t.version.c.id)
    )
    query = (
        select(t.file.c.id, t.file.c.sequence_id)
        .select_from(joined)
        .where(t.media_name.c.name.in_(bindparam("names", expanding=True)), t.media_name.c.kind.in_(kinds))
    )
    for some in slices(sorted(set(names))):
        rows = connection.execute(query, {"names": some})
        assets |= {f"f{identity}" if sequence is None else f"s{sequence}" for identity, sequence in rows}
    return [thing for _, thing in sorted(things.by_asset(connection, assets).items())]
