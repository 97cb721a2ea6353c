"""How does word get to a chat room, a webhook or a phone? Through apprise, which is an extra."""

from __future__ import annotations

import logging
from typing import Any, Final

from assetwatch.errors import ConfigError
from assetwatch.notify import secrets
from assetwatch.notify.letter import Letter, one_line

#: What these libraries log has whole addresses in it: nothing of it may get into our log.
_TALKATIVE: Final = ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib", "markdown")


class OtherFault(Exception):
    """The other side did not take the message; says why as far as it is known, without a secret."""


def send(letter: Letter, credential: str) -> None:
    """Send a letter's text to the address that a credential holds.

    Raises OtherFault when it was not taken, ConfigError when the credential or the library is not there.
    """
    apprise = _library()
    address = secrets.read(credential)
    room = apprise.Apprise()
    heard = _Listener()
    logger = logging.getLogger("apprise")
    logger.addHandler(heard)
    try:
        if not room.add(address):
            raise OtherFault(_REFUSED)
        kinds = {"well": "success", "attention": "warning", "wrong": "failure"}
        taken = room.notify(
            title=one_line(letter.subject),
            body=letter.text,
            notify_type=kinds[letter.severity],
            body_format="text",
            interpret_escapes=False,
        )
    except OtherFault:
        raise
    except Exception as error:  # whatever a plugin raises: its text may hold the address
        raise OtherFault(f"failed: {type(error).__name__}") from None
    finally:
        logger.removeHandler(heard)
    if not taken:
        raise OtherFault(heard.last or "it was not taken; the service gave no reason")


def service_of(credential: str) -> str:
    """What kind of service a credential's address is of, such as `Slack`.

    Raises ConfigError when credential or library is not there, OtherFault when the address is none.
    """
    apprise = _library()
    found = apprise.Apprise.instantiate(secrets.read(credential), suppress_exceptions=True)
    if found is None:
        raise OtherFault(_REFUSED)
    return str(found.service_name)


_REFUSED: Final = (
    "what the credential holds is no address that apprise knows; it takes such as slack://..., msteams://..., "
    "ntfy://..., jsons://..."
)


class _Listener(logging.Handler):
    """Keeps the last complaint, without secrets."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.last = secrets.redacted(one_line(record.getMessage(), 300))


def _library() -> Any:
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            "a route names an address other than mail, for which a library is missing: pip install 'assetwatch[notify]'"
        ) from None
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.WARNING)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
    return apprise
