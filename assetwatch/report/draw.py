"""How is a picture put together from shapes and words, so that a browser, a printer and a screen reader can take it?

SVG text (W3C SVG 1.1) without style sheets, references or scripts. A colour is given twice: as an attribute, which
printing goes by, and as a class, by which a page turns it dark (`palette`). Lengths are in CSS pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from assetwatch.paths import shown
from assetwatch.report.palette import LIGHT

#: The height of ordinary text, and about how wide a letter of it is.
TEXT: Final = 13
_LETTER: Final = 6.9


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def svg(name: str, title: str, summary: str, width: float, height: float, shapes: Iterable[str]) -> str:
    """A picture with its title, and what it shows in a sentence. `name` is its id, unique on the page."""
    return (
        f'<svg class="picture" id="{name}" role="img" aria-labelledby="{name}-title {name}-desc"'
        f' viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}"'
        f' font-family="sans-serif" font-size="{TEXT}">'
        f'<title id="{name}-title">{escape(shown(title))}</title><desc id="{name}-desc">{escape(shown(summary))}</desc>'
        + "".join(shapes)
        + "</svg>"
    )


def fill(colour: str) -> str:
    """The attributes of an area in a colour of the palette."""
    return f'class="f-{colour}" fill="{LIGHT[colour]}"'


def stroke(colour: str, width: float = 1, *, dash: str = "") -> str:
    """The attributes of a line in a colour of the palette."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'class="s-{colour}" fill="none" stroke="{LIGHT[colour]}" stroke-width="{number(width)}"{dashed}'


def area(x: float, y: float, width: float, height: float, colour: str, *, edge: str = "") -> str:
    """A rectangle; `edge` is the colour of its outline."""
    at = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    if not edge:
        return f"<rect {at} {fill(colour)}/>"
    return f'<rect {at} class="f-{colour} s-{edge}" fill="{LIGHT[colour]}" stroke="{LIGHT[edge]}" stroke-width="1"/>'


def line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, *, dash: str = "") -> str:
    """A straight line."""
    at = f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}"
    return f'<path d="{at}" {stroke(colour, width, dash=dash)}/>'


def path(points: Iterable[tuple[float, float]], colour: str, width: float = 1, *, dash: str = "") -> str:
    """A line through points."""
    return f'<path d="M{_through(points)}" {stroke(colour, width, dash=dash)} stroke-linejoin="round"/>'


def polygon(points: Iterable[tuple[float, float]], colour: str, *, edge: str = "") -> str:
    """An area between points."""
    if not edge:
        return f'<path d="M{_through(points)}Z" {fill(colour)}/>'
    paint = f'class="f-{colour} s-{edge}" fill="{LIGHT[colour]}" stroke="{LIGHT[edge]}" stroke-width="1.5"'
    return f'<path d="M{_through(points)}Z" {paint}/>'


def hatched(x: float, y: float, width: float, height: float, colour: str) -> str:
    """A rectangle filled with slanting lines, with an outline: told apart from a plain one without its colour."""
    pieces = []
    step = 6.0
    start = -height
    while start < width:
        # From the lower edge at `start` up to the right, cut off at both sides.
        left, right = max(start, 0), min(start + height, width)
        if right > left:
            low, high = y + height - (left - start), y + height - (right - start)
            pieces.append(f"M{number(x + left)} {number(low)}L{number(x + right)} {number(high)}")
        start += step
    outline = f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}Z"
    return f'<path d="{"".join(pieces)}{outline}" {stroke(colour, 1.5)}/>'


def diamond(x: float, y: float, colour: str, *, edge: str = "ink", half: float = 5.5) -> str:
    """A diamond around a point."""
    return polygon(((x, y - half), (x + half, y), (x, y + half), (x - half, y)), colour, edge=edge)


def disc(x: float, y: float, colour: str, *, radius: float = 5) -> str:
    """A filled circle with an outline."""
    paint = f'class="f-{colour} s-ink" fill="{LIGHT[colour]}" stroke="{LIGHT["ink"]}" stroke-width="1.5"'
    return f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" {paint}/>'


def cross(x: float, y: float, colour: str, *, half: float = 4.5) -> str:
    """Two strokes across a point."""
    left, right, top, low = (number(one) for one in (x - half, x + half, y - half, y + half))
    return f'<path d="M{left} {top}L{right} {low}M{left} {low}L{right} {top}" {stroke(colour, 2.5)}/>'


def words(
    x: float, y: float, said: str, colour: str = "ink", *, anchor: str = "start", size: float = TEXT, bold: bool = False
) -> str:
    """A line of text on the base line `y`; `anchor` is start, middle or end."""
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += "" if size == TEXT else f' font-size="{number(size)}"'
    more += ' font-weight="600"' if bold else ""
    return f'<text x="{number(x)}" y="{number(y)}"{more} {fill(colour)}>{escape(shown(said))}</text>'


def width_of(said: str, size: float = TEXT) -> float:
    """About how wide a text is."""
    return len(said) * _LETTER * size / TEXT


def cut(said: str, width: float, size: float = TEXT) -> str:
    """As much of a text as about fits into `width`."""
    said = shown(said)
    most = max(4, int(width / (_LETTER * size / TEXT)))
    return said if len(said) <= most else said[: most - 1].rstrip() + "…"


def _through(points: Iterable[tuple[float, float]]) -> str:
    return "L".join(f"{number(x)} {number(y)}" for x, y in points)
