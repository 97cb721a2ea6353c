"""Is the volume that is here the one that is known, so that something may be concluded from what is not on it?

Looking (`VolumeLook`) and judging (`judge`, pure) are apart. What makes a volume itself: which file system, and
which directory of it. Where that is mounted, and under which device number, may change: a reboot renumbers devices, and
a service manager's sandbox shows the same directory through a bind mount.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from assetwatch import paths
from assetwatch.errors import VolumeError
from assetwatch.ingest import mounts

#: Below so many lost files a loss is ordinary work, whatever its share.
LOSS_FLOOR: Final = 20
#: `max_loss` of a volume where the configuration does not say.
LOSS_SHARE: Final = 0.5

#: statvfs's f_fsid comes from the file system's own UUID (or is drawn anew at each mount of a tmpfs, whose content is
#: new then as well); elsewhere it is the device number, or 0.
_FSID_IS_ITS_OWN: Final = frozenset(
    ["ext2", "ext3", "ext4", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "reiserfs", "tmpfs", "overlay"]
)
#: Names under which one and the same file system may be shown, after a conversion or by another version of a driver.
_FAMILIES: Final = ({"ext2", "ext3", "ext4"}, {"nfs", "nfs4"}, {"cifs", "smb3"}, {"vfat", "msdos"})
#: A directory keeps its inode number for ever (elsewhere numbers are made up at each mount).
_INODES_LAST: Final = frozenset(
    ["ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "zfs", "f2fs", "jfs", "nfs", "nfs4"]
)
#: Directories keep their inode numbers while the file system stays mounted.
_INODES_LAST_A_MOUNT: Final = frozenset(["tmpfs", "overlay"])


@dataclass(frozen=True, slots=True)
class VolumeIdentity:
    """What tells one volume from another. Texts are decoded as file names (surrogateescape).

    mount_point  where the file system holding the root is mounted
    place        the root's path inside that file system: `/` if the whole of it is the volume
    fs_type      kind of file system, as the mount table names it
    device       `major:minor`; anonymous ones (btrfs, NFS, overlay, tmpfs) are drawn anew at each mount
    fsid         statvfs's f_fsid; 0 where the kind has none
    uuid         the file system's UUID, or None where it cannot be known
    source       what was mounted: a device, `server:/export`, a dataset
    inode        inode number of the root directory
    marker       name of the marker file that was seen in the root, or None
    own_mount    whether the root is there only because something other than `/` is mounted
    """

    mount_point: str
    place: str
    fs_type: str
    device: str
    fsid: int
    uuid: str | None
    source: str
    inode: int
    marker: str | None
    own_mount: bool

    def to_json(self) -> str:
        """As ASCII text, for the catalog."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> VolumeIdentity:
        """Back from `to_json`; keys of a later version are left out. Raises VolumeError if it is something else."""
        try:
            known = json.loads(text)
            return cls(**{field.name: known[field.name] for field in fields(cls)})
        except (ValueError, TypeError, KeyError) as error:
            raise VolumeError(f"what is known of the volume's identity cannot be read: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at a root.

    root          the path looked at
    fault         why nothing could be seen, as a sentence without its full stop, or None
    identity      what stands there; None with a fault
    empty         the root holds nothing but what is ignored
    marker_found  the marker asked for is an entry of the root
    """

    root: str
    fault: str | None = None
    identity: VolumeIdentity | None = None
    empty: bool = False
    marker_found: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether conclusions may be drawn from a volume.

    online    it is there, and it is the one that is known
    reason    why not, in plain words with what was expected, what was seen and what to do; empty when online
    identity  what to remember: the latest identity when online, what was known before when not
    """

    online: bool
    reason: str
    identity: VolumeIdentity | None


def inodes_last(fs_type: str) -> bool:
    """Whether a file keeps its inode number for as long as it is the same file and the file system stays mounted."""
    return fs_type in _INODES_LAST or fs_type == "tmpfs"


def nothing_ignored(_name: str, _is_folder: bool) -> bool:
    """Every entry of the root counts as content."""
    return False


class VolumeLook:
    """Looks at one root, with a time limit, for a file system may never answer (a dead NFS server).

    `marker` is the name of a marker file to look for, or None. Entries for which `ignored(name, is_folder)` holds
    do not count as content.
    """

    def __init__(
        self, root: str, marker: str | None = None, ignored: Callable[[str, bool], bool] = nothing_ignored
    ) -> None:
        self._root = root
        self._marker = marker
        self._ignored = ignored
        self._answer: _Answer | None = None

    def observe(self, timeout_s: float) -> Observation:
        """Look, for at most `timeout_s` seconds. A look that hangs is waited for, and no other is begun beside it."""
        hung = self._answer is not None
        answer = self._answer or _Answer(self._root)
        if not hung:
            self._answer = answer
            threading.Thread(target=answer.find, args=(self._marker, self._ignored), daemon=True).start()
        # Real seconds, not the Clock's: what hangs is the machine.
        if not answer.given.wait(timeout_s):
            still = " still" if hung else ""
            return Observation(self._root, fault=f"{_shown(self._root)}{still} does not answer within {timeout_s:g} s")
        self._answer = None
        # What a look saw that hung until now may be long past.
        return self.observe(timeout_s) if hung else answer.observation


class _Answer:
    """What a look in another thread will give."""

    def __init__(self, root: str) -> None:
        self.given = threading.Event()
        self.observation = Observation(root, fault=f"the look at {_shown(root)} ended without an answer")

    def find(self, marker: str | None, ignored: Callable[[str, bool], bool]) -> None:
        try:
            self.observation = look_at(self.observation.root, marker, ignored)
        finally:
            self.given.set()


def look_at(
    root: str, marker: str | None = None, ignored: Callable[[str, bool], bool] = nothing_ignored
) -> Observation:
    """One look at `root`, through one open handle, so that its parts belong together. May hang as long as the disk."""
    shown = _shown(root)
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return Observation(root, fault=_fault(shown, error))
    try:
        stat, vfs = os.fstat(handle), os.fstatvfs(handle)
        empty, marker_found = True, False
        if marker is not None:
            marker_found = _exists(marker, handle)
        with os.scandir(handle) as entries:
            for entry in entries:
                if not ignored(entry.name, entry.is_dir(follow_symlinks=False)):
                    empty = False
                    break
        table = mounts.read_mounts()
        real = os.path.realpath(root)
        mount = mounts.mount_of_descriptor(handle, table) or mounts.mount_of(real, table)
    except OSError as error:
        return Observation(root, fault=_fault(shown, error))
    finally:
        os.close(handle)
    number = f"{os.major(stat.st_dev)}:{os.minor(stat.st_dev)}"
    if mount is None:  # no mount table at all: the numbers have to do
        mount = mounts.Mount(0, 0, number, "/", "/", "unknown", "unknown")
    place = mounts.place_of(real, mount)
    top = mounts.mount_of("/", table)
    identity = VolumeIdentity(
        mount_point=mount.mount_point,
        place=place,
        fs_type=mount.fs_type,
        device=number,
        fsid=vfs.f_fsid,
        uuid=mounts.uuid_of(mount),
        source=mount.source,
        inode=stat.st_ino,
        marker=marker if marker_found else None,
        own_mount=top is not None and (mount.device != top.device or place != mounts.place_of(real, top)),
    )
    return Observation(root, identity=identity, empty=empty, marker_found=marker_found)


def judge(
    known: VolumeIdentity | None,
    seen: Observation,
    known_files: int,
    guard: str = "auto",
    *,
    name: str = "NAME",
    accept_new: bool = False,
) -> Judgement:
    """Whether what was seen is the volume that is known.

    `known` is None before the first time. `known_files` counts the files of the volume that the catalog does not hold
    to be missing. `guard` is what proves the volume:

    auto         the same place in the same file system, and not suddenly empty. The very same directory (by inode
                 number, where those last) may lose up to LOSS_FLOOR files and be empty: somebody deleted them. One
                 made anew in its place may not be empty; with content it is taken as the volume
    mount        as auto, and it is there only because something is mounted
    marker:FILE  an entry FILE in the root, and nothing else
    off          a directory that can be read

    `accept_new` takes what is there as the volume from now on; a fault, a missing mount or a missing marker cannot be
    accepted. `name` is the volume's name for the command in the reason. A volume of which no file is known may
    change its identity without being asked: nothing could be concluded wrongly.
    """

    def offline(why: str) -> Judgement:
        return Judgement(False, why if why.endswith("?") else f"{why}.", known)

    now = seen.identity
    if seen.fault is not None or now is None:
        return offline(seen.fault or f"{_shown(seen.root)} could not be looked at")
    here = _shown(seen.root)
    if guard == "off":
        return Judgement(True, "", now)
    if guard.startswith("marker:"):
        marker = guard.removeprefix("marker:")
        if not seen.marker_found:
            return offline(
                f"{here} does not hold the marker file {_shown(marker)} that proves the volume: "
                f"is the right disk mounted? If it is, make the file there"
            )
        return Judgement(True, "", now)
    if guard == "mount" and not now.own_mount:
        expected = f" (expected {_described(known)})" if known else ""
        return offline(f"nothing is mounted at or above {here}{expected}: it is a directory of the system's own disk")
    if accept_new or known_files == 0:
        return Judgement(True, "", now)
    advice = f"If this is right, say so with `assetwatch doctor --accept-volume {name}`"
    difference = _difference(known, now) if known else None
    if known and difference and _is_above(now.mount_point, known.mount_point):
        difference = f"nothing is mounted at {_shown(known.mount_point)} now, and what is seen is the directory below"
    if known and difference:
        return offline(
            f"{here} is not the volume that is known: {difference}. "
            f"Expected {_described(known)}; found {_described(now)}. {advice}"
        )
    emptied = known is not None and _is_same_directory(known, now) and known_files <= LOSS_FLOOR
    if seen.empty and not emptied:
        return offline(f"{here} holds nothing, although {known_files} files are known to be there. {advice}")
    # A UUID once known is kept while udev does not show it: it is the strongest part.
    return Judgement(True, "", replace(now, uuid=now.uuid or (known.uuid if known else None)))


def loss_is_suspicious(known_present: int, now_absent: int, share: float = LOSS_SHARE, floor: int = LOSS_FLOOR) -> bool:
    """Whether so many files are gone at once that nothing may be concluded before a person has looked.

    True when more than `floor` files and more than `share` (config key `max_loss`) of the `known_present` are
    absent; a share of 1 means never.
    """
    return now_absent > floor and now_absent > share * known_present


def _difference(known: VolumeIdentity, now: VolumeIdentity) -> str | None:
    """Why these are two volumes, or None if they are one."""
    if known.uuid and now.uuid:
        if known.uuid != now.uuid:
            return "another disk is mounted"
    elif known.fs_type != now.fs_type and not any({known.fs_type, now.fs_type} <= family for family in _FAMILIES):
        return "another kind of file system is mounted"
    elif now.fs_type in _FSID_IS_ITS_OWN and known.fsid and now.fsid:
        if known.fsid != now.fsid:
            return "another file system is mounted"
    elif known.device != now.device and known.source != now.source:
        return "another file system is mounted"
    elif mounts.watch_mode(now.fs_type) == "poll" and known.source != now.source:
        return "another share is mounted"
    if known.place != now.place and not _is_same_directory(known, now):
        return "another directory of the same file system stands in its place"
    return None


def _is_above(folder: str, path: str) -> bool:
    return folder != path and path.startswith(folder.rstrip("/") + "/")


def _is_same_directory(known: VolumeIdentity, now: VolumeIdentity) -> bool:
    """Whether the inode number shows, on the file system found to be the same, that the directory is as well."""
    lasts = now.fs_type in _INODES_LAST or (now.fs_type in _INODES_LAST_A_MOUNT and known.device == now.device)
    # The f_fsid has to agree too: each btrfs subvolume has one of its own, and inode 256 at its top.
    return lasts and known.inode == now.inode and known.fsid == now.fsid


def _described(identity: VolumeIdentity) -> str:
    uuid = f", UUID {identity.uuid}" if identity.uuid else ""
    return (
        f"directory {_shown(identity.place)} (inode {identity.inode}) of {identity.fs_type} from "
        f"{_shown(identity.source)}{uuid}, mounted at {_shown(identity.mount_point)}"
    )


def _fault(shown: str, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return f"{shown} does not exist: is its disk mounted?"
        case errno.ENOTDIR:
            return f"{shown} is not a directory"
        case errno.EACCES | errno.EPERM:
            return f"{shown} may not be read by this user: give the user that assetwatch runs as permission to read it"
        case errno.ESTALE:
            return f"{shown} is a stale network mount: mount it again"
        case errno.ENOTCONN:
            return f"{shown} has lost its connection: mount it again"
        case _:
            return f"{shown} cannot be read: {error.strerror or error}"


def _exists(name: str, folder: int) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _shown(path: str) -> str:
    return paths.shown(paths.from_os(path))
