"""Everything that decides how a training goes on, gathered for its checkpoint."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.cells import Cell
from gatewise.errors import SettingsError
from gatewise.settings import TrainSettings
from gatewise.training.averaging import WeightAverage
from gatewise.training.checkpoint import Checkpoint
from gatewise.training.optimizers import load_states, states_of
from gatewise.training.schedules import Schedule
from gatewise.training.seeds import Seeds
from gatewise.training.stopping import EarlyStopping

#: What of a session is plain JSON.
_PLACE = ("epoch", "step", "loss_sum", "examples", "step_seconds", "gradient_norms", "seconds", "history")


@dataclass
class Session:
    """Where a training stands.

    Attributes
    ----------
    identity
        What must be the same for a checkpoint to be this run's; see :func:`identity`.
    kernel
        Name of the kernel that computes the network's cells, None where it has none.
    average
        Running average of the weights, None when the settings ask for none.
    best
        Weights of the best epoch; empty before the first.
    epoch, step
        Whole epochs, and steps made in the epoch after them.
    loss_sum, examples
        Of that epoch: losses weighted with the batches' sizes, and the sum of these sizes.
    step_seconds
        Time of each of that epoch's steps.
    gradient_norms
        Norms of the whole gradient before clipping, of those of that epoch's steps that were looked at.
    seconds
        Time in steps and validation, over all epochs and sittings.
    history
        Rows of the log.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    stopping: EarlyStopping
    identity: dict[str, Any]
    kernel: str | None = None
    average: WeightAverage | None = None
    best: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    examples: int = 0
    step_seconds: list[float] = field(default_factory=list)
    gradient_norms: list[float] = field(default_factory=list)
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Steps made in all."""
        return sum(int(row["steps"]) for row in self.history) + self.step

    @property
    def dropout(self) -> torch.Generator | None:
        """Where the network draws its dropout masks from."""
        return getattr(self.network, "dropout_generator", None)

    def begin_epoch_after(self, row: dict[str, Any]) -> None:
        """Add the row of the epoch that ended and stand before the next."""
        self.history.append(row)
        self.epoch, self.step, self.loss_sum, self.examples = row["epoch"], 0, 0.0, 0
        self.step_seconds, self.gradient_norms = [], []

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return what a checkpoint keeps as tensors, in groups."""
        return {
            "network": learned(self.network),
            "best": self.best,
            "average": self.average.tensors() if self.average else {},
            "optimizer": dict(states_of(self.optimizer)),
            "generators": {"dropout": self.dropout.get_state()} if self.dropout else {},
        }

    def facts(self) -> dict[str, Any]:
        """Return what a checkpoint keeps as plain JSON."""
        stopping = self.stopping
        return {
            "run": self.identity,
            "threads": torch.get_num_threads(),
            "kernel": self.kernel,
            "place": {name: getattr(self, name) for name in _PLACE},
            "schedule": self.schedule.state(),
            "stopping": {
                "best": None if math.isinf(stopping.best) else stopping.best,
                "best_epoch": stopping.best_epoch,
                "waited": stopping.waited,
            },
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Stand where the checkpoint stood.

        Raises
        ------
        SettingsError
            If it is of another run; the message says what differs.
        """
        tensors, facts = checkpoint.tensors, checkpoint.facts
        _check_same_run(facts["run"], self.identity)
        began = facts.get("kernel", self.kernel)
        if began != self.kernel:
            raise SettingsError(
                f"this run began with the kernel {began!r} and would go on with {self.kernel!r}, which changes its "
                "last digits: go on where it began, or train into a new folder"
            )
        self.network.load_state_dict(tensors["network"], strict=False)  # the identity has every weight's name and shape
        own = self.network.state_dict()
        self.best = {name: tensor.to(own[name].device) for name, tensor in tensors.get("best", {}).items()}
        if self.average:
            self.average.load(tensors["average"])
        load_states(self.optimizer, tensors.get("optimizer", {}))
        if self.dropout:
            self.dropout.set_state(tensors["generators"]["dropout"])
        for name in _PLACE:
            setattr(self, name, facts["place"].get(name, getattr(self, name)))  # older ones lack the norms
        self.schedule.load_state(facts["schedule"])
        kept = facts["stopping"]
        self.stopping.best = math.inf if kept["best"] is None else kept["best"]
        self.stopping.best_epoch, self.stopping.waited = kept["best_epoch"], kept["waited"]


def identity(network: nn.Module, settings: TrainSettings, seeds: Seeds, steps_per_epoch: int) -> dict[str, Any]:
    """Return what decides a training's numbers, as far as the loop can see."""
    return {
        # threads are looked at on their own, because None means as many as there are
        "train": settings.model_dump(mode="json", exclude={"checkpoint_seconds", "threads"}),
        "seeds": asdict(seeds),
        "weights": {name: list(tensor.shape) for name, tensor in learned(network).items()},
        "epoch": {"steps": steps_per_epoch},
    }


def learned(network: nn.Module) -> dict[str, Tensor]:
    """Return the state of a network without its frozen weights, which training leaves as they were made."""
    every = network.named_parameters(remove_duplicate=False)
    frozen = {name for name, weight in every if not weight.requires_grad}
    return {name: tensor for name, tensor in network.state_dict().items() if name not in frozen}


def kernel_in_use(network: nn.Module) -> str | None:
    """Return the name of the kernel that computes the network's cells in its mode, None where it has none."""
    cell = next((module for module in network.modules() if isinstance(module, Cell)), None)
    return None if cell is None else cell.kernel_in_use()


def threads_to_use(settings: TrainSettings, checkpoint: Checkpoint | None) -> int | None:
    """Return the CPU threads to train with: those of the checkpoint, because the order of sums depends on them.

    Raises
    ------
    SettingsError
        If the settings ask for another number.
    """
    if checkpoint is None:
        return settings.threads
    kept = int(checkpoint.facts["threads"])
    if settings.threads not in (None, kept):
        raise SettingsError(
            f"threads: this run began with {kept} and would go on with {settings.threads}, which changes its numbers: "
            f"set threads to {kept}, or train into a new folder"
        )
    return kept


def _check_same_run(kept: dict[str, Any], now: dict[str, Any]) -> None:
    differences = [
        f"{room}.{key} is {kept[room].get(key)!r} in the checkpoint and {now[room].get(key)!r} now"
        for room in now
        for key in {**kept[room], **now[room]}
        if kept[room].get(key) != now[room].get(key)
    ]
    if differences:
        raise SettingsError(
            f"the folder's checkpoint is of another run ({'; '.join(differences[:5])}): train into a new folder"
        )
