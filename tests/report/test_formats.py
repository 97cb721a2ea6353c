"""Is a format found by name and by ending, and can others add one?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assetwatch import config
from assetwatch.errors import ConfigError, UsageError
from assetwatch.report import formats

from .samples import night

EXTENSION = """
from assetwatch.report.formats import Format
def render(report):
    return f"{report.headline.sentence}!"
FORMAT = Format("shout", "text/plain; charset=utf-8", render)
NO_FORMAT = 3
"""


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution that brings two entry points, one of which is none."""
    (tmp_path / "loud_reports.py").write_text(EXTENSION)
    (tmp_path / "loud-1.0.dist-info").mkdir()
    (tmp_path / "loud-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (tmp_path / "loud-1.0.dist-info" / "entry_points.txt").write_text(
        "[assetwatch.reports]\nshout = loud_reports:FORMAT\nbroken = loud_reports:NO_FORMAT\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "loud_reports", raising=False)


@pytest.mark.parametrize("name", ["html", "text", "json", "csv"])
def test_ours(name: str) -> None:
    """Each format writes a document that has the headline in it."""
    assert night().headline.sentence.split(",")[0].encode() in formats.find(name).render(night())


def test_every_configured_name_is_one() -> None:
    """What the configuration may name is what there is."""
    assert tuple(formats.FORMATS) == config.REPORT_FORMATS


@pytest.mark.parametrize(
    ("suffix", "name"),
    [("html", "html"), ("HTM", "html"), ("txt", "text"), ("json", "json"), ("pdf", "pdf"), ("mov", None)],
)
def test_by_suffix(suffix: str, name: str | None) -> None:
    """A file's ending says its format."""
    assert formats.by_suffix(suffix) == name


def test_an_unknown_one_names_those_that_there_are() -> None:
    """The error helps."""
    with pytest.raises(UsageError, match="expected one of html, text, json, csv, pdf"):
        formats.find("docx")


def test_others_add_one(extension: None, tmp_path: Path) -> None:
    """An entry point brings a format, which may then stand in the configuration."""
    assert formats.find("shout").render(night()) == f"{night().headline.sentence}!".encode()
    with pytest.raises(UsageError, match="is no"):
        formats.find("broken")
    (tmp_path / "show.toml").write_text('[report]\nformats = ["html", "shout"]\n')
    assert config.load(tmp_path / "show.toml").report.formats == ("html", "shout")
    (tmp_path / "show.toml").write_text('[report]\nformats = ["whisper"]\n')
    with pytest.raises(ConfigError, match=r"report\.formats: expected one of html, .*shout"):
        config.load(tmp_path / "show.toml")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('keep = "soon"', "report.keep: expected a duration"),
        ("keep_reports = 0", 'report.keep_reports: expected "off" or a number above 0'),
        ('keep_reports = "many"', 'report.keep_reports: expected "off" or a number above 0'),
        ('directory = "reports"', "report.directory: expected an absolute path"),
    ],
)
def test_faults_of_the_configuration(line: str, fault: str, tmp_path: Path) -> None:
    """What cannot be is named."""
    (tmp_path / "show.toml").write_text(f"[report]\n{line}\n")
    with pytest.raises(ConfigError, match=fault):
        config.load(tmp_path / "show.toml")
