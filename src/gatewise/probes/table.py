"""Sums up the results of all seeds: means and spreads, what was solved, and which differences a test decides."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatewise.probes.settings import FLOW, LONGER, SOLVED, TRAINED, ProbeSettings
from gatewise.registry import PROBES
from gatewise.report.words import number
from gatewise.studies.levels import known_interval, paired, spread
from gatewise.studies.power import seeds_needed
from gatewise.studies.statistics import decide_all

FORMAT_VERSION = 1
#: The task whose trained cells' memory is shown: it needs what entered long ago, and its input varies smoothly.
REMEMBERS = "adding"
LONGEST = str(LONGER[-1])
_BEYOND = "> 999"


def summarise(
    settings: ProbeSettings, results: Sequence[Mapping[str, Any]], failures: Mapping[str, str]
) -> dict[str, Any]:
    """Return the document of a probe.

    Parameters
    ----------
    results
        What :func:`gatewise.probes.train.run_job` returned, of any number of jobs.
    failures
        Job -> why it failed.
    """
    by_job: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for result in results:
        by_job.setdefault((result["job"]["cell"], result["job"]["task"]), []).append(result)
    rows = [
        {
            "cell": cell,
            "new": _flow(by_job.get((cell, FLOW), [])),
            "tasks": {task: _task(by_job[cell, task]) for task in settings.tasks if (cell, task) in by_job},
        }
        for cell in settings.cells
    ]
    return {
        "format_version": FORMAT_VERSION,
        "budget": settings.budget(),
        **settings.model_dump(mode="json"),
        "lengths": {"trained": TRAINED, "longer": list(LONGER)},
        "solved_from": SOLVED,
        "tasks": [_about(task) for task in settings.tasks],
        "rows": rows,
        "comparisons": [one for task in settings.tasks for one in _comparisons(task, by_job, settings.cells)],
        "failed": [{"job": job, "error": error} for job, error in failures.items()],
    }


def _about(task: str) -> dict[str, Any]:
    entry = PROBES.entry(task)
    return {"name": task, "what": entry.summary, "source": entry.source, "chance": float(PROBES.load(task).chance)}


def _task(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    lengths = [str(length) for length in (TRAINED, *LONGER)]
    accuracy = {length: [result["accuracy"][length] for result in results] for length in lengths}
    return {
        "accuracy": {length: spread(values) for length, values in accuracy.items()},
        "solved": {length: sum(value >= SOLVED for value in values) for length, values in accuracy.items()},
        "seeds": [result["job"]["seed"] for result in results],
        "learning_rates": [result["learning_rate"] for result in results],
        "steps": [result["steps"] for result in results],
        "skipped": [result["skipped"] for result in results],
        "seconds": spread(result["seconds"] for result in results),
        "memory": _flow(results),
    }


def _flow(results: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Sum up gradient flows; a curve is the geometric mean over the seeds. None without any."""
    if not results:
        return None
    flows = [result["flow"] for result in results]
    ended = [flow["half_life"] for flow in flows if flow["half_life"] is not None]
    return {
        "half_life": spread(ended),
        "beyond": len(flows) - len(ended),  # seeds with half of it left at the longest lag
        "left_after_100": spread(flow["left_after_100"] for flow in flows if flow["left_after_100"] is not None),
        "lags": flows[0]["lags"],
        "influence": [_geometric_mean(column) for column in zip(*(flow["influence"] for flow in flows), strict=True)],
    }


def _geometric_mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known or min(known) <= 0.0:
        return 0.0 if known else None
    return math.exp(sum(map(math.log, known)) / len(known))


def _comparisons(
    task: str, by_job: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], cells: Sequence[str]
) -> list[dict[str, Any]]:
    """Compare all pairs of cells on one task at the longest length; seeds are paired, Holm goes over the pairs."""
    values = {
        cell: {result["job"]["seed"]: float(result["accuracy"][LONGEST]) for result in by_job[cell, task]}
        for cell in cells
        if (cell, task) in by_job
    }
    pairs = [
        (a, b, differences)
        for a, b in itertools.combinations(values, 2)
        if (differences := paired(values[a], values[b]))
    ]
    decisions = decide_all([differences for _, _, differences in pairs], better="higher")
    return [
        {
            "task": task,
            "length": int(LONGEST),
            "a": a,
            "b": b,
            "difference": decision.difference,
            "interval": known_interval(decision.interval),
            "p": decision.p,
            "p_holm": decision.p_holm,
            "says": decision.says,
            "seeds": decision.seeds,
            "seeds_needed": decision.seeds_needed,
        }
        for (a, b, _), decision in zip(pairs, decisions, strict=True)
    ]


