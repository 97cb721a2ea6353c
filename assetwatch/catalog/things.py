"""Which things lie below a folder that a deliverable may need: files that stand alone, sequences, whole folders?

A thing has one content, named by a number: a file's version id, and of a sequence or folder a number below 0 made from
the version ids of all its files, so that new bytes in any of them make it another content.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, or_, select

from assetwatch.catalog import contents
from assetwatch.catalog import tables as t
from assetwatch.catalog.checks import CHANGED_SILENTLY
from assetwatch.catalog.files import slices
from assetwatch.catalog.patterns import below
from assetwatch.catalog.queries import media_of
from assetwatch.media.answer import Track, tracks
from assetwatch.model import FileKind, Integrity, Presence, written_to
from assetwatch.paths import join, split

#: Worst first: a thing is as good as its worst file.
_WORST = (Integrity.MISMATCH, Integrity.UNREADABLE, Integrity.PENDING, Integrity.RECORDED, Integrity.VERIFIED)


class Thing(msgspec.Struct, frozen=True):
    """A file, a sequence or a folder. `path` is below the volume (of a sequence its name), `first` its first file's.

    `proved`: all its files equal their sender's digests; `read_again`: all were read again and found equal. `wrong_us`
    is when it was last found wrong, as far as that is known. `incomplete` says what is not there yet.
    """

    asset: str
    volume_id: int
    path: str
    first: str
    content: int
    size: int
    presence: str
    integrity: str
    arrived_us: int
    wrong_us: int | None
    proved: bool
    read_again: bool
    incomplete: str | None
    versions: tuple[int, ...]
    frames: tuple[int, int] | None = None
    #: of a sequence, frames that are far from the others in size: `1004,1007-1009`
    outliers: str = ""
    #: of a sequence, frames that are not there or empty
    missing: str = ""
    #: gone, and a person said that this is known: it was here, and counts as that
    archived: bool = False
    #: something of it equalled its sender's digest once, and does not any more
    spoiled: bool = False
    #: when the last of it was first seen, and when the last of it was changed on its disk
    seen_us: int = 0
    changed_us: int = 0


_COLUMNS = (
    t.file.c.id,
    t.file.c.volume_id,
    t.folder.c.path,
    t.file.c.name,
    t.file.c.version_id,
    t.file.c.size,
    t.file.c.presence,
    t.file.c.integrity,
    t.file.c.verified_us,
    t.file.c.checked_us,
    t.file.c.recorded_us,
    t.version.c.settled_us,
    t.version.c.recorded_us,
    t.file.c.sequence_id,
    t.file.c.frame,
    t.file.c.known_us,
    t.file.c.problem,
    t.version.c.seen_us,
    t.file.c.ctime_ns,
)
_FROM = t.folder.join(t.file, t.file.c.folder_id == t.folder.c.id).outerjoin(
    t.version, t.version.c.id == t.file.c.version_id
)


class _One(msgspec.Struct, frozen=True):
    """What is needed of one file, in the order of `_COLUMNS`."""

    id: int
    volume_id: int
    folder: str
    name: str
    version_id: int | None
    size: int
    presence: str
    integrity: str
    verified_us: int | None
    checked_us: int | None
    recorded_us: int | None
    settled_us: int | None
    version_us: int | None
    sequence_id: int | None
    frame: int | None
    known_us: int | None
    problem: str | None
    seen_us: int | None
    ctime_ns: int

    @property
    def spoiled(self) -> bool:
        """Whether it was right once, and somebody wrote to it or it rotted since."""
        return self.integrity == Integrity.MISMATCH.value and is_spoiled(self.problem)

    @property
    def archived(self) -> bool:
        """Whether it is gone, and a person said that this is known."""
        return self.presence == Presence.MISSING.value and self.known_us is not None


def is_spoiled(problem: str | None) -> bool:
    """Whether this problem of a file is that it was right once, and is not any more: its sender has nothing to mend."""
    return written_to(problem) is not None or (problem or "").startswith(CHANGED_SILENTLY)


def below_folder(connection: Connection, root: str) -> list[Thing]:
    """Files that stand alone and sequences below a folder of any volume, those that were once read."""
    found: list[Thing] = []
    frames: dict[int, list[_One]] = defaultdict(list)
    for one in _files(connection, root):
        if one.sequence_id is not None:
            frames[one.sequence_id].append(one)
        elif one.version_id is not None:
            found.append(_thing(f"f{one.id}", join(one.folder, one.name), [one]))
    return found + _sequences(connection, frames)


def folders_below(connection: Connection, root: str) -> Iterator[tuple[int, int, str]]:
    """(folder id, volume id, path) of the folders below one, itself included; those that only hold folders too."""
    rows = connection.execute(select(t.folder.c.id, t.folder.c.volume_id, t.folder.c.path).where(or_(*below(root))))
    yield from ((identity, volume, path) for identity, volume, path in rows if path)


def whole_folder(connection: Connection, volume_id: int, path: str) -> Thing | None:
    """All files below one folder as one thing; None where none of them was ever read."""
    rows = [one for one in _files(connection, path) if one.volume_id == volume_id]
    there = [one for one in rows if one.version_id is not None and one.presence != Presence.MISSING.value]
    if not there:
        there = [one for one in rows if one.version_id is not None]
    if not there:
        return None
    arriving = sum(one.presence == Presence.ARRIVING.value or one.version_id is None for one in rows)
    lacking = f"{_count(arriving, 'file')} still arriving" if arriving else _promised(connection, volume_id, path)
    lists = _lists(connection, volume_id, path)
    sent = [one for one in there if join(one.folder, one.name) not in lists]
    return _thing(f"d{volume_id}:{path}", path, there, incomplete=lacking, proofs_of=sent or there)


def _lists(connection: Connection, volume_id: int, path: str) -> set[str]:
    """The senders' lists in a folder and below it: nobody proves these themselves."""
    rows = connection.execute(select(t.package.c.lists).where(*_packages_in(volume_id, path))).scalars()
    return {listed for text in rows for listed, _ in json.loads(text)}


