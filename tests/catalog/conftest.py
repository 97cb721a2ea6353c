"""How do the catalog's tests put rows into it?"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select, update

from assetwatch.catalog import contents, files, volumes
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FileRow, VolumeRow
from assetwatch.paths import split

#: A file as a scan enters it when it has read it.
PLAIN = FileRow(
    id=0,
    volume_id=0,
    folder_id=0,
    name="",
    kind="file",
    size=1000,
    mtime_ns=1_790_000_000_000_000_000,
    ctime_ns=1_790_000_000_000_000_000,
    inode=1,
    presence="present",
    integrity="recorded",
    version_id=None,
    first_seen_us=1_790_000_000_000_000,
    stat_since_us=1_790_000_000_000_000,
    recorded_us=1_790_000_000_000_000,
    verified_us=None,
    checked_us=None,
    absent_us=None,
    due_us=None,
    due_for=None,
    attempts=0,
    problem=None,
    target=None,
    series_id=None,
    frame=None,
    sequence_id=None,
)


class Shelf:
    """A catalog to be filled by hand."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ids = files.Ids()
        self._folders: dict[tuple[int, str], int] = {}

    def volume(self, name: str = "ingest", *, online: bool = True) -> VolumeRow:
        """A volume, there or not."""
        with self.database.write() as connection:
            row = volumes.ensure(connection, name, f"/mnt/{name}", None)
            volumes.set_values(connection, row.id, {"online": int(online)})
            return next(one for one in volumes.all_volumes(connection) if one.id == row.id)

    def folder(self, connection: Any, volume: VolumeRow, path: str) -> int:
        """A folder's id."""
        key = (volume.id, path)
        if key not in self._folders:
            self._folders[key] = files.add_folders(connection, self.ids, volume.id, [path])[path]
        return self._folders[key]

    def put(self, volume: VolumeRow, *paths: str, **fields: Any) -> list[FileRow]:
        """Files at these paths."""
        with self.database.write() as connection:
            rows = []
            for path in paths:
                folder, name = split(path)
                rows.append(
                    replace(
                        PLAIN,
                        id=self.ids.take(connection, "file"),
                        volume_id=volume.id,
                        folder_id=self.folder(connection, volume, folder),
                        name=name,
                        **fields,
                    )
                )
            files.add(connection, rows)
        return rows

    def sequence(
        self,
        volume: VolumeRow,
        folder: str,
        prefix: str,
        first: int,
        last: int,
        suffix: str = ".exr",
        state: tuple[str, str] = ("present", "recorded"),
        **fields: Any,
    ) -> list[FileRow]:
        """An image sequence with its frames."""
        with self.database.write() as connection:
            folder_id = self.folder(connection, volume, folder)
            series = files.series_ids(connection, self.ids, volume.id, [(folder_id, prefix, suffix)])
            identity = self.ids.take(connection, "sequence")
        slash = "/" if folder else ""
        rows = self.put(
            volume,
            *(f"{folder}{slash}{prefix}{number:04}{suffix}" for number in range(first, last + 1)),
            **{
                "series_id": series[(folder_id, prefix, suffix)],
                "sequence_id": identity,
                "presence": state[0],
                "integrity": state[1],
                **fields,
            },
        )
        with self.database.write() as connection:
            connection.execute(
                insert(t.sequence).values(
                    id=identity,
                    series_id=series[(folder_id, prefix, suffix)],
                    volume_id=volume.id,
                    folder_id=folder_id,
                    name=f"{folder}{slash}{prefix}[{first:04}-{last:04}]{suffix}",
                    first_frame=first,
                    last_frame=last,
                    frames=last - first + 1,
                    missing="",
                    zero_byte="",
                    outliers="",
                    size=sum(row.size for row in rows),
                    presence=state[0],
                    integrity=state[1],
                    first_file_id=rows[0].id,
                )
            )
        return rows

    def read(self, row: FileRow, facts: str | None = None, **digests: str) -> FileRow:
        """Give a file a content with digests, and media facts."""
        with self.database.write() as connection:
            version = self.ids.take(connection, "version")
            contents.add_versions(
                connection,
                [(version, row.id, row.size, row.mtime_ns, row.inode, 1, 2, 3, 4, "read", None)],
                [(version, algorithm, value) for algorithm, value in digests.items()],
            )
            if facts is not None:
                media = {"version_id": version, "status": "ok", "facts": facts, "answer": b"z", "tool": "MediaInfo"}
                contents.set_media(connection, [{**media, "tool_version": "26", "probed_us": 5, "reason": None}])
            after = replace(row, version_id=version)
            files.change(connection, [(row, after)])
        return after

    def settle_listings(self) -> None:
        """As after a scan and a draughtsman: every listing is as cataloged, no series is stale."""
        with self.database.write() as connection:
            connection.execute(update(t.folder).values(fingerprint="as cataloged"))
            connection.execute(update(t.series).values(stale=0))

    def open_folders(self) -> set[int]:
        """Folders that have to be compared file by file."""
        with self.database.read() as connection:
            return set(connection.execute(select(t.folder.c.id).where(t.folder.c.fingerprint.is_(None))).scalars())

    def stale_series(self) -> set[int]:
        """Series that have to be drawn up anew."""
        with self.database.read() as connection:
            return set(connection.execute(select(t.series.c.id).where(t.series.c.stale == 1)).scalars())


@pytest.fixture
def shelf(database: Database) -> Shelf:
    """An empty catalog to be filled by hand, on each database."""
    return Shelf(database)


@pytest.fixture
def shelf_of() -> type[Shelf]:
    """How a test makes a shelf of a catalog that it opens itself."""
    return Shelf
