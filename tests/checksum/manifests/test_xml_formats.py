"""Are MHL 1.x, ASC MHL and packing lists read right where the reference packages do not reach?"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assetwatch.checksum import algorithms
from assetwatch.checksum.manifests import formats
from assetwatch.checksum.manifests.format import Entry, Finding, ManifestFault
from assetwatch.checksum.manifests.package import PackageVerdict, verify_package
from assetwatch.checksum.manifests.reading import Computed, Read, Wanted, reader_of
from assetwatch.checksum.manifests.tree import DiskTree


def of(algorithm: str, content: bytes) -> str:
    hasher = algorithms.new(algorithm)
    hasher.update(content)
    return hasher.text()


def said(outcome: PackageVerdict) -> dict[str, str]:
    return {entry.path: str(entry.verdict) for entry in outcome.entries}


def kinds(outcome: PackageVerdict) -> list[str]:
    return sorted({finding.kind for finding in outcome.findings})


def escape(text: str) -> str:
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"), ("\n", "&#10;"), ("\t", "&#9;")):
        text = text.replace(sign, name)
    return text


class History:
    """Writes an ASC MHL history as the specification has it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "ascmhl"
        self.folder.mkdir(parents=True)
        self.chain: list[tuple[str, str]] = []

    def generation(self, hashes: str, ignore: str = "", references: str = "") -> Path:
        name = f"{len(self.chain) + 1:04}_{self.root.name}_2026-11-22_100910Z.mhl"
        content = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">\n'
            "<creatorinfo><creationdate>2026-11-22T10:09:10+00:00</creationdate><hostname>h</hostname>"
            '<tool version="1">t</tool></creatorinfo>\n<processinfo><process>in-place</process>'
            f"<ignore><pattern>.DS_Store</pattern>{ignore}</ignore></processinfo>\n<hashes>\n{hashes}\n</hashes>\n"
            f"<references>{references}</references></hashlist>\n"
        )
        (self.folder / name).write_text(content)
        self.chain.append((name, of("c4", content.encode())))
        self.write_chain()
        return self.folder / name

    def write_chain(self, element: str = "c4") -> None:
        links = "".join(
            f'<hashlist sequencenr="{n}"><path>{name}</path><{element}>{text}</{element}></hashlist>'
            for n, (name, text) in enumerate(self.chain, 1)
        )
        (self.folder / "ascmhl_chain.xml").write_text(
            f'<?xml version="1.0"?><ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">{links}</ascmhldirectory>'
        )


