"""Do `hash` and `probe` do their one job, beside other tools?"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetwatch.config import ALGORITHM_NAMES

KEYS = {"container", "duration", "start_timecode", "video", "audio", "other"}


class TestHash:
    """`assetwatch hash`."""

    def test_json(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """Path, size and digests of each file, in the order given."""
        for name in ("b.mov", "a.mov"):
            (tmp_path / name).write_bytes(name.encode() * 100)
        answer = call("hash", tmp_path / "b.mov", tmp_path / "a.mov", "-a", "md5", "-a", "sha256", "--json")
        assert answer.code == 0
        assert [one["path"] for one in answer.json] == [str(tmp_path / "b.mov"), str(tmp_path / "a.mov")]
        content = b"b.mov" * 100
        assert answer.json[0]["size"] == 500
        assert answer.json[0]["digests"] == {
            "md5": hashlib.md5(content).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def test_every_algorithm(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """Each name of the contract gives a digest."""
        (tmp_path / "a").write_bytes(b"a")
        options = [part for name in ALGORITHM_NAMES for part in ("-a", name)]
        (one,) = call("hash", *options, tmp_path / "a", "--json").json
        assert set(one["digests"]) == set(ALGORITHM_NAMES)
        assert all(one["digests"].values())

    def test_md5sum_reads_it(self, program: Callable[..., Any], tmp_path: Path) -> None:
        """The lines for one algorithm are those of the sum tools, with their escapes for awkward names."""
        if shutil.which("md5sum") is None:
            pytest.skip("no md5sum")
        folder = os.fsencode(tmp_path)
        for name in (b"plain.mov", b"two\nlines.mov", b"back\\slash.mov", b"bad\xff.mov"):
            with open(folder + b"/" + name, "wb") as file:
                file.write(name)
        done = program("hash", "-a", "md5", *sorted(os.listdir(folder)), cwd=tmp_path)
        assert done.returncode == 0
        checked = subprocess.run(["md5sum", "-c"], input=done.stdout, cwd=tmp_path, capture_output=True, check=False)
        assert checked.stdout.count(b": OK") == 4

    def test_tagged_lines_for_several(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """With several algorithms each line says which one it is."""
        (tmp_path / "a").write_bytes(b"a")
        lines = call("hash", "-a", "md5", "-a", "sha1", tmp_path / "a").out.splitlines()
        assert lines[0] == f"MD5 ({tmp_path}/a) = {hashlib.md5(b'a').hexdigest()}"
        assert lines[1] == f"SHA1 ({tmp_path}/a) = {hashlib.sha1(b'a').hexdigest()}"

    def test_path_bytes(self, program: Callable[..., Any], tmp_path: Path) -> None:
        """A name that is not UTF-8 keeps its bytes beside the readable path."""
        with open(os.fsencode(tmp_path) + b"/bad\xff.mov", "wb"):
            pass
        (one,) = json.loads(program("hash", b"bad\xff.mov", "--json", cwd=tmp_path).stdout)
        assert (one["path"], one["path_bytes"]) == ("bad\ufffd.mov", "bad%FF.mov")

    def test_what_cannot_be_read(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A folder, a FIFO and a file that is not there are named; the rest is hashed; the code is 1."""
        (tmp_path / "a").write_bytes(b"a")
        os.mkfifo(tmp_path / "pipe")
        answer = call("hash", tmp_path, tmp_path / "pipe", tmp_path / "none", tmp_path / "a", "--json")
        assert answer.code == 1
        assert [one["path"] for one in answer.json] == [str(tmp_path / "a")]
        assert len(answer.err.splitlines()) == 3
        assert str(tmp_path / "pipe") in answer.err

    def test_unknown_algorithm(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """An algorithm that does not exist is refused with those that do."""
        answer = call("hash", "-a", "crc99", tmp_path)
        assert answer.code == 2
        assert "xxh128" in answer.err

    def test_no_catalog_is_made(self, program: Callable[..., Any], tmp_path: Path) -> None:
        """Nothing is left behind."""
        (tmp_path / "a").write_bytes(b"a")
        program("hash", tmp_path / "a", env={"XDG_STATE_HOME": str(tmp_path / "state")})
        assert sorted(one.name for one in tmp_path.iterdir()) == ["a"]


class TestProbe:
    """`assetwatch probe`."""

    def test_json(self, call: Callable[..., Any], stock: Any) -> None:
        """The contract's document, with what is known of a sound file."""
        answer = call("probe", stock.root / "A001/S001T01.wav", "--json")
        assert answer.code == 0
        document = answer.json
        assert set(document) == KEYS
        assert document["container"] == "Wave"
        assert document["video"] == []
        (audio,) = document["audio"]
        assert set(audio) >= {"codec", "channels", "layout", "sample_rate", "bit_depth"}
        assert (audio["channels"], audio["sample_rate"], audio["bit_depth"]) == (2, 48000, 24)

    def test_no_media_is_no_error(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A file that is not media has the same document, with nothing in it."""
        (tmp_path / "a.txt").write_bytes(b"hello")
        answer = call("probe", tmp_path / "a.txt", "--json")
        assert answer.code == 0
        assert set(answer.json) == KEYS
        assert answer.json["container"] is None
        assert "no media" in call("probe", tmp_path / "a.txt").out

    def test_text(self, call: Callable[..., Any], stock: Any) -> None:
        """A person gets the facts in lines."""
        out = call("probe", stock.root / "A001/S001T01.wav").out
        assert "Wave" in out
        assert "48000 Hz" in out

    def test_raw(self, call: Callable[..., Any], stock: Any) -> None:
        """`--raw` is MediaInfo's own JSON."""
        assert call("probe", "--raw", stock.root / "A001/S001T01.wav").json["media"]["track"][0]["@type"] == "General"

    def test_no_such_file(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A file that is not there is a wrong usage."""
        answer = call("probe", tmp_path / "none.mov")
        assert answer.code == 2
        assert "none.mov" in answer.err

    def test_a_fifo_is_not_opened(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A FIFO is refused and never waited for."""
        os.mkfifo(tmp_path / "pipe")
        assert call("probe", tmp_path / "pipe").code == 2


class TestCatalog:
    """`assetwatch catalog`."""

    def test_upgrade_makes_one(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """Where there is none, it is made."""
        answer = call("--catalog", tmp_path / "new.db", "catalog", "upgrade", "--json")
        assert answer.code == 0
        assert set(answer.json) == {"catalog", "schema"}
        assert (tmp_path / "new.db").is_file()

    def test_check_of_a_sound_one(self, call: Callable[..., Any], stock: Any) -> None:
        """A sound catalog has no faults."""
        answer = call(*stock.args("catalog", "check", "--json"))
        assert (answer.code, answer.json["faults"]) == (0, [])
        assert call(*stock.args("catalog", "check")).out.endswith(": sound\n")

    def test_check_finds_a_total_that_is_off(self, call: Callable[..., Any], trouble: Any) -> None:
        """A kept total that is not the sum of its rows is a fault, and the code is 1."""
        import sqlite3

        with sqlite3.connect(trouble.catalog) as connection:
            connection.execute("update tally set files = files + 1 where presence = 'present'")
        connection.close()
        answer = call(*trouble.args("catalog", "check", "--json"))
        assert answer.code == 1
        assert answer.json["faults"]

    def test_backup(self, call: Callable[..., Any], stock: Any, tmp_path: Path) -> None:
        """The copy is a catalog that gives the same answers."""
        answer = call(*stock.args("catalog", "backup", tmp_path / "copy.db", "--json"))
        assert answer.json == {
            "catalog": str(stock.catalog),
            "backup": str(tmp_path / "copy.db"),
            "bytes": (tmp_path / "copy.db").stat().st_size,
        }
        copied = call("--catalog", tmp_path / "copy.db", "files", "--json").json
        assert copied == call(*stock.args("files", "--json")).json

    def test_backup_beside_it(self, call: Callable[..., Any], trouble: Any) -> None:
        """Without a target the copy stands beside the catalog, with the time in its name."""
        assert call(*trouble.args("catalog", "backup")).code == 0
        assert len(list(trouble.catalog.parent.glob("catalog.db.backup-*"))) == 1

    def test_backup_into_no_folder(self, call: Callable[..., Any], stock: Any) -> None:
        """A target that cannot be made is said in one line, without a traceback."""
        answer = call(*stock.args("catalog", "backup", "/no/such/folder/copy.db"))
        assert answer.code == 3
        assert "/no/such/folder/copy.db" in answer.err
        assert len(answer.err.splitlines()) == 1
