"""What another report states, as data: one claim, its kind, and what of a study it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gatewise.metrics.names import ONE_CLASS_NAMES
from gatewise.settings import Settings
from gatewise.wording import LANGUAGES, language

Kind = Literal["figure", "best", "order", "better", "as_good", "ratio", "limit", "all"]

#: What a run that had the machine to itself measured beside its metrics; less is better.
TIMES = ("seconds_per_epoch", "ms_per_step")
#: On a side of a comparison, the name of a baseline and no factor.
BASELINE = "baseline"

_PARTNER = {"better": "than", "as_good": "than", "ratio": "over"}


def _has_english(value: str | dict[str, str]) -> str | dict[str, str]:
    if isinstance(value, dict) and not {"en"} <= set(value) <= set(LANGUAGES):
        raise ValueError(f"a sentence, or one in each language under {' and '.join(LANGUAGES)} ('en' at least)")
    return value


#: A sentence, or the same sentence in several languages.
Words = Annotated[str | dict[str, str], AfterValidator(_has_english)]
Side = dict[str, Any]


def spoken(words: str | Mapping[str, str] | None) -> str:
    """Return a sentence in the language of this block, in English where it has none.

    Examples
    --------
    >>> spoken({"en": "LSTM is best", "fa": "LSTM بهترین است"}), spoken(None)
    ('LSTM is best', '')
    """
    if isinstance(words, Mapping):
        return words.get(language()) or words["en"]
    return words or ""


class Claim(Settings):
    """Something that another report states, to be held against the study's own numbers.

    Which kind it is follows from what it has: ``report`` alone is a figure (a number) or a best level (a name); further
    ``order``, ``better`` ... ``than``, ``as_good`` ... ``than`` ... ``margin``, ``ratio`` ... ``over``, ``least`` or
    ``most`` alone, and ``all`` of several.
    """

    claim: Words = ""
    """The statement, as a sentence."""
    report: float | tuple[float, ...] | Words | None = None
    """The figure or figures the report prints; the name of the level that it calls the best; else its words."""
    metric: str | None = None
    """Which metric the claim is about; the study's own when absent; or seconds_per_epoch, ms_per_step."""
    series: str | None = None
    """The one series that the figure is about; all together when absent."""
    of_class: str | None = None
    """The one class that the figure is about: precision, recall, f1 or average_precision of it."""
    where: Side = Field(default_factory=dict)
    """Factor to level: the runs that the claim is about."""
    factor: str | None = None
    """For a best level or an order: of which factor; the main factor when absent."""
    order: tuple[Any, ...] = ()
    """Levels from the best to the worst."""
    better: Side | None = None
    """The runs that are said to be better ..."""
    as_good: Side | None = None
    """The runs that are said to be as good, or worse by no more than `margin` ..."""
    than: Side | None = None
    """... than these; {baseline: NAME} is a baseline of the first ones."""
    margin: Annotated[float, Field(gt=0)] | None = None
    """How much worse still counts as as good, in units of the metric."""
    ratio: Side | None = None
    """The runs whose metric is divided ..."""
    over: Side | None = None
    """... by that of these."""
    least: float | None = None
    """The least value, or ratio, that the statement allows."""
    most: float | None = None
    """The largest value, or ratio, that the statement allows."""
    all: tuple[Claim, ...] = ()
    """Statements that must all hold."""
    part: str | None = None
    """Of a study made of studies: which one the claim is about."""
    figures: bool | None = None
    """Whether only the report's own data and settings can tell; so it is of figures and limits, and not of the rest."""
    why: Words = ""
    """What is known of the reason, said beside the numbers."""

    @property
    def kind(self) -> Kind:
        """What sort of statement it is."""
        for name in ("all", "order", "better", "as_good", "ratio"):
            if getattr(self, name):
                return name
        if self.least is not None or self.most is not None:
            return "limit"
        return "best" if isinstance(self.report, str) else "figure"

    @property
    def needs_figures(self) -> bool:
        """Whether another network or other data than the report's say nothing about it."""
        return self.kind == "figure" if self.figures is None else self.figures

    @property
    def sides(self) -> tuple[Side, ...]:
        """The groups of runs that it speaks of."""
        return tuple(side for side in (self.better, self.as_good, self.than, self.ratio, self.over) if side)

    def each(self) -> Iterator[Claim]:
        """Yield the claim, or those that it is made of."""
        if self.all:
            for one in self.all:
                yield from one.each()
        else:
            yield self

    def unknown_metrics(self, table: Mapping[str, Any]) -> list[str]:
        """Return the metrics that it is about and that a task does not have."""
        named = [(one.metric, ONE_CLASS_NAMES if one.of_class else table) for one in self.each() if one.metric]
        return [metric for metric, known in named if metric not in known and metric not in TIMES]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """Refuse a claim that is of two kinds, or half of one."""
        given = [name for name in ("all", "order", "better", "as_good", "ratio") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"a claim is of one kind; this one has {' and '.join(given)}: make two of it")
        partner = _PARTNER.get(given[0]) if given else None
        if partner and not getattr(self, partner):
            raise ValueError(f"{given[0]} needs {partner}: what is it compared with?")
        if self.kind == "as_good" and self.margin is None:
            raise ValueError("as_good needs margin: how much worse still counts as as good?")
        if self.kind == "ratio" and self.least is None and self.most is None:
            raise ValueError("ratio needs least or most: which ratio does the statement allow?")
        if self.kind == "order" and len(self.order) < 2:
            raise ValueError("order needs two levels or more, the best first")
        if self.metric in TIMES and self.kind != "ratio":
            raise ValueError(f"{self.metric}: a time is measured once a setting: give a ratio of two of them")
        if self.kind == "figure" and not isinstance(self.report, float | tuple):
            raise ValueError("report: give the figure that is printed, or the name of the level that is called best")
        return self
