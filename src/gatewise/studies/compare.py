"""Comparing the levels of a study, from its run folders alone; needs no torch.

What is compared: the levels of the main factor, in pairs, wherever all other factors are equal; and every level with
the baselines on the same test windows. Seeds are paired. The test is the one that the study asks for, Holm's
correction goes over the pairs of one condition and one metric.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatewise.errors import InputError
from gatewise.metrics.names import direction
from gatewise.registry import read_task, spoken
from gatewise.studies.claims import judge_claims
from gatewise.studies.decide import beyond_pairs, decide_tree, pair_details
from gatewise.studies.findings_gradient import gradient_factors
from gatewise.studies.folder import FORMAT_VERSION, StudyFolder
from gatewise.studies.levels import (
    LevelResults,
    best_baseline,
    conditions,
    known_interval,
    paired,
    partition,
    read_levels,
)
from gatewise.studies.retold import all_findings
from gatewise.studies.rules import Rules
from gatewise.studies.search.summary import search_notes, summarise_search
from gatewise.studies.statistics import decide_all
from gatewise.wording import language, say, speaking


def compare_study(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Compare a study's levels, write ``comparison.json`` and return its content.

    Raises
    ------
    InputError
        If the folder holds no study, or none of its runs has finished.

    Examples
    --------
    >>> compare_study("studies/stocks-cells")["findings"][0]["text"]  # doctest: +SKIP
    """
    place = StudyFolder(folder)
    study = place.read_study()
    with speaking(study.get("language") or "en"):
        return _compare(place, study)


def _compare(place: StudyFolder, study: Mapping[str, Any]) -> dict[str, Any]:
    levels = read_levels(place, study)
    if not levels:
        raise InputError(f"{place.path}: no run of this study has finished: run it first")
    diverged = _diverged(place, study)
    tree: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        **{key: study[key] for key in ("name", "question", "task", "factors", "main", "metric")},
        "language": language(),
        "within": study.get("within"),
        "gradient": gradient_factors(study),
        "seeds": len(study["seeds"]),
        "levels": [level.to_json() for level in levels],
        "baselines": _baselines(levels),
        "comparisons": compare_pairs(levels, study),
        "against_baseline": against_baselines(levels, study),
        "claims": judge_claims(study, levels, diverged),
        "leaking": any(result.get("leaking") for level in levels for result in level.results.values()),
        "failed": _failed(place, study),
        "diverged": diverged,
        "test": Rules.of(study).words,
        "decide": decide_tree(levels, study),
        "search": summarise_search(place.read_search() if study.get("search") else None),
    }
    tree |= beyond_pairs(place, levels, study, tree["comparisons"])
    tree["notes"] = _notes(place, levels, study, tree)
    tree["findings"] = all_findings(tree, levels)
    place.write_comparison(tree)
    return tree


