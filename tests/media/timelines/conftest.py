"""Where do the tests find other people's cut lists?"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of third-party packages with expected readings; tests that need it are skipped without it."""
    named = os.environ.get("ASSETWATCH_CORPUS")
    folder = Path(named) if named else Path(__file__).parents[3].parent / "shared" / "corpus"
    if not (folder / "INDEX.md").is_file():
        pytest.skip(f"no corpus at {folder}: set ASSETWATCH_CORPUS")
    return folder


def table(path: Path) -> dict[str, list[dict[str, str]]]:
    """A tab-separated table of the corpus, its rows by their `file` column."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["file"] != "file":
                rows[row["file"]].append(row)
    return dict(rows)


@pytest.fixture(scope="session")
def tables(corpus: Path) -> dict[str, dict[str, list[dict[str, str]]]]:
    """The tables of the editorial set by name."""
    folder = corpus / "05-editorial"
    return {path.stem: table(path) for path in folder.glob("expected_*.tsv")}
