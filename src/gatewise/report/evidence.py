"""What is read: a study folder or one run folder, as one plain tree of levels and runs.

A run that stands alone becomes a study of one level and one seed, so that everything after this file knows one shape.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from gatewise.errors import InputError
from gatewise.metrics.names import is_higher_better, learn
from gatewise.registry import read_task
from gatewise.registry.outside import short_name
from gatewise.runs import RunFolder
from gatewise.studies.factors import with_setting
from gatewise.studies.folder import StudyFolder
from gatewise.studies.words import setting, setting_value
from gatewise.wording import again, has, language, say

#: A figure draws at most so many levels, and one condition a panel at most so many panels.
MOST_DRAWN, MOST_PANELS = 40, 6


@dataclass(frozen=True)
class Level:
    """One setting of the study, with all its seeds."""

    label: str
    main: str  # level of the factor that is compared, e.g. "lstm"
    condition: str  # the other factors, e.g. "early stopped, input dropout 0"
    settings: Mapping[str, Any]
    runs: tuple[RunFolder, ...]
    parameters: int | None
    metrics: Mapping[str, Mapping[str, Any]]  # name -> mean, std, min, max, values
    epochs: Mapping[str, Any]  # run, best: a number a seed
    seconds: Mapping[str, Any]  # per_epoch, per_step_ms, exclusive
    results: tuple[Mapping[str, Any], ...] = ()  # result.json of each run


@dataclass(frozen=True)
class Evidence:
    """Everything that the page says, before it is put into words."""

    name: str
    question: str
    is_study: bool
    metric: str  # the metric that judges
    main: str  # the setting that is compared, "" when nothing is
    levels: tuple[Level, ...]
    baselines: Mapping[str, Mapping[str, Any]]
    against_baseline: tuple[Mapping[str, Any], ...]
    comparisons: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    claims: tuple[Mapping[str, Any], ...] = ()
    failed: tuple[Mapping[str, Any], ...] = ()
    diverged: tuple[Mapping[str, Any], ...] = ()  # levels at which training diverged: runs, of, levels
    notes: tuple[str, ...] = ()
    leaking: bool = False
    test: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    environments: tuple[Mapping[str, Any], ...] = ()
    intervals: Mapping[str, Any] = field(default_factory=dict)
    study: Mapping[str, Any] = field(default_factory=dict)  # study.json, where there is one
    command: str = ""  # trains and compares again
    task: str = "forecast"
    decided: Mapping[str, Any] = field(default_factory=dict)  # rules, data sets, interactions, fronts, test examples
    search: Mapping[str, Any] | None = None  # trials, budget and choice of each level
    within: str = ""  # what every run measured inside itself and the levels differ in: "memory", "sampling"

    @property
    def mains(self) -> list[str]:
        """Levels of the compared factor, in the study's order."""
        return list(dict.fromkeys(level.main for level in self.levels))

    @property
    def conditions(self) -> list[str]:
        """Combinations of the other factors, in the study's order."""
        return list(dict.fromkeys(level.condition for level in self.levels))

    @property
    def baseline(self) -> str:
        """The baseline that the verdict is about."""
        named = [str(row["baseline"]) for row in self.against_baseline if row.get("baseline")]
        return named[0] if named else next(iter(self.baselines), read_task({"task": self.task}).baseline)

    def reference(self, metric: str) -> float | None:
        """Return the metric of the baseline that the verdict is about; None where the levels have not the same one."""
        own = {row.get("value") for row in self.against_baseline if row.get("baseline") == self.baseline}
        return self.baselines.get(self.baseline, {}).get(metric) if len(own) < 2 else None

    @property
    def shown_levels(self) -> list[Level]:
        """The levels that share the best one's condition, each set of runs once: what a figure has room for."""
        known = [level for level in self.levels if (level.metrics.get(self.metric) or {}).get("mean") is not None]
        if not known:
            return []
        pick = max if is_higher_better(self.metric) else min
        best = pick(known, key=lambda level: float(level.metrics[self.metric]["mean"]))
        if self.within:
            unique = {tuple(run.path for run in level.runs): level for level in reversed(self.levels)}
            return [replace(level, main=level.condition or self.name) for level in reversed(unique.values())]
        same = [level for level in self.levels if level.condition == best.condition]
        return [level for level in same if level.label in self._best_labels(same)]

    @property
    def drawn_levels(self) -> list[Level]:
        """The levels that figures have room for, in the study's order; of many, the best. Tables have all of them."""
        best = self._best_labels(self.levels)
        return [level for level in self.levels if level.label in best]

    @property
    def drawn_conditions(self) -> list[str]:
        """The conditions that have a panel of their own, in the study's order: of many, those of the best levels."""
        order = dict.fromkeys(level.condition for level in self._ranked(self.levels))
        best = set(itertools.islice(order, MOST_PANELS))
        return [condition for condition in self.conditions if condition in best]

    def _best_labels(self, levels: Sequence[Level]) -> set[str]:
        return {level.label for level in self._ranked(levels)[:MOST_DRAWN]}

    def _ranked(self, levels: Sequence[Level]) -> list[Level]:
        """Return levels by their mean, the best first; those without one last."""
        sign = -1.0 if is_higher_better(self.metric) else 1.0

        def place(level: Level) -> float:
            mean = (level.metrics.get(self.metric) or {}).get("mean")
            return inf if mean is None else sign * float(mean)

        return sorted(levels, key=place)


