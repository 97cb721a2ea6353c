"""What does the catalog say of a volume as a whole: its scans, and what a person has to know of it?"""

from __future__ import annotations

import json
import logging
import socket
from typing import Final

from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import files, volumes
from assetwatch.ingest.scan import Scan
from assetwatch.paths import shown

_log = logging.getLogger(__name__)

#: Names of many that stand in a sentence.
_NAMED: Final = 5


class Book:
    """The entries on one volume. Every method works inside the caller's transaction."""

    def __init__(self, volume_id: int, name: str) -> None:
        self._volume_id = volume_id
        self._name = name

    def begin(self, connection: Connection, scan: Scan, now_us: int) -> int:
        """Enter that a scan of the whole volume begins; its run's id."""
        return volumes.begin_run(
            connection,
            {
                "kind": "scan",
                "volume_id": self._volume_id,
                "why": scan.why,
                "host": socket.gethostname(),
                "version": __version__,
                "started_us": now_us,
            },
        )

    def end(self, connection: Connection, run_id: int | None, scan: Scan, absent: int, now_us: int) -> None:
        """Enter what a scan of the whole volume saw, and open or close the alerts that follow from it."""
        counts = {
            "folders": scan.folders,
            "looked_at": scan.files,
            "differed": scan.differed,
            "absent": absent,
            "unreadable_folders": scan.unreadable,
            "ignored": dict(scan.ignored.most_common()),
            "other_file_systems": scan.foreign,
        }
        volumes.set_values(
            connection, self._volume_id, {"last_scan_us": now_us, "ignored": json.dumps(counts["ignored"])}
        )
        if run_id is not None:
            volumes.end_run(connection, run_id, now_us, complete=not scan.unreadable, counts=counts)
        if files.next_due_us(connection, [self._volume_id], ("absence",)) is None:
            self.alert(connection, now_us, "mass_loss", None, "")
        self.alert(
            connection,
            now_us,
            "unreadable_folders",
            _some([f"{shown(path)} ({why})" for path, why in scan.unreadable.items()]),
            "folders cannot be read, nothing is known of what they hold: ",
        )
        self.alert(
            connection,
            now_us,
            "other_file_systems",
            _some([shown(path) for path in scan.foreign]),
            "other file systems are mounted inside this volume and are not watched; make each a volume: ",
        )

    def alert(self, connection: Connection, now_us: int, kind: str, text: str | None, lead: str) -> None:
        """Open or renew one of this volume's alerts; close it where there is no text."""
        key = f"{kind}:{self._volume_id}"
        if text is None:
            volumes.close_alert(connection, key, now_us)
        elif volumes.open_alert(connection, key, kind, self._volume_id, now_us, lead + text):
            _log.warning("volume %s: %s%s", self._name, lead, text)


def _some(names: list[str]) -> str | None:
    """The first of many for a sentence; None for none."""
    if not names:
        return None
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
