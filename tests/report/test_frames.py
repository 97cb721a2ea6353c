"""Is there a frame of what can be shown, none of what cannot, and does no file cost more than its own picture?"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from assetwatch.clock import FakeClock, SystemClock
from assetwatch.paths import from_os
from assetwatch.report.frame_child import HEIGHT_MAX, JPEG_MAX_BYTES, NO_PICTURE, WIDTH_MAX
from assetwatch.report.frames import NO_EXTRA, Frames, Wanted, frames, may_show

Make = Callable[..., Path]

needs_av = pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV (extra `pictures`) is not installed")


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Real media, made by ffmpeg: a name, then ffmpeg's arguments after a moving test picture of 4 seconds."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("no ffmpeg: it makes the media of this test")
    folder = tmp_path_factory.mktemp("media")

    def made(name: str, *arguments: str, source: str = "testsrc2=size=640x360:rate=24:duration=4") -> Path:
        target = folder / name
        command = [program, "-v", "error", "-y", "-f", "lavfi", "-i", source, *arguments, os.fspath(target)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"this ffmpeg cannot make {name}: {done.stderr.decode(errors='replace')[:200]}")
        return target

    return made


def ask(file: Path, **more: float) -> Frames:
    """The frame of one file, with time enough on a slow machine."""
    wanted = Wanted("it", os.fspath(file.parent), from_os(file.name))
    return frames([wanted], SystemClock(), **{"seconds_each": 60, "seconds_all": 120} | more)  # type: ignore[arg-type]


def dimensions(jpeg: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, from its frame header (ITU-T T.81, B.2.2)."""
    stream = BytesIO(jpeg)
    assert stream.read(2) == b"\xff\xd8"
    while True:
        marker = stream.read(2)
        length = int.from_bytes(stream.read(2), "big")
        if marker[1] in (0xC0, 0xC1, 0xC2):
            stream.read(1)
            return int.from_bytes(stream.read(2), "big"), int.from_bytes(stream.read(2), "big")
        stream.seek(length - 2, 1)


def brightness(jpeg: bytes, at: float) -> float:
    """How bright a JPEG is, 0 to 255, in a column at this share of its width."""
    import av

    with av.open(BytesIO(jpeg)) as container:
        picture = next(container.decode(video=0)).reformat(format="gray")
    plane = picture.planes[0]
    column = int(at * (picture.width - 1))
    values = bytes(plane)
    return sum(values[row * plane.line_size + column] for row in range(picture.height)) / picture.height


@needs_av
class TestPictures:
    """What a frame looks like."""

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("prores.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuv422p10le")),
            ("proxy.mp4", ("-c:v", "libx264", "-g", "48", "-pix_fmt", "yuv420p")),
            ("dnx.mxf", ("-c:v", "dnxhd", "-b:v", "36M", "-pix_fmt", "yuv422p", "-s", "1920x1080", "-r", "25")),
            ("plate.1001.exr", ("-frames:v", "1", "-pix_fmt", "gbrpf32le")),
            ("scan.dpx", ("-frames:v", "1", "-pix_fmt", "gbrp10be")),
            ("still.tif", ("-frames:v", "1", "-pix_fmt", "rgb48le")),
            ("still.JPG", ("-frames:v", "1")),
            ("stream.ts", ("-c:v", "mpeg2video", "-f", "mpegts")),
        ],
    )
    def test_a_frame_of_everything_in_use(self, make: Make, name: str, arguments: tuple[str, ...]) -> None:
        """Films and stills give a small JPEG in the shape of the picture."""
        jpeg = ask(make(name, *arguments)).of["it"]
        assert len(jpeg) <= JPEG_MAX_BYTES
        assert dimensions(jpeg) == (134, 240)

    def test_a_busy_picture_stays_small(self, make: Make) -> None:
        """Noise, the worst there is to compress, is made coarser until it is small enough."""
        noise = make("noise.mov", "-vf", "noise=alls=100:allf=t+u", "-c:v", "prores_ks", "-t", "0.2")
        assert 0 < len(ask(noise).of["it"]) <= JPEG_MAX_BYTES

    @pytest.mark.parametrize(
        ("shape", "arguments", "expected"),
        [
            ("2048x858", (), (100, 240)),
            ("360x640", (), (160, 90)),
            ("640x480", ("-vf", "setsar=2"), (90, 240)),
            ("64x48", (), (48, 64)),
        ],
        ids=["scope", "upright", "anamorphic", "small"],
    )
    def test_it_has_the_shape_that_is_seen(
        self, make: Make, shape: str, arguments: tuple[str, ...], expected: tuple[int, int]
    ) -> None:
        """Wide, upright, squeezed by a lens (pixel aspect 2:1), and never enlarged."""
        file = make(
            f"{shape}.mov", *arguments, "-c:v", "prores_ks", "-t", "0.2", source=f"testsrc2=size={shape}:rate=24"
        )
        assert dimensions(ask(file).of["it"]) == expected
        assert expected[0] <= HEIGHT_MAX
        assert expected[1] <= WIDTH_MAX

    def test_the_slate_at_the_head_is_passed_over(self, make: Make) -> None:
        """A film whose first second is black, of ten, shows what follows."""
        arguments = ("-vf", "drawbox=t=fill:color=black:enable='lt(t,0.95)'", "-c:v", "libx264", "-g", "24")
        file = make("slate.mov", *arguments, source="color=white:size=320x180:rate=24:duration=10")
        assert brightness(ask(file).of["it"], 0.5) > 200

    def test_linear_light_is_shown_as_it_is_seen(self, make: Make) -> None:
        """18 % grey of an EXR, in the middle of a screen's range, is not nearly black."""
        linear = make("grey.exr", "-frames:v", "1", source="color=0x2e2e2e:size=320x180:rate=24:duration=1")
        assert 100 < brightness(ask(linear).of["it"], 0.5) < 140


