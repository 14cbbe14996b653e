"""Peak memory is what the operating system gave: at least what must be held at once."""

from __future__ import annotations

import sys

import pytest

from gatewise.bench.contestants import Sizes
from gatewise.bench.memory import peak_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from Linux's /proc")
SIZES = Sizes(batch=40, steps=60, inputs=64, units=512)


def test_a_pass_holds_weights_gradients_and_outputs() -> None:
    weights = 512 * (64 + 512 + 1)
    activations = 40 * 60 * (64 + 512)
    found = peak_memory(["rnn"], SIZES, {}, threads=1)["rnn"]
    for who in ("gatewise", "torch"):
        assert found[who] is not None
        assert 8 * (weights + activations) < found[who] < 40 * (weights + activations)


def test_what_cannot_be_measured_is_left_out() -> None:
    found = peak_memory(["rnn"], SIZES._replace(steps=2), {"no_such_option": 1}, threads=1)["rnn"]
    assert found["gatewise"] is None
    assert found["torch"] is not None
