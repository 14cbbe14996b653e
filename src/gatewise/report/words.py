"""Numbers and names as a reader wants them, and the verdict in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewise.metrics.names import CLASS_NAMES, NAMES, TEXT_NAMES, is_higher_better, metric_phrase
from gatewise.registry.outside import short_name
from gatewise.report.evidence import Evidence

_BASELINES = {
    "last_value": "the last value",
    "drift": "the drift",
    "seasonal_naive": "the value one season before",
    "window_mean": "the window's mean",
    "ridge": "ridge regression",
    "auto_ets": "AutoETS",
    "auto_arima": "AutoARIMA",
    "theta": "Theta",
    "uniform": "guessing evenly",
    "unigram": "the frequency of each character",
    "ngram": "the best n-gram",
    "gzip": "gzip",
    "xz": "xz",
    "ppm": "PPM",
    "held_out": "real text",
    "majority": "the commonest class",
    "tfidf_logistic": "logistic regression on TF-IDF",
    "tfidf_balanced": "balanced logistic regression on TF-IDF",
    "tfidf_svm": "a linear SVM on TF-IDF",
    "encoder_logistic": "logistic regression on the encoder's mean",
}
#: What a baseline is, for a reader who sees that a network does not beat it.
_ABOUT = {
    "ngram": "An n-gram counts which characters followed the last few in the training text; it is made in seconds and "
    "looks back no further.",
    "gzip": "gzip only looks for repeated text.",
    "xz": "xz only looks for repeated text.",
    "ppm": "PPM counts which bytes followed the last few, and goes on counting as it reads.",
    **dict.fromkeys(
        ("tfidf_logistic", "tfidf_balanced", "tfidf_svm"),
        "TF-IDF counts the words and runs of letters of a text, not their order, and is made in seconds.",
    ),
    "encoder_logistic": "It reads the same encoder without recurrence: a recurrent head has to be better than that.",
    "majority": "It always says the same class.",
}
_DASH = "–"


@dataclass(frozen=True)
class Verdict:
    """The answer at the top of the page."""

    headline: str
    sentences: tuple[str, ...]
    says: str  # better, mixed, undecided, worse, none


def metric_title(name: str) -> str:
    """Return how a metric is written, with its unit: ``mape`` -> "MAPE, %"."""
    metric = NAMES.get(name)
    if metric is None:
        return name.replace("_", " ")
    return f"{metric.label}, %" if metric.unit == "%" else metric.label


def metric_heading(name: str) -> str:
    """Return how a metric is written behind the word "test": as in a sentence, or with its unit."""
    return metric_phrase(name) if name in TEXT_NAMES or name in CLASS_NAMES else metric_title(name)


def baseline_title(name: str) -> str:
    """Return a baseline's name in words: ``last_value`` -> "the last value"."""
    return _BASELINES.get(name, short_name(name).replace("_", " "))


def number(value: Any, digits: int = 4) -> str:
    """Write a number with `digits` figures that count; a dash for what is not known.

    Examples
    --------
    >>> [number(x) for x in (71.6128, 4409.862, 1219202, 0.00031, None)]
    ['71.61', '4,410', '1,219,202', '0.0003', '–']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _DASH
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (math.isfinite(value) and float(f"{abs(value):.{digits}g}") >= 10 ** (digits - 1)):
        return f"{round(value):,}".replace("-", "−")
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    places = digits - 1 - power if power >= -3 else -power  # of what is very small one figure is enough
    text = f"{value:.{max(places, 0)}f}" if power >= -7 else f"{value:.1e}"
    return text.replace("-", "−")


def spread(entry: Mapping[str, Any] | None) -> str:
    """Write mean and standard deviation over seeds, the latter with two figures: "95.41 ± 6.2"."""
    if not entry or entry.get("mean") is None:
        return _DASH
    std = entry.get("std")
    if std is None or len(entry.get("values") or ()) < 2 or std <= 1e-9 * abs(entry["mean"]):
        return number(entry["mean"])
    return f"{number(entry['mean'])}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{number(std, 2)}"


def interval(bounds: Any, digits: int = 3) -> str:
    """Write an interval: "1.25 to 1.42"."""
    if not bounds or any(bound is None for bound in bounds):
        return _DASH
    return f"{number(bounds[0], digits)} to {number(bounds[1], digits)}"


def p_value(value: Any) -> str:
    """Write a p value: three figures, or "< 0.001"."""
    if value is None:
        return _DASH
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def listed(items: list[str]) -> str:
    """Join names as a sentence does: "a, b and c"."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1] if items else ""


