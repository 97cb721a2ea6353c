"""How does this show name its shots, by the schedule in force?"""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from assetwatch.catalog import tables as t


def shot_pattern(connection: Connection) -> str | None:
    """The expression for shots that the schedule's first deliverable with one has; None where none has."""
    query = (
        select(t.deliverable.c.terms)
        .where(
            t.deliverable.c.removed_us.is_(None),
            t.deliverable.c.terms.contains('"shot_pattern":"', autoescape=True),
            ~t.deliverable.c.terms.contains('"shot_pattern":""', autoescape=True),
        )
        .order_by(t.deliverable.c.position)
        .limit(1)
    )
    terms = connection.execute(query).scalar()
    return None if terms is None else str(json.loads(terms).get("shot_pattern") or "") or None
