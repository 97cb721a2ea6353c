"""Does a mail arrive as it was meant, over every kind of connection, and does nothing in it do harm?"""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from assetwatch.config import SmtpSection
from assetwatch.notify import mail, secrets
from assetwatch.notify.letter import Letter, one_line
from assetwatch.notify.mail import MailFault, Server
from tests.notify.conftest import PASSWORD, Authority, Mailbox

MADE = datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
PAGE = '<!doctype html><html lang="en"><body><p>Übersicht &lt;script&gt;</p></body></html>'
LETTER = Letter("[NIGHTFALL] 3 files differ", "Roll A001: 3 files differ.\nÜbersicht\n", PAGE)


@pytest.fixture
def server(authority: Authority) -> Server:
    """A server at `localhost`, whose authority is trusted."""
    secrets.remember(PASSWORD)
    return Server("localhost", 0, "starttls", None, None, "assetwatch <aw@example.com>", 10.0, str(authority.ca))


def _read(part: EmailMessage | None) -> str:
    """A part's text, with the line ends that it was written with."""
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def _written(letter: Letter, server: Server) -> bytes:
    """A mail as the server gets it."""
    written = mail.compose(letter, server.sender, ["dit@example.com"], message_id="<1@x>", list_name="d", made=MADE)
    return written.as_bytes()


def _send(letter: Letter, server: Server, *to: str) -> dict[str, str]:
    to = to or ("dit@example.com",)
    written = mail.compose(letter, server.sender, to, message_id="<1@example.com>", list_name="dits", made=MADE)
    return dict(mail.send(written, to, server))


