"""A text network's prepared steps against its own."""

import pytest
import torch

from gatewise.models.steps import TextSteps
from text_writers import make_network


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "lstm", "layers": 2, "head": (7,), "head_dropout": 0.5},
        {"embedding": 0},
        {"cell": "rnn"},
        {"cell": "gru", "block": "residual", "layers": 2},
        {"cell": "slstm"},
        {"initial_state": "learned", "tied": True, "embedding": 16},
    ],
)
def test_steps_are_the_networks_own(options):
    network = make_network(symbols=9, **options).train()
    with torch.inference_mode():
        state = network.initial_state(4)
        steps = TextSteps(network, state)
        for ids in torch.randint(0, 10, (5, 4), generator=torch.Generator().manual_seed(0)):
            logits, state = network.step(ids, state)
            torch.testing.assert_close(steps(ids), logits, rtol=1e-4, atol=1e-4)
        steps.select(torch.tensor([2]))
        for own, other in zip(steps.state, state, strict=True):
            torch.testing.assert_close(own, other[2:3], rtol=1e-4, atol=1e-4)
