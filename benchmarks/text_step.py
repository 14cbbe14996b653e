"""The report's text training step: window 250, embedding 64, 1,024 units, head 256-128, batch 8; cross-entropy, Adam.

The same network in gatewise, in torch.nn and (where `gatewise[bench]` is installed) in Keras on TensorFlow, in one
process, in turn. Keras takes seconds for a step, so it has fewer rounds; an epoch of the report's text has 447 steps.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.timing import alternate, installed, machine
from gatewise.models import TextNetwork
from gatewise.settings import TextModelSettings, TextTrainSettings
from gatewise.tasks.generate.losses import create_text_loss
from gatewise.training.optimizers import create_optimizer

TITLE = "Text training step (B 8, T 250, 1,024 units)"
BATCH, STEPS, SYMBOLS, EMBEDDING, UNITS, RATE = 8, 250, 57, 64, 1024, 1e-3
CELLS = ("gru", "lstm", "rnn")
ROUNDS, KERAS_ROUNDS = 7, 3
EPOCH = 447


def measure() -> dict[str, Any]:
    """Return milliseconds a step by cell and contestant."""
    generator = np.random.default_rng(0)
    text = generator.integers(0, SYMBOLS, size=(BATCH, STEPS + 1))
    table = {}
    for cell in CELLS:
        contestants = {"gatewise": gatewise_step(cell, text), "torch.nn": torch_step(cell, text)}
        table[cell] = alternate(contestants, rounds=ROUNDS, repeat=1)
        keras = keras_step(cell, text)
        if keras is not None:
            again = {"gatewise": contestants["gatewise"], "Keras": keras}
            table[cell]["Keras"] = alternate(again, rounds=KERAS_ROUNDS, repeat=1)["Keras"]
    return {
        "machine": machine(),
        "versions": installed("torch", "keras", "tensorflow-cpu"),
        "threads": torch.get_num_threads(),
        "milliseconds": table,
    }


def gatewise_step(cell: str, text: np.ndarray) -> Callable[[], object]:
    settings = TextModelSettings(cell=cell, units=UNITS, embedding=EMBEDDING, head=(256, 128), head_dropout=0.1)
    network = TextNetwork(
        settings,
        SYMBOLS,
        init_generator=torch.Generator().manual_seed(0),
        dropout_generator=torch.Generator().manual_seed(1),
    ).train()
    training = TextTrainSettings(learning_rate=RATE)
    criterion, optimizer = create_text_loss(training), create_optimizer(network.parameters(), training)
    return _torch_training_step(lambda x, y: criterion(network(x)[0], y), optimizer, text)


class TorchNetwork(nn.Module):
    """The same network as a person writes it with torch.nn."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.embedding = nn.Embedding(SYMBOLS, EMBEDDING)
        self.recurrent = kind(EMBEDDING, UNITS, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(UNITS, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, SYMBOLS)
        )

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(self.embedding(ids))[0])


def torch_step(cell: str, text: np.ndarray) -> Callable[[], object]:
    network = TorchNetwork(cell).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(network(x).flatten(0, 1), y.flatten())

    return _torch_training_step(loss, optimizer, text)


def _torch_training_step(
    loss_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], optimizer: torch.optim.Optimizer, text: np.ndarray
) -> Callable[[], object]:
    ids = torch.from_numpy(text)
    x, y = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def keras_step(cell: str, text: np.ndarray) -> Callable[[], object] | None:
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
            keras.Input((STEPS,), dtype="int32"),
            layers.Embedding(SYMBOLS, EMBEDDING),
            kind(UNITS, return_sequences=True),
            layers.Dense(256, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(128, activation="relu"),
            layers.Dense(SYMBOLS, activation="softmax"),
        ]
    )
    network.compile(optimizer=keras.optimizers.Adam(RATE), loss="sparse_categorical_crossentropy")
    return lambda: network.train_on_batch(text[:, :-1], text[:, 1:])


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    names = list(found["milliseconds"]["lstm"])
    lines = [
        f"Milliseconds a step (medians of {ROUNDS} alternating rounds, of {KERAS_ROUNDS} with Keras), "
        f"{found['threads']} threads;",
        f"{found['versions']}. The last column is an epoch of the report ({EPOCH} steps) at gatewise's speed.",
        "",
        f"| cell | {' | '.join(names)} | {' | '.join(f'{name} / gatewise' for name in names[1:])} | epoch, min |",
        f"|---|{'---|' * (2 * len(names))}",
    ]
    for cell, times in found["milliseconds"].items():
        ratios = [f"{times[name] / times['gatewise']:.2f}" for name in names[1:]]
        epoch = f"{times['gatewise'] * EPOCH / 60_000:.1f}"
        lines.append(
            f"| {cell} | {' | '.join(f'{times[name]:.0f}' for name in names)} | {' | '.join(ratios)} | {epoch} |"
        )
    return "\n".join(lines)
