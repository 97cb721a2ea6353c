"""How fast are files read and hashed, next to xxhsum in the same minute?

    python benchmarks/read.py [--full] [--folder DIR] [--rounds N]

Prints, for one large file and for many small ones, cold and warm, the time of xxhsum and of the reader, and
their ratio round by round as min / median / max (below 1 the reader is faster). Only the ratios mean
anything: disks and virtual machines are noisy. Commands alternate, and "cold" evicts only the files themselves
(POSIX_FADV_DONTNEED) right before each run, because dropping all caches makes a virtual machine's next reads
pay for memory that it had handed back.

Small by default: one file of 512 MiB and 3,000 of 100 KiB. `--full` takes 4 GiB and 20,000 (6 GiB of disk). The
files are made below DIR (default: the system's folder for temporary files, which must be on a real disk)
and removed at the end. Without xxhsum on the machine, it says so and gives the reader's times alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assetwatch.checksum import cache
from assetwatch.checksum.pool import ReaderPool, ReadOrder, read_all
from assetwatch.checksum.reader import Reader, Reading
from assetwatch.clock import SystemClock
from assetwatch.model import Stat

MIB = 1024 * 1024


def write(path: Path, size: int) -> None:
    """A file of `size` bytes that no file system can store as a hole, on the disk when this returns."""
    block = os.urandom(min(size, MIB))
    with path.open("wb") as file:
        for number in range(0, size, len(block)):
            file.write(number.to_bytes(8, "big"))
            file.write(block[8 : size - number])
        file.flush()
        os.fsync(file.fileno())


def evict(paths: list[str]) -> None:
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        cache.drop(fd)
        os.close(fd)


def order(path: str, algorithms: tuple[str, ...]) -> ReadOrder:
    found = os.lstat(path)
    seen = Stat(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    return ReadOrder(path, path, algorithms, seen)


def by_reader(paths: list[str], algorithms: tuple[str, ...]) -> None:
    reader = Reader(SystemClock())
    for path in paths:
        if not isinstance(reader.read(path, algorithms), Reading):
            raise SystemExit(f"{path} was not read")


def by_pool(paths: list[str], algorithms: tuple[str, ...]) -> None:
    with ReaderPool(None, SystemClock()) as pool:
        outcomes = read_all(pool, (order(path, algorithms) for path in paths))
        if sum(isinstance(outcome, Reading) for _, outcome in outcomes) != len(paths):
            raise SystemExit("not everything was read")


def by_command(command: list[str], paths: list[str]) -> None:
    subprocess.run(
        ["xargs", "-0", *command], input=b"\0".join(map(os.fsencode, paths)), stdout=subprocess.DEVNULL, check=True
    )


def seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def compare(title: str, paths: list[str], peer: list[str], ours: Callable[[], None], cold: bool, rounds: int) -> None:
    """Alternate the two commands and print what came of it."""
    total = sum(os.path.getsize(path) for path in paths)
    has_peer = shutil.which(peer[0]) is not None
    by_command(["cat"], paths)
    pairs = []
    for _ in range(rounds):
        theirs = None
        if has_peer:
            if cold:
                evict(paths)
            theirs = seconds(lambda: by_command(peer, paths))
        if cold:
            evict(paths)
        pairs.append((theirs, seconds(ours)))
    own = statistics.median(pair[1] for pair in pairs)
    line = f"{title:44} {own:7.3f} s {total / own / 1e6:6.0f} MB/s {len(paths) / own:7.0f} files/s"
    if has_peer:
        ratios = sorted(ours_took / theirs for theirs, ours_took in pairs if theirs)
        peers = statistics.median(theirs for theirs, _ in pairs if theirs)
        line += (
            f"   {peer[0]} {peers:.3f} s   ratio {ratios[0]:.2f} / {statistics.median(ratios):.2f} / {ratios[-1]:.2f}"
        )
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="4 GiB and 20,000 files instead of 512 MiB and 3,000")
    parser.add_argument("--folder", help="where to make the files; a real disk")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if shutil.which("xxhsum") is None:
        print("xxhsum is not installed: times without a ratio")
    with tempfile.TemporaryDirectory(prefix="read-benchmark-", dir=asked.folder) as folder:
        large = Path(folder, "large.mov")
        write(large, (4096 if asked.full else 512) * MIB)
        large_paths = [str(large)]
        small_paths = []
        for number in range(20_000 if asked.full else 3_000):
            small = Path(folder, f"{number // 1000:03}", f"plate.{number:07}.dpx")
            small.parent.mkdir(exist_ok=True)
            small.write_bytes(os.urandom(100 * 1024))
            small_paths.append(str(small))
        os.sync()
        xxh, md5 = ["xxhsum", "-q", "-H2"], ["md5sum"]
        for cold in (True, False):
            word = "cold" if cold else "warm"

            def row(title: str, paths: list[str], peer: list[str], ours: Callable[[], None], cold: bool = cold) -> None:
                compare(title, paths, peer, ours, cold, asked.rounds)

            row(f"{word} large, reader, xxh128", large_paths, xxh, lambda: by_reader(large_paths, ("xxh128",)))
            row(f"{word} small, reader, xxh128", small_paths, xxh, lambda: by_reader(small_paths, ("xxh128",)))
            row(f"{word} small, pool, xxh128", small_paths, xxh, lambda: by_pool(small_paths, ("xxh128",)))
        three = ("xxh128", "xxh64", "md5")
        row("warm large, reader, xxh128 + xxh64 + md5", large_paths, md5, lambda: by_reader(large_paths, three))


if __name__ == "__main__":
    main()
