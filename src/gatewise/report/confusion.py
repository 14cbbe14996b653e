"""Confusion matrices as tables that need no script: shares by row, tinted by one hue, with the counts under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.metrics.names import is_higher_better
from gatewise.report.evidence import Evidence, Level
from gatewise.report.words import baseline_title, number, percent
from gatewise.wording import say

_MOST_OTHERS = 5
#: More classes than this, and two matrices do not stand side by side.
_MOST_BESIDE = 6
_STEPS = 10


@dataclass(frozen=True)
class Square:
    """One cell: share of its row, count, class of the page's style, and whether prediction and truth agree."""

    share: str
    count: str
    kind: str
    right: bool


@dataclass(frozen=True)
class Matrix:
    """One matrix; a row is a true class with its number of texts, a column what texts were called."""

    name: str
    title: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Square, ...]], ...]

    @property
    def wide(self) -> bool:
        """Whether it is too wide for another beside it."""
        return len(self.classes) > _MOST_BESIDE


def read_matrices(evidence: Evidence) -> tuple[list[Matrix], list[Matrix]]:
    """Return the best level's matrices (as it is, with thresholds, best baseline), then one of each other level.

    Counts and shares are means over seeds. Of wide matrices only the first is among the first.
    """
    ranked = rank(evidence)
    first: list[Matrix] = []
    others: list[Matrix] = []
    for level in ranked:
        if (plain := _matrix(level, "test", level.main if evidence.is_study else say("tables.matrix.network"))) is None:
            continue
        if first:
            others.append(plain)
            continue
        title = baseline_title(best_baseline(level) or "")
        more = (
            _matrix(level, "tuned", say("tables.matrix.with_thresholds")),
            _matrix(level, "baseline", title[:1].upper() + title[1:]),
        )
        known = [one for one in more if one is not None]
        first, others = ([plain], known) if plain.wide else ([plain, *known], [])
    return _numbered(first, "matrix"), _numbered(others[:_MOST_OTHERS], "other-matrix")


def best_baseline(level: Level) -> str | None:
    """Return the baseline whose matrix a level's runs kept: the best one."""
    named = [(one.get("confusion") or {}).get("baseline") for one in level.results]
    return next((str(one["name"]) for one in named if one), None)


def rank(evidence: Evidence) -> list[Level]:
    """Return the levels that a figure has room for, the best first."""
    sign = -1.0 if is_higher_better(evidence.metric) else 1.0
    levels = evidence.shown_levels or list(evidence.levels)

    def key(level: Level) -> float:
        mean = (level.metrics.get(evidence.metric) or {}).get("mean")
        return float("inf") if mean is None else sign * float(mean)

    return sorted(levels, key=key)


def _matrix(level: Level, which: str, title: str) -> Matrix | None:
    known = [(one, table) for one in level.results if (table := _found(one, which)) is not None]
    if not known:
        return None
    classes = tuple(str(name) for name in known[0][0].get("classes") or ())
    tables = np.array([table for _, table in known], np.float64)
    if tables.ndim != 3 or tables.shape[1:] != (len(classes), len(classes)):
        return None
    whole = tables.sum(axis=2, keepdims=True)
    shares = np.divide(tables, whole, out=np.full_like(tables, np.nan), where=whole > 0).mean(axis=0)
    counts = tables.mean(axis=0)
    rows = tuple(
        (name, _count(counts[row].sum()), _squares(counts[row], shares[row], row)) for row, name in enumerate(classes)
    )
    return Matrix("", title, classes, rows)


def _squares(counts: NDArray[np.float64], shares: NDArray[np.float64], row: int) -> tuple[Square, ...]:
    return tuple(
        Square(
            share=_percent(share),
            count=_count(count),
            kind="s0" if np.isnan(share) else f"s{round(_STEPS * share)}",
            right=row == column,
        )
        for column, (count, share) in enumerate(zip(counts.tolist(), shares.tolist(), strict=True))
    )


def _percent(share: float) -> str:
    """Write a share: a dash without texts, one more figure for what is small."""
    if np.isnan(share):
        return "–"
    return percent(share, 1 if 0 < share < 0.0995 else 0)


def _count(value: float) -> str:
    return number(round(value))


def _found(result: Any, which: str) -> Sequence[Sequence[float]] | None:
    found = (result.get("confusion") or {}).get(which)
    return found.get("matrix") if isinstance(found, dict) else found


def _numbered(made: list[Matrix], name: str) -> list[Matrix]:
    return [Matrix(f"{name}-{place}", one.title, one.classes, one.rows) for place, one in enumerate(made)]
