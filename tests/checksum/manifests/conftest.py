"""Where is the reference corpus, and how are its tables read?"""

from __future__ import annotations

import csv
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assetwatch import paths

CORPUS = Path(os.environ.get("ASSETWATCH_CORPUS") or Path(__file__).parents[4] / "shared" / "corpus")

#: The words of the tables in ours; `extra` and `ignored` are about files that no entry names.
WORDS = {
    "verified": "verified",
    "mismatch": "mismatch",
    "conflict": "mismatch",
    "missing": "missing",
    "size-only": "uncheckable",
    "unverifiable": "uncheckable",
    "unsafe-path": "uncheckable",
    "not-in-assetmap": "uncheckable",
    "extra": "extra",
}


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The corpus; tests that need it are skipped where it is absent."""
    if not CORPUS.is_dir():
        pytest.skip(f"no reference corpus at {CORPUS} (set ASSETWATCH_CORPUS)")
    return CORPUS


@pytest.fixture(scope="session")
def unpacked(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Gives the folder of a package, from its tar where it stands as one."""

    def unpack(folder: Path) -> Path:
        if folder.exists():
            return folder
        tar = folder.with_name(folder.name + ".tar")
        target = tmp_path_factory.mktemp(folder.name)
        with tarfile.open(tar) as archive:
            archive.extractall(target, filter="fully_trusted")
        return target / folder.name

    return unpack


def table(path: Path) -> list[dict[str, str]]:
    """The rows of one of the corpus's tables."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def named(cell: str) -> str:
    """The path in a path column, as catalog text."""
    return paths.from_percent(cell)
