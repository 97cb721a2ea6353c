"""What is to be said of the files of one package, entry by entry, from what the catalog knows of them?

Whatever the number of entries, no more of them are held than a piece: what was judged is handed on at once.
"""

from __future__ import annotations

import fnmatch
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from assetwatch.catalog import packages
from assetwatch.catalog.engine import Database
from assetwatch.catalog.packages import ClaimRow, PackageRow
from assetwatch.catalog.rows import FileRow
from assetwatch.checksum.manifests import find
from assetwatch.checksum.manifests.compare import Silent
from assetwatch.checksum.manifests.format import Entry, Finding, ManifestFault, parent
from assetwatch.checksum.manifests.package import verify_package
from assetwatch.checksum.manifests.reading import Wanted, reader_of
from assetwatch.checksum.verdict import EntryVerdict, algorithms_needed, judge
from assetwatch.errors import UsageError
from assetwatch.ingest.answers import WAITING, Answers, is_at_rest
from assetwatch.ingest.known_tree import KnownTree
from assetwatch.model import CAME_AS, Integrity, Presence, Verdict
from assetwatch.paths import join, shown

#: Files that no list names, kept by name; the rest are counted.
_EXTRA_NAMED: Final = 1_000

#: Entries that are looked up in the catalog at once.
_AT_ONCE: Final = 1_000

#: Claims that are handed on at once.
_PIECE: Final = 1_000

