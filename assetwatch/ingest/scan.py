"""What is on the volume, all of it? The scan is the truth; it runs in steps, so that the loop can do other work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator

from sqlalchemy import select

from assetwatch.catalog import files
from assetwatch.catalog import tables as t
from assetwatch.catalog.engine import Database
from assetwatch.catalog.rows import FILES, file_rows
from assetwatch.ingest.intake import Fresh, Intake
from assetwatch.ingest.listing import GONE, Listing, fingerprint_folder, is_folder_gone, list_folder
from assetwatch.model import Presence
from assetwatch.paths import join, to_os

#: Folders asked of the catalog at once, and entries after which a step ends.
_FOLDERS_A_STEP = 256
_ENTRIES_A_STEP = 2_000


class VolumeLost(Exception):
    """The root cannot be listed: nothing that this scan did not see may be concluded from. Caught by the daemon."""


class Scan:
    """One pass over a volume, or over one folder of it and all below.

    What is mounted below the root is not the volume's. `why` says what asked for the scan. Counts: `folders`, `files`
    (looked at one by one), `differed`; `unreadable` folders with the reason; `ignored` names by rule.
    """

    def __init__(self, intake: Intake, why: str, start: str = "") -> None:
        self.intake = intake
        self.why = why
        self.start = start
        self.begun = False
        self.folders = 0
        self.files = 0
        self.differed = 0
        self.ignored: Counter[str] = Counter()
        self.unreadable: dict[str, str] = {}
        self.foreign: list[str] = []
        self._waiting = [start]
        self._visited: set[int] = set()

    @property
    def whole(self) -> bool:
        """Whether the scan covers the whole volume."""
        return not self.start

    @property
    def walked(self) -> bool:
        """Whether every folder has been looked into; `conclude` comes next."""
        return not self._waiting

    def step(
        self,
        database: Database,
        now_us: int,
        fresh: list[Fresh] | None = None,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        """Look into some more folders and enter what differs. `fresh` as in `Intake.take_listings`.

        It ends sooner when `enough` says so, after one folder at the least. Raises VolumeLost when the root cannot be
        listed.
        """
        batch = self._waiting[-_FOLDERS_A_STEP:][::-1]
        with database.read() as connection:
            known = files.folders(connection, self.intake.volume_id, batch)
        listings: dict[str, Listing] = {}
        entries = 0
        done = 0
        below: list[list[str]] = []
        for path in batch:
            if done and enough():
                break
            done += 1
            try:
                row = known.get(path)
                if row is not None and row.fingerprint is not None:
                    fingerprint, sub_folders, foreign = fingerprint_folder(
                        self.intake.root, path, self.intake.ignore, self.intake.device
                    )
                    if fingerprint == row.fingerprint:
                        self._visited.add(row.id)
                        self.folders += 1
                        if row.ignored:
                            self.ignored.update(json.loads(row.ignored))
                        self.foreign += [join(path, name) for name in foreign]
                        below.append([join(path, name) for name in sub_folders])
                        continue
                listing = list_folder(self.intake.root, path, self.intake.ignore, self.intake.device)
            except OSError as error:
                self._failed(path, error)
                continue
            self.folders += 1
            self.files += len(listing.entries)
            self.ignored.update(listing.ignored)
            self.foreign += [join(path, name) for name in listing.foreign]
            below.append([join(path, name) for name in listing.folders])
            listings[path] = listing
            if row is not None:
                self._visited.add(row.id)
            entries += len(listing.entries)
            if entries >= _ENTRIES_A_STEP:
                break
        del self._waiting[len(self._waiting) - done :]
        for names in reversed(below):
            self._waiting.extend(reversed(names))
        if listings:
            with database.write() as connection:
                self.differed += self.intake.take_listings(connection, listings, known, now_us, fresh)

    def conclude(self, database: Database, now_us: int) -> int:
        """Note the files whose folders are gone. To be called once `walked`, on a volume that is online then.

        Gives how many files are newly absent.
        """
        absent = 0
        for some in self._folders_gone(database):
            with database.write() as connection:
                query = FILES.where(
                    t.file.c.folder_id.in_(some),
                    t.file.c.absent_us.is_(None),
                    t.file.c.presence != Presence.MISSING.value,
                )
                rows = file_rows(connection, query)
                self.intake.folders_gone(connection, rows, now_us)
                absent += len(rows)
        return absent

    def _folders_gone(self, database: Database) -> Iterator[list[int]]:
        """Ids of cataloged folders that the walk did not come by and that are really not there, some at a time."""
        query = select(t.folder.c.id, t.folder.c.path).where(t.folder.c.volume_id == self.intake.volume_id)
        if self.start:
            query = query.where(
                (t.folder.c.path == self.start) | t.folder.c.path.startswith(self.start + "/", autoescape=True)
            )
        with database.read() as connection:
            unseen = [(identity, path) for identity, path in connection.execute(query) if identity not in self._visited]
        unread = tuple(to_os(path) for path in self.unreadable)
        gone: list[int] = []
        for identity, path in sorted(unseen, key=lambda one: one[1]):
            if any(f"{to_os(path)}/".startswith(folder + "/") for folder in unread):
                continue
            if not is_folder_gone(self.intake.root, path):
                continue  # made since the walk came by, or another file system's now
            gone.append(identity)
            if len(gone) == _FOLDERS_A_STEP:
                yield gone
                gone = []
        if gone:
            yield gone

    def _failed(self, path: str, error: OSError) -> None:
        if not path:
            raise VolumeLost(f"the root cannot be listed: {error.strerror}") from error
        if error.errno not in GONE:
            self.unreadable[path] = error.strerror or str(error)
