"""Which names on a volume are nobody's footage? Passed over, and counted by rule: ignored is not the same as unseen."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

#: What operating systems, NAS boxes and copy tools leave beside footage.
LITTER = (
    ".DS_Store",
    "._*",
    ".Spotlight-V100",
    ".Trashes",
    ".Trash-*",
    ".fseventsd",
    ".TemporaryItems",
    ".DocumentRevisions-V100",
    ".VolumeIcon.icns",
    ".localized",
    ".AppleDouble",
    ".AppleDB",
    ".AppleDesktop",
    ".apdisk",
    "Icon\r",
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "System Volume Information",
    "$RECYCLE.BIN",
    "RECYCLER",
    "@eaDir",
    "#recycle",
    "#snapshot",
    ".snapshot",
    ".stfolder",
    ".stversions",
    ".sync",
    "lost+found",
    ".ocopy-checkpoint",
    ".nfs[0-9a-f]*",
    ".fuse_hidden*",
    ".smbdelete*",
)

#: Names under which transfer tools write until a file is whole. The rename that ends the transfer brings the file.
TRANSFERS = (
    "*.part",
    "*.partial",
    "*.tmp",
    "*.filepart",
    "*.crdownload",
    "*.download",
    "*.opdownload",
    "*.aspx",
    "*.aspera-ckpt",
    "*.aspera-inprogress",
    ".~tmp~",
    ".syncthing.*.tmp",
    "~syncthing~*.tmp",
    "*.rclone-partial",
    "*.!sync",
    "*.!ut",
    ".goutputstream-*",
    "*.copy_in_progress",
    ".rsync-partial",
)

#: rsync(1) writes `.NAME.XXXXXX`, the last part from mkstemp(3). Six lower-case letters are left alone:
#: a dot file with such an ending is more likely a person's (one temporary name in two hundred looks so).
RSYNC = ".NAME.XXXXXX (rsync)"
_RSYNC = r"\..+\.(?![a-z]{6}\Z)[A-Za-z0-9]{6}"


#: The catalog's files, where it lies on the volume: each look at them would be followed by a write to them.
CATALOG = "(assetwatch's catalog)"
_CATALOGS = re.compile(r"(\.(backup|before)-[a-z0-9-]+)?(-wal|-shm|-journal)?|\.volume-[0-9]+(-check)?\.lock")


class Ignore:
    """The rules of one volume: the built-in ones, the volume's own, and the catalog, if it lies there.

    `catalog` is its path below the root; what SQLite and assetwatch put beside it under its name goes with it.
    A pattern without a slash is matched against names, one with a slash against paths below the root, both with
    gitignore's meaning (gitignore(5)); a pattern that ends in a slash fits folders only.
    """

    def __init__(self, patterns: Sequence[str] = (), catalog: str | None = None) -> None:
        simple = [p for p in patterns if not re.search(r"[/!\\]|^#", p)]
        self._rules = [*LITTER, *TRANSFERS, *simple, RSYNC]
        alternatives = [f"({fnmatch.translate(p)})" for p in self._rules[:-1]] + [f"({_RSYNC})\\Z"]
        self._names = re.compile("|".join(alternatives), re.DOTALL)
        self._paths = [(p, _specification(p)) for p in patterns if p not in simple]
        self._catalog = catalog
        #: Changes when the rules change, so that folders are listed anew under new rules.
        said = "\0".join([*self._rules, *patterns, *filter(None, [catalog])])
        self.fingerprint = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:8]

    def rule(self, path: str, name: str, is_folder: bool) -> str | None:
        """The rule that passes over `name`, which stands at `path` below the root; None where none does."""
        match = self._names.match(name)
        if match is not None:
            return self._rules[(match.lastindex or 1) - 1]
        own = self._catalog
        if own is not None and not is_folder and path.startswith(own) and _CATALOGS.fullmatch(path, len(own)):
            return CATALOG
        for pattern, spec in self._paths:
            if spec.match_file(path + "/" if is_folder else path):
                return pattern
        return None

    def passes_over(self, path: str, is_folder: bool) -> bool:
        """Whether `path` below the root, or a folder above it, is ignored."""
        at = 0
        while True:
            slash = path.find("/", at)
            upto = path if slash < 0 else path[:slash]
            if self.rule(upto, upto[at:], is_folder or slash >= 0) is not None:
                return True
            if slash < 0:
                return False
            at = slash + 1


def catalog_below(root: str, catalog: str | os.PathLike[str] | None) -> str | None:
    """The catalog's path below a root; None where it does not lie there, or is no file."""
    if catalog is None:
        return None
    below = os.path.relpath(os.path.realpath(catalog), root)
    return None if below.startswith("../") else below


def _specification(pattern: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # only volumes with rules on whole paths need it

    return GitIgnoreSpec.from_lines([pattern])
