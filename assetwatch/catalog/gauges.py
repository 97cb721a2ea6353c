"""Which numbers does a monitoring ask for? All from totals, indexes and small tables: no file is counted one by one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from assetwatch.catalog import checks, health, queries, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.health import Pulse


class Gauges(NamedTuple):
    """What the catalog holds at one moment. Instants in microseconds; what never was is not there, or None."""

    pulse: Pulse
    tallies: list[tuple[int, str, str, int, int]]  #: volume id, presence, integrity, files, bytes
    oldest_check_us: Mapping[int, int]  #: volume id -> when the file was read that was not read for longest
    last_sweep: Mapping[str, Any] | None
    alerts: Mapping[str, int]  #: kind -> how many hold
    room: Mapping[int, tuple[int, int]]  #: volume id -> bytes in all, and free, as last noted
    doing: Mapping[str, Any]  #: what the daemon last said of itself


def gauges(connection: Connection) -> Gauges:
    """Read all of them."""
    pulse = health.pulse(connection)
    oldest = {row.id: checks.oldest_check_us(connection, [row.id], None) for row in pulse.volumes}
    return Gauges(
        pulse=pulse,
        tallies=queries.tallies(connection),
        oldest_check_us={identity: us for identity, us in oldest.items() if us is not None},
        last_sweep=queries.last_run(connection, "verify"),
        alerts=Counter(one.kind for one in volumes.open_alerts(connection)),
        room=_room(connection),
        doing=json.loads(pulse.keeper.doing) if pulse.keeper is not None else {},
    )


def _room(connection: Connection) -> dict[int, tuple[int, int]]:
    newest = select(t.capacity.c.volume_id, func.max(t.capacity.c.at_us).label("at_us")).group_by(
        t.capacity.c.volume_id
    )
    last = newest.subquery()
    rows = connection.execute(
        select(t.capacity.c.volume_id, t.capacity.c.total, t.capacity.c.free).select_from(
            t.capacity.join(last, (last.c.volume_id == t.capacity.c.volume_id) & (last.c.at_us == t.capacity.c.at_us))
        )
    )
    return {volume_id: (int(total), int(free)) for volume_id, total, free in rows}
