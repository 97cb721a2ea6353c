"""Are the metrics those of the catalog, in Prometheus' format, and do rules and dashboard use no others?"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from assetwatch.catalog import tables as t
from assetwatch.catalog import volumes
from assetwatch.catalog.engine import Database
from assetwatch.clock import FakeClock
from assetwatch.config import Config, MetricsSection
from assetwatch.notify import metrics
from assetwatch.units import microseconds
from tests.catalog.conftest import Shelf
from tests.notify.test_alarms import SCHEDULE

ROOT = Path(__file__).parents[2]


class Values(dict[tuple[str, str], float]):
    """Sample name and labels (`a=b,c=d`, by name) -> value."""

    @classmethod
    def of(cls, text: str) -> Values:
        """The samples of a text in Prometheus' format."""
        found = cls()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[(sample.name, labels)] = sample.value
        return found

    def named(self, name: str) -> dict[str, float]:
        """Labels -> value of one metric."""
        return {labels: value for (known, labels), value in self.items() if known == name}


@pytest.fixture
def shelf(database: Database) -> Shelf:
    """A catalog to be filled by hand, on each database."""
    return Shelf(database)


@pytest.fixture
def full(shelf: Shelf) -> Shelf:
    """A catalog in which every metric has a value."""
    clock = FakeClock()
    now_us = microseconds(clock.now())
    volume = shelf.volume()
    shelf.volume("vfx", online=False)
    (first, *_) = shelf.put(volume, "a.mov", "b.mov", integrity="recorded", size=500)
    shelf.put(volume, "c.mov", integrity="mismatch", size=7)
    shelf.put(volume, "d.mov", presence="arriving", integrity="pending", due_us=now_us - 5_000_000, due_for="read")
    shelf.read(first, xxh128="0" * 32)
    from assetwatch.catalog import deliverables, messages
    from assetwatch.delivery import kept
    from assetwatch.delivery.schedule_toml import read_toml

    with shelf.database.write() as connection:
        volumes.set_values(
            connection,
            volume.id,
            {"last_scan_us": now_us, "last_event_us": now_us, "watches": 12, "watch_limit": 100, "overflows": 3},
        )
        keeper = {"kind": "run", "host": "h", "pid": 1, "boot_id": "", "version": "1", "started_us": 5_000_000}
        made = volumes.enter_keeper(connection, {**keeper, "beat_us": now_us})
        volumes.beat(connection, made, now_us, {"files_read": 4, "bytes_read": 1_507})
        for kind in ("verify", "report"):
            run = {"kind": kind, "why": "t", "host": "h", "version": "1", "started_us": now_us}
            counts = {"verified": 2, "mismatch": 1, "not_checked_reasons": {"budget": 9}, "bytes": 1_000}
            volumes.end_run(connection, volumes.begin_run(connection, run), now_us, complete=False, counts=counts)
        volumes.open_alert(connection, "x", "mass_loss", volume.id, 1, "x")
        given = {"kind": "report", "about": {}, "route": "r", "place": "mail", "content": "{}"}
        messages.add(connection, made_us=now_us, **given)
        for at_us, free in ((1, 50), (2, 40)):
            connection.execute(
                insert(t.capacity).values(volume_id=volume.id, at_us=at_us, total=100, free=free, size=1)
            )
        schedule = read_toml(SCHEDULE, clock.now().tzinfo)  # type: ignore[arg-type]
        deliverables.apply(connection, [kept.as_scheduled(one) for one in schedule.deliverables], now_us)
    return shelf


class TestValues:
    """What is told."""

    def test_of_a_catalog(self, full: Shelf) -> None:
        """The numbers are those of the catalog."""
        found = Values.of(metrics.exposition(full.database, FakeClock()))
        assert found.named("assetwatch_files") == {
            "integrity=recorded,presence=present,volume=ingest": 2,
            "integrity=mismatch,presence=present,volume=ingest": 1,
            "integrity=pending,presence=arriving,volume=ingest": 1,
        }
        assert found.named("assetwatch_files_size_bytes")["integrity=recorded,presence=present,volume=ingest"] == 1_000
        assert found.named("assetwatch_volume_online") == {"volume=ingest": 1, "volume=vfx": 0}
        assert found.named("assetwatch_volume_free_bytes") == {"volume=ingest": 40}
        assert found.named("assetwatch_volume_overflows_total") == {"volume=ingest": 3, "volume=vfx": 0}
        assert found.named("assetwatch_read_bytes_total") == {"": 1_507}
        assert found.named("assetwatch_deliverables")["status=expected"] == 1
        assert found.named("assetwatch_sweep_not_checked_files") == {"reason=budget": 9}
        assert found.named("assetwatch_alerts") == {"kind=mass_loss": 1}
        assert found.named("assetwatch_messages_unsent") == {"": 1}
        now = FakeClock().now().timestamp()
        assert found.named("assetwatch_queue_oldest_due_timestamp_seconds") == {"": now - 5}
        assert found.named("assetwatch_volume_last_scan_timestamp_seconds") == {"volume=ingest": now}

    def test_of_an_empty_one(self, shelf: Shelf) -> None:
        """What never was has no value."""
        found = Values.of(metrics.exposition(shelf.database, FakeClock()))
        assert found.named("assetwatch_catalog_up") == {"": 1}
        assert found.named("assetwatch_sweep_last_timestamp_seconds") == {}
        assert found.named("assetwatch_daemon_running") == {"": 0}

    def test_a_name_that_is_no_plain_word(self, shelf: Shelf) -> None:
        """It is a label all the same, and tells the same volume."""
        shelf.volume('in"ge\\st//FF')
        found = Values.of(metrics.exposition(shelf.database, FakeClock()))
        assert found.named("assetwatch_volume_online") == {'volume=in"ge\\st\ufffd': 1}

    def test_a_catalog_that_cannot_be_read(self, shelf: Shelf, tmp_path: Path) -> None:
        """It is said, and nothing else is."""
        from sqlalchemy.engine import URL

        broken = Database(URL.create("sqlite", database=str(tmp_path / "none" / "catalog.db")))
        found = Values.of(metrics.exposition(broken, FakeClock()))
        assert set(found) - {key for key in found if key[0] == "assetwatch_build_info"} == {
            ("assetwatch_catalog_up", "")
        }
        assert found.named("assetwatch_catalog_up") == {"": 0}


