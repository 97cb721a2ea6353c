"""Tests of telling cut lists apart, and of the one way in which reading fails."""

from __future__ import annotations

import json
import os
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest

from assetwatch.errors import AssetwatchError
from assetwatch.media.timelines import TimelineFault, read_bytes, read_timeline, to_json
from assetwatch.media.timelines.wire import pack, unpack

EDL = "TITLE: Größe\r\n001  A001     V     C        10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00\r\n"
FCPXML = '<fcpxml version="1.9"><resources><asset id="a" name="A" src="file:///a.mov"/></resources></fcpxml>'
OTIO = '{"OTIO_SCHEMA": "Timeline.1", "name": "R1", "tracks": {"OTIO_SCHEMA": "Stack.1", "children": []}}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings(encoding: str) -> None:
    """A list is read in each encoding that programs write, with its name intact."""
    timeline = read_bytes(EDL.encode(encoding), "r1.edl")
    assert (timeline.name, timeline.events[0].reel) == ("Größe", "A001")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_xml_encodings(encoding: str) -> None:
    """XML is read with a blank line before its declaration, and in UTF-16 without a BOM whatever it declares."""
    blank = "" if encoding in ("utf-8-sig", "utf-16") else "\n"
    declared = "UTF-16" if encoding == "utf-16" else "UTF-8"
    text = f'{blank}<?xml version="1.0" encoding="{declared}"?>{FCPXML.replace(">", " >", 1)}'
    assert read_bytes(text.encode(encoding), "a.fcpxml").sources[0].clip == "A"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends(ends: str) -> None:
    """Unix, Windows and old Mac line ends count lines alike."""
    assert read_bytes(EDL.replace("\r\n", ends).encode(), "r1.edl").events[0].line == 2


def test_content_tells_the_format() -> None:
    """The name on the file does not decide what it is."""
    assert read_bytes(FCPXML.encode(), "wrong.edl").format == "fcpxml"
    assert read_bytes(EDL.encode(), "wrong.aaf").format == "edl"
    assert read_bytes(OTIO.encode(), "wrong.xml").format == "otio"


def test_bundles(tmp_path: Path) -> None:
    """.fcpxmld and .otiod folders and an .otioz archive are read through to their document."""
    for name, inner, content in (("a.fcpxmld", "Info.fcpxml", FCPXML), ("b.otiod", "content.otio", OTIO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / inner).write_text(content)
        assert read_timeline(tmp_path / name).format == inner.rpartition(".")[2]
    with zipfile.ZipFile(tmp_path / "c.otioz", "w") as bundle:
        bundle.writestr("content.otio", OTIO)
    assert read_timeline(tmp_path / "c.otioz").name == "R1"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\0" * 100, "empty"),
        (b"Dear all,\nhere is the cut.\n", "not a cut list"),
        (b"<hashlist/>", "root is <hashlist>"),
        (b"<xmeml>", "XML|tag|end"),
        (b"PK\x03\x04rubbish", "ZIP|bundle"),
        (b'{"a": 1}', "OTIO_SCHEMA"),
        (bytes(range(128, 192)), "not a cut list"),
    ],
)
def test_what_is_no_cut_list(raw: bytes, reason: str, tmp_path: Path) -> None:
    """Other content is a fault that names the file and the reason."""
    path = tmp_path / "delivery.bin"
    path.write_bytes(raw)
    with pytest.raises(TimelineFault, match=reason) as caught:
        read_timeline(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, AssetwatchError)
    assert caught.value.exit_code == 2


BOMB = '<!DOCTYPE fcpxml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><fcpxml version="1.9"><x>&b;</x></fcpxml>'


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("&b;</x>", "</x>"),
        '<!DOCTYPE fcpxml [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><fcpxml/>',
        '<!DOCTYPE fcpxml [<!ENTITY f SYSTEM "file:///etc/hostname">]><fcpxml><a>&f;</a></fcpxml>',
        "<fcpxml>" * 100_000,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_and_depth_are_refused(text: str, encoding: str) -> None:
    """A document that declares an entity, used or not, or is nested without end, is refused."""
    with pytest.raises(TimelineFault):
        read_bytes(text.encode(encoding), "bomb.fcpxml")


@pytest.mark.parametrize("doctype", ["<!DOCTYPE fcpxml>", '<!DOCTYPE fcpxml SYSTEM "FCPXMLv1_9.dtd">'])
def test_a_bare_doctype_is_fine(doctype: str) -> None:
    """What every real file has is accepted, and no DTD is fetched."""
    assert read_bytes((doctype + FCPXML).encode(), "a.fcpxml").sources[0].clip == "A"


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    """A missing file, a folder, a FIFO and a link are faults; none of them holds us."""
    os.mkfifo(tmp_path / "fifo.edl")
    (tmp_path / "real.edl").write_text(EDL)
    (tmp_path / "link.edl").symlink_to("real.edl")
    for name in ("gone.edl", "fifo.edl", "link.edl", "."):
        with pytest.raises(TimelineFault):
            read_timeline(tmp_path / name)


def test_json_is_the_contract() -> None:
    """The document has the agreed keys, and survives JSON."""
    document = json.loads(json.dumps(to_json(read_bytes(EDL.encode(), "r1.edl", frame_rate=Fraction(24000, 1001)))))
    assert {key: document[key] for key in ("format", "name", "frame_rate", "start", "duration", "warnings")} == {
        "format": "edl",
        "name": "Größe",
        "frame_rate": "24000/1001",
        "start": "01:00:00:00",
        "duration": 48,
        "warnings": [],
    }
    (source,) = document["sources"]
    assert {key: source[key] for key in ("reel", "clip", "file", "in", "out", "tracks")} == {
        "reel": "A001",
        "clip": None,
        "file": None,
        "in": "10:00:00:00",
        "out": "10:00:02:00",
        "tracks": ["V"],
    }


def test_wire_is_exact() -> None:
    """What goes through the child's JSON comes out equal."""
    timeline = read_bytes(
        (EDL + "M2   A001       047.6      10:00:00:00\r\n* FROM CLIP NAME: x\r\n").encode(),
        "a",
        frame_rate=Fraction(24),
    )
    assert timeline.events[0].speed is not None
    assert unpack(json.loads(json.dumps(pack(timeline)))) == timeline
