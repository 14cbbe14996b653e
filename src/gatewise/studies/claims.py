"""What another report states, held against the study's own numbers.

A claim *holds* or *does not hold* when the numbers decide it, is *undecided* when they do not, and *not comparable*
when they are about something else: other data, another network, runs that were not done.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import Any, Literal

from gatewise.metrics.names import direction
from gatewise.studies import claims_words as words
from gatewise.studies.claims_ground import Ground, Numbers, matching, numbers_by_level, numbers_of, welch_interval
from gatewise.studies.claims_settings import BASELINE, Claim, spoken
from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults, known_interval, paired
from gatewise.studies.power import seeds_for_power
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import Decision, decide_all, mean_interval, prediction_interval

#: The slowest timed epoch of a machine without other work takes less than this many times the fastest.
_STEADY = 1.5

Verdict = Literal["holds", "does not hold", "undecided", "not comparable"]


@dataclass(frozen=True)
class Judged:
    """What came of a claim.

    Attributes
    ----------
    ours : our number, or our numbers in words.
    interval : its 95 % interval, and `of` what that is.
    why : the verdict's reason, as a sentence.
    """

    verdict: Verdict
    ours: float | str | None = None
    interval: list[float] | None = None
    of: str = ""
    why: str = ""
    seeds: int | None = None
    seeds_needed: int | None = None


def judge_claims(
    study: Mapping[str, Any], levels: Sequence[LevelResults], diverged: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Judge the claims of one study: ``{"claim", "report", "ours", "interval", "verdict", "why", ...}``.

    Parameters
    ----------
    study
        The content of ``study.json``.
    diverged
        Combinations of levels whose loss was no longer finite.
    """
    ground = Ground(levels, study["main"], study["metric"], diverged, Rules.of(study))
    return [judge(Claim.model_validate(claim), ground) for claim in study["claims"]]


def judge(claim: Claim, ground: Ground) -> dict[str, Any]:
    """Judge one claim by the runs of one study."""
    judged = _judge(claim, ground)
    report = spoken(claim.report) if isinstance(claim.report, str | Mapping) else claim.report
    remark = words.only_direction(ground.stand_in) if ground.stand_in and judged.verdict != "not comparable" else ""
    why = " ".join(text for text in (judged.why, remark, spoken(claim.why)) if text)
    return {
        "claim": spoken(claim.claim),
        "kind": claim.kind,
        "metric": claim.metric or ground.metric,
        "report": list(report) if isinstance(report, tuple) else report,
        "ours": judged.ours,
        "interval": judged.interval,
        "interval_of": judged.of,
        "verdict": judged.verdict,
        "why": why,
        "seeds": judged.seeds,
        "seeds_needed": judged.seeds_needed,
    }


def _judge(claim: Claim, ground: Ground) -> Judged:
    if ground.whole:
        return Judged("not comparable", why=ground.whole)
    judged = _KINDS[claim.kind](claim, ground)
    if claim.needs_figures and ground.no_figures and judged.verdict != "not comparable":
        return replace(judged, verdict="not comparable", why=ground.no_figures, seeds_needed=None)
    return judged


def _all(claim: Claim, ground: Ground) -> Judged:
    """Judge statements that must all hold: one that does not is enough."""
    found = [_judge(one, ground) for one in claim.all]
    said = [one.verdict for one in found]
    order: tuple[Verdict, ...] = ("does not hold", "not comparable", "undecided")
    verdict: Verdict = next((word for word in order if word in said), "holds")
    parts = [(spoken(one.claim), judged) for one, judged in zip(claim.all, found, strict=True)]
    needed = [judged.seeds_needed for judged in found if judged.seeds_needed]
    return Judged(
        verdict,
        ours=words.ours_of_several([(text, judged.ours) for text, judged in parts]),
        why=" ".join(words.one_of_several(text, judged.verdict, judged.why) for text, judged in parts),
        seeds=min((judged.seeds for judged in found if judged.seeds is not None), default=None),
        seeds_needed=max(needed, default=None) if verdict == "undecided" else None,
    )