def table(found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return heads and rows of the one table: cells by tasks, with what guessing reaches under it.

    An entry is the percentage of right answers at the trained length and at the longest, the spread below.
    """
    names = [task["name"].replace("_", " ") for task in found["tasks"]]
    heads = ["cell", *names, "half-life new / trained", "left after 100"]
    rows = [
        [
            row["cell"],
            *(_entry(row["tasks"].get(task["name"])) for task in found["tasks"]),
            f"{half_life_text(row['new'])} / {half_life_text(trained_flow(row))}",
            f"{left_text(row['new'])} / {left_text(trained_flow(row))}",
        ]
        for row in found["rows"]
    ]
    guesses = [f"{100 * task['chance']:.0f} / {100 * task['chance']:.0f}" for task in found["tasks"]]
    return heads, [*rows, ["guessing", *guesses, "-", "-"]]


def _entry(task: Mapping[str, Any] | None) -> str:
    if task is None:
        return "failed"
    both = [task["accuracy"][length] for length in (str(TRAINED), LONGEST)]
    means = " / ".join(f"{100 * one['mean']:.0f}" for one in both)
    if both[0]["std"] is None:
        return means
    return means + "\n" + " / ".join(f"±{100 * one['std']:.0f}" for one in both)


def trained_flow(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the gradient flow of a row's cells after training on the task that needs memory."""
    memory: Mapping[str, Any] | None = row["tasks"].get(REMEMBERS, {}).get("memory")
    return memory


def half_life_text(flow: Mapping[str, Any] | None) -> str:
    """Write a half-life in steps, mean over the seeds."""
    if flow is None:
        return "-"
    if flow["beyond"]:
        return _BEYOND
    return number(flow["half_life"]["mean"], 2)


def left_text(flow: Mapping[str, Any] | None) -> str:
    """Write the share of an input's influence that is left after 100 steps, mean over the seeds, in percent."""
    left = flow and flow["left_after_100"]
    return f"{100 * left['mean']:.1f}" if left else "-"


def notes(found: Mapping[str, Any]) -> list[str]:
    """Say how the table is to be read, and what its seeds decide."""
    seeds = found["seeds"]
    each = "one seed, which is no result" if seeds == 1 else f"mean and standard deviation over {seeds} seeds"
    lines = [
        f"Percent of right answers on new strings of {TRAINED} steps, as trained / of {LONGEST} steps; {each}.",
        "Half-life: steps after which an input's influence on the output (its gradient) has halved; then the percent "
        f"of it left after 100 steps. In a new cell under noise / trained on {REMEMBERS}; mean over the seeds.",
        found["budget"],
    ]
    solved = [_solved(task["name"], found["rows"]) for task in found["tasks"]]
    lines.append(f"Solved by every seed at {LONGEST} steps (at least {100 * SOLVED:.0f} % right): {'; '.join(solved)}.")
    return [*lines, *_decided(found["comparisons"], seeds)]


def _solved(task: str, rows: Sequence[Mapping[str, Any]]) -> str:
    known = [(row["cell"], row["tasks"][task]) for row in rows if task in row["tasks"]]
    cells = [cell for cell, one in known if one["solved"][LONGEST] == len(one["seeds"])]
    return f"{task.replace('_', ' ')}: {', '.join(cells) or 'none'}"


def _decided(comparisons: Sequence[Mapping[str, Any]], seeds: int) -> list[str]:
    """Write the differences that the test decided, and how many seeds the others need at least."""
    if not comparisons:
        return []
    lines = [
        f"{one['task'].replace('_', ' ')}, {one['length']} steps: {one['a']} {one['says']} than {one['b']} "
        f"(by {100 * abs(one['difference']):.0f} points, p {one['p_holm']:.2g})."
        for one in comparisons
        if one["says"] != "undecided"
    ]
    family = max(sum(one["task"] == task for one in comparisons) for task in {one["task"] for one in comparisons})
    least = seeds_needed(family)
    if seeds < least:
        few = f"{seeds} seed{'s' if seeds > 1 else ''} cannot decide what each task compares ({family} pairs of cells)"
        lines.append(f"{few}: that takes at least {least} (--seeds {least}).")
    open_ones = sum(one["says"] == "undecided" for one in comparisons)
    lines.append(f"Undecided: {open_ones} of {len(comparisons)} differences (exact sign-flip test, Holm by task).")
    return lines