@needs_av
class TestNothingToShow:
    """What gives no picture gives nothing else either."""

    def test_sound_and_damage(self, make: Make, tmp_path: Path) -> None:
        """A film without picture, one cut off, one of rubbish, an empty one: no frame, no error."""
        whole = make("whole.mov", "-c:v", "prores_ks", "-t", "0.5")
        contents = {"cut.mov": whole.read_bytes()[:2000], "rubbish.mxf": os.urandom(4096), "empty.mov": b""}
        for name, content in contents.items():
            (tmp_path / name).write_bytes(content)
        sound = make("sound.mov", "-vn", "-c:a", "pcm_s24le", source="sine=duration=1")
        assert [ask(file).of for file in (sound, *(tmp_path / name for name in contents))] == [{}] * 4

    def test_what_has_no_frames_is_not_even_opened(self, tmp_path: Path) -> None:
        """Lists, sound and camera raw are told by their names."""
        names = ("A001.mhl", "S001.wav", "A001_C001.R3D", "noext", "cut.edl")
        assert [may_show(name) for name in names] == [False] * len(names)
        assert may_show("A001C001_261123_R1QX.MOV")

    def test_a_list_of_other_files_reads_none_of_them(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A playlist or a concatenation that names a film, with a film's name, shows nothing of it."""
        film = make("secret.mov", "-c:v", "prores_ks", "-t", "0.2")
        monkeypatch.chdir(film.parent)
        (tmp_path / "concat.mov").write_text("ffconcat version 1.0\nfile secret.mov\n")
        (tmp_path / "list.ts").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n")
        assert ask(tmp_path / "concat.mov").of == ask(tmp_path / "list.ts").of == {}


@needs_av
class TestPlace:
    """Only the file that was named, below its root, is read."""

    def test_no_link_is_followed(self, make: Make, tmp_path: Path) -> None:
        """Neither a link to a file, nor one to a folder on the way, nor a way up."""
        film = make("inside.mov", "-c:v", "prores_ks", "-t", "0.2")
        (tmp_path / "link.mov").symlink_to(film)
        (tmp_path / "folder").symlink_to(film.parent)
        (tmp_path / "way").symlink_to(film.parent.parent)
        (tmp_path.parent / "outside.mov").write_bytes(film.read_bytes())
        paths = ("link.mov", "folder/inside.mov", f"way/{film.parent.name}/inside.mov", "../outside.mov")
        wanted = [Wanted(path, os.fspath(tmp_path), path) for path in paths]
        assert frames(wanted, SystemClock()).of == {}

    def test_a_fifo_does_not_hold_it_up(self, make: Make, tmp_path: Path) -> None:
        """A FIFO with a film's name, which nobody writes to, is passed by at once."""
        os.mkfifo(tmp_path / "pipe.mov")
        shutil.copy(make("after.mov", "-c:v", "prores_ks", "-t", "0.2"), tmp_path)
        wanted = [Wanted(name, os.fspath(tmp_path), name) for name in ("pipe.mov", "after.mov")]
        # Had it waited for the FIFO, its volume would be left alone.
        assert set(frames(wanted, SystemClock(), seconds_each=60, seconds_all=120).of) == {"after.mov"}

    def test_any_name_that_a_disk_can_hold(self, make: Make, tmp_path: Path) -> None:
        """Names that are options, addresses, several lines or no UTF-8."""
        film = make("plain.mov", "-c:v", "prores_ks", "-t", "0.2").read_bytes()
        names = [b"-i x.mov", b"http:x.mov", b"a\nb %04d.mov", b"\xff\xfe.mov", "Ünïcode ☃.mov".encode()]
        for name in names:
            Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(film)
        wanted = [Wanted(repr(name), os.fspath(tmp_path), from_os(os.fsdecode(name))) for name in names]
        assert set(frames(wanted, SystemClock(), seconds_each=60, seconds_all=300).of) == {repr(name) for name in names}

    def test_nothing_is_written(self, make: Make) -> None:
        """The file is as it was, and nothing lies beside it."""
        film = make("before.mov", "-c:v", "prores_ks", "-t", "0.2")
        beside, before, content = sorted(film.parent.iterdir()), film.stat(), film.read_bytes()
        ask(film)
        after = film.stat()
        assert (sorted(film.parent.iterdir()), film.read_bytes()) == (beside, content)
        assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)


