"""What does a look at the disk change in the catalog? Real folders, real rows; time stands still unless it is moved."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.ingest.listing import list_folder
from tests.harness import Bench, digest, ordinary_rights


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A volume whose first scan found nothing, and whose clock keeps up with the kernel's."""
    bench = Bench(tmp_path, rescan="30d")
    bench.quiesce()
    yield bench
    bench.close()


def hint(bench: Bench, *paths: str, closed: tuple[str, ...] = ()) -> list[OSError]:
    """Have the intake look at single paths now; of those in `closed` a writer's close was heard."""
    bench.clock.keep_up()
    with bench.database.write() as connection:
        return bench.care.intake.take_paths(connection, paths, bench.now_us(), closed)


class TestPaths:
    def test_new_path_is_entered_with_its_folder(self, bench: Bench) -> None:
        """One hint brings a file in a folder that no scan has seen."""
        (bench.root / "A001").mkdir()
        (bench.root / "A001/clip.mov").write_bytes(b"clip")
        hint(bench, "A001/clip.mov")
        assert bench.states()["A001/clip.mov"][:2] == ("arriving", "pending")
        assert bench.faults() == []

    def test_the_same_hint_again_changes_nothing(self, bench: Bench) -> None:
        """Hints repeat themselves; rows and totals do not."""
        (bench.root / "a.mov").write_bytes(b"clip")
        hint(bench, "a.mov")
        before = bench.rows()
        hint(bench, "a.mov", "a.mov")
        assert bench.rows() == before
        assert bench.faults() == []

    @pytest.mark.parametrize("path", ["nothing.mov", "no/such/folder/x.mov", "file/below-a-file.mov"])
    def test_path_without_anything_there_is_nothing(self, bench: Bench, path: str) -> None:
        """A hint is a place worth a look: where nothing stands, nothing is entered."""
        (bench.root / "file").write_bytes(b"")
        hint(bench, path)
        assert bench.states() == {}

    def test_folder_is_no_file(self, bench: Bench) -> None:
        """A hint that names a folder enters nothing."""
        (bench.root / "A001").mkdir()
        hint(bench, "A001")
        assert bench.states() == {}

    @pytest.mark.parametrize("closed", [("a.mov",), ()])
    def test_rewritten_in_place_with_its_old_date(self, bench: Bench, closed: tuple[str, ...]) -> None:
        """Old size, old mtime, other bytes: a mismatch, found at once where a writer's close was heard; no chmod is."""
        clip = bench.root / "a.mov"
        clip.write_bytes(b"before")
        bench.quiesce(scan=True)
        was = clip.stat()
        if closed:
            with open(clip, "r+b") as changing:
                changing.write(b"after!")
            os.utime(clip, ns=(was.st_atime_ns, was.st_mtime_ns))
        else:
            clip.chmod(0o600)
        hint(bench, "a.mov", closed=closed)
        bench.quiesce()
        state = bench.states()["a.mov"]
        assert (state.presence, state.integrity) == ("present", "mismatch" if closed else "recorded")
        assert state.digests == digest(b"before")
        assert bench.files_read == (2 if closed else 1)
        assert bench.faults() == []

    def test_moved_file_is_not_read_again(self, bench: Bench) -> None:
        """A rename keeps the row with all that is known of it, under the new name."""
        if not bench.care.intake.rules.trust_inode:
            pytest.skip("inode numbers do not last on this file system")
        (bench.root / "a.mov").write_bytes(b"clip")
        bench.quiesce(scan=True)
        before = bench.row("a.mov")
        (bench.root / "roll").mkdir()
        (bench.root / "a.mov").rename(bench.root / "roll/b.mov")
        hint(bench, "a.mov", "roll/b.mov")
        bench.quiesce()
        after = bench.row("roll/b.mov")
        assert (after.id, after.version_id) == (before.id, before.version_id)
        assert list(bench.states()) == ["roll/b.mov"]
        assert bench.files_read == 1
        assert bench.observed("moved") == ["roll/b.mov"]

    def test_copy_on_a_used_inode_is_not_taken_for_a_move(self, tmp_path: Path) -> None:
        """Deleted, then delivered anew under another name: even on the same inode number it is read."""
        bench = Bench(tmp_path, lag_s=3600)  # never ahead of ctime: a file made later looks later
        old = bench.root / "a.mov"
        old.write_bytes(b"bad copy")
        os.utime(old, ns=(10**18, 10**18))
        bench.quiesce(scan=True)
        old.unlink()
        hint(bench, "a.mov")  # heard to be gone
        new = bench.root / "b.mov"
        new.write_bytes(b"good one")
        os.utime(new, ns=(10**18, 10**18))
        hint(bench, "b.mov")
        bench.quiesce()
        assert bench.states()["b.mov"].digests == digest(b"good one")
        assert bench.states()["a.mov"].presence == "missing"
        bench.close()

    def test_copy_in_its_own_place_is_read(self, bench: Bench) -> None:
        """Deleted, and delivered anew with the old name, size and mtime: the new bytes are on record."""
        clip = bench.root / "a.mov"
        clip.write_bytes(b"bad copy")
        os.utime(clip, ns=(10**18, 10**18))
        bench.quiesce(scan=True)
        clip.unlink()
        hint(bench, "a.mov")
        clip.write_bytes(b"good one")
        os.utime(clip, ns=(10**18, 10**18))
        hint(bench, "a.mov")
        bench.quiesce()
        assert bench.states()["a.mov"] == ("present", "recorded", digest(b"good one"))

    def test_closed_folder_costs_only_its_own_files(self, bench: Bench) -> None:
        """A folder that may not be entered is given back as an error; the other hints are heard all the same."""
        (bench.root / "shut").mkdir()
        (bench.root / "new").mkdir()
        (bench.root / "shut/x.mov").write_bytes(b"x")
        (bench.root / "new/a.mov").write_bytes(b"a")
        (bench.root / "z.mov").write_bytes(b"z")
        (bench.root / "shut").chmod(0)
        with ordinary_rights():
            errors = hint(bench, "new/a.mov", "shut/x.mov", "z.mov")
        (bench.root / "shut").chmod(0o755)
        assert [type(error) for error in errors] == [PermissionError]
        assert set(bench.states()) == {"new/a.mov", "z.mov"}

    def test_link_in_the_way_is_not_followed(self, bench: Bench, tmp_path: Path) -> None:
        """A folder replaced by a link to another one outside: what lies there is not on the volume."""
        inside = bench.root / "roll/day"
        inside.mkdir(parents=True)
        (inside / "a.mov").write_bytes(b"inside")
        bench.quiesce(scan=True)
        (bench.root / "roll").rename(tmp_path / "outside")
        (bench.root / "roll").symlink_to(tmp_path / "outside")
        hint(bench, "roll/day/a.mov")
        bench.quiesce(scan=True)
        assert bench.states()["roll/day/a.mov"].presence == "missing"


