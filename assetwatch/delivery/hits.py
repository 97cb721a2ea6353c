"""Which things in the catalog do the patterns of items take?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from assetwatch.catalog import candidates, things
from assetwatch.catalog.things import Thing
from assetwatch.delivery import schedule as s
from assetwatch.delivery.match import Match, Rule, RuleIndex

#: Whose a rule is: an item's id, and which of its patterns.
Key = tuple[int, str]


class Hit(NamedTuple):
    """A thing that a pattern took, or that a person linked (`match` is None).

    `what` is which of the item's patterns took it, `frames` the first and last frame that this expects.
    """

    thing: Thing
    match: Match | None
    what: str = "match"
    frames: tuple[int, int] | None = None


def is_folder(item: s.Item) -> bool:
    """Whether an item's things are whole folders: camera rolls, packages."""
    return bool(item.match) and (item.asset == "folder" or (item.match.endswith("/") and not item.asset))


def as_path(pattern: str) -> str:
    """A pattern for folders as one for their paths: without the slash at its end."""
    return pattern[:-1] if pattern.endswith("/") and not pattern.startswith("re:") else pattern


def find_hits(connection: Connection, rules: Sequence[tuple[Key, Rule]], by_folder: set[Key]) -> dict[Key, list[Hit]]:
    """What each rule takes; every folder that rules ask for is gone through once."""
    found: dict[Key, list[Hit]] = defaultdict(list)
    plain = [(key, rule) for key, rule in rules if key not in by_folder]
    frames = {key: rule.frames for key, rule in rules}
    anywhere = [(key, rule) for key, rule in plain if not rule.folder]
    if anywhere:
        for key, hits in _found_anywhere(connection, anywhere).items():
            found[key] += hits
    index = RuleIndex((key, rule) for key, rule in plain if rule.folder)
    for root in outermost(rule.folder for _, rule in plain if rule.folder):
        for thing in things.below_folder(connection, root):
            taken = index.fits_sequence(thing.path, thing.first) if thing.frames else index.fits(thing.path)
            for key, match in taken:
                found[key].append(Hit(thing, match, key[1], frames[key]))
    folders = [(key, rule) for key, rule in rules if key in by_folder]
    index = RuleIndex(folders)
    for root in outermost(rule.folder for _, rule in folders):
        for _, volume_id, path in things.folders_below(connection, root):
            for key, match in index.fits(path):
                whole = things.whole_folder(connection, volume_id, path)
                if whole is not None:
                    found[key].append(Hit(whole, match))
    return found


def _found_anywhere(connection: Connection, rules: Sequence[tuple[Key, Rule]]) -> dict[Key, list[Hit]]:
    """What rules take that name no folder: names first, and the things of those that fit."""
    index = RuleIndex(rules)
    frames = {key: rule.frames for key, rule in rules}
    fits: dict[str, list[tuple[Key, Match]]] = {}
    for one in candidates.names(connection, {rule.suffix for _, rule in rules}):
        taken = index.fits(one.path) if one.first is None else index.fits_sequence(one.path, one.first)
        if taken:
            fits[one.asset] = taken
    found: dict[Key, list[Hit]] = defaultdict(list)
    there = things.by_asset(connection, fits)
    for asset, thing in sorted(there.items(), key=lambda row: row[1].path):
        for key, match in fits[asset]:
            found[key].append(Hit(thing, match, key[1], frames[key]))
    return found


def outermost(folders: Iterable[str]) -> list[str]:
    """Of these folders those that lie in none of the others."""
    found: list[str] = []
    for folder in sorted(set(folders), key=lambda path: (path.count("/"), path)):
        if not any(not known or folder == known or folder.startswith(known + "/") for known in found):
            found.append(folder)
    return found
