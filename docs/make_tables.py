"""Write the reference tables from the registries, the metrics, the studies and the settings.

``make docs`` runs it; a test asks that the committed pages are what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic_core import PydanticUndefined

from gatewise import registry
from gatewise.metrics import METRICS
from gatewise.settings import ForecastSettings, field_names, flat_fields
from gatewise.studies import list_studies

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/make_tables.py: change the tables in src/gatewise/registry instead. -->\n"
TITLES = {
    "Cells": ("model.cell", registry.CELLS),
    "Losses": ("train.loss", registry.LOSSES),
    "Optimizers": ("train.optimizer", registry.OPTIMIZERS),
    "Schedules": ("train.schedule", registry.SCHEDULES),
    "Target transforms": ("data.transform", registry.TRANSFORMS),
    "Baselines": ("baselines", registry.BASELINES),
    "Kernels": ("model.kernel", registry.KERNELS),
    "Probe tasks": ("gatewise probe --tasks", registry.PROBES),
}


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def choices() -> str:
    """Return the page of everything that is chosen by name."""
    parts = ["# What can be chosen\n", MADE, "Names as a settings file, a study and the command line take them.\n"]
    for title, (chooser, entries) in TITLES.items():
        rows = [(f"`{entry.name}`", entry.summary, entry.source) for entry in entries]
        parts += [f"## {title}\n", f"Chosen with `{chooser}`.\n", table(("name", "what it is", "source"), rows)]
    studies = [(f"`{one['name']}`", one["question"], ", ".join(one["presets"])) for one in list_studies()]
    parts += ["## Studies\n", table(("name", "question", "presets"), studies)]
    metrics = [(f"`{one.name}`", one.unit, f"{one.direction} is better") for one in METRICS.values()]
    parts += ["## Metrics\n", table(("name", "unit", "direction"), metrics)]
    return "\n".join(parts)


def settings() -> str:
    """Return the page of every setting."""
    flats = {path: flat for flat, path in flat_fields(ForecastSettings).items()}
    parts = ["# Every setting\n", MADE.replace("registry", "settings.py").replace("tables", "sentences")]
    parts.append(
        "The first name stands in settings files and studies, the second is the option of `gatewise fit forecast` and "
        "the argument of `Forecaster` (with underscores).\n"
    )
    for room, rows in _by_room():
        parts += [f"## {room or 'run'}\n"]
        parts.append(
            table(
                ("setting", "option", "default", "what it does"),
                ((f"`{path}`", f"`--{flats[path].replace('_', '-')}`", default, text) for path, default, text in rows),
            )
        )
    return "\n".join(parts)


def _by_room() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    rooms: dict[str, list[tuple[str, str, str]]] = {}
    for path, field in field_names(ForecastSettings):
        default = field.default
        shown = "" if default is PydanticUndefined or default is None or default == () else f"`{_plain(default)}`"
        rooms.setdefault(path.rpartition(".")[0], []).append((path, shown, field.description or ""))
    yield from rooms.items()


def _plain(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, tuple) else str(value)


PAGES = {"choices.md": choices, "settings.md": settings}


def main() -> int:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
