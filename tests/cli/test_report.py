"""Does `assetwatch report` write what was asked for, where it was asked for, and nowhere else?"""

# ruff: noqa: F811 - fixtures are asked for by their names

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.notify.conftest import Mailbox, Web, authority, smtp, web  # noqa: F401 - fixtures

from .conftest import Answer, Stock
from .test_run import House, Service, house  # noqa: F401 - a fixture

Call = Callable[..., Answer]


class TestReport:
    """On demand."""

    def test_text(self, call: Call, stock: Stock) -> None:
        """Without anything else it is text, to standard output; nothing wrong gives 0."""
        answer = call(*stock.args("report"))
        assert answer.code == 0
        assert "files arrived" in answer.out
        assert all(len(line) <= 80 for line in answer.out.splitlines())

    def test_numbers_are_those_of_status(self, call: Call, trouble: Stock) -> None:
        """The report and `status` say the same of the same catalog, and both exit with 1."""
        report, status = call(*trouble.args("report", "--json")), call(*trouble.args("status", "--json"))
        assert (report.code, status.code) == (1, 1)
        by = status.json["files"]
        for axis in ("by_presence", "by_integrity"):
            assert {word: one["files"] for word, one in report.json["files"][axis].items()} == by[axis]
        assert [(one["path"], one["state"]) for one in report.json["files"]["problems"]["items"]] == [
            (one["path"], one["state"]) for one in status.json["problems"]
        ]
        assert report.json["severity"] == "wrong"

    def test_every_form_has_the_same_numbers(self, call: Call, trouble: Stock) -> None:
        """JSON, CSV and text of one catalog agree."""
        made = call(*trouble.args("report", "--format", "json")).json
        rows = list(csv.DictReader(io.StringIO(call(*trouble.args("report", "--format", "csv")).out)))
        text = call(*trouble.args("report", "--format", "text")).out
        counts = {row["key"]: int(row["number"] or row["bytes"]) for row in rows if row["section"] == "count"}
        assert counts == made["counts"]
        assert made["headline"] in text
        assert f"{made['arrivals']['files']} files" in text

    def test_awkward_names(self, call: Call, stock: Stock) -> None:
        """Names that are formulas, markup, two lines or no UTF-8 come through every form."""
        for name in ("text", "json", "csv", "html"):
            answer = call(*stock.args("report", "--format", name))
            assert answer.code == 0, name
            assert answer.out

    @pytest.mark.parametrize(
        ("name", "begin"),
        [("r.txt", b"assetwatch"), ("r.json", b"{"), ("r.csv", b"section,"), ("r.html", b"<!doctype")],
    )
    def test_to_a_file(self, name: str, begin: bytes, call: Call, stock: Stock, tmp_path: Path) -> None:
        """The ending of the file is the format; nothing goes to standard output."""
        answer = call(*stock.args("report", "-o", tmp_path / name))
        assert (answer.code, answer.out) == (0, "")
        assert (tmp_path / name).read_bytes().startswith(begin)

    def test_since(self, call: Call, stock: Stock) -> None:
        """The range begins where it is asked for."""
        assert call(*stock.args("report", "--since", "2026-01-01", "--json")).json["since"].startswith("20")
        assert call(*stock.args("report", "--since", "0.001s", "--json")).json["arrivals"]["files"] == 0
        assert call(*stock.args("report", "--since", "yesterday")).code == 2

    def test_wrong_calls(self, call: Call, stock: Stock, tmp_path: Path) -> None:
        """A directory, a place among the footage, an ending or a format that is none: 2, and nothing is written."""
        before = sorted(os.listdir(stock.root))
        for args in (
            ("-o", tmp_path),
            ("-o", stock.root / "report.html"),
            ("-o", stock.root / "A001" / "S001T01.wav", "--format", "text"),
            ("-o", tmp_path / "report.mov"),
            ("-o", tmp_path / "no" / "folder.html"),
            ("--format", "docx"),
            ("--json", "--format", "csv"),
            ("--json", "nightly"),
        ):
            assert call(*stock.args("report", *args)).code == 2, args
        assert sorted(os.listdir(stock.root)) == before

    def test_a_pipe_is_written_to(self, call: Call, stock: Stock) -> None:
        """A device or pipe is no file to be replaced."""
        assert call(*stock.args("report", "-o", "/dev/null", "--format", "text")).code == 0
        assert not Path("/dev/null").is_file()

    def test_no_catalog(self, call: Call, tmp_path: Path) -> None:
        """Without a catalog it could not be done."""
        assert call("--catalog", tmp_path / "none.db", "report").code == 3


