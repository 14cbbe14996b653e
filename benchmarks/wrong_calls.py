"""Simulated studies of which the truth is known: how often a study says what is not so, and finds what is.

Every figure comes from the product's own decisions (`decide_all`) over made-up scores: a seed's own luck, which all
levels share, and noise of each level and seed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import machine
from gatewise.metrics import wilson
from gatewise.studies.paired_tests import TESTS, Test
from gatewise.studies.power import paired_power, seeds_for_effect
from gatewise.studies.statistics import SAME, decide_all

IMAGES = Path(__file__).parent.parent / "docs" / "images"
TITLE = "How often a study says what is not so"
ALPHA = 0.05
LEVELS = (3, 4, 6)
SEEDS = (5, 6, 7, 8, 9, 10, 12)
#: Studies of each distribution, number of levels and number of seeds.
STUDIES = 100

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.normal(size=shape)


def _skewed(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.lognormal(0.0, 1.0, size=shape)


def _heavy(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.standard_t(2.5, size=shape)


DISTRIBUTIONS: dict[str, Draw] = {"normal": _normal, "skewed": _skewed, "heavy-tailed": _heavy}


def scores(generator: np.random.Generator, draw: Draw, levels: int, seeds: int) -> NDArray[np.float64]:
    """Return the scores of levels that do not differ, (levels, seeds)."""
    return 3.0 * generator.normal(size=seeds) + draw(generator, (levels, seeds))


def pairs(study: NDArray[np.float64], reference: bool = False) -> list[list[float]]:
    """Return the paired differences of every two levels, or of each other level and the first."""
    chosen = [(k, 0) for k in range(1, len(study))] if reference else itertools.combinations(range(len(study)), 2)
    return [list(study[a] - study[b]) for a, b in chosen]


def measure() -> dict[str, Any]:
    """Simulate the studies."""
    generator = np.random.default_rng(20)
    found = {
        "machine": machine(),
        "alpha": ALPHA,
        "no_difference": list(_no_difference(generator)),
        "border": list(_border(generator)),
        "power": list(_power(generator)),
        "unequal": list(_unequal(generator)),
    }
    draw(found)
    return found


def draw(found: dict[str, Any]) -> None:
    """Draw the rates of wrong calls, and power as promised against power as found, to docs/images/wrong_calls.svg."""
    import altair as alt
    import vl_convert

    shown = {"no_difference": "no difference, called better or worse", "border": "at the margin, called the same"}
    rows = [
        {"kind": words, "noise": f"{row['distribution']}, {row['levels']} levels", "test": _NAMES[row["test"]],
         "rate": row["rate"], "low": row["interval"][0], "high": row["interval"][1]}
        for key, words in shown.items() for row in found[key]
    ]  # fmt: skip
    base = alt.Chart(alt.InlineData(rows))
    y = alt.Y("noise:N", title=None, sort=None)
    offset = alt.YOffset("test:N", sort=list(_NAMES.values()))
    hue = alt.Color("test:N", title=None, sort=list(_NAMES.values()), legend=alt.Legend(orient="top"))
    x = alt.X(
        "rate:Q",
        title="share of studies with a wrong call",
        scale=alt.Scale(domain=[0, 0.1]),
        axis=alt.Axis(tickCount=5),
    )
    layers = [
        base.mark_rule().encode(x=alt.X("low:Q"), x2="high:Q", y=y, yOffset=offset, color=hue),
        base.mark_point(filled=True, size=35).encode(x=x, y=y, yOffset=offset, color=hue),
        base.mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(found["alpha"])),
    ]
    panels = [alt.layer(*layers).transform_filter(alt.datum.kind == words).properties(title=words, width=300)
              for words in shown.values()]  # fmt: skip
    drawn = alt.hconcat(*panels).to_dict()
    (IMAGES / "wrong_calls.svg").write_text(vl_convert.vegalite_to_svg(drawn), encoding="utf-8")


def _no_difference(generator: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Count studies with any better or worse although no level differs, by test, distribution and levels."""
    for name, draw in DISTRIBUTIONS.items():
        for levels in LEVELS:
            wrong: dict[Test, dict[int, int]] = {test: dict.fromkeys(SEEDS, 0) for test in TESTS}
            for seeds in SEEDS:
                for _ in range(STUDIES):
                    differences = pairs(scores(generator, draw, levels, seeds))
                    for test in TESTS:
                        said = decide_all(differences, alpha=ALPHA, test=test)
                        wrong[test][seeds] += any(one.says != "undecided" for one in said)
            for test, counts in wrong.items():
                yield {"distribution": name, "levels": levels, "test": test, **_rate(sum(counts.values()),
                       STUDIES * len(SEEDS)), "by_seeds": {n: k / STUDIES for n, k in counts.items()}}  # fmt: skip


