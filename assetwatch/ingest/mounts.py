"""Which mount is a path on, and what can be expected of its kind of file system?

Facts of the table from proc_pid_mountinfo(5).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

_OCTAL = re.compile(rb"\\([0-7]{3})")

#: File systems that only this machine changes, so that inotify hears everything.
_NATIVE: Final = frozenset(
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "nilfs2", "reiserfs", "tmpfs"]
) | frozenset(
    ["ramfs", "overlay", "ntfs3", "hfs", "hfsplus", "vfat", "msdos", "exfat", "udf", "iso9660", "squashfs", "erofs"]
)
#: Of these, the ones whose ctime is not one: FAT and exFAT keep none, and the kernel shows the mtime, which copy
#: tools set back; HFS and the read-only ones have none that a copy could move.
_NO_CTIME: Final = frozenset(["vfat", "msdos", "exfat", "hfs", "udf", "iso9660", "squashfs", "erofs"])


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table; texts are decoded as file names (surrogateescape).

    `device` is `major:minor`; `root` is the directory of the file system that is mounted, `/` but for bind mounts
    and subvolumes; `source` is what was mounted: a device, `server:/export`, a dataset.
    """

    mount_id: int
    parent_id: int
    device: str
    root: str
    mount_point: str
    fs_type: str
    source: str


def parse_mountinfo(table: bytes) -> tuple[Mount, ...]:
    """The mounts in the text of /proc/PID/mountinfo, in its order; lines that cannot be read are left out."""
    mounts = []
    for line in table.split(b"\n"):
        before, separator, after = line.partition(b" - ")
        first, last = before.split(b" "), after.split(b" ")
        if not separator or len(first) < 6 or len(last) < 2 or not (first[0] + first[1]).isdigit():
            continue
        mounts.append(
            Mount(
                mount_id=int(first[0]),
                parent_id=int(first[1]),
                device=first[2].decode("ascii", "replace"),
                root=_unescaped(first[3]),
                mount_point=_unescaped(first[4]),
                fs_type=_unescaped(last[0]),
                source=_unescaped(last[1]),
            )
        )
    return tuple(mounts)


def read_mounts() -> tuple[Mount, ...]:
    """The mounts that this process sees; none where there is no /proc. Asks no file system, so it cannot hang."""
    try:
        return parse_mountinfo(Path("/proc/self/mountinfo").read_bytes())
    except OSError:
        return ()


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that an absolute path without symbolic links is on.

    Follows the table from its top, so that a mount hidden under a later one is not taken; of two on one place, the
    later counts. Where the table has no top (a chroot), the longest mount point above the path does.
    """
    table = tuple(mounts)
    known = {mount.mount_id for mount in table}
    current = None
    for mount in table:
        if mount.mount_point == "/" and (mount.parent_id not in known or mount.parent_id == mount.mount_id):
            current = mount
    if current is None:
        above = [mount for mount in table if _is_below(path, mount.mount_point)]
        return max(reversed(above), key=lambda mount: len(mount.mount_point), default=None)
    while True:
        on_it = [
            mount
            for mount in table
            if mount.parent_id == current.mount_id and mount is not current and _is_below(path, mount.mount_point)
        ]
        if not on_it:
            return current
        # The one nearest to the top hides what lies below it.
        current = min(reversed(on_it), key=lambda mount: len(mount.mount_point))


def mount_of_descriptor(descriptor: int, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that an open directory is on, as the kernel itself says (`mnt_id` of proc_pid_fdinfo(5))."""
    try:
        facts = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    except OSError:
        return None
    found = re.search(r"^mnt_id:\s*(\d+)", facts, re.MULTILINE)
    mount_id = int(found[1]) if found else None
    return next((mount for mount in mounts if mount.mount_id == mount_id), None)


def mounts_below(root: str) -> frozenset[str]:
    """The paths relative to `root`, below it, at which something is mounted, visible or not."""
    top = os.path.realpath(root)
    return frozenset(
        os.path.relpath(mount.mount_point, top)
        for mount in read_mounts()
        if mount.mount_point != top and _is_below(mount.mount_point, top)
    )


def place_of(path: str, mount: Mount) -> str:
    """The path, inside the file system itself, of the directory seen at absolute `path` on `mount`.

    It stays the same through whichever bind mount the directory is looked at.
    """
    return os.path.normpath(os.path.join(mount.root, os.path.relpath(path, mount.mount_point)))


def watch_mode(fs_type: str) -> Literal["native", "poll"]:
    """Whether the kernel's events can be relied on (`native`) or others may write unheard (`poll`).

    Network, cluster, FUSE and shared file systems, and kinds not known here, are polled.
    """
    return "native" if fs_type in _NATIVE else "poll"


def ctime_is_trustworthy(fs_type: str) -> bool:
    """Whether ctime is set by this machine's clock at each change and cannot be set back."""
    return fs_type in _NATIVE - _NO_CTIME


def uuid_of(mount: Mount, by_uuid: str = "/dev/disk/by-uuid") -> str | None:
    """The UUID of the file system, as udev names it for its device; None where it is not known without root.

    btrfs and others show an anonymous device in the table; then the mounted device node tells.
    """
    devices = {mount.device}
    if mount.source.startswith("/dev/"):
        try:
            number = os.stat(mount.source).st_rdev
            devices.add(f"{os.major(number)}:{os.minor(number)}")
        except OSError:
            pass  # renamed or removed since it was mounted: the number in the table has to do
    try:
        links = sorted(os.listdir(by_uuid))
    except OSError:
        return None
    for link in links:
        try:
            number = os.stat(os.path.join(by_uuid, link)).st_rdev
        except OSError:
            continue
        if number and f"{os.major(number)}:{os.minor(number)}" in devices:
            return link
    return None


def _unescaped(field: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda m: bytes([int(m[1], 8) & 0xFF]), field))


def _is_below(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
