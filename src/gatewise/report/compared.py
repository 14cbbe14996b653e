"""The page of runs that were compared after the fact: the parts of a study's page that need no study file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewise.report.evidence import Evidence, Level, environments_of, show_setting
from gatewise.report.page import render
from gatewise.runs import RunFolder, atomic
from gatewise.wording import say


def write_page(tree: Mapping[str, Any], path: Path) -> Path:
    """Write the page of what :func:`gatewise.studies.afterwards.compare_runs` found, and return its path.

    Raises
    ------
    OutputError
        If the page cannot be written.
    """
    atomic.make_folder(path.parent)
    atomic.write_text(path, render(evidence_of(tree)))
    return path


def evidence_of(tree: Mapping[str, Any]) -> Evidence:
    """Return a comparison of any runs as what a page is made of."""
    main = str(tree["main"] or "")
    levels = []
    for entry in tree["levels"]:
        settings = entry["settings"]
        runs = tuple(RunFolder(path) for path in entry["runs"])
        others = (show_setting(key, value) for key, value in settings.items() if key != main)
        levels.append(
            Level(
                label=entry["label"],
                main=str(settings.get(main, entry["label"])),
                condition=say("words.comma").join(others),
                settings=settings,
                runs=runs,
                parameters=entry["parameters"],
                metrics=entry["metrics"],
                epochs=entry["epochs"],
                seconds=entry["seconds"],
                results=tuple(run.read_result() for run in runs),
            )
        )
    first = levels[0].results[0]
    every = [run for level in levels for run in level.runs]
    return Evidence(
        name=say("compare.page_title"),
        question="",
        is_study=True,
        task=tree["task"],
        metric=tree["metric"],
        main=main,
        levels=tuple(levels),
        baselines={name: parts.get("test") or {} for name, parts in (first.get("baselines") or {}).items()},
        against_baseline=tuple(tree["against_baseline"]),
        comparisons=tuple(tree["comparisons"]),
        notes=tuple(tree["notes"]),
        leaking=any(result.get("leaking") for level in levels for result in level.results),
        test=tree["test"],
        settings=every[0].read_settings(),
        environments=environments_of(every),
    )
