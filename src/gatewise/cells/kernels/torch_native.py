"""torch's own recurrences, where they compute the same function: oneDNN for the LSTM on a CPU, cuDNN on a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from gatewise.cells.base import State
from gatewise.cells.gru import GRU
from gatewise.cells.kernels import Call, Kernel
from gatewise.cells.lstm import LSTM
from gatewise.cells.rnn import SimpleRNN


class TorchNative(Kernel):
    """What runs inside ``torch.nn.LSTM``, ``GRU`` and ``RNN``, given our weights."""

    @staticmethod
    def refusal(call: Call) -> str | None:
        """Refuse what torch's recurrences do not have."""
        kind = type(call.cell)
        if kind not in (SimpleRNN, GRU, LSTM):  # a subclass may have changed the equations
            return f"torch has no recurrence for the cell {kind.__name__}"
        if call.cell.changed_by:
            return f"torch has no fast recurrence with {' and '.join(call.cell.changed_by)}"
        if call.holds is not None:
            return "torch's recurrences have no zoneout"
        if isinstance(call.cell, GRU) and call.cell.reset == "before":
            return "torch's GRU resets after the product (reset='after')"
        if call.mask is not None:
            return "torch's recurrences take no mask"
        if call.recurrent_mask is not None:
            return "torch's recurrences have no recurrent dropout"
        return None

    @staticmethod
    def run(call: Call) -> tuple[Tensor, State]:
        """Return the outputs ``(B, T, H)`` and the state after the last step."""
        cell = call.cell
        state = [part.unsqueeze(0).contiguous() for part in call.state]  # (layers = 1, B, H)
        rest = (_weights(call), True, 1, 0.0, cell.training, False, True)  # biases, layers, ..., batch first
        if isinstance(cell, LSTM):
            y, h, c = torch.lstm(call.x, state, *rest)
            return y, (h.squeeze(0), c.squeeze(0))
        recurrence = torch.gru if isinstance(cell, GRU) else torch.rnn_tanh
        y, h = recurrence(call.x, state[0], *rest)
        return y, (h.squeeze(0),)


def _weights(call: Call) -> list[Tensor]:
    """Return input and recurrent kernel and the two biases that torch wants, zeros where the cell has one only."""
    cell = call.cell
    assert isinstance(cell, SimpleRNN | GRU | LSTM)
    second = cell.recurrent_bias if isinstance(cell, GRU) else torch.zeros_like(cell.bias)
    assert second is not None
    return [cell.input_kernel, call.recurrent_kernel, cell.bias, second]
