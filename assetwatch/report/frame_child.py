"""What does one frame of a film or still look like, as a small JPEG? (The child that may die of the file.)

`python -m assetwatch.report.frame_child SECONDS ROOT PATH` opens the file at PATH below ROOT, follows no link on the
way, and writes a JPEG to standard output. It ends with one of the codes below; what it says is nobody's to read.

FFmpeg's libraries decode files that strangers sent. Memory, processor time and files written are limited, only
formats that hold their pictures themselves are opened, and nothing but the one file is ever read.
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import stat
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from assetwatch.ingest.listing import open_folder
from assetwatch.paths import from_os, split, to_os

#: How the child ends: a picture was written; there is none to be had of this file; PyAV is not installed.
PICTURE: Final = 0
NO_PICTURE: Final = 3
NO_LIBRARY: Final = 4

WIDTH_MAX: Final = 240
HEIGHT_MAX: Final = 160
JPEG_MAX_BYTES: Final = 12_000

#: An 8K frame in floating point is half a gigabyte, and the decoder holds a second one.
_MEMORY_MAX_BYTES: Final = 3 << 30
#: FFmpeg's names. No playlist and no concatenation: those name other files, and would read them.
_FORMATS: Final = ",".join(
    (
        *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "mxf", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "gxf"),
        *("exr_pipe", "dpx_pipe", "tiff_pipe", "jpeg_pipe", "png_pipe", "j2k_pipe", "webp_pipe"),
    )
)
#: The share of a film that is passed over: bars, slate and black lie at its head.
_INTO: Final = 0.1
#: A picture of fewer pixels shows nothing: test charts, icons.
_LEAST: Final = 16
#: mjpeg's quantizer, from fine to coarse; the first that gives a small enough picture is taken.
_QUANTIZERS: Final = (4, 6, 9, 13, 19, 31)
#: Packets without a frame after which a film is given up.
_PACKETS_MAX: Final = 400
_OPEN: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class _Bytes:
    """An open file as PyAV wants it, without the name by which it would guess what is in it."""

    def __init__(self, file: io.FileIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def main(arguments: list[str]) -> int:
    """Write the picture of the file that the arguments name; the code to end with."""
    seconds, root, path = arguments
    _limit(int(seconds))
    try:
        import av
    except ImportError:
        return NO_LIBRARY
    try:
        with _opened(root, path) as file:
            jpeg = picture(av, file)
    except (OSError, MemoryError, ValueError, ArithmeticError, av.FFmpegError):
        return NO_PICTURE
    if jpeg is None:
        return NO_PICTURE
    sys.stdout.buffer.write(jpeg)
    sys.stdout.buffer.flush()
    return PICTURE


def picture(av: Any, file: io.FileIO) -> bytes | None:
    """A frame of the open file as JPEG of at most `JPEG_MAX_BYTES`; None where there is none.

    `av` is the library. Raises its errors, and OSError.
    """
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none"}
    with av.open(_Bytes(file), options=options) as container:
        stream = next((one for one in container.streams.video if one.codec_context is not None), None)
        if stream is None:
            return None
        codec = stream.codec_context
        codec.thread_count = 1
        if codec.name == "exr":
            # EXR is linear light: shown as it is, all but the lamps would be black.
            codec.options = {"apply_trc": "iec61966_2_1"}
        frame = _frame(container, stream)
        if frame is None or min(frame.width, frame.height) < _LEAST:
            return None
        width, height = _fit(frame.width, frame.height, float(stream.sample_aspect_ratio or 1))
        small = frame.reformat(
            width=width, height=height, format="yuvj420p", dst_color_range="JPEG", interpolation="AREA"
        )
        small.pts = None
    return next((jpeg for jpeg in _jpegs(av, small) if len(jpeg) <= JPEG_MAX_BYTES), None)


def _frame(container: Any, stream: Any) -> Any:
    """The key frame nearest before a tenth of the film; its first frame where it cannot be wound to."""
    length = container.duration or 0
    if length > 0:
        with contextlib.suppress(OSError, ValueError):
            container.seek((container.start_time or 0) + int(length * _INTO))
            stream.codec_context.skip_frame = "NONKEY"
            if (found := _next(container, stream)) is not None:
                return found
        container.seek(container.start_time or 0)
        stream.codec_context.skip_frame = "DEFAULT"
    return _next(container, stream)


def _next(container: Any, stream: Any) -> Any:
    """The next frame that can be decoded, past packets that cannot."""
    for count, packet in enumerate(container.demux(stream)):
        if count > _PACKETS_MAX:
            break
        with contextlib.suppress(ValueError, OSError):
            for frame in packet.decode():
                return frame
    return None


def _fit(width: int, height: int, pixel_aspect: float) -> tuple[int, int]:
    """The size of the picture: within the bounds, as wide as it is meant to be seen, both even."""
    wide = width * (pixel_aspect if 0.1 < pixel_aspect < 10 else 1)
    scale = min(WIDTH_MAX / wide, HEIGHT_MAX / height, 1)
    return max(2, int(wide * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _jpegs(av: Any, frame: Any) -> Iterator[bytes]:
    """The frame as JPEG, coarser each time."""
    for quantizer in _QUANTIZERS:
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, frame.format.name
        encoder.time_base = Fraction(1, 25)
        encoder.options = {"qmin": str(quantizer), "qmax": str(quantizer), "huffman": "optimal"}
        yield b"".join(bytes(packet) for turn in (frame, None) for packet in encoder.encode(turn))


@contextlib.contextmanager
def _opened(root: str, path: str) -> Iterator[io.FileIO]:
    """The regular file at `path` (as the kernel takes it) below `root`. Raises OSError."""
    if {"", ".", ".."} & set(path.split("/")):
        raise OSError("not a path below its root")
    folder, name = split(from_os(path))
    with open_folder(root, folder, wary=True) as inside:
        fd = os.open(to_os(name), _OPEN, dir_fd=inside)
    with io.FileIO(fd) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError("not a regular file")
        yield file


def _limit(seconds: int) -> None:
    """Bound what a damaged file can take: memory, processor time, cores and files on disk."""
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, _MEMORY_MAX_BYTES),
        (resource.RLIMIT_CPU, seconds),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