#: Verdicts under which nothing of the file is here, or not all of it.
_NOT_HERE: Final = ("missing", "waiting", "transformed")


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
class Judging:
    """One judging of a package: what all its pieces have in common. `lists` are those it was judged by.

    `given` counts the pieces that were handed over, `entered` those that stand in the catalog.
    """

    package: PackageRow
    lists: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    format: str | None = None
    given: int = 0
    entered: int = 0


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What holds of a package as a whole, once every entry was judged.

    `counts` are entries by verdict, with `extra`; `listed_size` the bytes that the lists promise, 0 where they do not
    say, `here_size` those of them that are here.
    """

    counts: dict[str, int]
    listed: int
    listed_size: int
    here_size: int
    extra: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Compared:
    """A piece of what judging a package gave; `last` is the one after which nothing comes. Paths are below the volume.

    `new` are claims that the catalog does not have so, `unfollowed` such as stand there although their files' own state
    does not follow from them, `withdrawn` those that no list makes any more. `rows` are the files by their ids, as they
    were judged, `transformed` says under which name a file came.
    """

    judging: Judging
    new: list[ClaimRow] = field(default_factory=list)
    unfollowed: list[ClaimRow] = field(default_factory=list)
    withdrawn: list[ClaimRow] = field(default_factory=list)
    rows: dict[int, FileRow] = field(default_factory=dict)
    transformed: dict[str, str] = field(default_factory=dict)
    last: bool = False
    conclusion: Conclusion | None = None
    problem: str | None = None
    #: the folder itself is not there any more, or no list in it
    gone: bool = False
    no_lists: bool = False
    #: a list is being written: it is judged when it has come to rest
    unsettled: bool = False

    @property
    def package(self) -> PackageRow:
        """The package as it was when it was taken up."""
        return self.judging.package


class PackageJudge(Silent):
    """Takes the verdicts on a package's entries, and makes of them what the catalog is to say of its files."""

    def __init__(
        self,
        database: Database,
        package: PackageRow,
        path: Path,
        rules: Sequence[Transform],
        emit: Callable[[Compared], None],
        end: Compared,
    ) -> None:
        self._database, self._package, self._path, self._rules = database, package, path, rules
        self._emit, self._end = emit, end
        self._tree = KnownTree(path, database, package)
        self._answers = Answers(database, package)
        self._held: list[_Held] = []
        self._piece = Compared(end.judging)
        self._made = array("q")
        self._stood = 0
        self._told = self._listed_size = self._here_size = 0
        self._sizes_known = True
        self._counts: Counter[str] = Counter()
        self._extra: list[str] = []

    def judge(self) -> None:
        """Judge it, and note in `end` what came of it."""
        end, answers = self._end, self._answers
        try:
            scope = find.scope_of(self._path, lambda _path: self._tree)
            if scope.below or not any(packages.root_of_list(parent(one.path)) == "" for one in scope.manifests):
                end.problem = "the lists that lay here are gone"
                end.no_lists = True
                return
            own = {name for one in scope.manifests for name in (one.path, *one.beside, *one.own_files)}
            if answers.unsettled(self._path, own):
                end.unsettled = True
                return
            digests = answers.digests_of(own)
            end.judging.lists += [(join(self._package.path, name), digests[name]) for name in sorted(digests)]
            end.judging.format = "+".join(dict.fromkeys(f for m in scope.manifests for f in m.format.split("+")))
            verdict = verify_package(self._path, read=answers.reader, progress=self, scope=scope, take=self)
        except ManifestFault as fault:
            end.problem = str(fault)
            end.unsettled = answers.unsettled(self._path, {fault.file}, unknown=True)
            return
        except (UsageError, OSError) as error:
            end.problem = str(error)
            return
        self._flush()
        self._withdraw()
        self._hand_over(1)
        listed, here, told = self._listed_size, self._here_size, self._told
        end.conclusion = Conclusion(
            dict(self._counts),
            len(self._made),
            listed if self._sizes_known else told if told >= here else 0,
            here,
            tuple(sorted(self._extra)),
            tuple(verdict.findings),
        )

    # -- what a verification tells

    def begin(self, files: int, size: int) -> None:
        """As `Progress.begin`."""
        self._told += size

    def extra(self, path: str) -> None:
        """As `Take.extra`."""
        self._counts["extra"] += 1
        if len(self._extra) < _EXTRA_NAMED:
            self._extra.append(path)

    def entry(self, number: int, entry: Entry, verdict: EntryVerdict) -> None:
        """As `Take.entry`."""
        paths = entry.parts if entry.parts and not entry.fault else (verdict.path,)
        waiting = self._answers.waiting.pop(number, None)
        self._held.append(_Held(entry, verdict, paths, self._answers.rows.pop(number, None), waiting))
        if len(self._held) >= _AT_ONCE:
            self._flush()

    # -- what follows

    def _flush(self) -> None:
        held, self._held = self._held, []
        found = self._answers.look_up(path for one in held if one.rows is None for path in one.paths)
        others = {
            one.verdict.path: [name for rule in self._rules if (name := rule.name_of(one.verdict.path)) is not None]
            for one in held
            if self._rules and one.verdict.verdict is Verdict.MISSING
        }
        here = self._answers.are_here(name for names in others.values() for name in names)
        with self._database.read() as connection:
            before = packages.claims_at(
                connection, self._package.id, (join(self._package.path, path) for one in held for path in one.paths)
            )
        for one in held:
            rows = one.rows if one.rows is not None else [found.get(path) for path in one.paths]
            came = next((name for name in others.get(one.verdict.path, ()) if name in here), None)
            if len(rows) > 1:
                self._take_parts(one, rows, before)
            else:
                self._take_one(one, rows[0], came, before)
        self._hand_over(_PIECE)

    def _take_one(self, one: _Held, row: FileRow | None, came: str | None, before: Mapping[str, ClaimRow]) -> None:
        path = join(self._package.path, one.paths[0])
        word = "transformed" if came is not None else _word(one, row, before.get(path))
        if came is not None:
            self._piece.transformed[path] = came
        # Also of what was judged already: whoever reads it again, because it was written to, reads it once.
        wanted = "" if came is not None else " ".join(one.waiting or algorithms_needed(one.entry))
        self._take(path, row, word, wanted, one.verdict, before.get(path))
        size = one.entry.size
        if row is not None and word not in _NOT_HERE:
            self._here_size += row.size
            size = row.size if size is None else size
        self._sizes_known = self._sizes_known and (size is not None or came is not None)
        self._listed_size += size or 0

    def _take_parts(self, one: _Held, rows: Sequence[FileRow | None], before: Mapping[str, ClaimRow]) -> None:
        """Of an asset in several files each is what the whole is; where one of them is not here, the others wait."""
        paths = [join(self._package.path, part) for part in one.paths]
        verdict = one.verdict
        if verdict.verdict is Verdict.MISMATCH and verdict.algorithm != "size":
            verdict = self._second_reading(one, [before.get(path) for path in paths])
        for number, (path, row) in enumerate(zip(paths, rows, strict=True), 1):
            word = str(verdict.verdict)
            if one.waiting is not None or (verdict.verdict is Verdict.MISMATCH and not all(map(is_at_rest, rows))):
                word = "waiting"
            elif verdict.verdict is Verdict.MISMATCH and verdict.algorithm == "size":
                known = sum(part.size for part in rows if part is not None)
                word = "mismatch" if verdict.computed == str(known) else "waiting"
            elif verdict.verdict is Verdict.MISSING and row is not None and row.presence != Presence.MISSING.value:
                word = "waiting"
            said = f"part {number} of {len(rows)} of {shown(one.paths[0])}, which is judged as a whole"
            self._take(path, row, word, "", replace(verdict, notes=(*verdict.notes, said)), before.get(path))
            if row is not None and word not in _NOT_HERE:
                self._here_size += row.size
        size = one.entry.size
        self._sizes_known = self._sizes_known and size is not None
        self._listed_size += size or 0

    def _second_reading(self, one: _Held, before: Sequence[ClaimRow | None]) -> EntryVerdict:
        """What the asset's files give when they are read past the page cache, unless that was done before."""
        first = one.verdict
        twice = (*first.notes, "read twice, the second time past the page cache")
        if all(c is not None and c.verdict == "mismatch" and c.computed == first.computed for c in before):
            return replace(first, notes=twice)
        wanted = Wanted(0, one.paths, algorithms_needed(one.entry), one.entry.size or 0)
        ((_, computed),) = reader_of(self._tree, uncached=True)([wanted])
        if computed.digests is None:
            return first
        again = judge(one.entry, one.entry.size or 0, computed.digests, path=first.path)
        return replace(again, notes=twice)

    def _take(
        self, path: str, row: FileRow | None, word: str, wanted: str, verdict: EntryVerdict, before: ClaimRow | None
    ) -> None:
        """Note the claim on one file."""
        claim = ClaimRow(
            package_id=self._package.id,
            path=path,
            key=packages.key_of(path),
            volume_id=self._package.volume_id,
            file_id=None if row is None else row.id,
            version_id=None if row is None else row.version_id,
            verdict=word,
            wanted=wanted,
            algorithm=verdict.algorithm,
            expected=verdict.expected,
            computed=None if word == "waiting" else verdict.computed,
            notes="; ".join(note for note in verdict.notes if note != WAITING),
            judged_us=0,
        )
        self._counts[word] += 1
        self._made.append(hash(path))
        self._stood += before is not None
        piece = self._piece
        # A claim that says what it said keeps its date: since when it stands so is what matters.
        if before is None or msgspec.structs.replace(before, judged_us=0) != claim:
            piece.new.append(claim)
        elif _unfollowed(claim, row):
            piece.unfollowed.append(claim)
        else:
            return
        if row is not None:
            piece.rows[row.id] = row

    def _withdraw(self) -> None:
        """Find the claims that no list makes any more, where there are any."""
        package = self._package
        with self._database.read() as connection:
            if packages.count_claims(connection, package.id) == self._stood:
                return
        made, after = set(self._made), ""
        while True:
            with self._database.read() as connection:
                paths = packages.paths_claimed(connection, package.id, after, _PIECE)
                gone = packages.claims_at(connection, package.id, (path for path in paths if hash(path) not in made))
            self._piece.withdrawn += gone.values()
            self._hand_over(_PIECE)
            if len(paths) < _PIECE:
                return
            after = paths[-1]

    def _hand_over(self, least: int) -> None:
        """Give the loop what has come together, if that is so much."""
        piece = self._piece
        if len(piece.new) + len(piece.unfollowed) + len(piece.withdrawn) >= least:
            self._piece = Compared(piece.judging)
            piece.judging.given += 1
            self._emit(piece)


