"""How is a sum file written, so that md5sum, sha256sum, xxhsum or b3sum checks it with `-c`?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.ignore import DEFAULT, Ignore
from assetwatch.checksum.manifests.outcome import Findings
from assetwatch.checksum.manifests.reading import Read
from assetwatch.checksum.manifests.sums import SumFile
from assetwatch.checksum.manifests.take import Item, KnownDigests, Meter, take_all
from assetwatch.checksum.manifests.tree import DiskTree
from assetwatch.checksum.manifests.written import Written, alone, put, stamped
from assetwatch.clock import Clock
from assetwatch.errors import UsageError
from assetwatch.paths import to_os

#: The algorithms for which there is a tool that checks such a list; the list's name ends in the algorithm's.
ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "xxh32", "xxh64", "xxh128", "xxh3", "blake3")


def rules(ignore: Iterable[str]) -> Callable[[str], bool]:
    """What is not listed where a list has no patterns of its own: what systems leave behind, and `ignore`."""
    return Ignore((*DEFAULT, *ignore)).passes_over


def put_list(
    tree: DiskTree, format_: str, name: str, pieces: Iterable[bytes], items: Sequence[Item], findings: Findings
) -> Written:
    """Put one list into the tree's root; what came of it. Raises UsageError, ManifestFault."""
    if not items:
        raise UsageError(f"{tree.root}: there is no file in it that could be listed.")
    try:
        put(tree.root, name, pieces)
    except OSError as error:
        advice = "Look at its permissions and at the room left."
        raise ManifestFault(name, None, f"cannot be written: {error.strerror or error}.", advice) from None
    reused = sum(item.taken.reused for item in items)
    size = sum(item.listed.size for item in items)
    count = len(items)
    return Written(format_, [name], count, size, original=count, reused=reused, findings=findings.all())


def write_sums(
    tree: DiskTree,
    *,
    read: Read,
    clock: Clock,
    algorithm: str,
    ignore: Sequence[str] = (),
    known: KnownDigests | None = None,
    meter: Meter | None = None,
) -> Written:
    """Write a list of all files below the tree's root into it, named after the folder, the time and the algorithm.

    Names keep their bytes, whatever they are. Raises as `put_list` does.
    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"no tool checks a sum file of {algorithm}: expected one of {', '.join(ALGORITHMS)}.")
    if algorithm == "blake3" and known is not None:
        raise UsageError("b3sum reads no remark that files were not read for the list: leave out --trust-catalog.")
    started = clock.now()
    findings = Findings()
    with alone(tree.root):
        items = take_all(
            tree, (algorithm,), read, clock, findings.report, ignored=rules(ignore), known=known, meter=meter
        )
        label = os.fsdecode(os.fsencode(to_os(tree.label() or "root")).decode("utf-8", "replace").encode())
        name = stamped(label, started, algorithm)
        return put_list(tree, SumFile.name, name, _lines(algorithm, items), items, findings)


def _lines(algorithm: str, items: Sequence[Item]) -> Iterator[bytes]:
    reused = sum(item.taken.reused for item in items)
    if reused:
        # md5sum and its kin, and xxhsum, pass over lines that begin with `#`; b3sum does not.
        yield f"# {reused} of {len(items)} files were not read for this list: digests from the catalog\n".encode()
    for item in items:
        yield _line(algorithm, item.taken.digests[algorithm], os.fsencode(to_os(item.path)))


def _line(algorithm: str, text: str, name: bytes) -> bytes:
    """`digest  name`; a backslash before it says that the name is escaped (coreutils, "md5sum invocation")."""
    broken = b"\n" in name or b"\r" in name
    lead = b""
    # Up to 0.8.1 xxhsum knows no escapes: a name that can do without them is written without.
    if broken or (b"\\" in name and not algorithm.startswith("xxh")):
        name = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
        lead = b"\\"
    if algorithm == "xxh3":
        # Its 16 digits are told from those of XXH64 by the name alone, and xxhsum of any age reads this form.
        return b"%bXXH3 (%b) = %b\n" % (lead, name, text.encode())
    return b"%b%b  %b\n" % (lead, text.encode(), name)
