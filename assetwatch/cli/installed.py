"""What of the service stands on this system, who wrote it, and what may be replaced or removed?"""

from __future__ import annotations

import difflib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from assetwatch import __version__, install
from assetwatch.errors import ServiceError
from assetwatch.install import Names, Text

Fate = Literal["new", "same", "replaced", "kept"]

#: How long one call may take (seconds): a start waits until the daemon is ready, after an upgrade if need be.
_PATIENCE_S: Final = 1_900


@dataclass(slots=True)
class Receipt:
    """What was written for which show: digests by path, by instance."""

    shows: dict[str, dict[str, str]] = field(default_factory=dict)

    def digests(self, path: str) -> set[str]:
        """The contents with which a file was written."""
        return {files[path] for files in self.shows.values() if path in files}

    def alone(self, instance: str) -> list[str]:
        """The files of a show that no other show needs."""
        others = {path for name, files in self.shows.items() if name != instance for path in files}
        return [path for path in self.shows.get(instance, {}) if path not in others]


class System:
    """This system, or one below `prefix` that does not run: files are written there, and nothing is started.

    `said` takes a line for each thing that is done, or would be done where `dry`.
    """

    def __init__(self, prefix: Path | None, said: Callable[[str], None], *, dry: bool = False) -> None:
        self._prefix = prefix
        self._said = said
        self._dry = dry
        self.changed = False

    @property
    def runs(self) -> bool:
        """Whether commands can be given to it."""
        return self._prefix is None

    def place(self, path: str) -> Path:
        """Where a file of the system lies."""
        return Path(path) if self._prefix is None else self._prefix / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """A file's text; None where there is none."""
        try:
            return self.place(path).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def listed(self, folder: str) -> list[str]:
        """The files in a folder, by name; none where it is not there."""
        try:
            return [f"{folder}/{name}" for name in sorted(os.listdir(self.place(folder)))]
        except (FileNotFoundError, NotADirectoryError):
            return []

    # -- files --------------------------------------------------------------------------------------------------

    def write(self, text: Text, mode: int = 0o644) -> None:
        """Write a file whole or not at all, and say so."""
        self._said(f"  write   {text.path}")
        self.changed = True
        if self._dry:
            return
        place = self.place(text.path)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.partial")
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text.content)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(mode)
        os.replace(partial, place)

    def remove(self, path: str) -> None:
        """Remove a file, and the folder of drop-ins that it was alone in; say so."""
        self._said(f"  remove  {path}")
        self.changed = True
        if self._dry:
            return
        place = self.place(path)
        place.unlink(missing_ok=True)
        if (
            place.parent.suffix == ".d"
            and place.parent.name.startswith("assetwatch")
            and not any(place.parent.iterdir())
        ):
            place.parent.rmdir()

    def set_aside(self, path: str, stamp: str) -> str:
        """Keep a file under another name; which."""
        aside = f"{path}.before-{stamp}"
        self._said(f"  keep    {path} as {aside}")
        if not self._dry:
            shutil.copy2(self.place(path), self.place(aside))
        return aside

    def put(self, text: Text, receipt: Receipt, *, force: bool) -> Fate:
        """Have a file of ours as it should be. One that somebody changed is kept as it is, unless told otherwise."""
        now = self.read(text.path)
        if now == text.content:
            return "same"
        if now is not None and install.digest(now) not in receipt.digests(text.path) and not force:
            self._said(f"  as is   {text.path}: it was changed here. What would be put there: setup --force --dry-run")
            return "kept"
        self.write(text)
        return "new" if now is None else "replaced"

    def difference(self, path: str, wanted: str) -> str:
        """How a file differs from what is wanted; empty when it does not, or is not there."""
        now = self.read(path)
        if now is None:
            return ""
        lines = difflib.unified_diff(now.splitlines(), wanted.splitlines(), path, "as asked for", lineterm="")
        return "\n".join(lines)

    # -- what was written before --------------------------------------------------------------------------------

    def receipt(self) -> Receipt:
        """What earlier calls wrote."""
        text = self.read(install.RECEIPT)
        try:
            shows = json.loads(text)["shows"] if text else {}
            return Receipt({str(name): {str(k): str(v) for k, v in files.items()} for name, files in shows.items()})
        except (ValueError, KeyError, AttributeError, TypeError):
            return Receipt()

    def keep_receipt(self, receipt: Receipt) -> None:
        """Note what was written, for later calls."""
        if receipt.shows:
            document = {"version": __version__, "shows": receipt.shows}
            text = Text(install.RECEIPT, json.dumps(document, indent=1) + "\n")
            if self.read(text.path) != text.content:
                self.write(text)
        elif self.read(install.RECEIPT) is not None:
            self.remove(install.RECEIPT)

    def packaged(self, names: Names) -> bool:
        """Whether the units came with a package, which then looks after them."""
        template = install.unit_file(names.daemon)
        return any(self.place(f"{folder}/{template}").exists() for folder in install.PACKAGED)

    def raise_limit(self, name: str, value: int) -> None:
        """Have a setting of the kernel at `value` or more from now on, and say so; it may not be ours to change."""
        place = Path("/proc/sys", *name.split("."))
        try:
            if int(place.read_text()) >= value:
                return
            self._said(f"  set     {name} = {value}")
            if not self._dry:
                place.write_text(str(value))
        except (OSError, ValueError) as error:
            self._said(f"          not done: {error}")

    # -- commands -----------------------------------------------------------------------------------------------

    def run(self, *command: str, needed: bool = True) -> bool:
        """Give a command to the system, and say so; whether it was done. Raises ServiceError where it is `needed`."""
        shown = " ".join(command)
        self._said(f"  run     {shown}")
        if self._dry or not self.runs:
            return True
        done = ask(*command)
        if done.returncode == 0:
            return True
        if needed:
            raise ServiceError(f"`{shown}` failed: {done.stderr.strip() or done.returncode}")
        self._said(f"          not done: {done.stderr.strip() or done.returncode}")
        return False


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the system, and take what it says; one that is not there fails."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def properties(unit: str, names: Sequence[str]) -> dict[str, str]:
    """What systemd says of a unit; empty where it does not answer."""
    done = ask("systemctl", "show", f"--property={','.join(names)}", unit)
    if done.returncode != 0:
        return {}
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines() if "=" in line)


