"""What does a MediaConch policy ask for, as rules over our facts?

A policy is a tree of rules joined by `and` and `or` (MediaConch's own XML, `<policy type="or">`, `<rule value="Format"
tracktype="Video" operator="=">`). Its fields are MediaInfo's; those that the facts hold are asked of these, the others
of MediaInfo's own answer where it is at hand, and are unknown, never failed, where nobody tells them. `occurrence="*"`
is any track, a number that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from assetwatch.delivery.conditions import Condition, plain
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.spec import SpecRule
from assetwatch.media import answer
from assetwatch.media.answer import Track
from assetwatch.media.facts import Facts
from assetwatch.media.timelines import xmltree

#: MediaInfo's fields by the fact that holds them.
_GENERAL: Final = {
    "Format": "container",
    "Format_Profile": "other.container_profile",
    "Format_Commercial_IfAny": "other.commercial_name",
    "Duration": "duration",
    "OverallBitRate": "other.bit_rate",
    "Title": "other.title",
    "Encoded_Date": "other.encoded_date",
}
_TRACK: Final = {
    "Format": "format",
    "Format_Profile": "profile",
    "Format_Level": "level",
    "Format_Commercial_IfAny": "commercial_name",
    "BitDepth": "bit_depth",
    "BitRate": "bit_rate",
    "BitRate_Mode": "bit_rate_mode",
    "StreamSize": "stream_size",
    "Language": "language",
    "Title": "title",
}
_VIDEO: Final = {
    "Width": "width",
    "Height": "height",
    "FrameRate": "frame_rate",
    "FrameRate_Mode": "frame_rate_mode",
    "FrameCount": "frame_count",
    "ScanType": "scan",
    "ScanOrder": "scan_order",
    "ChromaSubsampling": "chroma",
    "ColorSpace": "color_space",
    "PixelAspectRatio": "pixel_aspect",
    "DisplayAspectRatio": "display_aspect",
    "colour_primaries": "color_primaries",
    "transfer_characteristics": "transfer",
    "matrix_coefficients": "matrix",
    "colour_range": "range",
    "Rotation": "rotation",
}
_AUDIO: Final = {
    "Channels": "channels",
    "Channel(s)": "channels",
    "Channel_s_": "channels",
    "ChannelLayout": "layout",
    "SamplingRate": "sample_rate",
    "SamplingCount": "samples",
    "Duration": "duration",
}
_FIELDS: Final = {"General": _GENERAL, "Video": _TRACK | _VIDEO, "Image": _TRACK | _VIDEO, "Audio": _TRACK | _AUDIO}
_KINDS: Final = {"Video": "video", "Image": "video", "Audio": "audio"}
#: What MediaInfo writes where the facts have the field's plain word.
_WORDS: Final = {"cfr": "constant", "vfr": "variable", "cbr": "constant"}
_WORDED: Final = frozenset({"frame_rate_mode", "bit_rate_mode"})
_SIGNS: Final = frozenset({"=", ">=", "<=", ">", "<"})
_DEPTH_MAX: Final = 64
_TRACKS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Raw:
    """A rule about a field of MediaInfo's answer: of which kind of track, and of which of them (None: any)."""

    track: str
    field: str
    operator: str
    wanted: str
    which: int | None


