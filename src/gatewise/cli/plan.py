"""What ``gatewise study --plan`` shows: every combination with its settings, what it costs, what it can decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from gatewise.studies.plan import Plan
    from gatewise.studies.probe import Estimate
    from gatewise.studies.settings import StudySettings

#: More rows than anybody reads.
_ROWS = 200


def show_plan(
    settings: StudySettings, folder: Path, *, jobs: int | None, probe: bool, yes: bool, as_json: bool
) -> None:
    """Plan a study, time a moment of it unless told not to, and show all that can be known before it runs.

    Raises
    ------
    InputError
        If the study cannot run as it stands.
    """
    from gatewise.studies import plan_study
    from gatewise.studies.edited import check_edits
    from gatewise.studies.folder import StudyFolder
    from gatewise.studies.probe import estimate

    place, plan = StudyFolder(folder), plan_study(settings, yes=yes)
    edits = check_edits(place, plan, yes=yes)
    cost = estimate(plan, place, jobs=jobs) if probe else None
    if as_json:
        extra = {"design": list(plan.design), "edits": list(edits), "cost": cost.to_json() if cost else None}
        print_json({**plan.to_json(), **extra})
        return
    _print_combinations(plan, place.path, cost)
    for line in (*_cost_lines(cost, folder), *_budget_lines(plan), *plan.design, *edits, *plan.warnings):
        say(line)


def _print_combinations(plan: Plan, folder: Path, cost: Estimate | None) -> None:
    from gatewise.studies.folder import StudyFolder
    from gatewise.studies.progress import duration

    place, rows = StudyFolder(folder), list[tuple[str, str, str, int, str]]()
    by_label: dict[str, list[Any]] = {}
    for run in plan.runs:
        by_label.setdefault(run.label, []).append(run)
    differ = _differing({label: runs[0].settings.model_dump(mode="json") for label, runs in by_label.items()})
    seeds = ", ".join(str(number) for number in plan.study.seed_numbers)
    for label, runs in by_label.items():
        finished = sum(place.run(run.fingerprint).is_finished for run in runs)
        seconds = None if cost is None else cost.seconds.get(label)
        rows.append((label, differ[label], seeds, finished, "-" if seconds is None else duration(seconds)))
    title = f"{plan.study.name}: {len(plan.runs)} runs" + (f" and {len(plan.timing)} for times" if plan.timing else "")
    print_table(("combination", "settings", "seeds", "finished", "a run"), rows[:_ROWS], title=title)
    if len(rows) > _ROWS:
        say(f"and {len(rows) - _ROWS:,} combinations more; --json has them all")


def _differing(trees: Mapping[str, Any]) -> dict[str, str]:
    """Write of each combination the settings that are not the same in all."""
    from gatewise.settings import leaves

    flat = {label: {path: value for path, value in leaves(tree) if value != {}} for label, tree in trees.items()}
    paths = list(dict.fromkeys(path for tree in flat.values() for path in tree))
    hidden = ("name", "seed", "init_seed", "order_seed", "dropout_seed")
    differ = [path for path in paths if path not in hidden and len({repr(one.get(path)) for one in flat.values()}) > 1]
    return {label: " ".join(f"{path}={_shown(tree.get(path))}" for path in differ) for label, tree in flat.items()}


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "-".join(_shown(one) for one in value) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _cost_lines(cost: Estimate | None, folder: Path) -> Iterator[str]:
    from gatewise.studies.probe import megabytes
    from gatewise.studies.progress import duration

    if cost is None:
        return
    done = f", {cost.finished} finished in {folder}" if cost.finished else ""
    yield f"{cost.runs} runs to do{done}"
    if cost.total is not None and cost.size is not None:
        at_once = "one at a time" if cost.jobs == 1 else f"{cost.jobs} at a time"
        yield f"time: about {duration(cost.total)}, {at_once} (an estimate {cost.how})"
        yield f"disk: about {megabytes(cost.size)} of {megabytes(cost.free)} that are free"
    elif cost.runs:
        yield cost.how


def _budget_lines(plan: Plan) -> Iterator[str]:
    budget = plan.study.budget
    if budget is None:
        return
    if budget.epochs is not None:
        stops = "none stops early" if budget.patience is None else f"early stopping after {budget.patience}"
        yield f"equal budget: {budget.epochs} epochs for every run, {stops}"
    if budget.minutes is not None:
        yield f"equal budget: {budget.minutes:g} minutes for every run, one run at a time"
    for size in plan.sizes:
        yield f"equal budget: {size.sentence}"
