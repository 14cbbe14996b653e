"""What a claim refers to must be there: factors, levels, baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.errors import did_you_mean
from gatewise.studies.claims_settings import BASELINE, Claim, Side
from gatewise.studies.factors import Factor


def claim_problems(claim: Claim, factors: Mapping[str, Factor], main: str | None) -> list[str]:
    """Return a line for everything in a claim that a study does not have."""
    problems = []
    for one in claim.each():
        problems += _side_problems("where", one.where, factors)
        named = ("better", "as_good", "than", "ratio", "over")
        sides: list[tuple[str, Side | None]] = [(name, getattr(one, name)) for name in named]
        for name, side in sides:
            problems += _side_problems(name, side or {}, factors)
        levels = one.order or ((one.report,) if one.kind == "best" else ())
        if not levels:
            continue
        key, factor = ("order" if one.order else "report"), one.factor or str(main)
        if factor not in factors:
            problems.append(f"factor: {factor!r} is not varied{did_you_mean(factor, factors)}")
            continue
        for level in levels:
            problems += _level_problem(key, factor, level, factors)
    return problems


def _side_problems(key: str, side: Mapping[str, Any], factors: Mapping[str, Factor]) -> list[str]:
    problems = []
    for name, value in side.items():
        if name == BASELINE:
            continue
        if name not in factors:
            problems.append(f"{key}: {name!r} is not varied{did_you_mean(name, factors)}")
        else:
            problems += _level_problem(key, name, value, factors)
    return problems


def _level_problem(key: str, factor: str, level: Any, factors: Mapping[str, Factor]) -> list[str]:
    if factors[factor].find(level) is not None:
        return []
    levels = [one.label for one in factors[factor].levels]
    return [f"{key}: {factor} has no level {level!r}{did_you_mean(str(level), levels)}"]
