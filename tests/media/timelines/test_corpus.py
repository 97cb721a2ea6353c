"""Tests against other people's cut lists, and what other readers made of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetwatch.media.timelines import Timeline, TimelineFault, read_timeline, to_json

CODES = ("source_in", "source_out", "record_in", "record_out")

Rows = dict[str, list[dict[str, str]]]


def read(corpus: Path, name: str) -> Timeline:
    if name.endswith(".aaf"):
        pytest.importorskip("aaf2", reason="the extra 'timelines' is not installed")
    return read_timeline(corpus / "05-editorial" / name)


def each(rows: Rows, *endings: str) -> Iterator[str]:
    return (name for name in sorted(rows) if name.endswith(endings))


def test_edl_events(corpus: Path, tables: dict[str, Rows]) -> None:
    """Every event that the reference reader found is found, with the same fields."""
    for name, rows in tables["expected_edl_events"].items():
        ours = Counter(
            (int(e.number or 0), e.reel, e.kind[0].upper(), e.source_in, e.source_out, e.record_in, e.record_out)
            for e in read(corpus, name).events
        )
        theirs = Counter(
            (
                int(r["event"]),
                r["source"],
                r["transition"][0],
                *(r[f] for f in ("source_in", "source_out", "record_in", "record_out")),
            )
            for r in rows
        )
        assert not theirs - ours, name


def test_edl_sources(corpus: Path, tables: dict[str, Rows]) -> None:
    """The reels, clips and files of the sources are those that the reference list names, black left out."""
    for name, rows in tables["expected_edl_events"].items():
        sources = read(corpus, name).sources
        named = [r for r in rows if r["source"] != "BL"]
        assert {r["source"] for r in named} <= {s.reel for s in sources}, name
        assert {r["clip_name"] for r in named} - {""} <= {s.clip for s in sources}, name
        assert {r["source_file"] for r in named} - {""} <= {s.file for s in sources}, name
        other = tables["expected_clips"].get(name)
        if other:
            reels = {r["source"] for r in named} | {r["reel"] for r in other}
            assert {s.reel for s in sources} <= reels, name


def test_ale_rows(corpus: Path, tables: dict[str, Rows]) -> None:
    """Each row's name, tape, file and timecodes."""
    for name, rows in tables["expected_ale_rows"].items():
        timeline = read(corpus, name)
        ours = [(e.clip, e.source_in, e.source_out, e.file or "") for e in timeline.events]
        assert ours == [(r["name"], r["start"], r["end"], r["source_file"]) for r in rows], name
        assert [e.reel for e, r in zip(timeline.events, rows, strict=True) if r["tape"]] == [
            r["tape"] for r in rows if r["tape"]
        ]


def test_xml_media(corpus: Path, tables: dict[str, Rows]) -> None:
    """Every file that the documents locate is a source, and no other."""
    for name, rows in tables["expected_xml_media"].items():
        ours = {(s.url or "") for s in read(corpus, name).sources} - {""}
        theirs = {r["url_as_written"].replace("%25", "%") for r in rows if r["kind"] in ("asset", "file")} - {""}
        assert ours == theirs, name


def test_xml_timelines(corpus: Path, tables: dict[str, Rows]) -> None:
    """Name and number of the first sequence or project."""
    for name, rows in tables["expected_xml_media"].items():
        timeline = read(corpus, name)
        cuts = [r for r in rows if r["kind"] in ("project", "sequence")]
        if not cuts:
            assert timeline.name is None, name
            continue
        assert timeline.name in {r["name"] for r in cuts}, name
        if timeline.format == "xmeml":
            assert str(timeline.duration_frames) in {r["duration"] for r in cuts}, name


@pytest.mark.parametrize("ending", [".aaf", ".otio", ".ale", ".xml"])
def test_clip_names(corpus: Path, tables: dict[str, Rows], ending: str) -> None:
    """The clips that another library reads are the sources that we name, generators left out."""
    for name in each(tables["expected_clips"], ending):
        rows = [r for r in tables["expected_clips"][name] if r["media_kind"] != "generator"]
        assert {s.clip for s in read(corpus, name).sources} == {r["clip_name"] for r in rows}, name


def test_aaf_timecodes(corpus: Path, tables: dict[str, Rows]) -> None:
    """Clip by clip the same source timecode, where the other library has one."""
    for name in each(tables["expected_clips"], ".aaf"):
        ours = Counter((e.clip, (e.source_in or "").replace(";", ":")) for e in read(corpus, name).events)
        theirs = Counter((r["clip_name"], r["source_in_tc"].replace(";", ":")) for r in tables["expected_clips"][name])
        known = Counter({key: n for key, n in theirs.items() if key[1]})
        assert not known - ours, name
        assert ours.total() == theirs.total(), name


def test_aaf_mobs(corpus: Path, tables: dict[str, Rows]) -> None:
    """Each source is a master mob of the table by its UMID, its files are locations of mobs."""
    for name, rows in tables["expected_aaf_mobs"].items():
        masters = {r["mob_id"]: r["name"] for r in rows if r["mob_class"] == "MasterMob"}
        places = {r["locator_url_decoded"].rpartition("/")[2] for r in rows}
        for source in read(corpus, name).sources:
            assert masters.get(source.umid or "") == source.clip, name
            assert {f.replace("\\", "/").rpartition("/")[2] for f in source.files} <= places, name


def test_every_list_is_read_and_serialised(corpus: Path, tables: dict[str, Rows]) -> None:
    """Nothing in the set is refused, and each list gives a document with a source or a reason."""
    for name in tables["expected_read"]:
        timeline = read(corpus, name)
        document = json.loads(json.dumps(to_json(timeline)))
        generated_only = bool(timeline.events) and all(e.generated for e in timeline.events)
        assert document["sources"] or document["warnings"] or generated_only, name


@pytest.mark.parametrize("folder", ["editorial", "xml"])
def test_malformed(corpus: Path, folder: str) -> None:
    """Refuse what must be refused, accept what must be accepted, warn of bad entries, and end in all cases."""
    names = {}
    for line in (corpus / "08-malformed" / "expected.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        path, _, expected, *_ = line.split("\t")
        if path.startswith(f"{folder}/") and path.endswith((".edl", ".otio", ".aaf", ".fcpxml")):
            names[path] = expected
    assert names
    for path, expected in names.items():
        try:
            timeline = read_timeline(corpus / "08-malformed" / path)
        except TimelineFault:
            assert expected != "accept", path
            assert expected != "entry-invalid", path
            continue
        assert expected != "refuse", path
        assert timeline.warnings or expected != "entry-invalid", path
