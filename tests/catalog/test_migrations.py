"""Do the migrations make the schema that the program expects, and does an upgrade lose nothing?"""

from __future__ import annotations

import ast
import contextlib
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.engine import URL

import assetwatch
from assetwatch.catalog import engine, tables
from assetwatch.catalog.engine import HEAD, Database, open_database
from assetwatch.clock import FakeClock
from assetwatch.errors import CatalogError

PACKAGE = Path(assetwatch.__file__).parent
MIGRATIONS = PACKAGE / "catalog" / "migrations"

LATER = '''"""A later schema, as the next release may bring it."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade():
    op.add_column("volume", sa.Column("colour", sa.Text()))
    {then}
'''


class NextRelease:
    """A copy of the program whose schema is one step further."""

    def __init__(self, folder: Path, then: str = "pass") -> None:
        self.folder = folder
        copy = folder / "assetwatch"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        self.revision = f"{int(HEAD) + 1:04}"
        later = LATER.format(revision=self.revision, before=HEAD, then=then)
        (copy / "catalog" / "migrations" / "versions" / f"{self.revision}_later.py").write_text(later)
        module = copy / "catalog" / "engine.py"
        source = module.read_text()
        assert f'HEAD = "{HEAD}"' in source
        module.write_text(source.replace(f'HEAD = "{HEAD}"', f'HEAD = "{self.revision}"'))

    def open(self, url: URL, minute: int = 0) -> subprocess.CompletedProcess[str]:
        """Open a catalog with it, at a minute of a day."""
        script = (
            "import sys; from datetime import UTC, datetime; from sqlalchemy.engine import make_url;"
            "from assetwatch.catalog.engine import open_database; from assetwatch.clock import FakeClock;"
            f"clock = FakeClock(datetime(2027, 1, 1, 12, {minute}, tzinfo=UTC));"
            "open_database(make_url(sys.argv[1]), clock).close()"
        )
        return run_python(script, url.render_as_string(hide_password=False), folder=self.folder)


def run_python(script: str, *arguments: str, folder: Path = PACKAGE.parent) -> subprocess.CompletedProcess[str]:
    """A script in an interpreter of its own, with the program that lies in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def schema_of(path: Path) -> dict[str, list[str]]:
    """All that SQLite knows of a schema: the text of each table and index. A table's constraints have no order."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "select name, coalesce(sql, '') from sqlite_master where tbl_name <> 'alembic_version'"
        )
        texts = {name: [line.strip().rstrip(",") for line in sql.splitlines()] for name, sql in found}
    return {
        name: [line for line in lines if not line.startswith("CONSTRAINT")]
        + sorted(line for line in lines if line.startswith("CONSTRAINT"))
        for name, lines in texts.items()
    }


def made_by_migrations(url: URL) -> None:
    """A catalog as the first release's grows up to this one."""
    with contextlib.closing(Database(url)) as database, database.write() as connection:
        engine.migrate(database, connection)


def revision_in(path: Path) -> str:
    """The revision that a SQLite catalog says it has."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("select version_num from alembic_version").fetchone()[0])


def test_the_head_is_the_newest_migration(tmp_path: Path) -> None:
    """HEAD, which is known without importing Alembic, is the revision that the migrations end with."""
    url = URL.create("sqlite", database=str(tmp_path / "catalog.db"))
    script = ScriptDirectory.from_config(engine.alembic_config(Database(url)))
    assert script.get_heads() == [HEAD]


def test_migrations_make_exactly_the_declared_schema_in_sqlite(tmp_path: Path) -> None:
    """Tables, CHECKs, STRICT, indexes and their WHERE are the same to the letter by migration and in a new catalog."""
    migrated, declared = tmp_path / "migrated.db", tmp_path / "declared.db"
    made_by_migrations(URL.create("sqlite", database=str(migrated)))
    open_database(URL.create("sqlite", database=str(declared)), FakeClock()).close()
    assert schema_of(migrated) == schema_of(declared)
    assert revision_in(migrated) == revision_in(declared) == HEAD


def test_migrations_leave_nothing_to_be_generated(database: Database) -> None:
    """Alembic finds no difference between a new catalog and the declared schema, on either database."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_migrations_make_exactly_the_declared_schema_in_postgresql(
    postgresql: object, request: pytest.FixtureRequest
) -> None:
    """Columns with collations, CHECKs, and indexes with their WHERE are the same by migration and in a new catalog."""
    cluster = request.getfixturevalue("postgresql")
    migrated, declared = cluster.url(cluster.make_database()), cluster.url(cluster.make_database())
    made_by_migrations(migrated)
    open_database(declared, FakeClock()).close()
    seen = []
    for url in (migrated, declared):
        direct = create_engine(url)
        with direct.connect() as connection:
            columns = connection.execute(
                text(
                    "select table_name, column_name, data_type, is_nullable, column_default, collation_name "
                    "from information_schema.columns where table_schema = 'public' order by 1, 2"
                )
            ).all()
            indexes = connection.execute(
                text("select indexdef from pg_indexes where schemaname = 'public' order by 1")
            ).all()
            checks = connection.execute(
                text(
                    "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
                    "where connamespace = 'public'::regnamespace order by 1, 2"
                )
            ).all()
        direct.dispose()
        seen.append(([tuple(c) for c in columns], [tuple(i) for i in indexes], [tuple(c) for c in checks]))
    assert seen[0] == seen[1]


