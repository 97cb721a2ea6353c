"""What do sound recorders write, and is all of it found?"""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetwatch.media.wave import read_wave

IXML = """<?xml version="1.0" encoding="UTF-8"?>
<BWFXML>
  <IXML_VERSION>1.61</IXML_VERSION>
  <PROJECT>NIGHTFALL</PROJECT><SCENE>12A</SCENE><TAKE>3</TAKE><TAPE>S004</TAPE>
  <CIRCLED>TRUE</CIRCLED><NOTE>plane overhead</NOTE>
  <SPEED>
    <TIMECODE_RATE>30000/1001</TIMECODE_RATE><TIMECODE_FLAG>DF</TIMECODE_FLAG>
    <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>1</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>
    <TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>5</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>
    <TIMESTAMP_SAMPLE_RATE>48048</TIMESTAMP_SAMPLE_RATE>
  </SPEED>
  <TRACK_LIST>
    <TRACK_COUNT>2</TRACK_COUNT>
    <TRACK><CHANNEL_INDEX>1</CHANNEL_INDEX><NAME>Boom</NAME><FUNCTION>M</FUNCTION></TRACK>
    <TRACK><CHANNEL_INDEX>2</CHANNEL_INDEX><NAME>Jana</NAME></TRACK>
  </TRACK_LIST>
  <FILE_SET><TOTAL_FILES>2</TOTAL_FILES><FAMILY_UID>FAM1</FAMILY_UID><FILE_SET_INDEX>B</FILE_SET_INDEX></FILE_SET>
</BWFXML>
"""


def read(raw: bytes) -> dict[str, Any] | None:
    return read_wave(lambda offset, length: raw[offset : offset + length])


def test_ixml_is_read(sound: Any) -> None:
    """Scene, take, roll, speed, tracks and the set of files of one take."""
    facts = read(sound.wave(sound.chunk(b"iXML", IXML.encode())))
    assert facts == {
        "project": "NIGHTFALL",
        "scene": "12A",
        "take": "3",
        "tape": "S004",
        "circled": True,
        "note": "plane overhead",
        "timecode_rate": "30000/1001",
        "timecode_drop": True,
        "time_reference": (1 << 32) + 5,
        "timestamp_rate": 48048,
        "sound_tracks": [
            {"channel": 1, "name": "Boom", "function": "M"},
            {"channel": 2, "name": "Jana", "function": None},
        ],
        "family": "FAM1",
        "family_index": "B",
        "family_total": 2,
    }


def test_bext_is_read_and_wins_over_ixml(sound: Any) -> None:
    """Start, origin and UMID come from `bext`: an editor that trims a take rewrites that and leaves iXML alone."""
    umid = bytes(range(1, 33))
    facts = read(
        sound.wave(
            sound.bext(description=b"Take one", originator=b"MixPre", since_midnight=172_800_000, umid=umid),
            sound.chunk(b"iXML", IXML.encode()),
        )
    )
    assert facts is not None
    assert facts["time_reference"] == 172_800_000
    assert facts["description"] == "Take one"
    assert facts["originator"] == "MixPre"
    assert facts["originator_reference"] == "REF-1"
    assert facts["originated"] == "2026-11-23 09:00:00"
    assert facts["umid"] == umid.hex()


def test_a_description_of_key_and_value_is_read(sound: Any) -> None:
    """Recorders without iXML put the same words into the description, each with a letter of their own before it."""
    said = b"zSPEED=029.97-DF\r\nzSCENE=44\r\nzTAKE=7\r\nzTAPE=S1\r\nzTRK2=Lav\r\nzNOTE=\r\n"
    facts = read(sound.wave(sound.bext(description=said)))
    assert facts is not None
    assert (facts["scene"], facts["take"], facts["tape"]) == ("44", "7", "S1")
    assert (facts["timecode_rate"], facts["timecode_drop"]) == ("30000/1001", True)
    assert facts["sound_tracks"] == [{"channel": 2, "name": "Lav", "function": None}]
    assert "note" not in facts


