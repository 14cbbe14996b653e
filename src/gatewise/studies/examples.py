"""Would a difference hold on other test data? Seeds and test examples are two sources of chance, kept apart.

Seeds say whether training again would give the same order; the test part stays the same. Here the other half: each
level's predictions are averaged over its seeds, example by example, and the two levels are compared over the examples.
Forecasts by the test of Diebold and Mariano on the losses of the test windows; texts written by symbol by the block
bootstrap; classifiers by the paired bootstrap over texts, with McNemar's test of each seed beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import InputError
from gatewise.metrics import compare_log_probs, compare_losses, mcnemar
from gatewise.metrics.confusion import DECISIONS
from gatewise.metrics.names import is_higher_better
from gatewise.runs import RunFolder
from gatewise.studies.folder import StudyFolder
from gatewise.studies.levels import LevelResults, conditions
from gatewise.studies.rules import Rules
from gatewise.studies.statistics import Says, decide, holm

if TYPE_CHECKING:
    import polars as pl

Floats = NDArray[np.float64]

#: Tables of predictions that are read; conditions beyond that are left out, and it is said.
MOST_READ = 240
#: Levels that the best one is held against under one condition.
MOST_OTHERS = 12
#: Samples of texts that the bootstrap draws, and how many weights it holds at once.
DRAWS, _AT_ONCE = 1_000, 4_000_000

#: Which loss of a window stands for a metric of forecasts.
_LOSSES = {"mse": "squared", "rmse": "squared", "mae": "absolute", "mape": "percentage"}
_SYMBOLS = ("carried_nats_per_char", "carried_bits_per_char", "carried_bits_per_byte", "carried_perplexity")


@dataclass(frozen=True)
class _Found:
    """What the test examples say of one pair."""

    test: str
    difference: float
    interval: tuple[float, float] | None
    p: float | None
    n: int
    better: Literal["lower", "higher"] = "lower"
    mcnemar: dict[str, Any] | None = None

    def says(self, p_holm: float, alpha: float) -> Says:
        """Put a corrected p into a word, as of seeds."""
        return decide(p_holm, self.difference, better=self.better, seeds=self.n, alpha=alpha)


def over_examples(
    place: StudyFolder,
    levels: Sequence[LevelResults],
    study: Mapping[str, Any],
    comparisons: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Hold the best level of each condition (or the reference) against the others over the test examples.

    Returns
    -------
    dict
        ``rows``; ``left_out``: how many conditions were not looked at, because there are too many runs; ``beyond``:
        how many pairs, because there are too many of a condition; ``unlike``: how many could not be compared, because
        their predictions are not of the same test part.
    """
    rules, metric, main = Rules.of(study), study["metric"], study["main"]
    rows: list[dict[str, Any]] = []
    reader = None if study.get("within") or main is None else reader_of(study["task"], metric)
    if reader is None:
        return {"rows": rows, "left_out": 0, "beyond": 0, "unlike": 0}
    read = left_out = beyond = unlike = 0
    for condition, group in conditions(levels, main):
        pairs = _pairs(group, main, metric, rules)
        wanted = sum(len(level.runs) for level in group) if pairs else 0
        if read + wanted > MOST_READ:
            left_out += 1
            continue
        read += wanted
        tables: dict[int, list[Any]] = {}
        found = []
        beyond += len(pairs[MOST_OTHERS:])
        for a, b in pairs[:MOST_OTHERS]:
            for level in (a, b):
                if id(level) not in tables:
                    tables[id(level)] = _read(place, level, reader)
            made = compare_tables(study["task"], metric, tables[id(a)], tables[id(b)], rules.alpha)
            if made is not None:
                found.append((a, b, made))
            elif tables[id(a)] and tables[id(b)]:
                unlike += 1
        rows += _decided(found, condition, metric, rules, comparisons, main)
    return {"rows": rows, "left_out": left_out, "beyond": beyond, "unlike": unlike}


def _pairs(group: Sequence[LevelResults], main: str, metric: str, rules: Rules) -> list[tuple[Any, Any]]:
    """Return the pairs that matter: the best level against each other one, or each against the reference."""
    if rules.reference is not None:
        return rules.pairs(group, main)
    known = [(mean, level) for level in group if (mean := level.mean(metric)) is not None]
    if len(known) < 2:
        return []
    best = (max if is_higher_better(metric) else min)(known, key=lambda pair: pair[0])[1]
    return [(best, level) for _, level in known if level is not best]


