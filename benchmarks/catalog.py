"""How long do people wait for an answer of the catalog, and how large is it, when it holds millions of files?

    python benchmarks/catalog.py [--files N] [--full] [--folder DIR] [--rounds N] [--keep]

Fills a SQLite catalog with N files (default 200,000; `--full`: 5,000,000, which takes some 6 GB in DIR and several
minutes), as a show has them: three volumes, image sequences with a row a frame, cards with clips and sidecars,
versions, digests, media facts, a few files that are wrong, missing or still arriving. Then asks what people ask:

whole process   milliseconds from starting `assetwatch ...` to its end, median and worst, of the real command
in process      milliseconds of the same question alone, in a program that is running already
everything      `files --json` of all: files a second, and the most memory that the command had (Linux)

Both medians are of ROUNDS (default 5) after one that is not counted. DIR (default: the system's temporary folder)
must be on a local disk; what was made there is removed at the end unless `--keep` is given.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy.engine import URL

from assetwatch.catalog import queries, volumes
from assetwatch.catalog.engine import Database, open_database
from assetwatch.catalog.queries import Filter
from assetwatch.clock import SystemClock
from assetwatch.units import microseconds

DAY_US = 86_400_000_000
FACTS = {
    "container": "MPEG-4",
    "duration": 34.5,
    "start_timecode": "01:00:00:00",
    "video": [{"codec": "ProRes", "profile": "422 HQ", "width": 4096, "height": 2160, "frame_rate": "24000/1001"}],
    "audio": [{"codec": "PCM", "channels": 2, "layout": "L R", "sample_rate": 48000, "bit_depth": 24}],
    "other": {"note": "x" * 300},
}


class Show:
    """The rows of a show, made up in the order in which they would arrive."""

    def __init__(self, count: int, now_us: int) -> None:
        self.random = random.Random(7)
        self.count = count
        self.now_us = now_us
        self.made = 0
        self.folders: list[tuple[Any, ...]] = []
        self.series: list[tuple[Any, ...]] = []
        self.sequences: list[tuple[Any, ...]] = []

    def files(self) -> Iterator[tuple[Any, ...]]:
        """Rows of `file`; folders, series and sequences are noted on the way."""
        number = 0
        while self.made < self.count:
            number += 1
            if self.random.random() < 0.15:
                yield from self._plates(number)
            else:
                yield from self._card(number)

    def _plates(self, number: int) -> Iterator[tuple[Any, ...]]:
        """A shot's plate: one sequence in a folder of its own."""
        volume = 1 + number % 3
        path = f"VFX/seq{number % 97:03}/shot{number:06}/plates/pl01_v{1 + number % 4:03}/4096x2160"
        folder = self._folder(volume, path)
        stem, frames = f"shot{number:06}_pl01.", self.random.choice((48, 96, 180, 240, 400, 1200))
        series = sequence = len(self.series) + 1
        self.series.append((series, volume, folder, stem, ".exr", 0))
        first = self.made + 1
        states = [self._state() for _ in range(frames)]
        worst = next((state[1] for state in states if state[1] in ("mismatch", "unreadable")), "recorded")
        name = f"{path}/{stem}[1001-{1000 + frames}].exr"
        self.sequences.append(
            (
                sequence,
                series,
                volume,
                folder,
                name,
                1001,
                1000 + frames,
                frames,
                "",
                "",
                "",
                0,
                "present",
                worst,
                first,
            )
        )
        for frame, state in enumerate(states, 1001):
            yield self._file(volume, folder, f"{stem}{frame}.exr", state, 48_000_000, (series, frame, sequence))

    def _card(self, number: int) -> Iterator[tuple[Any, ...]]:
        """A card: clips in folders, and sidecars beside them."""
        volume = 1 + number % 3
        card = f"OCF/day{number % 60:03}/{'ABCD'[number % 4]}{number:05}"
        for clip in range(self.random.choice((4, 9, 16))):
            roll = f"{'ABCD'[number % 4]}{number:05}C{clip:03}"
            folder = self._folder(volume, f"{card}/{roll}.RDC") if clip % 2 else self._folder(volume, f"{card}/clips")
            for part in range(1, 1 + self.random.choice((1, 3, 6))):
                yield self._file(volume, folder, f"{roll}_{part:03}.R3D", self._state(), 4_000_000_000, (None,) * 3)
            for extension in ("mov", "xml", "wav"):
                yield self._file(volume, folder, f"{roll}_260311.{extension}", self._state(), 90_000, (None,) * 3)

    def _folder(self, volume: int, path: str) -> int:
        if self.folders and self.folders[-1][1:3] == (volume, path):
            return int(self.folders[-1][0])
        for known in self.folders[-12:]:
            if known[1:3] == (volume, path):
                return int(known[0])
        self.folders.append((len(self.folders) + 1, volume, path, "0123456789abcdef", None))
        return len(self.folders)

    def _state(self) -> tuple[str, str]:
        draw = self.random.random()
        if draw < 0.0001:
            return "present", "mismatch"
        if draw < 0.0002:
            return "present", "unreadable"
        if draw < 0.0007:
            return "missing", "recorded"
        if draw < 0.0017:
            return "arriving", "pending"
        return "present", "verified" if draw < 0.3 else "recorded"

    def _file(
        self, volume: int, folder: int, name: str, state: tuple[str, str], size: int, frame: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        self.made += 1
        seen = self.now_us - 90 * DAY_US + int(90 * DAY_US * min(1.0, self.made / self.count))
        is_read = state[1] != "pending"
        wrong = "the bytes differ from the sender's digest" if state[1] == "mismatch" else None
        times = (seen, seen, seen + 5_000_000 if is_read else None, seen if state[1] == "verified" else None, None)
        due = (None, None) if is_read else (seen, "read")
        absent = seen if state[0] == "missing" else None
        return (
            *(self.made, volume, folder, name, "file", size, seen * 1000, seen * 1000, 2**33 + self.made),
            *(*state, self.made if is_read else None, *times, absent, *due, 0, wrong, None, *frame, None),
        )


def fill(path: Path, count: int) -> dict[str, float]:
    """Make the catalog; seconds it took, and bytes."""
    began = time.monotonic()
    now_us = microseconds(SystemClock().now())
    database = open_database(URL.create("sqlite", database=str(path)), SystemClock())
    with database.write() as connection:
        for number in (1, 2, 3):
            row = volumes.ensure(connection, f"stor-{number:02}", f"/mnt/stor-{number:02}", "NIGHTFALL")
            volumes.set_values(connection, row.id, {"online": 1, "watching": "native", "last_scan_us": now_us})
    database.close()
    show = Show(count, now_us)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous=off")
        connection.execute("pragma cache_size=-400000")
        indexes = connection.execute(
            "select name, sql from sqlite_master where type='index' and sql is not null"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'drop index "{name}"')
        connection.execute("begin")
        for some in batches(show.files(), 50_000):
            put(connection, "file", some)
            read = [row for row in some if row[11] is not None]
            put(
                connection,
                "version",
                [(r[11], r[0], r[5], r[6], r[8], r[12], r[12], r[14], 1, "read", None) for r in read],
            )
            put(connection, "digest", [(r[11], "xxh128", f"{show.random.getrandbits(128):032x}") for r in read])
            facts = json.dumps(FACTS)
            known = [r for r in read if r[3].endswith((".mov", ".wav")) or (r[24] is not None and r[24] == 1001)]
            put(connection, "media", [(r[11], "ok", facts, b"", "MediaInfo", "26.1", r[14], None) for r in known])
        put(connection, "folder", show.folders)
        put(connection, "series", show.series)
        put(connection, "sequence", show.sequences)
        connection.execute(
            "insert into tally select volume_id, presence, integrity, count(*), sum(size) from file group by 1, 2, 3"
        )
        for table in ("file", "version", "folder", "series", "sequence"):
            connection.execute(f"insert into counter select '{table}', coalesce(max(id), 0) + 1 from {table}")
        for _, sql in indexes:
            connection.execute(sql)
        connection.execute("commit")
        connection.execute("pragma wal_checkpoint(truncate)")
    return {
        "seconds": time.monotonic() - began,
        "bytes": path.stat().st_size,
        "files": show.made,
        "folders": len(show.folders),
        "sequences": len(show.sequences),
    }


def batches(items: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """The items, so many at a time."""
    some: list[Any] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def put(connection: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    """Enter rows of all of a table's columns."""
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def commands(path: Path) -> dict[str, list[str]]:
    """What people ask, as arguments of the command."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        volume, some_file = connection.execute(
            "select v.name, f.path || '/' || n.name from file n join folder f on f.id = n.folder_id "
            "join volume v on v.id = n.volume_id where n.id = (select max(id) / 2 from file)"
        ).fetchone()
        some_name = some_file.rpartition("/")[2]
        some_folder = some_file.split("/")[0] + "/" + some_file.split("/")[1]
        some_sequence = connection.execute("select name from sequence order by id desc").fetchone()[0]
    page = ["--limit", "200"]
    return {
        "status": ["status"],
        "files (first page)": ["files", *page],
        "files NAME": ["files", some_name, *page],
        "files PATH": ["files", some_file, *page],
        "files FOLDER": ["files", some_folder, *page],
        "files '*.mov'": ["files", "*.mov", *page],
        "files '*.zip' (none)": ["files", "*.zip", *page],
        "files 'OCF/*/A0*'": ["files", "OCF/*/A0*", *page],
        "files SEQUENCE": ["files", some_sequence, *page],
        "files --presence missing": ["files", "--presence", "missing", *page],
        "files --presence arriving": ["files", "--presence", "arriving", *page],
        "files --integrity mismatch": ["files", "--integrity", "mismatch", *page],
        "files --integrity verified": ["files", "--integrity", "verified", *page],
        "files --since 2d": ["files", "--since", "2d", *page],
        "files --since 80d": ["files", "--since", "80d", *page],
        "files --since 2d --integrity mismatch": ["files", "--since", "2d", "--integrity", "mismatch", *page],
        "assets (first page)": ["assets", *page],
        "assets FOLDER": ["assets", some_folder, *page],
        "assets SEQUENCE": ["assets", some_sequence, *page],
        "assets '*.mov'": ["assets", "*.mov", *page],
        "assets '*.zip' (none)": ["assets", "*.zip", *page],
        "assets --integrity mismatch": ["assets", "--integrity", "mismatch", *page],
        "assets --since 2d": ["assets", "--since", "2d", *page],
        "show FILE": ["show", f"{volume}:{some_file}"],
        "show FOLDER": ["show", f"{volume}:{some_folder}"],
    }


def run(path: Path, arguments: list[str]) -> float:
    """Seconds of a command from its start to its end."""
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "assetwatch", "--catalog", str(path), *arguments], capture_output=True, check=False
    )
    seconds = time.monotonic() - began
    if ended.returncode not in (0, 1) or b"Traceback" in ended.stderr:
        raise SystemExit(f"{arguments}: {ended.stderr.decode()[-500:]}")
    return seconds


def ask(database: Database, arguments: list[str]) -> Callable[[], object] | None:
    """The question of a command as a call; None where there is none as simple."""
    from assetwatch.cli.files import parse_since

    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("pattern", nargs="?")
    for option in ("--presence", "--integrity", "--since", "--limit"):
        parser.add_argument(option)
    given = parser.parse_args(arguments)
    if given.command == "status":
        since_us = microseconds(SystemClock().now()) - DAY_US

        def first_page() -> None:
            with database.read() as connection:
                queries.tallies(connection)
                queries.arrived_since(connection, since_us)
                queries.problem_files(connection)

        return first_page
    if given.command not in ("files", "assets"):
        return None
    since = None if given.since is None else parse_since(given.since, None)
    wanted = Filter(given.pattern, None, given.presence, given.integrity, since)
    question = queries.list_files if given.command == "files" else queries.list_assets

    def page() -> None:
        with database.read() as connection:
            list(question(connection, wanted, int(given.limit)))

    return page


def timed(call: Callable[[], object]) -> float:
    """Seconds of a call."""
    began = time.monotonic()
    call()
    return time.monotonic() - began


def everything(path: Path, count: float) -> str:
    """All files as JSON: how fast, and in how much memory."""
    arguments = [sys.executable, "-m", "assetwatch", "--catalog", str(path), "files", "--json"]
    own = mapped = 0
    began = time.monotonic()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            with contextlib.suppress(OSError, KeyError):
                status = dict(line.split(":", 1) for line in Path(f"/proc/{child.pid}/status").read_text().splitlines())
                own = max(own, int(status["RssAnon"].split()[0]))
                mapped = max(mapped, int(status["RssFile"].split()[0]))
            time.sleep(0.1)
    rate = count / (time.monotonic() - began)
    return (
        f"files --json of everything: {rate:,.0f} files/s; at most {own / 1024:.0f} MiB of its own memory, "
        f"and {mapped / 1024:.0f} MiB of the page cache mapped"
    )


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--full", action="store_true", help="5,000,000 files")
    parser.add_argument("--folder", type=Path, help="where to make the catalog")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="leave the catalog, and use it if it is there already")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="catalog-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "catalog.db"
    try:
        if not path.exists():
            made = fill(path, 5_000_000 if given.full else given.files)
            per_million = made["bytes"] / 2**20 / made["files"] * 1e6
            print(
                f"{made['files']:,.0f} files in {made['folders']:,.0f} folders, {made['sequences']:,.0f} sequences: "
                f"{made['bytes'] / 2**20:,.0f} MiB, {per_million:,.0f} MiB per million, "
                f"filled in {made['seconds']:.0f} s"
            )
        with contextlib.closing(sqlite3.connect(path)) as connection:
            count = connection.execute("select sum(files) from tally").fetchone()[0]
        database = open_database(URL.create("sqlite", database=str(path)), SystemClock(), create=False)
        print(f"{'':40} {'whole process, ms':>22} {'in process, ms':>22}")
        print(f"{'':40} {'median':>11}{'worst':>11} {'median':>11}{'worst':>11}")
        for name, arguments in commands(path).items():
            line = f"{name:40} " + column(lambda arguments=arguments: run(path, arguments), given.rounds)  # type: ignore[misc]
            question = ask(database, arguments)
            if question is not None:
                line += " " + column(lambda question=question: timed(question), given.rounds)  # type: ignore[misc]
            print(line, flush=True)
        database.close()
        print(everything(path, count))
    finally:
        if not given.keep:
            for left in folder.glob("catalog.db*"):
                left.unlink()
            if given.folder is None:
                shutil.rmtree(folder)


def column(measure: Callable[[], float], rounds: int) -> str:
    """Median and worst of so many rounds, in milliseconds, after one that is not counted."""
    measure()
    taken = [measure() * 1000 for _ in range(rounds)]
    return f"{statistics.median(taken):>11,.1f}{max(taken):>11,.1f}"


if __name__ == "__main__":
    main()
