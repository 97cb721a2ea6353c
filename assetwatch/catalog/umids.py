"""Which things in the catalog have one of these UMIDs (SMPTE ST 330) or reels in their media, whatever their names?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import JSON, ColumnElement, Connection, bindparam, cast, func, or_, select

from assetwatch.catalog import tables as t
from assetwatch.catalog import things
from assetwatch.catalog.files import slices
from assetwatch.catalog.things import Thing


def with_umid(connection: Connection, umids: Iterable[str]) -> list[Thing]:
    """The files and sequences whose media facts tell one of these UMIDs, hexadecimal in lower case.

    Goes through the facts of all media: to be asked only about what is found in no other way.
    """
    return _telling(connection, ("umid", "file_umid"), umids)


def with_reel(connection: Connection, reels: Iterable[str]) -> list[Thing]:
    """The files and sequences whose media facts tell one of these reels or tapes, in lower case; as slow as by UMID."""
    return _telling(connection, ("reel", "tape"), reels)


def _telling(connection: Connection, names: Sequence[str], values: Iterable[str]) -> list[Thing]:
    """The files and sequences of whose other facts one of these names has one of these values."""
    said = [func.lower(_fact(connection.dialect.name, name)) for name in names]
    assets: set[str] = set()
    for some in slices(sorted(set(values))):
        rows = connection.execute(
            select(t.file.c.id, t.file.c.sequence_id)
            .select_from(t.media.join(t.file, t.file.c.version_id == t.media.c.version_id))
            .where(t.media.c.facts.is_not(None), or_(*(one.in_(bindparam("values", expanding=True)) for one in said))),
            {"values": some},
        )
        assets |= {f"f{identity}" if sequence is None else f"s{sequence}" for identity, sequence in rows}
    return [thing for _, thing in sorted(things.by_asset(connection, assets).items())]


def _fact(dialect: str, name: str) -> ColumnElement[str]:
    """One of a file's other facts, out of the JSON that they are kept in."""
    if dialect == "sqlite":
        return func.json_extract(t.media.c.facts, f"$.other.{name}")
    return func.json_extract_path_text(cast(t.media.c.facts, JSON), "other", name)
