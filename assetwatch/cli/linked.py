"""Which files are for a deliverable, and which lie where one is expected and are for none?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import packages, queries, volumes
from assetwatch.catalog.queries import Filter, Listed
from assetwatch.delivery import kept
from assetwatch.delivery.hits import outermost
from assetwatch.errors import UsageError
from assetwatch.model import Presence

if TYPE_CHECKING:
    from sqlalchemy import Connection


def files_of(connection: Connection, wanted: Filter, key: str) -> Iterator[Listed]:
    """The files asked for that are linked to a deliverable. Raises UsageError where there is none of that id."""
    row = rows.by_key(connection, key)
    if row is None:
        raise UsageError(f"there is no deliverable {key!r}. `assetwatch deliverables` lists them.")
    if wanted.pattern is not None:
        return (one for one in queries.list_files(connection, wanted) if key in one.deliverables)
    return _linked(connection, wanted, row.id, key)


def _linked(connection: Connection, wanted: Filter, deliverable_id: int, key: str) -> Iterator[Listed]:
    names = volumes.names(connection)
    seen: set[int] = set()
    for volume_id, path in rows.linked_paths(connection, deliverable_id):
        volume = names.get(volume_id)
        if volume is None or wanted.volume not in (None, volume):
            continue
        for one in queries.list_files(connection, replace(wanted, pattern=path, volume=volume)):
            if key in one.deliverables and one.row.id not in seen:
                seen.add(one.row.id)
                yield one


def without_deliverable(connection: Connection, wanted: Filter) -> Iterator[Listed]:
    """The files asked for that lie below a folder that a deliverable claims, and that no item took.

    Senders' lists are no such files, and neither is what is gone.
    """
    claimed: set[str] = set()
    for one in kept.schedule_in(connection):
        claimed |= kept.claimed_by(one)
    lists = {
        (package.volume_id, path)
        for package in packages.all_packages(connection)
        for path, _ in json.loads(package.lists)
    }
    fits = None
    if wanted.pattern is not None:
        fits = {one.row.id for one in queries.list_files(connection, wanted)}
    for folder in outermost(claimed):
        for file in queries.list_files(connection, replace(wanted, pattern=folder)):
            below = file.path.startswith(folder + "/") and (fits is None or file.row.id in fits)
            is_list = (file.row.volume_id, file.path) in lists
            if below and not is_list and not file.deliverables and file.presence != Presence.MISSING.value:
                yield file
