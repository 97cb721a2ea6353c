"""How does a letter become a mail, and how is it handed to the server?

Formats: RFC 5322 (messages), RFC 2046 5.1.4 (the same in text and HTML), RFC 3834 5 (Auto-Submitted: no machine
answers it), RFC 2919 (List-Id: people sort by it).
"""

from __future__ import annotations

import email.header
import email.policy
import email.utils
import mimetypes
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from assetwatch import __version__
from assetwatch.config import SmtpSection
from assetwatch.errors import ConfigError
from assetwatch.notify import secrets
from assetwatch.notify.letter import Letter, one_line

#: Files that are larger stay at home: mail servers refuse them, and the report is in its directory (bytes).
_ATTACHED_MAX: Final = 8_000_000

#: From this size on text that is mostly ASCII is no longer kept readable in the mail's source (characters).
_READABLE_MAX: Final = 100_000

#: A line of an encoded part has at most so many characters (RFC 2045 6.7, 6.8); an encoded word of a header, which has
#: a blank in front, one less (RFC 2047 2).
_LINE_MAX: Final = 76

#: Headers of plain ASCII are folded from here on, and no sooner: a subject in brackets would be given a blank in front.
#: The limit of a line is 998 (RFC 5322 2.1.1).
_PLAIN_MAX: Final = 900


class _Policy(email.policy.EmailPolicy):
    """How a mail is written."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if str(value).isascii():
            return email.policy.SMTP.clone(max_line_length=_PLAIN_MAX).fold_binary(name, value)
        if name == "Subject":
            # The library's newer way loses blanks where it begins another word.
            words = email.header.Header(str(value), "utf-8", _LINE_MAX, name).encode(linesep=self.linesep)
            return f"{name}: {words}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


_POLICY: Final = _Policy(linesep="\r\n", max_line_length=_LINE_MAX)

_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


class MailFault(Exception):
    """The server did not take the mail; the message says why, without a secret."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server, and how to speak to it. `password` is None where nobody has to say who he is."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None
    sender: str
    timeout_s: float
    ca: str | None

    @property
    def shown(self) -> str:
        """The server for a person."""
        words = {"starttls": "STARTTLS", "tls": "TLS", "none": "not encrypted"}
        return f"{self.host}:{self.port}, {words[self.security]}"


def server_of(section: SmtpSection) -> Server:
    """The server that the configuration names. Raises ConfigError where its password cannot be read."""
    local = section.host is None
    security = "none" if local else section.security
    return Server(
        host=section.host or "localhost",
        port=section.port or _PORTS[security],
        security=security,
        user=section.user,
        password=None if section.user is None else secrets.read(section.password_credential),
        sender=section.sender or f"assetwatch@{socket.getfqdn()}",
        timeout_s=section.timeout_seconds,
        ca=section.ca,
    )


# -- the mail ---------------------------------------------------------------------------------------------------


def compose(
    letter: Letter, sender: str, to: Sequence[str], *, message_id: str, list_name: str, made: datetime
) -> EmailMessage:
    """The mail: text, the same as a page if there is one, and what goes along. `made` is aware.

    A file that is not there any more, or too large, is named in the text instead.
    """
    mail = EmailMessage(_POLICY)
    mail["Subject"] = one_line(letter.subject)
    mail["From"] = _address(sender)
    mail["To"] = [_address(one) for one in to]
    mail["Date"] = email.utils.format_datetime(made)
    mail["Message-ID"] = message_id
    mail["List-Id"] = f"<{_dotted(list_name)}.assetwatch.{_dotted(_host(sender))}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Mailer"] = f"assetwatch {__version__}"
    files, absent = _files(letter.attachments)
    text = letter.text if not absent else f"{letter.text.rstrip()}\n\n{absent}\n"
    mail.set_content(_sendable(text), cte=_encoding(text))
    if letter.html is not None:
        mail.add_alternative(_sendable(letter.html), subtype="html", cte=_encoding(letter.html))
    for name, content in files:
        kind, _, subtype = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
    return mail


def _sendable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of names that are none became U+FFFD or `?` on the way."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def _encoding(text: str) -> str:
    """How a part travels: no line of it longer than servers take, no byte that an old one would spoil."""
    return "quoted-printable" if len(text) <= _READABLE_MAX else "base64"


def _address(text: str) -> Address:
    name, bare = email.utils.parseaddr(text)
    local, _, domain = bare.rpartition("@") if "@" in bare else (bare, "", "")
    if not local.strip("."):
        raise ValueError(f"{text!r} is no address")
    if domain and not domain.isascii():
        domain = domain.encode("idna").decode()
    return Address(one_line(name), local, domain)


def bare_address(text: str) -> str:
    """The address alone, of `Somebody <somebody@example.com>`."""
    return _address(text).addr_spec


def _host(sender: str) -> str:
    return bare_address(sender).rpartition("@")[2] or "localhost"


