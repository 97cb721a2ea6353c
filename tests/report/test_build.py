"""Are the numbers of a report those of the catalog, counted another way?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from assetwatch.catalog import files, messages, reporting, volumes
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import Config, VolumeSection
from assetwatch.model import WRITTEN_TO
from assetwatch.report.basics import Place, Severity
from assetwatch.report.build import Built
from assetwatch.report.value import Report
from assetwatch.units import microseconds, rfc3339
from tests.catalog.conftest import Shelf

from .conftest import NOW, us

Make = Callable[..., Built]

SCHEDULE = """
[[deliverable]]
id = "LATE"
name = "Reel 1 turnover to sound"
from = "Editorial"
to = "Mix House"
due = 2026-11-22T18:00:00Z
  [[deliverable.item]]
  name = "AAF"
  match = "SOUND/R1/*.aaf"
  [[deliverable.item]]
  name = "Picture"
  match = "SOUND/R1/*.mov"

[[deliverable]]
id = "HERE"
name = "Reel 2 turnover to sound"
from = "Editorial"
due = 2026-11-30T18:00:00Z
  [[deliverable.item]]
  name = "AAF"
  match = "SOUND/R2/*.aaf"

[[deliverable]]
id = "BAD"
name = "Plates"
from = "Vendor"
due = 2026-11-30T18:00:00Z
  [[deliverable.item]]
  name = "Plate"
  match = "VFX/*.mov"

[[deliverable]]
id = "TODAY"
name = "Music"
from = "Composer"
due = 2026-11-24T20:00:00Z
  [[deliverable.item]]
  name = "Mix"
  match = "MUSIC/*.wav"