class _Held(NamedTuple):
    """An entry that was judged. `rows` are those of its files, None where they were not looked up yet.

    `waiting` are the algorithms that it waits for, None where it does not.
    """

    entry: Entry
    verdict: EntryVerdict
    paths: tuple[str, ...]
    rows: list[FileRow | None] | None
    waiting: tuple[str, ...] | None


def _word(one: _Held, row: FileRow | None, before: ClaimRow | None) -> str:
    """The verdict on one entry, from what the verification said and what the catalog knows of the file.

    A digest that differs is `doubted` until the file has been read a second time, past the page cache; then it is a
    `mismatch`. A file that is not at rest is `waiting`, whatever its size says.
    """
    verdict = one.verdict
    if one.waiting is not None:
        return "waiting"
    if verdict.verdict is not Verdict.MISMATCH:
        return str(verdict.verdict)
    if row is None or row.presence != Presence.PRESENT.value or row.integrity == Integrity.PENDING.value:
        return "waiting"
    if verdict.algorithm == "size":
        # What differs from the catalog, too, is being written: the catalog has not looked again yet.
        return "mismatch" if verdict.computed == str(row.size) else "waiting"
    if row.version_id is None:
        return "mismatch"
    read_again = (
        before is not None
        and before.version_id == row.version_id
        and (
            before.verdict == "mismatch" or (before.verdict == "doubted" and (row.checked_us or 0) >= before.judged_us)
        )
    )
    return "mismatch" if read_again else "doubted"


def _unfollowed(claim: ClaimRow, row: FileRow | None) -> bool:
    """Whether a file's own state does not follow from a claim that stands: it was read again, or missed a step."""
    if row is not None and row.presence == Presence.MISSING.value:
        return (claim.verdict == "transformed") != (row.problem or "").startswith(CAME_AS)
    if row is None or row.presence != Presence.PRESENT.value:
        return False
    if claim.verdict in ("verified", "mismatch"):
        return row.integrity != claim.verdict
    return claim.verdict in ("waiting", "doubted") and bool(claim.wanted) and row.due_for in (None, "probe")


def findings_json(findings: Iterable[Finding]) -> list[tuple[str, str, str, bool]]:
    """What is to be said of a package's lists, for the catalog."""
    return [(one.kind, str(one), one.path, one.wrong) for one in findings]
