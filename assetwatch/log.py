"""How do log lines leave the program? On standard error; under journald with the priority it understands."""

from __future__ import annotations

import logging
import os
import sys

#: systemd's `<N>` line prefixes, sd-daemon(3): syslog priorities.
_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _JournalFormatter(logging.Formatter):
    """One line, `<N>` in front; journald adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record).replace("\n", "\n ")
        return f"<{_PRIORITY.get(record.levelno, 6)}>{text}"


def goes_to_journal() -> bool:
    """Whether standard error is the journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5))."""
    try:
        stat = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def set_up(verbosity: int) -> None:
    """Send log lines to standard error; `verbosity` -1 warnings only, 0 what happens, 1 and more everything."""
    handler = logging.StreamHandler()
    if goes_to_journal():
        handler.setFormatter(_JournalFormatter("%(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING if verbosity < 0 else logging.INFO if verbosity == 0 else logging.DEBUG)
    for noisy in ("alembic", "sqlalchemy", "watchdog"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
