"""Seeds of a study: one number for all chance in a run, or each kind of chance on its own.

``seeds: 7`` is 0 to 6, each of them for start weights, data order and dropout at once. In a mapping each kind has its
own numbers, which go together by position; a kind with one number is held, and so is one that is not named::

    seeds: {initialisation: 7}                 # only the start weights differ
    seeds: {initialisation: 7, split: 7}       # and what is in which part
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from gatewise.settings import RunSettings, Settings, parse, why_ignored

_MOST_SEEDS = 1000
#: Kind of chance to how its noise is called.
KINDS = {"initialisation": "start weights", "order": "order of the data", "dropout": "dropout", "split": "split"}


def count_or_list(value: Any) -> Any:
    """Take ``7`` for the seeds 0 to 6."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST_SEEDS:
            raise ValueError(f"give 1 to {_MOST_SEEDS} seeds (found {value})")
        return tuple(range(value))
    if not isinstance(value, list | tuple):
        raise ValueError(f"a number of seeds (7) or a list of them ([0, 1, 2]) is expected (found {value!r})")
    if len({str(seed) for seed in value}) < len(value):
        raise ValueError("a seed stands twice; a run repeated with the same seed tells nothing new")
    return value


Numbers = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(min_length=1), BeforeValidator(count_or_list)
]


class SeedSettings(Settings):
    """The numbers of each kind of chance; one number holds it."""

    initialisation: Numbers = (0,)
    """Seeds of the start weights."""
    order: Numbers = (0,)
    """Seeds of the order of the batches."""
    dropout: Numbers = (0,)
    """Seeds of the dropout masks."""
    split: Numbers | None = None
    """Seeds of the split, where it draws; as the split's own settings say when absent."""


class _Plain(Settings):
    numbers: Numbers


@dataclass(frozen=True)
class RunSeed:
    """The seeds of one run of every combination.

    Attributes
    ----------
    number : what the run is called by, and paired with the runs of the other levels.
    changes : the dotted settings that it replaces.
    """

    number: int
    changes: dict[str, Any]


def read_seeds(value: Any) -> Any:
    """Read what stands under ``seeds``; a validator.

    Raises
    ------
    ValueError
        If it is neither a number, nor a list, nor such for each kind of chance.
    """
    if isinstance(value, SeedSettings):
        return value
    if not isinstance(value, Mapping):
        return parse(_Plain, {"numbers": value}, names={"numbers": ""}).numbers
    found = parse(SeedSettings, value)
    lengths = {kind: len(numbers) for kind in KINDS if len(numbers := getattr(found, kind) or (0,)) > 1}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{kind} has {count}" for kind, count in lengths.items())
        raise ValueError(f"kinds go together by position, so they need equally many seeds, or one ({said})")
    return found


def each_seed(seeds: tuple[int, ...] | SeedSettings) -> Iterator[RunSeed]:
    """Yield the seeds of every run of a combination.

    Examples
    --------
    >>> [one.number for one in each_seed((3, 5))]
    [3, 5]
    >>> next(each_seed(SeedSettings(initialisation=2))).changes["init_seed"] is None  # the same run as with seed 0
    True
    """
    if not isinstance(seeds, SeedSettings):
        yield from (RunSeed(seed, {"seed": seed}) for seed in seeds)
        return
    rows = {kind: getattr(seeds, kind) for kind in KINDS if getattr(seeds, kind) is not None}
    count = max(len(row) for row in rows.values())
    rows = {kind: row * count if len(row) == 1 else row for kind, row in rows.items()}
    varied = {row for row in rows.values() if len(set(row)) > 1}
    numbers = next(iter(varied)) if len(varied) == 1 else tuple(range(count))
    for place, number in enumerate(numbers if count > 1 else (0,)):
        init, order, dropout = (rows[kind][place] for kind in ("initialisation", "order", "dropout"))
        changes: dict[str, Any] = {"seed": order, "init_seed": init, "order_seed": None, "dropout_seed": dropout}
        changes |= {key: None for key in ("init_seed", "dropout_seed") if changes[key] == order}
        if "split" in rows:
            changes["split.seed"] = rows["split"][place]
        yield RunSeed(number, changes)


def held(seeds: tuple[int, ...] | SeedSettings) -> tuple[list[str], list[str]] | None:
    """Return which kinds of chance differ between the seeds and which are held; None where all differ as one."""
    if not isinstance(seeds, SeedSettings):
        return None
    varied = [kind for kind in KINDS if len(getattr(seeds, kind) or ()) > 1]
    return varied, [kind for kind in KINDS if kind not in varied]


def seed_problems(seeds: tuple[int, ...] | SeedSettings, settings: RunSettings) -> list[str]:
    """Return what is wrong with the seeds of a combination: a kind of chance that it has none of."""
    if not isinstance(seeds, SeedSettings):
        return []
    problems = []
    if seeds.split is not None:
        if not hasattr(getattr(settings, "split", None), "seed"):
            problems.append("seeds.split: the runs of this task have no split that is drawn")
        elif why := why_ignored(settings, "split.seed"):
            problems.append(f"seeds.split: the split draws nothing: {why}")
    only = held(seeds)
    if only and only[0] == ["dropout"] and not _drops(settings):
        problems.append("seeds.dropout: nothing is dropped, so every seed would give the same run; set a dropout")
    return problems


def _drops(settings: RunSettings) -> bool:
    """Tell whether anything is drawn while training: a rate of dropout, or an option of the cell such as zoneout."""
    model = settings.at("model")
    rates = [name for name in type(model).model_fields if name.endswith("dropout")]
    counts = [name for name in rates if getattr(model, name) and why_ignored(settings, f"model.{name}") is None]
    return bool(counts or model.cell_options)


def numbers_of(seeds: tuple[int, ...] | SeedSettings) -> tuple[int, ...]:
    """Return what the runs of a combination are called by."""
    return seeds if not isinstance(seeds, SeedSettings) else tuple(one.number for one in each_seed(seeds))
