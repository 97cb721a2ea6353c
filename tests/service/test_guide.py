"""Does what the operating guide says to type work, line by line, on a machine that has nothing yet?"""

from __future__ import annotations

import re

import pytest

from .machine import ROOT, Machine, until

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

#: What is typed as root or as somebody else, on a machine without sudo.
_SUDO = """#!/bin/sh
[ "$1" = -u ] && { user=$2; shift 2; exec runuser -u "$user" -- "$@"; }
exec "$@"
"""

CONFIG = "/etc/assetwatch/assetwatch.toml"

#: Sections that need the network or a database server; what they say is tried by other tests.
_ELSEWHERE = ("Install", "Upgrade", "Move to PostgreSQL")


def blocks(heading: str) -> list[str]:
    """What a section says to type."""
    section = re.split(r"^## ", GUIDE.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


HEADINGS = [heading for heading in re.findall(r"^## (.+)$", GUIDE, re.MULTILINE) if blocks(heading)]


def type_in(machine: Machine, lines: list[str]) -> str:
    """Type lines, as one does in a shell that ends at the first fault; what was said."""
    said = ""
    for block in lines:
        done = machine.run("sh", "-e", "-x", "-c", block, check=False)
        said += done.stdout + done.stderr
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return said


@pytest.fixture
def typist(bare: Machine) -> Machine:
    """A machine with the program installed, volumes mounted, and nothing set up."""
    for name in ("ingest", "dusk"):
        bare.run("mkdir", f"/mnt/{name}")
        bare.run("mount", "-t", "tmpfs", name, f"/mnt/{name}")
    bare.path("/mnt/ingest/a.mov").write_bytes(b"a")
    bare.write("/usr/local/bin/sudo", _SUDO, 0o755)
    bare.run("ln", "-sf", "/opt/assetwatch/bin/assetwatch", "/usr/local/bin/assetwatch")
    return bare


def test_every_section_is_tried() -> None:
    """Each section with something to type is in this file, here or as one that is tried elsewhere."""
    assert set(_ELSEWHERE) < set(HEADINGS)


def test_the_guide_from_beginning_to_end(typist: Machine) -> None:
    """Every section after the other, with what is to be seen in between."""
    seen: dict[str, str] = {}
    for heading in HEADINGS:
        if heading in _ELSEWHERE:
            continue
        # The folder of the program is not this machine's own, and cannot be removed.
        lines = [blocks(heading)[0].splitlines()[0]] if heading == "Uninstall" else blocks(heading)
        seen[heading] = type_in(typist, lines)
        if heading == "First steps":
            ask = ("runuser", "-u", "assetwatch", "--", "assetwatch", "--config", CONFIG, "files", "--json")
            until(lambda: '"recorded"' in typist.run(*ask).stdout, "the file is recorded")
    assert "DAYBREAK" in typist.path(CONFIG).read_text()
    assert "restored from" in seen["Back up and restore"]
    assert "OK: 1 volume online" in seen["Monitor"]
    assert "rm -r /var/lib/assetwatch" in seen["Uninstall"]


def test_the_guide_moves_the_catalog_to_postgresql(typist: Machine) -> None:
    """As it says, with a server of the distribution on the same machine; the daemon goes on there."""
    cluster = typist.run(
        "sh", "-c", "pg_lsclusters --no-header | head -1; ls -d /usr/lib/postgresql/*/bin", check=False
    )
    if cluster.returncode != 0:
        pytest.skip("no server of PostgreSQL is installed")
    version = cluster.stdout.rstrip("\n").rpartition("/bin")[0].rpartition("/")[2]
    typist.run("sh", "-c", f"pg_lsclusters -h | grep -q '^{version} main' || pg_createcluster {version} main")
    typist.run("pg_ctlcluster", "--skip-systemctl-redirect", version, "main", "start")
    type_in(typist, blocks("First steps")[:1])
    ask = ("runuser", "-u", "assetwatch", "--", "assetwatch", "--config", CONFIG, "files", "--json")
    before = until(lambda: typist.run(*ask).stdout if '"recorded"' in typist.run(*ask).stdout else "", "it is recorded")
    said = type_in(typist, blocks("Move to PostgreSQL"))
    assert "rows copied from /var/lib/assetwatch/catalog.db" in said
    assert typist.run(*ask).stdout == before
    typist.path("/mnt/ingest/b.mov").write_bytes(b"b")
    until(lambda: typist.run(*ask).stdout.count('"recorded"') == 2, "the daemon goes on in PostgreSQL")
    assert "postgresql" in typist.journal("assetwatch.service")
