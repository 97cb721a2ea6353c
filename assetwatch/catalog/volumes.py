"""How are volumes, their keepers, their runs and their alerts written into the catalog?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from assetwatch.catalog import tables as t
from assetwatch.catalog.files import insert_or_update
from assetwatch.catalog.rows import VOLUMES, VolumeRow, volume_rows
from assetwatch.paths import shown


def all_volumes(connection: Connection) -> list[VolumeRow]:
    """Every volume that was ever watched, by name."""
    return volume_rows(connection, VOLUMES.order_by(t.volume.c.name))


def names(connection: Connection) -> dict[int, str]:
    """Volume id -> name."""
    return {row.id: row.name for row in connection.execute(select(t.volume.c.id, t.volume.c.name))}


def ensure(connection: Connection, name: str, root: str, project: str | None) -> VolumeRow:
    """The volume of this name; entered if it is new, its root and project brought up to date."""
    found = volume_rows(connection, VOLUMES.where(t.volume.c.name == name))
    if not found:
        new = insert_or_update(connection, t.volume).values(name=name, root=root, project=project)
        connection.execute(new.on_conflict_do_nothing(index_elements=["name"]))  # another daemon may be as quick
    elif (found[0].root, found[0].project) != (root, project):
        connection.execute(update(t.volume).where(t.volume.c.id == found[0].id).values(root=root, project=project))
    else:
        return found[0]
    return volume_rows(connection, VOLUMES.where(t.volume.c.name == name))[0]


def set_values(connection: Connection, volume_id: int, values: Mapping[str, Any]) -> None:
    """Write columns of one volume."""
    if values:
        connection.execute(update(t.volume).where(t.volume.c.id == volume_id).values(**values))


def known_files(connection: Connection, volume_id: int) -> int:
    """How many files the catalog believes to be on the volume."""
    rows = connection.execute(
        select(t.tally.c.files).where(t.tally.c.volume_id == volume_id, t.tally.c.presence != "missing")
    )
    return sum(rows.scalars())


# -- keepers ----------------------------------------------------------------------------------------------------


class KeeperRow(msgspec.Struct, frozen=True):
    """One row of `keeper`, in the order of its columns."""

    id: int
    kind: str
    host: str
    pid: int
    boot_id: str
    version: str
    started_us: int
    beat_us: int
    stopped_us: int | None
    doing: str


def enter_keeper(connection: Connection, values: Mapping[str, Any]) -> int:
    """Note that a daemon or a scan begins; its id."""
    result = connection.execute(insert(t.keeper).values(**values).returning(t.keeper.c.id))
    return int(result.scalar_one())


def beat(connection: Connection, keeper_id: int, now_us: int, doing: Mapping[str, Any]) -> None:
    """Say that the keeper is alive, and what it is doing."""
    connection.execute(
        update(t.keeper)
        .where(t.keeper.c.id == keeper_id)
        .values(beat_us=now_us, doing=json.dumps(doing, ensure_ascii=False))
    )


def leave_keeper(connection: Connection, keeper_id: int, now_us: int) -> None:
    """Note that a daemon or a scan ended of its own will, and gave its volumes back."""
    connection.execute(
        update(t.keeper).where(t.keeper.c.id == keeper_id).values(stopped_us=now_us, beat_us=now_us, doing="{}")
    )
    connection.execute(update(t.volume).where(t.volume.c.keeper_id == keeper_id).values(keeper_id=None))


def keeper(connection: Connection, keeper_id: int) -> KeeperRow | None:
    """One keeper by id."""
    row = connection.execute(select(*t.keeper.c).where(t.keeper.c.id == keeper_id)).first()
    return KeeperRow(*row) if row else None


def latest_keeper(connection: Connection, kind: str) -> KeeperRow | None:
    """The newest keeper of a kind, running or not."""
    query = select(*t.keeper.c).where(t.keeper.c.kind == kind).order_by(t.keeper.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return KeeperRow(*row) if row else None


def running_keepers(connection: Connection, kind: str) -> list[KeeperRow]:
    """The keepers of a kind that did not say that they ended, newest first."""
    query = select(*t.keeper.c).where(t.keeper.c.kind == kind, t.keeper.c.stopped_us.is_(None))
    return [KeeperRow(*row) for row in connection.execute(query.order_by(t.keeper.c.id.desc()))]


# -- runs and alerts --------------------------------------------------------------------------------------------


def begin_run(connection: Connection, values: Mapping[str, Any]) -> int:
    """Note that a scan, verification or report begins; its id."""
    return int(connection.execute(insert(t.run).values(**values).returning(t.run.c.id)).scalar_one())


def end_run(connection: Connection, run_id: int, now_us: int, *, complete: bool, counts: Mapping[str, Any]) -> None:
    """Note how a run ended."""
    connection.execute(
        update(t.run)
        .where(t.run.c.id == run_id)
        .values(finished_us=now_us, complete=int(complete), counts=json.dumps(counts, ensure_ascii=False))
    )


#: Alerts about what stands on its own elsewhere: a page that tells of files, deliverables and messages leaves them out.
DERIVED_ALERTS = frozenset({"mismatch", "deliverable_failed", "deliverable_late", "sending_failed"})


class AlertRow(msgspec.Struct, frozen=True):
    """One row of `alert`, in the order of its columns."""

    id: int
    key: str
    kind: str
    volume_id: int | None
    opened_us: int
    closed_us: int | None
    text: str
    said_us: int | None
    ok_said_us: int | None
    level: int | None
    said_level: int | None


def alert_sentence(text: str, volume: str | None) -> str:
    """What holds, for a person, with the volume's name in front where the alert's own words do not begin with it."""
    told = shown(text)
    if volume is None:
        return told
    name = shown(volume)
    return told if told.startswith((f"volume {name}", f"{name}:")) else f"volume {name}: {told}"


def open_alert(
    connection: Connection,
    key: str,
    kind: str,
    volume_id: int | None,
    now_us: int,
    text: str,
    level: int | None = None,
) -> bool:
    """Say that a condition holds; whether this is news. Text and level are brought up to date while it lasts."""
    found = connection.execute(
        select(t.alert.c.id, t.alert.c.text, t.alert.c.level).where(t.alert.c.key == key, t.alert.c.closed_us.is_(None))
    ).first()
    said = {"text": text, "level": level}
    if found is None:
        new = insert_or_update(connection, t.alert).on_conflict_do_nothing()  # another daemon may be as quick
        values = {"key": key, "kind": kind, "volume_id": volume_id, "opened_us": now_us, **said}
        return connection.execute(new.values(**values).returning(t.alert.c.id)).first() is not None
    if (found.text, found.level) != (text, level):
        connection.execute(update(t.alert).where(t.alert.c.id == found.id).values(**said))
    return False


def close_alert(connection: Connection, key: str, now_us: int) -> bool:
    """Say that a condition is over; whether it held until now."""
    result = connection.execute(
        update(t.alert).where(t.alert.c.key == key, t.alert.c.closed_us.is_(None)).values(closed_us=now_us)
    )
    return result.rowcount > 0


def open_alerts(connection: Connection) -> Sequence[AlertRow]:
    """The conditions that hold now, oldest first."""
    query = select(*t.alert.c).where(t.alert.c.closed_us.is_(None)).order_by(t.alert.c.opened_us)
    return [AlertRow(*row) for row in connection.execute(query)]
