"""The judgement as a table of cases, and looks at real directories and real mounts."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from assetwatch.errors import VolumeError
from assetwatch.ingest.volume import (
    LOSS_FLOOR,
    Observation,
    VolumeIdentity,
    VolumeLook,
    judge,
    look_at,
    loss_is_suspicious,
)

DISK = VolumeIdentity(
    mount_point="/mnt/ingest",
    place="/",
    fs_type="ext4",
    device="8:17",
    fsid=111,
    uuid="aaaa-1111",
    source="/dev/sdb1",
    inode=2,
    marker=None,
    own_mount=True,
)
FOLDER = replace(DISK, mount_point="/", place="/srv/ingest", inode=500, own_mount=False)
NFS = replace(DISK, fs_type="nfs4", device="0:50", fsid=0, uuid=None, source="nas:/export/ingest", inode=64)
XFS = replace(DISK, fs_type="xfs", uuid=None, inode=128)
TMPFS = replace(DISK, fs_type="tmpfs", device="0:39", uuid=None, source="none", inode=1)
FUSE = replace(DISK, fs_type="fuse.mergerfs", device="0:70", fsid=0, uuid=None, source="a:b", inode=1)


def seen(identity: VolumeIdentity, *, empty: bool = False, marker: bool = False) -> Observation:
    return Observation("/mnt/ingest", identity=identity, empty=empty, marker_found=marker)


class TestJudge:
    @pytest.mark.parametrize(
        ("known", "now"),
        [
            pytest.param(DISK, DISK, id="nothing changed"),
            pytest.param(DISK, replace(DISK, device="259:3", source="/dev/nvme0n1p1"), id="reboot renumbered the disk"),
            pytest.param(DISK, replace(DISK, uuid=None, device="8:33", source="/dev/sdc1"), id="udev is not there"),
            pytest.param(replace(DISK, fs_type="ext3"), DISK, id="ext3 mounted as ext4"),
            pytest.param(NFS, replace(NFS, device="0:93", fs_type="nfs"), id="NFS mounted again"),
            pytest.param(XFS, replace(XFS, device="8:33", fsid=222), id="xfs renumbered, same source"),
            pytest.param(XFS, replace(XFS, source="/dev/mapper/vg-ingest"), id="other name of the same device"),
            pytest.param(FOLDER, replace(FOLDER, mount_point="/srv/ingest"), id="a sandbox binds it to itself"),
            pytest.param(FOLDER, replace(FOLDER, place="/srv/moved"), id="same directory by inode, moved"),
            pytest.param(FOLDER, replace(FOLDER, inode=501), id="directory made anew, with content"),
            pytest.param(FUSE, replace(FUSE, device="0:99", inode=7), id="FUSE mounted again"),
        ],
    )
    def test_right_volume(self, known, now):
        """What may change over reboots, remounts and sandboxes does not put a volume offline, and is remembered."""
        verdict = judge(known, seen(now), 100)
        assert verdict.online, verdict.reason
        assert verdict.reason == ""
        assert verdict.identity is not None
        assert verdict.identity.device == now.device

    @pytest.mark.parametrize(
        ("known", "now", "why"),
        [
            pytest.param(DISK, FOLDER, "nothing is mounted at /mnt/ingest", id="unmounted, same UUID below"),
            pytest.param(DISK, replace(FOLDER, uuid="bbbb-2222"), "nothing is mounted at /mnt/ingest", id="unmounted"),
            pytest.param(DISK, replace(DISK, uuid="bbbb-2222"), "another disk", id="swapped disk"),
            pytest.param(DISK, replace(DISK, uuid=None, fsid=9), "another file system", id="swapped disk, no udev"),
            pytest.param(DISK, TMPFS, "another kind", id="tmpfs mounted over"),
            pytest.param(TMPFS, replace(TMPFS, fsid=222), "another file system", id="another tmpfs"),
            pytest.param(XFS, replace(XFS, device="8:33", source="/dev/sdc1"), "another file system", id="other xfs"),
            pytest.param(NFS, replace(NFS, source="nas:/export/other"), "another share", id="other NFS export"),
            pytest.param(FUSE, replace(FUSE, source="c:d"), "another share", id="other FUSE"),
            pytest.param(FOLDER, replace(FOLDER, place="/srv/x", inode=9), "another directory", id="bind mounted over"),
            pytest.param(
                replace(DISK, fs_type="btrfs", place="/@a", inode=256),
                replace(DISK, fs_type="btrfs", place="/@b", inode=256, fsid=112),
                "another directory",
                id="other btrfs subvolume",
            ),
        ],
    )
    def test_wrong_volume(self, known, now, why):
        """What is not the known volume is offline, with what was expected, what was found, and the way to accept it."""
        verdict = judge(known, seen(now), 100, name="ingest")
        assert not verdict.online
        assert why in verdict.reason
        assert f"from {known.source}" in verdict.reason
        assert f"from {now.source}" in verdict.reason
        assert "assetwatch doctor --accept-volume ingest" in verdict.reason
        assert verdict.identity == known

    def test_accepted(self):
        """What a person accepts is the volume from now on, empty or not."""
        now = replace(DISK, uuid="bbbb-2222")
        verdict = judge(DISK, seen(now, empty=True), 100, accept_new=True)
        assert (verdict.online, verdict.identity) == (True, now)

    def test_first_time(self):
        """The first time, what is there is the volume."""
        assert judge(None, seen(FOLDER), 0).identity == FOLDER

    def test_nothing_to_lose(self):
        """While no file is known, the volume may change: nothing could be concluded wrongly."""
        assert judge(DISK, seen(FOLDER, empty=True), 0).online

    def test_fault(self):
        """What cannot be looked at is offline for that reason, under every guard, and cannot be accepted."""
        fault = Observation("/mnt/ingest", fault="/mnt/ingest is a stale network mount: mount it again")
        for guard in ("auto", "mount", "marker:.volume", "off"):
            verdict = judge(DISK, fault, 100, guard, accept_new=True)
            assert not verdict.online
            assert verdict.reason == "/mnt/ingest is a stale network mount: mount it again."
            assert verdict.identity == DISK

    def test_a_reason_that_asks_ends_so(self):
        """With one sign."""
        fault = Observation("/mnt/ingest", fault="/mnt/ingest does not exist: is its disk mounted?")
        assert judge(DISK, fault, 100).reason == "/mnt/ingest does not exist: is its disk mounted?"

    @pytest.mark.parametrize(
        ("known", "now", "files", "online"),
        [
            pytest.param(FOLDER, FOLDER, LOSS_FLOOR, True, id="the very same directory, a few files deleted"),
            pytest.param(FOLDER, FOLDER, LOSS_FLOOR + 1, False, id="the very same directory, many files"),
            pytest.param(FOLDER, replace(FOLDER, inode=501), 1, False, id="directory made anew"),
            pytest.param(None, FOLDER, 1, False, id="identity not known"),
            pytest.param(FUSE, FUSE, 1, False, id="inode numbers that prove nothing"),
        ],
    )
    def test_empty(self, known, now, files, online):
        """A volume that is suddenly empty is offline, unless it is surely the same and it was only a few files."""
        verdict = judge(known, seen(now, empty=True), files)
        assert verdict.online is online
        assert online or f"{files} files are known" in verdict.reason

    def test_marker(self):
        """With a marker the marker decides alone: there, it may be any disk; not there, it is none."""
        assert judge(DISK, seen(FOLDER, marker=True), 100, "marker:.volume").online
        verdict = judge(DISK, seen(DISK), 100, "marker:.volume", accept_new=True)
        assert not verdict.online
        assert ".volume" in verdict.reason

    def test_mount(self):
        """With guard `mount` a directory of the system's own disk is never the volume, not even the first time."""
        assert judge(None, seen(DISK), 0, "mount").online
        verdict = judge(None, seen(FOLDER), 0, "mount")
        assert not verdict.online
        assert "nothing is mounted" in verdict.reason
        assert "/dev/sdb1" in judge(DISK, seen(FOLDER), 100, "mount").reason

    def test_off(self):
        """Without a guard any directory that can be read is the volume."""
        assert judge(DISK, seen(TMPFS, empty=True), 100, "off").online

    def test_uuid_is_kept(self):
        """A UUID once known is not forgotten because udev does not show it for a while."""
        verdict = judge(DISK, seen(replace(DISK, uuid=None)), 100)
        assert verdict.identity is not None
        assert verdict.identity.uuid == DISK.uuid


