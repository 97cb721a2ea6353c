"""What is there to know of one deliverable, on one page?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from assetwatch.cli.deliverables import SAID, due_text, summary, word_of
from assetwatch.delivery.footage import FOOTAGE, LACKING
from assetwatch.delivery.status import Proof, is_here
from assetwatch.delivery.wording import name_of, sentence
from assetwatch.paths import shown
from assetwatch.units import local_time, microseconds

if TYPE_CHECKING:
    from assetwatch.catalog.deliverables import LinkRow
    from assetwatch.delivery.findings import Finding
    from assetwatch.delivery.kept import Entry
    from assetwatch.delivery.status import Decision, ItemStatus


def card(one: Entry, now: datetime, zone: tzinfo, by_hand: Sequence[tuple[str, LinkRow]] = ()) -> list[str]:
    """Everything about one deliverable, as lines; `by_hand` are links of people, with their items' names."""
    status = one.status
    lines = [f"{shown(one.row.key)}  {shown(one.row.name)}"]
    facts = [
        one.row.kind,
        f"from {one.row.sender}" if one.row.sender else "",
        f"to {one.row.receiver}" if one.row.receiver else "",
    ]
    lines += [shown(", ".join(part for part in facts if part))] if any(facts) else []
    due = "no due date" if status.due is None else f"due {due_text(status.due, zone)}"
    if status.original_due is not None:
        due += f" (first {due_text(status.original_due, zone)})"
    lines.append(f"{word_of(one)}, {due}, {status.arrived} of {status.required} here, proof: {one.known.proof.value}")
    line = summary(one, now)
    if line:
        lines.append(shown(line))
    for item, known in zip(status.items, one.known.items, strict=True):
        needed = "" if known.required else ", optional"
        conforms = {True: ", conforms", False: ", does not conform", None: ""}[item.conforms]
        waived = ", waived" if item.waived else ""
        # Of any number none is owed: what is here is told.
        free = not item.required and not item.waived
        counts = f"{sum(map(is_here, known.linked))} here" if free else f"{item.arrived} of {item.required}"
        proved = f", {item.verified} proved" if one.known.proof.value != "none" else ""
        lines += [
            "",
            f"{shown(item.name)}: {counts}{proved}{needed}{conforms}{waived}",
        ]
        for linked in known.linked:
            role = "" if linked.role.value == "current" else f", {linked.role.value.replace('_', ' ')}"
            lacking = f", {linked.incomplete}" if linked.incomplete else ""
            state = linked.integrity.value if linked.presence.value == "present" else linked.presence.value
            if state == "recorded" and Proof.MANIFEST in linked.proofs and linked.incomplete is None:
                state = "verified"  # but for its own lists, which no list names
            lines.append(
                f"  {shown(linked.path)}  {state}{role}{lacking}, {local_time(microseconds(linked.arrived), zone)}"
            )
        lines += [f"  missing: {shown(text)}" for text in missing_of(item)]
        lines += dict.fromkeys(_problem(finding) for finding in item.problems if finding.rule != "source")
    for title, findings in (
        ("Its elements with each other:", [f for f in status.problems if f.rule not in FOOTAGE]),
        ("Its footage:", [f for f in status.problems if f.rule in FOOTAGE]),
    ):
        if findings:
            lines += ["", title, *map(_problem, findings)]
    told = [(microseconds(said.at), _decided(said, zone)) for said in one.known.decisions]
    told += [(link.at_us, _linked(item, link)) for item, link in by_hand]
    if told:
        lines += ["", *(f"{local_time(at, zone)}  {shown(text)}" for at, text in sorted(told))]
    return lines


def _decided(said: Decision, zone: tzinfo) -> str:
    done = SAID.get(said.word.value) or f"new due date {due_text(said.due, zone)}, said"
    of = f" {said.item}" if said.item else ""
    return f"{done}{of} by {said.by}" + (f": {said.why}" if said.why else "")


def _linked(item: str, link: LinkRow) -> str:
    done = f"linked to {item}" if link.how == "hand" else f"unlinked from {item}"
    return f"{done} by {link.who}: {name_of(link.path)}"


def _problem(finding: Finding) -> str:
    word = "wrong" if finding.failed else "note" if finding.notice else finding.outcome.value
    return f"  {'missing' if finding.rule in LACKING else word}: {shown(sentence(finding))}"


def missing_of(item: ItemStatus) -> list[str]:
    """What of an item is missing, by name; of a cut's sources with the events that need them."""
    needed = {
        one.expected: (one.observed or "").removeprefix("not here; ") for one in item.problems if one.rule == "source"
    }
    return [f"{name}; {needed[name]}" if needed.get(name) else name for name in item.missing]