def test_migrations_import_nothing_of_the_program() -> None:
    """A migration means the same for ever: it names no module of ours."""
    versions = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert versions
    for module in [MIGRATIONS / "env.py", *versions]:
        source = module.read_text()
        imported = [
            name
            for node in ast.walk(ast.parse(source))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or "."]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        ]
        assert not [name for name in imported if name.startswith(("assetwatch", "."))], module
        assert "assetwatch." not in re.sub(r'""".*?"""', "", source, flags=re.DOTALL), module


def test_a_catalog_is_made_and_opened_without_alembic(tmp_path: Path) -> None:
    """Neither a new catalog nor one that is up to date loads the migration library: every command would wait for it."""
    url = URL.create("sqlite", database=str(tmp_path / "catalog.db"))
    script = (
        "import sys; from sqlalchemy.engine import make_url; from assetwatch.catalog.engine import open_database;"
        "from assetwatch.clock import FakeClock; open_database(make_url(sys.argv[1]), FakeClock()).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert [run_python(script, str(url)).returncode for _ in range(2)] == [0, 0]


def test_an_older_catalog_is_backed_up_and_then_migrated(tmp_path: Path) -> None:
    """The next release copies the catalog as it was, then migrates it with all its rows."""
    path = tmp_path / "catalog.db"
    url = URL.create("sqlite", database=str(path))
    with contextlib.closing(open_database(url, FakeClock())) as database, database.write() as connection:
        connection.execute(insert(tables.volume).values(name="ingest", root="/mnt/ingest"))
    later = NextRelease(tmp_path / "next")
    opened = later.open(url)
    assert opened.returncode == 0, opened.stderr
    assert revision_in(path) == later.revision
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select name, colour from volume").fetchall() == [("ingest", None)]
    backup = tmp_path / f"catalog.db.before-{later.revision}-20270101-120000"
    assert revision_in(backup) == HEAD
    with contextlib.closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("select name from volume").fetchall() == [("ingest",)]
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]


def test_three_backups_are_kept_and_nothing_else_is_touched(tmp_path: Path) -> None:
    """The oldest backups of this catalog go; those of another one, and files only named alike, stay."""
    path = tmp_path / "[a] catalog.db"
    url = URL.create("sqlite", database=str(path))
    strangers = [tmp_path / "a catalog.db.before-0002-20200101-000000", tmp_path / f"{path.name}.before-notes"]
    for stranger in strangers:
        stranger.write_text("mine")
    later = NextRelease(tmp_path / "next")
    for minute in range(5):
        open_database(url, FakeClock()).close()
        opened = later.open(url, minute)
        assert opened.returncode == 0, opened.stderr
        path.unlink()
    backups = sorted(p.name for p in tmp_path.iterdir() if ".before-0" in p.name and p.name.startswith("["))
    assert backups == [f"{path.name}.before-{later.revision}-20270101-120{minute}00" for minute in (2, 3, 4)]
    assert [stranger.read_text() for stranger in strangers] == ["mine", "mine"]


def test_a_migration_that_fails_changes_nothing(empty_url: URL, tmp_path: Path) -> None:
    """Half a migration is none: the catalog stays at the schema that it had, and this release still opens it."""
    open_database(empty_url, FakeClock()).close()
    later = NextRelease(tmp_path / "next", then='op.execute("insert into no_such_table values (1)")')
    failed = later.open(empty_url)
    assert failed.returncode != 0
    assert "no_such_table" in failed.stderr
    with contextlib.closing(open_database(empty_url, FakeClock())) as database, database.read() as connection:
        assert engine.revision_of(database) == HEAD
        assert connection.execute(select(tables.volume)).all() == []


def test_a_newer_catalog_is_refused_by_name_and_left_as_it_is(empty_url: URL, tmp_path: Path) -> None:
    """The program says which schema it found and which one it knows, and changes nothing."""
    later = NextRelease(tmp_path / "next")
    assert later.open(empty_url).returncode == 0
    files_before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(CatalogError, match=f"newer assetwatch.*{later.revision}.*{HEAD}.*Upgrade"):
        open_database(empty_url, FakeClock())
    assert sorted(p.name for p in tmp_path.iterdir()) == files_before
    direct = create_engine(empty_url)
    with direct.connect() as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalar() == later.revision
    direct.dispose()


def test_a_step_that_an_older_program_has_by_mistake_is_not_one_that_it_knows(empty_url: URL, tmp_path: Path) -> None:
    """As where it was built in a folder in which a newer one had been: it refuses that one's catalog all the same."""
    later = NextRelease(tmp_path / "next")
    assert later.open(empty_url).returncode == 0
    module = later.folder / "assetwatch" / "catalog" / "engine.py"
    module.write_text(module.read_text().replace(f'HEAD = "{later.revision}"', f'HEAD = "{HEAD}"'))
    refused = later.open(empty_url)
    assert refused.returncode != 0
    assert "newer assetwatch" in refused.stderr


def test_programs_that_make_one_catalog_at_once_all_succeed(empty_url: URL) -> None:
    """Started together on a place where there is no catalog yet, each finds it made in the end."""
    script = (
        "import sys; from sqlalchemy.engine import make_url; from assetwatch.catalog.engine import open_database;"
        "from assetwatch.clock import FakeClock; print('ready', flush=True); sys.stdin.readline();"
        "open_database(make_url(sys.argv[1]), FakeClock()).close()"
    )
    given = empty_url.render_as_string(hide_password=False)
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", script, given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()
    ends = [program.communicate(timeout=60) for program in programs]
    assert [program.returncode for program in programs] == [0] * 4, ends
    with contextlib.closing(open_database(empty_url, FakeClock(), create=False)) as database:
        assert engine.revision_of(database) == HEAD
