"""Whose harmless texts are called harmful? False alarms by group, by word, and in sentences with the word swapped.

A classifier that is right nine times in ten may still be wrong far more often about one community: where annotators
took its dialect or its name for an offence, the model learns that. All that is looked at here are texts whose label is
the harmless class; a false alarm is any other prediction.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal
from unicodedata import normalize

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatewise.errors import InputError, SettingsError, did_you_mean
from gatewise.metrics.classify import wilson
from gatewise.tasks.classify.swapped import TEMPLATES, swap_terms

__all__ = ["FEW", "LIMITS", "fairness_report", "newcombe", "with_term"]

Bools = NDArray[np.bool_]

#: A share of fewer texts than this says little, and the report says so.
FEW = 30
#: Level of the tests.
ALPHA = 0.05
#: Groups that are shown, the largest first.
MOST_GROUPS = 50
#: How the texts without a group are called.
UNGROUPED = "(none)"

LIMITS = (
    "These figures compare predictions with labels, and labels carry their annotators' bias: models trained on such "
    "labels called tweets in African American English offensive up to twice as often as others (Sap et al. 2019), and "
    "models trained on any of five published sets called such tweets abusive more often (Davidson et al. 2019). What "
    "labels and model get wrong alike is not seen here."
)


def fairness_report(
    texts: Sequence[str],
    target: ArrayLike,
    predicted: ArrayLike,
    *,
    classes: Sequence[str],
    harmless: str,
    groups: Sequence[str | None] | None = None,
    terms: Sequence[str] = (),
    log_probs: Callable[[list[str]], ArrayLike] | None = None,
) -> dict[str, Any]:
    """Look for groups and words that draw false alarms.

    Parameters
    ----------
    texts
        The n texts of the test part, as they were read.
    target, predicted : (n,)
        Numbers of the right classes and of those that were decided on.
    classes
        Names of the C classes.
    harmless
        Name of the class that does no harm.
    groups
        Group of each text (a dialect, a community); None or an empty name where it is not known.
    terms
        Words for people; a text counts for each that it contains as a whole word, in large or small letters.
    log_probs
        Gives the log-probabilities (m, C) of new texts, for the sentences with swapped terms; none are made without it
        or without terms.

    Returns
    -------
    dict
        Plain values for ``result.json``: ``harmless``, ``overall`` (n, alarms, share, interval), ``groups`` and
        ``terms`` (rows: name, n, alarms, share, interval, others, difference, difference_interval, p_holm, says, few),
        ``templates`` (see :func:`gatewise.tasks.classify.swapped.swap_terms`; or None), and ``sentences`` that say what
        was found. A row says better (fewer false alarms than all other harmless texts) or worse where ``p_holm`` < 0.05
        (Fisher's exact test, Holm's correction over the rows), else undecided; the intervals are of 95 %.

    Raises
    ------
    SettingsError
        If no class has that name, or a term is empty.
    InputError
        If the lengths differ.
    """
    names = list(classes)
    if harmless not in names:
        raise SettingsError(f"harmless: there is no class {harmless!r}{did_you_mean(harmless, names)}")
    right, decided = np.asarray(target, np.int64), np.asarray(predicted, np.int64)
    lengths = {len(texts), len(right), len(decided), *([] if groups is None else [len(groups)])}
    if len(lengths) > 1:
        raise InputError(f"each text needs one class, one prediction and one group (found {sorted(lengths)})")
    number = names.index(harmless)
    rows = np.flatnonzero(right == number).tolist()
    alarms: Bools = decided[rows] != number
    words = _distinct(terms)
    kept, left_out = _groups([] if groups is None else [groups[row] or UNGROUPED for row in rows])
    by_group = _compare(kept, alarms)
    by_term = _compare({word: with_term([texts[row] for row in rows], word) for word in words}, alarms)
    report: dict[str, Any] = {
        "harmless": harmless,
        "overall": _counted(alarms),
        "groups": by_group,
        "terms": by_term,
        "templates": swap_terms(log_probs, words, number) if log_probs is not None and words else None,
    }
    return {**report, "sentences": _sentences(report, left_out)}


def with_term(texts: Sequence[str], term: str) -> Bools:
    """Say which texts contain a term as a whole word, in large or small letters.

    A hashtag counts as its word, a user's name does not. A term of several words may have any spaces between them; in
    scripts without spaces it may stand anywhere.

    Examples
    --------
    >>> with_term(["All #Women here", "womenfolk", "@women", "two women."], "women").tolist()
    [True, False, False, True]
    """
    import regex

    unspaced = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
    part = rf"[[\p{{L}}\p{{M}}\p{{N}}_\u200c]--[{unspaced}]]"  # what goes on a word
    body = r"\s+".join(regex.escape(word) for word in _folded(term).split())
    begins = rf"(?<!{part})(?<!@)" if regex.match(part, _folded(term).strip(), regex.V1) else "(?<!@)"
    ends = rf"(?!{part})" if regex.search(rf"{part}$", _folded(term).strip(), regex.V1) else ""
    pattern = regex.compile(begins + body + ends, regex.V1)
    return np.asarray([pattern.search(_folded(text)) is not None for text in texts], bool)


def newcombe(k: int, n: int, others: int, m: int, alpha: float = 0.05) -> tuple[float, float] | None:
    """Return the interval of the difference of two shares, ``k / n - others / m``, of texts that are not paired.

    Newcombe 1998 (Statistics in Medicine 17, 873-890), method 10: Wilson's bounds of each share, put together. None
    when one of them has nothing to count.

    Examples
    --------
    >>> [round(end, 4) for end in newcombe(56, 70, 48, 80)]  # the paper's table II, row a
    [0.0524, 0.3339]
    """
    first, second = wilson(k, n, alpha), wilson(others, m, alpha)
    if first is None or second is None:
        return None
    p, q = k / n, others / m
    below = math.hypot(p - first[0], second[1] - q)
    above = math.hypot(first[1] - p, q - second[0])
    return p - q - below, p - q + above


def _distinct(terms: Sequence[str]) -> list[str]:
    """Return the terms without those that differ only in large and small letters."""
    found: dict[str, str] = {}
    for term in terms:
        if not term.strip():
            raise SettingsError("terms: an empty word is in every text; leave it out")
        found.setdefault(" ".join(_folded(term).split()), term.strip())
    return list(found.values())


def _folded(text: str) -> str:
    return normalize("NFC", normalize("NFC", text).casefold())


def _groups(names: list[str]) -> tuple[dict[str, Bools], int]:
    """Return which texts are in each of the largest groups, in the order of their names, and how many are left out."""
    counts = Counter(names)
    largest = sorted(name for name, _ in counts.most_common(MOST_GROUPS))
    given = np.asarray(names, object)
    return {name: given == name for name in largest}, len(counts) - len(largest)


def _compare(members: dict[str, Bools], alarms: Bools) -> list[dict[str, Any]]:
    """Compare the false alarms of each group with those of all other harmless texts."""
    pairs = [(_counted(alarms[inside]), _counted(alarms[~inside])) for inside in members.values()]
    rows = []
    for name, (own, others), p in zip(members, pairs, _holm([_fisher(*pair) for pair in pairs]), strict=True):
        interval = newcombe(own["alarms"], own["n"], others["alarms"], others["n"])
        difference = None if interval is None else own["share"] - others["share"]
        says: Literal["better", "worse", "undecided"] = "undecided"
        if difference is not None and p < ALPHA:
            says = "worse" if difference > 0 else "better"
        rows.append(
            {
                "name": name,
                **own,
                "others": others,
                "difference": difference,
                "difference_interval": None if interval is None else list(interval),
                "p_holm": p,
                "says": says,
                "few": own["n"] < FEW,
            }
        )
    return rows


def _fisher(own: dict[str, Any], others: dict[str, Any]) -> float:
    """Return the p value of Fisher's exact test; it holds for few alarms, where intervals far out do not."""
    from scipy.stats import fisher_exact

    return float(fisher_exact([[one["alarms"], one["n"] - one["alarms"]] for one in (own, others)]).pvalue)


