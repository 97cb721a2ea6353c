"""What came out of verifying a folder, and how is it written as a document?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from assetwatch.checksum.manifests.format import Finding
from assetwatch.checksum.verdict import EntryVerdict
from assetwatch.model import Verdict
from assetwatch.paths import percent, readable

#: Findings of one kind that are named one by one; the rest are counted.
NAMED = 20


@dataclass(slots=True)
class PackageVerdict:
    """The outcome for a folder or a list.

    `manifest` names the lists that were used and `format` their formats, joined by `, ` and `+`; both are None
    where there was none. `findings` are remarks and faults; `counts` the verdicts by word, with `extra`.
    """

    manifest: str | None
    format: str | None
    entries: list[EntryVerdict] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict, and how many files are extra."""
        counted = Counter(str(entry.verdict) for entry in self.entries)
        return {**{str(word): counted[str(word)] for word in Verdict}, "extra": len(self.extra)}

    @property
    def clean(self) -> bool:
        """Whether everything listed is verified, nothing is extra, and nothing is wrong with the lists."""
        return (
            self.manifest is not None
            and not self.extra
            and all(entry.verdict is Verdict.VERIFIED for entry in self.entries)
            and not any(finding.wrong for finding in self.findings)
        )

    def as_json(self) -> dict[str, object]:
        """The document of `manifest verify --json` (contract, part 3)."""
        return {
            "manifest": self.manifest,
            "format": self.format,
            "summary": self.counts,
            "entries": [
                {
                    **_names(entry.path),
                    "verdict": str(entry.verdict),
                    "algorithm": entry.algorithm,
                    "expected": entry.expected,
                    "computed": entry.computed,
                    **({"written": entry.written} if entry.written else {}),
                    **({"notes": list(entry.notes)} if entry.notes else {}),
                    **({"readings": list(entry.readings)} if entry.readings else {}),
                }
                for entry in self.entries
            ],
            "extra": [readable(path) for path in self.extra],
            "warnings": [str(finding) for finding in self.findings],
            "problems": [
                {"kind": f.kind, "path": f.path, "line": f.line, "what": f.what} for f in self.findings if f.wrong
            ],
        }


def _names(path: str) -> dict[str, str]:
    """A path for a document: readable, and exactly beside it where that differs."""
    exact = percent(path)
    return {"path": readable(path), **({"path_bytes": exact} if exact is not None else {})}


class Findings:
    """Collects findings, each once, and of one kind no more than a person reads."""

    def __init__(self) -> None:
        self._seen: set[Finding] = set()
        self._kept: list[Finding] = []
        self._more: Counter[tuple[str, bool]] = Counter()

    def report(self, finding: Finding) -> None:
        """Take one in."""
        if finding in self._seen:
            return
        if sum(known.kind == finding.kind for known in self._seen) >= NAMED:
            self._more[finding.kind, finding.wrong] += 1
            return
        self._seen.add(finding)
        self._kept.append(finding)

    def all(self) -> list[Finding]:
        """What was taken in, then how many more there were of a kind."""
        more = [Finding(kind, f"and {n} more of {kind!r}", wrong=wrong) for (kind, wrong), n in self._more.items()]
        return [*self._kept, *more]
