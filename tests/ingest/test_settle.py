"""Is what `settle` concludes from a row, a look and the time right? Pure: values in, values out."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from assetwatch.catalog.rows import FileRow
from assetwatch.ingest import settle
from assetwatch.ingest.listing import Seen
from assetwatch.ingest.settle import Rules
from assetwatch.model import FileKind

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
LOCAL = Rules(settle_us=10 * SECOND, local=True, trust_inode=True)
SHARED = Rules(settle_us=10 * SECOND, local=False, trust_inode=True)
NO_INODES = Rules(settle_us=10 * SECOND, local=False, trust_inode=False)


def seen(**different: Any) -> Seen:
    """What a look showed: a file of 100 bytes that the kernel last touched now."""
    usual = Seen("a.mov", FileKind.REGULAR, 100, 5, NOW * 1000, 7, 1)
    return usual._replace(**different)


def first(look: Seen, rules: Rules = LOCAL, now_us: int = NOW) -> FileRow:
    """The row of a first look."""
    return settle.first_look(1, 2, 3, look, now_us, rules)


def recorded(rules: Rules = LOCAL, **different: Any) -> FileRow:
    """The row of a file that was read whole."""
    row = replace(
        first(seen(), rules),
        presence="present",
        integrity="recorded",
        version_id=11,
        recorded_us=NOW,
        due_us=None,
        due_for=None,
    )
    return replace(row, **different)


class TestFirstLook:
    def test_new_file_waits_until_it_has_settled(self) -> None:
        """A file touched just now is arriving, and looked at again when the settle time is over."""
        row = first(seen())
        assert (row.presence, row.integrity, row.due_for) == ("arriving", "pending", "settle")
        assert row.due_us == NOW + 10 * SECOND

    def test_old_ctime_on_a_local_file_system_is_proof_of_rest(self) -> None:
        """Where this kernel sets ctime, a file untouched for longer than the settle time is due at once."""
        row = first(seen(ctime_ns=(NOW - 3600 * SECOND) * 1000))
        assert row.due_us is not None and row.due_us < NOW

    def test_old_ctime_elsewhere_proves_nothing(self) -> None:
        """On a share the settle time runs from our own first look, whatever the server's clock says."""
        assert first(seen(ctime_ns=0), SHARED).due_us == NOW + 10 * SECOND

    def test_ctime_from_the_future_proves_nothing(self) -> None:
        """A ctime ahead of our clock, as after a clock was set back, does not keep the file waiting for ever."""
        assert first(seen(ctime_ns=(NOW + 86_400 * SECOND) * 1000)).due_us == NOW + 10 * SECOND

    def test_mtime_is_not_asked(self) -> None:
        """An mtime set back by a copy tool does not make a file look at rest."""
        assert first(seen(mtime_ns=0)).due_us == NOW + 10 * SECOND

    @pytest.mark.parametrize("kind", [FileKind.SYMLINK, FileKind.SPECIAL])
    def test_what_is_never_opened_owes_nothing(self, kind: FileKind) -> None:
        """Links and special files are recorded as they are; nothing is due for them."""
        row = first(seen(kind=kind))
        assert (row.presence, row.integrity, row.due_us, row.due_for) == ("present", "recorded", None, None)


class TestLook:
    def test_same_stat_before_the_time_changes_nothing(self) -> None:
        """A second look too early leaves the very row, so that nothing is written for it."""
        row = first(seen())
        assert settle.look(row, seen(), NOW + 9 * SECOND, LOCAL) is row

    def test_same_stat_at_the_time_makes_it_due_to_be_read(self) -> None:
        """A file unchanged for the settle time is due to be read."""
        row = settle.look(first(seen()), seen(), NOW + 10 * SECOND, LOCAL)
        assert (row.due_for, row.due_us) == ("read", NOW + 10 * SECOND)

    @pytest.mark.parametrize("change", [{"size": 101}, {"mtime_ns": 6}, {"inode": 8}])
    def test_growth_begins_the_wait_anew(self, change: dict[str, int]) -> None:
        """Another size, time or inode is other content: the file has to come to rest again, from now on."""
        later = NOW + 10 * SECOND
        row = settle.look(first(seen()), seen(ctime_ns=later * 1000, **change), later, LOCAL)
        assert (row.due_for, row.due_us, row.stat_since_us) == ("settle", later + 10 * SECOND, later)
        assert row.first_seen_us == NOW

    def test_touch_of_an_arriving_file_begins_the_wait_anew(self) -> None:
        """ctime alone moved: bytes may still be written under a size and an mtime that were set beforehand."""
        later = NOW + 9 * SECOND
        row = settle.look(first(seen()), seen(ctime_ns=later * 1000), later, LOCAL)
        assert (row.due_for, row.due_us) == ("settle", later + 10 * SECOND)

    def test_touch_of_a_recorded_file_is_not_a_change(self) -> None:
        """A chmod, or a hard link made elsewhere, moves ctime and no byte: nothing is read again."""
        row = settle.look(recorded(), seen(ctime_ns=(NOW + SECOND) * 1000), NOW + SECOND, LOCAL)
        assert (row.presence, row.integrity, row.due_for) == ("present", "recorded", None)
        assert row.ctime_ns == (NOW + SECOND) * 1000

    def test_new_content_keeps_what_was_recorded_until_it_is_read(self) -> None:
        """A recorded file that differs is arriving and pending, with its version and dates still on it."""
        row = settle.look(recorded(verified_us=NOW), seen(size=5), NOW + SECOND, LOCAL)
        assert (row.presence, row.integrity, row.version_id) == ("arriving", "pending", 11)
        assert (row.recorded_us, row.verified_us) == (NOW, NOW)

    def test_inode_is_not_asked_where_numbers_are_made_up(self) -> None:
        """Where inode numbers do not last, another one is no change."""
        row = settle.look(recorded(NO_INODES), seen(inode=8), NOW, NO_INODES)
        assert (row.integrity, row.inode) == ("recorded", 8)

    def test_what_stands_elsewhere_at_rest_may_replace_at_once(self) -> None:
        """A changed file whose ctime is old, such as one renamed over it from a finished copy, is due to be read."""
        row = settle.look(recorded(), seen(inode=8, ctime_ns=(NOW - 60 * SECOND) * 1000), NOW, LOCAL)
        assert (row.due_for, row.due_us) == ("read", NOW)

    def test_file_that_becomes_a_link_owes_nothing(self) -> None:
        """A symbolic link in a file's place is no longer counted, nor a frame of a sequence."""
        row = settle.look(recorded(series_id=4, frame=1001), seen(kind=FileKind.SYMLINK), NOW, LOCAL)
        assert (row.kind, row.due_for, row.series_id, row.frame) == ("symlink", None, None, None)

    def test_mended_permission_is_tried_at_once(self) -> None:
        """Whatever touched an unreadable file may have mended it: it is not kept waiting for its next try."""
        row = recorded(integrity="unreadable", problem="no permission", due_for="read", due_us=NOW + 3600 * SECOND)
        after = settle.look(row, seen(ctime_ns=(NOW + SECOND) * 1000), NOW + SECOND, LOCAL)
        assert (after.due_for, after.due_us) == ("read", NOW + SECOND)