def _holm(values: list[float]) -> list[float]:
    """Correct p values for being several: of many groups, some differ by chance (Holm 1979).

    Two groups that are all there is ask one question twice, and are one comparison.
    """
    if len(values) == 2 and math.isclose(*values):
        return values
    corrected, least = values.copy(), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = least
    return corrected


def _counted(alarms: Bools) -> dict[str, Any]:
    n, k = len(alarms), int(alarms.sum())
    interval = wilson(k, n)
    return {
        "n": n,
        "alarms": k,
        "share": k / n if n else None,
        "interval": None if interval is None else list(interval),
    }


def _sentences(report: dict[str, Any], left_out: int) -> list[str]:
    """Say in plain English what was found."""
    overall, name = report["overall"], report["harmless"]
    if not overall["n"]:
        return [f"The test part has no text of the class {name!r}, so nothing is known about false alarms.", LIMITS]
    low, high = overall["interval"]
    said = [
        f"Of {overall['n']:,} harmless texts (class {name!r}), {overall['alarms']:,} were called something else: "
        f"{_percent(overall['share'])} (95 % interval {_percent(low)} to {_percent(high)})."
    ]
    said += _about(report["groups"], "of the group")
    if left_out:
        said.append(f"{left_out:,} smaller groups are not shown: only the {MOST_GROUPS} largest are.")
    said += _about(report["terms"], "with the word")
    if report["templates"]:
        said += _about_swapped(report["templates"])
    return [*said, LIMITS]


