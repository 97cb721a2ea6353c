"""Who notices that this machine has fallen silent? A dead man's switch is told when something begins and how it ends.

The convention is that of healthchecks.io, which others follow: a POST to the address itself means success, to `/start`
that it begins, to `/NUMBER` that it ended with that exit code; the body is kept as its log.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from assetwatch import __version__
from assetwatch.clock import Clock
from assetwatch.config import CREDENTIAL, NotifySection
from assetwatch.errors import ConfigError
from assetwatch.notify import secrets
from assetwatch.notify.letter import one_line

#: How long one try may take, how long after a failed one the next begins, and how many there are (seconds).
_TIMEOUT_S: Final = 10.0
_RESTS_S: Final = (2.0, 8.0)

#: As much of a log is sent: its end, where the outcome stands (bytes).
_BODY_MAX: Final = 10_000


def start(section: NotifySection, clock: Clock) -> str | None:
    """Say that the nightly run begins. None where that was heard or nobody listens, else why not; raises nothing."""
    return _tell(section.ping, "start", "", clock)


def success(section: NotifySection, clock: Clock, body: str = "") -> str | None:
    """Say that it ended well, with its log. As `start`."""
    return _tell(section.ping, "", body, clock)


def failure(section: NotifySection, clock: Clock, exit_code: int, body: str = "") -> str | None:
    """Say that it ended with another exit code than 0 (1 to 255), with its log. As `start`."""
    return _tell(section.ping, str(min(max(exit_code, 1), 255)), body, clock)


def beat(section: NotifySection, clock: Clock, stop: threading.Event | None = None) -> str | None:
    """Say that the daemon is alive. As `start`; gives up where `stop` is set."""
    return _tell(section.heartbeat, "", "", clock, stop)


def interval_s(section: NotifySection) -> float:
    """Seconds between two heartbeats."""
    return section.heartbeat_seconds


def _tell(given: str | None, word: str, body: str, clock: Clock, stop: threading.Event | None = None) -> str | None:
    if given is None:
        return None
    try:
        address = secrets.read(given).strip() if given.startswith(CREDENTIAL) else given
    except ConfigError as error:
        return str(error)
    secrets.remember(address)
    never = stop or threading.Event()
    fault: str | None = None
    for rest_s in (0.0, *_RESTS_S):
        if rest_s and clock.wait(never, rest_s):
            break
        fault = _try(address, word, body)
        if fault is None:
            return None
    return fault


def _try(address: str, word: str, body: str) -> str | None:
    """One POST; why it failed, without the address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "expected an http or https address"
    path = parts.path.rstrip("/") + (f"/{word}" if word else "")
    request = urllib.request.Request(
        urlunsplit((parts.scheme, parts.netloc, path, parts.query, "")),
        data=body.encode("utf-8", "replace")[-_BODY_MAX:],
        headers={"User-Agent": f"assetwatch/{__version__}", "Content-Type": "text/plain; charset=utf-8"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            answer.read(1_000)
    except urllib.error.HTTPError as error:
        return f"{parts.hostname} answered {error.code}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return secrets.redacted(one_line(f"{parts.hostname}: {reason}", 300))
    return None
