"""Has every key of every document that the commands print a word in docs/reference/json.md?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Stock, in_trouble

PAGE = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
SECTIONS = dict(zip(*[iter(re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))

#: Objects whose keys are states, names, paths, algorithms or rules, and are told as such.
MAPS = {
    *("by_presence", "by_integrity", "by_status", "counts", "digests", "ignored", "unreadable_folders", "detail"),
    "fields",
    *("list_digests", "not_checked_reasons", "renamed"),
}
#: Documents within documents that have a section of their own.
APART = {
    "packages": "packages",
    "media": "probe",
    "assets": "assets",
    "checks": "doctor",
    "last_verification": "verify",
}


def _keys(document: Any, section: str) -> Iterator[tuple[str, str]]:
    """(section, key) of every key in a document."""
    if isinstance(document, list):
        for one in document:
            yield from _keys(one, section)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield section, key
            if key not in MAPS:
                yield from _keys(
                    value, APART.get(key, section) if section != "receipt" or key == "packages" else section
                )


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., Any]) -> Stock:
    """A catalog in which something of every kind is to be told; no test here minds what another did to it."""
    return in_trouble(tmp_path_factory.mktemp("everything"), program)


@pytest.mark.parametrize(
    ("section", "command"),
    [
        ("scan", ["scan", "ROOT", "--settle", "50ms", "--json"]),
        ("status", ["status", "--json"]),
        ("files", ["files", "--all", "--json"]),
        ("assets", ["assets", "--json"]),
        ("show", ["show", "A002/other.mov", "--json"]),
        ("show", ["show", "A002", "--json"]),
        ("receipt", ["receipt", "A002", "--json"]),
        ("verify", ["verify", "--json"]),
        ("hash", ["hash", "ROOT/A002/other.mov", "--json"]),
        ("probe", ["probe", "ROOT/A002/other.mov", "--json"]),
        ("manifest verify", ["manifest", "verify", "ROOT/A002", "--json"]),
        ("manifest create", ["manifest", "create", "ROOT/A002", "--format", "md5", "--json"]),
        ("doctor", ["doctor", "--json"]),
        ("doctor", ["doctor", "--accept-volume", "ingest", "--json"]),
        ("catalog upgrade, check, backup, restore, copy", ["catalog", "check", "--json"]),
        ("catalog upgrade, check, backup, restore, copy", ["catalog", "upgrade", "--json"]),
        ("catalog upgrade, check, backup, restore, copy", ["catalog", "backup", "--json"]),
    ],
    ids=lambda one: one if isinstance(one, str) else " ".join(one),
)
def test_each_key_is_documented(section: str, command: list[str], call: Callable[..., Any], everything: Stock) -> None:
    """Every key of the document stands in its section, or in the section of the document that it is part of."""
    answer = call(*everything.args(*(part.replace("ROOT", str(everything.root)) for part in command)))
    assert answer.code in (0, 1)
    seen = set(_keys(answer.json, section))
    assert seen
    if section == "show":  # of a file it is that of `files`, and more
        seen = {(where, key) for where, key in seen if f"`{key}`" not in SECTIONS["files"]}
    if section == "receipt":
        seen = {(where, key) for where, key in seen if key not in ("list_digests", "not_here")}
    assert {(where, key) for where, key in seen if f"`{key}`" not in SECTIONS[where]} == set()