def _decided(
    found: Sequence[tuple[LevelResults, LevelResults, _Found]],
    condition: Mapping[str, Any],
    metric: str,
    rules: Rules,
    comparisons: Sequence[Mapping[str, Any]],
    main: str,
) -> list[dict[str, Any]]:
    """Correct the p values of one condition, and lay beside each what the seeds say."""
    corrected = holm([1.0 if one.p is None else one.p for _, _, one in found])
    rows = []
    for (a, b, one), p_holm in zip(found, corrected, strict=True):
        says = one.says(p_holm, rules.alpha)
        seeds_say, seeds = _of_seeds(comparisons, condition, metric, a.settings[main], b.settings[main])
        rows.append(
            {
                "condition": dict(condition),
                "a": a.settings[main],
                "b": b.settings[main],
                "metric": metric,
                "test": one.test,
                "difference": one.difference,
                "interval": None if one.interval is None else list(one.interval),
                "p": one.p,
                "p_holm": None if one.p is None else p_holm,
                "says": says,
                "n": one.n,
                "seeds": seeds,
                "seeds_say": seeds_say,
                "holds": _holds(seeds_say, says),
                "mcnemar": one.mcnemar,
            }
        )
    return rows


def _of_seeds(
    comparisons: Sequence[Mapping[str, Any]], condition: Mapping[str, Any], metric: str, a: Any, b: Any
) -> tuple[str, int]:
    """Return what the seeds say of the first level against the second, and how many they are."""
    turned = {"better": "worse", "worse": "better"}
    for row in comparisons:
        if (
            row["metric"] == metric
            and row["condition"] == condition
            and {str(a), str(b)} == {str(row["a"]), str(row["b"])}
        ):
            says = str(row["says"])
            return (says if row["a"] == a else turned.get(says, says)), int(row["seeds"])
    return "undecided", 0


def _holds(seeds: str, examples: str) -> str:
    """Say over what a difference holds: both, seeds, examples, neither; or that the two contradict each other."""
    over_seeds, over_examples = seeds in ("better", "worse"), examples in ("better", "worse")
    if over_seeds and over_examples:
        return "both" if seeds == examples else "opposed"
    return "seeds" if over_seeds else "examples" if over_examples else "neither"


# ---- what each task's predictions say


def reader_of(task: str, metric: str) -> Callable[[RunFolder], Any] | None:
    """Return how the predictions of one run are read for a metric; None where it is no mean over examples."""
    if task == "forecast" and metric in _LOSSES:
        return lambda run: _windows(run, _LOSSES[metric])
    if task == "generate" and metric in _SYMBOLS:
        return _symbols
    if task == "classify" and metric.removeprefix("tuned_") in DECISIONS:
        return lambda run: _texts(run, "tuned" if metric.startswith("tuned_") else "predicted")
    return None


def _read(place: StudyFolder, level: LevelResults, reader: Callable[[RunFolder], Any]) -> list[Any]:
    found = []
    for seed, fingerprint in sorted(level.runs.items()):
        try:
            found.append((seed, reader(place.run(fingerprint))))
        except InputError:
            continue  # the run has no predictions to be read
    return found


def compare_tables(task: str, metric: str, ours: list[Any], theirs: list[Any], alpha: float) -> _Found | None:
    """Compare two levels over the seeds that both have; None where their test parts are not the same.

    `alpha` is that of McNemar's tests, one a seed; intervals are at 95 %.
    """
    shared = {seed for seed, _ in ours} & {seed for seed, _ in theirs}
    first, second = ([table for seed, table in side if seed in shared] for side in (ours, theirs))
    if not shared:
        return None
    if task == "forecast":
        return _of_windows(first, second)
    if task == "generate":
        return _of_symbols(first, second)
    return _of_texts(first, second, metric.removeprefix("tuned_"), alpha)


def _windows(run: RunFolder, loss: str) -> tuple[pl.DataFrame, int]:
    """Return the loss of each test window by its first forecast row, and how many rows ahead its errors reach."""
    import polars as pl

    frame = run.read_predictions()
    error = pl.col("mean") - pl.col("y")
    each = {"squared": error**2, "absolute": error.abs(), "percentage": 100 * error.abs() / pl.col("y").abs()}[loss]
    fold = ["fold"] if "fold" in frame.columns else []
    calendar = frame.select(pl.col("cutoff").rank("dense").cast(pl.Int64).alias("time"))
    table = (
        pl.concat([frame, calendar], how="horizontal")
        .filter(pl.col("part") == "test")
        .group_by([*fold, "window"], maintain_order=True)
        .agg(pl.col("unique_id").first(), pl.col("ds").min(), pl.col("time").first(), each.mean().alias("loss"))
    )
    offset = int((run.read_settings().get("data") or {}).get("target_offset") or 1)
    steps = int(frame["step"].max() or 1)  # type: ignore[arg-type]
    return table, offset - 1 + steps


