"""How findings write names, numbers and lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gatewise.metrics.names import metric_phrase as metric_label
from gatewise.studies.factors import with_setting

__all__ = [
    "baseline_name", "capital", "count", "difference_words", "level_name", "listed", "metric_label", "p_words",
    "ratio_value", "ratio_words", "setting", "span", "times", "value",
]  # fmt: skip

_BASELINES = {
    "last_value": "the last value",
    "drift": "the drift",
    "seasonal_naive": "the value one season before",
    "window_mean": "the window's mean",
    "ridge": "ridge regression on the window",
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
_COUNTS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def level_name(factor: str, value: Any) -> str:
    """Name a level of the main factor: cells by their initials, a number with its setting.

    Examples
    --------
    >>> level_name("model.cell", "gru"), level_name("model.units", 64), level_name("schedule", "five epochs")
    ('GRU', 'units 64', 'five epochs')
    """
    if factor == "model.cell":
        return str(value).upper()
    return setting(factor, value)


def setting(factor: str, value: Any) -> str:
    """Name a level of a factor: a group by its own name, a setting's value with the setting.

    Examples
    --------
    >>> setting("model.input_dropout", 0.1), setting("schedule", "early stopped")
    ('input dropout 0.1', 'early stopped')
    """
    if "." not in factor and isinstance(value, str):
        return value
    return with_setting(factor, value)


def baseline_name(name: str) -> str:
    """Name a baseline in words."""
    return _BASELINES.get(name, name.replace("_", " "))


def count(number: int) -> str:
    """Write a small number as a word.

    Examples
    --------
    >>> count(3), count(84)
    ('three', '84')
    """
    return _COUNTS[number] if number < len(_COUNTS) else str(number)


def listed(items: Iterable[str]) -> str:
    """Join as a sentence does.

    Examples
    --------
    >>> listed(["RNN", "GRU", "LSTM"])
    'RNN, GRU and LSTM'
    """
    names = list(items)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def value(number: float | None) -> str:
    """Write a number with four figures that count."""
    if number is None:
        return "unknown"
    return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.4g}"


def times(ratio: float) -> str:
    """Write a ratio in words.

    Examples
    --------
    >>> times(3.42)
    '3.42 times'
    """
    return f"{ratio_value(ratio)} times"


def ratio_value(ratio: float) -> str:
    """Write a ratio, near one with three places.

    Examples
    --------
    >>> ratio_value(1.0), ratio_value(3.42), ratio_value(1300.0)
    ('1.000', '3.42', '1,300')
    """
    places = 3 if ratio < 2 else 2 if ratio < 10 else 1 if ratio < 100 else 0
    return f"{ratio:,.{places}f}"


def span(values: Iterable[float]) -> str:
    """Write the least and the most of several numbers, as one when they are the same.

    Examples
    --------
    >>> span([1.204, 1.2]), span([0.5, 168.0])
    ('1.2', '0.5 to 168')
    """
    known = list(values)
    low, high = (f"{number:.0f}" if number >= 100 else f"{number:.2g}" for number in (min(known), max(known)))
    return low if low == high else f"{low} to {high}"


def p_words(row: Mapping[str, Any]) -> str:
    """Write a corrected p."""
    p = row["p_holm"]
    return "no test" if p is None else f"p {p:.3g} after Holm"


def ratio_words(ratio: float, bounds: Any) -> str:
    """Write a ratio with its interval."""
    known = None if bounds is None else [ratio_value(bound) for bound in bounds]
    tail = "" if known is None else f" (95 % interval {known[0]} to {known[1]})"
    return f"{ratio_value(ratio)}{tail}"


def difference_words(difference: float, bounds: Any) -> str:
    """Write a difference with its interval.

    Examples
    --------
    >>> difference_words(0.0123, [0.01, 0.0146])
    '0.0123 (95 % interval 0.01 to 0.0146)'
    """
    tail = "" if bounds is None else f" (95 % interval {value(bounds[0])} to {value(bounds[1])})"
    return f"{value(difference)}{tail}"


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]