def test_chunks_behind_four_gigabytes_are_found(sound: Any) -> None:
    """In RF64 and BW64 the size of `data` stands in `ds64`, and what follows it is found by that."""
    big = 5 << 30
    ixml = sound.chunk(b"iXML", IXML.encode())
    ds64 = sound.chunk(b"ds64", struct.pack("<QQQI", big + 1000, big, big // 3, 0))
    head = b"BW64\xff\xff\xff\xffWAVE" + ds64 + b"data\xff\xff\xff\xff"

    def sparse(offset: int, length: int) -> bytes:
        end = len(head) + big
        if offset < len(head):
            return head[offset : offset + length]
        return ixml[offset - end : offset - end + length] if offset >= end else bytes(length)

    facts = read_wave(sparse)
    assert facts is not None
    assert facts["scene"] == "12A"


@pytest.mark.parametrize(
    "xml",
    [
        IXML.replace("plane overhead", "caf\xe9").encode("latin-1"),
        IXML.encode() + b"\0" * 100,
        IXML.replace("plane overhead", "bell \x07").encode(),
    ],
    ids=["wrong encoding", "padded", "control character"],
)
def test_careless_xml_is_read(sound: Any, xml: bytes) -> None:
    """Letters of another code page than the declared one, padding and control characters lose nothing else."""
    facts = read(sound.wave(sound.chunk(b"iXML", xml)))
    assert facts is not None
    assert facts["scene"] == "12A"


def test_entities_are_not_expanded(sound: Any) -> None:
    """iXML that declares entities says nothing."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><BWFXML><SCENE>&b;</SCENE></BWFXML>'
    facts = read(sound.wave(sound.chunk(b"iXML", bomb)))
    assert facts == {"timestamp_rate": 48000}


def test_what_is_no_wave_file_says_nothing() -> None:
    """None for another format, for AVI in RIFF, and for a stump."""
    assert read(b"FORM\0\0\0\0AIFF") is None
    assert read(b"RIFF\0\0\0\0AVI ") is None
    assert read(b"RIFF") is None


@given(tail=st.binary(max_size=400), form=st.sampled_from([b"RIFF", b"RF64", b"BW64"]))
def test_no_bytes_make_it_fail(tail: bytes, form: bytes) -> None:
    """Whatever follows the head, the outcome is facts."""
    assert isinstance(read(form + b"\0\0\0\0WAVE" + tail), dict)


@given(st.data())
def test_no_damage_makes_it_fail(data: st.DataObject) -> None:
    """A file with any of its bytes changed or its end missing is read as far as that goes."""
    body = b"bext" + struct.pack("<I", 602) + bytes(602) + b"iXML" + struct.pack("<I", len(IXML)) + IXML.encode()
    raw = bytearray(b"RIFF\0\0\0\0WAVE" + body)
    for _ in range(data.draw(st.integers(0, 8))):
        raw[data.draw(st.integers(12, len(raw) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(read(bytes(raw[: data.draw(st.integers(12, len(raw)))])), dict)


def test_a_chain_of_empty_chunks_ends() -> None:
    """A file of nothing but empty chunks is left after a bounded number of them."""
    reads = 0

    def endless(offset: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        return b"RIFF\0\0\0\0WAVE" if offset == 0 else b"junk\0\0\0\0"[:length]

    assert read_wave(endless) == {}
    assert reads < 2000


def test_the_same_as_another_reader(corpus: Path) -> None:
    """Other people's recordings say to us what they say to a reader of the same chunks."""
    compared = 0
    with (corpus / "06-media" / "wavinfo_facts.tsv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = corpus / "06-media" / row["path"]
            if row["result"] != "ok" or not path.is_file():
                continue
            facts = read(path.read_bytes())
            assert facts is not None
            ours = {
                "bext_originator": facts.get("originator", ""),
                "bext_originator_ref": facts.get("originator_reference", ""),
                "bext_time_reference": str(facts.get("time_reference", "")),
                "ixml_project": facts.get("project", ""),
                "ixml_scene": facts.get("scene", ""),
                "ixml_take": facts.get("take", ""),
                "ixml_tape": facts.get("tape", ""),
            }
            assert ours == {name: row[name] or "" for name in ours}, path.name
            compared += 1
    assert compared > 5
