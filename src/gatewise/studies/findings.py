"""Sentences made from a study's numbers, each with the evidence it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

from gatewise.metrics.names import direction, is_higher_better
from gatewise.studies.factors import show
from gatewise.studies.findings_classify import class_findings
from gatewise.studies.levels import LevelResults, by_level, conditions, known_interval
from gatewise.studies.statistics import SAME, decide_all
from gatewise.studies.words import (
    baseline_name,
    capital,
    difference_words,
    level_name,
    listed,
    metric_label,
    p_words,
    ratio_words,
    setting,
    span,
    times,
)
from gatewise.studies.words import count as count_word
from gatewise.studies.words import value as value_text

Finding = dict[str, Any]
Tree = Mapping[str, Any]

#: Nobody runs more seeds, and a sentence holds no more names.
_MOST_SEEDS, _MOST_NAMED = 100, 6


def make_findings(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Say what a study found, the most important first.

    Parameters
    ----------
    tree
        ``comparison.json`` without its findings.

    Returns
    -------
    list of dict
        ``{"text": a sentence, "evidence": [which numbers, which test]}``.
    """
    return [
        *_against_doing_nothing(tree),
        *_best_of_each_condition(tree, levels),
        *class_findings(tree, levels),
        *_the_same(tree),
        *_what_each_factor_does(tree, levels),
        *_divergence(tree),
        *_time(tree, levels),
        *_failures(tree),
    ]


def _against_doing_nothing(tree: Tree) -> list[Finding]:
    """Say whether anything beats the last value, and the best baseline where that is another."""
    found = []
    for baseline in dict.fromkeys(row["baseline"] for row in tree["against_baseline"]):
        rows = [row for row in tree["against_baseline"] if row["baseline"] == baseline and row["ratio"] is not None]
        if not rows:
            continue
        metric = rows[0]["metric"]
        higher = is_higher_better(metric)
        nearest = (max if higher else min)(rows, key=lambda row: row["ratio"])
        counts = {says: sum(row["says"] == says for row in rows) for says in ("better", "worse", "undecided")}
        of = f"{count_word(len(rows))} setting{'' if len(rows) == 1 else 's'}"
        name = baseline_name(baseline)
        if counts["better"]:
            head = f"{count_word(counts['better']).capitalize()} of {of} beat{'s' * (counts['better'] == 1)} {name}"
        elif counts["undecided"]:
            head = f"None of {of} is shown to beat {name}"
        else:
            head = f"None of {of} beats {name}"
        reference = value_text(nearest["value"])
        told = f"{metric_label(metric)} of {times(nearest['ratio'])} that of {name} ({reference})"
        if higher:
            told = f"{metric_label(metric)} of {value_text(nearest['ratio'] * nearest['value'])} against {reference}"
        who = f"the {'best' if higher and counts['better'] else 'nearest'}, {nearest['label']}, "
        found.append(
            {
                "text": f"{head}: {who if len(rows) > 1 else 'it '}has a mean test {told}.",
                "evidence": [
                    _say_distance(nearest, higher=higher),
                    f"{p_words(nearest)}, seeds as the unit",
                    f"better {counts['better']}, undecided {counts['undecided']}, worse {counts['worse']}",
                ],
            }
        )
    return found


def _say_distance(row: Mapping[str, Any], *, higher: bool) -> str:
    """Write how far a level is from a baseline: a ratio of errors, a difference of scores."""
    if not higher:
        return "ratio " + ratio_words(row["ratio"], row["interval"])
    gain, *bounds = ((ratio - 1) * row["value"] for ratio in (row["ratio"], *(row["interval"] or ())))
    return "difference " + difference_words(gain, bounds or None)