def _packages_in(volume_id: int, path: str) -> list[Any]:
    below_it = t.package.c.path.startswith(path + "/", autoescape=True)
    return [t.package.c.volume_id == volume_id, or_(t.package.c.path == path, below_it)]


def wrong_files(connection: Connection, thing: Thing, limit: int) -> list[tuple[str, str]]:
    """(path, state) of the files of a folder or sequence that are wrong or, by its sender's lists, not here.

    The state is an integrity, `spoiled` for a mismatch that is not its sender's doing, or `missing`.
    """
    wrong = [
        (join(one.folder, one.name), "spoiled" if one.spoiled else one.integrity)
        for some in slices(sorted(set(thing.versions)))
        for one in _select(connection, t.file.c.version_id, some)
        if one.integrity in _BAD
    ]
    if thing.asset[0] == "d":
        missing = connection.execute(
            select(t.claim.c.path)
            .select_from(t.claim.join(t.package, t.package.c.id == t.claim.c.package_id))
            .where(*_packages_in(thing.volume_id, thing.path), t.claim.c.verdict.in_(("missing", "waiting")))
            .order_by(t.claim.c.path)
            .limit(limit)
        ).scalars()
        wrong += [(path, "missing") for path in missing]
    return sorted(wrong)[:limit]


def by_asset(connection: Connection, assets: Iterable[str]) -> dict[str, Thing]:
    """Things by their assets, as far as they still exist."""
    wanted = set(assets)
    found: dict[str, Thing] = {}
    for some in slices([int(asset[1:]) for asset in wanted if asset[0] == "f"]):
        for one in _select(connection, t.file.c.id, some):
            if one.version_id is not None:
                found[f"f{one.id}"] = _thing(f"f{one.id}", join(one.folder, one.name), [one])
    for some in slices([int(asset[1:]) for asset in wanted if asset[0] == "s"]):
        frames: dict[int, list[_One]] = defaultdict(list)
        for one in _select(connection, t.file.c.sequence_id, some):
            if one.sequence_id is not None:
                frames[one.sequence_id].append(one)
        found |= {thing.asset: thing for thing in _sequences(connection, frames)}
    for asset in wanted:
        if asset[0] == "d":
            volume, _, path = asset[1:].partition(":")
            thing = whole_folder(connection, int(volume), path)
            if thing is not None:
                found[asset] = thing
    return found