"""


@pytest.fixture
def show(shelf: Shelf, schedule: Callable[[str], None]) -> Shelf:
    """A show with something of everything."""
    ingest, other = shelf.volume("ingest"), shelf.volume("vault", online=False)
    (r1,) = shelf.put(ingest, "SOUND/R1/r1.mov", size=11, first_seen_us=us(hours=3))
    (aaf,) = shelf.put(ingest, "SOUND/R2/r2.aaf", size=7, first_seen_us=us(hours=2))
    (plate,) = shelf.put(
        ingest, "VFX/plate.mov", size=13, integrity="mismatch", problem="not what was sent", first_seen_us=us(days=9)
    )
    shelf.put(
        ingest, "A001/A001C001.mov", "A001/A001C002.mov", size=100, first_seen_us=us(hours=1), integrity="verified"
    )
    shelf.put(
        ingest, "A001/A001C003.mov", size=100, first_seen_us=us(minutes=1), integrity="pending", presence="arriving"
    )
    shelf.put(ingest, "gone.mov", size=17, presence="missing", first_seen_us=us(days=40))
    shelf.put(ingest, "bad.mov", size=19, integrity="unreadable", problem="I/O error", first_seen_us=us(days=12))
    shelf.put(ingest, "known.mov", size=23, integrity="mismatch", known_us=us(days=2), first_seen_us=us(days=12))
    shelf.put(other, *(f"TAPE/{number}.mov" for number in range(5)), size=1000, first_seen_us=us(days=20, hours=3))
    for row in (aaf, r1, plate):
        shelf.read(row)
    with shelf.database.write() as connection:
        connection.execute(text("update version set settled_us = :us"), {"us": us(hours=2)})
    schedule(SCHEDULE)
    return shelf


def _count(database: Database, sql: str, **values: Any) -> Any:
    with database.read() as connection:
        return connection.execute(text(sql), values).one()


class TestNumbers:
    """Every number against plain SQL over the rows."""

    def test_files_by_state(self, show: Shelf, make: Make) -> None:
        """Presence and integrity add up to every file; those of the volume that is away are offline."""
        report = make().report
        rows = {}
        with show.database.read() as connection:
            for word, count, size in connection.execute(
                text("select integrity, count(*), sum(size) from file where kind = 'file' group by integrity")
            ):
                rows[word] = (count, int(size))
        assert {word: (one.files, one.size) for word, one in report.by_integrity.items()} == rows
        offline = "select count(*), sum(size) from file f join volume v on v.id = f.volume_id where v.online = 0"
        assert (report.by_presence["offline"].files, report.by_presence["offline"].size) == tuple(
            _count(show.database, offline)
        )
        assert (
            sum(one.files for one in report.by_presence.values())
            == _count(show.database, "select count(*) from file")[0]
        )

    def test_counts(self, show: Shelf, make: Make) -> None:
        """The numbers that the next report compares with."""
        counts = make().report.counts
        there = _count(show.database, "select count(*), sum(size) from file where presence <> 'missing'")
        assert (counts["files"], counts["size"]) == tuple(there)
        for word in ("mismatch", "unreadable", "verified", "pending"):
            sql = "select count(*) from file where integrity = :word and presence <> 'missing'"
            assert counts[word] == _count(show.database, sql, word=word)[0], word
        assert counts["missing"] == _count(show.database, "select count(*) from file where presence = 'missing'")[0]
        assert counts["deliverables"] == _count(show.database, "select count(*) from deliverable")[0]
        assert (counts["late"], counts["failing"], counts["volumes_offline"]) == (1, 1, 1)

    def test_arrivals(self, show: Shelf, make: Make) -> None:
        """What came since the last report, in all and by place."""
        report = make().report
        since = {"since": us(days=1)}
        came = _count(show.database, "select count(*), sum(size) from file where first_seen_us > :since", **since)
        assert (report.arrivals.files, report.arrivals.size) == tuple(came)
        places = {one.place.path: one for sender in report.arrivals.senders for one in sender.places.first}
        assert sum(one.files for one in places.values()) == came[0]
        card = places["A001"]
        assert (card.files, card.size, card.reel, card.arriving) == (3, 300, "A001", 1)
        assert card.by_integrity == {"pending": 1, "verified": 2}
        assert (card.first, card.last) == (NOW - timedelta(hours=1), NOW - timedelta(minutes=1))

    def test_what_came_and_is_gone(self, shelf: Shelf, make: Make) -> None:
        """The states of a place's files and those that are gone add up to what came."""
        volume = shelf.volume("ingest")
        shelf.put(volume, "A001/a.mov", integrity="verified", first_seen_us=us(hours=1))
        shelf.put(volume, "A001/b.mov", integrity="verified", presence="missing", first_seen_us=us(hours=1))
        ((card,),) = (sender.places.first for sender in make().report.arrivals.senders)
        assert (card.files, card.by_integrity, card.gone) == (2, {"verified": 1}, 1)

    def test_senders(self, show: Shelf, make: Make) -> None:
        """A place is its sender's whose deliverable looks there; the camera's card is nobody's."""
        report = make().report
        by_sender = {one.name: {place.place.path for place in one.places.first} for one in report.arrivals.senders}
        assert by_sender == {"": {"A001"}, "Editorial": {"SOUND/R1", "SOUND/R2"}}

    def test_days(self, show: Shelf, make: Make) -> None:
        """Thirty days of the show's zone, today the last; their sum is what came in them."""
        days = make().report.days
        assert len(days) == 30
        assert (days[0].day.isoformat(), days[-1].day.isoformat()) == ("2026-10-26", "2026-11-24")
        begin = microseconds(datetime(2026, 10, 26, 7, 0, tzinfo=UTC))  # midnight in Los Angeles, in summer time
        sql = "select count(*), sum(size) from file where first_seen_us >= :begin"
        assert (sum(day.files for day in days), sum(day.size for day in days)) == tuple(
            _count(show.database, sql, begin=begin)
        )
        assert {day.day.isoformat(): day.files for day in days if day.files} == {
            "2026-11-04": 5,
            "2026-11-12": 2,
            "2026-11-15": 1,
            "2026-11-24": 5,
        }

    def test_a_day_is_the_shows(self, shelf: Shelf, make: Make) -> None:
        """What came at seven in the morning UTC came the evening before, in Los Angeles."""
        volume = shelf.volume()
        shelf.put(volume, "late.mov", first_seen_us=microseconds(datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)))
        shelf.put(volume, "early.mov", first_seen_us=microseconds(datetime(2026, 11, 24, 8, 0, tzinfo=UTC)))
        assert [(day.day.day, day.files) for day in make().report.days[-2:]] == [(23, 1), (24, 1)]

    def test_bands(self, show: Shelf, make: Make) -> None:
        """The bands by last check add up to what is not missing."""
        bands = make().report.bands
        there = _count(show.database, "select count(*), sum(size) from file where presence <> 'missing'")
        assert (sum(band.files for band in bands), sum(band.size for band in bands)) == tuple(there)
        assert {band.key: band.files for band in bands if band.files}["failed"] == 3

    def test_problems(self, show: Shelf, make: Make) -> None:
        """Files that are wrong now by name, but for what a person knows of."""
        report = make().report
        assert [(one.place.path, one.state) for one in report.problems.first] == [
            ("VFX/plate.mov", "mismatch"),
            ("gone.mov", "missing"),
            ("bad.mov", "unreadable"),
        ]
        assert report.problems.total == 3
        assert report.acknowledged == {"mismatch": 1}

    def test_volumes(self, show: Shelf, make: Make) -> None:
        """Each volume with its files and bytes."""
        found = {one.name: one for one in make().report.volumes}
        for name, one in found.items():
            sql = (
                "select count(*), sum(size) from file f join volume v on v.id = f.volume_id"
                " where v.name = :name and presence <> 'missing'"
            )
            assert (one.files, one.size) == tuple(_count(show.database, sql, name=name))
        assert (found["ingest"].arriving, found["ingest"].missing, found["vault"].online) == (1, 1, False)


