"""Do people get word of what cannot wait, through the real loop of things: catalog, alarms, mail?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from assetwatch.catalog import known, messages, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import AboutSection, Config, NotifySection, RouteSection, SmtpSection
from assetwatch.notify.teller import Post, Teller
from assetwatch.units import microseconds
from tests.catalog.conftest import Shelf
from tests.notify.conftest import Authority, Mailbox, Web


class Server:
    """A machine on which the daemon's room is looked into by hand."""

    def __init__(self, database: Database, authority: Authority, box: Mailbox) -> None:
        self.database, self.box, self.clock = database, box, FakeClock()
        self.shelf = Shelf(database)
        self.smtp = SmtpSection(host="localhost", port=box.port, sender="aw@example.com", ca=str(authority.ca))
        self.routes: list[RouteSection] = [RouteSection(name="dits", to=("dit@example.com",))]
        self.more: dict[str, Any] = {}
        self.start()

    def start(self) -> None:
        """A daemon begins."""
        section = NotifySection(route=tuple(self.routes), smtp=self.smtp, **self.more)
        config = Config(project="NIGHTFALL", time_zone="America/Los_Angeles", notify=section)
        self.teller = Teller(self.database, config, self.clock)
        self.post = Post(self.database, config, self.clock)

    def go(self, seconds: float, step: float = 5.0) -> None:
        """Let time pass as in the daemon: look, then send what is due."""
        for _ in range(round(seconds / step)):
            self.clock.advance(step)
            self.teller.look()
            self.post.alive()
            self.post.step()

    def alert(self, key: str, kind: str, volume_id: int | None, text: str) -> None:
        """As the rooms of ingest do."""
        with self.database.write() as connection:
            volumes.open_alert(connection, key, kind, volume_id, self.now_us(), text)

    def over(self, key: str) -> None:
        """As the rooms of ingest do."""
        with self.database.write() as connection:
            volumes.close_alert(connection, key, self.now_us())

    def now_us(self) -> int:
        """The present instant as the catalog has it."""
        return microseconds(self.clock.now())

    @property
    def subjects(self) -> list[str]:
        """What arrived."""
        return [str(one["Subject"]) for one in self.box.mails]

    def text(self, number: int) -> str:
        """The text of a mail that arrived."""
        body = self.box.mails[number].get_body(("plain",))
        assert body is not None
        return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
def server(database: Database, authority: Authority, smtp: Callable[..., Mailbox]) -> Server:
    """With one route, on each database."""
    return Server(database, authority, smtp())


def test_what_a_person_knows_of_is_not_called_over(server: Server) -> None:
    """It still differs: that it is told no more is said, and not that it has ended; of what was mended, that it has."""
    for name in ("ingest", "vault"):
        server.shelf.put(server.shelf.volume(name), "A001/one.mov", integrity="mismatch")
    server.go(60)
    with server.database.write() as connection:
        known.acknowledge(connection, "ingest", "A001", known.Word("Jo", "re-wrapped", server.now_us()))
    server.go(180)
    what = "1 file differs from what was sent or recorded: A001/one.mov"
    assert server.subjects[1:] == [f"[NIGHTFALL] known: volume ingest: {what}"]
    said = server.text(1)
    assert "Known:\n- volume ingest: 1 file differs" in said and "Over:" not in said and "over at" not in said
    html = server.box.mails[1].get_body(("html",))
    assert html is not None and "Known</h2>" in html.get_content() and "Over" not in html.get_content()
    with server.database.write() as connection:
        connection.execute(update(t.file).values(integrity="recorded"))
    server.go(180)
    assert server.subjects[2:] == [f"[NIGHTFALL] over: volume vault: {what}"]


