"""Which values are tried at one combination of levels, each trial after the last one's end.

Optuna is only asked and told, and keeps nothing on disk: what a trial came to is in its run folder. A search that goes
on after a kill tells the same answers again and is asked the same questions, so it ends with the same values.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gatewise.errors import MissingExtraError
from gatewise.metrics.names import is_higher_better
from gatewise.settings import RunSettings
from gatewise.studies.search.settings import Halving, SearchSettings
from gatewise.studies.search.space import Parameter, every, space_of
from gatewise.wording import digits, say


@dataclass(frozen=True)
class Trial:
    """Values to be tried.

    Attributes
    ----------
    number : counts the trials of one level from 0; it keeps its number when it goes on to more epochs.
    epochs : most epochs of its run; None for those of the settings.
    rung : 0 without halving; counts how often it has gone on.
    """

    number: int
    values: dict[str, Any]
    epochs: int | None = None
    rung: int = 0

    def changes(self) -> dict[str, Any]:
        """Return what it changes in the settings of its level."""
        return dict(self.values) if self.epochs is None else {**self.values, "train.epochs": self.epochs}


@dataclass(frozen=True)
class Told:
    """What a trial came to.

    Attributes
    ----------
    value : the metric on the validation part; None unless it finished.
    """

    state: Literal["finished", "diverged", "failed"]
    value: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    error: str | None = None
    exit_code: int = 1


Search = Generator[Trial, Told, Trial | None]


def trials_of(search: SearchSettings, space: Sequence[Parameter], settings: RunSettings, metric: str) -> Search:
    """Yield the trials of one level; what each came to is sent back. The best one is returned, None if none finished.

    The first trial has the file's own values, where they lie within the ranges; then the sampler proposes.
    """
    higher = is_higher_better(metric)
    rungs = rungs_of(search, space, settings)
    ask = _sampler(search, space, settings, higher=higher)
    found: list[tuple[Trial, Told]] = []
    for number in range(rungs[0][1]):
        values, tell = ask()
        trial = Trial(number, values, rungs[0][0])
        told = yield trial
        tell(told)
        found.append((trial, told))
    best = ranked(found, higher=higher)
    for rung, (epochs, count) in enumerate(rungs[1:], start=1):
        found = []
        for candidate in best[:count]:
            trial = Trial(candidate.number, candidate.values, epochs, rung)
            found.append((trial, (yield trial)))
        best = ranked(found, higher=higher) or best
    return best[0] if best else None


def ranked(found: Sequence[tuple[Trial, Told]], *, higher: bool) -> list[Trial]:
    """Return the trials that finished, the best first; of equals the first."""
    known = [(told.value, trial) for trial, told in found if told.value is not None]
    return [trial for _, trial in sorted(known, key=lambda one: -one[0] if higher else one[0])]


def rungs_of(search: SearchSettings, space: Sequence[Parameter], settings: RunSettings) -> list[tuple[int | None, int]]:
    """Return the most epochs and the number of trials of each rung; one rung without halving.

    Examples
    --------
    With a reduction of 3 and at least 2 epochs, 20 trials of runs of 30 epochs::

        [(2, 20), (6, 7), (18, 3), (None, 1)]
    """
    count = budget_of(search, space)
    halving: Halving | None = search.halving
    if halving is None:
        return [(None, count)]
    epochs, rungs = halving.least_epochs, []
    whole: int = settings.at("train.epochs")
    while epochs < whole:
        rungs.append((epochs, count))
        epochs, count = epochs * halving.reduction, math.ceil(count / halving.reduction)
    return [*rungs, (None, count)]


def budget_of(search: SearchSettings, space: Sequence[Parameter]) -> int:
    """Return the number of trials of a level; of one where nothing is searched, none."""
    if not space:
        return 0
    if search.sampler == "grid":
        return math.prod(len(parameter.grid() or ()) for parameter in space)
    return search.budget


def search_size(
    search: SearchSettings | None, combinations: Sequence[tuple[dict[str, Any], RunSettings]]
) -> dict[str, Any] | None:
    """Return how much a search will do; None without one.

    Parameters
    ----------
    combinations
        Levels and settings of every combination.

    Returns
    -------
    dict
        ``trials`` of each level, ``runs`` and ``epochs`` (at most) of all levels together.
    """
    if search is None:
        return None
    trials, runs, epochs = [], 0, 0
    for levels, settings in combinations:
        space = space_of(search, levels, settings)
        rungs = rungs_of(search, space, settings)
        trials.append(budget_of(search, space))
        runs += sum(count for _, count in rungs)
        epochs += sum(count * (most or settings.at("train.epochs")) for most, count in rungs)
    return {"trials": trials, "runs": runs, "epochs": epochs}


def search_words(size: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Say how much a search will do, given what :func:`search_size` returned."""
    if size is None:
        return ()
    least, most = min(size["trials"]), max(size["trials"])
    trials = digits(str(most) if least == most else f"{least}–{most}")
    told = {"trials": trials, "runs": digits(f"{size['runs']:,}"), "epochs": digits(f"{size['epochs']:,}")}
    return (say("search.plan", **told),)


