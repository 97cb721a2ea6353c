"""Hints are kept in bounded memory, and what is dropped from it is replaced by something that covers it."""

from __future__ import annotations

from assetwatch.ingest.hints import Batch, Last, OpenFiles, PendingHints


def none_ignored(_path: str, _folder: bool) -> bool:
    return False


class TestPendingHints:
    def test_last_word_counts(self):
        """A path is reported once, under the last thing heard of it."""
        pending = PendingHints()
        pending.add(Batch(heard={"a": Last.OPENED, "b": Last.CLOSED}))
        pending.add(Batch(heard={"a": Last.CLOSED, "b": Last.GONE, "c": Last.FOUND}))
        hints = pending.take(none_ignored)
        assert hints.paths == {"a", "b", "c"}
        assert (hints.closed, hints.removed, hints.opened) == ({"a"}, {"b"}, frozenset())

    def test_taken_once(self):
        """What was taken is forgotten."""
        pending = PendingHints()
        pending.add(Batch(heard={"a": Last.CLOSED}, folders={"b": "moved"}, full_scan="lost"))
        assert pending.take(none_ignored)
        assert not pending.take(none_ignored)

    def test_ignored_files_are_left_out(self):
        """Files are asked about as files."""
        pending = PendingHints()
        pending.add(Batch(heard={"a.tmp": Last.CLOSED, "a.mov": Last.CLOSED}))
        assert pending.take(lambda path, folder: not folder and path.endswith(".tmp")).paths == {"a.mov"}

    def test_too_many_paths_become_folders(self):
        """Beyond the bound, paths become the folders they are in."""
        pending = PendingHints(most_paths=2)
        pending.add(Batch(heard={"a/1": Last.CLOSED, "a/2": Last.CLOSED, "b/c/3": Last.CLOSED}))
        hints = pending.take(none_ignored)
        assert set(hints.folders) == {"a", "b/c"}
        assert not hints.paths
        assert hints.full_scan is None

    def test_too_many_paths_with_some_at_the_top(self):
        """A folder that is the root means the whole volume."""
        pending = PendingHints(most_paths=2)
        pending.add(Batch(heard={"1": Last.CLOSED, "2": Last.CLOSED, "a/3": Last.CLOSED}))
        hints = pending.take(none_ignored)
        assert "more than 2" in (hints.full_scan or "")
        assert not hints.folders

    def test_too_many_folders_become_the_volume(self):
        """Beyond the bound, folders become a full scan."""
        pending = PendingHints(most_folders=2)
        pending.add(Batch(folders={"a": "moved", "b": "moved", "c": "moved"}))
        hints = pending.take(none_ignored)
        assert "more than 2 folders" in (hints.full_scan or "")
        assert not hints.folders

    def test_folder_below_another_is_covered(self):
        """A look at a folder is a look at everything below it; a name that only begins alike is another folder."""
        pending = PendingHints()
        pending.add(Batch(folders={"a/b/c": "moved", "a": "moved", "a-b": "moved"}))
        assert set(pending.take(none_ignored).folders) == {"a", "a-b"}

    def test_first_reason_for_a_scan_is_kept(self):
        """The reason that a scan was first asked for is the one that is told."""
        pending = PendingHints()
        pending.add(Batch(full_scan="overflow"))
        pending.add(Batch(full_scan="begun"))
        assert pending.take(none_ignored).full_scan == "overflow"


class TestOpenFiles:
    def test_oldest_is_forgotten_first(self):
        """Memory is bounded: of too many, the oldest goes."""
        files = OpenFiles(most=2)
        for name in "abc":
            files.add(name)
        assert [name in files for name in "abc"] == [False, True, True]

    def test_moved_folder(self):
        """Files follow their folder, and are forgotten with it; a name that only begins alike stays."""
        files = OpenFiles()
        for name in ("a/1", "ab/2", "c/3"):
            files.add(name)
        files.move_folder("a", "b/x")
        files.move_folder("c", None)
        assert [name in files for name in ("b/x/1", "ab/2", "c/3", "a/1")] == [True, True, False, False]
