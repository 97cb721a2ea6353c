"""What does one field of a schedule mean, be it from a TOML key or a spreadsheet's cell?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assetwatch.delivery.counts import Count, CountFault
from assetwatch.delivery.match import PatternFault, Rule
from assetwatch.delivery.requirement import POLICY, Load, Requirement, policies_of, policy_of_cell
from assetwatch.delivery.schedule import PROOFS, SOON_S, Deliverable, Fault, Item
from assetwatch.delivery.spec import Spec, SpecFault
from assetwatch.media.fields import Condition as NameCondition
from assetwatch.media.fields import ConditionFault
from assetwatch.units import DURATION_EXPECTED, parse_duration

#: Keys of a deliverable and of an item, as they are written.
DELIVERABLE_KEYS: Final = (
    *("id", "name", "kind", "from", "to", "due", "zone", "grace", "due_soon", "proof"),
    *("folder", "volume", "note", "agree", "footage", "shot_pattern"),
)
ITEM_KEYS: Final = (
    *("name", "match", "regex", "timeline", "pulls", "where", "count", "spec", "asset", "media", "required"),
)

#: Keys that hold patterns.
_PATTERNS: Final = ("match", "regex", "timeline", "pulls")
_AS_WRITTEN: Final = (*_PATTERNS, "shot_pattern", "spec", "media", "where")

_ID: Final = re.compile(r"[^\s,;:/\\]+(?: [^\s,;:/\\]+)*")
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "required", "mandatory", "r"})
_NO: Final = frozenset({"no", "n", "false", "0", "optional", "o"})

#: A starter spec, by its name alone or as `use=name`.
_USE: Final = re.compile(r"(?:use\s*=\s*)?([A-Za-z0-9][A-Za-z0-9 ._-]*)")

_AGREE: Final = ("check", "reel", "frame_rate", "sample_rate", "by_the_hour", "handles")

_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")

#: The day of the week in front of a date.
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY: Final = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+(?=\w)", re.IGNORECASE)

#: What people write around a date and a time of day, and what it comes to: `1st`, `Dec.`, `at`, `noon`, `(PST)`.
_AROUND: Final = (
    (re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)\b", re.I), r"\1"),
    (re.compile(r"(?<=[a-z])\.(?=\s)", re.I), ""),
    (re.compile(r"\bsept\b", re.I), "Sep"),
    (re.compile(r"\bat\s+(?=\d)", re.I), ""),
    (re.compile(r"\bnoon$", re.I), "12:00"),
    (re.compile(r"\b(?:eod|end of (?:the )?day)$", re.I), "23:59"),
    (re.compile(r"\((\S+)\)$"), r"\1"),
)

#: How people write an instant, besides ISO 8601.
_DATES: Final = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%Y%m%d",
)
_TIMES: Final = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I %p", "%I%p", "%I:%M%p")

#: Abbreviations that mean one zone to everybody who writes them in a schedule.
_ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT"), "UTC"),
    **dict.fromkeys(("PT", "PST", "PDT"), "America/Los_Angeles"),
    **dict.fromkeys(("MT", "MST", "MDT"), "America/Denver"),
    **dict.fromkeys(("ET", "EST", "EDT"), "America/New_York"),
    **dict.fromkeys(("CET", "CEST"), "Europe/Paris"),
    "BST": "Europe/London",
}


@dataclass(frozen=True, slots=True)
class Raw:
    """The fields of one deliverable or item as they stand in a file: key -> value, and where each stands."""

    values: Mapping[str, Any]
    where: Callable[[str], str]


@dataclass(slots=True)
class Reader:
    """Reads fields; what is wrong is gathered in `faults`. `zone` is the show's, for times that say none; `lists` are
    the lists of names that counts may be about; `load` reads files that the schedule names; `shot_pattern` is that of
    deliverables that say none of their own."""

    zone: tzinfo
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    load: Load | None = None
    shot_pattern: str = ""
    faults: list[Fault] = field(default_factory=list)

    def deliverable(self, raw: Raw, items: list[Raw]) -> Deliverable | None:
        """A deliverable with its items; None where it has no usable id."""
        self._known(raw, DELIVERABLE_KEYS)
        identity = self._text(raw, "id")
        if not identity or not _ID.fullmatch(identity):
            self._fault(raw, "id", f"expected an id without slashes, commas or colons, got {identity!r}")
        proof = self._text(raw, "proof").lower() or "none"
        if proof not in PROOFS:
            self._fault(raw, "proof", f"expected one of {', '.join(PROOFS)}, got {proof!r}")
        read = [one for one in (self.item(item) for item in items) if one is not None]
        names = [one.name for one in read]
        for number, item in enumerate(read):
            if item.name in names[:number]:
                self._fault(items[number], "name", f"there is a second item {item.name!r} in deliverable {identity}")
        made = Deliverable(
            id=identity,
            name=self._text(raw, "name") or identity,
            kind=self._text(raw, "kind"),
            sender=self._text(raw, "from"),
            receiver=self._text(raw, "to"),
            due=self._due(raw),
            grace_s=self._seconds(raw, "grace", 0),
            due_soon_s=self._seconds(raw, "due_soon", SOON_S),
            proof=proof,
            folder=self._text(raw, "folder").strip("/"),
            volume=self._text(raw, "volume"),
            note=self._text(raw, "note"),
            agree=self._agree(raw),
            footage=self._flag(raw, "footage", True) if raw.values.get("footage") not in (None, "") else None,
            shot_pattern=self._shot_pattern(raw),
            items=tuple(read),
        )
        # What else is wrong is told as well, so that a sheet is mended in one go.
        return made if identity and _ID.fullmatch(identity) else None

    def item(self, raw: Raw) -> Item | None:
        """One item; None where it says nothing that could be looked for."""
        self._known(raw, ITEM_KEYS)
        match, regex, timeline, pulls = (self._text(raw, key) for key in _PATTERNS)
        name = self._text(raw, "name") or match or regex or timeline or pulls
        if not (match or regex or timeline or pulls):
            expected = "expected match, regex, timeline or pulls"
            self._fault(raw, "match", f"item {name!r} says nothing to look for: {expected}")
            return None
        if match and regex:
            self._fault(raw, "regex", "expected either match or regex, got both")
        match = _path(match) if match else ("re:" + regex if regex else "")
        timeline, pulls = _path(timeline), _path(pulls)
        for key, pattern in (("regex" if regex else "match", match), ("timeline", timeline), ("pulls", pulls)):
            try:
                if pattern:
                    Rule.compile(pattern)
            except PatternFault as error:
                self._fault(raw, key, str(error))
        asset = self._text(raw, "asset").lower()
        if asset not in ("", "file", "sequence", "folder"):
            self._fault(raw, "asset", f"expected file, sequence or folder, got {asset!r}")
        spec, media = self._rules(raw, "spec"), self._rules(raw, "media")
        for key, rules in (("spec", spec), ("media", media)):
            try:
                Requirement.compile(rules)
            except SpecFault as error:
                self._fault(raw, key, str(error))
        return Item(
            name=name,
            match=match,
            timeline=timeline,
            pulls=pulls,
            where=self._where(raw),
            count=self._count(raw),
            spec=spec,
            asset=asset,
            media=media,
            required=self._flag(raw, "required", True),
        )

    # -- fields -------------------------------------------------------------------------------------------------

    def _fault(self, raw: Raw, key: str, text: str) -> None:
        self.faults.append(Fault(raw.where(key), text))

    def _known(self, raw: Raw, keys: tuple[str, ...]) -> None:
        for key in raw.values:
            if key not in keys:
                close = get_close_matches(key, keys, n=1)
                self._fault(raw, key, f"unknown key {key!r}" + (f"; did you mean {close[0]!r}?" if close else ""))

    def _text(self, raw: Raw, key: str) -> str:
        value = raw.values.get(key)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return " ".join(str(value).split()) if key not in _AS_WRITTEN else str(value).strip()
        self._fault(raw, key, f"expected a text, got {as_written(value)}")
        return ""

    def _flag(self, raw: Raw, key: str, default: bool) -> bool:
        value = raw.values.get(key)
        if isinstance(value, bool):
            return value
        word = self._text(raw, key).lower()
        if word in _YES or word in _NO or not word:
            return default if not word else word in _YES
        self._fault(raw, key, f"expected yes or no, got {as_written(value)}")
        return default

    def _count(self, raw: Raw) -> str:
        """A count in words that need no list beside them."""
        text = self._text(raw, "count")
        head, sign, name = text.rpartition(" in ")
        if sign and name in self.lists:
            text = f"{head} in {', '.join(self.lists[name])}"
        try:
            Count.parse(text)
        except CountFault as error:
            self._fault(raw, "count", str(error))
        return text

    def _seconds(self, raw: Raw, key: str, default: int) -> int:
        value = raw.values.get(key)
        if isinstance(value, time):  # a cell that the spreadsheet took for a time of day
            return value.hour * 3600 + value.minute * 60 + value.second
        if isinstance(value, timedelta):
            return int(value.total_seconds())
        text = self._text(raw, key)
        if not text:
            return default
        try:
            return int(parse_duration(re.sub(r"\b(hours?|hrs?)\b", "h", re.sub(r"\bdays?\b", "d", text))))
        except ValueError:
            if text == "0":
                return 0
            self._fault(raw, key, f"expected {DURATION_EXPECTED}, got {text!r}")
            return default

    def _due(self, raw: Raw) -> datetime | None:
        value = raw.values.get("due")
        zone = self.zone
        named = self._text(raw, "zone")
        if named:
            found = zone_named(named)
            if found is None:
                self._fault(raw, "zone", f"expected a time zone such as America/Los_Angeles, got {named!r}")
            zone = found or zone
        if value is None or value == "":
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and 19_000_101 <= value == int(value):
            value = str(int(value))  # 20261201, which a spreadsheet takes for a number
        if isinstance(value, str):
            try:
                return read_instant(value, zone)
            except ValueError as error:
                self._fault(raw, "due", str(error))
                return None
        if isinstance(value, datetime):
            return value if value.tzinfo is not None else value.replace(tzinfo=zone)
        if isinstance(value, date):
            return end_of_day(value, zone)
        self._fault(raw, "due", f"{DUE_EXPECTED}, got {as_written(value)}")
        return None

    def _agree(self, raw: Raw) -> dict[str, Any]:
        """What the elements of a turnover have to agree on: a table, `reel=2; frame_rate=24000/1001`, or yes or no."""
        value = raw.values.get("agree")
        if isinstance(value, str) and "=" in value:
            value = dict((*part.split("=", 1), "")[:2] for part in re.split(r"[;\n]", value) if part.strip())
        if not isinstance(value, Mapping):
            return {"check": self._flag(raw, "agree", True)} if value not in (None, "") else {}
        found: dict[str, Any] = {}
        for name, wanted in ((name.strip(), wanted) for name, wanted in value.items()):
            said = wanted.strip() if isinstance(wanted, str) else wanted
            try:
                if name in ("reel", "sample_rate", "handles"):
                    found[name] = int(said)
                elif name == "frame_rate":
                    Fraction(str(said))
                    found[name] = str(said)
                elif name in ("check", "by_the_hour"):
                    found[name] = said if isinstance(said, bool) else said.lower() in _YES
                else:
                    self._fault(raw, "agree", f"unknown key {name!r}; expected {', '.join(_AGREE)}")
            except (ValueError, TypeError, ZeroDivisionError, AttributeError):
                self._fault(raw, "agree", f"{name}: cannot be read: {said!r}")
        return found

    def _shot_pattern(self, raw: Raw) -> str:
        text = self._text(raw, "shot_pattern") or self.shot_pattern
        try:
            if text and "shot" not in re.compile(text).groupindex:
                self._fault(raw, "shot_pattern", "expected an expression with a group (?P<shot>...)")
        except re.error as error:
            self._fault(raw, "shot_pattern", f"no regular expression: {error}")
        return text

    def _where(self, raw: Raw) -> dict[str, str]:
        """Fields of the name and what they have to be: a table, or `roll=A004; take!=1`."""
        value = raw.values.get("where")
        if isinstance(value, Mapping):
            texts = [
                f"{name}={wanted}" if not str(wanted).startswith("!=") else f"{name}{wanted}"
                for name, wanted in value.items()
            ]
        else:
            texts = [part for part in re.split(r"[;\n]", self._text(raw, "where")) if part.strip()]
        found: dict[str, str] = {}
        for text in texts:
            try:
                condition = NameCondition.parse(text)
            except ConditionFault as error:
                self._fault(raw, "where", str(error))
                continue
            found[condition.field] = f"!={condition.wanted}" if condition.negated else condition.wanted
        return found

    def _rules(self, raw: Raw, key: str) -> dict[str, Any]:
        """Rules in the one form that is kept, from a table or a cell.

        The rules of a starter are not written out: it is named in the schedule, and stays named.
        """
        value = raw.values.get(key)
        try:
            if isinstance(value, Mapping):
                used = value.get("use")
                policies = policies_of(value[POLICY], self.load) if POLICY in value else []
                rest = Spec.compile({name: wanted for name, wanted in value.items() if name not in ("use", POLICY)})
            else:
                parts = [part.strip() for part in re.split(r"[;\n]", self._text(raw, key)) if part.strip()]
                policies = []
                plain: list[str] = []
                for part in parts:
                    found = policy_of_cell(part, self.load)
                    policies += found or []
                    plain += [part] if found is None else []
                names = [match[1] for part in plain if (match := _USE.fullmatch(part)) is not None]
                used = names[0] if len(names) == 1 else names
                rest = Spec.parse("; ".join(part for part in plain if _USE.fullmatch(part) is None))
            rules = {rule.key: _number(rule.condition) for rule in rest.rules}
            return {**({"use": used} if used else {}), **({POLICY: policies} if policies else {}), **rules}
        except SpecFault as error:
            self._fault(raw, key, str(error))
            return {}


DUE_EXPECTED: Final = 'expected a date and time such as "2026-12-01 18:00" or "2026-12-01T18:00:00-08:00"'


def read_instant(text: str, zone: tzinfo) -> datetime:
    """The instant that a text means; a day without a time ends with that day. Raises ValueError: what was expected.

    `12/01/2026` is refused: in one country it is in December, in the next in January.
    """
    given = " ".join(text.split())
    if (weekday := _WEEKDAY.match(given)) is not None:
        found = read_instant(given[weekday.end() :], zone)
        if found.weekday() != _WEEKDAYS.index(weekday[1].lower()):
            raise ValueError(f"{text!r}: {found:%Y-%m-%d} is a {found:%A}")
        return found
    words = given.split(" ")
    if len(words) > 1 and (named := zone_named(words[-1].strip("()"))) is not None:
        zone, given = named, " ".join(words[:-1])
    for written, meant in _AROUND:
        given = written.sub(meant, given)
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", given):
            return end_of_day(date.fromisoformat(given), zone)
        found = datetime.fromisoformat(given)
        return found if found.tzinfo is not None else found.replace(tzinfo=zone)
    except ValueError:
        pass
    plain = given.replace(",", "")
    for day_form in _DATES:
        try:
            return end_of_day(_parsed(plain, day_form).date(), zone)
        except ValueError:
            pass
        for time_form in _TIMES:
            try:
                return _parsed(plain, f"{day_form} {time_form}").replace(tzinfo=zone)
            except ValueError:
                continue
    if (slashed := _SLASHED.match(plain)) is not None:
        first, second = int(slashed[1]), int(slashed[2])
        if (first > 12) != (second > 12) or first == second:  # only one of them can be the month
            month, day = (second, first) if first > 12 else (first, second)
            return read_instant(f"{slashed[3]}/{month:02}/{day:02}{plain[slashed.end() :]}", zone)
        raise ValueError(f"{DUE_EXPECTED}, got {text!r}: which is the month, and which the day?")
    raise ValueError(f"{DUE_EXPECTED}, got {text!r}")


def _parsed(text: str, form: str) -> datetime:
    return datetime.strptime(text, form)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """The last minute of a day."""
    return datetime.combine(day, time(23, 59), tzinfo=zone)


def as_written(value: Any) -> str:
    """A cell's value as a person reads it there."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date | time) else repr(value)


def zone_named(name: str) -> tzinfo | None:
    """The zone of a name such as `Europe/Berlin` or `PT`; None where it names none."""
    if name not in _ZONES and "/" not in name:
        return None
    try:
        return ZoneInfo(_ZONES.get(name, name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _path(pattern: str) -> str:
    """A pattern below the volume's root."""
    return pattern if pattern.startswith("re:") else pattern.removeprefix("./").lstrip("/")


def _number(wanted: Any) -> Any:
    """A whole number that came as a text, as from a cell, is that number: one rule has one form."""
    if isinstance(wanted, float) and wanted.is_integer():
        return int(wanted)
    if isinstance(wanted, str) and re.fullmatch(r"-?(?:0|[1-9]\d{0,15})", wanted):
        return int(wanted)
    return wanted
