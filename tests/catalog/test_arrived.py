"""Is a thing that nobody saw come said to have come when it did, as far as its disk tells?"""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from assetwatch.catalog import tables as t
from assetwatch.catalog import volumes
from assetwatch.catalog.arrived import Arrivals
from assetwatch.catalog.engine import Database
from assetwatch.catalog.things import Thing
from assetwatch.model import Integrity, Presence

MINUTE = 60_000_000
SEEN = 1_000_000 * MINUTE


def thing(volume_id: int, changed_us: int) -> Thing:
    """A file that was first seen at SEEN and settled a minute later."""
    states = (Presence.PRESENT.value, Integrity.RECORDED.value)
    return Thing(
        *("f1", volume_id, "a.mov", "a.mov", 1, 1, *states, SEEN + MINUTE, None, False, False, None, (1,)),
        seen_us=SEEN,
        changed_us=changed_us,
    )


@pytest.mark.parametrize(
    ("kind", "changed", "looks", "came"),
    [
        ("ext4", -600, [], -600),  # the first look at the volume: its disk says when
        ("nfs4", -600, [], -600),
        ("exfat", -600, [], 1),  # has no ctime of its own
        (None, -600, [], 1),
        ("ext4", -600, [(-20, -19, 1)], -20),  # moved here with what it was: it was not here at the last look
        ("ext4", -600, [(-20, -19, 0)], -600),  # that look did not see all
        ("ext4", -600, [(-1, 5, 1)], -600),  # the look that found it
        ("ext4", -10, [(-900, -890, 1), (-20, -19, 1)], -10),
        ("ext4", 90, [], 1),  # changed since, and never later than it was seen whole
        ("exfat", 90, [(-20, -19, 1)], 1),
    ],
)
def test_when_it_came(
    database: Database, kind: str | None, changed: int, looks: list[tuple[int, int, int]], came: int
) -> None:
    """Minutes from when it was first seen; a look is its begin, its end, and whether it was complete."""
    with database.write() as connection:
        volume = volumes.ensure(connection, "V", "/nowhere", None)
        connection.execute(update(t.volume).values(file_system=kind))
        for begin, end, complete in looks:
            connection.execute(
                insert(t.run).values(
                    kind="scan",
                    volume_id=volume.id,
                    why="start",
                    host="h",
                    version="1",
                    started_us=SEEN + begin * MINUTE,
                    finished_us=SEEN + end * MINUTE,
                    complete=complete,
                )
            )
        found = Arrivals(connection).of(thing(volume.id, SEEN + changed * MINUTE))
    assert (found - SEEN) // MINUTE == came
