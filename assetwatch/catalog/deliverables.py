"""What was promised, what is linked to it, what did people say of it? Schedules, links, decisions, written and asked.

Nothing here is ever deleted but the folders to look into: what an import no longer names is dated, and so is a link
that ended.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, exists, func, insert, select, update

from assetwatch.catalog import tables as t
from assetwatch.catalog.files import slices
from assetwatch.catalog.rows import FileRow
from assetwatch.paths import split


class DeliverableRow(msgspec.Struct, frozen=True):
    """One row of `deliverable`, in the order of its columns."""

    id: int
    key: str
    position: int
    name: str
    kind: str
    sender: str
    receiver: str
    due_us: int | None
    original_due_us: int | None
    terms: str
    imported_us: int
    removed_us: int | None
    stale: int
    agreement: str | None


class ItemRow(msgspec.Struct, frozen=True):
    """One row of `item`, in the order of its columns."""

    id: int
    deliverable_id: int
    position: int
    name: str
    terms: str
    removed_us: int | None
    found: str


class LinkRow(msgspec.Struct, frozen=True):
    """One row of `link`, in the order of its columns."""

    id: int
    item_id: int
    deliverable_id: int
    volume_id: int
    asset: str
    path: str
    content: int
    role: str
    how: str
    who: str
    at_us: int
    ended_us: int | None


class DecisionRow(msgspec.Struct, frozen=True):
    """One row of `decision`, in the order of its columns."""

    id: int
    deliverable_id: int
    at_us: int
    who: str
    word: str
    why: str | None
    item: str | None
    due_us: int | None
    contents: str


class Scheduled(NamedTuple):
    """A deliverable as an import gives it: its columns, and (name, terms) of its items in their order."""

    key: str
    name: str
    kind: str
    sender: str
    receiver: str
    due_us: int | None
    terms: str
    items: Sequence[tuple[str, str]]
    roots: Sequence[str]


# -- schedule ---------------------------------------------------------------------------------------------------


def any_scheduled(connection: Connection) -> bool:
    """Whether a schedule was ever imported."""
    return connection.execute(select(t.deliverable.c.id).limit(1)).first() is not None


def all_deliverables(connection: Connection, *, removed: bool = False) -> list[DeliverableRow]:
    """The deliverables of the present schedule in its order; with `removed` those of earlier ones too."""
    query = select(*t.deliverable.c).order_by(t.deliverable.c.position, t.deliverable.c.id)
    if not removed:
        query = query.where(t.deliverable.c.removed_us.is_(None))
    return [DeliverableRow(*row) for row in connection.execute(query)]


def by_key(connection: Connection, key: str) -> DeliverableRow | None:
    """The deliverable with this id of the schedule, also one that an import removed."""
    row = connection.execute(select(*t.deliverable.c).where(t.deliverable.c.key == key)).first()
    return None if row is None else DeliverableRow(*row)


def items_of(
    connection: Connection, deliverable_ids: Sequence[int] | None = None, *, brief: bool = False
) -> dict[int, list[ItemRow]]:
    """Deliverable id -> its present items in their order; of all where no ids are given.

    `brief`: what was found only as far as it says where an item stands by its files; in full where somebody decided.
    """
    found: dict[int, list[ItemRow]] = defaultdict(list)
    said: ColumnElement[str] = t.item.c.found
    if brief:
        decided = select(t.decision.c.deliverable_id).where(t.decision.c.deliverable_id == t.item.c.deliverable_id)
        said = case((exists(decided), t.item.c.found), else_=func.coalesce(t.item.c.brief, t.item.c.found))
    query = (
        select(*_ITEM, said)
        .where(t.item.c.removed_us.is_(None))
        .order_by(t.item.c.deliverable_id, t.item.c.position, t.item.c.id)
    )
    for row in _of(connection, query, t.item.c.deliverable_id, deliverable_ids):
        found[row.deliverable_id].append(ItemRow(*row))
    return found


_ITEM = (
    *(t.item.c.id, t.item.c.deliverable_id, t.item.c.position, t.item.c.name, t.item.c.terms),
    t.item.c.removed_us,
)


def apply(connection: Connection, schedule: Sequence[Scheduled], now_us: int) -> None:
    """Put a schedule in force. What is not in it is dated as removed; a date that moves keeps the first one."""
    known = {row.key: row for row in all_deliverables(connection, removed=True)}
    for position, one in enumerate(schedule):
        before = known.get(one.key)
        values: dict[str, Any] = {
            "position": position,
            "name": one.name,
            "kind": one.kind,
            "sender": one.sender,
            "receiver": one.receiver,
            "due_us": one.due_us,
            "terms": one.terms,
            "removed_us": None,
            "stale": 1,
        }
        if before is None:
            identity = connection.execute(
                insert(t.deliverable).values(key=one.key, imported_us=now_us, **values).returning(t.deliverable.c.id)
            ).scalar_one()
        else:
            identity = before.id
            if before.due_us != one.due_us and before.original_due_us is None:
                values["original_due_us"] = before.due_us
            connection.execute(update(t.deliverable).where(t.deliverable.c.id == identity).values(**values))
        _apply_items(connection, identity, one.items, now_us)
        _set_roots(connection, identity, one.roots)
    named = {one.key for one in schedule}
    for row in known.values():
        if row.key not in named and row.removed_us is None:
            connection.execute(
                update(t.deliverable).where(t.deliverable.c.id == row.id).values(removed_us=now_us, stale=0)
            )
            _set_roots(connection, row.id, ())


def _apply_items(connection: Connection, deliverable_id: int, items: Sequence[tuple[str, str]], now_us: int) -> None:
    rows = connection.execute(select(*_ITEM, t.item.c.found).where(t.item.c.deliverable_id == deliverable_id))
    known = {row.name: ItemRow(*row) for row in rows}
    for position, (name, terms) in enumerate(items):
        before = known.get(name)
        if before is None:
            connection.execute(
                insert(t.item).values(deliverable_id=deliverable_id, position=position, name=name, terms=terms)
            )
        elif (before.position, before.terms, before.removed_us) != (position, terms, None):
            connection.execute(
                update(t.item).where(t.item.c.id == before.id).values(position=position, terms=terms, removed_us=None)
            )
    names = {name for name, _ in items}
    gone = [row.id for row in known.values() if row.name not in names and row.removed_us is None]
    if gone:
        connection.execute(update(t.item).where(t.item.c.id.in_(gone)).values(removed_us=now_us))
        connection.execute(
            update(t.link)
            .where(t.link.c.item_id.in_(gone), t.link.c.ended_us.is_(None), t.link.c.how == "rule")
            .values(ended_us=now_us)
        )


def _set_roots(connection: Connection, deliverable_id: int, roots: Iterable[str]) -> None:
    by_hand = connection.execute(
        select(t.link.c.path).where(
            t.link.c.deliverable_id == deliverable_id, t.link.c.ended_us.is_(None), t.link.c.how == "hand"
        )
    ).scalars()
    wanted = {*roots, *(path.rpartition("/")[0] for path in by_hand)}
    connection.execute(delete(t.delivery_root).where(t.delivery_root.c.deliverable_id == deliverable_id))
    if wanted:
        connection.execute(
            insert(t.delivery_root), [{"root": root, "deliverable_id": deliverable_id} for root in sorted(wanted)]
        )


def add_root(connection: Connection, deliverable_id: int, root: str) -> None:
    """Have changes below a folder looked at for a deliverable, as a link by hand needs."""
    there = connection.execute(
        select(t.delivery_root.c.root).where(
            t.delivery_root.c.deliverable_id == deliverable_id, t.delivery_root.c.root == root
        )
    ).first()
    if there is None:
        connection.execute(insert(t.delivery_root).values(root=root, deliverable_id=deliverable_id))


# -- what is found ----------------------------------------------------------------------------------------------


def stale(connection: Connection, limit: int) -> list[DeliverableRow]:
    """Deliverables that have to be compared with the catalog, `limit` of them at most."""
    query = select(*t.deliverable.c).where(t.deliverable.c.stale > 0).order_by(t.deliverable.c.id).limit(limit)
    return [DeliverableRow(*row) for row in connection.execute(query)]


def claim(connection: Connection, deliverable_ids: Sequence[int]) -> None:
    """Note that these are compared from now on: what changes before that is done makes them stale again."""
    connection.execute(update(t.deliverable).where(t.deliverable.c.id.in_(deliverable_ids)).values(stale=2))


def set_found(
    connection: Connection, deliverable_id: int, agreement: str | None, found: Mapping[int, tuple[str, str | None]]
) -> None:
    """Keep what a comparison found: item id -> JSON, in full and in brief.

    Up to date is what did not become stale in the meantime.
    """
    here = t.deliverable.c.id == deliverable_id
    connection.execute(update(t.deliverable).where(here).values(agreement=agreement))
    connection.execute(update(t.deliverable).where(here, t.deliverable.c.stale == 2).values(stale=0))
    rows = [{"the_id": identity, "said": said, "short": short} for identity, (said, short) in found.items()]
    if rows:
        connection.execute(
            update(t.item)
            .where(t.item.c.id == bindparam("the_id"))
            .values(found=bindparam("said"), brief=bindparam("short")),
            rows,
        )


def doubt(connection: Connection, deliverable_id: int) -> None:
    """Have a deliverable compared with the catalog anew."""
    connection.execute(update(t.deliverable).where(t.deliverable.c.id == deliverable_id).values(stale=1))


# -- links ------------------------------------------------------------------------------------------------------


def links_of(connection: Connection, deliverable_ids: Sequence[int]) -> dict[int, list[LinkRow]]:
    """Item id -> its open links, those by which something was refused too."""
    found: dict[int, list[LinkRow]] = defaultdict(list)
    query = select(*t.link.c).where(t.link.c.ended_us.is_(None)).order_by(t.link.c.id)
    for row in _of(connection, query, t.link.c.deliverable_id, deliverable_ids):
        found[row.item_id].append(LinkRow(*row))
    return found


def history_of(connection: Connection, deliverable_id: int) -> list[LinkRow]:
    """Every link that a deliverable ever had, oldest first."""
    query = select(*t.link.c).where(t.link.c.deliverable_id == deliverable_id).order_by(t.link.c.id)
    return [LinkRow(*row) for row in connection.execute(query)]


def add_links(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Enter links, given by column."""
    if rows:
        connection.execute(insert(t.link), [dict(row) for row in rows])