def _figure(claim: Claim, ground: Ground) -> Judged:
    """Hold one run of the report against where one more run of ours would fall; of several figures the range counts."""
    ours = numbers_of(claim, {}, ground)
    if ours is None or ours.diverged:
        return _not_run([claim.where], ground)
    values, report = list(ours.by_seed.values()), claim.report
    interval = prediction_interval(values)
    if interval is None:
        return Judged("undecided", ours.mean, why=words.one_seed(), seeds=1, seeds_needed=2)
    figures = report if isinstance(report, tuple) else (report,)
    low, high = interval
    above, below = low > max(figures), high < min(figures)  # type: ignore[type-var, operator]
    verdict: Verdict = "does not hold" if above or below else "holds"
    why = words.figure(inside=verdict == "holds", lower=below)
    return Judged(verdict, ours.mean, [low, high], words.of("run"), why, len(values))


def _best(claim: Claim, ground: Ground) -> Judged:
    """Hold the level that is called best against every other one."""
    factor = claim.factor or ground.main
    theirs = show(claim.report)
    found = numbers_by_level(claim, factor, ground) if factor else {}
    if theirs not in found or len(found) < 2:
        return _not_run([{factor: claim.report}] if factor else [], ground)
    rivals = [name for name in found if name != theirs]
    return _ranked(claim, ground, found, [(theirs, rival) for rival in rivals])


def _order(claim: Claim, ground: Ground) -> Judged:
    """Hold every level of an order against all that are said to be worse."""
    factor = claim.factor or ground.main
    found = numbers_by_level(claim, factor, ground) if factor else {}
    named = [show(level) for level in claim.order]
    missing = [level for level in claim.order if show(level) not in found]
    if missing:
        return _not_run([{factor or "": level} for level in missing], ground)
    known = {name: found[name] for name in named}
    return _ranked(claim, ground, known, list(itertools.combinations(named, 2)))


def _better(claim: Claim, ground: Ground) -> Judged:
    """Hold one group of runs against another, or against a baseline of its own."""
    sides = _two_sides(claim, claim.better, claim.than, ground)
    if isinstance(sides, Judged):
        return sides
    return _ranked(claim, ground, dict(zip("ab", sides, strict=True)), [("a", "b")])


def _ranked(claim: Claim, ground: Ground, found: Mapping[str, Numbers], pairs: Sequence[tuple[str, str]]) -> Judged:
    """Judge that the first of each pair is better, all pairs as one family."""
    better = direction(claim.metric or ground.metric)
    tested = [pair for pair in pairs if _differences(found[pair[0]], found[pair[1]])]
    tests = decide_all(
        [_differences(found[a], found[b]) for a, b in tested],
        better=better,
        alpha=ground.rules.alpha,
        test=ground.rules.test,
    )
    decisions = dict(zip(tested, tests, strict=True))
    says = {(a, b): _says(found[a], found[b], decisions.get((a, b))) for a, b in pairs}
    against = [pair for pair in pairs if says[pair] == "worse"]
    undecided = [pair for pair in pairs if says[pair] == "undecided"]
    held = [pair for pair in pairs if says[pair] == "better"]
    chosen = (against or undecided or sorted(tested, key=lambda pair: -decisions[pair].p_holm) or pairs)[0]
    shown = decisions.get(chosen)
    seeds = min((decision.seeds for decision in tests), default=None)
    judged = Judged(
        "does not hold" if against else "undecided" if undecided else "holds",
        words.means([(one.name, None if one.diverged else one.mean) for one in found.values()], better),
        known_interval(shown.interval) if shown else None,
        words.of("difference", *(found[name].name for name in chosen)) if shown and seeds != 1 else "",
        seeds=seeds,
    )
    rest = words.shown(_names(found, held), _broken(found, held)) if held else ""
    if undecided and not against:
        same = all(_is_same(found[a], found[b]) for a, b in undecided)
        needed = None if same else _most([decisions[pair].seeds_needed for pair in undecided if pair in decisions])
        why = words.undecided(_names(found, undecided), seeds, needed, same=same)
        return replace(judged, why=f"{why} {rest}".strip(), seeds_needed=needed)
    tested_by = words.test(shown.p_holm, shown.seeds) if shown else ""
    first = words.against(_names(found, against), _broken(found, against)) if against else ""
    said = (first, tested_by, rest) if against else (rest, tested_by)
    return replace(judged, why=" ".join(text for text in said if text))


