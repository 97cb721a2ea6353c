"""How is a finding said to a person, so that it can be sent to whoever delivered?

A file is called by its name and never by its folder. What was asked for and what is there are both said, in that order
in which a person asks: what is it, what should it be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from assetwatch.delivery.findings import Finding, Outcome

#: Rules whose observation says all.
_PLAIN: Final = frozenset({"version", "integrity", "presence", "complete", "pull", "cut_change"})
#: What is observed where there is nothing to look at.
_NOTHING: Final = frozenset({"no audio track", "no video track"})
#: Rules about a thing that is named by what was expected.
_NAMED: Final = frozenset(
    {
        "source",
        "clip_gap",
        "part_missing",
        "frames_missing",
        "listed",
        "day_sound",
        "plate_missing",
        "plate_range",
        "plate_gap",
    }
)
#: Rules that are about more than the one file that they point to.
_OF_NO_FILE: Final = frozenset({"day_sound", "clip_gap", "part_missing", "frames_missing"})
#: Rules under the name that people have for them.
_CALLED: Final = {
    "start_timecode": "start timecode",
    "frame_rate": "frame rate",
    "drop_frame": "counting",
    "sample_rate": "sample rate",
    "stem_length": "length",
    "duration": "length",
    "reel_hour": "start timecode",
    "frame_size": "size of frames",
    "readable": "content",
}


def name_of(path: str | None) -> str:
    """The name of a file given as `volume:folder/name`; empty for none."""
    return (path or "").rpartition("/")[2].rpartition(":")[2]


def sentences(findings: Iterable[Finding]) -> list[str]:
    """Findings as sentences, each once; of a folder that is wrong the files that are, and not the folder too."""
    some = list(findings)
    below = {(one.rule, folder) for one in some if one.path for folder in _folders(one.path)}
    return list(dict.fromkeys(sentence(one) for one in some if (one.rule, one.path) not in below))


def _folders(path: str) -> Iterator[str]:
    at = path.rfind("/")
    while at > 0:
        yield path[:at]
        at = path.rfind("/", 0, at)


def sentence(finding: Finding) -> str:
    """A finding as a sentence, with the name of the file and no folder."""
    return _with_name(finding, _said(finding))


def _with_name(finding: Finding, text: str) -> str:
    name = "" if finding.rule in _OF_NO_FILE else name_of(finding.path)
    return f"{name}: {text}" if name else text


def _said(finding: Finding) -> str:
    expected, observed, rule = finding.expected, finding.observed, finding.rule
    if rule == "integrity" and observed == "other bytes":
        return "other bytes than were sent"
    if rule == "integrity" and observed == "other bytes since it was verified":
        return "was as sent when it came, and has been changed here since: restore it"
    if rule == "roll_twice":
        return f"{observed}, with another content than before"
    if rule == "listed_length":
        return f"{observed} long; listed with {expected}"
    if rule == "count":
        more, sign, names = (observed or "").partition(": ")
        return f"{more} than asked for ({expected}){sign}{names}"
    if rule == "source_range":
        return f"too short for {expected}: {observed}"
    if rule == "readable":
        return f"{observed} as {expected}" if expected and expected.startswith("a ") else str(observed)
    if rule == "day_sound":
        return f"{expected}: none is here, though camera clips are"
    if rule == "captions" and finding.outcome is Outcome.FAIL:
        return f"captions {observed}{_asked(expected)}".replace("captions the", "the")
    if rule in _PLAIN and observed:
        return observed
    if rule in _NAMED and expected:
        return f"{expected}: {observed}"
    called = _CALLED.get(rule) or _CALLED.get(rule.rpartition(".")[2]) or rule.replace(".", " ").replace("_", " ")
    if finding.outcome is Outcome.UNKNOWN:
        return f"{called} is not known" + (f" ({observed})" if observed else "") + _asked(expected)
    if observed in _NOTHING:
        return f"{observed}; expected {called} {expected}" if expected else str(observed)
    as_in = f" as in {name_of(finding.by)}" if finding.by else ""
    return f"{called} is {observed or 'not there'}{_asked(expected)}{as_in}"


def _asked(expected: str | None) -> str:
    return f"; expected {expected}" if expected else ""