def test_a_roll_that_differs(server: Server) -> None:
    """Three files: one mail, with what is wrong, since when by the show's clock, and what to do; then silence."""
    server.shelf.put(server.shelf.volume(), "A001/1.mov", "A001/2.mov", "A001/3.mov", integrity="mismatch")
    server.go(600)
    server.go(6 * 3_600, step=600)
    what = "volume ingest: 3 files differ from what was sent or recorded: A001/1.mov, A001/2.mov, A001/3.mov"
    assert len(server.subjects) == 1
    assert server.subjects[0].startswith("[NIGHTFALL] volume ingest: 3 files differ from what was sent or recorded")
    assert server.text(0) == (
        f"New:\n- {what}\n  (since 2026-11-23 04:00)\n  -> `assetwatch files --integrity mismatch` lists them, "
        "`assetwatch show PATH` tells each one's story\n\n`assetwatch status` shows everything.\n"
    )


def test_which_volume(server: Server) -> None:
    """A subject begins with the volume's name, however short that is, and although a command in it has it too."""
    volume = server.shelf.volume("big")
    server.alert("mass_loss:1", "mass_loss", volume.id, "45 files are gone: `doctor --accept-volume big` confirms it")
    server.go(30)
    assert server.subjects == ["[NIGHTFALL] volume big: 45 files are gone: `doctor --accept-volume big` confirms it"]


def test_away_and_back(server: Server) -> None:
    """A volume that is away is told with its name, and told to be back."""
    volume = server.shelf.volume()
    server.alert(f"offline:{volume.id}", "volume_offline", volume.id, "nothing is mounted there")
    server.go(600)
    server.over(f"offline:{volume.id}")
    server.go(600)
    assert server.subjects == [
        "[NIGHTFALL] volume ingest: nothing is mounted there",
        "[NIGHTFALL] over: volume ingest: nothing is mounted there",
    ]
    assert "over at 2026-11-23 04:10, after 10 min" in server.text(1)


def test_a_restart_says_nothing_twice(server: Server) -> None:
    """Neither what was told nor what was entered and not sent yet."""
    server.box.answer = "451 later"
    server.alert("loss", "mass_loss", None, "500 of 600 files are gone at once")
    server.go(30)
    server.start()
    server.box.answer = "250 taken"
    server.go(600)
    server.start()
    server.go(3_600, step=60)
    assert server.subjects == ["[NIGHTFALL] 500 of 600 files are gone at once"]


def test_reminders(server: Server) -> None:
    """What lasts is said again each day, or as often as asked for, or never."""
    server.alert("loss", "mass_loss", None, "500 of 600 files are gone at once")
    server.go(600)
    server.go(86_400, step=600)
    assert server.subjects[1:] == ["[NIGHTFALL] still: 500 of 600 files are gone at once"]
    server.more = {"remind": "off"}
    server.start()
    server.go(3 * 86_400, step=7_200)
    assert len(server.subjects) == 2


def test_each_route_hears_of_its_own(server: Server) -> None:
    """One message a route and moment, with what concerns it; nothing for whom it does not."""
    ingest, vfx = server.shelf.volume("ingest"), server.shelf.volume("vfx")
    server.routes = [
        RouteSection(name="all", to=("all@example.com",)),
        RouteSection(name="vfx", to=("vfx@example.com",), volumes=("vfx",)),
        RouteSection(name="wrong", to=("wrong@example.com",), severity="wrong"),
        RouteSection(name="sound", to=("sound@example.com",), deliverables=AboutSection(receiver=("Mix*",))),
        RouteSection(name="reports", to=("reports@example.com",), alerts=False),
    ]
    server.start()
    server.alert(f"mass_loss:{ingest.id}", "mass_loss", ingest.id, "500 files are gone")
    server.alert(f"watch:{vfx.id}", "watch", vfx.id, "too few watches")
    server.go(300)
    assert sorted((to[0], subject) for to, subject in zip(server.box.recipients, server.subjects, strict=True)) == [
        ("all@example.com", "[NIGHTFALL] volume ingest: 500 files are gone"),
        ("all@example.com", "[NIGHTFALL] volume vfx: too few watches"),
        ("vfx@example.com", "[NIGHTFALL] volume vfx: too few watches"),
        ("wrong@example.com", "[NIGHTFALL] volume ingest: 500 files are gone"),
    ]


