"""Which files beside a list need not be listed?

The only module of the package that knows pathspec. Patterns are those of gitignore, as ASC MHL has them
(specification 1.0, 6.4.3); a file that is passed over is counted under its rule, never unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pathspec

from assetwatch.paths import readable

#: What operating systems, file servers and synchronizers leave behind, as peers of this tool ignore it too.
DEFAULT = (
    ".DS_Store",
    "._*",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    ".TemporaryItems",
    ".DocumentRevisions-V100",
    ".VolumeIcon.icns",
    ".localized",
    ".AppleDouble",
    "Icon[\r]",
    "[Tt]humbs.db",
    "[Dd]esktop.ini",
    "System Volume Information",
    "$RECYCLE.BIN",
    "@eaDir",
    ".stfolder",
    ".stversions",
    "lost+found",
    ".ocopy-checkpoint",
    "ascmhl/",
)


class Ignore:
    """Patterns in the order in which they count: the last one that fits decides, as in gitignore."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._spec = pathspec.GitIgnoreSpec.from_lines(_usable(patterns))
        self._patterns = [str(getattr(p, "pattern", "") or "") for p in self._spec.patterns]
        self.counted: Counter[str] = Counter()

    def rule(self, path: str) -> str | None:
        """The pattern that ignores the path below the root, None where it counts. A folder ends in `/`."""
        if not self._patterns:
            return None
        outcome = self._spec.check_file(readable(path))
        if not outcome.include or outcome.index is None:
            return None
        return self._patterns[outcome.index]

    def passes_over(self, path: str) -> bool:
        """Whether the path is ignored; counts it under its rule."""
        rule = self.rule(path)
        if rule is None:
            return False
        self.counted[rule] += 1
        return True

    def summary(self) -> str:
        """How many files each rule passed over, as text; empty where none."""
        return ", ".join(f"{rule!r} {count}" for rule, count in sorted(self.counted.items()))


def _usable(patterns: Iterable[str]) -> list[str]:
    """Patterns that pathspec takes: what a stranger wrote wrongly is no rule."""
    good = []
    for pattern in patterns:
        try:
            pathspec.GitIgnoreSpec.from_lines([pattern])
        except Exception:
            continue
        good.append(pattern)
    return good
