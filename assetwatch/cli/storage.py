"""Is each volume there, may it be read, and how are its changes noticed?

Each check gives findings (`machine.Finding`), and changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from assetwatch.cli import machine
from assetwatch.cli.machine import Finding
from assetwatch.config import Config, VolumeSection
from assetwatch.paths import from_os, shown, to_os
from assetwatch.units import counted, duration

if TYPE_CHECKING:
    from assetwatch.catalog.rows import VolumeRow
    from assetwatch.ingest.volume import Observation

#: How long a look at a volume may take (seconds).
_LOOK_S: Final = 5.0
#: Entries at the top of a volume that are tried for permission to read them.
_TRIED: Final = 1_000


def roots(config: Config) -> Iterator[Finding]:
    """Volumes whose trees are the same, or one inside the other."""
    from assetwatch.ingest import mounts
    from assetwatch.ingest.ignore import Ignore

    places = [(section, os.path.realpath(section.path)) for section in config.volume]
    table = mounts.read_mounts()
    for number, (inner, inner_root) in enumerate(places):
        for other, (outer, outer_root) in enumerate(places):
            if inner_root == outer_root and number > other:
                text = (
                    f"volumes {outer.name} and {inner.name} are one directory, {text_of(inner_root)}: all is read twice"
                )
                yield Finding(f"volume {inner.name}", "wrong", text, f"remove one of the two [[volume]] {inner.name}")
            elif inner_root != outer_root and inner_root.startswith(outer_root.rstrip("/") + "/"):
                below = os.path.relpath(inner_root, outer_root)
                apart = mounts.mount_of(inner_root, table) != mounts.mount_of(outer_root, table)
                if not apart and not Ignore(outer.ignore).passes_over(below, True):
                    text = f"it lies inside volume {outer.name}, and its files are read and counted in both"
                    mend = f'`ignore = ["/{text_of(below)}/"]` in [[volume]] {outer.name}'
                    yield Finding(f"volume {inner.name}", "warning", text, mend)


def all_volumes(config: Config, rows: Sequence[VolumeRow]) -> Iterator[tuple[VolumeSection, VolumeRow | None]]:
    """The configured volumes, then those that only the catalog knows, by name and by place."""
    configured = {from_os(os.path.realpath(section.path)) for section in config.volume}
    names = {section.name for section in config.volume}
    only_known = {row.name: row for row in rows if row.name in names or row.root not in configured}
    for section in config.volume:
        yield section, only_known.pop(section.name, None)
    for row in only_known.values():
        yield VolumeSection(name=row.name, path=to_os(row.root)), row


def volume(
    section: VolumeSection, row: VolumeRow | None, files: int, rows: Sequence[VolumeRow], cared_for: bool
) -> tuple[bool, bool, list[Finding]]:
    """One volume: whether it is there, whether the kernel's events are relied on, and the findings.

    `files` of it are known, `rows` are all volumes of the catalog. `cared_for` is false for one that only the
    catalog knows, beside a configuration that names others.
    """
    from assetwatch.ingest import mounts
    from assetwatch.ingest.volume import VolumeIdentity, judge

    name = f"volume {section.name}"
    seen = look(section)
    identity = None if row is None or row.identity is None else VolumeIdentity.from_json(row.identity)
    accepted = (
        row is not None and row.accepted_us is not None and not row.online and row.accepted_us > (row.changed_us or 0)
    )
    judged = judge(identity, seen, files, section.guard, name=section.name, accept_new=accepted)
    if not judged.online or seen.identity is None:
        text = judged.reason + ("" if cared_for else " (the configuration does not name it)")
        return False, False, [Finding(name, "wrong" if cared_for else "warning", text, _offline_remedy(section, seen))]
    kind = seen.identity.fs_type
    text = f"{text_of(section.path)}: {kind}, {counted(files, 'file')} known"
    if row is not None and row.root != from_os(os.path.realpath(section.path)):
        text += f"; until now it was at {shown(row.root)}"
    found = [Finding(name, "ok", text)]
    if not cared_for:
        mend = "add it as a [[volume]] if it is to be watched"
        return True, False, [Finding(name, "ok", f"{text}; not in the configuration, so nobody watches it", mend)]
    twin = next((one for one in rows if row is None and one.root == from_os(os.path.realpath(section.path))), None)
    if twin is not None:
        text = f"the catalog knows this directory as volume {twin.name}: under a new name all is read and entered anew"
        found.append(Finding(name, "warning", text, f'name = "{twin.name}" in the configuration keeps its history'))
    if seen.empty and not files:
        if seen.identity.own_mount:
            found.append(Finding(name, "ok", "it holds nothing yet"))
        else:
            text = "it holds nothing, and is a directory of the system's own disk: is its disk mounted?"
            mend = f'mount it; `guard = "mount"` in [[volume]] {section.name} makes sure of that from then on'
            found.append(Finding(name, "warning", text, mend))
    try:
        found += _readable(section)
    except OSError as error:
        found.append(Finding(name, "wrong", f"{text_of(section.path)} cannot be listed: {error.strerror}"))
    mode = section.watch if section.watch != "auto" else mounts.watch_mode(kind)
    return True, mode == "native", [*found, _watched(section, kind, mode)]


def look(section: VolumeSection) -> Observation:
    """What stands at a volume's root, seen as the daemon sees it, within a time limit."""
    from assetwatch.ingest.ignore import Ignore
    from assetwatch.ingest.volume import VolumeLook

    ignore = Ignore(section.ignore)
    marker = section.guard.removeprefix("marker:") if section.guard.startswith("marker:") else None
    root = os.path.realpath(section.path)
    return VolumeLook(root, marker, lambda name, is_folder: ignore.rule(name, name, is_folder) is not None).observe(
        _LOOK_S
    )


