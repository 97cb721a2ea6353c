"""What is a cut list as values: its events, and the sources that it names?

Plain frozen values, shared by every reader. Timecodes are kept as text, as the list writes them, because the text is
what an editor searches for; `tc` turns them into frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from assetwatch.errors import AssetwatchError


class TimelineFault(AssetwatchError):
    """A file that arrived but cannot be read as a cut list. `line` is None where the format has no lines.

    Exit code 2: what the command was given is wrong, nothing of the installation is.
    """

    exit_code = 2

    def __init__(self, file: str | Path, line: int | None, what: str) -> None:
        self.file = str(file)
        self.line = line
        self.what = what
        super().__init__(f"{self.file}:{line}: {what}" if line else f"{self.file}: {what}")


@dataclass(frozen=True, slots=True)
class Event:
    """One use of one source in the cut, or one clip of a log (ALE) that has no record side.

    Source and record timecodes are labels; `out` is the frame after the last one shown, as in every edit list.
    """

    number: str | None = None  #: as written, with its zeros
    tracks: tuple[str, ...] = ()  #: V, V2, A1 ...
    kind: str = "cut"  #: cut, dissolve, wipe or key
    reel: str | None = None
    clip: str | None = None
    file: str | None = None  #: name or path of the source file, URL escapes undone
    source_in: str | None = None
    source_out: str | None = None
    record_in: str | None = None
    record_out: str | None = None
    speed: Fraction | None = None  #: 1 is as shot, negative is reverse, 0 a freeze; None where nothing is said
    umid: str | None = None
    comments: tuple[str, ...] = ()
    line: int | None = None
    base: int | None = None  #: frames a second of the source timecodes; None: not known
    drop: bool = False  #: source timecodes count drop-frame although they may be written with colons
    transition_frames: int = 0  #: a dissolve or wipe into this event
    transition_before: int = 0  #: frames of it that lie before the event's own in: a format that cuts in its middle
    enabled: bool = True  #: False: in the file, but not shown (muted clip, inactive angle, other pick of an audition)
    generated: bool = False  #: black, bars, slug, title, matte: nothing that could arrive as a file
    url: str | None = None  #: the location exactly as written, where the format has one
    files: tuple[str, ...] = ()  #: every file that holds this source, e.g. original and Avid media
    embedded: bool = False  #: the media lies inside the list itself (AAF)


@dataclass(frozen=True, slots=True)
class Range:
    """One stretch of a source that the cut uses, and the event that uses it."""

    event: str | None
    line: int | None
    source_in: str | None
    source_out: str | None
    record_in: str | None
    record_out: str | None
    tail_frames: int  #: frames past `source_out` that the transition to the next event still shows
    head_frames: int = 0  #: frames before `source_in` that the transition from the event before shows already


@dataclass(frozen=True, slots=True)
class Source:
    """One distinct source, by reel, clip and file, with everything that the cut uses of it."""

    reel: str | None
    clip: str | None
    file: str | None
    source_in: str | None  #: the earliest used frame
    source_out: str | None  #: the frame after the last used one
    tracks: tuple[str, ...]
    ranges: tuple[Range, ...]
    umid: str | None
    url: str | None
    files: tuple[str, ...]
    base: int | None
    used: bool  #: False: named in the file, but the cut shows nothing of it
    embedded: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """A cut list. `duration_frames` counts record frames at `base`; both are None where the list does not tell."""

    format: str  #: edl, ale, xmeml, fcpxml, otio or aaf
    name: str | None
    frame_rate: Fraction | None
    start: str | None  #: record timecode of the first frame
    duration_frames: int | None
    events: tuple[Event, ...]
    sources: tuple[Source, ...]
    warnings: tuple[str, ...]
    base: int | None = None  #: frames a second that record timecodes count; known for an EDL whose rate is not
    drop: bool = False
