"""What does the history of a folder say before a new generation is written, and what follows for each file?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assetwatch.checksum.manifests import asc_mhl, asc_mhl_xml
from assetwatch.checksum.manifests.asc_mhl import CHAIN, FOLDER, History
from assetwatch.checksum.manifests.format import Entry, Finding, ManifestFault, Report, basename, below, parent
from assetwatch.checksum.manifests.ignore import Ignore
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.xml_text import why_not_xml
from assetwatch.paths import comparable, join

#: The patterns that every history begins with (specification 1.0, 6.4.3).
IGNORED = (".DS_Store", FOLDER, FOLDER + "/")
#: Which recorded digest is computed where none of those asked for was recorded: the quickest.
_QUICK = ("xxh128", "xxh3", "xxh64", "md5", "sha1", "c4")
_NUMBERED = re.compile(r"(\d{4,})_.*\.mhl", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class Place:
    """A folder that has a history, or the one that is to get its first generation.

    `known` are the files of the history by their path below `root`. `chain` are the bytes of the chain as they were.
    """

    root: str
    number: int
    chain: bytes | None
    ignore: tuple[str, ...]
    known: dict[str, Entry] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    rules: Ignore = field(init=False)
    _spellings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = Ignore(self.ignore)
        for path in self.known:
            if not path.isascii():
                self._spellings.setdefault(comparable(path), path)

    def inside(self, path: str) -> str:
        """A path below the tree as seen from this place."""
        return path[len(self.root) + 1 :] if self.root else path

    def spelled(self, inside: str) -> str:
        """The path as the history has it, where that differs in normalization form only."""
        if inside in self.known or inside.isascii():
            return inside
        return self._spellings.get(comparable(inside), inside)

    def reference(self, inside: str) -> dict[str, str]:
        """Algorithm -> digest that a file must have: the first recorded of each, never one recorded as failed."""
        entry = self.known.get(inside)
        found: dict[str, str] = {}
        for digest in entry.digests if entry is not None else ():
            if digest.usable:
                found.setdefault(digest.readings[0].algorithm, digest.readings[0].text)
        return found


def places_of(tree: DiskTree, ignore: Sequence[str], report: Report) -> dict[str, Place]:
    """The places below the tree by their folder, the root first; the root is one even where it has no history yet.

    `ignore` are new patterns as seen from the root: each place gets those that can fit below it. Raises
    ManifestFault where a history is damaged: a new generation would cover that up.
    """
    places = {"": _place(tree, "", ignore, report)}
    for root in asc_mhl.nested_roots(tree, ""):
        if not passed_over(places, root + "/"):
            places[root] = _place(tree, root, inherited(ignore, root), report)
    return places


def inherited(patterns: Iterable[str], root: str) -> tuple[str, ...]:
    """The patterns, given for the folder above, as they read inside the nested history at `root`."""
    found = []
    for pattern in patterns:
        anchored = pattern.lstrip("/")
        if "/" not in pattern.rstrip("/") or anchored.startswith("**/"):
            found.append(pattern)
        elif anchored.startswith(root + "/") and anchored != root + "/":
            found.append("/" + anchored[len(root) + 1 :])
    return tuple(found)


def nearest(places: Mapping[str, Place], folder: str) -> Place:
    """The place whose history a folder's files belong to."""
    while folder not in places:
        folder = parent(folder)
    return places[folder]


def passed_over(places: Mapping[str, Place], path: str) -> bool:
    """Whether the rules of any history above a path ignore it; a folder's path ends in `/`."""
    here = path.rstrip("/")
    while here:
        here = parent(here)
        place = places.get(here)
        if place is not None and place.rules.passes_over(place.inside(path)):
            return True
    return False


