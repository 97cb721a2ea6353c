"""When did a thing arrive, where nobody looked while it did?

What is found by the first scan of a volume, or after a time without a daemon, may have lain there for long. Its bytes
were there when their file was last changed on that disk (ctime), and not yet when the last look before the one that
found it began: the later of the two is when it came.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select

from assetwatch.catalog import tables as t
from assetwatch.catalog.things import Thing

#: File systems whose ctime is set at each change by the clock of this machine or of the server, and cannot be set back.
_DATED: Final = frozenset(
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "nilfs2", "reiserfs", "tmpfs", "overlay"]
) | frozenset(["nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "beegfs", "gfs2", "ocfs2", "ntfs3", "hfsplus"])

#: What is seen whole within this of its last change was seen as it came.
_LIVE_US: Final = 60_000_000


class Arrivals:
    """When things arrived, as far as that can be told. One for many things: it asks the catalog for nothing twice."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds: dict[int, str | None] | None = None
        self._looks: dict[tuple[int, int], int] = {}

    def of(self, thing: Thing) -> int:
        """When a thing arrived, in microseconds."""
        came = thing.arrived_us
        if came - thing.changed_us >= _LIVE_US and self._kind(thing.volume_id) in _DATED:
            came = thing.changed_us
        return came if came >= thing.seen_us else max(came, self._looked_us(thing.volume_id, thing.seen_us))

    def _kind(self, volume_id: int) -> str | None:
        """The kind of a volume's file system."""
        if self._kinds is None:
            known = self._connection.execute(select(t.volume.c.id, t.volume.c.file_system)).all()
            self._kinds = {row.id: row.file_system for row in known}
        return self._kinds.get(volume_id)

    def _looked_us(self, volume_id: int, seen_us: int) -> int:
        """When the last complete look at a volume began that did not find what was seen then; 0: there was none."""
        key = (volume_id, seen_us)
        if key not in self._looks:
            query = (
                select(t.run.c.started_us)
                .where(
                    t.run.c.kind == "scan",
                    t.run.c.volume_id == volume_id,
                    t.run.c.complete == 1,
                    t.run.c.started_us < seen_us,
                    t.run.c.finished_us < seen_us,
                )
                .order_by(t.run.c.started_us.desc())
                .limit(1)
            )
            self._looks[key] = self._connection.execute(query).scalar_one_or_none() or 0
        return self._looks[key]
