"""How soon does the daemon know? A real `assetwatch run`, real files, the catalog's own instants.

    python benchmarks/ingest.py                  latency, burst, idle on 5,000 folders
    python benchmarks/ingest.py --full           idle on 50,000 folders, bursts of 500 clips and of 100,000 names

    latency   from close(2) of a 1 MiB clip to the committed row with digest and media facts, less the settle time
    burst     500 clips at once: files a second from the last settle time to the last committed row
    names     a burst of small files that outruns the event queue: how many are found, and when
    idle      share of a core while nothing happens; seconds until a new file in any folder is seen, also after a burst

The clips are real QuickTime files where ffmpeg is installed, made once and copied with a changed tail.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTLE = 1.0


class Daemon:
    """`assetwatch run` over a folder, with a catalog of its own."""

    def __init__(self, work: Path, folder: Path) -> None:
        self.catalog = work / f"{folder.name}.db"
        self.log = open(work / f"{folder.name}.log", "w")  # noqa: SIM115 - lives as long as the daemon
        command = [
            sys.executable,
            "-m",
            "assetwatch",
            "--catalog",
            str(self.catalog),
            "run",
            str(folder),
            "--settle",
            "1s",
        ]
        self.child = subprocess.Popen(command, stderr=self.log)

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        try:
            with sqlite3.connect(f"file:{self.catalog}?mode=ro", uri=True, timeout=30) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def until(self, query: str, wanted: int, seconds: float = 600) -> float:
        """Seconds until the query counts `wanted` or more."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            rows = self.ask(query)
            if rows and int(str(rows[0][0])) >= wanted:
                return time.perf_counter() - began
            time.sleep(0.02)
        raise SystemExit(f"waited {seconds} s for {wanted}: {query}")

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self.child.terminate()
        self.child.wait(30)
        self.log.close()


def make_clip(work: Path) -> bytes:
    """A clip of about 1 MiB."""
    target = work / "clip.mov"
    if shutil.which("ffmpeg"):
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=24", "-t", "1",
             "-c:v", "prores_ks", "-profile:v", "0", "-timecode", "01:00:00:00", str(target)],
            check=True,
        )  # fmt: skip
        return target.read_bytes()
    print("ffmpeg is not installed: the clips are noise, and no media facts are read")
    return os.urandom(1024 * 1024)


def write(path: Path, clip: bytes, number: int) -> float:
    """Write a clip that differs from all others; the instant after close(2), seconds since 1970."""
    with open(path, "wb") as out:
        out.write(clip)
        out.write(number.to_bytes(16, "big"))
    return time.time()


RECORDED = "select count(*) from file where integrity = 'recorded'"


def latency(work: Path, clip: bytes, count: int) -> None:
    folder = work / "latency"
    folder.mkdir()
    daemon = Daemon(work, folder)
    daemon.until("select count(*) from volume where last_scan_us is not null", 1)
    closed: dict[str, float] = {}
    for number in range(count):
        name = f"A001C{number:03d}.mov"
        closed[name] = write(folder / name, clip, number)
        time.sleep(0.11)
    daemon.until(RECORDED, count)
    rows = daemon.ask(
        "select f.name, f.recorded_us, m.status from file f left join media m on m.version_id = f.version_id"
    )
    waits = sorted(int(str(us)) / 1e6 - closed[str(name)] - SETTLE for name, us, _ in rows)
    with_facts = sum(1 for *_, status in rows if status == "ok")
    p95 = waits[int(len(waits) * 0.95)]
    p50, p95, most = (f"{1000 * wait:.0f} ms" for wait in (statistics.median(waits), p95, waits[-1]))
    print(f"latency: {count} clips of {len(clip) // 1024} KiB, {with_facts} with media facts, after the settle time:")
    print(f"  p50 {p50}, p95 {p95}, max {most}")
    daemon.close()


def burst(work: Path, clip: bytes, count: int) -> None:
    folder = work / "burst"
    folder.mkdir()
    daemon = Daemon(work, folder)
    daemon.until("select count(*) from volume where last_scan_us is not null", 1)
    staged = work / "staged"
    staged.mkdir()
    for number in range(count):
        write(staged / f"B001C{number:03d}.mov", clip, number)
    os.rename(staged, folder / "B001")
    daemon.until(RECORDED, count)
    (first, last), *_ = daemon.ask("select min(recorded_us), max(recorded_us) from file")
    seconds = (int(str(last)) - int(str(first))) / 1e6
    print(f"burst: {count} clips moved in at once, {count / max(seconds, 1e-6):.0f} a second from first to last record")
    daemon.close()


def names(work: Path, count: int) -> None:
    folder = work / "names"
    folder.mkdir()
    daemon = Daemon(work, folder)
    daemon.until("select count(*) from volume where last_scan_us is not null", 1)
    began = time.perf_counter()
    for number in range(count):
        if number % 1000 == 0:
            (folder / f"d{number // 1000}").mkdir()
        os.close(os.open(folder / f"d{number // 1000}" / f"n{number}", os.O_CREAT | os.O_WRONLY))
    written = time.perf_counter() - began
    waited = daemon.until("select count(*) from file", count)
    overflows = daemon.ask("select overflows from volume")[0][0]
    print(f"names: {count} files made in {written:.1f} s ({count / written:.0f} a second),")
    print(f"  all found {waited:.1f} s after the last; {overflows} overflows")
    daemon.close()


def idle(work: Path, count: int) -> None:
    folder = work / "idle"
    for number in range(count):
        (folder / f"a{number // 1000}" / f"b{number % 1000}").mkdir(parents=True)
    daemon = Daemon(work, folder)
    daemon.until("select watches from volume", count)
    daemon.until("select count(*) from volume where last_scan_us is not null", 1)
    time.sleep(5)
    before = daemon.cpu()
    time.sleep(20)
    share = (daemon.cpu() - before) / 20
    heard = []
    for number in range(10):
        place = random.randrange(count)
        (folder / f"a{place // 1000}" / f"b{place % 1000}" / f"new{number}.mov").write_bytes(b"x")
        heard.append(daemon.until("select count(*) from file where name like 'new%'", number + 1))
    print(f"idle: {count} folders, {share * 100:.2f} % of a core;")
    print(f"  a new file is seen after {max(heard) * 1000:.0f} ms at most")
    daemon.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=["latency", "burst", "names", "idle"], action="append")
    given = parser.parse_args()
    wanted = given.only or ["latency", "burst", "names", "idle"]
    with tempfile.TemporaryDirectory(prefix="assetwatch-bench-") as name:
        work = Path(name)
        clip = make_clip(work)
        if "latency" in wanted:
            latency(work, clip, 100)
        if "burst" in wanted:
            burst(work, clip, 500)
        if "names" in wanted:
            names(work, 100_000 if given.full else 20_000)
        if "idle" in wanted:
            idle(work, 50_000 if given.full else 5_000)


if __name__ == "__main__":
    main()
