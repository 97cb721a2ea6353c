"""Are durations, sizes and instants read as people write them, and shown so that they can be read?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.units import duration, instant, local_time, microseconds, parse_duration, parse_size, rfc3339, size


class TestParseDuration:
    """Seconds from text."""

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            *[("10s", 10), ("15m", 900), ("15min", 900), ("6h", 21600), ("30d", 2592000), ("2w", 1209600)],
            *[("1h30m", 5400), ("1h 30m", 5400), (" 1.5h ", 5400), ("250ms", 0.25), ("1m500ms", 60.5), ("0s", 0)],
        ],
    )
    def test_good(self, text: str, seconds: float) -> None:
        """Units may follow one another, with spaces between."""
        assert parse_duration(text) == pytest.approx(seconds)

    @pytest.mark.parametrize(
        "text", ["", "10", "s", "soon", "10x", "-5s", "1h30", "h1", "1,5h", "5 minutes", "1d!", "٣s x"]
    )
    def test_wrong(self, text: str) -> None:
        """Anything else is refused with what was expected and what was given."""
        with pytest.raises(ValueError, match="expected a duration such as") as caught:
            parse_duration(text)
        assert repr(text) in str(caught.value)


class TestParseSize:
    """Bytes from text."""

    @pytest.mark.parametrize(
        ("text", "count"),
        [
            *[("0", 0), ("400M", 400_000_000), ("1.5G", 1_500_000_000), ("64KiB", 65536), ("1 TB", 10**12)],
            *[("400M/s", 400_000_000), ("2k", 2000), ("1GiB", 2**30), ("7B", 7), ("1PiB", 2**50)],
        ],
    )
    def test_good(self, text: str, count: int) -> None:
        """Powers of ten, powers of two with an i, and a rate."""
        assert parse_size(text) == count

    @pytest.mark.parametrize("text", ["", "M", "fast", "1X", "-1M", "1 2M", "400 MBit"])
    def test_wrong(self, text: str) -> None:
        """Anything else is refused with what was expected."""
        with pytest.raises(ValueError, match="expected a size such as"):
            parse_size(text)


class TestShown:
    """What a person sees."""

    @pytest.mark.parametrize(
        ("count", "text"),
        [
            *[(0, "0 B"), (1, "1 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.23 kB"), (12345, "12.3 kB")],
            *[(123456, "123 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (2_400_000_000_000, "2.4 TB")],
            *[(10**18, "1000 PB"), (99_960, "100 kB")],
        ],
    )
    def test_size(self, count: int, text: str) -> None:
        """Three digits and a unit, in powers of ten as disks are sold."""
        assert size(count) == text

    @given(st.integers(min_value=0, max_value=10**21))
    def test_size_never_fails(self, count: int) -> None:
        """Any number of bytes can be shown, briefly."""
        assert len(size(count)) < 15

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [
            *[(0, "0 ms"), (0.25, "250 ms"), (1, "1.0 s"), (9.94, "9.9 s"), (10, "10 s"), (59.4, "59 s")],
            *[(59.9, "1 min"), (60, "1 min"), (90, "1 min 30 s"), (3600, "1 h"), (7500, "2 h 5 min")],
            *[(86400, "1 d"), (100_000, "1 d 3 h"), (3_000_000, "34 d 17 h")],
        ],
    )
    def test_duration(self, seconds: float, text: str) -> None:
        """Two units at most."""
        assert duration(seconds) == text

    @given(st.floats(min_value=0, max_value=10**10))
    def test_duration_never_fails(self, seconds: float) -> None:
        """Any duration can be shown, with at most two units and no unit of sixty."""
        text = duration(seconds)
        assert len(text.split()) in (2, 4)
        assert not text.startswith("60 ")


class TestInstants:
    """The catalog's microseconds."""

    @given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))
    def test_there_and_back(self, naive: datetime) -> None:
        """No microsecond is lost on the way."""
        given_instant = naive.replace(tzinfo=UTC)
        assert instant(microseconds(given_instant)) == given_instant

    def test_of_another_zone(self) -> None:
        """An instant is the same whatever zone it is given in."""
        here = datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin"))
        assert instant(microseconds(here)) == here.astimezone(UTC)

    def test_before_1970(self) -> None:
        """Files may be older than the epoch."""
        assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1

    def test_rfc3339(self) -> None:
        """UTC, microseconds always, `Z`; nothing for nothing."""
        assert rfc3339(1_795_000_000_000_000) == "2026-11-18T11:06:40.000000Z"
        assert rfc3339(1) == "1970-01-01T00:00:00.000001Z"
        assert rfc3339(None) is None

    @given(st.integers(min_value=0, max_value=4 * 10**15))
    def test_rfc3339_can_be_read(self, us: int) -> None:
        """What is written is read back the same."""
        assert microseconds(datetime.fromisoformat(rfc3339(us) or "")) == us

    def test_local_time(self) -> None:
        """In the show's zone, through its change to summer time; a dash for nothing."""
        berlin = ZoneInfo("Europe/Berlin")
        before = microseconds(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
        assert local_time(before, berlin) == "2026-03-29 01:59"
        assert local_time(before + 60_000_000, berlin, seconds=True) == "2026-03-29 03:00:00"
        assert local_time(None, berlin) == "-"
        assert microseconds(instant(before) + timedelta(seconds=1)) - before == 1_000_000
