"""What does an item ask of its media: rules of its own, starters, MediaConch policies?

A `spec` in a schedule holds rules (`spec.Spec`) and, under `policy`, policies that were read when the schedule was
imported: `[{"name": "house.xml", "xml": "<policy ..."}]`. The catalog keeps their text: no file is needed later.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.mediaconch import Policy, PolicyFault, read_policy
from assetwatch.delivery.spec import Spec, SpecFault
from assetwatch.media.answer import Track
from assetwatch.media.facts import Facts

#: The key of a spec that holds policies.
POLICY: Final = "policy"

_CELL: Final = re.compile(r"policy\s*[:=]\s*(.+?)(?:\s*\(packed ([A-Za-z0-9_-]+)\))?", re.DOTALL | re.IGNORECASE)
#: No policy is longer; what says so is no policy.
_MOST_BYTES: Final = 4 << 20

#: Gives the bytes of a file that a schedule names. Raises OSError.
Load = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Requirement:
    """Rules and policies, all of which have to hold."""

    spec: Spec
    policies: tuple[Policy, ...] = ()

    @classmethod
    def compile(cls, rules: Mapping[str, Any]) -> Requirement:
        """From a spec as the schedule keeps it. Raises SpecFault."""
        plain = {key: wanted for key, wanted in rules.items() if key != POLICY}
        return cls(Spec.compile(plain), tuple(_policy(one["name"], one["xml"]) for one in rules.get(POLICY, ())))

    def check(self, facts: Facts | None, path: str, said: Sequence[Track] = ()) -> tuple[Finding, ...]:
        """What every rule gives for a file; `said` are the tracks of MediaInfo's own answer, for policies."""
        found = self.spec.check(facts, path)
        return (*found, *(one for policy in self.policies for one in policy.check(facts, path, said)))

    def check_sequence(self, frames: Sequence[tuple[str, Facts, Sequence[Track]]], path: str) -> tuple[Finding, ...]:
        """What every rule gives for the frames that were probed: of those that fail alike one finding for all."""
        found = self.spec.check_sequence([(frame, facts) for frame, facts, _ in frames], path)
        for policy in self.policies:
            each = [policy.check(facts, frame, said) for frame, facts, said in frames]
            found = (*found, *_of_frames(each, path))
        return found


def _of_frames(each: Sequence[tuple[Finding, ...]], path: str) -> Iterable[Finding]:
    alike = [tuple(replace(one, path=path) for one in findings) for findings in each]
    if len(set(alike)) == 1:
        return alike[0]
    wrong = [one for findings in each for one in findings if one.outcome in (Outcome.FAIL, Outcome.UNKNOWN)]
    return wrong or alike[0]


@lru_cache(maxsize=256)
def _policy(name: str, xml: str) -> Policy:
    try:
        return read_policy(xml.encode())
    except PolicyFault as fault:
        where = f", line {fault.line}" if fault.line else ""
        raise SpecFault(POLICY, f"{name}{where}: {fault}") from None


def policies_of(value: object, load: Load | None) -> list[dict[str, str]]:
    """The policies that a schedule's `policy` names, with their text. Raises SpecFault.

    A name is a file, which `load` reads; a table has `name` and `xml`, as an export writes it.
    """
    found: list[dict[str, str]] = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping) and isinstance(one.get("xml"), str):
            found.append({"name": str(one.get("name") or "policy"), "xml": one["xml"]})
        elif isinstance(one, str) and one.strip():
            found.append(_loaded(one.strip(), load))
        else:
            raise SpecFault(POLICY, f'expected the name of a MediaConch policy such as "house.xml", got {one!r}')
    for policy in found:
        _policy(policy["name"], policy["xml"])
    return found


def _loaded(name: str, load: Load | None) -> dict[str, str]:
    if load is None:
        raise SpecFault(POLICY, f"{name}: cannot be read from here")
    try:
        raw = load(name)
    except OSError as error:
        raise SpecFault(POLICY, f"{name}: cannot be read: {error.strerror or error}") from None
    if len(raw) > _MOST_BYTES:
        raise SpecFault(POLICY, f"{name}: larger than any policy")
    return {"name": re.split(r"[/\\]", name)[-1], "xml": _text(raw)}


def _text(raw: bytes) -> str:
    """The text of a policy, without a declaration of another encoding than the catalog keeps it in."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = raw.decode(encoding, errors="replace")
    return re.sub(r"^\s*<\?xml[^>]{0,200}\?>\s*", "", text)


def policy_of_cell(part: str, load: Load | None) -> list[dict[str, str]] | None:
    """The policy that a part of a cell names, `policy:house.xml`; None where it names none. Raises SpecFault."""
    found = _CELL.fullmatch(part.strip())
    if found is None:
        return None
    name, packed = found[1].strip(), found[2]
    if packed is None:
        return policies_of(name, load)
    try:
        unpacked = zlib.decompressobj().decompress(
            base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)), _MOST_BYTES
        )
    except (ValueError, zlib.error):
        raise SpecFault(POLICY, f"{name}: its packed text is damaged") from None
    return policies_of({"name": name, "xml": unpacked.decode("utf-8", errors="replace")}, None)


def cell_of_policy(policy: Mapping[str, str]) -> str:
    """A policy with its text as a part of a cell."""
    packed = base64.urlsafe_b64encode(zlib.compress(policy["xml"].encode(), 9)).decode().rstrip("=")
    return f"policy:{policy['name']} (packed {packed})"
