"""How a study decides, as its file says: by which test, at which level, within which margin, against which level."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from gatewise.studies.factors import show
from gatewise.studies.levels import LevelResults
from gatewise.studies.paired_tests import Test
from gatewise.wording import digits, say


@dataclass(frozen=True)
class Rules:
    """The rules of one study.

    Attributes
    ----------
    margin, relative
        Up to which difference two levels are practically the same: in the unit of the study's metric, or a share of
        what they are compared with.
    reference
        The level that all others are compared with; None when every pair is.
    """

    test: Test = "sign_flip"
    alpha: float = 0.05
    margin: float | None = None
    relative: bool = False
    reference: Any = None

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> Rules:
        """Read the rules out of ``study.json``; one written before there were rules has the default ones."""
        tree = study.get("study") or {}
        margin, relative = read_margin(tree.get("margin"))
        return cls(tree.get("test") or "sign_flip", tree.get("alpha") or 0.05, margin, relative, tree.get("reference"))

    @property
    def words(self) -> str:
        """Name the test and its correction."""
        test = say(f"notes.test.{self.test}")
        if self.alpha != 0.05:
            test = say("notes.test.at_level", test=test, alpha=digits(f"{self.alpha:g}"))
        return say("notes.test.corrected", test=test)

    def is_reference(self, value: Any) -> bool:
        """Whether a level is the one that all others are compared with."""
        return self.reference is not None and (value == self.reference or show(value) == show(self.reference))

    def pairs(self, group: Sequence[LevelResults], main: str) -> list[tuple[LevelResults, LevelResults]]:
        """Return which levels are compared: every pair, or each other level with the reference."""
        if self.reference is None:
            return list(itertools.combinations(group, 2))
        fixed = [level for level in group if self.is_reference(level.settings[main])]
        return [(level, one) for one in fixed for level in group if level is not one]

    def margin_for(self, a: LevelResults, b: LevelResults, metric: str, judged: str) -> float | None:
        """Return the margin of one pair in the metric's own unit.

        An absolute margin is in the unit of the metric that judges, so it says nothing of another one. A share is one
        of the reference's mean, or where every pair is compared, of the mean of both.
        """
        if self.margin is None or not (self.relative or metric == judged):
            return None
        if not self.relative:
            return self.margin
        whole = [b] if self.reference is not None else [a, b]
        means = [abs(mean) for level in whole if (mean := level.mean(metric)) is not None]
        return self.margin * fmean(means) if means and fmean(means) > 0 else None


def read_margin(written: Any) -> tuple[float | None, bool]:
    """Return a margin as a number, and whether it is a share of what is compared.

    Raises
    ------
    ValueError
        If it is neither a number above zero nor a percentage.

    Examples
    --------
    >>> read_margin(0.01), read_margin("1 %"), read_margin(None)
    ((0.01, False), (0.01, True), (None, False))
    """
    if written is None:
        return None, False
    text = str(written).strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*%", text)
    try:
        number = float(found[1]) / 100 if found else float(text)
    except ValueError:
        number = -1.0
    if isinstance(written, bool) or not 0.0 < number < float("inf"):
        raise ValueError(f"a number above zero (0.01) or a percentage ('1 %') is expected (found {written!r})")
    return number, found is not None


def count_pairs(levels: int, *, with_reference: bool) -> int:
    """Return how many comparisons so many levels make.

    Examples
    --------
    >>> count_pairs(4, with_reference=False), count_pairs(4, with_reference=True)
    (6, 3)
    """
    return levels - 1 if with_reference else levels * (levels - 1) // 2
