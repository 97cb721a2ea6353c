"""How do tests know that a watcher has heard everything that was done so far, without a sleep?

By a cookie: a file made in the watched root. When it is heard of, all that went before has been.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assetwatch.clock import FakeClock
from assetwatch.ingest.hints import Hints
from assetwatch.ingest.watch import Watcher


class Ear:
    """A watcher on a real directory, and a way to wait for it."""

    def __init__(self, root: Path, ignored: Callable[[str, bool], bool], **options: Any) -> None:
        self.root = root
        self.wake = threading.Event()
        self.watcher = Watcher(str(root), ignored, self.wake, FakeClock(), **options)
        self._cookies = 0

    def begin(self) -> Ear:
        """Start, and wait until every folder is watched and the hint that says so was taken."""
        self.watcher.start()
        self.until(lambda: self.watcher.state().ready)
        self.hear()
        return self

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait for what another thread will do; fail when it does not."""
        for _ in range(3000):
            if reached():
                return
            self.wake.wait(0.01)
        pytest.fail(f"the watcher did not get there: {self.watcher.state()}")

    def hear(self) -> Hints:
        """Everything heard of what was done before this call."""
        self._cookies += 1
        cookie = f".cookie-{self._cookies}"
        (self.root / cookie).touch()
        drained: list[Hints] = []

        def cookie_heard() -> bool:
            self.wake.clear()
            drained.append(self.watcher.drain())
            return any(cookie in hints.paths for hints in drained) and not self.watcher.state().walking

        self.until(cookie_heard)
        drained.append(self.watcher.drain())
        (self.root / cookie).unlink()
        last: dict[str, str] = {}
        for hints in drained:
            for kind in ("paths", "closed", "opened", "removed"):
                last.update({path: kind for path in getattr(hints, kind) if ".cookie-" not in path})

        def whose(kind: str) -> frozenset[str]:
            return frozenset(path for path in last if last[path] == kind)

        return Hints(
            paths=frozenset(last),
            closed=whose("closed"),
            opened=whose("opened"),
            removed=whose("removed"),
            folders={folder: why for hints in drained for folder, why in hints.folders.items()},
            full_scan=next((hints.full_scan for hints in drained if hints.full_scan), None),
        )


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[..., Ear]]:
    """Makes ears: `listen(root, ignored, kernel=..., most_paths=...)`; root is `tmp_path/volume` if not given."""
    ears: list[Ear] = []

    def make(
        root: Path | None = None, ignored: Callable[[str, bool], bool] = lambda _path, _folder: False, **options: Any
    ) -> Ear:
        root = root or tmp_path / "volume"
        root.mkdir(exist_ok=True)
        ears.append(Ear(root, ignored, **options))
        return ears[-1]

    yield make
    for ear in ears:
        ear.watcher.stop()


class Mounts:
    """Real mounts, taken away again at the end of a test."""

    def __init__(self) -> None:
        self._made: list[Path] = []

    def make(self, *arguments: str, at: Path) -> None:
        """mount(8) with `arguments` at a directory; the test is skipped where that is not permitted."""
        ran = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
        if ran.returncode:
            pytest.skip(f"mounting is not permitted here: {ran.stderr.strip()}")
        self._made.append(at)

    def take_away(self, at: Path) -> None:
        """umount(8)."""
        subprocess.run(["umount", str(at)], check=True)
        self._made.remove(at)

    def take_all_away(self) -> None:
        for at in reversed(self._made):
            subprocess.run(["umount", "-l", str(at)], check=True)


@pytest.fixture
def mounting() -> Iterator[Mounts]:
    """Bind mounts and tmpfs for one test."""
    mounts = Mounts()
    yield mounts
    mounts.take_all_away()
