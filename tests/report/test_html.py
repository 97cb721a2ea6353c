"""Is the page one file that anybody can read, does it say what the report says, and does every name keep its place?"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from assetwatch.paths import shown
from assetwatch.report.basics import Place, Severity, Some
from assetwatch.report.html import (
    MAIL_MAX_BYTES,
    PAGE_MAX_BYTES,
    TILES,
    IndexEntry,
    render,
    render_index,
    render_mail,
)
from assetwatch.report.palette import DARK, GROUNDS, LIGHT, TEXTS
from assetwatch.report.value import Report
from assetwatch.units import size
from tests.report import samples
from tests.report.samples import HOSTILE, NOW, ZONE, first, hostile, night, quiet

#: Elements between which a reader sees a gap.
APART = {"td", "th", "br", "p", "li", "dt", "dd", "b", "h1", "h2", "h3", "h4", "figcaption", "summary", "text"}
VOID = {"meta", "img", "br", "wbr", "link", "hr", "input", "source"}

#: A JPEG as far as a page is concerned.
JPEG = b"\xff\xd8\xff\xe0 a frame \xff\xd9"


class Page(HTMLParser):
    """A page taken apart: elements with their attributes, and the text that a person reads."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.style = ""
        self._open: list[str] = []
        self.marked: dict[tuple[str, str], str] = {}
        self._marks: list[tuple[int, tuple[str, str]]] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}"
        self.elements.append((tag, dict(attrs)))
        if tag in APART:
            self.handle_data(" ")
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self._open.append(tag)
            for name, value in attrs:
                if name.startswith("data-") and value is not None and name != "data-as":
                    self._marks.append((len(self._open), (name, value)))
                    self.marked[name, value] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag in APART:
            self.handle_data(" ")
        assert self._open, f"closed and never opened: {tag}"
        if self._open[-1] == tag or tag not in ("path", "rect", "circle"):
            assert self._open.pop() == tag
        self._marks = [one for one in self._marks if one[0] <= len(self._open)]

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
            return
        self.texts.append(data)
        for _, mark in self._marks:
            self.marked[mark] += data

    @property
    def text(self) -> str:
        """What is read, in one line."""
        return " ".join("".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]

    def numbers(self, mark: str) -> dict[str, int]:
        """The numbers in the elements with this `data-` attribute, by its value."""
        found = {value: text for (name, value), text in self.marked.items() if name == f"data-{mark}"}
        return {value: int(text.replace(",", "")) for value, text in found.items()}


def framed(report: Report) -> dict[Place, bytes]:
    """A frame of everything of which the report wants one."""
    return {
        picture: JPEG
        for sender in report.arrivals.senders
        for place in sender.places.first
        for picture in place.pictures
    }


def page_of(report: Report) -> Page:
    """The page of a report, with frames."""
    return Page(render(report, framed(report)))


