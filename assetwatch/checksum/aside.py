"""How does a process of its own read many small files for a lane of the pool?"""

from __future__ import annotations

import contextlib
import select
import subprocess
from collections import deque
from collections.abc import Sequence
from typing import Final

from assetwatch.checksum.order import Outcome, ReadOrder
from assetwatch.checksum.read_child import pack_orders, receive, send, unpack_outcomes
from assetwatch.child import start

#: Orders sent and not answered, at most: enough that the child never waits for the next.
_UNDER_WAY: Final = 256

#: How long a child that was killed may take to be gone before it is left to the kernel.
_END_SECONDS: Final = 2.0


class Aside:
    """One child that reads, and what it was asked. Used by one thread; `kill` may be called from any.

    Raises OSError where it cannot be started, and from each method that speaks to it where it is gone.
    """

    def __init__(self) -> None:
        self._process, self._socket = start("assetwatch.checksum.read_child")
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._greeted = False
        self._under_way: deque[ReadOrder] = deque()

    @property
    def ready(self) -> bool:
        """Whether it is up: starting takes as long as reading a few hundred files."""
        if not self._greeted and self._poll.poll(0):
            if receive(self._socket) is None:
                raise _gone()
            self._greeted = True
        return self._greeted

    @property
    def busy(self) -> bool:
        """Whether there is something to be answered."""
        return bool(self._under_way)

    @property
    def room(self) -> int:
        """How many more orders may be given to it now."""
        return _UNDER_WAY - len(self._under_way)

    def ask(self, orders: Sequence[ReadOrder]) -> None:
        """Have files read."""
        self._under_way.extend(orders)
        send(self._socket, pack_orders(orders))

    def answers(self) -> list[Outcome]:
        """Wait for the next outcomes, which come in the order of the orders."""
        message = receive(self._socket)
        if message is None:
            raise _gone()
        return [(self._under_way.popleft(), outcome) for outcome in unpack_outcomes(message)]

    def unanswered(self) -> list[ReadOrder]:
        """What a child that is gone leaves to be read."""
        orders = list(self._under_way)
        self._under_way.clear()
        return orders

    def kill(self) -> None:
        """End it at once, also while another thread waits for its answer."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        """End it. One that the kernel holds (a dead file server) is left behind."""
        self.kill()
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)


def can_be_read_aside(order: ReadOrder) -> bool:
    """Whether another process finds the file under that path."""
    return order.expect is not None and not order.path.startswith("/proc/self/")


def _gone() -> OSError:
    return ConnectionResetError("it has ended")
