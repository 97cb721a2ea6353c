"""Which cut list is this file, and what does it say?

The format is told by the content, the name only decides where the content cannot. EDL, ALE, both Final Cut XMLs and
OTIO are read here; AAF in a child. Whatever the bytes, the outcome is a Timeline or a TimelineFault.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

from assetwatch.media.timelines import xmltree
from assetwatch.media.timelines.ale import looks_like_ale, read_ale
from assetwatch.media.timelines.child import read_in_child
from assetwatch.media.timelines.edl import looks_like_edl, read_edl
from assetwatch.media.timelines.fcpxml import read_fcpxml
from assetwatch.media.timelines.otio import OtioFault, read_otio
from assetwatch.media.timelines.text import decode
from assetwatch.media.timelines.values import Timeline, TimelineFault
from assetwatch.media.timelines.xmeml import read_xmeml

#: The largest text list that is read; real ones of whole features stay below 200 MB.
TEXT_MAX_BYTES = 512 << 20

#: File name endings of cut lists. `.xml` and `.txt` may be anything else, so they are not among them.
SUFFIXES = frozenset((".edl", ".ale", ".aaf", ".fcpxml", ".fcpxmld", ".otio", ".otioz", ".otiod"))

_COMPOUND_FILE = bytes.fromhex("d0cf11e0a1b11ae1")
_DECLARATION = re.compile(r"\s*<\?xml[^>]{0,200}\?>")
_FOLDERS = {"Info.fcpxml", "content.otio"}


def read_timeline(path: str | os.PathLike[str], *, frame_rate: Fraction | None = None) -> Timeline:
    """The cut list at `path`: a file, or a `.fcpxmld` or `.otiod` folder.

    `frame_rate` is what the caller knows of the show, for an EDL, which tells none, and an ALE without FPS. Raises
    TimelineFault and nothing else: for what is no cut list, is damaged, cannot be opened, is a link or no file.
    """
    place = Path(path)
    try:
        return _read(place, frame_rate)
    except TimelineFault:
        raise
    except OSError as fault:
        raise TimelineFault(place, None, fault.strerror or str(fault)) from None
    except (ValueError, RecursionError, MemoryError) as fault:
        raise TimelineFault(place, None, f"not readable ({type(fault).__name__}: {fault})"[:300]) from None


def _read(path: Path, frame_rate: Fraction | None) -> Timeline:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        inner = next((path / name for name in sorted(_FOLDERS) if (path / name).exists()), None)
        if inner is None:
            raise TimelineFault(path, None, "a folder, and no .fcpxmld or .otiod package")
        return _read(inner, frame_rate)
    with _open(path) as file:
        head = file.read(8)
        size = os.fstat(file.fileno()).st_size
        if head == _COMPOUND_FILE:
            return read_in_child(path)
        if size > TEXT_MAX_BYTES:
            raise TimelineFault(path, None, f"{size} bytes: larger than any cut list")
        raw = head + file.read(TEXT_MAX_BYTES + 1 - len(head))
    if raw[:4] == b"PK\x03\x04":
        raw = _from_zip(path, raw)
    return read_bytes(raw, path, frame_rate=frame_rate)


def _open(path: Path) -> io.BufferedReader:
    # Non-blocking, so that a FIFO of that name cannot hold us; links are not followed out of where we were sent.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise TimelineFault(path, None, "not a regular file")
    return os.fdopen(handle, "rb")


def _from_zip(path: Path, raw: bytes) -> bytes:
    """The document of a bundle: `content.otio` of .otioz (OpenTimelineIO), `Info.fcpxml` of a zipped .fcpxmld."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as bundle:
            for entry in bundle.infolist():
                if entry.filename.rpartition("/")[2] in _FOLDERS:
                    # The size in the directory is a claim; reading is bounded whatever it says.
                    with bundle.open(entry) as held:
                        content = held.read(TEXT_MAX_BYTES + 1)
                    if len(content) > TEXT_MAX_BYTES:
                        raise TimelineFault(path, None, "larger than any cut list when unpacked")
                    return content
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as fault:
        raise TimelineFault(path, None, f"damaged bundle ({fault})") from None
    raise TimelineFault(path, None, "a ZIP file without content.otio or Info.fcpxml")


def read_bytes(raw: bytes, path: str | os.PathLike[str], *, frame_rate: Fraction | None = None) -> Timeline:
    """The cut list in `raw`, any format but AAF; `path` is for messages. TimelineFault and nothing else."""
    place = Path(path)
    if not raw.strip(b"\0 \t\r\n"):
        raise TimelineFault(place, None, "empty")
    first = decode(raw[:4096]).lstrip("\ufeff \t\r\n")[:1]
    if first == "<":
        return _read_xml(_as_utf8(raw), place)
    text = decode(raw)
    if first == "{":
        try:
            return read_otio(text)
        except OtioFault as fault:
            raise TimelineFault(place, None, str(fault)) from None
    if looks_like_ale(text):
        return read_ale(text, frame_rate)
    if looks_like_edl(text):
        return read_edl(text, frame_rate)
    if place.suffix.lower() in SUFFIXES:
        raise TimelineFault(place, None, f"the content is not that of a {place.suffix.lower()} file")
    raise TimelineFault(place, None, "not a cut list: neither EDL, ALE, FCP XML, FCPXML, OTIO nor AAF")


def _as_utf8(raw: bytes) -> bytes:
    """The document without what keeps a parser from it: blank lines before the declaration, UTF-16 without a BOM."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" not in raw[:64]:
        return raw.lstrip()
    # The declaration may name another encoding than the bytes are in.
    return _DECLARATION.sub("", decode(raw), count=1).encode("utf-8", "replace")


def _read_xml(raw: bytes, path: Path) -> Timeline:
    try:
        root = xmltree.parse(raw)
    except xmltree.XmlFault as fault:
        raise TimelineFault(path, fault.line, str(fault)) from None
    name = xmltree.tag(root)
    if name == "xmeml":
        return read_xmeml(root)
    if name == "fcpxml":
        return read_fcpxml(root)
    raise TimelineFault(path, xmltree.line(root), f"XML, but not a cut list: its root is <{name}>")
