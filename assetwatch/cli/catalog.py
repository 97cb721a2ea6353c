"""How is the catalog itself looked after: its schema, its soundness, its copies, its place?"""

from __future__ import annotations

import os
from pathlib import Path

import click

from assetwatch import app
from assetwatch.catalog import backups, engine, queries
from assetwatch.cli.output import catalog_of, json_option, setting_of, write_json
from assetwatch.clock import SystemClock
from assetwatch.config import default_state_directory
from assetwatch.errors import CatalogError, UsageError
from assetwatch.units import size


@click.group("catalog")
def catalog_command() -> None:
    """Upgrade, check, back up, restore or move the catalog.

    \b
    Examples:
      assetwatch catalog check
      assetwatch catalog backup /mnt/backup/catalog.db
    """


@catalog_command.command("upgrade")
@json_option
@click.pass_context
def upgrade(ctx: click.Context, as_json: bool) -> None:
    """Bring the catalog to this program's schema; made if there is none, backed up first if it is older.

    Every command that opens the catalog does this by itself; here it can be done at a time of one's own.

    \b
    Example:
      assetwatch --config /etc/assetwatch/assetwatch.toml catalog upgrade
    """
    database = app.open_catalog(setting_of(ctx), SystemClock(), create=True)
    try:
        revision = engine.revision_of(database)
    finally:
        database.close()
    if as_json:
        write_json({"catalog": database.shown, "schema": revision})
    else:
        click.echo(f"{database.shown}: schema {revision}, up to date")


@catalog_command.command("check")
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Check the catalog: the database's own soundness, and that the kept totals equal a count of all rows.

    Exits with 1 when a fault was found.

    \b
    Example:
      assetwatch catalog check --json | jq .faults
    """
    schema = None
    try:
        database = catalog_of(ctx)
        place, schema = database.shown, engine.revision_of(database)
        faults = engine.integrity_faults(database)
        if not faults:
            with database.read() as connection:
                faults = queries.tally_faults(connection)
    except CatalogError:
        # Damage may keep it from being opened; what is wrong with its file can be told all the same.
        place, faults = _damage(setting_of(ctx))
        if not faults:
            raise
    if as_json:
        write_json({"catalog": place, "schema": schema, "faults": faults})
    for fault in () if as_json else faults:
        click.echo(f"{place}: {fault}")
    if not faults and not as_json:
        click.echo(f"{place}: sound")
    ctx.exit(1 if faults else 0)


def _damage(setting: app.Setting) -> tuple[str, list[str]]:
    """The file of a SQLite catalog that cannot be opened, and what is wrong with its pages, if it is a database."""
    url = engine.parse_url(setting.catalog, default_state_directory())
    if url.get_backend_name() != "sqlite" or not os.path.isfile(str(url.database)):
        return "", []
    faults = backups.faults_of(Path(str(url.database)), "integrity_check")
    found = [line for one in faults for line in one.splitlines() if not line.startswith("***")]
    return str(url.database), [line for line in found if "not a database" not in line and "unable to open" not in line]


@catalog_command.command("backup")
@click.argument("target", required=False, type=click.Path(path_type=Path))
@json_option
@click.pass_context
def backup(ctx: click.Context, target: Path | None, as_json: bool) -> None:
    """Copy the catalog to TARGET, consistently, while the daemon goes on writing.

    Without TARGET the copy is put beside the catalog, with the time in its name.

    \b
    Example:
      assetwatch catalog backup /mnt/backup/catalog.db
    """
    database = catalog_of(ctx)
    if target is None and database.path is not None:
        stamp = SystemClock().now().strftime("%Y%m%d-%H%M%S")
        target = database.path.with_name(f"{database.path.name}.backup-{stamp}")
    engine.backup(database, target or Path("catalog.backup"))
    assert target is not None
    if as_json:
        write_json({"catalog": database.shown, "backup": str(target), "bytes": target.stat().st_size})
    else:
        click.echo(f"{target}: {size(target.stat().st_size)}")


@catalog_command.command("restore")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Even if the catalog that is there is sound. It is kept beside it.")
@json_option
@click.pass_context
def restore(ctx: click.Context, source: Path, force: bool, as_json: bool) -> None:
    """Put the backup FILE in the place of the catalog; the one that is there is kept under another name.

    FILE is checked first. Nobody may be at work on the catalog: stop the daemon before. What arrived since the
    backup is found by the next scan.

    \b
    Example:
      systemctl stop assetwatch
      assetwatch catalog restore /mnt/backup/catalog.db
    """
    url = engine.parse_url(setting_of(ctx).catalog, default_state_directory())
    if url.get_backend_name() != "sqlite" or not url.database:
        plain = url._replace(drivername="postgresql", password=None).render_as_string()
        raise UsageError(
            f"this catalog is in PostgreSQL: restore what pg_dump -Fc wrote with "
            f"pg_restore --clean --if-exists --no-owner -d {plain!r} {str(source)!r}"
        )
    done = backups.restore(Path(url.database), source, SystemClock(), force=force)
    if as_json:
        aside = None if done.aside is None else str(done.aside)
        write_json({"catalog": str(done.catalog), "schema": done.schema, "backup": str(source), "aside": aside})
        return
    click.echo(f"{done.catalog}: restored from {source}, schema {done.schema}")
    if done.aside is not None:
        click.echo(f"The one before is kept as {done.aside}")


@catalog_command.command("copy")
@click.argument("target", metavar="URL")
@json_option
@click.pass_context
def copy(ctx: click.Context, target: str, as_json: bool) -> None:
    """Copy everything in the catalog into an empty one at URL: from SQLite to PostgreSQL, or back.

    Nobody may be at work on the catalog: stop the daemon before, and name the new place in [catalog] url after. The
    old catalog stays as it is.

    \b
    Example:
      assetwatch catalog copy postgresql://assetwatch@db.example.com/assetwatch
    """
    source = catalog_of(ctx)
    other = engine.open_database(engine.parse_url(target, default_state_directory()), SystemClock(), create=True)
    ctx.call_on_close(other.close)
    rows = backups.copy(source, other)
    if as_json:
        write_json({"catalog": source.shown, "copy": other.shown, "rows": rows})
    else:
        click.echo(f"{other.shown}: {rows} rows copied from {source.shown}")
