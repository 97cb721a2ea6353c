"""Which names are passed over, and by which rule? Footage must never be; litter and half-made copies always."""

from __future__ import annotations

import pytest

from assetwatch.ingest.ignore import CATALOG, RSYNC, Ignore

FOOTAGE = [
    "A001C001_261123_R1AB.mov",
    "A001_C001_0101AB_001.R3D",
    "plate.1001.exr",
    ".hidden.mov",
    "notes.template",
    "part.mov",
    "Icon",
    "my.partial.mov",
    ".config.folder",  # six lower-case letters: a person's dot file, not rsync's
    "ÉTÉ 2026.wav",
    "line\nbreak.mov",
    "tmp",
    "A001.RDC",
    "ASCMHL.mhl",
]

LITTER = {
    ".DS_Store": ".DS_Store",
    "._A001C001.mov": "._*",
    "Thumbs.db": "Thumbs.db",
    ".Trash-1000": ".Trash-*",
    "Icon\r": "Icon\r",
    "@eaDir": "@eaDir",
    ".nfs00000000012a3b4c": ".nfs[0-9a-f]*",
    "A001.mov.part": "*.part",
    "A001.mov.filepart": "*.filepart",
    "A001.mov.aspx": "*.aspx",
    "A001.mov.crdownload": "*.crdownload",
    "line\nbreak.mov.tmp": "*.tmp",
    ".A001C001.mov.Xy12Ab": RSYNC,
    ".A001C001.mov.aB3dEf": RSYNC,
}


@pytest.mark.parametrize("name", FOOTAGE)
def test_footage_is_never_passed_over(name: str) -> None:
    """No built-in rule fits what a camera, a recorder or a person names a file."""
    assert Ignore().rule(name, name, False) is None


@pytest.mark.parametrize(("name", "rule"), LITTER.items())
def test_litter_and_half_made_copies_are_named_by_rule(name: str, rule: str) -> None:
    """What systems and copy tools leave is passed over, and the rule is told."""
    assert Ignore().rule(name, name, False) == rule


def test_own_simple_pattern_fits_names_everywhere() -> None:
    """A pattern without a slash is asked of names at any depth."""
    ignore = Ignore(["*.bak", "draft[0-9]?.mov"])
    assert ignore.rule("a/b/c.bak", "c.bak", False) == "*.bak"
    assert ignore.rule("draft1x.mov", "draft1x.mov", False) == "draft[0-9]?.mov"
    assert ignore.rule("a/c.bak.mov", "c.bak.mov", False) is None


def test_own_pattern_with_a_slash_fits_paths() -> None:
    """A leading or inner slash ties a pattern to the root, with gitignore's meaning."""
    ignore = Ignore(["/cache", "REEL/*/proxy"])
    assert ignore.rule("cache", "cache", True) == "/cache"
    assert ignore.rule("deep/cache", "cache", True) is None
    assert ignore.rule("REEL/01/proxy", "proxy", True) == "REEL/*/proxy"
    assert ignore.rule("REEL/01/02/proxy", "proxy", True) is None


def test_pattern_that_ends_in_a_slash_fits_folders_only() -> None:
    """`cache/` leaves a file of that name alone."""
    ignore = Ignore(["cache/"])
    assert ignore.rule("a/cache", "cache", True) == "cache/"
    assert ignore.rule("a/cache", "cache", False) is None


def test_below_an_ignored_folder_everything_is_passed_over() -> None:
    """A path is passed over for any folder above it; for a file's own name only as a file."""
    ignore = Ignore(["cache/"])
    assert ignore.passes_over("cache/a/b.mov", False)
    assert ignore.passes_over("x/.Trashes/501/a.mov", False)
    assert not ignore.passes_over("x/cache", False)
    assert not ignore.passes_over("x/a.mov", False)


def test_the_catalog_is_no_footage() -> None:
    """Where the catalog lies on the volume, its files are passed over, and nothing else that begins like it."""
    ignore = Ignore([], "notes/c\udcff")
    for rest in ("", "-wal", "-shm", "-journal", ".volume-3.lock", ".volume-3-check.lock", ".backup-20261130-120000"):
        assert ignore.rule(f"notes/c\udcff{rest}", f"c\udcff{rest}", False) == CATALOG
    for path in ("notes/c\udcfflip.mov", "notes/c\udcff/a.mov", "c\udcff", "notes/c\udcff-wal.mov"):
        assert ignore.rule(path, path.rpartition("/")[2], False) is None
    assert ignore.fingerprint != Ignore().fingerprint


def test_other_rules_have_another_fingerprint() -> None:
    """Folders are listed anew when the rules change, and only then."""
    assert Ignore(["*.bak"]).fingerprint == Ignore(["*.bak"]).fingerprint
    assert len({Ignore(rules).fingerprint for rules in ([], ["*.bak"], ["*.BAK"], ["/a"], ["a/"])}) == 5


def test_names_that_are_no_utf8_are_matched() -> None:
    """Rules see names as `os` functions give them."""
    assert Ignore().rule("A\udcff.mov", "A\udcff.mov", False) is None
    assert Ignore().rule("A\udcff.part", "A\udcff.part", False) == "*.part"