def new_id(token: str, sender: str | None) -> str:
    """The Message-ID that a message keeps through all its tries."""
    return f"<{token}@{_dotted(_host(sender)) if sender else _dotted(socket.gethostname())}>"


def _dotted(text: str) -> str:
    """Text as it may stand in an id (RFC 5322, dot-atom)."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip(".-").lower() or "x"


def _files(paths: Sequence[str]) -> tuple[list[tuple[str, bytes]], str]:
    """(name, content) of the files that can go along, and a sentence about the others."""
    found: list[tuple[str, bytes]] = []
    absent: list[str] = []
    for path in paths:
        name = one_line(os.path.basename(path))
        try:
            if os.path.getsize(path) > _ATTACHED_MAX:
                absent.append(f"{name} is too large for a mail: {path}")
            else:
                found.append((name, Path(path).read_bytes()))
        except OSError as error:
            absent.append(f"{name} could not be read: {error.strerror}")
    return found, "Not attached: " + "; ".join(absent) + "." if absent else ""


# -- the server -------------------------------------------------------------------------------------------------


def send(mail: EmailMessage, to: Sequence[str], server: Server) -> Mapping[str, str]:
    """Hand a mail over; whom the server refused, and why, where it took it for others.

    Raises MailFault when it took it for nobody.
    """
    recipients = {bare_address(one): one for one in to}
    try:
        connection = _connect(server)
        try:
            refused = _hand_over(connection, mail, bare_address(server.sender), list(recipients))
        finally:
            _leave(connection)
    except smtplib.SMTPRecipientsRefused as error:
        # All of them: keyed by address.
        raise MailFault("; ".join(f"{one}: {_said(*said)}" for one, said in error.recipients.items())) from None
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise MailFault(_explained(error, server)) from None
    return {recipients.get(one, one): _said(*said) for one, said in refused.items()}


def _hand_over(
    connection: smtplib.SMTP, mail: EmailMessage, sender: str, recipients: list[str]
) -> dict[str, tuple[int, bytes]]:
    """Send it. (The library's own `send_message` writes `>From` where a line begins with `From`.)"""
    connection.ehlo_or_helo_if_needed()
    beyond_ascii = not all(one.isascii() for one in (sender, *recipients))
    if beyond_ascii and not connection.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("it takes no addresses with letters beyond ASCII (SMTPUTF8)")
    options = ["SMTPUTF8", "BODY=8BITMIME"] if beyond_ascii else []
    content = mail.as_bytes(policy=_POLICY.clone(utf8=beyond_ascii))
    return connection.sendmail(sender, recipients, content, options)


def greet(server: Server) -> None:
    """Connect as for a mail, say who we are, and leave. Raises MailFault."""
    try:
        _leave(_connect(server))
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise MailFault(_explained(error, server)) from None


def _connect(server: Server) -> smtplib.SMTP:
    """A connection over which mail can be sent: encrypted as asked for, and never less than that."""
    context = _context(server)
    connection: smtplib.SMTP
    if server.security == "tls":
        connection = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user is not None and server.password is not None:
            if not (server.user + server.password).isascii():  # the library's complaint would quote from it
                raise MailFault(f"{server.host}: user or password holds letters beyond ASCII, which a login cannot")
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _context(server: Server) -> ssl.SSLContext | None:
    if server.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=server.ca)
    except (OSError, ssl.SSLError):
        raise ConfigError(f"notify.smtp.ca: {server.ca}: expected a file of certificates (PEM).") from None


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye. The mail is the server's by now: what goes wrong here must not have it sent again."""
    try:
        connection.quit()
    except (smtplib.SMTPException, OSError):
        connection.close()


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return secrets.redacted(one_line(f"{code} {text}"))


def _explained(error: Exception, server: Server) -> str:
    """Why it failed, in words that say what to look at."""
    at = f"{server.host}:{server.port}"
    match error:
        case smtplib.SMTPAuthenticationError():
            text = f"{at} refuses user {server.user}: {_said(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPResponseException():
            text = f"{at} refuses: {_said(error.smtp_code, error.smtp_error)}"
        case smtplib.SMTPNotSupportedError() if server.security == "starttls":
            text = f"{at} offers no STARTTLS, and nothing is sent unencrypted: {error}"
        case ssl.SSLCertVerificationError():
            text = f"{at}: its certificate is not trusted: {error.verify_message}"
            text += " (an authority of your own goes into notify.smtp.ca)"
        case ssl.SSLError():
            text = f"{at}: no encrypted connection: {error.reason or error}"
        case smtplib.SMTPServerDisconnected() if "timed out" in str(error):
            text = f"{at} did not answer within {server.timeout_s:g} s"
        case TimeoutError():
            text = f"{at} did not answer within {server.timeout_s:g} s"
        case socket.gaierror():
            text = f"{server.host}: there is no such host, or no name server: {error.strerror}"
        case OSError():
            text = f"{at}: {error.strerror or error}"
        case _:
            text = f"{at}: {error}"
    return secrets.redacted(one_line(text, 500))
