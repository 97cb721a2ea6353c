"""Do `manifest verify` and `manifest create` say what a person and a script rely on, with the contract's exit codes?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assetwatch.cli import main as cli
from assetwatch.cli.meter import Meter
from assetwatch.clock import FakeClock


class Ran(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line in this process."""
    monkeypatch.delenv("ASSETWATCH_CATALOG", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def run_(*args: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    return run_


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    """A roll of two clips."""
    root = tmp_path / "A001R1AB"
    (root / "Clips").mkdir(parents=True)
    for number in (1, 2):
        (root / f"Clips/A001C00{number}.mov").write_bytes(b"%d" % number * 5000)
    return root


def flip(file: Path) -> None:
    """Change one bit, and nothing else that can be seen."""
    seen = file.stat()
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def test_create_and_verify(run: Run, roll: Path) -> None:
    """A history is written and verified; a second one follows it."""
    made = run("manifest", "create", roll, "-a", "xxh64", "-a", "md5")
    assert made.code == 0
    assert "ascmhl/0001_A001R1AB_" in made.out
    assert "2 files, 10 kB: 2 original" in made.out
    checked = run("manifest", "verify", roll)
    assert checked.code == 0
    assert checked.out.startswith("ascmhl/ascmhl_chain.xml (asc-mhl): 2 verified; 10 kB read in ")
    assert checked.err == ""
    again = run("manifest", "create", roll)
    assert again.code == 0
    assert "2 verified" in again.out


def test_verify_json(run: Run, roll: Path) -> None:
    """The contract's document, on standard output alone."""
    run("manifest", "create", roll, "-a", "xxh64")
    flip(roll / "Clips/A001C002.mov")
    (roll / "added.mov").write_bytes(b"x")
    checked = run("manifest", "verify", roll, "--json")
    assert checked.code == 1
    document = json.loads(checked.out)
    assert set(document) >= {"manifest", "format", "summary", "entries", "extra", "warnings"}
    assert document["summary"] == {
        "verified": 1, "mismatch": 1, "missing": 0, "unreadable": 0, "uncheckable": 0, "extra": 1,
    }  # fmt: skip
    wrong = [entry for entry in document["entries"] if entry["verdict"] == "mismatch"]
    assert [(e["path"], e["algorithm"]) for e in wrong] == [("Clips/A001C002.mov", "xxh64")]
    assert wrong[0]["expected"] != wrong[0]["computed"]
    assert document["extra"] == ["added.mov"]
    assert checked.err == ""


def test_worst_comes_first(run: Run, roll: Path) -> None:
    """Mismatches stand before what is missing, that before what is extra, and the summary last."""
    (roll / "Clips/A001C000.mov").write_bytes(b"x")
    run("manifest", "create", roll)
    (roll / "Clips/A001C000.mov").unlink()
    flip(roll / "Clips/A001C002.mov")
    (roll / "added.mov").write_bytes(b"x")
    lines = run("manifest", "verify", roll).out.splitlines()
    assert [line.split()[0] for line in lines] == ["mismatch", "missing", "extra", "ascmhl/ascmhl_chain.xml"]
    quiet = run("manifest", "verify", "-q", roll)
    assert quiet.code == 1
    assert quiet.out.splitlines() == lines[:-1]
    assert run("-q", "manifest", "verify", roll).out == quiet.out
    assert "verified    Clips/A001C001.mov" in run("-v", "manifest", "verify", roll).out


def test_quiet_says_nothing_where_nothing_is_wrong(run: Run, roll: Path) -> None:
    """With -q a clean folder gives no output at all."""
    run("manifest", "create", roll)
    assert run("manifest", "verify", "-q", roll) == Ran(0, "", "")


def test_single_list(run: Run, roll: Path) -> None:
    """A list can be named itself, as for md5sum -c."""
    made = run("manifest", "create", roll, "--format", "md5")
    listed = roll / made.out.splitlines()[0]
    assert run("manifest", "verify", listed).code == 0
    flip(roll / "Clips/A001C001.mov")
    assert run("manifest", "verify", listed).code == 1


def test_exit_codes(run: Run, roll: Path, tmp_path: Path) -> None:
    """1 where nothing vouches for a folder, 2 for what is not there, 3 for a list that cannot be used."""
    assert run("manifest", "verify", roll).code == 1
    assert "no manifest" in run("manifest", "verify", roll).out
    nowhere = run("manifest", "verify", tmp_path / "nowhere")
    assert nowhere.code == 2
    assert "nowhere" in nowhere.err
    (tmp_path / "broken.mhl").write_bytes(b"<hashlist version='1.1'><hash>")
    broken = run("manifest", "verify", tmp_path / "broken.mhl")
    assert broken.code == 3
    assert "broken.mhl" in broken.err
    assert run("manifest", "verify").code == 2
    assert run("manifest", "create", tmp_path / "nowhere").code == 2


def test_create_refuses_a_damaged_history(run: Run, roll: Path) -> None:
    """A list that was changed is named, the exit code is 3, and nothing is added."""
    run("manifest", "create", roll)
    listed = next((roll / "ascmhl").glob("*.mhl"))
    listed.write_bytes(listed.read_bytes() + b"\n")
    refused = run("manifest", "create", roll)
    assert refused.code == 3
    assert listed.name in refused.err
    assert len(list((roll / "ascmhl").iterdir())) == 2


def test_create_says_what_is_wrong(run: Run, roll: Path) -> None:
    """A changed file, a missing one and a FIFO are named; the exit code is 1 and the JSON says the same."""
    (roll / "gone.mov").write_bytes(b"x")
    run("manifest", "create", roll)
    (roll / "gone.mov").unlink()
    flip(roll / "Clips/A001C001.mov")
    os.mkfifo(roll / "pipe")
    made = run("manifest", "create", roll)
    assert made.code == 1
    words = [line.split()[0] for line in made.out.splitlines()]
    assert words[:3] == ["mismatch", "missing", "left"]
    document = json.loads(run("manifest", "create", roll, "--json").out)
    assert document["summary"] == {
        "files": 2, "bytes": 10000, "original": 0, "verified": 1, "failed": 1, "missing": 1, "left_out": 1, "reused": 0,
    }  # fmt: skip
    assert document["missing"] == ["gone.mov"]
    assert [one["path"] for one in document["left_out"]] == ["pipe"]
    assert [one["path"] for one in document["failed"]] == ["Clips/A001C001.mov"]


@pytest.mark.parametrize("format_", ["mhl", "bagit", "sha256", "xxh64", "blake3"])
def test_other_formats(run: Run, roll: Path, format_: str) -> None:
    """Each other format is written and verified."""
    assert run("manifest", "create", roll, "--format", format_).code == 0
    assert run("manifest", "verify", roll).code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--format", "md5", "-a", "sha1"),
        ("--format", "md5", "--comment", "x"),
        ("--format", "mhl", "--detect-renames"),
        ("--format", "mhl", "--process", "transfer"),
        ("--format", "mhl", "-a", "c4"),
        ("--format", "bagit", "--ignore", "x"),
        ("--format", "bagit", "--trust-catalog"),
        ("-a", "sha256"),
        ("--author-email", "nobody"),
        ("--format", "zip"),
        ("--process", "flatten"),
    ],
)
def test_what_has_no_place_is_refused(run: Run, roll: Path, options: tuple[str, ...]) -> None:
    """An option that a format cannot hold is wrong usage, and nothing is written."""
    assert run("manifest", "create", roll, *options).code == 2
    assert sorted(os.listdir(roll)) == ["Clips"]


