"""What do senders' lists say of the files below them, given what the catalog knows by now? One package at a time.

A list may come before, among or after its files. So nothing is matched piece by piece: whenever a list or a file
below it changed, the whole package is judged anew, from the catalog's digests, in a thread of its own; no listed file
is read here. What the catalog cannot answer yet is asked of the readers: `packages.wants` tells them.
"""

from __future__ import annotations

import fnmatch
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assetwatch.catalog import packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.manifests import find
from assetwatch.checksum.manifests.compare import Silent
from assetwatch.checksum.manifests.format import Finding, Manifest, ManifestFault, parent
from assetwatch.checksum.manifests.outcome import PackageVerdict
from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.verdict import EntryVerdict, algorithms_needed
from assetwatch.clock import Clock
from assetwatch.errors import CatalogError, UsageError
from assetwatch.ingest.answers import WAITING, Answers
from assetwatch.model import Integrity, Presence, Verdict
from assetwatch.paths import join, to_os

_log = logging.getLogger(__name__)

#: A package is judged again after this many times the time that judging it took, while other work is under way.
_REST_FACTOR: Final = 5.0

#: What takes no longer than this (seconds) needs no rest.
_QUICK_S: Final = 0.02

#: Files that no list names, kept by name; the rest are counted.
_EXTRA_NAMED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Transform:
    """A change that was declared: what was listed under one name came under another, with other bytes.

    `listed` and `came` are globs over paths with one `*` each in the same place: `*.ari` and `*.arx`.
    """

    listed: str
    came: str

    def name_of(self, path: str) -> str | None:
        """The name under which the listed file would have come; None where the rule does not fit it."""
        if not fnmatch.fnmatchcase(path, self.listed):
            return None
        before, _, after = self.listed.partition("*")
        kept = path[len(before) : len(path) - len(after)]
        return self.came.replace("*", kept, 1)


@dataclass(slots=True)
class Compared:
    """What judging a package gave. Paths are below the package, those of claims below the volume.

    `before` are the claims that stood in the catalog, `claims` those that follow now.
    """

    package: PackageRow
    verdict: PackageVerdict
    rows: dict[str, FileRow]
    waiting: dict[str, tuple[str, ...]]
    wanted: dict[str, tuple[str, ...]]
    lists: list[tuple[str, dict[str, str]]]
    #: the bytes that the lists promise, 0 where they do not say; those of them that are here
    listed_size: int = 0
    here_size: int = 0
    transformed: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    #: the folder itself is not there any more, or no list in it
    gone: bool = False
    no_lists: bool = False
    #: a list is being written: it is judged when it has come to rest
    unsettled: bool = False
    #: of assets in several files: key of the first one -> all of them
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    before: dict[str, ClaimRow] = field(default_factory=dict)
    claims: dict[str, ClaimRow] = field(default_factory=dict)


