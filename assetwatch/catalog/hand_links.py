"""Which links did a person make or forbid, and what are they about once sequences are drawn up anew?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select, update

from assetwatch.catalog import tables as t
from assetwatch.catalog import things
from assetwatch.catalog.deliverables import LinkRow
from assetwatch.catalog.files import slices
from assetwatch.catalog.things import Thing
from assetwatch.paths import split

_RANGE_FIELD = re.compile(r"\[-?[0-9]+--?[0-9]+\]")


def drawn_anew(connection: Connection, deliverable_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Open links by hand whose sequence goes by another number now: link id -> its asset and path now."""
    links = [
        row
        for some in slices(list(deliverable_ids))
        for row in connection.execute(
            select(t.link.c.id, t.link.c.volume_id, t.link.c.asset, t.link.c.path).where(
                t.link.c.deliverable_id.in_(bindparam("ids", expanding=True)),
                t.link.c.ended_us.is_(None),
                t.link.c.how != "rule",
                t.link.c.asset.like("s%"),
            ),
            {"ids": some},
        )
    ]
    there = things.by_asset(connection, {row.asset for row in links}) if links else {}
    found: dict[int, tuple[str, str]] = {}
    for row in links:
        now = None if row.asset in there else _sequence_again(connection, row.volume_id, row.path)
        if now is not None:
            found[row.id] = (now.asset, now.path)
    return found


def said_by_hand(connection: Connection, deliverable_id: int) -> list[tuple[str, LinkRow]]:
    """What people linked or unlinked by hand and still holds, oldest first: the item's name, and the link."""
    query = (
        select(t.item.c.name, *t.link.c)
        .join_from(t.link, t.item, t.item.c.id == t.link.c.item_id)
        .where(t.link.c.deliverable_id == deliverable_id, t.link.c.how != "rule", t.link.c.ended_us.is_(None))
        .order_by(t.link.c.id)
    )
    return [(row[0], LinkRow(*row[1:])) for row in connection.execute(query)]


def repoint(connection: Connection, links: Mapping[int, tuple[str, str]]) -> None:
    """Have links be about another asset: id -> asset, path."""
    rows = [{"the_id": identity, "now": asset, "at": path} for identity, (asset, path) in links.items()]
    if rows:
        query = update(t.link).where(t.link.c.id == bindparam("the_id"))
        connection.execute(query.values(asset=bindparam("now"), path=bindparam("at")), rows)


def _sequence_again(connection: Connection, volume_id: int, path: str) -> Thing | None:
    """The sequence that goes by this name now, whatever its first and last frame; None where there is none or several.

    For one that was drawn up anew under another number, because it was gone for a while or was split.
    """
    folder, name = split(path)
    field = _RANGE_FIELD.search(name)
    if field is None:
        return None
    rows = connection.execute(
        select(t.sequence.c.id, t.sequence.c.name)
        .select_from(t.sequence.join(t.folder, t.folder.c.id == t.sequence.c.folder_id))
        .where(t.sequence.c.volume_id == volume_id, t.folder.c.path == folder)
    )
    alike = [
        identity
        for identity, other in rows
        if (match := _RANGE_FIELD.search(split(other)[1])) is not None
        and (match.string[: match.start()], match.string[match.end() :]) == (name[: field.start()], name[field.end() :])
    ]
    if len(alike) != 1:
        return None
    return things.by_asset(connection, [f"s{alike[0]}"]).get(f"s{alike[0]}")