class TestLoss:
    @pytest.mark.parametrize(
        ("present", "absent", "suspicious"),
        [(100, 51, True), (100, 50, False), (20, 20, False), (21, 21, True), (1000, 21, False), (0, 0, False)],
    )
    def test_share_and_floor(self, present, absent, suspicious):
        """More than half, and more than a handful."""
        assert loss_is_suspicious(present, absent) is suspicious

    def test_share_of_one(self):
        """A share of 1 switches it off."""
        assert not loss_is_suspicious(1000, 1000, share=1.0)


class TestIdentityText:
    def test_round_trip(self):
        """Every part comes back, also a path that is not UTF-8."""
        identity = replace(DISK, place=os.fsdecode(b"/in\xffgest\n"), marker=".volume")
        text = identity.to_json()
        assert text.isascii()
        assert VolumeIdentity.from_json(text) == identity

    def test_later_versions(self):
        """A key that is not known here is left out."""
        assert VolumeIdentity.from_json(DISK.to_json().replace("{", '{"later": 1, ', 1)) == DISK

    @pytest.mark.parametrize("text", ["", "[]", "{}", "{", "null"])
    def test_something_else(self, text):
        """What is no identity is an error, never a volume of which nothing is known."""
        with pytest.raises(VolumeError):
            VolumeIdentity.from_json(text)


