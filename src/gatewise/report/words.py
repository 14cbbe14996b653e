"""Numbers and names as a reader wants them, and the verdict in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewise.metrics.names import CLASS_NAMES, NAMES, TEXT_NAMES, is_higher_better, metric_label, metric_phrase
from gatewise.report.evidence import Evidence
from gatewise.studies.power import least_p
from gatewise.studies.words import baseline_name
from gatewise.wording import again, digits, has, isolated, listed, say

#: Baselines that the page explains to a reader who sees that a network does not beat them.
_ABOUT = ("ngram", "gzip", "xz", "ppm", "encoder_logistic", "majority")
_DASH = "–"


@dataclass(frozen=True)
class Verdict:
    """The answer at the top of the page."""

    headline: str
    sentences: tuple[str, ...]
    says: str  # better, mixed, undecided, worse, none


def metric_title(name: str) -> str:
    """Return how a metric is written, with its unit: ``mape`` -> "MAPE, %"."""
    label = metric_label(name)
    return f"{label}, %" if name in NAMES and NAMES[name].unit == "%" else label


def metric_heading(name: str) -> str:
    """Return how a metric is written behind the word "test": as in a sentence, or with its unit."""
    return metric_phrase(name) if name in TEXT_NAMES or name in CLASS_NAMES else metric_title(name)


def baseline_title(name: str) -> str:
    """Return a baseline's name in words: ``last_value`` -> "the last value"."""
    return baseline_name(name)