class Comparer:
    """Judges stale packages, one at a time, in a thread; what came out is entered by the loop."""

    def __init__(self, database: Database, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._thread: threading.Thread | None = None
        self._done: Compared | BaseException | None = None
        self._rest_until: dict[int, float] = {}

    @property
    def busy(self) -> bool:
        """Whether a package is being judged, or has been and is not entered yet."""
        return self._thread is not None

    @property
    def resting(self) -> bool:
        """Whether a package has to wait before it is judged again."""
        return bool(self._rest_until)

    def next_wake(self) -> float | None:
        """When (monotonic seconds) a package that rests may be judged again."""
        return min(self._rest_until.values(), default=None)

    def begin(
        self, roots: Mapping[int, str], transforms: Mapping[int, Sequence[Transform]], *, at_leisure: bool = False
    ) -> bool:
        """Begin to judge a stale package of these volumes (volume id -> root); whether there was one to begin with.

        `at_leisure` says that nothing else is to be done, and that no package need rest.
        """
        if self._thread is not None:
            return False
        now = self._clock.monotonic()
        self._rest_until = {
            package: until for package, until in self._rest_until.items() if until > now and not at_leisure
        }
        with self._database.read() as connection:
            waiting = [row for row in packages.stale(connection, list(roots)) if row.id not in self._rest_until]
        if not waiting:
            return False
        package = waiting[0]
        with self._database.write() as connection:
            # Whatever changes from now on makes it stale again, while it is judged as it is.
            packages.take(connection, package.id)
        rules = transforms.get(package.volume_id, ())
        self._thread = threading.Thread(
            target=self._run, args=(package, roots[package.volume_id], rules), name="compare", daemon=True
        )
        self._thread.start()
        return True

    def collect(self) -> Compared | None:
        """What the thread has finished; None where it has not."""
        if self._done is None or self._thread is None:
            return None
        self._thread.join()
        done, self._done, self._thread = self._done, None, None
        if isinstance(done, BaseException):
            raise done
        return done

    def _run(self, package: PackageRow, root: str, rules: Sequence[Transform]) -> None:
        began = self._clock.monotonic()
        try:
            done: Compared | BaseException = compare(self._database, package, root, rules)
        except CatalogError as error:
            done = error
        except Exception as error:
            # Whatever a list does to its reader, it is that list's trouble and not the end of the daemon.
            _log.exception("%s: judging its lists failed", package.path or "root")
            done = _nothing_yet(self._database, package)
            done.problem = f"its lists cannot be judged, which is a bug in assetwatch: {type(error).__name__}: {error}"
        ended = self._clock.monotonic()
        if ended - began > _QUICK_S:
            self._rest_until[package.id] = ended + _REST_FACTOR * (ended - began)
        self._done = done
        self._wake()

    def close(self) -> None:
        """Let the thread end; a package that was being judged is judged again next time."""
        if self._thread is None:
            return
        self._thread.join(5.0)


def compare(database: Database, package: PackageRow, root: str, rules: Sequence[Transform] = ()) -> Compared:
    """Judge one package from what the catalog knows. Raises CatalogError."""
    path = Path(os.path.join(root, to_os(package.path)) if package.path else root)
    outcome = _nothing_yet(database, package)
    if not path.is_dir():
        outcome.gone = True
        return outcome
    answers = Answers(database, package, outcome.before)
    outcome.rows, outcome.waiting = answers.rows, answers.waiting
    size = _Size()
    try:
        scope = find.scope_of(path)
        if scope.below or not any(packages.root_of_list(parent(one.path)) == "" for one in scope.manifests):
            outcome.problem = "the lists that lay here are gone"
            outcome.no_lists = True
            return outcome
        own = {name for one in scope.manifests for name in (one.path, *one.beside, *one.own_files)}
        if answers.unsettled(path, own):
            outcome.unsettled = True
            return outcome
        sizes = _needs_of(scope.manifests, outcome)
        outcome.verdict = verify_package(path, read=answers.reader, progress=size)
    except ManifestFault as fault:
        outcome.problem = str(fault)
        outcome.unsettled = answers.unsettled(path, {fault.file}, unknown=True)
        return outcome
    except (UsageError, OSError) as error:
        outcome.problem = str(error)
        return outcome
    answers.look_up([entry.path for entry in outcome.verdict.entries])
    answers.look_up([part for parts in outcome.parts.values() for part in parts])
    outcome.lists = [(join(package.path, name), answers.digests_of(name)) for name in sorted(answers.known(own))]
    for judged in outcome.verdict.entries:
        if judged.verdict is Verdict.MISSING:
            others = [other for rule in rules if (other := rule.name_of(judged.path)) is not None]
            came = next((other for other in others if answers.is_here(other)), None)
            if came is not None:
                outcome.transformed[judged.path] = came
    outcome.claims = claims_of(outcome, outcome.before)
    _count_bytes(outcome, sizes, size.listed)
    return outcome


def _nothing_yet(database: Database, package: PackageRow) -> Compared:
    """The outcome of a package of which nothing could be said."""
    with database.read() as connection:
        before = packages.claims(connection, package.id)
    return Compared(package, PackageVerdict(None, None), {}, {}, {}, [], before=before)


def _needs_of(manifests: Sequence[Manifest], outcome: Compared) -> dict[str, int | None]:
    """Note which algorithms the entries of all lists together need; the sizes that they tell. By key."""
    sizes: dict[str, int | None] = {}
    for manifest in manifests:
        for entry in manifest.entries(_ignored):
            key = packages.key_of(join(manifest.root, entry.path))
            told = sizes.get(key)
            sizes[key] = entry.size if told is None else told
            if entry.parts:
                outcome.parts[key] = tuple(join(manifest.root, part) for part in entry.parts)
            else:
                known = outcome.wanted.get(key, ())
                outcome.wanted[key] = tuple(dict.fromkeys((*known, *algorithms_needed(entry))))
    return sizes


def _count_bytes(outcome: Compared, sizes: Mapping[str, int | None], told: int) -> None:
    """How many bytes are promised and here. Of a list that tells no sizes, what is here tells them, once all is."""
    known = True
    listed = here = 0
    cut = len(outcome.package.path) + 1 if outcome.package.path else 0
    for claim in outcome.claims.values():
        row = outcome.rows.get(claim.path[cut:])
        is_here = claim.verdict not in ("missing", "waiting", "transformed") and row is not None
        size = sizes.get(packages.key_of(claim.path[cut:]))
        if is_here and row is not None:
            here += row.size
            size = row.size if size is None else size
        known = known and (size is not None or claim.verdict == "transformed")
        listed += size or 0
    outcome.listed_size = listed if known else told if told >= here else 0
    outcome.here_size = here


def _ignored(_finding: Finding) -> None:
    """What a list's entries give rise to is reported when they are verified."""


class _Size(Silent):
    """How many bytes the lists promise."""

    def __init__(self) -> None:
        self.listed = 0

    def begin(self, files: int, size: int) -> None:
        self.listed += size


def claims_of(outcome: Compared, before: Mapping[str, ClaimRow]) -> dict[str, ClaimRow]:
    """The claims of a judged package, by path below the volume, not dated. `before` are those in the catalog.

    A digest that differs is `doubted` until the file has been read a second time, past the page cache; then it is a
    `mismatch`. A file that is not at rest is `waiting`, whatever its size says.
    """
    package = outcome.package
    made: dict[str, ClaimRow] = {}
    for entry in outcome.verdict.entries:
        path = join(package.path, entry.path)
        row = outcome.rows.get(entry.path)
        verdict = _word(outcome, entry, row, before.get(path))
        # Also of what was judged already: whoever reads it again, because it was written to, reads it once.
        algorithms = (
            outcome.waiting.get(entry.path)
            or outcome.wanted.get(packages.key_of(entry.path))
            or outcome.wanted.get(packages.key_of(entry.written))
            or ()
        )
        new = ClaimRow(
            package_id=package.id,
            path=path,
            key=packages.key_of(path),
            volume_id=package.volume_id,
            file_id=None if row is None else row.id,
            version_id=None if row is None else row.version_id,
            verdict=verdict,
            wanted="" if verdict == "transformed" else " ".join(algorithms),
            algorithm=entry.algorithm,
            expected=entry.expected,
            computed=None if verdict == "waiting" else entry.computed,
            notes="; ".join(note for note in entry.notes if note != WAITING),
            judged_us=0,
        )
        made[path] = new
    return made


def _word(outcome: Compared, entry: EntryVerdict, row: FileRow | None, before: ClaimRow | None) -> str:
    """The verdict on one entry, from what the verification said and what the catalog knows of the file."""
    if entry.path in outcome.waiting:
        return "waiting"
    if entry.path in outcome.transformed:
        return "transformed"
    if entry.verdict is Verdict.MISMATCH:
        if row is None or row.presence != Presence.PRESENT.value or row.integrity == Integrity.PENDING.value:
            return "waiting"
        if entry.algorithm == "size":
            # What differs from the catalog, too, is being written: the catalog has not looked again yet.
            return "mismatch" if entry.computed == str(_size_of(outcome, entry.path, row)) else "waiting"
        if row.version_id is None:
            return "mismatch"
        read_again = (
            before is not None
            and before.version_id == row.version_id
            and (
                before.verdict == "mismatch"
                or (before.verdict == "doubted" and (row.checked_us or 0) >= before.judged_us)
            )
        )
        return "mismatch" if read_again else "doubted"
    return str(entry.verdict)


def _size_of(outcome: Compared, path: str, row: FileRow) -> int:
    """The bytes that the catalog knows of an entry's file, or of all its files where it has several."""
    parts = outcome.parts.get(packages.key_of(path))
    if parts is None:
        return row.size
    return sum(outcome.rows[part].size for part in parts if part in outcome.rows)


def findings_json(outcome: Compared) -> str:
    """What is to be said of a package's lists, for the catalog."""
    return json.dumps(
        [[one.kind, str(one), one.path, one.wrong] for one in outcome.verdict.findings], ensure_ascii=False
    )


def extra_json(outcome: Compared) -> str:
    """The files that no list names, the first of them, for the catalog."""
    return json.dumps(outcome.verdict.extra[:_EXTRA_NAMED], ensure_ascii=False)
