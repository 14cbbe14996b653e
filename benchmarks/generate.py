"""Writing: 1,024 units, embedding 64, 65 symbols, no dense layers before the output; one stream and 64.

Beside a loop of ``torch.mv`` over every weight that one step reads (recurrent, input and output), which is as fast as
memory gives them to torch, and a loop around torch.nn's own cell that samples with ``torch.multinomial``.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.timing import ROUNDS, alternate, installed, machine
from gatewise.models import TextNetwork
from gatewise.settings import SamplingSettings, TextModelSettings
from gatewise.tasks.generate.generation import Writing
from gatewise.tasks.generate.int8 import with_int8_weights

TITLE = "Writing text (1,024 units, embedding 64, 65 symbols)"
UNITS, EMBEDDING, SYMBOLS, STREAMS, REPEAT = 1024, 64, 65, 64, 10
CELLS = ("lstm", "gru")
SAMPLING = SamplingSettings(length=1_000_000, temperature=0.8, seed=0)


class Letters:
    """A vocabulary of 65 symbols."""

    symbols, kind, unknown, total = tuple(map(chr, range(40, 40 + SYMBOLS))), "characters", None, 1

    def __len__(self) -> int:
        return SYMBOLS

    def encode(self, text: str) -> np.ndarray:
        return np.array([ord(one) - 40 for one in text])

    def decode(self, ids: np.ndarray) -> str:
        return "".join(self.symbols[one] for one in ids)

    def unseen(self, text: str) -> list[tuple[int, str]]:  # noqa: ARG002
        return []


def measure() -> dict[str, Any]:
    """Return milliseconds a symbol by cell, streams and contestant, and seconds to load what writes."""
    table: dict[str, Any] = {}
    with torch.inference_mode():
        for cell in CELLS:
            network = TextNetwork(TextModelSettings(cell=cell, units=UNITS, embedding=EMBEDDING, head=()), SYMBOLS)
            int8, peer = with_int8_weights(network), TorchWriter(cell)
            for streams in (1, STREAMS):
                contestants = {
                    "gatewise": writer(network, streams),
                    "gatewise int8": writer(int8, streams),
                    "torch.nn": peer.writer(streams),
                }
                if streams == 1:
                    contestants["torch.mv"] = weight_reader(network)
                table[f"{cell}, {streams}"] = alternate(contestants, repeat=REPEAT)
    return {
        "machine": machine(),
        "versions": installed("torch"),
        "threads": torch.get_num_threads(),
        "milliseconds": table,
        "import_seconds": {name: import_seconds(name) for name in ("torch", "gatewise.tasks.generate.generation")},
    }


def writer(network: TextNetwork, streams: int) -> Callable[[], object]:
    writing = Writing(network, Letters(), [np.array([1, 2, 3])] * streams, SAMPLING, range(streams))
    return writing.step


def weight_reader(network: TextNetwork) -> Callable[[], object]:
    cell, head = network.stack.cells[0], network.head.layers[-1]
    weights = [cell.recurrent_kernel.detach(), cell.input_kernel.detach(), head.weight.detach()]
    vectors, rooms = [torch.randn(one.shape[1]) for one in weights], [torch.empty(one.shape[0]) for one in weights]

    def read() -> None:
        for weight, vector, room in zip(weights, vectors, rooms, strict=True):
            torch.mv(weight, vector, out=room)

    return read


class TorchWriter(nn.Module):
    """What one writes with torch alone: embedding, cell, linear layer, softmax, multinomial."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, EMBEDDING)
        self.cell = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[cell](EMBEDDING, UNITS)
        self.head = nn.Linear(UNITS, SYMBOLS)
        self.generator = torch.Generator().manual_seed(0)

    def writer(self, streams: int) -> Callable[[], object]:
        state: Any = None
        ids = torch.zeros(streams, dtype=torch.long)

        def step() -> list[int]:
            nonlocal state, ids
            state = self.cell(self.embedding(ids), state)
            logits = self.head(state[0] if isinstance(state, tuple) else state)
            chances = torch.softmax(logits / 0.8, dim=-1)
            ids = torch.multinomial(chances, 1, generator=self.generator)[:, 0]
            return ids.tolist()

        return step


def import_seconds(name: str) -> float:
    found = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {name}"], check=True)
        found.append(time.perf_counter() - start)
    return min(found)


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    lines = [
        f"Milliseconds for one symbol of every stream, drawn with temperature 0.8; median of "
        f"{ROUNDS} alternating rounds of {REPEAT}, {found['threads']} threads; {found['versions']}. `torch.mv` reads "
        "every weight of a step once.",
        "",
        "| cell, streams | gatewise | symbols/s | of torch.mv's speed | int8 | int8 symbols/s | torch.nn |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, times in found["milliseconds"].items():
        streams = int(name.split(", ")[1])
        ours, int8 = times["gatewise"], times["gatewise int8"]
        share = f"{times['torch.mv'] / ours:.0%}" if "torch.mv" in times else "-"
        speeds = [f"{1000 * streams / one:,.0f}" for one in (ours, int8)]
        lines.append(
            f"| {name} | {ours:.2f} | {speeds[0]} | {share} | {int8:.2f} | {speeds[1]} | {times['torch.nn']:.2f} |"
        )
    parts = [f"`import {name}` {seconds:.2f} s" for name, seconds in found["import_seconds"].items()]
    return "\n".join([*lines, "", f"Before the first symbol: {', '.join(parts)} (best of 3)."])
