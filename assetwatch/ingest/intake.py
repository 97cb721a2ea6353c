"""How does what was seen on disk get into the catalog: arrivals, changes, moves, absences? One Intake a volume."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from assetwatch.catalog import contents, files, moves, packages
from assetwatch.catalog.files import FolderRow, Ids
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.pool import SMALL_BYTES
from assetwatch.ingest import settle
from assetwatch.ingest.awaited import Awaited, formats
from assetwatch.ingest.ignore import Ignore
from assetwatch.ingest.listing import Listing, Seen, is_gone, look_at, target_of
from assetwatch.ingest.settle import Rules
from assetwatch.media.sequences import frame_of, series_key
from assetwatch.model import FileKind, Integrity, Presence
from assetwatch.paths import join, split

#: A copy that is older than this when the original goes is a copy, and the original is missing (microseconds).
_MOVED_WITHIN_US = 86_400_000_000


class Fresh(NamedTuple):
    """A file that is to be read before the catalog knows it: its row to be, and the folder that it is in."""

    row: FileRow
    folder: str


class Intake:
    """Enters what looks at one volume showed. Every method works inside the caller's transaction.

    `root` is the volume's directory as `os` functions take it, `device` its `st_dev`; `confirm_us` is how long after
    a first look that did not find a file a second one may conclude (microseconds).
    """

    def __init__(self, volume_id: int, root: str, device: int, ignore: Ignore, rules: Rules, ids: Ids) -> None:
        self.volume_id = volume_id
        self.device = device
        self.root = root
        self.ignore = ignore
        self.rules = rules
        self.confirm_us = max(rules.settle_us, 1_000_000)
        self._ids = ids
        self._awaited = Awaited(volume_id, root)

    # -- listings ---------------------------------------------------------------------------------------------

    def take_listings(
        self,
        connection: Connection,
        listings: Mapping[str, Listing],
        known: Mapping[str, FolderRow],
        now_us: int,
        fresh: list[Fresh] | None = None,
    ) -> int:
        """Enter whole folders: path -> listing, with the rows of those that the catalog knows.

        With `fresh`, new small files at rest are put there instead of in the catalog: they are read within the second,
        and entered once, with what was read. Until then nothing is known of them, which the next scan would mend.

        Gives how many names were new or different.
        """
        ids = {path: row.id for path, row in known.items() if path in listings}
        ids.update(files.add_folders(connection, self._ids, self.volume_id, [p for p in listings if p not in ids]))
        cataloged = files.in_folders(connection, [ids[path] for path in listings if path in known])
        new: list[tuple[int, str, Seen]] = []
        changes: list[tuple[FileRow, FileRow]] = []
        settled: dict[int, tuple[str | None, str | None]] = {}
        for path, listing in listings.items():
            folder_id = ids[path]
            before = cataloged.get(folder_id, {})
            unknown = (seen for seen in listing.entries if seen.name not in before)
            self._awaited.see(path, unknown, listing.folders, now_us, self.rules)
            open_here = False
            names = set()
            for seen in listing.entries:
                names.add(seen.name)
                row = before.get(seen.name)
                if row is None:
                    new.append((folder_id, path, seen))
                    open_here = True
                    continue
                after = settle.look(row, seen, now_us, self.rules)
                if after is not row:
                    changes.append((row, after))
                    open_here = True
                elif row.due_us is not None:
                    open_here = True
            for name, row in before.items():
                if name not in names:
                    after = settle.absent(row, now_us, self.confirm_us)
                    if after is not row:
                        changes.append((row, after))
                        open_here = True
            ignored = json.dumps(dict(sorted(listing.ignored.items()))) if listing.ignored else None
            settled[folder_id] = (None if open_here else listing.fingerprint, ignored)
        self._awaited.sift(connection, now_us)
        self._write(connection, new, changes, now_us, fresh)
        files.set_listings(connection, settled)
        return len(new) + len(changes)

    # -- single paths -----------------------------------------------------------------------------------------

    def take_paths(
        self, connection: Connection, paths: Iterable[str], now_us: int, closed: Container[str] = ()
    ) -> list[OSError]:
        """Look at single paths (catalog text) and enter what is there, or that nothing is.

        Of those in `closed` a writer's close was the last thing heard. Gives why paths could not be looked at; nothing
        is concluded of those.
        """
        by_folder: dict[str, dict[str, Seen | None]] = defaultdict(dict)
        errors: list[OSError] = []
        for path in paths:
            folder, name = split(path)
            try:
                by_folder[folder][name] = look_at(self.root, path)
            except OSError as error:
                errors.append(error)
        known_folders = files.folders(connection, self.volume_id, by_folder)
        new: list[tuple[int, str, Seen]] = []
        changes: list[tuple[FileRow, FileRow]] = []
        for folder, looks in by_folder.items():
            folder_row = known_folders.get(folder)
            before = files.named(connection, folder_row.id, list(looks)) if folder_row else {}
            folder_id = folder_row.id if folder_row else None
            for name, seen in looks.items():
                row = before.get(name)
                if seen is None:
                    if row is not None:
                        after = settle.absent(row, now_us, self.confirm_us)
                        if after is not row:
                            changes.append((row, after))
                elif row is not None:
                    written = join(folder, name) in closed
                    after = settle.look(row, seen, now_us, self.rules, closed=written)
                    if after is not row:
                        changes.append((row, after))
                else:
                    if folder_id is None:
                        folder_id = files.add_folders(connection, self._ids, self.volume_id, [folder])[folder]
                    new.append((folder_id, folder, seen))
                    self._awaited.see(folder, [seen], (), now_us, self.rules)
        self._write(connection, new, changes, now_us)
        return errors

    def folders_gone(self, connection: Connection, rows: Sequence[FileRow], now_us: int) -> None:
        """Note that files are absent because the folders that held them are."""
        changes = [(row, settle.absent(row, now_us, self.confirm_us)) for row in rows]
        files.change(connection, changes)

    # -- due rows ---------------------------------------------------------------------------------------------

    def look_again(
        self,
        connection: Connection,
        rows: Sequence[FileRow],
        now_us: int,
        may_be_open: Callable[[str, FileRow, int], bool],
    ) -> list[OSError]:
        """Look at files that are due to have settled. `may_be_open(path, row, now_us)` says that a writer was heard.

        Gives why files could not be looked at; nothing is concluded of those, they are looked at again later.
        """
        folders = files.paths_of_folders(connection, {row.folder_id for row in rows})
        changes: list[tuple[FileRow, FileRow]] = []
        errors: list[OSError] = []
        for row in rows:
            path = join(folders[row.folder_id], row.name)
            try:
                seen = look_at(self.root, path)
            except OSError as error:
                errors.append(error)
                changes.append((row, settle.later(row, now_us)))
                continue
            if seen is None:
                after = settle.absent(row, now_us, self.confirm_us)
            else:
                after = settle.look(row, seen, now_us, self.rules)
                # A hard link, too, is created and never closed.
                if after.due_for == "read" and seen.links == 1 and may_be_open(path, row, now_us):
                    after = settle.again(after, now_us, self.rules)
            changes.append((row, after))
        self._awaited.sift(connection, now_us)
        changes = [(row, self._waits(after, folders[row.folder_id])) for row, after in changes]
        self._write(connection, [], changes, now_us)
        return errors

    def absences(
        self, connection: Connection, rows: Sequence[FileRow], now_us: int
    ) -> tuple[list[tuple[FileRow, FileRow]], list[FileRow]]:
        """Look a second time at files that were absent: those found again are entered at once; the rest is given back.

        Gives (before, after) of files to be called missing, and files that never had a content and simply go. Of what
        cannot be looked at nothing is concluded: it is looked at again later.
        """
        folders = files.paths_of_folders(connection, {row.folder_id for row in rows})
        found: list[tuple[FileRow, FileRow]] = []
        gone: list[tuple[FileRow, FileRow]] = []
        dropped: list[FileRow] = []
        for row in rows:
            try:
                seen = look_at(self.root, join(folders[row.folder_id], row.name))
            except OSError:
                found.append((row, settle.later(row, now_us)))
                continue
            if seen is not None:
                found.append((row, settle.look(row, seen, now_us, self.rules)))
            elif row.version_id is None:
                dropped.append(row)
            else:
                gone.append((row, settle.vanished(row)))
        self._write(connection, [], found, now_us)
        return gone, dropped

    def conclude_missing(
        self,
        connection: Connection,
        gone: Sequence[tuple[FileRow, FileRow]],
        dropped: Sequence[FileRow],
        now_us: int,
    ) -> None:
        """Call files missing; take back those that came and went before they had settled.

        One whose content came to another place within the last day, under the same name, was moved there.
        """
        gone = self._without_moved(connection, gone, now_us)
        files.change(connection, gone)
        folders = files.paths_of_folders(connection, {row.folder_id for row in dropped})
        observations = [self._note(now_us, "missing", after) for _, after in gone]
        observations += [
            {
                "at_us": now_us,
                "what": "came_and_went",
                "volume_id": self.volume_id,
                "detail": {"path": join(folders[row.folder_id], row.name), "size": row.size},
            }
            for row in dropped
        ]
        files.observe(connection, observations)
        files.remove(connection, dropped)

    def _without_moved(
        self, connection: Connection, gone: Sequence[tuple[FileRow, FileRow]], now_us: int
    ) -> list[tuple[FileRow, FileRow]]:
        """Those that are nowhere else; the history of the others is given to the file that came."""
        versions = {old.version_id: old for old, _ in gone if old.version_id is not None}
        digests = contents.digests_of(connection, versions)
        by_content: dict[tuple[str, int], list[FileRow]] = defaultdict(list)
        for version_id, by in digests.items():
            by_content[next(iter(by.values())), versions[version_id].size].append(versions[version_id])
        came = moves.came_with(connection, by_content, now_us - _MOVED_WITHIN_US)
        pairs = moves.pair(
            by_content, [(content, row) for content, rows in came.items() for row in rows], renamed=False
        )
        moves.carry(connection, pairs, now_us)
        moved = {old.id for old, _ in pairs}
        return [(before, after) for before, after in gone if before.id not in moved]

    # -- inside -----------------------------------------------------------------------------------------------

    def _write(
        self,
        connection: Connection,
        new: Sequence[tuple[int, str, Seen]],
        changes: Sequence[tuple[FileRow, FileRow]],
        now_us: int,
        fresh: list[Fresh] | None = None,
    ) -> None:
        """Enter new names and changed rows, with moves recognized and what was noticed."""
        changes = [(before, self._as_its_kind(connection, before, after)) for before, after in changes]
        observations = [note for before, after in changes if (note := self._noticed(before, after, now_us))]
        moved: list[tuple[FileRow, FileRow]] = []
        rows: list[FileRow] = []
        at_once: set[int] = set()
        sources = self._sources(connection, new)
        for folder_id, path, seen in new:
            source = sources.pop(seen.inode, None)
            if (
                source is None
                or not source[0].has_stat(seen.size, seen.mtime_ns, seen.inode, trust_inode=True)
                or settle.made_since_gone(source[0], seen)
            ):
                row = self._new_row(connection, folder_id, path, seen, now_us)
                rows.append(row)
                if (
                    row.due_for == "read"
                    and (row.due_us or 0) <= now_us
                    and seen.size <= SMALL_BYTES
                    and seen.links == 1
                ):
                    at_once.add(row.id)
                continue
            old, old_path = source
            moved.append((old, self._moved_row(old, folder_id, seen, now_us)))
            note = self._note(now_us, "moved", old)
            observations.append({**note, "detail": {"from": old_path, "to": join(path, seen.name)}})
        went = {old.id for old, _ in moved}
        files.change(connection, [(before, after) for before, after in changes if before.id not in went])
        placed = self._in_series(connection, [after for _, after in moved])
        files.change(connection, zip([old for old, _ in moved], placed, strict=True))
        self._lists_moved(connection, {(folder_id, path) for folder_id, path, _ in new}, placed, now_us)
        rows = self._in_series(connection, rows)
        if fresh is not None and at_once:
            paths = {folder_id: path for folder_id, path, _ in new}
            fresh += [Fresh(row, paths[row.folder_id]) for row in rows if row.id in at_once]
            rows = [row for row in rows if row.id not in at_once]
        files.add(connection, rows)
        files.observe(connection, observations)

    def _new_row(self, connection: Connection, folder_id: int, path: str, seen: Seen, now_us: int) -> FileRow:
        identity = self._ids.take(connection, "file")
        row = settle.first_look(identity, self.volume_id, folder_id, seen, now_us, self.rules)
        if row.due_us is not None and row.due_us <= now_us:
            row = self._waits(replace(row, due_for="read"), path)
        if seen.kind is FileKind.SYMLINK:
            row = replace(row, target=target_of(self.root, join(path, seen.name)))
        return row

    def _waits(self, row: FileRow, folder: str) -> FileRow:
        """The row of a file that is to be read for the first time; later, where it waits for a list to be judged."""
        if row.due_for != "read" or row.version_id is not None:
            return row
        until_us = self._awaited.until_us(folder)
        if until_us is None or formats().promising(join(folder, row.name)):
            return row
        return replace(row, due_us=until_us)

    def _as_its_kind(self, connection: Connection, before: FileRow, after: FileRow) -> FileRow:
        """The changed row with what its kind asks for: a link's target, a frame's series."""
        if after.kind == FileKind.SYMLINK.value:
            folder = files.paths_of_folders(connection, [after.folder_id])[after.folder_id]
            return replace(after, target=target_of(self.root, join(folder, after.name)))
        return self._in_series(connection, [after])[0] if after.kind != before.kind else after

    def _moved_row(self, old: FileRow, folder_id: int, seen: Seen, now_us: int) -> FileRow:
        """The same file under its new name: a rename writes no byte, so nothing is read again."""
        if old.absent_us is not None:
            old = replace(old, ctime_ns=seen.ctime_ns)  # the rename moved it
        after = settle.look(old, seen, now_us, self.rules)
        return replace(after, folder_id=folder_id, name=seen.name, series_id=None, frame=None, sequence_id=None)

    def _sources(self, connection: Connection, new: Sequence[tuple[int, str, Seen]]) -> dict[int, tuple[FileRow, str]]:
        """Where new names may have been moved from: inode -> (row, its path), of rows whose own path is gone."""
        if not self.rules.trust_inode:
            return {}
        inodes = sorted({seen.inode for _, _, seen in new if seen.kind is FileKind.REGULAR})
        candidates = files.with_inodes(connection, self.volume_id, inodes)
        rows = [row for some in candidates.values() for row in some]
        folders = files.paths_of_folders(connection, {row.folder_id for row in rows})
        sources: dict[int, tuple[FileRow, str]] = {}
        for row in rows:
            path = join(folders[row.folder_id], row.name)
            if row.inode not in sources and is_gone(self.root, path):
                sources[row.inode] = (row, path)
        return sources

    def _lists_moved(
        self, connection: Connection, folders: set[tuple[int, str]], moved: Sequence[FileRow], now_us: int
    ) -> None:
        """A sender's list that was moved speaks for the folder that it lies in now. (It is not read again for that.)"""
        if not moved:
            return
        from assetwatch.checksum.manifests import formats  # slow to import, and moves are rare

        paths = dict(folders)
        roots = {
            packages.root_of_list(paths[row.folder_id])
            for row in moved
            if formats.promising(join(paths[row.folder_id], row.name))
        }
        packages.found(connection, self.volume_id, roots, now_us)

    def _in_series(self, connection: Connection, rows: Sequence[FileRow]) -> list[FileRow]:
        """The rows with those that are named like frames of an image sequence put into their series."""
        frames = [frame_of(row.name) if row.counted else None for row in rows]
        keys = {(row.folder_id, *series_key(frame)) for row, frame in zip(rows, frames, strict=True) if frame}
        if not keys:
            return list(rows)
        series = files.series_ids(connection, self._ids, self.volume_id, keys)
        return [
            row
            if frame is None
            else replace(row, series_id=series[(row.folder_id, *series_key(frame))], frame=frame.frame)
            for row, frame in zip(rows, frames, strict=True)
        ]

    def _noticed(self, before: FileRow, after: FileRow, now_us: int) -> dict[str, Any] | None:
        """What is worth keeping of a look, for the file's story; None for what goes without saying."""
        if before.presence == Presence.MISSING.value and after.presence != Presence.MISSING.value:
            return self._note(now_us, "back", after)
        if after.integrity == Integrity.PENDING.value and before.integrity != Integrity.PENDING.value:
            return {
                **self._note(now_us, "changed", before),
                "detail": {"size": [before.size, after.size], "mtime_ns": [before.mtime_ns, after.mtime_ns]},
            }
        return None

    def _note(self, now_us: int, what: str, row: FileRow) -> dict[str, Any]:
        return {
            "at_us": now_us,
            "what": what,
            "volume_id": self.volume_id,
            "file_id": row.id,
            "version_id": row.version_id,
        }