def verdict(evidence: Evidence) -> Verdict:
    """Say whether anything beats doing nothing, and by how much."""
    base = evidence.baseline
    rows = [row for row in evidence.against_baseline if row.get("says") and row.get("baseline") in (base, None)]
    if not rows:
        return Verdict("No verdict: nothing was compared with a baseline.", (), "none")
    title = headline_title(evidence)
    said = {word: [row for row in rows if row["says"] == word] for word in ("better", "undecided", "worse")}
    sign = -1 if is_higher_better(evidence.metric) else 1
    best = min(rows, key=lambda row: math.inf if row.get("ratio") is None else sign * row["ratio"])
    sentences = _measured(evidence, best, title, nearest=not said["better"])
    if evidence.is_study:
        headline, rest, tone = _of_many(said, len(rows), title, "cell" if evidence.main == "model.cell" else "setting")
        sentences += [rest] if rest else []
        sentences += _too_few_seeds(evidence) if said["undecided"] else []
    else:
        tone = str(rows[0]["says"])
        headline = _of_one(evidence.levels[0].label, title, tone)
        beside = next((one.get("compressor") for one in evidence.levels[0].results if one.get("compressor")), None)
        if beside:
            sentences.append(str(beside["note"]))
        elif len(evidence.baselines) > 1 and evidence.task == "forecast":
            sentences.append(f"Of {len(evidence.baselines)} baselines {title} has the least error.")
    if base == "last_value":
        below = "" if title == baseline_title(base) else f" (below: {baseline_title(base)})"
        sentences.append(
            f"{title.capitalize()} as a forecast{below} says that nothing changes: it knows nothing and costs nothing."
        )
    if evidence.task == "classify" and not evidence.is_study:
        sentences += _of_thresholds(evidence.levels[0].results[0])
    sentences += [_ABOUT[base]] if base in _ABOUT and tone != "better" else []
    return Verdict(headline, tuple(sentences), tone)


def headline_title(evidence: Evidence) -> str:
    """Name the baseline as a person would: the last value of closing prices is the last close."""
    columns = (evidence.settings.get("data") or {}).get("column") or ()
    closes = [columns] if isinstance(columns, str) else list(columns)
    return (
        "the last close"
        if evidence.baseline == "last_value" and [name.lower() for name in closes] in (["close"], ["adj close"])
        else baseline_title(evidence.baseline)
    )


def _of_many(said: Mapping[str, list[Any]], count: int, title: str, what: str) -> tuple[str, str, str]:
    """Return headline, a sentence about the others, and the tone."""
    better, undecided, worse = (len(said[word]) for word in ("better", "undecided", "worse"))
    others = [f"{worse} {'is' if worse == 1 else 'are'} worse"] * bool(worse)
    others += [f"{undecided} {'is' if undecided == 1 else 'are'} undecided"] * bool(undecided)
    if better:
        headline = f"Every {what} beats {title}." if better == count else f"{better} of {count} settings beat {title}."
        return headline, f"Of the others, {listed(others)}." if others else "", "mixed" if others else "better"
    if undecided:
        return (
            f"No {what} is shown to beat {title}.",
            f"Of {count} settings, {listed(others)}." if count > 1 else "",
            "undecided",
        )
    return f"No {what} beats {title}.", f"All {count} settings are worse." if count > 1 else "", "worse"


def _too_few_seeds(evidence: Evidence) -> list[str]:
    """Say that nothing could have been decided, when an exact test over so few seeds cannot reach 0.05."""
    counts = [len((level.metrics.get(evidence.metric) or {}).get("values") or ()) for level in evidence.levels]
    most = max(counts, default=0)
    least_p = 2.0 / 2**most
    if most == 0 or least_p <= 0.05:
        return []
    with_seeds = "One seed decides" if most == 1 else f"{most} seeds decide"
    reach = "" if most == 1 else f" (the exact test's least p is {p_value(least_p)})"
    return [f"{with_seeds} nothing, however large a difference is{reach}: run more of them."]


