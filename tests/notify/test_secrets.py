"""Are secrets read from where they belong, and are they kept out of every text?"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from assetwatch.errors import ConfigError
from assetwatch.notify import secrets


class TestRead:
    """`read`"""

    def test_a_path(self, secret: Callable[..., str]) -> None:
        """Without the line end that editors add, and with the blanks that may belong to it."""
        assert secrets.read(secret(" pass word \r\n")) == " pass word "

    def test_a_credential_of_systemd(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name is looked for where systemd puts credentials, or else in the folder of our own."""
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        (tmp_path / "smtp-password").write_text("xyzzy-1")
        (tmp_path / "smtp-password").chmod(0o400)
        assert secrets.read("credential:smtp-password") == "xyzzy-1"
        assert secrets.place_of("other") == "/etc/assetwatch/secrets/other"
        monkeypatch.delenv("CREDENTIALS_DIRECTORY")
        assert secrets.place_of("smtp-password") == "/etc/assetwatch/secrets/smtp-password"

    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o777])
    def test_everybody_may_read_it(self, secret: Callable[..., str], mode: int) -> None:
        """It is refused, with the line that mends it, and without a word of what is in it."""
        name = secret("plugh-22", mode=mode)
        with pytest.raises(ConfigError, match="chmod o= ") as caught:
            secrets.read(name)
        assert "plugh" not in str(caught.value)

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 70_000, b"a\0b"])
    def test_no_secret_in_it(self, tmp_path: Path, content: bytes) -> None:
        """Empty, no text, endless: refused."""
        path = tmp_path / "secret"
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(ConfigError, match="expected"):
            secrets.read(str(path))

    def test_no_file(self, tmp_path: Path) -> None:
        """Not there, or a folder."""
        with pytest.raises(ConfigError, match="No such file"):
            secrets.read(str(tmp_path / "none"))
        with pytest.raises(ConfigError, match="expected a file"):
            secrets.read(str(tmp_path))


class TestRedacted:
    """`redacted`"""

    def test_every_form_of_it(self) -> None:
        """As it is, in a URL, and as a mail server is told it."""
        word = "s3cr&t/w rd-77"
        secrets.remember(word)
        coded = base64.b64encode(word.encode()).decode()
        assert secrets.redacted(f"a {word} b s3cr%26t/w%20rd-77 c {coded}") == "a *** b *** c ***"

    def test_parts_of_an_address(self) -> None:
        """A library that complains names a part of it: that is a secret too."""
        secrets.remember("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general")
        told = secrets.redacted("POST /services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ failed")
        assert told == "POST /services/***/***/*** failed"

    def test_a_web_address(self) -> None:
        """Its host is none, its path is."""
        secrets.remember("https://user:hunter22@ping.example.com/8d6c2f1a-77?key=abcdefgh")
        assert secrets.redacted("ping.example.com: /8d6c2f1a-77 abcdefgh hunter22") == "ping.example.com: /*** *** ***"
