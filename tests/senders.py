"""How does a test send a roll with its list, and what does the catalog then say of it?"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from assetwatch.catalog import contents, packages, promises
from assetwatch.catalog import tables as t
from assetwatch.catalog.packages import ClaimRow
from assetwatch.catalog.promises import Promise
from tests.harness import Bench

MHL = """<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="1.1">
  <creatorinfo><name>a</name><username>b</username><hostname>c</hostname><tool>d</tool>
  <startdate>2026-01-01T00:00:00Z</startdate><finishdate>2026-01-01T00:00:00Z</finishdate></creatorinfo>
{}</hashlist>
"""


def md5(content: bytes) -> str:
    """The MD5 digest that a sender would write."""
    return hashlib.md5(content).hexdigest()


def sums(content: Mapping[str, bytes], algorithm: str = "md5") -> str:
    """A sum file over these contents by path."""
    return "".join(f"{hashlib.new(algorithm, data).hexdigest()}  {path}\n" for path, data in content.items())


def mhl(content: Mapping[str, bytes], algorithm: str = "md5") -> str:
    """An MHL 1.1 list over these contents by path, with sizes."""
    return MHL.format(
        "".join(
            f"<hash><file>{path}</file><size>{len(data)}</size>"
            f"<{algorithm}>{hashlib.new(algorithm, data).hexdigest()}</{algorithm}>"
            "<hashdate>2026-01-01T00:00:00Z</hashdate></hash>\n"
            for path, data in content.items()
        )
    )


def roll(count: int, folder: str = "", kind: str = "mov", size: int = 1000) -> dict[str, bytes]:
    """Contents of so many files by path, each its own."""
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}C{n:04}.{kind}": (b"%06d" % n) * (size // 6 + 1) for n in range(1, count + 1)}


def put(root: Path, content: Mapping[str, bytes | str]) -> None:
    """Write files below `root`."""
    for path, data in content.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)


def flip(path: Path, *, keep_times: bool = False) -> None:
    """Turn one bit in the middle of a file."""
    seen = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if keep_times:
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


class Desk:
    """A bench, and what is said on it of packages."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.root = bench.root

    def settle(self, *, scan: bool = True) -> None:
        """Let time pass until every file is at rest and every list has been compared."""
        self.bench.quiesce(scan=scan)
        for _ in range(3_000):
            self.bench.clock.advance(0.001)  # two readings are never of one instant
            if self._comparing():
                self.bench.tick()
                self.bench.daemon.wake.wait(0.005)
                self.bench.daemon.wake.clear()
            elif self._stale():
                self.bench.clock.advance(max(0.05, self.bench.tick()))
            elif not self.bench.is_quiet():
                self.bench.quiesce()
            elif self.bench.tick() > 0 and self.bench.is_quiet() and not self._stale() and not self._comparing():
                return
        raise AssertionError("the lists are never compared")

    def compare(self) -> None:
        """Let stale packages be judged while the clock stands still: files that arrive go on arriving."""
        for _ in range(3_000):
            self.bench.daemon._next_promise = float("-inf")
            self.bench.tick()
            if not self._comparing() and not self._stale():
                return
            self.bench.daemon.wake.wait(0.005)
            self.bench.daemon.wake.clear()
        raise AssertionError("the lists are never compared")

    def _comparing(self) -> bool:
        daemon = self.bench.daemon
        return daemon._entry is not None or (daemon._comparer is not None and daemon._comparer.busy)

    def _stale(self) -> bool:
        with self.bench.database.read() as connection:
            return bool(packages.stale(connection, [self.bench.care.id]))

    def claims(self, package: str = "") -> dict[str, str]:
        """Path below the volume -> what is said of it by the lists of one package."""
        return {path: row.verdict for path, row in self.claim_rows(package).items()}

    def claim_rows(self, package: str = "") -> dict[str, ClaimRow]:
        """Path below the volume -> claim."""
        row = self.promise(package).row
        with self.bench.database.read() as connection:
            return packages.claims(connection, row.id)

    def promises(self) -> dict[str, Promise]:
        """Path -> package."""
        with self.bench.database.read() as connection:
            return {one.row.path: one for one in promises.promises(connection)}

    def promise(self, package: str = "") -> Promise:
        """One package."""
        return self.promises()[package]

    def integrity(self) -> dict[str, str]:
        """Path -> integrity of every file."""
        return {path: row.integrity for path, row in self.bench.rows().items()}

    def notes(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """What was noticed of a file: (what, detail), oldest first."""
        with self.bench.database.read() as connection:
            query = (
                select(t.observation.c.what, t.observation.c.detail)
                .where(t.observation.c.file_id == self.bench.row(path).id)
                .order_by(t.observation.c.id)
            )
            return [(what, json.loads(detail)) for what, detail in connection.execute(query)]

    def digests(self, path: str) -> set[str]:
        """The algorithms that are recorded of a file."""
        with self.bench.database.read() as connection:
            version = self.bench.row(path).version_id or 0
            return set(contents.digests_of(connection, [version]).get(version, {}))


def desk_on(folder: Path, **options: Any) -> Iterator[Desk]:
    """A desk on a bench of its own, for a fixture."""
    bench = Bench(folder, **options)
    try:
        yield Desk(bench)
    finally:
        bench.close()
