"""The cells beside torch.nn and the machine's own limits, forward and backward, in one process and in turn.

Each row says what was to be reached. A row whose cell or option does not exist is left out, and named at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.timing import alternate, installed, machine, take_turns
from gatewise.bench.contestants import Sizes, kernel_of, layer_pass, one_product, one_step, our_layer, torch_layer
from gatewise.bench.flops import pass_flops
from gatewise.bench.memory import peak_memory
from gatewise.bench.roofline import limit_contestants, limits_from
from gatewise.cells import list_cells
from gatewise.cells.base import option_names
from gatewise.models import RecurrentStack
from gatewise.registry import CELLS

TITLE = "The cells beside torch.nn and the machine"
ROUNDS = 9
STOCK, TEXT = Sizes(8, 30, 2, 512), Sizes(8, 250, 64, 1024)
WIDE, STREAM = Sizes(64, 250, 64, 1024), Sizes(1, 1, 64, 1024)
PADDED = Sizes(8, 60, 384, 384)
LONG = Sizes(8, 1000, 64, 512)
SHORTEST = 5  # of the padded lengths; the longest is the whole batch's
#: Times faster than torch.nn.
FASTER = {
    STOCK: {"gru": 3.0, "rnn": 2.5, "lstm": 1.3},
    TEXT: {"gru": 3.5, "rnn": 2.5, "lstm": 1.1},
}
OF_SGEMM = 115 / 140  # 115 GFLOP/s where sgemm reaches 140
CHUNK = 25  # steps, where activations are computed again in pieces


@dataclass
class Found:
    """What was measured so far."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(
        self, layer: str, sizes: Sizes, ours: str, peer: str, ratio: float, *, least: float = 0.0, most: float = 0.0
    ) -> None:
        """Add a row: at the `least` this ratio was to be reached, or `most` it might be."""
        reach, met = (f">= {least:.2f}", ratio >= least) if least else (f"<= {most:.2f}", ratio <= most)
        row = {"layer": layer, "sizes": ", ".join(map(str, sizes[:4])), "ours": ours, "peer": peer}
        self.rows.append(row | {"ratio": ratio, "reach": reach, "met": met})


def measure() -> dict[str, Any]:
    """Return every row, what is left out, and which kernel computed each cell."""
    found = Found()
    for part in (beside_torch, beside_sgemm, with_dropout, over_padding, single_steps, normalised, memory, recomputed):
        print(f"  {part.__name__}", flush=True)
        part(found)
    return {
        "machine": machine(),
        "versions": installed("torch"),
        "threads": torch.get_num_threads(),
        "kernels": {cell: kernel_of(our_layer(cell, STOCK, {})) for cell in FASTER[STOCK]},
        **asdict(found),
    }


def turns(contestants: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return median milliseconds; what takes long is called once a round and warmed up twice."""
    return alternate(contestants, rounds=ROUNDS, repeat=None, warm_up=2)


def our_pass(cell: str, sizes: Sizes, **options: Any) -> Callable[[], object]:
    return layer_pass(our_layer(cell, sizes, options), sizes)


def torch_pass(cell: str, sizes: Sizes) -> Callable[[], object]:
    layer = torch_layer(cell, sizes)
    assert layer is not None
    return layer_pass(layer, sizes)


def beside_torch(found: Found) -> None:
    for sizes, reaches in FASTER.items():
        for cell, least in reaches.items():
            ms = turns({"ours": our_pass(cell, sizes), "torch": torch_pass(cell, sizes)})
            ratio = ms["torch"] / ms["ours"]
            found.add(cell, sizes, f"{ms['ours']:.1f} ms", f"torch.nn {ms['torch']:.1f} ms", ratio, least=least)


def beside_sgemm(found: Found) -> None:
    layers = {cell: our_layer(cell, WIDE, {}) for cell in FASTER[STOCK]}
    timings = {
        cell: take_turns({"ours": layer_pass(layer, WIDE), **limit_contestants()}, rounds=ROUNDS, warm_up=2)
        for cell, layer in layers.items()
    }
    sgemm = limits_from(list(timings.values())).sgemm  # the best of the three, so that no bad moment makes us look good
    for cell, layer in layers.items():
        ours = pass_flops([layer], WIDE.batch, WIDE.steps) / timings[cell]["ours"].median / 1e6
        found.add(cell, WIDE, f"{ours:.0f} GFLOP/s", f"sgemm {sgemm:.0f} GFLOP/s", ours / sgemm, least=OF_SGEMM)


def with_dropout(found: Found) -> None:
    for cell in ("lstm", "gru"):
        ms = turns({"with": our_pass(cell, STOCK, recurrent_dropout=0.2), "without": our_pass(cell, STOCK)})
        layer, ours, peer = f"{cell}, recurrent dropout 0.2", f"{ms['with']:.1f} ms", f"without {ms['without']:.1f} ms"
        found.add(layer, STOCK, ours, peer, ms["with"] / ms["without"], most=1.10)


def over_padding(found: Found) -> None:
    """Both directions over sequences of different lengths: ours with a mask, torch's on the padding and packed."""
    generator = torch.Generator().manual_seed(0)
    batch, steps, inputs, units, _ = PADDED
    lengths = torch.linspace(SHORTEST, steps, batch).long()
    mask = torch.arange(steps) < lengths[:, None]
    x = torch.randn(batch, steps, inputs, generator=generator, requires_grad=True)
    gradient = torch.randn(batch, steps, 2 * units, generator=generator)
    ours = RecurrentStack("lstm", inputs, units, bidirectional=True, init_generator=generator)
    theirs = nn.LSTM(inputs, units, bidirectional=True, batch_first=True)
    real = pack_padded_sequence(gradient, lengths, batch_first=True, enforce_sorted=False).data

    def masked() -> None:
        ours.zero_grad()
        ours(x, mask=mask)[0].backward(gradient)

    def padded() -> None:
        theirs.zero_grad()
        theirs(x)[0].backward(gradient)

    def packed() -> None:
        theirs.zero_grad()
        theirs(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))[0].data.backward(real)

    ms = turns({"ours": masked, "padded": padded, "packed": packed})
    layer = f"lstm, both directions, lengths {SHORTEST} to {steps}"
    for peer, said, least in (("padded", "torch.nn, padded", 1.0), ("packed", "torch.nn, packed", 5.0)):
        ratio = ms[peer] / ms["ours"]
        found.add(layer, PADDED, f"{ms['ours']:.1f} ms", f"{said} {ms[peer]:.1f} ms", ratio, least=least)


