"""What do the elements of a reel look like, made by real tools: picture, cut, sound, plates, packages?

Every reel runs for 48 frames at 24 frames a second from the hour of its number, unless a test wants it wrong.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import wave
from pathlib import Path

from tests.shots import ffmpeg

RATE = 24
FRAMES = 48


def movie(
    path: Path, reel: int, *, frames: int = FRAMES, rate: int = RATE, codec: str = "prores_ks", mark: int = 0
) -> None:
    """A picture with timecode; `mark` makes its bytes differ from another one's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    more = ("-profile:v", "0") if codec == "prores_ks" else ("-pix_fmt", "yuv420p")
    ffmpeg(
        *("-f", "lavfi", "-i", f"color=c=0x{mark * 16:02x}4080:size=64x64:rate={rate}", "-frames:v", str(frames)),
        *("-c:v", codec, *more, "-timecode", f"{reel:02}:00:00:00", str(path)),
    )


def sound(path: Path, *, seconds: int = 2, rate: int = 48000, mark: int = 0) -> None:
    """A mono stem of 24 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(3)
        out.setframerate(rate)
        out.writeframes(bytes([mark]) + bytes(rate * 3 * seconds - 1))


def edl(path: Path, reel: int, *, frames: int = FRAMES, version: int = 1) -> None:
    """A cut of two clips of the reel's own camera roll."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = frames // 2
    lines = [f"TITLE: R{reel}_V{version:03}", "FCM: NON-DROP FRAME", ""]
    for number, (first, last) in enumerate(((0, half), (half, frames)), 1):
        clip = clip_name(reel, number)
        source = (timecode(10, 0), timecode(10, last - first))
        record = (timecode(reel, first), timecode(reel, last))
        lines.append(f"{number:03}  {clip[:8]} V     C        {' '.join((*source, *record))}")
        lines.append(f"* FROM CLIP NAME: {clip}.mov")
    path.write_text("\n".join([*lines, ""]))


def timecode(hour: int, frames: int) -> str:
    """A timecode so many frames after the hour."""
    return f"{hour:02}:00:{frames // RATE:02}:{frames % RATE:02}"


def clip_name(reel: int, number: int) -> str:
    """A clip of the camera roll that a reel was cut from."""
    return f"A{reel:03}C{number:03}_261102_R1JL"


def aaf(path: Path, reel: int, *, frames: int = FRAMES) -> None:
    """A composition as long as the picture, of one clip."""
    import aaf2

    path.parent.mkdir(parents=True, exist_ok=True)
    with aaf2.open(str(path), "w") as file:
        tape = file.create.SourceMob(clip_name(reel, 1)[:8])
        slot, _ = tape.create_tape_slots(clip_name(reel, 1)[:8], RATE, RATE, media_kind="picture")
        slot.segment.length = 1_000_000
        master = file.create.MasterMob(clip_name(reel, 1))
        held = file.create.TimelineMobSlot(1, edit_rate=RATE)
        clip = file.create.SourceClip(media_kind="picture")
        clip.mob, clip.slot_id, clip.start, clip.length = tape, slot.slot_id, 0, 100_000
        held.segment = clip
        master.slots.append(held)
        cut = file.create.CompositionMob(f"R{reel}")
        cut.usage = "Usage_TopLevel"
        start = cut.create_timeline_slot(RATE)
        start.segment = file.create.Timecode(RATE, drop=False)
        start.segment.start = reel * 3600 * RATE
        start.segment.length = frames
        sequence = file.create.Sequence(media_kind="picture")
        sequence.components.append(master.create_source_clip(slot_id=1, start=0, length=frames))
        picture = cut.create_timeline_slot(RATE)
        picture.segment = sequence
        file.content.mobs.extend((tape, master, cut))


def plates(
    folder: Path, name: str, first: int = 1001, last: int = 1006, *, size: str = "64x64", gap: int | None = None
) -> None:
    """EXR frames; `gap` is one that is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = folder / f"{name}.%04d.exr"
    ffmpeg(
        *("-f", "lavfi", "-i", f"testsrc=size={size}:rate=24", "-frames:v", str(last - first + 1)),
        *("-start_number", str(first), str(pattern)),
    )
    if gap is not None:
        (folder / f"{name}.{gap:04}.exr").unlink()


def captions(path: Path, end: str = "00:00:01,900") -> None:
    """A subtitle file with one subtitle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"1\n00:00:00,100 --> {end}\nHello\n")


def card(folder: Path, reel: int, *, without: int | None = None, flipped: int | None = None) -> None:
    """A camera card of two clips with its sender's list; one clip may be left out or differ from the list."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in (1, 2):
        name = f"{clip_name(reel, number)}.mov"
        content = f"footage {name}".encode()
        lines.append(f"{hashlib.md5(content).hexdigest()}  {name}")
        if number != without:
            (folder / name).write_bytes(content[::-1] if number == flipped else content)
        elif (folder / name).exists():
            (folder / name).unlink()
    (folder / "card.md5").write_text("\n".join([*lines, ""]))


def package(folder: Path, title: str, *, without: bool = False, flipped: bool = False) -> None:
    """A digital cinema package as far as its lists go: asset map, packing list, and one track file."""
    folder.mkdir(parents=True, exist_ok=True)
    track = f"picture of {title}".encode() * 100
    digest = base64.b64encode(hashlib.sha1(track).digest()).decode()
    if not without:
        (folder / "picture.mxf").write_bytes(track[::-1] if flipped else track)
    ids = [f"urn:uuid:00000000-0000-4000-8000-{hashlib.md5((title + part).encode()).hexdigest()[:12]}" for part in "ab"]
    pkl = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<PackingList xmlns="http://www.smpte-ra.org/schemas/429-8/2007/PKL">'
        f"<Id>{ids[0]}</Id><AnnotationText>{title}</AnnotationText><IssueDate>2026-11-01T00:00:00+00:00</IssueDate>"
        f"<Issuer>Lab</Issuer><Creator>Lab</Creator><AssetList><Asset><Id>{ids[1]}</Id><Hash>{digest}</Hash>"
        f"<Size>{len(track)}</Size><Type>application/mxf</Type></Asset></AssetList></PackingList>"
    )
    (folder / "PKL.xml").write_text(pkl)
    (folder / "ASSETMAP.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM">'
        f"<Id>{ids[0]}</Id><Creator>Lab</Creator><VolumeCount>1</VolumeCount><IssueDate>2026-11-01T00:00:00+00:00</IssueDate>"
        f"<Issuer>Lab</Issuer><AssetList><Asset><Id>{ids[0]}</Id><PackingList>true</PackingList><ChunkList><Chunk>"
        f"<Path>PKL.xml</Path></Chunk></ChunkList></Asset><Asset><Id>{ids[1]}</Id><ChunkList><Chunk>"
        "<Path>picture.mxf</Path></Chunk></ChunkList></Asset></AssetList></AssetMap>"
    )


def again(old: Path, new: Path) -> None:
    """The same bytes under another name."""
    new.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(old, new)
