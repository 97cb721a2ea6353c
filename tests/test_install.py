"""Do the texts that make a service say of a configuration what systemd has to know, and nothing else?"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch import install
from assetwatch.clock import FakeClock
from assetwatch.config import (
    CatalogSection,
    Config,
    NotifySection,
    ReportSection,
    RouteSection,
    SmtpSection,
    VolumeSection,
    load,
)
from assetwatch.install import Names, Wishes

ONLY = Names.of(install.ONLY)


def volume(path: str, name: str = "V") -> Config:
    """A configuration with one volume."""
    return Config(volume=(VolumeSection(name=name, path=path),))


def drop_in(config: Config, mounts: tuple[str, ...] = ("/",), **options: bool) -> str:
    """The daemon's drop-in, empty where there is none."""
    found = {text.path: text.content for text in install.drop_in_texts(ONLY, config, mounts, **options)}
    assert len(found) in (0, 2)
    assert len(set(found.values())) <= 1
    return found.get("/etc/systemd/system/assetwatch.service.d/50-setup.conf", "")


def test_a_configuration_says_what_was_wished(tmp_path: Path) -> None:
    """Everything that a person said is in the file, and the file is valid."""
    wishes = Wishes(
        volumes=(("ingest", "/mnt/ingest"), ("sound", "/mnt/sound files")),
        project='NIGHT "FALL"',
        time_zone="Europe/Berlin",
        mail_to=("ann@example.com", "post@example.com"),
        mail_from="assetwatch <aw@example.com>",
        smtp_host="mail.example.com",
        smtp_user="aw",
    )
    (tmp_path / "a.toml").write_text(install.config_text(wishes))
    config = load(tmp_path / "a.toml")
    assert [(one.name, one.path) for one in config.volume] == list(wishes.volumes)
    assert (config.project, config.time_zone) == (wishes.project, wishes.time_zone)
    assert config.notify.urls == wishes.mail_to
    assert (config.notify.smtp.host, config.notify.smtp.user) == ("mail.example.com", "aw")
    assert config.notify.smtp.sender == wishes.mail_from
    assert config.catalog.url == "sqlite:////var/lib/assetwatch/catalog.db"
    assert config.report.directory == "/var/lib/assetwatch/reports"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_no_text_breaks_the_configuration(text: str) -> None:
    """Quotes, control characters and the like come back as they were said."""
    wishes = Wishes(volumes=(("v", "/" + text),), project=text)
    table = tomllib.loads(install.config_text(wishes))
    assert (table["project"], table["volume"][0]["path"]) == (text, "/" + text)


def test_each_show_has_a_state_folder_of_its_own() -> None:
    """Two shows share no catalog and no report folder."""
    first, second = Names.of("nightfall"), Names.of("daybreak")
    assert first.state != second.state
    assert first.state in install.config_text(Wishes(volumes=(), instance="nightfall"))
    assert (first.daemon, first.timer) == ("assetwatch@nightfall.service", "assetwatch-report@nightfall.timer")


@pytest.mark.parametrize("instance", ["", "a/b", "a@b", "../x", "a b", "-x"])
def test_a_name_that_cannot_be_a_units_is_refused(instance: str) -> None:
    """What systemd would read as something else is no name of a show."""
    with pytest.raises(ValueError, match="expected a name"):
        Names.of(instance)


@pytest.mark.parametrize("instance", ["assetwatch", "nightfall", "night-fall.2"])
def test_units_run_the_program_that_is_installed(instance: str) -> None:
    """Wherever the program lies, the units call it there."""
    texts = install.unit_texts(Names.of(instance), "/srv/tools/assetwatch")
    services = [text for text in texts if text.path.endswith(".service")]
    assert len(services) == 2
    assert all("ExecStart=/srv/tools/assetwatch --config" in text.content for text in services)
    assert all(("@." in text.path) == (instance != "assetwatch") for text in services)
    assert not any("/opt/assetwatch" in text.content for text in texts)


def test_volumes_are_mounted_first_but_not_required() -> None:
    """The mounts above a volume are waited for; one that cannot be mounted keeps nothing else from being watched."""
    text = drop_in(volume("/mnt/in-gest/A"), ("/", "/mnt/in-gest", "/mnt/other"))
    assert "Wants=mnt-in\\x2dgest.mount\nAfter=mnt-in\\x2dgest.mount\n" in text
    assert "RequiresMountsFor" not in text
    assert drop_in(volume("/mnt/ingest"), ("/", "/mnt/ing")) == ""