class TestSent:
    """What arrives."""

    @pytest.mark.parametrize("security", ["starttls", "tls", "none"])
    def test_text_and_page(self, smtp: Callable[..., Mailbox], server: Server, security: str) -> None:
        """Both parts are read as they were written, over every kind of connection."""
        box = smtp(security)
        assert _send(LETTER, replace(server, port=box.port, security=security)) == {}
        (taken,) = box.mails
        assert taken.get_content_type() == "multipart/alternative"
        assert _read(taken.get_body(("plain",))) == LETTER.text
        assert _read(taken.get_body(("html",))).strip() == PAGE

    def test_headers(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """Who, to whom, when, which, and that no machine shall answer."""
        box = smtp()
        _send(LETTER, replace(server, port=box.port, sender="Übersicht <aw@example.com>"), "Ré <dit@example.com>")
        (taken,) = box.mails
        assert str(taken["Subject"]) == LETTER.subject
        assert str(taken["From"]) == "Übersicht <aw@example.com>"
        assert str(taken["To"]) == "Ré <dit@example.com>"
        assert email.utils.parsedate_to_datetime(str(taken["Date"])) == MADE
        assert taken["Message-ID"] == "<1@example.com>"
        assert taken["Auto-Submitted"] == "auto-generated"
        assert taken["List-Id"] == "<dits.assetwatch.example.com>"
        assert box.recipients == [["dit@example.com"]]

    @pytest.mark.parametrize(
        "subject",
        ["[NÄCHTE] 3 späte, Größere Lücken überall " * 4, "[夜] " + "欠落 " * 40, "[NIGHTFALL] " + "3 late, " * 20],
    )
    def test_a_long_subject(self, server: Server, subject: str) -> None:
        """It is read as it was written, and its encoded words are no longer than those that readers take."""
        sent = _written(replace(LETTER, subject=subject), server).partition(b"\r\n\r\n")[0]
        assert max([len(word) for word in re.findall(rb"=\?\S*\?=", sent)], default=0) <= 75
        read = str(email.message_from_bytes(sent, policy=email.policy.default)["Subject"])
        assert read == one_line(subject)

    @pytest.mark.parametrize("times", [1, 3_000], ids=["readable", "base64"])
    def test_no_encoded_line_is_too_long(self, server: Server, times: int, tmp_path: Path) -> None:
        """Lines of the parts, and of what is attached, have at most 76 characters."""
        attached = tmp_path / "report.pdf"
        attached.write_bytes(bytes(range(256)) * 20)
        page = f"<p>{'überall late, ' * 40}</p>" * times
        sent = _written(replace(LETTER, html=page, attachments=(str(attached),)), server)
        lines = [line for line in sent.partition(b"\r\n\r\n")[2].split(b"\r\n") if b"boundary=" not in line]
        assert max(map(len, lines)) == 76

    def test_login(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """With user and password, once the connection is encrypted."""
        box = smtp(login=True)
        _send(LETTER, replace(server, port=box.port, user="aw", password=PASSWORD))
        assert box.users == ["aw"] and len(box.mails) == 1

    def test_a_domain_with_letters_beyond_ascii(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """It is written as name servers know it; a mailbox with such letters needs a server that takes it."""
        box = smtp()
        _send(LETTER, replace(server, port=box.port), "dit@bücher.example")
        assert box.recipients == [["dit@xn--bcher-kva.example"]]
        _send(LETTER, replace(server, port=box.port), "übersicht@example.com")
        assert box.recipients[1] == ["übersicht@example.com"]
        with pytest.raises(MailFault, match="SMTPUTF8"):
            _send(LETTER, replace(server, port=smtp(utf8=False).port), "übersicht@example.com")

    def test_attachment(self, smtp: Callable[..., Mailbox], server: Server, tmp_path: Path) -> None:
        """A file goes along; one that is gone or too large is named in the text instead."""
        (tmp_path / "report.html").write_bytes(b"<p>\xc3\xbc</p>")
        (tmp_path / "huge.html").write_bytes(bytes(8_000_001))
        box = smtp()
        paths = tuple(str(tmp_path / name) for name in ("report.html", "gone.html", "huge.html"))
        _send(replace(LETTER, attachments=paths), replace(server, port=box.port))
        (taken,) = box.mails
        (attached,) = taken.iter_attachments()
        assert attached.get_filename() == "report.html"
        assert attached.get_payload(decode=True) == b"<p>\xc3\xbc</p>"
        text = _read(taken.get_body(("plain",)))
        assert "gone.html could not be read" in text and "huge.html is too large" in text

    def test_a_large_page(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """A page of megabytes, on one line, arrives whole."""
        box = smtp()
        page = f"<p>{'ü' * 1_000_000}</p>"
        _send(replace(LETTER, html=page), replace(server, port=box.port))
        assert _read(box.mails[0].get_body(("html",))).strip() == page


class TestHostile:
    """Names of files come from others."""

    @pytest.mark.parametrize(
        "subject",
        [
            "A001\nBcc: everybody@example.com",
            "A001\r\n\r\n<script>alert(1)</script>",
            "A001\x85Bcc: x\u2028y\x00\x1b[31m",
            "caf\udce9.mov",
            "x" * 5_000,
            "",
        ],
    )
    def test_a_subject_stays_a_subject(self, smtp: Callable[..., Mailbox], server: Server, subject: str) -> None:
        """Whatever stands in it: one header, no other ones, nobody else is written to."""
        box = smtp()
        _send(replace(LETTER, subject=subject), replace(server, port=box.port))
        (taken,) = box.mails
        assert taken["Bcc"] is None and taken["Subject"] is not None
        assert str(taken["Subject"]).isprintable() and len(str(taken["Subject"])) <= 200
        assert box.recipients == [["dit@example.com"]]
        assert _read(taken.get_body(("plain",))) == LETTER.text

    def test_texts_that_are_no_unicode(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """Bytes that are no text, a lone dot, an endless line: the mail arrives, and what follows too."""
        box = smtp()
        text = "caf\udce9\x00.mov\n.\nFrom here\n" + "y" * 50_000 + "\nthe end\n"
        _send(replace(LETTER, text=text, html=None), replace(server, port=box.port))
        content = _read(box.mails[0])
        assert "caf?.mov\n.\nFrom here\n" in content and content.endswith("the end\n")


class TestRefused:
    """What does not get through, and how that is told."""

    def test_a_wrong_password(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """The fault names server and user, and nothing of the password."""
        box = smtp(login=True)
        secrets.remember("wrong-password")
        with pytest.raises(MailFault, match="refuses user aw: 535") as caught:
            _send(LETTER, replace(server, port=box.port, user="aw", password="wrong-password"))
        assert "wrong-password" not in str(caught.value)
        assert box.mails == []

    def test_a_password_beyond_ascii(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """The library cannot send it; that is told without a letter of it."""
        box = smtp(login=True)
        with pytest.raises(MailFault, match="beyond ASCII") as caught:
            _send(LETTER, replace(server, port=box.port, user="aw", password="pässwort"))
        assert "ä" not in str(caught.value) and "xe4" not in str(caught.value)

    def test_no_starttls(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """Where encryption was asked for and is not offered, nothing is sent."""
        box = smtp(offer=False)
        with pytest.raises(MailFault, match="offers no STARTTLS"):
            _send(LETTER, replace(server, port=box.port))
        assert box.mails == []

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_certificate_of_somebody_else(self, smtp: Callable[..., Mailbox], server: Server, security: str) -> None:
        """An authority that nobody trusts, and another name than the one called: nothing is sent."""
        box = smtp(security)
        with pytest.raises(MailFault, match="certificate is not trusted"):
            _send(LETTER, replace(server, port=box.port, security=security, ca=None))
        with pytest.raises(MailFault, match="certificate is not trusted"):
            _send(LETTER, replace(server, host="127.0.0.1", port=box.port, security=security))
        assert box.mails == []

    def test_some_recipients(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """Who was refused is told, with the reason; the others have their mail."""
        box = smtp()
        box.refuse["gone@example.com"] = "550 no such user"
        refused = _send(LETTER, replace(server, port=box.port), "dit@example.com", "gone@example.com")
        assert refused == {"gone@example.com": "550 no such user"}
        assert box.recipients == [["dit@example.com"]]

    def test_all_recipients(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """When nobody was taken it is a fault."""
        box = smtp()
        box.refuse["dit@example.com"] = "450 later"
        with pytest.raises(MailFault, match="dit@example.com: 450 later"):
            _send(LETTER, replace(server, port=box.port))

    def test_the_mail_itself(self, smtp: Callable[..., Mailbox], server: Server) -> None:
        """A server that does not want the mail says why."""
        box = smtp()
        box.answer = "552 too large\nfor us"
        with pytest.raises(MailFault, match="refuses: 552 too large"):
            _send(LETTER, replace(server, port=box.port))

    def test_nobody_there(self, server: Server) -> None:
        """A closed port, and a name that is none."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            with pytest.raises(MailFault, match=f"localhost:{port}: Connection refused"):
                _send(LETTER, replace(server, port=port))
        with pytest.raises(MailFault, match=r"no\.such\.host\.invalid"):
            _send(LETTER, replace(server, host="no.such.host.invalid", port=25))

    def test_a_server_that_says_nothing(self, server: Server) -> None:
        """It is waited for no longer than was said."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(MailFault, match="did not answer within"):
                _send(LETTER, replace(server, port=port, timeout_s=0.05))


class TestServer:
    """The server of the configuration."""

    def test_this_machine(self) -> None:
        """Without a host it is this machine's own, on port 25, and nothing is encrypted."""
        server = mail.server_of(SmtpSection())
        assert (server.host, server.port, server.security, server.password) == ("localhost", 25, "none", None)

    @pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
    def test_ports(self, security: str, port: int) -> None:
        """The port follows from the encryption."""
        assert mail.server_of(SmtpSection(host="mail.example.com", security=security)).port == port

    def test_password(self, secret: Callable[..., str]) -> None:
        """It comes from the credential's file, without the line end."""
        section = SmtpSection(host="mail.example.com", user="aw", password_credential=secret("pass word\n"))
        assert mail.server_of(section).password == "pass word"
