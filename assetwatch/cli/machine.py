"""What of this machine stands in the program's way: kernel limits, open files, libraries, its clock?

Each check gives findings, and changes nothing.
"""

from __future__ import annotations

import os
import pwd
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from assetwatch.clock import Clock
from assetwatch.errors import AssetwatchError
from assetwatch.units import counted, microseconds, rfc3339

State = Literal["ok", "warning", "wrong"]

#: The kernel's own default of `fs.inotify.max_queued_events`.
_QUEUE: Final = 16_384
#: Watches worth asking for: what the kernel gives by default where there is memory enough.
_WATCHES: Final = 524_288
#: inotify instances that other programs of the same user may well have open.
_INSTANCES_SPARE: Final = 16
#: Files open at once: those being read, those that wait for their probe, the catalog, and some to spare.
_OPEN_FILES: Final = 4096

#: Bit of CAP_LEASE in the capability sets of proc_pid_status(5), from <linux/capability.h>.
_CAP_LEASE: Final = 28

#: No clock of a machine that works shows a year before this one.
_YEAR: Final = 2025

#: How far the newest instant in the catalog may lie in the future before the clock is doubted (microseconds).
_AHEAD_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: `text` says what is so, `remedy` what to do, or None where there is nothing to do."""

    name: str
    state: State
    text: str
    remedy: str | None = None


def user() -> str:
    """The user as whom all this was seen: another one may see less."""
    uid = os.geteuid()
    try:
        return f"{pwd.getpwuid(uid).pw_name} (uid {uid})"
    except KeyError:
        return f"uid {uid}"


def inotify(folders: int, volumes: int, limits: dict[str, int | None]) -> Iterator[Finding]:
    """Whether the kernel gives as many watches and instances as `folders` on `volumes` watched volumes take.

    `limits` holds the kernel's `fs.inotify.*` by name; None for what could not be read.
    """
    watches = limits.get("max_user_watches")
    if watches is None:
        yield Finding(
            "inotify watches", "warning", "the kernel's limit cannot be read: /proc/sys/fs/inotify is missing"
        )
    else:
        known = f"{counted(folders, 'folder is', 'folders are')} known, the kernel gives a user {watches:,} watches"
        wanted = max(_WATCHES, 1 << (2 * folders).bit_length())
        if folders > watches:
            text = f"{known}: the rest is found by scans only"
            yield Finding("inotify watches", "wrong", text, _sysctl("max_user_watches", wanted))
        elif folders * 5 > watches * 4:
            text = f"{known}, which other programs need as well"
            yield Finding("inotify watches", "warning", text, _sysctl("max_user_watches", wanted))
        else:
            yield Finding("inotify watches", "ok", known)
    instances = limits.get("max_user_instances")
    if instances is not None and volumes:
        text = (
            f"{counted(volumes, 'volume needs', 'volumes need')} an instance each, the kernel gives a user {instances}"
        )
        if instances < volumes + _INSTANCES_SPARE:
            state: State = "wrong" if instances < volumes else "warning"
            wanted = max(512, 2 * volumes + _INSTANCES_SPARE)
            yield Finding("inotify instances", state, text, _sysctl("max_user_instances", wanted))
        else:
            yield Finding("inotify instances", "ok", text)
    queue = limits.get("max_queued_events")
    if queue is not None:
        text = f"the kernel keeps {queue} events that were not read yet; beyond that the volume is scanned"
        if queue < _QUEUE:
            yield Finding("inotify queue", "warning", text, _sysctl("max_queued_events", _QUEUE))
        else:
            yield Finding("inotify queue", "ok", text)


def _sysctl(name: str, value: int) -> str:
    """The line that raises a limit now, and the file that raises it at each start."""
    setting = f"fs.inotify.{name}"
    return (
        f"now: `sysctl -w {setting}={value}`; for good: write `{setting} = {value}` "
        "into /etc/sysctl.d/60-assetwatch.conf"
    )


def open_files(limit: int | None = None) -> Finding:
    """Whether as many files may be open as are read at once.

    `limit` is the hard limit if it is given: the program raises the soft one by itself.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if limit is None else limit
    if most != resource.RLIM_INFINITY and most < _OPEN_FILES:
        return Finding(
            "open files",
            "wrong",
            f"this user may have {most} files open; reading many small ones takes up to {_OPEN_FILES}",
            "in the unit `LimitNOFILE=65536`; for a shell `* hard nofile 65536` in /etc/security/limits.conf",
        )
    shown = "any number of" if most == resource.RLIM_INFINITY else str(most)
    return Finding("open files", "ok", f"{shown} files may be open at once")


def media_info(clock: Clock) -> Finding:
    """Whether the library that reads media can be used, asked of a child as the daemon does."""
    from assetwatch.media.probe import Prober

    with Prober(workers=1, time_limit_seconds=60.0, clock=clock) as prober:
        try:
            version = prober.version()
        except AssetwatchError as error:
            return Finding(
                "MediaInfo",
                "wrong",
                f"its library cannot be used, files are cataloged without media facts: {error}",
                "`pip install --force-reinstall pymediainfo` brings the library; "
                "on Alpine and the like: `apk add libmediainfo`",
            )
    return Finding("MediaInfo", "ok", f"libmediainfo {version}")


def wall_clock(clock: Clock, newest_us: int | None) -> Finding:
    """Whether the machine's clock can be right: `newest_us` is the newest instant in the catalog."""
    now = clock.now()
    shown = rfc3339(microseconds(now)) or ""
    mend = "set the clock, and have it kept: `timedatectl set-ntp true`"
    if now.year < _YEAR:
        return Finding("clock", "wrong", f"it says {shown}, which cannot be", mend)
    if newest_us is not None and newest_us > microseconds(now) + _AHEAD_US:
        return Finding(
            "clock",
            "wrong",
            f"it says {shown}, but the catalog was written at {rfc3339(newest_us)}: it was set back",
            mend,
        )
    return Finding("clock", "ok", shown)


def writers_are_known() -> Finding:
    """Whether the kernel tells this user that somebody still has a file open for writing."""
    name = "open writers"
    try:
        status = Path("/proc/self/status").read_text()
        effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)
    except (OSError, StopIteration, ValueError):
        effective = 0
    if effective >> _CAP_LEASE & 1:
        return Finding(name, "ok", "on local disks the kernel tells whether a file is still open for writing")
    return Finding(
        name,
        "ok",
        "the kernel tells whether a file is still open for writing only of this user's own files; "
        "others count as whole when they were unchanged for their settle time",
        "only if writers pause for longer than that: `AmbientCapabilities=CAP_LEASE` and "
        "`CapabilityBoundingSet=CAP_LEASE` in the unit",
    )