def test_volumes_are_required_when_asked_for() -> None:
    """So that the service ends with its volumes."""
    assert "RequiresMountsFor=/mnt/ingest\n" in drop_in(volume("/mnt/ingest"), require_mounts=True)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/home/ann/footage", "ProtectHome=read-only"),
        ("/tmp/footage", "BindReadOnlyPaths=/tmp/footage"),
        ("/var/tmp/a b%c", 'BindReadOnlyPaths="/var/tmp/a b%%c"'),
    ],
)
def test_volumes_that_the_sandbox_hides_are_shown(path: str, line: str) -> None:
    """Read-only, as everything else."""
    assert f"\n{line}\n" in drop_in(volume(path))


@pytest.mark.parametrize(
    ("notify", "catalog", "reached"),
    [
        (NotifySection(), None, []),
        (NotifySection(urls=("ann@example.com",)), None, []),
        (NotifySection(smtp=SmtpSection(host="192.0.2.25")), None, ["192.0.2.25"]),
        (NotifySection(smtp=SmtpSection(host="127.0.0.1")), "postgresql+psycopg://aw@192.0.2.7/aw", ["192.0.2.7"]),
        (NotifySection(smtp=SmtpSection(host="mail.example.com")), None, ["any"]),
        (NotifySection(ping="https://hc.example.com/1"), None, ["any"]),
        (NotifySection(route=(RouteSection(name="chat", to=("credential:chat",)),)), None, ["any"]),
        (NotifySection(), "postgresql:///aw?host=/run/postgresql", []),
    ],
)
def test_only_whom_the_configuration_names_can_be_reached(
    notify: NotifySection, catalog: str | None, reached: list[str]
) -> None:
    """Fixed addresses one by one; what is given by a name opens the network."""
    config = Config(notify=notify, catalog=CatalogSection(url=catalog))
    assert install.reached(config) == reached
    assert ("IPAddressAllow=" in drop_in(config)) == bool(reached)


def test_what_is_written_elsewhere_is_writable() -> None:
    """Reports, catalog and backups outside the state folder; nothing for those inside."""
    config = Config(
        catalog=CatalogSection(url="sqlite:////srv/aw/catalog.db", backups="/mnt/backup/aw"),
        report=ReportSection(directory="/srv/www/reports"),
    )
    assert "ReadWritePaths=-/srv/www/reports -/mnt/backup/aw -/srv/aw\n" in drop_in(config)
    inside = Config(catalog=CatalogSection(url="sqlite:////var/lib/assetwatch/catalog.db"))
    assert drop_in(inside) == ""


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="systemd-escape is not installed")
@pytest.mark.parametrize("place", ["/", "/mnt/ingest", "/mnt/a-b/.c", "/.hidden", "/mnt/é x", "/a\\b", "/mnt//x/"])
def test_mount_units_are_called_as_systemd_calls_them(place: str) -> None:
    """The same name as systemd-escape gives."""
    asked = ["systemd-escape", "--path", "--suffix=mount", place]
    assert install.mount_unit(place) == subprocess.run(asked, capture_output=True, text=True).stdout.strip()


class TestHour:
    """When the report is made."""

    CLOCK = FakeClock(datetime(2026, 11, 24, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("text", "zone"), [("02:30", "Europe/Berlin"), ("3:15", "Europe/Athens"), ("01:15", "Europe/London")]
    )
    def test_an_hour_that_is_left_out_is_refused(self, text: str, zone: str) -> None:
        """With the day on which that is."""
        with pytest.raises(ValueError, match="clocks change at"):
            install.checked_hour(text, ZoneInfo(zone), self.CLOCK)

    @pytest.mark.parametrize(("text", "zone"), [("4:15", "Europe/Athens"), ("23:59", None), ("02:30", "Asia/Tokyo")])
    def test_others_are_taken(self, text: str, zone: str | None) -> None:
        """With two digits each."""
        assert install.checked_hour(text, ZoneInfo(zone) if zone else None, self.CLOCK) == text.rjust(5, "0")

    @pytest.mark.parametrize("text", ["24:00", "4", "04:60", "four", ""])
    def test_what_is_no_hour_is_refused(self, text: str) -> None:
        """And said what was expected."""
        with pytest.raises(ValueError, match="expected an hour"):
            install.checked_hour(text, None, self.CLOCK)

    def test_it_counts_in_the_shows_zone(self) -> None:
        """The timer's drop-in names the zone."""
        config = Config(time_zone="Europe/Berlin")
        (text,) = install.drop_in_texts(ONLY, config, (), report_at="05:00")
        assert text.path.endswith("assetwatch-report.timer.d/50-setup.conf")
        assert "OnCalendar=\nOnCalendar=*-*-* 05:00 Europe/Berlin\n" in text.content