def _of_windows(first: list[Any], second: list[Any]) -> _Found | None:
    ours, theirs = (_mean_windows([table for table, _ in side]) for side in (first, second))
    both = ours.join(theirs, on=["unique_id", "ds"], how="inner", suffix="_b").sort("time")
    if both.height < 0.9 * max(ours.height, theirs.height):  # they do not forecast the same rows
        return None
    # errors of a model that is not perfect go on from row to row, farther than the forecast itself reaches
    reach = max(round(both.height ** (1 / 3)), *(horizon for _, horizon in (*first, *second)))
    losses = both["loss"].to_numpy(), both["loss_b"].to_numpy()
    found = compare_losses(*losses, horizon=reach, time=both["time"].to_numpy())
    return _Found("Diebold-Mariano", found.mean_difference, found.interval, found.p, found.n)


def _mean_windows(tables: list[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    together = pl.concat([table.select("unique_id", "ds", "time", "loss") for table in tables])
    return together.group_by(["unique_id", "ds"], maintain_order=True).agg(
        pl.col("time").first(), pl.col("loss").mean()
    )


def _symbols(run: RunFolder) -> tuple[Any, Floats]:
    frame = run.read_predictions()
    if "log_prob" not in frame.columns:
        raise InputError(f"{run.path}: no symbol was judged")
    return frame["position"].to_numpy(), frame["log_prob"].to_numpy().astype(np.float64)


def _of_symbols(first: list[Any], second: list[Any]) -> _Found | None:
    where = first[0][0]
    if any(not np.array_equal(place, where) for place, _ in (*first, *second)):
        return None
    ours, theirs = (np.mean([values for _, values in side], axis=0) for side in (first, second))
    found = compare_log_probs(ours, theirs, draws=DRAWS)
    return _Found("block bootstrap", found.mean_difference, found.interval, found.p, found.n)


def _texts(run: RunFolder, column: str) -> tuple[list[str], list[str], list[tuple[Any, ...]]]:
    """Return label and predicted class of each test text, and which texts they are."""
    import polars as pl

    frame = run.read_predictions()
    if column not in frame.columns:
        raise InputError(f"{run.path}: its predictions have no {column}")
    test = frame.filter(pl.col("part") == "test")
    return test["label"].to_list(), test[column].to_list(), test.select("file", "row").rows()


def _of_texts(first: list[Any], second: list[Any], metric: str, alpha: float) -> _Found | None:
    labels, _, which = first[0]
    if any(one[2] != which for one in (*first, *second)):
        return None  # another split: not the same texts
    names = sorted({str(name) for one in (*first, *second) for part in one[:2] for name in part})
    code = {name: number for number, name in enumerate(names)}
    target = np.array([code[str(name)] for name in labels])
    ours, theirs = (
        [np.array([code[str(name)] for name in predicted]) for _, predicted, _ in side] for side in (first, second)
    )
    drawn = bootstrap_mean_difference(target, ours, theirs, metric, classes=len(names))
    low, high = (float(end) for end in np.quantile(drawn[1:], [0.025, 0.975]))
    tail = min(int((drawn[1:] <= 0).sum()), int((drawn[1:] >= 0).sum()))
    p = min(1.0, 2 * (1 + tail) / len(drawn))
    tests = [mcnemar(a == target, b == target) for a, b in zip(ours, theirs, strict=True)]
    beside = {
        "p_median": median(test.p for test in tests),
        "decided": sum(test.p <= alpha for test in tests),
        "seeds": len(tests),
        "ours_alone": median(test.ours_alone for test in tests),
        "theirs_alone": median(test.theirs_alone for test in tests),
    }
    return _Found("paired bootstrap over texts", float(drawn[0]), (low, high), p, len(target), "higher", beside)


def bootstrap_mean_difference(
    target: NDArray[np.int64],
    ours: Sequence[NDArray[np.int64]],
    theirs: Sequence[NDArray[np.int64]],
    metric: str,
    *,
    classes: int,
    draws: int = DRAWS,
    seed: int = 0,
) -> Floats:
    """Return the mean over seeds of our metric less theirs: of the texts themselves, then of each drawn sample.

    Every seed of both levels meets the same drawn texts, so only the texts are left to chance.

    Parameters
    ----------
    target : (n,)
    ours, theirs : one (n,) of predicted classes a seed

    Returns
    -------
    (1 + draws,)
    """
    from scipy.sparse import csr_array

    measure, n, width = DECISIONS[metric], len(target), classes * classes
    rows = np.arange(n)
    hot = [
        csr_array((np.ones(n), (rows, target * classes + predicted)), shape=(n, width))
        for predicted in (*ours, *theirs)
    ]
    signs = [1.0 / len(ours)] * len(ours) + [-1.0 / len(theirs)] * len(theirs)
    generator = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // n)
    found = []
    for start in range(0, 1 + draws, step):
        size = min(step, 1 + draws - start)
        weights = generator.multinomial(n, np.full(n, 1.0 / n), size=size).astype(np.float64)
        if start == 0:
            weights[0] = 1.0
        tables = ((weights @ one).reshape(size, classes, classes) for one in hot)
        found.append(sum(sign * measure(table) for sign, table in zip(signs, tables, strict=True)))
    return np.concatenate(found)
