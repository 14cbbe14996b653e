"""Units that give every network as many parameters: solved for each combination, without training anything.

A network is built on torch's meta device, which has shapes and no numbers, so that a count costs milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gatewise.errors import SettingsError
from gatewise.registry import task_of
from gatewise.studies.budget import UNITS
from gatewise.studies.expand import Combination

#: Furthest that a network may be from the number that is asked for, as a share.
TOLERANCE = 0.05
_MOST_UNITS = 1 << 15
#: Some cells take only units that their heads divide; the next that fit are not far.
_STEPS = 64

Counter = Callable[[Any], int]


@dataclass(frozen=True)
class Size:
    """The units that were found for a combination, and how near they come.

    Attributes
    ----------
    label : the combination, with its units.
    wanted : parameters that were asked for.
    """

    label: str
    units: int
    parameters: int
    wanted: int

    @property
    def off(self) -> float:
        """How far off the network is, as a share of what was asked for."""
        return self.parameters / self.wanted - 1

    @property
    def sentence(self) -> str:
        """Say it."""
        return f"{self.label}: {self.parameters:,} parameters, {self.off:+.2%} from {self.wanted:,}"

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return {"label": self.label, "units": self.units, "parameters": self.parameters, "off": self.off}


def solve_units(combinations: list[Combination], wanted: int) -> tuple[list[Combination], list[Size]]:
    """Give each combination the units with which its network has as near as possible `wanted` parameters.

    Raises
    ------
    SettingsError
        With one line for every combination that cannot come within five per cent.
    """
    found, sizes, problems = list[Combination](), list[Size](), dict[str, None]()
    counters: dict[str, Counter] = {}
    for one in combinations:
        make = task_of({"task": one.settings.task})
        if not make.size:
            raise SettingsError(f"budget.parameters: networks of the task {make.name!r} cannot be counted")
        key = repr([one.tree.get(room) for room in ("data", "split", "encoder")]) + repr(one.settings.at("data"))
        if key not in counters:
            counters[key] = make.load("size")(one.settings)
        try:
            units, parameters = _nearest(one.settings, counters[key], wanted)
        except SettingsError as error:
            problems[f"budget.parameters: the combination {one.label}: {error}"] = None
            continue
        size = Size(f"{one.label}, {units} units", units, parameters, wanted)
        if abs(size.off) > TOLERANCE:
            problems[
                f"budget.parameters: the combination {one.label} comes no nearer to {wanted:,} than {parameters:,} "
                f"({units} units): ask for more, or change what else the network has"
            ] = None
        settings = one.settings.replace({UNITS: units})
        found.append(replace(one, label=size.label, settings=settings, tree=settings.what_counts()))
        sizes.append(size)
    if problems:
        raise SettingsError("\n".join(problems))
    return found, sizes


def _nearest(settings: Any, count: Counter, wanted: int) -> tuple[int, int]:
    """Return the units whose count comes nearest, and that count: the count grows with the units."""
    low, high = _allowed(settings, count, 1), None
    while high is None:
        if low[1] >= wanted or low[0] >= _MOST_UNITS:
            break
        following = _allowed(settings, count, 2 * low[0])
        low, high = (low, following) if following[1] >= wanted else (following, None)
    if high is None:
        return low
    while high[0] - low[0] > 1:
        middle = _allowed(settings, count, (low[0] + high[0]) // 2)
        if middle[0] >= high[0]:
            lower = _allowed(settings, count, low[0] + 1)
            if lower[0] >= high[0]:
                break
            middle = lower
        low, high = (middle, high) if middle[1] < wanted else (low, middle)
    return min(low, high, key=lambda one: abs(one[1] - wanted))


def _allowed(settings: Any, count: Counter, units: int) -> tuple[int, int]:
    """Return the next units from `units` on that the cell takes, and the count with them."""
    refused = ""
    for tried in range(units, units + _STEPS):
        try:
            return tried, count(settings.replace({UNITS: tried}))
        except SettingsError as error:
            refused = refused or str(error)
    raise SettingsError(refused)


def forecast_size(settings: Any) -> Counter:
    """Return what counts forecasting networks over the data of some settings."""
    from gatewise.data.series import divides_by_truth, read_series
    from gatewise.tasks.forecast.model import create_network

    series = read_series(settings.data, nonzero=divides_by_truth(settings.train))
    return lambda other: _count(lambda: create_network(other, series))


def text_size(settings: Any) -> Counter:
    """Return what counts text networks over the data of some settings."""
    from gatewise.data.text import Vocabulary, read_corpus, split_text
    from gatewise.tasks.generate.model import create_network

    corpus = read_corpus(settings.data)
    symbols = len(Vocabulary.fit(corpus, split_text(corpus, settings.split, settings.data).train, settings.data))
    return lambda other: _count(lambda: create_network(other, symbols))


def classify_size(settings: Any) -> Counter:
    """Return what counts classification networks over the data of some settings: what is trained of them."""
    from gatewise.data.labelled import read_labelled, split_labelled
    from gatewise.tasks.classify.model import create_network
    from gatewise.tasks.classify.reader import create_reader

    labelled = read_labelled(settings.data, settings.split.column)
    split = split_labelled(labelled, settings.split)
    texts = [labelled.clean[row] for row in split.train]

    def count(other: Any) -> int:
        reader = create_reader(other, texts)
        return _count(lambda: create_network(other, reader, len(labelled.classes), fresh=False))

    return count


def _count(make: Callable[[], Any]) -> int:
    import torch

    with torch.device("meta"):
        network = make()
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