def hash_(
    path: str, content: bytes, algorithm: str = "xxh64", action: str = ' action="original"', more: str = ""
) -> str:
    return (
        f'<hash><path size="{len(content)}">{escape(path)}</path>'
        f"<{algorithm}{action}>{of(algorithm, content)}</{algorithm}>{more}</hash>"
    )


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder A001 with the files a.mov and b.mov."""
    root = tmp_path / "A001"
    root.mkdir()
    (root / "a.mov").write_bytes(b"aaa")
    (root / "b.mov").write_bytes(b"bbb")
    return root


class TestHistory:
    """ASC MHL 2.0."""

    def test_what_is_unusual_is_used_and_said(self, card: Path) -> None:
        """A hash without action and a sha256, which the schema does not have, both serve as reference."""
        history = History(card)
        history.generation(hash_("a.mov", b"aaa", action="") + hash_("b.mov", b"bbb", "sha256"))
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified", "b.mov": "verified"}
        assert kinds(outcome) == ["no-action", "non-standard"]
        assert outcome.clean

    def test_a_hash_taken_out_of_a_list_is_noticed(self, card: Path) -> None:
        """The list's own digest does not fit the chain any more: it was changed, whatever its files say."""
        history = History(card)
        listed = history.generation(hash_("a.mov", b"aaa") + "\n" + hash_("b.mov", b"bbb"))
        listed.write_text(listed.read_text().replace(hash_("b.mov", b"bbb"), ""))
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified"}
        assert outcome.extra == ["b.mov"]
        assert kinds(outcome) == ["list-changed"]

    def test_an_altered_generation_serves_only_where_no_intact_one_does(self, card: Path) -> None:
        """A digest that was put into an old list afterwards refutes nothing that an intact list proves."""
        history = History(card)
        first = history.generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"))
        history.generation(hash_("a.mov", b"aaa", action=' action="verified"'))
        first.write_text(first.read_text().replace(of("xxh64", b"aaa"), of("xxh64", b"AAA")))
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified", "b.mov": "verified"}
        assert not outcome.clean

    def test_a_chain_without_c4_still_proves(self, card: Path) -> None:
        """Another digest element in the chain is taken, and said to be outside the specification."""
        history = History(card)
        listed = history.generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"))
        history.chain = [(listed.name, of("md5", listed.read_bytes()))]
        history.write_chain("md5")
        outcome = verify_package(card)
        assert outcome.clean
        assert kinds(outcome) == ["chain-without-c4"]
        history.chain = [(listed.name, "0" * 32)]
        history.write_chain("md5")
        assert "list-changed" in kinds(verify_package(card))

    def test_a_list_that_the_chain_does_not_name_is_used_with_a_warning(self, card: Path) -> None:
        """A second generation that never got into the chain counts all the same."""
        history = History(card)
        history.generation(hash_("a.mov", b"aaa"))
        history.generation(hash_("b.mov", b"bbb"))
        history.chain.pop()
        history.write_chain()
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified", "b.mov": "verified"}
        assert kinds(outcome) == ["not-in-chain"]

    def test_a_list_that_is_gone_is_a_finding(self, card: Path) -> None:
        """The chain names it and it is not there."""
        history = History(card)
        history.generation(hash_("a.mov", b"aaa"))
        history.generation(hash_("b.mov", b"bbb")).unlink()
        outcome = verify_package(card)
        assert kinds(outcome) == ["list-missing"]
        assert not outcome.clean

    def test_without_a_chain_damage_is_still_found(self, card: Path) -> None:
        """Nothing is proved, but what differs is a mismatch."""
        history = History(card)
        history.generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"xxx"))
        (history.folder / "ascmhl_chain.xml").unlink()
        assert said(verify_package(card)) == {"a.mov": "uncheckable", "b.mov": "mismatch"}

    def test_the_history_is_found_by_any_of_its_files(self, card: Path) -> None:
        """The folder, the chain, a generation and the `ascmhl` folder itself mean the same history."""
        listed = History(card).generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"))
        for path in (card, card / "ascmhl", card / "ascmhl/ascmhl_chain.xml", listed):
            assert said(verify_package(path)) == {"a.mov": "verified", "b.mov": "verified"}

    def test_a_part_of_the_folder_is_judged_by_the_list_above(self, card: Path) -> None:
        """A folder below is verified by the history of its root; nothing else is read or named."""
        (card / "Clips").mkdir()
        (card / "Clips/c.mov").write_bytes(b"ccc")
        (card / "Clips/new.mov").write_bytes(b"new")
        History(card).generation(hash_("a.mov", b"aaa") + hash_("Clips/c.mov", b"ccc"))
        asked: list[str] = []

        def counted(tree: DiskTree) -> Read:
            def read(wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Computed]]:
                for one, computed in reader_of(tree)(wanted):
                    asked.extend(one.parts)
                    yield one, computed

            return read

        outcome = verify_package(card / "Clips", read=counted)
        assert said(outcome) == {"c.mov": "verified"}
        assert asked == ["Clips/c.mov"]
        assert outcome.extra == ["new.mov"]

    def test_patterns_of_all_generations_ignore(self, card: Path) -> None:
        """What a later generation ignores is neither missing nor extra, and is counted under its pattern."""
        history = History(card)
        history.generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"))
        history.generation(hash_("a.mov", b"aaa"), ignore="<pattern>b.*</pattern><pattern>/cache</pattern>")
        (card / "cache").mkdir()
        (card / "cache/x").write_bytes(b"")
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified"}
        assert outcome.extra == []
        assert any("'/cache' 1" in finding.what for finding in outcome.findings)

    def test_nested_histories_each_by_their_own_algorithms(self, card: Path) -> None:
        """A file is judged by the nearest history; a changed list below is found by the chain above and its own."""
        inner = card / "Inner"
        inner.mkdir()
        (inner / "c.mov").write_bytes(b"ccc")
        nested = History(inner).generation(hash_("c.mov", b"ccc", "md5"))
        reference = (
            f"<hashlistreference><path>Inner/ascmhl/{nested.name}</path><c4>{of('c4', nested.read_bytes())}</c4>"
            "</hashlistreference>"
        )
        History(card).generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"), references=reference)
        outcome = verify_package(card)
        assert outcome.clean, outcome.findings
        assert said(outcome) == {"a.mov": "verified", "b.mov": "verified", "Inner/c.mov": "verified"}
        nested.write_text(nested.read_text().replace("hostname>h", "hostname>g"))
        assert kinds(verify_package(card)) == ["list-changed"]

    def test_a_reference_that_leads_out_is_not_read(self, card: Path) -> None:
        """A nested history is never looked for outside the root."""
        reference = f"<hashlistreference><path>../x.mhl</path><c4>{of('c4', b'')}</c4></hashlistreference>"
        (card.parent / "x.mhl").write_bytes(b"")
        History(card).generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"), references=reference)
        assert kinds(verify_package(card)) == ["unsafe-path"]

    def test_a_file_with_nothing_but_failed_digests(self, card: Path) -> None:
        """It is uncheckable: a failed digest is never the reference."""
        History(card).generation(hash_("a.mov", b"aaa", action=' action="failed"') + hash_("b.mov", b"bbb"))
        assert said(verify_package(card)) == {"a.mov": "uncheckable", "b.mov": "verified"}

    def test_a_collection_reads_each_of_its_lists(self, card: Path) -> None:
        """Lists of a collection are checked against its digests and their files verified."""
        listed = History(card).generation(hash_("a.mov", b"aaa") + hash_("b.mov", b"bbb"))
        target = listed.rename(card / "packinglist_A001.mhl")
        (card / "ascmhl/ascmhl_chain.xml").unlink()
        (card / "ascmhl").rmdir()
        (card / "ascmhl_collection.xml").write_text(
            '<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0"><hashlist sequencenr="1">'
            f"<path>{target.name}</path><c4>{of('c4', target.read_bytes())}</c4></hashlist></ascmhldirectory>"
        )
        outcome = verify_package(card / "ascmhl_collection.xml")
        assert outcome.clean, outcome.findings
        target.write_text(target.read_text() + "\n")
        assert kinds(verify_package(card / "ascmhl_collection.xml")) == ["list-changed"]

    def test_a_damaged_list_is_never_no_list(self, card: Path) -> None:
        """Where the chain tells of a sound list, one that is cut off is a finding with its line, and proves nothing."""
        listed = History(card).generation(hash_("a.mov", b"aaa"))
        listed.write_bytes(listed.read_bytes()[:400])
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "uncheckable", "b.mov": "uncheckable"}
        assert kinds(outcome) == ["list-changed", "list-unreadable"]
        (card / "ascmhl/ascmhl_chain.xml").unlink()
        with pytest.raises(ManifestFault, match=r"0001_A001.*line \d+"):
            verify_package(card)

    def test_a_history_whose_only_list_is_gone(self, card: Path) -> None:
        """The chain still names it: that is the finding, and each file is uncheckable, not extra."""
        History(card).generation(hash_("a.mov", b"aaa")).unlink()
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "uncheckable", "b.mov": "uncheckable"}
        assert kinds(outcome) == ["list-missing"]
        assert outcome.extra == []


