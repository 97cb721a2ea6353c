"""Does `notify test` say what happened, does `doctor` find what is wrong, and does `status` tell what was not sent?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assetwatch.catalog import messages
from assetwatch.catalog.engine import open_database, parse_url
from assetwatch.clock import SystemClock
from assetwatch.units import microseconds
from tests.cli.conftest import Answer
from tests.notify.conftest import PASSWORD, Authority, Mailbox, _nothing_known, authority, secret, smtp

__all__ = ["_nothing_known", "authority", "secret", "smtp"]  # fixtures


@pytest.fixture
def show(tmp_path: Path, authority: Authority) -> Callable[..., Path]:
    """Write a configuration with a mailbox's server; `more` stands before `[notify.smtp]`."""

    def write(box: Mailbox, more: str, smtp: str = "") -> Path:
        path = tmp_path / "show.toml"
        path.write_text(
            f'project = "NIGHTFALL"\n{more}\n[notify.smtp]\nhost = "localhost"\nport = {box.port}\n'
            f'from = "aw@example.com"\nca = "{authority.ca}"\n{smtp}\n'
        )
        return path

    return write


class TestTrial:
    """`notify test`"""

    def test_every_route(self, call: Callable[..., Answer], show: Callable[..., Path], smtp: Any, secret: Any) -> None:
        """Each is sent one; where it went is said, and where not, why."""
        box = smtp()
        path = show(
            box,
            f'[notify]\nurls = ["mailto:a@example.com"]\n[[notify.route]]\nname = "room"\nto = ["{secret("nope")}"]\n',
        )
        answer = call("--config", path, "--catalog", path.parent / "none.db", "notify", "test")
        assert answer.code == 1
        sent, failed = answer.out.splitlines()
        assert sent == f"urls, mail: sent: a@example.com by localhost:{box.port}, STARTTLS"
        assert failed.startswith("room, ") and "NOT SENT: " in failed and "nope" not in failed
        assert [str(mail["Subject"]) for mail in box.mails] == [
            "[NIGHTFALL] assetwatch: a test, nothing has to be done"
        ]
        assert not (path.parent / "none.db").exists()

    def test_one_route(self, call: Callable[..., Answer], show: Callable[..., Path], smtp: Any) -> None:
        """As a document; one that is not there is wrong usage."""
        path = show(smtp(), '[notify]\nurls = ["mailto:a@example.com"]\n')
        base = ("--config", path, "--catalog", path.parent / "none.db", "notify", "test")
        found = call(*base, "urls", "--json").json
        assert [(one["route"], one["place"], one["sent"], one["fault"]) for one in found] == [
            ("urls", "mail", True, None)
        ]
        answer = call(*base, "nobody")
        assert answer.code == 2 and "it has" not in answer.err and "has urls" in answer.err

    def test_nobody_is_named(self, call: Callable[..., Answer], tmp_path: Path) -> None:
        """Without routes there is nothing to try."""
        (tmp_path / "show.toml").write_text("")
        assert call("--config", tmp_path / "show.toml", "notify", "test").code == 2

    def test_it_ends_the_complaint(self, call: Callable[..., Answer], show: Callable[..., Path], smtp: Any) -> None:
        """What was given up is no trouble any more once a test got there."""
        path = show(smtp(), '[notify]\nurls = ["mailto:a@example.com"]\n')
        catalog = path.parent / "catalog.db"
        now_us = microseconds(SystemClock().now())
        database = open_database(parse_url(str(catalog), path.parent), SystemClock())
        with database.write() as connection:
            content = '{"subject": "report"}'
            given = {"kind": "report", "about": {}, "route": "urls", "place": "mail", "content": content}
            made = messages.add(connection, made_us=now_us - 9, **given)
            messages.note_fault(connection, made, "no such host", next_us=1, given_up_us=now_us - 1, content=None)
        database.close()
        base = ("--config", path, "--catalog", catalog)
        before = call(*base, "status")
        assert before.code == 1
        assert "! 1 message not sent to urls (mail), given up: no such host" in before.out
        (failed,) = call(*base, "status", "--json").json["sending"]["failed"]
        assert (failed["subject"], failed["next_try"], failed["fault"]) == ("report", None, "no such host")
        assert call(*base, "notify", "test").code == 0
        after = call(*base, "status", "--json")
        assert after.code == 0 and after.json["sending"]["failed"] == []


class TestDoctor:
    """What `doctor` says of it."""

    @staticmethod
    def _states(answer: Answer) -> dict[str, tuple[str, str]]:
        return {one["name"]: (one["state"], one["text"]) for one in answer.json["checks"]}

    def _doctor(self, call: Callable[..., Answer], path: Path) -> dict[str, tuple[str, str]]:
        return self._states(call("--config", path, "--catalog", path.parent / "none.db", "doctor", "--json"))

    def test_all_is_well(self, call: Callable[..., Answer], show: Callable[..., Path], smtp: Any, secret: Any) -> None:
        """The server answers and takes the password; nothing is sent."""
        box = smtp(login=True)
        password = f'user = "aw"\npassword_credential = "{secret(PASSWORD).removeprefix("credential:")}"'
        path = show(box, '[notify]\nurls = ["mailto:a@example.com"]\nping = "http://localhost/x"\n', password)
        found = self._doctor(call, path)
        assert found["notify"] == ("ok", "routes: urls (mail)")
        assert found["mail"] == ("ok", f"localhost:{box.port}, STARTTLS answers, as aw")
        assert "dead man's switch" not in found and box.mails == []

    def test_what_is_wrong(
        self, call: Callable[..., Answer], show: Callable[..., Path], smtp: Any, secret: Any
    ) -> None:
        """A password that is not taken, a secret for everybody, a hole in the rules, nobody who would notice."""
        box = smtp(login=True)
        wrong = secret("wr0ng-pass", "password").removeprefix("credential:")
        open_to_all = secret("json://localhost", "open", mode=0o644)
        path = show(
            box,
            f'[[notify.route]]\nname = "vfx"\nto = ["a@example.com", "{open_to_all}"]\nvolumes = ["vfx"]\n',
            f'user = "aw"\npassword_credential = "{wrong}"',
        )
        found = self._doctor(call, path)
        assert found["mail"][0] == "wrong" and "refuses user aw" in found["mail"][1]
        assert "wr0ng-pass" not in str(found)
        assert any(state == "wrong" and "everybody may read" in text for state, text in found.values())
        assert found["notify"][0] == "warning" and "alerts about everything" in found["notify"][1]
        assert found["dead man's switch"][0] == "warning"

    def test_nobody_is_named(self, call: Callable[..., Answer], tmp_path: Path) -> None:
        """That is said, and is no fault."""
        (tmp_path / "show.toml").write_text("")
        state, text = self._doctor(call, tmp_path / "show.toml")["notify"]
        assert state == "ok" and "nobody is told" in text
