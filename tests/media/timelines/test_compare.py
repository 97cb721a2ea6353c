"""Tests of setting two cuts side by side."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from assetwatch.media.timelines import Timeline
from assetwatch.media.timelines.compare import ChangeKind, compare
from assetwatch.media.timelines.edl import read_edl


def cut(*events: str) -> Timeline:
    return read_edl("".join(f"{n:03d} {event}\n" for n, event in enumerate(events, 1)), Fraction(24))


A = "A001 V C 10:00:00:00 10:00:02:00 01:00:00:00 01:00:02:00"
B = "B001 V C 11:00:00:00 11:00:02:00 01:00:02:00 01:00:04:00"


def test_equal_cuts_have_no_changes() -> None:
    """A cut against itself is the same throughout."""
    assert [(c.kind, c.moved_frames) for c in compare(cut(A, B), cut(A, B))] == [(ChangeKind.SAME, 0)] * 2


@pytest.mark.parametrize(
    ("codes", "kind", "head", "tail"),
    [
        ("10:00:00:00 10:00:03:00", ChangeKind.LENGTHENED, 0, 24),
        ("09:59:59:00 10:00:02:00", ChangeKind.LENGTHENED, -24, 0),
        ("10:00:00:00 10:00:01:12", ChangeKind.SHORTENED, 0, -12),
        ("10:00:00:06 10:00:02:06", ChangeKind.SLIPPED, 6, 6),
    ],
)
def test_trims_and_slips(codes: str, kind: ChangeKind, head: int, tail: int) -> None:
    """Longer or shorter at head or tail, or as long and other frames: in source frames."""
    (change,) = compare(cut(A), cut(f"A001 V C {codes} 01:00:00:00 01:00:02:00"))
    assert (change.kind, change.head_frames, change.tail_frames) == (kind, head, tail)


def test_insert_moves_what_follows() -> None:
    """An inserted event is added; what it pushed along is the same, later."""
    moved = "B001 V C 11:00:00:00 11:00:02:00 01:00:03:00 01:00:05:00"
    changes = compare(cut(A, B), cut(A, "C001 V C 12:00:00:00 12:00:01:00 01:00:02:00 01:00:03:00", moved))
    assert [c.kind for c in changes] == [ChangeKind.SAME, ChangeKind.ADDED, ChangeKind.SAME]
    assert changes[2].moved_frames == 24


def test_dropped_comes_last() -> None:
    """What the new cut no longer has stands at the end, with its old event."""
    changes = compare(cut(B, A), cut(A))
    assert [(c.kind, (c.new or c.old).reel) for c in changes if c.new or c.old] == [  # type: ignore[union-attr]
        (ChangeKind.SAME, "A001"),
        (ChangeKind.DROPPED, "B001"),
    ]


def test_the_likest_use_is_paired() -> None:
    """Of several uses of one source, each new one finds the old one whose frames it shares."""
    late = "A001 V C 10:10:00:00 10:10:02:00 01:00:04:00 01:00:06:00"
    trimmed = "A001 V C 10:10:00:00 10:10:01:00 01:00:00:00 01:00:01:00"
    changes = compare(cut(A, late), cut(trimmed))
    assert [(c.kind, c.old.source_in if c.old else None) for c in changes] == [
        (ChangeKind.SHORTENED, "10:10:00:00"),
        (ChangeKind.DROPPED, "10:00:00:00"),
    ]


def test_picture_and_sound_do_not_pair() -> None:
    """The same source on sound instead of picture is one dropped and one added."""
    changes = compare(cut(A), cut(A.replace(" V ", " A2 ")))
    assert [c.kind for c in changes] == [ChangeKind.ADDED, ChangeKind.DROPPED]


def test_retime() -> None:
    """The same frames at another speed are not the same."""
    text = f"001 {A}\n"
    (change,) = compare(read_edl(text, Fraction(24)), read_edl(text + "M2 A001 048.0 10:00:00:00\n", Fraction(24)))
    assert change.kind is ChangeKind.RETIMED


def test_two_formats_name_a_source_by_its_clip() -> None:
    """One tells a reel and no file, the other a file and no reel: the clip says that they mean the same."""
    old = cut(f"{A}\n* FROM CLIP NAME: A001C001.mov", f"{B}\n* FROM CLIP NAME: B001C001")
    events = tuple(replace(e, reel=None, file=f"/v/{e.clip}", clip=(e.clip or "").split(".")[0]) for e in old.events)
    new = replace(old, format="aaf", events=events)
    assert [change.kind for change in compare(old, new)] == [ChangeKind.SAME] * 2
    assert [change.kind for change in compare(old, replace(new, format="edl"))].count(ChangeKind.SAME) == 0
