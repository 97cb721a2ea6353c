"""Is everything said that has to be, once, and nothing that only flickered?"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from assetwatch.catalog.volumes import AlertRow
from assetwatch.notify.telling import HISTORY_US, Due, due

S = 1_000_000
DAY = 86_400
START = 1_790_000_000 * S


@dataclass
class Night:
    """A clock and the alerts of a catalog, moved by hand; `said` is all that was said: (seconds, sort, key)."""

    now: int = START
    rows: list[AlertRow] = field(default_factory=list)
    said: list[tuple[int, str, str]] = field(default_factory=list)
    messages: int = 0

    def open(self, key: str, kind: str = "mass_loss", level: int | None = None) -> None:
        """A condition begins."""
        self.rows.append(AlertRow(len(self.rows), key, kind, None, self.now, None, key, None, None, level, None))

    def close(self, key: str) -> None:
        """It ends."""
        self._change(key, closed_us=self.now)

    def worsen(self, key: str, level: int) -> None:
        """There is more of it."""
        self._change(key, level=level)

    def _change(self, key: str, **values: int) -> None:
        for number, row in enumerate(self.rows):
            if row.key == key and row.closed_us is None:
                self.rows[number] = replace(row, **values)

    def go(self, seconds: int, step: int = 5) -> Night:
        """Let time pass, looking every `step` seconds as the daemon does, and note what is said as it does."""
        until = self.now + seconds * S
        while self.now < until:
            self.now += step * S
            self._note(due(self._recent(), self.now, DAY * S))
        return self

    def _recent(self) -> list[AlertRow]:
        return [
            row
            for row in self.rows
            if row.closed_us is None
            or (row.said_us is not None and row.ok_said_us is None)
            or row.opened_us >= self.now - HISTORY_US
        ]

    def _note(self, found: Due) -> None:
        for before, after in found.carried:
            self.rows[after.id] = replace(after, said_us=before.said_us, said_level=before.said_level)
            self.rows[before.id] = replace(before, ok_said_us=self.now)
        self.messages += bool(found)
        at = (self.now - START) // S
        for sort, rows in (("new", found.news), ("still", found.still), ("over", found.over)):
            for row in rows:
                self.said.append((at, sort, row.key))
                now = self.rows[row.id]
                over = {"ok_said_us": self.now} if sort == "over" else {}
                self.rows[row.id] = replace(now, **(over or {"said_us": self.now, "said_level": now.level}))

    def sorts(self, key: str) -> list[str]:
        """What was said of one condition, in order."""
        return [sort for _, sort, of in self.said if of == key]


class TestOnce:
    """Each is said once."""

    def test_told_within_moments(self) -> None:
        """What cannot wait is said after the moments in which more may come, and never again the same day."""
        night = Night()
        night.open("loss")
        night.go(DAY - 60)
        assert night.said == [(15, "new", "loss")]

    def test_a_burst_is_one_message(self) -> None:
        """Forty things that begin within moments are one message."""
        night = Night()
        for number in range(40):
            night.open(f"loss:{number}")
            if number % 10 == 9:
                night.go(3, step=1)
        night.go(600)
        assert night.messages == 1 and len(night.said) == 40

    def test_what_comes_soon_after_is_gathered_for_longer(self) -> None:
        """While there is a message every few moments anyway, they are a minute apart."""
        night = Night()
        for number in range(60):
            night.open(f"loss:{number}")
            night.go(10)
        night.go(120)
        assert len(night.said) == 60 and night.messages <= 12

    def test_nothing_is_said_of_nothing(self) -> None:
        """A quiet week is quiet."""
        assert Night().go(7 * DAY, step=3_600).messages == 0

    def test_a_program_that_begins_anew_says_nothing_twice(self) -> None:
        """All that is known is in the rows."""
        night = Night()
        night.open("loss")
        night.go(60)
        again = Night(now=night.now, rows=list(night.rows))
        assert again.go(600).said == []


class TestMismatch:
    """Files that differ."""

    def test_others_after_some_were_known(self) -> None:
        """A person knew of the first; the next ones in the same package are told at once all the same."""
        night = Night()
        night.open("mismatch:1", "mismatch", level=1)
        night.go(120).close("mismatch:1")
        night.go(180).open("mismatch:1", "mismatch", level=1)
        night.go(90)
        assert [sort for _, sort, _ in night.said] == ["new", "over", "new"]


class TestOffline:
    """A volume that goes away."""

    def test_a_hiccup_is_not_told(self) -> None:
        """Away for half a minute: nothing, neither that it went nor that it came."""
        night = Night()
        night.open("offline:1", "volume_offline")
        night.go(30)
        night.close("offline:1")
        assert night.go(DAY).said == []

    def test_away_and_back(self) -> None:
        """Away for longer: told once, and once that it is over, when it has stayed so for a minute."""
        night = Night()
        night.open("offline:1", "volume_offline")
        night.go(600)
        night.close("offline:1")
        night.go(DAY // 2)
        assert night.said == [(75, "new", "offline:1"), (675, "over", "offline:1")]

    def test_back_for_a_moment(self) -> None:
        """Back for half a minute is not back: it goes on, and nothing is said of it."""
        night = Night()
        night.open("offline:1", "volume_offline")
        night.go(600)
        night.close("offline:1")
        night.go(30)
        night.open("offline:1", "volume_offline")
        night.go(DAY // 2)
        assert night.sorts("offline:1") == ["new"]
        night.close("offline:1")
        night.go(600)
        assert night.sorts("offline:1") == ["new", "over"]

    def test_a_mount_that_comes_and_goes(self) -> None:
        """Two minutes away, two there, all day: a handful of messages, the first at once; at last it is over."""
        night = Night()
        for _ in range(360):
            night.open("offline:1", "volume_offline")
            night.go(120)
            night.close("offline:1")
            night.go(120)
        assert night.said[0] == (75, "new", "offline:1")
        assert night.messages <= 6
        night.go(1_200)
        assert night.sorts("offline:1")[-1] == "over"

    def test_flicker_that_never_lasts(self) -> None:
        """Away for half a minute again and again is told in the end, although it never lasts."""
        night = Night()
        for _ in range(12):
            night.open("offline:1", "volume_offline")
            night.go(30)
            night.close("offline:1")
            night.go(200)
        assert night.sorts("offline:1").count("new") == 1


class TestReminders:
    """While it lasts."""

    def test_daily(self) -> None:
        """Once a day, all that still holds in one message."""
        night = Night()
        night.open("loss")
        night.go(3 * 3_600)
        night.open("late:7", "deliverable_late")
        night.go(3 * DAY, step=60)
        assert night.sorts("loss") == ["new", "still", "still", "still"]
        assert night.sorts("late:7") == ["new", "still", "still", "still"]
        assert night.messages == 5

    def test_off(self) -> None:
        """Nobody is reminded who does not want to be."""
        row = AlertRow(1, "loss", "mass_loss", None, START, None, "loss", START, None, None, None)
        assert not due([row], START + 30 * DAY * S, None)


class TestWorse:
    """When there is more of it."""

    def test_more_is_news_after_a_while(self) -> None:
        """One file, then two: told again, an hour later at the earliest."""
        night = Night()
        night.open("mismatch:1", "mismatch", level=1)
        night.go(60)
        night.worsen("mismatch:1", 2)
        night.go(2 * 3_600)
        assert [(sort, at >= 3_600) for at, sort, _ in night.said] == [("new", False), ("new", True)]

    def test_much_more_is_news_soon(self) -> None:
        """One file, then a whole card: told again within minutes."""
        night = Night()
        night.open("mismatch:1", "mismatch", level=1)
        night.go(60)
        night.worsen("mismatch:1", 400)
        night.go(600)
        assert night.sorts("mismatch:1") == ["new", "new"]
        night.go(3 * 3_600)
        assert night.sorts("mismatch:1") == ["new", "new"]

    def test_less_is_no_news(self) -> None:
        """Some of it was mended: nothing is said until all of it is."""
        night = Night()
        night.open("mismatch:1", "mismatch", level=40)
        night.go(60)
        night.worsen("mismatch:1", 3)
        night.go(3 * 3_600)
        assert night.sorts("mismatch:1") == ["new"]
        night.close("mismatch:1")
        night.go(600)
        assert night.sorts("mismatch:1") == ["new", "over"]


def test_over_before_it_was_told() -> None:
    """Of what was never told the end is not told either."""
    night = Night()
    night.open("loss")
    night.go(10)
    night.close("loss")
    assert night.go(DAY).said == []


def test_the_wait_is_until_something_is_due() -> None:
    """How long to wait is told exactly, so that nobody has to look often."""
    row = AlertRow(1, "offline:1", "volume_offline", None, START, None, "x", None, None, None, None)
    assert due([row], START + 10 * S, None).wait_us == 50 * S
    assert due([row], START + 62 * S, None).wait_us == 13 * S
    assert due([row], START + 75 * S, None).news == (row,)
    assert due([], START, None).wait_us is None