def test_trust_catalog(run: Run, roll: Path, tmp_path: Path) -> None:
    """Digests of the catalog serve for files that did not change since; a changed one is read, and the list says so."""
    catalog = tmp_path / "catalog.db"
    run("--catalog", catalog, "scan", roll, "--settle", "0s")
    made = run("--catalog", catalog, "manifest", "create", roll / "Clips", "--trust-catalog", "--json")
    assert json.loads(made.out)["summary"]["reused"] == 2
    listed = next((roll / "Clips/ascmhl").glob("*.mhl"))
    assert "2 of 2 files were not read for this list" in listed.read_text()
    assert run("manifest", "verify", roll / "Clips").code == 0
    (roll / "Clips/A001C001.mov").write_bytes(b"changed")
    made = run("--catalog", catalog, "manifest", "create", roll / "Clips", "--trust-catalog", "--json")
    assert json.loads(made.out)["summary"] | {"bytes": 0} == {
        "files": 2, "bytes": 0, "original": 0, "verified": 1, "failed": 1, "missing": 0, "left_out": 0, "reused": 1,
    }  # fmt: skip


def test_trust_catalog_needs_a_volume(run: Run, roll: Path, tmp_path: Path) -> None:
    """A folder that the catalog does not know is wrong usage; a catalog that is not there could not be used."""
    catalog = tmp_path / "catalog.db"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a").write_bytes(b"a")
    assert run("--catalog", catalog, "manifest", "create", roll, "--trust-catalog").code == 3
    run("--catalog", catalog, "scan", tmp_path / "other", "--settle", "0s")
    refused = run("--catalog", catalog, "manifest", "create", roll, "--trust-catalog")
    assert refused.code == 2
    assert "no volume" in refused.err


def test_footage_is_not_touched(run: Run, roll: Path) -> None:
    """Neither content, times nor access times of the files change."""
    before = {path: path.stat() for path in roll.rglob("*.mov")}
    run("manifest", "create", roll)
    run("manifest", "verify", roll)
    for path, seen in before.items():
        now = path.stat()
        assert (now.st_mtime_ns, now.st_ctime_ns, now.st_ino) == (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)


def test_starts_without_what_it_does_not_need(roll: Path) -> None:
    """Verifying imports neither the database nor the table library."""
    code = (
        "import sys; from assetwatch.cli.main import main\n"
        f"try: main(['manifest', 'verify', {str(roll)!r}])\n"
        "except SystemExit: print(sorted({'sqlalchemy', 'rich', 'msgspec', 'watchdog'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


def test_progress_on_a_terminal(roll: Path, tmp_path: Path) -> None:
    """On a terminal standard output stays what it is in a pipe: the line of progress goes to standard error."""
    script = shutil.which("script")
    if script is None:
        pytest.skip("script is not installed")
    command = f"{sys.executable} -m assetwatch manifest create {roll} --json > {tmp_path / 'out'}"
    subprocess.run([script, "-qec", command, str(tmp_path / "typescript")], capture_output=True, check=True)
    assert json.loads((tmp_path / "out").read_text())["summary"]["files"] == 2


class _Pool:
    """A pool in which nothing is under way."""

    def progress(self) -> list[Any]:
        """As `ReaderPool.progress`."""
        return []


def test_meter_line() -> None:
    """Files, bytes, rate and time left; what is wrong is counted."""
    clock = FakeClock()
    meter = Meter(_Pool(), clock, drawn=False)  # type: ignore[arg-type]
    assert "reading the list" in meter.line()
    meter.begin(10, 1000)
    meter.taken(100)
    clock.advance(1)
    line = meter.line()
    assert "1 of 10 files, 100 B of 1 kB, 100 B/s, 9.0 s left" in line
    assert line.startswith("[##..................]  10%")