def end_links(connection: Connection, link_ids: Iterable[int], now_us: int) -> None:
    """Date the end of links."""
    for some in slices(sorted(link_ids)):
        connection.execute(
            update(t.link).where(t.link.c.id.in_(bindparam("ids", expanding=True))).values(ended_us=now_us),
            {"ids": some},
        )


def set_roles(connection: Connection, roles: Mapping[int, str]) -> None:
    """Say what linked things are to their items: link id -> role."""
    rows = [{"the_id": identity, "said": role} for identity, role in roles.items()]
    if rows:
        connection.execute(
            update(t.link).where(t.link.c.id == bindparam("the_id")).values(role=bindparam("said")), rows
        )


def keys_of_assets(connection: Connection, assets: Iterable[str]) -> dict[str, list[str]]:
    """Asset -> ids of the deliverables that it is linked to."""
    found: dict[str, list[str]] = defaultdict(list)
    for some in slices(sorted(set(assets))):
        rows = connection.execute(
            select(t.link.c.asset, t.deliverable.c.key)
            .select_from(t.link.join(t.deliverable, t.deliverable.c.id == t.link.c.deliverable_id))
            .where(
                t.link.c.asset.in_(bindparam("assets", expanding=True)),
                t.link.c.ended_us.is_(None),
                t.link.c.how != "never",
                t.deliverable.c.removed_us.is_(None),
            )
            .order_by(t.deliverable.c.position),
            {"assets": some},
        )
        for asset, key in rows:
            if key not in found[asset]:
                found[asset].append(key)
    return found


