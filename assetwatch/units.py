"""How are durations, sizes and instants written by people, and shown to them?"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(i?)B?(?:/s)?", re.IGNORECASE)

DURATION_EXPECTED = 'a duration such as "10s", "15m", "6h", "30d" or "1h30m"'
SIZE_EXPECTED = 'a size such as "400M", "1.5G" or "64KiB"'


def parse_duration(text: str) -> float:
    """Seconds from `1h30m`, `10s`, `30d`. Raises ValueError saying what was expected."""
    compact = text.strip()
    matches = list(_DURATION.finditer(compact))
    if not matches or "".join(m[0] for m in matches).replace(" ", "") != compact.replace(" ", ""):
        raise ValueError(f"expected {DURATION_EXPECTED}, got {text!r}")
    return sum(float(m[1]) * _SECONDS[m[2]] for m in matches)


def parse_size(text: str) -> int:
    """Bytes from `400M` (10**6) or `64KiB` (2**10). Raises ValueError saying what was expected."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected {SIZE_EXPECTED}, got {text!r}")
    letter = match[2].upper()
    factor = 1024 ** "KMGTP".index(letter) * 1024 if match[3] and letter else _BYTES[letter]
    return int(float(match[1]) * factor)


def size(count: int) -> str:
    """Bytes for a person, in powers of ten as disks are sold: `2.4 TB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(value) < 999.5 or unit == "PB":
            return f"{count} B" if unit == "B" else f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
        value /= 1000
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds for a person, two units at most: `2 h 5 min`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for (big, big_name), (small, small_name) in (
        ((60, "min"), (1, "s")),
        ((3600, "h"), (60, "min")),
        ((86400, "d"), (3600, "h")),
    ):
        if whole < big * (60 if big < 3600 else 24 if big < 86400 else 10**9):
            rest = whole % big // small
            return f"{whole // big} {big_name}" + (f" {rest} {small_name}" if rest else "")
    raise AssertionError


def microseconds(instant: datetime) -> int:
    """The catalog's form of an instant: whole microseconds since 1970-01-01 UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """The aware UTC instant of the catalog's microseconds."""
    return _EPOCH + timedelta(microseconds=us)


def rfc3339(us: int | None) -> str | None:
    """The catalog's microseconds as RFC 3339 in UTC, as JSON output has it; None stays None."""
    if us is None:
        return None
    text = instant(us).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def local_time(us: int | None, zone: tzinfo, *, seconds: bool = False) -> str:
    """The catalog's microseconds in the show's time zone, `2026-11-23 14:05`; a dash for None."""
    if us is None:
        return "-"
    return instant(us).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 file`, `1,204 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
