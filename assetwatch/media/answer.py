"""What does a field of MediaInfo's answer hold, as a plain value? Whatever it holds, reading it never fails.

The library writes each value as text, "not said" as a missing field, several values as one text with " / " between.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Track = Mapping[str, Any]

#: No text of a fact is longer; MediaInfo repeats what a file says, and a file can say megabytes.
TEXT_MAX: Final = 4000

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def tracks(answer: object) -> list[Track]:
    """The tracks of an answer in its order; none where it is no answer of MediaInfo."""
    media = answer.get("media") if isinstance(answer, Mapping) else None
    found = media.get("track") if isinstance(media, Mapping) else None
    return [track for track in found if isinstance(track, Mapping)] if isinstance(found, list) else []


def kind(track: Track) -> str:
    """General, Video, Audio, Image, Text, Other or Menu; empty where it does not say."""
    found = track.get("@type")
    return found if isinstance(found, str) else ""


def clean(value: object) -> str | None:
    """`value` as a text that any database takes: no control characters, no half characters, of bounded length."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _UNSTORABLE.sub("", str(value)[:TEXT_MAX]).strip() or None


def text(track: Track, *names: str) -> str | None:
    """The first of the fields that says anything."""
    for name in names:
        found = clean(track.get(name))
        if found is not None:
            return found
    return None


def first(track: Track, *names: str) -> str | None:
    """As `text`, the first value where several stand in one field."""
    found = text(track, *names)
    return None if found is None else found.split(" / ", 1)[0].strip() or None


def number(track: Track, *names: str) -> float | None:
    """The first of the fields that is a number (its first value), finite and of sane length."""
    for name in names:
        found = first(track, name)
        if found is not None and _NUMBER.fullmatch(found):
            value = float(found)
            if math.isfinite(value):
                return value
    return None


def whole(track: Track, *names: str) -> int | None:
    """The first of the fields that is a whole number."""
    for name in names:
        found = first(track, name)
        if found is None or not _NUMBER.fullmatch(found):
            continue
        integer, _, rest = found.partition(".")
        if not rest.strip("0"):
            return int(integer)
    return None


def positive(track: Track, *names: str) -> int | None:
    """As `whole`, and null where it is zero or less: a width of 0 means that it was not read."""
    found = whole(track, *names)
    return found if found is not None and found > 0 else None


def said_yes(track: Track, *names: str) -> bool | None:
    """Whether a field says Yes or No; None where it says neither."""
    found = first(track, *names)
    return None if found is None else {"yes": True, "no": False}.get(found.lower())


def extra(track: Track) -> Iterator[tuple[str, str]]:
    """The fields that MediaInfo has no name of its own for: (name in lower case, value)."""
    found = track.get("extra")
    if isinstance(found, Mapping):
        for name, value in found.items():
            said = clean(value)
            if isinstance(name, str) and said is not None:
                yield name.lower(), said