def _names(found: Mapping[str, Numbers], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(found[a].name, found[b].name) for a, b in pairs]


def _broken(found: Mapping[str, Numbers], pairs: Sequence[tuple[str, str]]) -> list[str]:
    return [found[name].name for name in dict.fromkeys(itertools.chain(*pairs)) if found[name].diverged]


def _says(a: Numbers, b: Numbers, decision: Decision | None) -> str:
    """Say whether the first is better; what diverged with every seed is worse than what did not."""
    if a.diverged or b.diverged:
        return "undecided" if a.diverged and b.diverged else "worse" if a.diverged else "better"
    return decision.says if decision else "undecided"


def _as_good(claim: Claim, ground: Ground) -> Judged:
    """Judge that one is worse than the other by no more than a margin: by the interval of the difference."""
    sides = _two_sides(claim, claim.as_good, claim.than, ground)
    if isinstance(sides, Judged):
        return sides
    a, b = sides
    margin = claim.margin or 0.0
    ours = words.means([(one.name, None if one.diverged else one.mean) for one in sides])
    if a.diverged or b.diverged:
        said, broken = _says(a, b, None), [one.name for one in sides if one.diverged]
        if said == "undecided":
            return Judged("undecided", ours, why=words.diverged(broken))
        tell = words.shown if said == "better" else words.against
        return Judged("holds" if said == "better" else "does not hold", ours, why=tell([(a.name, b.name)], broken))
    sign = 1.0 if direction(claim.metric or ground.metric) == "lower" else -1.0
    worse_by = [sign * difference for difference in _differences(a, b)]
    bounds = known_interval(mean_interval(worse_by)) if worse_by else None
    if bounds is None:
        return Judged("undecided", ours, why=words.one_seed(), seeds=len(worse_by), seeds_needed=2)
    low, high = bounds
    verdict: Verdict = "holds" if high <= margin else "does not hold" if low > margin else "undecided"
    interval = [low, high] if sign > 0 else [-high, -low]
    why = words.as_good(verdict, a.name, b.name, bounds, margin, same=low == high == 0.0)
    needed = None
    if verdict == "undecided":
        needed = _seeds_past([margin], worse_by, bounds)
        why = f"{why} {words.more_seeds(needed)}"
    return Judged(verdict, ours, interval, words.of("difference", a.name, b.name), why, len(worse_by), needed)


def _ratio(claim: Claim, ground: Ground) -> Judged:
    """Judge a ratio by its interval: of logarithms, seed by seed; of times, epoch beside epoch."""
    sides = _two_sides(claim, claim.ratio, claim.over, ground)
    if isinstance(sides, Judged):
        return sides
    a, b = sides
    ours = words.means([(one.name, None if one.diverged else one.mean) for one in sides])
    if a.diverged or b.diverged or min(*a.by_seed.values(), *b.by_seed.values()) <= 0.0:
        return Judged("undecided", ours, why=words.no_ratio())
    if a.is_time and any(max(one.by_seed.values()) > _STEADY * min(one.by_seed.values()) for one in sides):
        return Judged("undecided", ours, why=words.unsteady())
    logs = [replace(one, by_seed={key: log(value) for key, value in one.by_seed.items()}) for one in sides]
    pairs = [] if a.is_time else _differences(*logs)
    if a.is_time:
        bounds, seeds = welch_interval([*logs[0].by_seed.values()], [*logs[1].by_seed.values()]), None
    else:
        bounds, seeds = known_interval(mean_interval(pairs)) if pairs else None, len(pairs)
    if bounds is None:
        return Judged("undecided", ours, why=words.one_seed(), seeds=seeds, seeds_needed=None if a.is_time else 2)
    interval = [exp(bounds[0]), exp(bounds[1])]
    verdict = _within(interval, claim)
    why, needed = words.ratio(a.name, b.name, a.mean / b.mean, interval, claim.least, claim.most), None
    if a.is_time:
        why = f"{why} {words.timed(min(len(one.by_seed) for one in sides))}"
    elif verdict == "undecided":
        needed = _seeds_past([log(border) for border in _borders(claim) if border > 0.0], pairs, bounds)
        why = f"{why} {words.more_seeds(needed)}"
    return Judged(verdict, ours, interval, words.of("ratio", a.name, b.name), why, seeds, needed)


