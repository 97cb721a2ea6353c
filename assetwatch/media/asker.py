"""How is one child asked about a file, and replaced when a file was too much for it?"""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
from dataclasses import dataclass
from typing import Any, Final, Literal

from assetwatch.child import END_SECONDS, Child
from assetwatch.clock import Clock
from assetwatch.errors import AssetwatchError
from assetwatch.media.probe_child import ANSWER, QUESTION

TOOL: Final = "libmediainfo"

#: Starting Python and loading the library: a third of a second, a hundred times that on a machine that swaps.
_START_SECONDS: Final = 60.0
_ANSWER_MAX_BYTES: Final = 64 << 20

Status = Literal["ok", "not_media", "timed_out", "crashed", "unreadable"]


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What probing a file gave.

    `facts` as `facts.normalize` describes them, where the status is `ok`; `raw` is then MediaInfo's whole answer, JSON
    (None where it was too long to keep). `seconds` is how long it took, `reason` says why there are no facts.
    """

    status: Status
    facts: dict[str, Any] | None = None
    raw: str | None = None
    tool: str = TOOL
    tool_version: str = ""
    seconds: float = 0.0
    reason: str | None = None


class _Gone(Exception):
    """The child has ended; the argument says how."""


class _Late(Exception):
    """The child did not answer in time."""


class _Prober(Child):
    """One child with the library."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("assetwatch.media.probe_child")
        self._clock = clock
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN)

    def greet(self) -> str:
        """The library's version. Raises AssetwatchError where the child has no library, _Late, _Gone."""
        said, _ = self._answer(_START_SECONDS)
        if "fault" in said:
            raise AssetwatchError(f"MediaInfo cannot be used: {said['fault']}")
        return str(said["version"])

    def ask(self, fd: int, seconds: float) -> tuple[dict[str, Any], str]:
        """The child's answer about the file: status and facts, and MediaInfo's text. Raises _Late, _Gone."""
        question = json.dumps({"seconds": int(seconds) + 2}).encode()
        try:
            socket.send_fds(self.socket, [QUESTION.pack(len(question)) + question], [fd])
        except ConnectionError:
            raise _Gone(self._ended()) from None
        return self._answer(seconds)

    def alive(self) -> bool:
        """Whether nothing is heard from it unasked: a child that has ended leaves its socket readable."""
        return not self._poll.poll(0)

    def _answer(self, seconds: float) -> tuple[dict[str, Any], str]:
        deadline = self._clock.monotonic() + seconds
        head_length, raw_length = ANSWER.unpack(self._take(ANSWER.size, deadline))
        if head_length + raw_length > _ANSWER_MAX_BYTES:
            raise _Gone("an answer beyond all measure")
        head = json.loads(self._take(head_length, deadline))
        return head, self._take(raw_length, deadline).decode("utf-8", "replace")

    def _take(self, length: int, deadline: float) -> bytes:
        taken = bytearray()
        while len(taken) < length:
            left = deadline - self._clock.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise _Late
            try:
                piece = self.socket.recv(min(length - len(taken), 1 << 20))
            except ConnectionError:
                piece = b""
            if not piece:
                raise _Gone(self._ended())
            taken += piece
        return bytes(taken)

    def _ended(self) -> str:
        """How the child ended, in words."""
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return "stopped answering"
        if code >= 0:
            return f"ended with exit {code}"
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"


class Asker:
    """Asks one child at a time, and puts another in its place when it is gone."""

    def __init__(self, clock: Clock, time_limit_seconds: float) -> None:
        self._clock = clock
        self._limit = time_limit_seconds
        self._child: _Prober | None = None
        self._closed = False
        self._no_library: AssetwatchError | None = None
        self.version = ""

    @property
    def pid(self) -> int | None:
        """The process id of the child, where there is one."""
        child = self._child
        return None if child is None else child.process.pid

    def ready(self) -> _Prober:
        """A child that waits for a question. Raises AssetwatchError where there can be none."""
        if self._child is not None and not self._child.alive():
            self._drop()
        if self._no_library is not None:
            raise self._no_library
        if self._child is None:
            try:
                child = _Prober(self._clock)
            except OSError as error:
                raise AssetwatchError(f"the probe could not be started: {error.strerror}") from None
            self._child = child
            if self._closed:
                child.kill()
            try:
                self.version = child.greet()
            except AssetwatchError as error:
                self._drop()
                # Nor will the next child have one.
                self._no_library = error
                raise
            except (_Late, _Gone) as error:
                self._drop()
                said = "did not answer" if isinstance(error, _Late) else str(error)
                raise AssetwatchError(f"the probe could not be started: it {said}") from None
        return self._child

    def probe(self, fd: int, size: int) -> ProbeResult:
        """The media of an open file. Whatever happens to the child is in the result."""
        started = self._clock.monotonic()
        if size == 0:
            return self._result("not_media", started, reason="empty")
        try:
            child = self.ready()
        except AssetwatchError as error:
            return self._result("unreadable", started, reason=str(error))
        started = self._clock.monotonic()
        try:
            said, raw = child.ask(fd, self._limit)
        except _Late:
            self._drop()
            return self._result("timed_out", started, reason=f"MediaInfo took more than {self._limit:g} seconds")
        except _Gone as gone:
            self._drop()
            if "SIGXCPU" in str(gone):
                return self._result("timed_out", started, reason=f"MediaInfo worked more than {self._limit:g} seconds")
            return self._result("crashed", started, reason=f"MediaInfo {gone}")
        if said["status"] == "crashed":
            # It caught what went wrong and answered, but what is left of its memory nobody knows.
            self._drop()
        return self._result(
            said["status"], started, facts=said.get("facts"), raw=raw or None, reason=said.get("reason")
        )

    def kill(self) -> None:
        """Have whoever waits for the child stop waiting; none is started any more."""
        self._closed = True
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """End the child. Only from the thread that asks."""
        self._closed = True
        self._drop()

    def _drop(self) -> None:
        if self._child is not None:
            child, self._child = self._child, None
            child.close()

    def _result(
        self,
        status: Status,
        started: float,
        *,
        facts: dict[str, Any] | None = None,
        raw: str | None = None,
        reason: str | None = None,
    ) -> ProbeResult:
        seconds = self._clock.monotonic() - started
        return ProbeResult(status, facts, raw, TOOL, self.version, seconds, reason)
