"""Do `catalog backup`, `restore` and `copy` bring a catalog through a loss and a move, and say what they did?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Stock


@pytest.fixture
def own(tmp_path: Path, stock: Stock, call: Callable[..., Any]) -> Path:
    """A catalog of its own with the files of the stock."""
    answer = call(*stock.args("catalog", "backup", tmp_path / "catalog.db"))
    assert answer.code == 0
    return tmp_path / "catalog.db"


def paths(call: Callable[..., Any], catalog: str | Path) -> list[str]:
    """The files that a catalog knows."""
    return sorted(str(one["path"]) for one in call("--catalog", catalog, "files", "--json").json)


def test_a_backup_is_restored(own: Path, call: Callable[..., Any], tmp_path: Path) -> None:
    """Over a catalog that was damaged, with word of where that one is."""
    before = paths(call, own)
    call("--catalog", own, "catalog", "backup", tmp_path / "backup.db")
    own.write_bytes(b"not a database any more")
    answer = call("--catalog", own, "catalog", "restore", tmp_path / "backup.db", "--json")
    assert answer.code == 0, answer.err
    assert set(answer.json) == {"catalog", "schema", "backup", "aside"}
    assert Path(answer.json["aside"]).read_bytes() == b"not a database any more"
    assert paths(call, own) == before
    assert call("--catalog", own, "catalog", "check").code == 0


def test_a_sound_catalog_is_restored_only_with_force(own: Path, call: Callable[..., Any], tmp_path: Path) -> None:
    """A wrong word gives 2 and one line that names the way."""
    call("--catalog", own, "catalog", "backup", tmp_path / "backup.db")
    answer = call("--catalog", own, "catalog", "restore", tmp_path / "backup.db")
    assert answer.code == 2
    assert "--force" in answer.err
    answer = call("--catalog", own, "catalog", "restore", "--force", tmp_path / "backup.db")
    assert answer.code == 0
    assert "kept as" in answer.out


def test_postgresql_is_restored_by_its_own_tools(call: Callable[..., Any], tmp_path: Path) -> None:
    """With the line for it, and without the password."""
    url = "postgresql://ann:s3cret@db.example.com/show"
    answer = call("--catalog", url, "catalog", "restore", tmp_path / "backup.dump")
    assert answer.code == 2
    assert "pg_restore" in answer.err
    assert "s3cret" not in answer.err


def test_a_catalog_moves_to_another_database(
    own: Path, call: Callable[..., Any], postgresql: Any, tmp_path: Path
) -> None:
    """SQLite to PostgreSQL and back, with the same answers everywhere."""
    before = call("--catalog", own, "files", "--json").json
    server = postgresql.url(postgresql.make_database()).render_as_string(hide_password=False)
    answer = call("--catalog", own, "catalog", "copy", server, "--json")
    assert answer.code == 0, answer.err
    assert set(answer.json) == {"catalog", "copy", "rows"}
    assert call("--catalog", server, "files", "--json").json == before
    assert call("--catalog", server, "catalog", "check").code == 0
    answer = call("--catalog", server, "catalog", "copy", tmp_path / "back.db")
    assert f"{tmp_path / 'back.db'}: " in answer.out
    assert call("--catalog", tmp_path / "back.db", "files", "--json").json == before
    assert call("--catalog", own, "catalog", "copy", server).code == 2


def test_check_of_a_catalog_that_cannot_be_opened(call: Callable[..., Any], tmp_path: Path) -> None:
    """The error sends people to `catalog check`, which then tells what is wrong with the file."""
    (tmp_path / "ingest").mkdir()
    (tmp_path / "ingest" / "a.mov").write_bytes(b"a")
    catalog = tmp_path / "c.db"
    call("--catalog", catalog, "scan", tmp_path / "ingest", "--settle", "50ms")
    with catalog.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xa5" * 6 * 4096)
    assert "`assetwatch catalog check` tells how far" in call("--catalog", catalog, "status").err
    answer = call("--catalog", catalog, "catalog", "check")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.startswith(f"{catalog}: Page ")
    assert call("--catalog", catalog, "catalog", "check", "--json").json["faults"]
    catalog.write_bytes(b"no database" * 1000)
    assert call("--catalog", catalog, "catalog", "check").code == 3
