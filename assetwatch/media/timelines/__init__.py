"""What do a cut list's events and sources say? Readers of EDL, ALE, AAF, FCP 7 XML, FCPXML and OTIO.

`read_timeline` reads any of them; `to_json` gives the document that scripts rely on; `compare` sets two cuts side by
side, and `pulls` reads pull lists.
"""

from __future__ import annotations

from assetwatch.media.timelines.read import SUFFIXES, read_bytes, read_timeline
from assetwatch.media.timelines.values import Event, Range, Source, Timeline, TimelineFault
from assetwatch.media.timelines.wire import to_json

__all__ = [
    "SUFFIXES",
    "Event",
    "Range",
    "Source",
    "Timeline",
    "TimelineFault",
    "read_bytes",
    "read_timeline",
    "to_json",
]
