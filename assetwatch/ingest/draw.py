"""Which files are the frames of one sequence, and which frames are worth a probe? Sequences are drawn up from rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Rows
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from assetwatch.catalog import contents, files
from assetwatch.catalog import tables as t
from assetwatch.catalog.files import Ids
from assetwatch.clock import Clock
from assetwatch.media.sequences import Sequence, format_ranges, frame_of, group, which_to_probe
from assetwatch.model import Integrity, Presence
from assetwatch.paths import join

#: Worst first: a sequence is as good as its worst frame.
_INTEGRITY = (Integrity.MISMATCH, Integrity.UNREADABLE, Integrity.PENDING, Integrity.RECORDED, Integrity.VERIFIED)

#: A series is drawn again after this many times the time that its last drawing took: a sequence of 100,000 frames
#: that arrives frame by frame must not keep the loop from everything else.
_REST_FACTOR = 20.0


class _Frame(NamedTuple):
    id: int
    name: str
    size: int
    presence: str
    integrity: str
    version_id: int | None
    due_for: str | None
    sequence_id: int | None


class Draughtsman:
    """Draws the sequences of stale series. One for a loop; remembers only how long each drawing took."""

    def __init__(self, ids: Ids, clock: Clock) -> None:
        self._ids = ids
        self._clock = clock
        self._rest_until: dict[int, float] = {}

    def draw(self, connection: Connection, volume_ids: Rows[int], now_us: int, limit: int = 200) -> int:
        """Draw up to `limit` stale series anew and order the probes of their ends; how many were drawn."""
        query = (
            select(t.series.c.id, t.series.c.folder_id, t.series.c.prefix, t.series.c.suffix, t.series.c.volume_id)
            .where(t.series.c.stale == 1, t.series.c.volume_id.in_(list(volume_ids)))
            .order_by(t.series.c.id)
            .limit(limit + len(self._rest_until))
        )
        started = self._clock.monotonic()
        self._rest_until = {series: until for series, until in self._rest_until.items() if until > started}
        drawn = 0
        for series_id, folder_id, prefix, suffix, volume_id in connection.execute(query).all():
            if series_id in self._rest_until:
                continue
            began = self._clock.monotonic()
            self._draw(connection, series_id, volume_id, folder_id, prefix, suffix, now_us)
            ended = self._clock.monotonic()
            if ended - began > 0.01:
                self._rest_until[series_id] = ended + _REST_FACTOR * (ended - began)
            drawn += 1
            if drawn >= limit or ended - started > 1.0:
                break
        return drawn

    def next_wake(self) -> float | None:
        """When (monotonic seconds) a series that rests may be drawn again."""
        return min(self._rest_until.values(), default=None)

    def _draw(
        self,
        connection: Connection,
        series_id: int,
        volume_id: int,
        folder_id: int,
        prefix: str,
        suffix: str,
        now_us: int,
    ) -> None:
        query = select(
            t.file.c.id,
            t.file.c.name,
            t.file.c.size,
            t.file.c.presence,
            t.file.c.integrity,
            t.file.c.version_id,
            t.file.c.due_for,
            t.file.c.sequence_id,
        ).where(t.file.c.series_id == series_id)
        frames: dict[tuple[int, int], _Frame] = {}
        strays: list[_Frame] = []
        for found in connection.execute(query):
            frame = _Frame(*found)
            number = frame_of(frame.name)
            if frame.presence == Presence.MISSING.value or number is None:
                strays.append(frame)
            else:
                frames[(number.frame, number.width)] = frame
        sequences = group(prefix, suffix, [(number, width, frame.size) for (number, width), frame in frames.items()])
        folder = files.paths_of_folders(connection, [folder_id])[folder_id]
        before = set(connection.execute(select(t.sequence.c.id).where(t.sequence.c.series_id == series_id)).scalars())
        belongs: list[tuple[_Frame, int | None]] = [(frame, None) for frame in strays]
        loose = dict(frames)
        probes: list[_Frame] = []
        kept: set[int] = set()
        for sequence in sequences:
            members = [frames[(row[0], row[1])] for row in sequence.members]
            for row in sequence.members:
                del loose[(row[0], row[1])]
            identity = self._identity(connection, members, before - kept)
            kept.add(identity)
            values = _values(sequence, members, folder)
            if identity in before:
                connection.execute(update(t.sequence).where(t.sequence.c.id == identity).values(**values))
            else:
                connection.execute(
                    insert(t.sequence).values(
                        id=identity, series_id=series_id, volume_id=volume_id, folder_id=folder_id, **values
                    )
                )
            belongs += [(member, identity) for member in members]
            wanted = set(which_to_probe(sequence))
            probes += [frames[(row[0], row[1])] for row in sequence.members if row[0] in wanted]
        belongs += [(frame, None) for frame in loose.values()]
        probes += loose.values()
        changed = [{"the_id": frame.id, "now_in": now} for frame, now in belongs if frame.sequence_id != now]
        if changed:
            connection.execute(
                update(t.file).where(t.file.c.id == bindparam("the_id")).values(sequence_id=bindparam("now_in")),
                changed,
            )
        if before - kept:
            connection.execute(delete(t.sequence).where(t.sequence.c.id.in_(sorted(before - kept))))
        if not any(frame.integrity == Integrity.PENDING.value for frame in frames.values()):
            self._order_probes(connection, probes, now_us)
        connection.execute(update(t.series).where(t.series.c.id == series_id).values(stale=0))
        files.doubt_deliverables(connection, [folder_id])

    def _identity(self, connection: Connection, members: Rows[_Frame], free: set[int]) -> int:
        """The id that most of these frames already go by, or a new one: a sequence that grows stays the same one."""
        votes = Counter(frame.sequence_id for frame in members if frame.sequence_id in free)
        return votes.most_common(1)[0][0] if votes else self._ids.take(connection, "sequence")

    def _order_probes(self, connection: Connection, frames: Rows[_Frame], now_us: int) -> None:
        """Have these frames probed, unless that was done for their present content."""
        able = [f for f in frames if f.version_id is not None and f.due_for is None and f.size > 0]
        done = contents.has_media(connection, [f.version_id for f in able if f.version_id is not None])
        rows = [{"the_id": f.id} for f in able if f.version_id not in done]
        if rows:
            connection.execute(
                update(t.file).where(t.file.c.id == bindparam("the_id")).values(due_for="probe", due_us=now_us), rows
            )


def _values(sequence: Sequence, members: Rows[_Frame], folder: str) -> dict[str, Any]:
    """The columns of a sequence's row that say what it looks like."""
    arriving = any(frame.presence == Presence.ARRIVING.value for frame in members)
    integrities = {frame.integrity for frame in members}
    return {
        "name": join(folder, sequence.name),
        "first_frame": sequence.first,
        "last_frame": sequence.last,
        "frames": sequence.count,
        "missing": sequence.missing_text,
        "zero_byte": format_ranges(sequence.zero_byte),
        "outliers": format_ranges(sequence.size_outliers),
        "size": sequence.size,
        "presence": (Presence.ARRIVING if arriving else Presence.PRESENT).value,
        "integrity": next(one.value for one in _INTEGRITY if one.value in integrities),
        "first_file_id": members[0].id,
    }