def own_values(space: Sequence[Parameter], settings: RunSettings) -> dict[str, Any] | None:
    """Return the values that the file itself gives to what is searched; None when one lies outside its range."""
    own = {parameter.path: settings.plain_at(parameter.path) for parameter in space}
    return own if all(parameter.holds(own[parameter.path]) for parameter in space) else None


def _sampler(
    search: SearchSettings, space: Sequence[Parameter], settings: RunSettings, *, higher: bool
) -> Callable[[], tuple[dict[str, Any], Callable[[Told], None]]]:
    """Return a function that gives the next values, and with them the one that takes what they came to."""
    if search.sampler == "grid":  # nothing to learn from: one after the other
        settings_of_grid = every(space)
        return lambda: (next(settings_of_grid), lambda _: None)
    optuna = quiet_optuna()
    kinds = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}
    study = optuna.create_study(
        direction="maximize" if higher else "minimize", sampler=kinds[search.sampler](seed=search.seed)
    )
    own = own_values(space, settings)
    if own is not None:
        study.enqueue_trial({one.path: _coded(one, own[one.path]) for one in space})

    def ask() -> tuple[dict[str, Any], Callable[[Told], None]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental parts of Optuna, which nobody here chose
            trial = study.ask()
            values = {parameter.path: _suggest(trial, parameter) for parameter in space}

        def tell(told: Told) -> None:
            states = optuna.trial.TrialState
            if told.state == "finished":
                study.tell(trial, told.value)
            else:  # from a pruned trial a sampler learns to stay away; from a failed one, nothing
                study.tell(trial, state=states.PRUNED if told.state == "diverged" else states.FAIL)

        return values, tell

    return ask


def _coded(parameter: Parameter, value: Any) -> Any:
    """Return a value as Optuna knows it: of a list its place, for a list may hold anything."""
    return value if parameter.values is None else parameter.values.index(value)


def _suggest(trial: Any, parameter: Parameter) -> Any:
    if parameter.values is not None:
        return parameter.values[trial.suggest_categorical(parameter.path, list(range(len(parameter.values))))]
    low, high, log = parameter.low, parameter.high, parameter.log
    if parameter.whole:
        return parameter.tidy(trial.suggest_int(parameter.path, low, high, step=int(parameter.step or 1), log=log))
    return parameter.tidy(trial.suggest_float(parameter.path, low, high, step=parameter.step, log=log))


def need_optuna(search: SearchSettings | None) -> None:
    """Refuse a search that needs Optuna where it is not installed.

    Raises
    ------
    MissingExtraError
        Before anything is written.
    """
    if search is not None and search.sampler != "grid":
        quiet_optuna()


def quiet_optuna() -> Any:
    """Return Optuna, which from now on writes nothing about trials.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import optuna
    except ImportError:
        raise MissingExtraError("search", "search") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