class TestDeliverables:
    """The schedule's part."""

    def test_lists(self, show: Shelf, make: Make) -> None:
        """Late, failed, due soon, newly complete: each in its list, what is missing beside it."""
        owed = make().report.deliverables
        assert [one.key for one in owed.every.first] == ["BAD", "LATE", "TODAY", "HERE"]
        assert [one.key for one in owed.late.first] == ["LATE"]
        assert owed.late.first[0].missing.first == ("AAF",)
        assert (owed.late.first[0].arrived, owed.late.first[0].required) == (1, 2)
        assert [one.key for one in owed.failing.first] == ["BAD"]
        assert "plate.mov" in owed.failing.first[0].wrong.first[0]
        assert [one.key for one in owed.due_soon.first] == ["TODAY"]
        assert [one.key for one in owed.newly_complete.first] == ["HERE"]
        assert owed.by_status == {"failed": 1, "partial": 1, "expected": 1, "verified": 1}

    def test_what_is_wrong_is_said_as_on_the_board(self, show: Shelf, make: Make) -> None:
        """In a sentence, by the file's name, and no rule of ours is named in it."""
        (bad,) = make().report.deliverables.failing.first
        assert bad.wrong.first == ("plate.mov: other bytes than were sent",)

    def test_what_has_begun_is_not_called_missing(
        self, shelf: Shelf, schedule: Callable[[str], None], make: Make
    ) -> None:
        """A sequence of which a frame is not here: what of it is missing, and not that all of it is."""
        ingest = shelf.volume("ingest")
        for row in shelf.sequence(ingest, "VFX", "p.", 101, 104, ".dpx", first_seen_us=us(hours=1)):
            shelf.read(row)
        with shelf.database.write() as connection:
            connection.execute(text("update sequence set missing = '103'"))
        schedule(
            '[[deliverable]]\nid = "VX"\ndue = 2026-11-24T20:00:00Z\n'
            '  [[deliverable.item]]\n  name = "Plate"\n  match = "VFX/p.####.dpx"\n'
            '  [[deliverable.item]]\n  name = "List"\n  match = "VFX/*.edl"\n'
        )
        report = make().report
        assert report.deliverables.due_soon.first[0].missing.first == ("Plate (frame 103 is missing)", "List")

    def test_nothing_is_new_without_an_earlier_report(self, show: Shelf, make: Make) -> None:
        """What was never compared is neither new nor changed."""
        owed = make().report.deliverables
        assert (owed.compared, owed.new.total, owed.changed.total) == (False, 0, 0)

    def test_many_are_bounded(self, shelf: Shelf, schedule: Callable[[str], None], make: Make) -> None:
        """Of hundreds of late ones the list tells the first, and how many there are."""
        shelf.volume()
        schedule(
            '[[deliverable]]\nover = { shot = "S001..S300" }\nid = "{shot}"\ndue = 2026-11-01T00:00:00Z\n'
            '  [[deliverable.item]]\n  name = "M"\n  match = "IN/{shot}.mov"\n'
        )
        report = make().report
        assert (len(report.deliverables.late.first), report.deliverables.late.total) == (200, 300)
        assert report.deliverables.late.more == 100
        assert report.needs.total <= 60