def compare_pairs(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compare the levels of the main factor wherever all other factors are equal, seed by seed."""
    main, rules, rows = study["main"], Rules.of(study), []
    if main is None:
        return []
    for metric in (study["metric"], *study.get("also", ())):
        for condition, group in conditions(levels, main):
            pairs = [
                (a, b, differences)
                for a, b in rules.pairs(group, main)
                if (differences := paired(a.by_seed(metric), b.by_seed(metric)))
            ]
            decisions = decide_all(
                [differences for _, _, differences in pairs],
                better=direction(metric),
                alpha=rules.alpha,
                test=rules.test,
                margins=[rules.margin_for(a, b, metric, study["metric"]) for a, b, _ in pairs],
            )
            beside = pair_details([(a, b) for a, b, _ in pairs], decisions, metric, rules, study["metric"])
            rows += [
                {
                    "condition": condition,
                    "a": a.settings[main],
                    "b": b.settings[main],
                    "metric": metric,
                    "difference": decision.difference,
                    "interval": known_interval(decision.interval),
                    "p": decision.p,
                    "p_holm": decision.p_holm,
                    "says": decision.says,
                    "seeds": len(differences),
                    "seeds_needed": decision.seeds_needed,
                    **details,
                }
                for (a, b, differences), decision, details in zip(pairs, decisions, beside, strict=True)
            ]
    return rows


def against_baselines(levels: Sequence[LevelResults], study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Hold every level against the task's own baseline, and against the best other one when that is better still.

    A classifier is held against the best one first: there the task's own is only the commonest.
    """
    metric, rules = study["metric"], Rules.of(study)
    own, best = read_task(study).baseline, best_baseline(levels, metric)
    names = [own] if own else []
    if best not in (None, *names):
        names.insert(0 if study["task"] == "classify" else 1, str(best))
    rows = []
    for name in names:
        for _, group in partition(levels, study["main"]):
            known = [
                (level, values, baseline)
                for level in group
                if (values := level.by_seed(metric)) and (baseline := level.baseline(name, metric)) is not None
            ]
            differences = [[value - baseline for value in values.values()] for _, values, baseline in known]
            decisions = decide_all(differences, better=direction(metric), alpha=rules.alpha, test=rules.test)
            for (level, _, baseline), decision in zip(known, decisions, strict=True):
                bounds = known_interval(decision.interval)
                rows.append(
                    {
                        "label": level.label,
                        "baseline": name,
                        "metric": metric,
                        "value": baseline,
                        "ratio": _ratio(decision.difference, baseline),
                        "interval": None if bounds is None else [_ratio(bound, baseline) for bound in bounds],
                        "p": decision.p,
                        "p_holm": decision.p_holm,
                        "says": decision.says,
                    }
                )
    return rows


def _ratio(difference: float | None, baseline: float) -> float | None:
    return None if difference is None or baseline == 0 else 1 + difference / baseline


def _baselines(levels: Sequence[LevelResults]) -> dict[str, dict[str, float]]:
    """Return the baselines' test metrics; every level was judged on windows of the same data."""
    first = next(iter(levels[0].results.values()))
    return {name: dict(parts.get("test", {})) for name, parts in first.get("baselines", {}).items()}


def _failed(place: StudyFolder, study: Mapping[str, Any]) -> list[dict[str, str]]:
    """Name the runs that failed, and why."""
    failures = place.read_failures()
    return [
        {"run": f"{run['label']}, seed {run['seed']}", "error": failures[run["fingerprint"]]}
        for run in study["runs"]
        if run["fingerprint"] in failures
    ]


def _diverged(place: StudyFolder, study: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Count for each combination of levels the runs whose loss was no longer finite."""
    diverged = place.read_diverged()
    rows: dict[str, dict[str, Any]] = {}
    for run in study["runs"]:
        row = rows.setdefault(run["label"], {"label": run["label"], "levels": run["levels"], "runs": 0, "of": 0})
        row["of"] += 1
        if run["fingerprint"] in diverged:
            row["runs"] += 1
            row.setdefault("error", diverged[run["fingerprint"]])
    return [row for row in rows.values() if row["runs"]]


def _notes(
    place: StudyFolder, levels: Sequence[LevelResults], study: Mapping[str, Any], tree: Mapping[str, Any]
) -> list[str]:
    """Collect what a reader must know before believing the numbers."""
    notes = [*study.get("warnings", ()), *search_notes(tree["search"])]
    if tree["leaking"]:
        notes.append(say(f"notes.leaks.{spoken(study['task'])}"))
    finished = {fingerprint for level in levels for fingerprint in level.runs.values()}
    missing = [run for run in study["runs"] if run["fingerprint"] not in finished]
    if missing:
        notes.append(say("notes.missing", missing=len(missing), all=len(study["runs"])))
    if len({level.baseline(read_task(study).baseline, study["metric"]) for level in levels}) > 1:
        notes.append(say("notes.several_baselines" if study["task"] == "classify" else "notes.other_windows"))
    examples = tree["examples"]
    notes += [
        say(f"notes.examples_{key}", n=examples[key]) for key in ("left_out", "beyond", "unlike") if examples[key]
    ]
    versions = sorted(_versions(place, levels))
    if len(versions) > 1:
        notes.append(say("notes.versions", versions=say("words.semicolon").join(versions)))
    results = [result for level in levels for result in level.results.values()]
    return list(dict.fromkeys([*notes, *(note for result in results for note in result.get("notes", ()))]))


def _versions(place: StudyFolder, levels: Iterable[LevelResults]) -> set[str]:
    found = set()
    for level in levels:
        for fingerprint in level.runs.values():
            try:
                environment = place.run(fingerprint).read_environment()
            except InputError:
                continue
            packages = environment.get("packages") or {}
            cpu = (environment.get("cpu") or {}).get("model")
            found.add(
                say("notes.version", gatewise=packages.get("gatewise"), torch=packages.get("torch"), cpu=str(cpu))
            )
    return found