def keys_of_files(
    connection: Connection, volume_id: int, found: Sequence[tuple[str, FileRow]]
) -> dict[int, tuple[str, ...]]:
    """File id -> ids of the deliverables that it, its sequence or a folder above it is linked to.

    Of files of one volume, given as (folder's path, row).
    """
    if not any_scheduled(connection):
        return {}
    assets: dict[int, list[str]] = {}
    for folder, row in found:
        assets[row.id] = [f"f{row.id}" if row.sequence_id is None else f"s{row.sequence_id}"]
        while folder:
            assets[row.id].append(f"d{volume_id}:{folder}")
            folder = split(folder)[0]
    keys = keys_of_assets(connection, {asset for some in assets.values() for asset in some})
    return {
        file_id: tuple(dict.fromkeys(key for asset in some for key in keys.get(asset, ())))
        for file_id, some in assets.items()
        if any(asset in keys for asset in some)
    }


def linked_paths(connection: Connection, deliverable_id: int) -> list[tuple[int, str]]:
    """(volume id, path) of the things that are linked to a deliverable now."""
    rows = connection.execute(
        select(t.link.c.volume_id, t.link.c.path)
        .where(t.link.c.deliverable_id == deliverable_id, t.link.c.ended_us.is_(None), t.link.c.how != "never")
        .distinct()
        .order_by(t.link.c.volume_id, t.link.c.path)
    )
    return [(volume_id, path) for volume_id, path in rows]