def _best_of_each_condition(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Name the best level of the main factor under each condition, and from which others it is told apart.

    Conditions under which nothing is told apart are said together.
    """
    found = []
    for metric in dict.fromkeys(row["metric"] for row in tree["comparisons"]):
        decided: list[_Best] = []
        undecided: list[_Best] = []
        for condition, group in conditions(levels, tree["main"]):
            best = _best(tree, metric, condition, group)
            if best is not None:
                told_apart = any(row["says"] != "undecided" for row in best.rows)
                (decided if told_apart else undecided).append(best)
        found += [_say_best(tree, best) for best in decided]
        if len(undecided) > 1:
            found.append(_say_none_is_best(tree, undecided))
        else:
            found += [_say_best(tree, best) for best in undecided]
    return found


@dataclass(frozen=True)
class _Best:
    """The level with the best mean under a condition, and how it compares with each other one."""

    metric: str
    condition: Mapping[str, Any]
    level: LevelResults
    mean: float
    rows: list[dict[str, Any]]


def _best(tree: Tree, metric: str, condition: Mapping[str, Any], group: Sequence[LevelResults]) -> _Best | None:
    main = tree["main"]
    known = [(level, mean) for level in group if (mean := level.mean(metric)) is not None]
    if len(known) < 2:
        return None
    level, mean = (max if is_higher_better(metric) else min)(known, key=lambda pair: pair[1])
    mine = level.settings[main]
    rows = [
        _seen_from(mine, row)
        for row in tree["comparisons"]
        if row["metric"] == metric and row["condition"] == condition and mine in (row["a"], row["b"])
    ]
    return _Best(metric, condition, level, mean, rows)


def _say_none_is_best(tree: Tree, found: list[_Best]) -> Finding:
    """Say in one sentence that no level is told apart from another, under several conditions."""
    main, metric = tree["main"], found[0].metric
    names = [level_name(main, value) for value in tree["factors"][main]]
    lead: dict[str, int] = {}
    for best in found:
        name = level_name(main, best.level.settings[main])
        lead[name] = lead.get(name, 0) + 1
    often = max(lead, key=lambda name: lead[name])
    seeds = found[0].rows[0]["seeds"]
    needed = [max((row["seeds_needed"] or 0 for row in best.rows), default=0) for best in found]
    more = f"; {_needed(min(needed))} would decide the nearest" if min(needed) > seeds else ""
    least = "highest" if is_higher_better(metric) else "lowest"
    return {
        "text": (
            f"Which of {listed(names)} is best is undecided with {seeds} seed{'s' * (seeds != 1)} under "
            f"{count_word(len(found))} of the other settings: {often} has the {least} mean test {metric_label(metric)} "
            f"in {count_word(lead[often])} of them{more}."
        ),
        "evidence": [
            f"{_say_condition(best)}: {_say_pair(best.level, main, row)}"
            for best in found
            for row in sorted(best.rows, key=lambda row: row["p_holm"] if row["p_holm"] is not None else 1.0)[:1]
        ],
    }


def _say_condition(best: _Best) -> str:
    return listed(setting(key, value) for key, value in best.condition.items())


def _say_best(tree: Tree, best: _Best) -> Finding:
    main = tree["main"]
    where = f"With {_say_condition(best)}, " if best.condition else ""
    name = level_name(main, best.level.settings[main])
    least = "highest" if is_higher_better(best.metric) else "lowest"
    text = f"{capital(where + name)} has the {least} mean test {metric_label(best.metric)} ({value_text(best.mean)})"
    beaten = [level_name(main, row["other"]) for row in best.rows if row["says"] == "better"]
    open_rows = [row for row in best.rows if row["says"] == "undecided"]
    evidence = [_say_pair(best.level, main, row) for row in best.rows]
    ties = [level_name(main, row["other"]) for row in best.rows if row["says"] == SAME]
    if ties:
        text = f"{text}, practically the same as {listed(ties)}"
        if not open_rows and not beaten:
            return {"text": f"{text}.", "evidence": evidence}
    if not open_rows:
        return {"text": f"{text}, shown to be better than {listed(beaten)}.", "evidence": evidence}
    others = listed(level_name(main, row["other"]) for row in open_rows)
    if len(open_rows) == len(best.rows) > _MOST_NAMED:
        others = f"any of the {count_word(len(open_rows))} others"
    needed = max((row["seeds_needed"] or 0 for row in open_rows), default=0)
    seeds = open_rows[0]["seeds"]
    more = f"; {_needed(needed)} would decide" if needed > seeds else ""
    ahead = f", better than {listed(beaten)}, but" if beaten else ", but"
    whether = f"whether it is better than {others} is undecided with {seeds} seed{'s' * (seeds != 1)}{more}."
    return {"text": f"{text}{ahead} {whether}", "evidence": evidence}


def _needed(seeds: int) -> str:
    """Say how many seeds it would take; of what nobody would run, only that."""
    return f"about {seeds} seeds" if seeds <= _MOST_SEEDS else f"only more than {_MOST_SEEDS} seeds"


def _what_each_factor_does(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Say for every other factor what each level does to the error, against the factor's first level.

    An error is multiplied; a score may be near zero, so to it something is added.
    """
    found = []
    metric = tree["metric"]
    higher = is_higher_better(metric)
    for factor, values in tree["factors"].items():
        if factor == tree["main"]:
            continue
        groups = by_level(levels, factor)
        first, effects = show(values[0]), {}
        for value in values:
            matched = _matched(groups.get(first, []), groups.get(show(value), []), factor)
            if show(value) != first and matched:
                effects[show(value)] = _differences(matched, metric) if higher else _log_ratios(matched, metric)
        effects = {name: seeds for name, seeds in effects.items() if seeds}
        decisions = decide_all(list(effects.values()), better=direction(metric))
        for (name, seeds), decision in zip(effects.items(), decisions, strict=True):
            bounds = known_interval(decision.interval)
            names = setting(factor, name), setting(factor, first)
            if higher:
                text = _say_gain(*names, metric, decision.difference, decision.says)
                size = f"difference {difference_words(decision.difference, bounds)} (mean)"
            else:
                ratio = exp(decision.difference)
                bounds = None if bounds is None else [exp(bound) for bound in bounds]
                text = _say_effect(*names, metric, ratio, decision.says)
                size = f"ratio {ratio_words(ratio, bounds)} (geometric mean)"
            tested = f"{p_words({'p_holm': decision.p_holm})}, {len(seeds)} seeds"
            found.append({"text": text, "evidence": [size, tested]})
    return found


def _say_effect(name: str, first: str, metric: str, ratio: float, says: str) -> str:
    what, over = f"{name} in the place of {first}", "over all other settings"
    if says == "undecided":
        return f"Whether {what} changes the test {metric_label(metric)} is undecided: {times(ratio)} as large, {over}."
    return f"{capital(what)} makes the test {metric_label(metric)} {times(ratio)} as large, {over}."


def _say_gain(name: str, first: str, metric: str, gain: float, says: str) -> str:
    what, over = f"{name} in the place of {first}", "over all other settings"
    by = value_text(abs(gain))
    if says == "undecided":
        more = "higher" if gain > 0 else "lower"
        return f"Whether {what} changes the test {metric_label(metric)} is undecided: {by} {more}, {over}."
    return f"{capital(what)} {'raises' if gain > 0 else 'lowers'} the test {metric_label(metric)} by {by}, {over}."


def _matched(
    first: list[LevelResults], other: list[LevelResults], factor: str
) -> list[tuple[LevelResults, LevelResults]]:
    """Pair combinations that differ in one factor alone."""

    def rest(level: LevelResults) -> dict[str, Any]:
        return {name: value for name, value in level.settings.items() if name != factor}

    return [(a, b) for a in first for b in other if rest(a) == rest(b)]


def _log_ratios(pairs: list[tuple[LevelResults, LevelResults]], metric: str) -> list[float]:
    """Return one value a seed: the mean over pairs of the logarithm of other / first."""
    per_pair = []
    for first, other in pairs:
        a, b = first.by_seed(metric), other.by_seed(metric)
        per_pair.append({seed: log(b[seed] / a[seed]) for seed in a if seed in b and a[seed] > 0 and b[seed] > 0})
    return _seed_by_seed(per_pair)


def _differences(pairs: list[tuple[LevelResults, LevelResults]], metric: str) -> list[float]:
    """Return one value a seed: the mean over pairs of other - first."""
    both = [(first.by_seed(metric), other.by_seed(metric)) for first, other in pairs]
    return _seed_by_seed([{seed: b[seed] - a[seed] for seed in a if seed in b} for a, b in both])


def _seed_by_seed(per_pair: list[dict[int, float]]) -> list[float]:
    shared = set.intersection(*(set(one) for one in per_pair))
    return [sum(one[seed] for one in per_pair) / len(per_pair) for seed in sorted(shared)]


def _time(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Say how long each level takes; only times of runs that had the machine to themselves count."""
    rows = [(level, row["seconds"]["per_epoch"]) for level, row in zip(levels, tree["levels"], strict=True)]
    known = [(level, seconds) for level, seconds in rows if seconds is not None]
    if not known or tree["main"] is None:
        return []
    epoch: dict[str, list[float]] = {}
    whole: dict[str, list[float]] = {}
    for level, seconds in known:
        name = level_name(tree["main"], level.settings[tree["main"]])
        runs = [count for result in level.results.values() if (count := result.get("epochs", {}).get("run"))]
        epoch.setdefault(name, []).append(seconds)
        whole.setdefault(name, []).append(seconds * sum(runs) / len(runs) if runs else seconds)
    order = sorted(epoch, key=lambda name: sum(epoch[name]) / len(epoch[name]))
    parts = [f"{name} {span(epoch[name])} s an epoch ({span(whole[name])} s a training)" for name in order]
    alone = {level.timing["name"] for level, _ in known if level.timing}
    threads = sorted({str(level.timing.get("threads")) for level, _ in known if level.timing})
    return [
        {
            "text": f"From fastest to slowest: {listed(parts)}.",
            "evidence": [
                f"{len(alone)} runs that had the machine to themselves, {' or '.join(threads)} threads",
                "a training: seconds an epoch times the mean number of epochs that were run",
            ],
        }
    ]


def _the_same(tree: Tree) -> list[Finding]:
    """Say of which levels every seed gave the same number: they are the same function, and no seed would tell them."""
    found: dict[str, Finding] = {}
    same = [row for row in tree["comparisons"] if row["interval"] == [0.0, 0.0] and row["metric"] == tree["metric"]]
    for row in same:
        # Every pair is compared, so all that are like one level stand beside it in some row.
        beside = [one for one in same if one["condition"] == row["condition"] and row["a"] in (one["a"], one["b"])]
        alike = [value for one in beside for value in (one["a"], one["b"])]
        names = listed(level_name(tree["main"], value) for value in tree["factors"][tree["main"]] if value in alike)
        text = f"{capital(names)} give the same test {metric_label(row['metric'])} with every seed."
        found.setdefault(text, {"text": text, "evidence": [f"difference 0 with {row['seeds']} paired seeds"]})
    return list(found.values())


def _divergence(tree: Tree) -> list[Finding]:
    """Say at which levels training diverges: that is an answer, not a failure."""
    rows = tree.get("diverged") or []
    if not rows:
        return []
    always = [row["label"] for row in rows if row["runs"] == row["of"]]
    sometimes = [f"{row['label']} ({row['runs']} of {row['of']} seeds)" for row in rows if row["runs"] < row["of"]]
    parts = [f"at {listed(always)} with every seed"] if always else []
    parts += [f"at {listed(sometimes)}"] if sometimes else []
    return [
        {
            "text": f"Training diverges {', and '.join(parts)}; these runs are in no mean.",
            "evidence": [f"{row['label']}: {row['error']}" for row in rows[:5]],
        }
    ]


def _failures(tree: Tree) -> list[Finding]:
    diverged = sum(row["runs"] for row in tree.get("diverged") or ())
    number = len(tree["failed"]) - diverged
    if not number:
        return []
    runs = "run failed and is" if number == 1 else "runs failed and are"
    return [
        {
            "text": f"{capital(count_word(number))} {runs} not in these numbers.",
            "evidence": [f"{row['run']}: {row['error']}" for row in tree["failed"][:5]],
        }
    ]


def _seen_from(best: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Turn a comparison round so that it speaks of `best` first."""
    if row["a"] == best:
        return {**row, "other": row["b"]}
    says = {"better": "worse", "worse": "better"}.get(row["says"], row["says"])
    bounds = row["interval"]
    return {
        **row,
        "other": row["a"],
        "says": says,
        "difference": None if row["difference"] is None else -row["difference"],
        "interval": None if bounds is None else [-bounds[1], -bounds[0]],
    }


def _say_pair(best: LevelResults, main: str, row: dict[str, Any]) -> str:
    pair = f"{level_name(main, best.settings[main])} less {level_name(main, row['other'])}"
    bounds = row["interval"]
    seeds = "one seed" if row["seeds"] == 1 else f"{row['seeds']} paired seeds"
    spread = "" if bounds is None else f" (95 % interval {value_text(bounds[0])} to {value_text(bounds[1])})"
    return f"{pair}: {value_text(row['difference'])}{spread}, {p_words(row)}, {seeds}"
