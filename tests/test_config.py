"""Is a good configuration taken, and is a wrong one told with file, key and expectation?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assetwatch.config import Config, Hours, default_state_directory, load, parse_hours, show_zone
from assetwatch.errors import ConfigError

VOLUME = '[[volume]]\nname = "ingest"\npath = "/mnt/ingest"\n'


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str], Config]:
    """A configuration from its text."""

    def load_text(text: str) -> Config:
        path = tmp_path / "show.toml"
        path.write_bytes(text.encode())
        return load(path)

    return load_text


class TestGood:
    """What is taken."""

    def test_an_empty_file(self, loaded: Callable[[str], Config]) -> None:
        """Nothing at all is a configuration: the defaults."""
        assert loaded("") == Config()

    def test_the_contract(self, loaded: Callable[[str], Config]) -> None:
        """Every key of the contract's example is taken."""
        config = loaded("""
            project   = "NIGHTFALL"
            time_zone = "America/Los_Angeles"
            [catalog]
            url = "sqlite:////var/lib/assetwatch/catalog.db"
            [checksum]
            algorithms = ["xxh128"]
            workers = "auto"
            [[volume]]
            name = "ingest"
            path = "/mnt/ingest"
            watch = "auto"
            settle = "10s"
            rescan = "15m"
            ignore = ["*.tmp"]
            guard = "auto"
            [verify]
            max_age = "30d"
            max_duration = "6h"
            bwlimit = "400M"
            [report]
            directory = "/var/lib/assetwatch/reports"
            formats = ["html", "json"]
            [notify]
            urls = ["mailto://somebody@example.org"]
        """)
        assert config.project == "NIGHTFALL"
        assert (config.volume[0].settle_seconds, config.volume[0].rescan_seconds) == (10, 900)
        assert show_zone(config) == ZoneInfo("America/Los_Angeles")

    def test_a_byte_order_mark(self, loaded: Callable[[str], Config]) -> None:
        """A file from an editor that writes a byte-order mark is read."""
        assert loaded('\ufeffproject = "NIGHTFALL"').project == "NIGHTFALL"

    def test_local_time(self) -> None:
        """Without a zone text is in the machine's time."""
        assert show_zone(Config()) is None

    @pytest.mark.parametrize("guard", ["auto", "mount", "off", "marker:.assetwatch"])
    def test_guards(self, guard: str, loaded: Callable[[str], Config]) -> None:
        """Each guard is taken."""
        assert loaded(f'{VOLUME}guard = "{guard}"').volume[0].guard == guard

    @pytest.mark.parametrize("name", ["ingest", "A", "NAS 2", "日本", "r1_sound.v2"])
    def test_names(self, name: str, loaded: Callable[[str], Config]) -> None:
        """A volume's name may be nearly anything."""
        assert loaded(VOLUME.replace("ingest", name, 1)).volume[0].name == name


