"""Does the machine's clock keep the protocol, and does the one of the tests move only when told to?"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from assetwatch.clock import Clock, FakeClock, SystemClock


class TestSystemClock:
    """The machine's."""

    def test_now_is_aware_and_in_utc(self) -> None:
        """An instant without a zone would be read wrongly."""
        assert SystemClock().now().utcoffset() == timedelta(0)

    def test_monotonic_never_steps_back(self) -> None:
        """Later readings are not smaller."""
        clock = SystemClock()
        readings = [clock.monotonic() for _ in range(1000)]
        assert readings == sorted(readings)

    def test_wait_for_what_is_set_already(self) -> None:
        """An event that is set ends the wait, whatever the time."""
        event = threading.Event()
        event.set()
        assert SystemClock().wait(event, 3600)

    def test_wait_in_vain(self) -> None:
        """Without it the time ends the wait; less than no time is no time."""
        assert not SystemClock().wait(threading.Event(), 0)
        assert not SystemClock().wait(threading.Event(), -5)


class TestFakeClock:
    """The tests'."""

    def test_stands_still(self) -> None:
        """Time does not pass by itself."""
        clock = FakeClock()
        assert (clock.now(), clock.monotonic()) == (clock.now(), clock.monotonic())

    def test_both_clocks_move_together(self) -> None:
        """`advance` moves the instant and the monotonic seconds alike."""
        clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
        before = clock.monotonic()
        clock.advance(90.5)
        assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, 500000, tzinfo=UTC)
        assert clock.monotonic() - before == 90.5

    def test_waiting_is_time_passing(self) -> None:
        """A wait for what does not come lets the time pass at once; one for what has come does not."""
        clock, event = FakeClock(), threading.Event()
        start = clock.now()
        assert not clock.wait(event, 60)
        assert clock.now() - start == timedelta(seconds=60)
        event.set()
        assert clock.wait(event, 60)
        assert clock.now() - start == timedelta(seconds=60)


def test_both_keep_the_protocol() -> None:
    """Either can stand where a Clock is asked for."""
    clocks: list[Clock] = [SystemClock(), FakeClock()]
    assert all(clock.now().tzinfo is not None for clock in clocks)
