"""Do the documents say what the program does, and do the modules keep to the rules of the house?"""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from assetwatch import config, errors
from assetwatch.cli.main import COMMANDS, cli
from assetwatch.media.facts import normalize

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
SOURCES = sorted((ROOT / "assetwatch").rglob("*.py"))


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


def _sections(page: str) -> dict[str, str]:
    """The sections of a page by heading, each with its sub-sections."""
    found: dict[str, str] = {}
    for level in (2, 3):
        parts = re.split(rf"^{'#' * level} (.+)$", page, flags=re.MULTILINE)
        for heading, text in zip(parts[1::2], parts[2::2], strict=True):
            found[heading] = re.split(rf"^#{{1,{level}}} ", text, flags=re.MULTILINE)[0]
    return found


COMMANDS_PAGE = _sections(_page("commands.md"))
JSON_PAGE = _sections(_page("json.md"))


def _commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if path:
        yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _commands(below, f"{path} {name}".strip())


ALL_COMMANDS = dict(_commands(cli))


def _options(command: click.Command) -> set[str]:
    return {name for p in command.params if isinstance(p, click.Option) for name in (*p.opts, *p.secondary_opts)}


class TestCommands:
    """docs/reference/commands.md"""

    @pytest.mark.parametrize("path", ALL_COMMANDS)
    def test_each_command_is_documented(self, path: str) -> None:
        """Each command has a section that begins with its call and ends with an example."""
        section = COMMANDS_PAGE[path]
        if not isinstance(ALL_COMMANDS[path], click.Group):
            assert f"`assetwatch {path}" in section
            assert re.search(rf"assetwatch .*{path}", section[section.index("Example") :])

    @pytest.mark.parametrize("path", ALL_COMMANDS)
    def test_each_option_is_documented(self, path: str) -> None:
        """Each option stands in the section of its command, also its short form."""
        section = COMMANDS_PAGE[path]
        written = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section))
        assert _options(ALL_COMMANDS[path]) - written - {"-h", "--help"} == set()

    def test_options_of_the_program_are_documented(self) -> None:
        """The options before the command are too."""
        head = _page("commands.md").split("\n## ")[0]
        written = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", head))
        assert _options(cli) - written == set()

    def test_no_other_command_is_documented(self) -> None:
        """What is not there is not promised."""
        assert set(COMMANDS_PAGE) == set(ALL_COMMANDS)

    @pytest.mark.parametrize("path", [path for path in ALL_COMMANDS if not isinstance(ALL_COMMANDS[path], click.Group)])
    def test_no_other_option_is_documented(self, path: str) -> None:
        """An option in a command's table is one that it has."""
        rows = [line for line in COMMANDS_PAGE[path].splitlines() if line.startswith("| `-")]
        written = {name for row in rows for name in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row.split(" | ")[0])}
        assert written - _options(ALL_COMMANDS[path]) == set()

    def test_help_lists_each_command(self) -> None:
        """The table of commands has the help of each in one line that fits."""
        assert all(0 < len(text) <= 66 for _, text in COMMANDS.values())


