"""What are the digests of the small files that are asked for through this socket? (The child that reads beside us.)

`python -m assetwatch.checksum.read_child FD` serves one parent over the socket FD until that is closed. A message is a
length (4 bytes, network order) and a `marshal` of that length, both ways: a list of orders, and a list of outcomes, in
the order in which they were asked for. The first one comes unasked and is empty: ready. Both ends are one interpreter
and one version of the program, and nobody else has the socket.

With small files the reading thread and the loop that records take the interpreter from each other for every system
call; in a process of its own the reader takes nothing from anybody.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from assetwatch.checksum.lease import ignore_sigio
from assetwatch.checksum.order import AHEAD, ReadOrder, open_ahead, read_opened
from assetwatch.checksum.reader import NotRead, Opened, Reader, Reading, Reason
from assetwatch.clock import SystemClock
from assetwatch.model import Stat

_LENGTH: Final = struct.Struct("!I")

#: Outcomes in one message, at most.
_TOGETHER: Final = 64


def main(arguments: list[str]) -> int:
    """Serve the parent on the socket whose descriptor is the first argument."""
    # Ctrl-C is for the parent; that it is gone is seen on the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ignore_sigio()
    reader = Reader(SystemClock())
    orders: deque[ReadOrder] = deque()
    opened: deque[tuple[ReadOrder, Opened | NotRead]] = deque()
    outcomes: list[Reading | NotRead] = []
    with socket.socket(fileno=int(arguments[0])) as parent:
        asked = select.poll()
        asked.register(parent, select.POLLIN)
        send(parent, pack_outcomes([]))
        while True:
            if not (orders or opened) or (len(orders) < AHEAD and asked.poll(0)):
                if not opened:
                    _tell(parent, outcomes, orders)
                if (message := receive(parent)) is None:
                    return 0
                orders.extend(unpack_orders(message))
            while orders and len(opened) < AHEAD:
                order = orders.popleft()
                opened.append((order, open_ahead(order)))
            if opened:
                outcomes.append(read_opened(reader, *opened.popleft()))
            if len(outcomes) >= _TOGETHER:
                _tell(parent, outcomes, orders)


def _tell(parent: socket.socket, outcomes: list[Reading | NotRead], orders: deque[ReadOrder]) -> None:
    """Send outcomes and empty the list. While the parent sends too, it is listened to: both would wait for ever."""
    if not outcomes:
        return
    message = pack_outcomes(outcomes)
    outcomes.clear()
    left = memoryview(_LENGTH.pack(len(message)) + message)
    ready = select.poll()
    ready.register(parent, select.POLLIN | select.POLLOUT)
    while left:
        ((_, events),) = ready.poll()
        if events & select.POLLOUT:
            left = left[parent.send(left, socket.MSG_DONTWAIT) :]
        elif (asked := receive(parent)) is not None:
            orders.extend(unpack_orders(asked))
        else:
            raise ConnectionError


def pack_orders(orders: Sequence[ReadOrder]) -> bytes:
    """Orders of small files as a message. Their keys stay, and no file is kept open."""
    return marshal.dumps(
        [
            (os.fsencode(order.path), order.algorithms, _numbers(order.expect), order.uncached, order.refuse_writers)
            for order in orders
            if order.expect is not None
        ]
    )


def unpack_orders(message: bytes) -> list[ReadOrder]:
    """What `pack_orders` made a message of."""
    return [
        ReadOrder(None, os.fsdecode(path), algorithms, Stat(*expect), uncached, refuse_writers)
        for path, algorithms, expect, uncached, refuse_writers in marshal.loads(message)
    ]


def pack_outcomes(outcomes: Sequence[Reading | NotRead]) -> bytes:
    """Outcomes as a message."""
    return marshal.dumps([_fields(outcome) for outcome in outcomes])


def unpack_outcomes(message: bytes) -> list[Reading | NotRead]:
    """What `pack_outcomes` made a message of."""
    return [
        Reading(Stat(*fields[0]), *fields[1:]) if is_reading else NotRead(Reason(fields[0]), *fields[1:])
        for is_reading, *fields in marshal.loads(message)
    ]


def _fields(outcome: Reading | NotRead) -> tuple[Any, ...]:
    if isinstance(outcome, Reading):
        return (True, _numbers(outcome.stat), dict(outcome.digests), outcome.head, outcome.seconds)
    return (False, outcome.reason.value, outcome.text, outcome.errno, outcome.offset)


def _numbers(found: Stat) -> tuple[int, ...]:
    return (found.size, found.mtime_ns, found.ctime_ns, found.inode, found.device)


def send(other: socket.socket, message: bytes) -> None:
    """Send a message whole. Raises OSError where the other end is gone."""
    other.sendall(_LENGTH.pack(len(message)) + message)


def receive(other: socket.socket) -> bytes | None:
    """The next message; None when the other end is gone."""
    head = _take(other, _LENGTH.size)
    return None if head is None else _take(other, _LENGTH.unpack(head)[0])


def _take(other: socket.socket, length: int) -> bytes | None:
    taken = bytearray(length)
    filled = 0
    while filled < length:
        try:
            count = other.recv_into(memoryview(taken)[filled:])
        except ConnectionError:
            count = 0
        if count == 0:
            return None
        filled += count
    return bytes(taken)


if __name__ == "__main__":
    # The parent may go at any moment, also while it is told something.
    with contextlib.suppress(ConnectionError):
        sys.exit(main(sys.argv[1:]))
