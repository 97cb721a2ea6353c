"""Where does a secret come from, and how is it kept out of everything that people read?

From systemd's credentials or from a file of its own. What was read is remembered for as long as the program runs, so
that it can be struck out of every text that goes to a log, the catalog or a terminal.
"""

from __future__ import annotations

import base64
import os
import re
import stat
import threading
from typing import Final
from urllib.parse import quote, unquote

from assetwatch.config import CREDENTIAL
from assetwatch.errors import ConfigError

#: Where credentials lie that systemd does not bring.
FOLDER: Final = "/etc/assetwatch/secrets"

#: What our units put before the names of credentials that come out of `FOLDER` (`LoadCredential=`, systemd.exec(5)).
_FROM_FOLDER: Final = "secret_"

#: No password or address is longer (bytes).
_SIZE_MAX: Final = 65_536

#: Parts of an address shorter than this are words rather than secrets.
_PART_MIN: Final = 6

_HIDDEN: Final = "***"

#: What was read so far. Module state: a secret must be struck out wherever it turns up, whoever read it.
_known: set[str] = set()
_lock = threading.Lock()


def place_of(name: str) -> str:
    """The file that a credential's name means: a path as it is, else systemd's, else one in `FOLDER`."""
    name = name.removeprefix(CREDENTIAL)
    if name.startswith("/"):
        return name
    given = os.environ.get("CREDENTIALS_DIRECTORY")
    for path in [os.path.join(given, one) for one in (name, _FROM_FOLDER + name)] if given else []:
        if os.path.exists(path):
            return path
    return os.path.join(FOLDER, name)


def read(name: str) -> str:
    """The secret of this name, without the line end that editors add.

    Raises ConfigError where it is not there, empty, or open to everybody; never with a word of what is in it.
    """
    path = place_of(name)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(
            f"credential {name.removeprefix(CREDENTIAL)}: {path}: {error.strerror}. Write the secret into that file, "
            "readable by the service only, or bring it with LoadCredential= in the unit."
        ) from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"credential {path}: expected a file.")
        if found.st_mode & stat.S_IRWXO:
            raise ConfigError(f"credential {path}: everybody may read or write it: `chmod o= {path}`.")
        content = os.read(descriptor, _SIZE_MAX + 1)
    finally:
        os.close(descriptor)
    try:
        text = content.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"credential {path}: expected text in UTF-8.") from None
    if not text.strip() or len(content) > _SIZE_MAX or "\0" in text:
        raise ConfigError(f"credential {path}: expected one secret, and the file is empty or too long.")
    remember(text)
    return text


def remember(secret: str) -> None:
    """Have a secret struck out of texts from now on: as it is, encoded, and each part of it if it is an address."""
    forms = {secret, quote(secret), quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}
    _, is_address, rest = secret.partition("://")
    if is_address:
        authority, _, path = rest.partition("/")
        login, _, host = authority.rpartition("@")
        name = host.partition(":")[0]
        # What stands where a host does may be a token; what looks like a host is needed to say what did not answer.
        kept = (login, path) if "." in name or name == "localhost" else (login, host, path)
        parts = {part for text in kept for part in re.split(r"[/?&=:@#,;]", text) if len(part) >= _PART_MIN}
        forms |= parts | {unquote(part) for part in parts}
    with _lock:
        _known.update(forms)


def redacted(text: str) -> str:
    """A text in which no secret stands that was read so far."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, _HIDDEN)
    return text