class TestAbsence:
    def test_first_look_only_notes_it(self) -> None:
        """A file that is not there stays what it was until a second look."""
        row = settle.absent(recorded(), NOW, 10 * SECOND)
        assert (row.presence, row.absent_us, row.due_for, row.due_us) == ("present", NOW, "absence", NOW + 10 * SECOND)

    def test_noting_it_again_does_not_put_it_off(self) -> None:
        """Looks between the first and the second leave the very row."""
        row = settle.absent(recorded(), NOW, 10 * SECOND)
        assert settle.absent(row, NOW + SECOND, 10 * SECOND) is row

    def test_missing_file_owes_nothing(self) -> None:
        """After the second look the file is missing, and its digest stays."""
        row = settle.vanished(settle.absent(recorded(), NOW, SECOND))
        assert (row.presence, row.integrity, row.version_id, row.due_us) == ("missing", "recorded", 11, None)
        assert settle.absent(row, NOW, SECOND) is row

    def test_back_with_the_old_stat_is_the_same_file(self) -> None:
        """A file that comes back as it went, such as with the folder that it is in, is not read again."""
        for gone in (
            settle.absent(recorded(), NOW + SECOND, SECOND),
            settle.vanished(recorded(absent_us=NOW + SECOND)),
        ):
            row = settle.look(gone, seen(), NOW + 5 * SECOND, LOCAL)
            assert (row.presence, row.integrity, row.absent_us, row.due_for) == ("present", "recorded", None, None)

    def test_made_anew_since_it_was_gone_is_another_file(self) -> None:
        """Deleted and copied again with its old mtime, on an inode number used again: only ctime tells, and it does."""
        gone = settle.absent(recorded(), NOW + SECOND, SECOND)
        row = settle.look(gone, seen(ctime_ns=(NOW + 3 * SECOND) * 1000), NOW + 4 * SECOND, LOCAL)
        assert (row.presence, row.integrity, row.absent_us) == ("arriving", "pending", None)

    def test_back_before_it_was_ever_read(self) -> None:
        """An arriving file that blinked goes on settling."""
        gone = settle.absent(first(seen()), NOW + SECOND, SECOND)
        row = settle.look(gone, seen(), NOW + 2 * SECOND, LOCAL)
        assert (row.presence, row.due_for, row.due_us) == ("arriving", "settle", NOW + 10 * SECOND)

    def test_back_and_unreadable_is_tried_again(self) -> None:
        """What could not be read before it went is tried as soon as it is back."""
        gone = settle.absent(recorded(integrity="unreadable"), NOW + SECOND, SECOND)
        row = settle.look(gone, seen(), NOW + 2 * SECOND, LOCAL)
        assert (row.presence, row.due_for, row.due_us) == ("present", "read", NOW + 2 * SECOND)


class TestRetry:
    def test_waits_longer_each_time_and_never_gives_up(self) -> None:
        """Half a minute, doubled each time, six hours at most."""
        waits = [settle.retry_us(attempts) // SECOND for attempts in range(15)]
        assert waits[:4] == [30, 60, 120, 240]
        assert waits == sorted(waits)
        assert waits[-1] == settle.retry_us(1000) // SECOND == 6 * 3600

    def test_written_while_read_settles_again(self) -> None:
        """A file that changed under the reader is arriving again, for a whole settle time by our clock."""
        row = settle.again(replace(first(seen()), due_for="reading", attempts=1), NOW, LOCAL)
        assert (row.presence, row.due_for, row.due_us, row.attempts) == ("arriving", "settle", NOW + 10 * SECOND, 0)
