"""Is everything that the package can say told in its reference page?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assetwatch.checksum.manifests import formats
from assetwatch.checksum.manifests.resolve import WAYS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/manifests.md").read_text()
SOURCES = sorted((ROOT / "assetwatch/checksum/manifests").glob("*.py"))
KINDS = sorted({kind for source in SOURCES for kind in re.findall(r'Finding\(\s*"([a-z-]+)"', source.read_text())})


@pytest.mark.parametrize("kind", [*KINDS, *WAYS])
def test_kinds_of_findings_are_documented(kind: str) -> None:
    """Each kind stands in the page in code letters."""
    assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("name", [known.name for known in formats.formats()])
def test_formats_are_documented(name: str) -> None:
    """Each built-in format has a row."""
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_one_door_for_each_library(source: Path) -> None:
    """lxml is known to one module only, pathspec to another."""
    text = source.read_text()
    assert ("lxml" in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)) == (source.name == "xml.py")
    assert ("pathspec" in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)) == (source.name == "ignore.py")