class TestGiven:
    """How it is given."""

    def test_a_file(self, tmp_path: Path) -> None:
        """Whole, for everybody to read, and nothing is left beside it."""
        metrics.write(tmp_path / "assetwatch.prom", "a 1\n")
        metrics.write(tmp_path / "assetwatch.prom", "a 2\n")
        (made,) = tmp_path.iterdir()
        assert made.read_text() == "a 2\n" and made.stat().st_mode & 0o777 == 0o644

    def test_an_endpoint(self, full: Shelf) -> None:
        """Over HTTP, the same as the command prints; asked again at once, the catalog is left in peace."""
        clock = FakeClock()
        config = Config(metrics=MetricsSection(listen="127.0.0.1:0"))
        endpoint = metrics.serve(full.database, config, clock)
        assert endpoint is not None
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=30) as answer:
                assert answer.headers["Content-Type"].startswith("text/plain")
                first = Values.of(answer.read().decode())
            assert first == Values.of(metrics.exposition(full.database, clock))
            full.put(full.volume(), "e.mov", integrity="mismatch")
            counts = []
            for seconds in (0, 6):
                clock.advance(seconds)
                with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=30) as answer:
                    again = Values.of(answer.read().decode())
                counts.append(again.named("assetwatch_files")["integrity=mismatch,presence=present,volume=ingest"])
            assert counts == [1, 2]
        finally:
            endpoint.close()

    def test_an_address_that_is_taken(self, database: Database, caplog: pytest.LogCaptureFixture) -> None:
        """The daemon goes on without, and says so."""
        first = metrics.serve(database, Config(metrics=MetricsSection(listen="127.0.0.1:0")), FakeClock())
        assert first is not None
        try:
            config = Config(metrics=MetricsSection(listen=f"127.0.0.1:{first.port}"))
            assert metrics.serve(database, config, FakeClock()) is None
            assert "cannot be listened on" in caplog.text
        finally:
            first.close()


# -- monitoring/ and the reference use what is there --------------------------------------------------------------


def _names(text: str) -> set[str]:
    return set(re.findall(r"\bassetwatch_[a-z_]+\b", text))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


class TestMonitoring:
    """The files for Prometheus and Grafana, and the reference."""

    def _told(self, full: Shelf) -> Values:
        return Values.of(metrics.exposition(full.database, FakeClock()))

    def test_rules(self, full: Shelf) -> None:
        """Each rule has what a rule needs, and names metrics, labels and states that there are."""
        yaml = pytest.importorskip("yaml", reason="no test of the rules: PyYAML is not installed")
        document = yaml.safe_load((ROOT / "monitoring" / "prometheus-rules.yml").read_text())
        rules = [rule for group in document["groups"] for rule in group["rules"]]
        told = self._told(full)
        known = {name for name, _ in told}
        assert len({rule["alert"] for rule in rules}) == len(rules) > 10
        for rule in rules:
            assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
            assert set(rule["annotations"]) == {"summary", "description"} and rule["labels"]["severity"]
            assert _names(rule["expr"]) and _names(rule["expr"]) <= known, rule["expr"]
            self._check_brackets(rule["expr"])

    def test_dashboard(self, full: Shelf) -> None:
        """Its panels do not lie on one another, and ask for metrics that there are."""
        document = json.loads((ROOT / "monitoring" / "grafana-dashboard.json").read_text())
        known = {name for name, _ in self._told(full)}
        taken: set[tuple[int, int]] = set()
        for panel in document["panels"]:
            grid = panel["gridPos"]
            cells = {
                (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
            }
            assert not cells & taken and grid["x"] + grid["w"] <= 24, panel["title"]
            taken |= cells
            assert panel["targets"]
            for target in panel["targets"]:
                self._check_brackets(target["expr"])
        assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
        used = {name for text in _strings(document) for name in _names(text)}
        assert used and used <= known

    def test_labels_in_use_exist(self, full: Shelf) -> None:
        """A label by which something is chosen is one that its metric has; those that Prometheus adds are left out."""
        told = self._told(full)
        labels = {name: {part.partition("=")[0] for part in said.split(",") if part} for name, said in told}
        for file in ("prometheus-rules.yml", "grafana-dashboard.json"):
            text = (ROOT / "monitoring" / file).read_text().replace('\\"', '"')
            for name, chosen in re.findall(r'(assetwatch_[a-z_]+)\{([^}"]*(?:"[^"]*"[^}"]*)*)\}', text):
                given = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", chosen)) - {"instance"}
                assert given <= labels[name], (name, chosen)

    def test_reference(self, full: Shelf) -> None:
        """Each metric is in the reference, and no other."""
        page = (ROOT / "docs" / "reference" / "messages.md").read_text().split("\n## Metrics\n")[1]
        assert _names(page) == {name for name, _ in self._told(full)}

    @staticmethod
    def _check_brackets(expression: str) -> None:
        for opening, closing in ("()", "{}", "[]"):
            assert expression.count(opening) == expression.count(closing), expression