class TestNeeds:
    """What stands at the top."""

    def test_worst_first(self, show: Shelf, make: Make) -> None:
        """What is wrong comes before what should be looked at; what is known is left out."""
        report = make().report
        severities = [need.severity for need in report.needs.first]
        assert severities == sorted(severities, key=lambda one: one.rank)
        said = {(need.kind, need.where) for need in report.needs.first}
        assert said >= {
            ("failed", "BAD"),
            ("late", "LATE"),
            ("mismatch", "ingest:VFX/plate.mov"),
            ("missing", "ingest:gone.mov"),
            ("unreadable", "ingest:bad.mov"),
            ("due_soon", "TODAY"),
        }
        assert not any("known.mov" in need.where for need in report.needs.first)
        assert report.headline.severity is Severity.WRONG

    def test_since_is_never_ahead(self, show: Shelf, make: Make) -> None:
        """A need has been there since an instant that is over: a date on which something is due is not said as one."""
        needs = make().report.needs.first
        assert [need.where for need in needs if need.since is not None and need.since > NOW] == []
        assert {need.kind: need.since for need in needs}["late"] is not None
        assert all(need.since is None for need in needs if need.kind == "failed")

    def test_a_command_can_be_copied(self, shelf: Shelf, schedule: Callable[[str], None], make: Make) -> None:
        """The shell takes the id in a command that is told as one word, whatever is in it."""
        shelf.volume()
        schedule(
            '[[deliverable]]\nid = "R1 $(reboot) SOUND"\ndue = 2026-11-01T00:00:00Z\n'
            '  [[deliverable.item]]\n  name = "M"\n  match = "IN/*.mov"\n'
        )
        (late,) = (need for need in make().report.needs.first if need.kind == "late")
        assert "`assetwatch chase 'R1 $(reboot) SOUND'`" in late.to_do

    def test_a_need_is_a_sentence(self, shelf: Shelf, make: Make) -> None:
        """Digests stand in the list of files that are wrong, not in what a person reads first."""
        said = "md5 is not what its sender says: expected 9dd4e461268c8034, computed cb2a87fdf2be62d8"
        shelf.put(shelf.volume(), "A001/a.mov", integrity="mismatch", problem=said)
        report = make().report
        (need,) = (need for need in report.needs.first if need.kind == "mismatch")
        assert need.what == "mismatch: md5 is not what its sender says"
        assert report.problems.first[0].problem == said

    def test_nobody_is_asked_again_for_what_was_changed_here(
        self, shelf: Shelf, schedule: Callable[[str], None], make: Make
    ) -> None:
        """A file that was right when it came is restored; its sender has nothing to mend, and is not chased."""
        said = f"{WRITTEN_TO} (2026-11-20 10:00 UTC): md5 is not what its sender says: expected 9dd4, computed cb2a"
        (row,) = shelf.put(shelf.volume(), "VFX/a.mov", integrity="mismatch", problem=said, first_seen_us=us(days=4))
        shelf.read(row)
        schedule(
            '[[deliverable]]\nid = "VX"\nfrom = "Lab"\ndue = 2026-11-30T18:00:00Z\n'
            '  [[deliverable.item]]\n  name = "Plate"\n  match = "VFX/*.mov"\n'
        )
        needs = {need.kind: need for need in make().report.needs.first}
        assert needs["mismatch"].to_do == "do not work with it; restore it from a copy"
        assert (
            needs["failed"].what == "VX: a.mov: was as sent when it came, and has been changed here since: restore it"
        )
        assert needs["failed"].to_do == "`assetwatch deliverables VX` has all of it; there is nothing to ask of Lab"

    def test_the_sentence_fits_a_phone(self, show: Shelf, make: Make) -> None:
        """It begins with the worst, and is never longer than a subject line."""
        sentence = make().report.headline.sentence
        assert sentence.startswith("1 deliverable failed, 1 late, 1 mismatch")
        assert len(sentence) <= 60

    def test_all_well(self, shelf: Shelf, make: Make) -> None:
        """With a daemon that runs and nothing wrong nothing needs a person."""
        volume = shelf.volume()
        shelf.put(volume, "A001/a.mov", first_seen_us=us(hours=1))
        with shelf.database.write() as connection:
            keeper = {"kind": "run", "host": "h", "pid": 1, "boot_id": "b", "version": "1"}
            volumes.enter_keeper(connection, {**keeper, "started_us": us(days=1), "beat_us": us(seconds=3)})
        report = make(runs=lambda *_: True).report
        assert (report.headline.severity, report.needs.total) == (Severity.OK, 0)
        assert report.headline.sentence == "All well, 1 file arrived"
        assert report.daemon.running is True

    def test_faults_and_alerts_stand_at_the_top(self, shelf: Shelf, make: Make) -> None:
        """A sweep that could not be made, and a volume that is away, are wrong."""
        volume = shelf.volume("ingest", online=False)
        with shelf.database.write() as connection:
            volumes.open_alert(connection, "offline:1", "volume_offline", volume.id, us(hours=5), "the mount is gone")
        report = make(faults=("no sweep: another one is at it",)).report
        assert [(need.kind, need.severity) for need in report.needs.first[:2]] == [
            ("faults", Severity.WRONG),
            ("offline", Severity.WRONG),
        ]
        assert report.needs.first[1].volume == "ingest"
        assert report.headline.sentence.startswith("Not all was done, 1 volume offline")

    def test_many_files_are_one_line(self, shelf: Shelf, make: Make) -> None:
        """Of five hundred mismatches the first are told by name, and the rest as a number with the way to them."""
        shelf.put(shelf.volume(), *(f"A/{number:03}.mov" for number in range(500)), integrity="mismatch")
        needs = [need for need in make().report.needs.first if need.kind == "mismatch"]
        assert len(needs) == 11
        assert needs[-1].what == "and 490 more of the same kind"
        assert "assetwatch files --integrity mismatch" in needs[-1].to_do

    def test_not_sent(self, shelf: Shelf, make: Make) -> None:
        """Word that was given up since the last report is told before everything else."""
        with shelf.database.write() as connection:
            made = messages.add(
                connection,
                made_us=us(hours=9),
                kind="report",
                about={},
                route="editors",
                place="mail",
                content='{"subject": "x"}',
            )
            given_up = {"next_us": us(hours=1), "given_up_us": us(hours=1), "content": None}
            messages.note_fault(connection, made, "550 no such user", **given_up)  # type: ignore[arg-type]
        report = make().report
        assert report.needs.first[0].kind == "unsent"
        assert "550 no such user" in report.needs.first[0].what
        assert (report.unsent.total, report.unsent.first[0].given_up) == (1, True)

    def test_of_one_place_it_is_said_once(self, shelf: Shelf, make: Make) -> None:
        """Five messages that one address refuses are one thing to mend."""
        with shelf.database.write() as connection:
            for hours in range(1, 6):
                word = {"about": {}, "route": "editors", "place": "mail", "content": "{}"}
                made = messages.add(connection, made_us=us(hours=hours), kind="alert", **word)  # type: ignore[arg-type]
                messages.note_fault(
                    connection, made, "550 no such user", next_us=us(hours=-1), given_up_us=None, content=None
                )
        report = make().report
        (need,) = (one for one in report.needs.first if one.kind == "unsent")
        assert need.what == "5 messages could not be sent after up to 0 tries and are tried again: 550 no such user"
        assert need.since == NOW - timedelta(hours=5)
        assert dict(report.headline.counts)["unsent"] == 5

    def test_a_list_that_must_be_there(self, shelf: Shelf, make: Make) -> None:
        """A card without its sender's list needs a person."""
        shelf.put(shelf.volume(), "DAY1/A001/a.mov")
        section = VolumeSection(name="ingest", path="/mnt/ingest", manifest_for=("*/A*",))
        report = make(Config(volume=(section,))).report
        assert report.packages.unlisted.first == (Place("ingest", "DAY1/A001"),)
        assert ("unlisted", "ingest:DAY1/A001") in {(need.kind, need.where) for need in report.needs.first}


