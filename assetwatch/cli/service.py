"""Is assetwatch a service of this system as it should be: installed, enabled, running, allowed to read, reporting?

Each check gives findings (`machine.Finding`), and changes nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from assetwatch import app, install
from assetwatch.cli.installed import System, ask, may, properties
from assetwatch.cli.machine import Finding
from assetwatch.cli.storage import text_of
from assetwatch.config import VolumeSection
from assetwatch.install import Names

#: What systemd is asked of a unit.
_ASKED: Final = (
    *("LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "FragmentPath", "NeedDaemonReload"),
    *("MainPID", "NRestarts", "NextElapseUSecRealtime", "ExecMainStatus", "ExecMainExitTimestamp"),
)

#: Names of files not owned by the service's user that are told.
_TOLD: Final = 3


def findings(setting: app.Setting | None) -> Iterator[Finding]:
    """Everything about the service that runs this configuration; of none, whether there is one at all."""
    if not Path("/run/systemd/system").is_dir():
        yield Finding("service", "ok", "systemd does not run here: start `assetwatch run` in another way")
        return
    names = _names(setting)
    daemon = properties(names.daemon, _ASKED)
    if daemon.get("LoadState") != "loaded":
        text = f"{names.daemon} is not installed; nothing starts the daemon with the machine"
        yield Finding("service", "ok", text, "`sudo assetwatch setup`, where this is to be a service")
        return
    if setting is not None and setting.config_path is not None and str(setting.config_path) != names.config:
        text = f"{names.daemon} is installed, and has another configuration, {names.config}: nothing more was checked"
        yield Finding("service", "ok", text, f"`assetwatch --config {names.config} doctor`")
        return
    yield from _units(names, daemon)
    yield _running(names, daemon)
    yield from _reports(names)
    yield from _rights(names, setting)
    if setting is not None:
        yield from _volumes(setting, names, int(daemon.get("MainPID") or 0))
    yield from _secrets()


def _names(setting: app.Setting | None) -> Names:
    """The names of the service that runs this configuration, or of the only one."""
    path = None if setting is None else setting.config_path
    if path is not None and str(path.parent) == install.CONFIG_FOLDER:
        try:
            return Names.of(path.stem)
        except ValueError:
            pass
    return Names.of(install.ONLY)


def _units(names: Names, daemon: dict[str, str]) -> Iterator[Finding]:
    """Whether the units are those of this program, and systemd has read them."""
    system = System(None, lambda _: None)
    receipt = system.receipt()
    own = {text.path: text for text in install.unit_texts(names, _program_in(system, names))}
    old: list[str] = []
    changed: list[str] = []
    for path, text in own.items():
        now = system.read(path)
        if now is None or now == text.content or not path.startswith(install.UNIT_FOLDER):
            continue
        (old if install.digest(now) in receipt.digests(path) else changed).append(path)
    place = daemon.get("FragmentPath", "")
    if old:
        text_ = f"{', '.join(old)}: written by another version of this program"
        yield Finding("service", "warning", text_, "`sudo assetwatch setup` brings the units up to date")
    elif daemon.get("NeedDaemonReload") == "yes":
        yield Finding("service", "warning", "its unit was changed and not read again", "`sudo systemctl daemon-reload`")
    else:
        more = f"; changed here: {', '.join(changed)}" if changed else ""
        yield Finding("service", "ok", f"installed: {place}{more}")


def _program_in(system: System, names: Names) -> str:
    """The program that the installed unit runs."""
    text = system.read(f"{install.UNIT_FOLDER}/{install.unit_file(names.daemon)}") or ""
    line = next((one for one in text.splitlines() if one.startswith("ExecStart=")), "")
    return line.removeprefix("ExecStart=").partition(" ")[0] or "/opt/assetwatch/bin/assetwatch"


def _running(names: Names, daemon: dict[str, str]) -> Finding:
    """Whether it runs, and will after the next start of the machine."""
    name, unit = "service: daemon", names.daemon
    state, log = daemon.get("ActiveState", ""), f"`journalctl -u {unit} -n 30` says why"
    if state == "failed":
        result, status = daemon.get("Result"), daemon.get("ExecMainStatus")
        return Finding(name, "wrong", f"{unit} has failed: {result}, exit code {status}", log)
    if daemon.get("SubState") == "auto-restart":
        count = daemon.get("NRestarts")
        return Finding(name, "wrong", f"{unit} ends soon after each start, and was started again {count} times", log)
    if state not in ("active", "reloading", "activating"):
        return Finding(name, "warning", f"{unit} does not run", f"`sudo systemctl start {unit}`")
    if daemon.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        text = f"{unit} runs, and will not after the next start of the machine"
        return Finding(name, "warning", text, f"`sudo systemctl enable {unit}`")
    restarts = int(daemon.get("NRestarts") or 0)
    more = (
        f"; started again {restarts} times by systemd, of which {log.replace(' says why', '')} tells"
        if restarts
        else ""
    )
    return Finding(name, "ok", f"{unit} is {state}, and starts with the machine{more}")


def _reports(names: Names) -> Iterator[Finding]:
    """Whether a report will be made, and how the last one went."""
    name = "service: report"
    timer, report = properties(names.timer, _ASKED), properties(names.report, _ASKED)
    if timer.get("LoadState") != "loaded":
        yield Finding(name, "warning", f"{names.timer} is not installed: no report is made", "`sudo assetwatch setup`")
        return
    if timer.get("ActiveState") != "active" or timer.get("UnitFileState") not in ("enabled", "enabled-runtime"):
        text = f"{names.timer} is not enabled: no report is made"
        yield Finding(name, "warning", text, f"`sudo systemctl enable --now {names.timer}`")
        return
    # Not the timer's own LastTriggerUSec: that begins with the instant from which it waits.
    last = report.get("ExecMainExitTimestamp") or ""
    after = f"the next one {timer.get('NextElapseUSecRealtime') or 'comes later'}"
    if report.get("ActiveState") == "failed":
        text = f"the last night's work ended with exit code {report.get('ExecMainStatus')} ({report.get('Result')})"
        mend = f"1: something is wrong with files, see the report; else `journalctl -u {names.report} -n 30`"
        yield Finding(name, "warning", text, mend)
    elif last in ("", "n/a"):
        yield Finding(name, "ok", f"none was made since the machine was started; {after}")
    else:
        yield Finding(name, "ok", f"the night's work was last done {last}; {after}")


def _rights(names: Names, setting: app.Setting | None) -> Iterator[Finding]:
    """Whether the service's user may read its configuration, and owns its state."""
    name, user = "service: rights", install.USER
    if may(user, names.config, "-r") is False:
        text = f"{names.config} cannot be read by {user}"
        yield Finding(name, "wrong", text, f"`sudo chmod a+r {names.config}`: secrets do not belong into it")
    strangers = _strangers(Path(names.state))
    if strangers:
        some = ", ".join(text_of(one) for one in strangers[:_TOLD]) + (" ..." if len(strangers) > _TOLD else "")
        text = f"not owned by {user}, which has to write there: {some}"
        mend = f"`sudo chown -Rh {user}:{user} {names.state}`, and commands as `sudo -u {user} assetwatch ...`"
        yield Finding(name, "wrong", text, mend)


