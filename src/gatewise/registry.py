"""Names of everything that can be chosen by text, without importing any of it.

A part joins by one line in its table here (or, from a user's own code, by ``TABLE.register``); the command line's
choices, the documentation's tables and the contract tests read these tables and so follow by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from gatewise.errors import SettingsError, UnknownNameError


@dataclass(frozen=True)
class Entry:
    """One name: where its object lives, one line on what it is, and where it comes from."""

    name: str
    home: str  # "package.module:attribute"
    summary: str
    source: str = ""


class Registry:
    """A table of names of one kind, each resolved only when asked for.

    Examples
    --------
    >>> "lstm" in CELLS
    True
    >>> CELLS.entry("lstm").summary
    'Long short-term memory: input, forget and output gates around a cell state'
    """

    def __init__(self, kind: str, entries: list[Entry]) -> None:
        self.kind = kind
        self._entries = {entry.name: entry for entry in entries}
        self._objects: dict[str, Any] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """Return all names, in the table's order."""
        return list(self._entries)

    def entry(self, name: str) -> Entry:
        """Return the entry of `name`.

        Raises
        ------
        UnknownNameError
            If there is none; the message says which name was probably meant.
        """
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name]

    def load(self, name: str) -> Any:
        """Import and return the object called `name`."""
        home = self.entry(name).home
        if name not in self._objects:
            module, attribute = home.split(":")
            self._objects[name] = getattr(import_module(module), attribute)
        return self._objects[name]

    def register(self, name: str, target: Any, *, summary: str = "", source: str = "") -> None:
        """Add an object of the user's own under a new `name`.

        Raises
        ------
        SettingsError
            If the name is taken.
        """
        if name in self._entries:
            raise SettingsError(f"the {self.kind} {name!r} exists already")
        self._entries[name] = Entry(name, f"{target.__module__}:{target.__qualname__}", summary, source)
        self._objects[name] = target

    def unregister(self, name: str) -> None:
        """Remove a name that was registered by hand."""
        del self._entries[name]
        self._objects.pop(name, None)


@dataclass(frozen=True)
class Registered:
    """Check of a name against its registry, as a setting uses it; the command line reads its choices here."""

    table: Registry
    also: tuple[str, ...] = ()

    def choices(self) -> list[str]:
        """Return every name that is accepted."""
        return [*self.also, *self.table.names()]

    def __call__(self, value: Any) -> Any:
        """Return `value`, or raise with the name that was probably meant."""
        if isinstance(value, str) and value not in self.also:
            self.table.entry(value)
        return value


CELLS = Registry(
    "cell",
    [
        Entry(
            "rnn",
            "gatewise.cells.rnn:SimpleRNN",
            "Simple recurrence: tanh of input and last state",
            "Elman 1990",
        ),
        Entry(
            "gru",
            "gatewise.cells.gru:GRU",
            "Gated recurrent unit: update and reset gates on one state",
            "Cho et al. 2014, arXiv:1406.1078",
        ),
        Entry(
            "lstm",
            "gatewise.cells.lstm:LSTM",
            "Long short-term memory: input, forget and output gates around a cell state",
            "Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000",
        ),
        Entry(
            "lstm_norm",
            "gatewise.cells.lstm_norm:LayerNormLSTM",
            "LSTM with layer-normalised pre-activations and cell state",
            "Ba, Kiros & Hinton 2016, arXiv:1607.06450",
        ),
        Entry(
            "gru_norm",
            "gatewise.cells.gru_norm:LayerNormGRU",
            "GRU with layer-normalised pre-activations",
            "Ba, Kiros & Hinton 2016, arXiv:1607.06450",
        ),
        Entry(
            "slstm",
            "gatewise.cells.slstm:SLSTM",
            "LSTM with an exponential input gate and a normaliser (xLSTM)",
            "Beck et al. 2024, arXiv:2405.04517",
        ),
        Entry(
            "mlstm",
            "gatewise.cells.mlstm:MLSTM",
            "Matrix memory with exponential gates, parallel in time (xLSTM)",
            "Beck et al. 2024, arXiv:2405.04517",
        ),
        Entry(
            "gated_delta",
            "gatewise.cells.gated_delta:GatedDelta",
            "Matrix memory that erases under a key before it writes, parallel in time",
            "Yang, Kautz & Hatamizadeh 2024, arXiv:2412.06464",
        ),
        Entry(
            "mingru",
            "gatewise.cells.mingru:MinGRU",
            "Minimal GRU: gate and candidate from the input alone",
            "Feng et al. 2024, arXiv:2410.01201",
        ),
        Entry(
            "minlstm",
            "gatewise.cells.minlstm:MinLSTM",
            "Minimal LSTM: gates that sum to 1 and a candidate, from the input alone",
            "Feng et al. 2024, arXiv:2410.01201",
        ),
        Entry(
            "qrnn",
            "gatewise.cells.qrnn:QRNN",
            "Quasi-recurrent network: gates from a convolution over the last inputs",
            "Bradbury et al. 2016, arXiv:1611.01576",
        ),
        Entry(
            "sru",
            "gatewise.cells.sru:SRU",
            "Simple recurrent unit: gates that see the memory unit by unit, and a highway",
            "Lei et al. 2018, arXiv:1709.02755",
        ),
        Entry(
            "indrnn",
            "gatewise.cells.indrnn:IndRNN",
            "Independently recurrent network: each unit sees its own last output alone",
            "Li et al. 2018, arXiv:1803.04831",
        ),
        Entry(
            "rglru",
            "gatewise.cells.rglru:RGLRU",
            "Real-gated linear recurrent unit (Hawk, Griffin): a gated decay for each unit",
            "De et al. 2024, arXiv:2402.19427",
        ),
        Entry(
            "lru",
            "gatewise.cells.lru:LRU",
            "Linear recurrent unit: complex decays on a ring",
            "Orvieto et al. 2023, arXiv:2303.06349",
        ),
    ],
)

