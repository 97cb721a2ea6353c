"""What does a person say of a deliverable, and what is asked of its sender?"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from assetwatch.cli.card import missing_of
from assetwatch.cli.output import catalog_of, json_option, setting_of, user_name, write_json, zone_of
from assetwatch.clock import SystemClock
from assetwatch.delivery.footage import TO_ASK
from assetwatch.delivery.status import senders_affair
from assetwatch.delivery.wording import name_of, sentences
from assetwatch.errors import UsageError
from assetwatch.paths import readable, shown
from assetwatch.units import local_time, microseconds

if TYPE_CHECKING:
    from assetwatch.catalog.engine import Database
    from assetwatch.delivery.kept import Entry
    from assetwatch.delivery.status import Linked

#: What a thing that fulfils its item is to it.
_FULFILS = ("current", "conflict")

_why = click.option("--why", metavar="TEXT", help="The reason, as it is kept and told.")
_who = click.option("--by", "who", metavar="NAME", help="Who says so. [the user's name]")


@click.group("deliverable")
def deliverable_command() -> None:
    """Say a word on a deliverable. It is kept for ever, with who and when, and holds for exactly the files that are
    there now: new bytes reopen the question.

    \b
    Examples:
      assetwatch deliverable accept R1-SOUND
      assetwatch deliverable reject R1-SOUND --why "no 2-pop"
      assetwatch deliverable link R1-SOUND AAF ingest:SOUND/R1/odd-name.aaf
    """


@deliverable_command.command("accept")
@click.argument("identity", metavar="ID")
@_why
@_who
@click.pass_context
def accept_command(ctx: click.Context, identity: str, why: str | None, who: str | None) -> None:
    """Say that it is right as it is.

    \b
    Examples:
      assetwatch deliverable accept R1-SOUND
    """
    _decide(ctx, identity, "accept", who, why)


@deliverable_command.command("reject")
@click.argument("identity", metavar="ID")
@click.option("--why", metavar="TEXT", required=True, help="The reason, as it is kept and told to the sender.")
@_who
@click.pass_context
def reject_command(ctx: click.Context, identity: str, why: str, who: str | None) -> None:
    """Say that what came is not what was asked for. Blocks it until other content comes.

    \b
    Examples:
      assetwatch deliverable reject R1-SOUND --why "no 2-pop"
    """
    _decide(ctx, identity, "reject", who, why)


@deliverable_command.command("waive")
@click.argument("identity", metavar="ID")
@click.option("--item", metavar="NAME", help="Only this item.")
@_why
@_who
@click.pass_context
def waive_command(ctx: click.Context, identity: str, item: str | None, why: str | None, who: str | None) -> None:
    """Say that it, or one item of it, is not needed any more.

    \b
    Examples:
      assetwatch deliverable waive R1-SOUND --item "Change list"
    """
    _decide(ctx, identity, "waive", who, why, item=item)


@deliverable_command.command("cancel")
@click.argument("identity", metavar="ID")
@_why
@_who
@click.pass_context
def cancel_command(ctx: click.Context, identity: str, why: str | None, who: str | None) -> None:
    """Say that it will not come, and nobody waits for it.

    \b
    Examples:
      assetwatch deliverable cancel R6-MUSIC --why "reel dropped"
    """
    _decide(ctx, identity, "cancel", who, why)


@deliverable_command.command("reopen")
@click.argument("identity", metavar="ID")
@click.option("--item", metavar="NAME", help="Only this item's waiver.")
@_why
@_who
@click.pass_context
def reopen_command(ctx: click.Context, identity: str, item: str | None, why: str | None, who: str | None) -> None:
    """Take back what was said: it stands again where its files say.

    \b
    Examples:
      assetwatch deliverable reopen R1-SOUND
    """
    _decide(ctx, identity, "reopen", who, why, item=item)


@deliverable_command.command("redeliver")
@click.argument("identity", metavar="ID")
@click.option("--due", required=True, metavar="WHEN", help='When it has to be here again: "2026-12-03 18:00".')
@_why
@_who
@click.pass_context
def redeliver_command(ctx: click.Context, identity: str, due: str, why: str | None, who: str | None) -> None:
    """Give it a new date. The one that it had first is kept.

    \b
    Examples:
      assetwatch deliverable redeliver R1-SOUND --due "2026-12-03 18:00"
    """
    from assetwatch.delivery.schedule_fields import read_instant

    try:
        when = read_instant(due, zone_of(setting_of(ctx)))
    except ValueError as error:
        raise UsageError(f"--due: {error}") from None
    _decide(ctx, identity, "redue", who, why, due=when)


@deliverable_command.command("link")
@click.argument("identity", metavar="ID")
@click.argument("item")
@click.argument("path")
@_who
@click.pass_context
def link_command(ctx: click.Context, identity: str, item: str, path: str, who: str | None) -> None:
    """Say that a file, a sequence or a folder is for an item, whatever its name.

    \b
    Examples:
      assetwatch deliverable link R1-SOUND AAF ingest:SOUND/R1/odd-name.aaf
    """
    _link(ctx, identity, item, path, who, "hand")


@deliverable_command.command("unlink")
@click.argument("identity", metavar="ID")
@click.argument("item")
@click.argument("path")
@_who
@click.pass_context
def unlink_command(ctx: click.Context, identity: str, item: str, path: str, who: str | None) -> None:
    """Say that a file, a sequence or a folder is not for an item, whatever the rules say; for good.

    \b
    Examples:
      assetwatch deliverable unlink R1-SOUND AAF ingest:SOUND/R1/test.aaf
    """
    _link(ctx, identity, item, path, who, "never")


def _entry(database: Database, identity: str) -> Entry:
    """The deliverable of this id, compared with the catalog as it is now. Raises UsageError."""
    from assetwatch.delivery import kept
    from assetwatch.delivery.link import bring_up_to_date

    clock = SystemClock()
    bring_up_to_date(database, clock)
    with database.read() as connection:
        found = kept.board(connection, clock.now(), [identity])
    if not found:
        raise UsageError(f"there is no deliverable {identity!r}. `assetwatch deliverables` lists them.")
    return found[0]


def _item_id(connection: Any, one: Entry, name: str) -> int:
    from assetwatch.catalog import deliverables as rows

    items = {item.name: item.id for item in rows.items_of(connection, [one.row.id]).get(one.row.id, [])}
    if name not in items:
        raise UsageError(f"{one.row.key} has no item {name!r}: expected one of {', '.join(map(repr, items))}.")
    return items[name]


def _decide(
    ctx: click.Context,
    identity: str,
    word: str,
    who: str | None,
    why: str | None,
    item: str | None = None,
    due: datetime | None = None,
) -> None:
    from assetwatch.catalog import deliverables as rows
    from assetwatch.delivery.link import contents_of

    database = catalog_of(ctx)
    one = _entry(database, identity)
    clock = SystemClock()
    with database.write() as connection:
        if item is not None:
            _item_id(connection, one, item)
        contents = contents_of(connection, one.row.id, one.known, item)
        rows.decide(
            connection,
            one.row.id,
            microseconds(clock.now()),
            who or user_name(),
            word,
            why=why,
            item=item,
            due_us=None if due is None else microseconds(due),
            contents=contents,
        )
        rows.doubt(connection, one.row.id)
    after = _entry(database, identity)
    click.echo(f"{shown(identity)}: {after.status.state.value}", err=True)


def _link(ctx: click.Context, identity: str, item: str, path: str, who: str | None, how: str) -> None:
    from assetwatch.catalog import deliverables as rows
    from assetwatch.catalog import things, volumes
    from assetwatch.cli.show import find_one
    from assetwatch.paths import from_os, split

    database = catalog_of(ctx)
    one = _entry(database, identity)
    now_us = microseconds(SystemClock().now())
    with database.write() as connection:
        item_id = _item_id(connection, one, item)
        by_name = {row.name: row.id for row in volumes.all_volumes(connection)}
        name, _, rest = path.partition(":")
        thing = things.asset_at(connection, by_name[name], from_os(rest.strip("/"))) if name in by_name else None
        if thing is None:
            volume, where = find_one(connection, path)
            thing = things.asset_at(connection, by_name[volume], where)
        if thing is None:
            raise UsageError(f"{path}: nothing there was read yet that could be linked.")
        open_ = [
            link.id
            for link in rows.links_of(connection, [one.row.id]).get(item_id, [])
            if link.asset == thing.asset and (how == "never" or link.how == "never")
        ]
        rows.end_links(connection, open_, now_us)
        rows.add_links(
            connection,
            [
                {
                    "item_id": item_id,
                    "deliverable_id": one.row.id,
                    "volume_id": thing.volume_id,
                    "asset": thing.asset,
                    "path": thing.path,
                    "content": thing.content,
                    "role": "current" if how == "hand" else "refused",
                    "how": how,
                    "who": who or user_name(),
                    "at_us": now_us,
                }
            ],
        )
        if how == "hand":
            rows.add_root(connection, one.row.id, split(thing.path)[0])
        rows.doubt(connection, one.row.id)
    after = _entry(database, identity)
    click.echo(f"{shown(identity)}: {after.status.state.value}", err=True)


@click.command("chase")
@click.argument("identity", metavar="ID")
@json_option
@click.pass_context
def chase_command(ctx: click.Context, identity: str, as_json: bool) -> None:
    """Write the message to the sender of a deliverable: what is missing, what is wrong, by file name and with times.

    No folder of ours is named in it. Where nothing is owed it says so on standard error, and exits with 0.

    \b
    Examples:
      assetwatch chase R1-SOUND | mail -s "Reel 1 turnover" editorial@example.org
    """
    one = _entry(catalog_of(ctx), identity)
    zone = zone_of(setting_of(ctx))
    subject, lines = message(one, zone)
    if as_json:
        write_json({"id": one.row.key, "to": one.row.sender, "subject": readable(subject), "text": "\n".join(lines)})
    elif not lines:
        click.echo(f"{shown(identity)}: nothing is owed.", err=True)
    else:
        click.echo(f"To: {shown(one.row.sender)}")
        click.echo(f"Subject: {shown(subject)}")
        click.echo()
        for line in lines:
            click.echo(shown(line))
    ctx.exit(1 if lines else 0)


def message(one: Entry, zone: tzinfo) -> tuple[str, list[str]]:
    """Subject and lines of what to ask the sender for; no lines where nothing is owed and there is nothing to ask."""
    status = one.status
    state = status.state.value
    findings = [*(finding for item in status.items for finding in item.problems), *status.problems]
    wrong = sentences(finding for finding in findings if senders_affair(finding))
    incomplete = sentences(finding for finding in findings if finding.rule == "complete")
    questions = sentences(finding for finding in findings if finding.rule in TO_ASK)
    missing = _missing(one)
    gone = [_received(linked, zone) for linked in _current(one) if _is_gone(linked)]
    subject = one.row.key if one.row.name == one.row.key else f"{one.row.name} ({one.row.key})"
    settled = state in ("accepted", "waived", "cancelled")
    owed = bool(missing or gone or wrong or incomplete or state == "rejected")
    if settled or not (owed or questions):
        return subject, []
    lines = [f"Hello{' ' + one.row.sender if one.row.sender else ''},"]
    if status.due is not None and owed:
        due = f"{local_time(microseconds(status.due), zone)} {status.due.astimezone(zone).tzname()}"
        lines += ["", f"{one.row.name} {'was' if status.late else 'is'} due {due}."]
    if state == "rejected" and status.holds is not None:
        lines += ["", f"What came cannot be used: {status.holds.why or 'see below'}. Please send it again."]
        lines += [f"  - {_received(linked, zone)}" for linked in _current(one)]
    for title, texts in (
        ("We are still missing:", missing),
        ("This came, and we do not have it any more:", gone),
        ("This is not complete:", incomplete),
        ("This is not right:", wrong),
        ("Please check whether this is as it should be:", questions),
    ):
        if texts:
            lines += ["", title, *(f"  - {text}" for text in texts)]
    if status.arrived and state != "rejected":
        lines += ["", f"We have received {status.arrived} of {status.required}."]
    return subject, [*lines, "", "Thank you."]


def _current(one: Entry) -> list[Linked]:
    """What fulfils, or would if it were there and whole."""
    return [linked for item in one.known.items for linked in item.linked if linked.role.value in _FULFILS]


def _received(linked: Linked, zone: tzinfo) -> str:
    return f"{name_of(linked.path)}, received {local_time(microseconds(linked.arrived), zone)}"


def _is_gone(linked: Linked) -> bool:
    """Whether it was here and is not, and nobody said that this is known."""
    return linked.presence.value == "missing" and not linked.archived


def _missing(one: Entry) -> list[str]:
    """What is missing altogether, by name: not what came and is incomplete or gone."""
    begun = [
        linked.name or item.name
        for item in one.known.items
        for linked in item.linked
        if (linked.incomplete or _is_gone(linked)) and linked.role.value in _FULFILS
    ]
    in_words = {
        name: text for item in one.status.items for name, text in zip(item.missing, missing_of(item), strict=True)
    }
    found: list[str] = []
    for name in one.status.missing:
        if name in begun:
            begun.remove(name)
        else:
            found.append(in_words.get(name, name))
    return found
