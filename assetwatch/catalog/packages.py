"""What do senders' lists say of the files, and how does it compare? Packages and their claims, written and asked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, func, or_, select, true, update

from assetwatch.catalog import contents, files
from assetwatch.catalog import tables as t
from assetwatch.catalog.files import insert_or_update, slices
from assetwatch.catalog.rows import FileRow
from assetwatch.model import Presence
from assetwatch.paths import comparable, join, split


class PackageRow(msgspec.Struct, frozen=True):
    """One row of `package`, in the order of its columns."""

    id: int
    volume_id: int
    path: str
    format: str | None
    lists: str
    found_us: int
    judged_us: int | None
    complete_us: int | None
    stale: int
    listed: int
    listed_size: int
    here_size: int
    counts: str
    extra: str
    findings: str
    problem: str | None
    known: str | None = None


class ClaimRow(msgspec.Struct, frozen=True, gc=False):
    """One row of `claim`, in the order of its columns."""

    package_id: int
    path: str
    key: str
    volume_id: int
    file_id: int | None
    version_id: int | None
    verdict: str
    wanted: str
    algorithm: str | None
    expected: str | None
    computed: str | None
    notes: str
    judged_us: int


def key_of(path: str) -> str:
    """The form under which a listed path and the disk's spelling of it compare equal."""
    return comparable(path).casefold().replace("\\", "/")


def found(connection: Connection, volume_id: int, paths: Iterable[str], now_us: int) -> None:
    """Note that lists lie in these folders of a volume, and have to be judged."""
    rows = [{"volume_id": volume_id, "path": path, "found_us": now_us} for path in sorted(set(paths))]
    if rows:
        statement = insert_or_update(connection, t.package)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["volume_id", "path"], set_={"stale": STALE}), rows
        )


def judged(connection: Connection, volume_id: int, paths: Sequence[str]) -> set[str]:
    """Which of these folders of a volume have lists that were judged."""
    query = select(t.package.c.path).where(
        t.package.c.volume_id == volume_id,
        t.package.c.judged_us.is_not(None),
        t.package.c.path.in_(bindparam("paths", expanding=True)),
    )
    return {path for some in slices(list(paths)) for path in connection.execute(query, {"paths": some}).scalars()}


def readings(connection: Connection, file_id: int, count: int) -> list[tuple[int, int, dict[str, str]]]:
    """The last contents read of a file, oldest first: when it was recorded, how long it took (us), its digests."""
    rows = connection.execute(
        select(t.version.c.id, t.version.c.recorded_us, t.version.c.read_us)
        .where(t.version.c.file_id == file_id)
        .order_by(t.version.c.id.desc())
        .limit(count)
    ).all()
    digests = contents.digests_of(connection, [row.id for row in rows])
    return [(row.recorded_us, row.read_us, dict(digests.get(row.id, {}))) for row in reversed(rows)]


#: What `stale` says of a package: judged by all that is known; something changed since; being judged. Whatever changes
#: while it is judged turns the last into the second.
JUDGED, STALE, TAKEN = 0, 1, 2


def take(connection: Connection, package_id: int) -> None:
    """Note that a package is being judged; should that not come to its end, `give_back` finds it."""
    set_values(connection, package_id, {"stale": TAKEN})


def release(connection: Connection, package_id: int) -> None:
    """Note that a package was judged; one in which something changed meanwhile stays stale."""
    connection.execute(
        update(t.package).where(t.package.c.id == package_id, t.package.c.stale == TAKEN).values(stale=JUDGED)
    )
    # A list that waits for everything changes no file, and yet says that something is not here.
    folder = select(t.folder.c.id).join(
        t.package, (t.package.c.volume_id == t.folder.c.volume_id) & (t.package.c.path == t.folder.c.path)
    )
    files.doubt_deliverables(connection, connection.execute(folder.where(t.package.c.id == package_id)).scalars())


def give_back(connection: Connection, volume_ids: Sequence[int]) -> None:
    """Packages of these volumes that were being judged when a program ended have to be judged again."""
    connection.execute(
        update(t.package)
        .where(t.package.c.volume_id.in_(list(volume_ids)), t.package.c.stale == TAKEN)
        .values(stale=STALE)
    )


def stale(connection: Connection, volume_ids: Sequence[int], limit: int | None = None) -> list[PackageRow]:
    """Packages that have to be judged, first those that never were: files wait for them; `limit` of them at most."""
    query = (
        select(*t.package.c)
        .where(t.package.c.stale == STALE, t.package.c.volume_id.in_(list(volume_ids)))
        .order_by(t.package.c.judged_us.is_not(None), t.package.c.id)
        .limit(limit)
    )
    return [PackageRow(*row) for row in connection.execute(query)]


