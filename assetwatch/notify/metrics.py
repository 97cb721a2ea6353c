"""What does Prometheus read of this program, from a file or from the daemon?

Names after Prometheus' conventions: base units (seconds, bytes), `_total` for what only grows, instants as
`_timestamp_seconds`. The dashboard and the rules in `monitoring/` use these names and no others.
"""

from __future__ import annotations

import logging
import os
import platform
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from assetwatch import __version__
from assetwatch.catalog import deliverables
from assetwatch.catalog.engine import Database
from assetwatch.catalog.gauges import Gauges, gauges
from assetwatch.catalog.rows import VolumeRow
from assetwatch.clock import Clock
from assetwatch.config import Config, parse_listen
from assetwatch.errors import CatalogError
from assetwatch.paths import readable

_log = logging.getLogger(__name__)

#: How long an answer serves: several may ask at once (seconds).
_KEPT_S: Final = 5.0

#: What of the last sweep is told by verdict.
_VERDICTS: Final = ("verified", "mismatch", "missing", "unreadable", "misread")


class _Collector(Collector):
    """Reads the catalog when it is asked, and not more often than every few seconds."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = float("-inf")

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        with self._lock:
            if self._clock.monotonic() >= self._until:
                self._kept = list(self._read())
                self._until = self._clock.monotonic() + _KEPT_S
            kept = self._kept
        yield from kept

    def _read(self) -> Iterator[Metric]:
        build = InfoMetricFamily("assetwatch_build", "Version of assetwatch and of Python.")
        build.add_metric([], {"version": __version__, "python": platform.python_version()})
        yield build
        try:
            with self._database.read() as connection:
                found = gauges(connection)
                states = _states(connection, self._clock)
        except CatalogError as error:
            _log.error("metrics: %s", error)
            yield _one("assetwatch_catalog_up", "Whether the catalog can be read.", 0)
            return
        yield _one("assetwatch_catalog_up", "Whether the catalog can be read.", 1)
        yield from _files(found)
        yield from _volumes(found)
        yield from _machinery(found)
        yield from _sweep(found)
        yield from states


def _files(found: Gauges) -> Iterator[Metric]:
    names = {row.id: readable(row.name) for row in found.pulse.volumes}
    labels = ["volume", "presence", "integrity"]
    count = GaugeMetricFamily("assetwatch_files", "Files in the catalog by state.", labels=labels)
    size = GaugeMetricFamily("assetwatch_files_size_bytes", "Bytes of files in the catalog by state.", labels=labels)
    for volume_id, presence, integrity, files, total in found.tallies:
        where = [names[volume_id], presence, integrity]
        count.add_metric(where, files)
        size.add_metric(where, total)
    yield count
    yield size


def _volumes(found: Gauges) -> Iterator[Metric]:
    """One value a volume, where it has one."""

    def family(name: str, words: str, value: Callable[[VolumeRow], float | None]) -> Metric:
        made = GaugeMetricFamily(f"assetwatch_volume_{name}", words, labels=["volume"])
        for row in found.pulse.volumes:
            said = value(row)
            if said is not None:
                made.add_metric([readable(row.name)], said)
        return made

    yield family("online", "Whether the volume is there.", lambda row: row.online)
    yield family("last_scan_timestamp_seconds", "When a scan last ended.", lambda row: _seconds(row.last_scan_us))
    yield family(
        "last_event_timestamp_seconds", "When an event was last heard.", lambda row: _seconds(row.last_event_us)
    )
    yield family(
        "oldest_check_timestamp_seconds",
        "When the file was last read whose last reading is longest ago.",
        lambda row: _seconds(found.oldest_check_us.get(row.id)),
    )
    yield family("watches", "Folders that are watched.", lambda row: row.watches)
    yield family("watch_limit", "How many watches the kernel gives.", lambda row: row.watch_limit)
    yield family("size_bytes", "Size of the file system.", lambda row: found.room.get(row.id, (None, None))[0])
    yield family("free_bytes", "Free bytes of the file system.", lambda row: found.room.get(row.id, (None, None))[1])
    overflows = CounterMetricFamily(
        "assetwatch_volume_overflows", "How often the kernel dropped events.", labels=["volume"]
    )
    for row in found.pulse.volumes:
        overflows.add_metric([readable(row.name)], row.overflows)
    yield overflows


def _machinery(found: Gauges) -> Iterator[Metric]:
    pulse, keeper = found.pulse, found.pulse.keeper
    running = keeper is not None and keeper.stopped_us is None
    if keeper is not None:
        yield _one("assetwatch_daemon_beat_timestamp_seconds", "When the daemon last spoke.", _seconds(keeper.beat_us))
        yield _one("assetwatch_daemon_start_timestamp_seconds", "When it began.", _seconds(keeper.started_us))
    yield _one("assetwatch_daemon_running", "Whether a daemon runs that did not say that it ended.", int(running))
    files = CounterMetricFamily("assetwatch_read_files", "Files read since the daemon began.")
    size = CounterMetricFamily("assetwatch_read_bytes", "Bytes read since the daemon began.")
    files.add_metric([], found.doing.get("files_read", 0))
    size.add_metric([], found.doing.get("bytes_read", 0))
    yield files
    yield size
    due = pulse.oldest_due_us
    yield _one("assetwatch_queue_oldest_due_timestamp_seconds", "Since when the oldest work is due.", _seconds(due))
    read = pulse.last_read_us
    yield _one("assetwatch_last_recorded_timestamp_seconds", "When a content was last recorded.", _seconds(read))
    yield _one("assetwatch_sweep_last_timestamp_seconds", "When a sweep last ended.", _seconds(pulse.sweep_us))
    yield _one("assetwatch_report_last_timestamp_seconds", "When a report was last made.", _seconds(pulse.report_us))
    yield _one("assetwatch_messages_unsent", "Messages that wait to be sent.", pulse.unsent.count)
    oldest = pulse.unsent.oldest_us
    yield _one("assetwatch_messages_oldest_timestamp_seconds", "Since when the oldest of them waits.", _seconds(oldest))
    lost = sum(one.given_up_us is not None for one in pulse.failed)
    yield _one("assetwatch_messages_given_up", "Messages given up since something last got to their place.", lost)
    alerts = GaugeMetricFamily("assetwatch_alerts", "Alerts that hold, by kind.", labels=["kind"])
    for kind, count in sorted(found.alerts.items()):
        alerts.add_metric([kind], count)
    yield alerts


def _sweep(found: Gauges) -> Iterator[Metric]:
    if found.last_sweep is None:
        return
    counts = found.last_sweep["counts"]
    by_verdict = GaugeMetricFamily("assetwatch_sweep_files", "Files of the last sweep.", labels=["verdict"])
    for verdict in _VERDICTS:
        by_verdict.add_metric([verdict], counts.get(verdict, 0))
    yield by_verdict
    left = GaugeMetricFamily("assetwatch_sweep_not_checked_files", "Files that it did not check.", labels=["reason"])
    for reason, count in sorted(counts.get("not_checked_reasons", {}).items()):
        left.add_metric([reason], count)
    yield left
    yield _one("assetwatch_sweep_bytes", "Bytes that it read.", counts.get("bytes", 0))
    yield _one("assetwatch_sweep_complete", "Whether it checked all that it was about.", found.last_sweep["complete"])


def _states(connection: Connection, clock: Clock) -> Sequence[Metric]:
    """Where deliverables stand; nothing where nothing is scheduled."""
    if not deliverables.any_scheduled(connection):
        return []
    from assetwatch.delivery.kept import board  # slow to import, and many shows have no schedule here
    from assetwatch.delivery.status import State

    entries = [one.status for one in board(connection, clock.now(), brief=True)]
    counts = Counter(one.state for one in entries)
    by_status = GaugeMetricFamily("assetwatch_deliverables", "Deliverables by status.", labels=["status"])
    for state in State:
        by_status.add_metric([state.value], counts[state])
    return [
        by_status,
        _one("assetwatch_deliverables_late", "Deliverables that are late.", sum(one.late for one in entries)),
        _one("assetwatch_deliverables_due_soon", "Those that are due soon.", sum(one.due_soon for one in entries)),
    ]


def _one(name: str, words: str, value: float | None) -> Metric:
    """A metric with one value; None: with none."""
    made = GaugeMetricFamily(name, words)
    if value is not None:
        made.add_metric([], value)
    return made


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1_000_000


def _registry(database: Database, clock: Clock) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(database, clock))
    return registry


def exposition(database: Database, clock: Clock) -> str:
    """All metrics in Prometheus' text format."""
    return generate_latest(_registry(database, clock)).decode()


def write(path: Path, text: str) -> None:
    """Put a text where the node exporter reads it: under its name there is always a whole one. Raises OSError."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


class Endpoint:
    """Answers Prometheus over HTTP, in threads of its own."""

    def __init__(self, database: Database, config: Config, clock: Clock) -> None:
        assert config.metrics.listen is not None
        address, port = parse_listen(config.metrics.listen)
        self._server, self._thread = start_http_server(port, address, _registry(database, clock))
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(database: Database, config: Config, clock: Clock) -> Endpoint | None:
    """The endpoint that the configuration asks for; None where it asks for none, or the address is not to be had."""
    if config.metrics.listen is None:
        return None
    try:
        return Endpoint(database, config, clock)
    except OSError as error:
        _log.error("metrics: %s cannot be listened on: %s", config.metrics.listen, error.strerror or error)
        return None
