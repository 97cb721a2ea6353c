"""Is the media what it has to be?

A spec is a set of rules over the facts of a probe (`media.facts`); all have to hold. docs/reference/spec.md has the
whole syntax; `conditions` says what a value means.

A fact of a track is written `video.width`. Where a file has several tracks, every one has to be as asked (captions:
any one); `video.any.width` asks for one that is, `audio.2.layout` of the second. Only `audio.channels` counts all
tracks together, because eight mono tracks are eight channels. `video.tracks`, `audio.tracks`, `text.tracks` count
tracks, `video.raster` is `1920x1080`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from assetwatch.delivery.conditions import Condition, codec_fits, read
from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.starters import STARTERS
from assetwatch.media.facts import OTHER, Facts

# fmt: off
_VIDEO: Final = frozenset({
    "codec", "profile", "width", "height", "frame_rate", "scan", "bit_depth", "chroma", "color_primaries", "transfer",
    "matrix", "range", "format", "commercial_name", "level", "frame_rate_mode", "frame_count", "scan_order",
    "pixel_aspect", "display_aspect", "color_space", "rotation", "bit_rate", "bit_rate_mode", "stream_size", "hdr",
    "language", "title", "still", "raster", "tracks",
})
_AUDIO: Final = frozenset({
    "codec", "profile", "channels", "layout", "sample_rate", "bit_depth", "format", "commercial_name", "samples",
    "bit_rate", "bit_rate_mode", "stream_size", "language", "title", "duration", "tracks",
})
#: What a single frame does not have.
_OF_MOTION: Final = frozenset({
    "frame_rate", "frame_rate_mode", "frame_count", "scan", "scan_order", "bit_rate", "bit_rate_mode", "stream_size",
    "level",
})
# fmt: on
_TEXT: Final = frozenset({"codec", "language", "title", "frame_rate", "start_timecode", "tracks"})
_WHOLE: Final = frozenset({"container", "duration", "start_timecode"})
_OTHER: Final = frozenset(OTHER) | {"reel", "camera", "clip", "tape", "tool", "umid"}
_TRACKS: Final = {"video": _VIDEO, "audio": _AUDIO, "text": _TEXT}
_KNOWN: Final = sorted(
    {*_WHOLE, *(f"other.{name}" for name in _OTHER)}
    | {f"{kind}.{name}" for kind, names in _TRACKS.items() for name in names}
)

_KEY: Final = re.compile(r"(video|audio|text)\.(?:(all|any|[1-9][0-9]{0,3})\.)?([a-z_]+)")
#: The `;` before the frames of a drop-frame timecode parts no rules.
_BETWEEN_RULES: Final = re.compile(r";(?!(?<=[0-9]{2}:[0-9]{2}:[0-9]{2};)[0-9]{2}(?![0-9A-Za-z.]))|\n")
_RULE: Final = re.compile(r"\s*([A-Za-z0-9_.]+)\s*(>=|<=|==|!=|=|>|<)\s*(.*?)\s*", re.DOTALL)
_USE: Final = "use"
#: Codecs whose sound has no bit depth to speak of.
_LOSSY: Final = frozenset({"aac", "ac-3", "e-ac-3", "mpeg audio", "opus", "vorbis", "dts"})


class SpecFault(ValueError):
    """A spec that cannot be used; `key` is the fact whose rule is wrong."""

    def __init__(self, key: str, what: str) -> None:
        self.key, self.what = key, what
        super().__init__(f"{key}: {what}")


@dataclass(frozen=True, slots=True)
class SpecRule:
    """One rule: the fact's name (`video.codec`) and the condition as written (`>=2`)."""

    key: str
    condition: str
    _asked: Condition = field(repr=False, compare=False)

    def check(self, facts: Facts | None, path: str | None = None) -> Finding:
        """What this rule gives for the file with these facts (None: could not be probed)."""
        if facts is None:
            return self._finding(Outcome.UNKNOWN, "could not be read", path)
        found = _KEY.fullmatch(self.key)
        if found is None:
            return self._of_whole(facts, path)
        return self._of_tracks(facts, found[1], found[2] or ("any" if found[1] == "text" else "all"), found[3], path)

    def _finding(self, outcome: Outcome, observed: str | None, path: str | None) -> Finding:
        return Finding(self.key, outcome, self.condition, observed, path)

    def _of_whole(self, facts: Facts, path: str | None) -> Finding:
        held = facts.get("other") or {}
        name = self.key.removeprefix("other.")
        value = held.get(name) if name != self.key else facts.get(name)
        if value is None and self._asked.takes_unknown:
            return self._finding(Outcome.PASS, None, path)
        if value is None:
            video = facts.get("video") or ()
            if self.key in ("duration", "start_timecode") and video and all(track.get("still") for track in video):
                return self._finding(Outcome.NOT_APPLICABLE, "a still", path)
            return self._finding(Outcome.UNKNOWN, None, path)
        return self._finding(Outcome.PASS if self._asked.holds(value) else Outcome.FAIL, _shown(value), path)

    def _of_tracks(self, facts: Facts, kind: str, which: str, name: str, path: str | None) -> Finding:
        tracks: list[Mapping[str, Any]] = list(
            (facts.get("other") or {}).get("text") or () if kind == "text" else facts.get(kind) or ()
        )
        if name == "tracks":
            return self._finding(
                Outcome.PASS if self._asked.holds(len(tracks)) else Outcome.FAIL, str(len(tracks)), path
            )
        if name == "channels" and self.key == "audio.channels":
            return self._channels(tracks, path)
        if which.isdecimal():
            tracks = tracks[int(which) - 1 : int(which)]
        if not tracks:
            # A file without sound is not asked about its sample rate; that there is none, its codec tells.
            optional = kind == "audio" and name not in ("codec", "channels", "layout")
            observed = f"no {kind} track" + (f" {which}" if which.isdecimal() else "")
            return self._finding(Outcome.NOT_APPLICABLE if optional else Outcome.FAIL, observed, path)
        outcomes = [self._of_track(track, kind, name) for track in tracks]
        return self._finding(_together(outcomes, which == "any"), _observed(tracks, name), path)

    def _channels(self, tracks: list[Mapping[str, Any]], path: str | None) -> Finding:
        counts = [track.get("channels") for track in tracks]
        known = [count for count in counts if isinstance(count, int)]
        if len(known) < len(counts):
            return self._finding(Outcome.UNKNOWN, None, path)
        observed = str(sum(known)) + (f" ({' + '.join(map(str, known))})" if len(known) > 1 else "")
        outcome = Outcome.PASS if self._asked.holds(sum(known)) else Outcome.FAIL
        return self._finding(outcome, observed if known else "no audio track", path)

    def _of_track(self, track: Mapping[str, Any], kind: str, name: str) -> Outcome:
        value = _value(track, name)
        if value is None and self._asked.takes_unknown:
            return Outcome.PASS
        if value is None:
            if track.get("still") and name in _OF_MOTION:
                return Outcome.NOT_APPLICABLE
            if kind == "audio" and name == "bit_depth" and str(track.get("codec")).lower() in _LOSSY:
                return Outcome.NOT_APPLICABLE
            return Outcome.UNKNOWN
        if name == "codec":
            return Outcome.PASS if codec_fits(self._asked, _codec_names(track)) else Outcome.FAIL
        return Outcome.PASS if self._asked.holds(value) else Outcome.FAIL