LOSSES = Registry(
    "loss",
    [
        Entry("mse", "gatewise.training.losses:MeanSquaredError", "Mean squared error: the mean is its optimum"),
        Entry(
            "mae",
            "gatewise.training.losses:MeanAbsoluteError",
            "Mean absolute error: the median is its optimum",
        ),
        Entry(
            "mape",
            "gatewise.training.losses:MeanAbsolutePercentageError",
            "Mean absolute error in percent of the truth",
        ),
        Entry(
            "huber",
            "gatewise.training.losses:Huber",
            "Squared near zero, absolute beyond delta",
            "Huber 1964",
        ),
        Entry(
            "quantile",
            "gatewise.training.losses:Quantile",
            "Pinball loss over several quantiles",
            "Koenker & Bassett 1978",
        ),
        Entry(
            "gaussian",
            "gatewise.training.losses:Gaussian",
            "Negative log-likelihood of a normal distribution",
        ),
        Entry(
            "student_t",
            "gatewise.training.losses:StudentT",
            "Negative log-likelihood of a Student-t distribution",
        ),
    ],
)

OPTIMIZERS = Registry(
    "optimizer",
    [
        Entry(
            "adam",
            "gatewise.training.optimizers:adam",
            "Adam, epsilon 1e-7",
            "Kingma & Ba 2015, arXiv:1412.6980",
        ),
        Entry(
            "adamw",
            "gatewise.training.optimizers:adamw",
            "Adam with decoupled weight decay 0.004",
            "Loshchilov & Hutter 2019, arXiv:1711.05101",
        ),
        Entry(
            "adagrad",
            "gatewise.training.optimizers:adagrad",
            "Adagrad, accumulator starting at 0.1",
            "Duchi et al. 2011",
        ),
        Entry(
            "rmsprop",
            "gatewise.training.optimizers:rmsprop",
            "RMSprop, rho 0.9, epsilon inside the root",
            "Hinton 2012",
        ),
        Entry(
            "sgd",
            "gatewise.training.optimizers:sgd",
            "Stochastic gradient descent, optional momentum",
            "Robbins & Monro 1951",
        ),
    ],
)

SCHEDULES = Registry(
    "schedule",
    [
        Entry("constant", "gatewise.training.schedules:constant", "The learning rate stays as it is"),
        Entry(
            "cosine",
            "gatewise.training.schedules:cosine",
            "Falls to zero along half a cosine",
            "Loshchilov & Hutter 2017, arXiv:1608.03983",
        ),
        Entry(
            "one_cycle",
            "gatewise.training.schedules:one_cycle",
            "Rises for 30 % of the steps, then falls to zero",
            "Smith & Topin 2018, arXiv:1708.07120",
        ),
        Entry(
            "plateau",
            "gatewise.training.schedules:plateau",
            "Halves when the validation loss has not improved",
        ),
    ],
)

