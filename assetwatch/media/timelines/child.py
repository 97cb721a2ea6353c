"""How is a file read by a library that a damaged file can crash, hang or swell?

In a process of its own, that may die: bounded in time, in memory and in processor seconds, without core dumps, its
answer one JSON document on its standard output. `python -m assetwatch.media.timelines.child FILE` is that process.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from assetwatch.child import command, environment
from assetwatch.media.timelines.values import Timeline, TimelineFault
from assetwatch.media.timelines.wire import pack, unpack

TIME_MAX_SECONDS = 120.0
MEMORY_MAX_BYTES = 2 << 30

_FAULT = 3
_MISSING = 4


def read_in_child(path: Path, *, seconds: float = TIME_MAX_SECONDS, memory_bytes: int = MEMORY_MAX_BYTES) -> Timeline:
    """The cut in the AAF file at `path`, read in a child. TimelineFault for whatever goes wrong with it or the child.

    The optional library being absent is said in the message.
    """
    where = os.fspath(path.absolute())
    try:
        done = subprocess.run(
            command("assetwatch.media.timelines.child", where, str(memory_bytes), str(int(seconds) + 1)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimelineFault(path, None, f"reading it took more than {seconds:g} seconds") from None
    except (OSError, ValueError) as fault:
        raise TimelineFault(path, None, f"the reader could not be started: {fault}") from None
    if done.returncode == 0:
        try:
            return unpack(json.loads(done.stdout))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise TimelineFault(path, None, "the reader gave no answer") from None
    if done.returncode == _MISSING:
        raise TimelineFault(path, None, "reading AAF needs the extra 'timelines': pip install 'assetwatch[timelines]'")
    if done.returncode == _FAULT:
        raise TimelineFault(path, None, done.stdout.decode("utf-8", "replace").strip() or "damaged")
    raise TimelineFault(path, None, f"the reader died of it ({_ended(done.returncode)})")


def _ended(code: int) -> str:
    if code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit {code}"


def _limit(memory_bytes: int, seconds: int) -> None:
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


def main(arguments: list[str]) -> int:
    """The child: read the file named first, under the limits that follow; answer on standard output."""
    path, memory_bytes, seconds = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    _limit(memory_bytes, seconds)
    from assetwatch.media.timelines import aaf

    try:
        answer = json.dumps(pack(aaf.read_aaf(path)))
    except ImportError:
        return _MISSING
    except aaf.AafFault as fault:
        sys.stdout.write(str(fault).encode("utf-8", "replace").decode())
        return _FAULT
    except (MemoryError, RecursionError) as fault:
        sys.stdout.write(f"too large or too deep to read ({type(fault).__name__})")
        return _FAULT
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