def number(value: Any, figures: int = 4) -> str:
    """Write a number with `figures` figures that count; a dash for what is not known.

    Examples
    --------
    >>> [number(x) for x in (71.6128, 4409.862, 1219202, 0.00031, None)]
    ['71.61', '4,410', '1,219,202', '0.0003', '–']
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _DASH
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or (math.isfinite(value) and float(f"{abs(value):.{figures}g}") >= 10 ** (figures - 1)):
        return isolated(digits(f"{round(value):,}".replace("-", "−")))
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return digits("0")
    power = math.floor(math.log10(abs(value)))
    places = figures - 1 - power if power >= -3 else -power  # of what is very small one figure is enough
    text = f"{value:.{max(places, 0)}f}" if power >= -7 else f"{value:.1e}"
    return isolated(digits(text.replace("-", "−")))


def spread(entry: Mapping[str, Any] | None) -> str:
    """Write mean and standard deviation over seeds, the latter with two figures: "95.41 ± 6.2"."""
    if not entry or entry.get("mean") is None:
        return _DASH
    std = entry.get("std")
    if std is None or len(entry.get("values") or ()) < 2 or std <= 1e-9 * abs(entry["mean"]):
        return number(entry["mean"])
    return isolated(f"{number(entry['mean'])}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{number(std, 2)}")


def interval(bounds: Any, figures: int = 3) -> str:
    """Write an interval: "1.25 to 1.42"."""
    if not bounds or any(bound is None for bound in bounds):
        return _DASH
    return say("words.range", low=number(bounds[0], figures), high=number(bounds[1], figures))


def p_value(value: Any) -> str:
    """Write a p value: three figures, or "< 0.001"."""
    if value is None:
        return _DASH
    return digits("< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}")


def percent(share: float, places: int = 1) -> str:
    """Write a share in percent.

    Examples
    --------
    >>> percent(0.125), percent(0.5, 0)
    ('12.5 %', '50 %')
    """
    return say("words.percent", number=digits(f"{100 * share:.{places}f}"))


def p_words(value: float) -> str:
    """Write a p value within a sentence: "p = 0.03", "p < 0.001"."""
    return say("verdict.measured.p_least" if value < 0.001 else "verdict.measured.p", p=p_value(value))


def capital(text: str) -> str:
    """Begin a sentence with a capital letter and leave the rest as it is."""
    return text[:1].upper() + text[1:]


def verdict(evidence: Evidence) -> Verdict:
    """Say whether anything beats doing nothing, and by how much."""
    base = evidence.baseline
    rows = [row for row in evidence.against_baseline if row.get("says") and row.get("baseline") in (base, None)]
    if not rows:
        return Verdict(say("verdict.none"), (), "none")
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
            sentences.append(again(str(beside["note"])))
        elif len(evidence.baselines) > 1 and evidence.task == "forecast":
            sentences.append(say("verdict.least_error", count=len(evidence.baselines), title=title))
    if base == "last_value":
        below = {} if title == baseline_title(base) else {"below": baseline_title(base)}
        key = "verdict.last_value_below" if below else "verdict.last_value"
        sentences.append(say(key, title=title.capitalize(), **below))
    if evidence.task == "classify" and not evidence.is_study:
        sentences += _of_thresholds(evidence.levels[0].results[0])
    about = "tfidf" if base.startswith("tfidf") else base
    sentences += [say(f"verdict.about.{about}")] if about in (*_ABOUT, "tfidf") and tone != "better" else []
    return Verdict(headline, tuple(sentences), tone)


def headline_title(evidence: Evidence) -> str:
    """Name the baseline as a person would: the last value of closing prices is the last close."""
    columns = (evidence.settings.get("data") or {}).get("column") or ()
    closes = [columns] if isinstance(columns, str) else list(columns)
    is_close = evidence.baseline == "last_value" and [name.lower() for name in closes] in (["close"], ["adj close"])
    return baseline_title("last_close" if is_close else evidence.baseline)


def _of_many(said: Mapping[str, list[Any]], count: int, title: str, what: str) -> tuple[str, str, str]:
    """Return headline, a sentence about the others, and the tone."""
    better, undecided, worse = (len(said[word]) for word in ("better", "undecided", "worse"))
    others = [say("verdict.many.are_worse", n=worse)] * bool(worse)
    others += [say("verdict.many.are_undecided", n=undecided)] * bool(undecided)
    if better:
        headline = (
            say("verdict.many.every", what=say(f"verdict.what.each_{what}"), title=title)
            if better == count
            else say("verdict.many.some", better=better, count=count, title=title)
        )
        rest = say("verdict.many.others", others=listed(others)) if others else ""
        return headline, rest, "mixed" if others else "better"
    one = say(f"verdict.what.{what}")
    if undecided:
        rest = say("verdict.many.of_all", count=count, others=listed(others)) if count > 1 else ""
        return say("verdict.many.none_shown", what=one, title=title), rest, "undecided"
    rest = say("verdict.many.all_worse", count=count) if count > 1 else ""
    return say("verdict.many.none", what=one, title=title), rest, "worse"


def _too_few_seeds(evidence: Evidence) -> list[str]:
    """Say that nothing could have been decided, when the study's test over so few seeds cannot reach its level."""
    counts = [len((level.metrics.get(evidence.metric) or {}).get("values") or ()) for level in evidence.levels]
    most = max(counts, default=0)
    rules = evidence.decided.get("decide") or {}
    least = least_p(most, rules.get("test") or "sign_flip") if most else 0.0
    return [] if least <= (rules.get("alpha") or 0.05) else [say("verdict.too_few", n=most, p=p_value(least))]


def _of_one(label: str, baseline: str, says: str) -> str:
    first, *rest = label.split(" ")
    name = " ".join([first.upper() if first in {"rnn", "gru", "lstm"} else first, *rest])
    form = says if says in ("better", "worse", "undecided") else "compared"
    return say(f"verdict.one.{form}", name=name, baseline=baseline)


