"""Can the Debian package be built, installed, upgraded, removed and purged, and what becomes of what people have?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Service
from .machine import ROOT, Machine, NoMachineError, machine, missing, until

pytestmark = pytest.mark.slow

CONFIG = "/etc/assetwatch/assetwatch.toml"

#: A change of the schema, as a later version may bring it.
_MIGRATION = '''"""A later schema."""

from alembic import op
import sqlalchemy as sa

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
'''


def build(source: Path, output: Path) -> Path:
    """The package of a source."""
    made = subprocess.run(
        [str(source / "packaging" / "build-deb"), "--output", str(output), "--extras", ""],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0 and re.search(
        "No matching distribution|Temporary failure|Network is unreachable", made.stderr
    ):
        pytest.skip("no package can be built here: the libraries cannot be fetched")
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package of this source, `now.deb`, and one of a later version and schema, `later.deb`."""
    why = missing()
    if why is not None:
        pytest.skip(f"no tests under systemd: {why}")
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no package can be built here: there is no dpkg-deb")
    folder = tmp_path_factory.mktemp("packages")
    folder.chmod(0o755)
    before = {path.name for path in ROOT.iterdir()}
    build(ROOT, folder).rename(folder / "now.deb")
    assert {path.name for path in ROOT.iterdir()} == before, "the source is left as it was"
    later = folder / "source"
    for name in ("assetwatch", "systemd", "packaging", "docs"):
        shutil.copytree(ROOT / name, later / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, later)
    for path, old, new in (
        (later / "assetwatch/__init__.py", r'__version__ = ".*"', '__version__ = "99.1.0"'),
        (later / "assetwatch/catalog/engine.py", 'HEAD = "0001"', 'HEAD = "0002"'),
    ):
        text, count = re.subn(old, new, path.read_text())
        assert count == 1
        path.write_text(text)
    (later / "assetwatch/catalog/migrations/versions/0002_later.py").write_text(_MIGRATION)
    build(later, folder).rename(folder / "later.deb")
    shutil.rmtree(later)
    return folder


@pytest.fixture
def clean(packages: Path) -> Iterator[Machine]:
    """A machine without the program, on which the packages lie in /opt/tests/packages.

    Like this one, or with the files of another: `ASSETWATCH_TEST_ROOT` names a folder with, say, a minimal Debian.
    """
    root = Path(os.environ.get("ASSETWATCH_TEST_ROOT", "/"))
    try:
        with machine(None, {packages: "/opt/tests/packages"}, root) as booted:
            yield booted
    except NoMachineError as error:
        pytest.skip(f"no tests under systemd: {error}")


def install(machine: Machine, name: str) -> str:
    """Install a package; what was said."""
    return machine.run("dpkg", "-i", f"/opt/tests/packages/{name}.deb").stdout


def set_up(machine: Machine) -> None:
    """A service on a volume with one file, which is recorded."""
    machine.run("mkdir", "/mnt/ingest")
    machine.run("mount", "-t", "tmpfs", "ingest", "/mnt/ingest")
    machine.path("/mnt/ingest/a.mov").write_bytes(b"a")
    machine.run("assetwatch", "setup", "--yes", "--volume", "ingest=/mnt/ingest", "--report-at", "05:00")
    until(lambda: '"recorded"' in files(machine), "the file is recorded", 90)


def files(machine: Machine) -> str:
    """What the catalog says of the files."""
    asked = machine.run("runuser", "-u", "assetwatch", "--", "assetwatch", "--config", CONFIG, "files", "--json")
    return asked.stdout


def test_installed_it_is_a_program_and_a_service_to_be(clean: Machine) -> None:
    """Nothing runs until a person has said what is to be watched; then everything does."""
    assert "sudo assetwatch setup" in install(clean, "now")
    assert clean.run("assetwatch", "--version").stdout.startswith("assetwatch ")
    assert clean.run("id", "-nG", "assetwatch").stdout.split() == ["assetwatch"]
    assert clean.shown(Service.unit, "ActiveState") == "inactive"
    units = [
        f"/usr/lib/systemd/system/assetwatch{name}"
        for name in (".service", "@.service", "-report.service", "-report.timer")
    ]
    verified = clean.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", *units)
    assert verified.stderr == ""
    set_up(clean)
    assert clean.shown(Service.unit, "FragmentPath").endswith("/lib/systemd/system/assetwatch.service")
    assert not clean.path("/etc/systemd/system/assetwatch.service").exists()
    done = clean.run("assetwatch", "--config", CONFIG, "doctor", check=False)
    assert done.returncode == 0, done.stdout
    assert clean.run("dpkg", "--verify", "assetwatch").stdout == ""


def test_an_upgrade_keeps_everything_and_migrates_the_catalog(clean: Machine) -> None:
    """The daemon runs again, with the new program; the catalog has the new schema and a backup of the old one."""
    install(clean, "now")
    set_up(clean)
    text = clean.path(CONFIG).read_text() + "# a remark of ours\n"
    clean.write(CONFIG, text)
    pid = clean.shown(Service.unit, "MainPID")
    install(clean, "later")
    assert clean.run("assetwatch", "--version").stdout == "assetwatch 99.1.0\n"
    assert clean.shown(Service.unit, "ActiveState") == "active"
    assert clean.shown(Service.unit, "MainPID") != pid
    assert clean.shown("assetwatch-report.timer", "ActiveState") == "active"
    assert clean.path(CONFIG).read_text() == text
    assert "05:00" in clean.run("systemctl", "cat", "assetwatch-report.timer").stdout
    schema = clean.run("assetwatch", "--config", CONFIG, "catalog", "upgrade", "--json").stdout
    assert '"0002"' in schema
    assert list(clean.path("/var/lib/assetwatch").glob("catalog.db.before-0002-*"))
    assert '"recorded"' in files(clean)
    clean.path("/mnt/ingest/b.mov").write_bytes(b"b")
    until(lambda: files(clean).count('"recorded"') == 2, "the new daemon records as well")


def test_an_upgrade_starts_nothing_that_did_not_run(clean: Machine) -> None:
    """Who has stopped it finds it stopped."""
    install(clean, "now")
    set_up(clean)
    clean.run("systemctl", "stop", Service.unit)
    install(clean, "later")
    assert clean.shown(Service.unit, "ActiveState") == "inactive"
    assert clean.shown("assetwatch-report.timer", "ActiveState") == "active"


def test_removed_it_leaves_what_people_have_and_purged_the_catalog(clean: Machine) -> None:
    """A removal keeps configuration and catalog, so that another installation goes on; a purge keeps the catalog."""
    install(clean, "now")
    set_up(clean)
    clean.run("dpkg", "-r", "assetwatch")
    assert clean.run("systemctl", "list-units", "--plain", "--no-legend", "assetwatch*").stdout == ""
    assert clean.run("sh", "-c", "command -v assetwatch", check=False).returncode != 0
    assert not clean.path("/usr/lib/assetwatch").exists()
    assert clean.path(CONFIG).exists()
    install(clean, "now")
    clean.run("assetwatch", "setup", "--yes")
    assert '"recorded"' in files(clean)
    purged = clean.run("dpkg", "--purge", "assetwatch")
    assert "/var/lib/assetwatch" in purged.stderr
    assert clean.path("/var/lib/assetwatch/catalog.db").exists()
    assert clean.run("find", "/etc", "-name", "*assetwatch*", "-not", "-path", "/etc/*passwd*").stdout == ""
    assert clean.run("dpkg-query", "-W", "assetwatch", check=False).stdout == ""
