"""How long does the board take, and one arriving file, with many deliverables over many files?

`python benchmarks/deliverables.py [DELIVERABLES] [FILES]`; 10,000 and 1,000,000 unless told otherwise. The catalog is
made by rows, without files: what is measured reads no disk but the catalog's.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from assetwatch.catalog import contents, files, volumes
from assetwatch.catalog import deliverables as rows
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import open_database, parse_url
from assetwatch.catalog.rows import FileRow
from assetwatch.clock import SystemClock
from assetwatch.delivery import kept
from assetwatch.delivery.link import bring_up_to_date
from assetwatch.delivery.schedule_toml import read_toml
from assetwatch.units import microseconds

SCHEDULE = """
[[deliverable]]
over = {{ shot = "S00001..S{count:05}" }}
id = "{{shot}}"
from = "Vendor"
due = 2026-12-01T18:00:00Z
  [[deliverable.item]]
  name = "Master"
  match = "IN/{{shot}}/{{shot}}_v{{version}}.mov"
  [[deliverable.item]]
  name = "Elements"
  match = "IN/{{shot}}/elements/*.bin"
  count = ">=10"
  [[deliverable.item]]
  name = "Paper"
  match = "IN/{{shot}}/*.pdf"
  required = false
"""


def row(identity: int, folder: int, name: str, now_us: int) -> FileRow:
    """A file that was read and recorded."""
    known = {"volume_id": 1, "folder_id": folder, "name": name, "kind": "file", "size": 1000, "mtime_ns": 1}
    state = {"presence": "present", "integrity": "recorded", "version_id": identity, "recorded_us": now_us}
    none = dict.fromkeys(
        ("verified_us", "checked_us", "absent_us", "due_us", "due_for", "problem", "target", "series_id", "frame")
    )
    seen = {"ctime_ns": 1, "inode": identity, "first_seen_us": now_us, "stat_since_us": now_us, "attempts": 0}
    return FileRow(id=identity, **known, **state, **none, **seen, sequence_id=None)  # type: ignore[arg-type]


def main(deliverables: int, count: int) -> None:
    """Make the catalog, and take the times."""
    clock = SystemClock()
    now_us = microseconds(clock.now())
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(parse_url(str(Path(folder) / "catalog.db"), Path(folder)), clock)
        ids = files.Ids()
        each = count // deliverables
        identity = 0
        with database.write() as connection:
            volumes.ensure(connection, "V", "/nowhere", None)
        for start in range(1, deliverables + 1, 500):
            with database.write() as connection:
                shots = [f"S{n:05}" for n in range(start, min(start + 500, deliverables + 1))]
                paths = [f"IN/{shot}{more}" for shot in shots for more in ("", "/elements")]
                folders = files.add_folders(connection, ids, 1, paths)
                made: list[FileRow] = []
                for shot in shots:
                    for number in range(each):
                        identity += 1
                        own = number == 0
                        name = f"{shot}_v001.mov" if own else f"e{number:04}.bin"
                        made.append(row(identity, folders[f"IN/{shot}{'' if own else '/elements'}"], name, now_us))
                files.add(connection, made)
                contents.add_versions(
                    connection,
                    [(f.id, f.id, f.size, 1, f.inode, now_us, now_us, now_us, 1, "read", None) for f in made],
                    [(f.id, "xxh128", f"{f.id:032x}") for f in made],
                )
        schedule = read_toml(SCHEDULE.format(count=deliverables), clock.now().tzinfo)  # type: ignore[arg-type]
        assert not schedule.faults, schedule.faults
        began = time.perf_counter()
        with database.write() as connection:
            rows.apply(connection, [kept.as_scheduled(one) for one in schedule.deliverables], now_us)
        print(f"schedule of {deliverables} applied in {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        bring_up_to_date(database, clock)
        print(f"all compared with {identity} files in {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        with database.read() as connection:
            board = kept.board(connection, clock.now(), brief=True)
        print(f"board of {len(board)}: {time.perf_counter() - began:.2f} s")
        times = []
        for number in range(20):
            with database.write() as connection:
                shot = f"S{1 + number * (deliverables // 20):05}"
                there = files.folders(connection, 1, [f"IN/{shot}"])[f"IN/{shot}"]
                identity += 1
                new = row(identity, there.id, f"{shot}_v002.mov", now_us)
                files.add(connection, [new])
                read = (identity, identity, 1000, 1, identity, now_us, now_us, now_us, 1, "read", None)
                contents.add_versions(connection, [read], [(identity, "xxh128", f"{identity:032x}")])
            began = time.perf_counter()
            bring_up_to_date(database, clock)
            times.append(time.perf_counter() - began)
        print(f"one arriving file: {1000 * sorted(times)[10]:.1f} ms in the middle, {1000 * max(times):.1f} ms at most")
        with database.read() as connection:
            print(f"{connection.execute(select(func.count()).select_from(t.link)).scalar_one()} links")
        database.close()


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:3]]
    main(*(given + [10_000, 1_000_000][len(given) :]))
