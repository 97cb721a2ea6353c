"""What does MediaInfo say of the files that come through this socket? (The child that may die of them.)

`python -m assetwatch.media.probe_child FD` serves one parent over the socket FD until that is closed. A question is a
length (4 bytes, network order), JSON of that length, and the open file as SCM_RIGHTS; an answer two lengths, JSON,
and MediaInfo's own text. The first answer comes unasked: the library's version, or why there is none.

The library has crashed, hung and swollen on damaged files; here that costs one file. Memory, processor time and core
dumps are limited, nothing can be written, and a parent that is gone ends the child.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any, Final

QUESTION: Final = struct.Struct("!I")
ANSWER: Final = struct.Struct("!II")

#: Beyond it an allocation fails, and with it the probe. Ordinary probes stay below 100 MB.
MEMORY_MAX_BYTES: Final = 2 << 30

#: MediaInfo's text of a file is thousands of bytes; of a file made to make it swell it is not kept.
RAW_MAX_BYTES: Final = 4 << 20

_PIECE_BYTES: Final = 64 * 1024
_LEAST_BYTES: Final = 512


def main(arguments: list[str]) -> int:
    """Serve the parent on the socket whose descriptor is the first argument."""
    _limit()
    with socket.socket(fileno=int(arguments[0])) as parent:
        try:
            # A file object, not a path: no merging of sequences, no look at the files beside it, any name.
            from pymediainfo import MediaInfo

            version = json.loads(MediaInfo.parse(io.BytesIO(b""), output="JSON"))["creatingLibrary"]["version"]
        except Exception as fault:  # whatever stands in the way of the library, the parent is told
            _send(parent, {"fault": f"{type(fault).__name__}: {fault}"[:500]})
            return 1
        _send(parent, {"version": version})
        # What lives by now lives as long as the process: no need to look through it after each file.
        gc.freeze()
        while (question := _receive(parent)) is not None:
            asked, fd = question
            _limit_cpu(asked["seconds"])
            reply, raw = _probe(MediaInfo, fd)
            _send(parent, reply, raw)
    return 0


def _probe(library: Any, fd: int) -> tuple[dict[str, Any], str]:
    """Status, facts and reason of the file, and MediaInfo's text."""
    from assetwatch.media.facts import is_media, normalize
    from assetwatch.media.headers import read_header

    with open(fd, "rb", buffering=0) as file:
        try:
            # Of a file that is given in one piece, MediaInfo leaves out what it would have to go back for: timecode.
            piece = min(_PIECE_BYTES, max(_LEAST_BYTES, os.fstat(fd).st_size // 4))
            raw = library.parse(file, output="JSON", buffer_size=piece)
            header = read_header(fd)
        except OSError as fault:
            return {"status": "unreadable", "reason": fault.strerror or str(fault)}, ""
        except (MemoryError, RuntimeError, ValueError) as fault:
            return {"status": "crashed", "reason": f"{type(fault).__name__}: {fault}"[:500]}, ""
    facts = normalize(raw, header)
    if not is_media(facts):
        return {"status": "not_media", "reason": "nothing in it that MediaInfo knows"}, ""
    reply = {"status": "ok", "facts": facts}
    if len(raw) > RAW_MAX_BYTES:
        reply["reason"] = f"MediaInfo's answer of {len(raw)} characters was not kept"
        raw = ""
    return reply, raw


def _limit() -> None:
    # A core dump of a process that had footage open, or a file written: neither may happen.
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, MEMORY_MAX_BYTES)):
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))
    # Ctrl-C is for the parent; that it is gone is seen on the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _limit_cpu(seconds: int) -> None:
    """Let the kernel end us after so many more seconds at work: the parent, which would, may be gone by then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _receive(parent: socket.socket) -> tuple[dict[str, Any], int] | None:
    """The next question and its file; None when the parent is gone."""
    head, fds, _, _ = socket.recv_fds(parent, QUESTION.size, 1)
    for fd in fds:
        os.set_inheritable(fd, False)
    while 0 < len(head) < QUESTION.size:
        head += parent.recv(QUESTION.size - len(head))
    if not head:
        return None
    (length,) = QUESTION.unpack(head)
    body = b""
    while len(body) < length:
        piece = parent.recv(length - len(body))
        if not piece:
            return None
        body += piece
    return json.loads(body), fds[0]


def _send(parent: socket.socket, reply: dict[str, Any], raw: str = "") -> None:
    head = json.dumps(reply).encode()
    text = raw.encode("utf-8", "replace")
    parent.sendall(ANSWER.pack(len(head), len(text)) + head + text)


if __name__ == "__main__":
    # The parent may go at any moment, also while it is told something.
    with contextlib.suppress(ConnectionError):
        sys.exit(main(sys.argv[1:]))
