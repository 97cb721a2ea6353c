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


def arrived_us(connection: Connection, thing: Thing) -> int:
    """When a thing arrived, as far as that can be told."""
    came = thing.arrived_us
    if came - thing.changed_us >= _LIVE_US and _kind(connection, thing.volume_id) in _DATED:
        came = thing.changed_us
    return came if came >= thing.seen_us else max(came, _looked_us(connection, thing))


def _kind(connection: Connection, volume_id: int) -> str | None:
    """The kind of a volume's file system."""
    query = select(t.volume.c.file_system).where(t.volume.c.id == volume_id)
    return connection.execute(query).scalar_one_or_none()


def _looked_us(connection: Connection, thing: Thing) -> int:
    """When the last complete look at the volume began that did not find a thing; 0 where there was none."""
    query = (
        select(t.run.c.started_us)
        .where(
            t.run.c.kind == "scan",
            t.run.c.volume_id == thing.volume_id,
            t.run.c.complete == 1,
            t.run.c.started_us < thing.seen_us,
            t.run.c.finished_us < thing.seen_us,
        )
        .order_by(t.run.c.started_us.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none() or 0