def _keys(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _calls(page: str) -> Iterator[tuple[str, list[str]]]:
    """(line, words after the program's name) of each call in a page's shell blocks, and of those within its text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"(?<!`)`(assetwatch [^`]+)`(?!`)", re.sub(r"^```.*?^```", "", page, flags=re.M | re.S))
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        first = 0
        for at, word in enumerate([*words, ";"]):
            if not set(word) <= set("();<>|&"):
                continue
            call = words[first:at]
            first = at + 1
            if call[:1] == ["sudo"]:
                call = call[3:] if call[1:2] == ["-u"] else call[1:]
            if call and call[0].rpartition("/")[2] == "assetwatch":
                yield line, call[1:]


@pytest.mark.parametrize("name", ["coordinator.md", "operating.md"])
def test_guides_call_what_there_is(name: str) -> None:
    """Each command that a guide shows exists, with its options."""
    calls = list(_calls((ROOT / "docs" / name).read_text(encoding="utf-8")))
    assert calls
    for line, words in calls:
        command: click.Command = cli
        context = click.Context(cli)
        known = _options(cli) | {"--help"}
        skip = False
        for word in words:
            if skip:
                skip = False
            elif word.startswith("-"):
                option = word.partition("=")[0]
                assert option in known, line
                taken = [p for p in command.params if isinstance(p, click.Option) and option in p.opts]
                skip = bool(taken) and not taken[0].is_flag and not taken[0].count and "=" not in word
            elif isinstance(command, click.Group):
                below = command.get_command(context, word)
                assert below is not None, line
                command, known = below, _options(below) | {"--help"}


class TestConfiguration:
    """docs/reference/configuration.md"""

    PAGE = _sections(_page("configuration.md"))
    SECTIONS = {
        "Top": config.Config,
        "[catalog]": config.CatalogSection,
        "[checksum]": config.ChecksumSection,
        "[probe]": config.ProbeSection,
        "[[volume]]": config.VolumeSection,
        "[verify]": config.VerifySection,
        "[report]": config.ReportSection,
        "[notify]": config.NotifySection,
        "[[notify.route]]": config.RouteSection,
        "[notify.smtp]": config.SmtpSection,
        "[health]": config.HealthSection,
        "[metrics]": config.MetricsSection,
    }

    @staticmethod
    def _documented(section: str) -> dict[str, str]:
        table = section.split("| key |")[1].split("\n\n")[0]
        return dict(re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| ([^|]+) \|", table, re.MULTILINE))

    @pytest.mark.parametrize("heading", SECTIONS)
    def test_each_key_is_documented(self, heading: str) -> None:
        """Each key has a row, and each row a key."""
        keys = set(_keys(self.SECTIONS[heading]))
        own = "" if heading == "Top" else heading.strip("[]")
        paths = [name.strip("[]").rpartition(".") for name in self.SECTIONS if name != "Top"]
        keys -= {name for above, _, name in paths if above == own}
        assert set(self._documented(self.PAGE[heading])) == keys

    @pytest.mark.parametrize("heading", SECTIONS)
    def test_defaults_are_those_of_the_code(self, heading: str) -> None:
        """The default in the row is the default in the code."""
        fields = _keys(self.SECTIONS[heading])
        for key, told in self._documented(self.PAGE[heading]).items():
            default = fields[key].default
            if default is msgspec.NODEFAULT:
                assert told == "required", key
            elif default is not None and not (key == "quiet" and "[verify]" in told):
                shown = list(default) if isinstance(default, tuple) else default
                assert told.strip("`") == str(msgspec.json.encode(shown), "utf-8").replace(",", ", "), key

    def test_each_algorithm_and_format_is_documented(self) -> None:
        """The words that may stand in a list are all there."""
        assert all(f"`{name}`" in self.PAGE["[checksum]"] for name in config.ALGORITHM_NAMES)
        assert all(f"`{name}`" in self.PAGE["[report]"] for name in config.REPORT_FORMATS)

    def test_the_example_is_valid(self, tmp_path: Path) -> None:
        """The examples can be used as they stand."""
        first, *more = re.findall(r"```toml\n(.*?)```", _page("configuration.md"), re.DOTALL)
        (tmp_path / "show.toml").write_text(first)
        assert [volume.name for volume in config.load(tmp_path / "show.toml").volume] == ["ingest", "sound"]
        for example in more:
            (tmp_path / "more.toml").write_text(example)
            config.load(tmp_path / "more.toml")


class TestExitCodes:
    """docs/reference/exit-codes.md"""

    PAGE = _page("exit-codes.md")

    def test_each_error_is_documented_with_its_code(self) -> None:
        """The table has each class of errors with its code, and no other."""
        found = dict(re.findall(r"^\| `(\w+Error)` \| (\d) \|", self.PAGE, re.MULTILINE))
        known = {
            name: str(value.exit_code)
            for name, value in vars(errors).items()
            if isinstance(value, type)
            and issubclass(value, errors.AssetwatchError)
            and value is not errors.AssetwatchError
        }
        assert found == known

    def test_each_error_stands_in_the_tree(self) -> None:
        """The tree in the module's docstring has each class with its code."""
        tree = dict(re.findall(r"[|`]-- (\w+)\s+(\d)", errors.__doc__ or ""))
        assert tree == dict(re.findall(r"^\| `(\w+Error)` \| (\d) \|", self.PAGE, re.MULTILINE))

    def test_each_command_has_a_row(self) -> None:
        """What makes the code 1 is told for each command, and for no other."""
        rows = self.PAGE.split("## What each command gives")[1]
        named = {
            name for row in re.findall(r"^\| (`.+?`) \|", rows, re.MULTILINE) for name in re.findall(r"`(.+?)`", row)
        }
        assert named == {path for path, command in ALL_COMMANDS.items() if not isinstance(command, click.Group)}


class TestJson:
    """docs/reference/json.md; the documents themselves are compared with it in tests/cli."""

    def test_each_command_with_json_has_a_section(self) -> None:
        """Each command that takes `--json` has a section."""
        headings = {*JSON_PAGE, *(f"catalog {name}" for name in ("upgrade", "check", "backup", "restore", "copy"))}
        with_json = {path for path, command in ALL_COMMANDS.items() if "--json" in _options(command)}
        assert with_json - headings == set()

    def test_facts_of_media(self) -> None:
        """Each key that a probe gives, of a file with picture and sound, is told."""
        tracks = [{"@type": "General", "Format": "MXF"}, {"@type": "Video"}, {"@type": "Audio"}]
        facts = normalize({"media": {"track": tracks}})
        section = JSON_PAGE["probe"]
        told = set(re.findall(r"`([a-z_]+)`", section))
        assert set(facts) | set(facts["video"][0]) | set(facts["audio"][0]) | set(facts["other"]) <= told

    def test_links_lead_somewhere(self) -> None:
        """Each link between the reference pages names a page and a heading that are there."""
        for page in REFERENCE.glob("*.md"):
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
                name, _, anchor = target.partition("#")
                if "://" in target:
                    continue
                other = (page.parent / name).resolve() if name else page
                assert other.exists(), f"{page.name}: {target}"
                if anchor and other.suffix == ".md":
                    assert anchor in _anchors(other.read_text(encoding="utf-8")), f"{page.name}: {target}"


def _anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# -- modules ----------------------------------------------------------------------------------------------------


def _name(source: Path) -> str:
    return ".".join(source.relative_to(ROOT).with_suffix("").parts)


MODULES = [source for source in SOURCES if source.name != "__init__.py" and "versions" not in source.parts]

#: library -> where it may be imported: docs/decisions/0002-libraries.md
DOORS = {
    "sqlalchemy": ("assetwatch.catalog.",),
    "alembic": ("assetwatch.catalog.",),
    "psycopg": ("assetwatch.catalog.",),
    "watchdog": ("assetwatch.ingest.watch",),
    "xxhash": ("assetwatch.checksum.algorithms",),
    "blake3": ("assetwatch.checksum.algorithms",),
    "pymediainfo": ("assetwatch.media.probe_child",),
    "lxml": ("assetwatch.checksum.manifests.xml", "assetwatch.media.timelines.xmltree"),
    "aaf2": ("assetwatch.media.timelines.aaf",),
    "pathspec": ("assetwatch.ingest.ignore", "assetwatch.checksum.manifests.ignore"),
    "platformdirs": ("assetwatch.config",),
    "click": ("assetwatch.cli.",),
    "rich": ("assetwatch.cli.",),
    "smtplib": ("assetwatch.notify.mail",),
    "apprise": ("assetwatch.notify.others",),
    "prometheus_client": ("assetwatch.notify.metrics",),
    "jinja2": ("assetwatch.report.html",),
    "markupsafe": ("assetwatch.report.html",),
    "weasyprint": ("assetwatch.report.pdf",),
    "av": ("assetwatch.report.frame_child",),
}


@pytest.mark.parametrize("source", MODULES, ids=_name)
def test_module_says_which_question_it_answers(source: Path) -> None:
    """The first sentence of a module's docstring asks the one question that the module answers."""
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    assert "?" in docstring.partition("\n\n")[0]


def _imports(source: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """(library, names taken from it) of each import, wherever it stands."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], frozenset()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], frozenset(alias.name for alias in node.names)


#: Rooms whose queries are still their own. They are to move behind the catalog's door; no room is added here.
_OWN_QUERIES = {
    f"assetwatch.{name}" for name in ("daemon", "ingest.care", "ingest.draw", "ingest.record", "ingest.scan")
}


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_each_library_has_one_door(source: Path) -> None:
    """A library is imported in its door only. The type of SQLAlchemy's connection may be named anywhere."""
    name = _name(source)
    for library, taken in _imports(source):
        if library == "sqlalchemy" and (taken == {"Connection"} or name in _OWN_QUERIES):
            continue
        assert any(name.startswith(door) for door in DOORS.get(library, (name,))), f"{library} in {name}"


def test_the_list_of_rooms_with_queries_of_their_own_is_not_stale() -> None:
    """A room that has none any more is struck off."""
    with_queries = {
        _name(source)
        for source in SOURCES
        if not _name(source).startswith("assetwatch.catalog.")
        and any(library == "sqlalchemy" and taken != {"Connection"} for library, taken in _imports(source))
    }
    assert with_queries == _OWN_QUERIES


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_nothing_is_left_undone(source: Path) -> None:
    """No note of work to be done, nothing that is not implemented."""
    text = source.read_text(encoding="utf-8")
    assert re.findall(r"\b(?:TODO|FIXME|XXX|HACK)\b", text) == []
    raised = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Raise)]
    assert [one for one in raised if "NotImplementedError" in one] == []


