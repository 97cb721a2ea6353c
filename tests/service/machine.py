"""How is a machine with a systemd of its own made for one test, and thrown away?

In namespaces and on a layer in memory over this machine's root: nothing outside is changed. It is isolation for tests
and no wall: the programs inside run as this machine's root.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

SYSTEMD = "/lib/systemd/systemd"
PYTHON = "/usr/bin/python3"
PROGRAM = "/opt/assetwatch/bin/assetwatch"

#: How long a condition is waited for (seconds). None takes a tenth of it here; a busy machine may.
PATIENCE_S = 40.0

_SCRIPT = """#!/opt/assetwatch/bin/python
import sys
from assetwatch.cli.main import main
sys.exit(main())
"""


class NoMachineError(Exception):
    """None can be made here: the message says why."""


def missing() -> str | None:
    """Why no machine can be made here; None where it can be tried."""
    if os.geteuid() != 0:
        return "only root may make namespaces"
    tools = ("unshare", "nsenter", "setpriv", "pivot_root", "systemctl", "journalctl", "dbus-daemon")
    absent = [tool for tool in tools if not any(os.access(f"{d}/{tool}", os.X_OK) for d in ("/usr/bin", "/usr/sbin"))]
    absent += [tool for tool in (SYSTEMD, PYTHON) if not os.access(tool, os.X_OK)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if _cgroups() is None:
        return "no cgroup2 is mounted"
    asked = subprocess.run(
        [PYTHON, "-c", "import sys, venv; print(*sys.version_info[:2])"], capture_output=True, text=True
    )
    if asked.stdout.split() != [str(number) for number in sys.version_info[:2]]:
        return f"{PYTHON} has no venv, or is not the Python {sys.version_info[0]}.{sys.version_info[1]} of these tests"
    return None


def _cgroups() -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    return None


def make_program(folder: Path) -> None:
    """A virtual environment of the system's Python, to be shown at /opt/assetwatch; its libraries are these tests'."""
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "tests.pth").write_text("/opt/tests/project\n/opt/tests/libraries\n")
    (folder / "bin" / "assetwatch").write_text(_SCRIPT)
    (folder / "bin" / "assetwatch").chmod(0o755)


class Machine:
    """A running systemd, and the means to look at it from outside.

    `program` is what `make_program` made, or None where the test brings its own; `shown` are further folders, read-only
    at the given places; `root` is what the layer lies on.
    """

    def __init__(self, program: Path | None, shown: dict[Path, str] | None = None, root: Path = Path("/")) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="aw-boot-"))
        top = _cgroups()
        assert top is not None
        self._cgroup = top / self._folder.name
        pairs = {ROOT / "systemd": "/opt/tests/project/systemd", **(shown or {})}
        if program is not None:
            pairs[program] = "/opt/assetwatch"
            pairs[ROOT / "assetwatch"] = "/opt/tests/project/assetwatch"
            pairs[Path(sysconfig.get_path("purelib"))] = "/opt/tests/libraries"
        self._init: int | None = None
        try:
            self._cgroup.mkdir()
        except OSError as error:
            self._folder.rmdir()
            raise NoMachineError(f"no control group can be made: {error.strerror}") from error
        # The shell enters the control group, which is the root of the namespace that begins there.
        enter = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        spaces = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork", "--kill-child=KILL"]
        arguments = [str(word) for pair in pairs.items() for word in pair]
        begin = ["/bin/sh", "-c", enter, "sh", str(self._cgroup), "setpriv", "--pdeathsig", "KILL", "unshare", *spaces]
        self._outer = subprocess.Popen(
            [*begin, "/bin/sh", str(HERE / "inside.sh"), str(self._folder), str(root), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd="/",
        )
        try:
            self._boot(top)
        except BaseException:
            self.end()
            raise

    def _boot(self, top: Path) -> None:
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        outside = os.readlink("/proc/self/ns/pid")

        def booted() -> bool:
            if self._outer.poll() is not None:
                said = self._outer.stderr.read().decode(errors="replace") if self._outer.stderr else ""
                raise NoMachineError(f"no systemd could be started: {said.strip() or self._outer.returncode}")
            with contextlib.suppress(OSError, IndexError):
                child = int(children.read_text().split()[0])
                # Before that it is a shell on this machine's root.
                if os.readlink(f"/proc/{child}/ns/pid") != outside:
                    self._init = child
                    if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                        return Path(f"/proc/{child}/root/run/systemd/private").exists()
            return False

        until(booted, "systemd starts")
        with contextlib.suppress(OSError):  # no program may stay in a control group that has others below it
            (top / "cgroup.procs").write_text(str(self._outer.pid))
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        if state not in ("running", "degraded"):
            raise NoMachineError(f"systemd is {state or 'silent'}")

    # -- from outside -------------------------------------------------------------------------------------------

    def run(self, *command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program on the machine, as its root; what it wrote is in the answer."""
        assert self._init is not None
        enter = ["nsenter", "-t", str(self._init), "-m", "-u", "-i", "-n", "-p", "-C", "--wd"]
        clean = ["env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0"]
        done = subprocess.run(
            [*enter, *clean, *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S * 3,
            **options,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.journal()}"
            )
        return done

    def path(self, inside: str) -> Path:
        """A path of the machine, as it can be read and written from outside. Links lead astray."""
        return Path(f"/proc/{self._init}/root{inside}")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """A file on the machine, and its folders."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def drop_in(self, unit: str, text: str, name: str = "zz-test") -> None:
        """Change a unit as an administrator does, and have it read."""
        self.write(f"/etc/systemd/system/{unit}.d/{name}.conf", text)
        self.run("systemctl", "daemon-reload")

    def journal(self, unit: str | None = None, *options: str) -> str:
        """What was logged so far, by all or by one unit."""
        self.run("journalctl", "--sync", check=False)
        of = ["-u", unit] if unit else []
        return self.run("journalctl", "--no-pager", "-o", "cat", *of, *options, check=False).stdout

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def end(self) -> None:
        """Throw the machine away, with everything that runs on it."""
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._init, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._outer.wait(5)
        self._outer.kill()
        self._outer.wait()
        if self._outer.stderr is not None:
            self._outer.stderr.close()
        until(self._forgotten, "the control groups are empty")
        self._folder.rmdir()

    def _forgotten(self) -> bool:
        try:
            for folder, _, _ in os.walk(self._cgroup, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait until a condition holds; what it gave."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


@contextlib.contextmanager
def machine(program: Path | None, shown: dict[Path, str] | None = None, root: Path = Path("/")) -> Iterator[Machine]:
    """A machine for as long as it is needed."""
    made = Machine(program, shown, root)
    try:
        yield made
    finally:
        made.end()