class TestChanges:
    """What happened since the last report."""

    def test_counts_by_name(self, shelf: Shelf, make: Make) -> None:
        """Moves tell from where; new files are no change."""
        volume = shelf.volume()
        one, two = shelf.put(volume, "B/one.mov", "B/two.mov", problem="gone from its folder")
        with shelf.database.write() as connection:
            files.observe(
                connection,
                [
                    {
                        "at_us": us(hours=2),
                        "what": "moved",
                        "volume_id": volume.id,
                        "file_id": one.id,
                        "detail": {"from": "A/one.mov"},
                    },
                    {"at_us": us(hours=1), "what": "missing", "volume_id": volume.id, "file_id": two.id, "detail": {}},
                    {"at_us": us(days=3), "what": "missing", "volume_id": volume.id, "file_id": one.id, "detail": {}},
                ],
            )
        changes = make().report.changes
        assert [(word, count) for word, _, count in changes.counts] == [("missing", 1), ("moved", 1)]
        assert [(one.what, one.place.path, one.detail) for one in changes.worst.first] == [
            ("missing", "B/two.mov", "gone from its folder"),
            ("moved", "B/one.mov", "from A/one.mov"),
        ]


class TestSweep:
    """The last sweep."""

    def test_as_recorded(self, shelf: Shelf, make: Make) -> None:
        """Everything of the run's counts, the reasons with words for a person."""
        shelf.volume()
        counts = {
            "checked": 10,
            "verified": 8,
            "mismatch": 1,
            "missing": 0,
            "unreadable": 1,
            "misread": 1,
            "not_checked": 5,
            "not_checked_reasons": {"offline": 2, "budget": 3},
            "bytes": 5000,
            "bytes_total": 9000,
            "seconds": 2.5,
            "ended_by": "budget",
            "oldest_check": "2026-11-01T00:00:00.000000Z",
            "pace_bytes_per_day": 5000,
            "everything_checked_by": "2026-11-25T00:00:00.000000Z",
            "warnings": ["slow"],
            "problems_left_off": 2,
            "problems": [
                {
                    "volume": "ingest",
                    "path": "bad\ufffd.mov",
                    "path_bytes": "bad%FF.mov",
                    "verdict": "mismatch",
                    "problem": "x",
                }
            ],
        }
        with shelf.database.write() as connection:
            run = volumes.begin_run(
                connection,
                {"kind": "verify", "why": "", "host": "", "version": "", "started_us": us(hours=5)},
            )
            volumes.end_run(connection, run, us(hours=4), complete=False, counts=counts)
        sweep = make().report.sweep
        assert sweep is not None
        assert (sweep.run, sweep.recent, sweep.complete, sweep.ended_by) == (run, True, False, "budget")
        assert (sweep.checked, sweep.verified, sweep.misread, sweep.not_checked) == (10, 8, 1, 5)
        assert [(word, count) for word, _, count in sweep.reasons] == [("budget", 3), ("offline", 2)]
        assert (sweep.pace, sweep.pace_a_day) == (2000, 5000)
        assert sweep.all_by == datetime(2026, 11, 25, tzinfo=UTC)
        assert sweep.problems.first[0].place == Place("ingest", "bad//FF.mov")
        assert sweep.problems.total == 3
        assert make(since=NOW - timedelta(hours=1)).report.sweep.recent is False  # type: ignore[union-attr]

    def test_none_yet(self, shelf: Shelf, make: Make) -> None:
        """Before the first one there is none."""
        assert make().report.sweep is None