@pytest.fixture
def night(tmp_path: Path, trouble: Stock, call: Call) -> Callable[..., Answer]:
    """The night's work over a volume on which something is wrong, with a configuration."""
    config = tmp_path / "show.toml"

    def work(*args: str, more: str = "") -> Answer:
        config.write_text(
            f'project = "NIGHTFALL"\ntime_zone = "Europe/Berlin"\n[catalog]\nurl = "{trouble.catalog}"\n'
            f'[[volume]]\nname = "ingest"\npath = "{trouble.root}"\n'
            f'[report]\ndirectory = "{tmp_path / "reports"}"\n{more}'
        )
        return call("--config", config, "report", "nightly", *args)

    return work


def _files(tmp_path: Path) -> list[str]:
    return sorted(one.suffix for one in (tmp_path / "reports").iterdir())


class TestNightly:
    """The night's work."""

    def test_all_of_it(self, night: Callable[..., Answer], tmp_path: Path, call: Call, trouble: Stock) -> None:
        """It reads again, keeps the report with its index page, and notes its run."""
        answer = night("--json")
        assert answer.code == 1
        made = answer.json
        assert made["faults"] == []
        assert made["verify"]["checked"] == 3
        assert _files(tmp_path) == [".html", ".html", ".json"]
        kept = json.loads(Path(next(path for path in made["files"] if path.endswith(".json"))).read_text())
        assert (kept["run"], kept["counts"], kept["project"]) == (made["run"], made["counts"], "NIGHTFALL")
        assert kept["sweep"]["recent"] is True
        assert Path(made["index"]).name == "index.html"
        last = call(*trouble.args("status", "--json")).json["last_report"]
        assert (last["run"], last["severity"]) == (made["run"], "wrong")
        page = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
        (told,) = [line for line in page.splitlines() if line.startswith("| `last_report`")]
        assert [key for key in last if f"`{key}`" not in told] == []

    def test_without_a_sweep(self, night: Callable[..., Answer]) -> None:
        """`--no-verify` reads nothing."""
        assert night("--no-verify", "--json").json["verify"] is None

    def test_formats(self, night: Callable[..., Answer], tmp_path: Path) -> None:
        """The formats are those of the configuration; without a page there is no index."""
        night("--no-verify", more='formats = ["text", "csv"]\n')
        assert _files(tmp_path) == [".csv", ".txt"]

    def test_a_sweep_that_cannot_be_made_hides_nothing(
        self, night: Callable[..., Answer], trouble: Stock, tmp_path: Path
    ) -> None:
        """Another sweep holds the volume: the report is made all the same, says so, and the code is 1."""
        from sqlalchemy.engine import URL

        from assetwatch.catalog import volumes
        from assetwatch.catalog.engine import open_database
        from assetwatch.catalog.hold import hold
        from assetwatch.clock import SystemClock

        database = open_database(URL.create("sqlite", database=str(trouble.catalog)), SystemClock())
        with database.read() as connection:
            (row,) = volumes.all_volumes(connection)
        held = hold(database, row, "check")
        try:
            answer = night("--json")
        finally:
            held.release()
            database.close()
        assert answer.code == 1
        assert answer.json["faults"][0].startswith("no sweep: ")
        kept = json.loads(Path(answer.json["files"][1]).read_text())
        assert kept["needs"]["items"][0]["kind"] == "faults"
        assert kept["headline"].startswith("Not all was done")

    def test_a_volume_that_is_away(self, night: Callable[..., Answer], trouble: Stock) -> None:
        """The sweep says what it left and why, and the report is made."""
        trouble.root.rename(trouble.root.with_name("elsewhere"))
        answer = night("--json")
        assert answer.code == 1
        kept = json.loads(Path(answer.json["files"][1]).read_text())
        assert kept["sweep"]["not_checked_reasons"]["offline"] == 3

    def test_a_directory_that_cannot_be_used(
        self, night: Callable[..., Answer], trouble: Stock, tmp_path: Path
    ) -> None:
        """Reports are never kept among the footage: that is a fault, and the run is noted."""
        answer = night(
            "--no-verify",
            "--json",
        )
        assert answer.json["files"]
        (tmp_path / "reports").rename(tmp_path / "old")
        (tmp_path / "reports").symlink_to(trouble.root)
        answer = night("--no-verify", "--json")
        assert (answer.code, answer.json["files"]) == (1, [])
        assert any("among the footage" in fault for fault in answer.json["faults"])
        assert not [one for one in trouble.root.iterdir() if one.name != "A002"]

    def test_another_index_page_stays(self, night: Callable[..., Answer], tmp_path: Path) -> None:
        """What something else made is left, and that is told."""
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "index.html").write_text("my own")
        answer = night("--no-verify", "--json")
        assert (tmp_path / "reports" / "index.html").read_text() == "my own"
        assert answer.json["index"] is None
        assert "index.html" in answer.json["faults"][0]

    def test_old_reports_go(self, night: Callable[..., Answer], tmp_path: Path) -> None:
        """`keep_reports` bounds how many there are."""
        for _ in range(3):
            answer = night("--no-verify", "--json", more="keep_reports = 2\n")
        assert answer.json["deleted"] == 2
        assert _files(tmp_path) == [".html", ".html", ".html", ".json", ".json"]

    def test_room_is_noted(self, night: Callable[..., Answer], trouble: Stock) -> None:
        """How full the volume is goes into the catalog, and into the report."""
        kept = json.loads(Path(night("--no-verify", "--json").json["files"][1]).read_text())
        assert kept["volumes"][0]["capacity"]["total"] > 0
        with closing(sqlite3.connect(trouble.catalog)) as connection:
            assert connection.execute("select count(*) from capacity").fetchone() == (1,)

    def test_the_catalog_is_backed_up(self, night: Callable[..., Answer], trouble: Stock) -> None:
        """A copy of it is kept; where that cannot be done it is a fault, and the report is there."""
        answer = night("--no-verify", "--json")
        with closing(sqlite3.connect(answer.json["backup"])) as connection:
            assert connection.execute("select count(*) from file").fetchone() == (4,)
        (trouble.catalog.parent / "backups").rename(trouble.catalog.parent / "elsewhere")
        (trouble.catalog.parent / "backups").write_text("in the way")
        answer = night("--no-verify", "--json")
        assert (answer.code, answer.json["backup"]) == (1, None)
        assert answer.json["files"]
        assert "no backup of the catalog" in answer.json["faults"][0]

    def test_without_a_configuration(self, trouble: Stock, call: Call, tmp_path: Path) -> None:
        """The reports are kept in the state directory."""
        answer = call(*trouble.args("report", "nightly", "--json"), env={"STATE_DIRECTORY": str(tmp_path / "state")})
        assert [Path(path).parent for path in answer.json["files"]] == [tmp_path / "state" / "reports"] * 2

    def test_no_catalog(self, call: Call, tmp_path: Path) -> None:
        """Without a catalog it could not be done."""
        assert call("--catalog", tmp_path / "none.db", "report", "nightly").code == 3


