"""The documentation says what is true: tables are current, commands parse, code runs."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from gatewise.cli.main import COMMANDS, build
from gatewise.registry.outside import VARIABLE
from gatewise.settings import (
    AdaptSettings,
    ClassifySettings,
    ForecastSettings,
    SamplingSettings,
    TextSettings,
    flat_fields,
    parse,
)
from gatewise.studies.bundle.settings import BundleSettings
from gatewise.studies.file import resolve
from gatewise.yaml12 import parse_yaml

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROJECT = DOCS.parent
PAGES = [PROJECT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    """Return page and text of every block of code in a language."""
    fence = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(page.name, text) for page in PAGES for text in fence.findall(page.read_text(encoding="utf-8"))]


def commands() -> list[str]:
    """Return every command line of the documentation and of the commands' own help."""
    lines = [line[2:] for _, text in blocks("console") for line in text.replace("\\\n", " ").splitlines()]
    examples = [COMMANDS.load(name).__doc__.split("For example:")[1].splitlines() for name in COMMANDS.names()]
    lines += [line.strip() for example in examples for line in example]
    return sorted({line.partition("#")[0].strip() for line in lines if line.strip().startswith("gatewise ")})


def test_tables_are_what_the_registries_say() -> None:
    pages = runpy.run_path(str(DOCS / "make_tables.py"))["PAGES"]
    for name, make in pages.items():
        assert (DOCS / "reference" / name).read_text(encoding="utf-8") == make(), "run `make docs` and commit"


@pytest.mark.parametrize("line", commands())
def test_commands_parse(line: str) -> None:
    command, args = build(), shlex.split(line)
    context = command.make_context(args[0], args[1:])
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_study_files_are_valid(page: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(PROJECT / "examples" / "yours"))
    tree = parse_yaml(text)
    if "studies" in tree:  # made of studies, one of them a reader's own file
        assert parse(BundleSettings, tree, where=page).studies
        return
    if "name" not in tree:  # a part of a file
        tree = {"name": "part", "vary": {"model.cell": ["rnn", "gru", "lstm"]}, **tree}
    assert resolve(tree, where=page).all_factors


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_code_runs(page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(text, page, "exec"), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_pages_link_to_pages_that_are_there(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_options_that_pages_name_are_there(page: Path) -> None:
    known = set(
        re.findall(r'"--([a-z-]+)', "".join(path.read_text() for path in (DOCS.parent / "src").rglob("cli/*.py")))
    )
    kinds = (ForecastSettings, TextSettings, SamplingSettings, ClassifySettings, AdaptSettings)
    known |= {flat.replace("_", "-") for kind in kinds for flat in flat_fields(kind)} | {"index-url", "help"}
    for option in re.findall(r"`[^`\n]*?--([a-z][a-z-]+)", page.read_text(encoding="utf-8")):
        assert option in known or option.removeprefix("no-") in known, option


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_goals_that_pages_name_are_in_the_makefile(page: Path) -> None:
    goals = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for goal in re.findall(r"(?:`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8")):
        assert goal in goals
