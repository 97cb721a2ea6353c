"""In which shape does every check of a delivery say what it found?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What one rule gave (contract, part 2)."""

    PASS = "pass"
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"  #: what the rule asks about could not be read


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule gave for one file, or for the deliverable as a whole (`path` None).

    `expected` and `observed` are texts for a person; None where there is nothing to say. `path` is given back as the
    caller gave it. A finding that only needs to be known, and does not make the deliverable fail, is a `notice`. `by`
    is what the expectation was taken from: another file, by its path.
    """

    rule: str
    outcome: Outcome
    expected: str | None = None
    observed: str | None = None
    path: str | None = None
    notice: bool = False
    by: str | None = None

    @property
    def failed(self) -> bool:
        """Whether this makes the deliverable fail."""
        return self.outcome is Outcome.FAIL and not self.notice


def failures(findings: tuple[Finding, ...] | list[Finding]) -> tuple[Finding, ...]:
    """Those that make the deliverable fail."""
    return tuple(finding for finding in findings if finding.failed)
