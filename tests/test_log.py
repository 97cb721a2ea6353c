"""Do log lines leave on standard error, in the form that their reader understands?"""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch import log


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """The root logger as pytest had it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quiet = {name: logging.getLogger(name).level for name in ("alembic", "sqlalchemy", "watchdog")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


def _said(monkeypatch: pytest.MonkeyPatch, verbosity: int) -> str:
    """What comes of a line of each kind."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    log.set_up(verbosity)
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("assetwatch.test"), level)("a line of %s", level)
    logging.getLogger("sqlalchemy.engine").info("select 1")
    return out.getvalue()


@pytest.mark.parametrize(
    ("verbosity", "levels"),
    [
        (-1, ["warning", "error"]),
        (0, ["info", "warning", "error"]),
        (1, ["debug", "info", "warning", "error"]),
        (3, ["debug", "info", "warning", "error"]),
    ],
)
def test_how_much_is_said(verbosity: int, levels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """-1: warnings; 0: what happens; more: everything. Libraries say no more than warnings."""
    said = _said(monkeypatch, verbosity)
    assert re.findall(r"a line of (\w+)", said) == levels
    assert "select 1" not in said


def test_a_line_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its time and its level."""
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d WARNING a line of warning", _said(monkeypatch, -1).splitlines()[0]
    )


class TestJournal:
    """Where standard error is the journal (systemd.exec(5), JOURNAL_STREAM)."""

    @staticmethod
    def _said(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: tuple[int, str]) -> str:
        """What stands in a file that is standard error, and that the environment says is the journal."""
        with open(folder / "journal", "w") as out:
            stat = os.fstat(out.fileno())
            monkeypatch.setattr(sys, "stderr", out)
            monkeypatch.setenv("JOURNAL_STREAM", f"{stat.st_dev}:{stat.st_ino}")
            log.set_up(0)
            for level, text in lines:
                logging.getLogger("assetwatch.test").log(level, text)
        return (folder / "journal").read_text()

    def test_priority_in_front(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The priority in front, no time; journald adds that."""
        lines = ((logging.WARNING, "careful"), (logging.ERROR, "wrong"), (logging.INFO, "fine"))
        assert self._said(tmp_path, monkeypatch, *lines) == "<4>careful\n<3>wrong\n<6>fine\n"

    def test_a_line_stays_a_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A newline within a message does not begin a line with a priority of its own."""
        assert self._said(tmp_path, monkeypatch, (logging.ERROR, "one\n<0>two")) == "<3>one\n <0>two\n"

    def test_redirected_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """When standard error is another file than the one named, it is no journal."""
        with open(tmp_path / "log", "w") as out:
            monkeypatch.setattr(sys, "stderr", out)
            monkeypatch.setenv("JOURNAL_STREAM", "1:2")
            assert not log.goes_to_journal()

    def test_no_file_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A standard error without a descriptor is no journal."""
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert not log.goes_to_journal()
