"""How is a part of the program run as a process of its own, and spoken to?

What may die of a file, or would hold up the other threads, runs as `python -m MODULE`. One that serves for longer has
the descriptor of a socket as its argument, over which it is asked until that is closed. A child is given nothing of
the environment but what it needs, secrets least of all.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

#: Where a library of the system's own may lie, and what is for a while, is passed on; nothing else is.
_PASSED_ON: Final = ("LD_LIBRARY_PATH", "TMPDIR")

#: How long a child that was killed may take to be gone before it is left to the kernel.
END_SECONDS: Final = 2.0


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs `module` with this interpreter. It reads no user site and looks for nothing in the cwd."""
    return [sys.executable, "-P", "-s", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """A child's environment: it finds the package where this process found it, installed or not."""
    search = os.pathsep.join(os.fspath(Path(p).absolute()) for p in sys.path if p)
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONPATH": search, **passed_on}


class Child:
    """A child that serves for longer: its process, and the parent's end of the socket.

    Used by one thread; `kill` may be called from any. Raises OSError where it cannot be started.
    """

    def __init__(self, module: str) -> None:
        self.socket, theirs = socket.socketpair()
        try:
            self.process = subprocess.Popen(
                command(module, str(theirs.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env=environment(),
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()

    def kill(self) -> None:
        """End it at once; also while another thread waits for its answer, which then ends."""
        with contextlib.suppress(OSError):
            self.process.kill()

    def close(self) -> None:
        """End it and forget it. One that the kernel holds (a dead file server) is left behind."""
        self.kill()
        self.socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
