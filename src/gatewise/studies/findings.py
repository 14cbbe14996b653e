"""Sentences made from a study's numbers, each with the evidence it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.metrics.names import is_higher_better
from gatewise.studies.factors import show
from gatewise.studies.findings_classify import class_findings
from gatewise.studies.findings_factors import factor_findings, runs_of
from gatewise.studies.findings_gradient import gradient_why
from gatewise.studies.levels import LevelResults, conditions
from gatewise.studies.statistics import SAME
from gatewise.studies.words import (
    baseline_name,
    capital,
    condition_words,
    difference_words,
    label_of,
    level_name,
    listed,
    metric_label,
    p_words,
    pair_words,
    ratio_words,
    span,
    times,
)
from gatewise.studies.words import count as count_word
from gatewise.studies.words import value as value_text
from gatewise.wording import digits, say

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
        ``{"text": a sentence, "evidence": [which numbers, which test], "see": the table of a page with its numbers,
        "runs": fingerprints of the runs that it rests on}``; the last two only where there are such.
    """
    return [
        *_against_doing_nothing(tree, levels),
        *_best_of_each_condition(tree, levels),
        *class_findings(tree, levels),
        *_the_same(tree),
        *factor_findings(tree, levels),
        *_divergence(tree),
        *_time(tree, levels),
        *_failures(tree),
    ]


def _against_doing_nothing(tree: Tree, levels: Sequence[LevelResults]) -> list[Finding]:
    """Say whether anything beats the last value, and the best baseline where that is another."""
    found = []
    for place, baseline in enumerate(dict.fromkeys(row["baseline"] for row in tree["against_baseline"])):
        rows = [row for row in tree["against_baseline"] if row["baseline"] == baseline and row["ratio"] is not None]
        if not rows:
            continue
        metric = rows[0]["metric"]
        higher = is_higher_better(metric)
        nearest = (max if higher else min)(rows, key=lambda row: row["ratio"])
        counts = {says: sum(row["says"] == says for row in rows) for says in ("better", "worse", "undecided")}
        of = say("findings.of_settings", n=len(rows), count=count_word(len(rows)))
        name = baseline_name(baseline)
        word = "some" if counts["better"] else "none_shown" if counts["undecided"] else "none"
        if len(rows) == 1:
            head = say(f"findings.beat.alone.{word}", label=_label(levels, nearest["label"]), name=name)
        else:
            better = {"n": counts["better"], "better": capital(count_word(counts["better"]))} if word == "some" else {}
            head = say(f"findings.beat.{word}", of=of, name=name, **better)
        which = say("findings.beat.best" if higher and counts["better"] else "findings.beat.nearest")
        who = {"which": which, "label": _label(levels, nearest["label"])} if len(rows) > 1 else {}
        told = {"metric": metric_label(metric), "reference": value_text(nearest["value"])}
        told |= (
            {"value": value_text(nearest["ratio"] * nearest["value"])}
            if higher
            else {"times": times(nearest["ratio"]), "name": name}
        )
        form = f"{'many' if who else 'one'}_{'score' if higher else 'ratio'}"
        found.append(
            {
                "text": say(f"findings.beat.{form}", head=head, **who, **told),
                "evidence": [
                    _say_distance(nearest, higher=higher),
                    say("findings.beat.unit", p=p_words(nearest)),
                    say("findings.beat.counts", **counts),
                ],
                "see": f"against-{place}",
                **runs_of(level for level in levels if level.label == nearest["label"]),
            }
        )
    return found


def _label(levels: Sequence[LevelResults], label: str) -> str:
    """Name a level by its label, in the words of this block's language."""
    return label_of(label, next((level.settings for level in levels if level.label == label), {}))


