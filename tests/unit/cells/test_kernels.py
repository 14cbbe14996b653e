import pytest
import torch

from gatewise.cells import create_cell
from gatewise.cells.kernels import Call, choose_kernel
from gatewise.cells.kernels.library import library
from gatewise.cells.lstm import LSTM
from gatewise.errors import SettingsError
from gatewise.registry import CELLS, KERNELS


class Forgetful(LSTM):
    """An LSTM with other equations: no fast path for LSTM may take it."""

    def update(self, projected, h, state):
        return tuple(0.5 * part for part in super().update(projected, h, state))


def chosen(name="lstm", *, mask=None, kernel="auto", train=True, **options):
    cell = create_cell(name, input_size=2, units=3, kernel=kernel, **options).train(train)
    x = torch.zeros(2, 4, 2)
    return choose_kernel(Call(cell, x, cell.initial_state(2), mask, cell.draw_recurrent_mask(2))).__name__


compiled = pytest.mark.skipif(library() is None, reason="the compiled kernels are not built for this machine")


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setattr("gatewise.cells.kernels.native.library", lambda: None)


@compiled
@pytest.mark.parametrize(
    "options",
    [{}, {"recurrent_dropout": 0.2}, {"mask": torch.ones(2, 4, dtype=torch.bool)}],
    ids=["plain", "dropout", "mask"],
)
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_auto_takes_the_compiled_loop(name, options):
    assert chosen(name, **options) == "Native"


@compiled
def test_the_compiled_loop_is_there_where_it_can_be_built():
    assert chosen("gru", reset="before") == "Native"


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_auto_takes_torch_where_it_computes_the_same(name, no_library):
    assert chosen(name) == "TorchNative"
    assert chosen(name, recurrent_dropout=0.2, train=False) == "TorchNative"


def test_auto_takes_the_reference_loop_otherwise(no_library):
    assert chosen(mask=torch.ones(2, 4, dtype=torch.bool)) == "Reference"
    assert chosen(recurrent_dropout=0.2) == "Reference"
    assert chosen("gru", reset="before") == "Reference"


def test_a_kernel_can_be_asked_for_by_name():
    assert chosen(kernel="reference") == "Reference"
    assert chosen(kernel="torch") == "TorchNative"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"mask": torch.ones(2, 4, dtype=torch.bool)}, "torch's recurrences take no mask"),
        ({"recurrent_dropout": 0.2}, "torch's recurrences have no recurrent dropout"),
        ({"name": "gru", "reset": "before"}, r"torch's GRU resets after the product \(reset='after'\)"),
    ],
)
def test_a_kernel_asked_for_by_name_says_why_it_cannot(options, why):
    with pytest.raises(SettingsError, match=f"the kernel 'torch' cannot compute this call: {why}. Use kernel='auto'"):
        chosen(kernel="torch", **options)


def test_a_changed_lstm_does_not_run_as_an_lstm():
    CELLS.register("forgetful", Forgetful)
    try:
        assert chosen("forgetful") == "Reference"
        with pytest.raises(SettingsError, match="torch has no recurrence for the cell Forgetful"):
            chosen("forgetful", kernel="torch")
    finally:
        CELLS.unregister("forgetful")


def test_a_new_kernel_is_taken_first():
    class Picky(KERNELS.load("reference")):
        @staticmethod
        def refusal(call):
            return None if call.x.shape[0] == 2 else "two sequences or none"

    KERNELS.register("picky", Picky)
    try:
        assert chosen() == "Picky"
    finally:
        KERNELS.unregister("picky")
    assert chosen() != "Picky"


def test_an_unknown_kernel_set_later_is_refused():
    cell = create_cell("rnn", input_size=2, units=3)
    cell.kernel = "tprch"
    with pytest.raises(SettingsError, match="unknown kernel 'tprch': did you mean 'torch'"):
        cell(torch.zeros(2, 4, 2))
