"""How does a process of its own read many small files for a lane of the pool?"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Sequence
from typing import Final

from assetwatch.checksum.order import Outcome, ReadOrder
from assetwatch.checksum.read_child import pack_orders, receive, send, unpack_outcomes
from assetwatch.child import Child

#: Orders sent and not answered, at most: enough that the child never waits for the next.
_UNDER_WAY: Final = 256


class Aside(Child):
    """One child that reads, and what it was asked. Each method that speaks to it raises OSError where it is gone."""

    def __init__(self) -> None:
        super().__init__("assetwatch.checksum.read_child")
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)
        self._greeted = False
        self._under_way: deque[ReadOrder] = deque()

    @property
    def ready(self) -> bool:
        """Whether it is up: starting takes as long as reading a few hundred files."""
        if not self._greeted and self._poll.poll(0):
            if receive(self.socket) is None:
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
        send(self.socket, pack_orders(orders))

    def answers(self) -> list[Outcome]:
        """Wait for the next outcomes, which come in the order of the orders."""
        message = receive(self.socket)
        if message is None:
            raise _gone()
        return [(self._under_way.popleft(), outcome) for outcome in unpack_outcomes(message)]

    def unanswered(self) -> list[ReadOrder]:
        """What a child that is gone leaves to be read."""
        orders = list(self._under_way)
        self._under_way.clear()
        return orders


def can_be_read_aside(order: ReadOrder) -> bool:
    """Whether another process finds the file under that path."""
    return order.expect is not None and not order.path.startswith("/proc/self/")


def _gone() -> OSError:
    return ConnectionResetError("it has ended")