def _say_distance(row: Mapping[str, Any], *, higher: bool) -> str:
    """Write how far a level is from a baseline: a ratio of errors, a difference of scores."""
    if not higher:
        return say("findings.beat.ratio", ratio=ratio_words(row["ratio"], row["interval"]))
    gain, *bounds = ((ratio - 1) * row["value"] for ratio in (row["ratio"], *(row["interval"] or ())))
    return say("findings.beat.difference", difference=difference_words(gain, bounds or None))


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
    group: Sequence[LevelResults]
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
    return _Best(metric, condition, level, mean, group, rows) if rows else None  # the reference was not run there


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
    more = say("findings.best.would_decide_nearest", needed=_needed(min(needed))) if min(needed) > seeds else ""
    return {
        "text": say(
            "findings.best.none",
            names=listed(names),
            seeds=say("words.seeds", n=seeds),
            count=count_word(len(found)),
            often=often,
            least=_least(metric),
            metric=metric_label(metric),
            lead=count_word(lead[often]),
            more=more,
        ),
        "evidence": [
            say("words.colon", name=condition_words(best.condition), value=pair_words(main, row))
            for best in found
            for row in sorted(best.rows, key=lambda row: row["p_holm"] if row["p_holm"] is not None else 1.0)[:1]
        ],
        "see": "comparisons-table",
        **runs_of(best.level for best in found),
    }


def _least(metric: str) -> str:
    return say("findings.highest" if is_higher_better(metric) else "findings.lowest")


def _say_best(tree: Tree, best: _Best) -> Finding:
    main = tree["main"]
    where = capital(condition_words(best.condition))
    name = level_name(main, best.level.settings[main])
    told = {"least": _least(best.metric), "metric": metric_label(best.metric), "value": value_text(best.mean)}
    head = (
        say("findings.best.head_where", where=where, name=name, **told)
        if where
        else say("findings.best.head", name=capital(name), **told)
    )
    beaten = [level_name(main, row["b"]) for row in best.rows if row["says"] == "better"]
    open_rows = [row for row in best.rows if row["says"] == "undecided"]
    finding = {
        "evidence": [pair_words(main, row) for row in best.rows],
        "see": "comparisons-table",
        **runs_of([best.level]),
        **_why_best(tree, best),
    }
    ties = [level_name(main, row["b"]) for row in best.rows if row["says"] == SAME]
    if ties:
        head = say("findings.best.same", head=head, ties=listed(ties))
        if not open_rows and not beaten:
            return {"text": say("findings.best.alone", head=head), **finding}
    if not open_rows:
        return {"text": say("findings.best.better", head=head, beaten=listed(beaten)), **finding}
    others = listed(level_name(main, row["b"]) for row in open_rows)
    if len(open_rows) == len(best.rows) > _MOST_NAMED:
        others = say("findings.best.any_of", count=count_word(len(open_rows)))
    needed = max((row["seeds_needed"] or 0 for row in open_rows), default=0)
    seeds = open_rows[0]["seeds"]
    more = say("findings.best.would_decide", needed=_needed(needed)) if needed > seeds else ""
    told = {"head": head, "others": others, "seeds": say("words.seeds", n=seeds), "more": more}
    if beaten:
        return {"text": say("findings.best.better_and_open", beaten=listed(beaten), **told), **finding}
    return {"text": say("findings.best.open", **told), **finding}


def _why_best(tree: Tree, best: _Best) -> dict[str, str]:
    """Say how the gradient of the best level compares with those of the levels that it beats."""
    main, name = tree["main"], level_name(tree["main"], best.level.settings[tree["main"]])
    beaten = {show(row["b"]) for row in best.rows if row["says"] == "better"}
    others = [level for level in best.group if show(level.settings[main]) in beaten]
    compared = [(name, level_name(main, level.settings[main]), [(best.level, level)]) for level in others]
    return gradient_why(tree, main, compared)


def _needed(seeds: int) -> str:
    """Say how many seeds it would take; of what nobody would run, only that."""
    if seeds <= _MOST_SEEDS:
        return say("findings.best.about", seeds=seeds)
    return say("findings.best.more_than", seeds=_MOST_SEEDS)


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
    parts = [say("findings.time.level", name=name, epoch=span(epoch[name]), whole=span(whole[name])) for name in order]
    alone = {level.timing["name"] for level, _ in known if level.timing}
    threads = sorted({str(level.timing.get("threads")) for level, _ in known if level.timing})
    told = say("words.or").join(digits(one) for one in threads)
    return [
        {
            "text": say("findings.time.order", levels=listed(parts)),
            "evidence": [say("findings.time.alone", runs=len(alone), threads=told), say("findings.time.whole")],
            "see": "time-table",
            **_why_so_fast(tree["main"], [level for level, _ in known]),
        }
    ]


