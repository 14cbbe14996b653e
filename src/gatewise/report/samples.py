"""What a network wrote while it learned, as pieces that a page can tint by how sure the network was.

A tint never stands alone: what the network was least sure of is underlined too, and a table counts every tint.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gatewise.errors import InputError
from gatewise.report.evidence import Evidence, Level
from gatewise.report.table import Cell, Table, figure, head, text
from gatewise.report.traces import typical_run
from gatewise.report.words import number, percent
from gatewise.runs import RunFolder
from gatewise.wording import digits, say

#: Least probability and class of the page's style; the first that fits counts.
TINTS = ((0.9, "t0"), (0.6, "t1"), (0.3, "t2"), (0.1, "t3"), (0.0, "t4"))
_MOST_SAMPLES = 6
_MOST_CHARACTERS = 1500
#: Controls (but not tab and line feed) and the marks that turn the direction of all that follows.
_HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Sample:
    """One text.

    Attributes
    ----------
    when : "after 10 s", "at the end", or the setting that wrote it.
    detail : step and epoch.
    prompt : what it had to go on from.
    pieces : class of the tint ("" without one) and text.
    """

    when: str
    detail: str
    prompt: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Samples:
    """The texts of one run, in the order in which they were written."""

    title: str
    texts: tuple[Sample, ...]
    table: Table | None


def read_samples(evidence: Evidence) -> list[Samples]:
    """Return the samples of the median seed of the best level, then the last sample of each other level."""
    levels = evidence.shown_levels or list(evidence.levels)
    ranked = sorted(levels, key=lambda level: _rank(level, evidence))
    found: list[Samples] = []
    last: list[Sample] = []
    for level in ranked:
        run = typical_run(level, evidence.metric)
        rows = _rows(run)
        if not rows:
            continue
        if not found:
            who = (level.main if evidence.within else level.label) if len(levels) > 1 else say("tables.samples.it")
            title = say("tables.samples.learned", who=who)
            texts = tuple(_sample(row) for row in _spaced(rows))
            found.append(Samples(title, texts, _table("samples-table", texts)))
        else:
            last.append(_sample(rows[-1], level.main))
    if last:
        found.append(Samples(say("tables.samples.others"), tuple(last[:_MOST_SAMPLES]), None))
    return found


def read_samplings(evidence: Evidence) -> Samples | None:
    """Return one text of each sampling of the median seed of the best level, and real text beside them."""
    for level in evidence.shown_levels or list(evidence.levels):
        run = typical_run(level, evidence.metric)
        for one, result in zip(level.runs, level.results, strict=True):
            found = result.get("sampling") or {}
            texts = tuple(
                Sample(say("tables.samples.real") if name == "held_out" else name, "", "", _pieces(row["text"], row))
                for name, row in found.items()
                if isinstance(row.get("text"), str)
            )
            if texts and one is run:
                return Samples(say("tables.samples.each"), texts, None)
    return None


def _rank(level: Level, evidence: Evidence) -> float:
    mean = (level.metrics.get(evidence.metric) or {}).get("mean")
    return math.inf if mean is None else float(mean)


def _rows(run: RunFolder | None) -> list[dict[str, Any]]:
    try:
        return run.read_samples() if run else []
    except InputError:
        return []


def _spaced(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first and the last and some between."""
    if len(rows) <= _MOST_SAMPLES:
        return rows
    steps = [round(index * (len(rows) - 1) / (_MOST_SAMPLES - 1)) for index in range(_MOST_SAMPLES)]
    return [rows[index] for index in steps]


def _sample(row: Mapping[str, Any], when: str | None = None) -> Sample:
    moment, seconds = row.get("moment"), row.get("seconds")
    said = (
        say("tables.samples.after", seconds=digits(f"{moment:g}"))
        if moment is not None
        else say("tables.samples.at_end", seconds=number(seconds, 3))
    )
    detail = say("tables.samples.detail", step=number(row.get("step")), epoch=number(row.get("epoch")))
    return Sample(when or said, detail, harmless(str(row.get("prompt") or "")), _pieces(str(row.get("text")), row))


def _pieces(written: str, row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Join neighbours of the same tint; a text whose symbols are not its characters has no tint."""
    sure = row.get("log_probs") or ()
    symbols = row.get("symbols") or list(written)
    if len(sure) != len(symbols):
        return (("", harmless(written[:_MOST_CHARACTERS])),)
    pairs = [(tint(value), str(symbol)) for symbol, value in zip(symbols, sure, strict=True)][:_MOST_CHARACTERS]
    return tuple(
        (kind, harmless("".join(symbol for _, symbol in same))) for kind, same in groupby(pairs, lambda pair: pair[0])
    )


def tint(log_prob: float | None) -> str:
    """Return the class of a symbol by its probability.

    Examples
    --------
    >>> tint(math.log(0.95)), tint(math.log(0.2)), tint(-50.0), tint(None)
    ('t0', 't3', 't4', '')
    """
    if log_prob is None or not math.isfinite(log_prob):
        return ""
    return next((kind for least, kind in TINTS if math.exp(log_prob) >= least), "t4")


def harmless(written: str) -> str:
    r"""Show control characters as pictures of themselves, and take out what would turn the direction of the page.

    Examples
    --------
    >>> harmless("a\x1b[31mb\u202ec")
    'a␛[31mb�c'
    """
    return _HARMFUL.sub(_picture, written)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _table(name: str, texts: tuple[Sample, ...]) -> Table | None:
    """Count the characters of each tint: the same for those who do not see it."""
    if not any(kind for sample in texts for kind, _ in sample.pieces):
        return None
    cells: list[list[Cell]] = []
    for sample in texts:
        size = {kind: sum(len(part) for one, part in sample.pieces if one == kind) for _, kind in TINTS}
        whole = sum(size.values())
        shares = [figure(percent(size[kind] / whole, 0) if whole else text(None)) for _, kind in TINTS]
        cells.append([head(sample.when), *shares])
    heads = (say("tables.samples.sample"), *(words for _, words in tint_words()))
    return Table(name, say("tables.samples.caption"), heads, cells)


def tint_words() -> list[tuple[str, str]]:
    """Return the class of each tint, and what it means in words."""
    said = {"t0": say("tables.samples.more"), "t4": say("tables.samples.under")}
    bounds = [round(100 * least) for least, _ in TINTS]
    for (_, kind), low, high in zip(TINTS[1:-1], bounds[1:], bounds, strict=False):
        said[kind] = say("tables.samples.between", low=low, high=high)
    return [(kind, said[kind]) for _, kind in TINTS]