def read_evidence(folder: Path) -> Evidence:
    """Read a study folder or a run folder.

    Raises
    ------
    InputError
        If the folder is neither, or a file in it cannot be read; the message says what was expected.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder: give the folder of a study or of a run")
    study = StudyFolder(folder)
    if study.is_compared:
        return _study(study)
    run = RunFolder(folder)
    if run.has_settings():
        return _single(run)
    raise InputError(
        f"{folder}: neither a study (no comparison) nor a run (no settings): "
        "give the folder that `gatewise study` or `gatewise fit --out` wrote"
    )


def _study(folder: StudyFolder) -> Evidence:
    tree = folder.read_comparison()
    main = str(tree.get("main") or "")
    levels = []
    for entry in tree.get("levels") or []:
        settings = dict(entry.get("settings") or {})
        named = (folder.run(str(name)) for name in entry.get("runs") or [])
        runs = tuple(run for run in named if run.has_settings())
        levels.append(
            Level(
                label=str(entry["label"]),
                main=show_main(main, settings[main]) if main in settings else str(entry["label"]),
                condition=", ".join(
                    show_setting(key, value) for key, value in settings.items() if main not in (key, "")
                ),
                settings=settings,
                runs=runs,
                results=tuple(_optional(run, "result") for run in runs),
                parameters=entry.get("parameters"),
                metrics=entry.get("metrics") or {},
                epochs=entry.get("epochs") or {},
                seconds=entry.get("seconds") or {},
            )
        )
    first = next((run for level in levels for run in level.runs), None)
    results = {level.label: level.results for level in levels}
    said = [note for group in results.values() for result in group for note in result.get("notes") or ()]
    return Evidence(
        name=str(tree.get("name") or folder.path.name),
        question=str(tree.get("question") or ""),
        is_study=True,
        task=read_task(tree).name,
        within=str(tree.get("within") or ""),
        metric=str(tree.get("metric") or "mse"),
        main=main,
        levels=tuple(levels),
        baselines=tree.get("baselines") or {},
        against_baseline=tuple(tree.get("against_baseline") or ()),
        comparisons=tuple(tree.get("comparisons") or ()),
        findings=tuple(tree.get("findings") or ()),
        claims=tuple(tree.get("claims") or ()),
        failed=tuple(tree.get("failed") or ()),
        diverged=tuple(tree.get("diverged") or ()),
        notes=_unique([*(tree.get("notes") or ()), *said, *_what_is_drawn(levels)]),
        leaking=bool(tree.get("leaking")),
        test=str(tree.get("test") or ""),
        decided={
            key: tree.get(key) for key in ("decide", "datasets", "interactions", "pareto", "examples") if tree.get(key)
        },
        search=tree.get("search"),
        study=_optional(folder, "study"),
        command=f"gatewise study {study_source(str(tree.get('name') or 'study'))} --out {folder.path.name}",
        settings=_optional(first, "settings") if first else {},
        environments=environments_of(run for level in levels for run in level.runs),
        intervals={
            label: _mean_intervals([result.get("intervals") or {} for result in group])
            for label, group in results.items()
        },
    )


def study_source(name: str) -> str:
    """Return how the command line names a study: one that comes along by its name, any other by its file."""
    return name if has(f"ready.{name}") else f"{name}.yaml"


def _what_is_drawn(levels: Sequence[Level]) -> list[str]:
    """Say where figures leave levels out."""
    conditions = len({level.condition for level in levels})
    notes = [say("drawn.levels", most=MOST_DRAWN, all=len(levels))] if len(levels) > MOST_DRAWN else []
    return notes + ([say("drawn.conditions", most=MOST_PANELS, all=conditions)] if conditions > MOST_PANELS else [])


def _single(run: RunFolder) -> Evidence:
    settings = run.read_settings()
    result = run.read_result()
    learn(result.get("own_metrics") or ())
    name = str(settings.get("name") or result.get("name") or run.path.name)
    model, seconds, metrics = settings.get("model") or {}, result.get("seconds") or {}, result.get("metrics") or {}
    cell = str(model.get("cell") or name)
    if encoder := (settings.get("encoder") or {}).get("name"):
        cell = f"{cell} on {Path(str(encoder)).name}"
    step = seconds.get("per_step_median")
    level = Level(
        label=cell,
        main=cell,
        condition="",
        settings={"model.cell": cell},
        runs=(run,),
        results=(result,),
        parameters=result.get("parameters"),
        metrics={
            key: {"mean": value, "std": None, "min": value, "max": value, "values": [value]}
            for key, value in (metrics.get("test") or {}).items()
        },
        epochs={key: [value] for key, value in (result.get("epochs") or {}).items()},
        seconds={
            "per_epoch": seconds.get("per_epoch"),
            "per_step_ms": 1000 * step if step is not None else None,
            "exclusive": bool(result.get("exclusive")),
        },
    )
    verdict = result.get("verdict") or {}
    judged = {
        **verdict, "label": cell, "baseline": verdict.get("against"), "p_holm": verdict.get("p"),
        "interval": _as_ratio(verdict, result.get("baselines") or {}),
    }  # fmt: skip
    status = str(result.get("status") or "finished")
    said = [verdict["note"]] if verdict.get("note") else []
    unfinished = [say("page.unfinished", status=status)]
    return Evidence(
        name=name,
        question="",
        is_study=False,
        task=read_task(settings).name,
        command=f"gatewise fit {read_task(settings).name} --config settings.json --out {run.path.name}",
        metric=str(verdict.get("metric") or _first_metric(settings, level)),
        main="",
        levels=(level,),
        baselines={key: value.get("test") or {} for key, value in (result.get("baselines") or {}).items()},
        against_baseline=(judged,) if verdict else (),
        notes=_unique([*([] if status == "finished" else unfinished), *said, *(result.get("notes") or ())]),
        leaking=bool(result.get("leaking")),
        test=str(verdict.get("test") or ""),
        settings=settings,
        environments=environments_of([run]),
        intervals={cell: result.get("intervals") or {}},
    )


def _first_metric(settings: Mapping[str, Any], level: Level) -> str:
    """Return the metric that judges a run without a verdict: the first that it has, in its task's order."""
    task = read_task(settings)
    names: Mapping[str, Any] = task.load("metrics") if task.metrics else level.metrics
    known = [name for name in names if (level.metrics.get(name) or {}).get("mean") is not None]
    return known[0] if known else next(iter(names))


