"""What do tests of several parts share? Catalogs to work in: one in SQLite, one in a PostgreSQL of the tests' own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlalchemy.engine import URL

from assetwatch.catalog import tables
from assetwatch.catalog.engine import Database, open_database
from assetwatch.clock import FakeClock

#: What stands for a change must not depend on luck: the ordinary run draws the same examples each time. New ones are
#: looked for with `./test --hypothesis-profile=search`.
settings.register_profile("ordinary", derandomize=True)
settings.register_profile("search", max_examples=2_000, print_blob=True)
settings.load_profile("ordinary")

#: The superuser of the tests' own server, and his password over TCP (none is asked for on the socket).
PG_USER, PG_PASSWORD = "tester", "s3cret-and-never-shown"


class Cluster:
    """A running PostgreSQL server in a folder of its own, on a socket in that folder and on a local port."""

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self.socket_folder = folder
        self._bin = bin_folder
        self._folder = folder / "pgdata"
        self._as: dict[str, Any] = {}
        self._count = 0
        if os.geteuid() == 0:  # the server refuses to run as root
            account = next(a for a in (_account("postgres"), _account("nobody")) if a is not None)
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._initialize()
        self._server = self._start()

    def _initialize(self) -> None:
        secret = self.socket_folder / "password"
        secret.write_text(PG_PASSWORD)
        secret.chmod(0o644)
        base = [
            str(self._bin / "initdb"),
            *("-D", str(self._folder), "-U", PG_USER, "-E", "UTF8", "--no-sync", "--locale=C"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"),
        ]
        # A language's order of letters, as servers have it by default, shows where the code depends on it.
        for more in (["--locale-provider=icu", "--icu-locale=en-US"], []):
            shutil.rmtree(self._folder, ignore_errors=True)
            made = subprocess.run([*base, *more], cwd="/", capture_output=True, text=True, check=False, **self._as)
            if made.returncode == 0:
                return
        raise RuntimeError(f"initdb: {made.stderr.strip()[-300:]}")

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.socket_folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 50,
            "shared_buffers": "32MB",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        log = self.socket_folder / "log"
        with open(log, "wb") as out:
            server = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._folder), *options],
                cwd="/",
                stdout=out,
                stderr=out,
                **self._as,
            )
        ready = [str(self._bin / "pg_isready"), "-q", "-h", str(self.socket_folder), "-p", str(self.port), "-t", "1"]
        for _ in range(600):
            if subprocess.run(ready, check=False).returncode == 0:
                return server
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)
                break
        server.terminate()
        raise RuntimeError(f"postgres: {log.read_text(errors='replace')[-300:]}")

    def run_sql(self, sql: str) -> None:
        """Run one statement outside of a transaction, as the superuser."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_folder), port=self.port, user=PG_USER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def make_database(self, template: str = "template0") -> str:
        """A new database's name."""
        self._count += 1
        name = f"catalog_{self._count}"
        self.run_sql(f"create database {name} template {template}")
        return name

    def url(self, name: str) -> URL:
        """The URL of a database on the socket."""
        return URL.create(
            "postgresql+psycopg",
            username=PG_USER,
            database=name,
            query={"host": str(self.socket_folder), "port": str(self.port)},
        )

    def stop(self) -> None:
        """End the server at once: nothing in it is kept."""
        self._server.terminate()
        try:
            self._server.wait(20)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _server_programs() -> Path | None:
    """The folder of PostgreSQL's server programs: on the path, or the newest where Debian puts them."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if all((f / p).exists() for p in ("initdb", "postgres", "pg_isready"))), None)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    """A PostgreSQL of the tests' own; skips where there is none to start."""
    pytest.importorskip("psycopg", reason="no PostgreSQL tests: psycopg is not installed")
    programs = _server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL tests: no server programs (initdb, postgres) on PATH or in /usr/lib/postgresql")
    folder = Path(tempfile.mkdtemp(prefix="aw-pg-"))  # short: a socket's path has 107 bytes
    try:
        try:
            cluster = Cluster(programs, folder)
        except (RuntimeError, OSError, StopIteration) as error:
            pytest.skip(f"no PostgreSQL tests: the server does not start: {error!r}")
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_catalog(postgresql: Cluster) -> str:
    """The name of a database that holds an empty catalog, to be copied."""
    name = postgresql.make_database()
    open_database(postgresql.url(name), FakeClock()).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Where a catalog can be made, on each database."""
    if request.param == "sqlite":
        return URL.create("sqlite", database=str(tmp_path / "catalog.db"))
    cluster = request.getfixturevalue("postgresql")
    return cluster.url(cluster.make_database())


@pytest.fixture(scope="session")
def postgresql_shared(postgresql: Cluster, postgresql_catalog: str) -> Iterator[Database]:
    """A catalog that tests use one after the other: to empty it is ten times as quick as to make one."""
    opened = open_database(postgresql.url(postgresql.make_database(postgresql_catalog)), FakeClock())
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open and empty catalog, on each database."""
    if request.param == "sqlite":
        opened = open_database(URL.create("sqlite", database=str(tmp_path / "catalog.db")), FakeClock())
        yield opened
        opened.close()
        return
    shared: Database = request.getfixturevalue("postgresql_shared")
    with shared.write() as connection:
        names = ", ".join(f'"{name}"' for name in tables.metadata.tables)
        connection.execute(text(f"truncate {names} restart identity"))
    yield shared
