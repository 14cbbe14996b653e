"""The report's stock training step: window 30, 2 channels, 512 units, batch 8; forward, backward and Adam.

The same network (recurrent layer, dense 256 relu, dropout 0.1, dense 128 relu, 2 outputs) in gatewise, in torch.nn and
in Keras on TensorFlow (where `gatewise[bench]` is installed), in one process, in turn.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.timing import ROUNDS, alternate, installed, machine
from gatewise.models import ForecastNetwork
from gatewise.settings import ForecastModelSettings, ForecastTrainSettings
from gatewise.training.optimizers import create_optimizer

TITLE = "Stock training step (B 8, T 30, 2 inputs, 512 units)"
BATCH, STEPS, CHANNELS, UNITS = 8, 30, 2, 512
CELLS = ("rnn", "gru", "lstm")


def measure() -> dict[str, Any]:
    """Return milliseconds a step by cell and contestant."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(BATCH, STEPS, CHANNELS)).astype(np.float32)
    y = generator.normal(size=(BATCH, CHANNELS)).astype(np.float32)
    table = {}
    for cell in CELLS:
        contestants = {"gatewise": gatewise_step(cell, x, y), "torch.nn": torch_step(cell, x, y)}
        keras = keras_step(cell, x, y)
        if keras is not None:
            contestants["Keras"] = keras
        table[cell] = alternate(contestants)
    return {
        "machine": machine(),
        "versions": installed("torch", "keras", "tensorflow-cpu"),
        "threads": torch.get_num_threads(),
        "milliseconds": table,
    }


def gatewise_step(cell: str, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    network = ForecastNetwork(
        ForecastModelSettings(cell=cell, units=UNITS),
        input_size=CHANNELS,
        horizon=1,
        channels=CHANNELS,
        init_generator=torch.Generator().manual_seed(0),
        dropout_generator=torch.Generator().manual_seed(1),
    ).train()
    optimizer = create_optimizer(network.parameters(), ForecastTrainSettings(learning_rate=1e-4))
    return _torch_training_step(network, optimizer, x, y[:, None, :, None])


class TorchNetwork(nn.Module):
    """The same network as a person writes it with torch.nn."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.recurrent = kind(CHANNELS, UNITS, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(UNITS, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, CHANNELS)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(x)[0][:, -1])


def torch_step(cell: str, x: np.ndarray, y: np.ndarray) -> Callable[[], object]:
    network = TorchNetwork(cell).train()
    return _torch_training_step(network, torch.optim.Adam(network.parameters(), lr=1e-4), x, y)


def _torch_training_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, x: np.ndarray, y: np.ndarray
) -> Callable[[], object]:
    inputs, target = torch.from_numpy(x), torch.from_numpy(y)

    def step() -> float:
        optimizer.zero_grad()
        loss = ((network(inputs) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def keras_step(cell: str, x: np.ndarray, y: np.ndarray) -> Callable[[], object] | None:
    """Return a compiled Keras step, None when Keras is not installed."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import keras
    except ImportError:
        return None
    layers = keras.layers
    kind = {"rnn": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}[cell]
    network = keras.Sequential(
        [
            keras.Input((STEPS, CHANNELS)),
            kind(UNITS),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(128, activation="relu"),
            layers.Dense(CHANNELS),
        ]
    )
    network.compile(optimizer=keras.optimizers.Adam(1e-4), loss="mse")
    return lambda: network.train_on_batch(x, y)


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    names = list(found["milliseconds"]["lstm"])
    lines = [
        f"Milliseconds a step (median of {ROUNDS} alternating rounds of 5), {found['threads']} threads;",
        f"{found['versions']}.",
        "",
        f"| cell | {' | '.join(names)} | {' | '.join(f'{name} / gatewise' for name in names[1:])} |",
        f"|---|{'---|' * (2 * len(names) - 1)}",
    ]
    for cell, times in found["milliseconds"].items():
        ratios = [f"{times[name] / times['gatewise']:.2f}" for name in names[1:]]
        lines.append(f"| {cell} | {' | '.join(f'{times[name]:.1f}' for name in names)} | {' | '.join(ratios)} |")
    return "\n".join(lines)