def legacy(root: Path, *hashes: str) -> Path:
    file = root / "A001.mhl"
    file.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="1.1">{"".join(hashes)}</hashlist>')
    return file


class TestLegacy:
    """MHL 1.x."""

    @pytest.mark.parametrize("tag", ["xxhash128", "xxh128", "xxhash3_64", "xxhash3", "xxh3", "sha256", "c4"])
    def test_elements_that_tools_write_outside_the_schema(self, card: Path, tag: str) -> None:
        """They are used, and said to be outside it."""
        name = algorithms.canonical_name(tag)
        assert name
        outcome = verify_package(
            legacy(card, f"<hash><file>a.mov</file><size>3</size><{tag}>{of(name, b'aaa')}</{tag}></hash>")
        )
        assert said(outcome) == {"a.mov": "verified"}
        assert "non-standard" in kinds(outcome)

    def test_order_and_case_do_not_matter(self, card: Path) -> None:
        """Elements in any order and upper-case digits are read (XML Schema's hexBinary)."""
        md5 = hashlib.md5(b"aaa").hexdigest().upper()
        outcome = verify_package(legacy(card, f"<hash><md5>{md5}</md5><size> 3 </size><file>a.mov</file></hash>"))
        assert said(outcome) == {"a.mov": "verified"}

    def test_an_empty_file_has_size_zero(self, card: Path) -> None:
        """0 is no positiveInteger, and true all the same."""
        (card / "a.mov").write_bytes(b"")
        outcome = verify_package(legacy(card, "<hash><file>a.mov</file><size>0</size><xxhash>46947589</xxhash></hash>"))
        assert said(outcome) == {"a.mov": "verified"}

    def test_a_digest_of_zero_is_a_digest(self, card: Path) -> None:
        """A digest whose digits are all zero is compared like any other."""
        outcome = verify_package(legacy(card, f"<hash><file>a.mov</file><xxhash64be>{'0' * 16}</xxhash64be></hash>"))
        assert said(outcome) == {"a.mov": "mismatch"}

    def test_an_unknown_element_is_not_dropped_silently(self, card: Path) -> None:
        """It is named with its line, and the entry is uncheckable."""
        outcome = verify_package(legacy(card, "<hash><file>a.mov</file><size>3</size><blake9>00</blake9></hash>"))
        assert said(outcome) == {"a.mov": "uncheckable"}
        assert "unknown-element" in kinds(outcome)

    def test_a_list_without_entries_is_not_clean(self, tmp_path: Path) -> None:
        """An empty list proves nothing."""
        outcome = verify_package(legacy(tmp_path))
        assert kinds(outcome) == ["no-entries"]
        assert not outcome.clean

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "iso-8859-1"])
    def test_encodings(self, card: Path, encoding: str) -> None:
        """UTF-16 is read with and without a byte-order mark, also under a declaration that says UTF-8."""
        (card / "Café.mov").write_bytes(b"x")
        declared = encoding if encoding.startswith("iso") else "UTF-8" if encoding != "utf-16" else "UTF-16"
        text = (
            f'<?xml version="1.0" encoding="{declared}"?><hashlist version="1.1"><hash><file>Café.mov</file>'
            f"<md5>{hashlib.md5(b'x').hexdigest()}</md5></hash></hashlist>"
        )
        (card / "A001.mhl").write_bytes(text.encode(encoding))
        assert said(verify_package(card / "A001.mhl")) == {"Café.mov": "verified"}


