"""Are reports kept whole, for as long as they should be, and is nothing else in the directory touched?"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assetwatch.errors import UsageError
from assetwatch.report import shelf
from assetwatch.report.shelf import Shelf
from tests.harness import ordinary_rights

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


def _nights(place: Shelf, *days: int) -> list[str]:
    names = [place.name_for(NOW - timedelta(days=ago)) for ago in days]
    for name in names:
        place.write(f"{name}.html", b"<p>")
        place.write(f"{name}.json", b"{}")
    return names


@pytest.fixture
def place(tmp_path: Path) -> Shelf:
    """An empty report directory."""
    made = Shelf(tmp_path / "reports")
    made.open([])
    return made


class TestWrite:
    """How a file comes to be there."""

    def test_names_are_instants(self, place: Shelf) -> None:
        """A report is called after its instant in UTC; a second one of that second after the next."""
        assert place.name_for(NOW) == "report-20261124T060000Z"
        place.write("report-20261124T060000Z.html", b"x")
        assert place.name_for(NOW + timedelta(milliseconds=300)) == "report-20261124T060001Z"
        assert shelf.stamp_of("report-20261124T060000Z") == NOW
        assert shelf.stamp_of("report-20261324T060000Z.html") is None

    def test_newest_first_with_their_files(self, place: Shelf) -> None:
        """What lies here, by instant and ending."""
        _nights(place, 0, 2, 1)
        found = place.reports()
        assert [one.made for one in found] == [NOW, NOW - timedelta(days=1), NOW - timedelta(days=2)]
        assert set(found[0].files) == {"html", "json"}

    def test_whole_or_not_at_all(self, place: Shelf) -> None:
        """What cannot be written leaves the old file as it was, and nothing half-done beside it."""
        path = place.write("report-20261124T060000Z.html", b"old")
        with ordinary_rights():
            place.folder.chmod(0o555)
            try:
                with pytest.raises(UsageError, match="cannot be written"):
                    place.write("report-20261124T060000Z.html", b"new")
            finally:
                place.folder.chmod(0o755)
        assert path.read_bytes() == b"old"
        assert [one.name for one in place.folder.iterdir()] == [path.name]

    def test_a_link_is_replaced(self, place: Shelf, tmp_path: Path) -> None:
        """A link that somebody put in the way is not followed to what it points at."""
        target = tmp_path / "precious"
        target.write_bytes(b"mine")
        (place.folder / "report-20261124T060000Z.html").symlink_to(target)
        place.write("report-20261124T060000Z.html", b"x")
        assert target.read_bytes() == b"mine"
        assert not (place.folder / "report-20261124T060000Z.html").is_symlink()

    def test_never_among_the_footage(self, tmp_path: Path) -> None:
        """A directory on a volume, also by way of a link, is refused and not made."""
        (tmp_path / "ingest").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "ingest")
        for folder in (tmp_path / "ingest", tmp_path / "ingest" / "reports", tmp_path / "link" / "reports"):
            with pytest.raises(UsageError, match="among the footage"):
                Shelf(folder).open([str(tmp_path / "ingest")])
        assert list((tmp_path / "ingest").iterdir()) == []
        Shelf(tmp_path / "ingest-reports").open([str(tmp_path / "ingest")])


class TestPrune:
    """For how long reports are kept."""

    def test_by_age_and_by_number(self, place: Shelf) -> None:
        """What is too old goes, and what is too many."""
        _nights(place, 0, 1, 2, 30, 400)
        assert len(place.prune(NOW, timedelta(days=100), None)) == 2
        assert [(NOW - one.made).days for one in place.reports()] == [0, 1, 2, 30]
        assert len(place.prune(NOW, None, 2)) == 4
        assert [(NOW - one.made).days for one in place.reports()] == [0, 1]

    def test_the_newest_stays(self, place: Shelf) -> None:
        """However old it is: without it nobody would know that none was made since."""
        _nights(place, 700, 800)
        place.prune(NOW, timedelta(days=1), 1)
        assert [(NOW - one.made).days for one in place.reports()] == [700]

    def test_nothing_else_is_touched(self, place: Shelf, tmp_path: Path) -> None:
        """Foreign files, links, folders and names that only look alike stay, however old."""
        _nights(place, 0, 500)
        target = tmp_path / "target.html"
        target.write_bytes(b"x")
        foreign = [
            "notes.txt",
            "report-20200101T000000Z.html.bak",
            "report-20209901T000000Z.html",
            "xreport-20200101T000000Z.html",
            "report-20200101T000000Z.html\n",
            "=cmd.html",
        ]
        for name in foreign:
            (place.folder / name).write_bytes(b"mine")
        (place.folder / "report-20200101T000000Z.html").symlink_to(target)
        (place.folder / "report-20200102T000000Z.html").mkdir()
        os.mkfifo(place.folder / "report-20200103T000000Z.html")
        place.prune(NOW, timedelta(days=100), 1)
        left = {one.name for one in place.folder.iterdir()}
        assert left >= {*foreign, *(f"report-2020010{number}T000000Z.html" for number in (1, 2, 3))}
        assert len(left) == 2 + len(foreign) + 3
        assert target.exists()

    def test_what_a_crash_left(self, place: Shelf) -> None:
        """Half a file of a program that ended goes after a day, a fresh one is somebody's at work."""
        old, fresh = (place.folder / f".report-20261124T060000Z.html.{pid}.partial" for pid in (1, 2))
        for path, age in ((old, 100_000), (fresh, 10)):
            path.write_bytes(b"half")
            os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))
        place.prune(NOW, None, None)
        assert not old.exists()
        assert fresh.exists()


class TestIndex:
    """The index page."""

    def test_ours_is_written_anew(self, place: Shelf) -> None:
        """The page of the night before is replaced."""
        assert place.write_index("<p>one") is not None
        path = place.write_index("<p>two")
        assert path is not None
        assert path.read_bytes().startswith(b"<p>two\n")

    def test_another_one_is_left(self, place: Shelf, tmp_path: Path) -> None:
        """A page that something else made, and a link, stay as they are."""
        (place.folder / "index.html").write_bytes(b"<h1>my own site")
        assert place.write_index("<p>") is None
        assert (place.folder / "index.html").read_bytes() == b"<h1>my own site"
        (place.folder / "index.html").unlink()
        (place.folder / "index.html").symlink_to(tmp_path / "elsewhere")
        assert place.write_index("<p>") is None
        assert not (tmp_path / "elsewhere").exists()
