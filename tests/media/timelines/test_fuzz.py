"""Tests that no bytes make the readers fail in any way but one."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetwatch.media.timelines import TimelineFault, read_bytes, to_json
from assetwatch.media.timelines.compare import compare
from assetwatch.media.timelines.edl import read_edl
from assetwatch.media.timelines.pulls import read_pulls

EDL = b"""TITLE: R1
FCM: DROP FRAME
001  A001C001_X V     C        10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00
M2   A001C001_X       -048.0      10:00:00:00
* FROM CLIP NAME: 12A-3
002  A001C001_X V     C        10:00:02:00 10:00:02:00 01:00:02:00 01:00:02:00
002  BL       AA/V  W001 025 00:00:00:00 00:00:01:00 01:00:02:00 01:00:03:00
* TO CLIP NAME: BL
* SOURCE FILE: A001.mov
AUD  3    4
>>> SOURCE A001C001_X     A001 060a2b340101010101010f00-13-00-00-00-{53c08d51-33fd-b737-060e2b347f7f2a80}
"""
ALE = (
    b"Heading\nFIELD_DELIM\tTABS\nFPS\t23.976\n\nColumn\nName\tStart\tEnd\tTape\tTracks\tFPS\n\n"
    b"Data\na\t01:00:00:00\t01:00:02:00\tT\tVA1\t24\n"
)
XMEML = b"""<?xml version="1.0"?><!DOCTYPE xmeml><xmeml version="4"><sequence id="s"><name>R1</name>
<duration>48</duration><rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>
<timecode><string>01:00:00:00</string><frame>86400</frame></timecode><media><video><track>
<transitionitem><start>0</start><end>8</end></transitionitem>
<clipitem><name>a</name><start>-1</start><end>48</end><in>0</in><out>48</out><rate><timebase>24</timebase></rate>
<file id="f"><name>a.mov</name><pathurl>file:///a.mov</pathurl><timecode>
<rate><timebase>30</timebase><ntsc>TRUE</ntsc></rate><string>00;00;00;00</string><displayformat>DF</displayformat>
</timecode></file></clipitem></track></video></media></sequence></xmeml>"""
FCPXML = b"""<fcpxml version="1.9"><resources><format id="r1" frameDuration="1001/30000s"/>
<asset id="a" name="A" src="file:///a.mov" start="3600s" duration="10s" hasVideo="1" format="r1"/>
<media id="m"><multicam tcStart="0s"><mc-angle angleID="x"><asset-clip ref="a" offset="0s" duration="9s"/></mc-angle>
</multicam></media></resources><project name="P">
<sequence format="r1" tcFormat="DF" tcStart="3600s" duration="10s"><spine>
<mc-clip ref="m" offset="3600s" duration="5s" start="1/2s"><mc-source angleID="x"/></mc-clip>
<asset-clip ref="a" lane="1" duration="2.5s"><timeMap><timept time="0s" value="0s"/>
<timept time="1s" value="2s"/></timeMap></asset-clip></spine></sequence></project></fcpxml>"""
OTIO = b"""{"OTIO_SCHEMA": "Timeline.1", "name": "x",
"global_start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 24.0, "value": 86400},
"tracks": {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [
{"OTIO_SCHEMA": "Clip.2", "name": "a",
"source_range": {"start_time": {"rate": 24, "value": 0}, "duration": {"rate": 24, "value": 10}},
"media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "ImageSequenceReference.1", "name_prefix": "a.",
"start_frame": 1, "frame_zero_padding": 4}}}]}]}}"""

#: Bytes that mean something to one of the formats, beside any byte.
WORDS = (
    '-1 99 0 ; : / \t \n \r \0 s 1/0s 1e999 999999999999999999 < > " &#0; &lt; null [] {} NaN Inf TRUE D AX M2 '
    "KB BL TITLE: 25:61:61:99 Heading FCM:"
)
PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([word.encode() for word in WORDS.split(" ")]),
    st.sampled_from([b"\xff\xfe", b"\xef\xbb\xbf", b" "]),
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES), min_size=1, max_size=6)


def damaged(raw: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """`raw` with stretches replaced."""
    for place, length, piece in edits:
        at = int(place * len(raw))
        raw = raw[:at] + piece + raw[at + length :]
    return raw


def check(raw: bytes) -> None:
    """Reading gives a timeline that can be written and compared, or a TimelineFault."""
    try:
        timeline = read_bytes(raw, "fuzz")
    except TimelineFault:
        return
    json.dumps(to_json(timeline))
    compare(timeline, timeline)


@pytest.mark.parametrize("seed", [EDL, ALE, XMEML, FCPXML, OTIO], ids=["edl", "ale", "xmeml", "fcpxml", "otio"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
def test_damaged_lists(seed: bytes, edits: list[tuple[float, int, bytes]]) -> None:
    """A list damaged anywhere is read or refused."""
    check(damaged(seed, edits))


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    """Bytes of no format are refused, or read as what they look like."""
    check(raw)
    try:
        read_pulls(raw, "fuzz")
    except TimelineFault:
        pass


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="0123456789:; \tABCDVKWMX*.>\nTILE", max_size=400))
def test_event_like_text(text: str) -> None:
    """Text made of what events are made of ends in a timeline."""
    json.dumps(to_json(read_edl(text)))


@pytest.mark.parametrize("seed", [EDL, ALE, XMEML, FCPXML, OTIO], ids=["edl", "ale", "xmeml", "fcpxml", "otio"])
def test_undamaged_seeds_name_a_source(seed: bytes) -> None:
    """The lists that are damaged above are whole lists of their formats."""
    assert read_bytes(seed, "seed").sources