def package(
    root: Path, assets: str, mapped: str, namespace: str = "http://www.smpte-ra.org/schemas/429-8/2007/PKL"
) -> Path:
    (root / "PKL.xml").write_text(
        f'<?xml version="1.0"?><p:PackingList xmlns:p="{namespace}"><p:Id>urn:uuid:0</p:Id><p:AssetList>{assets}'
        "</p:AssetList></p:PackingList>"
    )
    (root / "ASSETMAP.xml").write_text(
        '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><AssetList><Asset>'
        "<Id>urn:uuid:0</Id><PackingList/><ChunkList><Chunk><Path>PKL.xml</Path></Chunk></ChunkList></Asset>"
        f"{mapped}</AssetList></AssetMap>"
    )
    return root


def asset(number: int, content: bytes, digest: str = "", method: str = "", name: str = "") -> str:
    digest = digest or base64.b64encode(hashlib.sha1(content).digest()).decode()
    return (
        f"<p:Asset><p:Id>urn:uuid:{number}</p:Id><p:Hash>{digest}</p:Hash><p:Size>{len(content)}</p:Size>"
        + (f"<p:OriginalFileName>{name}</p:OriginalFileName>" if name else "")
        + (f'<p:HashAlgorithm Algorithm="{method}"/>' if method else "")
        + "</p:Asset>"
    )


def chunk(path: str, offset: int = 0, length: int = 0) -> str:
    where = f"<Path>{path}</Path><VolumeIndex>1</VolumeIndex>"
    return f"<Chunk>{where}<Offset>{offset}</Offset><Length>{length}</Length></Chunk>"


def mapped(number: int, *chunks: str) -> str:
    return f"<Asset><Id>urn:uuid:{number}</Id><ChunkList>{''.join(chunks)}</ChunkList></Asset>"


