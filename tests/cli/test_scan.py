"""Does `scan` take stock, wait, say what is wrong, and end with the right code?"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_json_summary(call: Callable[..., Any], tmp_path: Path) -> None:
    """The summary gives the volume with its counts; messages go to standard error."""
    root = tmp_path / "ingest"
    root.mkdir()
    (root / "a.mov").write_bytes(b"a" * 1000)
    (root / "b.tmp").write_bytes(b"b")
    answer = call("--catalog", tmp_path / "c.db", "scan", root, "--settle", "50ms", "--json")
    assert answer.code == 0
    document = answer.json
    assert document["complete"] is True
    assert document["wrong"] == []
    (volume,) = document["volumes"]
    assert (volume["name"], volume["root"], volume["online"]) == ("ingest", str(root), True)
    assert (volume["files"], volume["bytes"]) == (1, 1000)
    assert (volume["by_presence"], volume["by_integrity"]) == ({"present": 1}, {"recorded": 1})
    assert volume["ignored"] == {"*.tmp": 1}


def test_text_summary(call: Callable[..., Any], tmp_path: Path) -> None:
    """A person gets a line a volume on standard output, and how long it took on standard error."""
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "a.mov").write_bytes(b"a")
    answer = call("--catalog", tmp_path / "c.db", "scan", tmp_path / "ingest", "--settle", "50ms")
    assert answer.out == "ingest: 1 file, 1 B: 1 recorded\n"
    assert answer.err.startswith("Done in ")


def test_a_second_scan_reads_nothing(call: Callable[..., Any], tmp_path: Path) -> None:
    """An unchanged tree has nothing that differs."""
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "a.mov").write_bytes(b"a")
    command = ("--catalog", tmp_path / "c.db", "scan", tmp_path / "ingest", "--settle", "50ms", "--json")
    assert call(*command).json["volumes"][0]["differed"] == 1
    assert call(*command).json["volumes"][0]["differed"] == 0


def test_a_catalog_among_the_footage(call: Callable[..., Any], tmp_path: Path) -> None:
    """A catalog that lies on the volume is no footage of it: it changes with each look, and would never settle."""
    (tmp_path / "a.mov").write_bytes(b"a")
    command = ("--catalog", tmp_path / "a", "scan", tmp_path, "--settle", "50ms", "--wait", "0s", "--json")
    for _ in range(2):
        answer = call(*command)
        (volume,) = answer.json["volumes"]
        assert (answer.code, volume["files"]) == (0, 1)
        assert volume["ignored"]["(assetwatch's catalog)"] >= 3


def test_states_add_up_to_the_files(call: Callable[..., Any], tmp_path: Path) -> None:
    """A file that is gone is told once, as missing, and not among the states of those that are here."""
    root = tmp_path / "ingest"
    root.mkdir()
    for name in ("a.mov", "b.mov"):
        (root / name).write_bytes(name.encode())
    command = ("--catalog", tmp_path / "c.db", "scan", root, "--settle", "50ms")
    call(*command)
    (root / "b.mov").unlink()
    answer = call(*command)
    assert answer.out.splitlines()[:2] == ["ingest: 1 file, 5 B: 1 recorded", "  missing: 1 file gone since last seen"]
    assert answer.code == 1


def test_a_held_loss_makes_the_code_1(call: Callable[..., Any], tmp_path: Path) -> None:
    """Where so many files are gone that a person has to look first, the scan says so and does not end as if well."""
    root = tmp_path / "ingest"
    root.mkdir()
    for number in range(40):
        (root / f"{number}.mov").write_bytes(b"%d" % number)
    command = ("--catalog", tmp_path / "c.db", "scan", root, "--settle", "50ms")
    assert call(*command).code == 0
    for number in range(30):
        (root / f"{number}.mov").unlink()
    answer = call(*command)
    assert "30 of 40 files are gone at once" in answer.out
    assert answer.code == 1


def test_why_a_volume_is_away_is_told_once(call: Callable[..., Any], tmp_path: Path) -> None:
    """On standard output one line for the volume; the error is on standard error."""
    root = tmp_path / "ingest"
    root.mkdir()
    (root / "a.mov").write_bytes(b"a")
    config = tmp_path / "show.toml"
    config.write_text(f'[[volume]]\nname = "ingest"\npath = "{root}"\nsettle = "50ms"\n')
    command = ("--config", config, "--catalog", tmp_path / "c.db", "scan")
    assert call(*command).code == 0
    root.rename(tmp_path / "elsewhere")
    answer = call(*command)
    assert answer.code == 3
    assert answer.out == f"ingest: offline: {root} does not exist: is its disk mounted?\n"


def test_two_directories_of_one_name(call: Callable[..., Any], tmp_path: Path) -> None:
    """Each directory is a volume with a name of its own."""
    for day in ("monday", "tuesday"):
        (tmp_path / day / "cards").mkdir(parents=True)
    answer = call(
        "--catalog", tmp_path / "c.db", "scan", tmp_path / "monday/cards", tmp_path / "tuesday/cards", "--json"
    )
    assert {one["name"] for one in answer.json["volumes"]} == {"cards", "cards-2"}


def test_something_wrong_exits_with_1(trouble: Any, call: Callable[..., Any]) -> None:
    """A missing and a mismatching file make the code 1, and both are named."""
    answer = call(*trouble.args("scan", trouble.root, "--settle", "50ms", "--json"))
    assert answer.code == 1
    assert {one["path"]: one["state"] for one in answer.json["wrong"]} == {
        "A002/gone.mov": "missing",
        "A002/other.mov": "mismatch",
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("which directory?", "assetwatch scan /mnt/ingest")),
        (("/no/such/directory",), ("/no/such/directory", "is not there")),
        ((__file__,), ("is not a directory",)),
        (("/", "--settle", "soon"), ("--settle", '"10s"')),
        (("/", "--wait", "5"), ("--wait", '"10s"')),
    ],
)
def test_wrong_usage(
    arguments: tuple[str, ...], words: tuple[str, ...], call: Callable[..., Any], tmp_path: Path
) -> None:
    """What is wrong with the call is said in one line, with code 2, and no catalog is made."""
    answer = call("--catalog", tmp_path / "c.db", "scan", *arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert all(word in answer.err for word in words)
    assert not (tmp_path / "c.db").exists()


class TestConfiguration:
    """`--config` and ASSETWATCH_CONFIG."""

    def test_configured_volumes_are_scanned(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """Without a directory the configuration's volumes are scanned, under their names."""
        (tmp_path / "cards").mkdir()
        (tmp_path / "cards" / "a.mov").write_bytes(b"a")
        config = tmp_path / "show.toml"
        config.write_text(
            f'project = "NIGHTFALL"\n[catalog]\nurl = "{tmp_path}/c.db"\n'
            f'[[volume]]\nname = "ingest"\npath = "{tmp_path}/cards"\nsettle = "50ms"\n'
        )
        assert call("--config", config, "scan", "--json").json["volumes"][0]["name"] == "ingest"
        status = call("status", "--json", env={"ASSETWATCH_CONFIG": str(config)}).json
        assert (status["volumes"][0]["name"], status["volumes"][0]["project"]) == ("ingest", "NIGHTFALL")

    def test_a_wrong_key(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A misspelt key names the file, the key and what was meant, with code 2."""
        config = tmp_path / "show.toml"
        config.write_text('[[volume]]\nname = "a"\npath = "/"\nsetle = "1s"\n')
        answer = call("--config", config, "scan")
        assert answer.code == 2
        for words in (str(config), "volume[].setle" if "volume[].setle" in answer.err else "setle", "'settle'"):
            assert words in answer.err

    def test_a_volume_that_was_never_there(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A configured path that is not there is a wrong configuration: file, key, what was expected."""
        config = tmp_path / "show.toml"
        config.write_text('[[volume]]\nname = "ingest"\npath = "/no/such/place"\n')
        answer = call("--config", config, "--catalog", tmp_path / "c.db", "scan")
        assert answer.code == 2
        assert all(word in answer.err for word in (str(config), "ingest", "path", "/no/such/place"))


class TestCatalogOutOfReach:
    """Code 3."""

    def test_no_database(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A file that is no database is named, and is not touched."""
        (tmp_path / "ingest").mkdir()
        catalog = tmp_path / "c.db"
        catalog.write_bytes(b"this is a letter to my mother, not a database" * 100)
        before = catalog.read_bytes()
        answer = call("--catalog", catalog, "scan", tmp_path / "ingest")
        assert answer.code == 3
        assert str(catalog) in answer.err
        assert catalog.read_bytes() == before

    def test_a_directory(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A directory is no catalog."""
        assert call("--catalog", tmp_path, "scan", tmp_path).code == 3

    def test_an_unknown_kind_of_database(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A URL of another database is a wrong usage, without its password in the message."""
        answer = call("--catalog", "mysql://bob:geheim@host/db", "scan", tmp_path)
        assert answer.code == 2
        assert "postgresql" in answer.err
        assert "geheim" not in answer.err

    def test_a_volume_that_is_away(self, call: Callable[..., Any], tmp_path: Path) -> None:
        """A known volume whose directory is gone cannot be scanned: code 3, and no file becomes missing."""
        root = tmp_path / "ingest"
        root.mkdir()
        (root / "a.mov").write_bytes(b"a")
        config = tmp_path / "show.toml"
        config.write_text(
            f'[catalog]\nurl = "{tmp_path}/c.db"\n[[volume]]\nname = "ingest"\npath = "{root}"\nsettle = "50ms"\n'
        )
        assert call("--config", config, "scan").code == 0
        root.rename(tmp_path / "away")
        answer = call("--config", config, "scan")
        assert answer.code == 3
        assert "does not exist" in answer.err
        (one,) = call("--config", config, "files", "--json").json
        assert (one["presence"], one["integrity"]) == ("offline", "recorded")
        assert call("--config", config, "status").code == 1


def test_interrupted(tmp_path: Path) -> None:
    """A scan that is told to stop says so, keeps what it has, and exits with 130."""
    root = tmp_path / "ingest"
    root.mkdir()
    growing = root / "growing.mov"
    growing.write_bytes(b"x")
    command = [sys.executable, "-m", "assetwatch", "-v", "--catalog", str(tmp_path / "c.db"), "scan", str(root)]
    running = subprocess.Popen([*command, "--settle", "1h"], stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if "scan ended" in line:
            break
    running.send_signal(signal.SIGINT)
    rest = running.stderr.read()
    assert running.wait() == 130
    running.stderr.close()
    assert "Stopped." in rest


def test_progress_on_a_terminal(terminal: Callable[..., str], tmp_path: Path) -> None:
    """A terminal gets the summary, and lines that fit it."""
    root = tmp_path / "ingest"
    root.mkdir()
    for number in range(20):
        (root / f"{number}.mov").write_bytes(os.urandom(1000))
    out = terminal("--catalog", str(tmp_path / "c.db"), "scan", str(root), "--settle", "50ms")
    assert "ingest: 20 files, 20 kB: 20 recorded" in out.replace("\r", "")


def test_colours_on_a_terminal(terminal: Callable[..., str], tmp_path: Path) -> None:
    """A state has its colour, and keeps it to its end; with NO_COLOR there is none."""
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "a.mov").write_bytes(b"a")
    command = ("--catalog", str(tmp_path / "c.db"), "scan", str(tmp_path / "ingest"), "--settle", "50ms")
    terminal(*command)
    (tmp_path / "ingest" / "a.mov").unlink()
    assert "\x1b[31m\x1b[1mmissing\x1b[0m: 1 file gone" in terminal(*command)
    assert "  missing: 1 file gone" in terminal(*command, NO_COLOR="1")


def test_a_low_soft_limit_of_open_files(program: Callable[..., Any], tmp_path: Path) -> None:
    """What a shell allows at first is not what the machine allows: many small clips are read all the same."""
    root = tmp_path / "ingest"
    root.mkdir()
    with wave.open(str(tmp_path / "one.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(bytes(960))
    for number in range(300):
        shutil.copyfile(tmp_path / "one.wav", root / f"S{number}.wav")
    done = program(
        *("--catalog", tmp_path / "c.db", "scan", root, "--settle", "50ms", "--json"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 4096)),
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["volumes"][0]["by_integrity"] == {"recorded": 300}
