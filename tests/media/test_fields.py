"""What of a name can be asked for, and what does each way of asking take?"""

from __future__ import annotations

import pytest

from assetwatch.media.fields import Condition, ConditionFault, fields_of, text_of

CLIP = "OCF/A004R1JL/A004C007_261102_R1JL.mxf"


def test_what_a_name_says() -> None:
    """Facts as plain values; what a name does not say is not there."""
    said = fields_of(CLIP)
    assert (said["roll"], said["clip"], said["date"], said["format"]) == ("A004", 7, "2026-11-02", "arri-classic")
    assert "take" not in said
    assert fields_of("notes.txt") == {}


@pytest.mark.parametrize("folder", ["S003", "A003R1AB"])
def test_the_roll_of_a_card(folder: str) -> None:
    """A clip or take whose own name has no roll is of the card that it lies on; a text file is of none."""
    assert text_of(f"DAY/{folder}/AUDIO/42A-T03.WAV", "roll") == folder[:4]
    assert text_of(f"DAY/{folder}/notes.txt", "roll") is None


def test_a_shows_own_shots() -> None:
    """The show's expression tells the shot."""
    assert text_of("VFX/nfa0420_comp_v003.mov", "shot", r"(?P<shot>[a-z]{3}[0-9]{4})") == "nfa0420"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("roll=A004", True),
        ("roll=a004", True),
        ("roll=A*", True),
        ("roll=A003..A010", True),
        ("roll=B003..B010", False),
        ("roll!=A004", False),
        ("roll=A001 | A004", True),
        ("roll=A001,A002", False),
        ("clip=7", True),
        ("clip=C007", True),
        ("clip=D007", False),
        ("clip=3..7", True),
        ("clip=8..70", False),
        ("date=2026-11-02", True),
        ("date=2026-11-01..2026-11-05", True),
        ("date=2026-10-01..2026-11-01", False),
        ("take=", True),
        ("take=*", False),
        ("take!=1", True),
        ("roll=", False),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    """Texts, numbers, spans, choices, what is there and what is not."""
    condition = Condition.parse(text)
    assert condition.holds(fields_of(CLIP)) is holds
    assert Condition.parse(condition.text) == condition


@pytest.mark.parametrize("text", ["roll", "", "colour=red", "=A004"])
def test_what_is_no_condition(text: str) -> None:
    """A misspelt field would otherwise find nothing, silently."""
    with pytest.raises(ConditionFault):
        Condition.parse(text)