class TestLook:
    def test_plain_directory(self, tmp_path):
        """A directory is seen with its inode, and whether it holds anything that counts."""
        assert look_at(str(tmp_path)).empty
        (tmp_path / ".DS_Store").touch()
        look = look_at(str(tmp_path), ignored=lambda name, _folder: name == ".DS_Store")
        assert look.empty
        assert look.identity is not None
        assert look.identity.inode == tmp_path.stat().st_ino
        assert not look_at(str(tmp_path)).empty

    def test_marker(self, tmp_path):
        """The marker is an entry of the root itself."""
        assert not look_at(str(tmp_path), ".volume").marker_found
        (tmp_path / ".volume").touch()
        look = look_at(str(tmp_path), ".volume")
        assert look.marker_found
        assert look.identity is not None
        assert look.identity.marker == ".volume"

    def test_faults(self, tmp_path):
        """A root that is missing or no directory is a reason that names it."""
        (tmp_path / "file").touch()
        assert "does not exist" in (look_at(str(tmp_path / "gone")).fault or "")
        assert "not a directory" in (look_at(str(tmp_path / "file")).fault or "")

    def test_permission(self, tmp_path):
        """A root that may not be read says so."""
        if os.geteuid() == 0:
            pytest.skip("the superuser may read everything")
        (tmp_path / "closed").mkdir(mode=0)
        assert "may not be read" in (look_at(str(tmp_path / "closed")).fault or "")

    def test_through_a_link(self, tmp_path):
        """A root named through a symbolic link is the directory behind it."""
        (tmp_path / "real").mkdir()
        (tmp_path / "link").symlink_to("real")
        assert look_at(str(tmp_path / "link")).identity == look_at(str(tmp_path / "real")).identity

    def test_no_answer(self, tmp_path):
        """A look that hangs is given up in time, only one is under way, and when it ends a fresh one is taken."""
        (tmp_path / "a").touch()
        gate, looks = threading.Event(), []

        def hanging(name: str, _folder: bool) -> bool:
            looks.append(name)
            gate.wait(60)
            return False

        look = VolumeLook(str(tmp_path), ignored=hanging)
        assert "does not answer within" in (look.observe(0.01).fault or "")
        assert "still does not answer" in (look.observe(0.01).fault or "")
        assert looks == ["a"]
        gate.set()
        assert look.observe(60).fault is None
        assert looks == ["a", "a"]


class TestRealMounts:
    """A volume that is learnt, taken away and given back."""

    def both(self, root: Path, known: VolumeIdentity | None) -> tuple[bool, str]:
        verdict = judge(known, look_at(str(root)), 100)
        return verdict.online, verdict.reason

    def test_bind_mount_taken_away(self, tmp_path, mounting):
        """Unmounting a bind mount leaves a directory of the same file system, and is seen, empty or not."""
        root = tmp_path / "volume"
        root.mkdir()
        (tmp_path / "real").mkdir()
        (tmp_path / "real/a.mov").touch()
        mounting.make("--bind", str(tmp_path / "real"), at=root)
        known = look_at(str(root)).identity
        assert self.both(root, known) == (True, "")
        real = look_at(str(tmp_path / "real")).identity
        assert known is not None
        assert real is not None
        assert (real.place, real.inode, real.fsid) == (known.place, known.inode, known.fsid)
        mounting.take_away(root)
        assert not self.both(root, known)[0]
        (root / "something").touch()
        online, reason = self.both(root, known)
        assert not online
        assert f"Expected directory {real.place}" in reason
        mounting.make("--bind", str(tmp_path / "real"), at=root)
        assert self.both(root, known)[0]

    @pytest.mark.parametrize("kind", ["tmpfs", "bind"])
    def test_mounted_over(self, tmp_path, mounting, kind):
        """Something mounted over a plain directory, empty or not, is not the volume."""
        root = tmp_path / "volume"
        root.mkdir()
        (root / "a.mov").touch()
        (tmp_path / "other").mkdir()
        known = look_at(str(root)).identity
        mounting.make(*(("-t", "tmpfs", "none") if kind == "tmpfs" else ("--bind", str(tmp_path / "other"))), at=root)
        assert not self.both(root, known)[0]
        (root / "b.mov").touch()
        assert not self.both(root, known)[0]
        mounting.take_away(root)
        assert self.both(root, known)[0]

    def test_bound_to_itself(self, tmp_path, mounting):
        """A sandbox that binds the directory to itself changes nothing, and does not make it a mount of its own."""
        root = tmp_path / "volume"
        root.mkdir()
        (root / "a.mov").touch()
        known = look_at(str(root)).identity
        mounting.make("--bind", str(root), at=root)
        assert self.both(root, known)[0]
        now = look_at(str(root)).identity
        assert known is not None
        assert now is not None
        assert now.own_mount == known.own_mount

    def test_root_below_the_mount(self, tmp_path, mounting):
        """A volume that is a folder of the mounted disk is known by its place in it."""
        disk = tmp_path / "disk"
        root = disk / "volume"
        root.mkdir(parents=True)
        (root / "left behind").touch()
        mounting.make("-t", "tmpfs", "none", at=disk)
        root.mkdir()
        (root / "a.mov").touch()
        known = look_at(str(root)).identity
        assert known is not None
        assert (known.place, known.own_mount) == ("/volume", True)
        mounting.take_away(disk)
        assert not self.both(root, known)[0]
