"""How long does `assetwatch scan` take beside the tools that people know, on the same files in the same run?

    python benchmarks/scan.py            small sets, a minute
    python benchmarks/scan.py --full     4 GiB in large files, 20,000 files of 100 KiB, 200,000 names

Three comparisons, each with its commands in turn (A B C, B C A ...), ratios taken round by round:

    large   cold large files: scan (hash, probe, record) / xxhsum -H2, and ascmhl create -h xxh128 / scan
    small   cold small files, the same
    again   a second scan of an unchanged tree / find -printf with size and time; peak memory of the scan

Cold means: each file's pages are dropped (POSIX_FADV_DONTNEED) before each command. xxhsum, ascmhl and find are
left out, with a word, where they are not installed. A ratio below 1 means that assetwatch took less time.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_BLOCK = os.urandom(1024 * 1024)


def make_files(folder: Path, count: int, size: int, a_folder: int = 100) -> None:
    """Files of `size` bytes, each different, `a_folder` in a folder."""
    for number in range(count):
        where = folder / f"card{number // a_folder:04d}"
        where.mkdir(parents=True, exist_ok=True)
        with open(where / f"clip{number:06d}.bin", "wb") as out:
            head = number.to_bytes(8, "big")
            left = size
            while left > 0:
                piece = head + _BLOCK[8 : min(left, len(_BLOCK))] if left >= 8 else head[:left]
                out.write(piece[:left])
                left -= len(piece)
            out.flush()
            if size > len(_BLOCK):
                os.fsync(out.fileno())


def evict(folder: Path) -> None:
    """Drop the files' pages from the cache."""
    os.sync()
    for top, _, names in os.walk(folder):
        for name in names:
            fd = os.open(os.path.join(top, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def timed(command: Sequence[str], **kwargs: object) -> float:
    """Seconds that a whole process takes."""
    began = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)  # type: ignore[call-overload]
    return time.perf_counter() - began


def assetwatch(catalog: Path, folder: Path) -> list[str]:
    return [sys.executable, "-m", "assetwatch", "--catalog", str(catalog), "-q", "scan", str(folder), "--settle", "1ms"]


def compare(folder: Path, work: Path, rounds: int) -> None:
    """Scan, xxhsum and ascmhl over the same cold files."""
    scans: list[float] = []
    others: dict[str, list[float]] = {}
    peers: dict[str, Callable[[], list[str]]] = {}
    if shutil.which("xxhsum"):
        peers["xxhsum -H2"] = lambda: ["sh", "-c", f"find '{folder}' -type f -print0 | xargs -0 xxhsum -H2"]
    ascmhl = shutil.which("ascmhl") or shutil.which("ascmhl", path=os.path.dirname(sys.executable))
    if ascmhl:
        peers["ascmhl create -h xxh128"] = lambda: [str(ascmhl), "create", "-h", "xxh128", str(folder)]
    for number in range(rounds):
        catalog = work / f"catalog{number}.db"
        commands = [("", lambda catalog=catalog: assetwatch(catalog, folder)), *peers.items()]
        turn = number % len(commands)
        # Each goes first once: on a virtual machine who fills memory that was given back to the host pays for it.
        for name, command in commands[turn:] + commands[:turn]:
            evict(folder)
            seconds = timed(command())
            shutil.rmtree(folder / "ascmhl", ignore_errors=True)
            (others.setdefault(name, []) if name else scans).append(seconds)
    print(f"  assetwatch scan               {median(scans)}")
    for name, seconds in others.items():
        ratios = [ours / theirs for ours, theirs in zip(scans, seconds, strict=True)]
        print(f"  {name:28}  {median(seconds)}   assetwatch / it: {median(ratios, '')}")
    for name in ("xxhsum", "ascmhl"):
        if not any(name in peer for peer in peers):
            print(f"  {name} is not installed: left out")


def again(folder: Path, work: Path, rounds: int) -> None:
    """A scan of an unchanged tree, beside find."""
    catalog = work / "again.db"
    timed(assetwatch(catalog, folder))
    timed(assetwatch(catalog, folder))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        theirs.append(timed(["find", str(folder), "-printf", "%p %s %T@\\n"]))
        ours.append(timed(assetwatch(catalog, folder)))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    print(f"  second assetwatch scan        {median(ours)}")
    print(f"  find -printf                  {median(theirs)}   assetwatch / it: {median(ratios, '')}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  peak memory of any process so far: {peak:.0f} MiB")


def median(values: Sequence[float], unit: str = " s") -> str:
    """min / median / max."""
    return f"{min(values):.2f} / {statistics.median(values):.2f} / {max(values):.2f}{unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the sizes that the goals are stated for")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["large", "small", "again"], action="append")
    parser.add_argument("--directory", type=Path, help="where the files are made; a disk, not a tmpfs")
    given = parser.parse_args()
    wanted = given.only or ["again", "small", "large"]
    with tempfile.TemporaryDirectory(prefix="assetwatch-bench-", dir=given.directory) as name:
        work = Path(name)
        if "again" in wanted:
            files = 200_000 if given.full else 20_000
            make_files(work / "again", files, 0)
            print(f"unchanged tree of {files} files")
            again(work / "again", work, given.rounds + 2)
            shutil.rmtree(work / "again")
        if "small" in wanted:
            files = 20_000 if given.full else 3_000
            make_files(work / "small", files, 100 * 1024)
            print(f"{files} cold files of 100 KiB")
            compare(work / "small", work, given.rounds)
            shutil.rmtree(work / "small")
        if "large" in wanted:
            files, size = (16, 256 * 1024 * 1024) if given.full else (4, 128 * 1024 * 1024)
            make_files(work / "large", files, size)
            print(f"{files} cold files of {size // 1024 // 1024} MiB")
            compare(work / "large", work, given.rounds)


if __name__ == "__main__":
    main()