TRANSFORMS = Registry(
    "transform",
    [
        Entry("none", "gatewise.data.transforms:NoTransform", "Values as they are"),
        Entry(
            "standard",
            "gatewise.data.transforms:Standard",
            "Subtract the mean, divide by the standard deviation",
        ),
        Entry("min_max", "gatewise.data.transforms:MinMax", "Map the training range to 0 .. 1"),
        Entry("difference", "gatewise.data.transforms:Difference", "Change from one row to the next"),
        Entry(
            "log_return",
            "gatewise.data.transforms:LogReturn",
            "Change of the logarithm; needs positive values",
        ),
        Entry("last_value", "gatewise.data.transforms:LastValue", "Subtract the last value of the window"),
    ],
)

BASELINES = Registry(
    "baseline",
    [
        Entry("last_value", "gatewise.tasks.forecast.baselines:LastValue", "The same as the last value seen"),
        Entry("drift", "gatewise.tasks.forecast.baselines:Drift", "The last value plus the window's mean step"),
        Entry("seasonal_naive", "gatewise.tasks.forecast.baselines:SeasonalNaive", "The value one season before"),
        Entry("window_mean", "gatewise.tasks.forecast.baselines:WindowMean", "The mean of the window"),
        Entry(
            "ridge",
            "gatewise.tasks.forecast.baselines:Ridge",
            "Linear regression on the window, ridge penalty",
        ),
        Entry(
            "auto_ets",
            "gatewise.tasks.forecast.baselines:AutoETS",
            "Exponential smoothing chosen by AICc (extra: baselines)",
            "Hyndman et al. 2002",
        ),
        Entry(
            "auto_arima",
            "gatewise.tasks.forecast.baselines:AutoARIMA",
            "ARIMA chosen by AICc (extra: baselines)",
            "Hyndman & Khandakar 2008",
        ),
        Entry(
            "theta",
            "gatewise.tasks.forecast.baselines:Theta",
            "Theta method (extra: baselines)",
            "Assimakopoulos & Nikolopoulos 2000",
        ),
    ],
)

PROBES = Registry(
    "probe task",
    [
        Entry(
            "parity",
            "gatewise.probes.tasks:Parity",
            "Is the number of ones so far odd",
            "Grazzi et al. 2024, arXiv:2411.12537",
        ),
        Entry(
            "modular_addition",
            "gatewise.probes.tasks:ModularAddition",
            "The sum so far modulo 3",
            "Grazzi et al. 2024, arXiv:2411.12537",
        ),
        Entry(
            "bracket_depth",
            "gatewise.probes.tasks:BracketDepth",
            "How many brackets are open, at most 6",
            "Hewitt et al. 2020, arXiv:2010.07515",
        ),
        Entry(
            "copying",
            "gatewise.probes.tasks:Copying",
            "Say five symbols again after a pause",
            "Arjovsky et al. 2016, arXiv:1511.06464",
        ),
        Entry(
            "selective_copying",
            "gatewise.probes.tasks:SelectiveCopying",
            "Say five symbols again that are strewn over the pause",
            "Gu & Dao 2023, arXiv:2312.00752",
        ),
        Entry(
            "adding",
            "gatewise.probes.tasks:Adding",
            "Add the two marked numbers among many",
            "Hochreiter & Schmidhuber 1997",
        ),
        Entry(
            "associative_recall",
            "gatewise.probes.tasks:AssociativeRecall",
            "Which value came with this key",
            "Arora et al. 2023, arXiv:2312.04927",
        ),
    ],
)

# Slowest first: "auto" takes the last one that can compute the call.
KERNELS = Registry(
    "kernel",
    [
        Entry(
            "reference",
            "gatewise.cells.kernels.reference:Reference",
            "Readable loop over time; every cell, mask and option",
        ),
        Entry(
            "parallel",
            "gatewise.cells.kernels.parallel:Parallel",
            "All steps at once, for cells that are linear in their state",
        ),
        Entry(
            "torch",
            "gatewise.cells.kernels.torch_native:TorchNative",
            "torch's own fused recurrences where they compute the same function",
        ),
        Entry(
            "native",
            "gatewise.cells.kernels.native:Native",
            "Compiled loops of our own for SimpleRNN, GRU and LSTM, with masks and dropout",
        ),
    ],
)