def may(user: str, path: str, *rights: str) -> bool | None:
    """Whether a user has rights on a path (`-r`, `-x` of test(1)), by groups and ACLs; None where that is not known.

    Only root can ask that of another user.
    """
    import grp
    import pwd

    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return None
    if os.geteuid() not in (0, account.pw_uid):
        return None
    test: list[str] = []
    for right in rights:
        test += ([] if not test else ["-a"]) + [right, path]
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        groups = os.getgrouplist(user, account.pw_gid) + [
            grp.getgrnam(name).gr_gid for name in supplementary() if _is_group(name)
        ]
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": groups}
    return subprocess.run(["test", *test], cwd="/", capture_output=True, check=False, **identity).returncode == 0


def supplementary(prefix: Path = Path("/")) -> list[str]:
    """The groups that drop-ins of the services give to the user besides its own."""
    found: list[str] = []
    for file in sorted(prefix.joinpath("etc/systemd/system").glob("assetwatch*.service.d/*.conf")):
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            if line.startswith("SupplementaryGroups="):
                found += line.partition("=")[2].split()
    return list(dict.fromkeys(found))


def _is_group(name: str) -> bool:
    import grp

    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def joined_groups(paths: Iterable[str]) -> list[str]:
    """The groups that the service's user has to join to read directories that not everybody may read; never root's."""
    import grp
    import pwd

    found: dict[str, None] = {}
    for path in paths:
        try:
            status = os.stat(path)
            group = grp.getgrgid(status.st_gid)
        except (OSError, KeyError):
            continue
        if status.st_mode & 0o005 != 0o005 and status.st_mode & 0o050 == 0o050 and status.st_gid != 0:
            found[group.gr_name] = None
    try:
        account = pwd.getpwnam(install.USER)
    except KeyError:
        return list(found)
    member = os.getgrouplist(install.USER, account.pw_gid)
    return [name for name in found if grp.getgrnam(name).gr_gid not in member]
