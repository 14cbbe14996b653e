"""What a search spent and found, for the comparison and its page."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.metrics.names import is_higher_better
from gatewise.studies.factors import show
from gatewise.studies.words import label_of, metric_label, setting
from gatewise.studies.words import value as value_text
from gatewise.wording import digits, say


def summarise_search(tree: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what ``comparison.json`` says of a search.

    Parameters
    ----------
    tree
        Content of ``search.json``; None when nothing was searched.

    Returns
    -------
    dict
        ``metric``, ``part``, ``sampler``, ``seed``, ``halving`` and ``levels``, each with its budget (``trials``,
        ``epochs``, ``seconds``), what came of it (``chosen``, ``value``, ``own``, ``median``) and ``edges``.
    """
    if tree is None:
        return None
    higher = is_higher_better(tree["metric"])
    return {
        **{key: tree[key] for key in ("metric", "sampler", "seed", "halving")},
        "part": "validation",
        "levels": [
            _level(label, level, higher=higher)
            for level in tree["levels"]
            if level["space"]
            for label in level["labels"]
        ],
    }


def search_notes(found: Mapping[str, Any] | None) -> list[str]:
    """Say what a reader must know of a search before believing the numbers."""
    if not found or not found["levels"]:
        return []
    notes = [say("search.frame", metric=metric_label(found["metric"]))]
    if found["halving"]:
        notes.append(say("search.halving", **found["halving"]))
    budgets = {level["trials"] for level in found["levels"]}
    if len(budgets) > 1:
        notes.append(say("search.unequal", least=min(budgets), most=max(budgets)))
    for level in found["levels"]:
        for path, end in level["edges"].items():
            what = setting(path, level["chosen"][path])
            notes.append(say(f"search.edge_{end}", label=_name(level), what=what))
        if level["failed"] or level["diverged"]:
            notes.append(
                say(
                    "search.failed", label=_name(level), **{key: level[key] for key in ("failed", "diverged", "trials")}
                )
            )
    return notes


def search_findings(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Say which budget every level had, what was chosen, and how much the choice was worth."""
    levels = [level for level in (found or {}).get("levels", ()) if level["chosen"] is not None]
    if not found or not levels:
        return []
    budgets = {level["trials"] for level in found["levels"]}
    epochs = [level["epochs"] for level in found["levels"]]
    metric = metric_label(found["metric"])
    text = say(
        "search.budget" if len(budgets) == 1 else "search.budgets",
        n=len(found["levels"]), trials=max(budgets), metric=metric, spent=_spent_words(epochs),
    )  # fmt: skip
    chosen = [say("search.chosen", label=_name(level), values=values_text(level["chosen"])) for level in levels]
    findings: list[dict[str, Any]] = [{"text": text, "evidence": chosen, "see": "search-table"}]
    gains = [(level, gain) for level in levels if (gain := worth(level)) is not None]
    if gains:
        most, gain = max(gains, key=lambda one: abs(one[1][3]))
        text = say(f"search.worth_{gain[0]}", label=_name(most), metric=metric, **_from_to(gain))
        evidence = [say("search.gain", label=_name(level), **_from_to(one)) for level, one in gains]
        findings.append({"text": text, "evidence": evidence, "see": "search-table"})
    return findings


def _spent_words(epochs: Sequence[int]) -> str:
    least, most = (digits(f"{value:,}") for value in (min(epochs), max(epochs)))
    if least == most:
        return say("search.spent_one" if len(epochs) == 1 else "search.spent_same", epochs=most)
    return say("search.spent", least=least, most=most)


def _name(level: Mapping[str, Any]) -> str:
    return label_of(level["label"], level["levels"])


def _from_to(gain: tuple[str, float, float, float]) -> dict[str, str]:
    _, start, end, change = gain
    return {"start": value_text(start), "end": value_text(end), "percent": digits(f"{100 * abs(change):.1f}")}


def worth(level: Mapping[str, Any]) -> tuple[str, float, float, float] | None:
    """Return against what the best trial is held, both values, and the change as a share; None when unknown.

    The file's own values where they were a trial, else the median trial; after equally many epochs.
    """
    for against in ("own", "median"):
        start, end = level[against], level[f"best_beside_{against}"]
        if start is not None and end is not None and start != 0:
            return against, start, end, (end - start) / abs(start)
    return None


def values_text(values: Mapping[str, Any]) -> str:
    """Write chosen values.

    Examples
    --------
    >>> values_text({"train.learning_rate": 0.003, "model.units": 64})
    'learning rate 0.003, units 64'
    """
    return say("words.comma").join(setting(path, value) for path, value in values.items())


def _level(label: str, level: Mapping[str, Any], *, higher: bool) -> dict[str, Any]:
    trials: Sequence[Mapping[str, Any]] = level["trials"]
    by_trial: dict[int, dict[int, float]] = {}  # trial -> rung -> value
    for trial in trials:
        if trial["value"] is not None:
            by_trial.setdefault(trial["number"], {})[trial["rung"]] = trial["value"]
    best = level["best"]
    of_best = by_trial.get(best["number"], {}) if best else {}
    own = by_trial.get(0, {}) if level["own"] else {}
    shared = max(set(own) & set(of_best), default=None)
    first = [values[0] for values in by_trial.values() if 0 in values]
    states = {trial["number"]: trial["state"] for trial in trials if trial["rung"] == 0}
    return {
        "label": label,
        "levels": level["levels"],
        "trials": len(states),
        "failed": sum(state == "failed" for state in states.values()),
        "diverged": sum(state == "diverged" for state in states.values()),
        "repeated": len(states) - len({trial["fingerprint"] for trial in trials if trial["rung"] == 0}),
        "runs": len({trial["fingerprint"] for trial in trials}),
        "epochs": _spent(trials, "epochs"),
        "seconds": _spent(trials, "seconds"),
        "searched": {path: range_text(space) for path, space in level["space"].items()},
        "rungs": level["rungs"],
        "chosen": best["values"] if best else None,
        "trial": best["number"] if best else None,
        "value": of_best.get(best["rung"]) if best else None,
        "own": None if shared is None else own[shared],
        "best_beside_own": None if shared is None else of_best[shared],
        "median": statistics.median(first) if first else None,
        "best_beside_median": of_best.get(0),
        "edges": level["edges"],
        "best_so_far": _so_far(trials, higher=higher),
    }


def _spent(trials: Sequence[Mapping[str, Any]], what: str) -> Any:
    """Add up over runs; one that two trials share was done once."""
    return sum({trial["fingerprint"]: trial[what] for trial in trials}.values())


def _so_far(trials: Sequence[Mapping[str, Any]], *, higher: bool) -> list[float | None]:
    """Return the best value after each trial, all of them of as many epochs as the first."""
    best, found = None, []
    for trial in trials:
        if trial["rung"] == 0:
            value = trial["value"]
            if value is not None and (best is None or (value > best if higher else value < best)):
                best = value
            found.append(best)
    return found


def range_text(space: Mapping[str, Any]) -> str:
    """Write what may be tried.

    Examples
    --------
    >>> range_text({"values": [0.0, 0.1]})
    '0, 0.1'
    >>> range_text({"low": 1e-5, "high": 0.01, "step": None, "log": True})
    '1e-05 to 0.01, log'
    """
    if "values" in space:
        return ", ".join(show(value) for value in space["values"])
    step = f" in steps of {space['step']:g}" if space["step"] else ""
    return f"{space['low']:g} to {space['high']:g}{step}{', log' if space['log'] else ''}"