def ambiguous(connection: Connection) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """Things that more than one item took: (volume id, path, [(deliverable, item)])."""
    several = (
        select(t.link.c.asset)
        .where(t.link.c.ended_us.is_(None), t.link.c.how == "rule", t.link.c.role != "source")
        .group_by(t.link.c.asset)
        .having(func.count(func.distinct(t.link.c.item_id)) > 1)
    )
    rows = connection.execute(
        select(t.link.c.volume_id, t.link.c.path, t.link.c.asset, t.deliverable.c.key, t.item.c.name)
        .select_from(
            t.link.join(t.item, t.item.c.id == t.link.c.item_id).join(
                t.deliverable, t.deliverable.c.id == t.link.c.deliverable_id
            )
        )
        .where(
            t.link.c.ended_us.is_(None),
            t.link.c.how == "rule",
            t.link.c.role != "source",
            t.link.c.asset.in_(several),
        )
        .order_by(t.link.c.path, t.deliverable.c.position, t.item.c.position)
    )
    found: dict[str, tuple[int, str, list[tuple[str, str]]]] = {}
    for volume_id, path, asset, key, name in rows:
        wanted = found.setdefault(asset, (volume_id, path, []))[2]
        if (key, name) not in wanted:
            wanted.append((key, name))
    return [one for one in found.values() if len(one[2]) > 1]


# -- decisions --------------------------------------------------------------------------------------------------


def decisions_of(connection: Connection, deliverable_ids: Sequence[int] | None = None) -> dict[int, list[DecisionRow]]:
    """Deliverable id -> what was decided of it, oldest first."""
    found: dict[int, list[DecisionRow]] = defaultdict(list)
    query = select(*t.decision.c).order_by(t.decision.c.id)
    for row in _of(connection, query, t.decision.c.deliverable_id, deliverable_ids):
        found[row.deliverable_id].append(DecisionRow(*row))
    return found


def decide(
    connection: Connection,
    deliverable_id: int,
    now_us: int,
    who: str,
    word: str,
    *,
    why: str | None = None,
    item: str | None = None,
    due_us: int | None = None,
    contents: Sequence[tuple[str, str, int, str | None]] = (),
) -> None:
    """Append a person's word, said of exactly these contents: (item, path, content, digest)."""
    connection.execute(
        insert(t.decision).values(
            deliverable_id=deliverable_id,
            at_us=now_us,
            who=who,
            word=word,
            why=why,
            item=item,
            due_us=due_us,
            contents=json.dumps([list(one) for one in contents], ensure_ascii=False),
        )
    )


def _of(connection: Connection, query: Any, column: Any, ids: Sequence[int] | None) -> Iterable[Any]:
    """The rows of a query for some ids, or for all."""
    if ids is None:
        yield from connection.execute(query)
        return
    for some in slices(list(ids)):
        yield from connection.execute(query.where(column.in_(bindparam("ids", expanding=True))), {"ids": some})
