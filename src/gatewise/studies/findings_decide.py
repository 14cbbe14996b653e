"""Sentences beyond the best level: references, margins, data sets, interactions, costs, test examples."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from gatewise.registry import spoken
from gatewise.studies.statistics import SAME
from gatewise.studies.words import (
    capital,
    condition_words,
    label_of,
    level_name,
    listed,
    metric_label,
    p_words,
    pair_words,
    ratio_value,
    setting_name,
    span,
    times,
)
from gatewise.studies.words import value as value_text
from gatewise.wording import again, digits, say

Finding = dict[str, Any]
Tree = Mapping[str, Any]

#: More sentences of one kind nobody reads; the page has every row.
MOST = 4
#: Rows that stand under one sentence.
_MOST_EVIDENCE = 8
#: Which words of a decision stand in the catalogue.
_KEYS = {"better": "better", "worse": "worse", SAME: "same", "undecided": "undecided"}


def decide_findings(tree: Tree) -> list[Finding]:
    """Say what ``comparison.json`` holds beyond its pairs."""
    pairs = [*_against_reference(tree), *_small(tree), *_over_examples(tree)]
    whole = [*_over_datasets(tree), *_interactions(tree), *_fronts(tree)]
    return [{**one, "see": "comparisons-table"} for one in pairs] + [{**one, "see": "results-table"} for one in whole]


def _against_reference(tree: Tree) -> list[Finding]:
    """Say how every level compares with the reference, where it is compared under one condition."""
    rows = [row for row in tree["comparisons"] if row["metric"] == tree["metric"]]
    if (tree.get("decide") or {}).get("reference") is None or len(rows) < 2 or any(row["condition"] for row in rows):
        return []
    main = tree["main"]
    parts = []
    for says, key in _KEYS.items():
        levels = [level_name(main, row["a"]) for row in rows if row["says"] == says]
        if levels:
            parts.append(say(f"decide.reference.{key}", levels=listed(levels)))
    head = say("decide.reference.head", reference=level_name(main, rows[0]["b"]))
    text = say(
        "decide.reference.all", head=head, metric=metric_label(tree["metric"]), parts=say("words.semicolon").join(parts)
    )
    return [{"text": text, "evidence": [pair_words(main, row) for row in rows], "see": "comparisons-table"}]


def _small(tree: Tree) -> list[Finding]:
    """Say which differences are sure and yet smaller than what matters."""
    main = tree["main"]
    return [
        {
            "text": say(
                "decide.small",
                a=capital(level_name(main, row["a"])),
                b=level_name(main, row["b"]),
                says=say(f"decide.word.{row['says']}"),
                margin=value_text(row["margin"]),
                metric=metric_label(row["metric"]),
                difference=value_text(row["difference"]),
            ),
            "evidence": [pair_words(main, row)],
            "see": "effects-table",
        }
        for row in [row for row in tree["comparisons"] if row.get("small")][:MOST]
    ]


def _over_datasets(tree: Tree) -> list[Finding]:
    found = tree.get("datasets")
    if not found:
        return []
    main, average = found["main"], found["average"]
    place = min(range(len(average)), key=lambda one: average[one])
    mine = found["levels"][place]
    decided = [row for row in found["pairs"] if row["says"] != "undecided" and mine in (row["a"], row["b"])]
    key = "apart" if decided else "chance"
    if not decided and found["p"] <= tree["decide"]["alpha"]:
        key = "some"
    others = listed(level_name(main, row["b"] if row["a"] == mine else row["a"]) for row in decided)
    values = {"n": len(found["datasets"]), "best": level_name(main, mine), "rank": digits(f"{average[place]:.2f}")}
    text = say(f"decide.datasets.{key}", **values, levels=others)
    ranks = [
        say("decide.evidence.rank", level=level_name(main, level), rank=digits(f"{rank:.2f}"))
        for level, rank in zip(found["levels"], average, strict=True)
    ]
    critical = {"value": digits(f"{found['critical_difference']:.3g}"), "test": again(str(found["post_hoc"]))}
    friedman = {"value": digits(f"{found['statistic']:.3g}"), "p": digits(f"{found['p']:.3g}")}
    return [
        {
            "text": text,
            "evidence": [
                say("decide.evidence.ranks", ranks=say("words.comma").join(ranks)),
                say("decide.evidence.friedman", **friedman),
                say("decide.evidence.critical", **critical),
            ],
            "see": "ranks-table",
        }
    ]


def _over_examples(tree: Tree) -> list[Finding]:
    """Say which differences hold over seeds, over test examples, or over both."""
    rows = (tree.get("examples") or {}).get("rows") or []
    main, examples = tree["main"], say(f"decide.examples.{spoken(tree['task'])}")
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["holds"] != "neither":
            says = row["says"] if row["holds"] == "examples" else row["seeds_say"]
            groups.setdefault((str(row["condition"]), row["holds"], f"{row['a']} {says}"), []).append(row)
    if len({key[1:] for key in groups}) > MOST:
        seeds = [row for row in rows if row["seeds_say"] in ("better", "worse")]
        both = [row for row in seeds if row["holds"] == "both"]
        text = say("decide.holds.many", n=len(seeds), k=len(both), examples=examples)
        evidence = [_sample(main, row) for row in seeds if row["holds"] != "both"][:MOST]
        return [{"text": text, "evidence": evidence, "see": "examples-table"}]
    said: dict[tuple[str, str, str, str], list[list[Mapping[str, Any]]]] = {}
    for (_, holds, _), alike in groups.items():
        says = alike[0]["says"] if holds == "examples" else alike[0]["seeds_say"]
        others = listed(level_name(main, one["b"]) for one in alike)
        said.setdefault((holds, level_name(main, alike[0]["a"]), says, others), []).append(alike)
    found = []
    for (holds, a, says, others), where in said.items():
        word = say(f"decide.word.{says}")
        text = say(f"decide.holds.{holds}", a=a, others=others, says=word, examples=examples)
        named = [condition_words(alike[0]["condition"]) for alike in where]
        if all(named):
            text = say("decide.holds.where", condition="; ".join(named), text=text[:1].lower() + text[1:])
        evidence = [_sample(main, one) for alike in where for one in alike]
        found.append({"text": capital(text), "evidence": evidence[:_MOST_EVIDENCE], "see": "examples-table"})
    return found


def _sample(main: str, row: Mapping[str, Any]) -> str:
    where = condition_words(row["condition"])
    beside = row.get("mcnemar")
    more = say("decide.evidence.mcnemar", decided=beside["decided"], of=beside["seeds"]) if beside else ""
    pair = say("findings.best.pair", a=level_name(main, row["a"]), b=level_name(main, row["b"]))
    told = {
        "pair": say("words.comma").join([where, pair]) if where else pair,
        "difference": value_text(row["difference"]),
        "p": p_words(row),
        "test": again(str(row["test"])),
        "count": digits(f"{row['n']:,}"),
        "seeds": row["seeds"],
        "more": more,
    }
    return say("decide.evidence.sample", **told)


def _interactions(tree: Tree) -> list[Finding]:
    rows = [row for row in tree.get("interactions") or () if row["decided"]]
    rows.sort(key=lambda row: float(row["p_holm"]))
    found = []
    for row in rows[:MOST]:
        (one, other), (u, v), (u0, v0) = row["factors"], row["levels"], row["against"]
        there, here = row["effects"]
        write = ratio_value if row["scale"] == "ratio" else value_text
        text = say(
            f"decide.interaction.{row['scale']}",
            u=level_name(one, u),
            u0=level_name(one, u0),
            v=level_name(other, v),
            v0=level_name(other, v0),
            other=setting_name(other),
            metric=metric_label(row["metric"]),
            there=write(there),
            here=write(here),
        )
        bounds = row["interval"]
        known = write(row["size"])
        if bounds is not None:
            known = say("words.within", value=known, low=write(bounds[0]), high=write(bounds[1]))
        size = say(f"decide.evidence.{'ratios' if row['scale'] == 'ratio' else 'differences'}", size=known)
        tested = say("findings.effect.tested", p=p_words(row), seeds=row["seeds"])
        found.append({"text": capital(text), "evidence": [size, tested], "see": "interactions-table"})
    return found


def _fronts(tree: Tree) -> list[Finding]:
    """Say which settings are worth their cost: of seconds, or where none was measured, of parameters.

    A front is one of means: it is said only where the tests are sure of what it says. So every dearer setting on it is
    shown to be better than the one before, and every other setting to be worse than one that costs no more.
    """
    found = tree.get("pareto")
    if not found:
        return []
    cost = next(name for name in ("seconds", "parameters", "operations") if name in found["fronts"])
    names = found["fronts"][cost]
    points = {point["label"]: point for point in found["points"] if point[cost]}
    beaten = [name for name in points if name not in names]
    better = _sure(tree)
    rising = all((dear, cheap) in better for cheap, dear in pairwise(names))
    below = all(
        any((name, other) in better and points[name][cost] <= points[other][cost] for name in names) for other in beaten
    )
    if not beaten or len(names) > MOST or not (rising and below):
        return []
    shown = {str(level["label"]): label_of(str(level["label"]), level["settings"]) for level in tree["levels"]}
    comma = say("words.comma")
    order = comma.join(_point(points[name], cost, shown) for name in names)
    worse = comma.join(_point(points[name], cost, shown) for name in beaten[:MOST])
    evidence = [say("decide.evidence.cheapest", levels=order), say("decide.evidence.beaten", levels=worse)]
    see = f"front-{cost}-table"
    words = {"metric": metric_label(found["metric"]), "cost": say(f"decide.cost.{cost}")}
    if len(names) == 1:
        return [
            {
                "text": capital(say("decide.pareto.one", best=shown.get(names[0], names[0]), **words)),
                "evidence": evidence,
                "see": see,
            }
        ]
    more = times(points[names[-1]][cost] / points[names[0]][cost])
    told_names = [shown.get(name, name) for name in names]
    ends = {"cheap": told_names[0], "best": told_names[-1]}
    text = say("decide.pareto.front", levels=listed(told_names), **ends, times=more, **words)
    return [{"text": text, "evidence": evidence, "see": see}]


def _sure(tree: Tree) -> set[tuple[str, str]]:
    """Return which combinations of levels are shown to be better than which, by label."""
    main, labels = tree["main"], {}
    for level in tree["levels"]:
        others = {name: value for name, value in level["settings"].items() if name != main}
        labels[str(others), str(level["settings"].get(main))] = level["label"]
    found = set()
    for row in tree["comparisons"]:
        a, b = (labels.get((str(row["condition"]), str(row[side]))) for side in ("a", "b"))
        if row["metric"] == tree["metric"] and a is not None and b is not None:
            found |= {"better": {(a, b)}, "worse": {(b, a)}}.get(row["says"], set())
    return found


def _point(point: Mapping[str, Any], cost: str, shown: Mapping[str, str]) -> str:
    label = shown.get(point["label"], point["label"])
    return say("decide.evidence.point", level=label, quality=value_text(point["quality"]), cost=_cost(point[cost]))


def _cost(value: float) -> str:
    return span([value]) if value < 1000 else digits(f"{value:,.0f}" if value < 1e7 else f"{value:.3g}")
