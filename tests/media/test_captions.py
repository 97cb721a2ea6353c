"""Is the span of captions read in each format, and nothing out of what is none?"""

from __future__ import annotations

from fractions import Fraction

import pytest

from assetwatch.media.captions import span_of

SRT = b"""1
00:00:01,500 --> 00:00:03,000
One

2
01:10:02,000 --> 01:10:04,250
Two
"""
VTT = b"WEBVTT\n\n00:01.500 --> 00:03.000 align:start\nOne\n\n10:02.000 --> 10:04.250\nTwo\n"
SCC = b"Scenarist_SCC V1.0\n\n01:00:01:15\t9420 9420\n\n01:10:04:00\t942c 942c\n"
DROP = b"Scenarist_SCC V1.0\n\n01:00:00;00\t9420\n\n01:01:00;02\t942c\n"
MCC = b"File Format=MacCaption_MCC V1.0\nTime Code Rate=24\n\n01:00:01:12\tT52S\n01:10:04:00\tT52S\n"
TTML = b"""<?xml version="1.0"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
 ttp:frameRate="24" ttp:tickRate="1000">
<body begin="00:00:10.000"><div>
<p begin="00:00:01:12" end="00:00:03:00">One</p><p begin="2000t" dur="1.5s">Two</p><p>No time</p>
</div></body></tt>"""


def stl(*times: tuple[int, int, int, int, int, int, int, int], comment: int = 0) -> bytes:
    head = b"850STL25.01".ljust(1024, b"\0")
    return head + b"".join((bytes(5) + bytes(one) + bytes(2) + bytes([comment]) + bytes(112)) for one in times)


@pytest.mark.parametrize(
    ("name", "raw", "begin", "end"),
    [
        ("a.srt", SRT, "3/2", "16817/4"),
        ("a.srt", SRT.decode().encode("utf-16"), "3/2", "16817/4"),
        ("a.vtt", VTT, "3/2", "2417/4"),
        ("a.scc", SCC, "7203/2", "4204"),
        ("a.scc", DROP, "107892/30", "109692/30"),
        ("a.mcc", MCC, "7203/2", "4204"),
        ("a.ttml", TTML, "23/2", "27/2"),
        ("a.stl", stl((10, 0, 1, 5, 10, 0, 3, 0), (10, 0, 4, 0, 10, 0, 6, 5)), "180006/5", "180031/5"),
    ],
)
def test_the_span_of_captions(name: str, raw: bytes, begin: str, end: str) -> None:
    """From the first to the last caption, exact, on the file's own clock."""
    span = span_of(raw, name)
    assert span is not None
    assert (span.begin, span.end) == (Fraction(begin), Fraction(end))


@pytest.mark.parametrize("name", ["a.srt", "a.vtt", "a.scc", "a.mcc", "a.ttml", "a.stl", "a.cap"])
@pytest.mark.parametrize(
    "raw", [b"", b"<tt/>", b"99:99:99:99\t", b"\xff\xfe\x00", stl((1, 2, 3, 4, 5, 6, 7, 8), comment=1)]
)
def test_what_has_no_captions(name: str, raw: bytes) -> None:
    """No time that can be read is no span, and never an error."""
    assert span_of(raw, name) is None