class TestBefore:
    """The difference to the report before."""

    @staticmethod
    def _keep(shelf: Shelf, built: Built, at: datetime) -> int:
        report = built.report
        counts = {
            "until": rfc3339(microseconds(at)),
            "severity": report.headline.severity.value,
            "sentence": report.headline.sentence,
            "counts": dict(report.counts),
            "standing": built.standing,
        }
        with shelf.database.write() as connection:
            run = volumes.begin_run(
                connection,
                {"kind": "report", "why": "nightly", "host": "h", "version": "1", "started_us": microseconds(at)},
            )
            volumes.end_run(connection, run, microseconds(at), complete=True, counts=counts)
        return run

    def test_since_the_last_report(self, show: Shelf, make: Make, clock: FakeClock) -> None:
        """The next report goes on where the last one ended, and tells what became of every number."""
        run = self._keep(show, make(), NOW)
        clock.advance(86_400)
        late = NOW + timedelta(hours=20)
        ingest = next(one for one in self._volumes(show) if one.name == "ingest")
        show.put(ingest, "SOUND/R1/r1.aaf", size=5, first_seen_us=microseconds(late))
        show.put(ingest, "worse.mov", size=6, integrity="mismatch", first_seen_us=microseconds(late))
        report = make(since=None).report
        assert report.since == NOW
        assert report.arrivals.files == 2
        assert report.before is not None
        assert (report.before.run, report.before.made) == (run, NOW)
        changes = {one.key: one.change for one in report.before.differences if one.change}
        assert changes == {"files": 2, "size": 11, "mismatch": 1, "late": 1, "due_soon": -1}

    @staticmethod
    def _volumes(shelf: Shelf) -> Any:
        with shelf.database.read() as connection:
            return volumes.all_volumes(connection)

    def test_deliverables_then_and_now(
        self, shelf: Shelf, schedule: Callable[[str], None], make: Make, clock: FakeClock
    ) -> None:
        """New, changed, newly complete and gone, by what the last report knew."""
        volume = shelf.volume()
        one = '[[deliverable]]\nid = "{0}"\ndue = {1}\n  [[deliverable.item]]\n  name = "M"\n  match = "IN/{0}.mov"\n'
        dates = "2026-12-01T00:00:00Z", "2026-12-05T00:00:00Z"
        schedule("".join(one.format(key, dates[0]) for key in ("A", "B", "C", "D")))
        self._keep(shelf, make(), NOW)
        clock.advance(3_600)
        (row,) = shelf.put(volume, "IN/A.mov", first_seen_us=microseconds(clock.now()))
        shelf.read(row)
        schedule(
            one.format("A", dates[0])
            + one.format("B", dates[1])
            + one.format("C", dates[0])
            + one.format("E", dates[0])
        )
        owed = make(since=None).report.deliverables
        assert owed.compared
        assert [x.key for x in owed.newly_complete.first] == ["A"]
        assert owed.newly_complete.first[0].previous == "expected"
        assert {x.key for x in owed.changed.first} == {"A", "B"}
        assert [x.key for x in owed.new.first] == ["E"]
        assert owed.gone.first == ("D",)