def _place(tree: DiskTree, root: str, ignore: Iterable[str], report: Report) -> Place:
    folder = join(root, FOLDER)
    if any(listed.name == FOLDER and listed.kind is not None for listed in tree.names(root)):
        raise ManifestFault(folder, None, "is no folder.", "Move it away: a history is kept in a folder of this name.")
    try:
        names = [listed.name for listed in tree.names(folder)]
    except FileNotFoundError:
        names = []
    if not any(name == CHAIN or name.lower().endswith(".mhl") for name in names):
        return Place(root, 1, None, tuple(dict.fromkeys((*IGNORED, *ignore))))
    findings: list[Finding] = []
    history = asc_mhl.read_history(tree, folder, findings)
    gone: list[Finding] = []
    asc_mhl.check_references(tree, root, history, gone)
    # A nested history that is no longer there is no damage of this one.
    findings += [finding for finding in gone if finding.kind != "list-missing"]
    _refuse_damaged(findings)
    for finding in (*findings, *gone):
        report(finding)
    number = max((link.number or 0 for link in history.links), default=0) + 1
    for name in names:
        numbered = _NUMBERED.fullmatch(name)
        if numbered and int(numbered[1]) >= number and not name.startswith("._"):
            raise ManifestFault(
                join(folder, name),
                None,
                "the chain does not name this list.",
                "Move it away, or have its sender mend it.",
            )
    with tree.open(join(folder, CHAIN)) as stream:
        chain = stream.read()
    asc_mhl_xml.chain_text(chain, join(folder, CHAIN), number, "", "")
    known = {entry.path: entry for entry in history.entries(tree, report) if not entry.fault}
    folders = frozenset(found.path for found in history.folders if found.path)
    return Place(root, number, chain, _grown(history, ignore), known, folders)


def _grown(history: History, ignore: Iterable[str]) -> tuple[str, ...]:
    """Ignore patterns can only grow (specification 1.0, 5.4)."""
    return tuple(dict.fromkeys((*(history.ignore or IGNORED), *ignore)))


def _refuse_damaged(findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.wrong:
            advice = "No generation is added to a damaged history: it would cover that up."
            raise ManifestFault(finding.path, finding.line, f"{finding.what}.", advice)


def needed(asked: Sequence[str], reference: Mapping[str, str]) -> tuple[str, ...]:
    """What to compute for a file: the digests asked for, and one that was recorded, to compare with."""
    if not reference or any(name in reference for name in asked):
        return tuple(asked)
    usual = [name for name in _QUICK if name in reference]
    return (*asked, usual[0] if usual else next(iter(reference)))


def actions(asked: Sequence[str], reference: Mapping[str, str], computed: Mapping[str, str]) -> dict[str, str]:
    """Algorithm -> action, of the digests to be recorded (specification 1.0, 6.4.5; what `ascmhl create` does).

    Without a recorded digest all are `original`. A recorded algorithm is `verified` or `failed`; a new one is
    `verified` where each recorded one that was computed fits, and is not recorded otherwise.
    """
    if not reference:
        return dict.fromkeys(asked, "original")
    compared = {name: computed[name] == text for name, text in reference.items() if name in computed}
    fits = all(compared.values())
    found = {
        name: "verified" if same else "failed" for name, same in compared.items() if name in asc_mhl_xml.ALGORITHMS
    }
    if fits:
        found |= {name: "verified" for name in asked if name not in found}
    elif "failed" not in found.values():
        # What differs is of an algorithm that the schema does not know.
        found |= {name: "failed" for name in asked if name not in reference}
    return found


def differing(reference: Mapping[str, str], computed: Mapping[str, str]) -> tuple[str, str, str] | None:
    """(algorithm, recorded, computed) of the first digest that differs, None where all that can be compared fit."""
    return next(
        ((name, text, computed[name]) for name, text in reference.items() if computed.get(name, text) != text), None
    )


def list_name(label: str, number: int, stamp: str) -> str:
    """The name of a list: `0001_A002R2EC_2019-01-07_080228Z.mhl` (specification 1.0, 6.2)."""
    plain = label if label and not why_not_xml(label) else "root"
    name = f"{number:04d}_%s_{stamp}.mhl"
    room = 255 - len(name.encode()) + 2
    return name % plain.encode()[:room].decode("utf-8", "ignore")


def label_of(tree: DiskTree, place: Place) -> str:
    """The name of a place's folder."""
    return basename(place.root) if place.root else tree.label()


def lists_folder(place: Place) -> str:
    """The folder below the tree that holds a place's lists."""
    return below(place.root, FOLDER)