@dataclass(frozen=True, slots=True)
class Spec:
    """Rules that all have to hold."""

    rules: tuple[SpecRule, ...]

    @classmethod
    def compile(cls, rules: Mapping[str, object]) -> Spec:
        """From a table: `{"video.codec": "ProRes", "audio.channels": ">=2", "video.width": 1920}`.

        `use` takes a starter's rules first (or several: a list). Raises SpecFault.
        """
        merged: dict[str, object] = {}
        for name in _used(rules.get(_USE)):
            if name not in STARTERS:
                raise SpecFault(_USE, f"there is no starter spec {name!r}{_nearest(name, sorted(STARTERS))}")
            merged |= STARTERS[name].rules
        merged |= {key.strip(): value for key, value in rules.items() if key != _USE}
        return cls(tuple(_rule(key, value) for key, value in merged.items()))

    @classmethod
    def parse(cls, text: str) -> Spec:
        """From a cell: `video.codec=ProRes; audio.channels>=2`, also `use=prores-422-hq-uhd; ...`. Raises SpecFault.

        Two rules for one fact both have to hold: `video.width>=1920; video.width<=4096` is written `1920..4096`.
        """
        rules: dict[str, object] = {}
        for part in filter(str.strip, _BETWEEN_RULES.split(text)):
            found = _RULE.fullmatch(part)
            if found is None:
                raise SpecFault(part.strip(), "expected a fact, a comparison and a value, as in video.width>=1920")
            key, sign, value = found[1], found[2], found[3]
            if key in rules:
                raise SpecFault(key, "is asked for twice; write a range such as 1920..4096 or a choice a | b")
            rules[key] = value if sign in ("=", "==") else f"{sign}{value}"
        return cls.compile(rules)

    @property
    def text(self) -> str:
        """As a cell again; `parse` gives an equal spec."""
        return "; ".join(
            f"{rule.key}{'' if re.match('[<>]|!=', rule.condition) else '='}{rule.condition}" for rule in self.rules
        )

    def check(self, facts: Facts | None, path: str | None = None) -> tuple[Finding, ...]:
        """What every rule gives for the file with these facts (None: could not be probed)."""
        return tuple(rule.check(facts, path) for rule in self.rules)

    def check_sequence(self, frames: Iterable[tuple[str, Facts | None]], path: str) -> tuple[Finding, ...]:
        """What every rule gives for the frames (path, facts) that were probed.

        One finding a rule for `path`, the sequence's name, where no frame fails or all fail alike; else one for each
        frame that does.
        """
        probed = list(frames)
        if not probed:
            return self.check(None, path)
        return tuple(finding for rule in self.rules for finding in _of_frames(rule, probed, path))


