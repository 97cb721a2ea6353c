"""How is a list of ASC MHL, and the chain that vouches for it, put down as XML? (Specification 1.0, parts 6 and 7.)

Text is made here and not by a library: a list may have a million entries, and the schema's order is the code's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.written import Creator, rfc3339
from assetwatch.checksum.manifests.xml_text import attribute, escaped
from assetwatch.paths import to_os

#: The digests that the schema allows, in its order.
ALGORITHMS = ("c4", "md5", "sha1", "xxh128", "xxh3", "xxh64")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CHAIN_END = re.compile(rb"</((?:[A-Za-z_][\w.-]*:)?)ascmhldirectory\s*>\s*\Z")
#: What a mail address must look like for the schema.
_EMAIL = re.compile(r"[^@]+@[^.]+\..+")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A `hash` element. `hashes` are (algorithm, canonical text, action); `size` in bytes, `modified` as RFC 3339."""

    path: str
    size: int
    modified: str | None
    hashes: tuple[tuple[str, str, str], ...]
    at: datetime | None
    previous: str = ""


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """A `directoryhash` element, or the `roothash` where `path` is empty; without digests where none can be given."""

    path: str
    modified: str | None
    content: Mapping[str, str]
    structure: Mapping[str, str]
    at: datetime
    previous: str = ""


def list_text(
    creator: Creator,
    created: datetime,
    process: str,
    root: FolderRecord | None,
    ignore: Iterable[str],
    records: Iterable[FileRecord | FolderRecord],
    references: Iterable[tuple[str, str]],
) -> Iterator[bytes]:
    """A whole list, piece by piece. `references` are (path of a nested history's new list, its C4)."""
    yield f'{_HEAD}<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">\n'.encode()
    yield _creator(creator, created).encode()
    patterns = "".join(f"      <pattern>{escaped(pattern)}</pattern>\n" for pattern in ignore)
    yield (
        f"  <processinfo>\n    <process>{process}</process>\n"
        + (f"    <roothash>\n{_digests(root, '      ')}    </roothash>\n" if root is not None and root.content else "")
        + (f"    <ignore>\n{patterns}    </ignore>\n" if patterns else "")
        + "  </processinfo>\n"
    ).encode()
    begun = False
    for record in records:
        if not begun:
            yield b"  <hashes>\n"
            begun = True
        yield (_file(record) if isinstance(record, FileRecord) else _folder(record)).encode()
    if begun:
        yield b"  </hashes>\n"
    named = "".join(
        f"    <hashlistreference>\n      <path>{escaped(to_os(path))}</path>\n"
        f"      <c4>{c4}</c4>\n    </hashlistreference>\n"
        for path, c4 in references
    )
    if named:
        yield f"  <references>\n{named}  </references>\n".encode()
    yield b"</hashlist>\n"


def _creator(creator: Creator, created: datetime) -> str:
    lines = [
        f"    <creationdate>{rfc3339(created)}</creationdate>",
        f"    <hostname>{escaped(creator.host)}</hostname>",
        f'    <tool version="{attribute(creator.version)}">{escaped(creator.tool)}</tool>',
    ]
    author = creator.author
    if author is not None:
        told = (("email", author.email), ("phone", author.phone), ("role", author.role))
        attributes = "".join(f' {name}="{attribute(text)}"' for name, text in told if text)
        lines.append(f"    <author{attributes}>{escaped(author.name)}</author>")
    if creator.location:
        lines.append(f"    <location>{escaped(creator.location)}</location>")
    if creator.comment:
        lines.append(f"    <comment>{escaped(creator.comment)}</comment>")
    return "  <creatorinfo>\n" + "\n".join(lines) + "\n  </creatorinfo>\n"


def is_email(text: str) -> bool:
    """Whether the schema takes a text as a mail address."""
    return bool(_EMAIL.fullmatch(text))


def _file(record: FileRecord) -> str:
    date = f' hashdate="{rfc3339(record.at, microseconds=True)}"' if record.at else ""
    hashes = "".join(
        f'      <{name} action="{action}"{date}>{text}</{name}>\n' for name, text, action in sorted(record.hashes)
    )
    when = f' lastmodificationdate="{record.modified}"' if record.modified else ""
    return (
        f'    <hash>\n      <path size="{record.size}"{when}>{escaped(to_os(record.path))}</path>\n{hashes}'
        f"{_previous(record.previous)}    </hash>\n"
    )


def _folder(record: FolderRecord) -> str:
    when = f' lastmodificationdate="{record.modified}"' if record.modified else ""
    return (
        f"    <directoryhash>\n      <path{when}>{escaped(to_os(record.path))}</path>\n{_digests(record, '      ')}"
        f"{_previous(record.previous)}    </directoryhash>\n"
    )


def _previous(path: str) -> str:
    return f"      <previousPath>{escaped(to_os(path))}</previousPath>\n" if path else ""


def _digests(record: FolderRecord, indent: str) -> str:
    date = f' hashdate="{rfc3339(record.at, microseconds=True)}"'
    parts = []
    for kind, digests in (("content", record.content), ("structure", record.structure)):
        inner = "".join(f"{indent}  <{name}{date}>{digests[name]}</{name}>\n" for name in sorted(digests))
        parts.append(f"{indent}<{kind}>\n{inner}{indent}</{kind}>\n")
    return "".join(parts)


def chain_text(before: bytes | None, path: str, number: int, name: str, c4: str) -> bytes:
    """The chain with one list more. What stood in it stays byte for byte, whoever wrote it (FIELD 1.1, #136).

    Raises ManifestFault where the end of the chain is not found, as in UTF-16.
    """
    if before is None:
        before = f'{_HEAD}<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">\n</ascmhldirectory>\n'.encode()
    end = _CHAIN_END.search(before)
    if end is None:
        raise ManifestFault(
            path,
            None,
            "the chain does not end as a chain in UTF-8 does.",
            "It cannot be continued; start a new history.",
        )
    p = end[1].decode()
    new = (
        f'  <{p}hashlist sequencenr="{number}">\n    <{p}path>{escaped(to_os(name))}</{p}path>\n'
        f"    <{p}c4>{c4}</{p}c4>\n  </{p}hashlist>\n"
    )
    return before[: end.start()] + new.encode("ascii", "xmlcharrefreplace") + before[end.start() :]
