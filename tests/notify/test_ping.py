"""Is the dead man's switch told when something begins and how it ends, and does nothing of its address get out?"""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from assetwatch.clock import FakeClock
from assetwatch.config import NotifySection
from assetwatch.notify import ping
from tests.notify.conftest import Web


@pytest.fixture
def section(web: Web, secret: Callable[..., str]) -> NotifySection:
    """With an address in a file of its own."""
    return NotifySection(ping=secret(f"{web.url}/0ddba11-5ecret\n"))


def test_a_night(section: NotifySection, web: Web) -> None:
    """It begins; it ends well, with its log; another one ends with an exit code."""
    clock = FakeClock()
    assert ping.start(section, clock) is None
    assert ping.success(section, clock, "12 files checked\n") is None
    assert ping.failure(section, clock, 3, "catalog gone") is None
    assert web.asked == [
        ("POST", "/0ddba11-5ecret/start", ""),
        ("POST", "/0ddba11-5ecret", "12 files checked\n"),
        ("POST", "/0ddba11-5ecret/3", "catalog gone"),
    ]


def test_a_long_log(section: NotifySection, web: Web) -> None:
    """Its end is sent."""
    ping.success(section, FakeClock(), "x" * 50_000 + "the end")
    assert len(web.asked[0][2]) == 10_000 and web.asked[0][2].endswith("the end")


@pytest.mark.parametrize(("code", "path"), [(0, "/1"), (1, "/1"), (130, "/130"), (999, "/255")])
def test_exit_codes(section: NotifySection, web: Web, code: int, path: str) -> None:
    """A failure is never told as a success."""
    ping.failure(section, FakeClock(), code)
    assert web.asked[0][1].endswith(path)


def test_query(web: Web) -> None:
    """An address with a query keeps it."""
    ping.start(NotifySection(ping=f"{web.url}/abc/?create=1"), FakeClock())
    assert web.asked[0][1] == "/abc/start?create=1"


def test_tried_again(section: NotifySection, web: Web) -> None:
    """A hiccup is got over."""
    web.codes = [503, 502, 200]
    clock = FakeClock()
    assert ping.start(section, clock) is None
    assert len(web.asked) == 3 and clock.monotonic() == 1010.0


def test_refused(section: NotifySection, web: Web) -> None:
    """What fails for good is told, without the address."""
    web.codes = [404]
    assert ping.start(section, FakeClock()) == "127.0.0.1 answered 404"


def test_nobody_there() -> None:
    """Nothing is raised, whatever happens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/0ddba11-5ecret"
        fault = ping.start(NotifySection(ping=address), FakeClock())
    assert fault is not None and "Connection refused" in fault and "0ddba11" not in fault


@pytest.mark.parametrize("text", ["ftp://example.com/x", "file:///etc/passwd", "nonsense", "http://[::1"])
def test_other_addresses(secret: Callable[..., str], text: str) -> None:
    """Only the web is asked."""
    fault = ping.start(NotifySection(ping=secret(text)), FakeClock())
    assert fault is not None and text not in fault


def test_no_credential() -> None:
    """A file that is not there is a fault that is told."""
    fault = ping.start(NotifySection(ping="credential:/no/where"), FakeClock())
    assert fault is not None and "/no/where" in fault


def test_nobody_listens() -> None:
    """Where no address is given nothing happens."""
    assert ping.start(NotifySection(), FakeClock()) is None
    assert ping.failure(NotifySection(), FakeClock(), 1) is None