def _limit(claim: Claim, ground: Ground) -> Judged:
    """Judge that a number stays within limits: by the interval of its mean."""
    ours = numbers_of(claim, {}, ground)
    if ours is None:
        return _not_run([claim.where], ground)
    if ours.diverged:
        return Judged("not comparable", None, why=words.diverged([ours.name]))
    values = list(ours.by_seed.values())
    bounds = known_interval(mean_interval(values))
    if bounds is None:
        return Judged("undecided", ours.mean, why=words.one_seed(), seeds=len(values), seeds_needed=2)
    verdict = _within(bounds, claim)
    why, needed = words.limit(bounds, claim.least, claim.most), None
    if verdict == "undecided":
        needed = _seeds_past(_borders(claim), values, bounds)
        why = f"{why} {words.more_seeds(needed)}"
    return Judged(verdict, ours.mean, bounds, words.of("mean"), why, len(values), needed)


_KINDS = {
    "all": _all,
    "figure": _figure, "best": _best, "order": _order, "better": _better, "as_good": _as_good, "ratio": _ratio,
    "limit": _limit,
}  # fmt: skip


def _within(interval: Sequence[float], claim: Claim) -> Verdict:
    least = float("-inf") if claim.least is None else claim.least
    most = float("inf") if claim.most is None else claim.most
    if interval[0] >= least and interval[1] <= most:
        return "holds"
    return "does not hold" if interval[1] < least or interval[0] > most else "undecided"


def _borders(claim: Claim) -> list[float]:
    return [border for border in (claim.least, claim.most) if border is not None]


def _seeds_past(borders: Sequence[float], values: Sequence[float], bounds: Sequence[float]) -> int | None:
    """Return how many seeds would take the interval of a mean off every border inside it: as for the t test."""
    inside = [border for border in borders if bounds[0] <= border <= bounds[1]]
    return _most([seeds_for_power([value - border for value in values], test="t") for border in inside])


def _two_sides(claim: Claim, first: Any, second: Any, ground: Ground) -> tuple[Numbers, Numbers] | Judged:
    """Return the numbers of both sides, or that one was not run."""
    sides = (first, {**first, **second} if BASELINE in second else second)  # a baseline of the first one's runs
    a, b = (numbers_of(claim, side, ground) for side in sides)
    missing = [side for side, numbers in zip((first, second), (a, b), strict=True) if numbers is None]
    if a is None or b is None:
        return _not_run(missing, ground)
    return a, b


def _differences(a: Numbers, b: Numbers) -> list[float]:
    if a.is_fixed or b.is_fixed:
        fixed = (a if a.is_fixed else b).mean
        return [fixed - value if a.is_fixed else value - fixed for value in (b if a.is_fixed else a).by_seed.values()]
    return paired(a.by_seed, b.by_seed)


def _is_same(a: Numbers, b: Numbers) -> bool:
    differences = _differences(a, b)
    return len(differences) > 1 and not any(differences)


def _most(needed: Sequence[int | None]) -> int | None:
    """Return how many seeds would decide all of several differences, None when nobody would run so many."""
    known = [seeds for seeds in needed if seeds is not None]
    return max(known) if known and len(known) == len(needed) else None


def _not_run(sides: Sequence[Mapping[str, Any]], ground: Ground) -> Judged:
    """Say what was not run, and why when that is known; of what was run, only that no number is about the claim."""
    named = [show(value) for side in sides if not matching(ground.levels, side) for value in side.values()]
    reasons = [ground.absent[name] for name in named if name in ground.absent]
    return Judged("not comparable", why=" ".join(dict.fromkeys(reasons)) or words.not_run(named))
