"""What do tests of sending talk to? Real servers of this process: SMTP with TLS, and HTTP."""

from __future__ import annotations

import contextlib
import email
import email.policy
import http.server
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from assetwatch.notify import secrets

PASSWORD = "s3cret-and-never-shown"


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    """What one test wrote into a secret's file is a plain word to the next."""
    secrets._known.clear()


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the tests' own, and a certificate that it gave to `localhost`."""

    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a server at `localhost` encrypts with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority and a certificate, made by the openssl program; skips where there is none."""
    if shutil.which("openssl") is None:
        pytest.skip("no TLS tests: there is no openssl program to make certificates with")
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*args: str) -> None:
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=tests")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-days", "3650", "-extfile", "names", "-out", "server.pem"),
    )
    return Authority(folder / "ca.pem", folder / "server.pem", folder / "server.key")


@dataclass
class Mailbox:
    """What an SMTP server took, and how it is to behave."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)  #: address -> answer to RCPT
    answer: str = "250 taken"  #: to the whole mail
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient or not."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep a mail."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
            self.recipients.append(list(envelope.rcpt_tos))
            self.arrived.set()
        return self.answer

    def login(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        """Let in who knows the password."""
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@pytest.fixture
def smtp(authority: Authority) -> Iterator[Callable[..., Mailbox]]:
    """Start an SMTP server on `localhost`: `security` as in the configuration; with `login` it asks who we are."""
    with contextlib.ExitStack() as stack:

        def start(security: str = "starttls", *, login: bool = False, offer: bool = True, utf8: bool = True) -> Mailbox:
            mailbox = Mailbox()
            options: dict[str, Any] = {"enable_SMTPUTF8": utf8}
            if security == "starttls" and offer:
                options["tls_context"] = authority.context()
            if login:
                options |= {"authenticator": mailbox.login, "auth_required": True}
                options["auth_require_tls"] = security == "starttls"
            controller = Controller(
                mailbox,
                hostname="127.0.0.1",
                port=0,
                ssl_context=authority.context() if security == "tls" else None,
                **options,
            )
            ask = controller._trigger_server

            def trigger() -> None:
                controller.port = controller.server.sockets[0].getsockname()[1]
                ask()

            controller._trigger_server = trigger  # type: ignore[method-assign]  # it would ask at port 0
            controller.start()
            stack.callback(controller.stop, no_assert=True)
            mailbox.port = controller.server.sockets[0].getsockname()[1]
            return mailbox

        yield start


@dataclass
class Web:
    """What an HTTP server was asked: (method, path, body), and what it answers: codes in order, the last for ever."""

    url: str
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    codes: list[int] = field(default_factory=lambda: [200])


@pytest.fixture
def web() -> Iterator[Web]:
    """An HTTP server on this machine."""
    said: Web

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
            said.asked.append((self.command, self.path, body))
            code = said.codes.pop(0) if len(said.codes) > 1 else said.codes[0]
            self.send_response(code)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said = Web(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield said
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def secret(tmp_path: Path) -> Callable[..., str]:
    """Write a secret into a file of its own; `credential:` and its path."""

    def write(text: str, name: str = "secret", mode: int = 0o600) -> str:
        path = tmp_path / name
        path.write_text(text)
        path.chmod(mode)
        return f"credential:{path}"

    return write
