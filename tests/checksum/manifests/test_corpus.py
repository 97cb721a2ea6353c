"""Is every entry of the reference packages judged as the reference tools judge it?"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from assetwatch.checksum.algorithms import computable
from assetwatch.checksum.manifests.format import ManifestFault
from assetwatch.checksum.manifests.package import PackageVerdict, verify_package

from .conftest import CORPUS, WORDS, named, table

Unpack = Callable[[Path], Path]


def judged(outcome: PackageVerdict) -> dict[str, str]:
    """What was said of each path; a path that is both listed and extra is both."""
    said = {entry.path: str(entry.verdict) for entry in outcome.entries}
    for path in outcome.extra:
        said[path] = "extra" if path not in said else f"{said[path]}+extra"
    return said


def expected(rows: list[dict[str, str]], word: str = "expected") -> dict[str, str]:
    """What the tables say of each path; renamed and ignored files are neither listed nor extra."""
    said: dict[str, str] = {}
    for row in rows:
        path = named(row["path"])
        if row[word] in ("renamed-away", "ignored"):
            continue
        ours = WORDS[row[word]]
        said[path] = ours if path not in said or said[path] == ours else f"{said[path]}+{ours}"
    return said


def difference(want: dict[str, str], got: dict[str, str]) -> str:
    """The paths that were judged differently, one a line."""
    return "\n".join(
        f"{path!r}: expected {want.get(path)}, judged {got.get(path)}"
        for path in sorted({*want, *got})
        if want.get(path) != got.get(path)
    )


def packages(relative: str, *columns: str) -> list[tuple[str, ...]]:
    """The packages that a table of files is about, for parametrizing; none where there is no corpus."""
    file = CORPUS / relative
    if not file.exists():
        return []
    return list(dict.fromkeys(tuple(row[column] for column in columns) for row in table(file)))


def rows_of(relative: str, **key: str) -> list[dict[str, str]]:
    """The rows of one package."""
    return [row for row in table(CORPUS / relative) if all(row[name] == value for name, value in key.items())]


MADE_ASC = "01-ascmhl/made-ascmhl-1.2/expected_files.tsv"
REFERENCE_ASC = "01-ascmhl/ascmitc-mhl/expected_files.tsv"
OCOPY_ASC = "01-ascmhl/made-ocopy-0.9.2/expected_files.tsv"


@pytest.mark.parametrize(("package", "root"), packages(MADE_ASC, "package", "root"))
def test_histories_by_ascmhl(corpus: Path, unpacked: Unpack, package: str, root: str) -> None:
    """Packages that ascmhl made and that were damaged afterwards have the reference's verdict for each file."""
    outcome = verify_package(unpacked((corpus / MADE_ASC).parent / package) / root)
    assert not difference(expected(rows_of(MADE_ASC, package=package, root=root)), judged(outcome))


@pytest.mark.parametrize(
    ("file", "root"),
    [(file, root) for file in (REFERENCE_ASC, OCOPY_ASC) for (root,) in packages(file, "root")],
)
def test_reference_histories(corpus: Path, file: str, root: str) -> None:
    """The scenarios of the reference repository, and ocopy's seals, have the reference's verdict for each file."""
    folder = (corpus / file).parent
    outcome = verify_package(folder / root if (folder / root).exists() else folder / "scenarios" / root)
    assert not difference(expected(rows_of(file, root=root)), judged(outcome))


@pytest.mark.parametrize(("package", "root"), packages(MADE_ASC, "package", "root"))
def test_whole_histories_are_clean(corpus: Path, unpacked: Unpack, package: str, root: str) -> None:
    """A package is clean exactly where the reference tables call it so, damaged histories included."""
    (row,) = (
        r
        for r in table((corpus / MADE_ASC).with_name("expected_packages.tsv"))
        if (r["package"], r["root"]) == (package, root)
    )
    outcome = verify_package(unpacked((corpus / MADE_ASC).parent / package) / root)
    assert outcome.clean == (row["expected"] == "ok"), [str(f) for f in outcome.findings]


LEGACY = ("02-legacy-mhl/made/expected_files.tsv", "02-legacy-mhl/pomfort-mhl-tool/expected_files.tsv")


@pytest.mark.parametrize(("file", "manifest"), [(file, m) for file in LEGACY for (m,) in packages(file, "manifest")])
def test_legacy_mhl(corpus: Path, unpacked: Unpack, file: str, manifest: str) -> None:
    """MHL 1.x packages of several tools have the recomputed verdict for each file."""
    folder = (corpus / file).parent
    relative = Path(manifest.removeprefix(folder.name + "/"))
    package = unpacked(folder / relative.parts[0])
    outcome = verify_package(package.parent / relative)
    assert not difference(expected(rows_of(file, manifest=manifest)), judged(outcome))


def test_vendor_lists_are_read(corpus: Path) -> None:
    """Each digest that the vendors' lists hold is read with its size, and XXH64 in its canonical byte order."""
    from assetwatch.checksum.manifests import formats
    from assetwatch.checksum.manifests.tree import DiskTree

    folder = corpus / "02-legacy-mhl/vendor-shaped"
    by_file: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in table(folder / "expected_parse.tsv"):
        by_file[row["file"]].append(row)
    for file, rows in by_file.items():
        entries = {e.path: e for e in formats.read(DiskTree(folder), file).entries(lambda finding: None)}
        for row in rows:
            entry = entries[named(row["path"])]
            assert str(entry.size) == row["size"], row
            digest = next(d for d in entry.digests if d.written == row["value_as_written"])
            if row["xxh64_canonical_hex"] != "-":
                assert digest.readings[0].text == row["xxh64_canonical_hex"], row