class TestKinds:
    def test_link_is_recorded_with_its_target_and_nothing_is_owed(self, bench: Bench) -> None:
        """A symbolic link is a name and a target; it has no digest and is not counted."""
        (bench.root / "link.mov").symlink_to("/nowhere/at all")
        hint(bench, "link.mov")
        row = bench.row("link.mov")
        assert (row.kind, row.target, row.due_for, row.version_id) == ("symlink", "/nowhere/at all", None, None)
        assert bench.faults() == []

    def test_link_that_is_pointed_elsewhere_shows_its_new_target(self, bench: Bench) -> None:
        """A changed link is read anew."""
        link = bench.root / "latest"
        link.symlink_to("v001")
        hint(bench, "latest")
        link.unlink()
        link.symlink_to("v002/final")
        hint(bench, "latest")
        assert bench.row("latest").target == "v002/final"

    def test_special_files_are_named_and_never_opened(self, bench: Bench) -> None:
        """A FIFO would hold up whoever opens it: it is recorded as special and that is all."""
        os.mkfifo(bench.root / "pipe")
        bench.quiesce(scan=True)
        row = bench.row("pipe")
        assert (row.kind, row.presence, row.version_id) == ("special", "present", None)
        assert bench.files_read == 0

    def test_link_replaced_by_a_frame_joins_the_sequence(self, bench: Bench) -> None:
        """A frame that arrives where a link stood is a frame like the others."""
        for number in (1001, 1002):
            (bench.root / f"plate.{number}.exr").write_bytes(b"frame")
        (bench.root / "plate.1003.exr").symlink_to("elsewhere.exr")
        bench.quiesce(scan=True)
        assert [row[3] for row in bench.sequences()] == [2]
        (bench.root / "plate.1003.exr").unlink()
        (bench.root / "plate.1003.exr").write_bytes(b"frame")
        bench.quiesce(scan=True)
        assert [row[3] for row in bench.sequences()] == [3]
        assert bench.row("plate.1003.exr").target is None

    def test_frame_replaced_by_a_link_leaves_the_sequence(self, bench: Bench) -> None:
        """A link among frames is none of them, and not counted with the files."""
        for number in (1001, 1002, 1003):
            (bench.root / f"plate.{number}.exr").write_bytes(b"frame")
        bench.quiesce(scan=True)
        (bench.root / "plate.1003.exr").unlink()
        (bench.root / "plate.1003.exr").symlink_to("plate.1002.exr")
        bench.quiesce(scan=True)
        assert [row[3] for row in bench.sequences()] == [2]
        assert bench.row("plate.1003.exr").target == "plate.1002.exr"
        assert bench.faults() == []


class TestListings:
    def test_new_small_files_at_rest_are_given_out_to_be_read_first(self, bench: Bench) -> None:
        """Fresh files are not in the catalog until they were read; larger ones and unsettled ones are at once."""
        (bench.root / "a.mov").write_bytes(b"a")
        bench.clock.advance(60)
        (bench.root / "big.mov").touch()
        os.truncate(bench.root / "big.mov", 2 << 20)
        listing = list_folder(str(bench.root), "", bench.care.intake.ignore, bench.care.intake.device)
        fresh: list[object] = []
        with bench.database.write() as connection:
            bench.care.intake.take_listings(connection, {"new": listing}, {}, bench.now_us(), fresh)  # type: ignore[arg-type]
        assert [one.row.name for one in fresh] == ["a.mov"]  # type: ignore[attr-defined]
        assert set(bench.states()) == {"new/big.mov"}
        assert bench.faults() == []

    def test_file_that_came_and_went_leaves_no_row(self, bench: Bench) -> None:
        """What was deleted before it had settled is an observation, not a missing file."""
        (bench.root / "a.mov").write_bytes(b"a")
        hint(bench, "a.mov")
        (bench.root / "a.mov").unlink()
        hint(bench, "a.mov")
        bench.quiesce()
        assert bench.states() == {}
        assert "came_and_went" in bench.observed()
        assert bench.faults() == []

    def test_deleted_folder_takes_its_files_along(self, bench: Bench) -> None:
        """Files whose folders are gone are missing after the second look, with their digests."""
        (bench.root / "A001/sub").mkdir(parents=True)
        (bench.root / "A001/sub/a.mov").write_bytes(b"a")
        bench.quiesce(scan=True)
        shutil.rmtree(bench.root / "A001")
        bench.quiesce(scan=True)
        assert bench.states() == {"A001/sub/a.mov": ("missing", "recorded", digest(b"a"))}
