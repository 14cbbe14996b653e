"""Comparing any runs after the fact: runs of one setting are a level, its seeds are paired with those of the others.

The tests are those of a study. Where each setting has one run alone, the two are judged over the examples of the test
part instead, which is said and is never a result over seeds.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from gatewise.errors import InputError, did_you_mean
from gatewise.metrics.names import direction, is_higher_better, metric_phrase
from gatewise.registry import read_task
from gatewise.runs import RunFolder
from gatewise.runs.find import find_runs, flatten
from gatewise.studies.compare import against_baselines, compare_pairs
from gatewise.studies.examples import compare_tables, reader_of
from gatewise.studies.factors import show, with_setting
from gatewise.studies.folder import StudyFolder
from gatewise.studies.levels import LevelResults
from gatewise.studies.likeness import Ran, environments, unlike
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import decide, holm
from gatewise.wording import say

#: Of more settings not every pair is compared: each is, with the best one.
MOST_PAIRED = 20
_SETTING = "setting"


def compare_runs(
    places: Sequence[str | os.PathLike[str]], *, metric: str | None = None, anyway: bool = False
) -> dict[str, Any]:
    """Compare the finished runs of any folders.

    Parameters
    ----------
    places
        Folders of runs, of studies, or of a run's model.
    metric
        What they are compared by; that of their studies, or the task's first, when absent.
    anyway
        Test runs whose data, split or test part differ all the same.

    Returns
    -------
    dict
        ``task``, ``metric``, ``levels`` (as in ``comparison.json``, with the ``folders`` of their runs), ``differs``
        (settings), ``environment``, ``unlike``, ``tested`` (``seeds``, ``examples`` or None), ``test``,
        ``comparisons``, ``against_baseline``, ``notes``, ``left_out``.

    Raises
    ------
    InputError
        If there is no finished run, or tasks or metrics are not the same.

    Examples
    --------
    >>> compare_runs(["runs/gru", "runs/lstm"])["comparisons"][0]["says"]  # doctest: +SKIP
    'undecided'
    """
    runs, left_out = read_runs(places)
    task = _one_task(runs)
    judged = _metric(runs, metric, task)
    levels, members, study = _levels(runs, judged)
    differences = unlike(runs)
    rules, may_test = Rules.of(study), anyway or not differences
    seeds = any(len(level.results) > 1 for level in levels)
    tree: dict[str, Any] = {
        "format_version": 1,
        "task": task,
        "metric": judged,
        "main": study["main"],
        "differs": _differing([run.setting for run in runs]),
        "levels": [
            {**level.to_json(), "runs": [str(run.folder.path) for run in group]}
            for level, group in zip(levels, members, strict=True)
        ],
        "unlike": [{"what": what, "found": found} for what, found in differences],
        "environment": environments(runs),
        "tested": None,
        "test": "",
        "comparisons": [],
        "against_baseline": [],
        "left_out": left_out,
    }
    if may_test and seeds:
        tree["tested"], tree["test"] = "seeds", rules.words
        tree["comparisons"] = compare_pairs(levels, study)
        tree["against_baseline"] = against_baselines(levels, study)
    elif may_test and len(levels) > 1:
        tree["tested"] = "examples"
        tree["comparisons"] = _over_examples(levels, members, task, judged, rules.alpha)
        tree["test"] = next((row["test"] for row in tree["comparisons"] if row["test"]), "")
    tree["notes"] = _notes(tree, levels, anyway=anyway)
    return tree


def read_runs(places: Sequence[str | os.PathLike[str]]) -> tuple[list[Ran], list[str]]:
    """Read every finished run at or below some folders; return the folders of those that have not finished too.

    Raises
    ------
    InputError
        If a folder is not there, or there is no finished run.
    """
    studies: dict[Path, tuple[dict[str, Any], dict[str, Any]] | None] = {}
    found, left_out = [], []
    for run in find_runs([_of_model(Path(place)) for place in places]):
        home = run.path.resolve().parent
        if home.parent not in studies:
            studies[home.parent] = _study_at(StudyFolder(home.parent))
        study, planned = studies[home.parent] or (None, {})
        if study is not None and home != StudyFolder(home.parent).run(run.path.name).path.parent:
            continue  # timed alone, or a trial of a search
        result = run.read_finished()
        if result is None:
            left_out.append(str(run.path))
            continue
        row = planned.get(run.path.name)
        environment = run.read_environment() if run.has_environment() else {}
        ran = Ran(run, flatten(run.read_settings()), result, environment, study if row else None, row)
        found.append(ran)
    if not found:
        where = ", ".join(str(place) for place in places)
        raise InputError(f"{where}: no finished run lies there: give folders of runs or of studies")
    return found, left_out


def _of_model(place: Path) -> Path:
    """Return the run that a model folder belongs to; any other folder as it is."""
    run = RunFolder(place.resolve().parent)
    known = place.is_dir() and run.model_path == place.resolve() and run.has_settings()
    return place.parent if known else place


def _study_at(place: StudyFolder) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return a study and its planned runs by fingerprint."""
    if not place.has_study():
        return None
    study = place.read_study()
    return study, {row["fingerprint"]: row for row in study["runs"]}


