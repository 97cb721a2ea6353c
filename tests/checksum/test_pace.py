"""How are reads kept below so many bytes a second?"""

from __future__ import annotations

import threading

import pytest

from assetwatch.checksum.pace import TokenBucket
from assetwatch.clock import FakeClock

KIB = 1024
RATE = 10 * KIB * KIB


def test_the_pace_is_held() -> None:
    """Over seconds the rate is exact to 2 %."""
    clock = FakeClock()
    bucket = TokenBucket(RATE, clock)
    started = clock.monotonic()
    for _ in range(400):
        assert bucket.take(256 * KIB)
    assert clock.monotonic() - started == pytest.approx(10, rel=0.02)


def test_late_wake_ups_are_made_up_for() -> None:
    """A clock that always waits a little too long does not lower the rate."""

    class LateClock(FakeClock):
        def wait(self, event: threading.Event, seconds: float) -> bool:
            return super().wait(event, seconds + 0.005)

    clock = LateClock()
    bucket = TokenBucket(RATE, clock)
    started = clock.monotonic()
    for _ in range(400):
        bucket.take(256 * KIB)
    assert clock.monotonic() - started == pytest.approx(10, rel=0.02)


def test_shared_by_several() -> None:
    """Threads that share a bucket get its rate together, not each."""

    class Recorder(FakeClock):
        def __init__(self) -> None:
            super().__init__()
            self.waits: list[float] = []

        def wait(self, event: threading.Event, seconds: float) -> bool:
            self.waits.append(seconds)
            return event.is_set()

    clock = Recorder()
    bucket = TokenBucket(RATE, clock)
    threads = [threading.Thread(target=lambda: [bucket.take(RATE // 10) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(clock.waits) == pytest.approx([0.1 * turn for turn in range(1, 21)])


def test_an_idle_time_gives_no_rush() -> None:
    """After an hour without a read at most a tenth of a second is made up for."""
    clock = FakeClock()
    bucket = TokenBucket(RATE, clock)
    clock.advance(3600)
    started = clock.monotonic()
    for _ in range(40):
        bucket.take(256 * KIB)
    assert clock.monotonic() - started == pytest.approx(0.9)


def test_more_than_a_second_at_once() -> None:
    """A piece larger than the rate is waited for, not refused."""
    clock = FakeClock()
    started = clock.monotonic()
    assert TokenBucket(1000, clock).take(5000)
    assert clock.monotonic() - started == pytest.approx(5)


def test_stop() -> None:
    """Who is told to stop gets no permission and does not wait for it."""
    clock = FakeClock()
    bucket = TokenBucket(1, clock)
    stop = threading.Event()
    stop.set()
    started = clock.monotonic()
    assert not bucket.take(1_000_000, stop)
    assert clock.monotonic() == started


@pytest.mark.parametrize("rate", [0, -1])
def test_no_pace_at_all(rate: int) -> None:
    """A rate that lets nothing through is a mistake, not a pause."""
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(rate, FakeClock())