class TestPackingList:
    """DCP and IMF."""

    def test_an_asset_in_chunks_is_one_file(self, card: Path) -> None:
        """Chunks are read one after the other in the order of their offsets; without one of them it is missing."""
        package(card, asset(1, b"bbbaaa"), mapped(1, chunk("a.mov", 3, 3), chunk("b.mov", 0, 3)))
        outcome = verify_package(card)
        assert said(outcome) == {"b.mov": "verified"}
        assert outcome.clean
        (card / "a.mov").unlink()
        assert said(verify_package(card)) == {"b.mov": "missing"}

    def test_a_supplemental_package_names_assets_of_another(self, card: Path) -> None:
        """What the asset map does not have is uncheckable, not missing; what it has and the disk has not is missing."""
        assets = asset(1, b"aaa") + asset(2, b"ov", name="ov.mxf") + asset(3, b"c")
        package(card, assets, mapped(1, chunk("a.mov")) + mapped(3, chunk("c.mov")))
        outcome = verify_package(card)
        assert said(outcome) == {"a.mov": "verified", "ov.mxf": "uncheckable", "c.mov": "missing"}
        assert outcome.extra == ["b.mov"]

    @pytest.mark.parametrize(
        ("method", "name", "verdict"),
        [
            ("http://www.w3.org/2001/04/xmlenc#sha256", "sha256", "verified"),
            ("http://www.w3.org/2000/09/xmldig#sha1", "sha1", "verified"),
            ("http://www.w3.org/2000/09/xmldsig#sha1", "sha1", "verified"),
            ("http://example.org/made-up#sha1", "sha1", "uncheckable"),
        ],
    )
    def test_digest_methods(self, card: Path, method: str, name: str, verdict: str) -> None:
        """The algorithm is told by its URI, a well-known slip included; an unknown one cannot be checked."""
        digest = base64.b64encode(hashlib.new(name, b"aaa").digest()).decode()
        namespace = "http://www.smpte-ra.org/schemas/2067-2/2016/PKL"
        package(card, asset(1, b"aaa", digest, method), mapped(1, chunk("a.mov")), namespace)
        assert said(verify_package(card)) == {"a.mov": verdict}

    @pytest.mark.parametrize("path", ["file:///a%20b.mov", "a%20b.mov", "file://localhost/a%20b.mov", "./a b.mov"])
    def test_paths_are_uris(self, card: Path, path: str) -> None:
        """Escapes and a file scheme are taken off."""
        (card / "a.mov").rename(card / "a b.mov")
        package(card, asset(1, b"aaa"), mapped(1, chunk(path)))
        assert said(verify_package(card)) == {"a b.mov": "verified"}

    def test_every_other_file_is_extra(self, card: Path) -> None:
        """In a package nothing is ignored: a thumbnail cache is a foreign file."""
        (card / "Thumbs.db").write_bytes(b"")
        package(card, asset(1, b"aaa"), mapped(1, chunk("a.mov")))
        assert verify_package(card).extra == ["Thumbs.db", "b.mov"]

    def test_a_packing_list_that_is_not_there(self, card: Path) -> None:
        """It is missing, and the assets of the map have no digest."""
        package(card, "", mapped(1, chunk("a.mov", 0, 3)))
        (card / "PKL.xml").unlink()
        outcome = verify_package(card)
        assert said(outcome) == {"PKL.xml": "missing", "a.mov": "uncheckable"}
        assert "list-missing" in kinds(outcome)

    def test_a_chunk_that_leads_out_is_refused(self, card: Path) -> None:
        """No path of an asset map leaves the folder, escaped or not."""
        (card.parent / "secret").write_bytes(b"aaa")
        package(card, asset(1, b"aaa"), mapped(1, chunk("%2E%2E/secret")))
        assert list(said(verify_package(card)).values()) == ["uncheckable"]


def playlist(*references: str) -> bytes:
    """A composition playlist that plays these."""
    inner = "".join(references)
    return f'<CompositionPlaylist xmlns="urn:x"><Id>urn:uuid:9</Id>{inner}</CompositionPlaylist>'.encode()


def reel(number: int, content: bytes) -> str:
    """The reference of a DCP's playlist to an asset."""
    digest = base64.b64encode(hashlib.sha1(content).digest()).decode()
    asset = f"<MainPicture><Id>urn:uuid:{number}</Id><Hash>{digest}</Hash></MainPicture>"
    return f"<ReelList><Reel><Id>urn:uuid:7</Id><AssetList>{asset}</AssetList></Reel></ReelList>"