def _as_ratio(verdict: Mapping[str, Any], baselines: Mapping[str, Any]) -> list[float] | None:
    """Turn a run's interval of the difference in loss into one of the ratio to the baseline, as studies give it."""
    loss = ((baselines.get(str(verdict.get("against"))) or {}).get("test") or {}).get(str(verdict.get("metric")))
    bounds = verdict.get("interval")
    return [1 + bound / loss for bound in bounds] if loss and bounds and None not in bounds else None


def _mean_intervals(seeds: list[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Average coverage and width of each level of the intervals over seeds."""
    found: dict[str, dict[str, float]] = {}
    for name in dict.fromkeys(name for seed in seeds for name in seed):
        for key in ("coverage", "width"):
            values = [
                seed[name][key]
                for seed in seeds
                if isinstance(seed.get(name), Mapping) and seed[name].get(key) is not None
            ]
            if values:
                found.setdefault(name, {})[key] = sum(values) / len(values)
    return found


def show_setting(key: str, value: Any) -> str:
    """Put one setting into words: ``model.input_dropout``, 0.1 -> "input dropout 0.1".

    Examples
    --------
    >>> show_setting("schedule", "early stopped"), show_setting("model.input_dropout", 0.1)
    ('early stopped', 'input dropout 0.1')
    """
    if language() != "en":
        return setting(key, value)
    if isinstance(value, str) and "." not in key:
        return value
    if key == "split.train_size":
        return with_setting(key, value)
    return f"{key.rsplit('.', 1)[-1].replace('_', ' ')} {show_value(value)}"


def show_main(key: str, value: Any) -> str:
    """Write a level of the factor that is compared: by itself, where its setting needs no name."""
    if language() != "en" and isinstance(value, str):
        return again(value)
    return show_setting(key, value) if key == "split.train_size" else show_value(value)


def show_value(value: Any) -> str:
    """Write a setting's value as a person would: ``0.10`` -> "0.1", ``None`` -> "default"."""
    if language() != "en":
        return say("names.value.default") if value is None else setting_value(value)
    if value is None:
        return "default"
    if isinstance(value, float):
        return f"{value:g}"
    return short_name(str(value))


#: Of the environment, what belongs to one run alone and says nothing of the machine.
_OF_ONE_RUN = ("fingerprint", "data_digest")


def environments_of(runs: Iterable[RunFolder]) -> tuple[Mapping[str, Any], ...]:
    """Return the different environments that the runs had, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for run in runs:
        environment = {key: value for key, value in _optional(run, "environment").items() if key not in _OF_ONE_RUN}
        if environment:
            found.setdefault(json.dumps(environment, sort_keys=True), environment)
    return tuple(found.values())


def _optional(run: RunFolder | StudyFolder, what: str) -> dict[str, Any]:
    """Return a file of a run as a tree, an empty one when it is not there."""
    try:
        tree: dict[str, Any] = getattr(run, f"read_{what}")()
    except InputError:
        return {}
    learn(tree.get("own_metrics") or ())
    return tree


def _unique(notes: list[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(note) for note in notes))


def logs(level: Level) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield seed number (counted from 1) and rows of the log of each run of a level."""
    for number, run in enumerate(level.runs, start=1):
        rows = run.read_log()
        if rows:
            yield number, rows