class TestOneFile:
    """Nothing is fetched, nothing runs."""

    @pytest.mark.parametrize("make", [night, quiet, first, hostile])
    def test_nothing_is_fetched(self, make: Any) -> None:
        """Links stay on the page, pictures are inside it, and its style names no other file."""
        page = page_of(make())
        tags = {tag for tag, _ in page.elements}
        assert tags & {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video", "use"} == set()
        assert all(href.startswith("#") for href in page.values("href"))
        assert all(src.startswith("data:image/jpeg;base64,") for src in page.values("src"))
        assert "url(" not in page.style
        assert "@import" not in page.style
        names = {name for _, attributes in page.elements for name in attributes}
        assert {name for name in names if name.startswith("on")} == set()
        assert names & {"style", "srcset", "action", "xlink:href", "background", "http-equiv"} == set()

    @pytest.mark.parametrize("make", [night, quiet, first])
    def test_no_address_at_all(self, make: Any) -> None:
        """Without a name that holds one there is no address in the page."""
        assert re.findall(r"https?:|//\w", render(make())) == []

    @pytest.mark.parametrize("make", [night, quiet, first, hostile])
    def test_ids_are_unique_and_links_lead_somewhere(self, make: Any) -> None:
        """Each id is there once; each link, and each label of a picture, names one."""
        page = page_of(make())
        ids = Counter(page.values("id"))
        assert [one for one, count in ids.items() if count > 1] == []
        wanted = {href.removeprefix("#") for href in page.values("href")}
        wanted |= {one for label in page.values("aria-labelledby") for one in label.split()}
        # What has nothing to tell has no section: a tile that leads there would be one of the hostile names.
        assert wanted - set(ids) == set()

    def test_the_same_report_gives_the_same_page(self) -> None:
        """Nothing in it depends on when or how often it is written."""
        assert render(night()) == render(night())


class TestReaders:
    """Everybody can read it."""

    def test_each_picture_says_what_it_shows(self) -> None:
        """A drawing has role, title and description, a frame an alternative text."""
        text = render(night(), framed(night()))
        drawings = re.findall(
            r"<svg ([^>]*)><title id=\"([^\"]+)\">([^<]+)</title><desc id=\"([^\"]+)\">([^<]+)<", text
        )
        assert len(drawings) == text.count("<svg") > 5
        for attributes, title_id, _, desc_id, _ in drawings:
            assert 'role="img"' in attributes
            assert f'aria-labelledby="{title_id} {desc_id}"' in attributes
        frames = [attributes for tag, attributes in Page(text).elements if tag == "img"]
        assert len(frames) == 7
        assert all(one["alt"] for one in frames)

    def test_numbers_of_pictures_stand_in_tables_too(self) -> None:
        """Each kind of picture has its numbers as a table beside it."""
        text = page_of(night()).text
        assert text.count("The same in numbers") == 3 + 3
        for day in night().days:
            assert f"{day.day.day} Nov {day.files:,} {size(day.size)}" in text

    @pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
    def test_text_can_be_told_from_its_ground(self, palette: dict[str, str]) -> None:
        """Every colour of text has a contrast of 4.5 or more on every ground of its mode (WCAG 2.2, 1.4.3)."""
        low = {(t, g): contrast(palette[t], palette[g]) for t in TEXTS for g in GROUNDS}
        assert {pair: value for pair, value in low.items() if value < 4.5} == {}

    def test_colours_of_the_style_are_known_in_both_modes(self) -> None:
        """Each colour that a rule uses is given for light and for dark."""
        assert set(LIGHT) == set(DARK)
        assert set(re.findall(r"var\(--([\w-]+)\)", page_of(night()).style)) <= set(LIGHT)

    def test_no_colour_stands_alone(self) -> None:
        """Every need is introduced by a word for its severity, not only by a colour."""
        page = page_of(night())
        for severity, words in (("wrong", "Something is wrong: "), ("attention", "Needs a look: ")):
            needs = sum(need.severity == severity for need in night().needs.first)
            assert "".join(page.texts).count(words) == needs > 0

    def test_headings_go_down_step_by_step(self) -> None:
        """No level of headings is left out."""
        levels = [int(tag[1]) for tag, _ in page_of(night()).elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


class TestWhatItSays:
    """The page says what the report says."""

    def test_head(self) -> None:
        """Show, verdict, sentence, range and time zone come first, in the show's own time."""
        text = page_of(night()).text
        head = text[: text.index("Needs a person today")]
        for said in (
            *("NIGHTFALL", "Tuesday 24 November 2026", "Something is wrong", night().headline.sentence),
            *("Mon 23 Nov 06:05 to Tue 24 Nov 06:05", "America/Los_Angeles"),
        ):
            assert said in head

    def test_worst_first_and_the_coordinator_before_the_engineer(self) -> None:
        """The order of the parts."""
        text = page_of(night()).text
        parts = [
            *("Something is wrong", "Needs a person today", "Late:", "Failed or rejected:", "Due soon:"),
            *("Newly complete:", "Arrived since", "Senders' lists", "Files read again", "Files that are wrong now"),
            *("Everything in care", "What was noticed", "The daemon", "Messages that were not sent"),
        ]
        places = [text.index(part) for part in parts]
        assert places == sorted(places)

    def test_numbers_are_those_of_the_report(self) -> None:
        """Counts, statuses, totals, the sweep and its reasons, differences and states, to the last digit."""
        report = night()
        page = page_of(report)
        assert page.numbers("count") == dict(report.headline.counts)
        assert page.numbers("status") == dict(report.deliverables.by_status)
        deliverables = report.deliverables
        assert page.numbers("list") == {
            "late": deliverables.late.total,
            "failing": deliverables.failing.total,
            "due-soon": deliverables.due_soon.total,
            "complete": deliverables.newly_complete.total,
        }
        assert page.numbers("total") == {"arrived": report.arrivals.files, "problems": report.problems.total}
        sweep = report.sweep
        assert sweep is not None
        assert page.numbers("sweep") == {
            word: getattr(sweep, word)
            for word in ("checked", "verified", "mismatch", "missing", "unreadable", "not_checked")
        }
        assert page.numbers("reason") == {word: files for word, _, files in sweep.reasons}
        assert page.numbers("change") == {word: number for word, _, number in report.changes.counts}
        assert page.numbers("presence") == {word: one.files for word, one in report.by_presence.items()}
        assert page.numbers("integrity") == {word: one.files for word, one in report.by_integrity.items()}
        assert page.numbers("packages") == {"complete": report.packages.complete}

    def test_differences(self) -> None:
        """Before, now and change of each number stand in its row."""
        page = page_of(night())
        before = night().before
        assert before is not None
        for one in before.differences:
            numbers = re.findall(r"[\d,.]+", page.marked["data-difference", one.key])
            if not one.is_size:
                assert [int(n.replace(",", "")) for n in numbers[:2]] == [one.before, one.now]

    def test_each_need_is_told_whole(self) -> None:
        """What, where, and what to do about it."""
        text = page_of(night()).text
        for need in night().needs.first:
            assert need.what in text
            assert need.where in text
            assert need.to_do in text

    def test_a_command_looks_like_one(self) -> None:
        """What is to be typed is marked as such, on the page and in the mail."""
        need = replace(night().needs.first[0], to_do="ask <Lab>: `assetwatch chase 'R<1>'` writes the message")
        report = replace(night(), needs=Some.of([need], 9))
        for page in (render(report), render_mail(report)):
            assert "ask &lt;Lab&gt;: <code>assetwatch chase &#39;R&lt;1&gt;&#39;</code> writes the message" in page

    def test_a_deliverable_is_told_once(self) -> None:
        """What is missing, whom to ask; where it stands in a second list, only that it is told above."""
        text = page_of(night()).text
        assert "Missing: Change list" in text
        assert text.count("NGF_065_070_PL01: 4096 x 2160 expected, 3840 x 2160 found") == 1
        assert "told above, under Late" in text
        assert "Editorial for Mix House" in text

    def test_arrivals_by_sender_and_reel(self) -> None:
        """Each place stands under its sender, with its reel, its size and how its files stand."""
        text = page_of(night()).text
        camera = text[text.index("Camera 143 files, 2.35 TB") : text.index("Mix House 8 files")]
        assert "A014R1QX ingest:D22/A014R1QX 48 1.41 TB" in camera
        assert "1 mismatch, 47 verified" in camera
        assert "No deliverable is about these" in text

    def test_since_when(self) -> None:
        """What arrived and what happened is told since when, however the report was asked for."""
        for text in (page_of(night()).text, Page(render_mail(night())).text):
            assert "since the last report" not in text.replace("Changed in the schedule since the last report", "")
            assert "Arrived since Mon 23 Nov 06:05" in text

    def test_quiet_night(self) -> None:
        """That nothing is wrong is said, not left out."""
        text = page_of(quiet()).text
        for said in ("All is well", "Nothing is late.", "Nothing has failed.", "None: no mismatch", "no message waits"):
            assert said in text

    def test_first_report(self) -> None:
        """Where nothing is known yet the page says so."""
        text = page_of(first()).text
        for said in ("first report", "No sweep has been made yet", "No deliverables", "No volume", "Nothing arrived"):
            assert said in text

    def test_acknowledged_files_are_told_apart(self) -> None:
        """Files that a person knows of are not among those that are wrong now, and not forgotten."""
        assert "acknowledged by a person: 1 mismatch, 4 missing" in page_of(night()).text

    def test_never_is_said(self) -> None:
        """A sweep that never gets through at its pace says so."""
        sweep = night().sweep
        assert sweep is not None
        assert "never at this pace" in page_of(replace(night(), sweep=replace(sweep, all_by=None))).text

    def test_every_count_of_a_headline_has_a_tile(self) -> None:
        """A word that the page does not know yet is shown as it is."""
        report = night()
        headline = replace(report.headline, counts=(("two_words", 7),))
        assert "7 two words" in page_of(replace(report, headline=headline)).text
        assert {word for word, _ in report.headline.counts} <= set(TILES)


class TestFrames:
    """Pictures of what arrived."""

    def test_a_frame_stands_with_its_name(self) -> None:
        """A frame is shown inside the page under its file's name; what has none leaves no gap."""
        one = Place("ingest", "D22/A014R1QX/A014C004_261123_R1QX.mov")
        page = Page(render(night(), {one: JPEG}))
        assert len(page.values("src")) == 1
        assert "A014C004_261123_R1QX.mov" in page.text

    def test_why_there_are_none(self) -> None:
        """The note is told once, where something arrived."""
        assert Page(render(night(), note="no frames today")).text.count("no frames today") == 1
        assert "no frames today" not in render(first(), note="no frames today")


class TestNames:
    """No name gets out of its place."""

    def test_no_element_comes_from_a_name(self) -> None:
        """A page full of hostile names has the elements and attributes that it has with decent ones."""
        decent, bad = page_of(night()), page_of(hostile())
        known = {(tag, name) for tag, attributes in decent.elements for name in attributes}
        assert {(tag, name) for tag, attributes in bad.elements for name in attributes} <= known
        assert {tag for tag, _ in bad.elements} <= {tag for tag, _ in decent.elements}
        assert "49" not in {text.strip() for text in bad.texts}

    def test_each_is_readable(self) -> None:
        """Each hostile name is on the page as a person may read it, with what it hides made visible."""
        text = "".join(page_of(hostile()).texts)
        for name in HOSTILE:
            assert shown(name) in text
        assert "\\u202e" in text

    @pytest.mark.parametrize("written", [render, render_mail], ids=["page", "mail"])
    def test_nothing_invisible_is_left(self, written: Any) -> None:
        """No control character and no mark that turns the direction of writing, in the page or in a mail."""
        page = Page(written(hostile()))
        texts = [*page.texts, *(value for _, attributes in page.elements for value in attributes.values() if value)]
        signs = {sign for text in texts for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs")}
        assert signs <= {"\n"}

    def test_a_mail_of_them(self) -> None:
        """A mail holds no element of a name either."""
        known = {tag for tag, _ in Page(render_mail(night())).elements}
        assert {tag for tag, _ in Page(render_mail(hostile())).elements} <= known


def enormous(length: int) -> Report:
    """Thousands of everything, with names that are hostile and long."""
    report = hostile(length)

    def much(some: Some[Any], times: int = 400) -> Some[Any]:
        return Some(some.first * times, len(some.first) * times + 1000)

    owed = report.deliverables
    return replace(
        report,
        needs=much(report.needs),
        problems=much(report.problems),
        deliverables=replace(
            owed,
            every=much(owed.every),
            late=much(Some(tuple(replace(one, missing=much(one.missing)) for one in owed.late.first), 2)),
            failing=much(owed.failing),
            due_soon=much(owed.due_soon),
            changed=much(owed.changed),
            new=much(owed.new),
            gone=much(owed.gone),
        ),
        arrivals=replace(
            report.arrivals,
            senders=tuple(replace(one, places=much(one.places)) for one in report.arrivals.senders) * 50,
        ),
        changes=replace(report.changes, worst=much(report.changes.worst)),
        volumes=report.volumes * 60,
        unsent=much(report.unsent),
        faults=report.faults * 400,
    )


class TestSize:
    """However much there is to say, the page stays small enough."""

    def test_page_and_mail_stay_below_their_limits(self) -> None:
        """Thousands of rows of long hostile names: below 2 MB, a mail below what mail programs cut off."""
        report = enormous(4000)
        frames = dict.fromkeys(list(framed(report))[:24], b"\xff" * 12_000)
        assert len(render(report, frames).encode()) < PAGE_MAX_BYTES
        assert len(render_mail(report).encode()) < MAIL_MAX_BYTES

    @pytest.mark.parametrize("times", [1, 100], ids=["by the value", "by the page"])
    def test_what_is_left_out_is_counted(self, times: int) -> None:
        """Behind the rows that are shown stands how many more there are, and the totals stay true."""
        report = night()
        report = replace(report, problems=Some(report.problems.first * times, 7_001))
        page = page_of(report)
        assert page.numbers("total")["problems"] == 7_001
        rows = page.text.split("Files that are wrong now")[1].split("How long ago")[0]
        left_out = re.search(r"and ([\d,]+) more", rows)
        assert left_out is not None
        shown_rows = len(re.findall(r"(?:sound|ingest):", rows))
        assert shown_rows + int(left_out[1].replace(",", "")) == 7_001

    def test_a_long_name_keeps_its_ends(self) -> None:
        """A name of thousands of characters is cut in its middle."""
        report = night()
        need = replace(report.needs.first[0], what="begin" + "x" * 5000 + "end")
        text = page_of(replace(report, needs=Some((need,), 1))).text
        assert re.search(r"Beginx+ … x+end", text)
        assert "x" * 400 not in text


class TestMail:
    """The body of a mail."""

    def test_only_what_mail_programs_keep(self) -> None:
        """Tables and words: no drawing, no style sheet, no picture, no link to anywhere."""
        page = Page(render_mail(night()))
        tags = {tag for tag, _ in page.elements}
        assert tags & {"svg", "style", "img", "script", "link", "a", "details"} == set()
        assert "var(" not in render_mail(night())

    def test_the_same_numbers(self) -> None:
        """It says the headline, every need, and the numbers of the sweep."""
        report = night()
        text = Page(render_mail(report, whole="The whole report is attached.")).text
        for said in (
            *(report.headline.sentence, "NIGHTFALL", "America/Los_Angeles", "The whole report is attached."),
            *(need.what for need in report.needs.first),
            *("Checked 18,204", "Verified 18,199", "Not checked 52,611", "247 files, 2.37 TB", "Late: 2"),
        ):
            assert said in text

    def test_its_colours_can_be_read(self) -> None:
        """Each colour of its text stands out from the white that it is written on."""
        colours = set(re.findall(r"(?<![-\w])color:(#\w{6})", render_mail(night())))
        assert len(colours) >= 4
        assert [colour for colour in colours if contrast(colour, "#ffffff") < 4.5] == []

    @pytest.mark.parametrize("make", [night, quiet, first])
    def test_is_small(self, make: Any) -> None:
        """Ordinary mails are far below the limit."""
        assert len(render_mail(make()).encode()) < MAIL_MAX_BYTES / 3


class TestIndex:
    """The list of kept reports."""

    ENTRIES = (
        IndexEntry(NOW - timedelta(days=1), Severity.ATTENTION, "2 late", (("html", "a b#1.html"),)),
        IndexEntry(NOW, Severity.WRONG, "1 mismatch", (("html", "r2.html"), ("json", "r2.json"))),
        IndexEntry(NOW - timedelta(days=400), Severity.OK, HOSTILE[2], (("text", 'x"onclick="y.txt'),)),
    )

    def _page(self) -> Page:
        return Page(render_index(self.ENTRIES, project="NIGHTFALL", zone=ZONE, zone_name="America/Los_Angeles"))

    def test_newest_first(self) -> None:
        """Each report with its date, how things stood and what it said; another year is named."""
        text = self._page().text
        places = [text.index(said) for said in ("1 mismatch", "2 late", shown(HOSTILE[2]))]
        assert places == sorted(places)
        assert "Tue 24 Nov 06:05" in text
        assert "2025" in text

    def test_links_are_beside_it(self) -> None:
        """Links are names of files in the same folder, so that it works from a disk as from a server."""
        assert self._page().values("href") == ["r2.html", "r2.json", "a%20b%231.html", "x%22onclick%3D%22y.txt"]

    def test_empty(self) -> None:
        """Without reports it says so."""
        text = Page(render_index((), project="", zone=ZONE, zone_name="UTC")).text
        assert "No report has been kept yet." in text


def test_samples_have_something_of_everything() -> None:
    """The bad night leaves no part of a report empty: what the tests above look at is there."""
    assert [name for name in night().__dataclass_fields__ if not getattr(night(), name)] == []
    assert samples.local(11, 24, 6, 5) == NOW
