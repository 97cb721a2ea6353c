"""Does a listing show what is in a folder, all of it and nothing else? Real folders, with the oddest names."""

from __future__ import annotations

import os
import socket
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from assetwatch.ingest.ignore import Ignore
from assetwatch.ingest.listing import (
    fingerprint_folder,
    is_folder_gone,
    is_gone,
    list_folder,
    look_at,
    open_folder,
    target_of,
)
from assetwatch.model import FileKind
from assetwatch.paths import from_os, to_os
from tests.harness import ordinary_rights

IGNORE = Ignore()


def device(root: Path) -> int:
    return root.stat().st_dev


def fingerprint(root: Path, path: str = "", ignore: Ignore = IGNORE) -> str:
    return fingerprint_folder(str(root), path, ignore, device(root))[0]


NAMES = [
    "plain.mov",
    " leading and trailing ",
    "quote\"s and 'ticks'.mov",
    "new\nline.mov",
    "tab\tback\\slash.mov",
    "\U0001f3ac take 1.mov",
    unicodedata.normalize("NFC", "é.mov"),
    unicodedata.normalize("NFD", "é.mov"),
    "\udcff\udcfe.mov",
    "-rf",
    "%41$HOME`id`.mov",
    "x" * 255,
]


class TestListFolder:
    def test_every_name_comes_back_exactly(self, tmp_path: Path) -> None:
        """Spaces, newlines, quotes, emoji, both forms of an accent, bytes that are no UTF-8, 255 bytes."""
        for name in NAMES:
            (tmp_path / name).write_bytes(b"x")
        listing = list_folder(str(tmp_path), "", IGNORE, device(tmp_path))
        assert Counter(to_os(seen.name) for seen in listing.entries) == Counter(NAMES)
        assert all(look_at(str(tmp_path), seen.name) == seen for seen in listing.entries)

    def test_kinds_are_told_apart_and_nothing_is_opened(self, tmp_path: Path) -> None:
        """Files, links (also to folders, also broken), FIFOs and sockets; folders are apart."""
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        (tmp_path / "to-folder").symlink_to("folder")
        (tmp_path / "broken").symlink_to("nowhere")
        os.mkfifo(tmp_path / "fifo")
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(tmp_path / "socket"))
            listing = list_folder(str(tmp_path), "", IGNORE, device(tmp_path))
        assert {seen.name: seen.kind for seen in listing.entries} == {
            "file": FileKind.REGULAR,
            "to-folder": FileKind.SYMLINK,
            "broken": FileKind.SYMLINK,
            "fifo": FileKind.SPECIAL,
            "socket": FileKind.SPECIAL,
        }
        assert listing.folders == ["folder"]

    def test_ignored_names_are_counted_by_rule(self, tmp_path: Path) -> None:
        """Passed over is not the same as unseen."""
        for name in (".DS_Store", "a.part", "b.part", "a.mov"):
            (tmp_path / name).touch()
        (tmp_path / ".Trashes").mkdir()
        listing = list_folder(str(tmp_path), "", IGNORE, device(tmp_path))
        assert [seen.name for seen in listing.entries] == ["a.mov"]
        assert listing.folders == []
        assert listing.ignored == {".DS_Store": 1, "*.part": 2, ".Trashes": 1}

    def test_other_file_system_is_foreign(self, tmp_path: Path) -> None:
        """A folder on another device is no part of the volume, in a full listing and in a quick one."""
        (tmp_path / "mounted").mkdir()
        elsewhere = device(tmp_path) + 1
        listing = list_folder(str(tmp_path), "", IGNORE, elsewhere)
        assert (listing.folders, listing.foreign) == ([], ["mounted"])
        assert fingerprint_folder(str(tmp_path), "", IGNORE, elsewhere)[1:] == ([], ["mounted"])

    def test_folder_that_may_not_be_read_is_an_error(self, tmp_path: Path) -> None:
        """Nothing is said of a folder that cannot be listed."""
        (tmp_path / "shut").mkdir()
        (tmp_path / "shut").chmod(0)
        with ordinary_rights(), pytest.raises(PermissionError):
            list_folder(str(tmp_path), "shut", IGNORE, device(tmp_path))
        (tmp_path / "shut").chmod(0o755)


