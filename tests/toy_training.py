"""A small network with dropout and a small task, for tests of the training loop; also a program that can be killed.

``python toy_training.py FOLDER SETTINGS_JSON`` trains, prints a line for every batch, and at last status and a
digest of the final weights.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gatewise.runs import RunFolder
from gatewise.settings import TrainSettings
from gatewise.training import Seeds, train


class ToyNetwork(nn.Module):
    """Two layers with dropout between, drawn from the network's own generator."""

    def __init__(self, seeds: Seeds) -> None:
        super().__init__()
        self.hidden = nn.utils.skip_init(nn.Linear, 4, 16)
        self.output = nn.utils.skip_init(nn.Linear, 16, 1)
        self.dropout_generator = seeds.dropout_generator()
        start = seeds.init_generator()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.3, 0.3, generator=start)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.hidden(x).relu()
        if self.training:
            kept = torch.rand(hidden.shape, generator=self.dropout_generator) > 0.2
            hidden = hidden * kept / 0.8
        return self.output(hidden)


class ToyTask:
    """The sum of four numbers; 44 examples in batches of 8 (the last of 4), 12 to validate."""

    def __init__(self, *, validate: bool = True) -> None:
        draw = torch.Generator().manual_seed(1)
        self.x = torch.randn(56, 4, generator=draw)
        self.y = self.x.sum(dim=1, keepdim=True)
        self.validate = validate

    def plan(self, generator: torch.Generator) -> Sequence[Tensor]:
        return torch.randperm(44, generator=generator).split(8)

    def batch(self, key: Tensor) -> tuple[Tensor, Tensor]:
        return self.x[key], self.y[key]

    def batch_size_of(self, key: Tensor) -> int:
        return len(key)

    def loss(self, network: nn.Module, batch: Any) -> Tensor:
        x, y = batch
        return (network(x) - y).square().mean()

    def validation_loss(self, network: nn.Module) -> float | None:
        like = next(network.parameters())
        x, y = self.x[44:].to(like.dtype), self.y[44:].to(like.dtype)
        return float((network(x) - y).square().mean()) if self.validate else None


def digest(network: nn.Module) -> str:
    """Return a digest of all weights, to the last bit."""
    content = b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())
    return hashlib.sha256(content).hexdigest()


class LoudTask(ToyTask):
    """A task that says when a batch is asked for, so that a test can stop the process at that moment."""

    def batch(self, key: Tensor) -> tuple[Tensor, Tensor]:
        print("batch", flush=True)
        return super().batch(key)


def fit(folder: str, options: dict[str, Any], task: ToyTask) -> dict[str, Any]:
    """Train in a run folder and say what came of it."""
    seeds = Seeds(1, 2, 3)
    network = ToyNetwork(seeds)
    run = RunFolder.create(folder)
    with run.lock():
        trained = train(network, task, TrainSettings(**options), seeds=seeds, folder=run)
    return {"status": trained.status, "steps": trained.steps, "digest": digest(network), "best_loss": trained.best_loss}


def main() -> None:
    print(json.dumps(fit(sys.argv[1], json.loads(sys.argv[2]), LoudTask())))


if __name__ == "__main__":
    main()
