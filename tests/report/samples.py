"""What might a report say? Made by hand: a bad night of a show, a quiet one, a first one, and one of hostile names."""

from __future__ import annotations

import itertools
import math
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from assetwatch.report.basics import Place, Severity, Some, Sum
from assetwatch.report.coordinators import Arrival, Arrivals, Day, Deliverables, Owed, Sender
from assetwatch.report.engineers import (
    BANDS,
    Band,
    Change,
    Changes,
    DaemonState,
    Listed,
    Packages,
    Point,
    Problem,
    Sweep,
    Unsent,
    VolumeState,
)
from assetwatch.report.value import Before, Difference, Headline, Need, Report

ZONE = ZoneInfo("America/Los_Angeles")
#: Tuesday, five past six in the morning in Los Angeles.
NOW = datetime(2026, 11, 24, 14, 5, tzinfo=UTC)
GB, TB = 10**9, 10**12


def local(month: int, day: int, hour: int = 18, minute: int = 0) -> datetime:
    """An instant of 2026 in the show's zone, as UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def owed(key: str, name: str, due: datetime | None, status: str = "expected", **more: Any) -> Owed:
    """A deliverable from Editorial; what is not said is as if nothing had come."""
    given: dict[str, Any] = {
        "kind": "turnover",
        "sender": "Editorial",
        "receiver": "Mix House",
        "original_due": None,
        "previous": status,
        "late": False,
        "due_soon": False,
        "arrived_late": False,
        "late_by": None,
        "arrived_at": None,
        "arrived": 0,
        "required": 4,
        "verified": 0,
    }
    return Owed(key, name, due=due, status=status, **given | more)


def some(*items: Any, total: int | None = None) -> Some[Any]:
    """All of `items`, or the first of `total`."""
    return Some(tuple(items), len(items) if total is None else total)


def _deliverables() -> Deliverables:
    sound1 = owed(
        *("R1-SOUND", "Reel 1 turnover to sound", local(11, 20), "partial"),
        late=True,
        late_by=3.5 * 86400 + 4 * 3600,
        arrived=3,
        verified=3,
        missing=some("Change list"),
        previous="partial",
    )
    plates = owed(
        *("SEQ-065", "Plates of sequence 065 to Northlight VFX", local(11, 23), "failed"),
        kind="vfx-pull",
        sender="Lab",
        receiver="Northlight VFX",
        late=True,
        late_by=12 * 3600.0,
        arrived=11,
        required=12,
        verified=9,
        previous="partial",
        changed=True,
        missing=some("NGF_065_120_PL01"),
        wrong=some(
            "NGF_065_040_PL01: frames 1017-1019 are missing of 1001-1096",
            "NGF_065_070_PL01: 4096 x 2160 expected, 3840 x 2160 found",
        ),
    )
    mix = owed(
        *("MIX-R2", "Reel 2 printmaster 5.1", local(11, 24, 12), "rejected"),
        kind="mix",
        sender="Mix House",
        receiver="Lab",
        due_soon=True,
        arrived=1,
        required=1,
        said="rejected by J. Ortega, Mon 23 Nov 16:20: two-pop missing at the head",
        previous="arrived",
        changed=True,
        verified=1,
    )
    music = owed(
        *("R2-MUSIC", "Reel 2 turnover to music", local(11, 25), "partial"),
        due_soon=True,
        receiver="Composer",
        arrived=2,
        required=3,
        verified=2,
        missing=some("Spotting notes"),
    )
    color = owed(
        *("R1-COLOR", "Reel 1 turnover to color", local(11, 25, 12)),
        due_soon=True,
        receiver="Lab",
        required=5,
        original_due=local(11, 23, 12),
        changed=True,
        missing=some("EDL", "AAF", "Offline reference", "VFX finals", "Titles"),
    )
    day22 = owed(
        *("OCF-D22", "Camera originals, day 22, main unit", local(11, 24, 4), "verified"),
        kind="ocf",
        sender="Camera",
        receiver="Lab",
        arrived=6,
        required=6,
        verified=6,
        newly_complete=True,
        previous="partial",
        changed=True,
        arrived_at=local(11, 24, 2, 12),
    )
    stems = owed(
        *("STEMS-R1", "Reel 1 stems", local(11, 22), "arrived"),
        kind="mix",
        sender="Mix House",
        receiver="Lab",
        arrived=8,
        required=8,
        verified=0,
        newly_complete=True,
        arrived_late=True,
        late_by=22 * 3600.0,
        arrived_at=local(11, 23, 16),
        previous="partial",
        changed=True,
    )
    rest = [
        owed("OCF-D21", "Camera originals, day 21, main unit", local(11, 21, 4), "accepted", sender="Camera",
             arrived=5, required=5, verified=5, arrived_at=local(11, 20, 23)),
        owed("DLY-D21", "Dailies of day 21", local(11, 21, 12), "verified", sender="Lab",
             arrived=41, required=41, verified=41, arrived_at=local(11, 21, 9)),
        owed("DLY-D22", "Dailies of day 22", local(11, 26, 12), "partial", sender="Lab",
             arrived=12, required=38, verified=12, new=True),
        owed("R3-SOUND", "Reel 3 turnover to sound", local(12, 1)),
        owed("R3-MUSIC", "Reel 3 turnover to music", local(12, 2), receiver="Composer"),
        owed("VFX-065-V1", "Sequence 065, first comps", local(12, 4), sender="Northlight VFX", receiver="Editorial"),
        owed("R2-COLOR", "Reel 2 turnover to color", local(12, 8), receiver="Lab"),
        owed("TITLES", "Main titles, textless and texted", local(12, 11), sender="Titlehouse", receiver="Lab"),
        owed("TRAILER", "Trailer, first cut", None, "waived", receiver="Studio", said="waived by the studio, 12 Nov"),
    ]  # fmt: skip
    every = [plates, sound1, mix, color, music, day22, stems, *rest]
    return Deliverables(
        every=some(*every),
        late=some(plates, sound1),
        failing=some(plates, mix),
        due_soon=some(mix, color, music),
        newly_complete=some(day22, stems),
        new=some(rest[2]),
        changed=some(plates, mix, color, day22, stems),
        gone=some("R9-TEST"),
        by_status={
            "failed": 1,
            "rejected": 1,
            "partial": 3,
            "expected": 6,
            "arrived": 1,
            "verified": 2,
            "accepted": 1,
            "waived": 1,
        },
        compared=True,
    )


def arrival(path: str, files: int, size: int, **more: Any) -> Arrival:
    """Files that came into a folder of `ingest` during the night."""
    given: dict[str, Any] = {
        "senders": ("Camera",),
        "reel": None,
        "first": local(11, 23, 19),
        "last": local(11, 24, 1, 40),
        "by_integrity": {"verified": files},
    }
    return Arrival(Place("ingest", path), files=files, size=size, **given | more)


def _arrivals() -> Arrivals:
    a14 = arrival(
        *("D22/A014R1QX", 48, 1_412 * GB),
        reel="A014R1QX",
        by_integrity={"verified": 47, "mismatch": 1},
        pictures=tuple(Place("ingest", f"D22/A014R1QX/A014C00{n}_261123_R1QX.mov") for n in (1, 4, 7)),
    )
    b11 = arrival(
        *("D22/B011R2QX", 31, 903 * GB),
        reel="B011R2QX",
        pictures=tuple(Place("ingest", f"D22/B011R2QX/B011C00{n}_261123_R2QX.mov") for n in (2, 3)),
    )
    s22 = arrival("D22/S022", 64, 38 * GB, reel="S022")
    plates = arrival(
        *("VFX/065/NGF_065_040_PL01", 93, 4_700 * 10**6),
        senders=("Lab",),
        by_integrity={"verified": 61, "recorded": 32},
        first=local(11, 23, 14),
        last=local(11, 23, 14, 50),
        pictures=(Place("ingest", "VFX/065/NGF_065_040_PL01/NGF_065_040_PL01.1001.exr"),),
    )
    stems = arrival("MIX/R1/STEMS", 8, 9_200 * 10**6, senders=("Mix House",), by_integrity={"recorded": 8})
    stray = arrival(
        *("INCOMING/to sort", 3, 740 * 10**6),
        senders=(),
        by_integrity={"pending": 2, "recorded": 1},
        arriving=2,
        pictures=(Place("ingest", "INCOMING/to sort/untitled export 2.mov"),),
    )
    senders = (
        Sender("Camera", 143, 2_353 * GB, some(a14, b11, s22)),
        Sender("Mix House", 8, 9_200 * 10**6, some(stems)),
        Sender("Lab", 93, 4_700 * 10**6, some(plates)),
        Sender("", 3, 740 * 10**6, some(stray)),
    )
    return Arrivals(sum(one.files for one in senders), sum(one.size for one in senders), senders)


def _days() -> tuple[Day, ...]:
    terabytes = [1.9, 2.2, 0.1, 0, 2.4, 2.1, 1.7, 2.6, 2.2, 0.2, 0, 2.0, 2.37, 0.7]
    files = [140, 171, 12, 0, 166, 150, 121, 190, 158, 20, 0, 149, 214, 52]
    first = date(2026, 11, 11)
    return tuple(
        Day(first + timedelta(days=n), count, int(size * TB))
        for n, (count, size) in enumerate(zip(files, terabytes, strict=True))
    )


def history(total: float, used: float, a_day: float, days: int = 60) -> tuple[Point, ...]:
    """A volume that filled up at an even pace, somewhat jagged."""
    points = []
    for n in range(days + 1):
        at_that_time = used - a_day * (days - n) + math.sin(n) * a_day
        points.append(Point(NOW - timedelta(days=days - n), int(total), int(total - at_that_time), int(at_that_time)))
    return tuple(points)


def volume(name: str, total: float, used: float, a_day: float, **more: Any) -> VolumeState:
    """A volume that is online and watched."""
    left = (total - used) / a_day if a_day > 0 else None
    given: dict[str, Any] = {
        "project": None,
        "online": True,
        "reason": None,
        "watching": "native",
        "file_system": "xfs",
        "files": 41_873,
        "size": int(used * 0.93),
        "arriving": 0,
        "missing": 0,
        "overflows": 0,
        "last_event": NOW - timedelta(minutes=4),
        "last_scan": NOW - timedelta(minutes=11),
        "total": int(total),
        "free": int(total - used),
        "history": history(total, used, a_day),
        "growth": a_day,
        "days_left": left,
        "full_on": None if left is None or left > 10**5 else NOW + timedelta(days=left),
    }
    return VolumeState(name, f"/mnt/{name}", **given | more)


def _sweep() -> Sweep:
    return Sweep(
        run=412,
        started=local(11, 24, 0, 5),
        finished=local(11, 24, 5, 58),
        recent=True,
        complete=False,
        ended_by="budget",
        checked=18_204,
        verified=18_199,
        mismatch=1,
        missing=3,
        unreadable=1,
        misread=2,
        not_checked=52_611,
        reasons=(
            ("budget", "left for the next sweep: this one's budget was spent", 43_020),
            ("recent", "checked recently enough", 9_100),
            ("offline", "on a volume that is not there", 489),
            ("being_written", "open for writing", 2),
        ),
        size=9_812 * GB,
        size_total=61_400 * GB,
        seconds=21_180,
        pace=463_000_000,
        pace_a_day=int(9.6 * TB),
        oldest_check=local(10, 9, 3, 30),
        all_by=local(11, 30, 6),
        warnings=("volume archive is offline, not checked: another file system is mounted there",),
        problems=some(
            Problem(Place("ingest", "D22/A014R1QX/A014C003_261123_R1QX.mov"), "mismatch", "differs from the MHL"),
            Problem(Place("ingest", "D12/B003R2QX/B003C011_261107_R2QX.mov"), "unreadable", "Input/output error"),
            Problem(Place("ingest", "D09/A005R1QX/A005C002_261103_R1QX.mov"), "misread", "right at a second reading"),
        ),
    )


def _changes() -> Changes:
    return Changes(
        counts=(
            ("mismatch", "found to differ from what was sent or recorded", 1),
            ("unreadable", "could not be read", 1),
            ("missing", "gone", 3),
            ("superseded", "superseded by a newer version of the same thing", 6),
            ("moved", "moved or renamed", 12),
            ("back", "there again", 4),
        ),
        worst=some(
            Change(local(11, 24, 3, 12), "mismatch", Place("ingest", "D22/A014R1QX/A014C003_261123_R1QX.mov"),
                   "md5 in the MHL 5f1c...90, on disk 77ab...02"),
            Change(local(11, 24, 4, 40), "unreadable", Place("ingest", "D12/B003R2QX/B003C011_261107_R2QX.mov"),
                   "Input/output error at byte 8,120,172,544"),
            Change(local(11, 23, 22, 1), "missing", Place("sound", "R1/guide/R1_guide_v003.wav")),
            total=5,
        ),
    )  # fmt: skip


def _needs() -> Some[Need]:
    mismatch = "A014C003_261123_R1QX.mov differs from the checksum that Camera sent"
    return some(
        Need(Severity.WRONG, "mismatch", mismatch, "ingest:D22/A014R1QX",
             "Do not wipe card A014. Copy the clip again from the card, then the roll is compared by itself.",
             local(11, 24, 3, 12), "OCF-D22", ("Camera", "Lab"), "ingest"),
        Need(Severity.WRONG, "unreadable", "B003C011_261107_R2QX.mov cannot be read: Input/output error",
             "ingest:D12/B003R2QX", "Restore it from the backup and have the disk looked at.", local(11, 24, 4, 40),
             volume="ingest"),
        Need(Severity.WRONG, "offline", "Volume archive is not there: another file system is mounted there", "archive",
             "Mount the right disk. Nothing is concluded of its files until then.", local(11, 23, 17, 30),
             volume="archive"),
        Need(Severity.WRONG, "failed", "Plates of sequence 065: frames are missing and one plate has the wrong raster",
             "SEQ-065", "Ask Lab for 1017-1019 of 065_040 and for 065_070 in 4096 x 2160.", local(11, 23, 18),
             "SEQ-065", ("Lab", "Northlight VFX")),
        Need(Severity.WRONG, "late", "Reel 1 turnover to sound is 3 days late: the change list is missing", "R1-SOUND",
             "Ask Editorial for the change list.", local(11, 20), "R1-SOUND", ("Editorial", "Mix House")),
        Need(Severity.ATTENTION, "full", "Volume ingest will be full in 6 days", "ingest",
             "Move finished days to the archive, or add space.", None, volume="ingest"),
        Need(Severity.ATTENTION, "packages", "Card B011: 2 of the 33 files in its MHL have not come",
             "ingest:D22/B011R2QX", "Ask Camera whether the copy went through.", local(11, 24, 1, 40), volume="ingest"),
        Need(Severity.ATTENTION, "unsent", "The last report did not reach post@example: connection refused", "mail",
             "Look at the mail server; it is tried again every hour.", local(11, 23, 14, 10)),
    )  # fmt: skip


def night() -> Report:
    """A bad night: something of everything."""
    sizes = {"day": 9.8, "week": 14.2, "month": 22.5, "quarter": 11.3, "older": 0, "arrival": 3.1, "failed": 0.04}
    return Report(
        project="NIGHTFALL",
        zone=ZONE,
        zone_name="America/Los_Angeles",
        since=NOW - timedelta(days=1),
        until=NOW,
        made=NOW + timedelta(minutes=1),
        version="0.9.0",
        host="post-store-1",
        run=413,
        headline=Headline(
            Severity.WRONG,
            "1 mismatch, 3 missing, 1 volume offline, 1 failed, 2 late",
            (
                *(("mismatch", 1), ("missing", 3), ("unreadable", 1), ("offline", 1), ("failed", 1), ("rejected", 1)),
                *(("late", 2), ("packages", 2), ("unsent", 1), ("due_soon", 3), ("complete", 2), ("arrived", 247)),
            ),
        ),
        needs=_needs(),
        faults=("the sweep did not get to volume archive",),
        deliverables=_deliverables(),
        arrivals=_arrivals(),
        days=_days(),
        by_presence={
            "present": Sum(70_421, 61_400 * GB),
            "arriving": Sum(2, 300 * 10**6),
            "missing": Sum(3, 2 * GB),
            "offline": Sum(489, 4_100 * GB),
        },
        by_integrity={
            "verified": Sum(66_021, 58_100 * GB),
            "recorded": Sum(4_889, 7_300 * GB),
            "pending": Sum(3, 300 * 10**6),
            "mismatch": Sum(1, 31 * GB),
            "unreadable": Sum(1, 29 * GB),
        },
        problems=some(
            Problem(Place("ingest", "D22/A014R1QX/A014C003_261123_R1QX.mov"), "mismatch", "differs from the MHL"),
            Problem(Place("sound", "R1/guide/R1_guide_v001.wav"), "missing"),
            Problem(Place("sound", "R1/guide/R1_guide_v002.wav"), "missing"),
            Problem(Place("sound", "R1/guide/R1_guide_v003.wav"), "missing"),
            Problem(Place("ingest", "D12/B003R2QX/B003C011_261107_R2QX.mov"), "unreadable", "Input/output error"),
        ),
        acknowledged={"missing": 4, "mismatch": 1},
        sweep=_sweep(),
        changes=_changes(),
        packages=Packages(
            total=31,
            complete=29,
            wrong=some(Listed(Place("ingest", "D22/A014R1QX"), 48, 48, 0, "1 of 48 files differs", ("A014C003: md5",))),
            incomplete=some(Listed(Place("ingest", "D22/B011R2QX"), 33, 31, 2, "2 of 33 files are still to come", ())),
            unlisted=some(Place("ingest", "INCOMING/to sort")),
        ),
        volumes=(
            volume(
                *("ingest", 72 * TB, 62.1 * TB, 1.65 * TB),
                history=history(72 * TB, 62.1 * TB, 1.65 * TB, days=30),
                arriving=2,
                ignored=some((".DS_Store", 212), ("._*", 198), ("*.tmp", 4)),
            ),
            volume("sound", 12 * TB, 3.4 * TB, 0.02 * TB, files=18_040, missing=3, overflows=1, watching="poll"),
            volume(
                *("archive", 40 * TB, 31 * TB, 0),
                online=False,
                reason="another file system is mounted there",
                watching=None,
                files=489,
                growth=None,
                days_left=None,
                full_on=None,
                last_scan=NOW - timedelta(hours=21),
            ),
        ),
        bands=tuple(
            Band(key, label, int(sizes.get(key, 0) * 700), int(sizes.get(key, 0) * TB)) for key, label, _ in BANDS
        ),
        daemon=DaemonState(
            running=True,
            host="post-store-1",
            version="0.9.0",
            started=local(11, 23, 22, 14),
            heard=NOW - timedelta(seconds=20),
            starts=2,
            crashes=1,
            overflows=1,
            probe_failures=(("timed_out", 2), ("crashed", 1)),
        ),
        unsent=some(Unsent("mail", "report", local(11, 23, 6, 10), 9, "connection refused by mail.example:587", False)),
        counts={"files": 70_915, "size": 65_500 * GB, "mismatch": 1, "missing": 3, "late": 2, "failing": 2},
        before=Before(
            run=398,
            made=NOW - timedelta(days=1),
            severity=Severity.ATTENTION,
            sentence="2 late, 1 volume nearly full",
            differences=(
                Difference("files", "Files", 70_668, 70_915),
                Difference("size", "Bytes", 63_132 * GB, 65_500 * GB, is_size=True),
                Difference("verified", "Verified", 65_802, 66_021, worse=False),
                Difference("mismatch", "Mismatch", 0, 1, worse=True),
                Difference("missing", "Missing", 0, 3, worse=True),
                Difference("late", "Late", 2, 2, worse=True),
                Difference("failing", "Failed or rejected", 0, 2, worse=True),
            ),
        ),
    )


def quiet() -> Report:
    """A night in which all is well."""
    bad = night()
    assert bad.sweep is not None
    done = [one for one in bad.deliverables.every.first if one.closed]
    return replace(
        bad,
        headline=Headline(Severity.OK, "all is well, 143 files arrived", (("arrived", 143),)),
        needs=Some(),
        faults=(),
        deliverables=Deliverables(
            every=some(*done), by_status={"arrived": 1, "verified": 2, "accepted": 1, "waived": 1}, compared=True
        ),
        arrivals=Arrivals(143, 2_353 * GB, bad.arrivals.senders[:1]),
        problems=Some(),
        acknowledged={},
        sweep=replace(
            bad.sweep,
            complete=True,
            ended_by="done",
            mismatch=0,
            missing=0,
            unreadable=0,
            misread=0,
            verified=18_204,
            warnings=(),
            problems=Some(),
            not_checked=0,
            reasons=(),
        ),
        changes=Changes(),
        packages=Packages(29, 29),
        volumes=(bad.volumes[1],),
        unsent=Some(),
        daemon=replace(bad.daemon, starts=0, crashes=0, overflows=0, probe_failures=()),
    )


def first() -> Report:
    """The first report of a show of which nothing is known yet."""
    return replace(
        quiet(),
        project="",
        headline=Headline(Severity.OK, "nothing in care yet"),
        deliverables=Deliverables(),
        arrivals=Arrivals(),
        days=(),
        by_presence={},
        by_integrity={},
        sweep=None,
        packages=Packages(),
        volumes=(),
        bands=tuple(Band(key, label, 0, 0) for key, label, _ in BANDS),
        daemon=DaemonState(),
        counts={},
        before=None,
    )


#: What a name may hold that would mean something to a browser, a terminal or a reader.
HOSTILE = (
    "<script>alert(1)</script>",
    "\"onload=alert(1) x='",
    "</style></svg></title><img src=http://evil.example/x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "two\nlines\r\tand a bell \x07",
    "moc.\u202egpj\u202c.exe",
    "]]><!-- -->&lt;b&gt;&#60;i&#62;",
    "javascript:alert(1)",
    "//FF//FE not UTF-8",
    "url(http://evil.example/a.png)",
)


def hostile(length: int = 0, *, source: Report | None = None) -> Report:
    """The bad night with a hostile text in the place of every text, and longer than `length` characters."""
    texts = itertools.cycle(HOSTILE)
    words = {"status", "previous", "state", "key", "version", "zone_name", "kind", "ended_by"}

    def poison(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Severity):
            one = next(texts)
            return one * (1 + length // len(one))
        if isinstance(value, tuple):
            return tuple(poison(one) for one in value)
        if is_dataclass(value) and not isinstance(value, type):
            kept = {one.name: getattr(value, one.name) for one in fields(value)}
            changed = {name: one if name in words else poison(one) for name, one in kept.items()}
            return replace(value, **changed)
        return value

    result = poison(source or night())
    assert isinstance(result, Report)
    return result