DCP = "03-dcp-imf/expected_files.tsv"


@pytest.mark.parametrize("package", [name for (name,) in packages(DCP, "package")])
def test_packing_lists(corpus: Path, package: str) -> None:
    """DCP and IMF packages, whole and damaged, have the recomputed verdict for each asset."""
    outcome = verify_package((corpus / DCP).parent / package)
    assert not difference(expected(rows_of(DCP, package=package)), judged(outcome))


BAGS = "04-bagit-sums/expected_bag_payload.tsv"


@pytest.mark.parametrize("bag", [name for (name,) in packages(BAGS, "bag")])
def test_bag_payload(corpus: Path, unpacked: Unpack, bag: str) -> None:
    """The payload of the conformance suite's bags, and of made ones, has the recomputed verdict for each file."""
    outcome = verify_package(unpacked((corpus / BAGS).parent / bag))
    assert not difference(expected(rows_of(BAGS, bag=bag)), judged(outcome))


#: Bags whose whole verdict differs from bagit.py 1.9.0 on purpose.
BAG_DIFFERS = {
    # Windows paths are judged on every system, not on Windows alone (FIELD 2.2).
    "v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch": "a path to another host is a finding",
}


@pytest.mark.parametrize(
    ("bag", "exit_"),
    packages("04-bagit-sums/bagit-conformance-suite/expected_packages.tsv", "bag", "bagit_py_1.9.0_exit"),
)
def test_whole_bags(corpus: Path, unpacked: Unpack, bag: str, exit_: str) -> None:
    """A bag is clean exactly where bagit.py calls it valid."""
    outcome = verify_package(unpacked(corpus / "04-bagit-sums/bagit-conformance-suite" / bag))
    assert outcome.clean == (exit_ == "0" and bag not in BAG_DIFFERS), [str(f) for f in outcome.findings]


@pytest.mark.parametrize(
    ("bag", "said"), packages("04-bagit-sums/made-bagit-1.9.0/expected_packages.tsv", "bag", "expected")
)
def test_whole_made_bags(corpus: Path, unpacked: Unpack, bag: str, said: str) -> None:
    """A made bag is clean exactly where the table calls it valid, a changed tag file included."""
    outcome = verify_package(unpacked(corpus / "04-bagit-sums/made-bagit-1.9.0" / bag))
    assert outcome.clean == (said == "valid"), [str(f) for f in outcome.findings]


SUMS = CORPUS / "04-bagit-sums/sum-files"
#: Lists whose digests nothing here may compute: uncheckable then, never a mismatch.
UNCOMPUTABLE = () if computable("sm3") else ("coreutils_cksum_untagged_sm3.txt", "coreutils_cksum_sm3.txt")


def sum_files(data: str) -> list[str]:
    """The lists that describe a folder of the corpus."""
    folder = SUMS / data.removesuffix("_damaged")
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(
    ("data", "name"), [(data, name) for data in ("simple", "simple_damaged", "awkward") for name in sum_files(data)]
)
def test_sum_files(corpus: Path, tmp_path: Path, data: str, name: str) -> None:
    """The lists of eight tools have the recomputed verdict for each file, on the whole and on the damaged data."""
    with tarfile.open(SUMS / f"{data}_data.tar") as archive:
        archive.extractall(tmp_path, filter="fully_trusted")
    (folder,) = tmp_path.iterdir()
    shutil.copy(SUMS / data.removesuffix("_damaged") / name, folder / name)
    outcome = verify_package(folder / name)
    want = expected([row for row in table(SUMS / "expected_files.tsv") if row["data"] == data])
    if name in UNCOMPUTABLE:
        want = {path: "uncheckable" if word in ("verified", "mismatch") else word for path, word in want.items()}
    assert not difference(want, judged(outcome)), [str(f) for f in outcome.findings]


HOSTILE = [
    (row["path"], row["expected"])
    for row in (table(CORPUS / "08-malformed/expected.tsv") if CORPUS.is_dir() else [])
    if row["path"].startswith(("manifest/", "sums/")) or row["path"].endswith(".mhl")
]


@pytest.mark.parametrize(("path", "word"), HOSTILE)
def test_malformed(corpus: Path, path: str, word: str) -> None:
    """A malformed list is refused with its file and line, or its entry is not verified and the list not clean."""
    file = corpus / "08-malformed" / path
    if word in ("refuse", "no-entries", "refuse-or-accept"):
        with pytest.raises(ManifestFault, match=re.escape(file.name)):
            verify_package(file)
        return
    outcome = verify_package(file)
    verdicts = {str(entry.verdict) for entry in outcome.entries}
    match word:
        case "accept" | "accept-or-refuse":
            assert verdicts <= {"verified", "missing"}
            assert len(verdicts) == 1
        case "unsafe-or-missing":
            assert verdicts <= {"uncheckable", "missing"}
            assert verdicts
            assert not outcome.clean
        case "entry-invalid" | "conflict":
            assert verdicts <= {"uncheckable", "missing", "mismatch"}
            assert not outcome.clean
        case _:
            pytest.fail(f"no rule for {word!r}")
