"""Does word get to a webhook as it was meant, and does nothing of its address get out?"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable

import pytest

from assetwatch.errors import ConfigError
from assetwatch.notify import others
from assetwatch.notify.letter import Letter
from assetwatch.notify.others import OtherFault
from tests.notify.conftest import Web

pytest.importorskip("apprise", reason="no tests of webhooks: apprise is not installed")

LETTER = Letter("3 files differ\n<script>", "Roll A001:\n<b>3</b> files \\n differ.\n", severity="wrong")


def test_a_webhook(web: Web, secret: Callable[..., str]) -> None:
    """Subject and text arrive as they are: nothing in a name is taken for markup or an escape."""
    address = web.url.replace("http", "json") + "/hook-5ecret"
    others.send(LETTER, secret(address))
    ((_, path, body),) = web.asked
    said = json.loads(body)
    assert path == "/hook-5ecret"
    assert (said["title"], said["message"].strip(), said["type"]) == (
        "3 files differ <script>",
        "Roll A001:\n<b>3</b> files \\n differ.",
        "failure",
    )


def test_a_refusal(web: Web, secret: Callable[..., str], caplog: pytest.LogCaptureFixture) -> None:
    """What was wrong is told as far as it is known; the address stands in no text and in no log, at any level."""
    caplog.set_level(logging.DEBUG)
    web.codes = [500]
    with pytest.raises(OtherFault) as caught:
        others.send(LETTER, secret(web.url.replace("http", "json") + "/hook-5ecret"))
    assert "500" in str(caught.value)
    assert "5ecret" not in str(caught.value) + caplog.text


def test_no_address(secret: Callable[..., str]) -> None:
    """What apprise does not know is refused, and not told."""
    name = secret("gopher://hole-5ecret")
    for call in (lambda: others.send(LETTER, name), lambda: others.service_of(name)):
        with pytest.raises(OtherFault, match="no address that apprise knows") as caught:
            call()
        assert "5ecret" not in str(caught.value)


def test_the_service(secret: Callable[..., str]) -> None:
    """Of which kind an address is, without a word to it."""
    assert others.service_of(secret("json://localhost/x")) == "JSON"


def test_without_the_library(secret: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault names the extra that has to be installed."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ConfigError, match=r"pip install 'assetwatch\[notify\]'"):
        others.send(LETTER, secret("json://localhost/x"))


def test_it_is_loaded_only_where_it_is_needed() -> None:
    """Mail does without it."""
    code = "import sys, assetwatch.notify.teller; print('apprise' in sys.modules, 'prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "False"]
