"""Does the report reach everybody who wants it, and is everybody else left in peace, but for a sign of life?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import AboutSection, Config, NotifySection, RouteSection, SmtpSection
from assetwatch.notify import nightly
from assetwatch.notify.letter import Letter, Owed
from tests.notify.conftest import Authority, Mailbox

WELL = Letter("[NIGHTFALL] all is well", "All is well.\n", "<p>All is well.</p>", "well", ("NIGHTFALL",))
WRONG = replace(WELL, subject="[NIGHTFALL] 3 files differ", severity="wrong")


class Nights:
    """Reports night by night, and a mailbox."""

    def __init__(self, database: Database, authority: Authority, box: Mailbox) -> None:
        self.database, self.box, self.clock = database, box, FakeClock()
        self._smtp = SmtpSection(host="localhost", port=box.port, sender="aw@example.com", ca=str(authority.ca))
        self.routes: tuple[RouteSection, ...] = (RouteSection(name="all", to=("all@example.com",)),)

    def night(self, letter: Letter) -> nightly.Delivered:
        """One night's report, entered and delivered; then a day passes."""
        config = Config(notify=NotifySection(route=self.routes, smtp=self._smtp))
        made = nightly.enqueue(self.database, config, letter, self.clock.now(), 7)
        done = nightly.deliver(self.database, config, self.clock, 5.0, made)
        self.clock.advance(86_400)
        return done

    def arrived(self) -> list[tuple[str, str]]:
        """To whom, and what, so far."""
        both = zip(self.box.recipients, self.box.mails, strict=True)
        return sorted((to[0], str(mail["Subject"])) for to, mail in both)

    def kinds(self) -> list[str]:
        """The kinds of all messages."""
        with self.database.read() as connection:
            return list(connection.execute(select(t.message.c.kind).order_by(t.message.c.id)).scalars())


@pytest.fixture
def nights(database: Database, authority: Authority, smtp: Callable[..., Mailbox]) -> Nights:
    """On each database."""
    return Nights(database, authority, smtp())


def test_every_night(nights: Nights) -> None:
    """A route without rules has it every night, well or not."""
    assert [len(nights.night(letter).sent) for letter in (WELL, WRONG, WELL)] == [1, 1, 1]
    assert len(nights.arrived()) == 3 and nights.kinds() == ["report"] * 3


def test_quiet_when_all_is_well(nights: Nights) -> None:
    """A route that wants to hear of what needs a look hears of that, and once a week that all is well."""
    nights.routes = (RouteSection(name="quiet", to=("q@example.com",), severity="attention"),)
    for night in range(16):
        nights.night(WRONG if night == 3 else WELL)
    assert nights.kinds() == ["life", "report", "life"]
    assert [subject for _, subject in nights.arrived()].count(WRONG.subject) == 1


def test_no_sign_of_life(nights: Nights) -> None:
    """Unless it was told to give none."""
    nights.routes = (RouteSection(name="quiet", to=("q@example.com",), severity="wrong", life="off"),)
    for _ in range(9):
        nights.night(WELL)
    assert nights.kinds() == []


def test_whose_deliverable_it_is(nights: Nights) -> None:
    """Who is responsible for what is wrong has the report, and who is not does not."""
    nights.routes = tuple(
        RouteSection(
            name=name,
            to=(f"{name}@example.com",),
            severity="wrong",
            life="off",
            deliverables=AboutSection(sender=(f"{name}*",)),
        )
        for name in ("editorial", "vfx", "sound")
    )
    late = (Owed("R1", "Editorial", "Mix", "wrong"), Owed("SH1", "VFX House", "DI", "attention"))
    nights.night(replace(WRONG, deliverables=late))
    assert nights.arrived() == [("editorial@example.com", WRONG.subject)]


def test_alerts_only(nights: Nights) -> None:
    """A route that wants no report gets none."""
    nights.routes = (RouteSection(name="alerts", to=("a@example.com",), report=False),)
    assert nights.night(WRONG) == nightly.Delivered((), ())


def test_a_server_that_is_down(nights: Nights) -> None:
    """The night's end does not wait for it: what failed is told, and goes out with the next night's."""
    nights.box.answer = "451 later"
    done = nights.night(WRONG)
    assert done.sent == () and [one.fault for one in done.failed] == [f"localhost:{nights.box.port} refuses: 451 later"]
    nights.box.answer = "250 taken"
    done = nights.night(WELL)
    assert len(done.sent) == 1 and done.failed == ()
    assert [subject for _, subject in nights.arrived()] == [WRONG.subject, WELL.subject]


def test_the_run_is_noted(nights: Nights) -> None:
    """A message knows of which report it is."""
    nights.night(WELL)
    with nights.database.read() as connection:
        assert connection.execute(select(t.message.c.about)).scalar_one() == '{"run": 7}'


def test_nobody_is_named(database: Database) -> None:
    """Without routes nothing is entered, and nothing fails."""
    clock = FakeClock()
    assert nightly.enqueue(database, Config(), WRONG, clock.now()) == []
    assert nightly.deliver(database, Config(), clock, 5.0, []) == nightly.Delivered((), ())
