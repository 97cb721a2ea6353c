"""What stands in for the parts that a test must hold in its hand? The prober; the clock's fake is the program's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable

from assetwatch.media.probe import ProbeResult


class FakeProber:
    """Answers like `assetwatch.media.probe.Prober`, at once and without a child.

    `answer(name, size)` gives the result; without it every file is no media. While `held` is true results are kept
    back, as by a library that takes its time. `names` are the files it was asked about, in order.
    """

    def __init__(self, answer: Callable[[str, int], ProbeResult] | None = None) -> None:
        self.held = False
        self.names: list[str] = []
        self._answer = answer or (lambda _name, _size: ProbeResult("not_media", tool_version="fake"))
        self._results: list[tuple[Hashable, ProbeResult]] = []
        self._closed = False

    @property
    def outstanding(self) -> int:
        """How many files were submitted and their results not taken yet."""
        return len(self._results)

    def submit(self, key: Hashable, fd: int, name: str, size: int) -> bool:
        """Take an open file over; False where the prober is closed."""
        if self._closed:
            return False
        os.close(fd)
        self.names.append(name)
        self._results.append((key, self._answer(name, size)))
        return True

    def finished(self, *, wait: bool = False) -> list[tuple[Hashable, ProbeResult]]:
        """Keys and results since the last call; none while they are held back."""
        if self.held:
            return []
        results, self._results = self._results, []
        return results

    def unreadable(self, reason: str) -> ProbeResult:
        """The result for a file that could not be opened."""
        return ProbeResult("unreadable", tool_version="fake", reason=reason)

    def close(self, patience_seconds: float = 5.0) -> bool:
        """End; what was not taken has no result."""
        self._closed = True
        self._results.clear()
        return True
