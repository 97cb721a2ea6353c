"""Is a good `[notify]` taken, and is a wrong one told with its key, what was expected, and no word of a secret?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assetwatch.config import Config, load, mail_addresses, parse_listen
from assetwatch.errors import ConfigError

ROUTE = '[[notify.route]]\nname = "r"\nto = ["a@example.com"]\n'


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str], Config]:
    """A configuration from its text."""

    def load_text(text: str) -> Config:
        path = tmp_path / "show.toml"
        path.write_text(text)
        return load(path)

    return load_text


def test_everything(loaded: Callable[[str], Config]) -> None:
    """Every key is taken."""
    config = loaded("""
        [notify]
        urls = ["mailto:a@example.com", "mailto://b@example.com", "credential:slack", "credential:/run/x/teams"]
        remind = "12h"
        ping = "https://ping.example.com/8d6c2f1a"
        heartbeat = "credential:heartbeat"
        heartbeat_every = "1m"
        [[notify.route]]
        name = "VFX house"
        to = ["vfx@example.com"]
        projects = ["NIGHTFALL"]
        volumes = ["vfx*"]
        deliverables = { id = ["SH*"], from = ["VFX"], to = ["DI"] }
        severity = "wrong"
        report = false
        alerts = true
        life = "off"
        [notify.smtp]
        host = "smtp.example.com"
        port = 2525
        security = "tls"
        user = "aw"
        password_credential = "pw"
        from = "assetwatch <aw@example.com>"
        timeout = "10s"
        ca = "/etc/ssl/own.pem"
        [health]
        daemon = false
        scan = "off"
        free = 0.1
        [metrics]
        listen = "127.0.0.1:9823"
    """)
    urls, route = config.notify.routes
    assert (urls.name, len(urls.to), urls.severity) == ("urls", 4, "all")
    assert route.deliverables is not None and route.deliverables.sender == ("VFX",)
    assert config.notify.smtp.sender == "assetwatch <aw@example.com>"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[notify]\nurl = ["x"]', "notify.url: unknown key; expected one of urls, "),
        (f'{ROUTE}too = "x"', "notify.route[0].too: unknown key"),
        (
            f"{ROUTE}deliverables = {{ form = [] }}",
            "notify.route[0].deliverables.form: unknown key; expected one of id, from",
        ),
        ('[notify.smtp]\npassword = "hunter22"', "notify.smtp.password: unknown key"),
        ('[[notify.route]]\nto = ["a@example.com"]', "notify.route[0].name: required"),
        ('[[notify.route]]\nname = "r"\nto = []', "notify.route[0].to: expected at least one address"),
        (ROUTE + ROUTE, "notify.route[1].name: expected a name of its own"),
        ('[[notify.route]]\nname = "urls"\nto = ["a@x.org"]', "notify.route[0].name: expected a name of its own"),
        ('[[notify.route]]\nname = "a:b"\nto = ["a@x.org"]', "notify.route[0].name: expected a name of letters"),
        (f'{ROUTE}severity = "wrnog"', "did you mean 'wrong'"),
        (f'{ROUTE}life = "never"', "notify.route[0].life: expected a duration"),
        ('[notify]\nremind = "0s"', "notify.remind: expected more than 0"),
        ('[notify.smtp]\nsecurity = "ssl"', "notify.smtp.security: expected one of starttls, tls, none"),
        ("[notify.smtp]\nport = 0", "notify.smtp.port: expected a port"),
        ('[notify.smtp]\nfrom = "a\\nb"', "notify.smtp.from: expected an address"),
        ('[notify.smtp]\nhost = "h.example"\nuser = "u"\nsecurity = "none"', "a password would cross the network"),
        ('[notify]\nping = "ping.example.com"', "notify.ping: expected an http address"),
        ('[notify]\nurls = ["credential:../passwd"]', "expected credential:NAME"),
        ("[health]\nfree = 5", "health.free: expected a share"),
        ('[health]\nsweep = "never"', "health.sweep: expected a duration"),
        ('[metrics]\nlisten = "9823"', "metrics.listen: expected an address and a port"),
    ],
)
def test_faults(loaded: Callable[[str], Config], text: str, fault: str) -> None:
    """The key and what was expected."""
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "slack://T1JJ3T3L2/hunter22/x",
        "mailto://user:hunter22@example.com",
        "mailto:a@example.com?pass=hunter22",
        "https://hooks.example.com/services/hunter22",
        "json://user:hunter22@localhost",
        "hunter22",
    ],
)
@pytest.mark.parametrize("place", ["[notify]\nurls = [{}]", '[[notify.route]]\nname = "r"\nto = [{}]'])
def test_secrets_do_not_stand_here(loaded: Callable[[str], Config], address: str, place: str) -> None:
    """An address that may hold a secret is refused: how to do it is said, and nothing of the address."""
    with pytest.raises(ConfigError, match="credential:NAME") as caught:
        loaded(place.format(f'"{address}"'))
    assert "hunter22" not in str(caught.value) and "LoadCredential=" in str(caught.value)


def test_a_ping_with_a_password(loaded: Callable[[str], Config]) -> None:
    """Neither is one there."""
    with pytest.raises(ConfigError, match="notify.ping: expected an http address without a password") as caught:
        loaded('[notify]\nping = "https://u:hunter22@ping.example.com/x"')
    assert "hunter22" not in str(caught.value)


def test_addresses() -> None:
    """In every spelling that is used; what is none gives none."""
    assert mail_addresses("mailto:a@x.org, b@y.org") == ["a@x.org", "b@y.org"]
    assert mail_addresses("MAILTO://a@x.org") == mail_addresses("a@x.org") == ["a@x.org"]
    assert mail_addresses("mailto:root") == ["root"] and mail_addresses("root") is None
    assert mail_addresses("a@b@c.org") is None and mail_addresses("a@x.org,") is None


def test_listen() -> None:
    """Address and port."""
    assert parse_listen("127.0.0.1:9823") == ("127.0.0.1", 9823)
    assert parse_listen("[::1]:9823") == ("::1", 9823)
    for text in ("::1:9823", "localhost", "localhost:70000", "a b:1"):
        with pytest.raises(ValueError, match="expected an address"):
            parse_listen(text)
