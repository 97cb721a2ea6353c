"""How is the catalog itself looked after: its schema, its soundness, its copies?"""

from __future__ import annotations

from pathlib import Path

import click

from assetwatch import app
from assetwatch.catalog import engine, queries
from assetwatch.cli.output import catalog_of, json_option, setting_of, write_json
from assetwatch.clock import SystemClock
from assetwatch.units import size


@click.group("catalog")
def catalog_command() -> None:
    """Upgrade, check or back up the catalog.

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
    database = catalog_of(ctx)
    faults = engine.integrity_faults(database)
    if not faults:
        with database.read() as connection:
            faults = queries.tally_faults(connection)
    if as_json:
        write_json({"catalog": database.shown, "schema": engine.revision_of(database), "faults": faults})
    elif faults:
        for fault in faults:
            click.echo(f"{database.shown}: {fault}")
    else:
        click.echo(f"{database.shown}: sound")
    ctx.exit(1 if faults else 0)


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
