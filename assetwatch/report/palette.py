"""Which colours does a report have, by day and by night?

After Okabe and Ito's palette, which people of all kinds of colour vision tell apart, darkened or lightened where it
carries text: on each ground of its mode a text colour has a contrast of 4.5 or more (WCAG 2.2, 1.4.3). No colour says
anything that a word, a shape or a pattern does not say too.
"""

from __future__ import annotations

from typing import Final

#: Grounds: the page, a panel, and the tints of the three severities.
GROUNDS: Final = ("page", "panel", "wrong-tint", "attention-tint", "ok-tint")
#: Colours that carry text.
TEXTS: Final = ("ink", "soft", "wrong", "attention", "ok", "link")

LIGHT: Final = {
    "page": "#ffffff",
    "panel": "#f6f5f2",
    "wrong-tint": "#fdeee6",
    "attention-tint": "#fdf4dd",
    "ok-tint": "#e6f4ee",
    "ink": "#1d2126",
    "soft": "#5b6168",
    "wrong": "#a63a00",
    "attention": "#7a5200",
    "ok": "#00674a",
    "link": "#005f94",
    "rule": "#d9d7d1",
    # Marks and areas of the pictures; never under text.
    "bar": "#0072b2",
    "bar-2": "#3b93c7",
    "bar-3": "#7fb9dd",
    "bar-4": "#b5d7ec",
    "pale": "#d9d7d1",
    "late": "#d55e00",
    "done": "#009e73",
    "soon": "#e69f00",
}

DARK: Final = {
    "page": "#15181b",
    "panel": "#1e2226",
    "wrong-tint": "#3a2015",
    "attention-tint": "#352a10",
    "ok-tint": "#12302a",
    "ink": "#e8e9ea",
    "soft": "#a7afb7",
    "wrong": "#ff9c6b",
    "attention": "#f2bd55",
    "ok": "#55cda5",
    "link": "#74bcf0",
    "rule": "#3a4047",
    "bar": "#6db8ee",
    "bar-2": "#3f93cf",
    "bar-3": "#2c6c9c",
    "bar-4": "#1f4a6b",
    "pale": "#4a5158",
    "late": "#e8743b",
    "done": "#2bb58d",
    "soon": "#e8ad2f",
}
