"""How is a Media Hash List 1.1 written? (MediaHashList_v1_1.xsd.)"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from assetwatch.checksum.manifests.mhl import Mhl
from assetwatch.checksum.manifests.outcome import Findings
from assetwatch.checksum.manifests.reading import Read
from assetwatch.checksum.manifests.take import Item, KnownDigests, Meter, take_all
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.write_sums import put_list, rules
from assetwatch.checksum.manifests.written import Creator, Written, alone, modified, rfc3339, stamped
from assetwatch.checksum.manifests.xml_text import escaped, why_not_xml
from assetwatch.clock import Clock
from assetwatch.errors import UsageError
from assetwatch.paths import to_os

DEFAULT_ALGORITHM = "xxh64"
#: Algorithm -> element. The deprecated little-endian `xxhash64` is not written.
ELEMENTS = {"md5": "md5", "sha1": "sha1", "xxh32": "xxhash", "xxh64": "xxhash64be"}


def write_mhl(
    tree: DiskTree,
    *,
    read: Read,
    clock: Clock,
    creator: Creator,
    algorithms: Sequence[str] = (DEFAULT_ALGORITHM,),
    ignore: Sequence[str] = (),
    known: KnownDigests | None = None,
    meter: Meter | None = None,
) -> Written:
    """Write a list of all files below the tree's root into it, named after the folder and the time.

    An empty file gets its true size of 0, although the schema takes positive sizes only. Raises UsageError for an
    algorithm that the schema does not have or a folder without files, ManifestFault where the disk does not take it.
    """
    for name in algorithms:
        if name not in ELEMENTS:
            raise UsageError(f"MHL 1.1 has no {name}: it takes {', '.join(ELEMENTS)}. ASC MHL takes others.")
    started = clock.now()
    findings = Findings()
    with alone(tree.root):
        names = tuple(dict.fromkeys(algorithms))
        items = take_all(
            tree,
            names,
            read,
            clock,
            findings.report,
            ignored=rules(ignore),
            unfit=why_not_xml,
            known=known,
            meter=meter,
        )
        pieces = _text(creator, started, clock.now(), names, items)
        label = tree.label() if not why_not_xml(tree.label()) else "root"
        return put_list(tree, Mhl.name, stamped(label or "root", started, "mhl"), pieces, items, findings)


def _text(
    creator: Creator, started: datetime, finished: datetime, names: Sequence[str], items: Iterable[Item]
) -> Iterator[bytes]:
    who = creator.author.name if creator.author is not None else ""
    reused = sum(item.taken.reused for item in items)
    remarks = [creator.location, creator.comment]
    if reused:
        remarks.append(f"{reused} files were not read for this list: their digests are those of the catalog.")
    log = " ".join(remark for remark in remarks if remark)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<hashlist version="1.1">',
        "  <creatorinfo>",
        *([f"    <name>{escaped(who)}</name>"] if who else []),
        f"    <username>{escaped(creator.user)}</username>",
        f"    <hostname>{escaped(creator.host)}</hostname>",
        f"    <tool>{escaped(f'{creator.tool} {creator.version}'.strip())}</tool>",
        f"    <startdate>{_date(started)}</startdate>",
        f"    <finishdate>{_date(finished)}</finishdate>",
        *([f"    <log>{escaped(log)}</log>"] if log else []),
        "  </creatorinfo>",
    ]
    yield ("\n".join(lines) + "\n").encode()
    for item in items:
        digests = "".join(
            f"    <{ELEMENTS[name]}>{_value(name, item.taken.digests[name])}</{ELEMENTS[name]}>\n" for name in names
        )
        yield (
            f"  <hash>\n    <file>{escaped(to_os(item.path))}</file>\n    <size>{item.listed.size}</size>\n"
            f"    <lastmodificationdate>{_utc(modified(item.listed.seen) or rfc3339(started))}</lastmodificationdate>\n"
            f"{digests}    <hashdate>{_date(item.taken.at or started)}</hashdate>\n  </hash>\n"
        ).encode()
    yield b"</hashlist>\n"


def _value(name: str, text: str) -> str:
    """The canonical text of a digest as its element has it: XXH32 is a decimal number."""
    return str(int(text, 16)) if name == "xxh32" else text


def _date(instant: datetime) -> str:
    return _utc(rfc3339(instant))


def _utc(text: str) -> str:
    """Dates of MHL 1.x end in `Z`."""
    return text.replace("+00:00", "Z")
