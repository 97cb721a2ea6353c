"""Does the catalog say of files what their senders' lists say, in whichever order they come, and nothing false?"""

from __future__ import annotations

import os
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.checksum.manifests.package import verify_package
from assetwatch.ingest.compare import Transform
from tests.senders import Desk, desk_on, flip, md5, mhl, put, roll, sums


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is scanned."""
    yield from desk_on(tmp_path)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Desk]:
    """A volume that is heard; its files are in the present, and come to rest when time passes."""
    yield from desk_on(tmp_path, ear=True, rescan="30d")


def told(desk: Desk, *paths: str) -> None:
    """Let hints be heard, and what follows at once be done."""
    assert desk.bench.ear is not None
    desk.bench.ear.tell(paths)
    desk.bench.work()


class TestOrder:
    def test_list_and_files_together(self, desk: Desk) -> None:
        """A roll that is there with its list is verified, and complete."""
        content = roll(5, "A001")
        put(desk.root, {**content, "A001/A001.md5": sums(roll(5))})
        desk.settle()
        assert set(desk.claims("A001").values()) == {"verified"}
        assert [desk.integrity()[path] for path in content] == ["verified"] * 5
        assert desk.promise("A001").complete
        assert desk.promise("A001").sentence() == "5 of 5 files, 5.01 kB of 5.01 kB"

    @pytest.mark.parametrize("at_rest", [True, False])
    @pytest.mark.parametrize(
        ("name", "spelled"), [("a.md5", "{}"), ("a.md5", "A001/{}"), ("a.mhl", "{}"), ("a.txt", "/mnt/A001/{}")]
    )
    def test_a_roll_found_with_its_list_is_read_once(self, desk: Desk, name: str, spelled: str, at_rest: bool) -> None:
        """What the list needs is in the first read also where both are found at once, and only of what it names."""
        content = {"Clips/a.mov": b"a", "Clips/b.mov": b"b", "c.wav": b"c"}
        named = {spelled.format(path): data for path, data in content.items()}
        put(desk.root, {f"A001/{path}": data for path, data in content.items()})
        put(desk.root, {f"A001/{name}": mhl(named) if name.endswith("mhl") else sums(named), "B002/other.mov": b"d"})
        if at_rest:
            desk.bench.skip_time(60)  # when it is found; otherwise all of it settles together
        desk.settle()
        assert desk.promise("A001").complete
        assert desk.bench.files_read == 3 + 1 + 1
        assert "md5" in desk.digests("A001/Clips/a.mov")
        assert "md5" not in desk.digests("B002/other.mov")

    def test_list_before_its_files(self, live: Desk) -> None:
        """What the list needs is computed in the first read: each file is read once."""
        live.bench.quiesce()
        put(live.root, {"A001/A001.md5": sums(roll(3))})
        told(live, "A001/A001.md5")
        live.settle(scan=False)
        assert live.promise("A001").to_come == 3
        before = live.bench.files_read
        put(live.root, roll(3, "A001"))
        told(live, *roll(3, "A001"))
        live.settle(scan=False)
        assert live.promise("A001").complete
        assert live.bench.files_read - before == 3

    def test_list_after_its_files_needs_one_more_read(self, live: Desk) -> None:
        """Digests that nobody asked for before cost one further read of each file, and no more."""
        live.bench.quiesce()
        put(live.root, roll(3, "A001"))
        told(live, *roll(3, "A001"))
        live.settle(scan=False)
        before = live.bench.files_read
        put(live.root, {"A001/A001.md5": sums(roll(3))})
        told(live, "A001/A001.md5")
        live.settle(scan=False)
        assert live.promise("A001").complete
        assert live.bench.files_read - before == 3 + 1
        assert all(live.bench.versions(path) == 1 for path in roll(3, "A001"))

    def test_list_of_what_is_recorded_needs_no_read(self, tmp_path: Path) -> None:
        """Where the list's algorithm is a configured one, nothing is read for it."""
        for desk in desk_on(tmp_path, algorithms=("xxh128", "md5")):
            put(desk.root, roll(3, "A001"))
            desk.settle()
            before = desk.bench.files_read
            put(desk.root, {"A001/A001.md5": sums(roll(3))})
            desk.settle()
            assert desk.promise("A001").complete
            assert desk.bench.files_read - before == 1

    def test_list_among_its_files(self, live: Desk) -> None:
        """A list that comes half-way is applied to what is there and to what comes."""
        live.bench.quiesce()
        content = roll(4)
        for number, name in enumerate(content):
            put(live.root / "A001", {name: content[name]})
            told(live, f"A001/{name}")
            live.settle(scan=False)
            if number == 1:
                put(live.root, {"A001/A001.md5": sums(content)})
                told(live, "A001/A001.md5")
                live.settle(scan=False)
                assert live.promise("A001").sentence() == "2 of 4 files, 2 to come"
        assert live.promise("A001").complete
        assert live.bench.files_read == 4 + 1 + 2

    def test_several_lists_of_one_folder_need_one_read(self, live: Desk) -> None:
        """Each file is read once for all of them, whatever the algorithms."""
        live.bench.quiesce()
        put(live.root, {f"A001/A001.{name}": sums(roll(3), name) for name in ("md5", "sha1", "sha256")})
        told(live, *(f"A001/A001.{name}" for name in ("md5", "sha1", "sha256")))
        live.settle(scan=False)
        before = live.bench.files_read
        put(live.root, roll(3, "A001"))
        told(live, *roll(3, "A001"))
        live.settle(scan=False)
        assert live.promise("A001").complete
        assert live.bench.files_read - before == 3
        assert live.digests("A001/C0001.mov") == {"xxh128", "md5", "sha1", "sha256"}

    def test_file_written_anew_is_read_once(self, live: Desk) -> None:
        """A verified file that is replaced within one look needs no further read to be compared again."""
        live.bench.quiesce()
        put(live.root, {**roll(1, "A001"), "A001/A001.md5": sums(roll(1))})
        told(live, "A001/C0001.mov", "A001/A001.md5")
        live.settle(scan=False)
        before = live.bench.files_read
        put(live.root, roll(1, "A001"))
        os.utime(live.root / "A001/C0001.mov", ns=(1, 1))
        told(live, "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "verified"
        assert live.bench.files_read - before == 1


class TestArriving:
    def test_half_copied_file_is_no_mismatch(self, live: Desk) -> None:
        """Neither while it grows, nor once it rests at half its size for a while, is anything said but the truth."""
        live.bench.quiesce()
        content = roll(2)
        put(live.root, {"A001/A001.mhl": mhl(content)})
        told(live, "A001/A001.mhl")
        live.settle(scan=False)
        whole = content["C0001.mov"]
        put(live.root / "A001", {"C0001.mov": whole[:300]})
        told(live, "A001/C0001.mov")
        live.compare()
        assert live.claims("A001") == {"A001/C0001.mov": "waiting", "A001/C0002.mov": "missing"}
        assert live.promise("A001").sentence() == "0 of 2 files, 0 B of 2 kB, 2 to come"
        put(live.root / "A001", {"C0001.mov": whole})
        told(live, "A001/C0001.mov")
        live.compare()
        assert live.claims("A001")["A001/C0001.mov"] == "waiting"
        live.settle(scan=False)
        assert live.claims("A001")["A001/C0001.mov"] == "verified"
        assert live.promise("A001").sentence() == "1 of 2 files, 1 kB of 2 kB, 1 to come"
        assert not [what for what, _ in live.notes("A001/C0001.mov") if what == "mismatch"]

    def test_known_file_that_is_copied_again_is_no_mismatch(self, live: Desk) -> None:
        """The disk is ahead of the catalog: a size that nobody has looked at yet is not judged."""
        live.bench.quiesce()
        content = roll(2)
        put(live.root, {"A001/A001.mhl": mhl(content), **roll(1, "A001")})
        told(live, "A001/A001.mhl", "A001/C0001.mov")
        live.settle(scan=False)
        (live.root / "A001/C0001.mov").write_bytes(b"begun ane")
        put(live.root / "A001", {"C0002.mov": content["C0002.mov"]})
        told(live, "A001/C0002.mov")
        live.compare()
        assert live.claims("A001")["A001/C0001.mov"] == "waiting"

    def test_half_copied_list_is_not_judged(self, live: Desk) -> None:
        """A list that is written again is left alone until it rests; what it said before stands."""
        live.bench.quiesce()
        put(live.root, {"A001/A001.mhl": mhl(roll(3)), **roll(3, "A001")})
        told(live, "A001/A001.mhl", *roll(3, "A001"))
        live.settle(scan=False)
        put(live.root, {"A001/A001.mhl": mhl(roll(4))[:400]})
        told(live, "A001/A001.mhl")
        live.compare()
        assert live.promise("A001").wrong == []
        put(live.root, {"A001/A001.mhl": mhl(roll(4))})
        live.compare()
        assert live.promise("A001").wrong == []
        told(live, "A001/A001.mhl")
        live.settle(scan=False)
        assert live.promise("A001").to_come == 1

    def test_volume_that_goes_while_it_is_judged(self, live: Desk) -> None:
        """Nothing is concluded from a folder that is not there because the volume is not."""
        live.bench.quiesce()
        put(live.root, {"A001/A001.md5": sums(roll(3)), **roll(3, "A001")})
        told(live, "A001/A001.md5", *roll(3, "A001"))
        live.settle(scan=False)
        put(live.root, {"A001/new.txt": b"x"})
        told(live, "A001/new.txt")
        away = live.root.with_name("away")
        live.root.rename(away)
        for _ in range(200):
            live.bench.tick()
            live.bench.daemon.wake.wait(0.002)
        assert "A001" in live.promises()
        away.rename(live.root)
        live.settle()
        assert live.promise("A001").row.listed == 3
        assert live.promise("A001").sentence() == "3 of 3 files, 3.01 kB of 3.01 kB, 1 that no list names"


class TestDifferences:
    def test_flipped_bit(self, desk: Desk) -> None:
        """A file of the right size with one bit turned: read twice, then a mismatch with all the evidence."""
        put(desk.root, {**roll(3, "A001"), "A001/A001.mhl": mhl(roll(3))})
        flip(desk.root / "A001/C0002.mov")
        desk.settle()
        assert desk.claims("A001")["A001/C0002.mov"] == "mismatch"
        assert desk.integrity()["A001/C0002.mov"] == "mismatch"
        row = desk.bench.row("A001/C0002.mov")
        expected = md5(roll(3)["C0002.mov"])
        computed = md5((desk.root / "A001/C0002.mov").read_bytes())
        assert row.problem == f"md5 is not what its sender says: expected {expected}, computed {computed}"
        noted = dict(desk.notes("A001/C0002.mov"))
        assert "same_bytes" in noted
        evidence = noted["mismatch"]
        assert (evidence["algorithm"], evidence["expected"], evidence["computed"]) == ("md5", expected, computed)
        assert evidence["lists"][0][0] == "A001/A001.mhl"
        assert evidence["lists"][0][1]["xxh128"]
        assert [one["digests"]["md5"] for one in evidence["readings"]] == [computed, computed]
        assert evidence["host"] and evidence["version"]
        assert desk.promise("A001").wrong == ["1 file is not what the list says"]

    def test_second_reading_decides(self, live: Desk) -> None:
        """A file is only doubted after the first reading; where the second is right it is verified. Both are kept."""
        live.bench.quiesce()
        content = roll(1, "A001")
        put(live.root, {"A001/A001.md5": sums(roll(1))})
        told(live, "A001/A001.md5")
        live.settle(scan=False)
        put(live.root, content)
        path = live.root / "A001/C0001.mov"
        flip(path, keep_times=True)
        told(live, "A001/C0001.mov")
        seen = path.stat()
        for _ in range(3_000):
            if live.claims("A001") == {"A001/C0001.mov": "doubted"}:
                break
            live.bench.clock.advance(0.01)
            live.bench.tick()
            live.bench.daemon.wake.wait(0.002)
        else:
            pytest.fail(f"never doubted: {live.claims('A001')}")
        with open(path, "r+b") as file:  # what was misread is right: nobody wrote to the disk
            file.write(content["A001/C0001.mov"])
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "verified"
        assert "readings_differ" in dict(live.notes("A001/C0001.mov"))
        assert live.bench.versions("A001/C0001.mov") == 2

    def test_other_size(self, desk: Desk) -> None:
        """A size that differs needs no digest."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.mhl": mhl(roll(2)), "A001/C0001.mov": b"short"})
        desk.settle()
        assert desk.claims("A001")["A001/C0001.mov"] == "mismatch"
        assert desk.bench.row("A001/C0001.mov").problem == (
            "its size is not what its sender says: expected 1002, is 5 bytes"
        )

    def test_extra_files_are_named(self, desk: Desk) -> None:
        """What no list names is no fault of the delivery, and is named."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2)), "A001/notes.txt": b"x"})
        desk.settle()
        assert desk.promise("A001").as_json()["extra"] == ["notes.txt"]
        assert desk.promise("A001").complete
        assert desk.integrity()["A001/notes.txt"] == "recorded"

    def test_lists_that_contradict_each_other(self, desk: Desk) -> None:
        """A file must be what every list says of it: one that differs is enough."""
        wrong = {**roll(2), "C0002.mov": b"other"}
        put(desk.root, {**roll(2, "A001"), "A001/a.md5": sums(roll(2)), "A001/b.md5": sums(wrong)})
        desk.settle()
        assert desk.integrity()["A001/C0002.mov"] == "mismatch"
        assert any("listed twice" in text for text in desk.promise("A001").wrong)

    def test_packages_that_contradict_each_other(self, desk: Desk) -> None:
        """A list in a folder above counts as much as the one beside the file."""
        above = {**roll(2, "A001"), "A001/C0002.mov": b"other"}
        put(desk.root, {**roll(2, "A001"), "A001/a.md5": sums(roll(2)), "all.md5": sums(above)})
        desk.settle()
        assert desk.claims("A001")["A001/C0002.mov"] == "verified"
        assert desk.claims("")["A001/C0002.mov"] == "mismatch"
        assert desk.integrity()["A001/C0002.mov"] == "mismatch"

    def test_written_to_after_it_was_verified(self, live: Desk) -> None:
        """It stays a mismatch until it is again what the list says."""
        live.bench.quiesce()
        put(live.root, {**roll(1, "A001"), "A001/A001.md5": sums(roll(1))})
        told(live, "A001/A001.md5", "A001/C0001.mov")
        live.settle(scan=False)
        flip(live.root / "A001/C0001.mov")
        told(live, "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "mismatch"
        put(live.root, roll(1, "A001"))
        told(live, "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "verified"
        assert live.promise("A001").complete

    def test_touch_does_not_wash_a_mismatch_away(self, live: Desk) -> None:
        """A new date on the same wrong bytes changes nothing."""
        live.bench.quiesce()
        put(live.root, {**roll(1, "A001"), "A001/A001.md5": sums(roll(1))})
        flip(live.root / "A001/C0001.mov")
        told(live, "A001/A001.md5", "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "mismatch"
        for ns in (1_000, 2_000):
            os.utime(live.root / "A001/C0001.mov", ns=(ns, ns))
            told(live, "A001/C0001.mov")
            live.settle(scan=False)
            assert live.integrity()["A001/C0001.mov"] == "mismatch"

    def test_touch_does_not_wash_away_that_a_verified_file_was_changed(self, live: Desk) -> None:
        """Not even when the list that verified it has gone."""
        live.bench.quiesce()
        put(live.root, {**roll(1, "A001"), "A001/A001.md5": sums(roll(1))})
        told(live, "A001/A001.md5", "A001/C0001.mov")
        live.settle(scan=False)
        (live.root / "A001/A001.md5").unlink()
        told(live, "A001/A001.md5")
        live.settle(scan=False)
        flip(live.root / "A001/C0001.mov")
        told(live, "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "mismatch"
        os.utime(live.root / "A001/C0001.mov", ns=(1, 1))
        told(live, "A001/C0001.mov")
        live.settle(scan=False)
        assert live.integrity()["A001/C0001.mov"] == "mismatch"

    def test_unreadable_file(self, desk: Desk) -> None:
        """What cannot be read is said to be that, by the package as well."""
        from tests.harness import ordinary_rights

        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        (desk.root / "A001/C0001.mov").chmod(0)
        with ordinary_rights():
            desk.settle()
        assert desk.claims("A001")["A001/C0001.mov"] == "unreadable"
        assert desk.promise("A001").wrong == ["1 file could not be read"]


class TestNames:
    @pytest.mark.parametrize(
        ("listed", "on_disk", "remark"),
        [
            ("Clips\\\\C1.mov", "Clips/C1.mov", "backslash"),
            (unicodedata.normalize("NFD", "caf\u00e9.mov"), "caf\u00e9.mov", "normalization"),
            ("c1.MOV", "C1.mov", "case"),
        ],
    )
    def test_other_spelling_is_reconciled_and_said(self, desk: Desk, listed: str, on_disk: str, remark: str) -> None:
        """The file is verified under the disk's name, read once, and how it was found is a remark."""
        listed = listed.replace("\\\\", "\\")
        put(desk.root, {"A001/A001.md5": f"{md5(b'clip')}  {listed}\n"})
        desk.settle()
        before = desk.bench.files_read
        put(desk.root, {f"A001/{on_disk}": b"clip"})
        desk.settle()
        assert desk.claims("A001") == {f"A001/{on_disk}": "verified"}
        assert desk.bench.files_read - before == 1
        assert len(desk.promise("A001").as_json()["remarks"]) == 1
        assert desk.promise("A001").complete

    def test_name_that_is_not_utf_8(self, desk: Desk) -> None:
        """A file whose name is bytes of another encoding is compared like any other."""
        (desk.root / "A001").mkdir(parents=True)
        name = os.fsdecode(b"A001/gr\xfcn.mov")
        (desk.root / name).write_bytes(b"green")
        (desk.root / "A001/A001.md5").write_bytes(md5(b"green").encode() + b"  gr\xfcn.mov\n")
        desk.settle()
        assert list(desk.claims("A001").values()) == ["verified"]
        assert desk.promise("A001").complete

    def test_hard_links_of_which_one_is_listed(self, desk: Desk) -> None:
        """What the list needs is computed though the bytes are recorded under another name, and then it is at rest."""
        put(desk.root, {"pool/clip.mov": b"clip"})
        desk.settle()
        (desk.root / "A001").mkdir()
        os.link(desk.root / "pool/clip.mov", desk.root / "A001/clip.mov")
        put(desk.root, {"A001/A001.md5": sums({"clip.mov": b"clip"})})
        desk.settle()
        assert desk.claims("A001") == {"A001/clip.mov": "verified"}


class TestLists:
    def test_dropped_entry_stays_reported_until_it_is_listed_again(self, desk: Desk) -> None:
        """A list that says less than it said is said aloud, for as long as it does."""
        put(desk.root, {**roll(3, "A001"), "A001/A001.md5": sums(roll(3))})
        desk.settle()
        put(desk.root, {"A001/A001.md5": sums(roll(2))})
        desk.settle()
        assert desk.promise("A001").wrong == ["A001/C0003.mov: was listed before, and is no longer"]
        put(desk.root, {"A001/more.txt": b"x"})
        desk.settle()
        assert desk.promise("A001").wrong == ["A001/C0003.mov: was listed before, and is no longer"]
        assert not desk.promise("A001").complete
        put(desk.root, {"A001/A001.md5": sums(roll(3))})
        desk.settle()
        assert desk.promise("A001").wrong == []

    def test_dropped_entry_whose_file_is_deleted_as_well(self, desk: Desk) -> None:
        """Taking away the file together with its entry is not forgotten."""
        put(desk.root, {**roll(3, "A001"), "A001/A001.md5": sums(roll(3))})
        desk.settle()
        put(desk.root, {"A001/A001.md5": sums(roll(2))})
        (desk.root / "A001/C0003.mov").unlink()
        desk.settle()
        assert desk.promise("A001").wrong == ["A001/C0003.mov: was listed before, and is no longer"]

    def test_renamed_file_with_a_new_list_is_not_dropped(self, desk: Desk) -> None:
        """The catalog knows that it is the same file."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.settle()
        (desk.root / "A001/C0002.mov").rename(desk.root / "A001/take2.mov")
        put(desk.root, {"A001/A001.md5": sums({"C0001.mov": roll(2)["C0001.mov"], "take2.mov": roll(2)["C0002.mov"]})})
        desk.settle()
        assert desk.promise("A001").wrong == []
        assert desk.promise("A001").complete

    def test_list_that_goes_away(self, desk: Desk) -> None:
        """What it verified stays verified, and that it is gone is said."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.settle()
        (desk.root / "A001/A001.md5").unlink()
        desk.settle()
        assert desk.promise("A001").wrong == ["the lists that lay here are gone"]
        assert desk.integrity()["A001/C0001.mov"] == "verified"

    def test_list_that_goes_away_above_others(self, desk: Desk) -> None:
        """Lists of folders below do not stand in for it."""
        put(desk.root, {**roll(1, "A001/sub"), "A001/A001.md5": sums(roll(1, "sub")), "A001/sub/s.md5": sums(roll(1))})
        desk.settle()
        (desk.root / "A001/A001.md5").unlink()
        desk.settle()
        assert desk.promise("A001").wrong == ["the lists that lay here are gone"]
        assert desk.promise("A001/sub").wrong == []

    def test_damaged_list(self, desk: Desk) -> None:
        """XML that breaks off is the package's problem, and nothing is said of its files."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.mhl": mhl(roll(2))[:-60]})
        desk.settle()
        assert len(desk.promise("A001").wrong) == 1
        assert "A001.mhl" in desk.promise("A001").wrong[0]
        assert desk.integrity()["A001/C0001.mov"] == "recorded"

    def test_package_folder_is_renamed(self, desk: Desk) -> None:
        """History and claims follow; nothing is read again; the old name is forgotten."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.settle()
        before = desk.bench.files_read
        (desk.root / "A001").rename(desk.root / "A002")
        desk.settle()
        assert set(desk.promises()) == {"A002"}
        assert desk.claims("A002") == {"A002/C0001.mov": "verified", "A002/C0002.mov": "verified"}
        assert desk.integrity()["A002/C0001.mov"] == "verified"
        assert desk.bench.files_read == before

    def test_package_folder_goes_and_comes_back(self, desk: Desk, tmp_path: Path) -> None:
        """A roll that was taken off the volume for a while is the package that it was."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2)), **roll(9, "B")})
        desk.settle()
        (desk.root / "A001").rename(tmp_path / "away")
        desk.settle()
        assert desk.promise("A001").wrong == ["its folder is gone"]
        (tmp_path / "away").rename(desk.root / "A001")
        desk.settle()
        assert desk.promise("A001").complete

    def test_judging_that_is_cut_short_is_done_again(self, desk: Desk) -> None:
        """A crash between the judging and its entry loses nothing."""
        put(desk.root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2))})
        desk.bench.quiesce(scan=True)
        for _ in range(200):
            if desk.bench.daemon._comparer is not None and desk.bench.daemon._comparer.busy:
                break
            desk.bench.tick()
        desk.bench.crash()
        desk.bench.start()
        desk.settle()
        assert desk.promise("A001").complete

    def test_altered_generation_is_told_from_no_list(self, desk: Desk) -> None:
        """ASC MHL: a generation that is not what the chain says is a finding of its own."""
        from assetwatch.checksum.manifests import write_asc_mhl

        del write_asc_mhl
        pytest.importorskip("ascmhl")
        import subprocess
        import sys

        put(desk.root, roll(3, "A001"))
        tool = Path(sys.executable).with_name("ascmhl")
        subprocess.run([tool, "create", "-h", "md5", desk.root / "A001"], check=True, capture_output=True)
        desk.settle()
        assert desk.promise("A001").complete
        (generation,) = (desk.root / "A001/ascmhl").glob("0001_*.mhl")
        generation.write_text(generation.read_text().replace("</creatorinfo>", "</creatorinfo> "))
        desk.settle()
        assert any("changed" in text for text in desk.promise("A001").wrong), desk.promise("A001").wrong
        assert not desk.promise("A001").complete


class TestTransforms:
    def test_names(self) -> None:
        """One star stands for the same text on both sides."""
        rule = Transform("*.ari", "*.arx")
        assert rule.name_of("A001/C1.ari") == "A001/C1.arx"
        assert rule.name_of("A001/C1.mov") is None
        assert Transform("raw/*.dng", "mov/*.mov").name_of("raw/a.dng") == "mov/a.mov"

    def test_other_bytes_under_another_name_close_the_entry(self, tmp_path: Path) -> None:
        """As declared: complete, nothing verified that was not compared, and no alarm over the file that is gone."""
        for desk in desk_on(tmp_path, transforms=("*.ari -> *.arx",)):
            content = roll(3, kind="ari")
            put(desk.root / "A001", {**content, "A001.md5": sums(content)})
            desk.settle()
            (desk.root / "A001/C0002.ari").unlink()
            put(desk.root / "A001", {"C0002.arx": b"smaller"})
            desk.settle()
            assert desk.claims("A001")["A001/C0002.ari"] == "transformed"
            assert desk.integrity()["A001/C0002.arx"] == "recorded"
            assert (desk.bench.row("A001/C0002.ari").problem or "").startswith("came as C0002.arx")
            assert desk.promise("A001").complete

    def test_what_came_and_went_again_closes_nothing(self, tmp_path: Path) -> None:
        """A file that is missing itself stands for no other."""
        for desk in desk_on(tmp_path, transforms=("*.ari -> *.arx",)):
            put(desk.root / "A001", {"A001.md5": sums({"a.ari": b"raw"}), "a.arx": b"small"})
            desk.settle()
            assert desk.claims("A001") == {"A001/a.ari": "transformed"}
            (desk.root / "A001/a.arx").unlink()
            desk.settle()
            assert desk.claims("A001") == {"A001/a.ari": "missing"}


def test_long_list_is_entered_in_pieces(desk: Desk) -> None:
    """A list of many thousand entries holds the loop up for one slice at a time."""
    from assetwatch.ingest import judging

    count = judging._PIECE * 2 + 1
    put(desk.root, {"A001/all.md5": "".join(f"{n:032x}  C{n:06}.mov\n" for n in range(count))})
    slices = 0
    for _ in range(5_000):
        desk.bench.clock.advance(0.05)
        slices += desk.bench.daemon._entry is not None
        desk.bench.tick()
        if desk.promises():
            break
        desk.bench.daemon.wake.wait(0.002)
        desk.bench.daemon.wake.clear()
    assert desk.promise("A001").to_come == count
    assert slices >= 3


@pytest.mark.parametrize("seed", range(3))
def test_one_flipped_bit_in_a_large_roll(desk: Desk, seed: int) -> None:
    """Wherever it is in 2,000 files, it is found and named, by the daemon and without a catalog; nothing else is."""
    chance = random.Random(seed)
    content = {f"Clips/{n // 500}/C{n:04}.ari": chance.randbytes(chance.randint(1, 60)) for n in range(2_000)}
    put(desk.root / "A001", {**content, "A001.md5": sums(content)})
    victim = chance.choice(list(content))
    damaged = bytearray(content[victim])
    damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    (desk.root / "A001" / victim).write_bytes(damaged)
    desk.settle()
    wrong = {path for path, state in desk.integrity().items() if state != "verified"}
    assert wrong == {f"A001/{victim}", "A001/A001.md5"}
    assert desk.integrity()[f"A001/{victim}"] == "mismatch"
    plain = verify_package(desk.root / "A001")
    assert [entry.path for entry in plain.entries if str(entry.verdict) != "verified"] == [victim]