def _one_task(runs: Sequence[Ran]) -> str:
    by_task: dict[str, str] = {}
    for run in runs:
        by_task.setdefault(read_task(run.settings).name, str(run.folder.path))
    if len(by_task) > 1:
        shown = ", ".join(f"{task} ({path})" for task, path in by_task.items())
        raise InputError(f"these runs are of several tasks, which have no metric in common: {shown}")
    return next(iter(by_task))


def _metric(runs: Sequence[Ran], asked: str | None, task: str) -> str:
    """Return the metric that all runs are compared by; it must be one, and every run must have it."""
    studies = list(dict.fromkeys(run.study["metric"] for run in runs if run.study is not None))
    if asked is None and len(studies) > 1:
        raise InputError(f"these studies judge by different metrics ({', '.join(studies)}): choose one with --metric")
    if asked is None and not studies and not read_task({"task": task}).study:
        raise InputError(f"say by which --metric: the task {task} is no part of gatewise")
    metric = str(asked or next(iter(studies), "") or _default_metric(task))
    known = [set(run.result["metrics"].get("test") or {}) for run in runs]
    without = [run for run, names in zip(runs, known, strict=True) if metric not in names]
    if without:
        shared = sorted(set.intersection(*known))
        raise InputError(f"{without[0].folder.path}: has no test {metric}{did_you_mean(metric, shared)}")
    return metric


def _default_metric(task: str) -> str:
    return str(read_task({"task": task}).load("study").model_fields["metric"].default)


def _levels(runs: Sequence[Ran], metric: str) -> tuple[list[LevelResults], list[list[Ran]], dict[str, Any]]:
    """Group runs into levels; return them, their runs, and what the tests need to know as of a study."""
    study = runs[0].study
    whole = study is not None and not study.get("within") and all(run.study is study for run in runs)
    groups: dict[str, list[Ran]] = {}
    for run in runs:
        key = run.planned["label"] if whole and run.planned else json.dumps(run.setting, sort_keys=True)
        group = groups.setdefault(key, [])
        if run.seed not in [one.seed for one in group]:  # the same run, kept twice
            group.append(run)
    if whole and study is not None:  # in the study's own order, not that of its folders' names
        groups = {row["label"]: groups[row["label"]] for row in study["runs"] if row["label"] in groups}
    members = list(groups.values())
    seeds = {seed: number for number, seed in enumerate(dict.fromkeys(run.seed for run in runs))}
    if whole and study is not None:
        levels = [
            LevelResults(str(group[0].planned["label"]), dict(group[0].planned["levels"]))
            for group in members
            if group[0].planned
        ]
        tree = {**study, "metric": metric, "also": []}
    else:
        names = _differing([group[0].setting for group in members])
        labels = _unique([_label(names, group[0]) for group in members])
        levels = [LevelResults(label, {_SETTING: label}) for label in labels]
        tree = {"main": _SETTING, "metric": metric, "task": read_task(runs[0].settings).name, "study": {}}
    for level, group in zip(levels, members, strict=True):
        for run in group:
            level.runs[seeds[run.seed]] = run.folder.path.name
            level.results[seeds[run.seed]] = dict(run.result)
    if not whole and len(levels) > MOST_PAIRED:
        tree["study"] = {"reference": _best(levels, metric).label}
    return levels, members, tree