def _border(generator: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Count studies that call a level practically the same whose difference is exactly the margin."""
    for name, draw in DISTRIBUTIONS.items():
        for levels in (2, 3, 4):
            wrong: dict[Test, int] = dict.fromkeys(TESTS, 0)
            for seeds, margin in itertools.product(SEEDS, (1.0, 4.0)):
                for _ in range(STUDIES // 2):
                    study = scores(generator, draw, levels, seeds)
                    study[1:] += margin * generator.choice([-1.0, 1.0], size=(levels - 1, 1))
                    differences = pairs(study, reference=True)
                    for test in TESTS:
                        margins = [margin] * len(differences)
                        said = decide_all(differences, alpha=ALPHA, test=test, margins=margins)
                        wrong[test] += any(one.says == SAME for one in said)
            for test, count in wrong.items():
                studies = 2 * (STUDIES // 2) * len(SEEDS)
                yield {"distribution": name, "levels": levels, "test": test, **_rate(count, studies)}


def _power(generator: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Give studies as many seeds as were said to decide an effect, and count how often they do."""
    for levels, effect in itertools.product((2, 3, 4), (1.1, 1.6, 2.2)):
        comparisons = levels * (levels - 1) // 2
        for test in TESTS:
            seeds = seeds_for_effect(effect, comparisons=comparisons, alpha=ALPHA, test=test)
            assert seeds is not None
            alone = found = told = 0
            draws = 5 * STUDIES
            for _ in range(draws):
                study = generator.normal(size=(levels, seeds)) * np.sqrt(0.5)  # a difference then has a spread of 1
                study[0] += effect
                differences = pairs(study)
                alone += TESTS[test](differences[0]) <= ALPHA / comparisons
                said = decide_all(differences, alpha=ALPHA, test=test)[: levels - 1]
                found += sum(one.says == "worse" for one in said)
                told += levels - 1
            yield {"levels": levels, "effect": effect, "test": test, "seeds": seeds,
                   "promised": paired_power(effect, seeds, ALPHA / comparisons, test),
                   "first_step": alone / draws, "in_study": found / told, "studies": draws}  # fmt: skip


def _unequal(generator: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Count wrong calls where means are equal but one level is steady and the other wild to one side."""
    for seeds in (7, 12, 30):
        for test in TESTS:
            wrong = 0
            for _ in range(4 * STUDIES):
                wild = generator.lognormal(0.0, 1.0, size=seeds) - np.exp(0.5)
                wrong += decide_all([list(wild)], alpha=ALPHA, test=test)[0].says != "undecided"
            yield {"seeds": seeds, "test": test, **_rate(wrong, 4 * STUDIES)}


def _rate(count: int, of: int) -> dict[str, Any]:
    low, high = wilson(count, of) or (0.0, 1.0)
    return {"rate": count / of, "interval": [low, high], "studies": of}


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    total = sum(
        row["studies"] for key in ("no_difference", "border") for row in found[key] if row["test"] == "sign_flip"
    )
    lines = [
        f"{total:,} simulated studies of 3 to 6 levels and {min(SEEDS)} to {max(SEEDS)} seeds, each decided by every",
        f"test at {found['alpha']:g} with Holm's correction. Seeds are paired. In brackets: 95 % interval of the rate.",
        "",
        "![Rates of wrong calls by noise, levels and test; dashed is the nominal rate](images/wrong_calls.svg)",
        "",
        "**No level differs: share of studies that call any pair better or worse.**",
        "",
        *_by_test(found["no_difference"]),
        "",
        "**The difference is exactly the margin: share of studies that call any pair practically the same.**",
        "",
        *_by_test(found["border"]),
        "",
        "**Power: how often as many seeds as were said to be needed (for a chance of 0.8 or more) decide.** The first",
        "step is one comparison at Holm's strictest level, which is what is promised; in a study later steps help.",
        "The effect is the mean difference over its spread from seed to seed, the noise normal.",
        "",
        "| levels | effect | test | seeds | promised | first step | in a study |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['levels']} | {row['effect']:g} | {_NAMES[row['test']]} | {row['seeds']} | {row['promised']:.2f} | "
        f"{row['first_step']:.2f} | {row['in_study']:.2f} |"
        for row in found["power"]
    ]
    lines += [
        "",
        "**What no test over few seeds holds.** One level gives the same with every seed, the other has the same mean",
        "but is wild to one side (lognormal). The tests take levels that do not differ to be equally wild; where they",
        "are not, more calls are wrong:",
        "",
        "| seeds | sign flip | Wilcoxon | t |",
        "|---|---|---|---|",
    ]
    for seeds in dict.fromkeys(row["seeds"] for row in found["unequal"]):
        rates = {row["test"]: row for row in found["unequal"] if row["seeds"] == seeds}
        lines.append(f"| {seeds} | {' | '.join(_shown(rates[test]) for test in TESTS)} |")
    return "\n".join(lines)


_NAMES: dict[Test, str] = {"sign_flip": "sign flip", "wilcoxon": "Wilcoxon", "t": "t"}


def _by_test(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| noise | levels | sign flip | Wilcoxon | t |", "|---|---|---|---|---|"]
    for name, levels in dict.fromkeys((row["distribution"], row["levels"]) for row in rows):
        rates = {row["test"]: row for row in rows if (row["distribution"], row["levels"]) == (name, levels)}
        lines.append(f"| {name} | {levels} | {' | '.join(_shown(rates[test]) for test in TESTS)} |")
    return lines


def _shown(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['rate']:.3f} ({low:.3f} to {high:.3f})"
