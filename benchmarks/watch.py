"""How much does the watcher hear, how soon, and at what cost, next to watchdog's own InotifyObserver?

    python benchmarks/watch.py [--full] [--folder DIR] [--rounds N]

Prints for each round, ours and watchdog's side by side:

set-up   seconds until every folder is watched, and resident memory a folder (in KiB)
idle     CPU seconds in two seconds in which nothing happens
latency  milliseconds from close(2) to the handler, 200 files one at a time, p50 and p95
burst    share of files heard when another program makes them as fast as it can in one folder, and CPU seconds

Only what stands side by side means anything: machines differ, and virtual ones are noisy. Each figure comes
from a process of its own. Small by default: 5,000 folders and a burst of 20,000 files; `--full` takes 50,000 and
100,000, for which `fs.inotify.max_user_watches` has to allow it. Everything is made below DIR (default: /dev/shm,
where a writer is fastest) and removed at the end.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WRITER = """
import os, sys
for number in range(int(sys.argv[2])):
    os.close(os.open(f"{sys.argv[1]}/{number:07}.dpx", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
"""


class Ours:
    """The product's watcher, and the names of the files that it has heard of."""

    def __init__(self, root: str) -> None:
        from assetwatch.clock import SystemClock
        from assetwatch.ingest.watch import Watcher

        self.heard: set[str] = set()
        self.wake = threading.Event()
        self._watcher = Watcher(root, lambda _path, _folder: False, self.wake, SystemClock())

    def start(self) -> None:
        self._watcher.start()
        while not self._watcher.state().ready:
            time.sleep(0.005)

    def wait_for(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self.wake.wait(0.1)
            self.wake.clear()
            self.heard |= {path.rpartition("/")[2] for path in self._watcher.drain().closed}

    def stop(self) -> None:
        self._watcher.stop()


class Watchdog:
    """watchdog as it comes."""

    def __init__(self, root: str) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers.inotify import InotifyObserver

        self.heard: set[str] = set()
        self.wake = threading.Event()
        outer = self

        class Handler(FileSystemEventHandler):
            def on_closed(self, event: FileSystemEvent) -> None:
                outer.heard.add(os.path.basename(os.fsdecode(event.src_path)))
                outer.wake.set()

        self._observer = InotifyObserver()
        self._observer.schedule(Handler(), root, recursive=True)

    def start(self) -> None:
        self._observer.start()

    def wait_for(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            self.wake.wait(0.1)
            self.wake.clear()

    def stop(self) -> None:
        self._observer.stop()


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def set_up_and_idle(watcher: Ours | Watchdog, folders: int) -> dict[str, float]:
    gc.collect()
    memory, began = resident_kib(), time.monotonic()
    watcher.start()
    seconds = time.monotonic() - began
    gc.collect()
    memory = resident_kib() - memory
    cpu = time.process_time()
    time.sleep(2)
    return {"set-up s": seconds, "KiB a folder": memory / folders, "idle CPU s": time.process_time() - cpu}


def latency(watcher: Ours | Watchdog, root: str) -> dict[str, float]:
    watcher.start()
    taken = []
    for number in range(200):
        name = f"one{number}.mov"
        Path(root, name).touch()
        began = time.monotonic()
        watcher.wait_for(lambda name=name: name in watcher.heard, 2)
        taken.append((time.monotonic() - began) * 1000)
    taken.sort()
    return {"p50 ms": taken[100], "p95 ms": taken[190]}


def burst(watcher: Ours | Watchdog, root: str, files: int) -> dict[str, float]:
    watcher.start()
    cpu, began = time.process_time(), time.monotonic()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, root, str(files)])
    watcher.wait_for(lambda: writer.poll() is not None, 600)
    written = time.monotonic() - began
    watcher.wait_for(lambda: len(watcher.heard) >= files, 3)
    return {
        "heard %": 100 * len(watcher.heard) / files,
        "CPU s": time.process_time() - cpu,
        "files/s": files / written,
    }


def one(kind: str, what: str, root: str, count: int) -> None:
    watcher = {"ours": Ours, "watchdog": Watchdog}[kind](root)
    figures = {
        "set-up": lambda: set_up_and_idle(watcher, count),
        "latency": lambda: latency(watcher, root),
        "burst": lambda: burst(watcher, root, count),
    }[what]()
    print(json.dumps(figures))
    sys.stdout.flush()
    os._exit(0)  # watchdog can take minutes to give back its watches


def measured(kind: str, what: str, root: Path, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", kind, what, str(root), str(count)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{' '.join(command)}:\n{ran.stderr}")
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--full", action="store_true")
    options.add_argument("--folder", type=Path, default=Path("/dev/shm"))
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        kind, what, root, count = chosen.one
        one(kind, what, root, int(count))
    folders, files = (50_000, 100_000) if chosen.full else (5_000, 20_000)
    scratch = Path(tempfile.mkdtemp(prefix="assetwatch-watch-", dir=chosen.folder))
    try:
        tree = scratch / "tree"
        for number in range(folders):
            (tree / f"day{number // 1000:03}" / f"roll{number:06}").mkdir(parents=True)
        for number in range(chosen.rounds):
            for what, count in (("set-up", folders), ("latency", 0), ("burst", files)):
                sides = {}
                for kind in ("ours", "watchdog"):
                    root = tree
                    if what != "set-up":
                        root = scratch / f"{what}-{kind}-{number}"
                        root.mkdir()
                    sides[kind] = measured(kind, what, root, count)
                    if what != "set-up":
                        shutil.rmtree(root)
                for figure, ours in sides["ours"].items():
                    theirs = sides["watchdog"][figure]
                    ratio = f"{ours / theirs:8.2f}" if theirs else "       -"
                    sides_by_side = f"ours {ours:10.2f}  watchdog {theirs:10.2f}  ratio {ratio}"
                    print(f"{number + 1} {what:8} {figure:14} {sides_by_side}")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