def test_beside_the_daemon(
    house: House,
    program: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """A daemon that has the volume in care is no hindrance: it is swept, the report kept, and its room noted."""
    house.start()
    (house.root / "A001.mov").write_bytes(b"footage")
    house.until(lambda files: files and files[0]["integrity"] == "recorded", "files")
    done = program(
        "--config", house.config, "report", "nightly", "--json", env={"STATE_DIRECTORY": str(tmp_path / "state")}
    )
    assert done.returncode == 0, done.stderr.decode()
    made = json.loads(done.stdout)
    assert (made["faults"], made["severity"]) == ([], "ok")
    kept = json.loads(Path(made["files"][1]).read_text())
    assert kept["daemon"]["running"] is True
    assert kept["daemon"]["starts"] == 1
    assert kept["arrivals"]["files"] == 1
    with closing(sqlite3.connect(house.catalog)) as connection:
        assert connection.execute("select count(*) from capacity").fetchone() == (1,)


def test_told_to_stop(house: House, tmp_path: Path) -> None:
    """TERM ends the sweep, and the report is made of what was done by then."""
    (house.root / "long.mov").write_bytes(os.urandom(6_000_000))
    house.ask("scan")
    house.write_config(f'[verify]\nbwlimit = "50K"\n[report]\ndirectory = "{tmp_path / "reports"}"\nformats = ["json"]')
    night = Service("--config", house.config, "report", "nightly")

    def begun(_: object) -> bool:
        with closing(sqlite3.connect(house.catalog)) as connection:
            return bool(connection.execute("select count(*) from run where kind = 'verify'").fetchone()[0])

    house.until(begun, "status")
    night.send(signal.SIGTERM)
    assert night.end() == 0
    (kept,) = (tmp_path / "reports").glob("*.json")
    made = json.loads(kept.read_text())
    assert (made["sweep"]["ended_by"], made["sweep"]["checked"]) == ("stopped", 0)
    assert made["sweep"]["not_checked_reasons"] == {"stopped": 1}


class TestSwitch:
    """The dead man's switch."""

    def test_begin_and_end(self, night: Callable[..., Answer], web: Web) -> None:
        """It hears that the night begins, and that it ended well though something is wrong with footage."""
        answer = night("--no-verify", more=f'[notify]\nping = "{web.url}/ping"\n')
        assert answer.code == 1
        assert [path for _, path, _ in web.asked] == ["/ping/start", "/ping"]
        assert web.asked[1][2] in answer.out

    def test_a_part_that_failed(self, night: Callable[..., Answer], web: Web, tmp_path: Path) -> None:
        """It hears of a failure where a part of the work was not done."""
        (tmp_path / "reports").write_text("in the way")
        night("--no-verify", more=f'[notify]\nping = "{web.url}/ping"\n')
        assert [path for _, path, _ in web.asked] == ["/ping/start", "/ping/1"]

    def test_no_report_at_all(self, call: Call, web: Web, tmp_path: Path) -> None:
        """It hears of a night of which there is no report."""
        (tmp_path / "show.toml").write_text(
            f'[catalog]\nurl = "{tmp_path / "none.db"}"\n[notify]\nping = "{web.url}/ping"\n'
        )
        assert call("--config", tmp_path / "show.toml", "report", "nightly").code == 3
        assert [path for _, path, _ in web.asked] == ["/ping/start", "/ping/3"]


#: A mail server that nobody runs.
NOBODY = (
    '[notify]\nurls = ["coordinator@example.com"]\n[notify.smtp]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'
)


class TestSending:
    """The mail."""

    def test_what_could_not_be_sent(self, night: Callable[..., Answer]) -> None:
        """It changes the exit code, stands at the top of the next report, and is tried again."""
        answer = night("--no-verify", "--json", more=NOBODY)
        assert answer.code == 1
        assert (answer.json["sent"], len(answer.json["not_sent"])) == (0, 1)
        following = json.loads(
            Path(night("--no-verify", "--no-send", "--json", more=NOBODY).json["files"][1]).read_text()
        )
        assert following["needs"]["items"][0]["kind"] == "unsent"
        assert following["unsent"]["items"][0]["route"] == "urls"
        assert following["headline"].startswith("1 message not sent")

    def test_mail(self, night: Callable[..., Answer], smtp: Callable[..., Mailbox]) -> None:
        """The sentence is the subject, the same is told as text and as a page, with the numbers of the report."""
        box = smtp("none")
        where = NOBODY.replace("port = 1", f"port = {box.port}").replace("127.0.0.1", "localhost")
        answer = night("--json", more=where)
        assert (answer.json["sent"], answer.json["not_sent"], answer.json["faults"]) == (1, [], [])
        (mail,) = box.mails
        assert mail["Subject"] == f"[NIGHTFALL] {answer.json['headline']}"
        text = mail.get_body(("plain",))
        page = mail.get_body(("html",))
        assert text is not None
        assert page is not None
        first = text.get_content().splitlines()[:12]
        assert answer.json["headline"] in " ".join(first[:2])
        assert any("A002/other.mov" in line for line in first), text.get_content()
        assert "A002/other.mov" in page.get_content()

    def test_to_nobody(self, night: Callable[..., Answer]) -> None:
        """With `--no-send` nothing is sent, and nothing is owed."""
        assert night("--no-verify", "--no-send", "--json", more=NOBODY).json["not_sent"] == []


def test_keys_of_nightly_are_documented(night: Callable[..., Any]) -> None:
    """Each key of the document stands in the reference."""
    page = (Path(__file__).parents[2] / "docs/reference/json.md").read_text(encoding="utf-8")
    section = page.split("\n## report nightly\n")[1].split("\n## ")[0]
    made = night("--json").json
    assert [key for key in (*made, *made["verify"]) if f"`{key}`" not in section] == []
