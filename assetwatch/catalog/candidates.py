"""Which files and sequences of the whole catalog may fit patterns that name no folder, by their names alone?

Names are cheap and things are not: a thing is put together only once its name is known to fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, or_, select

from assetwatch.catalog import tables as t
from assetwatch.model import FileKind
from assetwatch.paths import join

#: Beyond so many endings it is cheaper to look at every name than to have the database compare each with all.
_ENDINGS_MAX = 24


class Named(NamedTuple):
    """A thing by its names: a file's path; of a sequence its own name, and `first`, the path of its first frame."""

    asset: str
    path: str
    first: str | None


def names(connection: Connection, endings: Iterable[str], since_us: int | None = None) -> Iterator[Named]:
    """The files that stand alone, read or not, and the sequences, whose names end so, in any case.

    An empty ending is any. `since_us`: only those first seen since then (of a sequence its first frame).
    """
    wanted = sorted(set(endings))
    by_ending = [] if "" in wanted or len(wanted) > _ENDINGS_MAX else wanted
    alone = (
        select(t.file.c.id, t.folder.c.path, t.file.c.name)
        .select_from(t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id))
        .where(t.file.c.kind == FileKind.REGULAR.value, t.file.c.sequence_id.is_(None))
    )
    first = t.file.alias("first")
    together = select(t.sequence.c.id, t.folder.c.path, first.c.name, t.sequence.c.name).select_from(
        t.sequence.join(first, first.c.id == t.sequence.c.first_file_id).join(
            t.folder, t.folder.c.id == t.sequence.c.folder_id
        )
    )
    if by_ending:
        alone = alone.where(or_(*(t.file.c.name.iendswith(one, autoescape=True) for one in by_ending)))
        together = together.where(or_(*(first.c.name.iendswith(one, autoescape=True) for one in by_ending)))
    if since_us is not None:
        alone = alone.where(t.file.c.first_seen_us >= since_us)
        together = together.where(first.c.first_seen_us >= since_us)
    for identity, folder, name in connection.execute(alone.execution_options(yield_per=10_000)):
        yield Named(f"f{identity}", join(folder, name), None)
    for identity, folder, name, own in connection.execute(together.execution_options(yield_per=10_000)):
        yield Named(f"s{identity}", own, join(folder, name))


def meant_anywhere(connection: Connection) -> set[int]:
    """The deliverables for which files may be meant wherever they lie."""
    query = select(t.delivery_root.c.deliverable_id).where(t.delivery_root.c.root == "")
    return set(connection.execute(query).scalars())
