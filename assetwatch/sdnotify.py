"""What does systemd hear from the service? sd_notify(3), over the datagram socket that it names; silent without one."""

from __future__ import annotations

import os
import socket


def notify(**variables: str | int) -> None:
    """Send `READY=1`, `STATUS=...`, `WATCHDOG=1`, `STOPPING=1` and the like, given by lower-case names.

    Without `$NOTIFY_SOCKET` nothing is sent. A notification that cannot be delivered is dropped: systemd, by its
    own time limits, decides what silence means.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket's name begins with a zero byte, unix(7)
        address = "\0" + address[1:]
    lines = "\n".join(f"{name.upper()}={str(value).replace(chr(10), ' ')}" for name, value in variables.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.connect(address)
            channel.sendall(lines.encode("utf-8", "replace"))
    except OSError:
        pass


def watchdog_seconds() -> float | None:
    """How often systemd wants to hear `WATCHDOG=1`, in seconds; None where it does not watch this process."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    owner = os.environ.get("WATCHDOG_PID")
    if not microseconds.isdecimal() or (owner is not None and owner != str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000
