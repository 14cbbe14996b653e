import numpy as np
import torch

from gatewise.cells import create_cell


def drawn_cell(name, **options):
    """A cell with drawn weights, inputs, and the dropout mask that it is going to draw."""
    generator = torch.Generator().manual_seed(0)
    options = {"recurrent_dropout": 0.5, "dropout_generator": torch.Generator().manual_seed(5), **options}
    cell = create_cell(name, input_size=3, units=4, generator=generator, **options).double()
    with torch.no_grad():
        for weight in cell.parameters():
            weight.normal_(0.0, 0.5, generator=generator)
    keep = torch.empty(2, 4, dtype=torch.float64).bernoulli_(0.5, generator=torch.Generator().manual_seed(5)) / 0.5
    x = torch.randn(2, 5, 3, generator=generator, dtype=torch.float64)
    weights = {key: weight.detach().numpy() for key, weight in cell.named_parameters()}
    return cell, x, weights, keep.numpy()


def LN(a):
    return (a - a.mean(-1, keepdims=True)) / np.sqrt(a.var(-1, keepdims=True) + 1e-5)


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def test_the_lstm_equals_the_papers_equations():
    cell, x, w, keep = drawn_cell("lstm_norm")
    h = c = np.zeros((2, 4))
    for x_t in x.numpy().transpose(1, 0, 2):
        from_input = LN(x_t @ w["input_kernel"].T) * w["input_gain"]
        from_state = LN((h * keep) @ w["recurrent_kernel"].T) * w["recurrent_gain"]
        i, f, g, o = np.split(from_input + from_state + w["bias"], 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(LN(c) * w["cell_gain"] + w["cell_bias"])
    h_end, c_end = (part.detach().numpy() for part in cell(x)[1])
    np.testing.assert_allclose(h_end, h, rtol=1e-10)
    np.testing.assert_allclose(c_end, c, rtol=1e-10)


def test_the_gru_equals_the_papers_equations():
    cell, x, w, keep = drawn_cell("gru_norm")
    h = np.zeros((2, 4))

    def norm(a, gain):
        return np.concatenate([LN(a[:, :8]), LN(a[:, 8:])], axis=1) * gain

    for x_t in x.numpy().transpose(1, 0, 2):
        x_r, x_z, x_n = np.split(norm(x_t @ w["input_kernel"].T, w["input_gain"]) + w["bias"], 3, axis=1)
        h_r, h_z, h_n = np.split(norm((h * keep) @ w["recurrent_kernel"].T, w["recurrent_gain"]), 3, axis=1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = np.tanh(x_n + r * (h_n + w["recurrent_bias"]))
        h = (1 - z) * n + z * h
    np.testing.assert_allclose(cell(x)[1][0].detach().numpy(), h, rtol=1e-10)


def test_gains_start_at_one_and_biases_at_zero_but_the_forget_gates():
    lstm, gru = (create_cell(name, input_size=3, units=2) for name in ("lstm_norm", "gru_norm"))
    assert lstm.bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert not any(bias.any() for bias in (lstm.cell_bias, gru.bias, gru.recurrent_bias))
    for gain in (lstm.input_gain, lstm.recurrent_gain, lstm.cell_gain, gru.input_gain, gru.recurrent_gain):
        assert bool((gain == 1).all())