def _offline_remedy(section: VolumeSection, seen: Observation) -> str:
    path = text_of(section.path)
    if seen.fault is None:
        return f"mount the right disk at {path} (`findmnt -T {path}` shows what is there), or do as said"
    if "may not be read" in seen.fault:
        return f"give {machine.user()} permission to read {path}: its group, or `setfacl -m u:USER:rx {path}`"
    if "not answer" in seen.fault or "stale" in seen.fault or "connection" in seen.fault:
        return f"`umount -l {path}`, then `mount {path}`; is the server up?"
    return f"mount it (`findmnt -T {path}` shows what is there), or mend path in [[volume]] {section.name}"


def _readable(section: VolumeSection) -> Iterator[Finding]:
    """Whether this user may read what stands at the top of the volume; a scan tells of what lies deeper."""
    closed = []
    with os.scandir(section.path) as entries:
        for number, entry in enumerate(entries):
            if number >= _TRIED:
                break
            if entry.is_symlink() or not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                continue
            need = os.R_OK | os.X_OK if entry.is_dir(follow_symlinks=False) else os.R_OK
            if not os.access(entry.path, need, effective_ids=True):
                closed.append(entry.name)
    if closed:
        some = ", ".join(text_of(one) for one in sorted(closed)[:3]) + (" ..." if len(closed) > 3 else "")
        text = f"{len(closed)} names at its top may not be read by {machine.user()}: {some}"
        mend = f"`setfacl -R -m u:USER:rX {text_of(section.path)}`, or the user into the group that may read them"
        yield Finding(f"volume {section.name}", "wrong", text, mend)


def _watched(section: VolumeSection, kind: str, mode: str) -> Finding:
    """How changes are noticed, and why so."""
    from assetwatch.ingest import mounts

    name, own = f"volume {section.name}: watch", mounts.watch_mode(kind)
    every = duration(section.rescan_seconds)
    if mode == "native" and own == "native":
        return Finding(name, "ok", f"native: the kernel tells of changes on {kind}; a scan every {every} besides")
    if mode == "native":
        text = f"native by configuration, but on {kind} others write unheard: only the scan every {every} finds that"
        return Finding(name, "warning", text, f'`watch = "auto"` in [[volume]] {section.name}')
    why = f"on {kind} others may write unheard" if own == "poll" else "so says the configuration"
    return Finding(name, "ok", f"poll: a scan every {every}, for {why}")


def text_of(path: str | os.PathLike[str]) -> str:
    """A path of the disk for a message."""
    return shown(from_os(os.fspath(path)))
