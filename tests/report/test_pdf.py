"""Is a report written as PDF, without fetching anything, and is it said what is missing where it cannot be?"""

from __future__ import annotations

import importlib.util
import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from assetwatch.errors import UsageError
from assetwatch.report.pdf import render, write_pdf
from tests.report.samples import hostile, night, quiet


def weasyprint_works() -> bool:
    """Whether WeasyPrint is installed and finds Pango."""
    if importlib.util.find_spec("weasyprint") is None:
        return False
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


needs_weasyprint = pytest.mark.skipif(not weasyprint_works(), reason="WeasyPrint (extra `pdf`) or Pango is not there")


@needs_weasyprint
class TestWritten:
    """With the library."""

    @pytest.mark.parametrize("make", [night, quiet, hostile], ids=lambda make: make.__name__)
    def test_a_report_becomes_a_document(self, make: object) -> None:
        """Whatever its names are, it is a tagged PDF of some size."""
        written = render(make())  # type: ignore[operator]
        assert written.startswith(b"%PDF-")
        assert b"/StructTreeRoot" in written or b"/ObjStm" in written
        assert len(written) > 20_000

    def test_the_log_is_left_alone(self, caplog: pytest.LogCaptureFixture) -> None:
        """The steps and the opinions of the library are nothing to who reads the night's log."""
        with caplog.at_level(logging.INFO):
            render(quiet())
        assert caplog.records == []

    def test_the_log_is_left_alone_by_its_beginning(self) -> None:
        """It takes its own style sheets, and says so, when a program comes to it for the first time."""
        code = (
            "import logging; logging.basicConfig(level=logging.INFO); from assetwatch.report.pdf import write_pdf; "
            "write_pdf('<html lang=en><title>t</title><p>text</p>')"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stderr == ""

    def test_nothing_is_fetched(self, tmp_path: Path) -> None:
        """Neither from the network nor from the disk, even where a page asks for it."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            port = server.getsockname()[1]
            picture = tmp_path / "secret.svg"
            picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>seen</text></svg>')
            plain = write_pdf("<title>t</title><p>text</p>")
            asking = write_pdf(
                f'<title>t</title><link rel="stylesheet" href="http://127.0.0.1:{port}/a.css"><p>text</p>'
                f'<img src="http://127.0.0.1:{port}/b.png"><img src="{picture.as_uri()}">'
            )
            with pytest.raises(BlockingIOError):
                server.accept()
        assert asking.count(b"/XObject") == plain.count(b"/XObject")


class TestMissing:
    """Without it."""

    def test_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where WeasyPrint is not installed the message says what to install."""
        monkeypatch.setitem(sys.modules, "weasyprint", None)
        with pytest.raises(UsageError, match=r"assetwatch\[pdf\]"):
            write_pdf("<p>text</p>")

    def test_pango_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where it is, and the system's library is not, the message names that."""
        (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')\n")
        for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(UsageError, match=r"Pango.*libpango-1\.0-0"):
            write_pdf("<p>text</p>")