def _of_frames(rule: SpecRule, frames: list[tuple[str, Facts | None]], path: str) -> list[Finding]:
    each = [rule.check(facts, frame) for frame, facts in frames]
    failed = [finding for finding in each if finding.outcome is Outcome.FAIL]
    if failed and (len(failed) < len(each) or len({finding.observed for finding in failed}) > 1):
        return failed
    outcome = _together([finding.outcome for finding in each], any_one=False)
    telling = next(finding for finding in each if finding.outcome is outcome)
    return [Finding(rule.key, outcome, rule.condition, telling.observed, path)]


def _together(outcomes: list[Outcome], any_one: bool) -> Outcome:
    """One outcome of several tracks (or frames): the worst, or with `any_one` the best."""
    order = [Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS, Outcome.NOT_APPLICABLE]
    if any_one:
        order = [Outcome.PASS, Outcome.UNKNOWN, Outcome.FAIL, Outcome.NOT_APPLICABLE]
    return next(outcome for outcome in order if outcome in outcomes)


def _value(track: Mapping[str, Any], name: str) -> Any:
    if name == "raster":
        width, height = track.get("width"), track.get("height")
        return None if width is None or height is None else f"{width}x{height}"
    return track.get(name)


def _codec_names(track: Mapping[str, Any]) -> list[str]:
    """Every name that a track's codec goes by."""
    codec, profile = track.get("codec"), track.get("profile")
    names = [codec, track.get("format"), track.get("commercial_name"), f"{codec} {profile}" if profile else None]
    return [str(name) for name in names if name]


def _observed(tracks: list[Mapping[str, Any]], name: str) -> str | None:
    """The values of the tracks, each once, in their order; None where nothing is known."""
    values = [_value(track, name) for track in tracks]
    if all(value is None for value in values):
        return None
    return ", ".join(dict.fromkeys("unknown" if value is None else _shown(value) for value in values))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.endswith("/1") and value[:-2].isdecimal():
        return value[:-2]
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _used(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [str(one).strip() for one in value]
    return [name.strip() for name in str(value).split(",") if name.strip()]


def _rule(key: str, value: object) -> SpecRule:
    found = _KEY.fullmatch(key)
    plain = f"{found[1]}.{found[3]}" if found else key
    if plain not in _KNOWN:
        raise SpecFault(key, f"is no fact of a probe{_nearest(plain, _KNOWN)}")
    try:
        asked = read(plain.rpartition(".")[2], value)
    except ValueError as fault:
        raise SpecFault(key, str(fault)) from None
    return SpecRule(key, asked.text, asked)


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
