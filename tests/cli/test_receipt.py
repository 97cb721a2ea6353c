"""Is a receipt on the command line a document for scripts and a page to print?"""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.senders import flip, put, roll, sums

Call = Callable[..., Any]


class Tags(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def scanned(call: Call, tmp_path: Path, *, wrong: bool = False) -> tuple[Path, tuple[str, ...]]:
    """A roll with its list, scanned; the volume and the catalog's option."""
    root = tmp_path / "ingest"
    put(root, {**roll(2, "A001"), "A001/A001.md5": sums(roll(2)), "A001/<b>&.txt": b"x"})
    if wrong:
        flip(root / "A001/C0001.mov")
    catalog = ("--catalog", str(tmp_path / "catalog.db"))
    answer = call(*catalog, "scan", root, "--settle", "50ms", "--json")
    assert answer.code == (1 if wrong else 0), answer.err
    return root, catalog


def test_document(call: Call, tmp_path: Path) -> None:
    """--json is one document on standard output; exit 0 where everything is as it should be."""
    root, catalog = scanned(call, tmp_path)
    answer = call(*catalog, "receipt", root / "A001", "--json")
    assert answer.code == 0
    assert answer.json["complete"]
    assert answer.json["files"] == 4
    assert answer.json["root_digest"].startswith("sha256:")


def test_page(call: Call, tmp_path: Path) -> None:
    """The page needs nothing outside of it, and a name cannot put anything into it."""
    root, catalog = scanned(call, tmp_path)
    answer = call(*catalog, "receipt", f"{root.name}:A001")
    page = Tags(answer.out)
    assert answer.code == 0
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert page.sources == []
    assert "A001/<b>&.txt" in page.text
    assert "Complete: everything is as it should be." in page.text


def test_file_by_its_ending(call: Call, tmp_path: Path) -> None:
    """-o writes the form that the name asks for, and says what it wrote."""
    root, catalog = scanned(call, tmp_path)
    out = tmp_path / "receipt.json"
    answer = call(*catalog, "receipt", root / "A001", "-o", out)
    assert answer.code == 0
    assert answer.out == ""
    assert json.loads(out.read_text())["root_digest"] in answer.err


def test_what_is_wrong_ends_with_1(call: Call, tmp_path: Path) -> None:
    """A receipt of a roll with a mismatch is no proof, and says so."""
    root, catalog = scanned(call, tmp_path, wrong=True)
    answer = call(*catalog, "receipt", root / "A001")
    assert answer.code == 1
    assert "Not complete, see below." in answer.out
    assert "mismatch" in answer.out


def test_receipt_for_a_deliverable(call: Call, tmp_path: Path) -> None:
    """A deliverable's id gives the proof for all that is linked to it: complete once it is fulfilled, not before."""
    root, catalog = scanned(call, tmp_path)
    schedule = tmp_path / "show.toml"
    items = "".join(
        f'[[deliverable.item]]\nname = "{name}"\nmatch = "A001/{name}*"\n' for name in ("C0001", "C0002", "C0003")
    )
    schedule.write_text(f'[[deliverable]]\nid = "DAY1"\nname = "Day 1"\nfrom = "DIT <b>"\n{items}')
    assert call(*catalog, "schedule", "import", schedule).code == 0
    answer = call(*catalog, "receipt", "DAY1", "--json")
    found = answer.json
    assert (answer.code, found["complete"], found["deliverable"]["missing"]) == (1, False, ["C0003"])
    put(root, {"A001/C0003.mov": b"came later"})
    call(*catalog, "scan", root, "--settle", "50ms", "--json")
    answer = call(*catalog, "receipt", "--deliverable", "DAY1", "--json")
    assert (answer.code, answer.json["complete"]) == (0, True)
    told = {(one["volume"], one["path"], one["state"]) for one in answer.json["entries"]}
    assert told == {
        (root.name, "A001/C0001.mov", "verified"),
        (root.name, "A001/C0002.mov", "verified"),
        (root.name, "A001/C0003.mov", "recorded"),
    }
    page = Tags(call(*catalog, "receipt", "DAY1").out)
    assert "Receipt for DAY1, Day 1" in page.text
    assert "DIT <b>" in page.text
    assert f"{root.name}:A001/C0003.mov" in page.text
    assert call(*catalog, "receipt", "--deliverable", "DAY2").code == 2


def test_unknown_path(call: Call, tmp_path: Path) -> None:
    """What the catalog does not know is wrong usage."""
    _, catalog = scanned(call, tmp_path)
    assert call(*catalog, "receipt", "nowhere").code == 2


def test_file_that_cannot_be_written(call: Call, tmp_path: Path) -> None:
    """A wrong -o is told in a sentence."""
    root, catalog = scanned(call, tmp_path)
    answer = call(*catalog, "receipt", root / "A001", "-o", tmp_path / "none" / "r.html")
    assert answer.code == 2
    assert "cannot be written" in answer.err