@needs_av
class TestBounds:
    """How many, and for how long."""

    def test_no_more_than_are_wanted(self, make: Make) -> None:
        """The first ones, in the order that they are asked for."""
        film = make("one.mov", "-c:v", "prores_ks", "-t", "0.2")
        wanted = [Wanted(str(n), os.fspath(film.parent), film.name) for n in range(4)]
        assert list(frames(wanted, SystemClock(), most=2, seconds_each=60, seconds_all=300).of) == ["0", "1"]

    def test_no_time_no_frames(self, make: Make) -> None:
        """Where the time for all of them is used up nothing more is asked."""
        film = make("late.mov", "-c:v", "prores_ks", "-t", "0.2")
        assert frames([Wanted("it", os.fspath(film.parent), film.name)], FakeClock(), seconds_all=0).of == {}

    def test_a_child_that_hangs_is_ended_and_its_volume_left_alone(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that does not answer is killed; other files of that volume are not tried, those of others are."""
        film = make("good.mov", "-c:v", "prores_ks", "-t", "0.2")
        program = tmp_path / "python"
        # In the place of Python: it stands still for one root, as the kernel does over a dead file server.
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *{tmp_path}*) echo $$ >> {tmp_path}/asked; exec sleep 1000;; esac\n'
            f'exec {sys.executable} "$@"\n'
        )
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", os.fspath(program))
        wanted = [
            Wanted("hangs", os.fspath(tmp_path), "a.mov"),
            Wanted("left alone", os.fspath(tmp_path), "b.mov"),
        ]
        assert frames(wanted, SystemClock(), seconds_each=2).of == {}
        (asked,) = (tmp_path / "asked").read_text().split()
        with pytest.raises(ProcessLookupError):
            os.kill(int(asked), 0)
        good = Wanted("good", os.fspath(film.parent), film.name)
        assert set(frames([good], SystemClock(), seconds_each=60).of) == {"good"}


class TestChild:
    """The child as a program."""

    @staticmethod
    def _run(*arguments: str) -> int:
        command = [sys.executable, "-m", "assetwatch.report.frame_child", *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode

    @needs_av
    def test_a_file_that_is_gone(self, tmp_path: Path) -> None:
        """It has no picture, like any other that cannot be read."""
        assert self._run("10", os.fspath(tmp_path), "gone.mov") == NO_PICTURE

    def test_missing_extra_is_said_once(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without PyAV there are no frames but one sentence, which names the extra."""
        (tmp_path / "av.py").write_text("raise ImportError")
        monkeypatch.setattr(sys, "path", [os.fspath(tmp_path), *sys.path])
        wanted = [Wanted(str(n), os.fspath(tmp_path), f"{n}.mov") for n in range(3)]
        assert frames(wanted, SystemClock(), seconds_each=60) == Frames({}, NO_EXTRA)
        assert "assetwatch[pictures]" in NO_EXTRA
