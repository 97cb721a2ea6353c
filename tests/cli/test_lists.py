"""Do `files`, `assets`, `show` and `status` say what the contract promises: to a person, in a pipe, as JSON and CSV?"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from assetwatch.paths import from_percent, to_os

#: A colour or another control sequence of a terminal.
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

FILE_KEYS = {
    *("volume", "path", "size", "mtime", "presence", "integrity", "digests", "media", "sequence", "deliverables"),
    *("first_seen", "recorded_at", "verified_at", "checked_at", "problems"),
}
ASSET_KEYS = {"volume", "kind", "name", "path", "frames", "size", "presence", "integrity"}


def _is_rfc3339_utc(text: str) -> bool:
    return text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None


class TestFiles:
    """`assetwatch files`."""

    def test_json_has_every_key_of_the_contract(self, call: Callable[..., Any], stock: Any) -> None:
        """Each file has every key, times are RFC 3339 in UTC, sizes are bytes."""
        answer = call(*stock.args("files", "--json"))
        assert answer.code == 0
        assert answer.err == ""
        files = {one["path"]: one for one in answer.json}
        assert len(files) == 9
        for one in files.values():
            assert set(one) >= FILE_KEYS
            assert one["volume"] == "ingest"
            assert one["presence"] == "present"
            assert one["integrity"] == "recorded"
            assert list(one["digests"]) == ["xxh128"]
            assert one["deliverables"] == []
            assert one["problems"] == []
            assert all(_is_rfc3339_utc(one[key]) for key in ("mtime", "first_seen", "recorded_at"))
            assert one["verified_at"] is None
        sound = files["A001/S001T01.wav"]
        assert sound["size"] == (stock.root / "A001" / "S001T01.wav").stat().st_size
        assert sound["media"]["audio"][0]["sample_rate"] == 48000
        assert sound["sequence"] is None
        assert files["A001/notes with 'quotes' & [brackets].txt"]["media"] is None
        assert files["VFX/plate.1001.dpx"]["sequence"] == "VFX/plate.[1001-1004].dpx"

    def test_json_of_nothing_is_an_empty_array(self, call: Callable[..., Any], stock: Any) -> None:
        """No file that fits is no error: an empty array."""
        answer = call(*stock.args("files", "no-such-name", "--json"))
        assert (answer.code, answer.json) == (0, [])

    def test_a_name_that_is_not_utf8_keeps_its_bytes(self, call: Callable[..., Any], stock: Any) -> None:
        """`path` can be read, `path_bytes` is exact and leads back to the file on disk."""
        (one,) = [one for one in call(*stock.args("files", "--json")).json if "bad" in one["path"]]
        assert one["path"] == "A001/bad\ufffd.mov"
        assert one["path_bytes"] == "A001/bad%FF.mov"
        assert (stock.root / to_os(from_percent(one["path_bytes"]))).is_file()

    def test_only_such_a_name_has_path_bytes(self, call: Callable[..., Any], stock: Any) -> None:
        """A name in UTF-8, whatever it is, needs no second form."""
        with_bytes = [one["path"] for one in call(*stock.args("files", "--json")).json if "path_bytes" in one]
        assert with_bytes == ["A001/bad\ufffd.mov"]

    def test_links_and_special_files_only_when_asked(self, call: Callable[..., Any], stock: Any) -> None:
        """`--all` adds links, with their target, and what is no file."""
        kinds = {one["path"]: one for one in call(*stock.args("files", "--all", "--json")).json}
        assert len(kinds) == 11
        assert kinds["link.wav"]["kind"] == "symlink"
        assert kinds["link.wav"]["target"] == "A001/S001T01.wav"
        assert kinds["link.wav"]["digests"] == {}
        assert kinds["pipe"]["kind"] == "special"

    @pytest.mark.parametrize(
        ("pattern", "count"),
        [("A001", 4), ("A001/", 4), ("*.dpx", 3), ("VFX/*1002*", 1), ("S001T01.wav", 1), ("A001/S001T01.wav", 1)],
    )
    def test_patterns(self, pattern: str, count: int, call: Callable[..., Any], stock: Any) -> None:
        """A folder, a glob over names, a glob over paths, a name and a path."""
        assert len(call(*stock.args("files", pattern, "--json")).json) == count

    def test_csv(self, call: Callable[..., Any], stock: Any) -> None:
        """CSV has a header line, a row a file, and survives names with newlines and quotes."""
        answer = call(*stock.args("files", "--csv"))
        rows = list(csv.DictReader(io.StringIO(answer.out)))
        assert answer.code == 0
        assert len(rows) == 9
        assert set(rows[0]) >= {"volume", "path", "size", "presence", "integrity", "digests", "problems"}
        by_path = {row["path"]: row for row in rows}
        assert by_path["A001/two\nlines.txt"]["size"] == "1"
        assert by_path["A001/S001T01.wav"]["digests"].startswith("xxh128:")

    def test_csv_is_no_formula(self, call: Callable[..., Any], stock: Any) -> None:
        """A name that a spreadsheet would take for a formula is made plain text."""
        rows = list(csv.DictReader(io.StringIO(call(*stock.args("files", "--csv")).out)))
        assert "'=1+1.csv" in {row["path"] for row in rows}

    def test_limit(self, call: Callable[..., Any], stock: Any) -> None:
        """`--limit` bounds the rows, 0 does not."""
        assert len(call(*stock.args("files", "--json", "--limit", "2")).json) == 2
        assert len(call(*stock.args("files", "--json", "--limit", "0")).json) == 9

    def test_since(self, call: Callable[..., Any], stock: Any) -> None:
        """`--since` takes an age, a date and an instant."""
        for given, count in (("1d", 9), ("2000-01-01", 9), ("2999-01-01T00:00:00Z", 0)):
            assert len(call(*stock.args("files", "--json", "--since", given)).json) == count, given

    def test_since_of_something_else(self, call: Callable[..., Any], stock: Any) -> None:
        """What is neither is refused, with what was expected."""
        answer = call(*stock.args("files", "--since", "yesterday"))
        assert answer.code == 2
        assert "2026-11-23" in answer.err
        assert '"2d"' in answer.err

    def test_volume_that_is_not_known(self, call: Callable[..., Any], stock: Any) -> None:
        """A volume that does not exist has no files: an empty list."""
        assert call(*stock.args("files", "--volume", "elsewhere", "--json")).json == []

    def test_control_characters_never_reach_the_screen(self, call: Callable[..., Any], stock: Any) -> None:
        """A newline in a name is shown as an escape: a row stays a row."""
        answer = call(*stock.args("files"))
        assert "two\\nlines.txt" in answer.out
        assert "two\nlines" not in answer.out

    def test_no_catalog_yet(self, call: Callable[..., Any], tmp_path: Any) -> None:
        """Without a catalog the way to one is said, nothing is made, and the code is 3."""
        answer = call("--catalog", tmp_path / "none.db", "files")
        assert answer.code == 3
        assert "assetwatch scan DIR" in answer.err
        assert list(tmp_path.iterdir()) == []


class TestAssets:
    """`assetwatch assets`."""

    def test_json(self, call: Callable[..., Any], stock: Any) -> None:
        """A sequence is one asset with its frames; every other file is one of its own."""
        answer = call(*stock.args("assets", "--json"))
        assert answer.code == 0
        assets = {one["name"]: one for one in answer.json}
        assert len(assets) == 7
        assert all(set(one) >= ASSET_KEYS for one in assets.values())
        plate = assets["VFX/plate.[1001-1004].dpx"]
        assert plate["kind"] == "sequence"
        assert plate["path"] == "VFX/plate.1001.dpx"
        assert plate["size"] == 3 * 4096
        frames = plate["frames"]
        assert (frames["first"], frames["last"], frames["count"], frames["missing"]) == (1001, 1004, 3, [1003])
        assert assets["A001/S001T01.wav"]["kind"] == "file"
        assert assets["A001/S001T01.wav"]["frames"] is None

    def test_csv(self, call: Callable[..., Any], stock: Any) -> None:
        """CSV gives the missing frames as ranges."""
        rows = {row["name"]: row for row in csv.DictReader(io.StringIO(call(*stock.args("assets", "--csv")).out))}
        assert rows["VFX/plate.[1001-1004].dpx"]["missing"] == "1003"
        assert rows["A001/S001T01.wav"]["first"] == ""

    def test_table(self, call: Callable[..., Any], stock: Any) -> None:
        """The table shows the sequence as one row, with its missing frame."""
        (row,) = [line for line in call(*stock.args("assets")).out.splitlines() if "plate" in line]
        assert re.search(r"plate\.\[1001-1004\]\.dpx\s+3\s+1003\s", row)

    @pytest.mark.parametrize("pattern", ["VFX", "plate.1002.dpx", "*.dpx", "plate.[1001-1004].dpx"])
    def test_patterns_find_a_sequence(self, pattern: str, call: Callable[..., Any], stock: Any) -> None:
        """A sequence is found by its folder, one of its frames, a glob, and its own name."""
        assert [one["kind"] for one in call(*stock.args("assets", pattern, "--json")).json] == ["sequence"]


class TestShow:
    """`assetwatch show`."""

    def test_a_story_in_words(self, call: Callable[..., Any], stock: Any) -> None:
        """The story says what it is, that its bytes are recorded, since when, with which digest."""
        answer = call(*stock.args("show", "A001/S001T01.wav"))
        assert answer.code == 0
        for words in ("ingest:A001/S001T01.wav", "present, recorded", "first seen", "came to rest", "48000 Hz"):
            assert words in answer.out
        assert re.search(r"xxh128 +[0-9a-f]{32}", answer.out)

    def test_ways_to_name_a_file(self, call: Callable[..., Any], stock: Any) -> None:
        """A path on disk, a path below the volume, `volume:path`, and percent-encoded bytes."""
        for given in (stock.root / "A001/S001T01.wav", "A001/S001T01.wav", "ingest:A001/S001T01.wav"):
            assert call(*stock.args("show", given, "--json")).json["path"] == "A001/S001T01.wav"
        assert call(*stock.args("show", "A001/bad%FF.mov", "--json")).json["path_bytes"] == "A001/bad%FF.mov"

    def test_json(self, call: Callable[..., Any], stock: Any) -> None:
        """The document is that of `files`, with versions, observations, claims and the probe."""
        document = call(*stock.args("show", "A001/S001T01.wav", "--json")).json
        assert set(document) >= FILE_KEYS | {"versions", "observations", "claims", "probe"}
        (version,) = document["versions"]
        assert version["digests"] == document["digests"]
        assert version["superseded_at"] is None
        assert document["probe"]["status"] == "ok"
        assert _is_rfc3339_utc(document["probe"]["probed_at"])

    def test_a_link(self, call: Callable[..., Any], stock: Any) -> None:
        """A link is told as a link, with where it points."""
        assert "symbolic link to `A001/S001T01.wav`" in call(*stock.args("show", "link.wav")).out

    def test_a_folder(self, call: Callable[..., Any], stock: Any) -> None:
        """A folder is summed up, with its assets."""
        answer = call(*stock.args("show", "VFX"))
        assert answer.code == 0
        assert "3 files" in answer.out
        assert "plate.[1001-1004].dpx" in answer.out
        document = call(*stock.args("show", "VFX", "--json")).json
        assert document["states"] == [{"presence": "present", "integrity": "recorded", "files": 3, "size": 12288}]

    def test_unknown(self, call: Callable[..., Any], stock: Any) -> None:
        """A file that the catalog does not know is a wrong usage, and nothing is on standard output."""
        answer = call(*stock.args("show", "nowhere.mov"))
        assert (answer.code, answer.out) == (2, "")
        assert "nowhere.mov" in answer.err

    def test_a_missing_file_is_wrong(self, call: Callable[..., Any], trouble: Any) -> None:
        """A file that has gone is told with since when, and the code is 1."""
        answer = call(*trouble.args("show", "A002/gone.mov"))
        assert answer.code == 1
        assert "Gone since" in answer.out

    def test_a_mismatch_is_wrong(self, call: Callable[..., Any], trouble: Any) -> None:
        """A file that is not what its sender listed says which list, and both digests."""
        answer = call(*trouble.args("show", "A002/other.mov"))
        assert answer.code == 1
        assert "other.md5" in answer.out
        assert "0123456789abcdef0123456789abcdef" in answer.out


def test_names_that_read_the_same(call: Callable[..., Any], tmp_path: Path) -> None:
    """Two files whose names differ in their Unicode form only: both are kept, and each tells of the other."""
    (tmp_path / "ingest").mkdir()
    for name in ("caf\u00e9.mov", "cafe\u0301.mov", "cafe.mov"):
        (tmp_path / "ingest" / name).write_bytes(name.encode())
    catalog = ("--catalog", tmp_path / "c.db")
    call(*catalog, "scan", tmp_path / "ingest", "--settle", "50ms")
    assert "reads the same, in other bytes: cafe%CC%81.mov" in call(*catalog, "show", "caf\u00e9.mov").out
    (problem,) = call(*catalog, "show", "cafe\u0301.mov", "--json").json["problems"]
    assert "caf%C3%A9.mov, and this one is cafe%CC%81.mov" in problem
    assert call(*catalog, "show", "cafe.mov", "--json").json["problems"] == []


def test_odd_frames_are_told_in_text(call: Callable[..., Any], tmp_path: Path) -> None:
    """A sequence's missing, empty and odd frames stand in its row, in a pipe in one line, and in its folder's story."""
    folder = tmp_path / "ingest" / "VFX"
    folder.mkdir(parents=True)
    for frame in range(1001, 1040):
        size = 0 if frame == 1010 else 9 if frame == 1020 else 4096
        if frame % 5 != 3:
            (folder / f"plate.{frame}.dpx").write_bytes(bytes([frame % 256]) * size)
    catalog = ("--catalog", tmp_path / "c.db")
    call(*catalog, "scan", tmp_path / "ingest", "--settle", "50ms")
    missing = "1003,1008,1013,1018,1023,1028,1033,1038"
    (_, row) = call(*catalog, "assets").out.splitlines()
    assert f"{missing}; empty 1010; odd size 1020" in row
    assert row == row.rstrip()
    assert f"31 frames, 119 kB, missing {missing}, empty 1010, odd size 1020" in call(*catalog, "show", "VFX").out
    header, line = call(*catalog, "assets", "--csv").out.splitlines()
    assert header.endswith(",zero_byte,size_outliers")
    assert line.endswith(",1010,1020")


def test_what_is_no_file_is_not_called_recorded(call: Callable[..., Any], stock: Any) -> None:
    """A link's row says where it points, a FIFO's that it is special: neither has bytes that could be recorded."""
    rows = {line.split("  ")[0]: line for line in call(*stock.args("files", "--all")).out.splitlines()}
    assert rows["link.wav -> A001/S001T01.wav"].split()[3:5] == ["present", "link"]
    assert rows["pipe"].split()[1:3] == ["present", "special"]
    assert "First seen" in call(*stock.args("show", "pipe")).out


def test_asset_whose_name_is_no_utf_8(call: Callable[..., Any], tmp_path: Path) -> None:
    """It keeps its bytes, beside what can be shown of them."""
    (tmp_path / "ingest").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "ingest") + b"/gr\xfcn.mov")).write_bytes(b"x")
    catalog = ("--catalog", tmp_path / "c.db")
    call(*catalog, "scan", tmp_path / "ingest", "--settle", "50ms", "--json")
    (one,) = call(*catalog, "assets", "--json").json
    assert (one["path"], one["path_bytes"]) == ("gr\ufffdn.mov", "gr%FCn.mov")


class TestStatus:
    """`assetwatch status`."""

    def test_json(self, call: Callable[..., Any], stock: Any) -> None:
        """Every key of the contract is there; nothing is wrong, so the code is 0."""
        answer = call(*stock.args("status", "--json"))
        assert answer.code == 0
        document = answer.json
        (volume,) = document["volumes"]
        assert set(volume) >= {"name", "root", "online", "watching", "files", "arriving", "last_event", "last_scan"}
        assert (volume["name"], volume["online"], volume["files"], volume["arriving"]) == ("ingest", True, 9, 0)
        assert volume["root"] == str(stock.root)
        assert document["files"] == {
            "by_presence": {"present": 9},
            "by_integrity": {"recorded": 9},
            "acknowledged": {},
        }
        assert (document["deliverables"]["by_status"], document["deliverables"]["late"]) == ({}, 0)
        assert [document[key] for key in ("last_verification", "last_report", "daemon")] == [None, None, None]

    def test_says_that_nobody_watches(self, call: Callable[..., Any], stock: Any) -> None:
        """Without a daemon the first page says so, and how to start one."""
        assert "assetwatch run" in call(*stock.args("status")).out

    def test_wrong_files_come_first(self, call: Callable[..., Any], trouble: Any) -> None:
        """What is wrong stands on top, and the code is 1."""
        answer = call(*trouble.args("status"))
        assert answer.code == 1
        top = answer.out.split("VOLUME")[0]
        assert "mismatch: ingest:A002/other.mov" in top
        assert "missing: ingest:A002/gone.mov" in top
        document = call(*trouble.args("status", "--json")).json
        assert {(one["path"], one["state"]) for one in document["problems"]} == {
            ("A002/other.mov", "mismatch"),
            ("A002/gone.mov", "missing"),
        }

    def test_a_bad_age(self, call: Callable[..., Any], stock: Any) -> None:
        """`--since` is checked."""
        assert call(*stock.args("status", "--since", "soon")).code == 2


class TestOutput:
    """What holds for every table."""

    @pytest.mark.parametrize("command", [["files"], ["assets"], ["status"], ["show", "VFX"], ["doctor"]])
    def test_tables_fit_a_terminal(self, command: list[str], stock: Any, terminal: Callable[..., str]) -> None:
        """No line is wider than 80 columns of a terminal, and there are colours."""
        out = terminal(*stock.args(*command))
        lines = [ESCAPE.sub("", line) for line in out.replace("\r", "").split("\n")]
        assert len(lines) > 3
        assert [line for line in lines if len(line) > 80] == []

    def test_colours_on_a_terminal_only(
        self, trouble: Any, terminal: Callable[..., str], program: Callable[..., Any]
    ) -> None:
        """The same page has control sequences on a terminal and none in a pipe."""
        assert ESCAPE.search(terminal(*trouble.args("status")))
        for command in ("status", "files", "assets", "doctor"):
            assert b"\x1b" not in program(*trouble.args(command)).stdout, command

    def test_no_colour_where_it_is_not_wanted(self, trouble: Any) -> None:
        """NO_COLOR is heeded by a program that writes on a terminal (no-color.org)."""
        pytest.importorskip("rich")
        from rich.console import Console

        assert Console(force_terminal=True, _environ={"NO_COLOR": "1"}).no_color

    @pytest.mark.parametrize("command", ["files", "assets", "status"])
    def test_plain_c_locale(self, command: str, stock: Any, program: Callable[..., Any]) -> None:
        """In LANG=C and in a narrow pipe nothing fails, whatever the names are."""
        env = {"LC_ALL": "C", "LANG": "C", "COLUMNS": "80"}
        for more in ([], ["--json"]):
            done = program(*stock.args(command, *more), env=env)
            assert done.returncode == 0, done.stderr
        if command == "files":
            assert len(json.loads(done.stdout)) == 9

    def test_a_latin_locale(self, stock: Any, program: Callable[..., Any]) -> None:
        """Where standard output is not UTF-8, what it cannot say is escaped and nothing fails."""
        env = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
        for command in (["files"], ["files", "--json"], ["files", "--csv"]):
            done = program(*stock.args(*command), env=env)
            assert done.returncode == 0, done.stderr.decode()
            if "--json" in command:
                assert "caf\u00e9 \U0001f3ac.txt" in {one["path"] for one in json.loads(done.stdout)}

    def test_a_row_is_a_line_in_a_pipe(self, call: Callable[..., Any], tmp_path: Any) -> None:
        """A path as long as paths may be is not folded where no terminal asks for it."""
        deep = tmp_path / "ingest" / "/".join(["a-rather-long-folder-name"] * 30)
        deep.mkdir(parents=True)
        (deep / f"{'n' * 240}.txt").write_bytes(b"x")
        catalog = ("--catalog", tmp_path / "catalog.db")
        call(*catalog, "scan", tmp_path / "ingest", "--settle", "50ms")
        assert len([line for line in call(*catalog, "files").out.splitlines() if "nnn.txt" in line]) == 1
        assert len(call(*catalog, "files").out.splitlines()) == 2

    @pytest.mark.parametrize("command", [["files"], ["files", "--json"], ["files", "--csv"], ["assets", "--json"]])
    def test_a_reader_that_leaves(self, command: list[str], stock: Any) -> None:
        """When the other end of the pipe is closed, as by `head`, no traceback follows."""
        ours, theirs = os.pipe()
        os.close(ours)
        done = subprocess.run(
            [sys.executable, "-m", "assetwatch", *stock.args(*command)],
            stdout=theirs,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(theirs)
        assert done.stderr == b""
        assert done.returncode == 0
