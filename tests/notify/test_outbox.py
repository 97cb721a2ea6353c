"""Does every message get to its place, once, through failures, restarts and two senders at a time?"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from assetwatch.catalog import messages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import NotifySection, RouteSection, SmtpSection
from assetwatch.notify import mail, outbox, secrets
from assetwatch.notify.letter import Letter
from assetwatch.notify.outbox import Outbox
from assetwatch.units import microseconds
from tests.notify.conftest import PASSWORD, Authority, Mailbox

LETTER = Letter("3 files differ", "Roll A001: 3 files differ.\n", "<p>Roll A001</p>", "wrong")


class Office:
    """An outbox, the servers it speaks to, and a clock."""

    def __init__(self, database: Database, authority: Authority, box: Mailbox) -> None:
        self.database = database
        self.clock = FakeClock()
        self.box = box
        self.smtp = SmtpSection(host="localhost", port=box.port, sender="aw@example.com", ca=str(authority.ca))
        self.routes = [RouteSection(name="dits", to=("dit@example.com",))]

    @property
    def section(self) -> NotifySection:
        """The configuration."""
        return NotifySection(route=tuple(self.routes), smtp=self.smtp)

    def sender(self) -> Outbox:
        """A program that sends."""
        return Outbox(self.database, self.section, self.clock)

    def enqueue(self, letter: Letter = LETTER) -> list[int]:
        """Enter a letter for every route."""
        with self.database.write() as connection:
            return [
                made
                for route in self.routes
                for made in outbox.enqueue(
                    connection,
                    self.section,
                    route,
                    letter,
                    kind="report",
                    about={},
                    now_us=microseconds(self.clock.now()),
                )
            ]

    def rows(self) -> list[messages.MessageRow]:
        """All messages."""
        with self.database.read() as connection:
            return [messages.MessageRow(*row) for row in connection.execute(select(*t.message.c))]

    def after(self, seconds: float) -> int:
        """Let time pass, and send what is due; how many were tried."""
        self.clock.advance(seconds)
        return self.sender().send_due()


@pytest.fixture
def office(database: Database, authority: Authority, smtp: Callable[..., Mailbox]) -> Office:
    """On each database."""
    return Office(database, authority, smtp())


class TestSent:
    """What gets through."""

    def test_once(self, office: Office) -> None:
        """It is sent, and that is noted; nobody sends it again, however often he looks."""
        office.enqueue()
        assert office.after(0) == 1
        assert [office.after(seconds) for seconds in (0, 60, 86_400)] == [0, 0, 0]
        (mail_,), (row,) = office.box.mails, office.rows()
        assert str(mail_["Subject"]) == "3 files differ"
        assert row.sent_us is not None and row.fault is None and row.tries == 1

    def test_what_was_sent_is_kept_small(self, office: Office) -> None:
        """Of the content only what tells which one it was stays in the catalog."""
        office.enqueue(Letter("s", "text " * 1_000, "page " * 100_000))
        office.after(0)
        (row,) = office.rows()
        assert row.subject == "s" and len(row.content) < 300

    def test_old_ones_are_forgotten(self, office: Office) -> None:
        """After months nothing is left of what was sent."""
        office.enqueue()
        office.after(0)
        office.clock.advance(91 * 86_400)
        office.enqueue()
        office.after(0)
        assert len(office.rows()) == 1

    def test_a_message_for_each_place(self, office: Office, secret: Callable[..., str]) -> None:
        """The addresses of a route get one mail; another route its own."""
        office.routes = [
            RouteSection(name="dits", to=("a@example.com", "mailto:b@example.com,c@example.com", secret("x"))),
            RouteSection(name="post", to=("d@example.com",)),
        ]
        office.enqueue()
        assert [(row.route, row.place == "mail") for row in office.rows()] == [
            ("dits", True),
            ("dits", False),
            ("post", True),
        ]
        office.after(0)
        assert office.box.recipients == [["a@example.com", "b@example.com", "c@example.com"], ["d@example.com"]]


class TestFailures:
    """What does not get through at once."""

    def test_tried_again_less_and_less_often(self, office: Office) -> None:
        """After one minute, two, four ... and every hour; all the while under the same Message-ID; then it arrives."""
        office.box.answer = "451 later"
        office.enqueue()
        tries = [seconds for seconds in range(0, 4 * 3_600, 20) if office.after(20)]
        rests = [after - before for before, after in itertools.pairwise(tries)]
        assert rests[:6] == [60, 120, 240, 480, 960, 1920] and set(rests[6:]) == {3_600}
        (row,) = office.rows()
        assert row.fault == f"localhost:{office.box.port} refuses: 451 later"
        office.box.answer = "250 taken"
        assert office.after(3_600) == 1
        assert len(office.box.mails) == 1 and office.rows()[0].fault is None

    def test_given_up_aloud(self, office: Office, caplog: pytest.LogCaptureFixture) -> None:
        """After two days nobody tries any more; that stands in the catalog and in the log."""
        office.box.answer = "451 later"
        office.enqueue()
        for _ in range(60):
            office.after(3_600)
        (row,) = office.rows()
        assert row.given_up_us is not None and row.sent_us is None and row.tries < 60
        assert "Roll A001" not in row.content
        said = [one for one in caplog.records if one.levelno == logging.CRITICAL]
        assert [one.getMessage() for one in said] == [
            f"given up, dits was not told '3 files differ': localhost:{office.box.port} refuses: 451 later"
        ]
        with office.database.read() as connection:
            (failed,) = messages.failed(connection)
        assert (failed.route, failed.subject, failed.given_up_us) == ("dits", "3 files differ", row.given_up_us)

    def test_some_addresses(self, office: Office) -> None:
        """Only who was refused is tried again: nobody gets it twice."""
        office.routes = [RouteSection(name="dits", to=("a@example.com", "b@example.com"))]
        office.box.refuse["b@example.com"] = "450 greylisted"
        office.enqueue()
        office.after(0)
        assert office.box.recipients == [["a@example.com"]]
        assert office.rows()[0].fault == "refused for b@example.com: 450 greylisted"
        office.box.refuse.clear()
        office.after(60)
        assert office.box.recipients == [["a@example.com"], ["b@example.com"]]
        first, second = office.box.mails
        assert first["Message-ID"] == second["Message-ID"]
        assert office.after(86_400) == 0

    def test_a_route_that_was_taken_away(self, office: Office) -> None:
        """What waits for somebody whom the configuration no longer names is given up."""
        office.enqueue()
        office.routes = [RouteSection(name="post", to=("d@example.com",))]
        office.after(0)
        (row,) = office.rows()
        assert row.given_up_us is not None and "does not name this place" in (row.fault or "")

    def test_a_route_of_another_daemon(self, office: Office) -> None:
        """While two share the catalog, what waits for a route of the other's is left to it."""
        keeper = {"kind": "run", "host": "h", "pid": 1, "boot_id": "", "version": "1", "started_us": 1}
        with office.database.write() as connection:
            for _ in range(2):
                volumes.enter_keeper(connection, {**keeper, "beat_us": microseconds(office.clock.now())})
        office.enqueue()
        mine, office.routes = office.routes, [RouteSection(name="post", to=("d@example.com",))]
        assert office.after(0) == 0 and office.rows()[0].given_up_us is None
        office.routes = mine
        assert office.after(0) == 1

    def test_an_address_that_was_mended(self, office: Office) -> None:
        """What waits goes to where the configuration says now."""
        office.box.refuse["dit@example.com"] = "550 no such user"
        office.enqueue()
        office.after(0)
        office.routes = [RouteSection(name="dits", to=("new@example.com",))]
        office.after(60)
        assert office.box.recipients == [["new@example.com"]]

    def test_one_that_fails_keeps_no_other(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also where it fails for a reason that nobody thought of."""
        office.routes = [RouteSection(name=name, to=(f"{name}@example.com",)) for name in ("a", "b")]
        office.enqueue()
        compose = mail.compose

        def fail_once(letter: Letter, sender: str, to: list[str], **more: Any) -> Any:
            if "a@example.com" in to:
                raise ZeroDivisionError
            return compose(letter, sender, to, **more)

        monkeypatch.setattr(mail, "compose", fail_once)
        office.after(0)
        assert office.box.recipients == [["b@example.com"]]
        assert "ZeroDivisionError" in (office.rows()[0].fault or "")

    def test_an_address_that_no_header_takes(self, office: Office) -> None:
        """It is a fault of that message, and no end of the program."""
        office.routes = [RouteSection(name="dits", to=("mailto:...",))]
        office.enqueue()
        office.after(0)
        assert office.rows()[0].fault == "the mail cannot be written: '...' is no address"


class TestCrash:
    """What a program leaves that dies."""

    def test_while_sending(self, office: Office) -> None:
        """A message that was taken and of which nothing was said is due again after a while, under the same id."""
        office.enqueue()
        (row,) = office.rows()
        now_us = microseconds(office.clock.now())
        with office.database.write() as connection:
            assert messages.take(connection, row, now_us + 600_000_000)
        assert office.after(60) == 0
        assert office.after(600) == 1
        assert len(office.box.mails) == 1

    def test_sent_but_not_noted(self, office: Office) -> None:
        """Between the two it may go out twice: the same Message-ID lets the other side see that it is one."""
        office.enqueue()
        office.after(0)
        (content,) = [row.content for row in office.rows()]
        with office.database.write() as connection:
            made = connection.execute(select(t.message.c.id)).scalar_one()
            whole = {"text": "x", "html": None, "attachments": []}
            merged = {**json.loads(content), **whole}
            connection.execute(
                update(t.message).where(t.message.c.id == made).values(sent_us=None, content=json.dumps(merged))
            )
        office.after(600)
        first, second = office.box.mails
        assert first["Message-ID"] == second["Message-ID"] and first["Message-ID"]

    def test_two_senders(self, office: Office) -> None:
        """The daemon and the nightly run look at the same time: one of them sends it."""
        office.enqueue()
        (row,) = office.rows()
        now_us = microseconds(office.clock.now())
        with office.database.write() as connection:
            assert messages.take(connection, row, now_us + 600_000_000)
            assert not messages.take(connection, row, now_us + 600_000_000)


class TestSecrets:
    """Nothing of a password is told to anybody."""

    def test_a_password(
        self, office: Office, smtp: Callable[..., Mailbox], secret: Callable[..., str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither by a fault in the catalog nor by the log, at any level."""
        caplog.set_level(logging.DEBUG)
        box = smtp(login=True)
        wrong = f"{PASSWORD}-wrong"
        office.smtp = SmtpSection(
            host="localhost",
            port=box.port,
            sender="aw@example.com",
            ca=office.smtp.ca,
            user="aw",
            password_credential=secret(wrong),
        )
        office.enqueue()
        office.after(0)
        (row,) = office.rows()
        assert "refuses user aw" in (row.fault or "")
        assert wrong not in str(office.rows()) and wrong not in caplog.text

    def test_a_fault_of_the_program(
        self, office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is logged of it has no secret in it either."""
        secrets.remember("plugh-4242")

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("server said plugh-4242")

        monkeypatch.setattr(mail, "compose", fail)
        office.enqueue()
        office.after(0)
        assert "RuntimeError: server said ***" in caplog.text and "plugh" not in caplog.text + str(office.rows())

    def test_a_credential_that_is_not_there(self, office: Office) -> None:
        """It is a fault like others: tried again, and told."""
        office.smtp = SmtpSection(host="localhost", port=office.box.port, user="aw", password_credential="/no/where")
        office.enqueue()
        office.after(0)
        (row,) = office.rows()
        assert "/no/where: No such file or directory" in (row.fault or "") and row.given_up_us is None


class TestKnown:
    """What is known of sending."""

    def test_what_was_given_up_counts_until_something_gets_through(self, office: Office) -> None:
        """And for a report on the time since the last one it counts all the same."""
        office.enqueue()
        office.box.answer = "451 later"
        office.after(0)
        given_up_us = microseconds(office.clock.now()) + 2 * 86_400_000_000
        office.after(2 * 86_400)
        office.box.answer = "250 taken"
        with office.database.read() as connection:
            assert len(messages.failed(connection)) == 1
        office.clock.advance(60)
        office.enqueue()
        office.after(0)
        with office.database.read() as connection:
            assert messages.failed(connection) == []
            assert len(messages.failed(connection, given_up_us - 1)) == 1
            assert messages.failed(connection, given_up_us + 1) == []

    def test_waiting(self, office: Office) -> None:
        """How many wait, since when, and when the next is due."""
        with office.database.read() as connection:
            assert messages.waiting(connection) == messages.Waiting(0, None)
        office.enqueue()
        made_us = microseconds(office.clock.now())
        with office.database.read() as connection:
            assert messages.waiting(connection) == messages.Waiting(1, made_us)
            assert messages.next_due_us(connection) == made_us
        assert office.sender().next_s() == 0.0
        office.after(0)
        assert office.sender().next_s() == 20.0