def asset_at(connection: Connection, volume_id: int, path: str) -> Thing | None:
    """The thing that a person means by a path: a file, the sequence of a frame, a sequence by its name, a folder."""
    folder, name = split(path)
    row = connection.execute(
        select(t.file.c.id, t.file.c.sequence_id)
        .select_from(_FROM)
        .where(t.folder.c.volume_id == volume_id, t.folder.c.path == folder, t.file.c.name == name)
    ).first()
    if row is not None:
        asset = f"f{row.id}" if row.sequence_id is None else f"s{row.sequence_id}"
        return by_asset(connection, [asset]).get(asset)
    sequence = connection.execute(
        select(t.sequence.c.id).where(t.sequence.c.volume_id == volume_id, t.sequence.c.name == path)
    ).scalar()
    if sequence is not None:
        return by_asset(connection, [f"s{sequence}"]).get(f"s{sequence}")
    return whole_folder(connection, volume_id, path) if path else None


def digest_of(connection: Connection, thing: Thing) -> str | None:
    """One digest over a thing's content, with its algorithm; None where one of its files has none."""
    return _digest(thing, contents.digests_of(connection, thing.versions))


def digests_of(connection: Connection, there: Sequence[Thing]) -> dict[str, str]:
    """Asset -> one digest over its content, of those that have one; asked for together."""
    found = contents.digests_of(connection, {version for thing in there for version in thing.versions})
    said = ((thing.asset, _digest(thing, found)) for thing in there)
    return {asset: digest for asset, digest in said if digest is not None}


def _digest(thing: Thing, known: Mapping[int, dict[str, str]]) -> str | None:
    digests = {version: known[version] for version in thing.versions if version in known}
    if len(digests) < len(set(thing.versions)):
        return None
    shared = set.intersection(*(set(one) for one in digests.values()))
    if not shared:
        return None
    algorithm = min(shared, key=lambda name: (name != "xxh128", name))
    if thing.content >= 0:
        return f"{algorithm}:{digests[thing.versions[0]][algorithm]}"
    together = hashlib.blake2b(digest_size=16)
    for version in thing.versions:
        together.update(digests[version][algorithm].encode() + b"\n")
    return f"{algorithm}-of-all:{together.hexdigest()}"


