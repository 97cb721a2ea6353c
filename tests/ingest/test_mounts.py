"""The mount table, as other machines have it, and the one of this machine."""

from __future__ import annotations

import os
import re

import pytest

from assetwatch.ingest import mounts

TABLE = b"""\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 8:17 / /mnt/raid rw - xfs /dev/sdb1 rw,noquota
31 30 0:50 / /mnt/raid/nas rw - nfs4 server:/export/dailies rw,vers=4.2
32 22 8:1 /srv/real /mnt/in\\040gest\\134x rw - ext4 /dev/sda1 rw
33 22 0:60 / /mnt/hidden/below rw - tmpfs none rw
34 22 0:61 / /mnt/hidden rw - tmpfs over rw
35 22 0:62 / /mnt/twice rw - tmpfs first rw
36 35 0:63 / /mnt/twice rw master:5 propagate_from:2 - tmpfs second rw
37 22 0:64 /@media /mnt/pool rw - btrfs /dev/sdc1 rw,subvol=/@media
not a line
38 22 0:65 / /mnt/bytes\\377 rw - 9p some\\011tag rw
"""


def on(path: str) -> str:
    mount = mounts.mount_of(path, mounts.parse_mountinfo(TABLE))
    assert mount is not None
    return mount.source


class TestTable:
    def test_escapes_and_bytes(self):
        """Blank, backslash, tab and bytes that are not UTF-8 come back as they are on disk."""
        table = {mount.mount_id: mount for mount in mounts.parse_mountinfo(TABLE)}
        assert table[32].mount_point == "/mnt/in gest\\x"
        assert os.fsencode(table[38].mount_point) == b"/mnt/bytes\xff"
        assert table[38].source == "some\ttag"

    def test_optional_fields(self):
        """Any number of optional fields before the separator, none and two alike, are passed over."""
        table = {mount.mount_id: mount for mount in mounts.parse_mountinfo(TABLE)}
        assert [table[number].fs_type for number in (22, 30, 36)] == ["ext4", "xfs", "tmpfs"]

    def test_what_is_no_line_is_left_out(self):
        """One line that cannot be read does not cost the others."""
        assert len(mounts.parse_mountinfo(TABLE)) == 10

    @pytest.mark.parametrize(
        ("path", "source"),
        [
            ("/", "/dev/sda1"),
            ("/mnt/raid", "/dev/sdb1"),
            ("/mnt/raid/a/b", "/dev/sdb1"),
            ("/mnt/raid2", "/dev/sda1"),
            ("/mnt/raid/nas/x", "server:/export/dailies"),
            ("/mnt/twice/x", "second"),
            ("/mnt/hidden/below/x", "over"),
        ],
    )
    def test_mount_of_a_path(self, path, source):
        """The mount that can be seen counts: the deepest, the later of two, and none that is hidden under another."""
        assert on(path) == source

    def test_table_without_a_top(self):
        """In a chroot the table may have no `/`: then the longest mount point above the path counts, or none."""
        table = [mount for mount in mounts.parse_mountinfo(TABLE) if mount.mount_point != "/"]
        found = mounts.mount_of("/mnt/raid/nas/x", table)
        assert found is not None
        assert found.fs_type == "nfs4"
        assert mounts.mount_of("/home", table) is None

    def test_place_in_the_file_system(self):
        """A directory has one place in its file system, through whichever mount it is seen."""
        table = {mount.mount_id: mount for mount in mounts.parse_mountinfo(TABLE)}
        assert mounts.place_of("/mnt/in gest\\x/a", table[32]) == "/srv/real/a"
        assert mounts.place_of("/srv/real/a", table[22]) == "/srv/real/a"
        assert mounts.place_of("/mnt/raid", table[30]) == "/"
        assert mounts.place_of("/mnt/pool/x", table[37]) == "/@media/x"

    def test_this_machine(self, tmp_path):
        """The kernel's own word on an open directory, and the table followed by its path, agree."""
        table = mounts.read_mounts()
        handle = os.open(tmp_path, os.O_RDONLY)
        try:
            told = mounts.mount_of_descriptor(handle, table)
        finally:
            os.close(handle)
        assert told is not None
        assert told == mounts.mount_of(os.path.realpath(tmp_path), table)

    def test_mounts_below(self, tmp_path, mounting):
        """Mounts below a folder are named relative to it; the one it is on itself is not."""
        (tmp_path / "volume/a b/c").mkdir(parents=True)
        mounting.make("-t", "tmpfs", "none", at=tmp_path / "volume")
        (tmp_path / "volume/a b/c").mkdir(parents=True)
        mounting.make("-t", "tmpfs", "none", at=tmp_path / "volume/a b/c")
        assert mounts.mounts_below(str(tmp_path / "volume")) == {"a b/c"}


class TestKinds:
    @pytest.mark.parametrize(
        "kind", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "f2fs", "ntfs3", "exfat", "vfat"]
    )
    def test_local_kinds_are_heard(self, kind):
        """What only this machine changes is watched through the kernel."""
        assert mounts.watch_mode(kind) == "native"

    @pytest.mark.parametrize(
        "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs", "fuse.mergerfs", "9p", "ceph", "lustre", "novel"]
    )
    def test_shared_and_unknown_kinds_are_polled(self, kind):
        """Where others may write unheard, or nobody knows, the volume is polled, and ctime is not believed."""
        assert mounts.watch_mode(kind) == "poll"
        assert not mounts.ctime_is_trustworthy(kind)

    def test_ctime(self):
        """FAT and exFAT show the mtime as ctime, which copy tools set back."""
        assert mounts.ctime_is_trustworthy("ext4")
        assert mounts.ctime_is_trustworthy("xfs")
        assert not mounts.ctime_is_trustworthy("vfat")
        assert not mounts.ctime_is_trustworthy("exfat")


class TestUuid:
    def test_by_device(self, tmp_path):
        """The link whose device node has the mount's number names the UUID; a dangling link does no harm."""
        nodes = [f"/dev/{name}" for name in ("null", "zero") if os.path.exists(f"/dev/{name}")]
        if len(nodes) < 2:
            pytest.skip("no device nodes to link to")
        (tmp_path / "0000-AAAA").symlink_to(tmp_path / "gone")
        (tmp_path / "1111-BBBB").symlink_to(nodes[0])
        (tmp_path / "2222-CCCC").symlink_to(nodes[1])
        number = os.stat(nodes[1]).st_rdev
        by_number = mounts.Mount(1, 0, f"{os.major(number)}:{os.minor(number)}", "/", "/mnt", "ext4", "none")
        by_source = mounts.Mount(1, 0, "0:77", "/", "/mnt", "btrfs", nodes[1])
        neither = mounts.Mount(1, 0, "0:77", "/", "/mnt", "tmpfs", "none")
        assert mounts.uuid_of(by_number, str(tmp_path)) == "2222-CCCC"
        assert mounts.uuid_of(by_source, str(tmp_path)) == "2222-CCCC"
        assert mounts.uuid_of(neither, str(tmp_path)) is None
        assert mounts.uuid_of(by_number, str(tmp_path / "nowhere")) is None


def test_device_number_form():
    """Device numbers are `major:minor` in decimal."""
    assert all(re.fullmatch(r"\d+:\d+", mount.device) for mount in mounts.read_mounts())