def _documents() -> list[Path]:
    folders = [ROOT / "docs", ROOT / "systemd", ROOT / "assetwatch"]
    kept = [one for folder in folders for one in folder.rglob("*") if one.suffix in (".md", ".service", ".py", ".toml")]
    return [*kept, ROOT / "README.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("document", _documents(), ids=lambda one: str(one.relative_to(ROOT)))
def test_no_path_of_anybodys_machine(document: Path) -> None:
    """No file names a place that exists on one machine only."""
    assert re.findall(r"(?<![\w.~])/(?:work|home|root|Users)/\w+", document.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_public_things_have_docstrings(source: Path) -> None:
    """Each public class and function of a module says what it does."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    if "versions" not in source.parts and source.name != "env.py":
        assert silent == []


def test_the_command_line_is_cheap_to_import() -> None:
    """The help needs neither the database nor the tables nor the watcher."""
    heavy = ("sqlalchemy", "alembic", "rich", "watchdog", "lxml", "msgspec", "asyncio")
    code = f"import sys, assetwatch.cli.main; print(*({set(heavy)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []


def test_presence_and_integrity_are_those_of_the_contract() -> None:
    """The words of the two axes stand in the reference of `files`."""
    from assetwatch.model import Integrity, Presence

    section = JSON_PAGE["files"]
    assert all(f"`{word.value}`" in section for word in (*Presence, *Integrity))


def test_states_of_a_probe_are_documented() -> None:
    """So do the states of a probe, in the reference of `show`."""
    from assetwatch.media.asker import Status

    assert all(f"`{word}`" in JSON_PAGE["show"] for word in get_args(Status))