class TestRoom:
    """How full the volumes are, and when they will be."""

    def test_growth_and_the_day(self, shelf: Shelf, make: Make) -> None:
        """A volume that fills by a hundred bytes a day, with a thousand left, is full in ten days."""
        volume = shelf.volume()
        with shelf.database.write() as connection:
            for days in range(20, -1, -1):
                reporting.note_capacity(connection, volume.id, us(days=days), 10_000, 1_000 + 100 * days)
        (state,) = make().report.volumes
        assert state.growth == pytest.approx(100)
        assert state.days_left == pytest.approx(10)
        assert state.full_on is not None
        assert abs((state.full_on - NOW).total_seconds() - 10 * 86_400) < 60
        assert (len(state.history), state.history[-1].used) == (21, 9_000)

    def test_nearly_full_needs_a_person(self, shelf: Shelf, make: Make) -> None:
        """Little room, or a week of it, is told; a volume that does not grow has no day."""
        full, slow = shelf.volume("full"), shelf.volume("slow")
        with shelf.database.write() as connection:
            for days in range(3, -1, -1):
                reporting.note_capacity(connection, full.id, us(days=days), 10_000, 200)
                reporting.note_capacity(connection, slow.id, us(days=days), 10_000, 5_000)
        report = make().report
        assert [need.where for need in report.needs.first if need.kind == "full"] == ["full"]
        assert {one.name: one.days_left for one in report.volumes} == {"full": None, "slow": None}

    def test_a_first_note_says_nothing_of_growth(self, shelf: Shelf, make: Make) -> None:
        """One night is no trend."""
        volume = shelf.volume()
        with shelf.database.write() as connection:
            reporting.note_capacity(connection, volume.id, us(hours=3), 10_000, 200)
        (state,) = make().report.volumes
        assert (state.total, state.free, state.growth, state.full_on) == (10_000, 200, None, None)


def test_a_view_of_one_moment(show: Shelf, make: Make, database: Database) -> None:
    """Building writes nothing."""
    with database.read() as connection:
        before = connection.execute(text("select count(*), max(id) from run")).one()
    report: Report = make().report
    with database.read() as connection:
        assert connection.execute(text("select count(*), max(id) from run")).one() == before
    assert report.run is None
    assert json.dumps(make().standing)