class TestFingerprint:
    def test_listing_and_quick_look_agree(self, tmp_path: Path) -> None:
        """The quick look at a folder gives the fingerprint and the folders that the listing gave."""
        for name in NAMES:
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "sub").mkdir()
        (tmp_path / ".Trashes").mkdir()
        listing = list_folder(str(tmp_path), "", IGNORE, device(tmp_path))
        quick = fingerprint_folder(str(tmp_path), "", IGNORE, device(tmp_path))
        assert quick == (listing.fingerprint, listing.folders, listing.foreign)

    def test_many_entries_agree_too(self, tmp_path: Path) -> None:
        """Also where a folder is serialized in several pieces."""
        for number in range(4200):
            (tmp_path / f"f.{number:05}.exr").touch()
        assert fingerprint(tmp_path) == list_folder(str(tmp_path), "", IGNORE, device(tmp_path)).fingerprint

    def test_every_kind_of_change_shows(self, tmp_path: Path) -> None:
        """A name, a size, a time, an inode, a kind, the rules: each makes another fingerprint."""
        file = tmp_path / "a.mov"
        file.write_bytes(b"one")
        seen = [fingerprint(tmp_path)]

        def note() -> None:
            seen.append(fingerprint(tmp_path))
            assert len(set(seen)) == len(seen)

        file.write_bytes(b"three")
        note()
        os.utime(file, ns=(1, 1))
        note()
        file.rename(tmp_path / "b.mov")
        note()
        (tmp_path / "c.mov").write_bytes(b"three")
        os.utime(tmp_path / "c.mov", ns=(1, 1))
        (tmp_path / "c.mov").replace(tmp_path / "b.mov")
        note()
        (tmp_path / "b.mov").unlink()
        (tmp_path / "b.mov").symlink_to("x")
        note()
        (tmp_path / "sub").mkdir()
        note()
        seen.append(fingerprint(tmp_path, ignore=Ignore(["*.bak"])))
        assert len(set(seen)) == len(seen)

    def test_a_sub_folder_counts_by_its_name_only(self, tmp_path: Path) -> None:
        """What happens inside a folder is that folder's matter."""
        (tmp_path / "sub").mkdir()
        before = fingerprint(tmp_path)
        (tmp_path / "sub/a.mov").touch()
        assert fingerprint(tmp_path) == before


class TestPaths:
    def test_depth_and_length_have_no_limit(self, tmp_path: Path) -> None:
        """A hundred folders with names of 255 bytes: six times as long as the kernel takes a path."""
        path = "/".join([f"{level:03}" + "d" * 252 for level in range(100)])
        fd = os.open(tmp_path, os.O_RDONLY)
        for name in path.split("/"):
            os.mkdir(name, dir_fd=fd)
            inner = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            fd = inner
        os.close(os.open("clip.mov", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        os.symlink("clip.mov", "link", dir_fd=fd)
        os.close(fd)
        root = str(tmp_path)
        names = [seen.name for seen in list_folder(root, path, IGNORE, device(tmp_path)).entries]
        assert sorted(names) == ["clip.mov", "link"]
        seen = look_at(root, f"{path}/clip.mov")
        assert seen is not None and seen.size == 0
        assert target_of(root, f"{path}/link") == "clip.mov"

    def test_link_to_a_folder_is_not_entered(self, tmp_path: Path) -> None:
        """Neither at the end of a path nor on the way, by whatever asks for single names."""
        outside, root = tmp_path / "outside", tmp_path / "root"
        (outside / "day").mkdir(parents=True)
        (outside / "day/a.mov").touch()
        root.mkdir()
        (root / "roll").symlink_to(outside)
        assert look_at(str(root), "roll/day/a.mov") is None
        assert is_gone(str(root), "roll/day/a.mov")
        assert is_folder_gone(str(root), "roll") and is_folder_gone(str(root), "roll/day")
        with pytest.raises(NotADirectoryError), open_folder(str(root), "roll"):
            pass

    def test_what_cannot_be_seen_is_not_gone(self, tmp_path: Path) -> None:
        """A closed folder hides its files; that is no reason to think that they are gone."""
        (tmp_path / "shut/inner").mkdir(parents=True)
        (tmp_path / "shut/a.mov").touch()
        (tmp_path / "shut").chmod(0)
        with ordinary_rights():
            gone = (is_gone(str(tmp_path), "shut/a.mov"), is_folder_gone(str(tmp_path), "shut/inner"))
        (tmp_path / "shut").chmod(0o755)
        assert gone == (False, False)
        assert is_gone(str(tmp_path), "shut/b.mov") and is_folder_gone(str(tmp_path), "shut/other")

    def test_folder_is_no_file(self, tmp_path: Path) -> None:
        """A look at a folder, or below a file, finds nothing."""
        (tmp_path / "sub").mkdir()
        (tmp_path / "file").touch()
        assert look_at(str(tmp_path), "sub") is None
        assert look_at(str(tmp_path), "file/x") is None

    def test_target_is_catalog_text(self, tmp_path: Path) -> None:
        """A target that is no UTF-8 is kept byte for byte; of what is no link there is none."""
        os.symlink("\udcff/x", tmp_path / "link")
        (tmp_path / "file").touch()
        assert target_of(str(tmp_path), "link") == from_os("\udcff/x")
        assert target_of(str(tmp_path), "file") is None
