"""Is MediaInfo asked about media, and about nothing else?"""

from __future__ import annotations

import csv
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.sniff import worth_probing

BOX = b"\0\0\0\x18"
KEY = bytes.fromhex("060e2b34020501010d010201010204")

MEDIA = {
    "a.mov": BOX + b"ftypqt  " + b"\0" * 32,
    "old.mov": b"\0\0\1\0moov" + b"\0" * 32,
    "growing.mov": BOX + b"wide" + b"\0" * 32,
    "huge.mov": b"\0\0\0\1mdat" + b"\0" * 32,
    "clip.R3D": b"\0\0\1\0RED2" + b"\0" * 32,
    "a.mxf": KEY + b"\0" * 32,
    "run-in.mxf": b"\xaa" * 900 + KEY + b"\0" * 32,
    "a.wav": b"RIFF\0\0\0\0WAVEfmt ",
    "a.WAV": b"BW64\xff\xff\xff\xffWAVEds64",
    "a.aif": b"FORM\0\0\0\0AIFFCOMM",
    "a.mkv": b"\x1a\x45\xdf\xa3" + b"\0" * 32,
    "a.dpx": b"XPDS" + b"\0" * 60,
    "a.cin": b"\x80\x2a\x5f\xd7" + b"\0" * 60,
    "a.exr": b"\x76\x2f\x31\x01\x02\0\0\0" + b"\0" * 60,
    "a.dng": b"II*\0\x08\0\0\0" + b"\0" * 60,
    "a.ari": b"ARRI" + b"\0" * 60,
    "a.j2c": b"\xff\x4f\xff\x51" + b"\0" * 60,
    "a.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 60,
    "a.ts": (b"\x47" + b"\0" * 187) * 8,
    "a.m2ts": (b"\0\0\0\0\x47" + b"\0" * 187) * 8,
    "a.dv": (b"\x1f\x07\0" + b"\0" * 77) + (b"\x3f" + b"\0" * 79),
    "a.mp3": b"\xff\xfb\x90\x64" + b"\0" * 60,
    "tagged.mp3": b"ID3\x04" + b"\0" * 60,
    "a.ac3": b"\x0b\x77" + b"\0" * 60,
    "a.264": b"\0\0\0\1\x67" + b"\0" * 60,
    "a.scc": b"Scenarist_SCC V1.0\n\n",
    "a.srt": b"\xef\xbb\xbf1\r\n00:00:01,000 --> 00:00:02,000\r\nHello\r\n",
    "wide.srt": "\ufeff1\n00:00:01,000 --> 00:00:02,000\nHello\n".encode("utf-16-le"),
    "a.vtt": b"WEBVTT\n\n",
    "a.mcc": b"File Format=MacCaption_MCC V1.0\n",
    "a.stl": b"850STL25.01" + b" " * 60,
    "imsc.xml": b'<?xml version="1.0"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en">',
}

OTHERS = {
    "notes.txt": b"Reel 1 was shot on Monday, with the second unit.",
    "a.srt": b"These are not subtitles, although the name says so.",
    "cpl.xml": b'<?xml version="1.0"?>\n<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">',
    "a.json": b'{"OTIO_SCHEMA": "Timeline.1"}',
    "a.pdf": b"%PDF-1.7\n" + b"\0" * 40,
    "a.zip": b"PK\x03\x04" + b"\0" * 40,
    "a.mhl": b'<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="2.0">',
    "nuls.mov": b"\0" * 4096,
    "text.mxf": b"This is no MXF file, whatever its name may say." * 20,
    "short.mov": b"\0\0\0",
    "empty.wav": b"",
    "sum.mp3": b"\xff\xfe1\x002\x003\x00",
    "part.mov": b"\0\0\0\x02ftyp" + b"\0" * 60,
}


@pytest.mark.parametrize("name", MEDIA)
def test_media_is_worth_it(name: str) -> None:
    """A file that begins as its format says is probed."""
    assert worth_probing(MEDIA[name], name)


@pytest.mark.parametrize("name", OTHERS)
def test_the_rest_is_not(name: str) -> None:
    """Text, documents, zeros and stumps are not probed, whatever they are called."""
    assert not worth_probing(OTHERS[name], name)


def test_a_signature_needs_no_extension() -> None:
    """What the bytes say holds for any name, also one without extension or with bytes that are no UTF-8."""
    assert worth_probing(MEDIA["a.mov"], "A001_\udcff")
    assert worth_probing(MEDIA["a.wav"], "take")


@pytest.mark.parametrize("extension", ["mov", "mp4", "mxf", "wav", "aif", "dpx", "exr", "tif", "r3d", "ts", "xml"])
def test_noise_is_not_media(extension: str) -> None:
    """Random bytes under a name of media are not probed: there is nothing in them to read."""
    noise = random.Random(20261123)
    probed = sum(worth_probing(noise.randbytes(4096), f"noise.{extension}") for _ in range(2000))
    assert probed == 0


@given(head=st.binary(max_size=600), name=st.text(max_size=20))
def test_any_bytes_get_an_answer(head: bytes, name: str) -> None:
    """No head and no name makes it fail."""
    assert worth_probing(head, name) in (True, False)


def test_everything_that_mediainfo_reads_is_probed(corpus: Path) -> None:
    """Of other people's files, each in which MediaInfo found a track is probed."""
    missed = []
    with (corpus / "06-media" / "mediainfo_facts.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = corpus / row["path"]
            if row["tracks"] and path.is_file() and path.stat().st_size:
                head = path.open("rb").read(4096)
                if not worth_probing(head, os.path.basename(row["path"])):
                    missed.append(row["path"])
    assert missed == []