def _strangers(folder: Path) -> list[Path]:
    """What lies in the state folder and is not the service's user's."""
    import pwd

    try:
        uid = pwd.getpwnam(install.USER).pw_uid
        return sorted(one for one in (folder, *folder.iterdir()) if one.lstat().st_uid != uid)
    except (KeyError, OSError):
        return []


def _volumes(setting: app.Setting, names: Names, pid: int) -> Iterator[Finding]:
    """Whether the service's user may read the volumes, and the service may not write to them."""
    writable = _writable(pid)
    for volume in setting.config.volume:
        if may(install.USER, volume.path, "-r", "-x") is False:
            text = f"{text_of(volume.path)} may not be read by {install.USER}, as whom the service runs"
            yield Finding(f"volume {volume.name}", "wrong", text, _grant(volume))
        elif os.path.realpath(volume.path) in writable:
            text = "it was mounted after the service had started, and its sandbox does not make it read-only"
            mend = f"`sudo systemctl restart {names.daemon}`; nothing is written there, but nothing would prevent it"
            yield Finding(f"volume {volume.name}", "warning", text, mend)


def _writable(pid: int) -> set[str]:
    """Mounts that can be written to inside the service; none where that cannot be seen."""
    if not pid:
        return set()
    try:
        lines = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return set()
    fields = [line.split(" ") for line in lines]
    return {one[4].replace("\\040", " ") for one in fields if len(one) > 5 and "rw" in one[5].split(",")}


def _grant(volume: VolumeSection) -> str:
    """The line that lets the service's user read a volume: by its group where that may read it."""
    import grp

    path = text_of(volume.path)
    try:
        status = os.stat(volume.path)
        group = grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        group, status = "", None
    if status is not None and status.st_mode & 0o050 == 0o050 and status.st_gid != 0:
        return f"`sudo usermod -aG {group} {install.USER}`, then restart the service"
    return f"`sudo setfacl -R -m u:{install.USER}:rX -m d:u:{install.USER}:rX {path}`"


def _secrets() -> Iterator[Finding]:
    """Whether secrets are kept from other people."""
    folder = Path(install.CONFIG_FOLDER, "secrets")
    try:
        if stat.S_IMODE(folder.stat().st_mode) & 0o007:
            text = f"everybody may look into {folder}"
            yield Finding("service: secrets", "wrong", text, f"`sudo chmod 0700 {folder}`")
    except OSError:
        pass


def journal(unit: str, lines: int) -> str:
    """The last lines that a unit logged; empty where they cannot be had."""
    return ask("journalctl", "--no-pager", "-o", "cat", "-u", unit, "-n", str(lines)).stdout
