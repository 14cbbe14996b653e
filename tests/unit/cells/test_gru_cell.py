import numpy as np
import pytest
import torch

from gatewise.cells import create_cell
from gatewise.cells.gru import GRU
from gatewise.errors import SettingsError


def drawn_cell(**options):
    generator = torch.Generator().manual_seed(0)
    cell = create_cell("gru", input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    return cell, torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)


def keras_gru(cell, x, keep):
    """Keras 3, `GRUCell.call`: gates in the order z, r, h over kernels of shape (inputs, 3 * units)."""

    def as_keras(weight):
        r, z, n = np.split(weight.detach().numpy(), 3)
        return np.concatenate([z, r, n]).T

    def sigmoid(a):
        return 1.0 / (1.0 + np.exp(-a))

    H = cell.units
    kernel, recurrent_kernel, bias = map(as_keras, (cell.input_kernel, cell.recurrent_kernel, cell.bias))
    h = np.zeros((x.shape[0], H))
    for x_t in x.numpy().transpose(1, 0, 2):
        x_z, x_r, x_h = np.split(x_t @ kernel + bias, 3, axis=-1)
        dropped = h * keep
        if cell.reset == "after":
            inner = dropped @ recurrent_kernel + as_keras(cell.recurrent_bias)
            z, r = sigmoid(x_z + inner[:, :H]), sigmoid(x_r + inner[:, H : 2 * H])
            hh = np.tanh(x_h + r * inner[:, 2 * H :])
        else:
            inner = dropped @ recurrent_kernel[:, : 2 * H]
            z, r = sigmoid(x_z + inner[:, :H]), sigmoid(x_r + inner[:, H:])
            hh = np.tanh(x_h + (r * dropped) @ recurrent_kernel[:, 2 * H :])
        h = z * h + (1 - z) * hh
    return h


@pytest.mark.parametrize("rate", [0.0, 0.5])
@pytest.mark.parametrize("reset", ["after", "before"])
def test_equals_the_documented_equations(reset, rate):
    cell, x = drawn_cell(reset=reset, recurrent_dropout=rate, dropout_generator=torch.Generator().manual_seed(5))
    keep = torch.empty(2, 4, dtype=torch.float64).bernoulli_(1 - rate, generator=torch.Generator().manual_seed(5))
    expected = keras_gru(cell, x, keep.numpy() / (1 - rate))
    np.testing.assert_allclose(cell(x)[1][0].detach().numpy(), expected, rtol=1e-12)


def test_equals_torch_with_the_same_weights():
    cell, x = drawn_cell()
    theirs = torch.nn.GRU(3, 4, batch_first=True).double()
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(cell.input_kernel)
        theirs.weight_hh_l0.copy_(cell.recurrent_kernel)
        theirs.bias_ih_l0.copy_(cell.bias)
        theirs.bias_hh_l0.copy_(cell.recurrent_bias)
    start = torch.randn(2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y, h = theirs(x, start[None])
    for kernel in ("torch", "reference"):
        cell.kernel = kernel
        torch.testing.assert_close(cell(x, (start,)), (y, (h[0],)))


def test_reset_before_has_no_recurrent_bias():
    cell = create_cell("gru", input_size=3, units=4, reset="before")
    assert cell.recurrent_bias is None
    assert GRU.parameter_formula(3, 4, reset="before") == GRU.parameter_formula(3, 4) - 12


def test_biases_start_at_zero():
    cell = create_cell("gru", input_size=3, units=4)
    assert not cell.bias.any()
    assert not cell.recurrent_bias.any()


def test_an_unknown_place_of_the_reset_is_refused():
    with pytest.raises(SettingsError, match=r"reset must be one of after, before \(found 'never'\)"):
        create_cell("gru", input_size=3, units=4, reset="never")