def resource(number: int, content: bytes, method: str = "") -> str:
    """The reference of an IMF's playlist to a track file."""
    name = "sha256" if "sha256" in method else "sha1"
    digest = base64.b64encode(hashlib.new(name, content).digest()).decode()
    told = f'<HashAlgorithm Algorithm="{method}"/>' if method else ""
    return (
        f"<ResourceList><Resource><Id>urn:uuid:55</Id><TrackFileId>urn:uuid:{number}</TrackFileId>"
        f"<Hash>{digest}</Hash>{told}</Resource></ResourceList>"
    )


SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


@pytest.mark.parametrize(
    ("reference", "contradicts"),
    [
        (reel(1, b"aaa"), False),
        (reel(1, b"other"), True),
        (reel(4, b"of another package"), False),
        (resource(1, b"aaa"), False),
        (resource(1, b"other"), True),
        (resource(1, b"other", SHA256), False),
    ],
)
def test_playlist_and_packing_list_have_to_agree(card: Path, reference: str, contradicts: bool) -> None:
    """Another digest of the same algorithm in a composition playlist is a finding; the files are judged as before."""
    (card / "cpl.xml").write_bytes(playlist(reference))
    both = asset(1, b"aaa") + asset(2, playlist(reference))
    package(card, both, mapped(1, chunk("a.mov")) + mapped(2, chunk("cpl.xml")))
    outcome = verify_package(card)
    assert said(outcome) == {"a.mov": "verified", "cpl.xml": "verified"}
    assert ("contradiction" in kinds(outcome)) is contradicts


def test_damaged_playlist_is_a_mismatch_and_nothing_else(card: Path) -> None:
    """Its own digest tells that it is damaged; nothing is concluded from it."""
    (card / "cpl.xml").write_bytes(playlist(reel(1, b"other"))[:-9])
    package(card, asset(1, b"aaa") + asset(2, b"x" * 9), mapped(1, chunk("a.mov")) + mapped(2, chunk("cpl.xml")))
    outcome = verify_package(card)
    assert said(outcome) == {"a.mov": "verified", "cpl.xml": "mismatch"}


def test_as11_sidecar(tmp_path: Path) -> None:
    """The checksum of an AS-11 sidecar is of the MXF file with its name."""
    (tmp_path / "prog.mxf").write_bytes(b"programme")
    digest = hashlib.md5(b"programme").hexdigest()
    (tmp_path / "prog.xml").write_text(
        "<?xml version='1.0'?><UKDPP><MediaChecksumType>MD5</MediaChecksumType>"
        f"<MediaChecksumValue>{digest}</MediaChecksumValue></UKDPP>"
    )
    assert said(verify_package(tmp_path)) == {"prog.mxf": "verified"}


XML_NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=30,
).filter(lambda name: "//" not in name and "./" not in name and not name.startswith("/") and not name.endswith("/."))


@given(st.dictionaries(XML_NAMES, st.integers(0, 2**63), min_size=1, max_size=8))
@settings(max_examples=50)
def test_xml_lists_round_trip(tmp_path_factory: pytest.TempPathFactory, files: dict[str, int]) -> None:
    """Paths and sizes of any kind that XML can hold are read back from MHL 1.1 and from ASC MHL."""
    root = tmp_path_factory.mktemp("list") / "A001"
    root.mkdir()
    texts = {path: f"{size:016x}"[-16:] for path, size in files.items()}
    legacy(root, *(
        f"<hash><file>{escape(path)}</file><size>{size}</size><xxhash64be>{texts[path]}</xxhash64be></hash>"
        for path, size in files.items()
    ))  # fmt: skip
    listed = History(root).generation("".join(
        f'<hash><path size="{size}">{escape(path)}</path><xxh64 action="original">{texts[path]}</xxh64></hash>'
        for path, size in files.items()
    ))  # fmt: skip
    for name in ("A001.mhl", f"ascmhl/{listed.name}"):
        findings: list[Finding] = []
        entries: list[Entry] = list(formats.read(DiskTree(root), name).entries(findings.append))
        assert {entry.path: (entry.size, entry.digests[0].readings[0].text) for entry in entries} == {
            path: (size, texts[path]) for path, size in files.items()
        }
        assert not findings
