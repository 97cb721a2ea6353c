"""Which file does a location in a cut list name?

Lists hold `file:` URLs in every style (`file:///D%3A/...`, `file://localhost/Volumes/...`, a UNC host, a drive letter
as host), plain POSIX and Windows paths, and bare names.
"""

from __future__ import annotations

from urllib.parse import unquote

_NO_HOST = ("", "localhost", "127.0.0.1")


def path_of(location: str) -> str:
    """The path that `location` names, escapes undone: `/Volumes/x.mov`, `D:/x.mxf`, `//host/share/x.mov`.

    What is no `file:` URL is returned as it is, with surrounding space removed. Never raises.
    """
    location = location.strip()
    if location[:5].lower() != "file:":
        return location
    rest = location[5:]
    if not rest.startswith("//"):
        return _without_slash_before_drive(unquote(rest))
    host, slash, path = rest[2:].partition("/")
    path = slash + unquote(path)
    host = unquote(host)
    if host.lower() in _NO_HOST:
        return _without_slash_before_drive(path)
    if len(host) == 2 and host[1] == ":":
        return host + path
    return f"//{host}{path}"


def name_of(path: str) -> str:
    """The last part of a path of either system: what an editor calls the file."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _without_slash_before_drive(path: str) -> str:
    drive = len(path) > 2 and path[0] == "/" and path[1].isalpha() and path[2] == ":"
    return path[1:] if drive else path
