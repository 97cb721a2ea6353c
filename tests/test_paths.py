"""Does any name that a disk can hold survive as text, and is it shown without harm?"""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.paths import comparable, from_os, from_percent, is_formula, join, percent, readable, shown, to_os

#: Any name of a POSIX file system: bytes but NUL and `/`.
NAMES = st.binary(min_size=1, max_size=60).map(lambda raw: raw.replace(b"\0", b"a").replace(b"/", b"b"))
#: Any path: names with single slashes between.
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(b"/".join)


@given(PATHS)
def test_no_byte_is_lost(raw: bytes) -> None:
    """From bytes to text and back."""
    assert os.fsencode(to_os(from_os(os.fsdecode(raw)))) == raw


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("=1+1", True),
        ("@SUM(A1)", True),
        (" -3", True),
        ("\t+1", True),
        ("\uff1dcmd", True),
        ("a=1", False),
        ("", False),
    ],
)
def test_what_a_spreadsheet_would_compute(text: str, is_one: bool) -> None:
    """Also behind blanks, and in the wide forms of East Asia."""
    assert is_formula(text) is is_one


@given(PATHS)
def test_a_database_takes_it(raw: bytes) -> None:
    """The text has no lone surrogates: any database stores it."""
    assert from_os(os.fsdecode(raw)).encode("utf-8")


@given(PATHS, PATHS)
def test_different_paths_are_different_texts(one: bytes, other: bytes) -> None:
    """No two paths share a text."""
    assert (from_os(os.fsdecode(one)) == from_os(os.fsdecode(other))) == (one == other)


@given(PATHS)
def test_percent_is_exact(raw: bytes) -> None:
    """Where there is a percent-encoded form it is ASCII, and leads back; where there is none, `readable` is exact."""
    text = from_os(os.fsdecode(raw))
    encoded = percent(text)
    if encoded is None:
        assert readable(text).encode() == raw
    else:
        assert encoded.isascii()
        assert from_percent(encoded) == text


@given(PATHS)
def test_shown_is_one_harmless_line(raw: bytes) -> None:
    """Nothing that a terminal would obey, and no newline, comes through."""
    assert shown(from_os(os.fsdecode(raw))).isprintable()


def test_a_name_of_mixed_bytes() -> None:
    """The readable part stays readable."""
    text = from_os(os.fsdecode(b"A001/caf\xe9 \xf0\x9f\x8e\xac.mov"))
    assert text == "A001/caf//E9 \U0001f3ac.mov"
    assert readable(text) == "A001/caf\ufffd \U0001f3ac.mov"
    assert percent(text) == "A001/caf%E9%20%F0%9F%8E%AC.mov"


def test_a_name_in_utf8_is_itself() -> None:
    """An ordinary name is stored as it is, whatever is in it."""
    for name in ("plain", "caf\u00e9", "cafe\u0301", "日本", "a%20b", "\\xff", "two\nlines"):
        assert from_os(name) == name
        assert to_os(name) == name
        assert percent(name) is None


def test_control_characters_are_escaped() -> None:
    """Escape sequences, newlines and direction marks are shown as what they are."""
    assert shown("a\nb") == "a\\nb"
    assert shown("\x1b[31mred") == "\\x1b[31mred"
    assert shown("a\u202eb") == "a\\u202eb"
    assert shown("caf\u00e9 \U0001f3ac") == "caf\u00e9 \U0001f3ac"


def test_spellings_compare_equal() -> None:
    """NFC and NFD of one name compare equal, and different names do not."""
    assert comparable("cafe\u0301") == comparable("caf\u00e9") == unicodedata.normalize("NFC", "cafe\u0301")
    assert comparable("cafe") != comparable("caf\u00e9")


@pytest.mark.parametrize(("folder", "name", "path"), [("", "a", "a"), ("A001", "a", "A001/a"), ("a/b", "c", "a/b/c")])
def test_join(folder: str, name: str, path: str) -> None:
    """The root folder is the empty text."""
    assert join(folder, name) == path


def test_real_files(tmp_path: Path) -> None:
    """A file with such a name is found again through SQLite, of 255 bytes and at any depth too."""
    names = [b"bad\xff.mov", b"a" * 255, "é".encode() * 127, b"new\nline", b"quote'\"", b" lead", b"%41", b"-dash"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(name)
    connection = sqlite3.connect(":memory:")
    connection.execute("create table file (name text) strict")
    connection.executemany("insert into file values (?)", [(from_os(name),) for name in os.listdir(tmp_path)])
    for (text,) in connection.execute("select name from file").fetchall():
        assert (tmp_path / to_os(text)).read_bytes() == os.fsencode(to_os(text))
    connection.close()