def single_steps(found: Found) -> None:
    for name in ("lstm", "gru"):
        cell = CELLS.load(name)(STREAM.inputs, STREAM.units)
        ms = turns({"step": one_step(cell), "product": one_product(cell)})
        ours, peer = f"{1000 * ms['step']:.0f} µs", f"torch.mv {1000 * ms['product']:.0f} µs"
        found.add(f"{name}, one step", STREAM, ours, peer, ms["product"] / ms["step"], least=0.85)


def normalised(found: Found) -> None:
    if "lstm_norm" not in list_cells():
        found.left_out.append("layer-norm LSTM: there is no cell lstm_norm")
        return
    ms = turns({"norm": our_pass("lstm_norm", TEXT), "plain": our_pass("lstm", TEXT)})
    ours, peer = f"{ms['norm']:.0f} ms", f"our lstm {ms['plain']:.0f} ms"
    found.add("lstm_norm", TEXT, ours, peer, ms["norm"] / ms["plain"], most=1.5)


def memory(found: Found) -> None:
    for sizes in FASTER:
        peaks = peak_memory(list(FASTER[sizes]), sizes, {}, threads=torch.get_num_threads())
        for cell, peak in peaks.items():
            ours, theirs = peak["gatewise"], peak["torch"]
            if ours is None or theirs is None:
                found.left_out.append(f"peak memory of {cell}: it cannot be measured on this system")
                continue
            said = f"torch.nn {_mebibytes(theirs)}"
            found.add(f"{cell}, peak memory", sizes, _mebibytes(ours), said, ours / theirs, most=1.0)


def recomputed(found: Found) -> None:
    for cell in FASTER[STOCK]:
        layer = f"{cell}, peak memory, recomputed by {CHUNK} steps"
        if "recompute_steps" not in option_names(CELLS.load(cell)):
            found.left_out.append(f"{layer}: there is no option recompute_steps")
            continue
        threads = torch.get_num_threads()
        whole = peak_memory([cell], LONG, {}, threads=threads)[cell]["gatewise"]
        pieces = peak_memory([cell], LONG, {"recompute_steps": CHUNK}, threads=threads)[cell]["gatewise"]
        if whole is None or pieces is None:
            found.left_out.append(f"{layer}: it cannot be measured on this system")
            continue
        found.add(layer, LONG, _mebibytes(pieces), f"kept {_mebibytes(whole)}", pieces / whole, most=0.5)


def _mebibytes(peak: int) -> str:
    return f"{peak / 2**20:.1f} MiB"


def markdown(found: dict[str, Any]) -> str:
    """Return what was measured as a section of docs/benchmarks.md."""
    kernels = ", ".join(f"{cell}: {kernel}" for cell, kernel in found["kernels"].items())
    lines = [
        f"Forward and backward of the layer, gradients to inputs and weights; medians of {ROUNDS} alternating rounds,",
        f"{found['threads']} threads, {found['versions']}; kernels {kernels}. A ratio that should be large is the",
        "peer's time over ours (for GFLOP/s and one step: our share of the limit); one that should be small is ours",
        "over the peer's. Peak memory is the rise of a fresh process.",
        "",
        "| layer | B, T, in, H | ours | beside | ratio | reach | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["rows"]:
        numbers = f"{row['ratio']:.3g} | {row['reach']} | {'met' if row['met'] else 'not met'}"
        lines.append(f"| {row['layer']} | {row['sizes']} | {row['ours']} | {row['peer']} | {numbers} |")
    if found["left_out"]:
        lines += ["", f"Left out: {'; '.join(found['left_out'])}."]
    return "\n".join(lines)
