"""What trials came to, as it is judged and as ``search.json`` keeps it."""

from __future__ import annotations

from math import isfinite
from typing import Any

from gatewise.errors import DivergedError
from gatewise.runs import RunFolder
from gatewise.studies.engines import Outcome
from gatewise.studies.search.trials import Told, Trial


def told_of(outcome: Outcome, metric: str, folder: RunFolder) -> Told:
    """Return what a trial came to, from how its run ended."""
    if outcome.result is not None:
        return judged(outcome.result, metric)
    diverged = outcome.kind == DivergedError.__name__
    epochs = len(folder.read_log())  # what it did before counts
    return Told("diverged" if diverged else "failed", None, epochs, 0.0, outcome.error, outcome.exit_code)


def judged(result: dict[str, Any], metric: str) -> Told:
    """Judge a run by the validation part alone."""
    value = (result.get("metrics", {}).get("validation") or {}).get(metric)
    epochs = int((result.get("epochs", {}).get("run") or 0) * (result.get("trained") or 1))
    seconds = float(result.get("seconds", {}).get("total") or 0.0)
    if value is None:
        return Told("failed", None, epochs, seconds, f"its validation part has no {metric}", exit_code=2)
    if not isfinite(value):
        return Told("diverged", None, epochs, seconds, f"{metric} of its validation part is not finite")
    return Told("finished", float(value), epochs, seconds)


def row(trial: Trial, told: Told, fingerprint: str | None) -> dict[str, Any]:
    """Return a trial as it stands in ``search.json``."""
    return {
        "number": trial.number,
        "rung": trial.rung,
        "most_epochs": trial.epochs,
        "values": trial.values,
        "fingerprint": fingerprint,
        "state": told.state,
        "value": told.value,
        "epochs": told.epochs,
        "seconds": told.seconds,
        "error": told.error,
        "exit_code": told.exit_code,
    }


def ended_levels(levels: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the levels whose search has come to its end, by their key; they need not be asked again."""
    return {
        level["key"]: level
        for level in levels
        if level["best"] is not None or (level["trials"] and {one["state"] for one in level["trials"]} == {"diverged"})
    }


def remembered(levels: list[dict[str, Any]]) -> dict[str, Told]:
    """Return the trials that failed before: they count, or what follows from them would not be what it was.

    Where nothing at all has finished, the reason was not in the values (a disk, a file): those are tried again.
    """
    found: dict[str, Told] = {}
    for level in levels:
        states = {trial["state"] for trial in level["trials"]}
        if "finished" not in states and "failed" in states:
            continue
        for trial in level["trials"]:
            if trial["state"] != "finished" and trial["fingerprint"] is not None:
                kept = {key: trial[key] for key in ("state", "epochs", "seconds", "error", "exit_code")}
                found[trial["fingerprint"]] = Told(**kept)
    return found
