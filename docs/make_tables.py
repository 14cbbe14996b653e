"""Write the reference tables from the registries, the metrics, the studies and the settings.

``make docs`` runs it; a test asks that the committed pages are what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic_core import PydanticUndefined

from gatewise import registry
from gatewise.metrics import FORECAST_METRICS
from gatewise.metrics.classify import CLASS_METRICS, TUNED_METRICS
from gatewise.metrics.names import GENERATED_METRICS, ONE_CLASS_NAMES, MetricName
from gatewise.metrics.table import Metric
from gatewise.metrics.text import PROTOCOLS, TEXT_METRICS, TRAINED_LOSS
from gatewise.settings import (
    CLASSIFY_PRESETS,
    TEXT_PRESETS,
    AdaptSettings,
    ClassifySettings,
    ForecastSettings,
    SamplingSettings,
    Settings,
    TextSettings,
    field_names,
    flat_fields,
)
from gatewise.studies import list_studies

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/make_tables.py: change {} instead. -->\n"
REGISTRIES = MADE.format("the tables in src/gatewise/registry")
SENTENCES = MADE.format("the sentences in src/gatewise/settings")
#: Settings that the command line takes in another way than as an option.
_GIVEN = {"data.files": "`FILES`", "task": "the command's second word"}
TITLES = {
    "Cells": ("model.cell", registry.CELLS),
    "Losses of forecasting": ("train.loss", registry.LOSSES),
    "Losses of text": ("train.loss", registry.TEXT_LOSSES),
    "Losses of classes": ("train.loss", registry.CLASS_LOSSES),
    "Poolings": ("model.pooling", registry.POOLINGS),
    "Steps of cleaning": ("data.cleaning", registry.CLEANING_STEPS),
    "Optimizers": ("train.optimizer", registry.OPTIMIZERS),
    "Schedules": ("train.schedule", registry.SCHEDULES),
    "Target transforms": ("data.transform", registry.TRANSFORMS),
    "Baselines of forecasting": ("baselines", registry.BASELINES),
    "Baselines of text": ("baselines", registry.TEXT_BASELINES),
    "Baselines of classes": ("baselines", registry.CLASS_BASELINES),
    "Kernels": ("model.kernel", registry.KERNELS),
    "Probe tasks": ("gatewise probe --tasks", registry.PROBES),
}


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    cells = ([" ".join(str(cell).split()).replace("|", "\\|") for cell in row] for row in rows)
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def choices() -> str:
    """Return the page of everything that is chosen by name."""
    parts = ["# What can be chosen\n", REGISTRIES]
    parts.append("Names as a settings file, a study and the command line take them.\n")
    for title, (chooser, entries) in TITLES.items():
        rows = [(f"`{entry.name}`", entry.summary, entry.source) for entry in entries]
        parts += [f"## {title}\n", f"Chosen with `{chooser}`.\n", table(("name", "what it is", "source"), rows)]
    studies = [(f"`{one['name']}`", one["question"], ", ".join(one["presets"])) for one in list_studies()]
    parts += ["## Studies\n", table(("name", "question", "presets"), studies)]
    parts += ["## Metrics of forecasting\n", _metrics(FORECAST_METRICS)]
    parts += ["## Metrics of text\n", "Each is worked out under every protocol and named by it: `carried_accuracy`.\n"]
    parts += [table(("protocol", "how the text is predicted"), ((f"`{name}`", how) for name, how in PROTOCOLS.items()))]
    parts += [_metrics(TEXT_METRICS), f"Beside them stands `{TRAINED_LOSS.name}`: {TRAINED_LOSS.summary.lower()}.\n"]
    parts += ["Of text that a network wrote, one figure for each way of writing:\n", _metrics(GENERATED_METRICS)]
    parts += ["## Metrics of classes\n", _metrics(CLASS_METRICS)]
    parts += ["Decided with thresholds that were chosen on validation:\n", _metrics(TUNED_METRICS)]
    parts += ["Of one class alone, in `per_class`:\n", _metrics(ONE_CLASS_NAMES)]
    return "\n".join(parts)


def _metrics(metrics: Mapping[str, Metric | MetricName]) -> str:
    rows = ((f"`{one.name}`", one.summary, one.unit, f"{one.direction} is better") for one in metrics.values())
    return table(("name", "what it is", "unit", "direction"), rows)


def forecast_settings() -> str:
    """Return the page of every setting of forecasting."""
    said = (
        "The first name stands in settings files and studies, the second is the option of `gatewise fit forecast` and "
        "the argument of `Forecaster` (with underscores). Those of text have [their own page](settings-text.md), "
        "those of labelled texts [theirs](settings-tweets.md).\n"
    )
    return "\n".join(["# Every setting of forecasting\n", SENTENCES, said, *_rooms(ForecastSettings)])


def text_settings() -> str:
    """Return the page of every setting of text, and of writing."""
    said = (
        "The first name stands in settings files and studies, the second is the option of `gatewise fit generate` and "
        "the argument of `TextGenerator` (with underscores). What they mean is told in [the guide](../text.md).\n"
    )
    writing = (
        "The option of `gatewise generate`, and (with underscores) the argument of `TextGenerator.generate` and "
        "`stream`.\n"
    )
    parts = ["# Every setting of text\n", SENTENCES, said, *_rooms(TextSettings)]
    parts += ["## Writing\n", writing, *_rooms(SamplingSettings, titled=False)]
    parts += ["## Recipes\n", "What `--preset` sets; everything else is the default.\n", _presets(TEXT_PRESETS)]
    return "\n".join(parts)


def classify_settings() -> str:
    """Return the page of every setting of classification, and of adapting an encoder."""
    said = (
        "The first name stands in settings files and studies, the second is the option of `gatewise fit classify` and "
        "the argument of `TextClassifier` (with underscores). What they mean is told in [the guide](../tweets.md).\n"
    )
    parts = ["# Every setting of classification\n", SENTENCES, said, *_rooms(ClassifySettings)]
    parts += ["## Recipes\n", "What `--preset` sets; all else is the default.\n", _presets(CLASSIFY_PRESETS)]
    parts += ["## Adapting an encoder\n", "The options of `gatewise adapt`.\n", *_rooms(AdaptSettings, titled=False)]
    return "\n".join(parts)


def _presets(presets: Mapping[str, Mapping[str, object]]) -> str:
    paths = dict.fromkeys(path for preset in presets.values() for path in preset)
    rows = (
        (f"`{path}`", *(f"`{_plain(preset[path])}`" if path in preset else "" for preset in presets.values()))
        for path in paths
    )
    return table(("setting", *presets), rows)


def _rooms(settings: type[Settings], *, titled: bool = True) -> Iterator[str]:
    """Yield title and table of each room of some settings."""
    flats = {path: flat for flat, path in flat_fields(settings).items()}
    rooms: dict[str, list[tuple[str, ...]]] = {}
    for path, field in field_names(settings):
        default = field.default
        shown = "" if default is PydanticUndefined or default is None or default in ((), "") else f"`{_plain(default)}`"
        option = _GIVEN.get(path, f"`--{flats[path].replace('_', '-')}`")
        rooms.setdefault(path.rpartition(".")[0], []).append((f"`{path}`", option, shown, field.description or ""))
    for room, rows in rooms.items():
        if titled:
            yield f"## {room or 'run'}\n"
        yield table(("setting", "option", "default", "what it does"), rows)


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={one}" for key, one in value.items())
    return ", ".join(str(one) for one in value) if isinstance(value, tuple | list) else str(value)


PAGES = {
    "choices.md": choices,
    "settings.md": forecast_settings,
    "settings-text.md": text_settings,
    "settings-tweets.md": classify_settings,
}


def main() -> int:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
