"""Is everybody told what he asked for, and nothing else?"""

from __future__ import annotations

from typing import Any

import pytest

from assetwatch.config import AboutSection, NotifySection, RouteSection
from assetwatch.notify.letter import Letter, Owed, Severity
from assetwatch.notify.routes import Matter, addresses, concerns, places, severity_for, untold

SOUND = Owed("R1-SOUND", "Editorial", "Mix House", "wrong")
VFX = Owed("SH010", "VFX House", "DI", "attention")


def route(**rules: Any) -> RouteSection:
    """A route with these rules."""
    return RouteSection(name="r", to=("a@example.com",), **rules)


class TestAlerts:
    """`concerns`"""

    @pytest.mark.parametrize(
        ("severity", "told"), [("all", [True, True]), ("attention", [True, True]), ("wrong", [False, True])]
    )
    def test_severity(self, severity: str, told: list[bool]) -> None:
        """As bad as asked for, or worse."""
        grades: tuple[Severity, ...] = ("attention", "wrong")
        assert [concerns(Matter(one), route(severity=severity)) for one in grades] == told

    def test_volumes(self) -> None:
        """A route about volumes hears of these only, by pattern, whatever the case."""
        mine = route(volumes=("Ingest*",))
        assert concerns(Matter("wrong", volume="ingest-2"), mine)
        assert not concerns(Matter("wrong", volume="vfx"), mine)
        assert not concerns(Matter("wrong"), mine)
        assert not concerns(Matter("wrong", deliverable=SOUND), mine)

    def test_deliverables(self) -> None:
        """By id, by who sends, by who needs it; all that is given has to fit."""
        for about, told in (
            (AboutSection(id=("R1-*",)), True),
            (AboutSection(sender=("editorial",)), True),
            (AboutSection(receiver=("Mix*", "DI")), True),
            (AboutSection(id=("R1-*",), sender=("VFX*",)), False),
            (AboutSection(id=("R2-*",)), False),
            (AboutSection(), True),
        ):
            assert concerns(Matter("wrong", deliverable=SOUND), route(deliverables=about)) is told
        assert not concerns(Matter("wrong", volume="ingest"), route(deliverables=AboutSection()))

    def test_volumes_or_deliverables(self) -> None:
        """A route that names both hears of both."""
        mine = route(volumes=("ingest",), deliverables=AboutSection(id=("R1-*",)))
        assert concerns(Matter("wrong", volume="ingest"), mine) and concerns(Matter("wrong", deliverable=SOUND), mine)

    def test_projects(self) -> None:
        """Of other projects nothing; of what belongs to none, everything."""
        mine = route(projects=("NIGHTFALL",))
        assert concerns(Matter("wrong", "nightfall"), mine) and concerns(Matter("wrong", None), mine)
        assert not concerns(Matter("wrong", "DAYBREAK"), mine)


class TestReports:
    """`severity_for`"""

    LETTER = Letter("s", "t", None, "wrong", ("NIGHTFALL",), ("ingest",), (SOUND, VFX))

    def test_everything(self) -> None:
        """A route without rules takes it as it is."""
        assert severity_for(self.LETTER, route()) == "wrong"

    def test_by_the_deliverables_owner(self) -> None:
        """For a route about deliverables it is as bad as these are; with none of them in it all is well."""
        for sender, severity in (("Editorial", "wrong"), ("VFX*", "attention"), ("Grading", "well")):
            assert severity_for(self.LETTER, route(deliverables=AboutSection(sender=(sender,)))) == severity

    def test_not_for_it(self) -> None:
        """About another project, or about other volumes: it is not sent at all."""
        assert severity_for(self.LETTER, route(projects=("DAYBREAK",))) is None
        assert severity_for(self.LETTER, route(volumes=("vfx",))) is None
        assert severity_for(self.LETTER, route(volumes=("vfx", "ingest"))) == "wrong"

    def test_about_nothing_in_particular(self) -> None:
        """A letter that names no project and no volume is for everybody."""
        assert severity_for(Letter("s", "t"), route(projects=("X",), volumes=("y",))) == "well"


def test_places() -> None:
    """Mail once for all addresses, each credential by its name; each of them once."""
    mine = RouteSection(
        name="r",
        to=("a@x.org", "credential:slack", "mailto:b@x.org,a@x.org", "credential:/run/teams", "credential:slack"),
    )
    assert places(mine) == ["mail", "slack", "/run/teams"]
    assert addresses(mine) == ["a@x.org", "b@x.org"]
    assert places(RouteSection(name="r", to=("credential:slack",))) == ["slack"]


def test_urls_are_a_route_of_their_own() -> None:
    """It is told everything, and comes first."""
    section = NotifySection(urls=("mailto:a@x.org",), route=(route(),))
    assert [one.name for one in section.routes] == ["urls", "r"]
    assert concerns(Matter("attention", "P", "v", SOUND), section.routes[0])


def test_holes() -> None:
    """What nobody would hear of is found."""
    assert list(untold(NotifySection())) == []
    assert list(untold(NotifySection(route=(route(),)))) == []
    (hole,) = untold(NotifySection(route=(route(volumes=("ingest",)),)))
    assert "alerts about everything" in hole
    assert any("report" in one for one in untold(NotifySection(route=(route(report=False),))))
