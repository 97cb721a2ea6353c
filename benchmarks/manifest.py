"""How long does `assetwatch manifest verify` take beside the tools that people know, on the same files in the same run?

    python benchmarks/manifest.py            5,000 small files, 4 x 256 MiB; two minutes
    python benchmarks/manifest.py --full     8 GiB in large files as well

Each comparison runs its commands in turn (A B A B ...), whole processes with their start, and takes ratios round by
round. ascmhl verifies with `ascmhl-debug verify`; `ascmhl diff` looks for files without reading them.

    plain         5,000 files of 4 KiB in an ASC MHL of one generation: ascmhl / assetwatch
    generations   the same after five generations
    nested        the same files, each of 50 folders with a history of its own
    two formats   one generation by xxh64 and one by md5
    start         one file: what starting costs
    large         a sum file of large files, in memory and cold: assetwatch / xxhsum -c

A ratio of "ascmhl / assetwatch" says how many times faster assetwatch is; "assetwatch / xxhsum" below 1 means it took
less time. What is not installed is left out, with a word.
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
from collections.abc import Callable, Sequence
from pathlib import Path

_ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def make_files(folder: Path, count: int, size: int, a_folder: int = 100) -> None:
    """Files of random bytes, `a_folder` in a folder."""
    for number in range(count):
        where = folder / f"card{number // a_folder:03d}"
        where.mkdir(parents=True, exist_ok=True)
        with open(where / f"A001C{number:05d}.mov", "wb") as out:
            for _ in range(max(1, size >> 20)):
                out.write(os.urandom(min(size, 1 << 20)))


def call(*command: object, cwd: Path | None = None) -> float:
    """Run a command to its end; seconds."""
    started = time.perf_counter()
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=_ENVIRONMENT, capture_output=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(
            f"{' '.join(words)}: exit {done.returncode}: {done.stderr.decode()[-400:]}{done.stdout.decode()[-400:]}"
        )
    return seconds


def evict(folder: Path) -> None:
    """Drop the files' pages from the cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb") as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(name: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int, *, faster: bool) -> None:
    """Both in turn; prints medians and the ratio: theirs / ours where `faster`, else ours / theirs."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    ratios = sorted(b / a if faster else a / b for a, b in pairs)
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    what = "ascmhl / assetwatch" if faster else "assetwatch / xxhsum"
    print(
        f"{name:<14} assetwatch {mine:7.3f} s   other {other:7.3f} s   {what} {statistics.median(ratios):6.2f}"
        f"   ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def small(base: Path, rounds: int) -> None:
    """The shapes of ASC MHL."""
    if shutil.which("ascmhl-debug", path=_ENVIRONMENT["PATH"]) is None:
        print("ascmhl is not installed: left out")
        return

    def against(name: str, root: Path) -> None:
        compare(
            name,
            lambda: call("assetwatch", "manifest", "verify", root),
            lambda: call("ascmhl-debug", "verify", root),
            rounds,
            faster=True,
        )

    shapes: dict[str, Sequence[tuple[str, ...]]] = {
        "start": [("xxh64",)],
        "plain": [("xxh64",)],
        "generations": [("xxh64",)] * 5,
        "two formats": [("xxh64",), ("md5",)],
        "nested": [("xxh64",)],
    }
    for name, generations in shapes.items():
        root = base / name.replace(" ", "_")
        make_files(root, 1 if name == "start" else 5000, 4096)
        if name == "nested":
            for card in sorted(root.iterdir()):
                call("ascmhl", "create", card, "-h", "xxh64")
        for formats in generations:
            call("ascmhl", "create", root, *(word for one in formats for word in ("-h", one)))
        against(name, root)
        shutil.rmtree(root)


def large(base: Path, rounds: int, count: int, size: int) -> None:
    """A sum file of large files."""
    if shutil.which("xxhsum") is None:
        print("xxhsum is not installed: left out")
        return
    root = base / "large"
    make_files(root, count, size)
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*.mov"))
    made = subprocess.run(["xxhsum", "-H2", *names], cwd=root, capture_output=True, check=True)
    (root / "list.xxh128").write_bytes(made.stdout)

    def ours() -> float:
        return call("assetwatch", "manifest", "verify", root / "list.xxh128")

    def theirs() -> float:
        return call("xxhsum", "-c", "list.xxh128", cwd=root)

    def cold(command: Callable[[], float]) -> Callable[[], float]:
        def run() -> float:
            evict(root)
            return command()

        return run

    theirs()
    compare("large, warm", ours, theirs, rounds, faster=False)
    compare("large, cold", cold(ours), cold(theirs), rounds, faster=False)


def main() -> None:
    """Run the comparisons in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="8 GiB in large files instead of 1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to make the files; a temporary folder by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        small(Path(folder), given.rounds)
        large(Path(folder), given.rounds, 8 if given.full else 4, (1 << 30) if given.full else (256 << 20))


if __name__ == "__main__":
    main()
