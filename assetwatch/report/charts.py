"""What do the numbers of a report look like: arrivals by day, age of the last check, how full a volume gets?

Numbers to SVG text, nothing else. Each picture has its title and a sentence for those who cannot see it; the page puts
the same numbers beside it as a table. `timeline` has the deliverables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from assetwatch.report.coordinators import Day
from assetwatch.report.draw import area, cut, diamond, disc, hatched, line, path, polygon, svg, words
from assetwatch.report.engineers import Band, Point, VolumeState
from assetwatch.report.wording import count, day, many, share
from assetwatch.units import size

#: Drawn as wide as a phone is, so that the letters are no smaller there than beside them.
WIDTH: Final = 400

_SMALL: Final = 11.5

#: The colour of each band, from read yesterday to never; those that are no mere age have a pattern besides.
_BAND_COLOURS: Final = {
    "day": "bar",
    "week": "bar-2",
    "month": "bar-3",
    "quarter": "bar-4",
    "year": "pale",
    "older": "soon",
    "arrival": "page",
    "failed": "late",
    "never": "page",
}
_BAND_PATTERNS: Final = {"older": "ink", "arrival": "bar", "failed": "ink", "never": "soft"}

#: A volume's future is drawn no further than this.
_AHEAD_LEAST: Final = timedelta(days=10)
_AHEAD_MOST: Final = timedelta(days=120)


def bytes_by_day(days: Sequence[Day], zone: tzinfo) -> str:
    """The bytes that came on each day, as bars; empty where there are no days."""
    return _by_day("bytes-by-day", "Bytes that came each day", days, [one.size for one in days], size, "bar", zone)


def files_by_day(days: Sequence[Day], zone: tzinfo) -> str:
    """The files that came on each day, as bars; empty where there are no days."""
    return _by_day("files-by-day", "Files that came each day", days, [one.files for one in days], count, "bar-2", zone)


def _by_day(
    name: str,
    title: str,
    days: Sequence[Day],
    values: Sequence[int],
    say: Callable[[int], str],
    colour: str,
    zone: tzinfo,
) -> str:
    if not days:
        return ""
    most = days[values.index(max(values))]
    summary = (
        f"{len(days)} days from {day(days[0].day, zone)} to {day(days[-1].day, zone)}: {say(sum(values))} in all, "
        f"the most on {day(most.day, zone)}: {say(max(values))}."
    )
    floor = 132.0
    shapes = [words(0, 14, title, bold=True), *_bars(values, floor, 92, say, colour)]
    step = WIDTH / len(days)
    every = 1 if len(days) <= 10 else 2 if len(days) <= 16 else 7
    for n, one in enumerate(days):
        if (len(days) - 1 - n) % every == 0:
            month = f" {one.day:%b}" if n < every or one.day.day <= every else ""
            middle = max(n * step + step / 2, 18 if month else 0)
            shapes.append(words(middle, floor + 16, f"{one.day.day}{month}", "soft", anchor="middle", size=_SMALL))
    return svg(name, title, summary, WIDTH, floor + 22, shapes)


def _bars(values: Sequence[int], floor: float, height: float, say: Callable[[int], str], colour: str) -> list[str]:
    """Bars that stand on `floor`; the highest has its number on it, and so has the last where there is room for it."""
    step = WIDTH / len(values)
    highest = max(values) or 1
    shapes = [line(0, floor, WIDTH, floor, "rule")]
    told = {values.index(max(values))}
    if len(values) > 1 and values[-2] <= values[-1]:
        told.add(len(values) - 1)
    for n, value in enumerate(values):
        tall = max(height * value / highest, 1.5) if value else 0
        if tall:
            shapes.append(area(n * step + step * 0.14, floor - tall, step * 0.72, tall, colour))
        if n in told and value:
            half = len(say(value)) * 3.4
            middle = min(max(n * step + step / 2, half), WIDTH - half)
            shapes.append(words(middle, floor - tall - 4, say(value), anchor="middle", size=_SMALL))
    return shapes


def ages(bands: Sequence[Band], *, name: str = "by-age") -> str:
    """The share of bytes by age of the last check, as one stacked bar with a label at each part."""
    whole = sum(band.size for band in bands)
    there = [band for band in bands if band.size > 0]
    if not there:
        return ""
    told = [f"{band.label}: {size(band.size)}, {share(band.size, whole)}" for band in there]
    height, top, wide, gap = 236.0, 4.0, 62.0, 20.0
    shapes: list[str] = []
    wished: list[float] = []
    y = top
    for band in there:
        tall = height * band.size / whole
        shapes.append(area(0, y, wide, tall, _BAND_COLOURS.get(band.key, "pale"), edge="page"))
        if (pattern := _BAND_PATTERNS.get(band.key)) and tall > 2:
            shapes.append(hatched(1, y + 1, wide - 2, tall - 2, pattern))
        wished.append(y + tall / 2)
        y += tall
    for band, here, text_y in zip(there, wished, _apart(wished, gap, top + gap / 2, top + height - 4), strict=True):
        shapes.append(path(((wide + 2, here), (wide + 12, here), (wide + 20, text_y), (wide + 26, text_y)), "soft"))
        amount = f"{size(band.size)}, {share(band.size, whole)}"
        shapes.append(words(wide + 31, text_y + 4.5, cut(band.label, 190)))
        shapes.append(words(WIDTH, text_y + 4.5, amount, "soft", anchor="end"))
    bottom = max(top + height, top + gap * len(there)) + 4
    return svg(name, "Bytes by age of their last check", ". ".join(told) + ".", WIDTH, bottom, shapes)


def _apart(wished: Sequence[float], gap: float, first: float, last: float) -> list[float]:
    """Places as near to the wished ones as can be, `gap` apart, from `first` on, and to `last` where they fit."""
    places: list[float] = []
    for one in wished:
        places.append(max(one, places[-1] + gap if places else first))
    limit = max(last, first + gap * (len(places) - 1))
    for n in range(len(places) - 1, -1, -1):
        places[n] = min(places[n], limit)
        limit = places[n] - gap
    return places


def capacity(volume: VolumeState, now: datetime, zone: tzinfo, *, name: str) -> str:
    """How full a volume was, is, and will be at its growth; empty where its file system was not asked twice yet."""
    points = [one for one in volume.history if one.total > 0]
    if len(points) < 2 or not volume.total or volume.free is None:
        return ""
    used = volume.total - volume.free
    total = max(volume.total, *(one.total for one in points))
    start, end = points[0].at, now + _ahead(volume, now - points[0].at)
    left, floor, top, width = 4.0, 176.0, 40.0, WIDTH - 8.0
    seconds = (end - start).total_seconds()

    def across(at: datetime) -> float:
        return left + width * min(1.0, max(0.0, (at - start).total_seconds() / seconds))

    def up(amount: float) -> float:
        return floor - (floor - top) * min(1.0, max(0.0, amount / total))

    walked = [(across(one.at), up(one.used)) for one in points] + [(across(now), up(used))]
    shapes = [
        polygon([(walked[0][0], floor), *walked, (walked[-1][0], floor)], "bar-4"),
        path(walked, "bar", 2),
        line(left, floor, left + width, floor, "rule"),
        line(left, up(volume.total), left + width, up(volume.total), "wrong", 2),
        words(left, 13, f"{size(used)} used, {share(used, volume.total)}", bold=True),
        words(left, top - 6, f"full: {size(volume.total)}", "wrong", size=_SMALL),
        line(across(now), top, across(now), floor, "ink", 1, dash="2 3"),
    ]
    if volume.growth is not None:
        later = used + volume.growth * (end - now).total_seconds() / 86400
        stop = end
        if later > volume.total and volume.growth > 0:
            stop = now + timedelta(days=(volume.total - used) / volume.growth)
        foreseen = [(across(now), up(used)), (across(stop), up(min(later, volume.total)))]
        shapes.append(path(foreseen, "bar", 2, dash="6 4"))
    full_on = volume.full_on
    if full_on is not None and full_on <= end:
        shapes.append(diamond(across(full_on), up(volume.total), "late"))
        shapes.append(words(WIDTH, 13, f"full on {day(full_on, zone, now)}", "wrong", anchor="end", bold=True))
    shapes.append(disc(across(now), up(used), "bar", radius=4))
    shapes.append(words(across(now), floor + 16, "today", "ink", anchor="middle", size=_SMALL, bold=True))
    if across(now) - left > 100:
        shapes.append(words(left, floor + 16, day(start, zone, now), "soft", size=_SMALL))
    if left + width - across(now) > 100:
        shapes.append(words(left + width, floor + 16, day(end, zone, now), "soft", anchor="end", size=_SMALL))
    return svg(name, f"Space on {volume.name}", capacity_sentence(volume, now, zone), WIDTH, 198, shapes)


def _ahead(volume: VolumeState, past: timedelta) -> timedelta:
    """How far the future is drawn: until the volume is full where that is near, else half as long as the past."""
    wanted = past / 2
    if volume.days_left is not None and volume.days_left * 1.1 <= _AHEAD_MOST.days:
        wanted = timedelta(days=volume.days_left * 1.1)
    return min(max(wanted, past / 4, _AHEAD_LEAST), _AHEAD_MOST)


def capacity_sentence(volume: VolumeState, now: datetime, zone: tzinfo) -> str:
    """Where a volume's space stands, in a sentence; empty where its file system was never asked."""
    if not volume.total or volume.free is None:
        return ""
    used = volume.total - volume.free
    said = f"{size(used)} of {size(volume.total)} used, {share(used, volume.total)}; {size(volume.free)} free"
    if volume.growth is None:
        return said + "; too little is known yet to say how it grows."
    if volume.days_left is None or volume.full_on is None:
        return said + "; it does not grow."
    grows = f"; grows by {size(int(volume.growth))} a day"
    if volume.days_left > 3650:
        return said + grows + "; full in more than ten years."
    return said + grows + f"; full in {many(round(volume.days_left), 'day')}, on {day(volume.full_on, zone, now)}."


def thinned(points: Sequence[Point], most: int = 8) -> list[Point]:
    """At most `most` of the points, evenly, the first and the last among them: enough for a table."""
    if len(points) <= most:
        return list(points)
    return [points[round(n * (len(points) - 1) / (most - 1))] for n in range(most)]
