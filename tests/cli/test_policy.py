"""Is media held to a MediaConch policy that a schedule names?"""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

POLICY = """<?xml version="1.0" encoding="UTF-8"?>
<policy type="and" name="House">
  <rule name="Rate" value="SamplingRate" tracktype="Audio" occurrence="*" operator="=">48000</rule>
  <rule name="Endianness" value="Format_Settings_Endianness" tracktype="Audio" operator="=">Little</rule>
  <rule name="Channels" value="Channel(s)" tracktype="Audio" occurrence="*" operator="&gt;=">2</rule>
</policy>
"""

SCHEDULE = """
[[deliverable]]
id = "STEM"
due = 2999-01-01T18:00:00Z
  [[deliverable.item]]
  name = "Stem"
  match = "MIX/*_v{version}.wav"
  spec = SPEC
"""


class Show:
    """A catalog, and a schedule whose spec is a policy."""

    def __init__(self, folder: Path, call: Callable[..., Any]) -> None:
        self.folder = folder
        self._call = call
        (folder / "house.xml").write_text(POLICY)

    def __call__(self, *args: str | Path) -> Any:
        return self._call("--catalog", self.folder / "catalog.db", *args)

    def schedule(self, spec: str, name: str = "show.toml") -> Any:
        """Import a schedule with this spec."""
        (self.folder / name).write_text(SCHEDULE.replace("SPEC", spec) if name.endswith("toml") else spec)
        return self("schedule", "import", self.folder / name, "--json").json

    def stem(self, version: int, channels: int) -> None:
        """Deliver a stem."""
        file = self.folder / "ingest" / "MIX" / f"stem_v{version}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(file), "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(3)
            out.setframerate(48000)
            out.writeframes(bytes(48000 * 3 * channels))
        assert self("scan", self.folder / "ingest", "--settle", "50ms", "--json").code == 0

    def problems(self) -> tuple[str, list[tuple[str, str, str | None]]]:
        """Where it stands, and what is wrong: (rule, expected, observed)."""
        one = self("deliverables", "STEM", "--json").json[0]
        problems = [problem for item in one["items"] for problem in item["problems"]]
        return one["status"], [(p["rule"], p["expected"], p["observed"]) for p in problems]


@pytest.fixture
def show(tmp_path: Path, call: Callable[..., Any]) -> Show:
    """A show without a schedule."""
    return Show(tmp_path, call)


@pytest.mark.parametrize("spec", ['"policy:house.xml"', '{ policy = "house.xml" }', '{ policy = ["house.xml"] }'])
def test_a_policy_is_a_spec(show: Show, spec: str) -> None:
    """Its rules are asked of the facts, and of MediaInfo's answer; the file of the policy is not needed afterwards."""
    assert show.schedule(spec)["faults"] == []
    (show.folder / "house.xml").unlink()
    show.stem(1, channels=1)
    assert show.problems() == ("failed", [("Channels", "Channel(s) >= 2", "1")])
    show.stem(2, channels=2)
    assert show.problems() == ("verified", [])


def test_rules_stand_beside_a_policy(show: Show) -> None:
    """A cell may have both, and both have to hold."""
    assert show.schedule('"policy:house.xml; audio.bit_depth=16"')["faults"] == []
    show.stem(1, channels=2)
    assert show.problems() == ("failed", [("audio.bit_depth", "16", "24")])


@pytest.mark.parametrize("form", ["toml", "csv"])
def test_an_export_holds_the_policy(show: Show, form: str) -> None:
    """What was exported changes nothing when it comes back, without the file of the policy."""
    show.schedule('{ policy = "house.xml", "audio.bit_depth" = 24 }')
    (show.folder / "house.xml").unlink()
    show("schedule", "export", "--format", form, "-o", show.folder / f"again.{form}")
    answer = show("schedule", "import", show.folder / f"again.{form}", "--json").json
    assert (answer["applied"], answer["changed"], answer["faults"]) == (True, [], [])


def test_a_policy_that_is_none_is_a_fault(show: Show) -> None:
    """A file that is not there, or no policy, is told with its place, and nothing is applied."""
    answer = show.schedule('"policy:other.xml"')
    assert [fault["where"] for fault in answer["faults"]] == ["line 8, spec"]
    assert "other.xml: cannot be read" in answer["faults"][0]["text"]
    (show.folder / "other.xml").write_text("<xmeml/>")
    assert "no MediaConch policy" in show.schedule('"policy:other.xml"')["faults"][0]["text"]
    sheet = "deliverable,item,match,spec\nSTEM,Stem,MIX/*.wav,policy:gone.xml\n"
    assert show.schedule(sheet, "show.csv")["faults"][0]["where"] == "row 2, column D (spec)"