def _why_so_fast(main: str, levels: Sequence[LevelResults]) -> dict[str, str]:
    """Say what a step costs and which kernel computed it: a cell's speed is mostly that of its kernel."""
    steps: dict[tuple[str, str], list[float]] = {}
    for level in levels:
        timing = level.timing or {}
        step = (timing.get("seconds") or {}).get("per_step_median")
        if timing.get("kernel") and step is not None:
            steps.setdefault((level_name(main, level.settings[main]), str(timing["kernel"])), []).append(1000 * step)
    if not steps:
        return {}
    order = sorted(steps, key=lambda one: sum(steps[one]) / len(steps[one]))
    parts = (say("findings.time.step", name=one[0], step=span(steps[one]), kernel=one[1]) for one in order)
    return {"why": say("findings.time.why", steps=listed(parts))}


def _the_same(tree: Tree) -> list[Finding]:
    """Say of which levels every seed gave the same number: they are the same function, and no seed would tell them."""
    found: dict[str, Finding] = {}
    same = [row for row in tree["comparisons"] if row["interval"] == [0.0, 0.0] and row["metric"] == tree["metric"]]
    for row in same:
        # Every pair is compared, so all that are like one level stand beside it in some row.
        beside = [one for one in same if one["condition"] == row["condition"] and row["a"] in (one["a"], one["b"])]
        alike = [value for one in beside for value in (one["a"], one["b"])]
        names = listed(level_name(tree["main"], value) for value in tree["factors"][tree["main"]] if value in alike)
        text = say("findings.same.text", names=capital(names), metric=metric_label(row["metric"]))
        evidence = [say("findings.same.evidence", seeds=row["seeds"])]
        found.setdefault(text, {"text": text, "evidence": evidence, "see": "comparisons-table"})
    return list(found.values())


def _divergence(tree: Tree) -> list[Finding]:
    """Say at which levels training diverges: that is an answer, not a failure."""
    rows = tree.get("diverged") or []
    if not rows:
        return []
    always = [label_of(row["label"], row["levels"]) for row in rows if row["runs"] == row["of"]]
    sometimes = [
        say("findings.diverged.seeds", label=label_of(row["label"], row["levels"]), runs=row["runs"], of=row["of"])
        for row in rows
        if row["runs"] < row["of"]
    ]
    parts = [("always", always)] * bool(always) + [("sometimes", sometimes)] * bool(sometimes)
    said = {which: say(f"findings.diverged.{which}", names=listed(names)) for which, names in parts}
    where = say("findings.diverged.both", **said) if len(said) > 1 else next(iter(said.values()))
    return [
        {
            "text": say("findings.diverged.text", where=where),
            "evidence": [f"{row['label']}: {row['error']}" for row in rows[:5]],
        }
    ]


def _failures(tree: Tree) -> list[Finding]:
    diverged = sum(row["runs"] for row in tree.get("diverged") or ())
    number = len(tree["failed"]) - diverged
    if not number:
        return []
    return [
        {
            "text": say("findings.failed", n=number, count=capital(count_word(number))),
            "evidence": [f"{row['run']}: {row['error']}" for row in tree["failed"][:5]],
            "see": "failed-table",
        }
    ]


def _seen_from(best: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Turn a comparison round so that it speaks of `best` first."""
    if row["a"] == best:
        return row
    says = {"better": "worse", "worse": "better"}.get(row["says"], row["says"])
    bounds = row["interval"]
    return {
        **row,
        "a": row["b"],
        "b": row["a"],
        "says": says,
        "difference": None if row["difference"] is None else -row["difference"],
        "interval": None if bounds is None else [-bounds[1], -bounds[0]],
    }