def all_packages(connection: Connection, volume_id: int | None = None) -> list[PackageRow]:
    """Every package, by volume and path."""
    query = select(*t.package.c).order_by(t.package.c.volume_id, t.package.c.path)
    if volume_id is not None:
        query = query.where(t.package.c.volume_id == volume_id)
    return [PackageRow(*row) for row in connection.execute(query)]


def set_values(connection: Connection, package_id: int, values: Mapping[str, Any]) -> None:
    """Write columns of one package."""
    connection.execute(update(t.package).where(t.package.c.id == package_id).values(**values))


def claims(connection: Connection, package_id: int, verdict: str | None = None) -> dict[str, ClaimRow]:
    """What the lists of one package say, all of it or what has one verdict: path -> claim."""
    query = select(*t.claim.c).where(t.claim.c.package_id == package_id)
    if verdict is not None:
        query = query.where(t.claim.c.verdict == verdict)
    return {row.path: ClaimRow(*row) for row in connection.execute(query)}


def claims_at(connection: Connection, package_id: int, paths: Iterable[str]) -> dict[str, ClaimRow]:
    """What the lists of one package say of these paths: path -> claim."""
    found: dict[str, ClaimRow] = {}
    for some in slices(sorted(set(paths))):
        rows = connection.execute(_CLAIMS_BY_PATH, {"package": package_id, "paths": some}).all()
        found.update({row.path: ClaimRow(*row) for row in rows})
    return found


_CLAIMS_BY_PATH = select(*t.claim.c).where(
    t.claim.c.package_id == bindparam("package"), t.claim.c.path.in_(bindparam("paths", expanding=True))
)


def count_claims(connection: Connection, package_id: int) -> int:
    """How much the lists of one package say, or said."""
    query = select(func.count()).select_from(t.claim).where(t.claim.c.package_id == package_id)
    return int(connection.execute(query).scalar_one())


def paths_claimed(connection: Connection, package_id: int, after: str, limit: int) -> list[str]:
    """The paths of a package's claims that follow `after`, in order, so many at a time."""
    query = (
        select(t.claim.c.path)
        .where(t.claim.c.package_id == package_id, t.claim.c.path > after)
        .order_by(t.claim.c.path)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def listed_keys(connection: Connection, row: PackageRow, keys: Iterable[str], but: Iterable[str]) -> set[str]:
    """Of these keys those under which the package's lists still say something, other than of the paths `but`."""
    gone = set(but)
    found: set[str] = set()
    for some in slices(sorted(set(keys))):
        query = select(t.claim.c.key, t.claim.c.path).where(
            t.claim.c.volume_id == row.volume_id,
            t.claim.c.key.in_(bindparam("keys", expanding=True)),
            t.claim.c.package_id == row.id,
            t.claim.c.verdict != "dropped",
        )
        found.update(key for key, path in connection.execute(query, {"keys": some}) if path not in gone)
    return found


def folders_below(connection: Connection, volume_id: int, path: str) -> Iterable[tuple[int, str, bool]]:
    """The folder at `path` and those below it: id, path, and whether all its names are in the catalog, and at rest."""
    query = select(t.folder.c.id, t.folder.c.path, t.folder.c.fingerprint, t.folder.c.ignored).where(
        t.folder.c.volume_id == volume_id
    )
    if path:
        # `0` is the character that follows the slash.
        query = query.where(
            or_(t.folder.c.path == path, and_(t.folder.c.path >= f"{path}/", t.folder.c.path < f"{path}0"))
        )
    for identity, found, fingerprint, ignored in connection.execute(query):
        yield identity, found, fingerprint is not None and ignored is None


def names_in(connection: Connection, folder_id: int) -> list[tuple[str, str, int]]:
    """What the catalog holds to be in a folder: name, kind, size in bytes."""
    query = select(t.file.c.name, t.file.c.kind, t.file.c.size).where(
        t.file.c.folder_id == folder_id, t.file.c.presence != Presence.MISSING.value
    )
    return [(name, kind, size) for name, kind, size in connection.execute(query).all()]


def claims_on(connection: Connection, file_ids: Iterable[int]) -> dict[int, list[ClaimRow]]:
    """What lists say of files: file id -> claims."""
    by_file: dict[int, list[ClaimRow]] = defaultdict(list)
    for some in slices(sorted(set(file_ids))):
        rows = connection.execute(
            select(*t.claim.c).where(t.claim.c.file_id.in_(bindparam("ids", expanding=True))), {"ids": some}
        )
        for row in rows:
            by_file[row.file_id].append(ClaimRow(*row))
    return by_file


def write_claims(connection: Connection, new: Sequence[ClaimRow], gone: Sequence[ClaimRow]) -> None:
    """Enter claims, in place of those with the same package and path, and take others back."""
    if gone:
        connection.execute(
            delete(t.claim).where(
                t.claim.c.package_id == bindparam("the_package"), t.claim.c.path == bindparam("the_path")
            ),
            [{"the_package": one.package_id, "the_path": one.path} for one in gone],
        )
    if new:
        statement = insert_or_update(connection, t.claim)
        kept = {c.name: statement.excluded[c.name] for c in t.claim.c if c.name not in ("package_id", "path")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["package_id", "path"], set_=kept),
            [msgspec.structs.asdict(one) for one in new],
        )


