"""Does systemd hear what it asks for, and does nobody suffer where it does not listen?"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch import sdnotify


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket that systemd would have."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_one_datagram_with_a_line_each(heard: socket.socket) -> None:
    """Names in upper case, a line a variable, one datagram."""
    sdnotify.notify(ready=1, status="watching 2 volumes")
    assert heard.recv(4096) == b"READY=1\nSTATUS=watching 2 volumes"


def test_a_status_is_one_line(heard: socket.socket) -> None:
    """A newline in a text cannot become a variable of its own."""
    sdnotify.notify(status="one\nSTOPPING=1")
    assert heard.recv(4096) == b"STATUS=one STOPPING=1"


def test_any_text(heard: socket.socket) -> None:
    """A name that is not UTF-8 does not stand in the way."""
    sdnotify.notify(status="reading bad\udcff.mov")
    assert heard.recv(4096) == b"STATUS=reading bad?.mov"


def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that begins with @ is an abstract one, unix(7)."""
    name = f"assetwatch-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name)
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        sdnotify.notify(watchdog=1)
        assert listening.recv(4096) == b"WATCHDOG=1"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a socket, or with one that is gone, nothing happens."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    sdnotify.notify(ready=1)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    sdnotify.notify(ready=1)


@pytest.mark.parametrize(
    ("usec", "owner", "seconds"),
    [
        ("3000000", None, 3.0),
        ("3000000", "self", 3.0),
        ("3000000", "1", None),
        ("", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_watchdog(usec: str | None, owner: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that systemd gives, where it is meant for this process."""
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", str(os.getpid()) if owner == "self" else owner)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert sdnotify.watchdog_seconds() == seconds
