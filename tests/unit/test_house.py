"""Rules of the house that no single room can hold: what loads when, names, sizes, versions."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import gatewise
from gatewise import registry
from gatewise.cli.main import COMMANDS
from gatewise.settings import ForecastSettings, field_names, flat_fields

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "gatewise"
HEAVY = ("torch", "sklearn", "polars", "numpy", "scipy", "altair")
FILES = sorted(SOURCE.rglob("*.py"))
TABLES = {name: table for name, table in vars(registry).items() if isinstance(table, registry.Registry)} | {
    "COMMANDS": COMMANDS
}
ROOMS = sorted(
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
    if "__all__" in path.read_text(encoding="utf-8")
)


def loaded_by(code: str) -> set[str]:
    """Return which of the heavy packages a new process has loaded after `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\nloaded', *sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.rpartition("loaded")[2].split()) & set(HEAVY)


def test_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import gatewise, gatewise.registry") == set()


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["fit", "--help"], ["cells", "--help"], ["cels"]])
def test_what_needs_no_data_loads_nothing_heavy(args: list[str]) -> None:
    assert loaded_by(f"from gatewise.cli.main import run; run({args!r})") == set()


@pytest.mark.parametrize("name", COMMANDS.names())
def test_help_of_a_command_loads_nothing_heavy(name: str) -> None:
    assert loaded_by(f"from gatewise.cli.main import run; run({[*name.split(), '--help']!r})") == set()


@pytest.mark.parametrize("room", ["errors", "settings", "registry", "data", "metrics", "runs", "report", "yaml12"])
def test_rooms_that_work_without_torch(room: str) -> None:
    assert "torch" not in loaded_by(f"import gatewise.{room}")


@pytest.mark.parametrize("module", ROOMS)
def test_every_public_name_is_there_and_explained(module: str) -> None:
    room = import_module(module)
    assert len(set(room.__all__)) == len(room.__all__)
    for name in room.__all__:
        thing = getattr(room, name)
        if getattr(thing, "__module__", "").startswith("gatewise"):
            assert thing.__doc__, f"{module}.{name} has no docstring"


def test_the_package_lists_what_it_gives() -> None:
    assert dir(gatewise) == sorted(gatewise.__all__)
    assert set(gatewise._HOMES) == set(gatewise.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="Forcaster"):
        gatewise.Forcaster  # noqa: B018 - the access is the test


@pytest.mark.parametrize(
    ("table", "name"), [(table, entry.name) for table, entries in TABLES.items() for entry in entries]
)
def test_every_name_in_a_table_resolves(table: str, name: str) -> None:
    entry = TABLES[table].entry(name)
    assert callable(TABLES[table].load(name))
    assert entry.summary
    assert not entry.summary.endswith(".")


def test_flat_names_are_unique_and_every_setting_is_explained() -> None:
    fields = dict(field_names(ForecastSettings))
    assert sorted(flat_fields(ForecastSettings).values()) == sorted(fields)
    for path, field in fields.items():
        assert field.description, f"{path} has no sentence"
        assert field.description.endswith("."), path


def test_the_version_stands_in_the_changelog() -> None:
    heads = re.findall(r"^## \[(.+?)\] - (Unreleased|\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert heads[0][0] == gatewise.__version__


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_tells_one_story(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert all("weights_only=True" in line for line in re.findall(r".*torch\.load\(.*", text))
    assert not re.search(r"^\s*(import|from) (pickle|dill|cloudpickle|joblib)\b|torch\.save\(", text, re.M)


def test_every_test_file_has_its_own_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_contributing_is_short() -> None:
    assert (ROOT / "CONTRIBUTING.md").read_text().count("\n") < 50


def test_pins_fit_what_the_package_asks_for() -> None:
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)$", (ROOT / "constraints.txt").read_text(), re.M))
    pins = {name.lower().replace("_", "-"): version for name, version in pins.items()}
    assert pins["torch"] == "2.13.0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[<>=~! ;]", one)[0].lower() for one in asked} - {"gatewise"}
    assert names <= set(pins)