class PolicyFault(ValueError):
    """Bytes that are no MediaConch policy; `line` is where, if it is known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        self.line = line
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule: `rule` asks the facts, None where they do not have the field; `notice`: the policy only warns."""

    name: str
    wanted: str
    rule: SpecRule | None
    exists: bool | None = None  #: asks only whether the fact is there (True) or not (False)
    notice: bool = False
    raw: _Raw | None = None  #: the same, asked of MediaInfo's answer


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules and further policies, all of which (or, with `any_one`, one of which) have to hold."""

    name: str
    any_one: bool
    members: tuple[PolicyRule | Policy, ...]

    def check(self, facts: Facts | None, path: str | None = None, said: Sequence[Track] = ()) -> tuple[Finding, ...]:
        """What the policy gives for a file. Of alternatives only the one that holds is told, or all that fail.

        `said` are the tracks of MediaInfo's answer, for fields that the facts do not hold.
        """
        return tuple(_check(self, facts, path, said))


def read_policy(raw: bytes) -> Policy:
    """The policy in `raw`. Raises PolicyFault for what is none."""
    try:
        root = xmltree.parse(raw)
    except xmltree.XmlFault as fault:
        raise PolicyFault(str(fault), fault.line) from None
    if xmltree.tag(root) != "policy":
        raise PolicyFault(f"XML, but no MediaConch policy: its root is <{xmltree.tag(root)}>", xmltree.line(root))
    return _policy(root, 0)


def _policy(element: xmltree.Element, depth: int) -> Policy:
    if depth > _DEPTH_MAX:
        raise PolicyFault("policies within policies too deep", xmltree.line(element))
    kind = (element.get("type") or "and").lower()
    if kind not in ("and", "or"):
        raise PolicyFault(f"a policy of type {kind!r}; expected and, or", xmltree.line(element))
    members = tuple(
        _policy(member, depth + 1) if xmltree.tag(member) == "policy" else _rule(member)
        for member in xmltree.children(element, "policy", "rule")
    )
    return Policy(element.get("name") or "policy", kind == "or", members)


def _rule(element: xmltree.Element) -> PolicyRule:
    field, track = element.get("value") or "", element.get("tracktype") or "General"
    operator = (element.get("operator") or "=").strip().lower()
    wanted = xmltree.text(element) or ""
    name = element.get("name") or f"{track}/{field}"
    notice = (element.get("level") or "fail").lower() in ("warn", "info")
    shown = f"{field} {operator} {wanted}".strip()
    own = (element.get("scope") or "") == ""
    fact = _FIELDS.get(track, {}).get(field) if own else None
    occurrence = (element.get("occurrence") or "*").strip()
    which = int(occurrence) if occurrence.isdecimal() and 0 < int(occurrence) < _TRACKS_MAX else None
    raw = _Raw(track, field, operator, wanted.strip(), which) if own and field else None
    if fact is None:
        return PolicyRule(name, shown, None, notice=notice, raw=raw)
    key = fact
    if track in _KINDS:
        key = f"{_KINDS[track]}.{which or 'any'}.{fact}"
    if operator in ("exists", "must not exist"):
        asked = plain(fact, "=", "*")
        return PolicyRule(name, shown, SpecRule(key, shown, asked), operator == "exists", notice, raw)
    asked_of = _condition(fact.rpartition(".")[2], operator, wanted)
    return PolicyRule(name, shown, None if asked_of is None else SpecRule(key, shown, asked_of), None, notice, raw)


def _condition(fact: str, operator: str, wanted: str) -> Condition | None:
    if fact in _WORDED:
        wanted = _WORDS.get(wanted.lower(), wanted)
    if operator in _SIGNS:
        return plain(fact, operator, wanted)
    if operator == "!=":
        return plain(fact, "=", wanted, negated=True)
    if operator in ("starts with", "must not start with"):
        return plain(fact, "=", f"{wanted}*", negated=operator != "starts with")
    return None


def _check(member: PolicyRule | Policy, facts: Facts | None, path: str | None, said: Sequence[Track]) -> list[Finding]:
    if isinstance(member, PolicyRule):
        return [_check_rule(member, facts, path, said)]
    groups = [_check(one, facts, path, said) for one in member.members]
    if member.any_one:
        good = (Outcome.PASS, Outcome.NOT_APPLICABLE)
        for group in groups:
            if all(finding.outcome in good for finding in group):
                return group
        # One that may hold for all we know is not a failure of the others.
        open_ = [group for group in groups if not any(finding.failed for finding in group)]
        groups = open_[:1] or groups
    return [finding for group in groups for finding in group]


def _check_rule(rule: PolicyRule, facts: Facts | None, path: str | None, said: Sequence[Track]) -> Finding:
    if facts is None:
        return Finding(rule.name, Outcome.UNKNOWN, rule.wanted, "could not be read", path, rule.notice)
    found = None
    if rule.rule is not None:
        found = rule.rule.check(facts, path)
        if rule.exists is not None:
            there = found.outcome is Outcome.PASS
            outcome = Outcome.PASS if there is rule.exists else Outcome.FAIL
            return Finding(rule.name, outcome, rule.wanted, found.observed, path, rule.notice)
    if (found is None or found.outcome is Outcome.UNKNOWN) and rule.raw is not None and said:
        outcome, observed = _of_answer(rule.raw, said)
        return Finding(rule.name, outcome, rule.wanted, observed, path, rule.notice)
    if found is None:
        return Finding(rule.name, Outcome.UNKNOWN, rule.wanted, "the probe does not keep this", path, rule.notice)
    return Finding(rule.name, found.outcome, rule.wanted, found.observed, path, rule.notice)


def _of_answer(raw: _Raw, said: Sequence[Track]) -> tuple[Outcome, str | None]:
    """What MediaInfo's own answer gives for a rule, and the values of the field there."""
    tracks = [track for track in said if answer.kind(track) == raw.track]
    if raw.which is not None:
        tracks = tracks[raw.which - 1 : raw.which]
    values = [value for track in tracks if (value := answer.text(track, raw.field)) is not None]
    observed = ", ".join(dict.fromkeys(values)) or None
    if raw.operator in ("exists", "must not exist"):
        return (Outcome.PASS if bool(values) is (raw.operator == "exists") else Outcome.FAIL), observed
    if not tracks:
        return Outcome.FAIL, f"no {raw.track.lower()} track"
    if not values:
        return Outcome.UNKNOWN, None
    held = [_compares(value, raw.operator, raw.wanted) for value in values]
    if None in held:
        return Outcome.UNKNOWN, observed
    return (Outcome.PASS if any(held) else Outcome.FAIL), observed


def _compares(value: str, operator: str, wanted: str) -> bool | None:
    """Whether a value is as asked, compared as numbers where both are; None for an operator that is not known."""
    if operator in ("starts with", "must not start with"):
        return value.lower().startswith(wanted.lower()) is (operator == "starts with")
    try:
        left, right = float(value), float(wanted)
    except ValueError:
        same = value.lower() == wanted.lower()
        return {"=": same, "!=": not same}.get(operator)
    return {
        "=": left == right,
        "!=": left != right,
        ">=": left >= right,
        "<=": left <= right,
        ">": left > right,
        "<": left < right,
    }.get(operator)
