"""What a study could ever decide, said before anything runs."""

from __future__ import annotations

import math

from gatewise.errors import did_you_mean
from gatewise.studies.factors import Factor
from gatewise.studies.power import effect_for_seeds, least_p, seeds_needed
from gatewise.studies.rules import count_pairs
from gatewise.studies.settings import StudySettings
from gatewise.wording import say


def check_decisions(study: StudySettings, factors: tuple[Factor, ...]) -> list[str]:
    """Return what is wrong with how a study file wants to decide."""
    by_name = {factor.name: factor for factor in factors}
    problems = []
    if study.reference is not None:
        main = by_name.get(study.main_of(factors) or "")
        if main is None:
            problems.append("reference: nothing varies, so there is no level to compare with")
        elif main.find(study.reference) is None:
            meant = did_you_mean(str(study.reference), [level.label for level in main.levels])
            problems.append(f"reference: {main.name} has no level {study.reference!r}{meant}")
        elif len(main.levels) < 2:
            problems.append(f"reference: {main.name} has no other level to compare with it")
    if study.datasets is not None:
        if study.datasets not in by_name:
            problems.append(f"datasets: {study.datasets!r} is not varied{did_you_mean(study.datasets, by_name)}")
        elif study.datasets == study.main_of(factors):
            problems.append(
                f"datasets: {study.datasets} is the factor whose levels are compared; name that one with `compare`"
            )
    return problems


def describe_design(study: StudySettings, factors: tuple[Factor, ...]) -> tuple[str, ...]:
    """Name the test and its family, and say which difference it would find."""
    counted = _comparisons(study, factors)
    if counted is None:
        return ()
    main, pairs = counted
    seeds = len(study.seed_numbers)
    family = "one comparison" if pairs == 1 else f"{pairs} comparisons"
    against = "" if study.reference is None else f" with {study.reference}"
    test = f"{say(f'notes.test.{study.test}')}, two-sided at {study.alpha:g}"
    lines = [f"test: {test}; Holm over {family} of {main.name}{against}"]
    effect = effect_for_seeds(seeds, comparisons=pairs, alpha=study.alpha, test=study.test)
    if effect is not None:
        lines.append(
            f"{seeds} seeds find a difference {effect:.2g} times as large as its own spread from seed to seed "
            "with probability 0.8"
        )
    families = _families(study, factors)
    if families > 1:
        lines.append(
            f"{families} families of comparisons, {families * pairs} in all: the chance of a wrong call is at most "
            f"{study.alpha:g} in each, and at most {min(1.0, families * study.alpha):.2g} in all together"
        )
    return tuple(lines)


def design_warnings(study: StudySettings, factors: tuple[Factor, ...]) -> tuple[str, ...]:
    """Say what the design could never decide."""
    counted = _comparisons(study, factors)
    if counted is None:
        return ()
    main, pairs = counted
    seeds, needed = len(study.seed_numbers), seeds_needed(pairs, study.alpha, study.test)
    if seeds >= needed:
        return ()
    comparisons = "one comparison" if pairs == 1 else f"{pairs} comparisons"
    if seeds == 1:
        need = "needs" if pairs == 1 else "need"
        return (f"one seed cannot tell a difference from chance; {comparisons} of {main.name} {need} {needed}",)
    least = least_p(seeds, study.test)
    return (
        f"{seeds} seeds cannot decide {comparisons} of {main.name}: the least p of an exact test is {least:.3g}, "
        f"times {pairs} (Holm) {min(1.0, least * pairs):.3g}, above {study.alpha:g}; {needed} seeds can",
    )


def _comparisons(study: StudySettings, factors: tuple[Factor, ...]) -> tuple[Factor, int] | None:
    main_name = study.main_of(factors)
    main = next((factor for factor in factors if factor.name == main_name), None)
    if main is None or len(main.levels) < 2:
        return None
    return main, count_pairs(len(main.levels), with_reference=study.reference is not None)


def _families(study: StudySettings, factors: tuple[Factor, ...]) -> int:
    """Count the families: one a condition of the other factors and a metric."""
    main_name = study.main_of(factors)
    conditions = math.prod(len(factor.levels) for factor in factors if factor.name != main_name)
    return conditions * (1 + len(set(study.also) - {study.metric}))
