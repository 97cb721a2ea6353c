"""How do the report's tests make a catalog and a report of it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import Config
from assetwatch.delivery import kept
from assetwatch.delivery.link import bring_up_to_date
from assetwatch.delivery.schedule_toml import read_toml
from assetwatch.report.build import Asked, Built, build
from assetwatch.units import microseconds
from tests.catalog.conftest import Shelf

#: When the reports of these tests are made: a morning in winter, by a clock that is behind UTC.
NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
ZONE = ZoneInfo("America/Los_Angeles")

#: Names that want to be something else than a name, in catalog text.
HOSTILE = (
    "=cmd|' !A0.mov",
    "+1.mov",
    "-2.mov",
    "@SUM(A1).mov",
    "\tsix\r.mov",
    "two\nlines.mov",
    "<script>alert(1)</script>.mov",
    "\N{CLAPPER BOARD}\N{VARIATION SELECTOR-16}.mov",
    "no//FFutf8//FE.mov",
    "\N{RIGHT-TO-LEFT OVERRIDE}vom.exe",
    "e\N{COMBINING ACUTE ACCENT}.mov",
    "a,b;c\"d'e.mov",
)


def us(**ago: float) -> int:
    """The catalog's microseconds of an instant before NOW."""
    return microseconds(NOW - timedelta(**ago))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at NOW."""
    return FakeClock(NOW)


@pytest.fixture
def shelf(database: Database) -> Shelf:
    """An empty catalog to be filled by hand, on each database."""
    return Shelf(database)


@pytest.fixture
def schedule(database: Database, clock: FakeClock) -> Callable[[str], None]:
    """What puts a schedule (TOML) in force and compares it with the catalog."""

    def apply(text: str) -> None:
        read = read_toml(text, UTC)
        assert not read.faults, read.faults
        with database.write() as connection:
            rows.apply(connection, [kept.as_scheduled(one) for one in read.deliverables], microseconds(clock.now()))
        bring_up_to_date(database, clock)

    return apply


@pytest.fixture
def make(database: Database, clock: FakeClock) -> Callable[..., Built]:
    """What builds a report."""

    def built(config: Config | None = None, **asked: Any) -> Built:
        wanted = Asked(ZONE, "America/Los_Angeles", **{"since": NOW - timedelta(days=1), **asked})
        return build(database, config or Config(project="NIGHTFALL"), wanted, clock)

    return built
