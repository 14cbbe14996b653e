"""The recurrent cells, and the kernels that compute them over whole sequences."""

from __future__ import annotations

from gatewise.registry.table import Entry, Registry

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
    base="gatewise.cells:Cell",
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