def _about(rows: list[dict[str, Any]], which: str) -> list[str]:
    said = []
    for row in rows:
        if row["says"] == "undecided":
            continue
        low, high = (100 * end for end in row["difference_interval"])
        more = "more" if row["says"] == "worse" else "less"
        said.append(
            f"Harmless texts {which} {row['name']!r} are called harmful {more} often than the others: "
            f"{_percent(row['share'])} of {row['n']:,} against {_percent(row['others']['share'])} (a difference of "
            f"{100 * row['difference']:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f})."
        )
    if undecided := [row["name"] for row in rows if row["says"] == "undecided" and row["difference"] is not None]:
        said.append(f"Undecided: whether harmless texts {which} {_list(undecided)} draw more false alarms than others.")
    if few := [f"{row['name']!r} ({row['n']})" for row in rows if row["few"]]:
        said.append(f"Fewer than {FEW} harmless texts {which} {_list(few, quoted=True)}: their shares say little.")
    return said


def _about_swapped(found: dict[str, Any]) -> list[str]:
    rows, gap, count = found["terms"], found["gap"], len(TEMPLATES)
    most = max(rows, key=lambda row: (row["called"], row["probability"]))
    said = [
        f"With {most['term']!r} swapped in, {most['called']} of {count} harmless English sentences are called harmful"
        f"{', as many as or more than with any other word' if len(rows) > 1 else ''}."
        if most["called"]
        else f"None of {count} harmless English sentences is called harmful with any of the words swapped in."
    ]
    if gap is None:
        return said
    by = {row["term"]: row["probability"] for row in rows}
    low, high = gap["interval"]
    chance = "" if gap["says"] == "worse" else "; this may be chance"
    said.append(
        f"In {found['depends']} of {count} sentences the decision depends on the word alone. The mean probability "
        f"of harm is {by[gap['high']]:.3f} with {gap['high']!r} and {by[gap['low']]:.3f} with {gap['low']!r}: "
        f"a difference of {gap['difference']:.3f} (interval {low:.3f} to {high:.3f}){chance}."
    )
    return said


def _list(names: list[str], *, quoted: bool = False, most: int = 10) -> str:
    shown = [name if quoted else repr(name) for name in names[:most]]
    return ", ".join(shown) + (f" and {len(names) - most} more" if len(names) > most else "")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
