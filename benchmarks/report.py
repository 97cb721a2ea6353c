"""How long does a report take over a large catalog, and how large are its documents?

    python benchmarks/report.py [--files N] [--deliverables N] [--folder DIR] [--keep]

Fills a SQLite catalog with N files (default 1,000,000) as `benchmarks/catalog.py` does: the last day brought one in
ninety of them. Then N deliverables (default 1,000), each of one card of the show, an observation for one file in fifty,
two months of capacity, and a sweep. Prints the seconds of building the report (from the last day, and from everything),
of each document, and their sizes; frames of what arrived are left out, since there are no files. At most 30 seconds and
2,000,000 bytes a page are asked for; more ends with exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy.engine import URL

from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database, open_database
from assetwatch.clock import SystemClock
from assetwatch.config import Config
from assetwatch.delivery import kept
from assetwatch.delivery.link import bring_up_to_date
from assetwatch.delivery.schedule_toml import read_toml
from assetwatch.errors import AssetwatchError
from assetwatch.report.build import Asked, build
from assetwatch.report.formats import FORMATS
from assetwatch.units import microseconds
from benchmarks.catalog import DAY_US, fill

MOST_SECONDS = 30.0
MOST_BYTES = 2_000_000


def add_schedule(database: Database, path: Path, count: int) -> float:
    """Deliverables that each want the clips of one folder of the catalog; seconds until all are compared."""
    clock = SystemClock()
    now = clock.now()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        folders = connection.execute(
            "select path from folder where path like 'OCF/%/clips' order by id desc limit ?", (count,)
        ).fetchall()
    parts = []
    for number in range(count):
        folder = folders[number % len(folders)][0]
        due = (now + timedelta(hours=number % 2_000 - 600)).strftime("%Y-%m-%dT%H:%M:%SZ")
        parts.append(
            f'[[deliverable]]\nid = "D{number:05}"\nname = "Card {number} to the lab"\nfrom = "Unit {number % 40}"\n'
            f'to = "Lab"\ndue = {due}\n'
            f'  [[deliverable.item]]\n  name = "Clips"\n  match = "{folder}/*.mov"\n  count = ">={1 + number % 12}"\n'
            f'  [[deliverable.item]]\n  name = "Report"\n  match = "{folder}/*.pdf"\n'
            f"  required = {str(number % 3 == 0).lower()}\n"
        )
    schedule = read_toml("\n".join(parts), ZoneInfo("UTC"))
    assert not schedule.faults, schedule.faults
    began = time.perf_counter()
    with database.write() as connection:
        rows.apply(connection, [kept.as_scheduled(one) for one in schedule.deliverables], microseconds(now))
    bring_up_to_date(database, clock)
    return time.perf_counter() - began


def add_events(database: Database, path: Path) -> None:
    """What happened to files lately, how full the volumes were, and a sweep that ended an hour ago."""
    now_us = microseconds(SystemClock().now())
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "insert into observation (at_us, what, volume_id, file_id, detail)"
            " select ? + id, case id % 3 when 0 then 'verified' when 1 then 'moved' else 'missing' end,"
            " volume_id, id, '{}'"
            " from file where id % 50 = 0",
            (now_us - DAY_US // 2,),
        )
        connection.executemany(
            "insert into capacity values (?, ?, ?, ?, ?)",
            [
                (volume, now_us - hours * 3_600_000_000, 10**15, 4 * 10**14 + hours * 10**11, 5 * 10**14)
                for volume in (1, 2, 3)
                for hours in range(0, 1_440, 6)
            ],
        )
    problems = [
        {"volume": "stor-01", "path": f"OCF/{n}.R3D", "verdict": "mismatch", "problem": "differs"} for n in range(100)
    ]
    counts = {
        "checked": 300_000,
        "verified": 299_900,
        "mismatch": 100,
        "missing": 0,
        "unreadable": 0,
        "misread": 0,
        "not_checked": 700_000,
        "not_checked_reasons": {"budget": 700_000},
        "bytes": 10**13,
        "bytes_total": 10**15,
        "seconds": 21_600.0,
        "ended_by": "budget",
        "pace_bytes_per_day": 10**13,
        "problems": problems,
    }
    with database.write() as connection:
        run = {
            "kind": "verify",
            "why": "everything",
            "host": "bench",
            "version": "0",
            "started_us": now_us - DAY_US // 3,
        }
        volumes.end_run(
            connection, volumes.begin_run(connection, run), now_us - DAY_US // 24, complete=False, counts=counts
        )


def measure(database: Database, label: str, age: timedelta) -> bool:
    """Build and write a report of what happened since so long ago; whether it kept to what is asked for."""
    clock = SystemClock()
    zone = ZoneInfo("America/Los_Angeles")
    began = time.perf_counter()
    built = build(database, Config(project="NIGHTFALL"), Asked(zone, "America/Los_Angeles", clock.now() - age), clock)
    seconds = time.perf_counter() - began
    report = built.report
    print(
        f"{label}: built in {seconds:.2f} s: {report.arrivals.files:,} files arrived, "
        f"{report.deliverables.every.total:,} deliverables, {report.needs.total} needs; "
        f"{len(json.dumps(built.standing)):,} bytes of standing"
    )
    fits = True
    for name, made in FORMATS.items():
        began = time.perf_counter()
        try:
            page = made.render(report)
        except (AssetwatchError, ImportError) as error:
            print(f"  {name:5} not made: {error}")
            continue
        took = time.perf_counter() - began
        print(f"  {name:5} {took:6.2f} s {len(page):>12,} bytes", flush=True)
        if name != "pdf":
            fits &= len(page) < MOST_BYTES and seconds + took < MOST_SECONDS
    return fits


def main() -> int:
    """Fill, build, write, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--deliverables", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, help="where to make the catalog")
    parser.add_argument("--keep", action="store_true", help="leave the catalog, and use it if it is there already")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="report-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report-bench.db"
    try:
        if not path.exists():
            made = fill(path, given.files)
            print(f"{made['files']:,.0f} files in {made['folders']:,.0f} folders, filled in {made['seconds']:.0f} s")
            database = open_database(URL.create("sqlite", database=str(path)), SystemClock(), create=False)
            seconds = add_schedule(database, path, given.deliverables)
            print(f"{given.deliverables:,} deliverables compared in {seconds:.1f} s")
            add_events(database, path)
        else:
            database = open_database(URL.create("sqlite", database=str(path)), SystemClock(), create=False)
        fits = measure(database, "the last day", timedelta(days=1))
        fits &= measure(database, "everything", timedelta(days=400))
        database.close()
    finally:
        if not given.keep:
            for left in folder.glob("report-bench.db*"):
                left.unlink()
            if given.folder is None:
                shutil.rmtree(folder)
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