def facts_of(connection: Connection, versions: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Version id -> media facts, of those that were read."""
    found: dict[int, dict[str, Any]] = {}
    for some in slices(sorted(set(versions))):
        found |= media_of(connection, some)
    return found


def frames_text(ranges: str) -> str:
    """`frame 1003 is`, `frames 1003-1005,1010 are`: the beginning of what is to be said of them."""
    return f"frame {ranges} is" if ranges.lstrip("-").isdecimal() else f"frames {ranges} are"


def _count(number: int, what: str) -> str:
    return f"{number} {what} is" if number == 1 else f"{number} {what}s are"


def answers_of(connection: Connection, versions: Sequence[int]) -> dict[int, list[Track]]:
    """Version id -> the tracks of MediaInfo's own answer, of those that it gave one for."""
    found: dict[int, list[Track]] = {}
    for some in slices(sorted(set(versions))):
        rows = connection.execute(
            select(t.media.c.version_id, t.media.c.answer).where(
                t.media.c.version_id.in_(bindparam("ids", expanding=True)), t.media.c.answer.is_not(None)
            ),
            {"ids": some},
        )
        for version, packed in rows:
            text = zlib.decompress(packed).decode("utf-8", "replace")
            found[version] = tracks(json.loads(text))
    return found


def paths_of(connection: Connection, versions: Sequence[int]) -> dict[int, str]:
    """Version id -> the path of the file that has this content now."""
    return {
        one.version_id: join(one.folder, one.name)
        for some in slices(sorted(set(versions)))
        for one in _select(connection, t.file.c.version_id, some)
        if one.version_id is not None
    }


def _files(connection: Connection, root: str) -> Iterator[_One]:
    """Regular files below a folder of any volume, by folder and name."""
    query = (
        select(*_COLUMNS)
        .select_from(_FROM)
        .where(t.file.c.kind == FileKind.REGULAR.value, bindparam("volume") == t.folder.c.volume_id)
        .order_by(t.folder.c.path, t.file.c.name)
    )
    volumes = connection.execute(select(t.volume.c.id)).scalars().all()
    for volume in volumes:
        for part in below(root):
            for row in connection.execute(query.where(part), {"volume": volume}):
                yield _One(*tuple(row))


def _select(connection: Connection, column: Any, values: Sequence[int]) -> list[_One]:
    query = select(*_COLUMNS).select_from(_FROM).where(column.in_(bindparam("ids", expanding=True)))
    return [_One(*tuple(row)) for row in connection.execute(query, {"ids": list(values)})]


def _sequences(connection: Connection, frames: dict[int, list[_One]]) -> list[Thing]:
    found: list[Thing] = []
    for some in slices(sorted(frames)):
        rows = connection.execute(
            select(
                t.sequence.c.id,
                t.sequence.c.name,
                t.sequence.c.missing,
                t.sequence.c.zero_byte,
                t.sequence.c.first_frame,
                t.sequence.c.last_frame,
                t.sequence.c.outliers,
            ).where(t.sequence.c.id.in_(bindparam("ids", expanding=True))),
            {"ids": some},
        )
        for identity, name, missing, zero, first, last, outliers in rows:
            members = sorted(frames[identity], key=lambda one: (one.frame or 0, one.name))
            read = [one for one in members if one.version_id is not None]
            if not read:
                continue
            lacking = [f"{frames_text(missing)} missing"] if missing else []
            lacking += [f"{frames_text(zero)} empty"] if zero else []
            if len(read) < len(members):
                lacking.append(f"{_count(len(members) - len(read), 'frame')} still arriving")
            found.append(
                _thing(
                    f"s{identity}",
                    name,
                    read,
                    ", ".join(lacking) or None,
                    (first, last),
                    outliers=outliers,
                    missing=",".join(filter(None, (missing, zero))),
                )
            )
    return found


def _thing(
    asset: str,
    path: str,
    members: list[_One],
    incomplete: str | None = None,
    frames: tuple[int, int] | None = None,
    proofs_of: list[_One] | None = None,
    outliers: str = "",
    missing: str = "",
) -> Thing:
    first = members[0]
    versions = tuple(one.version_id for one in members if one.version_id is not None)
    presences = {Presence.PRESENT.value if one.archived else one.presence for one in members}
    states = {one.integrity for one in members}
    integrity = next((state.value for state in _WORST if state.value in states), Integrity.PENDING.value)
    if Presence.ARRIVING.value in presences:
        presence = Presence.ARRIVING.value
    elif presences == {Presence.MISSING.value}:
        presence = Presence.MISSING.value
    else:
        presence = Presence.PRESENT.value
        gone = sum(one.presence == Presence.MISSING.value and not one.archived for one in members)
        incomplete = incomplete or (f"{_count(gone, 'file')} gone" if gone else None)
    return Thing(
        asset=asset,
        volume_id=first.volume_id,
        path=path,
        first=join(first.folder, first.name),
        content=versions[0] if asset[0] == "f" else _number_of(versions),
        size=sum(one.size for one in members),
        presence=presence,
        integrity=integrity,
        arrived_us=max(one.settled_us or one.version_us or 0 for one in members),
        wrong_us=max(
            (one.checked_us or one.recorded_us or 0 for one in members if one.integrity in _BAD), default=None
        ),
        proved=all(one.integrity == Integrity.VERIFIED.value for one in proofs_of or members),
        read_again=all(one.checked_us is not None for one in members) and states.isdisjoint(_BAD),
        incomplete=incomplete,
        versions=versions,
        frames=frames,
        outliers=outliers,
        missing=missing,
        archived=all(one.archived for one in members),
        spoiled=all(one.spoiled for one in members if one.integrity in _BAD) and not states.isdisjoint(_BAD),
        seen_us=max(one.seen_us or 0 for one in members),
        changed_us=max(one.ctime_ns // 1000 for one in members),
    )


_BAD = frozenset({Integrity.MISMATCH.value, Integrity.UNREADABLE.value})


def _number_of(versions: Sequence[int]) -> int:
    """A number below 0 that stands for these versions in this order."""
    packed = b"".join(version.to_bytes(8, "big") for version in versions)
    return -1 - int.from_bytes(hashlib.blake2b(packed, digest_size=8).digest(), "big") // 4


def _promised(connection: Connection, volume_id: int, path: str) -> str | None:
    """What the senders' lists in a folder or below it still wait for."""
    rows = connection.execute(
        select(t.package.c.path, t.package.c.complete_us, t.package.c.listed).where(*_packages_in(volume_id, path))
    ).all()
    waiting = [package for package, complete, _ in rows if complete is None]
    if not waiting:
        return None
    lacking = connection.execute(
        select(func.count())
        .select_from(t.claim.join(t.package, t.package.c.id == t.claim.c.package_id))
        .where(
            t.package.c.volume_id == volume_id,
            t.package.c.path.in_(waiting),
            t.claim.c.verdict.in_(("missing", "waiting")),
        )
    ).scalar_one()
    return f"{_count(lacking, 'listed file')} not here" if lacking else None