def test_hostile_names(server: Server) -> None:
    """What others called their files is text in the mail's page, and one line in its subject."""
    volume = server.shelf.volume()
    server.shelf.put(volume, "<script>alert(1)</script>", "a\r\nBcc: x@example.com", "b//FF.mov", integrity="mismatch")
    server.go(60)
    (mail,) = server.box.mails
    assert mail["Bcc"] is None and server.box.recipients == [["dit@example.com"]]
    page = mail.get_body(("html",))
    assert page is not None
    assert "<script>" not in page.get_content() and "&lt;script&gt;" in page.get_content()


def test_a_thousand_alerts(server: Server) -> None:
    """A message lists what a person can read, and counts the rest."""
    for number in range(1_000):
        server.alert(f"x:{number}", "other", None, f"thing {number}")
    server.go(60)
    assert server.subjects == ["[NIGHTFALL] thing 0 (and 999 more)"]
    assert server.text(0).count("- thing") == 50 and "and 950 more" in server.text(0)


def test_one_way_is_blocked(server: Server, secret: Callable[..., str]) -> None:
    """That a place is not reached is told to the others, not to itself, and is over when it is."""
    server.routes.append(RouteSection(name="room", to=(secret("nothing-that-is-an-address"),)))
    server.start()
    server.alert("loss", "mass_loss", None, "500 files are gone")
    server.go(3_600, step=20)
    assert [one.partition(": ")[0] for one in server.subjects] == [
        "[NIGHTFALL] 500 files are gone",
        "[NIGHTFALL] word does not reach room (" + server.routes[1].to[0].removeprefix("credential:") + ")",
    ]
    with server.database.read() as connection:
        made = connection.execute(select(t.message.c.route, t.message.c.kind).order_by(t.message.c.id)).all()
    assert [tuple(row) for row in made] == [("dits", "alert"), ("room", "alert"), ("dits", "alert")]


def test_two_daemons_tell_once(server: Server) -> None:
    """Both share the catalog and its routes: who looks second finds it said."""
    first = server.teller
    server.start()
    server.alert("loss", "mass_loss", None, "500 files are gone")
    for _ in range(10):
        server.clock.advance(5)
        first.look()
        server.teller.look()
        server.post.step()
    assert len(server.subjects) == 1


def test_without_notify(database: Database) -> None:
    """Nobody is named: alerts stand in the catalog, nothing is entered to be sent, no thread is needed."""
    shelf, clock = Shelf(database), FakeClock()
    teller = Teller(database, Config(), clock)
    teller.start()
    shelf.put(shelf.volume(), "1.mov", integrity="mismatch")
    assert teller.look() == 10.0
    clock.advance(600)
    teller.look()
    teller.close()
    with database.read() as connection:
        (alert,) = volumes.open_alerts(connection)
        assert (alert.kind, alert.said_us) == ("mismatch", None)
        assert messages.waiting(connection).count == 0


def test_the_heartbeat(server: Server, web: Web) -> None:
    """Given every few minutes while the loop looks; not for a loop that hangs."""
    server.more = {"heartbeat": f"{web.url}/beat", "heartbeat_every": "5m"}
    server.start()
    server.go(11 * 60, step=30)
    assert [path for _, path, _ in web.asked] == ["/beat"] * 3
    server.clock.advance(3_600)
    server.post.step()
    assert len(web.asked) == 3


def test_the_thread_sends(server: Server) -> None:
    """A started teller sends by itself what its look entered, and ends when it is told to."""
    server.alert("loss", "mass_loss", None, "500 files are gone")
    server.teller.look()
    server.clock.advance(20)
    server.teller.look()
    section = NotifySection(route=tuple(server.routes), smtp=server.smtp)
    teller = Teller(server.database, Config(notify=section), server.clock)
    teller.start()
    assert teller._post is not None
    assert server.box.arrived.wait(30)
    teller.close()
    assert not teller._post._thread.is_alive()
