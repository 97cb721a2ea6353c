"""How are the lines of a list read, whatever its encoding and however long they are?

Sum files come as UTF-8 with and without a byte-order mark, as UTF-16 from PowerShell's redirection, with LF, CRLF
or CR, with NUL between records (`--zero`), and with names in bytes that are no UTF-8 at all.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from assetwatch.checksum.manifests.format import Finding, Report

#: Characters of one line. PATH_MAX is 4096 bytes, an escaped path twice that, a few digests on top: what is longer
#: is no line of a list, and is passed over without being held.
LONGEST_LINE = 64 * 1024
_BLOCK = 256 * 1024
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a text file from its first bytes, and the length of its byte-order mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:200]
    # ASCII text in UTF-16 has a NUL in every other byte; NUL-separated records are much further apart.
    if len(sample) >= 4 and sample[1::2].count(0) > 0.8 * len(sample[1::2]) and 0 not in sample[::2]:
        return "utf-16-le", 0
    if len(sample) >= 4 and sample[::2].count(0) > 0.8 * len(sample[::2]) and 0 not in sample[1::2]:
        return "utf-16-be", 0
    return "utf-8", 0


def separator_of(head: bytes) -> str:
    """What ends a record: LF, a bare CR, or NUL."""
    encoding, _ = encoding_of(head)
    if encoding == "utf-8" and b"\0" in head:
        return "\0"
    text = head.decode(encoding, "replace")
    return "\r" if "\r" in text and "\n" not in text else "\n"


def lines(stream: BinaryIO, file: str, report: Report, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    """The lines of a list as (1-based number, text), without their ends; empty lines are left out.

    `encoding` overrides what the first bytes say. Bytes that are no UTF-8 come as `os.fsdecode` gives them.
    A line longer than LONGEST_LINE is reported and passed over.
    """
    block = stream.read(_BLOCK)
    found, mark = encoding_of(block)
    separator = separator_of(block)
    codec = encoding or found
    if codec.lower().replace("_", "-") in ("utf-16", "utf16"):
        codec = found if found.startswith("utf-16") else "utf-16-be"
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape" if codec == "utf-8" else "replace")
    number, rest, overlong = 0, "", False
    block = block[mark:]
    while True:
        last = not block
        pieces = (rest + decoder.decode(block, last)).split(separator)
        rest = "" if last else pieces.pop()
        for piece in pieces:
            number += 1
            if overlong or len(piece) > LONGEST_LINE:
                overlong = False
                what = f"line of more than {LONGEST_LINE} characters: passed over"
                report(Finding("long-line", what, file, number, wrong=True))
                continue
            if separator == "\n" and piece.endswith("\r"):
                piece = piece[:-1]
            if piece:
                yield number, piece
        if last:
            return
        if len(rest) > LONGEST_LINE:
            rest, overlong = "", True
        block = stream.read(_BLOCK)