class TestWrong:
    """What is refused, and with which words."""

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("colour = 1", ("colour", "unknown key", "project")),
            (f'{VOLUME}setle = "1s"', ("setle", "unknown key", "did you mean 'settle'?")),
            ("[checksum]\nalgorithm = []", ("checksum.algorithm", "did you mean 'algorithms'?")),
            (f"{VOLUME}settle = 10", ("settle", "expected text", "got integer")),
            ('[[volume]]\nname = "a"', ("path", "required")),
            ('[[volume]]\npath = "/a"', ("name", "required")),
            (f'{VOLUME}settle = "soon"', ("volume[0].settle", '"10s"', "'soon'")),
            (f'{VOLUME}rescan = "5"', ("volume[0].rescan", '"15m"')),
            (f'{VOLUME}watch = "nativ"', ("volume[0].watch", "auto, native, poll", "did you mean 'native'?")),
            (f'{VOLUME}guard = "disk"', ("volume[0].guard", '"mount"')),
            (f'{VOLUME}guard = "marker:a/b"', ("volume[0].guard",)),
            (f"{VOLUME}max_loss = 0", ("volume[0].max_loss", "above 0")),
            (f"{VOLUME}max_loss = 1.5", ("volume[0].max_loss", "up to 1")),
            (VOLUME.replace("/mnt", "mnt"), ("volume[0].path", "absolute")),
            (VOLUME.replace('"ingest"', '"a/b"'), ("volume[0].name", "without / and :")),
            (VOLUME.replace('"ingest"', '"a:b"'), ("volume[0].name",)),
            (VOLUME.replace('"ingest"', '""'), ("volume[0].name",)),
            (VOLUME * 2, ("volume[1].name", "taken")),
            ('[checksum]\nalgorithms = ["md4"]', ("checksum.algorithms", "xxh128", "'md4'")),
            ("[checksum]\nalgorithms = []", ("checksum.algorithms", "at least one")),
            ("[checksum]\nworkers = 0", ("checksum.workers", "1 to 64")),
            ('[probe]\nworkers = "many"', ("probe.workers", '"auto"')),
            ('[probe]\ntime_limit = "1"', ("probe.time_limit",)),
            ('time_zone = "Middle-earth/Shire"', ("time_zone", "America/Los_Angeles")),
            ('time_zone = "../../etc/passwd"', ("time_zone",)),
            ('[verify]\nbwlimit = "fast"', ("verify.bwlimit", '"400M"')),
            ('[verify]\nmax_age = "old"', ("verify.max_age",)),
            ('[report]\nformats = ["docx"]', ("report.formats", "html")),
            ('project = "NIGHTFALL', ("not valid TOML", "string")),
            ("[[volume]\n", ("not valid TOML",)),
            ("volume = 1", ("volume", "expected array", "got integer")),
            ("[checksum]\nworkers = true", ("checksum.workers", "expected integer or text", "got true or false")),
        ],
    )
    def test_is_told(self, text: str, words: tuple[str, ...], loaded: Callable[[str], Config], tmp_path: Path) -> None:
        """The file, the key, and what was expected."""
        with pytest.raises(ConfigError) as caught:
            loaded(text)
        assert str(caught.value).startswith(f"{tmp_path / 'show.toml'}: ")
        assert all(word in str(caught.value) for word in words), str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        """It is named, with where another one can be given."""
        with pytest.raises(ConfigError, match=r"none\.toml: .*--config"):
            load(tmp_path / "none.toml")

    def test_a_directory(self, tmp_path: Path) -> None:
        """A directory is no file."""
        with pytest.raises(ConfigError, match="directory"):
            load(tmp_path)

    def test_not_utf8(self, tmp_path: Path) -> None:
        """The byte that is no UTF-8 is told."""
        (tmp_path / "a.toml").write_bytes(b'project = "caf\xe9"')
        with pytest.raises(ConfigError, match="byte 14 is not UTF-8"):
            load(tmp_path / "a.toml")


class TestHours:
    """Parts of a day."""

    def test_by_day_and_over_midnight(self) -> None:
        """The end is not part of it; one may go on past midnight."""
        assert parse_hours("09:00-19:00") == Hours(540, 1140)
        day, night = parse_hours("9:00 - 19:00"), parse_hours("22:00-06:00")
        assert [day.holds(minute) for minute in (539, 540, 1139, 1140)] == [False, True, True, False]
        assert [night.holds(minute) for minute in (1319, 1320, 0, 359, 360)] == [False, True, True, True, False]

    @pytest.mark.parametrize("text", ["", "9-19", "09:00-09:00", "25:00-26:00", "09:60-10:00", "09:00"])
    def test_something_else(self, text: str) -> None:
        """What is none says what was expected."""
        with pytest.raises(ValueError, match="09:00-19:00"):
            parse_hours(text)


class TestStateDirectory:
    """Where the catalog lies without a configuration."""

    def test_systemds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Under systemd the first of `$STATE_DIRECTORY`."""
        monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/assetwatch:/var/lib/other")
        assert default_state_directory() == Path("/var/lib/assetwatch")

    def test_a_persons(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """For a person `$XDG_STATE_HOME/assetwatch`."""
        monkeypatch.delenv("STATE_DIRECTORY", raising=False)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
        assert default_state_directory() == tmp_path / "assetwatch"