def wants(
    connection: Connection, rows: Sequence[FileRow], folders: Mapping[int, str]
) -> dict[int, tuple[tuple[str, ...], bool]]:
    """What lists need of files that are about to be read: file id -> (algorithms, whether past the page cache)."""
    wanted: dict[int, tuple[set[str], bool]] = {}
    by_volume: dict[int, dict[str, list[int]]] = {}
    for volume_id in {row.volume_id for row in rows}:
        some_package = select(t.package.c.id).where(t.package.c.volume_id == volume_id).limit(1)
        if connection.execute(some_package).first() is not None:
            by_volume[volume_id] = defaultdict(list)
    if not by_volume:
        return {}
    for row in rows:
        if row.volume_id in by_volume:
            by_volume[row.volume_id][key_of(join(folders[row.folder_id], row.name))].append(row.id)
    for volume_id, keys in by_volume.items():
        for some in slices(sorted(keys)):
            query = select(t.claim.c.key, t.claim.c.wanted, t.claim.c.verdict).where(
                t.claim.c.volume_id == volume_id, t.claim.c.key.in_(bindparam("keys", expanding=True))
            )
            for key, algorithms, verdict in connection.execute(query, {"keys": some}):
                for file_id in keys[key]:
                    names, doubted = wanted.get(file_id, (set(), False))
                    wanted[file_id] = (names | set(algorithms.split()), doubted or verdict == "doubted")
    return {file_id: (tuple(sorted(names)), doubted) for file_id, (names, doubted) in wanted.items()}


def holds_known(connection: Connection, row: PackageRow, *, lists_only: bool = False) -> bool:
    """Whether the catalog still knows files in the package's folder that its lists name, or one of the lists."""
    lists = {path for path, _ in lists_of(row)}
    by_folder: dict[str, set[str]] = defaultdict(set)
    for path in lists:
        folder, name = split(path)
        by_folder[folder].add(name)
    joined = t.file.join(t.folder, t.folder.c.id == t.file.c.folder_id)
    for folder, names in by_folder.items():
        query = (
            select(t.file.c.id)
            .select_from(joined)
            .where(
                t.folder.c.volume_id == row.volume_id,
                t.folder.c.path == folder,
                t.file.c.name.in_(sorted(names)),
            )
        )
        if lists_only:
            query = query.where(t.file.c.presence != Presence.MISSING.value)
        if connection.execute(query.limit(1)).first() is not None:
            return True
    if lists_only:
        return False
    below = t.folder.c.path.startswith(f"{row.path}/", autoescape=True) if row.path else true()
    query = (
        select(t.claim.c.path)
        .select_from(t.claim.join(t.file, t.file.c.id == t.claim.c.file_id))
        .join(t.folder, t.folder.c.id == t.file.c.folder_id)
        .where(
            t.claim.c.package_id == row.id,
            t.folder.c.volume_id == row.volume_id,
            or_(t.folder.c.path == row.path, below),
        )
    )
    return connection.execute(query.limit(1)).first() is not None


def remove(connection: Connection, package_id: int) -> None:
    """Forget a package whose folder is gone. What was verified by it stays verified, with its evidence."""
    connection.execute(delete(t.claim).where(t.claim.c.package_id == package_id))
    connection.execute(delete(t.package).where(t.package.c.id == package_id))


def root_of_list(folder: str) -> str:
    """The folder that a list in `folder` speaks for: an ASC MHL history lies in a folder of its own (spec, part 5)."""
    above, _, name = folder.rpartition("/")
    return above if name == "ascmhl" else folder


def lists_of(row: PackageRow) -> list[tuple[str, dict[str, str]]]:
    """The lists that a package was judged by: (path below the volume, digests)."""
    return [(path, digests) for path, digests in json.loads(row.lists)]
