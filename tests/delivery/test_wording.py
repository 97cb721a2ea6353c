"""Is a finding said as a person would say it?"""

from __future__ import annotations

import pytest

from assetwatch.delivery.findings import Finding, Outcome
from assetwatch.delivery.wording import sentence


@pytest.mark.parametrize(
    ("rule", "expected", "observed", "said"),
    [
        ("count", "one per stem in DX, MX", "1 more: XX", "1 more than asked for (one per stem in DX, MX): XX"),
        ("count", "3", "2 more", "2 more than asked for (3)"),
        (
            "listed_length",
            "9.00 s, line 6 of the list",
            "3.00 s",
            "3.00 s long; listed with 9.00 s, line 6 of the list",
        ),
    ],
)
def test_sentences(rule: str, expected: str, observed: str, said: str) -> None:
    """What there is comes first, then what was asked for."""
    assert sentence(Finding(rule, Outcome.FAIL, expected, observed)) == said