def _of_one(label: str, baseline: str, says: str) -> str:
    first, *rest = label.split(" ")
    name = " ".join([first.upper() if first in {"rnn", "gru", "lstm"} else first, *rest])
    middle = {"better": "beats", "worse": "does not beat", "undecided": "cannot be told apart from"}
    return f"{name} {middle.get(says, 'was compared with')} {baseline}."


def _measured(evidence: Evidence, row: Mapping[str, Any], title: str, *, nearest: bool) -> list[str]:
    """Say the best setting's number beside the baseline's."""
    key = str(row.get("metric") or evidence.metric)
    level = next((level for level in evidence.levels if level.label == row.get("label")), None)
    entry = (level.metrics.get(key) if level else None) or {}
    reference = row.get("value", evidence.baselines.get(evidence.baseline, {}).get(key))
    seeds = len(entry.get("values") or ())
    over = f" on average over {seeds} seeds" if seeds > 1 else ""
    who = f"{'Nearest comes' if nearest else 'Best is'} {row.get('label')}, with" if evidence.is_study else "It has"
    alone = (level.results[0].get("intervals") or {}).get(key) if level and not evidence.is_study else None
    within = f" (95 % interval over its texts {interval(alone)})" if alone else ""
    sentences = [f"{who} a test {metric_phrase(key)} of {number(entry.get('mean'))}{within}{over}."]
    found = [f"95 % interval {interval(row['interval'])}"] if row.get("interval") else []
    p = row.get("p_holm") if row.get("p_holm") is not None else row.get("p")
    found += [f"p {'' if p < 0.001 else '= '}{p_value(p)}"] if p is not None else []
    what = "it" if is_higher_better(key) else "the error" if evidence.task == "forecast" else "the loss"
    times = f"{what} is {number(row['ratio'], 3)} times as large" if row.get("ratio") is not None else ""
    beside = f" ({', '.join(found)})" if found else ""
    if reference is not None and evidence.task == "classify":
        return [" ".join([*sentences, _gained(row, title, reference, p)])]
    if reference is not None:
        sentences.append(f"{title.capitalize()} has {number(reference)}{f': {times}{beside}' if times else ''}.")
    elif times:
        sentences.append(f"Beside {title}, {times}{beside}.")
    return [" ".join(sentences)]


def _gained(row: Mapping[str, Any], title: str, reference: float, p: Any) -> str:
    """Say what a baseline has, and by how much a score is above or below it."""
    ratio, bounds = row.get("ratio"), row.get("interval")
    found = [f"95 % interval of the difference {interval([(end - 1) * reference for end in bounds])}"] if bounds else []
    found += [f"p {'' if p < 0.001 else '= '}{p_value(p)}"] if p is not None else []
    beside = f" ({', '.join(found)})" if found else ""
    gain = 0.0 if ratio is None else (ratio - 1) * reference
    less = f": {number(abs(gain), 3)} {'less' if gain > 0 else 'more'}{beside}" if gain else ""
    return f"{title[:1].upper()}{title[1:]} has {number(reference)}{less}."


def _of_thresholds(result: Mapping[str, Any]) -> list[str]:
    """Say how the comparison ends when both decide by thresholds, and how often just one of both is right."""
    tuned, right = result.get("tuned_verdict") or {}, (result.get("verdict") or {}).get("mcnemar") or {}
    said = []
    if tuned.get("ours") and tuned.get("theirs"):
        ours, theirs = (number(tuned[side].get("value")) for side in ("ours", "theirs"))
        bounds = f", 95 % interval of the difference {interval(tuned['interval'])}" if tuned.get("interval") else ""
        said.append(
            f"With thresholds that both chose on validation it has {ours}, and {baseline_title(str(tuned['against']))} "
            f"{theirs}: {tuned.get('says')}{bounds}."
        )
    if right.get("ours_alone") is not None and right.get("p") is not None:
        p = "" if right["p"] < 0.001 else "= "
        said.append(
            f"It alone is right on {number(right['ours_alone'])} texts, the baseline alone on "
            f"{number(right['theirs_alone'])} (McNemar, p {p}{p_value(right['p'])})."
        )
    return said
