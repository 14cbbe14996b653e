"""Single steps of SimpleRNN, GRU and LSTM by the compiled loops, with the call's arguments made once."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from gatewise.cells.base import State
from gatewise.cells.gru import GRU
from gatewise.cells.kernels.library import Sequence, loaded
from gatewise.cells.lstm import LSTM
from gatewise.cells.rnn import SimpleRNN

#: Streams from which packed weights are faster than the weights as they stand.
_STREAMS_TO_PACK_FOR = 2


class NativeSteps:
    """Steps of one cell for one batch; room for the state before and after a step, and the gates' inputs from outside.

    Parameters
    ----------
    function
        Name of the compiled loop.
    """

    def __init__(self, function: str, cell: SimpleRNN | GRU | LSTM, state: State) -> None:
        self._cell, self._d = cell, cell.recurrent_bias if isinstance(cell, GRU) else None
        self._fills_output = function == "rnn"  # its only gate becomes the output
        self._run = loaded().function(f"{function}_forward")
        H = cell.units
        self._weights = {
            "weights": cell.recurrent_kernel.contiguous(),
            "bias": None if self._d is None else self._d[2 * H :].contiguous(),
        }
        self._packed: Tensor | None = None  # filled by the first step that needs it
        self._call: Any = Sequence(steps=1, units=H, threads=torch.get_num_threads())
        for name, share in zip(("hold_h_rate", "hold_c_rate"), cell.hold_rates or (), strict=False):
            setattr(self._call, name, share)
        self._pointer = ctypes.byref(self._call)
        self._begin(state)

    def _begin(self, state: State) -> None:
        """Make room for a state and its successor, and tell the call where it is."""
        batch = state[0].shape[0]
        self._rooms = [torch.stack([part, part]) for part in state]  # (2, B, H) each: before and after
        self._side = torch.empty_like(state[0]) if isinstance(self._cell, GRU) else None
        if batch >= _STREAMS_TO_PACK_FOR and self._packed is None:
            self._packed = loaded().room_for_weights(self._cell.recurrent_kernel)
        places = {
            **self._weights,
            "packed": self._packed if batch >= _STREAMS_TO_PACK_FOR else None,
            "h": self._rooms[0],
            "entering": self._rooms[0],
            "c": self._rooms[1] if len(state) > 1 else None,
            "side": self._side,
        }
        self._call.batch = batch
        for name, tensor in places.items():
            setattr(self._call, name, None if tensor is None else tensor.data_ptr())

    def select(self, rows: Tensor) -> None:
        """Go on with some rows of the batch only."""
        self._begin(tuple(part[rows] for part in self.state))

    def project(self, x: Tensor) -> Tensor:
        """Return W x and all biases that stand outside of a product with a gate, ``(N, G H)``."""
        projected = linear(x, self._cell.input_kernel, self._cell.bias)
        if self._d is not None:
            gates = 2 * self._cell.units
            projected[:, :gates] += self._d[:gates]
        return projected

    def advance(self, projected: Tensor) -> Tensor:
        """Take one step and return its output; `projected`, contiguous ``(B, G H)``, becomes the gates."""
        if self._fills_output:
            self._rooms[0][1] = projected
        else:
            self._call.gates = projected.data_ptr()
        self._run(self._pointer)
        self._call.is_packed = self._call.packed is not None
        for room in self._rooms:
            room[0].copy_(room[1])
        return self._rooms[0][1]

    @property
    def state(self) -> State:
        """The state after the last step."""
        return tuple(room[0].clone() for room in self._rooms)
