"""What goes with an effect of dropout or of the learning rate: a gradient that is clearly larger or smaller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from statistics import fmean
from typing import Any

from gatewise.studies.levels import LevelResults, mean_by_seed
from gatewise.studies.words import listed, ratio_value, times
from gatewise.wording import say

Tree = Mapping[str, Any]
Pairs = Sequence[tuple[LevelResults, LevelResults]]

#: Within these ratios two gradients count as much the same.
_ALIKE = (0.8, 1.25)
#: A reader takes in so many comparisons in one sentence.
_MOST_NAMED = 3


def gradient_factors(study: Tree) -> list[str]:
    """Name the factors of a study whose levels set a dropout or the learning rate, on their own or in a group.

    Examples
    --------
    >>> vary = {"model.cell": ["gru"], "kind": {"none": {"model.input_dropout": 0.0}}}
    >>> gradient_factors({"factors": {"model.cell": [], "kind": []}, "study": {"vary": vary}})
    ['kind']
    """
    vary = (study.get("study") or {}).get("vary") or {}
    return [
        name
        for name in study["factors"]
        if any(path.endswith("dropout") or path == "train.learning_rate" for path in _paths(name, vary.get(name)))
    ]


def _paths(name: str, levels: Any) -> Iterator[str]:
    """Yield what a factor's levels set: the setting it is named by, or those that its groups name."""
    if "." in name:
        yield name
    elif isinstance(levels, Mapping):
        for changes in levels.values():
            yield from changes if isinstance(changes, Mapping) else ()


def gradient_why(tree: Tree, factor: str, compared: Sequence[tuple[str, str, Pairs]]) -> dict[str, str]:
    """Say where the gradients of two levels differ clearly with every seed, as the ``why`` of a finding.

    It stands beside the result and proves nothing: a gradient may be larger because the network learns worse.

    Parameters
    ----------
    factor
        The factor whose levels they are; nothing is said of one that is not in ``tree["gradient"]``.
    compared
        What one level is called, what the other is called, and their results in pairs that differ in nothing else.
    """
    if factor not in (tree.get("gradient") or ()):
        return {}
    parts = [part for name, other, pairs in compared if (part := _compare(name, other, pairs))][:_MOST_NAMED]
    return {"why": say("findings.gradient.why", parts=listed(parts))} if parts else {}


def _compare(name: str, other: str, pairs: Pairs) -> str:
    """Compare the gradients in the first epoch or, where these are much the same, in the last one."""
    for epoch in ("first", "last"):
        ratios = _ratios(pairs, epoch)
        if len(ratios) > 1 and (max(ratios) < _ALIKE[0] or min(ratios) > _ALIKE[1]):
            low, high = ratio_value(min(ratios)), ratio_value(max(ratios))
            mean = exp(fmean(log(ratio) for ratio in ratios))
            return say(f"findings.gradient.{epoch}", name=name, other=other, times=times(mean), low=low, high=high)
    return ""


def _ratios(pairs: Pairs, epoch: str) -> list[float]:
    """Return one value a seed that all pairs have: the geometric mean over pairs of first / second."""
    each = []
    for pair in pairs:
        first, second = (_norms(level, epoch) for level in pair)
        each.append({seed: log(first[seed] / second[seed]) for seed in first if seed in second})
    return [exp(value) for value in mean_by_seed(each).values()]


def _norms(level: LevelResults, epoch: str) -> dict[int, float]:
    """Return the gradient's norm in the first or the last epoch, of each seed that has one above zero."""
    found = {seed: (result.get("gradient_norm") or {}).get(epoch) for seed, result in level.results.items()}
    return {seed: float(norm) for seed, norm in found.items() if norm}