def _measured(evidence: Evidence, row: Mapping[str, Any], title: str, *, nearest: bool) -> list[str]:
    """Say the best setting's number beside the baseline's."""
    key = str(row.get("metric") or evidence.metric)
    level = next((level for level in evidence.levels if level.label == row.get("label")), None)
    entry = (level.metrics.get(key) if level else None) or {}
    reference = row.get("value", evidence.baselines.get(evidence.baseline, {}).get(key))
    seeds = len(entry.get("values") or ())
    who = {"label": str(row.get("label"))} if evidence.is_study else {}
    form = ("nearest" if nearest else "best") if evidence.is_study else "alone"
    alone = (level.results[0].get("intervals") or {}).get(key) if level and not evidence.is_study else None
    measured = say(
        f"verdict.measured.{form}",
        **who,
        metric=metric_phrase(key),
        value=number(entry.get("mean")),
        within=say("verdict.measured.within", interval=interval(alone)) if alone else "",
        over=say("verdict.measured.over", seeds=seeds) if seeds > 1 else "",
    )
    found = [say("verdict.measured.interval", interval=interval(row["interval"]))] if row.get("interval") else []
    p = row.get("p_holm") if row.get("p_holm") is not None else row.get("p")
    found += [p_words(p)] if p is not None else []
    what = "it" if is_higher_better(key) else "error" if evidence.task == "forecast" else "loss"
    ratio = row.get("ratio")
    times = say(f"verdict.measured.times_{what}", ratio=number(ratio, 3)) if ratio is not None else ""
    if reference is not None and evidence.task == "classify":
        return [f"{measured} {_gained(row, title, reference, p)}"]
    if reference is not None:
        told = {"title": title.capitalize(), "value": number(reference)}
        has_times = say("verdict.measured.has_times", **told, times=times, beside=_brackets(found))
        return [f"{measured} {has_times if times else say('verdict.measured.has', **told)}"]
    if times:
        return [f"{measured} {say('verdict.measured.beside', title=title, times=times, beside=_brackets(found))}"]
    return [measured]


def _brackets(facts: list[str]) -> str:
    return say("verdict.measured.in_brackets", facts=say("words.comma").join(facts)) if facts else ""


def _gained(row: Mapping[str, Any], title: str, reference: float, p: Any) -> str:
    """Say what a baseline has, and by how much a score is above or below it."""
    ratio, bounds = row.get("ratio"), row.get("interval")
    shifted = interval([(end - 1) * reference for end in bounds]) if bounds else ""
    found = [say("verdict.measured.interval_difference", interval=shifted)] if bounds else []
    found += [p_words(p)] if p is not None else []
    gain = 0.0 if ratio is None else (ratio - 1) * reference
    told = {"title": capital(title), "value": number(reference)}
    if not gain:
        return say("verdict.measured.has", **told)
    form = "has_less" if gain > 0 else "has_more"
    return say(f"verdict.measured.{form}", **told, gain=number(abs(gain), 3), beside=_brackets(found))


def _of_thresholds(result: Mapping[str, Any]) -> list[str]:
    """Say how the comparison ends when both decide by thresholds, and how often just one of both is right."""
    tuned, right = result.get("tuned_verdict") or {}, (result.get("verdict") or {}).get("mcnemar") or {}
    said = []
    if tuned.get("ours") and tuned.get("theirs"):
        ours, theirs = (number(tuned[side].get("value")) for side in ("ours", "theirs"))
        bounds = say("verdict.thresholds_bounds", interval=interval(tuned["interval"])) if tuned.get("interval") else ""
        said.append(
            say(
                "verdict.thresholds",
                ours=ours,
                title=baseline_title(str(tuned["against"])),
                theirs=theirs,
                says=decision(tuned.get("says")),
                bounds=bounds,
            )
        )
    if right.get("ours_alone") is not None and right.get("p") is not None:
        alone = {"ours": number(right["ours_alone"]), "theirs": number(right["theirs_alone"])}
        said.append(say("verdict.mcnemar", **alone, p=p_words(right["p"])))
    return said


def decision(word: Any) -> str:
    """Say a decision in this block's language."""
    key = f"words.decision.{str(word or '').replace(' ', '_')}"
    return say(key) if has(key) else again(str(word or ""))
