"""When did a thing arrive, where nobody looked while it did?

What is found by the first scan of a volume, or after a time without a daemon, may have lain there for long. Its bytes
were there when their file was last changed on that disk (ctime), and not yet when the last look before the one that
found it began: the later of the two is when it came, and never later than it was seen whole.
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

#: What is seen within this of its last change was seen as it came.
_LIVE_US: Final = 60_000_000


def arrived_us(connection: Connection, thing: Thing) -> int:
    """When a thing arrived, as far as that can be told."""
    if thing.arrived_us - thing.changed_us < _LIVE_US:
        return thing.arrived_us
    kind = connection.execute(
        select(t.volume.c.file_system).where(t.volume.c.id == thing.volume_id)
    ).scalar_one_or_none()
    if kind not in _DATED:
        return thing.arrived_us
    looked = connection.execute(
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
    ).scalar_one_or_none()
    return min(thing.arrived_us, max(thing.changed_us, looked or 0))
