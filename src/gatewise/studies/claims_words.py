"""The reasons of verdicts as sentences of the catalogue, in the language of the block that asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatewise.studies.words import listed, ratio_value, value
from gatewise.wording import digits, say

Pairs = Sequence[tuple[str, str]]

#: Nobody runs more seeds, and a sentence holds no more pairs.
_MOST_SEEDS, _MOST_PAIRS = 100, 4


def value_text(number: float) -> str:
    """Write a number with four figures that count, and its thousands apart."""
    return digits(f"{number:,.0f}") if abs(number) >= 1000 else value(number)


def of(kind: str, a: str = "", b: str = "") -> str:
    """Say what an interval is of."""
    return say(f"claims.interval.{kind}", a=a, b=b)


def figure(*, inside: bool, lower: bool) -> str:
    """Say where the report's figure lies."""
    return say("claims.why.inside" if inside else "claims.why.lower" if lower else "claims.why.higher")


def one_seed() -> str:
    """Say that there is nothing to tell chance by."""
    return say("claims.why.one_seed")


def no_ratio() -> str:
    """Say why there is no ratio."""
    return say("claims.why.no_ratio")


def unsteady() -> str:
    """Say why times tell nothing."""
    return say("claims.why.unsteady")


def not_run(names: Sequence[str]) -> str:
    """Say which runs there are not."""
    return say("claims.why.not_run", what=listed(names)) if names else say("claims.why.nothing_run")


def diverged(names: Sequence[str]) -> str:
    """Say that training gave no number."""
    return say("claims.why.diverged", what=listed(names))


def only_direction(stand_in: str) -> str:
    """Say that another thing stands in for the report's."""
    return say("claims.why.only_direction", stand_in=stand_in)


def means(numbers: Sequence[tuple[str, float | None]], better: str = "") -> str:
    """Write several numbers with their names, the best first where it is said which is better."""
    known = list(numbers)
    if better:
        worst = float("inf")
        known.sort(key=lambda pair: worst if pair[1] is None else pair[1] * (-1 if better == "higher" else 1))
    return "; ".join(f"{name} {'–' if mean is None else value_text(mean)}" for name, mean in known)


def against(pairs: Pairs, broken: Sequence[str] = ()) -> str:
    """Say which pairs are the other way round."""
    return _with_divergence(say("claims.why.against", pairs=_pairs("worse_pair", pairs)), broken)


def shown(pairs: Pairs, broken: Sequence[str] = ()) -> str:
    """Say which pairs are as the claim has them."""
    return _with_divergence(say("claims.why.shown", pairs=_pairs("better_pair", pairs)), broken)


def undecided(pairs: Pairs, seeds: int | None, needed: int | None, *, same: bool) -> str:
    """Say which pairs the seeds cannot tell apart, and how many could."""
    if same:
        return say("claims.why.same", pairs=_pairs("pair", pairs))
    text = say("claims.why.undecided", pairs=_pairs("pair", pairs), seeds=say("words.seeds", n=seeds or 0))
    return f"{text} {more_seeds(needed)}"


def test(p: float, seeds: int) -> str:
    """Say which test decided."""
    return say("claims.why.test", p=f"{p:.3g}", seeds=say("words.seeds", n=seeds))


def as_good(verdict: str, a: str, b: str, worse_by: Sequence[float], margin: float, *, same: bool) -> str:
    """Say how much worse the one is than the other, beside the margin."""
    key = {"holds": "as_good_holds", "does not hold": "as_good_fails"}.get(verdict, "as_good_open")
    low, high = (value_text(bound) for bound in worse_by)
    return say(f"claims.why.{'as_good_same' if same else key}", a=a, b=b, least=low, most=high, margin=f"{margin:g}")


def more_seeds(needed: int | None) -> str:
    """Say how many seeds would decide."""
    if needed is None or needed > _MOST_SEEDS:
        return say("claims.why.too_many", n=_MOST_SEEDS)
    return say("claims.why.needed", n=needed)


def timed(epochs: int) -> str:
    """Say how little a time rests on."""
    return say("claims.why.timed", n=epochs)


def ratio(a: str, b: str, middle: float, interval: Sequence[float], least: float | None, most: float | None) -> str:
    """Say how many times as much it is, beside what the claim needs."""
    low, high = (ratio_value(bound) for bound in interval)
    return say("claims.why.ratio", a=a, b=b, ratio=ratio_value(middle), low=low, high=high, bound=_bound(least, most))


def limit(interval: Sequence[float], least: float | None, most: float | None) -> str:
    """Say where the number lies, beside what the claim needs."""
    low, high = (value_text(bound) for bound in interval)
    return say("claims.why.limit", low=low, high=high, bound=_bound(least, most))


def one_of_several(claim: str, verdict: str, why: str) -> str:
    """Say what came of one statement of several."""
    return say("claims.why.part_of_several", claim=claim, verdict=say(f"claims.verdict.{verdict}"), why=why).strip()


def ours_of_several(parts: Sequence[tuple[str, Any]]) -> str | None:
    """Write our numbers of several statements, each once."""
    known = dict.fromkeys(ours if isinstance(ours, str) else value_text(ours) for _, ours in parts if ours)
    return " | ".join(known) or None


def _pairs(key: str, pairs: Pairs) -> str:
    some = [say(f"claims.why.{key}", a=a, b=b) for a, b in pairs[:_MOST_PAIRS]]
    return "; ".join(some) + ("; …" if len(pairs) > _MOST_PAIRS else "")


def _with_divergence(text: str, broken: Sequence[str]) -> str:
    return f"{text} {diverged(broken)}" if broken else text


def _bound(least: float | None, most: float | None) -> str:
    if least is None:
        return say("claims.why.at_most", most=f"{most:g}")
    if most is None:
        return say("claims.why.at_least", least=f"{least:g}")
    return say("claims.why.from_to", least=f"{least:g}", most=f"{most:g}")
