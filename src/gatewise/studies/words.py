"""How findings write names, numbers and lists, in the language of the block that asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gatewise.metrics.names import metric_phrase as metric_label
from gatewise.registry.outside import is_outside, short_name
from gatewise.studies.factors import show, with_setting
from gatewise.wording import again, digits, has, isolated, language, listed, say

__all__ = [
    "baseline_name", "capital", "condition_words", "count", "difference_words", "label_of", "level_name", "listed",
    "metric_label", "p_words", "pair_words", "ratio_value", "ratio_words", "setting", "setting_name", "span", "times",
    "value",
]  # fmt: skip

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")
_MOST_COUNTED = 12  # larger numbers are written in digits


def level_name(factor: str, value: Any) -> str:
    """Name a level of the main factor: cells by their initials, a number with its setting.

    Examples
    --------
    >>> level_name("model.cell", "gru"), level_name("model.units", 64), level_name("schedule", "five epochs")
    ('GRU', 'units 64', 'five epochs')
    """
    if factor == "model.cell":
        return short_name(value) if is_outside(value) else str(value).upper()
    return setting(factor, value)


def setting(factor: str, value: Any) -> str:
    """Name a level of a factor: a group by its own name, a setting's value with the setting.

    Examples
    --------
    >>> setting("model.input_dropout", 0.1), setting("schedule", "early stopped")
    ('input dropout 0.1', 'early stopped')
    """
    if "." not in factor and isinstance(value, str):
        return again(value)
    if language() == "en":
        return with_setting(factor, value)
    if factor == "split.train_size" and value is None:
        return say("names.all_training_texts")
    return f"{setting_name(factor)} {setting_value(value)}"


def condition_words(condition: Mapping[str, Any]) -> str:
    """Name what levels are compared under, as the groups of a table do: a level's name may be any words.

    Examples
    --------
    >>> condition_words({"schedule": "early stopped", "model.input_dropout": 0.1})
    'early stopped, input dropout 0.1'
    """
    return say("words.comma").join(isolated(setting(factor, value)) for factor, value in condition.items())


def setting_name(factor: str) -> str:
    """Name a setting by the last word of its path.

    Examples
    --------
    >>> setting_name("train.learning_rate")
    'learning rate'
    """
    last = factor.rsplit(".", 1)[-1]
    return say(f"names.setting.{last}") if has(f"names.setting.{last}") else last.replace("_", " ")


def setting_value(value: Any) -> str:
    """Write a setting's value as text: numbers in the language's digits, words that the catalogue knows in its words.

    Examples
    --------
    >>> setting_value(1e-4), setting_value(None), setting_value("gru")
    ('0.0001', 'none', 'gru')
    """
    text = show(value)
    key = f"names.value.{text}"
    if has(key):
        return say(key)
    return isolated(digits(text) if _NUMBER.fullmatch(text) else text)


def label_of(label: str, settings: Mapping[str, Any]) -> str:
    """Name a combination of levels: as the study calls it, or in the words of this block's language.

    Examples
    --------
    >>> label_of("gru, early stopped", {"model.cell": "gru", "schedule": "early stopped"})
    'gru, early stopped'
    """
    if language() == "en" or not settings:
        return label
    names = (again(value) if isinstance(value, str) else setting(factor, value) for factor, value in settings.items())
    return say("words.comma").join(isolated(name) for name in names)


def baseline_name(name: str) -> str:
    """Name a baseline in words.

    Examples
    --------
    >>> baseline_name("last_value"), baseline_name("my_own")
    ('the last value', 'my own')
    """
    return say(f"names.baseline.{name}") if has(f"names.baseline.{name}") else short_name(name).replace("_", " ")


def count(number: int) -> str:
    """Write a small number as a word.

    Examples
    --------
    >>> count(3), count(84)
    ('three', '84')
    """
    return say(f"words.count.{number}") if number <= _MOST_COUNTED else digits(str(number))


def value(number: float | None) -> str:
    """Write a number with four figures that count."""
    if number is None:
        return say("words.unknown")
    return isolated(digits(f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.4g}"))


def times(ratio: float) -> str:
    """Write a ratio in words.

    Examples
    --------
    >>> times(3.42)
    '3.42 times'
    """
    return say("words.times", ratio=ratio_value(ratio))


def ratio_value(ratio: float) -> str:
    """Write a ratio, near one with three places.

    Examples
    --------
    >>> ratio_value(1.0), ratio_value(3.42), ratio_value(1300.0)
    ('1.000', '3.42', '1,300')
    """
    places = 3 if ratio < 2 else 2 if ratio < 10 else 1 if ratio < 100 else 0
    return isolated(digits(f"{ratio:,.{places}f}"))


def span(values: Iterable[float]) -> str:
    """Write the least and the most of several numbers, as one when they are the same.

    Examples
    --------
    >>> span([1.204, 1.2]), span([0.5, 168.0])
    ('1.2', '0.5 to 168')
    """
    known = list(values)
    low, high = (digits(f"{number:.0f}" if number >= 100 else f"{number:.2g}") for number in (min(known), max(known)))
    return low if low == high else say("words.range", low=low, high=high)


def p_words(row: Mapping[str, Any]) -> str:
    """Write a corrected p."""
    p = row["p_holm"]
    return say("words.no_test") if p is None else say("words.p_holm", p=digits(f"{p:.3g}"))


def pair_words(main: str, row: Mapping[str, Any]) -> str:
    """Write a comparison of two levels of the main factor: its difference, its p, its seeds."""
    p = p_words(row)
    if row.get("p_same") is not None:
        p = say("decide.evidence.inside", p=p, same=digits(f"{row['p_same']:.3g}"))
    return say(
        "findings.best.evidence",
        pair=say("findings.best.pair", a=level_name(main, row["a"]), b=level_name(main, row["b"])),
        difference=difference_words(row["difference"], row["interval"]),
        p=p,
        seeds=say("words.paired_seeds", n=row["seeds"]),
    )


def ratio_words(ratio: float, bounds: Any) -> str:
    """Write a ratio with its interval."""
    return _within(ratio_value(ratio), None if bounds is None else [ratio_value(bound) for bound in bounds])


def difference_words(difference: float | None, bounds: Any) -> str:
    """Write a difference with its interval.

    Examples
    --------
    >>> difference_words(0.0123, [0.01, 0.0146])
    '0.0123 (95 % interval 0.01 to 0.0146)'
    """
    return _within(value(difference), None if bounds is None else [value(bound) for bound in bounds])


def _within(text: str, bounds: list[str] | None) -> str:
    return text if bounds is None else say("words.within", value=text, low=bounds[0], high=bounds[1])


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]