def _label(names: Sequence[str], run: Ran) -> str:
    """Name a setting by what differs from the others; a text speaks for itself."""
    values = [(name, run.setting.get(name)) for name in names]
    parts = [value if isinstance(value, str) else with_setting(name, value) for name, value in values]
    return ", ".join(parts) or str(run.settings.get("model.cell") or "all runs")


def _unique(labels: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    found = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found


def _differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if len({show(one.get(name)) for one in settings}) > 1]


def _best(levels: Sequence[LevelResults], metric: str) -> LevelResults:
    pick = max if is_higher_better(metric) else min
    return pick(levels, key=lambda level: fmean(level.by_seed(metric).values()))


def _over_examples(
    levels: Sequence[LevelResults], members: Sequence[Sequence[Ran]], task: str, metric: str, alpha: float
) -> list[dict[str, Any]]:
    """Judge one run against another over the examples of the test part, in pairs."""
    runs = {level.label: group[0].folder for level, group in zip(levels, members, strict=True)}
    pairs = list(itertools.combinations(levels, 2))
    if len(levels) > MOST_PAIRED:
        best = _best(levels, metric)
        pairs = [(level, best) for level in levels if level is not best]
    read = reader_of(task, metric)
    tables = {} if read is None else {label: [(0, read(run))] for label, run in runs.items()}
    rows = []
    for a, b in pairs:
        row = {"condition": {}, "a": a.label, "b": b.label, "metric": metric, "seeds": 1, "seeds_needed": None}
        row |= {"difference": _only(a, metric) - _only(b, metric), "interval": None, "p": None, "p_holm": None}
        row |= {"says": "undecided", "test": "", "note": say("compare.no_mean", metric=metric_phrase(metric))}
        if tables:
            found = compare_tables(task, metric, tables[a.label], tables[b.label], alpha)
            row["note"] = say("compare.other_examples") if found is None else ""
            if found is not None:
                row |= {"difference": found.difference, "interval": found.interval and list(found.interval)}
                row |= {"p": found.p, "examples": found.n, "mcnemar": found.mcnemar}
                row["test"] = say("compare.over_examples", test=found.test, n=found.n)
        rows.append(row)
    return _decided(rows, metric, alpha)


def _only(level: LevelResults, metric: str) -> float:
    return next(iter(level.by_seed(metric).values()))


def _decided(rows: list[dict[str, Any]], metric: str, alpha: float) -> list[dict[str, Any]]:
    """Correct the p values of all pairs for their number, and put each into a word."""
    tested = [row for row in rows if row["p"] is not None]
    for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = p
        row["says"] = decide(p, row["difference"], better=direction(metric), seeds=row["examples"], alpha=alpha)
    return rows


def _notes(tree: Mapping[str, Any], levels: Sequence[LevelResults], *, anyway: bool) -> list[str]:
    """Say what a reader must know before believing the numbers."""
    notes = [say(f"compare.unlike.{one['what']}", found=one["found"]) for one in tree["unlike"]]
    if notes:
        notes.append(say("compare.tested_anyway" if anyway else "compare.not_tested"))
    if tree["tested"] == "examples":
        notes.append(say("compare.one_run_each"))
    if tree["tested"] == "seeds" and any(len(level.results) < 2 for level in levels):
        notes.append(say("compare.some_have_one"))
    if len(levels) == 1:
        notes.append(say("compare.one_setting"))
    if tree["tested"] and len(levels) > MOST_PAIRED and tree["main"] == _SETTING:
        notes.append(say("compare.with_the_best", most=MOST_PAIRED))
    for name, values in tree["environment"].items():
        shown = say("words.comma").join(f"{value} ({count})" for value, count in itertools.islice(values.items(), 4))
        notes.append(say("compare.environment", name=name, values=shown))
    if tree["left_out"]:
        notes.append(say("compare.left_out", n=len(tree["left_out"])))
    return notes
